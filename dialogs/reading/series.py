"""Reads a reminder series: what is sent how many days before or after a date."""

from __future__ import annotations

import re
from collections.abc import Mapping

from dialogs.problem import At, Problem
from dialogs.reading import grammar
from dialogs.reading.plain_yaml import Node, Pair, Pairs, Plain
from dialogs.reading.top import id_of, text_as, title_of, top_of
from dialogs.reading.values import Finds, block, known_keys, name_in, need, text, wrong_type
from dialogs.script import Moment, Series, Text

MOMENT = re.compile(r"([1-9][0-9]{0,2}) (day|week)s? (before|after)")
EVERY = re.compile(r"([1-9][0-9]?) (week|month)s?")
TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


def read_series(file: str, source: str | bytes) -> tuple[Series, list[Problem]]:
    """The reminder series of a file; `broken` if it sends nothing that can be read."""
    finds = Finds()
    id = id_of(file, finds)
    top = top_of(file, source, "A reminder series", finds)
    given = known_keys(top.pairs, grammar.SERIES, finds) if top else {}
    title = title_of(given, top, Text(f"reminder/{id}:title", id, At(file)), "This series", finds)
    send = need(given, "send", top, "This series", finds) if top else None
    moments = _moments(id, send, finds) if send else ()
    count_from = name_in(given["count from"].value, "count from", finds) if "count from" in given else ""
    if top and "count from" not in given and "every" not in given:
        mend = 'Add "count from: audit_date" or "every: 2 weeks".'
        finds.add(top, "missing-key", 'This series has no "count from" and no "every".', mend)
    if "count from" in given and "every" in given:
        mend = "Delete one of them: a series counts from a date, or comes again and again."
        finds.add(given["every"].key, "unknown-key", '"every" cannot stand beside "count from".', mend)
    series = Series(
        id=id,
        title=title,
        moments=moments,
        at=At(file),
        count_from=count_from,
        every=None if "count from" in given else _every(given, finds),
        time=_time(given, finds),
        broken=not moments,
    )
    return series, finds.in_order()


def _moments(series: str, send: Node, finds: Finds) -> tuple[Moment, ...]:
    found: list[Moment] = []
    for line in block(send, "send", "7 days before: …", finds):
        moment = _moment(series, line, finds)
        if moment is None:
            continue
        if same := next((one for one in found if one.days == moment.days), None):
            what = f'"{moment.name}" is the same day as "{same.name}" in line {same.at.line}.'
            finds.add(line.key, "twice", what, "Delete one of them.")
        found.append(moment)
    return tuple(found)


def _moment(series: str, line: Pair, finds: Finds) -> Moment | None:
    match = MOMENT.fullmatch(line.key.text)
    if match is None and line.key.text != "on the day":
        mend = 'Write it like "30 days before", "2 weeks after" or "on the day".'
        if not line.key.flawed:
            finds.add(line.key, "wrong-type", f'"{line.key.text}" is no moment that can be counted to.', mend)
        return None
    days = 0
    if match:
        days = int(match[1]) * (7 if match[2] == "week" else 1) * (-1 if match[3] == "before" else 1)
    id, said, opened = f"reminder/{series}:{line.key.text}", line.value, None
    if isinstance(line.value, Pairs):
        given = known_keys(line.value.pairs, grammar.MOMENT, finds)
        found = need(given, "say", line.key, "This moment", finds)
        said = found if found is not None else Plain("", line.key.at, flawed=True)
        if "open" in given and text(given["open"].value, "open", finds):
            opened = text_as(f"{id}.open", given["open"].value)
    text(said, line.key.text, finds)
    return Moment(line.key.text, days, text_as(id, said), opened, line.key.at)


def _every(given: Mapping[str, Pair], finds: Finds) -> tuple[int, str] | None:
    if "every" not in given:
        return None
    value = given["every"].value
    match = EVERY.fullmatch(value.text) if isinstance(value, Plain) else None
    if match is None:
        mend = 'Write it like "2 weeks" or "3 months".'
        wrong_type(value, "every", "a number of weeks or months", mend, finds)
    return (int(match[1]), f"{match[2]}s") if match else None


def _time(given: Mapping[str, Pair], finds: Finds) -> str:
    if "at" not in given:
        return "16:30"
    value = given["at"].value
    if isinstance(value, Plain) and TIME.fullmatch(value.text):
        return value.text
    wrong_type(value, "at", "a time of day", 'Write hours and minutes, like "16:30" or "08:00".', finds)
    return "16:30"
