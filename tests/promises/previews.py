"""`preview` and `emit`, one after the other and each as often as is asked for, in one process.

`python -m tests.promises.previews` reads cases as JSON, `{name: {"cwd": ..., "environ": ..., "options": [...],
"command": [...]}}`. It previews all of them first, as text and as JSON, and only then emits them all, so that nothing
that sending has loaded or opened is there when something is previewed. It prints what was said as JSON. Under the hook
of `audit`, what happens meanwhile is reported under `PREVIEW` or `EMIT`.
"""

from __future__ import annotations

import io
import json
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

from otel_tbot.cli.commands import run_command_line
from tests.support.audit import set_label

PREVIEW, EMIT = "preview", "emit"


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
    """Return the exit status of a command, and what it printed on stdout and stderr."""
    os.chdir(case["cwd"])
    os.environ.update(case["environ"])
    with redirect_stdout(io.StringIO()) as output, redirect_stderr(io.StringIO()) as errors:
        status = run_command_line([*label, *case["options"], *case["command"]])
    for name in case["environ"]:
        os.environ.pop(name, None)
    return [status, output.getvalue(), errors.getvalue()]


if __name__ == "__main__":
    main()
