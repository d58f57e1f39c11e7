"""The commands `ngazi content export` and `import`: the texts of a language as a spreadsheet, and back."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import cast

import click

from dialogs.pofile import new_po
from dialogs.reading.values import did_you_mean
from dialogs.spreadsheet import Left, Only, Outcome, Sheet, Taken, Told, sheet_of, told, try_on
from dialogs.spreadsheet.rows import COLUMNS, ID, MOST_LETTERS, TEXT, dialogs_of, headings, language_of
from dialogs.written import Written, read_folder
from gateway.cli_facts import day_of_today
from gateway.content_folder import reads, writes
from gateway.po_files import refuse_broken, refuse_code, refuse_signer, write_whole
from gateway.translators_book import BookError, read_book, write_book, write_left

SHORT = 70  # letters of a text that are shown
MOST_LOOKS = 20  # warnings that are shown
EXPORT_AGAIN = "Put it back, or export again and paste the translations into that file."


@click.command(name="export")
@click.argument("language")
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--only", type=click.Choice(["missing", "old", "all"]), default="all", help="Which texts. Else: all.")
@click.option("--dialog", "dialogs", multiple=True, help="Only the texts of this dialog; may be given several times.")
@click.option("--name", default="", help="The own name of a new language, for example Kinyarwanda.")
@reads
def export_sheet(
    folder: Path, language: str, file: Path | None, only: str, dialogs: tuple[str, ...], name: str
) -> None:
    """Write the texts of a language into a spreadsheet for translators: FILE, else sw.xlsx here for sw.

    The PO file is not changed. Of a language that does not exist yet, the import of the sheet makes the file.
    """
    written = read_folder(folder)
    refuse_broken(written)
    po, own = _po_of(written, folder, language, name)
    known = dialogs_of(written)
    for dialog in dialogs:
        if dialog not in known:
            raise click.ClickException(f'There are no texts of "{dialog}". {did_you_mean(dialog, known)}')
    path = file or Path(f"{language}.xlsx")
    if path.suffix.lower() != ".xlsx":
        raise click.ClickException(f"{path.name}: sheets are written as .xlsx. LibreOffice opens and saves these too.")
    if path.exists():
        raise click.ClickException(f"There is a file {path} already; somebody's work may be in it. Name another one.")
    sheet = sheet_of(written, language, own, po, cast(Only, only), dialogs)
    try:
        write_book(sheet, path)
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror}.") from None
    _tell_exported(sheet, path)


def _tell_exported(sheet: Sheet, path: Path) -> None:
    states = [row.status for row in sheet.rows]
    parts = ", ".join(f"{states.count(state)} {state}" for state in ("done", "old", "missing"))
    click.echo(f"{path}: {len(states)} texts for {sheet.name} ({parts}), {len(sheet.glossary)} terms in the glossary")
    for id in sheet.too_long:
        click.echo(f"Left out: {id} has more than {MOST_LETTERS} letters, which no cell can hold. Use the PO file.")


@click.command(name="import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--language", default="", help="The language that it must be of. Else: what the sheet says.")
@click.option("--dry-run", is_flag=True, help="Only tell what would be written.")
@click.option("--reviewer", default="", help="Who has read every translation in the sheet, and signs for them.")
@writes
def import_sheet(folder: Path, file: Path, language: str, dry_run: bool, reviewer: str) -> None:
    """Write a spreadsheet that came back from translators into the PO file, as far as it still fits.

    What was translated from an older text, or changed by somebody else meanwhile, is listed and put beside the sheet:
    what is left of sw.xlsx into sw.left.xlsx. The checks run first: with an error, nothing is written into a language
    that is live; in a draft that row is left out. An empty cell deletes nothing.
    A translation that has come into the row of another text is listed and not written; where three or more have, cells
    have slipped, and nothing is written.
    """
    if reviewer:
        refuse_signer(reviewer)
    written = read_folder(folder)
    refuse_broken(written)
    try:
        first, lines = read_book(file)
    except BookError as error:
        raise click.ClickException(f"{error}") from None
    code = _language(first, language)
    _, own = _cells_of(first)
    po, name = _po_of(written, folder, code, own)
    if astray := _astray(first, headings(code, name, written.main.name)):
        raise click.ClickException(astray)
    rows = [row for number, cells in lines if (row := told(number, cells)) is not None]
    outcome = try_on(written, code, po, rows, day_of_today(), reviewer)
    _tell(outcome, name)
    if outcome.stopped:
        raise click.exceptions.Exit(1)
    path = folder / "locale" / f"{code}.po"
    if dry_run:
        click.echo("This was a dry run: nothing is written.")
        return
    _keep_left(outcome.taken.left, headings(code, name, written.main.name), file)
    if not path.exists() and not outcome.taken.written:
        click.echo(f"{path}: not begun, since nothing is translated")
        return
    path.parent.mkdir(exist_ok=True)
    write_whole(path, outcome.taken.po)


def _po_of(written: Written, folder: Path, code: str, name: str) -> tuple[str, str]:
    """The PO file of a language as it is, or a new one; and the own name of the language."""
    refuse_code(written, code, name)
    path = folder / "locale" / f"{code}.po"
    if path.exists():
        return path.read_text(encoding="utf-8"), written.languages[code].name
    name = " ".join(name.split())
    return new_po(code, name), name


def _cells_of(first: tuple[str, ...]) -> tuple[str, str]:
    """The headings of the source text and of the translation."""
    padded = [*first, *[""] * COLUMNS]
    return padded[TEXT - 1], padded[TEXT]


def _language(first: tuple[str, ...], wanted: str) -> str:
    code = language_of(first)
    if not code:
        text = f'The heading of column {_letter(ID)}, which is hidden, should be "id" and the code of the language.'
        raise click.ClickException(
            f"This is no sheet of ngazi content export, or its columns were moved, or a row put above them. {text}"
        )
    if wanted and wanted != code:
        raise click.ClickException(f"This sheet is for {code}, not for {wanted}.")
    return code


def _astray(found: tuple[str, ...], expected: tuple[str, ...]) -> str:
    """The first heading that is not where it was."""
    for column, heading in enumerate(expected):
        there = found[column] if column < len(found) else ""
        if there.strip() == heading:
            continue
        if heading in found:
            moved = f"stands in column {_letter(found.index(heading))}, and belongs in column {_letter(column)}"
            return f'The column "{heading}" {moved}. {EXPORT_AGAIN}'
        said = f'is headed "{there}"' if there else "has no heading"
        return f'Column {_letter(column)} {said}, and should be headed "{heading}". {EXPORT_AGAIN}'
    return ""


def _letter(column: int) -> str:
    return chr(ord("A") + column)


# --- telling ---


def _tell(outcome: Outcome, name: str) -> None:
    taken = outcome.taken
    if outcome.stopped:
        click.echo(f"Nothing is written, because {outcome.why}:")
        for line in outcome.stopped:
            click.echo(f"  {line}")
        if outcome.slipped:
            click.echo("Undo in the sheet what moved them, or export again and write the translations into that file.")
        return
    _list("Errors: these rows are left out, the others are written", taken.of("error"))
    _list("Refused: these rows are not read", taken.of("refused"))
    _list("Moved? These are translations of other rows, so they are not put in place", taken.of("moved"))
    _list("Old: the source text has changed since the export, so the translation is not put in place", taken.of("old"))
    _list("Conflicts: somebody else has changed these translations since the export", taken.of("conflict"))
    for row, why in taken.remarks:
        click.echo(f"{_place(row)}: {why}")
    for row in taken.emptied:
        click.echo(f"{_place(row)}: this cell was emptied. The translation in the file stays.")
    for row, why in outcome.looks[:MOST_LOOKS]:
        click.echo(f"{_place(row)}: please look: {why}")
    if len(outcome.looks) > MOST_LOOKS:
        click.echo(f"{len(outcome.looks) - MOST_LOOKS} more to look at, which ngazi content check lists too.")
    click.echo(f"{name}: {_counted(taken)}.")


def _list(title: str, left: Iterable[Left]) -> None:
    for number, each in enumerate(left):
        if not number:
            click.echo(f"{title}:")
        click.echo(f"  {_place(each.row)}: {each.why}")
        if each.kind == "old":
            click.echo(f"    was:     {_short(each.row.source)}\n    now:     {_short(each.now)}")
        if each.kind == "conflict":
            click.echo(f"    in file: {_short(each.held)}")
        if each.row.text.strip():
            click.echo(f"    written: {_short(each.row.text)}")


def _place(row: Told) -> str:
    return f"Row {row.number}, {row.where}" if row.where else f"Row {row.number}"


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= SHORT else f"{plain[: SHORT - 3]}..."


def _counted(taken: Taken) -> str:
    parts = [
        f"{len(taken.written)} written",
        f"{len(taken.confirmed)} old ones confirmed" if taken.confirmed else "",
        f"{taken.signed} signatures" if taken.signed else "",
        f"{taken.unchanged + len(taken.emptied)} unchanged",
        f"{taken.empty} empty" if taken.empty else "",
        f"{taken.behind} with an older source text and nothing new" if taken.behind else "",
        f"{len(moved)} moved?" if (moved := taken.of("moved")) else "",
        f"{len(taken.of('old'))} old",
        f"{len(taken.of('conflict'))} conflicts",
        f"{len(taken.of('refused')) + len(taken.of('error'))} refused",
    ]
    return ", ".join(part for part in parts if part)


def _keep_left(left: list[Left], first: tuple[str, ...], file: Path) -> None:
    """Put what was not written beside the sheet, never over an older list."""
    worth = [each for each in left if each.row.text.strip() or each.row.odd or each.row.reviewers]
    if not worth:
        return
    path, number = file.with_name(f"{file.stem}.left.xlsx"), 2
    while path.exists():
        path, number = file.with_name(f"{file.stem}.left-{number}.xlsx"), number + 1
    try:
        write_left(worth, first, path)
    except OSError as error:
        why = f"{path} cannot be written: {error.strerror}. Nothing is imported, so that nothing is lost."
        raise click.ClickException(why) from None
    click.echo(f"{path}: {len(worth)} {'row that was' if len(worth) == 1 else 'rows that were'} not written")
