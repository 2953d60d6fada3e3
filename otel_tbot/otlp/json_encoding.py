"""OTLP's JSON, which is protobuf's JSON except for two rules: ids are hexadecimal, and enums are numbers.

`google.protobuf.json_format` alone corrupts ids silently: it reads their hexadecimal digits as base64.
Source: OpenTelemetry protocol specification, JSON Protobuf Encoding.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import zlib
from typing import TYPE_CHECKING, Any, TypeVar

from google.protobuf.json_format import MessageToDict, ParseDict, ParseError

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message

MessageT = TypeVar("MessageT", bound="Message")

# The second form is that of the .proto files, which every protobuf JSON parser must also accept. No OTLP message has a
# map, so these are always the names of fields and never those of a user's attributes.
_ID_FIELDS = frozenset({"traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id"})

_COMPRESS: dict[str, Callable[[bytes], bytes]] = {"none": bytes, "gzip": gzip.compress, "deflate": zlib.compress}


def to_otlp_json(message: Message) -> dict[str, Any]:
    """Convert an OTLP message to its value in OTLP/JSON.

    Args:
        message: any OTLP message: a request, a response, a log record, a span.

    Returns:
        A value for `json.dumps`: names in lowerCamelCase, ids in lower-case hexadecimal, enums as numbers, 64-bit
        numbers as strings, fields at their default left out.
    """
    document = MessageToDict(message, use_integers_for_enums=True)
    return {name: _convert_ids(value, _base64_to_hex, name) for name, value in document.items()}


def json_request(message: Message, compression: str) -> bytes:
    """Return the body of a request in OTLP/JSON.

    Args:
        message: the request.
        compression: `none`, `gzip` or `deflate`, as in `OTEL_EXPORTER_OTLP_COMPRESSION`.
    """
    return _COMPRESS[compression](json.dumps(to_otlp_json(message), separators=(",", ":")).encode())


def from_otlp_json(document: object, message_type: type[MessageT]) -> MessageT:
    """Convert a value that `json.loads` returned for OTLP/JSON to an OTLP message.

    Args:
        document: the value; unknown fields in it are ignored, as the specification requires.
        message_type: the class of the message, such as `ExportLogsServiceRequest`.

    Returns:
        A new message.

    Raises:
        ValueError: the value is not such a message.
    """
    if not isinstance(document, dict):
        message = f"{message_type.__name__} in OTLP/JSON must be an object, not {type(document).__name__}"
        raise ValueError(message)  # noqa: TRY004  wrong data, not a wrong call
    try:
        converted = {name: _convert_ids(value, _hex_to_base64, name) for name, value in document.items()}
        return ParseDict(converted, message_type(), ignore_unknown_fields=True)
    except (ParseError, RecursionError, SystemError) as error:  # the last is upb's for half a surrogate pair
        message = f"not a valid {message_type.__name__} in OTLP/JSON: {error}"
        raise ValueError(message) from error


def _convert_ids(value: object, convert: Callable[[str], str], field: str = "") -> object:
    """Copy a JSON value, with the ids in it converted."""
    if isinstance(value, dict):
        return {name: _convert_ids(inner, convert, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [_convert_ids(inner, convert) for inner in value]
    if isinstance(value, str) and field in _ID_FIELDS:
        return convert(value)
    return value


def _base64_to_hex(text: str) -> str:
    """Convert an id to the form of OTLP/JSON."""
    return base64.b64decode(text).hex()


def _hex_to_base64(text: str) -> str:
    """Convert an id to the form of protobuf: as of Python 3.15, only in the alphabet for URLs."""
    try:
        return base64.urlsafe_b64encode(binascii.unhexlify(text)).decode("ascii")
    except binascii.Error as error:
        message = f"an id in OTLP/JSON must be hexadecimal, but {text!r} is not"
        raise ValueError(message) from error
