"""The notify socket of a service manager: the message that tbot is ready comes from the process that it started."""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING

import pytest

from tests.integration.launcher.processes import WITHIN, start
from tests.support.fake_tbot import python_script

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(not hasattr(socket, "SO_PASSCRED"), reason="only Linux passes the sender of a datagram")

NOTIFIES = """
import os, socket
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
    manager.connect(os.environ["NOTIFY_SOCKET"])
    manager.send(b"READY=1")
print(os.getpid(), flush=True)
input()
"""
CREDENTIALS = struct.Struct("3i")  # pid, user, group (unix(7), SCM_CREDENTIALS)


@pytest.mark.parametrize("way", ["direct", "off", "on", "supervised"])
def test_ready(way: str, tmp_path: Path) -> None:
    """READY=1 comes from tbot's own process, which is the started process unless it is supervised."""
    tbot = python_script(tmp_path, NOTIFIES)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        manager.settimeout(WITHIN)
        environ = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "OTEL_EXPORTER_OTLP_TIMEOUT": "0.2"}
        with start(way, tbot, environ=environ) as started:
            message, ((_, _, credentials),), _, _ = manager.recvmsg(100, socket.CMSG_SPACE(CREDENTIALS.size))
            pid = CREDENTIALS.unpack(credentials)[0]
            assert message == b"READY=1"
            assert pid == int(started.line())
            assert (pid == started.pid) == (way != "supervised")
