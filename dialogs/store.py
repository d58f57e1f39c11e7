"""The queries on what is remembered: who is calling and where they stand, for a list at once.

Each statement takes the whole list as one JSON parameter (`listed`), so it is compiled once and sent once per list.
Locks are taken in one order in every process: addresses by key, contacts by id, then what they own,
tallies last. Times are UTC without a zone. The tables stand in `tables.py`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, select, update

from dialogs import dates
from dialogs.dates import OpenDate
from dialogs.engine import Entry
from dialogs.inbound import Inbound
from dialogs.seal import Seal
from dialogs.statements import Statements, decoded, fetch, statements, time_of
from dialogs.tables import Address, Base, Contact, Keyring, Run, Session

HEARD_LATELY = timedelta(hours=1)  # `address.heard_at` is as exact as this
WHATSAPP, CHAT = "whatsapp:", "chat:"
ASKED_FOR = ("tel", "whatsapp")  # kinds of addresses that a message can be sent to


@dataclass(slots=True)
class RunState:
    """One open run as it is in this transaction. `answers` is replaced, never changed in place."""

    dialog: str
    answers: list[Entry]
    started_at: datetime  # written once, when the run is made
    updated_at: datetime
    before: dict[str, str] = field(default_factory=dict)  # fields that it saved, as they were; "" = not known
    id: int = 0  # below 1: not written yet, a number of this list's own
    finished_at: datetime | None = None
    points: int = 0
    most: int = 0
    changed: bool = False
    fresh: list[Entry] = field(default_factory=list)  # kept answers to append to the reports


@dataclass(slots=True)
class SessionState:
    """One call as it is in this transaction; `shown` says what stands on the phone."""

    channel: str
    key: str
    contact_id: int
    consumed: int = 0
    shown: dict[str, Any] | None = None
    ended: bool = False
    written: bool = False  # it stands in the table
    changed: bool = False


class Said(NamedTuple):
    """A line of the ledger: yes or no to what, on which kind of channel, to which words."""

    what: str
    yes: bool
    how: str
    wording: str


@dataclass(slots=True)
class Person:
    """A contact as it is in this transaction, with the address that was heard."""

    id: int
    address_id: int
    kind: str
    language: str = ""
    country: str = ""
    consent: bool = False
    stopped: bool = False
    private_phone: bool | None = None
    sealed: bool = False
    fields: dict[str, str] = field(default_factory=dict)
    dues: dict[str, str] = field(default_factory=dict)
    runs: dict[str, RunState] = field(default_factory=dict)
    sessions: dict[tuple[str, str], SessionState] = field(default_factory=dict)
    dates: list[OpenDate] = field(default_factory=list)  # all that are open; `dues` names the nearest of each name
    groups: list[str] | None = None  # the names of their groups, newest first; None: not looked up
    changed: set[str] = field(default_factory=set)  # names of contact columns, and "field:<name>"
    dropped_runs: list[int] = field(default_factory=list)
    closed_runs: list[RunState] = field(default_factory=list)
    counts: list[tuple[str, str, str]] = field(default_factory=list)  # (dialog, step, choice) to tally
    ledger: list[Said] = field(default_factory=list)  # what the person agreed to and took back now
    joins: list[int] = field(default_factory=list)  # groups
    leaves: bool = False  # all groups that were there before `joins`
    unlinks: bool = False  # the chats that are this person's, but for the address that is heard
    lists: list[tuple[str, str]] = field(default_factory=list)  # (text, dedupe) asked for as one SMS
    seal: str = ""  # the address to seal, once the person asked for messages
    unseal: bool = False
    forget: bool = False
    saves: int = 0  # how often a field was saved in this transaction


def address_kind(address: str) -> tuple[str, str]:
    """The kind of an address and its value: `whatsapp:+255...` -> ("whatsapp", "+255...")."""
    if address.startswith(WHATSAPP):
        return "whatsapp", address[len(WHATSAPP) :]
    if address.startswith(CHAT):
        return "chat", address[len(CHAT) :]
    return "tel", address


def channel_kind(inbound: Inbound) -> str:
    """`ussd`, `sms`, or `bot` for every chat, WhatsApp too though it comes as a message."""
    return inbound.kind if inbound.kind == "ussd" or address_kind(inbound.address)[0] == "tel" else "bot"


def has_number(address: str) -> bool:
    """True for a phone and for WhatsApp; a web chat has no number that a message could be sent to."""
    return address_kind(address)[0] in ASKED_FOR


def keeps_number(db: Connection, contact_id: int) -> bool:
    """True if a number of this contact is kept to send messages to."""
    kept = select(Address.id).where(
        Address.contact_id == contact_id, Address.kind.in_(ASKED_FOR), Address.sealed.is_not(None)
    )
    return db.execute(kept.limit(1)).first() is not None


def session_key(inbound: Inbound, contact_id: int) -> str:
    """What a session is found by: the provider's, or for SMS and chat the contact itself."""
    return f"ussd:{inbound.session}" if inbound.kind == "ussd" else f"{inbound.kind}:{contact_id}"


class Heard(NamedTuple):
    """An address as it stands in its table."""

    id: int
    contact_id: int | None
    kind: str
    key: str
    key_id: str | None
    heard_at: datetime | str


class Vanished(Exception):
    """Another process erased a contact of this list, or took a chat from it, between our looking and our locking: take
    the list once more."""


def meet(
    db: Connection,
    inbounds: Sequence[Inbound],
    seal: Seal,
    now: datetime,
    country_of: Callable[[str], str],
) -> dict[str, Person]:
    """Make, lock and load the contacts behind these addresses; by address.

    An address that has a contact needs no lock of its own: the contact's serves. Only new ones, those without a
    contact and those not heard for an hour are written, in the order of their keys. Raises Vanished.
    """
    sql = statements(db.dialect.name)
    wanted = {seal.key(*address_kind(each.address)): each.address for each in inbounds}
    rows = [{"kind": address_kind(address)[0], "key": key} for key, address in wanted.items()]
    seen = {row[3]: Heard(*row) for row in fetch(db, sql.find, {"rows": json.dumps(rows)})}
    lately = now - HEARD_LATELY
    silent = [row for row in rows if not _lately(seen.get(row["key"]), lately)]
    known_silent = {seen[row["key"]].contact_id for row in silent if row["key"] in seen}
    if silent:
        silent.sort(key=lambda row: (row["kind"], row["key"]))
        for row in db.execute(sql.hear, {"rows": json.dumps(silent), "now": now}):
            seen[row.key] = Heard(*row)
    people: dict[str, Person] = {}
    missing: dict[str, list[int]] = {}
    for key, address in wanted.items():
        id, contact_id, kind, _, key_id, _ = seen[key]
        person = people[address] = Person(contact_id or 0, id, kind, sealed=key_id is not None)
        if not contact_id:
            person.country = country_of(address)
            missing.setdefault(person.country, []).append(id)
    if missing:
        _make(db, sql, people, missing, now)
    _load(db, sql, {person.id: person for person in people.values()}, people, inbounds, now.date().isoformat())
    _hold_chats(db, sql, {key: people[address].id for key, address in wanted.items()}, rows)
    if back := sorted({person.id for person in people.values() if person.id in known_silent}):
        db.execute(sql.see, {"ids": json.dumps(back), "now": now})
    return people


def _lately(heard: Heard | None, lately: datetime) -> bool:
    """True for an address that has a contact and was heard since then: nothing is to be written."""
    return heard is not None and bool(heard.contact_id) and time_of(heard.heard_at) >= lately


def _make(
    db: Connection, sql: Statements, people: Mapping[str, Person], missing: dict[str, list[int]], now: datetime
) -> None:
    """Give each address that has none a contact; we hold the lock of the address."""
    wanted = [{"country": country} for country, ids in missing.items() for _ in ids]
    given: dict[int, int] = {}
    for id, country in db.execute(sql.make, {"rows": json.dumps(wanted), "now": now}):
        given[missing[country].pop()] = id
    db.execute(sql.bind, {"rows": json.dumps([{"id": a, "contact_id": c} for a, c in sorted(given.items())])})
    for person in people.values():
        person.id = given.get(person.address_id, person.id)


def _hold_chats(db: Connection, sql: Statements, owners: Mapping[str, int], rows: Sequence[Mapping[str, str]]) -> None:
    """Raise Vanished where a phone ended its links, or linked the chat, while we waited for the lock of the contact."""
    chats = [row for row in rows if row["kind"] != "tel"]
    if chats and db.dialect.name != "sqlite":  # there nobody else writes while we do
        held = {row[3]: Heard(*row).contact_id for row in fetch(db, sql.find, {"rows": json.dumps(chats)})}
        if any(held.get(row["key"]) != owners[row["key"]] for row in chats):
            raise Vanished


def _load(
    db: Connection,
    sql: Statements,
    by_id: dict[int, Person],
    people: Mapping[str, Person],
    inbounds: Sequence[Inbound],
    today: str,
) -> None:
    """Lock the contacts by id, and only then, in later statements, read what they own."""
    ids = {"ids": json.dumps(sorted(by_id))}
    for address, person in list(people.items()):  # two addresses of one contact are one person here
        first = by_id[person.id]
        if first is not person:
            first.sealed = first.sealed or person.sealed
            people[address] = first  # type: ignore[index]
    locked = fetch(db, sql.lock, ids)
    if len(locked) < len(by_id):
        raise Vanished
    for id, language, country, consent_at, stopped_at, private in locked:
        person = by_id[id]
        person.language, person.country = language, country
        person.consent, person.stopped = consent_at is not None, stopped_at is not None
        person.private_phone = None if private is None else bool(private)
    for contact_id, name, value in fetch(db, sql.fields, ids):
        by_id[contact_id].fields[name] = value
    for contact_id, name, on, id in fetch(db, sql.dues, ids):
        by_id[contact_id].dates.append(OpenDate(name, str(on), id))
    for person in by_id.values():
        for name in {each.name for each in person.dates}:
            show_nearest(person, name, today)
    for id, contact_id, dialog, answers, before, updated_at in fetch(db, sql.runs, ids):
        entries = entries_of(answers)
        last = time_of(updated_at)
        by_id[contact_id].runs[dialog] = RunState(dialog, entries, last, last, decoded(before), id)
    keys = [{"channel": each.channel, "key": session_key(each, people[each.address].id)} for each in inbounds]
    known: dict[tuple[str, str], SessionState] = {}
    found = fetch(db, sql.sessions, {"rows": json.dumps(keys)})
    for channel, key, contact_id, consumed, shown, ended_at in found:
        known[channel, key] = SessionState(
            channel, key, contact_id, consumed, decoded(shown), ended_at is not None, written=True
        )
    for row, each in zip(keys, inbounds, strict=True):
        session = known.get((row["channel"], row["key"]))
        if session is not None:  # of somebody else perhaps: talk refuses that
            people[each.address].sessions[session.channel, session.key] = session


def show_nearest(person: Person, name: str, today: str) -> None:
    """`dues` names the nearest open date of this name; nothing where none is open."""
    found = dates.nearest(person.dates, name, today)
    if found is not None:
        person.dues[name] = found.on
    else:
        person.dues.pop(name, None)


def entries_of(stored: Any) -> list[Entry]:
    """The answers of a run out of what its table has, decoded already or not."""
    return [(step, choice) for step, choice in decoded(stored)]


def closed_run(db: Connection, contact_id: int, run_id: int) -> tuple[list[Entry], dict[str, str]]:
    """The answers of one run of this contact, and the fields as they were before it; empty where it is gone."""
    found = db.execute(select(Run.answers, Run.before).where(Run.id == run_id, Run.contact_id == contact_id)).first()
    if found is None:
        return [], {}
    return entries_of(found.answers), json.loads(found.before)


def end_session(db: Connection, channel: str, session: str, now: datetime) -> None:
    """Take note that a call is over; its last screen stays known for a repeat."""
    db.execute(
        update(Session)
        .where(Session.channel == channel, Session.key == f"ussd:{session}", Session.ended_at.is_(None))
        .values(ended_at=now)
    )


def forget(db: Connection, contact_id: int) -> None:
    """Erase a contact and all it owns. Who said STOP leaves the key of the address and the STOP, nothing else."""
    stopped = db.execute(select(Contact.stopped_at).where(Contact.id == contact_id)).scalar()
    if stopped is None:
        db.execute(delete(Contact).where(Contact.id == contact_id))
        return
    addresses = select(Address.id).where(Address.contact_id == contact_id)
    for table in reversed(Base.metadata.sorted_tables):  # the messages of the gateway too
        if "contact_id" in table.c and table.name != Address.__tablename__:
            db.execute(delete(table).where(table.c.contact_id == contact_id))
        if "address_id" in table.c:
            db.execute(update(table).where(table.c.address_id.in_(addresses)).values(address_id=None))
    db.execute(
        update(Contact)
        .where(Contact.id == contact_id)
        .values(language="", consent_at=None, private_phone=None, timezone="", country="")
    )
    db.execute(update(Address).where(Address.contact_id == contact_id).values(sealed=None, key_id=None))


def past_runs(db: Connection, contact_id: int) -> dict[str, tuple[list[Entry], datetime]]:
    """The answers of the newest finished run of each dialog, and when it was last touched."""
    found = db.execute(statements(db.dialect.name).past, {"id": contact_id})
    return {dialog: (entries_of(answers), updated_at) for dialog, answers, updated_at in found}


def check_key(db: Connection, seal: Seal, now: datetime) -> bool:
    """True if this key is the one that the store was made with; a new store takes the key as its own."""
    known = select(Keyring.check).where(Keyring.id == 1)
    if db.execute(known).scalar() is None:  # of two that start at once, the second finds the first one's
        db.execute(statements(db.dialect.name).own, {"check": seal.check, "now": now})
    return db.execute(known).scalar() == seal.check
