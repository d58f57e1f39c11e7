"""The editors' guide is followed to the letter: every file written, every command run, in a folder of its own."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from openpyxl import load_workbook

from dialogs.content import Content

ROOT = Path(__file__).resolve().parent.parent
GUIDE = (ROOT / "docs" / "editors.md").read_text("utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
FILE = re.compile(r"# (content/dialogs/\w+\.yaml)\n")
LINE_UNDER = re.compile(r"# (content/dialogs/\w+\.yaml), a line under (\w+)\n(.+)\n")
VOWELS = str.maketrans("aeiouAEIOU", "eiouaEIOUA")
pytestmark = pytest.mark.slow


def section(heading: str) -> str:
    """What stands below a heading of the guide."""
    return GUIDE.split(f"\n## {heading}\n", maxsplit=1)[1].split("\n## ", maxsplit=1)[0]


def follow(folder: Path, heading: str, before: dict[str, object] | None = None) -> list[str]:
    """Do what a section says, block after block; what its commands printed. `before` acts ahead of a command."""
    printed: list[str] = []
    for kind, block in BLOCK.findall(section(heading)):
        if kind == "sh":
            for line in block.splitlines():
                for word, act in (before or {}).items():
                    if f" {word} " in line and callable(act):
                        act()
                printed.append(run(folder, line))
        elif kind == "says":
            for line in block.splitlines():
                assert squeezed(line) in squeezed("\n".join(printed)), f"{heading}: nobody says “{line}”"
        elif found := LINE_UNDER.fullmatch(block):
            file, key, line = folder / found[1], found[2], found[3]
            text, times = re.subn(rf"^( +){key}:\n", rf"\1{key}:\n\1  {line}\n", file.read_text("utf-8"), flags=re.M)
            assert times == 1
            file.write_text(text, "utf-8")
        else:
            found = FILE.match(block)
            assert found, f"{heading}: what is to be done with this?\n{block}"
            assert not (folder / found[1]).exists()
            (folder / found[1]).write_text(block, "utf-8")
    return printed


def squeezed(text: str) -> str:
    """Without boxes and blanks, which differ from screen to screen."""
    return re.sub(r"[\s│|]+", " ", text).strip()


def run(folder: Path, line: str) -> str:
    """One command line of the guide."""
    program, *words = [found[0] or found[1] for found in re.findall(r'"([^"]*)"|(\S+)', line)]
    assert program == ".venv/bin/ngazi"
    ngazi = Path(sys.executable).with_name("ngazi")
    done = subprocess.run([ngazi, *words], cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    return done.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The project's content, without the program."""
    shutil.copytree(ROOT / "content", tmp_path / "content")
    return tmp_path


def test_a_new_dialog_is_made_by_following_the_guide(folder):
    *_, last, updated = follow(folder, "A new dialog")
    assert "The rope" not in last, "the warning is gone"
    assert "to translate" in updated
    content, _ = Content.load(folder / "content")
    assert content is not None
    assert content.text("rope:cut.reply.change", "sw") == "Right. A cut rope carries nobody.", "not translated yet"
    assert 'msgctxt "rope:look.say.1"' in (folder / "content/locale/sw.po").read_text("utf-8")


def pretend(text: str) -> str:
    """A language that nobody speaks, of the same length, its placeholders as they were."""
    return "".join(part if part.startswith("{") else part.translate(VOWELS) for part in re.split(r"(\{\w+\})", text))


def fill_in(path: Path) -> None:
    """What a translator does: write into the one column that is open."""
    book = load_workbook(path)
    sheet = book.worksheets[0]
    heads = {str(cell.value): cell.column or 0 for cell in sheet[1]}
    source, own = heads["English"], heads["Chichewa"]
    for row in range(2, sheet.max_row + 1):
        if (text := sheet.cell(row, source).value) is not None:
            assert not sheet.cell(row, own).protection.locked
            assert sheet.cell(row, source).protection.locked
            sheet.cell(row, own).value = pretend(str(text))
    book.save(path)


def test_a_new_language_goes_from_a_spreadsheet_to_live_by_following_the_guide(folder):
    follow(folder, "A new language", {"import": lambda: fill_in(folder / "chichewa.xlsx")})
    content, problems = Content.load(folder / "content", drafts=True)
    assert content is not None, [str(each) for each in problems if each.level == "error"]
    assert "ny" not in {each.code for each in content.offered()}, "nobody who dials sees a draft"
    follow(folder, "From draft to live")
    content, _ = Content.load(folder / "content")
    assert content is not None
    assert "ny" in {each.code for each in content.offered()}
    for id in ("menu:home.ask", "common:yes", "safety:saf1.check"):
        assert content.text(id, "ny") == pretend(content.text(id, "en"))
