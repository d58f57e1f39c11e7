"""Dates that reminders count from, set by staff: of a person or of a group."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ColumnElement, Connection, insert, select, update

from dialogs.tables import Due


def set_date(
    db: Connection,
    name: str,
    on: date,
    now: datetime,
    *,
    contact_id: int | None = None,
    group_id: int | None = None,
    several: bool = False,
) -> None:
    """Move the newest open date of this name, or enter it; `several`: enter one more. Reminders are planned anew."""
    mine = _owned(name, contact_id, group_id)
    open_ = db.execute(
        select(Due.id, Due.on).where(mine, Due.done_at.is_(None)).order_by(Due.id.desc()).with_for_update()
    ).all()
    if any(row.on == on for row in open_[: None if several else 1]):
        return
    if several or not open_:
        row = {"contact_id": contact_id, "group_id": group_id, "name": name, "on": on, "set_at": now, "next_at": now}
        db.execute(insert(Due).values(row))
    else:
        moved = {"on": on, "was": open_[0].on, "set_at": now, "next_at": now}
        db.execute(update(Due).where(Due.id == open_[0].id).values(moved))


def finish(
    db: Connection,
    name: str,
    now: datetime,
    *,
    on: date | None = None,
    contact_id: int | None = None,
    group_id: int | None = None,
) -> int:
    """Mark the open dates of this name (those on one day, if it is said) as done; gives how many there were."""
    open_ = update(Due).where(_owned(name, contact_id, group_id), Due.done_at.is_(None))
    if on is not None:
        open_ = open_.where(Due.on == on)
    return db.execute(open_.values(done_at=now, next_at=None)).rowcount


def _owned(name: str, contact_id: int | None, group_id: int | None) -> ColumnElement[bool]:
    owner = Due.contact_id == contact_id if contact_id is not None else Due.group_id == group_id
    return (Due.name == name) & owner
