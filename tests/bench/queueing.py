"""The fourth table: a broadcast queued for everybody, and a claim while all of that waits on another channel."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, func, insert, select

from dialogs.database import open_engine
from dialogs.screen import Room
from dialogs.showing import House
from dialogs.tables import Contact
from gateway import pace, providers
from gateway.batch import Lane
from gateway.channels import read_channels
from gateway.claim import claim
from gateway.desk import utcnow
from gateway.numbers import country_of
from gateway.tables import Broadcast, Message
from tests.bench import bare_queue, people, senders
from tests.bench.calls import Wrong
from tests.bench.house import Bench
from tests.bench.page import Table, megabytes, milliseconds, number
from tests.bench.queuer import Queuer
from tests.bench.rounds import POSTGRES, SQLITE
from tests.bench.servers import environment

WITHIN = 20.0  # seconds for a million
CONSTANT = 64e6  # bytes that queueing may grow by: SQLite alone keeps 32 MB of pages
QUICK = 0.005  # seconds for a claim
LOOKS = 100  # claims that are timed
CHANNELS = " ".join((senders.channel("ke", "africastalking", None), senders.channel("tw", "twilio", None)))


@dataclass(slots=True)
class Queued:
    """What was measured on one database. Rates are rows a second, one for each part of the people."""

    ngazi: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    plain: list[float] = field(default_factory=list)
    rows: int = 0
    seconds: float = 0.0
    longest: float = 0.0
    first: int = 0  # bytes, before the first slice
    parts: list[int] = field(default_factory=list)  # after each part
    peak: int = 0
    begun: dict[str, float] = field(default_factory=dict)
    nothing: float = 0.0  # seconds of a claim
    one: float = 0.0

    @property
    def per_million(self) -> float:
        return self.seconds / self.rows * 1e6


def queueing(bench: Bench) -> None:
    """Queue, and claim."""
    found = {name: measured(bench, kind) for kind, name in (("sqlite", SQLITE), ("postgresql", POSTGRES))
             if bench.wishes.wanted(name)}  # fmt: skip
    bench.tables.append(table(bench, found))
    bench.say(bench.tables[-1].plain())
    for name, seen in found.items():
        targets(bench, name, seen)


def measured(bench: Bench, kind: str) -> Queued:
    """On one database, all in turns."""
    url, seen, size = bench.empty(kind, "queueing"), Queued(), bench.wishes.people
    begun = time.monotonic()
    people.reachable(url, bench.seal, 3 * LOOKS, "UG")
    people.crowd(url, size, "TZ")
    bench.say(f"{kind}: {size:,} people in {time.monotonic() - begun:.0f} s")
    engine = open_engine(url, plain=True)
    first, yardstick = _begin(engine)
    bare_queue.make_plain(engine)
    env = environment(bench.folder, url, 0, {"NGAZI_CHANNELS": CHANNELS})
    with Queuer(env) as queuer:
        seen.begun = queuer.tell(do="new", country="TZ", channel="ke")
        seen.first = int(seen.begun["memory"])
        rounds = bench.wishes.rounds
        for part in range(rounds):
            _part(queuer, seen, size * (part + 1) // rounds - seen.rows)
            after = first + size * part // rounds
            up_to = after + size // rounds // 4
            for into, rates in (("message", seen.bare), ("plain", seen.plain)):
                count, seconds = bare_queue.insert(engine, into, yardstick, after, up_to)
                rates.append(count / seconds)
        queuer.tell(do="queue", id=seen.begun["id"], rows=1)  # sees that nobody is left
    _check(engine, int(seen.begun["id"]), size)
    engine.dispose()
    _claims(bench, url, seen)
    return seen


def _begin(engine: Engine) -> tuple[int, int]:
    """The id before the first of the people who get the broadcast; a broadcast that owns the bare rows."""
    now = utcnow()
    with engine.begin() as db:
        first = db.execute(select(func.min(Contact.id)).where(Contact.country == "TZ")).scalar_one()
        made = insert(Broadcast).values(name="bare", text={}, audience={}, status="draft", created_at=now)
        return first - 1, db.execute(made.returning(Broadcast.id)).scalar_one()


def _part(queuer: Queuer, seen: Queued, rows: int) -> None:
    found: dict[str, Any] = queuer.tell(do="queue", id=seen.begun["id"], rows=rows)
    seen.ngazi.append(found["rows"] / found["seconds"])
    seen.rows, seen.seconds = seen.rows + found["rows"], seen.seconds + found["seconds"]
    seen.longest, seen.peak = max(seen.longest, found["longest"]), found["peak"]
    seen.parts.append(found["memory"])


def _check(engine: Engine, id: int, size: int) -> None:
    counted = select(Message.status, func.count()).where(Message.broadcast_id == id).group_by(Message.status)
    with engine.begin() as db:
        rows = {row.status: row[1] for row in db.execute(counted)}
    if rows != {"queued": size}:
        raise Wrong(f"{size:,} people, and these rows were written: {rows}")


def _claims(bench: Bench, url: str, seen: Queued) -> None:
    """Claims on `tw` while everything waits on `ke`, which is paused: of nothing, and of one message."""
    engine, channels = open_engine(url), read_channels(CHANNELS)
    house = House(bench.content, bench.seal, lambda _: Room(pages=False), country_of)
    lane = Lane(channels["tw"], providers.connect(channels["tw"], "http://127.0.0.1:9").carriage)
    with engine.begin() as db:
        pace.pause(db, "ke", "the bench", utcnow())
    seen.nothing, none = _timed(engine, lane, house)
    senders.queue_broadcast(engine, bench.content, CHANNELS, "tw", "UG")
    seen.one, some = _timed(engine, lane, house)
    engine.dispose()
    if none or some != LOOKS:
        raise Wrong(f"{LOOKS} claims of nothing took {none} messages, {LOOKS} of one took {some}")


def _timed(engine: Engine, lane: Lane, house: House) -> tuple[float, int]:
    times, taken = [], 0
    for _ in range(LOOKS):
        begun = time.perf_counter()
        with engine.begin() as db:
            claimed = claim(db, lane, 1, house, house.content.hours, utcnow())
        times.append(time.perf_counter() - begun)
        taken += len(claimed.ids)
    return statistics.median(times), taken


def table(bench: Bench, found: dict[str, Queued]) -> Table:
    head = ("", "rows/s", "of bare", "of plain", "s per million", "longest slice", "memory before", "peak memory")
    result = Table(f"A broadcast queued for {bench.wishes.people:,} contacts", head)
    for name, seen in found.items():
        rates = [statistics.median(each) for each in (seen.ngazi, seen.bare, seen.plain)]
        result.rows += [
            (name, number(rates[0]), f"{rates[0] / rates[1]:.2f}", f"{rates[0] / rates[2]:.2f}",
             f"{seen.per_million:.1f}", milliseconds(seen.longest), megabytes(seen.first), megabytes(seen.peak)),
            (f"{name[9:]}, bare INSERT ... SELECT into the same table", number(rates[1]), "1.00",
             f"{rates[1] / rates[2]:.2f}", f"{1e6 / rates[1]:.1f}", "", "", ""),
            (f"{name[9:]}, bare INSERT ... SELECT into a table without indexes", number(rates[2]), "", "1.00",
             f"{1e6 / rates[2]:.1f}", "", "", ""),
        ]  # fmt: skip
        parts = ", ".join(megabytes(each) for each in seen.parts)
        result.notes.append(
            f"{name}: the bill took {seen.begun['bill']:.1f} s and {megabytes(seen.begun['bill_peak'])} "
            f"at its peak, beginning {seen.begun['begun']:.1f} s; memory after "
            f"each part: {parts}; rows/s of each part: {', '.join(number(each) for each in seen.ngazi)} (bare: "
            f"{', '.join(number(each) for each in seen.bare)}; plain: {', '.join(number(each) for each in seen.plain)})"
            f". A claim on another channel meanwhile: {milliseconds(seen.nothing)} when nothing is due there, "
            f"{milliseconds(seen.one)} of one message, commit counted."
        )
    result.notes.insert(0, (
        f"Queued in slices as `ngazi broadcast send` does it, in {bench.wishes.rounds} parts, in turns with the bare "
        "statements; rows/s are medians of the parts, seconds per million are of all. Each person is looked at: "
        "stopped, agreed to news, a number that works; the bare rows, a quarter as many, look at nobody."
    ))  # fmt: skip
    return result


def targets(bench: Bench, name: str, seen: Queued) -> None:
    bench.goal(f"{name}: a broadcast to 1,000,000 contacts is queued within {WITHIN:.0f} s",
               f"{seen.per_million:.1f} s per million, {seen.rows:,} queued", seen.per_million <= WITHIN)  # fmt: skip
    grown = seen.peak - seen.first
    bench.goal(f"{name}: queueing it in constant memory, {megabytes(CONSTANT)} more at most",
               f"{megabytes(grown)} more at the peak", grown <= CONSTANT)  # fmt: skip
    bench.goal(f"{name}: a claim under {milliseconds(QUICK)} with {seen.rows:,} messages waiting on a paused channel",
               f"{milliseconds(seen.nothing)}, of one message {milliseconds(seen.one)}",
               max(seen.nothing, seen.one) < QUICK)  # fmt: skip
