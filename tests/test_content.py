from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialogs.check.catalogue import BASE
from dialogs.content import BUNDLED, BrokenContent, Content, Keeper, find_folder
from dialogs.locale import fold_word
from dialogs.written import read_files
from gateway.cli_content import content as command

SWAHILI = """\
msgid ""
msgstr ""
"X-Name: Kiswahili\\n"
"X-Status: draft\\n"
"X-Replace: ƙ=k\\n"

msgctxt "menu:home.ask"
msgid "Choose a number"
msgstr "Chagua ƙ namba’"

#, fuzzy
msgctxt "menu:home.choices.quiz"
msgid "Am I ready?"
msgstr "Niko tayari?"

msgctxt "common:words.stop"
msgid "STOP"
msgstr "ACHA KOMA"
"""
DATE_TWICE = """\
title: Dates
then: /menu
steps:
  own:
    from: audit/date
  mine:
    ask: Go on?
    choices:
      yes: Yes
      no: No
    go: {yes}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small content without a fault."""
    put(tmp_path / "content", dict(BASE))
    return tmp_path / "content"


def put(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder.parent / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def edit(folder: Path, name: str, old: str, new: str, moment: int = 1) -> None:
    """An edit of one file; `moment` sets its time apart, since disks count time in steps."""
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    stat = path.stat()
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + moment * 1_000_000))


def load(folder: Path) -> Content:
    content, problems = Content.load(folder)
    assert content is not None, problems
    return content


# --- what is in force ---


def test_texts_are_ready_to_be_sent_and_fall_back_to_the_source(folder: Path):
    (folder / "locale/sw.po").write_text(SWAHILI, encoding="utf-8")
    content = load(folder)
    assert content.text("menu:home.ask", "sw") == "Chagua k namba'"
    assert content.text("menu:home.choices.quiz", "sw") == "Am I ready?"
    assert content.text("common:yes", "sw") == content.text("common:yes", "en") == "Yes"
    assert content.text("common:yes", "gone") == "Yes"
    with pytest.raises(KeyError):
        content.text("menu:home.nothing", "sw")


def test_a_text_falls_back_along_the_chain_with_the_letters_of_who_says_it(folder: Path):
    french = SWAHILI.replace("Kiswahili", "Francais").replace("ƙ=k", "ç=c").replace("Chagua ƙ namba’", "Le ça")
    (folder / "locale/fr.po").write_text(french, encoding="utf-8")
    (folder / "locale/bm.po").write_text(
        'msgid ""\nmsgstr ""\n"X-Name: Bambara\\n"\n"X-Fallback: fr\\n"\n', encoding="utf-8"
    )
    assert load(folder).text("menu:home.ask", "bm") == "Le ca"


def test_the_words_of_all_languages_are_understood(folder: Path):
    (folder / "locale/sw.po").write_text(SWAHILI, encoding="utf-8")
    words = load(folder).words
    assert {word: words[word] for word in ("stop", "acha", "koma", "menu")} == {
        "stop": "stop",
        "acha": "stop",
        "koma": "stop",
        "menu": "menu",
    }
    assert all(fold_word(word) == word for word in words)


def test_the_source_language_is_offered_first_and_drafts_only_where_they_are_shown(folder: Path):
    for code, name in (("sw", "Kiswahili"), ("fr", "Français"), ("bm", "bamanankan")):
        head = f'msgid ""\nmsgstr ""\n"X-Name: {name}\\n"\n"X-Status: draft\\n"\n"X-Replace: ç=c\\n"\n'
        (folder / f"locale/{code}.po").write_text(head, encoding="utf-8")
    content = load(folder)
    assert [language.code for language in content.offered()] == ["en"]
    assert [language.name for language in content.offered(drafts=True)] == [
        "English",
        "bamanankan",
        "Francais",
        "Kiswahili",
    ]
    assert content.languages["en"].status == "source"


def test_a_question_taken_from_another_dialog_is_one_question(folder: Path):
    menu = BASE["content/dialogs/menu.yaml"].replace("date: /audit", "date: /dates")
    taken = DATE_TWICE.replace("{yes}", "/audit")
    put(folder, {"content/dialogs/dates.yaml": taken, "content/dialogs/menu.yaml": menu})
    content = load(folder)
    own, there = content.dialogs["dates"].step("own"), content.dialogs["audit"].step("date")
    assert own is not None
    assert there is not None
    assert own.origin == ("audit", "date")
    assert (own.texts, own.kind, own.save, own.go) == (there.texts, "date", "audit_date", "")
    assert own.texts_of() == ()
    assert content.shared == {("audit", "date"): (("dates", "own"),)}


def test_a_question_taken_from_a_taken_one_leads_to_where_it_is_written(folder: Path):
    chain = {
        "content/dialogs/a.yaml": "title: A\nthen: /menu\nsteps:\n  one:\n    from: b/one\n",
        "content/dialogs/b.yaml": "title: B\nthen: /a\nsteps:\n  one:\n    from: quiz/records\n",
    }
    written = read_files({name: text.encode() for name, text in {**BASE, **chain}.items()})
    assert {written.dialogs[id].steps[0].origin for id in "ab"} == {("quiz", "records")}
    ring = {**chain, "content/dialogs/b.yaml": chain["content/dialogs/b.yaml"].replace("quiz/records", "a/one")}
    written = read_files({name: text.encode() for name, text in {**BASE, **ring}.items()})
    assert {problem.slug for problem in written.problems} == {"endless"}


# --- the revision ---


@given(st.data())
def test_any_byte_of_any_file_changes_the_revision(data: st.DataObject):
    files = {name: text.encode() for name, text in BASE.items()}
    before = read_files(files).revision
    assert len(before) == 12
    name = data.draw(st.sampled_from(sorted(files)))
    place = data.draw(st.integers(0, len(files[name]) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda byte: byte != files[name][place]))
    files[name] = files[name][:place] + bytes([byte]) + files[name][place + 1 :]
    assert read_files(files).revision != before


def test_the_revision_is_the_same_wherever_the_folder_lies(folder: Path, tmp_path: Path):
    put(tmp_path / "elsewhere" / "content", dict(BASE))
    assert load(folder).revision == load(tmp_path / "elsewhere" / "content").revision
    (folder / "README.md").write_text("Not content.", encoding="utf-8")
    assert load(folder).revision == load(tmp_path / "elsewhere" / "content").revision


# --- keeping it ---


def test_a_clean_edit_comes_into_force_and_a_broken_one_does_not(folder: Path):
    keeper = Keeper(folder)
    first = keeper.content
    assert keeper.refresh() == []
    assert keeper.content is first
    edit(folder, "dialogs/quiz.yaml", "each sale", "every sale", 1)
    assert keeper.refresh() == []
    second = keeper.content
    assert second.text("quiz:records.check", "en") == "Does the group write down every sale?"
    assert second.revision != first.revision
    edit(folder, "dialogs/quiz.yaml", "then: /menu", "then: /nowhere", 2)
    assert [problem.slug for problem in keeper.refresh()] == ["unknown-dialog"]
    assert keeper.content is second
    assert [problem.slug for problem in keeper.problems] == ["unknown-dialog"]
    edit(folder, "dialogs/quiz.yaml", "then: /nowhere", "then: /menu", 3)
    assert keeper.refresh() == []
    assert keeper.content.revision == second.revision


def test_a_file_that_comes_or_goes_is_seen(folder: Path):
    keeper = Keeper(folder)
    (folder / "dialogs/extra.yaml").write_text("title: Extra\nsteps:\n  one:\n    say: One.\n", encoding="utf-8")
    assert [problem.slug for problem in keeper.refresh()] == ["never-reached"]
    assert "extra" in keeper.content.dialogs
    (folder / "dialogs/extra.yaml").unlink()
    assert keeper.refresh() == []
    assert "extra" not in keeper.content.dialogs


def test_a_folder_that_goes_away_harms_nothing(folder: Path):
    keeper = Keeper(folder)
    folder.rename(folder.with_name("away"))
    assert {problem.level for problem in keeper.refresh()} == {"error"}
    assert "quiz" in keeper.content.dialogs


def test_broken_content_does_not_start(folder: Path):
    edit(folder, "dialogs/quiz.yaml", "then: /menu", "then: /nowhere")
    with pytest.raises(BrokenContent) as caught:
        Keeper(folder)
    assert [problem.slug for problem in caught.value.problems] == ["unknown-dialog"]


def test_a_warning_does_not_keep_content_back(folder: Path):
    (folder / "dialogs/extra.yml").write_text("title: Extra\n", encoding="utf-8")
    content, problems = Content.load(folder)
    assert content is not None
    assert [(problem.level, problem.slug) for problem in problems] == [("warning", "unknown-file")]


def test_drafts_must_fit_only_where_they_are_shown(folder: Path):
    long = (
        SWAHILI.replace("Chagua ƙ namba’", "Chagua " * 40)
        .replace("home.ask", "records.check")
        .replace("menu:", "quiz:")
    )
    long = long.replace('msgid "Choose a number"', 'msgid "Does the group write down each sale?"')
    (folder / "locale/sw.po").write_text(long, encoding="utf-8")
    assert load(folder).revision
    assert Content.load(folder, drafts=True)[0] is None


@pytest.mark.parametrize("raw", [b"\xff\xfe", b"title: \xe9t\xe9\n", b"\x00", b"{" * 500, b""])
def test_any_bytes_in_a_file_are_a_problem_and_never_an_exception(folder: Path, raw: bytes):
    for name in ("common.yaml", "dialogs/quiz.yaml", "reminders/audit.yaml", "locale/sw.po", "locale/en.po"):
        kept = (folder / name).read_bytes() if (folder / name).exists() else None
        (folder / name).write_bytes(raw)
        content, problems = Content.load(folder)
        assert content is None
        assert {problem.level for problem in problems} >= {"error"}
        if kept is None:
            (folder / name).unlink()
        else:
            (folder / name).write_bytes(kept)


def test_a_folder_in_place_of_a_file_is_a_problem(folder: Path):
    (folder / "dialogs/more.yaml").mkdir()
    _, problems = Content.load(folder)
    assert any("cannot be opened: it is a folder, and no file" in problem.text for problem in problems)


def test_a_folder_among_the_files_is_told_as_one(folder: Path):
    (folder / "dialogs/lessons").mkdir()
    (folder / "dialogs/lessons/one.yaml").write_text("title: One\n", encoding="utf-8")
    content, [problem] = Content.load(folder)
    assert content is not None
    assert problem.at.file.endswith("dialogs/lessons")
    assert problem.text == "This is a folder, and what lies in it is not read."
    assert problem.mend == "Put its files beside the others, outside of it."


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(raw=st.binary(max_size=60))
def test_random_bytes_never_raise(folder: Path, raw: bytes):
    (folder / "dialogs/more.yaml").write_bytes(raw)
    (folder / "locale/xx.po").write_bytes(raw)
    Content.load(folder)


# --- where it lies ---


def test_the_folder_is_found_by_the_setting_then_here_then_with_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    assert find_folder({"NGAZI_CONTENT": "/somewhere"}) == Path("/somewhere")
    assert find_folder({}) == BUNDLED
    (tmp_path / "content").mkdir()
    assert find_folder({}) == Path("content")


# --- the commands ---


def run(folder: Path, *words: str) -> tuple[int, str]:
    result = CliRunner().invoke(command, ["--content", str(folder), *words])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.output


def test_the_check_ends_with_1_on_an_error_only(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(folder.parent)
    assert run(folder, "check") == (0, "Nothing to mend.\n")
    edit(folder, "dialogs/quiz.yaml", "then: /menu", "then: /menue")
    code, said = run(folder, "check")
    assert code == 1
    assert said.startswith("content/dialogs/quiz.yaml:2:7: error: ")
    assert run(folder, "check", "--json")[1].startswith("[\n")
    assert run(folder, "check", "--github")[1].startswith("::error file=content/dialogs/quiz.yaml,line=2,")


def test_a_new_language_is_begun_and_brought_up_to_date(folder: Path):
    code, said = run(folder, "update", "sw")
    assert code == 1
    assert "--name" in said
    assert run(folder, "update", "sw", "--name", "Kiswahili")[0] == 0
    assert (folder / "locale/source.pot").exists()
    first = (folder / "locale/sw.po").read_bytes()
    assert b'msgctxt "menu:home.ask"' in first
    assert b"#. Question" in first
    assert "nothing has changed" in run(folder, "update")[1]
    assert (folder / "locale/sw.po").read_bytes() == first
    edit(folder, "locale/sw.po", 'msgid "Choose a number"\nmsgstr ""', 'msgid "Choose a number"\nmsgstr "Chagua"')
    edit(folder, "dialogs/menu.yaml", "Choose a number", "Choose one")
    run(folder, "update", "sw")
    assert b'#, fuzzy\n#| msgid "Choose a number"\nmsgctxt "menu:home.ask"' in (folder / "locale/sw.po").read_bytes()
    code, said = run(folder, "status")
    assert code == 0
    assert "Kiswahili" in said
    assert re.search(r"menu +│ +0/4\*", said)  # title, two choices, and the question is old


def test_an_update_refuses_content_that_cannot_be_read(folder: Path):
    (folder / "dialogs/quiz.yaml").write_text("title: [\n", encoding="utf-8")
    code, said = run(folder, "update", "sw", "--name", "Kiswahili")
    assert code == 1
    assert "quiz.yaml" in said
    assert not (folder / "locale/sw.po").exists()


def test_a_map_is_drawn_of_all_dialogs_or_of_one(folder: Path):
    assert "    d_menu --> d_quiz\n" in run(folder, "draw")[1]
    assert '    s_records{{"Does the group write down each sale?"}}\n' in run(folder, "draw", "quiz")[1]
    code, said = run(folder, "draw", "quizz")
    assert code == 1
    assert said == 'Error: There is no dialog quizz. Did you mean "quiz"?\n'


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path: Path):
    assert run(tmp_path / "none", "check") == (1, f"Error: There is no folder {tmp_path / 'none'}.\n")


READING = (("check",), ("status",), ("preview", "menu", "en"), ("draw", "menu"), ("facts",), ("price", "en"))
WRITING = (("update",), ("import", "sw.xlsx"), ("review", "sw", "--by", "Amina", "--yes"), ("live", "sw"))


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place without content, where nobody has said which is meant."""
    monkeypatch.delenv("NGAZI_CONTENT", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("words", WRITING, ids=lambda words: words[0])
def test_what_writes_is_refused_where_no_folder_is_meant(elsewhere: Path, words: tuple[str, ...]):
    result = CliRunner().invoke(command, [*words])
    assert result.exit_code == 1
    assert result.output == (
        "Error: There is no folder content here. Say which one: --content FOLDER, or set NGAZI_CONTENT.\n"
    )
    assert CliRunner().invoke(command, [words[0], "--help"]).exit_code == 0


@pytest.mark.parametrize("words", READING, ids=lambda words: words[0])
def test_what_reads_says_that_it_takes_the_content_of_the_program(elsewhere: Path, words: tuple[str, ...]):
    result = CliRunner().invoke(command, [*words])
    assert result.stderr.startswith(f"Reading the content that came with the program: {BUNDLED}\n")
    assert "Reading" not in result.stdout


def test_the_content_of_the_program_may_be_named(elsewhere: Path, monkeypatch: pytest.MonkeyPatch):
    assert CliRunner().invoke(command, ["draw"], env={"NGAZI_CONTENT": str(BUNDLED)}).stderr == ""
    assert CliRunner().invoke(command, ["--content", str(BUNDLED), "draw"]).stderr == ""
    monkeypatch.chdir(BUNDLED.parent / "docs")  # within its project it is what is meant
    assert CliRunner().invoke(command, ["draw"]).stderr == ""
    assert "There is no xx.po yet." in CliRunner().invoke(command, ["update", "xx"]).output


def test_a_folder_too_high_or_too_low_is_asked_about(folder: Path):
    for wrong in (folder.parent, folder / "dialogs"):
        for words in (("check",), ("update",)):
            code, said = run(wrong, *words)
            assert (code, said) == (1, f"Error: {wrong} is not the content folder; did you mean {folder}?\n")


def test_a_place_in_a_problem_can_be_opened_wherever_one_stands(folder: Path, monkeypatch: pytest.MonkeyPatch):
    edit(folder, "dialogs/quiz.yaml", "then: /menu", "then: /menue")
    for here, there in (
        *((folder.parent, "content"), (folder, "."), (folder / "dialogs", ".."), (folder.parent.parent, str(folder))),
        (folder.parent, f"../{folder.parent.name}/content"),
    ):
        monkeypatch.chdir(here)
        code, said = run(Path(there), "check")
        assert code == 1
        assert Path(said.partition(":")[0]).samefile(folder / "dialogs/quiz.yaml")


def test_a_code_that_is_none_is_told_with_the_one_that_was_meant(folder: Path):
    def said(*words: str) -> str:
        code, told = run(folder, "update", *words)
        assert code == 1
        return told

    assert "has a code in small letters. Write it so: sw" in said("SW", "--name", "Kiswahili")
    assert run(folder, "update", "sw", "--name", "Kiswahili")[0] == 0
    assert 'has a code in small letters. Did you mean "sw"?' in said("SW")
    assert 'Did you mean "sw"?' in said("kiswahili")
    assert 'There is no sx.po yet. Did you mean "sw"? To begin a new language, add --name' in said("sx")
    assert "Did you mean" not in said("fr")
    before = (folder / "locale/sw.po").read_bytes()
    assert "add --name" in said("sw", "sx")
    code, told = run(folder, "update", "sw", "--name", "Swahili")
    assert code == 0
    assert "--name is ignored" in told
    assert "in the line X-Name. Change it there." in told
    assert (folder / "locale/sw.po").read_bytes() == before
    assert "--name" not in run(folder, "update", "sw", "--name", "Kiswahili")[1]
