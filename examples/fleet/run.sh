#!/bin/sh
# Starts a Collector and the receiver on this machine, and sends the events of three tbots through both.
# Requires otel-tbot with the extra `serve`, curl, and an OpenTelemetry Collector (path in OTELCOL; default: otelcol).
set -eu
cd "$(dirname "$0")"

COLLECTOR_PORT=${COLLECTOR_PORT:-4318}
RECEIVER_PORT=${RECEIVER_PORT:-4319}
export COLLECTOR_PORT

# The address that a tbot would get as TELEPORT_ANONYMOUS_TELEMETRY_ADDRESS.
address=http://127.0.0.1:$RECEIVER_PORT

stop() {
    # Stop the receiver first, so that it can still deliver what it has received.
    [ -z "${receiver:-}" ] || { kill "$receiver" 2>/dev/null && wait "$receiver"; } || true
    [ -z "${collector:-}" ] || { kill "$collector" 2>/dev/null && wait "$collector"; } || true
}
trap stop EXIT
trap 'exit 1' INT TERM

"${OTELCOL:-otelcol}" --config collector.yaml &
collector=$!

TELEPORT_ANONYMOUS_TELEMETRY=1 \
OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:$COLLECTOR_PORT \
    otel-tbot serve --listen "127.0.0.1:$RECEIVER_PORT" &
receiver=$!

# Ready means that the Collector accepts events from the receiver.
tries=0
until curl --silent --fail --output /dev/null "$address/readyz"; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || { echo "the receiver is not ready" >&2; exit 1; }
    sleep 0.2
done

# What a tbot sends, as JSON. With a real tbot:
#   TELEPORT_ANONYMOUS_TELEMETRY=1 TELEPORT_ANONYMOUS_TELEMETRY_ADDRESS=$address tbot start -c tbot.yaml
for session in 5f0c8a6e-8d0b-4c8e-9d0e-0a4f5f1f2b01 5f0c8a6e-8d0b-4c8e-9d0e-0a4f5f1f2b02 \
    5f0c8a6e-8d0b-4c8e-9d0e-0a4f5f1f2b03; do
    curl --silent --show-error --fail --output /dev/null \
        --header 'Content-Type: application/json' \
        --data "{\"distinctId\": \"$session\", \"start\": {
            \"runMode\": \"RUN_MODE_DAEMON\", \"version\": \"18.2.3\",
            \"joinType\": \"kubernetes\", \"destinationsKubernetes\": 1}}" \
        "$address/prehog.v1alpha.TbotReportingService/SubmitTbotEvent"
done
echo "three events acknowledged"
