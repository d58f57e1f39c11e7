"""The list of problems as people read it: as text with the line in question, as JSON, as GitHub annotations."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from dialogs.problem import Problem, errors

PAGE = "docs/problems.md"
HALF = re.compile("[\ud800-\udfff]")  # a byte outside UTF-8, as Python keeps it: nothing can write it out again
LONGEST_LINE = 120  # of a quoted line; what is beyond is left out around the place


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """By file and place, each once."""
    return sorted(dict.fromkeys(problems), key=lambda problem: (problem.at, problem.level, problem.slug, problem.text))


def as_text(problems: Sequence[Problem], files: Mapping[str, str]) -> str:
    """Every problem with the line it stands in, and a last line that counts them."""
    return "\n".join([*(told(problem, files) for problem in problems), counted(problems)]) + "\n"


def told(problem: Problem, files: Mapping[str, str]) -> str:
    """One problem: place and what is wrong, the line with the place marked, how to mend it."""
    lines = [str(problem)]
    rows = _rows(files.get(problem.at.file, ""))
    if 0 < problem.at.line <= len(rows) and rows[problem.at.line - 1].strip():
        row, column = _window(rows[problem.at.line - 1], problem.at.column)
        lines.append(f"{problem.at.line:>4} | {row}")
        lines.append(f"     | {_pad(row[: column - 1])}{_mark(row[column - 1 :], problem.width)}")
    if problem.mend:
        lines.append(f"     = {problem.mend}")
    return _whole("\n".join(lines))


@lru_cache(maxsize=2)
def _rows(source: str) -> list[str]:
    """The lines of a file. Problems stand in the order of files, and one file may have hundreds."""
    return source.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")


def counted(problems: Sequence[Problem]) -> str:
    """The last line: how many there are, and where to read more."""
    wrong = len(errors(list(problems)))
    odd = len(problems) - wrong
    if not problems:
        return "Nothing to mend."
    parts = [f"{number} {word}{'s' * (number != 1)}" for number, word in ((wrong, "error"), (odd, "warning")) if number]
    kept = " With an error the content that is in use stays in use." if wrong else ""
    return f"{' and '.join(parts)}.{kept} The words in brackets are explained in {PAGE}."


def as_json(problems: Sequence[Problem]) -> str:
    """A JSON list; lines and columns from 1."""
    rows = [
        {
            "file": problem.at.file,
            "line": problem.at.line,
            "column": problem.at.column,
            "width": problem.width,
            "level": problem.level,
            "slug": problem.slug,
            "text": problem.text,
            "mend": problem.mend,
        }
        for problem in problems
    ]
    return _whole(json.dumps(rows, ensure_ascii=False, indent=2)) + "\n"


def as_github(problems: Sequence[Problem]) -> str:
    """One workflow command per problem: GitHub shows it beside the line (docs: workflow commands)."""
    return _whole("".join(f"{_annotation(problem)}\n" for problem in problems))


def _whole(text: str) -> str:
    """The text in letters that any file and any screen takes."""
    return HALF.sub("\ufffd", text)


def _annotation(problem: Problem) -> str:
    at = problem.at
    place = {
        "file": at.file,
        "line": str(at.line),
        "col": str(at.column),
        "endColumn": str(at.column + max(problem.width, 1)),
        "title": problem.slug,
    }
    properties = ",".join(f"{name}={_escaped(value, ':,')}" for name, value in place.items())
    text = f"{problem.text}\n{problem.mend}" if problem.mend else problem.text
    return f"::{problem.level} {properties}::{_escaped(text)}"


def _escaped(text: str, more: str = "") -> str:
    for letter in "%\r\n" + more:
        text = text.replace(letter, f"%{ord(letter):02X}")
    return text


def _window(row: str, column: int) -> tuple[str, int]:
    """The row shortened around the column, and the column in it."""
    column = min(max(column, 1), len(row) + 1)
    start = max(0, min(column - LONGEST_LINE // 2, len(row) - LONGEST_LINE))
    shown = row[start : start + LONGEST_LINE]
    head, tail = "..." * (start > 0), "..." * (start + LONGEST_LINE < len(row))
    return f"{head}{shown}{tail}".replace("\t", " "), column - start + len(head)


def _width(letter: str) -> int:
    if unicodedata.category(letter) in ("Mn", "Me", "Cf", "Cc"):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def _pad(text: str) -> str:
    return " " * sum(map(_width, text))


def _mark(text: str, width: int) -> str:
    return "^" * max(1, sum(map(_width, text[: max(width, 1)])))
