"""The receiver for its operator: consent, addresses, TLS, sockets, health, metrics, the log and the shutdown."""

from __future__ import annotations

import resource
import signal
import socket
import ssl
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import serialization

from otel_tbot.testing import Reply
from tests.integration.receiver.conftest import ON
from tests.integration.receiver.http_client import connect, connect_unix, raw, read, request, send, submit
from tests.integration.receiver.metrics_backend import MetricsBackend
from tests.integration.receiver.receiver_process import RunningReceiver
from tests.integration.receiver.socket_activation import activated
from tests.support.collector import wait_until
from tests.support.held_reply import HeldReply
from tests.support.program import SOURCE, run

if TYPE_CHECKING:
    from collections.abc import Callable

    import trustme

    from otel_tbot.testing import OTLPReceiver


def health(running: RunningReceiver, path: str, method: str = "GET") -> int:
    """Return the status of a health check."""
    return submit(running.port, b"", {}, method=method, path=path).status


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({}, "is not set"),
        ({"TELEPORT_ANONYMOUS_TELEMETRY": "0"}, "is not exactly 1"),
        ({"TELEPORT_ANONYMOUS_TELEMETRY": "true"}, "is not exactly 1, though tbot itself"),
        ({**ON, "DO_NOT_TRACK": "1"}, "DO_NOT_TRACK is set"),
    ],
)
def test_consent(variables: dict[str, str], message: str) -> None:
    """Without consent in its own environment the receiver does not start: exit status 2, and one line that says why."""
    ended = run("serve", environ=variables)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert message in ended.stderr
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "variables", "status", "message"),
    [
        (["--listen", "localhost"], {}, 2, "--listen must be HOST:PORT, [IPV6]:PORT or unix:PATH"),
        (["--listen", "::1:4319"], {}, 2, "--listen must be"),
        (["--listen", "127.0.0.1:65536"], {}, 2, "--listen must be"),
        (["--listen", "192.0.2.1:0"], {}, 1, "cannot listen on 192.0.2.1:0: "),
        (["--listen", "unix:/no/such/folder/socket"], {}, 1, "cannot listen on unix:/no/such/folder/socket: "),
        (["--tls-key", "key.pem"], {}, 2, "--tls-certificate and --tls-key must be set together"),
        (["--tls-key", "no.pem", "--tls-certificate", "no.pem"], {}, 2, "cannot be used: No such file"),
        (["--signal", "metrics"], {}, 2, "'--signal'"),
        (["--max-connections", "0"], {}, 2, "'--max-connections'"),
        (["--peer-rate", "nan"], {}, 2, "--peer-rate must be a number"),
        ([], {"OTEL_TBOT_SIGNAL": "metrics"}, 2, "OTEL_TBOT_SIGNAL must be logs or traces"),
        ([], {"OTEL_EXPORTER_OTLP_PROTOCOL": "pigeon"}, 2, "OTEL_EXPORTER_OTLP_PROTOCOL must be"),
        (
            [],
            {"OTEL_METRICS_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "pigeon"},
            2,
            "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL must be",
        ),
        ([], {"OTEL_METRICS_EXPORTER": "console"}, 2, "OTEL_METRICS_EXPORTER must be otlp or none"),
    ],
)
def test_bad_settings(arguments: list[str], variables: dict[str, str], status: int, message: str) -> None:
    """An invalid setting is reported in one line, and the receiver does not start."""
    ended = run("serve", "--listen", "127.0.0.1:0", *arguments, environ={**ON, **variables})
    assert (ended.returncode, ended.stdout) == (status, "")
    assert message in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_address_in_use(running: RunningReceiver) -> None:
    """An address in use is reported in one line."""
    ended = run("serve", "--listen", running.address, environ=ON)
    assert (ended.returncode, ended.stderr) == (
        1,
        f"otel-tbot: cannot listen on {running.address}: Address already in use\n",
    )


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_destination(serve: Callable[..., RunningReceiver], receiver: OTLPReceiver, protocol: str) -> None:
    """The first line says where the events go, without credentials."""
    endpoint = receiver.grpc_endpoint if protocol == "grpc" else receiver.http_endpoint
    given = endpoint.replace("//", "//user:canary@") if protocol == "http/protobuf" else endpoint
    shown = f"{endpoint.replace('//', '//***@')}/v1/logs" if protocol == "http/protobuf" else endpoint
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": given, "OTEL_EXPORTER_OTLP_PROTOCOL": protocol}
    running = serve(**ON, **variables)
    assert " event=listening " in running.lines[0]
    (first,) = running.events("listening")
    assert (first["destination"], first["protocol"]) == (shown, protocol)
    assert "canary" not in "".join(running.lines)


def test_notes_about_settings(serve: Callable[..., RunningReceiver], receiver: OTLPReceiver) -> None:
    """A timeout read as milliseconds and an ignored variable are each logged once."""
    name = "OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER"
    variables = {"OTEL_EXPORTER_OTLP_TIMEOUT": "10000", name: "canary"}
    running = serve(**ON, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.http_endpoint, **variables)
    assert submit(running.port).status == 200
    assert running.stop() == 0
    ignored, milliseconds = sorted((line["note"] for line in running.events("setting")), reverse=True)
    assert milliseconds.startswith("OTEL_EXPORTER_OTLP_TIMEOUT is above 300")
    assert ignored.startswith(f"{name} is ignored")
    assert "canary" not in "".join(running.lines)


def test_several_addresses(serve: Callable[..., RunningReceiver], receiver: OTLPReceiver, tmp_path: Path) -> None:
    """With --listen repeated, each address is served and named."""
    path = tmp_path / "socket"
    listen = ("--listen", f"unix:{path}", "--listen", "127.0.0.1:0", "--listen", "127.0.0.2:0")
    running = serve(*listen, **ON, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.http_endpoint)
    unix, *tcp = running.address.split(" ")
    assert unix == f"unix:{path}"
    assert [address.partition(":")[0] for address in tcp] == ["127.0.0.1", "127.0.0.2"]
    for address in tcp:
        host, _, port = address.partition(":")
        with socket.create_connection((host, int(port)), timeout=30) as sender:
            assert send(sender, raw(request())).status == 200
    with connect_unix(path) as sender:
        assert send(sender, raw(request())).status == 200


def test_one_of_several_addresses_in_use(running: RunningReceiver, tmp_path: Path) -> None:
    """If one address is in use, the receiver names it, and removes the sockets of the others."""
    path = tmp_path / "socket"
    ended = run("serve", "--listen", f"unix:{path}", "--listen", running.address, environ=ON)
    message = f"otel-tbot: cannot listen on {running.address}: Address already in use\n"
    assert (ended.returncode, ended.stderr) == (1, message)
    assert not path.exists()


def test_both_families(serve: Callable[..., RunningReceiver], receiver: OTLPReceiver) -> None:
    """[::] is every address of this machine: IPv4 too."""
    if not socket.has_dualstack_ipv6():
        pytest.skip("this system has no IPv6")
    running = serve("--listen", "[::]:0", **ON, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.http_endpoint)
    assert running.address.startswith("[::]:")
    for host in ("127.0.0.1", "::1"):
        with socket.create_connection((host, running.port), timeout=30) as sender:
            assert send(sender, raw(request())).status == 200


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--queue-size", "901"), "--queue-size 901 has no effect above --max-connections 900"),
        (("--queue-size", "3", "--max-connections", "2"), "--queue-size 3 has no effect above --max-connections 2"),
        (("--queue-size", "2", "--max-connections", "2"), ""),
        (("--max-connections", "2"), ""),
    ],
)
def test_queue_above_connections(
    serve: Callable[..., RunningReceiver], receiver: OTLPReceiver, options: tuple[str, ...], message: str
) -> None:
    """A queue that can never be full, because each event needs a connection, is reported in one line at the start."""
    running = serve(*options, **ON, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.http_endpoint)
    lines = [line for line in running.lines if "--queue-size" in line]
    assert [line.partition(": ")[2].partition(":")[0] for line in lines] == ([message] if message else [])


def test_log(running: RunningReceiver, receiver: OTLPReceiver) -> None:
    """A run without problems logs two lines of pairs, listening and stopped with the counters, and none on stdout."""
    assert submit(running.port).status == 200
    assert health(running, "/healthz") == 200
    with connect(running.port) as connection:
        connection.sendall(b"nonsense\r\n\r\n")
        port = connection.getsockname()[1]
        connection.recv(1024)
    assert running.process.stdout is not None
    running.process.send_signal(signal.SIGTERM)
    assert running.process.stdout.read() == ""
    assert running.wait() == 0
    assert [line.split(" ")[1] for line in running.lines] == ["level=info", "level=warning", "level=info"]
    assert running.summary == {
        "received": 1, "exported": 1, "failed": 0, "unknown_fields": 0, "refused": 0,
    }  # fmt: skip
    assert str(port) not in "".join(running.lines).replace(running.address, "")
    assert len(receiver.log_records) == 1


def test_health(running: RunningReceiver, receiver: OTLPReceiver) -> None:
    """`/healthz` says that the process answers, `/readyz` that the backend accepts; neither sends an event."""
    assert health(running, "/healthz") == 200
    wait_until(lambda: health(running, "/readyz") == 200, "the receiver is ready")
    assert (health(running, "/healthz", "HEAD"), health(running, "/readyz", "POST")) == (200, 405)
    assert receiver.log_records == []


def test_not_ready(serve: Callable[..., RunningReceiver], receiver: OTLPReceiver) -> None:
    """While the backend does not accept, the receiver is alive but not ready; it is ready again once it does."""
    receiver.reply(Reply(status=400))
    running = serve(**ON, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.http_endpoint)
    wait_until(lambda: running.events("backend failing"), "the backend is found failing")
    assert (health(running, "/healthz"), health(running, "/readyz")) == (200, 503)
    receiver.reply(Reply())
    wait_until(lambda: health(running, "/readyz") == 200, "the receiver is ready")


def test_stalled_backend_is_not_ready(serve: Callable[..., RunningReceiver], receiver: OTLPReceiver) -> None:
    """`/readyz` answers soon even if the backend does not."""
    receiver.reply(Reply(delay=60))
    running = serve("--drain-timeout", "1", **ON, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.http_endpoint)
    assert health(running, "/readyz") == 503
    assert running.stop() == 0


def test_tls(
    serve: Callable[..., RunningReceiver], receiver: OTLPReceiver, authority: trustme.CA, tls: tuple[str, ...]
) -> None:
    """With a certificate and a key, the receiver uses TLS; a client that also offers HTTP/2, as Go's, gets HTTP/1.1."""
    running = serve(*tls, **ON, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.http_endpoint)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    context.set_alpn_protocols(["h2", "http/1.1"])
    with connect(running.port) as plain, context.wrap_socket(plain, server_hostname="127.0.0.1") as connection:
        assert connection.selected_alpn_protocol() in {None, "http/1.1"}
        assert send(connection, raw(request())).status == 200
    assert len(receiver.log_records) == 1


def test_weak_ciphers(
    serve: Callable[..., RunningReceiver], receiver: OTLPReceiver, authority: trustme.CA, tls: tuple[str, ...]
) -> None:
    """Only Python's default ciphers are accepted: no SHA-1, and nothing before TLS 1.2."""
    running = serve(*tls, **ON, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.http_endpoint)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE+AES128+SHA1:@SECLEVEL=0")
    with connect(running.port) as plain, pytest.raises(ssl.SSLError):
        context.wrap_socket(plain, server_hostname="127.0.0.1")
    context.set_ciphers("ECDHE+AESGCM")
    with connect(running.port) as plain, context.wrap_socket(plain, server_hostname="127.0.0.1") as connection:
        assert send(connection, raw(request())).status == 200


def test_encrypted_key(tls: tuple[str, ...]) -> None:
    """An encrypted key is refused in one line, because a service cannot ask for a password."""
    path = Path(tls[-1])
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    encryption = serialization.BestAvailableEncryption(b"secret")
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    path.write_bytes(key.private_bytes(*form, encryption))
    ended = run("serve", "--listen", "127.0.0.1:0", *tls, environ=ON)
    assert (ended.returncode, ended.stderr) == (2, "otel-tbot: --tls-key is encrypted: use a key without a password\n")


@pytest.mark.parametrize(
    ("hard", "status", "message"),
    [
        (64, 2, "otel-tbot: --max-connections needs 224 open files, but this process may have only 64: "),
        (1000, 0, "event=listening"),
    ],
)
def test_open_files(receiver: OTLPReceiver, hard: int, status: int, message: str) -> None:
    """The limit of open files is raised to what the connections need, or one line says that it cannot be."""
    limited = f'ulimit -Sn 64; ulimit -Hn {hard}; exec "$0" "$@" --listen 127.0.0.1:0 --max-connections 100'
    with subprocess.Popen(
        ["sh", "-c", limited, sys.executable, "-m", "otel_tbot", "serve"],
        env={"PYTHONPATH": str(SOURCE), **ON, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.http_endpoint},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        errors = process.stderr.readline()
        if status == 0:
            assert resource.prlimit(process.pid, resource.RLIMIT_NOFILE) == (224, hard)
            process.terminate()
    assert process.returncode == status
    assert message in errors


def test_unix_socket(serve: Callable[..., RunningReceiver], receiver: OTLPReceiver, tmp_path: Path) -> None:
    """The receiver listens on a unix socket, replaces the one of a killed receiver, and removes its own."""
    path = tmp_path / "tbot.sock"
    arguments = ("--listen", f"unix:{path}")
    variables = {**ON, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.http_endpoint}
    serve(*arguments, **variables).stop(signal.SIGKILL)
    assert path.is_socket()
    running = serve(*arguments, **variables)
    assert running.address == f"unix:{path}"
    with connect_unix(path) as connection:
        assert send(connection, raw(request())).status == 200
    assert "Address already in use" in run("serve", *arguments, environ=variables).stderr
    assert running.stop() == 0
    assert not path.exists()


def test_successor_on_a_unix_socket(
    serve: Callable[..., RunningReceiver], receiver: OTLPReceiver, tmp_path: Path
) -> None:
    """A receiver that ends does not remove the socket that its successor has created meanwhile."""
    path = tmp_path / "tbot.sock"
    first = serve("--listen", f"unix:{path}", **ON, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.http_endpoint)
    receiver.wait_for_requests(1, timeout=30)
    held = HeldReply()
    receiver.reply(held)
    with connect_unix(path) as sender, socket.socket(socket.AF_UNIX) as successor:
        sender.sendall(raw(request()))
        receiver.wait_for_requests(2, timeout=30)
        first.process.terminate()
        wait_until(lambda: not path.exists(), "it removes its socket")
        successor.bind(str(path))
        created = path.stat().st_ino
        assert first.process.poll() is None
        held.release()
        assert read(sender).status == 200
        assert first.wait() == 0
        assert path.stat().st_ino == created


def test_folder_of_the_socket_is_missing(
    serve: Callable[..., RunningReceiver], receiver: OTLPReceiver, tmp_path: Path
) -> None:
    """If the socket cannot be removed because its folder is missing, events are still delivered."""
    folder = tmp_path / "folder"
    folder.mkdir()
    running = serve("--listen", f"unix:{folder / 'socket'}", **ON, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.http_endpoint)
    receiver.wait_for_requests(1, timeout=30)
    receiver.reply(Reply(delay=1), Reply())
    with connect_unix(folder / "socket") as sender:
        sender.sendall(raw(request()))
        receiver.wait_for_requests(2, timeout=30)
        folder.rename(tmp_path / "elsewhere")
        folder.write_text("a file")
        running.process.terminate()
        assert read(sender).status == 200
    assert running.wait() == 0


def test_nohup(receiver: OTLPReceiver) -> None:
    """If SIGHUP was ignored before the receiver started, as by nohup, it still is."""
    variables = {**ON, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.http_endpoint}
    script = 'trap "" HUP; exec "$0" -m otel_tbot serve --listen 127.0.0.1:0'
    with subprocess.Popen(
        ["sh", "-c", script, sys.executable],
        env={"PYTHONPATH": str(SOURCE), **variables}, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        address = process.stderr.readline().rpartition("address=")[2]
        process.send_signal(signal.SIGHUP)
        assert submit(int(address.rpartition(":")[2])).status == 200
        process.terminate()
    assert process.returncode == 0


def test_no_other_file_is_removed(tmp_path: Path) -> None:
    """A file that is not a socket is not touched."""
    path = tmp_path / "precious"
    path.write_text("data")
    assert run("serve", "--listen", f"unix:{path}", environ=ON).returncode == 1
    assert path.read_text() == "data"


def test_socket_activation(receiver: OTLPReceiver) -> None:
    """Sockets from systemd are served, and a connection that was opened before the receiver started is not lost."""
    variables = {**ON, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.http_endpoint}
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        connect(listener.getsockname()[1]) as early,
        activated(listener, variables) as process,
    ):
        assert send(early, raw(request())).status == 200
        early.close()
        process.terminate()
        assert process.stderr is not None
        errors = process.stderr.read()
        assert process.wait(30) == 0
    assert b"event=stopped received=1 exported=1" in errors
    assert len(receiver.log_records) == 1


def test_missing_sockets_of_systemd(receiver: OTLPReceiver) -> None:
    """Announced but missing sockets are reported in one line."""
    variables = {**ON, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.http_endpoint, "LISTEN_FDS": "2"}
    with socket.create_server(("127.0.0.1", 0)) as listener, activated(listener, variables) as process:
        assert process.stderr is not None
        errors = process.stderr.read()
        assert process.wait(30) == 1
    assert errors.startswith(b"otel-tbot: cannot listen on the sockets of LISTEN_FDS: ")
    assert errors.count(b"\n") == 1


@pytest.mark.parametrize("kind", ["file", "datagram", "not listening"])
def test_sockets_of_another_kind(receiver: OTLPReceiver, kind: str, tmp_path: Path) -> None:
    """A descriptor from systemd that is not a listening stream socket is reported in one line."""
    variables = {**ON, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.http_endpoint}
    with ExitStack() as stack:
        kinds: dict[str, Callable[[], Any]] = {
            "file": (tmp_path / "file").open,
            "datagram": lambda: socket.socket(type=socket.SOCK_DGRAM),
            "not listening": socket.socket,
        }
        (tmp_path / "file").touch()
        passed = stack.enter_context(kinds[kind]())
        process = stack.enter_context(activated(passed, variables))
        assert process.stderr is not None
        errors = process.stderr.read()
        assert process.wait(30) == 1
    assert errors.startswith(b"otel-tbot: cannot listen on the sockets of LISTEN_FDS: ")
    assert errors.count(b"\n") == 1


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_SEQPACKET, socket.SOCK_STREAM])
def test_sockets_in_use(tmp_path: Path, kind: socket.SocketKind) -> None:
    """A socket in use by a process is not replaced, even if its queue is full."""
    path = tmp_path / "socket"
    with ExitStack() as stack:
        held = stack.enter_context(socket.socket(socket.AF_UNIX, kind))
        held.bind(str(path))
        if kind != socket.SOCK_DGRAM:
            held.listen(0)
            waiting = stack.enter_context(socket.socket(socket.AF_UNIX, kind))
            waiting.connect(str(path))
        ended = run("serve", "--listen", f"unix:{path}", environ=ON)
        assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
        assert path.is_socket()


def test_signals(running: RunningReceiver) -> None:
    """Signals with a meaning for tbot are ignored, and SIGQUIT stops the receiver in order."""
    for number in (signal.SIGUSR1, signal.SIGUSR2):
        running.process.send_signal(number)
        assert submit(running.port).status == 200
    assert running.stop(signal.SIGQUIT) == 0
    assert running.summary["exported"] == 2


def test_working_directory(receiver: OTLPReceiver, tmp_path: Path) -> None:
    """No process of the receiver executes a module in the working directory."""
    for name in ("multiprocessing", "json", "subprocess", "otel_tbot", "opentelemetry", "requests", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'executed')!r}, 'a').write({name!r})")
    variables = {**ON, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.http_endpoint}
    with RunningReceiver(variables=variables, folder=str(tmp_path)) as running:
        assert submit(running.port).status == 200
        assert running.stop() == 0
    assert not (tmp_path / "executed").exists()


def test_metrics(
    serve: Callable[..., RunningReceiver], receiver: OTLPReceiver, metrics_backend: MetricsBackend
) -> None:
    """The counters are sent as metrics if the standard variable asks for it, without anything about this host."""
    running = serve(
        **ON,
        OTEL_EXPORTER_OTLP_ENDPOINT=receiver.http_endpoint,
        OTEL_METRICS_EXPORTER="otlp",
        OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=metrics_backend.endpoint,
        OTEL_RESOURCE_ATTRIBUTES="host.name=canary",
        OTEL_SERVICE_NAME="canary",
    )
    assert submit(running.port).status == 200
    assert submit(running.port, b"\xff").status == 400
    assert running.stop() == 0
    assert metrics_backend.headers[-1]["Accept-Encoding"] == "identity"
    (sent,) = metrics_backend.last.resource_metrics
    resource = {attribute.key: attribute.value.string_value for attribute in sent.resource.attributes}
    assert resource.keys() == {"service.name", "service.version"}
    assert resource["service.name"] == "otel-tbot"
    values = {
        (
            metric.name.removeprefix("otel_tbot.receiver."),
            *(one.value.string_value for one in point.attributes),
        ): point.as_int
        for metric in sent.scope_metrics[0].metrics
        for point in (*metric.sum.data_points, *metric.gauge.data_points)
    }
    assert values == {
        ("received",): 2,
        ("exported",): 1,
        ("failed",): 0,
        ("unknown_fields",): 0,
        ("refused", "invalid_argument"): 1,
        ("waiting",): 0,
    }


@pytest.mark.parametrize("protocol", ["HTTP/protobuf", "grpc"])
def test_unparsable_variables(
    serve: Callable[..., RunningReceiver], receiver: OTLPReceiver, metrics_backend: MetricsBackend, protocol: str
) -> None:
    """Invalid transport variables are logged once each; events and metrics are still sent."""
    names = [
        "OTEL_EXPORTER_OTLP_TIMEOUT",
        "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT",
        "OTEL_EXPORTER_OTLP_METRICS_COMPRESSION",
        "OTEL_METRIC_EXPORT_INTERVAL",
        "OTEL_METRIC_EXPORT_TIMEOUT",
    ]
    running = serve(
        **ON,
        OTEL_EXPORTER_OTLP_ENDPOINT=receiver.http_endpoint,
        OTEL_METRICS_EXPORTER="OTLP",
        OTEL_EXPORTER_OTLP_METRICS_PROTOCOL=protocol,
        OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=metrics_backend.endpoint,
        **dict.fromkeys(names, "-1"),
    )
    assert submit(running.port).status == 200
    assert running.stop() == 0
    assert len(receiver.log_records) == 1
    warnings = [line for line in running.lines if "event=setting" in line]
    assert [line.partition('note="')[2].partition(" ")[0] for line in warnings] == names
    assert all("level=warning" in line and "-1" not in line.partition("event=")[2] for line in warnings)
    if protocol != "grpc":
        assert len(metrics_backend.received) == 1


def test_metrics_are_not_redirected(
    serve: Callable[..., RunningReceiver], receiver: OTLPReceiver, metrics_backend: MetricsBackend
) -> None:
    """Redirects of metrics are not followed, and the failure is reported."""
    with MetricsBackend() as elsewhere:
        metrics_backend.redirect = elsewhere.endpoint
        running = serve(
            **ON,
            OTEL_EXPORTER_OTLP_ENDPOINT=receiver.http_endpoint,
            OTEL_METRICS_EXPORTER="otlp",
            OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=metrics_backend.endpoint,
        )
        assert running.stop() == 0
        assert (len(metrics_backend.received), len(elsewhere.received)) == (1, 0)
    assert [line for line in running.lines if "level=error" in line and "logger=opentelemetry." in line]


@pytest.mark.parametrize("name", ["OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"])
def test_metrics_cannot_use_json(name: str) -> None:
    """Metrics over http/json are refused in one line that says what to set instead."""
    ended = run("serve", environ={**ON, "OTEL_METRICS_EXPORTER": "otlp", name: "http/json"})
    assert ended.returncode == 2
    assert ended.stderr == (
        f"otel-tbot: {name} is http/json, which metrics cannot use: set "
        "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL=http/protobuf\n"
    )


def test_no_metrics_unasked(running: RunningReceiver, receiver: OTLPReceiver) -> None:
    """Without a request for metrics, none are sent: the backend gets only the event."""
    submit(running.port)
    assert running.stop() == 0
    assert receiver.malformed_requests == 0
