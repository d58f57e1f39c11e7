"""`kill -9` of the server, fifty times in a run: nobody loses an answer, no answer counts twice."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from random import Random

import pytest

from dialogs.content import Content
from tests.acceptance.miner import Memory, Miner, tallied
from tests.acceptance.server import NoAnswer, Server
from tests.databases import PostgresServer

KILLS = 50
CROWD = 4  # miners with a callback on its way when the server dies
pytestmark = [pytest.mark.slow, pytest.mark.postgres]


class Place:
    """A database, the processes that serve it in turn, and the people that call them."""

    def __init__(self, servers: Sequence[Server], content: Content) -> None:
        self.servers, self.database_url = servers, servers[0].database_url
        for server in servers:
            server.launch()
        self.patient = Miner(servers[0], "+255719384600", content, seed=0)  # between two callbacks at each kill
        self.crowd = [Miner(servers[0], f"+25571938461{n}", content, seed=n) for n in range(CROWD)]
        self.everybody = [self.patient, *self.crowd]

    def join(self) -> None:
        self.servers[0].await_answer()
        for miner in self.everybody:
            miner.show(miner.phone.join())

    def kill(self, turn: int, seconds: float) -> None:
        """Let them all go on at the next process, kill it, and begin to start it again."""
        server = self.servers[turn % len(self.servers)]
        server.await_answer()
        for miner in self.everybody:
            miner.phone.connect_to(server)
        for _ in range(1 + turn % 2):
            self.patient.step()
        walk_until_killed(self.crowd, server, seconds)
        self.patient.cut()
        server.launch()

    def check(self) -> None:
        for server in self.servers:
            server.await_answer()
            assert "Traceback" not in server.log
        for miner in self.everybody:
            miner.phone.connect_to(self.servers[0])
            miner.dial_again()
            Memory(self.database_url, miner).check(miner)
        counted = sum(Memory(self.database_url, miner).counted for miner in self.everybody)
        assert tallied(self.database_url) == counted

    @property
    def figures(self) -> tuple[int, int, int]:
        """Answers kept; callbacks that were cut off: those that had counted and those that had not."""
        every = self.everybody
        return (
            sum(len(each.kept) for each in every),
            sum(each.found for each in every),
            sum(each.lost for each in every),
        )


def test_fifty_kills_lose_no_answer_and_count_none_twice(
    own_postgres: PostgresServer, new_server: Callable[..., Server], content: Content
) -> None:
    on_sqlite = Place([new_server()], content)
    # On PostgreSQL two processes serve: the phones of the one that died go on at the other.
    on_postgres = Place([new_server(url) for url in [own_postgres.fresh_database()] * 2], content)
    places = {"SQLite": on_sqlite, "PostgreSQL": on_postgres}
    for place in places.values():
        place.join()
    random = Random(1)
    for turn in range(KILLS):
        for place in places.values():  # while one starts again, the other is at work
            place.kill(turn, random.uniform(0.02, 0.2))
    for name, place in places.items():
        place.check()
        kept, found, lost = place.figures
        print(f"{name}: {KILLS} kills, {kept} answers kept; of the callbacks cut off {found} counted, {lost} did not")
        assert kept > 50
        assert found + lost > KILLS  # the crowd was in the middle of it


def walk_until_killed(crowd: Sequence[Miner], server: Server, seconds: float) -> None:
    """Let all of them type as fast as they can, and kill the server meanwhile."""
    failed: list[BaseException] = []

    def walk(miner: Miner) -> None:
        try:
            while True:
                miner.step()
        except NoAnswer:
            return
        except BaseException as error:
            failed.append(error)

    walkers = [threading.Thread(target=walk, args=[miner]) for miner in crowd]
    for walker in walkers:
        walker.start()
    time.sleep(seconds)
    server.kill()
    for walker in walkers:
        walker.join()
    if failed:
        raise failed[0]
