"""Checks the built site: `make site`. No page loads anything from another host, scrolls sideways or lacks a diagram.

The last two need a browser: where none is found, they are left out, unless `OTEL_TBOT_REQUIRE_BROWSER` is set.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from functools import partial
from html import unescape
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from scripts.site.build import BUILD
from tests.support.browser import find_browser

if TYPE_CHECKING:
    from pathlib import Path

WIDTHS = (390, 1180)  # pixels: a phone, and a window beside another
_TIMEOUT = 300  # seconds for all pages in the browser, which takes a tenth of that
_BUDGET = 600_000  # milliseconds of the pages' own time, which passes as fast as nothing happens
_FOREIGN = re.compile(r"(?:[a-z]+:)?//")
_FOREIGN_IN_STYLE = re.compile(r"(?:url\(|@import)\s*[\"']?((?:[a-z]+:)?//[^\"')\s]+)")
# Opens each page in a frame, since a window cannot be as narrow as a phone.
_FRAME = """<!doctype html><body><script>
const faults_of = (page, width) => new Promise(resolve => {
  const frame = document.createElement('iframe');
  frame.style = `border: 0; width: ${width}px; height: 800px`;
  frame.onload = async () => {
    const faults = [], missing = () => frame.contentDocument.querySelector('pre.mermaid');
    for (let tries = 0; missing() && tries < 100; tries++) await new Promise(resume => setTimeout(resume, 50));
    if (missing()) faults.push('a diagram is not drawn');
    const needed = frame.contentDocument.documentElement.scrollWidth;
    if (needed > width) faults.push(`needs ${needed} pixels`);
    frame.remove();
    resolve(faults.map(fault => `${page} in ${width} pixels: ${fault}`));
  };
  frame.src = page;
  document.body.append(frame);
});
(async () => {
  const faults = [];
  for (const width of WIDTHS) for (const page of PAGES) faults.push(...await faults_of(page, width));
  const result = document.createElement('meta');
  result.name = 'faults';
  result.content = JSON.stringify(faults);
  document.head.append(result);
})();
</script>"""


class _Loaded(HTMLParser):
    """Collects the addresses from which a page loads something; one that waits for its reader is none."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        names = ["src", "srcset", "data", "poster"]
        if tag == "link" and found.get("rel") not in {"canonical", "next", "prev"}:
            names.append("href")
        self.addresses += [found[name] or "" for name in names if name in found]


def foreign_addresses(file: Path) -> list[str]:
    """Return the addresses of other hosts from which a page or a style sheet loads something."""
    text = file.read_text(encoding="utf-8")
    page = _Loaded()
    if file.suffix == ".html":
        page.feed(text)
    return [*filter(_FOREIGN.match, page.addresses), *_FOREIGN_IN_STYLE.findall(text)]


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def faults_in_browser(browser: str, site: Path) -> list[str]:
    """Open each page of a site in a browser, in each width; return what is wrong."""
    pages = [f"{site.name}/{file.relative_to(site).as_posix()}" for file in sorted(site.rglob("*.html"))]
    frame = _FRAME.replace("PAGES", json.dumps(pages)).replace("WIDTHS", json.dumps(WIDTHS))
    (site.parent / "frame.html").write_text(frame, encoding="utf-8")
    with (
        ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(site.parent))) as server,
        tempfile.TemporaryDirectory() as profile,
    ):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        command += ["--hide-scrollbars", f"--user-data-dir={profile}", f"--virtual-time-budget={_BUDGET}", "--dump-dom"]
        address = f"http://127.0.0.1:{server.server_port}/frame.html"
        ended = subprocess.run([*command, address], capture_output=True, check=True, encoding="utf-8", timeout=_TIMEOUT)
        server.shutdown()
    result = re.search(r'<meta name="faults" content="([^"]*)">', ended.stdout)
    return json.loads(unescape(result[1])) if result else ["the browser did not come to an end"]


def main() -> None:
    """Check the site; end with what is wrong."""
    site = BUILD / "html"
    files = [file for file in sorted(site.rglob("*")) if file.suffix in {".html", ".css"}]
    faults = [f"{file.relative_to(site)} loads {one}" for file in files for one in foreign_addresses(file)]
    browser = find_browser()
    if browser:
        faults += faults_in_browser(browser, site)
    elif os.environ.get("OTEL_TBOT_REQUIRE_BROWSER"):
        faults.append("no Chromium or Chrome was found")
    if faults:
        sys.exit("\n".join(f"site: {fault}" for fault in faults))
    print(f"site: {len(files)} files load nothing from another host", end="")
    print(", and fit a phone" if browser else "; without a browser, their layout was not checked")


if __name__ == "__main__":
    main()
