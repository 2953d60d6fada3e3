"""The effect of flags and variables on the configuration."""

from __future__ import annotations

import pytest

from tests.unit.tbot.read_helpers import counts, start

ONBOARDING = "version: v2\nonboarding: {join_method: github, token: t}\n"


@pytest.mark.parametrize("subcommand", ["identity", "noop", "database"])
@pytest.mark.parametrize(("flags", "in_file", "expected"), [
    ([], "false", "daemon"),
    ([], "true", "one-shot"),
    (["--oneshot"], "false", "one-shot"),
    (["--oneshot"], "true", "one-shot"),
    (["--no-oneshot"], "false", "daemon"),
    (["--no-oneshot"], "true", "one-shot"),
])  # fmt: skip
def test_oneshot(subcommand: str, flags: list[str], in_file: str, expected: str) -> None:
    """`--oneshot` sets one-shot; `--no-oneshot` does not override the file."""
    assert start(subcommand, *flags, configuration=f"oneshot: {in_file}\n").run_mode == expected


@pytest.mark.parametrize("subcommand", [[], ["legacy"]])
@pytest.mark.parametrize(("flags", "in_file", "expected"), [
    ([], "false", "daemon"),
    ([], "true", "one-shot"),
    (["--oneshot"], "false", "one-shot"),
    (["--no-oneshot"], "true", "daemon"),
    (["--oneshot", "--no-oneshot"], "true", "daemon"),
])  # fmt: skip
def test_oneshot_of_legacy(subcommand: list[str], flags: list[str], in_file: str, expected: str) -> None:
    """Under `legacy`, the flag takes precedence over the file (newer releases)."""
    assert start(*subcommand, *flags, configuration=f"oneshot: {in_file}\n").run_mode == expected


@pytest.mark.parametrize("subcommand", [[], ["identity"]])
@pytest.mark.parametrize(("flags", "expected"), [
    ([], "github"),
    (["--token", "t"], None),
    (["--ca-pin", "p"], None),
    (["--ca-pin=", "--ca-pin=p"], None),
    (["--join-method", "iam"], "iam"),
    (["--join-method=iam", "--token=t"], "iam"),
    (["--join-method=iam", "--join-method=tpm"], "tpm"),
    (["--join-method=iam", "--join-method="], "github"),
    (["--join-method=astrology"], "_OTHER"),
    (["--token="], "github"),
    (["--ca-pin="], "github"),
    (["--join-method="], "github"),
    (["--token=", "--join-method=", "--ca-pin="], "github"),
    (["--certificate-ttl=1h", "--diag-addr=x", "--proxy-server=x"], "github"),
])  # fmt: skip
def test_onboarding(subcommand: list[str], flags: list[str], expected: str | None) -> None:
    """A token, a join method or a CA pin replaces the whole section."""
    assert start(*subcommand, *flags, configuration=ONBOARDING).join_type == expected


def test_token_variable() -> None:
    """A token in the variable replaces the section, too."""
    assert start(configuration=ONBOARDING, TELEPORT_BOT_TOKEN="t").join_type is None
    assert start("--join-method=tpm", configuration=ONBOARDING, TELEPORT_BOT_TOKEN="t").join_type == "tpm"


def test_empty_token_flag() -> None:
    """An empty flag hides the variable."""
    assert start("--token=", configuration=ONBOARDING, TELEPORT_BOT_TOKEN="t").join_type == "github"


@pytest.mark.parametrize("subcommand", [[], ["legacy"]])
def test_destination_dir(subcommand: list[str]) -> None:
    """`--destination-dir` replaces the services by one identity; the outputs of a v2 file remain."""
    text = "version: v2\noutputs: [{type: database}]\nservices: [{type: kubernetes}, {type: bot-api}]\n"

    assert counts(start(*subcommand, "--destination-dir", "d", configuration=text)) == {"database": 1, "other": 1}


def test_destination_dir_of_version_1() -> None:
    """`--destination-dir` replaces the destinations of a v1 file."""
    text = "destinations: [{app: a}, {kubernetes_cluster: k}]\n"

    assert counts(start("--destination-dir=d", configuration=text)) == {"other": 1}


def test_destination_dir_alone() -> None:
    """`--destination-dir` needs no configuration."""
    assert counts(start("--destination-dir=d")) == {"other": 1}


def test_empty_destination_dir() -> None:
    """An empty directory counts as unset."""
    assert counts(start("--destination-dir=", configuration="destinations: [{app: a}]\n")) == {"application": 1}
