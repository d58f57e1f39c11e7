"""Reads glossary.yaml: terms of the trade, and the words for them in each language with a confidence each."""

from __future__ import annotations

import re
from dataclasses import replace
from types import MappingProxyType

from dialogs.glossary import Term, Word
from dialogs.problem import Problem
from dialogs.reading.plain_yaml import Pair, Plain
from dialogs.reading.top import top_of
from dialogs.reading.values import Finds, block, text
from dialogs.reading.yaml_lines import shortened
from dialogs.script import Confidence

CODE = re.compile(r"[a-z]{2,3}(?:[_-][A-Za-z0-9]{2,8})*")
NOTE = "note"
CONFIDENCE: tuple[Confidence, ...] = ("a", "b", "c")
LETTERS = "a = sure, b = likely, c = to be checked."


def read_glossary(file: str, source: str | bytes) -> tuple[tuple[Term, ...], list[Problem]]:
    """The terms in the order of the file, without what cannot be read. Never raises.

    Phones show nothing of it, so whatever is wrong here keeps no content from being used: all problems are warnings.
    """
    finds = Finds()
    top = top_of(file, source, "glossary.yaml", finds)
    terms = tuple(_term(line, finds) for line in (top.pairs if top else ()) if not line.key.flawed)
    return terms, [replace(problem, level="warning") for problem in finds.in_order()]


def _term(line: Pair, finds: Finds) -> Term:
    lines = {each.key.text: each for each in block(line.value, line.key.text, "sw:", finds)}
    note = lines.pop(NOTE, None)
    words = {code: _words(each, finds) for code, each in lines.items() if _is_code(each.key, finds)}
    said = text(note.value, NOTE, finds, empty=True) if note else ""
    return Term(line.key.text, MappingProxyType(words), said, line.key.at)


def _is_code(key: Plain, finds: Finds) -> bool:
    if key.flawed or CODE.fullmatch(key.text):
        return not key.flawed
    mend = f'Write the short code as in the name of the PO file, like "sw" or "pt_BR"; or "{NOTE}" for a remark.'
    finds.add(key, "bad-id", f'"{shortened(key.text)}" is no code of a language.', mend)
    return False


def _words(line: Pair, finds: Finds) -> tuple[Word, ...]:
    found = (_word(each, finds) for each in block(line.value, line.key.text, "zebaki: a", finds))
    return tuple(word for word in found if word is not None)


def _word(line: Pair, finds: Finds) -> Word | None:
    key, value = line.key, line.value
    if key.flawed or value.flawed:
        return None
    if isinstance(value, Plain) and value.text in CONFIDENCE:
        return Word(key.text, value.text)
    what = f'Behind "{shortened(key.text)}" stands no letter that says how sure it is.'
    place = value if isinstance(value, Plain) and value.text else key
    finds.add(place, "wrong-confidence", what, f"Write a, b or c: {LETTERS}")
    return None
