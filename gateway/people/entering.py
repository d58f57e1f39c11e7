"""One slice of an import in the database: who is new, who is known, what is added. What a person said stays.

Locks are taken as `dialogs.store` takes them: addresses by key, contacts by id, then what they own.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Table, bindparam, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from dialogs.seal import Seal
from dialogs.statements import statements, table
from dialogs.store import Vanished
from dialogs.tables import Address, Base, Consent, Contact, Due, Field, Member
from gateway import numbers
from gateway.people import groups
from gateway.people.rows import Wanted

STEERS = ("reminders", "news")  # asked for by being on the list, unless the person or the sheet says otherwise
HOW = "import"  # in the ledger


@dataclass(slots=True)
class Standing:
    """A contact as it is; id 0 is one that is not there yet."""

    id: int = 0
    language: str = ""
    country: str = ""
    timezone: str = ""
    private_phone: bool | None = None
    consent_at: datetime | None = None
    stopped: bool = False
    addresses: dict[str, tuple[int, bool]] = field(default_factory=dict)  # by key: id, whether the number is kept
    fields: dict[str, str] = field(default_factory=dict)
    open_dates: dict[str, set[date]] = field(default_factory=dict)
    done_dates: set[tuple[str, date]] = field(default_factory=set)


@dataclass(slots=True)
class Entered:
    """What became of a slice: rows of the sheet."""

    new: list[int] = field(default_factory=list)
    known: list[int] = field(default_factory=list)
    stopped: list[int] = field(default_factory=list)
    kept: list[int] = field(default_factory=list)  # known people who said something else than the sheet


@dataclass(slots=True)
class _Changes:
    """Rows to write."""

    contacts: list[dict[str, Any]] = field(default_factory=list)
    fields: list[dict[str, Any]] = field(default_factory=list)
    dates: list[dict[str, Any]] = field(default_factory=list)
    ledger: list[dict[str, Any]] = field(default_factory=list)
    members: list[dict[str, Any]] = field(default_factory=list)
    sealed: list[dict[str, Any]] = field(default_factory=list)


def enter(db: Connection, seal: Seal, wanted: Mapping[str, Wanted], now: datetime, *, dry: bool = False) -> Entered:
    """Enter these people, by the key of their address. `dry` only looks. Raises Vanished: take the slice once more."""
    given = {} if dry else groups.ensure(db, {code for each in wanted.values() for code in each.groups})
    found = _addresses(db, wanted)
    made: set[int] = set()
    if not dry:
        made = _meet(db, wanted, found, now)
    people = _load(db, found, lock=not dry)
    done, changes = Entered(), _Changes()
    for key, each in sorted(wanted.items(), key=lambda item: item[1].row):
        person = people.get(key, Standing())
        if person.stopped:
            done.stopped.append(each.row)
            continue
        fresh = person.id == 0 or person.id in made
        (done.new if fresh else done.known).append(each.row)
        if _plan(changes, person, each, given, now) and not fresh:
            done.kept.append(each.row)
        _lock_number(changes, person, key, each.phone, seal)
    if not dry:
        _write(db, changes)
    return done


def _addresses(db: Connection, keys: Collection[str]) -> dict[str, tuple[int, int | None, bool]]:
    """The addresses with these keys: id, contact, whether the number is kept."""
    columns = select(Address.key, Address.id, Address.contact_id, Address.key_id)
    rows = db.execute(columns.where(Address.kind == "tel", Address.key.in_(sorted(keys))))
    return {row.key: (row.id, row.contact_id, row.key_id is not None) for row in rows}


def _meet(
    db: Connection, wanted: Mapping[str, Wanted], found: dict[str, tuple[int, int | None, bool]], now: datetime
) -> set[int]:
    """Make the addresses and contacts that are missing; gives the contacts made."""
    sql = statements(db.dialect.name)
    missing = sorted(key for key in wanted if key not in found or not found[key][1])
    if not missing:
        return set()
    rows = [{"kind": "tel", "key": key} for key in missing]
    for row in db.execute(sql.hear, {"rows": json.dumps(rows), "now": now}):
        found[row.key] = (row.id, row.contact_id, row.key_id is not None)
    homeless = [key for key in missing if not found[key][1]]
    by_country: dict[str, list[str]] = {}
    for key in homeless:
        by_country.setdefault(numbers.country_of(wanted[key].phone), []).append(key)
    new = [{"country": country} for country, keys in by_country.items() for _ in keys]
    bound = []
    for id, country in db.execute(sql.make, {"rows": json.dumps(new), "now": now}).all():
        key = by_country[country].pop()
        found[key] = (found[key][0], id, found[key][2])
        bound.append({"id": found[key][0], "contact_id": id})
    if bound:
        db.execute(sql.bind, {"rows": json.dumps(sorted(bound, key=lambda row: row["id"]))})
    return {row["contact_id"] for row in bound}


def _load(db: Connection, found: Mapping[str, tuple[int, int | None, bool]], *, lock: bool) -> dict[str, Standing]:
    """Lock the contacts by id, and only then, in later statements, read what they own."""
    ids = sorted({contact_id for _, contact_id, _ in found.values() if contact_id})
    chosen = select(Contact.__table__).where(Contact.id.in_(ids)).order_by(Contact.id)
    rows = {row.id: row for row in db.execute(chosen.with_for_update() if lock else chosen)}
    if lock:
        if len(rows) < len(ids):
            raise Vanished
        again = _addresses(db, found)  # two contacts may have been merged while we waited for the lock
        if any(again.get(key, (0, 0, False))[1] != contact_id for key, (_, contact_id, _) in found.items()):
            raise Vanished
        found = again
    by_id: dict[int, Standing] = {}
    people: dict[str, Standing] = {}
    for key, (address_id, contact_id, sealed) in found.items():
        row = rows.get(contact_id or 0)
        if row is None:
            continue
        known = by_id.setdefault(
            row.id,
            Standing(
                row.id, row.language, row.country, row.timezone, row.private_phone, row.consent_at,
                row.stopped_at is not None,
            ),
        )  # fmt: skip
        known.addresses[key] = (address_id, sealed)  # two numbers may be of one person
        people[key] = known
    for contact_id, name, value in db.execute(
        select(Field.contact_id, Field.name, Field.value).where(Field.contact_id.in_(ids))
    ):
        by_id[contact_id].fields[name] = value
    dates = select(Due.contact_id, Due.name, Due.on, Due.done_at).where(Due.contact_id.in_(ids)).order_by(Due.id)
    for owner, name, on, done_at in db.execute(dates):
        if owner is not None and done_at is None:
            by_id[owner].open_dates.setdefault(name, set()).add(on)
        elif owner is not None:
            by_id[owner].done_dates.add((name, on))
    return people


def _plan(changes: _Changes, person: Standing, wanted: Wanted, given: Mapping[str, int], now: datetime) -> bool:
    """Add what the sheet knows and the contact does not. True if the person said something else: that stays."""
    kept = False
    values = dict(wanted.values)
    for name in STEERS:
        values.setdefault(f"field:{name}", "yes")
    if person.consent_at is None:
        person.consent_at = now
        changes.ledger.append(_ledger(person.id, "consent", True, wanted.consent, now))
    for name, value in values.items():
        kind, _, own = name.partition(":")
        if kind == "field":
            kept |= _add_field(changes, person, own, value, wanted.consent, now)
        elif kind in ("date", "more"):
            kept |= _add_date(changes, person, own, date.fromisoformat(value), now, several=kind == "more")
        elif kind == "private_phone":
            if person.private_phone is None:
                person.private_phone = value == "yes"
            kept |= person.private_phone is not (value == "yes")
        else:
            setattr(person, kind, getattr(person, kind) or value)
            kept |= getattr(person, kind) != value
    changes.contacts.append(
        {
            "its_id": person.id,
            "language": person.language,
            "country": person.country or numbers.country_of(wanted.phone),
            "timezone": person.timezone,
            "private_phone": person.private_phone,
            "consent_at": person.consent_at,
        }
    )
    changes.members += [{"group_id": given[code], "contact_id": person.id} for code in wanted.groups if code in given]
    return kept


def _lock_number(changes: _Changes, person: Standing, key: str, phone: str, seal: Seal) -> None:
    """Keep the number, sealed, of somebody who is to get messages."""
    address_id, sealed = person.addresses.get(key, (0, True))
    if not sealed and any(person.fields.get(name) == "yes" for name in STEERS):
        row = {"its_id": address_id, "sealed": seal.seal(phone, "tel", str(person.id)), "key_id": seal.key_id}
        changes.sealed.append(row)


def _add_field(changes: _Changes, person: Standing, name: str, value: str, wording: str, now: datetime) -> bool:
    known = person.fields.get(name)
    if known is not None:
        return known != value
    person.fields[name] = value
    changes.fields.append({"contact_id": person.id, "name": name, "value": value})
    if is_consent(name):
        changes.ledger.append(_ledger(person.id, name, value == "yes", wording, now))
    return False


def is_consent(name: str) -> bool:
    """True for a field that says what a person wants to get: its changes stand in the ledger."""
    return name in STEERS or name.endswith("_reminders")


def _add_date(changes: _Changes, person: Standing, name: str, on: date, now: datetime, *, several: bool) -> bool:
    known = person.open_dates.setdefault(name, set())
    if on in known or (name, on) in person.done_dates:
        return False
    if known and not several:
        return True
    known.add(on)
    changes.dates.append({"contact_id": person.id, "name": name, "on": on, "set_at": now, "next_at": now})
    return False


def _ledger(contact_id: int, what: str, yes: bool, wording: str, now: datetime) -> dict[str, Any]:
    return {"contact_id": contact_id, "what": what, "yes": yes, "how": HOW, "wording": wording, "at": now}


def _write(db: Connection, changes: _Changes) -> None:
    if changes.contacts:
        contact = table(Contact)
        names = [name for name in changes.contacts[0] if name != "its_id"]
        to = {name: bindparam(name, type_=contact.c[name].type) for name in names}
        db.execute(update(contact).where(contact.c.id == bindparam("its_id")).values(to), changes.contacts)
    owned: tuple[tuple[type[Base], list[dict[str, Any]]], ...] = (
        (Field, changes.fields),
        (Due, changes.dates),
        (Consent, changes.ledger),
    )
    for model, rows in owned:
        if rows:
            db.execute(insert(table(model)), rows)
    if changes.members:
        into: Any = sqlite.insert if db.dialect.name == "sqlite" else postgresql.insert
        joined = [row | {"role": ""} for row in changes.members]
        db.execute(into(table(Member)).on_conflict_do_nothing(index_elements=["group_id", "contact_id"]), joined)
    if changes.sealed:
        address: Table = table(Address)
        to = {name: bindparam(name, type_=address.c[name].type) for name in ("sealed", "key_id")}
        db.execute(update(address).where(address.c.id == bindparam("its_id")).values(to), changes.sealed)
