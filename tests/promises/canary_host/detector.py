"""A detector of resources that somebody else may have installed: it tells all that it knows about the machine."""

from __future__ import annotations

import json
import os

# Loaded while this very module of the SDK is being imported: nothing else of it may be asked for.
from opentelemetry.sdk.resources import Resource, ResourceDetector

# Haunts the machine where `opentelemetry-instrument` has put a `sitecustomize` of its own first.
import tests.promises.canary_host.machine.sitecustomize  # noqa: F401  the same reason as above

_TOLD = (
    "cloud.account.id", "cloud.resource_id", "container.id", "container.name", "enduser.id", "host.id", "host.ip",
    "host.mac", "host.name", "k8s.cluster.name", "k8s.cluster.uid", "k8s.namespace.name", "k8s.node.name",
    "k8s.pod.name", "k8s.pod.uid", "os.build_id", "os.description", "process.command_line", "process.owner",
    "service.name", "service.namespace", "session.id", "tbot.cluster", "telemetry.sdk.name",
)  # fmt: skip


def word(place: str) -> str:
    """Return the word that stands for a place."""
    return str(json.loads(os.environ["PLANTED"])[place])


class CanaryDetector(ResourceDetector):
    """Detects who and where this is."""

    def detect(self) -> Resource:
        """Return a word for each attribute."""
        return Resource({name: f"{word('detected resource')} {name}" for name in _TOLD})
