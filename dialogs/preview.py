"""Every screen of a dialog as a phone will show it, before anybody sees it: for editors, on paper or on a web page.

Pure. It needs no content without errors: what is written is shown as far as it goes. A *view* is one thing that is
said or asked, with its screens filled with plain examples, and again with everything at its widest.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from dialogs.check.names import known_names
from dialogs.check.paths import ENDS, leads, ways
from dialogs.check.speech import Speech, speeches
from dialogs.examples import examples
from dialogs.gsm import fold, measure, segment_count, septets, wire
from dialogs.locale import fallbacks, placeholders
from dialogs.screen import Page, Room, lay_out
from dialogs.script import Choice, Condition, Dialog, Step
from dialogs.written import Written

USSD, SMS = Room(), Room(prefix=0, pages=False)
FEW = 3  # choices up to which a question must stand on one screen
STATES = ("ready", "working", "start", "seen", "none")
LEVELS = {"must": "level_must", "year 1": "level_year1", "year 3": "level_year3"}


@dataclass(frozen=True, slots=True)
class Wish:
    """What to show it on, and to whom. `unfinished`: old translations are shown as they stand."""

    room: Room = USSD
    country: str = ""
    unfinished: bool = False

    @property
    def sms(self) -> bool:
        """One message, whatever its length."""
        return not self.room.pages


@dataclass(frozen=True, slots=True)
class Screen:
    """One screen or message. `length` counts the provider's prefix; septets in GSM-7, else UTF-16 units."""

    text: str
    length: int
    limit: int  # 0: there is none
    gsm7: bool
    odd: tuple[str, ...]  # letters outside GSM-7, which make it dear
    segments: int  # SMS that the text would take

    @property
    def over(self) -> int:
        """Letters too many."""
        return max(0, self.length - self.limit) if self.limit else 0


@dataclass(frozen=True, slots=True)
class View:
    """One thing that is said or asked, in one language."""

    dialog: str
    step: str
    what: str  # "check", "advice after No", "reply after Gold", "result from 80%"
    language: str
    only_if: tuple[str, ...]
    screens: tuple[Screen, ...]
    widest: tuple[Screen, ...]
    over: int  # letters too many at its widest, where it must stand on one screen
    borrowed: tuple[str, ...]  # names of the languages that lend a text to it
    unfinished: bool  # a translation of it is old
    lost: tuple[str, ...]  # letters that the phone cannot show: ? stands for them
    unknown: tuple[str, ...]  # names in braces that nothing has


def preview(
    written: Written, dialog: Dialog, speech: Speech, wish: Wish, step: str = "", others: Sequence[Speech] = ()
) -> list[View]:
    """Every view of a dialog in one language, step by step; of one step, if it is named.

    `others` are the languages that may lend texts: a step whose first text is not translated is all theirs.
    """
    spoken = _Spoken(written, dialog, _worded(speech, wish), wish, known_names(written))
    lending = {each.language.name: each for each in others}
    views: list[View] = []
    for each in dialog.steps:
        if step in ("", each.id):
            first = next(iter([*each.texts, *(band.text for band in each.bands)]), None)
            lender = lending.get(spoken.lender(first.id)) if first else None
            if lender is None:
                views += spoken.views(each)
            else:
                lent = replace(spoken, speech=_worded(lender, wish)).views(each)
                views += [replace(one, language=speech.language.code, borrowed=(lender.language.name,)) for one in lent]
    return views


def spoken_languages(written: Written) -> list[Speech]:
    """What `preview` can show: the source language first, then the others by code."""
    return speeches(written, drafts=True)


def said(condition: Condition) -> str:
    """A condition as it is written."""
    values = " or ".join(condition.values) or "known"
    return f"{condition.name} is {'not ' if condition.negated else ''}{values}"


def screen_of(text: str, room: Room) -> Screen:
    """A text measured as one screen."""
    length, gsm7 = measure(text)
    limit = (room.septets if gsm7 else room.units) if room.pages else 0
    odd = tuple(sorted({letter for letter in text if septets(letter) is None}))
    return Screen(text, length + room.prefix, limit, gsm7, odd, segment_count(text))


def _worded(speech: Speech, wish: Wish) -> Speech:
    """With the unfinished translations in place of what is said for them, if that is wished."""
    language = speech.language
    if not wish.unfinished or speech.main:
        return speech
    fuzzy = {id: language.entries[id].text for id in speech.texts if _fuzzy(speech, id)}
    plain = {id: wire(fold(text, language.replace), {}, language.letters == "any") for id, text in fuzzy.items()}
    return replace(speech, wording={**speech.wording, **plain})


def _fuzzy(speech: Speech, id: str) -> bool:
    entry = None if speech.main else speech.language.entries.get(id)
    return entry is not None and bool(entry.text) and not entry.says(speech.texts[id].source)


@dataclass(frozen=True, slots=True)
class _Spoken:
    """One dialog in one language."""

    written: Written
    dialog: Dialog
    speech: Speech
    wish: Wish
    known: Collection[str]  # names that texts may hold in braces

    def views(self, step: Step) -> Iterator[View]:
        """The step itself, then what is said to its answers."""
        if not step.texts and not step.bands:
            return  # taken `from` nowhere, or its text is missing: the checker says so
        if step.head == "score":
            for band in step.bands:
                yield self._view(step, f"result from {band.percent}%", [band.text.id], percent=band.percent)
            return
        if step.head not in ("say", "ask", "check"):
            yield self._list(step)
            return
        if self.wish.sms and step.asks and step.keep != "yes" and not step.erases:
            advice = next((choice.advice for choice in step.choices if choice.advice), None)
            ids = [advice.id if advice else "common:private_done"]
            yield self._view(step, "a private question: by SMS its advice is said", ids)
            return
        yield self._view(step, step.head, [text.id for text in step.texts], asked=True)
        yield from self._answers(step)

    def _answers(self, step: Step) -> Iterator[View]:
        """Advice and replies, each once, under the words of the choices that they follow."""
        after: dict[tuple[str, str], list[Choice]] = {}
        for choice in step.choices:
            for kind, text in (("reply", choice.reply), ("advice", choice.advice)):
                if text is not None:
                    after.setdefault((kind, text.id), []).append(choice)
        for (kind, id), choices in after.items():
            names = ", ".join(self.speech.wording.get(choice.text.id, choice.id) for choice in choices)
            last = kind == "reply" and all(choice.go in ENDS for choice in choices)
            kept = kind == "advice" and step.keep == "yes"
            yield self._view(step, f"{kind} after {names}", [id], level=step.level if kept else "", ends=last)

    def _list(self, step: Step) -> View:
        """Advice, papers, progress, and heads that this program does not know: the heading and an example."""
        dialogs = [self.written.dialogs[id] for id in step.of or (self.dialog.id,) if id in self.written.dialogs]
        steps = [each for dialog in dialogs for each in dialog.steps]
        heading = [text.id for text in step.texts]
        if step.head == "advice":
            order = [*LEVELS, ""]
            found = [
                (order.index(each.level) if each.level in order else len(order), choice.advice.id, each.level)
                for each in steps
                for choice in each.choices
                if each.keep == "yes" and choice.advice is not None
            ]
            first = [(id, level) for _, id, level in sorted(found, key=lambda row: row[0])[:1]]
            return self._view(step, "advice", heading, below=[self._lines(("", id, level)) for id, level in first])
        if step.head == "papers":
            proofs = dict.fromkeys(each.proof.id for each in steps if each.proof is not None)
            return self._view(step, "papers", heading, below=[self._lines(("- ", id, "")) for id in proofs])
        lines: list[_Line] = []
        for place, id in enumerate(step.of if step.head == "progress" else ()):
            state = f"common:state_{STATES[place % len(STATES)]}"
            named = self.written.dialogs.get(id)
            scheme = self.written.schemes.get(id)
            title = named.title.id if named else ""
            lines.append(_Line(scheme.name if scheme and not named else "", title, state))
        return self._view(step, step.head, heading, below=lines)

    def _lines(self, line: tuple[str, str, str]) -> _Line:
        front, id, level = line
        return _Line(front, id, "", f"common:{LEVELS[level]}" if level in LEVELS else "")

    def _view(
        self,
        step: Step,
        what: str,
        ids: list[str],
        *,
        asked: bool = False,
        below: Iterable[_Line] = (),
        level: str = "",
        percent: int = 0,
        ends: bool = False,
    ) -> View:
        below = list(below)
        shown = replace(
            self.speech, widest=examples(self.written, self.dialog, self.speech, self.wish.country, percent)
        )
        choices = [choice.text.id for choice in step.choices] if asked else []
        used = [*ids, *(each for line in below for each in line.ids()), *choices]
        used += [f"common:{LEVELS[level]}"] if level in LEVELS else []
        few = step.asks and step.kind != "languages" and len(step.choices) <= FEW
        room, alone = self.wish.room, few if asked else ends or step.keep != "yes"
        plain, wide, (whole, *_) = (
            self._pages(step, speech, ids, choices, below, level, asked, ends, within)
            for speech, within in ((shown, room), (self.speech, room), (self.speech, replace(room, pages=False)))
        )
        return View(
            self.dialog.id,
            step.id,
            what,
            self.speech.language.code,
            tuple(map(said, step.only_if)),
            tuple(screen_of(page.text, room) for page in plain),
            measured := tuple(screen_of(page.text, room) for page in wide),
            self._over(measured, whole, alone),
            tuple(dict.fromkeys(name for id in used if (name := self.lender(id)))),
            any(_fuzzy(self.speech, id) for id in used if id in self.speech.texts),
            tuple(sorted({letter for id in used for letter in self._lost(id)})),
            tuple(sorted({name for id in used for name in self._unknown(id)})),
        )

    def _pages(
        self,
        step: Step,
        speech: Speech,
        ids: list[str],
        choices: list[str],
        below: list[_Line],
        level: str,
        asked: bool,
        ends: bool,
        room: Room,
    ) -> tuple[Page, ...]:
        parts = [speech.say(id) for id in ids]
        if below:
            parts = ["\n".join([*parts, *(line.said(speech) for line in below)])]
        if level in LEVELS and (front := speech.say(f"common:{LEVELS[level]}")):
            parts[0] = f"{front}: {parts[0]}"
        if ends:
            return (Page("\n".join(parts), ends=True),)
        words = [speech.say(id) for id in choices]
        if asked and step.kind == "languages":
            languages = [self.written.main, *self.written.translations()]
            words = [fold(language.name, language.replace) for language in languages]
        typed = asked and step.asks and not words
        last = not step.asks and self._ends(step)
        return lay_out("", tuple(parts), tuple(words), room, speech.keys(), back=True, ends=last, typed=typed)

    def _ends(self, step: Step) -> bool:
        """True if the call is over when this page was read."""
        found = [leads(self.written.dialogs, self.dialog, step, way) for way in ways(step) if not way.skipped]
        return bool(found) and all(place is not None and place[1] in ENDS and not place[0] for place in found)

    def _over(self, wide: Sequence[Screen], whole: Page, alone: bool) -> int:
        """By how much it is too long: a question with few choices and last words must stand on one screen."""
        room = self.wish.room
        if room.pages and len(wide) > 1 and alone:
            return screen_of(whole.text, room).over
        return max(screen.over for screen in wide)

    def lender(self, id: str) -> str:
        """The name of the language that a text falls back to; "" if this one says it itself."""
        speech = self.speech
        if id not in speech.texts or speech.own(id) or (self.wish.unfinished and _fuzzy(speech, id)):
            return ""
        source, known = speech.texts[id].source, self.written.languages
        for code in fallbacks(speech.language.code, known, self.written.common.language)[1:-1]:
            if (entry := known[code].entries.get(id)) is not None and entry.says(source):
                return known[code].name
        return self.written.main.name

    def _unknown(self, id: str) -> set[str]:
        named = placeholders(self.speech.wording.get(id, "")) - {*self.known}
        return {name for name in named if not self.written.may_hold(name)}

    def _lost(self, id: str) -> set[str]:
        language, speech = self.speech.language, self.speech
        if language.letters == "any" or id not in speech.texts:
            return set()
        own = speech.texts[id].source if speech.main or not speech.own(id) else language.entries[id].text
        return {letter for letter in fold(own, language.replace) if septets(letter) is None}


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of a list: words in front, a text; behind it, or before it, a common text and a colon."""

    front: str
    id: str = ""
    behind: str = ""
    level: str = ""

    def ids(self) -> list[str]:
        return [id for id in (self.id, self.behind, self.level) if id]

    def said(self, speech: Speech) -> str:
        text = f"{self.front}{speech.say(self.id) if self.id else ''}"
        if self.level and (level := speech.say(self.level)):
            text = f"{level}: {text}"
        return f"{text}: {speech.say(self.behind)}" if self.behind else text
