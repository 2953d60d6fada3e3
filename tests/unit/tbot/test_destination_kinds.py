"""Outputs and services are counted together, by the category of their type."""

from __future__ import annotations

import pytest

from otel_tbot.tbot.destination_kinds import TYPES_BY_KIND, destination_kind
from tests.unit.tbot.read_helpers import counts, start

# The types of each category, independent of the code's own table.
TABLE = {
    "application": "application application-tunnel application-proxy",
    "database": "database database-tunnel",
    "kubernetes": "kubernetes kubernetes/v2 kubernetes/argo-cd",
    "other": (
        "identity identity/key-agent identity/piv-agent login-agent ssh_host ssh-multiplexer spiffe-svid"
        " spiffe-workload-api workload-identity-x509 workload-identity-jwt workload-identity-api"
        " workload-identity-aws-roles-anywhere beams/vnet bot-api identity-api delegation-api example"
    ),
}
ROWS = [(type_, expected) for expected, types in TABLE.items() for type_ in types.split()]


@pytest.mark.parametrize(("type_", "expected"), ROWS)
@pytest.mark.parametrize("key", ["outputs", "services"])
def test_known_type(key: str, type_: str, expected: str) -> None:
    """Each known type counts in its category, as an output and as a service."""
    event = start(configuration=f"version: v2\n{key}:\n- type: {type_}\n")

    assert counts(event) == {expected: 1}


def test_table_is_complete() -> None:
    """The table in the code has exactly these types."""
    assert {name: " ".join(types) for name, types in TYPES_BY_KIND.items()} == TABLE


@pytest.mark.parametrize(
    "type_", ["Database", "database ", "databases", "kubernetes/v3", "app", "tunnel", "é", "null "]
)
def test_unknown_type(type_: str) -> None:
    """An unknown type, or a known one in other letters, is other: the match is exact."""
    assert destination_kind(type_) == "other"


def test_together() -> None:
    """Outputs and services are added up, and the same type counts twice."""
    event = start(
        configuration="version: v2\noutputs: [{type: database}, {type: database}]\nservices: [{type: database}]\n"
    )

    assert counts(event) == {"database": 3}
