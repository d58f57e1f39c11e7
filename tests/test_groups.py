from __future__ import annotations

import json
from datetime import date

import pytest
from sqlalchemy import Engine, select, update

from dialogs.tables import Contact, Due, Group, Member
from gateway.people import groups as tree
from tests.people import ASHA, JUMA, NOW, engine, found, made, ngazi, rules, small_content

__all__ = ["engine", "ngazi", "rules", "small_content"]  # fixtures


def member(engine: Engine, number: str = "", *codes: str) -> int:
    """A contact with this number, a member of these groups."""
    id = made(engine, number)
    with engine.begin() as db:
        for code in codes:
            tree.join(db, code, id)
    return id


@pytest.fixture
def country(engine: Engine) -> dict[str, int]:
    """TZ > GEITA > (PIT-1, PIT-2), TZ > TAGA; and RW."""
    with engine.begin() as db:
        for code, parent in (("TZ", ""), ("GEITA", "TZ"), ("PIT-1", "GEITA"), ("PIT-2", "geita"), ("TAGA", "TZ")):
            tree.add(db, code, f"Group {code}", parent)
        tree.add(db, "RW", "Rwanda")
        return {row.code: row.id for row in db.execute(select(Group.code, Group.id))}


def test_a_group_is_made_and_its_code_is_the_same_in_any_case(ngazi, engine):
    assert ngazi.groups("add", "geita", "Geita  cooperative").output == "Group GEITA is made.\n"
    assert ngazi.groups("add", "Pit-1", "Pit one", "--parent", "Geita").exit_code == 0
    ((_, code, name, parent), (_, _, _, over)) = found(engine, Group.id, Group.code, Group.name, Group.parent_id)
    assert (code, name, parent) == ("GEITA", "Geita cooperative", None)
    assert over == found(engine, Group.id)[0][0]
    assert "There is a group GEITA already" in ngazi.groups("add", "GEITA", "x").output
    assert "no group NOWHERE" in ngazi.groups("add", "PIT-2", "x", "--parent", "nowhere").output


@pytest.mark.parametrize("code", ["G", "X" * 21, "GEITA 1", "-GEITA", "ÉTÉ", "GE_1"])
def test_a_code_has_two_to_twenty_letters_digits_and_dashes(ngazi, engine, code):
    result = ngazi.groups("add", "--", code, "x")
    assert (result.exit_code, "no code of a group" in result.output) == (1, True)
    assert found(engine, Group.id) == []


def test_below_is_a_group_with_all_groups_under_it(engine, country):
    def below(*codes: str) -> set[str]:
        with engine.connect() as db:
            ids = tree.below(db, [country[code] for code in codes])
        return {code for code, id in country.items() if id in ids}

    assert below("GEITA") == {"GEITA", "PIT-1", "PIT-2"}
    assert below("TZ", "PIT-1") == {"TZ", "GEITA", "PIT-1", "PIT-2", "TAGA"}
    assert below("RW") == {"RW"}
    assert below() == set()
    with engine.connect() as db:
        assert tree.below(db, [10_000]) == set()


def test_below_ends_even_where_somebody_tied_a_ring(engine, country):
    with engine.begin() as db:
        db.execute(update(Group).where(Group.code == "TZ").values(parent_id=country["PIT-1"]))
    with engine.connect() as db:
        assert tree.below(db, [country["TZ"]]) == set(country.values()) - {country["RW"]}


def test_the_tree_counts_each_person_once_and_hides_small_counts(ngazi, engine, country):
    for _ in range(4):
        member(engine, "", "PIT-1")
    member(engine, "", "PIT-1", "PIT-2", "TZ")
    listed = {row["code"]: row for row in json.loads(ngazi.groups("list", "--json").output)}
    assert list(listed) == ["RW", "TZ", "GEITA", "PIT-1", "PIT-2", "TAGA"]
    assert {code: row["people"] for code, row in listed.items()} == {
        "RW": "<5", "TZ": "5", "GEITA": "5", "PIT-1": "5", "PIT-2": "<5", "TAGA": "<5"
    }  # fmt: skip
    assert (listed["PIT-1"]["parent"], listed["TZ"]["parent"]) == ("GEITA", None)
    shown = ngazi.groups("list").output
    assert "  GEITA" in shown
    assert "    PIT-1" in shown


def test_a_group_moves_with_all_below_it_and_never_into_a_ring(ngazi, engine, country):
    for under in ("GEITA", "pit-1"):
        result = ngazi.groups("move", "geita", "--under", under)
        assert (result.exit_code, "that would be a ring" in result.output) == (1, True)
    assert ngazi.groups("move", "GEITA", "--under", "RW").exit_code == 0
    with engine.connect() as db:
        assert tree.below(db, [country["RW"]]) == {country[code] for code in ("RW", "GEITA", "PIT-1", "PIT-2")}
    assert ngazi.groups("move", "GEITA", "--top").exit_code == 0
    assert (country["GEITA"], None) in found(engine, Group.id, Group.parent_id)
    assert ngazi.groups("move", "GEITA").exit_code == 2


def test_a_group_gets_another_name(ngazi, engine, country):
    assert ngazi.groups("rename", "rw", "Rwanda, east").exit_code == 0
    assert (country["RW"], "Rwanda, east") in found(engine, Group.id, Group.name)
    assert "1 to 200 letters" in ngazi.groups("rename", "rw", " ").output


def test_members_are_listed_by_id_and_role_without_numbers(ngazi, engine, country):
    one, two = member(engine, ASHA, "PIT-1"), member(engine, JUMA, "GEITA")
    assert ngazi.groups("officer", "GEITA", JUMA).exit_code == 0
    assert json.loads(ngazi.groups("members", "geita", "--json").output) == [{"id": two, "role": "officer"}]
    below = ngazi.groups("members", "GEITA", "--below")
    assert below.stdout == f"{one}\n{two}  officer\n"
    assert JUMA not in below.output


def test_an_officer_is_a_person_who_is_known(ngazi, engine, country):
    id = member(engine, ASHA)
    assert ngazi.groups("officer", "GEITA", ASHA).exit_code == 0
    assert ngazi.groups("officer", "GEITA", "--id", id).exit_code == 0
    assert found(engine, Member.group_id, Member.contact_id, Member.role) == [(country["GEITA"], id, "officer")]
    assert ngazi.groups("officer", "GEITA", ASHA, "--end").exit_code == 0
    assert found(engine, Member.role) == [("",)]
    assert "Nobody is known" in ngazi.groups("officer", "GEITA", JUMA).output
    with engine.begin() as db:
        db.execute(update(Contact).values(stopped_at=NOW))
    assert "said STOP" in ngazi.groups("officer", "GEITA", ASHA).output
    assert "no group X9" in ngazi.groups("officer", "X9", ASHA).output


def test_a_person_joins_and_leaves_a_group(ngazi, engine, country):
    id = member(engine, ASHA)
    for _ in range(2):
        assert ngazi.groups("join", "taga", ASHA).exit_code == 0
    assert found(engine, Member.group_id, Member.contact_id) == [(country["TAGA"], id)]
    assert ngazi.groups("leave", "TAGA", "--id", id).exit_code == 0
    assert found(engine, Member.contact_id) == []
    assert "not in this group" in ngazi.groups("leave", "TAGA", "--id", id).output


def test_a_date_of_a_group_is_set_moved_and_done(ngazi, engine, country):
    due = (Due.group_id, Due.name, Due.on, Due.was, Due.done_at)
    assert ngazi.groups("date", "GEITA", "audit_date", "2027-03-25").output == "audit_date is 2027-03-25 now.\n"
    assert found(engine, *due) == [(country["GEITA"], "audit_date", date(2027, 3, 25), None, None)]
    assert ngazi.groups("date", "GEITA", "audit_date", "1/4/2027").exit_code == 0
    assert found(engine, *due) == [(country["GEITA"], "audit_date", date(2027, 4, 1), date(2027, 3, 25), None)]
    ((set_at, next_at),) = found(engine, Due.set_at, Due.next_at)
    assert set_at == next_at
    assert ngazi.groups("date", "GEITA", "audit_date", "--done").output == "audit_date is done.\n"
    ((done_at, next_at),) = found(engine, Due.done_at, Due.next_at)
    assert (done_at is None, next_at) == (False, None)
    assert "no open date" in ngazi.groups("date", "GEITA", "audit_date", "--done").output
    assert ngazi.groups("date", "GEITA", "audit_date", "2028-01-01").exit_code == 0
    assert len(found(engine, Due.id)) == 2


def test_the_same_date_said_twice_plans_nothing_anew(ngazi, engine, country):
    ngazi.groups("date", "GEITA", "audit_date", "2027-03-25")
    before = found(engine, *Due.__table__.columns)
    ngazi.groups("date", "GEITA", "audit_date", "2027-03-25")
    assert found(engine, *Due.__table__.columns) == before


def test_a_date_that_the_content_does_not_know_is_refused(ngazi, engine, country):
    result = ngazi.groups("date", "GEITA", "audti", "2027-03-25")
    assert (result.exit_code, "There are: audit_date" in result.output) == (1, True)
    assert ngazi.groups("date", "GEITA", "audit_date", "25 March").exit_code == 1
    assert ngazi.groups("date", "GEITA", "audit_date").exit_code == 2
    assert found(engine, Due.id) == []


def test_only_an_empty_group_is_removed(ngazi, engine, country):
    member(engine, ASHA, "PIT-1")
    ngazi.groups("date", "RW", "audit_date", "2027-03-25")
    for code, why in (("PIT-1", "people"), ("GEITA", "groups below it"), ("RW", "dates")):
        result = ngazi.groups("remove", code)
        assert (result.exit_code, f"{code} still has {why}" in result.output) == (1, True)
    ngazi.groups("date", "RW", "audit_date", "--done")
    for code in ("PIT-2", "rw"):
        assert ngazi.groups("remove", code).exit_code == 0
    assert [code for _, code in found(engine, Group.id, Group.code)] == ["TZ", "GEITA", "PIT-1", "TAGA"]
