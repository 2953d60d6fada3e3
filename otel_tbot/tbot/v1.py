"""Reading a configuration of version 1: `destinations`, whose kind shows in the keys of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from otel_tbot.tbot.configuration import Configuration
from otel_tbot.tbot.counting import APPLICATION, DATABASE, KUBERNETES, OTHER

if TYPE_CHECKING:
    from otel_tbot.tbot.section import Section


def read_v1(root: Section) -> Configuration:
    """Read the configuration. Unknown keys are ignored, and so are those that only version 2 has.

    Raises:
        TbotConfigError: a key that the event needs has a value that tbot refuses, or there are `outputs`.
    """
    outputs = root.node("outputs")
    if outputs is not None and outputs.value:
        what = "a configuration without version: v2 has no outputs"
        raise root.refusal(key="outputs", what=what, remedy="add the line version: v2")
    return Configuration(
        oneshot=root.boolean("oneshot"),
        join_method=root.section("onboarding").text("join_method"),
        services=tuple(_category(entry) for entry in root.entries("destinations")),
    )


def _category(entry: Section) -> str:
    entry.section("database")  # refuses what is no mapping
    kinds = {
        "app": (APPLICATION, _has_name(entry, "app")),
        "database": (DATABASE, entry.node("database") is not None),
        "kubernetes_cluster": (KUBERNETES, _has_name(entry, "kubernetes_cluster")),
        "configs": (OTHER, "ssh_host_cert" in entry.options("configs")),
    }
    found = [(key, category) for key, (category, is_there) in kinds.items() if is_there]
    if len(found) > 1:
        what = f"this destination has {found[0][0]} too, and can be of one kind only"
        raise entry.refusal(key=found[1][0], what=what, remedy="make two of it")
    return found[0][1] if found else OTHER


def _has_name(entry: Section, key: str) -> bool:
    """Tell whether a name is given: tbot takes any scalar for one here."""
    node = entry.node(key)
    if node is not None and not isinstance(node, yaml.ScalarNode):
        raise entry.refusal(key=key, what="this is no text", remedy="write a name")
    return node is not None and bool(node.value)
