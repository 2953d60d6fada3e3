"""The tests of reading and counting need the extra `report`."""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("duckdb") and find_spec("rich") else ["test_*.py"]
