"""The command `ngazi content price`: what a learning path takes by SMS in each language.

What it counts with is loaded when it is asked for: the other commands on content need no database and no providers.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich import box
from rich.console import Console
from rich.table import Column, Table

from dialogs.reading.values import did_you_mean
from gateway.cli_preview import a_country
from gateway.content_folder import reads

if TYPE_CHECKING:
    from gateway.channels import Channel
    from gateway.path_price import Row

Price = tuple[Decimal, str]  # of one SMS segment, and the currency


class Amount(click.ParamType[Decimal]):
    """A price as people write it, with a point or a comma."""

    name = "amount"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        """The number; what is none, or is below nothing, is refused in words."""
        try:
            amount = Decimal(str(value).strip().replace(",", "."))
        except InvalidOperation:
            self.fail(f'"{value}" is no price. Write the number alone, such as 0.02.', param, ctx)
        if not amount.is_finite() or amount < 0:
            self.fail(f'"{value}" is no price. It cannot be below 0.', param, ctx)
        return amount


@click.command()
@click.argument("languages", nargs=-1)
@click.option("--path", "written", default="", help="Dialogs and reminders/<series>, with commas. Else: all of it.")
@click.option("--language", "codes", multiple=True, help="The same as LANGUAGES: only this one, such as sw.")
@click.option("--country", default="", callback=a_country, help="Dialed from this country, such as TZ.")
@click.option("--channel", default="", help="At the price of this channel of NGAZI_CHANNELS.")
@click.option("--segment-price", type=Amount(), help="What one SMS of 160 letters costs, such as 0.02.")
@click.option("--currency", default="USD", show_default=True, help="Of --segment-price.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON object, part by part.")
@reads
def price(
    folder: Path,
    languages: tuple[str, ...],
    written: str,
    codes: tuple[str, ...],
    country: str,
    channel: str,
    segment_price: Decimal | None,
    currency: str,
    as_json: bool,
) -> None:
    """Count what it takes to go through the lessons by SMS, in these LANGUAGES, else in each.

    Counted is what is sent to one person who goes through everything once and answers No to each check, so that all
    advice is heard. Without a price there are only numbers of SMS: none is made up. What the person pays for answers
    is not in it.
    """
    from dialogs.content import Content
    from gateway.path_price import priced, unknown, whole_path

    content, _ = Content.load(folder, drafts=True)
    if content is None:
        raise click.ClickException("The content has errors: ngazi content check --drafts")
    path = [part.strip() for part in written.split(",") if part.strip()] or whole_path(content)
    if lost := unknown(content, path):
        raise click.ClickException(f"There is no {lost[0]}. {did_you_mean(lost[0], content.dialogs)}")
    offered = [each.code for each in content.offered(drafts=True)]
    chosen = list(dict.fromkeys([*languages, *codes]))
    for code in chosen:
        if code not in offered:
            raise click.ClickException(f"There is no language {code}. {did_you_mean(code, offered)}")
    paid = (segment_price, currency.upper()) if segment_price is not None else _of_channels(os.environ, channel)
    rows = priced(content, path, chosen or offered, paid[0] if paid else None, country)
    if as_json:
        found = {"path": path, "currency": paid[1] if paid else "", "languages": [asdict(row) for row in rows]}
        click.echo(json.dumps(found, ensure_ascii=False, indent=2, default=str))
        return
    _show(rows, path, paid, content.languages[content.common.language].name)


def _of_channels(environ: Mapping[str, str], name: str) -> Price | None:
    """The price of the named channel, or of the only one that has a price; None where there is none."""
    from gateway.bill import read_price
    from gateway.channels import read_channels

    try:
        channels = read_channels(environ.get("NGAZI_CHANNELS", ""))
    except ValueError as error:
        raise click.ClickException(f"NGAZI_CHANNELS {error}.") from None
    if name and name not in channels:
        raise click.ClickException(f"There is no channel {name} in NGAZI_CHANNELS.")
    chosen: list[Channel] = [channels[name]] if name else list(channels.values())
    found = {read for channel in chosen if (read := read_price(channel.price)) is not None}
    if name and not found:
        raise click.ClickException(f"The channel {name} has no price: add price=0.8KES to it in NGAZI_CHANNELS.")
    return found.pop() if len(found) == 1 else None


def _show(rows: Sequence[Row], path: Sequence[str], paid: Price | None, main: str) -> None:
    # No column may fall away in a terminal of 80 letters: the letters themselves stand below the table.
    table = Table(Column("", overflow="fold"), box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=0)
    for head in ("screens", "messages", "SMS", "odd letters", "missing", "price", f"x {main}"):
        table.add_column(head, justify="right", no_wrap=True)
    for row in rows:
        cost = f"{row.price.normalize():f} {paid[1]}" if row.price is not None and paid else "?"
        numbers = (str(row.screens), str(row.messages), str(row.segments), str(row.outside), str(row.missing), cost)
        table.add_row(row.name, *numbers, f"{row.of_main:.2f}")
    console = Console(highlight=False)
    console.print(table)
    console.print(f"\nThe path: {', '.join(path)}.")
    if paid is None:
        console.print("No price is known: give --segment-price 0.02 --currency USD, or --channel.")
    if any(row.outside for row in rows):
        console.print("Odd letters: so many messages hold letters outside GSM-7, and so take SMS of 70 letters.")
    for row in rows:
        if row.outside:
            console.print(f"  {row.name}: {' '.join(row.odd[:6])}{' and more' if len(row.odd) > 6 else ''}")
    if any(row.missing for row in rows):
        console.print("Missing: so many texts are not translated and count as another language says them.")
