"""What holds of two people who are one from then on: the phone's word, and every answer of both."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Engine, event, func, insert, select, update

from dialogs import merging, talk
from dialogs.database import open_engine
from dialogs.engine import filled
from dialogs.inbound import Inbound
from dialogs.tables import Address, Answer, Contact, Due, Field, Group, Link, Member, Run
from tests.chats import (
    DONE,
    MENU,
    NUMBERS,
    WRITE,
    WRONG,
    Chat,
    chat,
    code_on,
    contact_of,
    phone,
    rows,
    run_of,
    take_in_one_list,
    two_processes,
)
from tests.phones import START, AtPhone

__all__ = ["chat", "phone"]  # fixtures


# --- what holds ---


def test_what_the_phone_said_holds_and_gaps_are_filled(phone, chat, site):
    one, two = contact_of(site, phone.number), contact_of(site, chat.address)
    with site.database() as db:
        db.execute(update(Contact).where(Contact.id == two).values(private_phone=True, country="KE"))
        for id, name, value in ((one, "role", "leader"), (two, "role", "worker"), (two, "mineral", "tin"),
                                (one, "news", "no"), (two, "news", "yes")):  # fmt: skip
            db.execute(insert(Field).values(contact_id=id, name=name, value=value))
        for id, on in ((one, 1), (two, 1), (two, 2)):
            db.execute(insert(Due).values(contact_id=id, name="finding_due", on=date(2027, 1, on)))
        group = db.execute(insert(Group).values(code="U", name="Umoja").returning(Group.id)).scalar_one()
        db.execute(insert(Member).values(group_id=group, contact_id=two))
        sealed = site.house.seal.seal(chat.address[5:], "chat", str(two))
        here = update(Address).where(Address.contact_id == two)
        db.execute(here.values(sealed=sealed, key_id=site.house.seal.key_id))
        agreed = db.execute(select(Contact.consent_at).where(Contact.id == one)).scalar_one()
    chat.to_code()
    assert chat.say(code_on(phone)).startswith(DONE)
    assert sorted(rows(site, Field.name, Field.value)) == [("mineral", "tin"), ("news", "no"), ("role", "leader")]
    assert rows(site, Due.on) == [(date(2027, 1, 1),), (date(2027, 1, 2),)]
    assert rows(site, Member.contact_id) == [(one,)]
    assert rows(site, Contact.id, Contact.private_phone, Contact.consent_at) == [(one, None, agreed)]
    assert [sealed for _, sealed in rows(site, Address.id, Address.sealed)] == [None, None]


def test_a_phone_with_stop_says_so_once_and_then_the_chat_is_silent_too(phone, chat, site):
    code = code_on(phone)
    phone.text("STOP")
    chat.to_code()
    assert "you said STOP, so we are silent here too" in chat.say(code)
    assert chat.say("MENU") == ""
    assert chat.say("START").startswith("You are back") or MENU in chat.say("MENU")
    assert rows(site, Contact.stopped_at) == [(None,)]


def test_a_chat_that_has_more_answers_gives_them_and_the_newer_ones_count(phone, chat, site):
    phone.play("1", "1", "1", "1", "1")  # what do you do: leader
    chat.say("1", "1", "1", "2", "2", "1")  # worker, tin, and one more
    phones, chats = "leader", "worker"
    code = code_on(phone)
    before = len(rows(site, Answer.id))
    chat.to_code()
    assert chat.say(code).startswith(DONE)
    answers = run_of(site, "starter")
    given = {step: choice for step, choice in answers if choice != "seen"}
    assert (given["role"], given["mineral"]) == (chats, "tin")
    assert len(given) == 3
    assert len(rows(site, Answer.id)) == before
    assert {choice for _, step, choice in rows(site, Answer.id, Answer.step, Answer.choice) if step == "role"} == {
        phones,
        chats,
    }
    assert len([dialog for _, dialog in rows(site, Run.id, Run.dialog) if dialog == "starter"]) == 1


def test_the_older_answers_of_the_chat_fill_what_the_phone_has_not_answered_yet(phone, chat, site):
    chat.say("1", "1", "1", "2", "2")
    site.clock.wait(minutes=5)
    phone.play("1", "1", "1", "1", "1")
    code = code_on(phone)
    chat.to_code()
    chat.say(code)
    given = {step: choice for step, choice in run_of(site, "starter") if choice != "seen"}
    assert given == {"role": "leader", "mineral": "tin"}


def test_finished_runs_of_both_stay(phone, chat, site):
    with site.database() as db:
        for address in (phone.number, chat.address):
            kind, _, value = address.rpartition(":")
            key = site.house.seal.key(kind or "tel", value)
            id = db.execute(select(Address.contact_id).where(Address.key == key)).scalar_one()
            values = {"contact_id": id, "dialog": "costs", "answers": "[]", "started_at": START, "updated_at": START}
            db.execute(insert(Run).values(**values, finished_at=START))
    chat.to_code()
    chat.say(code_on(phone))
    assert [dialog for _, dialog in rows(site, Run.id, Run.dialog)].count("costs") == 2


def test_what_was_never_kept_is_not_in_what_is_linked(phone, chat, site):
    """Private questions leave `seen`, and nothing else, on both sides and after."""
    for _ in range(2):
        chat.say("1", "1", "1", "2", "2")
    for step in range(12):
        phone.dial() if step == 0 else phone.type("1")
    chat.to_code()
    chat.say(code_on(phone))
    content = site.house.keeper.content
    private = {
        (dialog.id, step.id) for dialog in content.dialogs.values() for step in dialog.steps if step.keep != "yes"
    }
    for dialog, answers in rows(site, Run.dialog, Run.answers):
        assert all(choice in ("seen", "counted") for step, choice in json.loads(answers) if (dialog, step) in private)
    with site.database() as db:
        kept = db.execute(select(Run.dialog, Answer.step).join(Run)).all()
    assert not {tuple(row) for row in kept} & private


# --- again, and away ---


def test_linking_twice_is_said_to_be_done_and_changes_nothing(phone, chat, site):
    chat.to_code()
    chat.say(code_on(phone))
    before = rows(site, Address.id, Address.contact_id)
    code = code_on(phone)
    assert chat.to_code().startswith(WRITE)
    assert chat.say(code).startswith(DONE)
    assert rows(site, Address.id, Address.contact_id) == before
    assert rows(site, Link.code) == []


def test_a_chat_that_goes_to_another_phone_leaves_the_first_one_all_it_has(phone, chat, site):
    phone.play("1", "1", "1", "1", "1")
    chat.to_code()
    chat.say(code_on(phone))
    other = site.phone()
    other.join()
    chat.to_code()
    assert chat.say(code_on(other)).startswith(DONE)
    assert contact_of(site, chat.address) == contact_of(site, other.number) != contact_of(site, phone.number)
    assert phone.dial().text.startswith("You stopped in")
    assert other.dial().text.startswith(MENU)


def test_what_is_kept_tells_that_a_chat_is_linked(phone, chat, site):
    """Who shares the phone may have linked a chat of their own."""
    assert "linked" not in phone.pick("See what is kept", phone.pick("My data", phone.dial())).text
    chat.to_code()
    chat.say(code_on(phone))
    for said in (chat.pick(chat.pick(chat.say("MENU"), "My data"), "See what is kept"),
                 phone.pick("See what is kept", phone.pick("My data", phone.dial())).text):  # fmt: skip
        assert "A phone and a chat are linked." in said


def test_two_chats_of_one_phone_share_one_place(phone, chat, site):
    other = Chat(site)
    other.join()
    for each in (chat, other):
        each.to_code()
        assert each.say(code_on(phone)).startswith(DONE)
    assert {contact_of(site, each.address) for each in (chat, other)} == {contact_of(site, phone.number)}
    chat.say("MENU", "1")
    assert other.say("1")


def test_delete_all_in_the_chat_erases_the_phone_too(phone, chat, site):
    chat.to_code()
    chat.say(code_on(phone))
    code_on(phone)
    chat.pick(chat.pick(chat.say("MENU"), "My data"), "Delete all")
    chat.say("1")
    assert rows(site, Contact.id) == []
    assert rows(site, Link.code) == []
    assert rows(site, Address.id) == []


def test_delete_all_on_the_phone_makes_its_code_void(phone, chat, site):
    code = code_on(phone)
    phone.pick("Delete all", phone.type("1"))
    phone.type("1")
    chat.to_code()
    assert chat.say(code).startswith(WRONG)


# --- at once ---


def test_of_two_that_type_a_code_at_once_one_is_linked(phone, site):
    code, chats = code_on(phone), [Chat(site) for _ in range(4)]
    for each in chats:
        each.join()
        each.to_code()
    with ThreadPoolExecutor(5) as pool:
        typing = [pool.submit(each.say, code) for each in chats]
        calling = pool.submit(phone.dial)
        replies = sorted(each.result() for each in typing)
    assert calling.result().text
    assert [reply.startswith(DONE) for reply in replies].count(True) == 1
    assert [reply.startswith(WRONG) for reply in replies].count(True) == 3
    assert len(rows(site, Contact.id)) == 4


@pytest.mark.postgres
def test_a_call_in_another_process_goes_on_while_the_chat_is_linked(keeper, postgres, tmp_path):
    with two_processes(keeper, postgres, tmp_path) as (first, second):
        for _ in range(6):
            phone, chat = AtPhone(second, f"+2557129{next(NUMBERS):05}"), Chat(first)
            chat.join()
            phone.join()
            code = code_on(phone)
            chat.to_code()
            phone.dial()
            with ThreadPoolExecutor(2) as pool:
                typing = pool.submit(chat.say, code)
                calling = pool.submit(phone.play, "1", "1", "1", "1", "1")
                assert typing.result().startswith(DONE)
                last = calling.result().text
            assert contact_of(first, chat.address) == contact_of(first, phone.number)
            assert "What comes from your site?" in last
            chat.say("MENU", "1")
            assert chat.say("1").startswith("What comes from your site?")


def test_a_list_with_the_phone_in_it_is_taken_one_by_one(phone, chat, site):
    """Both are one person from then on: what the phone did in the same list is not written over."""
    code = code_on(phone)
    chat.to_code()
    inbounds = [
        Inbound("chat", "bot", chat.address, code, "", ""),
        Inbound("ke", "ussd", phone.number, "", "new call", "", True),
    ]

    with pytest.raises(talk.Spoiled):
        take_in_one_list(site, inbounds)
    assert len(rows(site, Contact.id)) == 2
    assert len(rows(site, Link.code)) == 1


def test_a_failure_in_the_middle_leaves_two_people_and_the_code(phone, chat, site):
    code = code_on(phone)
    chat.to_code()
    fails = []

    def fail(db: Any, cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("DELETE FROM contact"):
            fails.append(statement)
            raise RuntimeError("the power is gone")

    event.listen(site.house.engine, "before_cursor_execute", fail)
    try:
        assert chat.say(code).startswith("Sorry, something went wrong")
    finally:
        event.remove(site.house.engine, "before_cursor_execute", fail)
    assert fails
    assert len(rows(site, Contact.id)) == 2
    assert chat.say(code).startswith(DONE)


# --- the parts ---


def test_gaps_are_filled_and_marks_of_counting_go_in_once():
    mine = [("a", "yes"), ("p", "seen"), ("c", "counted"), ("c", "seen")]
    theirs = [("old", "no"), ("b", "no"), ("b", "yes"), ("c", "counted"), ("c", "seen"), ("d", "counted")]
    assert filled({"old": "a"}, mine, theirs) == [*mine, ("b", "no"), ("b", "yes"), ("d", "counted")]
    assert filled({}, [], theirs) == theirs


def test_a_contact_that_is_gone_is_not_linked(database_url: str):
    engine: Engine = open_engine(database_url)
    with engine.begin() as db:
        one = db.execute(insert(Contact).values(created_at=START, seen_at=START).returning(Contact.id)).scalar_one()
        with pytest.raises(merging.NotThere):
            merging.lock(db, one, one + 1)
        assert db.execute(select(func.count()).select_from(Contact)).scalar() == 1
    engine.dispose()
