"""The generator: a process of its own that plays thousands of phones over 64 connections.

It is told by lines of JSON on standard input and answers with one line each. Requests are put together from parts
that were made before; of an answer only what is needed is read; every screen is compared with the one it must be.
"""

from __future__ import annotations

import asyncio
import gc
import json
import random
import sys
import time
from array import array
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import uvloop

from tests.bench.calls import Caller, stage_of

OK = b"HTTP/1.1 200"
LATE = 10.0  # seconds after which a run whose answers do not come is given up


Asked = tuple[
    bytes, bytes, bytes, bytes
]  # a turn: up to the caller, from the redial to the number, the rest; the screen
MIDDLE = b"&serviceCode=%2A384%2A77%23&phoneNumber=%2B2547"


@dataclass(slots=True)
class Crowd:
    """The callers of one server: where each stands, and whose turn it is."""

    phones: list[tuple[bytes, bytes]]  # the caller in the session, the number
    paths: list[list[Asked]]
    busy: bytes
    stage: array[int]
    cycle: array[int]
    waiting: deque[int]

    def request(self, caller: int) -> bytes:
        """The next callback of this caller."""
        head, part, text, _ = self.paths[caller % len(self.paths)][self.stage[caller]]
        place, number = self.phones[caller]
        return b"".join((head, place, b"%012d" % self.cycle[caller], part, number, text))

    def screen(self, caller: int) -> bytes:
        """What it must bring."""
        return self.paths[caller % len(self.paths)][self.stage[caller]][3]

    def go_on(self, caller: int) -> None:
        """One turn further, or the next call."""
        self.stage[caller] += 1
        if self.stage[caller] == len(self.paths[caller % len(self.paths)]):
            self.stage[caller] = 0
            self.cycle[caller] += 1
        self.waiting.append(caller)


def make_crowd(order: dict[str, Any]) -> Crowd:
    """The callers, spread over the stages of their paths as the store has them."""
    head = (
        f"POST {order['path']} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: */*\r\n"
        "content-type: application/x-www-form-urlencoded\r\ncontent-length: %d\r\n\r\nsessionId=ATUid_"
    ).encode()
    paths = []
    for path in order["paths"]:
        turns: list[Asked] = []
        for part, text, screen in path:
            middle = b"%04d" % part + MIDDLE
            rest = b"&networkCode=63902&text=" + text.replace("*", "%2A").encode()
            length = len("sessionId=ATUid_") + 16 + 12 + len(middle) + 8 + len(rest)
            wanted = {"echo": "CON " + text, "canned": "CON "}.get(order["kind"], screen)
            turns.append((head % length, middle, rest, wanted.encode()))
        paths.append(turns)
    callers = [Caller(place) for place in order["callers"]]
    stage = array("H", (stage_of(place, paths) for place in range(len(callers))))
    waiting = list(range(len(callers)))
    random.Random(1).shuffle(waiting)
    phones = [(b"%016d" % each.place, each.number[-8:].encode()) for each in callers]
    cycles = array("L", [2] * len(callers))
    return Crowd(phones, paths, order["busy"].encode(), stage, cycles, deque(waiting))


@dataclass(slots=True)
class Run:
    """What one run saw."""

    crowd: Crowd
    begun: float = 0.0
    latencies: array[float] = field(default_factory=lambda: array("d"))
    busy: int = 0
    wrong: str = ""
    open: int = 0
    going: bool = True


class Line(asyncio.Protocol):
    """One connection with one call on it at a time."""

    transport: asyncio.Transport

    def __init__(self, run: Run, free: deque[Line] | None) -> None:
        self.run, self.free = run, free  # with `free`: an open loop, somebody else says when
        self.caller, self.asked = -1, 0.0
        self.rest = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        if self.free is not None:
            self.free.append(self)
        else:
            self.ask(time.perf_counter())

    def ask(self, asked: float) -> None:
        crowd = self.run.crowd
        self.caller, self.asked = crowd.waiting.popleft(), asked
        self.run.open += 1
        self.transport.write(crowd.request(self.caller))

    def data_received(self, data: bytes) -> None:
        if self.rest:
            data = self.rest + data
        end = data.find(b"\r\n\r\n")
        if end < 0:
            self.rest = data
            return
        at = data.find(b"content-length: ", 0, end) + 16
        if at < 16:
            return self.fail(f"an answer without a length: {data[:200]!r}")
        if len(data) - end - 4 < int(data[at : data.find(b"\r", at)]):
            self.rest = data
            return
        self.rest = b""
        now = time.perf_counter()
        run, crowd = self.run, self.run.crowd
        screen = data[end + 4 :]
        run.latencies.append(now - self.asked)
        run.open -= 1
        if screen == crowd.screen(self.caller) and data.startswith(OK):
            crowd.go_on(self.caller)
        elif screen == crowd.busy:
            run.busy += 1  # this caller's place is not where we think; it calls no more
        else:
            wanted = crowd.screen(self.caller)
            return self.fail(f"{data[:12]!r} {screen!r} came where {wanted!r} was due (caller {self.caller})")
        if self.free is not None:
            self.free.append(self)
        elif run.going:
            self.ask(now)

    def fail(self, words: str) -> None:
        self.run.wrong = self.run.wrong or words
        self.run.going = False

    def connection_lost(self, exc: Exception | None) -> None:
        if self.run.open and not self.run.wrong:
            self.fail(f"the server closed a connection: {exc}")


async def play(crowd: Crowd, ports: list[int], lines: int, seconds: float, rate: float) -> Run:
    """Call for some seconds: each line as fast as it can, or with a `rate` at random moments whatever comes back."""
    loop, run = asyncio.get_running_loop(), Run(crowd)
    free: deque[Line] | None = deque() if rate else None
    run.begun = time.perf_counter()
    made = [
        (await loop.create_connection(lambda: Line(run, free), "127.0.0.1", ports[place % len(ports)]))[1]
        for place in range(lines)
    ]
    if free is not None:
        await call_at_random(run, free, seconds, rate)
    else:
        while run.going and time.perf_counter() < run.begun + seconds:
            await asyncio.sleep(0.05)
    run.going = False
    until = time.perf_counter() + LATE
    while run.open and not run.wrong and time.perf_counter() < until:
        await asyncio.sleep(0.001)
    if run.open and not run.wrong:
        run.wrong = f"{run.open} answers did not come within {LATE:.0f} s"
    for line in made:
        line.transport.close()
    return run


async def call_at_random(run: Run, free: deque[Line], seconds: float, rate: float) -> None:
    """An open loop: calls come when they come (Poisson); the wait for a free line counts as latency."""
    chance, due, end = random.Random(2), time.perf_counter(), time.perf_counter() + seconds
    while run.going and due < end:
        now = time.perf_counter()
        while due <= now and due < end and free:
            free.popleft().ask(due)
            due += chance.expovariate(rate)
        await asyncio.sleep(0.0005)


def told(run: Run, seconds: float, cpu: float) -> dict[str, Any]:
    """What came of a run."""
    found = sorted(run.latencies)
    count = len(found)
    share = {name: found[min(count - 1, int(count * part))] if count else 0.0 for name, part in QUANTILES.items()}
    return share | {
        "requests": count,
        "seconds": seconds,
        "rate": count / seconds,
        "busy": run.busy,
        "wrong": run.wrong,
        "own_cpu": cpu / seconds,
    }


QUANTILES = {"p50": 0.5, "p99": 0.99, "worst": 1.0}


def main() -> None:
    """Read orders, carry them out, tell what came of them."""
    crowds: dict[str, Crowd] = {}
    gc.disable()
    for line in sys.stdin:
        order = json.loads(line)
        name = order["crowd"]
        if order["do"] == "gather":
            crowds[name] = make_crowd(order)
            answer: dict[str, Any] = {"callers": len(crowds[name].waiting)}
            gc.collect()
        else:
            cpu, begun = time.process_time(), time.perf_counter()
            run = uvloop.run(play(crowds[name], order["ports"], order["lines"], order["seconds"], order["rate"]))
            answer = told(run, time.perf_counter() - begun, time.process_time() - cpu)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
