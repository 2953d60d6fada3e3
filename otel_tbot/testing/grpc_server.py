"""The gRPC server: takes messages as bytes, so that a test can inspect exactly what was sent."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

import grpc

from otel_tbot.testing.otlp_messages import SIGNALS, decode_protobuf
from otel_tbot.testing.received import ReceivedRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from otel_tbot.testing.inbox import Inbox
    from otel_tbot.testing.otlp_messages import Signal

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")

# This many calls can wait out a delay at once; the next one waits for its turn.
_MAX_THREADS = 16


class GRPCServer:
    """Serves OTLP/gRPC on a free port of 127.0.0.1.

    Attributes:
        port: the port.
    """

    def __init__(self, inbox: Inbox, *, tls: grpc.ServerCredentials | None, max_body_bytes: int) -> None:
        """Bind the port."""
        self._threads = ThreadPoolExecutor(_MAX_THREADS, thread_name_prefix="otlp-receiver-grpc")
        self._server = grpc.server(
            self._threads,
            handlers=[_handler(signal, inbox) for signal in SIGNALS],
            interceptors=[_CallCounter(inbox)],
            options=[
                ("grpc.max_receive_message_length", max_body_bytes),
                ("grpc.so_reuseport", 0),  # no other process may share the port and take requests
            ],
        )
        address = "127.0.0.1:0"
        self.port = (
            self._server.add_insecure_port(address) if tls is None else self._server.add_secure_port(address, tls)
        )

    def start(self) -> None:
        """Start to accept calls."""
        self._server.start()

    def stop(self) -> None:
        """End all calls and threads, and free the port."""
        self._server.stop(grace=None).wait()
        self._threads.shutdown()


class _CallCounter(grpc.ServerInterceptor):
    """Counts calls, including those of unknown methods."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler[RequestT, ResponseT] | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[RequestT, ResponseT] | None:
        self._inbox.count_connection()
        return continuation(handler_call_details)


def _handler(signal: Signal, inbox: Inbox) -> grpc.GenericRpcHandler:
    """Build the service that receives a signal."""
    path = f"/{signal.grpc_service}/Export"

    def export(body: bytes, context: grpc.ServicerContext) -> bytes:
        try:
            message = decode_protobuf(signal, body)
        except ValueError as error:
            inbox.count_malformed()
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        request = ReceivedRequest(
            signal=signal.name,
            protocol="grpc",
            path=path,
            headers=_join_metadata(context.invocation_metadata()),
            body=body,
            message=message,
        )
        reply = inbox.receive(request)
        if inbox.stopping.wait(reply.wait_seconds):
            context.abort(grpc.StatusCode.UNAVAILABLE, "the receiver was stopped")
        context.set_trailing_metadata(tuple((name.lower(), value) for name, value in reply.headers.items()))
        if reply.code is not grpc.StatusCode.OK:
            context.abort(reply.code, reply.error_message or reply.code.name)
        if reply.body is not None:
            return reply.body
        return signal.response(reply.rejected, reply.error_message).SerializeToString()

    # Without a deserializer and a serializer, bytes come in and go out.
    return grpc.method_handlers_generic_handler(
        signal.grpc_service, {"Export": grpc.unary_unary_rpc_method_handler(export)}
    )


def _join_metadata(metadata: Iterable[tuple[str, str | bytes]]) -> Mapping[str, str]:
    """Return each name once, and binary values in base64, as they are sent."""
    joined: dict[str, str] = {}
    for name, value in metadata:
        text = value if isinstance(value, str) else base64.b64encode(value).decode("ascii")
        joined[name] = f"{joined[name]}, {text}" if name in joined else text
    return MappingProxyType(joined)
