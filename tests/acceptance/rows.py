"""All that a database holds about one person, written so that two people can be compared."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Column, Connection, DateTime, Engine, LargeBinary, Table, select

import gateway.outbox  # noqa: F401  its tables belong to the same metadata
from dialogs.seal import Seal
from dialogs.tables import Address, Base, Session
from tests.acceptance.server import SECRET_KEY

seal = Seal(SECRET_KEY)
Rows = dict[str, list[dict[str, Any]]]
# Tables about nobody in particular; each other one must lead to a contact by its foreign keys.
OF_NOBODY = {"broadcast", "event", "group", "guess", "keyring", "login", "pace", "tally", "user"}
# Columns whose values are made by chance or by a key, or are the provider's.
BY_CHANCE = {"code", "key", "key_id", "to_key_id", "sealed", "to_sealed", "provider_id", "dedupe"}


def rows_of(engine: Engine, number: str) -> Rows:
    """The rows of this person, table by table. Ids are places among the person's own, times are only there or not."""
    with engine.connect() as db:
        contact = db.execute(select(Address.contact_id).where(Address.key == seal.key("tel", number))).scalar_one()
        assert contact is not None
        owned: dict[str, list[int]] = {"contact": [contact]}
        found: Rows = {}
        for table in Base.metadata.sorted_tables:
            if table.name not in OF_NOBODY:
                found[table.name] = _rows(db, table, owned)
        return found


def shown_to(engine: Engine, number: str) -> dict[str, Any]:
    """What the newest call of this person shows."""
    newest = select(Session.shown).join(Address, Address.contact_id == Session.contact_id)
    mine = newest.where(Address.key == seal.key("tel", number), Session.key.like("ussd:%"))
    with engine.connect() as db:
        shown = db.execute(mine.order_by(Session.id.desc()).limit(1)).scalar_one()
    found: dict[str, Any] = json.loads(shown or "{}")
    return found


def _rows(db: Connection, table: Table, owned: dict[str, list[int]]) -> list[dict[str, Any]]:
    if table.name == "contact":
        mine = table.c.id.in_(owned["contact"])
    else:
        parents = {key.parent: key.column.table.name for key in table.foreign_keys}
        mine = _any(column.in_(owned[name]) for column, name in parents.items() if name in owned)
    rows = db.execute(select(table).where(mine).order_by(*table.primary_key.columns)).mappings().all()
    if "id" in table.c:
        owned[table.name] = [row["id"] for row in rows]
    return [{column.name: _plain(column, row[column.name], owned) for column in table.c} for row in rows]


def _any(conditions: Any) -> Any:
    first, *others = conditions
    for other in others:
        first = first | other
    return first


def _plain(column: Column[Any], value: Any, owned: dict[str, list[int]]) -> Any:
    """A value without chance in it."""
    if value is None:
        return None
    if column.name in BY_CHANCE or isinstance(column.type, LargeBinary):
        return "made by chance"
    if isinstance(column.type, DateTime):
        return "a time"
    table = column.table.name if column.name == "id" else column.name.removesuffix("_id")
    if table in owned and isinstance(value, int):
        return owned[table].index(value) if value in owned[table] else "of another"
    if column.name == "shown":
        shown = json.loads(value)
        run = owned["run"].index(shown["run"]) if shown.get("run") in owned["run"] else 0
        return shown | {"run": run, "nonce": bool(shown.get("nonce"))}
    return value
