"""The real OpenTelemetry Collector as a backend: started on free ports, read back from the files it writes."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typing_extensions import Self

_CONFIGURATION = """\
receivers:
  otlp:
    protocols:
      grpc: {{endpoint: "127.0.0.1:{grpc}"}}
      http: {{endpoint: "127.0.0.1:{http}"}}
exporters:
  file/logs: {{path: logs.jsonl}}
  file/traces: {{path: traces.jsonl}}
service:
  telemetry: {{metrics: {{level: none}}, logs: {{level: error}}}}
  pipelines:
    logs: {{receivers: [otlp], exporters: [file/logs]}}
    traces: {{receivers: [otlp], exporters: [file/traces]}}
"""
_PORTS = range(10_000, 30_000)  # below those that Linux and macOS choose themselves
_READY_WITHIN = 20  # seconds; the Collector takes milliseconds, a busy machine more


def find_collector() -> str | None:
    """Return the path of a Collector: `OTELCOL`, or `otelcol` or `otelcol-contrib` on `PATH`."""
    named = os.environ.get("OTELCOL")
    return named or shutil.which("otelcol") or shutil.which("otelcol-contrib")


class Collector:
    """A Collector process."""

    def __init__(self, binary: str, folder: Path) -> None:
        """Write its configuration into its own folder."""
        self._folder = folder / "collector"
        self._folder.mkdir()
        grpc, http = free_ports(2)
        self._ports = (grpc, http)
        over_http = dict.fromkeys(("http/protobuf", "http/json"), f"http://127.0.0.1:{http}")
        self.endpoints = {"grpc": f"http://127.0.0.1:{grpc}", **over_http}
        (self._folder / "config.yaml").write_text(_CONFIGURATION.format(grpc=grpc, http=http))
        self._command = [binary, "--config", "config.yaml"]

    def __enter__(self) -> Self:
        """Start it, and wait until it listens."""
        self._process = subprocess.Popen(self._command, cwd=self._folder)
        try:
            wait_until(lambda: all(map(listens, self._ports)), "the Collector listens")
        except TimeoutError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self._process.terminate()
        self._process.wait(timeout=_READY_WITHIN)

    def requests(self, signal: str, *, count: int = 1, within: float = _READY_WITHIN) -> list[dict[str, Any]]:
        """Wait `within` seconds at most for `count` export requests of a signal, and return them as OTLP/JSON."""
        file = self._folder / f"{signal}.jsonl"
        wait_until(lambda: len(_lines(file)) >= count, f"{count} request(s) of {signal} arrived", within=within)
        return [json.loads(line) for line in _lines(file)]


def wait_until(condition: Callable[[], object], what: str, *, within: float = _READY_WITHIN) -> None:
    """Wait until a condition holds; `what` describes it in the error message.

    Raises:
        TimeoutError: the condition does not hold within `within` seconds.
    """
    ends = time.monotonic() + within
    while not condition():
        if time.monotonic() > ends:
            message = f"waited {within} s, but not: {what}"
            raise TimeoutError(message)
        time.sleep(0.01)


def _lines(file: Path) -> list[str]:
    # Only complete lines: the Collector may be writing the next one.
    return file.read_text().split("\n")[:-1] if file.exists() else []


def listens(port: int) -> bool:
    """Return whether a server accepts connections on a port of loopback."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_ports(count: int) -> list[int]:
    """Return unused ports of loopback, which the system gives to no connection and to no other server meanwhile."""
    found: set[int] = set()
    while len(found) < count:
        port = secrets.choice(_PORTS)  # each process of the tests has the same `random`
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            found.add(port)
    return list(found)
