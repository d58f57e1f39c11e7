"""The text of a broadcast or a reminder for one person, made when it is about to go: in their language, their words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dialogs.content import Content
from dialogs.script import Moment, Series
from dialogs.showing import House
from gateway import wording


@dataclass(frozen=True, slots=True)
class Reader:
    """What a text needs to know of the person who will read it. Only `private` phones get open words."""

    language: str = ""
    country: str = ""
    private: bool = False
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Rendered:
    """A text, ready to be sent, and the language it is in."""

    language: str
    text: str = field(repr=False)


def of_broadcast(house: House, texts: Mapping[str, str], reader: Reader) -> Rendered:
    """A broadcast as this person reads it. Raises wording.Missing."""
    language, text = wording.spoken(texts, house.content, reader.language)
    values = house.outside(reader.country) | {name: value for name, value in reader.fields.items() if value}
    return Rendered(language, wording.filled(house.content, language, text, dated(house.content, language, values)))


def of_reminder(house: House, series: Series, moment: Moment, on: str, reader: Reader) -> Rendered:
    """A reminder as this person reads it; `on` is the date it counts from. Raises wording.Missing."""
    id = moment.open.id if moment.open is not None and reader.private else moment.say.id
    return of_series(house, series, id, on, reader)


def of_series(house: House, series: Series, id: str, on: str, reader: Reader) -> Rendered:
    """Any text of a series by its id. Raises wording.Missing, KeyError for an id that is not there any more."""
    language = house.language(reader.language).code
    values = house.outside(reader.country) | dict(reader.fields)
    if series.count_from:
        values[series.count_from] = on
    text = house.content.text(id, language)
    return Rendered(language, wording.filled(house.content, language, text, dated(house.content, language, values)))


def dated(content: Content, language: str, values: Mapping[str, str]) -> dict[str, str]:
    """The values with `2027-03-25` as `25 Mar 2027`, with the language's own short months."""
    return {name: in_words(content, language, value) for name, value in values.items()}


def in_words(content: Content, language: str, value: str) -> str:
    """A date in words; anything else as it is."""
    if len(value) != 10 or value[4] != "-" or value[7] != "-" or not value.replace("-", "").isdigit():
        return value
    year, month, day = value.split("-")
    months = content.text("common:months", language).split()
    return f"{int(day)} {months[int(month) - 1]} {year}" if len(months) == 12 and 0 < int(month) < 13 else value
