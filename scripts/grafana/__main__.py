"""Writes the generated files of `examples/grafana/`: `make generate`. Tests compare them with its output."""

from __future__ import annotations

from scripts.grafana.files import files

for path, text in files().items():
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
