"""The receiver as a user runs it: a separate process, with a real OTLP backend."""

from __future__ import annotations

from contextlib import ExitStack
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest
import trustme

from otel_tbot.testing import OTLPReceiver
from tests.integration.receiver.metrics_backend import MetricsBackend
from tests.integration.receiver.receiver_process import RunningReceiver
from tests.support.default_signals import default_signals  # noqa: F401  a fixture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# serve needs its extra, which does not exist for Python 3.10; the message about that is tested there, too.
collect_ignore_glob = [] if find_spec("connectrpc") else ["test_[!r]*.py"]

ON = {"TELEPORT_ANONYMOUS_TELEMETRY": "1"}


def _before(backend: OTLPReceiver) -> RunningReceiver:
    return RunningReceiver(variables={**ON, "OTEL_EXPORTER_OTLP_ENDPOINT": backend.http_endpoint})


@pytest.fixture
def serve() -> Iterator[Callable[..., RunningReceiver]]:
    """Start receivers with given arguments and variables, and stop them after the test."""
    with ExitStack() as stack:

        def started(*arguments: str, strict: bool = True, **variables: str) -> RunningReceiver:
            return stack.enter_context(RunningReceiver(*arguments, variables=variables, strict=strict))

        yield started


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[RunningReceiver, OTLPReceiver]]:
    """Run one receiver and its backend for all tests of a module, which change only its counters."""
    with OTLPReceiver() as backend, _before(backend) as receiver:
        backend.wait_for_requests(1, timeout=30)  # the first one is empty, and checks the backend
        yield receiver, backend


@pytest.fixture
def port(shared: tuple[RunningReceiver, OTLPReceiver]) -> int:
    """Return the port of the shared receiver."""
    return shared[0].port


@pytest.fixture
def backend(shared: tuple[RunningReceiver, OTLPReceiver]) -> OTLPReceiver:
    """Return the backend of the shared receiver, without requests."""
    shared[1].clear()
    return shared[1]


@pytest.fixture
def metrics_backend() -> Iterator[MetricsBackend]:
    """Run a backend for metrics."""
    with MetricsBackend() as taking:
        yield taking


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """Create a certificate authority, which clients trust only if configured to."""
    return trustme.CA()


@pytest.fixture
def tls(authority: trustme.CA, tmp_path: Path) -> tuple[str, ...]:
    """Return the arguments that make a receiver use TLS; the last one is the path of the key."""
    issued = authority.issue_cert("127.0.0.1")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    for blob in issued.cert_chain_pems:
        blob.write_to_path(tmp_path / "certificate.pem", append=True)
    return ("--tls-certificate", str(tmp_path / "certificate.pem"), "--tls-key", str(tmp_path / "key.pem"))


@pytest.fixture
def running(serve: Callable[..., RunningReceiver], receiver: OTLPReceiver) -> RunningReceiver:
    """Run a receiver with a working backend."""
    return serve(**ON, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.http_endpoint)
