"""The names that may stand in braces in the texts of dialogs."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from dialogs.check.conditions import savers
from dialogs.reading.values import nearest
from dialogs.script import KNOWN_FIELDS, LINK_CODE
from dialogs.written import Written

BUILT_IN = ("points", "max", "percent", "title", "kept", LINK_CODE)


def known_names(written: Written) -> dict[str, None]:
    """What may stand in braces in the texts of dialogs."""
    return dict.fromkeys([*BUILT_IN, *written.common.facts, *savers(written), *KNOWN_FIELDS])


def which_name(name: str, known: Iterable[str], facts: Iterable[str]) -> str:
    """How to mend a name in braces: the one that was meant, else the nearest ones and the facts; never all of them."""
    if near := nearest(name, known):
        return f'Did you mean "{near}"?'
    others = ", ".join(get_close_matches(name.lower(), sorted(set(known) - set(facts)), 3, 0.0))
    named = f" Facts: {', '.join(facts)}." if [*facts] else ""
    return f"Nearest: {others}.{named}"
