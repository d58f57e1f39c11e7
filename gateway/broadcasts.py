"""Broadcasts: one text, or one invitation into a dialog, for many people. Made, approved, begun, stopped, counted.

The people are in `audience.py`, the price in `bill.py`, the rows in `queueing.py`.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import Connection, Row, func, insert, select, update

from gateway.audience import Audience, BroadcastError
from gateway.bill import read_price
from gateway.draft import Draft
from gateway.people.events import record
from gateway.queueing import Sending as Sending
from gateway.queueing import continue_work as continue_work
from gateway.queueing import far as far
from gateway.queueing import people
from gateway.queueing import queue_slice as queue_slice
from gateway.queueing import routes as routes
from gateway.queueing import work_on as work_on
from gateway.tables import STATUSES, Broadcast, Message

LASTS = timedelta(days=3)  # how long a broadcast is sent if nobody says otherwise
ALIKE = timedelta(days=30)  # how long the same broadcast is not sent again by mistake


def new(db: Connection, draft: Draft, by: str, now: datetime) -> int:
    """Keep a draft; gives its number. Nothing is sent."""
    values = {
        "name": draft.name, "text": dict(draft.texts), "audience": draft.audience.to_json(), "dialog": draft.dialog,
        "channel": draft.channel, "starts_at": draft.starts_at, "expires_at": draft.expires_at,
        "digest": _digest(draft.name, draft.texts, draft.audience, draft.dialog), "created_by": by, "created_at": now,
    }  # fmt: skip
    made: int = db.execute(insert(Broadcast).values(values).returning(Broadcast.id)).scalar_one()
    _note(db, by, "broadcast new", now, made)
    return made


def load(db: Connection, broadcast_id: int) -> Row[Any]:
    """The row of a broadcast. Raises BroadcastError."""
    found = db.execute(select(Broadcast.__table__).where(Broadcast.id == broadcast_id)).first()
    if found is None:
        raise BroadcastError(f"There is no broadcast {broadcast_id}: ngazi broadcast list")
    return found


def reword(db: Connection, broadcast_id: int, texts: Mapping[str, str], by: str, now: datetime) -> None:
    """Put other words into a draft; an approval of the old ones is void. Raises BroadcastError."""
    broadcast = load(db, broadcast_id)
    digest = _digest(broadcast.name, texts, Audience.of(broadcast.audience), broadcast.dialog)
    changed = update(Broadcast).where(Broadcast.id == broadcast_id, Broadcast.status == "draft")
    unapproved = {"approved_by": "", "approved_at": None}
    if not db.execute(changed.values(text=dict(texts), digest=digest, **unapproved)).rowcount:
        raise _no_draft(broadcast)
    _note(db, by, "broadcast reworded", now, broadcast_id)


def approve(db: Connection, broadcast_id: int, by: str, now: datetime) -> None:
    """Somebody else than the one who made it has seen it. Raises BroadcastError."""
    broadcast = load(db, broadcast_id)
    if not by.strip() or by.strip().casefold() == broadcast.created_by.casefold():
        raise BroadcastError(
            f"Broadcast {broadcast_id} was made by {broadcast.created_by}: another person has to approve it."
        )
    changed = update(Broadcast).where(Broadcast.id == broadcast_id, Broadcast.status == "draft")
    if not db.execute(changed.values(approved_by=by.strip()[:200], approved_at=now)).rowcount:
        raise _no_draft(broadcast)
    _note(db, by.strip()[:200], "broadcast approved", now, broadcast_id)


def send(
    db: Connection,
    broadcast_id: int,
    by: str,
    now: datetime,
    sending: Sending,
    *,
    approve_above: int = 0,
    any_hour: str = "",
    again: bool = False,
) -> None:
    """Begin: from now on its rows are queued, by `queue_slice` or by any worker. Of two at once one begins.

    Raises BroadcastError: it has begun or ended before, nobody would get it, it needs an approval, or one just like
    it went out lately.
    """
    broadcast = load(db, broadcast_id)
    if broadcast.status != "draft":
        raise _no_draft(broadcast)
    begins = max(now, broadcast.starts_at or now)
    ends = broadcast.expires_at or begins + LASTS
    if ends <= now:
        raise BroadcastError(f"The last day of broadcast {broadcast_id} has passed: make a new one.")
    if not again:
        _refuse_twin(db, broadcast, now)
    reached = _reached(db, broadcast, now, sending, approve_above + 1)
    if not reached:
        raise BroadcastError(f"Nobody would get broadcast {broadcast_id}: ngazi broadcast show {broadcast_id}")
    if approve_above and not broadcast.approved_by and (any_hour or reached > approve_above):
        why = "goes at any hour" if any_hour else f"goes to more than {approve_above:,} people"
        raise BroadcastError(
            f"Broadcast {broadcast_id} {why}, so another person has to approve it first: "
            f"ngazi broadcast approve {broadcast_id} --by NAME"
        )
    begun = {"status": "queueing", "begun_at": now, "expires_at": ends, "sent_by": by, "any_hour": any_hour[:200]}
    begin = update(Broadcast).where(Broadcast.id == broadcast_id, Broadcast.status == "draft").values(begun)
    if not db.execute(begin).rowcount:  # somebody pressed at the same moment
        raise _no_draft(load(db, broadcast_id))
    _note(db, by, "broadcast any hour" if any_hour else "broadcast sent", now, broadcast_id, reason=any_hour)


def _reached(db: Connection, broadcast: Row[Any], now: datetime, sending: Sending, most: int) -> int:
    """How many would get it; no more than `most` are counted."""
    who = people(Audience.of(broadcast.audience), now).subquery()
    asked = select(who.c.id).where(who.c.reason == "")
    route = sending.route(broadcast.channel)
    if not route(""):
        asked = asked.where(who.c.country.in_([each.country for each in sending.channels.values() if each.country]))
        if broadcast.channel:
            return 0
    return db.execute(select(func.count()).select_from(asked.limit(most).subquery())).scalar() or 0


def _refuse_twin(db: Connection, broadcast: Row[Any], now: datetime) -> None:
    alike = select(Broadcast.id, Broadcast.begun_at).where(Broadcast.digest == broadcast.digest).order_by(Broadcast.id)
    for id, begun_at in db.execute(alike.with_for_update(key_share=True)).all():  # two at once wait for one another
        if id != broadcast.id and begun_at is not None and begun_at >= now - ALIKE:
            raise BroadcastError(
                f"The same broadcast went out on {_day(begun_at)} as number {id}: ngazi broadcast show {id}. "
                "If people shall get it once more, add --again."
            )


def pause(db: Connection, broadcast_id: int, by: str, now: datetime, reason: str = "") -> None:
    """Nothing more of it is sent until it goes on; `continue_work` puts away what waits. Raises BroadcastError."""
    changed = update(Broadcast).where(Broadcast.id == broadcast_id, Broadcast.status.in_(("queueing", "sending")))
    if not db.execute(changed.values(status="paused", done_at=None, reason=reason[:200])).rowcount:
        raise _cannot(load(db, broadcast_id), "be paused")
    _note(db, by, "broadcast paused", now, broadcast_id, reason=reason)


def go_on(db: Connection, broadcast_id: int, by: str, now: datetime) -> None:
    """A paused one is sent again; `continue_work` brings back what waits. Raises BroadcastError."""
    broadcast = load(db, broadcast_id)
    if broadcast.status == "paused" and broadcast.expires_at <= now:
        raise BroadcastError(
            f"The last day of broadcast {broadcast_id} has passed: ngazi broadcast cancel {broadcast_id}"
        )
    changed = update(Broadcast).where(Broadcast.id == broadcast_id, Broadcast.status == "paused")
    if not db.execute(changed.values(status="queueing", done_at=None, reason="")).rowcount:
        raise _cannot(broadcast, "go on")
    _note(db, by, "broadcast gone on", now, broadcast_id)


def cancel(db: Connection, broadcast_id: int, by: str, now: datetime, reason: str = "") -> None:
    """Nothing more of it is sent, ever; `continue_work` refuses what waits. Raises BroadcastError."""
    broadcast = load(db, broadcast_id)
    open_ones = ("draft", "queueing", "sending", "paused")
    changed = update(Broadcast).where(Broadcast.id == broadcast_id, Broadcast.status.in_(open_ones))
    done = now if broadcast.begun_at is None else None
    if not db.execute(changed.values(status="cancelled", done_at=done, reason=reason[:200])).rowcount:
        raise _cannot(load(db, broadcast_id), "be cancelled")
    _note(db, by, "broadcast cancelled", now, broadcast_id, reason=reason)


# --- what became of it ---


@dataclass(frozen=True, slots=True)
class Totals:
    """How many rows stand where. Every state is there, with 0 too; `reasons` are (state, reason, n), most first."""

    states: dict[str, int]
    reasons: tuple[tuple[str, str, int], ...] = ()
    languages: dict[str, int] = field(default_factory=dict)
    segments: int = 0
    costs: dict[str, Decimal] = field(default_factory=dict)

    @property
    def recipients(self) -> int:
        """How many have a row."""
        return sum(self.states.values())

    @property
    def settled(self) -> int:
        """How many have come to an end."""
        return self.recipients - self.states["queued"] - self.states["sending"]


def totals(db: Connection, broadcast_id: int) -> Totals:
    """What became of a broadcast so far, by one query."""
    kinds = (Message.status, Message.error, Message.language, Message.cost)
    counted = select(*kinds, func.count(), func.coalesce(func.sum(Message.segments), 0))
    states: dict[str, int] = {status: 0 for status in STATUSES if status != "received"}
    why, languages, parts = Counter[tuple[str, str]](), Counter[str](), 0
    costs: dict[str, Decimal] = {}
    for status, error, language, cost, n, sms in db.execute(
        counted.where(Message.broadcast_id == broadcast_id).group_by(*kinds)
    ):
        states[status] += n
        parts += sms
        if error:
            why[status, error] += n
        if language:
            languages[language] += n
        if price := read_price(cost):
            costs[price[1]] = costs.get(price[1], Decimal(0)) + price[0] * n
    reasons = tuple((status, error, n) for (status, error), n in why.most_common())
    return Totals(states, reasons, dict(languages.most_common()), parts, costs)


# --- small things ---


def _digest(name: str, texts: Mapping[str, str], audience: Audience, dialog: str) -> str:
    """The same for two broadcasts that say the same to the same people."""
    said = [name, dict(texts), audience.to_json(), dialog]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _no_draft(broadcast: Row[Any]) -> BroadcastError:
    id = broadcast.id
    if broadcast.begun_at is not None:
        return BroadcastError(
            f"Broadcast {id} was already sent on {_day(broadcast.begun_at)}: ngazi broadcast show {id}"
        )
    return BroadcastError(f"Broadcast {id} was cancelled: make a new one.")


Deed = Literal["be paused", "go on", "be cancelled"]


def _cannot(broadcast: Row[Any], deed: Deed) -> BroadcastError:
    states = {
        "draft": "has not been sent yet", "queueing": "is being sent", "sending": "is being sent",
        "paused": "is paused already", "cancelled": "was cancelled", "done": "has ended",
    }  # fmt: skip
    return BroadcastError(f"Broadcast {broadcast.id} cannot {deed}: it {states[broadcast.status]}.")


def _note(db: Connection, who: str, what: str, now: datetime, broadcast_id: int, reason: str = "") -> None:
    about = {"broadcast": broadcast_id} | ({"reason": reason} if reason else {})
    record(db, who, what, about, now)


def _day(at: datetime) -> str:
    return f"{at.day} {at:%b %Y at %H:%M} UTC"
