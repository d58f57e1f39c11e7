"""Why a line stands wrongly among the lines around it, in plain words."""

from __future__ import annotations

import re
from dataclasses import replace

from dialogs.reading.grammar import EVERY_KEY
from dialogs.reading.yaml_lines import Cause, after, before, in_quotes, indent, key_of, row_of, shortened, value_of


def stray(lines: list[str], line: int) -> Cause | None:
    """A key where no key can stand, as the line above holds a text: one of the two is indented wrongly."""
    above = before(lines, line)
    if above is None:
        return None
    key, further = key_of(lines[line]), before(lines, above)
    if further is not None and _astray(lines, further, above, line):
        if indent(lines[further]) != indent(lines[line]) and indent(lines[above]):
            return _under(lines, above, line)
        return _under(lines, above, further, 0 if value_of(lines[further]) else 2)
    if key not in EVERY_KEY and re.search(r"[A-Z]", key):
        text = value_of(lines[above])
        mend = in_quotes(text["value"] if text else lines[above])
        return Cause(line, lines[line].index(":"), "the text holds a colon.", mend)
    cause = _under(lines, line, _like(lines, line, above))
    if key not in EVERY_KEY and key_of(lines[above]) in EVERY_KEY and value_of(lines[above]):
        head = "choices" if indent(lines[above]) else "steps"
        return replace(cause, mend=f'{cause.mend} Or a line that heads it is missing, such as "{head}:".')
    return cause


def beside(lines: list[str], line: int) -> Cause | None:
    """A line that stands under nothing, or keys and dashes side by side."""
    above = before(lines, line)
    if above is None:
        return None
    dashes = [lines[number].lstrip(" ").startswith("- ") for number in (line, above)]
    if dashes[0] is not dashes[1] and indent(lines[line]) == indent(lines[above]):
        mend = "Give every line of this block a dash, or none."
        return replace(row_of(lines, line, "keys and dashes stand side by side.", mend), guess=True)
    column = indent(lines[above]) + 1
    mend = f"Begin it in the column of the line it belongs with; the line above begins in column {column}."
    return replace(row_of(lines, line, "it is indented wrongly.", mend), guess=True)


def _astray(lines: list[str], further: int, above: int, line: int) -> bool:
    """True if not this line, but the one above it is indented wrongly: what is around the two says so."""
    left, wrong, right = (indent(lines[number]) for number in (further, above, line))
    below = after(lines, line)
    if (left == wrong and value_of(lines[further])) or (not value_of(lines[line]) and below <= right):
        return False
    if wrong == 0 and key_of(lines[above]) not in EVERY_KEY:
        return True
    ours = key_of(lines[line]) in EVERY_KEY or key_of(lines[above]) not in EVERY_KEY
    return right == left or (right == below and ours) or (left >= wrong and not value_of(lines[further]))


def _like(lines: list[str], line: int, above: int) -> int:
    """The line that this one should be in column with."""
    below = after(lines, line)
    if value_of(lines[line]) or below > indent(lines[line]):
        return above
    found: int | None = above
    while found is not None and (value_of(lines[found]) or indent(lines[found]) >= below):
        found = before(lines, found)  # it heads the lines below it, so it stands left of them
    return above if found is None else found


def _under(lines: list[str], line: int, model: int, deeper: int = 0) -> Cause:
    """This line should begin in the column of another one, or so much deeper."""
    column, body = indent(lines[model]) + deeper, lines[line].lstrip(" ")
    moved = column - indent(lines[line])
    side = "right" if moved < 0 else "left"
    place = f'{"under" if deeper else "as"} "{shortened(key_of(lines[model]))}" in line {model + 1}'
    what, mend = f"it stands too far to the {side}.", f"Begin it in column {column + 1}, {place}."
    return replace(row_of(lines, line, what, mend, " " * column + body, moved), guess=True)
