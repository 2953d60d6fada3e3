"""A point in time on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from datetime import datetime

    from click import Context, Parameter

_HOURS = {"h": 1, "d": 24, "w": 168}  # in a unit of an age


class Moment(click.ParamType):  # type: ignore[type-arg]  # generic in some releases of click only
    """A date, an ISO time, or an age such as `30d`; converted to UTC, without a time zone."""

    name = "TIME"

    def convert(self, value: object, param: Parameter | None, ctx: Context | None) -> datetime:
        """Return the time; one without a time zone is in UTC."""
        from datetime import datetime, timedelta, timezone  # noqa: PLC0415  every command imports this module

        if isinstance(value, datetime):
            return value
        text = str(value)
        number, unit = text[:-1], text[-1:]
        try:
            if unit in _HOURS and number.isascii() and number.isdigit():
                time = datetime.now(timezone.utc) - timedelta(hours=int(number) * _HOURS[unit])
            else:
                time = datetime.fromisoformat(text)
            return time.astimezone(timezone.utc).replace(tzinfo=None) if time.tzinfo else time
        except (ValueError, OverflowError):
            self.fail(f"{text!r} is neither a date, an ISO time nor an age such as 30d, 12h or 4w.", param, ctx)
