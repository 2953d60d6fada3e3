"""The files of `examples/grafana/` that are generated."""

from __future__ import annotations

from pathlib import Path

from scripts.grafana.alerts import rules
from scripts.grafana.dashboards import boards
from scripts.grafana.questions import BACKENDS

FOLDER = Path(__file__).parents[2] / "examples" / "grafana"


def files() -> dict[Path, str]:
    """Return each file that is generated, and its text."""
    made: dict[Path, str] = {}
    for backend in BACKENDS:
        folder = FOLDER / backend
        made |= {folder / "dashboards" / name: text for name, text in boards(backend).items()}
        made[folder / "alerting" / "tbot.yaml"] = rules(backend)
    return made
