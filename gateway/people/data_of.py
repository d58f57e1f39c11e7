"""Everything that is kept about one person, in words, to hand it to them."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, select

from dialogs.content import Content
from dialogs.engine import COUNTED, SEEN
from dialogs.seal import Seal, WrongKey
from dialogs.tables import Address, Answer, Consent, Contact, Due, Field, Group, Link, Member, Run, Session
from gateway.people.finding import NotFound
from gateway.tables import Message, Report

Data = dict[str, Any]


def data_of(db: Connection, seal: Seal, content: Content, id: int) -> Data:
    """All that is kept about a contact; times are UTC. Answers and questions in their language. Raises NotFound."""
    row = db.execute(select(Contact.__table__).where(Contact.id == id)).first()
    if row is None:
        raise NotFound
    about = {
        "number of the person in this store": row.id,
        "language": row.language,
        "country": row.country,
        "time zone": row.timezone,
        "agreed at": row.consent_at,
        "said STOP at": row.stopped_at,
        "the phone is only theirs": row.private_phone,
        "first heard of at": row.created_at,
        "last heard of at": row.seen_at,
    }
    return {
        "person": {name: _plain(value) for name, value in about.items()},
        "phones": _phones(db, seal, id),
        "saved answers": _fields(db, seal, id),
        "dates": _dates(db, id),
        "groups": _groups(db, id),
        "what was agreed to and taken back": _ledger(db, id),
        "dialogs": _runs(db, content, id, row.language),
        "messages": _messages(db, id),
        "calls": _calls(db, id),
        "codes for a chat": _codes(db, id),
    }


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds")
    if isinstance(value, date):
        return value.isoformat()
    return value


def _phones(db: Connection, seal: Seal, id: int) -> list[Data]:
    found = []
    for row in db.execute(select(Address.__table__).where(Address.contact_id == id).order_by(Address.id)):
        number = "kept only as a mark that finds it again; the number itself is not kept"
        if row.sealed is not None:
            try:
                number = seal.open(row.sealed, row.kind, str(id), row.key_id)
            except WrongKey:
                number = "locked with a key that is not there any more"
        found.append(
            {
                "kind": {"tel": "phone", "whatsapp": "WhatsApp"}.get(row.kind, row.kind),
                "number": number,
                "last heard at": _plain(row.heard_at),
                "did not work since": _plain(row.bad_at),
                "messages refused by": row.refused_by,
            }
        )
    return found


def _codes(db: Connection, id: int) -> list[Data]:
    """The code itself is not kept, only a mark that knows it again."""
    found = db.execute(select(Link.made_at, Link.expires_at).where(Link.contact_id == id))
    return [{"made at": _plain(row.made_at), "holds until": _plain(row.expires_at)} for row in found]


def _fields(db: Connection, seal: Seal, id: int) -> Data:
    found: Data = {}
    for name, value in db.execute(select(Field.name, Field.value).where(Field.contact_id == id).order_by(Field.name)):
        if value.startswith("sealed:"):
            _, key_id, written = value.split(":", 2)
            try:
                value = seal.open(bytes.fromhex(written), "field", str(id), key_id)
            except (WrongKey, ValueError):
                value = "locked with a key that is not there any more"
        found[name] = value
    return found


def _dates(db: Connection, id: int) -> list[Data]:
    rows = db.execute(select(Due.__table__).where(Due.contact_id == id).order_by(Due.id))
    return [
        {"name": row.name, "date": _plain(row.on), "before": _plain(row.was), "set at": _plain(row.set_at),
         "done at": _plain(row.done_at)}
        for row in rows
    ]  # fmt: skip


def _groups(db: Connection, id: int) -> list[Data]:
    found = select(Group.code, Group.name, Member.role).join(Member, Member.group_id == Group.id)
    rows = db.execute(found.where(Member.contact_id == id).order_by(Group.code))
    return [{"code": row.code, "name": row.name, "role": row.role} for row in rows]


def _ledger(db: Connection, id: int) -> list[Data]:
    rows = db.execute(select(Consent.__table__).where(Consent.contact_id == id).order_by(Consent.id))
    return [
        {"what": row.what, "answer": "yes" if row.yes else "no", "how": row.how, "the words": row.wording,
         "at": _plain(row.at)}
        for row in rows
    ]  # fmt: skip


def _runs(db: Connection, content: Content, id: int, language: str) -> list[Data]:
    found = []
    for run in db.execute(select(Run.__table__).where(Run.contact_id == id).order_by(Run.id)).all():
        appended = db.execute(select(Answer.__table__).where(Answer.run_id == run.id).order_by(Answer.id))
        dialog = content.dialogs.get(run.dialog)
        title = content.text(dialog.title.id, language) if dialog else run.dialog
        found.append(
            {
                "dialog": title,
                "begun at": _plain(run.started_at),
                "last used at": _plain(run.updated_at),
                "finished at": _plain(run.finished_at),
                "points": f"{run.points} of {run.most}" if run.most else "",
                "answers": [
                    _answer(content, run.dialog, step, choice, language) for step, choice in json.loads(run.answers)
                ],
                "fields as they were before": json.loads(run.before),
                "answers as they came in": [
                    {**_answer(content, run.dialog, row.step, row.choice, language), "at": _plain(row.at)}
                    for row in appended
                ],
            }
        )
    return found


def _answer(content: Content, dialog_id: str, step_id: str, choice_id: str, language: str) -> Data:
    """One answer with the words of its question, as far as the content still has them."""
    dialog = content.dialogs.get(dialog_id)
    step = dialog.step(dialog.moved.get(step_id, step_id)) if dialog else None
    question = content.text(step.texts[0].id, language) if step and step.texts else step_id
    choice = step.choice(choice_id) if step else None
    said = content.text(choice.text.id, language) if choice else choice_id
    if choice_id in (SEEN, COUNTED):
        said = "(was shown; the answer is not kept)"
    return {"question": question, "answer": said}


def _messages(db: Connection, id: int) -> list[Data]:
    found = []
    for row in db.execute(select(Message.__table__).where(Message.contact_id == id).order_by(Message.id)).all():
        reports = db.execute(select(Report.status, Report.at).where(Report.message_id == row.id).order_by(Report.id))
        found.append(
            {
                "direction": "to the person" if row.direction == "out" else "from the person",
                "kind": row.kind,
                "text": row.text if row.text is not None else "(not kept)",
                "state": row.status,
                "reason": row.error,
                "about": row.about or {},
                "channel": row.channel,
                "made at": _plain(row.created_at),
                "sent at": _plain(row.sent_at),
                "reports": [{"state": each.status, "at": _plain(each.at)} for each in reports],
            }
        )
    return found


def _calls(db: Connection, id: int) -> list[Data]:
    rows = db.execute(select(Session.__table__).where(Session.contact_id == id).order_by(Session.id))
    return [
        {"channel": row.channel, "kind": row.key.partition(":")[0], "begun at": _plain(row.started_at),
         "ended at": _plain(row.ended_at), "what stood on the phone": json.loads(row.shown) if row.shown else None}
        for row in rows
    ]  # fmt: skip
