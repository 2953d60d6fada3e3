"""Promise 2, these values only: nothing that the SDK, the host or the environment attached can ride along.

A start is reported from a place in which everything that could say who and where this is says a word of its own: six
hundred of them, in variables, paths, files, tbot's command line and configuration, answers of the operating system,
plug-ins of OpenTelemetry, and all that a pipeline can hang on a record (`haunted/`). Between the process and the
backend stands a relay that keeps every byte (`wire.py`). Then, for each way in, signal and protocol:

- no word is in those bytes, nor half a word, plain or encoded (`canaries.py`);
- the bytes are requests and nothing else, with just the headers listed here, whose values are constants, releases of
  libraries and the address of the backend (`sent_requests.py`);
- strace sees no address asked for but the backend's (`system_calls.py`);
- each body is, byte for byte, what the contract says of these nine values, a session's id, a second, and a span's ids
  (`contract.py`).

Last, the search itself is tried, on words that do get through.
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
from tests.promises.canaries import Canaries, encodings
from tests.promises.canary_host.host import CanaryHost
from tests.promises.canary_host.real_machine import FILES
from tests.promises.canary_host.variables import opentelemetry_variables
from tests.promises.proxy import Proxy
from tests.promises.recorded_backend import RecordedBackend
from tests.promises.report import RECEIVER, Report
from tests.promises.system_calls import addresses, destinations, strace_of_network
from tests.promises.wire import TripwireSocket
from tests.support.program import SOURCE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WAYS = ["otel-tbot emit", "otel-tbot run", "otel-tbot run --supervise"]
WAYS += ["environment", "pipeline in code", "send", "emit and emit_span"]
if declarative.AVAILABLE:
    WAYS.append("declarative")
if find_spec("connectrpc"):  # the extra `serve`
    WAYS.append(RECEIVER)
ONE_REQUEST = {
    "otel-tbot emit",
    "otel-tbot run",
    "otel-tbot run --supervise",
}  # the programs report twice, and could return a cookie
SIGNALS = ("logs", "traces")
PROTOCOLS = ("http/protobuf", "grpc")
# Contexts other than the first thread of a process of its own, each with a way without a pipeline, and with pipelines.
STARTED_ANEW = {"multiprocessing spawn", "multiprocessing forkserver"}
CONTEXTS = {"thread", "fork", "multiprocessing fork", *STARTED_ANEW}
CONTEXT_WAYS = [
    ("send", "logs", "http/protobuf"),
    ("environment", "traces", "http/protobuf"),
    ("pipeline in code", "logs", "grpc"),
    ("emit and emit_span", "traces", "grpc"),
]
if declarative.AVAILABLE:
    CONTEXT_WAYS.append(("declarative", "logs", "grpc"))
IN_CONTEXTS = [
    (context, *row)
    for context in sorted(CONTEXTS)
    for row in CONTEXT_WAYS
    # It depends on its release whether `opentelemetry-instrument` reaches processes that are started again.
    if not (context in STARTED_ANEW and row[0] in {"environment", "declarative"})
]
COMPRESSIONS = (("http/protobuf", "gzip"), ("http/protobuf", "deflate"), ("grpc", "gzip"))
PROXY_CREDENTIALS = f"Basic {base64.b64encode(b'somebody:secret').decode()}"
TLS_WAYS = ("otel-tbot emit", "send")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[CanaryHost]:
    """A haunted place; proxies and other exporters would lead to its trap."""
    with TripwireSocket() as trap:
        yield CanaryHost(tmp_path, trap)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority, and certificates of its own for a server and a client."""
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
@pytest.mark.parametrize("way", WAYS)
def test_each_way(way: str, signal: str, protocol: str, place: CanaryHost) -> None:
    """By each way in, what leaves is the contract's request, byte for byte, and nowhere else does anything go."""
    with RecordedBackend(protocol) as transmission:
        report = Report(place, transmission)
        received = report.make(way, signal, count=1 if way in ONE_REQUEST else 2)
        report.check_bytes()
        report.check_headers(signal)
        report.check_bodies(received)
    assert not place.trap.has_caught()


@pytest.mark.parametrize(("way", "protocol"), [(way, PROTOCOLS[number % 2]) for number, way in enumerate(WAYS)])
def test_nowhere_else(way: str, protocol: str, place: CanaryHost, tmp_path: Path) -> None:
    """By each way in, the system is asked to reach the backend's address and no other, by code in C too."""
    log = tmp_path / "strace"
    tracing = strace_of_network(log)
    if tracing is None:
        pytest.skip("strace is not installed")
    with RecordedBackend(protocol) as transmission:
        transmission.environ["MARK"] = str(log)
        Report(place, transmission).make(way, "logs", count=1 if way in ONE_REQUEST else 2, tracing=tracing)
        assert destinations(log) == {("127.0.0.1", urlsplit(transmission.wire.endpoint).port)}


@pytest.mark.parametrize(("context", "way", "signal", "protocol"), IN_CONTEXTS)
def test_each_context(context: str, way: str, signal: str, protocol: str, place: CanaryHost) -> None:
    """From another thread, a forked child and a process of multiprocessing's leaves the same."""
    with RecordedBackend(protocol) as transmission:
        report = Report(place, transmission)
        # Twice a process, and in the parent of a fork too.
        received = report.make(way, signal, context, count=4 if context == "fork" else 2)
        report.check_bytes()
        report.check_headers(signal)
        report.check_bodies(received)
    assert not place.trap.has_caught()


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("way", TLS_WAYS)
def test_over_tls(way: str, signal: str, protocol: str, place: CanaryHost, certificates: Path) -> None:
    """Over TLS, neither the handshake in the clear nor what it protects holds more, nor where the certificates lie."""
    with RecordedBackend(protocol, certificates=place.copy_of(certificates)) as transmission:
        if signal == "traces":  # by the signal's own variables
            named = [name for name in transmission.environ if "CERTIFICATE" in name or "KEY" in name]
            for name in named:
                transmission.environ[name.replace("OTLP_", "OTLP_TRACES_")] = transmission.environ.pop(name)
            assert len(named) == 3
        report = Report(place, transmission)
        received = report.make(way, signal, count=1 if way in ONE_REQUEST else 2)
        report.check_bytes()
        report.check_bodies(received)
        handshake = 0x16  # RFC 8446, section 5.1
        assert {stream[0] for stream in transmission.wire.sent()} == {handshake}
        names = {"host", "accept-encoding", "content-type", "content-length", "user-agent"}
        of_protocol = {"user-agent"} if protocol == "grpc" else names  # of gRPC the backend tells its metadata alone
        assert [set(request.headers) for request in received] == [of_protocol] * len(received)
    assert not place.trap.has_caught()


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("way", TLS_WAYS)
def test_through_a_proxy(way: str, protocol: str, tls: bool, place: CanaryHost, certificates: Path) -> None:  # noqa: FBT001  a parameter of the test
    """A proxy is reported the backend's address and its own credentials; behind it arrives what arrives without it."""
    with (
        Proxy() as proxy,
        RecordedBackend(protocol, certificates=place.copy_of(certificates) if tls else None) as transmission,
    ):
        names = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "grpc_proxy")
        transmission.environ.update(dict.fromkeys(names, f"http://somebody:secret@{proxy.address}"))
        transmission.environ.update({"no_proxy": "", "NO_PROXY": ""})
        report = Report(place, transmission)
        report.check_bodies(report.make(way, "logs", count=1 if way in ONE_REQUEST else 2))
        report.check_bytes()
        backend = urlsplit(transmission.wire.endpoint).netloc
        tunnels = tls or protocol == "grpc"
        assert PROXY_CREDENTIALS.encode() not in transmission.everything()
    assert not place.trap.has_caught()
    for head in proxy.heads:
        assert place.canaries.found_in(head) == []
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
@pytest.mark.parametrize("way", TLS_WAYS)
def test_compressed(way: str, signal: str, protocol: str, compression: str, place: CanaryHost) -> None:
    """What is compressed is the contract's body and nothing else, and the container says nothing of its own."""
    with RecordedBackend(protocol) as transmission:
        transmission.environ["OTEL_EXPORTER_OTLP_COMPRESSION"] = compression
        report = Report(place, transmission)
        received = report.make(way, signal, count=1 if way in ONE_REQUEST else 2)
        report.check_bytes()
        bodies = [contents(request.body, compression) for request in transmission.requests()]
        report.check_bodies([replace(request, body=body) for request, body in zip(received, bodies, strict=True)])
    assert not place.trap.has_caught()


def contents(compressed: bytes, compression: str) -> bytes:
    """Return what is in a container that holds it and the time at most."""
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
def test_opentelemetry_variables_are_planted(name: str, place: CanaryHost) -> None:
    """OpenTelemetry's variables are found out from its packages, so that new ones are tried too."""
    assert name in opentelemetry_variables()
    assert place.canaries.found_in(place.environ[name].encode())


def test_real_names_are_searched_for(place: CanaryHost) -> None:
    """What the machine and the folders are really called is searched for too, wherever there are such names."""
    ids = [file.read_text().strip() for file in FILES.values() if file.exists()]
    assert all(place.canaries.found_in(name.encode()) for name in (str(SOURCE), *ids) if name)


SENDERS = {
    "connects": "SOCK_STREAM).connect_ex(('127.0.0.9', 9))",
    "sends": "SOCK_DGRAM).sendto(b'\"', ('127.0.0.9', 9))",
    "sends a message": "SOCK_DGRAM).sendmsg([b'1'], [], 0, ('127.0.0.9', 9))",
}


@pytest.mark.parametrize("code", SENDERS.values(), ids=SENDERS)
def test_strace_tells(code: str, tmp_path: Path) -> None:
    """A program that connects or sends to somewhere is reported by strace, a child of its own included."""
    log = tmp_path / "strace"
    tracing = strace_of_network(log)
    if tracing is None:
        pytest.skip("strace is not installed")
    program = f"import os; from socket import *; os.fork() or socket(AF_INET, {code}"
    environ = {"PATH": os.environ["PATH"], "MARK": str(log)}
    subprocess.run([*tracing, sys.executable, "-c", program], env=environ, check=True, timeout=60)
    assert destinations(log) == {("127.0.0.9", 9)}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('7 connect(3, {sa_family=AF_UNIX, sun_path="/run/socket"}, 110) = 0', set()),
        ('7 sendto(3, "sin_port=htons(1), inet_addr(\\"127.0.0.1\\")", 1, 0, NULL, 0) = 1', set()),
        ('7 connect(3, {sin6_port=htons(443), inet_pton(AF_INET6, "2001:db8::1", ...}, 28)', {("2001:db8::1", 443)}),
        ('7 connect(3, {sin6_port=htons(9), inet_pton(AF_INET6, "::ffff:127.0.0.9", ...}, 28)', {("127.0.0.9", 9)}),
    ],
)
def test_what_strace_writes_is_read(line: str, told: set[tuple[str, int]]) -> None:
    """An address of IPv6 is read too; a socket of this machine and a text among the data are none."""
    assert addresses(line) == told


ENCODED = [(name, number) for name, texts in encodings(b"?").items() for number in range(len(texts))]


@pytest.mark.parametrize("change", [bytes, bytes.upper, bytes.lower])
@pytest.mark.parametrize("spell", [str.lower, str.upper])
@pytest.mark.parametrize(("encoding", "number"), ENCODED, ids=[f"{name} {number}" for name, number in ENCODED])
def test_search_finds(encoding: str, number: int, spell: type[str], change: type[bytes]) -> None:
    """The search finds a word in each encoding, in the midst of other bytes, in upper and lower case."""
    canaries = Canaries()
    encoded = encodings(spell(canaries.plant("somewhere")).encode())[encoding][number]
    found = canaries.found_in(b"\0some\xff" + change(encoded) + b"\xfe bytes")
    assert f"somewhere, {encoding}" in found
    assert canaries.found_in(b"\0some\xff" + encoded[: len(encoded) // 3] + b"\xfe bytes") == []


@pytest.mark.parametrize("spell", [str, str.lower, str.upper])
def test_search_finds_what_was_there(spell: type[str]) -> None:
    """The search finds the real name of something, as it is and in upper and lower case, encoded too."""
    canaries = Canaries()
    canaries.watch("here", "Build-Host.7")
    encoded = base64.b64encode(spell("Build-Host.7").encode())
    assert "here, base64" in canaries.found_in(b"some" + encoded + b"bytes")


@pytest.mark.parametrize("before", [b"", b"1", b"12", b"123"])
@pytest.mark.parametrize("after", [b"", b"1", b"12"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_search_finds_base64_of_more(encode: type[bytes], before: bytes, after: bytes) -> None:
    """The search finds a word whatever precedes and follows it in the same base64."""
    canaries = Canaries()
    text = before + canaries.plant("somewhere").encode() + after
    assert canaries.found_in(encode(text)) != []


@pytest.mark.usefixtures("opted_in")
@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(("encoding", "number"), ENCODED, ids=[f"{name} {number}" for name, number in ENCODED])
def test_search_finds_what_gets_through(
    encoding: str, number: int, protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A word in a header that the operator has configured is found on the wire, in each encoding, over HTTP/2 too."""
    canaries = Canaries()
    encoded = encodings(canaries.plant("a header").encode())[encoding][number]
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", f"api-key={quote(encoded)}")
    assert f"a header, {encoding}" in canaries.found_in(b"".join(sent(RecordedBackend(protocol), monkeypatch)))


@pytest.mark.usefixtures("opted_in")
@pytest.mark.parametrize(
    ("endpoint", "encoding"), [("/{word}", "as it is"), ("/{half}", "a half of it"), ("user:{word}@", "base64")]
)
def test_search_finds_what_the_endpoint_holds(endpoint: str, encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A word in the endpoint's path is found in the request line, and one in its credentials in their header."""
    canaries = Canaries()
    word = canaries.plant("the endpoint")
    put = endpoint.format(word=word, half=word[: len(word) // 2])
    found = sent(RecordedBackend("http/protobuf"), monkeypatch, put)
    assert f"the endpoint, {encoding}" in canaries.found_in(b"".join(found))


@pytest.mark.usefixtures("opted_in")
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_search_finds_within_tls(protocol: str, monkeypatch: pytest.MonkeyPatch, certificates: Path) -> None:
    """A word that TLS protects is not on the wire, and is found in what the backend read."""
    canaries = Canaries()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", f"api-key={canaries.plant('a header')}")
    on_the_wire, everything = sent(RecordedBackend(protocol, certificates=certificates), monkeypatch)
    assert canaries.found_in(on_the_wire) == []
    assert "a header, as it is" in canaries.found_in(everything)


def sent(transmission: RecordedBackend, monkeypatch: pytest.MonkeyPatch, put: str = "") -> list[bytes]:
    """Send an event from this process, and return the bytes on the wire, and everything.

    Args:
        transmission: where to.
        monkeypatch: sets the variables.
        put: what to put into the endpoint: after it, or, if it ends with an @, before the host.
    """
    with transmission:
        for name, value in transmission.environ.items():
            monkeypatch.setenv(name, value)
        endpoint = transmission.wire.endpoint
        changed = endpoint.replace("//", f"//{put}") if put.endswith("@") else endpoint + put
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", changed)
        send(StartEvent(run_mode="daemon"), timeout=10)
        return [b"".join(transmission.wire.sent()), transmission.everything()]
