"""Somebody in a chat beside somebody with a phone, for tests of linking the two."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from dialogs import store, talk
from dialogs.content import Keeper
from dialogs.inbound import Inbound, Reply
from dialogs.tables import Address, Run
from tests.phones import AtPhone, Site

WRONG = "This code is wrong or too old."
LATER = "Too many wrong codes."
DONE = "Done. Go on by phone or in this chat: your answers and dates are the same."
WRITE = "Write the code that your phone shows."
MENU = "Safe and fair work. Choose a number."
NUMBERS = count(1)


class Chat:
    """Somebody in a chat, or in WhatsApp."""

    def __init__(self, site: Site, address: str = "") -> None:
        self.site, self.address = site, address or f"chat:guest{next(NUMBERS):06}"
        self.kind, self.sent = "sms" if address.startswith("whatsapp:") else "bot", 0

    def say(self, *texts: str) -> str:
        """These messages one after the other; the last reply."""
        return [self.reply(text).text for text in texts][-1]

    def reply(self, text: str) -> Reply:
        self.sent += 1
        id = f"{self.address}-{self.sent}"
        return self.site.take(Inbound("chat", self.kind, self.address, text, "", id))  # type: ignore[arg-type]

    def join(self, language: str = "1") -> str:
        """Language, age, consent: the menu."""
        return self.say("hello", language, "1", "1")

    def to_code(self) -> str:
        """To the question for the code."""
        return self.pick(self.pick(self.say("MENU"), "My data"), "Link a chat")

    def pick(self, screen: str, label: str) -> str:
        """The choice that reads so."""
        found = re.search(rf"(?m)^(\d+)\. {re.escape(label)}$", screen)
        assert found, screen
        return self.say(found[1])


@pytest.fixture
def phone(site: Site) -> AtPhone:
    """A phone whose owner has agreed."""
    found = site.phone()
    found.join()
    return found


@pytest.fixture
def chat(site: Site) -> Chat:
    """A chat whose owner has agreed."""
    found = Chat(site)
    assert found.join().startswith(MENU)
    return found


def code_on(phone: AtPhone) -> str:
    """The code that the phone shows."""
    screen = phone.dial()
    if not screen.text.startswith(MENU):
        screen = phone.pick("Menu", screen)
    screen = phone.pick("Link a chat", phone.pick("My data", screen))
    if "Show a code" in screen.text:  # asked where a chat is linked already
        screen = phone.pick("Show a code", screen)
    found = re.search(r"Your code: (\d{6})\n", screen.text)
    assert found, screen.text
    assert len(screen.text) + 4 <= 160
    return found[1]


def other_code(code: str) -> str:
    """Six digits that are not this code."""
    return f"{(int(code) + 1) % 10**6:06}"


def contact_of(site: Site, address: str) -> int:
    """The contact behind an address."""
    kind, _, value = address.rpartition(":")
    with site.database() as db:
        key = site.house.seal.key(kind or "tel", value)
        return db.execute(select(Address.contact_id).where(Address.key == key)).scalar_one() or 0


def rows(site: Site, *columns: Any) -> list[Any]:
    with site.database() as db:
        return [tuple(row) for row in db.execute(select(*columns).order_by(columns[0]))]


def run_of(site: Site, dialog: str) -> list[list[str]]:
    """The answers of the one open run of a dialog."""
    with site.database() as db:
        found = db.execute(select(Run.answers).where(Run.dialog == dialog, Run.finished_at.is_(None))).scalar_one()
    answers: list[list[str]] = json.loads(found)
    return answers


@contextmanager
def two_processes(keeper: Keeper, postgres: Any, folder: Path) -> Iterator[tuple[Site, Site]]:
    """Two sites on one database, as two processes are."""
    url = postgres.fresh_database()
    first, second = Site(url, folder / "a", keeper), Site(url, folder / "b", keeper)
    try:
        yield first, second
    finally:
        first.stop()
        second.stop()


def take_in_one_list(site: Site, inbounds: Sequence[Inbound]) -> None:
    """What these bring in one transaction. Raises Spoiled where they must be taken one by one."""
    house = site.house.now()
    with site.database() as db:
        people = store.meet(db, inbounds, house.seal, site.clock(), house.country_of)
        talk.reply(db, inbounds, people, house, site.clock())
