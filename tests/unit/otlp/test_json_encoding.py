"""OTLP/JSON: its two differences from protobuf's JSON apply in both directions."""

from __future__ import annotations

import json

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from otel_tbot.otlp.json_encoding import from_otlp_json, to_otlp_json

TRACE_ID = bytes.fromhex("5b8efff798038103d269b633813fc60c")
SPAN_ID = bytes.fromhex("eee19b7ec3c1b174")

SPAN = Span(
    trace_id=TRACE_ID,
    span_id=SPAN_ID,
    parent_span_id=SPAN_ID,
    kind=Span.SPAN_KIND_INTERNAL,
    start_time_unix_nano=1544712660000000000,
    links=[Span.Link(trace_id=TRACE_ID, span_id=SPAN_ID)],
    status=Status(code=Status.STATUS_CODE_ERROR),
)
SPAN_JSON = {
    "traceId": "5b8efff798038103d269b633813fc60c",
    "spanId": "eee19b7ec3c1b174",
    "parentSpanId": "eee19b7ec3c1b174",
    "kind": 1,
    "startTimeUnixNano": "1544712660000000000",
    "links": [{"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174"}],
    "status": {"code": 2},
}


def test_span() -> None:
    """A span's ids are hexadecimal, its links' too, its enums numbers and its times strings."""
    assert to_otlp_json(SPAN) == SPAN_JSON
    assert from_otlp_json(SPAN_JSON, Span) == SPAN


def test_log_record() -> None:
    """A log record's ids are hexadecimal, and its severity a number."""
    log_record = LogRecord(trace_id=TRACE_ID, span_id=SPAN_ID, severity_number=9, flags=1)  # type: ignore[arg-type]  # 9 is a severity
    document = {"traceId": TRACE_ID.hex(), "spanId": SPAN_ID.hex(), "severityNumber": 9, "flags": 1}

    assert to_otlp_json(log_record) == document
    assert from_otlp_json(document, LogRecord) == log_record


def test_attributes_are_not_ids() -> None:
    """An attribute with the name of an id, and bytes in a value, stay in the form of protobuf's JSON."""
    log_record = LogRecord(
        attributes=[
            KeyValue(key="traceId", value=AnyValue(string_value="zz")),
            KeyValue(key="bytes", value=AnyValue(bytes_value=b"\x00\x01\x02")),
            KeyValue(key="int", value=AnyValue(int_value=7)),
        ]
    )
    document = {
        "attributes": [
            {"key": "traceId", "value": {"stringValue": "zz"}},
            {"key": "bytes", "value": {"bytesValue": "AAEC"}},
            {"key": "int", "value": {"intValue": "7"}},
        ]
    }

    assert to_otlp_json(log_record) == document
    assert from_otlp_json(document, LogRecord) == log_record


@pytest.mark.parametrize(
    "document",
    [
        {"trace_id": TRACE_ID.hex(), "span_id": SPAN_ID.hex(), "time_unix_nano": 7},
        {"traceId": TRACE_ID.hex().upper(), "spanId": SPAN_ID.hex(), "timeUnixNano": "7"},
        {"traceId": TRACE_ID.hex(), "spanId": SPAN_ID.hex(), "timeUnixNano": 7, "later": {"traceId": 7}},
    ],
)
def test_tolerance(document: dict[str, object]) -> None:
    """Names as in the .proto files, capital digits, numbers for strings and unknown fields are accepted."""
    assert from_otlp_json(document, LogRecord) == LogRecord(trace_id=TRACE_ID, span_id=SPAN_ID, time_unix_nano=7)


@pytest.mark.parametrize("message_type", [ExportLogsServiceRequest, ExportTraceServiceRequest])
def test_empty(message_type: type[ExportLogsServiceRequest]) -> None:
    """An empty request is an empty object."""
    assert to_otlp_json(message_type()) == {}
    assert from_otlp_json({}, message_type) == message_type()


def test_writable() -> None:
    """The result can be serialized as JSON and parsed again."""
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.append(SPAN)

    assert from_otlp_json(json.loads(json.dumps(to_otlp_json(request))), ExportTraceServiceRequest) == request


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        "text",
        {"traceId": "xyz"},
        {"traceId": "abc"},
        {"flags": "many"},
        {"severityNumber": "\ud800"},
        {"\ud800": 1},
    ],
)
def test_not_otlp_json(document: object) -> None:
    """JSON that does not represent a message is rejected."""
    with pytest.raises(ValueError, match="OTLP/JSON"):
        from_otlp_json(document, LogRecord)
