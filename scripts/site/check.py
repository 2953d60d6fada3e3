"""Checks the built site: `make site`. No page loads from another host, scrolls sideways or lacks a diagram.

The last two need a browser: if none is found, they are skipped, unless `OTEL_TBOT_REQUIRE_BROWSER` is set.
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
from html.parser import HTMLParser
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, Queue
from typing import TYPE_CHECKING, Any

from scripts.site.build import BUILD
from tests.support.browser import find_browser

if TYPE_CHECKING:
    from pathlib import Path

WIDTHS = (390, 1180)  # pixels: a phone, and half of a screen
_TIMEOUT = 300  # seconds for all pages in the browser, which take a tenth of that
_FOREIGN = re.compile(r"(?:[a-z]+:)?//")
_FOREIGN_IN_STYLE = re.compile(r"(?:url\(|@import)\s*[\"']?((?:[a-z]+:)?//[^\"')\s]+)")
# Opens each page in a frame, because a window cannot be as narrow as a phone.
_FRAME = """<!doctype html><body><script>
const faults_of = (page, width) => new Promise(resolve => {
  const frame = document.createElement('iframe');
  frame.style = `border: 0; width: ${width}px; height: 800px`;
  frame.onload = async () => {
    const source = await (await fetch(page)).text(), diagrams = source.split('<pre class="mermaid"').length - 1;
    // A drawn diagram replaces its text.
    const missing = () => diagrams - frame.contentDocument.querySelectorAll('div.mermaid').length;
    for (let left = PATIENCE; missing() && left > 0; left -= 50) await new Promise(resume => setTimeout(resume, 50));
    const faults = missing() ? ['a diagram is not drawn'] : [];
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
  await fetch('/faults', {method: 'POST', body: JSON.stringify(faults)});
})();
</script>"""


class _Loaded(HTMLParser):
    """Collects the addresses that a page loads from; links to follow are left out."""

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
    """Return the addresses of other hosts that a page or a style sheet loads from."""
    text = file.read_text(encoding="utf-8")
    page = _Loaded()
    if file.suffix == ".html":
        page.feed(text)
    return [*filter(_FOREIGN.match, page.addresses), *_FOREIGN_IN_STYLE.findall(text)]


class _Handler(SimpleHTTPRequestHandler):
    """Serves the site and the page that opens it, and receives the faults that the page finds."""

    def __init__(self, found: Queue[list[str]], *args: Any, **keywords: Any) -> None:  # noqa: ANN401  the server's
        self._found = found
        super().__init__(*args, **keywords)

    def do_POST(self) -> None:
        self._found.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(HTTPStatus.NO_CONTENT)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def faults_in_browser(browser: str, site: Path, *, patience: int = 30_000) -> list[str]:
    """Open each page of a site in a browser, in each width; return what is wrong.

    Args:
        browser: the path of a Chromium.
        site: the folder of the pages; the one above it is written to.
        patience: the milliseconds in which a page must draw its diagrams.
    """
    pages = [f"{site.name}/{file.relative_to(site).as_posix()}" for file in sorted(site.rglob("*.html"))]
    frame = _FRAME.replace("PAGES", json.dumps(pages)).replace("WIDTHS", json.dumps(WIDTHS))
    frame = frame.replace("PATIENCE", str(patience))
    (site.parent / "frame.html").write_text(frame, encoding="utf-8")
    found: Queue[list[str]] = Queue()
    handler = partial(_Handler, found, directory=str(site.parent))
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile,
        ThreadingHTTPServer(("127.0.0.1", 0), handler) as server,
    ):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        command += [
            "--hide-scrollbars",
            "--window-size=1280,900",
            f"--user-data-dir={profile}",
            "--remote-debugging-port=0",
        ]  # keeps it running
        address = f"http://127.0.0.1:{server.server_port}/frame.html"
        running = subprocess.Popen([*command, address], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            return found.get(timeout=_TIMEOUT)
        except Empty:
            return ["the browser did not finish"]
        finally:
            running.terminate()
            running.wait()
            server.shutdown()


def main() -> None:
    """Check the site; exit with what is wrong."""
    site = BUILD / "html"
    files = [file for file in sorted(site.rglob("*")) if file.suffix in {".html", ".css"}]
    faults = [f"{file.relative_to(site)} loads {one}" for file in files for one in foreign_addresses(file)]
    policy = 'http-equiv="Content-Security-Policy"'  # keeps the theme's script from loading anything from other hosts
    lacking = [file for file in files if file.suffix == ".html" and policy not in file.read_text(encoding="utf-8")]
    faults += [f"{file.relative_to(site)} has no policy against other hosts" for file in lacking]
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
