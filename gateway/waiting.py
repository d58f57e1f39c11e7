"""What waits to be sent on a channel, and all that is to be known of its readers: the reads of a claim.

Rows are locked and those that another process has locked are skipped: a claim waits for nobody. A contact who is in a
turn at this moment is skipped with the message, so a STOP that is being said is never overtaken.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    DateTime,
    Executable,
    Integer,
    Text,
    bindparam,
    case,
    func,
    literal_column,
    select,
    union_all,
)

from dialogs.statements import gathered, ids_of, names_of, time_of
from dialogs.store import address_kind
from dialogs.tables import Address, Contact, Due, Field, Run, Session
from gateway.tables import Broadcast, Message

CALL_OPEN = timedelta(minutes=3)  # no network lets a call last longer
QUIZ_OPEN = timedelta(minutes=10)  # how long after its last answer a quiz by message counts as going on
TOLD_LATELY = timedelta(hours=48)  # more than a day in any zone
# Written out, not bound: PostgreSQL plans a statement that comes often for any value, and then uses a partial index
# only where the condition itself says which rows. A worker that began with no messages would read whole tables.
QUEUED: ColumnElement[bool] = Message.status == literal_column("'queued'", Text())
SENDING: ColumnElement[bool] = Message.status == literal_column("'sending'", Text())


class Row(NamedTuple):
    """A message that is due."""

    id: int
    kind: str
    contact_id: int | None
    address_id: int | None
    broadcast_id: int | None
    about: dict[str, Any] | None
    text: str | None
    to_sealed: bytes | None
    to_key_id: str | None
    dedupe: str
    attempts: int
    due_at: datetime
    expires_at: datetime | None
    language: str


class Known(NamedTuple):
    """A contact as its row has it."""

    id: int
    language: str
    country: str
    timezone: str
    stopped_at: datetime | None
    private_phone: bool | None


class Place(NamedTuple):
    """A number that may be sent to."""

    id: int
    contact_id: int
    kind: str
    sealed: bytes
    key_id: str
    bad_at: datetime | None


@dataclass(slots=True)
class Readers:
    """What is known of the people behind a claim, by contact."""

    places: dict[int, Place] = field(default_factory=dict)
    fields: dict[int, dict[str, str]] = field(default_factory=dict)
    told: dict[int, datetime] = field(default_factory=dict)
    reminded: dict[int, datetime | None] = field(default_factory=dict)  # the next reminder; None: one is queued now
    busy: set[int] = field(default_factory=set)
    wrote: dict[int, datetime] = field(default_factory=dict)  # by address


def due(db: Connection, channel: str, priorities: Collection[int], now: datetime, most: int) -> list[Row]:
    """Up to `most` rows that are due, the most urgent first, locked."""
    found: list[Row] = []
    for priority in sorted(priorities):
        if len(found) < most:
            values = {"channel": channel, "priority": priority, "now": now, "most": most - len(found)}
            found += [Row(*row) for row in db.execute(_due(), values)]
    return found


@cache
def _due() -> Executable:
    """One priority at a time, so that the index leads straight to what is due, past what is put off."""
    columns = [getattr(Message, name) for name in Row._fields]
    wanted = (
        select(*columns)
        .where(
            QUEUED,
            Message.channel == bindparam("channel", type_=Text()),
            Message.priority == bindparam("priority", type_=Integer()),
            Message.due_at <= bindparam("now", type_=DateTime()),
        )
        .order_by(Message.due_at)
        .limit(bindparam("most", type_=Integer()))
    )
    return wanted.with_for_update(skip_locked=True)


def lock(db: Connection, contact_ids: Iterable[int]) -> dict[int, Known]:
    """These contacts, locked as a turn locks them; those who are in a turn now are left out."""
    statement = _lock(db.dialect.name)
    rows = db.execute(statement, {"ids": json.dumps(sorted(set(contact_ids)))})
    return {row.id: Known(*row) for row in rows}


@cache
def _lock(dialect: str) -> Executable:
    columns = [getattr(Contact, name) for name in Known._fields]
    wanted = select(*columns).where(Contact.id.in_(ids_of(dialect))).order_by(Contact.id)
    return wanted.with_for_update(key_share=True, skip_locked=True)


def readers(db: Connection, contact_ids: Sequence[int], names: Iterable[str], kind: str, now: datetime) -> Readers:
    """What is known of these contacts: the number of this kind, the fields of these names, what they got lately."""
    found = Readers()
    if not contact_ids:
        return found
    sql, ids = _statements(db.dialect.name), json.dumps(list(contact_ids))
    for row in db.execute(sql["places"], {"ids": ids}):  # asked for a kind, SQLite would read all addresses of it
        if row.kind == kind:
            found.places[row.contact_id] = Place(*row)  # the one that was heard last stands last
    for contact_id, name, value in _fetch(db, sql["fields"], {"ids": ids, "names": json.dumps(sorted(names))}):
        found.fields.setdefault(contact_id, {})[name] = value
    for contact_id, told, waiting in _fetch(db, sql["told"], {"ids": ids, "since": now - TOLD_LATELY}):
        if told is not None:
            found.told[contact_id] = time_of(told)
        if waiting:
            found.reminded[contact_id] = None
    for contact_id, next_at in _fetch(db, sql["next"], {"ids": ids, "now": now}):
        found.reminded.setdefault(contact_id, time_of(next_at))
    busy = {"ids": ids, "call": now - CALL_OPEN, "quiz": now - QUIZ_OPEN}
    found.busy = {contact_id for (contact_id,) in _fetch(db, sql["busy"], busy)}
    return found


def last_words(db: Connection, address_ids: Sequence[int], channel: str) -> dict[int, datetime]:
    """When these addresses last wrote to us on this channel."""
    wanted = (
        select(Message.address_id, func.max(Message.created_at))
        .where(Message.address_id.in_(address_ids), Message.direction == "in", Message.channel == channel)
        .group_by(Message.address_id)
    )
    return {id: at for id, at in db.execute(wanted) if id is not None}


def dues(db: Connection, ids: Collection[int]) -> Mapping[int, str]:
    """The dates that these reminders count from, as they are now, without those that are done."""
    if not ids:
        return {}
    rows = db.execute(_statements(db.dialect.name)["dues"], {"ids": json.dumps(sorted(ids))})
    return {id: on.isoformat() for id, on in rows}


def broadcasts(db: Connection, ids: Collection[int]) -> Mapping[int, Any]:
    """These broadcasts: id, text, status, any_hour, reason."""
    if not ids:
        return {}
    rows = db.execute(_statements(db.dialect.name)["broadcasts"], {"ids": json.dumps(sorted(ids))})
    return {row.id: row for row in rows}


def _fetch(db: Connection, statement: Executable, values: Mapping[str, Any]) -> Any:
    found = db.execute(statement, values)
    return json.loads(found.scalar_one()) if db.dialect.name == "sqlite" else found.all()


@cache
def _statements(dialect: str) -> dict[str, Any]:
    ids = ids_of(dialect)
    names = names_of(dialect)
    bulk = Message.kind.in_(("broadcast", "reminder"))
    waiting = case(((Message.kind == "reminder") & (Message.status == "queued"), 1), else_=0)
    moment = bindparam("since", type_=DateTime())
    now = bindparam("now", type_=DateTime())
    return {
        "places": select(Address.id, Address.contact_id, Address.kind, Address.sealed, Address.key_id, Address.bad_at)
        .where(Address.contact_id.in_(ids), Address.sealed.is_not(None))
        .order_by(Address.heard_at, Address.id),
        "fields": gathered(
            dialect,
            select(Field.contact_id, Field.name, Field.value).where(Field.contact_id.in_(ids), Field.name.in_(names)),
        ),
        "told": gathered(
            dialect,
            select(
                Message.contact_id.label("contact_id"),
                func.max(case((Message.sent_at >= moment, Message.sent_at))).label("told"),
                func.max(waiting).label("waiting"),
            )
            .where(Message.contact_id.in_(ids), bulk)
            .where((Message.sent_at >= moment) | (waiting == 1))
            .group_by(Message.contact_id),
        ),
        "next": gathered(
            dialect,
            select(Due.contact_id.label("contact_id"), func.min(Due.next_at).label("next_at"))
            .where(Due.contact_id.in_(ids), Due.next_at > now, Due.done_at.is_(None))
            .group_by(Due.contact_id),
        ),
        "busy": gathered(
            dialect,
            union_all(
                select(Session.contact_id).where(
                    Session.contact_id.in_(ids),
                    Session.ended_at.is_(None),
                    Session.started_at > bindparam("call", type_=DateTime()),
                    Session.key.startswith("ussd:"),
                ),
                select(Run.contact_id).where(
                    Run.contact_id.in_(ids),
                    Run.finished_at.is_(None),
                    Run.updated_at > bindparam("quiz", type_=DateTime()),
                ),
            ),
        ),
        "dues": select(Due.id, Due.on).where(Due.id.in_(ids), Due.done_at.is_(None)),
        "broadcasts": select(
            Broadcast.id, Broadcast.text, Broadcast.status, Broadcast.any_hour, Broadcast.reason
        ).where(Broadcast.id.in_(ids)),
    }


def address_of(channel_sender: str) -> str:
    """The kind of address that a channel with this sender reaches."""
    return address_kind(channel_sender)[0] if channel_sender.startswith("whatsapp:") else "tel"
