from __future__ import annotations

import csv
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import Engine, insert, select, update

from dialogs import store
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
from gateway.people import merging
from gateway.tables import Event, Message, Report
from tests.people import (
    ASHA,
    CLAIRE,
    JUMA,
    NOW,
    SEAL,
    Commands,
    contact_of,
    engine,
    fields_of,
    found,
    made,
    ngazi,
    small_content,
)

__all__ = ["engine", "ngazi", "small_content"]  # fixtures
LATER = NOW + timedelta(days=1)


def group(engine: Engine, code: str, *contact_ids: int) -> int:
    """A group with these members."""
    with engine.begin() as db:
        id = db.execute(insert(Group).values(code=code, name=f"Group {code}").returning(Group.id)).scalar_one()
        for contact_id in contact_ids:
            db.execute(insert(Member).values(group_id=id, contact_id=contact_id))
        return id


def add(engine: Engine, table: Any, **columns: Any) -> Any:
    with engine.begin() as db:
        key = db.execute(insert(table).values(columns)).inserted_primary_key
        return None if key is None else key[0]


def a_run(engine: Engine, contact_id: int, answers: list[list[str]], **more: Any) -> Any:
    columns = {"dialog": "about", "answers": json.dumps(answers), "started_at": NOW, "updated_at": NOW, **more}
    id = add(engine, Run, contact_id=contact_id, **columns)
    for step, choice in answers:
        add(engine, Answer, run_id=id, step=step, choice=choice, revision="r", at=NOW)
    return id


def a_message(engine: Engine, contact_id: int, dedupe: str, kind: str = "broadcast", **more: Any) -> Any:
    columns = {"channel": "ke", "direction": "out", "status": "queued", "due_at": NOW, "created_at": NOW, **more}
    return add(engine, Message, contact_id=contact_id, dedupe=dedupe, kind=kind, **columns)


def fill(engine: Engine, number: str, code: str) -> int:
    """A contact with something in every table that can hold it."""
    id = made(engine, number, kept=True, role="worker", reminders="yes", news="yes", contact_language="sw")
    group(engine, code, id)
    run_id = a_run(engine, id, [["role", "worker"], ["mineral", "gold"]])
    add(engine, Session, channel="ke", key=f"ussd:{id}", contact_id=id, run_id=run_id, started_at=NOW)
    add(engine, Due, contact_id=id, name="audit_date", on=date(2027, 3, 25))
    add(engine, Consent, contact_id=id, what="news", yes=True, how="ussd", wording="May we?", at=NOW)
    message = a_message(engine, id, f"broadcast:1:{id}", text="Come to the meeting.")
    add(engine, Report, message_id=message, status="sent", raw={}, at=NOW)
    add(engine, Link, contact_id=id, code=f"mark {id}", made_at=NOW, expires_at=LATER)
    return id


def events(engine: Engine) -> list[tuple[str, Any]]:
    return [(what, about) for _, what, about in found(engine, Event.id, Event.what, Event.about)]


# --- find ---


def test_what_is_known_about_one_person_is_found_by_number_and_by_id(ngazi: Commands, engine: Engine):
    id = fill(engine, ASHA, "GEITA")
    by_number = json.loads(ngazi.contacts("find", ASHA, "--json").output)
    assert by_number == json.loads(ngazi.contacts("find", "--id", id, "--json").output)
    assert (by_number["id"], by_number["language"], by_number["number_kept"]) == (id, "sw", True)
    assert by_number["groups"] == [{"code": "GEITA", "role": ""}]
    assert by_number["fields"] == {"news": "yes", "reminders": "yes", "role": "worker"}
    assert by_number["dates"] == [{"name": "audit_date", "date": "2027-03-25", "done": False}]
    assert by_number["consents"][0]["what"] == "news"
    shown = ngazi.contacts("find", "07700 900001", "--country", "GB").output
    assert f"Contact {id}" in shown
    assert ASHA not in shown


def test_nobody_is_found_where_nobody_is(ngazi: Commands, engine: Engine):
    for words in ((JUMA,), ("--id", 7)):
        result = ngazi.contacts("find", *words)
        assert (result.exit_code, "Nobody is known" in result.output) == (1, True)
    assert ngazi.contacts("find").exit_code == 2
    assert ngazi.contacts("find", ASHA, "--group", "X1").exit_code == 2
    assert found(engine, Contact.id) == []


def test_people_are_found_by_group_language_and_fields(ngazi: Commands, engine: Engine):
    one = made(engine, ASHA, mineral="gold", contact_language="sw")
    two = made(engine, JUMA, mineral="gold", contact_language="fr")
    three = made(engine, CLAIRE, mineral="tin", contact_language="sw")
    top = group(engine, "TZ", one)
    below = group(engine, "GEITA", two, three)
    with engine.begin() as db:
        db.execute(update(Group).where(Group.id == below).values(parent_id=top))

    def ids(*words: str) -> list[int]:
        return list(json.loads(ngazi.contacts("find", *words, "--json").output))

    assert ids("--group", "tz") == [one, two, three]
    assert ids("--group", "GEITA") == [two, three]
    assert ids("--language", "Kiswahili") == [one, three]
    assert ids("--field", "mineral=Gold") == [one, two]
    assert ids("--group", "TZ", "--language", "sw", "--field", "mineral=gold") == [one]
    assert ngazi.contacts("find", "--field", "mineral=gold").stdout == f"{one}\n{two}\n"
    assert "no group NOWHERE" in ngazi.contacts("find", "--group", "nowhere").output


# --- export ---


def test_an_export_has_no_number_in_it(ngazi: Commands, engine: Engine, tmp_path: Path):
    id = fill(engine, ASHA, "GEITA")
    made(engine, JUMA, kept=True, village="=cmd|' /C calc'!A0", contact_language="en")
    for name in ("all.csv", "all.xlsx"):
        assert ngazi.contacts("export", tmp_path / name).exit_code == 0
        assert (tmp_path / name).stat().st_mode & 0o077 == 0
    text = (tmp_path / "all.csv").read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(text.splitlines()))
    assert [row["id"] for row in rows] == [str(id), str(id + 1)]
    assert (rows[0]["groups"], rows[0]["role"], rows[0]["audit_date"]) == ("GEITA", "worker", "2027-03-25")
    assert rows[1]["village"] == "'=cmd|' /C calc'!A0"
    sheet = load_workbook(tmp_path / "all.xlsx")["contacts"]
    heads = [cell.value for cell in sheet[1]]
    assert heads == list(rows[0])
    formula = sheet.cell(3, heads.index("village") + 1)
    assert (formula.value, formula.data_type) == ("=cmd|' /C calc'!A0", "s")
    for number in (ASHA, JUMA):
        assert number[1:] not in text
    assert events(engine) == [("export", {"rows": 2, "group": ""})] * 2


def test_an_export_of_a_group_has_all_below_it_and_goes_in_slices(ngazi: Commands, engine: Engine, tmp_path: Path):
    with engine.begin() as db:
        rows = [{"created_at": NOW, "seen_at": NOW}] * 1_203
        db.execute(insert(Contact), rows)
        ids = list(db.execute(select(Contact.id).order_by(Contact.id)).scalars())
    group(engine, "GEITA", *ids[1:])
    assert ngazi.contacts("export", tmp_path / "g.csv", "--group", "geita").exit_code == 0
    with open(tmp_path / "g.csv", encoding="utf-8-sig") as file:
        assert [int(row["id"]) for row in csv.DictReader(file)] == ids[1:]


def test_numbers_go_out_alone_for_a_reason_that_is_kept(ngazi: Commands, engine: Engine, tmp_path: Path):
    one = made(engine, ASHA, kept=True, mineral="gold", contact_language="sw")
    made(engine, JUMA, mineral="gold")  # wants no messages: no number is kept
    made(engine, "+447700900003", contact_stopped_at=NOW)
    three = made(engine, CLAIRE, kept=True, contact_language="fr")
    group(engine, "GEITA", one, three)
    refused = ngazi.contacts("export", tmp_path / "n.csv", "--numbers")
    assert (refused.exit_code, "need a --reason" in refused.output) == (1, True)
    assert not (tmp_path / "n.csv").exists()
    for name in ("n.csv", "n.xlsx"):
        assert ngazi.contacts("export", tmp_path / name, "--numbers", "--reason", "radio campaign").exit_code == 0
    assert (tmp_path / "n.csv").read_text(encoding="utf-8-sig").splitlines() == [
        "phone,language,group", f"'{ASHA},sw,GEITA", f"'{CLAIRE},fr,GEITA"
    ]  # fmt: skip
    sheet = load_workbook(tmp_path / "n.xlsx")["contacts"]
    assert [tuple(row) for row in sheet.iter_rows(values_only=True)][1] == (ASHA, "sw", "GEITA")
    assert events(engine) == [("export numbers", {"reason": "radio campaign", "rows": 2, "group": ""})] * 2


def test_exported_numbers_can_be_imported_again(ngazi: Commands, engine: Engine, tmp_path: Path):
    group(engine, "GEITA", made(engine, ASHA, kept=True, reminders="yes", news="yes", contact_language="sw"))
    for name in ("n.csv", "n.xlsx"):
        ngazi.contacts("export", tmp_path / name, "--numbers", "--reason", "test")
        account = json.loads(ngazi.contacts("import", tmp_path / name, "--consent", "forms", "--json").output)
        assert (account["known_already"], account["new"], account["kept_as_the_person_said"]) == (1, 0, 0)


def test_a_file_that_is_there_is_not_overwritten_and_no_number_leaves_for_nothing(
    ngazi: Commands, engine: Engine, tmp_path: Path
):
    (tmp_path / "n.csv").write_text("mine")
    for words in (("--numbers", "--reason", "x"), ()):
        assert "is there already" in ngazi.contacts("export", tmp_path / "n.csv", *words).output
    assert "must end in .csv or .xlsx" in ngazi.contacts("export", tmp_path / "n.ods").output
    assert (tmp_path / "n.csv").read_text() == "mine"
    assert events(engine) == []


# --- merge ---


def test_two_contacts_become_one_with_both_numbers_sealed_for_it(ngazi: Commands, engine: Engine):
    one, two = fill(engine, ASHA, "GEITA"), fill(engine, JUMA, "TAGA")
    assert ngazi.contacts("merge", ASHA, JUMA, "--yes").exit_code == 0
    assert found(engine, Contact.id) == [(one,)]
    numbers = [
        SEAL.open(sealed, kind, str(one), key_id)
        for _, kind, sealed, key_id in found(engine, Address.id, Address.kind, Address.sealed, Address.key_id)
    ]
    assert numbers == [ASHA, JUMA]
    assert contact_of(engine, JUMA) == one
    with engine.connect() as db:
        for table in Base.metadata.sorted_tables:
            if "contact_id" in table.c:
                owners = set(db.execute(select(table.c.contact_id)).scalars())
                assert owners == {one}, table.name
    assert len(found(engine, Answer.id)) == 4
    assert len(found(engine, Member.group_id)) == 2
    assert events(engine) == [("merge", {"contact": one, "was": two})]


def test_of_two_open_runs_the_newer_stays_open_and_no_answer_is_lost(ngazi: Commands, engine: Engine):
    one, two = made(engine, ASHA), made(engine, JUMA)
    older = a_run(engine, one, [["role", "leader"]], updated_at=NOW)
    newer = a_run(engine, two, [["role", "worker"], ["mineral", "tin"]], updated_at=LATER)
    past = a_run(engine, two, [["role", "other"]], updated_at=NOW, finished_at=NOW)
    other = a_run(engine, two, [["date", "seen"]], dialog="dates")
    assert ngazi.contacts("merge", one, two, "--yes").exit_code == 0
    runs = {id: (contact_id, finished_at) for id, contact_id, finished_at in found(
        engine, Run.id, Run.contact_id, Run.finished_at
    )}  # fmt: skip
    assert runs == {older: (one, NOW), newer: (one, None), past: (one, NOW), other: (one, None)}
    assert len(found(engine, Answer.id)) == 5


def test_what_the_first_one_said_counts_and_gaps_are_filled(ngazi: Commands, engine: Engine):
    one = made(engine, ASHA, role="leader", contact_country="KE", contact_created_at=LATER)
    two = made(engine, JUMA, role="worker", mineral="tin", contact_language="fr", contact_country="TZ",
               contact_consent_at=NOW, contact_seen_at=LATER)  # fmt: skip
    for id, on in ((one, date(2027, 1, 1)), (two, date(2028, 1, 1))):
        add(engine, Due, contact_id=id, name="audit_date", on=on)
    add(engine, Due, contact_id=two, name="permit_end", on=date(2027, 5, 5))
    add(engine, Due, contact_id=two, name="audit_date", on=date(2026, 1, 1), done_at=NOW)
    ngazi.contacts("merge", one, two, "--yes")
    assert fields_of(engine, JUMA) == {"role": "leader", "mineral": "tin"}
    assert found(
        engine, Contact.language, Contact.country, Contact.consent_at, Contact.created_at, Contact.seen_at
    ) == [("fr", "KE", NOW, NOW, LATER)]
    assert found(engine, Due.on, Due.name) == [
        (date(2026, 1, 1), "audit_date"), (date(2027, 1, 1), "audit_date"), (date(2027, 5, 5), "permit_end")
    ]  # fmt: skip


@pytest.mark.parametrize("stopped", ["first", "second"])
def test_a_stop_of_either_wins(ngazi: Commands, engine: Engine, stopped: str):
    one = made(
        engine, ASHA, kept=stopped != "first", contact_stopped_at=NOW if stopped == "first" else None, news="yes"
    )
    two = made(engine, JUMA, kept=stopped != "second", contact_stopped_at=NOW if stopped == "second" else None)
    ngazi.contacts("merge", one, two, "--yes")
    assert found(engine, Contact.id, Contact.stopped_at) == [(one, NOW)]
    assert [sealed for _, sealed in found(engine, Address.id, Address.sealed)] == [None, None]


def test_the_more_careful_word_wins(ngazi: Commands, engine: Engine):
    one = made(engine, ASHA, kept=True, reminders="yes", news="yes", contact_private_phone=True)
    two = made(engine, JUMA, kept=True, reminders="no", news="no", contact_private_phone=False)
    ngazi.contacts("merge", one, two, "--yes")
    assert fields_of(engine, ASHA) == {"reminders": "no", "news": "no"}
    assert found(engine, Contact.private_phone) == [(False,)]
    assert [sealed for _, sealed in found(engine, Address.id, Address.sealed)] == [None, None]


def test_a_message_that_both_were_to_get_goes_once(ngazi: Commands, engine: Engine):
    one, two = made(engine, ASHA, kept=True, news="yes"), made(engine, JUMA, kept=True, news="yes")
    first = a_message(engine, one, f"broadcast:1:{one}")
    twice = a_message(engine, two, f"broadcast:1:{two}")
    alone = a_message(engine, two, f"broadcast:2:{two}")
    reminder = a_message(engine, two, f"audit:1 day before:{two}:2027-03-25", kind="reminder")
    ngazi.contacts("merge", one, two, "--yes")
    rows = {id: (dedupe, status) for id, dedupe, status in found(engine, Message.id, Message.dedupe, Message.status)}
    assert rows == {
        first: (f"broadcast:1:{one}", "queued"),
        twice: (f"broadcast:1:{two}", "refused"),
        alone: (f"broadcast:2:{one}", "queued"),
        reminder: (f"audit:1 day before:{one}:2027-03-25", "queued"),
    }
    with engine.connect() as db:
        assert db.execute(select(Message.error).where(Message.id == twice)).scalar() == merging.JOINED


def test_conversations_by_sms_do_not_collide_and_calls_go_on(ngazi: Commands, engine: Engine):
    one, two = made(engine, ASHA), made(engine, JUMA)
    for id in (one, two):
        add(engine, Session, channel="ke", key=f"sms:{id}", contact_id=id, started_at=NOW)
    add(engine, Session, channel="tz", key=f"sms:{two}", contact_id=two, started_at=NOW)
    add(engine, Session, channel="ke", key="ussd:call", contact_id=two, started_at=NOW)
    ngazi.contacts("merge", one, two, "--yes")
    assert sorted(found(engine, Session.channel, Session.key, Session.contact_id)) == sorted(
        [("ke", f"sms:{one}", one), ("tz", f"sms:{one}", one), ("ke", "ussd:call", one)]
    )


def test_a_saved_phone_number_is_locked_for_its_new_owner(ngazi: Commands, engine: Engine):
    one, two = made(engine, ASHA), made(engine, JUMA)
    sealed = SEAL.seal(CLAIRE, "field", str(two))
    add(engine, Field, contact_id=two, name="helper", value=f"sealed:{SEAL.key_id}:{sealed.hex()}")
    ngazi.contacts("merge", one, two, "--yes")
    _, key_id, written = fields_of(engine, ASHA)["helper"].split(":")
    assert SEAL.open(bytes.fromhex(written), "field", str(one), key_id) == CLAIRE


def test_tallies_stay_and_merging_asks_first(ngazi: Commands, engine: Engine):
    one, two = made(engine, ASHA), made(engine, JUMA)
    add(engine, Tally, dialog="about", step="x", choice="yes", group_id=0, n=7)
    assert ngazi.contacts("merge", one, two, typed="n\n").exit_code == 1
    assert len(found(engine, Contact.id)) == 2
    assert ngazi.contacts("merge", one, two, typed="y\n").exit_code == 0
    assert found(engine, Tally.n) == [(7,)]


def test_who_cannot_be_merged(ngazi: Commands, engine: Engine):
    one = made(engine, ASHA)
    assert "one and the same contact" in ngazi.contacts("merge", one, ASHA, "--yes").output
    assert "Nobody is known" in ngazi.contacts("merge", ASHA, JUMA, "--yes").output
    assert "Nobody is known" in ngazi.contacts("merge", one, one + 1, "--yes").output
    assert (len(found(engine, Contact.id)), events(engine)) == (1, [])


# --- erase, data ---


def test_a_person_is_erased_from_every_table(ngazi: Commands, engine: Engine):
    one, two = fill(engine, ASHA, "GEITA"), fill(engine, JUMA, "TAGA")
    assert ngazi.contacts("erase", ASHA, typed="n\n").exit_code == 1
    assert len(found(engine, Contact.id)) == 2
    result = ngazi.contacts("erase", ASHA, "--yes")
    assert f"Contact {one} is erased." in result.output
    assert "STOP" not in result.output
    with engine.connect() as db:
        for table in Base.metadata.sorted_tables:
            if "contact_id" in table.c:
                assert set(db.execute(select(table.c.contact_id)).scalars()) == {two}, table.name
        assert db.execute(select(Contact.id)).scalars().all() == [two]
    assert len(found(engine, Answer.id)) == 2
    assert events(engine) == [("erase", {"contact": one})]
    assert "Nobody is known" in ngazi.contacts("erase", "--id", one, "--yes").output


def test_after_stop_a_locked_mark_stays_and_the_command_says_so(ngazi: Commands, engine: Engine):
    id = made(engine, ASHA, role="worker", contact_stopped_at=NOW, contact_language="sw")
    result = ngazi.contacts("erase", "--id", id, "--yes")
    assert "A locked mark of the number and the STOP stay" in result.output
    assert found(engine, Contact.id, Contact.stopped_at, Contact.language) == [(id, NOW, "")]
    assert found(engine, Field.name) == []
    assert contact_of(engine, ASHA) == id


def test_a_person_gets_everything_that_is_kept_in_words(ngazi: Commands, engine: Engine):
    id = fill(engine, ASHA, "GEITA")
    add(engine, Field, contact_id=id, name="helper",
        value=f"sealed:{SEAL.key_id}:{SEAL.seal(CLAIRE, 'field', str(id)).hex()}")  # fmt: skip
    add(engine, Address, contact_id=id, kind="tel", key=SEAL.key("tel", JUMA), heard_at=NOW)
    result = ngazi.contacts("data", "--id", id, "--json")
    data = json.loads(result.output)
    assert data["phones"][0]["number"] == ASHA
    assert "kept only as a mark" in data["phones"][1]["number"]
    assert data["saved answers"]["helper"] == CLAIRE
    assert {"question": "What do you do?", "answer": "Work at the site"} in data["dialogs"][0]["answers"]
    assert data["messages"][0]["text"] == "Come to the meeting."
    assert data["messages"][0]["reports"][0]["state"] == "sent"
    assert data["what was agreed to and taken back"][0]["the words"] == "May we?"
    assert (data["dates"][0]["date"], data["groups"][0]["code"]) == ("2027-03-25", "GEITA")
    page = ngazi.contacts("data", ASHA).output
    for words in (ASHA, "question: What comes from your site?", "answer: Gold", "May we?", "GEITA"):
        assert words in page
    assert events(engine) == [("data", {"contact": id})] * 2


def test_every_table_that_holds_something_of_a_person_is_in_their_data(ngazi: Commands, engine: Engine):
    known = {"contact", "address", "field", "due", "group", "member", "consent", "run", "answer", "session"}
    known |= {"message", "report", "link"}
    nobodys = {table.__tablename__ for table in (Tally, Keyring, Event)}
    theirs = {
        table.name
        for table in Base.metadata.sorted_tables
        if table.name == "contact" or "contact_id" in table.c
    }  # fmt: skip
    assert theirs <= known - nobodys  # who adds a table adds it to `data_of`
    made(engine, ASHA)
    empty = json.loads(ngazi.contacts("data", ASHA, "--json").output)
    assert set(empty) == {
        "person", "phones", "saved answers", "dates", "groups", "what was agreed to and taken back", "dialogs",
        "messages", "calls", "codes for a chat",
    }  # fmt: skip


def test_answers_of_dialogs_that_are_gone_are_told_all_the_same(ngazi: Commands, engine: Engine):
    id = made(engine, ASHA)
    a_run(engine, id, [["old", "thing"], ["private", "seen"]], dialog="gone")
    (run,) = json.loads(ngazi.contacts("data", ASHA, "--json").output)["dialogs"]
    assert run["dialog"] == "gone"
    assert run["answers"][0] == {"question": "old", "answer": "thing"}
    assert "not kept" in run["answers"][1]["answer"]


# --- dates and fields by staff ---


def test_a_date_of_a_person_is_set_moved_and_done(ngazi: Commands, engine: Engine):
    id = made(engine, ASHA)
    due = (Due.contact_id, Due.on, Due.was, Due.done_at)
    assert ngazi.contacts("date", ASHA, "audit_date", "2027-03-25").output == "audit_date is 2027-03-25 now.\n"
    assert ngazi.contacts("date", "--id", id, "audit_date", "2027-04-01").exit_code == 0
    assert found(engine, *due) == [(id, date(2027, 4, 1), date(2027, 3, 25), None)]
    assert ngazi.contacts("date", ASHA, "audit_date", "--done").output == "audit_date is done.\n"
    ((next_at, done_at),) = found(engine, Due.next_at, Due.done_at)
    assert (next_at, done_at is None) == (None, False)
    assert "no open date" in ngazi.contacts("date", ASHA, "audit_date", "--done").output
    assert "knows no date" in ngazi.contacts("date", ASHA, "audit", "2027-03-25").output
    assert ngazi.contacts("date", ASHA, "audit_date").exit_code == 2


def test_of_a_date_that_there_are_several_of_each_is_one_more(ngazi: Commands, engine: Engine):
    made(engine, ASHA)
    for day in ("2027-03-25", "2027-04-25", "2027-04-25"):
        assert ngazi.contacts("date", ASHA, "finding_due", day).exit_code == 0
    assert found(engine, Due.on, Due.was) == [(date(2027, 3, 25), None), (date(2027, 4, 25), None)]
    assert ngazi.contacts("date", ASHA, "finding_due", "2027-03-25", "--done").exit_code == 0
    assert [on for on, done in found(engine, Due.on, Due.done_at) if done is None] == [date(2027, 4, 25)]


def test_staff_set_language_time_zone_and_fields(ngazi: Commands, engine: Engine):
    made(engine, ASHA, mineral="tin")
    words = ("language=Kiswahili", "timezone=Africa/Lubumbashi", "mineral=Gold", "village=Geita", "private_phone=no")
    assert ngazi.contacts("set", ASHA, *words).exit_code == 0
    assert found(engine, Contact.language, Contact.timezone, Contact.private_phone) == [
        ("sw", "Africa/Lubumbashi", False)
    ]
    assert fields_of(engine, ASHA) == {"mineral": "gold", "village": "Geita"}
    assert ngazi.contacts("set", ASHA, "village=").exit_code == 0
    assert fields_of(engine, ASHA) == {"mineral": "gold"}
    assert [what for what, _ in events(engine)] == ["set", "set"]


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("mineral=silver", "There are gold, tin, cobalt, other."),
        ("language=xx", "does not speak"),
        ("timezone=Africa/Nairobbi", "Did you mean Africa/Nairobi?"),
        ("audit_date=2027-03-25", "is a date"),
        ("consent=yes", "cannot be set"),
        ("group=GEITA", "ngazi groups join"),
        ("news=yes", "needs --consent"),
        ("mercury_ban=yes", "comes from the country"),
    ],
)
def test_what_staff_cannot_set_is_refused(ngazi: Commands, engine: Engine, word: str, why: str):
    made(engine, ASHA)
    result = ngazi.contacts("set", ASHA, word)
    assert (result.exit_code, why in result.output) == (1, True), result.output
    assert (fields_of(engine, ASHA), events(engine)) == ({}, [])


def test_a_yes_to_messages_by_staff_keeps_the_number_and_a_no_throws_it_away(ngazi: Commands, engine: Engine):
    id = made(engine, ASHA)
    told = ngazi.contacts("set", "--id", id, "news=yes", "--consent", "asked at the meeting")
    assert "No number is kept" in told.output
    assert "No number" not in ngazi.contacts("set", ASHA, "news=yes", "--consent", "asked at the meeting").output
    ((_, sealed, key_id),) = found(engine, Address.id, Address.sealed, Address.key_id)
    assert SEAL.open(sealed, "tel", str(id), key_id) == ASHA
    assert ngazi.contacts("set", "--id", id, "news=no").exit_code == 0
    assert found(engine, Address.id, Address.sealed)[0][1] is None
    ledger = [row[1:] for row in found(engine, Consent.id, Consent.what, Consent.yes, Consent.how, Consent.wording)]
    assert ledger == [("news", True, "staff", "asked at the meeting")] * 2 + [("news", False, "staff", "")]


def test_who_said_stop_is_not_brought_back_by_staff(ngazi: Commands, engine: Engine):
    made(engine, ASHA, contact_stopped_at=NOW)
    for word in ("news=yes", "language=sw"):
        result = ngazi.contacts("set", ASHA, word, "--consent", "they said so")
        assert (result.exit_code, "This person said STOP." in result.output) == (1, True)
    assert fields_of(engine, ASHA) == {}


def test_a_contact_heard_only_by_whatsapp_is_found_by_its_number(ngazi: Commands, engine: Engine):
    id = made(engine, ASHA, kind="whatsapp", kept=True)
    assert json.loads(ngazi.contacts("find", ASHA, "--json").output)["id"] == id
    with engine.connect() as db:
        assert store.past_runs(db, id) == {}
