"""Contacts out to a sheet: without numbers for reports; numbers without answers, and not without a reason."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from sqlalchemy import Connection, Select, exists, func, select

from dialogs.seal import Seal, WrongKey
from dialogs.tables import Address, Contact, Due, Field, Group, Member
from gateway.people import finding
from gateway.people.transact import Transact

RUN_BY_SPREADSHEETS = ("=", "+", "-", "@", "\t", "\r")
PLAIN = ("id", "language", "country", "timezone", "agreed", "stopped", "number_kept", "groups")
NUMBERS = ("phone", "language", "group")
FORBIDDEN = dict.fromkeys((*range(9), 11, 12, *range(14, 32)))  # not allowed in an XLSX file

Row = Sequence[str | int]


class ExportError(Exception):
    """The file cannot be written; the text says why and what to do."""


def check(path: Path) -> None:
    """Raises ExportError if nothing can be written there."""
    if path.suffix.lower() not in (".csv", ".xlsx"):
        raise ExportError("The file must end in .csv or .xlsx.")
    if path.exists():
        raise ExportError(f"{path} is there already. Choose another name.")
    if not path.absolute().parent.is_dir():
        raise ExportError(f"There is no folder {path.absolute().parent}.")


def write(path: Path, rows: Iterable[Row]) -> int:
    """Write rows, the first are the headings; gives how many came below them. Nobody else may read the file.

    Raises ExportError. What breaks off leaves no file.
    """
    check(path)
    part = path.with_name(f".{path.name}.part")
    try:
        new = open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")  # noqa: SIM115
        count = -1  # the headings
        with new as file, _into(path.suffix.lower(), file) as append:
            for row in rows:
                append(row)
                count += 1
        part.rename(path)
        return count
    except OSError as error:
        raise ExportError(f"{path} cannot be written: {error.strerror}.") from None
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _into(suffix: str, file: Any) -> Iterator[Callable[[Row], None]]:
    if suffix == ".xlsx":
        book = Workbook(write_only=True)
        sheet = book.create_sheet("contacts")
        yield lambda row: sheet.append([_text_cell(sheet, value) for value in row])
        book.save(file)
        return
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="", write_through=False)
    writer = csv.writer(text)

    def append(row: Row) -> None:
        writer.writerow([harmless(value) for value in row])

    yield append
    text.flush()
    text.detach()


def harmless(value: str | int) -> str | int:
    """A cell that no spreadsheet takes for a formula; our own import takes the mark off again."""
    return f"'{value}" if isinstance(value, str) and value.startswith(RUN_BY_SPREADSHEETS) else value


def _text_cell(sheet: Any, value: str | int) -> Any:
    if isinstance(value, int):
        return value
    cell = WriteOnlyCell(sheet)
    cell.value = value.translate(FORBIDDEN)
    cell.data_type = "s"  # openpyxl makes a formula of "=1+1"
    cell.number_format = "@"
    return cell


def people(transact: Transact, group: str = "") -> Iterator[Row]:
    """Everybody (or a group with all below it) without numbers: one row each, a column for each field and date.

    Raises GroupError, at the first row.
    """

    def start(db: Connection) -> tuple[Select[int], list[str], list[str]]:
        wanted = finding.matching(db, group=group)
        mine = wanted.subquery()
        fields = db.execute(select(Field.name).where(Field.contact_id.in_(select(mine.c.id))).distinct()).scalars()
        dates = db.execute(select(Due.name).where(Due.contact_id.in_(select(mine.c.id))).distinct()).scalars()
        return wanted, sorted(fields), sorted(dates)

    wanted, fields, dates = transact(start)
    heads = [name if name not in (*PLAIN, *fields) else f"date_{name}" for name in dates]
    yield [*PLAIN, *(name if name not in PLAIN else f"field_{name}" for name in fields), *heads]
    last = 0
    while rows := transact(partial(_slice, wanted=wanted, last=last, fields=fields, dates=dates)):
        yield from rows
        last = int(rows[-1][0])


def _slice(db: Connection, wanted: Select[int], last: int, fields: list[str], dates: list[str]) -> list[Row]:
    ids = finding.after(db, wanted, last)
    saved: dict[int, dict[str, str]] = {}
    for id, name, value in db.execute(
        select(Field.contact_id, Field.name, Field.value).where(Field.contact_id.in_(ids))
    ):
        saved.setdefault(id, {})[name] = finding.readable(value)
    counted: dict[int, dict[str, str]] = {}
    open_first = select(Due.contact_id, Due.name, Due.on).where(Due.contact_id.in_(ids))
    for owner, name, on in db.execute(open_first.order_by(Due.done_at.is_(None), Due.id)):
        if owner is not None:
            counted.setdefault(owner, {})[name] = on.isoformat()  # the newest open one, else the newest done
    codes: dict[int, list[str]] = {}
    for id, code in db.execute(
        select(Member.contact_id, Group.code)
        .join(Group, Group.id == Member.group_id)
        .where(Member.contact_id.in_(ids))
        .order_by(Group.code)
    ):
        codes.setdefault(id, []).append(code)
    kept = set(
        db.execute(select(Address.contact_id).where(Address.contact_id.in_(ids), Address.sealed.is_not(None))).scalars()
    )
    rows: list[Row] = []
    for row in db.execute(select(Contact.__table__).where(Contact.id.in_(ids)).order_by(Contact.id)):
        rows.append(
            [
                row.id, row.language, row.country, row.timezone,
                row.consent_at.date().isoformat() if row.consent_at else "",
                row.stopped_at.date().isoformat() if row.stopped_at else "",
                "yes" if row.id in kept else "no",
                " ".join(codes.get(row.id, [])),
                *(saved.get(row.id, {}).get(name, "") for name in fields),
                *(counted.get(row.id, {}).get(name, "") for name in dates),
            ]
        )  # fmt: skip
    return rows


def reachable(db: Connection, group: str = "") -> Select[int]:
    """The statement for people who want messages: their number is kept and they did not say STOP."""
    sealed = exists().where(Address.contact_id == Contact.id, Address.sealed.is_not(None), Address.kind != "chat")
    return finding.matching(db, group=group).where(Contact.stopped_at.is_(None), sealed)


def count(db: Connection, wanted: Select[int]) -> int:
    """How many contacts a statement finds."""
    return db.execute(select(func.count()).select_from(wanted.subquery())).scalar_one()


def phone_numbers(transact: Transact, seal: Seal, group: str = "") -> Iterator[Row]:
    """Numbers of those who want messages, with language and group; who is in two groups has two rows.

    Numbers that were locked with a key that is gone are left out.
    """
    wanted = transact(lambda db: reachable(db, group))
    yield list(NUMBERS)
    last = 0
    while True:
        ids, rows = transact(partial(_numbers, seal=seal, wanted=wanted, last=last))
        yield from rows
        if not ids:
            return
        last = ids[-1]


def _numbers(db: Connection, seal: Seal, wanted: Select[int], last: int) -> tuple[list[int], list[Row]]:
    ids = finding.after(db, wanted, last)
    found = (
        select(Address.contact_id, Address.kind, Address.sealed, Address.key_id, Contact.language, Group.code)
        .join(Contact, Contact.id == Address.contact_id)
        .outerjoin(Member, Member.contact_id == Contact.id)
        .outerjoin(Group, Group.id == Member.group_id)
        .where(Address.contact_id.in_(ids), Address.sealed.is_not(None), Address.kind != "chat")
        .order_by(Contact.id, Address.id, Group.code)
    )
    rows: dict[tuple[str, str], Row] = {}
    for row in db.execute(found):
        try:
            number = seal.open(row.sealed, row.kind, str(row.contact_id), row.key_id)
        except WrongKey:
            continue
        rows[number, row.code or ""] = [number, row.language, row.code or ""]
    return ids, list(rows.values())
