"""A phone ends its links: every chat starts anew and sees nothing of the phone, and the phone keeps all it has."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from time import sleep

import pytest
from sqlalchemy import Connection, select, update

from dialogs import merging, saving, store, talk
from dialogs.inbound import Inbound
from dialogs.store import Person
from dialogs.tables import Address, Answer, Contact, Field, Link, Run, Session
from gateway.tables import Message
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
    take_in_one_list,
    two_processes,
)
from tests.phones import AtPhone, Site

__all__ = ["chat", "phone"]  # fixtures
WELCOME = "Choose your language"
ASKED = "End all links? The chats start anew and see nothing of this phone."
ENDED = "Done. The chats start anew and see nothing of this phone."


@pytest.fixture
def linked(phone: AtPhone, chat: Chat) -> AtPhone:
    """The phone, once the chat is linked to it."""
    chat.to_code()
    assert chat.say(code_on(phone)).startswith(DONE)
    return phone


def to_question(phone: AtPhone) -> None:
    """To the question whether all links are to end."""
    screen = phone.dial()
    if not screen.text.startswith(MENU):
        screen = phone.pick("Menu", screen)
    screen = phone.pick("Link a chat", phone.pick("My data", screen))
    screen = phone.pick("End all links", screen)
    assert screen.text.startswith(ASKED)


def end_links(phone: AtPhone) -> None:
    to_question(phone)
    assert phone.type("1").text.startswith(ENDED)


# --- the way ---


def test_a_phone_is_asked_only_where_a_chat_is_linked_and_a_chat_never(phone, chat):
    assert phone.pick("Link a chat", phone.pick("My data", phone.dial())).text.startswith("Your code: ")
    chat.to_code()
    assert chat.say(code_on(phone)).startswith(DONE)
    asked = phone.pick("Link a chat", phone.pick("My data", phone.dial())).text
    assert asked.startswith("Link a chat\n1. Show a code\n2. End all links\n0. ")
    assert phone.type("0").text.startswith("Your data.")
    assert chat.to_code().startswith(WRITE)


def test_the_chat_starts_anew_and_the_phone_keeps_all(linked, chat, site):
    linked.dial()
    linked.play("1", "1", "1", "1")  # what do you do?
    chat.say("MENU", "1", "1", "1")  # it goes on where the phone is: what comes from your site?
    before = rows(site, Answer.id), rows(site, Field.name, Field.value)
    end_links(linked)
    assert linked.type("1").text.startswith("Your data.")
    assert (rows(site, Answer.id), rows(site, Field.name, Field.value)) == before
    assert len(before[0]) > 1
    assert before[1]
    assert [key for _, key in rows(site, Session.id, Session.key) if key.startswith("bot:")] == []
    assert chat.say("MENU").startswith(WELCOME)
    assert chat.say("1", "1", "1").startswith(MENU)
    own = contact_of(site, chat.address)
    assert own != contact_of(site, linked.number)
    assert [row for row in rows(site, Run.contact_id, Run.dialog) if row == (own, "starter")] == []
    assert "linked" not in linked.pick("See what is kept", linked.again()).text
    chat.pick(chat.pick(chat.say("MENU"), "My data"), "Delete all")
    chat.say("1")
    linked.dial()
    assert linked.play("1", "1").text.startswith("Is the work place checked")


def test_no_changes_nothing(linked, chat, site):
    to_question(linked)
    assert linked.type("2").text.startswith("Your data.")
    assert contact_of(site, chat.address) == contact_of(site, linked.number)
    assert chat.say("MENU").startswith(MENU)


def test_after_the_end_the_phone_shows_a_code_at_once_and_the_chat_can_be_linked_again(linked, chat, site):
    end_links(linked)
    assert linked.pick("Link a chat", linked.type("1")).text.startswith("Your code: ")
    chat.join()
    chat.to_code()
    assert chat.say(code_on(linked)).startswith(DONE)
    assert contact_of(site, chat.address) == contact_of(site, linked.number)


def test_a_code_that_is_out_dies_with_the_links(linked, site):
    code = code_on(linked)
    end_links(linked)
    assert rows(site, Link.code) == []
    other = Chat(site)
    other.join()
    other.to_code()
    assert other.say(code).startswith(WRONG)


def test_whatsapp_is_a_chat_and_a_reply_that_waits_for_it_is_not_sent(phone, site):
    chat = Chat(site, "whatsapp:+255621234567")
    chat.join()
    chat.to_code()
    assert chat.say(code_on(phone)).startswith(DONE)
    messages = chat.pick(chat.pick(chat.say("MENU"), "My data"), "Messages")
    chat.pick(chat.pick(messages, "Reminders"), "Yes")
    assert [kind for kind, sealed in rows(site, Address.kind, Address.sealed) if sealed] == ["whatsapp"]
    end_links(phone)
    assert [kind for (kind,) in rows(site, Address.kind)] == ["tel"]
    with site.database() as db:
        left = db.execute(select(Message.__table__).where(Message.error == merging.PARTED)).all()
        own = Message.contact_id.is_not(None)  # a reply of a dialog without trace is nobody's
        waiting = db.execute(select(Message.id).where(Message.status == "queued", own)).all()
    assert left
    assert not waiting
    assert {(row.status, row.text, row.to_sealed, row.about) for row in left} == {("refused", None, None, None)}
    assert chat.say("MENU").startswith(WELCOME)


def test_a_phone_of_the_same_person_is_never_taken_away(linked, site):
    other = site.phone()
    other.join()
    one = contact_of(site, linked.number)
    with site.database() as db:
        here = Address.key == site.house.seal.key("tel", other.number)
        db.execute(update(Address).where(here).values(contact_id=one))
    end_links(linked)
    assert contact_of(site, other.number) == contact_of(site, linked.number)


def test_a_stop_holds_in_each_chat_until_it_says_start(linked, chat, site):
    other = Chat(site)
    other.join()
    other.to_code()
    assert other.say(code_on(linked)).startswith(DONE)
    chat.say("STOP")
    end_links(linked)
    assert len({contact_of(site, address) for address in (linked.number, chat.address, other.address)}) == 3
    for each in (chat, other):
        assert each.say("MENU") == ""
        assert WELCOME in each.say("START")
    assert [at for _, at in rows(site, Contact.id, Contact.stopped_at)].count(None) == 2


# --- at once ---


def test_a_list_with_the_chat_in_it_is_taken_one_by_one(linked, chat, site):
    """What the chat said in the same list is somebody else's, not written to the phone's contact."""
    to_question(linked)
    inbounds = [
        Inbound("ke", "ussd", linked.number, f"{linked.typed}*1", linked.session, "", True),
        Inbound("chat", "bot", chat.address, "MENU", "", ""),
    ]

    with pytest.raises(talk.Spoiled):
        take_in_one_list(site, inbounds)
    assert contact_of(site, chat.address) == contact_of(site, linked.number)


def meet(db: Connection, site: Site, address: str) -> Person:
    house, inbound = site.house.now(), Inbound("chat", "bot", address, "1", "", "")
    return store.meet(db, [inbound], house.seal, site.clock(), house.country_of)[address]


@pytest.mark.postgres
@pytest.mark.parametrize("stopped", [False, True])
def test_who_waited_for_the_phone_to_end_its_links_looks_again_and_is_somebody_new(keeper, postgres, tmp_path, stopped):
    site = Site(postgres.fresh_database(), tmp_path, keeper)

    def meet_chat() -> int:
        with site.database() as db:
            return meet(db, site, guest.address).id

    try:
        phone, guest = site.phone(), Chat(site)
        phone.join()
        guest.join()
        guest.to_code()
        assert guest.say(code_on(phone)).startswith(DONE)
        if stopped:
            phone.text("STOP")
        with ThreadPoolExecutor(1) as pool:
            with site.database() as db:
                person = meet(db, site, phone.number)
                waiting = pool.submit(meet_chat)  # it has the chat's contact, and waits for its lock
                sleep(0.5)
                assert not waiting.done()
                person.unlinks = True
                saving.save(db, [person], site.house.seal, site.clock(), "")
            with pytest.raises(store.Vanished):
                waiting.result()
        assert meet_chat() != person.id
    finally:
        site.stop()


@pytest.mark.postgres
def test_what_a_chat_answers_in_another_process_meanwhile_is_the_phones_or_its_own(keeper, postgres, tmp_path):
    with two_processes(keeper, postgres, tmp_path) as (first, second):
        for round in range(6):
            phone, chat = AtPhone(second, f"+2557139{next(NUMBERS):05}"), Chat(first)
            phone.join()
            chat.join()
            chat.to_code()
            assert chat.say(code_on(phone)).startswith(DONE)
            chat.say("MENU", "1", "1", "1")  # what do you do?
            to_question(phone)
            if round % 2:
                for each in (first, second):
                    each.clock.wait(hours=2)  # then the address of the chat is written too
            with ThreadPoolExecutor(2) as pool:
                answering = pool.submit(chat.say, "2")
                ending = pool.submit(phone.type, "1")
                said = answering.result()
                assert ending.result().text.startswith(ENDED)
            one = contact_of(first, phone.number)
            with first.database() as db:
                kept = db.execute(select(Answer.choice).join(Run).where(Run.contact_id == one, Answer.step == "role"))
                answers = kept.scalars().all()
            assert answers == ([] if said.startswith(WELCOME) else ["worker"])
            assert said.startswith((WELCOME, "What comes from your site?"))
            assert WELCOME in chat.say("hello")
            assert contact_of(first, chat.address) != one


def test_a_contact_without_chats_has_nothing_to_part_from(phone, site):
    one = contact_of(site, phone.number)
    with site.database() as db:
        merging.part(db, one, 0, site.clock())
    assert contact_of(site, phone.number) == one
