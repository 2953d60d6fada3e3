"""What reports of stored starts cost, compared with `cat`, which only reads, and with other programs that answer less.

`python -m benchmarks.report [STARTS]` measures this alone; `python -m benchmarks.report --long` ten million starts.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from benchmarks.resource_usage import Cost, measure
from benchmarks.stored_files import write_files, write_repeated, write_starts

STARTS = 1_000_000
_FEW = 100_000
_MANY = 10_000_000
_FILES = 10_000

GIB = 1024.0  # in MiB
LEAST_AHEAD_OF_JQ = 4.0  # times
LEAST_AHEAD_OF_CHDB = 1.0
MOST_FOR_SMALL_FILES = 3.0  # times the time of one file

_REPORT = (sys.executable, "-m", "otel_tbot", "report", "-q", "--at-least", "1")
# The truncated lines would stop jq, so it skips what it cannot read.
_JQ = (
    "fromjson? | [.resourceLogs[]?.scopeLogs[].logRecords[].attributes[]? "
    '| select(.key == "tbot.version") | .value.stringValue]'
)


class Bound(NamedTuple):
    """The limits of a report's cost.

    Attributes:
        seconds: the time.
        memory: the memory in MiB; None is no limit.
    """

    seconds: float
    memory: float | None = None


_OF_STARTS = Bound(10, 1 * GIB)  # for a million; for more, in proportion
_OF_FEW_AS_TEXT = Bound(1.5)
_OF_MANY = Bound(120, 1.5 * GIB)


def print_tables(starts: int = STARTS) -> None:
    """Generate the starts, report on them, and print the tables."""
    if not find_spec("duckdb"):
        print("report: the extra is not installed")
        return
    with tempfile.TemporaryDirectory() as name:
        _print_one_file(Path(name), starts)
    with tempfile.TemporaryDirectory() as name:
        _print_small_files(Path(name))


def print_long_table() -> None:
    """Report on ten million starts, compressed, with little memory."""
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "starts.jsonl.zst"
        totals = write_repeated(file, STARTS, _MANY // STARTS)
        _print_head(_MANY, [file])
        unpacked = measure(["sh", "-c", 'zstd -dc "$1" | cat | wc -l', "sh", str(file)])
        _print("`zstd -dc` and `cat`, which only read", unpacked, unpacked)
        as_json = measure([*_REPORT, "--memory", "1GB", "--format", "json", str(file)])
        _print("report as JSON, `--memory 1GB`", as_json, unpacked, _OF_MANY)
        _check(as_json, totals)


def _print_one_file(folder: Path, starts: int) -> None:
    file = folder / "starts.jsonl"
    totals = write_starts(file, starts)
    _print_head(starts, [file])
    read = _cat([file])
    as_json = measure([*_REPORT, "--format", "json", str(file)])
    bound = _OF_STARTS._replace(seconds=_OF_STARTS.seconds * max(1, starts / STARTS))
    _print("report as JSON", as_json, read, bound)
    _check(as_json, totals)
    _print("report as a page", measure([*_REPORT, "--format", "html", str(file)]), read, bound)
    _print("`cat`, which only reads", read, read)
    ahead = []
    if shutil.which("jq"):
        jq = measure(["jq", "-c", "-R", _JQ, str(file)])
        _print("jq, one attribute", jq, read)
        ahead.append(("jq", jq, LEAST_AHEAD_OF_JQ))
    if find_spec("chdb"):
        chdb = measure([sys.executable, "-m", "benchmarks.chdb_report", str(file)])
        _print("chdb, the same report as JSON", chdb, read)
        _check(chdb, totals)
        ahead.append(("chdb", chdb, LEAST_AHEAD_OF_CHDB))
    file.unlink()
    for program, cost, least in ahead:
        times = cost.seconds / as_json.seconds
        print(f"\n{program} takes {times:.1f} times as long as the report; at least {least:g}: {_met(times >= least)}")


def _print_small_files(folder: Path) -> None:
    few = folder / "few.jsonl"
    write_starts(few, _FEW)
    _print_head(_FEW, [few])
    _print("report as text", measure([*_REPORT, str(few)]), _cat([few]), _OF_FEW_AS_TEXT)

    one = folder / "one.jsonl"
    totals = write_starts(one, _FILES)
    files = write_files(one, folder / "files")
    _print_head(_FILES, [one])
    in_one = measure([*_REPORT, "--format", "json", str(one)])
    in_files = measure([*_REPORT, "--format", "json", *map(str, files)])
    _print("report of one file", in_one, _cat([one]))
    _print(f"report of {len(files):,} files", in_files, _cat(files))
    for cost in (in_one, in_files):
        _check(cost, totals)
    times = in_files.seconds / in_one.seconds
    met = _met(times <= MOST_FOR_SMALL_FILES)
    print(f"\nThe files take {times:.1f} times as long as one; at most {MOST_FOR_SMALL_FILES:g}: {met}")


def _cat(files: list[Path]) -> Cost:
    return measure(["sh", "-c", 'cat -- "$@" | wc -l', "sh", *map(str, files)])


def _check(cost: Cost, totals: dict[str, int]) -> None:
    if json.loads(cost.output)["starts"] != totals:
        print("**the report is wrong**")


def _print_head(starts: int, files: list[Path]) -> None:
    size = sum(file.stat().st_size for file in files)
    print(f"\n{starts:,} records, {size / 1e6:,.0f} MB\n")
    print("| what | time | processor time | memory | times `cat` | at most | met |")
    print("|---|---|---|---|---|---|---|")


def _print(what: str, cost: Cost, limit: Cost, bound: Bound | None = None) -> None:
    times = f"{cost.seconds / limit.seconds:.1f}"
    at_most, met = "", ""
    if bound is not None:
        at_most = f"{bound.seconds:g} s" + (f", {bound.memory:g} MiB" if bound.memory else "")
        met = _met(cost.seconds <= bound.seconds and (bound.memory is None or cost.memory <= bound.memory))
    taken = f"{cost.seconds:.2f} s | {cost.processor:.2f} s | {cost.memory:.0f} MiB"
    print(f"| {what} | {taken} | {times} | {at_most} | {met} |", flush=True)


def _met(met: bool) -> str:  # noqa: FBT001  the only argument
    return "yes" if met else "**no**"


if __name__ == "__main__":
    if sys.argv[1:] == ["--long"]:
        print_long_table()
    else:
        print_tables(int(sys.argv[1]) if len(sys.argv) > 1 else STARTS)
