from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogs.seal import NONCE, SHORTEST, Seal, WrongKey

SECRET = "a secret key of the tests, long enough"
NEWER = "a newer secret key, as long as it must be"
NUMBER = "+254712345001"
KINDS = st.sampled_from(["tel", "whatsapp", "chat", "field", "reply"])
NUMBERS = st.from_regex(r"\+[1-9][0-9]{7,14}", fullmatch=True)


def test_the_key_of_an_address_is_the_same_for_ever():
    # Written down once: with any other value nobody in an existing store would be found again.
    assert Seal(SECRET).key("tel", NUMBER) == "HpmVothqv9shwtswdOB9Bp_SHk_YDIOH2x0S4ks1LIs"
    assert Seal(SECRET).check == "6d13bc1e4d5868881c2bf4ad4bb15fa6"


def test_the_key_of_an_address_differs_for_each_kind_number_and_secret():
    seal = Seal(SECRET)
    keys = {seal.key("tel", NUMBER), seal.key("whatsapp", NUMBER), seal.key("tel", NUMBER + "0")}
    keys.add(Seal(NEWER).key("tel", NUMBER))
    assert len(keys) == 4


@given(KINDS, NUMBERS)
def test_the_key_of_an_address_fits_its_column_and_tells_nothing(kind: str, number: str):
    key = Seal(SECRET).key(kind, number)
    assert len(key) == 43
    assert key.isascii()
    assert number[1:] not in key


@given(KINDS, NUMBERS, st.integers(1, 2**31))
def test_what_was_sealed_opens_again_for_the_same_kind_and_owner(kind: str, number: str, owner: int):
    seal = Seal(SECRET)
    assert seal.open(seal.seal(number, kind, str(owner)), kind, str(owner), seal.key_id) == number


@given(st.text(max_size=40).filter(lambda text: text.isprintable()))
def test_any_address_can_be_sealed(value: str):
    seal = Seal(SECRET)
    assert seal.open(seal.seal(value, "chat", "1"), "chat", "1", seal.key_id) == value


@pytest.mark.parametrize(("kind", "owner"), [("whatsapp", "7"), ("tel", "8"), ("tel", ""), ("tel", "77"), ("", "7")])
def test_what_was_sealed_opens_for_nobody_else(kind: str, owner: str):
    seal = Seal(SECRET)
    with pytest.raises(WrongKey):
        seal.open(seal.seal(NUMBER, "tel", "7"), kind, owner, seal.key_id)


def test_a_changed_byte_anywhere_is_noticed():
    seal = Seal(SECRET)
    sealed = seal.seal(NUMBER, "tel", "7")
    for place in range(len(sealed)):
        changed = bytes(byte ^ 1 if at == place else byte for at, byte in enumerate(sealed))
        with pytest.raises(WrongKey):
            seal.open(changed, "tel", "7", seal.key_id)


@pytest.mark.parametrize("length", [0, 1, NONCE - 1, NONCE, NONCE + 15])
def test_bytes_that_were_cut_off_are_noticed(length: int):
    seal = Seal(SECRET)
    with pytest.raises(WrongKey):
        seal.open(seal.seal(NUMBER, "tel", "7")[:length], "tel", "7", seal.key_id)


def test_another_secret_opens_nothing():
    sealed, other = Seal(SECRET).seal(NUMBER, "tel", "7"), Seal(NEWER)
    for key_id in (Seal(SECRET).key_id, other.key_id, ""):
        with pytest.raises(WrongKey):
            other.open(sealed, "tel", "7", key_id)


def test_the_plain_number_never_stands_in_the_bytes():
    seal = Seal(SECRET)
    for _ in range(100):
        sealed = seal.seal(NUMBER, "tel", "7")
        assert NUMBER.encode() not in sealed
        assert NUMBER[1:].encode() not in sealed


def test_the_same_number_is_sealed_differently_each_time():
    seal = Seal(SECRET)
    assert len({seal.seal(NUMBER, "tel", "7") for _ in range(100)}) == 100


def test_a_fresh_nonce_of_the_right_size_is_drawn_for_every_sealing():
    drawn: list[int] = []

    def nonce(size: int) -> bytes:
        drawn.append(size)
        return bytes([len(drawn)]) * size

    seal = Seal(SECRET, nonce=nonce)
    first, second = seal.seal(NUMBER, "tel", "7"), seal.seal(NUMBER, "tel", "7")
    assert drawn == [NONCE, NONCE]
    assert (first[:NONCE], second[:NONCE]) == (b"\x01" * NONCE, b"\x02" * NONCE)


def test_with_a_newer_secret_old_rows_open_and_new_ones_are_sealed_with_it():
    before, both = Seal(SECRET), Seal(SECRET, NEWER)
    assert both.key_id != before.key_id
    assert both.open(before.seal(NUMBER, "tel", "7"), "tel", "7", before.key_id) == NUMBER
    renewed = both.seal(NUMBER, "tel", "7")
    assert both.open(renewed, "tel", "7", both.key_id) == NUMBER
    with pytest.raises(WrongKey):
        before.open(renewed, "tel", "7", both.key_id)


def test_with_a_newer_secret_everybody_is_still_found():
    before, both = Seal(SECRET), Seal(SECRET, NEWER)
    assert both.key("tel", NUMBER) == before.key("tel", NUMBER)
    assert both.check == before.check


def test_the_check_value_tells_one_secret_from_another_and_shows_neither():
    assert Seal(SECRET).check == Seal(SECRET).check != Seal(NEWER).check
    assert len(Seal(SECRET).check) == 32
    assert SECRET not in Seal(SECRET).check


@pytest.mark.parametrize("secret", ["", "tiny", "x" * (SHORTEST - 1)])
def test_a_secret_that_is_too_short_is_refused_without_being_shown(secret: str):
    with pytest.raises(ValueError, match=f"too short: {len(secret)} letters, at least {SHORTEST}") as refused:
        Seal(secret)
    assert not secret or secret not in str(refused.value)


def test_the_shortest_secret_is_taken():
    assert Seal("x" * SHORTEST).key_id


def test_a_newer_secret_that_is_too_short_is_refused_too():
    with pytest.raises(ValueError, match="too short"):
        Seal(SECRET, "x")
