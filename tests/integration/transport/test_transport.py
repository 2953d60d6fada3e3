"""The transport sends exactly what it gets, keeps nothing, and never reports a failure as a success."""

from __future__ import annotations

import os
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from otel_tbot import StartEvent, consent, send
from otel_tbot.otlp.client import OTLPClient
from otel_tbot.records import build_record, encode_request
from otel_tbot.session import Session
from otel_tbot.testing import TLS, OTLPReceiver, Reply
from tests.support.collector import wait_until
from tests.support.held_reply import HeldReply

if TYPE_CHECKING:
    from otel_tbot.otlp.client import ExportResult
    from otel_tbot.otlp.settings import Signal

EVENT = StartEvent(run_mode="daemon")
PROTOCOLS = ("http/protobuf", "http/json", "grpc")
HEADERS = {"host", "accept-encoding", "content-length", "content-type", "user-agent"}
pytestmark = pytest.mark.usefixtures("opted_in")


def endpoint(receiver: OTLPReceiver, protocol: str, signal: str = "logs") -> str:
    """Return the receiver's endpoint for one signal over one protocol."""
    return receiver.grpc_endpoint if protocol == "grpc" else f"{receiver.http_endpoint}/v1/{signal}"


def export(
    receiver: OTLPReceiver,
    protocol: str,
    times: int = 1,
    signal: str = "logs",
    **keywords: Any,  # noqa: ANN401  any settings
) -> ExportResult:
    """Send an event over one connection, several times, and return the last answer."""
    sender = client(receiver, protocol, signal, **keywords)
    for _ in range(times):
        answer = sender.export(lambda: [record(signal)])
    sender.shutdown()
    return answer


def client(receiver: OTLPReceiver, protocol: str, signal: str, **keywords: Any) -> OTLPClient:  # noqa: ANN401  settings
    """Return a client of a receiver."""
    given = {"protocol": protocol, "endpoint": endpoint(receiver, protocol, signal), "timeout": 5, **keywords}
    return OTLPClient(signal, given)  # type: ignore[arg-type]  # one of the two signals


def record(signal: str) -> Any:  # noqa: ANN401  one of two
    """Return the event as a record of one signal."""
    return build_record(signal, EVENT.attributes, Session(), timestamp_ns=0)  # type: ignore[arg-type]  # the same reason


@pytest.mark.parametrize("signal", ["logs", "traces"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
class TestHonesty:
    """Accepted means accepted."""

    def test_accepted(self, receiver: OTLPReceiver, protocol: str, signal: str) -> None:
        """An event that the backend accepted is reported as accepted."""
        assert export(receiver, protocol, signal=signal) == (True, "")
        assert len(receiver.requests) == 1

    def test_rejected(self, receiver: OTLPReceiver, protocol: str, signal: str) -> None:
        """A partial success that rejects our record is a failure, and is not retried."""
        receiver.reply(Reply(rejected=1, error_message="no"))
        accepted, reason = export(receiver, protocol, signal=signal)
        assert not accepted
        assert reason == f"the backend rejected 1 {'log record(s)' if signal == 'logs' else 'span(s)'}"
        assert len(receiver.requests) == 1

    def test_a_warning_is_not_a_rejection(self, receiver: OTLPReceiver, protocol: str, signal: str) -> None:
        """A partial success that rejects nothing is a success."""
        receiver.reply(Reply(rejected=0, error_message="please upgrade"))
        assert export(receiver, protocol, signal=signal).accepted

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 500])
    def test_refused(self, receiver: OTLPReceiver, protocol: str, signal: str, status: int) -> None:
        """A refusal is a failure at once, with the backend's status."""
        receiver.reply(Reply(status=status))
        accepted, reason = export(receiver, protocol, signal=signal)
        assert not accepted
        assert f"HTTP {status}" in reason or "gRPC status" in reason

    @pytest.mark.parametrize("status", [502, 503, 504])
    def test_temporary_failure_is_retried(
        self, receiver: OTLPReceiver, protocol: str, signal: str, status: int
    ) -> None:
        """After a temporary failure, the backend gets the same event again."""
        receiver.reply(Reply(status=status), Reply())
        assert export(receiver, protocol, signal=signal, timeout=20).accepted
        first, second = receiver.requests
        assert first.message == second.message

    def test_too_many_requests(self, receiver: OTLPReceiver, protocol: str, signal: str) -> None:
        """An overloaded backend gets the same event again, or older exporters report the failure."""
        receiver.reply(Reply(status=429), Reply())
        accepted, reason = export(receiver, protocol, signal=signal)
        assert (accepted, reason, len(receiver.requests)) in {
            (True, "", 2),
            (False, "the backend answered HTTP 429", 1),
            (False, "the backend's gRPC status is RESOURCE_EXHAUSTED", 1),
        }

    def test_dropped_connection(self, receiver: OTLPReceiver, protocol: str, signal: str) -> None:
        """A connection that is closed without an answer is a failure."""
        receiver.reply(Reply(drop=True))
        assert not export(receiver, protocol, signal=signal, timeout=0.5).accepted

    def test_deadline(self, receiver: OTLPReceiver, protocol: str, signal: str) -> None:
        """An answer after the deadline is a failure."""
        receiver.reply(Reply(delay=30))
        accepted, reason = export(receiver, protocol, signal=signal, timeout=0.5)
        assert not accepted
        assert "within" in reason or "DEADLINE_EXCEEDED" in reason

    def test_consent_withdrawn_between_attempts(
        self, receiver: OTLPReceiver, monkeypatch: pytest.MonkeyPatch, protocol: str, signal: str
    ) -> None:
        """Consent is checked before each attempt."""
        held = HeldReply(status=503)
        receiver.reply(held, Reply(status=503))
        with ThreadPoolExecutor() as pool:
            answer = pool.submit(export, receiver, protocol, signal=signal, timeout=20)
            wait_until(lambda: receiver.requests, "the first attempt was made")
            monkeypatch.delenv("TELEPORT_ANONYMOUS_TELEMETRY")
            held.release()
            accepted, reason = answer.result()
        assert (accepted, len(receiver.requests)) == (False, 1)
        assert reason == consent().reason

    def test_exports_at_the_same_time(self, receiver: OTLPReceiver, protocol: str, signal: str) -> None:
        """The deadline of one export does not end another export of the same exporter."""
        receiver.reply(Reply(delay=30), Reply(delay=1))
        sender = client(receiver, protocol, signal, timeout=2)
        with ThreadPoolExecutor() as pool:
            late = pool.submit(sender.export, lambda: [record(signal)])
            wait_until(lambda: receiver.requests, "the first request arrived")
            assert sender._process.settings is not None
            sender._process.settings = sender._process.settings._replace(timeout=20)  # for the second export only
            time.sleep(1.5)  # the second export is running when the deadline of the first one passes
            in_time = sender.export(lambda: [record(signal)])
        sender.shutdown()
        assert (late.result().accepted, in_time) == (False, (True, ""))

    def test_no_thread(
        self, receiver: OTLPReceiver, monkeypatch: pytest.MonkeyPatch, protocol: str, signal: str
    ) -> None:
        """If no thread can be started, nothing is sent, because no export could be ended in time."""

        def refuse(_: threading.Thread) -> None:
            message = "can't start new thread"
            raise RuntimeError(message)

        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", refuse)
            answer = export(receiver, protocol, signal=signal)
        assert answer == (False, "no thread could be started to send it within the timeout")
        assert receiver.requests == []


class TestHTTPHonesty:
    """Answers of HTTP servers that are not an acceptance."""

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_redirect(self, receiver: OTLPReceiver, status: int) -> None:
        """A redirect is not followed, and is a failure."""
        receiver.reply(Reply(status=status, redirect=f"{receiver.http_endpoint}/v1/logs"))
        accepted, reason = export(receiver, "http/protobuf")
        assert not accepted
        assert reason.startswith("the backend redirected")
        assert len(receiver.requests) == 1

    @pytest.mark.parametrize(
        ("content_type", "body", "accepted"),
        [
            ("application/x-protobuf", b"", True),
            ("text/plain", b"", True),
            ("application/json", b"{}", True),
            ("application/json; charset=utf-8", b'{"partialSuccess": {}}', True),
            ("application/json", b'{"partialSuccess": null}', True),
            ("application/json", b'{"partialSuccess": {"rejectedLogRecords": "1"}}', False),
            ("application/json", b'{"partial_success": {"rejected_log_records": "1"}}', False),
            ("application/json", b"[]", False),
            ("application/json", b"{", False),
            ("application/x-protobuf", b"\xff\xff\xff", False),
            ("text/html", b"<html>Please log in</html>", False),
            ("application/x-protobuf", b"\x0a\x00" * 40_000, False),
        ],
    )
    def test_body(self, receiver: OTLPReceiver, content_type: str, body: bytes, accepted: bool) -> None:  # noqa: FBT001
        """Status 200 is an acceptance only with an OTLP answer, or an empty one."""
        receiver.reply(Reply(body=body, headers={"Content-Type": content_type}))
        assert export(receiver, "http/protobuf").accepted is accepted


class TestHygiene:
    """Nothing is sent that does not belong to the request."""

    def test_request_headers(self, receiver: OTLPReceiver) -> None:
        """The headers of a request are these, and no others."""
        export(receiver, "http/protobuf")
        (request,) = receiver.requests
        assert set(request.headers) == HEADERS
        assert request.headers["accept-encoding"] == "identity"
        assert request.headers["user-agent"].startswith("OTel-OTLP-Exporter-Python/")

    def test_configured_headers(self, receiver: OTLPReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
        """The headers of the standard variable are sent, over every protocol."""
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "api-key=k1,Other=two%20words")
        for protocol in PROTOCOLS:
            assert export(receiver, protocol).accepted
        for request in receiver.requests:
            assert (request.headers["api-key"], request.headers["other"]) == ("k1", "two words")

    @pytest.mark.parametrize("protocol", PROTOCOLS)
    @pytest.mark.parametrize("given", [{"x-a": "1"}, {}])
    def test_headers_for_another_backend(
        self, receiver: OTLPReceiver, monkeypatch: pytest.MonkeyPatch, protocol: str, given: dict[str, str]
    ) -> None:
        """If headers are given, those of the variables, perhaps for another backend, are not sent."""
        names = ("api-key", "authorization", "content-type", "user-agent", "host", "accept-encoding")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", ",".join(f"{name}=canary" for name in names))
        assert export(receiver, protocol, headers=given).accepted
        headers = receiver.requests[0].headers
        assert "canary" not in str(headers)
        assert {name: headers.get(name) for name in given} == given

    def test_no_netrc(self, receiver: OTLPReceiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Credentials in the user's .netrc are not sent."""
        (tmp_path / ".netrc").write_text("machine 127.0.0.1 login canary password canary\n")
        (tmp_path / ".netrc").chmod(0o600)
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
        assert export(receiver, "http/protobuf").accepted
        assert "authorization" not in receiver.requests[0].headers

    def test_credentials_of_the_endpoint(self, receiver: OTLPReceiver) -> None:
        """Credentials in the endpoint are used."""
        with_credentials = endpoint(receiver, "http/protobuf").replace("//", "//user:pass@")
        assert export(receiver, "http/protobuf", endpoint=with_credentials).accepted
        assert receiver.requests[0].headers["authorization"] == "Basic dXNlcjpwYXNz"

    def test_no_cookies(self, receiver: OTLPReceiver) -> None:
        """A cookie that the backend sets is not returned."""
        receiver.reply(Reply(headers={"Set-Cookie": "id=canary; Path=/"}))
        export(receiver, "http/protobuf", times=2)
        assert [request.headers.get("cookie") for request in receiver.requests] == [None, None]

    @pytest.mark.parametrize("protocol", PROTOCOLS)
    def test_compression(self, receiver: OTLPReceiver, protocol: str) -> None:
        """The compression is that of the settings."""
        assert export(receiver, protocol, compression="gzip").accepted
        (request,) = receiver.requests
        assert request.headers.get("content-encoding", request.headers.get("grpc-encoding")) in {"gzip", None}
        assert request.message == receiver.requests[0].message

    @pytest.mark.parametrize("signal", ["logs", "traces"])
    @pytest.mark.parametrize("compression", ["none", "gzip", "deflate"])
    def test_json(self, receiver: OTLPReceiver, signal: Signal, compression: str) -> None:
        """Over http/json the request is the JSON form of what would be sent as protobuf, and nothing else."""
        item = record(signal)
        sender = client(receiver, "http/json", signal, compression=compression)
        assert sender.export(lambda: [item]).accepted
        sender.shutdown()
        (request,) = receiver.requests
        assert (request.protocol, request.headers["content-type"]) == ("http/json", "application/json")
        assert request.headers.get("content-encoding", "none") == compression
        assert request.message == encode_request(signal, [item])
        assert set(request.headers) - {"content-encoding"} == HEADERS

    def test_one_connection(self, receiver: OTLPReceiver) -> None:
        """Successive events share one connection."""
        export(receiver, "http/protobuf", times=3)
        assert (len(receiver.requests), receiver.connections) == (3, 1)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create a certificate authority with a server's and a client's certificate, as PEM files in a folder."""
    folder = tmp_path_factory.mktemp("certificates")
    for name in ("ours", "other"):
        made = trustme.CA()
        made.cert_pem.write_to_path(str(folder / f"{name}.pem"))
        if name == "ours":
            server = made.issue_cert("127.0.0.1", "localhost")
            client = made.issue_cert("client@example.org")
    for name, one in (("server", server), ("client", client)):
        one.private_key_pem.write_to_path(str(folder / f"{name}.key"))
        one.cert_chain_pems[0].write_to_path(str(folder / f"{name}.crt"))
    return folder


def serving(authority: Path, *, client_ca: bool = False) -> OTLPReceiver:
    """Return a receiver with TLS."""
    return OTLPReceiver(
        tls=TLS(
            certificate_file=str(authority / "server.crt"),
            private_key_file=str(authority / "server.key"),
            client_ca_file=str(authority / "ours.pem") if client_ca else None,
        )
    )


@pytest.mark.parametrize("protocol", PROTOCOLS)
class TestTLS:
    """Trust follows the settings."""

    def test_trusted(self, protocol: str, authority: Path) -> None:
        """A backend whose certificate the configured authority signed is trusted."""
        with serving(authority) as receiver:
            assert export(receiver, protocol, certificate=str(authority / "ours.pem")).accepted

    @pytest.mark.parametrize("certificate", [None, "other.pem"])
    def test_not_trusted(self, protocol: str, authority: Path, certificate: str | None) -> None:
        """A backend with an untrusted certificate gets nothing."""
        path = str(authority / certificate) if certificate else None
        with serving(authority) as receiver:
            assert not export(receiver, protocol, certificate=path, timeout=0.5).accepted
            assert receiver.requests == []

    def test_the_standard_variable_wins(self, protocol: str, authority: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """OTEL_EXPORTER_OTLP_CERTIFICATE takes precedence over requests' own variables."""
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", str(authority / "ours.pem"))
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            monkeypatch.setenv(name, str(authority / "other.pem"))
        with serving(authority) as receiver:
            assert export(receiver, protocol).accepted

    def test_client_certificate(self, protocol: str, authority: Path) -> None:
        """A backend that asks for a client certificate gets the configured one."""
        client: dict[str, Any] = {
            "client_key": str(authority / "client.key"),
            "client_certificate": str(authority / "client.crt"),
        }
        with serving(authority, client_ca=True) as receiver:
            trust = str(authority / "ours.pem")
            assert export(receiver, protocol, certificate=trust, **client).accepted
            assert not export(receiver, protocol, certificate=trust, timeout=0.5).accepted


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("kind", ["fifo", "device", "huge"])
@pytest.mark.parametrize("name", ["certificate", "client_key", "client_certificate"])
def test_invalid_files(receiver: OTLPReceiver, tmp_path: Path, protocol: str, kind: str, name: str) -> None:
    """A certificate or key must be a regular file of at most 1 MiB."""
    path = tmp_path / "file"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "device":
        path = Path("/dev/zero")
    else:
        path.write_bytes(bytes(2**20 + 1))
    keywords: dict[str, Any] = {name: str(path)}
    accepted, reason = export(receiver, protocol, **keywords)
    assert not accepted
    assert re.fullmatch(rf"the file named by {name} \(\w+\) is (a pipe|a device|larger than 1048576 bytes)", reason)
    assert receiver.requests == []


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.parametrize("path", ["/dev/zero", "/missing", "fifo"])
def test_invalid_bundles(
    authority: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, path: str
) -> None:
    """A certificate bundle in the variables of requests must be a regular file, too."""
    monkeypatch.chdir(tmp_path)
    os.mkfifo("fifo")
    monkeypatch.setenv(variable, path)
    with serving(authority) as receiver:
        accepted, reason = export(receiver, "http/protobuf")
    assert not accepted
    assert re.fullmatch(
        r"the file named by REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE (is a device|is a pipe|does not exist)", reason
    )


def test_path_twice(receiver: OTLPReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """A general endpoint that already has the signal's path is reported as the cause."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"{receiver.http_endpoint}/v1/logs")
    assert send(EVENT).reason == (
        "the backend answered HTTP 404: "
        "the endpoint has the signal's path twice: OTEL_EXPORTER_OTLP_ENDPOINT is its base"
    )


@pytest.mark.skipif(find_spec("socks") is not None, reason="PySocks is installed")
def test_socks(receiver: OTLPReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """A SOCKS proxy needs a package, which the reason names."""
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    answer = export(receiver, "http/protobuf")
    assert answer == (False, "the proxy is SOCKS, for which the package PySocks is not installed")


def test_keys_are_not_logged(authority: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The keys of our connections are not written to SSLKEYLOGFILE."""
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    with serving(authority) as receiver:
        assert export(receiver, "http/protobuf", certificate=str(authority / "ours.pem")).accepted
        monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
        assert not export(receiver, "http/protobuf", certificate=str(authority / "ours.pem")).accepted
    assert list(tmp_path.glob("keys")) == []


def test_variable_of_requests(authority: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the standard variable, that of requests applies."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority / "ours.pem"))
    with serving(authority) as receiver:
        assert export(receiver, "http/protobuf").accepted


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_opens_its_own_connection(receiver: OTLPReceiver) -> None:
    """A child that sends through its parent's exporter does not use its parent's connection."""
    sender = client(receiver, "http/protobuf", "logs")
    item = record("logs")
    assert sender.export(lambda: [item]).accepted
    child = os.fork()
    if child == 0:
        os._exit(0 if sender.export(lambda: [item]).accepted else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert sender.export(lambda: [item]).accepted
    sender.shutdown()
    assert (len(receiver.requests), receiver.connections) == (3, 2)


def test_send_uses_the_variables(receiver: OTLPReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """`send` uses the endpoint of the standard variables."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.http_endpoint)
    assert send(EVENT).status == "sent"
