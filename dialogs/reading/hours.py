"""Reads hours.yaml: when people may be written to, by country, with the source of each rule."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time
from types import MappingProxyType

from dialogs.hours import CAREFUL, NEVER, Country, Hours, Window, zone
from dialogs.problem import Problem
from dialogs.reading import grammar
from dialogs.reading.plain_yaml import Node, Pair, Plain
from dialogs.reading.top import top_of
from dialogs.reading.values import Finds, block, known_keys, nearest, need, text, texts, wrong_type
from dialogs.reading.yaml_lines import shortened
from dialogs.reading.zones import countries, zones_of_countries

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
KEYS = ("zones", "weekdays", *DAYS, "holidays", "source", "checked_on", "note")
WINDOW = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9]) ?[-–] ?(?:([01]?[0-9]|2[0-3]):([0-5][0-9])|24:00)")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
ANY_DAY = datetime(2026, 1, 1)  # noqa: DTZ001  UTC without a zone; a country is never open from here on, or not at all


def read_hours(file: str, source: str | bytes) -> tuple[Hours, list[Problem]]:
    """The hours of every country in a file; what cannot be read is as `CAREFUL` says."""
    finds = Finds()
    top = top_of(file, source, "hours.yaml", finds)
    lines = {line.key.text: line for line in top.pairs} if top else {}
    otherwise = CAREFUL.otherwise
    if grammar.OTHERWISE in lines:
        otherwise = _country(lines.pop(grammar.OTHERWISE), "", otherwise, finds)
    found = {}
    for code, line in lines.items():
        if code not in countries():
            _no_country(line.key, finds)
        found[code] = _country(line, code, otherwise, finds)
    return Hours(MappingProxyType(found), otherwise), finds.in_order()


def _no_country(key: Plain, finds: Finds) -> None:
    if key.flawed:
        return
    names = {name.casefold(): code for code, name in countries().items()}
    near = next((code for code in (key.text.upper(), names.get(key.text.casefold(), "")) if code in countries()), "")
    if not near and nearest(key.text, (grammar.OTHERWISE,)):
        near = grammar.OTHERWISE
    mend = f'Did you mean "{near}"?' if near else 'Write the two capital letters of the country, like "KE".'
    finds.add(key, "unknown-country", f'"{shortened(key.text)}" is no country.', mend)


def _country(line: Pair, code: str, otherwise: Country, finds: Finds) -> Country:
    """What stands under a country; days that it does not name are as everywhere."""
    before = len(finds.problems)
    lines = block(line.value, line.key.text, "zones: Africa/Nairobi", finds)
    given = known_keys(lines, KEYS, finds)
    if lines:
        need(given, "zones", line.key, f'"{line.key.text}"', finds)
        for key in ("source", "checked_on"):
            if key not in given:
                mend = 'Add "source:" with where the rule stands, and "checked_on:" with the date when you looked.'
                finds.add(line.key, "no-source", f'"{line.key.text}" has no "{key}".', mend)
    country = Country(
        code=code,
        zones=(_zones(given["zones"].value, code, finds) if "zones" in given else ()) or otherwise.zones,
        windows=_windows(given, otherwise.windows, finds),
        holidays=_holidays(given, otherwise.holidays, finds),
        source=text(given["source"].value, "source", finds) if "source" in given else "",
        checked_on=_checked_on(given, otherwise.checked_on, finds),
        note=text(given["note"].value, "note", finds, empty=True) if "note" in given else "",
    )
    if len(finds.problems) == before and Hours({}, country).next_allowed("", "", ANY_DAY) == NEVER:
        one, many = "Give at least one day hours, like 08:00-19:00.", "Make the hours longer, or list fewer zones."
        why = "is no hour in which a message may be sent"
        if len(country.zones) > 1 and any(country.windows.values()):
            why, one = f"{why} in all its zones", many
        finds.add(line.key, "no-hours", f'Under "{line.key.text}" there {why}.', one)
    return country


# --- zones ---


def _zones(node: Node, code: str, finds: Finds) -> tuple[str, ...]:
    return tuple(dict.fromkeys(plain.text for plain in texts(node, "zones", finds) if _is_zone(plain, code, finds)))


def _is_zone(plain: Plain, code: str, finds: Finds) -> bool:
    if plain.flawed:
        return False
    every = zones_of_countries()
    if zone(plain.text) is None:
        names = {name.lower(): name for names in every.values() for name in names}
        near = names.get(nearest(plain.text.replace(" ", "_"), names), "")
        mend = f'Did you mean "{near}"?' if near else 'Write it like "Africa/Nairobi".'
        if not near and code in every:
            mend = f"There are: {', '.join(every[code])}."
        finds.add(plain, "unknown-zone", f'There is no time zone "{shortened(plain.text)}".', mend)
        return False
    owners = [owner for owner, names in every.items() if plain.text in names]
    if owners and code in every and code not in owners:
        what = f"{plain.text} is the time of {countries()[owners[0]]}, not of {countries()[code]}."
        finds.add(plain, "other-zone", what, f"{code} has: {', '.join(every[code])}.", "warning")
    return True


# --- days ---


def _windows(
    given: Mapping[str, Pair], otherwise: Mapping[int, Window | None], finds: Finds
) -> Mapping[int, Window | None]:
    """The hours of each day: its own line, else that of all weekdays, else as everywhere."""
    read = {key: _window(given[key].value, key, finds) for key in ("weekdays", *DAYS) if key in given}
    found = {}
    for day, key in enumerate(DAYS):
        named = key if key in read else "weekdays" if day < 5 else ""
        found[day] = read[named] if named in read else otherwise.get(day)
    return MappingProxyType(found)


def _window(node: Node, key: str, finds: Finds) -> Window | None:
    """From and to, or None for a day without messages and after a problem."""
    written = text(node, key, finds)
    if not written or node.flawed or written == "none":
        return None
    match = WINDOW.fullmatch(written)
    if match is None:
        mend = 'Write it like "08:00-19:00", or "none" for a day without messages.'
        finds.add(node, "bad-hours", f'"{shortened(written)}" cannot be read as hours.', mend)
        return None
    start, end = time(int(match[1]), int(match[2])), time(int(match[3] or 0), int(match[4] or 0))
    if match[3] and end <= start:
        what = f'"{shortened(written)}" ends before it begins.'
        mend = "Write the earlier time first; midnight at the end of the day is 24:00."
        finds.add(node, "bad-hours", what, mend)
        return None
    return start, end


# --- dates ---


def _holidays(given: Mapping[str, Pair], otherwise: frozenset[date], finds: Finds) -> frozenset[date]:
    if "holidays" not in given:
        return otherwise
    value = given["holidays"].value
    if isinstance(value, Plain) and not value.text:
        return frozenset()
    days = (_date(plain, "holidays", finds) for plain in texts(value, "holidays", finds))
    return frozenset(day for day in days if day is not None)


def _checked_on(given: Mapping[str, Pair], otherwise: date, finds: Finds) -> date:
    return (_date(given["checked_on"].value, "checked_on", finds) if "checked_on" in given else None) or otherwise


def _date(node: Node, key: str, finds: Finds) -> date | None:
    if isinstance(node, Plain) and DATE.fullmatch(node.text):
        try:
            return date.fromisoformat(node.text)
        except ValueError:
            pass  # such as 2026-02-30
    wrong_type(node, key, "a date", 'Write year, month and day: "2026-12-25"', finds)
    return None
