"""The commands and their options; each command's work lies in a file of its own, loaded when it is called."""

from __future__ import annotations

import gc
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from otel_tbot.cli.console import BAD_INPUT, FAILED, OK, PROGRAM, fill_closed_streams, flush_stdout, write_line
from otel_tbot.errors import OtelTbotError
from otel_tbot.launcher.interpreter_state import restore_default_sigint
from otel_tbot.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def run_command_line(arguments: Sequence[str]) -> int:
    """Run one command, and return the exit status."""
    fill_closed_streams()
    restore_default_sigint()
    try:
        status = _commands.main(list(arguments), prog_name=PROGRAM, standalone_mode=False)
        flush_stdout()
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        write_line(f"{error.format_message()} See '{context.command_path if context else PROGRAM} --help'.")
        status = BAD_INPUT
    except OtelTbotError as error:
        write_line(str(error))
        status = BAD_INPUT
    except OSError as error:
        status = _unwritten(error)
    except Exception as error:
        if sys.flags.dev_mode:  # python -X dev: whoever asks for it wants the traceback
            raise
        write_line(f"an unexpected fault ({type(error).__name__}); please report it")
        status = FAILED
    return status if isinstance(status, int) else OK


def _unwritten(error: OSError) -> int:
    if not isinstance(error, BrokenPipeError):  # whoever reads a pipe may have had enough
        write_line(f"the result could not be written: {error.strerror}")
    return FAILED


@click.group(no_args_is_help=False, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name=PROGRAM, message="%(prog)s %(version)s")
def _commands() -> None:
    """Report the start of Teleport's tbot, anonymously and only if asked to, to any OTLP backend.

    Nothing is sent unless TELEPORT_ANONYMOUS_TELEMETRY is exactly 1.
    """


_TBOT_OPTIONS = (
    click.option("--tbot-version", metavar="VERSION", help="The version of tbot. Otherwise the executable is asked."),
    click.option(
        "--signal",
        type=click.Choice(["logs", "traces"]),
        help="Send a log record (the default) or a span. Also: OTEL_TBOT_SIGNAL.",
    ),
    click.option(
        "--timeout",
        type=click.FloatRange(min=0, min_open=True),
        metavar="SECONDS",
        help="Time for everything, from the name look-up to the answer. Also: OTEL_EXPORTER_OTLP_TIMEOUT; else 10.",
    ),
    click.argument("command", nargs=-1, type=click.UNPROCESSED, required=True, metavar="TBOT start [ARGUMENTS]..."),
)


def _tbot_command(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add what every command takes that stands before a command line of tbot's."""
    for decorate in reversed(_TBOT_OPTIONS):
        function = decorate(function)
    return function


# The first word that is no option is the executable; what follows is its own.
_FORWARDING = {"allow_interspersed_args": False}


@_commands.command(context_settings=_FORWARDING)
@_tbot_command
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="json is OTLP/JSON.")
def preview(**options: Any) -> int:  # noqa: ANN401  click's values
    """Show what emit would send, and to where.

    Says too whether it would be sent, and why. Opens no connection; works when off.
    """
    return _work("preview", **options)


@_commands.command(context_settings=_FORWARDING)
@_tbot_command
def emit(**options: Any) -> int:  # noqa: ANN401  click's values
    """Send the event of a start of tbot."""
    return _work("emit", **options)


@_commands.command(context_settings=_FORWARDING)
@_tbot_command
@click.option("--supervise", is_flag=True, help="Stay as tbot's parent, as is always done as process 1 of a container.")
def run(**_options: Any) -> int:  # noqa: ANN401  click's values
    """Start tbot, and send its event beside it.

    Replaces itself by tbot: same process, signals, output and exit status. The event is sent by a process that tbot
    never waits for. Without consent nothing else is done at all.
    """
    # Here only for the help: the launcher reads its command line without click, which would delay tbot.
    from otel_tbot.launcher.run import run as launch  # noqa: PLC0415  see above

    return launch(sys.argv[2:]) or OK


@_commands.command()
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@click.option("--check", is_flag=True, help="End with 0 when on, with 1 when off.")
def status(**options: Any) -> int:  # noqa: ANN401  click's values
    """Show whether and where anything is sent.

    Names the variable that decides. Sends nothing, and reads nothing but variables.
    """
    return _work("status", **options)


@_commands.command()
@click.option("--format", "form", type=click.Choice(["yaml", "json", "markdown"]), default="yaml")
def schema(**options: Any) -> int:  # noqa: ANN401  click's values
    """Show everything that can be sent.

    As the registry in YAML, as a JSON Schema of an event, or as the documentation page.
    """
    return _work("schema", **options)


@_commands.command()
def demo() -> int:
    """Show the whole way on an example.

    Sends the event to a backend inside this program, and shows what arrived. Nothing leaves this machine.
    """
    return _work("demo")


@_commands.command()
@click.option(
    "--listen",
    default="127.0.0.1:4319",
    show_default=True,
    metavar="ADDRESS",
    help="HOST:PORT, [IPV6]:PORT or unix:PATH. Sockets that systemd hands over go first.",
)
@click.option(
    "--signal",
    type=click.Choice(["logs", "traces"]),
    help="Send log records (the default) or spans. Also: OTEL_TBOT_SIGNAL.",
)
@click.option("--tls-certificate", metavar="FILE", help="Speak TLS with this certificate chain, PEM.")
@click.option("--tls-key", metavar="FILE", help="The private key of that certificate, PEM.")
@click.option("--max-connections", type=click.IntRange(min=1), default=900, show_default=True, metavar="NUMBER")
@click.option(
    "--queue-size",
    type=click.IntRange(min=1),
    default=10_000,
    show_default=True,
    metavar="NUMBER",
    help="Events that may wait for the backend; each holds a connection.",
)
@click.option(
    "--peer-rate",
    type=click.FloatRange(min=0, min_open=True),
    default=1000,
    show_default=True,
    metavar="NUMBER",
    help="Requests a second from one address.",
)
@click.option(
    "--drain-timeout",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    metavar="SECONDS",
    help="Time to deliver what was received when told to end.",
)
def serve(**options: Any) -> int:  # noqa: ANN401  click's values
    """Receive the events of unmodified tbots.

    Point tbot at it with TELEPORT_ANONYMOUS_TELEMETRY_ADDRESS=http://HOST:PORT. Each event is acknowledged once the
    OTLP backend has accepted it. Ends on SIGTERM and SIGINT, after delivering what was received.
    """
    result: int = import_module("otel_tbot.cli.serve").main(**options)
    return result


def _work(module: str, **options: Any) -> int:  # noqa: ANN401  click's values
    # So short a life leaves no garbage worth collecting, and loading OpenTelemetry is faster by a tenth without it.
    gc.disable()
    result: int = import_module(f"otel_tbot.cli.{module}").main(**options)
    return result
