"""Every entry point, signal, protocol and state of consent: real processes, and what the real Collector receives."""

from __future__ import annotations

import itertools
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from otel_tbot import StartEvent, send
from tests.integration.pipelines import declarative
from tests.integration.pipelines.processes import ON, instrumented, python, start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from otel_tbot.otlp.settings import Signal
    from tests.integration.pipelines.processes import CompletedRun
    from tests.support.collector import Collector

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "test-matrix.md"
PROTOCOLS = ("http/protobuf", "grpc")
CONSENTS = ("on", "off", "given, then withdrawn")
# The rows, and the program for each.
ROWS = {
    ("environment", "log record"): "environment",
    ("environment", "span"): "environment",
    ("declarative file", "log record"): "declarative",
    ("declarative file", "span"): "declarative",
    ("pipeline in code", "log record"): "code",
    ("pipeline in code", "span"): "code",
    ("`emit`", "log record"): "emit",
    ("`emit_span`", "span"): "emit",
    ("`send`", "log record"): "send",
    ("`send`", "span"): "send",
    ("`otel-tbot emit`", "log record"): "command",
    ("`otel-tbot emit`", "span"): "command",
}
SIGNALS: dict[str, Signal] = {"log record": "logs", "span": "traces"}
# As many processes at once as a small machine has cores.
AT_ONCE = 2
_numbers: defaultdict[tuple[str, str, str], int] = defaultdict(itertools.count().__next__)


def name(program: str, protocol: str, consent: str) -> str:
    """Return the version that identifies the events of one process."""
    return f"1.{_numbers[program, protocol, consent]}"


class Processes:
    """All processes of the matrix, with the variables of each."""

    def __init__(self, collector: Collector, folder: Path) -> None:
        """Set the Collector, and the folder for files."""
        self._collector = collector
        self._folder = folder

    def all(self) -> Iterator[Callable[[], CompletedRun]]:
        """Yield a function for each process that runs it to its end."""
        for protocol in PROTOCOLS:
            for consent in CONSENTS:
                yield from self._of(protocol, consent)

    def _of(self, protocol: str, consent: str) -> Iterator[Callable[[], CompletedRun]]:
        environ = {
            **(ON if consent == "on" else {}),
            "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
            "OTEL_EXPORTER_OTLP_ENDPOINT": self._collector.endpoints[protocol],
        }

        def turns(program: str) -> list[str]:
            version = name(program, protocol, consent)
            if consent in {"on", "off"}:
                return [version]
            return [f"0:{version}.1", f"1:{version}", f"0:{version}.2"]

        exporters = {"OTEL_LOGS_EXPORTER": "tbot", "OTEL_TRACES_EXPORTER": "tbot"}
        yield lambda: instrumented("pipeline", "configured", *turns("environment"), environ={**environ, **exporters})
        if declarative.AVAILABLE:
            yield lambda: instrumented(
                "pipeline", "configured", *turns("declarative"), environ=self._file(protocol, environ)
            )
        yield lambda: python("pipeline", "code", *turns("code"), environ=environ)
        yield lambda: python("pipeline", "emit", *turns("emit"), environ=environ)
        yield lambda: python("send", *turns("send"), environ=environ)
        if consent in {"on", "off"}:
            for signal in SIGNALS.values():
                options = ["--tbot-version", *turns("command"), "--signal", signal]
                yield partial(start, ["otel-tbot", "emit", *options, "tbot", "start"], environ)

    def _file(self, protocol: str, environ: dict[str, str]) -> dict[str, str]:
        folder = self._folder / name("declarative", protocol, "file")
        folder.mkdir(exist_ok=True)
        base = self._collector.endpoints[protocol]
        logs, traces = (base, base) if protocol == "grpc" else (f"{base}/v1/logs", f"{base}/v1/traces")
        keywords = "protocol: {}\nendpoint: {}".format
        consent = {name: value for name, value in environ.items() if name in ON}
        file = declarative.configuration(folder, logs=keywords(protocol, logs), traces=keywords(protocol, traces))
        return {**consent, **file}


def arrived(collector: Collector, signal: Signal) -> list[dict[str, Any]]:
    """Send an event of version 9.9.9, and return all log records or spans that arrived up to it."""
    send(StartEvent(run_mode="daemon", version="9.9.9"), signal=signal)
    found: list[dict[str, Any]] = []
    while not found or version(found[-1]) != "9.9.9":
        found = [item for request in collector.requests(signal, count=len(found) + 1) for item in items(request)]
    return found


def version(item: dict[str, Any]) -> str:
    """Return the version in an event; no other log record or span has one."""
    values = {attribute["key"]: attribute["value"] for attribute in item["attributes"]}
    return str(values["tbot.version"]["stringValue"])


def items(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the log records or spans of a request in OTLP/JSON."""
    for of_resource in (*request.get("resourceLogs", ()), *request.get("resourceSpans", ())):
        for of_scope in (*of_resource.get("scopeLogs", ()), *of_resource.get("scopeSpans", ())):
            yield from (*of_scope.get("logRecords", ()), *of_scope.get("spans", ()))


def outcome(found: list[str], sent: str, consent: str) -> str:
    """Return a short description of what arrived from one process."""
    counts = [found.count(sent + phase) for phase in (".before", "", ".after")]
    words: dict[str, dict[tuple[int, ...], str]] = {
        "on": {(0, 1, 0): "sent"},
        "off": {(0, 0, 0): "nothing"},
        "given, then withdrawn": {(0, 1, 0): "in between"},
    }
    return words[consent].get(tuple(counts), f"WRONG: {counts}")


def table(found: dict[str, list[str]]) -> list[str]:
    """Return the results as lines of Markdown."""
    lines = [f"| way | as | protocol | {' | '.join(CONSENTS)} |", "|---" * (3 + len(CONSENTS)) + "|"]
    for (way, shape), program in ROWS.items():
        if program == "declarative" and not declarative.AVAILABLE:
            continue
        for protocol in PROTOCOLS:
            cells = [
                "each run decides"
                if program == "command" and consent not in {"on", "off"}
                else outcome(found[SIGNALS[shape]], name(program, protocol, consent), consent)
                for consent in CONSENTS
            ]
            lines.append(f"| {way} | {shape} | {protocol} | {' | '.join(cells)} |")
    return lines


@pytest.mark.timeout(300)  # seconds; some thirty processes, two at once, take 11 on an idle machine of two cores
def test_matrix(collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each entry point delivers once with consent, and sends nothing without, for any signal and protocol."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        ended = list(pool.map(lambda run: run(), Processes(collector, tmp_path).all()))
    quiet = [("nothing sent" in line) or (" sent to " in line) for one in ended for line in one.stderr]
    assert {one.status for one in ended} == {0}
    assert all(quiet), [one.stderr for one in ended]
    # The Collector has written everything that arrived earlier.
    monkeypatch.setenv("TELEPORT_ANONYMOUS_TELEMETRY", "1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoints["http/protobuf"])
    found = {signal: arrived(collector, signal) for signal in SIGNALS.values()}
    assert not [item for item in found["logs"] if "traceId" in item or "spanId" in item]
    assert not [item for item in found["traces"] if "parentSpanId" in item]
    lines = table({signal: [version(item) for item in of_signal] for signal, of_signal in found.items()})
    print("", *lines, sep="\n")  # noqa: T201  for the documentation
    assert "WRONG" not in "\n".join(lines)
    assert set(lines) <= set(PAGE.read_text(encoding="utf-8").splitlines())
