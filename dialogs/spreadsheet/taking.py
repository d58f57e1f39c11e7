"""In: the rows of a sheet that came back, put into the PO file where their locks still fit."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import polib

from dialogs.pofile import Source, parse
from dialogs.reviews import reviews_of, same_person, sign
from dialogs.spreadsheet.rows import BEFORE, COLUMNS, ID, LOCK, OLD, REVIEWER, SOURCE, TEXT, lines, lock_of, mark_of
from dialogs.spreadsheet.rows import WHERE as PLACE

Kind = Literal["old", "moved", "conflict", "refused", "error"]
LONGEST_NAME = 80
NO_NAMES = ("ok", "okay", "yes", "no", "done", "read", "me", "xx", "xxx")  # what is written to tick something off
_NAMES = re.compile(r"[;,\n]")


@dataclass(frozen=True, slots=True)
class Odd:
    """Stands for a cell that holds no text; `what` says what it is: "a formula", "a number"."""

    what: str


Cell = str | Odd


@dataclass(frozen=True, slots=True)
class Told:
    """What one row says. `number` is as a spreadsheet counts; `odd` says what stands there in place of a text."""

    number: int
    where: str
    source: str
    text: str
    reviewers: tuple[str, ...]
    id: str
    lock: str
    before: str
    old: str = ""
    odd: str = ""

    @property
    def changed(self) -> bool:
        """True if a translation stands there that was not there at the export."""
        return bool(self.odd) or (bool(self.text.strip()) and mark_of(self.text) != self.before)


@dataclass(frozen=True, slots=True)
class Left:
    """A row that is not written, and why. `now` is the source text of today, `held` the translation in the file."""

    row: Told
    kind: Kind
    why: str
    now: str = ""
    held: str = ""


@dataclass(slots=True)
class Taken:
    """The PO file with what could be written into it, and what became of each row."""

    po: str = ""
    written: list[Told] = field(default_factory=list)
    confirmed: list[Told] = field(default_factory=list)  # an old translation that somebody says still fits
    signed: int = 0
    unchanged: int = 0
    empty: int = 0  # never translated, and still not
    emptied: list[Told] = field(default_factory=list)  # a translation was deleted in the sheet; it stays
    behind: int = 0  # the source text has changed, and nothing was written in the sheet
    left: list[Left] = field(default_factory=list)
    remarks: list[tuple[Told, str]] = field(default_factory=list)

    def of(self, kind: Kind) -> list[Left]:
        """The rows that are left for this reason."""
        return [left for left in self.left if left.kind == kind]


def told(number: int, cells: Sequence[Cell]) -> Told | None:
    """What a row of cells says; None for one in which nothing stands."""
    cells = [*cells, *[""] * COLUMNS][:COLUMNS]
    if not any(isinstance(cell, Odd) or cell.strip() for cell in (*cells[: TEXT + 1], *cells[ID:])):
        return None
    plain = ["" if isinstance(cell, Odd) else lines(cell) for cell in cells]
    said = cells[TEXT]
    return Told(
        number=number,
        where=plain[PLACE],
        source=plain[SOURCE],
        text=plain[TEXT],
        reviewers=tuple(name for each in _NAMES.split(plain[REVIEWER]) if (name := " ".join(each.split()))),
        id=plain[ID].strip(),
        lock=plain[LOCK].strip(),
        before=plain[BEFORE].strip(),
        old=plain[OLD],
        odd=said.what if isinstance(said, Odd) else "",
    )


def take(
    po: str,
    sources: Iterable[Source],
    rows: Sequence[Told],
    on: str,
    reviewer: str = "",
    without: Mapping[int, str] | None = None,
    moved: Mapping[int, str] | None = None,
) -> Taken:
    """The PO file, which must be up to date, with these rows written into it. Raises OSError as `parse`.

    `on` is the day of the signatures; `reviewer` has read every row, beside those whom the rows name; `without` are
    rows that the check has refused, by number, each with the reason; `moved` those whose translation seems to belong to
    another row.
    """
    file = parse(po)
    entries = {entry.msgctxt or "": entry for entry in file if not entry.obsolete}
    taking = _Taking({source.id: source for source in sources}, entries, on, reviewer)
    firsts: dict[str, Told] = {}
    twice = _twice(rows)
    for row in rows:
        first = firsts.setdefault(row.id, row) if row.id else row
        if row.id in twice:
            other = next(each for each in twice[row.id] if each is not row)
            taking.leave(row, "refused", f"This text stands in row {other.number} too, with another translation.")
        elif first is not row:
            taking.leave(row, "refused", f"This row is in the sheet twice; row {first.number} counts.")
        elif without and row.number in without:
            taking.leave(row, "error", without[row.number])
        elif moved and row.number in moved:
            taking.leave(row, "moved", moved[row.number])
        else:
            taking.row(row)
    taking.taken.po = str(file)
    return taking.taken


def _twice(rows: Sequence[Told]) -> Mapping[str, list[Told]]:
    """The ids that stand in several rows which do not say the same."""
    known: dict[str, list[Told]] = {}
    for row in rows:
        if row.id:
            known.setdefault(row.id, []).append(row)
    return {id: some for id, some in known.items() if len({(row.text, row.odd) for row in some}) > 1}


class _Taking:
    """The entries of one PO file while rows are written into them."""

    def __init__(
        self, sources: Mapping[str, Source], entries: Mapping[str, polib.POEntry], on: str, reviewer: str
    ) -> None:
        self.sources, self.entries, self.on, self.reviewer = sources, entries, on, reviewer
        self.taken = Taken()

    def leave(self, row: Told, kind: Kind, why: str) -> None:
        """Do not write this row."""
        source, entry = self.sources.get(row.id), self.entries.get(row.id)
        self.taken.left.append(Left(row, kind, why, source.text if source else "", entry.msgstr if entry else ""))

    def row(self, row: Told) -> None:
        """Write this row, or say why not."""
        if why := self._refused(row):
            return self.leave(row, "refused", why)
        if lock_of(row.id, self.sources[row.id].text) != row.lock:
            if row.changed or row.reviewers:
                return self.leave(row, "old", "The source text has changed since the export.")
            self.taken.behind += 1
        elif row.odd:
            self.leave(
                row, "refused", f"Here stands {row.odd}, not a text. Format the cell as text and write it again."
            )
        elif not row.text.strip():
            if row.before == mark_of(""):
                self.taken.empty += 1
            else:
                self.taken.emptied.append(row)
        elif unseen := _unseen(row.text):
            self.leave(
                row, "refused", f"The text holds a sign that cannot be seen (U+{ord(unseen):04X}). Type it anew."
            )
        else:
            self._text(row, self.entries[row.id])

    def _refused(self, row: Told) -> str:
        """Why this row is no row of ours."""
        if not row.id:
            return "This row has no id. Rows that are added to the sheet belong to no text."
        if row.id not in self.sources:
            return "There is no such text any more, or the hidden id was changed."
        if lock_of(row.id, row.source) != row.lock:
            return (
                "The source text in this row was changed, or cells of other rows came into it. It is not edited here."
            )
        return ""

    def _text(self, row: Told, entry: polib.POEntry) -> None:
        text = _tidy(row.text, entry.msgid) if row.changed else entry.msgstr
        theirs = mark_of(entry.msgstr) != row.before and entry.msgstr != text
        if theirs or (not row.changed and mark_of(entry.msgstr) != row.before):
            if row.changed or row.reviewers:
                return self.leave(row, "conflict", "Somebody else has changed this translation since the export.")
            self.taken.unchanged += 1
            return
        if row.changed and (entry.msgstr != text or entry.fuzzy):
            _put(entry, text)
            self.taken.written.append(row)
        elif entry.fuzzy and row.reviewers:
            _put(entry, text)
            self.taken.confirmed.append(row)
        else:
            self.taken.unchanged += 1
        if not entry.fuzzy:
            self._sign(row, entry)

    def _sign(self, row: Told, entry: polib.POEntry) -> None:
        names = dict.fromkeys([*row.reviewers, *([self.reviewer] if self.reviewer else [])])
        for name in names:
            if why := no_name(name):
                self.taken.remarks.append((row, why))
                continue
            signed = {
                same_person(each.by) for each in reviews_of(entry.tcomment, entry.msgid, entry.msgstr) if each.valid
            }
            if same_person(name) not in signed:
                entry.tcomment = sign(entry.tcomment, entry.msgid, entry.msgstr, name, self.on)
                self.taken.signed += 1


def no_name(name: str) -> str:
    """Why this cannot be who has reviewed a text; "" if it can."""
    if sum(letter.isalpha() for letter in name) < 2 or name.casefold() in NO_NAMES:
        return f'"{name}" is no name, so nobody has signed for this text. Write the name of the person.'
    if len(name) > LONGEST_NAME:
        return f'"{name[:20]}..." is too long for a name, so nobody has signed for this text.'
    return ""


def _put(entry: polib.POEntry, text: str) -> None:
    entry.msgstr, entry.previous_msgid = text, None
    entry.flags = [flag for flag in entry.flags if flag != "fuzzy"]


def _tidy(text: str, source: str) -> str:
    """The text without the blanks and empty lines around it that a cell easily gets; they stay where the source has
    some."""
    if source[:1].strip() or not source:
        text = text.lstrip()
    return text.rstrip() if source[-1:].strip() or not source else text


def _unseen(text: str) -> str:
    """The first sign that no phone shows and no file should hold; "" if there is none."""
    return next(
        (letter for letter in text if letter not in "\n\t" and unicodedata.category(letter) in ("Cc", "Cs")), ""
    )
