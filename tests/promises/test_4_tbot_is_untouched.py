"""Promise 4: tbot is untouched. Its start is not delayed, its output, signals and exit status are its own.

Each case starts a fake tbot twice in the same environment: directly, and by `otel-tbot run`. Both are observed from
outside, while they run and afterwards: what they inherited (arguments, environment, folder, descriptors, umask, limits,
signals, pid, everything that Linux shows), what they printed, and how they ended. Both must be equal, byte for byte,
apart from one line of notice on stderr where the start is reported.

A program that uses the Python package instead of `run` must not be disturbed either: the second half starts such
programs, and signals, forks, replaces and ends them at the worst moment.
"""

from __future__ import annotations

import math
import os
import re
import signal
import sys
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from otel_tbot.testing import OTLPReceiver, Reply
from tests.integration.launcher import procfs
from tests.integration.launcher.comparison import WAYS
from tests.integration.launcher.processes import WITH_SENDER, WITHIN, start
from tests.promises.host_programs import (
    BUSY_PIPELINE,
    CHILD_OUTPUT,
    ENDINGS_AFTER_SENDING,
    ENDINGS_WHILE_SENDING,
    FORK,
    PROGRAMS,
    SEND,
    WAITING_PROGRAMS,
)
from tests.promises.start_environments import START_ENVIRONMENTS
from tests.promises.tbot_process import (
    ObservedRun,
    StartEnvironment,
    expected_run,
    observe,
    start_variables,
    write_tbot,
)
from tests.support.collector import wait_until
from tests.support.default_signals import default_signals  # noqa: F401  a fixture
from tests.support.fake_tbot import WAITS, shell_script
from tests.support.host_process import HostProcess, opted_in_variables
from tests.support.otlp_environment import NO_THREADS_IN_CHILDREN
from tests.support.program import SOURCE

if TYPE_CHECKING:
    from pathlib import Path


def observe_both(
    folder: Path, mode: str, environment: StartEnvironment, ending: str
) -> tuple[ObservedRun, ObservedRun]:
    """Observe tbot started directly and in a mode, with everything else equal."""
    tbot, variables = write_tbot(folder), start_variables(mode)
    direct, other = (observe(one, tbot, environment, ending, variables) for one in ("direct", mode))
    return direct, other


def check_untouched(direct: ObservedRun, observed: ObservedRun, mode: str) -> None:
    """Check that only what is documented differs."""
    documented = expected_run(direct, mode)
    assert {key: observed.inherited[key] for key in documented.inherited} == documented.inherited
    assert (observed.status, observed.stdout, observed.stderr) == (
        documented.status,
        documented.stdout,
        documented.stderr,
    )


@pytest.mark.parametrize("mode", WAYS)
@pytest.mark.parametrize("name", START_ENVIRONMENTS)
def test_start_environment(name: str, mode: str, tmp_path: Path) -> None:
    """In any environment, tbot inherits, prints and ends as if it were started directly."""
    environment = START_ENVIRONMENTS[name](tmp_path)
    direct, observed = observe_both(tmp_path, mode, environment, "exit 42")
    check_untouched(direct, observed, "on" if environment.always_execs else mode)
    assert direct.status == 42
    allowed = {0} if mode == "off" else {*environment.lines}
    if mode == "supervised":  # a parent says, too, that nothing was delivered
        allowed |= {number + 1 for number in environment.lines if number}
    assert len(observed.lines) in allowed


ENDINGS = ["exit 0", "exit 1", "exit 255", "kill -TERM $$", "kill -KILL $$", "kill -ABRT $$"]


@pytest.mark.parametrize("mode", WAYS)
@pytest.mark.parametrize("ending", ENDINGS)
def test_ending(ending: str, mode: str, tmp_path: Path) -> None:
    """Whether tbot ends by itself or by a signal, its parent sees the same exit status."""
    direct, observed = observe_both(tmp_path, mode, StartEnvironment(), ending)
    check_untouched(direct, observed, mode)


@pytest.mark.parametrize("mode", WITH_SENDER)
def test_start_waits_for_nothing(mode: str, tmp_path: Path) -> None:
    """Tbot runs and ends before the sender has loaded OpenTelemetry."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    library = tmp_path / "library" / "opentelemetry"
    library.mkdir(parents=True)
    (library / "__init__.py").write_text(f"open({str(pipe)!r}).read()")
    environ = {"PYTHONPATH": f"{library.parent}:{SOURCE}", "OTEL_EXPORTER_OTLP_TIMEOUT": "60"}
    with start(mode, shell_script(tmp_path, WAITS), environ=environ) as started:
        tbot = int(started.line())
        started.write("42\n")
        if mode == "on":
            assert started.process.wait(WITHIN) == 42
        else:
            wait_until(lambda: not os.path.exists(f"/proc/{tbot}"), "tbot has ended")  # noqa: PTH110  may vanish
        # The sender opens the pipe for reading, and blocks because nothing has opened it for writing.
        wait_until(lambda: _has_reader(pipe), "the sender waits at the pipe")


def versions_in(receiver: OTLPReceiver) -> list[str]:
    """Return the versions that distinguish the events that arrived."""
    return sorted(str(record.attributes["tbot.version"]) for record in receiver.log_records)


def _has_reader(pipe: Path) -> bool:
    with suppress(OSError):
        os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
        return True
    return False


PROTOCOLS = ("http/protobuf", "grpc")
_LINE_OF_GRPC = re.compile(r"E\d{4} .* thd\.cc:\d+\] pthread_create failed")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
@pytest.mark.parametrize("name", WAITING_PROGRAMS)
def test_signal_while_sending(name: str, number: signal.Signals, receiver: OTLPReceiver) -> None:
    """A signal with its default action ends a program that is sending, immediately and without output."""
    protocol, code = WAITING_PROGRAMS[name]
    receiver.reply(Reply(delay=math.inf))
    with HostProcess(
        f"signal.signal(signal.SIGINT, signal.SIG_DFL)\n{code}", opted_in_variables(receiver, protocol)
    ) as host:
        receiver.wait_for_requests(1, timeout=WITHIN)
        host.process.send_signal(number)
        assert host.wait() == (-number, "", "")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_interrupt_while_sending(protocol: str, receiver: OTLPReceiver) -> None:
    """Ctrl-C reaches a program that is sending as KeyboardInterrupt."""
    receiver.reply(Reply(delay=math.inf))
    code = f"try: {SEND}\nexcept KeyboardInterrupt: print('interrupted')"
    with HostProcess(code, opted_in_variables(receiver, protocol)) as host:
        receiver.wait_for_requests(1, timeout=WITHIN)
        host.process.send_signal(signal.SIGINT)
        assert host.wait() == (0, "interrupted\n", "")


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", ENDINGS_AFTER_SENDING)
def test_end_after_sending(name: str, protocol: str, receiver: OTLPReceiver) -> None:
    """The end of a program after `send` has the usual exit status and output, and the event arrives once."""
    code, status, output = ENDINGS_AFTER_SENDING[name]
    with HostProcess(f"{SEND}\n{code}", opted_in_variables(receiver, protocol)) as host:
        ended, printed, errors = host.wait()
    assert (ended, printed) == (status, output)
    # A gRPC thread that exec interrupts may write a line of gRPC's own log.
    assert [line for line in errors.splitlines() if not (protocol == "grpc" and _LINE_OF_GRPC.match(line))] == []
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", ENDINGS_WHILE_SENDING)
def test_end_while_sending(name: str, protocol: str, receiver: OTLPReceiver) -> None:
    """A program that ends while a thread sends ends immediately, and no process keeps its pipes or its connection."""
    code, status, output = ENDINGS_WHILE_SENDING[name]
    receiver.reply(Reply(delay=math.inf))
    mark = uuid.uuid4().hex
    sending = "threading.Thread(target=lambda: print(otel_tbot.send(event()))).start()"
    environ = {**opted_in_variables(receiver, protocol), "MARK": mark, "GRPC_VERBOSITY": "NONE"}
    with HostProcess(f"{sending}\nsys.stdin.readline()\n{code}", environ) as host:
        receiver.wait_for_requests(1, timeout=WITHIN)
        assert procfs.alive(mark) == [host.process.pid]
        host.send_line()
        if status == -signal.SIGKILL:
            host.process.kill()
        assert host.wait() == (status, output, "")
        assert procfs.alive(mark) == []
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_processes_and_threads(name: str, protocol: str, receiver: OTLPReceiver) -> None:
    """Each event of any process or thread arrives once, and nothing is printed."""
    code, versions = PROGRAMS[name]
    with HostProcess(code, opted_in_variables(receiver, protocol)) as host:
        assert host.wait() == (0, "", "")
    assert versions_in(receiver) == versions
    assert len({record.resource_attributes["session.id"] for record in receiver.log_records}) == len(versions)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_fork_while_sending(protocol: str, receiver: OTLPReceiver) -> None:
    """An event arrives once although its process forks while a thread sends it; over HTTP the child can send, too."""
    delay = 1  # seconds that the first answer is delayed; the fork needs a fraction
    receiver.reply(Reply(delay=delay), Reply())
    code = f"""{FORK}
thread = threading.Thread(target=lambda: print(otel_tbot.send(event("1.0")).status, flush=True))
thread.start()
sys.stdin.readline()
forked("2.0")
thread.join()
"""
    environ = {**opted_in_variables(receiver, protocol), "GRPC_VERBOSITY": "NONE", **NO_THREADS_IN_CHILDREN}
    with HostProcess(code, environ) as host:
        receiver.wait_for_requests(1, timeout=WITHIN)
        host.send_line()
        status, printed, errors = host.wait()
    assert (status, errors) == (0, "")
    assert sorted(printed.splitlines()) == sorted(f"{CHILD_OUTPUT[protocol]}sent\n".splitlines())
    assert versions_in(receiver) == (["1.0"] if protocol == "grpc" else ["1.0", "2.0"])


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_fork_after_sending(protocol: str, receiver: OTLPReceiver) -> None:
    """A child forked after its parent has sent can send over HTTP; over gRPC it reports that it cannot."""
    code = f"{FORK}\n{SEND}; forked('2.0'); otel_tbot.send(event('3.0'))"
    with HostProcess(code, {**opted_in_variables(receiver, protocol), **NO_THREADS_IN_CHILDREN}) as host:
        assert host.wait() == (0, CHILD_OUTPUT[protocol], "")
    assert versions_in(receiver) == (["1.0", "3.0"] if protocol == "grpc" else ["1.0", "2.0", "3.0"])


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_forked_child_exits_while_sending(protocol: str, receiver: OTLPReceiver) -> None:
    """A forked child that exits normally does not close the connection on which its parent waits for an answer."""
    receiver.reply(Reply(delay=1), Reply())
    code = f"""{BUSY_PIPELINE}
thread = threading.Thread(target=emit)
thread.start()
sys.stdin.readline()
print(ended_child())
thread.join()
emit()
"""
    environ = {**opted_in_variables(receiver, protocol), "GRPC_VERBOSITY": "NONE", **NO_THREADS_IN_CHILDREN}
    with HostProcess(code, environ) as host:
        receiver.wait_for_requests(1, timeout=WITHIN)
        host.send_line()
        assert host.wait() == (0, "3\n", "")
    assert len(receiver.requests) == 2


def test_forked_child_exits_without_the_queues(receiver: OTLPReceiver) -> None:
    """A forked child can exit even if another thread of its parent held the locks of all queues at the fork."""
    code = f"""{BUSY_PIPELINE}
import gc, queue
emit()
for found in gc.get_objects():
    if isinstance(found, queue.Queue):
        found.mutex.acquire()
print(ended_child(), flush=True)
os._exit(0)
"""
    with HostProcess(code, opted_in_variables(receiver, "http/protobuf")) as host:
        assert host.wait() == (0, "3\n", "")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_forked_children_exit_while_sending(protocol: str, receiver: OTLPReceiver) -> None:
    """Forked children can exit, regardless of the locks that their parent held at the fork."""
    forks = 20  # one in two blocked on a lock of gRPC's when children closed the connections of their parent
    code = f"""{BUSY_PIPELINE}
def emit_always():
    while not enough.is_set():
        emit()
enough = threading.Event()
thread = threading.Thread(target=emit_always)
thread.start()
print({{ended_child() for _ in range({forks})}})
enough.set()
thread.join()
"""
    with HostProcess(code, {**opted_in_variables(receiver, protocol), **NO_THREADS_IN_CHILDREN}) as host:
        assert host.wait() == (0, "{3}\n", "")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_multiprocessing(protocol: str, receiver: OTLPReceiver, tmp_path: Path) -> None:
    """Worker processes can send with every start method: spawn, fork and forkserver."""
    program = tmp_path / "host.py"
    program.write_text("""import multiprocessing, otel_tbot
from concurrent.futures import ProcessPoolExecutor
if __name__ == "__main__":
    for number, method in enumerate(["fork", "spawn", "forkserver"]):
        with ProcessPoolExecutor(1, multiprocessing.get_context(method)) as pool:
            event = otel_tbot.StartEvent(run_mode="daemon", version=f"{number}.0")
            print(method, pool.submit(otel_tbot.send, event).result().status)
""")
    with HostProcess("", opted_in_variables(receiver, protocol), program=(str(program),)) as host:
        assert host.wait() == (0, "fork sent\nspawn sent\nforkserver sent\n", "")
    assert [record.attributes["tbot.version"] for record in receiver.log_records] == ["0.0", "1.0", "2.0"]


def test_asyncio() -> None:
    """A running event loop continues while threads send; in this test the loop itself is the backend."""
    code = """
import asyncio
async def answer(reader, writer):
    head = await reader.readuntil(b"\\r\\n\\r\\n")
    lengths = [line.split(b":")[1] for line in head.splitlines() if line.lower().startswith(b"content-length")]
    await reader.readexactly(int(lengths[0]))
    writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Type: application/x-protobuf\\r\\nContent-Length: 0\\r\\n\\r\\n")
    await writer.drain()
    writer.close()
    await writer.wait_closed()
async def main():
    loop, before, troubles = asyncio.get_running_loop(), asyncio.all_tasks(), []
    loop.set_exception_handler(lambda _, trouble: troubles.append(trouble))
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://127.0.0.1:{port}"
    outcomes = await asyncio.gather(*(asyncio.to_thread(otel_tbot.send, event()) for _ in range(4)))
    server.close()
    await server.wait_closed()
    same = asyncio.get_running_loop() is loop and asyncio.all_tasks() == before
    print([outcome.status for outcome in outcomes], same, troubles)
asyncio.run(main())
"""
    with HostProcess(code, {"TELEPORT_ANONYMOUS_TELEMETRY": "1", "OTEL_EXPORTER_OTLP_TIMEOUT": "20"}) as host:
        assert host.wait() == (0, f"{['sent'] * 4} True []\n", "")


def test_subinterpreter() -> None:
    """A subinterpreter can load the package and ask for consent."""
    module = "_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters"
    code = f"""
import {module} as interpreters
created = interpreters.create()
interpreters.run_string(created, "import otel_tbot; print(otel_tbot.consent().reason, flush=True)")
interpreters.destroy(created)
"""
    with HostProcess(code, {"TELEPORT_ANONYMOUS_TELEMETRY": "1"}) as host:
        assert host.wait() == (0, "TELEPORT_ANONYMOUS_TELEMETRY is 1\n", "")
