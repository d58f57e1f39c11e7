"""Writes the pages of docs/ that are made from the code: `make docs`. The tests compare them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import click

from dialogs.check import catalogue, standards
from dialogs.content import BUNDLED
from dialogs.written import read_folder
from gateway.cli import main
from gateway.settings_page import describe

DOCS = Path(__file__).resolve().parent.parent / "docs"


def commands() -> str:
    """Every command with its help, as `--help` shows it."""
    pages = ["# Commands\n\nThis page is made from the program: `make docs`.\n"]
    pages += [f"## {name}\n\n```text\n{help}\n```\n" for name, help in _helps(main, "ngazi")]
    return "\n".join(pages)


def _helps(command: click.Command, name: str) -> Iterator[tuple[str, str]]:
    names = ["-h", "--help"]
    with click.Context(
        command, info_name=name, terminal_width=80, max_content_width=80, help_option_names=names
    ) as context:
        yield name, command.get_help(context)
        if isinstance(command, click.Group):
            for each in command.list_commands(context):
                found = command.get_command(context, each)
                assert found is not None
                yield from _helps(found, f"{name} {each}")


PAGES: Mapping[str, Callable[[], str]] = {
    "commands.md": commands,
    "settings.md": describe,
    "problems.md": catalogue.page,
    "standards.md": lambda: standards.page(read_folder(BUNDLED)),
}

if __name__ == "__main__":
    for page, make in PAGES.items():
        (DOCS / page).write_text(make(), encoding="utf-8")
        print(f"docs/{page}")
