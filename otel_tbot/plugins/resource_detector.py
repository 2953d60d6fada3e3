"""The resource detector named `tbot`: puts the session on the resource of a pipeline.

The exporters do not need it, because they build the resource of each session. It is for pipelines without them.
"""

from __future__ import annotations

# The SDK loads detectors while it imports this module: nothing else of the SDK may be imported here.
from opentelemetry.sdk.resources import Resource, ResourceDetector

from otel_tbot.log_warning import warn
from otel_tbot.opt_in import consent
from otel_tbot.session import current_session


class SessionResourceDetector(ResourceDetector):
    """Detects the session of this process: `session.id`, `service.instance.id`, `os.type` and `host.arch`."""

    def __init__(self, raise_on_error: bool = False, **unknown: object) -> None:  # noqa: FBT001, FBT002  the SDK's signature
        """Accept the keywords of a declarative file; there is nothing to set."""
        super().__init__(raise_on_error)
        self._warn_about_keywords = bool(unknown)

    def detect(self) -> Resource:
        """Return the session's attributes, or none without consent. The service name remains the host's."""
        if not consent():
            return Resource({})
        if self._warn_about_keywords:
            self._warn_about_keywords = False
            warn("the resource detector named tbot takes no keywords: the given ones are ignored")
        return Resource(
            {name: text for name, text in current_session().resource_attributes.items() if name != "service.name"}
        )
