"""All that sends in one process: a worker with its channels, and the chores beside it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from time import sleep
from typing import Any

from sqlalchemy import Connection, Engine, case, func, select
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from dialogs.showing import House
from gateway import pace, queueing, reminders, settling
from gateway.channels import Channel
from gateway.chores import Chore, Chores
from gateway.command import BREATH
from gateway.desk import AGAIN, Busy
from gateway.providers import Outcome, Provider
from gateway.tables import REPLIES_FIRST, Broadcast, Message
from gateway.waiting import QUEUED, SENDING
from gateway.work import Worker

log = logging.getLogger("ngazi.dispatch")

LAST_CALLS = 20.0  # seconds for the calls under way when we are asked to stop; longer than one may take
RETRY_SOON = timedelta(minutes=5)  # a message that is tried again before that is worth waiting for
SMOOTH = 3  # tries of a transaction that met another one


def through_engine(engine: Engine) -> Callable[[Callable[[Connection], Any]], Any]:
    """Transactions of this process's own; one that met another is taken once more."""

    def transact(work: Callable[[Connection], Any]) -> Any:
        for last in range(SMOOTH):
            try:
                with engine.begin() as db:
                    result = work(db)
                if engine.dialect.name == "sqlite":
                    sleep(BREATH)
                return result
            except DBAPIError as error:
                if last == SMOOTH - 1 or getattr(error.orig, "sqlstate", None) not in AGAIN:
                    raise
        raise AssertionError  # the last round returns or raises

    return transact


@dataclass(frozen=True, slots=True)
class Later:
    """How many messages wait, when the next of them may go, and which channels are paused."""

    count: int
    next_at: datetime | None
    paused: tuple[str, ...] = ()


class Dispatch:
    """Start it, and what waits is sent until it is stopped."""

    def __init__(
        self,
        channels: Mapping[str, Channel],
        providers: Mapping[str, Provider],
        house: Callable[[], House],
        transact: Callable[[Callable[[Connection], Any]], Any],
        clock: Callable[[], datetime],
        on_settled: Callable[[str, list[Outcome]], None] = lambda channel, outcomes: None,
        content: Callable[[], object] | None = None,
        slice: int = 0,
    ) -> None:
        """`content` looks for edits of the content, where nobody else does. `slice`: as in queueing.Sending."""
        self.transact, self.clock = transact, clock
        self.worker = Worker(providers, channels, house, transact, clock, on_settled)
        rates = {name: clerk.lane.rate for name, clerk in self.worker.clerks.items()}
        self.chores = Chores(
            transact,
            [
                Chore("looking for leases that ran out", 2.0, lambda db: settling.leases(db, clock())),
                Chore("matching early reports", 5.0, lambda db: settling.late_matches(db, clock())),
                Chore(
                    "queueing broadcasts",
                    1.0,
                    lambda db: queueing.continue_work(
                        db, clock(), queueing.Sending(channels, house().content, rates, slice)
                    ),
                ),
                Chore("writing reminders", 30.0, partial(_remind, channels, house, clock)),
            ],
            content,
        )

    def start(self) -> None:
        """Begin."""
        self.worker.start()
        self.chores.start()

    def stop(self) -> None:
        """Hand over nothing more, write what the calls under way bring, and end."""
        self.chores.stop(LAST_CALLS)
        self.worker.stop(LAST_CALLS)

    def wake(self) -> None:
        """Something was queued."""
        self.worker.wake()

    def pending(self) -> bool:
        """True while something is on its way, may go now, or is tried again soon; also while nobody can tell, since
        the database is away: calls may be under way."""
        names = list(self.worker.clerks)
        try:
            found: bool = self.transact(lambda db: pending(db, self.clock(), names))
        except (SQLAlchemyError, Busy):
            return True
        return found

    def later(self) -> Later:
        """What waits for a better hour, a person or a paused channel."""
        found: Later = self.transact(lambda db: later(db, self.clock()))
        return found


def _remind(
    channels: Mapping[str, Channel], house: Callable[[], House], clock: Callable[[], datetime], db: Connection
) -> int:
    return reminders.plan(db, clock(), house(), channels)


def pending(db: Connection, now: datetime, channels: Sequence[str]) -> bool:
    """Whether these channels have something to send, now or within minutes. A paused channel waits for a person."""
    stands = pace.states(db)
    going = [name for name in channels if name not in stands or stands[name].paused_at is None]
    draining = [name for name in going if name in stands and stands[name].draining_at is not None]
    may_go = Message.channel.in_(going) & (Message.channel.not_in(draining) | (Message.priority == REPLIES_FIRST))
    soon = now + RETRY_SOON
    looks = (
        select(Message.id).where(SENDING),
        select(Message.id).where(QUEUED, may_go, Message.due_at <= now),
        select(Message.id).where(QUEUED, may_go, Message.due_at <= soon, Message.attempts > 0),
        select(Broadcast.id).where(Broadcast.status == "queueing"),
    )
    return any(db.execute(look.limit(1)).first() is not None for look in looks)


def later(db: Connection, now: datetime) -> Later:
    """What waits. The rows of a paused broadcast are due never, and those of a paused channel in the past."""
    coming = case((Message.due_at.between(now, queueing.FAR - timedelta(days=1)), Message.due_at))
    found = db.execute(select(func.count(), func.min(coming)).where(Message.status == "queued")).one()
    paused = sorted(name for name, row in pace.states(db).items() if row.paused_at is not None)
    return Later(found[0], found[1], tuple(paused))
