"""Delivery by OTLP: settings, one client, and its transports HTTP and gRPC. Knows nothing about the event."""
