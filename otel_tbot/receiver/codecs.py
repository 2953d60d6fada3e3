"""The two encodings of tbot's message, each with a count of the submissions that hold fields unknown to this version.

A newer tbot may send more than this version knows. What is unknown is dropped; that there was something is counted.
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

# tbot's message has two. The library's JSON parser calls itself for each that is nested, and takes the process with
# it where the stack ends, some ten thousand deep.
_MOST_BRACKETS = 256


class _Counting:
    """A codec of the library, with what both encodings have in common."""

    def __init__(self, codec: Codec[Any, Any], counters: Counters) -> None:
        self._codec = codec
        self._counters = counters

    def name(self) -> str:
        return self._codec.name()

    def encode(self, message: Message) -> bytes:
        return self._codec.encode(message)


class _Binary(_Counting):
    def decode(self, data: bytes | bytearray, message_class: type[Any]) -> Any:  # noqa: ANN401  the codec's interface
        message = self._codec.decode(data, message_class)
        # Of equal length: nothing was dropped. Else it may also be that the sender spelled out a default.
        known = len(message.to_binary(write_unknown_fields=False))
        if known != len(data) and known != len(message.to_binary()):
            self._counters.unknown_fields += 1
        return message


class _JSON(_Counting):
    def __init__(self, counters: Counters) -> None:
        super().__init__(proto_json_codec(), counters)
        self._strict = proto_json_codec(ignore_unknown_fields=False)

    def decode(self, data: bytes | bytearray, message_class: type[Any]) -> Any:  # noqa: ANN401  the codec's interface
        if data.count(b"[") + data.count(b"{") > _MOST_BRACKETS:
            raise ConnectError(Code.INVALID_ARGUMENT, "too many lists and objects for an event")
        try:
            return self._strict.decode(data, message_class)
        except Exception:  # noqa: BLE001  the library's errors have no common type; the next line raises what is one
            message = self._codec.decode(data, message_class)
        self._counters.unknown_fields += 1
        return message


def counting_codecs(counters: Counters) -> list[Codec[Any, Any]]:
    """Return the codecs: protobuf's binary form, and its JSON."""
    return [_Binary(proto_binary_codec(), counters), _JSON(counters)]
