"""What a person is sent who goes through dialogs by SMS, message by message, and on how many screens by USSD. Pure.

The person answers No to every check, so that all advice is heard, and takes the first answer elsewhere: the one that
does not leave the dialog, where there is one. Screens and messages are made as for a phone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from dialogs import engine
from dialogs.content import Content
from dialogs.engine import SEEN, Entry
from dialogs.gsm import septets
from dialogs.inbound import Inbound, Kind
from dialogs.overview import Overview, Went
from dialogs.screen import Room
from dialogs.script import LINKED, Choice, Dialog, Series, Step
from dialogs.seal import Seal
from dialogs.showing import House, Scene, asides, said_only, step_parts

MOST = 300  # messages of one dialog: a ring would never end
TYPED = {"number": "12", "phone": "given", "date": "2027-03-25"}
LONG_AGO = datetime.fromisoformat("2027-01-01")  # one time for all answers
OF_A_PHONE = {"reachable": "yes", LINKED: "no"}


@dataclass(frozen=True, slots=True)
class Part:
    """One dialog or reminder series of a journey, in one language."""

    id: str
    messages: tuple[str, ...]  # SMS to the person
    screens: int  # by USSD; a series has none


@dataclass(slots=True)
class Journey:
    """Goes through the parts one by one, in one language; what was answered is known from then on."""

    content: Content
    language: str
    country: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    went: list[Went] = field(default_factory=list)

    def dialog(self, dialog: Dialog) -> Part:
        """Once through a dialog."""
        by_sms = tuple(self._messages(dialog, "sms", Room(prefix=0, pages=False)))
        screens = sum(1 for _ in self._messages(dialog, "ussd", Room(), note=True))
        return Part(dialog.id, by_sms, screens)

    def series(self, series: Series) -> Part:
        """Every reminder of a series, in careful words."""
        scene = self._scene(Room(pages=False), "sms", {series.count_from or "date": TYPED["date"]})
        return Part(series.id, tuple(scene.text(moment.say.id) for moment in series.moments), 0)

    def _messages(self, dialog: Dialog, kind: Kind, room: Room, note: bool = False) -> Iterator[str]:
        answers: list[Entry] = []
        known = {**self._outside(), **self.fields, "channel_kind": kind, **OF_A_PHONE}
        scene = self._scene(room, kind, {})
        lead = ""
        for _ in range(MOST):
            standing = engine.walk(dialog, answers, known)
            step = standing.step
            if step is None:
                break
            scene = self._scene(room, kind, standing.known, [*self.went, Went(dialog.id, answers, False, LONG_AGO)])
            scene = scene.of(step)
            parts, _, words, typed = step_parts(scene, step, standing)
            ends = engine.leads_to_end(dialog, answers, standing, known)
            pages = scene.pages(lead, parts, words, back=True, ends=ends, typed=typed)
            yield from (page.text for page in pages)
            inbound = scene.inbound
            choice = None if not step.asks or said_only(step, inbound) else _answer(step)
            if choice is not None and asides(step):
                yield choice.id  # the screen after a private answer
            reply = choice.reply if choice is not None and step.keep == "yes" else None
            lead = scene.text(reply.id) if reply else ""
            value = self._value(step, choice) if step.asks and not said_only(step, inbound) else SEEN
            answers = engine.answer(dialog, answers, step, value)
        if lead:
            yield lead
        if note:
            self._remember(dialog, answers)

    def _remember(self, dialog: Dialog, answers: list[Entry]) -> None:
        self.went.append(Went(dialog.id, tuple(answers), True, LONG_AGO))
        given = dict(answers)
        for step in dialog.steps:
            if step.save and step.keep == "yes" and given.get(step.id, SEEN) != SEEN:
                self.fields[step.save] = given[step.id]

    def _value(self, step: Step, choice: Choice | None) -> str:
        if choice is not None:
            return choice.id
        return self.language if step.kind == "languages" else TYPED.get(step.kind, "Xxxxxx")

    def _outside(self) -> dict[str, str]:
        return {**self._house(Room()).outside(self.country), "country": self.country, "language": self.language}

    def _house(self, room: Room) -> House:
        seal = Seal("no number is sealed on this journey")
        return House(self.content, seal, lambda _: room, lambda _: self.country, drafts=True)

    def _scene(self, room: Room, kind: Kind, known: Mapping[str, str], went: Iterable[Went] | None = None) -> Scene:
        house = self._house(room)
        fields = {**self._outside(), **self.fields, "channel_kind": kind, **OF_A_PHONE}
        inbound = Inbound("", kind, "", "", "", "")
        overview = Overview(self.content.dialogs, fields, list(self.went if went is None else went))
        language = house.language(self.language)
        return Scene(
            house,
            inbound,
            language,
            fields,
            known,
            kept=lambda scene: scene.common("kept_number"),
            overview=lambda: overview,
            link_code=lambda: "123456",
        )


def _answer(step: Step) -> Choice | None:
    """The answer of somebody who wants to hear everything."""
    if step.head == "check" and (no := step.choice("no")) is not None:
        return no
    stay = [choice for choice in step.choices if not choice.go.startswith("/") and choice.go not in ("end", "forget")]
    return next(iter([*stay, *step.choices]), None)


def odd_letters(messages: Iterable[str]) -> list[str]:
    """The letters outside GSM-7 by how many messages they make dear, the worst first."""
    counts: dict[str, int] = {}
    for message in messages:
        for letter in {letter for letter in message if septets(letter) is None}:
            counts[letter] = counts.get(letter, 0) + 1
    return sorted(counts, key=lambda letter: (-counts[letter], letter))
