"""Reports the starts of two bots, each with its own session, through a pipeline that this program builds."""

from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

import otel_tbot

exporter = otel_tbot.AnonymousLogExporter(OTLPLogExporter())
provider = LoggerProvider()
provider.add_log_record_processor(otel_tbot.OptInLogRecordProcessor(BatchLogRecordProcessor(exporter)))

for command in (["tbot", "start", "identity"], ["tbot", "start", "database-tunnel"]):
    event = otel_tbot.StartEvent.from_command(command, version="18.2.3")
    otel_tbot.emit(event, session=otel_tbot.Session(), logger_provider=provider)

provider.shutdown()
