"""Signatures: which texts of a language are signed by whom, and a live language with texts that too few have signed."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import replace
from types import MappingProxyType

from dialogs.locale import Language
from dialogs.problem import Problem
from dialogs.reviews import NEEDED, Review, signers
from dialogs.written import Written

FIRST = 3  # places that are named


def signed_by(written: Written, language: Language) -> dict[str, tuple[str, ...]]:
    """By id who has signed the translation as it is now, for every text that is said in this language."""
    return {
        id: signers(entry.reviews)
        for id, text in written.texts().items()
        if (entry := language.entries.get(id)) is not None and entry.says(text.source)
    }


def check_signed(written: Written) -> Iterator[Problem]:
    """A live language is read out to people, so two of its speakers have signed for each of its texts."""
    for language in written.translations():
        if language.status != "live":
            continue
        lacking = [id for id, names in signed_by(written, language).items() if len(names) < NEEDED]
        if lacking:
            yield _unsigned(language, lacking)


def _unsigned(language: Language, lacking: Sequence[str]) -> Problem:
    where = ", ".join(f"line {language.entries[id].at.line} ({id})" for id in lacking[:FIRST])
    more = ", and more" if len(lacking) > FIRST else ""
    many = f"{len(lacking)} texts are" if len(lacking) > 1 else "one text is"
    text = f"In {language.name} {many} not signed by two people, and a live language needs that: {where}{more}."
    mend = f'Let two speakers read and sign: ngazi content review {language.code} --by "name". Until then: draft.'
    at = language.place("X-Status")
    return Problem(at, "unsigned", text, mend, width=len("X-Status"))


def as_signed(written: Written, but: Container[str] = ()) -> Written:
    """The content as if two people had signed every translation but these: for examples and tests of other things."""
    reviews = (Review("Amina", "2026-12-01", True), Review("Juma", "2026-12-03", True))
    languages = {}
    for code, language in written.languages.items():
        entries = {
            id: entry if id in but else replace(entry, reviews=reviews) for id, entry in language.entries.items()
        }
        languages[code] = replace(language, entries=MappingProxyType(entries))
    return replace(written, languages=languages)
