"""Which reminders a date brings, and when: the calendar that planning and looking ahead share. Pure.

Days are local, moments are UTC without a zone. A person is in one place: a country and a zone, as `dialogs.hours` has
it.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from dialogs.hours import Hours
from dialogs.script import Moment, Series

HORIZON = timedelta(hours=1)  # how long before its moment a reminder is written
DAY = timedelta(days=1)
LAST_DAY = date(9999, 1, 1)  # nothing is counted beyond; room for zones and for the end of the day


class Place(NamedTuple):
    """Where somebody is."""

    country: str
    timezone: str


class Point(NamedTuple):
    """One reminder: so many days from a date. `on` is the date meant, `day` the local day on which it goes."""

    series: Series
    moment: Moment
    on: date
    day: date

    @property
    def clock(self) -> str:
        """The time of day at which it goes."""
        return self.moment.time or self.series.time

    def key(self, contact_id: int) -> str:
        """What makes it one message for one person."""
        return f"{self.series.id}:{self.moment.name}:{contact_id}:{self.on.isoformat()}"


@dataclass(frozen=True, slots=True)
class Timed:
    """A reminder where somebody is: its moment, and when that day is over there."""

    point: Point
    at: datetime
    ends: datetime

    @property
    def due_at(self) -> datetime:
        """Of two at the same moment the nearer to its date goes first."""
        return self.at + timedelta(seconds=abs(self.point.moment.days))


def concerning(series: Iterable[Series], name: str) -> list[Series]:
    """The series that count from a date of this name, or that begin at it."""
    found = [each for each in series if (each.id if each.every else each.count_from) == name and each.moments]
    return sorted(found, key=lambda each: each.id)


def points(series: Series, on: date, first: date) -> Iterator[Point]:
    """The reminders that this date brings from a day on, in order. Of a series that comes again and again: endless."""
    if series.every is None:
        meant = [(on, moment) for moment in series.moments]
        days = [(_shifted(on, moment.days), each, moment) for each, moment in meant]
        known = [(day, each, moment) for day, each, moment in days if day is not None and day >= first]
        for day, each, moment in sorted(known, key=lambda found: (found[0], found[2].time or series.time)):
            yield Point(series, moment, each, day)
        return
    count, unit = series.every
    number = _before(on, count, unit, first)
    while (occurrence := _occurrence(on, number * count, unit)) is not None:
        if occurrence >= first:
            yield Point(series, series.moments[0], occurrence, occurrence)
        number += 1


def between(series: Series, on: date, hours: Hours, place: Place, since: datetime, until: datetime) -> list[Timed]:
    """The reminders whose moment there is not before `since` and not after `until`."""
    found = []
    for point in points(series, on, _day(since) - 2 * DAY):
        if point.day > _day(until) + 2 * DAY:
            break
        timed = at_place(point, hours, place)
        if since <= timed.at <= until:
            found.append(timed)
    return found


def at_place(point: Point, hours: Hours, place: Place) -> Timed:
    """When a reminder goes there."""
    at = hours.at_local(place.country, place.timezone, point.day, point.clock)
    return Timed(point, at, hours.end_of_day(place.country, place.timezone, point.day))


def next_look(series: Iterable[Series], on: date, hours: Hours, place: Place, now: datetime) -> datetime | None:
    """When this date is to be looked at again: a while before its next reminder, and after those that may stay
    unanswered. None: never."""
    looks = [look(each, on, hours, place, now) for each in series for look in (before_next, _when_silent)]
    return min((look for look in looks if look is not None), default=None)


def before_next(series: Series, on: date, hours: Hours, place: Place, now: datetime) -> datetime | None:
    """A while before the next reminder that is not written yet; None if none is left."""
    until = now + HORIZON
    for point in points(series, on, _day(until) - 2 * DAY):
        at = at_place(point, hours, place).at
        if at > until:
            return at - HORIZON
    return None


def _when_silent(series: Series, on: date, hours: Hours, place: Place, now: datetime) -> datetime | None:
    """The night after the day after a reminder: then a whole day went by without an answer. At night, since a date that
    is looked at later on a day holds that day's broadcasts back."""
    if series.silent is None:
        return None
    for number, point in enumerate(points(series, on, date.min), 1):
        if number >= series.silent.after:
            night = hours.end_of_day(place.country, place.timezone, point.day + DAY)
            if night > now:
                return night
    return None


def _day(moment: datetime) -> date:
    return min(max(moment.date(), date.min + 4 * DAY), LAST_DAY)


def _shifted(on: date, days: int) -> date | None:
    try:
        day = on + days * DAY
    except OverflowError:
        return None
    return day if day <= LAST_DAY else None


def _occurrence(start: date, count: int, unit: str) -> date | None:
    """The day so many weeks or months after the start. Months are counted from the start, not from the last one: the
    31st is the 28th in February and the 31st again in March."""
    if unit == "weeks":
        return _shifted(start, 7 * count)
    months = start.year * 12 + start.month - 1 + count
    year, month = months // 12, months % 12 + 1
    if year > LAST_DAY.year:
        return None
    day = date(year, month, min(start.day, calendar.monthrange(year, month)[1]))
    return day if day <= LAST_DAY else None


def _before(start: date, count: int, unit: str, first: date) -> int:
    """A number of occurrences that surely lie before `first`, or none."""
    if unit == "weeks":
        return max(0, (first - start).days // (7 * count) - 1)
    return max(0, ((first.year - start.year) * 12 + first.month - start.month) // count - 1)


def periods_after(start: date, every: tuple[int, str], count: int = 1) -> date:
    """The day so many times later."""
    return _occurrence(start, every[0] * count, every[1]) or LAST_DAY
