"""The commands `ngazi reminders ...`: what will be sent to whom and when, and which series there are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection

from dialogs.screen import Room
from dialogs.script import Series
from dialogs.showing import House
from gateway import reminders_ahead
from gateway.cli_contacts import COUNTRY, ID, JSON, one
from gateway.command import Opened, opened
from gateway.numbers import country_of
from gateway.people import groups
from gateway.people.telling import as_json, progress, refusals
from gateway.reminders_ahead import Ahead, Counted, counted, of_people, waiting

ONE = timedelta(days=366)  # how far one person's reminders are shown
MANY = timedelta(days=30)  # and those of many
DAY = click.DateTime(formats=["%Y-%m-%d"])


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def reminders() -> None:
    """See which reminders will be sent, to whom and when."""


@reminders.command()
@click.option("--contact", "number", help="Only this person, by number.")
@ID
@click.option("--group", "code", help="Only the people of this group and below it.")
@click.option("--until", type=DAY, help="The last day to look at. Else: 30 days, of one person a year.")
@COUNTRY
@JSON
def due(
    number: str | None, id_: int | None, code: str | None, until: datetime | None, country: str, json_: bool
) -> None:
    """Show the reminders that will come, the next one first.

    Of one person with the text as they will read it, and with what will not come and why. Of many people only how
    many. Nothing is sent or changed.
    """
    single = number is not None or id_ is not None
    if single and code is not None:
        raise click.UsageError("Either one person (--contact or --id), or a --group.")
    with opened() as house, refusals():
        now = house.clock()
        last = until + timedelta(days=1) if until is not None else now + (ONE if single else MANY)
        if last <= now:
            raise click.ClickException("--until lies in the past: reminders that were sent are under ngazi messages.")
        if single:
            found = house.transact(lambda db: _of_one(house, db, number, id_, country, now, last))
            _show_one(found, json_)
        else:
            _show_many(_of_many(house, code, now, last), json_)


def playing(house: Opened) -> House:
    """What texts are made with."""
    return House(house.content, house.seal, lambda _: Room(pages=False), country_of, house.settings.drafts)


def _of_one(
    house: Opened, db: Connection, number: str | None, id_: int | None, country: str, now: datetime, until: datetime
) -> list[Ahead]:
    id, _ = one(house, db, number, id_, country)
    play = playing(house)
    found = of_people(db, play, [id], now, until, now, texts=True)
    keys = {(each.series, each.moment, each.on) for each in found}
    late = [each for each in waiting(db, play, id, now) if (each.series, each.moment, each.on) not in keys]
    return sorted([*late, *found], key=lambda each: each.at)


def _of_many(house: Opened, code: str | None, now: datetime, until: datetime) -> Counted:
    play, whole = playing(house), Counted()
    group_id = house.transact(lambda db: groups.find(db, code)) if code is not None else None

    def slice_after(db: Connection, last: int) -> tuple[Sequence[int], Counted]:
        ids = reminders_ahead.next_people(db, group_id, last)
        return ids, counted(of_people(db, play, ids, now, until, now))

    last, seen = 0, 0
    with progress() as tell:
        while True:
            ids, some = house.transact(partial(slice_after, last=last))
            if not ids:
                return whole
            whole.update(some)
            last, seen = ids[-1], seen + len(ids)
            tell("looking ahead", seen)


def _show_one(found: list[Ahead], json_: bool) -> None:
    if json_:
        as_json([_as_json(each) for each in found])
        return
    if not found:
        click.echo("No reminder will come: there is no open date, or nothing of it lies ahead.")
        return
    zone = ""
    for each in found:
        if each.zone != zone:
            zone = each.zone
            click.echo(f"By the clock of {zone}:")
        click.echo(f"\n{each.local:%Y-%m-%d %H:%M}  {each.series}, {each.moment} ({each.on})  {_state(each)}")
        for line in each.text.splitlines():
            click.echo(f"  {line}")


def _state(each: Ahead) -> str:
    if each.state == "none":
        return f"does not come: {each.reason}"
    state = {"comes": "comes", "queued": "waits to be sent"}.get(each.state, each.state)
    return f"{state}: {each.reason}" if each.reason and each.reason != reminders_ahead.QUEUED else state


def _as_json(each: Ahead) -> dict[str, Any]:
    return {
        "contact": each.contact_id, "series": each.series, "moment": each.moment, "on": each.on.isoformat(),
        "at": f"{each.at.isoformat()}Z", "local": each.local.isoformat(), "zone": each.zone, "state": each.state,
        "reason": each.reason, "text": each.text,
    }  # fmt: skip


def _show_many(found: Counted, json_: bool) -> None:
    rows = sorted(found.items())
    if json_:
        as_json(
            [
                {"day": day.isoformat(), "series": series, "moment": moment, "people": count, "not_because": reason}
                for (day, series, moment, reason), count in rows
            ]
        )
        return
    if not rows:
        click.echo("No reminder will come in this time.")
        return
    table = Table("Day there", "Series", "Reminder", "People", "Not, because")
    for (day, series, moment, reason), count in rows:
        table.add_row(_day(day), series, moment, f"{count:,}", reason)
    Console(highlight=False, markup=False).print(table)


def _day(day: date) -> str:
    return f"{day.isoformat()} {day:%a}"


@reminders.command(name="series")
@JSON
def list_series(json_: bool) -> None:
    """List the series of reminders: what they count from, when they go, to whom."""
    with opened() as house:
        found = [_described(each) for _, each in sorted(house.content.series.items())]
    if json_:
        as_json(found)
        return
    table = Table("Series", "Title", "Counts from", "When", "Only if")
    for each in found:
        table.add_row(each["id"], each["title"], each["from"], ", ".join(each["when"]), ", ".join(each["only_if"]))
    Console(highlight=False, markup=False).print(table)


def _described(series: Series) -> dict[str, Any]:
    when = [f"{each.name} at {each.time or series.time}" for each in series.moments]
    if series.every:
        count, unit = series.every
        period = unit.removesuffix("s") if count == 1 else f"{count} {unit}"
        when = [f"every {period} at {series.moments[0].time or series.time}"]
    conditions = [
        f"{each.name} is {'not ' if each.negated else ''}{' or '.join(each.values) or 'known'}"
        for each in series.conditions
    ]
    start = series.count_from or f"{series.id} (its start)"
    return {"id": series.id, "title": series.title.source, "from": start, "when": when, "only_if": conditions}
