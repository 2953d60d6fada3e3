"""Check the wheel and the sdist in a folder: their contents, that they install and load, and that they can be rebuilt.

Run by `make package` with the interpreter of an environment that has the build tools.
"""

from __future__ import annotations

import configparser
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from email import message_from_string
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from email.message import Message

ROOT = Path(__file__).parent.parent
TOP_LEVEL = (
    ".pre-commit-config.yaml",
    ".proselintrc.json",
    "CHANGELOG.md",
    "CODE_OF_CONDUCT.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "Makefile",
    "PKG-INFO",
    "README.md",
    "RELEASING.md",
    "SECURITY.md",
    "pyproject.toml",
)
FOLDERS = (".ci", "benchmarks", "docs", "examples", "otel_tbot", "requirements", "scripts", "tests")
ENTRY_POINT_GROUPS = {
    "console_scripts",
    "opentelemetry_environment_variables",
    "opentelemetry_logs_exporter",
    "opentelemetry_resource_detector",
    "opentelemetry_sampler",
    "opentelemetry_traces_exporter",
    "opentelemetry_traces_sampler",
    "pyinstaller40",
}
LINK = re.compile(r"\]\(([^)\s]+)\)")
# Runs in the fresh environment; isolated, so that the checkout cannot hide what the wheel lacks.
LOAD_ALL = """
from importlib.metadata import distribution
from otel_tbot.version import __version__
assert distribution("otel-tbot").version == __version__, "the metadata and the package disagree about the version"
for entry_point in distribution("otel-tbot").entry_points:
    entry_point.load()
"""


def expect(fact: bool, otherwise: str) -> None:  # noqa: FBT001  reads as `assert`, and -O cannot remove it
    """Exit with one line unless the fact holds."""
    if not fact:
        sys.exit(f"package: {otherwise}")


def run(*command: str | Path, cwd: Path = ROOT, umask: int = -1, **environ: str) -> None:
    """Run a command silently; exit with its output if it fails."""
    result = subprocess.run(
        command,
        cwd=cwd,
        umask=umask,
        env={**os.environ, **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    expect(result.returncode == 0, f"{' '.join(map(str, command))} failed:\n{result.stdout}")


def only(folder: Path, pattern: str) -> Path:
    """Return the only file that matches the pattern."""
    found = list(folder.glob(pattern))
    expect(len(found) == 1, f"{folder} has {len(found)} files {pattern} instead of one")
    return found[0]


def package_files() -> set[str]:
    """Name the package's files in the checkout, as the wheel should name them."""
    files = (path for path in (ROOT / "otel_tbot").rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(ROOT).as_posix() for path in files}


def check_wheel(path: Path) -> str:
    """Check the contents of the wheel; return its version."""
    with zipfile.ZipFile(path) as wheel:
        names = set(wheel.namelist())
        info = next(name.split("/")[0] for name in names if name.endswith(".dist-info/METADATA"))
        metadata = message_from_string(wheel.read(f"{info}/METADATA").decode())
        entry_points = configparser.ConfigParser()
        entry_points.read_string(wheel.read(f"{info}/entry_points.txt").decode())

    code = {name for name in names if not name.startswith(f"{info}/")}
    expect(code == package_files(), f"the wheel and otel_tbot/ differ: {sorted(code ^ package_files())}")
    expect("otel_tbot/py.typed" in names, "the wheel lacks py.typed")
    expect(any(name.startswith("otel_tbot/schema/registry/") for name in names), "the wheel lacks the schema registry")
    expect(f"{info}/licenses/LICENSE" in names, "the wheel lacks the license")
    expect(set(entry_points.sections()) == ENTRY_POINT_GROUPS, f"entry points: {entry_points.sections()}")
    check_links(metadata)
    return str(metadata["Version"])


def check_links(metadata: Message) -> None:
    """Check that the README's links work wherever it is shown, and lead to existing files of this version."""
    urls = dict(one.split(", ", 1) for one in metadata.get_all("Project-URL", []))
    elsewhere = [one for one in urls.values() if not f"{one}/".startswith(f"{urls['Source']}/")]
    expect(not elsewhere, f"not in the repository {urls['Source']}: {elsewhere}")
    files = re.compile(rf"{re.escape(urls['Source'])}/(?:blob|raw)/v{re.escape(str(metadata['Version']))}/([^#]+)")
    links = LINK.findall(str(metadata.get_payload()))
    found = [match[1] for link in links if (match := files.match(link))]
    expect(bool(found), "the README in the metadata has no link to a file of this version")
    missing = [one for one in found if not (ROOT / one).exists()]
    expect(not missing, f"the README in the metadata links to missing files: {missing}")
    relative = [one for one in links if not one.startswith("https://")]
    expect(not relative, f"the README in the metadata has relative links: {relative}")


def check_sdist(path: Path) -> None:
    """Check the contents of the sdist."""
    with tarfile.open(path) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    missing = [name for name in TOP_LEVEL if name not in names]
    missing += [folder for folder in FOLDERS if not any(name.startswith(f"{folder}/") for name in names)]
    missing += sorted(package_files() - names)
    expect(not missing, f"the sdist lacks {', '.join(missing)}")
    unexpected = {name.split("/")[0] for name in names} - {*TOP_LEVEL, *FOLDERS, ".gitignore"}
    expect(not unexpected, f"the sdist has unexpected files: {', '.join(sorted(unexpected))}")


def check_installed(wheel: Path, folder: Path) -> None:
    """Install the wheel with only the pinned runtime requirements, and use it."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    pip = (python, "-m", "pip", "install", "--disable-pip-version-check")
    run(*pip, "--require-hashes", "-r", ROOT / "requirements" / "runtime.txt")
    run(*pip, "--no-deps", wheel)
    run(python, "-m", "pip", "check")
    run(python, "-I", "-c", LOAD_ALL)
    run(folder / "bin" / "otel-tbot", "--help")


def check_rebuilt(dist: Path, folder: Path) -> None:
    """Build again from the sdist, in another place, time zone and umask, and later; compare every byte."""
    with tarfile.open(only(dist, "*.tar.gz")) as sdist:
        sdist.extractall(folder / "source", filter="data")
    (source,) = (folder / "source").iterdir()
    build = (sys.executable, "-m", "build", "--no-isolation", "--outdir", folder)
    run(*build, cwd=source, umask=0o077, TZ="Pacific/Kiritimati", LC_ALL="C", PYTHONHASHSEED="1")
    for path in (only(dist, "*.whl"), only(dist, "*.tar.gz")):
        expect(path.read_bytes() == (folder / path.name).read_bytes(), f"a second build of {path.name} differs")


def main(dist: Path) -> None:
    """Check the folder that holds one wheel and one sdist."""
    expect("SOURCE_DATE_EPOCH" in os.environ, "set SOURCE_DATE_EPOCH to the value of the build")
    wheel, sdist = only(dist, "*.whl"), only(dist, "*.tar.gz")
    version = check_wheel(wheel)
    expect(sdist.name == f"otel_tbot-{version}.tar.gz", f"{sdist.name} is not of version {version}")
    check_sdist(sdist)
    with tempfile.TemporaryDirectory() as folder:
        check_rebuilt(dist, Path(folder, "again"))
        check_installed(wheel.absolute(), Path(folder, "venv"))
    print(f"package: {wheel.name} and {sdist.name} are complete, load, and rebuild to the same bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
