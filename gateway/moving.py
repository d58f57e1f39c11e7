"""Moves everything from one database to another, such as from SQLite to PostgreSQL: nobody loses their place."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, Engine, Table, func, insert, select, update

from dialogs.tables import Base
from gateway import tables  # of the gateway: they move too

SLICE = 2_000  # rows at a time
assert tables.Message.metadata is Base.metadata


class NotEmpty(Exception):
    """The database to move to holds something already. Give an empty one."""


def move(source: Engine, target: Engine) -> Iterator[tuple[str, int]]:
    """Copy every row of every table, in one transaction; gives the tables with their rows as they are done.

    Both must have the newest tables, and nobody may serve the source meanwhile. The source stays as it is.
    Raises NotEmpty.
    """
    with source.begin() as old, target.begin() as new:
        for table in Base.metadata.sorted_tables:
            if new.execute(select(func.count()).select_from(table)).scalar():
                raise NotEmpty
        for table in Base.metadata.sorted_tables:
            yield table.name, _copy(table, old, new)
        if target.dialect.name == "postgresql":
            _set_sequences(new)


def _copy(table: Table, old: Connection, new: Connection) -> int:
    """The rows of one table. Who points at a row of the same table does so once all are there."""
    own = [column for column in table.columns if any(key.column.table is table for key in column.foreign_keys)]
    count = 0
    for rows in old.execute(select(table)).mappings().partitions(SLICE):
        fresh = [{**row, **{column.name: None for column in own}} for row in rows]
        new.execute(insert(table), fresh)
        count += len(fresh)
    for column in own:
        for id, value in old.execute(select(table.c.id, column).where(column.is_not(None))):
            new.execute(update(table).where(table.c.id == id).values({column.name: value}))
    return count


def _set_sequences(new: Connection) -> None:
    """PostgreSQL gives numbers out on its own: go on after the highest."""
    for table in Base.metadata.sorted_tables:
        if "id" in table.c and table.c.id.autoincrement is not False:
            highest = new.execute(select(func.max(table.c.id))).scalar()
            if highest is not None:
                sequence = func.pg_get_serial_sequence(f'"{table.name}"', "id")
                new.execute(select(func.setval(sequence, highest)))
