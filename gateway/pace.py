"""How fast a channel may send: one token bucket in the database, the same for all processes; pause, drain, resume.

The lock of a channel's row is the queue of the workers of that channel: what they do under it, they do one by one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, case, select, update
from sqlalchemy.dialects import postgresql, sqlite

from dialogs.statements import table
from gateway.tables import Pace

KEPT_FOR_REPLIES = 0.2  # of the bucket; bulk leaves it alone
SMALLEST = 2.0  # tokens that a bucket holds at least, so that a fifth of it is less than one message
LONGEST_HOLD = timedelta(hours=1)  # further ahead than this a bucket's time means that the clock was set back


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many messages may go now. `wait` is how many seconds until one more of the bulk may."""

    replies: int
    bulk: int
    tokens: float
    wait: float
    paused: bool = False


def size(rate: float) -> float:
    """How many messages a bucket holds: those of one second."""
    return max(rate, SMALLEST)


def allowance(db: Connection, channel: str, rate: float, now: datetime) -> Allowance:
    """What may go now on this channel; its row stays locked to the end of the transaction."""
    row = db.execute(_row(channel).with_for_update()).one_or_none()
    if row is None:
        make: Any = sqlite.insert if db.dialect.name == "sqlite" else postgresql.insert
        fresh = {"channel": channel, "tokens": size(rate), "at": now, "reason": ""}
        db.execute(make(table(Pace)).values(fresh).on_conflict_do_nothing())
        row = db.execute(_row(channel).with_for_update()).one()
    tokens, _ = refilled(row.tokens, row.at, rate, now)
    if row.paused_at is not None:
        return Allowance(0, 0, tokens, LONGEST_HOLD.total_seconds(), paused=True)
    if row.at > now and row.at - now <= LONGEST_HOLD:  # held: the provider asked us to wait
        return Allowance(0, 0, tokens, (row.at - now).total_seconds())
    least = size(rate) * KEPT_FOR_REPLIES
    bulk = 0 if row.draining_at is not None else max(0, int(tokens - least + 1e-9))
    wait = 0.0 if bulk else (least + 1 - tokens) / rate
    return Allowance(max(0, int(tokens + 1e-9)), bulk, tokens, max(0.0, wait))


def refilled(tokens: float, at: datetime, rate: float, now: datetime) -> tuple[float, datetime]:
    """The tokens that there are now, and the time that they are of.

    Of two machines whose clocks differ only the faster one fills: time that was counted is not counted again.
    """
    if at - now > LONGEST_HOLD:
        at = now  # the clock was set back
    passed = max(0.0, (now - at).total_seconds())
    return min(size(rate), tokens + passed * rate), max(at, now)


def spend(db: Connection, channel: str, left: float, now: datetime) -> None:
    """This many tokens are left at this time. Only by whom `allowance` gave the lock."""
    holds = Pace.at.between(now, now + LONGEST_HOLD)  # of a faster clock, or a rest; else it was set back
    db.execute(update(Pace).where(Pace.channel == channel).values(tokens=left, at=case((holds, Pace.at), else_=now)))


def hold(db: Connection, channel: str, until: datetime, now: datetime) -> None:
    """Send nothing until then: the provider asked for it, or does not answer. At most an hour."""
    until = min(until, now + LONGEST_HOLD)
    db.execute(update(Pace).where(Pace.channel == channel, Pace.at < until).values(at=until, tokens=0.0))


def pause(db: Connection, channel: str, reason: str, now: datetime) -> None:
    """Send nothing until somebody resumes; what waits goes on waiting."""
    _set(db, channel, now, {"paused_at": now, "reason": reason[:200]})


def drain(db: Connection, channel: str, now: datetime) -> None:
    """Send replies only."""
    _set(db, channel, now, {"draining_at": now})


def resume(db: Connection, channel: str, now: datetime) -> None:
    """Send again."""
    _set(db, channel, now, {"paused_at": None, "draining_at": None, "reason": ""})


def states(db: Connection) -> Mapping[str, Any]:
    """The rows of all channels that have sent something, by name: tokens, at, paused_at, draining_at, reason."""
    return {row.channel: row for row in db.execute(select(table(Pace)))}


def _row(channel: str) -> Any:
    return select(Pace.tokens, Pace.at, Pace.paused_at, Pace.draining_at).where(Pace.channel == channel)


def _set(db: Connection, channel: str, now: datetime, values: Mapping[str, Any]) -> None:
    make: Any = sqlite.insert if db.dialect.name == "sqlite" else postgresql.insert
    fresh = {"channel": channel, "tokens": 0.0, "at": now, "reason": "", **values}
    made = make(table(Pace)).values(fresh)
    db.execute(made.on_conflict_do_update(index_elements=["channel"], set_=dict(values)))
