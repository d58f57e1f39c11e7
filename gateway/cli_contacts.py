"""The commands `ngazi contacts ...`: people in from a sheet, found, out to a sheet, joined, erased."""

from __future__ import annotations

import re
from pathlib import Path

import click
from sqlalchemy import Connection

from dialogs import store
from gateway.command import Opened, opened, who
from gateway.people import changing, dates, export, finding, importing, merging, values
from gateway.people.data_of import data_of
from gateway.people.entering import is_consent
from gateway.people.events import record
from gateway.people.rows import Wishes
from gateway.people.sheet import open_sheet
from gateway.people.telling import (
    account_lines,
    as_json,
    data_lines,
    home_country,
    known_as_json,
    known_lines,
    progress,
    refusals,
    told,
)

LONGEST_ID = 9  # digits; what is longer is a phone number
COUNTRY = click.option("--country", default="", help="Whose national numbers are understood: KE. Else: the channels'.")
ID = click.option("--id", "id_", type=click.IntRange(1), help="The contact's id, instead of a number.")
JSON = click.option("--json", "json_", is_flag=True, help="As JSON.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def contacts() -> None:
    """Look after people: import, find, export, merge, erase.

    A NUMBER is written with its country code (+254...), or as at home (0712...) where the country is known.
    """


def chosen_country(house: Opened, country: str) -> str:
    """The country of the option, else that of the channels. Raises Bad."""
    return values.read_country(country) if country else home_country(house.settings)


def one(house: Opened, db: Connection, number: str | None, id_: int | None, country: str = "") -> tuple[int, str]:
    """The contact that was named, and the number if it was. Raises NotFound, Bad, UsageError."""
    if (number is None) == (id_ is None):
        raise click.UsageError("Give a number, or --id.")
    if id_ is not None:
        return finding.by_id(db, id_), ""
    written = values.read_phone(number, chosen_country(house, country))
    return finding.by_number(db, house.seal, written), written


def number_or_id(house: Opened, db: Connection, written: str, country: str = "") -> int:
    """The contact named by an id (digits only, at most nine, no 0 in front) or by a number. Raises NotFound, Bad."""
    if re.fullmatch(rf"[1-9][0-9]{{0,{LONGEST_ID - 1}}}", written):
        return finding.by_id(db, int(written))
    return one(house, db, written, None, country)[0]


@contacts.command(name="import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--consent", default="", help="Where and how these people agreed; kept in the ledger of each.")
@click.option("--group", default="", help="The group of rows that name none.")
@COUNTRY
@click.option("--sheet", "sheet_name", default="", help="The sheet of an XLSX file, instead of the first.")
@click.option("--dry-run", is_flag=True, help="Check and count everything, write nothing.")
@JSON
def import_(file: Path, consent: str, group: str, country: str, sheet_name: str, dry_run: bool, json_: bool) -> None:
    """Import people from a CSV or XLSX file: columns phone, language, group, consent, and any saved field.

    One error anywhere, and nothing is imported. What a person said on the phone stays. Do it again after a break.
    """
    with opened() as house, refusals(), progress() as tell:
        wishes = Wishes(
            " ".join(consent.split()), values.read_group(group) if group else "", chosen_country(house, country)
        )
        task = importing.Import(open_sheet(file, sheet_name), values.rules_of(house.content), wishes, house.seal, tell)
        account = task.run(house.transact, house.clock, who(), dry=dry_run)
    if json_:
        as_json(account.as_json())
    else:
        for line in account_lines(account):
            click.echo(line)
    if account.faults:
        raise click.exceptions.Exit(1)


@contacts.command()
@click.argument("number", required=False)
@ID
@click.option("--group", default="", help="All in this group or below it.")
@click.option("--language", default="", help="All of this language: sw.")
@click.option("--field", "fields", multiple=True, help="All with this saved field: mineral=gold. Several: all hold.")
@COUNTRY
@JSON
def find(
    number: str | None, id_: int | None, group: str, language: str, fields: tuple[str, ...], country: str, json_: bool
) -> None:
    """Show what is known about one person, or list the ids of many."""
    many = bool(group or language or fields)
    if many and (number is not None or id_ is not None):
        raise click.UsageError("Either one person (a number or --id), or many (--group, --language, --field).")
    with opened() as house, refusals():
        if not many:
            person = house.transact(lambda db: finding.known(db, one(house, db, number, id_, country)[0]))
            if json_:
                as_json(known_as_json(person))
            else:
                click.echo("\n".join(known_lines(person)))
            return
        rules = values.rules_of(house.content)
        wanted = {name: _value(rules, name, value) for name, value in (_pair(field) for field in fields)}
        code = values.read_language(language, rules) if language else ""
        chosen = house.transact(lambda db: finding.matching(db, group=group, language=code, fields=wanted))
        ids = list(finding.each(house.transact, chosen))
    if json_:
        as_json(ids)
    else:
        for each in ids:
            click.echo(each)
        click.echo(f"{len(ids):,} found.", err=True)


def _pair(written: str) -> tuple[str, str]:
    name, equals, value = written.partition("=")
    if not equals or not values.FIELD.fullmatch(name.strip()):
        raise click.UsageError(f"Write {written[:40]} as name=value, such as mineral=gold.")
    return name.strip(), value.strip()


def _value(rules: values.Rules, name: str, written: str) -> str:
    try:
        return values.read_field(name, written, rules)
    except values.Bad:
        return written  # what was kept by an older content


@contacts.command(name="export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--group", default="", help="Only this group and all below it.")
@click.option("--numbers", is_flag=True, help="Only phone, language and group of those who want messages.")
@click.option("--reason", default="", help="Why numbers are needed; it is kept with your name.")
def export_(file: Path, group: str, numbers: bool, reason: str) -> None:
    """Write contacts to a .csv or .xlsx file: without numbers, or with --numbers nothing else."""
    reason = " ".join(reason.split())
    if numbers and not reason:
        raise click.ClickException("Numbers need a --reason: who asked for them, and what for. It is kept.")
    if reason and not numbers:
        raise click.UsageError("--reason goes with --numbers.")
    with opened() as house, refusals():
        if numbers:
            export.check(file)

            def note(db: Connection) -> None:  # before the first number leaves, so that none leaves unnoticed
                rows = export.count(db, export.reachable(db, group))
                about = {"reason": reason[:500], "rows": rows, "group": group.upper()}
                record(db, who(), "export numbers", about, house.clock())

            house.transact(note)
            count = export.write(file, export.phone_numbers(house.transact, house.seal, group))
        else:
            count = export.write(file, export.people(house.transact, group))
            about = {"rows": count, "group": group.upper()}
            house.transact(lambda db: record(db, who(), "export", about, house.clock()))
    click.echo(f"{count:,} rows written to {file}. Only you may read it; delete it when you are done.")


@contacts.command()
@click.argument("first")
@click.argument("second")
@COUNTRY
@click.option("--yes", is_flag=True, help="Do not ask.")
def merge(first: str, second: str, country: str, yes: bool) -> None:
    """Make the SECOND contact part of the FIRST: one person with two numbers. Each is a number or an id."""
    with opened() as house, refusals():
        one_, two = house.transact(
            lambda db: (number_or_id(house, db, first, country), number_or_id(house, db, second, country))
        )
        if one_ == two:
            raise merging.SamePerson
        if not yes:
            click.confirm(f"Contact {two} becomes part of contact {one_}. This cannot be undone. Go on?", abort=True)

        def work(db: Connection) -> None:
            merging.merge(db, house.seal, one_, two, house.clock())
            record(db, who(), "merge", {"contact": one_, "was": two}, house.clock())

        importing.again(lambda: house.transact(work))
    click.echo(f"Contact {two} is part of contact {one_} now.")


@contacts.command()
@click.argument("number", required=False)
@ID
@COUNTRY
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(number: str | None, id_: int | None, country: str, yes: bool) -> None:
    """Erase a person and everything that is kept about them."""
    with opened() as house, refusals():
        id, stopped = house.transact(
            lambda db: (found := one(house, db, number, id_, country)[0], finding.known(db, found).stopped_at)
        )
        if not yes:
            click.confirm(f"Erase contact {id} with all answers, dates and messages. Go on?", abort=True)

        def work(db: Connection) -> None:
            store.forget(db, finding.by_id(db, id))
            record(db, who(), "erase", {"contact": id}, house.clock())

        importing.again(lambda: house.transact(work))
    click.echo(f"Contact {id} is erased.")
    if stopped is not None:
        click.echo("This person said STOP. A locked mark of the number and the STOP stay, so that it holds; no more.")
    click.echo("Backups and files that were exported before still hold this person: see to them too.")


@contacts.command()
@click.argument("number", required=False)
@ID
@COUNTRY
@JSON
def data(number: str | None, id_: int | None, country: str, json_: bool) -> None:
    """Show everything that is kept about a person, to hand it to them."""
    with opened() as house, refusals():
        id = house.transact(lambda db: one(house, db, number, id_, country)[0])
        # Written down first, so that no look goes unnoticed.
        house.transact(lambda db: record(db, who(), "data", {"contact": id}, house.clock()))
        found = house.transact(lambda db: data_of(db, house.seal, house.content, id))
    if json_:
        as_json(found)
    else:
        click.echo("\n".join(data_lines(found)))


@contacts.command()
@click.argument("number_or_name", nargs=-1, metavar="NUMBER NAME [YYYY-MM-DD]")
@ID
@click.option("--done", is_flag=True, help="What was due is done: no more reminders of it.")
@COUNTRY
def date(number_or_name: tuple[str, ...], id_: int | None, done: bool, country: str) -> None:
    """Set a date of a person that reminders count from, such as audit_date, or mark it as --done.

    A date of which there may be several, such as finding_due, becomes one more; --done with the day ends that one.
    """
    words = list(number_or_name)
    number = words.pop(0) if id_ is None and words else None
    if not 1 <= len(words) <= 2 or (len(words) == 1 and not done):
        raise click.UsageError("Give a number (or --id), the name of the date, and the date: audit_date 2027-03-25.")
    with opened() as house, refusals():
        name = values.read_date_name(words[0], rules := values.rules_of(house.content))
        on = values.read_date(words[1]) if len(words) == 2 else None

        def work(db: Connection) -> int:
            id, _ = one(house, db, number, id_, country)
            if done:
                return dates.finish(db, name, house.clock(), on=on, contact_id=id)
            assert on is not None
            dates.set_date(db, name, on, house.clock(), contact_id=id, several=name in rules.several)
            return 1

        changed = house.transact(work)
    click.echo(told(name, changed, on.isoformat() if on else "", done))


@contacts.command(name="set")
@click.argument("words", nargs=-1, metavar="NUMBER FIELD=VALUE...")
@ID
@click.option("--consent", default="", help="For yes to messages: where and how the person agreed.")
@COUNTRY
def set_(words: tuple[str, ...], id_: int | None, consent: str, country: str) -> None:
    """Set what is kept about a person: language=sw, mineral=gold, news=no. An empty value takes a field away."""
    number = words[0] if id_ is None and words else None
    pairs = [_pair(each) for each in words[0 if id_ is not None else 1 :]]
    if not pairs:
        raise click.UsageError("Give a number (or --id) and FIELD=VALUE.")
    with opened() as house, refusals():
        rules = values.rules_of(house.content)
        read = [(name, changing.read_change(name, value, rules)) for name, value in pairs]
        for name, value in read:
            if is_consent(name) and value == "yes" and not consent.strip():
                raise click.ClickException(f"{name}=yes needs --consent: where and how the person agreed.")

        def work(db: Connection) -> int:
            id, written = one(house, db, number, id_, country)
            for name, value in read:
                changing.change(db, house.seal, id, name, value, house.clock(), number=written, wording=consent.strip())
            record(db, who(), "set", {"contact": id, "names": [name for name, _ in read]}, house.clock())
            return id

        id = house.transact(work)
        kept = house.transact(lambda db: finding.known(db, id).number_kept)
    click.echo(f"Contact {id}: {', '.join(name for name, _ in read)} set.")
    if not kept and any(name in ("reminders", "news") and value == "yes" for name, value in read):
        click.echo("No number is kept, so no message can go. Say it once more with the number instead of --id.")
