"""No error message contains a value: a canary is planted in every place that can be invalid."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

import pytest

from otel_tbot.errors import TbotConfigError
from otel_tbot.event import StartEvent
from tests.unit.tbot.read_helpers import in_base64

if TYPE_CHECKING:
    from pathlib import Path

CANARY = "canary"
COMMANDS = {
    "another command": ["canary"],
    "unknown flag": ["start", "--canary"],
    "unknown flag with a value": ["start", "--canary=canary"],
    "unknown flag before start": ["--canary=canary", "start"],
    "unknown short flag": ["start", "-\U0001f424canary"],
    "unknown flag after a known one": ["start", "-d\U0001f424canary"],
    "unknown subcommand": ["start", "canary"],
    "another argument": ["start", "identity", "canary"],
    "value for a boolean": ["start", "--oneshot=canary"],
    "value for a negative boolean": ["start", "--no-oneshot=canary"],
    "missing value": ["start", "--token", "--canary"],
    "missing argument file": ["start", "@canary"],
    "missing file": ["start", "-c", "canary"],
    "missing file with a slash": ["start", "-c", "/canary/canary"],
    "overlong file name": ["start", "-c", "/tmp/" + "canary" * 1000],
    "bad base64": ["start", "--config-string", "canary!"],
    "two configurations": ["start", "--config-string", "canary", "-c", "canary"],
    "bad join URI": ["start", "id", "--join-uri", "canary://canary@canary"],
    "conflicting join URI": ["start", "id", "--join-method=canary", "--join-uri=tbot+proxy+canary2://canary@canary"],
    "token of a flag": ["start", "--token=canary", "--registration-secret=canary"],
}
CONFIGURATIONS = {
    "invalid YAML": "canary: [canary\n",
    "invalid YAML after an anchor": "canary: &canary canary\ncanary2: *canary3\n",
    "bad tag": "canary: !canary!canary canary\n",
    "bad escape": 'canary: "canary\\q"\n',
    "not a mapping": "canary\n",
    "list": "- canary\n",
    "control character": "canary: canary\0canary\n",
    "unknown key twice": "canary: canary\ncanary: canary\n",
    "known key twice": "oneshot: canary\noneshot: canary\n",
    "version": "version: canary\n",
    "version of another type": "version: [canary]\n",
    "oneshot": "oneshot: canary\n",
    "oneshot as a mapping": "oneshot: {canary: canary}\n",
    "oneshot with a tag": "oneshot: !canary canary\n",
    "onboarding": "onboarding: canary\n",
    "join method": "onboarding: {join_method: {canary: canary}, token: canary}\n",
    "outputs": "version: v2\noutputs: {canary: canary}\n",
    "services": "version: v2\nservices: {canary: canary}\n",
    "entry": "version: v2\nservices: [canary]\n",
    "entry without a type": "version: v2\nservices: [{canary: canary}]\n",
    "type": "version: v2\nservices: [{type: [canary]}]\n",
    "merge": "version: v2\nservices: [{<<: canary, type: canary}]\n",
    "merged into itself": "version: v2\nservices: [&canary {<<: *canary, canary: canary}]\n",
    "outputs of version 1": "outputs: [{type: canary}]\n",
    "destinations": "destinations: {canary: canary}\n",
    "destination": "destinations: [canary]\n",
    "two kinds": "destinations: [{app: canary, kubernetes_cluster: canary}]\n",
    "app": "destinations: [{app: {canary: canary}}]\n",
    "database": "destinations: [{database: canary}]\n",
    "configs": "destinations: [{configs: canary}]\n",
    "join URI": "version: v2\njoin_uri: canary\n",
    "join URI of another type": "version: v2\njoin_uri: {canary: canary}\n",
    "token in a join URI": "version: v2\njoin_uri: tbot+canary+token://canary:canary@canary\n",
    "conflict": "version: v2\nonboarding: {join_method: canary}\njoin_uri: tbot+proxy+iam://canary@canary\n",
    "levels": "[canary, " * 1_000,
    "tag directives": "".join(f"%TAG !canary{number}! canary\n" for number in range(200)),
    "second configuration": "oneshot: true\n",
    "size": "canary" * 200_000,
    "bytes": "canary: \udcff\n",
}


def check(raised: pytest.ExceptionInfo[TbotConfigError]) -> None:
    """Check that neither the error, nor anything linked to it, nor its traceback shows a canary."""
    error: BaseException | None = raised.value
    assert str(error)
    assert "\n" not in str(error)
    assert error is not None
    assert error.__cause__ is None
    assert error.__context__ is None
    # Lines of code are left out: those of the tests contain canaries.
    shown = traceback.TracebackException.from_exception(error, lookup_lines=False)
    assert CANARY not in repr((str(error), error, error.args, vars(error), str(shown)))


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS.keys())
def test_command_line(arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message about an invalid command line does not repeat it."""
    monkeypatch.chdir(tmp_path)
    configuration = in_base64("oneshot: [canary]")
    with pytest.raises(TbotConfigError) as raised:
        StartEvent.from_command(
            ["canary", *arguments], environ={"TBOT_CONFIG": configuration, "TELEPORT_BOT_TOKEN": CANARY}
        )

    check(raised)
    assert configuration not in str(raised.value)


@pytest.mark.parametrize("configuration", CONFIGURATIONS.values(), ids=CONFIGURATIONS.keys())
def test_string(configuration: str) -> None:
    """A message about an invalid configuration in a variable or flag does not repeat it."""
    encoded = in_base64(configuration.encode(errors="surrogateescape"))
    for arguments, environ in (([], {"TBOT_CONFIG": encoded}), (["--config-string", encoded], {})):
        with pytest.raises(TbotConfigError) as raised:
            StartEvent.from_command(["tbot", "start", *arguments, *_second(configuration)], environ=environ)

        check(raised)
        assert encoded[:20] not in str(raised.value)


@pytest.mark.parametrize("configuration", CONFIGURATIONS.values(), ids=CONFIGURATIONS.keys())
def test_file(configuration: str, tmp_path: Path) -> None:
    """The same for a file; its path is shown if it was typed, and not if a variable contains it."""
    typed, in_variable = tmp_path / "typed.yaml", tmp_path / "canary.yaml"
    for path in (typed, in_variable):
        path.write_bytes(configuration.encode(errors="surrogateescape"))
    for arguments, environ in ((["-c", str(typed)], {}), ([], {"TBOT_CONFIG_PATH": str(in_variable)})):
        with pytest.raises(TbotConfigError) as raised:
            StartEvent.from_command(
                ["tbot", "start", *arguments, *_second(configuration, "--config-string=Y2FuYXJ5")], environ=environ
            )

        check(raised)


def _second(configuration: str, flag: str = "-ccanary") -> list[str]:
    return [flag] if configuration == CONFIGURATIONS["second configuration"] else []
