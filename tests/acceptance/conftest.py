"""Fixtures of the acceptance tests: a PostgreSQL server of their own, which they may stop and look into."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from dialogs.content import Content
from tests.acceptance.processes import Fake
from tests.acceptance.sending import Scene
from tests.acceptance.server import ROOT, Server
from tests.acceptance.village import Village
from tests.databases import PostgresServer, postgres_server

NewScene = Callable[..., Scene]


@pytest.fixture(scope="package")
def own_postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server for this folder alone."""
    with postgres_server() as server:
        yield server


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def own_database(request: pytest.FixtureRequest) -> str:
    """The address of a database without tables; "" for the server's own SQLite file."""
    if request.param == "sqlite":
        return ""
    server: PostgresServer = request.getfixturevalue("own_postgres")
    return server.fresh_database()


@pytest.fixture
def new_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Makes servers, each with a folder of its own; they are gone after the test."""
    made: list[Server] = []

    def make(database_url: str = "", **settings: str) -> Server:
        made.append(Server(tmp_path / f"server{len(made) + 1}", database_url, **settings))
        return made[-1]

    yield make
    for server in made:
        server.close()


@pytest.fixture(scope="package")
def content() -> Content:
    """The project's content, as the servers have it."""
    found, problems = Content.load(ROOT / "content")
    assert found is not None, problems
    return found


@pytest.fixture
def new_scene(tmp_path: Path) -> Iterator[NewScene]:
    """Makes villages and what sends to them; the address "" is a SQLite file. All of it is gone after the test."""
    with ExitStack() as stack:

        def make(
            url: str, provider: str, workers: int, *options: str, people: int, rate: float = 100.0, at_once: bool = True
        ) -> Scene:
            folder = tmp_path / f"scene{len(made) + 1}"
            folder.mkdir()
            url = url or f"sqlite:///{folder / 'ngazi.db'}"
            village = stack.enter_context(closing(Village(url, people, at_once=at_once)))
            fake = Fake(folder, provider, *options)
            fake.start()
            stack.callback(fake.kill)
            made.append(stack.enter_context(closing(Scene(folder, village, provider, fake, rate, workers))))
            return made[-1]

        made: list[Scene] = []
        yield make
