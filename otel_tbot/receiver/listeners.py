"""Where the receiver listens: an address, the path of a unix socket, or the sockets that systemd hands over."""

from __future__ import annotations

import os
import socket
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from otel_tbot.errors import OtelTbotError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_UNIX = "unix:"
_FIRST_INHERITED = 3  # sd_listen_fds(3)
_LAST_PORT = 65535


class ListenError(OtelTbotError):
    """An address that cannot be listened on."""


@contextmanager
def listening(listen: str, environ: Mapping[str, str]) -> Iterator[list[socket.socket]]:
    """Listen, and stop at the end.

    Args:
        listen: `HOST:PORT`, `[IPV6]:PORT` or `unix:PATH`; port 0 takes a free one. Not used where systemd hands over
            sockets.
        environ: the variables, among which systemd puts `LISTEN_FDS` and `LISTEN_PID`.

    Raises:
        SettingsError: no such address.
        ListenError: the address is taken, or not ours.
    """
    listeners = _inherited(environ)
    if not listeners:
        try:
            listeners = [_own(listen)]
        except OSError as error:
            reason = str(error.strerror or error).partition(" (while")[0]  # Python repeats the address there
            message = f"cannot listen on {listen}: {reason}"
            raise ListenError(message) from None
    try:
        yield listeners
    finally:
        for listener in listeners:
            listener.close()


def address_of(listener: socket.socket) -> str:
    """Return the address of a socket of ours in the form in which `listening` takes it."""
    name = listener.getsockname()
    if not isinstance(name, tuple):
        return f"{_UNIX}{name}"
    host, port = name[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _own(listen: str) -> socket.socket:
    if listen.startswith(_UNIX):
        return _UnixListener(Path(listen.removeprefix(_UNIX)))
    return _tcp(*_host_and_port(listen))


def _inherited(environ: Mapping[str, str]) -> list[socket.socket]:
    if environ.get("LISTEN_PID") != str(os.getpid()):
        return []
    count = environ.get("LISTEN_FDS", "")
    if not count.isdecimal():
        return []
    try:
        listeners = [socket.socket(fileno=_FIRST_INHERITED + number) for number in range(int(count))]
        for listener in listeners:
            listener.set_inheritable(False)
    except OSError as error:
        message = f"cannot listen on what LISTEN_FDS promises: {error.strerror}"
        raise ListenError(message) from None
    return listeners


def _host_and_port(listen: str) -> tuple[str, int]:
    host, colon, port = listen.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        colon = ""  # an IPv6 address without brackets: which colon is the last is anybody's guess
    if not (host and colon and port.isdecimal() and int(port) <= _LAST_PORT):
        message = "--listen must be HOST:PORT, [IPV6]:PORT or unix:PATH"
        raise SettingsError(message)
    return host, int(port)


def _tcp(host: str, port: int) -> socket.socket:
    (family, _, _, _, address), *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return socket.create_server(address, family=family)


class _UnixListener(socket.socket):
    """Listens on a path, and takes the path with it as soon as it listens no more: a successor may have its own."""

    def __init__(self, path: Path) -> None:
        _remove_left_over(path)
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
        with suppress(OSError):  # whatever has become of the path meanwhile
            if self._identity == _identity(self._path):
                self._path.unlink()
        self._identity = None
        super().close()


def _identity(path: Path) -> tuple[int, int]:
    found = path.lstat()
    return found.st_dev, found.st_ino


def _remove_left_over(path: Path) -> None:
    """Remove the socket of a receiver that was killed; not one that somebody listens on, and no other file."""
    if not path.is_socket():
        return
    with socket.socket(socket.AF_UNIX) as probe:
        left_over = probe.connect_ex(str(path)) != 0
    if left_over:
        path.unlink()
