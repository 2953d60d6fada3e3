"""Resource limits of a host that reports a start: no descriptors, no memory for libraries, or no memory for a thread.

Each is code that defines `apply_limit` and `lift_limit`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

from tests.support.host_process import HEAD, PIPELINES

if TYPE_CHECKING:
    from collections.abc import Sequence

LONG = 20.0  # seconds; far above what a delivery takes
SHORT = 0.5  # seconds, for deliveries that fail and are retried until then
_LIMITS = """
import resource
def limit(which, number):
    resource.setrlimit(which, (number, resource.getrlimit(which)[1]))
def limit_memory(more):
    with open("/proc/self/statm") as sizes:
        limit(resource.RLIMIT_AS, int(sizes.read().split()[0]) * resource.getpagesize() + more)
"""
_FEW_DESCRIPTORS = """
def apply_limit():
    limit(resource.RLIMIT_NOFILE, 0)
def lift_limit():
    limit(resource.RLIMIT_NOFILE, 1000)
"""
_DESCRIPTORS_USED_UP = """
used = []
def apply_limit():
    limit(resource.RLIMIT_NOFILE, 100)
    try:
        while True:
            used.append(os.dup(0))
    except OSError:
        pass
def lift_limit():
    for descriptor in used:
        os.close(descriptor)
"""
_LITTLE_MEMORY = """
def apply_limit():
    limit_memory(4 * 1024 * 1024)
def lift_limit():
    limit(resource.RLIMIT_AS, resource.RLIM_INFINITY)
"""
# Leaves enough memory for everything except the stack of a thread.
_NO_THREAD = """
def apply_limit():
    limit_memory(16 * 1024 * 1024)
    threading.stack_size(64 * 1024 * 1024)
def lift_limit():
    threading.stack_size(0)
    limit(resource.RLIMIT_AS, resource.RLIM_INFINITY)
"""
_LOADED = """
import otel_tbot.records
from otel_tbot.otlp.client import create_exporter
from otel_tbot.otlp.settings import resolve_settings
create_exporter(resolve_settings("logs", os.environ)).shutdown()
"""


class ResourceLimit(NamedTuple):
    """A resource limit.

    Attributes:
        code: what the host runs before it reports.
        breaks_libraries: whether libraries that could not be loaded may stay broken, and print messages.
    """

    code: str
    breaks_libraries: bool = False


RESOURCE_LIMITS = {
    "no descriptor, nothing loaded": ResourceLimit(_FEW_DESCRIPTORS),
    "descriptors are used up": ResourceLimit(_LOADED + _DESCRIPTORS_USED_UP),
    "no memory, nothing loaded": ResourceLimit(_LITTLE_MEMORY, breaks_libraries=True),
    "no thread": ResourceLimit(_LOADED + _NO_THREAD),
}


def program_under_limit(limit: ResourceLimit) -> str:
    """Return the code of a host that reports by `send` and by a pipeline under the limit, and by `send` without it.

    It has imported the names that it uses, and OpenTelemetry's SDK. It prints the outcomes of `send`.
    """
    return f"""{PIPELINES}{_LIMITS}{limit.code}
from otel_tbot import emit, send
loggers.add_log_record_processor(BatchLogRecordProcessor(otel_tbot.AnonymousLogExporter(timeout={SHORT})))
apply_limit()
outcome = send(event("1.0"), timeout={SHORT})
emit(event("2.0"), logger_provider=loggers)
loggers.force_flush()
lift_limit()
print(outcome.status)
print(send(event("3.0"), timeout={LONG}).status)
"""


_REPORTS = """
file = os.environ["FILE"]
while os.environ["TAKEN"] and (number := os.open(file, os.O_RDWR)) <= 2:
    pass
from otel_tbot import emit, send
loggers.add_log_record_processor(SimpleLogRecordProcessor(otel_tbot.AnonymousLogExporter()))
outcomes = [send(event("1.0")).status, send(event("2.0")).status]
emit(event("3.0"), logger_provider=loggers)
sys.exit(outcomes != ["sent", "failed"])
"""


def program_without_streams(closed: Sequence[int]) -> tuple[str, ...]:
    """Return the program of a host that closes some of its standard streams at the start and reports three starts.

    Its status is 0 if the first arrives and the second does not. The third uses a pipeline. If `TAKEN` is set, the file
    named by `FILE` is opened under each closed descriptor number.
    """
    close = f"import os, sys\nfor number in {tuple(closed)}: os.close(number)\nos.execv(sys.executable, sys.argv[1:])"
    return ("-c", close, sys.executable, "-W", "error", "-c", f"{HEAD}{PIPELINES}{_REPORTS}")
