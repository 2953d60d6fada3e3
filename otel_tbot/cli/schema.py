"""`otel-tbot schema`: everything that can be sent, in the requested format."""

from __future__ import annotations

import json

from otel_tbot.cli.console import OK
from otel_tbot.schema.json_schema import json_schema
from otel_tbot.schema.markdown import markdown
from otel_tbot.schema.registry import load, text


def main(*, form: str) -> int:
    """Show the schema, and return the exit status."""
    if form == "clickhouse":
        from otel_tbot.report.clickhouse_ddl import script  # noqa: PLC0415  only for this form

        print(script(), end="")
    elif form == "json":
        print(json.dumps(json_schema(load()), indent=2))
    else:
        print(markdown(load()) if form == "markdown" else text(), end="")
    return OK
