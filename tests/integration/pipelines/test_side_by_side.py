"""A host's own telemetry is unchanged, byte for byte, regardless of the outcome of ours."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import pytest

from otel_tbot.testing import Reply
from tests.integration.pipelines import declarative
from tests.integration.pipelines.own_backend import OwnBackend
from tests.integration.pipelines.processes import ON, instrumented

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from otel_tbot.testing import OTLPReceiver
    from tests.integration.pipelines.processes import CompletedRun

# At the end of the process each signal's queue goes out in one request, so that requests can be compared.
AT_THE_END = 600_000  # milliseconds
# The timeout of each of the two exporters named tbot, in seconds: for a backend that answers at once, as a busy machine
# needs it, and for one that they wait for until the end. Importing their libraries counts, too.
ANSWERED = 10
WAITED_FOR = 3
# The delay of a busy machine for a process that takes one second.
SLACK = 8  # seconds
_ADDRESS = re.compile("0x[0-9a-f]+")

FILE = """\
file_format: "1.0"
resource: {{attributes: [{{name: service.name, value: host}}]}}
tracer_provider:
  processors:
    - batch: {{schedule_delay: {delay}, exporter: {{otlp_http: {{endpoint: "{own}/v1/traces"}}}}}}
{spans}
logger_provider:
  processors:
    - batch: {{schedule_delay: {delay}, exporter: {{otlp_http: {{endpoint: "{own}/v1/logs"}}}}}}
{logs}
meter_provider:
  readers:
    - periodic: {{interval: {delay}, exporter: {{otlp_http: {{endpoint: "{own}/v1/metrics"}}}}}}
"""


@pytest.fixture
def own(collector_binary: str, tmp_path: Path) -> Iterator[OwnBackend]:
    """Run the host's own backend."""
    with OwnBackend(collector_binary, tmp_path) as running:
        yield running


def by_file(own: OwnBackend, folder: Path, keywords: str | None) -> CompletedRun:
    """Run the host, configured by a file in which the exporter named tbot has these keywords, or is missing."""
    with_ours = "" if keywords is None else f"    - batch: {{exporter: {{tbot: {{{keywords}}}}}}}"
    text = FILE.format(
        own=own.endpoints["http/protobuf"], delay=AT_THE_END,
        spans=with_ours.replace("SIGNAL", "traces"), logs=with_ours.replace("SIGNAL", "logs"),
    )  # fmt: skip
    return instrumented("host", environ={**ON, **declarative.named(folder, text)})


def by_variables(own: OwnBackend, exporters: str, **variables: str) -> CompletedRun:
    """Run the host, configured by variables."""
    environ = {
        **ON,
        "OTEL_SERVICE_NAME": "host",
        # The root logger's records become log records too.
        "OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED": "true",
        "OTEL_LOGS_EXPORTER": exporters,
        "OTEL_TRACES_EXPORTER": exporters,
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_EXPORTER_OTLP_ENDPOINT": own.endpoints["http/protobuf"],
        "OTEL_BSP_SCHEDULE_DELAY": str(AT_THE_END),
        "OTEL_BLRP_SCHEDULE_DELAY": str(AT_THE_END),
        "OTEL_METRIC_EXPORT_INTERVAL": str(AT_THE_END),
        **variables,
    }
    return instrumented("host", environ=environ)


def check_noise(without: CompletedRun, with_ours: CompletedRun, timeout: int = ANSWERED) -> None:
    """Check that each exporter printed at most one line, and that the process ended in time.

    Args:
        without: the host's run without ours.
        with_ours: the run with both exporters.
        timeout: the timeout of each exporter, in seconds.
    """
    assert (without.status, with_ours.status) == (0, 0)
    # On Python 3.12.1 the host's own pipeline prints an error at its end, with addresses that differ each time.
    known = {_ADDRESS.sub("", line) for line in without.stderr}
    more = [line for line in with_ours.stderr if _ADDRESS.sub("", line) not in known]
    assert all(line.startswith("tbot.start was not delivered: ") for line in more)
    assert len(more) <= 2
    assert with_ours.seconds < without.seconds + 2 * timeout + SLACK


REPLIES = {
    "working": Reply(),
    "failing": Reply(status=500),
    "unavailable": Reply(status=503),
    "redirecting": Reply(redirect="http://127.0.0.1:1"),
    "silent": Reply(delay=math.inf),
    "dropping": Reply(drop=True),
}
TIMEOUTS = {state: ANSWERED if state in {"working", "failing", "redirecting"} else WAITED_FOR for state in REPLIES}


@declarative.REQUIRED
@pytest.mark.timeout(240)  # seconds; eleven processes, some of which wait for their deadlines
def test_configured_by_a_file(own: OwnBackend, receiver: OTLPReceiver, tmp_path: Path) -> None:
    """Configured by a file, the host's telemetry is the same with and without ours, whether ours works or fails."""
    without = by_file(own, tmp_path, None)
    expected = own.read_and_forget()
    assert all(len(requests) == 1 for requests in expected.values())
    over_http = f'protocol: http/protobuf, endpoint: "{receiver.http_endpoint}/v1/SIGNAL"'
    over_grpc = f'protocol: grpc, endpoint: "{receiver.grpc_endpoint}"'
    ways = [(over_http, state) for state in REPLIES] + [(over_grpc, "working"), (over_grpc, "silent")]
    for endpoint, state in ways:
        receiver.clear()
        receiver.reply(REPLIES[state])
        with_ours = by_file(own, tmp_path, f"{endpoint}, timeout: {TIMEOUTS[state]}")
        check_noise(without, with_ours, TIMEOUTS[state])
        assert (with_ours.stderr == without.stderr) == (state == "working"), state
        assert own.read_and_forget() == expected, state
        assert {request.signal for request in receiver.requests} == {"logs", "traces"}, state
        assert all(b"nightly" not in request.body for request in receiver.requests), state
    for keywords in ('protocol: grpc, endpoint: "http://127.0.0.1:1", timeout: 1', "canary: 1"):
        check_noise(without, by_file(own, tmp_path, keywords))
        assert own.read_and_forget() == expected, keywords


@pytest.mark.timeout(120)  # seconds; six processes
def test_configured_by_variables(own: OwnBackend) -> None:
    """Configured by variables, the host's telemetry is the same with `otlp` only and with `otlp,tbot`."""
    without = by_variables(own, "otlp")
    expected = own.read_and_forget()
    assert "the job is done" in expected["logs"][0]
    # Without TLS, only our exporters check whether a certificate exists, so only ours fail.
    for trouble, events in (({}, 2), ({"OTEL_EXPORTER_OTLP_CERTIFICATE": "/canary"}, 0)):
        check_noise(without, by_variables(own, "otlp,tbot", **trouble))
        assert own.read_and_forget() == expected
        assert own.of_tbot == events


@pytest.mark.parametrize("answer", ["0", "true"])
@pytest.mark.timeout(120)  # seconds; two processes
def test_off(own: OwnBackend, answer: str) -> None:
    """Without consent the host's telemetry is the same; each exporter reports a value that only tbot accepts once."""
    # Without a handler of the SDK's, Python prints warnings on stderr.
    consent = {
        "TELEPORT_ANONYMOUS_TELEMETRY": answer,
        "OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED": "false",
    }
    without = by_variables(own, "otlp", **consent)
    expected = own.read_and_forget()
    with_ours = by_variables(own, "otlp,tbot", **consent)
    assert own.read_and_forget() == expected
    assert own.of_tbot == 0
    # On Python 3.12.1 the host's own pipeline prints an error at its end, with addresses that differ each time.
    known = {_ADDRESS.sub("", line) for line in without.stderr}
    more = [line for line in with_ours.stderr if _ADDRESS.sub("", line) not in known]
    assert len(more) == (2 if answer == "true" else 0)
    assert all("tbot itself reads this value as true" in line for line in more)
