"""Two contacts that are one person become one: nothing that was answered is lost, and a STOP holds.

What both have, the first one's counts, except that the more careful word wins: STOP, a no to messages, a phone that
others use. Of two open runs of one dialog the one used last stays open; the other is closed as it stands, with all its
answers. Tallies stay: they count answers, not people.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select, update

from dialogs.seal import Seal, WrongKey
from dialogs.statements import table
from dialogs.tables import Address, Base, Contact, Due, Field, Member, Run, Session
from gateway.people.changing import keep_number
from gateway.people.entering import STEERS, is_consent
from gateway.people.finding import NotFound
from gateway.tables import Message

JOINED = "the contact was joined with another one that gets it too"  # error of a message
LONGEST_DEDUPE = 200


class SamePerson(Exception):
    """Both are one contact already."""


def merge(db: Connection, seal: Seal, first: int, second: int, now: datetime) -> None:
    """Make the second contact part of the first. Raises NotFound, SamePerson."""
    if first == second:
        raise SamePerson
    locked = select(Contact.__table__).where(Contact.id.in_([first, second])).order_by(Contact.id).with_for_update()
    rows = {row.id: row for row in db.execute(locked)}
    if len(rows) < 2:
        raise NotFound
    one, two = rows[first], rows[second]
    stops = [row.stopped_at for row in (one, two) if row.stopped_at is not None]
    _move_addresses(db, seal, first, second, stopped=bool(stops))
    _join_fields(db, seal, first, second)
    _join_dates(db, first, second)
    _join_members(db, first, second)
    _join_runs(db, first, second)
    _join_sessions(db, first, second)
    _join_messages(db, first, second, now)
    for each in Base.metadata.sorted_tables:  # answers in the ledger, and whatever else is somebody's
        if "contact_id" in each.c:
            db.execute(update(each).where(each.c.contact_id == second).values(contact_id=first))
    db.execute(update(Contact).where(Contact.id == first).values(_joined(one, two, min(stops, default=None))))
    db.execute(delete(Contact).where(Contact.id == second))
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


def _move_addresses(db: Connection, seal: Seal, first: int, second: int, *, stopped: bool) -> None:
    """What is sealed is bound to its contact, so it is sealed anew; after a STOP nothing stays sealed."""
    found = select(Address.id, Address.kind, Address.sealed, Address.key_id).where(Address.contact_id == second)
    for row in db.execute(found.order_by(Address.id)).all():
        values: dict[str, Any] = {"contact_id": first}
        if row.sealed is not None:
            try:
                number = seal.open(row.sealed, row.kind, str(second), row.key_id)
                values |= {"sealed": seal.seal(number, row.kind, str(first)), "key_id": seal.key_id}
            except WrongKey:  # the key is gone: nobody can open it any more
                values |= {"sealed": None, "key_id": None}
        db.execute(update(Address).where(Address.id == row.id).values(values))
    if stopped:
        db.execute(update(Address).where(Address.contact_id == first).values(sealed=None, key_id=None))


def _join_fields(db: Connection, seal: Seal, first: int, second: int) -> None:
    found = select(Field.name, Field.value)
    mine = {row.name: row.value for row in db.execute(found.where(Field.contact_id == first))}
    for name, value in db.execute(found.where(Field.contact_id == second)).all():
        here = (Field.contact_id == second) & (Field.name == name)
        if name not in mine:
            db.execute(update(Field).where(here).values(contact_id=first, value=_resealed(seal, value, first, second)))
            continue
        if is_consent(name) and value == "no":
            db.execute(update(Field).where(Field.contact_id == first, Field.name == name).values(value="no"))
        db.execute(delete(Field).where(here))


def _resealed(seal: Seal, value: str, first: int, second: int) -> str:
    """A saved field; one that holds a locked phone number is locked for its new owner."""
    if not value.startswith("sealed:"):
        return value
    _, key_id, written = value.split(":", 2)
    try:
        number = seal.open(bytes.fromhex(written), "field", str(second), key_id)
    except (WrongKey, ValueError):
        return value
    return f"sealed:{seal.key_id}:{seal.seal(number, 'field', str(first)).hex()}"


def _join_dates(db: Connection, first: int, second: int) -> None:
    """The first one's open date of a name counts; what is done is history and stays."""
    open_ = select(Due.name).where(Due.contact_id == first, Due.done_at.is_(None))
    db.execute(delete(Due).where(Due.contact_id == second, Due.done_at.is_(None), Due.name.in_(open_)))


def _join_members(db: Connection, first: int, second: int) -> None:
    mine = {
        row.group_id: row.role
        for row in db.execute(select(Member.group_id, Member.role).where(Member.contact_id == first))
    }
    for group_id, role in db.execute(select(Member.group_id, Member.role).where(Member.contact_id == second)).all():
        if group_id in mine:
            if role and not mine[group_id]:
                here = (Member.group_id == group_id) & (Member.contact_id == first)
                db.execute(update(Member).where(here).values(role=role))
            db.execute(delete(Member).where(Member.group_id == group_id, Member.contact_id == second))


def _join_runs(db: Connection, first: int, second: int) -> None:
    """At most one run of a dialog is open: the one used last."""
    found = select(Run.id, Run.dialog, Run.updated_at).where(Run.contact_id.in_([first, second]))
    newest: dict[str, int] = {}
    for row in db.execute(found.where(Run.finished_at.is_(None)).order_by(Run.updated_at.desc(), Run.id.desc())).all():
        if row.dialog in newest:
            db.execute(update(Run).where(Run.id == row.id).values(finished_at=row.updated_at))
        newest.setdefault(row.dialog, row.id)


def _join_sessions(db: Connection, first: int, second: int) -> None:
    """A call goes on. A conversation by SMS or chat is found by its contact: the first one's counts."""
    found = select(Session.id, Session.channel, Session.key).where(Session.contact_id == second)
    for id, channel, key in db.execute(found).all():
        kind, _, rest = key.partition(":")
        if kind == "ussd" or rest != str(second):
            continue
        other = f"{kind}:{first}"
        taken = select(Session.id).where(Session.channel == channel, Session.key == other)
        if db.execute(taken).first() is not None:
            db.execute(delete(Session).where(Session.id == id))
        else:
            db.execute(update(Session).where(Session.id == id).values(key=other))


def _join_messages(db: Connection, first: int, second: int, now: datetime) -> None:
    """Messages move along. One that both were to get goes once: dedupe keys name the contact."""
    message = table(Message)
    found = select(Message.id, Message.kind, Message.dedupe, Message.status).where(
        Message.contact_id == second, Message.kind.in_(("broadcast", "reminder"))
    )
    for row in db.execute(found.order_by(Message.id)).all():
        parts = (row.dedupe or "").split(":")
        place = 2 if row.kind == "broadcast" else len(parts) - 2
        if not 0 < place < len(parts) or parts[place] != str(second):
            continue
        parts[place] = str(first)
        dedupe = ":".join(parts)
        taken = db.execute(select(Message.id).where(Message.dedupe == dedupe)).first() is not None
        here = update(message).where(message.c.id == row.id)
        if not taken:
            db.execute(here.values(dedupe=dedupe[:LONGEST_DEDUPE]))
        elif row.status == "queued":
            db.execute(here.values(status="refused", error=JOINED, done_at=now, text=None, to_sealed=None))
