"""ReceivedRequest: its content can be read without knowing protobuf, and cannot be changed."""

from __future__ import annotations

import dataclasses

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList

from otel_tbot.testing import ReceivedRequest

VALUES: list[tuple[AnyValue, object]] = [
    (AnyValue(string_value="text"), "text"),
    (AnyValue(int_value=-7), -7),
    (AnyValue(double_value=0.5), 0.5),
    (AnyValue(bool_value=False), False),
    (AnyValue(bytes_value=b"\x00"), b"\x00"),
    (AnyValue(array_value=ArrayValue(values=[AnyValue(int_value=1), AnyValue()])), [1, None]),
    (
        AnyValue(kvlist_value=KeyValueList(values=[KeyValue(key="inner", value=AnyValue(string_value=""))])),
        {"inner": ""},
    ),
    (AnyValue(), None),
]


def _request(message: ExportLogsServiceRequest) -> ReceivedRequest:
    """Create a request like the receiver does."""
    return ReceivedRequest(signal="logs", protocol="grpc", path="/", headers={}, body=b"", message=message)


@pytest.mark.parametrize(("value", "expected"), VALUES)
def test_attributes(value: AnyValue, expected: object) -> None:
    """Each kind of attribute value becomes the corresponding Python value."""
    message = ExportLogsServiceRequest()
    message.resource_logs.add().scope_logs.add().log_records.add().attributes.add(key="key", value=value)

    assert _request(message).log_records[0].attributes == {"key": expected}


def test_flattened() -> None:
    """Log records come in the order of the request, each with its own resource and scope."""
    message = ExportLogsServiceRequest()
    for resource in "AB":
        of_resource = message.resource_logs.add()
        of_resource.resource.attributes.add(key="name", value=AnyValue(string_value=resource))
        for scope in "xy":
            of_scope = of_resource.scope_logs.add()
            of_scope.scope.name = scope
            of_scope.log_records.add(event_name=f"{resource}{scope}1")
            of_scope.log_records.add(event_name=f"{resource}{scope}2")

    found = [
        (received.resource_attributes["name"], received.scope.name, received.log_record.event_name)
        for received in _request(message).log_records
    ]
    assert found == [(name[0], name[1], name) for name in ("Ax1", "Ax2", "Ay1", "Ay2", "Bx1", "Bx2", "By1", "By2")]


def test_unpacking() -> None:
    """A received record can be unpacked like a tuple."""
    message = ExportLogsServiceRequest()
    message.resource_logs.add().scope_logs.add().log_records.add(event_name="tbot.start")
    _resource, _scope, log_record = _request(message).log_records[0]

    assert log_record.event_name == "tbot.start"


def test_frozen() -> None:
    """A request cannot be changed."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        _request(ExportLogsServiceRequest()).path = "/other"  # type: ignore[misc]  # the mistake under test
