"""The dates of a person that are still open: the nearest, moving one, adding one, marking one as done. Pure.

Days are texts such as `2027-03-25`: they compare as dates do.
"""

from __future__ import annotations

from dataclasses import dataclass

MOST_OPEN = 10  # of one name, where several may be kept


@dataclass(slots=True)
class OpenDate:
    """One date that is not done yet. `id` 0: not written yet. `was`: the day before it was moved just now."""

    name: str
    on: str
    id: int = 0
    was: str = ""
    changed: bool = False  # to be written, and to be looked at by the reminders
    moved: bool = False
    done: bool = False
    gone: bool = False


def still_open(dates: list[OpenDate], name: str) -> list[OpenDate]:
    """The open dates of a name, the oldest entry first."""
    return [each for each in dates if each.name == name and not (each.done or each.gone)]


def nearest(dates: list[OpenDate], name: str, today: str) -> OpenDate | None:
    """The next date of a name, today counted in; where all are past, the latest of them; None where none is open."""
    mine = still_open(dates, name)
    ahead = [each for each in mine if each.on >= today]
    return min(ahead, key=lambda each: each.on) if ahead else max(mine, key=lambda each: each.on, default=None)


def has_room(dates: list[OpenDate], name: str, today: str) -> bool:
    """True if one more date of this name can be kept: there are few, or one is past and makes room."""
    mine = still_open(dates, name)
    return len(mine) < MOST_OPEN or any(each.on < today for each in mine)


def move(dates: list[OpenDate], name: str, on: str) -> None:
    """There is one date of this name: it moves to this day, or is made."""
    mine = still_open(dates, name)
    if mine:
        _put(mine[-1], on)
    else:
        dates.append(OpenDate(name, on, changed=True, moved=True))


def add(dates: list[OpenDate], name: str, on: str, today: str) -> None:
    """One more date of this name. Where there are many already, the one that is longest past makes room."""
    mine = still_open(dates, name)
    if len(mine) < MOST_OPEN:
        dates.append(OpenDate(name, on, changed=True, moved=True))
    else:
        _put(min(mine, key=lambda each: each.on), on)


def take_back(dates: list[OpenDate], name: str, on: str) -> None:
    """The last one that was added with this day goes: the person went back to say another."""
    mine = [each for each in still_open(dates, name) if each.on == on]
    if mine:
        mine[-1].gone = mine[-1].changed = True


def finish(dates: list[OpenDate], name: str, on: str, today: str) -> None:
    """The date of this name on that day is done, which is what the person was asked about; else the nearest."""
    found = next((each for each in still_open(dates, name) if each.on == on), None) or nearest(dates, name, today)
    if found is not None:
        found.done = found.changed = True


def _put(date: OpenDate, on: str) -> None:
    if date.on != on and date.id:
        date.was = date.on
    date.on, date.changed, date.moved = on, True, True
