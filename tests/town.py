"""People, broadcasts and reminders for tests of sending: written straight into the tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, insert, select

from dialogs.content import Content
from dialogs.inbound import Inbound
from dialogs.screen import Room
from dialogs.seal import Seal
from dialogs.showing import House
from dialogs.tables import Address, Contact, Due, Field
from gateway.channels import Channel
from gateway.numbers import country_of
from gateway.providers import Carriage
from gateway.tables import BULK, REMINDERS, REPLIES_FIRST, REPLY_OWNER, Broadcast, Message

SEAL = Seal("a secret key of the tests, long enough")
MONDAY = datetime(2026, 11, 23, 9, 0)  # noqa: DTZ001  noon in Nairobi
BATCHES = Carriage(most=100, alike=True, calls=4, rate=1000)
SINGLES = Carriage(most=1, calls=8, rate=1000)


def channel(name: str = "ke", **options: str) -> Channel:
    """A channel of Kenya."""
    return Channel(name, "africastalking", "ngazi", "key", options={"country": "KE", **options})


def house(content: Content) -> House:
    """What texts are played with; drafts are shown, so that there is more than English."""
    return House(content, SEAL, _room, country_of, drafts=True)


def _room(inbound: Inbound) -> Room:
    return Room()


class Town:
    """A database with people in it."""

    def __init__(self, engine: Engine, now: datetime = MONDAY) -> None:
        self.engine, self.now = engine, now
        self.made = 0

    def person(
        self, number: str = "", *, fields: dict[str, str] | None = None, sealed: bool = True, **columns: Any
    ) -> int:
        """Somebody who wants everything, unless told otherwise; the id of the contact."""
        self.made += 1
        number = number or f"+2547{self.made:08d}"
        values = {"language": "en", "country": "KE", "timezone": "", "consent_at": self.now, **columns}
        with self.engine.begin() as db:
            id = inserted(db, Contact, created_at=self.now, seen_at=self.now, **values)
            found = {"contact_id": id, "kind": "tel", "key": SEAL.key("tel", number), "heard_at": self.now}
            if sealed:
                found |= {"sealed": SEAL.seal(number, "tel", str(id)), "key_id": SEAL.key_id}
            inserted(db, Address, refused_by="", **found)
            for name, value in {"news": "yes", "reminders": "yes", **(fields or {})}.items():
                if value:
                    db.execute(insert(Field).values(contact_id=id, name=name, value=value))
        return id

    def people(self, count: int, **columns: Any) -> list[int]:
        """So many of them."""
        return [self.person(**columns) for _ in range(count)]

    def broadcast(self, to: Sequence[int], texts: dict[str, str] | None = None, **columns: Any) -> int:
        """A broadcast that is queued for these contacts."""
        row = {
            "channel": "ke", "direction": "out", "kind": "broadcast", "status": "queued", "priority": BULK,
            "due_at": self.now, "expires_at": self.now + timedelta(days=3), "created_at": self.now,
        }  # fmt: skip
        values = {"name": "News", "audience": {}, "status": "sending", "created_at": self.now, **columns}
        with self.engine.begin() as db:
            id = inserted(db, Broadcast, text=texts or {"en": "Training on Saturday."}, **values)
            rows = [{**row, "broadcast_id": id, "contact_id": each, "dedupe": f"broadcast:{id}:{each}"} for each in to]
            if rows:
                db.execute(insert(Message), rows)
        return id

    def reminder(self, contact_id: int, on: date, moment: str, series: str = "audit", **columns: Any) -> int:
        """A reminder that is queued; the id of its date."""
        with self.engine.begin() as db:
            name = {"audit": "audit_date", "permit": "permit_end", "findings": "finding_due"}.get(series, series)
            due = inserted(db, Due, contact_id=contact_id, name=name, on=on)
            about = {"series": series, "moment": moment, "due": due, "on": on.isoformat()}
            values = {
                "channel": "ke", "direction": "out", "kind": "reminder", "status": "queued", "priority": REMINDERS,
                "due_at": self.now, "expires_at": self.now + timedelta(hours=12), "created_at": self.now,
                "dedupe": f"{series}:{moment}:{contact_id}:{on}", "contact_id": contact_id, "about": about, **columns,
            }  # fmt: skip
            db.execute(insert(Message).values(values))
        return due

    def reply(self, number: str, text: str, **columns: Any) -> None:
        """An answer that waits."""
        self.made += 1
        values = {
            "channel": "ke", "direction": "out", "kind": "reply", "status": "queued", "priority": REPLIES_FIRST,
            "due_at": self.now, "created_at": self.now, "expires_at": self.now + timedelta(days=1), "text": text,
            "dedupe": f"reply:ke:{self.made}", "to_sealed": SEAL.seal(number, "tel", REPLY_OWNER),
            "to_key_id": SEAL.key_id, **columns,
        }  # fmt: skip
        with self.engine.begin() as db:
            db.execute(insert(Message).values(values))

    def messages(self) -> list[Any]:
        """Every outgoing message, the oldest first."""
        with self.engine.begin() as db:
            return list(db.execute(select(Message.__table__).where(Message.direction == "out").order_by(Message.id)))

    def states(self) -> dict[str, int]:
        """How many messages are in which state."""
        found: dict[str, int] = {}
        for row in self.messages():
            found[row.status] = found.get(row.status, 0) + 1
        return found


def inserted(db: Connection, model: Any, **values: Any) -> int:
    """The id of a new row."""
    id = db.execute(insert(model).values(values).returning(model.id)).scalar_one()
    assert isinstance(id, int)
    return id
