"""Report a start to `otel-tbot serve` like tbot does, with a canary in every part of the request.

Needs the extra `serve`.
"""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING

from otel_tbot.receiver.wire.tbot_pb import TbotStartEvent
from tests.integration.receiver.http_client import GO, PATH, request, submit
from tests.integration.receiver.receiver_process import RunningReceiver

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_UNKNOWN_FIELD = 15  # a field number that tbot's message does not have
_LENGTH_DELIMITED = 2  # a wire type (protobuf, Encoding)


def report(signal: str, plant: Callable[[str], str], *, python: str, environ: Mapping[str, str], folder: str) -> int:
    """Run the receiver, report one start to it, and return its exit status.

    Args:
        signal: `logs` or `traces`.
        plant: returns the canary for a location.
        python: the interpreter of the receiver.
        environ: the variables of the receiver.
        folder: its working directory.
    """
    start = TbotStartEvent(
        run_mode=TbotStartEvent.RunMode.ONE_SHOT,
        version="18.2.3",
        join_type=plant("tbot's join type"),
        helper=f"{plant('helper that tbot names')} is its name",
        helper_version=plant("version of that helper"),
        destinations_other=2,
        destinations_database=1,
        destinations_kubernetes=1,
        destinations_application=1,
    )
    further = plant("field unknown to us").encode()
    # tbot generates a new session id at each start.
    message = request(start, session=str(uuid.uuid4()), at=int(time.time()))
    message += bytes([_UNKNOWN_FIELD << 3 | _LENGTH_DELIMITED, len(further)]) + further
    headers = {
        **GO,
        "User-Agent": f"connect-go/{plant('client of tbot')}",
        "Authorization": f"Bearer {plant('credentials of tbot')}",
        "Cookie": f"id={plant('cookie of tbot')}",
        "Forwarded": f"for={plant('address before the proxy')}",
        "X-Forwarded-For": plant("address before another proxy"),
        "Traceparent": f"00-{plant('trace of tbot')}-{plant('span of tbot')}-01",
        f"X-{plant('name of a header')}": plant("header of tbot"),
    }
    path = f"/{plant('prefix of the path')}{PATH}?{plant('query')}=1"
    with RunningReceiver("--signal", signal, variables=environ, strict=False, python=python, folder=folder) as running:
        answer = submit(running.port, message, headers, path=path)
        assert answer.status == 200, answer
        status = running.stop()
        assert running.summary["unknown_fields"] == 1
    return status
