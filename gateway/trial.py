"""A broadcast's texts sent to one number, so that somebody reads them on a phone before everybody does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Row, insert, select

from dialogs.gsm import segment_count
from dialogs.seal import Seal
from dialogs.store import address_kind
from dialogs.tables import Address, Contact
from gateway.audience import BroadcastError
from gateway.bill import examples
from gateway.numbers import country_of
from gateway.outbox import REPLY_LASTS
from gateway.queueing import Sending
from gateway.tables import REPLIES_FIRST, REPLY_OWNER, Message
from gateway.wording import filled

MOST = 100  # texts of one broadcast that one number is sent in tests


def try_out(
    db: Connection,
    broadcast: Row[tuple[object, ...]],
    to: str,
    languages: Sequence[str],
    now: datetime,
    sending: Sending,
    seal: Seal,
) -> list[str]:
    """Queue its texts for one number (`+E.164`), before everything else, in these languages or else in all; gives
    what will be read there. Placeholders of saved answers have made-up values. Raises BroadcastError."""
    kind, value = address_kind(to)
    key = seal.key(kind, value)
    channel = sending.route(broadcast.channel)(country_of(to))
    if not channel:
        raise BroadcastError("No channel reaches this country: see NGAZI_CHANNELS.")
    stopped = select(Contact.stopped_at).join(Address, Address.contact_id == Contact.id)
    if db.execute(stopped.where(Address.kind == kind, Address.key == key)).scalar() is not None:
        raise BroadcastError("This number said STOP, and gets nothing until it sends START.")
    if strangers := [code for code in languages if code not in broadcast.text]:
        raise BroadcastError(f"It has no text in {strangers[0]}; it has: {', '.join(broadcast.text)}.")
    numbered = [f"test:{broadcast.id}:{key}:{n}" for n in range(MOST)]
    taken = set(db.execute(select(Message.dedupe).where(Message.dedupe.in_(numbered))).scalars())
    free = [dedupe for dedupe in numbered if dedupe not in taken]
    texts = {code: text for code, text in broadcast.text.items() if not languages or code in languages}
    if len(free) < len(texts):
        raise BroadcastError("This number was sent enough tests of this broadcast.")
    said = []
    for dedupe, (code, text) in zip(free, texts.items(), strict=False):
        words = filled(sending.content, code, text, examples(sending.content, text))
        row = {
            "channel": channel, "dedupe": dedupe, "direction": "out", "kind": "reply", "priority": REPLIES_FIRST,
            "to_sealed": seal.seal(value, kind, REPLY_OWNER), "to_key_id": seal.key_id, "text": words,
            "language": code, "segments": segment_count(words), "status": "queued", "due_at": now,
            "expires_at": now + REPLY_LASTS, "created_at": now, "revision": sending.content.revision,
        }  # fmt: skip
        db.execute(insert(Message).values(row))
        said.append(words)
    return said
