"""Phones talk to the real application over Africa's Talking's callbacks, on both kinds of database."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from dialogs.content import Keeper
from dialogs.tables import Address, Answer, Contact, Due, Field, Run, Session, Tally
from gateway.tables import Message
from tests.phones import AtPhone, Site

MENU = "Safe and fair work. Choose a number."
SAF1 = "Is the work place checked for danger before each shift?"
SAF2 = "Are all fuel engines kept outside the pit, in open air?"
CHE2 = "Is the air at your site safe from mercury vapour?"
RESUME = 'You stopped in "Am I ready?". Go on?'
TO_SAF1 = ("1", "1", "1", "1", "1", "1")  # from the menu: first questions, practice, private answers, leader, gold


@pytest.fixture
def phone(site: Site) -> AtPhone:
    """A phone that nobody had before."""
    return site.phone()


def rows(site: Site, *columns: Any) -> list[tuple[Any, ...]]:
    """What stands in the tables."""
    first = columns[0].class_
    with site.database() as db:
        return [tuple(row) for row in db.execute(select(*columns).order_by(*first.__table__.primary_key))]


def count(site: Site, table: type) -> int:
    """How many rows a table has."""
    with site.database() as db:
        return db.execute(select(func.count()).select_from(table)).scalar_one()


def at_saf1(phone: AtPhone) -> None:
    """Through the welcome and into the starter quiz, up to its first question."""
    phone.join()
    assert phone.play(*TO_SAF1).text.startswith(SAF1)


# --- what was typed, out of everything typed so far ---


def test_the_first_callback_of_a_call_has_an_empty_text(phone):
    assert phone.dial().text.startswith("Choose your language")


def test_a_repeated_dial_shows_the_first_screen_again_and_makes_nobody_twice(phone, site):
    first = phone.dial()
    assert phone.again() == first
    assert count(site, Contact) == count(site, Address) == count(site, Run) == count(site, Session) == 1


def test_an_exact_repeat_gets_the_same_screen_and_stores_nothing(phone, site):
    at_saf1(phone)
    shown = phone.type("2")
    stored = rows(site, Run.answers), rows(site, Answer.step, Answer.choice)
    assert phone.again() == shown
    assert phone.again() == shown
    assert (rows(site, Run.answers), rows(site, Answer.step, Answer.choice)) == stored


def test_an_older_callback_that_comes_late_changes_nothing(phone, site):
    at_saf1(phone)
    shown = phone.type("2")
    stored = rows(site, Run.answers)
    assert phone.send(phone.typed[:-2]) == shown
    assert phone.send("") == shown
    assert rows(site, Run.answers) == stored


def test_send_pressed_with_nothing_typed_shows_the_screen_again(phone):
    at_saf1(phone)
    shown = phone.send()
    assert phone.type("").text == shown.text
    assert phone.type("2").text.startswith(SAF2)


def test_a_typed_star_is_no_answer_and_is_told_so(phone, site):
    at_saf1(phone)
    stored = rows(site, Run.answers)
    screen = phone.type("1*2")
    assert screen.text.startswith(f"Please reply with one of the numbers.\n{SAF1}")
    assert rows(site, Run.answers) == stored
    assert phone.type("2").text.startswith(SAF2)


def test_a_text_that_does_not_go_on_from_the_last_one_shows_the_current_screen(phone, site):
    at_saf1(phone)
    shown = phone.send()
    stored = rows(site, Run.answers)
    assert phone.send("2" * len(phone.typed)) == shown
    assert phone.send("9" * (len(phone.typed) + 3)) == shown
    assert rows(site, Run.answers) == stored


def test_two_calls_begun_at_once_show_the_same_and_only_the_screens_own_answers_count(phone, site):
    at_saf1(phone)
    one, typed = phone.session, phone.typed
    assert phone.dial().text.startswith(RESUME)
    assert phone.type("1").text.startswith(SAF1)
    assert phone.type("2").text.startswith(SAF2)
    # The first call still shows SAF1, which is answered by now: its key must not answer SAF2.
    phone.session, phone.typed = one, typed
    assert phone.type("1").text.startswith(SAF2)
    assert [row for row in rows(site, Answer.step, Answer.choice) if row[0].startswith("saf")] == [("saf1", "no")]


def test_a_session_belongs_to_the_number_that_began_it(phone, site):
    phone.dial()
    thief = site.phone()
    thief.session = phone.session
    assert thief.send("1").text.startswith("This call was cut.")
    assert phone.play("1").text.startswith("Are you 18 or over?")


def test_a_session_that_we_have_forgotten_begins_anew_without_taking_its_old_keys_as_answers(phone, site):
    at_saf1(phone)
    with site.database() as db:
        db.execute(Session.__table__.delete())  # type: ignore[attr-defined]
    assert phone.type("2").text.startswith(SAF1)  # the menu's key led there; nothing was answered
    assert [row for row in rows(site, Answer.step) if row[0] == "saf1"] == []


def test_keys_dialled_with_the_code_lead_through_menus_only_and_only_those_who_agreed(phone):
    assert phone.dial("*384*77*1*1#").text.startswith("Choose your language")
    assert phone.play("1", "1", "1").text.startswith(MENU)
    assert phone.dial("*384*77*2*2#").text.startswith("Mercury vapour has no smell")
    assert phone.dial("*384*77*1*2*1#").text.startswith("What do you do?")  # a step that saves is not fed
    assert phone.dial("*384*77*8*1#").text.startswith(MENU)


# --- resuming ---


def test_a_dropped_call_goes_on_at_the_same_question_days_later_after_a_restart(phone, site):
    at_saf1(phone)
    phone.type("2")
    site.restart()
    site.clock.wait(days=9)
    assert phone.dial().text.startswith(RESUME)
    assert phone.type("1").text.startswith(SAF2)


def test_start_again_asks_from_the_first_question(phone):
    at_saf1(phone)
    phone.type("2")
    phone.dial()
    assert phone.type("2").text.startswith("This is practice")
    assert phone.play("1", "1", "1", "1").text.startswith(SAF1)


def test_the_menu_is_one_key_away_and_the_place_is_kept(phone):
    at_saf1(phone)
    phone.type("2")
    phone.dial()
    assert phone.type("3").text.startswith(MENU)
    assert phone.play("1", "1").text.startswith(SAF2)


def test_a_run_older_than_forget_after_starts_afresh(phone, site):
    at_saf1(phone)
    phone.type("2")
    site.clock.wait(days=61)
    assert phone.dial().text.startswith(MENU)
    assert phone.play("1", "1").text.startswith("This is practice")


def test_back_takes_the_last_answer_back_and_asks_again(phone, site):
    at_saf1(phone)
    phone.type("2")
    assert phone.type("0").text.startswith(SAF1)
    assert phone.type("1").text.startswith(SAF2)
    (answers,) = [json.loads(row[0]) for row in rows(site, Run.answers) if "saf1" in str(row[0])]
    assert [entry for entry in answers if entry[0] == "saf1"] == [["saf1", "yes"]]


def test_back_goes_to_the_last_page_of_what_was_read(phone):
    phone.join()
    assert phone.play("1", "1", "1").text.startswith("Some answers are private")
    assert phone.play("1", "0").text.startswith("Some answers are private")
    assert phone.play("0").text.startswith("This is practice")


def test_an_unknown_key_says_what_is_expected_on_the_same_screen(phone):
    at_saf1(phone)
    for key in ("7", "99", "yes please", "-1", "1.5", "🙂"):
        assert phone.type(key).text.startswith(f"Please reply with one of the numbers.\n{SAF1}"), key
    assert phone.type("١").text.startswith(SAF2)  # an Arabic digit is a digit


# --- age, consent, forgetting ---


def test_age_and_consent_are_asked_once(phone):
    phone.join()
    assert phone.pick("Kiswahili", phone.play("9", "5")).text.startswith("Kazi salama na ya haki")
    assert phone.dial().text.startswith("Kazi salama na ya haki")


@pytest.mark.parametrize("keys", [("1", "2"), ("1", "1", "2")])
def test_a_no_to_age_or_consent_leaves_nothing_behind(phone, site, keys):
    phone.dial()
    screen = phone.play(*keys)
    assert not screen.more
    for table in (Contact, Address, Run, Answer, Session, Field):
        assert count(site, table) == 0, table
    assert phone.dial().text.startswith("Choose your language")


def test_back_at_the_welcome_does_not_lead_past_the_consent(phone):
    phone.dial()
    for key in ("0", "0", "9"):
        assert "Choose your language" in phone.type(key).text
    assert phone.type("1").text.startswith("Are you 18 or over?")
    assert phone.type("0").text.startswith("Choose your language")


def test_delete_my_data_erases_everything_but_the_stop(phone, site):
    at_saf1(phone)
    phone.type("2")
    phone.text("STOP")
    phone.dial()
    phone.type("3")
    assert phone.play("9", "6", "5", "1").text.startswith("Your answers and dates are deleted.")
    for table in (Run, Answer, Session, Field, Due):
        assert count(site, table) == 0, table
    ((language, consent, stopped),) = rows(site, Contact.language, Contact.consent_at, Contact.stopped_at)
    assert (language, consent, stopped is not None) == ("", None, True)
    assert rows(site, Address.sealed) == [(None,)]
    assert phone.text("hello").text == ""  # the STOP still holds


# --- unkept answers ---


def test_an_unkept_answer_gives_its_advice_once_and_is_written_nowhere(site):
    screens, stored = [], []
    for key in ("1", "2", "3"):
        phone = site.phone()
        at_saf1(phone)
        phone.play("1", "1")
        screens.append(phone.type(key))
        assert phone.again().text.startswith("Thank you. This answer is not kept")  # a repeat tells nothing
        stored.append(
            [
                [row for row in table if row]
                for table in (
                    [json.loads(str(row[0])) for row in rows(site, Run.answers)][-1:],
                    [json.loads(str(row[0])) | {"run": 0} for row in rows(site, Session.shown)][-1:],
                    rows(site, Session.consumed)[-1:],
                )
            ]
        )
        assert phone.type("1").text.startswith("Three of twelve are done.")
    assert screens[0].text.startswith("Thank you. This answer is not kept")
    assert screens[1].text.startswith("Open heating poisons the air.")
    assert screens[1] == screens[2]
    assert stored[0] == stored[1] == stored[2]
    assert [row for row in rows(site, Answer.step) if row[0] == "che2"] == []


def test_a_counted_answer_leaves_a_total_only_and_is_counted_once(phone, site):
    at_saf1(phone)
    phone.play("1", "1", "1", "1", "1", "1", "1")
    assert phone.send().text.startswith("Is your mineral stored apart")
    assert phone.type("2").text.startswith("Use your own bags or box")
    phone.type("0")
    assert phone.send().text.startswith("Is your mineral stored apart")
    phone.type("1")
    assert rows(site, Tally.dialog, Tally.step, Tally.choice, Tally.group_id, Tally.n) == [
        ("books", "rec3", "no", 0, 1)
    ]
    assert [row for row in rows(site, Answer.step) if row[0] == "rec3"] == []
    answers = json.loads(str(next(row[0] for row in rows(site, Run.answers) if "saf1" in str(row[0]))))
    assert [entry for entry in answers if entry[0] == "rec3"] == [["rec3", "counted"], ["rec3", "seen"]]


def test_an_unkept_question_is_said_and_not_asked_by_sms(phone, site):
    at_saf1(phone)
    phone.play("1")
    phone.text("MENU")
    phone.text("1")
    phone.text("1")
    assert phone.text("1").text.startswith("Open heating poisons the air.")
    assert phone.text("2").text.startswith("Please reply with one of the numbers.")
    assert phone.text("1").text.startswith("Three of twelve are done.")
    texts = [row[0] for row in rows(site, Message.text) if row[0]]
    assert not any(CHE2 in str(text) for text in texts)
    assert all(row == (None,) for row in rows_in(site))


def rows_in(site: Site) -> list[tuple[object, ...]]:
    """The texts that came in, of which none is kept."""
    with site.database() as db:
        return [tuple(row) for row in db.execute(select(Message.text).where(Message.direction == "in"))]


# --- one question in two dialogs ---


def test_an_answer_of_the_starter_is_not_asked_again_in_its_topic(phone, site):
    at_saf1(phone)
    phone.play("2", "1")
    phone.text("MENU")
    phone.dial()
    phone.type("3")
    topic = phone.play("1", "2", "1")
    assert SAF1 not in topic.text
    assert SAF2 not in topic.text
    answers = next(json.loads(str(row[1])) for row in rows(site, Run.dialog, Run.answers) if row[0] == "safety")
    assert ["saf1", "no"] in answers


def test_by_sms_what_was_said_in_a_dialog_without_trace_is_nobodys_message(phone, site):
    phone.join()
    phone.text("MENU")
    assert phone.text("Get help now").text.startswith("What do you need?")
    phone.text("Violence")
    phone.text("MENU")
    owners = [(str(text).split("\n")[0], owner) for text, owner in rows(site, Message.text, Message.contact_id) if text]
    ((mine,),) = rows(site, Contact.id)
    assert [owner for _, owner in owners] == [mine, None, None, mine], owners


def test_by_sms_the_words_beside_the_keys_are_understood_and_never_taken_for_a_choice(phone, site):
    phone.join()
    phone.text("MENU")
    phone.text("Am I ready?")
    assert phone.text("first twelve questions").text.startswith("This is practice")
    assert phone.text("Next").text.startswith("What do you do?")
    assert phone.text("next").text.startswith("Please reply with one of the numbers.\nWhat do you do?")
    assert phone.text("BACK").text.startswith("This is practice")
    phone.text("next")
    phone.text("work at the site")
    phone.text("gold")
    phone.text("no")
    phone.text("not sure")
    said = phone.text("next").text  # the private question is only said by SMS
    assert said.startswith("Three of twelve are done.")
    phone.text("MENU")
    phone.text("Language")
    phone.text("Kiswahili")
    phone.text("Masomo mafupi")
    assert phone.text("Rudi").text.startswith("Kazi salama")


def copy_content(folder: Path) -> None:
    """The project's content, to be edited."""
    import shutil

    shutil.copytree(Path(__file__).parent.parent / "content", folder)


# --- messages ---


def test_a_message_that_comes_twice_counts_once_and_is_answered_once(phone, site):
    assert phone.text("hello", id="A1").text.startswith("Choose your language")
    assert phone.text("hello", id="A1").text == ""
    assert phone.text("1", id="A2").text.startswith("Are you 18 or over?")
    assert phone.text("1", id="A2").text == ""
    assert phone.text("1", id="A3").text.startswith("We keep your number")
    assert count(site, Message) == 6  # three in, three out


def test_the_reply_to_a_message_is_queued_with_a_sealed_number_and_segments(phone, site):
    phone.text("hello")
    ((status, segments, sealed, dedupe, kind),) = [
        row
        for row in rows(site, Message.status, Message.segments, Message.to_sealed, Message.dedupe, Message.kind)
        if row[0] == "queued"
    ]
    assert (status, segments, kind) == ("queued", 1, "reply")
    assert dedupe
    assert phone.number.encode() not in bytes(sealed)
    assert rows(site, Address.sealed) == [(None,)]  # the address itself is not kept for sending


@pytest.mark.parametrize("word", ["STOP", "stop.", "Acha", "ARRET", "  baja  "])
def test_stop_in_any_language_of_the_content_holds_until_start(phone, site, word):
    phone.join()
    assert phone.text(word).text.startswith("You will get no more messages.")
    assert phone.text("STOP").text == ""
    assert phone.text("1").text == ""
    assert phone.text("hello").text == ""
    assert phone.text("START").text.startswith("Welcome back.")
    assert phone.text("2").text.startswith("Which lesson?")


def test_asking_for_reminders_seals_the_number_and_stop_drops_it(phone, site):
    phone.join()
    phone.play("3", "1", "25/03/2027")
    assert rows(site, Address.sealed) == [(None,)]
    phone.type("1")
    ((sealed, key_id, contact_id),) = rows(site, Address.sealed, Address.key_id, Address.contact_id)
    assert site.house.seal.open(bytes(sealed), "tel", str(contact_id), str(key_id)) == phone.number
    phone.text("STOP")
    assert rows(site, Address.sealed, Address.key_id) == [(None, None)]
    phone.text("START")
    assert rows(site, Address.sealed) != [(None,)]


def test_stop_typed_in_a_call_ends_it(phone, site):
    at_saf1(phone)
    screen = phone.type("STOP")
    assert not screen.more
    assert screen.text.startswith("You will get no more messages.")
    assert [row[0] is not None for row in rows(site, Contact.stopped_at)] == [True]


def test_a_photo_without_words_gets_a_kind_answer(phone):
    phone.text("hello")
    assert phone.text("").text


def test_sms_and_call_share_the_place(phone):
    at_saf1(phone)
    phone.text("MENU")
    phone.text("1")
    assert phone.text("1").text.startswith(SAF1)
    assert phone.text("no").text.startswith(SAF2)
    phone.dial()
    assert phone.type("1").text.startswith(SAF2)


# --- content that changes meanwhile ---


def test_a_broken_edit_leaves_the_old_content_in_force_and_a_mended_one_goes_live(
    new_site: Callable[..., Site], tmp_path: Path
):
    folder = tmp_path / "content"
    copy_content(folder)
    keeper = Keeper(folder, drafts=True)
    phone = new_site(keeper).phone()
    at_saf1(phone)
    file = folder / "dialogs" / "safety.yaml"
    good = file.read_text()
    file.write_text(good.replace(SAF2, "Note: are the engines outside"))
    assert keeper.refresh()
    assert phone.type("1").text.startswith(SAF2)
    file.write_text(good.replace(SAF2, "Are all engines kept outside the pit?"))
    keeper.refresh()
    assert phone.type("0").text.startswith(SAF1)
    assert phone.type("1").text.startswith("Are all engines kept outside the pit?")


def test_every_answer_tells_the_revision_of_the_content_it_was_given_to(phone, site, keeper):
    at_saf1(phone)
    phone.type("2")
    assert {row[0] for row in rows(site, Answer.revision)} == {keeper.content.revision}


def test_drafts_are_hidden_unless_the_operator_shows_them(new_site: Callable[..., Site], keeper: Keeper):
    phone = new_site(keeper, NGAZI_DRAFTS="hide").phone()
    assert "Kiswahili" not in phone.dial().text


# --- the advice list as one SMS ---


@pytest.fixture
def with_list(site: Site) -> Site:
    """The project's content: the starter offers its list by SMS."""
    return site


def to_the_list(phone: AtPhone) -> None:
    """Answer the starter with No to its kept questions, up to the last advice."""
    at_saf1(phone)
    for _ in range(80):
        screen = phone.send()
        if screen.text.startswith("Send this list"):
            return
        phone.type("2" if "1. Yes" in screen.text else "1")
    raise AssertionError(screen)


def test_the_list_is_sent_once_by_sms_to_who_asks_and_keeps_the_number_only_then(with_list):
    phone = with_list.phone()
    to_the_list(phone)
    assert rows(with_list, Address.sealed) == [(None,)]
    assert phone.type("7").text.startswith("Please reply with one of the numbers.\nSend this list")
    assert phone.type("1").text.startswith("To send it we keep your number, locked.")
    assert phone.type("1").text
    assert rows(with_list, Address.sealed) != [(None,)]
    phone.again()
    ((text, status, segments),) = rows(with_list, Message.text, Message.status, Message.segments)
    assert str(text).startswith("Your next steps:\n")
    assert "notebook" in str(text)
    assert (status, segments >= 2) == ("queued", True)


@pytest.mark.parametrize("keys", [("2",), ("1", "2")])
def test_who_does_not_want_the_list_gets_none_and_the_number_is_not_kept(with_list, keys):
    phone = with_list.phone()
    to_the_list(phone)
    assert phone.play(*keys).text.startswith(MENU)
    assert rows(with_list, Address.sealed) == [(None,)]
    assert count(with_list, Message) == 0


def test_a_long_word_of_help_before_the_resume_question_takes_a_page_of_its_own(
    new_site: Callable[..., Site], tmp_path: Path
):
    folder = tmp_path / "content"
    copy_content(folder)
    file = folder / "common.yaml"
    short = "Please reply with one of the numbers."
    file.write_text(
        file.read_text().replace(short, short + " They stand before each line on the screen of your phone.")
    )
    phone = new_site(Keeper(folder, drafts=True)).phone()
    at_saf1(phone)
    phone.type("2")
    phone.dial()
    screen = phone.type("7")
    assert screen.text.startswith(short)
    assert "Go on?" not in screen.text
    assert phone.type("5").text == screen.text
    assert phone.type("1").text.startswith(RESUME)
    assert phone.type("1").text.startswith(SAF2)
