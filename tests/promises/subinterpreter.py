"""Send an event from a subinterpreter of this process, and print the outcome."""

from __future__ import annotations

import sys
from importlib import import_module

_CODE = """
from otel_tbot import StartEvent, emit, send
emit(StartEvent(run_mode="daemon"))
outcome = send(StartEvent(run_mode="daemon"), timeout=20)
print(outcome.status, outcome.reason)
"""


def main() -> None:
    """Run the code in an interpreter that shares the GIL and loads any extension module.

    There is no public module for that before Python 3.14.
    """
    if sys.version_info >= (3, 13):
        interpreters = import_module("_interpreters")
        created = interpreters.create("legacy")
        failed = interpreters.exec(created, _CODE)
        if failed is not None:
            sys.exit(str(failed))
    else:
        interpreters = import_module("_xxsubinterpreters")
        created = interpreters.create(isolated=False)
        interpreters.run_string(created, _CODE)
    interpreters.destroy(created)


if __name__ == "__main__":
    main()
