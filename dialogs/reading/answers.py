"""Reads answers.yaml: what free text is answered with, and the words by which it is known, language by language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from dialogs.answers import Answer, Answers, Phrase
from dialogs.locale import fold_words
from dialogs.problem import At, Problem
from dialogs.reading import grammar
from dialogs.reading.claims import claim_of
from dialogs.reading.plain_yaml import Pair, Pairs, Plain
from dialogs.reading.top import top_of
from dialogs.reading.values import Finds, block, known_keys, name, text, wrong_type

KEYS = ("answers", "danger", *grammar.CLAIM)
GO = "go"
OPENS = re.compile(r"/([a-z][a-z0-9_]*)")
STEP = re.compile(r"([a-z][a-z0-9_]*)/([a-z][a-z0-9_]*)")
LANGUAGE = re.compile(r"[a-z]{2,3}([-_][A-Za-z0-9]{2,8})*")
HOW = 'Write "/ready" for a dialog to open, or "questions/premium" for a step to read out; several with blanks between.'


def read_answers(file: str, source: str | bytes) -> tuple[Answers, list[Problem]]:
    """The answers and the dangers by id. Whether their targets exist is for the check to say."""
    finds = Finds()
    top = top_of(file, source, "answers.yaml", finds)
    given = known_keys(top.pairs, KEYS, finds) if top else {}
    found = {key: _answers(given, key, finds) for key in ("answers", "danger")}
    return Answers(found["answers"], found["danger"], claim_of(given, finds), At(file)), finds.in_order()


def _answers(given: Mapping[str, Pair], key: str, finds: Finds) -> Mapping[str, Answer]:
    found: dict[str, Answer] = {}
    for line in block(given[key].value, key, "premium:", finds) if key in given else ():
        id = name(line.key, finds)
        lines = {each.key.text: each for each in block(line.value, id, "go: questions/premium", finds)}
        if not isinstance(line.value, Pairs):
            continue
        opens, steps = _target(line.key, lines.pop(GO, None), finds)
        phrases: list[Phrase] = []
        for code, words in lines.items():
            if not LANGUAGE.fullmatch(code):
                mend = f'Write "{GO}", or the short code of a language, like "sw".'
                finds.add(words.key, "unknown-key", f'"{code}" is no language.', mend)
            else:
                phrases += _phrases(words, finds)
        if opens or steps:
            found[id] = Answer(id, opens, steps, tuple(dict.fromkeys(phrases)), line.key.at)
    return MappingProxyType(found)


def _target(key: Plain, go: Pair | None, finds: Finds) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The dialog to open, or the steps to read out; neither after a problem."""
    if go is None:
        finds.add(key, "missing-key", f'"{key.text}" needs a line "{GO}".', HOW)
        return "", ()
    said = go.value.text if isinstance(go.value, Plain) else ""
    if match := OPENS.fullmatch(said):
        return match[1], ()
    steps = [STEP.fullmatch(each) for each in said.split()]
    if not steps or not all(steps):
        wrong_type(go.value, GO, "a dialog or a step", HOW, finds)
        return "", ()
    return "", tuple((each[1], each[2]) for each in steps if each)


def _phrases(line: Pair, finds: Finds) -> list[Phrase]:
    """`sell without permit, no licence`: phrases with commas between them, each made of folded words."""
    said = text(line.value, line.key.text, finds)
    return [tuple(words) for phrase in said.split(",") if (words := fold_words(phrase))]
