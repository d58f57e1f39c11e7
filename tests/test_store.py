from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, func, insert, select, text, update

from dialogs import dates, saving, store, talk
from dialogs.belongings import find_group, groups_of
from dialogs.content import Keeper
from dialogs.database import open_engine
from dialogs.dates import OpenDate
from dialogs.inbound import Inbound
from dialogs.screen import Room
from dialogs.seal import Seal
from dialogs.showing import House
from dialogs.store import Person, RunState, Said, SessionState
from dialogs.sweep import SLICE, sweep, sweep_untraced
from dialogs.tables import (
    Address,
    Answer,
    Base,
    Consent,
    Contact,
    Due,
    Field,
    Group,
    Keyring,
    Link,
    Member,
    Run,
    Session,
    Tally,
)
from gateway.tables import Message, Report

NOW = datetime(2026, 11, 22, 9, 0, 0)  # noqa: DTZ001  UTC without a zone, as the tables keep it
LATER = NOW + timedelta(minutes=1)
SEAL = Seal("a secret key of the tests, long enough")
ASHA, JUMA = "+254712345001", "+254712345002"
REVISION = "0123456789ab"


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


def inbound(address: str, session: str = "", channel: str = "ke", kind: Any = "ussd", text: str = "") -> Inbound:
    return Inbound(channel, kind, address, text, session or f"session of {address}", "", True)


def meet(db: Connection, *inbounds: Inbound | str, now: datetime = NOW, country: str = "KE") -> dict[str, Person]:
    """The people behind these addresses or inbounds."""
    each = [inbound(one) if isinstance(one, str) else one for one in inbounds]
    return store.meet(db, each, SEAL, now, lambda _: country)


def known(engine: Engine, *addresses: str) -> list[Person]:
    """People who are known already, in the order of their addresses."""
    with engine.begin() as db:
        people = meet(db, *addresses)
    return [people[address] for address in addresses]


def save(db: Connection, *people: Person, now: datetime = NOW) -> None:
    saving.save(db, people, SEAL, now, REVISION)


def rows(db: Connection, table: Any, *order: Any) -> list[dict[str, Any]]:
    """Every row of a table, by name of column."""
    found = db.execute(select(table.__table__).order_by(*(order or (table.__table__.c[0],))))
    return [
        {name: plain(value) if name in ("answers", "before") else value for name, value in row._mapping.items()}
        for row in found
    ]


def plain(text: str) -> str:
    """JSON without the blanks that PostgreSQL puts in."""
    return json.dumps(json.loads(text), separators=(",", ":"), ensure_ascii=False)


def pairs(db: Connection, one: Any, other: Any) -> dict[Any, Any]:
    """What stands in two columns, the first as the key."""
    return {row[0]: row[1] for row in db.execute(select(one, other))}


def new_run(dialog: str, *answers: tuple[str, str], id: int = -1, **more: Any) -> RunState:
    return RunState(dialog, list(answers), NOW, NOW, id=id, changed=True, **more)


def call(person: Person, key: str = "call", **shown: Any) -> SessionState:
    """A call of this person, to be written."""
    session = SessionState("ke", f"ussd:{key}", person.id, shown=shown or None, changed=True)
    person.sessions[session.channel, session.key] = session
    return session


class Heard:
    """The statements that an engine sent, by the table that they write or read."""

    def __init__(self, engine: Engine) -> None:
        self.statements: list[str] = []
        event.listen(engine, "before_cursor_execute", self._hear)

    def _hear(self, db: Any, cursor: Any, statement: str, *_: Any) -> None:
        self.statements.append(" ".join(statement.replace('"', "").split()))

    def writing(self) -> list[str]:
        """The words `INSERT INTO x` and so on of each statement that writes, in their order; then forget them."""
        found = [one for one in self.statements if one.startswith(("INSERT", "UPDATE", "DELETE"))]
        self.statements.clear()
        return [" ".join(one.split()[: 2 if one.startswith("UPDATE") else 3]) for one in found]


# --- meet ---


def test_somebody_new_gets_a_contact_and_an_address_without_the_number(engine: Engine):
    with engine.begin() as db:
        person = meet(db, ASHA)[ASHA]
        assert rows(db, Contact) == [
            {
                "id": person.id,
                "language": "",
                "country": "KE",
                "consent_at": None,
                "stopped_at": None,
                "private_phone": None,
                "timezone": "",
                "created_at": NOW,
                "seen_at": NOW,
            }
        ]
        assert rows(db, Address) == [
            {
                "id": person.address_id,
                "contact_id": person.id,
                "kind": "tel",
                "key": SEAL.key("tel", ASHA),
                "sealed": None,
                "key_id": None,
                "heard_at": NOW,
                "bad_at": None,
                "refused_by": "",
            }
        ]
        assert ASHA[1:] not in everything(db)
    assert (person.consent, person.stopped, person.sealed, person.country) == (False, False, False, "KE")


def everything(db: Connection) -> str:
    """All that stands in all tables."""
    found = (tuple(row) for table in Base.metadata.sorted_tables for row in db.execute(select(table)))
    return "\n".join(map(repr, found))


def test_who_is_known_is_found_again_and_heard_at_moves_on_by_the_hour(engine: Engine):
    (first,) = known(engine, ASHA)
    for now, heard_at in ((LATER, NOW), (NOW + timedelta(hours=2), NOW + timedelta(hours=2))):
        with engine.begin() as db:
            again = meet(db, ASHA, now=now)[ASHA]
            assert (again.id, again.address_id) == (first.id, first.address_id)
            assert db.execute(select(Address.heard_at, Contact.created_at).join(Contact)).all() == [(heard_at, NOW)]


def test_a_list_may_hold_new_and_known_people_in_any_order(engine: Engine):
    numbers = [f"+2547123450{n:02}" for n in range(30)]
    before = {number: person.id for number, person in zip(numbers[::3], known(engine, *numbers[::3]), strict=True)}
    with engine.begin() as db:
        people = meet(db, *random.Random(1).sample(numbers, len(numbers)))
        assert set(people) == set(numbers)
        assert {number: people[number].id for number in before} == before
        assert len({person.id for person in people.values()}) == len(numbers)
        owners = pairs(db, Address.key, Address.contact_id)
    assert owners == {SEAL.key("tel", number): people[number].id for number in numbers}


def test_the_country_is_asked_for_new_numbers_only_and_each_gets_its_own(engine: Engine):
    countries = {ASHA: "KE", JUMA: "TZ", "+243812345001": "CD", "+243812345002": "CD", "chat:1": ""}
    known(engine, ASHA)
    asked = []

    def country_of(address: str) -> str:
        asked.append(address)
        return countries[address]

    with engine.begin() as db:
        people = store.meet(db, [inbound(address) for address in countries], SEAL, NOW, country_of)
        stored = pairs(db, Contact.id, Contact.country)
    assert sorted(asked) == sorted(set(countries) - {ASHA})
    assert {address: person.country for address, person in people.items()} == countries
    assert {address: stored[person.id] for address, person in people.items()} == countries


def test_a_number_on_the_phone_and_on_whatsapp_are_two_addresses(engine: Engine):
    with engine.begin() as db:
        people = meet(db, ASHA, f"whatsapp:{ASHA}", f"chat:{ASHA}")
        assert {person.kind for person in people.values()} == {"tel", "whatsapp", "chat"}
        assert len({person.id for person in people.values()}) == 3
        assert len(set(db.execute(select(Address.key)).scalars())) == 3


def test_the_same_address_twice_in_a_list_is_one_person_with_both_calls(engine: Engine):
    (person,) = known(engine, ASHA)
    with engine.begin() as db:
        call(person, "one", dialog="a")
        call(person, "two", dialog="b")
        save(db, person)
    with engine.begin() as db:
        people = meet(db, inbound(ASHA, "one"), inbound(ASHA, "two"), inbound(ASHA, "three"))
    assert len(people) == 1
    shown = {key: call.shown for (_, key), call in people[ASHA].sessions.items()}
    assert shown == {"ussd:one": {"dialog": "a"}, "ussd:two": {"dialog": "b"}}


def two_addresses(engine: Engine) -> Person:
    """Asha, who is reached by phone and by WhatsApp."""
    asha, other = known(engine, ASHA, f"whatsapp:{ASHA}")
    with engine.begin() as db:
        db.execute(update(Address).where(Address.id == other.address_id).values(contact_id=asha.id))
        db.execute(Contact.__table__.delete().where(Contact.__table__.c.id == other.id))  # type: ignore[attr-defined]
    return asha


@pytest.mark.parametrize("order", [1, -1])
def test_two_addresses_of_one_contact_are_one_person(engine: Engine, order: int):
    asha = two_addresses(engine)
    with engine.begin() as db:
        people = meet(db, *[ASHA, f"whatsapp:{ASHA}"][::order])
        assert people[ASHA] is people[f"whatsapp:{ASHA}"]
        assert people[ASHA].id == asha.id
        assert db.execute(select(func.count()).select_from(Contact)).scalar() == 1


def test_of_two_addresses_the_one_that_asked_is_sealed(engine: Engine):
    asha = two_addresses(engine)
    for asking in (ASHA, f"whatsapp:{ASHA}"):
        with engine.begin() as db:
            db.execute(update(Address).values(sealed=None, key_id=None))
            person = meet(db, ASHA, f"whatsapp:{ASHA}")[asking]
            person.seal = asking
            save(db, person)
            kind, value = store.address_kind(asking)
            (sealed,) = [row for row in rows(db, Address) if row["sealed"]]
            assert sealed["kind"] == kind
            assert SEAL.open(sealed["sealed"], kind, str(asha.id), sealed["key_id"]) == value


def test_all_that_is_known_of_a_person_is_loaded(engine: Engine):
    (asha, juma) = known(engine, ASHA, JUMA)
    with engine.begin() as db:
        values = {"language": "sw", "country": "TZ", "consent_at": NOW, "stopped_at": NOW, "private_phone": False}
        db.execute(update(Contact).where(Contact.id == asha.id).values(**values))
        db.execute(update(Address).where(Address.id == asha.address_id).values(sealed=b"x", key_id="y"))
        for owner, mineral in ((asha, "gold"), (juma, "tin")):
            db.execute(insert(Field).values(contact_id=owner.id, name="mineral", value=mineral))
        db.execute(insert(Field).values(contact_id=asha.id, name="role", value="leader"))
        for on, done_at in ((date(2026, 1, 1), None), (date(2027, 3, 25), None), (date(2028, 1, 1), NOW)):
            db.execute(insert(Due).values(contact_id=asha.id, name="audit_date", on=on, done_at=done_at))
        run = {"contact_id": asha.id, "dialog": "quiz", "started_at": NOW, "updated_at": LATER}
        db.execute(insert(Run).values(answers='[["a","x"]]', finished_at=NOW, **run))
        db.execute(insert(Run).values(answers='[["b","y"],["c","é"]]', before='{"role":""}', **run))
        shown = {"dialog": "quiz", "run": 2, "step": "b"}
        db.execute(
            insert(Session).values(
                channel="ke",
                key="ussd:1",
                contact_id=asha.id,
                consumed=7,
                shown=json.dumps(shown),
                started_at=NOW,
                ended_at=LATER,
            )
        )
    with engine.begin() as db:
        people = meet(db, inbound(ASHA, "1"), JUMA)
    asha = people[ASHA]
    assert (asha.language, asha.country, asha.consent, asha.stopped, asha.private_phone, asha.sealed) == (
        "sw",
        "TZ",
        True,
        True,
        False,
        True,
    )
    assert asha.fields == {"mineral": "gold", "role": "leader"}
    assert people[JUMA].fields == {"mineral": "tin"}
    assert asha.dues == {"audit_date": "2027-03-25"}  # the newest that is open
    assert list(asha.runs) == ["quiz"]
    quiz = asha.runs["quiz"]
    assert (quiz.answers, quiz.before) == ([("b", "y"), ("c", "é")], {"role": ""})
    assert (quiz.updated_at, quiz.changed) == (LATER, False)
    (session,) = asha.sessions.values()
    assert (session.consumed, session.shown, session.ended, session.written) == (7, shown, True, True)
    assert people[JUMA].sessions == {}
    assert people[JUMA].private_phone is None


def test_an_sms_finds_the_session_of_its_contact(engine: Engine):
    (asha,) = known(engine, ASHA)
    with engine.begin() as db:
        for kind in ("sms", "bot"):
            asha.sessions["ke", kind] = SessionState(
                "ke", f"{kind}:{asha.id}", asha.id, shown={"step": kind}, changed=True
            )
        save(db, asha)
    with engine.begin() as db:
        people = meet(db, inbound(ASHA, kind="sms"), inbound(JUMA, kind="sms"))
    assert [session.shown for session in people[ASHA].sessions.values()] == [{"step": "sms"}]
    assert people[JUMA].sessions == {}


def test_a_call_cannot_take_the_name_of_an_sms_session(engine: Engine):
    (asha,) = known(engine, ASHA)
    with engine.begin() as db:
        asha.sessions["ke", "sms"] = SessionState("ke", f"sms:{asha.id}", asha.id, shown={"step": "a"}, changed=True)
        save(db, asha)
        assert meet(db, inbound(JUMA, f"sms:{asha.id}"))[JUMA].sessions == {}


def test_128_people_come_in_one_list_with_one_statement_for_each_table(engine: Engine):
    numbers = [f"+2547{n:08}" for n in range(128)]
    heard = Heard(engine)
    with engine.begin() as db:
        people = meet(db, *numbers)
    assert heard.writing() == ["INSERT INTO address", "INSERT INTO contact", "UPDATE address"]
    with engine.begin() as db:
        for n, number in enumerate(numbers):
            person = people[number]
            person.language, person.fields["place"] = "sw", f"place {n} 'é\" 鉱"
            person.changed |= {"field:place"}
            person.runs["quiz"] = new_run("quiz", ("step", f"choice {n}"), fresh=[("step", f"choice {n}")])
            call(person, number, step=f"{n}")
        heard.writing()
        save(db, *people.values())
        assert heard.writing() == [
            "INSERT INTO field",
            "INSERT INTO run",
            "INSERT INTO answer",
            "INSERT INTO session",
        ]
    with engine.begin() as db:
        heard.statements.clear()
        again = meet(db, *(inbound(number, number) for number in numbers))
        assert len(heard.statements) <= 8  # however many people there are
    for n, number in enumerate(numbers):
        person = again[number]
        assert person.id == people[number].id
        assert person.fields == {"place": f"place {n} 'é\" 鉱"}
        assert person.runs["quiz"].answers == [("step", f"choice {n}")]
        (session,) = person.sessions.values()
        assert (session.contact_id, session.shown) == (person.id, {"step": f"{n}"})


# --- two processes at once ---


def test_who_comes_second_waits_and_reads_what_the_first_has_written(engine: Engine):
    known(engine, ASHA)
    met = threading.Event()
    seen: list[Any] = []

    def second() -> None:
        met.wait()
        with engine.begin() as db:
            person = meet(db, inbound(ASHA, "call"))[ASHA]
            seen.append((person.language, person.fields, [run.answers for run in person.runs.values()]))
            seen.extend(session.shown for session in person.sessions.values())

    thread = threading.Thread(target=second)
    thread.start()
    with engine.begin() as db:
        person = meet(db, inbound(ASHA, "call"))[ASHA]
        met.set()
        thread.join(0.2)
        assert thread.is_alive()
        person.language, person.fields["role"] = "sw", "leader"
        person.changed |= {"language", "field:role"}
        person.runs["quiz"] = new_run("quiz", ("a", "x"))
        call(person, step="b")
        save(db, person)
    thread.join()
    assert seen == [("sw", {"role": "leader"}, [[("a", "x")]]), {"step": "b"}]


def test_two_processes_that_meet_the_same_crowd_make_everybody_once(engine: Engine):
    waves = [[f"+25471{wave:02}{n:05}" for n in range(40)] for wave in range(8)]
    together, failed = threading.Barrier(2), []

    def serve(seed: int) -> None:
        order = random.Random(seed)
        for wave in waves:
            together.wait()
            try:
                with engine.begin() as db:
                    people = meet(db, *order.sample(wave, 30))
                    for person in people.values():
                        person.fields["seed"] = str(seed)
                        person.changed.add("field:seed")
                    save(db, *people.values())
            except Exception as error:
                failed.append(error)

    threads = [threading.Thread(target=serve, args=(seed,)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    with engine.begin() as db:
        owners = db.execute(select(Address.contact_id)).scalars().all()
        assert len(owners) == len(set(owners)) == db.execute(select(func.count()).select_from(Contact)).scalar()
        assert None not in owners


def test_a_broadcast_may_enter_rows_for_a_contact_who_is_in_a_turn(engine: Engine):
    if engine.dialect.name == "sqlite":
        return  # one writer at a time
    (asha,) = known(engine, ASHA)
    with engine.begin() as turn, engine.connect() as broadcast:
        meet(turn, ASHA)
        broadcast.execute(text("SET lock_timeout = '500ms'"))
        broadcast.execute(insert(Message).values(message_of(asha)))
        broadcast.commit()


def message_of(person: Person, **more: Any) -> dict[str, Any]:
    return {
        "channel": "ke",
        "provider_id": f"ATXid_{person.id}",
        "dedupe": f"broadcast:1:{person.id}",
        "contact_id": person.id,
        "address_id": person.address_id,
        "direction": "out",
        "kind": "broadcast",
        "text": "30 days to go.",
        "status": "sent",
        "due_at": NOW,
        "created_at": NOW,
    } | more


# --- a session of somebody else ---


def test_a_session_of_somebody_else_is_neither_shown_nor_written(engine: Engine, keeper: Keeper):
    house = House(keeper.content, SEAL, lambda _: Room(), lambda _: "KE")
    with engine.begin() as db:
        people = meet(db, inbound(ASHA, "one"))
        talk.reply(db, [inbound(ASHA, "one")], people, house, NOW)
        before = rows(db, Session)
    with engine.begin() as db:
        stranger = inbound(JUMA, "one", text="1")
        people = meet(db, stranger)
        (session,) = people[JUMA].sessions.values()
        assert session.contact_id != people[JUMA].id
        (reply,) = talk.reply(db, [stranger], people, house, LATER)
        assert not reply.more
        assert "This call was cut" in reply.text
        session.changed = True
        save(db, people[JUMA])
        assert rows(db, Session) == before


# --- save ---


def test_nothing_is_written_where_nothing_changed(engine: Engine):
    people = known(engine, ASHA, JUMA)
    people[0].fields["role"] = "not marked as changed"
    heard = Heard(engine)
    with engine.begin() as db:
        save(db, *people)
    assert heard.statements == [] or heard.statements == ["BEGIN IMMEDIATE"]


def change_language(person: Person) -> None:
    person.language = "sw"
    person.changed.add("language")


def change_run(person: Person) -> None:
    person.runs["quiz"] = new_run("quiz")


def change_field(person: Person) -> None:
    person.fields["role"] = "leader"
    person.changed.add("field:role")


def change_due(person: Person) -> None:
    dates.move(person.dates, "audit_date", "2027-03-25")


def change_seal(person: Person) -> None:
    person.seal = ASHA


def change_counts(person: Person) -> None:
    person.counts.append(("books", "rec1", "yes"))


def change_session(person: Person) -> None:
    call(person, step="a")


@pytest.mark.parametrize(
    ("change", "written"),
    [
        (change_language, "UPDATE contact"),
        (change_run, "INSERT INTO run"),
        (change_field, "INSERT INTO field"),
        (change_due, "INSERT INTO due"),
        (change_seal, "UPDATE address"),
        (change_counts, "INSERT INTO tally"),
        (change_session, "INSERT INTO session"),
    ],
)
def test_only_what_changed_is_written(engine: Engine, change: Callable[[Person], None], written: str):
    asha, juma = known(engine, ASHA, JUMA)
    change(asha)
    heard = Heard(engine)
    with engine.begin() as db:
        save(db, asha, juma)
    assert heard.writing() == [written]


def test_what_was_saved_is_known_the_next_time(engine: Engine):
    (person,) = known(engine, ASHA)
    with engine.begin() as db:
        person.language, person.consent, person.private_phone, person.stopped = "sw", True, True, True
        person.fields |= {"role": "leader", "other": "not marked"}
        dates.move(person.dates, "audit_date", "2027-03-25")
        person.changed |= {"language", "consent", "private_phone", "stopped", "field:role"}
        save(db, person)
    with engine.begin() as db:
        again = meet(db, ASHA)[ASHA]
        assert (again.language, again.consent, again.private_phone, again.stopped) == ("sw", True, True, True)
        assert (again.fields, again.dues) == ({"role": "leader"}, {"audit_date": "2027-03-25"})
        again.stopped, again.consent = False, False
        again.fields["role"] = "worker"
        again.changed |= {"stopped", "consent", "field:role"}
        save(db, again)
    with engine.begin() as db:
        last = meet(db, ASHA)[ASHA]
        assert (last.stopped, last.consent, last.fields) == (False, False, {"role": "worker"})


def test_the_same_date_again_moves_the_open_one_and_leaves_the_past_ones(engine: Engine):
    (person,) = known(engine, ASHA)
    with engine.begin() as db:
        db.execute(insert(Due).values(contact_id=person.id, name="audit_date", on=date(2025, 1, 1), done_at=NOW))
    for time, day in ((NOW, "2027-03-25"), (LATER, "2027-04-01")):
        with engine.begin() as db:
            person = meet(db, ASHA)[ASHA]
            dates.move(person.dates, "audit_date", day)
            save(db, person, now=time)
    with engine.begin() as db:
        assert db.execute(select(Due.on, Due.was, Due.set_at, Due.next_at, Due.done_at).order_by(Due.id)).all() == [
            (date(2025, 1, 1), None, None, None, NOW),
            (date(2027, 4, 1), date(2027, 3, 25), LATER, LATER, None),
        ]


def test_each_change_of_a_date_writes_only_its_own_columns(engine: Engine):
    (person,) = known(engine, ASHA)
    with engine.begin() as db:
        for day in ("2027-01-01", "2027-02-01", "2027-03-01", "2027-04-01"):
            dates.add(person.dates, "finding_due", day, "2026-11-22")
        save(db, person)
    with engine.begin() as db:
        db.execute(update(Due).values(was=date(2026, 12, 1), next_at=None))
        person = meet(db, ASHA)[ASHA]
        dates.finish(person.dates, "finding_due", "", "2026-11-22")
        dates.take_back(person.dates, "finding_due", "2027-02-01")
        person.dates[2].changed = True  # only to be looked at again
        heard = Heard(engine)
        save(db, person, now=LATER)
        assert heard.writing() == ["DELETE FROM due", "UPDATE due"]
        assert db.execute(select(Due.on, Due.was, Due.set_at, Due.next_at, Due.done_at).order_by(Due.id)).all() == [
            (date(2027, 1, 1), date(2026, 12, 1), NOW, None, LATER),
            (date(2027, 3, 1), date(2026, 12, 1), NOW, LATER, None),
            (date(2027, 4, 1), date(2026, 12, 1), NOW, None, None),
        ]
        assert meet(db, ASHA)[ASHA].dues == {"finding_due": "2027-03-01"}


def test_the_nearest_date_is_the_next_one_and_only_where_all_are_past_the_latest():
    open_dates = [OpenDate("finding_due", on) for on in ("2026-03-01", "2027-05-01", "2026-12-01", "2026-08-01")]
    assert [dates.nearest(open_dates, "finding_due", today).on for today in ("2026-11-22", "2026-12-01")] == [  # type: ignore[union-attr]
        "2026-12-01",
        "2026-12-01",
    ]
    assert dates.nearest(open_dates, "finding_due", "2028-01-01").on == "2027-05-01"  # type: ignore[union-attr]
    assert dates.nearest(open_dates, "audit_date", "2026-11-22") is None


def test_the_date_that_was_asked_about_is_done_though_another_is_nearer():
    open_dates = [OpenDate("finding_due", on) for on in ("2027-05-01", "2027-06-01")]
    dates.finish(open_dates, "finding_due", "2027-06-01", "2026-11-22")
    dates.finish(open_dates, "audit_date", "", "2026-11-22")
    assert [each.done for each in open_dates] == [False, True]
    dates.finish(open_dates, "finding_due", "2027-07-01", "2026-11-22")
    assert [each.done for each in open_dates] == [True, True]


def test_a_date_beyond_ten_takes_the_place_of_the_longest_past_one_and_of_none_that_is_to_come():
    ahead = [OpenDate("finding_due", f"2027-01-{day:02}") for day in range(1, 11)]
    assert not dates.has_room(ahead, "finding_due", "2026-11-22")
    assert dates.has_room(ahead, "finding_due", "2027-01-02")
    dates.add(ahead, "finding_due", "2027-02-01", "2027-01-03")
    assert sorted(each.on for each in ahead)[0] == "2027-01-02"
    assert len(ahead) == dates.MOST_OPEN


def test_what_is_said_is_appended_to_the_ledger_in_one_statement_by_contact(engine: Engine):
    asha, juma = known(engine, ASHA, JUMA)
    juma.ledger = [Said("all", False, "sms", "No more messages.")]
    asha.ledger = [Said("reminders", True, "ussd", "Reminders?"), Said("reminders", True, "ussd", "Reminders?")]
    heard = Heard(engine)
    with engine.begin() as db:
        save(db, juma, asha)
        assert heard.writing() == ["INSERT INTO consent"]
        said = [
            (asha.id, "reminders", True, "ussd", "Reminders?", REVISION, NOW),
            (asha.id, "reminders", True, "ussd", "Reminders?", REVISION, NOW),
            (juma.id, "all", False, "sms", "No more messages.", REVISION, NOW),
        ]
        assert [tuple(row.values())[1:] for row in rows(db, Consent)] == sorted(said, key=lambda row: row[0])


def test_a_group_is_joined_once_and_leaving_leaves_all_but_what_is_joined_after(engine: Engine):
    asha, juma = known(engine, ASHA, JUMA)
    with engine.begin() as db:
        ids = [
            db.execute(insert(Group).values(code=code, name=f"Group {code}").returning(Group.id)).scalar_one()
            for code in ("A1", "B-2")
        ]
        asha.joins, juma.joins = [ids[0], ids[0]], [ids[1]]
        save(db, asha, juma)
        save(db, asha)
        assert groups_of(db, asha.id) == ["Group A1"]
        assert [find_group(db, code) for code in ("a 1", "b2", "B - 2", "A2", " ")] == [
            (ids[0], "Group A1"),
            (ids[1], "Group B-2"),
            (ids[1], "Group B-2"),
            None,
            None,
        ]
        asha.leaves, asha.joins = True, [ids[1]]
        save(db, asha)
        assert (groups_of(db, asha.id), groups_of(db, juma.id)) == (["Group B-2"], ["Group B-2"])


def test_a_run_is_made_changed_and_closed_and_the_next_one_opened(engine: Engine):
    (person,) = known(engine, ASHA)
    with engine.begin() as db:
        run = person.runs["quiz"] = new_run("quiz", ("a", "x"), fresh=[("a", "x")], before={"role": ""})
        save(db, person)
        assert run.id > 0
        assert rows(db, Run) == [
            {
                "id": run.id,
                "contact_id": person.id,
                "dialog": "quiz",
                "answers": '[["a","x"]]',
                "before": '{"role":""}',
                "started_at": NOW,
                "updated_at": NOW,
                "finished_at": None,
                "points": 0,
                "most": 0,
            }
        ]
    with engine.begin() as db:
        person = meet(db, ASHA)[ASHA]
        run = person.runs.pop("quiz")
        run.answers = [*run.answers, ("b", "y")]
        run.fresh, run.points, run.most = [("b", "y")], 1, 2
        run.finished_at = run.updated_at = LATER
        run.changed = True
        person.closed_runs.append(run)
        person.runs["quiz"] = new_run("quiz", ("a", "z"), fresh=[("a", "z")])
        save(db, person, now=LATER)
        old, new = rows(db, Run)
        assert (old["answers"], old["finished_at"], old["points"], old["most"]) == (
            '[["a","x"],["b","y"]]',
            LATER,
            1,
            2,
        )
        assert (old["started_at"], old["updated_at"]) == (NOW, LATER)
        assert (new["answers"], new["finished_at"]) == ('[["a","z"]]', None)
        kept = [
            (each["run_id"], each["step"], each["choice"], each["revision"], each["at"]) for each in rows(db, Answer)
        ]
        assert kept == [
            (old["id"], "a", "x", REVISION, NOW),
            (old["id"], "b", "y", REVISION, LATER),
            (new["id"], "a", "z", REVISION, LATER),
        ]
        assert store.past_runs(db, person.id) == {"quiz": ([("a", "x"), ("b", "y")], LATER)}
        assert store.closed_run(db, person.id, old["id"]) == ([("a", "x"), ("b", "y")], {"role": ""})
        assert store.closed_run(db, person.id + 1, old["id"]) == ([], {})


def test_of_several_finished_runs_the_newest_counts(engine: Engine):
    (person,) = known(engine, ASHA)
    with engine.begin() as db:
        for choice in ("x", "y"):
            person.closed_runs = [new_run("quiz", ("a", choice), finished_at=NOW)]
            save(db, person)
        assert store.past_runs(db, person.id)["quiz"][0] == [("a", "y")]
        assert store.past_runs(db, person.id + 1) == {}


def test_a_run_without_a_trace_goes_with_its_answers_and_with_what_was_shown(engine: Engine):
    (person,) = known(engine, ASHA)
    with engine.begin() as db:
        run = person.runs["help"] = new_run("help", ("where", "pit"), fresh=[("where", "pit")])
        person.runs["quiz"] = new_run("quiz", id=-2)
        call(person, dialog="help", run=-1, step="where")
        save(db, person)
    with engine.begin() as db:
        person = meet(db, inbound(ASHA, "call"))[ASHA]
        person.dropped_runs.append(person.runs.pop("help").id)
        save(db, person)
        assert [row["dialog"] for row in rows(db, Run)] == ["quiz"]
        assert rows(db, Answer) == []
        (session,) = rows(db, Session)
        assert (session["shown"], session["run_id"]) == (None, None)
        assert run.id not in [row["id"] for row in rows(db, Run)]


def test_a_screen_points_at_the_run_that_was_made_with_it(engine: Engine):
    (person,) = known(engine, ASHA)
    with engine.begin() as db:
        person.runs["menu"] = new_run("menu", id=-1)
        person.runs["quiz"] = new_run("quiz", id=-2)
        call(person, dialog="quiz", run=-2, step="a")
        save(db, person)
        made = {row["dialog"]: row["id"] for row in rows(db, Run)}
        (session,) = rows(db, Session)
    assert session["run_id"] == made["quiz"]
    assert json.loads(session["shown"]) == {"dialog": "quiz", "run": made["quiz"], "step": "a"}


def test_people_who_begin_in_one_list_each_see_their_own_run(engine: Engine, keeper: Keeper):
    house = House(keeper.content, SEAL, lambda _: Room(), lambda _: "KE")
    crowd = [inbound(f"+2547{n:08}") for n in range(20)]
    with engine.begin() as db:
        talk.reply(db, crowd, meet(db, *crowd), house, NOW)
        owners = pairs(db, Run.id, Run.contact_id)
        shown = [(json.loads(row["shown"])["run"], row["run_id"], row["contact_id"]) for row in rows(db, Session)]
    assert len(shown) == len(owners) == len(crowd)
    for run, run_id, contact_id in shown:
        assert run == run_id
        assert owners[run] == contact_id


def test_a_call_is_written_over_and_ended(engine: Engine):
    (person,) = known(engine, ASHA)
    with engine.begin() as db:
        session = call(person, "one", step="a")
        save(db, person)
    with engine.begin() as db:
        person = meet(db, inbound(ASHA, "one"), now=LATER)[ASHA]
        (session,) = person.sessions.values()
        session.shown, session.consumed, session.ended, session.changed = {"step": "b"}, 3, True, True
        save(db, person, now=LATER)
        (row,) = rows(db, Session)
        assert (json.loads(row["shown"]), row["consumed"]) == ({"step": "b"}, 3)
        assert (row["started_at"], row["ended_at"]) == (NOW, LATER)


def test_a_call_that_the_provider_ended_keeps_its_last_screen(engine: Engine):
    (person,) = known(engine, ASHA)
    with engine.begin() as db:
        call(person, "one", step="a")
        call(person, "two", step="b")
        save(db, person)
        store.end_session(db, "ke", "one", NOW)
        store.end_session(db, "ke", "one", LATER)  # told twice
        store.end_session(db, "tz", "two", LATER)  # of another channel
        store.end_session(db, "ke", "never heard of", LATER)
        assert [(row["key"], row["ended_at"]) for row in rows(db, Session)] == [("ussd:one", NOW), ("ussd:two", None)]
        assert [json.loads(row["shown"]) for row in rows(db, Session)] == [{"step": "a"}, {"step": "b"}]


def test_the_number_is_sealed_for_its_contact_and_unsealed_again(engine: Engine):
    asha, juma = known(engine, ASHA, JUMA)
    with engine.begin() as db:
        asha.seal = ASHA
        save(db, asha, juma)
        first, second = (row for id in (asha.id, juma.id) for row in rows(db, Address) if row["contact_id"] == id)
        assert second["sealed"] is None
        assert SEAL.open(first["sealed"], "tel", str(asha.id), first["key_id"]) == ASHA
        assert ASHA[1:].encode() not in first["sealed"]
        again = meet(db, ASHA)[ASHA]
        assert again.sealed
        again.unseal = True
        save(db, again)
        assert [(row["sealed"], row["key_id"]) for row in rows(db, Address)] == [(None, None)] * 2


def test_after_stop_no_address_of_the_contact_is_sealed(engine: Engine):
    asha = two_addresses(engine)
    with engine.begin() as db:
        db.execute(update(Address).values(sealed=b"x", key_id="y"))
        asha.unseal, asha.seal = True, ASHA
        save(db, asha)
        assert [row["sealed"] for row in rows(db, Address)] == [None, None]


# --- tallies ---


def test_the_tally_grows_for_everybody_and_for_each_group_in_one_statement(engine: Engine):
    people = known(engine, *(f"+25471234500{n}" for n in range(4)))
    place = ("books", "rec1", "yes")
    with engine.begin() as db:
        for code in ("A", "B"):
            db.execute(insert(Group).values(code=code, name=code))
        one, two = db.execute(select(Group.id).order_by(Group.id)).scalars()
        for group, person in ((one, people[0]), (two, people[0]), (one, people[1]), (two, people[2])):
            db.execute(insert(Member).values(group_id=group, contact_id=person.id))
        heard = Heard(engine)
        for _ in range(2):
            for person in people:
                person.counts = [place]
            people[3].counts.append(("books", "rec1", "no"))
            save(db, *people)
        assert heard.writing() == ["INSERT INTO tally"] * 2
        grown = {(row["choice"], row["group_id"]): row["n"] for row in rows(db, Tally)}
    assert grown == {("yes", 0): 8, ("yes", one): 4, ("yes", two): 4, ("no", 0): 2}


def test_the_tally_of_somebody_who_leaves_at_once_grows_for_everybody(engine: Engine):
    (person,) = known(engine, ASHA)
    with engine.begin() as db:
        person.counts, person.forget = [("books", "rec1", "yes")], True
        save(db, person)
        assert [(row["group_id"], row["n"]) for row in rows(db, Tally)] == [(0, 1)]
        assert rows(db, Contact) == []


# --- forget ---


def fill(db: Connection, person: Person, group_id: int) -> None:
    """Something of this person in every table that can hold it."""
    person.language, person.consent, person.private_phone = "sw", True, True
    person.changed |= {"language", "consent", "private_phone", "field:role"}
    person.fields["role"], person.seal = "leader", ASHA
    dates.move(person.dates, "audit_date", "2027-03-25")
    person.runs["quiz"] = new_run("quiz", ("a", "x"), fresh=[("a", "x")])
    person.closed_runs = [new_run("quiz", ("a", "y"), id=-2, finished_at=NOW, fresh=[("a", "y")])]
    call(person, f"call of {person.id}", dialog="quiz", run=-1)
    save(db, person)
    db.execute(insert(Member).values(group_id=group_id, contact_id=person.id))
    db.execute(insert(Consent).values(contact_id=person.id, what="news", yes=True, how="ussd", at=NOW))
    db.execute(insert(Link).values(contact_id=person.id, code=f"mark {person.id}", made_at=NOW, expires_at=LATER))
    made = db.execute(insert(Message).values(message_of(person)).returning(Message.id)).scalar()
    db.execute(insert(Report).values(message_id=made, status="sent", raw={}, at=NOW))


def belongings(db: Connection, contact_id: int) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table that leads to this contact by its foreign keys, the contact's own too."""
    found: dict[str, list[dict[str, Any]]] = {}
    for table in Base.metadata.sorted_tables:  # owners before what they own
        for row in db.execute(select(table)).mappings():
            own = table.name == "contact" and row["id"] == contact_id
            for column in table.columns:
                for key in column.foreign_keys:
                    owners = found.get(key.column.table.name, ())
                    own |= any(row[column.name] == owner[key.column.name] for owner in owners)
            if own:
                found.setdefault(table.name, []).append(dict(row))
    return found


def tables_of_a_contact() -> set[str]:
    """The tables whose foreign keys lead to a contact."""
    found = {"contact"}
    for table in Base.metadata.sorted_tables:
        if any(key.column.table.name in found for column in table.columns for key in column.foreign_keys):
            found.add(table.name)
    return found


@pytest.fixture
def two_people(engine: Engine) -> list[Person]:
    """Asha, who will go, and Juma, who stays; both have something in every table."""
    asha, juma = known(engine, ASHA, JUMA)
    with engine.begin() as db:
        group_id = db.execute(insert(Group).values(code="A", name="A").returning(Group.id)).scalar()
        assert group_id is not None
        for person in (asha, juma):
            fill(db, person, group_id)
            # Filled is every table there is: who adds one, fills it above.
            assert set(belongings(db, person.id)) == tables_of_a_contact()
    return known(engine, ASHA, JUMA)


def test_forget_erases_every_row_of_every_table(engine: Engine, two_people: list[Person]):
    asha, juma = two_people
    with engine.begin() as db:
        kept = belongings(db, juma.id)
        asha.forget = True
        save(db, asha)
    with engine.begin() as db:
        assert belongings(db, asha.id) == {}
        assert belongings(db, juma.id) == kept
        for table in Base.metadata.sorted_tables:
            left = db.execute(select(func.count()).select_from(table)).scalar()
            shared = 1 if table.name == "group" else 0
            assert left == len(kept.get(table.name, ())) + shared, table.name
        somebody = meet(db, ASHA)[ASHA]
        assert (somebody.id > juma.id, somebody.consent, somebody.runs, somebody.fields) == (True, False, {}, {})


OUTBOX = {"message", "report"}


def forget_after_stop(engine: Engine, asha: Person) -> dict[str, list[dict[str, Any]]]:
    """What is left of Asha, who said STOP and then had everything deleted."""
    with engine.begin() as db:
        asha.stopped = asha.unseal = True
        asha.changed = {"stopped"}
        save(db, asha)
    with engine.begin() as db:
        asha.changed, asha.unseal, asha.forget = set(), False, True
        save(db, asha, now=LATER)
    with engine.begin() as db:
        return belongings(db, asha.id)


def test_forget_after_stop_leaves_the_key_of_the_address_and_the_stop(engine: Engine, two_people: list[Person]):
    asha, juma = two_people
    with engine.begin() as db:
        kept = belongings(db, juma.id)
    left = forget_after_stop(engine, asha)
    assert set(left) - OUTBOX == {"contact", "address"}
    assert left["contact"] == [
        {
            "id": asha.id,
            "language": "",
            "country": "",
            "consent_at": None,
            "stopped_at": NOW,
            "private_phone": None,
            "timezone": "",
            "created_at": NOW,
            "seen_at": NOW,
        }
    ]
    (address,) = left["address"]
    assert (address["key"], address["sealed"], address["key_id"]) == (SEAL.key("tel", ASHA), None, None)
    with engine.begin() as db:
        assert belongings(db, juma.id) == kept
        person = meet(db, ASHA)[ASHA]
        assert (person.id, person.stopped, person.consent) == (asha.id, True, False)


def test_forget_after_stop_leaves_no_message(engine: Engine, two_people: list[Person]):
    assert not OUTBOX & set(forget_after_stop(engine, two_people[0]))


def test_a_stop_in_the_same_list_as_forget_holds(engine: Engine):
    (asha,) = known(engine, ASHA)
    with engine.begin() as db:
        asha.stopped = asha.forget = True
        asha.changed = {"stopped"}
        save(db, asha)
    with engine.begin() as db:
        assert meet(db, ASHA)[ASHA].stopped


def test_forgetting_somebody_who_is_gone_is_harmless(engine: Engine):
    (asha,) = known(engine, ASHA)
    with engine.begin() as db:
        store.forget(db, asha.id)
        store.forget(db, asha.id)
        assert rows(db, Contact) == rows(db, Address) == []


# --- sweep ---


def age(engine: Engine, people: Iterable[Person], **values: Any) -> None:
    with engine.begin() as db:
        db.execute(update(Contact).where(Contact.id.in_([person.id for person in people])).values(**values))


def left_after(engine: Engine, now: datetime, days: int = 90) -> set[int]:
    with engine.begin() as db:
        sweep(db, now, days)
        return set(db.execute(select(Contact.id)).scalars())


def test_who_never_agreed_goes_after_a_day_and_nobody_else(engine: Engine):
    people = known(engine, *(f"+25471234500{n}" for n in range(4)))
    undecided, agreed, stopped, late = people
    age(engine, [agreed], consent_at=NOW)
    age(engine, [stopped], stopped_at=NOW)
    age(engine, [late], created_at=NOW + timedelta(hours=1))
    with engine.begin() as db:
        undecided.runs["hello"] = new_run("hello", ("language", "sw"), fresh=[("language", "sw")])
        save(db, undecided)
    everybody = {person.id for person in people}
    assert left_after(engine, NOW + timedelta(days=1)) == everybody
    assert left_after(engine, NOW + timedelta(days=1, seconds=1)) == everybody - {undecided.id}
    with engine.begin() as db:
        assert rows(db, Run) == rows(db, Answer) == []
        assert len(rows(db, Address)) == 3
    assert left_after(engine, NOW + timedelta(days=400)) == {agreed.id, stopped.id}


def test_old_calls_go_and_their_runs_stay(engine: Engine):
    (asha,) = known(engine, ASHA)
    age(engine, [asha], consent_at=NOW)
    with engine.begin() as db:
        asha.runs["quiz"] = new_run("quiz", ("a", "x"))
        call(asha, "old", step="a")
        save(db, asha)
        asha.sessions.clear()
        call(asha, "new", step="b")
        save(db, asha, now=NOW + timedelta(days=2))
    with engine.begin() as db:
        assert sweep(db, NOW + timedelta(days=90), 90) == 0
        assert sweep(db, NOW + timedelta(days=91), 90) == 1
        assert sweep(db, NOW + timedelta(days=91), 90) == 0
        assert [row["key"] for row in rows(db, Session)] == ["ussd:new"]
        assert [row["dialog"] for row in rows(db, Run)] == ["quiz"]


def test_a_sweep_takes_a_slice_at_a_time_until_nothing_is_left(engine: Engine):
    with engine.begin() as db:
        db.execute(insert(Contact), [{"created_at": NOW, "seen_at": NOW}] * (SLICE + 3))
    gone: list[int] = []
    while not gone or gone[-1]:
        with engine.begin() as db:
            gone.append(sweep(db, NOW + timedelta(days=2), 90))
    assert gone == [SLICE, 3, 0]


def test_a_sweep_does_not_wait_for_somebody_who_is_in_a_turn(engine: Engine):
    if engine.dialect.name == "sqlite":
        return  # one writer at a time
    asha, juma = known(engine, ASHA, JUMA)
    with engine.begin() as turn, engine.begin() as sweeping:
        meet(turn, ASHA)
        sweeping.execute(text("SET LOCAL lock_timeout = '500ms'"))
        assert sweep(sweeping, NOW + timedelta(days=2), 90) == 1
        assert sweeping.execute(select(Contact.id)).scalars().all() == [asha.id]
    assert juma.id != asha.id


def test_who_agrees_while_a_sweep_runs_stays(engine: Engine):
    known(engine, ASHA)

    def sweep_meanwhile() -> None:
        with engine.begin() as db:
            sweep(db, NOW + timedelta(days=2), 90)

    other = threading.Thread(target=sweep_meanwhile)
    with engine.begin() as db:
        asha = meet(db, ASHA)[ASHA]
        other.start()
        other.join(0.2)
        asha.consent = True
        asha.changed.add("consent")
        save(db, asha)
    other.join()
    with engine.begin() as db:
        assert meet(db, ASHA)[ASHA].consent


def test_what_broke_off_in_a_dialog_without_a_trace_goes_soon(engine: Engine):
    asha, juma = known(engine, ASHA, JUMA)
    with engine.begin() as db:
        for person, updated_at in ((asha, NOW), (juma, NOW + timedelta(minutes=10))):
            person.runs["help"] = replace(
                new_run("help", ("where", "pit"), fresh=[("where", "pit")]), updated_at=updated_at
            )
            call(person, f"call of {person.id}", dialog="help", run=-1)
            save(db, person)
        asha.runs["quiz"] = new_run("quiz")
        save(db, asha)
    with engine.begin() as db:
        soon = NOW + timedelta(minutes=16)
        assert sweep_untraced(db, soon, []) == 0
        assert sweep_untraced(db, soon, ["help"]) == 1
        assert sweep_untraced(db, soon, ["help"]) == 0
        assert sorted((row["contact_id"], row["dialog"]) for row in rows(db, Run)) == sorted(
            [(asha.id, "quiz"), (juma.id, "help")]
        )
        gone = {row["contact_id"]: row["shown"] is None for row in rows(db, Session)}
        assert gone == {asha.id: True, juma.id: False}


# --- the key of the store ---


def test_a_new_store_takes_the_key_as_its_own_and_knows_it_again(engine: Engine):
    with engine.begin() as db:
        assert store.check_key(db, SEAL, NOW)
    with engine.begin() as db:
        assert store.check_key(db, SEAL, LATER)
        assert store.check_key(
            db, Seal("a secret key of the tests, long enough", "a newer key, as long as it must be"), NOW
        )
        assert not store.check_key(db, Seal("another secret key, long enough too"), LATER)
        assert [(row["check"], row["created_at"]) for row in rows(db, Keyring)] == [(SEAL.check, NOW)]
