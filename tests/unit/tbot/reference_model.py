"""A reference implementation: the event for a start, derived from a model, to which property tests compare the code.

A start of tbot is a model here: which subcommand, which flags, which configuration. `writing` writes the model out as a
command line and as YAML; this file turns it into the expected event, and knows nothing of either syntax.
"""

from __future__ import annotations

from dataclasses import dataclass, field

APPLICATION = {"application", "application-tunnel", "application-proxy"}
DATABASE = {"database", "database-tunnel"}
KUBERNETES = {"kubernetes", "kubernetes/v2", "kubernetes/argo-cd"}
METHODS = [
    "azure",
    "azure_devops",
    "bitbucket",
    "bound_keypair",
    "circleci",
    "env0",
    "gcp",
    "generic_oidc",
    "github",
    "gitlab",
    "iam",
    "kubernetes",
    "oracle",
    "spacelift",
    "terraform_cloud",
    "token",
    "tpm",
]
# The names of each subcommand, and the type of service that it adds.
SUBCOMMANDS = {
    "legacy": "",
    **dict.fromkeys(("identity", "ssh", "id"), "identity"),
    **dict.fromkeys(("application", "app"), "application"),
    **dict.fromkeys(("application-tunnel", "app-tunnel"), "application-tunnel"),
    **dict.fromkeys(("application-proxy", "app-proxy"), "application-proxy"),
    **dict.fromkeys(("database", "db"), "database"),
    **dict.fromkeys(("database-tunnel", "db-tunnel"), "database-tunnel"),
    **dict.fromkeys(("kubernetes", "k8s"), "kubernetes"),
    **dict.fromkeys(("kubernetes/v2", "k8s/v2"), "kubernetes/v2"),
    "ssh-multiplexer": "ssh-multiplexer",
    "spiffe-svid": "spiffe-svid",
    "workload-identity-x509": "workload-identity-x509",
    "workload-identity-jwt": "workload-identity-jwt",
    "workload-identity-api": "workload-identity-api",
    "workload-identity-aws-roles-anywhere": "workload-identity-aws-roles-anywhere",
    "identity/piv-agent": "identity/piv-agent",
    "login-agent": "login-agent",
    "noop": "",
    "no-op": "",
    "bot-api": "bot-api",
}


@dataclass(frozen=True, kw_only=True)
class Configured:
    """A configuration.

    Attributes:
        version: 1 or 2.
        oneshot: its value for one-shot.
        join_method: its join method; empty for unset.
        uri_method: the method of its join URI, in version 2 only; empty for none.
        outputs: the types of its outputs, in version 2 only.
        services: the types of its services, or the kinds of a v1 file's destinations, including `other`.
    """

    version: int
    oneshot: bool = False
    join_method: str = ""
    uri_method: str = ""
    outputs: list[str] = field(default_factory=list)
    services: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class ReferenceStart:
    """A start of tbot.

    Attributes:
        subcommand: its name as typed; empty for none.
        configured: its configuration, if it has one.
        oneshot: the value of the last one-shot flag; None without one.
        join_methods: the values of `--join-method`, in order.
        tokens: the values of `--token`.
        token_variable: the value of `TELEPORT_BOT_TOKEN`.
        pins: the values of `--ca-pin`.
        destination_dirs: the values of `--destination-dir`, for `legacy` only.
        uri_method: the method of the join URI in `--join-uri`, not for `legacy`; empty for none.
    """

    subcommand: str = ""
    configured: Configured | None = None
    oneshot: bool | None = None
    join_methods: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    token_variable: str = ""
    pins: list[str] = field(default_factory=list)
    destination_dirs: list[str] = field(default_factory=list)
    uri_method: str = ""

    @property
    def is_legacy(self) -> bool:
        """Whether the subcommand is the default one."""
        return self.subcommand in {"", "legacy"}


def expected(started: ReferenceStart) -> dict[str, str | int] | None:
    """Return the event without counters of 0, or None if tbot refuses to start."""
    file = started.configured or Configured(version=1)
    method = _join_method(started, file)
    if method is None:
        return None
    one_shot = file.oneshot or bool(started.oneshot)
    if started.is_legacy and started.oneshot is not None:
        one_shot = started.oneshot
    event: dict[str, str | int] = {"run_mode": "one-shot" if one_shot else "daemon"}
    if method:
        event["join_type"] = method if method in METHODS else "_OTHER"
    for type_ in _destinations(started, file):
        name = f"destinations_{_category(type_)}"
        event[name] = int(event.get(name, 0)) + 1
    return event


def _join_method(started: ReferenceStart, file: Configured) -> str | None:
    last = started.join_methods[-1] if started.join_methods else ""
    token = started.tokens[-1] if started.tokens else started.token_variable
    flags_decide = last != "" or token != "" or any(pin != "" for pin in started.pins)
    method = last if flags_decide else file.join_method
    uri = started.uri_method or file.uri_method
    if uri and method and uri != method:
        return None
    return uri or method


def _destinations(started: ReferenceStart, file: Configured) -> list[str]:
    services = file.services
    if started.is_legacy and started.destination_dirs and started.destination_dirs[-1]:
        services = ["identity"]
    added = SUBCOMMANDS.get(started.subcommand, "")
    return [*file.outputs, *services, *([added] if added else [])]


def _category(type_: str) -> str:
    if type_ in APPLICATION:
        return "application"
    if type_ in DATABASE:
        return "database"
    return "kubernetes" if type_ in KUBERNETES else "other"
