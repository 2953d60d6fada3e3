"""The backend gets exactly tbot's event, each session separately, and many sessions in one request."""

from __future__ import annotations

import json
import re
import time
import uuid
from typing import TYPE_CHECKING

import pytest

from otel_tbot import Session, records
from otel_tbot.receiver.wire.tbot_pb import TbotStartEvent
from tests.integration.receiver.conftest import ON
from tests.integration.receiver.http_client import GO, SESSION, connect, raw, read, request, submit

if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_tbot.testing import OTLPReceiver
    from tests.integration.receiver.receiver_process import RunningReceiver

NEWEST = 1_767_323_045  # seconds since 1970
ALL = {
    "tbot.run_mode": "one-shot",
    "tbot.version": "18.2.3",
    "tbot.join_type": "github",
    "tbot.helper": "gha:teleport-actions/auth",
    "tbot.helper_version": "2.0.1",
    "tbot.destinations_other": 1,
    "tbot.destinations_database": 0,
    "tbot.destinations_kubernetes": 2,
    "tbot.destinations_application": 0,
}
# As tbot's client writes it.
AS_JSON = b"""{
  "distinctId": "1e60b1b2-6f3a-4b0a-9b0e-1d2c3b4a5f60", "timestamp": "2026-01-02T03:04:05.987654321Z",
  "start": {
    "runMode": "RUN_MODE_ONE_SHOT", "version": "18.2.3", "joinType": "github",
    "helper": "gha:teleport-actions/auth", "helperVersion": "2.0.1", "destinationsOther": 1,
    "destinationsDatabase": 0, "destinationsKubernetes": 2, "destinationsApplication": 0
  }
}"""
RUN_MODES = [("RUN_MODE_ONE_SHOT", "one-shot"), ("RUN_MODE_DAEMON", "daemon"), (1, "one-shot"), (2, "daemon")]


def test_log_record(port: int, backend: OTLPReceiver) -> None:
    """The event arrives as the same log record that `emit` sends, at tbot's time, in tbot's session."""
    assert submit(port, request(at=NEWEST)).status == 200
    (record,) = backend.log_records
    sent = record.log_record
    assert record.attributes == ALL
    assert (sent.event_name, sent.severity_number, sent.body.string_value) == ("tbot.start", 9, "tbot.start")
    assert sent.time_unix_nano == sent.observed_time_unix_nano == NEWEST * 10**9
    assert (sent.trace_id, sent.span_id) == (b"", b"")
    assert (record.scope.name, len(record.scope.attributes)) == ("otel_tbot", 0)


@pytest.mark.parametrize(("run_mode", "expected"), RUN_MODES, ids=str)
@pytest.mark.parametrize("snake_case", [False, True], ids=["lowerCamelCase", "snake_case"])
def test_json_form(port: int, backend: OTLPReceiver, run_mode: str | int, expected: str, *, snake_case: bool) -> None:
    """The JSON form of tbot's message, with enum names or numbers, has the same result as the binary form."""
    document = AS_JSON.replace(b'"RUN_MODE_ONE_SHOT"', json.dumps(run_mode).encode())
    if snake_case:
        document = re.sub(rb'[A-Z](?=\w*":)', lambda letter: b"_" + letter[0].lower(), document)
    assert submit(port, document, {**GO, "Content-Type": "application/json"}).status == 200
    (record,) = backend.log_records
    assert record.attributes == {**ALL, "tbot.run_mode": expected}
    assert record.resource_attributes["session.id"] == SESSION
    assert record.log_record.time_unix_nano == NEWEST * 10**9


def test_resource(port: int, backend: OTLPReceiver) -> None:
    """The resource has tbot's session, without system and architecture, which would be the receiver's."""
    assert submit(port).status == 200
    (record,) = backend.log_records
    tbots = Session(id=SESSION, os_type=None, host_arch=None)
    assert record.resource_attributes == dict(records.build_resource(tbots).attributes)
    assert not {"os.type", "host.arch"} & record.resource_attributes.keys()


def test_span(serve: Callable[..., RunningReceiver], receiver: OTLPReceiver) -> None:
    """With --signal traces the event arrives as a root span."""
    running = serve("--signal", "traces", **ON, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.http_endpoint)
    assert submit(running.port, request(at=NEWEST)).status == 200
    (span,) = receiver.spans
    assert span.attributes == ALL
    assert (span.span.name, span.span.parent_span_id) == ("tbot.start", b"")
    assert span.span.start_time_unix_nano == span.span.end_time_unix_nano == NEWEST * 10**9


@pytest.mark.parametrize("at", [None, 0, -5, 2**40], ids=["absent", "1970", "before", "after 2262"])
def test_time_of_arrival(port: int, backend: OTLPReceiver, at: int | None) -> None:
    """A missing or impossible time is replaced by the time of arrival, in whole seconds."""
    submit(port, request(at=at))
    (record,) = backend.log_records
    assert record.log_record.time_unix_nano % 10**9 == 0
    assert abs(record.log_record.time_unix_nano / 10**9 - time.time()) < 60


def test_validation(port: int, backend: OTLPReceiver) -> None:
    """Values are validated as everywhere: invalid ones are left out, unknown ones become `_OTHER`."""
    start = TbotStartEvent(
        run_mode=TbotStartEvent.RunMode.DAEMON,
        version="host-1.example",
        join_type="my-own-method",
        helper="who am I?",
        destinations_application=2**31 - 1,
    )
    assert submit(port, request(start, session=SESSION.upper())).status == 200
    (record,) = backend.log_records
    assert record.attributes == {
        "tbot.run_mode": "daemon",
        "tbot.join_type": "_OTHER",
        "tbot.helper": "_OTHER",
        "tbot.destinations_other": 0,
        "tbot.destinations_database": 0,
        "tbot.destinations_kubernetes": 0,
        "tbot.destinations_application": 2**31 - 1,
    }
    assert record.resource_attributes["session.id"] == SESSION


def test_nothing_else_is_forwarded(port: int, backend: OTLPReceiver) -> None:
    """Unknown fields, headers, the path and the sender's address do not reach the backend."""
    unknown = b"\xfa\x01\x06canary"  # field 31
    headers = {**GO, "X-Forwarded-For": "canary.example", "Forwarded": "for=canary", "Traceparent": "canary"}
    assert (
        submit(
            port, request() + unknown, headers, path="/canary/prehog.v1alpha.TbotReportingService/SubmitTbotEvent"
        ).status
        == 200
    )
    (received,) = backend.requests
    assert b"canary" not in received.body
    assert b"127.0.0.1" not in received.body


def test_unknown_fields_are_counted(running: RunningReceiver) -> None:
    """A submission with fields unknown to this version is accepted, and counted once, in either encoding."""
    as_json = {**GO, "Content-Type": "application/json"}
    known = b'{"distinctId": "%s", "start": {"runMode": "RUN_MODE_DAEMON"%s}}'
    submit(running.port, request() + b"\xfa\x01\x01x")
    submit(running.port, known % (SESSION.encode(), b', "a": 1, "b": 2'), as_json)
    submit(running.port, known % (SESSION.encode(), b""), as_json)
    submit(running.port, request() + b"\x1a\x02\x30\x00")  # a known field that spells out its default
    assert running.stop() == 0
    assert (running.summary["unknown_fields"], running.summary["exported"]) == (2, 4)


def test_many_sessions_in_one_request(port: int, backend: OTLPReceiver) -> None:
    """Events in the queue share an export request, each under the resource of its own session."""
    sessions = [str(uuid.uuid4()) for _ in range(50)]
    connections = [connect(port) for _ in sessions]
    for connection, session in zip(connections, sessions, strict=True):
        connection.sendall(raw(request(session=session)))
    for connection in connections:
        assert read(connection).status == 200
        connection.close()
    assert {record.resource_attributes["session.id"] for record in backend.log_records} == set(sessions)
    assert len(backend.log_records) == len(sessions) > len(backend.requests)
    assert all(len(one.message.resource_logs) == len(one.log_records) for one in backend.requests)  # type: ignore[union-attr]  # logs
