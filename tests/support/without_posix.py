"""Python without the names that it lacks on Windows: some of `os`, `signal` and `select`, and whole modules.

This is not Windows: how the standard library, other packages and the system behave there is not tested. It shows that
our own modules neither import nor call a missing name.
"""

from __future__ import annotations

import asyncio
import concurrent.futures.thread  # noqa: F401  loaded before the removal: on Windows these use other code
import ctypes
import http.server
import importlib.resources  # noqa: F401  loaded before the removal, too
import logging
import multiprocessing.connection  # noqa: F401  loaded before the removal, too
import os
import re
import select
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import types
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

_LOADED = (asyncio, ctypes, http.server, logging, shutil, ssl, tempfile, uuid)

SOURCE = Path(__file__).parents[2]

# According to typeshed; the flags of `os.open` are those that Windows has.
_OS_FLAGS = {
    "O_APPEND",
    "O_CREAT",
    "O_EXCL",
    "O_RDONLY",
    "O_RDWR",
    "O_TRUNC",
    "O_WRONLY",
    "P_NOWAIT",
    "P_NOWAITO",
    "P_WAIT",
}
_OS = re.compile(
    "F_(T?LOCK|TEST|ULOCK)|(CLD|EFD|GRND|MFD|O|POSIX|PRIO|P|RTLD|RWF|SCHED|SEEK_(DATA|HOLE)|SPLICE|ST|XATTR)_.*|EX_(?!OK).*"
    "|W(CONTINUED|COREDUMP|EXITED|EXITSTATUS|IF.*|NOHANG|NOWAIT|STOPPED|STOPSIG|TERMSIG|UNTRACED)"
    "|posix_.*|sched_.*|spawn(l|v)pe?|pidfd_open|memfd_create|eventfd.*|[fl]?chown|chroot|fchdir|fchmod|confstr.*"
    "|copy_file_range|ctermid|environb|getenvb|f?pathconf.*|fdatasync|fork|forkpty|fstatvfs|statvfs|fwalk"
    "|[gs]et(egid|euid|gid|groups|grouplist|pgid|pgrp|priority|resgid|resuid|sid|uid|regid|reuid|_blocking)"
    "|getloadavg|getrandom|initgroups|killpg|lockf|login_tty|major|makedev|minor|mkfifo|mknod|nice|openpty|pipe2"
    "|(get|list|remove|set)xattr|preadv?|pwritev?|readv|writev|register_at_fork|splice|sync|sysconf.*|tc[gs]etpgrp"
    "|ttyname|uname|wait(3|4|id.*)?"
)
_SIGNAL = re.compile(
    "SIG(?!ABRT|FPE|ILL|INT|SEGV|TERM|_DFL|_IGN).*|Sigmasks|ITIMER_.*|ItimerError|alarm|[gs]etitimer|pause"
    "|pidfd_send_signal|pthread_.*|siginterrupt|sigpending|sigtimedwait|sigwait.*|struct_siginfo"
)
_SELECT = re.compile("EPOLL.*|POLL.*|PIPE_BUF|epoll|poll")
_MODULES = ("_posixsubprocess", "fcntl", "grp", "pty", "pwd", "readline", "resource", "syslog", "termios", "tty")


def remove() -> None:
    """Remove them from this process, before any module of ours is imported."""
    if any(name.partition(".")[0] == "otel_tbot" for name in sys.modules):
        message = "a module of ours is already loaded"
        raise RuntimeError(message)
    # On Windows these modules use other code, without the names: give them complete copies.
    for user, module in ((subprocess, os), (subprocess, signal), (subprocess, select), (shutil, os)):
        whole = types.ModuleType(module.__name__)
        vars(whole).update(vars(module))
        setattr(user, module.__name__, whole)
    _remove(os, (name for name in vars(os) if _OS.fullmatch(name) and name not in _OS_FLAGS))
    for module, names in ((signal, _SIGNAL), (sys.modules["_signal"], _SIGNAL), (select, _SELECT)):
        _remove(module, filter(names.fullmatch, vars(module)))
    for name in _MODULES:
        sys.modules[name] = None  # type: ignore[assignment]  # as documented: it cannot be imported
    select.select = _select_sockets


def _remove(module: types.ModuleType, names: Iterable[str]) -> None:
    for name in list(names):
        delattr(module, name)


def _select_sockets(reading: Any, writing: Any, failing: Any, timeout: float | None = None) -> Any:  # noqa: ANN401  like the original
    if not all(isinstance(one, socket.socket) for one in (*reading, *writing, *failing)):
        raise OSError(10038, "An operation was attempted on something that is not a socket")  # WSAENOTSOCK
    return _really_select(reading, writing, failing, timeout)


_really_select = select.select


def python(folder: Path) -> list[str]:
    """Return the command of a Python without these names: `-c CODE` follows. Processes of our modules lack them, too.

    Args:
        folder: where to write an executable that is Python's in that process.
    """
    code = f"import sys; sys.path.insert(0, {str(SOURCE)!r}); from tests.support import without_posix"
    shell = folder / "python"
    prepare = f"{code}; without_posix.remove(); sys.executable = {str(shell)!r}; exec(sys.argv.pop())"
    shell.write_text(
        "#!/bin/sh\n# The last argument is the code; the interpreter's own options before it are not needed.\n"
        f'for code; do :; done\nexec {sys.executable} -W error -c "{prepare}" "$code"\n'
    )
    shell.chmod(0o755)
    return [str(shell), "-c"]
