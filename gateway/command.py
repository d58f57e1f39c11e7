"""What a command that touches the database opens: settings, content, keys, the database."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from time import sleep
from typing import TypeVar

import click
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from dialogs import store
from dialogs.content import BrokenContent, Content, Keeper
from dialogs.database import migrate, open_engine, served
from dialogs.passed import CHECKED, Passed
from dialogs.seal import Seal
from gateway.channels import SettingsError
from gateway.desk import utcnow
from gateway.settings import Settings

T = TypeVar("T")
# Seconds between two transactions of one command. SQLite's lock is not fair: who waits for it looks again after up to
# 25 ms, and phones come first.
BREATH, BREATH_FOR_PHONES = 0.01, 0.06
SLICE_FOR_PHONES = 1_000  # rows of a broadcast in one transaction, beside a gateway on the same SQLite file


@dataclass(frozen=True, slots=True)
class Opened:
    """Everything that a command works with. `clock` gives UTC without a zone."""

    settings: Settings
    engine: Engine
    seal: Seal
    content: Content
    clock: Callable[[], datetime] = utcnow
    served: bool = False  # a gateway serves this SQLite file

    @property
    def slice(self) -> int:
        """As in queueing.Sending."""
        return SLICE_FOR_PHONES if self.served else 0

    def transact(self, work: Callable[[Connection], T]) -> T:
        """What `work` gives, done in one transaction. Raises what it raises; then nothing is written."""
        with self.engine.begin() as db:
            result = work(db)
        if self.engine.dialect.name == "sqlite":
            sleep(BREATH_FOR_PHONES if self.served else BREATH)
        return result


@contextmanager
def opened(*, plain: bool = True) -> Iterator[Opened]:
    """The house of this machine's settings, its tables up to date. Raises ClickException with what to mend."""
    try:
        settings = Settings.read(os.environ)
        keeper = Keeper(settings.content, drafts=settings.drafts, passed=Passed(settings.data / CHECKED))
        engine = open_engine(settings.database_url, plain=plain)
    except SettingsError as error:
        raise click.ClickException(str(error)) from None
    except BrokenContent:
        raise click.ClickException("The content has errors: ngazi content check") from None
    seal = Seal(settings.secret_key)
    try:
        migrate(engine)
        with engine.begin() as db:
            if not store.check_key(db, seal, utcnow()):
                raise click.ClickException("NGAZI_SECRET_KEY is not the one that this database was made with.")
        yield Opened(settings, engine, seal, keeper.content, served=served(engine))
    except DBAPIError as error:
        cause = " ".join(str(error.orig).split())  # the driver's words, without the statement
        raise click.ClickException(f"The database cannot be used: {cause}") from None
    finally:
        engine.dispose()


def who() -> str:
    """Who gives this command, for the records."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"
