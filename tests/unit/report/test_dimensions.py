"""Versions sort as versions, and values are split into their parts."""

from __future__ import annotations

import random
from typing import Any

import pytest

from otel_tbot.cli import commands
from otel_tbot.report.dimensions import DIMENSIONS, SQL, helper_of, os_and_arch, release_of, version_key
from otel_tbot.report.figures import NOT_SET


def test_order_of_versions() -> None:
    """Versions are in the order of semantic versioning; anything else comes first."""
    ordered = [NOT_SET, "9.0.0", "18.2.0-dev", "18.2.0-rc.2", "18.2.0-rc.10", "18.2.0", "18.2.10", "18.10.0"]
    shuffled = random.sample(ordered, len(ordered))
    assert sorted(shuffled, key=version_key) == ordered


@pytest.mark.parametrize(
    ("version", "release"), [("18.2.3", "18.2"), ("18.2.0-rc.1", "18.2"), ("18", "18"), (NOT_SET, NOT_SET)]
)
def test_release(version: str, release: str) -> None:
    """A release is the major and minor number, pre-releases included."""
    assert release_of(version) == release


@pytest.mark.parametrize(
    ("platform", "parts"),
    [
        ("linux amd64", ("linux", "amd64")),
        (f"{NOT_SET} amd64", (NOT_SET, "amd64")),
        (f"linux {NOT_SET}", ("linux", NOT_SET)),
        (f"{NOT_SET} {NOT_SET}", (NOT_SET, NOT_SET)),
    ],
)
def test_platform(platform: str, parts: tuple[str, str]) -> None:
    """A platform has two parts, either of which may be missing."""
    assert os_and_arch(platform) == parts


@pytest.mark.parametrize(
    ("value", "helper"), [("gha:a/b 1.0", "gha:a/b"), (f"gha:a {NOT_SET}", "gha:a"), (NOT_SET, NOT_SET)]
)
def test_helper(value: str, helper: str) -> None:
    """The helper is the part before its version."""
    assert helper_of(value) == helper


def test_options() -> None:
    """The command offers every dimension, and each has an SQL expression."""
    (option,) = (one for one in commands.report.params if one.name == "by")
    info: Any = option.type.to_info_dict()
    assert tuple(info["choices"]) == DIMENSIONS
    assert tuple(SQL) == DIMENSIONS
