from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogs.gsm import clean
from dialogs.typed import LONGEST_TEXT, read_date, read_number, read_phone, read_text

DAYS = st.dates(date(2000, 1, 1), date(2099, 12, 31))
SCRIPTS = st.sampled_from(
    ["0123456789", "٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹", "०१२३४५६७८९", "０１２３４５６７８９", "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗"]
)


def in_script(text: str, digits: str) -> str:
    """The text with its digits in another script."""
    return text.translate(dict(zip(map(ord, "0123456789"), digits, strict=True)))


# --- dates ---


@pytest.mark.parametrize(
    "written",
    [
        "25/03/2027",
        "25/3/2027",
        "25/3/27",
        "25.3.2027",
        "25.03.27",
        "25-03-2027",
        "25 3 2027",
        "25 03 27",
        "25 / 3 / 2027",
        "25. 3. 2027",
        "25032027",
        " 25/3/2027 ",
        "25/3/2027.",
        "25/3/2027#",
        "25//3//2027",
        "25 -03- 2027",
        "\u00a025/3/2027\n",
        "２５／３／２０２７",
        "٢٥/٣/٢٠٢٧",
    ],
)
def test_a_date_is_read_in_many_writings(written: str):
    assert read_date(clean(written)) == "2027-03-25"


@pytest.mark.parametrize(
    "written",
    [
        "",
        "soon",
        "25",
        "25/3",
        "25/3/2027 16:30",
        "31/2/2027",
        "29/2/2027",
        "0/3/2027",
        "25/0/2027",
        "25/13/2027",
        "3/25/2027",
        "32/1/2027",
        "25/3/2127",
        "25/3/20271",
        "25/3/202",
        "25/3/7",
        "250327",
        "2532027",
        "25+3+2027",
        "-25/3/2027",
        "25/3/2027/1",
        "2027-03-25",
    ],
)
def test_what_is_no_date_is_not_taken_for_one(written: str):
    assert read_date(clean(written)) is None


@pytest.mark.parametrize("written", ["25/3/1999", "25/3/1927", "25/3/0999", "25/3/0127"])
def test_a_date_of_an_earlier_century_is_not_taken(written: str):
    assert read_date(written) is None


def test_a_leap_day_is_a_date_in_a_leap_year():
    assert read_date("29/2/2028") == "2028-02-29"


@given(DAYS, st.sampled_from(["{d}/{m}/{y}", "{d:02}.{m:02}.{y}", "{d} {m} {y}", "{d:02}{m:02}{y}", "{d}-{m}-{s:02}"]))
def test_any_day_of_this_century_is_read_in_any_writing(day: date, writing: str):
    written = writing.format(d=day.day, m=day.month, y=day.year, s=day.year % 100)
    assert read_date(written) == day.isoformat()


@given(DAYS, SCRIPTS)
def test_a_date_is_read_in_the_digits_of_any_script(day: date, digits: str):
    assert read_date(clean(in_script(f"{day:%d/%m/%Y}", digits))) == day.isoformat()


@given(st.text(max_size=30))
def test_whatever_is_written_gives_a_date_or_none(written: str):
    found = read_date(clean(written))
    assert found is None or date.fromisoformat(found).isoformat() == found


# --- numbers ---


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("12", "12"),
        ("0", "0"),
        ("007", "7"),
        (" 12 ", "12"),
        ("12.", "12"),
        ("12#", "12"),
        ("1 250", "1250"),
        ("1,250", "1250"),
        ("1O", "10"),
        ("l2", "12"),
        ("I2", "12"),
        ("o", "0"),
        ("999999999999", "999999999999"),
        ("٣٤", "34"),
        ("１２", "12"),
        ("²", "2"),
        ("③", "3"),
        ("3\ufe0f\u20e3", "3"),
    ],
)
def test_a_number_is_read_as_it_was_meant(written: str, read: str):
    assert read_number(clean(written)) == read


@pytest.mark.parametrize(
    "written", ["", "many", "-3", "+3", "1.5", "1/2", "½", "12 men", "1000000000000", "0000000000001", "12*3"]
)
def test_what_is_no_whole_number_is_not_taken_for_one(written: str):
    assert read_number(clean(written)) is None


@given(st.integers(0, 999_999_999_999), SCRIPTS)
def test_any_number_up_to_twelve_digits_is_read_in_the_digits_of_any_script(number: int, digits: str):
    assert read_number(clean(in_script(str(number), digits))) == str(number)


@given(st.text(max_size=30))
def test_whatever_is_written_gives_a_plain_number_or_none(written: str):
    found = read_number(clean(written))
    assert found is None or (found.isascii() and found.isdigit() and str(int(found)) == found and len(found) <= 12)


# --- phone numbers ---


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("+254712345001", "+254712345001"),
        ("+254 712 345 001", "+254712345001"),
        ("0712345001", "0712345001"),
        ("0712-345-001", "0712345001"),
        ("(0712) 345 001", "0712345001"),
        ("00254.712.345.001", "00254712345001"),
        ("1234567", "1234567"),
        ("+123456789012345", "+123456789012345"),
        ("+٢٥٤٧١٢٣٤٥٠٠١", "+254712345001"),
        ("＋254712345001", "+254712345001"),
        ("+254\u00a0712\u200b345001", "+254712345001"),
    ],
)
def test_a_phone_number_is_read_as_its_digits_and_its_plus(written: str, read: str):
    assert read_phone(clean(written)) == read


@pytest.mark.parametrize(
    "written",
    ["", "123456", "+1234567890123456", "0712MINERS", "0712345001 Asha", "254+712345001", "07.-()  -", "*384*77"],
)
def test_what_is_no_phone_number_is_not_taken_for_one(written: str):
    assert read_phone(clean(written)) is None


@given(st.text(alphabet="+0123456789 ().-", max_size=30))
def test_a_phone_number_has_7_to_15_digits_and_nothing_else(written: str):
    found = read_phone(written)
    if found is not None:
        digits = found.removeprefix("+")
        assert digits.isascii()
        assert digits.isdigit()
        assert 7 <= len(digits) <= 15


# --- other texts ---


def test_a_text_is_kept_without_the_blanks_around_it():
    assert read_text("  Mto wa Dhahabu ") == "Mto wa Dhahabu"


def test_a_text_without_a_letter_is_none():
    assert read_text("") is None
    assert read_text(" \n") is None


def test_a_long_text_is_kept_up_to_its_200th_letter():
    assert read_text("a" * 1000) == "a" * LONGEST_TEXT == "a" * 200
