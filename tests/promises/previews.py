"""Run `preview` and `emit` on many cases in one process.

`python -m tests.promises.previews` reads cases as JSON, `{name: {"cwd": ..., "environ": ..., "options": [...],
"command": [...]}}`. It previews all of them first, as text and as JSON, and only then emits them, so that nothing that
`emit` loads or opens exists during a preview. It prints the results as JSON. Under the hook of `audit`, the events are
labelled `PREVIEW` or `EMIT`.
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
