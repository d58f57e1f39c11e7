"""What a learning path costs by SMS, language by language. Pure: content and a price in, rows out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from dialogs.content import Content
from dialogs.gsm import segment_count, septets
from dialogs.journey import Journey, Part, odd_letters

MENUS = ("lessons", "topics")  # dialogs whose choices lead to one part each
BETWEEN = ("starter",)
SERIES = ("audit",)


@dataclass(frozen=True, slots=True)
class Row:
    """One language. `parts` are the SMS by dialog or series; `missing` texts are counted as another language says
    them; `price` is None where no price is known, `of_main` the SMS against those of the source language."""

    language: str
    name: str
    screens: int
    messages: int
    segments: int
    outside: int  # messages with a letter outside GSM-7
    odd: tuple[str, ...]
    missing: int
    price: Decimal | None
    of_main: float
    parts: Mapping[str, int]


def whole_path(content: Content) -> list[str]:
    """All lessons, the starter, each topic once, the reminders of one audit: what of it there is."""
    lessons, topics = (_led_to(content, menu) for menu in MENUS)
    dialogs = [id for id in (*lessons, *BETWEEN, *topics) if id in content.dialogs]
    return list(dict.fromkeys([*dialogs, *(f"reminders/{id}" for id in SERIES if id in content.series)]))


def _led_to(content: Content, menu: str) -> list[str]:
    steps = content.dialogs[menu].steps if menu in content.dialogs else ()
    targets = [choice.go for step in steps for choice in step.choices if choice.go.startswith("/")]
    return [target[1:] for target in targets if target[1:] not in ("menu", menu)]


def unknown(content: Content, path: Sequence[str]) -> list[str]:
    """The parts of a path that do not exist."""
    return [id for id in path if id not in content.dialogs and id.removeprefix("reminders/") not in content.series]


def priced(
    content: Content, path: Sequence[str], codes: Sequence[str], price: Decimal | None, country: str = ""
) -> list[Row]:
    """A row for each language. Every part of the path must be known."""
    main = sum(_sum(part) for part in _gone(content, path, content.common.language, country))
    rows = []
    for code in codes:
        parts = _gone(content, path, code, country)
        messages = [text for part in parts for text in part.messages]
        count = sum(map(_sum, parts))
        rows.append(
            Row(
                code,
                content.languages[code].name,
                sum(part.screens for part in parts),
                len(messages),
                count,
                sum(septets(text) is None for text in messages),
                tuple(odd_letters(messages)),
                _missing(content, path, code),
                None if price is None else price * count,
                count / main if main else 1.0,
                {part.id: _sum(part) for part in parts},
            )
        )
    return rows


def _gone(content: Content, path: Sequence[str], code: str, country: str) -> list[Part]:
    journey = Journey(content, code, country)
    return [
        journey.dialog(content.dialogs[id])
        if id in content.dialogs
        else journey.series(content.series[id.removeprefix("reminders/")])
        for id in path
    ]


def _sum(part: Part) -> int:
    return sum(map(segment_count, part.messages))


def _missing(content: Content, path: Sequence[str], code: str) -> int:
    """How many texts of the path this language does not say itself."""
    if code == content.common.language:
        return 0
    entries, texts = content.languages[code].entries, []
    for id in path:
        if id in content.dialogs:
            dialog = content.dialogs[id]
            texts += [dialog.title, *(text for step in dialog.steps for text in step.texts_of())]
        else:
            texts += [moment.say for moment in content.series[id.removeprefix("reminders/")].moments]
    return sum(1 for text in texts if (entry := entries.get(text.id)) is None or not entry.says(text.source))
