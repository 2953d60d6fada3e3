"""What one connection may take, decided without input or output: bytes of headers and framing, and requests.

The protocol reports what the parser finds; this decides when headers are overdue and when a connection takes too much.
"""

from __future__ import annotations

HEADERS_TIMEOUT = 5.0  # seconds from the connection, or the first byte of the next request, to the end of its headers
MAX_UNFINISHED_HEADER_BYTES = 64 * 1024  # more in one piece is rejected by the application
MAX_FRAMING_BYTES = 64 * 1024  # bytes after a request's headers that are not its body: chunk sizes, trailers
MAX_PIPELINED = 16  # requests that wait for the one before them


class RequestLimits:
    """The state of one connection's input.

    Attributes:
        in_headers: whether the headers of a request have begun and not ended.
        awaiting_headers: whether the time for headers is running.
        between_requests: whether the last request is complete and no other has begun.
    """

    def __init__(self) -> None:
        self.in_headers = False
        self.awaiting_headers = False
        self.between_requests = False
        self._request_began = False
        self._was_between_requests = False
        self._unfinished_header_bytes = 0
        self._framing_bytes = 0

    def start_waiting_for_headers(self) -> None:
        """Start the time for headers."""
        self.awaiting_headers = True
        self._unfinished_header_bytes = 0

    def stop_waiting_for_headers(self) -> None:
        """Stop the time for headers: they are complete, or the connection is closed."""
        self.awaiting_headers = False
        self._unfinished_header_bytes = 0

    def before_parsing(self, size: int) -> None:
        """Note that bytes arrived, before the parser sees them.

        Args:
            size: how many.
        """
        self._was_between_requests, self._request_began = self.between_requests, False
        self._framing_bytes += size

    def after_parsing(self, size: int, *, response_complete: bool) -> bool:
        """Note that the parser has seen these bytes.

        Args:
            size: how many.
            response_complete: whether the last request has been answered.

        Returns:
            Whether the time for headers must begin.
        """
        # Empty lines do not start a request, but would keep an idle connection open.
        only_empty_lines = self._was_between_requests and not self._request_began and response_complete
        must_wait = not self.awaiting_headers and (self.in_headers or only_empty_lines)
        if self.awaiting_headers:
            self._unfinished_header_bytes += size
        if self._request_began or self.between_requests:
            self._framing_bytes = 0  # these bytes belonged to another request, or this one is complete
        return must_wait

    def request_began(self) -> None:
        """Note the beginning of a request."""
        self._request_began = self.in_headers = True
        self.between_requests = False

    def headers_complete(self) -> None:
        """Note the end of the headers."""
        self.in_headers = False

    def body_received(self, size: int) -> None:
        """Note a part of the body.

        Args:
            size: its size in bytes.
        """
        self._framing_bytes -= size

    def request_complete(self) -> None:
        """Note the end of a request."""
        self.between_requests = True

    @property
    def exceeded(self) -> bool:
        """Whether the connection takes too much and must be closed."""
        return self._unfinished_header_bytes > MAX_UNFINISHED_HEADER_BYTES or self._framing_bytes > MAX_FRAMING_BYTES
