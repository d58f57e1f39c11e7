"""Sheets, read row by row: CSV in the encodings that offices use, and XLSX. Memory does not grow with the rows.

(Of an XLSX file the table of its distinct texts is held: that is how openpyxl reads, and how the format is made.)
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import zipfile
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element, ParseError, iterparse

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet._reader import MERGE_TAG, ROW_TAG, WorkSheetParser

from gateway.people.synonyms import headings_in
from gateway.people.values import Value

CHUNK = 1 << 20
LOOK = 20  # rows in which the headings must stand
MOST_COLUMNS = 200
MOST_UNPACKED = 4 << 30  # bytes of an XLSX file
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs"}
FORMULA = re.compile(r'="([^"]*)"')  # how some programs write a number that must keep its zeros


class SheetError(Exception):
    """A file that cannot be read as a sheet; its text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Formula:
    """Stands in a cell that is computed: its value is not in the file for sure."""


class Line(NamedTuple):
    """One row. `number` is as a spreadsheet counts; `fault` says why the row itself cannot be read."""

    number: int
    cells: tuple[Value | Formula, ...]
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet that may be read again and again. `how` tells what was assumed, `epoch` how it counts days."""

    path: Path
    how: str
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    epoch: datetime | None = None

    def lines(self) -> Iterator[Line]:
        """Every row that is not blank, from the first. Raises SheetError."""
        return self._xlsx() if self.sheet else self._csv()

    def _csv(self) -> Iterator[Line]:
        number = 0
        with open(self.path, encoding=self.encoding, newline="") as file:
            reader = csv.reader(file, delimiter=self.delimiter, strict=True)
            try:
                for number, row in enumerate(reader, 1):
                    cells = tuple(_csv_cell(cell) for cell in row)
                    if any(cell not in ("", None) for cell in cells):
                        yield Line(number, cells)
            except csv.Error as error:
                why = f"Its quotes are not in order ({error})."
                yield Line(number + 1, (), f"{why} From here on the file could not be read.")
            except UnicodeError:
                raise SheetError("The file has letters of several encodings. Save it again as CSV UTF-8.") from None

    def _xlsx(self) -> Iterator[Line]:
        with _workbook(self.path) as book:
            sheet = book[self.sheet]
            with sheet._get_source() as source:
                parser = _Rows(
                    source,
                    sheet._shared_strings,
                    data_only=False,
                    epoch=book.epoch,
                    date_formats=book._date_formats,
                    timedelta_formats=book._timedelta_formats,
                )
                for number, row in parser.parse():
                    cells = _xlsx_cells(row)
                    if any(cell not in ("", None) for cell in cells):
                        yield Line(number, cells)
                for merged in parser.merged:
                    rows = [int(each) for each in re.findall(r"\d+", merged)]
                    yield Line(rows[-1], (), f"The cells {merged} are merged.")


class _Rows(WorkSheetParser):
    """openpyxl's reader of one sheet, without what else stands in it, and without keeping the rows behind it."""

    merged: tuple[str, ...] = ()

    def parse(self) -> Generator[tuple[int, list[dict[str, Any]]], None, None]:
        above: list[Element] = []
        for event, element in iterparse(self.source, events=("start", "end")):
            if event == "start":
                above.append(element)
                continue
            above.pop()
            if element.tag == ROW_TAG:
                yield self.parse_row(element)
                above[-1].clear()
            elif element.tag == MERGE_TAG:
                self.merged = tuple(cell.get("ref", "") for cell in element)[:1_000]


def _csv_cell(written: str) -> Value | Formula:
    if written.startswith("="):
        found = FORMULA.fullmatch(written)
        return found[1] if found else Formula()
    return written.strip()


def _xlsx_cells(row: list[dict[str, Any]]) -> tuple[Value | Formula, ...]:
    cells: list[Value | Formula] = []
    for cell in row:
        if cell["value"] is None and cell["data_type"] != "f":
            continue
        column = cell["column"]
        if column > MOST_COLUMNS * 2:
            break
        cells += [None] * (column - len(cells))
        value = Formula() if cell["data_type"] == "f" else cell["value"]
        if not isinstance(value, Value | Formula):
            value = str(value)  # a time span, an error
        cells[column - 1] = value.strip() if isinstance(value, str) else value
    return tuple(cells)


def open_sheet(path: Path, name: str = "") -> Sheet:
    """The sheet in a file: what it begins with tells what it is. `name` picks one of a workbook. Raises SheetError."""
    try:
        with open(path, "rb") as file:
            start = file.read(4096)
    except OSError as error:
        raise SheetError(f"{path} cannot be read: {error.strerror}.") from None
    if not start.strip(b"\x00 \r\n\t"):
        raise SheetError(f"{path} is empty.")
    if start.startswith(b"PK\x03\x04"):
        return _open_xlsx(path, name)
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        raise SheetError(f"{path} is an old Excel file, or has a password. Save it as .xlsx without a password.")
    if name:
        raise SheetError(f"{path} has no sheets: it is a text file. Leave --sheet out.")
    encoding, how = _encoding(path, start)
    delimiter = _delimiter(path, encoding)
    return Sheet(path, f"{how}, cells parted by {DELIMITERS[delimiter]}", encoding, delimiter)


def _open_xlsx(path: Path, name: str) -> Sheet:
    with _workbook(path) as book:
        titles = [sheet.title for sheet in book.worksheets]
        if not titles:
            raise SheetError(f"{path} has no sheet with cells.")
        if name and name not in titles:
            raise SheetError(f"{path} has no sheet {name}. There are: {', '.join(titles[:20])}.")
        chosen = name or titles[0]
        how = f"XLSX, sheet {chosen}" + (f" of {len(titles)}" if len(titles) > 1 else "")
        return Sheet(path, how, sheet=chosen, epoch=book.epoch)


@contextmanager
def _workbook(path: Path) -> Iterator[Any]:
    try:
        with zipfile.ZipFile(path) as packed:
            if sum(each.file_size for each in packed.infolist()) > MOST_UNPACKED:
                raise SheetError(f"{path} is too large. Save the sheet as CSV.")
        with closing(load_workbook(path, read_only=True, keep_links=False)) as book:
            yield book
    except (zipfile.BadZipFile, zipfile.LargeZipFile, InvalidFileException, ParseError, EOFError):
        raise SheetError(f"{path} is no whole XLSX file. Save it again as .xlsx, or as CSV UTF-8.") from None
    except (KeyError, ValueError, IndexError, TypeError, AttributeError) as error:
        # What openpyxl says of files that other programs made in their own way.
        raise SheetError(f"{path} cannot be read as XLSX ({type(error).__name__}). Save it as CSV UTF-8.") from error


def _encoding(path: Path, start: bytes) -> tuple[str, str]:
    """The encoding and how it is called. The whole file is tried: one accent may stand at its end."""
    if start.startswith(codecs.BOM_UTF8):
        return "utf-8-sig", "CSV in UTF-8"
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16", "CSV in UTF-16"
    if b"\x00" in start:
        even, odd = start[::2].count(0), start[1::2].count(0)
        if max(even, odd) < len(start) // 4:
            raise SheetError(f"{path} is no sheet. Save it as .xlsx, or as CSV UTF-8.")
        return ("utf-16-be" if even > odd else "utf-16-le"), "CSV, taken as UTF-16"
    for encoding, how in (
        ("utf-8", "CSV in UTF-8"),
        ("cp1252", "CSV, taken as Windows-1252 since it is not UTF-8: look at the accents"),
    ):
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            with open(path, "rb") as file:
                while chunk := file.read(CHUNK):
                    decoder.decode(chunk)
                decoder.decode(b"", final=True)
            return encoding, how
        except UnicodeError:
            continue
    return "latin-1", "CSV, taken as Latin-1 since it is not UTF-8: look at the accents"


def _delimiter(path: Path, encoding: str) -> str:
    """What parts the cells: that which makes the most headings, else the most cells."""
    try:
        with open(path, encoding=encoding, newline="") as file:
            start = "".join(islice(iter(lambda: file.readline(4096), ""), LOOK))
    except UnicodeError:
        raise SheetError("The file has letters of several encodings. Save it again as CSV UTF-8.") from None

    def worth(delimiter: str) -> tuple[int, int]:
        best, cells = 0, 0
        try:
            for row in csv.reader(io.StringIO(start, newline=""), delimiter=delimiter):
                best, cells = max(best, headings_in(row)), cells + len(row)
        except csv.Error:
            pass
        return best, cells

    return max(DELIMITERS, key=worth)
