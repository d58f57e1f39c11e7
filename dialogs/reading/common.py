"""Reads common.yaml: what every dialog uses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from dialogs.problem import At, Problem
from dialogs.reading import grammar
from dialogs.reading.plain_yaml import Items, Pair, Pairs, Plain
from dialogs.reading.top import text_as, top_of
from dialogs.reading.values import Finds, block, did_you_mean, known_keys, name, need, places, text, texts, wrong_type
from dialogs.script import SWITCHES, Common

COUNTRY = re.compile(r"[A-Z]{2}")
LANGUAGE = re.compile(r"[a-z]{2,3}([-_][A-Za-z0-9]{2,8})*")


def read_common(file: str, source: str | bytes) -> tuple[Common, list[Problem]]:
    """The source language, facts, switches, words and texts that every dialog uses."""
    finds = Finds()
    top = top_of(file, source, "common.yaml", finds)
    given = known_keys(top.pairs, grammar.COMMON, finds) if top else {}
    if top:
        need(given, "texts", top, "common.yaml", finds)
    at = dict(places(given.values()))
    facts = {
        name(line.key, finds, grammar.RESERVED_FIELDS): _fact(line, at, finds)
        for line in _lines(given, "facts", "helpline: …", finds)
    }
    switches = known_keys(_lines(given, "switches", "conflict_zone: CD SS", finds), SWITCHES, finds)
    words = known_keys(_lines(given, "words", "stop: STOP QUIT", finds), grammar.MEANINGS, finds)
    written = {f"words.{meaning}": line.value for meaning, line in words.items()}
    lines = _lines(given, "texts", "next: Next", finds)
    for line in lines:
        written[name(line.key, finds, ("discreet",))] = line.value
    if "discreet" in given:
        written["discreet"] = given["discreet"].value
    notes = _notes(given, tuple(written), finds)
    read = {
        key: text_as(f"common:{key}", node, notes.get(key, ""))
        for key, node in written.items()
        if text(node, key, finds)
    }
    common = Common(
        language=_language(given, finds),
        facts=MappingProxyType(facts),
        switches=MappingProxyType({key: _countries(line, finds) for key, line in switches.items()}),
        words=MappingProxyType({key: read[f"words.{key}"] for key in words if f"words.{key}" in read}),
        texts=MappingProxyType({line.key.text: read[line.key.text] for line in lines if line.key.text in read}),
        discreet=read.get("discreet") if "discreet" in given else None,
        at=At(file),
        places=MappingProxyType(at),
    )
    return common, finds.in_order()


def _lines(given: Mapping[str, Pair], key: str, example: str, finds: Finds) -> tuple[Pair, ...]:
    """The lines under a key, which may be none."""
    if key not in given or given[key].value == Plain("", given[key].value.at, given[key].value.width):
        return ()
    return block(given[key].value, key, example, finds)


def _fact(line: Pair, at: dict[str, At], finds: Finds) -> str | Mapping[str, str]:
    """One text for all, or one by country; an empty one is a fact that is not known there."""
    if not isinstance(line.value, Pairs):
        return text(line.value, line.key.text, finds, empty=True)
    found = {}
    for one in line.value.pairs:
        code = one.key.text
        if not COUNTRY.fullmatch(code) and code != grammar.OTHERWISE and not one.key.flawed:
            mend = 'Write the two capital letters of the country, like "KE", or "otherwise" for all the rest.'
            finds.add(one.key, "bad-id", f'"{code}" is no country.', mend)
        found[code] = text(one.value, code, finds, empty=True)
        at[f"facts.{line.key.text}.{code}"] = one.value.at
    return MappingProxyType(found)


def _countries(line: Pair, finds: Finds) -> tuple[str, ...]:
    """Country codes, with spaces between them or in a list."""
    value = line.value
    plain = texts(value, line.key.text, finds) if isinstance(value, Items) else [value]
    codes: list[str] = []
    for node in plain:
        for code in text(node, line.key.text, finds, empty=True).split():
            if COUNTRY.fullmatch(code):
                codes.append(code)
            elif not node.flawed:
                mend = 'Write two capital letters for each, with spaces between: "CD SS"'
                wrong_type(node, line.key.text, "countries", mend, finds)
                break
    return tuple(dict.fromkeys(codes))


def _notes(given: Mapping[str, Pair], keys: tuple[str, ...], finds: Finds) -> dict[str, str]:
    """What translators should know, by the key of the text."""
    found = {}
    for line in _lines(given, "notes", "next: …", finds):
        key = line.key.text
        if key not in keys:
            finds.add(line.key, "unknown-key", f'There is no text "{key}".', did_you_mean(key, keys))
        found[key] = text(line.value, key, finds)
    return found


def _language(given: Mapping[str, Pair], finds: Finds) -> str:
    if "language" not in given:
        return "en"
    value = given["language"].value
    if isinstance(value, Plain) and LANGUAGE.fullmatch(value.text):
        return value.text
    wrong_type(value, "language", "the code of a language", 'Write it like "en" or "fr".', finds)
    return "en"
