"""The documentation site: its pages, and its checks, which detect faults."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

import otel_tbot
from otel_tbot import testing
from scripts.site import build, check

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

DOCS = build.ROOT / "docs"
_LINK = re.compile(r"\]\(([^)#\s]+)")


def test_every_page_is_part_of_it() -> None:
    """The site has each page of the documentation, of the examples and of the project."""
    expected = {*DOCS.rglob("*.md"), *(build.ROOT / "examples").rglob("*.md"), build.ROOT / "CHANGELOG.md"}
    assert expected - set(build.reachable()) == set()


def test_links_stay_inside() -> None:
    """Each link of each page leads to a page of the site, or to another host."""
    files = build.reachable()
    staged = {build.site_path(file).as_posix() for file in files}
    assert len(staged) == len(files)
    for file in files:
        if file.suffix == ".md":
            folder = build.PAGES / build.site_path(file).parent
            links = [link for link in _LINK.findall(build.page_text(file)) if ":" not in link]
            targets = {(folder / link).resolve().relative_to(build.PAGES).as_posix() for link in links}
            assert targets - staged == set(), file


@pytest.mark.parametrize("link", ["nowhere.md", "images", "../tests"])
def test_broken_link(link: str) -> None:
    """A link to a missing file or to a folder without a page is an error that names the page and the link."""
    with pytest.raises(build.BrokenLinkError, match=rf"^docs/README\.md links to {re.escape(link)}, which is neither"):
        build.target_of(DOCS / "README.md", link)


def test_navigation() -> None:
    """The navigation has the index's headings and, in its order, the pages listed below each."""
    lines = build.navigation().splitlines()
    assert lines[:4] == [
        "- [What is sent](README.md)",
        "- Start here",
        "    - [Your first event in five minutes](tutorial.md)",
        "    - [Ready-to-run examples](examples/README.md)",
    ]
    listed = {line.rpartition("(")[2].rstrip(")") for line in lines}
    assert {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")} - listed == set()


@pytest.mark.parametrize(("page", "module"), [("python-api.md", otel_tbot), ("testing.md", testing)])
def test_api(page: str, module: ModuleType) -> None:
    """The API page has each public name once, to be rendered from its docstring."""
    text = build.page_text(DOCS / "reference" / page)
    rendered = re.findall(rf"^::: {module.__name__}\.(\w+)$", text, re.MULTILINE)
    assert sorted(rendered) == sorted(set(module.__all__) - {"__version__"})
    assert "\n## " not in text


def test_diagrams_are_drawn_by_a_script_of_the_site() -> None:
    """A page with a diagram loads the site's own script, and other pages load none."""
    pages = [file for file in build.reachable() if file.suffix == ".md"]
    assert {file.name for file in pages if "<script" in build.page_text(file)} == {"architecture.md"}
    assert '<script src="../assets/mermaid.js">' in build.page_text(DOCS / "explanation" / "architecture.md")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("page.html", '<script src="https://cdn.example/x.js"></script>'),
        ("page.html", '<link rel="stylesheet" href="//cdn.example/x.css">'),
        ("page.html", '<link rel="preconnect" href="https://fonts.example" crossorigin>'),
        ("page.html", '<img alt="" src="https://cdn.example/x.png">'),
        ("page.html", '<iframe src="https://cdn.example/"></iframe>'),
        ("page.html", "<style>body { background: url(https://cdn.example/x.png) }</style>"),
        ("style.css", '@import "https://cdn.example/x.css";'),
        ("style.css", "@font-face { src: url('https://cdn.example/x.woff2') }"),
    ],
)
def test_external_resources_are_found(tmp_path: Path, name: str, text: str) -> None:
    """A resource that a page or a style sheet would load from another host is found."""
    (tmp_path / name).write_text(text)
    assert len(check.foreign_addresses(tmp_path / name)) == 1


def test_links_are_not_resources(tmp_path: Path) -> None:
    """A link to another host, and a resource of the site itself, is not a fault."""
    page = tmp_path / "page.html"
    page.write_text(
        '<a href="https://example.com">x</a><script src="../x.js"></script><img src="data:image/png;base64,">'
    )
    assert check.foreign_addresses(page) == []


def test_faults_in_a_browser(browser: str, tmp_path: Path) -> None:
    """A page wider than the window and a diagram that was not drawn are reported; a correct page is not."""
    site = tmp_path / "html"
    site.mkdir()
    text = '<!doctype html><pre class="mermaid">flowchart</pre>'
    (site / "good.html").write_text(
        f"{text}<script>document.querySelector('pre').outerHTML = '<div class=mermaid></div>'</script>"
    )
    (site / "text.html").write_text(text)
    (site / "wide.html").write_text('<!doctype html><body style="margin: 0"><div style="width: 800px">Wide</div>')
    assert check.faults_in_browser(browser, site, patience=500) == [
        "html/text.html in 390 pixels: a diagram is not drawn",
        "html/wide.html in 390 pixels: needs 800 pixels",
        "html/text.html in 1180 pixels: a diagram is not drawn",
    ]
