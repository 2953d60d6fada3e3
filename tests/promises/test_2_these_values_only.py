"""Promise 2, these values only: nothing that the SDK, the host or the environment attached can ride along.

A start is reported from a host full of canaries (`support/canaries/`): six hundred unique words in variables, paths,
files, tbot's command line and configuration, answers of the operating system, plug-ins of OpenTelemetry, and
everything that a pipeline can attach to a record. A relay between the process and the backend records every byte
(`support/backends/relay.py`). Then, for each entry point, signal and protocol:

- no canary and no half of one is in those bytes, plain or encoded (`support/canaries/search.py`);
- the bytes are requests and nothing else, with only the headers listed here, whose values are constants, releases of
  libraries and the address of the backend (`support/backends/request_parser.py`);
- strace sees no other address than the backend's (`support/system_calls.py`);
- each body is, byte for byte, what the contract says for these nine values, a session id, a second and span ids
  (`support/expected_requests.py`).

The last tests prove that the search finds canaries that do get through.
"""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import time
import zlib
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import pytest
import trustme

from otel_tbot import StartEvent, send
from tests.integration.pipelines import declarative
from tests.promises.canary_send import RECEIVER, Report
from tests.support.backends.recorded import RecordedBackend
from tests.support.backends.relay import ForwardProxy
from tests.support.backends.tripwire import TripwireSocket
from tests.support.canaries.host import CanaryHost
from tests.support.canaries.real_names import FILES
from tests.support.canaries.search import Canaries, encodings
from tests.support.canaries.variables import opentelemetry_variables
from tests.support.program import SOURCE
from tests.support.system_calls import addresses, destinations, strace_of_network

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ENTRY_POINTS = ["otel-tbot emit", "otel-tbot run", "otel-tbot run --supervise"]
ENTRY_POINTS += ["environment", "pipeline in code", "send", "emit and emit_span"]
if declarative.AVAILABLE:
    ENTRY_POINTS.append("declarative")
if find_spec("connectrpc"):  # the extra `serve`
    ENTRY_POINTS.append(RECEIVER)
ONE_REQUEST = {
    "otel-tbot emit",
    "otel-tbot run",
    "otel-tbot run --supervise",
}  # all others report twice, and could return a cookie
SIGNALS = ("logs", "traces")
PROTOCOLS = ("http/protobuf", "grpc")
# Contexts other than the main thread, each with entry points with and without pipelines.
FRESH_PROCESSES = {"multiprocessing spawn", "multiprocessing forkserver"}
CONTEXTS = {"thread", "fork", "multiprocessing fork", *FRESH_PROCESSES}
CONTEXT_ENTRY_POINTS = [
    ("send", "logs", "http/protobuf"),
    ("environment", "traces", "http/protobuf"),
    ("pipeline in code", "logs", "grpc"),
    ("emit and emit_span", "traces", "grpc"),
]
if declarative.AVAILABLE:
    CONTEXT_ENTRY_POINTS.append(("declarative", "logs", "grpc"))
IN_CONTEXTS = [
    (context, *row)
    for context in sorted(CONTEXTS)
    for row in CONTEXT_ENTRY_POINTS
    # Whether `opentelemetry-instrument` reaches newly started processes depends on its release.
    if not (context in FRESH_PROCESSES and row[0] in {"environment", "declarative"})
]
COMPRESSIONS = (("http/protobuf", "gzip"), ("http/protobuf", "deflate"), ("grpc", "gzip"))
PROXY_CREDENTIALS = f"Basic {base64.b64encode(b'somebody:secret').decode()}"
TLS_ENTRY_POINTS = ("otel-tbot emit", "send")


@pytest.fixture
def host(tmp_path: Path) -> Iterator[CanaryHost]:
    """A host full of canaries; the addresses of its proxies and other exporters are a tripwire socket."""
    with TripwireSocket() as tripwire:
        yield CanaryHost(tmp_path, tripwire)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority, and certificates for a server and a client."""
    folder = tmp_path_factory.mktemp("certificates")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    for of, identity in (("server", "127.0.0.1"), ("client", "client@example.org")):
        issued = authority.issue_cert(identity)
        issued.private_key_pem.write_to_path(str(folder / f"{of}.key"))
        issued.cert_chain_pems[0].write_to_path(str(folder / f"{of}.pem"))
    return folder


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("entry_point", ENTRY_POINTS)
def test_each_entry_point(entry_point: str, signal: str, protocol: str, host: CanaryHost) -> None:
    """Each entry point sends exactly the contract's request, byte for byte, and connects nowhere else."""
    with RecordedBackend(protocol) as recorded:
        report = Report(host, recorded)
        received = report.make(entry_point, signal, count=1 if entry_point in ONE_REQUEST else 2)
        report.check_bytes()
        report.check_headers(signal)
        report.check_bodies(received)
    assert not host.tripwire.was_connected


@pytest.mark.parametrize(
    ("entry_point", "protocol"),
    [(entry_point, PROTOCOLS[number % 2]) for number, entry_point in enumerate(ENTRY_POINTS)],
)
def test_no_other_destination(entry_point: str, protocol: str, host: CanaryHost, tmp_path: Path) -> None:
    """Each entry point connects to the backend's address only, in C code too."""
    log = tmp_path / "strace"
    tracing = strace_of_network(log)
    if tracing is None:
        pytest.skip("strace is not installed")
    with RecordedBackend(protocol) as recorded:
        recorded.environ["MARK"] = str(log)
        Report(host, recorded).make(entry_point, "logs", count=1 if entry_point in ONE_REQUEST else 2, tracing=tracing)
        assert destinations(log) == {("127.0.0.1", urlsplit(recorded.relay.endpoint).port)}


@pytest.mark.parametrize(("context", "entry_point", "signal", "protocol"), IN_CONTEXTS)
def test_each_context(context: str, entry_point: str, signal: str, protocol: str, host: CanaryHost) -> None:
    """The same is sent from another thread, a forked child and a process of multiprocessing."""
    with RecordedBackend(protocol) as recorded:
        report = Report(host, recorded)
        # Two requests per process; after a fork, the parent reports as well.
        received = report.make(entry_point, signal, context, count=4 if context == "fork" else 2)
        report.check_bytes()
        report.check_headers(signal)
        report.check_bodies(received)
    assert not host.tripwire.was_connected


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("entry_point", TLS_ENTRY_POINTS)
def test_over_tls(entry_point: str, signal: str, protocol: str, host: CanaryHost, certificates: Path) -> None:
    """Over TLS, neither the handshake nor the protected request contains a canary or the paths of the certificates."""
    with RecordedBackend(protocol, certificates=host.copy_of(certificates)) as recorded:
        if signal == "traces":  # by the signal's own variables
            named = [name for name in recorded.environ if "CERTIFICATE" in name or "KEY" in name]
            for name in named:
                recorded.environ[name.replace("OTLP_", "OTLP_TRACES_")] = recorded.environ.pop(name)
            assert len(named) == 3
        report = Report(host, recorded)
        received = report.make(entry_point, signal, count=1 if entry_point in ONE_REQUEST else 2)
        report.check_bytes()
        report.check_bodies(received)
        handshake = 0x16  # RFC 8446, section 5.1
        assert {stream[0] for stream in recorded.relay.sent()} == {handshake}
        names = {"host", "accept-encoding", "content-type", "content-length", "user-agent"}
        of_protocol = {"user-agent"} if protocol == "grpc" else names  # for gRPC, the receiver knows the metadata only
        assert [set(request.headers) for request in received] == [of_protocol] * len(received)
    assert not host.tripwire.was_connected


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("entry_point", TLS_ENTRY_POINTS)
def test_through_a_proxy(entry_point: str, protocol: str, tls: bool, host: CanaryHost, certificates: Path) -> None:  # noqa: FBT001  a parameter of the test
    """A proxy receives only the backend's address and its own credentials, and the backend the usual request."""
    with (
        ForwardProxy() as proxy,
        RecordedBackend(protocol, certificates=host.copy_of(certificates) if tls else None) as recorded,
    ):
        names = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "grpc_proxy")
        recorded.environ.update(dict.fromkeys(names, f"http://somebody:secret@{proxy.address}"))
        recorded.environ.update({"no_proxy": "", "NO_PROXY": ""})
        report = Report(host, recorded)
        report.check_bodies(report.make(entry_point, "logs", count=1 if entry_point in ONE_REQUEST else 2))
        report.check_bytes()
        backend = urlsplit(recorded.relay.endpoint).netloc
        tunnels = tls or protocol == "grpc"
        assert PROXY_CREDENTIALS.encode() not in recorded.all_bytes()
    assert not host.tripwire.was_connected
    for head in proxy.heads:
        assert host.canaries.found_in(head) == []
        first, *lines = head.decode("ascii").split("\r\n")
        method, target = ("CONNECT", backend) if tunnels else ("POST", f"http://{backend}/v1/logs")
        assert first in {f"{method} {target} HTTP/1.0", f"{method} {target} HTTP/1.1"}
        headers = {name.lower(): value for name, value in (line.split(": ") for line in lines)}
        assert headers.pop("proxy-authorization") == PROXY_CREDENTIALS
        assert headers.pop("host", backend) == backend
        if tunnels:
            assert headers in ({}, {"user-agent": "grpc-httpcli/0.0"})
        else:
            assert headers.keys() == {"accept-encoding", "content-type", "user-agent", "content-length"}
    assert proxy.heads != []


@pytest.mark.parametrize(("protocol", "compression"), COMPRESSIONS)
@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("entry_point", TLS_ENTRY_POINTS)
def test_compressed(entry_point: str, signal: str, protocol: str, compression: str, host: CanaryHost) -> None:
    """A compressed body is the contract's body, and its container has no name or comment."""
    with RecordedBackend(protocol) as recorded:
        recorded.environ["OTEL_EXPORTER_OTLP_COMPRESSION"] = compression
        report = Report(host, recorded)
        received = report.make(entry_point, signal, count=1 if entry_point in ONE_REQUEST else 2)
        report.check_bytes()
        bodies = [decompress(request.body, compression) for request in recorded.requests()]
        report.check_bodies([replace(request, body=body) for request, body in zip(received, bodies, strict=True)])
    assert not host.tripwire.was_connected


def decompress(compressed: bytes, compression: str) -> bytes:
    """Return the content of a compressed body, whose container holds at most the time."""
    if compression == "gzip":  # RFC 1952, section 2.3
        no_name_no_comment, deflate = 0, 8
        assert compressed[:4] == bytes([0x1F, 0x8B, deflate, no_name_no_comment])
        assert int.from_bytes(compressed[4:8], "little") <= time.time()
    decompressor = zlib.decompressobj(zlib.MAX_WBITS | 32)
    found = decompressor.decompress(compressed)
    assert decompressor.eof
    assert decompressor.unused_data == b""
    return found


@pytest.mark.parametrize("name", ["OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES", "OTEL_TRACES_SAMPLER_ARG"])
def test_opentelemetry_variables_are_planted(name: str, host: CanaryHost) -> None:
    """The variables of OpenTelemetry are read from its packages, so that new ones are planted too."""
    assert name in opentelemetry_variables()
    assert host.canaries.found_in(host.environ[name].encode())


def test_real_names_are_searched_for(host: CanaryHost) -> None:
    """The real names of the machine and the folders are searched for, too."""
    ids = [file.read_text().strip() for file in FILES.values() if file.exists()]
    assert all(host.canaries.found_in(name.encode()) for name in (str(SOURCE), *ids) if name)


SENDERS = {
    "connects": "SOCK_STREAM).connect_ex(('127.0.0.9', 9))",
    "sends": "SOCK_DGRAM).sendto(b'\"', ('127.0.0.9', 9))",
    "sends a message": "SOCK_DGRAM).sendmsg([b'1'], [], 0, ('127.0.0.9', 9))",
}


@pytest.mark.parametrize("code", SENDERS.values(), ids=SENDERS)
def test_strace_sees_destination(code: str, tmp_path: Path) -> None:
    """Strace reports the destination of a program that connects or sends, and of its children."""
    log = tmp_path / "strace"
    tracing = strace_of_network(log)
    if tracing is None:
        pytest.skip("strace is not installed")
    program = f"import os; from socket import *; os.fork() or socket(AF_INET, {code}"
    environ = {"PATH": os.environ["PATH"], "MARK": str(log)}
    subprocess.run([*tracing, sys.executable, "-c", program], env=environ, check=True, timeout=60)
    assert destinations(log) == {("127.0.0.9", 9)}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('7 connect(3, {sa_family=AF_UNIX, sun_path="/run/socket"}, 110) = 0', set()),
        ('7 sendto(3, "sin_port=htons(1), inet_addr(\\"127.0.0.1\\")", 1, 0, NULL, 0) = 1', set()),
        ('7 connect(3, {sin6_port=htons(443), inet_pton(AF_INET6, "2001:db8::1", ...}, 28)', {("2001:db8::1", 443)}),
        ('7 connect(3, {sin6_port=htons(9), inet_pton(AF_INET6, "::ffff:127.0.0.9", ...}, 28)', {("127.0.0.9", 9)}),
    ],
)
def test_strace_output_is_parsed(line: str, expected: set[tuple[str, int]]) -> None:
    """IPv6 addresses are recognized; Unix sockets and addresses within data are ignored."""
    assert addresses(line) == expected


ENCODED = [(name, number) for name, texts in encodings(b"?").items() for number in range(len(texts))]


@pytest.mark.parametrize("change", [bytes, bytes.upper, bytes.lower])
@pytest.mark.parametrize("spell", [str.lower, str.upper])
@pytest.mark.parametrize(("encoding", "number"), ENCODED, ids=[f"{name} {number}" for name, number in ENCODED])
def test_search_finds(encoding: str, number: int, spell: type[str], change: type[bytes]) -> None:
    """The search finds a canary in each encoding, between other bytes, in upper and lower case."""
    canaries = Canaries()
    encoded = encodings(spell(canaries.plant("somewhere")).encode())[encoding][number]
    found = canaries.found_in(b"\0some\xff" + change(encoded) + b"\xfe bytes")
    assert f"somewhere, {encoding}" in found
    assert canaries.found_in(b"\0some\xff" + encoded[: len(encoded) // 3] + b"\xfe bytes") == []


@pytest.mark.parametrize("spell", [str, str.lower, str.upper])
def test_search_finds_real_name(spell: type[str]) -> None:
    """The search finds a real name, plain and encoded, in upper and lower case."""
    canaries = Canaries()
    canaries.add("here", "Build-Host.7")
    encoded = base64.b64encode(spell("Build-Host.7").encode())
    assert "here, base64" in canaries.found_in(b"some" + encoded + b"bytes")


@pytest.mark.parametrize("before", [b"", b"1", b"12", b"123"])
@pytest.mark.parametrize("after", [b"", b"1", b"12"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_search_finds_base64_at_any_offset(encode: type[bytes], before: bytes, after: bytes) -> None:
    """The search finds a canary at every position within base64."""
    canaries = Canaries()
    text = before + canaries.plant("somewhere").encode() + after
    assert canaries.found_in(encode(text)) != []


@pytest.mark.usefixtures("opted_in")
@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(("encoding", "number"), ENCODED, ids=[f"{name} {number}" for name, number in ENCODED])
def test_search_finds_header(encoding: str, number: int, protocol: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A canary in a configured header is found in the recorded bytes, in each encoding, over HTTP/2 too."""
    canaries = Canaries()
    encoded = encodings(canaries.plant("a header").encode())[encoding][number]
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", f"api-key={quote(encoded)}")
    assert f"a header, {encoding}" in canaries.found_in(b"".join(sent(RecordedBackend(protocol), monkeypatch)))


@pytest.mark.usefixtures("opted_in")
@pytest.mark.parametrize(
    ("endpoint", "encoding"), [("/{word}", "plain"), ("/{half}", "a half of it"), ("user:{word}@", "base64")]
)
def test_search_finds_endpoint(endpoint: str, encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A canary in the endpoint's path is found in the request line, and one in its credentials in a header."""
    canaries = Canaries()
    word = canaries.plant("the endpoint")
    put = endpoint.format(word=word, half=word[: len(word) // 2])
    found = sent(RecordedBackend("http/protobuf"), monkeypatch, put)
    assert f"the endpoint, {encoding}" in canaries.found_in(b"".join(found))


@pytest.mark.usefixtures("opted_in")
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_search_finds_header_within_tls(protocol: str, monkeypatch: pytest.MonkeyPatch, certificates: Path) -> None:
    """A canary protected by TLS is not in the recorded bytes, and is found in what the backend decoded."""
    canaries = Canaries()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", f"api-key={canaries.plant('a header')}")
    on_the_wire, all_bytes = sent(RecordedBackend(protocol, certificates=certificates), monkeypatch)
    assert canaries.found_in(on_the_wire) == []
    assert "a header, plain" in canaries.found_in(all_bytes)


def sent(recorded: RecordedBackend, monkeypatch: pytest.MonkeyPatch, put: str = "") -> list[bytes]:
    """Send an event from this process, and return the recorded bytes, and those with what the backend decoded.

    Args:
        recorded: the backend.
        monkeypatch: sets the variables.
        put: text to append to the endpoint, or, if it ends with @, to insert in front of its host.
    """
    with recorded:
        for name, value in recorded.environ.items():
            monkeypatch.setenv(name, value)
        endpoint = recorded.relay.endpoint
        changed = endpoint.replace("//", f"//{put}") if put.endswith("@") else endpoint + put
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", changed)
        send(StartEvent(run_mode="daemon"), timeout=10)
        return [b"".join(recorded.relay.sent()), recorded.all_bytes()]
