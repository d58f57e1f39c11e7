"""What a change of the series means for dates that are there already; and dates for series that have none.

What was done is kept as one event: a digest of the series, and how far each walk has come.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, exists, func, insert, select, update

from dialogs.script import Series
from dialogs.showing import House
from dialogs.tables import Contact, Due, Field
from gateway import reminders_people as known
from gateway.calendar import periods_after
from gateway.reminders_tasks import BY
from gateway.tables import Event

WHAT = "series"
SLICE = 5_000  # dates in one transaction
PEOPLE = 500  # people in one transaction
WINDOW = 20_000  # contacts looked through for them
SETTLES = timedelta(minutes=10)  # between two changes of the content: two processes may have two of them for a while
APART = timedelta(days=7)  # between the first days of two series, so that they do not share a day
LOCK = 0x4E67617A  # PostgreSQL: one process at a time


def follow(db: Connection, now: datetime, house: House) -> int:
    """One slice of what new or changed series ask for; gives how much was looked at, 0: nothing is left to do.

    Once after a change, all open dates are looked at again. Once a day, people who want reminders get a date for each
    series that comes again and again, unless they or their group have one: it begins one period later.
    """
    series = list(house.content.series.values())
    wanted, today = digest(series), now.date().isoformat()
    if _rests(_state(db), wanted, today, now) or not _alone(db):
        return 0
    state = _state(db)  # another process may have been at work until now
    if _rests(state, wanted, today, now):
        return 0
    if state is None or state.about["digest"] != wanted:
        about: dict[str, Any] = {"digest": wanted, "dues": 0, "contacts": 0, "day": today}
        made = insert(Event).values(who=BY, what=WHAT, about=about, at=now).returning(Event.id)
        id = db.execute(made).scalar_one()
    else:
        id, about = state.id, dict(state.about)
    looked = 1
    if about["dues"] is not None:
        names = {each.id if each.every else each.count_from for each in series}
        about["dues"], looked = _again(db, about["dues"], names, now)
    else:
        if about["contacts"] is None:
            about |= {"contacts": 0, "day": today}
        about["contacts"], looked = _begin(db, house, about["contacts"], now)
    db.execute(update(Event).where(Event.id == id).values(about=about))
    return max(1, looked)


def digest(series: Iterable[Series]) -> str:
    """Two are the same if the same dates bring reminders at the same times."""
    found = [
        (each.id, each.count_from, each.every, each.silent.after if each.silent else 0,
         [(moment.name, moment.days, moment.time or each.time) for moment in each.moments])
        for each in sorted(series, key=lambda one: one.id)
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(found).encode()).hexdigest()[:32]


def _state(db: Connection) -> Row[Any] | None:
    newest = select(Event.id, Event.about, Event.at).where(Event.what == WHAT).order_by(Event.id.desc()).limit(1)
    return db.execute(newest).first()


def _rests(state: Row[Any] | None, wanted: str, today: str, now: datetime) -> bool:
    if state is None:
        return False
    about = state.about
    if about["digest"] != wanted:
        age: timedelta = now - state.at
        return timedelta(0) <= age < SETTLES
    return (about["dues"], about["contacts"], str(about["day"])) == (None, None, today)


def _alone(db: Connection) -> bool:
    if db.dialect.name == "sqlite":
        return True  # whoever writes is alone
    return bool(db.execute(select(func.pg_try_advisory_xact_lock(LOCK))).scalar())


def _again(db: Connection, after: int, names: Collection[str], now: datetime) -> tuple[int | None, int]:
    """Have the next dates of these names looked at. One that somebody changes just now is looked at anyway."""
    ids = select(Due.id).where(Due.id > after).order_by(Due.id).limit(SLICE).subquery()
    last, count = db.execute(select(func.max(ids.c.id), func.count())).one()
    if last is None:
        return None, 0
    late = Due.next_at.is_(None) | (Due.next_at > now)  # what was to be looked at already stays as it is
    found = select(Due.id).where(
        Due.id > after, Due.id <= last, Due.done_at.is_(None), Due.name.in_(sorted(names)), late
    )
    chosen = found.order_by(Due.id).with_for_update(skip_locked=True).scalar_subquery()
    db.execute(update(Due).where(Due.id.in_(chosen)).values(next_at=now))
    return (last if count == SLICE else None), count


def _begin(db: Connection, house: House, after: int, now: datetime) -> tuple[int | None, int]:
    """Give the next people a date for each series that comes again and again, where they have none."""
    again = sorted((each for each in house.content.series.values() if each.every), key=lambda one: one.id)
    last = db.execute(select(func.max(Contact.id))).scalar() or 0
    if not again or after >= last:
        return None, 0
    wants = exists().where(Field.contact_id == Contact.id, Field.name == "reminders", Field.value == "yes")
    wanted = select(Contact.id).where(Contact.id > after, Contact.id <= after + WINDOW, wants)
    wanted = wanted.where(Contact.stopped_at.is_(None))
    ids = list(db.execute(wanted.order_by(Contact.id).limit(PEOPLE)).scalars())
    persons = known.people(db, ids, known.condition_names(again))
    names = {each.id for each in again}
    have = {(id, due.name) for id, due in known.of_groups(db, ids, names)}
    old = select(Due.contact_id, Due.name).where(Due.contact_id.in_(ids), Due.name.in_(sorted(names)))
    have |= {(row.contact_id, row.name) for row in db.execute(old)}  # one that is done too: it was ended
    rows = [
        {"contact_id": id, "name": each.id, "on": first_day(each, number, now.date()), "set_at": now, "next_at": now}
        for id, person in persons.items()
        for number, each in enumerate(again)
        if (id, each.id) not in have and not person.against(each, house)
    ]
    if rows:
        db.execute(insert(Due), rows)
    reached = ids[-1] if len(ids) == PEOPLE else after + WINDOW
    return (reached if reached < last else None), len(ids)


def first_day(series: Series, number: int, today: date) -> date:
    """When a series begins for somebody who just agreed: one period later, each series in a week of its own."""
    return periods_after(today, series.every or (1, "months")) + number * APART
