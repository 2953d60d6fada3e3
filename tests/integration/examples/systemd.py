"""The systemd examples: their unit files, as Python objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.integration.examples.readme import EXAMPLES

if TYPE_CHECKING:
    from pathlib import Path

DROP_IN = EXAMPLES / "systemd" / "otel-tbot.conf"  # for tbot's unit
UNIT = EXAMPLES / "fleet" / "otel-tbot.service"  # of the receiver; its socket is next to it


def unit_settings(file: Path) -> list[tuple[str, str]]:
    """Return the settings in a unit file, in their order."""
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line and line[0] not in "#["]
    return [(name, value) for name, _, value in (line.partition("=") for line in lines)]
