"""The tables of what is said and remembered. Names are singular; enums are text with a CHECK."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


# A row that changes with every answer finds room on its own page, so that PostgreSQL leaves its indexes alone.
ROOM_TO_CHANGE = {"postgresql_with": {"fillfactor": 70}}


class Base(DeclarativeBase):
    """All tables of the house, those of the gateway too."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: DateTime(), dict[str, Any]: JSON(), list[Any]: JSON()}


def owner(table: str = "contact") -> Any:
    """A foreign key that goes when its owner is erased."""
    return ForeignKey(f"{table}.id", ondelete="CASCADE")


class Contact(Base):
    """A person."""

    __tablename__ = "contact"
    id: Mapped[int] = mapped_column(primary_key=True)
    language: Mapped[str] = mapped_column(String(12), default="")
    country: Mapped[str] = mapped_column(String(2), default="")
    consent_at: Mapped[datetime | None]
    stopped_at: Mapped[datetime | None]
    private_phone: Mapped[bool | None]
    timezone: Mapped[str] = mapped_column(String(40), default="")
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    __table_args__ = (
        Index(None, "created_at", sqlite_where=text("consent_at IS NULL"),
              postgresql_where=text("consent_at IS NULL")),
        {"sqlite_autoincrement": True},  # an erased contact's number is never given to another
    )  # fmt: skip


class Address(Base):
    """One way to reach a contact, found by a keyed hash; sealed only while the person wants messages."""

    __tablename__ = "address"
    id: Mapped[int] = mapped_column(primary_key=True)
    contact_id: Mapped[int | None] = mapped_column(owner(), index=True)
    kind: Mapped[str] = mapped_column(String(8))
    key: Mapped[str] = mapped_column(String(43))
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    key_id: Mapped[str | None] = mapped_column(String(8))
    heard_at: Mapped[datetime]
    bad_at: Mapped[datetime | None]
    refused_by: Mapped[str] = mapped_column(String(80), default="")
    __table_args__ = (
        UniqueConstraint("kind", "key"),
        CheckConstraint("kind IN ('tel', 'whatsapp', 'chat')", name="kind"),
    )


class Field(Base):
    """A saved answer, such as the mineral or the role."""

    __tablename__ = "field"
    contact_id: Mapped[int] = mapped_column(owner(), primary_key=True)
    name: Mapped[str] = mapped_column(String(30), primary_key=True)
    value: Mapped[str] = mapped_column(String(500))
    __table_args__ = (Index(None, "name", "value"),)


class Due(Base):
    """A date that reminders count from; of a person or of a group. Of a series that comes again and again: its start.

    `was` is the date before the last change, at `set_at`. `next_at` is when the next reminder is to be written;
    none: nothing more is to come.
    """

    __tablename__ = "due"
    id: Mapped[int] = mapped_column(primary_key=True)
    contact_id: Mapped[int | None] = mapped_column(owner(), index=True)
    group_id: Mapped[int | None] = mapped_column(owner("group"), index=True)
    name: Mapped[str] = mapped_column(String(30))
    on: Mapped[date]
    was: Mapped[date | None]
    set_at: Mapped[datetime | None]
    next_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    __table_args__ = (
        Index(None, "name", "on"),
        Index(None, "next_at", sqlite_where=text("next_at IS NOT NULL"),
              postgresql_where=text("next_at IS NOT NULL")),
        CheckConstraint("(contact_id IS NULL) <> (group_id IS NULL)", name="one_owner"),
    )  # fmt: skip


class Group(Base):
    """A cooperative, a mine site, an association: what contacts belong to."""

    __tablename__ = "group"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("group.id"), index=True)


class Member(Base):
    """A contact in a group."""

    __tablename__ = "member"
    group_id: Mapped[int] = mapped_column(owner("group"), primary_key=True)
    contact_id: Mapped[int] = mapped_column(owner(), primary_key=True, index=True)
    role: Mapped[str] = mapped_column(String(30), default="")


class Consent(Base):
    """The ledger of what a person agreed to and took back, with the words that they read.

    `what` is consent, all (STOP and START), or the field that keeps the answer (reminders, news, ...); `how` the
    channel's kind (ussd, sms, bot), import, provider or staff.
    """

    __tablename__ = "consent"
    id: Mapped[int] = mapped_column(primary_key=True)
    contact_id: Mapped[int] = mapped_column(owner(), index=True)
    what: Mapped[str] = mapped_column(String(30))
    yes: Mapped[bool]
    how: Mapped[str] = mapped_column(String(20))
    wording: Mapped[str] = mapped_column(Text, default="")
    revision: Mapped[str] = mapped_column(String(12), default="")
    at: Mapped[datetime]


class Run(Base):
    """One contact going through one dialog: the answers, in order. At most one is open."""

    __tablename__ = "run"
    id: Mapped[int] = mapped_column(primary_key=True)
    contact_id: Mapped[int] = mapped_column(owner(), index=True)
    dialog: Mapped[str] = mapped_column(String(30))
    answers: Mapped[str] = mapped_column(Text)  # JSON list of [step, choice]; text, as no query looks inside
    before: Mapped[str] = mapped_column(Text, default="{}")  # JSON: fields that the run saved, as they were before
    started_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    points: Mapped[int] = mapped_column(default=0)
    most: Mapped[int] = mapped_column(default=0)
    __table_args__ = (
        Index("uq_run_open", "contact_id", "dialog", unique=True,
              sqlite_where=text("finished_at IS NULL"), postgresql_where=text("finished_at IS NULL")),
        ROOM_TO_CHANGE,
    )  # fmt: skip


class Answer(Base):
    """One kept answer, appended for reports; never one of a question with `keep: no` or `keep: counts`."""

    __tablename__ = "answer"
    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(owner("run"), index=True)
    step: Mapped[str] = mapped_column(String(30))
    choice: Mapped[str] = mapped_column(String(500))
    revision: Mapped[str] = mapped_column(String(12))
    at: Mapped[datetime]


class Tally(Base):
    """How often each choice of a `keep: counts` question was taken; group 0 is everybody."""

    __tablename__ = "tally"
    dialog: Mapped[str] = mapped_column(String(30), primary_key=True)
    step: Mapped[str] = mapped_column(String(30), primary_key=True)
    choice: Mapped[str] = mapped_column(String(30), primary_key=True)
    group_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, default=0)
    n: Mapped[int] = mapped_column(default=0)


class Session(Base):
    """One call's worth of screens. `consumed` counts the letters of the provider's text that were used up."""

    __tablename__ = "session"
    id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(String(40))
    key: Mapped[str] = mapped_column(String(200))
    contact_id: Mapped[int] = mapped_column(owner(), index=True)
    run_id: Mapped[int | None]
    consumed: Mapped[int] = mapped_column(default=0)
    shown: Mapped[str | None] = mapped_column(Text)  # JSON; the screen is computed from it
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    __table_args__ = (UniqueConstraint("channel", "key"), Index(None, "started_at"), ROOM_TO_CHANGE)


class Link(Base):
    """The code that links a chat to a contact: one for each, used once. Only its keyed hash is here."""

    __tablename__ = "link"
    contact_id: Mapped[int] = mapped_column(owner(), primary_key=True, autoincrement=False)
    code: Mapped[str] = mapped_column(String(43), unique=True)
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class Guess(Base):
    """A code for a chat that was none, by the key of the address that sent it; nobody's own, so it outlives erasing."""

    __tablename__ = "guess"
    id: Mapped[int] = mapped_column(primary_key=True)
    address: Mapped[str] = mapped_column(String(43))
    at: Mapped[datetime] = mapped_column(index=True)


class Keyring(Base):
    """A check value, so that a wrong secret key is noticed before anything is written with it."""

    __tablename__ = "keyring"
    id: Mapped[int] = mapped_column(primary_key=True)
    check: Mapped[str] = mapped_column(String(32))
    created_at: Mapped[datetime]
