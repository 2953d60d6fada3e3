"""The documentation: generated pages are up to date, links resolve, and commands do what the page says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import yaml

from otel_tbot.otlp import failure_reason, http_errors
from scripts import generate
from tests.integration.examples.readme import SOURCE, blocks, run
from tests.integration.pipelines import declarative
from tests.integration.pipelines.processes import instrumented

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.collector import Collector

DOCS = SOURCE / "docs"
PAGES = sorted(DOCS.rglob("*.md")) + sorted((SOURCE / "examples").rglob("*.md"))
RUNNABLE = [page for page in PAGES if page.is_relative_to(DOCS) and (blocks(page) or blocks(page, "python"))]
# Their Python blocks are signatures and excerpts.
EXCERPTS = {"python-api.md", "testing.md"}
_LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)")


def named(page: Path) -> str:
    """Return a page's name as its test id."""
    return str(page.relative_to(SOURCE))


def test_generated_pages_are_fresh() -> None:
    """The generated reference is up to date."""
    stale = [named(path) for path, text in generate.pages().items() if path.read_text(encoding="utf-8") != text]
    assert stale == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links(page: Path) -> None:
    """Each link within the source tree has a target."""
    targets = [target for target in _LINK.findall(page.read_text(encoding="utf-8")) if "://" not in target]
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_index() -> None:
    """The index lists each page."""
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    others = [path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md") if path.name != "README.md"]
    assert [name for name in others if f"({name})" not in index] == []


@pytest.mark.parametrize("page", [page for page in RUNNABLE if page.name not in EXCERPTS], ids=named)
def test_commands(collector: Collector, tmp_path: Path, page: Path) -> None:
    """The commands and programs of a page run in their order without a failure."""
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoints["http/protobuf"], "PYTHONWARNINGS": "error"}
    for number, commands in enumerate(blocks(page)):
        ended = run(commands, environ, cwd=tmp_path, tbot=tmp_path / "bin")
        assert ended.returncode == 0, (number, ended.stderr)
        assert "not delivered" not in ended.stderr
    for program in blocks(page, "python"):
        (tmp_path / "program.py").write_text(program)
        ended = run("python program.py", environ, cwd=tmp_path, tbot=tmp_path / "bin")
        assert (ended.returncode, ended.stderr) == (0, "")


def test_tutorial(collector: Collector, tmp_path: Path) -> None:
    """At the end of the tutorial, the Collector has received two events."""
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoints["http/protobuf"]}
    errors = [
        run(commands, environ, cwd=tmp_path, tbot=tmp_path / "bin").stderr for commands in blocks(DOCS / "tutorial.md")
    ]
    assert len(collector.requests("logs", count=2)) == 2
    assert "tbot.start sent to" in "".join(errors)


def test_off(tmp_path: Path) -> None:
    """The page about turning it off shows the real output."""
    *_, importing = [block for block in blocks(DOCS / "how-to" / "turn-off.md") if "importtime" in block]
    assert run(importing, {}, cwd=tmp_path, tbot=tmp_path / "bin").stdout == "0\n"
    (program,) = blocks(DOCS / "how-to" / "turn-off.md", "python")
    (tmp_path / "program.py").write_text(program)
    shown = run("python program.py", {}, cwd=tmp_path, tbot=tmp_path / "bin").stdout
    assert shown == "False TELEPORT_ANONYMOUS_TELEMETRY TELEPORT_ANONYMOUS_TELEMETRY is not set\n"


@declarative.REQUIRED
def test_configuration_file(tmp_path: Path) -> None:
    """The declarative file of the page about pipelines is valid, and does what the page says."""
    (text,) = blocks(DOCS / "how-to" / "opentelemetry.md", "yaml")
    ended = instrumented("configured", environ=declarative.named(tmp_path, text))
    assert (ended.status, ended.stderr) == (0, [])
    assert "ParentBased{root:OptInSampler{" in ended.stdout


def test_excerpts() -> None:
    """Excerpts of the examples are equal to the files."""
    unit, _ = blocks(DOCS / "how-to" / "systemd.md", "ini")
    assert unit == (SOURCE / "examples" / "systemd" / "otel-tbot.conf").read_text(encoding="utf-8")
    (shown,) = blocks(DOCS / "how-to" / "kubernetes.md", "yaml")
    (container,) = yaml.safe_load(shown)["containers"]
    text = (SOURCE / "examples" / "kubernetes" / "deployment.yaml").read_text(encoding="utf-8")
    assert str(container["image"]) in text
    assert all(f"value: {one['value']}" in text.replace('"', "") for one in container["env"])
    (values,) = blocks(DOCS / "how-to" / "kubernetes-fleet.md", "yaml")
    assert values == (SOURCE / "examples" / "kubernetes-fleet" / "tbot-values.yaml").read_text(encoding="utf-8")


def test_architecture_is_up_to_date() -> None:
    """The architecture page names every part of the package, and only existing files."""
    package = SOURCE / "otel_tbot"
    page = (DOCS / "explanation" / "architecture.md").read_text(encoding="utf-8")
    named_files = set(re.findall(r"[\w/]+\.py", page))
    assert [name for name in named_files if not (package / name).exists()] == []
    folders = [path.parent.name for path in package.glob("*/__init__.py")]
    modules = [path.stem for path in package.glob("*.py") if not path.stem.startswith("_")]
    assert [name for name in (*folders, *modules) if f"`{name}" not in page] == []


def test_reasons() -> None:
    """Each reason of a failure is on the troubleshooting page."""
    page = (DOCS / "how-to" / "troubleshooting.md").read_text(encoding="utf-8")
    reasons = {text for name, text in vars(failure_reason).items() if name.isupper()}
    reasons |= {text for _, text in http_errors.ERROR_MESSAGES}
    rare = {"the request could not be built: check the endpoint and the headers", "the request could not be sent"}
    rare |= {"a certificate or key file cannot be used"}
    assert [text for text in sorted(reasons - rare) if f"`{text}`" not in page] == []
