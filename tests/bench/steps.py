"""The engine alone: how many steps a second without a server, and with what is laid around it, layer by layer."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path as File

from dialogs import engine, store, talk
from dialogs.content import Content
from dialogs.database import migrate, open_engine
from dialogs.inbound import Inbound
from dialogs.screen import Room
from dialogs.script import Dialog
from dialogs.seal import Seal
from dialogs.showing import House
from gateway.numbers import country_of
from tests.bench.calls import Caller, Path

LISTS = (1, 16, 128)


def per_second(work: Callable[[], int], seconds: float) -> float:
    """How much of its work is done a second, in the best of three."""
    best = 0.0
    for _ in range(3):
        count, begun = 0, time.perf_counter()
        while (gone := time.perf_counter() - begun) < seconds / 3:
            count += work()
        best = max(best, count / gone)
    return best


def answered(dialog: Dialog) -> list[list[engine.Entry]]:
    """The answers before each step of a dialog, answered with its first choices."""
    answers: list[engine.Entry] = []
    found = [answers]
    while (step := engine.walk(dialog, answers).step) is not None:
        value = step.choices[0].id if step.kind == "choice" and step.keep == "yes" else engine.SEEN
        answers = engine.answer(dialog, answers, step, value)
        found.append(answers)
    return found[:-1]


def engine_alone(content: Content, seconds: float) -> float:
    """Steps a second of `walk` and `answer` through the quiz: no text, no screen, no database."""
    dialog = content.dialogs["starter"]
    stages = answered(dialog)

    def once() -> int:
        for answers in stages:
            step = engine.walk(dialog, answers).step
            assert step is not None
            engine.answer(dialog, answers, step, step.choices[0].id if step.choices else engine.SEEN)
        return len(stages)

    return per_second(once, seconds)


class InMemory:
    """The dialogs with their statements on a database in memory: all that the desk does but the commit to disk."""

    def __init__(self, content: Content, paths: list[Path], key: str) -> None:
        self.seal = Seal(key)
        self.house = House(content, self.seal, lambda _: Room(), country_of)
        self.paths = paths
        self.database = open_engine("sqlite://")
        migrate(self.database)
        self.place, self.callers = 0, 128
        self.stage = [0] * self.callers
        self.cycle = [0] * self.callers
        for caller in range(self.callers):
            for text in ("", "1", "1*1", "1*1*1"):
                self.say([Inbound("ke", "ussd", Caller(caller).number, text, f"first{caller}", "", whole=True)])

    def say(self, inbounds: list[Inbound]) -> list[str]:
        now = datetime.now(UTC).replace(tzinfo=None)
        with self.database.begin() as db:
            people = store.meet(db, inbounds, self.seal, now, country_of)
            replies = talk.reply(db, inbounds, people, self.house, now)
        return [reply.text for reply in replies]

    def turn(self, size: int) -> int:
        """The next turn of so many callers, in one list."""
        inbounds = []
        for _ in range(size):
            caller = self.place = (self.place + 1) % self.callers
            turns = self.paths[caller % len(self.paths)].turns
            turn = turns[self.stage[caller]]
            session = Caller(caller).session(self.cycle[caller], turn.part)
            inbounds.append(Inbound("ke", "ussd", Caller(caller).number, turn.text, session, "", whole=True))
            self.stage[caller] += 1
            if self.stage[caller] == len(turns):
                self.stage[caller], self.cycle[caller] = 0, self.cycle[caller] + 1
        self.say(inbounds)
        return size


def measure(folder: File, paths: list[Path], key: str, seconds: float) -> list[tuple[str, float]]:
    """What was measured, and how many a second."""
    content, _ = Content.load(folder)
    assert content is not None
    found = [("engine alone: walk and answer", engine_alone(content, seconds))]
    for size in LISTS:
        memory = InMemory(content, paths, key)
        words = f"a whole turn with its statements, SQLite in memory, lists of {size}"
        found.append((words, per_second(partial(memory.turn, size), seconds)))
        memory.database.dispose()
    return found
