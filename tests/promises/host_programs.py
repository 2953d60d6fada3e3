"""Programs that use the package at an awkward moment, as code that follows the lines of `host_process.HEAD`."""

from __future__ import annotations

import signal

from tests.support.host_process import PIPELINES

SEND = "otel_tbot.send(event())"
# Programs that wait for a backend that does not answer.
WAITING_PROGRAMS = {
    "send over HTTP": ("http/protobuf", SEND),
    "send over gRPC": ("grpc", SEND),
    "flush of a pipeline": (
        "http/protobuf",
        f"""{PIPELINES}
loggers.add_log_record_processor(BatchLogRecordProcessor(otel_tbot.AnonymousLogExporter()))
otel_tbot.emit(event(), logger_provider=loggers)
loggers.force_flush()
""",
    ),
    "pipeline at the end of the interpreter": (
        "http/protobuf",
        f"""{PIPELINES}
loggers.add_log_record_processor(BatchLogRecordProcessor(otel_tbot.AnonymousLogExporter()))
otel_tbot.emit(event(), logger_provider=loggers)
""",
    ),
}

# How a program ends after the event has arrived: the code, the exit status and the output.
ENDINGS_AFTER_SENDING = {
    "sys.exit": ("sys.exit(7)", 7, ""),
    "os._exit": ("os._exit(7)", 7, ""),
    "execution of another program": ("os.execv('/bin/sh', ['sh', '-c', 'echo another; exit 7'])", 7, "another\n"),
    "death by a signal": ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL, ""),
}
# The same while a thread waits for the answer. The new program prints its descriptors: only inherited ones are allowed.
OPEN = "import os; print(sorted(os.listdir('/proc/self/fd')))"
ENDINGS_WHILE_SENDING = {
    "os._exit": ("os._exit(7)", 7, ""),
    "execution of another program": (
        f"os.execv(sys.executable, [sys.executable, '-c', {OPEN!r}])", 0, "['0', '1', '2', '3']\n"
    ),
    "death by a signal from outside": ("sys.stdin.readline()", -signal.SIGKILL, ""),
}  # fmt: skip
FORK = """
import warnings; warnings.simplefilter("ignore", DeprecationWarning)  # about any fork in a process with threads
def forked(version):
    pid = os.fork()
    if pid == 0:
        outcome = otel_tbot.send(event(version))
        if outcome.status != "sent":
            print("the child:", outcome.reason, flush=True)
        os._exit(0)
    if os.waitpid(pid, 0)[1]:
        print("the child ended badly")
"""
# A pipeline that sends each event by itself, and a function that forks a child that exits normally.
BUSY_PIPELINE = f"""{PIPELINES}
import warnings; warnings.simplefilter("ignore", DeprecationWarning)  # about any fork, again
loggers.add_log_record_processor(SimpleLogRecordProcessor(otel_tbot.AnonymousLogExporter()))
def emit():
    otel_tbot.emit(event(), logger_provider=loggers)
def ended_child():
    if os.fork() == 0:
        sys.exit(3)
    return os.waitstatus_to_exitcode(os.wait()[1])
"""
# Programs, and the versions of the events that must each arrive once.
PROGRAMS = {
    "fork before sending": (f"{FORK}\nforked('1.0'); otel_tbot.send(event('2.0'))", ["1.0", "2.0"]),
    "fork before a pipeline's first event": (
        f"""{PIPELINES}
loggers.add_log_record_processor(SimpleLogRecordProcessor(otel_tbot.AnonymousLogExporter()))
pid = os.fork()
otel_tbot.emit(event("2.0" if pid else "1.0"), logger_provider=loggers)
if pid == 0:
    os._exit(0)
os.waitpid(pid, 0)
""",
        ["1.0", "2.0"],
    ),
    "threads": (
        """
threads = [threading.Thread(target=otel_tbot.send, args=(event(f"{number}.0"),)) for number in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
""",
        [f"{number}.0" for number in range(8)],
    ),
    # The import of OpenTelemetry would fail so late, so the first `send` loads it.
    "thread that outlives the main one": (
        f"{SEND}; threading.Thread(target=lambda: otel_tbot.send(event('2.0'))).start()",
        ["1.0", "2.0"],
    ),
    "at the end of the interpreter": (
        f"import atexit; {SEND}; atexit.register(lambda: otel_tbot.send(event('2.0')))",
        ["1.0", "2.0"],
    ),
}
# The output of a forked child, by the protocol that its parent has used.
CHILD_OUTPUT = {
    "http/protobuf": "",
    "grpc": "the child: the protocol grpc cannot be used in a process forked after its parent used it: "
    "use http/protobuf\n",
}
