"""How our programs keep variables and the working directory from loading other code into their processes.

OpenTelemetry loads resource detectors, contexts and credential providers that `OTEL_*` variables name, and Python's TLS
writes keys to a file that `SSLKEYLOGFILE` names. A host's process belongs to the host, and does none of this.
"""

from __future__ import annotations

import os
import re
import sys

# The settings of this package, which do not name code.
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
    """Return the command that runs `main` of one of our modules in a separate Python process.

    It finds the modules that this process finds, but none in the working directory, and ignores `PYTHON*` variables.

    Args:
        module: the module's full name.
        arguments: the arguments of `main`.
    """
    if getattr(sys, "frozen", False):
        from otel_tbot.frozen_program import RUN_MODULE  # noqa: PLC0415  in no other program

        return [sys.executable, RUN_MODULE, module, *arguments]
    paths = [path for path in sys.path if os.path.isabs(path)]  # noqa: PTH117  pathlib costs more to import
    code = f"import sys; sys.path[:] = {paths!r}; from {module} import main; main(*{arguments!r})"
    byte_code = ["-B"] if sys.dont_write_bytecode else []
    if sys.pycache_prefix is not None:
        byte_code += ["-X", f"pycache_prefix={sys.pycache_prefix}"]
    return [sys.executable, "-I", *byte_code, "-c", code]
