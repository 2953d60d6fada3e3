"""Serves the built site on a free port of this machine and opens it in a browser: `make docs`. Ctrl-C ends it."""

from __future__ import annotations

import contextlib
import webbrowser
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

from scripts.site.build import BUILD


def main() -> None:
    """Serve until Ctrl-C."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(BUILD / "html"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server, contextlib.suppress(KeyboardInterrupt):
        address = f"http://127.0.0.1:{server.server_port}/"
        print(f"The site is at {address}; stop it with Ctrl-C", flush=True)
        webbrowser.open(address)
        server.serve_forever()


if __name__ == "__main__":
    main()
