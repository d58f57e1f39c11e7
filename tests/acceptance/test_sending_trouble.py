"""What goes wrong while messages are sent: an asked end, a provider that fails, a channel that rests, a STOP."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, select, update
from sqlalchemy.exc import OperationalError

from dialogs.content import Keeper
from dialogs.database import open_engine
from gateway import pace, settling
from gateway.batch import LEASE, Lane
from gateway.claim import claim
from gateway.desk import utcnow
from gateway.dispatch import through_engine
from gateway.providers import Outcome, Outgoing
from gateway.tables import Message
from gateway.work import Worker
from tests.acceptance.conftest import NewScene
from tests.acceptance.processes import await_true
from tests.acceptance.sending import Account, channel
from tests.acceptance.server import SECRET, Server
from tests.databases import PostgresServer
from tests.test_work import Carrier
from tests.town import BATCHES, MONDAY, Town, house
from tests.town import channel as town_channel

SPEAKERS = 8  # who say STOP while the broadcast runs


@pytest.mark.slow
def test_a_worker_that_is_asked_to_end_hears_its_calls_out_and_only_those_without_an_answer_are_unknown(
    new_scene: NewScene,
) -> None:
    scene = new_scene("", "twilio", 1, "--delay", "0.5", "--hang-every", "20", people=120, rate=40)
    scene.workers[0].start()
    await_true(lambda: scene.fake.count > 60, "calls that hang hold up all others", 8)
    assert scene.village.ids("sending")
    begun = time.monotonic()
    scene.end()
    assert time.monotonic() - begun < 15
    states = scene.village.states
    assert states["unknown"] == scene.fake.counts["hung"] == scene.fake.count // 20
    assert states["sent"] == scene.fake.count - states["unknown"]
    assert states["queued"] == 120 - scene.fake.count


@pytest.mark.postgres
def test_faults_a_limit_and_a_restart_of_the_database_lose_nothing(
    new_scene: NewScene, own_postgres: PostgresServer
) -> None:
    options = ("--delay", "0.1", "--fail-every", "20", "--limit", "25")
    scene = new_scene(own_postgres.fresh_database(), "twilio", 1, *options, people=50, rate=50)
    account = Account("faults, a limit and a restart", 50)
    scene.workers = [scene.process("worker", "work", "--until-empty")]
    scene.workers[0].start()
    await_true(lambda: scene.fake.count > 10, "nothing is sent")
    own_postgres.restart(immediate=True)
    await_true(lambda: scene.village.states == {"sent": 50}, "what failed is not tried again")
    assert scene.workers[0].wait(20) == 0
    scene.settle(account)
    assert account.calls["errors"] > 1
    assert account.calls["limited"] > 0


def test_until_empty_ends_when_only_a_paused_channel_has_something_left_and_says_so(new_scene: NewScene) -> None:
    scene = new_scene("", "africastalking", 1, people=10)
    for words in (("channels", "pause", "ke"), ("work", "--until-empty")):
        command = scene.process("command", *words)
        command.start()
        assert command.wait(20) == 0
    assert "10 messages wait" in command.log
    assert scene.village.states == {"queued": 10}


def test_two_workers_on_sqlite_do_no_harm(new_scene: NewScene) -> None:
    scene = new_scene("", "africastalking", 2, "--delay", "0.05", people=100, rate=100)
    account = Account("two on SQLite", 100)
    for worker in scene.workers:
        worker.start()
    await_true(lambda: scene.village.states == {"sent": 100}, "they stand in each other's way")
    scene.end()
    scene.settle(account)
    assert account.found == {"sent": 100}


@pytest.mark.postgres
def test_who_was_told_that_the_stop_is_heard_gets_nothing_that_was_not_on_its_way(
    new_scene: NewScene, own_postgres: PostgresServer, new_server: Callable[..., Server]
) -> None:
    people = 120
    scene = new_scene(own_postgres.fresh_database(), "africastalking", 2, "--delay", "0.2", people=people, rate=40)
    channels = channel("africastalking", scene.fake.url, 40)
    server = new_server(scene.village.url, NGAZI_CHANNELS=channels, NGAZI_SENDING="elsewhere")
    server.start()
    for worker in scene.workers:
        worker.start()
    await_true(lambda: scene.fake.count > 10, "nothing is sent")
    heard: dict[int, datetime] = {}
    for turn in range(SPEAKERS):
        id = people - turn * 15  # spread over the whole of the broadcast
        form = {"id": f"stop-{id}", "from": scene.village.numbers[id], "to": "21512", "text": "STOP",
                "date": "2026-11-22 06:04:45"}  # fmt: skip
        assert server.ask("POST", f"/in/ke/{SECRET}/sms", form)[0] == 200
        heard[id] = utcnow()
        time.sleep(0.1)
    await_true(lambda: not scene.village.waits, "the broadcast does not end")
    scene.end()
    rows = scene.village.look(
        select(Message.contact_id, Message.status, Message.sent_at).where(Message.kind == "broadcast")
    )
    told = {each["to"] for each in scene.fake.taken if each["text"] == "Training on Saturday."}
    spared = 0
    for id, status, sent_at in rows:
        if id in heard and sent_at is None:
            assert status == "refused"
            assert scene.village.numbers[id] not in told
            spared += 1
        elif id in heard:
            assert sent_at < heard[id]
        else:
            assert status == "sent"
    assert spared > SPEAKERS / 3
    print(f"{SPEAKERS} said STOP during the broadcast: {spared} got nothing, the others had been sent to before")


# --- what has to be met at one moment, and so is played ---


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


@contextmanager
def working(engine: Engine, keeper: Keeper, carrier: Carrier, transact: Any, clock: Any) -> Iterator[Worker]:
    playing = house(keeper.content)
    carriers: Any = {"ke": carrier}
    worker = Worker(carriers, {"ke": town_channel()}, lambda: playing, transact, clock)
    worker.start()
    try:
        yield worker
    finally:
        worker.stop(10)


def test_what_another_worker_has_claimed_since_is_not_put_back_by_an_answer_written_twice(
    engine: Engine, keeper: Keeper
) -> None:
    town, plain, playing = Town(engine), through_engine(engine), house(keeper.content)
    town.broadcast(town.people(5), any_hour="a test")
    later = MONDAY + timedelta(seconds=20)
    carrier, settled = Carrier(), threading.Event()
    carrier.says = lambda message: Outcome(message.id, "again", reason="the provider has a fault")
    others: list[Outgoing] = []

    def transact(work: Callable[[Connection], Any]) -> Any:
        result = plain(work)
        if carrier.calls and not settled.is_set() and town.states() == {"queued": 5}:
            settled.set()  # committed, but nobody was told; meanwhile another worker takes them
            with engine.begin() as db:
                found = claim(db, Lane(town_channel(), BATCHES), 4, playing, playing.content.hours, later)
            others.extend(message for call in found.calls for message in call)
            raise OperationalError("COMMIT", {}, Exception("the connection broke"))
        return result

    with working(engine, keeper, carrier, transact, lambda: MONDAY):
        assert settled.wait(10)
        time.sleep(0.6)  # it writes once more what it knows
        assert len(others) == 5
        assert town.states() == {"sending": 5}  # in the hands of the other
    assert len(carrier.calls) == 1


@pytest.mark.parametrize("jump", [timedelta(hours=-3), timedelta(minutes=-2), timedelta(hours=3)])
def test_a_clock_that_jumps_while_a_call_is_under_way_sends_nothing_twice(
    engine: Engine, keeper: Keeper, jump: timedelta
) -> None:
    town, carrier, now = Town(engine), Carrier(), [MONDAY]
    town.broadcast(town.people(300), any_hour="a test")

    def before() -> None:
        now[0] = MONDAY + jump + timedelta(seconds=len(carrier.calls))

    carrier.before = before
    with working(engine, keeper, carrier, through_engine(engine), lambda: now[0]):
        until = time.monotonic() + 10
        while town.states() != {"sent": 300} and time.monotonic() < until:
            time.sleep(0.02)
            now[0] += timedelta(seconds=1)
            with engine.begin() as db:
                settling.leases(db, now[0])  # what the chores do meanwhile
    assert town.states() == {"sent": 300}
    assert len(carrier.given) == len(set(carrier.given)) == 300


def test_a_lease_from_before_the_clock_was_set_back_does_not_last_for_hours(engine: Engine) -> None:
    town = Town(engine)
    town.broadcast(town.people(2))
    with engine.begin() as db:
        db.execute(update(Message).values(status="sending", lease_until=MONDAY + timedelta(hours=5)))
    with engine.begin() as db:
        assert settling.leases(db, MONDAY + timedelta(hours=5) - LEASE) == 0
    with engine.begin() as db:
        assert settling.leases(db, MONDAY) == 2
    assert town.states() == {"unknown": 2}


def test_a_hold_from_before_the_clock_was_set_back_does_not_last_for_hours(engine: Engine) -> None:
    with engine.begin() as db:
        pace.allowance(db, "ke", 10, MONDAY)
        pace.hold(db, "ke", MONDAY + timedelta(minutes=30), MONDAY)
        assert pace.allowance(db, "ke", 10, MONDAY).replies == 0
        early = MONDAY - timedelta(hours=2)
        pace.spend(db, "ke", pace.allowance(db, "ke", 10, early).tokens, early)
        assert pace.allowance(db, "ke", 10, early + timedelta(seconds=1)).replies == 10
