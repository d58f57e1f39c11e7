"""PO files in the content folder: when they may be written, and how."""

from __future__ import annotations

import re
from pathlib import Path

import click

from dialogs.pofile import read_po
from dialogs.written import Written

CODE = re.compile(r"[a-z]{2,3}(?:[_-][A-Za-z0-9]{2,8})*")


def refuse_broken(written: Written) -> None:
    """What cannot be read would look as if its texts were gone. Raises ClickException."""
    broken = [dialog.at.file for dialog in written.dialogs.values() if dialog.broken]
    broken += [series.at.file for series in written.series.values() if series.broken]
    broken += [problem.at.file for problem in written.problems if problem.level == "error"]
    if broken:
        raise click.ClickException(f"Mend {broken[0]} first: ngazi content check")


def write_whole(path: Path, text: str) -> None:
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
