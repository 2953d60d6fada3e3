"""Variables of the canary host: OpenTelemetry's own, those that commonly hold names, and two hundred random ones."""

from __future__ import annotations

import re
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.backends.tripwire import TripwireSocket

    Plant = Callable[[str], str]

_RANDOM_VARIABLES = 200
_OTHER = {"logs": "TRACES", "traces": "LOGS"}

# Variables that commonly name people, machines and services. (`DO_NOT_TRACK` is missing because it turns us off.)
_IDENTIFYING_VARIABLES = (
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

# Of OpenTelemetry's own variables, these are excluded: where and how to send, which the operator decides,
# and those without free text (numbers, choices and names of plug-ins).
_TRANSPORT = re.compile(r"OTEL_(PYTHON_)?EXPORTER_OTLP_(?!METRICS_)")
_NO_FREE_TEXT = re.compile(
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
    """Return OpenTelemetry's variables that may hold free text, as the installed packages list them."""
    modules = [entry_point.load() for entry_point in entry_points(group="opentelemetry_environment_variables")]
    known = {text for module in modules for text in vars(module).values() if str(text).startswith("OTEL_")}
    assert len(known) > 50, "OpenTelemetry's packages say what their variables are"
    return {name for name in known if not _TRANSPORT.match(name) and not _NO_FREE_TEXT.fullmatch(name)}


def variables(plant: Plant, tripwire: TripwireSocket) -> dict[str, str]:
    """Return the variables that do not depend on the folder.

    Args:
        plant: returns the canary for a location.
        tripwire: the address of proxies and of other exporters' backends.
    """
    named = [*_IDENTIFYING_VARIABLES, *_MORE_OPENTELEMETRY, *opentelemetry_variables()]
    plain = {name: plant(f"variable {name}") for name in named}
    random = {
        f"X_{plant(f'name of variable {number}')}": plant(f"variable {number}") for number in range(_RANDOM_VARIABLES)
    }
    resource = (
        "service.name", "service.instance.id", "session.id", "host.name", "os.type", "tbot.helper", "enduser.id",
    )  # fmt: skip
    credentials = f"{plant('user of the proxy')}:{plant('password of the proxy')}"
    proxies = {
        f"{scheme}_proxy": f"http://{credentials}@{tripwire.address}" for scheme in ("http", "https", "all", "grpc")
    }
    helper = plant("helper's name")
    return {
        **plain,
        **random,
        **proxies,
        **{name.upper(): value for name, value in proxies.items()},
        "no_proxy": "127.0.0.1",
        "NO_PROXY": "127.0.0.1",
        "TELEPORT_ANONYMOUS_TELEMETRY": "1",
        # Not a valid helper, so the event must have `_OTHER`.
        "_TBOT_TELEMETRY_HELPER": f"{helper} {helper}",
        "_TBOT_TELEMETRY_HELPER_VERSION": plant("helper's version"),
        "OTEL_RESOURCE_ATTRIBUTES": ",".join(f"{name}={plant(f'OTEL_RESOURCE_ATTRIBUTES {name}')}" for name in resource)
        + f",{plant('name in OTEL_RESOURCE_ATTRIBUTES')}=1",
        "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": ",".join(_detectors()),
        "OTEL_PYTHON_ID_GENERATOR": "canary",
        "OTEL_PROPAGATORS": "tracecontext,baggage",
        "OTEL_TRACES_SAMPLER": "always_on",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_EXPORTER_ZIPKIN_ENDPOINT": f"http://{tripwire.address}/{plant('endpoint for Zipkin')}",
        **_signal_variables("METRICS", plant, tripwire),
    }


def other_signal_variables(signal: str, plant: Plant, tripwire: TripwireSocket) -> dict[str, str]:
    """Return the variables of the signal that is not sent."""
    return _signal_variables(_OTHER[signal], plant, tripwire)


def _signal_variables(name: str, plant: Plant, tripwire: TripwireSocket) -> dict[str, str]:
    files = ("CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY")
    return {
        f"OTEL_EXPORTER_OTLP_{name}_ENDPOINT": f"http://{tripwire.address}/{plant(f'endpoint for {name}')}",
        f"OTEL_EXPORTER_OTLP_{name}_HEADERS": f"api-key={plant(f'headers for {name}')}",
        **{f"OTEL_EXPORTER_OTLP_{name}_{file}": f"/{plant(f'{file} for {name}')}/{file}.pem" for file in files},
    }


def _detectors() -> list[str]:
    """Return the names of all installed resource detectors, and ours."""
    installed = {entry_point.name for entry_point in entry_points(group="opentelemetry_resource_detector")}
    return [*sorted(installed), "canary"]
