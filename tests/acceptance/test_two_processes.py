"""Two processes on one PostgreSQL, and waves of new numbers at both at once: nobody is there twice."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

import pytest

from dialogs.content import Content
from dialogs.engine import COUNTED, SEEN
from tests.acceptance.look import look, look_for_one
from tests.acceptance.server import Phone, Screen, Server
from tests.acceptance.whole import part_of, whole_content, words_for
from tests.databases import PostgresServer

WAVES, IN_A_WAVE = 4, 90
AT_ONCE = 40  # callbacks on their way, at each process
pytestmark = [pytest.mark.slow, pytest.mark.postgres]


@pytest.fixture
def two_servers(
    own_postgres: PostgresServer, new_server: Callable[..., Server], tmp_path: Path
) -> tuple[Server, Server]:
    """Two processes that began at the same moment, on a database that had no tables yet."""
    url, whole = own_postgres.fresh_database(), str(whole_content(tmp_path))
    one, two = (new_server(url, NGAZI_CONTENT=whole) for _ in range(2))
    for server in (one, two):
        server.launch()
    for server in (one, two):
        server.await_answer()
    return one, two


def test_waves_of_new_numbers_at_two_processes_make_nobody_twice(
    two_servers: tuple[Server, Server], own_postgres: PostgresServer, content: Content
) -> None:
    url = two_servers[0].database_url
    logged = len(postgres_log(own_postgres))
    random = Random(2)
    welcome = content.text("hello:language.ask", "en")
    with Crowd(two_servers) as crowd:
        for wave in range(WAVES):
            numbers = [f"+2557193{wave}{n:04}" for n in range(IN_A_WAVE)]
            # A number's two first calls are on their way at the same moment; each process meets them in its own order.
            pairs = [(Phone(two_servers[0], number), Phone(two_servers[1], number)) for number in numbers]
            screens = crowd.both([(each.dial, other.dial) for each, other in pairs], random)
            assert all(screen.more and screen.text.startswith(welcome) for pair in screens for screen in pair)
            # The same callback of one call reaches both processes, as when a provider tries again too early.
            for each, other in pairs:
                other.session = each.session
            for key in ("1", "1", "1"):
                screens = crowd.both([(typing(each, key), typing(other, key)) for each, other in pairs], random)
                assert all(one == other for one, other in screens), "a repeated callback got another screen"
            assert {screen.text.split("\n")[0] for pair in screens for screen in pair} == {"Where to?"}
            # An answer that is counted without its giver, at both at once: the tally grows once for each.
            for words in (words_for(part_of("children")), words_for("children")):
                while not (key := screens[0][0].key_of(words)):
                    screens = crowd.both([(typing(each, "9"), typing(other, "9")) for each, other in pairs], random)
                screens = crowd.both([(typing(each, key), typing(other, key)) for each, other in pairs], random)
            screens = crowd.both([(typing(each, "2"), typing(other, "2")) for each, other in pairs], random)
        everybody = WAVES * IN_A_WAVE
        count = counts(url)
        kept = Counter(look(url, "SELECT step, choice FROM answer"))
        assert count == dict.fromkeys(COUNTS, 0) | {
            "addresses": everybody,
            "contacts": everybody,
            "who agreed": everybody,
            "check values of the key": 1,
        }
        assert look(url, "SELECT dialog, step, choice, n FROM tally") == [("children", "chi1", "no", everybody)]
        assert kept == {("language", "en"): everybody, ("consent", "yes"): everybody}
    assert troubles(postgres_log(own_postgres)[logged:]) == []
    assert troubles(two_servers[0].log + two_servers[1].log) == []
    print(f"{everybody} numbers, {crowd.callbacks} callbacks, {count['deadlocks']} deadlocks")


def test_stops_and_calls_of_the_same_people_at_two_processes_wait_for_each_other(
    two_servers: tuple[Server, Server], own_postgres: PostgresServer
) -> None:
    logged = len(postgres_log(own_postgres))
    random = Random(3)
    numbers = [f"+25571938{n:04}" for n in range(60)]
    with Crowd(two_servers) as crowd:
        pairs = [(Phone(two_servers[0], number), Phone(two_servers[1], number)) for number in numbers]
        crowd.both([(each.join, each.number.strip) for each, _ in pairs], random)
        for _ in range(4):
            answers = crowd.both([(each.dial, opting_out(other)) for each, other in pairs], random)
            assert {status for _, status in answers} == {200}, "an opt-out was not taken in"
            answers = crowd.both([(each.dial, saying(other, "STOP")) for each, other in pairs], random)
            assert {status for _, status in answers} == {200}
            answers = crowd.both([(opting_out(each), saying(other, "START")) for each, other in pairs], random)
            assert {status for pair in answers for status in pair} == {200}
    count = counts(two_servers[0].database_url)
    assert count["addresses"] == count["contacts"] == len(numbers)
    assert troubles(postgres_log(own_postgres)[logged:]) == []
    assert count["deadlocks"] == 0


def test_two_calls_of_one_person_at_two_processes_give_each_answer_once(
    two_servers: tuple[Server, Server], content: Content
) -> None:
    random = Random(4)
    sessions = [Phone(server, "+255719387777") for server in two_servers]
    with Crowd(two_servers) as crowd:
        sessions[0].join()
        both = [(sessions[0].dial, sessions[1].dial)]
        [(one, two)] = crowd.both(both, random)
        assert one == two
        for key in "19111111111111111111":  # two phones with one number, at the same moment
            [(one, two)] = crowd.both([(typing(sessions[0], key), typing(sessions[1], key))], random)
            assert one.more
            assert two.more
    url = two_servers[0].database_url
    count = counts(url)
    runs = look(url, "SELECT id, answers FROM run WHERE dialog NOT IN ('menu', 'hello', 'topics')")
    kept = look(url, "SELECT run_id, step, choice FROM answer ORDER BY id")
    assert count["contacts"] == 1
    assert count["open runs of one person and dialog beyond the first"] == 0
    entries = {id: [tuple(entry) for entry in json.loads(answers)] for id, answers in runs}
    assert entries
    assert look_for_one(url, "SELECT sum(n) FROM tally") == sum(
        choice == COUNTED for run in entries.values() for _, choice in run
    )
    for id, run in entries.items():
        assert len(set(run)) == len(run), "an entry stands twice in a run"
        told = [(step, choice) for run_id, step, choice in kept if run_id == id]
        assert told == [entry for entry in run if entry[1] not in (SEEN, COUNTED)]


COUNTS = {
    "addresses": "SELECT count(*) FROM address",
    "contacts": "SELECT count(*) FROM contact",
    "who agreed": "SELECT count(*) FROM contact WHERE consent_at IS NOT NULL",
    "check values of the key": "SELECT count(*) FROM keyring",
    "addresses of nobody": "SELECT count(*) FROM address WHERE contact_id IS NULL",
    "people without an address": (
        "SELECT count(*) FROM contact WHERE NOT EXISTS (SELECT FROM address WHERE contact_id = contact.id)"
    ),
    "people with two addresses": (
        "SELECT count(*) FROM (SELECT FROM address GROUP BY contact_id HAVING count(*) > 1) AS twice"
    ),
    "open runs of one person and dialog beyond the first": (
        "SELECT count(*) FROM (SELECT FROM run WHERE finished_at IS NULL GROUP BY contact_id, dialog "
        "HAVING count(*) > 1) AS twice"
    ),
    "deadlocks": "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()",
}


def counts(database_url: str) -> dict[str, int]:
    return {name: look_for_one(database_url, sql) for name, sql in COUNTS.items()}


class Crowd:
    """Many callbacks at once, at two processes."""

    def __init__(self, servers: Sequence[Server]) -> None:
        self._pools = [ThreadPoolExecutor(AT_ONCE) for _ in servers]
        self.callbacks = 0

    def __enter__(self) -> Crowd:
        return self

    def __exit__(self, *_: object) -> None:
        for pool in self._pools:
            pool.shutdown()

    def both(self, pairs: Sequence[tuple[Callable[[], object], ...]], random: Random) -> list[tuple[Any, ...]]:
        """What each callback of each pair gives; the pairs go out in an order of its own at each process."""
        self.callbacks += 2 * len(pairs)
        go = threading.Event()
        waiting = []
        for place, pool in enumerate(self._pools):
            order = list(range(len(pairs)))
            random.shuffle(order)
            jobs = {n: pool.submit(after, go, pairs[n][place]) for n in order}
            waiting.append([jobs[n] for n in range(len(pairs))])
        go.set()
        return [tuple(each.result() for each in pair) for pair in zip(*waiting, strict=True)]


def after(go: threading.Event, call: Callable[[], object]) -> object:
    go.wait()
    return call()


def typing(phone: Phone, key: str) -> Callable[[], Screen]:
    return lambda: phone.type(key)


def saying(phone: Phone, words: str) -> Callable[[], int]:
    return lambda: phone.text(words)


def opting_out(phone: Phone) -> Callable[[], int]:
    return lambda: phone.tell("optout", {"senderId": "21512", "phoneNumber": phone.number})


def postgres_log(server: PostgresServer) -> str:
    """What the server has written so far."""
    return (server._folder / "log").read_text(errors="replace")


def troubles(log: str) -> list[str]:
    """The lines that tell of a deadlock, a violation, or a failure."""
    words = ("deadlock", "ERROR", '"level": "error"', "warning", "Traceback", "violates")
    return [line for line in log.splitlines() if any(word in line for word in words)]
