"""The values that may be sent, written by hand: the fuzz tests do not rely on the schema registry.

If the two differ, one of them is wrong.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from opentelemetry.sdk.version import __version__ as sdk_version

from otel_tbot.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

_NUMBER = "(0|[1-9][0-9]{0,4})"
_VERSION = rf"{_NUMBER}(\.{_NUMBER}){{0,2}}(-(alpha|beta|rc|dev)(\.{_NUMBER})?)?"
_WORD = "[a-z0-9]+(-[a-z0-9]+)*"
_KINDS = "ansible azure bitbucket circleci cli docker gha gitlab jenkins kubernetes terraform"
_UUID4 = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
_JOIN_METHODS = (
    "azure azure_devops bitbucket bound_keypair circleci env0 gcp generic_oidc github gitlab iam kubernetes oracle "
    "spacelift terraform_cloud token tpm _OTHER"
)
_OS_TYPES = "aix darwin dragonflybsd freebsd hpux linux netbsd openbsd solaris windows zos"
_HOST_ARCHS = "amd64 arm32 arm64 ia64 ppc32 ppc64 s390x x86"


def _words(text: str) -> str:
    return "|".join(text.split())


EVENT = {
    "tbot.run_mode": "one-shot|daemon",
    "tbot.version": _VERSION,
    "tbot.join_type": _words(_JOIN_METHODS),
    "tbot.helper": rf"(?!.*[0-9]{{5}})({_words(_KINDS)}):({_WORD}/)?{_WORD}|_OTHER",
    "tbot.helper_version": _VERSION,
}
COUNTERS = (
    "tbot.destinations_other",
    "tbot.destinations_database",
    "tbot.destinations_kubernetes",
    "tbot.destinations_application",
)
RESOURCE = {
    "session.id": _UUID4,
    "service.instance.id": _UUID4,
    "service.name": "tbot",
    "os.type": _words(_OS_TYPES),
    "host.arch": _words(_HOST_ARCHS),
    "telemetry.sdk.name": "opentelemetry",
    "telemetry.sdk.language": "python",
    "telemetry.sdk.version": re.escape(sdk_version),
}
SCOPE = {"name": "otel_tbot", "version": __version__}
LONGEST = 64  # characters
LARGEST = 2**31 - 1


def check_event(attributes: Mapping[str, object]) -> None:
    """Check the names and values of an event."""
    assert {"tbot.run_mode", *COUNTERS} <= attributes.keys()
    assert attributes.keys() <= {*EVENT, *COUNTERS}
    assert "tbot.helper" in attributes or "tbot.helper_version" not in attributes
    for name in COUNTERS:
        number = attributes[name]
        assert type(number) is int
        assert 0 <= number <= LARGEST
    _check_texts({name: value for name, value in attributes.items() if name not in COUNTERS}, EVENT)


def check_resource(attributes: Mapping[str, object]) -> None:
    """Check the names and values of a resource."""
    assert RESOURCE.keys() - {"os.type", "host.arch"} <= attributes.keys()
    _check_texts(attributes, RESOURCE)
    assert attributes["session.id"] == attributes["service.instance.id"]


def _check_texts(attributes: Mapping[str, object], patterns: Mapping[str, str]) -> None:
    for name, value in attributes.items():
        assert type(value) is str
        assert len(value) <= LONGEST
        assert re.fullmatch(patterns[name], value, re.ASCII), (name, value)
