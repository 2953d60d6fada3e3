"""The program: `otel-tbot`, and `python -m otel_tbot`."""

import sys


def main() -> None:
    """Run the command line, and end the process with its exit status."""
    words = sys.argv[1:]
    status = None
    if words[:1] == ["run"]:
        from otel_tbot.launcher.run import run  # noqa: PLC0415  stands before tbot, and loads nothing else

        status = run(words[1:])
    if status is None:
        from otel_tbot.cli.commands import run_command_line  # noqa: PLC0415  a `run` must not load it

        status = run_command_line(words)
    sys.exit(status)


if __name__ == "__main__":
    main()
