"""The session: what connects the events of one start of tbot, and nothing else.

Its id is random and new for each start. It is derived from nothing, stored nowhere and never reused.
"""

from __future__ import annotations

import os
import sys
import uuid
from dataclasses import dataclass, field

from otel_tbot.schema.constants import RESOURCE_ATTRIBUTES

_ROWS = {row.name: row for row in RESOURCE_ATTRIBUTES}
SESSION_ID = _ROWS["session.id"]
_OS_TYPE = _ROWS["os.type"]
_HOST_ARCH = _ROWS["host.arch"]
_SDK_VERSION = _ROWS["telemetry.sdk.version"]

# Names of the semantic conventions, by the start of `sys.platform`, and by `os.uname().machine`.
_OS_TYPES = {
    "aix": "aix",
    "cygwin": "windows",
    "darwin": "darwin",
    "dragonfly": "dragonflybsd",
    "freebsd": "freebsd",
    "linux": "linux",
    "netbsd": "netbsd",
    "openbsd": "openbsd",
    "sunos": "solaris",
    "win32": "windows",
}
_HOST_ARCHS = {
    "aarch64": "arm64",
    "amd64": "amd64",
    "arm64": "arm64",
    "armv6l": "arm32",
    "armv7l": "arm32",
    "armv8l": "arm32",
    "i386": "x86",
    "i586": "x86",
    "i686": "x86",
    "ia64": "ia64",
    "ppc": "ppc32",
    "ppc64": "ppc64",
    "ppc64le": "ppc64",
    "s390x": "s390x",
    "x86": "x86",
    "x86_64": "amd64",
}


def _os_type() -> str | None:
    return next((name for start, name in _OS_TYPES.items() if sys.platform.startswith(start)), None)


def _host_arch() -> str | None:
    # Windows has no `uname`.
    machine = os.uname().machine if hasattr(os, "uname") else os.environ.get("PROCESSOR_ARCHITECTURE", "")
    return _HOST_ARCHS.get(machine.lower())


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """One start of tbot.

    Attributes:
        id: a UUID of version 4 in its usual form; by default a new one from the system's random source.
        os_type: the operating system as the semantic conventions' `os.type` names it; any other value leaves it out.
        host_arch: the architecture as `host.arch` names it; any other value leaves it out.

    Raises:
        InvalidEventError: the id is not a UUID of version 4.
    """

    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    os_type: str | None = field(default_factory=_os_type)
    host_arch: str | None = field(default_factory=_host_arch)

    def __post_init__(self) -> None:
        """Normalize the id, and drop values that the schema does not allow."""
        object.__setattr__(self, "id", SESSION_ID.validate(_lower_case(self.id)))
        object.__setattr__(self, "os_type", _OS_TYPE.validate(self.os_type))
        object.__setattr__(self, "host_arch", _HOST_ARCH.validate(self.host_arch))

    @property
    def resource_attributes(self) -> dict[str, str]:
        """The session's attributes of the resource: the names and values that are sent."""
        attributes = {
            "service.name": "tbot",
            "session.id": self.id,
            "service.instance.id": self.id,
            "os.type": self.os_type,
            "host.arch": self.host_arch,
        }
        return {name: value for name, value in attributes.items() if value is not None}


def resource_with_sdk(session: Session, sdk_version: str) -> dict[str, str]:
    """Return the whole resource, in the order of the schema: the attributes of the session and of the SDK.

    Args:
        session: the start that the resource describes.
        sdk_version: the version of the SDK; left out if it does not look like one.
    """
    sdk = {
        "telemetry.sdk.name": "opentelemetry",
        "telemetry.sdk.language": "python",
        "telemetry.sdk.version": _SDK_VERSION.validate(sdk_version),
    }
    values = {**session.resource_attributes, **sdk}
    return {row.name: str(values[row.name]) for row in RESOURCE_ATTRIBUTES if values.get(row.name) is not None}


def _lower_case(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


_current_session = Session()


def current_session() -> Session:
    """Return the session of this process. Each forked child has another."""
    return _current_session


def _reset_after_fork() -> None:
    global _current_session  # noqa: PLW0603  there is one session per process
    _current_session = Session()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_reset_after_fork)
