"""Run `preview` and `emit` on many cases in one process.

`python -m tests.promises.previews` reads cases as JSON, `{name: {"cwd": ..., "environ": ..., "options": [...],
"command": [...]}}`. It previews all of them first, as text and as JSON, and only then emits them, so that nothing that
`emit` loads or opens exists during a preview. It prints the results as JSON. Under the hook of `audit`, the events are
labelled `PREVIEW` or `EMIT`. `run_cases` runs it from a test.
"""

from __future__ import annotations

import io
import json
import os
import shlex
import sys
from contextlib import redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, Any, NamedTuple

from otel_tbot.cli.commands import run_command_line
from tests.support.audit import run_audited, set_label

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.support.audit import Event

PREVIEW, EMIT = "preview", "emit"


class CommandResult(NamedTuple):
    """Exit status and output of a command."""

    status: int
    stdout: str
    stderr: str


class CaseResults(NamedTuple):
    """The results of one case: `preview` as JSON and as text, and `emit`."""

    json: CommandResult
    text: CommandResult
    emit: CommandResult


def make_case(folder: Path, command: str, environ: Mapping[str, str], *options: str) -> dict[str, Any]:
    """Return a case in the form that `previews.py` reads."""
    return {"cwd": str(folder), "environ": dict(environ), "options": options, "command": shlex.split(command)}


def run_cases(folder: Path, cases: Mapping[str, Any]) -> tuple[dict[str, CaseResults], list[Event]]:
    """Preview all cases, then emit them all; return the results and the audit events of the process."""
    ended = run_audited(folder / "report", "tests.promises.previews", stdin=json.dumps(dict(cases)))
    assert ended.status == 0, ended.stderr
    printed = json.loads(ended.stdout)
    results = {
        name: CaseResults(*(CommandResult(*printed[name][form]) for form in ("json", "text", "emit"))) for name in cases
    }
    return results, ended.events


def main() -> None:
    """Preview all cases, then emit all."""
    cases: dict[str, dict[str, Any]] = json.load(sys.stdin)
    results: dict[str, dict[str, list[object]]] = {name: {} for name in cases}
    set_label(PREVIEW)
    for name, case in cases.items():
        results[name]["json"] = _run(case, "preview", "--format", "json")
        results[name]["text"] = _run(case, "preview")
    set_label(EMIT)
    for name, case in cases.items():
        results[name]["emit"] = _run(case, "emit")
    set_label("")
    print(json.dumps(results))  # noqa: T201  the result


def _run(case: dict[str, Any], *label: str) -> list[object]:
    """Return exit status, stdout and stderr of a command."""
    os.chdir(case["cwd"])
    os.environ.update(case["environ"])
    with redirect_stdout(io.StringIO()) as output, redirect_stderr(io.StringIO()) as errors:
        status = run_command_line([*label, *case["options"], *case["command"]])
    for name in case["environ"]:
        os.environ.pop(name, None)
    return [status, output.getvalue(), errors.getvalue()]


if __name__ == "__main__":
    main()
