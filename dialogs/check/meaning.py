"""Words that become other words on a phone, where their accents fall: the editor says it in another way."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence

from dialogs.check.speech import Speech
from dialogs.gsm import fold
from dialogs.letters import advice_for
from dialogs.locale import Language
from dialogs.problem import Problem

_WORD = re.compile(r"[^\W\d_]+")
_BRACES = re.compile(r"\{[^{}]*\}")
FIRST = 3  # places that are named


def check_meaning(speeches: Sequence[Speech]) -> Iterator[Problem]:
    """One warning for each such word of each language, however often it stands there."""
    for speech in speeches:
        if risky := _risky(speech.language):
            yield from _found(speech, risky)


def _risky(language: Language) -> Mapping[str, str]:
    """The words of the table that this language, with its own X-Replace, sends like another one."""
    return {
        word: other
        for word, other in advice_for(language.code).words.items()
        if fold(word, language.replace) != word and fold(word, language.replace) == fold(other, language.replace)
    }


def _found(speech: Speech, risky: Mapping[str, str]) -> Iterator[Problem]:
    places: dict[str, list[tuple[str, int]]] = {}
    for id in speech.texts:
        if not speech.own(id):
            continue
        said = unicodedata.normalize("NFC", _said(speech, id))
        hidden = _BRACES.sub(lambda name: " " * len(name[0]), said)
        for seen in _WORD.finditer(hidden):
            if (word := seen[0].casefold()) in risky:
                places.setdefault(word, []).append((id, seen.start()))
                break  # one word of a text is enough: whoever mends it reads the rest
    for word, found in places.items():
        yield _problem(speech, word, risky[word], found)


def _said(speech: Speech, id: str) -> str:
    return speech.texts[id].source if speech.main else speech.language.entries[id].text


def _problem(speech: Speech, word: str, other: str, found: Sequence[tuple[str, int]]) -> Problem:
    plain, replace = fold(word, speech.language.replace), speech.language.replace
    alike = f'as "{other}" does' if fold(other, replace) != other else "which is another word or none"
    many = ""
    if len(found) > 1:
        lines = ", ".join(str(speech.place([id]).line) for id, _ in found[:FIRST])
        more = " and more" if len(found) > FIRST else ""
        many = f" It stands in {len(found)} texts: lines {lines}{more}."
    id, letter = found[0]
    text = f'On a phone "{word}" reads "{plain}"{speech.inside}, {alike}.{many}'
    mend = "Say it in another way, unless nobody could take it wrongly here."
    if not speech.main:
        mend += f" {speech.source_of(id)}"
    return Problem(speech.within(id, letter), "meaning", text, mend, "warning", len(word))
