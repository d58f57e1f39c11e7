"""What the tests of contacts and groups share: a small content, commands on the test's database, numbers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine, insert, select

from dialogs.content import Content
from dialogs.database import open_engine
from dialogs.seal import Seal
from dialogs.tables import Address, Contact, Field
from gateway.cli_contacts import contacts
from gateway.cli_groups import groups
from gateway.people import values
from gateway.people.values import Rules
from tests.conftest import ROOT

SECRET = "a secret key of the tests, long enough"
SEAL = Seal(SECRET)
NOW = datetime(2026, 11, 22, 9, 0, 0)  # noqa: DTZ001  UTC without a zone, as the tables keep it
ASHA, JUMA, CLAIRE = "+447700900001", "+447700900002", "+33639980001"  # reserved for examples
KENYAN = "+254712123456"  # libphonenumber's example

MENU = """title: Menu
resume: never
steps:
  home:
    ask: What do you want?
    choices:
      about: About you
      dates: My dates
      language: Language
    go:
      about: /about
      dates: /dates
      language: /hello
"""
ABOUT = """title: About you
then: /menu
steps:
  role:
    ask: What do you do?
    choices:
      leader: Lead or keep records
      worker: Work at the site
      other: Buy or help
    save: role
  mineral:
    ask: What comes from your site?
    choices:
      gold: Gold
      tin: Tin
      cobalt: Cobalt
      other: Something else
    save: mineral
  said:
    say: "Saved: {role}, {mineral}."
"""
DATES = """title: My dates
then: /menu
steps:
  date:
    ask: When is your audit?
    as: date
    save: audit_date
  finding:
    ask: When is your next task due?
    as: date
    several: yes
    save: finding_due
  said:
    say: "Saved: {audit_date}, {finding_due}."
"""
HEAD = 'msgid ""\nmsgstr ""\n"Language: {code}\\n"\n"X-Name: {name}\\n"\n"X-Status: draft\\n"\n'


@pytest.fixture(scope="session")
def small_content(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A content of four dialogs in three languages: it is read in no time."""
    folder = tmp_path_factory.mktemp("content")
    shutil.copy(ROOT / "content" / "common.yaml", folder)
    if (ROOT / "content" / "hours.yaml").exists():
        shutil.copy(ROOT / "content" / "hours.yaml", folder)
    (folder / "dialogs").mkdir()
    shutil.copy(ROOT / "content" / "dialogs" / "hello.yaml", folder / "dialogs")
    for name, text in (("menu", MENU), ("about", ABOUT), ("dates", DATES)):
        (folder / "dialogs" / f"{name}.yaml").write_text(text, encoding="utf-8")
    (folder / "locale").mkdir()
    for code, name in (("sw", "Kiswahili"), ("fr", "Francais")):
        (folder / "locale" / f"{code}.po").write_text(HEAD.format(code=code, name=name), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def rules(small_content: Path) -> Rules:
    """What this content allows in a sheet."""
    content, problems = Content.load(small_content)
    assert content is not None, problems
    return values.rules_of(content)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


class Commands:
    """`ngazi contacts ...` and `ngazi groups ...` on the test's database."""

    def __init__(self, url: str, data: Path, content: Path) -> None:
        self.env = {
            "NGAZI_DATA": str(data),
            "NGAZI_DATABASE_URL": url,
            "NGAZI_SECRET_KEY": SECRET,
            "NGAZI_CONTENT": str(content),
        }

    def contacts(self, *words: Any, typed: str = "", **environ: str) -> Result:
        return self._run(contacts, words, typed, environ)

    def groups(self, *words: Any, typed: str = "", **environ: str) -> Result:
        return self._run(groups, words, typed, environ)

    def _run(self, command: click.Command, words: tuple[Any, ...], typed: str, environ: dict[str, str]) -> Result:
        return CliRunner().invoke(command, [str(word) for word in words], input=typed, env=self.env | environ)


@pytest.fixture
def ngazi(database_url: str, tmp_path: Path, small_content: Path) -> Commands:
    return Commands(database_url, tmp_path, small_content)


def found(engine: Engine, *columns: Any) -> list[Any]:
    """These columns of all rows, in order of the first."""
    with engine.connect() as db:
        return [tuple(row) for row in db.execute(select(*columns).order_by(columns[0]))]


def contact_of(engine: Engine, number: str) -> int:
    """The contact behind a number."""
    with engine.connect() as db:
        return db.execute(select(Address.contact_id).where(Address.key == SEAL.key("tel", number))).scalar_one() or 0


def fields_of(engine: Engine, number: str) -> dict[str, str]:
    """The saved fields of the contact behind a number."""
    with engine.connect() as db:
        rows = db.execute(select(Field.name, Field.value).where(Field.contact_id == contact_of(engine, number)))
        return {row.name: row.value for row in rows}


def made(engine: Engine, number: str = "", *, kept: bool = False, kind: str = "tel", **more: Any) -> int:
    """A contact with this number, sealed if it is `kept`, and these fields; `contact_...` are columns."""
    columns = {name[8:]: value for name, value in more.items() if name.startswith("contact_")}
    with engine.begin() as db:
        values_ = {"created_at": NOW, "seen_at": NOW, **columns}
        id = db.execute(insert(Contact).values(values_).returning(Contact.id)).scalar_one()
        if number:
            sealed = {"sealed": SEAL.seal(number, kind, str(id)), "key_id": SEAL.key_id} if kept else {}
            key = SEAL.key(kind, number)
            db.execute(insert(Address).values(contact_id=id, kind=kind, key=key, heard_at=NOW, **sealed))
        for name, value in more.items():
            if not name.startswith("contact_"):
                db.execute(insert(Field).values(contact_id=id, name=name, value=value))
        return id
