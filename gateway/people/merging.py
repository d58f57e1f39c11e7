"""Two contacts that are one person become one: nothing that was answered is lost, and a STOP holds.

What both have, the first one's counts, except that the more careful word wins: STOP, a no to messages, a phone that
others use. Of two open runs of one dialog the one used last stays open; the other is closed as it stands, with all its
answers. Tallies stay: they count answers, not people.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select, update

from dialogs import merging
from dialogs.merging import JOINED
from dialogs.seal import Seal
from dialogs.tables import Contact, Due, Field, Run
from gateway.people.changing import keep_number
from gateway.people.entering import STEERS, is_consent
from gateway.people.finding import NotFound

__all__ = ["JOINED", "SamePerson", "merge"]


class SamePerson(Exception):
    """Both are one contact already."""


def merge(db: Connection, seal: Seal, first: int, second: int, now: datetime) -> None:
    """Make the second contact part of the first. Raises NotFound, SamePerson."""
    if first == second:
        raise SamePerson
    try:
        one, two = merging.lock(db, first, second)
    except merging.NotThere:
        raise NotFound from None
    stops = [row.stopped_at for row in (one, two) if row.stopped_at is not None]
    merging.move_addresses(db, seal, first, second, stopped=bool(stops))
    merging.join_fields(db, seal, first, second, lambda name, value: is_consent(name) and value == "no")
    _join_dates(db, first, second)
    merging.join_members(db, first, second)
    _join_runs(db, first, second)
    merging.join_sessions(db, first, second)
    merging.join_messages(db, first, second, now)
    merging.take_the_rest(db, first, second)
    db.execute(update(Contact).where(Contact.id == first).values(_joined(one, two, min(stops, default=None))))
    refused = select(Field.name).where(Field.contact_id == first, Field.name.in_(STEERS), Field.value == "no")
    if db.execute(refused.limit(1)).first() is not None:
        keep_number(db, seal, first)  # one of the two said no, and nothing else is wanted: then no number is kept


def _joined(one: Any, two: Any, stopped_at: datetime | None) -> dict[str, Any]:
    agreed = [row.consent_at for row in (one, two) if row.consent_at is not None]
    private = [row.private_phone for row in (one, two) if row.private_phone is not None]
    return {
        "language": one.language or two.language,
        "country": one.country or two.country,
        "timezone": one.timezone or two.timezone,
        "consent_at": min(agreed, default=None),
        "stopped_at": stopped_at,
        "private_phone": all(private) if private else None,
        "created_at": min(one.created_at, two.created_at),
        "seen_at": max(one.seen_at, two.seen_at),
    }


def _join_dates(db: Connection, first: int, second: int) -> None:
    """The first one's open date of a name counts; what is done is history and stays."""
    open_ = select(Due.name).where(Due.contact_id == first, Due.done_at.is_(None))
    db.execute(delete(Due).where(Due.contact_id == second, Due.done_at.is_(None), Due.name.in_(open_)))


def _join_runs(db: Connection, first: int, second: int) -> None:
    """At most one run of a dialog is open: the one used last."""
    found = select(Run.id, Run.dialog, Run.updated_at).where(Run.contact_id.in_([first, second]))
    newest: dict[str, int] = {}
    for row in db.execute(found.where(Run.finished_at.is_(None)).order_by(Run.updated_at.desc(), Run.id.desc())).all():
        if row.dialog in newest:
            db.execute(update(Run).where(Run.id == row.id).values(finished_at=row.updated_at))
        newest.setdefault(row.dialog, row.id)
