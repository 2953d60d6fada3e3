"""The differences in a program built by PyInstaller: it has no Python to start, and added environment variables.

Only such a program imports this.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

# The program itself acts as the interpreter: after this word come a module and the arguments of its `main`.
RUN_MODULE = "--main-of"


def restore_environment() -> None:
    """Undo what PyInstaller's boot loader changed, so that tbot sees what the program was given.

    Our libraries are still found, because the system read the search path when the program started.
    """
    before = os.environ.get("LD_LIBRARY_PATH_ORIG")
    for name in [name for name in os.environ if name.startswith(("_PYI_", "LD_LIBRARY_PATH"))]:
        del os.environ[name]
    if before is not None:
        os.environ["LD_LIBRARY_PATH"] = before


def is_one_file() -> bool:
    """Return whether the modules are in a folder that is deleted when this process ends, as in a one-file program."""
    folder = getattr(sys, "_MEIPASS", None)  # PyInstaller, "Run-time Information"
    return folder is not None and os.path.dirname(folder) != os.path.dirname(sys.executable)  # noqa: PTH120


def run_module(words: list[str]) -> NoReturn:
    """Call `main` of one of our modules for `isolated_python.python_command`, and exit.

    Args:
        words: the module's name and the arguments.
    """
    from importlib import import_module  # noqa: PLC0415  for such a process only

    import_module(words[0]).main(*words[1:])
    sys.exit()
