"""Content files broken in every way that hands, editors and disks know: told with place and mend, never a traceback,
and what is in force stays in force. `tests/breaking.py` breaks; the seeds are fixed, so a failure can be seen again.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from dialogs.check import check_content
from dialogs.check.catalogue import BASE, CATALOGUE
from dialogs.check.report import as_github, as_json, as_text
from dialogs.content import Content, Keeper, make
from dialogs.problem import Problem, errors
from dialogs.reading.plain_yaml import Items, Node, Pairs, grow
from dialogs.written import MOST_BYTES, Written, content_files, read_files
from gateway.cli_content import content as command
from tests.breaking import ANY, PO, ways_to_break

ROOT = Path(__file__).resolve().parent.parent
QUIZ = "content/dialogs/quiz.yaml"
LONGEST = 5.0  # seconds of the processor for one case; all but the harmful ones take hundredths
SMALL_CASES, WHOLE_CASES = 660, 20
KEY_LINE = re.compile(r"\s*(?:- |[\w%][\w% ]*:(?: |$))")


def small() -> dict[str, bytes]:
    """A content of a few lines with a file of every kind and a step of every head."""
    files = {name: text.encode() for name, text in {**BASE, **MORE}.items()}
    menu = files["content/dialogs/menu.yaml"].decode()
    menu = menu.replace("      date: My", "      parts: Parts\n      date: My")
    menu = menu.replace("      date: /", "      parts: /parts\n      date: /")
    files["content/dialogs/menu.yaml"] = menu.encode()
    return files


HOURS = """\
otherwise:
  zones:
    - Africa/Abidjan
    - Africa/Nairobi
  weekdays: 08:00-19:00
  source: our own careful default
  checked_on: 2026-11-22
KE:                # Kenya
  zones: Africa/Nairobi
  weekdays: 08:00-19:00
  saturday: 08:00-12:00
  sunday: none
  holidays:
    - 2026-12-12   # Jamhuri
    - 2026-12-25
  source: none found
  checked_on: 2026-11-22
"""
SOURCES = """\
paper_2014:
  what: A paper on dust in pits, 2014
  where: PMC1
  kind: document
"""
SCHEMES = """\
craft:
  name: CRAFT
  about: A code for small mines.
  parts:
    module 1: management system
    module 2: legitimacy
  source:
    paper_2014: b
  checked_by:
  checked_on:
  expires_on:
"""
PARTS = """\
title: The parts
about: |
  A remark of two lines.
  Nobody on a phone sees it.
source:
  paper_2014: b
  general: c
resume: ask
forget after: 60 days
then: /menu
moved:
  place: site
steps:
  site:
    ask: What do you dig?
    choices:
      gold: Yellow
      tin: White
    save: ore
    reply:
      tin: Heavy.
    note: dig = by hand
  dust:
    only if:
      - ore is gold or tin
      - mercury_ban is not yes
    check: Is the dust wet?
    none: No dust
    points: 2
    advice: Wet the dust.
    proof: A can of water
    level: must
    prepares for:
      craft/module 2: b
  pay:
    check: Is all pay paid?
    keep: no
    advice: Write it down.
  same:
    from: quiz/records
  pages:
    say:
      - One page.
      - "Two: pages."
  result:
    score:
      50%: "Much: {points}."
      0%: Little.
    go:
      50%: papers
      otherwise: open
  open:
    advice: "Still open:"
    sms: yes
    of:
      - parts
      - quiz
    most: 2
  papers:
    papers: "Papers:"
  all:
    progress: "So far:"
    of:
      - parts
      - craft
"""
SWAHILI = """\
# Words of a translator.
msgid ""
msgstr ""
"Language: sw\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"X-Name: Kiswahili\\n"
"X-Status: draft\\n"
"X-Replace: ç=c\\n"

#. A choice: at most 30 letters.
#: content/common.yaml
msgctxt "common:yes"
msgid "Yes"
msgstr "Ndiyo"

msgctxt "common:resume"
msgid "You stopped in \\"{title}\\". Go on?"
msgstr "Uliacha kwenye \\"{title}\\". Endelea?"

msgctxt "menu:home.ask"
msgid "Choose a number"
msgstr ""
"Chagua "
"namba"

#, fuzzy
#| msgid "Am I good?"
msgctxt "menu:home.choices.quiz"
msgid "Am I ready?"
msgstr "Niko tayari?"

#~ msgctxt "menu:old"
#~ msgid "Old"
#~ msgstr "Zamani"
"""
MORE = {
    "content/dialogs/parts.yaml": PARTS,
    "content/hours.yaml": HOURS,
    "content/sources.yaml": SOURCES,
    "content/schemes.yaml": SCHEMES,
    "content/locale/sw.po": SWAHILI,
}


def real() -> dict[str, bytes]:
    """The project's own content."""
    folder = ROOT / "content"
    return {f"content/{path.relative_to(folder).as_posix()}": path.read_bytes() for path in content_files(folder)}


def told(files: Mapping[str, bytes], drafts: bool = False) -> tuple[Written, list[Problem]]:
    """All problems, each with what an editor needs; what has no error makes a content."""
    began = time.process_time()
    written = read_files(files)
    problems = check_content(written, drafts=drafts)
    for report in (as_text(problems, written.files), as_json(problems), as_github(problems)):
        report.encode()
    if not errors(problems):
        make(written)
    assert time.process_time() - began < LONGEST
    for problem in problems:
        assert problem.slug in CATALOGUE, problem
        assert problem.text
        assert problem.mend or problem.level == "warning", problem
        lines = written.files.get(problem.at.file, "")
        rows = lines.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
        assert 1 <= problem.at.line <= len(rows), problem
        assert problem.at.column >= 1
        assert problem.width >= 1
        assert problem.at.file in files or problem.slug in ("no-menu", "no-hello", "no-common"), problem
    return written, problems


def nothing_is_swallowed(name: str, raw: bytes, good: bytes) -> None:
    """Every line of a clean file that looks like a key or an item is one, but for remarks that were texts before."""
    seen, before = set(lines_of(grow(name, raw)[0])), set(lines_of(grow(name, good)[0]))
    texts = {row.strip() for number, row in enumerate(rows_of(good), 1) if number not in before}
    lost = [row for number, row in enumerate(rows_of(raw), 1) if number not in seen and KEY_LINE.match(row)]
    assert all(row.strip() in texts or written_as_block(raw) for row in lost), lost


def written_as_block(raw: bytes) -> bool:
    """True where a breakage made a block of text, in which everything is a text."""
    return re.search(rb": [|>]\n", raw) is not None


def rows_of(raw: bytes) -> list[str]:
    """The lines of a file."""
    text = raw.decode("utf-8", "surrogateescape")
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def lines_of(node: Node | None) -> Iterator[int]:
    """The lines in which a key, an item or a text begins."""
    if isinstance(node, Pairs):
        for pair in node.pairs:
            yield pair.key.at.line
            yield from lines_of(pair.value)
    elif isinstance(node, Items):
        for item in node.items:
            yield item.at.line
            yield from lines_of(item)
    elif node is not None:
        yield node.at.line


def broken(base: Mapping[str, bytes], seed: int) -> tuple[str, str, bytes]:
    """One file of these broken in one way: its name, the way, its bytes."""
    rng = random.Random(seed)
    name = rng.choice(sorted(base))
    ways = ways_to_break(name)
    how = rng.choice(sorted(ways))
    return name, how, ways[how](rng, base[name])


def try_all(base: Mapping[str, bytes], seeds: range) -> Counter[str]:
    """Break and check for every seed; how often each slug was told, "" for what was still good."""
    found: Counter[str] = Counter()
    for seed in seeds:
        name, how, raw = broken(base, seed)
        try:
            _, problems = told({**base, name: raw}, drafts=seed % 2 == 0)
            if not errors(problems) and name.endswith(".yaml"):
                nothing_is_swallowed(name, raw, base[name])
        except Exception as error:
            raise AssertionError(f"seed {seed}: {name}, {how}") from error
        found.update({problem.slug for problem in errors(problems)} or {""})
    return found


def test_what_is_broken_here_was_good():
    assert errors(told(small())[1]) == []


@pytest.mark.parametrize("part", range(6))
def test_hundreds_of_slips_in_a_small_content_are_told_with_place_and_mend(part: int):
    each = SMALL_CASES // 6
    found = try_all(small(), range(part * each, (part + 1) * each))
    assert found.total() >= each
    assert found[""] < each * 0.6  # most of it is found


def test_slips_in_the_content_of_this_project_are_told_with_place_and_mend():
    found = try_all(real(), range(10_000, 10_000 + WHOLE_CASES))
    assert found.total() >= WHOLE_CASES


@pytest.mark.parametrize("how", sorted({**ANY, **PO}))
def test_every_way_to_break_a_file_is_survived_by_every_kind_of_file(how: str):
    base = small()
    for name in sorted(base):
        ways = ways_to_break(name)
        if how in ways:
            told({**base, name: ways[how](random.Random(7), base[name])})


@settings(max_examples=40)
@given(st.data())
def test_several_slips_at_once_are_told_too(data: st.DataObject):
    files = small()
    for _ in range(data.draw(st.integers(2, 5))):
        name = data.draw(st.sampled_from(sorted(files)))
        how = data.draw(st.sampled_from(sorted(ways_to_break(name))))
        seed = data.draw(st.integers(0, 2**32))
        files[name] = ways_to_break(name)[how](random.Random(seed), files[name])
    told(files)


def test_a_condition_on_a_question_whose_choices_got_lost_says_how_to_mend_it():
    files = small()
    name = "content/dialogs/parts.yaml"
    files[name] = ways_to_break(name)["lines moved"](random.Random(134), files[name])
    assert b"choices:\n    progress" in files[name]
    _, problems = told(files)
    mends = {problem.mend for problem in problems if problem.text == '"ore" is never "gold".'}
    assert mends == {"Nothing gives it an answer: delete this condition, or give that question its choices."}


# --- whole files, and what is no file ---


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The small content as a folder."""
    for name, raw in small().items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(raw)
    return tmp_path / "content"


TOWERS = {
    "keys": b"".join(b" " * depth + b"a:\n" for depth in range(1500)),
    "dashes": b"x:\n" + b"- " * 5000 + b"y\n",
    "brackets": b"x: " + b"[" * 50_000,
    "laughs": b"a: &a [x, x]\n" + b"".join(b"b%d: &b%d [*a, *a, *a]\n" % (n, n) for n in range(400)),
    "merges": b"<<: *a\n" * 200,
    "tags": b"x: !!python/object/apply:os.system [ls]\n" * 200,
    "questions": b"? " * 3000,
    "long line": b"x: " + b"words and " * 30_000,
    "colons": b"x: " + b"a: " * 20_000,
    "quotes": b"x: " + b"'\"" * 20_000,
}


@pytest.mark.parametrize("tower", TOWERS)
def test_a_file_made_to_do_harm_is_an_error_in_a_moment(tower: str):
    files = small()
    files[QUIZ] = TOWERS[tower] + b"\n" + files[QUIZ]
    assert errors(told(files)[1])


@pytest.mark.parametrize(
    "name", ["dialogs/quiz.yaml", "common.yaml", "hours.yaml", "reminders/audit.yaml", "locale/sw.po"]
)
def test_a_file_of_ten_megabytes_is_one_error_and_is_not_read(folder: Path, name: str):
    with (folder / name).open("ab") as file:
        file.truncate(MOST_BYTES * 5)
    began = time.process_time()
    content, problems = Content.load(folder)
    assert time.process_time() - began < LONGEST
    assert content is None
    assert [problem.text for problem in errors(problems)] == [
        "This file cannot be opened: it has 10 MB, and 2 are the most."
    ]


def a_folder(path: Path) -> None:
    path.mkdir()


def a_way_to_nowhere(path: Path) -> None:
    path.symlink_to(path.parent / "nowhere")


def a_ring(path: Path) -> None:
    path.symlink_to(path)


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize("made", [a_folder, a_way_to_nowhere, a_ring, a_pipe])
@pytest.mark.parametrize("name", sorted(name.removeprefix("content/") for name in small()))
def test_what_stands_in_the_place_of_a_file_and_is_none_is_told(folder: Path, name: str, made):
    keeper = Keeper(folder)
    before = keeper.content
    (folder / name).unlink()
    made(folder / name)
    problems = keeper.refresh()
    assert keeper.content is before
    assert [Path(problem.at.file).name for problem in errors(problems)].count(Path(name).name) == 1
    assert any("cannot be opened" in problem.text for problem in problems)


@pytest.mark.parametrize("name", ["dialogs", "reminders", "locale"])
def test_what_stands_in_the_place_of_a_folder_and_is_none_is_told(folder: Path, name: str):
    keeper = Keeper(folder)
    before = keeper.content
    shutil.rmtree(folder / name)
    (folder / name).write_text("no folder")
    assert "cannot be opened" in "".join(problem.text for problem in keeper.refresh())
    assert keeper.content is before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_is_told(folder: Path):
    (folder / "hours.yaml").chmod(0)
    assert [problem.slug for problem in errors(Content.load(folder)[1])] == ["yaml"]


def test_a_file_whose_name_is_no_text_is_told(folder: Path):
    try:
        Path(os.fsdecode(bytes(folder / "dialogs") + b"/\xff.yaml")).write_bytes(small()[QUIZ])
    except OSError:
        pytest.skip("this disk takes no such name")
    content, problems = Content.load(folder)
    assert content is None
    assert {problem.slug for problem in errors(problems)} == {"bad-id"}
    as_text(problems, {}).encode()


# --- a line that would be read out ---

SWALLOWED = [
    ("content/dialogs/parts.yaml", "it.\nsource:", "it.\n  source:"),  # into the block of text under about
    ("content/dialogs/parts.yaml", '      - "Two: pages."', "        - Two pages."),
    ("content/hours.yaml", "    - 2026-12-25\n  source: none found", "  source: none found\n    - 2026-12-25"),
    ("content/dialogs/quiz.yaml", "check: Does", "check: |\n      Does\n      keep: no\n      it"),
    ("content/dialogs/quiz.yaml", "advice: Start", "advice: |\n      Start\n      list:\n      it"),
]


@pytest.mark.parametrize(("name", "old", "new"), SWALLOWED)
def test_a_key_or_a_dash_does_not_become_a_part_of_the_text_above(name: str, old: str, new: str):
    files = small()
    assert old.encode() in files[name]
    files[name] = files[name].replace(old.encode(), new.encode())
    found = errors(told(files)[1])
    assert "taken as a part of the text" in "".join(problem.text for problem in found)
    assert {problem.at.file for problem in found} == {name}


# --- one slip, one problem ---


@pytest.mark.parametrize("name", sorted(small()))
@pytest.mark.parametrize("code", ["utf-16", "utf-16-le", "utf-32"])
def test_a_file_in_another_code_is_one_problem(name: str, code: str):
    files = small()
    files[name] = files[name].decode().encode(code)
    found = errors(told(files)[1])
    assert [problem.at.file for problem in found].count(name) == 1, found
    assert "not in UTF-8" in next(problem.text for problem in found if problem.at.file == name)


SLIPS = [
    ("locale/sw.po", '"X-Status: draft', '"X-Name: Other\\n"\n"X-Status: draft', "twice"),
    ("locale/sw.po", "Ndiyo", "Ndi\\qyo", "po-broken"),
    ("locale/sw.po", "Ndiyo", "Ndi\x07yo", "po-broken"),
    ("locale/sw.po", "Ndiyo", 'Ndi"yo', "po-broken"),
    ("locale/sw.po", 'msgstr "Ndiyo"', 'msgid_plural "x"\nmsgstr[0] "Ndiyo"', "po-broken"),
    ("locale/sw.po", "charset=UTF-8", "charset=KOI8-R", "po-header"),
    ("locale/sw.po", '\\"{title}\\". E', "E", "placeholders-differ"),
    ("dialogs/parts.yaml", "  place: site", "  dust: site", "twice"),
    ("dialogs/parts.yaml", "  place: site", "  place: nowhere", "unknown-step"),
    ("common.yaml", "language: en", "language: [en]", "brackets"),
]


@pytest.mark.parametrize(("name", "old", "new", "slug"), SLIPS)
def test_a_slip_is_one_error_in_its_own_file(name: str, old: str, new: str, slug: str):
    files, name = small(), f"content/{name}"
    assert old.encode() in files[name]
    files[name] = files[name].replace(old.encode(), new.encode(), 1)
    assert [(problem.at.file, problem.slug) for problem in errors(told(files)[1])] == [(name, slug)]


# --- what is in force ---


def test_whatever_is_broken_the_old_content_stays_and_a_mended_file_comes_into_force(folder: Path):
    keeper, good = Keeper(folder), small()
    before, refused = keeper.content, 0
    for seed in range(60):
        name, how, raw = broken(good, seed)
        path = folder.parent / name
        path.write_bytes(raw)
        os.utime(path, ns=(seed, seed))  # disks count time in steps
        problems = keeper.refresh()
        if errors(problems):
            refused += 1
            assert keeper.content is before, (seed, name, how)
            assert keeper.content.text("menu:home.ask", "en") == "Choose a number"
        path.write_bytes(good[name])
        os.utime(path, ns=(seed + 1, seed + 1))
        assert errors(keeper.refresh()) == []
        assert keeper.content.revision == before.revision
        before = keeper.content
    assert refused > 20


@pytest.mark.parametrize("how", ["in Latin-1", "in UTF-16", "an odd sign", "cut in a letter", "some bytes turned over"])
def test_the_command_tells_of_bytes_that_are_no_letters(folder: Path, how: str):
    path = folder / "dialogs/quiz.yaml"
    path.write_bytes(ANY[how](random.Random(3), path.read_bytes()))
    for form in ([], ["--json"], ["--github"]):
        result = CliRunner().invoke(command, ["--content", str(folder), "check", *form])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert result.output
