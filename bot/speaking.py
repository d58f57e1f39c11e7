"""How a person speaks to the real programs in a story: web chat, phone, and Rasa's own REST and socket channels."""

from __future__ import annotations

import json
import re
import secrets
import time
import urllib.request
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlencode

from bot.server import direct, post

CHOICE = re.compile(r"^(\d+)\. (.+)$", re.M)
PATIENCE = 20.0  # seconds; Rasa thinks longer about the first message after its start
SEPARATOR = "\x1e"  # between the packets of Engine.IO


class NoAnswer(Exception):
    """What answered was no answer of ours."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the whole text, and the keys below it with their words."""

    text: str
    choices: tuple[tuple[str, str], ...] = ()

    def shown(self) -> str:
        """As a person reads it: the choices numbered below the text."""
        below = [f"{key.partition('@')[0]}. {words}" for key, words in self.choices]
        return "\n".join([self.text, *(line for line in below if line not in self.text)])


class Speaker(Protocol):
    """Somebody in a story, by one channel."""

    def say(self, text: str) -> Answer:
        """Send this. Raises NoAnswer, OSError, ValueError."""


@dataclass(slots=True)
class Chat:
    """A visitor of the web chat."""

    url: str
    id: str = ""
    number: int = 0

    def say(self, text: str) -> Answer:
        """The next message."""
        self.number += 1
        return self._send(text, self.number)

    def look(self) -> Answer:
        """What stands there now."""
        return self._send("", 0)

    def _send(self, text: str, number: int) -> Answer:
        if not self.id:
            begun: Any = post(f"{self.url}/chat/new", {})
            self.id = begun["id"]
        told: Any = post(f"{self.url}/chat/say", {"id": self.id, "text": text, "number": number}, PATIENCE)
        return Answer(told["text"], tuple((each["key"], each["text"]) for each in told["choices"]))


@dataclass(slots=True)
class Phone:
    """A phone behind the simulator of the gateway."""

    url: str
    line: dict[str, Any] = field(default_factory=dict)
    number: str = ""
    session: str = ""
    typed: str = ""  # everything of this call, joined by *

    @property
    def code(self) -> str:
        """What is dialled."""
        return str(self._line()["code"])

    def dial(self) -> Answer:
        """A new call."""
        self.session, self.typed = f"ATUid_{secrets.token_hex(16)}", ""
        return self._screen()

    def say(self, text: str) -> Answer:
        """What is typed now."""
        self.typed = f"{self.typed}*{text}" if self.typed else text
        return self._screen()

    def hang_up(self) -> None:
        """The call is over; nobody tells the gateway."""
        self.session = ""

    def _screen(self) -> Answer:
        line = self._line()
        form = {"sessionId": self.session, "serviceCode": line["code"], "phoneNumber": self.number}
        form |= {"networkCode": "99999", "text": self.typed}
        address = f"{self.url}/in/{line['name']}/{line['secret']}/ussd"
        with direct.open(address, urlencode(form).encode(), timeout=PATIENCE) as answer:
            screen = answer.read().decode()
        if not screen.startswith(("CON ", "END ")):
            raise NoAnswer("The gateway answered, but not with a screen.")
        return Answer(screen[4:], tuple(CHOICE.findall(screen[4:])))

    def _line(self) -> dict[str, Any]:
        if not self.line:
            with direct.open(f"{self.url}/simulator/channel", timeout=PATIENCE) as answer:
                self.line = json.load(answer)
            self.number = self.number or self.line["countries"][0]["numbers"][0]
        return self.line


@dataclass(slots=True)
class Rest:
    """Somebody in Rasa's REST channel."""

    url: str  # of Rasa
    sender: str = field(default_factory=lambda: secrets.token_urlsafe(16))

    def say(self, text: str) -> Answer:
        """The messages that come back, as one."""
        said: Any = post(f"{self.url}/webhooks/rest/webhook", {"sender": self.sender, "message": text}, PATIENCE)
        buttons = said[-1].get("buttons", []) if said else []
        return Answer(
            "\n".join(each["text"] for each in said), tuple((each["payload"], each["title"]) for each in buttons)
        )


@dataclass(slots=True)
class Socket:
    """Somebody in Rasa's socket channel: Socket.IO over HTTP, as its clients begin (Engine.IO protocol 4)."""

    url: str  # of Rasa
    session: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    sid: str = ""

    def say(self, text: str) -> Answer:
        """The message that comes back."""
        if not self.sid:
            self._connect()
        self._emit("user_uttered", {"message": text, "session_id": self.session})
        said = self._await("bot_uttered")
        buttons = said.get("quick_replies") or []
        return Answer(said["text"], tuple((each["payload"], each["title"]) for each in buttons))

    def _connect(self) -> None:
        (opened,) = self._receive()
        self.sid = json.loads(opened[1:])["sid"]
        self._send("40")
        self._emit("session_request", {"session_id": self.session})
        self._await("session_confirm")

    def _emit(self, event: str, body: dict[str, str]) -> None:
        self._send("42" + json.dumps([event, body]))

    def _await(self, event: str) -> dict[str, Any]:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            for packet in self._receive():
                if packet == "2":
                    self._send("3")  # a ping wants a pong
                elif packet.startswith("42"):
                    name, *rest = json.loads(packet[2:])
                    if name == event:
                        return rest[0] if rest and isinstance(rest[0], dict) else {}
        raise NoAnswer(f"No {event} came.")

    def _receive(self) -> list[str]:
        with direct.open(self._address(), timeout=PATIENCE) as answer:
            return str(answer.read().decode()).split(SEPARATOR)

    def _send(self, packet: str) -> None:
        request = urllib.request.Request(self._address(), packet.encode(), {"content-type": "text/plain;charset=UTF-8"})
        with direct.open(request, timeout=PATIENCE) as answer:
            answer.read()

    def _address(self) -> str:
        asked = {"EIO": "4", "transport": "polling"} | ({"sid": self.sid} if self.sid else {})
        return f"{self.url}/socket.io/?{urlencode(asked)}"
