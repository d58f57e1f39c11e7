"""The yardsticks, as processes of their own: a bare Starlette form endpoint, and a canned answer without any framework.

python -m tests.bench.bare 8001            the endpoint
python -m tests.bench.bare 8001 canned     what the generator can ask for at most
"""

from __future__ import annotations

import asyncio
import socket
import sys
from typing import Any

import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from gateway import serving

CANNED = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: 4\r\n\r\nCON "


async def endpoint(request: Request) -> PlainTextResponse:
    """Reads the form and says its text: what any framework would do before it did anything."""
    form = await request.form()
    return PlainTextResponse("CON " + str(form["text"]))


def serve(place: socket.socket) -> None:
    """Under uvicorn, with the very options that the gateway is served with."""
    app = Starlette(routes=[Route("/ussd", endpoint, methods=["POST"])])
    uvicorn.Server(serving.configured(app)).run(sockets=[place])


class Canned(asyncio.Protocol):
    """The same answer to whatever comes."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, _: bytes) -> None:
        self.transport.write(CANNED)


async def serve_canned(place: socket.socket) -> None:
    server = await asyncio.get_running_loop().create_server(Canned, sock=place)
    await server.serve_forever()


if __name__ == "__main__":
    with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as listening:
        # uvicorn's own sockets have it too; without it each answer waits 40 ms for the phone's side to acknowledge
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if sys.argv[2:] == ["canned"]:
            uvloop.run(serve_canned(listening))
        else:
            serve(listening)
