"""What staff may change about one person: language, time zone, saved fields, what the person wants to get."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from dialogs.seal import Seal
from dialogs.tables import Address, Consent, Contact, Field
from gateway.people import values
from gateway.people.entering import STEERS, is_consent
from gateway.people.finding import NotFound
from gateway.people.values import Bad, Rules

HOW = "staff"  # in the ledger


def read_change(name: str, written: str, rules: Rules) -> str:
    """A value as it would be kept under this name; "" takes a field away. Raises Bad."""
    if name in rules.dates:
        raise Bad(f"{name} is a date.", f"Use: ngazi contacts date NUMBER {name} 2027-03-25")
    if name == "group":
        raise Bad("A group is no field.", "Use: ngazi groups join CODE NUMBER")
    if name in ("consent", "country") or not values.FIELD.fullmatch(name):
        raise Bad(f"{name[:40]} cannot be set.", "Use language, timezone, private_phone or the name of a saved field.")
    if name == "language":
        return values.read_language(written, rules)
    if name == "timezone":
        return values.read_timezone(written) if written else ""
    if name == "private_phone":
        return values.read_yes_no(written)
    if is_consent(name) or written.strip():
        return values.read_field(name, written, rules)
    return ""


def change(
    db: Connection, seal: Seal, id: int, name: str, value: str, now: datetime, *, number: str = "", wording: str = ""
) -> None:
    """Set one thing, read by `read_change`. `wording`: what the person said or signed, for the ledger.

    A yes to messages keeps `number`, locked, if it is given. Raises NotFound; Bad after a STOP.
    """
    row = db.execute(select(Contact.stopped_at).where(Contact.id == id).with_for_update()).first()
    if row is None:
        raise NotFound
    if row.stopped_at is not None:
        raise Bad("This person said STOP.", "Only they can come back, by sending START or by dialling.")
    if name in ("language", "timezone", "private_phone"):
        to: Any = value == "yes" if name == "private_phone" else value
        db.execute(update(Contact).where(Contact.id == id).values({name: to}))
        return
    if not value:
        db.execute(delete(Field).where(Field.contact_id == id, Field.name == name))
        return
    into: Any = sqlite.insert if db.dialect.name == "sqlite" else postgresql.insert
    made = into(Field.__table__).values(contact_id=id, name=name, value=value)
    db.execute(made.on_conflict_do_update(index_elements=["contact_id", "name"], set_={"value": value}))
    if is_consent(name):
        db.execute(
            insert(Consent).values(contact_id=id, what=name, yes=value == "yes", how=HOW, wording=wording, at=now)
        )
    if name in STEERS:
        keep_number(db, seal, id, number)


def keep_number(db: Connection, seal: Seal, id: int, number: str = "") -> None:
    """Lock the number of who wants messages; throw it away of who wants none any more."""
    wanted = select(Field.name).where(Field.contact_id == id, Field.name.in_(STEERS), Field.value == "yes")
    if db.execute(wanted.limit(1)).first() is None:
        db.execute(update(Address).where(Address.contact_id == id).values(sealed=None, key_id=None))
    elif number:
        for kind in ("tel", "whatsapp"):
            here = (Address.contact_id == id) & (Address.kind == kind) & (Address.key == seal.key(kind, number))
            kept = {"sealed": seal.seal(number, kind, str(id)), "key_id": seal.key_id}
            db.execute(update(Address).where(here, Address.sealed.is_(None)).values(kept))
