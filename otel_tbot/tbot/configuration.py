"""What tbot's configuration says that its start event tells."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from otel_tbot.tbot.join_uri import JoinUri


class Configuration(NamedTuple):
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
