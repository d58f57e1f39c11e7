"""The door of an action server that stands beside the gateway: its own engine and content, one transaction a message.

It needs PostgreSQL: a SQLite file belongs to the process of the gateway. Settings are the gateway's.
"""

from __future__ import annotations

import asyncio
import logging
import os
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from time import monotonic

from sqlalchemy import Engine
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from dialogs import store, talk
from dialogs.content import BrokenContent, Content, Keeper, find_folder
from dialogs.database import migrate, open_engine
from dialogs.freetext import THRESHOLD
from dialogs.inbound import Inbound, Reply
from dialogs.screen import Room
from dialogs.seal import SHORTEST, Seal
from dialogs.showing import House

log = logging.getLogger("ngazi.bot")

AT_ONCE = 8  # messages; the engine has ten connections
TRIES = 3  # for a message that another one of the same person came across
LOOK_EVERY = 2.0  # seconds between two looks whether the content was edited
NO_PAGES = Room(pages=False)


class Alone:
    """Takes messages into PostgreSQL itself. Pickled it is a name only: a worker of the SDK's server opens its own."""

    def __init__(self, engine: Engine, keeper: Keeper, seal: Seal, threshold: float, drafts: bool = False) -> None:
        self.engine, self.keeper, self.seal, self.threshold, self.drafts = engine, keeper, seal, threshold, drafts
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="bot")
        self._house: House | None = None
        self._looked = 0.0

    def __reduce__(self) -> tuple[Callable[[], Alone], tuple[()]]:
        return alone, ()

    @property
    def content(self) -> Content:
        """The content in force."""
        return self.keeper.content

    async def take(self, inbound: Inbound) -> Reply:
        """The reply, and all that follows from it is written; the busy screen where the database is away."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._take, inbound)

    def _take(self, inbound: Inbound) -> Reply:
        house = self._now()
        for _ in range(TRIES):
            try:
                now = datetime.now(UTC).replace(tzinfo=None)
                with self.engine.begin() as db:
                    people = store.meet(db, [inbound], house.seal, now, house.country_of)
                    return talk.reply(db, [inbound], people, house, now)[0]
            except store.Vanished:
                continue
            except SQLAlchemyError as error:
                log.warning("a message is taken once more: %s", type(error).__name__)
                if isinstance(error, DBAPIError) and error.connection_invalidated:
                    self.engine.dispose()  # the database was restarted since; it may be there again
            except Exception as error:  # the SDK's server would send back all that was said
                frames = "".join(traceback.format_tb(error.__traceback__))
                log.error("a message failed: %s\n%s", type(error).__name__, frames)
                break
        return talk.busy(house)

    def _now(self) -> House:
        """What the dialogs are played with now."""
        if monotonic() - self._looked > LOOK_EVERY:
            self._looked = monotonic()
            self.keeper.refresh()
        house, content = self._house, self.keeper.content
        if house is None or house.content is not content:
            house = self._house = House(content, self.seal, lambda _: NO_PAGES, lambda _: "", self.drafts)
        return house


@cache
def alone() -> Alone:
    """The one door of this process, by its environment. Ends the program with what to mend."""
    # Without this the SDK's server, which asks nobody for a token, would listen to the whole network.
    os.environ.setdefault("SANIC_HOST", "127.0.0.1")
    return opened(os.environ)


def opened(environ: Mapping[str, str]) -> Alone:
    """A door with these settings, its tables up to date. Raises SystemExit with what to mend."""
    url = environ.get("NGAZI_DATABASE_URL", "").strip().replace("postgres://", "postgresql://", 1)
    if not url.startswith("postgresql"):
        raise SystemExit(
            "Actions beside the gateway need PostgreSQL: set NGAZI_DATABASE_URL to postgresql://user:password@host/name,"
            " or set NGAZI_RASA_TOKEN and let the gateway serve them at /rasa/webhook."
        )
    seal, threshold = Seal(_secret_key(environ)), _threshold(environ)
    drafts = environ.get("NGAZI_DRAFTS", "").strip().lower() == "show"
    try:
        keeper, engine = Keeper(find_folder(environ), drafts=drafts), open_engine(url)
    except (ArgumentError, ValueError):
        raise SystemExit("NGAZI_DATABASE_URL must look like postgresql://user:password@host/name.") from None
    except BrokenContent:
        raise SystemExit("The content has errors: ngazi content check") from None
    try:
        migrate(engine)
        with engine.begin() as db:
            fits = store.check_key(db, seal, datetime.now(UTC).replace(tzinfo=None))
    except DBAPIError as error:
        cause = " ".join(str(error.orig).split())  # the driver's words, without the statement
        raise SystemExit(f"NGAZI_DATABASE_URL: the database cannot be used: {cause}") from None
    finally:
        engine.dispose()  # what serves may be another process
    if not fits:
        raise SystemExit("NGAZI_SECRET_KEY is not the one that this database was made with.")
    return Alone(engine, keeper, seal, threshold, drafts)


def _threshold(environ: Mapping[str, str]) -> float:
    try:
        threshold = float(environ.get("NGAZI_RASA_THRESHOLD", "").strip() or THRESHOLD)
    except ValueError:
        threshold = -1
    if not 0 <= threshold <= 1:
        raise SystemExit("NGAZI_RASA_THRESHOLD must be a number from 0 to 1, such as 0.7.")
    return threshold


def _secret_key(environ: Mapping[str, str]) -> str:
    """The key that was set, else that in the data folder, as the gateway finds it."""
    file = Path(environ.get("NGAZI_DATA", "").strip() or "data") / "secret.key"
    key = environ.get("NGAZI_SECRET_KEY", "").strip()
    try:
        key = key or (file.read_text().strip() if file.exists() else "")
    except OSError as error:
        raise SystemExit(f"NGAZI_SECRET_KEY: {file} cannot be used: {error.strerror}.") from None
    if len(key) < SHORTEST:
        raise SystemExit(f"NGAZI_SECRET_KEY must have at least {SHORTEST} letters: the ones that the gateway has.")
    return key
