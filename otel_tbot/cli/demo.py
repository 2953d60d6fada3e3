"""`otel-tbot demo`: sends an example event to an embedded backend and shows what arrived.

A separate process runs `emit` on the example with only the variables that it needs: the opt-in applies to the example
alone, and the event goes only to this machine's loopback address.
"""

from __future__ import annotations

import base64
import os
import shlex
import subprocess
import sys

from otel_tbot.cli.console import FAILED, OK, PROGRAM, write_line
from otel_tbot.cli.formatting import format_table
from otel_tbot.isolated_python import isolate_environment, python_command

_CONFIGURATION = """\
version: v2
onboarding:
  join_method: github
services:
  - type: identity
  - type: application
  - type: kubernetes/v2
"""
_COMMAND = ("emit", "--tbot-version", "18.2.3", "tbot", "start", "--oneshot")
_KEPT_VARIABLES = ("PATH", "SYSTEMROOT", "PROCESSOR_ARCHITECTURE")  # to start programs, and the host.arch of Windows
_TIMEOUT = 30  # seconds for the example's process; its own timeout is 10


def main() -> int:
    """Send the example, show what arrived, and return the exit status."""
    isolate_environment()
    from otel_tbot.testing import OTLPReceiver  # noqa: PLC0415  loads OpenTelemetry

    with OTLPReceiver() as receiver:
        variables = {
            "TELEPORT_ANONYMOUS_TELEMETRY": "1",
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.http_endpoint,
            "TBOT_CONFIG": base64.b64encode(_CONFIGURATION.encode()).decode(),
        }
        print("A backend listens on this machine. tbot's configuration, which TBOT_CONFIG holds in Base64:\n")
        print(_CONFIGURATION)
        print("The command, which gets only these variables and those of the system:\n")
        print(
            "".join(f"{name}={value} \\\n" for name, value in variables.items())
            + f"{shlex.join([PROGRAM, *_COMMAND])}\n"
        )
        sys.stdout.flush()  # before the example prints
        status = _run(variables)
        if status != OK:
            return FAILED
        (record,) = receiver.log_records
        print("What arrived:\n")
        print("\n".join(format_table(f"Log record {record.log_record.event_name}", record.attributes)))
        print("\n".join(format_table("Resource", record.resource_attributes)))
        print("\n".join(format_table("Scope", {"name": record.scope.name, "version": record.scope.version})))
    return OK


def _run(variables: dict[str, str]) -> int:
    environ = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    command = python_command("otel_tbot.__main__", *_COMMAND)
    try:
        return subprocess.run(  # noqa: S603  our own program
            command, env={**environ, **variables}, stdin=subprocess.DEVNULL, timeout=_TIMEOUT, check=False
        ).returncode
    except subprocess.TimeoutExpired:
        write_line(f"the example did not end within {_TIMEOUT} s")
        return FAILED
