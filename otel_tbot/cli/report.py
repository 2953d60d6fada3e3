"""`otel-tbot report`: what stored events say."""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager, nullcontext
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from otel_tbot.cli.console import FAILED, OK, write_line
from otel_tbot.cli.replace_file import replace_file
from otel_tbot.errors import NoStartsError, SettingsError
from otel_tbot.report.clickhouse_address import is_address
from otel_tbot.report.store import Period

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime
    from types import FrameType, ModuleType
    from typing import TextIO

    from otel_tbot.report.figures import Figures, LeftOut
    from otel_tbot.report.store import Starts

_MIN_PYTHON = (3, 11)  # of the extra
_SUFFIXES = {".html": "html", ".htm": "html", ".json": "json", ".csv": "csv", ".md": "markdown"}
_PARQUET = ".parquet"
_SHARED, _ON_TERMINAL = 10, 1  # defaults of --at-least
_OVERVIEW_ROWS = 12
_EXTRA = {False: "report", True: "report,clickhouse"}  # by whether a database is queried


def main(  # noqa: PLR0913  the options of the command
    *,
    files: Sequence[str],
    form: str | None,
    output: str | None,
    since: datetime | None,
    until: datetime | None,
    by: Sequence[str],
    at_least: int | None,
    supported_majors: int,
    memory: str,
    timeout: int,
    strict: bool,
    quiet: bool,
) -> int:
    """Report, and return the exit status.

    Args:
        files: paths, `-` for stdin; or one address of a database in ClickHouse.
        form: `text`, `json`, `csv`, `markdown` or `html`; by default the suffix of the output decides, else `text`.
        output: the file to write; by default stdout.
        since: the start of the reported period, in UTC without a time zone.
        until: its end, exclusive.
        by: the dimensions to show, with all rows.
        at_least: values with fewer starts are suppressed.
        supported_majors: the number of newest major releases that do not count as old.
        memory: the limit of the engine that reads files.
        timeout: the seconds that a query of a database may take.
        strict: whether to exit with 1 if something was left out.
        quiet: whether to show no progress.
    """
    suffix = Path(output or "").suffix.lower()
    form = form or _SUFFIXES.get(suffix, "text")
    on_terminal = form == "text" and output is None and sys.stdout.isatty()
    _check_sources(files)
    in_database = is_address(files[0])
    module = _engine(form, "clickhouse_store" if in_database else "duckdb_store", extra=_EXTRA[in_database])
    compute = import_module("otel_tbot.report.compute")
    period = Period(since=since, until=until)
    try:
        with _interruptible(), _progress(shown=not in_database and not quiet and sys.stderr.isatty()) as on_progress:
            opened: AbstractContextManager[Starts] = (
                module.query_clickhouse(files[0], period=period, timeout=timeout)
                if in_database
                else module.read_starts(files, period=period, memory=memory, on_progress=on_progress)
            )
            with opened as starts:
                left_out = starts.left_out
                if suffix == _PARQUET:
                    result: bytes | Figures = starts.as_parquet()
                else:
                    least = at_least or (_ON_TERMINAL if on_terminal else _SHARED)
                    result = compute.compute_figures(starts, at_least=least, supported_majors=supported_majors)
    except NoStartsError as error:
        write_line(str(error))
        return FAILED
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    if isinstance(result, bytes):
        replace_file(str(output), result)
    else:
        _write(result, form, output, by, files=0 if in_database else len(files))
    return _status(left_out, strict=strict)


def _check_sources(files: Sequence[str]) -> None:
    """Check that the sources are files or one database.

    Raises:
        SettingsError: they are neither.
    """
    if len(files) > 1 and any(map(is_address, files)):
        message = "an address of ClickHouse must be the only argument: report on the others in a separate run"
        raise SettingsError(message)


def _engine(form: str, module: str, *, extra: str) -> ModuleType:
    """Import the module that reads the events, which needs an extra.

    Raises:
        SettingsError: it is not installed, or cannot be on this Python.
    """
    if sys.version_info < _MIN_PYTHON:
        message = "report needs Python 3.11 or newer; every other command works here"
        raise SettingsError(message)
    with _report_missing_extra(extra):
        for name in ("formats.text_format", *(["page"] if form == "html" else [])):
            import_module(f"otel_tbot.report.{name}")
        return import_module(f"otel_tbot.report.{module}")


@contextmanager
def _report_missing_extra(extra: str = "report") -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        package = str(error.name).partition(".")[0]
        message = f"report needs packages that are not installed ({package}): pip install 'otel-tbot[{extra}]'"
        raise SettingsError(message) from None


def _write(figures: Figures, form: str, output: str | None, by: Sequence[str], *, files: int) -> None:
    if form == "text" and output is None:
        _print_text(figures, by, sys.stdout)
        return
    text = _rendered(figures, form, by, files=files)
    if output is None:
        # Not `print`: the output is UTF-8, regardless of the terminal's encoding.
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode())
    else:
        replace_file(output, text.encode())


def _rendered(figures: Figures, form: str, by: Sequence[str], *, files: int) -> str:
    if form == "html":
        with _report_missing_extra():  # the drawing library is loaded last
            page: str = import_module("otel_tbot.report.page").render(figures, files=files)
        return page
    if form == "text":
        text = StringIO()
        _print_text(figures, by, text)
        return text.getvalue()
    from otel_tbot.report.dimensions import DIMENSIONS  # noqa: PLC0415  only for this command
    from otel_tbot.report.formats.phrases import OVERVIEW  # noqa: PLC0415  only for this command

    everything = OVERVIEW if form == "markdown" else DIMENSIONS
    module = import_module(f"otel_tbot.report.formats.{form}_format")
    result: str = getattr(module, f"render_{form}")(figures, by or everything)
    return result


def _print_text(figures: Figures, by: Sequence[str], file: TextIO) -> None:
    from otel_tbot.report.formats.phrases import OVERVIEW  # noqa: PLC0415  only for this command
    from otel_tbot.report.formats.text_format import print_text  # noqa: PLC0415  only for this command

    print_text(figures, by or OVERVIEW, file, limit=sys.maxsize if by else _OVERVIEW_ROWS)


def _status(left_out: LeftOut, *, strict: bool) -> int:
    """Report on stderr what was left out, and return the exit status."""
    if lines := left_out.unreadable_lines:
        write_line(f"{lines} unreadable {'line is' if lines == 1 else 'lines are'} left out")
    return FAILED if strict and left_out.lost else OK


def _progress(*, shown: bool) -> AbstractContextManager[Callable[[float], None] | None]:
    if not shown:
        return nullcontext()
    from otel_tbot.cli.progress_bar import progress_bar  # noqa: PLC0415  only for this command

    return progress_bar()


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let a signal that ends the process first remove the private folder."""
    ending = {signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)}  # Windows has no SIGHUP
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, *ending)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in ending:
        if before[number] is not signal.SIG_IGN:  # as nohup sets it
            signal.signal(number, _exit_on_signal)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _exit_on_signal(number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)
