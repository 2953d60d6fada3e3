"""Consent: the one place that decides whether anything may be sent.

The module is not called `consent`, because importing it would replace the function `otel_tbot.consent`. Every command
runs through here first, so this file imports only `os`.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

OPT_IN = "TELEPORT_ANONYMOUS_TELEMETRY"
DO_NOT_TRACK = "DO_NOT_TRACK"
SDK_DISABLED = "OTEL_SDK_DISABLED"

# What tbot reads as true in addition to 1 (Go's strconv.ParseBool). Here it is off, and reported as such.
_TBOT_TRUE_VALUES = frozenset({"t", "T", "TRUE", "true", "True"})


class Consent:
    """A decision and its reason. True only when events may be sent.

    Attributes:
        on: whether events may be sent.
        variable: the environment variable that decided.
        reason: why, in words that never repeat the variable's value.
        tbot_would_accept: whether tbot itself would read the variable as true.
    """

    __slots__ = ("on", "reason", "tbot_would_accept", "variable")

    def __init__(self, *, on: bool, variable: str, reason: str, tbot_would_accept: bool = False) -> None:
        """Set the attributes."""
        self.on = on
        self.variable = variable
        self.reason = reason
        self.tbot_would_accept = tbot_would_accept

    def __bool__(self) -> bool:
        """Return whether events may be sent."""
        return self.on

    def __repr__(self) -> str:
        """Show the decision and its reason."""
        return f"Consent(on={self.on}, reason={self.reason!r})"


def is_opt_in_set() -> bool:
    """Return whether the opt-in variable is set at all. If not, `consent` is off."""
    return OPT_IN in os.environ


def consent(environ: Mapping[str, str] | None = None) -> Consent:
    """Decide whether events may be sent.

    Args:
        environ: the variables to decide by; those of this process by default.

    Returns:
        On only when `TELEPORT_ANONYMOUS_TELEMETRY` is exactly `1`, `OTEL_SDK_DISABLED` is not true (OpenTelemetry
        specification, environment variables) and `DO_NOT_TRACK` is unset, empty, `0` or `false`.
    """
    environ = os.environ if environ is None else environ
    if environ.get(SDK_DISABLED, "").strip().lower() == "true":
        return Consent(on=False, variable=SDK_DISABLED, reason=f"{SDK_DISABLED} is true")
    if environ.get(DO_NOT_TRACK, "") not in {"", "0", "false"}:
        return Consent(on=False, variable=DO_NOT_TRACK, reason=f"{DO_NOT_TRACK} is set")
    answer = environ.get(OPT_IN)
    if answer is None:
        return Consent(on=False, variable=OPT_IN, reason=f"{OPT_IN} is not set")
    if answer == "1":
        return Consent(on=True, variable=OPT_IN, reason=f"{OPT_IN} is 1")
    if answer in _TBOT_TRUE_VALUES:
        reason = f"{OPT_IN} is not exactly 1, though tbot itself reads this value as true; set it to 1 or to 0"
        return Consent(on=False, variable=OPT_IN, reason=reason, tbot_would_accept=True)
    return Consent(on=False, variable=OPT_IN, reason=f"{OPT_IN} is not exactly 1")
