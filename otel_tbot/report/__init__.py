"""`otel-tbot report`: reads stored events and prints tables and charts. Needs the extra `report`."""
