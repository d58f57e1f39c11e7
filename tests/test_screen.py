from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogs.gsm import septets
from dialogs.screen import Keys, Page, Room, fits, lay_out

KEYS = Keys("Next", "More", "Back")
USSD = Room()
CHAT = Room(pages=False)


def pages(
    parts: str | Sequence[str] = (),
    choices: Sequence[str] = (),
    *,
    lead: str = "",
    room: Room = USSD,
    back: bool = False,
    ends: bool = False,
    typed: bool = False,
) -> tuple[Page, ...]:
    parts = (parts,) if isinstance(parts, str) else tuple(parts)
    return lay_out(lead, parts, tuple(choices), room, KEYS, back=back, ends=ends, typed=typed)


def texts(laid_out: Sequence[Page]) -> list[str]:
    return [page.text for page in laid_out]


def without_keys(page: Page) -> str:
    """What the page says above its keys; the texts of these tests hold no line that looks like a key."""
    return "\n".join(line for line in page.text.split("\n") if not re.match(r"\d+\. ", line))


# One screen


def test_a_question_stands_above_its_choices_and_0_last():
    (page,) = pages("Who are you?", ["Leader", "Miner"], back=True)
    assert page == Page("Who are you?\n1. Leader\n2. Miner\n0. Back", choices=(0, 1))


def test_0_is_not_shown_on_the_first_page_unless_asked_for():
    assert texts(pages("Who are you?", ["Leader", "Miner"])) == ["Who are you?\n1. Leader\n2. Miner"]


def test_a_page_without_choices_goes_on_with_1():
    assert pages("Well done.", back=True) == (Page("Well done.\n1. Next\n0. Back", next=True),)


def test_a_page_that_ends_shows_no_keys():
    assert pages("Goodbye.", back=True, ends=True) == (Page("Goodbye.", ends=True),)


def test_a_typed_question_shows_no_1():
    assert pages("Your name?", back=True, typed=True) == (Page("Your name?\n0. Back"),)
    assert pages("Your name?", typed=True) == (Page("Your name?"),)


def test_something_asked_does_not_end():
    assert pages("Go on?", ["Yes"], ends=True) == (Page("Go on?\n1. Yes", choices=(0,)),)
    assert pages("Your name?", typed=True, ends=True) == (Page("Your name?"),)


def test_a_lead_shares_the_screen_when_everything_fits():
    assert texts(pages("Who decides?", ["You", "I"], lead="Right.")) == ["Right.\nWho decides?\n1. You\n2. I"]
    assert texts(pages("Go on.", lead="Right.")) == ["Right.\nGo on.\n1. Next"]
    assert texts(pages(lead="Right.", ends=True)) == ["Right."]


def test_a_lead_that_does_not_fit_is_a_page_of_its_own():
    lead, question = "Not so. " + "x" * 70 + ".", "Is " + "y" * 70 + "?"
    first, second = pages(question, ["Yes", "No"], lead=lead)
    assert first == Page(f"{lead}\n1. Next", next=True)
    assert second == Page(f"{question}\n1. Yes\n2. No\n0. Back", choices=(0, 1))


def test_a_lead_stands_alone_before_several_parts():
    assert texts(pages(["One.", "Two."], lead="Right.")) == [
        "Right.\n1. Next",
        "One.\n1. Next\n0. Back",
        "Two.\n1. Next\n0. Back",
    ]


def test_nothing_to_say_is_still_a_page():
    assert pages() == (Page("1. Next", next=True),)
    assert pages("", ["Yes"]) == (Page("1. Yes", choices=(0,)),)


# Pages


def test_each_part_starts_a_page_and_later_pages_lead_back():
    assert pages(["One.", "Two.", "Three."], ends=True) == (
        Page("One.\n1. Next", next=True),
        Page("Two.\n1. Next\n0. Back", next=True),
        Page("Three.", ends=True),
    )


def test_the_prefix_is_counted():
    longest = "x" * (160 - len("CON ") - len("\n1. Next"))
    assert len(pages(longest)) == 1
    assert len(pages(longest + "x")) == 2
    assert len(pages("x" * 156, ends=True)) == 1
    assert len(pages("x" * 157, ends=True)) == 2
    assert len(pages("x" * 160, ends=True, room=Room(prefix=0))) == 1


def test_a_letter_outside_gsm7_makes_the_screen_short():
    assert len(pages("ŋ" * 66, ends=True)) == 1
    assert len(pages("ŋ" * 67, ends=True)) == 2
    assert len(pages("x" * 66 + "ŋ", ends=True)) == 2
    assert len(pages("x" * 60, ["ŋ" * 3])) == 2


def test_a_long_part_is_cut_at_the_end_of_a_sentence():
    sentences = [f"Sentence number {n} says one thing only." for n in ("one", "two", "three", "four", "five")]
    cut = pages(" ".join(sentences), ends=True)
    assert texts(cut) == [
        " ".join(sentences[:3]) + "\n1. Next",
        " ".join(sentences[3:]),
    ]


@pytest.mark.parametrize("end", [".", "!", "?", "...", '."', ".)", ".\n", "\n", "።", "။"])
def test_many_signs_end_a_sentence(end: str):
    room = Room(units=160)
    first, second = pages("x" * 60 + " " + "y" * 30 + end + " " + "a" * 40 + " b" * 30, ends=True, room=room)
    assert without_keys(first) == "x" * 60 + " " + "y" * 30 + end.strip()
    assert second.text.startswith("aaa")


def test_a_point_inside_a_word_ends_no_sentence():
    first, _ = pages("x" * 40 + " 2.5 grams " + "y" * 60 + " and so on " + "z" * 60, ends=True)
    assert without_keys(first).endswith("and so on")


def test_a_sentence_end_right_at_the_edge_is_used():
    reach = 160 - 4 - len("\n1. Next")
    first, second = pages("x" * (reach - 1) + ". " + "y" * 20, ends=True)
    assert (without_keys(first), second.text) == ("x" * (reach - 1) + ".", "y" * 20)


def test_a_sentence_end_that_leaves_the_page_nearly_empty_is_passed_over():
    first, _ = pages("Look. " + "word " * 40, ends=True)
    assert without_keys(first).startswith("Look. word")
    assert len(first.text) > 150 - 5


def test_a_long_sentence_is_cut_between_words():
    first, second = pages("word " * 40, ends=True)
    assert without_keys(first) == ("word " * 29).strip()
    assert second.text == ("word " * 11).strip()


def test_a_long_word_is_cut_hard():
    first, second = pages("x" * 200, ends=True)
    assert without_keys(first) == "x" * 148
    assert second.text == "x" * 52


def test_two_septets_are_never_parted():
    first, second = pages("a" + "€" * 100, ends=True)
    assert septets(first.text) == 160 - 4 - 1
    assert without_keys(first) + second.text == "a" + "€" * 100


def test_no_surrogate_pair_is_parted():
    first, second = pages("ŋ" + "😀" * 40, ends=True)
    for page in (first, second):
        page.text.encode("utf-16-le")
        assert fits(page.text, USSD)
    assert without_keys(first) == "ŋ" + "😀" * 28


@pytest.mark.parametrize("cluster", ["မ္မာ", "ខ្មែ", "ế\u0323"])
def test_no_letter_is_parted_from_its_marks(cluster: str):
    text = cluster * 60
    laid_out = pages(text, ends=True)
    assert len(laid_out) > 1
    assert "".join(map(without_keys, laid_out)) == text
    assert all(page.text.startswith(cluster) for page in laid_out)


# Choices


def test_choices_that_do_not_fit_follow_after_9():
    question, choices = "What do you mine?", [f"Mineral of the kind {n}" for n in "abcdefgh"]
    first, second = pages(question, choices, back=True)
    assert first.text.startswith("What do you mine?\n1. Mineral of the kind a\n")
    assert first.text.endswith("\n4. Mineral of the kind d\n9. More\n0. Back")
    assert first.choices == (0, 1, 2, 3)
    assert first.more
    assert second.text.startswith("1. Mineral of the kind e\n")
    assert second.text.endswith("\n4. Mineral of the kind h\n0. Back")
    assert second.choices == (4, 5, 6, 7)
    assert not second.more


def test_nine_short_choices_need_two_pages():
    first, second = pages("?", list("abcdefghi"))
    assert first.choices == tuple(range(8))
    assert first.text.endswith("8. h\n9. More")
    assert second == Page("1. i\n0. Back", choices=(8,))


def test_eight_choices_that_just_fit_need_no_9():
    question = "x" * (156 - 8 * len("\n1. a"))
    (page,) = pages(question, list("abcdefgh"))
    assert len(page.text) == 156
    assert "9." not in page.text
    assert len(pages(question + "x", list("abcdefgh"))) == 2


def test_a_question_longer_than_a_screen_is_paged_and_its_choices_follow():
    question = "First we explain this matter at some length. " * 4 + "Do you agree with it?"
    first, second = pages(question, ["Yes", "No"])
    assert first == Page(("First we explain this matter at some length. " * 3).strip() + "\n1. Next", next=True)
    assert second.text == ("First we explain this matter at some length. Do you agree with it?\n1. Yes\n2. No\n0. Back")
    assert second.choices == (0, 1)


def test_the_last_sentence_of_a_question_goes_with_the_choices_when_they_need_a_page():
    first, second = pages("x" * 100 + ". Do you agree with all of that now?", ["I do, and gladly so", "No"])
    assert first == Page("x" * 100 + ".\n1. Next", next=True)
    assert second.text == "Do you agree with all of that now?\n1. I do, and gladly so\n2. No\n0. Back"


def test_a_question_of_one_sentence_that_leaves_no_room_stands_before_its_choices():
    question = "Does " + "x" * 138 + "?"
    assert pages(question, ["Yes", "No"]) == (
        Page(f"{question}\n1. Next", next=True),
        Page("1. Yes\n2. No\n0. Back", choices=(0, 1)),
    )


def test_several_parts_come_before_the_choices():
    laid_out = pages(["Heading.", "Question?"], ["Yes"])
    assert texts(laid_out) == ["Heading.\n1. Next", "Question?\n1. Yes\n0. Back"]


def test_a_choice_that_fits_no_screen_stands_whole_on_a_page_of_its_own():
    laid_out = pages("Which?", ["x" * 200, "No", "y" * 200])
    assert [page.choices for page in laid_out] == [(), (0,), (1,), (2,)]
    assert laid_out[1].text == "1. " + "x" * 200 + "\n9. More\n0. Back"
    assert [page.more for page in laid_out] == [False, True, True, False]


# Messages


def test_a_message_holds_everything_numbered_through():
    choices = [f"Mineral of the kind {n}" for n in range(1, 25)]
    (page,) = pages(["Part one.", "Part two."], choices, lead="Right.", room=CHAT, back=True)
    lines = page.text.split("\n")
    assert lines[:4] == ["Right.", "Part one.", "Part two.", "1. Mineral of the kind 1"]
    assert lines[-2:] == ["24. Mineral of the kind 24", "0. Back"]
    assert page.choices == tuple(range(24))
    assert not page.more


def test_a_message_goes_on_asks_or_ends_like_a_page():
    assert pages("x " * 200, room=CHAT)[0].next
    assert pages("Hello.", room=CHAT, back=True) == (Page("Hello.\n1. Next\n0. Back", next=True),)
    assert pages("Your name?", room=CHAT, typed=True) == (Page("Your name?"),)
    assert pages("Bye.", room=CHAT, back=True, ends=True) == (Page("Bye.", ends=True),)


# What holds for any content

WORD = st.text(st.sampled_from("abcdeé€{}ñ"), min_size=1, max_size=12)
ODD_WORD = st.text(st.sampled_from("abŋ😀ɔ"), min_size=1, max_size=12)
SENTENCE = st.builds(
    lambda words, end: " ".join(words) + end,
    st.lists(WORD, min_size=1, max_size=15),
    st.sampled_from([".", "?", ""]),
)
TEXT = st.lists(SENTENCE, min_size=1, max_size=8).map(" ".join)
ANY_TEXT = st.lists(st.one_of(WORD, ODD_WORD, st.just("a" * 90)), min_size=1, max_size=60).map(" ".join)
CHOICES = st.lists(st.one_of(WORD, WORD, ODD_WORD, SENTENCE.filter(lambda text: len(text) < 25)), max_size=24)
ROOM = st.builds(Room, st.integers(120, 182), st.integers(67, 80), st.sampled_from([0, 4]))
CASE = st.fixed_dictionaries(
    {
        "lead": st.one_of(st.just(""), TEXT),
        "parts": st.lists(st.one_of(TEXT, ANY_TEXT), min_size=1, max_size=3),
        "choices": CHOICES,
        "room": ROOM,
        "back": st.booleans(),
        "ends": st.booleans(),
        "typed": st.booleans(),
    }
)


def alone_fits(choices: Sequence[str], room: Room) -> bool:
    return all(fits(f"1. {choice}\n9. More\n0. Back", room) for choice in choices)


@given(CASE)
def test_every_page_fits_and_says_all_of_it_in_order(case):
    laid_out = pages(**case)
    room, choices = case["room"], case["choices"]
    if alone_fits(choices, room):
        assert all(fits(page.text, room) for page in laid_out)

    # No letter of a text is lost, doubled or moved; a word stays whole unless it is longer than a page.
    said = [without_keys(page) for page in laid_out]
    wanted = " ".join([case["lead"], *case["parts"]]).split()
    assert "".join(" ".join(said).split()) == "".join(wanted)
    if all(len(word) < 40 for word in wanted):
        assert " ".join(said).split() == wanted

    # No choice is dropped, cut, doubled or moved.
    assert [index for page in laid_out for index in page.choices] == list(range(len(choices)))
    for page in laid_out:
        for key, index in enumerate(page.choices, 1):
            assert f"{key}. {choices[index]}" in page.text.split("\n")


@given(CASE)
def test_every_page_shows_the_keys_that_work_on_it(case):
    laid_out = pages(**case)
    asks = bool(case["choices"]) or case["typed"]
    for number, page in enumerate(laid_out):
        last = page is laid_out[-1]
        lines = page.text.split("\n")
        keys = [line for line in lines if re.match(r"\d+\. ", line)]
        expected = [f"{key}. {case['choices'][index]}" for key, index in enumerate(page.choices, 1)]
        expected += ["1. Next"] * page.next + ["9. More"] * page.more
        expected += ["0. Back"] * ((case["back"] or number > 0) and not page.ends)
        assert keys == expected == lines[len(lines) - len(keys) :]
        assert len(page.choices) <= 8
        assert page.ends == (last and case["ends"] and not asks)
        if page.choices:
            assert page.more == (not last)
            assert not page.next
        else:
            assert not page.more
            assert page.next == (not last or not (asks or case["ends"]))


@given(CASE)
def test_a_lead_shares_the_screen_exactly_when_everything_fits_on_it(case):
    case = case | {"parts": case["parts"][:1], "choices": case["choices"][:8], "lead": "Right."}
    laid_out = pages(**case)
    (together,) = pages(**case | {"room": CHAT})
    if fits(together.text, case["room"]):
        assert laid_out == (together,)
    else:
        assert without_keys(laid_out[0]) == "Right."
        assert texts(laid_out[1:]) == texts(pages(**case | {"lead": "", "back": True}))


@given(TEXT, ROOM)
def test_a_page_is_cut_after_a_sentence_or_else_after_a_word(text: str, room: Room):
    laid_out = pages(text, ends=True, room=room)
    rest = text
    for page in laid_out[:-1]:
        piece = without_keys(page)
        assert rest.startswith(piece + " ")
        rest = rest[len(piece) + 1 :]
        if not piece.endswith((".", "?")):
            # No sentence ended on this page but at its very beginning.
            assert not re.search(r"[.?] ", piece[len(piece) // 4 + 4 :])
            # And the next word had no room.
            assert not fits(page.text.replace(piece, f"{piece} {rest.split()[0]}", 1), room)
    assert rest == laid_out[-1].text


@given(st.text(min_size=1, max_size=400), ROOM)
def test_any_text_at_all_is_paged_without_losing_a_letter(text: str, room: Room):
    text = re.sub(r"\s", " ", text).strip() or "x"
    if re.match(r"\d+\. ", text):
        return
    laid_out = pages(text, ends=True, room=room)
    assert all(fits(page.text, room) for page in laid_out)
    said = "".join(page.text.removesuffix("\n0. Back").removesuffix("\n1. Next") for page in laid_out)
    assert "".join(said.split()) == "".join(text.split())


@given(CASE)
def test_a_message_is_one_page_whatever_its_length(case):
    (page,) = pages(**case | {"room": CHAT})
    assert page.choices == tuple(range(len(case["choices"])))
    assert " ".join(without_keys(page).split()) == " ".join([case["lead"], *case["parts"]]).strip()


def test_a_screen_too_small_for_its_keys_still_comes_to_an_end():
    laid_out = pages("one two three", ["Yes", "No"], room=Room(10, 10), back=True)
    assert [page.choices for page in laid_out if page.choices] == [(0,), (1,)]
    assert "".join(map(without_keys, laid_out)).replace(" ", "") == "onetwothree"


def test_the_same_screen_is_laid_out_once():
    assert pages("Once.", ["Yes"]) is pages("Once.", ["Yes"])
