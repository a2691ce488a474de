"""A server on this machine that stands in for Twilio's API."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs


@dataclass
class Provider:
    """What it was asked, and how it answers: a status with a body, or nothing at all (`silent`)."""

    address: str = ""
    status: int = 201
    body: Any = field(default_factory=lambda: {"sid": "SM" + "1" * 32, "status": "queued"})
    silent: bool = False
    asked: list[tuple[str, str, dict[str, list[str]]]] = field(default_factory=list)


@contextmanager
def provider_stub() -> Iterator[Provider]:
    """The server while the block runs."""
    provider, released = Provider(), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            provider.asked.append((self.path, self.headers["Authorization"], parse_qs(body)))
            if provider.silent:
                released.wait(20)
                return
            answer = provider.body if isinstance(provider.body, bytes) else json.dumps(provider.body).encode()
            self.send_response(provider.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    provider.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield provider
    finally:
        released.set()
        server.shutdown()
        server.server_close()
