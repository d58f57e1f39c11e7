from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogs.check.drawing import draw, label
from dialogs.script import Choice, Dialog, Step, Text
from dialogs.written import Written, read_files, read_folder

ROOT = Path(__file__).resolve().parent.parent
NODE = re.compile(
    r'(?:[sd]_[a-z0-9_]+|e_end|e_forget)(?:\[("[^"]+")\]|\{\{("[^"]+")\}\}|\(\[("[^"]+")\]\)|\(\(("[^"]+")\)\))?'
)
ARROW = re.compile(r'(?:-->|-\.->)(?:\|"[^"]+"\|)?')
TRAPS = (
    "Say \"yes\", or 'no'",
    "end",
    "1. Yes",
    "2) No",
    "- a list",
    "# a heading",
    "#quot; #35; style: x#a;",
    "classDef a:b#c;",
    "[a] {b} (c) |d| <e> &amp; %%f",
    "`code` and **bold** and _slanted_ and $$x$$",
    "click me; then --> there",
    "One\nline\r\nand\u2028more\x07",
    "\U0001f600 é ለላ اب",
    "  ",
    "%%{init: {}}%%",
)


def step(id: str, text: str, *, asked: str = "") -> Step:
    choices = (Choice("yes", Text("x", asked)), Choice("no", Text("y", "No"), go="/other")) if asked else ()
    said = (Text(f"trap:{id}.say", text),)
    return Step(id, "ask" if asked else "say", "choice" if asked else "page", texts=said, choices=choices)


def trapped() -> dict[str, Dialog]:
    """Dialogs with every text that Mermaid could stumble over."""
    steps = [step(f"end{n}", text, asked=text if n % 2 else "") for n, text in enumerate(TRAPS)]
    index = {each.id: n for n, each in enumerate(steps)}
    other = Dialog("other", Text("other:title", TRAPS[6]), (step("end", "end"),), index={"end": 0})
    return {"trap": Dialog("trap", Text("trap:title", TRAPS[8]), tuple(steps), index=index), "other": other}


@pytest.fixture(scope="module")
def ours() -> Written:
    return read_folder(ROOT / "content")


def maps(written: Written) -> Iterator[tuple[str, str]]:
    for dialogs in (written.dialogs, trapped()):
        yield from ((name, draw(dialogs, name)) for name in ("", *dialogs))


def understood(drawn: str) -> bool:
    """A strict reading of the little of Mermaid that a map may use."""
    first, *lines = drawn.removesuffix("\n").split("\n")
    return first == "flowchart TD" and all(map(_understood, lines))


def _understood(line: str) -> bool:
    before, arrow, after = line.strip(), "", ""
    if found := re.search(r" (?=-->|-\.->)", before):
        before, rest = before[: found.start()], before[found.end() :]
        found = ARROW.match(rest)
        if found is None:
            return False
        arrow, after = found[0], rest[found.end() :].strip()
    return all(NODE.fullmatch(part) for part in ([before, after] if arrow else [before]))


def test_the_maps_of_all_dialogs_are_of_the_plain_form(ours: Written):
    for name, drawn in maps(ours):
        assert understood(drawn), name


@given(st.text())
def test_no_text_gets_out_of_its_label(text: str):
    drawn = label(text)
    inside = drawn[1:-1]
    assert inside
    assert drawn[0] == drawn[-1] == '"'
    assert not re.search(r'["<>&`*_~\[\]{}|$%^=+@\\/:\n\r]', inside)
    assert re.sub(r"#\d+;", "", inside).count("#") == 0
    assert not re.match(r"\d+[.)]|[-.]", inside)


@pytest.mark.parametrize("text", TRAPS)
def test_a_label_reads_as_it_was_written(text: str):
    read = re.sub(r"#(\d+);", lambda found: chr(int(found[1])), label(text, 200)[1:-1])
    assert read == (" ".join("".join(c if c.isprintable() else " " for c in text).split()) or "?")


def test_a_map_is_readable():
    files = {
        "content/common.yaml": b"language: en\ntexts:\n  next: Next\n",
        "content/dialogs/menu.yaml": b"title: Menu\nsteps:\n  a:\n    say: Hi.\n",
        "content/dialogs/quiz.yaml": (
            b"title: Quiz\nthen: /menu\nsteps:\n"
            b"  first:\n    ask: A question that is much longer than the label of a box in a map may be?\n"
            b"    choices:\n      gold: Gold\n      tin: Tin\n    go:\n      tin: end\n"
            b"  second:\n    only if: first is gold\n    say: Good.\n"
        ),
    }
    assert draw(read_files(files).dialogs, "quiz") == (
        "flowchart TD\n"
        '    s_first{{"A question that is much longer than the label..."}}\n'
        '    s_second["Good."]\n'
        '    s_first -->|"Gold"| s_second\n'
        '    s_first -->|"Tin"| e_end(("The call ends"))\n'
        '    s_second --> d_menu(["Menu"])\n'
        '    s_second -.->|"skipped unless first is gold"| d_menu(["Menu"])\n'
    )


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.skipif("NGAZI_MERMAID" not in os.environ, reason="NGAZI_MERMAID names no mermaid.min.js")
def test_mermaid_itself_draws_every_map_and_shows_each_label_as_written(ours: Written):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page()
        page.set_content("<div id=there></div>")
        page.add_script_tag(path=os.environ["NGAZI_MERMAID"])
        page.evaluate("mermaid.initialize({startOnLoad: false})")
        for number, (name, drawn) in enumerate(maps(ours)):
            shown = page.evaluate(
                "async ([id, text]) => { const {svg} = await mermaid.render(id, text); there.innerHTML = svg;"
                " return [...there.querySelectorAll('.nodeLabel')].map(each => each.textContent) }",
                [f"map{number}", drawn],
            )
            wanted = {
                " ".join(re.sub(r"#(\d+);", lambda found: chr(int(found[1])), text).split())
                for text in re.findall(r'[\[{(]"([^"]+)"[\]})]', drawn)
            }
            assert {" ".join(text.split()) for text in shown} >= wanted, name
        browser.close()
