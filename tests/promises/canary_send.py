"""A start reported from the canary host, and the checks of the bytes that it sent."""

from __future__ import annotations

import re
import time
import uuid
from importlib.metadata import version
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from otel_tbot.session import Session
from otel_tbot.testing import Reply
from tests.support import expected_requests
from tests.support.canaries.host import VALUES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otel_tbot.testing import ReceivedRequest
    from tests.support.backends.recorded import RecordedBackend
    from tests.support.backends.request_parser import SentRequest
    from tests.support.canaries.host import CanaryHost

RECEIVER = "otel-tbot serve"
SERVICES = {"logs": "logs.v1.LogsService", "traces": "trace.v1.TraceService"}
GRPC_USER_AGENT = re.compile(
    rf"OTel-OTLP-Exporter-Python/{re.escape(version('opentelemetry-exporter-otlp-proto-grpc'))} "
    rf"grpc-python/{re.escape(version('grpcio'))} grpc-c/[0-9.]+ \((linux|osx|windows); chttp2\)"
)


class Report:
    """Reports starts from a canary host to a recorded backend."""

    def __init__(self, location: CanaryHost, recorded: RecordedBackend) -> None:
        """Let the backend set a cookie with each answer."""
        self._host, self._recorded = location, recorded
        cookie = f"id={location.canaries.plant('cookie of the backend')}; Path=/; Max-Age=1000"
        recorded.reply(Reply(headers={"Set-Cookie": cookie}))

    def make(
        self, entry_point: str, signal: str, context: str = "here", *, count: int, tracing: Sequence[str] = ()
    ) -> list[ReceivedRequest]:
        """Report the start, and return the requests that arrived."""
        self._began = int(time.time())
        self._machine: dict[str, None] = {"os_type": None, "host_arch": None} if entry_point == RECEIVER else {}
        ended = self._host.report(entry_point, signal, context, environ=self._recorded.environ, tracing=tracing)
        assert ended.returncode == 0, ended.stderr
        received = self._recorded.received(count)
        assert len(received) == count
        if entry_point == RECEIVER:  # the receiver first sends an empty request to check the backend
            assert received.pop(0).body == b""
        return received

    def check_bytes(self) -> None:
        """Check that the bytes contain no canary."""
        assert len(self._host.canaries.words) > 500
        assert self._host.canaries.found_in(self._recorded.all_bytes()) == []

    def check_bodies(self, requests: list[ReceivedRequest]) -> None:
        """Check that each body is the contract's, byte for byte."""
        for request in requests:
            (event,) = request.log_records or request.spans
            session_id = str(event.resource_attributes["session.id"])
            assert uuid.UUID(session_id).version == 4
            session = Session(id=session_id, **self._machine)
            if request.log_records:
                record = request.log_records[0].log_record
                seconds = [record.time_unix_nano // expected_requests.SECOND]
                expected = expected_requests.log_request(VALUES, session=session, seconds=seconds[0])
            else:
                span = request.spans[0].span
                times = (span.start_time_unix_nano, span.end_time_unix_nano)
                seconds = [at // expected_requests.SECOND for at in times]
                expected = expected_requests.trace_request(
                    VALUES,
                    session=session,
                    seconds=(seconds[0], seconds[1]),
                    trace_id=span.trace_id,
                    span_id=span.span_id,
                )
            assert self._began <= min(seconds) <= max(seconds) <= time.time()
            assert request.body == expected

    def check_headers(self, signal: str) -> None:
        """Check that the bytes are requests with only the listed headers."""
        for request in self._recorded.requests():
            headers = dict(request.headers)
            assert len(headers) == len(request.headers), "no header is repeated"
            grpc_timeout = headers.pop("grpc-timeout", None)
            user_agent = headers.pop("user-agent")
            if grpc_timeout is None:
                assert user_agent == f"OTel-OTLP-Exporter-Python/{version('opentelemetry-exporter-otlp-proto-http')}"
                assert headers == self._http_headers(signal, request)
            else:
                assert GRPC_USER_AGENT.fullmatch(user_agent)
                assert re.fullmatch(r"[0-9]{1,8}[HMSmun]", grpc_timeout), "the remaining timeout"
                assert headers == self._grpc_headers(signal)

    def _http_headers(self, signal: str, request: SentRequest) -> dict[str, str]:
        return {
            ":method": "POST",
            ":path": f"/v1/{signal}",
            "host": urlsplit(self._recorded.relay.endpoint).netloc,
            "accept-encoding": "identity",
            "content-type": "application/x-protobuf",
            "content-length": str(len(request.body)),
        }

    def _grpc_headers(self, signal: str) -> dict[str, str]:
        return {
            ":method": "POST",
            ":scheme": "http",
            ":path": f"/opentelemetry.proto.collector.{SERVICES[signal]}/Export",
            ":authority": urlsplit(self._recorded.relay.endpoint).netloc,
            "content-type": "application/grpc",
            "te": "trailers",
            "grpc-accept-encoding": "identity, deflate, gzip",
        }
