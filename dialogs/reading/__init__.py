"""Reads a content file into a Dialog, a Series, the Common texts or the Hours.

Every problem of a file is found in one run, and nothing is ever raised: a file that cannot be read is a problem too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import cast

from dialogs.problem import At, Problem
from dialogs.reading import grammar
from dialogs.reading.answers import read_answers
from dialogs.reading.claims import claim_of, read_schemes, read_sources
from dialogs.reading.common import read_common
from dialogs.reading.glossary import read_glossary
from dialogs.reading.hours import read_hours
from dialogs.reading.plain_yaml import Pair, Pairs, Plain
from dialogs.reading.series import read_series
from dialogs.reading.step import belongs_in_a_step, read_step
from dialogs.reading.top import id_of, title_of, top_of
from dialogs.reading.values import (
    Finds,
    block,
    known_keys,
    name,
    name_in,
    need,
    one_of,
    places,
    target,
    text,
    wrong_type,
)
from dialogs.script import RESERVED_DIALOGS, Dialog, Resume, Text

__all__ = [
    "read_answers",
    "read_common",
    "read_dialog",
    "read_glossary",
    "read_hours",
    "read_schemes",
    "read_series",
    "read_sources",
]

DAYS = re.compile(r"([1-9][0-9]{0,3}) days?")


def read_dialog(file: str, source: str | bytes) -> tuple[Dialog, list[Problem]]:
    """The dialog of a file, named as the file; `broken` if it has no step that can be read."""
    finds = Finds()
    id = id_of(file, finds, RESERVED_DIALOGS)
    top = top_of(file, source, "A dialog", finds)
    given = known_keys(top.pairs, grammar.DIALOG, finds) if top else {}
    title = title_of(given, top, Text(f"{id}:title", id, At(file)), "This dialog", finds)
    steps = need(given, "steps", top, "This dialog", finds) if top else None
    lines = block(steps, "steps", "welcome:", finds) if steps else ()
    astray = [line.key for line in lines if belongs_in_a_step(line)]
    if astray:  # the others beside it come from the same slip
        what = f'"{astray[0].text}" stands where the name of a step is.'
        finds.add(astray[0], "what-step", what, "Begin it further right, under the name of its step.")
    claim = claim_of(given, finds)
    read = [read_step(id, line, finds, claim) for line in lines if line.key not in astray]
    if isinstance(steps, Pairs) and not lines and not steps.flawed:
        wrong_type(steps, "steps", "at least one step", 'Write the first: "welcome:"', finds)
    dialog = Dialog(
        id=id,
        title=title,
        steps=tuple(read),
        at=At(file),
        resume=cast(Resume, _word(given, "resume", ("ask", "always", "never"), finds) or "ask"),
        forget_after=_days(given, finds),
        then=_value_of(given, "then", finds) or "end",
        moved=_moved(given, finds),
        trace=_word(given, "trace", ("yes", "no"), finds) != "no",
        about=text(given["about"].value, "about", finds) if "about" in given else "",
        claim=claim,
        index=MappingProxyType({step.id: place for place, step in enumerate(read)}),
        broken=not read,
        places=places(pair for key, pair in given.items() if key != "steps"),
    )
    return dialog, finds.in_order()


def _word(given: Mapping[str, Pair], key: str, allowed: tuple[str, ...], finds: Finds) -> str:
    return one_of(given[key].value, key, allowed, finds) if key in given else ""


def _value_of(given: Mapping[str, Pair], key: str, finds: Finds) -> str:
    return target(given[key].value, key, finds) if key in given else ""


def _days(given: Mapping[str, Pair], finds: Finds) -> int:
    if "forget after" not in given:
        return 30
    value = given["forget after"].value
    match = DAYS.fullmatch(value.text) if isinstance(value, Plain) else None
    if match is None:
        wrong_type(value, "forget after", "a number of days", 'Write it like "60 days".', finds)
    return int(match[1]) if match else 30


def _moved(given: Mapping[str, Pair], finds: Finds) -> Mapping[str, str]:
    if "moved" not in given:
        return MappingProxyType({})
    found = {}
    for line in block(given["moved"].value, "moved", "old_name: new_name", finds):
        if isinstance(line.value, Pairs):
            what = f'"{line.key.text}" cannot stand under "moved".'
            finds.add(line.key, "unknown-key", what, 'Is the line "steps:" missing above it?')
            break
        old, new = name(line.key, finds), name_in(line.value, line.key.text, finds)
        if new:
            found[old] = new
    return MappingProxyType(found)
