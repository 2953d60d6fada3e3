"""The receiver's listening sockets: a TCP address, a unix socket's path, or sockets passed by systemd."""

from __future__ import annotations

import errno
import os
import socket
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from otel_tbot.errors import OtelTbotError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_UNIX = "unix:"
_LISTEN_FDS_START = 3  # sd_listen_fds(3)
_MAX_PORT = 65535
_ALL_ADDRESSES = "::"


class ListenError(OtelTbotError):
    """An address that cannot be listened on."""


@contextmanager
def open_listeners(addresses: Sequence[str], environ: Mapping[str, str]) -> Iterator[list[socket.socket]]:
    """Listen; close the sockets at the end.

    Args:
        addresses: each is `HOST:PORT`, `[IPV6]:PORT` or `unix:PATH`; port 0 takes a free one, and `[::]` listens for
            IPv4 too. Ignored where systemd passes sockets.
        environ: the variables; systemd sets `LISTEN_FDS` and `LISTEN_PID`.

    Raises:
        SettingsError: not a valid address.
        ListenError: the address is in use or not available.
    """
    with ExitStack() as opened:
        # One by one: if the last one fails, the ones before it are closed.
        yield [opened.enter_context(listener) for listener in _inherited(environ) or map(_bind, addresses)]


def address_of(listener: socket.socket) -> str:
    """Return the address of a socket in the form that `open_listeners` takes."""
    name = listener.getsockname()
    if not isinstance(name, tuple):
        return f"{_UNIX}{name}"
    host, port = name[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _bind(address: str) -> socket.socket:
    try:
        if address.startswith(_UNIX):
            return _UnixListener(Path(address.removeprefix(_UNIX)))
        return _tcp(*_host_and_port(address))
    except OSError as error:
        reason = str(error.strerror or error).partition(" (while")[0]  # Python repeats the address after this
        message = f"cannot listen on {address}: {reason}"
        raise ListenError(message) from None


def _inherited(environ: Mapping[str, str]) -> list[socket.socket]:
    if environ.get("LISTEN_PID") != str(os.getpid()):
        return []
    count = environ.get("LISTEN_FDS", "")
    if not count.isdecimal():
        return []
    try:
        listeners = [socket.socket(fileno=_LISTEN_FDS_START + number) for number in range(int(count))]
        for listener in listeners:
            listener.set_inheritable(False)
        listening = all(
            listener.type == socket.SOCK_STREAM and listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
            for listener in listeners
        )
    except OSError as error:
        message = f"cannot listen on the sockets of LISTEN_FDS: {error.strerror}"
        raise ListenError(message) from None
    if not listening:
        message = "cannot listen on the sockets of LISTEN_FDS: not all are listening stream sockets (ListenStream=)"
        raise ListenError(message)
    return listeners


def _host_and_port(listen: str) -> tuple[str, int]:
    host, colon, port = listen.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        colon = ""  # an IPv6 address without brackets is ambiguous
    if not (host and colon and port.isdecimal() and int(port) <= _MAX_PORT):
        message = "--listen must be HOST:PORT, [IPV6]:PORT or unix:PATH"
        raise SettingsError(message)
    return host, int(port)


def _tcp(host: str, port: int) -> socket.socket:
    (family, _, _, _, address), *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    both = address[0] == _ALL_ADDRESSES and socket.has_dualstack_ipv6()
    return socket.create_server(address, family=family, dualstack_ipv6=both)


class _UnixListener(socket.socket):
    """Listens on a path, and removes the path when it is closed, unless a successor has replaced it."""

    def __init__(self, path: Path) -> None:
        _remove_stale_socket(path)
        super().__init__(socket.AF_UNIX)
        self._path = path
        self._identity: tuple[int, int] | None = None
        try:
            self.bind(str(path))
            self._identity = _identity(path)
            self.listen()
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        with suppress(OSError):  # the path may be gone
            if self._identity == _identity(self._path):
                self._path.unlink()
        self._identity = None
        super().close()


def _identity(path: Path) -> tuple[int, int]:
    found = path.lstat()
    return found.st_dev, found.st_ino


def _remove_stale_socket(path: Path) -> None:
    """Remove the socket of a receiver that was killed: one that refuses connections. Leave anything else alone."""
    if not path.is_socket():
        return
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)  # noqa: FBT003  takes no keyword; without this, a busy listener would block
        if probe.connect_ex(str(path)) == errno.ECONNREFUSED:
            path.unlink()
