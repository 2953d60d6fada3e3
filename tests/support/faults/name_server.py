"""A name server that never answers, for one program in network and mount namespaces of its own.

Run as a program in new namespaces, it configures them, runs another program there, and exits with its status.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

# Without our deadline, glibc would wait two and a half minutes with these options.
_FILES = {
    "/etc/resolv.conf": "nameserver 127.0.0.1\noptions timeout:30 attempts:5\n",
    "/etc/nsswitch.conf": "hosts: files dns\n",
}
_SET_FLAGS, _UP = 0x8914, 1  # SIOCSIFFLAGS and IFF_UP of Linux, see netdevice(7)


def silent_name_server(log: Path) -> list[str] | None:
    """Return the command prefix that runs a program with this name server; None where the system does not allow it.

    Args:
        log: the file for the first question that the name server receives.
    """
    program = shutil.which("unshare")
    user = [] if os.getuid() == 0 else ["--map-root-user"]
    namespaces = [program or "", "--net", "--mount", *user]
    attempt = ["mount", "--bind", "/etc/resolv.conf", "/etc/resolv.conf"]
    if program is None or subprocess.run([*namespaces, *attempt], capture_output=True, check=False).returncode:
        return None
    return [*namespaces, sys.executable, "-m", "tests.support.faults.name_server", str(log)]


def main(log: Path, command: list[str]) -> int:
    """Run a program and return its exit status."""
    with socket.socket(type=socket.SOCK_DGRAM) as server:
        fcntl.ioctl(server, _SET_FLAGS, struct.pack("16sh14x", b"lo", _UP))
        server.bind(("127.0.0.1", 53))
        _replace_files()
        status = subprocess.run(command, check=False).returncode
        server.setblocking(False)  # noqa: FBT003  takes no keyword
        try:
            log.write_bytes(server.recv(512))  # the longest question (RFC 1035, section 4.2.1)
        except BlockingIOError:
            log.write_bytes(b"")
    return status


def _replace_files() -> None:
    for name, text in _FILES.items():
        if not Path(name).exists():
            continue  # glibc's defaults are the same
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(text)
            file.flush()
            # Visible in this mount namespace only, which keeps the file after its name is deleted.
            subprocess.run(["mount", "--bind", file.name, name], check=True)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
