"""The hours in which people may be written to, in their own zone: by country, as content/hours.yaml says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from types import MappingProxyType
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Window = tuple[time, time]
"""From and to; the end does not belong to it. An end of 00:00 is the midnight that ends the day."""

NEVER = datetime.max  # noqa: DTZ901  UTC without a zone, as all moments here
FAR = timedelta(days=366)  # no run of rest days and holidays is longer
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, eq=False)
class Country:
    """When people in one country may be written to. `windows` has all seven weekdays, 0 = Monday; None = not at all.

    `zones` are IANA names, the first one counts for dates. `source` and `checked_on` say where the hours come from.
    """

    code: str
    zones: tuple[str, ...]
    windows: Mapping[int, Window | None]
    holidays: frozenset[date] = frozenset()
    source: str = ""
    checked_on: date = date(2026, 11, 22)
    note: str = ""

    def opens(self, wall: datetime) -> datetime | None:
        """The first allowed moment from this one on, both as the clock on the wall shows them; None if there is none
        within a year."""
        for ahead in range(FAR.days):
            day = wall.date() + timedelta(days=ahead)
            window = None if day in self.holidays else self.windows.get(day.weekday())
            if window is None:
                continue
            start, end = datetime.combine(day, window[0]), datetime.combine(day, window[1])
            if wall < (end if window[1] > time.min else end + DAY):
                return max(start, wall)
        return None


@dataclass(frozen=True, slots=True, eq=False)
class Hours:
    """The hours of every country, and those that hold `otherwise`. Moments are UTC without a zone, dates are local.

    `timezone` is the zone of a person, "" or not known = none: then the zones of the country count, all of them.
    """

    countries: Mapping[str, Country]
    otherwise: Country

    def zones(self, country: str, timezone: str) -> tuple[str, ...]:
        """The zones in which this person may be; at least one."""
        return (timezone,) if timezone and zone(timezone) else self._of(country).zones

    def next_allowed(self, country: str, timezone: str, at: datetime) -> datetime:
        """`at` if a message may go then, else the first moment at which it may; NEVER if that is not within a year.
        A person who may be in several zones is written to only while it is allowed in all of them."""
        minute = at.replace(second=0, microsecond=0)  # hours and clocks change on whole minutes
        return max(at, _next_allowed(self._of(country), self.zones(country, timezone), minute))

    def local_day(self, country: str, timezone: str, at: datetime) -> date:
        """The date that people there have at this moment."""
        return _wall(self._clock(country, timezone), at).date()

    def at_local(self, country: str, timezone: str, day: date, clock: str) -> datetime:
        """The moment at which clocks there show this time, such as "16:30", on this day. Where it comes twice, the
        first; where the clock jumps over it, as long after the jump as it would have been (RFC 5545, 3.3.5)."""
        there = datetime.combine(day, time.fromisoformat(clock), self._clock(country, timezone))
        return there.astimezone(UTC).replace(tzinfo=None)

    def end_of_day(self, country: str, timezone: str, day: date) -> datetime:
        """The moment at which this day is over there and the next one begins."""
        return self.at_local(country, timezone, day + DAY, "00:00")

    def _of(self, country: str) -> Country:
        return self.countries.get(country, self.otherwise)

    def _clock(self, country: str, timezone: str) -> ZoneInfo:
        return _known(self.zones(country, timezone)[0])


CAREFUL = Hours(
    MappingProxyType({}),
    Country(
        "",
        ("Africa/Abidjan", "Africa/Nairobi"),  # from the west to the east of Africa: 08:00 to 16:00 UTC
        MappingProxyType({day: None if day == 6 else (time(8), time(19)) for day in range(7)}),
        source="careful default",
    ),
)
"""What holds where no file says anything."""


@lru_cache(maxsize=2048)
def zone(name: str) -> ZoneInfo | None:
    """The zone of this IANA name, or None if there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: "Africa" is a folder
        return None


def _known(name: str) -> ZoneInfo:
    return zone(name) or ZoneInfo("UTC")


@lru_cache(maxsize=16384)
def _next_allowed(rules: Country, zones: tuple[str, ...], at: datetime) -> datetime:
    """The first moment from `at` on that is allowed in all of these zones."""
    moment, last = at, at + FAR
    while moment <= last:
        found = moment
        for name in zones:
            found = _next_in(rules, _known(name), found) if found < NEVER else NEVER
        if found == moment:
            return found
        moment = found
    return NEVER


def _next_in(rules: Country, clock: ZoneInfo, at: datetime) -> datetime:
    """The same for one zone. Between two changes of its clock, time on the wall runs as UTC does."""
    while True:
        wall = _wall(clock, at)
        opens = rules.opens(wall)
        if opens is None or opens == wall:
            return at if opens else NEVER
        then = at + (opens - wall)
        turned = _turn(clock, at, then)
        if turned is None:
            return then
        at = turned


def _turn(clock: ZoneInfo, after: datetime, until: datetime) -> datetime | None:
    """The first moment after `after`, and not after `until`, at which the clock was put forward or back."""
    before = _wall(clock, after) - after
    while after < until:
        step = min(after + DAY, until)  # no zone changes its clock twice in a day
        if _wall(clock, step) - step != before:
            while step - after > SECOND:
                middle = after + (step - after) // SECOND // 2 * SECOND
                if _wall(clock, middle) - middle == before:
                    after = middle
                else:
                    step = middle
            return step
        after = step
    return None


def _wall(clock: ZoneInfo, at: datetime) -> datetime:
    """What the clock on the wall shows at a moment."""
    return clock.fromutc(at.replace(tzinfo=clock)).replace(tzinfo=None)
