"""One person's messages, taken in the order in which they came, though one of them was thought about for longer.

In the memory of one process, as the assistant is asked by each process for itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the line of each of some people."""

    before: tuple[asyncio.Event, ...]
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def turn(self) -> None:
        """Comes back when all who came before are through."""
        for each in self.before:
            await each.wait()


class InOrder:
    """The lines, each for the messages of one address."""

    def __init__(self) -> None:
        self._last: dict[str, Place] = {}

    @contextmanager
    def place(self, addresses: Iterable[str]) -> Iterator[Place]:
        """A place at the end of these lines from here to the end of the block."""
        wanted = set(addresses)
        mine = Place(tuple(self._last[each].over for each in wanted if each in self._last))
        self._last.update(dict.fromkeys(wanted, mine))
        try:
            yield mine
        finally:
            mine.over.set()
            for each in wanted:
                if self._last[each] is mine:
                    del self._last[each]
