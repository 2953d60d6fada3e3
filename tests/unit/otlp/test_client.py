"""An export has one exporter, one deadline and one result; other tests use real backends."""

from __future__ import annotations

import logging
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from otel_tbot import consent
from otel_tbot.errors import SettingsError
from otel_tbot.otlp import client as module
from otel_tbot.otlp.client import OTLPClient, create_exporter
from otel_tbot.otlp.failure_reason import FailureReason
from otel_tbot.otlp.settings import resolve_settings
from tests.support.collector import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from otel_tbot.otlp.settings import OTLPSettings

pytestmark = pytest.mark.usefixtures("opted_in")


class FakeExporter:
    """An exporter whose behavior a test sets."""

    def __init__(self, work: Callable[[FakeExporter], str]) -> None:
        """Set the function that `export` calls, which returns the name of the result."""
        self._work = work
        self.failure = FailureReason()
        self.exported: list[Any] = []
        self.ended = threading.Event()

    def export(self, records: Sequence[Any]) -> SimpleNamespace:
        """Export."""
        self.exported += records
        return SimpleNamespace(name=self._work(self))

    def shutdown(self) -> None:
        """Record the shutdown, and raise, as a real exporter may."""
        self.ended.set()
        raise RuntimeError


class Exporters:
    """Replaces `create_exporter`, and keeps the exporters that it created."""

    def __init__(self) -> None:
        """Create exporters that accept, until a test changes `work`."""
        self.made: list[FakeExporter] = []
        self.work: Callable[[FakeExporter], str] = lambda _: "SUCCESS"
        self.prepare: Callable[[], object] = lambda: None

    def create(self, settings: OTLPSettings) -> Any:  # noqa: ANN401  the module's own type
        """Create an exporter."""
        self.settings = settings
        self.prepare()
        self.made.append(FakeExporter(lambda exporter: self.work(exporter)))  # noqa: PLW0108  `work` may be replaced
        return module._Exporter(self.made[-1], self.made[-1].failure)


@pytest.fixture
def exporters(monkeypatch: pytest.MonkeyPatch) -> Exporters:
    """Replace the OTLP exporters."""
    fakes = Exporters()
    monkeypatch.setattr(module, "create_exporter", fakes.create)
    return fakes


def client(**keywords: object) -> OTLPClient:
    """Return a client."""
    return OTLPClient("logs", {"timeout": 10, **keywords})


def fail(reason: str = "") -> Callable[[FakeExporter], str]:
    """Return a function that sets a reason and fails."""

    def work(exporter: FakeExporter) -> str:
        exporter.failure.reason = reason
        return "FAILURE"

    return work


def raises(_: FakeExporter) -> str:
    """Raise, as no exporter should."""
    raise KeyError


def test_accepted(exporters: Exporters) -> None:
    """Records are built for the export, nothing is buffered, and the exporter is kept for the next export."""
    sender = client()
    assert sender.export(lambda: ["a"]) == (True, "")
    assert sender.export(lambda: ["b", "c"]) == (True, "")
    (exporter,) = exporters.made
    assert exporter.exported == ["a", "b", "c"]
    assert sender.force_flush(0)
    assert not exporter.ended.is_set()
    assert (exporters.settings.signal, exporters.settings.timeout) == ("logs", 10)
    sender.shutdown()
    assert exporter.ended.is_set()


@pytest.mark.usefixtures("exporters")
def test_warnings(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """A timeout read as milliseconds and an ignored variable are each logged once."""
    names = ("OTEL_EXPORTER_OTLP_TIMEOUT", "OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER")
    for name, value in zip(names, ("10000", "canary"), strict=True):
        monkeypatch.setenv(name, value)
    sender = OTLPClient("logs")
    for _ in range(2):
        assert sender.export(lambda: ["a"]).accepted
    assert {record.getMessage().partition(" ")[0] for record in caplog.records} == {*names}
    assert len(caplog.records) == len(names)
    assert "canary" not in caplog.text


@pytest.mark.parametrize(
    ("work", "reason"),
    [
        (fail("no"), "no"),
        (fail(), "the exporter failed"),
        (raises, "the exporter failed (KeyError)"),
    ],
)
def test_failed(exporters: Exporters, work: Callable[[FakeExporter], str], reason: str) -> None:
    """A failure has a reason, and the exporter is used again."""
    exporters.work = work
    sender = client()
    assert sender.export(list) == (False, reason)
    exporters.work = lambda _: "SUCCESS"
    assert sender.export(list) == (True, "")
    assert len(exporters.made) == 1


def test_error_with_a_reason(exporters: Exporters) -> None:
    """The reason of a failure takes precedence over the type of the error."""

    def work(exporter: FakeExporter) -> str:
        exporter.failure.reason = "no"
        raise KeyError

    exporters.work = work
    assert client().export(list) == (False, "no")


def test_settings(exporters: Exporters, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings are read at the first export and then kept; with invalid ones nothing is exported."""
    sender = OTLPClient("traces", {"timeout": None})
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "canary")
    accepted, reason = sender.export(list)
    assert not accepted
    assert "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL must be" in reason
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc")
    assert sender.export(list).accepted
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "canary")
    assert sender.export(list).accepted
    assert (exporters.settings.signal, exporters.settings.protocol) == ("traces", "grpc")


def test_given_settings(exporters: Exporters, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings that were resolved elsewhere are used unchanged."""
    settings = resolve_settings("logs", {"OTEL_EXPORTER_OTLP_TIMEOUT": "3"})
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "canary")
    assert OTLPClient("logs", settings=settings).export(list).accepted
    assert exporters.settings == settings


@pytest.mark.usefixtures("exporters")
def test_notes(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Each variable that counts as unset is reported in one warning, once, and the export continues."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "canary")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "canary")
    sender = OTLPClient("logs")
    assert [sender.export(list).accepted for _ in range(3)] == [True] * 3
    assert [message.partition(" ")[0] for message in caplog.messages] == [
        "OTEL_EXPORTER_OTLP_TIMEOUT",
        "OTEL_EXPORTER_OTLP_COMPRESSION",
    ]
    assert "canary" not in caplog.text


def test_note(exporters: Exporters, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """A timeout read as milliseconds is logged at the first export, and not again."""
    assert client().export(list).accepted
    assert caplog.messages == []
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "10000")
    sender = OTLPClient("logs")
    assert sender.export(list).accepted
    assert sender.export(list).accepted
    assert caplog.messages == ["OTEL_EXPORTER_OTLP_TIMEOUT is above 300 and was read as milliseconds"]
    assert exporters.settings.timeout == 10


def test_no_exporter(exporters: Exporters) -> None:
    """If the exporter cannot be created, the export fails with the reason, and the next one tries again."""

    def refuse() -> None:
        message = "no file"
        raise SettingsError(message)

    exporters.prepare = refuse
    sender = client()
    assert sender.export(list) == (False, "no file")
    exporters.prepare = lambda: None
    assert sender.export(list).accepted


def test_records_that_cannot_be_built(exporters: Exporters) -> None:
    """An error while the records are built is a failure that names only its type."""

    def broken() -> list[object]:
        message = "canary"
        raise ImportError(message)

    assert client().export(broken) == (False, "the event could not be built or sent (ImportError)")
    assert exporters.made == []


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (
            "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT must be an integer but got canary",
            ": OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT cannot be used",
        ),
        ("OTEL_CANARY", ""),
    ],
)
@pytest.mark.usefixtures("exporters")
def test_variable_that_the_sdk_refuses(message: str, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the SDK's error names a variable that is set, the reason names it, too, without its value."""
    monkeypatch.setenv("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "canary")

    def broken() -> list[object]:
        raise ValueError(message)

    assert client().export(broken) == (False, f"the event could not be built or sent (ValueError{kind})")


def test_consent_withdrawn_meanwhile(exporters: Exporters, monkeypatch: pytest.MonkeyPatch) -> None:
    """Consent is checked again when everything is ready to send."""
    exporters.prepare = lambda: monkeypatch.delenv("TELEPORT_ANONYMOUS_TELEMETRY")
    assert client().export(lambda: ["a"]) == (False, consent({}).reason)
    assert exporters.made[0].exported == []


def test_deadline(exporters: Exporters, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the deadline the exporter is shut down, which ends its thread, and the next export has a new one."""
    begun, results, timeouts = threading.Event(), [], []

    def wait(exporter: FakeExporter) -> str:
        begun.set()
        results.append(exporter.ended.wait(30))
        return "SUCCESS"

    def expire(timeout: float, work: Callable[[], object]) -> None:
        """Let the time be up as soon as the exporter exports."""
        timeouts.append(timeout)
        threading.Thread(target=work).start()
        assert begun.wait(30)
        raise TimeoutError

    exporters.work = wait
    sender = client(timeout=20)
    with monkeypatch.context() as patch:
        patch.setattr(module, "run_with_timeout", expire)
        assert sender.export(list) == (False, "the backend did not accept it within 20 s")
    assert timeouts == [20]
    wait_until(lambda: results, "the thread has ended")
    assert results == [True]
    exporters.work = lambda _: "SUCCESS"
    assert sender.export(list).accepted
    assert [exporter.ended.is_set() for exporter in exporters.made] == [True, False]


def test_late_exporter(exporters: Exporters) -> None:
    """An exporter that is ready after the deadline sends nothing, and is shut down."""
    ready = threading.Event()
    exporters.prepare = lambda: ready.wait(30)
    assert not client(timeout=0.1).export(lambda: ["a"]).accepted
    ready.set()
    wait_until(lambda: exporters.made, "the exporter is created")
    assert exporters.made[0].ended.wait(30)
    assert exporters.made[0].exported == []


def test_no_thread(exporters: Exporters, monkeypatch: pytest.MonkeyPatch) -> None:
    """If no thread can be started, nothing is sent."""

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert client().export(list) == (False, "no thread could be started to send it within the timeout")
    assert exporters.made == []


@pytest.fixture
def two_at_once(exporters: Exporters) -> Iterator[tuple[OTLPClient, list[Any], Callable[[], None]]]:
    """Run two exports at the same time; return the client, their futures and a function that lets them end."""
    begun, go = threading.Barrier(3), threading.Event()

    def work(exporter: FakeExporter) -> str:
        begun.wait(30)
        go.wait(30)
        return "FAILURE" if exporter.ended.is_set() else "SUCCESS"

    exporters.work = work
    sender = client()
    with ThreadPoolExecutor() as pool:
        futures = [pool.submit(sender.export, list) for _ in range(2)]
        begun.wait(30)
        yield sender, futures, go.set
        go.set()


def test_two_at_once(exporters: Exporters, two_at_once: tuple[OTLPClient, list[Any], Callable[[], None]]) -> None:
    """Concurrent exports each have their own exporter; afterwards one is kept."""
    sender, futures, end = two_at_once
    end()
    assert [future.result().accepted for future in futures] == [True, True]
    assert sorted(exporter.ended.is_set() for exporter in exporters.made) == [False, True]
    exporters.work = lambda _: "SUCCESS"
    assert sender.export(list).accepted
    assert len(exporters.made) == 2


def test_shutdown_meanwhile(
    exporters: Exporters, two_at_once: tuple[OTLPClient, list[Any], Callable[[], None]]
) -> None:
    """A shutdown ends the exports in progress; a later export has a new exporter."""
    sender, futures, end = two_at_once
    sender.shutdown()
    assert [exporter.ended.is_set() for exporter in exporters.made] == [True, True]
    end()
    assert [future.result().accepted for future in futures] == [False, False]
    exporters.work = lambda _: "SUCCESS"
    assert sender.export(list).accepted
    assert len(exporters.made) == 3


@pytest.mark.parametrize("child", [-1, 2**40])
def test_fork(exporters: Exporters, monkeypatch: pytest.MonkeyPatch, child: int) -> None:
    """A forked child uses neither the exporter nor the settings of its parent, and closes nothing of the parent's."""
    sender = OTLPClient("logs")
    assert sender.export(list).accepted
    monkeypatch.setattr(os, "getpid", lambda: child)
    sender.shutdown()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "3")
    assert sender.export(list).accepted
    assert [exporter.ended.is_set() for exporter in exporters.made] == [False, False]
    assert exporters.settings.timeout == 3
    sender.shutdown()
    assert [exporter.ended.is_set() for exporter in exporters.made] == [False, True]


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
@pytest.mark.parametrize("signal", ["logs", "traces"])
def test_create(monkeypatch: pytest.MonkeyPatch, protocol: str, signal: str) -> None:
    """The OTLP exporter of the protocol and signal is created; its own timeout is a little shorter than ours."""
    import otel_tbot.otlp.grpc  # noqa: PLC0415  replaced here
    import otel_tbot.otlp.http  # noqa: PLC0415

    made: dict[str, Any] = {}
    for name in ("http", "grpc"):

        def make(settings: OTLPSettings, failure: FailureReason, *_files: object, name: str = name) -> SimpleNamespace:
            made[name] = (settings, failure)
            return SimpleNamespace()

        monkeypatch.setattr(getattr(otel_tbot.otlp, name), f"{name}_exporter", make)
    settings = resolve_settings(signal, {}, {"protocol": protocol, "timeout": 4})  # type: ignore[arg-type]
    exporter = create_exporter(settings)
    ((name, (given, failure)),) = made.items()
    assert name == protocol.partition("/")[0]
    assert given.timeout == pytest.approx(3.8)
    assert given._replace(timeout=4) == settings
    assert failure is exporter.failure


@pytest.mark.parametrize("name", ["certificate", "client_key", "client_certificate"])
def test_unreadable_file(tmp_path: Path, name: str) -> None:
    """A file that cannot be read stops the delivery, and the message names its variable and not its path."""
    settings = resolve_settings("logs", {}, {name: str(tmp_path / "canary")})
    variable = f"OTEL_EXPORTER_OTLP_{name.upper()}"
    with pytest.raises(SettingsError, match=rf"^the file named by {name} \({variable}\) does not exist$"):
        create_exporter(settings)


@pytest.mark.parametrize(
    "logger", ["urllib3.connectionpool", "urllib3.util.retry", "opentelemetry.exporter.otlp.proto.http._log_exporter"]
)
def test_logs(logger: str, caplog: pytest.LogCaptureFixture) -> None:
    """Log messages of the libraries about our export are dropped, in its thread only."""
    create_exporter(resolve_settings("logs", {})).shutdown()
    from otel_tbot.otlp.log_suppression import suppress_export_logs  # noqa: PLC0415

    with suppress_export_logs():
        logging.getLogger(logger).error("canary")
    assert caplog.messages == []
    logging.getLogger(logger).error("of the host")
    assert caplog.messages == ["of the host"]
