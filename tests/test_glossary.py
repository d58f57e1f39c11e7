"""The glossary: words of the trade with how sure we are of each; a slip in it keeps no content from being used."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogs.check.catalogue import BASE
from dialogs.content import BUNDLED
from dialogs.glossary import Term, Word
from dialogs.problem import Problem
from dialogs.reading import read_glossary
from dialogs.written import read_files, read_folder

LANGUAGES = ("am", "es", "fr", "ha", "lg", "ln", "pt", "rw", "sw", "tw")
ORE = """\
ore:
  sw:
    madini: a
    mawe: b
  pt_BR:
    minério: a
  note: the rock, not the metal
"""


def read(source: str) -> tuple[tuple[Term, ...], list[Problem]]:
    return read_glossary("content/glossary.yaml", source)


def test_a_term_has_words_with_a_confidence_in_each_language():
    [term], problems = read(ORE)
    assert problems == []
    assert (term.english, term.note) == ("ore", "the rock, not the metal")
    assert term.said("sw") == (Word("madini", "a"), Word("mawe", "b"))
    assert term.said("fr") == ()


def test_a_variant_without_words_of_its_own_has_those_of_its_language():
    [term], _ = read(ORE)
    assert term.said("sw_TZ") == term.said("sw-TZ") == term.said("sw")
    assert term.said("pt_BR") == (Word("minério", "a"),)
    assert term.said("pt") == ()


@pytest.mark.parametrize(
    ("source", "slug", "line"),
    [
        ("ore:\n  sw:\n    madini: d\n", "wrong-confidence", 3),
        ("ore:\n  sw:\n    madini:\n", "wrong-confidence", 3),
        ("ore:\n  sw:\n    madini:\n      - a\n", "wrong-confidence", 3),
        ("ore:\n  sw: madini\n", "wrong-type", 2),
        ("ore: madini\n", "wrong-type", 1),
        ("ore:\n  Kiswahili:\n    madini: a\n", "bad-id", 2),
        ("ore:\n  sw:\n    madini: a\nore:\n  sw:\n    mawe: a\n", "twice", 4),
        ("", "missing-key", 1),
        ("ore: [\n", "yaml", 2),
    ],
)
def test_a_slip_is_a_warning_at_its_place(source: str, slug: str, line: int):
    problem, *_ = read(source)[1]
    assert (problem.slug, problem.at.line, problem.level) == (slug, line, "warning")


def test_what_is_broken_is_left_out_and_the_rest_is_read():
    terms, problems = read("ore:\n  sw:\n    madini: d\n    mawe: b\ngold:\n  sw:\n    dhahabu: a\n")
    assert len(problems) == 1
    assert [term.said("sw") for term in terms] == [(Word("mawe", "b"),), (Word("dhahabu", "a"),)]


@given(st.text(max_size=80))
def test_nothing_that_stands_in_the_file_raises(source: str):
    assert all(problem.level == "warning" for problem in read(source)[1])


def test_content_with_a_broken_glossary_is_used_all_the_same():
    files = {name: text.encode() for name, text in {**BASE, "content/glossary.yaml": "ore: [\n"}.items()}
    written = read_files(files)
    assert written.glossary == ()
    assert [problem.level for problem in written.problems] == ["warning"]
    assert read_files({name: text.encode() for name, text in BASE.items()}).glossary == ()


def test_our_own_glossary_has_64_terms_in_ten_languages_and_no_problem():
    path = BUNDLED / "glossary.yaml"
    terms, problems = read_glossary("content/glossary.yaml", path.read_text(encoding="utf-8"))
    assert problems == []
    assert len(terms) == 64
    assert sorted({code for term in terms for code in term.words}) == [*LANGUAGES]
    assert all(term.said(code) for term in terms for code in ("fr", "sw", "es", "pt"))
    assert read_folder(Path(BUNDLED)).glossary == terms
