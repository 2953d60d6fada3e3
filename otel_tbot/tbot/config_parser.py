"""Reads tbot's configuration of either version, as far as the start event needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from otel_tbot.errors import TbotConfigError
from otel_tbot.tbot.config import Config
from otel_tbot.tbot.destination_kinds import APPLICATION, DATABASE, KUBERNETES, OTHER, REMOVED_IN_19, destination_kind
from otel_tbot.tbot.join_uri import JoinUri
from otel_tbot.tbot.yaml_reader.document import read_document
from otel_tbot.tbot.yaml_reader.mapping_reader import MappingReader
from otel_tbot.tbot.yaml_reader.scalars import is_null

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otel_tbot.tbot.config import ConfigText


_OLD_VERSION = "tbot 19 and newer read only configurations of version 2"
_NEEDS_V2 = "run `tbot migrate`, or write it for version: v2"

# Only these keys of a document are kept: the value of any other key is neither sent nor kept in memory.
READ_KEYS = frozenset(
    {
        "app",
        "configs",
        "database",
        "destinations",
        "join_method",
        "join_uri",
        "kubernetes_cluster",
        "onboarding",
        "oneshot",
        "outputs",
        "services",
        "ssh_host_cert",
        "type",
        "version",
    }
)

# Keys that an error may name; any other key may be a secret.
PRINTABLE_KEYS = READ_KEYS | {
    "auth_server",
    "ca_path",
    "ca_pins",
    "certificate_ttl",
    "cluster",
    "credential_ttl",
    "debug",
    "destination",
    "diag_addr",
    "directory",
    "fips",
    "insecure",
    "listen",
    "memory",
    "name",
    "path",
    "proxy_server",
    "renewal_interval",
    "roles",
    "storage",
    "token",
}


def read_v1(root: MappingReader) -> Config:
    """Read the configuration. Unknown keys and those of version 2 are ignored.

    Raises:
        TbotConfigError: a key that the event needs has a value that tbot rejects, or there are `outputs`.
    """
    outputs = root.node("outputs")
    if outputs is not None and outputs.value:
        raise root.error_at("outputs", "outputs needs version: v2", "add the line version: v2")
    return Config(
        oneshot=root.boolean("oneshot"),
        join_method=root.mapping("onboarding").text("join_method"),
        services=tuple(_kind_of_v1(entry) for entry in root.entries("destinations")),
        rejected_by_19=root.error_at("version", _OLD_VERSION, _NEEDS_V2),
    )


def _kind_of_v1(entry: MappingReader) -> str:
    entry.mapping("database")  # must be a mapping
    kinds = {
        "app": (APPLICATION, _has_name(entry, "app")),
        "database": (DATABASE, entry.node("database") is not None),
        "kubernetes_cluster": (KUBERNETES, _has_name(entry, "kubernetes_cluster")),
        "configs": (OTHER, "ssh_host_cert" in entry.options("configs")),
    }
    found = [(key, kind) for key, (kind, is_set) in kinds.items() if is_set]
    if len(found) > 1:
        what = f"this destination also has {found[0][0]}, but can have only one kind"
        raise entry.error_at(found[1][0], what, "make two destinations")
    return found[0][1] if found else OTHER


def _has_name(entry: MappingReader, key: str) -> bool:
    """Return whether there is a name: tbot accepts any scalar here."""
    node = entry.node(key)
    if node is not None and not isinstance(node, yaml.ScalarNode):
        raise entry.error_at(key, "not a string", "write a name")
    return node is not None and bool(node.value)


def read_v2(root: MappingReader) -> Config:
    """Read the configuration. Unknown keys are ignored, as newer releases of tbot ignore them.

    Raises:
        TbotConfigError: a key that the event needs has a value that tbot rejects.
    """
    outputs, services = _typed_entries(root, "outputs"), _typed_entries(root, "services")
    return Config(
        oneshot=root.boolean("oneshot"),
        join_method=root.mapping("onboarding").text("join_method"),
        join_uri=_join_uri(root),
        outputs=tuple([destination_kind(type_) for _, type_ in outputs]),
        services=tuple([destination_kind(type_) for _, type_ in services]),
        rejected_by_19=_removed_type([*outputs, *services]),
    )


def _join_uri(root: MappingReader) -> JoinUri | None:
    text = root.text("join_uri")
    return JoinUri(text=text, source=root.source, line=root.line_of("join_uri"), key="join_uri") if text else None


def _typed_entries(root: MappingReader, key: str) -> list[tuple[MappingReader, str]]:
    """Return the entries of a list, each with its type."""
    node = root.node(key)
    # tbot reads a scalar and an empty mapping as an empty list.
    if isinstance(node, yaml.ScalarNode) or (isinstance(node, yaml.MappingNode) and not node.value):
        return []
    return [(entry, _type(entry)) for entry in root.entries(key)]


def _type(entry: MappingReader) -> str:
    type_ = entry.text("type")
    if not type_:
        raise entry.error_at("type", "this entry has no type", "give it one, such as identity")
    return type_


def _removed_type(entries: Sequence[tuple[MappingReader, str]]) -> TbotConfigError | None:
    """Return the error of the first entry whose type tbot 19 no longer has."""
    for entry, type_ in entries:
        if type_ in REMOVED_IN_19:
            return entry.error_at("type", "tbot 19 and newer have no service of this type", "leave it out")
    return None


# A configuration without a version has version 1.
_READERS = {"": read_v1, "v1": read_v1, "v2": read_v2}


def parse_config(configuration: ConfigText) -> Config:
    """Read a configuration of any version.

    Raises:
        TbotConfigError: tbot would reject it, and so the event is undefined.
    """
    document = read_document(configuration.text, configuration.source, READ_KEYS, PRINTABLE_KEYS)
    root = document.root
    line = root.start_mark.line + 1
    if is_null(root):
        return Config(rejected_by_19=TbotConfigError(_OLD_VERSION, _NEEDS_V2, source=document.source))
    if not isinstance(root, yaml.MappingNode):
        what, remedy = "the configuration is not a mapping", "write keys and values, or {} for an empty one"
        raise TbotConfigError(what, remedy, source=document.source, line=line)
    reader = MappingReader(root, document, line)
    read = _READERS.get(reader.text("version"))
    if read is None:
        raise reader.error_at("version", "this version is unknown", "write v2")
    return read(reader)
