from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, insert, update

from dialogs.content import Content, Keeper
from dialogs.database import open_engine
from dialogs.tables import Due, Group, Run
from gateway import audience
from gateway.audience import Audience, BroadcastError, contacts, read_audience
from tests.crowd import BEFORE, group, person

TODAY = date(2027, 3, 2)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def db(engine: Engine) -> Iterator[Connection]:
    with engine.begin() as db:
        yield db


@pytest.fixture(scope="module")
def content(keeper: Keeper) -> Content:
    return keeper.content


def who(db: Connection, **said: Any) -> set[int]:
    given = Audience(**({"everyone": True} | said))
    return set(db.execute(contacts(given, TODAY)).scalars())


def test_everyone_is_everyone_who_agreed(db: Connection):
    asha = person(db)
    person(db, agreed=False)
    assert who(db) == {asha}


def test_a_group_includes_the_groups_below_it_and_a_ring_of_groups_ends(db: Connection):
    top, _, _ = group(db, "UNION"), group(db, "SITE", "UNION"), group(db, "PIT", "SITE")
    group(db, "OTHER")
    in_top, in_pit = person(db, group="UNION"), person(db, group="PIT")
    person(db, group="OTHER")
    person(db)
    assert who(db, groups=("UNION",), everyone=False) == {in_top, in_pit}
    assert who(db, groups=("SITE",), everyone=False) == {in_pit}
    db.execute(update(Group).where(Group.id == top).values(parent_id=group(db, "BELOW", "PIT")))
    assert who(db, groups=("SITE",), everyone=False) == {in_top, in_pit}


def test_several_of_one_kind_widen_and_several_kinds_narrow(db: Connection):
    asha = person(db, language="sw", country="TZ", fields={"mineral": "gold", "role": "leader"})
    juma = person(db, language="sw", country="KE", fields={"mineral": "tin"})
    marie = person(db, language="fr", country="CD", fields={"mineral": "tin"})
    assert who(db, languages=("sw", "fr")) == {asha, juma, marie}
    assert who(db, languages=("sw",), countries=("TZ", "CD")) == {asha}
    assert who(db, fields={"mineral": ("gold", "tin")}) == {asha, juma, marie}
    assert who(db, fields={"mineral": ("gold",), "role": ("leader",)}) == {asha}
    assert who(db, fields={"mineral": ("tin",), "role": ("leader",)}) == set()


def test_progress_in_a_dialog_is_done_open_or_none(db: Connection):
    done, begun, never = person(db), person(db), person(db)
    for owner, dialog, end in ((done, "permit", BEFORE), (begun, "permit", None), (never, "other", BEFORE)):
        run = {"dialog": dialog, "answers": "[]", "started_at": BEFORE, "updated_at": BEFORE, "finished_at": end}
        db.execute(insert(Run).values(contact_id=owner, **run))
    assert who(db, progress={"permit": "done"}) == {done}
    assert who(db, progress={"permit": "open"}) == {begun}
    assert who(db, progress={"permit": "none"}) == {never}


def test_a_date_counts_in_its_window_for_the_person_or_for_all_of_a_group_and_not_once_it_is_done(db: Connection):
    own, late, done = person(db), person(db), person(db)
    site = group(db, "SITE")
    group(db, "PIT", "SITE")
    member = person(db, group="PIT")

    def due(on: date, **more: Any) -> None:
        db.execute(insert(Due).values(name="audit_date", on=on, **more))

    due(date(2027, 3, 31), contact_id=own)
    due(date(2027, 4, 1), contact_id=late)
    due(date(2027, 3, 10), contact_id=done, done_at=BEFORE)
    due(date(2027, 3, 2), group_id=site)
    assert who(db, due={"audit_date": "2027-03-01..2027-03-31"}) == {own, member}
    assert who(db, due={"audit_date": "2027-03-31.."}) == {own, late}
    assert who(db, due={"audit_date": "..today+29"}) == {own, member}
    assert who(db, due={"permit_end": "2027-03-01..2027-03-31"}) == set()


def test_what_is_stored_says_the_same_again(content: Content):
    said = read_audience(
        content,
        groups=["A", "B", "A"],
        languages=["sw"],
        fields=["mineral=gold", "mineral=tin"],
        progress=["permit=open"],
        due=["audit_date=today..today+30"],
        countries=["tz"],
    )
    assert said == Audience(
        ("A", "B"),
        ("sw",),
        {"mineral": ("gold", "tin")},
        {"permit": "open"},
        {"audit_date": "today..today+30"},
        ("TZ",),
    )
    assert Audience.of(said.to_json()) == said
    assert Audience.of({"fields": {"mineral": "gold"}}).fields == {"mineral": ("gold",)}


def test_who_never_chose_a_language_is_meant_with_the_source_language(db: Connection, content: Content):
    silent, english = person(db, language=""), person(db, language="en")
    person(db, language="sw")
    assert who(db, languages=read_audience(content, everyone=True, languages=["en"]).languages) == {silent, english}


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({}, "Say who is meant: --group CODE, or --everyone for all who agreed."),
        ({"everyone": True, "groups": ["A"]}, "Say --group or --everyone, not both."),
        ({"everyone": True, "languages": ["swa"]}, 'There is no language "swa". Did you mean "sw"?'),
        ({"everyone": True, "countries": ["Kenya"]}, '"Kenya" is no country: write two letters, such as TZ.'),
        ({"everyone": True, "fields": ["mineral"]}, '--field cannot be "mineral": write mineral=gold.'),
        ({"everyone": True, "progress": ["permitt=done"]}, 'There is no dialog "permitt". Did you mean "permit"?'),
        ({"everyone": True, "progress": ["permit=half"]}, "--progress permit= is done, open or none."),
        ({"everyone": True, "due": ["audit_date=soon"]}, '"soon" is no span of days: write 2027-01-01..2027-03-31.'),
        ({"everyone": True, "due": ["audit_date=2027-02-01..2027-01-01"]}, "is no span of days"),
        ({"everyone": True, "due": ["audit_date=.."]}, '".." is no span of days'),
    ],
)
def test_what_cannot_be_understood_is_said_with_the_mend(content: Content, said: dict[str, Any], says: str):
    with pytest.raises(BroadcastError) as raised:
        read_audience(content, **said)
    assert says in str(raised.value)


def test_a_group_an_answer_or_a_date_that_nobody_has_is_an_error_with_the_nearest(db: Connection):
    group(db, "KAKAMEGA")
    person(db, fields={"mineral": "gold"})
    audience.check(db, Audience(("KAKAMEGA",), fields={"mineral": ("tin",)}))
    with pytest.raises(BroadcastError, match=r'There is no group "kakamga". Did you mean "KAKAMEGA"\?'):
        audience.check(db, Audience(("kakamga",)))
    with pytest.raises(BroadcastError, match=r'Nobody has a saved answer "minerals". Did you mean "mineral"\?'):
        audience.check(db, Audience(fields={"minerals": ("gold",)}))
    with pytest.raises(BroadcastError, match=r'Nobody has a date "audit_date".'):
        audience.check(db, Audience(due={"audit_date": "today.."}))
