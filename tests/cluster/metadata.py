"""The metadata services of Amazon and Google on loopback, with a notice when the test says so."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Metadata:
    """Where it is, and whether the notice was given."""

    url: str = ""
    notice: threading.Event = field(default_factory=threading.Event)
    asked: list[str] = field(default_factory=list)
    seconds: float = 120


@contextmanager
def metadata() -> Iterator[Metadata]:
    """A service for the time of the block."""
    state = Metadata()

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            life = self.headers.get("X-aws-ec2-metadata-token-ttl-seconds")
            known = self.path == "/latest/api/token" and life
            self.answer(200 if known else 400, "a-token" if known else "")

        def do_GET(self) -> None:
            state.asked.append(self.path)
            if self.path == "/latest/meta-data/spot/instance-action":
                self.amazon()
            elif self.path.startswith("/computeMetadata/v1/instance/preempted"):
                self.google()
            else:
                self.answer(404, "")

        def amazon(self) -> None:
            if self.headers.get("X-aws-ec2-metadata-token") != "a-token":
                self.answer(401, "")
            elif not state.notice.is_set():
                self.answer(404, "")
            else:
                when = datetime.now(UTC) + timedelta(seconds=state.seconds)
                said = {"action": "terminate", "time": f"{when:%Y-%m-%dT%H:%M:%SZ}"}
                self.answer(200, json.dumps(said))

        def google(self) -> None:
            if self.headers.get("Metadata-Flavor") != "Google":
                self.answer(403, "")
                return
            end = time.monotonic() + (5 if "wait_for_change=true" in self.path else 0)
            while not state.notice.wait(0.05) and time.monotonic() < end:
                pass
            self.answer(200, "TRUE" if state.notice.is_set() else "FALSE")

        def answer(self, code: int, text: str) -> None:
            self.send_response(code)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_what: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
