"""What OpenTelemetry loads by entry point: exporters, sampler, log processor and resource detector.

The SDK imports these modules while a host application starts: requests, grpc and protobuf are imported only when
something is about to be sent.
"""
