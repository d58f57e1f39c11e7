"""A chat and a phone become one person's: a code that the phone shows is typed in the chat, once, within 15 minutes.

Of a code only its keyed hash is stored. Who guesses is stopped twice: each address after 5 codes in an hour that were
none, and everybody after 20 in the time that a code lives, since whoever makes up addresses has as many as they like.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, insert, or_, select, update

from dialogs import engine, merging
from dialogs.script import MESSAGES, Dialog
from dialogs.seal import Seal
from dialogs.statements import decoded
from dialogs.store import Person, address_kind, entries_of
from dialogs.tables import Address, Answer, Contact, Due, Field, Guess, Link, Run

KIND = "link"  # of the keyed hashes
DIGITS = 6
LASTS = timedelta(minutes=15)
MOST_OF_ONE, IN_AN_HOUR = 5, timedelta(hours=1)
MOST_OF_ALL = 20  # in the time that a code lives
NONCE = 9  # bytes
MOST_DRAWS = 50  # for a code that nobody has now


class TooMany(Exception):
    """Too many codes that were none; nothing was looked up."""


def digits_of(typed: str) -> str:
    """The six digits that were typed, in any script, with blanks or dashes; "" for anything else."""
    digits = "".join(str(int(letter)) for letter in typed if letter.isdecimal())
    others = [letter for letter in typed if not letter.isdecimal() and letter not in " -.\u00a0\u2013"]
    return digits if len(digits) == DIGITS and not others else ""


def code_of(seal: Seal, contact_id: int, nonce: str) -> str:
    """The code that this nonce means for this contact: without the key nobody can tell it from the nonce."""
    mark = seal.key(KIND, f"{contact_id}:{nonce}")
    number = int.from_bytes(base64.urlsafe_b64decode(f"{mark}="), "big") % 10**DIGITS
    return f"{number:0{DIGITS}}"


def new_code(db: Connection, seal: Seal, contact_id: int, now: datetime, chance: Callable[[int], bytes]) -> str:
    """Make a code for this contact, in place of the one before; gives the nonce that `code_of` makes it from.

    `chance` gives so many bytes that nobody can guess.
    """
    for _ in range(MOST_DRAWS):
        nonce = base64.urlsafe_b64encode(chance(NONCE)).decode()
        mark = seal.key(KIND, code_of(seal, contact_id, nonce))
        others = select(Link.contact_id).where(Link.code == mark, Link.contact_id != contact_id, Link.expires_at > now)
        if db.execute(others).first() is None:
            db.execute(delete(Link).where(or_(Link.contact_id == contact_id, Link.code == mark)))
            db.execute(insert(Link).values(contact_id=contact_id, code=mark, made_at=now, expires_at=now + LASTS))
            return nonce
    raise RuntimeError("no code is free")


def use_code(db: Connection, seal: Seal, address: str, digits: str, now: datetime) -> int | None:
    """The contact whose code this is; it is used up. None for a code that is none, which is counted. Raises TooMany.

    Only a chat is linked: for a phone every code is none, since two phones need not be one person's.
    """
    kind, value = address_kind(address)
    guesser = seal.key(kind, value)
    _hold_guesses(db, guesser, now)
    mark = seal.key(KIND, digits)
    used = delete(Link).where(Link.code == mark, Link.expires_at > now).returning(Link.contact_id, Link.code)
    found = None if kind == "tel" else db.execute(used).first()
    if found is None or not hmac.compare_digest(found.code, mark):
        db.execute(insert(Guess).values(address=guesser, at=now))
        return None
    return int(found.contact_id)


def _hold_guesses(db: Connection, guesser: str, now: datetime) -> None:
    """Raise TooMany for who has guessed enough. Processes that count at the same moment do not see each other."""
    count = select(func.count()).select_from(Guess)
    own = db.execute(count.where(Guess.at > now - IN_AN_HOUR, Guess.address == guesser)).scalar_one()
    if own >= MOST_OF_ONE or db.execute(count.where(Guess.at > now - LASTS)).scalar_one() >= MOST_OF_ALL:
        raise TooMany


def link(db: Connection, seal: Seal, dialogs: Mapping[str, Dialog], phone: int, chat: Person, now: datetime) -> None:
    """Move the chat to the contact of the phone, with all that was answered there.

    What the phone said holds: consent, STOP, language, who uses it, saved fields. A chat whose contact has a phone
    of its own leaves it alone: only the chat moves, what was answered belongs to that phone. Raises NotThere.
    """
    one, two = merging.lock(db, phone, chat.id)
    stopped = one.stopped_at is not None
    own = select(Address.id).where(Address.contact_id == chat.id, Address.kind == "tel")
    if db.execute(own.limit(1)).first() is not None:
        merging.move_addresses(db, seal, phone, chat.id, stopped=stopped, only=chat.address_id)
        return
    merging.move_addresses(db, seal, phone, chat.id, stopped=stopped)
    merging.join_fields(db, seal, phone, chat.id)
    _hold_no(db, phone)
    _join_dates(db, phone, chat.id)
    merging.join_members(db, phone, chat.id)
    _join_runs(db, dialogs, phone, chat.id, now)
    merging.join_sessions(db, phone, chat.id)
    merging.join_messages(db, phone, chat.id, now)
    merging.take_the_rest(db, phone, chat.id)
    values = {
        "language": one.language or two.language,
        "country": one.country or two.country,
        "timezone": one.timezone or two.timezone,
        "created_at": min(one.created_at, two.created_at),
        "seen_at": now,
    }
    db.execute(update(Contact).where(Contact.id == phone).values(values))


def is_linked(db: Connection, contact_id: int) -> bool:
    """True if a phone and a chat are this contact's: who shares the phone may want to know."""
    kinds = db.execute(select(Address.kind).where(Address.contact_id == contact_id).distinct()).scalars().all()
    return "tel" in kinds and len(kinds) > 1


def _hold_no(db: Connection, phone: int) -> None:
    """Where the phone wants no messages, the chat's address is not kept to write to either."""
    wanted = select(Field.name).where(Field.contact_id == phone, Field.name.in_(MESSAGES), Field.value == "yes")
    if db.execute(wanted.limit(1)).first() is None:
        chats = (Address.contact_id == phone) & (Address.kind != "tel")
        db.execute(update(Address).where(chats).values(sealed=None, key_id=None))


def _join_dates(db: Connection, phone: int, chat: int) -> None:
    """All dates stay; one that both have stays once."""
    open_ = Due.done_at.is_(None)
    mine = {(row.name, row.on) for row in db.execute(select(Due.name, Due.on).where(Due.contact_id == phone, open_))}
    found = db.execute(select(Due.id, Due.name, Due.on).where(Due.contact_id == chat, open_)).all()
    twice = [row.id for row in found if (row.name, row.on) in mine]
    db.execute(delete(Due).where(Due.id.in_(twice)))


def _join_runs(db: Connection, dialogs: Mapping[str, Dialog], phone: int, chat: int, now: datetime) -> None:
    """Of two open runs of a dialog the newer answers count, and the older ones fill the gaps. The phone's row stays:
    a call may be showing it. Every answer stays in the reports."""
    found = select(Run.__table__).where(Run.contact_id.in_([phone, chat]), Run.finished_at.is_(None))
    rows = db.execute(found.order_by(Run.id)).all()
    mine = {row.dialog: row for row in rows if row.contact_id == phone}
    for theirs in rows:
        if theirs.contact_id != chat or theirs.dialog not in mine:
            continue
        own = mine[theirs.dialog]
        older, newer = sorted((own, theirs), key=lambda row: (row.updated_at, row.id))
        dialog = dialogs.get(own.dialog)
        answers = entries_of(newer.answers)
        if dialog is None or _counts(dialog, older.updated_at, now):
            answers = engine.filled(dialog.moved if dialog else {}, answers, entries_of(older.answers))
        values = {
            "answers": json.dumps(answers, separators=(",", ":"), ensure_ascii=False),
            "before": json.dumps({**decoded(older.before), **decoded(newer.before)}, ensure_ascii=False),
            "started_at": min(own.started_at, theirs.started_at),
            "updated_at": newer.updated_at,
        }
        db.execute(update(Answer).where(Answer.run_id == theirs.id).values(run_id=own.id))
        db.execute(delete(Run).where(Run.id == theirs.id))
        db.execute(update(Run).where(Run.id == own.id).values(values))


def _counts(dialog: Dialog, updated_at: datetime, now: datetime) -> bool:
    """True if a half-done run is progress still: what is never resumed or too old begins afresh anyway."""
    return dialog.resume != "never" and updated_at >= now - timedelta(days=dialog.forget_after)
