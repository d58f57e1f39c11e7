"""The database behind one URL: SQLite as a file, or PostgreSQL; always durable, one writer's transaction at a time."""

from __future__ import annotations

import sqlite3
from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, flock
from pathlib import Path
from time import monotonic, sleep
from typing import IO, Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url

MIGRATIONS = Path(__file__).parent / "migrations"
PATIENCE = 5.0  # seconds to wait for another writer
LOOKED_AT = 0.2  # seconds; `served` holds the lock for far less
SQLITE_PRAGMAS = {
    "journal_mode": "WAL",
    "synchronous": "FULL",  # a commit is on the disk before the phone sees the next screen
    "foreign_keys": "ON",
    "busy_timeout": "5000",
    "secure_delete": "ON",  # what is forgotten is overwritten, not only unlinked
    "cache_size": "-32768",  # KiB
    "temp_store": "MEMORY",
    "wal_autocheckpoint": "8000",  # pages of 4 KiB: the same page is copied back once for many commits
}
# The desk looks everything up by key. Without statistics (a new store, a wave of new numbers) PostgreSQL would
# keep plans that read whole tables; these three say that there is always an index to use.
POSTGRES_SETTINGS = {
    "timezone": "UTC",
    "synchronous_commit": "on",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}


def open_engine(url: str, *, plain: bool = False) -> Engine:
    """The engine for a database URL; its errors hold no parameters (what PostgreSQL adds to them
    is cut out by `gateway.logs`).

    `plain` leaves PostgreSQL's planner alone: for reports and long reads.
    Nothing connects yet. Transactions on SQLite begin IMMEDIATE, so a second writer waits instead of failing late.
    """
    kind = make_url(url).get_backend_name()
    if kind == "sqlite":
        engine = create_engine(url, hide_parameters=True, connect_args={"timeout": 5, "check_same_thread": False})
        event.listen(engine, "connect", _tune_sqlite)
        event.listen(engine, "begin", _begin_immediate)
        return engine
    connect: dict[str, Any] = {"connect_timeout": 5}
    engine = create_engine(url, hide_parameters=True, pool_size=5, max_overflow=5, connect_args=connect)
    event.listen(engine, "connect", _tune_postgres_plain if plain else _tune_postgres)
    return engine


def _tune_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # BEGIN is ours to say
    journal, *others = (f"PRAGMA {name}={value}" for name, value in SQLITE_PRAGMAS.items())
    for each in others:
        connection.execute(each)
    until = monotonic() + PATIENCE
    while True:  # SQLite does not wait by itself while another process makes the file
        try:
            connection.execute(journal)
            return
        except sqlite3.OperationalError:
            if monotonic() > until:
                raise
            sleep(0.02)


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _tune_postgres(connection: Any, _: Any) -> None:
    _set(connection, POSTGRES_SETTINGS)


def _tune_postgres_plain(connection: Any, _: Any) -> None:
    _set(connection, {name: value for name, value in POSTGRES_SETTINGS.items() if not name.startswith("enable")})


def _set(connection: Any, settings: dict[str, str]) -> None:
    connection.autocommit = True
    for name, value in settings.items():
        connection.execute(f"SET {name} = '{value}'")
    connection.autocommit = False


class AlreadyServed(Exception):
    """Another process serves this SQLite file. One process serves SQLite; several need PostgreSQL."""


def hold(engine: Engine) -> IO[str] | None:
    """Keep a SQLite file for this process until what is returned is closed; the system lets go of it when we are
    killed. None for PostgreSQL, which many may serve. Raises AlreadyServed.
    """
    try:
        lock = _lock(engine, LOCK_EX)
    except BlockingIOError:
        sleep(LOOKED_AT)  # perhaps somebody only looked
        try:
            lock = _lock(engine, LOCK_EX)
        except BlockingIOError:
            raise AlreadyServed from None
    return lock


def served(engine: Engine) -> bool:
    """Whether a process serves this SQLite file now."""
    try:
        lock = _lock(engine, LOCK_SH)
    except BlockingIOError:
        return True
    if lock is not None:
        lock.close()
    return False


def _lock(engine: Engine, kind: int) -> IO[str] | None:
    """The lock beside a SQLite file. Raises BlockingIOError."""
    path = engine.url.database
    if engine.dialect.name != "sqlite" or not path or path == ":memory:":
        return None
    try:
        lock = open(f"{path}.lock", "w")  # noqa: SIM115  held as long as the gateway runs
    except OSError:
        return None  # the database cannot be opened there either, and says why
    try:
        flock(lock, kind | LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise
    return lock


def durability(engine: Engine) -> dict[str, str]:
    """How safely this database commits, read back from it."""
    with engine.connect() as db:
        if engine.dialect.name == "sqlite":
            levels = {0: "OFF", 1: "NORMAL", 2: "FULL", 3: "EXTRA"}
            level = db.exec_driver_sql("PRAGMA synchronous").scalar()
            mode = db.exec_driver_sql("PRAGMA journal_mode").scalar()
            return {"journal_mode": str(mode), "synchronous": levels.get(level or 0, str(level))}
        names = ("synchronous_commit", "fsync", "full_page_writes")
        return {name: str(db.execute(text(f"SHOW {name}")).scalar()) for name in names}


def migrations(engine: Engine, connection: Connection | None = None) -> Config:
    """Alembic's settings, in code: there is no alembic.ini."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["engine"] = engine
    config.attributes["connection"] = connection
    return config


def migrate(engine: Engine) -> None:
    """Bring the tables to the newest version; does nothing where they are. Two at once wait for each other."""
    with engine.connect() as db:
        if engine.dialect.name == "postgresql":
            with db.begin():
                db.execute(text("SELECT pg_advisory_xact_lock(7382001)"))
                command.upgrade(migrations(engine, db), "head")
            return
        plain: Any = db.connection.dbapi_connection  # SQLite hears this outside of transactions only
        plain.execute("PRAGMA foreign_keys=OFF")  # a table that is made anew would take along what it owns
        try:
            with db.begin():
                command.upgrade(migrations(engine, db), "head")
                if db.exec_driver_sql("PRAGMA foreign_key_check").first():
                    raise RuntimeError("the new tables do not fit together")
        finally:
            plain.execute("PRAGMA foreign_keys=ON")
