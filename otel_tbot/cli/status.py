"""`otel-tbot status`: whether events are sent, what decided it, and where they would go. Sends nothing."""

from __future__ import annotations

import json
import os

from otel_tbot.cli.console import BAD_INPUT, FAILED, OK, write_line
from otel_tbot.cli.formatting import mask_endpoint
from otel_tbot.errors import SettingsError
from otel_tbot.opt_in import consent
from otel_tbot.otlp.settings import read_files, resolve_settings, resolve_signal
from otel_tbot.version import __version__


def main(*, form: str, check: bool) -> int:
    """Show the state, and return the exit status."""
    decision = consent()
    exit_status = FAILED if check and not decision else OK
    try:
        settings = resolve_settings(resolve_signal(os.environ), os.environ)
        if decision:
            read_files(settings)
    except SettingsError as error:
        write_line(str(error))
        return exit_status if check else BAD_INPUT
    for note in settings.notes:
        write_line(note)
    where = {
        "signal": settings.signal,
        "protocol": settings.protocol,
        "endpoint": mask_endpoint(settings.endpoint),
        "timeout": f"{settings.timeout:g} s",
        "version": __version__,
    }
    if form == "json":
        state = {"on": decision.on, "variable": decision.variable, "reason": decision.reason}
        print(json.dumps({"consent": state, **where}, indent=2))
    else:
        print(f"consent   {'on' if decision else 'off'}: {decision.reason}")
        for name, value in where.items():
            print(f"{name:<9} {value}")
    return exit_status
