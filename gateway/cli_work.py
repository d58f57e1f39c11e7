"""`ngazi work`: a process that sends; `ngazi channels`: how each channel stands, pause, drain, resume."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable, Mapping
from datetime import UTC
from time import monotonic
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from dialogs.content import Keeper
from dialogs.passed import CHECKED, Passed
from dialogs.screen import Room
from dialogs.showing import House
from gateway import logs, pace, providers
from gateway.channels import SettingsError
from gateway.command import Opened, opened
from gateway.desk import utcnow
from gateway.dispatch import Dispatch, through_engine
from gateway.numbers import country_of

LOOK = 0.25  # seconds between two looks whether anything is left


@click.command()
@click.option("--until-empty", is_flag=True, help="End when nothing is left that may go now.")
@click.option("--for", "seconds", type=click.FloatRange(min=0), help="End after so many seconds at the latest.")
@click.option("--channel", "names", multiple=True, help="Only this channel; may be given several times.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
def work(until_empty: bool, seconds: float | None, names: tuple[str, ...], as_json: bool) -> None:
    """Send what waits.

    `ngazi serve` sends too, unless NGAZI_SENDING is elsewhere. On PostgreSQL any number of workers share the work; on
    SQLite one is enough.
    """
    with opened(plain=False) as house:
        logs.set_up()
        dispatch = _dispatch(house, names)
        stop = threading.Event()
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, lambda *_: stop.set())
        dispatch.chores.round(at_once=True)
        dispatch.start()
        end = monotonic() + seconds if seconds is not None else float("inf")
        while not stop.wait(LOOK) and monotonic() < end:
            if until_empty and dispatch.worker.idle and not dispatch.pending():
                break
        dispatch.stop()
        if until_empty:
            dispatch.chores.finish()
        _report(dispatch, as_json)


def _dispatch(house: Opened, names: tuple[str, ...]) -> Dispatch:
    channels = house.settings.channels
    for name in names:
        if name not in channels:
            raise click.BadParameter(f"There is no channel {name}; there are {', '.join(channels)}.")
    try:
        carried = {
            name: providers.connect(channel, house.settings.public_url)
            for name, channel in channels.items()
            if not names or name in names
        }
    except SettingsError as error:
        raise click.ClickException(str(error)) from None
    passed = Passed(house.settings.data / CHECKED)
    keeper = Keeper(house.settings.content, drafts=house.settings.drafts, passed=passed)
    playing = _playing(house, keeper)
    return Dispatch(channels, carried, playing, through_engine(house.engine), utcnow, content=keeper.refresh)


def _playing(house: Opened, keeper: Keeper) -> Callable[[], House]:
    last: list[House] = []

    def now() -> House:
        if not last or last[0].content is not keeper.content:
            made = House(keeper.content, house.seal, lambda _: Room(pages=False), country_of, house.settings.drafts)
            last[:] = [made]
        return last[0]

    return now


def _report(dispatch: Dispatch, as_json: bool) -> None:
    handed: dict[str, int] = {}
    for clerk in dispatch.worker.clerks.values():
        for status, count in clerk.tally.handed.items():
            handed[status] = handed.get(status, 0) + count
    later = dispatch.later()
    if as_json:
        until = later.next_at.replace(tzinfo=UTC).isoformat() if later.next_at else None
        told = {"handed_over": handed, "waiting": later.count, "next_at": until, "paused": list(later.paused)}
        click.echo(json.dumps(told))
        return
    said = ", ".join(f"{count:,} {status}" for status, count in sorted(handed.items())) or "nothing"
    click.echo(f"Handed over: {said}.")
    if later.count:
        when = f"; the next may go at {later.next_at:%Y-%m-%d %H:%M} UTC" if later.next_at else ""
        click.echo(f"{later.count:,} messages wait{when}.")
    for name in later.paused:
        click.echo(f"Channel {name} is paused: ngazi channels list")


@click.group()
def channels() -> None:
    """How the channels stand; pause, drain and resume them."""


@channels.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def list_channels(as_json: bool) -> None:
    """Show every channel, whether it sends, and why not."""
    with opened() as house:
        rows: Mapping[str, Any] = house.transact(pace.states)
        rates = providers.rates(house.settings.channels, house.settings.public_url)
        found: list[dict[str, Any]] = []
        for name, channel in house.settings.channels.items():
            row = rows.get(name)
            state = "paused" if row and row.paused_at else "draining" if row and row.draining_at else "sends"
            found.append(
                {"channel": name, "provider": channel.provider, "state": state, "rate": rates[name],
                 "reason": row.reason if row else ""}
            )  # fmt: skip
    if as_json:
        click.echo(json.dumps(found))
        return
    table = Table("Channel", "Provider", "State", "A second", "Why")
    for each in found:
        table.add_row(each["channel"], each["provider"], each["state"], f"{each['rate']:g}", each["reason"])
    Console().print(table)


@channels.command(name="pause")
@click.argument("name")
@click.option("--reason", default="paused by hand", help="Why, for the others.")
def pause_channel(name: str, reason: str) -> None:
    """Send nothing on this channel until it is resumed; what waits goes on waiting."""
    _change(name, lambda house: house.transact(lambda db: pace.pause(db, name, reason, house.clock())))
    click.echo(f"Channel {name} is paused. Send again with: ngazi channels resume {name}")


@channels.command(name="drain")
@click.argument("name")
def drain_channel(name: str) -> None:
    """Send replies only on this channel; broadcasts and reminders wait."""
    _change(name, lambda house: house.transact(lambda db: pace.drain(db, name, house.clock())))
    click.echo(f"Channel {name} sends replies only. Send everything again with: ngazi channels resume {name}")


@channels.command(name="resume")
@click.argument("name")
def resume_channel(name: str) -> None:
    """Send again on this channel."""
    _change(name, lambda house: house.transact(lambda db: pace.resume(db, name, house.clock())))
    click.echo(f"Channel {name} sends again.")


def _change(name: str, change: Callable[[Opened], None]) -> None:
    with opened() as house:
        if name not in house.settings.channels:
            raise click.ClickException(f"There is no channel {name}; there are {', '.join(house.settings.channels)}.")
        change(house)
