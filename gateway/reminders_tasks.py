"""Which dates are to be looked at now, and how far one of a big group has come.

A date of a person is looked at in one go. That of a group may concern thousands: its members are gone through by id,
and the place is kept as an event, committed with what was written. It is taken up there after any break.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from dialogs.statements import INT, TIME, ids_of, rows_of, table, when
from dialogs.tables import Contact, Due
from gateway import reminders_people as known
from gateway.reminders_people import DATED, Dated
from gateway.tables import Event

PLACE = "reminders of a group"  # `event.what` of a place kept
BY = "ngazi"


@dataclass(slots=True)
class Task:
    """A date with the people to look at now. `next` is the earliest moment to look at it again, found so far."""

    due: Dated
    contact_ids: list[int]
    whole: bool = True  # nobody is left after these
    next: datetime | None = None
    event_id: int = 0
    revision: str = ""

    def look_again(self, at: datetime | None) -> None:
        """It is to be looked at again at this moment, or before."""
        if at is not None and (self.next is None or at < self.next):
            self.next = at


def take(db: Connection, now: datetime, most: int, revision: str) -> list[Task]:
    """The next dates to look at, locked; with `most` people in all. What another process has locked is left alone."""
    wanted = select(Due.id, Due.contact_id).where(Due.next_at <= now).order_by(Due.next_at, Due.id).limit(most)
    near = db.execute(wanted).all()
    if not near:
        return []
    # People before dates, as everywhere: whoever erases a person waits for us or is passed over.
    dialect = db.dialect.name
    owners = select(Contact.id).where(Contact.id.in_(ids_of(dialect))).order_by(Contact.id)
    listed = json.dumps([row.contact_id for row in near if row.contact_id is not None])
    there = set(
        db.execute(owners.with_for_update(read=True, key_share=True, skip_locked=True), {"ids": listed}).scalars()
    )
    mine = json.dumps([row.id for row in near if row.contact_id is None or row.contact_id in there])
    dues = select(*DATED).where(Due.id.in_(ids_of(dialect)), Due.next_at <= now).order_by(Due.next_at, Due.id)
    locked = [Dated(*row) for row in db.execute(dues.with_for_update(skip_locked=True), {"ids": mine})]
    places = _places(db) if any(due.group_id is not None for due in locked) else {}
    found: list[Task] = []
    room = most
    for due in locked:
        if room <= 0:
            break
        task = _task(db, due, places.get(due.id), room, revision)
        room -= max(1, len(task.contact_ids))
        found.append(task)
    return found


def _task(db: Connection, due: Dated, place: tuple[int, dict[str, Any]] | None, room: int, revision: str) -> Task:
    if due.contact_id is not None:
        return Task(due, [] if due.done_at else [due.contact_id], revision=revision)
    if due.done_at is not None or due.group_id is None:
        return Task(due, [], event_id=place[0] if place else 0)
    id, about = place or (0, {})
    after, later = 0, None
    if about.get("of") == _stamp(due, revision):  # else the date or the content changed: everybody once more
        after, later = about["after"], about["next"]
    ids = known.members(db, due.group_id, after, room)
    return Task(due, ids, len(ids) < room, datetime.fromisoformat(later) if later else None, id, revision)


def _stamp(due: Dated, revision: str) -> list[str | None]:
    return [due.on.isoformat(), when(due.set_at), when(due.next_at), revision]


def settle(db: Connection, tasks: Sequence[Task]) -> None:
    """Write when each date is to be looked at again, or how far it has come."""
    rows = [
        {"id": task.due.id, "next_at": None if task.due.done_at else when(task.next)} for task in tasks if task.whole
    ]
    if rows:
        due, given = table(Due), rows_of(db.dialect.name, {"id": INT, "next_at": TIME})
        again = update(due).where(due.c.id == given.c.id).values(next_at=given.c.next_at)
        db.execute(again, {"rows": json.dumps(rows)})
    for task in tasks:
        if task.whole:
            if task.event_id:
                db.execute(delete(Event).where(Event.id == task.event_id))
            continue
        about = {"due": task.due.id, "of": _stamp(task.due, task.revision), "after": task.contact_ids[-1],
                 "next": when(task.next)}  # fmt: skip
        if task.event_id:
            db.execute(update(Event).where(Event.id == task.event_id).values(about=about))
        else:
            db.execute(insert(Event).values(who=BY, what=PLACE, about=about, at=task.due.next_at))


def _places(db: Connection) -> dict[int, tuple[int, dict[str, Any]]]:
    rows = db.execute(select(Event.id, Event.about).where(Event.what == PLACE))
    return {about["due"]: (id, about) for id, about in rows}
