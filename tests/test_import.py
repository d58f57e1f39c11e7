from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook
from sqlalchemy import Engine, delete, func, insert, select, update

from dialogs.database import open_engine
from dialogs.tables import Address, Consent, Contact, Due, Field, Group, Member
from gateway import numbers
from gateway.people import values
from gateway.people.columns import find_columns
from gateway.people.importing import Account, Import
from gateway.people.rows import Seen, Wanted, Wishes, read_row
from gateway.people.sheet import Line, SheetError, open_sheet
from gateway.people.values import Bad, Rules
from gateway.tables import Event
from tests.conftest import ROOT
from tests.people import (
    ASHA,
    CLAIRE,
    JUMA,
    KENYAN,
    NOW,
    SEAL,
    contact_of,
    engine,
    fields_of,
    found,
    ngazi,
    rules,
    small_content,
)

__all__ = ["engine", "ngazi", "rules", "small_content"]  # fixtures

FORMS = "paper forms, Geita, May 2026"


@pytest.fixture
def sheet(tmp_path: Path) -> Callable[..., Path]:
    """Writes a CSV file."""

    def write(*lines: str, encoding: str = "utf-8", end: str = "\n") -> Path:
        path = tmp_path / "people.csv"
        path.write_bytes("".join(line + end for line in lines).encode(encoding))
        return path

    return write


def workbook(path: Path, *rows: list[Any], title: str = "People", before: str = "") -> Path:
    """Writes an XLSX file."""
    book = Workbook()
    assert book.active is not None
    book.active.title = before or title
    page = book.create_sheet(title) if before else book.active
    for row in rows:
        page.append(row)
    book.save(path)
    return path


def run_import(
    engine: Engine, path: Path, rules: Rules, wishes: Wishes | None = None, *, dry: bool = False, name: str = ""
) -> Account:
    """An import as the command does it, at NOW."""

    def transact(work: Any) -> Any:
        with engine.begin() as db:
            return work(db)

    task = Import(open_sheet(path, name), rules, wishes or Wishes(FORMS), SEAL)
    return task.run(transact, lambda: NOW, "tests", dry=dry)


def faults(engine: Engine, path: Path, rules: Rules, wishes: Wishes | None = None) -> list[str]:
    return [str(fault) for fault in run_import(engine, path, rules, wishes).faults]


# --- what an import does ---


def test_the_sample_of_the_docs_is_imported_with_consent_fields_dates_and_its_group(ngazi, engine):
    result = ngazi.contacts("import", ROOT / "docs" / "sample-group.csv", "--consent", FORMS, "--json")
    assert result.exit_code == 0, result.output
    account = json.loads(result.output)
    assert account["imported"] is True
    assert (account["rows"], account["new"], account["known_already"]) == (12, 12, 0)
    assert account["languages"] == {"sw": 5, "fr": 3, "en": 4}
    assert account["new_groups"] == ["GEITA"]
    with engine.connect() as db:
        assert db.execute(select(func.count()).select_from(Contact)).scalar() == 12
        assert db.execute(select(func.count()).select_from(Member)).scalar() == 12
        assert db.execute(select(func.count()).where(Address.sealed.is_(None))).scalar() == 0
    assert found(engine, Due.name, Due.on) == [("audit_date", date(2027, 3, 25))]
    assert fields_of(engine, "+255621234567") == {
        "role": "leader", "mineral": "gold", "reminders": "yes", "news": "yes"
    }  # fmt: skip
    with engine.connect() as db:
        event = db.execute(select(Event.what, Event.about)).one()
    assert (event.what, event.about["new"]) == ("import", 12)


def test_a_new_person_is_sealed_for_the_contact_and_the_ledger_has_the_words(engine, sheet, rules):
    run_import(engine, sheet("phone,language", f"{ASHA},sw"), rules)
    (row,) = found(engine, Contact.id, Contact.language, Contact.country, Contact.consent_at, Contact.created_at)
    assert row[1:] == ("sw", "GB", NOW, NOW)
    ((_, kind, sealed, key_id),) = found(engine, Address.id, Address.kind, Address.sealed, Address.key_id)
    assert SEAL.open(sealed, kind, str(row[0]), key_id) == ASHA
    ledger = found(engine, Consent.what, Consent.yes, Consent.how, Consent.wording, Consent.at)
    assert ledger == [(what, True, "import", FORMS, NOW) for what in ("consent", "news", "reminders")]


def test_importing_twice_changes_nothing_the_second_time(engine, sheet, rules):
    path = sheet("phone,language,group,audit_date", f"{ASHA},sw,GEITA,2027-03-25", f"{JUMA},en,GEITA,")

    def everything() -> list[Any]:
        tables = (Contact, Address, Field, Due, Member, Consent, Group)
        return [found(engine, *table.__table__.columns) for table in tables]

    run_import(engine, path, rules)
    before = everything()
    account = run_import(engine, path, rules)
    assert (account.new, account.known, account.kept) == (0, 2, 0)
    assert everything() == before


def test_what_the_person_said_stays_and_is_counted(engine, sheet, rules):
    run_import(engine, sheet("phone,language,mineral,audit_date", f"{ASHA},sw,gold,2027-03-25"), rules)
    account = run_import(
        engine, sheet("phone,language,mineral,role,audit_date", f"{ASHA},fr,tin,leader,2028-01-01"), rules
    )
    assert (account.known, account.kept) == (1, 1)
    assert found(engine, Contact.language) == [("sw",)]
    assert found(engine, Due.on) == [(date(2027, 3, 25),)]
    assert fields_of(engine, ASHA) == {"mineral": "gold", "role": "leader", "reminders": "yes", "news": "yes"}


def test_a_date_of_which_there_may_be_several_is_added(engine, sheet, rules):
    for day in ("2027-03-25", "2027-04-25", "2027-04-25"):
        account = run_import(engine, sheet("phone,finding_due", f"{ASHA},{day}"), rules)
        assert account.kept == 0
    assert found(engine, Due.on) == [(date(2027, 3, 25),), (date(2027, 4, 25),)]


def test_a_date_that_is_done_does_not_come_back(engine, sheet, rules):
    path = sheet("phone,audit_date", f"{ASHA},2027-03-25")
    run_import(engine, path, rules)
    with engine.begin() as db:
        db.execute(update(Due).values(done_at=NOW, next_at=None))
    run_import(engine, path, rules)
    assert found(engine, Due.on, Due.next_at) == [(date(2027, 3, 25), None)]


def test_who_said_stop_is_left_alone_altogether(engine, sheet, rules):
    run_import(engine, sheet("phone", ASHA), rules)
    with engine.begin() as db:
        db.execute(update(Contact).values(stopped_at=NOW))
        db.execute(update(Address).values(sealed=None, key_id=None))
        db.execute(delete(Consent))
    account = run_import(engine, sheet("phone,group,mineral", f"{ASHA},GEITA,gold", f"{JUMA},GEITA,gold"), rules)
    assert account.left_alone == {"the person said STOP": 1}
    assert (account.new, account.known) == (1, 0)
    id = contact_of(engine, ASHA)
    with engine.connect() as db:
        assert db.execute(select(Address.sealed).where(Address.contact_id == id)).scalar() is None
        for table in (Consent, Member):
            assert db.execute(select(func.count()).where(table.contact_id == id)).scalar() == 0
        assert db.execute(select(Contact.stopped_at).where(Contact.id == id)).scalar() == NOW
    assert "mineral" not in fields_of(engine, ASHA)


@pytest.mark.parametrize(
    ("reminders", "news", "sealed"), [("no", "no", False), ("no", "yes", True), ("no", None, True)]
)
def test_a_no_to_messages_stays_a_no(engine, sheet, rules, reminders, news, sealed):
    run_import(engine, sheet("phone", ASHA), rules)
    id = contact_of(engine, ASHA)
    with engine.begin() as db:
        db.execute(delete(Field))
        db.execute(update(Address).values(sealed=None, key_id=None))
        for name, value in (("reminders", reminders), ("news", news)):
            if value:
                db.execute(insert(Field).values(contact_id=id, name=name, value=value))
    run_import(engine, sheet("phone", ASHA), rules)
    assert fields_of(engine, ASHA) == {"reminders": reminders, "news": news or "yes"}
    ((_, bytes_),) = found(engine, Address.id, Address.sealed)
    assert (bytes_ is not None) is sealed


def test_the_sheet_may_say_no_to_news_and_that_the_phone_is_private(engine, sheet, rules):
    run_import(engine, sheet("phone,news,reminders,private phone", f"{ASHA},non,hapana,ndiyo", f"{JUMA},no,,no"), rules)
    assert fields_of(engine, ASHA) == {"news": "no", "reminders": "no"}
    with engine.connect() as db:
        sealed = dict(db.execute(select(Address.contact_id, Address.sealed.is_not(None))).all())
        private = dict(db.execute(select(Contact.id, Contact.private_phone)).all())
    one, two = contact_of(engine, ASHA), contact_of(engine, JUMA)
    assert (bool(sealed[one]), bool(sealed[two])) == (False, True)
    assert (private[one], private[two]) == (True, False)


def test_somebody_who_dialled_and_never_agreed_gets_the_consent_of_the_sheet(engine, sheet, rules):
    with engine.begin() as db:
        id = db.execute(insert(Contact).values(created_at=NOW, seen_at=NOW).returning(Contact.id)).scalar_one()
        key = SEAL.key("tel", ASHA)
        db.execute(insert(Address).values(contact_id=id, kind="tel", key=key, heard_at=NOW))
    account = run_import(engine, sheet("phone,language", f"{ASHA},sw"), rules)
    assert (account.new, account.known) == (0, 1)
    assert found(engine, Contact.id, Contact.consent_at, Contact.language) == [(id, NOW, "sw")]


def test_a_column_of_consent_speaks_for_its_row(engine, sheet, rules):
    run_import(engine, sheet("phone,consent", f'{ASHA},"meeting, 3 May"', f"{JUMA},", f"{CLAIRE},yes"), rules)
    with engine.connect() as db:
        wording = dict(db.execute(select(Consent.contact_id, Consent.wording).where(Consent.what == "consent")).all())
    assert wording[contact_of(engine, ASHA)] == "meeting, 3 May"
    assert wording[contact_of(engine, JUMA)] == wording[contact_of(engine, CLAIRE)] == FORMS


def test_a_row_without_a_source_of_consent_is_an_error(engine, sheet, rules):
    path = sheet("phone,consent", f"{ASHA},", f"{JUMA},yes", f"{CLAIRE},no")
    told = faults(engine, path, rules, Wishes())
    assert told[0].startswith("Row 2: There is no source of consent.")
    assert told[1].startswith('Row 3, column B "consent": A bare yes')
    assert told[2].startswith('Row 4, column B "consent": This person did not agree.')
    assert len(told) == 3
    assert found(engine, Contact.id) == []


def test_a_dry_run_tells_the_same_and_writes_nothing(ngazi, engine, sheet):
    path = sheet("phone,group,language", f"{ASHA},GEITA,sw", f"{JUMA},TAGA,en", f"{ASHA},TAGA,")
    dry = json.loads(ngazi.contacts("import", path, "--consent", FORMS, "--dry-run", "--json").output)
    for table in (Contact, Address, Group, Consent, Event):
        assert found(engine, table.id) == []
    wet = json.loads(ngazi.contacts("import", path, "--consent", FORMS, "--json").output)
    assert (dry.pop("dry_run"), dry.pop("imported")) == (True, False)
    assert (wet.pop("dry_run"), wet.pop("imported")) == (False, True)
    assert dry == wet
    assert (wet["new"], wet["repeated_rows"], wet["new_groups"]) == (2, 1, ["GEITA", "TAGA"])


def test_no_phone_number_is_printed_whatever_happens(ngazi, sheet):
    bad = f"{KENYAN}9"
    path = sheet("phone,language,mineral", f"{ASHA},sw,gold", f"{bad},sw,gold", f"sw,{JUMA},{JUMA}")
    for words in ((), ("--json",), ("--dry-run",)):
        output = ngazi.contacts("import", path, "--consent", FORMS, *words).output
        for number in (ASHA, bad, JUMA):
            assert number[-9:] not in output


def test_the_group_of_the_command_serves_rows_that_name_none(engine, sheet, rules):
    run_import(engine, sheet("phone,group", f"{ASHA},taga", f"{JUMA},"), rules, Wishes(FORMS, "GEITA"))
    with engine.connect() as db:
        rows = db.execute(select(Group.code, Member.contact_id).join(Member, Member.group_id == Group.id)).all()
    assert sorted(tuple(row) for row in rows) == sorted(
        [("TAGA", contact_of(engine, ASHA)), ("GEITA", contact_of(engine, JUMA))]
    )


# --- errors ---


def test_all_errors_come_in_one_run_with_their_place_and_nothing_is_imported(ngazi, engine, sheet):
    path = sheet(
        "phone,language,mineral,audit_date,group",
        f"{ASHA},sw,gold,2027-03-25,GEITA",
        "0712MINERS,kiswahil,silver,31/02/2027,G",
        ",,,,",
        "12,xx,,2150-01-01,Geita mine",
    )
    result = ngazi.contacts("import", path, "--consent", FORMS)
    assert result.exit_code == 1
    lines = [line for line in result.output.splitlines() if line.startswith("Row")]
    assert lines == [
        'Row 3, column A "phone": There are letters in the phone number. Write digits only, one number to a cell.',
        'Row 3, column B "language": The content does not speak "kiswahil". Did you mean sw? There are en, fr, sw.',
        'Row 3, column C "mineral": "silver" is no answer of mineral. There are gold, tin, cobalt, other.',
        'Row 3, column D "audit_date": this is no date. Write it as 2027-03-25, or as day/month/year: 25/03/2027.',
        'Row 3, column E "group": "G" is no code of a group. Use 2 to 20 letters a-z, digits and dashes.',
        'Row 5, column A "phone": This is no possible phone number. Look for a missing or a doubled digit.',
        'Row 5, column B "language": The content does not speak "xx". There are en, fr, sw.',
        'Row 5, column D "audit_date": The year 2150 cannot be right. Write the date as 2027-03-25.',
        'Row 5, column E "group": "Geita mine" is no code of a group. Use 2 to 20 letters a-z, digits and dashes.',
    ]
    assert "9 errors in 3 rows. NOTHING was imported." in result.output
    assert found(engine, Contact.id) == found(engine, Group.id) == []


def test_a_long_list_of_errors_is_cut_and_json_has_the_rest(ngazi, sheet):
    path = sheet("phone", *["12345"] * 362)
    output = ngazi.contacts("import", path, "--consent", FORMS).output
    assert output.count("\nRow ") == 50
    assert "... and 312 more" in output
    listed = json.loads(ngazi.contacts("import", path, "--consent", FORMS, "--json").output)
    assert (listed["errors"], len(listed["error_list"])) == (362, 362)
    assert listed["error_list"][0]["row"] == 2


def test_a_number_that_stands_twice_is_one_person_if_the_rows_agree(engine, sheet, rules):
    path = sheet(
        "phone,language,mineral,group", f"{ASHA},sw,,GEITA", f"{JUMA},en,,", f"{ASHA.replace('+', '00')},sw,gold,TAGA"
    )
    account = run_import(engine, path, rules)
    assert (account.rows, account.people, account.new, account.repeated) == (3, 2, 2, 1)
    assert fields_of(engine, ASHA)["mineral"] == "gold"
    with engine.connect() as db:
        id = contact_of(engine, ASHA)
        assert db.execute(select(func.count()).where(Member.contact_id == id)).scalar() == 2


def test_rows_of_one_number_that_contradict_each_other_are_an_error_that_names_both(engine, sheet, rules):
    path = sheet("phone,language,mineral", f"{ASHA},sw,gold", f"{JUMA},en,gold", f"{ASHA},fr,", f"{ASHA},,tin")
    told = faults(engine, path, rules)
    assert told == [
        'Row 4, column B "language": The same phone number stands in row 2 and says something else here. '
        "Make rows 2 and 4 agree, or take one out.",
        'Row 5, column C "mineral": The same phone number stands in row 2 and says something else here. '
        "Make rows 2 and 5 agree, or take one out.",
    ]
    assert found(engine, Contact.id) == []


@pytest.mark.parametrize(
    ("headings", "place"),
    [
        ("phone,Zone 9 (a)", "column B"),
        ("phone,tel", 'column B "tel": This means the same as column A.'),
        ("phone,9lives", 'column B "9lives": This cannot be the name of a field.'),
        ("phone,mercury_ban", 'column B "mercury_ban": mercury_ban comes from the country.'),
        ("phone," + "x" * 31, "This cannot be the name of a field."),
    ],
)
def test_a_heading_that_cannot_be_kept_is_an_error_for_the_column(engine, sheet, rules, headings, place):
    (told,) = faults(engine, sheet(headings, f"{ASHA},7"), rules)
    assert place in told
    assert told.startswith("Row 1, column B")


def test_a_cell_under_no_heading_is_an_error(engine, sheet, rules):
    told = faults(engine, sheet("phone,village", f"{ASHA},Geita, next to the school"), rules)
    assert told[0].startswith("Row 2, column C: This cell stands under no heading.")


@pytest.mark.parametrize("content", ["", "\n\n\n", "\ufeff"])
def test_an_empty_file_is_refused(ngazi, tmp_path, content):
    path = tmp_path / "people.csv"
    path.write_text(content, encoding="utf-8")
    result = ngazi.contacts("import", path, "--consent", FORMS)
    assert result.exit_code == 1
    assert "is empty" in result.output or "no row of headings" in result.output


def test_a_file_without_headings_or_without_rows_is_refused(ngazi, sheet):
    result = ngazi.contacts("import", sheet(f"{ASHA},sw", f"{JUMA},en"), "--consent", FORMS)
    assert 'no row of headings with a column "phone"' in result.output
    assert ASHA[1:] not in result.output
    assert "no row below the headings" in ngazi.contacts("import", sheet("phone,language"), "--consent", FORMS).output
    assert "cannot be read" in ngazi.contacts("import", "nowhere.csv", "--consent", FORMS).output


def test_a_quote_that_is_never_closed_is_an_error_and_no_crash(engine, sheet, rules):
    told = faults(engine, sheet("phone,village", f'{ASHA},"Geita', f"{JUMA},x"), rules)
    assert any("quotes are not in order" in each for each in told)
    assert found(engine, Contact.id) == []


# --- reading sheets ---


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_every_encoding_and_delimiter_of_offices_is_read(engine, sheet, rules, encoding, delimiter):
    lines = [["Numéro de téléphone", "LANGUE", "village"], [CLAIRE, "français", "Kédougou"], [], [ASHA, "en", "x y"]]
    path = sheet(*(delimiter.join(line) for line in lines), encoding=encoding, end="\r\n")
    account = run_import(engine, path, rules)
    assert account.faults == []
    assert account.rows == 2
    assert fields_of(engine, CLAIRE)["village"] == "Kédougou"
    assert ("Windows-1252" in account.how) is (encoding == "cp1252")
    assert {",": "commas", ";": "semicolons", "\t": "tabs"}[delimiter] in account.how


@pytest.mark.parametrize(
    "heading", ["Phone", " TELEPHONE ", "Simu", "numéro", "Phone number", "N° tél", "Namba ya simu"]
)
def test_the_column_of_numbers_is_found_by_many_names(engine, sheet, rules, heading):
    path = sheet(f"{heading};lugha", f"{ASHA};Kiswahili")
    assert run_import(engine, path, rules).languages == {"sw": 1}


def test_headings_may_stand_below_a_title_and_rows_are_counted_as_spreadsheets_do(engine, sheet, rules):
    path = sheet("Members of Geita 2026,,", "", "phone,language", "", f"{ASHA},sw", "12,sw")
    assert faults(engine, path, rules)[0].startswith("Row 6, column A")


def test_blanks_and_capitals_in_a_heading_become_the_name_of_a_field(engine, sheet, rules):
    run_import(engine, sheet("phone,Audit Date,Zone d'achat", f"{ASHA},25/03/2027,Nord"), rules)
    assert found(engine, Due.name) == [("audit_date",)]
    assert fields_of(engine, ASHA)["zone_d_achat"] == "Nord"


def test_a_column_of_names_is_pointed_out(engine, sheet, rules):
    account = run_import(engine, sheet("phone,Jina", f"{ASHA},Asha"), rules)
    assert "works without names" in account.notes[0]
    assert account.new_fields == ["jina"]


def test_an_xlsx_sheet_is_read_with_its_numbers_dates_and_types(engine, rules, tmp_path):
    path = workbook(
        tmp_path / "people.xlsx",
        ["phone", "language", "audit_date", "shafts", "group"],
        [254712123456, "sw", date(2027, 3, 25), 3, "GEITA"],
        [447700900001.0, "en", 46471, 2.5, "GEITA"],
        ["'+33639980001", "fr", "25/03/2027", True, None],
        [None, None, None, None, None],
        ["whatsapp:+447700900002", None, None, None, None],
    )
    account = run_import(engine, path, rules, Wishes(FORMS, country="GB"))
    assert account.faults == []
    assert account.how == "XLSX, sheet People"
    assert found(engine, Due.on) == [(date(2027, 3, 25),)] * 3
    assert [fields_of(engine, number).get("shafts") for number in (KENYAN, ASHA, CLAIRE, JUMA)] == [
        "3", "2.5", "yes", None
    ]  # fmt: skip


def test_a_sheet_is_chosen_by_name(ngazi, tmp_path, engine):
    path = workbook(tmp_path / "people.xlsx", ["phone"], [ASHA], title="Members", before="Cover")
    assert "no row of headings" in ngazi.contacts("import", path, "--consent", FORMS).output
    result = ngazi.contacts("import", path, "--consent", FORMS, "--sheet", "Memebrs")
    assert "no sheet Memebrs. There are: Cover, Members." in result.output
    assert ngazi.contacts("import", path, "--consent", FORMS, "--sheet", "Members").exit_code == 0


def test_a_formula_is_an_error_that_names_its_cell(engine, rules, tmp_path, sheet):
    path = workbook(tmp_path / "people.xlsx", ["phone", "language"], [ASHA, "sw"], ['="+44"&A2', "sw"])
    (told,) = faults(engine, path, rules)
    assert told.startswith('Row 3, column A "phone": This cell holds a formula.')
    (told,) = faults(engine, sheet("phone,language", f"{ASHA},=A1"), rules)
    assert told.startswith('Row 2, column B "language": This cell holds a formula.')
    assert faults(engine, sheet("phone,language", f'"=""{ASHA}""",sw'), rules) == []


def test_merged_cells_are_an_error_since_only_the_first_holds_the_value(engine, rules, tmp_path):
    book = Workbook()
    page = book.active
    assert page is not None
    page.append(["Members of Geita", None])
    page.merge_cells("A1:B1")
    for row in (["phone", "group"], [ASHA, "GEITA"], [JUMA, None]):
        page.append(row)
    book.save(tmp_path / "title.xlsx")
    assert faults(engine, tmp_path / "title.xlsx", rules, Wishes(FORMS)) == []
    page.merge_cells("B3:B4")
    book.save(tmp_path / "merged.xlsx")
    (told,) = faults(engine, tmp_path / "merged.xlsx", rules)
    assert told == "Row 4: The cells B3:B4 are merged. Unmerge them and fill each cell."


def test_hidden_rows_are_imported_too(engine, rules, tmp_path):
    book = Workbook()
    page = book.active
    assert page is not None
    for row in (["phone"], [ASHA], [JUMA]):
        page.append(row)
    page.row_dimensions[3].hidden = True
    book.save(tmp_path / "people.xlsx")
    assert run_import(engine, tmp_path / "people.xlsx", rules).new == 2


@pytest.mark.parametrize(
    "start", [b"PK\x03\x04 and no more", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, bytes(range(256)) * 20]
)
def test_what_is_no_sheet_is_refused_in_one_sentence(ngazi, tmp_path, start):
    path = tmp_path / "people.xlsx"
    path.write_bytes(start)
    result = ngazi.contacts("import", path, "--consent", FORMS)
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert "Save" in result.output or "headings" in result.output


# --- phone numbers ---


@pytest.mark.parametrize(
    ("written", "country", "number"),
    [
        ("+254712123456", "", KENYAN),
        ("0712123456", "KE", KENYAN),
        ("712123456", "KE", KENYAN),
        (712123456, "KE", KENYAN),
        (254712123456.0, "KE", KENYAN),
        ("254712123456", "TZ", KENYAN),
        ("254712123456", "", KENYAN),
        ("254712123456.0", "KE", KENYAN),
        ("00254 712-123 (456)", "", KENYAN),
        ("'+254712123456", "", KENYAN),
        ("whatsapp:+254712123456", "", KENYAN),
        ("\u202a+254\u00a0712123456\u202c", "", KENYAN),
        ("70123456", "BF", "+22670123456"),
        ("01234567", "BF", "+22601234567"),
        ("(202) 555-0101", "US", "+12025550101"),
        (2025550101, "US", "+12025550101"),
    ],
)
def test_a_number_is_read_however_a_spreadsheet_left_it(written, country, number):
    assert values.read_phone(written, country) == number


@pytest.mark.parametrize(
    ("written", "country", "cause"),
    [
        ("2.54712E+11", "KE", "Digits are lost"),
        ("2,54712E+11", "KE", "Digits are lost"),
        (254712000000.0, "KE", "rounded"),
        ("0712MINERS", "KE", "letters"),
        ("0712123456 / 0712123457", "KE", "no possible phone number"),
        ("0712123456", "", "country of this phone number is not known"),
        ("712123456", "", "country of this phone number is not known"),
        ("2025550101", "", "country of this phone number is not known"),  # a number of Egypt, by its first digits
        ("+999123456789", "", "no possible phone number"),
        (254712.5, "KE", "no phone number"),
        (True, "KE", "date"),
        (date(2027, 3, 25), "KE", "date"),
        (None, "KE", "missing"),
        ("+", "KE", "no possible phone number"),
        ("21512", "KE", "no possible phone number"),
    ],
)
def test_a_number_that_lost_something_is_refused(written, country, cause):
    with pytest.raises(Bad, match=cause):
        values.read_phone(written, country)


@given(
    st.text(max_size=60) | st.floats() | st.integers() | st.booleans() | st.dates(), st.sampled_from(["", "KE", "BF"])
)
def test_any_cell_is_a_whole_number_or_an_error(cell, country):
    try:
        number = values.read_phone(cell, country)
    except Bad:
        return
    assert numbers.normalise(number) == number
    assert numbers.country_of(number)


@given(st.integers(100_000_000, 999_999_999), st.sampled_from(["{}", "0{}", "+254{}", "254{}", "00254{}", "'0{}"]))
def test_a_kenyan_number_is_the_same_in_every_dress(national, dress):
    written = dress.format(national)
    if str(national).endswith("000000"):
        return
    try:
        number = values.read_phone(written, "KE")
    except Bad:
        return
    if number.startswith("+254"):
        assert number.endswith(str(national))


CELLS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    [ASHA, KENYAN, "sw", "GEITA", "gold", "2027-03-25", '"', "=1", "\x00", "a,b", "x\ny"]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.lists(CELLS, min_size=1, max_size=5), max_size=6), encoding=st.sampled_from(["utf-8", "utf-16"])
)
def test_any_sheet_is_read_to_whole_rows_or_errors(rows, encoding, rules, tmp_path):
    out = io.StringIO()
    csv.writer(out).writerows([["phone", "language", "group", "village", "audit_date"], *rows])
    path = tmp_path / "any.csv"
    path.write_bytes(out.getvalue().encode(encoding))
    try:
        sheet = open_sheet(path)
    except SheetError:  # a zero byte is taken for the sign of a file that is no text
        assert any("\x00" in cell for row in rows for cell in row)
        return
    columns = find_columns(sheet.lines(), rules)
    read = [read_row(line, columns, rules, Wishes(FORMS)) for line in sheet.lines() if line.number > columns.row]
    assert all((wanted is None) == bool(faults) for wanted, faults in read)
    assert len(read) <= len(rows)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.binary(max_size=300))
def test_any_bytes_are_a_sheet_or_an_error(rules, tmp_path, content):
    path = tmp_path / "any.csv"
    path.write_bytes(content)
    with contextlib.suppress(SheetError):
        sheet = open_sheet(path)
        columns = find_columns(sheet.lines(), rules)
        for line in sheet.lines():
            read_row(line, columns, rules, Wishes(FORMS))


def test_two_rows_of_a_number_are_compared_over_all_rows_between():
    seen = Seen()
    assert seen.meet("k", Wanted(2, ASHA, "", (), {"language": "sw"})) == (2, [])
    for row in range(3, 3_000):
        assert seen.meet(f"other {row}", Wanted(row, JUMA, "")) == (row, [])
    assert seen.meet("k", Wanted(3_000, ASHA, "", (), {"field:x": "1"})) == (2, [])
    assert seen.meet("k", Wanted(3_001, ASHA, "", (), {"field:x": "2", "language": "sw"})) == (2, ["field:x"])
    assert (seen.first("k"), seen.first("nobody")) == (2, 0)
    seen.close()


def test_a_line_with_more_columns_than_it_should_have_is_no_crash(rules):
    columns = find_columns([Line(1, ("phone",))], rules)
    wanted, told = read_row(Line(2, (ASHA, *["x"] * 500)), columns, rules, Wishes(FORMS))
    assert wanted is None
    assert len(told) == 1


# --- large, and broken off ---


def big(path: Path, rows: int) -> Path:
    with open(path, "w", encoding="utf-8") as file:
        file.write("phone,language,group,mineral\n")
        for row in range(rows):
            file.write(f"+2547{row:08d},{('sw', 'en', 'fr')[row % 3]},G{row % 7},\n")
    return path


def peak(work: Callable[[], object]) -> int:
    """The most bytes that Python held at once above where it began."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    work()
    most = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    return most


def checked(path: Path, rules: Rules) -> Callable[[], object]:
    def work() -> None:
        sheet = open_sheet(path)
        columns = find_columns(sheet.lines(), rules)
        seen = Seen()
        for line in sheet.lines():
            wanted, _ = read_row(line, columns, rules, Wishes(FORMS))
            if wanted:
                seen.meet(SEAL.key("tel", f"{wanted.phone}{line.number}"), wanted)
        seen.close()

    return work


def test_memory_does_not_grow_with_the_rows(tmp_path, rules):
    checked(big(tmp_path / "warm.csv", 3_000), rules)()
    small = peak(checked(big(tmp_path / "small.csv", 1_000), rules))
    large = peak(checked(big(tmp_path / "large.csv", 8_000), rules))
    assert large < small + 250_000
    rows: list[list[Any]] = [["phone", "language"], *([447700900000 + row, "sw"] for row in range(2_500))]
    few = peak(checked(workbook(tmp_path / "few.xlsx", *rows[:300]), rules))
    many = peak(checked(workbook(tmp_path / "many.xlsx", *rows), rules))
    assert many < few + 250_000


@pytest.mark.slow
def test_an_import_of_ten_thousand_rows_holds_no_more_than_a_small_one(tmp_path, rules, empty_sqlite):
    shutil.copy(empty_sqlite, tmp_path / "ngazi.db")
    engine = open_engine(f"sqlite:///{tmp_path / 'ngazi.db'}")
    run_import(engine, big(tmp_path / "warm.csv", 600), rules)
    small = peak(lambda: run_import(engine, big(tmp_path / "small.csv", 1_200), rules))
    large = peak(lambda: run_import(engine, big(tmp_path / "large.csv", 10_000), rules))
    engine.dispose()
    assert large < small + 1_000_000


START = """
import sys
from gateway.cli_contacts import contacts
from gateway.people import entering
left = int(sys.argv.pop(1))
enter = entering._write
def write(db, changes):
    global left
    if left == 0:
        print("written", flush=True)
        sys.stdin.read()
    left -= 1
    enter(db, changes)
entering._write = write
contacts(prog_name="contacts")
"""


def test_an_import_that_was_killed_is_completed_by_doing_it_again(ngazi, engine, tmp_path):
    path = tmp_path / "people.csv"
    lines = ["phone,language,group", *(f"+447700{900_000 + row},sw,GEITA" for row in range(1_300))]
    path.write_text("\n".join(lines), encoding="utf-8")
    env = os.environ | ngazi.env
    words = [sys.executable, "-c", START, "1", "import", str(path), "--consent", FORMS]
    with subprocess.Popen(words, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"written\n"
        process.send_signal(signal.SIGKILL)
    with engine.connect() as db:
        assert db.execute(select(func.count()).select_from(Contact)).scalar() == 500
    account = json.loads(ngazi.contacts("import", path, "--consent", FORMS, "--json").output)
    assert (account["new"], account["known_already"]) == (800, 500)
    with engine.connect() as db:
        for counted in (Contact.id, Member.contact_id, Address.id):
            assert db.execute(select(func.count()).select_from(counted.parent)).scalar() == 1_300
        ledger = select(func.count()).select_from(Consent)
        assert db.execute(ledger).scalar() == 3 * 1_300


def test_two_imports_of_the_same_people_at_once_make_nobody_twice(engine, rules, sheet):
    path = sheet("phone,language,group", *(f"+447700{900_000 + row},sw,G{row % 3}" for row in range(700)))
    with ThreadPoolExecutor(2) as both:
        done = [both.submit(run_import, engine, path, rules) for _ in range(2)]
    accounts = [each.result() for each in done]
    assert sum(account.new for account in accounts) == sum(account.known for account in accounts) == 700
    for counted, rows in ((Contact, 700), (Address, 700), (Member, 700), (Consent, 2_100), (Group, 3)):
        with engine.connect() as db:
            assert db.execute(select(func.count()).select_from(counted)).scalar() == rows


def test_a_file_that_changes_while_it_is_read_stops_the_import(engine, rules, sheet):
    path = sheet("phone", *(f"+447700{900_000 + row}" for row in range(600)))

    def tell(phase: str, _rows: int) -> None:
        if phase == "entering":
            os.utime(path, (NOW.timestamp(), NOW.timestamp()))

    def transact(work: Any) -> Any:
        with engine.begin() as db:
            return work(db)

    task = Import(open_sheet(path), rules, Wishes(FORMS), SEAL, tell)
    with pytest.raises(SheetError, match="changed while it was read"):
        task.run(transact, lambda: NOW + timedelta(0), "tests")


@pytest.mark.slow
def test_a_large_sheet_is_imported_at_hundreds_of_rows_a_second(ngazi, engine, tmp_path):
    path = tmp_path / "people.csv"
    lines = ["phone,language,group", *(f"+447700{900_000 + row},sw,GEITA" for row in range(5_000))]
    path.write_text("\n".join(lines), encoding="utf-8")
    begun = datetime.now()  # noqa: DTZ005
    assert ngazi.contacts("import", path, "--consent", FORMS).exit_code == 0
    assert (datetime.now() - begun).total_seconds() < 40  # noqa: DTZ005
    with engine.connect() as db:
        assert db.execute(select(func.count()).select_from(Contact)).scalar() == 5_000
