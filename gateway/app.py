"""The gateway as one Starlette application: routes, and what lives as long as it does."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import IO, Any, TypeVar

import anyio
import anyio.to_thread
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from dialogs import showing, store, sweep
from dialogs.content import Keeper
from dialogs.database import AlreadyServed, hold, migrate, open_engine
from dialogs.inbound import Inbound
from dialogs.passed import CHECKED, Passed
from dialogs.screen import Room
from dialogs.seal import Seal
from gateway import outbox, providers, rasa_route
from gateway.channels import SettingsError
from gateway.desk import Busy, Desk, utcnow
from gateway.dispatch import Dispatch, through_engine
from gateway.inbound import Callbacks
from gateway.metrics import Metrics
from gateway.numbers import country_of
from gateway.providers import Provider
from gateway.settings import Settings
from gateway.understanding import Understanding

log = logging.getLogger("ngazi.app")
N = TypeVar("N")

LOOK_EVERY = 2.0  # seconds between two looks whether the content was edited
SWEEP_EVERY = 600.0  # seconds
SLICE = 500  # rows of a broadcast that the desk's thread writes at once
BREATH = 0.05  # seconds between two slices
NO_PAGES = Room(pages=False)


@dataclass(slots=True)
class House:
    """What the endpoints share, as long as the application runs."""

    settings: Settings
    keeper: Keeper
    seal: Seal
    engine: Engine
    providers: Mapping[str, Provider]
    metrics: Metrics
    desk: Desk = field(init=False)
    sending: Dispatch | None = None
    understanding: Understanding | None = None
    chance: Callable[[int], bytes] = os.urandom
    _playing: showing.House | None = None
    _held: IO[str] | None = None

    def now(self) -> showing.House:
        """What the dialogs are played with now: it changes with the content."""
        content = self.keeper.content
        if self._playing is None or self._playing.content is not content:
            self._playing = showing.House(
                content, self.seal, self.room_of, country_of, self.settings.drafts, chance=self.chance
            )
        return self._playing

    def room_of(self, inbound: Inbound) -> Room:
        """What one screen holds for this phone."""
        return self.settings.channels[inbound.channel].room if inbound.kind == "ussd" else NO_PAGES

    async def understood(self, told: Sequence[N]) -> Sequence[N]:
        """The same, each free text of an SMS or chat with its meaning where Rasa is sure of it. To be had before the
        desk is asked; takes two seconds at most."""
        return told if self.understanding is None else await self.understanding.read(told)

    def wake(self) -> None:
        """Something may have been queued: send it now."""
        if self.sending is not None:
            self.sending.wake()

    def leave(self) -> None:
        """Let go of the database."""
        self.engine.dispose()
        if self._held is not None:
            self._held.close()
            self._held = None

    def prepare(self) -> None:
        """Bring the database to its newest form and see that the key is its own. Raises SettingsError."""
        try:
            self._prepare()
        except SettingsError:
            self.leave()
            raise

    def _prepare(self) -> None:
        try:
            if self._held is None:
                self._held = hold(self.engine)
            migrate(self.engine)
            with self.engine.begin() as db:
                fits = store.check_key(db, self.seal, utcnow())
        except AlreadyServed:
            raise SettingsError(f"NGAZI_DATABASE_URL: {' '.join(str(AlreadyServed.__doc__).split())}") from None
        except DBAPIError as error:
            cause = " ".join(str(error.orig).split())  # the driver's words, without the statement
            raise SettingsError(f"NGAZI_DATABASE_URL: the database cannot be used: {cause}") from None
        if not fits:
            raise SettingsError("NGAZI_SECRET_KEY is not the one that this database was made with.")


class Gateway(Starlette):
    """The application. A callback goes straight to its endpoint: every phone waits for it."""

    callbacks: Callbacks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/in/"):
            parts = scope["path"].split("/", 4)
            if len(parts) == 5:
                scope["path_params"] = {"channel": parts[2], "secret": parts[3], "callback": parts[4]}
                await self.callbacks(scope, receive, send)
                return
        await super().__call__(scope, receive, send)


def create_app(
    settings: Settings, *, desk: Any = None, keeper: Any = None, chance: Callable[[int], bytes] = os.urandom
) -> Starlette:
    """The application; `app.state.house` is its House. Raises SettingsError, BrokenContent.

    A test may bring its own desk, and then no database is touched, its own keeper of the content, and bytes of `chance`
    to expect.
    """
    passed = Passed(settings.data / CHECKED)
    house = House(
        settings,
        keeper or Keeper(settings.content, drafts=settings.drafts, room=_smallest_room(settings), passed=passed),
        Seal(settings.secret_key),
        open_engine(settings.database_url),
        {name: providers.connect(each, settings.public_url) for name, each in settings.channels.items()},
        Metrics(),
        chance=chance,
    )
    house.desk = desk or Desk(house.engine, house.now, most_at_once=settings.desk_list)
    house.desk.on_list = house.metrics.listed
    house.metrics.watch_waiting(lambda: house.desk.state().waiting)
    if settings.rasa_url:
        house.understanding = Understanding(
            settings.rasa_url,
            settings.rasa_token,
            settings.rasa_threshold,
            lambda: house.keeper.content,
            count=house.metrics.understood,
        )

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        if desk is None:
            await anyio.to_thread.run_sync(house.prepare)
        house.desk.start()
        if desk is None and settings.sends:
            house.sending = _sending(house)
            house.sending.start()
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_watch_content, house)
                if desk is None:
                    tasks.start_soon(_sweep, house)
                yield
                tasks.cancel_scope.cancel()
        finally:
            if house.sending is not None:  # its last words go through the desk
                await anyio.to_thread.run_sync(house.sending.stop)
            await anyio.to_thread.run_sync(house.desk.stop)
            house.leave()

    app = Gateway(routes=_routes(house), lifespan=lifespan)
    app.callbacks = Callbacks(house)
    app.router.redirect_slashes = False  # no provider and no phone follows a redirect
    app.state.house = house
    return app


def _sending(house: House) -> Dispatch:
    """The worker of this process. On SQLite the desk's thread is the one that writes, so nobody waits for a lock."""
    transact, slice = through_engine(house.engine), 0
    if house.engine.dialect.name == "sqlite":
        loop, slice = asyncio.get_running_loop(), SLICE

        def transact(work: Callable[[Connection], Any]) -> Any:
            return asyncio.run_coroutine_threadsafe(house.desk.run(work), loop).result()

    return Dispatch(
        house.settings.channels, house.providers, house.now, transact, utcnow, house.metrics.settled, slice=slice
    )


def _routes(house: House) -> list[BaseRoute]:
    async def health(request: Request) -> Response:
        return _health(house)

    return [
        Route("/health", health),
        Route("/metrics", house.metrics.page),
        *rasa_route.routes(house),
        *_chat(house),
        *_front(house),
    ]


def _chat(house: House) -> list[Route]:
    """The web chat, where the operator wants one."""
    if not house.settings.chat:
        return []
    from gateway.chat import routes

    return routes(house)


def _front(house: House) -> list[Route]:
    """The simulated phone, else one line."""
    if house.settings.simulated:
        from gateway.simulator_page import routes  # not loaded beside a real channel

        return routes(house)

    async def front(request: Request) -> Response:
        return PlainTextResponse("This is Ngazi, a gateway for dialogs on simple phones. How it is: /health\n")

    return [Route("/", front)]


def _health(house: House) -> Response:
    """Whether a phone would get its screen now; 503 if not."""
    state = house.desk.state()
    database = state.alive and state.database_ok
    return JSONResponse(
        {
            "database": "ok" if database else "away",
            "content": {"revision": house.keeper.content.revision, "problems": len(house.keeper.problems)},
            "desk": {"waiting": state.waiting, "oldest": round(getattr(state, "oldest", 0.0), 3)},
        },
        200 if database else 503,
        {"cache-control": "no-store"},
    )


async def _watch_content(house: House) -> None:
    """Put edits in force within seconds, and tell once about each that is broken."""
    keeper = house.keeper
    known = keeper.content.revision, len(keeper.problems)
    while True:
        await anyio.sleep(LOOK_EVERY)
        problems = await anyio.to_thread.run_sync(keeper.refresh)
        if (keeper.content.revision, len(problems)) != known:
            known = keeper.content.revision, len(problems)
            log.info("content %s is in force; what stands in the folder has %d problems", *known)


async def _sweep(house: House) -> None:
    """Now and then take away what is past its time, in slices, so that no phone waits for it."""
    while True:
        days = house.settings.sweep_days
        untraced = [id for id, dialog in house.keeper.content.dialogs.items() if not dialog.trace]
        for one in (
            partial(sweep.sweep, days=days),
            partial(outbox.sweep, days=days),
            partial(sweep.sweep_untraced, dialogs=untraced),
        ):
            try:
                while await house.desk.run(partial(one, now=house.desk.clock())):
                    await anyio.sleep(BREATH)
            except Busy:
                log.warning("the sweep is put off")
        await anyio.sleep(SWEEP_EVERY)


def _smallest_room(settings: Settings) -> Room:
    rooms = [channel.room for channel in settings.channels.values()] or [Room()]
    return Room(septets=min(room.septets for room in rooms), units=min(room.units for room in rooms))
