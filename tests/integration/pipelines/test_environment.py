"""By variables only, under `opentelemetry-instrument`: next to other exporters, and each setting on its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.pipelines.processes import ON, instrumented, start
from tests.support.otlp_environment import otlp_variables

if TYPE_CHECKING:
    from otel_tbot.testing import OTLPReceiver

ALONE = {"OTEL_LOGS_EXPORTER": "tbot", "OTEL_TRACES_EXPORTER": "tbot"}
BOTH = {"OTEL_LOGS_EXPORTER": "otlp,tbot", "OTEL_TRACES_EXPORTER": "otlp,tbot"}
# Only the SDK's own exporter of spans.
SPANS = {"OTEL_LOGS_EXPORTER": "none", "OTEL_TRACES_EXPORTER": "otlp"}


def test_next_to_otlp(receiver: OTLPReceiver) -> None:
    """Next to `otlp`, the exporter sends the event with its own resource, and nothing else."""
    ended = instrumented("pipeline", "configured", "1.2.3", environ={**ON, **BOTH, **otlp_variables(receiver)})
    assert (ended.status, ended.stderr) == (0, [])
    for items in (receiver.log_records, receiver.spans):
        (ours,) = [one for one in items if one.scope.name == "otel_tbot"]
        assert ours.attributes["tbot.version"] == "1.2.3"
        assert ours.resource_attributes["service.name"] == "tbot"
        theirs = [one.resource_attributes["service.name"] for one in items if one.scope.name == "host"]
        assert theirs
        assert "tbot" not in theirs


def test_off_next_to_otlp(receiver: OTLPReceiver) -> None:
    """Without consent the host's exporter works as before, and ours sends nothing."""
    ended = instrumented("pipeline", "configured", "1.2.3", environ={**BOTH, **otlp_variables(receiver)})
    assert (ended.status, ended.stderr) == (0, [])
    assert {one.scope.name for one in receiver.log_records} == {"host"}
    assert {one.scope.name for one in receiver.spans} == {"host"}


@pytest.mark.parametrize(
    ("consent", "argument", "names"),
    [
        (ON, "always_off", ["tbot.start"]),
        (ON, "parentbased_traceidratio=1", ["tbot.start", "of the host"]),
        (ON, None, ["tbot.start", "of the host"]),
        ({}, "always_on", []),
    ],
)
def test_sampler(receiver: OTLPReceiver, consent: dict[str, str], argument: str | None, names: list[str]) -> None:
    """With consent the sampler records the event and delegates other spans; without consent it records none."""
    sampler = {"OTEL_TRACES_SAMPLER": "tbot", **({"OTEL_TRACES_SAMPLER_ARG": argument} if argument else {})}
    ended = instrumented("sampled", environ={**consent, **SPANS, **sampler, **otlp_variables(receiver)})
    assert (ended.status, ended.stderr) == (0, [])
    assert [one.span.name for one in receiver.spans] == names


def test_resource_detector(receiver: OTLPReceiver) -> None:
    """With consent the detector adds the session to the host's resource, and the event has the same session."""
    detector = {"OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "tbot", "OTEL_SERVICE_NAME": "helper"}
    environ = {**ON, **SPANS, "OTEL_TRACES_EXPORTER": "otlp,tbot", **detector, **otlp_variables(receiver)}
    ended = instrumented("sampled", environ=environ)
    assert (ended.status, ended.stderr) == (0, [])
    resources = [one.resource_attributes for one in receiver.spans]
    assert {resource["service.name"] for resource in resources} == {"helper", "tbot"}
    assert len({resource["session.id"] for resource in resources}) == 1


def test_resource_detector_off(receiver: OTLPReceiver) -> None:
    """Without consent the detector adds nothing to the host's resource."""
    environ = {**SPANS, "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "tbot", **otlp_variables(receiver)}
    ended = instrumented("sampled", environ=environ)
    assert (ended.status, ended.stderr) == (0, [])
    (span,) = receiver.spans
    assert not {"session.id", "os.type", "host.arch"} & span.resource_attributes.keys()


def test_variables_of_one_signal(receiver: OTLPReceiver) -> None:
    """A signal's protocol, endpoint, headers and compression override the general ones, for that signal only."""
    variables = {
        **otlp_variables(receiver),
        "OTEL_EXPORTER_OTLP_HEADERS": "x-of=all",
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": receiver.grpc_endpoint,
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "x-of=traces",
        "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": f"{receiver.http_endpoint}/v1/logs",
        "OTEL_EXPORTER_OTLP_LOGS_COMPRESSION": "gzip",
        "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT": "5",
    }
    ended = instrumented("pipeline", "configured", "1.2.3", environ={**ON, **ALONE, **variables})
    assert (ended.status, ended.stderr) == (0, [])
    requests = {request.signal: request for request in receiver.requests}
    logs, traces = requests["logs"], requests["traces"]
    assert (logs.protocol, logs.headers["x-of"], logs.headers["content-encoding"]) == ("http/protobuf", "all", "gzip")
    assert (traces.protocol, traces.headers["x-of"]) == ("grpc", "traces")


def test_stock_distro_means_grpc(receiver: OTLPReceiver) -> None:
    """Without a protocol, the stock distro sets gRPC, and the exporter follows it like the host's own exporter."""
    environ = {**ON, **ALONE, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.grpc_endpoint}
    ended = instrumented("pipeline", "configured", "1.2.3", environ=environ)
    assert (ended.status, ended.stderr) == (0, [])
    assert {request.protocol for request in receiver.requests} == {"grpc"}


def test_grpc_to_a_port_that_speaks_http(receiver: OTLPReceiver) -> None:
    """The stock distro's gRPC to an HTTP port is reported in one line for each signal, within the timeout."""
    environ = {
        **ON,
        **ALONE,
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.http_endpoint,
        "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
    }
    ended = instrumented("pipeline", "configured", "1.2.3", environ=environ)
    assert ended.status == 0
    assert len(ended.stderr) == 2
    assert all(line.startswith("tbot.start was not delivered: ") for line in ended.stderr)
    assert receiver.requests == []


def test_option_of_the_launcher(receiver: OTLPReceiver) -> None:
    """The package's own variable is an option of `opentelemetry-instrument`."""
    code = "import otel_tbot; otel_tbot.send(otel_tbot.StartEvent(run_mode='daemon'))"
    none = {"OTEL_LOGS_EXPORTER": "none", "OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"}
    command = ["opentelemetry-instrument", "--tbot_signal", "traces", "python", "-c", code]
    ended = start(command, {**ON, **none, **otlp_variables(receiver)})
    assert (ended.status, ended.stderr) == (0, [])
    assert [request.signal for request in receiver.requests] == ["traces"]
