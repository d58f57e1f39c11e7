"""Import of a sheet: first every row is checked, then all are entered in slices; one error, and nothing is written.

Whoever repeats an import that broke off completes it: people are found by their number, so nobody is there twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from time import sleep
from typing import Any, TypeVar

from sqlalchemy.exc import DBAPIError

from dialogs.seal import Seal
from dialogs.store import Vanished
from gateway import reasons
from gateway.people import groups, values
from gateway.people.columns import Columns, Fault, find_columns
from gateway.people.entering import Entered, enter
from gateway.people.events import record
from gateway.people.rows import Seen, Wanted, Wishes, read_row, twice
from gateway.people.sheet import Sheet, SheetError
from gateway.people.transact import Transact
from gateway.people.values import Rules

T = TypeVar("T")
SLICE = 500  # rows in one transaction: phones wait for no more than that
MOST_FAULTS = 10_000  # that are kept
MOST_ROWS = 50  # row numbers that an account names
TRIES = 5
LOST_A_RACE = frozenset({"40P01", "40001", "23505", "23503"})  # PostgreSQL: begin the transaction once more


@dataclass(slots=True)
class Account:
    """What an import found and did. Rows are those of the sheet; people are counted once. No number is in it."""

    how: str = ""
    dry: bool = False
    rows: int = 0
    people: int = 0
    new: int = 0
    known: int = 0
    repeated: int = 0
    left_alone: dict[str, int] = field(default_factory=dict)
    kept: int = 0
    languages: dict[str, int] = field(default_factory=dict)
    groups: dict[str, int] = field(default_factory=dict)
    new_groups: list[str] = field(default_factory=list)
    new_fields: list[str] = field(default_factory=list)  # that no dialog asks for
    unusual: int = 0
    unusual_rows: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    more_faults: int = 0

    def wrong(self, *faults: Fault) -> None:
        for fault in faults:
            if len(self.faults) < MOST_FAULTS:
                self.faults.append(fault)
            else:
                self.more_faults += 1

    def as_json(self) -> dict[str, Any]:
        """The account as JSON shows it."""
        return {
            "imported": not self.faults and not self.dry,
            "dry_run": self.dry,
            "read_as": self.how,
            "rows": self.rows,
            "people": self.people,
            "new": self.new,
            "known_already": self.known,
            "repeated_rows": self.repeated,
            "left_alone": self.left_alone,
            "kept_as_the_person_said": self.kept,
            "languages": self.languages,
            "groups": self.groups,
            "new_groups": self.new_groups,
            "fields_that_no_dialog_asks": self.new_fields,
            "unusual_numbers": self.unusual,
            "unusual_rows": self.unusual_rows,
            "notes": self.notes,
            "errors": len(self.faults) + self.more_faults,
            "error_list": [
                {"row": fault.row or None, "column": fault.column or None, "heading": fault.name or None,
                 "cause": fault.cause, "mend": fault.mend}
                for fault in self.faults
            ],
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Import:
    """One import: the sheet, what is allowed in it, what the command says for all rows."""

    sheet: Sheet
    rules: Rules
    wishes: Wishes
    seal: Seal
    progress: Callable[[str, int], None] = lambda _phase, _rows: None

    def run(self, transact: Transact, clock: Callable[[], datetime], who: str, *, dry: bool = False) -> Account:
        """Check all, then enter all. An account with faults means that nothing was written. Raises SheetError."""
        account = Account(self.sheet.how, dry)
        with closing(Seen()) as seen:
            as_it_was = self._state()
            columns = find_columns(self.sheet.lines(), self.rules)
            account.notes += columns.notes
            account.wrong(*columns.faults)
            self._check(account, columns, seen)
            if not account.faults and not account.rows:
                raise SheetError("There is no row below the headings.")
            there = transact(lambda db: groups.known_codes(db, account.groups))
            account.new_groups = sorted(account.groups.keys() - there.keys())
            if account.faults:
                return account
            done = 0
            for rows in _slices(self._rows(columns)):
                if self._state() != as_it_was:
                    raise SheetError("The file changed while it was read. Import it again; nobody is entered twice.")
                self._enter(account, rows, seen, transact, clock(), dry)
                self.progress("entering", done := done + len(rows))
        if not dry:
            about = {"people": account.people, "new": account.new, "consent": self.wishes.consent}
            transact(lambda db: record(db, who, "import", about, clock()))
        return account

    def _state(self) -> tuple[int, int]:
        stat = self.sheet.path.stat()
        return stat.st_mtime_ns, stat.st_size

    def _check(self, account: Account, columns: Columns, seen: Seen) -> None:
        """The first reading: every row is looked at, nothing of it is kept but counts and hashes."""
        account.new_fields = [
            column.name
            for column in columns.columns
            if column.what == "field" and column.name not in self.rules.known and not column.name.endswith("_reminders")
        ]
        for line in self.sheet.lines():
            if line.number <= columns.row:
                continue
            if line.cells:
                account.rows += 1
            wanted, faults = read_row(line, columns, self.rules, self.wishes, self.sheet.epoch)
            account.wrong(*faults)
            if wanted is None:
                continue
            first, contradicted = seen.meet(self.seal.key("tel", wanted.phone), wanted)
            account.wrong(*twice(wanted, first, contradicted, columns))
            if first != wanted.row:
                account.repeated += 1
            else:
                self._count(account, wanted)
            self.progress("checking", account.rows)

    def _count(self, account: Account, wanted: Wanted) -> None:
        account.people += 1
        language = wanted.values.get("language", "")
        account.languages[language] = account.languages.get(language, 0) + 1
        for code in wanted.groups:
            account.groups[code] = account.groups.get(code, 0) + 1
        if not values.is_usual(wanted.phone):
            account.unusual += 1
            if len(account.unusual_rows) < MOST_ROWS:
                account.unusual_rows.append(wanted.row)

    def _rows(self, columns: Columns) -> Iterator[Wanted]:
        """The second reading. What was clean the first time is clean again, unless the file changed."""
        for line in self.sheet.lines():
            if line.number <= columns.row:
                continue
            wanted, _ = read_row(line, columns, self.rules, self.wishes, self.sheet.epoch)
            if wanted is None:
                raise SheetError("The file changed while it was read. Import it again; nobody is entered twice.")
            yield wanted

    def _enter(
        self, account: Account, rows: list[Wanted], seen: Seen, transact: Transact, now: datetime, dry: bool
    ) -> None:
        people: dict[str, Wanted] = {}
        for row in rows:
            key = self.seal.key("tel", row.phone)
            if key in people:
                people[key].join(row)
            else:
                people[key] = row
        firsts = {each.row for key, each in people.items() if seen.first(key) == each.row}
        done = again(lambda: transact(lambda db: enter(db, self.seal, people, now, dry=dry)))
        self._add(account, done, firsts)

    def _add(self, account: Account, done: Entered, firsts: set[int]) -> None:
        """Count people by their first row; later rows of the same person were counted as repeated."""
        account.new += len(firsts.intersection(done.new))
        account.known += len(firsts.intersection(done.known))
        account.kept += len(firsts.intersection(done.kept))
        if stopped := len(firsts.intersection(done.stopped)):
            account.left_alone[reasons.STOPPED] = account.left_alone.get(reasons.STOPPED, 0) + stopped


def _slices(rows: Iterator[Wanted]) -> Iterator[list[Wanted]]:
    while part := list(islice(rows, SLICE)):
        yield part


def again(work: Callable[[], T]) -> T:
    """What `work` gives; it is begun anew when it met another process in its way."""
    for tried in range(1, TRIES + 1):
        try:
            return work()
        except Vanished:
            if tried == TRIES:
                raise
        except DBAPIError as error:
            busy = "database is locked" in str(error.orig)
            if tried == TRIES or not (busy or getattr(error.orig, "sqlstate", "") in LOST_A_RACE):
                raise
        sleep(0.05 * tried)
    raise AssertionError("unreachable")
