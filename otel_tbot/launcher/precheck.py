"""Whether a start can be reported at all, checked before the notice says so.

Ordinary settings are recognized by their characters alone. Only unusual ones are validated with the rules of the
sender: importing those takes about as long as everything else that `run` does before tbot starts.
"""

from __future__ import annotations

import os

from otel_tbot.launcher.subcommand_check import config_path
from otel_tbot.timeout import otlp_variables

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from otel_tbot.launcher.arguments import Arguments

_HOST = frozenset("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-")
_PATH = _HOST | frozenset("/_")
_NAME = _HOST | frozenset("_")
_VALUE = _PATH | frozenset("+:;@~ ")
_MAX_LENGTH = 1024  # of an ordinary value
_MAX_PORT = 65535
_FILE_SETTINGS = ("certificate", "client_key", "client_certificate")


def unusable_reason(arguments: Arguments) -> str:
    """Return why nothing can be sent, as one line; empty if no reason is known.

    The content of the configuration is not checked, only whether it can be read.

    Args:
        arguments: the arguments of `run`.
    """
    if all(_ordinary(arguments)):
        return ""
    # These load what the sender needs, before tbot starts: only if something is unusual.
    from otel_tbot.errors import OtelTbotError  # noqa: PLC0415
    from otel_tbot.otlp.settings import read_files, resolve_settings, resolve_signal  # noqa: PLC0415
    from otel_tbot.tbot.command_line import parse  # noqa: PLC0415
    from otel_tbot.tbot.config import read_config_text  # noqa: PLC0415

    try:
        settings = resolve_settings(
            resolve_signal(os.environ, arguments.signal), os.environ, {"timeout": arguments.timeout}
        )
        read_files(settings)
        read_config_text(parse(arguments.command, os.environ))
    except OtelTbotError as error:
        return str(error)
    return ""


def chosen_signal(arguments: Arguments) -> str:
    """Return the signal as `resolve_signal` reads it, without its check."""
    return arguments.signal or os.environ.get("OTEL_TBOT_SIGNAL", "").strip().lower() or "logs"


def _ordinary(arguments: Arguments) -> Iterator[bool]:
    """Yield for each setting whether it is certainly usable."""
    signal = chosen_signal(arguments)
    yield signal in {"logs", "traces"}

    def value(keyword: str) -> str:
        return next((value for value, _ in otlp_variables(signal, keyword, os.environ)), "")

    yield value("protocol") in {"", "http/protobuf", "http/json", "grpc"}
    yield is_ordinary_endpoint(value("endpoint"))
    yield are_ordinary_headers(value("headers"))
    for path in (*map(value, _FILE_SETTINGS), config_path(arguments.command)):
        yield not path or ("\0" not in path and os.access(path, os.R_OK))


def is_ordinary_endpoint(text: str) -> bool:
    """Return whether an endpoint is certainly usable: empty, or `http[s]://HOST[:PORT][/PATH]` in plain characters."""
    if not text:
        return True
    scheme, _, rest = text.partition("://")
    authority, _, path = rest.partition("/")
    host, colon, port = authority.partition(":")
    return (
        scheme in {"http", "https"}
        and len(text) <= _MAX_LENGTH
        and host[:1] not in {"", ".", "-"}
        and host[-1:] not in {".", "-"}
        and ".." not in host
        and _HOST.issuperset(host)
        and _PATH.issuperset(path)
        and (
            not colon
            or (port.isascii() and port.isdecimal() and len(port) <= len("65535") and 0 < int(port) <= _MAX_PORT)
        )
    )


def are_ordinary_headers(text: str) -> bool:
    """Return whether headers are certainly usable: `NAME=VALUE,...` in ordinary characters, or empty."""
    if len(text) > _MAX_LENGTH:
        return False
    for item in text.split(",") if text else ():
        name, equals, value = item.partition("=")
        if not (equals and name and _NAME.issuperset(name) and _VALUE.issuperset(value.replace("%20", " "))):
            return False
        if name.lower().endswith("-bin"):
            return False
    return True
