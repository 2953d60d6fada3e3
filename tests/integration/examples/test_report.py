"""The example of a report: its events are those that its program writes, and each is valid."""

from __future__ import annotations

import gzip
import json
import runpy

from tests.integration.examples.readme import EXAMPLES

_FOLDER = EXAMPLES / "report"


def test_file_is_up_to_date() -> None:
    """The program's output is the stored file."""
    program = runpy.run_path(str(_FOLDER / "make_events.py"))
    stored = gzip.decompress((_FOLDER / "events.jsonl.gz").read_bytes()).decode().splitlines()
    assert stored == list(program["lines"]())


def test_every_event_is_a_start_with_an_id_of_its_own() -> None:
    """No event is left out of the report or counted as a repeated delivery."""
    with gzip.open(_FOLDER / "events.jsonl.gz", "rt", encoding="utf-8") as file:
        resources = [resource for line in file for resource in json.loads(line)["resourceLogs"]]
    names = {record["eventName"] for one in resources for logs in one["scopeLogs"] for record in logs["logRecords"]}
    sessions = {
        attribute["value"]["stringValue"]
        for one in resources
        for attribute in one["resource"]["attributes"]
        if attribute["key"] == "session.id"
    }
    assert names == {"tbot.start"}
    assert len(sessions) == len(resources)
