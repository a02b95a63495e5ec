"""A server that refuses whatever it is asked over HTTP, so that drivers raise their own errors."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["Refusing", "refusing"]


@dataclass
class Refusing:
    """The server.

    Attributes
    ----------
    status : int
        Of all its answers.
    answer : dict of str to object
        What all of them say.
    asked : list of (str, object)
        The paths it was asked for, each with what was sent.
    """

    port: int
    status: int = 403
    answer: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, Any]] = field(default_factory=list)


@contextmanager
def refusing() -> Iterator[Refusing]:
    """Start one on a free port of this machine, and end it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            told.asked.append((self.path, json.loads(sent) if sent[:1] == b"{" else None))
            body = json.dumps(told.answer).encode()
            self.send_response(told.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_PATCH = do_DELETE = do_PUT = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told = Refusing(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
