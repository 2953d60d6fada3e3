"""Stages the pages of the documentation site and builds it: `make site`.

The pages are those of the repository. Every file that the index reaches through links gets a page: Markdown is copied,
a folder is shown by its README, and any other text as a listing. So no link leaves the site only to show a file.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[2]
INDEX = ROOT / "docs" / "README.md"
HERE = Path(__file__).parent
BUILD = ROOT / "build" / "site"
PAGES = BUILD / "pages"
MERMAID = "assets/mermaid.js"
# Here, these are rendered from the docstrings; the generated pages are for readers of the repository.
API = {"python-api.md": "otel_tbot", "testing.md": "otel_tbot.testing"}
_COPIED = {".gz", ".png"}
_LINK = re.compile(r"(?<=\]\()([^)\s#]+)(?=[)#])")


class BrokenLinkError(Exception):
    """A link within the repository has no target."""


def site_path(file: Path) -> PurePosixPath:
    """Return the path of a repository's file in the site, with `docs` as its root."""
    path = PurePosixPath(file.relative_to(ROOT).as_posix())
    if path.parts[0] == "docs":
        path = PurePosixPath(*path.parts[1:])
    elif len(path.parts) == 1:
        path = "project" / path
    return path if path.suffix in {".md", *_COPIED} else path.with_name(f"{path.name}.md")


def target_of(page: Path, link: str) -> Path | None:
    """Return the file that a link names; None if it leads out of the repository."""
    if re.match(r"[a-z]+:", link):
        return None
    target = Path(os.path.normpath(page.parent / link))
    target = target / "README.md" if target.is_dir() else target
    if not target.is_file():
        message = f"{page.relative_to(ROOT)} links to {link}, which is neither a file nor a folder with a README.md"
        raise BrokenLinkError(message)
    return target


def with_site_links(text: str, page: Path) -> str:
    """Return a page's text with its links rewritten for the site."""

    def changed(match: re.Match[str]) -> str:
        target = target_of(page, match[0])
        return match[0] if target is None else os.path.relpath(site_path(target), site_path(page).parent)

    return _LINK.sub(changed, text)


def with_api(text: str, module: str) -> str:
    """Return a generated page of the API with directives that render the docstrings instead of the generated text."""
    head, *_ = text.partition("\n## ")
    return "\n\n".join([head, *(f"::: {module}.{name}" for name in re.findall(r"^## `(\w+)`$", text, re.MULTILINE))])


def listing(file: Path) -> str:
    """Return the page that shows a file; it is excluded from the search."""
    text = file.read_text(encoding="utf-8")
    language = file.suffix.removeprefix(".") or "text"
    return f"---\nsearch:\n  exclude: true\n---\n\n# {file.name}\n\n````{language}\n{text}````\n"


def page_text(file: Path) -> str:
    """Return the text of a page of the site."""
    if file.suffix != ".md":
        return listing(file)
    text = with_site_links(file.read_text(encoding="utf-8"), file)
    if file.name in API:
        text = with_api(text, API[file.name])
    if "```mermaid" in text:
        script = os.path.relpath(MERMAID, site_path(file).parent)
        text += f'\n<script src="{script}"></script>\n'
    return text


def reachable() -> list[Path]:
    """Return the files that the index reaches, the index first."""
    found = [INDEX]
    for file in found:
        if file.suffix == ".md":
            links = _LINK.findall(file.read_text(encoding="utf-8"))
            targets = (target_of(file, link) for link in links)
            found += dict.fromkeys(target for target in targets if target is not None and target not in found)
    return found


def navigation() -> str:
    """Return the navigation, as nested lists: the index's headings, and below each the pages that it lists."""
    lines = ["- [What is sent](README.md)"]
    for line in with_site_links(INDEX.read_text(encoding="utf-8"), INDEX).splitlines():
        if line.startswith("## "):
            lines.append(f"- {line.removeprefix('## ')}")
        elif item := re.match(r"- (\[[^\]]+\]\([^)]+\.md\))", line):
            lines.append(f"    - {item[1]}")
    return "\n".join(lines) + "\n"


def stage() -> None:
    """Write everything that the site generator reads."""
    shutil.rmtree(BUILD, ignore_errors=True)
    for file in reachable():
        path = PAGES / site_path(file)
        path.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix in _COPIED:
            shutil.copyfile(file, path)
        else:
            path.write_text(page_text(file), encoding="utf-8")
    (PAGES / "SUMMARY.md").write_text(navigation(), encoding="utf-8")
    shutil.copyfile(HERE / "zensical.toml", BUILD / "zensical.toml")
    shutil.copytree(HERE / "theme", BUILD / "theme")


def install_mermaid() -> None:
    """Add the script that draws the diagrams to the site, so that no page loads it from another host."""
    if shutil.which("npm") is None:
        sys.exit("site: npm was not found: install Node.js 20 or newer")
    folder = BUILD / "npm"
    shutil.copytree(HERE / "npm", folder)
    command = ["npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
    if subprocess.run(command, cwd=folder, check=False, stdin=subprocess.DEVNULL).returncode:
        sys.exit(f"site: npm could not install what {HERE.relative_to(ROOT)}/npm pins: run `npm ci` there to see why")
    script = PAGES / MERMAID
    script.parent.mkdir(exist_ok=True)
    shutil.copyfile(folder / "node_modules" / "@mermaid-js" / "tiny" / "dist" / "mermaid.tiny.js", script)


def main() -> None:
    """Build the site; a warning is an error."""
    try:
        stage()
    except BrokenLinkError as error:
        sys.exit(f"site: {error}")
    install_mermaid()
    generator = Path(sys.executable).with_name("zensical")
    sys.exit(subprocess.run([generator, "build", "--strict", "--clean"], cwd=BUILD, check=False).returncode)


if __name__ == "__main__":
    main()
