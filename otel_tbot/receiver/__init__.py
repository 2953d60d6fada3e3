"""`otel-tbot serve`: receives the events of unmodified tbots, and exports them as OTLP.

    tbot --HTTP, Connect--> http_protocol -> app -> service -> batch_queue --pipe--> exporter_process --OTLP--> backend

An event is acknowledged only after the backend has accepted it: nothing acknowledged can be lost here.
"""
