"""Comparison of a direct start of tbot with another way to start it, everything else being equal."""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING, Any

from tests.integration.launcher import procfs
from tests.integration.launcher.processes import NOWHERE, PATIENT_RUN, RUN, RunningProcess, start

if TYPE_CHECKING:
    from pathlib import Path

WAYS = ("off", "on", "supervised")
# The documented difference of supervision: tbot is a child of the process that was started.
DOCUMENTED = {"supervised": {"pid": "a child's", "ppid": "the process"}}


def words(seen: dict[str, Any], started: RunningProcess) -> dict[str, object]:
    """Replace process ids, which differ from start to start, by names."""
    names = {started.pid: "the process", os.getpid(): "this test"}
    pipes = {procfs.link(f"/proc/self/fd/{pipe.fileno()}"): name for name, pipe in started.pipes.items()}
    return {
        **seen,
        "pid": "the process's" if seen["pid"] == started.pid else "a child's",
        **{name: names.get(seen[name], seen[name]) for name in ("ppid", "pgid", "sid")},
        "descriptors": {number: (pipes.get(to, to), flags) for number, (to, flags) in seen["descriptors"].items()},
    }


def look(way: str, tbot: Path, environ: dict[str, str], **options: Any) -> dict[str, object]:  # noqa: ANN401  those of `subprocess.Popen`
    """Start tbot in a way, and return everything that it has inherited."""
    run = PATIENT_RUN if way == "on" else RUN
    with start(way, tbot, environ={**NOWHERE, **environ}, run=run, **options) as started:
        seen = words(procfs.inherited(int(started.line())), started)
        started.finish()
        started.wait_until_alone()
    return seen


def compare(
    way: str,
    tbot: Path,
    environ: dict[str, str] | None = None,
    **options: Any,  # noqa: ANN401  those of `subprocess.Popen`
) -> tuple[dict[str, object], dict[str, object]]:
    """Return what tbot inherits from a direct start and from this way, everything else being equal."""
    # The same variables for both: a direct start ignores consent.
    consent = {"TELEPORT_ANONYMOUS_TELEMETRY": "0" if way == "off" else "1", "MARK": uuid.uuid4().hex}
    environ = {**consent, **(environ or {})}
    return look("direct", tbot, environ, **options), look(way, tbot, environ, **options)


def expected(direct: dict[str, object], way: str) -> dict[str, object]:
    """Return what tbot should inherit: the same as from a direct start, except for documented differences."""
    return {**direct, **DOCUMENTED.get(way, {})}


def table(results: dict[str, tuple[dict[str, object], dict[str, object]]]) -> str:
    """Return all comparisons as one table: a row for each inherited attribute, a column for each way."""
    direct = next(iter(results.values()))[0]
    rows = [["", "direct", *results]]
    for name, value in direct.items():
        pairs = [(directly[name], seen[name]) for directly, seen in results.values()]
        rows.append([name, _short(value), *("same" if one == other else _short(other) for one, other in pairs)])
    return "\n".join("".join(f"{cell:26}" for cell in row).rstrip() for row in rows)


def _short(value: object) -> str:
    text = " ".join(str(value).split()) or "none"
    return text if len(text) <= 24 else f"({len(text)} characters)"
