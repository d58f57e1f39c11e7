"""What the phones of the bench do: a call to the readiness quiz, learned by playing it once, then played by thousands.

Each caller has finished the quiz once and stands somewhere in the next call. A path is that next call from dialling
to the menu after the last advice; it is the same each time, so that every screen can be compared.
"""

from __future__ import annotations

import http.client
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from dialogs.content import Content

TEACHERS = 99_999_000  # places of the callers that the paths are learned with
LONGEST = 80  # turns; a call that does not come back to the menu is a mistake of the content
Answers = Callable[[int, int], int]  # (number of the question, choices) -> key
PATTERNS: tuple[Answers, ...] = (
    lambda question, choices: 1,
    lambda question, choices: 1 + question % choices,
    lambda question, choices: 1 + (question + 1) % min(choices, 3),
)
HANG_UP = (None, None, 9)
"""After which turn each pattern hangs up, dials again and goes on where it stopped."""


class Wrong(Exception):
    """The server did not answer with the screen that this call gives."""


@dataclass(frozen=True, slots=True)
class Caller:
    """One phone. Of its sessions, `cycle` counts the calls through the quiz, `part` the redials within one."""

    place: int

    @property
    def number(self) -> str:
        return f"+2547{self.place * 7_919 % 100_000_000:08d}"  # no neighbours are neighbours: 7919 is prime

    def session(self, cycle: int, part: int) -> str:
        return f"ATUid_{self.place:016d}{cycle:012d}{part:04d}"


@dataclass(frozen=True, slots=True)
class Turn:
    """One callback of a path: the redial it belongs to, everything typed so far, and the screen it brings."""

    part: int
    text: str
    screen: str  # as it comes over the wire, with CON or END


@dataclass(slots=True)
class Path:
    """One way through the quiz; `stages[n]` are the rows that a caller has who made n turns of it."""

    turns: list[Turn] = field(default_factory=list)
    stages: list[Any] = field(default_factory=list)


def form(caller: Caller, cycle: int, part: int, text: str) -> bytes:
    """The body of a callback as Africa's Talking writes it."""
    fields = {
        "sessionId": caller.session(cycle, part),
        "serviceCode": "*384*77#",
        "phoneNumber": caller.number,
        "networkCode": "63902",
        "text": text,
    }
    return urllib.parse.urlencode(fields).encode()


class Phone:
    """A phone that reads its screens: it learns the paths, one callback after another."""

    def __init__(self, port: int, path: str, caller: Caller, content: Content) -> None:
        self.caller, self.cycle, self.part, self.path = caller, 0, 0, path
        self.typed: list[str] = []
        self.line = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        self.menu = content.text("menu:home.ask", content.common.language)
        self.hub = content.text("ready:list.ask", content.common.language)
        self.offer = content.text("common:sms_offer", content.common.language)

    def ask(self) -> str:
        body = form(self.caller, self.cycle, self.part, "*".join(self.typed))
        self.line.request("POST", self.path, body, {"content-type": "application/x-www-form-urlencoded"})
        answer = self.line.getresponse()
        screen = answer.read().decode()
        if answer.status != 200 or screen[:4] not in ("CON ", "END "):
            raise Wrong(f"The call stopped: {answer.status} {screen!r} after {'*'.join(self.typed)!r}")
        return screen

    def dial(self) -> str:
        self.typed = []
        return self.ask()

    def press(self, key: int) -> str:
        self.typed.append(str(key))
        return self.ask()

    def at_menu(self, screen: str) -> bool:
        return screen.startswith("CON " + self.menu)

    def be_welcomed(self) -> None:
        """Language, age and consent, as every new number is asked."""
        screen = self.dial()
        while not self.at_menu(screen):
            if screen.startswith("END") or len(self.typed) > LONGEST:
                raise Wrong(f"The welcome did not lead to the menu: {screen!r}")
            screen = self.press(1)

    def call(self, pattern: int) -> Iterator[Turn]:
        """One call from dialling to the menu after the quiz."""
        self.cycle, self.part, question, taken = self.cycle + 1, 0, 0, 1
        screen = self.dial()
        yield Turn(self.part, "", screen)
        if not self.at_menu(screen):
            raise Wrong(f"A call did not begin with the menu: {screen!r}")
        screen = self.press(1)
        if not screen.startswith("CON " + self.hub):
            raise Wrong(f"The first choice of the menu did not lead to the questions: {screen!r}")
        yield Turn(self.part, "*".join(self.typed), screen)
        screen, taken = self.press(1), taken + 1
        while True:
            yield Turn(self.part, "*".join(self.typed), screen)
            taken += 1
            if screen.startswith("END") or taken > LONGEST:
                raise Wrong(f"The quiz did not lead back to the menu: {screen!r}")
            if self.at_menu(screen):
                return
            if taken == HANG_UP[pattern]:
                self.part += 1
                screen = self.dial()
                yield Turn(self.part, "", screen)
                screen = self.press(1)  # go on
                continue
            choices = sum(f"\n{key}. " in screen for key in range(1, 9))
            if screen.startswith("CON " + self.offer):
                screen = self.press(2)
            elif choices > 1:
                screen = self.press(PATTERNS[pattern](question, choices))
                question += 1
            else:
                screen = self.press(1)


def learn(port: int, path: str, content: Content, photograph: Callable[[Caller], Any]) -> list[Path]:
    """Play each pattern on a server and keep its screens, with a photograph of the rows after each turn."""
    paths = []
    for pattern in range(len(PATTERNS)):
        phone = Phone(port, path, Caller(TEACHERS + pattern), content)
        phone.be_welcomed()
        for _ in phone.call(pattern):
            pass
        learned = Path([], [photograph(phone.caller)])
        for turn in phone.call(pattern):
            learned.turns.append(turn)
            learned.stages.append(photograph(phone.caller))
        learned.stages.pop()  # the end of the call is its beginning
        paths.append(learned)
        phone.line.close()
    return paths


def stage_of(caller: int, paths: Sequence[Sequence[Any]]) -> int:
    """How many turns of its path the caller with this number in the list has made: all stages, evenly."""
    return caller // len(paths) % len(paths[caller % len(paths)])
