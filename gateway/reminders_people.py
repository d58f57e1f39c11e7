"""What planning must know of people: what they want, where they are, when they were heard, what they got."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Integer, case, func, literal, select

from dialogs.script import Series
from dialogs.showing import House
from dialogs.statements import INT, TEXT, TIME, ids_of, rows_of, time_of, when
from dialogs.store import ASKED_FOR
from dialogs.tables import Address, Contact, Due, Field, Group, Member
from gateway import reasons
from gateway.calendar import Place
from gateway.people.groups import OFFICER, tree_of
from gateway.tables import Message

HANDED = ("sending", "sent", "delivered", "unknown")  # with `sent_at`: it was, or may have been, handed over
DEEPEST = 20  # levels of groups
REPEATS_NOT = timedelta(hours=24)  # a date that is corrected so soon does not repeat what was sent
NEAR = timedelta(days=30)  # a date that moved further than this is another date


class Dated(NamedTuple):
    """A date that reminders count from."""

    id: int
    contact_id: int | None
    group_id: int | None
    name: str
    on: date
    was: date | None
    set_at: datetime | None
    next_at: datetime | None
    done_at: datetime | None


DATED = tuple(getattr(Due, name) for name in Dated._fields)


@dataclass(slots=True)
class Person:
    """One person as the reminders see them. `heard_at` is exact to an hour."""

    id: int
    language: str
    country: str
    timezone: str
    stopped_at: datetime | None
    private: bool
    heard_at: datetime | None = None
    reachable: bool = False
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def place(self) -> Place:
        """Where they are."""
        return Place(self.country, self.timezone)

    def against(self, series: Series, house: House) -> str:
        """Why they get nothing of a series, and no row either: they did not ask for it. "": they get it."""
        if self.stopped_at is not None:
            return reasons.STOPPED
        if self.fields.get("reminders") != "yes":
            return reasons.NO_REMINDERS
        if not self.reachable:
            return reasons.NO_NUMBER
        known = {**house.outside(self.country), **self.fields, "language": self.language, "country": self.country}
        return "" if all(condition.holds(known) for condition in series.conditions) else reasons.SERIES_OFF

    def silent_since(self, moment: datetime) -> bool:
        """True if nothing was heard after this moment; in doubt, something was."""
        return self.heard_at is None or self.heard_at <= moment - timedelta(hours=1)


def people(db: Connection, ids: Collection[int], names: Iterable[str] | None = None) -> dict[int, Person]:
    """These people with the fields of these names (None: all), held until the transaction ends so that nobody erases
    them meanwhile; those who are not there any more are left out."""
    if not ids:
        return {}
    listed, dialect = {"ids": json.dumps(sorted(set(ids)))}, db.dialect.name
    columns = (Contact.id, Contact.language, Contact.country, Contact.timezone, Contact.stopped_at)
    wanted = select(*columns, Contact.private_phone).where(Contact.id.in_(ids_of(dialect))).order_by(Contact.id)
    rows = db.execute(wanted.with_for_update(read=True, key_share=True), listed)
    found = {row.id: Person(*row[:5], bool(row.private_phone)) for row in rows}
    asked = case((Address.sealed.is_not(None) & Address.kind.in_(ASKED_FOR), 1), else_=0)
    heard = select(Address.contact_id, func.max(Address.heard_at), func.max(asked))
    heard = heard.where(Address.contact_id.in_(ids_of(dialect))).group_by(Address.contact_id)
    for id, heard_at, reachable in db.execute(heard, listed):
        if id in found:
            found[id].heard_at, found[id].reachable = heard_at, bool(reachable)
    fields = select(Field.contact_id, Field.name, Field.value).where(Field.contact_id.in_(ids_of(dialect)))
    if names is not None:
        fields = fields.where(Field.name.in_(sorted({"reminders", *names})))
    for id, name, value in db.execute(fields, listed):
        if id in found:
            found[id].fields[name] = value
    return found


def of_groups(
    db: Connection, contact_ids: Collection[int], names: Collection[str] | None = None
) -> list[tuple[int, Dated]]:
    """The open dates of the groups that these contacts are in, or that stand above those: contact, date."""
    if not contact_ids:
        return []
    up = _up(db.dialect.name)
    wanted = select(up.c.contact_id, *DATED).join(Due, Due.group_id == up.c.group_id).where(Due.done_at.is_(None))
    if names is not None:
        wanted = wanted.where(Due.name.in_(sorted(names)))
    rows = db.execute(wanted.distinct().order_by(up.c.contact_id, Due.id), _listed(contact_ids))
    return [(row[0], Dated(*row[1:])) for row in rows]


def own(db: Connection, contact_ids: Collection[int], names: Collection[str] | None = None) -> list[tuple[int, Dated]]:
    """The open dates of these contacts themselves: contact, date."""
    if not contact_ids:
        return []
    wanted = select(*DATED).where(Due.contact_id.in_(ids_of(db.dialect.name)), Due.done_at.is_(None)).order_by(Due.id)
    if names is not None:
        wanted = wanted.where(Due.name.in_(sorted(names)))
    return [(row.contact_id, Dated(*row)) for row in db.execute(wanted, _listed(contact_ids))]


def counting(found: Iterable[tuple[int, Dated]]) -> dict[tuple[int, str], int]:
    """Which date of a series that comes again and again counts, by contact and name: that of a group before the
    person's own, of several groups the oldest."""
    chosen: dict[tuple[int, str], Dated] = {}
    for contact_id, due in found:
        known = chosen.get((contact_id, due.name))
        if known is None or (due.group_id is None, due.id) < (known.group_id is None, known.id):
            chosen[contact_id, due.name] = due
    return {key: due.id for key, due in chosen.items()}


def officers(db: Connection, contact_ids: Collection[int]) -> dict[int, list[tuple[int, str]]]:
    """By contact the officers of their groups, with the group's name; where a group has none, those of the nearest
    group above it."""
    if not contact_ids:
        return {}
    up = _up(db.dialect.name)
    officer = select(up.c.contact_id, up.c.start, up.c.depth, Member.contact_id, Group.name)
    officer = officer.join(Member, Member.group_id == up.c.group_id).join(Group, Group.id == up.c.group_id)
    rows = db.execute(officer.where(Member.role == OFFICER).order_by(up.c.depth, Group.id), _listed(contact_ids)).all()
    nearest: dict[tuple[int, int], int] = {}
    found: dict[int, list[tuple[int, str]]] = {}
    for contact_id, start, depth, officer_id, name in rows:
        if nearest.setdefault((contact_id, start), depth) == depth:
            found.setdefault(contact_id, []).append((officer_id, name))
    return found


def _up(dialect: str) -> Any:
    """The groups of the contacts given as `ids`, and all above them: contact_id, start, group_id, depth."""
    first = select(
        Member.contact_id.label("contact_id"),
        Member.group_id.label("start"),
        Member.group_id.label("group_id"),
        literal(0, Integer()).label("depth"),
    ).where(Member.contact_id.in_(ids_of(dialect)))
    up = first.cte("up", recursive=True)
    over = select(up.c.contact_id, up.c.start, Group.parent_id, up.c.depth + 1)
    over = over.join(Group, Group.id == up.c.group_id).where(Group.parent_id.is_not(None), up.c.depth < DEEPEST)
    return up.union(over)


def members(db: Connection, group_id: int, after: int, most: int) -> list[int]:
    """The next people in a group or below it, by id."""
    tree = tree_of(select(Group.id).where(Group.id == group_id), "tree")
    wanted = select(Member.contact_id).where(Member.group_id.in_(select(tree.c.id)), Member.contact_id > after)
    return list(db.execute(wanted.distinct().order_by(Member.contact_id).limit(most)).scalars())


def handed(db: Connection, keys: Collection[str]) -> dict[str, datetime]:
    """When the messages with these dedupe keys were handed over; those that were not are left out."""
    if not keys:
        return {}
    rows = rows_of(db.dialect.name, {"dedupe": TEXT})
    wanted = select(Message.dedupe, Message.sent_at).join(rows, rows.c.dedupe == Message.dedupe)
    wanted = wanted.where(Message.status.in_(HANDED), Message.sent_at.is_not(None))
    given = {"rows": json.dumps([{"dedupe": key} for key in sorted(keys)])}
    return {dedupe: sent_at for dedupe, sent_at in db.execute(wanted, given) if dedupe and sent_at}


def handed_before(db: Connection, dues: Iterable[tuple[int, Dated]]) -> set[tuple[int, int, str, str]]:
    """What was handed over within a day before a date was corrected, for another date less than 30 days away:
    contact, due, series, moment."""
    changed = {(id, due.id): due for id, due in dues if due.was is not None and due.set_at is not None}
    spans = [
        {"contact_id": id, "due": due.id, "since": when(due.set_at - REPEATS_NOT), "until": when(due.set_at)}
        for (id, _), due in changed.items()
        if due.set_at is not None
    ]
    if not spans:
        return set()
    rows = rows_of(db.dialect.name, {"contact_id": INT, "due": INT, "since": TIME, "until": TIME})
    wanted = select(Message.contact_id, rows.c.due, Message.about).join(rows, rows.c.contact_id == Message.contact_id)
    wanted = wanted.where(Message.kind == "reminder", Message.status.in_(HANDED))
    wanted = wanted.where(Message.sent_at >= rows.c.since, Message.sent_at <= rows.c.until)
    found = set()
    for contact_id, due_id, about in db.execute(wanted, {"rows": json.dumps(spans)}):
        due, about = changed[contact_id, due_id], about or {}
        before = about.get("due_on", about.get("on", ""))
        if about.get("due") == due.id and before and timedelta(0) < abs(date.fromisoformat(before) - due.on) < NEAR:
            found.add((contact_id, due.id, about.get("series", ""), about.get("moment", "")))
    return found


def latest(db: Connection, series: Series, contact_ids: Collection[int], count: int) -> dict[int, list[datetime]]:
    """When the last messages of a series were handed over to these contacts, the newest first, at most `count`."""
    if not contact_ids:
        return {}
    number = func.row_number().over(partition_by=Message.contact_id, order_by=Message.sent_at.desc()).label("number")
    sent = select(Message.contact_id, Message.sent_at, number).where(
        Message.contact_id.in_(ids_of(db.dialect.name)),
        Message.kind == "reminder",
        Message.dedupe.startswith(f"{series.id}:", autoescape=True),
        Message.status.in_(HANDED),
        Message.sent_at.is_not(None),
    )
    part = sent.subquery()
    wanted = select(part.c.contact_id, part.c.sent_at).where(part.c.number <= count).order_by(part.c.number)
    found: dict[int, list[datetime]] = {}
    for id, sent_at in db.execute(wanted, _listed(contact_ids)):
        found.setdefault(id, []).append(time_of(sent_at))
    return found


def _listed(ids: Collection[int]) -> Mapping[str, str]:
    return {"ids": json.dumps(sorted(set(ids)))}


def condition_names(series: Iterable[Series]) -> set[str]:
    """The fields that these series ask for."""
    return {condition.name for each in series for condition in each.conditions}
