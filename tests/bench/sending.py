"""The fifth table: how fast a worker sends to a provider that answers in 50 ms, beside bare statements and calls."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import Engine

from dialogs.database import open_engine
from tests.bench import bare_queue, people, senders
from tests.bench.calls import Wrong
from tests.bench.house import Bench
from tests.bench.page import Table, megabytes, number
from tests.bench.rounds import POSTGRES, SQLITE
from tests.bench.servers import Server, ngazi, stopping

PEOPLE = 60_000  # who get each broadcast
SHARE = 2 / 3  # of the length of other measurements: there are many
LEAD = 1.0  # seconds after the first message that are not counted
PATIENCE = 30.0  # seconds until the first message
LOTS = 20  # of 500 rows, in one round of the bare statements
LEFT = 1.0  # seconds of sending that wait at least, beyond what is measured
OTHERS = {"postgresql": POSTGRES, "sqlite": SQLITE}


@dataclass(frozen=True, slots=True)
class Way:
    """A provider as it is sent to. `calls` at once and so many messages in one, as its Carriage says."""

    kind: str
    name: str
    channel: str
    calls: int
    most_in_one: int
    most: int  # messages a second: so many wait for each second that is measured
    least: dict[str, int]  # messages a second, by database: the target


WAYS = (
    Way("africastalking", "Africa's Talking", "ke", 4, 100, 5500, {"postgresql": 3000, "sqlite": 1500}),
    Way("twilio", "Twilio", "tw", 32, 1, 640, {"postgresql": 300, "sqlite": 150}),
)


@dataclass(slots=True)
class Sent:
    """What was measured of one way to send, in each round."""

    way: Way
    kind: str
    count: int
    rates: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)  # seconds per message
    calls: list[float] = field(default_factory=list)  # messages in one
    memory: int = 0

    @property
    def rate(self) -> float:
        return statistics.median(self.rates)

    @property
    def name(self) -> str:
        how = "two workers" if self.count == 2 else "one worker" if self.kind == "postgresql" else "inside ngazi serve"
        return f"{OTHERS[self.kind]}, {self.way.name}, {how}"


def sending(bench: Bench) -> None:
    """All in turns."""
    kinds = [kind for kind in OTHERS if bench.wishes.wanted(OTHERS[kind])]
    urls = {kind: prepared(bench, kind) for kind in kinds}
    engines = {kind: open_engine(url) for kind, url in urls.items()}
    bare: dict[str, list[float]] = {kind: [] for kind in kinds}
    plain: dict[str, list[float]] = {way.kind: [] for way in WAYS}
    rows = [
        Sent(way, kind, count) for way in WAYS for kind in kinds for count in (1, 2) if (kind, count) != ("sqlite", 2)
    ]
    with stopping() as running:
        fakes = {way.kind: senders.fake(way.kind, bench.folder) for way in WAYS}
        running += fakes.values()
        for _ in range(bench.wishes.rounds):
            for kind, engine in engines.items():
                need(bench, urls[kind], "bare", LOTS * bare_queue.LOT)
                bare[kind].append(bare_queue.claim_and_settle(engine, "bare", LOTS))
                engine.dispose()  # nobody else writes where `ngazi serve` does
            for way in WAYS:
                port = fakes[way.kind].ports[0]
                plain[way.kind].append(bare_queue.call(way.kind, port, way.calls, bench.wishes.seconds * SHARE))
            for sent in rows:
                seconds = bench.wishes.seconds * SHARE + LEAD + LEFT
                need(bench, urls[sent.kind], sent.way.channel, round(seconds * sent.way.most * sent.count))
                measure(bench, sent, urls[sent.kind], fakes[sent.way.kind])
        for way in WAYS:
            check(way, engines)
    for engine in engines.values():
        engine.dispose()
    bench.tables.append(table(bench, rows, bare, plain))
    bench.say(bench.tables[-1].plain())
    targets(bench, rows)


def prepared(bench: Bench, kind: str) -> str:
    """A database of people who can be sent to."""
    url = bench.empty(kind, "sending")
    people.reachable(url, bench.seal, PEOPLE, "UG")
    return url


def channels(way: Way | None, provider: Server | None) -> str:
    """NGAZI_CHANNELS with this one way to send; without one, a channel that nobody drives."""
    return senders.channel(way.channel if way else "bare", way.kind if way else "africastalking", provider)


def need(bench: Bench, url: str, channel: str, rows: int) -> None:
    """See that enough waits there."""
    way = next((way for way in WAYS if way.channel == channel), None)
    senders.wait_for(url, bench.content, channels(way, None), channel, "UG", rows)


def measure(bench: Bench, sent: Sent, url: str, provider: Server) -> None:
    """Start who sends, wait until it does, and look how much the provider takes."""
    with started(bench, sent, url, provider) as server:
        before, until = senders.accepted(provider), time.monotonic() + PATIENCE
        while senders.accepted(provider) == before:
            if time.monotonic() > until or any(each.poll() is not None for each in server.processes):
                raise Wrong(f"{sent.name}: nothing was sent")
            time.sleep(0.02)
        time.sleep(LEAD)
        begun, first, cpu = time.perf_counter(), senders.counts(provider), server.cpu()
        time.sleep(bench.wishes.seconds * SHARE)
        seconds, last = time.perf_counter() - begun, senders.counts(provider)
        count = last["accepted"] - first["accepted"]
        if not count:
            raise Wrong(f"{sent.name}: the sending stopped")
        sent.rates.append(count / seconds)
        sent.calls.append(count / (last["calls"] - first["calls"]))
        sent.cpu.append((server.cpu() - cpu) / count)
        sent.memory = max(sent.memory, server.memory())
    engine = open_engine(url)
    left = senders.counted(engine, sent.way.channel, ["queued"])
    engine.dispose()
    if not left:
        raise Wrong(f"{sent.name}: nothing was left to send, so its rate says little")


@contextmanager
def started(bench: Bench, sent: Sent, url: str, provider: Server) -> Iterator[Server]:
    """The process, or the processes, that send."""
    with stopping() as running:
        if sent.kind == "sqlite":
            server = ngazi(sent.name, bench.folder, url, NGAZI_CHANNELS=channels(sent.way, provider))
        else:
            server = senders.worker(sent.name, bench.folder, url, channels(sent.way, provider), sent.count)
        running.append(server)
        yield server


def check(way: Way, engines: dict[str, Engine]) -> None:
    """Afterwards no message may be in doubt."""
    for kind, engine in engines.items():
        odd = senders.counted(engine, way.channel, ["sending", "unknown", "refused", "failed", "expired"])
        if odd or not senders.counted(engine, way.channel, ["sent"]):
            raise Wrong(f"{OTHERS[kind]}, {way.name}: {odd} messages were not sent, or nobody knows")


def table(bench: Bench, rows: list[Sent], bare: dict[str, list[float]], plain: dict[str, list[float]]) -> Table:
    head = (
        "",
        "messages/s",
        "of the plain client",
        "of bare statements",
        "in one call",
        "processor per message",
        "peak memory",
    )
    result = Table(f"Sending to a provider that answers in {senders.DELAY * 1000:.0f} ms", head)
    for way in WAYS:
        words = f"the fake {way.name} itself, {way.calls} calls at once by a plain client"
        result.rows.append(
            (words, number(statistics.median(plain[way.kind])), "1.00", "", str(way.most_in_one), "", "")
        )
    for kind, rates in bare.items():
        words = f"{OTHERS[kind][9:]}, bare claim and settle, {bare_queue.LOT} rows at once"
        result.rows.append((words, number(statistics.median(rates)), "", "1.00", "", "", ""))
    for sent in rows:
        of_plain = sent.rate / statistics.median(plain[sent.way.kind]) / sent.count
        of_bare = sent.rate / statistics.median(bare[sent.kind])
        result.rows.append((
            sent.name, number(sent.rate), f"{of_plain:.2f}", f"{of_bare:.2f}", f"{statistics.median(sent.calls):.0f}",
            f"{statistics.median(sent.cpu) * 1e6:.0f} us", megabytes(sent.memory),
        ))  # fmt: skip
    each = "; ".join(f"{sent.name}: {', '.join(number(rate) for rate in sent.rates)}" for sent in rows)
    result.notes += [
        f"Medians of {bench.wishes.rounds} rounds of {bench.wishes.seconds * SHARE:g} s, all in turns; "
        f"counted by the fake, from {LEAD:g} s after the first message on. {each}.",
        f"A broadcast in {len(senders.TEXTS)} languages, every number sealed, sent at any hour, by channels whose own "
        "rate holds nobody up; no delivery reports. Africa's Talking takes up to 100 numbers with one text in a call, "
        "Twilio one. Two workers are compared with two plain clients. Afterwards no message was in doubt.",
    ]
    return result


def targets(bench: Bench, rows: list[Sent]) -> None:
    for sent in rows:
        if sent.count == 1:
            least = sent.way.least[sent.kind]
            words = f"{sent.name}: at least {least:,} messages/s"
            bench.goal(words, number(sent.rate), sent.rate >= least)
            continue
        one = next(each for each in rows if (each.way, each.kind, each.count) == (sent.way, sent.kind, 1))
        times, cores = sent.rate / one.rate, os.cpu_count() or 1
        words = f"{sent.name}: more than one, where there are cores for them (there are {cores})"
        bench.goal(words, f"{times:.2f} times", times > 1)
