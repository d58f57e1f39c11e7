"""What time takes away: who never agreed, calls that are over, and texts that nobody needs any more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select, update

from dialogs.tables import Address, Contact, Guess, Link, Run, Session

UNDECIDED = timedelta(days=1)  # how long somebody who has not agreed is remembered
BROKEN_OFF = timedelta(minutes=15)  # longer than any network lets a call last
GUESSES = timedelta(hours=1)  # how long codes for a chat that were none are counted
SLICE = 500  # rows in one transaction, so that no phone waits for a sweep


def sweep(db: Connection, now: datetime, days: int) -> int:
    """Erase one slice of what is past its time; gives how many rows went. Call it until it gives 0.

    A contact who never agreed goes after a day, but for one who said STOP; a session goes after `days`;
    a code for a chat, and the count of wrong ones, when they mean nothing any more.
    """
    undecided = Contact.consent_at.is_(None) & Contact.stopped_at.is_(None) & (Contact.created_at < now - UNDECIDED)
    callers = (
        select(Address.contact_id)
        .join(Contact)
        .where(undecided)
        .order_by(Address.kind, Address.key)
        .limit(SLICE)
        .with_for_update(skip_locked=True)  # who calls at this moment stays
    )
    ids = list(db.execute(callers).scalars())
    if not ids:  # those with no address left
        alone = select(Contact.id).where(
            undecided, ~select(Address.id).where(Address.contact_id == Contact.id).exists()
        )
        ids = list(db.execute(alone.limit(SLICE)).scalars())
    gone = db.execute(delete(Contact).where(Contact.id.in_(ids))).rowcount
    before = now - timedelta(days=days)
    lately = select(Address.id).where(Address.contact_id == Session.contact_id, Address.heard_at >= before)
    over = Session.key.startswith("ussd:") | ~lately.exists()  # a conversation by message lasts while it is used
    old = select(Session.id).where(Session.started_at < before, over).order_by(Session.id).limit(SLICE)
    gone += db.execute(delete(Link).where(Link.expires_at < now)).rowcount
    gone += db.execute(delete(Guess).where(Guess.at < now - GUESSES)).rowcount
    return gone + db.execute(delete(Session).where(Session.id.in_(old.scalar_subquery()))).rowcount


def sweep_untraced(db: Connection, now: datetime, dialogs: Sequence[str]) -> int:
    """Erase what is left of calls that broke off in dialogs with `trace: no`: the run, and what was shown."""
    broken = (
        select(Run.id, Run.contact_id)
        .where(Run.dialog.in_(dialogs), Run.updated_at < now - BROKEN_OFF)
        .order_by(Run.id)
        .limit(SLICE)
    )
    found = db.execute(broken).all()
    ids, owners = [id for id, _ in found], [owner for _, owner in found]
    shown = update(Session).where(Session.contact_id.in_(owners), Session.run_id.in_(ids))
    db.execute(shown.values(shown=None, run_id=None))
    return db.execute(delete(Run).where(Run.id.in_(ids))).rowcount
