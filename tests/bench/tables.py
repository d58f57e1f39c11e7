"""The tables: what is started for each, how it is written down, and the targets."""

from __future__ import annotations

import os
import statistics

from tests.bench import servers, steps
from tests.bench.house import Bench
from tests.bench.page import Table, megabytes, milliseconds, number
from tests.bench.rounds import BARE, CANNED, ONE_POSTGRES, ONE_SQLITE, POSTGRES, SQLITE, TWO, Seen
from tests.bench.servers import Server, ngazi, stopping, yardstick


def compare(bench: Bench) -> None:
    """The first table: side by side with a bare endpoint."""
    numbers = bench.wishes.numbers
    with stopping() as running:
        start_compared(bench, running, numbers)
        rows = [Seen(server) for server in running]
        for seen in rows:
            kind = {CANNED: "canned", BARE: "echo"}.get(seen.server.name, "gateway")
            bench.gather(seen.server, numbers, numbers, kind)
        bench.rounds(rows)
        bench.rounds_at_half([seen for seen in rows if seen.server.name in (BARE, SQLITE, POSTGRES, TWO)])
        bench.check_counts(rows)
        by_name = {seen.server.name: seen for seen in rows}
        bench.tables.append(compare_table(bench, by_name))
        bench.say(bench.tables[-1].plain())
        compare_targets(bench, by_name)


def start_compared(bench: Bench, running: list[Server], numbers: int) -> None:
    """Everything that is called for the first table."""
    running += [yardstick(CANNED, "canned"), yardstick(BARE)]
    for kind, name in (("sqlite", SQLITE), ("postgresql", POSTGRES)):
        if not bench.wishes.wanted(name):
            continue
        url, alone = bench.filled(kind, numbers), ONE_SQLITE if kind == "sqlite" else ONE_POSTGRES
        others = {alone: bench.copied(kind, numbers, f"{kind}_alone")}
        if kind == "postgresql":
            others[TWO] = bench.copied(kind, numbers, "two")
        running.append(ngazi(name, bench.folder, url))
        if kind == "postgresql":
            running.append(ngazi(TWO, bench.folder, others[TWO], 2))
        running.append(ngazi(alone, bench.folder, others[alone], NGAZI_DESK_LIST="1"))


def compare_table(bench: Bench, rows: dict[str, Seen]) -> Table:
    head = ("", "requests/s", "of bare", "p50", "p99", "p50 at half", "p99 at half", "peak memory",
            "processor per request", "callbacks a list", "busy screens")  # fmt: skip
    bare = rows[BARE].median("rate")
    table = Table(f"{bench.wishes.lines} connections, {bench.wishes.numbers:,} numbers in the readiness quiz", head)
    for name, seen in rows.items():
        half = [milliseconds(seen.median(each, half=True)) if seen.half else "" for each in ("p50", "p99")]
        table.rows.append((
            name, number(seen.median("rate")), f"{seen.median('rate') / bare:.2f}",
            milliseconds(seen.median("p50")), milliseconds(seen.median("p99")), *half,
            megabytes(seen.server.memory()), f"{statistics.median(seen.cpu) * 1e6:.0f} us",
            f"{statistics.median(seen.lists):.1f}" if seen.lists else "", str(seen.busy),
        ))  # fmt: skip
    spread = "; ".join(f"{name}: {', '.join(number(run['rate']) for run in seen.runs)}" for name, seen in rows.items())
    table.notes += [
        f"Medians of {bench.wishes.rounds} rounds of {bench.wishes.seconds:g} s, all in turns. {spread}.",
        "At half: calls at random moments at half that rate, the wait for a free connection counted. Peak memory "
        "is that of the largest process of the gateway, without the PostgreSQL server.",
        f"The generator used {rows[BARE].median('own_cpu'):.0%} of its core against the bare endpoint. "
        "Every screen was compared with the one that the same call brings when it is played alone.",
    ]
    return table


def compare_targets(bench: Bench, rows: dict[str, Seen]) -> None:
    bare = rows[BARE].median("rate")
    for name, alone, least, aim in ((SQLITE, ONE_SQLITE, 0.40, 0.55), (POSTGRES, ONE_POSTGRES, 0.30, 0.40)):
        if name not in rows:
            continue
        seen, rate = rows[name], rows[name].median("rate")
        bench.goal(f"{name}: at least {least:.2f} of bare", f"{rate / bare:.2f}", rate / bare >= least)
        bench.goal(f"{name}: if possible {aim:.2f} of bare", f"{rate / bare:.2f}", rate / bare >= aim)
        times = rate / rows[alone].median("rate")
        bench.goal(f"{name}: at least 5 times one transaction per callback", f"{times:.1f} times", times >= 5)
        late = seen.median("p99", half=True)
        bench.goal(f"{name}: p99 under 100 ms at half the maximum", milliseconds(late), late < 0.1)
        memory = seen.server.memory()
        bench.goal(f"{name}: under 200 MB", megabytes(memory), memory < 200e6)
    if TWO in rows:
        times, cores = rows[TWO].median("rate") / rows[POSTGRES].median("rate"), os.cpu_count() or 1
        words = f"two processes on PostgreSQL serve more than one, where there are cores for them (there are {cores})"
        bench.goal(words, f"{times:.2f} times", times > 1)


def store(bench: Bench) -> None:
    """The second table: does a large store make it slower?"""
    rows: dict[tuple[str, int], Seen] = {}
    with stopping() as running:
        for kind, name in (("sqlite", SQLITE), ("postgresql", POSTGRES)):
            for size in bench.wishes.sizes if bench.wishes.wanted(name) else ():
                running.append(ngazi(f"{name}, {size:,} contacts", bench.folder, bench.filled(kind, size)))
                rows[name, size] = Seen(running[-1])
                bench.gather(running[-1], size, min(size, bench.wishes.numbers))
        bench.rounds(list(rows.values()))
        bench.tables.append(store_table(bench, rows))
        bench.check_counts(list(rows.values()))
    bench.say(bench.tables[-1].plain())
    store_targets(bench, rows)


def store_table(bench: Bench, rows: dict[tuple[str, int], Seen]) -> Table:
    least = bench.wishes.sizes[0]
    head = (
        "contacts stored",
        "requests/s",
        f"of that at {least:,}",
        "p50",
        "p99",
        "peak memory",
        "processor per request",
    )
    table = Table("The same with more contacts stored", head)
    for (name, size), seen in rows.items():
        table.rows.append((
            f"{name}, {size:,}", number(seen.median("rate")),
            f"{seen.median('rate') / rows[name, least].median('rate'):.2f}",
            milliseconds(seen.median("p50")), milliseconds(seen.median("p99")),
            megabytes(seen.server.memory()), f"{statistics.median(seen.cpu) * 1e6:.0f} us",
        ))  # fmt: skip
    fillings = [words for words in bench.fillings if any(f" {size:,} " in words for size in bench.wishes.sizes)]
    table.notes += [
        "Each contact has its address, its saved fields and one finished quiz; up to "
        f"{bench.wishes.numbers:,} of them, evenly over the store, are in the middle of a call. PostgreSQL was "
        "vacuumed and analysed after filling, as autovacuum does by itself; SQLite has no statistics.",
        f"Filling by bulk, not measured: {'; '.join(fillings)}.",
    ]
    return table


def store_targets(bench: Bench, rows: dict[tuple[str, int], Seen]) -> None:
    least, most = bench.wishes.sizes[0], bench.wishes.sizes[-1]
    for name, share in ((SQLITE, 0.7), (POSTGRES, 0.85)):
        if (name, most) in rows and most > least:
            part = rows[name, most].median("rate") / rows[name, least].median("rate")
            words = f"{name}: the rate with {most:,} contacts at least {share} of that with {least:,}"
            bench.goal(words, f"{part:.2f}", part >= share)


def engine(bench: Bench) -> None:
    """The third table: the engine without a server."""
    table = Table("The engine alone", ("", "steps/s"))
    folder = servers.ROOT / "content"
    for words, rate in steps.measure(folder, bench.paths["sqlite"], servers.KEY, bench.wishes.seconds):
        table.rows.append((words, number(rate)))
    bench.tables.append(table)
    bench.say(table.plain())
