"""The number of inputs: those of the suite, or with `FUZZ=NUMBER` that many random ones per property."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

if number := os.environ.get("FUZZ"):
    # Failures are kept in .hypothesis/, and tried first in the next run.
    settings.register_profile(
        "fuzz",
        settings.get_profile("default"),
        max_examples=int(number),
        derandomize=False,
        deadline=None,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.load_profile("fuzz")
