"""The program: `otel-tbot`, and `python -m otel_tbot`."""

import os
import sys


def main(*arguments: str) -> None:
    """Run the command line, and exit with its status.

    Args:
        arguments: the command and its options; by default those of this process.
    """
    words = list(arguments) or sys.argv[1:]
    if getattr(sys, "frozen", False):
        from otel_tbot.frozen_program import RUN_MODULE, restore_environment, run_module  # noqa: PLC0415  in no other program

        restore_environment()
        if words[:1] == [RUN_MODULE]:
            run_module(words[1:])
    if words[:1] == ["run"]:
        from otel_tbot.launcher.run import run  # noqa: PLC0415  runs before tbot, and loads nothing else

        status = run(words[1:])
        if status is not None:
            # With PYTHONINSPECT in tbot's environment, Python would answer `sys.exit` with a traceback and status 1.
            os._exit(status)
    from otel_tbot.cli.commands import run_command_line  # noqa: PLC0415  a `run` must not load it
    from otel_tbot.cli.console import exit_now  # noqa: PLC0415  not for `run`

    exit_now(run_command_line(words))


if __name__ == "__main__":
    main()
