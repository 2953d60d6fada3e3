"""The receiver as the examples for Kubernetes and systemd start, probe and stop it."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING

from otel_tbot.cli import commands
from otel_tbot.receiver import health, metrics, server
from tests.integration.examples.kubernetes import FLEET, container, instruction, pod, variables
from tests.integration.examples.systemd import UNIT, unit_settings
from tests.integration.receiver.http_client import connect, raw, send, submit
from tests.support.collector import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_tbot.testing import OTLPReceiver
    from tests.integration.receiver.receiver_process import RunningReceiver

_PORT = 4319  # in the image


def health_check(port: int) -> int:
    """Run the image's health check against another port, and return its exit status."""
    python, *options, program = instruction(FLEET, "HEALTHCHECK")
    assert python == "/opt/otel-tbot/bin/python"
    assert program.count(str(_PORT)) == 1
    command = [sys.executable, *options, program.replace(str(_PORT), str(port))]
    return subprocess.run(command, check=False, capture_output=True, timeout=30).returncode


def is_ok(port: int, path: str) -> bool:
    """Return whether a GET of a path is answered with status 200."""
    with connect(port) as connection:
        return send(connection, raw(b"", {}, method="GET", path=path), "GET").status == 200


def test_runs(serve: Callable[..., RunningReceiver], receiver: OTLPReceiver) -> None:
    """With the example's arguments and variables, an event is delivered, and probes and health check succeed."""
    assert instruction(FLEET, "ENTRYPOINT")[1:] == ["-I", "-m", "otel_tbot", "serve"]
    found = container(FLEET)
    arguments = [argument.replace(f"0.0.0.0:{_PORT}", "127.0.0.1:0") for argument in found["args"]]
    running = serve(*arguments, **{**variables(FLEET), "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.http_endpoint})
    receiver.wait_for_requests(1, timeout=30)  # the first one is empty, and checks the backend
    for probe in ("readinessProbe", "livenessProbe"):
        wait_until(partial(is_ok, running.port, found[probe]["httpGet"]["path"]), f"the {probe} succeeds")
    wait_until(lambda: health_check(running.port) == 0, "the health check succeeds")
    assert submit(running.port).status == 200
    assert running.stop() == 0
    assert health_check(running.port) != 0
    assert len(receiver.log_records) == 1


def longest_end() -> float:
    """Return the maximum seconds from SIGTERM to the receiver's end."""
    drain: float = commands.serve.make_context("serve", []).params["drain_timeout"]
    return drain + server._RESPONSE_TIMEOUT + server._EXPORTER_STOP_TIMEOUT + metrics._SHUTDOWN_TIMEOUT_MS / 1000


def test_time_on_kubernetes() -> None:
    """The grace period covers the sleep and the longest shutdown, and a probe's timeout the longest answer."""
    found = container(FLEET)
    sleep = found["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert sleep + longest_end() < pod(FLEET)["spec"]["terminationGracePeriodSeconds"]
    assert found["readinessProbe"]["timeoutSeconds"] > health._PROBE_TIMEOUT


def test_time_under_systemd() -> None:
    """Systemd kills the receiver only after its longest shutdown."""
    (seconds,) = [value for name, value in unit_settings(UNIT) if name == "TimeoutStopSec"]
    assert longest_end() < float(seconds)


def test_same_address_under_systemd() -> None:
    """Systemd listens where the receiver itself would."""
    (stream,) = [value for name, value in unit_settings(UNIT.with_suffix(".socket")) if name == "ListenStream"]
    assert (stream,) == commands.serve.make_context("serve", []).params["listen"]
