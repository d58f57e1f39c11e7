"""The lines of a YAML file, put right where that is safe, so that reading goes on to the next fault."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from dialogs.problem import At, Problem
from dialogs.reading.yaml_lines import Cause

MOST_OPEN = 100  # brackets
MOST_MENDED = 50  # lines put right on the way to the next fault; then the rest of the file waits
# Control characters, line breaks that no editor shows, lone surrogates (bytes outside UTF-8), the BOM.
UNSENDABLE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffd-\uffff]")
HALF = re.compile("[\ud800-\udfff\ufffd]")


def lines_of(source: str | bytes) -> list[str]:
    """The lines as an editor counts them, without a byte order mark."""
    text = source.decode("utf-8", "surrogateescape") if isinstance(source, bytes) else source
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")


@dataclass(slots=True)
class Page:
    """The lines of a file, put right where that is safe, so that reading goes on to the next fault."""

    file: str
    lines: list[str]
    problems: list[Problem] = field(default_factory=list)
    # By line: from this column on, so many letters were put in.
    shifts: dict[int, tuple[int, int]] = field(default_factory=dict)
    mended: set[int] = field(default_factory=set)
    guessed: bool = False  # where a line belongs: then only what is wrong inside of lines is told, not the tree
    whole: bool = True  # False: a fault could not be put right

    def clean(self) -> None:
        """Find what YAML does not take at all: tabs that indent, letters outside UTF-8 or unseen."""
        self._bound()
        if self._wide():
            self.note(0, 0, 1, "the file is not in UTF-8.", "Save it again with the encoding UTF-8.")
            self.whole = False
            return
        for number, line in enumerate(self.lines):
            indent = line[: len(line) - len(line.lstrip(" \t"))]
            if "\t" in indent and line.strip():
                text, mend = "a tab indents it.", "Use spaces: two for each level."
                self.mend(Cause(number, indent.index("\t"), text, mend))
            line = self.lines[number] = line.replace("\t", " ").rstrip(" ")
            before = len(line)
            for bad in UNSENDABLE.finditer(line):
                if HALF.match(bad[0]):
                    text, mend = "the file is not in UTF-8.", "Save it again with the encoding UTF-8."
                else:
                    text = f"an unseen sign (U+{ord(bad[0]):04X}) stands here."
                    mend = "Delete it and type the words around it again."
                self.note(number, bad.start(), 1, text, mend)
                line = self.lines[number] = UNSENDABLE.sub("", HALF.sub("x", line))
                self.shifts[number] = (bad.start(), len(line) - before)
                break

    def _wide(self) -> bool:
        """True for UTF-16 and UTF-32, where every other sign is a zero: one problem, not one on each line."""
        text = "\n".join(self.lines)
        return text.count("\0") > len(text) // 4

    def _bound(self) -> None:
        """Stop at a tower of brackets: ruamel takes minutes for some thousands of them."""
        opened = 0
        for number, line in enumerate(self.lines):
            opened = max(opened + line.count("[") + line.count("{") - line.count("]") - line.count("}"), 0)
            if opened > MOST_OPEN:
                what, mend = "too many brackets are open.", "Write each one on a line of its own, without brackets."
                self.mend(Cause(number, 0, what, mend, max(len(line), 1), "brackets"))
                return

    def mend(self, cause: Cause) -> None:
        """Note the fault; put its line right if that is safe and it was not tried before."""
        if cause.line not in self.mended and not (self.guessed and cause.guess):
            self.note(cause.line, cause.column, cause.width, cause.text, cause.mend, cause.slug)
        if cause.better is None or cause.line in self.mended or len(self.mended) >= MOST_MENDED:
            self.whole = False
            return
        self.guessed = self.guessed or cause.guess
        self.lines[cause.line] = cause.better
        self.shifts[cause.line] = cause.shift
        self.mended.add(cause.line)

    def note(self, line: int, column: int, width: int, text: str, mend: str, slug: str = "yaml") -> None:
        """One problem; line and column counted from 0, as ruamel does."""
        what = f"Cannot read this line: {text}"
        self.problems.append(Problem(self.place(line, column), slug, what, mend, "error", width))

    def place(self, line: int, column: int) -> At:
        """The place in the file as it was before it was put right."""
        start, letters = self.shifts.get(line, (0, 0))
        return At(self.file, line + 1, (column if column < start else max(column - letters, 0)) + 1)
