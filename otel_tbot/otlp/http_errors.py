"""What an error of requests means, in our words: the library's text repeats the URL, which may contain credentials."""

from __future__ import annotations

import http.client
import socket
from typing import TYPE_CHECKING

import requests

from otel_tbot.otlp.failure_reason import CLOSED, HOST_NOT_FOUND, NO_CONNECTION, NOT_HTTP, REFUSED, TLS_FAILED

if TYPE_CHECKING:
    from collections.abc import Iterator

# Subclasses first: some of these are ConnectionErrors, and all are OSErrors.
ERROR_MESSAGES: tuple[tuple[type[BaseException], str], ...] = (
    (requests.exceptions.ProxyError, "the proxy could not be reached"),
    (requests.exceptions.SSLError, TLS_FAILED),
    (requests.exceptions.ConnectTimeout, "no connection to the backend within the timeout"),
    (requests.exceptions.Timeout, "no response from the backend within the timeout"),
    (requests.exceptions.InvalidSchema, "the proxy is SOCKS, for which the package PySocks is not installed"),
    (requests.exceptions.RequestException, "the request could not be built: check the endpoint and the headers"),
    (OSError, "a certificate or key file cannot be used"),
    (BaseException, "the request could not be sent"),
)


# The causes of a connection error of requests, subclasses first.
CONNECTION_ERRORS: tuple[tuple[type[BaseException], str], ...] = (
    (ConnectionRefusedError, REFUSED),
    (socket.gaierror, HOST_NOT_FOUND),
    (ConnectionError, CLOSED),
    (http.client.IncompleteRead, CLOSED),
    (http.client.HTTPException, NOT_HTTP),
)


def describe_error(error: Exception) -> str:
    """Return the reason of a failed request, as one line."""
    if type(error) is requests.exceptions.ConnectionError:
        causes = list(_causes(error))
        found = (message for kind, message in CONNECTION_ERRORS for cause in causes if isinstance(cause, kind))
        return next(found, NO_CONNECTION)
    return next(message for kind, message in ERROR_MESSAGES if isinstance(error, kind))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        # Those of requests are OSErrors, but not causes.
        if not isinstance(error, requests.exceptions.RequestException):
            yield error
        error = error.__cause__ or error.__context__
