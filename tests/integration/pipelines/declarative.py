"""The declarative file, and whether the package that reads it is installed."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

AVAILABLE = importlib.util.find_spec("opentelemetry.configuration") is not None
REQUIRED = pytest.mark.skipif(not AVAILABLE, reason="opentelemetry-configuration does not exist for this OpenTelemetry")

_FILE = """\
file_format: "1.0"
tracer_provider:
  processors:
    - batch:
        exporter:
          tbot:
{traces}
logger_provider:
  processors:
    - batch:
        exporter:
          tbot:
{logs}
"""
_DEPTH = 12  # columns of the exporter's own keywords


def configuration(folder: Path, *, logs: str, traces: str) -> dict[str, str]:
    """Write a file in which both pipelines end in the exporter named tbot, and return the variable that names it.

    Args:
        folder: where to write it.
        logs: the keywords of the exporter of log records, as lines of YAML.
        traces: the keywords of the exporter of spans.
    """
    text = _FILE.format(logs=_indented(logs), traces=_indented(traces))
    return named(folder, text)


def named(folder: Path, text: str) -> dict[str, str]:
    """Write a file, and return the variable that names it."""
    file = folder / "otel.yaml"
    file.write_text(text)
    return {"OTEL_CONFIG_FILE": str(file)}


def _indented(keywords: str) -> str:
    return "\n".join(" " * _DEPTH + line for line in keywords.splitlines())
