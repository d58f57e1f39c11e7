from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from dialogs.content import Content, Keeper
from dialogs.database import open_engine
from dialogs.seal import Seal
from dialogs.tables import Address, Contact
from gateway import broadcasts, queueing, reasons
from gateway.audience import Audience, BroadcastError
from gateway.broadcasts import continue_work, far, queue_slice, routes
from gateway.channels import read_channels
from gateway.cli_broadcast import broadcast as command
from gateway.draft import Draft
from gateway.queueing import Sending
from gateway.tables import BULK, REPLIES_FIRST, REPLY_OWNER, Broadcast, Event, Message
from gateway.trial import try_out
from tests.crowd import person, rows

NOW = datetime(2027, 3, 2, 9)  # noqa: DTZ001  a Tuesday at noon in Nairobi; UTC without a zone
LATER = NOW + timedelta(minutes=5)
ONE = "ke=africastalking://u:k@?country=KE&code=*384*77%23&price=0.8KES"
SEAL = Seal("a secret key of the tests, long enough")
ALL = Audience(everyone=True)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def content(keeper: Keeper) -> Content:
    return keeper.content


@pytest.fixture(scope="module")
def sending(content: Content) -> Sending:
    return Sending(read_channels(ONE), content)


@pytest.fixture
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four rows a slice, so that a few people need several."""
    monkeypatch.setattr(queueing, "SLICE", 4)
    monkeypatch.setattr(queueing, "WINDOW", 6)


def new(db: Connection, audience: Audience = ALL, name: str = "News", **more: Any) -> int:
    return broadcasts.new(db, Draft(name, {"en": "Hello", "sw": "Habari"}, audience, **more), "amina", NOW)


def begin(engine: Engine, sending: Sending, people: int = 10, **more: Any) -> int:
    """A broadcast that has begun and has no row yet."""
    with engine.begin() as db:
        for _ in range(people):
            person(db)
        id = new(db)
        broadcasts.send(db, id, "amina", NOW, sending, **more)
    return id


def finish(engine: Engine, sending: Sending, now: datetime = NOW) -> int:
    """Everything that is left to do, as a worker does it; gives in how many slices."""
    slices = 0
    while True:
        with engine.begin() as db:
            if not continue_work(db, now, sending):
                return slices
        slices += 1


def stand(db: Connection, id: int) -> str:
    return str(broadcasts.load(db, id).status)


# --- sending ---


def test_everybody_gets_one_row_as_the_workers_need_it(engine: Engine, sending: Sending):
    id = begin(engine, sending, people=1)
    finish(engine, sending)
    with engine.begin() as db:
        (row,) = rows(db)
        assert {name: value for name, value in row.items() if value not in (None, "", 0)} == {
            "id": row["id"],
            "channel": "ke",
            "dedupe": f"broadcast:{id}:{row['contact_id']}",
            "contact_id": row["contact_id"],
            "direction": "out",
            "kind": "broadcast",
            "status": "queued",
            "due_at": NOW,
            "expires_at": NOW + timedelta(days=3),
            "priority": BULK,
            "broadcast_id": id,
            "created_at": NOW,
        }
        assert stand(db, id) == "sending"


def test_who_may_not_get_it_is_refused_at_once_with_the_reason(engine: Engine, sending: Sending):
    with engine.begin() as db:
        why = {
            person(db): "",
            person(db, stopped=True, news="no"): reasons.STOPPED,
            person(db, news="no"): reasons.NO_NEWS,
            person(db, news=""): reasons.NO_NEWS,
            person(db, sealed=False): reasons.NO_NUMBER,
            person(db, bad=True): reasons.BAD_NUMBER,
            person(db, kind="chat"): reasons.NO_NUMBER,
            person(db, kind="whatsapp"): "",
        }
        person(db, agreed=False)
        two = person(db, bad=True)
        other = {"kind": "tel", "key": "a second one", "sealed": b"s", "key_id": "k", "heard_at": NOW}
        db.execute(insert(Address).values(contact_id=two, **other))
        why[two] = ""
        id = new(db)
        broadcasts.send(db, id, "amina", NOW, sending)
    finish(engine, sending)
    with engine.begin() as db:
        assert {row["contact_id"]: row["error"] for row in rows(db)} == why
        for row in rows(db):
            assert (row["status"], row["done_at"]) == (("refused", NOW) if row["error"] else ("queued", None))


@pytest.mark.usefixtures("small_slices")
def test_slices_pass_nobody_over_and_take_nobody_twice(engine: Engine, sending: Sending):
    with engine.begin() as db:
        meant = {person(db, language="sw" if n in (3, 17, 18, 39) else "en") for n in range(40)}
        gone = [id for id in meant if id % 7 == 0]
        db.execute(delete(Contact).where(Contact.id.in_(gone)))
        everyone, few = new(db), new(db, Audience(languages=("sw",), everyone=True), "Few")
        broadcasts.send(db, everyone, "amina", NOW, sending)
        broadcasts.send(db, few, "amina", NOW, sending)
        swahili = set(db.execute(select(Contact.id).where(Contact.language == "sw")).scalars())
    assert finish(engine, sending) >= 10
    with engine.begin() as db:
        owners = Counter((row["broadcast_id"], row["contact_id"]) for row in rows(db))
        assert set(owners.values()) == {1}
        assert {contact for id, contact in owners if id == everyone} == meant - set(gone)
        assert {contact for id, contact in owners if id == few} == swahili


@pytest.mark.usefixtures("small_slices")
def test_a_broadcast_that_was_killed_half_way_is_completed_and_nobody_gets_two_rows(engine: Engine, sending: Sending):
    id = begin(engine, sending)
    with engine.begin() as db:
        assert queue_slice(db, id, NOW, sending) == 4
    with engine.connect() as db:
        assert queue_slice(db, id, NOW, sending) == 4
        db.rollback()  # killed before the commit
    with engine.begin() as db:
        assert len(rows(db)) == 4
        db.execute(update(Broadcast).values(queued_to=0))  # even if the place were lost
    finish(engine, sending)
    with engine.begin() as db:
        assert len(rows(db)) == len({row["contact_id"] for row in rows(db)}) == 10
        assert queue_slice(db, id, NOW, sending) == 0


def test_who_comes_after_the_beginning_is_not_meant(engine: Engine, sending: Sending):
    begin(engine, sending, people=2)
    with engine.begin() as db:
        person(db, created_at=LATER)
    finish(engine, sending, LATER)
    with engine.begin() as db:
        assert len(rows(db)) == 2


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.postgres
@pytest.mark.usefixtures("small_slices")
def test_two_who_queue_at_once_are_harmless(engine: Engine, sending: Sending):
    id = begin(engine, sending, people=60)
    gate = threading.Barrier(2)
    failed: list[Exception] = []

    def queue() -> None:
        gate.wait()
        try:
            while True:
                with engine.begin() as db:
                    if not queue_slice(db, id, NOW, sending):
                        return
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=queue) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with engine.begin() as db:
        assert not failed
        assert len(rows(db)) == 60


def test_nothing_is_due_at_night_but_for_a_reason_that_is_kept(engine: Engine, sending: Sending):
    night = NOW.replace(hour=22)
    with engine.begin() as db:
        person(db)
        person(db, timezone="America/Lima")
        quiet, loud = new(db, name="Quiet"), new(db, name="Loud")
        broadcasts.send(db, quiet, "amina", night, sending)
        broadcasts.send(db, loud, "amina", night, sending, any_hour="the dam breaks")
    finish(engine, sending, night)
    with engine.begin() as db:
        hours = sending.content.hours
        due = {(row["broadcast_id"], row["contact_id"]): row["due_at"] for row in rows(db)}
        nairobi, lima = sorted({contact for _, contact in due})
        assert due[quiet, nairobi] == hours.next_allowed("KE", "", night) > night
        assert due[quiet, lima] == hours.next_allowed("KE", "America/Lima", night) != due[quiet, nairobi]
        assert due[loud, nairobi] == due[loud, lima] == night
        noted = select(Event.about, Event.who).where(Event.what == "broadcast any hour")
        assert db.execute(noted).all() == [({"broadcast": loud, "reason": "the dam breaks"}, "amina")]


def test_a_broadcast_for_a_later_day_begins_on_that_day_of_each_zone(engine: Engine, sending: Sending):
    day = datetime(2027, 3, 10)  # noqa: DTZ001
    with engine.begin() as db:
        nairobi, lima = person(db), person(db, timezone="America/Lima")
        broadcasts.send(db, new(db, starts_at=day), "amina", NOW, sending)
    finish(engine, sending)
    with engine.begin() as db:
        hours = sending.content.hours
        due = {row["contact_id"]: row["due_at"] for row in rows(db)}
        for contact, zone in ((nairobi, ""), (lima, "America/Lima")):
            assert hours.local_day("KE", zone, due[contact]) == day.date()
        assert {row["expires_at"] for row in rows(db)} == {day + timedelta(days=3)}


# --- what is refused ---


def test_a_broadcast_is_sent_once_and_the_second_press_names_the_first(engine: Engine, sending: Sending):
    id = begin(engine, sending)
    with engine.begin() as db:
        said = f"Broadcast {id} was already sent on 2 Mar 2027 at 09:00 UTC: ngazi broadcast show {id}"
        with pytest.raises(BroadcastError) as raised:
            broadcasts.send(db, id, "amina", LATER, sending)
        assert str(raised.value) == said


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("alike", [False, True])
@pytest.mark.postgres
def test_of_two_who_press_at_once_one_begins(engine: Engine, sending: Sending, alike: bool):
    with engine.begin() as db:
        person(db)
        first = new(db)
        second = new(db) if alike else first
    gate = threading.Barrier(2)
    ends: list[str] = []

    def press(id: int) -> None:
        gate.wait()
        try:
            with engine.begin() as db:
                broadcasts.send(db, id, "amina", NOW, sending)
            ends.append("begun")
        except BroadcastError as error:
            ends.append(str(error))

    threads = [threading.Thread(target=press, args=(id,)) for id in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ends.count("begun") == 1
    assert len(ends) == 2


def test_the_same_words_to_the_same_people_are_refused_for_a_month_unless_it_is_meant(engine: Engine, sending: Sending):
    first = begin(engine, sending)
    with engine.begin() as db:
        twin, other = new(db), new(db, name="Other news")
        with pytest.raises(BroadcastError, match=f"as number {first}: ngazi broadcast show {first}.*--again"):
            broadcasts.send(db, twin, "amina", LATER, sending)
        broadcasts.send(db, other, "amina", LATER, sending)
        broadcasts.send(db, twin, "amina", LATER, sending, again=True)
        broadcasts.send(db, new(db), "amina", LATER + timedelta(days=31), sending)


def test_a_second_person_approves_what_goes_to_many_or_at_any_hour(engine: Engine, sending: Sending):
    with engine.begin() as db:
        for _ in range(3):
            person(db)
        id = new(db)
        with pytest.raises(BroadcastError, match=r"goes to more than 2 people.*ngazi broadcast approve"):
            broadcasts.send(db, id, "amina", NOW, sending, approve_above=2)
        with pytest.raises(BroadcastError, match="goes at any hour"):
            broadcasts.send(db, id, "amina", NOW, sending, approve_above=3, any_hour="flood")
        for same in ("amina", " AMINA ", ""):
            with pytest.raises(BroadcastError, match="another person has to approve it"):
                broadcasts.approve(db, id, same, NOW)
        broadcasts.approve(db, id, "juma", NOW)
        broadcasts.send(db, id, "amina", LATER, sending, approve_above=2, any_hour="flood")
        with pytest.raises(BroadcastError, match="already sent"):
            broadcasts.approve(db, id, "juma", LATER)
        broadcasts.send(db, new(db, name="Few"), "amina", NOW, sending, approve_above=3)


def test_other_words_make_an_approval_void(engine: Engine, sending: Sending):
    with engine.begin() as db:
        person(db)
        person(db)
        id = new(db)
        broadcasts.approve(db, id, "juma", NOW)
        broadcasts.reword(db, id, {"en": "Other words"}, "amina", NOW)
        with pytest.raises(BroadcastError, match="has to approve it first"):
            broadcasts.send(db, id, "amina", NOW, sending, approve_above=1)
        broadcasts.send(db, id, "amina", NOW, sending)
        with pytest.raises(BroadcastError, match="already sent"):
            broadcasts.reword(db, id, {"en": "Too late"}, "amina", NOW)


def test_a_broadcast_that_nobody_would_get_or_that_is_over_is_refused(engine: Engine, sending: Sending):
    far_away = Sending(read_channels(ONE + " tz=africastalking://u:k@?country=TZ"), sending.content)
    with engine.begin() as db:
        person(db, news="no")
        id = new(db)
        with pytest.raises(BroadcastError, match="Nobody would get broadcast"):
            broadcasts.send(db, id, "amina", NOW, sending)
        person(db, country="CD")
        with pytest.raises(BroadcastError, match="Nobody would get broadcast"):
            broadcasts.send(db, id, "amina", NOW, far_away)
        over = new(db, expires_at=NOW, name="Over")
        with pytest.raises(BroadcastError, match="The last day of broadcast"):
            broadcasts.send(db, over, "amina", NOW, sending)
        with pytest.raises(BroadcastError, match="There is no broadcast 999"):
            broadcasts.send(db, 999, "amina", NOW, sending)


def test_a_country_is_reached_by_its_own_channel_else_the_only_one_else_one_of_no_country():
    ke, tz, x = "ke=twilio://u:k@?country=KE", "tz=twilio://u:k@?country=TZ", "x=twilio://u:k@?rate=1"
    assert [routes(read_channels(ke))(each) for each in ("KE", "TZ", "")] == ["ke", "ke", "ke"]
    assert [routes(read_channels(f"{ke} {tz}"))(each) for each in ("KE", "TZ", "CD", "")] == ["ke", "tz", "", ""]
    assert [routes(read_channels(f"{ke} {x} {tz}"))(each) for each in ("TZ", "CD", "")] == ["tz", "x", "x"]
    assert routes({})("KE") == ""


# --- pause, go on, cancel ---


@pytest.mark.usefixtures("small_slices")
def test_a_paused_broadcast_is_out_of_sight_and_comes_back_at_an_allowed_moment(engine: Engine, sending: Sending):
    id, other = begin(engine, sending), 0
    with engine.begin() as db:
        other = new(db, name="Other")
        broadcasts.send(db, other, "amina", NOW, sending)
    finish(engine, sending)
    with engine.begin() as db:
        broadcasts.pause(db, id, "amina", NOW, "wrong price")
    assert finish(engine, sending) >= 3
    night = NOW.replace(hour=22)
    with engine.begin() as db:
        due = {(row["broadcast_id"], row["due_at"]) for row in rows(db)}
        assert due == {(id, far(id)), (other, NOW)}
        assert (far(id).year, far(id).month, far(id).day) == (9999, 12, 31)
        broadcasts.go_on(db, id, "amina", night)
    assert finish(engine, sending, night) >= 3
    with engine.begin() as db:
        due = {(row["broadcast_id"], row["due_at"]) for row in rows(db)}
        assert due == {(id, sending.content.hours.next_allowed("KE", "", night)), (other, NOW)}
        assert stand(db, id) == "sending"


@pytest.mark.usefixtures("small_slices")
def test_a_broadcast_paused_while_it_was_queued_is_queued_to_the_end_when_it_goes_on(engine: Engine, sending: Sending):
    id = begin(engine, sending)
    with engine.begin() as db:
        queue_slice(db, id, NOW, sending)
        broadcasts.pause(db, id, "amina", NOW)
        assert queue_slice(db, id, NOW, sending) == 0
    finish(engine, sending)
    with engine.begin() as db:
        assert [row["due_at"] for row in rows(db)] == [far(id)] * 4
        broadcasts.go_on(db, id, "amina", NOW)
    finish(engine, sending)
    with engine.begin() as db:
        assert [row["due_at"] for row in rows(db)] == [NOW] * 10


@pytest.mark.usefixtures("small_slices")
@pytest.mark.parametrize("queued", [0, 1, 9])
def test_of_a_cancelled_broadcast_everybody_is_accounted_for(engine: Engine, sending: Sending, queued: int):
    id = begin(engine, sending)
    with engine.begin() as db:
        for _ in range(queued):
            queue_slice(db, id, NOW, sending)
        db.execute(update(Message).where(Message.contact_id == 1).values(status="sent"))
        gone = db.execute(select(func.count()).where(Message.status == "sent")).scalar()
        broadcasts.cancel(db, id, "amina", LATER)
    with engine.begin() as db:
        continue_work(db, LATER, sending)  # and then the worker is killed
    finish(engine, sending, LATER)
    with engine.begin() as db:
        ends = Counter((row["status"], row["error"]) for row in rows(db))
        expected = {("sent", ""): gone, ("refused", reasons.CANCELLED): 10 - (gone or 0)}
        assert ends == Counter({end: n for end, n in expected.items() if n})
        assert (stand(db, id), broadcasts.load(db, id).done_at) == ("cancelled", LATER)


def test_what_cannot_be_done_says_how_the_broadcast_stands(engine: Engine, sending: Sending):
    with engine.begin() as db:
        person(db)
        id = new(db)
        with pytest.raises(BroadcastError, match="cannot be paused: it has not been sent yet"):
            broadcasts.pause(db, id, "amina", NOW)
        broadcasts.send(db, id, "amina", NOW, sending)
        with pytest.raises(BroadcastError, match="cannot go on: it is being sent"):
            broadcasts.go_on(db, id, "amina", NOW)
        broadcasts.pause(db, id, "amina", NOW)
        with pytest.raises(BroadcastError, match="The last day of broadcast"):
            broadcasts.go_on(db, id, "amina", NOW + timedelta(days=4))
        broadcasts.cancel(db, id, "amina", NOW)
        with pytest.raises(BroadcastError, match="cannot be cancelled: it was cancelled"):
            broadcasts.cancel(db, id, "amina", NOW)
        draft = new(db, name="Draft")
        broadcasts.cancel(db, draft, "amina", NOW)
        with pytest.raises(BroadcastError, match="was cancelled: make a new one"):
            broadcasts.send(db, draft, "amina", NOW, sending)


def test_a_broadcast_is_done_when_nothing_of_it_waits(engine: Engine, sending: Sending):
    id = begin(engine, sending, people=2)
    finish(engine, sending)
    with engine.begin() as db:
        first, second = rows(db)
        db.execute(update(Message).where(Message.id == first["id"]).values(status="sent"))
        db.execute(update(Message).where(Message.id == second["id"]).values(status="sending"))
    finish(engine, sending)
    with engine.begin() as db:
        assert stand(db, id) == "sending"
        db.execute(update(Message).where(Message.id == second["id"]).values(status="unknown"))
    finish(engine, sending, LATER)
    with engine.begin() as db:
        assert (stand(db, id), broadcasts.load(db, id).done_at) == ("done", LATER)


# --- totals, test ---


def test_totals_have_every_state_and_sum_the_costs_by_currency(engine: Engine, sending: Sending):
    id = begin(engine, sending, people=4)
    finish(engine, sending)
    with engine.begin() as db:
        ends = [("sent", "KES 0.8000", ""), ("delivered", "1.6KES", ""), ("failed", "TZS 30", "no such number")]
        for row, (status, cost, error) in zip(rows(db), ends, strict=False):
            values = {"status": status, "cost": cost, "error": error, "language": "sw", "segments": 1}
            db.execute(update(Message).where(Message.id == row["id"]).values(values))
        told = broadcasts.totals(db, id)
    assert told.states == {
        "queued": 1, "sending": 0, "sent": 1, "delivered": 1, "failed": 1, "refused": 0, "expired": 0, "unknown": 0,
    }  # fmt: skip
    assert (told.recipients, told.settled, told.segments, told.languages) == (4, 3, 3, {"sw": 3})
    assert told.costs == {"KES": Decimal("2.4"), "TZS": Decimal(30)}
    assert told.reasons == (("failed", "no such number", 1),)


def test_a_test_goes_to_one_number_before_everything_and_leaves_no_contact(engine: Engine, sending: Sending):
    number = "+254712345001"
    with engine.begin() as db:
        row = broadcasts.load(db, new(db))
        assert try_out(db, row, number, [], NOW, sending, SEAL) == ["Hello", "Habari"]
        assert try_out(db, row, number, ["sw"], NOW, sending, SEAL) == ["Habari"]
        made = rows(db)
        assert [each["dedupe"] for each in made] == [f"test:{row.id}:{SEAL.key('tel', number)}:{n}" for n in range(3)]
        assert {(each["kind"], each["priority"], each["status"], each["broadcast_id"]) for each in made} == {
            ("reply", REPLIES_FIRST, "queued", None)
        }
        assert SEAL.open(made[0]["to_sealed"], "tel", REPLY_OWNER, made[0]["to_key_id"]) == number
        assert db.execute(select(Contact.id)).all() == []
        with pytest.raises(BroadcastError, match="It has no text in fr"):
            try_out(db, row, number, ["fr"], NOW, sending, SEAL)


def test_nobody_who_said_stop_gets_a_test(engine: Engine, sending: Sending):
    with engine.begin() as db:
        person(db, stopped=True)
        db.execute(update(Address).values(key=SEAL.key("tel", "+254712345001")))
        with pytest.raises(BroadcastError, match="This number said STOP"):
            try_out(db, broadcasts.load(db, new(db)), "+254712345001", [], NOW, sending, SEAL)


# --- the commands ---


@pytest.fixture
def ngazi(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs `ngazi broadcast ...` on the test's database."""
    secret = "&secret=open-the-door-please"
    settings = {
        "NGAZI_DATA": str(tmp_path), "NGAZI_DATABASE_URL": database_url, "NGAZI_CHANNELS": ONE + secret,
        "NGAZI_SECRET_KEY": "a secret key of the tests, long enough", "NGAZI_DRAFTS": "show",
    }  # fmt: skip
    for name, value in settings.items():
        monkeypatch.setenv(name, value)

    def run(*words: str) -> Result:
        return CliRunner().invoke(command, words)

    return run


def test_from_the_draft_to_the_end_by_commands(engine: Engine, ngazi: Any):
    with engine.begin() as db:
        for _ in range(3):
            person(db)
        person(db, news="no", language="sw")
    made = ngazi("new", "--name", "Prices", "--text", "en=It’s up. Dial {code}.", "--everyone", "--json")
    assert made.exit_code == 0, made.output
    told = json.loads(made.stdout)
    id = str(told["id"])
    assert (told["status"], told["recipients"], told["bill"]["goes_to"]) == ("draft", 4, 3)
    assert told["bill"]["costs"] == {"KES": "2.4"}
    shown = ngazi("send", id)
    assert shown.exit_code == 1
    assert "3 of 4 people get it." in shown.stdout
    assert f"Nothing was sent. To send it: ngazi broadcast send {id} --yes" in shown.stderr
    assert "It's up" in ngazi("plain", id).stdout
    assert "2 queued" not in ngazi("test", id, "0712345001").stdout
    sent = ngazi("send", id, "--yes", "--json")
    assert sent.exit_code == 0, sent.output
    told = json.loads(sent.stdout)
    assert (told["status"], told["recipients"]) == ("sending", 4)
    assert told["totals"] | {"queued": 3, "refused": 1, "sent": 0} == told["totals"]
    assert told["reasons"] == [{"state": "refused", "reason": reasons.NO_NEWS, "n": 1}]
    again = ngazi("send", id, "--yes")
    assert again.exit_code == 1
    assert "was already sent on" in again.stderr
    assert json.loads(ngazi("pause", id, "--json").stdout)["status"] == "paused"
    assert json.loads(ngazi("go-on", id, "--json").stdout)["status"] == "sending"
    assert "cancelled" in ngazi("cancel", id).stdout
    assert json.loads(ngazi("show", id, "--json").stdout)["totals"]["refused"] == 4
    assert [each["name"] for each in json.loads(ngazi("list", "--json").stdout)] == ["Prices"]
    assert "Prices" in ngazi("list").stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("new", "--name", "x", "--text", "en=a"), "Say who is meant"),
        (("new", "--name", "x", "--text", "en=a", "--group", "NONE"), 'There is no group "NONE"'),
        (("new", "--name", "x", "--text", "en=a", "--everyone", "--channel", "uk"), "There is no channel uk"),
        (("new", "--name", "x", "--dialog", "permitt", "--everyone"), 'Did you mean "permit"?'),
        (("new", "--name", "x", "--text", "en=a", "--everyone", "--until", "2020-01-01"), "--until lies before"),
        (("new", "--name", " ", "--text", "en=a", "--everyone"), "--name wants 1 to 200 letters"),
        (("show", "7"), "There is no broadcast 7"),
        (("send", "7", "--any-hour", " "), "--any-hour wants a reason"),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_command_that_cannot_be_done_says_why_in_one_sentence(ngazi: Any, words: tuple[str, ...], says: str):
    ended = ngazi(*words)
    assert ended.exit_code == 1
    assert says in ended.stderr
    assert ended.stdout == ""


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_big_broadcast_waits_for_the_second_person(engine: Engine, ngazi: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NGAZI_APPROVE_ABOVE", "1")
    with engine.begin() as db:
        person(db)
        person(db)
    id = str(json.loads(ngazi("new", "--name", "x", "--text", "en=a", "--everyone", "--json").stdout)["id"])
    assert "ngazi broadcast approve" in ngazi("send", id, "--yes").stderr
    assert ngazi("approve", id, "--by", "Another Person").exit_code == 0
    assert ngazi("send", id, "--yes").exit_code == 0
