"""YAML as tbot reads it (Go's yaml.v3), in bounded time and memory."""
