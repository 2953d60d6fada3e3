"""What a report of many starts costs, next to reading the file, and to `jq` that extracts one attribute.

`python -m benchmarks.report [STARTS]` measures this alone.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.support.stored_starts import Truth, generate

if TYPE_CHECKING:
    from collections.abc import Sequence

STARTS = 1_000_000
MOST_SECONDS = 10.0  # for a million starts
MOST_MEMORY = 1024.0  # MiB
LEAST_AHEAD_OF_JQ = 4.0  # times
_JQ = '[.resourceLogs[]?.scopeLogs[].logRecords[].attributes[]? | select(.key == "tbot.version") | .value.stringValue]'


class Cost(NamedTuple):
    """What a program took.

    Attributes:
        seconds: from start to end.
        memory: the most resident memory, in MiB.
        output: its stdout.
    """

    seconds: float
    memory: float
    output: bytes


def measure(command: Sequence[str]) -> Cost:
    """Run a program to its end."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: S603  the benchmark's own
    output = process.stdout.read() if process.stdout else b""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Cost(time.perf_counter() - begin, usage.ru_maxrss / 1024, output)


def print_table(starts: int = STARTS) -> None:
    """Generate the starts, report on them, and print the table."""
    if not find_spec("duckdb"):
        print("report: the extra is not installed")
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "starts.jsonl"
        truth = Truth()
        with file.open("wb") as stored:
            stored.writelines(generate(starts, truth))
        print(f"{starts:,} records, {file.stat().st_size / 1e6:,.0f} MB\n")
        print("| what | time | memory | at most | met |")
        print("|---|---|---|---|---|")
        report = [sys.executable, "-m", "otel_tbot", "report", "-q", "--at-least", "1", str(file)]
        as_json = measure([*report, "--format", "json"])
        _print("report as JSON", as_json, scale=starts / STARTS)
        if json.loads(as_json.output)["starts"] != truth.totals():
            print("**the report is wrong**")
        if find_spec("otel_tbot.report.page"):
            _print("report as a page", measure([*report, "--format", "html"]), scale=starts / STARTS)
        _print("cat, which only reads", measure(["cat", str(file)]))
        if shutil.which("jq"):
            # The cut lines would stop it: it is given what it can read.
            jq = measure(["jq", "-c", "-R", f"fromjson? | {_JQ}", str(file)])
            _print("jq, one attribute", jq)
            ahead = jq.seconds / as_json.seconds
            met = _met(ahead >= LEAST_AHEAD_OF_JQ)
            print(f"\njq takes {ahead:.1f} times as long; at least {LEAST_AHEAD_OF_JQ:g}: {met}")


def _print(what: str, cost: Cost, scale: float | None = None) -> None:
    bound, met = "", ""
    if scale is not None:
        bound = f"{MOST_SECONDS * scale:g} s, {MOST_MEMORY:g} MiB"
        met = _met(cost.seconds <= MOST_SECONDS * scale and cost.memory <= MOST_MEMORY)
    print(f"| {what} | {cost.seconds:.1f} s | {cost.memory:.0f} MiB | {bound} | {met} |", flush=True)


def _met(met: bool) -> str:  # noqa: FBT001  the only thing there is
    return "yes" if met else "**no**"


if __name__ == "__main__":
    print_table(int(sys.argv[1]) if len(sys.argv) > 1 else STARTS)
