"""The join URI."""

from __future__ import annotations

import pytest

from tests.unit.tbot.read_helpers import refused, start
from tests.unit.tbot.reference_model import METHODS


@pytest.mark.parametrize("mark", ["-", "", "_"])
@pytest.mark.parametrize("kind", ["proxy", "auth"])
@pytest.mark.parametrize("method", METHODS)
def test_method(method: str, kind: str, mark: str) -> None:
    """The method is the third part of the scheme; underscores may be dashes or missing."""
    uri = f"tbot+{kind}+{method.replace('_', mark)}://some-token@example.com:443"

    assert start("identity", "--join-uri", uri).join_type == method
    assert start(configuration=f"version: v2\njoin_uri: {uri}\n").join_type == method


@pytest.mark.parametrize("uri", [
    "tbot+proxy+github://t@h",
    "tbot+proxy+github://t:parameter@h:443",
    "tbot+proxy+github://t:@h:443",
    "tbot+proxy+github://t:a:b@h:443",
    "tbot+proxy+github://a%20b:c%2Fd@h:443",
    "tbot+proxy+github://a@b@h:443",
    "tbot+proxy+github://t@[::1]:443",
    "tbot+auth+github://t@10.0.0.1:3025/",
    "TBOT+Proxy+GitHub://t@h",
])  # fmt: skip
def test_form(uri: str) -> None:
    """A parameter may follow the token; the case of the scheme does not matter."""
    assert start("noop", "--join-uri", uri).join_type == "github"


@pytest.mark.parametrize("uri", [
    "x",
    "://",
    "github://t@h",
    "tbot://t@h",
    "tbot+github://t@h",
    "tbot+proxy://t@h",
    "tbot+proxy+://t@h",
    "tbot+web+github://t@h",
    "tbot+proxy+github+x://t@h",
    "tbot+proxy+github:t@h",
    "tbot+proxy+github:/t@h",
    "tbot+proxy+github://h",
    "tbot+proxy+github://@h",
    "tbot+proxy+github://:p@h",
    "tbot+proxy+github://t@",
    "tbot+proxy+github://t@/",
    "tbot+proxy+github://t@h?a=b",
    "tbot+proxy+github://t@h#a",
    "tbot+proxy+github://t@h/path",
    "tbot+proxy+github://t t@h",
    "tbot+proxy+github://t%zz@h",
    "tbot+proxy+git hub://t@h",
    " tbot+proxy+github://t@h",
    "tbot+proxy+github://t@h ",
    "tbot+proxy+github://t@h\n",
    "tbot+pro\u017fy+github://t@h",
    "tbot+proxy+githu\u212a://t@h",
])  # fmt: skip
def test_malformed(uri: str) -> None:
    """A URI of another form is rejected."""
    assert refused("noop", "--join-uri", uri).startswith("--join-uri: not a join URI; write tbot+proxy+METHOD")


def test_malformed_in_the_file() -> None:
    """The error message about one in the file names line and key."""
    message = refused(configuration="version: v2\n\njoin_uri: nonsense\n")

    assert message.startswith("TBOT_CONFIG, line 3, join_uri: not a join URI")


def test_unknown_method() -> None:
    """An unknown method, perhaps of a newer release, is not an error, and is not named."""
    assert start("noop", "--join-uri", "tbot+proxy+astrology://t@h").join_type == "_OTHER"


@pytest.mark.parametrize("arguments", [("--join-method", "iam"), ("--join-method=iam", "--token=t")])
def test_conflict_with_the_flag(arguments: tuple[str, ...]) -> None:
    """A different method in addition to the URI is rejected."""
    message = refused("noop", *arguments, "--join-uri=tbot+proxy+github://t@h")

    assert message == "--join-uri: the join URI and join_method name different methods; leave one out"


def test_conflict_in_the_file() -> None:
    """A different `join_method` in the file is rejected, too."""
    message = refused(configuration="version: v2\nonboarding: {join_method: iam}\njoin_uri: tbot+auth+tpm://t@h\n")

    assert message.startswith("TBOT_CONFIG, line 3, join_uri: the join URI and join_method name different methods")


@pytest.mark.parametrize("method", ["bound_keypair", "", "~"])
def test_no_conflict(method: str) -> None:
    """The same method, or none, in addition to the URI is accepted."""
    text = f"version: v2\nonboarding: {{join_method: {method}}}\njoin_uri: tbot+auth+bound-keypair://t@h\n"

    assert start(configuration=text).join_type == "bound_keypair"


def test_flag_before_file() -> None:
    """The flag's URI replaces the file's, which may then be invalid."""
    event = start("noop", "--join-uri=tbot+proxy+github://t@h", configuration="version: v2\njoin_uri: nonsense\n")

    assert event.join_type == "github"


def test_flags_replace_the_conflict() -> None:
    """The file's URI is compared with the onboarding section after flags have replaced it."""
    text = "version: v2\nonboarding: {join_method: iam}\njoin_uri: tbot+auth+tpm://t@h\n"

    assert start("--token=t", configuration=text).join_type == "tpm"


def test_no_variable() -> None:
    """The flag has no environment variable."""
    assert start("noop", TBOT_JOIN_URI="tbot+proxy+github://t@h", JOIN_URI="x").join_type is None


@pytest.mark.parametrize("value", ["", "~", "null", '""'])
def test_empty(value: str) -> None:
    """An empty URI counts as unset."""
    assert start("noop", "--join-uri=", configuration=f"version: v2\njoin_uri: {value}\n").join_type is None


def test_not_in_version_1() -> None:
    """A v1 file has no such key."""
    assert start(configuration="join_uri: tbot+proxy+github://t@h\n").join_type is None


def test_wrong_type() -> None:
    """A mapping is not a URI."""
    assert "line 2, join_uri: not a string" in refused(configuration="version: v2\njoin_uri: {a: b}\n")
