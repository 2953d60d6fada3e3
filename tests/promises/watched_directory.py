"""A directory with the home, the working directory and all other folders where a program might store something.

Its complete content is known, so that any file that is written, touched or removed is detected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tests.support.fake_tbot import shell_script

if TYPE_CHECKING:
    from pathlib import Path

_CONFIGURATION = """\
version: v2
onboarding: {join_method: github}
services:
  - {type: identity, destination: {type: directory, path: ./must-not-be-made}}
storage: {type: directory, path: ./must-not-be-made-either}
"""

# Files that other programs keep in a home, and that built-in libraries might look for.
_IN_HOME = (
    ".aws/credentials",
    ".bashrc",
    ".cache/otel-tbot/state.json",
    ".config/gcloud/application_default_credentials.json",
    ".config/otel-tbot/config.yaml",
    ".config/otel.yaml",
    ".config/pip/pip.conf",
    ".curlrc",
    ".docker/config.json",
    ".gitconfig",
    ".local/share/otel-tbot/id",
    ".netrc",
    ".otel.yaml",
    ".profile",
    ".pypirc",
    ".requests_cache",
    ".ssh/id_ed25519",
    ".tbot.yaml",
    ".tsh/current-profile",
    "_netrc",
    "tbot.yaml",
)
# Next to the configuration that the command line names.
_IN_WORK = (".env", ".netrc", "config.yaml", "otel.yaml", "otel-tbot.yaml", "pyproject.toml", "setup.cfg", "tbot.yml")
_FOLDERS = ("home", "tmp", "xdg/config", "xdg/cache", "xdg/data", "xdg/state", "xdg/runtime", "work")


class Entry(NamedTuple):
    """The metadata of a file or folder, except for the time of the last access."""

    mode: int
    inode: int
    size: int
    modified: int
    changed: int


class WatchedDirectory:
    """The watched directory, inside a folder.

    Attributes:
        root: the directory.
        work: the working directory, with tbot, its configuration and a file of its arguments.
        environ: the variables that name the other folders.
        readable: the files that may be read, because tbot's command line names them.
    """

    def __init__(self, folder: Path) -> None:
        """Create the content and record its metadata."""
        self.root = folder / "watched"
        self.work = self.root / "work"
        self.readable = {str(self.work / "tbot.yaml"), str(self.work / "arguments")}
        self.environ = {
            "HOME": str(self.root / "home"),
            **{name: str(self.root / "tmp") for name in ("TMPDIR", "TEMP", "TMP")},
            **{f"XDG_{name.upper()}_HOME": str(self.root / "xdg" / name) for name in ("config", "cache", "data")},
            "XDG_STATE_HOME": str(self.root / "xdg" / "state"),
            "XDG_RUNTIME_DIR": str(self.root / "xdg" / "runtime"),
        }
        for name in _FOLDERS:
            (self.root / name).mkdir(parents=True)
        for path in (*(self.root / "home" / name for name in _IN_HOME), *(self.work / name for name in _IN_WORK)):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("machine 127.0.0.1 login canary password canary\n")
        (self.work / "tbot.yaml").write_text(_CONFIGURATION)
        (self.work / "arguments").write_text("--oneshot\n")
        shell_script(self.work, "exit 7")
        self._before = self.entries()

    def entries(self) -> dict[str, Entry]:
        """Return the metadata of everything; a file that was created and deleted has changed its folder."""
        return {str(path.relative_to(self.root)): _entry(path) for path in (self.root, *self.root.rglob("*"))}

    def changed(self) -> dict[str, tuple[Entry | None, Entry | None]]:
        """Return what has changed: its metadata before and now."""
        now = self.entries()
        return {
            name: (self._before.get(name), now.get(name))
            for name in sorted(self._before.keys() | now.keys())
            if self._before.get(name) != now.get(name)
        }


def _entry(path: Path) -> Entry:
    found = path.lstat()
    return Entry(found.st_mode, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
