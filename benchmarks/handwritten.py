"""The reference for `emit`: a hand-written script that reports a start of tbot to OpenTelemetry.

Reads the same file with the same library, and sends one log record. Arguments: the protocol and the file.
"""

import sys
import time

import yaml
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource

if sys.argv[1] == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
else:
    from opentelemetry.exporter.otlp.proto.http._log_exporter import (  # type: ignore[assignment]  # one of the two
        OTLPLogExporter,
    )

with open(sys.argv[2], "rb") as file:  # noqa: PTH123  as most people write it
    configuration = yaml.load(file, Loader=yaml.CSafeLoader)
provider = LoggerProvider(resource=Resource({"service.name": "tbot"}))
provider.add_log_record_processor(SimpleLogRecordProcessor(OTLPLogExporter()))
provider.get_logger("tbot").emit(
    LogRecord(
        timestamp=time.time_ns(),
        severity_number=SeverityNumber.INFO,
        event_name="tbot.start",
        attributes={
            "tbot.run_mode": "daemon",
            "tbot.join_type": configuration["onboarding"]["join_method"],
            "tbot.destinations_other": len(configuration["services"]),
        },
    )
)
provider.shutdown()
