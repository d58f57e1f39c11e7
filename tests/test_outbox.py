from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, insert, select, update
from sqlalchemy.exc import IntegrityError

from dialogs import saving, store
from dialogs.database import open_engine
from dialogs.inbound import Inbound, Reply
from dialogs.seal import Seal
from dialogs.store import Person
from dialogs.sweep import SLICE
from dialogs.tables import Address, Base, Contact
from gateway import outbox, settling
from gateway.providers import DeliveryReport, Status
from gateway.settling import RANK
from gateway.tables import REPLIES_FIRST, REPLY_OWNER, STATUSES, Message, Report

NOW = datetime(2026, 11, 22, 9, 0, 0)  # noqa: DTZ001  UTC without a zone, as the tables keep it
LATER = NOW + timedelta(minutes=1)
SEAL = Seal("a secret key of the tests, long enough")
ASHA, JUMA = "+254712345001", "+254712345002"
REVISION = "0123456789ab"
TYPED = "the pit fell in on tuesday"


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


def sms(id: str, address: str = ASHA, channel: str = "ke", text: str = TYPED) -> Inbound:
    return Inbound(channel, "sms", address, text, "", id)


def ussd(address: str = ASHA) -> Inbound:
    return Inbound("ke", "ussd", address, TYPED, f"session of {address}", "", True)


def chat(address: str = "chat:1") -> Inbound:
    return Inbound("web", "bot", address, TYPED, "", "")


def meet(db: Connection, *inbounds: Inbound) -> dict[str, Person]:
    return store.meet(db, inbounds, SEAL, NOW, lambda _: "KE")


def receive(engine: Engine, *inbounds: Inbound) -> list[Inbound]:
    """What of these is new, received in a transaction of its own."""
    with engine.begin() as db:
        return outbox.receive(db, inbounds, meet(db, *inbounds), NOW)


def answer(db: Connection, people: dict[str, Person], *pairs: tuple[Inbound, Reply]) -> None:
    inbounds, replies = [one for one, _ in pairs], [reply for _, reply in pairs]
    outbox.answer(db, inbounds, replies, people, SEAL, NOW, REVISION)


def messages(db: Connection) -> list[dict[str, Any]]:
    """Every message, the oldest first."""
    return [dict(row) for row in db.execute(select(Message.__table__).order_by(Message.id)).mappings()]


def everything(db: Connection) -> str:
    """All that stands in all tables."""
    found = (tuple(row) for table in Base.metadata.sorted_tables for row in db.execute(select(table)))
    return "\n".join(map(repr, found))


# --- receive ---


def test_every_message_counts_once_in_a_list(engine: Engine):
    first, again, second = sms("1"), sms("1"), sms("2", JUMA)
    assert [id(each) for each in receive(engine, first, again, second)] == [id(first), id(second)]


def test_every_message_counts_once_across_lists(engine: Engine):
    assert receive(engine, sms("1"), sms("2")) == [sms("1"), sms("2")]
    assert receive(engine, sms("2"), sms("3"), sms("1")) == [sms("3")]
    assert receive(engine, sms("1", text="the same id with other words")) == []
    with engine.begin() as db:
        assert [row["provider_id"] for row in messages(db)] == ["1", "2", "3"]


def test_the_same_id_on_another_channel_is_another_message(engine: Engine):
    both = [sms("1"), sms("1", channel="tz")]
    assert receive(engine, *both) == both


def test_calls_and_chats_pass_beside_messages_in_their_order(engine: Engine):
    receive(engine, sms("1"))
    mixed = [ussd(), sms("1"), chat(), sms("2"), ussd(JUMA)]
    assert receive(engine, *mixed) == [ussd(), chat(), sms("2"), ussd(JUMA)]
    assert receive(engine, ussd(), ussd(JUMA)) == [ussd(), ussd(JUMA)]
    assert receive(engine, chat(), ussd()) == [chat(), ussd()]
    with engine.begin() as db:
        assert [row["provider_id"] for row in messages(db)] == ["1", "2"]


def test_of_what_came_in_neither_the_words_nor_the_number_are_kept(engine: Engine):
    receive(engine, sms("1"), ussd(), chat())
    with engine.begin() as db:
        (row,) = messages(db)
        address = db.execute(select(Address.id).where(Address.key == SEAL.key("tel", ASHA))).scalar()
        kept = {name: value for name, value in row.items() if value not in (None, "", 0)}
        assert kept == {
            "id": row["id"],
            "channel": "ke",
            "provider_id": "1",
            "address_id": address,
            "direction": "in",
            "kind": "inbound",
            "status": "received",
            "due_at": NOW,
            "created_at": NOW,
        }
        assert TYPED not in everything(db)
        assert ASHA[1:] not in everything(db)


def test_a_message_that_two_processes_receive_at_once_counts_once(engine: Engine):
    receive(engine, sms("0"))
    taken: list[str] = []
    together = threading.Barrier(2)

    def take() -> None:
        for n in range(1, 11):
            together.wait()
            taken.extend(each.provider_id for each in receive(engine, sms(f"{n}", f"+25471234501{n}")))

    threads = [threading.Thread(target=take) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken, key=int) == [f"{n}" for n in range(1, 11)]


# --- answer ---


def test_a_reply_to_a_message_is_queued_with_all_that_sending_needs(engine: Engine):
    with engine.begin() as db:
        people = meet(db, sms("7"))
        asha = people[ASHA]
        asha.language = "sw"
        answer(db, people, (sms("7"), Reply("Uchimbaji\n1. Ndiyo", ("Ndiyo",), True)))
        (row,) = messages(db)
    assert SEAL.open(row.pop("to_sealed"), "tel", REPLY_OWNER, row.pop("to_key_id")) == ASHA
    assert row.pop("expires_at") > NOW
    assert {name: value for name, value in row.items() if value not in (None, "")} == {
        "id": row["id"],
        "channel": "ke",
        "dedupe": "reply:ke:7",
        "contact_id": asha.id,
        "address_id": asha.address_id,
        "direction": "out",
        "kind": "reply",
        "text": "Uchimbaji\n1. Ndiyo",
        "language": "sw",
        "segments": 1,
        "status": "queued",
        "attempts": 0,
        "priority": REPLIES_FIRST,
        "due_at": NOW,
        "created_at": NOW,
        "revision": REVISION,
    }


def test_nothing_of_a_message_stands_beside_its_reply(engine: Engine):
    with engine.begin() as db:
        people = meet(db, sms("7"))
        outbox.receive(db, [sms("7")], people, NOW)
        answer(db, people, (sms("7"), Reply("Thank you.")))
        assert TYPED not in everything(db)
        assert ASHA[1:] not in everything(db)
        assert all(ASHA.encode() not in (row["to_sealed"] or b"") for row in messages(db))


@pytest.mark.parametrize(
    ("text", "segments"),
    [("a" * 160, 1), ("a" * 161, 2), ("a" * 306, 2), ("a" * 307, 3), ("鉱" * 70, 1), ("鉱" * 71, 2)],
)
def test_a_reply_knows_how_many_sms_it_is_paid_as(engine: Engine, text: str, segments: int):
    with engine.begin() as db:
        answer(db, meet(db, sms("1")), (sms("1"), Reply(text)))
        assert [row["segments"] for row in messages(db)] == [segments]


def test_a_call_a_chat_and_an_empty_reply_queue_nothing(engine: Engine):
    with engine.begin() as db:
        people = meet(db, sms("1"), ussd(JUMA), chat())
        answer(db, people, (sms("1"), Reply("")), (ussd(JUMA), Reply("A screen")), (chat(), Reply("A bubble")))
        assert messages(db) == []


def test_the_reply_to_one_message_can_be_queued_once_only(engine: Engine):
    with engine.begin() as db:
        answer(db, meet(db, sms("1")), (sms("1"), Reply("One")))
    with pytest.raises(IntegrityError), engine.begin() as db:
        answer(db, meet(db, sms("1")), (sms("1"), Reply("Two")))
    with engine.begin() as db:
        assert [row["text"] for row in messages(db)] == ["One"]


def test_each_reply_goes_where_its_message_came_from(engine: Engine):
    whatsapp = f"whatsapp:{JUMA}"
    pairs = [(sms("1"), Reply("To Asha")), (sms("2", whatsapp, "wa"), Reply("To Juma")), (sms("3"), Reply("To Asha"))]
    with engine.begin() as db:
        people = meet(db, *(inbound for inbound, _ in pairs))
        answer(db, people, *pairs)
        found = [
            (row["text"], row["channel"], SEAL.open(row["to_sealed"], kind, REPLY_OWNER, row["to_key_id"]))
            for row, kind in zip(messages(db), ("tel", "whatsapp", "tel"), strict=True)
        ]
        assert found == [("To Asha", "ke", ASHA), ("To Juma", "wa", JUMA), ("To Asha", "ke", ASHA)]
        assert [row["contact_id"] for row in messages(db)] == [people[each.address].id for each, _ in pairs]


def test_a_list_that_was_asked_for_in_a_call_is_queued_once_for_the_sealed_address(engine: Engine):
    with engine.begin() as db:
        people = meet(db, ussd())
        people[ASHA].lists.append(("Fence the pit.\nKeep books.", "list:quiz:1:now"))
        answer(db, people, (ussd(), Reply("One screen")), (ussd(), Reply("Another")))
        (row,) = messages(db)
        assert (row["text"], row["dedupe"], row["kind"]) == ("Fence the pit.\nKeep books.", "list:quiz:1:now", "reply")
        assert row["to_sealed"] is None  # sent to the address that the person let be sealed
        assert row["address_id"] == people[ASHA].address_id


def test_the_last_words_to_somebody_who_is_forgotten_outlive_them_and_lead_nowhere(engine: Engine):
    with engine.begin() as db:
        people = meet(db, sms("1"))
        asha = people[ASHA]
        asha.forget = True
        saving.save(db, [asha], SEAL, NOW, REVISION)
        answer(db, people, (sms("1"), Reply("Your answers are deleted.")))
        (row,) = messages(db)
        assert (row["contact_id"], row["address_id"], row["status"]) == (None, None, "queued")
        assert SEAL.open(row["to_sealed"], "tel", REPLY_OWNER, row["to_key_id"]) == ASHA
        assert db.execute(select(Contact.id)).all() == []


# --- settle ---


def enter(db: Connection, person: Person, status: str = "sent", **more: Any) -> int:
    """A message to this person."""
    given = {
        "channel": "ke",
        "provider_id": "ATXid_1",
        "dedupe": f"broadcast:1:{person.id}:{more.get('provider_id')}",
        "contact_id": person.id,
        "address_id": person.address_id,
        "to_sealed": b"sealed",
        "to_key_id": "key",
        "direction": "out",
        "kind": "broadcast",
        "text": "30 days to go.",
        "status": status,
        "due_at": NOW,
        "created_at": NOW,
    }
    made = db.execute(insert(Message).values(given | more).returning(Message.id)).scalar()
    assert made is not None
    return made


def report(status: Status, id: str = "ATXid_1", channel: str = "ke", **more: Any) -> DeliveryReport:
    return DeliveryReport(channel, id, status, status.title(), **more)


def settle(db: Connection, one: DeliveryReport, now: datetime = LATER) -> bool:
    return settling.reports(db, [one], now)[0]


@pytest.mark.parametrize(
    ("before", "reports", "after"),
    [
        ("queued", ["sent"], "sent"),
        ("sending", ["sent"], "sent"),
        ("sending", ["delivered"], "delivered"),
        ("sent", ["sending"], "sent"),
        ("sent", ["sent", "sent"], "sent"),
        ("sent", ["delivered"], "delivered"),
        ("sent", ["failed"], "failed"),
        ("sent", ["delivered", "sent"], "delivered"),
        ("sent", ["delivered", "failed"], "delivered"),
        ("sent", ["delivered", "delivered"], "delivered"),
        ("sent", ["failed", "sent"], "failed"),
        ("sent", ["failed", "delivered"], "delivered"),  # it came through after all
        ("unknown", ["delivered"], "delivered"),
        ("unknown", ["failed"], "failed"),
        ("expired", ["sent"], "expired"),
        ("expired", ["delivered"], "delivered"),
        ("refused", ["failed"], "refused"),
        ("sent", ["unknown"], "sent"),
        ("delivered", ["unknown"], "delivered"),
    ],
)
def test_reports_move_a_message_forward_and_never_back(engine: Engine, before: str, reports: list[Status], after: str):
    with engine.begin() as db:
        (asha,) = meet(db, ussd()).values()
        made = enter(db, asha, before)
        assert [settle(db, report(status)) for status in reports] == [True] * len(reports)
        assert [row["status"] for row in messages(db)] == [after]
        kept = db.execute(select(Report.message_id, Report.status, Report.at).order_by(Report.id)).all()
        assert kept == [(made, status, LATER) for status in reports]


@pytest.mark.parametrize("before", ["queued", "sending"])
def test_a_report_with_a_word_that_we_do_not_know_moves_nothing(engine: Engine, before: str):
    with engine.begin() as db:
        (asha,) = meet(db, ussd()).values()
        enter(db, asha, before)
        assert settle(db, report("unknown"))
        assert [row["status"] for row in messages(db)] == [before]


def test_every_state_has_its_rank(engine: Engine):
    assert set(RANK) == set(STATUSES) - {"received"}


def test_a_message_that_is_settled_loses_its_number_and_keeps_the_reason(engine: Engine):
    with engine.begin() as db:
        (asha,) = meet(db, ussd()).values()
        enter(db, asha, "sending")
        settle(db, report("sent"))
        (row,) = messages(db)
        assert (row["to_sealed"], row["done_at"]) == (None, None)
        settle(db, report("failed", reason="UserInBlacklist " + "x" * 300))
        (row,) = messages(db)
        assert (row["to_sealed"], row["done_at"]) == (None, LATER)
        assert row["error"] == ("UserInBlacklist " + "x" * 300)[:200]


def test_a_report_for_an_unknown_message_is_kept_and_moves_nothing(engine: Engine):
    with engine.begin() as db:
        (asha,) = meet(db, ussd()).values()
        enter(db, asha)
        assert not settle(db, report("delivered", id="ATXid_2", raw={"networkCode": "63902"}))
        assert not settle(db, report("delivered", channel="tz"))
        assert [row["status"] for row in messages(db)] == ["sent"]
        assert db.execute(select(Report.message_id, Report.status, Report.raw).order_by(Report.id)).all() == [
            (None, "delivered", {"networkCode": "63902"}),
            (None, "delivered", {}),
        ]


def test_a_report_does_not_touch_a_message_that_came_in_under_that_id(engine: Engine):
    receive(engine, sms("ATXid_1"))
    with engine.begin() as db:
        assert not settle(db, report("delivered"))
        assert [row["status"] for row in messages(db)] == ["received"]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.postgres
def test_of_two_reports_at_once_neither_moves_the_message_back(engine: Engine):
    with engine.begin() as db:
        (asha,) = meet(db, ussd()).values()
        enter(db, asha)

    def fail() -> None:
        with engine.begin() as db:
            settle(db, report("failed"))

    other = threading.Thread(target=fail)
    with engine.begin() as db:
        settle(db, report("delivered"))
        other.start()
        other.join(0.3)  # it waits for this transaction
    other.join()
    with engine.begin() as db:
        assert [row["status"] for row in messages(db)] == ["delivered"]


# --- opt_out, refuse_queued ---


def test_an_opt_out_at_the_provider_is_a_stop_like_any_other(engine: Engine):
    with engine.begin() as db:
        people = meet(db, ussd(), ussd(JUMA))
        asha, juma = people[ASHA], people[JUMA]
        for person in (asha, juma):
            enter(db, person, "queued", provider_id=None, dedupe=f"broadcast:1:{person.id}")
        db.execute(update(Address).values(sealed=b"x", key_id="y"))
        assert outbox.opt_out(db, SEAL, ASHA, NOW)
        stops = db.execute(select(Contact.id, Contact.stopped_at).order_by(Contact.id)).all()
        assert sorted(stops) == sorted([(asha.id, NOW), (juma.id, None)], key=lambda stop: stop[0])
        sealed = {row[0]: row[1:] for row in db.execute(select(Address.contact_id, Address.sealed, Address.key_id))}
        assert sealed == {asha.id: (None, None), juma.id: (b"x", "y")}
        states = {row["contact_id"]: (row["status"], row["error"]) for row in messages(db)}
        assert states == {asha.id: ("refused", "the person said STOP"), juma.id: ("queued", "")}


def test_an_opt_out_that_is_told_twice_keeps_the_time_of_the_first(engine: Engine):
    with engine.begin() as db:
        meet(db, ussd())
        assert outbox.opt_out(db, SEAL, ASHA, NOW)
        assert outbox.opt_out(db, SEAL, ASHA, LATER)
        assert db.execute(select(Contact.stopped_at)).scalars().all() == [NOW]


def test_an_opt_out_of_a_stranger_leaves_nothing(engine: Engine):
    with engine.begin() as db:
        meet(db, ussd())
        assert not outbox.opt_out(db, SEAL, JUMA, NOW)
        assert not outbox.opt_out(db, SEAL, f"whatsapp:{ASHA}", NOW)
        assert db.execute(select(Contact.stopped_at)).scalars().all() == [None]


def test_what_waits_for_a_contact_is_refused_with_the_reason_and_the_rest_stays(engine: Engine):
    with engine.begin() as db:
        people = meet(db, ussd(), ussd(JUMA))
        asha, juma = people[ASHA], people[JUMA]
        for status in ("queued", "sending", "sent", "delivered"):
            for person in (asha, juma):
                enter(db, person, status, provider_id=None, dedupe=f"{status}:{person.id}")
        before = {row["dedupe"]: row for row in messages(db)}
        settling.refuse_queued(db, [asha.id], "the person said STOP", LATER)
        after = {row["dedupe"]: row for row in messages(db)}
        changed = {
            "status": "refused",
            "error": "the person said STOP",
            "done_at": LATER,
            "text": None,
            "to_sealed": None,
        }
        assert after.pop(f"queued:{asha.id}") == before.pop(f"queued:{asha.id}") | changed
        assert after == before


# --- sweep ---


def test_what_waited_past_its_time_is_settled_as_expired(engine: Engine):
    with engine.begin() as db:
        (asha,) = meet(db, ussd()).values()
        for status, expires_at in (("queued", NOW), ("queued", LATER), ("queued", None), ("sending", NOW)):
            enter(db, asha, status, provider_id=None, dedupe=f"{status}:{expires_at}", expires_at=expires_at)
        assert outbox.sweep(db, LATER, 90) == 1
        assert outbox.sweep(db, LATER, 90) == 0
        assert [row["status"] for row in messages(db)] == ["expired", "queued", "queued", "sending"]
        first, *others = messages(db)
        assert (first["text"], first["to_sealed"], first["done_at"]) == (None, None, LATER)
        assert first["error"] == "it waited past its time"
        assert all(row["text"] and row["to_sealed"] for row in others)


def test_old_messages_lose_their_texts_and_numbers_and_keep_their_states(engine: Engine):
    old, new = NOW - timedelta(days=91), NOW - timedelta(days=89)
    with engine.begin() as db:
        (asha,) = meet(db, ussd()).values()
        for status in ("queued", "sending", "sent", "delivered", "failed"):
            for created_at in (old, new):
                enter(db, asha, status, provider_id=None, dedupe=f"{status}:{created_at}", created_at=created_at)
        assert outbox.sweep(db, NOW, 90) == 3
        assert outbox.sweep(db, NOW, 90) == 0
        empty = [(row["status"], row["created_at"]) for row in messages(db) if row["text"] is None]
        assert empty == [("sent", old), ("delivered", old), ("failed", old)]
        assert all((row["text"] is None) == (row["to_sealed"] is None) for row in messages(db))


def test_a_sweep_takes_a_slice_at_a_time(engine: Engine):
    with engine.begin() as db:
        row = {"channel": "ke", "direction": "in", "kind": "inbound", "status": "received", "text": "t", "due_at": NOW}
        db.execute(insert(Message), [row | {"created_at": NOW, "provider_id": f"{n}"} for n in range(SLICE + 3)])
        gone = [outbox.sweep(db, NOW + timedelta(days=91), 90) for _ in range(3)]
    assert gone == [SLICE, 3, 0]


def test_a_report_that_found_no_message_goes_after_a_day(engine: Engine):
    with engine.begin() as db:
        settle(db, report("delivered", id="of nobody"), NOW)
        assert outbox.sweep(db, NOW + timedelta(hours=23), days=90) == 0
        assert outbox.sweep(db, NOW + timedelta(hours=25), days=90) == 1
        assert db.execute(select(Report)).all() == []


def test_a_reply_that_belongs_to_nobody_is_emptied_as_soon_as_it_has_gone(engine: Engine):
    with engine.begin() as db:
        (asha,) = meet(db, ussd()).values()
        for status in ("queued", "sending", "sent", "failed"):
            enter(db, asha, status, provider_id=None, dedupe=f"{status} nobody", contact_id=None, kind="reply")
            enter(db, asha, status, provider_id=None, dedupe=f"{status} asha", kind="reply")
        assert outbox.sweep(db, NOW, 90) == 2
        empty = {row["dedupe"] for row in messages(db) if row["text"] is None}
        assert empty == {"sent nobody", "failed nobody"}
        assert all((row["text"] is None) == (row["to_sealed"] is None) for row in messages(db))
