"""What tbot's configuration says that its start event tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from otel_tbot.tbot.join_uri import JoinUri


@dataclass(frozen=True, kw_only=True, slots=True)
class Configuration:
    """A configuration of either version, as far as the event needs it.

    Attributes:
        oneshot: whether tbot ends after the first renewal.
        join_method: the join method; empty if none is set.
        join_uri: the join URI, if one is set.
        outputs: the category of each entry of `outputs`, see `counting`.
        services: likewise of `services`, or of a v1 file's `destinations`, which tbot turns into services.
    """

    oneshot: bool = False
    join_method: str = ""
    join_uri: JoinUri | None = None
    outputs: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
