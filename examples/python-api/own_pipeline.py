"""Reports the starts of two bots, each with its own session, through a pipeline that this program builds."""

from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

import otel_tbot

exporter = otel_tbot.AnonymousLogExporter(OTLPLogExporter())
provider = LoggerProvider()
provider.add_log_record_processor(otel_tbot.OptInLogRecordProcessor(BatchLogRecordProcessor(exporter)))

consent = otel_tbot.consent()
print("consent is", "on:" if consent else "off:", consent.reason)
for command in (["tbot", "start", "identity"], ["tbot", "start", "database-tunnel"]):
    event = otel_tbot.StartEvent.from_command(command, version="18.2.3")
    session = otel_tbot.Session()
    otel_tbot.emit(event, session=session, logger_provider=provider)
    print("emitted" if consent else "not emitted:", " ".join(command), "in session", session.id)

# Sends what was emitted; failures are reported on stderr.
provider.shutdown()
