from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.numbers import country_of, normalise

COUNTRIES = [
    "TZ", "UG", "KE", "RW", "CD", "GH", "BF", "ML", "SL", "LR", "ZW", "ZM", "MG", "SD", "ET", "CO", "PE", "BO",
    "EC", "PH", "ID", "MN", "PG", "NG", "CI", "GN", "NE", "SN", "MM", "CM", "TD", "BI", "SS", "GY", "SR", "MZ",
]  # fmt: skip


@pytest.mark.parametrize(
    ("written", "country", "number"),
    [
        ("+254712345001", "", "+254712345001"),
        ("254712345001", "", "+254712345001"),
        ("254712345001", "KE", "+254712345001"),
        ("0712345001", "KE", "+254712345001"),
        ("0110345001", "KE", "+254110345001"),
        ("+254 712 345-001", "", "+254712345001"),
        ("+254(0)712345001", "", "+254712345001"),
        ("+254712345001\n", "", "+254712345001"),
        ("255712345001", "KE", "+255712345001"),
        ("+12025550123", "KE", "+12025550123"),
        ("+447700900123", "", "+447700900123"),  # possible, though not given out
    ],
)
def test_a_number_is_understood_however_it_is_written(written, country, number):
    assert normalise(written, country) == number


def test_a_plus_that_became_a_blank_in_a_form_is_a_plus_again():
    assert normalise(" 254712345001", "TZ") == "+254712345001"


def test_a_blank_before_a_national_number_is_only_a_blank():
    assert normalise(" 0712345001", "KE") == "+254712345001"


@pytest.mark.parametrize("written", ["00255712345001", "000255712345001"])
def test_zeros_of_an_exit_code_are_a_plus_even_where_the_country_has_another_code(written):
    assert normalise(written, "TZ") == "+255712345001"


@pytest.mark.parametrize("written", ["٠٧١٢٣٤٥٠٠١", "０７１２３４５００１", "\u202a0712345001\u202c", "०७१२३४५००१"])
def test_digits_of_any_script_are_digits(written):
    assert normalise(written, "KE") == "+254712345001"


@pytest.mark.parametrize(
    ("written", "country", "number"),
    [
        ("01234567", "BF", "+22601234567"),
        ("+22601234567", "", "+22601234567"),
        ("0712345678", "CI", "+2250712345678"),
        ("+2250712345678", "", "+2250712345678"),
    ],
)
def test_a_zero_that_belongs_to_the_number_stays(written, country, number):
    assert normalise(written, country) == number


@pytest.mark.parametrize(
    "written",
    [
        "",
        " ",
        "+",
        "0712MINERS",
        "MINERS",
        "tel:+254712345001",
        "whatsapp:+254712345001",
        "+254712345001;ext=5",
        "+254712345001 x5",
        "21512",
        "*384*77#",
        "++254712345001",
        "+254+712345001",
        "+999123456789",
        "+25471234",
        "+254712345001000000",
        "7" * 300,
        "+" + "7" * 300,
        "0712345001",  # national, and no country is known
        "²²²²²²²²²²²x",
        "\0",
    ],
)
def test_what_can_be_no_number_is_none(written):
    assert normalise(written) is None


def test_a_short_code_is_no_number_in_any_country():
    assert [country for country in COUNTRIES if normalise("21512", country)] == []


@pytest.mark.parametrize("country", COUNTRIES)
def test_a_mobile_number_of_each_country_goes_round_in_all_ways(country):
    number = phonenumbers.example_number_for_type(country, phonenumbers.PhoneNumberType.MOBILE)
    assert number is not None
    whole = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    national = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    assert normalise(whole) == whole
    assert normalise(whole, "CO") == whole
    assert normalise(national, country) == whole
    assert normalise(whole.replace("+", " ")) == whole
    assert normalise("00" + whole[1:], "TZ") == whole
    assert country_of(whole) == country


def test_the_country_of_a_whatsapp_address_is_that_of_its_number():
    assert country_of("whatsapp:+254712345001") == "KE"


@pytest.mark.parametrize("address", ["", "chat:4b1c9e", "+999123456789", "+8881234567890", "hello"])
def test_what_is_of_no_country_has_none(address):
    assert country_of(address) == ""


def test_a_number_that_is_not_given_out_has_the_main_country_of_its_code():
    assert country_of("+447700900123") == "GB"


@given(st.text(max_size=60) | st.text("+0123456789 ()-٣", max_size=45), st.sampled_from(["", *COUNTRIES]))
def test_anything_is_none_or_e164_and_stays_what_it_is(written, country):
    number = normalise(written, country)
    if number is not None:
        assert number.startswith("+")
        assert number[1:].isascii()
        assert number[1:].isdigit()
        assert 7 <= len(number) <= 16
        assert normalise(number) == number
