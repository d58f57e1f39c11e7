"""People with phones before the dialogs, over the real door and a real database, while a keeper renews the content."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select

from dialogs import store, talk
from dialogs.content import Content, Keeper
from dialogs.inbound import Inbound, Reply
from dialogs.problem import errors
from dialogs.screen import Room
from dialogs.seal import Seal
from dialogs.showing import House
from dialogs.tables import Answer, Contact, Run, Session, Tally
from tests.phones import START, Clock

SEAL = Seal("x" * 40, nonce=lambda count: b"0" * count)
SORRY = "Sorry, something went wrong"


class Line:
    """The service as it stands: the files, the content in force, the database, the time."""

    def __init__(self, folder: Path, database: Engine) -> None:
        self.keeper, self.database, self.clock = Keeper(folder, drafts=True), database, Clock()
        self.calls = 0
        self.open()

    def open(self) -> None:
        """From now on with the content in force."""
        self.house = House(self.keeper.content, SEAL, _room, lambda _: "KE", drafts=True)

    def refresh(self) -> None:
        """The editor has saved."""
        problems = self.keeper.refresh()
        assert errors(problems) == []
        self.open()

    @property
    def content(self) -> Content:
        """The content in force."""
        return self.keeper.content

    def take(self, inbound: Inbound) -> Reply:
        """One callback."""
        with self.database.begin() as db:
            people = store.meet(db, [inbound], SEAL, self.clock(), lambda _: "KE")
            (reply,) = talk.reply(db, [inbound], people, self.house, self.clock())
        return reply


def _room(inbound: Inbound) -> Room:
    return Room() if inbound.kind == "ussd" else Room(prefix=0, pages=False)


@dataclass
class Kept:
    """What the database holds of one person."""

    answers: list[tuple[int, str, str, str, str]]  # id, dialog, step, choice, revision
    runs: dict[int, tuple[str, list[tuple[str, str]], bool, int]]  # dialog, entries, closed, points
    counted: int


class Caller:
    """One person, with a phone for calls and messages."""

    def __init__(self, line: Line, number: str) -> None:
        self.line, self.number, self.typed, self.session = line, number, "", ""
        self.screens: dict[str, str] = {}
        with line.database.begin() as db:
            person = store.meet(db, [self.inbound("look", "")], SEAL, START, lambda _: "KE")[number]
            db.execute(Contact.__table__.update().where(Contact.id == person.id).values(consent_at=START))  # type: ignore[attr-defined]
            self.id = person.id

    def inbound(self, kind: str, text: str) -> Inbound:
        """What a provider would bring."""
        if kind == "sms":
            return Inbound("ke", "sms", self.number, text, "", "", True)
        return Inbound("ke", "ussd", self.number, text, self.session or "look", "", True)

    def dial(self) -> str:
        """A new call."""
        self.line.calls += 1
        self.session, self.typed = f"{self.number}-{self.line.calls}", ""
        return self.send("ussd", "")

    def type(self, key: str) -> str:
        """One key in the call."""
        self.typed = f"{self.typed}*{key}" if self.typed else key
        return self.send("ussd", self.typed)

    def text(self, words: str) -> str:
        """A message."""
        return self.send("sms", words)

    def send(self, kind: str, text: str) -> str:
        reply = self.line.take(self.inbound(kind, text))
        assert reply.text.strip()
        assert SORRY not in reply.text
        if kind == "ussd":
            assert len(reply.text) + 4 <= 160
        self.screens[kind] = reply.text if reply.more else ""
        return reply.text

    def play(self, *keys: str) -> str:
        """Some keys; the last screen."""
        return [self.type(key) for key in keys][-1]

    def kept(self) -> Kept:
        """All that is stored of this person."""
        with self.line.database.begin() as db:
            found = select(Answer.id, Run.dialog, Answer.step, Answer.choice, Answer.revision).join(Run)
            answers = [tuple(row) for row in db.execute(found.where(Run.contact_id == self.id).order_by(Answer.id))]
            rows = db.execute(select(Run).where(Run.contact_id == self.id).with_only_columns(*Run.__table__.c)).all()
            counted = sum(db.execute(select(Tally.n)).scalars())
        runs = {
            row.id: (row.dialog, [(a, b) for a, b in json.loads(row.answers)], row.finished_at is not None, row.points)
            for row in rows
        }
        return Kept(answers, runs, counted)  # type: ignore[arg-type]

    def shown(self, kind: str) -> dict[str, Any]:
        """What the phone shows, as it is remembered."""
        with self.line.database.begin() as db:
            rows = db.execute(select(Session.key, Session.shown).where(Session.contact_id == self.id)).all()
        wanted = store.session_key(self.inbound(kind, ""), self.id)
        found: Any = next(shown for key, shown in rows if key == wanted)
        return dict(json.loads(found) if isinstance(found, str) else found or {})
