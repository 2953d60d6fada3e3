"""For any `OTEL_*` variables, there are usable settings, or one line that names the variable without its value."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from hypothesis import example, given
from hypothesis import strategies as st

from otel_tbot.cli.formatting import mask_endpoint
from otel_tbot.errors import SettingsError
from otel_tbot.opt_in import consent
from otel_tbot.otlp.settings import OTLPSettings, resolve_settings, resolve_signal

SECRET = "canary"
KEYWORDS = [
    *("protocol", "endpoint", "headers", "timeout", "compression", "certificate", "client_key", "client_certificate"),
    "insecure",
]
VARIABLES = [f"OTEL_EXPORTER_OTLP_{signal}{name.upper()}" for signal in ("", "LOGS_", "TRACES_") for name in KEYWORDS]
SAID = st.one_of(
    st.text(max_size=12),
    st.text(max_size=6).map(lambda text: f"{SECRET}{text}"),
    st.sampled_from(["grpc", "http/protobuf", "http/json", "gzip", "deflate", "NONE", "true", "False", " ", "\x85"]),
    st.sampled_from(["http://localhost", "HTTPS://[::1]:4318/", "http://", "localhost:4317", f"http://u:{SECRET}@h"]),
    st.sampled_from(
        ["1", "1e3", "0x1", "1_0", "\u0663", "nan", "inf", "-0", "1e400", "300", "300.5", "300000", "300001", "0.0001"]
    ),
    st.sampled_from([f"a={SECRET}", f"a={SECRET}%0a", f"={SECRET}", "a=b,,c=d", f"A={SECRET},a=%ff", f"{SECRET}"]),
)
OBJECTS = st.one_of(
    SAID,
    st.none() | st.booleans() | st.integers() | st.floats() | st.binary(max_size=4),
    st.dictionaries(SAID, SAID | st.none() | st.integers(), max_size=2),
    st.lists(st.fixed_dictionaries({"name": SAID}, optional={"value": SAID | st.none(), SECRET: SAID}), max_size=2),
    st.lists(SAID, max_size=2),
)
MESSAGES = (
    r"{name} must be http/protobuf, http/json or grpc",
    r"{name} must be a URL that starts with http:// or https:// and a host, such as https://HOST:PORT",
    r"{name} must be http://HOST:PORT, https://HOST:PORT, HOST:PORT, dns:///HOST:PORT or unix:PATH",
    r"{name} must not have a header that ends with -bin, which gRPC reads as bytes",
    r"{name} must contain no credentials with the protocol grpc: set them as headers",
    r"{name} must name headers and their values, such as api-key=KEY,other=VALUE, percent-encoded in ASCII",
    r"{name} must be a number of seconds above 0, and at most 300",
    r"{name} must be none or gzip( or deflate)? with the protocol (grpc|http/protobuf|http/json)",
    r"{name} must be true or false",
    r"{name} must be a string",
    r"an exporter named tbot takes only the keywords [a-z_, ]+",
)
NOTES = (
    r"{name} must be a number of seconds above 0, or of milliseconds above 300: it counts as unset",
    r"{name} is above 300 and was read as milliseconds",
    r"{name} must be none or gzip( or deflate)? with the protocol (grpc|http/protobuf): it counts as unset",
    r"{name} must be true or false: it counts as false",
)
_NAME = rf"({'|'.join([*VARIABLES, *KEYWORDS])})"
_MESSAGE = re.compile("|".join(message.format(name=_NAME) for message in MESSAGES))
_NOTE = re.compile("|".join(note.format(name=_NAME) for note in NOTES))


def settings_or_error(signal: Any, environ: dict[str, str], keywords: dict[str, Any]) -> OTLPSettings | None:  # noqa: ANN401
    """Resolve settings and check them, or the error."""
    try:
        found = resolve_settings(signal, environ, keywords)
    except SettingsError as error:
        message = str(error)
        assert _MESSAGE.fullmatch(message), message
        assert SECRET not in message
        return None
    assert all(_NOTE.fullmatch(note) for note in found.notes), found.notes
    assert SECRET not in str(found.notes)
    assert found.protocol in {"grpc", "http/protobuf", "http/json"}
    assert found.compression in {"none", "gzip", "deflate"} - ({"deflate"} if found.protocol == "grpc" else set())
    assert 0 < found.timeout <= 300
    assert found.insecure in {None, True, False}
    assert found.endpoint
    if found.protocol != "grpc":
        assert found.endpoint.lower().startswith(("http://", "https://"))
    else:
        assert "@" not in found.endpoint
    for name, value in found.headers.items():
        # Characters that could begin another header, or end all of them, are not allowed.
        assert re.fullmatch(r"[a-z0-9!#$%&'*+.^_`|~-]+", name)
        assert re.fullmatch(r"[ -~]*", value)
    return found


@given(
    signal=st.sampled_from(["logs", "traces"]),
    environ=st.dictionaries(st.sampled_from(VARIABLES), SAID, max_size=5),
)
@example(signal="logs", environ={"OTEL_EXPORTER_OTLP_HEADERS": f"a={SECRET}\r\nb: c"})
@example(signal="logs", environ={"OTEL_EXPORTER_OTLP_TIMEOUT": "9" * 5000})
def test_variables(signal: str, environ: dict[str, str]) -> None:
    """Any variables result in usable settings, or in one line about one of them."""
    settings_or_error(signal, environ, {})


@example(environ={"OTEL_EXPORTER_OTLP_ENDPOINT": "HTTP://"}, keywords={})
@given(
    environ=st.dictionaries(st.sampled_from(VARIABLES), SAID, max_size=2),
    keywords=st.dictionaries(st.sampled_from([*KEYWORDS, SECRET]), OBJECTS, max_size=3),
)
def test_keywords(environ: dict[str, str], keywords: dict[str, Any]) -> None:
    """Any arguments of a declarative file or a caller result in usable settings, or in one line about one of them."""
    settings_or_error("logs", environ, keywords)


@given(environ=st.dictionaries(st.sampled_from(VARIABLES), SAID, max_size=4))
def test_other_signal(environ: dict[str, str]) -> None:
    """Variables of one signal have no effect on the other."""
    others = {name: value for name, value in environ.items() if "TRACES" not in name}

    assert settings_or_error("logs", environ, {}) == settings_or_error("logs", others, {})


@given(name=st.sampled_from(["a", "api-key", "X.1"]), value=st.text(max_size=12))
def test_header(name: str, value: str) -> None:
    """A percent-encoded value of a header is decoded, or rejected because no header can contain it."""
    found = settings_or_error("logs", {"OTEL_EXPORTER_OTLP_HEADERS": f"{name}={quote(value, safe='')}"}, {})

    if re.fullmatch(r"[ -~]*", value):
        assert found is not None
        assert found.headers == {name.lower(): value.strip()}
    else:
        assert found is None or value.strip() != value


@given(variable=st.none() | SAID, chosen=st.none() | SAID)
def test_signal(variable: str | None, chosen: str | None) -> None:
    """The signal is logs or traces, or it is rejected without repeating the value."""
    try:
        found = resolve_signal({} if variable is None else {"OTEL_TBOT_SIGNAL": variable}, chosen)
    except SettingsError as error:
        message = str(error)
        assert message in {"the signal must be logs or traces", "OTEL_TBOT_SIGNAL must be logs or traces"}
    else:
        assert found == (chosen or (variable or "").strip().lower() or "logs")
        assert found in {"logs", "traces"}


@given(
    answer=st.none() | st.sampled_from(["1", "1 ", " 1", "true", "on", "01", "\uff11", "yes", "0"]) | SAID,
    do_not_track=st.none() | st.sampled_from(["", "0", "false", "False", "1"]) | SAID,
    disabled=st.none() | st.sampled_from(["true", " TRUE ", "1", "false"]) | SAID,
)
def test_consent(answer: str | None, do_not_track: str | None, disabled: str | None) -> None:
    """Consent is on for exactly one value, unless another variable forbids it; the reason has no value."""
    values = {
        "TELEPORT_ANONYMOUS_TELEMETRY": answer, "DO_NOT_TRACK": do_not_track, "OTEL_SDK_DISABLED": disabled,
    }  # fmt: skip
    decision = consent({name: value for name, value in values.items() if value is not None})

    off = (do_not_track or "0") not in {"0", "false"} or (disabled or "").strip().lower() == "true"
    assert bool(decision) is (answer == "1" and not off)
    assert decision.variable in values
    assert SECRET not in decision.reason


@given(
    scheme=st.sampled_from(["http://", "https://", "", "//", "http:", "http:/", "grpc://", "a://b://", "\t http://"]),
    user=st.text(st.characters(exclude_characters="@"), max_size=3),
    host=st.sampled_from(["h", "[::1]", "", "h:1", "h:x", "h:99999", "[", "\u2100", "h\\i"]),
    rest=st.text("/?#@:a\\%", max_size=5),
)
@example(scheme="//", user="", host="h", rest="://")
def test_masked(scheme: str, user: str, host: str, rest: str) -> None:
    """A shown endpoint contains no password and no query, even if the address is unusual."""
    place = f"{scheme}{host}"
    for endpoint in (f"{scheme}{user}:{SECRET}@{host}{rest}", f"{place}/{rest}?{SECRET}", f"{place}#{SECRET}"):
        shown = mask_endpoint(endpoint)

        assert SECRET not in shown
        assert shown.isprintable()
