"""The statements of `store.py`, built once per kind of database. A whole list goes in as one JSON parameter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from json import loads
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    DateTime,
    Executable,
    Table,
    Text,
    bindparam,
    cast,
    column,
    func,
    literal,
    select,
    true,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.expression import FromClause

from dialogs.tables import Address, Answer, Base, Contact, Due, Field, Keyring, Run, Session, Tally

INT, TEXT, TIME = BigInteger(), Text(), DateTime()
RUN = {
    "id": INT,
    "contact_id": INT,
    "dialog": TEXT,
    "answers": TEXT,
    "before": TEXT,
    "started_at": TIME,
    "updated_at": TIME,
    "finished_at": TIME,
    "points": INT,
    "most": INT,
}
SESSION = {
    "channel": TEXT,
    "key": TEXT,
    "contact_id": INT,
    "run_id": INT,
    "consumed": INT,
    "shown": TEXT,
    "started_at": TIME,
    "ended_at": TIME,
}


def when(time: datetime | None) -> str | None:
    """A time as both databases read it out of JSON; on SQLite it is stored just so."""
    return None if time is None else time.isoformat(" ", "microseconds")


def rows_of(dialect: str, columns: Mapping[str, Any]) -> FromClause:
    """A JSON list of objects, given as the parameter `rows`, as a table with these columns."""
    if dialect == "sqlite":
        each = func.json_each(bindparam("rows", type_=Text())).table_valued("value", name="each_row")
        picked = [func.json_extract(each.c.value, f"$.{key}", type_=type_).label(key) for key, type_ in columns.items()]
        return select(*picked).subquery("rows")
    listed = func.jsonb_to_recordset(cast(bindparam("rows", type_=Text()), JSONB))
    return listed.table_valued(*(column(key, type_) for key, type_ in columns.items())).render_derived(
        name="rows", with_types=True
    )


def ids_of(dialect: str) -> Any:
    """A JSON list of numbers, given as the parameter `ids`, as a subquery for IN."""
    listed = _listed(dialect, "ids", "each_id")
    return select(listed if dialect == "sqlite" else cast(listed, BigInteger))


def names_of(dialect: str) -> Any:
    """A JSON list of texts, given as the parameter `names`, as a subquery for IN."""
    return select(_listed(dialect, "names", "each_name"))


def _listed(dialect: str, parameter: str, name: str) -> Any:
    """The column with the values of a JSON list."""
    given = bindparam(parameter, type_=Text())
    values = func.json_each(given) if dialect == "sqlite" else func.jsonb_array_elements_text(cast(given, JSONB))
    return values.table_valued("value", name=name).c.value


def table(model: type[Base]) -> Table:
    """The Core table of a declarative class."""
    found = model.__table__
    assert isinstance(found, Table)
    return found


def gathered(dialect: str, wanted: Any, json: Sequence[str] = ()) -> Executable:
    """On SQLite, all rows as one JSON text: fetching each alone would hand the interpreter's lock to and fro.

    `json` names the columns that hold JSON already.
    """
    if dialect != "sqlite":
        statement: Executable = wanted
        return statement
    rows = wanted.subquery()
    columns = [func.json(column) if column.name in json else column for column in rows.c]
    return select(func.json_group_array(func.json_array(*columns)))


def fetch(db: Connection, statement: Executable, values: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
    """The rows of a `gathered` statement. On SQLite times are text and truth is a number; see `time_of`."""
    found = db.execute(statement, values)
    if db.dialect.name == "sqlite":
        rows: list[list[Any]] = loads(found.scalar_one())
        return rows
    return found.all()


def time_of(value: str | datetime) -> datetime:
    """A time that was fetched."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def decoded(value: Any) -> Any:
    """JSON that was fetched, as what it says."""
    return loads(value) if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class Statements:
    """What one list of callbacks needs; names say what each does."""

    find: Executable
    hear: Executable
    make: Executable
    bind: Executable
    lock: Executable
    see: Executable
    fields: Executable
    dues: Executable
    runs: Executable
    sessions: Executable
    keep: Executable
    make_runs: Executable
    change_runs: Executable
    append: Executable
    show: Executable
    count: Executable
    own: Executable
    past: Executable
    go_on_runs: Executable


@cache
def statements(dialect: str) -> Statements:
    """The statements for `sqlite` or `postgresql`."""
    insert: Any = sqlite.insert if dialect == "sqlite" else postgresql.insert
    now = bindparam("now", type_=DateTime())
    ids = ids_of(dialect)

    def upsert(model: type[Base], columns: Mapping[str, Any], on: list[str], set_: list[str], owner: str = "") -> Any:
        """Insert the rows in order of their key; where one of the same owner stands, overwrite these columns."""
        rows = rows_of(dialect, columns)
        picked = select(*rows.c).where(true()).order_by(*(rows.c[key] for key in on))
        made = insert(table(model)).from_select(list(columns), picked)
        where = table(model).c[owner] == made.excluded[owner] if owner else None
        set_to = {key: made.excluded[key] for key in set_}
        return made.on_conflict_do_update(index_elements=on, set_=set_to, where=where)

    heard = rows_of(dialect, {"kind": TEXT, "key": TEXT})
    hear = insert(table(Address)).from_select(
        ["kind", "key", "heard_at", "refused_by"],
        select(heard.c.kind, heard.c.key, now, literal("")).where(true()).order_by(heard.c.kind, heard.c.key),
    )
    hear = hear.on_conflict_do_update(
        index_elements=["kind", "key"], set_={"heard_at": hear.excluded.heard_at}
    ).returning(
        Address.id, Address.contact_id, Address.kind, Address.key, Address.key_id, Address.heard_at
    )  # (SQLite 3.40 says 1 for `sealed IS NOT NULL` here, whatever stands there)

    new = rows_of(dialect, {"country": TEXT})
    make = (
        insert(table(Contact))
        .from_select(
            ["country", "language", "timezone", "created_at", "seen_at"],
            select(new.c.country, literal(""), literal(""), now, now),
        )
        .returning(Contact.id, Contact.country)
    )
    bound = rows_of(dialect, {"id": INT, "contact_id": INT})
    bind = update(table(Address)).values(contact_id=bound.c.contact_id).where(Address.__table__.c.id == bound.c.id)
    keys = rows_of(dialect, {"channel": TEXT, "key": TEXT})
    runs = rows_of(dialect, RUN)
    run = table(Run)
    made = insert(run).from_select([key for key in RUN if key != "id"], select(*(c for c in runs.c if c.name != "id")))
    answers = rows_of(dialect, {"run_id": INT, "step": TEXT, "choice": TEXT})
    tally = {"dialog": TEXT, "step": TEXT, "choice": TEXT, "group_id": INT, "n": INT}
    counted = rows_of(dialect, tally)
    grow = insert(table(Tally)).from_select(
        list(tally),
        select(*counted.c)
        .where(true())
        .order_by(counted.c.dialog, counted.c.step, counted.c.choice, counted.c.group_id),
    )
    looked = rows_of(dialect, {"kind": TEXT, "key": TEXT})
    return Statements(
        find=gathered(
            dialect,
            select(Address.id, Address.contact_id, Address.kind, Address.key, Address.key_id, Address.heard_at).join(
                looked, (Address.kind == looked.c.kind) & (Address.key == looked.c.key)
            ),
        ),
        hear=hear,
        make=make,
        bind=bind,
        lock=gathered(
            dialect,
            select(
                Contact.id,
                Contact.language,
                Contact.country,
                Contact.consent_at,
                Contact.stopped_at,
                Contact.private_phone,
            )
            .where(Contact.id.in_(ids))
            .order_by(Contact.id)
            .with_for_update(key_share=True),
        ),
        see=update(table(Contact)).values(seen_at=now).where(Contact.id.in_(ids)),
        fields=gathered(dialect, select(Field.contact_id, Field.name, Field.value).where(Field.contact_id.in_(ids))),
        dues=gathered(
            dialect,
            select(Due.contact_id, Due.name, Due.on, Due.id)
            .where(Due.contact_id.in_(ids), Due.done_at.is_(None))
            .order_by(Due.id),
        ),
        runs=gathered(
            dialect,
            select(Run.id, Run.contact_id, Run.dialog, Run.answers, Run.before, Run.updated_at).where(
                Run.contact_id.in_(ids), Run.finished_at.is_(None)
            ),
            json=("answers", "before"),
        ),
        sessions=gathered(
            dialect,
            select(
                Session.channel,
                Session.key,
                Session.contact_id,
                Session.consumed,
                Session.shown,
                Session.ended_at,
            ).join(keys, (Session.channel == keys.c.channel) & (Session.key == keys.c.key)),
            json=("shown",),
        ),
        keep=upsert(Field, {"contact_id": INT, "name": TEXT, "value": TEXT}, ["contact_id", "name"], ["value"]),
        make_runs=made.returning(run.c.id, run.c.contact_id, run.c.dialog, run.c.finished_at),
        change_runs=update(run)
        .values(
            answers=runs.c.answers,
            before=runs.c.before,
            updated_at=runs.c.updated_at,
            finished_at=runs.c.finished_at,
            points=runs.c.points,
            most=runs.c.most,
        )
        .where(run.c.id == runs.c.id),
        append=insert(table(Answer)).from_select(
            ["run_id", "step", "choice", "revision", "at"],
            select(answers.c.run_id, answers.c.step, answers.c.choice, bindparam("revision", type_=Text()), now),
        ),
        show=upsert(
            Session, SESSION, ["channel", "key"], ["run_id", "consumed", "shown", "ended_at"], owner="contact_id"
        ),
        past=select(Run.dialog, Run.answers, Run.updated_at)
        .where(Run.contact_id == bindparam("id"), Run.finished_at.is_not(None))
        .order_by(Run.id),
        go_on_runs=update(run)
        .values(answers=runs.c.answers, before=runs.c.before, updated_at=runs.c.updated_at)
        .where(run.c.id == runs.c.id),
        own=insert(table(Keyring))
        .values(id=1, check=bindparam("check", type_=Text()), created_at=now)
        .on_conflict_do_nothing(),
        count=grow.on_conflict_do_update(
            index_elements=["dialog", "step", "choice", "group_id"], set_={"n": table(Tally).c.n + grow.excluded.n}
        ),
    )
