"""A host full of canaries: everything that could identify the machine, the user or the cluster is a unique word."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.canaries.real_names import real_names
from tests.support.canaries.search import Canaries
from tests.support.canaries.variables import other_signal_variables, variables
from tests.support.program import SOURCE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.support.backends.tripwire import TripwireSocket

_HERE = Path(__file__).parent
_TIMEOUT = 60  # seconds, far above what any program takes
_NETWORK_CARD = 6  # bytes of a MAC address
_TITLE = 15  # characters that Linux keeps of a process's name

# The event's values for tbot's command line and configuration.
VALUES: dict[str, str | int] = {
    "tbot.run_mode": "one-shot",
    "tbot.version": "18.2.3",
    "tbot.join_type": "_OTHER",
    "tbot.helper": "_OTHER",
    "tbot.destinations_other": 2,
    "tbot.destinations_database": 1,
    "tbot.destinations_kubernetes": 1,
    "tbot.destinations_application": 1,
}

# The canaries of the programs in this folder, which read them from the variable `CANARIES`.
_MACHINE = (
    "account", "domain name", "full name", "home", "host name", "kernel release", "kernel version", "shell",
)  # fmt: skip
_PLUGINS = (
    "detected resource", "span id", "trace id",
)  # fmt: skip
_PROGRAM = (
    "active span", "active span's attribute", "attribute host.name", "attribute session.id", "attribute tbot.cluster",
    "attribute tbot.helper", "attribute tbot.helper_version", "attribute tbot.join_type", "baggage", "body",
    "event's attribute", "exception", "further attribute", "key in a body", "key of the trace state",
    "link's attribute", "log message", "logged attribute", "logger", "name in the baggage",
    "name of a further attribute",
    "name of a link's attribute", "name of a scope's attribute", "name of an attribute of the active span",
    "name of an event's attribute", "name of another event", "name of another span",
    "name of a logged attribute", "process",
    "resource of the pipeline", "schema of the pipeline", "scope", "scope's attribute", "scope's schema",
    "scope's version", "service of the pipeline", "severity text", "span event", "stack trace", "status", "thread",
    "trace state",
)  # fmt: skip


class CanaryHost:
    """Folders, files, variables, a Python and a tbot, all full of canaries.

    Attributes:
        canaries: what was planted.
        command: the command line of tbot.
        environ: the variables.
        tripwire: the address of proxies and of other exporters' backends.
    """

    def __init__(self, folder: Path, tripwire: TripwireSocket, machine: str = "") -> None:
        """Create all files.

        Args:
            folder: an empty folder.
            tripwire: the address of proxies and of other exporters' backends.
            machine: a name for the machine; each machine has its own canaries.
        """
        self.canaries = Canaries(machine)
        self.tripwire = tripwire
        self._folder = folder / self._plant("working directory")
        self._folder.mkdir()
        self._python = self._link_python()
        self._write_home()
        self._write_plugins()
        self.command = self._write_tbot()
        for location in (*_MACHINE, *_PLUGINS, *_PROGRAM):
            self._plant(location)
        self._plant("network card", _NETWORK_CARD)
        self._plant("title of the process", _TITLE)
        self.environ = self._variables()
        self._declarative_file = self._write_declarative_file()
        self.environ["CANARIES"] = json.dumps(self.canaries.words)
        for what, text in real_names().items():
            self.canaries.add(f"the real {what}", text)

    def _plant(self, location: str, length: int = 16) -> str:
        return self.canaries.plant(location, length)

    def copy_of(self, folder: Path) -> Path:
        """Return a copy of a folder under a name that is a canary."""
        return shutil.copytree(folder, self._folder / self._plant("folder of certificates"))

    def _link_python(self) -> str:
        executable = Path(sys.executable).relative_to(sys.prefix)
        prefix = self._folder / self._plant("virtual environment")
        programs = prefix / executable.parent
        programs.mkdir(parents=True)
        for own, real in ((prefix, Path(sys.prefix)), (programs, Path(sys.executable).parent)):
            for entry in real.iterdir():
                if not (own / entry.name).exists():
                    (own / entry.name).symlink_to(entry)
        python = programs / self._plant("executable")
        python.symlink_to(sys.executable)
        return str(python)

    def _write_home(self) -> None:
        home = self._folder / self._plant("home folder")
        home.mkdir()
        login, password, default = (self._plant(f"{what} in .netrc") for what in ("login", "password", "default"))
        netrc = home / ".netrc"
        netrc.write_text(
            f"machine 127.0.0.1 login {login} password {password}\ndefault login {default} password {default}\n"
        )
        netrc.chmod(0o600)
        self._home = home

    def _write_plugins(self) -> None:
        information = self._folder / "plugins" / "canary-1.0.dist-info"
        information.mkdir(parents=True)
        (information / "METADATA").write_text("Metadata-Version: 2.1\nName: canary\nVersion: 1.0\n")
        (information / "entry_points.txt").write_text(
            "[opentelemetry_resource_detector]\n"
            "canary = tests.support.canaries.resource_detector:CanaryDetector\n"
            "[opentelemetry_id_generator]\ncanary = tests.support.canaries.id_generator:CanaryIdGenerator\n"
        )

    def _write_tbot(self) -> list[str]:
        tbot = self._folder / self._plant("folder of tbot") / "tbot"
        tbot.parent.mkdir()
        version = f"Teleport v18.2.3 git:{self._plant('commit of tbot')} {self._plant('builder of tbot')}"
        tbot.write_text(f"#!/bin/sh\necho '{version}'\n")
        tbot.chmod(0o755)
        configuration = self._folder / f"{self._plant('name of the configuration')}.yaml"
        configuration.write_text(self._fill_template("tbot.yaml", "configuration"))
        flags = ("token", "auth-server", "proxy-server", "ca-pin", "data-dir", "join-method", "diag-addr")
        return [
            str(tbot),
            "start",
            "-c",
            str(configuration),
            "--oneshot",
            *(f"--{flag}={self._plant(f'tbot --{flag}')}" for flag in flags),
        ]

    def _write_declarative_file(self) -> str:
        file = self._folder / f"{self._plant('name of the declarative file')}.yaml"
        file.write_text(self._fill_template("otel.yaml", "declarative file"))
        return str(file)

    def _fill_template(self, template: str, what: str) -> str:
        lines = (_HERE / template).read_text()
        return re.sub(r"<([a-z -]+)>", lambda match: self._plant(_location_in_file(what, match[1])), lines)

    def _variables(self) -> dict[str, str]:
        return {
            **variables(self._plant, self.tripwire),
            "PATH": f"{Path(self._python).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join(map(str, (_HERE / "machine", SOURCE, self._folder / "plugins"))),
            "HOME": str(self._home),
            "TMPDIR": str(self._home),
            "NETRC": str(self._home / ".netrc"),
        }

    def files(self) -> dict[str, bytes]:
        """Return the content of all files and folders."""
        found = {}
        for folder, _, names in os.walk(self._folder):
            found[folder] = b""
            found |= {f"{folder}/{name}": Path(folder, name).read_bytes() for name in names}
        return found

    def report(
        self,
        entry_point: str,
        signal: str,
        context: str = "here",
        *,
        environ: Mapping[str, str],
        tracing: Sequence[str] = (),
    ) -> subprocess.CompletedProcess[str]:
        """Report a start in a child process, and return how it ended.

        Args:
            entry_point: a key of the table below, or `otel-tbot serve`.
            signal: `logs` or `traces`.
            context: one of the contexts of `application.py`.
            environ: variables in addition, which point to the backend.
            tracing: a command prefix that traces the rest.
        """
        environ = {**self.environ, **other_signal_variables(signal, self._plant, self.tripwire), **environ}
        if entry_point == "otel-tbot serve":
            return self._report_to_receiver(signal, environ, tracing)
        ours = [self._python, "-m", "otel_tbot"]
        program = [self._python, str(_HERE / "application.py")]
        instrumented = [str(Path(self._python).parent / "opentelemetry-instrument"), *program, "configured"]
        start = {
            "otel-tbot emit": [*ours, "emit", "--signal", signal],
            "otel-tbot run": [*ours, "run", "--signal", signal],
            "otel-tbot run --supervise": [*ours, "run", "--supervise", "--signal", signal],
            "environment": [*instrumented, signal, context],
            "declarative": [*instrumented, signal, context],
            "pipeline in code": [*program, "record", signal, context],
            "send": [*program, "send", signal, context],
            "emit and emit_span": [*program, "emit", signal, context],
        }[entry_point]
        pipelines = {"OTEL_LOGS_EXPORTER": "tbot", "OTEL_TRACES_EXPORTER": "tbot"}
        if entry_point == "declarative":
            pipelines = {"OTEL_CONFIG_FILE": self._declarative_file}
        return subprocess.run(
            [*tracing, *start, *self.command], env={**environ, **pipelines}, cwd=self._folder,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_TIMEOUT, check=False,
        )  # fmt: skip

    def _report_to_receiver(
        self, signal: str, environ: Mapping[str, str], tracing: Sequence[str]
    ) -> subprocess.CompletedProcess[str]:
        from tests.support.canaries import receiver  # noqa: PLC0415  needs the extra

        python = Path(self._python)
        if tracing:
            python = self._folder / "traced"
            python.write_text(f'#!/bin/sh\nexec {shlex.join((*tracing, self._python))} "$@"\n')
            python.chmod(0o755)
        status = receiver.report(signal, self._plant, python=str(python), environ=environ, folder=str(self._folder))
        return subprocess.CompletedProcess([], status, "", "")


def _location_in_file(what: str, key: str) -> str:
    # The same method as on the command line, because tbot refuses a contradiction.
    return "tbot --join-method" if key == "join method" else f"{what}, {key}"
