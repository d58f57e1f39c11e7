"""Lists over several dialogs on a phone: the most urgent open points, the papers, how far each part is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from dialogs.check.catalogue import BASE
from dialogs.content import Content, Keeper
from tests.phones import AtPhone, Site

PIT = """\
title: Pit
then: /menu
steps:
  worker:
    ask: Do you lead?
    choices:
      yes: I lead
      no: I dig
    save: leads
  walls:
    check: Are the walls checked?
    advice: Check the walls.
    proof: Notes of each shift
    level: year 1
    prepares for:
      code/module 5: b
  engine:
    check: Are engines outside?
    advice: Put engines outside.
    proof: Engines seen outside
    level: must
    prepares for:
      code: a
  helmets:
    only if: leads is yes
    check: Are there helmets?
    advice: Buy helmets.
    proof: Slips of the shop
    level: year 3
    prepares for:
      code: c
  blast:
    check: Is blasting done by a blaster?
    keep: no
    advice: Ask for a blaster.
    proof: Permit of the blaster
    level: must
  result:
    score:
      80%: The pit is ready.
      40%: Some is open.
      0%: Begin here.
  open:
    advice: "To do:"
"""
BOOKS = """\
title: Books
then: /menu
steps:
  daily:
    check: Is each day written down?
    advice: Write each day.
    proof: Book of the days
    level: must
  walls:
    from: pit/walls
"""
LISTS = """\
title: Lists
resume: never
then: /menu
steps:
  next:
    advice: "First:"
    of:
      - books
      - pit
    most: 2
    sms: yes
  papers:
    papers: "To show:"
    of:
      - pit
      - books
  far:
    progress: "So far:"
    of:
      - pit
      - books
      - code
"""
MENU = """\
title: Menu
resume: never
steps:
  home:
    ask: Choose.
    choices:
      pit: Pit
      books: Books
      lists: Lists
    go:
      pit: /pit
      books: /books
      lists: /lists
"""
HELLO = """\
title: Welcome
resume: never
then: /menu
steps:
  consent:
    ask: May we keep your answers?
    choices:
      yes: Yes
      no: No
    save: consent
    reply:
      no: All right.
    go:
      no: forget
"""
SCHEMES = """\
code:
  name: The Code
  about: A code for tests.
  parts:
    module 5: safety
  source:
    general: c
"""
LEADER, DIGGER = "1", "2"
YES, NO, UNSURE = "1", "2", "3"
NEXT = "1"


def small(folder: Path, **files: str) -> Path:
    """A small content: BASE of the catalogue without its own dialogs, and the parts above."""
    kept = {name: text for name, text in BASE.items() if name.endswith("common.yaml")}
    own = {"hello": HELLO, "pit": PIT, "books": BOOKS, "lists": LISTS, "menu": MENU, **files}
    written: Mapping[str, str] = {
        **kept,
        **{f"content/dialogs/{name}.yaml": text for name, text in own.items()},
        "content/schemes.yaml": SCHEMES,
    }
    for name, text in written.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / "content"


@pytest.fixture
def phone(new_site: Callable[..., Site], tmp_path: Path) -> AtPhone:
    """A phone that stands in the menu of the small content."""
    phone = new_site(Keeper(small(tmp_path))).phone()
    phone.dial()
    assert phone.type("1").text.startswith("Choose.")
    return phone


def lists(phone: AtPhone) -> list[str]:
    """The pages of the lists, from the menu on."""
    pages = [phone.type("3").text]
    while len(pages) < 9 and "Choose." not in pages[-1]:
        offered = "by SMS" in pages[-1]
        pages.append(phone.type("2" if offered else NEXT).text)
    return pages


def test_before_anything_is_answered_the_lists_say_so(phone):
    first, papers, far, _menu = lists(phone)
    assert first.startswith("Nothing is answered here yet.")
    assert papers.startswith("To show:\n- Notes of each shift\n- Engines seen outside\n- Permit of the blaster")
    assert far.startswith("So far:\nPit: Not begun\nBooks: Not begun\nThe Code: Not begun\n")


def test_the_most_urgent_open_points_come_first_and_no_more_than_asked_for(phone):
    phone.play("1", LEADER, NO, UNSURE, NO, NO, NEXT)
    phone.dial()
    phone.play("3")
    phone.play("2", NO)  # books, its first question
    phone.dial()
    pages = [phone.play("3").text, *lists(phone)]
    text = "\n".join(pages)
    assert text.index("Must do now: Write each day.") < text.index("Must do now: Put engines outside.")
    assert "Check the walls" not in text.split("To show:", maxsplit=1)[0]
    assert "blaster" not in text.split("To show:", maxsplit=1)[0]


def test_a_list_of_one_dialog_goes_by_urgency_too_and_names_the_level(phone):
    pages = [phone.play("1", LEADER, NO, NO, NO, YES, NEXT).text, phone.type(NEXT).text]
    pages += [phone.type(NEXT).text, phone.type(NEXT).text]
    said = "\n".join(pages)
    assert said.index("Must do now: Put engines outside.") < said.index("Year 1: Check the walls.")
    assert said.index("Year 1: Check the walls.") < said.index("Year 3: Buy helmets.")


def test_the_papers_are_those_of_the_questions_that_this_person_is_asked(phone):
    phone.play("1", DIGGER)
    phone.dial()
    phone.play("3")
    text = "\n".join(lists(phone))
    assert "Slips of the shop" not in text
    assert text.count("Notes of each shift") == 1, "one question in two dialogs has one paper"


def test_private_answers_are_in_no_list_and_leave_no_result(phone, tmp_path):
    phone.play("1", DIGGER, YES, YES, NO, NEXT, NEXT, NEXT)
    phone.dial()
    text = "\n".join(lists(phone))
    assert "Ask for a blaster" not in text
    assert "Pit: Ready" in text


def far(phone: AtPhone) -> list[str]:
    """The lines of the progress step, from a new call on."""
    screen = phone.dial()
    if "Go on?" in screen.text:
        phone.type("3")
    page = next(page for page in lists(phone) if page.startswith("So far:"))
    return page.splitlines()[1:4]


def test_progress_speaks_in_words_and_one_answer_counts_in_every_part(phone):
    phone.play("1", DIGGER, YES)
    assert far(phone) == ["Pit: Working on it", "Books: Working on it", "The Code: Working on it"]
    phone.dial()
    phone.play("3", "1")
    phone.play(YES, YES, NEXT, NEXT, NEXT)
    assert far(phone) == ["Pit: Ready", "Books: Working on it", "The Code: Kept points done"]


def test_a_part_where_every_answer_is_no_says_start_here(phone):
    phone.play("1", DIGGER, NO, NO, YES, NEXT, NEXT, NEXT, NEXT)
    assert far(phone) == ["Pit: Start here", "Books: Working on it", "The Code: Start here"]


def test_a_part_without_a_result_is_seen_once_it_is_gone_through(phone):
    phone.play("2", YES, YES)
    assert far(phone)[1] == "Books: Seen"


def test_the_newest_answer_counts_when_a_part_is_gone_through_again(phone):
    phone.play("1", DIGGER, NO, NO, YES, NEXT, NEXT, NEXT, NEXT)
    phone.dial()
    phone.play("1", DIGGER, YES, YES, YES, NEXT, NEXT, NEXT)
    assert far(phone)[0] == "Pit: Ready"


def test_the_list_of_open_points_goes_out_as_one_sms_when_it_is_asked_for(phone):
    phone.play("1", DIGGER, NO, NO, YES, NEXT, NEXT, NEXT, NEXT)
    phone.dial()
    phone.type("3")
    pages = [phone.type(NEXT).text]
    while "by SMS" not in pages[-1]:
        pages.append(phone.type(NEXT).text)
    phone.play("1", "1")
    (sms,) = phone.inbox()
    assert sms == "First:\nMust do now: Put engines outside.\nYear 1: Check the walls."


def test_by_sms_the_lists_stand_in_one_message(phone):
    phone.play("1", DIGGER, NO, NO, YES, NEXT, NEXT, NEXT, NEXT)
    phone.text("MENU")
    said = phone.text("Lists").text
    assert "Must do now: Put engines outside." in said
    assert "Check the walls." in said


def problems(folder: Path, **files: str) -> list[tuple[str, str, str]]:
    """What is wrong with the small content after these edits."""
    _, found = Content.load(small(folder, **files))
    return [(each.slug, each.text, each.mend) for each in found if each.level == "error"]


def test_a_list_over_a_dialog_that_is_not_there_is_an_error_with_the_nearest_name(tmp_path):
    found = problems(tmp_path, lists=LISTS.replace("- books", "- bocks", 1))
    assert found == [("unknown-dialog", 'There is no dialog "bocks".', 'Did you mean "books"?')]


def test_only_progress_can_tell_of_a_scheme(tmp_path):
    found = problems(tmp_path, lists=LISTS.replace("- books", "- code", 1))
    mend = "That is a scheme, and only a step with progress can tell of one."
    assert found == [("unknown-dialog", 'There is no dialog "code".', mend)]


def test_progress_needs_to_know_of_what(tmp_path):
    found = problems(tmp_path, lists=LISTS.split("  far:")[0] + '  far:\n    progress: "So far:"\n')
    assert [slug for slug, _, _ in found] == ["missing-key"]


@pytest.mark.parametrize(
    ("old", "new", "slug"),
    [
        ("most: 2", "most: 0", "wrong-type"),
        ("most: 2", "most: some", "wrong-type"),
        ("- books\n      - pit\n    most", "- books\n      - books\n    most", "twice"),
        ("of:\n      - books\n      - pit\n    most", "of: books\n    most", "wrong-type"),
        ('papers: "To show:"', 'papers: "To show:"\n    sms: yes', "unknown-key"),
        ('papers: "To show:"', 'papers: "To show:"\n    most: 3', "unknown-key"),
    ],
)
def test_a_slip_in_a_list_is_an_error(tmp_path, old, new, slug):
    assert old in LISTS
    assert [found[0] for found in problems(tmp_path, lists=LISTS.replace(old, new))] == [slug]
