"""What free text is answered with: by what an assistant understood, by words, and at once where somebody is in danger.

Plain values, made from content/answers.yaml. What counts as free text is in `freetext.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from dialogs.problem import At
from dialogs.script import NO_CLAIM, NOWHERE, Claim

Phrase = tuple[str, ...]  # folded words


@dataclass(frozen=True, slots=True)
class Answer:
    """What answers one intent, or one kind of danger: a dialog to open, or steps whose pages are read out.

    `opens` is "" where pages are read: those of `steps`, each (dialog, step). `phrases` are those of all languages: for
    an answer all words of a phrase must be there, in any order; for a danger they must stand together.
    """

    id: str
    opens: str = ""
    steps: tuple[tuple[str, str], ...] = ()
    phrases: tuple[Phrase, ...] = ()
    at: At = NOWHERE


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Answers:
    """All of answers.yaml; empty where there is no such file."""

    intents: Mapping[str, Answer] = field(default_factory=lambda: MappingProxyType({}))
    dangers: Mapping[str, Answer] = field(default_factory=lambda: MappingProxyType({}))
    claim: Claim = NO_CLAIM
    at: At = NOWHERE


NO_ANSWERS = Answers()
