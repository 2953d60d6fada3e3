"""The package as users import it: every name exists, and nothing is loaded before it is needed."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys

import pytest

import otel_tbot
from otel_tbot.errors import InvalidEventError, OtelTbotError, SettingsError, TbotConfigError
from tests.support.program import SOURCE

PUBLIC = {
    "AnonymousLogExporter",
    "AnonymousSpanExporter",
    "Consent",
    "OptInLogRecordProcessor",
    "OptInSampler",
    "Outcome",
    "OtelTbotError",
    "Session",
    "SessionResourceDetector",
    "StartEvent",
    "TbotConfigError",
    "consent",
    "emit",
    "emit_span",
    "send",
}


def loaded_by(code: str) -> set[str]:
    """Return the names of the modules that a fresh interpreter has loaded after some code."""
    script = f"import sys\n{code}\nprint('\\n'.join(sys.modules))"
    command = [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(SOURCE)!r})\n{script}"]
    return set(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_public_names(name: str) -> None:
    """Every public name exists, is listed, and has its own `__name__`."""
    assert name in otel_tbot.__all__
    assert name in dir(otel_tbot)
    assert getattr(otel_tbot, name).__name__ == name


def test_unknown_name() -> None:
    """A name that does not exist is an AttributeError, as with every module."""
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = otel_tbot.nothing


def test_consent_is_callable_after_every_import() -> None:
    """`otel_tbot.consent` is the function, even after imports of submodules."""
    loaded_by("import otel_tbot.api, otel_tbot.plugins.exporter; otel_tbot.consent()")


@pytest.mark.parametrize("kind", [InvalidEventError, SettingsError, TbotConfigError])
def test_errors_are_a_family(kind: type[Exception]) -> None:
    """Every error derives from one, and is a ValueError."""
    assert issubclass(kind, OtelTbotError)
    assert issubclass(kind, ValueError)


def test_import_loads_nothing_else() -> None:
    """Importing the package loads the package, and no OpenTelemetry."""
    assert loaded_by("import otel_tbot") - loaded_by("import __future__") == {"otel_tbot"}


@pytest.mark.parametrize(
    "call",
    [
        "otel_tbot.send(otel_tbot.StartEvent(run_mode='daemon'))",
        "otel_tbot.emit(otel_tbot.StartEvent(run_mode='daemon'))",
        "otel_tbot.emit_span(otel_tbot.StartEvent(run_mode='daemon'))",
    ],
)
def test_off_loads_no_opentelemetry(call: str) -> None:
    """Without consent no module of OpenTelemetry, of HTTP or of gRPC is loaded."""
    heavy = {"opentelemetry", "requests", "grpc", "google", "yaml", "urllib3", "socket", "click"}
    assert not {module.partition(".")[0] for module in loaded_by(f"import otel_tbot; {call}")} & heavy


def test_hooks_load_no_transport() -> None:
    """The modules that the SDK loads at a host's start load no HTTP, gRPC or protobuf."""
    modules = (
        "log_exporter",
        "span_exporter",
        "sampler",
        "log_processor",
        "resource_detector",
        "environment_variables",
    )
    loaded = loaded_by("".join(f"import otel_tbot.plugins.{module}; " for module in modules))
    assert not {module.partition(".")[0] for module in loaded} & {"requests", "grpc", "google", "urllib3", "yaml"}


def test_entry_points() -> None:
    """The entry points are those of the command, PyInstaller and the contract, all named tbot, and can be loaded."""
    found = {entry.group: entry for entry in importlib.metadata.distribution("otel-tbot").entry_points}
    assert found.pop("console_scripts").name == "otel-tbot"
    assert found.pop("pyinstaller40").name == "hook-dirs"
    assert {group: entry.name for group, entry in found.items()} == {
        "opentelemetry_environment_variables": "tbot",
        "opentelemetry_logs_exporter": "tbot",
        "opentelemetry_resource_detector": "tbot",
        "opentelemetry_sampler": "tbot",
        "opentelemetry_traces_exporter": "tbot",
        "opentelemetry_traces_sampler": "tbot",
    }
    for entry in found.values():
        entry.load()
