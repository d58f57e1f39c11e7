"""The commands `ngazi groups ...`: the tree of groups, their officers and their dates."""

from __future__ import annotations

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection

from gateway.cli_contacts import COUNTRY, ID, JSON, one
from gateway.command import opened, who
from gateway.people import dates, values
from gateway.people import groups as tree
from gateway.people.events import record
from gateway.people.telling import as_json, refusals, told


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def groups() -> None:
    """Look after groups: cooperatives, sites, associations, in a tree.

    A CODE has 2 to 20 letters, digits and dashes; capitals and small letters are the same.
    """


@groups.command()
@click.argument("code")
@click.argument("name")
@click.option("--parent", default="", help="The code of the group that it belongs to.")
def add(code: str, name: str, parent: str) -> None:
    """Make a group."""
    with opened() as house, refusals():
        read = values.read_group(code)
        house.transact(lambda db: tree.add(db, read, name, parent))
    click.echo(f"Group {read} is made.")


@groups.command(name="list")
@JSON
def list_(json_: bool) -> None:
    """Show all groups as a tree, with the people in each and below it, each counted once."""
    with opened() as house:
        branches = house.transact(tree.tree)
    if json_:
        as_json(
            [
                {"code": each.code, "name": each.name, "parent": each.parent or None, "people": each.counted,
                 "officers": each.officers}
                for each in branches
            ]
        )  # fmt: skip
        return
    if not branches:
        click.echo("There is no group yet: ngazi groups add CODE NAME")
        return
    table = Table("Group", "Name", "People", "Officers")
    for each in branches:
        table.add_row("  " * each.depth + each.code, each.name, each.counted, str(each.officers or ""))
    Console(highlight=False, markup=False).print(table)


@groups.command()
@click.argument("code")
@click.option("--under", default="", help="The code of the group that it goes under.")
@click.option("--top", is_flag=True, help="Put it at the top.")
def move(code: str, under: str, top: bool) -> None:
    """Put a group, with all below it, under another one."""
    if bool(under) == top:
        raise click.UsageError("Give --under CODE, or --top.")
    with opened() as house, refusals():
        house.transact(lambda db: tree.move(db, code, under))
    click.echo(f"Group {code.upper()} is {'at the top' if top else 'under ' + under.upper()} now.")


@groups.command()
@click.argument("code")
@click.argument("name")
def rename(code: str, name: str) -> None:
    """Give a group another name; its code stays."""
    with opened() as house, refusals():
        house.transact(lambda db: tree.rename(db, code, name))
    click.echo(f"Group {code.upper()} has another name now.")


@groups.command()
@click.argument("code")
@click.option("--below", "with_below", is_flag=True, help="With all groups below it.")
@JSON
def members(code: str, with_below: bool, json_: bool) -> None:
    """List the ids of the people in a group, with their role."""
    with opened() as house, refusals():
        found = house.transact(lambda db: list(tree.members(db, code, with_below=with_below)))
    if json_:
        as_json([{"id": id, "role": role} for id, role in found])
        return
    for id, role in found:
        click.echo(f"{id}  {role}".rstrip())
    click.echo(f"{len(found):,} found.", err=True)


@groups.command()
@click.argument("code")
@click.argument("number", required=False)
@ID
@click.option("--end", is_flag=True, help="Is no officer any more; stays a member.")
@COUNTRY
def officer(code: str, number: str | None, id_: int | None, end: bool, country: str) -> None:
    """Make a person an officer of a group, such as its ICS person: told when somebody falls silent."""
    with opened() as house, refusals():

        def work(db: Connection) -> int:
            id, _ = one(house, db, number, id_, country)
            tree.set_officer(db, code, id, officer=not end)
            what = "officer ended" if end else "officer"
            record(db, who(), what, {"contact": id, "group": code.upper()}, house.clock())
            return id

        id = house.transact(work)
    click.echo(
        f"Contact {id} is {'no officer' if end else 'an officer'} of {code.upper()}{' any more' if end else ''}."
    )


@groups.command()
@click.argument("code")
@click.argument("number", required=False)
@ID
@COUNTRY
def join(code: str, number: str | None, id_: int | None, country: str) -> None:
    """Put a person into a group."""
    with opened() as house, refusals():

        def work(db: Connection) -> int:
            id, _ = one(house, db, number, id_, country)
            tree.join(db, code, id)
            return id

        id = house.transact(work)
    click.echo(f"Contact {id} is in {code.upper()}.")


@groups.command()
@click.argument("code")
@click.argument("number", required=False)
@ID
@COUNTRY
def leave(code: str, number: str | None, id_: int | None, country: str) -> None:
    """Take a person out of a group."""
    with opened() as house, refusals():

        def work(db: Connection) -> int:
            id, _ = one(house, db, number, id_, country)
            tree.leave(db, code, id)
            return id

        id = house.transact(work)
    click.echo(f"Contact {id} is not in {code.upper()} any more.")


@groups.command()
@click.argument("code")
@click.argument("name")
@click.argument("day", required=False, metavar="[YYYY-MM-DD]")
@click.option("--done", is_flag=True, help="What was due is done: no more reminders of it.")
def date(code: str, name: str, day: str | None, done: bool) -> None:
    """Set a date of a group that reminders of its members count from, or mark it as --done.

    NAME is such as audit_date, or the id of a series that comes again and again: then the date is its start.
    """
    if day is None and not done:
        raise click.UsageError("Give the date: 2027-03-25.")
    with opened() as house, refusals():
        rules = values.rules_of(house.content)
        known = values.read_date_name(name, rules)
        on = values.read_date(day) if day is not None else None

        def work(db: Connection) -> int:
            id = tree.find(db, code)
            if done:
                return dates.finish(db, known, house.clock(), on=on, group_id=id)
            assert on is not None
            dates.set_date(db, known, on, house.clock(), group_id=id, several=known in rules.several)
            return 1

        changed = house.transact(work)
    click.echo(told(known, changed, on.isoformat() if on else "", done))


@groups.command()
@click.argument("code")
def remove(code: str) -> None:
    """Take away a group that is empty: no people, no groups below it, no open dates."""
    with opened() as house, refusals():
        house.transact(lambda db: tree.remove(db, code))
    click.echo(f"Group {code.upper()} is gone.")
