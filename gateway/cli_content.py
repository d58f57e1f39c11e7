"""The commands `ngazi content ...`: check the content, see how far languages are, bring PO files up to date, draw."""

from __future__ import annotations

import os
import re
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from dialogs.check import check_content, report
from dialogs.check.paths import draw as drawn
from dialogs.check.sources import sources
from dialogs.check.translation import Tally, tallies
from dialogs.content import find_folder
from dialogs.locale import Language
from dialogs.pofile import new_po, read_po, template, update
from dialogs.problem import errors
from dialogs.written import Written, read_folder

CODE = re.compile(r"[a-z]{2,3}(?:[_-][A-Za-z0-9]{2,8})*")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--content",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="The content folder, instead of NGAZI_CONTENT or ./content.",
)
@click.pass_context
def content(ctx: click.Context, folder: Path | None) -> None:
    """Look after the content: dialogs, reminders, languages."""
    ctx.obj = folder or find_folder(os.environ)
    if not ctx.obj.is_dir():
        raise click.ClickException(f"There is no folder {ctx.obj}.")


@content.command()
@click.option("--json", "as_json", is_flag=True, help="As a JSON list.")
@click.option("--github", is_flag=True, help="As annotations for GitHub.")
@click.option("--drafts/--no-drafts", default=None, help="Draft languages are shown to people too. Else: NGAZI_DRAFTS.")
@click.pass_obj
def check(folder: Path, as_json: bool, github: bool, drafts: bool | None) -> None:
    """List every problem. Ends with 1 if one of them is an error."""
    if drafts is None:
        drafts = os.environ.get("NGAZI_DRAFTS", "") == "show"
    written = read_folder(folder)
    problems = check_content(written, drafts=drafts)
    if as_json:
        click.echo(report.as_json(problems), nl=False)
    elif github:
        click.echo(report.as_github(problems), nl=False)
    else:
        click.echo(report.as_text(problems, written.files), nl=False)
    if errors(problems):
        raise click.exceptions.Exit(1)


@content.command()
@click.pass_obj
def status(folder: Path) -> None:
    """Show how far each language is, dialog by dialog."""
    written = read_folder(folder)
    languages = written.translations()
    found = {language.code: tallies(written, language) for language in languages}
    table = Table("", *(_heading(language) for language in languages), caption="done / old / missing")
    dialogs = dict.fromkeys(dialog for by_dialog in found.values() for dialog in by_dialog)
    for dialog in dialogs:
        table.add_row(dialog, *(_cell(found[language.code][dialog]) for language in languages))
    table.add_section()
    table.add_row("all", *(_cell(_sum(list(found[language.code].values()))) for language in languages))
    Console(highlight=False).print(table if languages else "There is no translation yet: ngazi content update sw")


def _heading(language: Language) -> str:
    return f"{language.name}\n{language.code}, {language.status}"


def _cell(tally: Tally) -> str:
    stale, missing = len(tally.stale), len(tally.missing)
    return f"{tally.done} / {stale} / {missing}" if stale or missing else str(tally.done)


def _sum(some: list[Tally]) -> Tally:
    return Tally(
        sum(tally.done for tally in some),
        [id for tally in some for id in tally.stale],
        [id for tally in some for id in tally.missing],
    )


@content.command(name="update")
@click.argument("languages", nargs=-1)
@click.option("--name", default="", help="The own name of a new language, for example Kiswahili.")
@click.pass_obj
def update_(folder: Path, languages: tuple[str, ...], name: str) -> None:
    """Bring the PO files of these languages (else of all) up to the source texts; a new code makes a new file.

    Translations of unchanged texts stay, changed texts are marked fuzzy, what is gone is put aside.
    """
    written = read_folder(folder)
    _refuse_broken(written)
    texts, locale = sources(written), folder / "locale"
    locale.mkdir(exist_ok=True)
    codes = languages or tuple(language.code for language in written.translations())
    for code in codes:
        path = locale / f"{code}.po"
        if not CODE.fullmatch(code) or code == written.common.language:
            raise click.ClickException(f"{code} is no language to translate into.")
        if not path.exists() and not name:
            raise click.ClickException(f'There is no {path.name} yet. To begin one, add --name "its own name".')
        old = path.read_text(encoding="utf-8") if path.exists() else new_po(code, name)
        _write(path, update(old, texts))
    _write(locale / "source.pot", template(texts))


def _refuse_broken(written: Written) -> None:
    """What cannot be read would look as if its texts were gone."""
    broken = [dialog.at.file for dialog in written.dialogs.values() if dialog.broken]
    broken += [series.at.file for series in written.series.values() if series.broken]
    broken += [problem.at.file for problem in written.problems if problem.level == "error"]
    if broken:
        raise click.ClickException(f"Mend {broken[0]} first: ngazi content check")


def _write(path: Path, text: str) -> None:
    """Put a file in place as a whole: a reader sees the old one or the new one."""
    if path.exists() and path.read_bytes() == text.encode():
        click.echo(f"{path}: nothing has changed")
        return
    beside = path.with_suffix(".new~")
    beside.write_bytes(text.encode())
    beside.replace(path)
    po, _ = read_po(path.name, text)
    entries = po.entries if po else ()
    left = sum(1 for entry in entries if not entry.text or entry.fuzzy)
    click.echo(f"{path}: {len(entries)} texts" + (f", {left} to translate" if path.suffix == ".po" else ""))


@content.command()
@click.argument("dialog", default="")
@click.pass_obj
def draw(folder: Path, dialog: str) -> None:
    """Draw a Mermaid map of all dialogs, or of the steps of one."""
    written = read_folder(folder)
    if dialog and dialog not in written.dialogs:
        raise click.ClickException(f"There is no dialog {dialog}. There are: {', '.join(written.dialogs)}")
    click.echo(drawn(written.dialogs, dialog), nl=False)
