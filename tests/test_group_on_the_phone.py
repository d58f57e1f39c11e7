"""People join a group by its code, leave, and see what is kept about them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import delete, event, insert, select

from dialogs.tables import Answer, Field, Group, Member, Run
from tests.phones import AtPhone, Site

CODE = "Write the code of your group."
UNKNOWN = "We do not know this code. Please look at it again."
MENU = "Safe and fair work. Choose a number."


@pytest.fixture
def phone(site: Site) -> AtPhone:
    """A phone whose owner has agreed; there are two groups."""
    with site.database() as db:
        db.execute(insert(Group).values(code="UMOJA-7", name="Umoja"))
        db.execute(insert(Group).values(code="k 12", name="Kikundi cha Wanawake"))
    found = site.phone()
    found.join()
    return found


def to_code(phone: AtPhone) -> str:
    """To the question for the code."""
    if not phone.dial().text.startswith(MENU):
        phone.type("3")
    return phone.play("9", "6", "4").text


def members(site: Site) -> list[tuple[str, str]]:
    """The groups with members, and their roles."""
    with site.database() as db:
        found = db.execute(select(Group.code, Member.role).join(Member).order_by(Group.id))
        return [(code, role) for code, role in found]


@contextmanager
def heard(site: Site) -> Iterator[list[str]]:
    """The statements that are sent meanwhile."""
    statements: list[str] = []

    def hear(db: Any, cursor: Any, statement: str, *_: Any) -> None:
        statements.append(" ".join(statement.replace('"', "").split()))

    event.listen(site.house.engine, "before_cursor_execute", hear)
    try:
        yield statements
    finally:
        event.remove(site.house.engine, "before_cursor_execute", hear)


@pytest.mark.parametrize("code", ["UMOJA-7", "umoja7", " umoja 7 ", "Um-oja-7", "K12", "k-1 2"])
def test_a_code_is_known_however_it_is_typed(phone, site, code):
    assert to_code(phone).startswith(CODE)
    assert phone.type(code).text.startswith("May your group send you news")
    assert len(members(site)) == 1


def test_the_code_is_kept_nowhere_but_the_membership_is(phone, site):
    to_code(phone)
    phone.play("umoja 7", "2")
    assert phone.type("1").text.startswith(MENU)
    assert members(site) == [("UMOJA-7", "")]
    with site.database() as db:
        kept = [*db.execute(select(Answer.choice)).scalars(), *db.execute(select(Run.answers)).scalars()]
        assert not any("umoja" in each.lower() for each in kept), kept
        assert "group" not in db.execute(select(Field.name)).scalars().all()
        assert ("code", "given") in db.execute(select(Answer.step, Answer.choice)).all()


def test_who_types_a_code_again_is_a_member_once(phone, site):
    to_code(phone)
    phone.play("umoja7", "2")
    to_code(phone)
    assert phone.play("1", "UMOJA 7", "2").text.startswith("You are in Umoja now.")
    assert members(site) == [("UMOJA-7", "")]


def test_the_newest_group_is_named_first(phone):
    to_code(phone)
    phone.play("umoja7", "2")
    to_code(phone)
    phone.play("1", "k12", "2")
    assert to_code(phone).startswith("Your group: Kikundi cha Wanawake, Umoja. What do you want?")


def test_an_unknown_code_is_told_and_asked_again_and_the_third_leads_back(phone, site):
    to_code(phone)
    for code in ("nobody", "*"):
        assert phone.type(code).text.startswith(f"{UNKNOWN}\n{CODE}")
    screen = phone.type("12345")
    assert screen.text.startswith(UNKNOWN)
    assert CODE not in screen.text
    assert phone.type("1").text.startswith(MENU)
    assert members(site) == []


def test_by_sms_a_code_is_answered_too(phone, site):
    phone.text("MENU")
    phone.text("13")
    assert phone.text("4").text.startswith(CODE)
    assert phone.text("Nobody 1").text.startswith(UNKNOWN)
    assert phone.text("umoja-7").text.startswith("May your group send you news")
    assert members(site) == [("UMOJA-7", "")]


def test_leaving_ends_all_memberships_that_of_an_officer_too(phone, site):
    to_code(phone)
    phone.play("umoja7", "2")
    with site.database() as db:
        contact = db.execute(select(Member.contact_id)).scalar_one()
        group = db.execute(select(Group.id).where(Group.code == "k 12")).scalar_one()
        db.execute(insert(Member).values(group_id=group, contact_id=contact, role="officer"))
    to_code(phone)
    assert phone.play("2", "2").text.startswith("All right. Nothing is changed.")
    assert len(members(site)) == 2
    to_code(phone)
    assert phone.play("2", "1").text.startswith("You are in no group now.")
    assert members(site) == []
    assert to_code(phone).startswith(CODE)


def test_a_group_that_is_gone_is_no_members_any_more(phone, site):
    to_code(phone)
    phone.play("umoja7", "2")
    with site.database() as db:
        db.execute(delete(Group).where(Group.code == "UMOJA-7"))
    assert phone.again().text.startswith("You are in Umoja now.")  # said at the time
    assert to_code(phone).startswith(CODE)


def test_groups_and_ledger_cost_a_turn_nothing_where_they_are_not_in_play(phone, site):
    phone.play("1", "1", "1", "1", "1", "1")
    with heard(site) as statements:
        phone.type("2")
    plain = len(statements)
    assert not [each for each in statements if "member" in each or "INTO consent" in each or "FROM group" in each]
    to_code(phone)
    with heard(site) as statements:
        phone.type("umoja7")
    assert len([each for each in statements if "FROM group" in each]) == 2  # the person's, and the one of the code
    assert len([each for each in statements if "INTO member" in each]) == 1
    assert len(statements) <= plain + 3


# --- what is kept ---


def kept(phone: AtPhone) -> str:
    """All pages of "See what is kept" as one text."""
    if not phone.dial().text.startswith(MENU):
        phone.type("3")
    pages = [phone.play("9", "6", "1").text]
    while not (following := phone.type("1").text).startswith(MENU):
        pages.append(following)
        assert len(pages) < 9
    return "\n".join(line for page in pages for line in page.split("\n") if line not in ("1. Next", "0. Back"))


def test_what_is_kept_of_somebody_new_is_little(phone):
    assert kept(phone) == "We keep your number, locked, and this:\nLanguage: English"


def test_what_is_kept_is_told_in_words_and_whole(phone, site):
    phone.play("1", "1", "1", "1", "2", "2")
    phone.text("MENU")
    phone.dial()
    phone.play("3", "3", "3", "25/03/2027", "1", "2", "1", "3", "3", "01/02/2027", "1")
    phone.play("9", "6", "4", "umoja7", "1", "1", "9", "6", "3", "2", "2")
    assert kept(phone).split("\n")[1:] == [
        "Language: English",
        "We can write to your number.",
        "To mend by: 1 Feb 2027, 25 Mar 2027",
        "Phone: No, others use it",
        "News: Yes",
        "Reminders: Yes",
        "- of the audit: No",
        "Your answers: Tin, tantalum, tungsten; Work at the site",
        "Group: Umoja",
    ]
    phone.text("STOP")
    assert kept(phone).endswith("You said STOP, so we send no messages.")
    assert "We can write" not in kept(phone)


def test_what_no_question_saves_is_not_told_by_its_inner_name(phone, site):
    with site.database() as db:
        contact = db.execute(select(Field.contact_id)).scalars().first() or 1
        db.execute(insert(Field).values(contact_id=contact, name="imported_from", value="sheet_7"))
    assert "sheet" not in kept(phone)
    assert "imported" not in kept(phone)


def test_the_screen_of_what_is_kept_is_not_stored(phone, site):
    from dialogs.tables import Session

    to_code(phone)
    phone.play("umoja7", "2")
    kept(phone)
    phone.dial()
    phone.play("9", "6", "1")
    with site.database() as db:
        shown = [json.loads(each) for each in db.execute(select(Session.shown)).scalars() if each]
    assert not any("Umoja" in json.dumps(each) for each in shown)
