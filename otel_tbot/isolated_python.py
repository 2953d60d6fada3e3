"""What our own programs do so that no variable and no working directory brings code of others into their processes.

OpenTelemetry loads resource detectors, contexts and credential providers that `OTEL_*` variables name, and Python's TLS
writes keys to a file that `SSLKEYLOGFILE` names. A host's process is the host's own; none of this is for it.
"""

from __future__ import annotations

import os
import re
import sys

# The settings of this package, which name no code.
_SETTINGS = re.compile(
    "OTEL_(SDK_DISABLED|TBOT_SIGNAL|METRICS_EXPORTER|METRIC_EXPORT_(INTERVAL|TIMEOUT)"
    "|PYTHON_EXPORTER_OTLP_GRPC_RETRYABLE_ERROR_CODES"
    "|EXPORTER_OTLP_((LOGS|TRACES|METRICS)_)?(PROTOCOL|ENDPOINT|HEADERS|TIMEOUT|COMPRESSION|CERTIFICATE|CLIENT_KEY"
    "|CLIENT_CERTIFICATE|INSECURE|METRICS_(TEMPORALITY_PREFERENCE|DEFAULT_HISTOGRAM_AGGREGATION)))"
)


def isolate_environment() -> dict[str, str]:
    """Remove from this process's environment what could load code or write keys.

    Must be called before OpenTelemetry is imported.

    Returns:
        The environment as it was, for tbot.
    """
    before = dict(os.environ)
    for name in before:
        if (name.startswith("OTEL_") and not _SETTINGS.fullmatch(name)) or name == "SSLKEYLOGFILE":
            del os.environ[name]
    return before


def python_command(module: str, *arguments: str) -> list[str]:
    """Return the command that runs `main` of one of our modules in a Python process of its own.

    It finds the modules that this process finds, but none in the working directory, and no `PYTHON*` variable counts.

    Args:
        module: the module's full name.
        arguments: texts that `main` is called with.
    """
    if getattr(sys, "frozen", False):
        from otel_tbot.frozen_program import RUN_MODULE  # noqa: PLC0415  in no other program

        return [sys.executable, RUN_MODULE, module, *arguments]
    places = [place for place in sys.path if os.path.isabs(place)]  # noqa: PTH117  pathlib costs more to import
    code = f"import sys; sys.path[:] = {places!r}; from {module} import main; main(*{arguments!r})"
    byte_code = ["-B"] if sys.dont_write_bytecode else []
    if sys.pycache_prefix is not None:
        byte_code += ["-X", f"pycache_prefix={sys.pycache_prefix}"]
    return [sys.executable, "-I", *byte_code, "-c", code]
