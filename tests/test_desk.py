from __future__ import annotations

import asyncio
import dataclasses
import logging
import shutil
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Any

import anyio
import anyio.to_thread
import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Connection, Engine, event, func, insert, select, update
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from dialogs import store
from dialogs.content import Content, Keeper
from dialogs.database import open_engine
from dialogs.inbound import Inbound, Reply
from dialogs.screen import Room
from dialogs.seal import Seal
from dialogs.showing import House
from dialogs.tables import Address, Answer, Contact, Run
from gateway.desk import MOST_AT_ONCE, MOST_WAITING, PATIENCE, Busy, Desk
from gateway.tables import Message
from tests.databases import PostgresServer
from tests.phones import START, Clock
from tests.test_any_dialog import content, dialog, step

pytestmark = pytest.mark.anyio

SEAL = Seal("a secret key of the tests, long enough")
ASHA, JUMA = "+254712345001", "+254712345002"
WELCOME, OF_AGE, AGREE, MENU = "Choose your language", "Are you 18", "We keep your number", "Choose a number"
BUSY, SORRY = "This line is busy now", "something went wrong"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def house(keeper: Keeper) -> House:
    return House(keeper.content, SEAL, lambda _: Room(), lambda _: "KE")


@asynccontextmanager
async def serving(engine: Engine, house: House, **settings: Any) -> AsyncIterator[Desk]:
    """A desk on this test's event loop."""
    desk = Desk(engine, lambda: house, Clock(), **settings)
    desk.start()
    try:
        yield desk
    finally:
        await anyio.to_thread.run_sync(desk.stop)


@asynccontextmanager
async def occupied(desk: Desk) -> AsyncIterator[None]:
    """Within the block the desk is at something else, so that all who come wait for its end together."""
    begun, release = threading.Event(), threading.Event()

    def work(db: Connection) -> None:
        begun.set()
        assert release.wait(30)

    held = asyncio.create_task(desk.run(work))
    while not begun.is_set():
        await asyncio.sleep(0.001)
    try:
        yield
    finally:
        release.set()
        with suppress(Busy):  # an outage is for the callers to notice
            await held


async def come(desk: Desk, *inbounds: Inbound) -> list[asyncio.Task[Reply]]:
    """These callers, each waiting for a screen; the desk must be occupied."""
    waiting = desk.state().waiting
    tasks = [asyncio.create_task(desk.take(inbound)) for inbound in inbounds]
    while desk.state().waiting < waiting + len(inbounds):
        await asyncio.sleep(0.001)
    return tasks


async def take_together(desk: Desk, *inbounds: Inbound) -> list[Reply]:
    """The replies to inbounds that came while the desk was at something else."""
    async with occupied(desk):
        tasks = await come(desk, *inbounds)
    return await asyncio.gather(*tasks)


def call(number: str, typed: str = "", session: str = "") -> Inbound:
    """A callback of a call, with everything typed so far."""
    return Inbound("ke", "ussd", number, typed, session or f"call of {number}", "", True)


def sms(number: str, text: str, id: str) -> Inbound:
    return Inbound("ke", "sms", number, text, "", id)


def number_of(n: int) -> str:
    return f"+25471{n:07}"


class Commits:
    """How often an engine committed."""

    def __init__(self, engine: Engine) -> None:
        self.n = 0
        event.listen(engine, "commit", self._count)

    def _count(self, db: Connection) -> None:
        self.n += 1


def count(engine: Engine, table: Any) -> int:
    with engine.begin() as db:
        return db.execute(select(func.count()).select_from(table)).scalar() or 0


def agree(engine: Engine, *numbers: str) -> None:
    """These people agreed some time ago."""
    with engine.begin() as db:
        store.meet(db, [call(number) for number in numbers], SEAL, START, lambda _: "KE")
        db.execute(update(Contact).values(consent_at=START))


# --- one caller, and many ---


async def test_a_lone_caller_waits_for_nobody(engine: Engine, house: House):
    async with serving(engine, house) as desk:
        commits = Commits(engine)
        reply = await desk.take(call(ASHA))
        assert reply.text.startswith(WELCOME)
        assert reply.more
        state = desk.state()
        assert (state.waiting, state.alive, state.database_ok, state.lists, state.served) == (0, True, True, 1, 1)
        assert commits.n == 1


async def test_500_callers_at_once_share_their_commits(engine: Engine, house: House):
    numbers = [number_of(n) for n in range(500)]
    sizes: list[int] = []
    async with serving(engine, house) as desk:
        desk.on_list = sizes.append
        commits = Commits(engine)
        welcomed = await take_together(desk, *(call(number) for number in numbers))
        assert {reply.text.partition("\n")[0] for reply in welcomed} == {WELCOME}
        assert (desk.state().lists, desk.state().served) == (4, 500)
        assert commits.n == 4 + 1  # and the one of the work that held the desk
        asked = await take_together(desk, *(call(number, "1") for number in numbers))
        assert {reply.text.startswith(OF_AGE) for reply in asked} == {True}
        assert (desk.state().lists, desk.state().served) == (8, 1000)
    assert sizes == [128, 128, 128, 116] * 2
    assert count(engine, Contact) == count(engine, Address) == count(engine, Run) == 500


async def test_a_crowd_shares_commits_though_nothing_holds_the_desk(engine: Engine, house: House):
    async with serving(engine, house) as desk:
        replies = await asyncio.gather(*(desk.take(call(number_of(n))) for n in range(200)))
        assert {reply.text.partition("\n")[0] for reply in replies} == {WELCOME}
        assert desk.state().served == 200
        assert desk.state().lists < 100


async def test_what_one_contact_typed_is_taken_in_its_order_within_a_list(engine: Engine, house: House):
    typed = ["", "1", "1*1", "1*1*1"]
    each = [call(number, text) for text in typed for number in (ASHA, JUMA)]
    async with serving(engine, house) as desk:
        replies = await take_together(desk, *each)
        assert desk.state().lists == 1
    for place, expected in enumerate((WELCOME, OF_AGE, AGREE, MENU)):
        for reply in replies[place * 2 : place * 2 + 2]:
            assert expected in reply.text
    with engine.begin() as db:
        assert db.execute(select(Contact.consent_at.is_not(None))).scalars().all() == [True, True]


async def test_what_one_contact_typed_is_taken_in_its_order_across_lists(engine: Engine, house: House):
    typed = ["", "1", "1*1", "1*1*1"]
    async with serving(engine, house, most_at_once=1) as desk:
        replies = await take_together(desk, *(call(ASHA, text) for text in typed))
        assert desk.state().lists == 4
    assert [expected in reply.text for reply, expected in zip(replies, (WELCOME, OF_AGE, AGREE, MENU), strict=True)]


async def test_a_repeated_callback_in_one_list_gets_the_same_screen_and_counts_once(engine: Engine, house: House):
    async with serving(engine, house) as desk:
        await desk.take(call(ASHA))
        first, again = await take_together(desk, call(ASHA, "1"), call(ASHA, "1"))
        assert first == again
        assert first.text.startswith(OF_AGE)


async def test_two_processes_serve_the_same_crowd(engine: Engine, house: House, database_url: str):
    numbers = [number_of(n) for n in range(100)]
    other = open_engine(database_url)
    try:
        async with serving(engine, house) as one, serving(other, house) as two:
            dialled = (
                desk.take(call(number, "", f"{name} {number}"))
                for name, desk in (("a", one), ("b", two))
                for number in numbers
            )
            replies = await asyncio.gather(*dialled)
            assert {reply.text.partition("\n")[0] for reply in replies} == {WELCOME}
            assert one.state().database_ok
            assert two.state().database_ok
    finally:
        other.dispose()
    assert count(engine, Contact) == count(engine, Address) == count(engine, Run) == 100


# --- messages ---


async def test_a_message_gets_its_reply_into_the_outbox_and_counts_once(engine: Engine, house: House):
    agree(engine, ASHA)
    async with serving(engine, house) as desk:
        first, again = await take_together(desk, sms(ASHA, "menu", "1"), sms(ASHA, "menu", "1"))
        assert MENU in first.text
        assert again.text == ""
        assert (await desk.take(sms(ASHA, "menu", "1"))).text == ""
    with engine.begin() as db:
        texts = db.execute(select(Message.text).where(Message.status == "queued")).scalars().all()
    assert texts == [first.text]


async def test_a_stop_settles_what_waits_and_is_confirmed(engine: Engine, house: House):
    agree(engine, ASHA, JUMA)
    with engine.begin() as db:
        row = {"channel": "ke", "direction": "out", "kind": "broadcast", "status": "queued", "text": "30 days to go."}
        for id in db.execute(select(Contact.id)).scalars():
            db.execute(
                insert(Message).values(
                    row | {"contact_id": id, "dedupe": f"{id}", "due_at": START, "created_at": START}
                )
            )
        asha = db.execute(select(Address.contact_id).where(Address.key == SEAL.key("tel", ASHA))).scalar()
    async with serving(engine, house) as desk:
        await take_together(desk, sms(ASHA, "STOP", "1"), call(JUMA))
    with engine.begin() as db:
        found = db.execute(
            select(Message.contact_id, Message.kind, Message.status).where(Message.direction == "out")
        ).all()
        assert {tuple(row) for row in found if row.contact_id == asha} == {
            (asha, "broadcast", "refused"),
            (asha, "reply", "queued"),
        }
        assert [row.status for row in found if row.contact_id != asha] == ["queued"]


# --- one who fails ---


@pytest.fixture
def broken_house() -> House:
    """A menu of two dialogs; the words of the second are missing."""
    whole = content([dialog(id, [step("a", id, "ask", ("x", "y"))]) for id in ("fine", "spoiled")])
    words = {id: text for id, text in whole.wordings["en"].items() if id != "spoiled:a"}
    return house_of(dataclasses.replace(whole, wordings={"en": words}))


def house_of(spoken: Content, country_of: Callable[[str], str] = lambda _: "KE") -> House:
    return House(spoken, SEAL, lambda _: Room(), country_of)


async def test_one_who_fails_harms_only_themselves(
    engine: Engine, broken_house: House, caplog: pytest.LogCaptureFixture
):
    numbers = [number_of(n) for n in range(20)]
    unlucky = numbers[7]
    agree(engine, *numbers)
    async with serving(engine, broken_house) as desk:
        await take_together(desk, *(call(number) for number in numbers))
        typed = [call(number, "2" if number == unlucky else "1") for number in numbers]
        replies = dict(zip(numbers, await take_together(desk, *typed), strict=True))
        assert replies.pop(unlucky) == Reply("common:sorry_error")
        assert {reply.text.partition("\n")[0] for reply in replies.values()} == {"fine:a"}
        # They go on as if nothing had been, the unlucky one from where they stood.
        later = [call(number, "1*1") for number in replies] + [call(unlucky, "", "a new call")]
        *others, back = await take_together(desk, *later)
        assert {reply.text for reply in others} == {"common:goodbye"}
        assert back.text.startswith("menu:home")
    with engine.begin() as db:
        owner = db.execute(select(Address.contact_id).where(Address.key == SEAL.key("tel", unlucky))).scalar()
        assert db.execute(select(Run.dialog).where(Run.contact_id == owner)).scalars().all() == ["menu"]
        kept = db.execute(select(Run.contact_id).join(Answer).where(Answer.step == "a")).scalars().all()
        assert len(kept) == len(set(kept)) == 19
    assert "KeyError" in caplog.text
    assert not any(number[1:] in caplog.text for number in numbers)


async def test_one_whose_message_fails_is_told_so_once(engine: Engine, broken_house: House):
    agree(engine, ASHA, JUMA)
    async with serving(engine, broken_house) as desk:
        await take_together(desk, sms(ASHA, "hello", "1"), sms(JUMA, "hello", "2"))
        await take_together(desk, sms(ASHA, "2", "3"), sms(JUMA, "1", "4"))
        await take_together(desk, sms(ASHA, "2", "3"), sms(JUMA, "1", "4"))
    with engine.begin() as db:
        replies = db.execute(
            select(Message.dedupe, Message.text).where(Message.direction == "out").order_by(Message.id)
        )
        found = {dedupe: str(text).partition("\n")[0] for dedupe, text in replies}
    assert found == {
        "reply:ke:1": "menu:home",
        "reply:ke:2": "menu:home",
        "reply:ke:3": "common:sorry_error",
        "reply:ke:4": "fine:a",
    }


async def test_one_who_fails_before_their_turn_harms_only_themselves(engine: Engine, keeper: Keeper):
    def country_of(number: str) -> str:
        if number == JUMA:
            raise LookupError("a country that is none")
        return "KE"

    async with serving(engine, house_of(keeper.content, country_of)) as desk:
        replies = await take_together(desk, call(ASHA), call(JUMA), call(number_of(1)))
        assert [SORRY in reply.text for reply in replies] == [False, True, False]
        assert [WELCOME in reply.text for reply in replies] == [True, False, True]


async def test_a_value_that_the_database_refuses_harms_only_its_own_caller(engine: Engine, house: House):
    too_long = call(JUMA, session="s" * 300)  # PostgreSQL takes 200 letters
    async with serving(engine, house) as desk:
        replies = await take_together(desk, call(ASHA), too_long, call(number_of(1)))
        assert [WELCOME in reply.text for reply in (replies[0], replies[2])] == [True, True]
        assert (WELCOME if engine.dialect.name == "sqlite" else SORRY) in replies[1].text
        assert desk.state().database_ok


# --- too many, too slow ---


def test_the_limits_are_those_of_the_design(engine: Engine, house: House):
    desk = Desk(engine, lambda: house)
    assert (desk.patience, desk.most_at_once, desk.most_waiting) == (5.0, 128, 2_000)
    assert (PATIENCE, MOST_AT_ONCE, MOST_WAITING) == (5.0, 128, 2_000)


async def test_beyond_the_2000_that_wait_everybody_gets_the_busy_screen_at_once(engine: Engine, house: House):
    async with serving(engine, house, patience=60.0) as desk:
        async with occupied(desk):
            waiting = await come(desk, *(call(number_of(n)) for n in range(2_000)))
            began = monotonic()
            reply = await desk.take(call(ASHA))
            assert (reply.text.startswith(BUSY), reply.more) == (True, False)
            with pytest.raises(Busy):
                await desk.take(sms(ASHA, "hello", "1"))
            with pytest.raises(Busy):
                await desk.run(lambda db: None)
            assert monotonic() - began < 1
            assert desk.state().waiting == 2_000
        replies = await asyncio.gather(*waiting)
        assert {reply.text.partition("\n")[0] for reply in replies} == {WELCOME}
        assert desk.state().lists == 16
        assert (await desk.take(call(ASHA))).text.startswith(WELCOME)
    assert count(engine, Contact) == 2_001


async def test_who_waited_too_long_gets_the_busy_screen_and_leaves_nothing(engine: Engine, house: House):
    async with serving(engine, house, patience=0.2) as desk:
        async with occupied(desk):
            began = monotonic()
            call_, message = await asyncio.gather(
                desk.take(call(ASHA)), desk.take(sms(JUMA, "hello", "1")), return_exceptions=True
            )
            assert 0.15 < monotonic() - began < 3
        assert isinstance(call_, Reply)
        assert (call_.text.startswith(BUSY), call_.more) == (True, False)
        assert isinstance(message, Busy)  # its provider brings it again
        await desk.run(lambda db: None)  # whatever waited has been looked at
        assert (desk.state().served, desk.state().lists) == (0, 0)
        assert count(engine, Address) == count(engine, Message) == 0
        # Nothing is lost: the next callback, and the message brought again, are taken in.
        assert (await desk.take(call(ASHA))).text.startswith(WELCOME)
        assert (await desk.take(sms(JUMA, "hello", "1"))).text.startswith(WELCOME)


async def test_who_gave_up_is_left_out_and_the_others_of_the_list_are_served(engine: Engine, house: House):
    async with serving(engine, house, patience=0.4) as desk:
        async with occupied(desk):
            (early,) = await come(desk, call(ASHA))
            await asyncio.sleep(0.25)
            (late,) = await come(desk, call(JUMA))
            await early
        assert early.result().text.startswith(BUSY)
        assert (await late).text.startswith(WELCOME)
        assert desk.state().served == 1


async def test_a_turn_that_has_begun_is_finished_though_its_caller_gave_up(engine: Engine, keeper: Keeper):
    release = threading.Event()

    def country_of(number: str) -> str:
        release.wait(30)
        return "KE"

    async with serving(engine, house_of(keeper.content, country_of), patience=0.1) as desk:
        assert (await desk.take(call(ASHA))).text.startswith(BUSY)
        release.set()
        await desk.run(lambda db: None)
        assert desk.state().served == 1
    assert count(engine, Run) == 1  # the place is kept


async def test_the_busy_screen_needs_no_database_and_ends_the_call(engine: Engine, house: House):
    desk = Desk(engine, lambda: house)
    assert desk.busy().text.startswith(BUSY)
    assert not desk.busy().more
    assert SORRY in desk.sorry(call(ASHA)).text


async def test_how_long_the_oldest_is_being_served_is_told(engine: Engine, house: House):
    async with serving(engine, house) as desk:
        assert desk.state().oldest == 0.0
        async with occupied(desk):
            await asyncio.sleep(0.05)
            assert 0.04 < desk.state().oldest < 10
        await desk.take(call(ASHA))
        await desk.run(lambda db: None)
        assert desk.state().oldest < 0.04


# --- other work in the desk's thread ---


async def test_work_is_done_in_the_desks_thread_and_committed(engine: Engine, house: House):
    def work(db: Connection) -> str:
        db.execute(insert(Contact).values(created_at=START, seen_at=START))
        return threading.current_thread().name

    async with serving(engine, house) as desk:
        assert await desk.run(work) == "desk"
    assert count(engine, Contact) == 1


async def test_work_that_fails_writes_nothing_and_tells_the_one_who_asked(engine: Engine, house: House):
    def work(db: Connection) -> None:
        db.execute(insert(Contact).values(created_at=START, seen_at=START))
        raise LookupError("of the work")

    def wrong(db: Connection) -> None:
        db.exec_driver_sql("SELECT nothing FROM nowhere")

    async with serving(engine, house) as desk:
        async with occupied(desk):
            (caller,) = await come(desk, call(ASHA))
            works = [asyncio.create_task(desk.run(work)), asyncio.create_task(desk.run(lambda db: 7))]
            while desk.state().waiting < 3:
                await asyncio.sleep(0.001)
        with pytest.raises(LookupError, match="of the work"):
            await works[0]
        assert await works[1] == 7
        assert (await caller).text.startswith(WELCOME)
        if engine.dialect.name == "postgresql":
            with pytest.raises(DBAPIError):
                await desk.run(wrong)
            assert desk.state().database_ok
    assert count(engine, Contact) == 1


# --- the database is away ---


class Disk:
    """The disk of a SQLite file, which can be taken away."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.folder = Path(str(engine.url.database)).parent
        self.elsewhere = self.folder.with_name(f"{self.folder.name} away")

    def take_away(self) -> None:
        self.engine.dispose()  # an open file would stay open
        shutil.move(self.folder, self.elsewhere)

    def bring_back(self) -> None:
        shutil.move(self.elsewhere, self.folder)


class Server:
    """A PostgreSQL database that nobody may connect to for a while."""

    def __init__(self, server: PostgresServer, database: str) -> None:
        self.server, self.database = server, database

    def take_away(self) -> None:
        self._allow(False)
        self._execute(sql.SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}"), str)

    def bring_back(self) -> None:
        self._allow(True)

    def _allow(self, allowed: bool) -> None:
        word = sql.SQL("true" if allowed else "false")
        self._execute(sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS ") + word, sql.Identifier)

    def _execute(self, statement: sql.Composable, name: Callable[[str], Any]) -> None:
        named = name(self.database)
        with psycopg.connect(self.server.url, autocommit=True) as db:
            text = sql.SQL(statement.as_string(db)).format(
                named if isinstance(named, sql.Composable) else sql.Literal(named)
            )
            db.execute(text)


@pytest.fixture
def outage(engine: Engine, request: pytest.FixtureRequest) -> Disk | Server:
    """Takes the database of this test away, and brings it back."""
    if engine.dialect.name == "sqlite":
        return Disk(engine)
    return Server(request.getfixturevalue("postgres"), str(make_url(engine.url).database))


async def until_back(desk: Desk) -> None:
    began = monotonic()
    while not desk.state().database_ok:
        assert monotonic() - began < 20
        await asyncio.sleep(0.02)


async def test_without_a_database_everybody_gets_the_busy_screen_at_once_and_later_goes_on(
    engine: Engine, house: House, outage: Disk | Server, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.WARNING)
    async with serving(engine, house) as desk:
        assert (await desk.take(call(ASHA))).text.startswith(WELCOME)
        outage.take_away()
        try:
            for _ in range(3):
                began = monotonic()
                reply = await desk.take(call(ASHA, "1"))
                assert (reply.text.startswith(BUSY), reply.more) == (True, False)
                assert monotonic() - began < 2
            assert desk.state().alive
            assert not desk.state().database_ok
            with pytest.raises(Busy):
                await desk.take(sms(JUMA, "hello", "1"))
            with pytest.raises(Busy):
                await desk.run(lambda db: None)
        finally:
            outage.bring_back()
        await until_back(desk)
        assert (await desk.take(call(ASHA, "1"))).text.startswith(OF_AGE)  # the place was kept
        assert (await desk.take(sms(JUMA, "hello", "1"))).text.startswith(WELCOME)
    assert "the database is away" in caplog.text
    assert "the database is back" in caplog.text
    assert ASHA[1:] not in caplog.text


async def test_a_list_that_meets_an_outage_gets_the_busy_screen_as_a_whole(
    engine: Engine, house: House, outage: Disk | Server
):
    async with serving(engine, house) as desk:
        async with occupied(desk):
            callers = await come(desk, *(call(number_of(n)) for n in range(50)))
            messages = await come(desk, *(sms(number_of(n), "hello", f"{n}") for n in range(50, 60)))
            outage.take_away()
        try:
            replies = await asyncio.gather(*callers)
            news = await asyncio.gather(*messages, return_exceptions=True)
        finally:
            outage.bring_back()
        assert {reply.text.startswith(BUSY) for reply in replies} == {True}
        assert {type(each) for each in news} == {Busy}
        await until_back(desk)
        assert count(engine, Contact) == count(engine, Message) == 0


# --- stop ---


async def test_stop_serves_what_waits(engine: Engine, house: House):
    async with serving(engine, house, most_at_once=2) as desk:
        async with occupied(desk):
            waiting = await come(desk, *(call(number_of(n)) for n in range(5)))
            stopping = asyncio.create_task(anyio.to_thread.run_sync(desk.stop))
            await asyncio.sleep(0.05)
            assert desk.state().alive
        await stopping
        replies = await asyncio.gather(*waiting)
        assert {reply.text.partition("\n")[0] for reply in replies} == {WELCOME}
        assert not desk.state().alive
    assert count(engine, Contact) == 5


async def test_who_comes_after_the_stop_gets_the_busy_screen(engine: Engine, house: House):
    async with serving(engine, house, patience=0.2) as desk:
        await anyio.to_thread.run_sync(desk.stop)
        assert (await desk.take(call(ASHA))).text.startswith(BUSY)


async def test_a_desk_that_never_began_is_not_alive(engine: Engine, house: House):
    desk = Desk(engine, lambda: house, patience=0.1)
    assert not desk.state().alive
    desk.stop()
