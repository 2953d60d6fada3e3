"""A real OTLP backend in the process of a test: what a helper of tbot sends can be inspected, byte for byte.

```python
from otel_tbot.testing import OTLPReceiver, Reply

with OTLPReceiver() as receiver:
    my_helper.start_tbot(endpoint=receiver.http_endpoint)
    receiver.wait_for_requests(1)
    assert receiver.log_records[0].attributes["tbot.helper"] == "cli:my-helper"

    receiver.reply(Reply(status=503), Reply())  # fail once, then accept again
```
"""

from otel_tbot.testing.received import ReceivedLogRecord, ReceivedRequest, ReceivedSpan
from otel_tbot.testing.receiver import OTLPReceiver
from otel_tbot.testing.reply import Reply
from otel_tbot.testing.tls import TLS

__all__ = ["TLS", "OTLPReceiver", "ReceivedLogRecord", "ReceivedRequest", "ReceivedSpan", "Reply"]
