"""The resource detector named `tbot`: puts the session on the resource of a pipeline.

The exporters do not need it: they build the resource of each session anew. It is for pipelines without them.
"""

from __future__ import annotations

# The SDK loads detectors while this very module of its own is being imported: nothing else of it may be asked for.
from opentelemetry.sdk.resources import Resource, ResourceDetector

from otel_tbot.host_log import warn
from otel_tbot.opt_in import consent
from otel_tbot.session import current_session


class SessionResourceDetector(ResourceDetector):
    """Detects the session of this process: `session.id`, `service.instance.id`, `os.type` and `host.arch`."""

    def __init__(self, raise_on_error: bool = False, **unknown: object) -> None:  # noqa: FBT001, FBT002  the SDK's own
        """Take what a declarative file gives; there is nothing to set."""
        super().__init__(raise_on_error)
        self._to_be_told = bool(unknown)

    def detect(self) -> Resource:
        """Return the session's attributes, or none without consent. The name of the service stays the host's."""
        if not consent():
            return Resource({})
        if self._to_be_told:
            self._to_be_told = False
            warn("the resource detector named tbot takes no keywords: those it was given are ignored")
        return Resource(
            {name: text for name, text in current_session().resource_attributes.items() if name != "service.name"}
        )
