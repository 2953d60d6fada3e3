"""`otel-tbot report`: reads stored events and answers with tables and pictures. Needs the extra `report`."""
