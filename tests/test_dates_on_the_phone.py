"""Dates are saved, moved, added and marked as done on the phone, and the reminders are told to look at them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from dialogs.content import Keeper
from dialogs.dates import MOST_OPEN
from dialogs.tables import Contact, Due
from gateway import reminders
from tests.phones import AtPhone, Site
from tests.test_talk import copy_content

MENU = "Safe and fair work. Choose a number."
FINDING = "By when must the point be mended?"


@pytest.fixture
def phone(site: Site) -> AtPhone:
    """A phone whose owner has agreed and does not want reminders."""
    found = site.phone()
    found.join()
    found.play("9", "6", "3", "1", "2")
    return found


def dates(phone: AtPhone, *keys: str) -> str:
    """Dial, go to My dates, and on by these keys."""
    phone.dial()
    return phone.play("3", *keys).text


def dues(site: Site, *names: str) -> list[Any]:
    """The dates in the order they were entered."""
    wanted = select(Due.name, Due.on, Due.was, Due.set_at, Due.next_at, Due.done_at).order_by(Due.id)
    with site.database() as db:
        return list(db.execute(wanted.where(Due.name.in_(names)) if names else wanted))


def test_a_new_date_is_to_be_looked_at_by_the_reminders_at_once(phone, site):
    before = site.clock.now
    assert dates(phone, "2", "30/06/2027", "2").startswith("Saved: 30 Jun 2027.")
    (due,) = dues(site)
    assert (due.name, due.on, due.was, due.done_at) == ("permit_end", date(2027, 6, 30), None, None)
    assert due.set_at == due.next_at
    assert due.set_at > before


def test_a_date_that_is_said_again_moves_and_tells_where_it_was(phone, site):
    dates(phone, "1", "25/03/2027", "2")
    with site.database() as db:
        db.execute(update(Due).values(next_at=None))
    dates(phone, "1", "26/03/2027", "2")
    (due,) = dues(site)
    assert (due.on, due.was) == (date(2027, 3, 26), date(2027, 3, 25))
    assert due.next_at == due.set_at is not None


def test_points_are_added_one_by_one_and_the_nearest_one_is_asked_about(phone, site):
    for day in ("10/03/2027", "01/02/2027", "01/01/2028"):
        assert dates(phone, "3", day, "2").startswith("Saved: ")
    assert [due.on for due in dues(site)] == [date(2027, 3, 10), date(2027, 2, 1), date(2028, 1, 1)]
    assert dates(phone, "4").startswith("Is the point of 1 Feb 2027 done?")
    site.clock.wait(days=90)
    assert dates(phone, "4").startswith("Is the point of 10 Mar 2027 done?")
    site.clock.wait(days=9000)
    assert dates(phone, "4").startswith("Is the point of 1 Jan 2028 done?")


def test_a_point_that_is_done_gets_no_more_reminders_and_the_next_one_is_the_nearest(phone, site):
    for day in ("10/03/2027", "01/02/2027"):
        dates(phone, "3", day, "2")
    assert dates(phone, "4", "2").startswith("All right. The date stays.")
    assert dates(phone, "4", "1").startswith("Marked as done: 1 Feb 2027.")
    assert phone.again().text.startswith("Marked as done: 1 Feb 2027.")
    later, done = dues(site)
    assert (later.done_at, done.next_at) == (None, None)
    assert done.done_at is not None
    assert later.next_at is not None
    assert dates(phone, "4", "1").startswith("Marked as done: 10 Mar 2027.")
    assert dates(phone, "4").startswith("No point is open here.")
    assert phone.type("1").text.startswith(MENU)


def test_back_to_a_date_that_was_mistyped_leaves_only_the_new_one(phone, site):
    dates(phone, "3", "10/03/2027", "2")
    dates(phone, "3", "01/02/2028")
    assert phone.type("0").text.startswith(FINDING)
    assert [due.on for due in dues(site)] == [date(2027, 3, 10)]
    phone.play("01/02/2027", "2")
    assert [due.on for due in dues(site)] == [date(2027, 3, 10), date(2027, 2, 1)]


def test_after_ten_open_points_one_must_be_done_first_or_be_past(phone, site):
    with site.database() as db:
        contact = db.execute(select(Contact.id)).scalar_one()
        for day in range(1, MOST_OPEN + 1):
            db.execute(insert(Due).values(contact_id=contact, name="finding_due", on=date(2027, 1, day)))
    assert dates(phone, "3", "01/03/2027").startswith("You have many open dates here.")
    assert len(dues(site)) == MOST_OPEN
    site.clock.wait(days=45)  # the first days of January are past
    assert dates(phone, "3", "01/03/2027", "2").startswith("Saved: 1 Mar 2027.")
    assert len(dues(site)) == MOST_OPEN
    assert dues(site)[0].on == date(2027, 3, 1)


def test_keys_dialled_with_the_code_mark_nothing_as_done(phone, site):
    dates(phone, "3", "10/03/2027", "2")
    assert phone.dial("*384*77*3*4*1#").text.startswith("Is the point of 10 Mar 2027 done?")
    assert dues(site)[0].done_at is None


# --- reminders begin ---


@pytest.fixture
def with_series(new_site: Callable[..., Site], tmp_path: Path) -> Site:
    """The project's content with one more series, that comes every three months."""
    folder = tmp_path / "content"
    copy_content(folder)
    (folder / "reminders").mkdir(exist_ok=True)
    series = "title: Again\nsource: own\nevery: 3 months\nsend:\n  on the day: Time for your own check. Dial {code}.\n"
    (folder / "reminders" / "again.yaml").write_text(series)
    return new_site(Keeper(folder, drafts=True))


def test_a_series_that_comes_again_begins_one_period_after_the_yes_and_not_at_once(with_series):
    phone = with_series.phone()
    phone.join()
    phone.play("9", "6", "3", "1", "1")
    assert dues(with_series, "again") == []
    house = with_series.house
    for _ in range(20):
        with with_series.database() as db:
            if not reminders.plan(db, with_series.clock.now, house.now(), house.settings.channels):
                break
    (due,) = dues(with_series, "again")
    assert timedelta(days=85) < due.on - with_series.clock.now.date() < timedelta(days=150)
    assert due.next_at is not None


def test_a_series_that_comes_again_is_no_date_of_the_person_to_see_or_to_ask_by(with_series):
    phone = with_series.phone()
    phone.join()
    phone.play("9", "6", "3", "1", "1", "1", "9", "6", "1")
    assert "again" not in phone.send().text
    assert "Nov 2026" not in phone.send().text


def test_yes_to_reminders_has_all_open_dates_looked_at_again_and_so_has_start(phone, site):
    dates(phone, "1", "25/03/2027", "2")
    for act in (
        lambda: (phone.dial(), phone.play("9", "6", "3", "1", "1")),
        lambda: (phone.text("STOP"), phone.text("START")),
    ):
        with site.database() as db:
            db.execute(update(Due).values(next_at=None))
        act()
        assert all(due.next_at is not None for due in dues(site))
    assert [due.was for due in dues(site, "audit_date")] == [None]


def test_no_to_reminders_begins_nothing(phone, site):
    assert dues(site) == []
