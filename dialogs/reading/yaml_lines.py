"""Lines of YAML as a person sees them: key, text, indentation; and the cause why one cannot be read."""

from __future__ import annotations

import re
from dataclasses import dataclass

# "  - key: value"; the first colon with a space after it ends the key.
LINE = re.compile(r"(?P<lead> *(?:- +)*)(?P<key>[^\s#'\"].*?) *:(?P<gap> +)(?P<value>\S.*)$")
ITEM = re.compile(r"(?P<lead> *(?:- +)+)(?P<value>\S.*)$")
REMARK = re.compile(r"\s+#\s.*$")


@dataclass(frozen=True, slots=True)
class Cause:
    """Where it is (counted from 0), what it is, how to mend it."""

    line: int
    column: int
    text: str
    mend: str
    width: int = 1
    slug: str = "yaml"
    better: str | None = None  # the line put right; None: what follows cannot be trusted
    shift: tuple[int, int] = (0, 0)  # from this column on, so many letters were put in
    guess: bool = False  # the better line may belong elsewhere


def in_quotes(text: str) -> str:
    """The advice to put a text in quotes, with its beginning as the example."""
    text = REMARK.sub("", text).strip()
    shown = shortened(text)
    if '"' not in text and "\\" not in text:
        return f'Put the whole text in quotes: "{shown}"'
    hint = " and write '' for each ' in it" if "'" in text else ""
    return f"Put the whole text in single quotes{hint}: '" + shown.replace("'", "''") + "'"


def shortened(text: str) -> str:
    """The first words of a text."""
    words = text.split()
    shown = " ".join(words[:3]) if len(words) > 4 else " ".join(words)
    shown = shown[:40]
    return shown if shown == " ".join(words) else shown + " …"


def row_of(lines: list[str], line: int, text: str, mend: str, better: str | None = None, moved: int = 0) -> Cause:
    """A cause that concerns a line as a whole; `moved`: so far to the right is the better one."""
    body = lines[line].lstrip(" ")
    width = max(len(body), 1)
    return Cause(line, indent(lines[line]), text, mend, width, better=better, shift=(0, moved))


def value_of(row: str) -> re.Match[str] | None:
    """The text of a line: what follows its key, or the dash of a list."""
    found = LINE.match(row)
    return found if found and "-" not in found["lead"] else ITEM.match(row)


def quoted(row: str, found: re.Match[str], text: str | None = None) -> tuple[str, tuple[int, int]]:
    """The line with its text in quotes, and from where how far letters move."""
    value = found["value"]
    bare = REMARK.sub("", value)
    start = found.start("value")
    inner = "'" + (bare if text is None else text).replace("'", "''") + "'"
    return row[:start] + inner + value[len(bare) :], (start, 1 if text is None else 0)


def before(lines: list[str], line: int) -> int | None:
    """The nearest line above that says something."""
    for number in range(line - 1, -1, -1):
        if (body := lines[number].strip()) and not body.startswith("#"):
            return number
    return None


def after(lines: list[str], line: int) -> int:
    """The indentation of the next line below that says something."""
    return next((indent(row) for row in lines[line + 1 :] if row.strip() and not row.lstrip().startswith("#")), 0)


def indent(row: str) -> int:
    """How many spaces a line begins with."""
    return len(row) - len(row.lstrip(" "))


def key_of(row: str) -> str:
    """What stands before the first colon of a line."""
    return row.split(":")[0].strip(" -")
