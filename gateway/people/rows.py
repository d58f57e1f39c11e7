"""A row of a sheet as what is wanted for one person, and the check for numbers that stand in it twice."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b

from openpyxl.utils import get_column_letter

from gateway.people import values
from gateway.people.columns import Column, Columns, Fault
from gateway.people.sheet import Formula, Line
from gateway.people.synonyms import YES_NO, squash
from gateway.people.values import Bad, Rules, Value


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command says for all rows: the source of consent, a group, whose national numbers are understood."""

    consent: str = ""
    group: str = ""
    country: str = ""


@dataclass(slots=True)
class Wanted:
    """What a row says of one person. `values`: language, timezone, private_phone, `field:<name>`, `date:<name>`,
    and `more:<name>` for a date of which there may be several."""

    row: int
    phone: str
    consent: str
    groups: tuple[str, ...] = ()
    values: dict[str, str] = field(default_factory=dict)

    def join(self, other: Wanted) -> None:
        """Take in another row of the same person that agrees with this one."""
        self.groups = tuple(dict.fromkeys((*self.groups, *other.groups)))
        self.values = other.values | self.values


def read_row(
    line: Line, columns: Columns, rules: Rules, wishes: Wishes, epoch: datetime | None = None
) -> tuple[Wanted | None, list[Fault]]:
    """What a row says, or everything that is wrong with it: one of the two is empty."""
    if line.fault:
        mend = "Unmerge them and fill each cell." if "merged" in line.fault else "Save the sheet again as CSV UTF-8."
        return None, [Fault(line.number, "", "", line.fault, mend)]
    faults = _strays(line, columns)
    wanted = Wanted(line.number, "", wishes.consent, (wishes.group,) if wishes.group else ())
    country = wishes.country
    order = sorted(columns.columns, key=lambda column: column.what != "country")
    for column in order:
        cell = line.cells[column.index] if column.index < len(line.cells) else None
        if isinstance(cell, Formula):
            mend = "Copy the column and paste it as values."
            faults.append(column.fault(line.number, "This cell holds a formula.", mend))
            continue
        if values.plain(cell) == "" and column.what != "phone":
            continue
        try:
            if column.what == "country":
                country = values.read_country(cell)
            else:
                _take(wanted, column, cell, rules, wishes, country, epoch)
        except Bad as bad:
            faults.append(column.fault(line.number, bad.cause, bad.mend))
    if not wanted.consent and not any(fault.name and columns_consent(columns, fault) for fault in faults):
        mend = "Say with --consent TEXT where these people agreed, or fill the column consent."
        faults.append(Fault(line.number, "", "", "There is no source of consent.", mend))
    return (None, faults) if faults else (wanted, [])


def columns_consent(columns: Columns, fault: Fault) -> bool:
    """True if this fault stands in the column of consent: one word about it is enough."""
    return any(column.what == "consent" and column.heading[:40] == fault.name for column in columns.columns)


def _strays(line: Line, columns: Columns) -> list[Fault]:
    """Cells that stand under no heading: most often a comma too many."""
    headed = {column.index for column in columns.columns} | columns.faulty
    for index, cell in enumerate(line.cells):
        if index not in headed and (isinstance(cell, Formula) or values.plain(cell) != ""):
            cause, mend = "This cell stands under no heading.", "Give the column a heading, or put the text in quotes."
            return [Fault(line.number, get_column_letter(index + 1), "", cause, mend)]
    return []


def _take(
    wanted: Wanted, column: Column, cell: Value, rules: Rules, wishes: Wishes, country: str, epoch: datetime | None
) -> None:
    """Put one cell where it belongs. Raises Bad."""
    what, name = column.what, column.name
    if what == "phone":
        wanted.phone = values.read_phone(cell, country)
    elif what == "language":
        wanted.values["language"] = values.read_language(cell, rules)
    elif what == "group":
        wanted.groups = (values.read_group(cell),)
    elif what == "consent":
        wanted.consent = _consent(values.plain(cell), wishes)
    elif what == "timezone":
        wanted.values["timezone"] = values.read_timezone(cell)
    elif what == "private_phone":
        wanted.values["private_phone"] = values.read_yes_no(cell)
    elif what == "date":
        kind = "more" if name in rules.several else "date"
        wanted.values[f"{kind}:{name}"] = values.read_date(cell, epoch).isoformat()
    else:
        wanted.values[f"field:{name}"] = values.read_field(name, cell, rules)


def _consent(written: str, wishes: Wishes) -> str:
    """How this person agreed; a bare yes says it only together with --consent."""
    answer = YES_NO.get(squash(written))
    if answer == "no":
        raise Bad("This person did not agree.", "Take the row out.")
    if answer == "yes" and not wishes.consent:
        raise Bad("A bare yes does not tell how the person agreed.", "Write where and when, or give --consent TEXT.")
    return wishes.consent if answer == "yes" else written[:1_000]


class Seen:
    """The numbers of one sheet, so that one that stands there twice is noticed.

    Kept in a nameless file of SQLite that goes with the program: memory does not grow, and only hashes are in it.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(16)
        self._db = sqlite3.connect("", isolation_level=None)
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-4096", "temp_store=FILE"):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.execute("CREATE TABLE seen (key TEXT PRIMARY KEY, row INTEGER, said TEXT) WITHOUT ROWID")
        self._db.execute("BEGIN")

    def close(self) -> None:
        self._db.close()

    def meet(self, key: str, wanted: Wanted) -> tuple[int, list[str]]:
        """The first row of this number, and the names of what this row says otherwise than the rows before."""
        said = {name: self._hash(value) for name, value in wanted.values.items()}
        new = self._db.execute("INSERT OR IGNORE INTO seen VALUES (?, ?, ?)", (key, wanted.row, _compact(said)))
        if new.rowcount:
            return wanted.row, []
        row, before = self._db.execute("SELECT row, said FROM seen WHERE key = ?", (key,)).fetchone()
        known: dict[str, str] = json.loads(before)
        other = sorted(name for name, value in said.items() if known.get(name, value) != value)
        if said.keys() - known.keys():
            self._db.execute("UPDATE seen SET said = ? WHERE key = ?", (_compact(said | known), key))
        return row, other

    def first(self, key: str) -> int:
        """The first row of a number that was met."""
        found = self._db.execute("SELECT row FROM seen WHERE key = ?", (key,)).fetchone()
        return int(found[0]) if found else 0

    def _hash(self, value: str) -> str:
        return blake2b(value.encode("utf-8", "surrogatepass"), digest_size=9, key=self._key).hexdigest()


def _compact(said: Mapping[str, str]) -> str:
    return json.dumps(said, separators=(",", ":"))


def twice(wanted: Wanted, first: int, names: list[str], columns: Columns) -> list[Fault]:
    """The faults of a row that contradicts another row of the same number."""
    faults = []
    for name in names:
        kept = name.partition(":")[2] or name
        column = next((each for each in columns.columns if each.name == kept), None)
        cause = f"The same phone number stands in row {first} and says something else here."
        mend = f"Make rows {first} and {wanted.row} agree, or take one out."
        if column is not None:
            faults.append(column.fault(wanted.row, cause, mend))
        else:
            faults.append(Fault(wanted.row, "", "", cause, mend))
    return faults
