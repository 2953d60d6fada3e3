"""The starts as a table in memory: one row each, without duplicates and impossible times."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import duckdb

from otel_tbot.errors import NoStartsError, ReportError
from otel_tbot.report import display
from otel_tbot.report.columns import COLUMNS, COUNTERS, helper_version, is_possible_time, is_start
from otel_tbot.report.dialect import DUCKDB
from otel_tbot.report.figures import LeftOut
from otel_tbot.report.otlp_json_sql import load_lines, load_starts
from otel_tbot.report.progress import watched
from otel_tbot.report.sources import PARQUET, check_still_there, join_small_files, link, open_sources

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from otel_tbot.report.sources import Source
    from otel_tbot.report.store import Period, Rows

MIB = 1 << 20
# Memory grows with the limit, so the second is used only if the first is too small.
_LONGEST_LINES = (16 * MIB, 256 * MIB)


@dataclass(frozen=True, kw_only=True)
class DuckDBStarts:
    """The starts that were read from files.

    Attributes:
        connection: its table `tbot_starts` has a row for each start.
        left_out: what was read and is not in it.
        folder: the only folder that the engine may write to.
    """

    connection: duckdb.DuckDBPyConnection
    left_out: LeftOut
    folder: Path

    def query(self, sql: str) -> Rows:
        """Return the rows that answer a query."""
        return self.connection.execute(sql).fetchall()

    def as_parquet(self) -> bytes:
        """Return the starts as a Parquet file, which is faster to read than the original files."""
        path = self.folder / "starts.parquet"
        columns = ", ".join(COLUMNS.values())
        self.connection.execute(
            f"COPY (SELECT time, {columns} FROM tbot_starts ORDER BY time, session) TO {DUCKDB.literal(str(path))} "
            "(FORMAT parquet, COMPRESSION zstd)"
        )
        return path.read_bytes()


@contextmanager
def read_starts(
    names: Sequence[str],
    *,
    period: Period,
    memory: str,
    threads: int | None = None,
    on_progress: Callable[[float], None] | None = None,
) -> Iterator[DuckDBStarts]:
    """Read files into a table that exists for the duration of the context.

    Args:
        names: paths; `-` is stdin.
        period: starts outside it are left out.
        memory: the engine's limit, such as `1GB`; beyond it, the engine spills into a private folder.
        threads: the engine's threads; by default one for each core.
        on_progress: called with the percentage that is read.

    Raises:
        ReportError: a file cannot be read.
        NoStartsError: no file has a start in the period.
    """
    with TemporaryDirectory(prefix="otel-tbot-") as folder:
        sources = opened = open_sources(names, Path(folder))
        with _connect(memory, threads) as connection:
            try:
                files = join_small_files(opened, Path(folder))
                sources = [link(file, Path(folder) / f"link-{number}") for number, file in enumerate(files)]
                _restrict_access(connection, folder, sources)
                _load(connection, sources, on_progress)
                check_still_there(opened)
                left_out = _create_starts(connection, period)
            except (duckdb.Error, OSError) as error:
                check_still_there(opened)
                raise ReportError(_reason(error, sources)) from None
            yield DuckDBStarts(connection=connection, left_out=left_out, folder=Path(folder))


def _connect(memory: str, threads: int | None) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    try:
        connection.execute(f"SET memory_limit = {DUCKDB.literal(memory)}")
    except duckdb.Error:
        message = f"--memory must be a size such as 512MB or 2GB, not {memory}"
        raise ReportError(message) from None
    if threads:
        connection.execute(f"SET threads = {threads}")
    return connection


def _restrict_access(connection: duckdb.DuckDBPyConnection, folder: str, sources: Sequence[Source]) -> None:
    """Let the engine open only the named files and those in its private folder."""
    connection.execute(
        f"""
        SET preserve_insertion_order = false; -- keeping it costs memory
        SET enable_progress_bar = true; -- needed to query the progress
        SET enable_progress_bar_print = false;
        SET progress_bar_time = 0;
        SET TimeZone = 'UTC';
        SET temp_directory = {DUCKDB.literal(folder)};
        SET autoinstall_known_extensions = false;
        SET autoload_known_extensions = false;
        SET allowed_paths = [{", ".join(DUCKDB.literal(str(source.path.resolve())) for source in sources)}];
        SET allowed_directories = [{DUCKDB.literal(folder)}];
        SET enable_external_access = false; -- no other file, and no URL
        SET lock_configuration = true;
        """
    )


def _load(
    connection: duckdb.DuckDBPyConnection, sources: Sequence[Source], on_progress: Callable[[float], None] | None
) -> None:
    lines = [source for source in sources if source.kind != PARQUET]
    if not lines:
        columns = ", ".join(f"{column} {_type(column)}" for column in COLUMNS.values())
        connection.execute(f"CREATE TEMP TABLE records (unreadable BOOLEAN, time TIMESTAMP, {columns})")
    for limit in _LONGEST_LINES if lines else ():
        try:
            with watched(connection, on_progress):
                connection.execute(load_lines(lines, longest_line=limit))
            break
        except duckdb.InvalidInputException as error:
            if "maximum_object_size" not in str(error) or limit == _LONGEST_LINES[-1]:
                raise
    if len(lines) < len(sources):
        connection.execute(load_starts(sources))


def _type(column: str) -> str:
    return "UUID" if column == "session" else "INTEGER" if column in COUNTERS else "VARCHAR"


def _create_starts(connection: duckdb.DuckDBPyConnection, period: Period) -> LeftOut:
    """Create the table `tbot_starts` from the table `records`, and return what was left out."""
    columns = ", ".join(COLUMNS.values())
    kept = ", ".join(column for column in COLUMNS.values() if column != "helper_version")
    connection.execute(
        f"""
        CREATE TEMP TABLE repeated AS
        SELECT session, count(*) - 1 AS copies FROM records WHERE {is_start()} GROUP BY session HAVING count(*) > 1;
        CREATE TEMP TABLE tbot_starts AS
        WITH single AS (
            SELECT time, {columns} FROM records
            WHERE {is_start()} AND session NOT IN (SELECT session FROM repeated)
        ), first AS ( -- deliveries of one session may differ; which is kept must not depend on the threads
            SELECT DISTINCT ON (session) time, {columns} FROM records
            WHERE {is_start()} AND session IN (SELECT session FROM repeated)
            ORDER BY time, {columns}
        ), once AS (
            FROM single UNION ALL FROM first
        )
        SELECT time, {kept}, {helper_version()} AS helper_version FROM once;
        """
    )
    unreadable, invalid = _numbers(
        connection,
        f"SELECT count(*) FILTER (unreadable), count(*) FILTER (NOT unreadable AND NOT ({is_start()})) FROM records",
    )
    (repeated,) = _numbers(connection, "SELECT coalesce(sum(copies), 0) FROM repeated")
    connection.execute("DROP TABLE records; DROP TABLE repeated")
    implausible = _delete(connection, f"time IS NULL OR NOT ({is_possible_time('time', DUCKDB)})")
    outside = _delete(
        connection,
        " OR ".join(
            [
                *([f"time < '{period.since}'"] if period.since else []),
                *([f"time >= '{period.until}'"] if period.until else []),
            ]
        )
        or "false",
    )
    (starts,) = _numbers(connection, "SELECT count(*) FROM tbot_starts")
    if not starts:
        message = "no event tbot.start was found" + (" in that period" if outside else "")
        if unreadable:
            message += f"; {display.pluralize(unreadable, 'line is', 'lines are')} unreadable"
        raise NoStartsError(message)
    return LeftOut(
        unreadable_lines=unreadable,
        invalid=invalid,
        repeated=repeated,
        implausible_time=implausible,
        outside_period=outside,
    )


def _delete(connection: duckdb.DuckDBPyConnection, condition: str) -> int:
    return _numbers(connection, f"DELETE FROM tbot_starts WHERE {condition}")[0]


def _numbers(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[int, ...]:
    row = connection.execute(query).fetchone()
    return tuple(map(int, row or ()))


def _reason(error: duckdb.Error | OSError, sources: Sequence[Source]) -> str:
    """Return the reason in one line, with the names that the user gave."""
    reason = str(getattr(error, "strerror", error)).partition("\n")[0]
    for source in sources:
        reason = reason.replace(str(source.path), source.name).replace(str(source.path.resolve()), source.name)
    return f"the files cannot be read: {reason}"
