"""What a person agreed to and took back is written down with the words they read; and STOP holds."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import insert, select

from dialogs.tables import Address, Consent, Contact, Due, Field, Group, Member
from gateway.tables import Message
from tests.phones import START, AtPhone, Site

CONSENT = "We keep your number, locked, and some answers. Your phone company sees that you use this line. Agree?"
REMINDERS = "May we send you reminders by SMS? At most one a day. STOP ends them."
NEWS = "May your group send you news by SMS? At most one message a day. STOP ends them."


@pytest.fixture
def phone(site: Site) -> AtPhone:
    """A phone whose owner has agreed, in English."""
    found = site.phone()
    found.join()
    return found


def ledger(site: Site) -> list[tuple[Any, ...]]:
    """What was said, oldest first: what, yes, how, wording."""
    with site.database() as db:
        found = db.execute(select(Consent.what, Consent.yes, Consent.how, Consent.wording).order_by(Consent.id))
        return [tuple(row) for row in found]


def sealed(site: Site) -> bool:
    """True while a number is kept to send to."""
    with site.database() as db:
        return any(value is not None for value in db.execute(select(Address.sealed)).scalars())


def stopped(site: Site) -> bool:
    """True while somebody's STOP holds."""
    with site.database() as db:
        return any(value is not None for value in db.execute(select(Contact.stopped_at)).scalars())


def messages(phone: AtPhone, *keys: str) -> str:
    """Dial, go to My data, Messages, and on by these keys."""
    phone.dial()
    return phone.play("9", "6", "3", *keys).text


# --- the ledger ---


def test_consent_is_written_down_with_the_question_as_it_was_read(phone, site, keeper):
    assert ledger(site) == [("consent", True, "ussd", CONSENT)]
    with site.database() as db:
        ((revision, at),) = db.execute(select(Consent.revision, Consent.at)).all()
    assert revision == keeper.content.revision
    assert START < at <= site.clock.now


def test_the_wording_is_that_of_the_language_it_was_read_in(site):
    site.phone().join("Kiswahili")
    ((_, _, _, wording),) = ledger(site)
    assert wording.startswith("Tunahifadhi")


def test_an_answer_that_is_said_again_unchanged_is_written_down_again(phone, site):
    for key in ("1", "1", "2"):
        messages(phone, "1", key)
    assert ledger(site)[1:] == [
        ("reminders", True, "ussd", REMINDERS),
        ("reminders", True, "ussd", REMINDERS),
        ("reminders", False, "ussd", REMINDERS),
    ]


def test_a_repeated_callback_writes_nothing_down_twice(phone, site):
    messages(phone, "3", "1")
    phone.again()
    phone.again()
    assert ledger(site)[1:] == [("news", True, "ussd", NEWS)]


def test_each_kind_of_reminder_and_the_channel_are_told_apart(phone, site):
    messages(phone, "2", "1", "2")
    phone.text("MENU")
    for text in ("13", "3", "2", "2"):
        phone.text(text)
    assert [row[:3] for row in ledger(site)[1:]] == [
        ("audit_reminders", True, "ussd"),
        ("permit_reminders", False, "ussd"),
        ("audit_reminders", False, "sms"),
    ]


def test_other_answers_and_private_ones_never_get_into_the_ledger(phone, site):
    phone.play("1", "1", "1", "1", "1", "1", "1", "1", "1")
    assert [row[0] for row in ledger(site)] == ["consent"]


def test_stop_and_start_are_written_down_with_the_words_that_were_sent_back(phone, site):
    first = phone.text("STOP").text
    phone.text("STOP")
    welcome = phone.text("START").text.split("\n")[0]
    assert ledger(site)[1:] == [
        ("all", False, "sms", first),
        ("all", False, "sms", ""),  # said again, and nothing was sent to it
        ("all", True, "sms", welcome),
    ]


def test_start_of_somebody_who_never_stopped_is_nothing_to_write_down(phone, site):
    phone.text("START")
    assert [row[0] for row in ledger(site)] == ["consent"]


# --- news and reminders apart ---


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ((("reminders", "yes"),), True),
        ((("news", "yes"),), True),
        ((("reminders", "yes"), ("news", "yes"), ("reminders", "no")), True),
        ((("reminders", "yes"), ("news", "yes"), ("news", "no")), True),
        ((("reminders", "yes"), ("news", "yes"), ("news", "no"), ("reminders", "no")), False),
        ((("news", "no"),), False),
        ((("reminders", "yes"), ("reminders", "no")), False),
    ],
)
def test_the_number_is_kept_while_reminders_or_news_are_wanted_and_no_longer(phone, site, said, kept):
    for name, answer in said:
        messages(phone, {"reminders": "1", "news": "3"}[name], {"yes": "1", "no": "2"}[answer])
    assert sealed(site) is kept


@pytest.mark.parametrize("keys", [("1", "1"), ("3", "1")])
def test_after_stop_and_start_the_number_is_kept_again_for_who_wanted_messages(phone, site, keys):
    messages(phone, *keys)
    phone.text("STOP")
    assert not sealed(site)
    phone.text("START")
    assert sealed(site)


@pytest.mark.parametrize("keys", [(), ("1", "2"), ("3", "2"), ("2", "1", "1", "1", "1")])
def test_after_stop_and_start_no_number_is_kept_of_who_wanted_none(phone, site, keys):
    messages(phone, *keys)
    phone.text("STOP")
    phone.text("START")
    assert (sealed(site), stopped(site)) == (False, False)


# --- STOP holds ---


@pytest.mark.parametrize(("language", "word"), [("English", "STOP"), ("Francais", "arret"), ("Kiswahili", "Acha")])
def test_stop_in_the_middle_of_a_call_is_confirmed_once_and_start_comes_back(site, language, word):
    phone = site.phone()
    phone.join(language)
    phone.play("1", "1")
    said = phone.type(word)
    assert not said.more
    assert phone.again() == said
    assert stopped(site)
    assert [row[:3] for row in ledger(site)[1:]] == [("all", False, "ussd")]
    with site.database() as db:
        assert db.execute(select(Message.id)).all() == []  # on the screen, and not by SMS as well
    back = {"English": "START", "Francais": "DEBUT", "Kiswahili": "ANZA"}[language]
    phone.dial()
    assert phone.type(back).more
    assert not stopped(site)
    assert ledger(site)[-1][:3] == ("all", True, "ussd")


def test_who_said_stop_is_not_subscribed_again_by_dialling_a_quiz_dates_or_a_group(phone, site):
    with site.database() as db:
        db.execute(insert(Group).values(code="A1", name="Umoja"))
    messages(phone, "1", "1", "1")
    phone.text("STOP")
    phone.dial()
    phone.play("1", "1", "1", "1", "1", "1", "2", "1")
    phone.dial()
    phone.play("3", "3", "1", "25/03/2027", "1", "9", "6", "4", "a1", "2", "1", "9", "5", "2")
    phone.text("hello")
    assert (stopped(site), sealed(site)) == (True, False)
    with site.database() as db:
        assert dict(db.execute(select(Field.name, Field.value)).all())["reminders"] == "yes"
        assert db.execute(select(Member.contact_id)).all() != []


@pytest.mark.parametrize(("keys", "what"), [(("1", "1"), "reminders"), (("3", "1"), "news")])
def test_yes_to_messages_of_a_kind_ends_a_stop_and_no_does_not(phone, site, keys, what):
    phone.text("STOP")
    messages(phone, keys[0], "2")
    assert (stopped(site), sealed(site)) == (True, False)
    messages(phone, *keys)
    assert (stopped(site), sealed(site)) == (False, True)
    assert ledger(site)[-1][:2] == (what, True)


def test_delete_all_leaves_nothing_of_dates_groups_fields_and_ledger(phone, site):
    with site.database() as db:
        db.execute(insert(Group).values(code="A1", name="Umoja"))
    phone.play("3", "1", "25/03/2027", "1", "1", "1", "9", "6", "4", "A1", "1", "1")
    tables = (Due, Member, Field, Consent)
    with site.database() as db:
        assert all(db.execute(select(table.contact_id)).all() for table in tables)
    phone.text("STOP")
    phone.dial()
    phone.play("9", "6", "5", "1")
    with site.database() as db:
        for table in tables:
            assert db.execute(select(table.contact_id)).all() == [], table
    assert (stopped(site), sealed(site)) == (True, False)
