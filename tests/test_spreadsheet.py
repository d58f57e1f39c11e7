"""Spreadsheets for translators: what is filled in comes into the PO file, and nobody's work is overwritten or lost."""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from dialogs.check.catalogue import BASE
from dialogs.locale import Language
from dialogs.pofile import Entry, Source, new_po, read_po, update
from dialogs.reviews import signers
from dialogs.spreadsheet import Sheet, Told, sheet_of, take, told
from dialogs.spreadsheet.rows import (
    BEFORE,
    COLUMNS,
    ID,
    LIMIT,
    LOCK,
    OLD,
    REVIEWER,
    SOURCE,
    STATUS,
    TEXT,
    Row,
    lock_of,
    mark_of,
)
from dialogs.written import read_folder
from gateway.cli_content import content as command
from gateway.translators_book import read_book, write_book

SOFFICE = shutil.which("soffice")
QUESTION, FIRST = "quiz:records.check", "menu:home.ask"
GLOSSARY = "gold:\n  sw:\n    dhahabu: a\nore:\n  sw:\n    madini: a\n    mawe: b\n  note: of rock\n"
PO = """\
# Kiswahili. Nobody has read it yet.
msgid ""
msgstr ""
"Language: sw\\n"
"X-Letters: gsm7\\n"
"X-Name: Kiswahili\\n"
"X-Status: draft\\n"

# from Amina's list
msgctxt "menu:home.ask"
msgid "Choose a number"
msgstr "Chagua namba"
"""


def run(folder: Path, *words: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(command, ["--content", str(folder), *map(str, words)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small content with a language that is hardly begun, up to date; commands run beside it."""
    for name, text in {**BASE, "content/glossary.yaml": GLOSSARY, "content/locale/sw.po": PO}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert run(tmp_path / "content", "update", "sw")[0] == 0
    return tmp_path / "content"


def edit(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def entry(folder: Path, id: str, code: str = "sw") -> Entry:
    po, problems = read_po("", (folder / f"locale/{code}.po").read_text(encoding="utf-8"))
    assert po is not None
    assert problems == []
    return next(entry for entry in po.entries if entry.id == id)


def export(folder: Path, *words: str) -> Path:
    code, said = run(folder, "export", *(words or ("sw",)))
    assert code == 0, said
    return folder.parent / f"{words[0] if words else 'sw'}.xlsx"


def cell(page: Any, id: str, column: int) -> Any:
    """A cell in the row of a text, as a translator would find it."""
    row = next(row for row in page.iter_rows(min_row=2) if row[ID].value == id)
    return row[column]


def fill(path: Path, *edits: tuple[str, int, Any], do: Callable[[Any], object] | None = None) -> Path:
    """The sheet with these cells filled in, saved as a spreadsheet program does."""
    book = load_workbook(path)
    for id, column, value in edits:
        cell(book["Texts"], id, column).value = value
    if do is not None:
        do(book["Texts"])
    book.save(path)
    return path


def taken(folder: Path, path: Path, *words: str) -> str:
    code, said = run(folder, "import", path, *words)
    assert code == 0, said
    return said


def left(path: Path) -> list[tuple[Any, ...]]:
    return list(load_workbook(path)["Left"].iter_rows(min_row=2, values_only=True))


# --- out ---


def test_only_the_translation_and_the_reviewer_can_be_written_in_and_the_rest_is_in_view(folder: Path) -> None:
    book = load_workbook(export(folder))
    page = book["Texts"]
    assert book.sheetnames == ["Texts", "Glossary", "Read me"]
    assert page.protection.sheet
    assert not page.protection.password
    assert page.freeze_panes == "A2"
    row = page[cell(page, FIRST, ID).row]
    assert [at for at, each in enumerate(row) if not each.protection.locked] == [TEXT, REVIEWER]
    assert [row[at].value for at in (0, SOURCE, TEXT)] == ["Main menu / home ask", "Choose a number", "Chagua namba"]
    assert row[STATUS].value == "done"
    assert isinstance(row[LIMIT].value, int)
    assert row[4].value == f"=LEN(D{row[0].row})"
    assert all(page.column_dimensions[letter].hidden for letter in "KLM")
    assert page["D1"].value == "Kiswahili"
    assert row[TEXT].alignment.wrap_text


def test_an_old_translation_stands_beside_the_text_that_it_was_made_from(folder: Path) -> None:
    edit(folder, "dialogs/menu.yaml", "Choose a number", "Choose one")
    page = load_workbook(export(folder))["Texts"]
    assert cell(page, FIRST, STATUS).value == "old"
    assert (cell(page, FIRST, OLD).value, cell(page, FIRST, SOURCE).value) == ("Choose a number", "Choose one")
    assert cell(page, FIRST, TEXT).fill.fgColor.rgb.endswith("F8CBAD")


def test_the_glossary_and_plain_words_on_how_to_go_about_it_come_along(folder: Path) -> None:
    book = load_workbook(export(folder))
    rows = list(book["Glossary"].iter_rows(values_only=True))
    assert rows[1:] == [("gold", "dhahabu", "sure", None), ("ore", "madini (sure); mawe (likely)", None, "of rock")]
    said = "\n".join(str(row[0]) for row in book["Read me"].iter_rows(values_only=True))
    assert "Save as XLSX" in said
    assert "{code}" in said


def test_one_may_ask_for_what_is_missing_and_for_some_dialogs_only(folder: Path) -> None:
    code, said = run(folder, "export", "sw", "a.xlsx", "--only", "missing", "--dialog", "menu", "--dialog", "quiz")
    assert code == 0
    ids = [str(row[ID].value) for row in load_workbook("a.xlsx")["Texts"].iter_rows(min_row=2)]
    assert {id.partition(":")[0] for id in ids} == {"menu", "quiz"}
    assert FIRST not in ids
    assert run(folder, "export", "sw", "b.xlsx", "--only", "old")[1].startswith("b.xlsx: 0 texts")
    code, said = run(folder, "export", "sw", "c.xlsx", "--dialog", "quizz")
    assert code == 1
    assert 'Did you mean "quiz"?' in said


def test_a_file_that_is_there_is_not_written_over(folder: Path) -> None:
    path = export(folder)
    before = path.read_bytes()
    code, said = run(folder, "export", "sw")
    assert code == 1
    assert "somebody's work may be in it" in said
    assert path.read_bytes() == before
    assert "are written as .xlsx" in run(folder, "export", "sw", "sw.ods")[1]


def test_a_language_is_begun_with_a_sheet(folder: Path) -> None:
    code, said = run(folder, "export", "rw")
    assert code == 1
    assert "--name" in said
    path = export(folder, "rw", "--name", "Ikinyarwanda")
    assert not (folder / "locale/rw.po").exists()
    taken(folder, path)
    assert not (folder / "locale/rw.po").exists()
    taken(folder, fill(path, (QUESTION, TEXT, "Mwandika ibyo mugurisha?")))
    po, _ = read_po("", (folder / "locale/rw.po").read_text(encoding="utf-8"))
    assert po is not None
    assert (po.headers["Language"], po.headers["X-Name"], po.headers["X-Status"]) == ("rw", "Ikinyarwanda", "draft")
    assert entry(folder, QUESTION, "rw").text == "Mwandika ibyo mugurisha?"


# --- in ---


def test_what_is_filled_in_is_written_and_all_else_stays_as_it_is(folder: Path) -> None:
    before = (folder / "locale/sw.po").read_text(encoding="utf-8")
    path = fill(export(folder), (QUESTION, TEXT, "Je, kikundi huandika kila mauzo?"))
    assert "1 written, 1 unchanged" in taken(folder, path)
    after = (folder / "locale/sw.po").read_text(encoding="utf-8")
    question = 'msgid "Does the group write down each sale?"\nmsgstr '
    assert after == before.replace(f'{question}""', f'{question}"Je, kikundi huandika kila mauzo?"')
    assert "nothing has changed" in taken(folder, path)


def test_a_dry_run_writes_nothing(folder: Path) -> None:
    before = (folder / "locale/sw.po").read_bytes()
    path = fill(export(folder), (QUESTION, TEXT, "Je?"))
    edit(folder, "dialogs/quiz.yaml", "write down each sale", "write down every sale")
    assert "1 old, 0 conflicts" in taken(folder, path, "--dry-run")
    assert (folder / "locale/sw.po").read_bytes() == before
    assert not (folder.parent / "sw.left.xlsx").exists()


def test_a_translation_of_an_older_text_is_listed_and_kept_beside(folder: Path) -> None:
    path = fill(export(folder), (QUESTION, TEXT, "Je, kikundi huandika?"), (FIRST, TEXT, "Chagua moja"))
    edit(folder, "dialogs/quiz.yaml", "write down each sale", "write down every sale")
    said = taken(folder, path)
    assert "1 written" in said
    assert "was:     Does the group write down each sale?" in said
    assert "now:     Does the group write down every sale?" in said
    assert "written: Je, kikundi huandika?" in said
    assert entry(folder, QUESTION).text == ""
    [row] = left(folder.parent / "sw.left.xlsx")
    assert row[3:7] == (
        "Does the group write down each sale?",
        "Does the group write down every sale?",
        None,
        "Je, kikundi huandika?",
    )
    taken(folder, path)
    assert (folder.parent / "sw.left-2.xlsx").exists()


def test_what_somebody_else_has_changed_meanwhile_is_a_conflict(folder: Path) -> None:
    path = fill(export(folder), (FIRST, TEXT, "Chagua moja"))
    edit(folder, "locale/sw.po", "Chagua namba", "Chagueni")
    said = taken(folder, path)
    assert "in file: Chagueni" in said
    assert "1 conflicts" in said
    assert entry(folder, FIRST).text == "Chagueni"
    assert left(folder.parent / "sw.left.xlsx")[0][5:7] == ("Chagueni", "Chagua moja")
    edit(folder, "locale/sw.po", "Chagueni", "Chagua moja")
    assert "0 conflicts" in taken(folder, path)


def test_an_empty_cell_deletes_no_translation(folder: Path) -> None:
    for text in (None, "  \n "):
        said = taken(folder, fill(export(folder), (FIRST, TEXT, text)))
        assert "this cell was emptied. The translation in the file stays" in said
        assert entry(folder, FIRST).text == "Chagua namba"
        (folder.parent / "sw.xlsx").unlink()


def test_a_mended_old_translation_is_taken_and_one_that_still_fits_needs_a_name(folder: Path) -> None:
    edit(folder, "dialogs/menu.yaml", "Choose a number", "Choose one")
    path = export(folder)
    assert "0 written" in taken(folder, path)
    assert entry(folder, FIRST).fuzzy
    assert "0 signatures" not in (said := taken(folder, path, "--reviewer", "Amina Hassan"))
    assert entry(folder, FIRST).fuzzy, said
    assert "1 old ones confirmed, 1 signatures" in taken(folder, fill(path, (FIRST, REVIEWER, "Amina Hassan")))
    found = entry(folder, FIRST)
    assert (found.fuzzy, found.previous, signers(found.reviews)) == (False, "", ("Amina Hassan",))


def test_names_become_signatures_once_and_only_for_what_is_there(folder: Path) -> None:
    path = fill(export(folder), (FIRST, REVIEWER, "Amina; Juma"), (QUESTION, TEXT, "Je?"), (QUESTION, REVIEWER, "ok"))
    said = taken(folder, path, "--reviewer", "Neema")
    assert "4 signatures" in said
    assert '"ok" is no name' in said
    assert signers(entry(folder, FIRST).reviews) == ("Amina", "Juma", "Neema")
    assert signers(entry(folder, QUESTION).reviews) == ("Neema",)


def test_a_signature_needs_a_name(folder: Path) -> None:
    path = fill(export(folder), (FIRST, REVIEWER, "x"), (QUESTION, TEXT, "Je?"))
    said = taken(folder, path)
    assert '"x" is no name' in said
    assert signers(entry(folder, FIRST).reviews) == ()
    assert entry(folder, QUESTION).text == "Je?"
    assert run(folder, "import", path, "--reviewer", "1")[0] == 1
    assert run(folder, "import", path, "--reviewer", "A. Hassan;B. Juma") == (
        1,
        "Error: Each person signs alone: give one name.\n",
    )
    before = (folder / "locale/sw.po").read_bytes()
    assert "2 signatures" in taken(folder, path, "--reviewer", "Neema")
    assert (folder / "locale/sw.po").read_bytes() != before
    before = (folder / "locale/sw.po").read_bytes()
    assert "signatures" not in taken(folder, path, "--reviewer", "NEEMA")
    assert (folder / "locale/sw.po").read_bytes() == before


# --- the checks ---


def test_in_a_draft_rows_with_errors_are_left_out_and_the_others_written(folder: Path) -> None:
    path = fill(export(folder), ("audit:done.say.1", TEXT, "Imehifadhiwa {tarehe}."), (QUESTION, TEXT, "Je?"))
    number = cell(load_workbook(path)["Texts"], "audit:done.say.1", ID).row
    said = taken(folder, path)
    assert f"Row {number}, My audit date / done say 1: " in said
    assert "[placeholders-differ]" in said
    assert (entry(folder, "audit:done.say.1").text, entry(folder, QUESTION).text) == ("", "Je?")
    assert left(folder.parent / "sw.left.xlsx")[0][6] == "Imehifadhiwa {tarehe}."


def test_a_text_that_is_too_long_for_the_phone_is_an_error_of_its_row(folder: Path) -> None:
    said = taken(folder, fill(export(folder), (QUESTION, TEXT, "Je, kikundi huandika mauzo? " * 8)))
    assert "Errors: these rows are left out" in said
    assert "Row" in said
    assert entry(folder, QUESTION).text == ""


def test_of_many_warnings_only_the_first_are_shown(folder: Path) -> None:
    def copy(page: Any) -> None:
        for row in page.iter_rows(min_row=2):
            row[TEXT].value = row[TEXT].value or row[SOURCE].value

    said = taken(folder, fill(export(folder), do=copy))
    assert said.count("please look") == 20
    assert "more to look at" in said


def test_in_a_live_language_one_error_keeps_all_of_it_out(folder: Path) -> None:
    edit(folder, "locale/sw.po", "X-Status: draft", "X-Status: live")
    before = (folder / "locale/sw.po").read_bytes()
    both = "Amina; Juma"
    path = fill(
        export(folder),
        *(("audit:done.say.1", TEXT, "Imehifadhiwa {tarehe}."), ("audit:done.say.1", REVIEWER, both)),
        *((QUESTION, TEXT, "Je?"), (QUESTION, REVIEWER, both)),
    )
    code, said = run(folder, "import", path)
    assert code == 1
    assert "Nothing is written" in said
    assert "Row " in said
    assert "[placeholders-differ]" in said
    assert (folder / "locale/sw.po").read_bytes() == before
    fill(path, ("audit:done.say.1", TEXT, "Imehifadhiwa {audit_date}."))
    assert "2 written" in taken(folder, path)


def test_a_live_language_takes_only_what_two_people_sign(folder: Path) -> None:
    edit(folder, "locale/sw.po", "X-Status: draft", "X-Status: live")
    path = fill(export(folder), (QUESTION, TEXT, "Je?"), (QUESTION, REVIEWER, "Amina"))
    code, said = run(folder, "import", path)
    assert code == 1
    assert "[unsigned]" in said
    assert "Row " in said
    assert "1 written, 4 signatures" not in said
    assert "1 written" in taken(folder, path, "--reviewer", "Juma")


# --- cells that slipped ---

STEPS = 24


@pytest.fixture
def long(folder: Path) -> Path:
    """Many texts in one dialog, each translated."""
    steps = "".join(f"  s{at}:\n    say: Advice number {at}.\n" for at in range(STEPS))
    (folder / "dialogs/long.yaml").write_text(f"title: Long\nthen: /menu\nsource: own\nsteps:\n{steps}", "utf-8")
    assert run(folder, "update", "sw")[0] == 0
    for at in range(STEPS):
        asked = f'msgid "Advice number {at}."\nmsgstr '
        edit(folder, "locale/sw.po", f'{asked}""', f'{asked}"Ushauri namba {at}."')
    return folder


def slip(first: int, last: int, by: int = 1) -> list[tuple[str, int, str]]:
    """These steps with the translations of others, so many rows away."""
    return [(f"long:s{at}.say.1", TEXT, f"Ushauri namba {at + by}.") for at in range(first, last + 1)]


@pytest.mark.parametrize("by", [-1, 1, 3])
def test_a_sheet_in_which_cells_have_slipped_is_not_taken_at_all(long: Path, by: int) -> None:
    before = (long / "locale/sw.po").read_bytes()
    path = fill(export(long), *slip(4, 9, by), (QUESTION, TEXT, "Je?"))
    code, said = run(long, "import", path)
    assert code == 1
    assert "cells seem to have slipped: 6 translations stand in rows of other texts" in said
    here, there = (cell(load_workbook(path)["Texts"], f"long:s{at}.say.1", ID).row for at in (4, 4 + by))
    assert (
        f"Row {here}, Long / s4 say 1: moved? This is the translation of row {there}, Long / s{4 + by} say 1." in said
    )
    assert (long / "locale/sw.po").read_bytes() == before


def test_one_translation_in_the_row_of_another_is_listed_and_not_written(long: Path) -> None:
    path = fill(export(long), *slip(4, 5), (QUESTION, TEXT, "Je?"))
    said = taken(long, path)
    assert "Moved?" in said
    assert "1 written, " in said
    assert "2 moved?" in said
    assert (entry(long, "long:s4.say.1").text, entry(long, QUESTION).text) == ("Ushauri namba 4.", "Je?")
    assert [row[2][:6] for row in left(long.parent / "sw.left.xlsx")] == ["moved?", "moved?"]


def test_what_is_the_same_for_a_reason_has_not_moved(long: Path) -> None:
    short = [(f"long:s{at}.say.1", TEXT, "Ndi") for at in range(3, 7)]
    edit(long, "locale/sw.po", "Ushauri namba 2.", "Ndi")
    edit(long, "dialogs/long.yaml", "number 11.", "number 10.")  # the same source text twice
    run(long, "update", "sw")
    same = [("long:s11.say.1", TEXT, "Ushauri namba 10.")]
    far = slip(1, 1, STEPS - 2)
    said = taken(long, fill(export(long), *short, *same, *far))
    assert "oved?" not in said
    assert entry(long, "long:s1.say.1").text == f"Ushauri namba {STEPS - 1}."


# --- titles and choices ---


@pytest.mark.parametrize(("letters", "kept"), [(30, True), (31, True), (40, True), (41, False), (90, False)])
@pytest.mark.parametrize("id", ["quiz:title", "menu:home.choices.quiz"])
def test_a_title_or_choice_far_over_its_limit_is_left_out_of_a_draft(
    folder: Path, id: str, letters: int, kept: bool
) -> None:
    text = ("Je, niko tayari sasa? " * 9)[: letters - 1] + "x"
    said = taken(folder, fill(export(folder), (id, TEXT, text)))
    assert (entry(folder, id).text == text) == kept
    assert ("[too-long]" in said) == (letters > 30)
    assert ("please look" in said) == (30 < letters <= 40)
    assert ("these rows are left out" in said) == (not kept)


# --- what cannot be read ---


@pytest.mark.parametrize(
    ("do", "why"),
    [
        (lambda page: page.append([None, None, None, "Habari"]), "This row has no id"),
        (lambda page: setattr(cell(page, QUESTION, ID), "value", "quiz:gone.check"), "There is no such text any more"),
        (lambda page: setattr(cell(page, QUESTION, SOURCE), "value", "Other?"), "source text in this row was changed"),
        (lambda page: setattr(cell(page, QUESTION, LOCK), "value", "00000000"), "source text in this row was changed"),
        (lambda page: setattr(cell(page, QUESTION, TEXT), "value", "=1+1"), "Here stands a formula, not a text"),
        (lambda page: setattr(cell(page, QUESTION, TEXT), "value", 1.5), "Here stands a number or a mark"),
        (lambda page: setattr(cell(page, QUESTION, TEXT), "value", "a_x0007_b"), "cannot be seen (U+0007)"),
        (lambda page: page.append([each.value for each in page[2]]), "This row is in the sheet twice; row 2 counts"),
    ],
)
def test_a_row_that_is_no_row_of_ours_is_refused_with_its_number(folder: Path, do: Callable[[Any], object], why: str):
    before = (folder / "locale/sw.po").read_bytes()
    said = taken(folder, fill(export(folder), do=do))
    assert "Refused" in said
    assert why in said
    assert (folder / "locale/sw.po").read_bytes() == before


def test_of_two_rows_that_say_different_things_none_is_taken(folder: Path) -> None:
    def double(page: Any) -> None:
        page.append([each.value for each in page[cell(page, QUESTION, ID).row]])
        page.cell(page.max_row, TEXT + 1).value = "Je?"

    said = taken(folder, fill(export(folder), (QUESTION, TEXT, "Nani?"), do=double))
    assert said.count("too, with another translation") == 2
    assert entry(folder, QUESTION).text == ""


@pytest.mark.parametrize(
    ("do", "why"),
    [
        (lambda page: page.delete_cols(2), "its columns were moved"),
        (lambda page: setattr(page["D1"], "value", "Swahili"), 'Column D is headed "Swahili", and should be headed'),
        (lambda page: setattr(page["I1"], "value", None), "Column I has no heading"),
        (lambda page: page.move_range("B1:B9", cols=2), 'The column "Note" stands in column D'),
        (lambda page: page.delete_rows(1), "its columns were moved"),
        (lambda page: setattr(page, "title", "Sheet1"), 'back to "Texts", and save'),
        (lambda page: setattr(page["K1"], "value", "id fr"), "fr.po"),
    ],
)
def test_a_sheet_that_was_rearranged_is_refused_as_a_whole(folder: Path, do: Callable[[Any], object], why: str):
    before = (folder / "locale/sw.po").read_bytes()
    code, said = run(folder, "import", fill(export(folder), (QUESTION, TEXT, "Je?"), do=do))
    assert code == 1 or "fr.po" in said
    assert why in said
    assert (folder / "locale/sw.po").read_bytes() == before


def test_a_sheet_of_another_language_is_refused(folder: Path) -> None:
    code, said = run(folder, "import", export(folder), "--language", "fr")
    assert (code, said) == (1, "Error: This sheet is for sw, not for fr.\n")


def test_other_kinds_of_files_are_told_apart(folder: Path) -> None:
    def said(name: str, raw: bytes) -> str:
        Path(name).write_bytes(raw)
        code, told = run(folder, "import", name)
        assert code == 1
        assert "Save" in told or "save it as" in told
        return told

    whole = export(folder).read_bytes()
    with zipfile.ZipFile("a.ods", "w") as packed:
        packed.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
    assert "OpenDocument" in said("a.ods", Path("a.ods").read_bytes())
    assert "but text, such as CSV" in said("a.csv", b"Where,Note\n")
    assert "old Excel file" in said("a.xls", b"\xd0\xcf\x11\xe0rest")
    assert "is empty" in said("b.xlsx", b"")
    assert "no whole XLSX" in said("c.xlsx", whole[: len(whole) // 2])
    assert "no XLSX" in said("d.xlsx", b"\x00\x01\x02\x03\x04")
    assert "cannot be read" in run(folder, "import", "none.xlsx")[1]
    Workbook().save("e.xlsx")
    assert 'no sheet "Texts", only: Sheet' in run(folder, "import", "e.xlsx")[1]


# --- any text ---

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=60)
NASTY = st.sampled_from(
    ["=cmd|' /C calc'!A0", "+1", "-2", "@SUM(A1)", "#N/A", "TRUE", "007", "1e5", 'a "b"\n\n\tc', "😀", "_x000D_", "'a"]
)


def row_of(id: str, source: str, text: str) -> Row:
    return Row("where", "", source, text, 0, "done", "", "", id, lock_of(id, source), mark_of(text))


def there_and_back(path: Path, rows: list[Row]) -> list[Told]:
    write_book(Sheet("sw", "Kiswahili", "English", tuple(rows), ()), path)
    first, cells = read_book(path)
    assert len(first) == COLUMNS
    return [row for number, each in cells if (row := told(number, each)) is not None]


@settings(max_examples=60)
@given(st.lists(st.tuples(TEXTS | NASTY, TEXTS | NASTY), min_size=1, max_size=8))
def test_any_text_comes_back_as_it_went_out(tmp_path_factory: pytest.TempPathFactory, texts: list[tuple[str, str]]):
    rows = [row_of(f"a:{at}", source, text) for at, (source, text) in enumerate(texts)]
    found = there_and_back(tmp_path_factory.mktemp("sheets") / "a.xlsx", rows)
    assert [(row.source, row.text) for row in found] == texts
    assert not any(row.changed for row in found if row.text.strip())
    assert all(lock_of(row.id, row.source) == row.lock for row in found)


@settings(max_examples=60)
@given(TEXTS | NASTY, TEXTS | NASTY)
def test_any_text_that_is_typed_stands_so_in_the_po_file(folder_of_texts: Path, source: str, text: str) -> None:
    text = "".join(letter for letter in text.strip() if letter in "\n\t" or letter.isprintable())
    if not text.strip() or not source.strip():
        return
    sources = [Source("a:b", source, "a.yaml")]
    [row] = there_and_back(folder_of_texts / "a.xlsx", [row_of("a:b", source, "")])
    typed = Told(row.number, row.where, row.source, text, (), row.id, row.lock, row.before)
    result = take(update(new_po("sw", "Kiswahili"), sources), sources, [typed], "2026-12-01")
    po, problems = read_po("", result.po)
    assert problems == []
    assert po is not None
    [found] = po.entries
    kept = text if not source[:1].strip() or not source[-1:].strip() else text.strip()
    assert found.text == kept


@pytest.fixture(scope="module")
def folder_of_texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("texts")


def test_a_text_as_long_as_a_cell_comes_back_and_a_longer_one_is_left_out(tmp_path: Path) -> None:
    [row] = there_and_back(tmp_path / "a.xlsx", [row_of("a:b", "x" * 32_000, "😀" * 16_000)])
    assert (row.source, row.text) == ("x" * 32_000, "😀" * 16_000)


def test_a_text_that_no_cell_can_hold_is_named(folder: Path) -> None:
    edit(folder, "locale/sw.po", "Chagua namba", "x" * 32_768)
    said = run(folder, "export", "sw")[1]
    assert f"Left out: {FIRST} has more than 32767 letters" in said


# --- as large as it gets, and other programs ---


def test_nine_hundred_rows_go_out_and_in_within_seconds(folder: Path) -> None:
    steps = "".join(f"  s{at}:\n    say: This is the text number {at} of many.\n" for at in range(900))
    (folder / "dialogs/long.yaml").write_text(f"title: Long\nthen: /menu\nsource: own\nsteps:\n{steps}", "utf-8")
    start = perf_counter()
    path = export(folder)
    out = perf_counter() - start
    fill(path, *((f"long:s{at}.say.1", TEXT, f"Haya ni maandishi namba {at}.") for at in (1, 500)))
    start = perf_counter()
    said = taken(folder, path)
    back = perf_counter() - start
    print(f"export {out:.2f} s, import {back:.2f} s")
    assert "2 written" in said
    assert max(out, back) < 10


@pytest.mark.slow
@pytest.mark.skipif(SOFFICE is None, reason="LibreOffice is not installed: apt-get install libreoffice-calc-nogui")
def test_libreoffice_saves_a_sheet_that_can_be_taken(folder: Path) -> None:
    """Opened and saved by it as XLSX; a text typed before that is taken, all else is as it was."""
    lines = 'Mstari wa kwanza.\n\n  Mstari wa tatu = "x" 😀'
    edit(folder, "locale/sw.po", "X-Letters: gsm7", "X-Letters: any")
    edit(folder, "locale/sw.po", "Chagua namba", "=Chagua + namba")
    path = fill(export(folder), ("audit:title", TEXT, "@Ukaguzi"), ("quiz:list.advice", TEXT, lines))
    for id, text in (("audit:title", "@Ukaguzi"), ("menu:title", "-Menyu")):
        book = load_workbook(path)
        found = cell(book["Texts"], id, TEXT)
        found.value, found.data_type = text, "s"
        book.save(path)
    saved = convert(path, "xlsx")
    page = load_workbook(saved)["Texts"]
    assert page.protection.sheet
    assert not cell(page, FIRST, TEXT).protection.locked
    assert page.column_dimensions["K"].hidden
    said = taken(folder, saved)
    assert "0 refused" in said
    assert "3 written, 1 unchanged" in said
    assert entry(folder, FIRST).text == "=Chagua + namba"
    assert [entry(folder, id).text for id in ("audit:title", "menu:title")] == ["@Ukaguzi", "-Menyu"]
    assert entry(folder, "quiz:list.advice").text == lines
    nasty = ["=1+1", "+1", "007", "12/03/2027", " a ", "\na\tb\n", "a\u00a0b", "\u2028", "<b>&amp;", "😀" * 99, "\x07"]
    rows = [row_of(f"a:{at}", text, text) for at, text in enumerate(nasty)]
    write_book(Sheet("sw", "Kiswahili", "English", tuple(rows), ()), folder.parent / "nasty.xlsx")
    back = [told(*each) for each in read_book(convert(folder.parent / "nasty.xlsx", "xlsx"))[1]]
    assert [(row.source, row.text) for row in back if row] == [(text, text) for text in nasty]
    code, said = run(folder, "import", convert(path, "ods"))
    assert code == 1
    assert "OpenDocument" in said


def convert(path: Path, kind: str) -> Path:
    """The file as LibreOffice opens and saves it."""
    assert SOFFICE
    home, out = path.parent / "office", path.parent / "out"
    words: list[str | Path] = [
        SOFFICE,
        f"-env:UserInstallation=file://{home}",
        "--headless",
        "--convert-to",
        kind,
        "--outdir",
        out,
        path,
    ]
    subprocess.run(words, check=True, capture_output=True, timeout=120)
    return out / f"{path.stem}.{kind}"


def test_the_sheet_is_made_from_the_texts_of_today_and_not_from_an_older_po_file(folder: Path) -> None:
    edit(folder, "dialogs/menu.yaml", "Main menu", "Menu of menus")
    written = read_folder(folder)
    language: Language = written.languages["sw"]
    sheet = sheet_of(written, "sw", language.name, (folder / "locale/sw.po").read_text(encoding="utf-8"))
    assert {row.source for row in sheet.rows if row.id == "menu:title"} == {"Menu of menus"}
    assert sheet.headings[ID : BEFORE + 1] == ("id sw", "lock", "before")
