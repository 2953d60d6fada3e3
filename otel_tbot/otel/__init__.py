"""What OpenTelemetry loads: exporters, sampler, log processor, resource detector, and the transport behind them.

The SDK imports these modules inside a host application's start: requests, grpc and protobuf are imported only when
something is about to be sent.
"""
