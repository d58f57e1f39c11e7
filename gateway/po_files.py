"""PO files in the content folder: when they may be written, and how."""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path

import click

from dialogs.check.report import HALF
from dialogs.locale import Language
from dialogs.pofile import read_po
from dialogs.reading.values import did_you_mean
from dialogs.reviews import same_person
from dialogs.spreadsheet.taking import no_name
from dialogs.written import Written

CODE = re.compile(r"[a-z]{2,3}(?:[_-][A-Za-z0-9]{2,8})*")


def refuse_broken(written: Written) -> None:
    """What cannot be read would look as if its texts were gone. Raises ClickException."""
    broken = [dialog.at.file for dialog in written.dialogs.values() if dialog.broken]
    broken += [series.at.file for series in written.series.values() if series.broken]
    broken += [problem.at.file for problem in written.problems if problem.level == "error"]
    if broken:
        raise click.ClickException(f"Mend {broken[0]} first: ngazi content check")


def known_language(written: Written, code: str) -> Language:
    """The translation by this code. Raises ClickException if there is none, or if its file cannot be read."""
    language = written.languages.get(code)
    if language is None or code == written.common.language:
        known = [each.code for each in written.translations()]
        near = _likely(written, code)
        mend = f'Did you mean "{near}"?' if near else did_you_mean(code, known)
        raise click.ClickException(f'There is no language "{code}". {mend}'.strip())
    if language.broken:
        raise click.ClickException(f"Mend {language.file} first: ngazi content check")
    return language


def broken_languages(written: Written) -> list[str]:
    """A sentence for each PO file that cannot be read, and so is left out."""
    broken = [language.file for _, language in sorted(written.languages.items()) if language.broken]
    return [f"Mend {file} first: ngazi content check. It is left out here." for file in broken]


def refuse_code(written: Written, code: str, name: str) -> None:
    """What is no code, or that of a new language without its `name`. Raises ClickException."""
    if code == written.common.language:
        raise click.ClickException(f"{written.main.name} is the language of the files themselves.")
    if code in written.languages:
        return
    near = _likely(written, code)
    mean = f' Did you mean "{near}"?' if near else ""
    if not CODE.fullmatch(code):
        small = code.lower()
        like = mean or f" Write it so: {small if CODE.fullmatch(small) else 'sw'}"
        raise click.ClickException(f'There is no language "{code}". A language has a code in small letters.{like}')
    if not " ".join(name.split()):
        new = f'There is no {code}.po yet.{mean} To begin a new language, add --name "its own name".'
        raise click.ClickException(new)


def refuse_signer(by: str) -> None:
    """What is not the name of one person. Raises ClickException."""
    if not same_person(by) or HALF.search(by):
        raise click.ClickException('A signature needs a name, such as "Amina Hassan".')
    if ";" in by:
        raise click.ClickException("Each person signs alone: give one name.")
    if why := no_name(by):
        raise click.ClickException(why)


def _likely(written: Written, word: str) -> str:
    """The code of the language that was probably meant by a code, or by a name; "" if none is near."""
    by_word = {language.name.casefold(): language.code for language in written.translations()}
    by_word |= {language.code.casefold(): language.code for language in written.translations()}
    near = get_close_matches(word.casefold(), by_word, 1, 0.5)  # of two letters one may be wrong
    return by_word[near[0]] if near else ""


def write_whole(path: Path, text: str, *, quiet: bool = False) -> None:
    """Put a file in place as a whole: a reader sees the old one or the new one."""
    if path.exists() and path.read_bytes() == text.encode():
        if not quiet:
            click.echo(f"{path}: nothing has changed")
        return
    beside = path.with_suffix(".new~")
    beside.write_bytes(text.encode())
    beside.replace(path)
    if quiet:
        return
    po, _ = read_po(path.name, text)
    entries = po.entries if po else ()
    left = sum(1 for entry in entries if not entry.text or entry.fuzzy)
    click.echo(f"{path}: {len(entries)} texts" + (f", {left} to translate" if path.suffix == ".po" else ""))
