"""A start reported from a haunted place, and what is to be true of the bytes that came of it."""

from __future__ import annotations

import re
import time
import uuid
from importlib.metadata import version
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from otel_tbot.session import Session
from otel_tbot.testing import Reply
from tests.promises import contract
from tests.promises.canary_host.host import VALUES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otel_tbot.testing import ReceivedRequest
    from tests.promises.canary_host.host import CanaryHost
    from tests.promises.recorded_backend import RecordedBackend
    from tests.promises.sent_requests import SentRequest

RECEIVER = "otel-tbot serve"
SERVICES = {"logs": "logs.v1.LogsService", "traces": "trace.v1.TraceService"}
GRPC_USER_AGENT = re.compile(
    rf"OTel-OTLP-Exporter-Python/{re.escape(version('opentelemetry-exporter-otlp-proto-grpc'))} "
    rf"grpc-python/{re.escape(version('grpcio'))} grpc-c/[0-9.]+ \((linux|osx|windows); chttp2\)"
)


class Report:
    """A start reported from a haunted place, over a wire."""

    def __init__(self, place: CanaryHost, transmission: RecordedBackend) -> None:
        """Have the backend set a cookie with each answer."""
        self._place, self._transmission = place, transmission
        cookie = f"id={place.canaries.plant('cookie of the backend')}; Path=/; Max-Age=1000"
        transmission.reply(Reply(headers={"Set-Cookie": cookie}))

    def make(
        self, way: str, signal: str, context: str = "here", *, count: int, tracing: Sequence[str] = ()
    ) -> list[ReceivedRequest]:
        """Report the start, and return the requests that came of it."""
        self._began = int(time.time())
        self._machine: dict[str, None] = {"os_type": None, "host_arch": None} if way == RECEIVER else {}
        ended = self._place.report(way, signal, context, environ=self._transmission.environ, tracing=tracing)
        assert ended.returncode == 0, ended.stderr
        received = self._transmission.received(count)
        assert len(received) == count
        if way == RECEIVER:  # it asked the backend first whether it accepts anything
            assert received.pop(0).body == b""
        return received

    def check_bytes(self) -> None:
        """Check that no word is among the bytes."""
        assert len(self._place.canaries.words) > 500
        assert self._place.canaries.found_in(self._transmission.everything()) == []

    def check_bodies(self, requests: list[ReceivedRequest]) -> None:
        """Check that each body is the contract's."""
        for request in requests:
            (event,) = request.log_records or request.spans
            session_id = str(event.resource_attributes["session.id"])
            assert uuid.UUID(session_id).version == 4
            session = Session(id=session_id, **self._machine)
            if request.log_records:
                record = request.log_records[0].log_record
                seconds = [record.time_unix_nano // contract.SECOND]
                body = contract.NO_BODY if record.HasField("body") else None
                expected = contract.log_request(VALUES, session=session, seconds=seconds[0], body=body)
            else:
                span = request.spans[0].span
                times = (span.start_time_unix_nano, span.end_time_unix_nano)
                seconds = [at // contract.SECOND for at in times]
                expected = contract.trace_request(
                    VALUES,
                    session=session,
                    seconds=(seconds[0], seconds[1]),
                    trace_id=span.trace_id,
                    span_id=span.span_id,
                )
            assert self._began <= min(seconds) <= max(seconds) <= time.time()
            assert request.body == expected

    def check_headers(self, signal: str) -> None:
        """Check that the bytes are requests with the listed headers alone."""
        for request in self._transmission.requests():
            headers = dict(request.headers)
            assert len(headers) == len(request.headers), "each header stands there once"
            grpc_timeout = headers.pop("grpc-timeout", None)
            user_agent = headers.pop("user-agent")
            if grpc_timeout is None:
                assert user_agent == f"OTel-OTLP-Exporter-Python/{version('opentelemetry-exporter-otlp-proto-http')}"
                assert headers == self._http_headers(signal, request)
            else:
                assert GRPC_USER_AGENT.fullmatch(user_agent)
                assert re.fullmatch(r"[0-9]{1,8}[HMSmun]", grpc_timeout), "what is left of the time-out"
                assert headers == self._grpc_headers(signal)

    def _http_headers(self, signal: str, request: SentRequest) -> dict[str, str]:
        return {
            ":method": "POST",
            ":path": f"/v1/{signal}",
            "host": urlsplit(self._transmission.wire.endpoint).netloc,
            "accept-encoding": "identity",
            "content-type": "application/x-protobuf",
            "content-length": str(len(request.body)),
        }

    def _grpc_headers(self, signal: str) -> dict[str, str]:
        return {
            ":method": "POST",
            ":scheme": "http",
            ":path": f"/opentelemetry.proto.collector.{SERVICES[signal]}/Export",
            ":authority": urlsplit(self._transmission.wire.endpoint).netloc,
            "content-type": "application/grpc",
            "te": "trailers",
            "grpc-accept-encoding": "identity, deflate, gzip",
        }
