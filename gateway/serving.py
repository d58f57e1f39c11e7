"""Runs the application under uvicorn."""

from __future__ import annotations

import gc
import socket

import click
import uvicorn
from starlette.types import ASGIApp

from dialogs.content import BrokenContent
from gateway import logs
from gateway.app import create_app
from gateway.channels import SettingsError
from gateway.settings import Settings

LAST_CALLS = 10  # seconds for open calls when the server is asked to stop
KEEP_ALIVE = 75  # seconds; longer than proxies keep an idle connection (60), so that they are the ones to close it
HEADERS = 16 * 1024  # bytes


class Server(uvicorn.Server):
    """Says where it is as soon as it answers."""

    def __init__(self, config: uvicorn.Config, greeting: str) -> None:
        super().__init__(config)
        self._greeting = greeting

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            click.echo(self._greeting)


def run(settings: Settings, place: socket.socket) -> None:
    """Serve on this listening socket until a signal. Raises ClickException with what the operator can mend."""
    try:
        app = create_app(settings)
        app.state.house.prepare()
    except SettingsError as error:
        raise click.ClickException(str(error)) from None
    except BrokenContent as error:
        told = "\n".join(str(problem) for problem in error.problems if problem.level == "error")
        raise click.ClickException(f"{told}\nThe content has errors: ngazi content check") from None
    logs.set_up()
    spare_garbage_collection()
    Server(configured(app), greeting(settings, place)).run(sockets=[place])


def spare_garbage_collection() -> None:
    """Let the collector of cycles alone with what lives for ever (content, tables, modules), and call it seldom.

    Callbacks leave next to no cycles; looking at everything after every 700 objects took a fifth of the time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def configured(app: ASGIApp) -> uvicorn.Config:
    """uvicorn's options; the bench's yardstick is served with the same."""
    return uvicorn.Config(
        app,
        http="h11",
        loop="asyncio",
        access_log=False,  # it would hold the secrets of the callbacks' addresses
        server_header=False,
        proxy_headers=False,  # nothing here asks who calls
        log_config=None,
        ws="none",
        h11_max_incomplete_event_size=HEADERS,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=LAST_CALLS,
    )


def greeting(settings: Settings, place: socket.socket) -> str:
    """One line with the address to open."""
    host, port = place.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    what = "A phone to try it with" if settings.simulated else "Ngazi answers"
    return f"{what}: http://{shown}:{port}/  (Ctrl+C stops it)"
