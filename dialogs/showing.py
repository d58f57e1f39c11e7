"""The screen for what is shown: computed anew each time from `session.shown`, never stored as text."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from dialogs.content import Content
from dialogs.engine import FORMS, Standing, band_of, may_end
from dialogs.gsm import wire
from dialogs.inbound import Inbound
from dialogs.locale import Language, fill, placeholders
from dialogs.overview import Overview, by_urgency
from dialogs.screen import Keys, Page, Room, lay_out
from dialogs.script import GROUP, LEAVE_GROUPS, LINK_CODE, LINKED, SWITCHES, Choice, Dialog, Step
from dialogs.seal import Seal
from dialogs.store import channel_kind
from dialogs.typed import read_date, read_number, read_phone, read_text

RESUME = "resume"  # the step of `shown` while the person is asked whether to go on
ASIDE = -1  # the page after an unkept answer: the same for every answer, but for what it says the first time
RESUME_CHOICES = {"on": "resume_on", "over": "resume_over", "menu": "menu"}
LEVEL_TEXTS = {"must": "level_must", "year 1": "level_year1", "year 3": "level_year3"}
READERS = {"date": read_date, "number": read_number, "phone": read_phone, "text": read_text}


@dataclass(frozen=True, slots=True)
class House:
    """What the dialogs are played with: the content in force, the keys, the room on each channel's screen."""

    content: Content
    seal: Seal
    room_of: Callable[[Inbound], Room]
    country_of: Callable[[str], str]
    drafts: bool = False
    given: dict[str, dict[str, str]] = field(default_factory=dict)
    chance: Callable[[int], bytes] = os.urandom  # so many bytes that nobody can guess
    _languages: dict[str, Language] = field(default_factory=dict)
    _keys: dict[tuple[str, bool], Keys] = field(default_factory=dict)
    _ends: dict[str, bool] = field(default_factory=dict)
    _groups: dict[str, bool] = field(default_factory=dict)
    _links: dict[str, bool] = field(default_factory=dict)
    _dates: list[frozenset[str]] = field(default_factory=list)

    def outside(self, country: str) -> dict[str, str]:
        """What is known of everybody in a country: the facts and the operator's switches, by name."""
        found = self.given.get(country)
        if found is None:
            common = self.content.common
            found = {name: common.fact(name, country) for name in common.facts}
            found = {name: value for name, value in found.items() if value}
            found |= {name: "yes" if country in common.switches.get(name, ()) else "no" for name in SWITCHES}
            self.given[country] = found
        return found

    def language(self, code: str) -> Language:
        """The language to speak: the person's while it is offered, else the source language."""
        if not self._languages:
            self._languages.update((each.code, each) for each in self.content.offered(self.drafts))
        return self._languages.get(code) or self._languages[self.content.common.language]

    def keys(self, code: str, *, chat: bool = False) -> Keys:
        """The words beside 1, 9 and 0 in a language."""
        found = self._keys.get((code, chat))
        if found is None:
            words = (self.content.text(f"common:{key}", code, chat=chat) for key in ("next", "more", "back"))
            found = self._keys[code, chat] = Keys(*words)
        return found

    def may_end(self, dialog: Dialog) -> bool:
        """True if any way out of this dialog is `end`."""
        found = self._ends.get(dialog.id)
        if found is None:
            found = self._ends[dialog.id] = may_end(dialog)
        return found

    def names_groups(self, dialog: Dialog) -> bool:
        """True if this dialog speaks of the person's groups, so that they must be looked up."""
        found = self._groups.get(dialog.id)
        if found is None:
            found = self._groups[dialog.id] = any(_names_groups(step) for step in dialog.steps)
        return found

    def asks_for_links(self, dialog: Dialog) -> bool:
        """True if this dialog asks whether a phone and a chat are linked, so that it must be looked up."""
        found = self._links.get(dialog.id)
        if found is None:
            asked = (condition.name for step in dialog.steps for condition in step.only_if)
            found = self._links[dialog.id] = LINKED in asked
        return found

    def dates(self) -> frozenset[str]:
        """The fields that are dates."""
        if not self._dates:
            steps = (step for dialog in self.content.dialogs.values() for step in dialog.steps)
            self._dates.append(frozenset(step.save for step in steps if step.kind == "date" and step.save))
        return self._dates[0]


def _names_groups(step: Step) -> bool:
    texts = [*step.texts, *(band.text for band in step.bands)]
    for choice in step.choices:
        texts += [text for text in (choice.text, choice.advice, choice.reply) if text is not None]
    return (
        step.save in (GROUP, LEAVE_GROUPS)
        or any(condition.name == GROUP for condition in step.only_if)
        or any(GROUP in placeholders(text.source) for text in texts)
    )


@dataclass(slots=True)
class Shown:
    """What stands on the phone. `say` names a common text that is a screen of its own."""

    dialog: str = ""
    run: int = 0
    step: str = ""
    page: int = 0
    choices: list[str] = field(default_factory=list)
    lead: str = ""
    say: str = ""
    ends: bool = False
    first: bool = False
    typed: bool = False
    keep: str = ""  # what was promised: "" where the answer is kept
    tries: int = 0  # codes in a row that were none
    wanted: str = ""  # the dialog that somebody asked for before the welcome was over
    nonce: str = ""  # what the code for a chat on this screen is made from

    def to_json(self) -> dict[str, Any]:
        """Only what differs from an empty one."""
        every = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in every.items() if value or name == "run"}

    @classmethod
    def of(cls, stored: Mapping[str, Any] | None) -> Shown:
        """What was stored, or nothing shown yet; names of an older version are ignored."""
        return cls(**{name: value for name, value in (stored or {}).items() if name in cls.__slots__})


@dataclass(slots=True)
class Scene:
    """One person in front of one channel, with all that a text may name."""

    house: House
    inbound: Inbound
    language: Language
    fields: Mapping[str, str]  # what placeholders say, dates still as 2027-03-25
    known: Mapping[str, str]  # what the run's own answers make of it
    kept: Callable[[Scene], str]  # what {kept} says
    overview: Callable[[], Overview]  # the person's answers over all dialogs; looked up when it is asked for
    link_code: Callable[[], str]  # what {link_code} says; made when it is asked for

    @property
    def content(self) -> Content:
        """The content in force."""
        return self.house.content

    @property
    def chat(self) -> bool:
        """True in a chat, where every letter can be shown."""
        return channel_kind(self.inbound) == "bot"

    def of(self, step: Step) -> Scene:
        """The scene for one step: in one language from its first word to its keys. Where that word is not translated,
        this is the language that lends it; else a few letters of one script would cost a whole screen of another.
        """
        texts = step.texts or tuple(band.text for band in step.bands)
        lenders = self.content.lenders.get(self.language.code)
        lender = lenders.get(texts[0].id) if lenders and texts else None
        return replace(self, language=self.content.languages[lender]) if lender else self

    def text(self, id: str, **more: str) -> str:
        """A text in the person's language, filled and in letters that the phone can show; in a chat in its own."""
        chat = self.chat
        found = self.content.text(id, self.language.code, chat=chat)
        if "{" not in found:
            return found
        values = {**self.fields, **self.known, **more}
        for name in self.house.dates():
            if value := values.get(name):
                values[name] = self.date(value)
        if "{kept}" in found:
            values["kept"] = self.kept(self)
        if "{link_code}" in found:
            values[LINK_CODE] = self.link_code()
        filled = fill(found, values)
        return filled if chat else wire(filled, self.language.replace, self.language.letters == "any")

    def common(self, key: str, **more: str) -> str:
        """A common text."""
        return self.text(f"common:{key}", **more)

    def date(self, iso: str) -> str:
        """`2027-03-25` as `25 Mar 2027`, with the language's own short months."""
        if not FORMS["date"].fullmatch(iso):
            return iso  # it was typed when the question did not ask for a date yet
        year, month, day = iso.split("-")
        months = self.content.text("common:months", self.language.code, chat=self.chat).split()
        return f"{int(day)} {months[int(month) - 1]} {year}" if len(months) == 12 else f"{day}/{month}/{year}"

    def keys(self) -> Keys:
        """The words beside 1, 9 and 0."""
        return self.house.keys(self.language.code, chat=self.chat)

    def pages(
        self, lead: str, parts: tuple[str, ...], choices: tuple[str, ...], *, back: bool, ends: bool, typed: bool
    ) -> tuple[Page, ...]:
        """The pages for this channel's screen."""
        room = self.house.room_of(self.inbound)
        return lay_out(lead, parts, choices, room, self.keys(), back=back, ends=ends, typed=typed)


def said_only(step: Step, inbound: Inbound) -> bool:
    """True where an unkept question is said and not asked: by SMS and in chat, where answers stay in logs."""
    return step.keep != "yes" and inbound.kind != "ussd" and not step.erases


def is_typed(step: Step, inbound: Inbound) -> bool:
    """True where something is to be written, not chosen."""
    return step.kind in READERS and not said_only(step, inbound)


def asides(step: Step) -> bool:
    """True if an unkept question says something at once, so that the screen after it is a page of its own."""
    return step.keep != "yes" and any(
        (choice.advice or choice.reply) and choice.go != "forget" for choice in step.choices
    )


def step_parts(
    scene: Scene, step: Step, standing: Standing
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], bool]:
    """The texts of a step, the ids and the words of its choices, and whether something is to be typed."""
    text = scene.text
    if step.head == "say":
        return tuple(text(each.id) for each in step.texts), (), (), False
    if step.head == "score":
        return (score_text(scene, step, standing),), (), (), False
    if step.head == "advice":
        return advice_parts(scene, step, standing), (), (), False
    if step.head == "papers":
        return papers_parts(scene, step), (), (), False
    if step.head == "progress":
        return progress_parts(scene, step), (), (), False
    if said_only(step, scene.inbound):
        advice = next((choice.advice for choice in step.choices if choice.advice), None)
        return (text(advice.id) if advice else scene.common("private_done"),), (), (), False
    question = (text(step.texts[0].id),)
    if step.kind == "languages":
        offered = scene.content.offered(scene.house.drafts)
        names = tuple(each.called(chat=scene.chat) for each in offered)
        return question, tuple(each.code for each in offered), names, False
    ids = tuple(choice.id for choice in step.choices)
    return question, ids, tuple(text(choice.text.id) for choice in step.choices), step.kind != "choice"


def score_text(scene: Scene, step: Step, standing: Standing) -> str:
    """The result in words; where nothing was kept there is none, and the text says so."""
    band = band_of(step, standing.percent)
    if not standing.most or band is None:
        return scene.common("result_seen")
    numbers = {"points": standing.points, "max": standing.most, "percent": standing.percent}
    return scene.text(band.text.id, **{name: str(number) for name, number in numbers.items()})


def advice_parts(scene: Scene, step: Step, standing: Standing) -> tuple[str, ...]:
    """The heading with the first advice, then each further advice on a screen of its own."""
    points, any_answer = open_points(scene, step, standing)
    collected = [_with_level(scene, point, choice) for point, choice in points]
    if not collected:
        return (scene.common("no_steps" if any_answer else "no_answers"),)
    heading = scene.text(step.texts[0].id)
    together = f"{heading}\n{collected[0]}"
    if len(scene.pages("", (together,), (), back=True, ends=False, typed=False)) > 1:
        return (heading, *collected)  # an advice is never cut to make room for its heading
    return (together, *collected[1:])


def open_points(scene: Scene, step: Step, standing: Standing) -> tuple[list[tuple[Step, Choice]], bool]:
    """What an advice list reads out, the most urgent first; and if anything was answered that it could tell of."""
    points, any_answer = scene.overview().open_points(step.of) if step.of else (by_urgency(standing.advice), True)
    return points[: step.limit or None], any_answer


def _with_level(scene: Scene, step: Step, choice: Choice) -> str:
    assert choice.advice is not None
    advice = scene.text(choice.advice.id)
    return f"{scene.common(LEVEL_TEXTS[step.level])}: {advice}" if step.level else advice


def papers_parts(scene: Scene, step: Step) -> tuple[str, ...]:
    """The heading, and below it the paper of each check that is asked of this person, one a line."""
    dialog = step.texts[0].id.partition(":")[0]
    lines = [f"- {scene.text(id)}" for id in scene.overview().papers(step.of or (dialog,))]
    return ("\n".join([scene.text(step.texts[0].id), *lines]) if lines else scene.common("no_papers"),)


def progress_parts(scene: Scene, step: Step) -> tuple[str, ...]:
    """The heading, and below it how far the person is in each dialog or towards each scheme, one a line."""
    overview, content = scene.overview(), scene.content
    lines = [scene.text(step.texts[0].id)]
    for id in step.of:
        if id in content.dialogs:
            title, state = title_of(scene, content.dialogs[id]), str(overview.state(content.dialogs[id]))
        else:
            title, state = content.schemes[id].name, str(overview.state_for(id))
            if state == "ready":
                state = "done"  # private questions are not in it, so nobody is called ready for a scheme
        lines.append(f"{title}: {scene.common(f'state_{state}')}")
    return ("\n".join(lines),)


def title_of(scene: Scene, dialog: Dialog) -> str:
    """The title of a dialog, as menus and the resume question name it."""
    return scene.text(dialog.title.id)
