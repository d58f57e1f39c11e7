"""The commands `ngazi broadcast ...`: one text for many people, with the bill before it is sent."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from time import sleep
from typing import Any

import click
from rich.console import Console
from rich.live import Live
from rich.progress import Progress
from sqlalchemy import Connection, Row, select

from gateway import audience as audiences
from gateway import broadcasts, providers
from gateway.audience import BroadcastError
from gateway.bill import Bill, make_bill
from gateway.broadcast_page import as_json, bill_page, list_table, totals_page, write
from gateway.broadcasts import Sending, Totals
from gateway.channels import SettingsError
from gateway.command import Opened, opened, who
from gateway.draft import Draft, cheaper, nameable, read_texts
from gateway.numbers import normalise
from gateway.tables import Broadcast
from gateway.trial import try_out

SHOWN = 50  # broadcasts that `list` shows
GLANCE = 2.0  # seconds between two looks with --watch
DAY = click.DateTime(formats=["%Y-%m-%d"])
Json = click.option("--json", "json", is_flag=True, help="As JSON, for a program.")
Id = click.argument("broadcast_id", metavar="ID", type=int)


@contextmanager
def house() -> Iterator[tuple[Opened, Sending]]:
    """What a command works with. What cannot be done is said in one sentence."""
    with opened() as it:
        try:
            rates = providers.rates(it.settings.channels, it.settings.public_url)
            yield it, Sending(it.settings.channels, it.content, rates, it.slice)
        except (BroadcastError, SettingsError) as error:
            raise click.ClickException(str(error)) from None


@contextmanager
def reading(it: Opened) -> Iterator[Connection]:
    """The database as it stands now. On SQLite nobody who writes waits for this."""
    with it.engine.connect() as db:
        if db.dialect.name == "sqlite":
            db.exec_driver_sql("COMMIT")  # what the engine began would keep phones waiting
            db.exec_driver_sql("BEGIN DEFERRED")
        yield db


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def broadcast() -> None:
    """Send one text, or an invitation into a dialog, to many people."""


@broadcast.command()
@click.option("--name", required=True, help="What the office calls it; nobody else reads it.")
@click.option("--text", "texts", multiple=True, metavar="LANG=TEXT", help="The text in a language: --text 'sw=Habari'.")
@click.option("--dialog", default="", help="Invite into this dialog: each text ends with how to open it.")
@click.option("--group", "groups", multiple=True, metavar="CODE", help="Who is in this group, or in one below it.")
@click.option("--everyone", is_flag=True, help="All who agreed to the service, in whatever group.")
@click.option("--language", "languages", multiple=True, metavar="LANG", help="Only who reads this language.")
@click.option("--country", "countries", multiple=True, metavar="TZ", help="Only this country, from the number.")
@click.option("--field", "fields", multiple=True, metavar="NAME=VALUE", help="Only who answered so: mineral=gold.")
@click.option("--progress", multiple=True, metavar="DIALOG=done|open|none", help="Only who is so far in this dialog.")
@click.option(
    "--due",
    multiple=True,
    metavar="NAME=FROM..TO",
    help="Only who has a date in these days: audit_date=2027-01-01..2027-03-31, or today..today+30.",
)
@click.option("--channel", default="", help="Send through this channel, instead of the one of each country.")
@click.option("--from", "starts_at", type=DAY, help="Not before this day.")
@click.option("--until", "expires_at", type=DAY, help="Not after this day. Else: three days.")
@click.option("--plain", is_flag=True, help="Take the cheaper spelling of every text.")
@Json
def new(
    name: str,
    texts: tuple[str, ...],
    dialog: str,
    channel: str,
    starts_at: datetime | None,
    expires_at: datetime | None,
    plain: bool,
    json: bool,
    **asked: Any,
) -> None:
    """Make a broadcast and show its bill. Nothing is sent yet.

    Of several groups, languages or countries any will do; else all must hold at once.
    """
    with house() as (it, sending):
        meant = audiences.read_audience(it.content, **asked)
        if dialog:
            audiences.dialog(it.content, dialog)
        if channel and channel not in it.settings.channels:
            raise BroadcastError(f"There is no channel {channel}; there are: {', '.join(it.settings.channels)}.")
        now = it.clock()
        if expires_at is not None:
            expires_at += timedelta(days=1)  # that day counts
            if expires_at <= max(now, starts_at or now):
                raise BroadcastError("--until lies before the beginning.")
        if not name.strip() or len(name) > 200:
            raise BroadcastError("--name wants 1 to 200 letters.")

        def make(db: Connection) -> int:
            audiences.check(db, meant)
            said = read_texts(it.content, texts, nameable(db, it.content), dialog)
            said = cheaper(it.content, said) if plain else said
            draft = Draft(name.strip(), said, meant, dialog, channel, starts_at, expires_at)
            return broadcasts.new(db, draft, who(), now)

        _show(it, sending, it.transact(make), json)


@broadcast.command()
@Id
@Json
@click.option("--watch", is_flag=True, help="Go on showing until it has ended.")
def show(broadcast_id: int, json: bool, watch: bool) -> None:
    """Show a broadcast: the bill of a draft, else what became of it."""
    with house() as (it, sending):
        _show(it, sending, broadcast_id, json, watch)


@broadcast.command(name="list")
@Json
def list_(json: bool) -> None:
    """List the newest broadcasts."""
    with house() as (it, _):
        newest = select(Broadcast.__table__).order_by(Broadcast.id.desc()).limit(SHOWN)
        with reading(it) as db:
            rows = db.execute(newest).all()
        if json:
            write([as_json(row) for row in rows])
        else:
            Console(highlight=False).print(
                list_table(rows) if rows else "There is none yet: ngazi broadcast new --help"
            )


@broadcast.command()
@Id
@click.option("--yes", is_flag=True, help="Really send it. Without this only the bill is shown.")
@click.option("--any-hour", default="", metavar="REASON", help="Send at night and on rest days too, and say why.")
@click.option("--again", is_flag=True, help="Send it although the same went out in the last 30 days.")
@Json
def send(broadcast_id: int, yes: bool, any_hour: str, again: bool, json: bool) -> None:
    """Send a broadcast: queue it for everybody. The workers carry it from there."""
    with house() as (it, sending):
        if any_hour and not any_hour.strip():
            raise BroadcastError("--any-hour wants a reason.")
        with reading(it) as db:
            row = broadcasts.load(db, broadcast_id)
            bill = make_bill(db, row, it.clock(), sending) if row.status == "draft" else None
        if not yes and bill is not None:
            if not json:
                bill_page(row, bill)
            raise click.ClickException(f"Nothing was sent. To send it: ngazi broadcast send {broadcast_id} --yes")
        it.transact(
            lambda db: broadcasts.send(
                db,
                broadcast_id,
                who(),
                it.clock(),
                sending,
                approve_above=it.settings.approve_above,
                any_hour=any_hour.strip(),
                again=again,
            )
        )
        total = bill.recipients if bill else None
        _work(it, "Queueing", total, lambda db: broadcasts.queue_slice(db, broadcast_id, it.clock(), sending))
        _show(it, sending, broadcast_id, json)


@broadcast.command()
@Id
@click.option("--by", required=True, metavar="NAME", help="Who approves it: not the one who made it.")
def approve(broadcast_id: int, by: str) -> None:
    """Approve a broadcast that somebody else made."""
    with house() as (it, _):
        it.transact(lambda db: broadcasts.approve(db, broadcast_id, by, it.clock()))
        click.echo(f"Broadcast {broadcast_id} is approved. To send it: ngazi broadcast send {broadcast_id} --yes")


@broadcast.command()
@Id
@Json
def plain(broadcast_id: int, json: bool) -> None:
    """Take the cheaper spelling that the bill of a draft offers."""
    with house() as (it, sending):

        def change(db: Connection) -> None:
            texts = broadcasts.load(db, broadcast_id).text
            broadcasts.reword(db, broadcast_id, cheaper(it.content, texts), who(), it.clock())

        it.transact(change)
        _show(it, sending, broadcast_id, json)


@broadcast.command()
@Id
@click.argument("number")
@click.option("--language", "languages", multiple=True, metavar="LANG", help="Only the text in this language.")
@Json
def test(broadcast_id: int, number: str, languages: tuple[str, ...], json: bool) -> None:
    """Send the texts of a broadcast to one number, to read them on a phone."""
    with house() as (it, sending):
        countries = [channel.country for channel in it.settings.channels.values() if channel.country]
        to = normalise(number, countries[0] if len(set(countries)) == 1 else "")
        if to is None:
            raise BroadcastError(f"{number} is no phone number: write it with its country, +254712345678.")

        def queue(db: Connection) -> list[str]:
            row = broadcasts.load(db, broadcast_id)
            return try_out(db, row, to, languages, it.clock(), sending, it.seal)

        said = it.transact(queue)
        if json:
            write({"id": broadcast_id, "queued": len(said), "texts": said})
        else:
            click.echo("\n\n".join(said) + f"\n\n{len(said)} queued.")


@broadcast.command()
@Id
@click.option("--reason", default="", help="Why, for those who ask later.")
@Json
def pause(broadcast_id: int, reason: str, json: bool) -> None:
    """Stop sending a broadcast for now."""
    _change(broadcast_id, json, "Pausing", lambda db, now: broadcasts.pause(db, broadcast_id, who(), now, reason))


@broadcast.command(name="go-on")
@Id
@Json
def go_on(broadcast_id: int, json: bool) -> None:
    """Go on with a paused broadcast."""
    _change(broadcast_id, json, "Bringing back", lambda db, now: broadcasts.go_on(db, broadcast_id, who(), now))


@broadcast.command()
@Id
@click.option("--reason", default="", help="Why, for those who ask later.")
@Json
def cancel(broadcast_id: int, reason: str, json: bool) -> None:
    """End a broadcast: what has not gone yet never goes."""
    _change(broadcast_id, json, "Cancelling", lambda db, now: broadcasts.cancel(db, broadcast_id, who(), now, reason))


def _change(broadcast_id: int, json: bool, doing: str, deed: Callable[[Connection, datetime], None]) -> None:
    with house() as (it, sending):
        it.transact(lambda db: deed(db, it.clock()))
        _work(it, doing, None, lambda db: broadcasts.work_on(db, broadcast_id, it.clock(), sending))
        _show(it, sending, broadcast_id, json)


def _work(it: Opened, doing: str, total: int | None, step: Callable[[Connection], int]) -> None:
    """Do it slice by slice. If this is killed, the workers carry it on."""
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as bar:
        task = bar.add_task(doing, total=total)
        while done := it.transact(step):
            bar.advance(task, done)


def _show(it: Opened, sending: Sending, broadcast_id: int, json: bool, watch: bool = False) -> None:
    row, bill, counted = _look(it, sending, broadcast_id)
    if json:
        write(as_json(row, bill, counted))
    elif bill is not None:
        bill_page(row, bill)
        click.echo(f"\nTo send it: ngazi broadcast send {broadcast_id} --yes")
    elif watch and sys.stdout.isatty():
        with Live(totals_page(row, counted), console=Console(highlight=False)) as live:
            while row.status not in ("done", "cancelled"):
                sleep(GLANCE)
                row, _, counted = _look(it, sending, broadcast_id)
                live.update(totals_page(row, counted))
    else:
        Console(highlight=False).print(totals_page(row, counted))


def _look(it: Opened, sending: Sending, broadcast_id: int) -> tuple[Row[Any], Bill | None, Totals]:
    with reading(it) as db:
        row = broadcasts.load(db, broadcast_id)
        bill = make_bill(db, row, it.clock(), sending) if row.status == "draft" else None
        return row, bill, broadcasts.totals(db, broadcast_id)
