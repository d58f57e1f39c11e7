"""Settling: what became of messages, as providers say it at once, later, twice and in any order. States go forward.

What a provider says may also concern more than its message: a number that does not work, a person who opted out, a
broadcast that must stop, a channel that must pause.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Executable, case, insert, null, or_, select, update
from sqlalchemy.exc import IntegrityError

from dialogs.statements import INT, TEXT, TIME, rows_of, table, when
from dialogs.tables import Address, Consent, Contact
from gateway import pace, reasons
from gateway.providers import DeliveryReport, Outcome
from gateway.tables import ABOUT_KEPT, Broadcast, Message, Report
from gateway.waiting import SENDING

RANK = {"queued": 0, "sending": 1, "sent": 2, "unknown": 2, "expired": 3, "failed": 3, "refused": 3, "delivered": 4}
AGAIN_AFTER = (5, 20, 60, 300, 900, 1800, 3600)  # seconds from one try to the next; after the last comes no other
EARLY_LASTS = timedelta(days=1)  # how long a report waits for its message
LONGEST_LEASE = timedelta(hours=1)  # one that ends later than this was given before the clock was set back
REPORTS_AT_ONCE = 500


@dataclass(slots=True)
class Consequences:
    """What follows beyond the messages themselves: contacts who opted out, numbers that are bad, and so on."""

    stopped: set[int] = field(default_factory=set)
    bad: set[int] = field(default_factory=set)  # addresses
    halted: dict[int, str] = field(default_factory=dict)  # broadcasts, with the reason
    pause: str = ""
    hold: float = 0.0  # seconds


def outcomes(
    db: Connection,
    channel: str,
    said: Sequence[Outcome],
    now: datetime,
    leases: Mapping[int, datetime] = MappingProxyType({}),
) -> Consequences:
    """Write what a provider said when messages were handed over. The same again changes nothing.

    `leases` are those of the claims, by message: what another has claimed since is not touched. That happens where
    the end of a transaction was not heard and "again" is written a second time.
    """
    found = Consequences()
    if not said:
        return found
    tried = _attempts(db, [each.id for each in said if each.status == "again"])
    said = _kept_for_later(db, said)
    rows = [{**_row(each, tried.get(each.id, 0), now), "lease": when(leases.get(each.id))} for each in said]
    sql = _statements(db.dialect.name)
    try:
        with db.begin_nested():
            db.execute(sql["settle"], {"rows": json.dumps(rows)})
    except IntegrityError:  # an id that another message has already: no report will tell the two apart
        for row in rows:
            row["provider_id"] = None
        db.execute(sql["settle"], {"rows": json.dumps(rows)})
    _early(db, channel, [each.provider_id for each in said if each.provider_id], now)
    _follow(db, found, {each.id: (each.remedy, each.reason) for each in said if each.remedy})
    found.pause = next((each.reason for each in said if each.remedy == "pause"), "")
    slower = [each.wait for each in said if each.status == "again" and each.remedy == ""]  # "later" is one number's
    found.hold = max(slower, default=0.0)
    carry_out(db, channel, found, now)
    return found


def _row(said: Outcome, attempts: int, now: datetime) -> dict[str, Any]:
    status: str = said.status
    error, due_at, done_at, counted = said.reason, None, when(now), 0
    if status == "again":
        free = bool(said.wait) or said.remedy in ("pause", "halt")  # no fault of the message: the try does not count
        counted = -1 if free else 0
        if not free and attempts > len(AGAIN_AFTER):
            status, error = "failed", f"{reasons.GAVE_UP}: {said.reason}"
        else:
            pause = said.wait or (0 if free else AGAIN_AFTER[max(attempts, 1) - 1])
            status, error, done_at = "queued", f"{reasons.TRIED_AGAIN}: {said.reason}", None
            due_at = when(now + timedelta(seconds=pause))
    elif status == "sent":
        error, done_at = "", None
    elif status == "unknown":
        error = said.reason or reasons.NO_ANSWER
    return {
        "id": said.id, "status": status, "provider_id": said.provider_id or None, "error": error[:200],
        "cost": said.cost[:40], "due_at": due_at, "done_at": done_at, "counted": counted,
    }  # fmt: skip


def _kept_for_later(db: Connection, said: Sequence[Outcome]) -> Sequence[Outcome]:
    """A broadcast that was stopped keeps its messages: they go once somebody has mended the cause."""
    halted = [each.id for each in said if each.remedy == "halt" and each.status == "refused"]
    if not halted:
        return said
    of_broadcasts = select(Message.id).where(Message.id.in_(halted), Message.broadcast_id.is_not(None))
    kept = set(db.execute(of_broadcasts).scalars())
    return [replace(each, status="again") if each.id in kept else each for each in said]


def _attempts(db: Connection, ids: Sequence[int]) -> dict[int, int]:
    if not ids:
        return {}
    return {row.id: row.attempts for row in db.execute(select(Message.id, Message.attempts).where(Message.id.in_(ids)))}


def reports(db: Connection, said: Sequence[DeliveryReport], now: datetime) -> list[bool]:
    """Keep these delivery reports and move their messages forward, never back. False for each unknown message.

    A report may come before its message has the provider's id: it waits, and `outcomes` finds it.
    """
    sql = _statements(db.dialect.name)
    wanted = [{"channel": each.channel, "provider_id": each.provider_id} for each in said]
    found = db.execute(sql["find"], {"rows": json.dumps(wanted)})
    ids = {(row.channel, row.provider_id): row.id for row in found}
    kept = [
        {
            "message_id": ids.get((each.channel, each.provider_id)), "channel": each.channel,
            "provider_id": each.provider_id, "status": each.status, "reason": _why(each), "remedy": each.remedy,
            "raw": dict(each.raw), "at": now,
        }
        for each in said
    ]  # fmt: skip
    db.execute(insert(Report), kept)
    known = [(ids.get((each.channel, each.provider_id)), each) for each in said]
    _apply(db, [(id, each.status, _why(each), each.remedy, each.cost) for id, each in known if id is not None], now)
    return [id is not None for id, _ in known]


def _why(report: DeliveryReport) -> str:
    """The reason in the provider's words, since it has said no other."""
    return (report.reason or (report.word if report.status == "failed" else ""))[:200]


def _early(db: Connection, channel: str, provider_ids: Sequence[str], now: datetime) -> None:
    """Apply the reports that came before these ids were known."""
    if not provider_ids:
        return
    sql = _statements(db.dialect.name)
    wanted = [{"channel": channel, "provider_id": each} for each in provider_ids]
    match_early(db, db.execute(sql["early"], {"rows": json.dumps(wanted)}).all(), now)


def late_matches(db: Connection, now: datetime) -> int:
    """Apply reports that came while the answer to the sending was being written; gives how many."""
    wanted = (
        select(Report.id, Message.id.label("message_id"), Report.status, Report.reason, Report.remedy)
        .join(Message, (Message.channel == Report.channel) & (Message.provider_id == Report.provider_id))
        .where(Report.message_id.is_(None), Report.provider_id != "", Message.direction == "out")
        .where(Report.at >= now - EARLY_LASTS)
        .order_by(Report.id)
        .limit(REPORTS_AT_ONCE)
    )
    rows = db.execute(wanted).all()
    match_early(db, rows, now)
    return len(rows)


def match_early(db: Connection, rows: Iterable[Any], now: datetime) -> None:
    """Give these waiting reports (id, message_id, status, reason, remedy) to their messages."""
    rows = list(rows)
    if not rows:
        return
    for row in rows:
        db.execute(update(Report).where(Report.id == row.id).values(message_id=row.message_id))
    _apply(db, [(row.message_id, row.status, row.reason, row.remedy, "") for row in rows], now)


def _apply(db: Connection, said: Sequence[tuple[int, str, str, str, str]], now: datetime) -> None:
    """Move messages forward: (id, status, reason, remedy, cost). A word that is not known moves nothing."""
    best: dict[int, dict[str, Any]] = {}
    for id, status, reason, _, cost in said:
        rank = RANK.get(status, -1)
        if status == "unknown" or rank <= best.get(id, {}).get("rank", 0):
            continue
        done = when(now) if rank > RANK["sent"] else None
        best[id] = {"id": id, "status": status, "rank": rank, "error": reason[:200], "cost": cost[:40], "done_at": done}
    if best:
        rows = [best[id] for id in sorted(best)]
        db.execute(_statements(db.dialect.name)["forward"], {"rows": json.dumps(rows)})
    found = Consequences()
    remedies = {id: (remedy, reason) for id, _, reason, remedy, _ in said if remedy}
    _follow(db, found, remedies)
    carry_out(db, "", found, now)


def _follow(db: Connection, found: Consequences, remedies: Mapping[int, tuple[str, str]]) -> None:
    """Look up whom the remedies of these messages concern."""
    wider = {id: each for id, each in remedies.items() if each[0] in ("bad", "stopped", "halt")}
    if not wider:
        return
    columns = (Message.id, Message.contact_id, Message.address_id, Message.broadcast_id)
    for row in db.execute(select(*columns).where(Message.id.in_(sorted(wider)))):
        remedy, reason = wider[row.id]
        if remedy == "stopped" and row.contact_id is not None:
            found.stopped.add(row.contact_id)
        elif remedy == "bad" and row.address_id is not None:
            found.bad.add(row.address_id)
        elif remedy == "halt" and row.broadcast_id is not None:
            found.halted[row.broadcast_id] = reason


def carry_out(db: Connection, channel: str, found: Consequences, now: datetime) -> None:
    """Do what follows: addresses first, then contacts, as everywhere."""
    if found.bad:
        bad = update(Address).where(Address.id.in_(sorted(found.bad)), Address.bad_at.is_(None))
        db.execute(bad.values(bad_at=now, refused_by=channel[:80]))
    stop(db, sorted(found.stopped), "provider", now)
    for id, reason in sorted(found.halted.items()):
        running = Broadcast.status.in_(("queueing", "sending"))
        halt = update(Broadcast).where(Broadcast.id == id, running)
        db.execute(halt.values(status="paused", reason=f"{reasons.HALTED}: {reason}"[:200]))
    if channel and found.pause:
        pace.pause(db, channel, found.pause, now)
    elif channel and found.hold:
        pace.hold(db, channel, now + timedelta(seconds=found.hold), now)


def stop(db: Connection, contact_ids: Sequence[int], how: str, now: datetime) -> None:
    """These people said STOP, by way of a provider or the staff: no message any more, on no channel."""
    if not contact_ids:
        return
    going = select(Contact.id).where(Contact.id.in_(contact_ids), Contact.stopped_at.is_(None)).order_by(Contact.id)
    fresh = list(db.execute(going.with_for_update(key_share=True)).scalars())
    if fresh:
        db.execute(update(Contact).where(Contact.id.in_(fresh)).values(stopped_at=now))
        said = {"what": "all", "yes": False, "how": how, "wording": "", "revision": "", "at": now}
        db.execute(insert(Consent), [{"contact_id": id, **said} for id in fresh])
    db.execute(update(Address).where(Address.contact_id.in_(contact_ids)).values(sealed=None, key_id=None))
    refuse_queued(db, contact_ids, reasons.STOPPED, now)


def refuse_queued(db: Connection, contact_ids: Sequence[int], reason: str, now: datetime) -> None:
    """Settle what waits for these contacts: it is never sent, and says why."""
    db.execute(
        update(Message)
        .where(Message.contact_id.in_(contact_ids), Message.status == "queued")
        .values(status="refused", error=reason, done_at=now, text=None, to_sealed=None, about=ABOUT_KEPT)
    )


def leases(db: Connection, now: datetime) -> int:
    """What was handed to a process that ended before it could say more: nobody knows whether it went."""
    over = or_(Message.lease_until < now, Message.lease_until > now + LONGEST_LEASE)
    gone = update(Message).where(SENDING, over)
    values = {
        "status": "unknown",
        "error": reasons.WORKER_ENDED,
        "done_at": now,
        "to_sealed": None,
        "about": ABOUT_KEPT,
    }
    return db.execute(gone.values(values)).rowcount


def release(db: Connection, ids: Sequence[int], lease_until: datetime) -> None:
    """Put back what was claimed and surely not handed over, as the transaction's end was not heard."""
    back = update(Message).where(Message.id.in_(ids), Message.status == "sending", Message.lease_until == lease_until)
    db.execute(back.values(status="queued", lease_until=None, sent_at=None, attempts=Message.attempts - 1))


@cache
def _statements(dialect: str) -> dict[str, Executable]:
    message = table(Message)
    said = rows_of(
        dialect,
        {"id": INT, "status": TEXT, "provider_id": TEXT, "error": TEXT, "cost": TEXT, "due_at": TIME, "done_at": TIME,
         "counted": INT, "lease": TIME},
    )  # fmt: skip
    queued = said.c.status == "queued"
    told = rows_of(dialect, {"id": INT, "status": TEXT, "rank": INT, "error": TEXT, "cost": TEXT, "done_at": TIME})
    ranked = case(*((message.c.status == status, rank) for status, rank in RANK.items()), else_=9)
    asked = rows_of(dialect, {"channel": TEXT, "provider_id": TEXT})
    same = (Message.channel == asked.c.channel) & (Message.provider_id == asked.c.provider_id)
    parked = (Report.channel == asked.c.channel) & (Report.provider_id == asked.c.provider_id)
    return {
        "settle": update(message)
        .values(
            status=said.c.status,
            provider_id=case((said.c.provider_id.is_(None), message.c.provider_id), else_=said.c.provider_id),
            error=said.c.error,
            cost=said.c.cost,
            attempts=message.c.attempts + said.c.counted,
            due_at=case((said.c.due_at.is_(None), message.c.due_at), else_=said.c.due_at),
            done_at=said.c.done_at,
            lease_until=None,
            sent_at=case((queued, null()), (said.c.status.in_(("refused", "failed")), null()), else_=message.c.sent_at),
            to_sealed=case((queued, message.c.to_sealed), else_=null()),
            about=case((queued, message.c.about), else_=ABOUT_KEPT),
        )
        .where(message.c.id == said.c.id)
        .where(or_(message.c.status == "sending", (message.c.status == "unknown") & ~queued))
        .where(or_(said.c.lease.is_(None), message.c.lease_until == said.c.lease)),
        "forward": update(message)
        .values(
            status=told.c.status,
            error=told.c.error,
            cost=case((told.c.cost == "", message.c.cost), else_=told.c.cost),
            done_at=case((told.c.done_at.is_(None), message.c.done_at), else_=told.c.done_at),
            to_sealed=case((told.c.rank < RANK["sent"], message.c.to_sealed), else_=null()),
        )
        .where(message.c.id == told.c.id, ranked < told.c.rank),
        "find": select(Message.id, Message.channel, Message.provider_id)
        .join(asked, same)
        .where(Message.direction == "out"),
        "early": select(Report.id, Message.id.label("message_id"), Report.status, Report.reason, Report.remedy)
        .join(asked, parked)
        .join(Message, (Message.channel == Report.channel) & (Message.provider_id == Report.provider_id))
        .where(Report.message_id.is_(None))
        .order_by(Report.id),
    }
