"""The differences in a program that PyInstaller has made: it has no Python to start, and added environment variables.

Only such a program imports this.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

# The program itself takes the place of an interpreter: after this word come a module and arguments of its `main`.
RUN_MODULE = "--main-of"


def restore_environment() -> None:
    """Undo what PyInstaller's boot loader changed, so that tbot sees what the program was given.

    Our own libraries are found all the same: the system has read the search path when the program started.
    """
    before = os.environ.get("LD_LIBRARY_PATH_ORIG")
    for name in [name for name in os.environ if name.startswith(("_PYI_", "LD_LIBRARY_PATH"))]:
        del os.environ[name]
    if before is not None:
        os.environ["LD_LIBRARY_PATH"] = before


def is_one_file() -> bool:
    """Return whether the modules are in a folder that goes when this process ends, as in a program of one file."""
    folder = getattr(sys, "_MEIPASS", None)  # PyInstaller, "Run-time Information"
    return folder is not None and os.path.dirname(folder) != os.path.dirname(sys.executable)  # noqa: PTH120


def run_module(words: list[str]) -> NoReturn:
    """Call `main` of one of our modules, as `isolated_python.python_command` asks for it, and exit.

    Args:
        words: the module's name and the arguments.
    """
    from importlib import import_module  # noqa: PLC0415  for such a process only

    import_module(words[0]).main(*words[1:])
    sys.exit()
