"""`kill -9` of what sends, again and again: nobody gets a message twice, nobody is forgotten, and little is unknown.

At full size, 50 kills among 20,000 people: python -m tests.acceptance.sending --help
"""

from __future__ import annotations

import time
from random import Random

import pytest

from tests.acceptance.conftest import NewScene
from tests.acceptance.processes import await_true
from tests.acceptance.sending import Account
from tests.acceptance.village import Broken
from tests.databases import PostgresServer

PEOPLE = 220
RATE = 60.0  # messages a second
KILLS = 3
pytestmark = [pytest.mark.slow]


@pytest.mark.parametrize(("provider", "workers"), [("africastalking", 1), ("twilio", 0)])
def test_a_worker_is_killed_and_everybody_is_accounted_for(new_scene: NewScene, provider: str, workers: int) -> None:
    scene = new_scene("", provider, workers, "--delay", "0.1", people=PEOPLE, rate=RATE)
    account = Account(f"{provider}, sqlite", PEOPLE)
    scene.kill_workers(account, KILLS, Random(1))
    scene.finish(account, at_once=True)
    print(account)
    assert account.kills == KILLS
    assert any(account.lost)  # the kills came in the middle of it
    assert account.found["sent"] > 0


@pytest.mark.postgres
def test_two_workers_are_killed_and_the_database_too(new_scene: NewScene, own_postgres: PostgresServer) -> None:
    scene = new_scene(own_postgres.fresh_database(), "twilio", 2, "--delay", "0.1", people=PEOPLE, rate=RATE)
    account = Account("twilio, postgresql", PEOPLE)

    def restart(turn: int) -> None:
        if turn < 2:
            own_postgres.stop(immediate=turn == 0)
            time.sleep(0.5)
            own_postgres.start()
            account.restarts += 1

    scene.kill_workers(account, KILLS, Random(2), restart)
    scene.finish(account, at_once=True)
    print(account)
    assert (account.kills, account.restarts) == (KILLS, 2)
    assert account.found["sent"] > 0


def test_the_account_notices_who_got_it_twice_and_who_is_missing(new_scene: NewScene) -> None:
    scene = new_scene("", "africastalking", 1, people=5, rate=1000)
    account = Account("an honest one", 5)
    scene.workers[0].start()
    await_true(lambda: scene.village.states == {"sent": 5}, "nothing is sent")
    scene.end()
    scene.settle(account)
    received = scene.fake.received
    scene.village.check(received)
    for spoiled, complaint in (
        ([*received, received[0]], "got it 2 times"),
        (received[1:], "is sent, and the provider got 0"),
        ([*received, "+254711111111"], "is nobody's"),
    ):
        with pytest.raises(Broken, match=complaint.replace("+", r"\+")):
            scene.village.check(spoiled)
