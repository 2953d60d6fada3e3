"""Run the commands of a Markdown page unchanged."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.program import install_fake_tbot

if TYPE_CHECKING:
    from collections.abc import Mapping

SOURCE = Path(__file__).parents[3]
EXAMPLES = SOURCE / "examples"
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_TIMEOUT = 60  # seconds, far above what any command takes


def blocks(page: Path, language: str = "sh") -> list[str]:
    """Return the code blocks of a language in a page, in their order."""
    return [text for found, text in _BLOCK.findall(page.read_text(encoding="utf-8")) if found == language]


def run(commands: str, environ: Mapping[str, str], *, cwd: Path, tbot: Path) -> subprocess.CompletedProcess[str]:
    """Run commands in a shell that exits at the first failure.

    Args:
        commands: the content of a code block.
        environ: variables in addition to `PATH`.
        cwd: the working directory.
        tbot: a folder in which to install a fake tbot, put first on `PATH`.
    """
    search = os.pathsep.join((str(Path(sys.executable).parent), str(install_fake_tbot(tbot)), os.environ["PATH"]))
    return subprocess.run(
        ["sh", "-eu", "-c", commands], env={"PATH": search, **environ}, cwd=cwd, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=_TIMEOUT, check=False,
    )  # fmt: skip
