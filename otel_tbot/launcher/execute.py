"""Finds the tbot executable and execs it, with a shell's rules and a shell's exit statuses."""

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
    """Why tbot cannot be started, as one line.

    Attributes:
        status: the exit status that a shell would give.
    """

    def __init__(self, message: str, status: int) -> None:
        """Set the message and the status."""
        super().__init__(message)
        self.status = status


def original_bytes(command: list[str]) -> list[bytes]:
    """Return the last arguments of this process as the bytes that it was given.

    Python decodes them with the locale's encoding, and in some locales cannot encode every result again.

    Args:
        command: the decoded arguments.
    """
    if not all(map(str.isascii, command)):
        try:
            with open("/proc/self/cmdline", "rb") as file:  # noqa: PTH123  pathlib takes too long to load
                given = file.read().split(b"\0")[:-1]
        except OSError:
            given = []  # not on macOS, where every locale is UTF-8
        if len(given) > len(command):
            return given[-len(command) :]
    return [os.fsencode(word) for word in command]


def locate(name: bytes) -> bytes:
    """Return the path of an executable.

    Args:
        name: a path if there is a slash in it, otherwise a name to look for on `PATH`.

    Raises:
        CannotExecuteError: it does not exist, or is not executable.
    """
    candidates = _candidates(name)
    for path in candidates:
        if os.access(path, os.X_OK) and not os.path.isdir(path):  # noqa: PTH112  pathlib takes too long to load
            return path
    for path in candidates:
        # On PATH a directory of that name is skipped, as by a shell.
        if _exists(path) and (b"/" in name or not os.path.isdir(path)):  # noqa: PTH112  pathlib takes too long to load
            message = f"{os.fsdecode(path)} is not executable: name the tbot executable."
            raise CannotExecuteError(message, FOUND_BUT_NOT_EXECUTABLE)
    shown = os.fsdecode(name) or "An empty name"
    message = f"{shown} was not found{'' if b'/' in name else ' on PATH'}: name the tbot executable."
    raise CannotExecuteError(message, NOT_FOUND)


def _candidates(name: bytes) -> list[bytes]:
    """Return the paths that a name may refer to, in order."""
    if b"/" in name:
        return [name]
    if not name:
        return []
    # An empty entry of PATH means the working directory.
    folders = os.environb.get(b"PATH", os.fsencode(os.defpath)).split(b":")
    return [(folder or b".") + b"/" + name for folder in folders]


def _exists(path: bytes) -> bool:
    try:
        os.stat(path)  # noqa: PTH116  pathlib takes too long to load
    except PermissionError:
        return True  # it may exist
    except OSError:
        return False
    return True


def execute(path: bytes, command: list[bytes]) -> NoReturn:
    """Replace this process with tbot.

    Args:
        path: the executable.
        command: tbot's command line; its first word is tbot's argv[0].

    Raises:
        CannotExecuteError: it cannot be executed.
    """
    restore_process_state()
    try:
        os.execv(path, command)
    except OSError as error:
        failure = error
    import errno  # noqa: PLC0415  only needed after a failure

    if failure.errno == errno.ENOEXEC and _is_text(path):
        # A script without "#!" is run by the shell (POSIX, execvp).
        os.execv(b"/bin/sh", [b"sh", path, *command[1:]])
    message = f"{os.fsdecode(path)} cannot be executed: {failure.strerror}."
    # A script with a missing interpreter is "not found", as for the system and the shells.
    raise CannotExecuteError(message, NOT_FOUND if failure.errno == errno.ENOENT else FOUND_BUT_NOT_EXECUTABLE)


def _is_text(path: bytes) -> bool:
    """Return whether a file is a script rather than a program for another machine."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123  pathlib takes too long to load
            return b"\0" not in file.read(128)
    except OSError:
        return False
