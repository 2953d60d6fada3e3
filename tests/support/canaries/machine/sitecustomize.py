"""Replace every answer of the operating system about this machine by a canary. Python loads this at its start."""

from __future__ import annotations

import json
import os
import pwd
import socket
import uuid
from contextlib import suppress
from pathlib import Path

_words = json.loads(os.environ["CANARIES"])
_real = os.uname()
_uname = os.uname_result(
    (_real.sysname, _words["host name"], _words["kernel release"], _words["kernel version"], _real.machine)
)
_user = pwd.struct_passwd(
    (_words["account"], "x", os.getuid(), os.getgid(), _words["full name"], _words["home"], _words["shell"])
)

os.uname = lambda: _uname
os.getlogin = lambda: _words["account"]
socket.gethostname = lambda: _words["host name"]
socket.getfqdn = lambda name="": name + _words["domain name"]
pwd.getpwuid = lambda _: _user
uuid.getnode = lambda: int.from_bytes(_words["network card"].encode(), "big")
with suppress(OSError):  # only on Linux
    Path("/proc/self/comm").write_text(_words["title of the process"])
