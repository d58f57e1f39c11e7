"""Words that become other words on a phone, where their accents fall: the editor says it in another way."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
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
    seen = {id: words for id in speech.texts if speech.own(id) and (words := _words(_said(speech, id), risky))}
    often = Counter(word for words in seen.values() for word in words)
    places: dict[str, list[tuple[str, int]]] = {}
    for id, words in seen.items():
        # One word of a text is enough, since whoever mends it reads the rest: the rarest, or `não` would hide all.
        rarest = min(words, key=lambda word: often[word])
        places.setdefault(rarest, []).append((id, words[rarest]))
    for word, found in places.items():
        yield _problem(speech, word, risky[word], found)


def _words(said: str, risky: Mapping[str, str]) -> dict[str, int]:
    """The risky words of a text, each with its first letter."""
    hidden = _BRACES.sub(lambda name: " " * len(name[0]), unicodedata.normalize("NFC", said))
    found: dict[str, int] = {}
    for seen in _WORD.finditer(hidden):
        if (word := seen[0].casefold()) in risky:
            found.setdefault(word, seen.start())
    return found


def _said(speech: Speech, id: str) -> str:
    return speech.texts[id].source if speech.main else speech.language.entries[id].text


def _problem(speech: Speech, word: str, other: str, found: Sequence[tuple[str, int]]) -> Problem:
    plain, replace = fold(word, speech.language.replace), speech.language.replace
    alike = f'as "{other}" does too' if fold(other, replace) != other else "which may be taken for another word"
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
