"""A provider's server on this machine, which answers as a test tells it to, or hangs, or closes."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while part := source.recv(65536):
            target.sendall(part)
        target.shutdown(socket.SHUT_WR)


class Call:
    """One call as it came to the server."""

    def __init__(self, handler: BaseHTTPRequestHandler) -> None:
        self.path = handler.path
        self.headers = handler.headers
        self.port = handler.client_address[1]
        self.body = handler.rfile.read(int(handler.headers.get("Content-Length", "0"))).decode()
        self.form = {name: values[0] for name, values in parse_qs(self.body, keep_blank_values=True).items()}


class Server:
    """A provider on this machine: `answer(status, body, **headers)`, or `act` with the bare connection."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._base = ""
        self.over = threading.Event()
        self.begin()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                call = Call(self)
                outer.calls.append(call)
                outer.act(self, call)

            do_GET = do_POST

            def do_CONNECT(self) -> None:
                self.close_connection = True
                if outer.onward is None:
                    self.send_error(403)
                    return
                outer.connects.append(self.path)
                with socket.create_connection(outer.onward) as other:
                    self.connection.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
                    back = threading.Thread(target=_pump, args=(other, self.connection))
                    back.start()
                    _pump(self.connection, other)
                    back.join()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.base = self._base = f"{'https' if tls else 'http'}://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def begin(self) -> None:
        """Forget the calls that came, and end what still hangs."""
        self.over.set()
        self.calls: list[Call] = []
        self.connects: list[str] = []
        self.onward: tuple[str, int] | None = None  # as a proxy: where every CONNECT leads
        self.over = threading.Event()
        self.base = self._base
        self.answer(500, "nothing was prepared")

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def answer(self, status: int, body: object, kind: str = "application/json", **headers: str) -> None:
        """Answer each call so: with bytes as they are, a text, or what JSON makes of anything else."""
        text = body if isinstance(body, bytes | str) else json.dumps(body)
        written = text if isinstance(text, bytes) else text.encode()

        def act(handler: BaseHTTPRequestHandler, call: Call) -> None:
            handler.send_response(status)
            handler.send_header("Content-Type", kind)
            handler.send_header("Content-Length", str(len(written)))
            for name, value in headers.items():
                handler.send_header(name.replace("_", "-"), value)
            handler.end_headers()
            handler.wfile.write(written)

        self.act: Callable[[BaseHTTPRequestHandler, Call], None] = act

    def raw(self, *parts: bytes, every: float = 0.0, then_close: bool = True) -> None:
        """Write these bytes, one part `every` so many seconds, and close or hang."""

        over = self.over

        def act(handler: BaseHTTPRequestHandler, call: Call) -> None:
            handler.close_connection = True
            try:
                for part in parts:
                    handler.connection.sendall(part)
                    if over.wait(every):
                        return
            except OSError:  # the other side has had enough
                return
            if not then_close:
                over.wait(20)

        self.act = act

    def close(self) -> None:
        self.over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
