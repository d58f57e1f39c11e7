"""What belongs to a person beside fields and runs: open dates, memberships of groups, lines of the ledger.

Written like everything else of a list of callbacks: one statement for all of them, compiled once. See `statements.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from json import dumps
from typing import Any

from sqlalchemy import (
    Boolean,
    Connection,
    Date,
    DateTime,
    Executable,
    Text,
    bindparam,
    delete,
    func,
    literal,
    select,
    true,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from dialogs.statements import INT, TEXT, TIME, rows_of, table, when
from dialogs.store import Person
from dialogs.tables import Consent, Due, Group, Member

NEW_DUE = {"contact_id": INT, "name": TEXT, "on": Date()}
DUE = {"id": INT, "on": Date(), "was": Date(), "set_at": TIME, "next_at": TIME, "done_at": TIME}
SAID = {"contact_id": INT, "what": TEXT, "yes": Boolean(), "how": TEXT, "wording": TEXT}


def groups_of(db: Connection, contact_id: int) -> list[str]:
    """The names of the groups of this contact, the newest group first."""
    found = db.execute(_statements(db.dialect.name).groups, {"id": contact_id})
    return [name for (name,) in found]


def find_group(db: Connection, code: str) -> tuple[int, str] | None:
    """Id and name of the group with this code, in small or capital letters, with blanks or dashes; None for none."""
    bare = "".join(code.upper().split()).replace("-", "")
    found = db.execute(_statements(db.dialect.name).group, {"code": bare}).first() if bare else None
    return None if found is None else (found.id, found.name)


def save_dates(db: Connection, people: Sequence[Person], now: datetime) -> None:
    """Enter, move and mark the dates that changed; whatever changed is looked at by the reminders again."""
    stamp = when(now)
    made: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    gone: list[int] = []
    for person in people:
        for each in person.dates:
            if not each.changed:
                continue
            if not each.id:
                if not (each.gone or each.done):
                    made.append({"contact_id": person.id, "name": each.name, "on": each.on})
            elif each.gone:
                gone.append(each.id)
            else:
                row = {"id": each.id, "on": each.on, "was": each.was or None, "set_at": stamp if each.moved else None}
                row |= {"next_at": None, "done_at": stamp} if each.done else {"next_at": stamp, "done_at": None}
                changed.append(row)
    if gone:
        db.execute(delete(Due).where(Due.id.in_(gone)))
    if changed:
        db.execute(_statements(db.dialect.name).change_dues, {"rows": dumps(changed)})
    if made:
        db.execute(_statements(db.dialect.name).make_dues, {"rows": dumps(made), "now": now})


def save_groups(db: Connection, people: Sequence[Person]) -> None:
    """Out of all groups, and into new ones; who is a member already stays one."""
    leaving = [person.id for person in people if person.leaves]
    if leaving:
        db.execute(delete(Member).where(Member.contact_id.in_(leaving)))
    joined = [{"group_id": id, "contact_id": person.id} for person in people for id in person.joins]
    if joined:
        db.execute(_statements(db.dialect.name).join, {"rows": dumps(joined)})


def save_ledger(db: Connection, people: Sequence[Person], now: datetime, revision: str) -> None:
    """Append what was agreed to and taken back, by contact, each in the order it was said."""
    rows = [{"contact_id": person.id, **said._asdict()} for person in people for said in person.ledger]
    if rows:
        db.execute(_statements(db.dialect.name).note, {"rows": dumps(rows), "now": now, "revision": revision})


@dataclass(frozen=True, slots=True)
class _Statements:
    make_dues: Executable
    change_dues: Executable
    note: Executable
    join: Executable
    group: Executable
    groups: Executable


@cache
def _statements(dialect: str) -> _Statements:
    insert: Any = sqlite.insert if dialect == "sqlite" else postgresql.insert
    now = bindparam("now", type_=DateTime())
    due, new_dues, dues = table(Due), rows_of(dialect, NEW_DUE), rows_of(dialect, DUE)
    said = rows_of(dialect, SAID)
    members = rows_of(dialect, {"group_id": INT, "contact_id": INT})
    return _Statements(
        make_dues=insert(due).from_select(
            [*NEW_DUE, "set_at", "next_at"],
            select(new_dues.c.contact_id, new_dues.c.name, new_dues.c.on, now, now).where(true()),
        ),
        change_dues=update(due)
        .values(
            {
                due.c.on: dues.c.on,
                due.c.was: func.coalesce(dues.c.was, due.c.was),
                due.c.set_at: func.coalesce(dues.c.set_at, due.c.set_at),
                due.c.next_at: dues.c.next_at,
                due.c.done_at: dues.c.done_at,
            }
        )
        .where(due.c.id == dues.c.id),
        note=insert(table(Consent)).from_select(
            [*SAID, "revision", "at"], select(*said.c, bindparam("revision", type_=Text()), now).where(true())
        ),
        join=insert(table(Member))
        .from_select(
            ["group_id", "contact_id", "role"],
            select(members.c.group_id, members.c.contact_id, literal(""))
            .where(true())
            .order_by(members.c.group_id, members.c.contact_id),
        )
        .on_conflict_do_nothing(),
        group=select(Group.id, Group.name)
        .where(func.upper(func.replace(func.replace(Group.code, " ", ""), "-", "")) == bindparam("code"))
        .order_by(Group.id)
        .limit(1),
        groups=select(Group.name)
        .join(Member, Member.group_id == Group.id)
        .where(Member.contact_id == bindparam("id"))
        .order_by(Group.id.desc()),
    )
