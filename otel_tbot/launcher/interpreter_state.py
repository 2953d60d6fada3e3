"""Undoes what the interpreter changed in this process at its start, so that tbot inherits what we inherited.

exec undoes the rest: handlers become defaults again, and Python's own descriptors, none of which is inheritable, are
closed.
"""

from __future__ import annotations

import os
import sys

from otel_tbot.launcher.signal_without_enums import signal

# Python ignores these from its start on. Whether they were ignored before is unknown, so tbot gets the default, as with
# `subprocess`. tbot behaves the same: Go's runtime handles both, ignored or not.
_IGNORED_BY_PYTHON = ("SIGPIPE", "SIGXFZ", "SIGXFSZ")

# What Python sets LC_CTYPE to in the environment when it finds the locale C (PEP 538).
_COERCED_LOCALES = frozenset({"C.UTF-8", "C.utf8", "UTF-8"})


def restore_default_sigint() -> None:
    """Exit on Ctrl-C like any program, without Python's traceback."""
    # If SIGINT was ignored when we started, Python has no handler in place, and it stays ignored.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def restore_process_state() -> None:
    """Undo all changes. After that, this process can only exec tbot."""
    for name in _IGNORED_BY_PYTHON:
        if number := getattr(signal, name, None):
            signal.signal(number, signal.SIG_DFL)
    _undo_locale_coercion()


def _undo_locale_coercion() -> None:
    # Changes the environment of the process, not os.environ: tbot gets it unchanged, including what os.environ cannot
    # represent (the order, duplicates and entries without "=").
    now = os.environ.get("LC_CTYPE")
    if now not in _COERCED_LOCALES:
        return
    before = _lc_ctype_at_start(now)
    if before is None:
        os.unsetenv("LC_CTYPE")
    elif before != now:
        os.putenv("LC_CTYPE", before)


def _lc_ctype_at_start(now: str) -> str | None:
    try:
        with open("/proc/self/environ", "rb") as block:  # noqa: PTH123  pathlib is far too much here
            entries = block.read().split(b"\0")
    except OSError:
        return _guess_lc_ctype(now)
    name = b"LC_CTYPE="
    return next((os.fsdecode(entry[len(name) :]) for entry in entries if entry.startswith(name)), None)


def _guess_lc_ctype(now: str) -> str | None:
    """Guess the value where the kernel does not show it: on macOS, or without /proc."""
    # A locale that Python coerces also turns its UTF-8 mode on; one that was already UTF-8 does not.
    coerced = sys.flags.utf8_mode and os.environ.get("LANG", "") in {"", "C", "POSIX"}
    return None if coerced else now
