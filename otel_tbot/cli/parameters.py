"""Parameters of several commands: tbot's command line with its options, points in time, and files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from otel_tbot.timeout import MAX_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from click.shell_completion import CompletionItem


_HOURS = {"h": 1, "d": 24, "w": 168}  # in a unit of an age


class Moment(click.ParamType):  # type: ignore[type-arg]  # generic in some releases of click only
    """A date, an ISO time, or an age such as `30d`; converted to UTC, without a time zone."""

    name = "TIME"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
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


def complete_file(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return what tells the shell to complete files itself."""
    from click.shell_completion import CompletionItem  # noqa: PLC0415  for a shell that completes, only

    return [CompletionItem(incomplete, type="file")]


_OPTIONS = (
    click.option("--tbot-version", metavar="VERSION", help="The version of tbot. Otherwise the executable is asked."),
    click.option(
        "--signal",
        type=click.Choice(["logs", "traces"]),
        help="Send a log record (the default) or a span. Also: OTEL_TBOT_SIGNAL.",
    ),
    click.option(
        "--timeout",
        type=click.FloatRange(min=0, min_open=True, max=MAX_TIMEOUT),
        metavar="SECONDS",
        help="Time for everything, from the name lookup to the response. Also: OTEL_EXPORTER_OTLP_TIMEOUT; else 10.",
    ),
    click.argument(
        "command",
        nargs=-1,
        type=click.UNPROCESSED,
        required=True,
        metavar="TBOT start [ARGUMENTS]...",
        shell_complete=complete_file,
    ),
)


def tbot_command(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of every command that takes a command line of tbot's."""
    for decorate in reversed(_OPTIONS):
        function = decorate(function)
    return function
