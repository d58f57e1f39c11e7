from __future__ import annotations

import unicodedata

import gsm0338
import pytest
import smsutil
from hypothesis import example, given
from hypothesis import strategies as st

from dialogs import gsm
from dialogs.gsm import clean, fold, measure, segment_count, segments, septets, wire

ALPHABET = gsm.BASIC + gsm.EXTENSION
ONCE = st.text(ALPHABET, max_size=400)
# Letters of the phones we meet: GSM-7, its second table, and some that break it.
MIXED = st.text(st.sampled_from(ALPHABET * 2 + "ŋɓçëᏆ’–😀你ጀ"), max_size=400)

HAUSA = {"ɓ": "'b", "ɗ": "'d", "ƙ": "'k", "ƴ": "'y"}
BAMBARA = {"ɛ": "è", "ɔ": "ò", "ɲ": "ny", "ŋ": "ng"}
WOLOF = {"ë": "e", "ŋ": "ng", "ó": "o"}
TWI = {"ɛ": "e", "ɔ": "o", "ŋ": "ng"}
FRENCH = {"ç": "c", "œ": "oe", "â": "a", "ê": "e", "î": "i", "ô": "o", "û": "u", "ë": "e", "ï": "i"}
SPANISH = {"á": "a", "í": "i", "ó": "o", "ú": "u"}


# The alphabet


def test_the_alphabet_has_127_letters_and_ten_of_two_septets():
    assert len(set(gsm.BASIC)) == len(gsm.BASIC) == 127
    assert len(set(gsm.EXTENSION)) == len(gsm.EXTENSION) == 10


def test_the_alphabet_is_that_of_gsm0338():
    codec = gsm0338.Codec()
    for number in range(0x10000):
        letter = chr(number)
        if letter == "\x1b" or 0xD800 <= number < 0xE000:  # gsm0338 takes ESC for a letter
            assert septets(letter) is None
            continue
        try:
            length: int | None = len(codec.encode(letter)[0])
        except UnicodeError:
            length = None
        assert septets(letter) == length, letter


@given(ONCE)
def test_septets_are_as_many_as_gsm0338_writes(text: str):
    assert septets(text) == len(gsm0338.Codec().encode(text)[0])


@pytest.mark.parametrize("text", ["`", "\t", "\xa0", "\x1b", "it’s", "ç", "ŋ", "Α", "á", "œ", "😀"])
def test_one_letter_outside_gsm7_makes_the_whole_text_ucs2(text: str):
    assert septets("a" * 50 + text) is None
    assert measure("a" * 50 + text) == (50 + len(text.encode("utf-16-le")) // 2, False)


@pytest.mark.parametrize("text", ["à è é ì ò ù ä ö ü ñ å æ ø ß", "Ä Ö Ü Ñ É Å Æ Ø Ç", "¿¡§£¥¤", "ΔΦΓΛΩΠΨΣΘΞ"])
def test_letters_of_the_alphabet_take_one_septet(text: str):
    assert septets(text) == len(text)


def test_two_septets_are_counted_for_the_second_table():
    assert septets("{code}") == 8
    assert septets("5 €\r\n") == 6
    assert septets("\f") == 2
    assert septets("") == 0


# Segments


@pytest.mark.parametrize(
    ("text", "lengths"),
    [
        ("a" * 160, [160]),
        ("a" * 161, [153, 8]),
        ("a" * 306, [153, 153]),
        ("a" * 307, [153, 153, 1]),
        ("€" * 80, [80]),
        ("€" * 81, [76, 5]),
        ("a" * 152 + "€" + "a" * 10, [152, 11]),
        ("a" * 152 + "€" + "a" * 152, [152, 152, 1]),
        ("ŋ" * 70, [70]),
        ("ŋ" * 71, [67, 4]),
        ("ŋ" * 134, [67, 67]),
        ("ŋ" * 135, [67, 67, 1]),
        ("😀" * 35, [35]),
        ("😀" * 36, [33, 3]),
        ("ŋ" * 66 + "😀" + "ŋ" * 10, [66, 11]),
    ],
)
def test_segments_are_cut_where_phones_cut_them(text: str, lengths: list[int]):
    cut = segments(text)
    assert [len(part) for part in cut.parts] == lengths
    assert "".join(cut.parts) == text
    assert cut.count == segment_count(text) == len(lengths)
    assert cut.gsm7 == ("ŋ" not in text and "😀" not in text)


def test_segments_say_their_length_and_alphabet():
    assert (segments("a" * 152 + "€" + "a" * 152).units, segments("a").gsm7) == (306, True)
    assert (segments("😀" * 36).units, segments("😀").gsm7) == (72, False)
    assert segments("Ç").gsm7
    assert not segments("ç").gsm7
    assert not segments("it’s").gsm7
    assert segments("\r\n").units == 2
    assert segments("\f").units == 2


def test_an_empty_text_is_one_message():
    assert segments("") == gsm.Segments(1, True, 0, ("",))


@given(MIXED.filter(bool))  # smsutil calls the empty text UCS-2
@example("a" * 152 + "€" + "a" * 153)
@example("ŋ" * 66 + "😀" * 40)
def test_segments_are_those_of_smsutil(text: str):
    ours, theirs = segments(text), smsutil.split(text)
    assert ours.parts == tuple(part.content for part in theirs.parts)
    assert ours.gsm7 == (theirs.encoding == "gsm0338")
    assert ours.units == theirs.total_bytes // (1 if ours.gsm7 else 2)


@given(MIXED)
def test_no_part_is_longer_than_an_sms_and_none_is_lost(text: str):
    cut = segments(text)
    single, part = (160, 153) if cut.gsm7 else (70, 67)
    widths = [len(p.encode("utf-16-be")) // 2 for p in cut.parts]
    if cut.gsm7:
        widths = [len(gsm0338.Codec().encode(p)[0]) for p in cut.parts]
    assert all(width <= (single if cut.count == 1 else part) for width in widths)
    assert sum(widths) == cut.units
    assert "".join(cut.parts) == text


# Folding


@pytest.mark.parametrize(
    ("text", "replace", "folded"),
    [
        ("ng’ombe ‘na’ “ndiyo” «la» – — … \u00a0.", {}, 'ng\'ombe \'na\' "ndiyo" "la" - - ...  .'),
        ("za\u200bha\ufeffbu\u202e\u00ad", {}, "zahabu"),
        ("ƙasa ɓera ɗaki ƴaƴa", HAUSA, "'kasa 'bera 'daki 'ya'ya"),
        ("ɲɛgɛn kɔnɔ ŋɔmi", BAMBARA, "nyègèn kònò ngòmi"),
        ("jëf ŋaam góor à é ñ", WOLOF, "jef ngaam goor à é ñ"),
        ("ɛyɛ kɔ ŋkɔ", TWI, "eye ko ngko"),
        ("ɛ́ mɔ̀kɔ́", TWI, "e moko"),
        (
            "ça sœur âne être île hôtel sûr Noël maïs à è é ù",
            FRENCH,
            "ca soeur ane etre ile hotel sur Noel mais à è é ù",
        ),
        ("el año está más aquí, ¿sí? ¡pingüino! café", SPANISH, "el año esta mas aqui, ¿si? ¡pingüino! café"),
        ("não pôr avó ação", {}, "nao por avo acao"),
        ("Malagasy: ô, à", {"ô": "o"}, "Malagasy: o, à"),
        ("ŵanthu", {}, "wanthu"),
        ("À Ê É Ñ ÇA", {}, "A E É Ñ ÇA"),
        ("Ŋ ŊA Ɛ Ɔ", BAMBARA, "Ng NgA E O"),  # È and Ò are not GSM-7
        ("ƁERA", HAUSA, "'BERA"),
        ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", {}, "ABEZHIKMNOPTYX"),
        ("ΔΦΓΛΩΠΨΣΘΞ", {}, "ΔΦΓΛΩΠΨΣΘΞ"),
        ("tick ` tab\tend", {}, "tick ' tab end"),
        ("esc\x1b bell\x07\u2028next", {}, "esc bell\nnext"),
        ("• one", {}, "- one"),
        ("ế ǖ ặ", {}, "e u a"),
    ],
)
def test_texts_are_folded_by_language(text: str, replace: gsm.Letters, folded: str):
    assert fold(text, replace) == folded
    assert septets(folded) is not None


def test_a_letter_of_the_alphabet_is_never_replaced():
    assert fold("é ñ ŋ", {"é": "e", "ñ": "n", "ŋ": "ng"}) == "é ñ ng"


def test_a_decomposed_letter_is_composed_before_anything_is_dropped():
    assert fold(unicodedata.normalize("NFD", "año é è ù ü ç"), {}) == "año é è ù ü c"


def test_the_language_comes_before_the_bare_letter():
    assert fold("ō ŋ", {"ō": "oo"}) == "oo ŋ"


def test_a_capital_of_the_language_wins_over_a_capital_made_from_the_small_letter():
    assert fold("Ŋ ŋ", {"ŋ": "ng", "Ŋ": "NG"}) == "NG ng"


@pytest.mark.parametrize("text", ["Хөгжлийн й ё", "ሰላም ነው", "မင်္ဂလာပါ", "السَّلام", "ខ្មែរ", "2 ≠ 3", "ŋ ɓ ɛ", "你好"])
def test_what_has_no_gsm7_form_stays_as_it_is(text: str):
    assert fold(text) == unicodedata.normalize("NFC", text)


@given(st.text(max_size=200))
def test_folding_twice_changes_nothing_more(text: str):
    assert fold(fold(text, FRENCH), FRENCH) == fold(text, FRENCH)


@given(ONCE)
def test_a_gsm7_text_is_never_changed(text: str):
    assert fold(text, FRENCH) == text
    assert wire(text, FRENCH, any_letters=False) == text


@given(st.text(max_size=200))
def test_what_goes_out_as_gsm7_is_gsm7(text: str):
    assert septets(wire(text, {}, any_letters=False)) is not None
    assert wire(text, {}, any_letters=True) == fold(text)


def test_only_letters_that_cannot_be_sent_become_a_question_mark():
    assert wire("Asante Ŋɔ 你😀, año", {"ŋ": "ng"}, any_letters=False) == "Asante Ng? ??, año"
    assert wire("Asante 你", {}, any_letters=True) == "Asante 你"


# What a phone typed


@pytest.mark.parametrize(
    ("typed", "cleaned"),
    [
        ("1", "1"),
        ("", ""),
        (" 1. ", "1"),
        ("1#", "1"),
        ("2 .#", "2"),
        ("...", ""),
        ("1.5", "1.5"),
        ("#1", "#1"),
        ("１２", "12"),  # full width
        ("٣", "3"),  # Arabic-Indic
        ("۴", "4"),  # extended Arabic-Indic
        ("፩ ፱", "1 9"),  # Ethiopic
        ("၅", "5"),  # Burmese
        ("០១", "01"),  # Khmer
        ("๒", "2"),  # Thai
        ("१", "1"),  # Devanagari
        ("1️⃣", "1"),  # a keycap of a chat
        ("²①", "21"),
        ("\u200b1\u200d\ufeff\u202e", "1"),
        ("1\x00\x1b\x7f", "1"),
        ("a\nb\r\nc\td", "a b c d"),
        ("  Amina   wa\u00a0Kesho ", "Amina wa Kesho"),
        ("25/03/2027", "25/03/2027"),
        ("a*b", "a*b"),
        ("ﬁ", "fi"),
        ("e\u200b\u0301", "é"),
        ("a\ud800b", "ab"),
        ("ሰላም", "ሰላም"),
        ("Ol", "Ol"),  # 0 and 1 only where a number is expected, so not here
    ],
)
def test_what_a_phone_typed_is_made_plain(typed: str, cleaned: str):
    assert clean(typed) == cleaned


def test_a_very_long_text_is_cut():
    assert clean("x" * 5000) == "x" * 2000
    assert len(clean("ﷺ " * 5000)) <= 2000


@given(st.text(st.characters(), max_size=300))
def test_a_cleaned_text_is_one_plain_line_that_can_be_stored(typed: str):
    cleaned = clean(typed)
    cleaned.encode("utf-8")
    assert clean(cleaned) == cleaned
    assert cleaned == " ".join(cleaned.split())
    assert not any(unicodedata.category(letter) == "Cc" for letter in cleaned)
    assert not any(letter.isdecimal() and not letter.isascii() for letter in cleaned)
    assert not cleaned.endswith((".", "#", " "))


@given(st.text(st.sampled_from("0123456789abcABC"), max_size=50))
def test_plain_keys_stay_as_they_were_typed(typed: str):
    assert clean(typed) == typed
