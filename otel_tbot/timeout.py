"""The rule for timeouts, and the lookup of OTLP variables. The launcher needs both, so this imports almost nothing."""

from __future__ import annotations

from otel_tbot.errors import SettingsError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_TIMEOUT = 10.0  # seconds; the OpenTelemetry specification's default
MAX_TIMEOUT = 300  # seconds; a larger number in a variable is in milliseconds, the specification's unit


def parse_timeout(value: object, name: str) -> float:
    """Return a timeout in seconds that was given in code or on the command line.

    Args:
        value: a number, or a string with a number.
        name: the option or keyword that gave it, for the message.

    Raises:
        SettingsError: not a number above 0, or more than 300.
    """
    number = _number(value)
    if not 0 < number <= MAX_TIMEOUT:
        message = f"{name} must be a number of seconds above 0, and at most {MAX_TIMEOUT:g}"
        raise SettingsError(message)
    return number


def parse_timeout_variable(value: str, name: str) -> tuple[float, str]:
    """Return the timeout of a variable in seconds, and a note if it was read in an unexpected way.

    Python's SDK reads seconds, but the OpenTelemetry specification has milliseconds. Above 300, no one means seconds.

    Args:
        value: the variable's text.
        name: its name, for the messages.

    Raises:
        SettingsError: not a number above 0, or more than 300 seconds in milliseconds.
    """
    number = _number(value)
    if MAX_TIMEOUT < number <= MAX_TIMEOUT * 1000:
        return number / 1000, f"{name} is above {MAX_TIMEOUT:g} and was read as milliseconds"
    if not 0 < number <= MAX_TIMEOUT:
        message = f"{name} must be a number of seconds above 0, or of milliseconds above {MAX_TIMEOUT:g}"
        raise SettingsError(message)
    return number, ""


def _number(value: object) -> float:
    """Return a number, or NaN, which is neither above nor below any other."""
    if isinstance(value, bool):
        return float("nan")
    try:
        return float(value)  # type: ignore[arg-type]  # a value that float() rejects is not a number
    except (TypeError, ValueError):
        return float("nan")


def otlp_variables(signal: str, keyword: str, environ: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the values and names of `OTEL_EXPORTER_OTLP_[LOGS_|TRACES_]KEYWORD` that are set; the signal's is first.

    An empty variable counts as unset. Source: OpenTelemetry specification, "OpenTelemetry Protocol Exporter".
    """
    names = (f"OTEL_EXPORTER_OTLP_{part}{keyword.upper()}" for part in (f"{signal.upper()}_", ""))
    return [(value, name) for name in names if (value := environ.get(name, "").strip())]
