"""The rule for timeouts, and the lookup of OTLP variables. The launcher needs both, so this imports next to nothing."""

from __future__ import annotations

from otel_tbot.errors import SettingsError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_TIMEOUT = 10.0  # seconds; the OpenTelemetry specification's default
MAX_TIMEOUT = 24 * 60 * 60  # seconds; no useful timeout is longer, and the system's timers have limits


def parse_timeout(value: object, name: str) -> float:
    """Return a timeout in seconds.

    Args:
        value: a number, or a text that is one.
        name: the option, keyword or variable that gave it, for the message.

    Raises:
        SettingsError: not a number above 0, or more than a day.
    """
    try:
        number = float(value)  # type: ignore[arg-type]  # what float() does not accept is refused here
    except (TypeError, ValueError):
        number = float("nan")
    # The comparison is false for NaN.
    if isinstance(value, bool) or not 0 < number <= MAX_TIMEOUT:
        message = f"{name} must be a number of seconds above 0, and at most {MAX_TIMEOUT}"
        raise SettingsError(message)
    return number


def otlp_variable(signal: str, keyword: str, environ: Mapping[str, str]) -> tuple[str, str]:
    """Return the value of `OTEL_EXPORTER_OTLP_[LOGS_|TRACES_]KEYWORD`, and the name of the variable that gave it.

    The signal's variable takes precedence; an empty variable counts as unset. Without either, the value is empty and
    the name is the general one. Source: OpenTelemetry specification, "OpenTelemetry Protocol Exporter".
    """
    general = f"OTEL_EXPORTER_OTLP_{keyword.upper()}"
    for name in (f"OTEL_EXPORTER_OTLP_{signal.upper()}_{keyword.upper()}", general):
        if value := environ.get(name, "").strip():
            return value, name
    return "", general
