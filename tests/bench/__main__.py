"""`python -m tests.bench`: the tables, the targets, and on wish a page of them."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import click

from tests.bench import beside, content, profile, queueing, sending, tables
from tests.bench.calls import Wrong
from tests.bench.house import Bench
from tests.bench.rounds import Wishes
from tests.bench.servers import NotStarted

TABLES = {
    "compare": tables.compare,
    "store": tables.store,
    "engine": tables.engine,
    "queueing": queueing.queueing,
    "sending": sending.sending,
    "beside": beside.beside,
    "content": content.content,
}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--table", "wanted", multiple=True, type=click.Choice(list(TABLES)), help="Only this table; all without it."
)
@click.option("--rounds", default=3, show_default=True, help="Rounds; the median counts.")
@click.option("--seconds", default=3.0, show_default=True, help="Length of one measurement.")
@click.option("--numbers", default=50_000, show_default=True, help="Different phone numbers that call.")
@click.option("--lines", default=64, show_default=True, help="Connections.")
@click.option(
    "--stores", default="1000,100000,1000000", show_default=True, help="Contacts stored, for the table store."
)
@click.option("--people", default=1_000_000, show_default=True, help="Contacts that get the broadcast, for queueing.")
@click.option("--only", multiple=True, help="Only servers whose name holds this, beside the bare one.")
@click.option("--quick", is_flag=True, help="Small and short: shows that it works, its numbers say little.")
@click.option("--profile", "look", is_flag=True, help="Show what costs, by py-spy, instead of the tables.")
@click.option("--markdown", type=click.Path(dir_okay=False, path_type=Path), help="Write a page too.")
def main(
    wanted: tuple[str, ...],
    rounds: int,
    seconds: float,
    numbers: int,
    lines: int,
    stores: str,
    people: int,
    only: tuple[str, ...],
    quick: bool,
    look: bool,
    markdown: Path | None,
) -> None:
    """How many phones one machine answers beside a bare form endpoint, and how fast it queues and sends."""
    sizes = tuple(int(each) for each in stores.split(","))
    if quick:
        rounds, seconds, numbers, sizes = 1, 0.5, 600, tuple(min(size, 3000) for size in sizes[:2])
        people = min(people, 20_000)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ngazi-bench-") as folder:
        try:
            with Bench(Path(folder), Wishes(rounds, seconds, numbers, lines, sizes, people, only), click.echo) as bench:
                if look:
                    profile.show(bench)
                    return
                for table in wanted or TABLES:
                    TABLES[table](bench)
                bench.conclude(time.monotonic() - begun)
                if markdown:
                    markdown.write_text(bench.page())
        except (Wrong, NotStarted) as error:
            raise click.ClickException(str(error)) from None


if __name__ == "__main__":
    main()
