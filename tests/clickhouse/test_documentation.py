"""The commands of the page on ClickHouse and of the example do what the text says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.clickhouse.mixed_starts import mixed
from tests.integration.examples.readme import EXAMPLES, SOURCE, blocks, run
from tests.support.chdb_front import PASSWORD

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.clickhouse import ClickHouse

PAGE = SOURCE / "docs" / "how-to" / "clickhouse.md"
SHOWN = "clickhouse://reader@clickhouse.example:8123/otel", "clickhouse://reader@localhost:8123/otel"


def test_queries(server: ClickHouse) -> None:
    """The page's SQL runs, and the same statements create its views again."""
    server.make_all("page")
    server.insert("page", mixed(200, days=5))
    drop, _user, ask = blocks(PAGE, "sql")  # users belong to the server, which the engine as a library lacks
    server.run(f"{ask.replace('12 WEEK', '1000 WEEK')}", "page")
    for statement in drop.split(";")[:-1]:
        server.run(statement, "page")
    server.run_schema("page")


def test_reports(server: ClickHouse, tmp_path: Path) -> None:
    """The commands that query the database write the files that they name."""
    server.make_all("shown")
    server.insert("shown", mixed(200, days=5))
    pages = [*blocks(PAGE, "shell"), *blocks(EXAMPLES / "clickhouse" / "README.md", "shell")]
    commands = [line for block in pages for line in block.splitlines() if line.startswith("otel-tbot report")]
    for command in commands:
        asking = command.replace("--since 30d", "--since 2000w")
        for address in SHOWN:
            asking = asking.replace(address, server.address("shown"))
        ended = run(asking, {"CLICKHOUSE_PASSWORD": PASSWORD}, cwd=tmp_path, tbot=tmp_path / "bin")
        assert (ended.returncode, ended.stderr) == (0, "")
    assert {path.name for path in tmp_path.iterdir()} >= {"report.html", "starts.parquet"}
