"""The other end of tbot's own sending: receives the events of unmodified tbots, and exports them as OTLP.

    tbot --HTTP, Connect--> connection -> application -> service -> batches --pipe--> exporter --OTLP--> backend

An event is acknowledged once the backend has accepted it, and not before: nothing acknowledged can be lost here.
"""
