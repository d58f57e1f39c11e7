"""Everything that is said, with what it rests on and who has looked at it: for those who must look again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from dialogs.check.claims import states
from dialogs.claims import OWN, Source, split
from dialogs.problem import At
from dialogs.script import NO_CLAIM, Claim, Confidence
from dialogs.written import Written

State = Literal["checked", "unchecked", "out of date", "own words", "given"]
REMINDERS, SCHEMES, COMMON, HOURS = "reminders", "schemes", "common.yaml", "hours.yaml"


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is said: where (part and name in it), in which words, and what it rests on.

    `stated` is False for what has no claim of its own: the facts and switches of common.yaml, the hours.
    """

    part: str  # the id of a dialog, or one of REMINDERS, SCHEMES, COMMON, HOURS
    name: str
    text: str
    at: At
    claim: Claim = NO_CLAIM
    schemes: tuple[tuple[str, Confidence], ...] = ()
    stated: bool = True

    def state(self, sources: Mapping[str, Source], today: str) -> State:
        """How far it is checked; "own words" claim nothing, "given" is what has no claim of its own."""
        if not self.stated:
            return "given"
        if self.claim.source and all(_kind(sources, id) == OWN for id, _ in self.claim.source):
            return "own words"
        if self.claim.expires_on and self.claim.expires_on < today:
            return "out of date"
        return "checked" if self.claim.checked_by and self.claim.checked_on else "unchecked"

    def weak(self, sources: Mapping[str, Source]) -> bool:
        """True if it rests on memory or a guess only: nobody could look it up."""
        foreign = [(id, letter) for id, letter in self.claim.source if _kind(sources, id) != OWN]
        return bool(foreign) and all(letter == "c" or _kind(sources, id) == "memory" for id, letter in foreign)


def _kind(sources: Mapping[str, Source], id: str) -> str:
    return sources[id].kind if id in sources else ""


def facts(written: Written) -> Iterator[Fact]:
    """Everything that is said: by dialog, then the reminders, the schemes, common.yaml and the hours."""
    for id, dialog in written.dialogs.items():
        for step in dialog.steps:
            if states(step):
                said = " ".join(text.source for text in step.texts)
                yield Fact(id, step.id, said, step.at, step.claim, step.schemes)
    for id, series in written.series.items():
        yield Fact(REMINDERS, id, series.title.source, series.title.at, series.claim)
    for id, scheme in written.schemes.items():
        said = f"{scheme.name}: {scheme.about}" if scheme.about else scheme.name
        yield Fact(SCHEMES, id, said, scheme.at, scheme.claim)
    yield from _given(written)


def _given(written: Written) -> Iterator[Fact]:
    common = written.common
    for name, value in common.facts.items():
        by_country = {"": value} if isinstance(value, str) else value
        said = ", ".join(f"{country} {each or 'none'}".strip() for country, each in by_country.items()) or "none"
        yield Fact(COMMON, name, said, common.places.get(f"facts.{name}", common.at), stated=False)
    for name, countries in common.switches.items():
        said = ", ".join(countries) or "none"
        yield Fact(COMMON, name, said, common.places.get(f"switches.{name}", common.at), stated=False)
    for code, country in written.hours.countries.items():
        checked = Claim(checked_on=country.checked_on.isoformat())
        yield Fact(HOURS, code, country.source, At(f"{written.root}/{HOURS}"), checked, stated=False)


def resting_on(some: Iterable[Fact], source: str) -> list[Fact]:
    """Those that name this source."""
    return [fact for fact in some if any(id == source for id, _ in fact.claim.source)]


def preparing_for(some: Iterable[Fact], scheme: str, part: str = "") -> list[tuple[str, Confidence, Fact]]:
    """Part, confidence and question, for each question that prepares for this scheme, or for this part of it."""
    found = []
    for fact in some:
        for named, letter in fact.schemes:
            id, of = split(named)
            if id == scheme and part in ("", of):
                found.append((of, letter, fact))
    return found


@dataclass(frozen=True, slots=True)
class Sum:
    """How many claims there are, and how far they are checked. Our own words are none."""

    claims: int
    checked: int
    unchecked: int
    out_of_date: int
    weak: int
    no_source: int
    own_words: int

    def told(self) -> str:
        """The sum in two sentences."""
        lacking = f", {self.no_source} of them without a source" if self.no_source else ""
        return (
            f"{self.claims} claims: {self.checked} checked, {self.unchecked} unchecked{lacking},"
            f" {self.out_of_date} out of date; {self.weak} rest on memory or a guess only."
            f" Beside them {self.own_words} texts are our own words, which state nothing."
        )


def summed(some: Iterable[Fact], sources: Mapping[str, Source], today: str) -> Sum:
    """The sum of these."""
    known = [(fact, fact.state(sources, today)) for fact in some if fact.stated]
    count = Counter(state for _, state in known)
    return Sum(
        claims=len(known) - count["own words"],
        checked=count["checked"],
        unchecked=count["unchecked"],
        out_of_date=count["out of date"],
        weak=sum(fact.weak(sources) for fact, _ in known),
        no_source=sum(not fact.claim.source for fact, state in known if state == "unchecked"),
        own_words=count["own words"],
    )
