"""How destinations are counted: by the Teleport service that they belong to, as documented for the counters.

tbot itself, from 16.1 on, counts only `application`, `database` and `kubernetes` as such and all later types as other;
its exact match predates those types. An unknown type is counted as other: new releases of tbot bring new ones.
"""

from __future__ import annotations

APPLICATION = "application"
DATABASE = "database"
KUBERNETES = "kubernetes"
OTHER = "other"

TYPES_BY_KIND = {
    APPLICATION: ("application", "application-tunnel", "application-proxy"),
    DATABASE: ("database", "database-tunnel"),
    KUBERNETES: ("kubernetes", "kubernetes/v2", "kubernetes/argo-cd"),
    OTHER: (
        "identity",
        "identity/key-agent",
        "identity/piv-agent",
        "login-agent",
        "ssh_host",
        "ssh-multiplexer",
        "spiffe-svid",
        "spiffe-workload-api",
        "workload-identity-x509",
        "workload-identity-jwt",
        "workload-identity-api",
        "workload-identity-aws-roles-anywhere",
        "beams/vnet",
        "bot-api",
        "identity-api",
        "delegation-api",
        "example",
    ),
}

REMOVED_IN_19 = ("spiffe-svid", "bot-api")  # types that tbot 19 and newer reject

_KIND_OF = {type_: destination_kind for destination_kind, types in TYPES_BY_KIND.items() for type_ in types}


def destination_kind(type_: str) -> str:
    """Return the category of a service or output: one of the keys of `TYPES_BY_KIND`. The match is exact."""
    return _KIND_OF.get(type_, OTHER)
