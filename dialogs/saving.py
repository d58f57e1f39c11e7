"""Writing back what a list of callbacks changed, in the order of the locks (see `store.py`)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select, update

from dialogs import belongings, merging
from dialogs.seal import Seal
from dialogs.statements import Statements, statements, when
from dialogs.store import Person, RunState, address_kind, forget
from dialogs.tables import Address, Contact, Member, Run, Session

compact = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def save(db: Connection, people: Iterable[Person], seal: Seal, now: datetime, revision: str) -> None:
    """Write back what changed, in the order of the locks; tallies last."""
    sql = statements(db.dialect.name)
    everybody = sorted({person.id: person for person in people}.values(), key=lambda person: person.id)
    for person in everybody:
        if person.forget:
            if "stopped" in person.changed:
                db.execute(update(Contact).where(Contact.id == person.id).values(stopped_at=now))
            forget(db, person.id)
    staying = [person for person in everybody if not person.forget]
    _save_contacts(db, sql, staying, seal, now)
    for person in staying:
        if person.unlinks:
            merging.part(db, person.id, person.address_id, now)
    belongings.save_dates(db, staying, now)
    belongings.save_groups(db, staying)
    belongings.save_ledger(db, staying, now, revision)
    given = _save_runs(db, sql, staying, now, revision)
    _save_sessions(db, sql, staying, given, now)
    _count(db, sql, everybody)


def _save_contacts(db: Connection, sql: Statements, people: list[Person], seal: Seal, now: datetime) -> None:
    fields = []
    for person in people:
        if not person.changed and not person.seal and not person.unseal:
            continue
        values: dict[str, Any] = {}
        for name in person.changed:
            if name == "language":
                values["language"] = person.language
            elif name == "private_phone":
                values["private_phone"] = person.private_phone
            elif name == "consent":
                values["consent_at"] = now if person.consent else None
            elif name == "stopped":
                values["stopped_at"] = now if person.stopped else None
            elif name.startswith("field:"):
                value = person.fields[name[6:]]
                fields.append({"contact_id": person.id, "name": name[6:], "value": value})
        if values:
            db.execute(update(Contact).where(Contact.id == person.id).values(values))
        if person.unseal:
            db.execute(update(Address).where(Address.contact_id == person.id).values(sealed=None, key_id=None))
        elif person.seal:
            kind, value = address_kind(person.seal)
            sealed = {"sealed": seal.seal(value, kind, str(person.id)), "key_id": seal.key_id}
            found = (Address.contact_id == person.id) & (Address.kind == kind) & (Address.key == seal.key(kind, value))
            db.execute(update(Address).where(found).values(sealed))
    if fields:
        db.execute(sql.keep, {"rows": compact(fields)})


def _save_runs(
    db: Connection, sql: Statements, people: list[Person], now: datetime, revision: str
) -> dict[tuple[int, int], int]:
    """Write the runs; gives the ids that new ones got, by the contact and the number they had till now."""
    dropped = [id for person in people for id in person.dropped_runs]
    if dropped:
        owners = [person.id for person in people if person.dropped_runs]
        shown = update(Session).where(Session.contact_id.in_(owners), Session.run_id.in_(dropped))
        db.execute(shown.values(shown=None, run_id=None))
        db.execute(delete(Run).where(Run.id.in_(dropped)))
    going: list[dict[str, Any]] = []
    scored: list[dict[str, Any]] = []
    made: list[dict[str, Any]] = []
    by_place: dict[tuple[int, str, bool], RunState] = {}
    for person in people:
        for run in (*person.closed_runs, *person.runs.values()):
            if not run.changed or run.id in dropped:
                continue
            # The answers go as they are: the database makes the text of them, in the same pass.
            row = {"id": run.id, "answers": run.answers, "before": run.before, "updated_at": when(run.updated_at)}
            if run.id > 0 and not (run.finished_at or run.points or run.most):
                going.append(row)
                continue
            row |= {"finished_at": when(run.finished_at), "points": run.points, "most": run.most}
            if run.id > 0:
                scored.append(row)
                continue
            made.append(row | {"contact_id": person.id, "dialog": run.dialog, "started_at": when(run.started_at)})
            by_place[person.id, run.dialog, run.finished_at is None] = run
    if scored:  # closing comes before opening: one run of a dialog may be open
        db.execute(sql.change_runs, {"rows": compact(scored)})
    if going:  # nothing changes that an index is on
        db.execute(sql.go_on_runs, {"rows": compact(going)})
    given: dict[tuple[int, int], int] = {}
    if made:
        for id, contact_id, dialog, finished_at in db.execute(sql.make_runs, {"rows": compact(made)}):
            run = by_place[contact_id, dialog, finished_at is None]
            given[contact_id, run.id], run.id = id, id
    fresh = [
        {"run_id": run.id, "step": step, "choice": choice}
        for person in people
        for run in (*person.closed_runs, *person.runs.values())
        for step, choice in run.fresh
        if run.id not in dropped
    ]
    if fresh:
        db.execute(sql.append, {"rows": compact(fresh), "now": now, "revision": revision})
    return given


def _save_sessions(
    db: Connection, sql: Statements, people: list[Person], given: Mapping[tuple[int, int], int], now: datetime
) -> None:
    stamp = when(now)
    rows = []
    for person in people:
        for session in person.sessions.values():
            if not session.changed or session.contact_id != person.id:
                continue
            shown = session.shown
            run_id = shown.get("run") if shown else None
            if shown and isinstance(run_id, int) and (person.id, run_id) in given:
                shown["run"] = run_id = given[person.id, run_id]
            rows.append(
                {
                    "channel": session.channel,
                    "key": session.key,
                    "contact_id": person.id,
                    "run_id": run_id,
                    "consumed": session.consumed,
                    "shown": shown or None,
                    "started_at": stamp,  # only where it is new
                    "ended_at": stamp if session.ended else None,
                }
            )
    if rows:
        db.execute(sql.show, {"rows": compact(rows)})


def _count(db: Connection, sql: Statements, people: list[Person]) -> None:
    """Let the tallies grow: for everybody (group 0) and for each group of the contact, in one sorted statement."""
    counting = [person for person in people if person.counts]
    if not counting:
        return
    groups: dict[int, list[int]] = {}
    ids = [person.id for person in counting]
    for contact_id, group_id in db.execute(
        select(Member.contact_id, Member.group_id).where(Member.contact_id.in_(ids))
    ):
        groups.setdefault(contact_id, []).append(group_id)
    grown: dict[tuple[str, str, str, int], int] = {}
    for person in counting:
        for place in person.counts:
            for group in (0, *groups.get(person.id, ())):
                grown[*place, group] = grown.get((*place, group), 0) + 1
    rows = [{"dialog": d, "step": s, "choice": c, "group_id": g, "n": n} for (d, s, c, g), n in sorted(grown.items())]
    db.execute(sql.count, {"rows": compact(rows)})
