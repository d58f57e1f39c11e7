"""Claiming: what may go now is rendered, marked as sending and handed out as calls, in the caller's transaction.

A claim never takes more than the channel's bucket holds and the free calls can carry, and it is committed before
anything is handed to a provider: a process that is killed leaves at most what its calls carried.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Connection, DateTime, Executable, Text, bindparam, case, null, update

from dialogs.hours import Hours
from dialogs.locale import placeholders
from dialogs.seal import WrongKey
from dialogs.showing import House
from dialogs.statements import INT, TEXT, TIME, rows_of, table
from gateway import pace, queueing, reasons, rendering, waiting
from gateway.batch import LEASE, Batch, Claimed, Lane
from gateway.may_go import Facts, Verdict, verdict
from gateway.rendering import Reader
from gateway.tables import ABOUT_KEPT, BULK, REMINDERS, REPLIES_FIRST, REPLY_OWNER, Message
from gateway.waiting import Known, Readers, Row
from gateway.wording import Missing

FREE_TEXT = timedelta(hours=24)  # WhatsApp's own rule
CHOOSE = "choose"
PREFIXES = {"tel": "", "whatsapp": "whatsapp:"}


def claim(db: Connection, lane: Lane, free: int, house: House, hours: Hours, now: datetime) -> Claimed:
    """What `free` calls may carry now. Replies first; the bulk leaves a fifth of the bucket alone."""
    allowed = pace.allowance(db, lane.channel.name, lane.rate, now)
    if allowed.paused or not allowed.replies:
        return Claimed(wait=allowed.wait, paused=allowed.paused)
    carries = free * lane.carriage.most
    batch = Batch(lane, free, now, house.content.revision)
    replies = waiting.due(db, lane.channel.name, [REPLIES_FIRST], now, min(carries, allowed.replies))
    _replies(db, batch, replies, house)
    room = min(carries - len(replies), allowed.bulk - len(batch.going))
    rows = waiting.due(db, lane.channel.name, [REMINDERS, BULK], now, room) if room > 0 else []
    known = waiting.lock(db, [row.contact_id for row in rows if row.contact_id is not None])
    _bulk(db, batch, [row for row in rows if row.contact_id in known], known, house, hours)
    _write(db, batch)
    pace.spend(db, lane.channel.name, allowed.tokens - len(batch.going), now)
    looked_at = len(replies) + len(rows)
    wait = 0.0 if looked_at else allowed.wait
    return Claimed(batch.calls, now + LEASE, looked_at, wait, throttled=bool(looked_at) and allowed.bulk < carries)


def _replies(db: Connection, batch: Batch, rows: Sequence[Row], house: House) -> None:
    """An answer goes at once, at any hour; a list that was asked for goes to the number that is kept for it."""
    asked = sorted({row.contact_id for row in rows if row.to_sealed is None and row.contact_id is not None})
    people = waiting.readers(db, asked, (), batch.lane.reaches, batch.now)
    for row in rows:
        if row.expires_at is not None and row.expires_at <= batch.now:
            batch.leave(row, Verdict("expired", reasons.TOO_LATE))
            continue
        try:
            to, address_id = _number(house, batch.lane, row, people)
        except WrongKey:
            batch.refuse(row, reasons.NO_KEY)
            continue
        if not to or not row.text:
            batch.refuse(row, reasons.NO_NUMBER)
        else:
            batch.add(row, to, row.text, "", address_id, choose=_choose(house, row))


def _choose(house: House, row: Row) -> str:
    """The word on a button that opens the list of choices; "" where the content has none, or the text no choices."""
    if not row.about or CHOOSE not in house.content.common.texts:
        return ""
    return house.content.text(f"common:{CHOOSE}", house.language(row.language).code, chat=True)


def _number(house: House, lane: Lane, row: Row, people: Readers) -> tuple[str, int | None]:
    """Where a message goes; "" for nowhere. Raises WrongKey."""
    if row.to_sealed is not None:  # an answer goes back to where the question came from
        for kind, prefix in PREFIXES.items():
            with suppress(WrongKey):
                return prefix + house.seal.open(row.to_sealed, kind, REPLY_OWNER, row.to_key_id or ""), row.address_id
        raise WrongKey
    place = people.places.get(row.contact_id or 0)
    if place is None:
        return "", None
    number = house.seal.open(place.sealed, place.kind, str(place.contact_id), place.key_id)
    return PREFIXES[lane.reaches] + number, place.id


def _bulk(
    db: Connection, batch: Batch, rows: Sequence[Row], known: Mapping[int, Known], house: House, hours: Hours
) -> None:
    """Broadcasts and reminders: everything that may speak against one is asked once more."""
    if not rows:
        return
    broadcasts = waiting.broadcasts(db, {row.broadcast_id for row in rows if row.broadcast_id})
    dues = waiting.dues(db, {row.about["due"] for row in rows if row.about and "due" in row.about})
    people = waiting.readers(db, sorted(known), _names(house, rows, broadcasts), batch.lane.reaches, batch.now)
    wrote: Mapping[int, datetime] = {}
    if batch.lane.reaches == "whatsapp":
        ids = [place.id for place in people.places.values()]
        wrote = waiting.last_words(db, ids, batch.lane.channel.name)
    for row in rows:
        contact = known[row.contact_id or 0]
        broadcast = broadcasts.get(row.broadcast_id or 0)
        if broadcast is not None and broadcast.status == "paused":
            batch.leave(row, Verdict("queued", reasons.PAUSED, queueing.far(broadcast.id)))
            continue
        facts, template = _facts(batch, row, contact, people, broadcasts, dues, house, hours, wrote)
        found = verdict(facts, batch.now, hours)
        if found.status:
            batch.leave(row, found)
            continue
        reader = Reader(
            contact.language, contact.country, bool(contact.private_phone), people.fields.get(contact.id, {})
        )
        try:
            text = _text(house, row, broadcasts, reader)
            to, address_id = _number(house, batch.lane, row, people)
        except Missing as missing:
            batch.refuse(row, f"{reasons.NO_VALUE}: {missing.name}")
            continue
        except WrongKey:
            batch.refuse(row, reasons.NO_KEY)
            continue
        except KeyError:
            batch.refuse(row, reasons.NO_TEXT)
            continue
        if batch.add(row, to, text.text, text.language, address_id, template):
            people.told[contact.id] = batch.now  # a second one in this list waits like any other


def _facts(
    batch: Batch,
    row: Row,
    contact: Known,
    people: Readers,
    broadcasts: Mapping[int, Any],
    dues: Mapping[int, str],
    house: House,
    hours: Hours,
    wrote: Mapping[int, datetime],
) -> tuple[Facts, bool]:
    """What the verdict needs; and whether WhatsApp takes a template only."""
    fields = people.fields.get(contact.id, {})
    place = people.places.get(contact.id)
    about, called_off, any_hour, off, holds = row.about or {}, "", False, False, True
    if row.kind == "broadcast":
        broadcast = broadcasts.get(row.broadcast_id or 0)
        status = broadcast.status if broadcast else "cancelled"
        called_off = reasons.CANCELLED if status in ("cancelled", "draft") else ""
        any_hour = bool(broadcast and broadcast.any_hour)
    else:
        series = house.content.series.get(about.get("series", ""))
        off = series is None or not all(condition.holds(_of(house, contact, fields)) for condition in series.conditions)
        holds = dues.get(about.get("due", 0)) == about.get("due_on", about.get("on"))
    heard = wrote.get(place.id) if place is not None else None
    template = batch.lane.reaches == "whatsapp" and (heard is None or batch.now - heard >= FREE_TEXT)
    window_over = template and "template" not in batch.lane.channel.options
    facts = Facts(
        row.kind,
        row.due_at,
        row.expires_at,
        stopped=contact.stopped_at is not None,
        wants=fields.get("news" if row.kind == "broadcast" else "reminders") == "yes",
        series_off=off,
        reachable=place is not None,
        bad=place is not None and place.bad_at is not None,
        country=contact.country,
        timezone=contact.timezone,
        told_at=people.told.get(contact.id),
        reminder_today=row.kind == "broadcast" and _reminded_today(people, contact, hours, batch.now),
        mid_dialog=contact.id in people.busy,
        date_holds=holds,
        called_off=called_off,
        any_hour=any_hour,
        window_over=window_over,
    )
    return facts, template


def _reminded_today(people: Readers, contact: Known, hours: Hours, now: datetime) -> bool:
    """True if a reminder of this person waits, or is to be written before the day is over there."""
    if contact.id not in people.reminded:
        return False
    at = people.reminded[contact.id]
    today = hours.local_day(contact.country, contact.timezone, now)
    return at is None or hours.local_day(contact.country, contact.timezone, at) == today


def _of(house: House, contact: Known, fields: Mapping[str, str]) -> dict[str, str]:
    """What a condition may ask of a person."""
    return {**house.outside(contact.country), **fields, "language": contact.language, "country": contact.country}


def _text(house: House, row: Row, broadcasts: Mapping[int, Any], reader: Reader) -> rendering.Rendered:
    """The text of a row. Raises Missing, KeyError if the content has it no more."""
    if row.kind == "broadcast":
        return rendering.of_broadcast(house, broadcasts[row.broadcast_id or 0].text, reader)
    about = row.about or {}
    series = house.content.series[about["series"]]
    if about.get("text"):  # a text of the series that is no moment: that for the officer
        values = {**reader.fields, **about.get("values", {})}
        return rendering.of_series(
            house, series, about["text"], about["on"], Reader(reader.language, reader.country, fields=values)
        )
    moment = next((each for each in series.moments if each.name == about["moment"]), None)
    if moment is None:
        raise KeyError(about["moment"])
    return rendering.of_reminder(house, series, moment, about["on"], reader)


def _names(house: House, rows: Sequence[Row], broadcasts: Mapping[int, Any]) -> set[str]:
    """The fields that these rows are judged by or speak of."""
    names = {"reminders", "news"}
    for each in broadcasts.values():
        names |= {name for text in each.text.values() for name in placeholders(text)}
    for id in {row.about.get("series") for row in rows if row.about}:
        series = house.content.series.get(id or "")
        if series is not None:
            names |= {condition.name for condition in series.conditions}
            texts = [text for moment in series.moments for text in (moment.say, moment.open) if text is not None]
            names |= {name for text in texts for name in placeholders(text.source)}
    return names


def _write(db: Connection, batch: Batch) -> None:
    sql = _statements(db.dialect.name)
    if batch.going:
        values = {"rows": json.dumps(batch.going), "now": batch.now, "lease": batch.now + LEASE}
        db.execute(sql["go"], values | {"revision": batch.revision})
    if batch.staying:
        db.execute(sql["stay"], {"rows": json.dumps(batch.staying)})


@cache
def _statements(dialect: str) -> dict[str, Executable]:
    message = table(Message)
    going = rows_of(dialect, {"id": INT, "address_id": INT, "text": TEXT, "language": TEXT, "segments": INT})
    staying = rows_of(dialect, {"id": INT, "status": TEXT, "error": TEXT, "due_at": TIME, "done_at": TIME})
    now = bindparam("now", type_=DateTime())
    return {
        "go": update(message)
        .values(
            status="sending",
            attempts=message.c.attempts + 1,
            lease_until=bindparam("lease", type_=DateTime()),
            sent_at=now,
            address_id=going.c.address_id,
            text=going.c.text,
            language=case((going.c.language == "", message.c.language), else_=going.c.language),
            segments=going.c.segments,
            revision=case((message.c.revision == "", bindparam("revision", type_=Text())), else_=message.c.revision),
            error="",
        )
        .where(message.c.id == going.c.id),
        "stay": update(message)
        .values(
            status=staying.c.status,
            error=staying.c.error,
            due_at=staying.c.due_at,
            done_at=staying.c.done_at,
            to_sealed=case((staying.c.done_at.is_(None), message.c.to_sealed), else_=null()),
            text=case((staying.c.done_at.is_(None), message.c.text), else_=null()),
            about=case((staying.c.done_at.is_(None), message.c.about), else_=ABOUT_KEPT),
        )
        .where(message.c.id == staying.c.id),
    }
