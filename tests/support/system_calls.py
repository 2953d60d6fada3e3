"""The system calls of a program and its children for files and the network, recorded by strace; covers code in C."""

from __future__ import annotations

import ipaddress
import os
import re
import shutil
from pathlib import Path
from typing import NamedTuple

from tests.integration.launcher import procfs
from tests.support.collector import wait_until

_OPEN_CALLS = ("creat", "open", "openat", "openat2")
_CHANGE_CALLS = (
    "chmod", "chown", "fallocate", "fchmod", "fchmodat", "fchmodat2", "fchown", "fchownat", "ftruncate", "lchown",
    "link", "linkat", "mkdir", "mkdirat", "mknod", "mknodat", "rename", "renameat", "renameat2", "rmdir", "setxattr",
    "symlink", "symlinkat", "truncate", "unlink", "unlinkat", "utime", "utimensat", "utimes",
)  # fmt: skip
# The question marks make strace ignore calls that the platform lacks.
_TRACED = ",".join(f"?{name}" for name in (*_OPEN_CALLS, *_CHANGE_CALLS))
_CALL = re.compile(
    r'^\d+ +(?P<name>\w+)\((?:AT_FDCWD<(?P<cwd>[^>]*)>, |\d+<(?P<folder>[^>]*)>, )?(?:"(?P<path>[^"]*)")?'
)
_WRITE_FLAGS = re.compile(r"\b(?:O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND|O_TMPFILE)\b")
_SEND_CALLS = ",".join(f"?{name}" for name in ("connect", "sendto", "sendmsg", "sendmmsg"))
# An address as strace prints it. Quotes within data are escaped by a backslash.
_ADDRESS = re.compile(r'sin6?_port=htons\((?P<port>\d+)\).*?(?:inet_addr\(|inet_pton\(AF_INET6, )"(?P<host>[^"\\]+)"')
# These are not files: writing to them leaves nothing.
_DEVICES = (os.devnull, "/dev/tty")


class Call(NamedTuple):
    """One system call.

    Attributes:
        name: its name.
        path: the absolute path of the file or folder; empty where it names none.
        line: the whole line of strace, for failure messages.
    """

    name: str
    path: str
    line: str

    @property
    def is_write(self) -> bool:
        """Whether it tried to write, create or change a file."""
        if self.name in _CHANGE_CALLS:
            return True
        return self.path not in _DEVICES and (self.name == "creat" or bool(_WRITE_FLAGS.search(self.line)))

    @property
    def is_read(self) -> bool:
        """Whether it tried to read a file. Listing a folder is not reading a file."""
        return not self.is_write and self.path not in _DEVICES and "O_DIRECTORY" not in self.line


def strace(log: Path) -> list[str] | None:
    """Return the command prefix that traces file calls; None where strace is not installed."""
    # -y prints the paths of descriptors and the working directory.
    return _strace("-y", "-s", "4096", "-o", str(log), "-e", _TRACED)


def strace_of_network(log: Path) -> list[str] | None:
    """Return the command prefix that traces network calls; the traced program keeps its pid and signals.

    `destinations` waits until no process is left whose variable `MARK` is the path of the log.
    """
    return _strace("-D", "-o", str(log), "-e", _SEND_CALLS)


def _strace(*options: str) -> list[str] | None:
    program = shutil.which("strace")
    # --seccomp-bpf stops only at the traced calls, which is faster.
    return program and [program, "-f", "--seccomp-bpf", "-qq", *options]  # type: ignore[return-value]


def destinations(log: Path) -> set[tuple[str, int]]:
    """Wait until strace has ended, and return each address that was used as a destination."""
    wait_until(lambda: not procfs.alive(str(log)), "strace has ended")
    return addresses(log.read_text())


def addresses(lines: str) -> set[tuple[str, int]]:
    """Return the hosts and ports in the output of strace."""
    return {(_plain(match["host"]), int(match["port"])) for match in _ADDRESS.finditer(lines)}


def _plain(host: str) -> str:
    """Return an address; an IPv4-mapped IPv6 address becomes the IPv4 one (RFC 4291, section 2.5.5.2)."""
    address = ipaddress.ip_address(host)
    return str(getattr(address, "ipv4_mapped", None) or address)


def read_calls(log: Path, cwd: Path) -> list[Call]:
    """Parse the output of strace for a program that was started in `cwd`."""
    return [_call(match, line, cwd) for line in log.read_text().splitlines() if (match := _CALL.match(line))]


def _call(match: re.Match[str], line: str, cwd: Path) -> Call:
    path = match["path"] or ""
    if path:
        path = os.path.normpath(Path(match["folder"] or match["cwd"] or cwd, path))
    return Call(match["name"], path, line)
