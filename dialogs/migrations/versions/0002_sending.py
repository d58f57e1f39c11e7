"""Sending: the ledger of consent, broadcasts with their approval, dates that know their next reminder"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BROADCAST_STATUSES = ("draft", "queueing", "sending", "paused", "cancelled", "done")


def where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    op.create_table(
        "consent",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.Column("what", sa.String(length=30), nullable=False),
        sa.Column("yes", sa.Boolean(), nullable=False),
        sa.Column("how", sa.String(length=20), nullable=False),
        sa.Column("wording", sa.Text(), nullable=False),
        sa.Column("revision", sa.String(length=12), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_consent_contact_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
    )
    op.create_index(op.f("ix_consent_contact_id"), "consent", ["contact_id"])
    op.create_table(
        "event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("who", sa.String(length=200), nullable=False),
        sa.Column("what", sa.String(length=40), nullable=False),
        sa.Column("about", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
    )
    op.create_index(op.f("ix_event_what"), "event", ["what"])
    with op.batch_alter_table("due") as due:
        due.add_column(sa.Column("was", sa.Date(), nullable=True))
        due.add_column(sa.Column("set_at", sa.DateTime(), nullable=True))
        due.add_column(sa.Column("next_at", sa.DateTime(), nullable=True))
        due.create_index(due.f("ix_due_next_at"), ["next_at"], **where("next_at IS NOT NULL"))
    # Dates that were saved before are planned at the next look. There are no reminders of the past to repeat.
    op.execute(sa.text("UPDATE due SET next_at = CURRENT_TIMESTAMP WHERE done_at IS NULL"))
    with op.batch_alter_table("broadcast") as broadcast:
        for name, length in (("channel", 40), ("dialog", 30), ("any_hour", 200), ("digest", 64), ("reason", 200),
                             ("sent_by", 200)):  # fmt: skip
            broadcast.add_column(sa.Column(name, sa.String(length=length), nullable=False, server_default=""))
        for name in ("starts_at", "expires_at", "approved_at", "begun_at", "done_at"):
            broadcast.add_column(sa.Column(name, sa.DateTime(), nullable=True))
        broadcast.create_index(broadcast.f("ix_broadcast_digest"), ["digest"])
        broadcast.create_check_constraint(broadcast.f("ck_broadcast_status"), f"status IN {BROADCAST_STATUSES}")
    with op.batch_alter_table("broadcast") as broadcast:
        for name in ("channel", "dialog", "any_hour", "digest", "reason", "sent_by"):
            broadcast.alter_column(name, server_default=None)
    with op.batch_alter_table("pace") as pace:
        pace.add_column(sa.Column("draining_at", sa.DateTime(), nullable=True))
    with op.batch_alter_table("report") as report:
        for name, length in (("channel", 40), ("provider_id", 200), ("reason", 200), ("remedy", 10)):
            report.add_column(sa.Column(name, sa.String(length=length), nullable=False, server_default=""))
        report.create_index("ix_report_early", ["channel", "provider_id"], **where("message_id IS NULL"))
    with op.batch_alter_table("report") as report:
        for name in ("channel", "provider_id", "reason", "remedy"):
            report.alter_column(name, server_default=None)
    op.drop_index("ix_message_address_id", "message")
    op.drop_index("ix_message_broadcast_id", "message")
    with op.batch_alter_table("message", table_kwargs={"sqlite_autoincrement": True}) as message:
        message.drop_constraint(message.f("uq_message_channel_provider_id"), type_="unique")
    op.create_index("uq_message_provider", "message", ["channel", "provider_id"], unique=True,
                    **where("provider_id IS NOT NULL"))  # fmt: skip
    op.create_index("ix_message_address", "message", ["address_id"], **where("address_id IS NOT NULL"))
    op.create_index("ix_message_broadcast", "message", ["broadcast_id", "status"],
                    **where("broadcast_id IS NOT NULL"))  # fmt: skip
    op.create_index("ix_message_expiring", "message", ["expires_at"], **where("status = 'queued'"))
    op.create_index("ix_message_text", "message", ["created_at"], **where("text IS NOT NULL"))


def downgrade() -> None:
    for name in ("provider", "address", "broadcast", "expiring", "text"):
        op.drop_index(f"{'uq' if name == 'provider' else 'ix'}_message_{name}", "message")
    with op.batch_alter_table("message", table_kwargs={"sqlite_autoincrement": True}) as message:
        message.create_unique_constraint(message.f("uq_message_channel_provider_id"), ["channel", "provider_id"])
    op.create_index("ix_message_address_id", "message", ["address_id"])
    op.create_index("ix_message_broadcast_id", "message", ["broadcast_id"])
    with op.batch_alter_table("report") as report:
        report.drop_index("ix_report_early")
        for name in ("channel", "provider_id", "reason", "remedy"):
            report.drop_column(name)
    with op.batch_alter_table("pace") as pace:
        pace.drop_column("draining_at")
    with op.batch_alter_table("broadcast") as broadcast:
        broadcast.drop_constraint(broadcast.f("ck_broadcast_status"), type_="check")
        broadcast.drop_index(broadcast.f("ix_broadcast_digest"))
        for name in ("channel", "dialog", "any_hour", "digest", "reason", "sent_by", "starts_at", "expires_at",
                     "approved_at", "begun_at", "done_at"):  # fmt: skip
            broadcast.drop_column(name)
    with op.batch_alter_table("due") as due:
        due.drop_index(due.f("ix_due_next_at"))
        for name in ("was", "set_at", "next_at"):
            due.drop_column(name)
    op.drop_table("event")
    op.drop_table("consent")
