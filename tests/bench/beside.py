"""The sixth table: what phones notice while a broadcast is sent, or queued, beside their calls."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from dialogs.database import open_engine
from gateway import pace
from gateway.desk import utcnow
from tests.bench import people, senders
from tests.bench.calls import Wrong
from tests.bench.house import LEAD, Bench
from tests.bench.page import Table, milliseconds, number
from tests.bench.queuer import Queuer
from tests.bench.rounds import POSTGRES, SQLITE, Seen
from tests.bench.servers import CHANNEL, SECRET, Server, environment, ngazi, stopping

RATE = 500  # messages a second that the broadcast is sent with
READERS = 20_000  # whom it is sent to
QUEUED = 100_000  # whom another one is queued for
WARM = 2.0  # seconds of calls before the first round: what was filled in is written back
SHARE = 2 / 3  # of the length of other measurements: there are many
PATIENCE = 60.0  # seconds for a transaction of somebody else
KEPT, LATE = 0.7, 0.2  # of the rate of callbacks; seconds, 99 of 100 answered
ALONE, SENDS, QUEUES = "without", "a broadcast is sent", "a broadcast is queued"
APART = f"{POSTGRES}, the worker a process of its own"


@dataclass(slots=True)
class House:
    """A gateway with phones and a worker."""

    name: str
    url: str
    server: Server
    queuer: Queuer
    seen: dict[str, Seen] = field(default_factory=dict)
    sent: list[float] = field(default_factory=list)  # messages a second beside the callbacks
    queued: list[float] = field(default_factory=list)  # rows a second
    longest: float = 0.0  # seconds of a slice
    pausing: float = 0.0  # seconds until somebody else's transaction got in
    locked: int = 0  # how often the queueing process gave up, as the database was locked


def beside(bench: Bench) -> None:
    """Callbacks alone, beside a broadcast that is sent, beside one that is queued; in turns."""
    with stopping() as running:
        provider = senders.fake("africastalking", bench.folder)
        running.append(provider)
        houses = begun(bench, running, provider)
        try:
            for _ in range(bench.wishes.rounds):
                for house in houses:
                    round_of(bench, house, provider)
        finally:
            for house in houses:
                house.queuer.__exit__()
        for house in houses:
            counted, asked = house.server.metric("ngazi_callbacks_total"), sum(x.asked for x in house.seen.values())
            if counted != asked:
                raise Wrong(f"{house.name}: {asked} callbacks, its metrics say {counted:.0f}")
    bench.tables.append(table(bench, houses))
    bench.say(bench.tables[-1].plain())
    targets(bench, houses)


def channels(provider: Server) -> str:
    """The phones' channel, the one that the broadcast goes through, and one that is only queued for."""
    phones = f"{CHANNEL}=africastalking://user:key@?code=*384*77%23&country=KE&secret={SECRET}"
    bulk = senders.channel("bulk", "africastalking", provider, RATE)
    return f"{phones} {bulk} {senders.channel('later', 'africastalking', None)}"


def begun(bench: Bench, running: list[Server], provider: Server) -> list[House]:
    """The gateways, each with a broadcast that waits on a paused channel."""
    numbers, written = bench.wishes.numbers, channels(provider)
    wanted = [name for name in (SQLITE, POSTGRES, APART) if bench.wishes.wanted(name)]
    urls: dict[str, str] = {}
    for kind in ("sqlite", "postgresql"):
        mine = [name for name in wanted if (name == SQLITE) == (kind == "sqlite")]
        if not mine:
            continue
        url = bench.filled(kind, numbers)
        people.reachable(url, bench.seal, READERS, "UG")
        people.crowd(url, min(QUEUED, bench.wishes.people), "TZ")
        waiting(bench, url, written)
        urls[mine[0]] = url
        for name in mine[1:]:
            urls[name] = bench.copied(kind, numbers, "apart")
    return [started(bench, running, name, url, written) for name, url in urls.items()]


def waiting(bench: Bench, url: str, written: str) -> None:
    """Queue the broadcast; nothing of it goes yet."""
    engine = open_engine(url, plain=True)
    for name in ("bulk", "later"):
        with engine.begin() as db:
            pace.pause(db, name, senders.REASON, utcnow())
    senders.queue_broadcast(engine, bench.content, written, "bulk", "UG")
    engine.dispose()


def started(bench: Bench, running: list[Server], name: str, url: str, written: str) -> House:
    where = "elsewhere" if name == APART else "here"
    server = ngazi(name, bench.folder, url, NGAZI_CHANNELS=written, NGAZI_SENDING=where)
    running.append(server)
    if name == APART:
        running.append(senders.worker(f"the worker of {name}", bench.folder, url, written))
    bench.gather(server, bench.wishes.numbers, bench.wishes.numbers)
    queuer = Queuer(environment(bench.folder, url, 0, {"NGAZI_CHANNELS": written}))
    house = House(name, url, server, queuer)
    house.seen = {state: Seen(server) for state in (ALONE, SENDS, QUEUES)}
    bench.call(house.seen[ALONE], min(WARM, bench.wishes.seconds))
    return house


def round_of(bench: Bench, house: House, provider: Server) -> None:
    """Each state once."""
    seconds = bench.wishes.seconds * SHARE
    call(bench, house.seen[ALONE])
    at_once(house.url, lambda db: pace.resume(db, "bulk", utcnow()))
    bench.call(house.seen[SENDS], LEAD)
    before, begun = senders.accepted(provider), time.perf_counter()
    house.seen[SENDS].runs.append(bench.call(house.seen[SENDS], seconds))
    house.sent.append((senders.accepted(provider) - before) / (time.perf_counter() - begun))
    paused = at_once(house.url, lambda db: pace.pause(db, "bulk", senders.REASON, utcnow()))
    house.pausing = max(house.pausing, paused)
    house.queuer.begin(do="queue for", country="TZ", channel="later", seconds=LEAD + seconds + 0.3)
    call(bench, house.seen[QUEUES])
    found = house.queuer.hear()
    house.queued.append(found["rows"] / found["seconds"])
    house.longest, house.locked = max(house.longest, found["longest"]), house.locked + found["locked"]


def call(bench: Bench, seen: Seen) -> None:
    bench.call(seen, LEAD)
    seen.runs.append(bench.call(seen, bench.wishes.seconds * SHARE))


def at_once(url: str, work: Callable[[Connection], Any]) -> float:
    """One transaction by somebody else, tried until it gets in; gives in how many seconds. Raises Wrong."""
    engine, begun = open_engine(url, plain=True), time.perf_counter()
    while True:
        try:
            with engine.begin() as db:
                work(db)
            engine.dispose()
            return time.perf_counter() - begun
        except OperationalError as error:
            if time.perf_counter() - begun > PATIENCE:
                raise Wrong(f"the database lets nobody else in: {error.orig}") from None


def table(bench: Bench, houses: list[House]) -> Table:
    head = ("", "requests/s", "of without", "p50", "p99", "worst", "busy screens", "beside them")
    words = f"{bench.wishes.lines} connections, {bench.wishes.numbers:,} numbers, and a broadcast"
    result = Table(words, head)
    for house in houses:
        alone = house.seen[ALONE].median("rate")
        done = {
            ALONE: "",
            SENDS: f"{number(sum(house.sent) / len(house.sent))} messages/s",
            QUEUES: f"{number(sum(house.queued) / len(house.queued))} rows/s",
        }
        for state, seen in house.seen.items():
            times = [milliseconds(seen.median(each)) for each in ("p50", "p99", "worst")]
            rate = seen.median("rate")
            result.rows.append(
                (f"{house.name}, {state}", number(rate), f"{rate / alone:.2f}", *times, str(seen.busy), done[state])
            )
    result.notes += [
        f"Medians of {bench.wishes.rounds} rounds of {bench.wishes.seconds * SHARE:g} s, in turns. "
        f"The broadcast is sent at {RATE} messages/s to a provider that answers in {senders.DELAY * 1000:.0f} ms, "
        "without delivery reports; "
        "the other one is queued by a process of its own, as `ngazi broadcast send` does it. Longest waits: "
        + "; ".join(
            f"{house.name}: a slice {milliseconds(house.longest)}, to pause the channel {milliseconds(house.pausing)}, "
            f"{house.locked} times the queueing gave up at a locked database" for house in houses
        ) + ".",
    ]  # fmt: skip
    return result


def targets(bench: Bench, houses: list[House]) -> None:
    for house in houses:
        alone = house.seen[ALONE].median("rate")
        for state in (SENDS, QUEUES):
            seen = house.seen[state]
            part, late = seen.median("rate") / alone, seen.median("p99")
            words = f"callbacks keep {KEPT:.0%} of their rate and p99 under {milliseconds(LATE)} while {state}"
            bench.goal(f"{house.name}: {words}", f"{part:.0%} and {milliseconds(late)}", part >= KEPT and late < LATE)
        slow = sum(house.sent) / len(house.sent)
        bench.goal(f"{house.name}: meanwhile the broadcast is sent at {RATE} a second",
                   f"{number(slow)} messages/s", slow >= 0.9 * RATE)  # fmt: skip
