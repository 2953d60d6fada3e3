"""The sampler named `tbot`: without consent it drops every span; with consent it records `tbot.start`.

It saves work early and protects nothing: a sampler can be bypassed, the check in the exporters cannot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    DEFAULT_OFF,
    DEFAULT_ON,
    Decision,
    ParentBasedTraceIdRatio,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)

from otel_tbot.log_warning import warn
from otel_tbot.opt_in import consent, is_opt_in_set
from otel_tbot.schema.constants import EVENT_NAME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.context import Context
    from opentelemetry.trace import Link, SpanKind
    from opentelemetry.trace.span import TraceState
    from opentelemetry.util.types import Attributes

# The specification's names for `OTEL_TRACES_SAMPLER`.
_NAMED: dict[str, Sampler] = {
    "always_on": ALWAYS_ON,
    "always_off": ALWAYS_OFF,
    "parentbased_always_on": DEFAULT_ON,
    "parentbased_always_off": DEFAULT_OFF,
}
_BY_RATIO: dict[str, type[Sampler]] = {
    "traceidratio": TraceIdRatioBased,
    "parentbased_traceidratio": ParentBasedTraceIdRatio,
}


class OptInSampler(Sampler):
    """Drops every span without consent; with it, records `tbot.start` and delegates other spans."""

    def __init__(self, delegate: Sampler | str | None = None) -> None:
        """Choose the sampler for other spans.

        Args:
            delegate: a sampler, or the name of one as in `OTEL_TRACES_SAMPLER_ARG`: `always_on`, `always_off`,
                `parentbased_always_on` (the default), `parentbased_always_off`, and with a ratio from 0 to 1
                `traceidratio=0.1`, `parentbased_traceidratio=0.1`. Any other name is
                reported in a warning, and the default is used.
        """
        self._delegate = delegate if isinstance(delegate, Sampler) else _by_name(delegate)

    def should_sample(  # noqa: PLR0913, PLR0917  the SDK's signature
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Decide about one span by the consent of this moment."""
        if not (is_opt_in_set() and consent()):
            return ALWAYS_OFF.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)
        if name == EVENT_NAME:
            return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes)
        return self._delegate.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)

    def get_description(self) -> str:
        """Return the name of this sampler and of its delegate."""
        return f"OptInSampler{{{self._delegate.get_description()}}}"


def _by_name(text: object) -> Sampler:
    name, _, ratio = str(text or "parentbased_always_on").strip().lower().partition("=")
    if name in _NAMED and not ratio:
        return _NAMED[name]
    try:
        return _BY_RATIO[name](float(ratio))  # type: ignore[call-arg]  # both samplers of the table take a ratio
    except (KeyError, ValueError):
        warn("OTEL_TRACES_SAMPLER_ARG is not a known sampler: parentbased_always_on is used for other spans")
        return DEFAULT_ON
