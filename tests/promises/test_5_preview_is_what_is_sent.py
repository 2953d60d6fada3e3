"""Promise 5, what you preview is what is sent: from one function, attribute for attribute.

`previews.py` runs `otel-tbot preview` and `otel-tbot emit` on the same cases: all of `tests/unit/tbot/golden`, each
setting of signal, protocol and endpoint, and the whole table of consent. What arrives at a real backend is compared
with what was shown, message for message. Only the session id, the ids of a span and the time differ, and of those the
form is compared. Protobuf's own code converts the received messages to JSON, not that of `preview`.
"""

from __future__ import annotations

import json
import re
import shlex
import uuid
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import yaml
from google.protobuf.json_format import MessageToDict

from otel_tbot.testing import OTLPReceiver
from tests.promises.previews import EMIT, PREVIEW
from tests.support.audit import SOURCE, Event, run_audited
from tests.support.backend import endpoint_of, otlp_variables
from tests.support.consent_table import OFF, ON
from tests.unit.tbot.read_helpers import in_base64

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from otel_tbot.testing import ReceivedRequest
    from tests.support.collector import Collector

OPTED_IN = ON["1"]
VERSION = "18.2.3"
ON_REASON = "TELEPORT_ANONYMOUS_TELEMETRY is 1"
PROTOCOLS = ("http/protobuf", "grpc")
SIGNALS = ("logs", "traces")

GOLDEN = [
    (f"{file.stem}: {case['case']}", case)
    for file in sorted((SOURCE / "tests" / "unit" / "tbot" / "golden").glob("*.yaml"))
    for case in yaml.safe_load(file.read_text())
]


class CommandResult(NamedTuple):
    """Exit status and output of a command."""

    status: int
    stdout: str
    stderr: str


class CaseResults(NamedTuple):
    """The results of one case: `preview` as JSON and as text, and `emit`."""

    json: CommandResult
    text: CommandResult
    emit: CommandResult


def make_case(folder: Path, command: str, environ: Mapping[str, str], *options: str) -> dict[str, Any]:
    """Return a case in the form that `previews.py` reads."""
    return {"cwd": str(folder), "environ": dict(environ), "options": options, "command": shlex.split(command)}


def run_cases(folder: Path, cases: Mapping[str, Any]) -> tuple[dict[str, CaseResults], list[Event]]:
    """Preview all cases, then emit them all; return the results and the audit events of the process."""
    ended = run_audited(folder / "report", "tests.promises.previews", stdin=json.dumps(dict(cases)))
    assert ended.status == 0, ended.stderr
    printed = json.loads(ended.stdout)
    results = {
        name: CaseResults(*(CommandResult(*printed[name][form]) for form in ("json", "text", "emit"))) for name in cases
    }
    return results, ended.events


# Fields that are random or depend on the clock, and their form; in OTLP/JSON, times are strings.
_RANDOM_FIELDS = {
    "traceId": re.compile("[0-9a-f]{32}"),
    "spanId": re.compile("[0-9a-f]{16}"),
    "timeUnixNano": re.compile("[0-9]{10}0{9}"),
    "observedTimeUnixNano": re.compile("[0-9]{10}0{9}"),
    "startTimeUnixNano": re.compile("[0-9]{10}0{9}"),
    "endTimeUnixNano": re.compile("[0-9]{10}0{9}"),
}
_SESSION_ATTRIBUTES = ("session.id", "service.instance.id")


def normalized(part: Any) -> Any:  # noqa: ANN401  any part of a message
    """Replace random and time-dependent values by their form; a value with another form is kept."""
    if isinstance(part, list):
        return [normalized(one) for one in part]
    if not isinstance(part, dict):
        return part
    if part.get("key") in _SESSION_ATTRIBUTES and is_uuid4(part["value"]["stringValue"]):
        return {**part, "value": "a UUID of version 4"}
    return {
        name: _RANDOM_FIELDS[name].pattern
        if name in _RANDOM_FIELDS and _RANDOM_FIELDS[name].fullmatch(str(value))
        else normalized(value)
        for name, value in part.items()
    }


def is_uuid4(text: str) -> bool:
    """Return whether a text is a random UUID in its usual form."""
    return uuid.UUID(text).version == 4 and str(uuid.UUID(text)) == text


def received_json(request: ReceivedRequest) -> dict[str, Any]:
    """Return the message of a request as OTLP/JSON."""
    for one in request.spans:
        # Protobuf's own JSON has ids in base64. They are replaced by ids in the form of OTLP/JSON.
        assert (len(one.span.trace_id), len(one.span.span_id)) == (16, 8)
    document: dict[str, Any] = MessageToDict(request.message, use_integers_for_enums=True)
    for of_resource in document.get("resourceSpans", ()):
        for of_scope in of_resource["scopeSpans"]:
            for span in of_scope["spans"]:
                span.update(traceId="0" * 32, spanId="0" * 16)
    return document


def sessions(document: dict[str, Any]) -> set[str]:
    """Return the session ids in a message."""
    (of_resource,) = document.get("resourceLogs") or document["resourceSpans"]
    attributes = of_resource["resource"]["attributes"]
    return {one["value"]["stringValue"] for one in attributes if one["key"] in _SESSION_ATTRIBUTES}


def attributes(request: ReceivedRequest) -> dict[str, str]:
    """Return the attributes of the single record or span in a request, as text."""
    (carried,) = [one.attributes for one in request.log_records] + [one.attributes for one in request.spans]
    return {name: str(value) for name, value in carried.items()}


def shown(text: str, title: str) -> dict[str, str]:
    """Return the lines below a title in the text of `preview`."""
    _, _, rest = text.partition(f"\n{title}")
    lines = rest.partition("\n\n")[0].splitlines()[1:]
    return dict(line.split(maxsplit=1) for line in lines)


def preview_side_effects(events: list[Event]) -> list[Event]:
    """Return the sockets, processes and file changes of the previews, except for asking tbot for its version."""
    seen = [event for event in events if event.label == PREVIEW]
    assert seen
    return [
        event
        for event in seen
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


def without_empty(part: Any) -> Any:  # noqa: ANN401  any part of a message
    """Return a message without empty messages: the Collector writes a body and a status that are not set as {}."""
    if isinstance(part, list):
        return [without_empty(one) for one in part]
    if not isinstance(part, dict):
        return part
    return {name: without_empty(value) for name, value in part.items() if value != {}}


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


# {http} and {grpc} stand for the endpoints of the first backend, {http2} and {grpc2} for those of the second, {host2}
# for its gRPC address without a scheme, and {http_host} for the HTTP address of the first.
class Destination(NamedTuple):
    """Variables and options that choose a destination.

    Attributes:
        shown: the destination as `preview` shows it.
        variables: the variables, without the prefix `OTEL_EXPORTER_OTLP_`.
        options: the options.
        signal: the signal that must arrive.
        arrives: the destination where the event must arrive, if `shown` differs from it.
    """

    shown: str
    variables: dict[str, str]
    options: tuple[str, ...] = ()
    signal: str = "logs"
    arrives: str = ""


GRPC = {"PROTOCOL": "grpc", "ENDPOINT": "{grpc}"}
HTTP = {"ENDPOINT": "{http}"}
DESTINATIONS = {
    "the general endpoint": Destination("{http}/v1/logs (http/protobuf)", HTTP),
    "the same for a span": Destination("{http}/v1/traces (http/protobuf)", HTTP, ("--signal", "traces"), "traces"),
    "with a slash": Destination("{http}/v1/logs (http/protobuf)", {"ENDPOINT": "{http}/"}),
    "with spaces around": Destination("{http}/v1/logs (http/protobuf)", {"ENDPOINT": " {http} "}),
    "the protocol named": Destination("{http}/v1/logs (http/protobuf)", {**HTTP, "PROTOCOL": "http/protobuf"}),
    "an endpoint for log records": Destination(
        "{http2}/v1/logs (http/protobuf)", {**HTTP, "LOGS_ENDPOINT": "{http2}/v1/logs"}
    ),
    "an endpoint for spans, not for log records": Destination(
        "{http}/v1/logs (http/protobuf)", {**HTTP, "TRACES_ENDPOINT": "{http2}/v1/traces"}
    ),
    "an endpoint for spans": Destination(
        "{http2}/v1/traces (http/protobuf)",
        {**HTTP, "TRACES_ENDPOINT": "{http2}/v1/traces"},
        ("--signal=traces",),
        "traces",
    ),
    "an empty endpoint for log records": Destination("{http}/v1/logs (http/protobuf)", {**HTTP, "LOGS_ENDPOINT": ""}),
    "gRPC": Destination("{grpc} (grpc)", GRPC),
    "gRPC for a span": Destination("{grpc} (grpc)", GRPC, ("--signal", "traces"), "traces"),
    "gRPC for log records alone": Destination(
        "{grpc2} (grpc)", {**HTTP, "LOGS_PROTOCOL": "grpc", "LOGS_ENDPOINT": "{grpc2}"}
    ),
    "HTTP for spans alone": Destination(
        "{http2}/v1/traces (http/protobuf)",
        {**GRPC, "TRACES_PROTOCOL": "http/protobuf", "TRACES_ENDPOINT": "{http2}/v1/traces"},
        ("--signal", "traces"),
        "traces",
    ),
    "gRPC without a scheme": Destination(
        "{host2} (grpc)", {"PROTOCOL": "grpc", "ENDPOINT": "{host2}", "INSECURE": "true"}, arrives="{grpc2} (grpc)"
    ),
    "compressed": Destination("{http}/v1/logs (http/protobuf)", {**HTTP, "COMPRESSION": "gzip"}),
    "compressed, over gRPC": Destination("{grpc} (grpc)", {**GRPC, "COMPRESSION": "gzip"}),
    "with a header": Destination("{http}/v1/logs (http/protobuf)", {**HTTP, "HEADERS": "api-key=canary"}),
    "with credentials, which are not shown": Destination(
        "http://***@{http_host}/v1/logs (http/protobuf)",
        {"ENDPOINT": "http://user:canary@{http_host}"},
        arrives="{http}/v1/logs (http/protobuf)",
    ),
}


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
                "_TBOT_TELEMETRY_HELPER": f"place:{number}",
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
        place, request = received[f"place:{number}"]
        told = destination.shown.format(**names)
        kind = "a log record" if destination.signal == "logs" else "a span"
        assert results[name].json.stderr == f"otel-tbot: would be sent to {told}: {ON_REASON}\n"
        assert results[name].text.stdout.startswith(f"tbot.start, as {kind}, would be sent to {told}: {ON_REASON}\n")
        assert results[name].emit == (0, "", f"otel-tbot: tbot.start sent to {told.rpartition(' ')[0]}\n")
        assert (place, request.signal) == (
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
            {**destination, **environ, "_TBOT_TELEMETRY_HELPER": f"row:{number}"},
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
    assert received == [f"row:{number}" for number, name in enumerate(table) if name in ON]


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
