from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import polib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogs.content import BrokenContent, Content, Keeper
from dialogs.passed import MOST, Passed
from dialogs.plain_po import read_plain
from dialogs.pofile import WIDTH, Source, new_po, plain, read_any, read_po, update
from dialogs.problem import errors
from dialogs.screen import Room
from dialogs.written import read_folder
from tests.big_content import DIALOGS, SCREENS, TONGUES, write

ROOT = Path(__file__).resolve().parent.parent
OURS = sorted((ROOT / "content/locale").glob("*.po"))
LOAD, CHECK = 1.0, 5.0  # seconds that are promised
BUSY = 4  # times as long as on a machine that does nothing else


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 dialogs, 500 screens, 25 languages."""
    folder = tmp_path_factory.mktemp("big") / "content"
    write(folder)
    return folder


@pytest.fixture
def small(tmp_path: Path) -> Path:
    write(tmp_path / "content", tongues=TONGUES[:2], dialogs=5, screens=20)
    return tmp_path / "content"


# --- figures ---


def median(work: Callable[[], object]) -> float:
    """Seconds of processor and disk that it takes, in the middle of three."""
    times = []
    for _ in range(3):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


@pytest.mark.slow
def test_content_of_25_languages_and_500_screens_is_loaded_in_a_second(big: Path, tmp_path: Path):
    passed = Passed(tmp_path / "checked.json")
    content, _ = Content.load(big, passed=passed)
    assert content is not None
    assert len(content.languages) == 26
    assert len(content.dialogs) == DIALOGS
    assert sum(len(dialog.steps) for dialog in content.dialogs.values()) == SCREENS
    assert median(lambda: Content.load(big, passed=passed)) < LOAD * BUSY


@pytest.mark.slow
def test_content_of_25_languages_and_500_screens_is_checked_in_five_seconds(big: Path):
    begun = time.perf_counter()
    command = [sys.executable, "-c", "from gateway.cli import main; main()", "content", "--content", str(big), "check"]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "NGAZI_DRAFTS": ""}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:]
    assert time.perf_counter() - begun < CHECK * BUSY


# --- the quick way to read a PO file reads what polib reads ---


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_our_files_are_of_the_plain_form_and_read_alike(path: Path):
    source = path.read_text("utf-8")
    assert read_plain(plain(source)) is not None
    assert read_po("a.po", source) == read_any("a.po", source)


def test_what_the_update_writes_is_of_the_plain_form():
    first = [Source("a:x", "Old one", "a.yaml", "note"), Source("a:y", "Long " * 40 + '"\\\n\tend', "a.yaml")]
    done = update(new_po("sw", "Kiswahili"), first).replace('msgid "Old one"\nmsgstr ""', 'msgid "Old one"\nmsgstr "X"')
    changed = update(done, [Source("a:x", "New one", "a.yaml"), Source("a:z", "Other", "b.yaml")])
    gone = update(changed, [Source("a:z", "Other", "b.yaml")])
    assert "#, fuzzy" in changed
    assert '#| msgid "Old one"' in changed
    assert "#~ msgid" in gone
    for source in (done, changed, gone):
        assert read_plain(plain(source)) is not None
        assert read_po("a.po", source) == read_any("a.po", source)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=120) | st.sampled_from(
    ['a "b" \\ c', "\\", "\\n", "tab\tline\nend", "msgid ", "#~ ", "\u2028x", "\x85", "Long words " * 20]
)
NOTE = st.lists(st.sampled_from(["reviewed_by: A; B", "", " x", "#y", "~", "\u3000", ", fuzzy", "| z"]), max_size=3)


@st.composite
def files(draw: st.DrawFn) -> str:
    """A PO file as polib writes it, with all that an entry can hold."""
    po = polib.POFile(wrapwidth=WIDTH)
    po.header = draw(st.sampled_from(["", "Kiswahili. A draft.", "Two\n\nlines"]))
    po.metadata = {"Language": "sw", "X-Name": "Kiswahili"}
    for number in range(draw(st.integers(0, 4))):
        entry = polib.POEntry(
            msgctxt=f"a:{number}{draw(st.sampled_from(['', 'x' * 90]))}",
            msgid=draw(TEXT),
            msgstr=draw(TEXT),
            comment="\n".join(draw(NOTE)),
            tcomment="\n".join(draw(NOTE)),
            flags=draw(st.sampled_from([[], ["fuzzy"], ["python-format", "fuzzy"]])),
            previous_msgid=draw(st.none() | TEXT),
            occurrences=draw(st.sampled_from([[], [("a.yaml", "")], [("b.yaml", "3"), ("c d.yaml", "")]])),
            obsolete=draw(st.booleans()),
        )
        po.append(entry)
    return str(po)


@given(files())
def test_any_file_that_polib_writes_reads_alike(source: str):
    assert read_po("a.po", source) == read_any("a.po", source)


BITS = (
    "",
    " ",
    "\n",
    '"',
    "\\",
    "#",
    "# ",
    "#, fuzzy\n",
    "#~ ",
    "#| ",
    'msgid "x"\n',
    "msgstr ",
    "\t",
    "\r\n",
    "\u2028",
)


@given(files(), st.data())
def test_any_broken_file_reads_alike(source: str, data: st.DataObject):
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(source)))
        end = data.draw(st.integers(start, min(len(source), start + 20)))
        put = data.draw(st.sampled_from([*BITS, source[start:end] * 2]))
        source = source[:start] + put + source[end:]
    assert read_po("a.po", source) == read_any("a.po", source)


# --- what passed the check is not checked again ---


def test_content_that_passed_is_loaded_with_the_same_warnings(small: Path, tmp_path: Path):
    passed = Passed(tmp_path / "checked.json")
    first = Content.load(small, drafts=True, passed=passed)
    again = Content.load(small, drafts=True, passed=passed)
    assert again == first
    assert again[0] is not None
    assert passed.problems(read_folder(small), True, Room()) == first[1] != []


def test_another_file_screen_or_audience_is_checked_anew(small: Path, tmp_path: Path):
    passed = Passed(tmp_path / "checked.json")
    Content.load(small, passed=passed)
    written = read_folder(small)
    assert passed.problems(written, False, Room()) is not None
    assert passed.problems(written, True, Room()) is None
    assert passed.problems(written, False, Room(septets=120)) is None
    menu = small / "dialogs/menu.yaml"
    menu.write_text(menu.read_text("utf-8") + "\n", "utf-8")
    assert passed.problems(read_folder(small), False, Room()) is None


def test_content_with_an_error_is_never_remembered_and_never_in_force(small: Path, tmp_path: Path):
    passed = Passed(tmp_path / "checked.json")
    keeper = Keeper(small, passed=passed)
    old = keeper.content
    menu = small / "dialogs/menu.yaml"
    good = menu.read_text("utf-8")
    menu.write_text(good.replace("/list_0", "/list_9"), "utf-8")
    for _ in range(2):
        assert errors(Content.load(small, passed=passed)[1])
    assert errors(keeper.refresh())
    assert keeper.content is old
    with pytest.raises(BrokenContent):
        Keeper(small, passed=passed)
    menu.write_text(good + "# as before\n", "utf-8")
    assert not errors(keeper.refresh())
    assert keeper.content is not old


@pytest.mark.parametrize("spoilt", ["", "{", "[]", '{"x": 1}', "\udcff"])
def test_a_spoilt_memory_only_means_that_it_is_checked(small: Path, tmp_path: Path, spoilt: str):
    file = tmp_path / "checked.json"
    file.write_bytes(spoilt.encode("utf-8", "surrogateescape"))
    content, _ = Content.load(small, passed=Passed(file))
    assert content is not None
    assert len(json.loads(file.read_text("utf-8"))) in (1, 2)


def test_a_remembered_error_is_not_believed(small: Path, tmp_path: Path):
    file = tmp_path / "checked.json"
    passed = Passed(file)
    Content.load(small, passed=passed)
    known = json.loads(file.read_text("utf-8"))
    for rows in known.values():
        rows[0]["level"] = "error"
    file.write_text(json.dumps(known), "utf-8")
    assert passed.problems(read_folder(small), False, Room()) is None


def test_only_some_are_remembered_and_no_folder_is_no_harm(small: Path, tmp_path: Path):
    passed, written = Passed(tmp_path / "checked.json"), read_folder(small)
    for septets in range(150, 160):
        passed.remember(written, False, Room(septets=septets), [])
    assert len(json.loads((tmp_path / "checked.json").read_text("utf-8"))) == MOST
    assert passed.problems(written, False, Room(septets=159)) == []
    nowhere = Passed(tmp_path / "none/checked.json")
    nowhere.remember(written, False, Room(), [])
    assert nowhere.problems(written, False, Room()) is None
