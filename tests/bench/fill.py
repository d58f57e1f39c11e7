"""Fills a database with contacts: the rows that one played contact has, many times over, each with its own numbers.

Filling is not measured, so it is done by bulk, without syncing; what is measured afterwards opens the file anew.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from dialogs.seal import Seal
from tests.bench.calls import Caller, Path, stage_of

TABLES = ("contact", "address", "field", "run", "answer", "session")
Row = dict[str, Any]
Place = tuple[Caller, int, int, "Rows"]  # a caller, the id of its contact, of its first run, and what it has


@dataclass(slots=True)
class Rows:
    """All that one contact has, as the driver reads it."""

    tables: dict[str, list[Row]] = field(default_factory=dict)

    def only_finished(self) -> Rows:
        """A contact who is not calling: its fields and its finished run."""
        runs = [row for row in self.tables["run"] if row["finished_at"]]
        return Rows(self.tables | {"run": runs, "answer": [], "session": []})


class Store:
    """A database, by its own driver."""

    def __init__(self, url: str) -> None:
        self.url, self.postgres = url, url.startswith("postgresql")
        self.db: Any = psycopg.connect(url, autocommit=True) if self.postgres else sqlite3.connect(file_of(url))

    def close(self) -> None:
        self.db.close()

    def read(self, table: str, column: str, values: Sequence[Any]) -> list[Row]:
        """The rows of a table with one of these values, oldest first."""
        if not values:
            return []
        mark = ", ".join(("%s" if self.postgres else "?") for _ in values)
        order = "" if table == "field" else 'ORDER BY "id"'
        found = self.db.execute(f'SELECT * FROM "{table}" WHERE "{column}" IN ({mark}) {order}', list(values))
        names = [each[0] for each in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def photograph(self, key: str) -> Rows:
        """All rows of the contact with this address key."""
        (address,) = self.read("address", "key", [key])
        ids = [address["contact_id"]]
        runs = self.read("run", "contact_id", ids)
        return Rows(
            {
                "contact": self.read("contact", "id", ids),
                "address": [address],
                "field": self.read("field", "contact_id", ids),
                "run": runs,
                "answer": self.read("answer", "run_id", [run["id"] for run in runs]),
                "session": self.read("session", "contact_id", ids),
            }
        )

    def begin(self) -> None:
        """Nothing is safe while it is filled, and nobody else may be there."""
        if self.postgres:
            self.db.execute("SET session_replication_role = replica")  # no look-ups for foreign keys
            self.db.execute("SET synchronous_commit = off")
        else:
            for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-600000", "locking_mode=EXCLUSIVE"):
                self.db.execute(f"PRAGMA {pragma}")

    def add(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Many rows at once."""
        if self.postgres:
            names = sql.SQL(", ").join(map(sql.Identifier, columns))
            copy = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)
            with self.db.cursor().copy(copy) as copying:
                for row in rows:
                    copying.write_row(row)
        else:
            quoted, marks = ", ".join(f'"{name}"' for name in columns), ", ".join("?" * len(columns))
            self.db.executemany(f'INSERT INTO "{table}" ({quoted}) VALUES ({marks})', rows)

    def highest(self, table: str) -> int:
        """The highest id that is taken."""
        found = self.db.execute(f'SELECT coalesce(max("id"), 0) FROM "{table}"').fetchone()[0]
        assert isinstance(found, int)
        return found

    def finish(self) -> None:
        """As a store of some age is: ids go on behind the last; on PostgreSQL autovacuum has been there."""
        if self.postgres:
            for table in TABLES:
                if table != "field":
                    serial = f"pg_get_serial_sequence('{table}', 'id')"
                    self.db.execute(f"SELECT setval({serial}, {max(1, self.highest(table))})")
            self.db.execute("VACUUM (ANALYZE)")
            self.db.execute("CHECKPOINT")
        else:
            self.db.commit()
            self.db.execute("PRAGMA locking_mode=NORMAL")
            self.db.execute("PRAGMA journal_mode=WAL").fetchone()


def file_of(url: str) -> str:
    """The file of a SQLite database."""
    return make_url(url).database or ""


def photographer(url: str, seal: Seal) -> Any:
    """What `calls.learn` asks for the rows of a caller."""

    def photograph(caller: Caller) -> Rows:
        with closing(Store(url)) as store:
            return store.photograph(seal.key("tel", caller.number))

    return photograph


def callers_of(contacts: int, most: int) -> list[int]:
    """Who calls: at most so many, evenly among all contacts."""
    return list(range(0, contacts, max(1, contacts // most)))[:most]


def fill(url: str, seal: Seal, paths: Sequence[Path], contacts: int, callers: Sequence[int]) -> None:
    """So many contacts more; those who call stand in the middle of it, the others have finished the quiz once."""
    whole = [path.stages for path in paths]
    calling = {place: whole[n % len(whole)][stage_of(n, whole)] for n, place in enumerate(callers)}
    idle = [path.stages[0].only_finished() for path in paths]
    people = [(place, calling.get(place) or idle[place % len(idle)]) for place in range(contacts)]
    with closing(Store(url)) as store:
        first_contact, first_run = store.highest("contact") + 1, store.highest("run") + 1
        ids = {name: store.highest(name) for name in ("address", "answer", "session")}
        counts = accumulate((len(rows.tables["run"]) for _, rows in people), initial=first_run)
        crowd: list[Place] = [
            (Caller(place), first_contact + n, run, rows)
            for n, ((place, rows), run) in enumerate(zip(people, counts, strict=False))
        ]
        store.begin()
        for table in TABLES:
            columns = list(next(rows.tables[table][0] for _, rows in people if rows.tables[table]))
            store.add(table, columns, copies(table, crowd, seal, ids.get(table, 0)))
        store.finish()


def copies(table: str, crowd: Sequence[Place], seal: Seal, last: int) -> Iterator[Sequence[Any]]:
    """The rows of one table, for everybody."""
    for caller, contact_id, first_run, rows in crowd:
        new_run = {run["id"]: first_run + n for n, run in enumerate(rows.tables["run"])}
        for n, row in enumerate(rows.tables[table]):
            last += 1
            own = dict(row)
            if "contact_id" in own:
                own["contact_id"] = contact_id
            if table == "contact":
                own["id"] = contact_id
            elif table == "run":
                own["id"] = first_run + n
            elif "id" in own:
                own["id"] = last
            if table == "address":
                own["key"] = seal.key("tel", caller.number)
            if own.get("run_id"):
                own["run_id"] = new_run.get(row["run_id"])
            if table == "session":
                before, _, numbers = row["key"].partition("ATUid_")
                own["key"] = before + caller.session(int(numbers[16:28]), int(numbers[28:]))
                if row["shown"] and '"run"' in row["shown"]:
                    shown = json.loads(row["shown"])
                    own["shown"] = json.dumps(shown | {"run": new_run.get(shown["run"], 0)}, separators=(",", ":"))
            yield list(own.values())
