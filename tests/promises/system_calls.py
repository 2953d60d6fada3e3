"""What a program and its children ask of the system about files and the network, told by strace: code in C included."""

from __future__ import annotations

import ipaddress
import os
import re
import shutil
from pathlib import Path
from typing import NamedTuple

from tests.integration.launcher import procfs
from tests.support.collector import wait_until

_OPENING = ("creat", "open", "openat", "openat2")
_CHANGING = (
    "chmod", "chown", "fallocate", "fchmod", "fchmodat", "fchmodat2", "fchown", "fchownat", "ftruncate", "lchown",
    "link", "linkat", "mkdir", "mkdirat", "mknod", "mknodat", "rename", "renameat", "renameat2", "rmdir", "setxattr",
    "symlink", "symlinkat", "truncate", "unlink", "unlinkat", "utime", "utimensat", "utimes",
)  # fmt: skip
# Each platform lacks some, hence the question marks.
_TRACED = ",".join(f"?{name}" for name in (*_OPENING, *_CHANGING))
_CALL = re.compile(
    r'^\d+ +(?P<name>\w+)\((?:AT_FDCWD<(?P<cwd>[^>]*)>, |\d+<(?P<folder>[^>]*)>, )?(?:"(?P<path>[^"]*)")?'
)
_WRITING = re.compile(r"\b(?:O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND|O_TMPFILE)\b")
_SENDING = ",".join(f"?{name}" for name in ("connect", "sendto", "sendmsg", "sendmmsg"))
# As strace writes an address; the quotes of a text among the data have a backslash before them.
_ADDRESS = re.compile(r'sin6?_port=htons\((?P<port>\d+)\).*?(?:inet_addr\(|inet_pton\(AF_INET6, )"(?P<host>[^"\\]+)"')
# They are not files, whatever is written there.
_DEVICES = (os.devnull, "/dev/tty")


class Call(NamedTuple):
    """One system call.

    Attributes:
        name: its name.
        path: the file or folder, from the root on; empty where none is named.
        line: the whole line of strace, for the reader of a failure.
    """

    name: str
    path: str
    line: str

    @property
    def is_write(self) -> bool:
        """Whether a file was to be written or made, or changed in any way, successfully or not."""
        if self.name in _CHANGING:
            return True
        return self.path not in _DEVICES and (self.name == "creat" or bool(_WRITING.search(self.line)))

    @property
    def is_read(self) -> bool:
        """Whether a file was to be read, whether it was there or not. To list a folder is not to read a file."""
        return not self.is_write and self.path not in _DEVICES and "O_DIRECTORY" not in self.line


def strace(log: Path) -> list[str] | None:
    """Return the beginning of a command line that traces the rest; None where strace is not installed."""
    # -y shows what descriptors and the working directory stand for.
    return _strace("-y", "-s", "4096", "-o", str(log), "-e", _TRACED)


def strace_of_network(log: Path) -> list[str] | None:
    """Return the same for the network. The process that is started is the program itself, and gets its signals.

    `destinations` takes it for ended when no process is left whose variable `MARK` is the path of the log.
    """
    return _strace("-D", "-o", str(log), "-e", _SENDING)


def _strace(*options: str) -> list[str] | None:
    program = shutil.which("strace")
    # --seccomp-bpf stops at the traced calls alone.
    return program and [program, "-f", "--seccomp-bpf", "-qq", *options]  # type: ignore[return-value]


def destinations(log: Path) -> set[tuple[str, int]]:
    """Wait until strace has ended, and return each address that something was sent to, or was to be."""
    wait_until(lambda: not procfs.alive(str(log)), "strace has ended")
    return addresses(log.read_text())


def addresses(lines: str) -> set[tuple[str, int]]:
    """Return the hosts and ports in what strace has written."""
    return {(_plain(match["host"]), int(match["port"])) for match in _ADDRESS.finditer(lines)}


def _plain(host: str) -> str:
    """Return an address; one of IPv4 as such, where it was written as one of IPv6 (RFC 4291, section 2.5.5.2)."""
    address = ipaddress.ip_address(host)
    return str(getattr(address, "ipv4_mapped", None) or address)


def calls(log: Path, cwd: Path) -> list[Call]:
    """Read what strace has written about a program that was started in a directory."""
    return [_call(match, line, cwd) for line in log.read_text().splitlines() if (match := _CALL.match(line))]


def _call(match: re.Match[str], line: str, cwd: Path) -> Call:
    path = match["path"] or ""
    if path:
        path = os.path.normpath(Path(match["folder"] or match["cwd"] or cwd, path))
    return Call(match["name"], path, line)
