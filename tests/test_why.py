"""`ngazi messages --why` and `ngazi reminders`: what an NGO worker is told when somebody asks why."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

import click
import pytest
import time_machine
from click.testing import CliRunner, Result
from sqlalchemy import Engine, insert, select, update

from dialogs.content import Keeper
from dialogs.database import open_engine
from dialogs.tables import Address, Consent, Contact, Due, Field, Group, Member
from gateway import reasons, reminders, why
from gateway.batch import Lane
from gateway.claim import claim
from gateway.cli_messages import messages
from gateway.cli_reminders import reminders as reminders_command
from gateway.tables import Broadcast, Message, Report
from tests.town import BATCHES, Town, channel, house, inserted

NUMBER, HOME = "+254712345678", "0712 345 678"
NOW = datetime.fromisoformat("2027-03-15 09:00")  # Monday, noon in Nairobi
AUDIT = date(2027, 3, 25)
SECRET = "a secret key of the tests, long enough"
CHANNEL = "ke=africastalking://ngazi:key@?country=KE&secret=only-for-these-tests"


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def town(engine: Engine) -> Town:
    return Town(engine, NOW)


@pytest.fixture
def person(town: Town) -> int:
    return town.person(NUMBER)


@pytest.fixture
def run(database_url: str, tmp_path: Any, town: Town) -> Callable[..., Result]:
    """Runs a command at the town's time."""

    def command(name: click.Command, *words: str) -> Result:
        environ = {
            "NGAZI_DATABASE_URL": database_url, "NGAZI_DATA": str(tmp_path), "NGAZI_SECRET_KEY": SECRET,
            "NGAZI_CHANNELS": CHANNEL, "NGAZI_DRAFTS": "show", "COLUMNS": "250",
        }  # fmt: skip
        with time_machine.travel(town.now.isoformat() + "+00:00", tick=False):
            return CliRunner().invoke(name, words, env=environ)

    return command


@pytest.fixture
def told(run: Callable[..., Result]) -> Callable[..., str]:
    """What `ngazi messages` prints."""

    def told(*words: str) -> str:
        result = run(messages, *words)
        assert result.exit_code == 0, result.output
        return result.output

    return told


def due(town: Town, name: str, on: date, contact: int | None = None, group: int | None = None, **columns: Any) -> int:
    values = {"name": name, "on": on, "set_at": town.now, "next_at": town.now, **columns}
    with town.engine.begin() as db:
        return inserted(db, Due, contact_id=contact, group_id=group, **values)


def plan(town: Town, keeper: Keeper, at: str) -> None:
    """Everything that is to be planned and sent at a moment."""
    town.now, playing = datetime.fromisoformat(at), house(keeper.content)
    looked = 1
    while looked:
        with town.engine.begin() as db:
            looked = reminders.plan(db, town.now, playing, {"ke": channel()})
    with town.engine.begin() as db:
        claim(db, Lane(channel(), BATCHES), 4, playing, keeper.content.hours, town.now)


# --- why did this person get this ---


def test_it_says_what_was_sent_when_and_what_the_phone_company_said(
    town: Town, person: int, told: Callable[..., str], engine: Engine
):
    town.broadcast([person])
    with engine.begin() as db:
        done = {"status": "delivered", "sent_at": NOW, "done_at": NOW + timedelta(minutes=1), "attempts": 2}
        db.execute(update(Message).values(text="Training on Saturday.", **done))
        id = db.execute(select(Message.id)).scalar_one()
        for status, reason in (("sent", ""), ("delivered", "on the phone")):
            db.execute(insert(Report).values(message_id=id, status=status, reason=reason, raw={}, at=NOW))
    town.now += timedelta(days=1)
    page = told("--why", HOME)
    assert "broadcast 1: News" in page
    assert "arrived 2027-03-15 09:01 UTC" in page
    assert "handed over 2027-03-15 09:00 UTC to ke, try 2" in page
    assert "delivered: on the phone" in page
    assert "Nothing speaks against messages now." not in page  # the series for leaders are not for this person
    assert "Training" not in page
    assert "12345678" not in page
    assert "Training on Saturday." in told("--why", NUMBER, "--text")


def test_a_reminder_says_its_series_its_moment_and_its_date(
    town: Town, person: int, told: Callable[..., str], keeper: Keeper
):
    due(town, "audit_date", AUDIT, person)
    plan(town, keeper, "2027-03-18 13:00")
    page = told("--id", str(person))
    assert "reminder audit: Before the audit, 7 days before, date 2027-03-25" in page
    assert "waits\n  not before 2027-03-18 13:30 UTC" in page
    plan(town, keeper, "2027-03-18 13:31")
    assert "is being handed over" in told("--id", str(person))
    assert "Not today: one message a day" in told("--id", str(person))


def test_the_newest_message_comes_first_and_no_more_than_asked_for(town: Town, person: int, told: Callable[..., str]):
    for n in range(4):
        town.broadcast([person], name=f"Number {n}")
        town.now += timedelta(hours=1)
    with town.engine.begin() as db:
        for id in db.execute(select(Message.id)).scalars().all():
            db.execute(update(Message).where(Message.id == id).values(created_at=NOW + timedelta(hours=id)))
    found = json.loads(told("--id", str(person), "--limit", "2", "--json"))
    assert [each["what"] for each in found["messages"]] == ["broadcast 4: Number 3", "broadcast 3: Number 2"]
    assert "text" not in found["messages"][0]


def test_answers_to_what_the_person_wrote_are_listed_too(town: Town, person: int, told: Callable[..., str]):
    town.reply(NUMBER, "Good.", contact_id=person)
    page = told("--id", str(person))
    assert "an answer to what the person wrote" in page
    assert "Good." not in page


# --- why did they not ---


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"stopped_at": NOW}, "The person said STOP: 2027-03-15 09:00 UTC"),
        ({"fields": {"news": "no"}}, "No broadcasts: did not agree to news"),
        ({"fields": {"reminders": ""}}, "No reminders: did not agree to reminders"),
        ({"sealed": False}, "No number is kept: the person did not ask for messages."),
        ({"fields": {"audit_reminders": "no"}}, "Not the series audit (Before the audit): audit_reminders is no."),
        ({"consent_at": None}, "has not agreed to the service"),
    ],
)
def test_what_speaks_against_messages_now_is_said(
    town: Town, told: Callable[..., str], columns: dict[str, Any], reason: str
):
    columns = {**columns, "fields": {"role": "leader", **columns.get("fields", {})}}
    id, other = town.person(**columns), town.person(fields={"role": "leader"})
    assert reason in told("--id", str(id))
    assert "Nothing speaks against messages now." in told("--id", str(other))


def test_a_number_that_does_not_work_and_the_hour_are_said(
    town: Town, person: int, told: Callable[..., str], engine: Engine
):
    with engine.begin() as db:
        db.execute(update(Address).values(bad_at=NOW))
    town.now = datetime.fromisoformat("2027-03-20 20:00")  # Saturday, eleven at night
    page = told("--id", str(person))
    assert "The number does not work: since 2027-03-15 09:00 UTC." in page
    assert "until 2027-03-22 08:00 in Africa/Nairobi" in page


def test_reminders_that_nobody_expected_have_no_message_but_a_reason(
    town: Town, told: Callable[..., str], keeper: Keeper
):
    id = town.person(fields={"reminders": ""})
    due(town, "audit_date", AUDIT, id)
    plan(town, keeper, "2027-03-18 13:31")
    town.now = datetime.fromisoformat("2027-03-19 09:00")
    page = told("--id", str(id))
    assert "No message was written" in page
    assert f"2027-03-18 13:30 UTC  audit, 7 days before, date 2027-03-25: {reasons.NO_REMINDERS}" in page


def test_a_reminder_that_should_have_gone_asks_whether_anything_runs_and_one_before_consent_does_not(
    town: Town, person: int, told: Callable[..., str], keeper: Keeper, engine: Engine
):
    late = town.person(fields={"reminders": ""})
    due(town, "audit_date", AUDIT, late)
    plan(town, keeper, "2027-03-18 13:00")
    with engine.begin() as db:
        db.execute(insert(Field).values(contact_id=late, name="reminders", value="yes"))
    due(town, "permit_end", AUDIT, person, set_at=NOW, next_at=NOW)  # and nobody looks at it
    town.now = datetime.fromisoformat("2027-03-19 09:00")
    assert f"date 2027-03-25: {why.NOT_LOOKED}" in told("--id", str(person))
    assert f"date 2027-03-25: {why.NOT_THEN}" in told("--id", str(late))


def test_a_moment_left_out_after_a_correction_is_explained(
    town: Town, person: int, told: Callable[..., str], keeper: Keeper, engine: Engine
):
    id = due(town, "audit_date", AUDIT, person)
    plan(town, keeper, "2027-03-18 13:00")
    plan(town, keeper, "2027-03-18 13:31")
    with engine.begin() as db:
        moved = {"on": date(2027, 3, 26), "was": AUDIT, "set_at": datetime.fromisoformat("2027-03-18 15:00")}
        db.execute(update(Due).where(Due.id == id).values(**moved, next_at=moved["set_at"]))
    plan(town, keeper, "2027-03-19 13:31")
    page = told("--id", str(person))
    assert "audit, 7 days before, date 2027-03-26: it was sent already, shortly before the date was corrected" in page
    assert page.count("7 days before") == 2


def test_the_ledger_is_shown_in_short_without_the_wording(
    town: Town, person: int, told: Callable[..., str], engine: Engine
):
    with engine.begin() as db:
        said = {"contact_id": person, "how": "ussd", "wording": "May we send you news?", "revision": ""}
        db.execute(insert(Consent).values(what="news", yes=True, at=NOW - timedelta(days=1), **said))
        db.execute(insert(Consent).values(what="all", yes=False, at=NOW, **said))
    page = told("--id", str(person))
    assert "2027-03-14 09:00 UTC  news: yes, by ussd\n  2027-03-15 09:00 UTC  all: no, by ussd" in page
    assert "May we" not in page


def test_a_broadcast_that_was_for_others_says_so(town: Town, person: int, told: Callable[..., str], engine: Engine):
    with engine.begin() as db:
        group = inserted(db, Group, code="A", name="Group A")
        columns = {"name": "Hello", "text": {"en": "Hello"}, "created_at": NOW}
        for audience, values in (
            ({"everyone": True, "languages": ["sw"]}, {"status": "done", "begun_at": NOW}),
            ({"groups": ["A"], "fields": {"role": ["leader"]}}, {"status": "done", "begun_at": NOW}),
            ({"everyone": True}, {"status": "draft"}),
            ({"everyone": True}, {"status": "done", "begun_at": NOW - timedelta(days=1)}),
        ):
            inserted(db, Broadcast, audience=audience, **columns, **values)
    assert "not meant by broadcast 1 (Hello): another language was asked for." in told(
        "--why", HOME, "--broadcast", "1"
    )
    assert "another group, role was asked for" in told("--why", HOME, "--broadcast", "2")
    assert "it is a draft" in told("--why", HOME, "--broadcast", "3")
    assert "came after broadcast 4 (Hello) was begun" in told("--why", HOME, "--broadcast", "4")
    with engine.begin() as db:
        db.execute(insert(Member).values(group_id=group, contact_id=person, role=""))
        assert "another role was asked for" in why.of_broadcast(db, person, 2, NOW)


def test_only_one_broadcast_is_shown_if_asked_for(town: Town, person: int, told: Callable[..., str]):
    town.broadcast([person], name="One")
    town.broadcast([person], name="Two")
    page = told("--why", HOME, "--broadcast", "2")
    assert "broadcast 2: Two" in page
    assert "One" not in page


def test_nobody_and_nothing_are_said_in_one_sentence(person: int, run: Callable[..., Result]):
    for words, sentence in (
        (("--why", "+254799999999"), "Nobody is known by this number or id."),
        (("--id", "999"), "Nobody is known"),
        (("--why", HOME, "--broadcast", "7"), "There is no broadcast 7."),
        ((), "Give a number, or --id."),
    ):
        result = run(messages, *words)
        assert result.exit_code != 0
        assert sentence in result.output
        assert "Traceback" not in result.output


# --- what will come ---


def ahead(run: Callable[..., Result], *words: str) -> Any:
    result = run(reminders_command, "due", *words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


def test_what_will_come_is_what_comes(town: Town, person: int, run: Callable[..., Result], keeper: Keeper):
    due(town, "audit_date", AUDIT, person)
    due(town, "permit_end", date(2027, 4, 25), person)
    seen = [(each["at"], each["series"], each["moment"]) for each in ahead(run, "--contact", NUMBER)]
    assert len(seen) == 6
    came = []
    for _ in range(80):
        plan(town, keeper, str(town.now + timedelta(hours=12)))
    with town.engine.begin() as db:
        for at, about in db.execute(select(Message.due_at, Message.about).order_by(Message.due_at)):
            came.append((f"{at.replace(second=0).isoformat()}Z", about["series"], about["moment"]))
    assert came == seen


def test_one_persons_reminders_show_the_text_that_they_will_read(
    town: Town, run: Callable[..., Result], engine: Engine
):
    careful, open_ = town.person(NUMBER, language="sw"), town.person(private_phone=True)
    for each in (careful, open_):
        due(town, "audit_date", AUDIT, each)
    first = ahead(run, "--contact", HOME)[0]
    assert (first["at"], first["local"], first["zone"]) == (
        "2027-03-18T13:30:00Z", "2027-03-18T16:30:00", "Africa/Nairobi",
    )  # fmt: skip
    assert "25 Mac 2027" in first["text"]
    assert "your audit" in ahead(run, "--id", str(open_))[0]["text"]
    page = run(reminders_command, "due", "--id", str(open_)).output
    assert "2027-03-18 16:30" in page
    assert "7 days to your audit" in page


def test_what_is_written_already_is_marked_and_what_will_not_come_says_why(
    town: Town, person: int, run: Callable[..., Result], keeper: Keeper
):
    other = town.person(fields={"reminders": "no", "role": "leader"}, stopped_at=None)
    due(town, "audit_date", AUDIT, person)
    due(town, "audit_date", AUDIT, other)
    plan(town, keeper, "2027-03-18 13:00")
    assert [each["state"] for each in ahead(run, "--id", str(person))] == ["queued", "comes", "comes", "comes"]
    refused = ahead(run, "--id", str(other))
    assert {(each["state"], each["reason"], each["text"]) for each in refused} == {("none", reasons.NO_REMINDERS, "")}
    plan(town, keeper, "2027-03-18 18:00")  # nine in the evening: it goes no more today
    assert "does not come: did not agree to reminders" in run(reminders_command, "due", "--id", str(other)).output


def test_of_many_people_only_how_many(town: Town, run: Callable[..., Result], engine: Engine):
    people = [*town.people(3), town.person(fields={"reminders": "no"}), town.person(stopped_at=NOW)]
    outsider = town.person()
    with engine.begin() as db:
        top = inserted(db, Group, code="TOP", name="Top")
        site = inserted(db, Group, code="SITE", name="Site", parent_id=top)
        for each in people:
            db.execute(insert(Member).values(group_id=site, contact_id=each, role=""))
    due(town, "audit_date", AUDIT, group=top)
    due(town, "audit_date", AUDIT, outsider)
    found = [each for each in ahead(run, "--group", "site") if each["day"] == "2027-03-18"]
    assert {(each["not_because"], each["people"]) for each in found} == {
        ("", 3), (reasons.NO_REMINDERS, 1), (reasons.STOPPED, 1),
    }  # fmt: skip
    everybody = [each for each in ahead(run, "--until", "2027-03-20") if not each["not_because"]]
    assert everybody == [
        {"day": "2027-03-18", "series": "audit", "moment": "7 days before", "people": 4, "not_because": ""}
    ]
    page = run(reminders_command, "due").output
    assert "2027-03-18 Thu" in page
    assert NUMBER not in page


def test_what_cannot_be_looked_up_is_said_in_one_sentence(person: int, run: Callable[..., Result]):
    for words, sentence in (
        (("--contact", "+254799999999"), "Nobody is known"),
        (("--group", "XX"), "There is no group XX"),
        (("--contact", HOME, "--group", "A"), "Either one person"),
        (("--until", "2026-01-01"), "lies in the past"),
    ):
        result = run(reminders_command, "due", *words)
        assert result.exit_code != 0
        assert sentence in result.output
    assert "No reminder will come" in run(reminders_command, "due", "--contact", HOME).output
    assert "No reminder will come" in run(reminders_command, "due").output


def test_the_series_are_listed_with_their_times(run: Callable[..., Result]):
    page = run(reminders_command, "series").output
    assert "Before the audit" in page
    found = {each["id"]: each for each in json.loads(run(reminders_command, "series", "--json").output)}
    assert found["audit"]["from"] == "audit_date"
    assert "on the day at 18:00" in found["audit"]["when"]
    assert found["own_check"]["when"] == ["every 3 months at 16:30"]
    assert found["own_check"]["only_if"] == ["group_reminders is not no", "role is leader"]


def test_looking_changes_nothing(town: Town, person: int, run: Callable[..., Result], engine: Engine):
    due(town, "audit_date", AUDIT, person)
    run(reminders_command, "due")
    run(reminders_command, "due", "--contact", HOME)
    run(messages, "--why", HOME)
    with engine.begin() as db:
        assert db.execute(select(Message.id)).first() is None
        assert db.execute(select(Due.next_at)).scalar() == NOW
        assert db.execute(select(Contact.seen_at).where(Contact.id == person)).scalar() == NOW
