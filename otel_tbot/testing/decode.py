"""From the bytes of a request to its message: the step that protobuf over gRPC, over HTTP and JSON have in common."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from google.protobuf.message import DecodeError

from otel_tbot.otlp_json import from_otlp_json

if TYPE_CHECKING:
    from otel_tbot.testing.signals import ExportRequest, Signal


def decode_protobuf(signal: Signal, data: bytes) -> ExportRequest:
    """Read a request in protobuf's binary form.

    Raises:
        ValueError: the bytes are no such request.
    """
    message = signal.request_type()
    try:
        message.ParseFromString(data)
    except DecodeError as error:
        reason = f"the body is no {signal.request_type.__name__} in protobuf"
        raise ValueError(reason) from error
    return message


def decode_json(signal: Signal, data: bytes) -> ExportRequest:
    """Read a request in OTLP/JSON.

    Raises:
        ValueError: the bytes are no such request.
    """
    try:
        document = json.loads(data)
    except RecursionError as error:
        reason = "the body is nested too deeply"
        raise ValueError(reason) from error
    return from_otlp_json(document, signal.request_type)
