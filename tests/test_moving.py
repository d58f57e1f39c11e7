from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from dialogs.content import Keeper
from dialogs.tables import Base
from gateway.cli import main
from tests.databases import PostgresServer
from tests.phones import SECRET_KEY, Site

pytestmark = pytest.mark.postgres


def begun(site: Site) -> str:
    """A phone in the middle of the starter quiz, with reminders asked for, and one that said STOP; its number."""
    phone = site.phone()
    phone.join()
    phone.play("3", "1", "25/03/2027", "1", "1", "1", "1", "1", "1", "1", "1", "1", "1", "2")
    silent = site.phone()
    silent.join()
    silent.text("STOP")
    return phone.number


@pytest.fixture
def old(tmp_path: Path, empty_sqlite: Path, keeper: Keeper) -> str:
    """A SQLite file with people in it; its URL."""
    path = tmp_path / "old.db"
    path.write_bytes(empty_sqlite.read_bytes())
    return f"sqlite:///{path}"


def counts(site: Site) -> dict[str, int]:
    """The rows of every table."""
    with site.database() as db:
        return {table.name: len(db.execute(table.select()).all()) for table in Base.metadata.sorted_tables}


def test_everybody_goes_on_after_the_move_to_postgresql(
    old: str, postgres: PostgresServer, tmp_path: Path, keeper: Keeper
):
    site = Site(old, tmp_path, keeper)
    number = begun(site)
    before = counts(site)
    environ = {"NGAZI_DATABASE_URL": old, "NGAZI_SECRET_KEY": SECRET_KEY, "NGAZI_DATA": str(tmp_path)}
    url = postgres.fresh_database()
    refused = CliRunner().invoke(main, ["move", url], env=environ)
    assert refused.exit_code == 1
    assert "Stop it first" in refused.output
    site.stop()
    moved = CliRunner().invoke(main, ["move", url], env=environ)
    assert moved.exit_code == 0, moved.output
    new = Site(url, tmp_path, keeper)
    assert counts(new) == before
    phone = new.phone(number)
    phone.calls = 5
    assert phone.dial().text.startswith('You stopped in "Am I ready?". Go on?')
    assert phone.type("1").text.startswith("Is the air at your site safe from mercury vapour?")
    assert new.phone().join().text.startswith("Safe and fair work.")  # numbers go on after the highest
    new.stop()
    again = CliRunner().invoke(main, ["move", url], env=environ)
    assert again.exit_code == 1
    assert "holds something already" in again.output


def test_a_move_to_nowhere_says_so(old: str, tmp_path: Path):
    environ = {"NGAZI_DATABASE_URL": old, "NGAZI_SECRET_KEY": SECRET_KEY, "NGAZI_DATA": str(tmp_path)}
    for url, words in (("mysql://somewhere", "URL must begin with"), ("postgresql://127.0.0.1:1/x", "cannot be used")):
        told = CliRunner().invoke(main, ["move", url], env=environ)
        assert told.exit_code == 1
        assert words in told.output.replace(":", ""), told.output
