"""The event: what one start of tbot reports. Nine values, validated once, without OpenTelemetry."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, NewType

from otel_tbot.errors import TbotConfigError
from otel_tbot.schema.constants import EVENT_ATTRIBUTES, RunMode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from otel_tbot.tbot.start import TbotStart

EventAttributes = NewType("EventAttributes", dict[str, "str | int"])
"""Names and values of one event, validated."""

SCOPE_NAME = "otel_tbot"
SECOND_NS = 1_000_000_000
_TBOT_19 = 19  # the first release that rejects what `rejected_by_19` describes
_MAX_TIMESTAMP_NS = 2**63 - 1  # the last nanosecond on which OTLP's readers agree

_FIELDS = {attribute.name: attribute.field for attribute in EVENT_ATTRIBUTES}
_values = attrgetter(*_FIELDS.values())
# The schema's rows as each event needs them: the name, the validator, and the value for a missing one.
_ROWS = tuple((row.name, row.validate, None if row.type == "string" else 0) for row in EVENT_ATTRIBUTES)


def validate_attributes(attributes: Mapping[str, object]) -> EventAttributes:
    """Return the validated values, in the order of the schema. Every event passes this one check.

    Other names are ignored.

    Raises:
        InvalidEventError: as for `StartEvent`; also, `tbot.run_mode` is missing.
    """
    validated: dict[str, str | int] = {}
    for name, validate, missing in _ROWS:
        value = validate(attributes.get(name, missing))
        if value is not None:
            validated[name] = value
    if "tbot.helper" not in validated:
        validated.pop("tbot.helper_version", None)
    return EventAttributes(validated)


def validated_attributes(event: StartEvent) -> EventAttributes:
    """Return the attributes of an event; those of an object that only claims to be one are validated first.

    Raises:
        InvalidEventError: as for `StartEvent`.
    """
    return event.attributes if type(event) is StartEvent else validate_attributes(event.attributes)


def truncate_to_second(nanoseconds: object = None) -> int:
    """Return a time in nanoseconds since 1970, truncated to the whole second.

    Args:
        nanoseconds: the time; anything else, and 0 (unknown in OTLP), stands for now.
    """
    # Called on the type, this returns a plain int for an object that only behaves like one.
    exact = int.__index__(nanoseconds) if isinstance(nanoseconds, int) and not isinstance(nanoseconds, bool) else 0
    if not SECOND_NS <= exact <= _MAX_TIMESTAMP_NS:
        exact = time.time_ns()
    return exact - exact % SECOND_NS


@dataclass(frozen=True, kw_only=True, slots=True)
class StartEvent:
    """One start of tbot. A value that the schema does not allow never becomes part of it.

    Attributes:
        run_mode: `one-shot` or `daemon`.
        version: the version of tbot; left out when it does not look like one.
        join_type: the join method; an unknown one becomes `_OTHER`.
        helper: what started tbot; a malformed one becomes `_OTHER`.
        helper_version: the helper's version; left out without a helper or when it does not look like a version.
        destinations_other: number of destinations that belong to none of the three services below.
        destinations_database: number of destinations of the Database Service.
        destinations_kubernetes: number of destinations of the Kubernetes Service.
        destinations_application: number of destinations of the Application Service. Counters are whole numbers from
            0; larger ones become 2147483647.

    Raises:
        InvalidEventError: the run mode is neither of the two, or a counter is negative or not a whole number.
    """

    run_mode: RunMode
    version: str | None = None
    join_type: str | None = None
    helper: str | None = None
    helper_version: str | None = None
    destinations_other: int = 0
    destinations_database: int = 0
    destinations_kubernetes: int = 0
    destinations_application: int = 0

    def __post_init__(self) -> None:
        """Replace each value by its validated form."""
        validated = validate_attributes(dict(zip(_FIELDS, _values(self), strict=True)))
        for name, field in _FIELDS.items():
            object.__setattr__(self, field, validated.get(name))

    @property
    def attributes(self) -> EventAttributes:
        """The names and values that are sent, in the order of the schema."""
        values = zip(_FIELDS, _values(self), strict=True)
        return EventAttributes({name: value for name, value in values if value is not None})

    @classmethod
    def from_attributes(cls, attributes: Mapping[str, object]) -> StartEvent:
        """Build the event from named values, as a record in a pipeline carries them; all other names are ignored.

        Raises:
            InvalidEventError: as for the class; also, `tbot.run_mode` is missing.
        """
        values = {field: attributes[name] for name, field in _FIELDS.items() if name in attributes}
        return cls(**{"run_mode": None, **values})  # type: ignore[arg-type]  # any type is possible: the class validates it

    @classmethod
    def from_command(
        cls, argv: Sequence[str], *, environ: Mapping[str, str] = os.environ, version: str | None = None
    ) -> StartEvent:
        """Build the event of a tbot command line.

        Reads what tbot would read: the command line, the variables, and the configuration that they name. Runs
        nothing and opens no connection.

        Args:
            argv: the command line, from the executable's name on: `["tbot", "start", "-c", "tbot.yaml"]`.
            environ: the variables that tbot would see.
            version: the version of that tbot; left out of the event when unknown.

        Raises:
            TbotConfigError: the command is not `start`, or tbot's command line or configuration is unusable.
        """
        if isinstance(argv, str):
            what, remedy = "a command line must be a list of words, not a string", "pass shlex.split(text)"
            raise TbotConfigError(what, remedy, source="the command line")
        # These read YAML, which most users of the class do not need.
        from otel_tbot.tbot.command_line import parse  # noqa: PLC0415
        from otel_tbot.tbot.start import read_start  # noqa: PLC0415

        return cls.from_start(read_start(parse(argv, environ), environ), version=version)

    @classmethod
    def from_start(cls, start: TbotStart, *, version: str | None = None) -> StartEvent:
        """Build the event of a start whose command line and configuration have been read.

        Args:
            start: what `otel_tbot.tbot.start.read_start` returned.
            version: the version of that tbot; left out of the event when unknown.

        Raises:
            TbotConfigError: that version of tbot would not start like this.
        """
        values = start._asdict()
        refusal = values.pop("rejected_by_19")
        event = cls(version=version, **values)
        if refusal is not None and event.version is not None and int(event.version.partition(".")[0]) >= _TBOT_19:
            raise refusal
        return event
