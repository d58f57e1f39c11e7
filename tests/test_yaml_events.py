"""The quick way to read YAML reads what ruamel reads, to the letter: every event with its place, every tree, every
problem. Where the two would differ, the quick way stands back.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml.error import YAMLError

from dialogs.check.catalogue import BASE, CATALOGUE
from dialogs.problem import Problem
from dialogs.reading.plain_yaml import Node, grow
from dialogs.reading.yaml_events import by_libyaml, by_ruamel, events
from dialogs.reading.yaml_page import Page, lines_of
from tests.breaking import ANY

ROOT = Path(__file__).resolve().parent.parent
OURS = sorted((ROOT / "content").rglob("*.yaml"))
EXAMPLES = [
    text
    for files in (BASE, *(example for entry in CATALOGUE.values() for example in (entry.wrong, entry.right)))
    for file, text in files.items()
    if file.endswith(".yaml")
]
BROKEN = 2000


def shape(event: Any) -> tuple[object, ...]:
    """All that the reading takes from an event."""
    marks = [(mark.line, mark.column, mark.index) for mark in (event.start_mark, event.end_mark)]
    told = [getattr(event, name, None) or None for name in ("anchor", "tag", "style", "flow_style")]
    return (type(event).__name__, getattr(event, "value", None), *told, *marks)


def shapes(found: Iterator[Any]) -> list[object]:
    """The same of all events, and the error at which they end."""
    told: list[object] = []
    try:
        told.extend(map(shape, found))
    except (YAMLError, ValueError, OverflowError) as error:
        told.append((type(error), str(error)))
    return told


def alike(text: str) -> bool:
    """True if the quick way read it, and the same; False if it stood back."""
    quick = by_libyaml(text)
    if quick is None:
        return False
    assert list(map(shape, quick)) == shapes(by_ruamel(text)), text
    return True


def slow_grow(source: str | bytes) -> tuple[Node | None, list[Problem]]:
    """`grow` by ruamel alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(yaml, "__with_libyaml__", False)
        return grow("a.yaml", source)


def cleaned(source: str | bytes) -> str:
    """A file as it goes to the parser."""
    page = Page("a.yaml", lines_of(source))
    page.clean()
    return "\n".join(page.lines) + "\n"


# --- what there is ---


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.stem)
def test_our_files_are_read_the_quick_way_and_alike(path: Path):
    source = path.read_bytes()
    assert alike(cleaned(source))
    assert grow("a.yaml", source) == slow_grow(source)


def test_the_examples_of_the_catalogue_are_read_alike():
    ways = Counter(alike(cleaned(source)) for source in EXAMPLES)
    for source in EXAMPLES:
        assert grow("a.yaml", source) == slow_grow(source), source
    assert ways[True] > 5 * ways[False]


@pytest.mark.slow
def test_broken_files_are_read_alike():
    rng = random.Random(11)
    good = [text.encode() for text in EXAMPLES] + [
        raw for raw in (path.read_bytes() for path in OURS) if len(raw) < 3000
    ]
    ways = Counter[bool]()
    for _ in range(BROKEN):
        raw = rng.choice(good)
        for _ in range(rng.randint(1, 3)):
            raw = rng.choice(list(ANY.values()))(rng, raw)
        ways[alike(cleaned(raw))] += 1
        assert grow("a.yaml", raw) == slow_grow(raw), raw
    assert min(ways.values()) > BROKEN / 5


# --- what there may be ---

INDENTS = ("", "", "", "  ", "  ", "    ", " ")
GOOD = (
    *("k: v", "k:", "k: a b", "k: 'x # y'", 'k: "x: y"', "k: v # c", "k: v #c", "k: v#c", "k: 12:30", "k: ''", ""),
    *("- x", "-", "- k: v", "- k:", "- - x", "-  k: v", "- 'x'", "- 'k': v", "text goes on", "-x", "::x", "x y'z"),
    *("# remark", "  # remark", "#x", "", "k: |", "k: >", "k: |-", "k: >-", "k: |+", "k: >+", "- |", "- >-"),
    *("k: | # c", "é: ü", "😀: x 😀", "'k' : v", '"k": "\\u00e9\\/\\n"', "k: {code} x", "k: x {y} [z]", "k: x, y"),
    *("k: 'x", " y'", "k: -x", "k: \u00a0", "k: x\u3000", "\u200bk: x", "k: =", "<<: x", "k: x?"),
    *("k" * 1024 + ": v", "k" * 1025 + ": v", "k: " + "v" * 1100),
)
BAD = (
    *("[x]", "{x: y}", "&a x", "*a", "!t x", "@x", "`x`", "%x", "---", "--- x", "...", "x  ", "\t", "k: |2", "k: |#c"),
    *("'x", 'y"', "'x' y", "? x", ": x", "k: v: w", "k: ]", "|", ">", '"\\x00\\ud800"', '"x\\', "😀" * 1025 + ": y"),
)
GOOD_LINE = st.builds(str.__add__, st.sampled_from(INDENTS), st.sampled_from(GOOD))
ANY_LINE = st.builds(
    str.__add__, st.sampled_from(INDENTS), st.sampled_from(BAD) | st.text(":#-'\"\\|> \nxé{[?&😀", max_size=9)
)
TEXT = st.builds("\n".join, st.lists(GOOD_LINE, max_size=6) | st.lists(GOOD_LINE | GOOD_LINE | ANY_LINE, max_size=8))


@given(TEXT)
def test_any_lines_are_read_alike(source: str):
    alike(source + "\n")
    alike(cleaned(source))


@given(TEXT)
def test_any_lines_grow_alike(source: str):
    assert grow("a.yaml", source) == slow_grow(source)


# --- where the quick way stands back ---


@pytest.mark.parametrize(
    "text",
    [
        "a: b: c\n",  # an error
        "a: 'b\n",
        "--- \na: b\n",  # documents and directives
        "a: b\n---\nc: d: e\n",
        "a: b\n...\n",
        "%YAML 1.1\n---\na: b\n",
        "? a\n: b\n",  # other keys
        "- ? a\n  : b\n",
        "a: [b, c:d]\n",  # brackets
        "- {a: b}\n",
        "a: &b c\n",  # names and tags
        "a: *b\n",
        "a: ! b\n",
        "a: !!int 3\n",
        "a: |2\n    b\n",  # blocks of lines
        "a: >-1\n   b\n",
        "a: |#b\n  c\n",
        "a: |\n     \n  b\n",
        "|\n# b\n",
        ">-\nb\n",
        "b\n",  # a text alone
        "a: b \n",  # blanks and unseen signs
        "a:\tb\n",
        "a: b\u2028c\n",
        "a: b\u0085c\n",
        "a: \udcff\n",
        "a: b\0\n",
        "a: b",  # no end of the line
    ],
)
def test_what_the_two_may_take_differently_is_left_to_ruamel(text: str):
    assert by_libyaml(text) is None
    assert shapes(events(text)) == shapes(by_ruamel(text))


def test_a_key_without_a_value_ends_where_ruamel_lets_it_end():
    assert alike("a:\n\nb:\n  -\n  - c:\n    d:\n  -\ne:\n-\n- # f\ng:\n  h:   # i\n\n\n")


def test_without_libyaml_all_is_read_as_ever(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    assert by_libyaml("a: b\n") is None
    assert shapes(events("a: b\n")) == shapes(by_ruamel("a: b\n"))
