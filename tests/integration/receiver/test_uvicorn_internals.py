"""The internals of uvicorn that the receiver relies on: these tests fail when they change."""

from __future__ import annotations

import hashlib
import importlib.metadata
import inspect
import sys
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(sys.version_info < (3, 11), reason="the receiver needs its extra")

MINOR = "0.54"  # of uvicorn, whose source the receiver was written against
ADVICE = (
    "read what uvicorn changed, adapt otel_tbot/receiver/http_protocol.py and server.py to it, then renew MINOR and "
    "FINGERPRINTS here and the pins of uvicorn in pyproject.toml and requirements/"
)
# The first digits of the SHA-256 of each source.
FINGERPRINTS = {
    "HttpToolsProtocol.__init__": "4f0899941034",
    "HttpToolsProtocol.connection_lost": "c91a4c9bf2e2",
    "HttpToolsProtocol.connection_made": "6efb565ff3d3",
    "HttpToolsProtocol.data_received": "010a7ae59a5d",
    "HttpToolsProtocol.on_body": "dba9c32aeba3",
    "HttpToolsProtocol.on_header": "65d62c044f61",
    "HttpToolsProtocol.on_headers_complete": "1ea8589acfad",
    "HttpToolsProtocol.on_message_begin": "96d377fdc7c2",
    "HttpToolsProtocol.on_message_complete": "1fbad42dc31f",
    "HttpToolsProtocol.on_response_complete": "64e254f28e38",
    "HttpToolsProtocol.pause_writing": "17a8fd215d96",
    "HttpToolsProtocol.resume_writing": "7844bbaa8cce",
    "HttpToolsProtocol.send_400_response": "ae5a4a3782b6",
    "HttpToolsProtocol.shutdown": "d7351fa33f00",
    "HttpToolsProtocol.timeout_keep_alive_handler": "8b53bf5f2e20",
    "RequestResponseCycle": "e67d470d435d",
    "Server.shutdown": "9b33c5056299",
}


def internals() -> dict[str, Any]:
    """Return the methods that the receiver overrides, and the class whose attributes it reads."""
    import uvicorn  # noqa: PLC0415  not installed on Python 3.10
    from uvicorn.protocols.http import httptools_impl  # noqa: PLC0415

    from otel_tbot.receiver.http_protocol import LimitedHttpProtocol  # noqa: PLC0415

    base = httptools_impl.HttpToolsProtocol
    overridden = {
        name for name in vars(LimitedHttpProtocol) if name in vars(base) and inspect.isfunction(vars(base)[name])
    }
    found = {f"HttpToolsProtocol.{name}": getattr(base, name) for name in overridden}
    return found | {
        "RequestResponseCycle": httptools_impl.RequestResponseCycle,
        "Server.shutdown": uvicorn.Server.shutdown,
    }


def test_source_is_unchanged() -> None:
    """The source of each method that the receiver overrides is unchanged since it was reviewed."""
    found = {
        name: hashlib.sha256(inspect.getsource(one).encode()).hexdigest()[:12] for name, one in internals().items()
    }
    changed = sorted(name for name in found.keys() | FINGERPRINTS if found.get(name) != FINGERPRINTS.get(name))
    version = importlib.metadata.version("uvicorn")
    assert not changed, f"uvicorn {version} is not the one that was read: {', '.join(changed)} differ; {ADVICE}"


def test_one_minor_is_allowed() -> None:
    """The extra allows only that minor release, and it is installed."""
    required = [one for one in importlib.metadata.requires("otel-tbot") or () if one.startswith("uvicorn")]
    assert [one.partition(";")[0] for one in required] == [f"uvicorn~={MINOR}.0"], ADVICE
    assert importlib.metadata.version("uvicorn").startswith(f"{MINOR}."), ADVICE
