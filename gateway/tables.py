"""The tables of sending: messages in and out, broadcasts, the pace of a channel, delivery reports, events.

The message table is the queue: the outbox is the rows with `status = 'queued'`. Every outgoing row has a dedupe key.
The text of what came in is not kept: an answer is kept where it belongs, on the run.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, case, null
from sqlalchemy import text as sql_text
from sqlalchemy.orm import Mapped, mapped_column

from dialogs.tables import Base, owner

STATUSES = ("received", "queued", "sending", "sent", "delivered", "failed", "refused", "expired", "unknown")
FINAL = ("sent", "delivered", "failed", "refused", "expired", "unknown")  # where an outgoing message can end
BROADCAST_STATUSES = ("draft", "queueing", "sending", "paused", "cancelled", "done")
REPLIES_FIRST, REMINDERS, BULK = 0, 5, 9  # `message.priority`
REPLY_OWNER = "reply"  # whom the sealed address of a reply belongs to: nobody, so that it outlives a forgotten contact


def only(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """An index over the rows for which `where` holds, on both databases."""
    return Index(name, *columns, unique=unique, sqlite_where=sql_text(where), postgresql_where=sql_text(where))


class Message(Base):
    """One SMS (or chat message) in or out. `error` is the reason of its state, in words a person can read.

    `sent_at` is when it was handed to the provider; a message that surely did not go has none. `about` of a reminder
    holds series, moment, due (its id) and on (the date meant); that of a reply to WhatsApp what its buttons are made
    of, choices and place, until it is settled.
    """

    __tablename__ = "message"
    id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(String(40))
    provider_id: Mapped[str | None] = mapped_column(String(200))
    dedupe: Mapped[str | None] = mapped_column(String(200), unique=True)
    contact_id: Mapped[int | None] = mapped_column(owner(), index=True)
    address_id: Mapped[int | None] = mapped_column(ForeignKey("address.id", ondelete="SET NULL"))
    to_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    to_key_id: Mapped[str | None] = mapped_column(String(8))
    direction: Mapped[str] = mapped_column(String(3))
    kind: Mapped[str] = mapped_column(String(10))
    about: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    text: Mapped[str | None] = mapped_column(Text)
    language: Mapped[str] = mapped_column(String(12), default="")
    segments: Mapped[int] = mapped_column(default=0)
    cost: Mapped[str] = mapped_column(String(40), default="")
    status: Mapped[str] = mapped_column(String(10))
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    priority: Mapped[int] = mapped_column(default=REPLIES_FIRST)
    error: Mapped[str] = mapped_column(String(200), default="")
    broadcast_id: Mapped[int | None] = mapped_column(ForeignKey("broadcast.id"))
    revision: Mapped[str] = mapped_column(String(12), default="")
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    __table_args__ = (
        CheckConstraint(f"status IN {STATUSES}", name="status"),
        CheckConstraint("direction IN ('in', 'out')", name="direction"),
        CheckConstraint("direction = 'in' OR dedupe IS NOT NULL", name="dedupe"),
        CheckConstraint("kind IN ('inbound', 'reply', 'broadcast', 'reminder')", name="kind"),
        # A million waiting rows are queued fastest where an index holds only the rows that it is for.
        only("uq_message_provider", "channel", "provider_id", where="provider_id IS NOT NULL", unique=True),
        only("ix_message_address", "address_id", where="address_id IS NOT NULL"),
        only("ix_message_broadcast", "broadcast_id", "status", where="broadcast_id IS NOT NULL"),
        only("ix_message_queued", "channel", "priority", "due_at", where="status = 'queued'"),
        only("ix_message_expiring", "expires_at", where="status = 'queued'"),
        only("ix_message_sending", "lease_until", where="status = 'sending'"),
        only("ix_message_text", "created_at", where="text IS NOT NULL"),
        {"sqlite_autoincrement": True},
    )


# What stays of `about` once a message is settled: that of a reply would still tell which question it was.
ABOUT_KEPT = case((Message.kind == "reply", null()), else_=Message.about)


class Broadcast(Base):
    """One text, or one invitation into a dialog, for many contacts.

    `text` is by language; `audience` as `gateway.audience` reads it. `queued_to` is the last contact that got a row.
    `any_hour` is the reason why it may go at night; `digest` tells two alike.
    """

    __tablename__ = "broadcast"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    text: Mapped[dict[str, Any]]
    audience: Mapped[dict[str, Any]]
    status: Mapped[str] = mapped_column(String(10), default="draft")
    queued_to: Mapped[int] = mapped_column(default=0)
    channel: Mapped[str] = mapped_column(String(40), default="")
    dialog: Mapped[str] = mapped_column(String(30), default="")
    starts_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    any_hour: Mapped[str] = mapped_column(String(200), default="")
    digest: Mapped[str] = mapped_column(String(64), default="", index=True)
    reason: Mapped[str] = mapped_column(String(200), default="")
    created_by: Mapped[str] = mapped_column(String(200), default="")
    approved_by: Mapped[str] = mapped_column(String(200), default="")
    sent_by: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime]
    approved_at: Mapped[datetime | None]
    begun_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    __table_args__ = (CheckConstraint(f"status IN {BROADCAST_STATUSES}", name="status"),)


class Pace(Base):
    """How fast a channel may send: one token bucket for all processes. Draining: replies only."""

    __tablename__ = "pace"
    channel: Mapped[str] = mapped_column(String(40), primary_key=True)
    tokens: Mapped[float] = mapped_column(default=0.0)
    at: Mapped[datetime]
    paused_at: Mapped[datetime | None]
    draining_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(200), default="")


class Report(Base):
    """A delivery report as it came, without numbers and texts.

    One that came before its message had the provider's id waits without `message_id` and is found by that id.
    """

    __tablename__ = "report"
    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id", ondelete="CASCADE"), index=True)
    channel: Mapped[str] = mapped_column(String(40), default="")
    provider_id: Mapped[str] = mapped_column(String(200), default="")
    status: Mapped[str] = mapped_column(String(40))
    reason: Mapped[str] = mapped_column(String(200), default="")
    remedy: Mapped[str] = mapped_column(String(10), default="")
    raw: Mapped[dict[str, Any]]
    at: Mapped[datetime]
    __table_args__ = (only("ix_report_early", "channel", "provider_id", where="message_id IS NULL"),)


class Event(Base):
    """Who did what that somebody may ask about later: an export, an approval, a message at night."""

    __tablename__ = "event"
    id: Mapped[int] = mapped_column(primary_key=True)
    who: Mapped[str] = mapped_column(String(200))
    what: Mapped[str] = mapped_column(String(40), index=True)
    about: Mapped[dict[str, Any]]
    at: Mapped[datetime]
