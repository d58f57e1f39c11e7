"""The workbook that goes to translators, and the one that comes back: XLSX, read and written by openpyxl."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from datetime import date, datetime, time
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

from openpyxl import Workbook, load_workbook
from openpyxl.formatting.rule import FormulaRule
from openpyxl.styles import Alignment, Font, PatternFill, Protection
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from dialogs.spreadsheet import Left, Odd, Row, Sheet
from dialogs.spreadsheet.rows import BEFORE, COLUMNS, ID, LETTERS, LIMIT, LOCK, OLD, REVIEWER, STATUS, TEXT

TEXTS, GLOSSARY, READ_ME = "Texts", "Glossary", "Read me"
WIDTHS = (28, 36, 46, 46, 8, 8, 9, 36, 20, 20, 30, 10, 10)
MOST_ROWS = 100_000
MOST_UNPACKED = 200 << 20  # bytes: a sheet of a thousand texts has two million
MISSING, OUTDATED, LONG, HEAD = "FFF2CC", "F8CBAD", "FF9999", "D9E1F2"  # yellow, orange, red, blue
OPEN, TOP = Protection(locked=False), Alignment(wrap_text=True, vertical="top")
MIDDLE = Alignment(horizontal="center", vertical="top")
LINE, HIGHEST = 15, 400  # points; Excel has none higher than 409

# XML cannot hold these signs, and a bare carriage return it reads as a line feed: Office Open XML writes them as
# _x000D_ (ECMA-376, ST_Xstring), and therefore a text that looks like that with its first sign written so as well.
_WRITTEN = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_READ = re.compile("_x(?![Dd][89A-Fa-f])([0-9A-Fa-f]{4})_")  # but for halves of signs, which are none


class BookError(Exception):
    """A file that is no sheet of ours; its text says why and what to do."""


# --- out ---


def write_book(sheet: Sheet, path: Path) -> None:
    """The workbook of a language: texts, glossary, and how to go about it. Raises OSError."""
    book = Workbook()
    page = _page(book, TEXTS, sheet.headings, WIDTHS)
    for number, row in enumerate(sheet.rows, 2):
        _row(page, number, row)
    _mark(page, len(sheet.rows) + 1)
    words = _page(book, GLOSSARY, (sheet.source, sheet.name, "How sure", "Note"), (30, 46, 16, 60))
    for number, cells in enumerate(sheet.glossary, 2):
        _cells(words, number, cells)
    _read_me(_page(book, READ_ME, (), (110,)), sheet)
    for each in (page, words):
        _protect(each)
    _save(book, path)


def write_left(left: Sequence[Left], headings: Sequence[str], path: Path) -> None:
    """A list of the rows that were not written, with all that a translator put into them. Raises OSError."""
    book = Workbook()
    source, name, old = headings[2], headings[3], headings[7]
    titles = ("Row", "Where", "Why it was left", old, f"{source} now", f"{name} in the file now", f"{name} as written")
    page = _page(book, "Left", (*titles, "Reviewed by", "id"), (6, 28, 36, 40, 40, 40, 46, 20, 30))
    for number, each in enumerate(left, 2):
        row = each.row
        said = (f"{row.number}", row.where, each.why, row.source, each.now, each.held, row.text)
        _cells(page, number, (*said, "; ".join(row.reviewers), row.id))
    _save(book, path)


def _page(book: Workbook, title: str, headings: Sequence[str], widths: Sequence[int]) -> Worksheet:
    page: Worksheet = book.create_sheet(title)
    for column, width in enumerate(widths, 1):
        page.column_dimensions[get_column_letter(column)].width = width
    for column, heading in enumerate(headings, 1):
        cell = _text(page, 1, column, heading)
        cell.font, cell.fill = Font(bold=True), PatternFill("solid", fgColor=HEAD)
    if headings:
        page.freeze_panes, page.print_title_rows = "A2", "1:1"
    page.page_setup.orientation, page.page_setup.fitToHeight = "landscape", 0  # printed as wide as the paper
    page.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    return page


def _row(page: Worksheet, number: int, row: Row) -> None:
    limit = row.limit or ""
    texts = (row.where, row.note, row.source, row.text, "", limit, row.status, row.old, "", row.signed)
    _cells(page, number, (*texts, row.id, row.lock, row.before))
    letters = page.cell(number, LETTERS + 1, f"=LEN({_at(TEXT)}{number})")
    letters.number_format = "0"
    for column in (LETTERS, LIMIT, STATUS):
        page.cell(number, column + 1).alignment = MIDDLE
    room = row.text or f"{row.source}{row.source[::3]}"  # what is still to be typed: often a third longer
    shown = zip((row.where, row.note, row.source, room, row.old), (*WIDTHS[: TEXT + 1], WIDTHS[OLD]), strict=True)
    page.row_dimensions[number].height = min(HIGHEST, LINE * max(_lines(text, width) for text, width in shown))
    page.cell(number, TEXT + 1).protection = page.cell(number, REVIEWER + 1).protection = OPEN
    if row.status == "old":
        page.cell(number, TEXT + 1).fill = PatternFill("solid", fgColor=OUTDATED)


def _lines(text: str, width: int) -> int:
    """How many lines a text takes in a column, as far as one can tell: programs do not do it when they open a file."""
    return sum(1 + len(line) // width for line in text.split("\n"))


def _cells(page: Worksheet, number: int, cells: Iterable[str | int]) -> None:
    for column, value in enumerate(cells, 1):
        if isinstance(value, int):
            page.cell(number, column, value).alignment = TOP
        else:
            _text(page, number, column, value)


def _text(page: Worksheet, number: int, column: int, value: str) -> Any:
    """A cell that is text whatever stands in it: "=1+1" or "#N/A" too, and stays so when it is edited."""
    cell = page.cell(number, column)
    if value:
        cell.value = _WRITTEN.sub(lambda found: f"_x{ord(found[0]):04X}_", value)
        cell.data_type = "s"
    cell.number_format, cell.alignment = "@", TOP
    if value.startswith(("=", "+", "-", "@")):
        cell.quotePrefix = True
    return cell


def _mark(page: Worksheet, last: int) -> None:
    """Colours that follow what is typed, a filter, and the columns that nobody needs to see."""
    if last > 1:
        text, letters, limit = (f"${_at(column)}2" for column in (TEXT, LETTERS, LIMIT))
        marked = f"{_at(TEXT)}2:{_at(LETTERS)}{last}"
        for formula, colour in (
            (f"LEN(TRIM({text}))=0", MISSING),
            (f"AND(ISNUMBER({limit}),{letters}>{limit})", LONG),
        ):
            fill = PatternFill("solid", bgColor=colour, fgColor=colour)
            page.conditional_formatting.add(marked, FormulaRule(formula=[formula], fill=fill, stopIfTrue=True))  # type: ignore[no-untyped-call]
    page.auto_filter.ref = f"A1:{_at(REVIEWER + 1)}{last}"
    for column in (ID, LOCK, BEFORE):
        page.column_dimensions[_at(column)].hidden = True


def _protect(page: Worksheet) -> None:
    """Locked without a password: against slips, not against people. Widths, heights and the filter stay free."""
    page.protection.sheet = True
    page.protection.autoFilter = page.protection.formatColumns = page.protection.formatRows = False


def _read_me(page: Worksheet, sheet: Sheet) -> None:
    for number, line in enumerate(READ_ME_TEXT.format(name=sheet.name, source=sheet.source).split("\n"), 1):
        colour, _, text = line.rpartition("|")
        cell = _text(page, number, 1, text)
        if colour:
            cell.fill = PatternFill("solid", fgColor={"yellow": MISSING, "orange": OUTDATED, "red": LONG}[colour])
        if number == 1:
            cell.font = Font(bold=True, size=14)


READ_ME_TEXT = """\
How to translate into {name}
1. Work in the sheet "Texts". Write only in the column "{name}"; the other columns are locked, so that nothing slips.
2. "Where" says in which dialog the text stands, "Note" what it is for. Texts that belong together stand together.
3. What the colours mean in the column "{name}":
yellow|Yellow: there is no translation yet.
orange|Orange: the {source} text has changed since it was translated; "Old {source}" shows the old one. Mend it.
red|Red: more letters than the phone shows. "At most" says how many; no number: the phone cuts it into pages.
4. If an orange translation still fits as it is, leave it and write your name under "Reviewed by".
5. Names in braces, such as {{code}}, stay as they are. Write no digits for keys: the phone adds them.
6. A new line inside a text: Alt and Enter in Excel, Ctrl and Enter in LibreOffice.
7. You need not do all of it. What is empty stays as it was; to delete a translation here deletes nothing.
8. "Reviewed by" is for whoever has read a translation and stands by it: the own name, or two with ; between them.
   It counts as a signature for this wording. "Signed by" shows who has signed already.
9. The sheet "Glossary" has the words of the trade that we know in {name}, and how sure we are of each.
10. Save as XLSX (Excel Workbook), not as CSV or ODS. LibreOffice asks: keep "Excel 2007-365". Send back the file.
Add no rows, delete no columns, leave the headings as they are. Rows that a filter hides are read all the same."""


def _at(column: int) -> str:
    return get_column_letter(column + 1)


def _save(book: Workbook, path: Path) -> None:
    del book[book.sheetnames[0]]  # the empty one that openpyxl begins with
    packed = BytesIO()
    book.save(packed)
    beside = path.with_name(f"{path.name}~")
    beside.write_bytes(packed.getvalue())
    beside.replace(path)


# --- in ---

_EXPORT_AGAIN = (
    'Open it and save it as "Excel Workbook (.xlsx)", or export it again and paste the translations into it.'
)


def read_book(path: Path) -> tuple[tuple[str, ...], list[tuple[int, list[str | Odd]]]]:
    """The headings of the sheet of texts, and every other row with its number. Raises BookError."""
    try:
        with open(path, "rb") as file:
            start = file.read(4)
    except OSError as error:
        raise BookError(f"{path} cannot be read: {error.strerror}.") from None
    if start == b"\xd0\xcf\x11\xe0":
        raise BookError(f"{path} is an old Excel file (.xls), or has a password. {_EXPORT_AGAIN}")
    if start != b"PK\x03\x04":
        kind = "is empty" if not start else f"is no XLSX file{' but text, such as CSV' if _is_text(path) else ''}"
        raise BookError(f"{path} {kind}. {_EXPORT_AGAIN}")
    rows = list(_rows(path))
    if not rows or rows[0][0] != 1:
        raise BookError(f"The first row of the sheet {TEXTS} is empty: the headings are gone. {_EXPORT_AGAIN}")
    return tuple("" if isinstance(cell, Odd) else cell for cell in rows[0][1]), rows[1:]


def _is_text(path: Path) -> bool:
    with open(path, "rb") as file:
        return b"\x00" not in file.read(4096)


def _rows(path: Path) -> Iterator[tuple[int, list[str | Odd]]]:
    try:
        with zipfile.ZipFile(path) as packed:
            names = {each.filename: each.file_size for each in packed.infolist()}
            if "mimetype" in names or "content.xml" in names:
                raise BookError(f"{path} is an OpenDocument file (ODS). {_EXPORT_AGAIN}")
            if sum(names.values()) > MOST_UNPACKED:
                raise BookError(f"{path} is too large to be a sheet of texts. {_EXPORT_AGAIN}")
        with closing(load_workbook(path, read_only=True, keep_links=False)) as book:
            if TEXTS not in book.sheetnames:
                there = ", ".join(book.sheetnames[:9])
                mend = f'Rename the sheet that has the translations back to "{TEXTS}", and save.'
                raise BookError(f'{path} has no sheet "{TEXTS}", only: {there}. {mend}')
            page = book[TEXTS]
            page.reset_dimensions()  # some programs write wrong ones
            for number, row in enumerate(page.iter_rows(max_row=MOST_ROWS), 1):
                cells = [_cell(cell) for cell in row[:COLUMNS]]
                if any(isinstance(cell, Odd) or cell for cell in cells):
                    yield number, cells
    except (zipfile.BadZipFile, zipfile.LargeZipFile, InvalidFileException, ParseError, EOFError):
        raise BookError(f"{path} is no whole XLSX file. {_EXPORT_AGAIN}") from None
    except (KeyError, ValueError, IndexError, TypeError, AttributeError) as error:
        # What openpyxl says of files that other programs made in their own way.
        raise BookError(f"{path} cannot be read as XLSX ({type(error).__name__}). {_EXPORT_AGAIN}") from error


def _cell(cell: Any) -> str | Odd:
    value, kind = cell.value, cell.data_type
    if value is None:
        return ""
    if kind == "f":
        return Odd("a formula")
    if kind == "e":
        return Odd("an error of the spreadsheet")
    if isinstance(value, str):
        return _READ.sub(lambda found: chr(int(found[1], 16)), value)
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value}"
    return Odd("a date or a time" if isinstance(value, date | datetime | time) else "a number or a mark")
