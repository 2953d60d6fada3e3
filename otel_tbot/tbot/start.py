"""What a start of tbot reports: its command line, its variables and its configuration together."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from otel_tbot.errors import TbotConfigError
from otel_tbot.tbot.config import Config, read_config_text
from otel_tbot.tbot.destination_kinds import APPLICATION, DATABASE, KUBERNETES, OTHER, REMOVED_IN_19, destination_kind
from otel_tbot.tbot.join_uri import JoinUri, join_method
from otel_tbot.tbot.known_flags import LEGACY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from otel_tbot.tbot.command_line import CommandLine

HELPER = "_TBOT_TELEMETRY_HELPER"
HELPER_VERSION = "_TBOT_TELEMETRY_HELPER_VERSION"


class TbotStart(NamedTuple):
    """What a start of tbot reports, not yet validated. The fields except the last are those of `StartEvent`.

    Attributes:
        rejected_by_19: why tbot 19 and newer would not start like this; None if they would.
    """

    run_mode: str
    join_type: str
    helper: str | None
    helper_version: str | None
    destinations_other: int
    destinations_database: int
    destinations_kubernetes: int
    destinations_application: int
    rejected_by_19: TbotConfigError | None = None


def read_start(command: CommandLine, environ: Mapping[str, str]) -> TbotStart:
    """Return what a parsed command line of tbot reports, with the configuration that it names.

    Args:
        command: the command line.
        environ: the variables that tbot would see.

    Raises:
        TbotConfigError: tbot's configuration is unusable. The message is one line and contains no value from it.
    """
    config = _read_config(command)
    counts = Counter(_destinations(command, config))
    return TbotStart(
        run_mode="one-shot" if _is_oneshot(command, config) else "daemon",
        join_type=_join_type(command, config),
        helper=environ.get(HELPER),
        helper_version=environ.get(HELPER_VERSION),
        destinations_other=counts[OTHER],
        destinations_database=counts[DATABASE],
        destinations_kubernetes=counts[KUBERNETES],
        destinations_application=counts[APPLICATION],
        rejected_by_19=config.rejected_by_19 or _removed_subcommand(command),
    )


def _removed_subcommand(command: CommandLine) -> TbotConfigError | None:
    if command.subcommand.service_type not in REMOVED_IN_19:
        return None
    what, remedy = f"tbot 19 and newer have no subcommand {command.subcommand.name}", "leave it out"
    return TbotConfigError(what, remedy, source="the command line")


def _read_config(command: CommandLine) -> Config:
    text = read_config_text(command)
    if text is None:
        return Config()
    from otel_tbot.tbot.config_parser import parse_config  # noqa: PLC0415  imports YAML, which is not always needed

    return parse_config(text)


def _is_oneshot(command: CommandLine, config: Config) -> bool:
    # Only `legacy` distinguishes `--no-oneshot` from an absent flag; elsewhere it does not undo the file's value.
    if command.subcommand is LEGACY and command.oneshot is not None:
        return command.oneshot
    return command.oneshot is True or config.oneshot


def _join_type(command: CommandLine, config: Config) -> str:
    configured = command.join_method if command.replaces_onboarding else config.join_method
    uri = config.join_uri
    if command.join_uri.value:
        uri = JoinUri(text=command.join_uri.value, source=command.join_uri.source)
    return join_method(configured, uri)


def _destinations(command: CommandLine, config: Config) -> list[str]:
    """Return the kind of every destination, from outputs and services."""
    services = [destination_kind("identity")] if command.replaces_services else [*config.services]
    if command.subcommand.service_type:
        services.append(destination_kind(command.subcommand.service_type))
    return [*config.outputs, *services]
