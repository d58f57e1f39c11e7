"""Fields picked out of what a company sends or answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gateway.forms import Form
from gateway.providers.generic.layout import Fields


def first(fields: Mapping[str, str], names: Fields) -> str:
    """What the first of these fields holds that holds something."""
    return next((fields[name] for name in names if fields.get(name)), "")


def items(fields: Mapping[str, str], place: str) -> Iterator[Form]:
    """The items of the list at this place, with their own names: `results.0.id` is `id` of the first in `results`."""
    found: dict[str, list[tuple[str, str]]] = {}
    start = f"{place}."
    for name, value in fields.items():
        if name.startswith(start):
            number, _, rest = name[len(start) :].partition(".")
            found.setdefault(number, []).append((rest, value))
    yield from map(Form, found.values())
