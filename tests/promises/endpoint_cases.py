"""Settings of endpoint, protocol and signal, and the destination that `preview` shows for each."""

from __future__ import annotations

from typing import NamedTuple


# {http} and {grpc} are the endpoints of the first backend, {http2} and {grpc2} those of the second, {host2} is its gRPC
# address without a scheme, and {http_host} is the HTTP address of the first.
class Destination(NamedTuple):
    """Variables and options that choose a destination.

    Attributes:
        shown: the destination as `preview` shows it.
        variables: the variables, without the prefix `OTEL_EXPORTER_OTLP_`.
        options: the options.
        signal: the signal that must arrive.
        arrives: the destination where the event must arrive, if `shown` differs from it.
    """

    shown: str
    variables: dict[str, str]
    options: tuple[str, ...] = ()
    signal: str = "logs"
    arrives: str = ""


GRPC = {"PROTOCOL": "grpc", "ENDPOINT": "{grpc}"}
HTTP = {"ENDPOINT": "{http}"}
DESTINATIONS = {
    "the general endpoint": Destination("{http}/v1/logs (http/protobuf)", HTTP),
    "the same for a span": Destination("{http}/v1/traces (http/protobuf)", HTTP, ("--signal", "traces"), "traces"),
    "with a slash": Destination("{http}/v1/logs (http/protobuf)", {"ENDPOINT": "{http}/"}),
    "with spaces around": Destination("{http}/v1/logs (http/protobuf)", {"ENDPOINT": " {http} "}),
    "the protocol named": Destination("{http}/v1/logs (http/protobuf)", {**HTTP, "PROTOCOL": "http/protobuf"}),
    "an endpoint for log records": Destination(
        "{http2}/v1/logs (http/protobuf)", {**HTTP, "LOGS_ENDPOINT": "{http2}/v1/logs"}
    ),
    "an endpoint for spans, not for log records": Destination(
        "{http}/v1/logs (http/protobuf)", {**HTTP, "TRACES_ENDPOINT": "{http2}/v1/traces"}
    ),
    "an endpoint for spans": Destination(
        "{http2}/v1/traces (http/protobuf)",
        {**HTTP, "TRACES_ENDPOINT": "{http2}/v1/traces"},
        ("--signal=traces",),
        "traces",
    ),
    "an empty endpoint for log records": Destination("{http}/v1/logs (http/protobuf)", {**HTTP, "LOGS_ENDPOINT": ""}),
    "gRPC": Destination("{grpc} (grpc)", GRPC),
    "gRPC for a span": Destination("{grpc} (grpc)", GRPC, ("--signal", "traces"), "traces"),
    "gRPC for log records only": Destination(
        "{grpc2} (grpc)", {**HTTP, "LOGS_PROTOCOL": "grpc", "LOGS_ENDPOINT": "{grpc2}"}
    ),
    "HTTP for spans only": Destination(
        "{http2}/v1/traces (http/protobuf)",
        {**GRPC, "TRACES_PROTOCOL": "http/protobuf", "TRACES_ENDPOINT": "{http2}/v1/traces"},
        ("--signal", "traces"),
        "traces",
    ),
    "gRPC without a scheme": Destination(
        "{host2} (grpc)", {"PROTOCOL": "grpc", "ENDPOINT": "{host2}", "INSECURE": "true"}, arrives="{grpc2} (grpc)"
    ),
    "compressed": Destination("{http}/v1/logs (http/protobuf)", {**HTTP, "COMPRESSION": "gzip"}),
    "compressed, over gRPC": Destination("{grpc} (grpc)", {**GRPC, "COMPRESSION": "gzip"}),
    "with a header": Destination("{http}/v1/logs (http/protobuf)", {**HTTP, "HEADERS": "api-key=canary"}),
    "with credentials, which are not shown": Destination(
        "http://***@{http_host}/v1/logs (http/protobuf)",
        {"ENDPOINT": "http://user:canary@{http_host}"},
        arrives="{http}/v1/logs (http/protobuf)",
    ),
}
