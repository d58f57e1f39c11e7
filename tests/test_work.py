from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from time import monotonic, sleep
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, update
from sqlalchemy.exc import OperationalError

from dialogs.content import Keeper
from dialogs.database import open_engine
from gateway import reasons, settling
from gateway.dispatch import through_engine
from gateway.providers import Carriage, Outcome, Outgoing
from gateway.tables import Message
from gateway.work import Worker
from tests.town import BATCHES, MONDAY, SINGLES, Town, channel, house


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def town(engine: Engine) -> Town:
    return Town(engine)


class Carrier:
    """A provider that does what a test says, and keeps what it was given."""

    def __init__(self, carriage: Carriage = BATCHES) -> None:
        self.carriage = carriage
        self.calls: list[list[Outgoing]] = []
        self.says: Callable[[Outgoing], Outcome] = lambda message: Outcome(message.id, "sent", f"id-{message.id}")
        self.before: Callable[[], None] = lambda: None

    def send(self, messages: Sequence[Outgoing]) -> list[Outcome]:
        self.calls.append(list(messages))
        self.before()
        return [self.says(message) for message in messages]

    @property
    def given(self) -> list[str]:
        return [message.to for call in self.calls for message in call]


@contextmanager
def working(engine: Engine, keeper: Keeper, carrier: Carrier, transact: Any = None, **names: Any) -> Iterator[Worker]:
    playing = house(keeper.content)
    channels = names or {"ke": channel()}
    carriers: dict[str, Any] = dict.fromkeys(channels, carrier)
    worker = Worker(carriers, channels, lambda: playing, transact or through_engine(engine), lambda: MONDAY)
    worker.start()
    try:
        yield worker
    finally:
        worker.stop(10)


def wait(until: Callable[[], bool], seconds: float = 10) -> None:
    end = monotonic() + seconds
    while not until():
        assert monotonic() < end, "it took too long"
        sleep(0.01)


@pytest.mark.parametrize("carriage", [BATCHES, SINGLES])
def test_everybody_gets_it_once_and_the_rows_say_so(town: Town, engine: Engine, keeper: Keeper, carriage: Carriage):
    town.broadcast(town.people(230))
    carrier = Carrier(carriage)
    with working(engine, keeper, carrier):
        wait(lambda: town.states() == {"sent": 230})
    assert len(carrier.given) == len(set(carrier.given)) == 230
    assert max(map(len, carrier.calls)) == carriage.most
    assert {(row.provider_id, row.lease_until, row.to_sealed) for row in town.messages()} == {
        (f"id-{row.id}", None, None) for row in town.messages()
    }


def test_two_workers_send_nothing_twice(town: Town, engine: Engine, keeper: Keeper):
    town.broadcast(town.people(300))
    carrier = Carrier(Carriage(most=10, alike=True, calls=2, rate=1000))
    with working(engine, keeper, carrier), working(engine, keeper, carrier):
        wait(lambda: town.states() == {"sent": 300})
    assert len(carrier.given) == len(set(carrier.given)) == 300


def test_a_provider_that_raises_leaves_its_call_unknown_and_nothing_is_sent_again(
    town: Town, engine: Engine, keeper: Keeper
):
    town.broadcast(town.people(2))
    carrier = Carrier()

    def slip(message: Outgoing) -> Outcome:
        raise RuntimeError("a slip")

    carrier.says = slip
    with working(engine, keeper, carrier):
        wait(lambda: town.states() == {"unknown": 2})
        sleep(0.2)
    assert len(carrier.calls) == 1


def test_what_the_provider_says_nothing_of_is_unknown(town: Town, engine: Engine, keeper: Keeper):
    town.broadcast(town.people(2))
    carrier = Carrier()
    carrier.send = lambda messages: [Outcome(messages[0].id, "sent", "id")]  # type: ignore[method-assign]
    with working(engine, keeper, carrier):
        wait(lambda: town.states() == {"sent": 1, "unknown": 1})


def test_a_failed_try_is_repeated_later_and_given_up_at_last(town: Town, engine: Engine, keeper: Keeper):
    town.broadcast(town.people(1))
    carrier = Carrier()
    carrier.says = lambda message: Outcome(message.id, "again", reason="the provider had an error")
    with working(engine, keeper, carrier):
        for tries in range(1, len(settling.AGAIN_AFTER) + 1):
            wait(lambda tries=tries: len(carrier.calls) == tries and town.states() == {"queued": 1})  # type: ignore[misc]
            (row,) = town.messages()
            assert row.error == f"{reasons.TRIED_AGAIN}: the provider had an error"
            assert row.due_at == MONDAY + timedelta(seconds=settling.AGAIN_AFTER[tries - 1])
            assert row.sent_at is None
            with engine.begin() as db:
                db.execute(update(Message).values(due_at=MONDAY))
                release_channel(db)
        wait(lambda: town.states() == {"failed": 1})
    assert reasons.GAVE_UP in town.messages()[0].error


def release_channel(db: Connection) -> None:
    from gateway.tables import Pace

    db.execute(update(Pace).values(at=MONDAY, tokens=1000.0))


def test_too_many_requests_hold_the_channel_and_do_not_count_as_a_try(town: Town, engine: Engine, keeper: Keeper):
    town.broadcast(town.people(3))
    carrier = Carrier(SINGLES)
    carrier.says = lambda message: Outcome(message.id, "again", reason="too many", wait=30.0)
    with working(engine, keeper, carrier):
        wait(lambda: town.states() == {"queued": 3} and len(carrier.calls) >= 3)
        sleep(0.3)
        assert len(carrier.calls) == 3
        assert {(row.attempts, row.due_at) for row in town.messages()} == {(0, MONDAY + timedelta(seconds=30))}


def test_without_credit_the_channel_pauses_and_says_why(town: Town, engine: Engine, keeper: Keeper):
    town.broadcast(town.people(5))
    carrier = Carrier()
    carrier.says = lambda message: Outcome(message.id, "again", remedy="pause", reason="the account has no credit")
    with working(engine, keeper, carrier):
        wait(lambda: town.states() == {"queued": 5} and bool(carrier.calls))
        sleep(0.3)
    assert len(carrier.calls) == 1
    from gateway import pace

    with engine.begin() as db:
        assert pace.states(db)["ke"].reason == "the account has no credit"


def test_an_opt_out_a_bad_number_and_a_stopped_broadcast_have_their_consequences(
    town: Town, engine: Engine, keeper: Keeper
):
    from sqlalchemy import select

    from dialogs.tables import Address, Consent, Contact
    from gateway.tables import Broadcast

    people = [town.person(f"+25471234500{n}") for n in range(3)]
    broadcast = town.broadcast(people)
    town.broadcast(people[:1], {"en": "Tomorrow."})
    remedies: dict[str, Any] = {"+254712345000": "stopped", "+254712345001": "bad", "+254712345002": "halt"}
    carrier = Carrier(SINGLES)
    carrier.says = lambda message: Outcome(message.id, "refused", remedy=remedies[message.to], reason="no")
    with working(engine, keeper, carrier):
        wait(lambda: town.states() == {"refused": 3, "queued": 1})  # once the cause is mended, it may still go
    with engine.begin() as db:
        assert db.execute(select(Contact.stopped_at).where(Contact.id == people[0])).scalar() == MONDAY
        assert db.execute(select(Address.sealed).where(Address.contact_id == people[0])).scalar() is None
        assert db.execute(select(Consent.what, Consent.yes, Consent.how)).one() == ("all", False, "provider")
        assert db.execute(select(Address.bad_at).where(Address.contact_id == people[1])).scalar() == MONDAY
        halted = db.execute(select(Broadcast.status, Broadcast.reason).where(Broadcast.id == broadcast)).one()
        assert halted == ("paused", f"{reasons.HALTED}: no")


def test_a_dead_provider_rests_instead_of_burning_all_messages(town: Town, engine: Engine, keeper: Keeper):
    town.broadcast(town.people(60))
    carrier = Carrier(Carriage(most=1, calls=1, rate=1000))
    carrier.says = lambda message: Outcome(message.id, "again", reason="it cannot be reached")
    with working(engine, keeper, carrier):
        wait(lambda: len(carrier.calls) >= 3)
        sleep(0.3)
    assert len(carrier.calls) == 3


def test_when_the_end_of_a_transaction_is_not_heard_what_was_claimed_is_put_back_and_sent_once(
    town: Town, engine: Engine, keeper: Keeper
):
    town.broadcast(town.people(20))
    carrier, plain, lost = Carrier(), through_engine(engine), threading.Event()

    def transact(work: Callable[[Connection], Any]) -> Any:
        result = plain(work)
        if getattr(result, "calls", None) and not lost.is_set():
            lost.set()  # committed, but nobody was told
            raise OperationalError("COMMIT", {}, Exception("the connection broke"))
        return result

    with working(engine, keeper, carrier, transact):
        wait(lambda: town.states() == {"sent": 20})
    assert lost.is_set()
    assert len(carrier.given) == len(set(carrier.given)) == 20
    assert {row.attempts for row in town.messages()} == {1}


def test_stopping_waits_for_the_calls_under_way(town: Town, engine: Engine, keeper: Keeper):
    town.broadcast(town.people(10))
    carrier, begun = Carrier(), threading.Event()

    def slowly() -> None:
        begun.set()
        sleep(0.4)

    carrier.before = slowly
    with working(engine, keeper, carrier):
        assert begun.wait(5)
    assert town.states() == {"sent": 10}


def test_a_lease_that_ran_out_is_unknown_and_a_late_answer_still_counts(town: Town, engine: Engine):
    town.broadcast(town.people(2))
    with engine.begin() as db:
        db.execute(update(Message).values(status="sending", lease_until=MONDAY - timedelta(seconds=1)))
        assert settling.leases(db, MONDAY) == 2
        assert settling.leases(db, MONDAY) == 0
    assert {(row.status, row.error) for row in town.messages()} == {("unknown", reasons.WORKER_ENDED)}
    first, second = town.messages()
    with engine.begin() as db:
        said = [Outcome(first.id, "sent", "id-1"), Outcome(second.id, "again", reason="not taken")]
        settling.outcomes(db, "ke", said, MONDAY)
    assert [row.status for row in town.messages()] == ["sent", "unknown"]


def test_an_id_that_another_message_has_is_dropped_and_both_are_settled(town: Town, engine: Engine):
    town.broadcast(town.people(3))
    with engine.begin() as db:
        db.execute(update(Message).values(status="sending"))
    ids = [row.id for row in town.messages()]
    with engine.begin() as db:
        settling.outcomes(db, "ke", [Outcome(ids[0], "sent", "same")], MONDAY)
        settling.outcomes(db, "ke", [Outcome(ids[1], "sent", "same"), Outcome(ids[2], "sent", "own")], MONDAY)
    assert [row.status for row in town.messages()] == ["sent"] * 3


def test_a_number_that_may_not_be_written_to_at_this_hour_waits_alone(town: Town, engine: Engine, keeper: Keeper):
    town.broadcast([town.person("+254712345000"), *town.people(3)])
    carrier = Carrier(SINGLES)

    def one_sleeps(message: Outgoing) -> Outcome:
        if message.to == "+254712345000":
            return Outcome(message.id, "again", remedy="later", wait=3600.0, reason="not at this hour")
        return Outcome(message.id, "sent", f"id-{message.id}")

    carrier.says = one_sleeps
    with working(engine, keeper, carrier):
        wait(lambda: town.states() == {"sent": 3, "queued": 1})
        town.broadcast(town.people(1))
        wait(lambda: town.states() == {"sent": 4, "queued": 1})
