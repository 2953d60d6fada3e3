"""Which version a configuration has, and so who reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from otel_tbot.errors import TbotConfigError
from otel_tbot.tbot.complaint import complaint
from otel_tbot.tbot.configuration import Configuration
from otel_tbot.tbot.document import read_document
from otel_tbot.tbot.scalars import is_null
from otel_tbot.tbot.section import Section
from otel_tbot.tbot.v1 import read_v1
from otel_tbot.tbot.v2 import read_v2

if TYPE_CHECKING:
    from otel_tbot.tbot.configuration_text import ConfigurationText

# A configuration without a version is older than versions.
_READERS = {"": read_v1, "v1": read_v1, "v2": read_v2}


def read_configuration(configuration: ConfigurationText) -> Configuration:
    """Read a configuration of any version.

    Raises:
        TbotConfigError: tbot would refuse it, and so the event is undefined.
    """
    document = read_document(configuration.text, configuration.source)
    root = document.root
    line = root.start_mark.line + 1
    if is_null(root):
        return Configuration()
    if not isinstance(root, yaml.MappingNode):
        what, remedy = "the configuration is no mapping", "write keys and values, or {} for an empty one"
        raise TbotConfigError(complaint(what, remedy, source=document.source, line=line))
    section = Section(root, document, line)
    reader = _READERS.get(section.text("version"))
    if reader is None:
        raise section.refusal(key="version", what="this version is unknown", remedy="write v2")
    return reader(section)
