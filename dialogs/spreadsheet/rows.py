"""Out: the texts of one language as rows of a sheet, with the two locks by which they are known again."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from dialogs.check.sources import sources
from dialogs.check.translation import dialog_of
from dialogs.glossary import Term
from dialogs.pofile import parse, update
from dialogs.reviews import reviews_of, signers
from dialogs.written import Written

Status = Literal["done", "old", "missing"]
Only = Literal["all", "missing", "old"]
WHERE, NOTE, SOURCE, TEXT, LETTERS, LIMIT, STATUS, OLD, REVIEWER, SIGNED, ID, LOCK, BEFORE = range(13)
COLUMNS = 13
MOST_LETTERS = 32_767  # in a cell: Excel's own limit, in UTF-16 units
SURE: Mapping[str, str] = {"a": "sure", "b": "likely", "c": "to be checked"}
_MARK = re.compile(r"id ([a-z]{2,3}(?:[_-][A-Za-z0-9]{2,8})*)")


@dataclass(frozen=True, slots=True)
class Row:
    """One text. `lock` fits its id and source text, `before` the translation that it is exported with."""

    where: str
    note: str
    source: str
    text: str
    limit: int  # letters; 0 = none
    status: Status
    old: str  # the source text that the translation was made from, where that has changed
    signed: str  # who has signed for the translation as it is
    id: str
    lock: str
    before: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a translator gets: the language, its headings and rows, the glossary; ids of texts too long for a cell."""

    code: str
    name: str
    source: str  # the name of the source language
    rows: tuple[Row, ...]
    glossary: tuple[tuple[str, str, str, str], ...]  # term, word, how sure, note
    too_long: tuple[str, ...] = ()

    @property
    def headings(self) -> tuple[str, ...]:
        """The first row."""
        return headings(self.code, self.name, self.source)


def headings(code: str, name: str, source: str) -> tuple[str, ...]:
    """The first row of the sheet of a language. The heading of the hidden ids says which language it is."""
    seen = ("Where", "Note", source, name, "Letters", "At most", "Status", f"Old {source}", "Reviewed by", "Signed by")
    return (*seen, f"id {code}", "lock", "before")


def language_of(first: Sequence[str]) -> str:
    """The code of the language that a first row was made for; "" if it does not say."""
    found = _MARK.fullmatch(first[ID]) if len(first) > ID else None
    return found[1] if found else ""


def lines(text: str) -> str:
    """The text with line feeds at the ends of its lines, as spreadsheets and files may each have their own."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def lock_of(id: str, source: str) -> str:
    """What fits only this text in this place: 8 hex digits."""
    return mark_of(f"{id}\0{source}")


def mark_of(text: str) -> str:
    """What fits only this text: 8 hex digits."""
    return hashlib.sha256(lines(text).encode("utf-8", "surrogateescape")).hexdigest()[:8]


def sheet_of(
    written: Written, code: str, name: str, po: str, only: Only = "all", dialogs: Collection[str] = ()
) -> Sheet:
    """The sheet of a language, made from its PO file as `update` would leave it. Raises OSError as `parse`.

    `dialogs` picks by what stands before the colon of the ids; none = all.
    """
    every = sources(written)
    entries = {entry.msgctxt: entry for entry in parse(update(po, every)) if not entry.obsolete}
    rows, too_long = [], []
    for source in every:
        entry = entries[source.id]
        status: Status = "missing" if not entry.msgstr else "old" if entry.fuzzy else "done"
        if (only != "all" and status != only) or (dialogs and source.dialog not in dialogs):
            continue
        if max(map(_units, (source.text, entry.msgstr, entry.previous_msgid or ""))) > MOST_LETTERS:
            too_long.append(source.id)
            continue
        rows.append(
            Row(
                where=where(written, source.id),
                note=source.note,
                source=source.text,
                text=entry.msgstr,
                limit=source.limit,
                status=status,
                old=entry.previous_msgid or "" if status == "old" else "",
                signed="; ".join(signers(reviews_of(entry.tcomment, entry.msgid, entry.msgstr))),
                id=source.id,
                lock=lock_of(source.id, source.text),
                before=mark_of(entry.msgstr),
            )
        )
    glossary = tuple(_words(term, code) for term in written.glossary)
    return Sheet(code, name, written.main.name, tuple(rows), glossary, tuple(too_long))


def where(written: Written, id: str) -> str:
    """A place as a translator finds it on the phone: the title of the dialog, and the step in it."""
    dialog, _, rest = id.partition(":")
    if dialog == "common":
        title = "Common texts"
    elif series := written.series.get(dialog.removeprefix("reminder/")) if dialog.startswith("reminder/") else None:
        title = f"Reminders: {series.title.source}"
    else:
        title = written.dialogs[dialog].title.source if dialog in written.dialogs else dialog
    return f"{title} / {rest.replace('.', ' ')}"


def dialogs_of(written: Written) -> tuple[str, ...]:
    """What can be picked: every dialog, "common", "reminder/<series>"."""
    return tuple(dict.fromkeys(dialog_of(id) for id in written.texts()))


def _units(text: str) -> int:
    return len(text) + sum(letter > "\uffff" for letter in text)


def _words(term: Term, code: str) -> tuple[str, str, str, str]:
    said = term.said(code)
    sure = dict.fromkeys(SURE[word.confidence] for word in said)
    same = len(sure) == 1
    words = "; ".join(word.text if same else f"{word.text} ({SURE[word.confidence]})" for word in said)
    return term.english, words, next(iter(sure)) if same else "", term.note
