"""What a broadcast will cost and whom it will reach, told before anything is sent.

The people are counted by the very expressions that write the queue, so that bill and rows cannot differ.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row, func, select

from dialogs.content import Content
from dialogs.gsm import fold, segments, septets
from dialogs.locale import fill, placeholders
from dialogs.tables import Field
from gateway import reasons
from gateway.audience import Audience, contacts
from gateway.forecast import Load, forecast
from gateway.queueing import Sending, people
from gateway.wording import facts, speaker, spoken

Costs = dict[str, Decimal]  # by currency
# Septets that a company adds to the first message to a person, to say how to opt out (its docs on bulk SMS).
ADDED: Mapping[str, int] = {"africastalking": 30}
_PRICE = re.compile(r"(?:([A-Za-z]{3})\s*)?-?([0-9]+(?:\.[0-9]+)?)(?:\s*([A-Za-z]{3}))?")


@dataclass(frozen=True, slots=True)
class Spelling:
    """A cheaper way to write a text: in letters of GSM-7. `segments` is for one person."""

    text: str
    segments: int
    costs: Costs


@dataclass(frozen=True, slots=True)
class Speech:
    """What the people get who read it in this language. `segments` is the most that one of them is sent; `sample` has
    made-up values, nobody's own. `odd` are the letters outside GSM-7, which make it dear."""

    language: str
    name: str
    people: int
    sample: str
    segments: int
    gsm7: bool
    odd: tuple[str, ...]
    costs: Costs
    cheaper: Spelling | None = None


@dataclass(frozen=True, slots=True)
class Borrowed:
    """People whose language has no text of its own: what they get instead."""

    language: str
    name: str
    people: int
    gets: str
    gets_name: str


@dataclass(frozen=True, slots=True)
class Bill:
    """Everything somebody should know before pressing send. `left_out` counts by reason; `costs` are an upper bound:
    the longest values count for everybody. `first_at`, `last_at` (UTC): None if nobody gets it, or not all can."""

    recipients: int
    goes_to: int
    left_out: dict[str, int]
    speeches: tuple[Speech, ...]
    borrowed: tuple[Borrowed, ...]
    costs: Costs
    first_at: datetime | None
    last_at: datetime | None
    too_late: int  # how many it cannot reach before its end, at the pace of the channels
    remarks: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """For a program: money as text, times in ISO 8601."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, Decimal) else value.isoformat() if isinstance(value, datetime) else value


def read_price(written: str) -> tuple[Decimal, str] | None:
    """Of `0.8KES` or `KES 0.8000` the amount and the currency; None if it cannot be read or names no currency."""
    found = _PRICE.fullmatch(written.strip())
    currency = (found[1] or found[3] or "").upper() if found else ""
    return (Decimal(found[2]), currency) if found and currency else None


@dataclass(slots=True)
class _Share:
    """Those who read one text."""

    code: str
    people: int = 0
    most: int = 0
    costs: Costs = field(default_factory=dict)
    cheap: int = 0
    cheap_costs: Costs = field(default_factory=dict)
    texts: set[str] = field(default_factory=set)


def make_bill(db: Connection, broadcast: Row[Any], now: datetime, sending: Sending) -> Bill:
    """The bill of a broadcast if it began now; of one that has begun, as of its beginning."""
    content, texts, begun = sending.content, dict(broadcast.text), broadcast.begun_at or now
    audience, route = Audience.of(broadcast.audience), sending.route(broadcast.channel)
    widest = longest_values(db, audience, begun.date(), texts, content)
    left, by_language, used = Counter[str](), Counter[str](), Counter[str]()
    shares = {code: _Share(code) for code in texts}
    loads: list[Load] = []
    groups = _counted(db, audience, begun)
    for language, country, timezone, reason, n in groups:
        channel = route(country)
        if reason or not channel:
            left[reason or reasons.NO_CHANNEL] += n
            continue
        by_language[language] += n
        used[channel] += n
        due = partial(sending.due, broadcast, country, timezone)
        loads.append(Load(channel, due(now), n, due))
        code, text = spoken(texts, content, language)
        _add(shares[code], content, text, facts(content, country) | widest, n, sending.channels[channel].price)
    told = forecast(loads, sending.rate, broadcast.expires_at)
    spoken_to = sorted((share for share in shares.values()), key=lambda share: -share.people)
    speeches = tuple(_speech(content, share, texts[share.code]) for share in spoken_to)
    bill = Bill(
        sum(row[4] for row in groups),
        sum(used.values()),
        dict(left.most_common()),
        speeches,
        _borrowed(content, texts, by_language),
        _sum([speech.costs for speech in speeches]),
        told.first_at,
        told.last_at,
        told.too_late,
        (),
    )
    blanks = _without_value(db, audience, begun, texts, content)
    return replace(bill, remarks=tuple(_remarks(bill, sending, used, blanks, placeholders(" ".join(texts.values())))))


def _counted(db: Connection, audience: Audience, begun: datetime) -> list[tuple[str, str, str, str, int]]:
    who = people(audience, begun).subquery()
    kinds = (who.c.language, who.c.country, who.c.timezone, who.c.reason)
    found = db.execute(select(*kinds, func.count()).group_by(*kinds).order_by(*kinds))
    return [(row[0], row[1], row[2], row[3], row[4]) for row in found]


def _add(share: _Share, content: Content, text: str, values: Mapping[str, str], n: int, price: str) -> None:
    said = fill(text, values)
    cheap = fold(said, speaker(content, share.code).replace)
    share.people += n
    share.most, share.cheap = max(share.most, count := segments(said).count), max(share.cheap, segments(cheap).count)
    if found := read_price(price):
        amount, currency = found
        share.costs[currency] = share.costs.get(currency, Decimal(0)) + amount * count * n
        saved = amount * segments(cheap).count * n
        share.cheap_costs[currency] = share.cheap_costs.get(currency, Decimal(0)) + saved


def _speech(content: Content, share: _Share, text: str) -> Speech:
    language = speaker(content, share.code)
    sample = fill(text, examples(content, text))
    alone = segments(sample)
    cheap = fold(text, language.replace)
    offer = None
    if cheap != text and septets(fill(cheap, {})) is not None:
        fewer = share.cheap or segments(fill(cheap, examples(content, cheap))).count
        offer = Spelling(cheap, fewer, share.cheap_costs)
    return Speech(
        share.code,
        language.name if language.code == share.code else share.code,
        share.people,
        sample,
        share.most or alone.count,
        alone.gsm7,
        tuple(dict.fromkeys(letter for letter in text if septets(letter) is None)),
        share.costs,
        offer,
    )


def _borrowed(content: Content, texts: Mapping[str, str], by_language: Counter[str]) -> tuple[Borrowed, ...]:
    found = []
    for code, n in by_language.most_common():
        gets = spoken(texts, content, code)[0]
        if gets != (code or content.common.language):
            name = speaker(content, code).name if code in content.languages or not code else code
            found.append(Borrowed(code or content.common.language, name, n, gets, speaker(content, gets).name))
    return tuple(found)


def examples(content: Content, text: str) -> dict[str, str]:
    """Values to show a text with: the facts as they are, for saved answers something made up."""
    countries = {code for fact in content.common.facts.values() if not isinstance(fact, str) for code in fact}
    found: dict[str, str] = {}
    for country in sorted(countries, reverse=True):
        found |= facts(content, country)
    found |= facts(content, "")
    for dialog in content.dialogs.values():
        for step in dialog.steps:
            if step.save and step.choices:
                found.setdefault(step.save, step.choices[0].id)
            elif step.save:
                found.setdefault(step.save, "12" if step.kind == "number" else "Xxxxxx")
    return {name: found.get(name) or "Xxxxxx" for name in placeholders(text)}


def longest_values(
    db: Connection, audience: Audience, today: date, texts: Mapping[str, str], content: Content
) -> dict[str, str]:
    """By saved answer that the texts name, something as long as the longest value that anybody meant has."""
    found = {}
    for name in sorted(placeholders(" ".join(texts.values())) - set(content.common.facts)):
        longest = select(func.max(func.length(Field.value))).where(Field.name == name)
        meant = longest.where(Field.contact_id.in_(contacts(audience, today)))
        found[name] = "8" * (db.execute(meant).scalar() or 0)
    return found


def _without_value(
    db: Connection, audience: Audience, begun: datetime, texts: Mapping[str, str], content: Content
) -> dict[str, int]:
    """How many have nothing to put for a placeholder of the text that they would get."""
    found = {}
    for name in sorted(placeholders(" ".join(texts.values()))):
        who = people(audience, begun).subquery()
        asked = select(who.c.language, func.count()).where(who.c.reason == "").group_by(who.c.language)
        if name in content.common.facts:
            asked = asked.where(who.c.country.in_(_countries_without(db, who, content, name)))
        else:
            has = select(Field.name).where(Field.contact_id == who.c.id, Field.name == name, Field.value != "")
            asked = asked.where(~has.exists())
        lacking = {code: n for code, n in db.execute(asked) if name in placeholders(spoken(texts, content, code)[1])}
        if lacking:
            found[name] = sum(lacking.values())
    return found


def _countries_without(db: Connection, who: Any, content: Content, name: str) -> list[str]:
    if isinstance(fact := content.common.facts[name], str) and fact:
        return []
    return [each for (each,) in db.execute(select(who.c.country).distinct()) if not content.common.fact(name, each)]


def _sum(some: Sequence[Costs]) -> Costs:
    whole: Costs = {}
    for costs in some:
        for currency, amount in costs.items():
            whole[currency] = whole.get(currency, Decimal(0)) + amount
    return dict(sorted(whole.items()))


def _remarks(bill: Bill, sending: Sending, used: Counter[str], blanks: Mapping[str, int], named: set[str]) -> list[str]:
    said = []
    for name, n in blanks.items():
        said.append(f"{n:,} of them have no {{{name}}}: they get nothing.")
    if private := sorted(named - set(sending.content.common.facts)):
        names = ", ".join(f"{{{name}}}" for name in private)
        said.append(f"The text says {names}: whoever uses the same phone can read it.")
    for channel in used:
        price = sending.channels[channel].price
        if read_price(price) is None:
            said.append(
                f"The channel {channel} has no price: add price=0.8KES to it in NGAZI_CHANNELS to see the cost."
            )
    added = max((ADDED.get(sending.channels[channel].provider, 0) for channel in used), default=0)
    if added:
        longer = [
            speech.name
            for speech in bill.speeches
            if speech.people and segments(speech.sample + "x" * added).count > segments(speech.sample).count
        ]
        more = f": one SMS more in {', '.join(longer)}" if longer else ""
        said.append(f"The first message to a person grows by about {added} letters on how to opt out{more}.")
    if bill.too_late:
        said.append(f"At this pace {bill.too_late:,} cannot be reached before it ends: give it more days with --until.")
    return said
