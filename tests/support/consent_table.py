"""The table of consent: environments of users, units, images and CI systems, and what they decide.

Every row of `OFF` must send nothing through any entry point. Only the rows of `ON` may send.
"""

from __future__ import annotations

from typing import NamedTuple

OPT_IN = "TELEPORT_ANONYMOUS_TELEMETRY"
_ON = {OPT_IN: "1"}

# Accepted by Go's `strconv.ParseBool`, and so by tbot itself. Here they are off, and the reason says so.
_YES_TO_TBOT = {"t": "t", "T": "T", "TRUE": "TRUE", "true": "true", "True": "True"}

# Keyed by readable names for the test ids, because many values look alike in print.
_NOT_EXACTLY_1 = {
    "empty": "", "0": "0", "00": "00", "false": "false", "FALSE": "FALSE", "no": "no", "off": "off", "n": "n",
    "yes": "yes", "YES": "YES", "y": "y", "Y": "Y", "on": "on", "ON": "ON", "ok": "ok", "enabled": "enabled",
    "tRUE": "tRUE", "null": "null", "None": "None", "undefined": "undefined", "unexpanded": "${TELEMETRY:-1}",
    "space before": " 1", "space after": "1 ", "tab before": "\t1", "line feed after": "1\n", "line feed before": "\n1",
    "carriage return after": "1\r", "no-break space after": "1\xa0", "thin space before": "\u20091",
    "zero-width space after": "1\u200b", "byte order mark before": "\ufeff1", "combining accent after": "1\u0301",
    "double quotes": '"1"', "single quotes": "'1'", "backslash": "\\1", "escape": "\x1b1", "delete after": "1\x7f",
    "01": "01", "001": "001", "1.": "1.", "1.0": "1.0", "+1": "+1", "-1": "-1", "1e0": "1e0", "1_0": "1_0",
    "0x1": "0x1", "0b1": "0b1", "0o1": "0o1", "1,1": "1,1", "1;1": "1;1", "1=1": "1=1", "1 1": "1 1",
    "2": "2", "10": "10", "11": "11", "letter l": "l", "letter I": "I", "bar": "|", "letter e with accent": "é",
    "fullwidth one": "\uff11", "Arabic-Indic one": "\u0661", "superscript one": "\xb9", "circled one": "\u2460",
    "mathematical one": "\U0001d7cf", "Roman one": "\u2160", "Chinese one": "\u4e00",
    "undecodable byte": "\udcff", "1 and an undecodable byte": "1\udc80", "very long": "1" * 100_000,
}  # fmt: skip

_DO_NOT_TRACK = {
    "1": "1", "true": "true", "True": "True", "yes": "yes", "no": "no", "off": "off", "FALSE": "FALSE", "00": "00",
    "space": " ", "space after 0": "0 ", "any": "any", "undecodable byte": "\udcff",
}  # fmt: skip
_SDK_DISABLED = {"true": "true", "TRUE": "TRUE", "True": "True", "with spaces": " true "}

# Similar variable names, which have no effect.
_OTHER_NAMES = (
    OPT_IN.lower(),
    f"{OPT_IN} ",
    f"_{OPT_IN}",
    f"{OPT_IN}_ADDRESS",
    "TELEPORT_TELEMETRY",
    "TBOT_ANONYMOUS_TELEMETRY",
    "OTEL_TBOT_ANONYMOUS_TELEMETRY",
)


class Row(NamedTuple):
    """A row that is off.

    Attributes:
        environ: the variables.
        variable: the deciding one.
        tbot_would_accept: whether tbot itself reads the value as true.
    """

    environ: dict[str, str]
    variable: str = OPT_IN
    tbot_would_accept: bool = False


OFF: dict[str, Row] = {
    "unset": Row({}),
    **{name: Row({OPT_IN: value}, tbot_would_accept=True) for name, value in _YES_TO_TBOT.items()},
    **{name: Row({OPT_IN: value}) for name, value in _NOT_EXACTLY_1.items()},
    **{f"another name: {name}": Row({name: "1"}) for name in _OTHER_NAMES},
    **{
        f"1, but DO_NOT_TRACK: {name}": Row({**_ON, "DO_NOT_TRACK": value}, "DO_NOT_TRACK")
        for name, value in _DO_NOT_TRACK.items()
    },
    **{
        f"1, but OTEL_SDK_DISABLED: {name}": Row({**_ON, "OTEL_SDK_DISABLED": value}, "OTEL_SDK_DISABLED")
        for name, value in _SDK_DISABLED.items()
    },
    "1, but both": Row({**_ON, "DO_NOT_TRACK": "1", "OTEL_SDK_DISABLED": "true"}, "OTEL_SDK_DISABLED"),
    "true, with a DO_NOT_TRACK that says no": Row({OPT_IN: "true", "DO_NOT_TRACK": "0"}, tbot_would_accept=True),
    "0, with an SDK that is not disabled": Row({OPT_IN: "0", "OTEL_SDK_DISABLED": "false"}),
    "only a DO_NOT_TRACK that says no": Row({"DO_NOT_TRACK": "0"}),
}

ON: dict[str, dict[str, str]] = {
    "1": _ON,
    **{f"1, and DO_NOT_TRACK: {value or 'empty'}": {**_ON, "DO_NOT_TRACK": value} for value in ("", "0", "false")},
    **{
        f"1, and OTEL_SDK_DISABLED: {value or 'empty'}": {**_ON, "OTEL_SDK_DISABLED": value}
        for value in ("", "0", "false", "1", "yes")
    },
}
