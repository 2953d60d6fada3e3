"""The backend of a host application: the real Collector with all three signals, read back as bytes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml

from tests.support.collector import Collector, wait_until
from tests.support.normalized_otlp_json import without_ids, without_times

if TYPE_CHECKING:
    from pathlib import Path

SIGNALS = ("traces", "logs", "metrics")


class OwnBackend(Collector):
    """A Collector that accepts metrics, too.

    Attributes:
        of_tbot: the number of resources named tbot in the last read.
    """

    of_tbot = 0

    def __init__(self, binary: str, folder: Path) -> None:
        """Add the pipeline for metrics to its configuration."""
        super().__init__(binary, folder)
        file = self._folder / "config.yaml"
        configuration = yaml.safe_load(file.read_text())
        configuration["exporters"]["file/metrics"] = {"path": "metrics.jsonl"}
        configuration["service"]["pipelines"]["metrics"] = {"receivers": ["otlp"], "exporters": ["file/metrics"]}
        file.write_text(yaml.safe_dump(configuration))

    def read_and_forget(self) -> dict[str, list[str]]:
        """Return the host's own requests, each as one line of JSON, and empty the files.

        Times are 0 and ids are left out; tbot's own requests, and records that a host's log handler created from our
        warnings, are removed.
        """
        arrived: dict[str, list[str]] = {}
        self.of_tbot = 0
        for signal in SIGNALS:
            file = self._folder / f"{signal}.jsonl"
            wait_until(file.exists, f"{signal} arrived")
            requests = [json.loads(line) for line in file.read_text().splitlines()]
            self.of_tbot += sum(map(_is_tbot, (one for request in requests for of in request.values() for one in of)))
            arrived[signal] = [
                json.dumps(without_ids(without_times(one))) for one in map(_of_the_host, requests) if one
            ]
            file.write_bytes(b"")
        return arrived


def _of_the_host(request: dict[str, Any]) -> dict[str, Any]:
    kept = {}
    for name, resources in request.items():
        of_host = [one for one in resources if not _is_tbot(one)]
        for one in of_host:
            for scope in one.get("scopeLogs", ()):
                scope["logRecords"] = [record for record in scope["logRecords"] if not _is_warning(scope, record)]
            if "scopeLogs" in one:
                one["scopeLogs"] = [scope for scope in one["scopeLogs"] if scope["logRecords"]]
        if of_host:
            kept[name] = of_host
    return kept


def _is_tbot(of_resource: dict[str, Any]) -> bool:
    return {"key": "service.name", "value": {"stringValue": "tbot"}} in of_resource["resource"]["attributes"]


def _is_warning(scope: dict[str, Any], record: dict[str, Any]) -> bool:
    return scope["scope"]["name"] == "otel_tbot" and "eventName" not in record
