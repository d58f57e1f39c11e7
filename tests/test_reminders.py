from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, func, insert, select, update

from dialogs.content import Content, Keeper
from dialogs.database import open_engine
from dialogs.hours import CAREFUL
from dialogs.script import Moment, Series, Text
from dialogs.tables import Address, Contact, Due, Field, Group, Member
from gateway import reasons, reminders, reminders_tasks
from gateway.batch import Lane
from gateway.calendar import HORIZON, Place, between, concerning, next_look, points
from gateway.channels import Channel
from gateway.claim import claim
from gateway.people import dates
from gateway.tables import Event, Message
from tests.town import BATCHES, MONDAY, SEAL, Town, channel, house, inserted

DAY = timedelta(days=1)
AUDIT = date(2027, 3, 25)
NAIROBI, LIMA, KOLKATA = "Africa/Nairobi", "America/Lima", "Asia/Kolkata"
AUDIT_MOMENTS = [
    ("90 days before", "2026-12-25"),
    ("60 days before", "2027-01-24"),
    ("30 days before", "2027-02-23"),
    ("14 days before", "2027-03-11"),
    ("7 days before", "2027-03-18"),
    ("1 day before", "2027-03-24"),
    ("on the day", "2027-03-25"),
    ("2 days after", "2027-03-27"),
]
EVERYWHERE = MappingProxyType({"ke": channel(), "all": channel("all", country="")})


def utc(text: str) -> datetime:
    """A moment as the program has it: UTC without a zone."""
    return datetime.fromisoformat(text)


class Life:
    """A town whose clock moves: what is planned is claimed and delivered, moment by moment."""

    def __init__(self, engine: Engine, content: Content, now: datetime) -> None:
        self.engine, self.content, self.town = engine, content, Town(engine, now)
        self.channels: dict[str, Channel] = dict(EVERYWHERE)

    @property
    def now(self) -> datetime:
        return self.town.now

    def due(self, name: str, on: date, contact: int | None = None, group: int | None = None) -> int:
        """A date that somebody says now."""
        with self.engine.begin() as db:
            values = {"name": name, "on": on, "set_at": self.now, "next_at": self.now}
            return inserted(db, Due, contact_id=contact, group_id=group, **values)

    def move(self, name: str, on: date, contact: int | None = None, group: int | None = None) -> None:
        with self.engine.begin() as db:
            dates.set_date(db, name, on, self.now, contact_id=contact, group_id=group)

    def group(self, code: str, *contacts: int, parent: int | None = None, officer: int | None = None) -> int:
        with self.engine.begin() as db:
            id = inserted(db, Group, code=code, name=f"Group {code}", parent_id=parent)
            for each in contacts:
                db.execute(insert(Member).values(group_id=id, contact_id=each, role=""))
            if officer is not None:
                db.execute(insert(Member).values(group_id=id, contact_id=officer, role="officer"))
        return id

    def heard(self, contact: int) -> None:
        with self.engine.begin() as db:
            db.execute(update(Address).where(Address.contact_id == contact).values(heard_at=self.now))

    def plan(self) -> int:
        """Everything that is to be planned now; how many slices it took."""
        playing, slices = house(self.content), 0
        while True:
            with self.engine.begin() as db:
                if not reminders.plan(db, self.now, playing, self.channels):
                    return slices
            slices += 1
            assert slices < 200, "planning never ends"

    def send(self) -> None:
        """Claim what may go now; all of it arrives."""
        playing = house(self.content)
        for each in self.channels.values():
            while self.waits():
                with self.engine.begin() as db:
                    found = claim(db, Lane(each, BATCHES), 4, playing, self.content.hours, self.now)
                    db.execute(update(Message).where(Message.status == "sending").values(status="delivered"))
                if not found.looked_at:
                    break

    def waits(self) -> bool:
        """True if something may go now."""
        now = select(Message.id).where(Message.status == "queued", Message.due_at <= self.now)
        with self.engine.begin() as db:
            return db.execute(now.limit(1)).first() is not None

    def live(self, until: datetime, *, down: tuple[datetime, datetime] | None = None) -> None:
        """Let time go by; the gateway is down in between."""
        while self.now < until:
            if down is None or not down[0] <= self.now < down[1]:
                self.plan()
                self.send()
            with self.engine.begin() as db:
                wakes = [
                    db.execute(select(func.min(Due.next_at))).scalar(),
                    db.execute(select(func.min(Message.due_at)).where(Message.status == "queued")).scalar(),
                ]
            soon = [wake + timedelta(seconds=20) for wake in wakes if wake is not None and wake > self.now]
            soon += [end for end in down or () if end > self.now]
            self.town.now = min([*soon, self.now + 15 * DAY, until])

    def sent(self, contact: int) -> list[tuple[str, str]]:
        """Moment and local day of what this person got."""
        with self.engine.begin() as db:
            zone = db.execute(select(Contact.timezone).where(Contact.id == contact)).scalar_one() or NAIROBI
        return [
            (row.about["moment"], local(row.sent_at, zone).date().isoformat())
            for row in self.town.messages()
            if row.contact_id == contact and row.status == "delivered"
        ]

    def rows(self, status: str = "") -> list[Any]:
        return [row for row in self.town.messages() if not status or row.status == status]


def local(at: datetime, zone: str) -> datetime:
    return at.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def begin(engine: Engine, keeper: Keeper) -> Callable[[str], Life]:
    """A life that begins at a moment, with the reminders of the project's content."""
    return lambda now: Life(engine, keeper.content, utc(now))


# --- the calendar: which reminders a date brings, and when ---


def a_series(*days: int, every: tuple[int, str] | None = None, time: str = "16:30") -> Series:
    moments = tuple(Moment(f"moment {each}", each, Text("", "")) for each in days or (0,))
    return Series("test", Text("", ""), moments, count_from="" if every else "day", every=every, time=time)


DAYS = st.dates(date(2020, 1, 1), date(2035, 12, 31))
PLACES = st.sampled_from(
    [Place("KE", ""), Place("", LIMA), Place("", KOLKATA), Place("", "Europe/Berlin"), Place("", "Pacific/Kiritimati"),
     Place("", "America/Sao_Paulo"), Place("", "Australia/Lord_Howe"), Place("", "")]
)  # fmt: skip
CLOCKS = st.times().map(lambda time: f"{time:%H:%M}")
SERIES = st.one_of(
    st.builds(lambda days, clock: a_series(*days, time=clock),
              st.lists(st.integers(-400, 400), min_size=1, max_size=8, unique=True), CLOCKS),
    st.builds(lambda count, unit, clock: a_series(every=(count, unit), time=clock),
              st.integers(1, 30), st.sampled_from(["weeks", "months"]), CLOCKS),
)  # fmt: skip


@given(SERIES, DAYS, PLACES, st.datetimes(utc("2020-01-01"), utc("2030-12-31")), st.lists(st.integers(1, 100_000)))
def test_whenever_somebody_looks_each_moment_is_written_once_and_none_is_missed(
    series: Series, on: date, place: Place, start: datetime, naps: list[int]
):
    """Looking at the set moments, late by a nap of minutes, finds exactly what a look at the whole calendar finds."""
    now, since, found = start, start, []
    while True:
        found += [timed.point.key(1) for timed in between(series, on, CAREFUL, place, since, now + HORIZON)]
        look = next_look([series], on, CAREFUL, place, now)
        if look is None or look > start + 900 * DAY:
            break
        assert look > now
        since, now = look, look + timedelta(minutes=naps.pop() if naps else 0)
    whole = between(series, on, CAREFUL, place, start, now + HORIZON)
    assert len({timed.point.key(1) for timed in whole}) == len(whole)
    assert set(found) == {timed.point.key(1) for timed in whole}


@given(SERIES, DAYS, PLACES, DAYS)
def test_a_moment_is_on_its_local_day_at_its_time_and_ends_with_the_day(
    series: Series, on: date, place: Place, first: date
):
    start = datetime.combine(first, datetime.min.time())
    for timed in between(series, on, CAREFUL, place, start, start + 500 * DAY):
        zone = CAREFUL.zones(*place)[0]
        there = local(timed.at, zone)
        assert there.date() == timed.point.day
        # Where the clock jumps over the time, it is as long after the jump.
        assert (
            there.strftime("%H:%M") == timed.point.clock or there.utcoffset() != local(timed.at - DAY, zone).utcoffset()
        )
        assert timed.at < timed.ends <= timed.at + timedelta(hours=25.5)
        if series.every is None:
            assert timed.point.day == on + timed.point.moment.days * DAY
            assert timed.point.on == on
        else:
            assert timed.point.on == timed.point.day >= on


@given(DAYS, st.integers(1, 30), st.integers(0, 60))
def test_months_are_counted_from_the_start_and_end_with_the_month(start: date, count: int, number: int):
    days = points(a_series(every=(count, "months")), start, start)
    day = next(point.day for index, point in enumerate(days) if index == number)
    assert (day.year * 12 + day.month) - (start.year * 12 + start.month) == number * count
    assert day.day == start.day or (day + DAY).day == 1


def test_the_31st_is_the_28th_in_february_and_the_31st_again_in_march():
    days = points(a_series(every=(1, "months")), date(2027, 1, 31), date(2027, 1, 1))
    found = [point.day.isoformat() for point in islice(days, 4)]
    assert found == ["2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30"]


def test_a_date_at_the_end_of_time_stops_nothing():
    for series in (a_series(-30, 400), a_series(every=(30, "months"))):
        assert len(list(points(series, date(9998, 12, 31), date(9000, 1, 1)))) == 1


# --- the life of a date ---


def test_an_audit_date_brings_eight_messages_each_on_its_local_day(begin: Callable[[str], Life]):
    life = begin("2026-12-15 09:00")
    near, far = life.town.person(), life.town.person(country="PE", timezone=LIMA)
    for each in (near, far):
        life.due("audit_date", AUDIT, each)
    life.live(utc("2027-03-31 09:00"))
    assert life.sent(near) == AUDIT_MOMENTS
    assert life.sent(far) == AUDIT_MOMENTS
    assert life.town.states() == {"delivered": 16}
    for row in life.rows():
        there = local(row.sent_at, LIMA if row.contact_id == far else NAIROBI)
        assert there.hour == (18 if row.about["moment"] == "on the day" else 16)
        assert {**row.about, "due": 0} == {
            "series": "audit", "moment": row.about["moment"], "due": 0, "on": "2027-03-25", "due_on": "2027-03-25",
        }  # fmt: skip
        assert row.dedupe == f"audit:{row.about['moment']}:{row.contact_id}:2027-03-25"
    with life.engine.begin() as db:
        assert set(db.execute(select(Due.next_at)).scalars()) == {None}


def test_a_reminder_is_written_an_hour_before_with_the_more_urgent_first(begin: Callable[[str], Life]):
    life = begin("2027-03-18 12:29")  # 15:29 in Nairobi
    id = life.town.person()
    due = life.due("audit_date", AUDIT, id)
    life.due("finding_due", date(2027, 3, 21), id)
    life.plan()
    assert life.rows() == []
    life.town.now = utc("2027-03-18 12:30")
    life.plan()
    first, second = sorted(life.rows(), key=lambda row: row.due_at)
    assert (first.about["series"], first.due_at) == ("findings", utc("2027-03-18 13:30:03"))
    assert (second.about, second.due_at, second.expires_at) == (
        {"series": "audit", "moment": "7 days before", "due": due, "on": "2027-03-25", "due_on": "2027-03-25"},
        utc("2027-03-18 13:30:07"),
        utc("2027-03-18 21:00"),
    )
    assert (second.status, second.kind, second.priority, second.channel, second.text) == (
        "queued", "reminder", 5, "ke", None,
    )  # fmt: skip


def test_what_was_past_when_the_date_was_said_is_not_sent_late(begin: Callable[[str], Life]):
    life = begin("2027-03-18 14:00")  # 17:00 in Nairobi: half an hour after the time of "7 days before"
    id = life.town.person()
    life.due("audit_date", AUDIT, id)
    life.live(utc("2027-03-31 09:00"))
    assert life.sent(id) == AUDIT_MOMENTS[5:]
    assert life.town.states() == {"delivered": 3}


def test_a_date_that_moves_takes_its_reminders_with_it(begin: Callable[[str], Life]):
    life = begin("2027-01-01 09:00")
    id = life.town.person()
    life.due("audit_date", AUDIT, id)
    life.live(utc("2027-02-23 13:00"))  # "30 days before" waits for 13:30
    assert [row.about["moment"] for row in life.rows("queued")] == ["30 days before"]
    life.move("audit_date", date(2027, 5, 25), id)
    life.live(utc("2027-06-01 09:00"))
    assert life.sent(id) == [
        ("60 days before", "2027-01-24"),
        ("90 days before", "2027-02-24"),
        ("60 days before", "2027-03-26"),
        ("30 days before", "2027-04-25"),
        ("14 days before", "2027-05-11"),
        ("7 days before", "2027-05-18"),
        ("1 day before", "2027-05-24"),
        ("on the day", "2027-05-25"),
        ("2 days after", "2027-05-27"),
    ]
    assert [row.error for row in life.rows("refused")] == [reasons.DATE_MOVED]


@pytest.mark.parametrize(
    ("after", "to", "again"),
    [
        (timedelta(hours=5), date(2027, 3, 27), False),  # a slip of the finger
        (timedelta(hours=25), date(2027, 3, 27), True),  # thought about
        (timedelta(hours=5), date(2027, 4, 24), True),  # another audit
    ],
)
def test_a_correction_within_a_day_does_not_repeat_what_was_just_sent(
    begin: Callable[[str], Life], after: timedelta, to: date, again: bool
):
    life = begin("2027-02-20 09:00")
    id = life.town.person()
    life.due("audit_date", AUDIT, id)
    life.live(utc("2027-02-23 13:31"))
    assert life.sent(id) == [("30 days before", "2027-02-23")]
    life.live(life.now + after)
    life.move("audit_date", to, id)
    life.live(utc("2027-04-01 09:00"))
    moments = [moment for moment, _ in life.sent(id)]
    assert moments.count("30 days before") == (2 if again else 1)
    assert moments.count("14 days before") == (1 if to < date(2027, 4, 20) else 0)


def test_several_findings_each_bring_their_own(begin: Callable[[str], Life]):
    life = begin("2027-03-01 09:00")
    id = life.town.person()
    for day in (20, 22):
        life.due("finding_due", date(2027, 3, day), id)
    life.live(utc("2027-04-01 09:00"))
    assert life.sent(id) == [
        ("14 days before", "2027-03-06"),
        ("14 days before", "2027-03-08"),
        ("3 days before", "2027-03-17"),
        ("3 days before", "2027-03-19"),
        ("1 day after", "2027-03-21"),
        ("1 day after", "2027-03-23"),
    ]


def test_what_is_done_brings_nothing_more(begin: Callable[[str], Life]):
    life = begin("2027-03-01 09:00")
    id = life.town.person()
    due = life.due("finding_due", date(2027, 3, 20), id)
    life.live(utc("2027-03-17 13:00"))  # "3 days before" waits
    with life.engine.begin() as db:
        db.execute(update(Due).where(Due.id == due).values(done_at=life.now))
    life.live(utc("2027-04-01 09:00"))
    assert life.sent(id) == [("14 days before", "2027-03-06")]
    assert [row.error for row in life.rows("refused")] == [reasons.DATE_MOVED]
    with life.engine.begin() as db:
        assert db.execute(select(Due.next_at)).scalar() is None


def test_a_gateway_that_was_down_for_some_hours_sends_late_the_same_day(begin: Callable[[str], Life]):
    life = begin("2027-03-17 09:00")
    id = life.town.person()
    life.due("audit_date", AUDIT, id)
    life.live(utc("2027-03-20 09:00"), down=(utc("2027-03-18 10:00"), utc("2027-03-18 15:00")))
    (row,) = life.rows()
    assert (row.status, row.about["moment"]) == ("delivered", "7 days before")
    assert utc("2027-03-18 15:00") <= row.sent_at < utc("2027-03-18 16:00")


def test_a_gateway_that_was_down_for_a_day_says_what_it_missed(begin: Callable[[str], Life]):
    life = begin("2027-03-17 09:00")
    id = life.town.person()
    life.due("audit_date", AUDIT, id)
    life.live(utc("2027-03-30 09:00"), down=(utc("2027-03-18 10:00"), utc("2027-03-19 15:00")))
    assert [(row.about["moment"], row.error) for row in life.rows("expired")] == [("7 days before", reasons.TOO_LATE)]
    assert life.rows("expired")[0].done_at == life.rows("expired")[0].created_at
    assert life.sent(id) == AUDIT_MOMENTS[5:]


@pytest.mark.parametrize(
    "who",
    [
        {"fields": {"reminders": "no"}},
        {"fields": {"reminders": ""}},
        {"fields": {"audit_reminders": "no"}},
        {"sealed": False},
        {"stopped_at": MONDAY},
    ],
)
def test_who_did_not_ask_gets_no_row_and_does_once_they_ask(begin: Callable[[str], Life], who: dict[str, Any]):
    life = begin("2027-03-17 09:00")
    id, other = life.town.person(**who), life.town.person()
    life.due("audit_date", AUDIT, id)
    life.due("audit_date", AUDIT, other)
    life.live(utc("2027-03-20 09:00"))
    assert [row.contact_id for row in life.rows()] == [other]
    with life.engine.begin() as db:
        db.execute(update(Contact).values(stopped_at=None))
        sealed = {"sealed": SEAL.seal("+254712345000", "tel", str(id)), "key_id": SEAL.key_id}
        db.execute(update(Address).where(Address.contact_id == id).values(sealed))
        db.execute(delete(Field).where(Field.contact_id == id))
        db.execute(insert(Field).values(contact_id=id, name="reminders", value="yes"))
    life.live(utc("2027-03-30 09:00"))
    assert life.sent(id) == AUDIT_MOMENTS[5:]


def test_where_no_channel_reaches_the_row_says_so(begin: Callable[[str], Life]):
    life = begin("2027-03-18 13:00")
    life.channels = {"ke": channel(), "tz": channel("tz", country="TZ")}
    life.due("audit_date", AUDIT, life.town.person(country="UG", timezone=NAIROBI))
    life.plan()
    assert [(row.status, row.error, row.channel) for row in life.rows()] == [("refused", reasons.NO_CHANNEL, "")]


def test_on_the_day_the_clock_is_changed_the_time_on_the_wall_counts(begin: Callable[[str], Life]):
    life = begin("2027-03-20 09:00")
    id = life.town.person(country="DE", timezone="Europe/Berlin")
    life.due("permit_end", date(2027, 4, 4), id)  # "7 days before" is the Sunday on which summer time begins
    life.live(utc("2027-03-29 09:00"))
    (row,) = life.rows()
    assert row.due_at == utc("2027-03-28 14:30:07")
    assert local(row.sent_at, "Europe/Berlin").strftime("%H:%M") == "16:30"


# --- dates of groups ---


def test_a_date_of_a_group_reaches_all_below_it_each_in_their_zone(begin: Callable[[str], Life]):
    life = begin("2027-03-16 09:00")
    top = life.group("TOP")
    people = [life.town.person(timezone=zone) for zone in (NAIROBI, LIMA, KOLKATA)]
    life.group("SITE", *people[:2], parent=top)
    life.group("PIT", people[1], people[2], parent=life.group("EAST", parent=top))
    outsider = life.town.person()
    life.due("audit_date", AUDIT, group=top)
    life.live(utc("2027-03-31 09:00"))
    for each in people:
        assert life.sent(each) == AUDIT_MOMENTS[4:]
    assert life.sent(outsider) == []
    assert life.town.states() == {"delivered": 12}


def test_who_joins_a_group_later_gets_what_is_still_to_come(begin: Callable[[str], Life]):
    life = begin("2027-03-10 09:00")
    group = life.group("A", life.town.person())
    life.due("audit_date", AUDIT, group=group)
    life.live(utc("2027-03-15 09:00"))
    id = life.town.person(timezone="Pacific/Auckland")
    with life.engine.begin() as db:
        db.execute(insert(Member).values(group_id=group, contact_id=id, role=""))
    life.live(utc("2027-03-31 09:00"))
    assert life.sent(id) == AUDIT_MOMENTS[4:]
    assert life.rows("expired") == []


def test_a_person_with_the_same_date_as_their_group_gets_one_message(begin: Callable[[str], Life]):
    life = begin("2027-03-17 09:00")
    id = life.town.person()
    life.due("audit_date", AUDIT, id)
    life.due("audit_date", AUDIT, group=life.group("A", id))
    life.live(utc("2027-03-19 09:00"))
    assert life.sent(id) == [AUDIT_MOMENTS[4]]


def test_a_big_group_is_done_in_slices_and_taken_up_where_it_was(
    begin: Callable[[str], Life], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(reminders, "SLICE", 7)
    life = begin("2027-03-17 09:00")
    people = [*life.town.people(7, timezone=KOLKATA), *life.town.people(13)]
    group = life.group("A", *people)
    life.town.now = utc("2027-03-18 13:00")
    life.plan()
    life.due("audit_date", AUDIT, group=group)
    with life.engine.begin() as db:
        db.execute(update(Due).values(set_at=life.now - DAY, next_at=utc("2027-03-18 10:00")))
    playing = house(life.content)
    for written in (7, 14):
        with life.engine.begin() as db:
            assert reminders.plan(db, life.now, playing, life.channels) == 1
        assert len(life.rows()) == written
    with life.engine.connect() as db:  # a slice that breaks off
        reminders.plan(db, life.now, playing, life.channels)
        db.rollback()
    assert len(life.rows()) == 14
    life.plan()
    assert sorted(row.contact_id for row in life.rows()) == people
    with life.engine.begin() as db:
        assert db.execute(select(func.count()).where(Event.what == reminders_tasks.PLACE)).scalar() == 0
        # Whoever was seen first counts still: midnight in Kolkata, when the 19th went by without an answer.
        assert db.execute(select(Due.next_at)).scalar() == utc("2027-03-19 18:30")
    assert life.plan() == 0


def test_a_date_that_moves_while_a_big_group_is_done_begins_again(
    begin: Callable[[str], Life], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(reminders, "SLICE", 7)
    life = begin("2027-03-18 13:00")
    people = life.town.people(10)
    group = life.group("A", *people)
    life.plan()
    life.due("audit_date", AUDIT, group=group)
    with life.engine.begin() as db:
        reminders.plan(db, life.now, house(life.content), life.channels)
    assert len(life.rows()) == 7
    life.move("audit_date", date(2027, 4, 1), group=group)  # "14 days before" is today
    life.plan()
    life.send()
    life.live(utc("2027-03-18 14:00"))
    assert {life.sent(each)[0][0] for each in people} == {"14 days before"}
    assert life.town.states() == {"delivered": 10, "refused": 7}


# --- somebody falls silent ---


def test_an_officer_hears_once_that_nothing_was_heard_without_a_name(begin: Callable[[str], Life]):
    life = begin("2026-12-20 09:00")
    id, officer, member = life.town.people(3)
    life.group("A", id, member, officer=officer)
    life.due("audit_date", AUDIT, id)
    life.live(utc("2027-04-05 09:00"))
    (row,) = [row for row in life.rows() if row.contact_id == officer]
    assert (row.status, row.about["moment"], row.about["values"]) == ("delivered", "officer", {"group": "Group A"})
    assert row.dedupe == f"audit:officer:{officer}:{row.about['due']}:2027-03-25"
    assert local(row.sent_at, NAIROBI).strftime("%Y-%m-%d %H") == "2027-01-26 08"  # the morning after a day of waiting
    assert "Group A" in row.text
    assert "25 Mar 2027" in row.text
    assert life.sent(id) == AUDIT_MOMENTS


def test_no_officer_hears_of_somebody_who_was_heard(begin: Callable[[str], Life]):
    life = begin("2026-12-20 09:00")
    id, officer = life.town.people(2)
    life.group("A", id, officer=officer)
    life.due("audit_date", AUDIT, id)
    for day in ("2027-01-25", "2027-03-02", "2027-03-12", "2027-03-19", "2027-03-25 14:00", "2027-03-28"):
        life.live(utc(day))
        life.heard(id)
    life.live(utc("2027-04-05 09:00"))
    assert life.sent(id) == AUDIT_MOMENTS
    assert [row for row in life.rows() if row.contact_id == officer] == []


def test_the_officer_of_the_group_above_is_told_where_the_group_has_none_and_nobody_of_himself(
    begin: Callable[[str], Life],
):
    life = begin("2027-01-20 09:00")
    id, officer, unwilling = life.town.person(), life.town.person(), life.town.person(fields={"reminders": "no"})
    top = life.group("TOP", unwilling, officer=officer)
    life.group("SITE", id, parent=top)
    life.due("audit_date", AUDIT, group=top)
    life.live(utc("2027-03-05 09:00"))
    told = [row for row in life.rows() if row.about["moment"] == "officer"]
    assert [(row.contact_id, row.about["values"]["group"]) for row in told] == [(officer, "Group TOP")]
    assert len(life.sent(id)) == 2


def test_nobody_hears_of_himself_and_the_groups_above_hear_only_where_there_is_no_officer_nearer(
    begin: Callable[[str], Life],
):
    life = begin("2027-03-01 09:00")
    id, lonely, near, far = life.town.people(4)
    top = life.group("TOP", officer=far)
    life.group("SITE", id, parent=top, officer=near)
    life.group("PIT", officer=lonely)
    for each in (id, lonely):
        life.due("finding_due", date(2027, 3, 20), each)
    life.live(utc("2027-04-05 09:00"))
    told = [(row.contact_id, row.about["values"]["group"]) for row in life.rows() if row.about["moment"] == "officer"]
    assert told == [(near, "Group SITE")]


def test_a_person_has_a_day_to_answer_before_the_officer_hears_of_it(begin: Callable[[str], Life]):
    life = begin("2027-03-01 09:00")
    id, officer = life.town.people(2)
    life.group("A", id, officer=officer)
    life.due("finding_due", date(2027, 3, 20), id)
    life.live(utc("2027-03-17 20:00"))
    assert len(life.sent(id)) == 2
    with life.engine.begin() as db:
        db.execute(update(Due).values(next_at=life.now))  # something made the date be looked at again
    life.plan()
    life.live(utc("2027-03-18 13:00"))
    assert [row for row in life.rows() if row.contact_id == officer] == []
    life.live(utc("2027-03-20 09:00"))
    assert [moment for moment, _ in life.sent(officer)] == ["officer"]


def test_the_last_reminders_of_a_date_are_followed_up_too(begin: Callable[[str], Life]):
    life = begin("2027-03-10 09:00")
    id, officer = life.town.people(2)
    life.group("A", id, officer=officer)
    life.due("finding_due", date(2027, 3, 20), id)
    life.live(utc("2027-04-05 09:00"))
    assert life.sent(id) == [("3 days before", "2027-03-17"), ("1 day after", "2027-03-21")]
    assert life.sent(officer) == [("officer", "2027-03-23")]


# --- series that come again and again ---

LEADER = {"role": "leader"}


def test_the_groups_own_check_comes_every_three_months_to_its_leaders(begin: Callable[[str], Life]):
    life = begin("2027-01-01 09:00")
    leader, worker = life.town.person(fields=LEADER), life.town.person()
    group = life.group("A", leader, worker)
    life.due("own_check", date(2027, 1, 31), group=group)
    life.due("books", date(2037, 1, 1), group=group)  # far away
    life.due("meeting", date(2037, 1, 1), group=group)
    for month in range(2, 13, 2):
        life.live(utc(f"2027-{month:02}-15"))
        life.heard(leader)
    life.live(utc("2028-02-15"))
    assert life.sent(leader) == [
        ("on the day", day) for day in ("2027-01-31", "2027-04-30", "2027-07-31", "2027-10-31", "2028-01-31")
    ]
    assert life.sent(worker) == []
    assert {row.about["on"] for row in life.rows()} == {day for _, day in life.sent(leader)}
    assert {row.about["due_on"] for row in life.rows()} == {"2027-01-31"}


def test_two_unanswered_ones_are_enough_until_the_person_is_heard(begin: Callable[[str], Life]):
    life = begin("2027-01-01 09:00")
    leader = life.town.person(fields=LEADER)
    life.due("books", date(2027, 1, 10), leader)
    life.due("own_check", date(2037, 1, 1), leader)
    life.due("meeting", date(2037, 1, 1), leader)
    life.live(utc("2027-06-15"))
    assert [day for _, day in life.sent(leader)] == ["2027-01-10", "2027-02-10"]
    life.heard(leader)
    life.live(utc("2027-12-15"))
    assert [day for _, day in life.sent(leader)][2:] == ["2027-07-10", "2027-08-10"]


def test_where_a_group_has_a_start_the_persons_own_does_not_count(begin: Callable[[str], Life]):
    life = begin("2027-01-01 09:00")
    leader = life.town.person(fields=LEADER)
    for name in ("books", "own_check", "meeting"):
        life.due(name, date(2027, 1, 5), leader)
        life.due(name, date(2027, 1, 9) if name == "books" else date(2037, 1, 1), group=life.group(name, leader))
    life.live(utc("2027-01-30"))
    assert life.sent(leader) == [("on the day", "2027-01-09")]


def test_who_agrees_gets_a_start_of_their_own_once_and_each_series_on_another_day(begin: Callable[[str], Life]):
    life = begin("2027-01-05 09:00")
    leader, worker, unwilling = (
        life.town.person(fields=LEADER),
        life.town.person(),
        life.town.person(fields={**LEADER, "reminders": "no"}),
    )
    grouped = life.town.person(fields=LEADER)
    life.due("meeting", date(2027, 6, 1), group=life.group("A", grouped))
    life.plan()

    def starts(contact: int) -> dict[str, str]:
        with life.engine.begin() as db:
            rows = db.execute(select(Due.name, Due.on).where(Due.contact_id == contact))
            return {name: on.isoformat() for name, on in rows}

    assert starts(leader) == {"books": "2027-02-05", "meeting": "2028-01-12", "own_check": "2027-04-19"}
    assert starts(grouped) == {"books": "2027-02-05", "own_check": "2027-04-19"}
    assert starts(worker) == starts(unwilling) == {}
    with life.engine.begin() as db:
        db.execute(update(Field).where(Field.contact_id == unwilling, Field.name == "reminders").values(value="yes"))
        db.execute(update(Due).where(Due.contact_id == leader, Due.name == "books").values(done_at=life.now))
    life.town.now += 4 * DAY
    life.plan()
    assert starts(unwilling)["books"] == "2027-02-09"
    with life.engine.begin() as db:
        assert db.execute(select(func.count()).select_from(Due)).scalar() == 3 + 2 + 3 + 1


# --- the content changes ---


def test_a_moment_that_is_added_counts_for_dates_that_are_there(begin: Callable[[str], Life]):
    life = begin("2027-03-01 09:00")
    id = life.town.person()
    life.due("audit_date", AUDIT, id)
    life.live(utc("2027-03-12 09:00"))
    series = life.content.series["audit"]
    ten = replace(series.moments[3], name="10 days before", days=-10)
    added = {**life.content.series, "audit": replace(series, moments=(*series.moments, ten))}
    life.content = replace(life.content, series=MappingProxyType(added))
    life.live(utc("2027-03-19 09:00"))
    assert life.sent(id) == [
        ("14 days before", "2027-03-11"),
        ("10 days before", "2027-03-15"),
        ("7 days before", "2027-03-18"),
    ]


def test_a_date_that_no_series_counts_from_rests_until_one_does(begin: Callable[[str], Life]):
    life = begin("2027-03-01 09:00")
    id = life.town.person()
    whole = life.content
    without = {name: each for name, each in whole.series.items() if name != "audit"}
    life.content = replace(whole, series=MappingProxyType(without))
    life.due("audit_date", AUDIT, id)
    life.live(utc("2027-03-12 09:00"))
    with life.engine.begin() as db:
        assert db.execute(select(Due.next_at)).scalar() is None
    life.content = whole
    life.live(utc("2027-03-19 09:00"))
    assert life.sent(id) == [("7 days before", "2027-03-18")]


def test_two_processes_with_two_contents_do_not_work_against_each_other(begin: Callable[[str], Life]):
    life = begin("2027-03-01 09:00")
    life.due("audit_date", AUDIT, life.town.person())
    whole = life.content
    other = replace(whole, series=MappingProxyType({"permit": whole.series["permit"]}))
    for n in range(20):
        life.content = other if n % 2 else whole
        life.plan()
    with life.engine.begin() as db:
        assert db.execute(select(func.count()).where(Event.what == "series")).scalar() == 1


# --- several processes ---


@pytest.mark.postgres
def test_two_planners_at_once_write_each_message_once(
    begin: Callable[[str], Life], engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    if engine.dialect.name == "sqlite":
        return  # one writer at a time
    monkeypatch.setattr(reminders, "SLICE", 10)
    life = begin("2027-03-18 13:00")
    people = life.town.people(60)
    life.plan()
    group = life.group("A", *people[:30])
    life.due("audit_date", AUDIT, group=group)
    for each in people[30:]:
        life.due("audit_date", AUDIT, each)
    for each in people[:10]:
        life.due("finding_due", date(2027, 3, 21), each)
    failed: list[BaseException] = []

    def work() -> None:
        playing = house(life.content)
        try:
            for _ in range(40):
                with engine.begin() as db:
                    reminders.plan(db, life.now, playing, life.channels)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    life.plan()
    assert sorted(row.contact_id for row in life.rows() if row.about["series"] == "audit") == people
    assert sorted(row.contact_id for row in life.rows() if row.about["series"] == "findings") == people[:10]
    with engine.begin() as db:
        assert db.execute(select(func.count()).where(Due.next_at <= life.now)).scalar() == 0


def test_every_series_of_the_content_counts_from_something(keeper: Keeper):
    series = keeper.content.series
    for each in series.values():
        assert concerning(series.values(), each.count_from or each.id)
