"""How people, accounts and errors read in the terminal, and what a refusal says."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn

from dialogs.store import Vanished
from gateway.people.export import ExportError
from gateway.people.finding import Known, NotFound
from gateway.people.groups import GroupError
from gateway.people.importing import Account
from gateway.people.merging import SamePerson
from gateway.people.sheet import SheetError
from gateway.people.values import Bad
from gateway.settings import Settings

LISTED = 50  # errors that are printed


@contextmanager
def refusals() -> Iterator[None]:
    """What cannot be done ends with one plain sentence."""
    try:
        yield
    except (GroupError, SheetError, ExportError) as error:
        raise click.ClickException(str(error)) from None
    except Bad as bad:
        raise click.ClickException(f"{bad.cause} {bad.mend}") from None
    except NotFound:
        raise click.ClickException(
            "Nobody is known by this number or id. Numbers are written with +, or with 0."
        ) from None
    except SamePerson:
        raise click.ClickException("Both are one and the same contact already.") from None
    except Vanished:
        raise click.ClickException("These people are being changed by somebody else. Do it once more.") from None


def home_country(settings: Settings) -> str:
    """Whose national numbers are understood: the country of the channels, if they all agree."""
    countries = {channel.country for channel in settings.channels.values()}
    return countries.pop() if len(countries) == 1 else ""


def as_json(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


@contextmanager
def progress() -> Iterator[Callable[[str, int], None]]:
    """Shows how far a long piece of work is, on a terminal only."""
    if not sys.stderr.isatty():
        yield lambda _phase, _done: None
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TextColumn("{task.completed:,} rows"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, Any] = {}

        def tell(phase: str, done: int) -> None:
            if phase not in tasks:
                tasks[phase] = bar.add_task(phase)
            if done % 100 == 0 or phase == "entering":
                bar.update(tasks[phase], completed=done)

        yield tell


def account_lines(account: Account) -> Iterator[str]:
    """What an import found and did, line by line."""
    yield f"Read as {account.how}."
    yield from account.notes
    if account.faults:
        yield ""
        yield from (str(fault) for fault in account.faults[:LISTED])
        total = len(account.faults) + account.more_faults
        if total > LISTED:
            yield f"... and {total - LISTED:,} more (--json lists {min(total, 10_000):,})."
        yield ""
        yield f"{_of(total, 'error')} in {_of(account.rows, 'row')}. NOTHING was imported. Mend them and import again."
        return
    yield ""
    yield f"{account.rows:>9,}  rows"
    yield f"{account.new:>9,}  new people"
    yield f"{account.known:>9,}  known already"
    if account.repeated:
        yield f"{account.repeated:>9,}  rows that repeat a number of this sheet"
    for reason, count in account.left_alone.items():
        yield f"{count:>9,}  left alone: {reason}"
    if account.kept:
        yield f"{account.kept:>9,}  kept as the person said: the sheet says something else"
    if account.unusual:
        rows = ", ".join(map(str, account.unusual_rows))
        yield f"{account.unusual:>9,}  unusual phone numbers, look at them: rows {rows}" + (
            " ..." if account.unusual > len(account.unusual_rows) else ""
        )
    for code, count in sorted(account.languages.items()):
        yield f"{count:>9,}  {'in ' + code if code else 'without a language'}"
    for code, count in sorted(account.groups.items())[:LISTED]:
        new = "   NEW GROUP: is the code right?" if code in account.new_groups else ""
        yield f"{count:>9,}  in group {code}{new}"
    if len(account.groups) > LISTED:
        yield f"... and {len(account.groups) - LISTED:,} more groups; {len(account.new_groups):,} are new."
    if account.new_fields:
        yield f"Saved fields that no dialog asks for: {', '.join(account.new_fields)}. Are the headings right?"
    yield ""
    yield "NOTHING was written: this was a dry run." if account.dry else "Done."


def _of(count: int, what: str) -> str:
    return f"{count:,} {what}" + ("" if count == 1 else "s")


def known_as_json(person: Known) -> dict[str, Any]:
    """What is known of one person, as JSON shows it."""
    return {
        "id": person.id,
        "language": person.language,
        "country": person.country,
        "timezone": person.timezone,
        "agreed_at": _when(person.agreed_at),
        "stopped_at": _when(person.stopped_at),
        "private_phone": person.private_phone,
        "number_kept": person.number_kept,
        "seen_at": _when(person.seen_at),
        "groups": [{"code": code, "role": role} for code, role in person.groups],
        "fields": person.fields,
        "dates": [{"name": name, "date": on, "done": done} for name, on, done in person.dates],
        "consents": [{"what": what, "yes": yes, "how": how, "at": _when(at)} for what, yes, how, at in person.consents],
    }


def known_lines(person: Known) -> Iterator[str]:
    """What is known of one person, line by line. Times are UTC."""
    yield f"Contact {person.id}"
    yield f"  language        {person.language or '-'}"
    yield f"  country         {person.country or '-'}"
    if person.timezone:
        yield f"  time zone       {person.timezone}"
    yield f"  agreed          {_when(person.agreed_at) or 'no'}"
    if person.stopped_at:
        yield f"  STOP            {_when(person.stopped_at)}"
    yield f"  number kept     {'yes, locked' if person.number_kept else 'no'}"
    if person.private_phone is not None:
        yield f"  phone           {'only theirs' if person.private_phone else 'others use it too'}"
    for code, role in person.groups:
        yield f"  group           {code}{', ' + role if role else ''}"
    for name, value in person.fields.items():
        yield f"  {name:<15} {value}"
    for name, on, done in person.dates:
        yield f"  {name:<15} {on}{' (done)' if done else ''}"
    for what, yes, how, at in person.consents:
        yield f"  {_when(at)}  {what}: {'yes' if yes else 'no'}, by {how}"


def _when(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat(" ", "minutes")


def told(name: str, changed: int, on: str, done: bool) -> str:
    """What became of a date."""
    if not changed:
        return f"There was no open date {name}."
    return f"{name} is done." if done else f"{name} is {on} now."


def data_lines(data: dict[str, Any]) -> Iterator[str]:
    """Everything kept about one person, as a page to hand over."""
    for heading, part in data.items():
        yield heading.upper()
        yield from _lines(part, "  ") if part else ("  nothing",)
        yield ""
    yield "Times are UTC."


def _lines(part: Any, indent: str) -> Iterator[str]:
    entries = part.items() if isinstance(part, dict) else (("-", each) for each in part)
    for name, value in entries:
        if value in (None, "", [], {}):
            continue
        if isinstance(value, dict | list):
            yield f"{indent}{name}" if name != "-" else f"{indent}-"
            yield from _lines(value, indent + "  ")
        else:
            written = {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value
            yield f"{indent}{name}: {written}" if name != "-" else f"{indent}- {written}"
