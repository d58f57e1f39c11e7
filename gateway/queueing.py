"""A broadcast's rows: written, put off, brought back and cancelled in slices, so that no phone waits for a million.

Whatever a slice does is done for good when it is committed, and says itself where the next one begins: a command
that is killed half-way is carried on by the workers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from sqlalchemy import (
    Connection,
    DateTime,
    Row,
    Select,
    Text,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal,
    null,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from dialogs.content import Content
from dialogs.statements import TEXT, TIME, ids_of, rows_of, table, when
from dialogs.store import ASKED_FOR
from dialogs.tables import Address, Contact, Field
from gateway import reasons
from gateway.audience import Audience, meant
from gateway.channels import Channel
from gateway.providers import Carriage
from gateway.tables import BULK, Broadcast, Message
from gateway.waiting import QUEUED

SLICE = 5_000  # rows in one transaction
WINDOW = 20_000  # contacts that one slice looks at, where few of them are meant
FAR = datetime(9999, 12, 31)  # noqa: DTZ001  UTC without a zone, as the tables keep it


@dataclass(frozen=True, slots=True)
class Sending:
    """What sending is done with. `rates`: messages a second by channel, where a channel's own option says nothing."""

    channels: Mapping[str, Channel]
    content: Content
    rates: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    slice: int = 0  # rows in one transaction; 0: SLICE. Fewer where phones wait for the same lock

    @property
    def most(self) -> int:
        """Rows in one transaction."""
        return self.slice or SLICE

    def rate(self, channel: str) -> float:
        """Messages a second that this channel may send."""
        own = self.channels[channel].rate if channel in self.channels else 0.0
        return own or self.rates.get(channel, 0.0) or Carriage().rate

    def route(self, broadcast_channel: str) -> Callable[[str], str]:
        """The channel by the country of a contact; "" where none reaches it."""
        if broadcast_channel:
            return lambda _: broadcast_channel if broadcast_channel in self.channels else ""
        return routes(self.channels)

    def due(self, broadcast: Row[Any], country: str, timezone: str, now: datetime) -> datetime:
        """The first moment at which a message of this broadcast may go to somebody there."""
        hours, at = self.content.hours, now
        if broadcast.starts_at is not None:  # a day, which begins at another moment in each zone
            at = max(now, hours.at_local(country, timezone, broadcast.starts_at.date(), "00:00"))
        return at if broadcast.any_hour else hours.next_allowed(country, timezone, at)


def routes(channels: Mapping[str, Channel]) -> Callable[[str], str]:
    """The channel that reaches a country, by its two letters: that country's own, else the only one there is, else
    the first that is of no country; "" where none does."""
    own: dict[str, str] = {}
    for name, channel in channels.items():
        own.setdefault(channel.country, name)
    others = next(iter(channels)) if len(channels) == 1 else own.get("", "")
    return lambda country: own.get(country, others) if country else others


def far(broadcast_id: int) -> datetime:
    """When the rows of a paused broadcast are due: never, each broadcast at its own moment, so that they are found."""
    return FAR + timedelta(microseconds=broadcast_id)


# --- who gets a row, and who gets nothing ---


def people(audience: Audience, begun: datetime, after: int | None = None, up_to: int | None = None) -> Select[Any]:
    """Everybody who is meant, by id, language, country, timezone, and the reason why nothing may go to them ("": it
    may, where a channel reaches). The bill counts these, and the queue is made of them."""
    reached = (
        select(func.max(case((Address.bad_at.is_(None), 2), else_=1)))
        .where(Address.contact_id == Contact.id, Address.kind.in_(ASKED_FOR), Address.sealed.is_not(None))
        .correlate(Contact)
        .scalar_subquery()
    )
    by_number = case({2: "", 1: reasons.BAD_NUMBER}, value=reached, else_=reasons.NO_NUMBER)
    news = func.coalesce(Field.value, "") != "yes"
    reason = case((Contact.stopped_at.is_not(None), reasons.STOPPED), (news, reasons.NO_NEWS), else_=by_number)
    return (
        select(Contact.id, Contact.language, Contact.country, Contact.timezone, reason.label("reason"))
        .outerjoin(Field, (Field.contact_id == Contact.id) & (Field.name == "news"))
        .where(*_meant(audience, begun, after, up_to))
    )


def _meant(audience: Audience, begun: datetime, after: int | None = None, up_to: int | None = None) -> list[Any]:
    """Who comes while the rows are being written is not meant: the bill did not know of them."""
    return [*meant(audience, begun.date(), after, up_to), Contact.created_at <= begun]


def queue_slice(db: Connection, broadcast_id: int, now: datetime, sending: Sending) -> int:
    """Write the rows of the next contacts of a broadcast that is being queued, in the caller's transaction.

    Gives for how many, at least 1 while more may come; 0: all rows are there, and it is being sent. Every contact gets
    one row, whoever calls this how often: who may not get the message gets it as refused, with the reason.
    """
    broadcast = _locked(db, broadcast_id)
    ends = broadcast is not None and broadcast.status == "cancelled" and broadcast.done_at is None
    if broadcast is None or broadcast.begun_at is None or not (broadcast.status == "queueing" or ends):
        return 0
    last = db.execute(select(func.max(Contact.id))).scalar() or 0
    after = broadcast.queued_to
    if after >= last:
        if not ends:
            _set(db, broadcast_id, status="sending")
        return 0
    audience, begun, up_to = Audience.of(broadcast.audience), broadcast.begun_at, min(after + WINDOW, last)
    near = select(Contact.id, Contact.country, Contact.timezone).where(*_meant(audience, begun, after, up_to))
    part = near.order_by(Contact.id).limit(sending.most).subquery()
    places = db.execute(
        select(part.c.country, part.c.timezone, func.count(), func.max(part.c.id)).group_by(
            part.c.country, part.c.timezone
        )
    ).all()
    passed: int = sum(place[2] for place in places)
    if passed == sending.most:
        up_to = max(place[3] for place in places)
    if places:
        route = sending.route(broadcast.channel)
        rows = [
            {
                "country": country,
                "timezone": timezone,
                "channel": route(country),
                "due_at": when(sending.due(broadcast, country, timezone, now)),
            }
            for country, timezone, _, _ in places
        ]
        wanted = people(audience, begun, after, up_to)
        making = _making(db.dialect.name, broadcast, wanted, now, route(""), sending.due(broadcast, "", "", now))
        db.execute(making, {"rows": json.dumps(rows)})
    _set(db, broadcast_id, queued_to=up_to)
    return max(passed, 1)


def _making(
    dialect: str, broadcast: Row[Any], wanted: Select[Any], now: datetime, channel: str, due_at: datetime
) -> Any:
    """The insert. `channel` and `due_at` are for who moved to another zone a moment ago: nobody is passed over."""
    person = wanted.cte("person").prefix_with("MATERIALIZED")
    place = rows_of(dialect, {"country": TEXT, "timezone": TEXT, "channel": TEXT, "due_at": TIME})
    otherwise = reasons.CANCELLED if broadcast.status == "cancelled" else ""
    through = func.coalesce(place.c.channel, channel)
    reason = case((person.c.reason != "", person.c.reason), (through == "", reasons.NO_CHANNEL), else_=otherwise)
    blank, nought, at = literal(""), literal(0), literal(now, DateTime())
    columns = {
        "channel": through, "contact_id": person.c.id, "broadcast_id": literal(broadcast.id),
        "dedupe": literal(f"broadcast:{broadcast.id}:") + cast(person.c.id, Text),
        "direction": literal("out"), "kind": literal("broadcast"), "priority": literal(BULK),
        "status": case((reason == "", "queued"), else_="refused"), "error": reason,
        "due_at": func.coalesce(place.c.due_at, literal(due_at, DateTime())), "created_at": at,
        "expires_at": literal(broadcast.expires_at, DateTime()),
        "done_at": case((reason != "", at), else_=null()),
        "language": blank, "segments": nought, "cost": blank, "attempts": nought, "revision": blank,
    }  # fmt: skip
    joined = select(*columns.values()).select_from(person)
    joined = joined.outerjoin(place, (place.c.country == person.c.country) & (place.c.timezone == person.c.timezone))
    insert: Any = sqlite.insert if dialect == "sqlite" else postgresql.insert
    made = insert(table(Message)).from_select(list(columns), joined.order_by(person.c.id))
    return made.on_conflict_do_nothing(index_elements=["dedupe"])


# --- pausing, going on, cancelling ---


def put_off_slice(db: Connection, broadcast_id: int, sending: Sending) -> int:
    """Put some waiting rows of a paused broadcast off to where nobody looks for them; gives how many."""
    never = far(broadcast_id)
    for channel in sending.channels:
        waiting = select(Message.id).where(
            Message.channel == channel,
            Message.priority == BULK,
            QUEUED,
            Message.due_at < FAR,
            Message.broadcast_id == broadcast_id,
        )
        found = waiting.limit(sending.most).with_for_update(skip_locked=True).scalar_subquery()
        if moved := db.execute(update(Message).where(Message.id.in_(found)).values(due_at=never)).rowcount:
            return moved
    return 0


def bring_back_slice(db: Connection, broadcast_id: int, now: datetime, sending: Sending) -> int:
    """Give some put-off rows of a broadcast that goes on their first allowed moment again; gives how many."""
    broadcast = db.execute(select(Broadcast.__table__).where(Broadcast.id == broadcast_id)).one()
    for channel in sending.channels:
        found = db.execute(
            select(Message.id, Contact.country, Contact.timezone)
            .join(Contact, Contact.id == Message.contact_id)
            .where(
                Message.channel == channel,
                Message.priority == BULK,
                QUEUED,
                Message.due_at == far(broadcast_id),
            )
            .limit(sending.most)
            .with_for_update(skip_locked=True, of=Message)
        ).all()
        by_place: dict[tuple[str, str], list[int]] = {}
        for id, country, timezone in found:
            by_place.setdefault((country, timezone), []).append(id)
        moving = update(table(Message)).where(table(Message).c.id.in_(ids_of(db.dialect.name)))
        moving = moving.values(due_at=bindparam("at", type_=DateTime()))
        for (country, timezone), ids in by_place.items():
            at = sending.due(broadcast, country, timezone, now)
            db.execute(moving, {"ids": json.dumps(ids), "at": at})
        if found:
            return len(found)
    return 0


def cancel_slice(db: Connection, broadcast_id: int, now: datetime, sending: Sending) -> int:
    """Refuse some waiting rows of a cancelled broadcast; gives how many."""
    waiting = select(Message.id).where(Message.broadcast_id == broadcast_id, Message.status == "queued")
    found = waiting.limit(sending.most).with_for_update(skip_locked=True).scalar_subquery()
    refused = {"status": "refused", "error": reasons.CANCELLED, "done_at": now, "text": None, "to_sealed": None}
    return db.execute(update(Message).where(Message.id.in_(found)).values(refused)).rowcount


def continue_work(db: Connection, now: datetime, sending: Sending) -> int:
    """One slice of whatever any broadcast still needs: queueing, putting off, bringing back, cancelling; and settle
    those of which nothing waits any more. Gives how many rows it did; 0: nothing is left to do now."""
    open_ones = select(Broadcast.id).where(
        Broadcast.status.in_(("queueing", "sending"))
        | (Broadcast.status.in_(("paused", "cancelled")) & Broadcast.done_at.is_(None))
    )
    for id in db.execute(open_ones.order_by(Broadcast.id)).scalars().all():
        if done := work_on(db, id, now, sending):
            return done
    return 0


def work_on(db: Connection, broadcast_id: int, now: datetime, sending: Sending) -> int:
    """The same for one broadcast. Another process that works on it is not waited for."""
    broadcast = _locked(db, broadcast_id, wait=False)
    status = "" if broadcast is None else broadcast.status
    if status == "queueing":
        return bring_back_slice(db, broadcast_id, now, sending) or queue_slice(db, broadcast_id, now, sending)
    if status == "sending":
        if done := bring_back_slice(db, broadcast_id, now, sending):
            return done
        if not _any(db, broadcast_id, "queued", "sending"):
            _set(db, broadcast_id, status="done", done_at=now)
    elif status == "paused":
        if done := put_off_slice(db, broadcast_id, sending):
            return done
        _set(db, broadcast_id, done_at=now)
    elif status == "cancelled":
        if done := queue_slice(db, broadcast_id, now, sending) or cancel_slice(db, broadcast_id, now, sending):
            return done
        if not _any(db, broadcast_id, "queued", "sending"):
            _set(db, broadcast_id, done_at=now)
    return 0


def _any(db: Connection, broadcast_id: int, *statuses: str) -> bool:
    found = exists().where(Message.broadcast_id == broadcast_id, Message.status.in_(statuses))
    return bool(db.execute(select(found)).scalar())


def _locked(db: Connection, broadcast_id: int, wait: bool = True) -> Row[Any] | None:
    """The broadcast, held until the transaction ends; None if there is none, or somebody else has it."""
    wanted = select(Broadcast.__table__).where(Broadcast.id == broadcast_id)
    return db.execute(wanted.with_for_update(key_share=True, skip_locked=not wait)).first()


def _set(db: Connection, broadcast_id: int, **values: Any) -> None:
    db.execute(update(Broadcast).where(Broadcast.id == broadcast_id).values(values))
