"""Print the notes of a release, its section of the changelog, if its tag and its URLs are right.

Run by the release workflow with the tag and the URL of its repository.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


class ReleaseError(Exception):
    """The release must not be made."""


def expect(fact: bool, otherwise: str) -> None:  # noqa: FBT001  reads as `assert`, and -O cannot remove it
    """Stop the release unless the fact holds."""
    if not fact:
        raise ReleaseError(otherwise)


def notes(tag: str, repository: str, root: Path = ROOT) -> str:
    """Return the section of the changelog.

    Args:
        tag: `v` and the version.
        repository: its URL, as in `[project.urls]`.
        root: the source tree.

    Raises:
        ReleaseError: the tag, the version, the changelog and the URLs do not agree.
    """
    version = tag.removeprefix("v")
    text = (root / "otel_tbot" / "version.py").read_text(encoding="utf-8")
    expect(tag.startswith("v") and f'"{version}"' in text, f"the tag {tag} does not match otel_tbot/version.py")

    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    section = re.search(
        rf"^## {re.escape(version)} - \d{{4}}-\d\d-\d\d\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE
    )
    expect(section is not None, f"CHANGELOG.md has no section '## {version} - YYYY-MM-DD'")

    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    source = re.search(r'^Source = "([^"]+)"$', text, re.MULTILINE)
    named = source and source[1]
    expect(named == repository, f"pyproject.toml names the repository {named}, but this is {repository}")
    return section[1].strip() + "\n" if section else ""


def main() -> None:
    """Print the notes."""
    try:
        print(notes(*sys.argv[1:]), end="")
    except ReleaseError as error:
        sys.exit(f"release: {error}")


if __name__ == "__main__":
    main()
