"""Finding people: one by number, many by group, language and saved fields; and what is known of one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from sqlalchemy import Connection, Select, exists, select

from dialogs.seal import Seal
from dialogs.tables import Address, Consent, Contact, Due, Field, Group, Member
from gateway.people import groups
from gateway.people.transact import Transact

SLICE = 500


class NotFound(Exception):
    """There is nobody with this number, or with this id."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one person, without numbers. Times are UTC."""

    id: int
    language: str
    country: str
    timezone: str
    agreed_at: datetime | None
    stopped_at: datetime | None
    private_phone: bool | None
    number_kept: bool
    seen_at: datetime
    groups: list[tuple[str, str]] = field(default_factory=list)  # code, role
    fields: dict[str, str] = field(default_factory=dict)
    dates: list[tuple[str, str, bool]] = field(default_factory=list)  # name, date, done
    consents: list[tuple[str, bool, str, datetime]] = field(default_factory=list)  # what, yes, how, when


def by_number(db: Connection, seal: Seal, number: str) -> int:
    """The contact behind a number in E.164, heard by SMS and calls or by WhatsApp. Raises NotFound."""
    for kind in ("tel", "whatsapp"):
        found = db.execute(
            select(Address.contact_id).where(Address.kind == kind, Address.key == seal.key(kind, number))
        ).scalar()
        if found is not None:
            return found
    raise NotFound


def by_id(db: Connection, id: int) -> int:
    """The id, if there is such a contact. Raises NotFound."""
    if db.execute(select(Contact.id).where(Contact.id == id)).scalar() is None:
        raise NotFound
    return id


def known(db: Connection, id: int) -> Known:
    """What is known of a contact. Raises NotFound."""
    row = db.execute(select(Contact.__table__).where(Contact.id == id)).first()
    if row is None:
        raise NotFound
    kept = db.execute(select(Address.id).where(Address.contact_id == id, Address.sealed.is_not(None)).limit(1)).first()
    person = Known(
        row.id, row.language, row.country, row.timezone, row.consent_at, row.stopped_at, row.private_phone,
        kept is not None, row.seen_at,
    )  # fmt: skip
    member = select(Group.code, Member.role).join(Member, Member.group_id == Group.id).where(Member.contact_id == id)
    person.groups.extend((each.code, each.role) for each in db.execute(member.order_by(Group.code)))
    for name, value in db.execute(select(Field.name, Field.value).where(Field.contact_id == id).order_by(Field.name)):
        person.fields[name] = readable(value)
    dates = select(Due.name, Due.on, Due.done_at).where(Due.contact_id == id).order_by(Due.name, Due.on)
    person.dates.extend((each.name, each.on.isoformat(), each.done_at is not None) for each in db.execute(dates))
    ledger = select(Consent.what, Consent.yes, Consent.how, Consent.at).where(Consent.contact_id == id)
    person.consents.extend((each.what, each.yes, each.how, each.at) for each in db.execute(ledger.order_by(Consent.id)))
    return person


def readable(value: str) -> str:
    """A saved field for reading: a phone number in it stays locked."""
    return "(a phone number, locked)" if value.startswith("sealed:") else value


def matching(
    db: Connection, *, group: str = "", language: str = "", fields: Mapping[str, str] | None = None
) -> Select[int]:
    """The statement for contacts in a group (or below it), of a language, with these fields. Raises GroupError."""
    wanted = select(Contact.id)
    if group:
        ids = groups.below(db, [groups.find(db, group)])
        wanted = wanted.where(exists().where(Member.contact_id == Contact.id, Member.group_id.in_(sorted(ids))))
    if language:
        wanted = wanted.where(Contact.language == language)
    for name, value in (fields or {}).items():
        wanted = wanted.where(exists().where(Field.contact_id == Contact.id, Field.name == name, Field.value == value))
    return wanted


def after(db: Connection, wanted: Select[int], last: int) -> list[int]:
    """The next ids of a `matching` statement, in order, at most SLICE."""
    return list(db.execute(wanted.where(Contact.id > last).order_by(Contact.id).limit(SLICE)).scalars())


def each(transact: Transact, wanted: Select[int]) -> Iterator[int]:
    """All ids of a `matching` statement, in order; a short transaction for each slice."""
    last = 0
    while ids := transact(partial(after, wanted=wanted, last=last)):
        yield from ids
        last = ids[-1]
