"""Promise 5, what you preview is what is sent: from one function, attribute for attribute.

`previews.py` runs `otel-tbot preview` and `otel-tbot emit` on the same cases: all of `tests/unit/tbot/golden`, each
setting of signal, protocol and endpoint, and the whole table of consent. What arrives at a real backend is compared
with what was shown, message for message. Only the session id, the ids of a span and the time differ, and of those the
form is compared. Protobuf's own code converts the received messages to JSON, not that of `preview`.
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from otel_tbot.testing import OTLPReceiver
from tests.promises.endpoint_cases import DESTINATIONS
from tests.promises.previews import EMIT, PREVIEW, make_case, run_cases
from tests.support.audit import SOURCE, Event
from tests.support.consent_table import OFF, ON
from tests.support.normalized_otlp_json import normalized, received_json, sessions, without_empty
from tests.support.otlp_environment import endpoint_of, otlp_variables
from tests.unit.tbot.read_helpers import in_base64

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from otel_tbot.testing import ReceivedRequest
    from tests.support.collector import Collector

OPTED_IN = ON["1"]
VERSION = "18.2.3"
ON_REASON = "TELEPORT_ANONYMOUS_TELEMETRY is 1"
PROTOCOLS = ("http/protobuf", "http/json", "grpc")
SIGNALS = ("logs", "traces")

GOLDEN = [
    (f"{file.stem}: {case['case']}", case)
    for file in sorted((SOURCE / "tests" / "unit" / "tbot" / "golden").glob("*.yaml"))
    for case in yaml.safe_load(file.read_text())
]


def attributes(request: ReceivedRequest) -> dict[str, str]:
    """Return the attributes of the single record or span in a request, as text."""
    (values,) = [one.attributes for one in request.log_records] + [one.attributes for one in request.spans]
    return {name: str(value) for name, value in values.items()}


def shown(text: str, title: str) -> dict[str, str]:
    """Return the lines below a title in the text of `preview`."""
    _, _, rest = text.partition(f"\n{title}")
    lines = rest.partition("\n\n")[0].splitlines()[1:]
    return dict(line.split(maxsplit=1) for line in lines)


def preview_side_effects(events: list[Event]) -> list[Event]:
    """Return the sockets, processes and file changes of the previews, except for asking tbot for its version."""
    previewed = [event for event in events if event.label == PREVIEW]
    assert previewed
    return [
        event
        for event in previewed
        if event.is_network or event.is_write or (event.is_process and "'version'" not in str(event.arguments[1]))
    ]


def golden_case(case: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Create a case of `tests/unit/tbot/golden` in a folder of its own."""
    folder.mkdir()
    for name, content in {**case.get("files", {}), "tbot.yaml": case.get("tbot.yaml")}.items():
        if content is not None:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(content)
    environ, line = {**OPTED_IN, **case.get("environment", {})}, case["run"]
    if "base64" in case:
        encoded = in_base64(case["base64"])
        if "$BASE64" not in line:
            environ["TBOT_CONFIG"] = encoded
        line = line.replace("$BASE64", encoded)
    return make_case(folder, line, environ, "--tbot-version", VERSION)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("signal", SIGNALS)
def test_golden(tmp_path: Path, receiver: OTLPReceiver, signal: str, protocol: str) -> None:
    """For every golden start of tbot, what arrives is what was shown; on an error, both print the same line."""
    destination = {**otlp_variables(receiver, protocol), "OTEL_TBOT_SIGNAL": signal}
    cases = {name: golden_case(case, tmp_path / str(number)) for number, (name, case) in enumerate(GOLDEN)}
    for case in cases.values():
        case["environ"].update(destination)
    results, events = run_cases(tmp_path, cases)

    good = [name for name, case in GOLDEN if "event" in case]
    bad = [name for name, case in GOLDEN if "error" in case]
    assert [name for name in cases if results[name].json.status == 0] == good
    assert [name for name in cases if results[name].emit.status == 0] == good
    for name in bad:
        assert results[name].json == results[name].text == results[name].emit == (2, "", results[name].emit.stderr)

    assert len(receiver.requests) == len(good)
    session_ids: set[str] = set()
    for name, request in zip(good, receiver.requests, strict=True):
        preview, sent = json.loads(results[name].json.stdout), received_json(request)
        assert normalized(preview) == normalized(sent), name
        assert shown(results[name].text.stdout, "Attributes") == attributes(request), name
        session_ids |= sessions(preview) | sessions(sent)
    assert len(session_ids) == 2 * len(good)

    assert preview_side_effects(events) == []
    # Over HTTP the hook sees the sockets of `emit`, so it would have seen those of a preview.
    assert any(event.is_network for event in events if event.label == EMIT) == (protocol != "grpc")


def test_collector_receives_what_is_shown(tmp_path: Path, collector: Collector) -> None:
    """The real Collector writes the message that `preview` shows as OTLP/JSON, for each signal and protocol."""
    (tmp_path / "tbot.yaml").write_text("version: v2\nservices: [{type: identity}, {type: database}]\n")
    environ = {**OPTED_IN, "_TBOT_TELEMETRY_HELPER": "gha:teleport-actions/auth", "_TBOT_TELEMETRY_HELPER_VERSION": "2"}
    cases = {
        f"{signal} over {protocol}": make_case(
            tmp_path,
            "tbot start -c tbot.yaml --oneshot",
            {
                **environ,
                "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoints[protocol],
                "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
                "OTEL_TBOT_SIGNAL": signal,
            },
            *("--tbot-version", VERSION),
        )
        for signal in SIGNALS
        for protocol in PROTOCOLS
    }
    results, _ = run_cases(tmp_path, cases)
    for signal in SIGNALS:
        requests = collector.requests(signal, count=len(PROTOCOLS))
        for protocol, request in zip(PROTOCOLS, requests, strict=True):
            preview = json.loads(results[f"{signal} over {protocol}"].json.stdout)
            assert normalized(without_empty(preview)) == normalized(without_empty(request))


def test_number_of_golden_cases() -> None:
    """There are more than sixty golden cases, some of them errors."""
    assert len(GOLDEN) > 60
    assert any("error" in case for _, case in GOLDEN)


@pytest.mark.parametrize("change", ["value", "name", "extra", "missing", "session", "time"])
def test_normalization_keeps_differences(change: str) -> None:
    """Messages that differ in anything but random and time-dependent values are not equal after normalization."""
    session = {"key": "session.id", "value": {"stringValue": str(uuid.uuid4())}}
    record: dict[str, Any] = {"timeUnixNano": "1700000000000000000", "attributes": [{"key": "a", "value": 1}]}
    message: dict[str, Any] = {"resource": [session], "records": [record]}
    other = json.loads(json.dumps(message))
    other["resource"][0]["value"]["stringValue"] = str(uuid.uuid4())
    other["records"][0]["timeUnixNano"] = "1700000001000000000"
    assert normalized(message) == normalized(other)
    wrong: dict[str, Any] = {
        "value": {"attributes": [{"key": "a", "value": 2}]},
        "name": {"attributes": [{"key": "b", "value": 1}]},
        "extra": {"body": {}},
        "missing": {"attributes": []},
        "session": {},
        "time": {"timeUnixNano": "1700000001000000001"},
    }
    other["records"][0].update(wrong[change])
    if change == "session":
        other["resource"][0]["value"]["stringValue"] = str(uuid.uuid1())
    assert normalized(message) != normalized(other)


@pytest.fixture
def other_receiver() -> Iterator[OTLPReceiver]:
    """Run a second OTLP backend."""
    with OTLPReceiver() as running:
        yield running


def address(request: ReceivedRequest, receiver: OTLPReceiver) -> str:
    """Return where a request arrived, in the form that `preview` shows."""
    path = "" if request.protocol == "grpc" else request.path
    return f"{endpoint_of(receiver, request.protocol)}{path} ({request.protocol})"


def test_destination(tmp_path: Path, receiver: OTLPReceiver, other_receiver: OTLPReceiver) -> None:
    """The event arrives at the endpoint, over the protocol and as the signal that `preview` shows."""
    names = {
        "http": receiver.http_endpoint,
        "grpc": receiver.grpc_endpoint,
        "http2": other_receiver.http_endpoint,
        "grpc2": other_receiver.grpc_endpoint,
        "host2": other_receiver.grpc_endpoint.removeprefix("http://"),
        "http_host": receiver.http_endpoint.removeprefix("http://"),
    }
    cases = {
        # The helper identifies the case of each request.
        name: make_case(
            tmp_path,
            "tbot start",
            {
                **OPTED_IN,
                **{f"OTEL_EXPORTER_OTLP_{key}": value.format(**names) for key, value in destination.variables.items()},
                "_TBOT_TELEMETRY_HELPER": f"cli:place-{number}",
            },
            *("--tbot-version", VERSION, *destination.options),
        )
        for number, (name, destination) in enumerate(DESTINATIONS.items())
    }
    results, events = run_cases(tmp_path, cases)
    assert preview_side_effects(events) == []
    received = {
        attributes(request)["tbot.helper"]: (address(request, backend), request)
        for backend in (receiver, other_receiver)
        for request in backend.requests
    }
    assert len(received) == len(receiver.requests) + len(other_receiver.requests) == len(DESTINATIONS)
    for number, (name, destination) in enumerate(DESTINATIONS.items()):
        arrived_at, request = received[f"cli:place-{number}"]
        shown_destination = destination.shown.format(**names)
        kind = "a log record" if destination.signal == "logs" else "a span"
        assert results[name].json.stderr == f"otel-tbot: would be sent to {shown_destination}: {ON_REASON}\n"
        assert results[name].text.stdout.startswith(
            f"tbot.start, as {kind}, would be sent to {shown_destination}: {ON_REASON}\n"
        )
        assert results[name].emit == (0, "", f"otel-tbot: tbot.start sent to {shown_destination.rpartition(' ')[0]}\n")
        assert (arrived_at, request.signal) == (
            (destination.arrives or destination.shown).format(**names),
            destination.signal,
        ), name
        assert normalized(json.loads(results[name].json.stdout)) == normalized(received_json(request)), name


def test_consent(tmp_path: Path, receiver: OTLPReceiver) -> None:
    """For the whole table of consent, `emit` does what `preview` says, for the same reason."""
    table = {**{name: row.environ for name, row in OFF.items()}, **ON}
    destination = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.http_endpoint}
    cases = {
        name: make_case(
            tmp_path,
            "tbot start",
            {**destination, **environ, "_TBOT_TELEMETRY_HELPER": f"cli:row-{number}"},
            *("--tbot-version", VERSION),
        )
        for number, (name, environ) in enumerate(table.items())
    }
    results, events = run_cases(tmp_path, cases)
    assert preview_side_effects(events) == []
    endpoint = f"{receiver.http_endpoint}/v1/logs"
    for name, result in results.items():
        would, _, reason = result.json.stderr.strip().partition(" (http/protobuf): ")
        negation = "not " if name in OFF else ""
        assert would == f"otel-tbot: would {negation}be sent to {endpoint}", name
        assert result.text.stdout.splitlines()[0].endswith(
            f"would {negation}be sent to {endpoint} (http/protobuf): {reason}"
        )
        done = f"nothing sent: {reason}" if name in OFF else f"tbot.start sent to {endpoint}"
        assert result.emit == (0, "", f"otel-tbot: {done}\n"), name
    # Under each row, on or off, the preview shows the same event.
    received = [attributes(request)["tbot.helper"] for request in receiver.requests]
    assert received == [f"cli:row-{number}" for number, name in enumerate(table) if name in ON]


VERSIONS = {
    "printed": f"echo 'Teleport v{VERSION} git:v{VERSION}-0-g0 go1.24.7'",
    "is of another edition": "echo 'Teleport Enterprise v17.0.0-rc.1 git:api/14.0.0-gd1e081e go1.24.7'",
    "fails": "exit 1",
    "says something else": "echo tbot",
}


def test_version(tmp_path: Path, receiver: OTLPReceiver) -> None:
    """The tbot version that `preview` asks for is the one that is sent; if tbot reports none, none is sent."""
    cases = {}
    for number, (name, script) in enumerate(VERSIONS.items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        tbot = folder / "tbot"
        tbot.write_text(f"#!/bin/sh\n{script}\n")
        tbot.chmod(0o755)
        environ = {**OPTED_IN, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.http_endpoint}
        cases[name] = make_case(folder, f"{tbot} start --oneshot", environ)
    results, events = run_cases(tmp_path, cases)
    assert preview_side_effects(events) == []
    assert len(receiver.requests) == len(cases)
    for name, request in zip(cases, receiver.requests, strict=True):
        assert normalized(json.loads(results[name].json.stdout)) == normalized(received_json(request)), name
        assert shown(results[name].text.stdout, "Attributes") == attributes(request), name
    versions = [attributes(request).get("tbot.version") for request in receiver.requests]
    assert versions == [VERSION, "17.0.0-rc.1", None, None]
