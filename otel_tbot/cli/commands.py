"""The commands and their options. Each command is implemented in a separate module, loaded when it is called."""

from __future__ import annotations

import gc
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from otel_tbot.cli.console import (
    BAD_INPUT,
    FAILED,
    OK,
    PROGRAM,
    escape_unencodable,
    fill_closed_streams,
    flush_stdout,
    write_line,
)
from otel_tbot.cli.exit_statuses import exit_statuses_of
from otel_tbot.cli.parameters import Moment, complete_file, tbot_command
from otel_tbot.errors import OtelTbotError
from otel_tbot.launcher.interpreter_state import restore_default_sigint
from otel_tbot.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from click.shell_completion import CompletionItem


def run_command_line(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status."""
    fill_closed_streams()
    escape_unencodable()
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
        status = _report_unwritten(error)
    except Exception as error:
        if sys.flags.dev_mode:  # python -X dev asks for the traceback
            raise
        traceback = "with the traceback of python -X dev -m otel_tbot"
        write_line(f"internal error ({type(error).__name__}); please report it, {traceback}")
        status = FAILED
    return status if isinstance(status, int) else OK


def _report_unwritten(error: OSError) -> int:
    if not isinstance(error, BrokenPipeError):  # the reader of a pipe may close it early
        write_line(f"the result could not be written: {error.strerror}")
    return FAILED


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", prog_name=PROGRAM, message="%(prog)s %(version)s")
@click.pass_context
def _commands(context: click.Context) -> None:
    """Report the start of Teleport's tbot, anonymously and only if asked to, to any OTLP backend.

    Nothing is sent unless TELEPORT_ANONYMOUS_TELEMETRY is exactly 1.
    """
    if context.invoked_subcommand is None:
        # Not the result of a command: stdout stays empty.
        click.echo(context.get_help(), err=True)
        context.exit(BAD_INPUT)


def _complete_command(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return _commands.shell_complete(context.find_root(), incomplete)


@_commands.command("help")
@click.argument("command", required=False, metavar="[COMMAND]", shell_complete=_complete_command)
def show_help(command: str | None) -> int:
    """Show this help, or that of a command."""
    words = [command, "--help"] if command else ["--help"]
    status: int = _commands.main(words, prog_name=PROGRAM, standalone_mode=False)
    return status


# The first word that is not an option is the executable; the rest are its arguments.
_FORWARDING = {"allow_interspersed_args": False}


@_commands.command(context_settings=_FORWARDING)
@tbot_command
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="json is OTLP/JSON.")
def preview(**options: Any) -> int:  # noqa: ANN401  click's values
    """Show what emit would send, and to where.

    Also shows whether it would be sent, and why; with consent, it checks the certificates and keys. Opens no
    connection; works when off.
    """
    return _work("preview", **options)


@_commands.command(context_settings=_FORWARDING)
@tbot_command
def emit(**options: Any) -> int:  # noqa: ANN401  click's values
    """Send the event of a start of tbot, and report the outcome."""
    return _work("emit", **options)


@_commands.command(context_settings=_FORWARDING)
@tbot_command
@click.option("--supervise", is_flag=True, help="Stay as tbot's parent, as a container's first process always does.")
@click.option(
    "--outcome-fd",
    type=click.IntRange(min=3),
    metavar="NUMBER",
    help="Write the outcome as one line of JSON to this open descriptor, which tbot does not inherit.",
)
def run(**_options: Any) -> int:  # noqa: ANN401  click's values
    """Start tbot and send its event in the background.

    Replaces itself with tbot (exec): same process, signals, output and exit status. tbot never waits for the process
    that sends the event. Without consent this does nothing else. On Windows it stays as tbot's parent.
    """
    # Declared for the help only: the launcher parses its command line without click, which would delay tbot.
    from otel_tbot.launcher.run import run as launch  # noqa: PLC0415  only for this command

    return launch(sys.argv[2:]) or OK


@_commands.command()
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@click.option("--check", is_flag=True, help="Exit with 0 when on, with 1 when off.")
def status(**options: Any) -> int:  # noqa: ANN401  click's values
    """Show whether and where anything is sent.

    Names the variable that decides. Sends nothing. Reads only environment variables and, when on, the certificates and
    keys that they name.
    """
    return _work("status", **options)


@_commands.command()
@click.option("--format", "form", type=click.Choice(["yaml", "json", "markdown", "clickhouse"]), default="yaml")
def schema(**options: Any) -> int:  # noqa: ANN401  click's values
    """Show everything that can be sent.

    In YAML (the registry), as a JSON Schema of an event, as the documentation page, or as the tables and views of
    ClickHouse.
    """
    return _work("schema", **options)


@_commands.command()
def demo() -> int:
    """Send an example to an embedded backend.

    Starts a backend in this program, sends an example event to it and shows what arrived. Nothing leaves this machine.
    """
    return _work("demo")


@_commands.command()
@click.option(
    "--listen",
    default=["127.0.0.1:4319"],
    show_default=True,
    multiple=True,
    metavar="ADDRESS",
    help="HOST:PORT, [IPV6]:PORT ([::] for IPv4 too) or unix:PATH; repeatable. Sockets passed by systemd come first.",
)
@click.option(
    "--signal",
    type=click.Choice(["logs", "traces"]),
    help="Send log records (the default) or spans. Also: OTEL_TBOT_SIGNAL.",
)
@click.option(
    "--tls-certificate",
    metavar="FILE",
    shell_complete=complete_file,
    help="Serve TLS with this certificate chain, PEM.",
)
@click.option(
    "--tls-key", metavar="FILE", shell_complete=complete_file, help="The private key of that certificate, PEM."
)
@click.option(
    "--max-connections",
    type=click.IntRange(min=1),
    default=900,
    show_default=True,
    metavar="NUMBER",
    help="Open connections; above it, the oldest one without a request in progress is closed.",
)
@click.option(
    "--max-connections-per-address",
    type=click.IntRange(min=1),
    metavar="NUMBER",
    help="Open connections from one address. Default: no limit, because behind a balancer all have one address.",
)
@click.option(
    "--queue-size",
    type=click.IntRange(min=1),
    metavar="NUMBER",
    help="Events that may wait for the backend; each keeps a connection open. Default: --max-connections.",
)
@click.option(
    "--peer-rate",
    type=click.FloatRange(min=0, min_open=True),
    default=1000,
    show_default=True,
    metavar="NUMBER",
    help="Requests per second from one address.",
)
@click.option(
    "--drain-timeout",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    metavar="SECONDS",
    help="Time to deliver received events after SIGTERM or SIGINT.",
)
def serve(**options: Any) -> int:  # noqa: ANN401  click's values
    """Receive the events of unmodified tbots.

    Point tbot at it with TELEPORT_ANONYMOUS_TELEMETRY_ADDRESS=http://HOST:PORT. Each event is acknowledged once the
    OTLP backend has accepted it. Exits on SIGTERM and SIGINT, after delivering what was received.
    """
    result: int = import_module("otel_tbot.cli.serve").main(**options)
    return result


# The same as in `otel_tbot.report.dimensions`, without its imports.
_DIMENSIONS = (
    "release", "version", "join_type", "run_mode", "helper", "helper_version", "destinations", "os", "arch", "platform",
)  # fmt: skip


@_commands.command()
@click.argument("files", nargs=-1, required=True, metavar="FILES...", shell_complete=complete_file)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "csv", "markdown", "html"]),
    help="Default: by the suffix of --output, else text.",
)
@click.option(
    "--output",
    "-o",
    metavar="FILE",
    shell_complete=complete_file,
    help="Write to this file; *.parquet keeps the starts themselves.",
)
@click.option(
    "--since", type=Moment(), help="Only starts from this time on: a date, an ISO time, or an age (30d, 12h)."
)
@click.option("--until", type=Moment(), help="Only starts before this time. Times are in UTC.")
@click.option("--by", type=click.Choice(_DIMENSIONS), multiple=True, help="Only this table, with all rows; repeatable.")
@click.option(
    "--at-least",
    type=click.IntRange(min=1),
    metavar="NUMBER",
    help="Values with fewer starts are not shown. Default: 10; 1 for text on a terminal.",
)
@click.option(
    "--supported-majors",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    metavar="NUMBER",
    help="The number of newest major releases that do not count as old.",
)
@click.option(
    "--memory",
    default="1GB",
    show_default=True,
    metavar="SIZE",
    help="Memory limit; above it, a temporary file is used.",
)
@click.option(
    "--timeout",
    type=click.IntRange(min=1, max=3600),
    default=60,
    show_default=True,
    metavar="SECONDS",
    help="Time limit for each query of a database.",
)
@click.option("--strict", is_flag=True, help="Exit with 1 if something could not be counted.")
@click.option("--quiet", "-q", is_flag=True, help="Show no progress.")
def report(**options: Any) -> int:  # noqa: ANN401  click's values
    """Report what stored events say.

    Reads OTLP/JSON lines that a Collector's file exporter wrote; - is stdin, and .gz and .zst are recognized. Or
    queries a database, given as clickhouse://USER@HOST:PORT/DATABASE, or clickhouses:// for TLS, with the password in
    CLICKHOUSE_PASSWORD; only this opens a connection. Needs no consent.
    """
    result: int = import_module("otel_tbot.cli.report").main(**options)
    return result


for _name, _command in _commands.commands.items():
    _command.epilog = exit_statuses_of(_name)


def _work(module: str, **options: Any) -> int:  # noqa: ANN401  click's values
    # The process is too short-lived for garbage collection, and loads OpenTelemetry faster by a tenth without it.
    gc.disable()
    result: int = import_module(f"otel_tbot.cli.{module}").main(**options)
    return result
