"""The body of an HTTP error: OTLP demands a `google.rpc.Status` in the encoding of the request."""

from __future__ import annotations

import json as json_module

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsPartialSuccess

from otel_tbot.testing.reply import grpc_code_of


def error_body(status: int, message: str, *, json: bool) -> bytes:
    """Encode what went wrong.

    Args:
        status: the HTTP status of the answer.
        message: what to say; empty for the bare status.
        json: whether in JSON; else in protobuf's binary form.
    """
    code: int = grpc_code_of(status).value[0]
    message = message or f"HTTP status {status}"
    if json:
        return json_module.dumps({"code": code, "message": message}).encode()
    # The generated google.rpc.Status is no part of the OTLP package. This message is its twin on the wire: field 1 is
    # an integer and field 2 a string.
    return ExportLogsPartialSuccess(rejected_log_records=code, error_message=message).SerializeToString()
