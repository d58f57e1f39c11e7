from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.forms import MOST_FIELDS, TooManyFields, is_form, read_form


@given(st.lists(st.tuples(st.text(min_size=1), st.text())))
def test_what_was_written_is_read(pairs):
    form = read_form(urlencode(pairs).encode())
    assert form.pairs == pairs
    assert dict(form) == dict(pairs)


@given(st.text(st.characters(exclude_characters="%", codec="utf-8")))
def test_a_form_is_read_as_the_standard_library_reads_it(body):
    assert read_form(body.encode()).pairs == parse_qsl(body, keep_blank_values=True)


@given(st.binary())
def test_any_bytes_are_a_form(body):
    assert len(read_form(body).pairs) <= body.count(b"&") + 1


def test_blank_fields_and_repeated_ones_are_kept():
    form = read_form(b"a=1&b=&a=2&c")
    assert form.getlist("a") == ["1", "2"]
    assert (form["a"], form["b"], form["c"]) == ("2", "", "")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"%C3%A9", "é"),
        (b"%E9", "é"),
        (b"\xe9", "é"),
        (b"%80", "€"),
        (b"%81", "\x81"),
        (b"%C3%A9%E9", "Ã©é"),
        (b"a+b%2Bc", "a b+c"),
        (b"%", "%"),
        (b"%zz", "%zz"),
        (b"%00", "\0"),
    ],
)
def test_a_text_is_read_in_the_letters_it_was_written_in(body, text):
    assert read_form(b"text=" + body)["text"] == text


def test_a_thousand_fields_are_the_most():
    assert len(read_form(b"&".join([b"a=1"] * MOST_FIELDS)).pairs) == MOST_FIELDS
    with pytest.raises(TooManyFields):
        read_form(b"&".join([b"a=1"] * (MOST_FIELDS + 1)))


@pytest.mark.parametrize("content_type", [b"", b"text/plain", b"multipart/form-data; boundary=x", b"application/json"])
def test_other_types_are_no_form(content_type):
    assert not is_form(content_type)
