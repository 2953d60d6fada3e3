"""What several commands take: tbot's command line, with the options that belong to it, and files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from otel_tbot.timeout import MAX_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.shell_completion import CompletionItem


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
