"""What two contacts of one person hold, brought together: for a chat that is linked, and for staff who merge.

Each part moves from the second contact to the first. What both have, the first one's counts. `part` takes chats away.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from dialogs.seal import Seal, WrongKey
from dialogs.tables import Address, Base, Contact, Field, Link, Member, Session

JOINED = "the contact was joined with another one that gets it too"  # error of a message
PARTED = "the phone has ended its links to chats"
LONGEST_DEDUPE = 200


class NotThere(Exception):
    """One of the two contacts is gone."""


def lock(db: Connection, first: int, second: int) -> tuple[Any, Any]:
    """The rows of both contacts, locked in the order of their ids. Raises NotThere."""
    locked = select(Contact.__table__).where(Contact.id.in_([first, second])).order_by(Contact.id).with_for_update()
    rows = {row.id: row for row in db.execute(locked)}
    if len(rows) < 2:
        raise NotThere
    return rows[first], rows[second]


def move_addresses(db: Connection, seal: Seal, first: int, second: int, *, stopped: bool, only: int = 0) -> None:
    """What is sealed is bound to its contact, so it is sealed anew; after a STOP nothing stays sealed.

    `only` moves the address with this id alone.
    """
    found = select(Address.id, Address.kind, Address.sealed, Address.key_id).where(Address.contact_id == second)
    if only:
        found = found.where(Address.id == only)
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


def join_fields(
    db: Connection, seal: Seal, first: int, second: int, wins: Callable[[str, str], bool] = lambda name, value: False
) -> None:
    """Fill what the first one lacks. `wins` names fields and values of the second that count all the same."""
    found = select(Field.name, Field.value)
    mine = {row.name: row.value for row in db.execute(found.where(Field.contact_id == first))}
    for name, value in db.execute(found.where(Field.contact_id == second)).all():
        here = (Field.contact_id == second) & (Field.name == name)
        if name not in mine:
            db.execute(update(Field).where(here).values(contact_id=first, value=_resealed(seal, value, first, second)))
            continue
        if wins(name, value):
            db.execute(update(Field).where(Field.contact_id == first, Field.name == name).values(value=value))
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


def join_members(db: Connection, first: int, second: int) -> None:
    """In the groups of both; a role that only one has stays."""
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


def join_sessions(db: Connection, first: int, second: int) -> None:
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


def join_messages(db: Connection, first: int, second: int, now: datetime) -> None:
    """Messages move along. One that both were to get goes once: dedupe keys name the contact."""
    message = Base.metadata.tables.get("message")  # the gateway's, where there is one
    if message is None:
        return
    found = select(message.c.id, message.c.kind, message.c.dedupe, message.c.status).where(
        message.c.contact_id == second, message.c.kind.in_(("broadcast", "reminder"))
    )
    for row in db.execute(found.order_by(message.c.id)).all():
        parts = (row.dedupe or "").split(":")
        place = 2 if row.kind == "broadcast" else len(parts) - 2
        if not 0 < place < len(parts) or parts[place] != str(second):
            continue
        parts[place] = str(first)
        dedupe = ":".join(parts)
        taken = db.execute(select(message.c.id).where(message.c.dedupe == dedupe)).first() is not None
        here = update(message).where(message.c.id == row.id)
        if not taken:
            db.execute(here.values(dedupe=dedupe[:LONGEST_DEDUPE]))
        elif row.status == "queued":
            db.execute(here.values(_refused(JOINED, now)))


def take_the_rest(db: Connection, first: int, second: int) -> None:
    """Whatever else is somebody's moves, the ledger and finished runs too, and the second contact goes."""
    db.execute(delete(Link).where(Link.contact_id == second))
    for each in Base.metadata.sorted_tables:
        if "contact_id" in each.c:
            db.execute(update(each).where(each.c.contact_id == second).values(contact_id=first))
    db.execute(delete(Contact).where(Contact.id == second))


def part(db: Connection, contact_id: int, heard: int, now: datetime) -> None:
    """Take every chat from this contact but the address with the id `heard`: who writes there next is somebody new.

    Only a STOP goes along, which holds on every channel. The contact's code is void, and replies that wait for these
    chats are refused.
    """
    chats = select(Address.id).where(Address.contact_id == contact_id, Address.kind != "tel", Address.id != heard)
    ids = db.execute(chats.order_by(Address.kind, Address.key)).scalars().all()
    db.execute(delete(Session).where(Session.contact_id == contact_id, Session.key == f"bot:{contact_id}"))
    db.execute(delete(Link).where(Link.contact_id == contact_id))
    message = Base.metadata.tables.get("message")
    if message is not None:
        waiting = message.c.address_id.in_(ids) & (message.c.kind == "reply") & (message.c.status == "queued")
        db.execute(update(message).where(waiting).values(_refused(PARTED, now) | {"about": None}))
    stopped_at = db.execute(select(Contact.stopped_at).where(Contact.id == contact_id)).scalar_one()
    if stopped_at is None:
        db.execute(delete(Address).where(Address.id.in_(ids)))
        return
    for id in ids:
        values = {"stopped_at": stopped_at, "created_at": now, "seen_at": now}
        made = db.execute(insert(Contact).values(values).returning(Contact.id)).scalar_one()
        db.execute(update(Address).where(Address.id == id).values(contact_id=made, sealed=None, key_id=None))


def _refused(error: str, now: datetime) -> dict[str, Any]:
    """What a message becomes that is not to go any more."""
    return {"status": "refused", "error": error, "done_at": now, "text": None, "to_sealed": None}
