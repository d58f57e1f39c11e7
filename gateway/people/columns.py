"""The columns of a sheet: the row of headings, and what each column is."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from openpyxl.utils import get_column_letter

from dialogs.script import SWITCHES
from gateway.people.sheet import LOOK, MOST_COLUMNS, Formula, Line, SheetError
from gateway.people.synonyms import HEADINGS, NAMES, squash
from gateway.people.values import FIELD, Rules, plain


@dataclass(frozen=True, slots=True)
class Fault:
    """Something in the sheet that must be mended. `row` 0 is none in particular; `column` is a letter, or ""."""

    row: int
    column: str
    name: str
    cause: str
    mend: str

    def __str__(self) -> str:
        place = [f"row {self.row}"] if self.row else []
        if self.column:
            place.append(f'column {self.column} "{self.name}"' if self.name else f"column {self.column}")
        text = ", ".join(place) + f": {self.cause} {self.mend}"
        return text[0].upper() + text[1:]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `what` is a word of HEADINGS, or "field" or "date"; `name` is what it is kept as."""

    index: int
    what: str
    name: str
    heading: str

    def fault(self, row: int, cause: str, mend: str) -> Fault:
        return Fault(row, get_column_letter(self.index + 1), self.heading[:40], cause, mend)


@dataclass(frozen=True, slots=True)
class Columns:
    """What the headings say. `row` is where they stand; `faulty` are columns whose heading must be mended."""

    row: int
    columns: tuple[Column, ...]
    faults: tuple[Fault, ...]
    notes: tuple[str, ...]
    faulty: frozenset[int] = frozenset()

    def has(self, what: str) -> bool:
        return any(column.what == what for column in self.columns)


def is_heading(cells: Sequence[object]) -> bool:
    """True for the row of headings: one of them is that of the phone numbers."""
    return any(isinstance(cell, str) and HEADINGS.get(squash(cell)) == "phone" for cell in cells)


def find_columns(lines: Iterable[Line], rules: Rules) -> Columns:
    """The headings among the first rows. Reads no further than them. Raises SheetError."""
    seen: list[str] = []
    for looked, line in enumerate(lines):
        if is_heading(line.cells):
            return read_columns(line, rules)
        if not seen:
            seen = [plain(cell) for cell in line.cells if isinstance(cell, str) and cell][:8]
        if looked >= LOOK or line.number > 10 * LOOK:
            break
    found = f" The first row has: {', '.join(seen)}." if seen and not any(map(_digits, seen)) else ""
    raise SheetError(f'There is no row of headings with a column "phone".{found} Write the headings in the first row.')


def read_columns(line: Line, rules: Rules) -> Columns:
    """What each heading of this row means, and what is wrong with them."""
    columns: list[Column] = []
    faults: list[Fault] = []
    notes: list[str] = []
    if len(line.cells) > MOST_COLUMNS:
        mend = "Delete the columns that are not needed."
        return Columns(
            line.number, (), (Fault(line.number, "", "", f"There are {len(line.cells)} columns.", mend),), ()
        )
    taken: dict[str, Column] = {}
    for index, cell in enumerate(line.cells):
        letter = get_column_letter(index + 1)
        if isinstance(cell, Formula):
            faults.append(Fault(line.number, letter, "", "The heading is a formula.", "Write it as text."))
            continue
        heading = plain(cell)
        if not heading:
            continue
        known = HEADINGS.get(squash(heading), "")
        name = known or field_name(heading)
        column = Column(index, known or ("date" if name in rules.dates else "field"), name, heading)
        if not known and not FIELD.fullmatch(name):
            mend = "Use small letters a-z, digits and _, a letter first, 30 at most."
            faults.append(column.fault(line.number, "This cannot be the name of a field.", mend))
        elif name in SWITCHES or name in rules.locked:
            cause = "comes from the country" if name in SWITCHES else "holds phone numbers, which are locked otherwise"
            faults.append(column.fault(line.number, f"{name} {cause}.", "Take the column out."))
        elif name in taken:
            other = get_column_letter(taken[name].index + 1)
            faults.append(column.fault(line.number, f"This means the same as column {other}.", "Take one of them out."))
        else:
            if squash(heading) in NAMES:
                notes.append(f'Column {letter} "{heading[:40]}": this service works without names. Better take it out.')
            taken[name] = column
            columns.append(column)
    faulty = frozenset(range(len(line.cells))) - {column.index for column in columns} if faults else frozenset()
    return Columns(line.number, tuple(columns), tuple(faults), tuple(notes), faulty)


def field_name(heading: str) -> str:
    """A heading as the name of a field: `Audit Date` -> audit_date, `Zone d'achat` -> zone_d_achat."""
    plain_letters = unicodedata.normalize("NFKD", heading.strip().casefold())
    bare = "".join(letter for letter in plain_letters if not unicodedata.combining(letter))
    return re.sub(r"[\s\-./'’]+", "_", bare).strip("_")


def _digits(text: str) -> bool:
    return sum(letter.isdigit() for letter in text) >= 6
