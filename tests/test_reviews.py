from __future__ import annotations

import json
import re
from io import StringIO
from pathlib import Path

import polib
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from dialogs.check import check_content
from dialogs.check.catalogue import BASE
from dialogs.check.how_far import how_far
from dialogs.gsm import fold, septets
from dialogs.letters import TABLE, _table, advice_for
from dialogs.locale import Language, read_language
from dialogs.pofile import Source, new_po, parse, read_po, signatures, template, update
from dialogs.problem import Problem, errors
from dialogs.reviews import Review, mark_of, reviews_of, same_person, sign, without_any, without_void
from dialogs.written import Written, read_files, read_folder
from gateway.cli import main
from gateway.cli_status import DIALOGS_SAY, LANGUAGES_SAY, languages_table

ONE, MOJA = "One", "Moja"
MARK = mark_of(ONE, MOJA)


def names(tcomment: str, msgid: str = ONE, msgstr: str = MOJA) -> list[str]:
    """Who has a signature that holds."""
    return [review.by for review in reviews_of(tcomment, msgid, msgstr) if review.valid]


def signed(*people: str, tcomment: str = "", msgid: str = ONE, msgstr: str = MOJA) -> str:
    for day, by in enumerate(people, 1):
        tcomment = sign(tcomment, msgid, msgstr, by, f"2026-12-{day:02}")
    return tcomment


# --- one comment ---


def test_two_signatures_are_three_lines():
    assert signed("Amina", "Juma") == (
        f"reviewed_by: Amina; Juma\nreviewed_on: 2026-12-01; 2026-12-02\nreviewed_as: {MARK}; {MARK}"
    )


def test_the_mark_is_that_of_both_texts():
    assert MARK == "78b45917"  # sha256 of "One", a zero byte, "Moja"
    assert len({mark_of("a", "bc"), mark_of("ab", "c"), mark_of("a", "bd")}) == 3


def test_a_signature_does_not_hold_once_either_text_changes():
    comment = signed("Amina")
    assert reviews_of(comment, ONE, MOJA) == (Review("Amina", "2026-12-01", True),)
    assert reviews_of(comment, ONE, "Moja.") == (Review("Amina", "2026-12-01", False),)
    assert reviews_of(comment, "One.", MOJA) == (Review("Amina", "2026-12-01", False),)


def test_who_signs_again_is_still_one_person():
    comment = signed("Amina Hassan", "Juma", "amina  HASSAN")
    found = reviews_of(comment, ONE, MOJA)
    assert found == (Review("amina HASSAN", "2026-12-03", True), Review("Juma", "2026-12-02", True))
    assert same_person("Amina Hassan") == same_person(" aminahassan. ") != same_person("Amina")


def test_what_a_translator_remarked_stays_and_old_signatures_go():
    comment = signed("Amina", tcomment="Is this the right word?\nAsk Juma.")
    assert comment.startswith("Is this the right word?\nAsk Juma.\nreviewed_by: Amina\n")
    later = signed("Juma", tcomment=comment, msgstr="Kimoja")
    assert names(later, msgstr="Kimoja") == ["Juma"]
    assert "Amina" not in later
    assert without_any(later) == "Is this the right word?\nAsk Juma."
    assert without_void(comment, ONE, "Kimoja") == "Is this the right word?\nAsk Juma."
    assert without_void(comment, ONE, MOJA) == comment


@pytest.mark.parametrize(
    ("comment", "valid"),
    [
        (f"Reviewed_By:Amina,Juma\nREVIEWED-ON : 2026-12-01 , 2026-12-03\nreviewed_as= {MARK.upper()},{MARK}", 2),
        (f"  reviewed_by: Amina; Juma;\nreviewed_as: {MARK}; {MARK};", 2),  # no days
        (f"reviewed_as: {MARK}; {MARK}\nIn between.\nreviewed_by: Amina; Juma", 2),
        (f"reviewed_by: Amina; Juma\nreviewed_as: {MARK}", 1),
        (f"reviewed_by: Amina\nreviewed_as: {MARK}; {MARK}", 1),
        (f"reviewed_by: Amina; AMINA\nreviewed_as: {MARK}; {MARK}", 1),
        (f"reviewed_by: Amina; amina\nreviewed_as: 00000000; {MARK}", 1),
        (f"reviewed_by: Amina\nreviewed_as: {MARK}\nreviewed_by: Juma\nreviewed_as: {MARK}", 2),
        (f"reviewed_by: ; Juma\nreviewed_as: {MARK}; {MARK}", 1),
        ("reviewed_by: Amina; Juma", 0),
        (f"reviewed_by: Amina\nreviewed_as: {MARK}x", 0),
        (f"reviewed_by: -\nreviewed_as: {MARK}", 0),
        ("Reviewed by somebody on the bus.", 0),
    ],
)
def test_signatures_that_a_hand_has_touched_are_read_as_far_as_they_go(comment: str, valid: int):
    assert len(names(comment)) == valid


def test_a_sentence_that_only_sounds_like_a_signature_is_a_remark():
    remark = "reviewed by the chief of the village: he laughed"
    assert without_any(remark) == remark
    assert without_any(signed("Amina", tcomment=remark)) == remark


@pytest.mark.parametrize("by", ["", "  ", "-", ";", "\n"])
def test_nobody_signs_without_a_name(by: str):
    with pytest.raises(ValueError, match="name"):
        sign("", ONE, MOJA, by, "2026-12-01")


def test_nothing_is_signed_where_no_translation_is():
    with pytest.raises(ValueError, match="translation"):
        sign("", ONE, "", "Amina", "2026-12-01")
    assert names(f"reviewed_by: Amina\nreviewed_as: {mark_of(ONE, '')}", msgstr="") == []


def test_a_name_with_a_comma_is_one_person():
    assert names(signed("Hassan, Amina; the second")) == ["Hassan Amina the second"]


people = st.lists(st.text(min_size=1, max_size=40).filter(same_person), max_size=9, unique_by=same_person)


@given(people, st.text(alphabet="abc .:;,\n", max_size=200))
def test_signatures_are_read_back_from_a_file_however_long_they_are(people: list[str], remark: str):
    remark = "\n".join(line.strip() for line in remark.split("\n") if line.strip())
    comment = signed(*people, tcomment=remark)
    assert len(names(comment)) == len(people)
    file = polib.POFile(wrapwidth=78)
    file.append(polib.POEntry(msgctxt="a:b", msgid=ONE, msgstr=MOJA, tcomment=comment))
    [entry] = parse(str(file))
    assert len(names(entry.tcomment)) == len(people)
    assert without_any(entry.tcomment).split() == remark.split()


@given(st.text(alphabet="reviwd_byonas:;,= 0af2-\n"), st.text(), st.text())
def test_no_comment_raises(comment: str, msgid: str, msgstr: str):
    reviews_of(comment, msgid, msgstr)
    assert names(without_void(comment, msgid, msgstr), msgid, msgstr) == names(comment, msgid, msgstr)
    assert reviews_of(without_any(comment), msgid, msgstr) == ()


def test_names_that_a_tool_has_broken_over_lines_are_whole_again():
    long = ["Amina binti Hassan wa Geita", "Juma Mwakalinga wa Chunya", "Neema Joseph Mollel wa Mirerani"]
    comment = f"reviewed_by: {'; '.join(long)}\nreviewed_on: 2026-12-01\nreviewed_as: {'; '.join([MARK] * 3)}"
    entry = polib.POEntry(msgctxt="a:b", msgid=ONE, msgstr=MOJA, tcomment=comment)
    file = polib.POFile(wrapwidth=78)
    file.append(entry)
    assert "# reviewed_by: Amina binti Hassan wa Geita; Juma Mwakalinga wa Chunya; Neema" in str(file)
    assert names(parse(str(file))[0].tcomment) == long


# --- bringing a file up to date ---


def po(*entries: tuple[str, str, str, str]) -> str:
    """A PO file: id, text, translation, comment."""
    file = parse(new_po("sw", "Kiswahili"))
    for id, text, said, tcomment in entries:
        file.append(polib.POEntry(msgctxt=id, msgid=text, msgstr=said, tcomment=tcomment))
    return str(file)


def after(old: str, *texts: tuple[str, str]) -> dict[str, list[str]]:
    """By id who has signed, once these texts are wanted; and twice gives the same bytes."""
    sources = [Source(id, text, "content/dialogs/a.yaml") for id, text in texts]
    new = update(old, sources)
    assert update(new, sources) == new
    return {entry.msgctxt: names(entry.tcomment, entry.msgid, entry.msgstr) for entry in parse(new)}


BOTH = signed("Amina", "Juma")


def test_signatures_stay_while_both_texts_stay():
    old = po(("a:x", ONE, MOJA, BOTH))
    assert after(old, ("a:x", ONE), ("a:y", "Two")) == {"a:x": ["Amina", "Juma"], "a:y": []}


def test_signatures_go_with_the_old_text_or_translation():
    old = po(("a:x", ONE, MOJA, BOTH), ("a:y", "Two", "Mbili", BOTH))
    new = update(old, [Source("a:x", "One more", "f"), Source("a:y", "Two", "f")])
    assert "reviewed" not in new
    assert signatures(old) - signatures(new) == 4


def test_signatures_move_with_a_text_within_its_dialog_only():
    old = po(("a:x", ONE, MOJA, BOTH))
    assert after(old, ("a:y", ONE)) == {"a:y": ["Amina", "Juma"]}
    assert after(old, ("b:x", ONE)) == {"b:x": []}
    assert after(old, ("a:y", ONE), ("a:z", ONE)) == {"a:y": ["Amina", "Juma"], "a:z": []}


def test_a_translation_that_is_lent_is_not_signed_in_its_new_place():
    old = po(("a:x", ONE, MOJA, BOTH + "\nA remark."))
    assert after(old, ("a:x", ONE), ("a:y", ONE), ("b:x", ONE)) == {"a:x": ["Amina", "Juma"], "a:y": [], "b:x": []}
    assert update(old, [Source("a:x", ONE, "f"), Source("a:y", ONE, "f")]).count("# A remark.") == 2


def test_a_text_that_comes_back_has_its_signatures_again():
    gone = update(po(("a:x", ONE, MOJA, BOTH)), [])
    assert "#~ msgid" in gone
    assert after(gone, ("a:x", ONE)) == {"a:x": ["Amina", "Juma"]}


def test_entries_tell_who_has_signed_them():
    read, _ = read_po("sw.po", po(("a:x", ONE, MOJA, BOTH)))
    assert read is not None
    assert [review.by for review in read.entries[0].reviews] == ["Amina", "Juma"]


# --- live ---


def translated(status: str = "live", people: tuple[str, ...] = (), but: str = "") -> Written:
    """The base of the catalogue with a whole translation, signed by these people, but for one text."""
    files = {name: text.encode() for name, text in BASE.items()}
    files["content/locale/sw.po"] = whole(status, people, but).encode()
    return read_files(files)


def whole(status: str, people: tuple[str, ...], but: str = "") -> str:
    base = read_files({name: text.encode() for name, text in BASE.items()})
    file = parse(update(new_po("sw", "Kiswahili"), [Source(id, text.source, "f") for id, text in base.texts().items()]))
    file.metadata["X-Status"] = status
    for entry in file:
        lists = entry.msgctxt.startswith(("common:words", "common:months", "common:discreet"))
        entry.msgstr = entry.msgid if lists else f"{entry.msgid} o"
        if entry.msgctxt != but:
            entry.tcomment = signed(*people, msgid=entry.msgid, msgstr=entry.msgstr)
    return str(file)


def unsigned(written: Written) -> list[Problem]:
    return [problem for problem in check_content(written) if problem.slug == "unsigned"]


def test_a_live_language_that_two_people_have_signed_is_clean():
    assert errors(check_content(translated(people=("Amina", "Juma")))) == []


def test_a_draft_and_the_source_language_need_no_signature():
    assert unsigned(translated("draft")) == []


@pytest.mark.parametrize("people", [(), ("Amina",), ("Amina", "AMINA")])
def test_a_live_language_with_fewer_than_two_signatures_is_refused(people: tuple[str, ...]):
    written = translated(people=people)
    [problem] = unsigned(written)
    assert problem.level == "error"
    assert problem.at == written.languages["sw"].place("X-Status")
    many = len(written.texts())
    first = [f"line {entry.at.line} ({id})" for id, entry in list(written.languages["sw"].entries.items())[:3]]
    assert problem.text == (
        f"In Kiswahili {many} texts are not signed by two people, and a live language needs that: "
        f"{', '.join(first)}, and more."
    )
    assert problem.mend.startswith("Let two speakers read and sign: ngazi content review sw --by ")


def test_one_text_that_is_not_signed_is_named():
    [problem] = unsigned(translated(people=("Amina", "Juma"), but="menu:home.ask"))
    assert "In Kiswahili one text is not signed by two people, and a live language needs that: line " in problem.text
    assert problem.text.endswith(" (menu:home.ask).")


def test_a_text_that_is_missing_or_old_is_not_used_so_it_needs_no_signature():
    text = whole("live", ("Amina", "Juma"), but="quiz:title").replace(
        'msgctxt "quiz:title"', '#, fuzzy\nmsgctxt "quiz:title"'
    )
    assert 'fuzzy\nmsgctxt "quiz:title"' in text.replace("#, ", "")
    files = {name: source.encode() for name, source in BASE.items()} | {"content/locale/sw.po": text.encode()}
    assert unsigned(read_files(files)) == []


# --- the commands ---


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in {**BASE, "content/locale/sw.po": whole("draft", ())}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "content"


def run(folder: Path, *words: str, typed: str = "") -> tuple[int, str]:
    result = CliRunner().invoke(main, ["content", "--content", str(folder), *words], input=typed)
    return result.exit_code, result.output


def reviews(folder: Path) -> dict[str, list[str]]:
    file = parse((folder / "locale/sw.po").read_text(encoding="utf-8"))
    return {
        entry.msgctxt: [f"{each.by} {each.on}" for each in reviews_of(entry.tcomment, entry.msgid, entry.msgstr)]
        for entry in file
    }


def test_a_reviewer_reads_a_dialog_and_signs_it(folder: Path):
    code, said = run(folder, "review", "sw", "--by", "Amina", "--dialog", "menu", "--on", "2024-12-01", typed="y\n")
    assert code == 0, said
    assert "menu:home.ask\n  English     Choose a number\n  Kiswahili   Choose a number o\n" in said
    assert "letters of at most 30" in said
    assert "Do you, Amina, sign these 4 texts? y, n, or the numbers to leave out [n]:" in said
    assert "4 texts signed by Amina." in said
    found = reviews(folder)
    assert {id for id, by in found.items() if by} == {id for id in found if id.startswith("menu:")}
    assert found["menu:home.ask"] == ["Amina 2024-12-01"]
    assert "Before Kiswahili may be live: " in said
    assert "; 4 texts need a second signature." in said


def test_without_a_yes_nothing_is_signed(folder: Path):
    before = (folder / "locale/sw.po").read_bytes()
    assert (
        "0 texts signed by Amina." in run(folder, "review", "sw", "--by", "Amina", "--dialog", "menu", typed="n\n")[1]
    )
    assert run(folder, "review", "sw", "--by", "Amina")[0] == 1  # nobody there to answer
    assert (folder / "locale/sw.po").read_bytes() == before


def test_what_is_left_out_is_counted_with_its_reason(folder: Path):
    path = folder / "locale/sw.po"
    file = parse(path.read_text(encoding="utf-8"))
    by_id = {entry.msgctxt: entry for entry in file}
    by_id["menu:title"].msgstr = ""
    by_id["menu:home.ask"].flags = ["fuzzy"]
    choice = by_id["menu:home.choices.quiz"]
    choice.tcomment = signed("amina", msgid=choice.msgid, msgstr=choice.msgstr)
    path.write_text(str(file), encoding="utf-8")
    said = run(folder, "review", "sw", "--by", "Amina", "--dialog", "menu", "--yes")[1]
    assert "1 text signed by Amina." in said
    assert "Left out: 1 text not translated yet." in said
    assert "Left out: 1 text whose translation is old." in said
    assert "Left out: 1 text signed by Amina before, as they are now." in said


def longer(folder: Path, number: int = 30) -> None:
    """The quiz with so many more texts, all of them translated."""
    quiz = folder / "dialogs/quiz.yaml"
    more = "".join(f"  more_{at}:\n    say: More of it, number {at}.\n" for at in range(number))
    quiz.write_text(quiz.read_text(encoding="utf-8").replace("steps:\n", f"steps:\n{more}"), encoding="utf-8")
    run(folder, "update", "sw")
    path = folder / "locale/sw.po"
    file = parse(path.read_text(encoding="utf-8"))
    for entry in file:
        entry.msgstr = entry.msgstr or f"{entry.msgid} o"
    path.write_text(str(file), encoding="utf-8")


def test_a_long_dialog_is_read_in_portions_and_each_is_signed_at_once(folder: Path):
    longer(folder)
    many = sum(id.startswith("quiz:") for id in reviews(folder))
    code, said = run(folder, "review", "sw", "--by", "Amina", "--dialog", "quiz", typed="y\nn\n")
    assert code == 1, "nobody answered the third time"
    assert f"== quiz: {many} texts, 1 to 12\n" in said
    assert f"== quiz: {many} texts, 13 to 24\n" in said
    assert "\n12. quiz:" in said
    assert "\n13. quiz:" not in said
    assert "12 texts signed by Amina." in said
    assert sum(bool(by) for by in reviews(folder).values()) == 12
    said = run(folder, "review", "sw", "--by", "Amina", "--dialog", "quiz")[1]
    assert f"== quiz: {many - 12} texts, 1 to 12\n" in said, "it goes on where it was left"


@pytest.mark.parametrize("typed", ["2 4\n", " 4, 2\n", "5\nmaybe\n2 4\n"])
def test_numbers_leave_texts_out(folder: Path, typed: str):
    ids = [id for id in reviews(folder) if id.startswith("menu:")]
    code, said = run(folder, "review", "sw", "--by", "Amina", "--dialog", "menu", typed=typed)
    assert code == 0
    assert "2 texts signed by Amina." in said
    assert ("Type y, n, or numbers from 1 to 4" in said) == typed.startswith("5")
    found = reviews(folder)
    assert [id for id in ids if found[id]] == [ids[0], ids[2]]


def test_a_file_that_cannot_be_read_must_be_mended_first(folder: Path):
    path = folder / "locale/sw.po"
    path.write_text(path.read_text(encoding="utf-8") + 'msgid "open\n', encoding="utf-8")
    before = path.read_bytes()
    for words in (
        *(("live", "sw"), ("review", "sw", "--by", "Amina", "--yes"), ("status", "sw"), ("status",)),
        *(("preview", "menu", "sw"), ("preview", "menu"), ("export", "sw"), ("update", "sw")),
    ):
        code, said = run(folder, *words)
        assert "locale/sw.po first: ngazi content check" in said, words
        assert code == (0 if words in (("status",), ("preview", "menu")) else 1)
    assert path.read_bytes() == before


def test_the_status_fits_a_terminal_of_80_letters(folder: Path):
    names = ["Ikinyarwanda", "Portugues do Brasil"]
    for code, name in zip(("rw", "pt"), names, strict=True):
        run(folder, "update", code, "--name", name)
    run(folder, "review", "sw", "--by", "Amina binti Hassan wa Geita", "--yes")
    written = read_folder(folder)
    found = [how_far(written, language) for language in written.translations()]
    console = Console(width=80, file=StringIO())
    with console.capture() as shown:
        console.print(languages_table(found))
    said = shown.get()
    assert "…" not in said
    assert max(map(len, [*said.splitlines(), LANGUAGES_SAY, DIALOGS_SAY])) <= 80
    assert all(word in said for name in names for word in name.split())
    assert "Signed in Kiswahili: Amina binti Hassan wa Geita " in run(folder, "status")[1]


def test_two_reviewers_make_a_language_ready_to_be_live(folder: Path):
    assert "need a second signature" in run(folder, "review", "sw", "--by", "Amina", "--yes")[1]
    code, said = run(folder, "review", "sw", "--by", "Juma Mushi", "--yes")
    assert code == 0
    assert said.endswith("Every text is signed by two people. It may be live: ngazi content live sw\n")
    assert run(folder, "live", "sw")[0] == 0
    assert '"X-Status: live\\n"' in (folder / "locale/sw.po").read_text(encoding="utf-8")
    assert run(folder, "check")[0] == 0
    said = " ".join(run(folder, "status")[1].replace("│", " ").split())
    assert re.search(
        r"sw Kiswahili live gsm7 (\d+) 100% 0 0 \1 0 .* Signed in Kiswahili: Amina \1, Juma Mushi \1", said
    )


def test_a_language_goes_live_only_without_an_error_and_back_at_once(folder: Path):
    path = folder / "locale/sw.po"
    before = path.read_bytes()
    code, said = run(folder, "live", "sw")
    assert code == 1
    assert "texts are not signed by two people, and a live language needs that" in said
    assert "is live" not in said
    assert "It stays a draft until this is mended." in said
    assert path.read_bytes() == before
    path.write_text(whole("live", ("Amina", "Juma")), encoding="utf-8")
    assert run(folder, "live", "sw", "--back")[1].endswith("Kiswahili is a draft again.\n")
    assert '"X-Status: draft\\n"' in path.read_text(encoding="utf-8")
    assert run(folder, "live", "sx")[0] == 1


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("sw", "--by", ""), "A signature needs a name"),
        (("sw", "--by", " ; "), "A signature needs a name"),
        (("sv", "--by", "Amina"), 'There is no language "sv".'),
        (("en", "--by", "Amina"), "it needs no review"),
        (("sw", "--by", "Amina", "--dialog", "menuu"), 'There is no dialog "menuu". Did you mean "menu"?'),
        (("sw", "--by", "Amina", "--on", "yesterday"), "yesterday"),
        (("sw", "--by", "Amina", "--on", "2999-01-01"), "that day is still to come"),
        (("sw", "--by", "Amina; Juma"), "Each person signs alone"),
        (("SW", "--by", "Amina"), 'Did you mean "sw"?'),
    ],
)
def test_a_review_that_cannot_be_is_refused_with_the_reason(folder: Path, words: tuple[str, ...], why: str):
    code, said = run(folder, "review", *words, "--yes")
    assert code != 0
    assert why in said
    assert "reviewed" not in (folder / "locale/sw.po").read_text(encoding="utf-8")


def test_an_update_tells_how_many_signatures_it_dropped(folder: Path):
    run(folder, "update")
    run(folder, "review", "sw", "--by", "Amina", "--yes")
    assert "dropped" not in run(folder, "update")[1]
    menu = folder / "dialogs/menu.yaml"
    menu.write_text(menu.read_text("utf-8").replace("Choose a number", "Choose one"), encoding="utf-8")
    code, said = run(folder, "update")
    assert code == 0
    assert "sw.po: 1 signature dropped, as its text has changed or moved to another dialog" in said


def test_the_status_lists_what_is_old_or_missing_and_says_it_as_json(folder: Path):
    path = folder / "locale/sw.po"
    file = parse(path.read_text(encoding="utf-8"))
    by_id = {entry.msgctxt: entry for entry in file}
    by_id["menu:title"].msgstr = ""
    by_id["menu:home.ask"].flags = ["fuzzy"]
    path.write_text(str(file), encoding="utf-8")
    run(folder, "review", "sw", "--by", "Amina", "--yes")
    run(folder, "review", "sw", "--by", "Juma", "--dialog", "menu", "--yes")
    said = run(folder, "status", "sw")[1]
    assert said == run(folder, "status", "--language", "sw")[1]
    assert re.search(r"menu +│ +2/4\*", said)
    assert "Old:\n  menu:home.ask: Choose a number\n" in said
    assert "Missing:\n  menu:title: Main menu\n" in said
    [row] = json.loads(run(folder, "status", "--language", "sw", "--json")[1])
    assert row["dialogs"]["menu"] == {"done": 2, "old": 1, "missing": 1, "signed_by_two": 2, "signed_by_one": 0}
    assert row["reviewers"] == {"Amina": row["done"], "Juma": 2}
    assert (row["status"], row["letters"], row["percent"]) == ("draft", "gsm7", 100 * row["done"] // (row["done"] + 2))
    assert row["old_texts"] == [{"id": "menu:home.ask", "source": "Choose a number"}]
    assert run(folder, "status", "--language", "xx")[0] == 1


def test_how_far_a_language_is_counts_signatures_that_hold():
    written = translated("draft", ("Amina", "Juma"), but="menu:title")
    far = how_far(written, written.languages["sw"])
    assert (far.all.percent, far.all.once, far.dialogs["menu"].twice) == (100, 0, 3)
    assert far.needed() == ["1 text needs two signatures"]


# --- letters ---


@pytest.mark.parametrize("code", [code for code, advice in _table().items() if advice.replace])
def test_what_is_proposed_for_letters_is_right_for_a_header(code: str):
    advice = advice_for(code)
    language, problems = read_language(f"content/locale/{code}.po", new_po(code, "Own name", advice.headers()))
    assert problems == []
    assert language.letters == "gsm7"
    for old, new in language.replace.items():
        assert septets(old) is None, f"{old} is sent as it is"
        assert fold(old, language.replace) == new
        assert septets(new) is not None


@pytest.mark.parametrize("code", _table())
def test_each_pair_of_the_table_reads_alike_once_accents_and_hooks_fall(code: str):
    for word, other in advice_for(code).words.items():
        assert word != other
        assert fold(word, {"ƙ": "k"}) == fold(other), f"{word}, {other}"


def test_the_docs_show_the_table():
    page = (Path(__file__).parent.parent / "docs/translate.md").read_text(encoding="utf-8")
    for code, advice in _table().items():
        if advice.replace:
            assert f"(`{code}`) | `{advice.replace}` | {advice.risk} |" in page
    assert TABLE.name in page


def test_an_unknown_language_gets_no_advice_and_a_region_that_of_its_language():
    assert advice_for("rw").headers() == {}
    assert advice_for("pt_BR") == advice_for("pt")
    assert advice_for("am").headers() == {"X-Letters": "any"}


def test_hooked_letters_stay_apart_and_a_spanish_year_stays_a_year():
    assert fold("ƙasa", language("ha").replace) == "'kasa"
    assert fold("año", language("es").replace) == "año"


def language(code: str) -> Language:
    return read_language(f"{code}.po", new_po(code, "X", advice_for(code).headers()))[0]


def test_a_new_language_begins_with_the_letters_that_are_proposed(folder: Path):
    run(folder, "update", "fr", "--name", "Francais")
    said = (folder / "locale/fr.po").read_text(encoding="utf-8")
    assert '"X-Replace: ç=c œ=oe â=a ê=e î=i ô=o û=u ë=e ï=i ÿ=y\\n"\n' in said
    run(folder, "update", "rw", "--name", "Ikinyarwanda")
    assert "X-Replace" not in (folder / "locale/rw.po").read_text(encoding="utf-8")


def meanings(code: str, *said: str, replace: str = "") -> list[str]:
    """What the check says of these texts as translations of the first texts of the base."""
    files = {name: text.encode() for name, text in BASE.items()}
    base = [text for id, text in read_files(files).texts().items() if not id.startswith("common:words")][8:]
    file = parse(new_po(code, "X", {"X-Replace": replace} if replace else advice_for(code).headers()))
    for text, translation in zip(base, said, strict=False):
        file.append(polib.POEntry(msgctxt=text.id, msgid=text.source, msgstr=translation))
    files[f"content/locale/{code}.po"] = str(file).encode()
    return [problem.text for problem in check_content(read_files(files)) if problem.slug == "meaning"]


@pytest.mark.parametrize(
    ("code", "said", "told"),
    [
        ("fr", "Un lieu sûr.", 'On a phone "sûr" reads "sur" in X, which may be taken for another word.'),
        ("fr", "SÛR", 'On a phone "sûr" reads "sur" in X, which may be taken for another word.'),
        ("es", "Sí, más tarde", 'On a phone "sí" reads "si" in X, which may be taken for another word.'),
        ("pt", "a avó", 'On a phone "avó" reads "avo" in X, as "avô" does too.'),
        ("fr", "Il est sur le lieu, du même côté.", ""),
        ("fr", "{sûr}", ""),
        ("ha", "ƙasa", ""),
        ("rw", "sûr", ""),
    ],
)
def test_a_word_that_becomes_another_is_told(code: str, said: str, told: str):
    assert meanings(code, said) == ([told] if told else [])


def test_letters_that_fall_without_a_hook_merge_words():
    assert meanings("ha", "ƙasa", replace="ƙ=k") == [
        'On a phone "ƙasa" reads "kasa" in X, which may be taken for another word.'
    ]


def test_a_word_is_told_once_however_often_it_stands_there_and_a_text_for_its_rarest_one():
    found = meanings("fr", "C'est sûr.", "Pas sûr, tâche", "Sûr ?", "sûr", "sûr", "Une tâche")
    assert [text.split(" reads ")[0] for text in found] == ['On a phone "sûr"', 'On a phone "tâche"']
    assert " It stands in 4 texts: lines " in found[0]
    assert found[0].endswith(" and more.")
    assert " It stands in 2 texts: lines " in found[1]
    assert not found[1].endswith(" and more.")


def test_a_template_holds_no_signature():
    assert "reviewed" not in template([Source("a:x", ONE, "f")])
