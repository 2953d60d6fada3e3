"""The dimensions that starts are counted by."""

from __future__ import annotations

import re

from otel_tbot.report.figures import NOT_SET

KINDS = ("other", "database", "kubernetes", "application")  # of destinations
NO_DESTINATIONS = "none"

DIMENSIONS = (
    "release",
    "version",
    "join_type",
    "run_mode",
    "helper",
    "helper_version",
    "destinations",
    "os",
    "arch",
    "platform",
)

_NUMBERS = re.compile(r"(\d+(?:\.\d+)*)(?:-(\w+)(?:\.(\d+))?)?")
_VERSIONS = {"release", "version"}

_SET = f"coalesce({{}}, '{NOT_SET}')"
_COMBINATION = "substr({}, 4)".format(
    " || ".join(f"CASE WHEN destinations_{kind} > 0 THEN ' + {kind}' ELSE '' END" for kind in KINDS)
)
RELEASE_SQL = "regexp_extract(version, '^([0-9]+([.][0-9]+)?)', 1)"

# The SQL expression of each dimension, over the columns of a start. The names of helpers, operating systems and
# architectures do not contain spaces.
SQL = {
    "release": _SET.format(RELEASE_SQL),
    "version": _SET.format("version"),
    "join_type": _SET.format("join_type"),
    "run_mode": "run_mode",
    "helper": _SET.format("helper"),
    "helper_version": _SET.format(f"helper || ' ' || coalesce(helper_version, '{NOT_SET}')"),
    "destinations": f"coalesce(nullif({_COMBINATION}, ''), '{NO_DESTINATIONS}')",
    "os": _SET.format("os"),
    "arch": _SET.format("arch"),
    "platform": f"coalesce(os, '{NOT_SET}') || ' ' || coalesce(arch, '{NOT_SET}')",
}


def release_of(version: str) -> str:
    """Return `MAJOR.MINOR` of a version, or as much of it as there is; `NOT_SET` stays."""
    return ".".join(version.partition("-")[0].split(".")[:2])


def helper_of(helper_version: str) -> str:
    """Return the helper of a value of `helper_version`."""
    return helper_version if helper_version == NOT_SET else helper_version.partition(" ")[0]


def os_and_arch(platform: str) -> tuple[str, str]:
    """Return the two parts of a value of `platform`."""
    if platform.startswith(NOT_SET):
        return NOT_SET, platform.removeprefix(f"{NOT_SET} ")
    system, _, architecture = platform.partition(" ")
    return system, architecture


def version_key(version: str) -> tuple[tuple[int, ...], bool, str, int]:
    """Return a key that sorts versions as semantic versioning does; anything else comes first."""
    found = _NUMBERS.match(version)
    if not found:
        return (), False, version, 0
    numbers, label, number = found.groups()
    return tuple(map(int, numbers.split("."))), label is None, label or "", int(number or 0)


def is_version(dimension: str) -> bool:
    """Return whether the values of a dimension are versions, which are shown from new to old."""
    return dimension in _VERSIONS
