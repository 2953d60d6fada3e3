"""What a start of tbot will report: its command line, its variables and its configuration together."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from otel_tbot.event import StartEvent
from otel_tbot.tbot.command_line import CommandLine, parse
from otel_tbot.tbot.config import Config, read_config_text
from otel_tbot.tbot.destinations import APPLICATION, DATABASE, KUBERNETES, OTHER, destination_kind
from otel_tbot.tbot.grammar import LEGACY
from otel_tbot.tbot.join_uri import JoinUri, join_method

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HELPER = "_TBOT_TELEMETRY_HELPER"
HELPER_VERSION = "_TBOT_TELEMETRY_HELPER_VERSION"


def read_start(argv: Sequence[str], *, environ: Mapping[str, str], version: str | None = None) -> StartEvent:
    """Return the event that a command line of tbot's stands for.

    Args:
        argv: the command line, from the executable's name on.
        environ: the variables that tbot would see.
        version: the version of that tbot; left out of the event when unknown.

    Raises:
        TbotConfigError: the command is not `start` (a `NotStartError`), or tbot's command line or configuration is
            unusable. The message is one line and holds no value of either.
    """
    command = parse(argv, environ)
    configuration = _configuration(command)
    counts = Counter(_categories(command, configuration))
    return StartEvent(
        run_mode="one-shot" if _is_oneshot(command, configuration) else "daemon",
        version=version,
        join_type=_join_type(command, configuration),
        helper=environ.get(HELPER),
        helper_version=environ.get(HELPER_VERSION),
        destinations_other=counts[OTHER],
        destinations_database=counts[DATABASE],
        destinations_kubernetes=counts[KUBERNETES],
        destinations_application=counts[APPLICATION],
    )


def _configuration(command: CommandLine) -> Config:
    text = read_config_text(command)
    if text is None:
        return Config()
    from otel_tbot.tbot.config_parser import parse_config  # noqa: PLC0415  imports YAML, which is not always needed

    return parse_config(text)


def _is_oneshot(command: CommandLine, configuration: Config) -> bool:
    # Only `legacy` tells a flag that is off from one that is not there; elsewhere `--no-oneshot` undoes nothing.
    if command.subcommand is LEGACY and command.oneshot is not None:
        return command.oneshot
    return command.oneshot is True or configuration.oneshot


def _join_type(command: CommandLine, configuration: Config) -> str:
    configured = command.join_method if command.replaces_onboarding else configuration.join_method
    uri = configuration.join_uri
    if command.join_uri.value:
        uri = JoinUri(text=command.join_uri.value, source=command.join_uri.source)
    return join_method(configured, uri)


def _categories(command: CommandLine, configuration: Config) -> list[str]:
    """Return the category of everything that is counted: outputs and services alike."""
    services = [destination_kind("identity")] if command.replaces_services else [*configuration.services]
    if command.subcommand.service_type:
        services.append(destination_kind(command.subcommand.service_type))
    return [*configuration.outputs, *services]
