"""The command `ngazi content status`: how far each language is, and who has signed for it."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text as Line

from dialogs.check.how_far import HowFar, Part, how_far
from dialogs.written import Written, read_folder
from gateway.content_folder import reads
from gateway.po_files import broken_languages, known_language

FOR_FILES = 120  # letters in a line where no terminal says how many there are
LANGUAGES_SAY = "old: the source text has changed since; by two, by one: signed by so many"
DIALOGS_SAY = "28: all of them; 12/28: so many of so many; *: some are old; -: none"


@click.command()
@click.argument("languages", nargs=-1)
@click.option("--language", "codes", multiple=True, help="The same as LANGUAGES: only this one, such as sw.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON list.")
@reads
def status(folder: Path, languages: tuple[str, ...], codes: tuple[str, ...], as_json: bool) -> None:
    """Show how far each language is, dialog by dialog, and how many texts are signed by two people or by one.

    Of the LANGUAGES that are named, such as sw, the texts that are old or missing are listed too.
    """
    written = read_folder(folder)
    named = dict.fromkeys([*languages, *codes])
    chosen = [known_language(written, code) for code in named] or written.translations()
    found = [how_far(written, language) for language in chosen]
    for sentence in () if named else broken_languages(written):
        click.echo(sentence, err=True)
    if as_json:
        rows = [_row(written, far, listed=bool(named)) for far in found]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    if not found:
        click.echo("There is no translation yet: ngazi content update sw --name Kiswahili")
        return
    console = Console(highlight=False, width=None if sys.stdout.isatty() else FOR_FILES)
    console.print(languages_table(found))
    console.print(LANGUAGES_SAY)
    for far in found:
        if far.reviewers:
            names = ", ".join(f"{name} {number}" for name, number in far.reviewers.items())
            console.print(Line(f"Signed in {far.language.name}: {names}"))
    console.print()
    console.print(_dialogs(found))
    console.print(DIALOGS_SAY)
    for far in found if named else ():
        _list(written, far)


def languages_table(found: Sequence[HowFar]) -> Table:
    """One row for each language: its texts, and by how many people they are signed. It fits 80 letters."""
    table = Table("", Column("", overflow="fold"), box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for heading in ("", "letters"):
        table.add_column(heading, no_wrap=True)
    for heading in ("done", "", "old", "missing", "by two", "by one"):
        table.add_column(heading, justify="right", no_wrap=True)
    for far in found:
        language, whole = far.language, far.all
        numbers = (whole.done, f"{whole.percent}%", len(whole.stale), len(whole.missing), whole.twice, whole.once)
        table.add_row(language.code, language.name, language.status, language.letters, *map(str, numbers))
    return table


def _dialogs(found: list[HowFar]) -> Table:
    """One row for each dialog, one narrow column for each language."""
    table = Table("", pad_edge=False)
    for far in found:
        table.add_column(far.language.code, justify="right", no_wrap=True)
    for dialog in dict.fromkeys(dialog for far in found for dialog in far.dialogs):
        table.add_row(dialog, *(_cell(far.dialogs.get(dialog, Part())) for far in found))
    return table


def _cell(part: Part) -> str:
    if part.done == part.texts:
        return str(part.done)
    if not part.done and not part.stale:
        return "-"
    return f"{part.done}/{part.texts}{'*' if part.stale else ''}"


def _list(written: Written, far: HowFar) -> None:
    console, texts = Console(highlight=False, soft_wrap=True), written.texts()
    for title, ids in (("Old", far.all.stale), ("Missing", far.all.missing)):
        if ids:
            console.print(f"\n{title}:")
        for id in ids:
            console.print(Line(f"  {id}: {' '.join(texts[id].source.split())}"))


def _row(written: Written, far: HowFar, *, listed: bool) -> dict[str, object]:
    language, texts = far.language, written.texts()
    row: dict[str, object] = {
        "language": language.code,
        "name": language.name,
        "status": language.status,
        "letters": language.letters,
        "percent": far.all.percent,
        **_numbers(far.all),
        "reviewers": dict(far.reviewers),
        "dialogs": {dialog: _numbers(part) for dialog, part in far.dialogs.items()},
    }
    if listed:
        for name, ids in (("old_texts", far.all.stale), ("missing_texts", far.all.missing)):
            row[name] = [{"id": id, "source": texts[id].source} for id in ids]
    return row


def _numbers(part: Part) -> dict[str, int]:
    return {
        "done": part.done,
        "old": len(part.stale),
        "missing": len(part.missing),
        "signed_by_two": part.twice,
        "signed_by_one": part.once,
    }
