"""Open a page in a real browser without a window, and measure it there."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from html import unescape
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_TIMEOUT = 50  # seconds; the first start on a slow machine takes many
_BUDGET = 5000  # milliseconds of virtual time, which skips idle periods
_SCHEMES = {"dark": "0", "light": "1"}
# The measured copy may run this script alone; what it may load is the same as in the page.
_POLICY = ("default-src 'none';", "default-src 'none'; script-src 'unsafe-inline';")
_SCRIPT = """<script>
const blocked = [];
addEventListener('securitypolicyviolation', event => blocked.push(event.blockedURI + ' ' + event.violatedDirective));
addEventListener('load', () => {
  const visible = element => element.getClientRects().length > 0;
  const beyond = element => {
    const box = element.getBoundingClientRect();
    return box.left < -0.5 || box.right > innerWidth + 0.5;
  };
  const cut = text => {
    const box = text.getBoundingClientRect(), picture = text.ownerSVGElement.getBoundingClientRect();
    return box.left < picture.left - 1 || box.right > picture.right + 1 || box.bottom > picture.bottom + 1;
  };
  const texts = [...document.querySelectorAll('svg text')].filter(visible);
  const measured = {
    blocked,
    requested: performance.getEntriesByType('resource').map(entry => entry.name),
    width: innerWidth,
    page_width: document.documentElement.scrollWidth,
    beyond: [...document.querySelectorAll('main *')].filter(
      element => visible(element) && !element.closest('.table') && !element.ownerSVGElement && beyond(element)
    ).map(element => element.outerHTML.slice(0, 120)),
    cut: texts.filter(cut).map(text => text.textContent),
    smallest_text: Math.min(99, ...texts.map(
      text => parseFloat(getComputedStyle(text).fontSize) * text.getCTM().a
    )),
    pictures: [...document.querySelectorAll('svg')].filter(visible).length,
    background: getComputedStyle(document.querySelector('.tile')).backgroundColor,
    ink: getComputedStyle(document.body).color,
  };
  parent.postMessage(JSON.stringify(measured), '*');
});
</script>"""

# A window cannot be as narrow as a phone, a frame can.
_FRAME = """<!doctype html><meta name="color-scheme" content="light dark">
<script>
addEventListener('message', event => {{
  const result = document.createElement('meta');
  result.name = 'measured';
  result.content = event.data;
  document.head.append(result);
}});
</script>
<body><iframe src="page.html" style="border: 0; width: {width}px; height: 2000px"></iframe>"""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Measurements of a page in a browser.

    Attributes:
        blocked: the resources that the page's policy blocked.
        requested: the resources that it loaded.
        width: of the frame, in pixels.
        page_width: of the page.
        beyond: the elements that extend beyond the frame.
        cut: the texts that extend beyond their picture.
        smallest_text: of the pictures, in pixels.
        pictures: how many are visible.
        background: the colour of a card.
        ink: the colour of the text.
    """

    blocked: list[str]
    requested: list[str]
    width: int
    page_width: int
    beyond: list[str]
    cut: list[str]
    smallest_text: float
    pictures: int
    background: str
    ink: str


def find_browser() -> str | None:
    """Return the path of a Chromium, or None."""
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


def measure(browser: str, page: str, folder: Path, *, width: int, scheme: Literal["light", "dark"]) -> Measured:
    """Open a copy of a page that measures itself, with all tables of numbers open.

    Args:
        browser: the path of a Chromium.
        page: the page.
        folder: an empty one, for the copy and the browser's own files.
        width: of the frame, in pixels.
        scheme: the colours that the user prefers.
    """
    copy = page.replace(*_POLICY).replace("<title>", f"{_SCRIPT}<title>", 1).replace("<details>", "<details open>")
    (folder / "page.html").write_text(copy, encoding="utf-8")
    frame = folder / "frame.html"
    frame.write_text(_FRAME.format(width=width), encoding="utf-8")
    finished = subprocess.run(
        [
            browser,
            "--headless",
            "--no-sandbox",  # root needs it, as in a container; the page is our own
            "--disable-gpu",
            "--disable-background-networking",
            "--hide-scrollbars",
            f"--user-data-dir={folder / 'profile'}",
            "--window-size=1400,2000",
            f"--virtual-time-budget={_BUDGET}",
            f"--blink-settings=preferredColorScheme={_SCHEMES[scheme]}",
            "--dump-dom",
            frame.as_uri(),
        ],
        capture_output=True,
        check=True,
        encoding="utf-8",
        timeout=_TIMEOUT,
    )
    result = re.search(r'<meta name="measured" content="([^"]*)">', finished.stdout)
    assert result, finished.stdout[:500]
    return Measured(**json.loads(unescape(result[1])))
