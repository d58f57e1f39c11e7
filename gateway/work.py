"""The worker: hands over what waits, channel by channel, in `ngazi serve` and as `ngazi work`; any number of them.

Each channel has one thread that owns its database work. In one transaction it writes what became of the last calls and
claims the next, as the desk does for phones; the calls themselves are made by threads of their own.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic, sleep
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from dialogs.showing import House
from gateway import settling
from gateway.batch import Claimed, Lane
from gateway.claim import claim
from gateway.desk import Busy
from gateway.providers import Outcome, Outgoing, Provider

log = logging.getLogger("ngazi.work")
T = TypeVar("T")
Transact = Callable[[Callable[[Connection], T]], T]

IDLE = 0.5  # seconds between two looks at a channel on which nothing waits
THROTTLED = 0.05  # seconds that a claim waits at least for the bucket: many tiny claims would cost more than they send
TOGETHER = 0.01  # seconds: calls that were begun together end together, and share a transaction then
AWAY = (0.1, 5.0)  # seconds between two tries while the database is away: the first, the longest
DEAD_AFTER = 3  # whole calls in a row that could not be made: then the channel rests
LONGEST_REST = 60.0  # seconds


@dataclass(slots=True)
class Tally:
    """What a worker has done since it began, by what became of the messages."""

    handed: dict[str, int] = field(default_factory=dict)

    def add(self, outcomes: list[Outcome]) -> None:
        """Count these."""
        for each in outcomes:
            self.handed[each.status] = self.handed.get(each.status, 0) + 1


@dataclass(slots=True)
class Clerk:
    """One channel's thread. `transact` runs a function in one transaction and may raise what databases raise."""

    lane: Lane
    provider: Provider
    house: Callable[[], House]
    transact: Callable[[Callable[[Connection], Any]], Any]
    clock: Callable[[], datetime]
    on_settled: Callable[[str, list[Outcome]], None] = lambda channel, outcomes: None
    tally: Tally = field(default_factory=Tally)
    wake: threading.Event = field(default_factory=threading.Event)
    going: bool = True
    flying: int = 0  # calls that were handed over and not heard of
    idle: bool = False  # nothing could go at the last look
    _done: queue.SimpleQueue[list[Outcome]] = field(default_factory=queue.SimpleQueue)
    _held: list[Outcome] = field(default_factory=list)  # not written yet
    _leases: dict[int, datetime] = field(default_factory=dict)  # of the messages under way
    _lost: list[Claimed] = field(default_factory=list)  # claims whose transaction's end was not heard
    _failed: int = 0
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._run, name=f"work-{self.lane.channel.name}", daemon=True)
        self._thread.start()

    def stop(self, patience: float) -> None:
        """Claim no more, write what the calls under way bring, and end."""
        self.going = False
        self.wake.set()
        if self._thread is not None:
            self._thread.join(patience)

    def _run(self) -> None:
        with ThreadPoolExecutor(self.lane.carriage.calls, f"call-{self.lane.channel.name}") as callers:
            pause = AWAY[0]
            while self.going or self.flying or self._held:
                self._collect()
                try:
                    claimed = self._step()
                    pause = AWAY[0]
                except (SQLAlchemyError, Busy) as error:
                    log.warning("channel %s waits for the database: %s", self.lane.channel.name, type(error).__name__)
                    self._rest(pause)
                    pause = min(pause * 2, AWAY[1])
                    if not self.going and pause >= AWAY[1]:
                        return  # stopped, and the database stays away: leases tell the rest
                    continue
                except Exception:
                    log.exception("channel %s: a step failed", self.lane.channel.name)
                    self._rest(AWAY[1])
                    continue
                if claimed.lease_until is not None:
                    self._leases |= dict.fromkeys(claimed.ids, claimed.lease_until)
                for call in claimed.calls:
                    self.flying += 1
                    callers.submit(self._call, call)
                self._wait(claimed)

    def _call(self, call: list[Outgoing]) -> None:
        """One call to the provider, in a thread of its own."""
        try:
            outcomes = self.provider.send(call)
        except Exception as error:  # a provider's own slip: what was handed over may have gone
            log.exception("channel %s: sending failed", self.lane.channel.name)
            outcomes = [Outcome(each.id, "unknown", reason=f"sending failed: {type(error).__name__}") for each in call]
        told = {each.id for each in outcomes}
        outcomes = [*outcomes, *(Outcome(each.id, "unknown") for each in call if each.id not in told)]
        self._done.put(outcomes)
        self.wake.set()

    def _collect(self) -> None:
        """Take what the calls have brought."""
        while True:
            try:
                outcomes = self._done.get_nowait()
            except queue.Empty:
                return
            self.flying -= 1
            self._held += outcomes
            dead = bool(outcomes) and all(each.status == "again" and not each.wait for each in outcomes)
            self._failed = self._failed + 1 if dead else 0

    def _step(self) -> Claimed:
        """Write what is known, claim what may go; one transaction."""
        said, lost = list(self._held), list(self._lost)
        free = max(0, self.lane.carriage.calls - self.flying) if self.going else 0
        rest = min(2.0 ** (self._failed - DEAD_AFTER), LONGEST_REST) if self._failed >= DEAD_AFTER else 0.0
        if not said and not lost and not free:
            return Claimed(wait=IDLE)
        made: list[Claimed] = []

        def work(db: Connection) -> Claimed:
            made.clear()  # the function may run twice
            now, name = self.clock(), self.lane.channel.name
            for each in lost:
                if each.lease_until is not None:
                    settling.release(db, each.ids, each.lease_until)
            found = settling.outcomes(db, name, said, now, self._leases)
            if rest and said:
                settling.carry_out(db, name, settling.Consequences(hold=rest), now)
            if found.pause:
                log.error("channel %s is paused: %s", name, found.pause)
            house = self.house()
            claimed = claim(db, self.lane, free, house, house.content.hours, now) if free else Claimed(wait=IDLE)
            made.append(claimed)
            return claimed

        try:
            claimed: Claimed = self.transact(work)
        except BaseException:
            self._lost += [each for each in made if each.calls]  # perhaps it was committed, perhaps not
            raise
        self._held = self._held[len(said) :]
        self._lost = self._lost[len(lost) :]
        for each in said:
            self._leases.pop(each.id, None)
        self.tally.add(said)
        if said:
            self.on_settled(self.lane.channel.name, said)
        return claimed

    def _wait(self, claimed: Claimed) -> None:
        self.idle = not claimed.looked_at and not self.flying and not self._held
        if self.flying >= self.lane.carriage.calls:
            self._rest(IDLE)
            sleep(TOGETHER)
        elif claimed.throttled:
            sleep(THROTTLED)
        elif not claimed.looked_at:  # else there may be more
            self._rest(min(IDLE, max(THROTTLED, claimed.wait)) if claimed.wait and not claimed.paused else IDLE)

    def _rest(self, seconds: float) -> None:
        """Until something happens, at most so long."""
        self.wake.wait(seconds)
        self.wake.clear()


class Worker:
    """All channels of one process."""

    def __init__(
        self,
        providers: Mapping[str, Provider],
        channels: Mapping[str, Any],
        house: Callable[[], House],
        transact: Callable[[Callable[[Connection], Any]], Any],
        clock: Callable[[], datetime],
        on_settled: Callable[[str, list[Outcome]], None] = lambda channel, outcomes: None,
    ) -> None:
        self.transact, self.clock = transact, clock
        self.clerks = {
            name: Clerk(Lane(channels[name], provider.carriage), provider, house, transact, clock, on_settled)
            for name, provider in providers.items()
        }

    def start(self) -> None:
        """Begin on every channel."""
        for clerk in self.clerks.values():
            clerk.start()

    def stop(self, patience: float) -> None:
        """Hand over nothing more, write what the calls under way bring; at most `patience` seconds."""
        for clerk in self.clerks.values():
            clerk.going = False
            clerk.wake.set()
        until = monotonic() + patience
        for clerk in self.clerks.values():
            clerk.stop(max(0.0, until - monotonic()))

    def wake(self) -> None:
        """Something was queued: look now."""
        for clerk in self.clerks.values():
            clerk.wake.set()

    @property
    def idle(self) -> bool:
        """True if at the last look nothing could go and no call is under way."""
        return all(clerk.idle for clerk in self.clerks.values())
