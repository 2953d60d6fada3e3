"""Promise 5, what you preview is what is sent: from one function, attribute for attribute.

`previews` runs `otel-tbot preview` and `otel-tbot emit` on the same cases: all of `tests/unit/tbot/golden`, each
setting of signal, protocol and endpoint, and the whole table of consent. What arrives at a real backend is compared
with the preview, message for message. They may differ in the session's id, in the ids of a span and in the time, and
there they must: only their form is compared. Protobuf's own code converts the messages that arrived to JSON, not that
of `preview`.
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
from tests.promises.audit import SOURCE, Event, audited
from tests.promises.consent_table import OFF, ON
from tests.promises.previews import EMIT, PREVIEW
from tests.unit.tbot.read_helpers import in_base64

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from otel_tbot.testing import ReceivedRequest

OPTED_IN = ON["1"]
VERSION = "18.2.3"
ON_BECAUSE = "TELEPORT_ANONYMOUS_TELEMETRY is 1"
PROTOCOLS = ("http/protobuf", "grpc")
SIGNALS = ("logs", "traces")

GOLDEN = [
    (f"{file.stem}: {case['case']}", case)
    for file in sorted((SOURCE / "tests" / "unit" / "tbot" / "golden").glob("*.yaml"))
    for case in yaml.safe_load(file.read_text())
]


class CommandOutput(NamedTuple):
    """How a command ended, and what it said."""

    status: int
    stdout: str
    stderr: str


class CommandOutputs(NamedTuple):
    """What was said about one case: by `preview` as JSON and as text, and by `emit`."""

    json: CommandOutput
    text: CommandOutput
    emit: CommandOutput


def case_of(folder: Path, command: str, environ: Mapping[str, str], *options: str) -> dict[str, Any]:
    """Return a case as `previews` reads it."""
    return {"cwd": str(folder), "environ": dict(environ), "options": options, "command": shlex.split(command)}


def ask(folder: Path, cases: Mapping[str, Any]) -> tuple[dict[str, CommandOutputs], list[Event]]:
    """Preview all cases, then emit them all. Return what was said, and what the process did."""
    ended = audited(folder / "report", "tests.promises.previews", stdin=json.dumps(dict(cases)))
    assert ended.status == 0, ended.stderr
    said = json.loads(ended.stdout)
    answers = {
        name: CommandOutputs(*(CommandOutput(*said[name][form]) for form in ("json", "text", "emit"))) for name in cases
    }
    return answers, ended.events


# What chance and the clock decide, by name; in OTLP/JSON times are strings.
_BY_CHANCE = {
    "traceId": re.compile("[0-9a-f]{32}"),
    "spanId": re.compile("[0-9a-f]{16}"),
    "timeUnixNano": re.compile("[0-9]{10}0{9}"),
    "observedTimeUnixNano": re.compile("[0-9]{10}0{9}"),
    "startTimeUnixNano": re.compile("[0-9]{10}0{9}"),
    "endTimeUnixNano": re.compile("[0-9]{10}0{9}"),
}
_OF_THE_SESSION = ("session.id", "service.instance.id")


def without_chance(part: Any) -> Any:  # noqa: ANN401  any part of a message
    """Return a message with the form in place of what chance and the clock decide; what is not in form stays."""
    if isinstance(part, list):
        return [without_chance(one) for one in part]
    if not isinstance(part, dict):
        return part
    if part.get("key") in _OF_THE_SESSION and is_uuid4(part["value"]["stringValue"]):
        return {**part, "value": "a UUID of version 4"}
    return {
        name: _BY_CHANCE[name].pattern
        if name in _BY_CHANCE and _BY_CHANCE[name].fullmatch(str(value))
        else without_chance(value)
        for name, value in part.items()
    }


def is_uuid4(text: str) -> bool:
    """Tell whether a text is a random UUID in its usual form."""
    return uuid.UUID(text).version == 4 and str(uuid.UUID(text)) == text


def arrived(request: ReceivedRequest) -> dict[str, Any]:
    """Return the message of a request in OTLP/JSON."""
    for one in request.spans:
        # In protobuf's own JSON ids are base64. Here they become what has the form of an id in OTLP/JSON.
        assert (len(one.span.trace_id), len(one.span.span_id)) == (16, 8)
    document: dict[str, Any] = MessageToDict(request.message, use_integers_for_enums=True)
    for of_resource in document.get("resourceSpans", ()):
        for of_scope in of_resource["scopeSpans"]:
            for span in of_scope["spans"]:
                span.update(traceId="0" * 32, spanId="0" * 16)
    return document


def sessions(document: dict[str, Any]) -> set[str]:
    """Return the ids of the session in a message."""
    (of_resource,) = document.get("resourceLogs") or document["resourceSpans"]
    attributes = of_resource["resource"]["attributes"]
    return {one["value"]["stringValue"] for one in attributes if one["key"] in _OF_THE_SESSION}


def attributes(request: ReceivedRequest) -> dict[str, str]:
    """Return the attributes of the one record or span in a request, as text shows them."""
    (carried,) = [one.attributes for one in request.log_records] + [one.attributes for one in request.spans]
    return {name: str(value) for name, value in carried.items()}


def shown(text: str, title: str) -> dict[str, str]:
    """Return what the text of `preview` lists under a title."""
    _, _, rest = text.partition(f"\n{title}")
    lines = rest.partition("\n\n")[0].splitlines()[1:]
    return dict(line.split(maxsplit=1) for line in lines)


def beyond_looking(events: list[Event]) -> list[Event]:
    """Return each socket, process and change of a file that previews made; tbot may be asked for its version."""
    seen = [event for event in events if event.mark == PREVIEW]
    assert seen
    return [
        event
        for event in seen
        if event.is_network or event.is_write or (event.is_process and "'version'" not in str(event.arguments[1]))
    ]


def golden(case: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Make a case of `tests/unit/tbot/golden`, in a folder of its own."""
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
    return case_of(folder, line, environ, "--tbot-version", VERSION)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("signal", SIGNALS)
def test_golden(tmp_path: Path, receiver: OTLPReceiver, signal: str, protocol: str) -> None:
    """For every golden start of tbot, what arrives is what was shown; where one complains, both do, in one voice."""
    endpoint = receiver.grpc_endpoint if protocol == "grpc" else receiver.http_endpoint
    where = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_TBOT_SIGNAL": signal,
    }
    cases = {name: golden(case, tmp_path / str(number)) for number, (name, case) in enumerate(GOLDEN)}
    for case in cases.values():
        case["environ"].update(where)
    answers, events = ask(tmp_path, cases)

    good = [name for name, case in GOLDEN if "event" in case]
    bad = [name for name, case in GOLDEN if "error" in case]
    assert [name for name in cases if answers[name].json.status == 0] == good
    assert [name for name in cases if answers[name].emit.status == 0] == good
    for name in bad:
        assert answers[name].json == answers[name].text == answers[name].emit == (2, "", answers[name].emit.stderr)

    assert len(receiver.requests) == len(good)
    known: set[str] = set()
    for name, request in zip(good, receiver.requests, strict=True):
        preview, sent = json.loads(answers[name].json.stdout), arrived(request)
        assert without_chance(preview) == without_chance(sent), name
        assert shown(answers[name].text.stdout, "Attributes") == attributes(request), name
        known |= sessions(preview) | sessions(sent)
    assert len(known) == 2 * len(good)

    assert beyond_looking(events) == []
    # Over HTTP the hook sees what emitting does, and so would have seen previewing do it.
    assert any(event.is_network for event in events if event.mark == EMIT) == (protocol != "grpc")


def test_number_of_golden_cases() -> None:
    """There are more than sixty, and some that complain."""
    assert len(GOLDEN) > 60
    assert any("error" in case for _, case in GOLDEN)


@pytest.mark.parametrize("change", ["value", "name", "extra", "missing", "session", "time"])
def test_the_comparison_can_fail(change: str) -> None:
    """Messages that differ in anything but chance and the clock are not the same."""
    session = {"key": "session.id", "value": {"stringValue": str(uuid.uuid4())}}
    record: dict[str, Any] = {"timeUnixNano": "1700000000000000000", "attributes": [{"key": "a", "value": 1}]}
    message: dict[str, Any] = {"resource": [session], "records": [record]}
    other = json.loads(json.dumps(message))
    other["resource"][0]["value"]["stringValue"] = str(uuid.uuid4())
    other["records"][0]["timeUnixNano"] = "1700000001000000000"
    assert without_chance(message) == without_chance(other)
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
    assert without_chance(message) != without_chance(other)


@pytest.fixture
def second() -> Iterator[OTLPReceiver]:
    """Run another OTLP backend."""
    with OTLPReceiver() as running:
        yield running


# Where an event goes: {http}, {grpc} stand for the endpoints of the first backend, {http2}, {grpc2} of the second, and
# {host}, {host2} for the same addresses of gRPC without a scheme.
class Destination(NamedTuple):
    """Variables and options that lead somewhere.

    Attributes:
        shown: what `preview` says of the way there.
        variables: the variables, without the beginning that all share.
        options: the options.
        signal: as what it must arrive there.
        arrives: where it must arrive, if that is shown in other words.
    """

    shown: str
    variables: dict[str, str]
    options: tuple[str, ...] = ()
    signal: str = "logs"
    arrives: str = ""


GRPC = {"PROTOCOL": "grpc", "ENDPOINT": "{grpc}"}
HTTP = {"ENDPOINT": "{http}"}
PLACES = {
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
    """Return where a request arrived, in the words of `preview`."""
    path = "" if request.protocol == "grpc" else request.path
    base = receiver.grpc_endpoint if request.protocol == "grpc" else receiver.http_endpoint
    return f"{base}{path} ({request.protocol})"


def test_where_it_arrives(tmp_path: Path, receiver: OTLPReceiver, second: OTLPReceiver) -> None:
    """The endpoint, the protocol and the signal that preview tells are where, how and as what the event arrives."""
    names = {
        "http": receiver.http_endpoint,
        "grpc": receiver.grpc_endpoint,
        "http2": second.http_endpoint,
        "grpc2": second.grpc_endpoint,
        "host2": second.grpc_endpoint.removeprefix("http://"),
        "http_host": receiver.http_endpoint.removeprefix("http://"),
    }
    cases = {
        # The helper's name is by what each arrival is known again.
        name: case_of(
            tmp_path,
            "tbot start",
            {
                **OPTED_IN,
                **{f"OTEL_EXPORTER_OTLP_{key}": value.format(**names) for key, value in where.variables.items()},
                "_TBOT_TELEMETRY_HELPER": f"place:{number}",
            },
            *("--tbot-version", VERSION, *where.options),
        )
        for number, (name, where) in enumerate(PLACES.items())
    }
    answers, events = ask(tmp_path, cases)
    assert beyond_looking(events) == []
    came = {
        attributes(request)["tbot.helper"]: (address(request, backend), request)
        for backend in (receiver, second)
        for request in backend.requests
    }
    assert len(came) == len(receiver.requests) + len(second.requests) == len(PLACES)
    for number, (name, where) in enumerate(PLACES.items()):
        place, request = came[f"place:{number}"]
        told = where.shown.format(**names)
        kind = "a log record" if where.signal == "logs" else "a span"
        assert answers[name].json.stderr == f"otel-tbot: would be sent to {told}: {ON_BECAUSE}\n"
        assert answers[name].text.stdout.startswith(f"tbot.start, as {kind}, would be sent to {told}: {ON_BECAUSE}\n")
        assert answers[name].emit == (0, "", f"otel-tbot: tbot.start sent to {told.rpartition(' ')[0]}\n")
        assert (place, request.signal) == ((where.arrives or where.shown).format(**names), where.signal), name
        assert without_chance(json.loads(answers[name].json.stdout)) == without_chance(arrived(request)), name


def test_consent(tmp_path: Path, receiver: OTLPReceiver) -> None:
    """What preview says of consent, and why, is what emit does, and says, for the whole table of consent."""
    table = {**{name: row.environ for name, row in OFF.items()}, **ON}
    where = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.http_endpoint}
    cases = {
        name: case_of(
            tmp_path,
            "tbot start",
            {**where, **environ, "_TBOT_TELEMETRY_HELPER": f"row:{number}"},
            *("--tbot-version", VERSION),
        )
        for number, (name, environ) in enumerate(table.items())
    }
    answers, events = ask(tmp_path, cases)
    assert beyond_looking(events) == []
    endpoint = f"{receiver.http_endpoint}/v1/logs"
    for name, said in answers.items():
        would, _, reason = said.json.stderr.strip().partition(" (http/protobuf): ")
        negation = "not " if name in OFF else ""
        assert would == f"otel-tbot: would {negation}be sent to {endpoint}", name
        assert said.text.stdout.splitlines()[0].endswith(
            f"would {negation}be sent to {endpoint} (http/protobuf): {reason}"
        )
        done = f"nothing sent: {reason}" if name in OFF else f"tbot.start sent to {endpoint}"
        assert said.emit == (0, "", f"otel-tbot: {done}\n"), name
    # And what was previewed under each row is what would have been sent, on or off.
    came = [attributes(request)["tbot.helper"] for request in receiver.requests]
    assert came == [f"row:{number}" for number, name in enumerate(table) if name in ON]


VERSIONS = {
    "answers": f"echo 'Teleport v{VERSION} git:v{VERSION}-0-g0 go1.24.7'",
    "is of another edition": "echo 'Teleport Enterprise v17.0.0-rc.1 git:api/14.0.0-gd1e081e go1.24.7'",
    "fails": "exit 1",
    "says something else": "echo tbot",
}


def test_version(tmp_path: Path, receiver: OTLPReceiver) -> None:
    """The version that an executable tells the preview is the one that is sent; where it tells none, none is."""
    cases = {}
    for number, (name, script) in enumerate(VERSIONS.items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        tbot = folder / "tbot"
        tbot.write_text(f"#!/bin/sh\n{script}\n")
        tbot.chmod(0o755)
        environ = {**OPTED_IN, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.http_endpoint}
        cases[name] = case_of(folder, f"{tbot} start --oneshot", environ)
    answers, events = ask(tmp_path, cases)
    assert beyond_looking(events) == []
    assert len(receiver.requests) == len(cases)
    for name, request in zip(cases, receiver.requests, strict=True):
        assert without_chance(json.loads(answers[name].json.stdout)) == without_chance(arrived(request)), name
        assert shown(answers[name].text.stdout, "Attributes") == attributes(request), name
    told = [attributes(request).get("tbot.version") for request in receiver.requests]
    assert told == [VERSION, "17.0.0-rc.1", None, None]
