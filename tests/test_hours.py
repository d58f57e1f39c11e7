"""Quiet hours and days of rest: nobody is written to at night, on a day of rest, or while it is night in one of the
zones in which a person may be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialogs.check.catalogue import BASE
from dialogs.content import BUNDLED, Content, Keeper
from dialogs.hours import CAREFUL, NEVER, Country, Hours, Window, zone
from dialogs.problem import Problem
from dialogs.reading import read_hours
from dialogs.reading.zones import countries, zones_of_countries
from tests.test_numbers import COUNTRIES

MINUTE = timedelta(minutes=1)
DAY = (time(8), time(19))
KENYA = """\
KE:
  zones: Africa/Nairobi
  weekdays: 08:00-19:00
  saturday: 08:00-12:00
  sunday: none
  source: none found; careful default
  checked_on: 2026-11-22
"""


def utc(text: str) -> datetime:
    """A moment as the program has it: UTC without a zone."""
    return datetime.fromisoformat(text)


def hours(*zones: str, holidays: tuple[str, ...] = (), **days: str) -> Hours:
    """The same hours for every country, from lines such as `friday="none"`."""
    lines = ["otherwise:", "  zones:", *(f"    - {name}" for name in zones)]
    lines += [f"  {day}: {window}" for day, window in days.items()]
    lines += ["  holidays:", *(f"    - {day}" for day in holidays)]
    lines += ["  source: a test", "  checked_on: 2026-11-22"]
    found, problems = read_hours("content/hours.yaml", "\n".join(lines) + "\n")
    assert problems == []
    return found


def problem_of(source: str) -> Problem:
    [problem] = read_hours("content/hours.yaml", source)[1]
    return problem


# --- when a message may go ---


@pytest.mark.parametrize(
    ("at", "allowed"),
    [
        ("2026-12-07T09:00:00", "2026-12-07T09:00:00"),  # Monday noon in Nairobi
        ("2026-12-07T05:00:00", "2026-12-07T05:00:00"),  # 08:00
        ("2026-12-07T04:59:59.999999", "2026-12-07T05:00:00"),
        ("2026-12-07T15:59:59.999999", "2026-12-07T15:59:59.999999"),
        ("2026-12-07T16:00:00", "2026-12-08T05:00:00"),  # 19:00 is too late
        ("2026-12-05T08:59:30", "2026-12-05T08:59:30"),  # Saturday
        ("2026-12-05T09:00:00", "2026-12-07T05:00:00"),  # Saturday noon: over Sunday to Monday
        ("2026-12-06T09:00:00", "2026-12-07T05:00:00"),
        ("2026-12-04T22:30:00", "2026-12-05T05:00:00"),  # already Saturday there
    ],
)
def test_a_message_waits_for_the_hours_of_the_country(at: str, allowed: str):
    found, _ = read_hours("content/hours.yaml", KENYA)
    assert found.next_allowed("KE", "", utc(at)) == utc(allowed)


def test_days_of_rest_and_holidays_in_a_row_are_all_waited_for():
    found = hours("Africa/Khartoum", holidays=("2026-12-12", "2026-12-13"), friday="none", saturday="none")
    assert found.next_allowed("KE", "", utc("2026-12-10T18:00:00")) == utc("2026-12-14T06:00:00")


def test_a_day_that_ends_at_midnight_runs_into_the_next_one():
    found = hours("Africa/Abidjan", weekdays="20:00-24:00", saturday="00:00-24:00", sunday="none")
    assert found.next_allowed("KE", "", utc("2026-12-04T23:59:59")) == utc("2026-12-04T23:59:59")
    assert found.next_allowed("KE", "", utc("2026-12-05T00:00:00")) == utc("2026-12-05T00:00:00")
    assert found.next_allowed("KE", "", utc("2026-12-05T23:59:59")) == utc("2026-12-05T23:59:59")
    assert found.next_allowed("KE", "", utc("2026-12-06T00:00:00")) == utc("2026-12-07T20:00:00")


def test_who_may_be_in_several_zones_is_written_to_while_it_is_allowed_in_all():
    found = hours("Asia/Jakarta", "Asia/Jayapura", weekdays="08:00-19:00", sunday="none")
    assert found.next_allowed("KE", "", utc("2026-12-07T00:00:00")) == utc("2026-12-07T01:00:00")  # 08:00 in Jakarta
    assert found.next_allowed("KE", "", utc("2026-12-07T10:00:00")) == utc("2026-12-08T01:00:00")  # 19:00 in Jayapura
    assert found.next_allowed("KE", "Asia/Jakarta", utc("2026-12-07T10:00:00")) == utc("2026-12-07T10:00:00")
    assert found.next_allowed("KE", "Asia/Jayapura", utc("2026-12-06T23:00:00")) == utc("2026-12-06T23:00:00")


@pytest.mark.parametrize("name", ["", "Africa/Nairoby", "Africa", "../../etc/passwd", "x\0y", "EAT+3", "é" * 300])
def test_a_zone_that_is_not_known_counts_as_none(name: str):
    found, _ = read_hours("content/hours.yaml", KENYA)
    assert zone(name) is None
    assert found.zones("KE", name) == ("Africa/Nairobi",)
    assert found.next_allowed("KE", name, utc("2026-12-07T04:00:00")) == utc("2026-12-07T05:00:00")


def test_a_country_that_is_not_listed_has_the_hours_of_otherwise_in_the_zone_of_the_person():
    found, _ = read_hours("content/hours.yaml", KENYA)
    at = utc("2026-12-07T05:00:00")
    assert found.zones("", "") == found.zones("ZZ", "") == CAREFUL.otherwise.zones
    assert found.next_allowed("ZZ", "", at) == utc("2026-12-07T08:00:00")  # in the west and the east of Africa
    assert found.next_allowed("ZZ", "America/Lima", at) == utc("2026-12-07T13:00:00")


def test_zones_that_never_share_an_hour_and_a_year_of_holidays_are_never():
    window: dict[int, Window | None] = dict.fromkeys(range(7), DAY)
    apart = Country("PF", ("Pacific/Kiritimati", "Pacific/Pago_Pago"), {**window, 5: None, 6: None})
    narrow = Country("XX", ("Africa/Abidjan", "Asia/Manila"), dict.fromkeys(range(7), (time(8), time(12))))
    closed = Country("XX", ("Africa/Abidjan",), dict.fromkeys(range(7)))
    year = frozenset(date(2026, 1, 1) + timedelta(days=each) for each in range(800))
    resting = Country("XX", ("Africa/Abidjan",), window, year)
    at = utc("2026-06-01T00:00:00")
    for country in (narrow, closed, resting):
        assert Hours({}, country).next_allowed("", "", at) == NEVER
    assert Hours({}, apart).next_allowed("", "", at) < NEVER


# --- clocks that are put forward and back ---


def test_hours_that_a_clock_jumps_over_begin_where_it_lands():
    found = hours("America/Santiago", saturday="none", sunday="00:00-02:00")  # 2026-09-06 00:00 becomes 01:00
    assert found.next_allowed("KE", "", utc("2026-09-05T20:00:00")) == utc("2026-09-06T04:00:00")
    skipped = hours("Europe/Paris", saturday="none", sunday="02:00-02:30")  # 2026-03-29 02:00 becomes 03:00
    week = skipped.next_allowed("KE", "", utc("2026-03-28T20:00:00"))
    assert week == utc("2026-03-30T06:00:00")  # Monday 08:00: there was no such half hour on that Sunday


def test_hours_that_come_twice_are_open_twice():
    found = hours("Europe/Paris", sunday="02:00-02:30")  # 2026-10-25 03:00 becomes 02:00
    assert found.next_allowed("KE", "", utc("2026-10-25T00:29:00")) == utc("2026-10-25T00:29:00")
    assert found.next_allowed("KE", "", utc("2026-10-25T00:30:00")) == utc("2026-10-25T01:00:00")
    assert found.next_allowed("KE", "", utc("2026-10-25T01:30:00")) == utc("2026-10-26T07:00:00")


def allowed(rules: Country, zones: tuple[str, ...], at: datetime) -> bool:
    """Whether a message may go, minute by minute and by another way than the program's."""
    for name in zones:
        there = at.replace(tzinfo=UTC).astimezone(ZoneInfo(name))
        window = rules.windows[there.weekday()]
        if window is None or there.date() in rules.holidays:
            return False
        minute, start = there.hour * 60 + there.minute, window[0].hour * 60 + window[0].minute
        if not start <= minute < (window[1].hour * 60 + window[1].minute or 24 * 60):
            return False
    return True


ZONES = st.sampled_from(
    [
        ("America/Santiago",),
        ("Africa/Cairo",),
        ("Africa/Casablanca",),
        ("Europe/Paris",),
        ("Australia/Lord_Howe",),  # by half an hour
        ("Africa/Kinshasa", "Africa/Lubumbashi"),
        ("Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura"),
        ("America/Santiago", "Africa/Cairo"),
    ]
)
TURNS = ("2026-04-05T03:00", "2026-09-06T04:00", "2026-04-23T22:00", "2026-10-29T21:00", "2027-02-07T02:00",
         "2027-03-14T02:00", "2026-03-29T01:00", "2026-10-25T01:00")  # fmt: skip
MOMENTS = st.one_of(
    st.datetimes(datetime(2026, 1, 1), datetime(2028, 12, 31)),  # noqa: DTZ001
    st.builds(lambda turn, minutes: utc(turn) + minutes * MINUTE, st.sampled_from(TURNS), st.integers(-1500, 300)),
)


@st.composite
def windows(draw: st.DrawFn) -> Window:
    start = draw(st.integers(0, 1439))
    end = draw(st.integers(start + 1, 1440)) % 1440
    return time(*divmod(start, 60)), time(*divmod(end, 60))


@st.composite
def rules(draw: st.DrawFn) -> Country:
    one = draw(windows())
    days = {day: draw(st.sampled_from([one, one, draw(windows()), None])) for day in range(7)}
    turns = [utc(turn).date() for turn in TURNS]
    return Country("XX", draw(ZONES), days, frozenset(draw(st.lists(st.sampled_from(turns), max_size=2))))


@given(rules(), MOMENTS)
@settings(max_examples=120, deadline=None)
def test_the_next_moment_is_the_first_one_that_is_allowed(country: Country, at: datetime):
    found = Hours({}, country)
    moment = found.next_allowed("", "", at)
    assert moment >= at
    if moment < NEVER:
        assert allowed(country, country.zones, moment)
        assert found.next_allowed("", "", moment) == moment
    assert not any(allowed(country, country.zones, each) for each in minutes(at, moment))


def minutes(at: datetime, until: datetime) -> Iterator[datetime]:
    """Every minute from `at` on, up to eight days."""
    for each in range(8 * 24 * 60):
        if at + each * MINUTE >= until:
            return
        yield at + each * MINUTE


@given(rules(), MOMENTS)
@settings(max_examples=120, deadline=None)
def test_a_local_day_begins_where_the_one_before_it_ends(country: Country, at: datetime):
    found = Hours({}, country)
    day = found.local_day("", "", at)
    start, end = (found.end_of_day("", "", each) for each in (day - timedelta(days=1), day))
    assert start <= at < end
    assert found.local_day("", "", end) == day + timedelta(days=1)
    assert found.local_day("", "", end - MINUTE) == day
    assert found.local_day("", "", found.at_local("", "", day, "16:30")) == day


def test_a_time_of_day_is_meant_where_the_person_is():
    found, _ = read_hours("content/hours.yaml", KENYA)
    day = date(2026, 12, 7)
    assert found.at_local("KE", "", day, "16:30") == utc("2026-12-07T13:30:00")
    assert found.at_local("KE", "America/Lima", day, "16:30") == utc("2026-12-07T21:30:00")
    assert found.local_day("KE", "", utc("2026-12-06T21:30:00")) == day
    assert found.end_of_day("KE", "", day) == utc("2026-12-07T21:00:00")


def test_a_time_that_comes_twice_is_the_first_and_one_that_is_jumped_over_comes_after_the_jump():
    found = hours("Europe/Paris")
    assert found.at_local("KE", "", date(2026, 10, 25), "02:30") == utc("2026-10-25T00:30:00")
    assert found.at_local("KE", "", date(2026, 3, 29), "02:30") == utc("2026-03-29T01:30:00")
    cairo = hours("Africa/Cairo")  # its clocks change at midnight
    assert cairo.end_of_day("KE", "", date(2026, 10, 29)) == utc("2026-10-29T22:00:00")
    assert cairo.end_of_day("KE", "", date(2026, 4, 23)) == utc("2026-04-23T22:00:00")


# --- reading the file ---


def test_a_day_has_its_own_hours_else_those_of_weekdays_else_those_of_otherwise():
    source = """\
otherwise:
  zones: Africa/Lagos
  weekdays: 9:00 - 17:30
  saturday: 10:00–12:00
  source: a test
  checked_on: 2026-11-01
SD:
  zones: Africa/Khartoum
  friday: none
  sunday: 08:00-24:00
  holidays:
    - 2026-12-25
  source: another test
  checked_on: 2026-11-22
  note: Friday is the day of rest
"""
    found, problems = read_hours("content/hours.yaml", source)
    assert problems == []
    sudan = found.countries["SD"]
    usual = (time(9), time(17, 30))
    assert found.otherwise.windows == {
        0: usual,
        1: usual,
        2: usual,
        3: usual,
        4: usual,
        5: (time(10), time(12)),
        6: None,
    }
    assert sudan.windows == {**found.otherwise.windows, 4: None, 6: (time(8), time(0))}
    assert (sudan.code, sudan.zones, sudan.holidays) == ("SD", ("Africa/Khartoum",), frozenset({date(2026, 12, 25)}))
    assert (sudan.source, sudan.checked_on, sudan.note) == (
        "another test", date(2026, 11, 22), "Friday is the day of rest",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "slug", "text", "mend"),
    [
        ("08:00-19:00", "08:00", "bad-hours", '"08:00" cannot be read as hours.', "08:00-19:00"),
        ("08:00-19:00", "08:00-25:00", "bad-hours", "cannot be read", "08:00-19:00"),
        ("08:00-19:00", "closed", "bad-hours", "cannot be read", '"none" for a day'),
        ("08:00-12:00", "12:00-08:00", "bad-hours", "ends before it begins", "earlier time first"),
        ("08:00-12:00", "08:00-08:00", "bad-hours", "ends before it begins", "earlier time first"),
        ("08:00-12:00", "20:00-00:00", "bad-hours", "ends before it begins", "24:00"),
        ("Africa/Nairobi", "Africa/Nairoby", "unknown-zone", '"Africa/Nairoby"', 'Did you mean "Africa/Nairobi"?'),
        ("Africa/Nairobi", "+3", "unknown-zone", '"+3"', "There are: Africa/Nairobi."),
        ("Africa/Nairobi", "Africa/Lagos", "other-zone", "the time of Nigeria, not of Kenya", "KE has: "),
        ("KE:", "ke:", "unknown-country", '"ke" is no country.', 'Did you mean "KE"?'),
        ("KE:", "Kenya:", "unknown-country", '"Kenya" is no country.', 'Did you mean "KE"?'),
        ("KE:", "other:", "unknown-country", '"other" is no country.', 'Did you mean "otherwise"?'),
        ("KE:", "XX:", "unknown-country", '"XX" is no country.', "two capital letters"),
        ("  source: none found; careful default\n", "", "no-source", '"KE" has no "source".', "where the rule stands"),
        ("  checked_on: 2026-11-22\n", "", "no-source", '"KE" has no "checked_on".', "when you looked"),
        ("2026-11-22", "2026-02-30", "wrong-type", '"checked_on" wants a date', "2026-12-25"),
        ("2026-11-22", "22/11/2026", "wrong-type", '"checked_on" wants a date', "2026-12-25"),
        ("  zones: Africa/Nairobi\n", "", "missing-key", '"KE" has no "zones".', "zones"),
        ("sunday: none", "sundays: none", "unknown-key", '"sundays"', 'Did you mean "sunday"?'),
        ("sunday: none", "holidays: 25 December", "wrong-type", '"holidays" wants a date', "2026-12-25"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_how_to_mend_it(old: str, new: str, slug: str, text: str, mend: str):
    assert old in KENYA
    problem = problem_of(KENYA.replace(old, new, 1))
    assert (problem.slug, problem.level) == (slug, "warning" if slug == "other-zone" else "error")
    assert text in problem.text
    assert mend in problem.mend


def test_a_country_in_which_nothing_could_ever_be_sent_is_told():
    closed = KENYA.replace("08:00-19:00", "none").replace("08:00-12:00", "none")
    assert problem_of(closed).slug == "no-hours"
    apart = "MN:\n  zones:\n    - Asia/Ulaanbaatar\n    - Asia/Hovd\n  weekdays: 08:00-09:00\n  saturday: none\n"
    problem = problem_of(f"{apart}  source: a test\n  checked_on: 2026-11-22\n")
    assert (problem.slug, problem.mend) == ("no-hours", "Make the hours longer, or list fewer zones.")


def test_an_empty_list_of_holidays_is_none():
    found, problems = read_hours("content/hours.yaml", f"{KENYA}  holidays:\n")
    assert (problems, found.countries["KE"].holidays) == ([], frozenset())


@given(st.one_of(st.text(), st.binary(), st.text("KE:\n -zones/0129none").map(lambda text: KENYA + text)))
def test_no_file_breaks_the_reading(source: str | bytes):
    found, _ = read_hours("content/hours.yaml", source)
    assert found.next_allowed("KE", "", utc("2026-12-07T00:00:00")) >= utc("2026-12-07T00:00:00")


# --- the content in force ---


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small content without a fault and without hours."""
    for name, text in BASE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path / "content"


def test_a_folder_without_the_file_has_the_careful_hours(folder: Path):
    content, problems = Content.load(folder)
    assert problems == []
    assert content is not None
    assert content.hours is CAREFUL


def test_an_operator_edits_the_file_and_it_is_in_force(folder: Path):
    keeper = Keeper(folder)
    before, at = keeper.content, utc("2026-12-07T05:00:00")
    assert before.hours.next_allowed("KE", "", at) > at
    (folder / "hours.yaml").write_text(KENYA, encoding="utf-8")
    assert keeper.refresh() == []
    assert keeper.content.hours.next_allowed("KE", "", at) == at
    assert keeper.content.revision != before.revision


def test_a_broken_file_never_goes_live(folder: Path):
    (folder / "hours.yaml").write_text(KENYA, encoding="utf-8")
    keeper = Keeper(folder)
    (folder / "hours.yaml").write_text(KENYA.replace("08:00-19:00", "19:00-08:00"), encoding="utf-8")
    assert [problem.slug for problem in keeper.refresh()] == ["bad-hours"]
    assert keeper.content.hours.countries["KE"].windows[0] == DAY
    assert Content.load(folder)[0] is None


def test_an_error_in_the_hours_hides_no_error_elsewhere(folder: Path):
    (folder / "hours.yaml").write_text("audit_date: none\n", encoding="utf-8")
    series = folder / "reminders" / "audit.yaml"
    series.write_text(series.read_text("utf-8").replace("audit_date", "audit_day"), encoding="utf-8")
    alone = {problem.slug for problem in Content.load(folder)[1]} - {"unknown-country", "wrong-type"}
    (folder / "hours.yaml").unlink()
    assert alone == {problem.slug for problem in Content.load(folder)[1]} != set()


# --- the hours that come with the program ---


@pytest.fixture(scope="module")
def bundled() -> Hours:
    found, problems = read_hours("content/hours.yaml", (BUNDLED / "hours.yaml").read_bytes())
    assert problems == []
    return found


def test_every_country_with_small_scale_mining_is_there_with_all_its_zones(bundled: Hours):
    assert set(COUNTRIES) <= set(bundled.countries)
    for code, country in bundled.countries.items():
        assert set(country.zones) == set(zones_of_countries()[code]), code


def test_nobody_is_written_to_before_seven_or_after_eight_or_on_a_day_of_rest(bundled: Hours):
    for country in (bundled.otherwise, *bundled.countries.values()):
        open_days = {day: window for day, window in country.windows.items() if window is not None}
        assert country.windows[4 if country.code == "SD" else 6] is None, country.code
        assert all(time(7) <= start < end <= time(20) for start, end in open_days.values()), country.code
        assert country.source
        assert bundled.next_allowed(country.code, "", utc("2026-12-04T20:00:00")) < utc("2026-12-08T00:00:00")


def test_the_file_and_the_program_mean_the_same_by_otherwise(bundled: Hours):
    assert bundled.otherwise.zones == CAREFUL.otherwise.zones
    assert bundled.otherwise.windows == CAREFUL.otherwise.windows


def test_the_holidays_of_colombia_are_those_of_its_laws(bundled: Hours):
    easter = date(2027, 3, 28)
    fixed = ["01-01", "05-01", "07-20", "08-07", "12-08", "12-25"]
    moved = ["01-06", "03-19", "06-29", "07-09", "08-15", "10-12", "11-01", "11-11"]  # to the Monday after
    days = {date.fromisoformat(f"2027-{day}") for day in fixed}
    days |= {monday(date.fromisoformat(f"2027-{day}")) for day in moved}
    days |= {easter - timedelta(days=3), easter - timedelta(days=2)}
    days |= {easter + timedelta(days=each) for each in (43, 64, 71)}
    assert {day for day in bundled.countries["CO"].holidays if day.year == 2027} == days
    saturday = bundled.next_allowed("CO", "", utc("2027-03-25T15:00:00"))
    assert saturday == utc("2027-03-27T13:00:00")


def monday(day: date) -> date:
    return day + timedelta(days=-day.weekday() % 7)


def test_the_tables_of_countries_know_the_countries():
    assert countries()["KE"] == "Kenya"
    assert zones_of_countries()["CD"] == ("Africa/Kinshasa", "Africa/Lubumbashi")
    assert isinstance(CAREFUL.countries, MappingProxyType)
