"""The command `ngazi content facts`: what is said, what it rests on, and what somebody must look at."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from dialogs.check.facts import COMMON, HOURS, Fact, facts, preparing_for, resting_on, summed
from dialogs.claims import OWN, split
from dialogs.problem import errors
from dialogs.reading.values import did_you_mean
from dialogs.written import Written, read_folder
from gateway.content_folder import reads

WIDTH = 100  # where no terminal says its own
FIRST_WORDS = 56  # letters of a text that are shown
COLUMNS: Mapping[str, tuple[tuple[str, int], ...]] = {COMMON: (), HOURS: (("Checked", 10),)}  # else all
TO_LOOK_AT = ("unchecked", "out of date")


def day_of_today() -> str:
    """Today, as claims write their days."""
    return datetime.now(UTC).date().isoformat()


@click.command(name="facts")
@click.argument("part", default="")
@click.option("--all", "every", is_flag=True, help="What is checked, and our own words, too.")
@click.option("--scheme", default="", help="The questions that prepare for a scheme: craft, or craft/module 2.")
@click.option("--source", default="", help="What rests on a source: for when the source changes.")
@click.option("--today", type=click.DateTime(["%Y-%m-%d"]), help="The day to compare with, instead of today.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@reads
def list_facts(
    folder: Path, part: str, every: bool, scheme: str, source: str, today: datetime | None, as_json: bool
) -> None:
    """List what nobody has checked, or what must be looked at again, with what it rests on.

    PART is one dialog, reminders, schemes, common.yaml or hours.yaml; without it all are listed.
    """
    if scheme and source:
        raise click.UsageError("Give --scheme or --source, not both.")
    written = read_folder(folder)
    day = f"{today:%Y-%m-%d}" if today else day_of_today()
    said = list(facts(written))
    if errors(list(written.problems)):
        click.echo("Some of the content cannot be read and is left out: ngazi content check", err=True)
    if part:
        _refuse_unknown("part", part, dict.fromkeys(fact.part for fact in said))
        said = [fact for fact in said if fact.part == part]
    if scheme:
        id, piece = split(scheme)
        _refuse_unknown("scheme", id, written.schemes)
        if piece:
            _refuse_unknown(f"part of {id}", piece, written.schemes[id].parts)
        if not as_json:
            _prepared(said, scheme, written)
            return
        said = [fact for _, _, fact in preparing_for(said, *split(scheme))]
    if source:
        _refuse_unknown("source", source, written.sources)
        said = resting_on(said, source)
    whole = every or source or scheme or part == HOURS
    shown = said if whole else [fact for fact in said if _to_look_at(fact, written, day)]
    if as_json:
        click.echo(_json(shown, said, written, day), nl=False)
        return
    console = _console()
    if source:
        _tell_source(console, written, source)
    _tables(console, shown, written, day)
    console.print(summed(said, written.sources, day).told())


def _refuse_unknown(what: str, id: str, known: Iterable[str]) -> None:
    if id not in known:
        raise click.ClickException(f'There is no {what} "{id}". {did_you_mean(id, known)}'.strip())


def _to_look_at(fact: Fact, written: Written, today: str) -> bool:
    return fact.part == COMMON or fact.state(written.sources, today) in TO_LOOK_AT


def _console() -> Console:
    console = Console(highlight=False, markup=False)
    return console if console.is_terminal else Console(highlight=False, markup=False, width=WIDTH)


def first_words(text: str, most: int = FIRST_WORDS) -> str:
    """The beginning of a text, cut between words."""
    plain = " ".join(text.split())
    return plain if len(plain) <= most else plain[: most - 3].rsplit(" ", 1)[0] + "..."


# --- tables ---


def _tables(console: Console, shown: list[Fact], written: Written, today: str) -> None:
    for part, group in groupby(shown, key=lambda fact: fact.part):
        dialog = written.dialogs.get(part)
        console.print(f"{dialog.title.source} ({part})" if dialog else part.capitalize() if part.isalpha() else part)
        table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1), width=console.width)
        table.add_column("", width=16, overflow="fold")
        columns = COLUMNS.get(part, (("Rests on", 28), ("Checked", 10), ("Again by", 10)))
        stacked = console.width < WIDTH and len(columns) == 3  # no room: what it rests on stands below what it says
        table.add_column("Source" if part == HOURS else "Says, and rests on" if stacked else "Says", ratio=1)
        for heading, width in columns[1:] if stacked else columns:
            table.add_column(heading, width=width, overflow="fold")
        for fact in group:
            row = _row(fact, written, today)
            table.add_row(fact.name, *((f"{row[0]}\n{row[1]}", *row[2:]) if stacked else row))
        console.print(table)
        console.print()


def _row(fact: Fact, written: Written, today: str) -> tuple[str, ...]:
    if fact.part == COMMON:
        return (fact.text,)
    if fact.part == HOURS:
        return fact.text, fact.claim.checked_on
    return first_words(fact.text), _sources(fact, written), _checked(fact), _again(fact, today)


def _sources(fact: Fact, written: Written) -> str:
    foreign = [(id, letter) for id, letter in fact.claim.source if id != OWN] or fact.claim.source
    named = ", ".join(f"{id}:{letter}" for id, letter in foreign) or "no source"
    return f"{named} (memory or guess)" if fact.weak(written.sources) else named


def _checked(fact: Fact) -> str:
    return f"{fact.claim.checked_by} {fact.claim.checked_on}".strip() if fact.claim.checked_by else "nobody"


def _again(fact: Fact, today: str) -> str:
    until = fact.claim.expires_on
    return f"{until} passed" if until and until < today else until


def _prepared(said: list[Fact], named: str, written: Written) -> None:
    """The questions that prepare for a scheme, part by part in the order of the list."""
    scheme = written.schemes[split(named)[0]]
    console = _console()
    console.print(" ".join(f"{scheme.name} ({scheme.id}). {scheme.about}".split()))
    order = ["", *scheme.parts]
    found = preparing_for(said, *split(named))
    found.sort(key=lambda row: order.index(row[0]) if row[0] in order else len(order))
    for part, rows in groupby(found, key=lambda row: row[0]):
        about = scheme.parts.get(part, "")
        console.print("\nThe scheme as a whole" if not part else f"\n{part}: {about}" if about else f"\n{part}")
        table = Table(box=SIMPLE_HEAD, show_header=False, show_edge=False, pad_edge=False, width=console.width)
        table.add_column("", width=26, overflow="fold")
        table.add_column("", ratio=1)
        table.add_column("", width=1)
        for _, letter, fact in rows:
            table.add_row(f"{fact.part}/{fact.name}", first_words(fact.text, 96), letter)
        console.print(table)
    number = len({(fact.part, fact.name) for _, _, fact in found})
    asked = "1 question prepares" if number == 1 else f"{number} questions prepare"
    sure = sum(letter == "a" for _, letter, _ in found)
    console.print(f"\n{asked} for it, {len(found)} times in all; {sure} of them stated in a source (a).")


def _tell_source(console: Console, written: Written, id: str) -> None:
    source = written.sources[id]
    console.print(f"{source.id}: {source.what} ({source.kind})")
    console.print(f"{source.where}\n" if source.where else "")


# --- JSON ---


def _json(shown: list[Fact], said: list[Fact], written: Written, today: str) -> str:
    rows = [
        {
            "part": fact.part,
            "name": fact.name,
            "text": fact.text,
            "state": fact.state(written.sources, today),
            "weak": fact.weak(written.sources),
            "source": dict(fact.claim.source),
            "prepares for": dict(fact.schemes),
            "checked_by": fact.claim.checked_by,
            "checked_on": fact.claim.checked_on,
            "expires_on": fact.claim.expires_on,
            "file": fact.at.file,
            "line": fact.at.line,
        }
        for fact in shown
    ]
    whole = {"today": today, "sum": asdict(summed(said, written.sources, today)), "facts": rows}
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"
