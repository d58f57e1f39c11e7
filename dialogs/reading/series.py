"""Reads a reminder series: what is sent when, to whom, and what happens when nothing is heard."""

from __future__ import annotations

import re
from collections.abc import Mapping

from dialogs.problem import At, Problem
from dialogs.reading import grammar
from dialogs.reading.claims import claim_of
from dialogs.reading.plain_yaml import Node, Pair, Pairs, Plain
from dialogs.reading.top import id_of, text_as, title_of, top_of
from dialogs.reading.values import Finds, block, conditions, known_keys, name_in, need, text, wrong_type
from dialogs.script import Moment, Series, Silence, Text

ON_THE_DAY = "on the day"
MOMENT = re.compile(r"([1-9][0-9]{0,2}) (day|week)s? (before|after)")
EVERY = re.compile(r"([1-9][0-9]?) (week|month)s?")
TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
USUAL_TIME = "16:30"


def read_series(file: str, source: str | bytes) -> tuple[Series, list[Problem]]:
    """The reminder series of a file; `broken` if it sends nothing that can be read."""
    finds = Finds()
    id = id_of(file, finds)
    top = top_of(file, source, "A reminder series", finds)
    given = known_keys(top.pairs, grammar.SERIES, finds) if top else {}
    note = text(given["note"].value, "note", finds) if "note" in given else ""
    title = title_of(given, top, Text(f"reminder/{id}:title", id, At(file)), "This series", finds)
    send = need(given, "send", top, "This series", finds) if top else None
    again = "every" in given and "count from" not in given
    moments = _moments(id, send, again, note, finds) if send else ()
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
        every=_every(given, finds) if again else None,
        time=_time(given, finds) or USUAL_TIME,
        broken=not moments,
        conditions=conditions(given["only if"].value, finds) if "only if" in given else (),
        silent=_silent(id, given["silent"], len(moments), again, note, finds) if "silent" in given else None,
        claim=claim_of(given, finds),
    )
    return series, finds.in_order()


def _moments(series: str, send: Node, again: bool, note: str, finds: Finds) -> tuple[Moment, ...]:
    found: list[Moment] = []
    for line in block(send, "send", f"{ON_THE_DAY}: …" if again else "7 days before: …", finds):
        moment = _moment(series, line, note, finds)
        if moment is None:
            continue
        if again and moment.days:
            what = f'With "every" there is no date to count to, so "{moment.name}" has no meaning.'
            finds.add(line.key, "wrong-type", what, f'Write "{ON_THE_DAY}": it is the only line there.')
            continue
        if same := next((one for one in found if one.days == moment.days), None):
            what = f'"{moment.name}" is the same day as "{same.name}" in line {same.at.line}.'
            finds.add(line.key, "twice", what, "Delete one of them.")
        found.append(moment)
    return tuple(found)


def _moment(series: str, line: Pair, note: str, finds: Finds) -> Moment | None:
    match = MOMENT.fullmatch(line.key.text)
    if match is None and line.key.text != ON_THE_DAY:
        mend = f'Write it like "30 days before", "2 weeks after" or "{ON_THE_DAY}".'
        if not line.key.flawed:
            finds.add(line.key, "wrong-type", f'"{line.key.text}" is no moment that can be counted to.', mend)
        return None
    days = 0
    if match:
        days = int(match[1]) * (7 if match[2] == "week" else 1) * (-1 if match[3] == "before" else 1)
    id, said, opened, time = f"reminder/{series}:{line.key.text}", line.value, None, ""
    if isinstance(line.value, Pairs):
        given = known_keys(line.value.pairs, grammar.MOMENT, finds)
        found = need(given, "say", line.key, "This moment", finds)
        said = found if found is not None else Plain("", line.key.at, flawed=True)
        if "open" in given and text(given["open"].value, "open", finds):
            opened = text_as(f"{id}.open", given["open"].value, note)
        time = _time(given, finds)
    text(said, line.key.text, finds)
    return Moment(line.key.text, days, text_as(id, said, note), opened, line.key.at, time)


def _silent(series: str, line: Pair, moments: int, again: bool, note: str, finds: Finds) -> Silence | None:
    """Whom nothing is heard from, and what their officer gets; None after a problem."""
    if again:
        mend = 'Delete "silent", or count from a date.'
        finds.add(line.key, "unknown-key", '"silent" cannot stand beside "every".', mend)
        return None
    given = known_keys(block(line.value, "silent", "after: 2", finds), grammar.SILENT, finds)
    if not isinstance(line.value, Pairs):
        return None
    after, officer = (need(given, key, line.key, "This block", finds) for key in grammar.SILENT)
    count = _after(after, moments, finds) if after else None
    if officer is None or not text(officer, "officer", finds) or count is None:
        return None
    return Silence(count, text_as(f"reminder/{series}:officer", officer, note), line.key.at)


def _after(value: Node, moments: int, finds: Finds) -> int | None:
    if not isinstance(value, Plain) or not re.fullmatch(r"[1-9]", value.text):
        mend = 'Write how many reminders nothing was heard to, in a digit: "after: 2"'
        wrong_type(value, "after", "a number from 1 to 9", mend, finds)
        return None
    if 0 < moments < int(value.text):
        what = f"This series sends {moments} for one date, so nobody can be silent to {value.text} of them."
        finds.add(value, "wrong-type", what, f"Write {moments} or less.")
        return None
    return int(value.text)


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
    """The time of day under `at`; "" without one, and after a problem."""
    if "at" not in given:
        return ""
    value = given["at"].value
    if isinstance(value, Plain) and TIME.fullmatch(value.text):
        return value.text
    wrong_type(value, "at", "a time of day", 'Write hours and minutes, like "16:30" or "08:00".', finds)
    return ""
