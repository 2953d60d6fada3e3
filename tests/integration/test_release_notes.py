"""The checks of the release workflow before it publishes."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

import pytest

from otel_tbot.version import __version__
from tests.support.program import SOURCE

if TYPE_CHECKING:
    from pathlib import Path

REPOSITORY = "https://forge.example/owner/name"


@pytest.fixture
def script() -> Any:  # noqa: ANN401  a module without a name to import it by
    """Load the script."""
    specification = importlib.util.spec_from_file_location("release_notes", SOURCE / ".ci" / "release_notes.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Create a source tree that is ready for release 1.2.3."""
    (tmp_path / "otel_tbot").mkdir()
    (tmp_path / "otel_tbot" / "version.py").write_text('__version__ = "1.2.3"\n')
    (tmp_path / "CHANGELOG.md").write_text(
        "# Changelog\n\n## 1.2.3 - 2027-01-31\n\n### Added\n\n- This.\n\n## 1.2.2 - 2027-01-01\n"
    )
    (tmp_path / "pyproject.toml").write_text(f'[project.urls]\nSource = "{REPOSITORY}"\n')
    return tmp_path


def test_notes(script: Any, tree: Path) -> None:  # noqa: ANN401
    """The notes are the section of that version, without its heading."""
    assert script.notes("v1.2.3", REPOSITORY, tree) == "### Added\n\n- This.\n"


@pytest.mark.parametrize(
    ("tag", "repository", "reason"),
    [
        ("v1.2.2", REPOSITORY, r"the tag v1\.2\.2 does not match otel_tbot/version\.py"),
        ("1.2.3", REPOSITORY, r"the tag 1\.2\.3 does not match"),
        ("v1.2", REPOSITORY, r"the tag v1\.2 does not match"),
        ("v1.2.3", "https://forge.example/other/name", r"names the repository https://forge\.example/owner/name, but"),
    ],
)
def test_refused(script: Any, tree: Path, tag: str, repository: str, reason: str) -> None:  # noqa: ANN401
    """A tag that does not match the version, and another repository, are refused."""
    with pytest.raises(script.ReleaseError, match=reason):
        script.notes(tag, repository, tree)


def test_no_section(script: Any, tree: Path) -> None:  # noqa: ANN401
    """A changelog without a dated section of that version is refused."""
    (tree / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n\n## 1.2.30 - 2027-01-31\n")
    with pytest.raises(script.ReleaseError, match=r"CHANGELOG\.md has no section '## 1\.2\.3 - YYYY-MM-DD'"):
        script.notes("v1.2.3", REPOSITORY, tree)


def test_this_tree(script: Any) -> None:  # noqa: ANN401
    """The tree itself cannot be released from a repository that its metadata does not name."""
    changelog = (SOURCE / "CHANGELOG.md").read_text(encoding="utf-8")
    reason = "pyproject.toml names the repository"
    expected = reason if f"## {__version__} - " in changelog else "CHANGELOG.md has no section"
    with pytest.raises(script.ReleaseError, match=expected):
        script.notes(f"v{__version__}", REPOSITORY)
