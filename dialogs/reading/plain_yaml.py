"""The small safe part of YAML: text, keys and lists, each with its place; everything else is a problem.

Read from events, not nodes: an alias then has a place of its own, and nothing can refer to itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml.error import MarkedYAMLError, YAMLError

from dialogs.problem import At, Level, Problem
from dialogs.reading.grammar import EVERY_KEY
from dialogs.reading.yaml_causes import explain, unknown
from dialogs.reading.yaml_events import ALIAS, DOCUMENT, END, END_OF_KEYS, START, TEXT, events
from dialogs.reading.yaml_lines import in_quotes, shortened
from dialogs.reading.yaml_page import UNSENDABLE, Page, lines_of

# Lines of their own, when they stand among the lines of a text: a key with what it says, the name of a step, a dash.
A_KEY = re.compile(rf" *((?:{'|'.join(EVERY_KEY)}):(?: .*)?|[a-z][a-z0-9_]*:)$")
A_DASH = re.compile(r" *(- .*)$")


@dataclass(frozen=True, slots=True)
class Plain:
    """One text; `at` is its first letter, `width` its length on that line."""

    text: str
    at: At
    width: int = 1
    flawed: bool = False  # a problem is known already: whatever else is wrong with it comes from that


@dataclass(frozen=True, slots=True)
class Items:
    """Lines that begin with a dash."""

    items: tuple[Node, ...]
    at: At
    width: int = 1
    flawed: bool = False


@dataclass(frozen=True, slots=True)
class Pair:
    """One `key: value`."""

    key: Plain
    value: Node


@dataclass(frozen=True, slots=True)
class Pairs:
    """Lines of `key: value`; no key is there twice."""

    pairs: tuple[Pair, ...]
    at: At
    width: int = 1
    flawed: bool = False


Node = Plain | Items | Pairs


def grow(file: str, source: str | bytes) -> tuple[Node | None, list[Problem]]:
    """The tree of a file, or None if it is empty or cannot be read; and all problems. Never raises."""
    page = Page(file, lines_of(source))
    page.clean()
    root: Node | None = None
    while page.whole:
        builder = _Builder(page)
        try:
            root = builder.build()
        except MarkedYAMLError as error:
            page.mend(explain(page.lines, error))
        except (YAMLError, ValueError, OverflowError):  # "\UFFFFFFFF": ruamel lets what chr() raises through
            page.mend(unknown(page.lines, builder.line))
        else:
            return (None, page.problems) if page.guessed else (root, page.problems + builder.problems)
    return None, page.problems


@dataclass(slots=True)
class _Frame:
    """A list or a block of keys whose end was not seen yet."""

    start: Any
    nodes: list[Node] = field(default_factory=list)


class _Builder:
    """Makes the tree out of the events of one pass over a page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.problems: list[Problem] = []
        self.frames: list[_Frame] = []
        self.line = self.column = 0  # where the last event ended

    def build(self) -> Node | None:
        """The first document as a tree; raises what ruamel raises."""
        root = _Frame(None)
        self.frames = [root]
        for event in self._events():
            if isinstance(event, ALIAS):
                self.frames[-1].nodes.append(self._raw(event))
            elif isinstance(event, TEXT):
                self.frames[-1].nodes.append(self._plain(event))
            elif isinstance(event, START):
                self._check_start(event)
                self.frames.append(_Frame(event))
            elif isinstance(event, END):
                frame = self.frames.pop()
                of_keys = isinstance(event, END_OF_KEYS)
                self.frames[-1].nodes.append(self._pairs(frame) if of_keys else self._items(frame))
        return root.nodes[0] if root.nodes else None

    def _events(self) -> Iterator[Any]:
        seen = False
        for event in events("\n".join(self.page.lines) + "\n"):
            if isinstance(event, DOCUMENT):
                if seen:
                    mend = "Delete the line with --- or ... here."
                    self._note(self._at(event), 3, "yaml", "A second document begins here.", mend)
                    return
                seen = True
            yield event
            self.line, self.column = event.end_mark.line, event.end_mark.column

    def _plain(self, event: Any) -> Plain:
        if event.anchor is not None or event.tag is not None:
            return self._raw(event)
        text, at = event.value.strip(), self._at(event)
        if event.start_mark.index == event.end_mark.index:  # nothing: ruamel puts it before the next key
            cut = self._cut(r":?\s+#\S", self.line, self.column, "error")
            return Plain("", self.page.place(self.line, self.column), flawed=cut)
        line, column = event.start_mark.line, event.start_mark.column
        row = self.page.lines[line]
        if event.style in ("|", ">"):
            line = next((n for n in range(line + 1, event.end_mark.line) if self.page.lines[n].strip()), line)
            row = self.page.lines[line]
            column = len(row) - len(row.lstrip())
            at, end = self.page.place(line, column), len(row)
        elif event.style:
            at = self.page.place(line, column + 1)
            end = event.end_mark.column - 2 if event.end_mark.line == line else len(row) - 1
        else:
            end = event.end_mark.column if event.end_mark.line == line else len(row)
            self._cut(r"\s+#\S", event.end_mark.line, event.end_mark.column, "warning")
        if bad := UNSENDABLE.search(text):
            what = f"This text holds a sign that cannot be sent (U+{ord(bad[0]):04X})."
            mend = "Write the letter itself, not a code with a backslash."
            self._note(at, end - column, "yaml", what, mend)
            return Plain(UNSENDABLE.sub(" ", text), at, max(end - column, 1), flawed=True)
        return Plain(text, at, max(end - column, 1), flawed=self._swallows(event))

    def _swallows(self, event: Any) -> bool:
        """`go: end` below a text, and further right than its key, would be read out to people."""
        block = event.style in ("|", ">")
        for line in range(event.start_mark.line + 1, event.end_mark.line + (not block)):
            row = self.page.lines[line]
            found = A_KEY.match(row) or (None if block else A_DASH.match(row))
            if found:
                text = f"This line is taken as a part of the text that begins in line {event.start_mark.line + 1}."
                mend = "Begin it further left, beside the lines that it belongs with."
                if found.re is A_KEY:
                    mend += " If it is a part of the text, begin it with a capital letter."
                self._note(self.page.place(line, found.start(1)), len(found[1]), "yaml", text, mend)
                return True
        return False

    def _cut(self, remark: str, line: int, column: int, level: Level) -> bool:
        """`say: Ask for form #5` would lose its end without a word."""
        cut = line < len(self.page.lines) and re.match(remark, self.page.lines[line][column:]) is not None
        if cut:
            hash_ = self.page.lines[line].index("#", column)
            mend = "Put the whole text in quotes; or if it is a remark for editors, put a space after the #."
            text = "Everything after the # is left out."
            self._note(self.page.place(line, hash_), 1, "yaml", text, mend, level)
        return cut

    def _raw(self, event: Any) -> Plain:
        """A text that begins with & * or !: taken as it stands on its line, after the problem."""
        line, column = event.start_mark.line, event.start_mark.column
        row = re.sub(r"\s+#\s.*$", "", self.page.lines[line])
        text, at = row[column:].strip(), self._at(event)
        self._note(at, 1, "yaml", f"A text cannot begin with {row[column : column + 1]}.", in_quotes(text))
        return Plain(text, at, max(len(text), 1))

    def _check_start(self, event: Any) -> None:
        line, column = event.start_mark.line, event.start_mark.column
        rest = self.page.lines[line][column:]
        if event.anchor is not None or event.tag is not None:
            mend = "Delete it, and write the lines out again wherever they are needed."
            self._note(self._at(event), 1, "yaml", f"{rest[:1]} has no meaning in these files.", mend)
        elif event.flow_style and not any(frame.start and frame.start.flow_style for frame in self.frames):
            mend = "Write each one on a line of its own."
            if re.match(r"\{\w*\}|\[\w*\]", rest):
                mend = in_quotes(rest)
            self._note(self._at(event), 1, "brackets", f"A value cannot begin with {rest[:1]}.", mend)

    def _items(self, frame: _Frame) -> Items:
        at = self._at(frame.start)
        return Items(tuple(frame.nodes), at, 1, bool(frame.start.flow_style))

    def _pairs(self, frame: _Frame) -> Pairs:
        found: dict[str, Pair] = {}
        again: list[tuple[Plain, Plain]] = []
        for key, value in zip(frame.nodes[::2], frame.nodes[1::2], strict=False):
            if not isinstance(key, Plain) or not key.text:
                if not key.flawed:
                    mend = "Begin the line with a key and a colon."
                    self._note(key.at, 1, "yaml", "A key must be a plain word.", mend)
                continue
            name = " ".join(key.text.split())
            if name in found:
                first = found[name].key
                if found[name].value == Plain("", first.at, first.width):
                    found[name] = Pair(first, value)  # else the empty one would be a second problem
                again.append((key, first))
                continue
            if value == Plain("", value.at):
                value = Plain("", key.at, key.width)
            found[name] = Pair(Plain(name, key.at, key.width, key.flawed or name[0] in "&*!"), value)
        if again:
            self._twice(*again[0], len(again))
        top = next(iter(found.values()), None)
        at, width = (top.key.at, top.key.width) if top else (self._at(frame.start), 1)
        return Pairs(tuple(found.values()), at, width, len(again) > 1 or bool(frame.start.flow_style))

    def _twice(self, key: Plain, first: Plain, times: int) -> None:
        text = f'"{shortened(key.text)}" stands here twice; the first is in line {first.at.line}.'
        mend = "Delete one of them, or give it another name."
        if times > 1:  # two blocks ran into one: the other keys tell nothing new
            mend = "Other keys below stand here twice too: is a line missing above, such as the name of a step?"
        self._note(key.at, key.width, "twice", text, mend)

    def _at(self, event: Any) -> At:
        return self.page.place(event.start_mark.line, event.start_mark.column)

    def _note(self, at: At, width: int, slug: str, text: str, mend: str, level: Level = "error") -> None:
        self.problems.append(Problem(at, slug, text, mend, level, width))
