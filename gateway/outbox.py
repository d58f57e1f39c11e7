"""Messages: what came in (so that nothing counts twice) and what is to go out, a row before any provider is called.

What happens to a row then: `claim.py` (may it go now), `work.py` (hand it over), `settling.py` (what became of it).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, DateTime, bindparam, delete, insert, literal, select, true, update
from sqlalchemy.dialects import postgresql, sqlite

from dialogs.gsm import segment_count
from dialogs.inbound import Inbound, Reply, parted
from dialogs.seal import Seal
from dialogs.statements import INT, TEXT, rows_of, table
from dialogs.store import Person, address_kind
from dialogs.sweep import SLICE
from dialogs.tables import Address
from gateway import settling
from gateway.tables import ABOUT_KEPT, REPLIES_FIRST, REPLY_OWNER, Message, Report
from gateway.waiting import QUEUED

REPLY_LASTS = timedelta(days=1)  # an answer to a message of yesterday would only puzzle


def receive(db: Connection, inbounds: Sequence[Inbound], people: Mapping[str, Person], now: datetime) -> list[Inbound]:
    """The inbounds without the messages that were seen before; those seen now are remembered."""
    if all(each.kind == "ussd" for each in inbounds):
        return list(inbounds)
    rows = [
        {
            "channel": each.channel,
            "provider_id": each.provider_id,
            "address_id": people[each.address].address_id,
        }
        for each in inbounds
        if _is_counted(each)
    ]
    new = {tuple(row) for row in db.execute(_receiving(db.dialect.name), {"rows": json.dumps(rows), "now": now})}
    fresh = []
    for each in inbounds:
        place = (each.channel, each.provider_id)
        if not _is_counted(each) or place in new:
            new.discard(place)  # twice in one list counts once
            fresh.append(each)
    return fresh


def _is_counted(inbound: Inbound) -> bool:
    """True for a message that may come twice: an SMS, and a chat message where the chat numbers them."""
    return inbound.kind == "sms" or (inbound.kind == "bot" and bool(inbound.provider_id))


def _receiving(dialect: str) -> Any:
    rows = rows_of(dialect, {"channel": TEXT, "provider_id": TEXT, "address_id": INT})
    kind: Any = sqlite.insert if dialect == "sqlite" else postgresql.insert
    now = bindparam("now", type_=DateTime())
    blank = literal("")
    nought = literal(0)
    names = {
        "channel": rows.c.channel, "provider_id": rows.c.provider_id, "address_id": rows.c.address_id,
        "direction": literal("in"), "kind": literal("inbound"), "status": literal("received"),
        "language": blank, "segments": nought, "cost": blank, "attempts": nought, "priority": nought,
        "error": blank, "revision": blank, "due_at": now, "created_at": now,
    }  # fmt: skip
    picked = select(*names.values()).where(true()).order_by(rows.c.channel, rows.c.provider_id)
    made = kind(table(Message)).from_select(list(names), picked).on_conflict_do_nothing()
    return made.returning(Message.channel, Message.provider_id)


def answer(
    db: Connection,
    inbounds: Sequence[Inbound],
    replies: Sequence[Reply],
    people: Mapping[str, Person],
    seal: Seal,
    now: datetime,
    revision: str,
) -> None:
    """Queue the replies to messages, and the lists that were asked for; in the caller's transaction."""
    rows = []
    for inbound, reply in zip(inbounds, replies, strict=True):
        person = people[inbound.address]
        if inbound.kind == "sms" and reply.text:
            kind, value = address_kind(inbound.address)
            row = _row(inbound.channel, person, reply.text, now, revision)
            if reply.fleeting:
                row["contact_id"] = row["address_id"] = None
            row["to_sealed"], row["to_key_id"] = seal.seal(value, kind, REPLY_OWNER), seal.key_id
            row["dedupe"] = f"reply:{inbound.channel}:{inbound.provider_id}"
            if kind == "whatsapp" and reply.place and parted(reply)[1]:
                row["about"] = {"choices": len(reply.choices), "place": reply.place}
            rows.append(row)
        for words, dedupe in person.lists:
            rows.append(_row(inbound.channel, person, words, now, revision) | {"dedupe": dedupe})
        person.lists = []
    if rows:
        db.execute(insert(Message), rows)


def _row(channel: str, person: Person, words: str, now: datetime, revision: str) -> dict[str, Any]:
    return {
        "channel": channel,
        "contact_id": None if person.forget else person.id,
        "address_id": None if person.forget and not person.stopped else person.address_id,
        "to_sealed": None,
        "to_key_id": None,
        "direction": "out",
        "kind": "reply",
        "about": None,
        "text": words,
        "language": person.language,
        "segments": segment_count(words),
        "status": "queued",
        "priority": REPLIES_FIRST,
        "due_at": now,
        "expires_at": now + REPLY_LASTS,
        "created_at": now,
        "revision": revision,
    }


def opt_out(db: Connection, seal: Seal, address: str, now: datetime) -> bool:
    """The provider says that this number wants nothing more: a STOP like any other. False for a stranger."""
    kind, value = address_kind(address)
    contact_id = db.execute(
        select(Address.contact_id)
        .where(Address.kind == kind, Address.key == seal.key(kind, value))
        .with_for_update(key_share=True)  # addresses before contacts, as everywhere
    ).scalar()
    if contact_id is None:
        return False
    settling.stop(db, [contact_id], "provider", now)
    return True


def sweep(db: Connection, now: datetime, days: int) -> int:
    """Settle one slice of what waited past its time, and empty one of what was settled `days` ago; gives how many.

    What is emptied keeps its state and its reason: the text and the number go. A reply that belongs to nobody (of help
    in danger, of "delete all", to a child) is emptied as soon as it has gone. A report that found no message in a day
    goes too.
    """
    late = select(Message.id).where(QUEUED, Message.expires_at < now).limit(SLICE)
    expired = (
        update(Message)
        .where(Message.id.in_(late.scalar_subquery()))
        .values(
            status="expired", error="it waited past its time", done_at=now, text=None, to_sealed=None, about=ABOUT_KEPT
        )
    )
    old = (
        select(Message.id)
        .where(Message.created_at < now - timedelta(days=days), Message.text.is_not(None))  # no number without a text
        .where(Message.status.not_in(("queued", "sending")))
        .limit(SLICE)
    )
    emptied = update(Message).where(Message.id.in_(old.scalar_subquery())).values(text=None, to_sealed=None)
    nobodys = (
        select(Message.id)
        .where(Message.contact_id.is_(None), Message.kind == "reply", Message.text.is_not(None))
        .where(Message.status.not_in(("queued", "sending")))
        .limit(SLICE)
    )
    at_once = update(Message).where(Message.id.in_(nobodys.scalar_subquery())).values(text=None, to_sealed=None)
    strange = select(Report.id).where(Report.message_id.is_(None), Report.at < now - settling.EARLY_LASTS).limit(SLICE)
    dropped = delete(Report).where(Report.id.in_(strange.scalar_subquery()))  # of a message that is not ours
    return sum(db.execute(each).rowcount for each in (expired, at_once, emptied, dropped))
