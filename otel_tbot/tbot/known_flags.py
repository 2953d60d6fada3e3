"""tbot's command line as a table: the flags and subcommands of `tbot start`, up to the releases of the v19 line.

`command_line` reads the table and has no flags itself, so a new release of tbot is a new row here.
"""

from __future__ import annotations

from typing import NamedTuple


class Flag(NamedTuple):
    """A flag as tbot declares it.

    Attributes:
        name: its long name, without dashes.
        short: its one-letter name, if it has one.
        variable: the environment variable that replaces it when it is absent, if there is one.
        boolean: whether it takes no value and has a `--no-` form.
    """

    name: str
    short: str = ""
    variable: str = ""
    boolean: bool = False


class Subcommand(NamedTuple):
    """A subcommand of `tbot start`.

    Attributes:
        name: its name.
        flags: its flags, by long name, without the global ones.
        aliases: its other names.
        service_type: the type of the service that it adds to those of the configuration; empty if none.
    """

    name: str
    flags: dict[str, Flag]
    aliases: tuple[str, ...] = ()
    service_type: str = ""


def _flags(values: str = "", booleans: str = "", *described: Flag) -> dict[str, Flag]:
    plain = [Flag(name=name) for name in values.split()]
    switches = [Flag(name=name, boolean=True) for name in booleans.split()]
    return {flag.name: flag for flag in (*plain, *switches, *described)}


GLOBAL_FLAGS = _flags(
    "trace-exporter mem-profile cpu-profile trace-profile log-format",
    "fips insecure trace",
    Flag(name="debug", short="d", variable="TBOT_DEBUG", boolean=True),
    Flag(name="config", short="c", variable="TBOT_CONFIG_PATH"),
    Flag(name="config-string", variable="TBOT_CONFIG"),
    Flag(name="help", short="h", boolean=True),
)

_COMMON_FLAGS = _flags(
    "ca-pin certificate-ttl renewal-interval join-method diag-addr pid-file",
    "oneshot scoped",
    Flag(name="auth-server", short="a", variable="TELEPORT_AUTH_SERVER"),
    Flag(name="proxy-server", variable="TELEPORT_PROXY"),
    Flag(name="token", variable="TELEPORT_BOT_TOKEN"),
)
# Every subcommand except `legacy` also has these.
_LATER_FLAGS = _flags("storage join-uri registration-secret registration-secret-path static-key-path")
_DESTINATION = "destination reader-user reader-group "
_SELECTORS = "name-selector label-selector "


def _subcommand(name: str, values: str = "", booleans: str = "", *, service_type: str, aliases: str = "") -> Subcommand:
    flags = _COMMON_FLAGS | _LATER_FLAGS | _flags(values, booleans)
    return Subcommand(name=name, aliases=tuple(aliases.split()), service_type=service_type, flags=flags)


# `tbot start` without a subcommand. It adds its `identity` only with `--destination-dir`.
LEGACY = Subcommand(name="legacy", flags=_COMMON_FLAGS | _flags("data-dir destination-dir"))

SUBCOMMANDS = (
    LEGACY,
    _subcommand("identity", _DESTINATION + "cluster", "allow-reissue", service_type="identity", aliases="ssh id"),
    _subcommand(
        "application", _DESTINATION + "app", "specific-tls-extensions", service_type="application", aliases="app"
    ),
    _subcommand("application-tunnel", "listen app", service_type="application-tunnel", aliases="app-tunnel"),
    _subcommand("application-proxy", "listen", service_type="application-proxy", aliases="app-proxy"),
    _subcommand("database", _DESTINATION + "format service username database", service_type="database", aliases="db"),
    _subcommand(
        "database-tunnel", "listen service username database", service_type="database-tunnel", aliases="db-tunnel"
    ),
    _subcommand(
        "kubernetes",
        _DESTINATION + "kubernetes-cluster",
        "disable-exec-plugin",
        service_type="kubernetes",
        aliases="k8s",
    ),
    _subcommand(
        "kubernetes/v2",
        _DESTINATION + _SELECTORS,
        "disable-exec-plugin",
        service_type="kubernetes/v2",
        aliases="k8s/v2",
    ),
    _subcommand(
        "ssh-multiplexer",
        _DESTINATION + "proxy-command proxy-templates-path",
        "enable-resumption",
        service_type="ssh-multiplexer",
    ),
    _subcommand(
        "spiffe-svid",
        _DESTINATION + "svid-path svid-hint dns-san ip-san",
        "include-federated-trust-bundles",
        service_type="spiffe-svid",
    ),
    _subcommand(
        "workload-identity-x509",
        _DESTINATION + _SELECTORS,
        "include-federated-trust-bundles",
        service_type="workload-identity-x509",
    ),
    _subcommand("workload-identity-jwt", _DESTINATION + _SELECTORS + "audience", service_type="workload-identity-jwt"),
    _subcommand("workload-identity-api", _SELECTORS + "listen", service_type="workload-identity-api"),
    _subcommand(
        "workload-identity-aws-roles-anywhere",
        _DESTINATION
        + _SELECTORS
        + "role-arn profile-arn trust-anchor-arn region session-duration session-renewal-interval",
        service_type="workload-identity-aws-roles-anywhere",
    ),
    # New in v19; assumed to have the flags of their neighbours.
    _subcommand("identity/piv-agent", _DESTINATION + "listen", service_type="identity/piv-agent"),
    _subcommand("login-agent", _DESTINATION + "listen", service_type="login-agent"),
    _subcommand("noop", service_type="", aliases="no-op"),
    _subcommand("bot-api", "listen", service_type="bot-api"),
)
