"""The session is random, new for each start, and reveals only system and architecture."""

from __future__ import annotations

import os
import random
import sys
import uuid

import pytest

from otel_tbot.errors import InvalidEventError
from otel_tbot.session import Session, current_session, resource_with_sdk

UUID4 = "5f0e8a52-9c1f-4b8e-a7d3-2a6f0c7be1d4"


def test_new_each_time() -> None:
    """Each session has its own id, a UUID of version 4."""
    ids = {Session().id for _ in range(1000)}
    assert {uuid.UUID(one).version for one in ids} == {4}
    assert len(ids) == 1000


def test_not_from_the_seeded_generator() -> None:
    """The id does not depend on the seed of Python's generator."""
    random.seed(0)
    first = Session().id
    random.seed(0)
    assert Session().id != first


def test_given_id_is_kept() -> None:
    """A session can be created with an existing id, in upper or lower case."""
    assert Session(id=UUID4.upper()).id == UUID4


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "host-1",
        UUID4 + "\n",
        UUID4.replace("-", ""),
        "{" + UUID4 + "}",
        "5f0e8a52-9c1f-1b8e-a7d3-2a6f0c7be1d4",  # version 1 contains the machine's address
        "5f0e8a52-9c1f-4b8e-c7d3-2a6f0c7be1d4",  # another variant than RFC 9562's
        "00000000-0000-0000-0000-000000000000",
        None,
        7,
    ],
)
def test_other_ids_are_refused(broken: object) -> None:
    """Only a random UUID can be the id of a session."""
    with pytest.raises(InvalidEventError, match=r"^session\.id must be"):
        Session(id=broken)  # type: ignore[arg-type]  # possible without type checks


def test_attributes() -> None:
    """The session's part of the resource has the id twice, the service's name, system and architecture."""
    assert Session(id=UUID4, os_type="linux", host_arch="arm64").resource_attributes == {
        "service.name": "tbot",
        "session.id": UUID4,
        "service.instance.id": UUID4,
        "os.type": "linux",
        "host.arch": "arm64",
    }


@pytest.mark.parametrize("unknown", [None, "", "plan9", "Linux"])
def test_unknown_systems_are_left_out(unknown: str | None) -> None:
    """A system or architecture that the semantic conventions do not list is not sent."""
    attributes = Session(id=UUID4, os_type=unknown, host_arch=unknown).resource_attributes
    assert attributes.keys() == {"service.name", "session.id", "service.instance.id"}


@pytest.mark.parametrize(("machine", "arch"), [("x86_64", "amd64"), ("aarch64", "arm64"), ("riscv64", None)])
def test_architecture_by_the_conventions(machine: str, arch: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel's name of the architecture becomes that of the semantic conventions, or nothing."""
    monkeypatch.setattr(os, "uname", lambda: os.uname_result(("", "host-name", "", "", machine)))
    assert Session().host_arch == arch


def test_one_session_per_process() -> None:
    """All events of a process have the same session by default."""
    assert current_session() is current_session()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_has_a_session_of_its_own() -> None:
    """A child never inherits its parent's session id."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, current_session().id.encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader) as answer:
        inherited = answer.read()
    assert len(inherited) == len(UUID4)
    assert inherited != current_session().id


@pytest.mark.parametrize(("variable", "arch"), [("AMD64", "amd64"), ("ARM64", "arm64"), (None, None)])
def test_architecture_on_windows(variable: str | None, arch: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows, which has no `uname`, a variable has the architecture."""
    monkeypatch.delattr(os, "uname", raising=False)
    if variable is not None:
        monkeypatch.setenv("PROCESSOR_ARCHITECTURE", variable)
    assert Session().host_arch == arch


@pytest.mark.parametrize("platform", ["aix", "zos"])
def test_machines_of_other_systems(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On every other system, `uname` has the architecture, regardless of the system's name."""
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(os, "uname", lambda: os.uname_result(("", "", "", "", "ppc64")))
    monkeypatch.setenv("PROCESSOR_ARCHITECTURE", "AMD64")
    assert Session().host_arch == "ppc64"


def test_resource() -> None:
    """The whole resource: the session's attributes and the SDK's, in the order of the schema."""
    session = Session(id=UUID4, os_type="linux", host_arch=None)
    assert list(resource_with_sdk(session, "1.45.2").items()) == [
        ("session.id", UUID4),
        ("service.instance.id", UUID4),
        ("service.name", "tbot"),
        ("os.type", "linux"),
        ("telemetry.sdk.name", "opentelemetry"),
        ("telemetry.sdk.language", "python"),
        ("telemetry.sdk.version", "1.45.2"),
    ]


def test_sessions_do_not_change() -> None:
    """A session is immutable, has no other attributes, and takes its id by keyword."""
    session = Session(id=UUID4)
    for name in ("id", "host_name"):
        with pytest.raises((AttributeError, TypeError)):
            setattr(session, name, UUID4)
    assert not hasattr(session, "__dict__")
    with pytest.raises(TypeError):
        Session(UUID4)  # type: ignore[call-arg]  # possible without type checks
