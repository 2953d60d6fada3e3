"""Prints the SDK's configured sampler and resource as JSON."""

from __future__ import annotations

import json

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import get_tracer_provider


def main() -> None:
    """Print them; for a provider that is not the SDK's, print nothing."""
    provider = get_tracer_provider()
    if isinstance(provider, TracerProvider):
        shown = {"sampler": provider.sampler.get_description(), "resource": dict(provider.resource.attributes)}
        print(json.dumps(shown))  # noqa: T201  the result


if __name__ == "__main__":
    main()
