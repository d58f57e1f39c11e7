from __future__ import annotations

import itertools
import sqlite3
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, insert, inspect, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from dialogs.database import (
    POSTGRES_SETTINGS,
    SQLITE_PRAGMAS,
    durability,
    migrate,
    migrations,
    open_engine,
)
from dialogs.tables import Address, Base, Contact, Field, Session
from gateway.logs import hush, trace
from gateway.tables import Message
from tests.databases import PostgresServer

NOW = datetime(2026, 11, 22, 9, 0, 0)  # noqa: DTZ001  UTC without a zone, as the tables keep it
WORDS = "words that nobody else may read"


@pytest.fixture
def new_engine() -> Iterator[Callable[..., Engine]]:
    """Opens engines; they are closed at the end of the test."""
    made: list[Engine] = []

    def make(url: str, *, plain: bool = False) -> Engine:
        made.append(open_engine(url, plain=plain))
        return made[-1]

    yield make
    for engine in made:
        engine.dispose()


@pytest.fixture
def engine(database_url: str, new_engine: Callable[..., Engine]) -> Engine:
    return new_engine(database_url)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Makes databases of each kind without any table."""
    if request.param == "sqlite":
        names = itertools.count(1)
        return lambda: f"sqlite:///{tmp_path / f'bare{next(names)}.db'}"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.fresh_database


@pytest.fixture
def bare_url(new_url: Callable[[], str]) -> str:
    return new_url()


def on_sqlite(engine: Engine) -> bool:
    return engine.dialect.name == "sqlite"


# --- migrations ---


def test_the_migrations_make_the_tables_that_the_classes_describe(engine: Engine):
    with engine.connect() as db:
        context = MigrationContext.configure(db, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []


def test_the_migrations_make_the_checks_and_partial_indexes_that_the_classes_describe(
    new_url: Callable[[], str], new_engine: Callable[..., Engine]
):
    engine, described = new_engine(new_url()), new_engine(new_url())
    migrate(engine)
    with described.begin() as db:
        Base.metadata.create_all(db)
    with engine.connect() as migrated, described.connect() as wanted:
        assert rules_of(migrated) == rules_of(wanted)
        assert rules_of(wanted)


def rules_of(db: Connection) -> dict[str, str]:
    """Every CHECK, foreign key and index by its name, as the database itself writes it down."""
    if db.dialect.name == "sqlite":
        found = db.execute(
            text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name <> 'alembic_version'")
        )
        plain = {name: " ".join(sql.replace('"', "").split()) for name, sql in found}
        # The order of what stands within a table is nobody's concern.
        return {
            name: " ".join(sorted(sql.replace(",", " ").replace(")", " ) ").split())) for name, sql in plain.items()
        }
    rules = db.execute(
        text(
            "SELECT conname, conrelid::regclass || pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE connamespace = 'public'::regnamespace AND conname NOT LIKE 'alembic%'"
        )
    )
    indexes = db.execute(
        text("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND indexname NOT LIKE 'alembic%'")
    )
    return {name: rule for found in (rules, indexes) for name, rule in found}


def test_migrating_again_changes_nothing(engine: Engine):
    with engine.begin() as db:
        db.execute(insert(Contact).values(created_at=NOW, seen_at=NOW))
    migrate(engine)
    migrate(engine)
    with engine.connect() as db:
        assert db.execute(select(Contact.created_at)).scalars().all() == [NOW]


def test_a_database_without_tables_gets_them_all(bare_url: str, new_engine: Callable[..., Engine]):
    engine = new_engine(bare_url)
    migrate(engine)
    assert set(inspect(engine).get_table_names()) == {*Base.metadata.tables, "alembic_version"}


def test_processes_that_migrate_at_once_do_not_disturb_each_other(bare_url: str, new_engine: Callable[..., Engine]):
    engines = [new_engine(bare_url) for _ in range(3)]
    engines[0].connect().close()  # so that the file is there; see the test below
    together, failed = threading.Barrier(len(engines)), []

    def begin(engine: Engine) -> None:
        together.wait()
        try:
            migrate(engine)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=begin, args=(engine,)) for engine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    head = ScriptDirectory.from_config(migrations(engines[0])).get_current_head()
    with engines[0].connect() as db:
        assert db.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == [head]
        assert compare_metadata(MigrationContext.configure(db), Base.metadata) == []


def test_a_process_waits_for_another_that_is_just_making_the_file(tmp_path: Path, new_engine: Callable[..., Engine]):
    other = sqlite3.connect(tmp_path / "new.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    other.execute("CREATE TABLE one (id INTEGER)")
    release = threading.Timer(0.2, lambda: other.execute("COMMIT"))
    release.start()
    try:
        with new_engine(f"sqlite:///{tmp_path / 'new.db'}").connect() as db:
            assert db.execute(text("SELECT count(*) FROM one")).scalar() == 0
    finally:
        release.join()
        other.close()


def test_a_migration_that_breaks_off_leaves_nothing_behind(bare_url: str, new_engine: Callable[..., Engine]):
    engine = new_engine(bare_url)
    with engine.begin() as db:
        db.execute(text('CREATE TABLE "session" (id INTEGER)'))  # in the way
    with pytest.raises(DBAPIError):
        migrate(engine)
    assert inspect(engine).get_table_names() == ["session"]


# --- what a connection is set to ---

READ_BACK = {"WAL": "wal", "FULL": "2", "ON": "1", "MEMORY": "2"}
"""What SQLite says of a pragma that was set to this."""


def test_every_connection_has_the_settings_of_the_house(engine: Engine):
    with engine.connect() as one, engine.connect() if not on_sqlite(engine) else one as other:
        for db in (one, other):
            if on_sqlite(engine):
                shown = {name: str(db.exec_driver_sql(f"PRAGMA {name}").scalar()) for name in SQLITE_PRAGMAS}
                assert shown == {name: READ_BACK.get(value, value) for name, value in SQLITE_PRAGMAS.items()}
                assert (shown["journal_mode"], shown["synchronous"], shown["foreign_keys"]) == ("wal", "2", "1")
            else:
                shown = {name: str(db.execute(text(f"SHOW {name}")).scalar()) for name in POSTGRES_SETTINGS}
                assert shown == POSTGRES_SETTINGS
                assert db.execute(text("SHOW transaction_isolation")).scalar() == "read committed"


def test_a_commit_is_on_the_disk_before_anybody_hears_of_it(engine: Engine):
    safe = {"journal_mode": "wal", "synchronous": "FULL"}
    if not on_sqlite(engine):
        safe = {"synchronous_commit": "on", "fsync": "on", "full_page_writes": "on"}
    assert durability(engine) == safe


def test_the_settings_outlive_a_transaction_that_failed(engine: Engine):
    with pytest.raises(DBAPIError), engine.begin() as db:
        db.execute(text("SELECT nothing FROM nowhere"))
    assert "OFF" not in durability(engine).values()
    if not on_sqlite(engine):
        with engine.connect() as db:
            assert db.execute(text("SHOW enable_seqscan")).scalar() == "off"


def test_reports_leave_the_planner_of_postgresql_alone(database_url: str, new_engine: Callable[..., Engine]):
    engine = new_engine(database_url, plain=True)
    if on_sqlite(engine):
        assert durability(engine)["synchronous"] == "FULL"
        return
    with engine.connect() as db:
        assert db.execute(text("SHOW enable_seqscan")).scalar() == "on"
        assert db.execute(text("SHOW enable_hashjoin")).scalar() == "on"
        assert db.execute(text("SHOW timezone")).scalar() == "UTC"
        assert db.execute(text("SHOW synchronous_commit")).scalar() == "on"


def test_a_second_writer_on_sqlite_waits_for_the_first_instead_of_failing(engine: Engine):
    began, done = threading.Event(), threading.Event()
    order = []

    def second() -> None:
        began.wait()
        with engine.begin() as db:
            db.execute(insert(Contact).values(language="second", created_at=NOW, seen_at=NOW))
            order.append("second")
        done.set()

    thread = threading.Thread(target=second)
    thread.start()
    with engine.begin() as db:
        db.execute(insert(Contact).values(language="first", created_at=NOW, seen_at=NOW))
        began.set()
        waited = not done.wait(0.2)
        order.append("first")
    thread.join()
    assert done.is_set()
    if on_sqlite(engine):
        assert waited
        assert order == ["first", "second"]


# --- rules of the tables ---


def test_what_belongs_to_a_contact_needs_that_contact(engine: Engine):
    with pytest.raises(IntegrityError), engine.begin() as db:
        db.execute(insert(Field).values(contact_id=1, name="role", value="leader"))


def test_a_kind_that_is_not_known_is_refused(engine: Engine):
    with pytest.raises(IntegrityError), engine.begin() as db:
        db.execute(insert(Address).values(kind="pigeon", key="k", heard_at=NOW))


def test_the_number_of_an_erased_contact_is_never_given_to_another(engine: Engine):
    ids: list[int] = []
    for _ in range(2):
        with engine.begin() as db:
            ids += db.execute(insert(Contact).values(created_at=NOW, seen_at=NOW).returning(Contact.id)).scalars()
        with engine.begin() as db:
            db.execute(Contact.__table__.delete())  # type: ignore[attr-defined]
    assert ids[1] > ids[0]


# --- what errors tell ---


def test_an_error_does_not_show_the_parameters(engine: Engine):
    with pytest.raises(DBAPIError) as raised, engine.begin() as db:
        db.execute(text("SELECT nothing FROM nowhere WHERE words = :words"), {"words": WORDS})
    assert WORDS not in str(raised.value)
    assert "hidden" in str(raised.value)


def violate_unique(db: Connection) -> None:
    for _ in range(2):
        db.execute(insert(Address).values(kind="tel", key=WORDS, heard_at=NOW))


def violate_check(db: Connection) -> None:
    wrong = {"channel": "ke", "direction": "out", "kind": "reply", "status": "queued", "due_at": NOW, "created_at": NOW}
    db.execute(insert(Message).values(text=WORDS, **wrong))  # no dedupe key


def violate_owner(db: Connection) -> None:
    db.execute(insert(Session).values(channel="ke", key=WORDS, contact_id=77, shown=WORDS, started_at=NOW))


@pytest.mark.parametrize("violate", [violate_unique, violate_check, violate_owner])
def test_the_log_of_an_error_does_not_show_what_was_to_be_written(
    engine: Engine, violate: Callable[[Connection], None]
):
    with pytest.raises(DBAPIError) as raised, engine.begin() as db:
        violate(db)
    assert WORDS not in hush(raised.value)  # PostgreSQL tells the whole row in its DETAIL
    assert WORDS not in trace(raised.value)
