"""A snapshot of the state that libraries share in a process, which any of them could change for all others."""

from __future__ import annotations

import asyncio
import atexit
import builtins
import contextvars
import copyreg
import faulthandler
import gc
import http.client
import locale
import logging
import mimetypes
import multiprocessing
import os
import resource
import signal
import socket
import ssl
import sys
import threading
import time
import urllib.request
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opentelemetry import _logs, baggage, context, metrics, propagate, trace

if TYPE_CHECKING:
    from collections.abc import Iterable

_SETTLED_WITHIN = 10  # seconds; threads and connections end within milliseconds, on a busy machine later
# Filters that do not affect the host: ours suppresses the exporters' messages in our own threads, and the SDK adds one
# for each processor and exporter.
_EXPECTED_FILTERS = ("otel_tbot.otlp.log_suppression", "opentelemetry.sdk._shared_internal")


def snapshot() -> dict[str, object]:
    """Return the state, except for that of `random`: the SDK draws from it in every export and for every span."""
    return {
        **_interpreter(),
        **_logging(),
        **_signals(),
        **_opentelemetry(),
        **_network(),
        **_processes_and_descriptors(),
    }


def differences(before: dict[str, object]) -> list[str]:
    """Return the names of what has changed, once threads and connections had time to end."""
    ends = time.monotonic() + _SETTLED_WITHIN
    while True:
        after = snapshot()
        different = [name for name in before if not _same(before[name], after[name])]
        if not different or time.monotonic() > ends:
            return different
        time.sleep(0.02)


class _GrowingDict(dict[str, object]):
    """Objects by name that compares equal if objects are added, but not if one is replaced or removed."""


def _same(before: object, after: object) -> bool:
    if isinstance(before, _GrowingDict) and isinstance(after, _GrowingDict):
        return all(name in after and after[name] is one for name, one in before.items())
    return before == after


def _interpreter() -> dict[str, object]:
    return {
        "environment": list(os.environ.items()),
        "modules": _GrowingDict(sys.modules),
        "builtins": dict(vars(builtins)),
        "import path": (list(sys.path), list(sys.meta_path), list(sys.path_hooks)),
        "standard streams": (sys.stdin, sys.stdout, sys.stderr),
        "hooks": (sys.excepthook, sys.unraisablehook, sys.displayhook, sys.breakpointhook, threading.excepthook),
        "tracing": (sys.gettrace(), sys.getprofile(), faulthandler.is_enabled()),
        "limits of Python": (sys.getrecursionlimit(), sys.getswitchinterval(), threading.stack_size()),
        "garbage collector": (gc.isenabled(), gc.get_threshold(), gc.get_debug(), list(gc.callbacks)),
        "warnings": (list(warnings.filters), warnings.showwarning, warnings.formatwarning),
        "functions at exit": getattr(atexit, "_ncallbacks")(),  # noqa: B009  not in the stubs
        "pickling": dict(copyreg.dispatch_table),
        "locale": locale.setlocale(locale.LC_ALL),
        "working directory and umask": (Path.cwd(), _umask()),
        "limits of the system": [resource.getrlimit(number) for number in range(resource.RLIMIT_NOFILE + 1)],
        "start method of processes": multiprocessing.get_start_method(allow_none=True),
        "event loop policy": type(asyncio.get_event_loop_policy()) if sys.version_info < (3, 12) else None,
        "types of files": mimetypes.inited,
    }


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _logging() -> dict[str, object]:
    manager = logging.root.manager
    named = {name: one for name, one in manager.loggerDict.items() if isinstance(one, logging.Logger)}
    return {
        "loggers": _Loggers({"root": _logger(logging.root), **{name: _logger(one) for name, one in named.items()}}),
        "logging as a whole": (
            manager.disable, logging.raiseExceptions, logging.lastResort, logging.getLoggerClass(),
            logging.getLogRecordFactory(), logging.getLevelName(logging.INFO),
        ),
    }  # fmt: skip


def _logger(logger: logging.Logger) -> tuple[object, ...]:
    kept = [one for one in logger.filters if type(one).__module__ not in _EXPECTED_FILTERS]
    handlers = [one for one in logger.handlers if not isinstance(one, logging.NullHandler)]
    return logger.level, handlers, [one.level for one in handlers], kept, logger.disabled, logger.propagate


class _Loggers(dict[str, tuple[object, ...]]):
    """Loggers that compare equal if untouched loggers are added."""

    _FRESH: tuple[object, ...] = (logging.NOTSET, [], [], [], False, True)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Loggers) and all(
            self.get(name, self._FRESH) == other.get(name, self._FRESH) for name in self.keys() | other.keys()
        )

    __hash__ = None


def _signals() -> dict[str, object]:
    wakeup = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(wakeup)
    timers = (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)
    return {
        "signal handlers": {number: signal.getsignal(number) for number in signal.valid_signals()},
        "blocked signals": signal.pthread_sigmask(signal.SIG_BLOCK, ()),
        "wake-up descriptor and timers": (wakeup, [signal.getitimer(one) for one in timers]),
    }


def _opentelemetry() -> dict[str, object]:
    tracers, loggers = trace.get_tracer_provider(), _logs.get_logger_provider()
    return {
        "providers": (tracers, loggers, metrics.get_meter_provider()),
        "propagator": propagate.get_global_textmap(),
        "current context": (context.get_current(), trace.get_current_span(), dict(baggage.get_all())),
        "context variables": dict(contextvars.copy_context().items()),
        "pipelines": [
            _processors(tracers, "_active_span_processor", "_span_processors"),
            _processors(loggers, "_multi_log_record_processor", "_log_record_processors"),
        ],
        "resources": [getattr(one, "resource", None) for one in (tracers, loggers)],
        "sampler": getattr(tracers, "sampler", None),
    }


def _processors(provider: object, several: str, each: str) -> list[Any]:
    return list(getattr(getattr(provider, several, None), each, ()))


def _network() -> dict[str, object]:
    return {
        "default socket timeout": socket.getdefaulttimeout(),
        "functions of sockets": (socket.socket, socket.getaddrinfo, socket.create_connection),
        "default TLS": (getattr(ssl, "_create_default_https_context"), ssl.SSLContext),  # noqa: B009  not in the stubs
        "HTTP": (http.client.HTTPConnection.debuglevel, getattr(urllib.request, "_opener")),  # noqa: B009  not in the stubs
    }


def _processes_and_descriptors() -> dict[str, object]:
    return {"threads": _names(threading.enumerate()), "descriptors": _descriptors(), "children": _children()}


def _names(threads: Iterable[threading.Thread]) -> list[str]:
    return sorted(one.name for one in threads)


def _descriptors() -> list[str]:
    folder = next(path for path in ("/proc/self/fd", "/dev/fd") if os.path.isdir(path))  # noqa: PTH112  no more objects
    return sorted(os.listdir(folder), key=int)  # noqa: PTH208  no more objects


def _children() -> bool:
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return False
    return True
