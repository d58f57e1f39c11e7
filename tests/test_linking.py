"""A chat and a phone become one person's, by a code that the phone shows; who guesses gets nowhere."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import insert, select, update

from dialogs import linking, sweep
from dialogs.seal import Seal
from dialogs.tables import Base, Contact, Guess, Link
from gateway.tables import Message
from tests.chats import (
    DONE,
    LATER,
    MENU,
    WRITE,
    WRONG,
    Chat,
    chat,
    code_on,
    contact_of,
    other_code,
    phone,
    rows,
    run_of,
)
from tests.phones import START

__all__ = ["chat", "phone"]  # fixtures
SEAL = Seal("x" * 40)


# --- the way ---


def test_a_chat_goes_on_where_the_phone_stopped_and_the_phone_where_the_chat_stopped(phone, chat, site):
    phone.play("1", "1", "1", "1", "1")
    where = phone.again().text
    assert "What comes from your site?" in where
    code = code_on(phone)
    assert chat.to_code().startswith(WRITE)
    assert chat.say(code).startswith(DONE)
    assert contact_of(site, chat.address) == contact_of(site, phone.number)
    assert len(rows(site, Contact.id)) == 1
    chat.say("MENU", "1")
    assert chat.say("1").startswith("What comes from your site?")
    there = chat.say("1")
    phone.dial()
    assert phone.type("1").text.partition("\n")[0] in there
    assert ["mineral", "gold"] in run_of(site, "starter")


def test_the_language_of_the_phone_is_spoken_from_then_on(site):
    phone, chat = site.phone(), Chat(site)
    phone.join("English")
    chat.pick(chat.say("hello"), "Français")
    screen = chat.say("1", "1")
    assert chat.pick(chat.pick(screen, "Mes données"), "Relier un tchat").startswith("Écrivez le code")
    assert chat.say(code_on(phone)).startswith(DONE)
    assert rows(site, Contact.language) == [("en",)]


@pytest.mark.parametrize("typed", [" {0} {1} ", "{0}-{1}", "{0}\u00a0{1}", "{0}{1}."])
def test_a_code_is_known_however_it_is_typed(phone, chat, typed):
    code = code_on(phone)
    chat.to_code()
    assert chat.say(typed.format(code[:3], code[3:])).startswith(DONE)


def test_by_sms_the_code_is_sent_to_the_phone_and_whatsapp_is_a_chat(phone, site):
    phone.text("MENU")
    (key,) = re.findall(r"(?m)^(\d+)\. Link a chat$", phone.text("13").text)
    (code,) = re.findall(r"Your code: (\d{6})", phone.text(key).text)
    chat = Chat(site, "whatsapp:+255621234567")
    chat.join()
    assert chat.to_code().startswith(WRITE)
    assert chat.say(code).startswith(DONE)
    assert contact_of(site, chat.address) == contact_of(site, phone.number)
    with site.database() as db:
        db.execute(update(Message).values(text=None, to_sealed=None).where(Message.text.contains(code)))
    assert phone.dial().text.startswith(MENU)


# --- the code ---


def test_a_code_works_once(phone, chat, site):
    code = code_on(phone)
    chat.to_code()
    assert chat.say(code).startswith(DONE)
    other = Chat(site)
    other.join()
    other.to_code()
    assert other.say(code).startswith(WRONG)
    assert contact_of(site, other.address) != contact_of(site, phone.number)


def test_a_code_holds_fifteen_minutes(phone, chat, site):
    code = code_on(phone)
    chat.to_code()
    site.clock.wait(minutes=15)
    assert chat.say(code).startswith(WRONG)
    assert len(rows(site, Contact.id)) == 2


def test_a_new_code_makes_the_old_one_void_and_a_repeat_shows_the_same(phone, chat, site):
    first = code_on(phone)
    assert first in phone.again().text
    assert len(rows(site, Link.code)) == 1
    second = code_on(phone)
    assert second != first
    assert len(rows(site, Link.code)) == 1
    chat.to_code()
    assert chat.say(first).startswith(WRONG)
    assert chat.say(second).startswith(DONE)


def test_leaving_the_screen_makes_no_code(phone, site):
    code_on(phone)
    before = rows(site, Link.code)
    assert phone.type("1").text.startswith("Your data.")
    assert rows(site, Link.code) == before


def test_a_code_stands_nowhere_in_the_database(phone, chat, site):
    codes = [code_on(phone)]
    chat.to_code()
    chat.say(other_code(codes[0]), codes[0])
    codes.append(code_on(phone))
    with site.database() as db:
        kept = [str(tuple(row)) for table in Base.metadata.sorted_tables for row in db.execute(select(table))]
    assert not any(re.search(rf"(?<!\d){code}(?!\d)", row) for row in kept for code in codes)


def test_words_in_place_of_a_code_are_no_guess(phone, chat, site):
    chat.to_code()
    for text in ("where is my code", "12345", "1234567", "*"):
        assert chat.say(text)
    assert rows(site, Guess.id) == []


# --- guessing ---


def test_the_sixth_code_is_not_looked_at_though_it_is_right(phone, chat, site):
    code = code_on(phone)
    for _ in range(5):
        chat.to_code()
        assert chat.say(other_code(code)).startswith(WRONG)
    chat.to_code()
    assert chat.say(code).startswith(LATER)
    assert len(rows(site, Contact.id)) == 2
    site.clock.wait(minutes=61)
    code = code_on(phone)
    chat.to_code()
    assert chat.say(code).startswith(DONE)


def test_who_deletes_all_to_guess_on_is_counted_all_the_same(phone, chat, site):
    code = code_on(phone)
    for _ in range(5):
        chat.to_code()
        chat.say(other_code(code))
    chat.pick(chat.pick(chat.say("MENU"), "My data"), "Delete all")
    assert "deleted" in chat.say("1")
    chat.join()
    chat.to_code()
    assert chat.say(code).startswith(LATER)


def test_many_guessers_share_twenty_guesses(phone, site):
    code = code_on(phone)
    guessers = []
    for _ in range(5):
        guessers.append(Chat(site))
        guessers[-1].join()
    for guesser in guessers[:4]:
        for _ in range(5):
            guesser.to_code()
            assert guesser.say(other_code(code)).startswith(WRONG)
    guessers[4].to_code()
    assert guessers[4].say(code).startswith(LATER)
    site.clock.wait(minutes=16)
    code = code_on(phone)
    guessers[4].to_code()
    assert guessers[4].say(code).startswith(DONE)


def test_nobody_is_told_whose_code_it_was_and_without_consent_there_is_no_code(site):
    chat = Chat(site)
    chat.say("hello")
    assert WRITE not in chat.say("123456")
    assert rows(site, Guess.id) == []


def test_for_a_phone_every_code_is_none(site):
    with site.database() as db:
        one = db.execute(insert(Contact).values(created_at=START, seen_at=START).returning(Contact.id)).scalar_one()
        nonce = linking.new_code(db, SEAL, one, START, bytes)
        code = linking.code_of(SEAL, one, nonce)
        assert linking.use_code(db, SEAL, "+255700000009", code, START) is None
        assert linking.use_code(db, SEAL, "chat:x", code, START) == one


def test_codes_of_two_people_are_never_the_same(site):
    draws = iter([b"a" * 9, b"a" * 9, b"b" * 9])
    with site.database() as db:
        ids = [
            db.execute(insert(Contact).values(created_at=START, seen_at=START).returning(Contact.id)).scalar_one()
            for _ in range(2)
        ]
        # Two people have the same code by chance once in a million; so the first one's mark is given to the second.
        first = linking.new_code(db, SEAL, ids[0], START, lambda size: next(draws))
        clash = SEAL.key("link", linking.code_of(SEAL, ids[1], first))
        db.execute(update(Link).values(code=clash))
        linking.new_code(db, SEAL, ids[1], START, lambda size: next(draws))
        marks = db.execute(select(Link.code)).scalars().all()
        assert len(set(marks)) == 2
        assert clash in marks


def test_digits_of_any_script_are_read():
    assert linking.digits_of("١٢٣ ٤٥٦") == "123456"
    assert linking.digits_of("12 34 56") == "123456"
    assert [linking.digits_of(text) for text in ("", "12345", "a123456", "1234567", "½23456")] == [""] * 5


def test_old_codes_and_guesses_go_with_time(phone, chat, site):
    chat.to_code()
    chat.say(other_code(code_on(phone)))
    with site.database() as db:
        assert sweep.sweep(db, site.clock.now, 90) == 0
        assert sweep.sweep(db, site.clock.now + timedelta(hours=2), 90) == 2
    assert rows(site, Link.code) + rows(site, Guess.id) == []
