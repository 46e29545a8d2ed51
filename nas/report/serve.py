"""The report of a run as a live page on this machine: built anew whenever the run has recorded something."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from markupsafe import Markup

from gondwana.nas.engine.records.run_folder import RunFolder
from gondwana.nas.report.page.page import page
from gondwana.nas.report.report import load_run, render_main

HOST = "127.0.0.1"


class ReportServer(ThreadingHTTPServer):
    """Serves one run on the loopback address.

    Answers only requests that name it by a loopback host, so that no web site can read it through the browser (DNS
    rebinding), and nothing but GET of three paths.

    Args:
        run_dir: folder of the run, finished or under way.
        port: 0 takes a free one.

    Raises:
        gondwana.nas.engine.records.run_folder.RunFolderError: if the folder is not a run or is damaged.
        OSError: if the port is taken.
    """

    daemon_threads = True

    def __init__(self, run_dir: Path, port: int = 0) -> None:
        RunFolder.open(run_dir)
        self._run_dir = run_dir
        self._lock = threading.Lock()
        self._shown: tuple[str, Markup, str] | None = None
        super().__init__((HOST, port), _Handler)

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{HOST}:{self.server_address[1]}/"

    def allowed_hosts(self) -> frozenset[str]:
        """Return the values of the Host header that are answered."""
        return frozenset(f"{name}:{self.server_address[1]}" for name in (HOST, "localhost"))

    def state(self) -> str:
        """Return, as JSON, how much the run has recorded: the page is built anew when it changes."""
        folder = RunFolder.open(self._run_dir)
        with folder.open_store(read_only=True) as store:
            asked, states = store.counts()
            facts = {
                "asked": asked,
                "told": sum(states.values()),
                "finals": len(store.finals()),
                "finished": store.run().finished is not None,
            }
        return json.dumps(facts)

    def main(self) -> str:
        """Return the part of the page that depends on the run."""
        return str(self._current()[1])

    def document(self) -> str:
        """Return the whole page."""
        _, main, title = self._current()
        return page(title, main, live=True)

    def _current(self) -> tuple[str, Markup, str]:
        """Return state, main part and title, built once for each state however many ask."""
        with self._lock:
            state = self.state()
            if self._shown is None or self._shown[0] != state:
                run = load_run(self._run_dir)
                self._shown = (state, render_main(run, live=run.finished is None), run.name)
            return self._shown


class _Handler(BaseHTTPRequestHandler):
    server: ReportServer
    server_version = "gondwana"
    sys_version = ""

    def do_GET(self) -> None:
        if self.headers.get("Host") not in self.server.allowed_hosts():
            self.send_error(403, "this page is served to this machine only")
            return
        answers = {
            "/": (self.server.document, "text/html"),
            "/main": (self.server.main, "text/html"),
            "/state": (self.server.state, "application/json"),
        }
        if self.path not in answers:
            self.send_error(404)
            return
        make, kind = answers[self.path]
        try:
            content = make().encode()
        except (ValueError, RuntimeError) as error:
            self.send_error(503, " ".join(str(error).split())[:200])
            return
        self.send_response(200)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet: the terminal belongs to the person who started the server."""
