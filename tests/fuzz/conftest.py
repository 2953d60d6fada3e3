"""The number of inputs: one hundred per property, the same in every run; with `FUZZ=NUMBER` that many random ones."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_IN_THE_SUITE = 100  # examples per property; together they take half a minute

settings.register_profile(
    "suite", max_examples=_IN_THE_SUITE, derandomize=True, database=None, deadline=None, print_blob=True
)
# Failures are kept in .hypothesis/, and tried first in the next run.
settings.register_profile(
    "fuzz",
    max_examples=int(os.environ.get("FUZZ") or _IN_THE_SUITE),
    derandomize=False,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("fuzz" if os.environ.get("FUZZ") else "suite")
