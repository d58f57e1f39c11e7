"""Runs a fake provider: as a process until a signal, or in a thread for the length of a block."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn

from gateway.fake.stage import Fake

HOST = "127.0.0.1"  # and nowhere else: what a fake takes is never sent
TICK = 0.02  # seconds between two looks whether it should end
PATIENCE = 30.0  # seconds that a start in a thread may take


class Server(uvicorn.Server):
    """Says where it is as soon as it answers, and ends at once, whoever still waits for an answer."""

    def __init__(self, fake: Fake, ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                fake,
                http="h11",
                loop="asyncio",
                lifespan="off",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                log_config=None,
                ws="none",
                timeout_keep_alive=75,
            )
        )
        self._fake, self._ready = fake, ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    async def main_loop(self) -> None:
        ticks = 0
        while not await self.on_tick(ticks):
            ticks += 1
            await asyncio.sleep(TICK)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        tasks = list(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._fake.stop()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.should_exit = True


def listen(port: int) -> socket.socket:
    """A socket on this port of 127.0.0.1, or on a free one for 0. Raises OSError."""
    place = socket.create_server((HOST, port))
    # The connections inherit it. Without it an answer waits for the caller's delayed acknowledgement, some 40 ms.
    place.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return place


def address(place: socket.socket) -> str:
    """http://127.0.0.1:9001"""
    return f"http://{HOST}:{place.getsockname()[1]}"


def run(fake: Fake, place: socket.socket, say: Callable[[str], None]) -> None:
    """Answer until SIGTERM or Ctrl+C. The first line said is where."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    Server(fake, lambda: say(f"Fake {fake.title} on {address(place)}")).run(sockets=[place])


@contextmanager
def in_thread(fake: Fake, port: int = 0) -> Iterator[str]:
    """The fake answers for the length of the block; gives its address. For tests and the bench."""
    ready = threading.Event()
    with listen(port) as place:
        server = Server(fake, ready.set)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [place]}, daemon=True)
        thread.start()
        try:
            if not ready.wait(PATIENCE):
                raise RuntimeError(f"The fake {fake.title} did not start.")
            yield address(place)
        finally:
            server.should_exit = True
            thread.join(PATIENCE)
