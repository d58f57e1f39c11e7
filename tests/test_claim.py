from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, insert, update

from dialogs.content import Keeper
from dialogs.database import open_engine
from dialogs.tables import Address, Contact, Due, Run, Session
from gateway import pace, reasons
from gateway.batch import Claimed, Lane
from gateway.claim import claim
from gateway.tables import Broadcast, Message
from tests.town import BATCHES, MONDAY, SINGLES, Town, channel, house, inserted

Take = Callable[..., Claimed]


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def town(engine: Engine) -> Town:
    return Town(engine)


@pytest.fixture
def take(engine: Engine, keeper: Keeper) -> Take:
    """A claim in a transaction of its own."""
    playing = house(keeper.content)

    def take(lane: Lane | None = None, free: int = 4, now: datetime = MONDAY) -> Claimed:
        with engine.begin() as db:
            return claim(db, lane or Lane(channel(), BATCHES), free, playing, playing.content.hours, now)

    return take


def texts(claimed: Claimed) -> list[tuple[str, str]]:
    return [(message.to, message.text) for call in claimed.calls for message in call]


# --- what goes ---


def test_a_broadcast_goes_to_each_in_their_language_and_one_text_makes_one_call(town: Town, take: Take):
    for n, language in enumerate(("en", "sw", "sw", "fr", "xx")):
        town.broadcast([town.person(f"+25471234500{n}", language=language)], {"en": "Saturday.", "sw": "Jumamosi."})
    claimed = take()
    assert sorted(texts(claimed)) == [
        ("+254712345000", "Saturday."),
        ("+254712345001", "Jumamosi."),
        ("+254712345002", "Jumamosi."),
        ("+254712345003", "Saturday."),
        ("+254712345004", "Saturday."),
    ]
    assert len(claimed.calls) == 2
    assert {(row.status, row.language, row.segments, row.attempts) for row in town.messages()} == {
        ("sending", "en", 1, 1),
        ("sending", "sw", 1, 1),
    }
    assert all(row.address_id and row.sent_at == MONDAY and row.lease_until > MONDAY for row in town.messages())


def test_what_is_claimed_is_not_claimed_again(town: Town, take: Take):
    town.broadcast(town.people(3))
    assert len(texts(take())) == 3
    assert texts(take()) == []


def test_a_claim_takes_no_more_than_its_calls_carry(town: Town, take: Take):
    town.broadcast(town.people(7))
    assert len(texts(take(Lane(channel(), SINGLES), free=3))) == 3
    assert town.states() == {"sending": 3, "queued": 4}


def test_what_differs_needs_a_call_each_and_what_finds_none_waits_untouched(town: Town, take: Take):
    people = [town.person(fields={"mineral": f"kind {n}"}) for n in range(6)]
    town.broadcast(people, {"en": "For {mineral} miners."})
    assert [len(call) for call in take(free=4).calls] == [1, 1, 1, 1]
    assert [row.text for row in town.messages() if row.status == "queued"] == [None, None]


def test_a_text_that_needs_something_unknown_is_refused_and_says_what(town: Town, take: Take):
    town.broadcast([town.person()], {"en": "For {mineral} miners."})
    assert not take().calls
    (row,) = town.messages()
    assert (row.status, row.error) == ("refused", f"{reasons.NO_VALUE}: mineral")


def test_a_reminder_is_discreet_unless_the_phone_is_private(town: Town, take: Take):
    day = date(2026, 11, 30)
    town.reminder(town.person("+254712345000"), day, "7 days before")
    town.reminder(town.person("+254712345001", private_phone=True), day, "7 days before")
    found = dict(texts(take()))
    assert "30 Nov 2026" in found["+254712345000"]
    assert "audit" not in found["+254712345000"].lower()
    assert "audit" in found["+254712345001"].lower()


# --- what goes first, and how fast ---


def test_replies_go_first_and_the_bulk_leaves_a_fifth_of_the_bucket(town: Town, take: Take):
    town.broadcast(town.people(12))
    town.reply("+254712345001", "Good.")
    lane = Lane(channel(rate="10"), SINGLES)
    claimed = take(lane, free=20)
    assert texts(claimed)[0] == ("+254712345001", "Good.")
    assert len(texts(claimed)) == 1 + 7
    town.reply("+254712345002", "Also good.")
    assert texts(take(lane, free=20)) == [("+254712345002", "Also good.")]
    assert texts(take(lane, free=20)) == []
    assert len(texts(take(lane, free=20, now=MONDAY + timedelta(seconds=0.5)))) == 4


def test_a_slow_channel_sends_one_by_one(town: Town, take: Take):
    town.broadcast(town.people(4))
    lane = Lane(channel(rate="0.1"), SINGLES)
    assert len(texts(take(lane))) == 1
    waits = take(lane)
    assert not waits.calls
    assert 0 < waits.wait <= 10
    assert len(texts(take(lane, now=MONDAY + timedelta(seconds=11)))) == 1


def test_reminders_go_before_broadcasts(town: Town, take: Take):
    town.broadcast(town.people(2))
    town.reminder(town.person("+254712345001"), date(2026, 11, 30), "7 days before")
    assert texts(take(Lane(channel(), SINGLES), free=1))[0][0] == "+254712345001"


@pytest.mark.parametrize("how", ["paused", "draining", "held"])
def test_a_channel_that_rests_sends_nothing_but_replies_while_it_drains(
    town: Town, take: Take, engine: Engine, how: str
):
    town.broadcast(town.people(2))
    town.reply("+254712345001", "Good.")
    with engine.begin() as db:
        if how == "paused":
            pace.pause(db, "ke", "no credit", MONDAY)
        elif how == "draining":
            take_tokens = pace.allowance(db, "ke", 1000, MONDAY)
            assert take_tokens.bulk
            pace.drain(db, "ke", MONDAY)
        else:
            pace.allowance(db, "ke", 1000, MONDAY)
            pace.hold(db, "ke", MONDAY + timedelta(minutes=1), MONDAY)
    assert len(texts(take())) == (1 if how == "draining" else 0)
    with engine.begin() as db:
        pace.resume(db, "ke", MONDAY)
    assert len(texts(take(now=MONDAY + timedelta(minutes=2)))) == (2 if how == "draining" else 3)


def test_a_bucket_is_not_filled_twice_by_clocks_that_differ(engine: Engine):
    ahead, behind = MONDAY + timedelta(seconds=2), MONDAY
    with engine.begin() as db:
        for _ in range(5):
            for clock in (ahead, behind):
                found = pace.allowance(db, "ke", 10, clock)
                pace.spend(db, "ke", found.tokens - found.replies, clock)
        assert pace.allowance(db, "ke", 10, ahead).replies == 0
        assert pace.allowance(db, "ke", 10, ahead + timedelta(seconds=0.5)).replies == 5


def test_a_clock_that_is_set_back_by_hours_stops_nothing(engine: Engine):
    with engine.begin() as db:
        pace.allowance(db, "ke", 10, MONDAY)
        pace.spend(db, "ke", 0, MONDAY)
        early = MONDAY - timedelta(hours=3)
        pace.spend(db, "ke", pace.allowance(db, "ke", 10, early).tokens, early)
        assert pace.allowance(db, "ke", 10, early + timedelta(seconds=1)).replies == 10


# --- what never goes, and what goes later ---


def settled(town: Town, take: Take, **facts: Any) -> tuple[str, str]:
    assert not take(**facts).calls
    (row,) = town.messages()
    return row.status, row.error


def test_who_said_stop_after_the_queueing_gets_nothing(town: Town, take: Take, engine: Engine):
    id = town.person()
    town.broadcast([id])
    with engine.begin() as db:
        db.execute(update(Contact).where(Contact.id == id).values(stopped_at=MONDAY))
    assert settled(town, take) == ("refused", reasons.STOPPED)


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"fields": {"news": "no"}}, reasons.NO_NEWS),
        ({"fields": {"news": ""}}, reasons.NO_NEWS),
        ({"sealed": False}, reasons.NO_NUMBER),
    ],
)
def test_without_consent_or_a_number_nothing_goes(town: Town, take: Take, columns: dict[str, Any], reason: str):
    town.broadcast([town.person(**columns)])
    assert settled(town, take) == ("refused", reason)


def test_a_number_that_does_not_work_is_not_tried_again(town: Town, take: Take, engine: Engine):
    id = town.person()
    town.broadcast([id])
    with engine.begin() as db:
        db.execute(update(Address).where(Address.contact_id == id).values(bad_at=MONDAY))
    assert settled(town, take) == ("refused", reasons.BAD_NUMBER)


def test_reminders_need_their_own_yes_and_each_series_may_be_off(town: Town, take: Take):
    day = date(2026, 11, 30)
    town.reminder(town.person(fields={"reminders": "no"}), day, "7 days before")
    town.reminder(town.person(fields={"audit_reminders": "no"}), day, "7 days before")
    town.reminder(town.person(fields={"news": "no"}), day, "7 days before")
    assert len(texts(take())) == 1
    assert [row.error for row in town.messages()] == [reasons.NO_REMINDERS, reasons.SERIES_OFF, ""]


@pytest.mark.parametrize("change", [{"on": date(2026, 12, 1)}, {"done_at": MONDAY}])
def test_a_reminder_of_a_date_that_moved_or_is_done_does_not_go(
    town: Town, take: Take, engine: Engine, change: dict[str, Any]
):
    due = town.reminder(town.person(), date(2026, 11, 30), "7 days before")
    with engine.begin() as db:
        db.execute(update(Due).where(Due.id == due).values(change))
    assert settled(town, take) == ("refused", reasons.DATE_MOVED)


def test_a_message_past_its_time_expires(town: Town, take: Take):
    town.broadcast(town.people(1))
    assert settled(town, take, now=MONDAY + timedelta(days=3)) == ("expired", reasons.TOO_LATE)


def test_at_night_a_message_waits_for_the_morning_of_the_person_and_is_not_looked_at_before(town: Town, take: Take):
    town.broadcast([town.person()])
    night = datetime(2026, 11, 23, 20, 0)  # noqa: DTZ001  23:00 in Nairobi
    assert settled(town, take, now=night) == ("queued", f"waits: {reasons.QUIET_HOURS}")
    (row,) = town.messages()
    assert row.due_at == datetime(2026, 11, 24, 5, 0)  # noqa: DTZ001  08:00 in Nairobi
    assert take(now=row.due_at - timedelta(seconds=1)).looked_at == 0
    assert len(texts(take(now=row.due_at))) == 1


def test_the_hour_is_that_of_the_person_not_of_the_country(town: Town, take: Take):
    town.broadcast([town.person(), town.person(timezone="America/Lima")])
    assert len(texts(take())) == 1  # noon in Nairobi, four in the morning in Lima


def test_what_could_go_only_after_its_end_expires_at_once(town: Town, take: Take, engine: Engine):
    town.broadcast(town.people(1))
    night = datetime(2026, 11, 23, 20, 0)  # noqa: DTZ001
    with engine.begin() as db:
        db.execute(update(Message).values(expires_at=night + timedelta(hours=2)))
    status, error = settled(town, take, now=night)
    assert status == "expired"
    assert reasons.QUIET_HOURS in error


def test_an_emergency_passes_the_night_and_the_message_of_today_but_not_a_stop(town: Town, take: Take):
    night = datetime(2026, 11, 23, 20, 0)  # noqa: DTZ001
    id, stopped = town.person(), town.person(stopped_at=MONDAY)
    town.broadcast([id])
    assert len(texts(take())) == 1
    town.broadcast([id, stopped], any_hour="flood warning")
    assert len(texts(take(now=night))) == 1
    assert town.states() == {"sending": 2, "refused": 1}


def test_one_message_a_day_the_second_waits_for_tomorrow(town: Town, take: Take):
    id = town.person()
    town.broadcast([id])
    town.broadcast([id], {"en": "Another."})
    assert len(texts(take())) == 1
    _, second = town.messages()
    assert (second.status, second.error) == ("queued", f"waits: {reasons.ONE_A_DAY}")
    assert second.due_at == datetime(2026, 11, 24, 5, 0)  # noqa: DTZ001
    assert len(texts(take(now=second.due_at))) == 1


def test_a_broadcast_gives_way_to_a_reminder_of_the_same_day(town: Town, take: Take, engine: Engine):
    id, other = town.person(), town.person()
    with engine.begin() as db:
        inserted(db, Due, contact_id=id, name="audit_date", on=date(2026, 11, 30), next_at=MONDAY + timedelta(hours=4))
        inserted(db, Due, contact_id=other, name="audit_date", on=date(2026, 12, 9), next_at=MONDAY + timedelta(days=2))
    town.broadcast([id, other])
    assert len(texts(take())) == 1
    assert {row.error for row in town.messages()} == {"", f"waits: {reasons.REMINDER_TODAY}"}


@pytest.mark.parametrize("what", ["call", "quiz"])
def test_who_is_in_the_middle_of_a_dialog_is_not_disturbed(town: Town, take: Take, engine: Engine, what: str):
    id = town.person()
    town.broadcast([id])
    just_now = MONDAY - timedelta(minutes=1)
    with engine.begin() as db:
        if what == "call":
            inserted(db, Session, channel="ke", key="ussd:1", contact_id=id, started_at=just_now)
        else:
            inserted(db, Run, contact_id=id, dialog="starter", answers="[]", started_at=just_now, updated_at=just_now)
    assert settled(town, take) == ("queued", f"waits: {reasons.MID_DIALOG}")
    assert len(texts(take(now=MONDAY + timedelta(minutes=16)))) == 1


def test_what_a_paused_broadcast_still_has_waits_and_what_a_cancelled_one_has_never_goes(
    town: Town, take: Take, engine: Engine
):
    town.broadcast(town.people(1), status="paused")
    town.broadcast(town.people(1), status="cancelled")
    assert not take().calls
    assert [(row.status, row.error) for row in town.messages()] == [
        ("queued", reasons.PAUSED),
        ("refused", reasons.CANCELLED),
    ]
    assert take(now=MONDAY + timedelta(days=2)).looked_at == 0


def test_a_contact_who_is_in_a_turn_right_now_is_passed_over(town: Town, take: Take, engine: Engine):
    if engine.dialect.name == "sqlite":
        return  # one writer: nobody is in a turn while a claim writes
    waiting, busy = town.people(2)
    town.broadcast([waiting, busy])
    with engine.begin() as db:
        db.execute(update(Contact).where(Contact.id == busy).values(seen_at=MONDAY))
        assert len(texts(take())) == 1
    assert len(texts(take())) == 1


def test_whatsapp_takes_free_text_for_a_day_and_then_a_template_or_nothing(town: Town, take: Take, engine: Engine):
    id, silent = town.people(2)
    with engine.begin() as db:
        db.execute(update(Address).values(kind="whatsapp"))
        place = db.execute(update(Address).where(Address.contact_id == id).values(kind="tel").returning(Address.id))
        heard = place.scalar_one()
        for each, kind in ((id, "whatsapp"), (silent, "whatsapp")):
            from tests.town import SEAL

            values = {"kind": kind, "sealed": SEAL.seal("+254712345000", kind, str(each)), "key_id": SEAL.key_id}
            db.execute(update(Address).where(Address.contact_id == each).values(values))
        wrote = {"channel": "ke", "provider_id": "1", "direction": "in", "kind": "inbound", "status": "received"}
        at = MONDAY - timedelta(hours=23)
        db.execute(insert(Message).values(address_id=heard, due_at=at, created_at=at, **wrote))
    town.broadcast([id, silent])
    sender = {"from": "whatsapp:+15005550006"}
    assert texts(take(Lane(channel(**sender), SINGLES))) == [("whatsapp:+254712345000", "Training on Saturday.")]
    assert [row.error for row in town.messages()] == ["", reasons.WINDOW_OVER]
    town.broadcast([silent], {"en": "Once more."})
    claimed = take(Lane(channel(template="HX1", **sender), SINGLES), now=MONDAY + timedelta(minutes=1))
    assert [message.template for call in claimed.calls for message in call] == [True]


def test_a_halted_broadcast_is_not_looked_at_again_and_again(town: Town, take: Take, engine: Engine):
    town.broadcast(town.people(3))
    with engine.begin() as db:
        db.execute(update(Broadcast).values(status="paused", reason="the broadcast was stopped: sender not allowed"))
    assert take().looked_at == 3
    assert take(now=MONDAY + timedelta(days=1)).looked_at == 0


def test_a_reminder_comes_on_a_rest_day_too_but_not_at_night(town: Town, take: Take):
    sunday = datetime(2026, 11, 29, 9, 0)  # noqa: DTZ001
    town.now = sunday
    id = town.person()
    town.reminder(id, date(2026, 12, 6), "7 days before")
    town.broadcast([town.person()])
    assert len(texts(take(now=sunday))) == 1
    town.reminder(town.person(), date(2026, 12, 6), "7 days before", due_at=sunday)
    assert texts(take(now=sunday.replace(hour=18))) == []
