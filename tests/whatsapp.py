"""WhatsApp for tests: the real application, a worker, and a fake Twilio that shows what reached a phone."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from dialogs.content import Keeper
from dialogs.tables import Run
from gateway.channels import Channel
from gateway.dispatch import through_engine
from gateway.fake.plan import Plan
from gateway.fake.serving import in_thread
from gateway.fake.twilio import Twilio
from gateway.providers import connect
from gateway.tables import Message
from gateway.work import Worker
from tests.phones import Site

ACCOUNT, TOKEN = "AC" + "1" * 32, "12345"
SENDER = "whatsapp:+15005550006"
ONE = "whatsapp:+254700000011"
PUBLIC = "http://127.0.0.1:9"  # the fake calls this machine only; nobody is there


class Stage:
    """A fake Twilio that runs, and a sender for it."""

    def __init__(self, base: str, fake: Twilio, log: Path) -> None:
        self.base, self.fake, self.log = base, fake, log

    def sender(self, **options: str) -> Any:
        """A process that begins."""
        given = {"base": self.base, "from": SENDER} | options
        return connect(Channel("wa", "twilio", ACCOUNT, TOKEN, "", ("secret",), given), PUBLIC)

    def lines(self, number: str = ONE) -> list[str]:
        """What reached a number: buttons and items in brackets."""
        told = self.log.read_text("utf-8").splitlines() if self.log.exists() else []
        return [line["text"] for line in map(json.loads, told) if line["to"] == number]

    @property
    def names(self) -> list[str]:
        return [str(each["friendly_name"]) for each in self.fake.contents.kept.values()]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    log = tmp_path / "sent.jsonl"
    fake = Twilio(Plan(log=log, token=TOKEN))
    with in_thread(fake) as base:
        yield Stage(base, fake, log)


class Person:
    """Somebody in WhatsApp, before the real application and the fake Twilio."""

    def __init__(self, site: Site, stage: Stage, number: str = ONE) -> None:
        self.site, self.stage, self.number = site, stage, number

    def send(self, **words: str) -> str:
        """What comes back, as the phone shows it; "" for nothing."""
        before = len(self.stage.lines(self.number))
        given = {"text": words.get("press", ""), "from": self.number, "to": SENDER} | words
        _, post = self.stage.fake.said(f"{PUBLIC}/in/wa/secret/sms", given)
        headers = {"content-type": post.content_type} | dict(post.headers)
        assert self.site.client is not None
        response = self.site.client.post("/in/wa/secret/sms", content=post.body, headers=headers)
        assert (response.status_code, response.text) == (200, "<Response/>")
        for _ in range(600):
            if not self.count(Message.status.in_(("queued", "sending"))):
                break
            time.sleep(0.01)
        return "\n---\n".join(self.stage.lines(self.number)[before:])

    def say(self, text: str) -> str:
        return self.send(text=text)

    def press(self, words: str) -> str:
        return self.send(press=words)

    def id_of(self, words: str) -> str:
        """What the newest button with these words sends."""
        found = self.stage.fake.contents.press(self.number, words)
        assert found is not None
        return found.get("ButtonPayload") or found["ListId"]

    def join(self) -> str:
        """Language, age, consent, by pressing: the menu."""
        self.say("hello")
        self.press("English")
        self.press("Yes")
        return self.press("Yes")

    def count(self, *wanted: Any, of: Any = Message) -> int:
        with self.site.database() as db:
            return int(db.execute(select(func.count()).select_from(of).where(*wanted)).scalar_one())

    def answers(self) -> Any:
        with self.site.database() as db:
            return [tuple(row) for row in db.execute(select(Run.dialog, Run.answers).order_by(Run.id))]


@contextmanager
def open_site(new_site: Callable[..., Site], keeper: Keeper, stage: Stage, options: str = "") -> Iterator[Site]:
    """The gateway with the fake as its Twilio, and a worker that goes by the test's clock."""
    channel = f"wa=twilio://{ACCOUNT}:{TOKEN}@?base={stage.base}&from={SENDER}&secret=secret&rate=200{options}"
    site = new_site(keeper, NGAZI_CHANNELS=channel, NGAZI_PUBLIC_URL=PUBLIC)
    house = site.house
    worker = Worker(house.providers, house.settings.channels, house.now, through_engine(house.engine), site.clock)
    worker.start()
    house.sending = worker  # what comes in wakes it
    try:
        yield site
    finally:
        house.sending = None
        worker.stop(10)
