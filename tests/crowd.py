"""People for the tests of sending: made in a line each, with all that decides whether they get anything."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from dialogs.tables import Address, Contact, Field, Group, Member
from gateway.tables import Message

BEFORE = datetime(2026, 1, 1)  # noqa: DTZ001  UTC without a zone, as the tables keep it


def person(
    db: Connection,
    *,
    language: str = "en",
    country: str = "KE",
    timezone: str = "",
    news: str = "yes",
    agreed: bool = True,
    stopped: bool = False,
    sealed: bool = True,
    bad: bool = False,
    kind: str = "tel",
    group: str = "",
    fields: Mapping[str, str] | None = None,
    created_at: datetime = BEFORE,
) -> int:
    """Somebody who gets news, unless said otherwise; gives the id."""
    given: dict[str, Any] = {
        "language": language, "country": country, "timezone": timezone, "created_at": created_at,
        "seen_at": created_at, "consent_at": BEFORE if agreed else None, "stopped_at": BEFORE if stopped else None,
    }  # fmt: skip
    id: int = db.execute(insert(Contact).values(given).returning(Contact.id)).scalar_one()
    address = {"contact_id": id, "kind": kind, "key": f"key of {id}", "heard_at": BEFORE}
    lock = {"sealed": b"sealed", "key_id": "k"} if sealed else {}
    db.execute(insert(Address).values(address | lock | ({"bad_at": BEFORE} if bad else {})))
    saved = dict(fields or {}) | ({"news": news} if news else {})
    for name, value in saved.items():
        db.execute(insert(Field).values(contact_id=id, name=name, value=value))
    if group:
        inside = db.execute(select(Group.id).where(Group.code == group)).scalar_one()
        db.execute(insert(Member).values(group_id=inside, contact_id=id))
    return id


def group(db: Connection, code: str, parent: str = "") -> int:
    """A group, perhaps below another one; gives the id."""
    above = db.execute(select(Group.id).where(Group.code == parent)).scalar() if parent else None
    made: int = db.execute(insert(Group).values(code=code, name=code, parent_id=above).returning(Group.id)).scalar_one()
    return made


def rows(db: Connection) -> list[dict[str, Any]]:
    """Every message, by contact."""
    found = db.execute(select(Message.__table__).order_by(Message.contact_id, Message.id)).mappings()
    return [dict(row) for row in found]
