"""The shell completes commands, options, values and files, with the scripts that the reference names."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from otel_tbot.cli.exit_statuses import EXIT_STATUSES
from tests.support.program import SOURCE, run

VARIABLE = "_OTEL_TBOT_COMPLETE"
PAGE = (SOURCE / "docs" / "reference" / "commands.md").read_text(encoding="utf-8")
# The typed text, and the completions.
TYPED = {
    "otel-tbot ": set(EXIT_STATUSES),
    "otel-tbot s": {"schema", "serve", "status"},
    "otel-tbot help e": {"emit"},
    "otel-tbot emit --t": {"--tbot-version", "--timeout"},
    "otel-tbot emit --signal ": {"logs", "traces"},
    "otel-tbot report --by rel": {"release"},
    "otel-tbot schema x": set(),
}


@pytest.mark.parametrize("typed", TYPED)
def test_bash(typed: str) -> None:
    """Bash itself completes the typed text, with the script that the reference names."""
    words = typed.split(" ")
    complete = (
        f'eval "$({VARIABLE}=bash_source otel-tbot)"; COMP_WORDS=("$@"); COMP_CWORD={len(words) - 1}; '
        'complete -p otel-tbot >/dev/null && _otel_tbot_completion otel-tbot; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    assert f"{VARIABLE}=bash_source otel-tbot" in PAGE
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    ended = subprocess.run(
        ["bash", "-c", complete, "bash", *words], env={"PATH": path}, capture_output=True, text=True, check=True
    )
    assert (set(ended.stdout.split()), ended.stderr) == (TYPED[typed], "")


@pytest.mark.parametrize("shell", ["zsh", "fish"])
@pytest.mark.parametrize("typed", TYPED)
def test_other_shells(shell: str, typed: str) -> None:
    """The scripts of zsh and fish get the same completions as bash."""
    words = typed.split(" ")
    asked = {VARIABLE: f"{shell}_complete", "COMP_WORDS": typed, "COMP_CWORD": str(len(words) - 1)}
    if shell == "fish":
        asked["COMP_CWORD"] = words[-1]
    lines = run(environ=asked).stdout.splitlines()
    offered = lines[1::3] if shell == "zsh" else [line.partition(",")[2].partition("\t")[0] for line in lines]
    assert set(offered) - {""} == TYPED[typed]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_script_is_valid(shell: str) -> None:
    """The script that the reference names for a shell is printed, and an installed shell can parse it."""
    assert f"{VARIABLE}={shell}_source otel-tbot" in PAGE
    script = run(environ={VARIABLE: f"{shell}_source"}).stdout
    assert f"{VARIABLE}={shell}_complete" in script
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=script, text=True, check=True)


@pytest.mark.parametrize("typed", ["run ./tb", "emit tbot start -c t", "report f", "report -o r", "serve --tls-key k"])
def test_files(typed: str) -> None:
    """Where a file name is expected, the shell completes files."""
    words = ["otel-tbot", *typed.split(" ")]
    asked = {VARIABLE: "bash_complete", "COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
    assert run(environ=asked).stdout == f"file,{words[-1]}\n"
