"""The command `ngazi content status`: how far each language is, and who has signed for it."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text as Line

from dialogs.check.how_far import HowFar, Part, how_far
from dialogs.reading.values import did_you_mean
from dialogs.written import Written, read_folder


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
    console = Console(highlight=False, soft_wrap=True)
    for far in found:
        click.echo(in_one_line(far))
    console.print(_table(found))
    if code:
        _list(written, found[0])


def in_one_line(far: HowFar) -> str:
    """Status, percent, letters and reviewers of one language."""
    language = far.language
    names = ", ".join(f"{name} {number}" for name, number in far.reviewers.items())
    return (
        f"{language.name} ({language.code}): {language.status}, {far.all.percent} % translated, "
        f"letters {language.letters}, signed by {names or 'nobody'}"
    )


def _table(found: list[HowFar]) -> Table:
    table = Table("", caption="texts: done / old / missing; signed: by two people / by one")
    for far in found:
        table.add_column(f"{far.language.name}\ntexts")
        table.add_column(f"{far.language.code}\nsigned")
    for dialog in dict.fromkeys(dialog for far in found for dialog in far.dialogs):
        table.add_row(dialog, *(cell for far in found for cell in _cells(far.dialogs.get(dialog, Part()))))
    table.add_section()
    table.add_row("all", *(cell for far in found for cell in _cells(far.all)))
    return table


def _cells(part: Part) -> tuple[str, str]:
    stale, missing = len(part.stale), len(part.missing)
    texts = f"{part.done} / {stale} / {missing}" if stale or missing else str(part.done)
    return texts, f"{part.twice} / {part.once}"


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
