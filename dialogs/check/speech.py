"""One language as its screens will show it: the words with every placeholder at its widest, and where they stand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from polib import escape

from dialogs.check.conditions import savers
from dialogs.gsm import wire
from dialogs.locale import Language, fill
from dialogs.problem import At, Level, Problem
from dialogs.screen import Keys
from dialogs.script import LINK_CODE, Text
from dialogs.written import Written

LONGEST_NUMBER = 12  # digits of a number that is typed
LONGEST_TYPED = 20  # letters that a typed answer is thought to have
LONGEST_PHONE = 16
LONGEST_GROUP = 30  # letters that the name of a group is thought to have
FIRST_LINE = 60  # letters of a text that are sure to stand in its first line


@dataclass(frozen=True, slots=True)
class Speech:
    """A language at work. `shown`: people see it, so what does not fit is an error."""

    written: Written
    language: Language
    texts: Mapping[str, Text]
    shown: bool
    wording: Mapping[str, str]  # by id what is said, not filled
    widest: Mapping[str, str]  # by placeholder its longest value

    @property
    def main(self) -> bool:
        """True for the source language."""
        return self.language.status == "source"

    @property
    def level(self) -> Level:
        """How bad it is if something cannot be shown."""
        return "error" if self.shown else "warning"

    @property
    def level_of_length(self) -> Level:
        """How bad it is if something does not fit: outside GSM-7 a screen of 70 letters is seldom enough."""
        return "error" if self.shown and self.language.letters == "gsm7" else "warning"

    @property
    def inside(self) -> str:
        """To be put behind a sentence: " in Kiswahili", nothing for the source language."""
        return "" if self.main else f" in {self.language.name}"

    def say(self, id: str) -> str:
        """A text at its widest, as it goes to the phone; "" for one that is not there."""
        filled = fill(self.wording.get(id, ""), self.widest)
        return wire(filled, self.language.replace, self.language.letters == "any")

    def own(self, id: str) -> bool:
        """True if the text is said in this language, not in one that it falls back to."""
        if self.main:
            return id in self.texts
        entry, text = self.language.entries.get(id), self.texts.get(id)
        return entry is not None and text is not None and entry.says(text.source)

    def place(self, ids: Iterable[str]) -> At:
        """Where the first of these texts stands that is said in this language."""
        known = [id for id in ids if id in self.texts]
        mine = next((id for id in known if self.own(id)), known[0] if known else "")
        if not self.main and self.own(mine):
            return self.language.entries[mine].at
        return self.texts[mine].at if mine else At(self.language.file)

    def within(self, id: str, letter: int) -> At:
        """The place of one letter of a text, as long as it stands in the first line of it."""
        entry = None if self.main else self.language.entries.get(id)
        said, at = (self.texts[id].source, self.texts[id].at) if entry is None else (entry.text, entry.at)
        before = said[:letter] if entry is None else escape(said[:letter])
        return replace(at, column=at.column + len(before)) if "\n" not in before and len(before) < FIRST_LINE else at

    def problem(self, slug: str, ids: Iterable[str], text: str, mend: str, level: Level | None = None) -> Problem:
        """A problem at the first of these texts; a translator gets the source text along."""
        ids = list(ids)
        if not self.main and ids and ids[0] in self.texts:
            mend = f"{mend} {self.source_of(ids[0])}".strip()
        known = next((id for id in ids if id in self.texts), "")
        entry = self.language.entries.get(known)
        said = entry.text if entry is not None else self.texts[known].source if known else ""
        width = max(1, len(said.split("\n", 1)[0]))
        return Problem(self.place(ids), slug, text, mend, level or self.level_of_length, width)

    def source_of(self, id: str) -> str:
        """The text in the source language, as a remark: English: "Does your group ..."."""
        source = " ".join(self.texts[id].source.split())
        short = source if len(source) <= 60 else source[:57].rstrip() + "..."
        return f'{self.written.main.name}: "{short}"'

    def keys(self) -> Keys:
        """The words beside 1, 9 and 0."""
        return Keys(self.say("common:next"), self.say("common:more"), self.say("common:back"))


def speeches(written: Written, drafts: bool) -> list[Speech]:
    """The source language first, then the others by code."""
    texts, found = written.texts(), []
    for language in (written.main, *written.translations()):
        wording = written.wording(language)
        shown = drafts or language.status != "draft"
        found.append(Speech(written, language, texts, shown, wording, widest(written, language, wording)))
    return found


def widest(written: Written, language: Language, wording: Mapping[str, str]) -> dict[str, str]:
    """By placeholder the longest value that it can take in this language."""
    titles = [wording[dialog.title.id] for dialog in written.dialogs.values()]
    months = wording.get("common:months", "").split()
    date = f"28 {max(months, key=len, default='Mar')} 2027"
    names = [written.main.name, *(other.name for other in written.translations())]
    values = {
        "points": "999",
        "max": "999",
        "percent": "100",
        "title": max(titles, key=len, default=""),
        "language": max(names, key=len),
        "country": "KE",
        "group": "8" * LONGEST_GROUP,
        "link_code": "888888",
    }
    for name, fact in written.common.facts.items():
        values[name] = max([fact] if isinstance(fact, str) else fact.values(), key=len, default="")
    for name, steps in savers(written).items():
        longest: list[str] = [values.get(name, "")]
        for _, step in steps:
            if step.kind == "choice":
                longest += [wording.get(choice.text.id, "") for choice in step.choices]
            elif step.kind != "languages" and name != LINK_CODE:
                length = {"number": LONGEST_NUMBER, "phone": LONGEST_PHONE}.get(step.kind, LONGEST_TYPED)
                longest.append(date if step.kind == "date" else "8" * length)
        values[name] = max(longest, key=len)
    return values
