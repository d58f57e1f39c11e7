"""A look into the database of a running server, from outside."""

from __future__ import annotations

from typing import Any

from sqlalchemy import NullPool, create_engine, text


def look(database_url: str, sql: str, **values: object) -> list[tuple[Any, ...]]:
    """The rows of a statement, as they are committed now."""
    with create_engine(database_url, poolclass=NullPool).connect() as db:
        return [tuple(row) for row in db.execute(text(sql), values)]


def look_for_one(database_url: str, sql: str, **values: object) -> Any:
    """The one value of a statement."""
    [[value]] = look(database_url, sql, **values)
    return value
