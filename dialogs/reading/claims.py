"""Reads what texts rest on: the four keys of a claim, what a step prepares for, sources.yaml and schemes.yaml."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import cast

from dialogs.claims import ALWAYS, OWN, Scheme, Source, SourceKind
from dialogs.claims import KINDS as SOURCE_KINDS
from dialogs.problem import At, Problem
from dialogs.reading import grammar
from dialogs.reading.plain_yaml import Node, Pair, Plain
from dialogs.reading.top import top_of
from dialogs.reading.values import Finds, block, known_keys, name, need, one_of, text
from dialogs.reading.yaml_lines import shortened
from dialogs.script import NO_CLAIM, Claim, Confidence

SOURCE = ("what", "where", "kind")
SCHEME = ("name", "about", "parts", *grammar.CLAIM)
CONFIDENCE: tuple[Confidence, ...] = ("a", "b", "c")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
NO_LETTER = "a = it stands there, b = likely, c = a guess."


# --- the keys of a text ---


def claim_of(given: Mapping[str, Pair], finds: Finds, over: Claim = NO_CLAIM) -> Claim:
    """What these keys say; a key that is not there is as in `over`, one that stands there empty says: none."""
    own = {key: given[key] for key in grammar.CLAIM if key in given}
    if not own:
        return over
    places = {key: pair.key.at for key, pair in own.items()}
    source, checked_by = over.source, over.checked_by
    if "source" in own:
        source = _rated(own["source"].value, "source", "gibb_2014: b", finds, places)
    if "checked_by" in own:
        checked_by = text(own["checked_by"].value, "checked_by", finds, empty=True)
    checked_on = _day(own["checked_on"].value, "checked_on", finds) if "checked_on" in own else over.checked_on
    expires_on = _day(own["expires_on"].value, "expires_on", finds) if "expires_on" in own else over.expires_on
    inherited = {key: at for key, at in over.places.items() if key.partition(".")[0] not in own}
    return Claim(source, checked_by, checked_on, expires_on, MappingProxyType(inherited | places))


def schemes_of(value: Node, finds: Finds) -> tuple[tuple[tuple[str, Confidence], ...], Mapping[str, At]]:
    """What stands under `prepares for`, and where. Whether there are such schemes is for the check to say."""
    places: dict[str, At] = {}
    return _rated(value, "prepares for", "craft/module 2: b", finds, places), MappingProxyType(places)


def _rated(
    value: Node, key: str, example: str, finds: Finds, places: dict[str, At]
) -> tuple[tuple[str, Confidence], ...]:
    """Lines of an id and a confidence each. `places` gets each under "key.id"."""
    if isinstance(value, Plain) and key == "source" and value.text == OWN and not value.flawed:
        places[f"{key}.{OWN}"] = value.at
        return ((OWN, "a"),)
    if isinstance(value, Plain) and value.text and not value.flawed:
        what = f'"{key}" wants lines of its own, and here stands "{shortened(value.text)}".'
        mend = f'Write below it, two spaces further right, a name and how sure it is: "{example}". {NO_LETTER}'
        finds.add(value, "wrong-type", what, mend)
        return ()
    found: dict[str, Confidence] = {}
    for line in block(value, key, example, finds):
        letter = _confidence(line, finds)
        if letter and not line.key.flawed:
            found[line.key.text] = letter
            places[f"{key}.{line.key.text}"] = line.key.at
    return tuple(found.items())


def _confidence(line: Pair, finds: Finds) -> Confidence | None:
    value = line.value
    if isinstance(value, Plain) and value.text in CONFIDENCE:
        return value.text
    if not value.flawed:
        what = f'Behind "{shortened(line.key.text)}" stands no letter that says how sure it is.'
        place = value if isinstance(value, Plain) and value.text else line.key
        finds.add(place, "wrong-confidence", what, f"Write a, b or c: {NO_LETTER}")
    return None


def _day(value: Node, key: str, finds: Finds) -> str:
    """A day as 2027-11-23; "" where none stands, and after a problem."""
    if isinstance(value, Plain) and (not value.text or value.flawed):
        return ""
    if isinstance(value, Plain) and DATE.fullmatch(value.text):
        try:
            return date.fromisoformat(value.text).isoformat()
        except ValueError:
            pass  # such as 2026-02-30
    if not value.flawed:
        found = f'"{shortened(value.text)}"' if isinstance(value, Plain) else "More than one line"
        mend = f'Write year, month and day: "{key}: 2027-11-23". Leave it empty if there is none.'
        finds.add(value, "bad-day", f'{found} under "{key}" is no day of the calendar.', mend)
    return ""


# --- the lists of sources and schemes ---


def read_sources(file: str, source: str | bytes) -> tuple[Mapping[str, Source], list[Problem]]:
    """The sources of sources.yaml by id, after those that are always known."""
    finds = Finds()
    top = top_of(file, source, "sources.yaml", finds)
    found = dict(ALWAYS)
    for line in top.pairs if top else ():
        name(line.key, finds)
        lines = block(line.value, line.key.text, "what: who wrote it, what, when", finds)
        given = known_keys(lines, SOURCE, finds)
        what, kind = (need(given, key, line.key, f'"{line.key.text}"', finds) if lines else None for key in SOURCE[::2])
        found[line.key.text] = Source(
            id=line.key.text,
            what=text(what, "what", finds) if what else "",
            where=text(given["where"].value, "where", finds, empty=True) if "where" in given else "",
            kind=_kind(line.key.text, kind, finds),
            at=line.key.at,
        )
    return MappingProxyType(found), finds.in_order()


def _kind(id: str, node: Node | None, finds: Finds) -> SourceKind:
    """The kind that is written; those that are always known keep their own."""
    said = one_of(node, "kind", SOURCE_KINDS, finds) if node else ""
    if id in ALWAYS:
        kind = ALWAYS[id].kind
        if node and said and said != kind:
            finds.add(node, "wrong-type", f'"{id}" is always of the kind "{kind}".', f'Write "kind: {kind}".')
        return kind
    return cast(SourceKind, said or "document")


def read_schemes(file: str, source: str | bytes) -> tuple[Mapping[str, Scheme], list[Problem]]:
    """The schemes of schemes.yaml by id, in the order of the file."""
    finds = Finds()
    top = top_of(file, source, "schemes.yaml", finds)
    found = {}
    for line in top.pairs if top else ():
        name(line.key, finds)
        lines = block(line.value, line.key.text, "name: CRAFT", finds)
        given = known_keys(lines, SCHEME, finds)
        shown = need(given, "name", line.key, f'"{line.key.text}"', finds) if lines else None
        found[line.key.text] = Scheme(
            id=line.key.text,
            name=text(shown, "name", finds) if shown else line.key.text,
            about=text(given["about"].value, "about", finds, empty=True) if "about" in given else "",
            parts=_parts(given, finds),
            claim=claim_of(given, finds),
            at=line.key.at,
        )
    return MappingProxyType(found), finds.in_order()


def _parts(given: Mapping[str, Pair], finds: Finds) -> Mapping[str, str]:
    if "parts" not in given:
        return MappingProxyType({})
    found = {}
    for line in block(given["parts"].value, "parts", "module 1: management system", finds):
        if "/" in line.key.text and not line.key.flawed:
            what = f'"{shortened(line.key.text)}" cannot be the name of a part: a / stands in it.'
            finds.add(line.key, "bad-id", what, "Write it without the /, which parts the scheme from its part.")
            continue
        found[line.key.text] = text(line.value, line.key.text, finds, empty=True)
    return MappingProxyType(found)
