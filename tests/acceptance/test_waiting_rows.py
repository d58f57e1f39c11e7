"""Many rows that wait, on a paused channel and for the morning: nobody looks at them, and nothing gets slower by them.

At full size: python -m tests.acceptance.test_waiting_rows --rows 1000000 [postgresql]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, text

from dialogs.content import Keeper
from dialogs.database import migrate, open_engine
from gateway import pace, waiting
from gateway.batch import Claimed, Lane
from gateway.claim import claim
from gateway.dispatch import Dispatch, through_engine
from gateway.providers import Outcome, Outgoing
from gateway.tables import BULK
from tests.acceptance.server import ROOT
from tests.databases import postgres_server
from tests.town import BATCHES, MONDAY, SINGLES, Town, channel, house

ROWS = 50_000
TIMES = 20  # claims that are measured
PREPARED = 12  # times that a statement comes until PostgreSQL has its plan for any value
BOUND = 0.015  # seconds for a claim, on a busy machine
NIGHT = MONDAY.replace(hour=19)  # 22:00 in Nairobi
MORNING = NIGHT + timedelta(hours=10)
CHANNELS = {"ke": channel("ke"), "mg": channel("mg", country="MG"), "cd": channel("cd", country="CD")}
SERIES = {
    "sqlite": "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {rows})",
    "postgresql": "WITH s(n) AS (SELECT generate_series(1, {rows}))",
}


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


def fill(town: Town, rows: int) -> None:
    """So many rows due on the paused channel mg, and as many on ke that wait for the morning."""
    for name, due_at in (("mg", NIGHT - timedelta(hours=1)), ("ke", MORNING)):
        id = town.broadcast([], any_hour="")
        columns = (
            "channel, contact_id, broadcast_id, dedupe, direction, kind, language, segments, cost, status, attempts, "
            "due_at, created_at, expires_at, priority, error, revision"
        )
        values = (
            f"'{name}', NULL, {id}, 'broadcast:{id}:' || n, 'out', 'broadcast', '', 0, '', 'queued', 0, "
            f"'{due_at.isoformat(' ', 'microseconds')}', '{NIGHT.isoformat(' ', 'microseconds')}', "
            f"'{(NIGHT + timedelta(days=3)).isoformat(' ', 'microseconds')}', {BULK}, '', ''"
        )
        series = SERIES[town.engine.dialect.name].format(rows=rows)
        cast = values if town.engine.dialect.name == "sqlite" else _with_types(values)
        with town.engine.begin() as db:
            if town.engine.dialect.name == "sqlite":
                db.execute(text(f"INSERT INTO message ({columns}) {series} SELECT {cast} FROM s"))
            else:
                db.execute(text(f"{series} INSERT INTO message ({columns}) SELECT {cast} FROM s"))
    with town.engine.begin() as db:
        pace.pause(db, "mg", "no credit", NIGHT)


def _with_types(values: str) -> str:
    """PostgreSQL does not take a text for a time out of a SELECT."""
    parts = values.split(", ")
    return ", ".join(f"timestamp {part}" if part.startswith("'2") else part for part in parts)


@dataclass(frozen=True)
class Figures:
    """Medians in milliseconds: the claim, and with its commit."""

    channel: str
    claim: float
    committed: float
    looked_at: int

    def __str__(self) -> str:
        return f"{self.channel}: {self.claim:.2f} ms, {self.committed:.2f} ms with its commit"


def measured(engine: Engine, keeper: Keeper, name: str) -> Figures:
    """Claims on this channel, one after the other, as a worker makes them every half second."""
    playing, lane = house(keeper.content), Lane(CHANNELS[name], BATCHES)
    claims, whole, looked_at = [], [], 0
    for turn in range(TIMES):
        begun = time.perf_counter()
        with engine.begin() as db:
            inside = time.perf_counter()
            found = claim(db, lane, 4, playing, playing.content.hours, NIGHT + timedelta(seconds=turn / 2))
            claims.append(time.perf_counter() - inside)
        whole.append(time.perf_counter() - begun)
        looked_at += found.looked_at
    return Figures(name, statistics.median(claims) * 1000, statistics.median(whole) * 1000, looked_at)


def plan(engine: Engine, name: str) -> str:
    """How the database finds what is due on a channel."""
    values = {"channel": name, "priority": BULK, "now": NIGHT, "most": 100}
    statement: Any = waiting._due()
    with engine.begin() as db:
        whole = statement.params(**values).compile(engine, compile_kwargs={"literal_binds": True})
        explain = "EXPLAIN QUERY PLAN " if engine.dialect.name == "sqlite" else "EXPLAIN "
        return "\n".join(str(row[-1]) for row in db.exec_driver_sql(f"{explain}{whole}"))


def test_a_claim_does_not_get_slower_by_what_waits_and_looks_at_none_of_it(engine: Engine, keeper: Keeper) -> None:
    for name in CHANNELS:  # a worker that began before there was any message: its plans are made
        measured(engine, keeper, name)
    fill(Town(engine, NIGHT), ROWS)
    for name in CHANNELS:
        found = plan(engine, name)
        assert "ix_message_queued" in found
        assert "sort" not in found.lower()
        before = rows_read(engine)
        figures = measured(engine, keeper, name)
        if figures.claim >= BOUND * 1000:  # perhaps the machine was busy with something else
            figures = measured(engine, keeper, name)
        print(f"{engine.dialect.name}, {2 * ROWS:,} rows wait, {figures}")
        assert figures.looked_at == 0
        assert rows_read(engine) - before < ROWS / 100
        assert figures.claim < BOUND * 1000


def test_what_may_go_is_found_between_what_waits(engine: Engine, keeper: Keeper) -> None:
    town = Town(engine, NIGHT)
    fill(town, ROWS)
    town.broadcast(town.people(3), any_hour="flood warning")
    playing = house(keeper.content)
    with engine.begin() as db:
        found: Claimed = claim(db, Lane(CHANNELS["ke"], SINGLES), 8, playing, playing.content.hours, NIGHT)
    assert (found.looked_at, len(found.ids)) == (3, 3)


class Nobody:
    """A provider to whom nothing must come."""

    carriage = BATCHES

    def send(self, messages: Sequence[Outgoing]) -> list[Outcome]:
        raise AssertionError("nothing may go")


def dispatch(engine: Engine, keeper: Keeper) -> Dispatch:
    """All that a worker does beside the calls; not started."""
    playing: Any = house(keeper.content)
    carriers: Any = {name: Nobody() for name in CHANNELS}
    return Dispatch(CHANNELS, carriers, lambda: playing, through_engine(engine), lambda: NIGHT)


def test_a_round_of_a_worker_reads_next_to_nothing_of_what_waits(engine: Engine, keeper: Keeper) -> None:
    sending = dispatch(engine, keeper)
    for _ in range(PREPARED):
        sending.chores.round(at_once=True)
    fill(Town(engine, NIGHT), ROWS)
    before = rows_read(engine)
    with listening(engine) as said:
        sending.chores.round(at_once=True)
    assert said
    assert rows_read(engine) - before < ROWS / 100
    if engine.dialect.name == "postgresql":
        return
    with engine.begin() as db:
        for statement, values in said:
            found = "\n".join(row[-1] for row in db.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values))
            found = found.replace("SCAN message USING INDEX ix_message_sending", "")  # it holds what is on its way
            assert "SCAN message" not in found, statement


def rows_read(engine: Engine) -> int:
    """How many rows of the messages PostgreSQL has read, in whatever way, since it began; of SQLite nobody knows."""
    if engine.dialect.name == "sqlite":
        return 0
    with engine.begin() as db:
        db.execute(text("SELECT pg_stat_force_next_flush()"))
    with engine.begin() as db:
        read = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'message'"
        return int(db.execute(text(read)).scalar_one())


@contextmanager
def listening(engine: Engine) -> Iterator[list[tuple[str, Any]]]:
    """The statements about messages that are executed meanwhile."""
    said: list[tuple[str, Any]] = []

    def hear(db: Connection, cursor: Any, statement: str, values: Any, context: Any, many: bool) -> None:
        if "message" in statement and not many:
            said.append((statement, values))

    event.listen(engine, "before_cursor_execute", hear)
    try:
        yield said
    finally:
        event.remove(engine, "before_cursor_execute", hear)


def main() -> None:
    """Print the figures at full size."""
    words = argparse.ArgumentParser(prog="python -m tests.acceptance.test_waiting_rows")
    words.add_argument("database", nargs="?", choices=["sqlite", "postgresql"], default="sqlite")
    words.add_argument("--rows", type=int, default=1_000_000)
    options = words.parse_args()
    keeper = Keeper(ROOT / "content", drafts=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = f"sqlite:///{folder / 'ngazi.db'}"
        if options.database == "postgresql":
            url = stack.enter_context(postgres_server()).fresh_database()
        engine = open_engine(url)
        stack.callback(engine.dispose)
        migrate(engine)
        sending = dispatch(engine, keeper)
        for name in CHANNELS:
            print(f"{options.database}, empty, {measured(engine, keeper, name)}")
            sending.chores.round(at_once=True)
        begun = time.perf_counter()
        fill(Town(engine, NIGHT), options.rows)
        print(f"2 x {options.rows:,} rows written in {time.perf_counter() - begun:.0f} s")
        for name in CHANNELS:
            print(f"{measured(engine, keeper, name)}\n  {plan(engine, name)}")
        sending.chores.round(at_once=True)
        begun = time.perf_counter()
        sending.chores.round(at_once=True)
        print(f"a round of all chores: {(time.perf_counter() - begun) * 1000:.1f} ms")


if __name__ == "__main__":
    main()
