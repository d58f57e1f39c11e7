"""The words of the trade in each language, for translators: what content/glossary.yaml says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from dialogs.problem import At
from dialogs.script import NOWHERE, Confidence


@dataclass(frozen=True, slots=True)
class Word:
    """One word for a term. Confidence: a = sure, b = likely, c = to be checked."""

    text: str
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class Term:
    """A term in the source language and the words for it, by the code of the language; the best word first."""

    english: str
    words: Mapping[str, tuple[Word, ...]] = field(default_factory=lambda: MappingProxyType({}))
    note: str = ""
    at: At = NOWHERE

    def said(self, code: str) -> tuple[Word, ...]:
        """The words in this language; those of `pt` for `pt_BR`, where that has none of its own."""
        return self.words.get(code) or self.words.get(code.replace("-", "_").partition("_")[0], ())
