"""The two encodings of tbot's message. Each counts submissions with fields that this version does not know.

A newer tbot may send more fields. They are dropped and counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connectrpc.code import Code
from connectrpc.codec import proto_binary_codec, proto_json_codec
from connectrpc.errors import ConnectError

if TYPE_CHECKING:
    from connectrpc.codec import Codec
    from protobuf import Message

    from otel_tbot.receiver.metrics import Counters

# tbot's message has two. The library's JSON parser is recursive, and crashes the process at a depth of about
# ten thousand.
_MAX_BRACKETS = 256


class _CountingCodec:
    """Wraps a codec of the library."""

    def __init__(self, codec: Codec[Any, Any], counters: Counters) -> None:
        self._codec = codec
        self._counters = counters

    def name(self) -> str:
        return self._codec.name()

    def encode(self, message: Message) -> bytes:
        return self._codec.encode(message)


class _BinaryCodec(_CountingCodec):
    def decode(self, data: bytes | bytearray, message_class: type[Any]) -> Any:  # noqa: ANN401  the codec's interface
        message = self._codec.decode(data, message_class)
        # With equal length nothing was dropped. A different one may also come from defaults that were sent explicitly.
        known = len(message.to_binary(write_unknown_fields=False))
        if known != len(data) and known != len(message.to_binary()):
            self._counters.unknown_fields += 1
        return message


class _JSONCodec(_CountingCodec):
    def __init__(self, counters: Counters) -> None:
        super().__init__(proto_json_codec(), counters)
        self._strict = proto_json_codec(ignore_unknown_fields=False)

    def decode(self, data: bytes | bytearray, message_class: type[Any]) -> Any:  # noqa: ANN401  the codec's interface
        if data.count(b"[") + data.count(b"{") > _MAX_BRACKETS:
            raise ConnectError(Code.INVALID_ARGUMENT, "too many lists and objects for an event")
        try:
            return self._strict.decode(data, message_class)
        except Exception:  # noqa: BLE001  the library's errors have no common type; the next line raises a real error
            message = self._codec.decode(data, message_class)
        self._counters.unknown_fields += 1
        return message


def counting_codecs(counters: Counters) -> list[Codec[Any, Any]]:
    """Return the codecs for protobuf and for its JSON form."""
    return [_BinaryCodec(proto_binary_codec(), counters), _JSONCodec(counters)]
