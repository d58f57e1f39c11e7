"""The command `ngazi content review`: a speaker reads the texts of a language and signs for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import click

from dialogs.check import check_content
from dialogs.check.how_far import how_far
from dialogs.check.sources import sources
from dialogs.check.translation import dialog_of, state
from dialogs.gsm import measure
from dialogs.locale import Language
from dialogs.pofile import Entry, parse
from dialogs.problem import Problem
from dialogs.reading.values import did_you_mean
from dialogs.reviews import same_person, sign
from dialogs.script import Text
from dialogs.written import Written, read_folder
from gateway.content_folder import writes
from gateway.po_files import known_language, refuse_signer, write_whole

PORTION = 12  # texts that are shown at once: what a screen and a mind hold


@click.command()
@click.argument("language")
@click.option("--by", required=True, help="Your name; it stands in the file beside each text that you sign.")
@click.option("--dialog", "dialogs", multiple=True, help="Only this dialog; may be given several times.")
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="The day of the review, instead of today.")
@click.option("--yes", is_flag=True, help="Sign without asking: for scripts.")
@writes
def review(folder: Path, language: str, by: str, dialogs: tuple[str, ...], on: datetime | None, yes: bool) -> None:
    """Read the texts of a language, some at a time, and sign for them with your name.

    Below each portion: y signs all of it, n none of it, and numbers such as 3 7 leave those texts out. What is signed
    is saved at once, so you may stop at any time with Ctrl+C, and go on another day. A signature holds as long as
    neither the text nor its translation changes. A live language needs two for each text.
    """
    by = " ".join(by.split())
    refuse_signer(by)
    day = _day(on)
    written = read_folder(folder)
    spoken = _spoken(written, language)
    reading = _Reading(written, spoken, by)
    _refuse_unknown(dialogs, reading.by_dialog)
    path, signed, stopped = folder / "locale" / f"{language}.po", 0, False
    for title, ids in _portions(reading, dialogs, len(reading.texts) if yes else PORTION):
        click.echo(title)
        for number, id in enumerate(ids, 1):
            click.echo("\n".join(["", f"{number}. {id}", *reading.shown(id)]))
        click.echo()
        try:
            wanted = ids if yes else _asked(by, ids)
        except click.Abort:
            stopped = True
            click.echo()
            break
        if wanted:
            signed += _sign(path, reading.chosen(wanted), by, day)
    click.echo(f"{_texts(signed)} signed by {by}.")
    for line in reading.left_out():
        click.echo(line)
    _tell_what_is_needed(folder, language)
    if stopped:
        raise click.exceptions.Exit(1)


def _day(on: datetime | None) -> str:
    """The day of the signatures: no later one than today, here or in Greenwich."""
    today = max(datetime.now(UTC).date(), datetime.now().astimezone().date())
    if on is not None and on.date() > today:
        raise click.ClickException(f"--on {on:%Y-%m-%d}: that day is still to come.")
    return f"{on or datetime.now(UTC):%Y-%m-%d}"


def _portions(reading: _Reading, dialogs: Sequence[str], most: int) -> Iterator[tuple[str, list[str]]]:
    """The texts to sign, dialog by dialog, at most so many at once, each portion with its heading."""
    for dialog, ids in reading.by_dialog.items():
        if dialogs and dialog not in dialogs:
            continue
        to_sign = [id for id in ids if reading.why_not(id) == ""]
        reading.leave_out(ids)
        for first in range(0, len(to_sign), most):
            some = to_sign[first : first + most]
            place = f", {first + 1} to {first + len(some)}" if len(some) < len(to_sign) else ""
            yield f"== {dialog}: {_texts(len(to_sign))}{place}", some


def _asked(by: str, ids: Sequence[str]) -> list[str]:
    """Those of these texts that the reviewer signs. Raises Abort where nobody answers."""
    these = "this text" if len(ids) == 1 else f"these {len(ids)} texts"
    while True:
        said = click.prompt(f"Do you, {by}, sign {these}? y, n, or the numbers to leave out", default="n")
        words = said.replace(",", " ").casefold().split()
        if words in (["y"], ["yes"]):
            return [*ids]
        if words in ([], ["n"], ["no"]):
            return []
        if all(word.isdecimal() and 1 <= int(word) <= len(ids) for word in words):
            out = {int(word) for word in words}
            return [id for number, id in enumerate(ids, 1) if number not in out]
        click.echo(f"Type y, n, or numbers from 1 to {len(ids)} with blanks between them.")


def _texts(number: int) -> str:
    return "1 text" if number == 1 else f"{number} texts"


def _spoken(written: Written, code: str) -> Language:
    if code == written.common.language:
        raise click.ClickException(f"{written.main.name} is the language of the files themselves: it needs no review.")
    return known_language(written, code)


def _refuse_unknown(dialogs: Sequence[str], known: Mapping[str, object]) -> None:
    for dialog in dialogs:
        if dialog not in known:
            raise click.ClickException(f'There is no dialog "{dialog}". {did_you_mean(dialog, known)}'.strip())


@dataclass(slots=True)
class _Reading:
    """The texts of a language as its reviewer reads them."""

    written: Written
    language: Language
    by: str
    by_dialog: dict[str, list[str]] = field(init=False)
    problems: dict[int, list[Problem]] = field(init=False)
    limits: dict[str, int] = field(init=False)
    wording: dict[str, str] = field(init=False)
    texts: Mapping[str, Text] = field(init=False)
    left: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.by_dialog, self.problems, self.texts = {}, {}, self.written.texts()
        for id in self.texts:
            self.by_dialog.setdefault(dialog_of(id), []).append(id)
        for problem in check_content(self.written, drafts=True):
            if problem.at.file == self.language.file:
                self.problems.setdefault(problem.at.line, []).append(problem)
        self.limits = {source.id: source.limit for source in sources(self.written)}
        self.wording = self.written.wording(self.language)

    def why_not(self, id: str) -> str:
        """Why a text is not to be signed now; "" if it is."""
        entry = self.language.entries.get(id)
        match state(entry, self.texts[id]):
            case "missing":
                return "not translated yet"
            case "stale":
                return "whose translation is old"
        if entry and any(each.valid and same_person(each.by) == same_person(self.by) for each in entry.reviews):
            return f"signed by {self.by} before, as they are now"
        return ""

    def leave_out(self, ids: Sequence[str]) -> None:
        """Count the texts that are not to be signed, by the reason."""
        for id in ids:
            if why := self.why_not(id):
                self.left[why] = self.left.get(why, 0) + 1

    def left_out(self) -> list[str]:
        """A line for each reason."""
        return [f"Left out: {_texts(number)} {why}." for why, number in self.left.items()]

    def chosen(self, ids: Sequence[str]) -> dict[str, Entry]:
        """The entries as they were shown."""
        return {id: self.language.entries[id] for id in ids}

    def shown(self, id: str) -> list[str]:
        """The lines in which a reviewer sees a text: both languages, how it reads on a phone, what is odd about it."""
        entry, phone, limit = self.language.entries[id], self.wording[id], self.limits.get(id, 0)
        width = max(len(self.written.main.name), len(self.language.name), len("On a phone"))
        lines = [f"  {self.written.main.name:{width}}  {entry.source}"]
        lines.append(f"  {self.language.name:{width}}  {entry.text}")
        if phone != entry.text:
            lines.append(f"  {'On a phone':{width}}  {phone}")
        length, plain = measure(phone)
        room = f" of at most {limit}" if limit and plain else ""
        lines.append(f"  {'':{width}}  {length} letters{room}{'' if plain else ', and a screen holds 70 of these'}")
        if names := ", ".join(f"{each.by} {each.on}".strip() for each in entry.reviews if each.valid):
            lines.append(f"  {'':{width}}  signed by {names}")
        lines += [f"  {problem.level}: {problem.text}" for problem in self.problems.get(entry.at.line, ())]
        return lines


def _sign(path: Path, chosen: Mapping[str, Entry], by: str, day: str) -> int:
    """Sign these entries where the file still says what was shown, and write it. Gives how many were signed."""
    file, signed = parse(path.read_text(encoding="utf-8")), 0
    for entry in file:
        shown = None if entry.obsolete else chosen.get(entry.msgctxt or "")
        if shown is not None and (entry.msgid, entry.msgstr, entry.fuzzy) == (shown.source, shown.text, False):
            entry.tcomment = sign(entry.tcomment, entry.msgid, entry.msgstr, by, day)
            signed += 1
    write_whole(path, str(file), quiet=True)
    return signed


def _tell_what_is_needed(folder: Path, code: str) -> None:
    written = read_folder(folder)
    far = how_far(written, written.languages[code])
    needed = far.needed()
    if needed:
        click.echo(f"Before {far.language.name} may be live: {'; '.join(needed)}.")
    else:
        click.echo(f"Every text is signed by two people. It may be live: ngazi content live {code}")
