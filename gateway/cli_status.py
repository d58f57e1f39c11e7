"""The command `ngazi content status`: how far each language is, and who has signed for it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text as Line

from dialogs.check.how_far import HowFar, Part, how_far
from dialogs.reading.values import did_you_mean
from dialogs.written import Written, read_folder

FOR_FILES = 120  # letters in a line where no terminal says how many there are


@click.command()
@click.option("--language", "code", default="", help="One language, with the texts that are old or missing.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON list.")
@click.pass_obj
def status(folder: Path, code: str, as_json: bool) -> None:
    """Show how far each language is, dialog by dialog, and how many texts are signed by two people or by one."""
    written = read_folder(folder)
    languages = {language.code: language for language in written.translations()}
    if code and code not in languages:
        raise click.ClickException(f'There is no language "{code}". {did_you_mean(code, languages)}'.strip())
    chosen = [languages[code]] if code else list(languages.values())
    found = [how_far(written, language) for language in chosen]
    if as_json:
        rows = [_row(written, far, listed=bool(code)) for far in found]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    if not found:
        click.echo("There is no translation yet: ngazi content update sw --name Kiswahili")
        return
    console = Console(highlight=False, width=None if sys.stdout.isatty() else FOR_FILES)
    console.print(_languages(found))
    console.print(_dialogs(found))
    if code:
        _list(written, found[0])


def _languages(found: list[HowFar]) -> Table:
    """One row for each language: the texts, and who has signed for them."""
    table = Table("", "", "status", "letters", caption="old: the source text has changed since")
    for heading in ("done", "", "old", "missing", "signed by two", "by one"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("reviewers")
    for far in found:
        language, whole = far.language, far.all
        numbers = (whole.done, f"{whole.percent} %", len(whole.stale), len(whole.missing), whole.twice, whole.once)
        names = ", ".join(f"{name} {number}" for name, number in far.reviewers.items())
        table.add_row(language.code, language.name, language.status, language.letters, *map(str, numbers), names)
    return table


def _dialogs(found: list[HowFar]) -> Table:
    """One row for each dialog, one narrow column for each language."""
    caption = "28: all of them; 12/28: so many of so many; *: some are old; -: none"
    table = Table("", caption=caption, pad_edge=False)
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
