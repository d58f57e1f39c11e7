"""Why a person got a message or not, and what speaks against messages to them now. Reads only, over one connection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, select

from dialogs.content import Content
from dialogs.showing import House
from dialogs.store import ASKED_FOR
from dialogs.tables import Address, Consent, Contact, Due, Field
from gateway import audience as audiences
from gateway import reasons, reminders_ahead
from gateway.audience import Audience
from gateway.reminders_ahead import Ahead
from gateway.reminders_rows import OFFICER
from gateway.tables import Broadcast, Message, Report

LOOK_BACK = timedelta(days=60)  # for reminders that no message was written for
NOT_THEN = "it was not asked for at that time, or the person was not in the group yet"
NOT_LOOKED = "nobody wrote it yet: is ngazi serve or ngazi work running?"
STATES: Mapping[str, str] = {
    "queued": "waits",
    "sending": "is being handed over",
    "sent": "handed over, no report of its arrival",
    "delivered": "arrived",
    "failed": "did not arrive",
    "refused": "was not sent",
    "expired": "was not sent in time",
    "unknown": "nobody knows whether it was sent",
}


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to the person. Times are UTC. `said` is the newest word of the provider; `text` may be gone."""

    id: int
    kind: str
    what: str
    status: str
    state: str
    reason: str
    attempts: int
    channel: str
    created_at: datetime
    due_at: datetime
    sent_at: datetime | None
    delivered_at: datetime | None
    said: str = ""
    said_at: datetime | None = None
    language: str = ""
    text: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Said:
    """One line of the ledger of consent."""

    what: str
    yes: bool
    how: str
    at: datetime


def outgoing(
    db: Connection, content: Content, contact_id: int, limit: int = 20, broadcast_id: int | None = None
) -> list[Outgoing]:
    """The messages to a person, the newest first; of one broadcast only, if it is said."""
    wanted = select(Message.__table__).where(Message.contact_id == contact_id, Message.direction == "out")
    if broadcast_id is not None:
        wanted = wanted.where(Message.broadcast_id == broadcast_id)
    rows = db.execute(wanted.order_by(Message.created_at.desc(), Message.id.desc()).limit(limit)).all()
    named = select(Broadcast.id, Broadcast.name).where(Broadcast.id.in_({row.broadcast_id or 0 for row in rows}))
    names = {row.id: row.name for row in db.execute(named)}
    said: dict[int | None, Any] = {}
    reports = select(Report.message_id, Report.status, Report.reason, Report.at)
    for report in db.execute(reports.where(Report.message_id.in_([row.id for row in rows])).order_by(Report.id)):
        said[report.message_id] = report
    return [_outgoing(content, row, names, said.get(row.id)) for row in rows]


def _outgoing(content: Content, row: Row[Any], names: Mapping[int, str], report: Row[Any] | None) -> Outgoing:
    words = "" if report is None else ": ".join(filter(None, [report.status, report.reason]))
    return Outgoing(
        row.id, row.kind, _what(content, row, names), row.status, STATES.get(row.status, row.status), row.error,
        row.attempts, row.channel, row.created_at, row.due_at, row.sent_at,
        row.done_at if row.status == "delivered" else None,
        words, None if report is None else report.at, row.language, row.text,
    )  # fmt: skip


def _what(content: Content, row: Row[Any], names: Mapping[int, str]) -> str:
    about = row.about or {}
    if row.kind == "broadcast":
        return f"broadcast {row.broadcast_id}: {names.get(row.broadcast_id, '')}"
    if row.kind == "reminder":
        series = content.series.get(about.get("series", ""))
        title = series.title.source if series is not None else about.get("series", "")
        moment = "to the officer of the group" if about.get("moment") == OFFICER else about.get("moment", "")
        return f"reminder {about.get('series', '')}: {title}, {moment}, date {about.get('on', '')}"
    return "an answer to what the person wrote"


def not_written(db: Connection, house: House, contact_id: int, now: datetime) -> list[Ahead]:
    """The reminders of the last weeks that no message was written for, the newest first. The reason is what speaks
    against them now: what held then is not kept, but in the ledger."""
    found = reminders_ahead.of_people(db, house, [contact_id], now - LOOK_BACK, now, now)
    missing = [each for each in found if each.state in ("none", "comes")]
    rows = db.execute(select(Due.id, Due.next_at).where(Due.id.in_({each.due_id for each in missing})))
    looks = {row.id: row.next_at for row in rows}

    def reason(each: Ahead) -> str:
        if each.state == "none":
            return each.reason
        look = looks.get(each.due_id)
        return NOT_LOOKED if look is not None and look <= each.at else NOT_THEN

    told = [replace(each, reason=reason(each)) for each in missing]
    return sorted(told, key=lambda each: each.at, reverse=True)


def ledger(db: Connection, contact_id: int) -> list[Said]:
    """What the person agreed to and took back, in order."""
    wanted = select(Consent.what, Consent.yes, Consent.how, Consent.at).where(Consent.contact_id == contact_id)
    return [Said(*row) for row in db.execute(wanted.order_by(Consent.at, Consent.id))]


def against(db: Connection, house: House, contact_id: int, now: datetime) -> list[str]:
    """What speaks against messages to this person now, in sentences; nothing: nothing does."""
    person = db.execute(select(Contact.__table__).where(Contact.id == contact_id)).one()
    fields = {
        row.name: row.value for row in db.execute(select(Field.name, Field.value).where(Field.contact_id == contact_id))
    }
    found = []
    if person.stopped_at is not None:
        found.append(f"The person said STOP: {_utc(person.stopped_at)}. Nothing goes until they send START.")
    if person.consent_at is None:
        found.append("The person has not agreed to the service: no broadcast is meant for them.")
    found += _number(db, contact_id)
    if fields.get("news") != "yes":
        found.append(f"No broadcasts: {reasons.NO_NEWS}.")
    if fields.get("reminders") != "yes":
        found.append(f"No reminders: {reasons.NO_REMINDERS}.")
    known = {**house.outside(person.country), **fields, "language": person.language, "country": person.country}
    for _, series in sorted(house.content.series.items()):
        off = [each for each in series.conditions if not each.holds(known)]
        if off:
            told = ", ".join(f"{each.name} is {known.get(each.name) or 'not known'}" for each in off)
            found.append(f"Not the series {series.id} ({series.title.source}): {told}.")
    return [*found, *_not_now(db, house, person, now)]


def _number(db: Connection, contact_id: int) -> list[str]:
    wanted = select(Address.bad_at, Address.refused_by).where(Address.contact_id == contact_id)
    rows = db.execute(wanted.where(Address.kind.in_(ASKED_FOR), Address.sealed.is_not(None))).all()
    if not rows:
        return [f"{reasons.NO_NUMBER[0].upper()}{reasons.NO_NUMBER[1:]}."]
    bad = [row for row in rows if row.bad_at is not None]
    if len(bad) < len(rows):
        return []
    return [f"{reasons.BAD_NUMBER[0].upper()}{reasons.BAD_NUMBER[1:]}: since {_utc(max(row.bad_at for row in bad))}."]


def _not_now(db: Connection, house: House, person: Row[Any], now: datetime) -> list[str]:
    """The hour, and the one message a day."""
    hours, found = house.content.hours, []
    zone = hours.zones(person.country, person.timezone)[0]
    opens = hours.next_allowed(person.country, person.timezone, now)
    if opens > now:
        there = reminders_ahead.clock(opens, zone) if opens.year < 9000 else None
        until = f"until {there:%Y-%m-%d %H:%M} in {zone}" if there else "for more than a year"
        found.append(f"Not now: {reasons.QUIET_HOURS}, {until}.")
    bulk = select(func.max(Message.sent_at)).where(Message.contact_id == person.id, Message.direction == "out")
    told = db.execute(bulk.where(Message.kind.in_(("broadcast", "reminder")))).scalar()
    today = hours.local_day(person.country, person.timezone, now)
    if told is not None and hours.local_day(person.country, person.timezone, told) >= today:
        found.append(f"Not today: {reasons.ONE_A_DAY}.")
    return found


def of_broadcast(db: Connection, contact_id: int, broadcast_id: int, now: datetime) -> str:
    """How a person stands to a broadcast that has no message for them, in a sentence. Raises LookupError."""
    row = db.execute(select(Broadcast.__table__).where(Broadcast.id == broadcast_id)).first()
    if row is None:
        raise LookupError(broadcast_id)
    person = db.execute(select(Contact.__table__).where(Contact.id == contact_id)).one()
    name, day = f"broadcast {row.id} ({row.name})", (row.begun_at or now).date()
    meant = Audience.of(row.audience)
    if person.consent_at is None:
        return f"This person is not meant by {name}: they have not agreed to the service."
    if wrong := [word for word, part in _parts(meant) if not _is_meant(db, contact_id, part, day)]:
        return f"This person is not meant by {name}: another {', '.join(wrong)} was asked for."
    if row.status == "draft":
        return f"This person is meant by {name}, but it has not been sent: it is a draft."
    if row.begun_at is not None and person.created_at > row.begun_at:
        return f"This person came after {name} was begun."
    if row.status == "queueing":
        return f"This person is meant by {name}: the messages are being written, this one is still to come."
    return f"This person is meant by {name} now, but was not when it was sent."


def _parts(meant: Audience) -> Sequence[tuple[str, Audience]]:
    """What the audience asks for, one by one."""
    plain = Audience(everyone=True)
    parts = [
        ("group", meant.groups, replace(plain, groups=meant.groups, everyone=not meant.groups)),
        ("language", meant.languages, replace(plain, languages=meant.languages)),
        ("country", meant.countries, replace(plain, countries=meant.countries)),
        ("date", meant.due, replace(plain, due=meant.due)),
        *(
            ("progress in " + each, True, replace(plain, progress={each: state}))
            for each, state in meant.progress.items()
        ),
        *((each, True, replace(plain, fields={each: values})) for each, values in meant.fields.items()),
    ]
    return [(word, part) for word, said, part in parts if said]


def _is_meant(db: Connection, contact_id: int, meant: Audience, day: Any) -> bool:
    wanted = audiences.contacts(meant, day).where(Contact.id == contact_id)
    return db.execute(wanted).first() is not None


def _utc(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
