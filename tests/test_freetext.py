"""Free text by SMS: help at once in danger, an answer by meaning or by words, and then the open question again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from dialogs import freetext
from dialogs.content import Content, Keeper
from dialogs.reading import read_answers
from dialogs.tables import Session
from tests.phones import AtPhone, Site
from tests.test_overview import small

ANSWERS = """\
source: own
answers:
  rope:
    go: talk/rope
    en: rope, old rope safe, knot
    sw: kamba
  ready:
    go: /pit
    en: am i ready, want ready
    sw: niko tayari
danger:
  sad:
    go: calm/near
    en: want to die
    sw: nataka kufa
"""
TALK = """\
title: Talk
resume: never
then: /menu
steps:
  rope:
    say:
      - A rope carries a life.
      - Look at it each day.
  far:
    only if: country is KE
    say: In Kenya ask the office.
  here:
    only if: country is not KE
    say: Ask a friend.
  which:
    ask: Which one?
    choices:
      rope: Rope
      pit: Pit
    go:
      rope: rope
      pit: /pit
"""
CALM = """\
title: Help
resume: never
trace: no
then: /menu
steps:
  near:
    say: You are not alone.
    go: leave
  other:
    say: Something else.
  leave:
    say: You can delete this.
"""
MENU = """\
title: Menu
resume: never
steps:
  home:
    ask: Choose.
    choices:
      pit: Pit
      books: Books
      lists: Lists
      talk: Talk
      calm: Near me
    go:
      pit: /pit
      books: /books
      lists: /lists
      talk: /talk
      calm: /calm
"""
ROPE = "A rope carries a life.\nLook at it each day.\nAsk a friend.\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The small content with answers."""
    made = small(tmp_path, talk=TALK, calm=CALM, menu=MENU)
    (made / "answers.yaml").write_text(ANSWERS, encoding="utf-8")
    return made


@pytest.fixture
def content(folder: Path) -> Content:
    found, problems = Content.load(folder)
    assert found is not None, problems
    return found


@pytest.fixture
def phone(new_site: Callable[..., Site], folder: Path) -> AtPhone:
    """A phone that writes SMS and stands in the menu."""
    phone = new_site(Keeper(folder)).phone()
    phone.text("Hello")
    assert phone.text("yes").text.startswith("Choose.")
    return phone


def test_free_text_is_answered_and_the_open_question_comes_again(phone):
    assert phone.text("my rope is wet, what now?").text.startswith(f"{ROPE}Choose.")
    assert phone.text("Pit").text.startswith("Do you lead?")
    assert phone.text("and the KAMBA?").text.startswith(f"{ROPE}Do you lead?")
    assert phone.text("I lead").text.startswith("Are the walls checked?")


def test_several_steps_are_read_out_one_after_the_other(new_site, folder):
    (folder / "answers.yaml").write_text(ANSWERS.replace("go: talk/rope", "go: calm/other talk/here"), encoding="utf-8")
    phone = new_site(Keeper(folder)).phone()
    phone.text("Hello")
    phone.text("yes")
    assert phone.text("rope?").text.startswith("Something else.\nYou can delete this.\nAsk a friend.\nChoose.")


def test_a_dialog_is_opened_by_writing_that_one_wants_it(phone):
    assert phone.text("Please, am I ready now").text.startswith("Do you lead?")


def test_who_has_not_agreed_yet_is_welcomed_first_and_then_gets_what_they_asked_for(new_site, folder):
    phone = new_site(Keeper(folder)).phone()
    assert phone.text("niko tayari?").text.startswith("May we keep your answers?")
    assert phone.text("yes").text.startswith("Do you lead?")
    phone.text("MENU")
    assert phone.text("no such thing").text.startswith("Please reply with one of the numbers.")


def test_choices_numbers_and_words_for_the_service_come_before_any_answer(phone):
    assert phone.text("Talk").text.startswith("A rope carries a life.")
    phone.text("MENU")
    assert phone.text("rope").text.startswith(f"{ROPE}Choose."), "a choice of another question is free text here"
    phone.text("4")
    phone.text("1")
    phone.text("1")
    assert phone.text("rope").text.startswith("A rope carries a life.\nLook at it each day.\n1. Next")
    assert phone.text("STOP").text.startswith("You will get no more messages")
    assert phone.text("rope and knot").text == ""


def test_danger_is_answered_before_anything_else_to_everybody_and_leaves_no_trace(phone, new_site):
    help_ = "You are not alone.\nYou can delete this.\n"
    assert phone.text("I want to die. STOP").text.startswith(f"{help_}Choose.")
    site = phone.site
    with site.database() as db:
        assert "calm:" not in str(db.execute(select(Session.shown)).all())
    stranger = site.phone()
    assert stranger.text("NATAKA KUFA").text.startswith(f"{help_}May we keep your answers?")
    phone.text("STOP")
    assert phone.text("i want to die").text.startswith(help_)


def test_without_a_fitting_word_the_phone_is_told_what_is_expected(phone):
    assert phone.text("The weather is fine").text.startswith("Please reply with one of the numbers.\nChoose.")


def test_by_ussd_free_text_is_never_asked_about(phone):
    phone.dial()
    assert phone.type("rope").text.startswith("Please reply with one of the numbers.")


@pytest.mark.parametrize(
    ("text", "free"),
    [
        ("can I sell gold?", True),
        ("habari", True),
        ("سلام", True),
        ("", False),
        ("  ", False),
        ("12", False),
        ("1.", False),
        ("😀", False),
        ("25/03/2027", False),
        ("STOP", False),
        ("menu", False),
        ("Pit", False),
        ("i DIG", False),
        ("next", False),
    ],
)
def test_what_is_free_text(content: Content, text: str, free: bool):
    assert freetext.is_free(content, text) is free


def test_the_longest_phrase_wins_and_two_that_are_as_long_give_none(content: Content):
    answers = content.answers
    assert [each.id for each in (freetext.by_words(content, "old rope, safe?"),) if each] == ["rope"]
    other = replace(answers.intents["ready"], phrases=(("knot",),))
    both = replace(content, answers=replace(answers, intents={**answers.intents, "ready": other}))
    assert freetext.by_words(both, "knot") is None
    assert freetext.by_words(content, "nothing of it") is None


@given(st.text(max_size=300))
def test_any_text_can_be_looked_at(text: str):
    content = Content({}, {}, None, {}, "", {}, {}, {})  # type: ignore[arg-type]
    assert freetext.is_free(content, text) in (True, False)
    assert freetext.by_words(content, text) is None
    assert freetext.danger_in(content, text) is None


@given(st.text(max_size=400))
def test_any_file_of_answers_is_read_without_a_traceback(text: str):
    read_answers("content/answers.yaml", text)


@pytest.mark.parametrize(
    ("old", "new", "slug"),
    [
        ("go: talk/rope", "go: talk rope", "wrong-type"),
        ("    go: /pit\n", "", "missing-key"),
        ("    sw: kamba", "    swahili: kamba", "unknown-key"),
        ("go: talk/rope", "go: talk/rop", "unknown-step"),
        ("go: talk/rope", "go: tolk/rope", "unknown-dialog"),
        ("go: /pit", "go: /pits", "unknown-dialog"),
        ("go: talk/rope", "go: talk/which", "no-page"),
        ("source: own\n", "", "no-source"),
    ],
)
def test_a_slip_in_the_answers_is_an_error_with_its_place(folder: Path, old: str, new: str, slug: str):
    (folder / "sources.yaml").write_text("general:\n  what: General knowledge\n  kind: general\n", encoding="utf-8")
    for path in [*folder.glob("dialogs/*.yaml"), *folder.glob("reminders/*.yaml")]:
        path.write_text(f"source: own\n{path.read_text('utf-8')}", encoding="utf-8")
    assert old in ANSWERS
    (folder / "answers.yaml").write_text(ANSWERS.replace(old, new), encoding="utf-8")
    _, problems = Content.load(folder)
    found = [each for each in problems if each.level == "error"]
    assert [each.slug for each in found] == [slug], [str(each) for each in found]
    assert found[0].at.file.endswith("answers.yaml")
    assert found[0].mend
