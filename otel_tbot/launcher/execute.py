"""Finding the tbot executable and turning into it, with a shell's rules and a shell's exit statuses."""

from __future__ import annotations

import os

from otel_tbot.launcher.interpreter_state import restore_process_state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

# POSIX, Shell Command Language, "Exit Status for Commands".
FOUND_BUT_NOT_EXECUTABLE = 126
NOT_FOUND = 127


class CannotExecuteError(Exception):
    """Why tbot cannot be started, in one line.

    Attributes:
        status: the exit status that a shell would give.
    """

    def __init__(self, message: str, status: int) -> None:
        """Keep both."""
        super().__init__(message)
        self.status = status


def locate(name: str) -> str:
    """Return the path of an executable.

    Args:
        name: a path if there is a slash in it, otherwise a name to look for on `PATH`.

    Raises:
        CannotExecuteError: it is not there, or not executable.
    """
    if "/" in name:
        candidates = [name]
    else:
        # An empty name is never found. An empty entry of PATH means the working directory.
        folders = os.environ.get("PATH", os.defpath).split(":") if name else []
        candidates = [f"{folder or '.'}/{name}" for folder in folders]
    found = ""
    for path in candidates:
        if os.path.isdir(path):  # noqa: PTH112  pathlib is far too much here
            found = found or (path if "/" in name else "")
        elif os.access(path, os.X_OK):
            return path
        elif _is_there(path):
            found = found or path
    if found:
        message = f"{found} is not executable: name the tbot executable."
        raise CannotExecuteError(message, FOUND_BUT_NOT_EXECUTABLE)
    message = f"{name or 'An empty name'} was not found{'' if '/' in name else ' on PATH'}: name the tbot executable."
    raise CannotExecuteError(message, NOT_FOUND)


def _is_there(path: str) -> bool:
    try:
        os.stat(path)  # noqa: PTH116  see above
    except PermissionError:
        return True  # or nobody may know that it is not
    except OSError:
        return False
    return True


def execute(path: str, command: list[str]) -> NoReturn:
    """Turn this process into tbot.

    Args:
        path: the executable.
        command: tbot's command line; its first word is what tbot will find as its name.

    Raises:
        CannotExecuteError: it cannot be executed.
    """
    restore_process_state()
    try:
        os.execv(path, command)
    except OSError as error:
        failure = error
    import errno  # noqa: PLC0415  not needed by those who come this far and no further

    if failure.errno == errno.ENOEXEC and _is_text(path):
        # A script without "#!" is the shell's (POSIX, execvp).
        os.execv("/bin/sh", ["sh", path, *command[1:]])
    message = f"{path} cannot be executed: {failure.strerror}."
    # A script whose interpreter is missing is "not found", as the system and the shells have it.
    raise CannotExecuteError(message, NOT_FOUND if failure.errno == errno.ENOENT else FOUND_BUT_NOT_EXECUTABLE)


def _is_text(path: str) -> bool:
    """Tell a script from a program for another machine."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123  see above
            return b"\0" not in file.read(128)
    except OSError:
        return False
