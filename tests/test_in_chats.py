"""What is said in a chat is true of a chat: all its letters, no code to dial, no reminder where none can come."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from dialogs import freetext, talk
from dialogs.content import Content, Keeper
from dialogs.gsm import septets
from dialogs.inbound import Inbound
from dialogs.script import Step
from dialogs.tables import Address, Field
from dialogs.understood import pages
from gateway.reminders_people import people
from tests.chats import Chat, chat, code_on, contact_of, phone

__all__ = ["chat", "phone"]  # fixtures
NOT_IN_CHATS = {"try_again", "not_yours", "stopped_ussd", "invite", "chat_script", "sms_offer", "sms_keep", "sms_sent"}
OF_CALLS = re.compile(r"\{code\}|\bdial|\bSMS\b|phone company|your number|this call", re.IGNORECASE)
SORRY = "Sorry, we did not understand this. Reply with a number, or send MENU for all parts or HELP for help."
NO_REMINDER = "No reminder can come to this chat."


@pytest.fixture
def content(keeper: Keeper) -> Content:
    return keeper.content


@pytest.fixture
def whatsapp(site) -> Chat:
    """Somebody who agreed in WhatsApp."""
    found = Chat(site, "whatsapp:+255621234567")
    found.join()
    return found


def fields_of(site, name: str) -> list[str]:
    with site.database() as db:
        return list(db.execute(select(Field.value).where(Field.name == name)).scalars())


def kept_numbers(site) -> list[str]:
    """The kinds of the addresses that are kept to write to."""
    with site.database() as db:
        return list(db.execute(select(Address.kind).where(Address.sealed.is_not(None))).scalars())


# --- letters ---


def test_a_chat_has_all_letters_of_its_language_and_a_phone_those_it_can_show(site):
    chat, phone = Chat(site), site.phone()
    assert "\n4. Français\n" in chat.say("ola")
    assert chat.say("portugues").endswith("\n1. Sim\n2. Não\n0. Voltar")
    assert "Português\n" in chat.say("1", "1", "13", "1")
    plain = phone.pick("Portugues", phone.dial()).text
    assert plain.endswith("\n1. Sim\n2. Nao\n0. Voltar")
    assert septets(plain) is not None
    by_sms = site.phone()
    by_sms.text("ola")
    assert by_sms.text("português").text == plain


@pytest.mark.parametrize("typed", ["Mes données", "mes donnees", "MES DONNÉES", "mes donne\u0301es."])
def test_a_choice_is_understood_with_and_without_accents(site, typed: str):
    chat = Chat(site)
    chat.say("bonjour", "Français", "oui", "oui")
    assert chat.say(typed).startswith("Vos données.")


def test_the_list_of_languages_takes_the_name_as_a_chat_or_as_a_phone_shows_it(site):
    for name in ("Español", "espanol", "Português", "Amarinya", "አማርኛ"):
        chat = Chat(site)
        chat.say("hi")
        assert not chat.say(name).startswith(("Choose", SORRY)), name


def test_dates_have_the_full_months(site):
    chat = Chat(site, "whatsapp:+255621234567")
    chat.say("bonjour", "Français", "1", "1", "3", "1", "25/08/2027", "1")
    assert "25 août 2027" in chat.say("1")


# --- no code to dial ---


def said_in_chats(step: Step) -> bool:
    return not any(each.name == "channel_kind" and each.negated and "bot" in each.values for each in step.only_if)


def test_no_text_tells_a_chat_to_dial_or_speaks_of_its_number(content: Content):
    found = [
        text.source
        for dialog in content.dialogs.values()
        for step in dialog.steps
        if said_in_chats(step)
        for text in step.texts_of()
        if OF_CALLS.search(text.source)
    ]
    allowed = ("Some answers are private. We never keep them with your number.", "A chat app such as WhatsApp shows us")
    assert [text for text in found if not text.startswith(allowed)] == []
    common = {key: content.text(f"common:{key}", "en", chat=True) for key in content.common.texts}
    wrong = {key for key, text in common.items() if OF_CALLS.search(text)} - NOT_IN_CHATS
    assert {key for key in wrong if f"{key}_chat" not in common} == {"kept_number"}, "said where a number is kept"


def test_a_text_for_chats_stands_in_for_the_other_one_there_and_only_there(content: Content):
    assert content.text("common:goodbye", "en", chat=True) == "Thank you. Write here any time."
    assert content.text("common:goodbye", "en") == "Thank you. Dial {code} any time."
    assert content.text("common:menu", "fr", chat=True) == content.text("common:menu", "fr")


def test_something_of_ours_that_fails_asks_to_write_again(site, whatsapp):
    house = site.house.now()
    sorry = talk.sorry(house, Inbound("chat", "bot", "chat:x", "", "", ""))
    assert sorry.text == "Sorry, something went wrong here. Please write again. Your place is kept."
    by_sms = talk.sorry(house, Inbound("sms", "sms", "+255621234568", "", "", ""))
    assert "Please dial" in by_sms.text


def test_stop_and_start_in_a_chat_name_no_code_and_promise_no_message(chat):
    assert chat.say("STOP").endswith("After that you can delete your answers under My data.")
    assert chat.say("hello") == ""
    assert chat.say("START").startswith("Welcome back. We answer you here again.")


# --- what is kept ---


def test_consent_in_a_chat_tells_of_the_chat_and_by_phone_of_the_number(site):
    chat, phone = Chat(site), site.phone()
    assert chat.say("hi", "1", "1").startswith("We keep a secret code for this chat, and some answers.")
    phone.dial()
    assert phone.play("1", "1").text.startswith("We keep your number, locked, and some answers.")
    assert chat.say("2") == "All right. We keep nothing. You can write to us again at any time."


# --- reminders ---


def test_a_chat_without_a_number_is_promised_no_reminder(chat, site):
    assert chat.say("3", "1", "25/03/2027").startswith(f"Saved: 25 Mar 2027. {NO_REMINDER}")
    assert chat.say("1", "3", "2", "26/03/2027").startswith(f"Saved: 26 Mar 2027. {NO_REMINDER}")
    assert NO_REMINDER in chat.say("1", "3", "3", "27/03/2027")
    assert chat.say("MENU", "13", "3").startswith("No reminder and no news can come to this chat.")
    assert fields_of(site, "reminders") == []
    assert kept_numbers(site) == []


def test_whatsapp_has_a_number_and_is_asked(whatsapp, site):
    assert whatsapp.say("3", "1", "25/03/2027").startswith("May we send reminders to your phone?")
    assert whatsapp.say("1").startswith("Is this phone only yours?")
    assert whatsapp.say("1").startswith("Saved. We can remind you before 25 Mar 2027.")
    assert kept_numbers(site) == ["whatsapp"]


def test_a_date_saved_in_a_chat_counts_for_the_phone_that_asked_for_reminders(phone, chat, site):
    phone.play("3", "1", "20/01/2027", "1", "1")
    chat.to_code()
    assert chat.say(code_on(phone)) == (
        "Done. Go on by phone or in this chat: your answers and dates are the same.\n1. Next\n0. Back"
    )
    assert chat.say("MENU", "3", "1", "25/03/2027").startswith("Saved. We can remind you before 25 Mar 2027.")
    assert kept_numbers(site) == ["tel"], "the chat's own id is nothing to write to"
    contact = contact_of(site, chat.address)
    with site.database() as db:
        assert people(db, [contact])[contact].reachable


def test_start_in_a_chat_brings_reminders_back_once_the_phone_is_heard(phone, chat, site):
    phone.play("3", "1", "20/01/2027", "1", "1")
    chat.to_code()
    chat.say(code_on(phone), "STOP")
    assert kept_numbers(site) == []
    chat.say("START")
    assert kept_numbers(site) == []
    assert NO_REMINDER in chat.say("MENU", "3", "1", "25/03/2027")
    phone.dial()
    assert kept_numbers(site) == ["tel"]


def test_nobody_s_number_is_kept_who_did_not_ask_for_it(phone, site):
    phone.play("3", "1", "20/01/2027", "2")
    phone.dial()
    phone.text("MENU")
    assert kept_numbers(site) == []


# --- what is not understood ---


def test_words_that_nothing_answers_hear_so_and_digits_are_asked_for_a_number(chat, site):
    menu = chat.say("MENU")
    assert chat.say("zzz qqq") == f"{SORRY}\n{menu}"
    assert chat.say("😀") == f"{SORRY}\n{menu}"
    assert chat.say("Next") == f"Please reply with one of the numbers.\n{menu}"
    assert chat.say("77") == f"Please reply with one of the numbers.\n{menu}"
    phone = site.phone()
    phone.join()
    assert phone.type("zzz").text.startswith("Please reply with one of the numbers.")


# --- answers ---


class At:
    """Somebody of whom this is known."""

    def __init__(self, content: Content, **known: str) -> None:
        self.content, self.known = content, {"channel_kind": "bot", "mercury_ban": "no"} | known

    def fields(self) -> dict[str, str]:
        return self.known

    def read(self, message: str) -> list[str]:
        """The texts that answer a message."""
        answer = freetext.danger_in(self.content, message) or freetext.by_words(self.content, message)
        assert answer is not None, message
        ids = [id for dialog, step in answer.steps for id in pages(self, dialog, step)]  # type: ignore[arg-type]
        return [self.content.text(id, "en") for id in ids]


def test_a_retort_is_not_taught_where_mercury_is_against_the_law(content: Content):
    taught = " ".join(At(content).read("what is a retort?"))
    assert "catches most of the mercury vapour" in taught
    banned = " ".join(At(content, mercury_ban="yes").read("what is a retort?"))
    assert "the law bans mercury" in banned
    assert "work with none" in banned
    assert "Vapour has no smell. Stay far from it." in banned
    assert "must close well" not in banned
    assert "catches" not in banned


CHILD = "A child in danger? Your own safety comes first. Bring the child to a safe place."
THREE_DAYS = "It is not your fault. A clinic can help, best within 3 days. Many help with no report to the police."


@pytest.mark.parametrize(
    "message",
    [
        "my daughter was raped",
        "a man raped a girl in the camp",
        "he raped my son yesterday",
        "my uncle raped me",
        "defilement case here",
        "mtoto wangu amebakwa",
        "amembaka binti wa jirani",
        "ma fille a été violée",
        "mon oncle m'a violée",
        "violaron a mi hija",
        "mi padrastro me violó",
        "minha filha foi estuprada",
    ],
)
def test_a_child_who_was_raped_gets_the_page_on_children_and_then_the_clinic(content: Content, message: str):
    read = At(content).read(message)
    assert read[0] == CHILD
    assert THREE_DAYS in read


@pytest.mark.parametrize(
    "message",
    [
        "he beats my child every day",
        "my daughter is beaten by her teacher",
        "my father beats me",
        "the boss hits the children",
        "mwanangu anapigwa shuleni",
        "nimepigwa na baba",
        "il bat son fils",
        "mon père me frappe",
        "le pegan a mi hijo",
        "mi papá me golpea",
        "bate na minha filha",
    ],
)
def test_a_child_who_is_beaten_gets_the_page_on_children(content: Content, message: str):
    read = At(content).read(message)
    assert read[0] == CHILD
    assert THREE_DAYS not in read


@pytest.mark.parametrize("message", ["he raped me", "my husband beats me", "on m'a violée", "me violaron", "amenibaka"])
def test_others_get_the_page_on_violence(content: Content, message: str):
    assert CHILD not in At(content).read(message)


def test_no_danger_names_a_helpline_where_none_is_checked(content: Content):
    for answer in content.answers.dangers.values():
        ids = [id for dialog, step in answer.steps for id in pages(At(content), dialog, step)]  # type: ignore[arg-type]
        assert ids
        assert not any("{helpline}" in content.text(id, "en") for id in ids), answer.id
