"""A third-party resource detector of OpenTelemetry that reports a canary for every attribute that identifies a host."""

from __future__ import annotations

import json
import os

# The SDK imports this module while it imports `opentelemetry.sdk.resources`: only these two names may be imported.
from opentelemetry.sdk.resources import Resource, ResourceDetector

# For processes where `opentelemetry-instrument` has put its own `sitecustomize` first.
import tests.support.canaries.machine.sitecustomize  # noqa: F401  imported for its patches

_ATTRIBUTES = (
    "cloud.account.id", "cloud.resource_id", "container.id", "container.name", "enduser.id", "host.id", "host.ip",
    "host.mac", "host.name", "k8s.cluster.name", "k8s.cluster.uid", "k8s.namespace.name", "k8s.node.name",
    "k8s.pod.name", "k8s.pod.uid", "os.build_id", "os.description", "process.command_line", "process.owner",
    "service.name", "service.namespace", "session.id", "tbot.cluster", "telemetry.sdk.name",
)  # fmt: skip


def word(location: str) -> str:
    """Return the canary for a location."""
    return str(json.loads(os.environ["CANARIES"])[location])


class CanaryDetector(ResourceDetector):
    """Detect the canaries."""

    def detect(self) -> Resource:
        """Return a canary for each attribute."""
        return Resource({name: f"{word('detected resource')} {name}" for name in _ATTRIBUTES})
