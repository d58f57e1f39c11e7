"""PostgreSQL goes away and comes back under the gateway: a sensible screen meanwhile, and nobody loses an answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from dialogs.content import Content
from tests.acceptance.look import look
from tests.acceptance.miner import RESUME, Memory, Miner, tallied
from tests.acceptance.server import Phone, Server
from tests.databases import PostgresServer

CROWD = 6
RESTARTS = 6
AGAIN = 8.0  # seconds after which everybody is served again: the desk looks every five
pytestmark = [pytest.mark.slow, pytest.mark.postgres]


class BusyMiner(Miner):
    """A miner who meets the busy screen, hangs up, and dials again later. It counts as a call that was cut off."""

    def __init__(self, server: Server, number: str, content: Content, seed: int) -> None:
        super().__init__(server, number, content, seed)
        self.busy = content.text("common:busy", "en")
        self.refused = 0
        self.slowest = 0.0

    def step(self) -> None:
        begun = time.monotonic()
        self.take_step()
        self.slowest = max(self.slowest, time.monotonic() - begun)

    def take_step(self) -> None:
        if self.screen is None:
            self.call()
            return
        place, key = self.place, self.key()
        screen = self.phone.type(key)
        if screen.text == self.busy:
            assert not screen.more  # after a CON the next key would answer a question that was never shown
            self.screen, self.doubt = None, key
            self.refused += 1
        else:
            self.note(place, key)
            self.show(screen)

    def call(self) -> None:
        """Dial; on the busy screen try again at the next step."""
        screen = self.phone.dial()
        if screen.text != self.busy and self.place_of(screen) == RESUME:
            screen = self.phone.type("1")
        if screen.text == self.busy:
            assert not screen.more
            self.refused += 1
        else:
            self.find_place(screen)


def test_callbacks_during_an_outage_get_the_busy_screen_and_later_ones_go_on(
    own_postgres: PostgresServer, new_server: Callable[..., Server], content: Content
) -> None:
    server = new_server(own_postgres.fresh_database())
    server.start()
    crowd = [BusyMiner(server, f"+25571938462{n}", content, seed=n) for n in range(CROWD)]
    for miner in crowd:
        miner.show(miner.phone.join())
    with walking(crowd):
        for turn in range(RESTARTS):
            time.sleep(0.15)
            own_postgres.stop(immediate=turn % 2 == 0)  # now a crash, now an orderly stop
            time.sleep(0.1)
            own_postgres.start()
            wait_for_answers(crowd)
    for miner in crowd:
        while miner.screen is None or miner.doubt is not None:
            miner.step()
        Memory(server.database_url, miner).check(miner)
    assert tallied(server.database_url) == sum(Memory(server.database_url, miner).counted for miner in crowd)
    assert all(miner.refused for miner in crowd)
    assert max(miner.slowest for miner in crowd) < 6  # Africa's Talking waits for ten seconds
    kept, refused = sum(len(miner.kept) for miner in crowd), sum(miner.refused for miner in crowd)
    found, lost = sum(miner.found for miner in crowd), sum(miner.lost for miner in crowd)
    print(
        f"{RESTARTS} outages: {kept} answers kept, {refused} busy screens; of the answers refused {found} counted, "
        f"{lost} did not; slowest {max(miner.slowest for miner in crowd):.2f} s"
    )


def test_a_restart_between_two_callbacks_reaches_no_phone(
    own_postgres: PostgresServer, new_server: Callable[..., Server], content: Content
) -> None:
    server = new_server(own_postgres.fresh_database())
    server.start()
    phone = Phone(server, "+255719384630")
    phone.join()
    for immediate in (False, True):
        own_postgres.restart(immediate=immediate)
        assert phone.type("1").text != content.text("common:busy", "en")


def test_an_sms_during_an_outage_comes_again_and_counts_once(
    own_postgres: PostgresServer, new_server: Callable[..., Server]
) -> None:
    server = new_server(own_postgres.fresh_database())
    server.start()
    phone = Phone(server, "+255719384631")
    own_postgres.stop(immediate=True)
    try:
        assert phone.text("START", id="one") == 503  # anything else would tell the provider that we have it
        assert server.ask("GET", "/health")[0] == 503
    finally:
        own_postgres.start()
    wait_for(lambda: phone.text("START", id="one") == 200)
    assert phone.text("START", id="one") == 200  # it does not know that we have it
    assert look(server.database_url, "SELECT direction FROM message ORDER BY direction") == [("in",), ("out",)]


@contextmanager
def walking(crowd: list[BusyMiner]) -> Iterator[None]:
    """All of them call and type for the length of the block; what fails fails the test."""
    failed: list[BaseException] = []
    done = threading.Event()

    def walk(miner: BusyMiner) -> None:
        try:
            while not done.is_set():
                miner.step()
                if miner.screen is None:
                    time.sleep(0.02)  # dialling takes people longer
        except BaseException as error:
            failed.append(error)
            done.set()

    walkers = [threading.Thread(target=walk, args=[miner]) for miner in crowd]
    for walker in walkers:
        walker.start()
    try:
        yield
    finally:
        done.set()
        for walker in walkers:
            walker.join()
        if failed:
            raise failed[0]


def wait_for_answers(crowd: list[BusyMiner]) -> None:
    """Until everybody has given an answer more."""
    before = [len(miner.kept) for miner in crowd]
    wait_for(lambda: all(len(miner.kept) > n for miner, n in zip(crowd, before, strict=True)))


def wait_for(true: Callable[[], bool]) -> None:
    """Until it is true; fails after AGAIN seconds."""
    until = time.monotonic() + AGAIN
    while not true():
        assert time.monotonic() < until, "still not served"
        time.sleep(0.02)
