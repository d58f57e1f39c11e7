"""The command `ngazi content preview`: every screen of a dialog in the terminal, as a phone will show it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import click
from rich.cells import cell_len

from dialogs.check.speech import Speech
from dialogs.preview import SMS, Screen, View, Wish, preview, spoken_languages
from dialogs.problem import errors
from dialogs.reading.values import did_you_mean
from dialogs.screen import Room
from dialogs.script import Dialog
from dialogs.written import Written, read_folder
from gateway.content_folder import reads
from gateway.po_files import broken_languages, known_language

NARROWEST, WIDEST = 24, 60  # letters of a drawn screen; longer lines are turned as phones turn them


def a_country(ctx: click.Context, param: click.Parameter, written: str) -> str:
    """The code of a country in large letters; its name is refused, for nothing would be found under it."""
    code = written.strip().upper()
    if code and not (len(code) == 2 and code.isascii() and code.isalpha()):
        raise click.BadParameter(f'"{written}": write the two letters of the country, such as TZ.', ctx, param)
    return code


@click.command(name="preview")
@click.argument("name", metavar="DIALOG")
@click.argument("languages", nargs=-1)
@click.option("--language", "codes", multiple=True, help="The same as LANGUAGES: only this one, such as sw.")
@click.option("--step", default="", help="Only this step.")
@click.option("--channel", type=click.Choice(["ussd", "sms"]), default="ussd", show_default=True, help="Shown on what.")
@click.option("--septets", type=click.IntRange(40, 1000), default=160, show_default=True, help="What a screen holds.")
@click.option("--country", default="", callback=a_country, help="Facts are those of this country, such as TZ.")
@click.option("--drafts", is_flag=True, help="Show old translations too; phones never do.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON list.")
@reads
def preview_(
    folder: Path,
    name: str,
    languages: tuple[str, ...],
    codes: tuple[str, ...],
    step: str,
    channel: str,
    septets: int,
    country: str,
    drafts: bool,
    as_json: bool,
) -> None:
    """Show every screen of DIALOG as a phone will, in these LANGUAGES, else in every language.

    Below each screen stands how long it is, with plain examples for the names in braces and again with everything at
    its widest. Marked with ! is what does not fit, what another language says, and what nobody can read.
    """
    written = read_folder(folder)
    dialog = _found(written, name, step)
    room = SMS if channel == "sms" else Room(septets=septets, units=septets * 7 // 16)
    wish = Wish(room, country, drafts)
    everyone = spoken_languages(written)
    chosen = _chosen(written, everyone, [*languages, *codes])
    shown = [(speech, preview(written, dialog, speech, wish, step, everyone)) for speech in chosen]
    if as_json:
        rows = [asdict(view) for _, views in shown for view in views]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for sentence in () if languages or codes else broken_languages(written):
        click.echo(sentence, err=True)
    for speech, views in shown:
        click.echo("\n".join(_language(written, dialog, speech, views, wish)))
    if errors(list(written.problems)):
        click.echo("The content has errors, so something may be missing here: ngazi content check", err=True)


def _found(written: Written, name: str, step: str) -> Dialog:
    dialog = written.dialogs.get(name)
    if dialog is None:
        raise click.ClickException(f"There is no dialog {name}. {did_you_mean(name, written.dialogs)}")
    if not dialog.steps:
        raise click.ClickException(f"No step of {name} can be read: ngazi content check")
    if step and dialog.step(step) is None:
        raise click.ClickException(f"There is no step {step} in {name}. {did_you_mean(step, dialog.index)}")
    return dialog


def _chosen(written: Written, everyone: Sequence[Speech], codes: Sequence[str]) -> list[Speech]:
    speeches = {speech.language.code: speech for speech in everyone}
    for code in codes:
        if code in written.languages and code not in speeches:
            known_language(written, code)
        if code not in speeches:
            raise click.ClickException(f"There is no language {code}. {did_you_mean(code, speeches)}")
    return [speeches[code] for code in dict.fromkeys(codes or speeches)]


def _language(written: Written, dialog: Dialog, speech: Speech, views: list[View], wish: Wish) -> Iterator[str]:
    language = speech.language
    draft = ", a draft" if language.status == "draft" else ""
    title = speech.wording.get(dialog.title.id, dialog.id)
    yield f"=== {dialog.id}: {title} === {language.name} ({language.code}{draft})"
    yield ""
    for view in views:
        for condition in view.only_if:
            yield f"only if {condition}"
        yield f"{view.step}: {view.what}"
        for number, screen in enumerate(view.screens, 1):
            yield from _box(screen.text)
            yield f"  {_measured(view, number - 1, wish)}"
        yield from (f"  ! {mark}" for mark in _marks(view, wish))
        yield ""


def _box(text: str) -> Iterator[str]:
    """The text in a frame; long lines go on in the next, as on a phone."""
    lines = [row for line in text.split("\n") for row in _rows(line)]
    width = max(NARROWEST, *(cell_len(line) for line in lines))
    yield f"  +{'-' * (width + 2)}+"
    for line in lines:
        yield f"  | {line}{' ' * (width - cell_len(line))} |"
    yield f"  +{'-' * (width + 2)}+"


def _rows(line: str) -> Iterator[str]:
    while cell_len(line) > WIDEST:
        at = line.rfind(" ", 1, WIDEST) + 1 or WIDEST // 2
        yield line[:at].rstrip()
        line = line[at:]
    yield line


def _measured(view: View, place: int, wish: Wish) -> str:
    screen = view.screens[place]
    page = f"page {place + 1} of {len(view.screens)}, " if len(view.screens) > 1 else ""
    said = f"{page}{_length(screen)}"
    if not wish.sms:
        said += f"; by SMS {screen.segments}" if len(view.screens) == 1 else ""
    if view.widest != view.screens:
        same = len(view.widest) == len(view.screens)
        if same and view.widest[place] != screen:
            said += f". At its widest {_length(view.widest[place])}"
        elif not same and place + 1 == len(view.screens):
            said += f". At its widest {len(view.widest)} screens"
    return said


def _length(screen: Screen) -> str:
    unit = "septets" if screen.gsm7 else f"letters, because of {' '.join(screen.odd[:8])}"
    if not screen.limit:
        return f"{screen.length} {unit}, {screen.segments} SMS"
    return f"{screen.length} of {screen.limit} {unit}"


def _marks(view: View, wish: Wish) -> Iterator[str]:
    if view.over:
        yield f"does not fit: {view.over} too many"
    if view.borrowed:
        yield f"not translated: {' and '.join(view.borrowed)} is read instead"
    if view.unfinished:
        yield "an old translation: not shown on phones yet" if wish.unfinished else "a translation is old: not used"
    if view.unknown:
        names = " ".join(f"{{{name}}}" for name in view.unknown[:8])
        yield f"nothing has the name {names}: nothing will stand there"
    if view.lost:
        yield f"phones cannot show {' '.join(view.lost[:8])}: a ? stands there"
