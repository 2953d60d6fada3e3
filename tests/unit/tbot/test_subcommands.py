"""The subcommands of `tbot start`, each with its aliases, its flags and the service that it adds."""

from __future__ import annotations

import pytest

from otel_tbot.tbot.known_flags import GLOBAL_FLAGS, SUBCOMMANDS
from tests.unit.tbot.read_helpers import counts, refused, start

DEST = "destination reader-user reader-group "
SELECTORS = "name-selector label-selector "
COMMON = [
    "auth-server",
    "proxy-server",
    "token",
    "ca-pin",
    "certificate-ttl",
    "renewal-interval",
    "join-method",
    "diag-addr",
    "storage",
    "join-uri",
    "pid-file",
    "registration-secret",
    "registration-secret-path",
    "static-key-path",
]
NOT_LEGACY = {"storage", "join-uri", "registration-secret", "registration-secret-path", "static-key-path"}
GLOBAL = ["config", "config-string", "trace-exporter", "mem-profile", "cpu-profile", "trace-profile", "log-format"]
GLOBAL_BOOLEANS = ["debug", "fips", "insecure", "trace", "help"]

# Independent of the code's own table: name, aliases, category of the added service, value flags, booleans.
TABLE = [
    ("legacy", "", "", "data-dir destination-dir", ""),
    ("identity", "ssh id", "other", DEST + "cluster", "allow-reissue"),
    ("application", "app", "application", DEST + "app", "specific-tls-extensions"),
    ("application-tunnel", "app-tunnel", "application", "listen app", ""),
    ("application-proxy", "app-proxy", "application", "listen", ""),
    ("database", "db", "database", DEST + "format service username database", ""),
    ("database-tunnel", "db-tunnel", "database", "listen service username database", ""),
    ("kubernetes", "k8s", "kubernetes", DEST + "kubernetes-cluster", "disable-exec-plugin"),
    ("kubernetes/v2", "k8s/v2", "kubernetes", DEST + SELECTORS, "disable-exec-plugin"),
    ("ssh-multiplexer", "", "other", DEST + "proxy-command proxy-templates-path", "enable-resumption"),
    ("spiffe-svid", "", "other", DEST + "svid-path svid-hint dns-san ip-san", "include-federated-trust-bundles"),
    ("workload-identity-x509", "", "other", DEST + SELECTORS, "include-federated-trust-bundles"),
    ("workload-identity-jwt", "", "other", DEST + SELECTORS + "audience", ""),
    ("workload-identity-api", "", "other", "listen " + SELECTORS, ""),
    (
        "workload-identity-aws-roles-anywhere",
        "",
        "other",
        DEST + SELECTORS + "role-arn profile-arn trust-anchor-arn region session-duration session-renewal-interval",
        "",
    ),
    ("identity/piv-agent", "", "other", DEST + "listen", ""),
    ("login-agent", "", "other", DEST + "listen", ""),
    ("noop", "no-op", "", "", ""),
    ("bot-api", "", "other", "listen", ""),
]
NAMES = [(name, category) for main, aliases, category, _, _ in TABLE for name in (main, *aliases.split())]
VALUE_FLAGS = [
    (name, flag)
    for name, _, _, values, _ in TABLE
    for flag in (*values.split(), *(flag for flag in COMMON if name != "legacy" or flag not in NOT_LEGACY), *GLOBAL)
]
BOOLEANS = [
    (name, flag) for name, _, _, _, booleans in TABLE for flag in (*booleans.split(), "oneshot", "scoped", "debug")
]
HARMLESS = {"config": "", "config-string": "", "join-uri": ""}


@pytest.mark.parametrize(("name", "category"), NAMES)
def test_adds(name: str, category: str) -> None:
    """Each subcommand adds its service to the configuration's, under each of its names."""
    event = start(name, configuration="version: v2\noutputs: [{type: example}]\n")

    expected = {"other": 1}
    if category:
        expected[category] = expected.get(category, 0) + 1
    assert counts(event) == expected


@pytest.mark.parametrize(("name", "flag"), VALUE_FLAGS)
def test_value_flag(name: str, flag: str) -> None:
    """Each value flag takes the next argument, even one that looks like a subcommand."""
    value = HARMLESS.get(flag, "application")

    assert start(name, f"--{flag}", value, "--oneshot").run_mode == "one-shot"
    assert start(name, f"--{flag}={value}", "--oneshot").run_mode == "one-shot"


@pytest.mark.parametrize(("name", "flag"), BOOLEANS)
def test_boolean(name: str, flag: str) -> None:
    """Each boolean takes nothing, and has a negative form."""
    assert counts(start(name, f"--{flag}", f"--no-{flag}")) == counts(start(name))
    assert f"--{flag} takes no value" in refused(name, f"--{flag}=true")


@pytest.mark.parametrize("flag", sorted(NOT_LEGACY))
@pytest.mark.parametrize("arguments", [[], ["legacy"]])
def test_not_of_legacy(arguments: list[str], flag: str) -> None:
    """`legacy`, named or not, lacks some of the common flags."""
    assert "unknown flag" in refused(*arguments, f"--{flag}=x")


@pytest.mark.parametrize("name", [name for name, *_ in TABLE if name != "legacy"])
@pytest.mark.parametrize("flag", ["data-dir", "destination-dir"])
def test_only_of_legacy(name: str, flag: str) -> None:
    """No other subcommand has the flags of `legacy`."""
    assert "unknown flag" in refused(name, f"--{flag}=x")


def test_short_names() -> None:
    """`-a` is short for `--auth-server` in every subcommand."""
    for name, *_ in TABLE:
        assert start(name, "-a", "identity", "-dahost") == start(name)


def test_grammar_is_complete() -> None:
    """The table in the code has exactly these rows."""
    written = [
        (
            row.name,
            set(row.aliases),
            {flag.name for flag in row.flags.values() if not flag.boolean},
            {flag.name for flag in row.flags.values() if flag.boolean},
        )
        for row in SUBCOMMANDS
    ]
    expected = [
        (
            name,
            set(aliases.split()),
            {*values.split(), *COMMON} - (NOT_LEGACY if name == "legacy" else set()),
            {*booleans.split(), "oneshot", "scoped"},
        )
        for name, aliases, _, values, booleans in TABLE
    ]
    assert written == expected
    assert {flag.name for flag in GLOBAL_FLAGS.values() if not flag.boolean} == set(GLOBAL)
    assert {flag.name for flag in GLOBAL_FLAGS.values() if flag.boolean} == set(GLOBAL_BOOLEANS)


def test_variables() -> None:
    """Six flags have a variable."""
    flags = {**GLOBAL_FLAGS, **SUBCOMMANDS[0].flags}
    assert {flag.name: flag.variable for flag in flags.values() if flag.variable} == {
        "debug": "TBOT_DEBUG",
        "config": "TBOT_CONFIG_PATH",
        "config-string": "TBOT_CONFIG",
        "auth-server": "TELEPORT_AUTH_SERVER",
        "proxy-server": "TELEPORT_PROXY",
        "token": "TELEPORT_BOT_TOKEN",
    }
