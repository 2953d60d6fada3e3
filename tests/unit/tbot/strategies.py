"""Strategies that write a model of a start as YAML and as a command line, in any form that tbot accepts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from tests.unit.tbot.reference_model import METHODS, SUBCOMMANDS, Configured, ReferenceStart

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

TYPES = [
    "identity",
    "identity/key-agent",
    "application",
    "application-tunnel",
    "application-proxy",
    "database",
    "database-tunnel",
    "kubernetes",
    "kubernetes/v2",
    "kubernetes/argo-cd",
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
    "quantum",
    "Database",
]
TRUE = [
    *["true", "True", "TRUE", "y", "Y", "yes", "Yes", "YES", "on", "On", "ON"],
    '"yes"',
    "'on'",
    "!!str y",
    "!!bool true",
]
FALSE = [
    *["false", "False", "FALSE", "n", "N", "no", "No", "NO", "off", "Off", "OFF"],
    '"no"',
    "'off'",
    "null",
    "~",
    "",
]
V1_KINDS = {
    "application": ["app: a", "app: 1", 'app: "x y"'],
    "database": ["database: {}", "database: {service: s, username: u}"],
    "kubernetes": ["kubernetes_cluster: k", "kubernetes_cluster: 'k'"],
    "other": [
        "configs: [ssh_host_cert]",
        "configs: [{ssh_host_cert: {principals: [a]}}]",
        "directory: /tmp",
        "app: ''",
        "database: ~",
    ],
}

TEXT = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0x2FFF, exclude_categories=["Cs", "Cc", "Cn"]), max_size=8
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
ANYTHING = st.sampled_from(["1", "x", "yes", "", "[a, b]", "{type: x}", '"a: b"', "!mine x", "2024-01-01"]) | JSON.map(
    lambda value: json.dumps(value, ensure_ascii=False)
)
METHOD = st.sampled_from([*METHODS, "quantum", "GitHub"])
WORD = st.sampled_from(["a", "start", "identity", "database", "kubernetes/v2", "a=b", "x y", "\u00e9", "\udcff", "1"])
_BEFORE = st.sampled_from(["", "# a comment\n", "---\n", "%YAML 1.1\n---\n", "\n\n"])
_AFTER = st.sampled_from(["", "# a comment\n", "...\n", "---\noneshot: [\n", "...\n---\n}\n"])


@st.composite
def configurations(draw: DrawFn, *, alone: bool = False) -> tuple[Configured, str]:
    """Draw a configuration and its YAML.

    Args:
        draw: draws from a strategy.
        alone: whether lines may be added before and after it.
    """
    version = draw(st.sampled_from([1, 2]))
    oneshot = draw(st.none() | st.booleans())
    method = draw(st.just("") | METHOD)
    uri = draw(st.sampled_from(["", "", method if method in METHODS else "", *METHODS])) if version == 2 else ""
    keys = [draw(st.sampled_from(["version: v2", 'version: "v2"', "? version\n: v2"]))] if version == 2 else []
    if version == 1:
        keys += draw(st.sampled_from([[], ["version: v1"], ["version:"], ["version: ''"]]))
    if oneshot is not None:
        keys.append(f"oneshot: {draw(st.sampled_from(TRUE if oneshot else FALSE))}")
    if method or draw(st.booleans()):
        keys.append(f"onboarding: {draw(_onboarding(method))}")
    if uri:
        keys.append(f"join_uri: {draw(join_uris(uri))}")
    outputs: list[str] = []
    if version == 2:
        outputs, services = draw(_entries("outputs", keys)), draw(_entries("services", keys))
    else:
        services = draw(_destinations(keys))
    keys += [f"x{number}: {value}" for number, value in enumerate(draw(st.lists(ANYTHING, max_size=3)))]
    text = "\n".join(["", *draw(st.permutations(keys)), ""]) if keys else "x: {}\n" if alone else "{}\n"
    before, after = ("", "") if alone else draw(st.tuples(_BEFORE, _AFTER))
    model = Configured(
        version=version, oneshot=bool(oneshot), join_method=method, uri_method=uri, outputs=outputs, services=services
    )
    return model, (before + text + after).replace("\n", draw(st.sampled_from(["\n", "\r\n"])))


@st.composite
def _onboarding(draw: DrawFn, method: str) -> str:
    if not method:
        return draw(st.sampled_from(["", "~", "{}", "{token: t}", "{join_method: }", "{join_method: ''}"]))
    written = draw(st.sampled_from([method, f'"{method}"', f"'{method}'", f"!!str {method}", f"&m {method}"]))
    return draw(st.sampled_from([f"{{join_method: {written}, token: t}}", f"\n  token: t\n  join_method: {written}"]))


@st.composite
def join_uris(draw: DrawFn, method: str) -> str:
    """Draw a join URI for a method."""
    kind = draw(st.sampled_from(["proxy", "auth"]))
    named = method.replace("_", draw(st.sampled_from(["-", "", "_"])))
    token = draw(st.sampled_from(["t", "t:p", "t%20t:p", "a-b.c"]))
    return f"tbot+{kind}+{named}://{token}@{draw(st.sampled_from(['h', 'h.example:443', '[::1]:3025']))}"


@st.composite
def _entries(draw: DrawFn, key: str, keys: list[str]) -> list[str]:
    """Draw the types of a list, and add its YAML to the keys."""
    if draw(st.booleans()):
        keys.extend(draw(st.sampled_from([[], [f"{key}:"], [f"{key}: []"], [f"{key}: {{}}"], [f"{key}: none"]])))
        return []
    types = draw(st.lists(st.sampled_from(TYPES), min_size=1, max_size=4))
    flow = draw(st.booleans())
    written = []
    for number, type_ in enumerate(types):
        anchor = f"{key}{number}"
        extra = draw(ANYTHING)
        quoted = draw(st.sampled_from(["{}", '"{}"', "'{}'", "!!str {}"])).format(type_)
        forms = [f"{{type: {quoted}, x: {extra}}}", f"&{anchor} {{x: {extra}, type: {quoted}}}"]
        forms += [f"{{<<: {{type: {quoted}}}, x: {extra}}}", f"{{<<: [{{type: {quoted}}}, {{type: example}}]}}"]
        forms += [f"{{<<: {{type: example}}, type: {quoted}}}"]
        if not flow:
            forms += [f"type: {quoted}\n    x: {extra}", f"x: {extra}\n    type: {quoted}"]
        written.append(draw(st.sampled_from(forms)))
        if draw(st.booleans()) and written[-1].startswith("&"):
            types = [*types, type_]
            written.append(f"*{anchor}" if draw(st.booleans()) else f"{{<<: *{anchor}, y: 1}}")
    keys.append(f"{key}: [{', '.join(written)}]" if flow else "\n  - ".join([f"{key}:", *written]))
    return types


@st.composite
def _destinations(draw: DrawFn, keys: list[str]) -> list[str]:
    kinds = draw(st.lists(st.sampled_from(sorted(V1_KINDS)), max_size=4))
    written = [f"{{{draw(st.sampled_from(V1_KINDS[kind]))}, x: {draw(ANYTHING)}}}" for kind in kinds]
    if draw(st.booleans()) or kinds:
        keys.append("\n- ".join(["destinations:", *written]))
    if draw(st.booleans()):
        keys.append(draw(st.sampled_from(["services: [{type: database}]", "outputs: []", "outputs:", "join_uri: x"])))
    return kinds


@st.composite
def starts(draw: DrawFn) -> tuple[ReferenceStart, list[str], dict[str, str], str | None]:
    """Draw a start, its arguments, its environment, and its configuration's YAML."""
    configured, text = draw(configurations()) if draw(st.booleans()) else (None, None)
    # The default subcommand has the most rules, so it is drawn most often.
    subcommand = draw(st.sampled_from(["", "legacy"]) | st.sampled_from(list(SUBCOMMANDS)))
    legacy = subcommand in {"", "legacy"}
    switches = draw(st.lists(st.booleans(), max_size=2))
    lists = {name: draw(_values(strategy)) for name, strategy in _VALUES.items()}
    uri = "" if legacy else draw(st.sampled_from(["", "", *METHODS]))
    directories = draw(_values(WORD)) if legacy else []
    token = draw(st.sampled_from([None, "", "secret"]))
    started = ReferenceStart(
        subcommand=subcommand,
        configured=configured,
        oneshot=switches[-1] if switches else None,
        join_methods=lists["join-method"],
        tokens=lists["token"],
        token_variable=token or "",
        pins=lists["ca-pin"],
        destination_dirs=directories,
        uri_method=uri,
    )
    given = [(name, value) for name, values in lists.items() for value in values]
    given += [("destination-dir", value) for value in directories]
    given += [("join-uri", draw(join_uris(uri)))] if uri else []
    given += draw(
        st.lists(st.tuples(st.sampled_from(["pid-file", "proxy-server", "diag-addr", "a"]), WORD), max_size=2)
    )
    flags = [draw(_written(name, value)) for name, value in given]
    flags += [["--oneshot" if switch else "--no-oneshot"] for switch in switches]
    # Flags of the same name, and the two forms of a boolean, keep the order of the model.
    arguments = [argument for flag in draw(_shuffled(flags)) for argument in flag]
    before, between = draw(_global_flags()), draw(_global_flags())
    command = [*before, "start", *between, *([subcommand] if subcommand else []), *arguments, *draw(_global_flags())]
    return started, command, {} if token is None else {"TELEPORT_BOT_TOKEN": token}, text


_VALUES: dict[str, SearchStrategy[str]] = {"join-method": METHOD, "token": WORD, "ca-pin": WORD}


def _values(strategy: SearchStrategy[str]) -> SearchStrategy[list[str]]:
    return st.just([]) | st.lists(st.just("") | strategy, max_size=2)


@st.composite
def _written(draw: DrawFn, name: str, value: str) -> list[str]:
    if len(name) == 1:
        return draw(
            st.sampled_from([[f"-{name}", value], [f"-{name}{value}"], [f"-d{name}", value], [f"-d{name}{value}"]])
        )
    return draw(st.sampled_from([[f"--{name}={value}"], [f"--{name}", value]]))


@st.composite
def _global_flags(draw: DrawFn) -> list[str]:
    choices = [
        ["-d"],
        ["--fips"],
        ["--no-insecure"],
        ["--trace"],
        ["--log-format", "start"],
        ["--mem-profile=id"],
        ["-dd"],
    ]
    return [argument for flag in draw(st.lists(st.sampled_from(choices), max_size=2)) for argument in flag]


@st.composite
def _shuffled(draw: DrawFn, flags: list[list[str]]) -> list[list[str]]:
    """Shuffle the flags without changing the order of flags with the same name."""

    def kind(flag: list[str]) -> str:
        return flag[0].partition("=")[0].removeprefix("--no-").removeprefix("--")

    waiting: dict[str, list[list[str]]] = {}
    for flag in flags:
        waiting.setdefault(kind(flag), []).append(flag)
    order = draw(st.permutations([kind(flag) for flag in flags]))
    return [waiting[name].pop(0) for name in order]


def written_in_any_way() -> SearchStrategy[Any]:
    """Draw text that is nearly YAML: its indicators and tbot's keywords in any order."""
    pieces = [
        *"[]{},:?-|>&*!%@`\"'#\n\t ",
        *("- ", ": ", "? ", "<<: ", "&a ", "*a", "---\n", "...\n", "\n  ", "!!str ", "%TAG ", "\r\n", "\u2028", "\0"),
        *("version: v2\n", "oneshot: ", "onboarding:", "join_method", "services:", "outputs:\n", "destinations: "),
        *("type: ", "database", "true", "yes", "null", "~", "1", "app", "configs", "ssh_host_cert", "join_uri: "),
        *("tbot+proxy+github://t@h", "\u00e9", "\ud800", "\ufeff", "9" * 400, "[" * 60),
    ]
    return st.lists(st.sampled_from(pieces), max_size=30).map("".join)
