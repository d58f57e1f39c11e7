from __future__ import annotations

import copy
import dataclasses
import string
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sqlalchemy import Engine

from dialogs.database import open_engine
from dialogs.engine import (
    COUNTED,
    END,
    SEEN,
    Entry,
    Standing,
    answer,
    back,
    band_of,
    leads_to_end,
    outside,
    shared_into,
    walk,
    walk_on,
)
from dialogs.reading import read_dialog
from dialogs.script import Band, Choice, Condition, Dialog, Keep, Step, Text
from tests.test_any_dialog import Player, on_screen
from tests.test_any_dialog import dialog as built
from tests.test_any_dialog import step as made
from tests.test_reading import CERTIFICATION, READINESS

FIELDS: Mapping[str, str] = {}


def read(source: str, name: str = "quiz") -> Dialog:
    """The dialog of this YAML, which must be without a problem."""
    dialog, problems = read_dialog(f"content/dialogs/{name}.yaml", source)
    assert problems == []
    return dialog


def play(
    dialog: Dialog, choices: Mapping[str, str], known: Mapping[str, str] = FIELDS
) -> tuple[list[str], list[Entry]]:
    """The steps that were shown until the end or until none of these choices fits, and the answers."""
    asked: list[str] = []
    answers: list[Entry] = []
    while (step := walk(dialog, answers, known).step) is not None:
        asked.append(step.id)
        if step.asks and step.id not in choices:
            break
        answers = answer(dialog, answers, step, choices.get(step.id, SEEN))
    return asked, answers


LEADER = {"role": "leader", "licence": "no", "members": "unsure", "mineral": "gold", "mercury": "no", "rule18": "yes"}
WORKER = {"role": "worker", "mineral": "tin", "tags": "no", "rule18": "yes"}


# --- the readiness quiz, played through ---


def test_a_leader_who_mines_gold_is_asked_about_licence_members_mercury_and_rule18():
    asked, _ = play(read(READINESS), LEADER)
    assert asked == ["welcome", "role", "licence", "members", "mineral", "mercury", "rule18", "result", "next_steps"]


def test_a_worker_who_mines_tin_is_asked_about_tags_and_rule18_only():
    asked, _ = play(read(READINESS), WORKER)
    assert asked == ["welcome", "role", "mineral", "tags", "rule18", "result", "next_steps"]


def test_who_mines_something_else_is_asked_neither_about_mercury_nor_about_tags():
    asked, _ = play(read(READINESS), WORKER | {"mineral": "other"})
    assert asked == ["welcome", "role", "mineral", "rule18", "result"]  # then on to the audit


def test_skipped_and_unkept_questions_leave_the_maximum():
    quiz = read(READINESS)
    leader, worker = (walk(quiz, play(quiz, each)[1]) for each in (LEADER, WORKER))
    assert (leader.points, leader.most) == (2, 6)  # members, mercury, rule18; the licence is not kept
    assert (worker.points, worker.most) == (2, 3)  # tags, rule18


def test_the_advice_list_holds_exactly_the_kept_steps_that_were_not_answered_yes():
    quiz = read(READINESS)
    standing = walk(quiz, play(quiz, LEADER)[1])
    assert [(step.id, choice.id) for step, choice in standing.advice] == [("members", "unsure"), ("mercury", "no")]


@pytest.mark.parametrize("choices", [LEADER, WORKER])
def test_only_the_choices_of_kept_questions_stand_in_the_answers(choices: Mapping[str, str]):
    quiz = read(READINESS)
    _, answers = play(quiz, choices)
    assert ("licence", "no") not in answers
    for step_id, value in answers:
        step = quiz.step(step_id)
        assert step is not None
        assert value == (choices[step_id] if step.asks and step.keep == "yes" else SEEN)


def test_from_80_percent_on_the_result_leads_to_the_audit():
    quiz = read(READINESS)
    _, answers = play(quiz, {key: "yes" if value in ("no", "unsure") else value for key, value in LEADER.items()})
    standing = walk(quiz, answers)
    assert (standing.percent, standing.step, standing.target) == (100, None, "/audit")


def test_below_80_percent_the_next_steps_are_read_and_the_dialog_ends():
    quiz = read(READINESS)
    standing = walk(quiz, play(quiz, LEADER)[1])
    assert (standing.percent, standing.step, standing.target) == (33, None, END)


def test_the_percentage_is_rounded_down_and_nought_where_nothing_was_kept():
    quiz = read(READINESS)
    _, answers = play(quiz, WORKER | {"tags": "no", "rule18": "yes"})
    assert walk(quiz, answers).percent == 66
    assert walk(quiz, answers[:2]).percent == 0


def test_a_result_is_the_first_of_the_falling_bands_that_is_reached():
    result = read(READINESS).step("result")
    assert result is not None
    reached = {percent: band_of(result, percent) for percent in (100, 80, 79, 40, 39, 0)}
    assert [band.percent for band in reached.values() if band] == [80, 80, 40, 40, 0, 0]


def test_the_fourth_choice_of_a_check_leaves_score_and_list():
    quiz = read(
        """\
title: Explosives
steps:
  store:
    check: Are explosives locked away?
    advice: Lock them away.
    none: None used here
  result:
    score:
      0%: That was it.
"""
    )
    for choice, points, most, advice in [("yes", 1, 1, 0), ("no", 0, 1, 1), ("unsure", 0, 1, 1), ("none", 0, 0, 0)]:
        standing = walk(quiz, [("store", choice)])
        assert (standing.points, standing.most, len(standing.advice)) == (points, most, advice)
        assert standing.step is quiz.step("result")


def test_a_page_that_was_read_to_its_end_counts_as_an_answer():
    lesson = read(CERTIFICATION, "certification")
    assert [step.id for step in lesson.steps] == ["what", "who", "end_note"]
    standing = walk(lesson, [("what", SEEN), ("who", "outside"), ("end_note", SEEN)])
    assert (standing.step, standing.target, standing.points) == (None, "/readiness", 1)


def test_behind_the_last_step_comes_what_the_dialog_names():
    dialog = read("title: A\nthen: /menu\nsteps:\n  one:\n    say: One.\n")
    assert walk(dialog, [("one", SEEN)]).target == "/menu"
    assert walk(read("title: A\nsteps:\n  one:\n    say: One.\n"), [("one", SEEN)]).target == END


# --- content that changes while a miner is in the middle ---

OLD = """\
title: Site
steps:
  pit:
    check: Is the pit fenced?
    advice: Fence it.
  water:
    check: Is the water clean?
    advice: Settle it.
  books:
    check: Do you keep books?
    advice: Keep books.
"""
PIT_AND_WATER: list[Entry] = [("pit", "yes"), ("water", "no")]


def steps_of(source: str) -> dict[str, str]:
    """The text of each step, by its name."""
    head, _, body = source.partition("steps:\n")
    found: dict[str, str] = {"": f"{head}steps:\n"}
    name = ""
    for line in body.splitlines(keepends=True):
        if line.startswith("  ") and line[2] in string.ascii_lowercase:
            name = line.strip().rstrip(":")
        found[name] = found.get(name, "") + line
    return found


def put_together(*parts: str) -> Dialog:
    """A dialog of these steps of OLD, or of steps written out."""
    old = steps_of(OLD)
    return read("".join(old.get(part, part) for part in ("", *parts)))


def test_an_inserted_question_gets_asked_and_then_the_person_stands_where_they_stood():
    new = put_together("pit", "  roof:\n    check: Is there a roof?\n    advice: Build one.\n", "water", "books")
    standing = walk(new, PIT_AND_WATER)
    assert standing.step is new.step("roof")
    standing = walk(new, [*PIT_AND_WATER, ("roof", "yes")])
    assert standing.step is new.step("books")
    assert [step.id for step, _ in standing.advice] == ["water"]


def test_a_removed_question_is_ignored_and_its_answer_counts_no_more():
    new = put_together("pit", "books")
    standing = walk(new, PIT_AND_WATER)
    assert standing.step is new.step("books")
    assert (standing.points, standing.most, standing.advice) == (1, 1, [])


def test_a_removed_question_that_comes_back_finds_its_answer_again():
    without, again = put_together("pit", "books"), put_together("pit", "water", "books")
    answers = answer(without, PIT_AND_WATER, without.steps[1], "yes")
    assert [step.id for step, _ in walk(again, answers).advice] == ["water"]


def test_a_renamed_question_follows_moved():
    renamed = OLD.replace("  water:", "  clean_water:")
    forgotten = read(renamed)
    followed = read(renamed.replace("steps:", "moved:\n  water: clean_water\nsteps:"))
    assert walk(forgotten, PIT_AND_WATER).step is forgotten.step("clean_water")
    standing = walk(followed, PIT_AND_WATER)
    assert standing.step is followed.step("books")
    assert [(step.id, choice.id) for step, choice in standing.advice] == [("clean_water", "no")]


def test_a_mark_of_counting_follows_moved():
    source = (
        "title: A\nmoved:\n  old: new\nsteps:\n  new:\n    check: Is it so?\n    advice: Do it.\n    keep: counts\n"
    )
    dialog = read(source)
    (new,) = dialog.steps
    assert answer(dialog, [("old", COUNTED)], new, "no") == [("old", COUNTED), ("new", SEEN)]


def test_questions_in_another_order_keep_their_answers():
    new = put_together("books", "water", "pit")
    assert walk(new, PIT_AND_WATER).step is new.step("books")
    standing = walk(new, [*PIT_AND_WATER, ("books", "unsure")])
    assert standing.step is None
    assert [step.id for step, _ in standing.advice] == ["books", "water"]  # in the order of asking


def test_other_words_change_nothing():
    new = read(OLD.replace("Is the water clean?", "Do you let the water settle?").replace("Settle it.", "Dig a pond."))
    assert walk(new, PIT_AND_WATER).step is new.step("books")
    assert walk(new, PIT_AND_WATER).points == 1


def test_a_question_whose_chosen_choice_is_gone_is_asked_again():
    dialog = read("title: A\nsteps:\n  one:\n    ask: Which?\n    choices:\n      x: X\n      y: Y\n")
    assert walk(dialog, [("one", "z")]).step is dialog.step("one")
    assert walk(dialog, [("one", "z"), ("one", "x")]).step is None


def test_a_question_that_became_private_is_asked_again_and_its_old_answer_counts_no_more():
    private = read(OLD.replace("    advice: Settle it.", "    advice: Settle it.\n    keep: no"))
    standing = walk(private, PIT_AND_WATER)
    assert standing.step is private.step("water")
    standing = walk(private, [*PIT_AND_WATER, ("water", SEEN)])
    assert standing.step is private.step("books")
    assert (standing.points, standing.most, standing.advice) == (1, 1, [])


def test_a_question_that_was_private_is_asked_again_once_it_is_kept():
    dialog = read(OLD)
    standing = walk(dialog, [("pit", SEEN)])
    assert standing.step is dialog.step("pit")


def test_a_page_that_became_a_question_is_asked():
    dialog = read(OLD)
    assert walk(dialog, [("pit", SEEN), ("water", SEEN)]).step is dialog.step("pit")


# --- a step reached again ---

AGAIN = """\
title: Again
steps:
  fenced:
    check: Is the pit fenced?
    points: 2
    advice: Fence it.
  sure:
    ask: Is that right?
    choices:
      yes: Yes
      no: No, ask again
    go:
      no: fenced
  result:
    score:
      0%: That was it.
"""


def test_a_step_reached_again_is_asked_again():
    dialog = read(AGAIN)
    assert walk(dialog, [("fenced", "no"), ("sure", "no")]).step is dialog.step("fenced")
    assert walk(dialog, [("fenced", "no"), ("sure", "no"), ("fenced", "yes")]).step is dialog.step("sure")


def test_the_last_answer_to_a_step_reached_again_counts_for_score_and_advice():
    dialog = read(AGAIN)
    first: list[Entry] = [("fenced", "no"), ("sure", "no"), ("fenced", "yes"), ("sure", "yes")]
    standing = walk(dialog, first)
    assert (standing.points, standing.most, standing.advice) == (2, 2, [])
    standing = walk(dialog, [("fenced", "yes"), ("sure", "no"), ("fenced", "unsure"), ("sure", "yes")])
    assert (standing.points, standing.most) == (0, 2)
    assert [(step.id, choice.id) for step, choice in standing.advice] == [("fenced", "unsure")]


def test_a_step_answered_none_the_second_time_leaves_score_and_list():
    dialog = read(AGAIN.replace("    advice: Fence it.", "    advice: Fence it.\n    none: There is no pit"))
    standing = walk(dialog, [("fenced", "no"), ("sure", "no"), ("fenced", "none"), ("sure", "yes")])
    assert (standing.most, standing.advice) == (0, [])


def test_back_takes_away_the_last_answer_of_a_step_asked_twice_and_leaves_the_first():
    dialog = read(AGAIN)
    answers: list[Entry] = [("fenced", "no"), ("sure", "no"), ("fenced", "yes")]
    assert back(answers, walk(dialog, answers)) == [("fenced", "no"), ("sure", "no")]


# --- what is known ---

OWN = """\
title: Own
steps:
  mineral:
    only if: mineral is not known
    ask: What do you mine?
    choices:
      gold: Gold
      tin: Tin
    save: mineral
  mercury:
    only if: mineral is gold
    check: Do you work without mercury?
    advice: Ask for a retort.
"""


def test_a_step_may_save_the_field_that_its_own_only_if_reads():
    dialog = read(OWN)
    answers: list[Entry] = [("mineral", "gold")]
    known = outside({"mineral": "gold", "role": "leader"}, {"mineral": ""})
    standing = walk(dialog, answers, known)
    assert standing.step is dialog.step("mercury")
    assert standing.used == [0]
    assert standing.known == {"role": "leader", "mineral": "gold"}


def test_a_step_whose_field_was_known_before_the_run_is_skipped():
    dialog = read(OWN)
    assert walk(dialog, [], outside({"mineral": "gold"}, {})).step is dialog.step("mercury")
    assert walk(dialog, [], outside({"mineral": "tin"}, {})).step is None


def test_outside_a_run_the_fields_are_as_they_were_before_it():
    fields = {"mineral": "gold", "role": "leader"}
    assert outside(fields, {}) == fields
    assert outside(fields, {"mineral": "tin"}) == {"mineral": "tin", "role": "leader"}
    assert outside(fields, {"mineral": "", "permit": ""}) == {"role": "leader"}
    assert fields == {"mineral": "gold", "role": "leader"}


def test_the_choice_of_a_step_is_known_under_the_name_of_the_step():
    dialog = read(OWN.replace("    save: mineral\n", ""))
    assert walk(dialog, [("mineral", "gold")]).step is dialog.step("mercury")
    assert walk(dialog, [("mineral", "tin")]).step is None


def test_of_several_conditions_all_must_hold():
    conditions = """\
title: A
steps:
  one:
    only if:
      - role is leader or owner
      - mineral is not gold
      - consent is known
      - stopped is not known
    say: One.
"""
    dialog = read(conditions)
    every = {"role": "owner", "mineral": "tin", "consent": "yes"}
    assert walk(dialog, [], every).step is not None
    for change in ({"role": "worker"}, {"mineral": "gold"}, {"consent": ""}, {"stopped": "yes"}):
        assert walk(dialog, [], every | change).step is None
    assert walk(dialog, [], {"role": "leader", "consent": "yes"}).step is not None  # what is not known is not gold


def test_what_was_known_from_outside_is_not_changed_by_a_walk():
    known = {"mineral": "tin"}
    walk(read(OWN.replace("    only if: mineral is not known\n", "")), [("mineral", "gold")], known)
    assert known == {"mineral": "tin"}


# --- answer, back, the mark of counting ---

PRIVATE = """\
title: Private
steps:
  before:
    ask: Which?
    choices:
      x: X
      y: Y
  counted:
    check: Is it so?
    advice: Change it.
    keep: counts
  unkept:
    check: Is it so?
    advice: Change it.
    keep: no
  after:
    say: Thank you.
"""


def test_an_unkept_question_leaves_only_seen_whatever_was_chosen():
    dialog = read(PRIVATE)
    unkept = dialog.step("unkept")
    assert unkept is not None
    assert {tuple(answer(dialog, [], unkept, choice)) for choice in ("yes", "no", "unsure")} == {(("unkept", SEEN),)}


def test_a_counted_question_leaves_its_mark_once_and_the_mark_survives_back():
    dialog = read(PRIVATE)
    step = dialog.step("counted")
    assert step is not None
    answers = answer(dialog, [("before", "x")], step, "no")
    assert answers == [("before", "x"), ("counted", COUNTED), ("counted", SEEN)]
    fewer = back(answers, walk(dialog, answers))
    assert fewer == [("before", "x"), ("counted", COUNTED)]
    assert walk(dialog, fewer).step is step  # the mark is no answer
    assert answer(dialog, fewer, step, "yes") == answers
    first = back(fewer, walk(dialog, fewer))
    assert first == [("counted", COUNTED)]
    assert back(first, walk(dialog, first)) is None


def test_counted_and_unkept_answers_are_in_neither_score_nor_list():
    dialog = read(PRIVATE)
    standing = walk(dialog, play(dialog, {"before": "x", "counted": "no", "unkept": "no"})[1])
    assert standing.step is None
    assert (standing.points, standing.most, standing.advice) == (0, 0, [])


def test_there_is_nothing_before_the_first_question():
    dialog = read(PRIVATE)
    assert back([], walk(dialog, [])) is None
    assert back([("stranger", "x")], walk(dialog, [("stranger", "x")])) is None


def test_a_last_page_is_known_as_the_last():
    dialog = read(PRIVATE)
    _, answers = play(dialog, {"before": "x", "counted": "no", "unkept": "no"})
    before = answers[:-1]
    assert leads_to_end(dialog, before, walk(dialog, before), {})
    assert not leads_to_end(dialog, answers, walk(dialog, answers), {})
    assert not leads_to_end(dialog, [], walk(dialog, []), {})  # a question
    elsewhere = read(PRIVATE.replace("title: Private", "title: Private\nthen: /menu"))
    assert not leads_to_end(elsewhere, before, walk(elsewhere, before), {})


# --- one question in two dialogs ---


def test_an_answer_given_elsewhere_takes_the_place_of_the_one_given_here():
    dialog = read(OLD)
    assert shared_into(dialog, [("pit", "no"), ("water", "no")], "pit", "yes") == [("pit", "yes"), ("water", "no")]
    assert shared_into(dialog, [("water", "no")], "pit", "yes") == [("water", "no"), ("pit", "yes")]
    assert shared_into(dialog, [("pit", SEEN), ("pit", COUNTED)], "pit", SEEN) == [("pit", SEEN), ("pit", COUNTED)]


def test_an_answer_given_elsewhere_takes_the_place_of_one_under_the_old_name():
    renamed = read(OLD.replace("  pit:", "  fence:").replace("steps:", "moved:\n  pit: fence\nsteps:"))
    answers = shared_into(renamed, [("pit", "no"), ("water", "yes")], "fence", "yes")
    assert walk(renamed, answers).advice == []


def test_an_answer_given_elsewhere_counts_even_if_the_question_was_answered_twice_here():
    dialog = read(AGAIN)
    here: list[Entry] = [("fenced", "no"), ("sure", "no"), ("fenced", "no"), ("sure", "yes")]
    assert walk(dialog, shared_into(dialog, here, "fenced", "yes")).advice == []


# --- any dialog ---

NAMES = "abcde"
VALUES = ("x", "y")
KEEPS: st.SearchStrategy[Keep] = st.sampled_from(["yes", "yes", "counts", "no"])


@st.composite
def conditions(draw: st.DrawFn) -> tuple[Condition, ...]:
    """Up to two, on any step's name or on a field that steps save."""
    names, values = st.sampled_from([*NAMES, "colour"]), st.sampled_from([("x",), ("y",), ()])
    return tuple(draw(st.lists(st.builds(Condition, names, values, st.booleans()), max_size=2)))


@st.composite
def steps(draw: st.DrawFn, id: str) -> Step:
    """A page, a score or a question, with ways to anywhere: itself, backwards, other dialogs."""
    ways = st.sampled_from(["", "", *NAMES, "/menu", "end", "forget"])
    head = draw(st.sampled_from(["say", "ask", "ask", "check", "score", "advice"]))
    only_if, go = draw(conditions()), draw(ways)
    text = (Text(f"d:{id}.{head}", id),)
    if head == "score":
        bands = tuple(Band(percent, Text("", ""), draw(ways)) for percent in (80, 0))
        return Step(id, "score", "page", bands=bands, only_if=only_if, go=go)
    if head in ("say", "advice"):
        return Step(id, "say", "page", texts=text, only_if=only_if, go=go)
    advice = Text(f"d:{id}.advice", "advice") if draw(st.booleans()) else None
    scored = draw(st.booleans())
    choices = tuple(
        Choice(value, Text("", value), draw(st.integers(0, 2)), advice, go=draw(ways), scored=scored)
        for value in VALUES
    )
    keep = draw(KEEPS)
    save = "colour" if keep == "yes" and draw(st.booleans()) else ""
    return Step(id, "ask", "choice", texts=text, choices=choices, only_if=only_if, go=go, save=save, keep=keep)


@st.composite
def dialogs(draw: st.DrawFn) -> Dialog:
    """Any graph of up to five steps, rings too."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True))
    each = tuple(draw(steps(name)) for name in names)
    moved = draw(st.dictionaries(st.sampled_from(["f", "g"]), st.sampled_from(NAMES), max_size=2))
    then = draw(st.sampled_from([END, "/menu"]))
    return Dialog(
        "d", Text("d:title", "D"), each, then=then, moved=moved, index={step.id: at for at, step in enumerate(each)}
    )


VALUE = st.sampled_from([*VALUES, "gone", SEEN, SEEN, COUNTED])
ENTRIES = st.lists(st.tuples(st.sampled_from([*NAMES, "f", "g", "stranger"]), VALUE), max_size=40)
KNOWN = st.fixed_dictionaries({}, optional={"colour": st.sampled_from(VALUES), "a": st.sampled_from(VALUES)})


@given(dialogs(), ENTRIES, KNOWN)
def test_a_walk_always_ends_and_uses_each_entry_at_most_once(
    dialog: Dialog, answers: list[Entry], known: dict[str, str]
):
    standing = walk(dialog, answers, known)
    assert len(set(standing.used)) == len(standing.used)
    for place in standing.used:
        step_id, value = answers[place]
        step = dialog.step(dialog.moved.get(step_id, step_id))
        assert step is not None
        assert value == SEEN if step.kind == "page" or step.keep != "yes" else value in VALUES
    if standing.step is not None:
        assert all(condition.holds(standing.known) for condition in standing.step.only_if)
    assert 0 <= standing.points <= standing.most
    assert 0 <= standing.percent <= 100
    assert set(known) <= set(standing.known)


@given(dialogs(), ENTRIES, KNOWN)
def test_a_walk_with_the_used_entries_alone_comes_to_the_same_place(
    dialog: Dialog, answers: list[Entry], known: dict[str, str]
):
    standing = walk(dialog, answers, known)
    used = walk(dialog, [answers[place] for place in standing.used], known)
    assert used.used == list(range(len(standing.used)))
    assert same_place(used, standing)


@given(dialogs(), ENTRIES, KNOWN, st.data())
def test_entries_of_steps_and_choices_that_are_gone_are_ignored(
    dialog: Dialog, answers: list[Entry], known: dict[str, str], data: st.DataObject
):
    strangers = st.tuples(st.sampled_from(["stranger", "z"]), VALUE) | st.tuples(
        st.sampled_from(NAMES), st.sampled_from(["gone", COUNTED])
    )
    mixed = list(answers)
    for entry in data.draw(st.lists(strangers, max_size=5)):
        mixed.insert(data.draw(st.integers(0, len(mixed))), entry)
    assert same_place(walk(dialog, mixed, known), walk(dialog, answers, known))


@given(dialogs(), KNOWN, st.lists(st.sampled_from(VALUES), max_size=15))
def test_back_and_the_same_answer_again_come_to_the_same_place(dialog: Dialog, known: dict[str, str], keys: list[str]):
    answers: list[Entry] = []
    for key in keys:
        before = walk(dialog, answers, known)
        if before.step is None:
            break
        grown = answer(dialog, answers, before.step, key)
        after = walk(dialog, grown, known)
        assert after.used[:-1] == before.used  # the new entry is the one that was used last
        fewer = back(grown, after)
        assert fewer is not None
        assert [entry for entry in fewer if entry[1] != COUNTED] == [entry for entry in answers if entry[1] != COUNTED]
        assert same_place(walk(dialog, fewer, known), before)
        again = answer(dialog, fewer, before.step, key)
        assert sorted(again) == sorted(grown)
        assert same_place(walk(dialog, again, known), after)
        answers = grown


@given(dialogs(), KNOWN, st.lists(st.sampled_from(VALUES), max_size=15))
def test_to_walk_on_from_where_one_stands_is_to_walk_anew(dialog: Dialog, known: dict[str, str], keys: list[str]):
    answers: list[Entry] = []
    standing = walk(dialog, answers, known)
    for key in keys:
        step = standing.step
        if step is None:
            break
        stood = copy.deepcopy((standing.target, standing.known, list(standing.taken)))
        answers = answer(dialog, answers, step, key)
        ahead = walk_on(dialog, standing, answers[-1][1])
        assert (standing.target, standing.known, list(standing.taken)) == stood  # it stays as it was
        standing = walk(dialog, answers, known)
        assert same_place(ahead, standing)


@given(dialogs(), KNOWN, st.lists(st.sampled_from(VALUES), min_size=1, max_size=15))
def test_back_again_and_again_leads_to_the_first_question(dialog: Dialog, known: dict[str, str], keys: list[str]):
    answers: list[Entry] = []
    stood: list[Step] = []
    for key in keys:
        step = walk(dialog, answers, known).step
        if step is None:
            break
        stood.append(step)
        answers = answer(dialog, answers, step, key)
    assume(stood)
    for step in reversed(stood):
        fewer = back(answers, walk(dialog, answers, known))
        assert fewer is not None
        answers = fewer
        assert walk(dialog, answers, known).step is step
    assert back(answers, walk(dialog, answers, known)) is None
    assert all(value == COUNTED for _, value in answers)


def same_place(one: Standing, other: Standing) -> bool:
    """True if two walks tell the same in all but the numbers of the entries."""
    names = ("step", "target", "known", "points", "most", "percent", "advice")
    return all(getattr(one, name) == getattr(other, name) for name in names)


# --- fields that the run itself saves, played on a database ---


@pytest.fixture(scope="module")
def store_engine(empty_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One store for these players; each has a phone of its own."""
    path = tmp_path_factory.mktemp("engine") / "engine.db"
    path.write_bytes(empty_sqlite.read_bytes())
    engine = open_engine(f"sqlite:///{path}")
    yield engine
    engine.dispose()


def keys_of(player: Player, keys: str) -> list[str]:
    """The dialog:step on the screen after dialling and after each key."""
    screens = [player.send("ke", None), *(player.send("ke", key) for key in keys)]
    return [on_screen(screen)[0] for screen in screens]


def asks_colour(id: str, dialog: str, *only_if: Condition) -> Step:
    """A question that saves the colour."""
    return made(id, dialog, "ask", VALUES, save="colour", only_if=only_if)


def test_a_step_that_saves_what_its_own_only_if_reads_is_passed_in_play(store_engine: Engine):
    unknown = Condition("colour", (), True)
    one = built("one", [asks_colour("a", "one", unknown), made("b", "one", "ask", VALUES)])
    assert keys_of(Player(store_engine, [one]), "11") == ["menu:home", "one:a", "one:b"]


def test_back_asks_a_step_again_that_saves_what_its_own_only_if_reads(store_engine: Engine):
    unknown = Condition("colour", (), True)
    one = built("one", [asks_colour("a", "one", unknown), made("b", "one", "ask", VALUES)])
    assert keys_of(Player(store_engine, [one]), "110") == ["menu:home", "one:a", "one:b", "one:a"]


def test_an_answer_counts_though_it_changes_the_field_that_let_the_step_be_asked(store_engine: Engine):
    one = built("one", [asks_colour("a", "one")], then="/menu")
    red = asks_colour("a", "two", Condition("colour", ("x",), False))
    follows = made("b", "two", "ask", VALUES, only_if=(Condition("colour", ("y",), False),))
    two = built("two", [red, follows, made("c", "two", "ask", VALUES)])
    shown = keys_of(Player(store_engine, [one, two]), "1122")
    assert shown == ["menu:home", "one:a", "menu:home", "two:a", "two:b"]


def test_nobody_is_led_back_to_a_step_that_was_skipped_when_it_was_reached(store_engine: Engine):
    one = built("one", [asks_colour("a", "one")], then="/menu")
    unknown = made("intro", "two", "say", only_if=(Condition("colour", (), True),))
    two = built("two", [unknown, asks_colour("a", "two"), made("b", "two", "ask", VALUES)])
    shown = keys_of(Player(store_engine, [one, two]), "1122")
    assert shown == ["menu:home", "one:a", "menu:home", "two:a", "two:b"]


def test_of_a_question_answered_twice_in_another_dialog_the_last_answer_is_taken_over(store_engine: Engine):
    first = made("q", "one", "ask", VALUES)
    sure = made("sure", "one", "ask", VALUES, go={"y": "q"})
    one = built("one", [first, sure], then="/menu")
    shared = made("q", "two", "ask", VALUES, origin=("one", "q"))
    last = made("last", "two", "ask", VALUES, only_if=(Condition("q", ("y",), False),))
    two = built("two", [shared, last, made("end", "two", "ask", VALUES)])
    player = Player(store_engine, [one, two])
    spoken = dataclasses.replace(player.house.content, shared={("one", "q"): (("two", "q"),)})
    player.house = dataclasses.replace(player.house, content=spoken)
    shown = keys_of(player, "112212")
    assert shown == ["menu:home", "one:q", "one:sure", "one:q", "one:sure", "menu:home", "two:last"]
