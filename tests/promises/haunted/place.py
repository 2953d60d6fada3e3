"""A haunted place to report a start from: whatever could say who and where this is, says a word of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from tests.promises.canaries import Canaries
from tests.support.program import SOURCE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.promises.wire import Trap

_HERE = Path(__file__).parent
_TIMEOUT = 60  # seconds, far above what any program waits for
_RANDOM_VARIABLES = 200
_NETWORK_CARD = 6  # bytes of its address

# The values of the event that tbot's command line and configuration come to.
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

# The places of the programs in this folder, which take their words from the variable `PLANTED`.
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
    "link's attribute", "log message", "logger", "name in the baggage", "name of a further attribute",
    "name of a link's attribute", "name of a scope's attribute", "name of an attribute of the active span",
    "name of an event's attribute", "name of another event", "name of another span", "process",
    "resource of the pipeline", "schema of the pipeline", "scope", "scope's attribute", "scope's schema",
    "scope's version", "service of the pipeline", "severity text", "span event", "stack trace", "status", "thread",
    "trace state",
)  # fmt: skip

# Variables in which people, machines and services commonly name themselves. (`DO_NOT_TRACK` would turn it off.)
_NAMING = (
    "USER", "LOGNAME", "USERNAME", "LNAME", "SUDO_USER", "SUDO_COMMAND", "HOSTNAME", "HOST", "COMPUTERNAME",
    "USERDOMAIN", "DOMAINNAME", "NAME", "EMAIL", "GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL",
    "SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY", "SSH_AUTH_SOCK", "DISPLAY", "PWD", "OLDPWD", "MAIL", "LANG", "LC_NAME",
    "TZ", "TERM", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "TMPPREFIX", "VIRTUAL_ENV", "CONDA_PREFIX", "INVOCATION_ID",
    "JOURNAL_STREAM", "MACHINE_ID", "CI", "CI_JOB_TOKEN", "CI_PROJECT_PATH", "CI_RUNNER_DESCRIPTION", "GITHUB_ACTOR",
    "GITHUB_REPOSITORY", "GITHUB_TOKEN", "GITHUB_RUN_ID", "RUNNER_NAME", "BUILD_URL", "JENKINS_URL",
    "CIRCLE_USERNAME", "BITBUCKET_WORKSPACE", "KUBERNETES_SERVICE_HOST", "POD_NAME", "POD_NAMESPACE", "POD_IP",
    "NODE_NAME", "CONTAINER_NAME", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE",
    "AWS_ROLE_ARN", "ECS_CONTAINER_METADATA_URI", "GOOGLE_CLOUD_PROJECT", "AZURE_CLIENT_ID", "WEBSITE_INSTANCE_ID",
    "HEROKU_APP_NAME", "FLY_MACHINE_ID", "DYNO", "VAULT_TOKEN", "TELEPORT_HOME", "TELEPORT_CLUSTER", "TELEPORT_USER",
    "TELEPORT_LOGIN", "TELEPORT_AUTH_SERVER", "TELEPORT_PROXY", "TELEPORT_BOT_TOKEN",
    "TELEPORT_ANONYMOUS_TELEMETRY_ADDRESS", "TBOT_DEBUG", "KUBECONFIG", "PGUSER", "PGPASSWORD", "DATABASE_URL",
    "TRACEPARENT", "TRACESTATE", "BAGGAGE", "DD_HOSTNAME", "DD_SERVICE", "DD_TAGS", "NEW_RELIC_LICENSE_KEY",
    "ELASTIC_APM_SERVICE_NAME", "SENTRY_DSN", "HTTP_REFERER", "HTTP_COOKIE", "REMOTE_USER", "REMOTE_ADDR",
)  # fmt: skip

# Of OpenTelemetry's own variables, all that its packages name, but for these: where and how the operator wants it sent,
# and what takes no free text (numbers, choices, and names of plug-ins).
_TRANSPORT = re.compile(r"OTEL_(PYTHON_)?EXPORTER_OTLP_(?!METRICS_)")
_NO_TEXT = re.compile(
    r"OTEL_(.+_(INTERVAL|DELAY|TIMEOUT|SIZE|LIMIT|PORT|ENABLED|PATCH|INSECURE|CONFIGURATOR|PROVIDER|EXPORTER|FILTER)"
    r"|SDK_DISABLED|CONFIG_FILE|LOG_LEVEL|TRACES_SAMPLER|PROPAGATORS|EXPERIMENTAL_RESOURCE_DETECTORS|TBOT_SIGNAL"
    r"|PYTHON_(CONTEXT|DISTRO|ID_GENERATOR))"
)
# Documented outside of those packages.
_MORE_OPENTELEMETRY = (
    "OTEL_PYTHON_LOG_FORMAT", "OTEL_PYTHON_LOG_LEVEL", "OTEL_PYTHON_EXCLUDED_URLS", "OTEL_EXPORTER_JAEGER_USER",
    "OTEL_EXPORTER_JAEGER_PASSWORD", "OTEL_EXPORTER_JAEGER_AGENT_HOST", "OTEL_JAVAAGENT_CONFIGURATION_FILE",
    "OTEL_ENTITIES", "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST",
    "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_REQUEST",
)  # fmt: skip


def opentelemetry_variables() -> set[str]:
    """Return OpenTelemetry's variables that may hold free text, as the installed packages name them."""
    modules = [entry_point.load() for entry_point in entry_points(group="opentelemetry_environment_variables")]
    known = {text for module in modules for text in vars(module).values() if str(text).startswith("OTEL_")}
    assert len(known) > 50, "OpenTelemetry's packages say what their variables are"
    return {name for name in known if not _TRANSPORT.match(name) and not _NO_TEXT.fullmatch(name)}


class HauntedPlace:
    """Folders, files, variables, a Python and a tbot, all full of words.

    Attributes:
        canaries: what was planted.
        command: the command line of tbot.
        environ: the variables.
        trap: where proxies and other exporters' backends are said to be.
    """

    def __init__(self, folder: Path, trap: Trap, machine: str = "") -> None:
        """Make it.

        Args:
            folder: an empty one.
            trap: see the attribute.
            machine: on which machine; each has other words.
        """
        self.canaries = Canaries(machine)
        self.trap = trap
        self._folder = folder / self._plant("working directory")
        self._folder.mkdir()
        self._python = self._python_under_another_name()
        self._make_home()
        self._make_plugins()
        self.command = self._tbot_and_its_arguments()
        for place in (*_MACHINE, *_PLUGINS, *_PROGRAM):
            self._plant(place)
        self._plant("network card", _NETWORK_CARD)
        self.environ = self._variables()
        self.environ["PLANTED"] = json.dumps(self.canaries.words)

    def _plant(self, place: str, length: int = 16) -> str:
        return self.canaries.plant(place, length)

    def _python_under_another_name(self) -> str:
        prefix = self._folder / self._plant("virtual environment")
        prefix.symlink_to(sys.prefix)
        return str(prefix / Path(sys.executable).relative_to(sys.prefix))

    def _make_home(self) -> None:
        home = self._folder / self._plant("home folder")
        home.mkdir()
        login, password, default = (self._plant(f"{what} in .netrc") for what in ("login", "password", "default"))
        netrc = home / ".netrc"
        netrc.write_text(
            f"machine 127.0.0.1 login {login} password {password}\ndefault login {default} password {default}\n"
        )
        netrc.chmod(0o600)
        self._home = home

    def _make_plugins(self) -> None:
        information = self._folder / "plugins" / "telling-1.0.dist-info"
        information.mkdir(parents=True)
        (information / "METADATA").write_text("Metadata-Version: 2.1\nName: telling\nVersion: 1.0\n")
        (information / "entry_points.txt").write_text(
            "[opentelemetry_resource_detector]\ntelling = tests.promises.haunted.detector:TellingDetector\n"
            "[opentelemetry_id_generator]\ntelling = tests.promises.haunted.ids:TellingIdGenerator\n"
        )

    def _tbot_and_its_arguments(self) -> list[str]:
        tbot = self._folder / self._plant("folder of tbot") / "tbot"
        tbot.parent.mkdir()
        version = f"Teleport v18.2.3 git:{self._plant('commit of tbot')} {self._plant('builder of tbot')}"
        tbot.write_text(f"#!/bin/sh\necho '{version}'\n")
        tbot.chmod(0o755)
        configuration = self._folder / f"{self._plant('name of the configuration')}.yaml"
        configuration.write_text(self._configuration())
        flags = ("token", "auth-server", "proxy-server", "ca-pin", "data-dir", "join-method", "diag-addr")
        return [
            str(tbot),
            "start",
            "-c",
            str(configuration),
            "--oneshot",
            *(f"--{flag}={self._plant(f'tbot --{flag}')}" for flag in flags),
        ]

    def _configuration(self) -> str:
        lines = (_HERE / "tbot.yaml").read_text()
        return re.sub(r"<([a-z -]+)>", lambda match: self._plant(_in_configuration(match[1])), lines)

    def _variables(self) -> dict[str, str]:
        named = [*_NAMING, *_MORE_OPENTELEMETRY, *opentelemetry_variables()]
        plain = {name: self._plant(f"variable {name}") for name in named}
        random = {
            f"X_{self._plant(f'name of variable {number}')}": self._plant(f"variable {number}")
            for number in range(_RANDOM_VARIABLES)
        }
        resource = (
            "service.name", "service.instance.id", "session.id", "host.name", "os.type", "tbot.helper", "enduser.id",
        )  # fmt: skip
        credentials = f"{self._plant('user of the proxy')}:{self._plant('password of the proxy')}"
        proxies = {
            f"{scheme}_proxy": f"http://{credentials}@{self.trap.address}"
            for scheme in ("http", "https", "all", "grpc")
        }
        helper = self._plant("helper's name")
        return {
            **plain,
            **random,
            **proxies,
            **{name.upper(): value for name, value in proxies.items()},
            "no_proxy": "127.0.0.1",
            "NO_PROXY": "127.0.0.1",
            "PATH": f"{Path(self._python).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join(map(str, (_HERE / "machine", SOURCE, self._folder / "plugins"))),
            "HOME": str(self._home),
            "TMPDIR": str(self._home),
            "NETRC": str(self._home / ".netrc"),
            "TELEPORT_ANONYMOUS_TELEMETRY": "1",
            # A name of this form never leaves, whatever it says: see the contract.
            "_TBOT_TELEMETRY_HELPER": f"{helper} {helper}",
            "_TBOT_TELEMETRY_HELPER_VERSION": self._plant("helper's version"),
            "OTEL_RESOURCE_ATTRIBUTES": ",".join(
                f"{name}={self._plant(f'OTEL_RESOURCE_ATTRIBUTES {name}')}" for name in resource
            )
            + f",{self._plant('name in OTEL_RESOURCE_ATTRIBUTES')}=1",
            "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": ",".join(_detectors()),
            "OTEL_PYTHON_ID_GENERATOR": "telling",
            "OTEL_PROPAGATORS": "tracecontext,baggage",
            "OTEL_TRACES_SAMPLER": "always_on",
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_EXPORTER_ZIPKIN_ENDPOINT": f"http://{self.trap.address}/{self._plant('endpoint for Zipkin')}",
            "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": f"http://{self.trap.address}/{self._plant('endpoint for metrics')}",
            "OTEL_EXPORTER_OTLP_METRICS_HEADERS": f"api-key={self._plant('headers for metrics')}",
        }

    def files(self) -> dict[str, bytes]:
        """Return all that is in the files and folders here."""
        found = {}
        for folder, _, names in os.walk(self._folder):
            found[folder] = b""
            found |= {f"{folder}/{name}": Path(folder, name).read_bytes() for name in names}
        return found

    def report(
        self, way: str, signal: str, context: str = "here", *, environ: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """Report a start, and return how the process ended.

        Args:
            way: one of `WAYS`.
            signal: `logs` or `traces`.
            context: one of those of `report.py`.
            environ: where to send it.
        """
        if way == "otel-tbot serve":
            return self._report_to_receiver(signal, environ)
        ours = [self._python, "-m", "otel_tbot"]
        program = [self._python, str(_HERE / "report.py")]
        start = {
            "otel-tbot emit": [*ours, "emit", "--signal", signal],
            "otel-tbot run": [*ours, "run", "--signal", signal],
            "environment": [
                str(Path(self._python).parent / "opentelemetry-instrument"), *program, "configured", signal, context
            ],
            "pipeline in code": [*program, "record", signal, context],
            "send": [*program, "send", signal, context],
            "emit and emit_span": [*program, "emit", signal, context],
        }[way]  # fmt: skip
        exporters = {"OTEL_LOGS_EXPORTER": "tbot", "OTEL_TRACES_EXPORTER": "tbot"}
        return subprocess.run(
            [*start, *self.command], env={**self.environ, **exporters, **environ}, cwd=self._folder,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_TIMEOUT, check=False,
        )  # fmt: skip

    def _report_to_receiver(self, signal: str, environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        from tests.promises.haunted import receiver  # noqa: PLC0415  needs the extra

        status = receiver.report(
            signal, self._plant, python=self._python, environ={**self.environ, **environ}, folder=str(self._folder)
        )
        return subprocess.CompletedProcess([], status, "", "")


def _detectors() -> list[str]:
    """Name all detectors of resources that are installed, and ours."""
    installed = {entry_point.name for entry_point in entry_points(group="opentelemetry_resource_detector")}
    return [*sorted(installed), "telling"]


def _in_configuration(key: str) -> str:
    # The configuration says the same method as the command line, or tbot would refuse it.
    return "tbot --join-method" if key == "join method" else f"configuration, {key}"
