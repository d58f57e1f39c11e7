"""The reminders that will come, and those that will not, with the reason: the same calendar and rules as planning."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from dialogs.showing import House
from dialogs.tables import Contact
from gateway import reminders_people as known
from gateway import rendering
from gateway.calendar import Timed, between, concerning
from gateway.reminders_people import Person
from gateway.reminders_rows import OFFICER, Pair, Rules
from gateway.rendering import Reader
from gateway.tables import Message
from gateway.wording import Missing

SLICE = 500  # people in one transaction
QUEUED = "written already, waits to be sent"


@dataclass(frozen=True, slots=True)
class Ahead:
    """One reminder of one person. `state`: comes, queued, sent, expired, refused, failed, or none: then `reason` says
    why there is no message. `at` is UTC without a zone, `local` what the clock of `zone` shows then."""

    contact_id: int
    due_id: int
    series: str
    moment: str
    on: date
    at: datetime
    local: datetime
    zone: str
    state: str = "comes"
    reason: str = ""
    text: str = field(default="", repr=False)


def of_people(
    db: Connection, house: House, contact_ids: Sequence[int], since: datetime, until: datetime, now: datetime,
    *, texts: bool = False,
) -> list[Ahead]:  # fmt: skip
    """What the open dates of these people and their groups bring between two moments, in order; at most SLICE people.

    `texts`: as each person will read it.
    """
    pairs = [Pair(due, id) for id, due in [*known.of_groups(db, contact_ids), *known.own(db, contact_ids)]]
    rules = Rules.of(db, house, pairs, now, whole=texts)
    found: dict[str, tuple[Pair, Timed, str]] = {}
    for pair in pairs:
        person = rules.persons.get(pair.contact_id)
        if person is None:
            continue
        begins = max(since, pair.due.set_at or since)
        for series in concerning(house.content.series.values(), pair.due.name):
            for timed in between(series, pair.due.on, house.content.hours, person.place, begins, until):
                key, reason = timed.point.key(person.id), rules.against(pair, timed)
                if key not in found or (found[key][2] and not reason):
                    found[key] = (pair, timed, reason)
    written = _written(db, found)
    ahead = []
    for key, (pair, timed, reason) in found.items():
        state, why = written.get(key, ("none" if reason else "comes", reason))
        text = _text(house, timed, rules.persons[pair.contact_id]) if texts and state != "none" else ""
        ahead.append(_ahead(house, pair, timed, rules.persons[pair.contact_id], state, why, text))
    return sorted(ahead, key=lambda each: (each.at, each.contact_id, each.series))


def _written(db: Connection, keys: Iterable[str]) -> Mapping[str, tuple[str, str]]:
    """State and reason of those that have a message already."""
    listed, found = sorted(keys), {}
    for start in range(0, len(listed), SLICE):
        wanted = select(Message.dedupe, Message.status, Message.error)
        for key, status, error in db.execute(wanted.where(Message.dedupe.in_(listed[start : start + SLICE]))):
            state = {"sending": "sent", "delivered": "sent", "unknown": "sent"}.get(status, status)
            found[key or ""] = (state, error or (QUEUED if status == "queued" else ""))
    return found


def _ahead(house: House, pair: Pair, timed: Timed, person: Person, state: str, reason: str, text: str) -> Ahead:
    point = timed.point
    zone = house.content.hours.zones(*person.place)[0]
    return Ahead(
        person.id, pair.due.id, point.series.id, point.moment.name, point.on, timed.at, clock(timed.at, zone), zone,
        state, reason, text,
    )  # fmt: skip


def _text(house: House, timed: Timed, person: Person) -> str:
    reader = Reader(person.language, person.country, person.private, person.fields)
    point = timed.point
    try:
        return rendering.of_reminder(house, point.series, point.moment, point.on.isoformat(), reader).text
    except Missing as missing:
        return f"(cannot be said: {missing})"


def clock(at: datetime, zone: str) -> datetime:
    """What the clock on the wall of a zone shows at a moment."""
    return at.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def waiting(db: Connection, house: House, contact_id: int, now: datetime) -> list[Ahead]:
    """The reminders of a person that are written and wait, those put off till later and those to an officer too."""
    person = known.people(db, [contact_id]).get(contact_id)
    if person is None:
        return []
    rows = select(Message.about, Message.due_at, Message.error).where(Message.contact_id == contact_id)
    rows = rows.where(Message.kind == "reminder", Message.status == "queued").order_by(Message.due_at)
    zone, found = house.content.hours.zones(*person.place)[0], []
    for about, at, error in db.execute(rows):
        about = about or {}
        moment = "to the officer of the group" if about.get("moment") == OFFICER else about.get("moment", "")
        on, series = date.fromisoformat(about.get("on", now.date().isoformat())), about.get("series", "")
        ahead = Ahead(contact_id, about.get("due", 0), series, moment, on, at, clock(at, zone), zone, "queued")
        found.append(replace(ahead, reason=error or QUEUED))
    return found


Counted = Counter[tuple[date, str, str, str]]
"""How many by local day, series, moment and reason ("": it comes, or is written)."""


def counted(ahead: Iterable[Ahead]) -> Counted:
    """The same as numbers, without people."""
    return Counter(
        (each.local.date(), each.series, each.moment, each.reason if each.state == "none" else "") for each in ahead
    )


def next_people(db: Connection, group_id: int | None, after: int) -> list[int]:
    """The next people of a group and below it (None: all who agreed to something), by id, at most SLICE."""
    if group_id is not None:
        return known.members(db, group_id, after, SLICE)
    wanted = select(Contact.id).where(Contact.id > after, Contact.consent_at.is_not(None))
    return list(db.execute(wanted.order_by(Contact.id).limit(SLICE)).scalars())
