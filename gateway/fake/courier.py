"""Brings reports and messages to the gateway: in order, out of order, twice, early or late, over few connections."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple
from urllib.parse import urlsplit

from gateway.fake.diary import Counts
from gateway.fake.plan import Style, on_this_machine

MOST_WAITING = 100_000  # messages whose reports wait; later ones get none
AT_ONCE = 8  # calls to the gateway
GAP = 0.02  # seconds between two reports about one message
PATIENCE = 15.0  # seconds for an answer of the gateway
STRANGE_WORD = "Teleported"  # a status that nobody knows
NO_ANSWER = 0


class Post(NamedTuple):
    """One call to the gateway."""

    url: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Journey:
    """An accepted message on its way, and the words that its reports will say."""

    id: str
    to: str
    words: tuple[str, ...]
    url: str
    sender: str = ""
    account: str = ""
    token: str = ""
    service: str = ""


class Step(NamedTuple):
    """One report: about which id, what it says, and which event of the journey it is."""

    id: str
    word: str
    event: int


def course(journey: Journey, style: Style, stranger: str) -> list[Step]:
    """The reports about a message, in the order in which they come. `stranger` is an id that nobody was given."""
    steps = [Step(journey.id, word, event) for event, word in enumerate(journey.words)]
    if style == "reversed":
        steps.reverse()
    elif style == "twice":
        steps = [step for step in steps for _ in range(2)]
    elif style == "unknown":
        strange = Step(journey.id, STRANGE_WORD, len(steps))
        steps = [*steps[:1], strange, *steps[1:], Step(stranger, journey.words[-1], len(steps) + 1)]
    return steps


class Courier:
    """Brings what `write` makes of a step. `again` are the seconds to wait before each further try.

    `stubborn`: an answer that is no 2xx leads to another try too, not only no answer at all.
    """

    def __init__(
        self,
        write: Callable[[Journey, Step], Post],
        counts: Counts,
        style: Style,
        after: float,
        stranger: Callable[[], str],
        again: Sequence[float] = (1, 2, 4, 8, 16),
        stubborn: bool = True,
    ) -> None:
        self._write, self._counts, self._style, self._after = write, counts, style, after
        self._stranger, self._again, self._stubborn = stranger, again, stubborn
        self._waiting: list[tuple[float, int, Journey, list[Step], int]] = []
        self._turn = count()
        self._burst = 0.0
        self._more = asyncio.Event()
        self._free = asyncio.Semaphore(AT_ONCE)
        self._lines: dict[tuple[str, int], list[Line]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._pump: asyncio.Task[None] | None = None

    def later(self, journeys: Iterable[Journey], delay: float) -> None:
        """Report on these messages when their answer (in `delay` seconds) is some time old."""
        now = asyncio.get_running_loop().time()
        due = now + delay + self._after
        if self._style == "late":
            if now >= self._burst:
                self._burst = due
            due = self._burst
        for journey in journeys:
            if len(self._waiting) >= MOST_WAITING:
                self._counts.reports_lost += len(journey.words)
            else:
                self._put(due, journey, course(journey, self._style, self._stranger()), 0)
        if self._pump is None and self._waiting:
            self._pump = asyncio.create_task(self._bring_all())

    async def at_once(self, journeys: Iterable[Journey]) -> None:
        """Report on these messages now, all of it, one try each."""
        for journey in journeys:
            for step in course(journey, self._style, self._stranger()):
                self._note(await self.post(self._write(journey, step)))

    async def post(self, post: Post) -> int:
        """The status that the gateway answers; NO_ANSWER if it does not."""
        if not on_this_machine(post.url):
            return NO_ANSWER
        parts = urlsplit(post.url)
        place = parts.hostname or "", parts.port or 80
        async with self._free:
            lines = self._lines.setdefault(place, [])
            line = lines.pop() if lines else Line(*place)
            try:
                async with asyncio.timeout(PATIENCE):
                    status = await line.post(parts.path or "/", parts.query, parts.netloc, post)
            except (OSError, ValueError, EOFError, TimeoutError, asyncio.LimitOverrunError):
                line.close()
                return NO_ANSWER
            except asyncio.CancelledError:
                line.close()
                raise
            lines.append(line)
            return status

    def stop(self) -> None:
        """Drop what waits, and let go of the connections."""
        for task in (*self._tasks, *((self._pump,) if self._pump else ())):
            task.cancel()
        for lines in self._lines.values():
            for line in lines:
                line.close()

    def _put(self, due: float, journey: Journey, steps: list[Step], tries: int) -> None:
        heapq.heappush(self._waiting, (due, next(self._turn), journey, steps, tries))
        self._more.set()

    async def _bring_all(self) -> None:
        """Bring each when it is due, at most AT_ONCE together."""
        loop = asyncio.get_running_loop()
        while True:
            self._more.clear()
            wait = self._waiting[0][0] - loop.time() if self._waiting else None
            if wait is None or wait > 0:
                try:
                    async with asyncio.timeout(wait):
                        await self._more.wait()
                except TimeoutError:
                    pass
                continue
            while len(self._tasks) >= AT_ONCE:
                await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
            _, _, journey, steps, tries = heapq.heappop(self._waiting)
            task = asyncio.create_task(self._bring(journey, steps, tries))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _bring(self, journey: Journey, steps: list[Step], tries: int) -> None:
        """Bring the first of the steps; what follows it comes only after it."""
        status = await self.post(self._write(journey, steps[0]))
        now = asyncio.get_running_loop().time()
        self._note(status)
        failed = status == NO_ANSWER or (self._stubborn and (status >= 500 or status == 429))
        if failed and tries < len(self._again):
            self._put(now + self._again[tries], journey, steps, tries + 1)
            return
        if failed:
            self._counts.reports_lost += 1
        if steps[1:]:
            self._put(now + GAP, journey, steps[1:], 0)

    def _note(self, status: int) -> None:
        self._counts.reports += 1
        if not 200 <= status < 300:
            self._counts.reports_refused += 1


class Line:
    """One connection that is kept open. No proxy, no redirect."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._ends: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, path: str, query: str, host: str, post: Post) -> int:
        """The status of the answer. Raises OSError, EOFError, ValueError."""
        head = [
            f"POST {path}{'?' if query else ''}{query} HTTP/1.1",
            f"Host: {host}",
            f"Content-Type: {post.content_type}",
            f"Content-Length: {len(post.body)}",
            *(f"{name}: {value}" for name, value in post.headers),
        ]
        sent = "\r\n".join([*head, "", ""]).encode("latin-1") + post.body
        kept = self._ends is not None
        try:
            return await self._exchange(sent)
        except (OSError, EOFError):
            self.close()
            if not kept:
                raise
        return await self._exchange(sent)  # the gateway had closed it in the meantime

    async def _exchange(self, sent: bytes) -> int:
        if self._ends is None:
            self._ends = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._ends
        writer.write(sent)
        status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if "content-length" in fields:
            await reader.readexactly(int(fields["content-length"]))
        if "content-length" not in fields or fields.get("connection", "").lower() == "close":
            self.close()
        return int(status.split()[1])

    def close(self) -> None:
        if self._ends is not None:
            self._ends[1].close()
            self._ends = None
