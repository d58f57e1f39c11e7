"""Why a line cannot be read as YAML, in plain words, and the line as it was meant where that is clear."""

from __future__ import annotations

import re
from dataclasses import replace

from ruamel.yaml.error import MarkedYAMLError

from dialogs.reading.grammar import EVERY_KEY
from dialogs.reading.yaml_indent import beside, stray
from dialogs.reading.yaml_lines import (
    LINE,
    REMARK,
    Cause,
    after,
    before,
    in_quotes,
    indent,
    quoted,
    row_of,
    shortened,
    value_of,
)

CLOSED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^']|'')*'")
LIKE_A_KEY = re.compile(r" *(?:- .*|[\w%][\w% ]*:(?: .*)?)$")


def explain(lines: list[str], error: MarkedYAMLError) -> Cause:
    """The cause of what ruamel could not read."""
    mark = error.problem_mark or error.context_mark
    start = error.context_mark or mark
    line = min(mark.line if mark else 0, len(lines) - 1)
    column = mark.column if mark else 0
    begin = min(start.line if start else line, line)
    problem, context = error.problem or "", error.context or ""
    if cause := _open_quote(lines, line):
        return cause
    if "mapping values" in problem:
        cause = _second_colon(lines, line, column) or _colon_above(lines, line) or stray(lines, line)
    elif "expected ':'" in problem:
        cause = _no_colon(lines, begin)
    elif "quoted scalar" in context:
        cause = _in_a_quote(lines, begin, line, column)
    cause = cause or _odd_start(lines, begin, line, column) or _after_quote(lines, line)
    if cause is None and ("block" in problem or "document" in problem):
        cause = beside(lines, line)
    return cause or unknown(lines, line)


def unknown(lines: list[str], line: int) -> Cause:
    """What to say when nothing better is known."""
    line = min(line, len(lines) - 1)
    mend = "Compare it with the lines around it: a key, a colon, a space, then the text."
    return row_of(lines, line, "its form is not clear.", mend)


def _second_colon(lines: list[str], line: int, column: int) -> Cause | None:
    """`say: Note: we will`."""
    found = value_of(lines[line])
    if found is None or found.start("value") > column:
        return None
    text = found["value"]
    if text[:1] in "\"'" and CLOSED.match(text):
        return None
    better, shift = quoted(lines[line], found)
    what = "the text holds a colon."
    return Cause(line, column, what, in_quotes(text), better=better, shift=shift)


def _colon_above(lines: list[str], line: int) -> Cause | None:
    """The line above has no colon, and is not the rest of a text."""
    above = before(lines, line)
    if above is None or LINE.match(lines[above]) or lines[above].endswith(":"):
        return None
    further = before(lines, above)
    if further is not None and value_of(lines[further]) and indent(lines[further]) < indent(lines[above]):
        return None
    return _no_colon(lines, above)


def _no_colon(lines: list[str], line: int) -> Cause:
    """`say Hello`, `say:Hello`, `steps`."""
    row = lines[line]
    body = row.lstrip(" ")
    lead = len(row) - len(body)
    if glued := re.match(r"([\w%][\w% ]*?):(?=[^\s:])", body):
        spaced, place = body[: glued.end()] + " " + body[glued.end() :], lead + glued.end()
        mend = f'Put a space after it: "{shortened(spaced)}"'
        what = "no space follows the colon."
        return Cause(line, place - 1, what, mend, better=row[:lead] + spaced, shift=(place, 1))
    key = max((key for key in EVERY_KEY if f"{body} ".startswith(f"{key} ")), key=len, default="")
    above = before(lines, line)
    if not key and above is not None and lines[above].rstrip().endswith(("|", ">", "|-", ">-")):
        mend = "Begin it two letters further right than the key above."
        return row_of(lines, line, "it stands too far to the left.", mend)
    guess = not key and after(lines, line) <= lead  # a key of ours, or what heads the lines below, is none
    key = key or (body if re.fullmatch(r"[\w%]+", body) else "")
    if not key:
        mend = "If the text above goes on here, begin further right; if it has a key, put a colon after it."
        longer = "  " + row if above is not None and value_of(lines[above]) else None
        return replace(row_of(lines, line, "it has no key and colon.", mend, longer, 2), guess=True)
    rest = body[len(key) :].strip()
    better = f"{row[: lead + len(key)]}:{row[lead + len(key) :]}"
    what = f'the colon after "{key}" is missing.'
    mend = f'Write "{shortened(f"{key}: {rest}".strip())}"'
    return Cause(line, lead, what, mend, len(key), better=better, shift=(lead + len(key), 1), guess=guess)


def _open_quote(lines: list[str], last: int) -> Cause | None:
    """A quote that is not closed on its line and swallows the keys of the next ones."""
    number = 0
    while number <= last:
        found = value_of(lines[number])
        if found is None or found["value"][0] not in "\"'" or CLOSED.match(found["value"]):
            number += 1
            continue
        after = next((n for n in range(number + 1, len(lines)) if lines[n].strip()), None)
        if after is None or LIKE_A_KEY.match(lines[after]):
            quote = found["value"][0]
            better = lines[number] + quote
            mend = f"Put {quote} at the end of the text."
            return Cause(number, found.start("value"), "its quote is not closed.", mend, better=better)
        end = next((n for n in range(number + 1, len(lines)) if found["value"][0] in lines[n]), len(lines))
        number = end + 1
    return None


def _in_a_quote(lines: list[str], begin: int, line: int, column: int) -> Cause | None:
    """Inside a quoted text: a backslash, or its end never comes."""
    row = lines[line]
    if "\\" in row[max(column - 2, 0) : column + 1] and (found := value_of(row)):
        better, _ = quoted(row, found, found["value"].strip('"').replace("\\\\", "\\"))
        mend = "Use single quotes, or leave the backslash out."
        place = max(row.rfind("\\", 0, column + 1), 0)
        return Cause(line, place, "a backslash stands here.", mend, better=better)
    opened = value_of(lines[begin])
    place = opened.start("value") if opened else indent(lines[begin])
    return Cause(begin, place, "its quote is not closed.", "Put the same quote at the end of the text.")


def _odd_start(lines: list[str], begin: int, line: int, column: int) -> Cause | None:
    """The text begins with a sign that means something in YAML."""
    for number in dict.fromkeys((line, begin)):
        row = lines[number]
        found = value_of(row)
        if found is None and row.lstrip(" ").startswith(("[", "{")):
            what = f"a line cannot begin with {row.lstrip(' ')[0]}."
            mend = "Write each one on a line of its own: a key, a colon, a space, then the text."
            return Cause(number, indent(row), what, mend, 1, "brackets")
        if found is None or (number == line and column < found.start("value")):
            continue
        text, place = found["value"], found.start("value")
        odd = text[0] in "{[]}%@`&*!,>|" or re.match(r"[-?:](\s|$)", text)
        if not odd or re.fullmatch(r"[|>][-+0-9]*(\s+#.*)?", text):
            continue
        slug = "brackets" if text[0] in "{[" else "yaml"
        what, mend = f"a text cannot begin with {text[0]}.", in_quotes(text)
        better, shift = quoted(row, found)
        safe = better if text not in ("{", "[") else None
        return Cause(number, place, what, mend, 1, slug, safe, shift)
    return None


def _after_quote(lines: list[str], line: int) -> Cause | None:
    """`'don't go'`, `"Yes" is good`."""
    found = value_of(lines[line])
    closed = CLOSED.match(found["value"]) if found else None
    if found is None or closed is None or not REMARK.sub("", found["value"][closed.end() :]).strip():
        return None
    text = REMARK.sub("", found["value"])
    quote = text[0]
    inner = text[1:-1] if text.endswith(quote) and text.count(quote) % 2 else None
    better, shift = quoted(lines[line], found, inner)
    place = found.start("value") + closed.end() - 1
    what = "the quote ends here, and the text goes on."
    return Cause(line, place, what, in_quotes(text if inner is None else inner), better=better, shift=shift)
