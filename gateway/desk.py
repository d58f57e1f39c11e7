"""The desk: gathers the inbounds that wait, and serves them in one transaction with one commit.

A durable commit is the cost that counts. One thread per process takes whatever is waiting: one inbound when it is
quiet, up to 128 in a crowd, so that a lone caller waits for nobody and a crowd shares the commit.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from dialogs import store, talk
from dialogs.inbound import Inbound, Reply
from dialogs.showing import House
from gateway import outbox, reasons, settling
from gateway.providers import DeliveryReport

log = logging.getLogger("ngazi.desk")
T = TypeVar("T")

MOST_AT_ONCE = 128
MOST_WAITING = 2_000
PATIENCE = 5.0  # seconds; Africa's Talking ends a session after 10
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0  # seconds between two looks for a database that is away
# PostgreSQL's codes for what goes well the second time: deadlock, serialization, unique, foreign key.
AGAIN = frozenset({"40P01", "40001", "23505", "23503"})


@dataclass(slots=True)
class Waiting:
    """One inbound and its caller. `dropped`: the caller got the busy screen before its turn began."""

    inbound: Inbound | None
    work: Callable[[Connection], Any] | None
    future: asyncio.Future[Any]
    came: float
    dropped: bool = False
    report: DeliveryReport | None = None


@dataclass(frozen=True, slots=True)
class DeskState:
    """How the desk is doing: how many wait, since how many seconds the `oldest` is served, what is there."""

    waiting: int
    alive: bool
    database_ok: bool
    lists: int
    served: int
    oldest: float = 0.0


class Busy(Exception):
    """The desk has too much to do, or its database is away."""


def utcnow() -> datetime:
    """Now, in UTC without a zone, as the tables keep it."""
    return datetime.now(UTC).replace(tzinfo=None)


class Desk:
    """Give it `house_now`, which tells the content in force, and it serves inbounds until it is stopped."""

    def __init__(
        self,
        engine: Engine,
        house_now: Callable[[], House],
        clock: Callable[[], datetime] = utcnow,
        *,
        patience: float = PATIENCE,
        most_at_once: int = MOST_AT_ONCE,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        self.engine, self.house_now, self.clock = engine, house_now, clock
        self.patience, self.most_at_once, self.most_waiting = patience, most_at_once, most_waiting
        self._queue: queue.SimpleQueue[Waiting | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._database_ok = True
        self._lists = self._served = 0
        self._oldest = 0.0  # when the oldest inbound of the list at hand came
        self.on_list: Callable[[int], None] = lambda size: None

    # --- callers, on the event loop ---

    async def take(self, inbound: Inbound) -> Reply:
        """The reply. Past five seconds, in a crowd or without a database it is the busy screen; but a message
        that was not taken in raises Busy, so that its provider brings it again."""
        if self._queue.qsize() >= self.most_waiting:
            return self._refuse(inbound)
        loop = asyncio.get_running_loop()
        waiting = Waiting(inbound, None, loop.create_future(), monotonic())
        timer = loop.call_later(self.patience, self._give_up, waiting)
        self._queue.put(waiting)
        try:
            reply = await waiting.future
        except Busy:
            return self._refuse(inbound)
        finally:
            timer.cancel()
        assert isinstance(reply, Reply)
        return reply

    async def run(self, work: Callable[[Connection], T]) -> T:
        """What `work` returns, done in the desk's thread in a transaction of its own. Raises what it raises."""
        if self._queue.qsize() >= self.most_waiting:
            raise Busy
        waiting = Waiting(None, work, asyncio.get_running_loop().create_future(), monotonic())
        self._queue.put(waiting)
        result: T = await waiting.future
        return result

    async def note(self, report: DeliveryReport) -> bool:
        """Keep a delivery report; those that wait share one transaction. False for an unknown message. Raises Busy."""
        if self._queue.qsize() >= self.most_waiting:
            raise Busy
        waiting = Waiting(None, None, asyncio.get_running_loop().create_future(), monotonic(), report=report)
        self._queue.put(waiting)
        known: bool = await waiting.future
        return known

    def busy(self) -> Reply:
        """The screen for a crowd."""
        return talk.busy(self.house_now())

    def sorry(self, inbound: Inbound) -> Reply:
        """The screen when something of ours failed."""
        return talk.sorry(self.house_now(), inbound)

    def state(self) -> DeskState:
        """For `/health` and the metrics."""
        alive = self._thread is not None and self._thread.is_alive()
        oldest = monotonic() - self._oldest if self._oldest else 0.0
        return DeskState(self._queue.qsize(), alive, self._database_ok, self._lists, self._served, oldest)

    def start(self) -> None:
        """Begin to serve; call it on the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._serve, name="desk", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Serve what is waiting, and end."""
        self._queue.put(None)
        if self._thread is not None:
            self._thread.join(self.patience * 2)

    def _refuse(self, inbound: Inbound) -> Reply:
        if inbound.kind != "ussd":
            raise Busy
        return self.busy()

    def _give_up(self, waiting: Waiting) -> None:
        waiting.dropped = True
        if not waiting.future.done():
            waiting.future.set_exception(Busy())

    # --- the desk's thread ---

    def _serve(self) -> None:
        pause, next_look = FIRST_PAUSE, 0.0
        while True:
            batch, going = self._gather(None if self._database_ok else max(0.01, next_look - monotonic()))
            if not self._database_ok and monotonic() >= next_look:
                self._database_ok = self._reachable()
                pause = FIRST_PAUSE if self._database_ok else min(pause * 2, LONGEST_PAUSE)
                next_look = monotonic() + pause
            self._oldest = batch[0].came if batch else 0.0
            try:
                if self._database_ok:
                    self._serve_list(batch)
                else:  # everybody who waits gets the busy screen at once
                    self._hand_back([(waiting, Busy()) for waiting in batch])
            except Exception as error:  # the desk must go on; the callers of this list get the busy screen
                log.error("a list failed: %s\n%s", _name(error), _frames(error))
                self._hand_back([(waiting, Busy()) for waiting in batch])
            self._oldest = 0.0
            if not going:
                return

    def _gather(self, patience: float | None) -> tuple[list[Waiting], bool]:
        """What is waiting, after a wait for the first; and whether to go on."""
        batch: list[Waiting] = []
        try:
            waiting = self._queue.get(timeout=patience)
            while waiting is not None:
                batch.append(waiting)
                if len(batch) == self.most_at_once:
                    return batch, True
                waiting = self._queue.get_nowait()
        except queue.Empty:
            return batch, True
        return batch, False

    def _reachable(self) -> bool:
        try:
            with self.engine.begin() as db:
                db.execute(select(1))
        except SQLAlchemyError:
            return False
        log.warning("the database is back")
        return True

    def _serve_list(self, batch: list[Waiting]) -> None:
        done: list[tuple[Waiting, Any]] = [
            (waiting, self._work(waiting.work)) for waiting in batch if waiting.work is not None
        ]
        done += self._reports([waiting for waiting in batch if waiting.report is not None])
        talking = [waiting for waiting in batch if waiting.inbound is not None and not waiting.dropped]
        if talking:
            inbounds = [waiting.inbound for waiting in talking if waiting.inbound is not None]
            done += zip(talking, self._replies(inbounds), strict=True)
            self._lists += 1
            self._served += len(talking)
        self._hand_back(done)
        if talking:
            self.on_list(len(talking))

    def _reports(self, batch: list[Waiting]) -> list[tuple[Waiting, Any]]:
        """All in one transaction; if that fails, one by one, so that one that cannot be kept harms no other."""
        if not batch:
            return []
        said, now = [waiting.report for waiting in batch if waiting.report is not None], self.clock()
        known = self._work(lambda db: settling.reports(db, said, now))
        if not isinstance(known, Exception):
            return list(zip(batch, known, strict=True))
        if isinstance(known, Busy) or len(batch) == 1:
            return [(waiting, known) for waiting in batch]
        return [pair for waiting in batch for pair in self._reports([waiting])]

    def _hand_back(self, done: list[tuple[Waiting, Any]]) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(_settle, done)

    def _work(self, work: Callable[[Connection], Any]) -> Any:
        for last in (False, True):
            try:
                with self.engine.begin() as db:
                    return work(db)
            except SQLAlchemyError as error:
                if not last and _is_stale(error):
                    self.engine.dispose()
                    continue
                if not last and _state(error) in AGAIN:
                    continue
                if _is_away(error):
                    self._away(error)
                    return Busy()
                return error
            except Exception as error:  # goes to the one who asked
                return error
        raise AssertionError  # the second round returns

    def _replies(self, inbounds: Sequence[Inbound]) -> list[Reply | Busy]:
        """A reply for each. A deadlock, a violation or a spoiled list: once more whole, then one by one."""
        for last in (False, True):
            try:
                return list(self._one_list(inbounds))
            except talk.Spoiled:
                break
            except store.Vanished:
                continue
            except SQLAlchemyError as error:
                if not last and _is_stale(error):
                    self.engine.dispose()  # the database was restarted since; it may be there again
                elif _is_away(error):
                    self._away(error)
                    return [Busy() for _ in inbounds]
                log.warning("a list is taken once more: %s", _name(error))
            except Exception as error:  # somebody's own trouble; the others must go on
                log.error("a list failed: %s\n%s", _name(error), _frames(error))
                break
        return [self._alone(inbound) for inbound in inbounds]

    def _alone(self, inbound: Inbound) -> Reply | Busy:
        for last in (False, True):
            try:
                return self._one_list([inbound])[0]
            except SQLAlchemyError as error:
                if not last and _is_stale(error):
                    self.engine.dispose()
                elif _is_away(error):
                    self._away(error)
                    return Busy()
                if last:
                    log.error("a turn could not be written: %s", _name(error))
            except store.Vanished:
                continue
            except Exception as error:  # this caller's own trouble
                log.error("a turn failed: %s\n%s", type(error).__name__, _frames(error))
                break
        return self.sorry(inbound) if inbound.kind == "ussd" else Busy()

    def _one_list(self, inbounds: Sequence[Inbound]) -> list[Reply]:
        house, now = self.house_now(), self.clock()
        with self.engine.begin() as db:
            people = store.meet(db, inbounds, house.seal, now, house.country_of)
            fresh = outbox.receive(db, inbounds, people, now)
            replies = talk.reply(db, fresh, people, house, now)
            _hold_stops(db, people.values(), now)
            outbox.answer(db, fresh, replies, people, house.seal, now, house.content.revision)
        if len(fresh) == len(inbounds):
            return replies
        by_inbound = {id(inbound): reply for inbound, reply in zip(fresh, replies, strict=True)}
        return [by_inbound.get(id(inbound), Reply("")) for inbound in inbounds]

    def _away(self, error: SQLAlchemyError) -> None:
        """No database: from now on everybody gets the busy screen at once, while we look for it."""
        if self._database_ok:
            log.error("the database is away: %s", _name(error))
        self._database_ok = False
        self.engine.dispose()


def _hold_stops(db: Connection, people: Any, now: datetime) -> None:
    stopped = sorted({person.id for person in people if person.stopped and "stopped" in person.changed})
    if stopped:
        settling.refuse_queued(db, stopped, reasons.STOPPED, now)


def _settle(done: list[tuple[Waiting, Any]]) -> None:
    for waiting, result in done:
        if waiting.future.done():
            continue
        if isinstance(result, BaseException):
            waiting.future.set_exception(result)
        else:
            waiting.future.set_result(result)


def _is_away(error: SQLAlchemyError) -> bool:
    """True if the database cannot be reached or written now, so that the same again would fail again."""
    if not isinstance(error, DBAPIError) or isinstance(error, IntegrityError):
        return not isinstance(error, DBAPIError) and "Timeout" in type(error).__name__
    state = _state(error)
    if state in AGAIN:
        return False
    if error.connection_invalidated or not state or state[:2] in ("08", "53", "57", "58", "25", "XX"):
        return type(error).__name__ in ("OperationalError", "InterfaceError", "InternalError", "DatabaseError")
    return False


def _is_stale(error: SQLAlchemyError) -> bool:
    """True if it was the connection that was gone. What it carried may even be committed; a repeat does no harm."""
    return isinstance(error, DBAPIError) and error.connection_invalidated


def _state(error: BaseException) -> str:
    """PostgreSQL's code, or nothing."""
    return getattr(getattr(error, "orig", None), "sqlstate", None) or ""


def _name(error: BaseException) -> str:
    """What kind of error, without its values."""
    orig = getattr(error, "orig", None)
    return f"{type(error).__name__} {type(orig).__name__ if orig else ''} {_state(error)}".strip()


def _frames(error: BaseException) -> str:
    return "".join(traceback.format_tb(error.__traceback__))
