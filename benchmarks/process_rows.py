"""The rows that measure whole processes, as a user starts them."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import elapsed, peak_memory, until
from benchmarks.row import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from otel_tbot.testing import OTLPReceiver

HERE = Path(__file__).parent
VERSION = ("--tbot-version", "18.2.3")
CONFIGURATION = """\
version: v2
onboarding:
  join_method: github
storage:
  type: memory
services:
  - type: identity
    destination:
      type: directory
      path: /opt/machine-id
  - type: application-tunnel
    app_name: app
    listen: tcp://127.0.0.1:1234
"""


class Bench:
    """The commands, the files and the backend that the rows share."""

    def __init__(self, folder: Path, receiver: OTLPReceiver) -> None:
        """Write the configuration into a folder."""
        self.folder = str(folder)
        self.receiver = receiver
        self.python = sys.executable
        self.program = str(Path(sys.executable).with_name("otel-tbot"))
        self.true = shutil.which("true") or "/bin/true"
        (folder / "tbot.yaml").write_text(CONFIGURATION)
        (folder / "tbot").symlink_to(self.true)  # a tbot that exits at once
        self.tbot = str(folder / "tbot")
        self.start = ("tbot", "start", "-c", "tbot.yaml")
        self.off = {"PATH": os.environ["PATH"]}
        self.on = {**self.off, "TELEPORT_ANONYMOUS_TELEMETRY": "1"}

    def to(self, protocol: str) -> dict[str, str]:
        """Return the variables that send to the backend over a protocol."""
        endpoint = self.receiver.grpc_endpoint if protocol == "grpc" else self.receiver.http_endpoint
        return {**self.on, "OTEL_EXPORTER_OTLP_PROTOCOL": protocol, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}

    def time(self, *command: str, environ: dict[str, str] | None = None) -> Callable[[], float]:
        """Return a probe for the time of a command."""
        return elapsed(command, environ or self.off, self.folder)

    def reported(self, probe: Callable[[], float]) -> Callable[[], float]:
        """Return a probe that waits for the event of its sample, so that sending it does not affect the next one."""

        def sample() -> float:
            self.receiver.clear()
            taken = probe()
            self.receiver.wait_for_requests(1, timeout=30)
            return taken

        return sample

    def arrival(self, *command: str, environ: dict[str, str]) -> Callable[[], float]:
        """Return a probe for the time until the event of a command has arrived."""
        timed = until(lambda: self.receiver.wait_for_requests(1, timeout=30), command, environ, self.folder)

        def sample() -> float:
            self.receiver.clear()
            return timed()

        return sample

    def memory(self, *command: str, environ: dict[str, str]) -> Callable[[], float]:
        """Return a probe for the memory of a command."""
        return peak_memory(command, environ, self.folder)


def process_rows(bench: Bench) -> Iterator[Row]:
    """Return the rows that measure whole processes."""
    bare = bench.time(bench.python, "-I", "-c", "pass")
    directly = bench.time(bench.true, "start")
    run = (bench.program, "run", *VERSION, bench.true, "start")
    yield Row(
        what="`run`, off, of a program that ends at once", reference="`python -I -c pass`", budget=1.4,
        ours=bench.time(*run), theirs=bare, above=directly,
    )  # fmt: skip
    yield Row(
        what="`run`, on, until the program begins", reference="`python -I -c pass`", budget=1.6,
        ours=bench.reported(bench.time(*run, environ=bench.to("http/protobuf"))), theirs=bare, above=directly,
    )  # fmt: skip
    for protocol in ("http/protobuf", "grpc"):
        emit = (bench.program, "emit", *VERSION, *bench.start)
        hand = (bench.python, str(HERE / "handwritten.py"), protocol, "tbot.yaml")
        environ = bench.to(protocol)
        yield Row(
            what=f"`run`, {protocol}, until the event arrives", reference="a hand-written script", budget=1.1,
            ours=bench.arrival(bench.program, "run", *VERSION, bench.tbot, "start", "-c", "tbot.yaml", environ=environ),
            theirs=bench.arrival(*hand, environ=environ),
        )  # fmt: skip
        yield Row(
            what=f"`emit`, {protocol}", reference="a hand-written script", budget=1.1,
            ours=bench.time(*emit, environ=environ), theirs=bench.time(*hand, environ=environ),
        )  # fmt: skip
        yield Row(
            what=f"`emit`, {protocol}, peak memory", reference="a hand-written script", budget=1.1, unit="B",
            ours=bench.memory(*emit, environ=environ), theirs=bench.memory(*hand, environ=environ),
        )  # fmt: skip
    yield Row(
        what="`preview`", reference='`python -c "import yaml"`', budget=2.5,
        ours=bench.time(bench.program, "preview", *VERSION, *bench.start),
        theirs=bench.time(bench.python, "-c", "import yaml"),
    )  # fmt: skip
    yield Row(
        what="`import otel_tbot`", reference="`python -c pass`", budget=1.3,
        ours=bench.time(bench.python, "-c", "import otel_tbot"), theirs=bench.time(bench.python, "-c", "pass"),
    )  # fmt: skip
    yield _instrument(bench)


def _instrument(bench: Bench) -> Row:
    command = (str(Path(bench.python).with_name("opentelemetry-instrument")), bench.python, "-c", "pass")
    variables = {**bench.to("http/protobuf"), "OTEL_METRICS_EXPORTER": "none"}

    def under(exporter: str) -> Callable[[], float]:
        chosen = {"OTEL_LOGS_EXPORTER": exporter, "OTEL_TRACES_EXPORTER": exporter}
        return bench.time(*command, environ={**variables, **chosen})

    return Row(
        what="`opentelemetry-instrument` with the exporters `tbot`", reference="with the exporters `otlp`", budget=1.03,
        ours=under("tbot"), theirs=under("otlp"),
    )  # fmt: skip
