"""The commands `ngazi content ...`: check the content, see how far languages are, bring PO files up to date, draw."""

from __future__ import annotations

import os
from pathlib import Path

import click

from dialogs.check import check_content, report
from dialogs.check.drawing import draw as drawn
from dialogs.check.sources import sources
from dialogs.letters import advice_for
from dialogs.pofile import new_po, signatures, template, update
from dialogs.problem import Problem, errors
from dialogs.reading.values import did_you_mean
from dialogs.written import Written, read_folder
from gateway.cli_facts import day_of_today, list_facts
from gateway.cli_live import live
from gateway.cli_preview import preview_
from gateway.cli_price import price
from gateway.cli_reviews import review
from gateway.cli_status import status
from gateway.cli_translators import export_sheet, import_sheet
from gateway.content_folder import reads, writes
from gateway.po_files import refuse_broken, refuse_code, write_whole
from gateway.watching import watch


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--content",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="The content folder. Else: NGAZI_CONTENT, or the folder content here.",
)
@click.pass_context
def content(ctx: click.Context, folder: Path | None) -> None:
    """Look after the content: dialogs, reminders, languages.

    Where there is no folder content, commands that only read take the content that came with the program, and say so;
    import, live, review and update refuse.
    """
    ctx.obj = folder


content.add_command(list_facts)
content.add_command(live)
content.add_command(preview_)
content.add_command(price)
content.add_command(review)
content.add_command(status)
content.add_command(export_sheet)
content.add_command(import_sheet)


@content.command()
@click.option("--json", "as_json", is_flag=True, help="As a JSON list.")
@click.option("--github", is_flag=True, help="As annotations for GitHub.")
@click.option("--drafts/--no-drafts", default=None, help="Draft languages are shown to people too. Else: NGAZI_DRAFTS.")
@click.option("--watch", "watched", is_flag=True, help="Check again whenever a file changes, until Ctrl+C.")
@reads
def check(folder: Path, as_json: bool, github: bool, drafts: bool | None, watched: bool) -> None:
    """List every problem. Ends with 1 if one of them is an error."""
    shown = os.environ.get("NGAZI_DRAFTS", "") == "show" if drafts is None else drafts

    def checked() -> tuple[Written, list[Problem]]:
        written = read_folder(folder)
        return written, check_content(written, drafts=shown, today=day_of_today())

    if watched:
        if as_json or github:
            raise click.UsageError("--watch is for people: leave out --json and --github.")
        return watch(folder, checked, lambda text: click.echo(text, nl=False))
    written, problems = checked()
    if as_json:
        click.echo(report.as_json(problems), nl=False)
    elif github:
        click.echo(report.as_github(problems), nl=False)
    else:
        click.echo(report.as_text(problems, written.files), nl=False)
    if errors(problems):
        raise click.exceptions.Exit(1)


@content.command(name="update")
@click.argument("languages", nargs=-1)
@click.option("--name", default="", help="The own name of a new language, for example Kiswahili.")
@writes
def update_(folder: Path, languages: tuple[str, ...], name: str) -> None:
    """Bring the PO files of these languages (else of all) up to the source texts; a new code makes a new file.

    Translations of unchanged texts stay; those of changed texts are kept as old, and what is gone is put aside.
    Signatures of reviewers stay as long as text and translation do.
    """
    written = read_folder(folder)
    refuse_broken(written)
    texts, locale = sources(written), folder / "locale"
    codes = languages or tuple(language.code for language in written.translations())
    for code in codes:
        refuse_code(written, code, name)
    locale.mkdir(exist_ok=True)
    for code in codes:
        path = locale / f"{code}.po"
        if path.exists() and name not in ("", written.languages[code].name):
            click.echo(f"--name is ignored: the name stands in {path}, in the line X-Name. Change it there.", err=True)
        old = path.read_text(encoding="utf-8") if path.exists() else new_po(code, name, advice_for(code).headers())
        new = update(old, texts)
        write_whole(path, new)
        if void := signatures(old) - signatures(new):
            many = (
                "1 signature dropped, as its text has"
                if void == 1
                else f"{void} signatures dropped, as their texts have"
            )
            click.echo(f"{path}: {many} changed or moved to another dialog")
    write_whole(locale / "source.pot", template(texts))


@content.command()
@click.argument("dialog", default="")
@reads
def draw(folder: Path, dialog: str) -> None:
    """Draw a Mermaid map of all dialogs, or of the steps of one."""
    written = read_folder(folder)
    if dialog and dialog not in written.dialogs:
        raise click.ClickException(f"There is no dialog {dialog}. {did_you_mean(dialog, written.dialogs)}")
    click.echo(drawn(written.dialogs, dialog), nl=False)
