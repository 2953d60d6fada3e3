"""How a receiver answers: it accepts everything by default, or produces a fault."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from threading import TIMEOUT_MAX
from typing import TYPE_CHECKING

import grpc

if TYPE_CHECKING:
    from collections.abc import Mapping

# The OpenTelemetry Collector's mapping of HTTP statuses; 413, 500 and 501 map to the codes of the same meaning. The
# retryable statuses of the OTLP specification (429, 502, 503, 504) map to codes that are retryable over gRPC.
_GRPC_CODES: dict[int, grpc.StatusCode] = {
    HTTPStatus.BAD_REQUEST: grpc.StatusCode.INVALID_ARGUMENT,
    HTTPStatus.UNAUTHORIZED: grpc.StatusCode.UNAUTHENTICATED,
    HTTPStatus.FORBIDDEN: grpc.StatusCode.PERMISSION_DENIED,
    HTTPStatus.NOT_FOUND: grpc.StatusCode.UNIMPLEMENTED,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: grpc.StatusCode.RESOURCE_EXHAUSTED,
    HTTPStatus.TOO_MANY_REQUESTS: grpc.StatusCode.RESOURCE_EXHAUSTED,
    HTTPStatus.INTERNAL_SERVER_ERROR: grpc.StatusCode.INTERNAL,
    HTTPStatus.NOT_IMPLEMENTED: grpc.StatusCode.UNIMPLEMENTED,
    HTTPStatus.BAD_GATEWAY: grpc.StatusCode.UNAVAILABLE,
    HTTPStatus.SERVICE_UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT: grpc.StatusCode.UNAVAILABLE,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """A response of a receiver. `Reply()` accepts everything.

    Attributes:
        status: the HTTP status, 200 to 599. Over gRPC, the code for it: 400 INVALID_ARGUMENT,
            401 UNAUTHENTICATED, 403 PERMISSION_DENIED, 404 and 501 UNIMPLEMENTED, 413 and 429 RESOURCE_EXHAUSTED,
            500 INTERNAL, 502, 503 and 504 UNAVAILABLE, 2xx OK, any other UNKNOWN.
        grpc_code: the gRPC status code, if it should not follow from `status`.
        delay: seconds between request and response, `math.inf` for never. `OTLPReceiver.stop()` ends the wait without
            a response.
        redirect: the header `Location`, with status 307 unless `status` is another 3xx. gRPC has no redirects, so a
            call ends with UNKNOWN.
        drop: close the connection instead of answering. Over gRPC the call ends with UNAVAILABLE, as after a lost
            connection.
        rejected: how many log records or spans the response says were rejected (`partial_success`).
        error_message: the reason in `partial_success`, without `rejected` a warning; for an error status, the error's
            message.
        headers: further HTTP headers, or trailing gRPC metadata, such as `Retry-After` or `Set-Cookie`. They replace
            the receiver's headers of the same name. Bytes are for binary metadata, whose names end in `-bin`.
        body: the body, over gRPC the message, instead of the correct one.

    Raises:
        ValueError: a number is out of range, or a redirect has a status other than 3xx.
    """

    status: int = 200
    grpc_code: grpc.StatusCode | None = None
    delay: float = 0
    redirect: str | None = None
    drop: bool = False
    rejected: int = 0
    error_message: str = ""
    headers: Mapping[str, str | bytes] = field(default_factory=dict)
    body: bytes | None = None

    def __post_init__(self) -> None:
        """Check the values."""
        if not 200 <= self.status <= 599:  # noqa: PLR2004  the range of final HTTP statuses
            message = f"status is {self.status}: use one from 200 to 599"
            raise ValueError(message)
        if not self.delay >= 0:  # also rejects nan, which does not compare with 0
            message = f"delay is {self.delay}: use 0 or more seconds"
            raise ValueError(message)
        if self.rejected < 0:
            message = f"rejected is {self.rejected}: use 0 or more"
            raise ValueError(message)
        if self.redirect is not None and self.status != HTTPStatus.OK and self.status // 100 != 3:  # noqa: PLR2004
            message = f"status is {self.status}, which does not redirect: use 3xx, or leave it out"
            raise ValueError(message)

    @property
    def http_status(self) -> int:
        """The HTTP status that is sent."""
        if self.redirect is not None and self.status == HTTPStatus.OK:
            return HTTPStatus.TEMPORARY_REDIRECT
        return self.status

    @property
    def code(self) -> grpc.StatusCode:
        """The gRPC status code that is sent."""
        if self.grpc_code is not None:
            return self.grpc_code
        if self.drop:
            return grpc.StatusCode.UNAVAILABLE
        return grpc_code_of(self.http_status)

    @property
    def wait_seconds(self) -> float:
        """The delay, limited to what this platform can wait."""
        return min(self.delay, TIMEOUT_MAX)


def grpc_code_of(status: int) -> grpc.StatusCode:
    """Return the gRPC status code for an HTTP status."""
    if status // 100 == 2:  # noqa: PLR2004  the class of success
        return grpc.StatusCode.OK
    return _GRPC_CODES.get(status, grpc.StatusCode.UNKNOWN)
