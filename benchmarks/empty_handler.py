"""The baseline of `serve`: a handler that only waits, with the same library and server.

`python -m benchmarks.empty_handler PORT`
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import uvicorn

from otel_tbot.receiver.wire.tbot_connect import TbotReportingService, TbotReportingServiceASGIApplication
from otel_tbot.receiver.wire.tbot_pb import SubmitTbotEventResponse

if TYPE_CHECKING:
    from connectrpc.request import RequestContext

    from otel_tbot.receiver.wire.tbot_pb import SubmitTbotEventRequest

_AS_LONG_AS_A_BATCH = 0.01  # seconds


class _Empty(TbotReportingService):
    async def submit_tbot_event(
        self,
        request: SubmitTbotEventRequest,  # noqa: ARG002  the interface
        ctx: RequestContext[SubmitTbotEventRequest, SubmitTbotEventResponse],  # noqa: ARG002  the interface
    ) -> SubmitTbotEventResponse:
        await asyncio.sleep(_AS_LONG_AS_A_BATCH)
        return SubmitTbotEventResponse()


if __name__ == "__main__":
    application = TbotReportingServiceASGIApplication(_Empty())
    uvicorn.run(application, host="127.0.0.1", port=int(sys.argv[1]), log_level="error", access_log=False)
