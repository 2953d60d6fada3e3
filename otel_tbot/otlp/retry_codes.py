"""The gRPC failures after which an export may be retried, as set by a variable of OpenTelemetry's exporter for Python.

The exporter itself fails if it cannot read that variable. Does not import gRPC.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE = "OTEL_PYTHON_EXPORTER_OTLP_GRPC_RETRYABLE_ERROR_CODES"
# OpenTelemetry specification, "OTLP/gRPC Response".
DEFAULT_CODES = (
    "CANCELLED",
    "DEADLINE_EXCEEDED",
    "RESOURCE_EXHAUSTED",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNAVAILABLE",
    "DATA_LOSS",
)
_OTHER_CODES = (
    "OK",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "FAILED_PRECONDITION",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAUTHENTICATED",
)


def retryable_codes(environ: Mapping[str, str]) -> tuple[tuple[str, ...], str]:
    """Return the names of the status codes, and a note if the variable cannot be used.

    Args:
        environ: the variables.
    """
    names = tuple(name.strip().upper() for name in environ.get(VARIABLE, "").split(",") if name.strip())
    if {*names} <= {*DEFAULT_CODES, *_OTHER_CODES}:
        return names or DEFAULT_CODES, ""
    return DEFAULT_CODES, f"{VARIABLE} must name gRPC status codes, such as UNAVAILABLE,ABORTED: it counts as unset"
