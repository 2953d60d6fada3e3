"""An in-memory backend that encodes what the exporters pass to it as OTLP, and checks every field."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from jsonschema import Draft202012Validator
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk._logs.export import LogRecordExportResult
from opentelemetry.sdk.trace.export import SpanExportResult

from otel_tbot import AnonymousLogExporter, AnonymousSpanExporter
from otel_tbot.schema.json_schema import json_schema
from otel_tbot.schema.registry import load
from tests.fuzz import allowed_values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from google.protobuf.message import Message

SECOND = 10**9  # nanoseconds
INFO = 9
INTERNAL = 1


class SentEvent(NamedTuple):
    """One event as it was sent.

    Attributes:
        attributes: the attributes of the record or span.
        resource: the attributes of its resource.
    """

    attributes: dict[str, Any]
    resource: dict[str, Any]


class Wire:
    """Replaces the OTLP exporter, and keeps the encoded requests."""

    def __init__(self, encode: Callable[[Any], Message], success: object) -> None:
        """Create one without requests."""
        self._encode = encode
        self._success = success
        self.requests: list[bytes] = []

    def export(self, items: Sequence[Any]) -> object:
        """Encode and keep a request."""
        self.requests.append(self._encode(items).SerializeToString())
        return self._success


def log_exporter() -> tuple[AnonymousLogExporter, Wire]:
    """Return the exporter of log records, and its delegate."""
    wire = Wire(encode_logs, LogRecordExportResult.SUCCESS)
    return AnonymousLogExporter(wire), wire  # type: ignore[arg-type]  # it has the one method that is called


def span_exporter() -> tuple[AnonymousSpanExporter, Wire]:
    """Return the exporter of spans, and its delegate."""
    wire = Wire(encode_spans, SpanExportResult.SUCCESS)
    return AnonymousSpanExporter(wire), wire  # type: ignore[arg-type]  # it has the one method that is called


def log_records(requests: Iterable[bytes]) -> list[SentEvent]:
    """Decode requests of log records and check every field."""
    left = []
    for body in requests:
        request = ExportLogsServiceRequest.FromString(body)
        for record, resource in _items(request, "resource_logs", "scope_logs", "log_records"):
            fields = _fields(record)
            assert fields.keys() <= {
                "time_unix_nano", "observed_time_unix_nano", "severity_number", "event_name", "attributes", "body",
            }  # fmt: skip
            assert record.body.string_value == "tbot.start"
            assert (fields["severity_number"], fields["event_name"]) == (INFO, "tbot.start")
            assert fields["time_unix_nano"] == fields["observed_time_unix_nano"]
            _check_time(fields["time_unix_nano"])
            left.append(_checked(fields["attributes"], resource))
    return left


def spans(requests: Iterable[bytes]) -> list[SentEvent]:
    """Decode requests of spans and check every field."""
    left = []
    for body in requests:
        request = ExportTraceServiceRequest.FromString(body)
        for span, resource in _items(request, "resource_spans", "scope_spans", "spans"):
            fields = _fields(span)
            # The status is empty; the flags say that it is known whether the parent is remote, although there is none.
            assert fields.keys() <= {
                "trace_id", "span_id", "name", "kind", "attributes", "start_time_unix_nano", "end_time_unix_nano",
                "status", "flags",
            }  # fmt: skip
            assert (fields["name"], fields["kind"]) == ("tbot.start", INTERNAL)
            assert (len(fields["trace_id"]), len(fields["span_id"])) == (16, 8)
            assert any(fields["trace_id"])
            assert any(fields["span_id"])
            assert not fields["status"].ListFields()
            assert fields["flags"] in {0x100, 0x101}
            _check_time(fields["start_time_unix_nano"])
            _check_time(fields["end_time_unix_nano"])
            assert fields["start_time_unix_nano"] <= fields["end_time_unix_nano"]
            left.append(_checked(fields["attributes"], resource))
    return left


def _items(request: Message, *path: str) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Yield the records or spans with the attributes of their resource, and check the messages around them."""
    resource_groups, scope_groups, items = path
    assert _fields(request).keys() == {resource_groups}
    for resource_group in getattr(request, resource_groups):
        assert _fields(resource_group).keys() == {"resource", scope_groups}
        assert _fields(resource_group.resource).keys() == {"attributes"}
        for scope_group in getattr(resource_group, scope_groups):
            assert _fields(scope_group).keys() == {"scope", items}
            assert _fields(scope_group.scope) == allowed_values.SCOPE
            for item in getattr(scope_group, items):
                yield item, _to_dict(resource_group.resource.attributes)


def _fields(message: Message) -> dict[str, Any]:
    """Return the fields that are set."""
    return {field.name: value for field, value in message.ListFields()}


def _to_dict(attributes: Any) -> dict[str, Any]:  # noqa: ANN401  protobuf's list of key and value
    """Return attributes as a mapping, and check that names are unique and values are strings or integers."""
    values: dict[str, Any] = {}
    for attribute in attributes:
        kind = attribute.value.WhichOneof("value")
        assert kind in {"string_value", "int_value"}
        assert attribute.key not in values
        values[attribute.key] = getattr(attribute.value, kind)
    return values


def _check_time(nanoseconds: int) -> None:
    assert SECOND <= nanoseconds < 2**63
    assert nanoseconds % SECOND == 0


def _checked(attributes: Any, resource: dict[str, Any]) -> SentEvent:  # noqa: ANN401  protobuf's list of key and value
    """Check an event against the package's JSON Schema and the list written by hand."""
    event = _to_dict(attributes)
    _schema().validate({"attributes": event, "resource": resource})
    allowed_values.check_event(event)
    allowed_values.check_resource(resource)
    return SentEvent(attributes=event, resource=resource)


@cache
def _schema() -> Draft202012Validator:
    return Draft202012Validator(json_schema(load()))
