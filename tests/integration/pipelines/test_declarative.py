"""By a declarative file: every keyword, the sampler and the detector; errors in it never abort the setup."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import trustme
import yaml

from otel_tbot.testing import TLS, OTLPReceiver
from tests.integration.pipelines import declarative
from tests.integration.pipelines.declarative import configuration, named
from tests.integration.pipelines.processes import ON, instrumented

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = declarative.REQUIRED

# The host's own spans go to the same backend.
WITH_SAMPLER = """\
file_format: "1.0"
resource:
  attributes:
    - name: service.name
      value: helper
  detection/development:
    detectors:
      - tbot:
tracer_provider:
  sampler:
    {sampler}
  processors:
    - simple:
        exporter:
          otlp_http:
            endpoint: {endpoint}/v1/traces
"""


def test_keywords(receiver: OTLPReceiver, tmp_path: Path) -> None:
    """Protocol, endpoint, headers in each of their forms, compression and timeout are those of the file."""
    logs = f"""\
protocol: http/protobuf
endpoint: {receiver.http_endpoint}/v1/logs
headers:
  - name: x-token
    value: ${{TOKEN}}
compression: gzip
timeout: 5
"""
    traces = f"""\
protocol: grpc
endpoint: {receiver.grpc_endpoint}
headers: {{x-token: traces}}
insecure: true
"""
    environ = {**ON, "TOKEN": "logs", **configuration(tmp_path, logs=logs, traces=traces)}
    ended = instrumented("pipeline", "configured", "1.2.3", environ=environ)
    assert (ended.status, ended.stderr) == (0, [])
    requests = {request.signal: request for request in receiver.requests}
    logs_request, traces_request = requests["logs"], requests["traces"]
    assert (logs_request.headers["x-token"], logs_request.headers["content-encoding"]) == ("logs", "gzip")
    assert (traces_request.headers["x-token"], traces_request.protocol) == ("traces", "grpc")
    assert [one.attributes["tbot.version"] for one in receiver.log_records] == ["1.2.3"]
    assert [one.attributes["tbot.version"] for one in receiver.spans] == ["1.2.3"]


def test_certificates(tmp_path: Path) -> None:
    """The certificates that a file names are used where clients must identify themselves."""
    authority, paths = trustme.CA(), {}
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    for of, identity in (("server", "127.0.0.1"), ("client", "client@example.org")):
        issued = authority.issue_cert(identity)
        paths[of] = (tmp_path / f"{of}.pem", tmp_path / f"{of}.key")
        issued.cert_chain_pems[0].write_to_path(str(paths[of][0]))
        issued.private_key_pem.write_to_path(str(paths[of][1]))
    certificates = "certificate: {}\nclient_certificate: {}\nclient_key: {}\n".format(
        tmp_path / "ca.pem", *paths["client"]
    )
    tls = TLS(
        certificate_file=paths["server"][0], private_key_file=paths["server"][1], client_ca_file=tmp_path / "ca.pem"
    )
    with OTLPReceiver(tls=tls) as receiver:
        file = configuration(
            tmp_path,
            logs=f"protocol: http/protobuf\nendpoint: {receiver.http_endpoint}/v1/logs\n{certificates}",
            traces=f"protocol: grpc\nendpoint: {receiver.grpc_endpoint}\n{certificates}",
        )
        ended = instrumented("pipeline", "configured", "1.2.3", environ={**ON, **file})
        assert (ended.status, ended.stderr) == (0, [])
        assert {request.signal for request in receiver.requests} == {"logs", "traces"}


# The program flushes both pipelines; the one for spans sends nothing.
ONLY_LOGS = """\
file_format: "1.0"
tracer_provider:
  sampler: {always_off: }
  processors:
    - simple: {exporter: {console: }}
logger_provider:
  processors:
"""
UNUSABLE = {
    "tls: {ca_file: canary}": "an exporter named tbot takes only the keywords certificate, client_certificate, ",
    "exporter: {canary: }": "an exporter named tbot takes only the keywords ",
    "protocol: canary": "protocol must be http/protobuf, http/json or grpc",
    "timeout: canary": "timeout must be a number of seconds above 0, and at most 300",
    "endpoint: canary": "endpoint must be a URL that starts with http:// or https:// and a host, such as ",
    "headers: [canary]": "headers must name headers and their values, such as ",
    "compression: canary": "compression must be none or gzip or deflate with the protocol http/protobuf",
    "certificate: /canary": "the file named by certificate ",
}


def test_unusable_keywords(receiver: OTLPReceiver, tmp_path: Path) -> None:
    """Each invalid keyword is reported in one line, and the other exporters of the same file work."""
    text = ONLY_LOGS
    for keywords in (*UNUSABLE, "compression: gzip"):
        given = {
            "protocol": "http/protobuf",
            "endpoint": f"{receiver.http_endpoint}/v1/logs",
            **yaml.safe_load(keywords),
        }
        text += f"    - batch: {{exporter: {{tbot: {json.dumps(given)}}}}}\n"
    environ = {**ON, **named(tmp_path, text)}
    ended = instrumented("pipeline", "configured", "1.2.3", "1.2.4", environ=environ)
    assert ended.status == 0
    lines = sorted(line.removeprefix("tbot.start was not delivered: ") for line in ended.stderr)
    expected = sorted(UNUSABLE.values())
    assert [line[: len(start)] for line, start in zip(lines, expected, strict=True)] == expected
    assert "canary" not in "".join(lines)
    assert [one.attributes["tbot.version"] for one in receiver.log_records] == ["1.2.3", "1.2.4"]


@pytest.mark.parametrize(
    ("sampler", "description"),
    [
        ("tbot:", "OptInSampler{ParentBased{root:AlwaysOnSampler"),
        # The SDK passes no keywords to samplers.
        ("tbot: {wrapped: always_off}", "OptInSampler{ParentBased{root:AlwaysOnSampler"),
        ("parent_based: {root: {tbot: }}", "ParentBased{root:OptInSampler{"),
    ],
)
def test_sampler_and_detector(receiver: OTLPReceiver, tmp_path: Path, sampler: str, description: str) -> None:
    """The sampler works alone or inside `parent_based`, and the detector adds the session."""
    file = named(tmp_path, WITH_SAMPLER.format(sampler=sampler, endpoint=receiver.http_endpoint))
    ended = instrumented("configured", environ={**ON, **file})
    assert (ended.status, ended.stderr) == (0, [])
    shown = json.loads(ended.stdout)
    assert shown["sampler"].startswith(description)
    assert shown["resource"]["service.name"] == "helper"
    assert {"session.id", "service.instance.id"} <= shown["resource"].keys()


def test_unusable_keywords_of_the_detector(receiver: OTLPReceiver, tmp_path: Path) -> None:
    """A keyword for the detector, which takes none, is reported in one line, and the setup continues."""
    text = WITH_SAMPLER.format(sampler="always_on:", endpoint=receiver.http_endpoint)
    file = named(tmp_path, text.replace("- tbot:", "- tbot: {canary: 1}"))
    ended = instrumented("configured", environ={**ON, **file})
    assert ended.status == 0
    (line,) = ended.stderr
    assert "takes no keywords" in line
    assert "session.id" in json.loads(ended.stdout)["resource"]


@pytest.mark.parametrize("consent", [ON, {}])
def test_sampler_in_a_pipeline(receiver: OTLPReceiver, tmp_path: Path, consent: dict[str, str]) -> None:
    """Under `parent_based`, the sampler records spans with consent and none without."""
    text = WITH_SAMPLER.format(sampler="parent_based: {root: {tbot: }}", endpoint=receiver.http_endpoint)
    ended = instrumented("sampled", environ={**consent, **named(tmp_path, text)})
    assert (ended.status, ended.stderr) == (0, [])
    assert [one.span.name for one in receiver.spans] == (["tbot.start", "of the host"] if consent else [])
