"""The command `ngazi content live`: a language goes from draft to live if the checker finds no error, and back."""

from __future__ import annotations

from pathlib import Path

import click

from dialogs.check import check_content, report
from dialogs.pofile import parse
from dialogs.problem import errors
from dialogs.written import Written, read_files, read_folder
from gateway.content_folder import writes
from gateway.po_files import known_language, write_whole


@click.command()
@click.argument("language")
@click.option("--back", is_flag=True, help="Make a draft of it again, at once.")
@writes
def live(folder: Path, language: str, back: bool) -> None:
    """Show a language to everybody. Refused while the checker finds an error in it: a text not signed by two people, a
    screen that does not fit.
    """
    written = read_folder(folder)
    spoken = known_language(written, language)
    path = folder / "locale" / f"{language}.po"
    file = parse(path.read_text(encoding="utf-8"))
    file.metadata["X-Status"] = "draft" if back else "live"
    if not back:
        _refuse_errors(written, spoken.file, str(file))
    write_whole(path, str(file))
    click.echo(f"{spoken.name} is a draft again." if back else f"{spoken.name} is live once the gateway has read it.")


def _refuse_errors(written: Written, name: str, text: str) -> None:
    """Check the content as it would be, before anything is written."""
    files = {**written.files, name: text}
    raw = {each: said.encode("utf-8", "surrogateescape") for each, said in files.items()}
    found = errors([problem for problem in check_content(read_files(raw, written.root)) if problem.at.file == name])
    if found:
        click.echo(report.as_text(found, files), nl=False)
        raise click.ClickException("It stays a draft until this is mended.")
