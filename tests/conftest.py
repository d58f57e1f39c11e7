"""Fixtures: a real SQLite file and a real PostgreSQL server, the content in force, and a site with phones."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from dialogs.content import Keeper
from dialogs.database import migrate, open_engine
from tests.databases import PostgresServer, postgres_server
from tests.phones import Site

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = "/usr/bin/chromium"

settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


@pytest.fixture(autouse=True, scope="session")
def nothing_leaves_this_machine() -> Iterator[None]:
    """A connection to anywhere else is a failure."""
    connect = socket.socket.connect

    def at_home(self: socket.socket, place: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and place[0] not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"a test wants to connect to {place[0]}")
        connect(self, place)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", at_home)
        yield


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--update` rewrites the rehearsals with the screens that come out."""
    parser.addoption("--update", action="store_true", help="rewrite the rehearsals with the screens that come out")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without Chromium the browser tests are left out and say so, unless NGAZI_NEED_BROWSER is set."""
    if os.path.exists(CHROMIUM) or os.environ.get("NGAZI_NEED_BROWSER"):
        return
    for item in items:
        if "browser" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="Chromium is not installed: apt-get install chromium"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server for the whole run."""
    with postgres_server(in_memory=True) as server:
        yield server


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables and nothing in them."""
    path = tmp_path_factory.mktemp("sqlite") / "empty.db"
    engine = open_engine(f"sqlite:///{path}")
    migrate(engine)
    with engine.connect() as db:
        db.exec_driver_sql("COMMIT")
        db.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path


@pytest.fixture(scope="session")
def empty_postgres(postgres: PostgresServer) -> str:
    """The name of a PostgreSQL database with all tables and nothing in them."""
    url = postgres.fresh_database("empty")
    engine = open_engine(url)
    migrate(engine)
    engine.dispose()
    return "empty"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of each kind, with all tables."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("empty_sqlite"), tmp_path / "ngazi.db")
        yield f"sqlite:///{tmp_path / 'ngazi.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    url = server.fresh_database(template=request.getfixturevalue("empty_postgres"))
    yield url
    server.drop_database(url.rpartition("/")[2])  # a thousand files each: to leave them takes minutes at the end


@pytest.fixture(scope="session")
def keeper() -> Keeper:
    """The project's own content, drafts shown."""
    return Keeper(ROOT / "content", drafts=True)


@pytest.fixture
def new_site(database_url: str, tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """Makes sites on the test's database; they are stopped at its end."""
    made: list[Site] = []

    def make(keeper: Keeper | None = None, **more: Any) -> Site:
        made.append(Site(database_url, tmp_path, keeper, **more))
        return made[-1]

    yield make
    for site in made:
        site.stop()


@pytest.fixture
def site(new_site: Callable[..., Site], keeper: Keeper) -> Site:
    """A gateway with the project's content on each kind of database."""
    return new_site(keeper)
