from __future__ import annotations

import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dialogs.gsm import clean
from dialogs.locale import Language, fallbacks, fill, fold_word, placeholders, read_language
from dialogs.pofile import Source, new_po, parse, read_po, template, update
from dialogs.problem import At

# --- reading ---


def read(text: str, file: str = "content/locale/sw.po") -> tuple[Language, list[str]]:
    language, problems = read_language(file, text)
    return language, [f"{problem.at.line}:{problem.at.column} {problem.slug}: {problem.text}" for problem in problems]


HEAD = 'msgid ""\nmsgstr ""\n"Language: sw\\n"\n"X-Name: Kiswahili\\n"\n'


def test_a_language_says_what_it_is_in_its_header():
    head = '"X-Status: live\\n"\n"X-Fallback: rn\\n"\n"X-Letters: any\\n"\n"X-Replace: ç=c œ=oe\\n"\n'
    language, problems = read(HEAD + head)
    assert problems == []
    assert (language.code, language.name, language.status, language.letters) == ("sw", "Kiswahili", "live", "any")
    assert (language.fallback, dict(language.replace)) == ("rn", {"ç": "c", "œ": "oe"})


def test_without_a_word_on_it_a_language_is_a_draft_in_plain_letters():
    language, problems = read(HEAD)
    assert (problems, language.status, language.letters, language.fallback) == ([], "draft", "gsm7", "")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "1:1 po-header: The own name of this language is missing."),
        (
            HEAD.replace("Language: sw", "Language: fr"),
            '3:2 po-header: This file is named sw.po, but says that its language is "fr".',
        ),
        (HEAD + '"X-Status: ready\\n"\n', '5:2 po-header: "X-Status" cannot be "ready".'),
        (HEAD + '"X-Replace: ç c\\n"\n', '5:2 po-header: "X-Replace" holds "ç".'),
        (
            HEAD + '"X-Replace: ç=ĉ\\n"\n',
            '5:2 po-header: "X-Replace" puts "ĉ" for "ç", which simple phones cannot show either.',
        ),
    ],
)
def test_a_slip_in_the_header_is_told(text: str, problem: str):
    assert read(text)[1][0] == problem


def test_the_code_of_a_language_is_the_name_of_its_file():
    assert read(HEAD, "content/locale/pt_BR.po")[0].code == "pt_BR"
    assert read(HEAD, "content/locale/Swahili.po")[1][0] == '1:1 bad-id: "Swahili" is no code of a language.'


ENTRY = 'msgctxt "a:b"\nmsgid "One"\nmsgstr "Moja"\n'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            'msgctxt "a:b"\nmsgid "One\nmsgstr "Moja"\n',
            "6:7 po-broken: The quote mark at the end of this line is missing.",
        ),
        (
            'msgctxt "a:b"\nmsgid "One"\nmsgstr "Moja\n',
            "7:8 po-broken: The quote mark at the end of this line is missing.",
        ),
        (
            'msgctxt "a:b"\nmsgid "One"\nmsgstr "Moja\\"\n',
            "7:8 po-broken: The quote mark at the end of this line is missing.",
        ),
        (
            'msgctxt "a:b"\nmsgid "One"\nmsgstr "Moja "mbili""\n',
            "7:8 po-broken: There is a quote mark inside this text.",
        ),
        ('msgctxt "a:b"\nmsgid "One"\nMoja\n', "7:1 po-broken: Cannot read this line."),
        (
            'msgctxt "a:b"\nmsgid "One"\nmsgid "One"\nmsgstr ""\n',
            "7:1 po-broken: Cannot read this line: it does not belong here.",
        ),
        (
            'msgctxt "a:b"\nmsgid "One"\nmsgid_plural "Ones"\nmsgstr[0] "Moja"\n',
            "8:1 po-broken: Texts here have no plural forms.",
        ),
        (ENTRY + "\n" + ENTRY, '11:9 twice: "a:b" is translated here and in line 7.'),
    ],
)
def test_a_broken_file_is_told_at_its_line(text: str, problem: str):
    assert read(HEAD + text)[1] == [problem]


def test_every_broken_line_is_told_in_one_go():
    assert len(read(HEAD + 'msgid "a\nmsgstr "b\nmsgid "c"\nmsgstr "d\n')[1]) == 3


def test_a_translation_stands_where_its_text_begins():
    text = (
        HEAD + "\n" + ENTRY + '\n# a note\nmsgctxt "a:c"\nmsgid ""\n"Two\\n"\n"Three"\nmsgstr ""\n"Mbili\\n"\n"Tatu"\n'
    )
    entries = read(text)[0].entries
    assert entries["a:b"].at == At("content/locale/sw.po", 8, 9)
    assert entries["a:c"].at == At("content/locale/sw.po", 16, 2)
    assert entries["a:c"].text == "Mbili\nTatu"


def test_windows_line_ends_and_a_byte_order_mark_change_nothing():
    language, problems = read("\ufeff" + (HEAD + ENTRY).replace("\n", "\r\n"))
    assert (problems, language.entries["a:b"].text) == ([], "Moja")


@given(st.text(alphabet='msgidctxr "\n#~|,.:\\[0]a\u2028\x00{}'))
def test_no_po_file_raises(text: str):
    read(text)
    read(HEAD + ENTRY + text)


# --- round trips ---

words = st.text(min_size=1).filter(lambda text: text.strip() != "")
notes = st.text(alphabet=string.ascii_letters + " .\n-", max_size=200)


@st.composite
def texts(draw: st.DrawFn) -> list[Source]:
    ids = draw(st.lists(st.from_regex(r"[abc]:[a-e]{1,2}", fullmatch=True), min_size=1, max_size=8, unique=True))
    said = st.one_of(words, st.sampled_from(["One", "Two", "A longer text. " * 8]))
    return [Source(id, draw(said), f"content/dialogs/{id[0]}.yaml", draw(notes)) for id in ids]


def translated(po: str, said: list[str]) -> str:
    """The file with these translations, one after the other."""
    file = parse(po)
    for entry, text in zip(file, said, strict=False):
        entry.msgstr = text
    return str(file)


@given(texts(), st.lists(st.text(), max_size=8))
def test_what_is_written_reads_back_and_is_written_the_same(sources: list[Source], said: list[str]):
    assume(len({source.text for source in sources}) == len(sources))  # else one would lend to the other
    written = translated(update(new_po("sw", "Kiswahili"), sources), said)
    assert str(parse(written)) == written
    assert update(written, sources) == written
    po, problems = read_po("sw.po", written)
    assert po is not None
    assert problems == []
    assert [(entry.id, entry.source) for entry in po.entries] == [(source.id, source.text) for source in sources]
    assert [entry.text for entry in po.entries][: len(said)] == said[: len(sources)]
    assert po.headers["X-Name"] == "Kiswahili"


@given(texts(), texts(), st.lists(st.text(min_size=1), max_size=8))
def test_an_update_is_done_after_one_time_and_loses_no_translation(
    before: list[Source], after: list[Source], said: list[str]
):
    old = translated(update(new_po("sw", "Kiswahili"), before), said)
    new = update(old, after)
    assert update(new, after) == new
    kept = {entry.msgstr for entry in parse(new)}
    assert {entry.msgstr for entry in parse(old)} - {""} <= kept
    for entry in parse(new):
        if not entry.obsolete and entry.msgstr and not entry.fuzzy:
            assert any(entry.msgid == source.text for source in before)


@given(texts())
def test_the_template_has_every_text_and_no_translation(sources: list[Source]):
    po, problems = read_po("source.pot", template(sources))
    assert problems == []
    assert po is not None
    assert [(entry.id, entry.source, entry.text) for entry in po.entries] == [(s.id, s.text, "") for s in sources]


# --- update, case by case ---


def source(id: str, text: str) -> Source:
    return Source(id, text, f"content/dialogs/{id.partition(':')[0]}.yaml")


def updated(old: dict[str, tuple[str, str]], new: dict[str, str]) -> dict[str, tuple[str, str, bool]]:
    """Id -> translation, previous source, fuzzy; retired ones with a `~` before their id."""
    po = update(new_po("sw", "Kiswahili"), [source(id, text) for id, (text, _) in old.items()])
    po = translated(po, [said for _, said in old.values()])
    file = parse(update(po, [source(id, text) for id, text in new.items()]))
    return {
        f"{'~' * bool(entry.obsolete)}{entry.msgctxt}": (entry.msgstr, entry.previous_msgid or "", entry.fuzzy)
        for entry in file
    }


def test_the_same_text_under_the_same_id_keeps_its_translation():
    assert updated({"a:x": ("One", "Moja")}, {"a:x": "One"}) == {"a:x": ("Moja", "", False)}


def test_a_changed_text_keeps_its_translation_as_fuzzy_beside_the_old_text():
    assert updated({"a:x": ("One", "Moja")}, {"a:x": "One more"}) == {"a:x": ("Moja", "One", True)}


def test_a_page_put_in_before_moves_the_translations_along():
    old = {"a:x.say.1": ("One", "Moja"), "a:x.say.2": ("Two", "Mbili")}
    assert updated(old, {"a:x.say.1": "Zero", "a:x.say.2": "One", "a:x.say.3": "Two"}) == {
        "a:x.say.1": ("", "", False),
        "a:x.say.2": ("Moja", "", False),
        "a:x.say.3": ("Mbili", "", False),
    }


def test_the_same_text_in_another_dialog_is_used_again():
    assert updated({"a:x": ("Yes", "Ndiyo")}, {"a:x": "Yes", "b:y": "Yes"})["b:y"] == ("Ndiyo", "", False)


def test_a_text_of_the_same_dialog_is_taken_before_one_of_another():
    old = {"a:x": ("Other", "Nyingine"), "b:x": ("Other", "Mwingine")}
    assert updated(old, {"a:x": "Other", "b:z": "Other"})["b:z"] == ("Mwingine", "", False)


def test_what_is_gone_is_put_aside_and_found_again():
    gone = updated({"a:x": ("One", "Moja"), "a:y": ("Two", "Mbili")}, {"a:y": "Two"})
    assert gone == {"a:y": ("Mbili", "", False), "~a:x": ("Moja", "", False)}
    po = translated(update(new_po("sw", "K"), [source("a:x", "One"), source("a:y", "Two")]), ["Moja", "Mbili"])
    back = update(update(po, [source("a:y", "Two")]), [source("a:x", "One"), source("a:y", "Two")])
    assert "#~" not in back
    assert 'msgstr "Moja"' in back


def test_a_text_changed_back_is_no_longer_fuzzy():
    po = translated(update(new_po("sw", "K"), [source("a:x", "One")]), ["Moja"])
    changed = update(po, [source("a:x", "One more")])
    assert "#, fuzzy" in changed
    assert update(changed, [source("a:x", "One")]) == po


def test_a_text_changed_twice_stands_beside_the_one_it_was_translated_from():
    po = translated(update(new_po("sw", "K"), [source("a:x", "One")]), ["Moja"])
    twice = update(update(po, [source("a:x", "One more")]), [source("a:x", "One or more")])
    assert '#| msgid "One"' in twice


def test_headers_and_notes_of_translators_stay():
    po = update(
        new_po("sw", "K").replace("X-Name: K", 'X-Poedit-Bookmarks: 1,2\\n"\n"X-Name: K'), [source("a:x", "One")]
    )
    po = po.replace("#: content/dialogs/a.yaml", "# ask Amina\n#: content/dialogs/a.yaml")
    again = update(po, [source("a:x", "One")])
    assert "X-Poedit-Bookmarks: 1,2" in again
    assert "# ask Amina" in again


# --- fallbacks ---


def language(code: str, fallback: str = "") -> Language:
    return Language(code, code.upper(), fallback=fallback)


def test_a_text_is_looked_for_in_the_fallbacks_and_last_in_the_source():
    known = {each.code: each for each in (language("bm", "fr"), language("fr"), language("sw"))}
    assert fallbacks("bm", known, "en") == ("bm", "fr", "en")
    assert fallbacks("sw", known, "en") == ("sw", "en")
    assert fallbacks("en", known, "en") == ("en",)
    assert fallbacks("xx", known, "en") == ("en",)


@given(st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["", *"abcdefgm"])), st.sampled_from("abcdefm"))
def test_every_chain_of_fallbacks_ends_in_the_source(ways: dict[str, str], start: str):
    known = {code: language(code, fallback) for code, fallback in ways.items()}
    chain = fallbacks(start, known, "m")
    assert chain[-1] == "m"
    assert len(set(chain)) == len(chain)


# --- placeholders ---


def test_placeholders_are_filled_once_and_what_has_no_value_stays_out():
    assert placeholders("{a} and {b_c}, {a}") == {"a", "b_c"}
    assert fill("{a} and {b}.", {"a": "{b}", "c": "no"}) == "{b} and ."
    assert fill("No braces", {}) == "No braces"


@given(st.text(alphabet="ab{} "), st.dictionaries(st.text(alphabet="ab"), st.text()))
def test_filling_takes_any_text_and_puts_in_just_what_is_given(text: str, values: dict[str, str]):
    assert isinstance(fill(text, values), str)
    assert fill(text, {name: f"{{{name}}}" for name in placeholders(text)}) == text
    assert fill(text, dict.fromkeys(placeholders(text), "")) == fill(text, {})


# --- words ---


@pytest.mark.parametrize(
    ("typed", "folded"),
    [
        ("STOP", "stop"),
        (" Stop! ", "stop"),
        ("ARRÊT", "arret"),
        ("Ng’ombe", "ngombe"),
        ("ƙasa", "kasa"),
        ("Ɔdɔ", "odo"),
        ("٣", "3"),
        ("Not  sure.", "not sure"),
        ("መውጫ", "መውጫ"),
        ("\u1000\u102d\u102f", "\u1000\u102d\u102f"),
        ("...", ""),
    ],
)
def test_words_are_compared_without_case_accents_and_punctuation(typed: str, folded: str):
    assert fold_word(typed) == folded


@given(st.text())
def test_a_folded_word_stays_as_it_is(text: str):
    assert fold_word(fold_word(text)) == fold_word(text)
    assert fold_word(f" {text}! ") == fold_word(text)


@given(st.text(max_size=40))
def test_what_was_cleaned_by_the_phone_folds_the_same(text: str):
    assert fold_word(clean(clean(text))) == fold_word(clean(text))
