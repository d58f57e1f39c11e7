"""A phone for tests: it speaks to the real application over the real callback route."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection
from starlette.testclient import TestClient

from dialogs.content import Keeper
from dialogs.inbound import Inbound, Reply
from dialogs.rehearse import Screen
from gateway.app import create_app
from gateway.settings import Settings

SECRET_KEY = "a secret key of the tests, long enough"
CODE = "*384*77#"
START = datetime(2026, 11, 22, 9, 0, 0)  # noqa: DTZ001  UTC without a zone, as the tables keep it
NUMBERS = itertools.count(1)


class Clock:
    """A clock that tests move."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now

    def wait(self, **time: float) -> None:
        """Let time pass: `wait(days=3)`."""
        self.now += timedelta(**time)


class Site:
    """The gateway on one database. `restart` throws the process's state away, as a new process would begin."""

    def __init__(
        self,
        database_url: str,
        folder: Path,
        keeper: Keeper | None = None,
        chance: Callable[[int], bytes] = os.urandom,
        **environ: str,
    ) -> None:
        self.environ = {
            "NGAZI_DATABASE_URL": database_url,
            "NGAZI_DATA": str(folder),
            "NGAZI_SECRET_KEY": SECRET_KEY,
            "NGAZI_CHANNELS": "ke=africastalking://user:key@?code=*384*77%23&secret=open-the-door-please",
            "NGAZI_DRAFTS": "show",
            "NGAZI_SENDING": "elsewhere",  # what is queued stays to be seen; tests of sending say here
        } | environ
        self.keeper, self.clock, self.chance = keeper, Clock(), chance
        self.client: TestClient | None = None
        self.restart()

    def restart(self) -> None:
        """Stop, and start again with nothing but the database."""
        self.stop()
        app = create_app(Settings.read(self.environ), keeper=self.keeper, chance=self.chance)
        self.house = app.state.house
        self.house.desk.clock = self.clock
        self.client = TestClient(app, raise_server_exceptions=False)
        self.client.__enter__()

    def stop(self) -> None:
        """End the process's state."""
        if self.client is not None:
            self.client.__exit__(None, None, None)
            self.client = None

    def post(self, path: str, form: Mapping[str, str], **more: Any) -> Any:
        """One callback."""
        assert self.client is not None
        return self.client.post(path, data=dict(form), **more)

    def take(self, inbound: Inbound) -> Reply:
        """The reply to something that comes through no provider."""
        assert self.client is not None
        assert self.client.portal is not None
        reply: Reply = self.client.portal.call(self.house.desk.take, inbound)
        return reply

    @contextmanager
    def database(self) -> Iterator[Connection]:
        """A look into the database."""
        with self.house.engine.begin() as db:
            yield db

    def phone(self, number: str = "", **more: Any) -> AtPhone:
        """A phone on this site; without a number one that nobody had."""
        return AtPhone(self, number or f"+2557120{next(NUMBERS):05}", **more)


class AtPhone:
    """A phone behind Africa's Talking: USSD with everything typed so far in `text`, and SMS."""

    def __init__(
        self, site: Site, number: str, channel: str = "ke", secret: str = "open-the-door-please", fresh: bool = False
    ) -> None:
        self.site, self.number, self.fresh = site, number, fresh
        self.path = f"/in/{channel}/{secret}"
        self.session, self.typed, self.calls, self.texts = "", "", 0, 0

    def use(self, number: str) -> None:
        """Go on with this number."""
        self.number, self.session = number, ""

    def dial(self, code: str = CODE) -> Screen:
        """A new call; what the code has beyond the service's own comes as typed."""
        self.calls += 1
        self.session = f"ATUid_{self.number[1:]}{self.calls:032x}"
        extra = code.removeprefix(CODE.rstrip("#")).strip("#").lstrip("*")
        self.typed = extra
        return self.send()

    def type(self, text: str) -> Screen:
        """What the person sends now, after all before."""
        self.typed = f"{self.typed}*{text}" if self.typed else text
        return self.send()

    def again(self) -> Screen:
        """The same callback once more."""
        return self.send()

    def send(self, typed: str | None = None) -> Screen:
        """One callback, with this accumulated text."""
        if self.fresh:
            self.site.restart()
        form = {
            "sessionId": self.session,
            "serviceCode": CODE,
            "phoneNumber": self.number,
            "networkCode": "63902",
            "text": self.typed if typed is None else typed,
        }
        response = self.site.post(f"{self.path}/ussd", form)
        assert response.status_code == 200, response.text
        assert response.text[:4] in ("CON ", "END "), response.text
        return Screen(response.text[4:], response.text.startswith("CON "))

    def hang_up(self) -> None:
        """The provider tells that the call is over, as Africa's Talking may."""
        form = {"sessionId": self.session, "phoneNumber": self.number, "status": "Incomplete", "input": self.typed}
        assert self.site.post(f"{self.path}/ussd-end", form).status_code == 200
        self.session = ""

    def text(self, text: str, id: str = "") -> Screen:
        """An SMS to the service; what comes back is the newest queued message, if a new one is there."""
        if self.fresh:
            self.site.restart()
        self.texts += 1
        before = self.inbox()
        form = {
            "id": id or f"{self.number[1:]}-{self.texts}-{self.calls}",
            "from": self.number,
            "to": "21512",
            "text": text,
            "date": "2026-11-22 06:04:45",
        }
        response = self.site.post(f"{self.path}/sms", form)
        assert response.status_code == 200, response.text
        new = self.inbox()[len(before) :]
        return Screen("\n---\n".join(new), True)

    def inbox(self) -> list[str]:
        """The texts that are queued for this number, oldest first."""
        from sqlalchemy import select

        from gateway.tables import REPLY_OWNER, Message

        seal = self.site.house.seal
        found = []
        with self.site.database() as db:
            rows = db.execute(
                select(Message.text, Message.to_sealed, Message.to_key_id)
                .where(Message.direction == "out")
                .order_by(Message.id)
            )
            for text, sealed, key_id in rows:
                if sealed is None or seal.open(sealed, "tel", REPLY_OWNER, key_id) == self.number:
                    found.append(text or "")
        return found

    def chat(self, text: str) -> Screen:
        """A message in a chat of this person's own, which is as good as another phone until it is linked."""
        if self.fresh:
            self.site.restart()
        reply = self.site.take(Inbound("chat", "bot", f"chat:of{self.number[1:]}", text, "", ""))
        return Screen(reply.text, reply.more)

    def wait(self, seconds: int) -> None:
        """Time passes."""
        self.site.clock.wait(seconds=seconds)

    def play(self, *keys: str) -> Screen:
        """Type these keys one after the other; the last screen."""
        screen = Screen("", True)
        for key in keys:
            screen = self.type(key)
        return screen

    def join(self, language: str = "English") -> Screen:
        """Dial for the first time, choose a language by its name, be of age, agree: the menu."""
        self.pick(language, self.dial())
        return self.play("1", "1")

    def pick(self, label: str, screen: Screen) -> Screen:
        """Press the key of the choice that reads so on this screen, turning its pages where it needs to."""
        while not (found := re.search(rf"(?m)^(\d)\. {re.escape(label)}$", screen.text)):
            more = re.search(r"(?m)^9\. ", screen.text)
            assert more, f"there is no “{label}” on the screen\n{screen.text}"
            screen = self.type("9")
        return self.type(found[1])
