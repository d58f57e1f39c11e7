"""Edits while people are in the middle: nobody is lost, no answer is misread, none counts under another question.

Real files, a real keeper, a real database, the real door into the dialogs. `tests/edits.py` makes the edits.
"""

from __future__ import annotations

import os
import random
import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from dialogs import engine as walking
from dialogs.check.catalogue import BASE
from dialogs.database import open_engine
from dialogs.problem import errors
from dialogs.tables import Base
from tests.callers import Caller, Kept, Line
from tests.edits import Book

ROOT = Path(__file__).resolve().parent.parent
SAID = re.compile(r"(?:Question|Swali) (\d+)(\?| is a page)")
KEY = re.compile(r"^(\d)\. (?:Is )?(.+)$", re.M)
MEANT = {"Yes": "yes", "No": "no", "Not sure": "unsure"}


@pytest.fixture(scope="module")
def database(empty_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """One store for all examples."""
    path = tmp_path_factory.mktemp("edits") / "edits.db"
    path.write_bytes(empty_sqlite.read_bytes())
    return open_engine(f"sqlite:///{path}")


@pytest.fixture(scope="module")
def new_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Empty content folders."""
    return lambda: tmp_path_factory.mktemp("book") / "content"


NUMBERS = iter(range(10**6))


@settings(max_examples=8)
@given(st.integers(0, 2**32))
def test_whatever_is_edited_nobody_is_lost_and_no_answer_counts_under_another_question(
    database: Engine, new_folder: Callable[[], Path], seed: int
):
    play_with_edits(database, new_folder(), seed)


@pytest.mark.parametrize("seed", range(8))
def test_the_same_holds_for_longer_calls(database: Engine, new_folder: Callable[[], Path], seed: int):
    play_with_edits(database, new_folder(), seed, 120)


def play_with_edits(database: Engine, folder: Path, seed: int, turns: int = 40) -> None:
    """Some people dial, type and send, and an editor saves in between."""
    rng = random.Random(seed)
    book = Book(rng, folder)
    book.write()
    line = Line(folder, database)
    callers = [Caller(line, f"+2547{next(NUMBERS):08}") for _ in range(3)]
    for caller in callers:
        if rng.random() < 0.5:  # into a dialog by its menu, in one of the languages
            caller.dial()
            caller.play("4", rng.choice("12"), rng.choice("123"))
    for _ in range(turns):
        if rng.random() < 0.25:
            book.edit()
            book.write()
            line.refresh()
        caller = rng.choice(callers)
        kind = rng.choice(["ussd", "ussd", "ussd", "sms"])
        if kind == "ussd" and (not caller.screens.get("ussd") or rng.random() < 0.1):
            before = caller.kept()
            caller.dial()
            nothing_is_lost(line, before, caller.kept(), 0)
            continue
        one_turn(line, book, caller, kind, rng.choice([*"11112223", "0", "9", "7", "", "12"]))


def one_turn(line: Line, book: Book, caller: Caller, kind: str, key: str) -> None:
    """One key on the screen that is out, and all that must hold then."""
    screen, before = caller.screens.get(kind, ""), caller.kept()
    number = asked(screen)
    promised = str(caller.shown(kind).get("keep", "")) if screen else ""
    key = key if kind == "ussd" else key or "?"
    reply = caller.type(key) if kind == "ussd" else caller.text(key)
    after = caller.kept()
    for _, dialog_id, step_id, choice, revision in after.answers[len(before.answers) :]:
        if dialog_id in ("hello", "menu"):
            continue
        step = next(step for step in book.talks[dialog_id].steps if step.name == step_id)
        assert step.number == number, (screen, key, step)
        assert choice == meant(screen, key), (screen, key, choice)
        assert revision == line.content.revision
        assert not promised, "this screen promised not to keep the answer"
    assert after.counted == before.counted or promised == "counts"
    said_only = kind == "sms" and not number  # by SMS a private question is only said
    if key != "0" and "You stopped in" not in screen and not said_only:
        nothing_is_lost(line, before, after, number)
    for id_, (dialog_id, _, closed, points) in after.runs.items():
        if closed and not before.runs.get(id_, ("", [], False, 0))[2]:
            there = line.content.dialogs[dialog_id].steps
            most = sum(step.most for step in there)
            assert points & most == points, "points of a step that is gone"
    stands_rightly(line, book, caller, kind, reply, after)
    if not book.swahili:
        assert "Swali" not in reply


def asked(screen: str) -> int:
    """The number of the question on a screen; 0 where there is none."""
    found = SAID.findall(screen)
    return int(found[-1][0]) if found else 0


def meant(screen: str, key: str) -> str:
    """The choice that stands on the screen under this key; what was typed, where nothing stands there."""
    choices: dict[str, str] = {
        digit: MEANT.get(words, words) for digit, words in KEY.findall(screen) if digit not in "09"
    }
    return choices.get(key, key)


def nothing_is_lost(line: Line, before: Kept, after: Kept, number: int) -> None:
    """Every entry of every run that was open is there still; one that was asked again may have a newer one instead."""
    for id_, (dialog_id, entries, closed, _) in before.runs.items():
        dialog = line.content.dialogs.get(dialog_id)
        if closed or dialog_id in ("hello", "menu") or (dialog is not None and dialog.resume == "never"):
            continue
        assert id_ in after.runs
        lost = Counter(entries) - Counter(after.runs[id_][1])
        for step_id, _ in lost:
            step = dialog.step(dialog.moved.get(step_id, step_id)) if dialog else None
            assert step is not None, "an answer of a step that is gone was thrown away"
            assert number, "nothing was asked, and an answer is gone"
            assert f"Question {number}" in step.texts[0].source, "the answer to another question was changed"


def stands_rightly(line: Line, book: Book, caller: Caller, kind: str, reply: str, after: Kept) -> None:
    """The screen asks what is in force, and nothing that this run has an answer to."""
    number = asked(reply)
    if not number:
        return
    shown = caller.shown(kind)
    dialog = line.content.dialogs[str(shown["dialog"])]
    step = dialog.step(str(shown["step"]))
    assert step is not None
    assert f"Question {number}" in step.texts[0].source
    _, entries, closed, _ = after.runs[int(str(shown["run"]))]
    if closed:
        return
    assert not any(
        dialog.moved.get(id, id) == step.id and value != walking.COUNTED and walking.fits(step, value)
        for id, value in entries
    ), "asked again what was answered"


# --- the content of this project ---

STEP = re.compile(r"^  [a-z0-9_]+:\n(?:    .*\n|\n)+", re.M)


def one_edit(rng: random.Random, text: str) -> str:
    """A step of a file taken out, moved, put in or reworded."""
    found = list(STEP.finditer(text, max(text.find("\nsteps:"), 0)))
    if len(found) < 2:
        return text
    one, two = sorted(rng.sample(found, 2), key=lambda each: each.start())
    how = rng.randrange(4)
    if how == 0:
        return text[: one.start()] + text[one.end() :]
    if how == 1:
        return text[: one.start()] + two[0] + text[one.end() : two.start()] + one[0] + text[two.end() :]
    if how == 2:
        extra = f"  new_{rng.randrange(10**6)}:\n    check: Is it new?\n    advice: See.\n    source: own\n"
        return text[: one.start()] + extra + text[one.start() :]
    return text[: one.start()] + one[0].replace("?", " now?", 1) + text[one.end() :]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_edits_of_the_content_of_this_project_lose_nobody_either(
    database: Engine, new_folder: Callable[[], Path], seed: int
):
    rng, folder = random.Random(seed), new_folder()
    shutil.copytree(ROOT / "content", folder, ignore=shutil.ignore_patterns("fr.po", "sw.po"))
    line = Line(folder, database)
    callers = [Caller(line, f"+2547{next(NUMBERS):08}") for _ in range(4)]
    edited = 0
    for turn in range(120):
        if turn % 12 == 11:
            path = rng.choice(sorted((folder / "dialogs").glob("*.yaml")))
            old = path.read_text("utf-8")
            path.write_text(one_edit(rng, old), "utf-8")
            os.utime(path, ns=(turn, turn))
            if errors(line.keeper.refresh()):  # the old content is in force; the editor takes it back
                path.write_text(old, "utf-8")
                os.utime(path, ns=(turn, turn + 1))
                assert errors(line.keeper.refresh()) == []
            edited += line.keeper.content is not line.house.content
            line.open()
        caller = rng.choice(callers)
        if not caller.screens.get("ussd") or rng.random() < 0.05:
            caller.dial()
            continue
        shown, before = caller.shown("ussd"), caller.kept()
        key = rng.choice([*"111112223", "0", "9", "4", "12/12/2027"])
        caller.type(key)
        after = caller.kept()
        for _, dialog_id, step_id, choice, _ in after.answers[len(before.answers) :]:
            assert (dialog_id, step_id) == (shown["dialog"], shown["step"])
            assert choice in shown.get("choices", ()) or shown.get("typed")
            assert not shown.get("keep")
    assert edited


# --- one by one, in the words of docs/write-a-dialog.md, "Change a live dialog" ---

ONE, TWO, THREE = (
    f"  {name}:\n    check: Is {name} there?\n    advice: Get {name}.\n" for name in ("water", "light", "rope")
)
COLOUR = (
    "  colour:\n    ask: Which colour?\n    choices:\n      red: Red\n      blue: Blue\n    points:\n      red: 4\n"
)
END = '  result:\n    score:\n      0%: "Points {points} of {max}."\n  after:\n    say: That was all.\n'


class Scene:
    """A dialog that is edited, and one caller who answers it."""

    def __init__(self, folder: Path, database: Engine, steps: str, number: str = "", **more: str) -> None:
        self.folder, self.times = folder, 0
        self.write(steps, **more)
        self.line = Line(folder, database)
        self.caller = Caller(self.line, number or f"+2547{next(NUMBERS):08}")
        self.caller.dial()
        self.type = self.caller.type

    def write(self, steps: str, top: str = "", quiz: str = "quiz", **more: str) -> None:
        """The files; `more` are other dialogs by name, and languages."""
        files = {name.removeprefix("content/"): text for name, text in BASE.items()}
        files["dialogs/menu.yaml"] = files["dialogs/menu.yaml"].replace("steps:", "resume: never\nsteps:")
        del files["dialogs/quiz.yaml"]
        files[f"dialogs/{quiz}.yaml"] = f"title: Quiz\nsource: own\nthen: /menu\n{top}steps:\n{steps}"
        files["dialogs/menu.yaml"] = files["dialogs/menu.yaml"].replace("/quiz", f"/{quiz}")
        files |= {f"dialogs/{name}.yaml": text for name, text in more.items() if name != "sw"}
        if "sw" in more:
            files["locale/sw.po"] = more["sw"]
        self.times += 1
        for path in [*self.folder.rglob("*.yaml"), *self.folder.rglob("*.po")]:
            if path.relative_to(self.folder).as_posix() not in files:
                path.unlink()
        for name, text in files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text, encoding="utf-8")
            os.utime(self.folder / name, ns=(self.times, self.times))

    def edit(self, steps: str, top: str = "", **more: str) -> None:
        """The editor saves."""
        self.write(steps, top, **more)
        self.line.refresh()

    def answers(self) -> list[tuple[str, str]]:
        """The entries of the run of this dialog."""
        return next(run[1] for run in self.caller.kept().runs.values() if run[0] == "quiz")


@pytest.fixture
def scene(new_folder: Callable[[], Path], database: Engine) -> Callable[..., Scene]:
    """Makes one."""
    return lambda steps, **more: Scene(new_folder(), database, steps, **more)


def test_a_new_question_gets_asked_and_then_the_person_goes_on_where_they_were(scene):
    now = scene(ONE + THREE + END)
    assert now.caller.play("1", "1").startswith("Is rope there?")
    now.edit(ONE + TWO + THREE + END)
    assert now.type("1").startswith("Is light there?")  # the key was for the rope: nothing is taken in
    assert now.answers() == [("water", "yes")]
    assert now.type("1").startswith("Is rope there?")


def test_a_question_that_is_gone_is_skipped_and_its_points_are_gone_with_it(scene):
    now = scene(ONE + TWO + THREE + END)
    now.caller.play("1", "1", "1")
    now.edit(ONE + THREE + END)
    assert now.type("1").startswith("Points 2 of 2.")


def test_a_question_that_comes_back_under_its_name_finds_its_answer(scene):
    now = scene(ONE + TWO + THREE + END)
    now.caller.play("1", "1", "1")
    now.edit(ONE + THREE + END)
    now.edit(ONE + TWO + THREE + END)
    assert now.type("1").startswith("Points 3 of 3.")


def test_a_renamed_question_keeps_its_answers_by_moved_and_is_asked_again_without(scene):
    lamp = TWO.replace("  light:", "  lamp:")
    now = scene(ONE + TWO + THREE + END)
    now.caller.play("1", "1", "1")
    now.edit(ONE + lamp + THREE + END, "moved:\n  light: lamp\n")
    assert now.type("").startswith("Is rope there?")
    now.edit(ONE + lamp + THREE + END)
    assert now.type("").startswith("Is light there?")


def test_a_question_that_was_renamed_twice_keeps_its_answers_by_both_old_names(scene):
    now = scene(ONE + TWO + THREE + END)
    now.caller.play("1", "1", "1")
    torch = TWO.replace("  light:", "  torch:")
    now.edit(ONE + torch + THREE + END, "moved:\n  light: torch\n  lamp: torch\n")
    assert now.type("").startswith("Is rope there?")


def test_questions_in_another_order_keep_their_answers(scene):
    now = scene(ONE + TWO + THREE + END)
    now.caller.play("1", "1", "2")
    now.edit(THREE + TWO + ONE + END)
    assert now.type("").startswith("Is rope there?")
    assert now.type("1").startswith("Points 2 of 3.")


def test_who_chose_what_is_gone_is_asked_again_and_who_did_not_is_not(scene):
    now = scene(COLOUR + ONE + END)
    now.caller.play("1", "2")
    now.edit(COLOUR.replace("      blue: Blue\n", "      green: Green\n") + ONE + END)
    assert now.type("1").startswith("Which colour?\n1. Red\n2. Green")
    now.type("1")
    now.edit(COLOUR + ONE + END)
    assert now.type("").startswith("Is water there?")


def test_a_key_means_what_stood_on_the_screen_whatever_order_the_choices_have_now(scene):
    now = scene(COLOUR + ONE + END)
    now.type("1")
    now.edit(COLOUR.replace("      red: Red\n      blue: Blue\n", "      blue: Blue\n      red: Red\n") + ONE + END)
    now.type("1")
    assert now.answers() == [("colour", "red")]


def test_a_choice_that_went_while_the_screen_was_out_is_not_taken_and_the_new_screen_comes(scene):
    now = scene(COLOUR + ONE + END)
    now.type("1")
    now.edit(COLOUR.replace("      blue: Blue\n", "      green: Green\n") + ONE + END)
    assert now.type("2").startswith("Which colour?\n1. Red\n2. Green")
    assert now.answers() == []


@pytest.mark.parametrize("kind", ["number", "date", "text"])
def test_a_question_of_another_kind_is_asked_again(scene, kind: str):
    now = scene(COLOUR + ONE + END)
    assert now.caller.play("1", "2").startswith("Is water there?")
    now.edit(f"  colour:\n    ask: Which colour?\n    as: {kind}\n    save: shade\n" + ONE + END)
    assert kind == "text" or now.type("1").startswith("Which colour?")


@pytest.mark.parametrize(
    ("before", "after", "said"), [("text", "date", "abc"), ("number", "date", "7"), ("text", "number", "x")]
)
def test_what_was_typed_as_something_else_is_asked_again_and_spoils_no_screen(
    scene, before: str, after: str, said: str
):
    asks = "  when:\n    ask: When?\n    as: {kind}\n    save: visit\n  told:\n    say: You said {{visit}}.\n"
    now = scene(asks.format(kind=before) + END)
    assert now.caller.play("1", said).startswith(f"You said {said}.")
    now.edit(asks.format(kind=after) + END)
    assert now.type("1").startswith("When?")
    now.edit("  told:\n    say: You said {visit}.\n" + asks.format(kind=after).partition("  told")[0] + END)
    assert now.type("1").startswith(f"You said {said}.")


def test_who_is_in_a_dialog_that_is_gone_gets_the_menu_and_the_answers_wait_for_it(scene):
    now = scene(ONE + TWO + END)
    now.caller.play("1", "1")
    now.edit(ONE + TWO + END, quiz="other")
    assert now.type("1").startswith("Choose a number")
    now.edit(ONE + TWO + END)
    assert now.type("1").startswith("Is light there?")


def test_who_speaks_a_language_that_is_gone_is_spoken_to_in_the_source_language_and_in_theirs_once_it_is_back(scene):
    swahili = 'msgid ""\nmsgstr ""\n"X-Name: Kiswahili\\n"\n\n'
    swahili += 'msgctxt "quiz:light.check"\nmsgid "Is light there?"\nmsgstr "Kuna taa?"\n'
    now = scene(ONE + TWO + THREE + END, sw=swahili)
    with now.line.database.begin() as db:
        db.exec_driver_sql(f"UPDATE contact SET language = 'sw' WHERE id = {now.caller.id}")
    assert now.caller.play("1", "1").startswith("Kuna taa?")
    now.edit(ONE + TWO + THREE + END)
    assert now.type("").startswith("Is light there?")
    now.edit(ONE + TWO + THREE + END, sw=swahili)
    assert now.type("").startswith("Kuna taa?")


def test_a_question_whose_only_if_does_not_hold_any_more_leaves_the_result(scene):
    now = scene(ONE + TWO + END)
    now.caller.play("1", "1")
    now.edit(ONE.replace("check", "only if: country is TZ\n    check") + TWO + END)
    assert now.type("1").startswith("Points 1 of 1.")


def test_points_are_those_of_now_until_the_dialog_is_done_and_stay_as_they_were_then(scene):
    now = scene(ONE + TWO + END)
    now.caller.play("1", "1")
    now.edit(ONE.replace("advice", "points: 5\n    advice") + TWO + END)
    assert now.type("1").startswith("Points 6 of 6.")
    now.caller.play("1", "1")
    now.edit(ONE + TWO + END)
    now.caller.dial()
    assert [run[3] for run in now.caller.kept().runs.values() if run[0] == "quiz" and run[2]] == [6]


def test_a_question_that_is_taken_from_another_dialog_keeps_the_answer_it_had_and_so_does_one_that_is_written_out(
    scene,
):
    other = "title: Other\nsource: own\nthen: /quiz\nsteps:\n" + ONE
    taken = "  water:\n    from: other/water\n"
    now = scene(ONE + TWO + END, other=other)
    now.caller.play("1", "1")
    now.edit(taken + TWO + END, other=other)
    assert now.type("").startswith("Is light there?")
    now.edit(ONE + TWO + END, other=other)
    assert now.type("1").startswith("Points 2 of 2.")


SECRET = ONE.replace("advice", "keep: no\n    advice")


def test_what_was_promised_on_the_screen_holds_though_the_question_is_kept_from_now_on(scene):
    now = scene(SECRET + TWO + END)
    assert now.type("1").startswith("Is water there?")
    now.edit(ONE + TWO + END)
    assert now.type("2").startswith("Is water there?")  # asked again, now as a question that is kept
    assert now.answers() == []
    now.type("2")
    assert now.answers() == [("water", "no")]


def test_a_question_that_is_not_kept_any_more_is_asked_again_and_its_old_answer_counts_no_more(scene):
    now = scene(ONE + TWO + END)
    now.caller.play("1", "1")
    now.edit(SECRET + TWO + END)
    assert now.type("1").startswith("Is water there?")
    now.caller.play("1", "1")
    assert now.type("1").startswith("Points 1 of 1.")


EDITS = [ONE + TWO + END, TWO + ONE + END, ONE.replace("  water:", "  lake:") + TWO + END, TWO + END, SECRET + END]


@pytest.mark.parametrize("after", EDITS)
def test_an_unkept_answer_leaves_the_same_database_whatever_it_was_and_whatever_is_edited_then(
    scene, empty_sqlite: Path, tmp_path: Path, new_folder: Callable[[], Path], after: str
):
    left = []
    for key in "12":
        path = tmp_path / f"{key}.db"
        path.write_bytes(empty_sqlite.read_bytes())
        now = Scene(new_folder(), open_engine(f"sqlite:///{path}"), SECRET + TWO + END, "+254711111111")
        now.caller.play("1", key)
        for steps in (after, SECRET + TWO + END):
            now.edit(steps)
            now.caller.play("1", "", "1")
        with now.line.database.begin() as db:
            rows = {
                table.name: [tuple(row) for row in db.execute(table.select())] for table in Base.metadata.sorted_tables
            }
        left.append(rows)
        now.line.database.dispose()
    assert left[0] == left[1]


def test_of_two_calls_of_one_person_only_the_one_that_shows_the_question_answers_it(scene):
    now = scene(ONE + TWO + THREE + END)
    now.type("1")
    old, typed = now.caller.session, now.caller.typed
    now.caller.dial()
    now.caller.play("1", "1")
    assert now.answers() == [("water", "yes")]
    now.edit(ONE + THREE + TWO + END)
    now.caller.session, now.caller.typed = old, typed
    assert now.type("2").startswith("Is rope there?")  # that call showed the water, which is answered by now
    assert now.answers() == [("water", "yes")]


def test_every_answer_tells_the_revision_whose_words_were_in_force(scene):
    now = scene(ONE + TWO + END)
    now.caller.play("1", "1")
    first = now.line.content.revision
    now.edit(ONE + TWO.replace("there", "here") + END)
    now.type("1")
    assert [row[4] for row in now.caller.kept().answers if row[1] == "quiz"] == [first, now.line.content.revision]


def test_a_broken_edit_changes_nothing_for_those_in_the_middle(scene):
    now = scene(ONE + TWO + END)
    now.caller.play("1", "1")
    now.write(ONE.replace("check", "chek") + TWO + END)
    assert errors(now.line.keeper.refresh())
    now.line.open()
    assert now.type("1").startswith("Points 2 of 2.")
