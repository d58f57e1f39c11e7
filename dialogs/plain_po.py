"""Reads PO files in the one form that this project, Poedit and Weblate write them in, and nothing else.

polib reads every form there is, line by line, and takes most of the time in which content is loaded. What is read here
is what polib reads; a file with a line of any other form is left to polib. The tests compare the two.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import polib

_TEXT = r'"[^"\\\n]*(?:\\[^\n][^"\\\n]*)*"'
_TEXTS = rf"({_TEXT}(?:\n{_TEXT})*)\n"
_NOTES = r"((?:#(?: [^\n]*)?\n)*)"  # of translators
_REST = r"(?:#\. [^\n]*\n)*(?:#: [^\n]*\n)*"
_FLAGS = r"((?:#, [^\n]*\n)*)"
_OLD = rf"(?:#\| msgid ({_TEXT}(?:\n#\| {_TEXT})*)\n)?"
_GONE = rf"{_TEXT}(?:\n#~ {_TEXT})*\n"  # of a retired entry

_HEADER = re.compile(rf'(?:#(?:,? [^\n]*)?\n)*msgid ""\nmsgstr ""\n(?:{_TEXT}\n)*(?=\n|\Z)')
_ENTRY = re.compile(rf"\n*{_NOTES}{_REST}{_FLAGS}{_OLD}msgctxt {_TEXTS}msgid {_TEXTS}msgstr {_TEXTS}(?=\n|\Z)")
_RETIRED = re.compile(
    rf"\n*{_NOTES}{_REST}{_FLAGS}#~ msgctxt {_GONE}#~ msgid {_GONE}#~ msgstr {_GONE}(?=\n|\Z)"
)  # fmt: skip


class PlainEntry(NamedTuple):
    """What polib's entry holds of it, under the same names; `line` and `column` are where the translation begins."""

    msgctxt: str
    msgid: str
    msgstr: str
    fuzzy: bool
    previous_msgid: str | None
    tcomment: str
    line: int
    column: int


class PlainPo(NamedTuple):
    """A PO file without its retired entries; `head` are the lines of its header, for polib to read."""

    head: str
    entries: tuple[PlainEntry, ...]


def read_plain(source: str) -> PlainPo | None:
    """The file, if all of it is of the plain form; None if it is not. Lines end with line feeds, the last one too."""
    header = _HEADER.match(source)
    if header is None:
        return None
    entries, at, line = [], header.end(), source.count("\n", 0, header.end()) + 1
    while found := _ENTRY.match(source, at):
        notes, flags, old, id, text, said = found.groups()
        line += source.count("\n", at, found.start(6))
        split = said.startswith('""\n')
        entries.append(
            PlainEntry(
                _joined(id),
                _joined(text),
                _joined(said),
                _fuzzy(flags) if flags else False,
                _joined(old.replace("\n#| ", "\n")) if old else None,
                _note(notes) if notes else "",
                line + split,
                2 if split else 9,
            )
        )
        at, line = found.end(), line + source.count("\n", found.start(6), found.end())
    while found := _RETIRED.match(source, at):
        at = found.end()
    if source[at:].strip("\n"):
        return None
    return PlainPo(header[0], tuple(entries))


def _joined(lines: str) -> str:
    """The text of one line or more in quotes."""
    text = lines[1:-1].replace('"\n"', "")
    return str(polib.unescape(text)) if "\\" in text else text


def _fuzzy(flags: str) -> bool:
    return any(flag.strip() == "fuzzy" for line in flags.split("\n") for flag in line[3:].split(","))


def _note(lines: str) -> str:
    """Comments of translators, as polib joins them."""
    note = ""
    for line in lines.split("\n")[:-1]:
        text = line.strip().lstrip("#")
        note += ("\n" if note else "") + text.removeprefix(" ")
    return note
