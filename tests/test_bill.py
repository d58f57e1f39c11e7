from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine

from dialogs.content import Content, Keeper
from dialogs.database import open_engine
from dialogs.hours import Hours
from gateway import broadcasts, queueing, reasons
from gateway.audience import Audience, BroadcastError
from gateway.bill import Bill, make_bill, read_price
from gateway.channels import read_channels
from gateway.draft import Draft, cheaper, nameable, read_texts
from gateway.forecast import Load, forecast
from gateway.queueing import Sending
from gateway.wording import Missing, filled, spoken
from tests.crowd import group, person, rows

NOW = datetime(2027, 3, 2, 9)  # noqa: DTZ001  a Tuesday at noon in Nairobi; UTC without a zone
TWO = "ke=africastalking://u:k@?country=KE&price=0.8KES&rate=10 tz=twilio://u:k@?country=TZ&price=30TZS&rate=1"
ALL = Audience(everyone=True)


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


def bill(
    db: Connection,
    content: Content,
    texts: Mapping[str, str],
    audience: Audience = ALL,
    channels: str = TWO,
    **more: Any,
) -> Bill:
    id = broadcasts.new(db, Draft("News", texts, audience, **more), "office", NOW)
    return make_bill(db, broadcasts.load(db, id), NOW, Sending(read_channels(channels), content))


def test_the_bill_says_how_many_get_it_in_each_language_and_what_it_costs(db: Connection, content: Content):
    for _ in range(3):
        person(db)
    person(db, language="sw", country="TZ")
    told = bill(db, content, {"en": "a" * 161, "sw": "Habari"})
    assert (told.recipients, told.goes_to, told.left_out) == (4, 4, {})
    english, swahili = told.speeches
    assert (english.language, english.people, english.segments, english.gsm7) == ("en", 3, 2, True)
    assert english.costs == {"KES": Decimal("4.8")}
    assert (swahili.people, swahili.segments, swahili.costs) == (1, 1, {"TZS": Decimal(30)})
    assert told.costs == {"KES": Decimal("4.8"), "TZS": Decimal(30)}


def crowd(db: Connection) -> None:
    """Somebody for every reason, and some who get it."""
    group(db, "UNION")
    group(db, "PIT", "UNION")
    for n in range(3):
        for country, timezone in (("KE", ""), ("TZ", ""), ("CD", ""), ("CD", "Africa/Lubumbashi")):
            person(db, country=country, timezone=timezone, group="PIT" if n else "UNION", fields={"mineral": "gold"})
    person(db, stopped=True, news="no", sealed=False)
    person(db, news="no")
    person(db, news="", sealed=False)
    person(db, sealed=False, group="PIT")
    person(db, bad=True)
    person(db, kind="whatsapp")
    person(db, kind="chat")
    person(db, country="")
    person(db, agreed=False)


@pytest.mark.parametrize("audience", [ALL, Audience(("UNION",)), Audience(countries=("CD", "KE"), everyone=True)])
@pytest.mark.parametrize("channels", [TWO, "ke=africastalking://u:k@?country=KE", TWO + " x=twilio://u:k@?rate=5"])
def test_the_bill_and_the_rows_count_the_same_people_for_the_same_reasons(
    db: Connection, content: Content, audience: Audience, channels: str
):
    crowd(db)
    sending = Sending(read_channels(channels), content)
    id = broadcasts.new(db, Draft("News", {"en": "Hello"}, audience), "office", NOW)
    told = make_bill(db, broadcasts.load(db, id), NOW, sending)
    broadcasts.send(db, id, "office", NOW, sending)
    while queueing.queue_slice(db, id, NOW, sending):
        pass
    made = rows(db)
    refused = Counter(row["error"] for row in made if row["status"] == "refused")
    assert dict(refused) == told.left_out
    assert (len(made), sum(row["status"] == "queued" for row in made)) == (told.recipients, told.goes_to)
    assert min(row["due_at"] for row in made if row["status"] == "queued") == told.first_at
    assert told.recipients > 0


def test_each_reason_is_told_once_and_the_first_that_holds(db: Connection, content: Content):
    crowd(db)
    told = bill(db, content, {"en": "Hello"})
    assert told.left_out == {
        reasons.NO_CHANNEL: 7,
        reasons.NO_NEWS: 2,
        reasons.NO_NUMBER: 2,
        reasons.STOPPED: 1,
        reasons.BAD_NUMBER: 1,
    }
    assert told.goes_to == 7


def test_who_has_no_text_in_their_language_is_named_with_what_they_get_instead(db: Connection, content: Content):
    for language in ("fr", "fr", "sw", "", "xx"):
        person(db, language=language)
    told = bill(db, content, {"sw": "Habari", "en": "Hello"})
    assert {(each.language, each.people, each.gets) for each in told.borrowed} == {("fr", 2, "en"), ("xx", 1, "en")}
    told = bill(db, content, {"sw": "Habari"})
    assert {each.language for each in told.borrowed} == {"fr", "xx", "en"}
    assert told.speeches[0].people == 5


def test_a_letter_that_makes_a_text_dear_is_named_with_a_cheaper_spelling_and_its_price(
    db: Connection, content: Content
):
    person(db, language="fr")
    person(db, language="fr")
    told = bill(db, content, {"fr": "Reçu’ " + "a" * 70})
    (speech,) = told.speeches
    assert (speech.gsm7, speech.segments, speech.odd) == (False, 2, ("ç", "’"))
    assert speech.costs == {"KES": Decimal("3.2")}
    assert speech.cheaper is not None
    assert speech.cheaper.text == "Recu' " + "a" * 70
    assert (speech.cheaper.segments, speech.cheaper.costs) == (1, {"KES": Decimal("1.6")})
    again = bill(db, content, cheaper(content, {"fr": "Reçu’ " + "a" * 70}))
    assert again.speeches[0].costs == speech.cheaper.costs
    assert again.speeches[0].cheaper is None


def test_no_cheaper_spelling_is_offered_where_there_is_none(db: Connection, content: Content):
    told = bill(db, content, {"en": "鉱山"})
    assert (told.speeches[0].cheaper, told.speeches[0].odd) == (None, ("鉱", "山"))


def test_the_longest_saved_answer_counts_for_everybody_and_nobodys_answer_is_shown(db: Connection, content: Content):
    secret = "Mwanaisha cooperative of the long and winding river valley"
    person(db, fields={"cooperative": secret})
    person(db, fields={"cooperative": "Pit"})
    person(db, agreed=False, fields={"cooperative": "x" * 400})
    told = bill(db, content, {"en": "a" * 110 + "{cooperative}"})
    assert told.speeches[0].segments == 2
    assert told.costs == {"KES": Decimal("3.2")}
    assert secret not in str(told)
    assert "{" not in told.speeches[0].sample
    assert any("whoever uses the same phone" in remark for remark in told.remarks)


def test_those_without_a_value_for_a_placeholder_of_their_text_are_counted(db: Connection, content: Content):
    person(db, fields={"mineral": "gold"})
    person(db)
    person(db, language="sw")
    told = bill(db, content, {"en": "For {mineral} people", "sw": "Habari"})
    assert "1 of them have no {mineral}: they get nothing." in told.remarks


def test_a_channel_without_a_price_is_named_and_the_opt_out_words_too(db: Connection, content: Content):
    person(db, country="KE")
    person(db, country="TZ")
    channels = "ke=africastalking://u:k@?country=KE&price=0.8KES tz=twilio://u:k@?country=TZ"
    told = bill(db, content, {"en": "a" * 140}, channels=channels)
    assert told.costs == {"KES": Decimal("0.8")}
    assert [remark for remark in told.remarks if "channel tz has no price" in remark]
    assert [remark for remark in told.remarks if "grows by about 30 letters" in remark and "one SMS more" in remark]
    told = bill(db, content, {"en": "a" * 120}, channels=channels)
    assert not [remark for remark in told.remarks if "one SMS more" in remark]


def test_the_first_waits_for_the_morning_and_the_last_for_the_pace(db: Connection, content: Content):
    for _ in range(5):
        person(db)
    id = broadcasts.new(db, Draft("News", {"en": "Hello"}, ALL), "office", NOW)
    sending = Sending(read_channels("ke=africastalking://u:k@?country=KE&rate=0.5"), content)
    told = make_bill(db, broadcasts.load(db, id), NOW, sending)
    assert (told.first_at, told.last_at) == (NOW, NOW + timedelta(seconds=10))
    night = NOW.replace(hour=22)
    told = make_bill(db, broadcasts.load(db, id), night, sending)
    assert told.first_at == content.hours.next_allowed("KE", "", night) > night


def test_what_cannot_go_before_the_end_is_counted(db: Connection, content: Content):
    for _ in range(5):
        person(db)
    ends = NOW + timedelta(seconds=200)
    told = bill(db, content, {"en": "Hi"}, channels="ke=africastalking://u:k@?country=KE&rate=0.01", expires_at=ends)
    assert (told.too_late, told.last_at) == (3, None)
    assert any("3 cannot be reached" in remark for remark in told.remarks)


def test_a_long_broadcast_rests_at_night(content: Content):
    hours: Hours = content.hours
    load = Load("ke", NOW, 36_000, lambda at: hours.next_allowed("KE", "", at))  # ten hours' worth
    told = forecast([load], lambda _: 1.0, None)
    assert told.last_at is not None
    assert told.last_at > NOW + timedelta(hours=20)
    assert forecast([replace(load, next_allowed=lambda at: at)], lambda _: 1.0, None).last_at == NOW + timedelta(
        hours=10
    )


@given(st.lists(st.integers(1, 10_000), max_size=4), st.floats(0.01, 100), st.integers(0, 100_000))
def test_a_forecast_loses_nobody(people: list[int], rate: float, seconds: int):
    loads = [Load("ke", NOW, n, lambda at: at) for n in people]
    told = forecast(loads, lambda _: rate, NOW + timedelta(seconds=seconds))
    assert 0 <= told.too_late <= sum(people)
    assert told.too_late >= sum(people) - rate * seconds - 1
    assert (told.last_at is None) == (told.too_late > 0 or not people)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("0.8KES", (Decimal("0.8"), "KES")),
        ("KES 0.8000", (Decimal("0.8000"), "KES")),
        ("-0.0075 USD", (Decimal("0.0075"), "USD")),
        ("12 tzs", (Decimal(12), "TZS")),
        ("0.8", None),
        ("", None),
        ("a lot", None),
    ],
)
def test_prices_are_read_as_the_setting_and_the_providers_write_them(written: str, read: Any):
    assert read_price(written) == read


# --- texts ---


def test_texts_are_read_by_language(content: Content):
    assert read_texts(content, ["en= Hello\r\nthere ", "sw=Habari = leo"], ["code"]) == {
        "en": "Hello\nthere",
        "sw": "Habari = leo",
    }


@pytest.mark.parametrize(
    ("said", "says"),
    [
        (["Hello"], "Write the language before the text"),
        (["swa=Habari"], 'There is no language "swa". Did you mean "sw"?'),
        (["en=a", "en=b"], "There are two texts in en."),
        (["en=  "], "The text in en is empty."),
        ([], "Say what it says"),
        (["en=Dial {cod}"], 'Nothing has the name {cod}. Did you mean "code"?'),
        (["en=Dial {code"], "In the text in en a { stands alone"),
        (["en=" + "a" * (153 * 6 + 1)], "takes 7 SMS; at most 6 are sent"),
    ],
)
def test_a_text_that_cannot_be_sent_is_refused_with_the_mend(content: Content, said: list[str], says: str):
    with pytest.raises(BroadcastError) as raised:
        read_texts(content, said, ["code"])
    assert says in str(raised.value)


def test_an_invitation_ends_with_how_to_open_the_dialog(content: Content):
    texts = read_texts(content, ["en=New!", "sw=Piga {code}"], ["code"], "permit")
    title = content.text(content.dialogs["permit"].title.id, "en")
    assert texts["en"].startswith("New! ")
    assert title in texts["en"]
    assert "{code}" in texts["en"]
    assert texts["sw"] == "Piga {code}"
    alone = read_texts(content, [], ["code"], "permit")
    assert set(alone) == {language.code for language in content.offered()}


def test_a_placeholder_may_be_a_fact_or_a_saved_answer_but_no_date(db: Connection, content: Content):
    person(db, fields={"cooperative": "A"})
    names = nameable(db, content)
    assert {"code", "cooperative"} <= names
    assert not {"news", "reminders", "audit_date", "helpline"} & names


# --- wording ---


def test_a_text_is_spoken_in_the_persons_language_or_the_next_best(content: Content):
    texts = {"sw": "Habari", "en": "Hello"}
    assert spoken(texts, content, "sw") == ("sw", "Habari")
    assert spoken(texts, content, "fr") == ("en", "Hello")
    assert spoken(texts, content, "") == ("en", "Hello")
    assert spoken({"sw": "Habari", "fr": "Bonjour"}, content, "xx") == ("sw", "Habari")


def test_the_declared_fallback_comes_before_the_source_language(content: Content):
    languages = dict(content.languages) | {"lua": replace(content.languages["fr"], code="lua", fallback="sw")}
    assert spoken({"en": "Hello", "sw": "Habari"}, replace(content, languages=languages), "lua") == ("sw", "Habari")


def test_a_gap_is_never_sent(content: Content):
    assert filled(content, "en", "Dial {code}", {"code": "*384#"}) == "Dial *384#"
    for values in ({}, {"code": ""}):
        with pytest.raises(Missing) as raised:
            filled(content, "en", "Dial {code}", values)
        assert raised.value.name == "code"


def test_a_value_never_makes_a_text_dearer_but_words_that_were_approved_stay(content: Content):
    assert filled(content, "fr", "Vous: {name}", {"name": "ça’"}) == "Vous: ca'"
    assert filled(content, "fr", "Vous: {name}", {"name": "鉱"}) == "Vous: ?"
    assert filled(content, "fr", "ça va: {name}", {"name": "鉱"}) == "ça va: 鉱"
    assert filled(content, "fr", "{name}", {"name": "{code}"}) == "{code}"
