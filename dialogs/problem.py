"""A place in a content file, and a problem found there, told to the person who can mend it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, order=True)
class At:
    """Where something stands: file as the editor knows it, line and column counted from 1."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend in the content: place, what, and how. Any error keeps the old content in force."""

    at: At
    slug: str
    text: str
    mend: str = ""
    level: Level = "error"
    width: int = 1

    def __str__(self) -> str:
        return f"{self.at}: {self.level}: {self.text} [{self.slug}]"


def errors(problems: list[Problem]) -> list[Problem]:
    """Those that keep the old content in force."""
    return [problem for problem in problems if problem.level == "error"]
