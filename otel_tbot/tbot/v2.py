"""Reading a configuration of version 2: `outputs` and `services`, each entry with a `type`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from otel_tbot.tbot.configuration import Configuration
from otel_tbot.tbot.counting import category

if TYPE_CHECKING:
    from otel_tbot.tbot.section import Section


def read_v2(root: Section) -> Configuration:
    """Read the configuration. Unknown keys are left alone, as newer releases of tbot leave them.

    Raises:
        TbotConfigError: a key that the event needs has a value that tbot refuses.
    """
    return Configuration(
        oneshot=root.boolean("oneshot"),
        join_method=root.section("onboarding").text("join_method"),
        join_uri=root.join_uri("join_uri"),
        outputs=_categories(root, "outputs"),
        services=_categories(root, "services"),
    )


def _categories(root: Section, key: str) -> tuple[str, ...]:
    node = root.node(key)
    # tbot takes a scalar and an empty mapping for no list at all.
    if isinstance(node, yaml.ScalarNode) or (isinstance(node, yaml.MappingNode) and not node.value):
        return ()
    return tuple([category(_type(entry)) for entry in root.entries(key)])


def _type(entry: Section) -> str:
    type_ = entry.text("type")
    if not type_:
        raise entry.refusal(key="type", what="this entry has no type", remedy="give it one, such as identity")
    return type_
