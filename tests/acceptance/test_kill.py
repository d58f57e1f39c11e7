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

KILLS = 50
CROWD = 4  # miners with a callback on its way when the server dies
pytestmark = pytest.mark.slow


def test_fifty_kills_lose_no_answer_and_count_none_twice(
    own_database: str, new_server: Callable[..., Server], content: Content
) -> None:
    # On PostgreSQL two processes serve, and the phones of the one that died go on at the other.
    servers = [new_server(own_database) for _ in range(2 if own_database else 1)]
    database_url = servers[0].database_url
    for server in servers:
        server.start()
    patient = Miner(servers[0], "+255719384600", content, seed=0)  # between two callbacks, whenever the server dies
    crowd = [Miner(servers[0], f"+25571938461{n}", content, seed=n) for n in range(CROWD)]
    everybody = [patient, *crowd]
    for miner in everybody:
        miner.show(miner.phone.join())

    random = Random(1)
    for kill in range(KILLS):
        server = servers[kill % len(servers)]
        server.await_answer()
        for miner in everybody:
            miner.phone.connect_to(server)
        for _ in range(1 + kill % 2):
            patient.step()
        walk_until_killed(crowd, server, random.uniform(0.02, 0.15))
        patient.cut()
        server.launch()

    for server in servers:
        server.await_answer()
    for miner in everybody:
        miner.phone.connect_to(servers[0])
        miner.dial_again()
        Memory(database_url, miner).check(miner)
    assert tallied(database_url) == sum(Memory(database_url, miner).counted for miner in everybody)
    assert not any("Traceback" in server.log for server in servers)

    kept, lost, found = (sum(n) for n in zip(*((len(m.kept), m.lost, m.found) for m in everybody), strict=True))
    print(f"{KILLS} kills, {kept} answers kept; of the callbacks cut off {found} had counted, {lost} had not")
    assert kept > 100
    assert lost + found > KILLS  # the crowd was in the middle of it


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
