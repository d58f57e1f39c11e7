"""PO files between our hands and the tools of translators: gettext, and translate-toolkit (Weblate is built on it).

gettext is a package of Debian; without it these tests are skipped. `.ci/run` installs it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import polib
import pytest

from dialogs.check.sources import sources
from dialogs.pofile import Source, parse, read_po, template, update
from dialogs.reviews import sign
from dialogs.written import read_folder

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted((ROOT / "content/locale").glob("*.po"))
TRANSLATIONS = [path for path in FILES if path.stem != "en"]
TOOLKIT = {
    "pocount": [sys.executable, "-m", "translate.tools.pocount"],
    "pofilter": [sys.executable, "-m", "translate.filters.pofilter"],
    "pomerge": [sys.executable, "-m", "translate.tools.pomerge"],
}
needs_gettext = pytest.mark.skipif(
    not all(map(shutil.which, ("msgfmt", "msgmerge", "msgattrib", "msgcat"))),
    reason="needs gettext: on Debian, apt-get install gettext",
)


def tool(*words: str, cwd: Path) -> str:
    """What a tool writes; it must succeed."""
    command = [*TOOLKIT.get(words[0], [words[0]]), *words[1:]]
    done = subprocess.run(command, cwd=cwd, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, f"{words[0]}: {done.stderr.decode()}"
    return done.stdout.decode()


@cache
def wanted() -> tuple[Source, ...]:
    return tuple(sources(read_folder(ROOT / "content")))


@cache
def rich(path: Path) -> str:
    """A PO file of ours with one of everything: signed, remarked, changed, and put aside."""
    file = parse(update(path.read_text(encoding="utf-8"), wanted()))
    for entry in file[:8]:  # of a language that is only begun
        entry.msgstr, entry.flags, entry.previous_msgid = entry.msgstr or f"{entry.msgid} o", [], None
    done = [entry for entry in file if entry.msgstr and not entry.fuzzy and not entry.obsolete]
    for entry in done[:40]:
        entry.tcomment = sign(sign(entry.tcomment, entry.msgid, entry.msgstr, "Amina Hassan", "2026-12-01"),
                              entry.msgid, entry.msgstr, "Juma", "2026-12-03")  # fmt: skip
    done[3].tcomment += "\nA remark of the translator that runs on and on, past the end of a line, and on some more."
    done[4].flags, done[4].previous_msgid = ["fuzzy"], 'An older text, with a "quote", long enough to be wrapped. ' * 3
    gone = polib.POEntry(
        msgctxt="menu:gone", msgid="Gone", msgstr="Imekwenda", tcomment=done[0].tcomment, obsolete=True
    )
    file.append(gone)
    return update(str(file), wanted())


# --- gettext ---


@needs_gettext
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_gettext_finds_no_fault_in_a_file_of_ours(path: Path, tmp_path: Path) -> None:
    tool("msgfmt", "--check", "--output-file=out.mo", str(path), cwd=tmp_path)
    (tmp_path / "now.po").write_text(update(path.read_text(encoding="utf-8"), wanted()), encoding="utf-8")
    tool("msgfmt", "--check", "--output-file=out.mo", "now.po", cwd=tmp_path)


@needs_gettext
def test_gettext_finds_no_fault_in_the_template(tmp_path: Path) -> None:
    (tmp_path / "source.pot").write_text(template(wanted()), encoding="utf-8")
    tool("msgfmt", "--check", "--output-file=out.mo", "source.pot", cwd=tmp_path)


@needs_gettext
@pytest.mark.parametrize("path", TRANSLATIONS, ids=lambda path: path.name)
@pytest.mark.parametrize(
    "words",
    [
        "msgcat file.po",
        "msgcat --no-wrap file.po",
        "msgcat --width=40 file.po",
        "msgattrib file.po",
        "msgattrib --sort-output file.po",
        "msgmerge --quiet --previous file.po source.pot",
        "msgmerge --quiet --previous --no-fuzzy-matching file.po source.pot",
    ],
)
def test_a_file_that_went_through_gettext_comes_back_the_same(words: str, path: Path, tmp_path: Path) -> None:
    ours = rich(path)
    (tmp_path / "file.po").write_text(ours, encoding="utf-8")
    (tmp_path / "source.pot").write_text(template(wanted()), encoding="utf-8")
    theirs = tool(*words.split(), cwd=tmp_path)
    kept(ours, theirs)
    assert update(theirs, wanted()) == ours


# --- translate-toolkit ---


@pytest.mark.parametrize("path", TRANSLATIONS, ids=lambda path: path.name)
def test_a_file_that_went_through_the_toolkit_comes_back_the_same(path: Path, tmp_path: Path) -> None:
    pypo = pytest.importorskip("translate.storage.pypo", reason="needs translate-toolkit: make setup")
    ours = rich(path)
    (tmp_path / "file.po").write_text(ours, encoding="utf-8")
    store = pypo.pofile.parsefile(str(tmp_path / "file.po"))
    for unit in store.units[1:]:
        unit.target = str(unit.target)  # as an editor saves what stands in its field
    rewritten = bytes(store).decode()
    tool("pomerge", "--progress=none", "-t", "file.po", "-i", "file.po", "-o", "merged.po", cwd=tmp_path)
    for theirs in (rewritten, (tmp_path / "merged.po").read_text(encoding="utf-8")):
        kept(ours, theirs)
        assert update(theirs, wanted()) == ours


@pytest.mark.parametrize("path", TRANSLATIONS, ids=lambda path: path.name)
def test_the_toolkit_counts_as_we_do(path: Path, tmp_path: Path) -> None:
    pytest.importorskip("translate.storage.pypo", reason="needs translate-toolkit: make setup")
    (tmp_path / "file.po").write_text(rich(path), encoding="utf-8")
    names, numbers = (line.split(",") for line in tool("pocount", "--csv", "file.po", cwd=tmp_path).split("\n")[:2])
    count = dict(zip(names, numbers, strict=False))
    po, _ = read_po("file.po", rich(path))
    assert po is not None
    assert int(count["Translated Messages"]) == sum(bool(entry.text) and not entry.fuzzy for entry in po.entries)
    assert int(count["Fuzzy Messages"]) == sum(entry.fuzzy for entry in po.entries)
    assert int(count["Untranslated Messages"]) == sum(not entry.text for entry in po.entries)


def excluded() -> list[str]:
    """The tests of pofilter that are left out: those of the table in docs/translate.md, where the reasons stand."""
    page = (ROOT / "docs/translate.md").read_text(encoding="utf-8")
    table = page.partition("| Left out | Why |")[2].partition("\n\n")[0]
    rows = [row for row in table.split("\n")[2:] if row.startswith("|")]
    names = [name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])]
    assert names
    return names


@pytest.mark.parametrize("path", TRANSLATIONS, ids=lambda path: path.name)
def test_pofilter_finds_nothing_but_what_is_left_out_for_a_reason(path: Path, tmp_path: Path) -> None:
    pytest.importorskip("translate.filters.pofilter", reason="needs translate-toolkit: make setup")
    left_out = [f"--excludefilter={name}" for name in excluded()]
    tool("pofilter", "--progress=none", *left_out, "-i", str(path), "-o", "found.po", cwd=tmp_path)
    if (tmp_path / "found.po").exists():  # none is written where nothing was found
        found = polib.pofile(str(tmp_path / "found.po"))
        assert [(entry.msgctxt, entry.tcomment) for entry in found] == []


def test_pofilter_knows_each_test_that_is_left_out(tmp_path: Path) -> None:
    pytest.importorskip("translate.filters.pofilter", reason="needs translate-toolkit: make setup")
    known = {line.split("\t")[0] for line in tool("pofilter", "--listfilters", cwd=tmp_path).split("\n")}
    assert set(excluded()) <= known


def kept(ours: str, theirs: str) -> None:
    """Headers, entries, signatures, remarks, notes and marks are what they were."""
    before, after = parse(ours), parse(theirs)
    # msgmerge adds the day on which the template was made, where a template has one.
    assert {name: text for name, text in after.metadata.items() if name != "POT-Creation-Date"} == before.metadata
    assert after.header == before.header
    assert shown(before) == shown(after)


def shown(file: polib.POFile) -> dict[tuple[str, str], tuple[object, ...]]:
    """By id and text what an entry holds, however its lines are broken."""
    return {
        (entry.msgctxt or "", entry.msgid): (
            entry.msgstr,
            entry.fuzzy,
            entry.previous_msgid or "",
            entry.tcomment.split(),
            entry.comment.split(),
            entry.obsolete,
        )
        for entry in file
    }
