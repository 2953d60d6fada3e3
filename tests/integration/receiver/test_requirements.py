"""The requirements of serve in addition to the package's, and its messages about missing ones."""

from __future__ import annotations

import subprocess
import sys

import pytest

from otel_tbot.cli import commands, serve
from otel_tbot.errors import SettingsError
from tests.integration.receiver.conftest import ON
from tests.support.program import SOURCE, run


def test_off_loads_nothing() -> None:
    """Without consent neither OpenTelemetry nor the extra's packages are loaded."""
    program = (
        f"import sys; sys.path.insert(0, {str(SOURCE)!r})\n"
        "from otel_tbot.cli.commands import run_command_line\n"
        "assert run_command_line(['serve']) == 2\n"
        "print([name for name in sys.modules if name.startswith(('opentelemetry', 'connectrpc', 'uvicorn'))])"
    )
    command = [sys.executable, "-I", "-c", program]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "[]\n"


@pytest.mark.skipif(sys.version_info < (3, 11), reason="the message is about the Python version there")
@pytest.mark.parametrize("package", ["connectrpc", "uvicorn", "httptools"])
def test_missing_extra(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    """Without the extra's packages the command says which extra to install."""
    for name in [name for name in sys.modules if name.startswith("otel_tbot.receiver.") and name != serve.__name__]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("otel_tbot.receiver.server", raising=False)  # a test may have loaded it
    for name in [name for name in sys.modules if name.partition(".")[0] in {package, "uvicorn"}]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)  # makes the import fail
    monkeypatch.setenv("TELEPORT_ANONYMOUS_TELEMETRY", "1")
    options = commands.serve.make_context("serve", ["--listen", "127.0.0.1:0"]).params
    with pytest.raises(SettingsError, match=r"serve needs packages .*pip install 'otel-tbot\[serve\]'"):
        serve.main(**options)


@pytest.mark.skipif(sys.version_info >= (3, 11), reason="this Python is new enough")
def test_old_python() -> None:
    """On Python 3.10, for which the Connect library does not exist, the command says which Python it needs."""
    ended = run("serve", environ=ON)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "serve needs Python 3.11 or newer" in ended.stderr
    assert ended.stderr.count("\n") == 1
