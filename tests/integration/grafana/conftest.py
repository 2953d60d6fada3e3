"""The boards and alert rules for Grafana; no Grafana runs."""

from __future__ import annotations

from importlib.util import find_spec

# The SDK that builds them is for Python 3.11 and newer, and not part of the lowest requirements.
collect_ignore_glob = [] if find_spec("grafana_foundation_sdk") else ["test_*.py"]
