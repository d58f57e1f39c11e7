"""What a text with choices becomes on WhatsApp: buttons, a list that a button opens, or the text with its numbers.

Pure. The limits are Twilio's: "twilio/quick-reply", "twilio/list-picker", "Using variables with content templates".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from dialogs.inbound import Reply, parted, press
from gateway.providers import Outgoing

Kind = Literal["reply", "list", "long"]
"""Up to three buttons; a list; a list whose items are numbers, with the words below each."""

MOST_BUTTONS, MOST_ITEMS = 3, 10
BODY, TITLE, OPENS, ITEM, DESCRIPTION = 1024, 20, 20, 24, 72  # letters
VALUE, MOST_VALUES = 255, 100  # letters of a variable, variables
BLANKS = re.compile(r"\s+")
BRACES = re.compile(r"\{\{|\}\}")  # would be a variable inside a variable


class Form(NamedTuple):
    """The shape of a message, and all that is stored at Twilio: it is made of variables alone."""

    kind: Kind
    lines: int
    choices: int

    @property
    def name(self) -> str:
        """By which it is found again."""
        return f"ngazi_{self.kind}_{self.lines}_{self.choices}"

    def content(self) -> Mapping[str, Any]:
        """What Twilio is asked to make of it. Numbers stand for the variables where they are shown."""
        body = "\n".join(f"{{{{{line}}}}}" for line in range(1, self.lines + 1))
        count = self.lines + (self.kind != "reply") + self.choices * len(self.parts)
        first = count + 1 - self.choices * len(self.parts)
        each = [
            {part: f"{{{{{first + at * len(self.parts) + place}}}}}" for place, part in enumerate(self.parts)}
            for at in range(self.choices)
        ]
        if self.kind == "reply":
            actions = [{"type": "QUICK_REPLY", **action} for action in each]
            type, said = "twilio/quick-reply", {"body": body, "actions": actions}
        else:
            type, said = "twilio/list-picker", {"body": body, "button": f"{{{{{self.lines + 1}}}}}", "items": each}
        samples = {str(number): str(number) for number in range(1, count + 1)}
        return {"friendly_name": self.name, "language": "en", "variables": samples, "types": {type: said}}

    @property
    def parts(self) -> tuple[str, ...]:
        """What a choice has, in the order of its variables."""
        return {"reply": ("title", "id"), "list": ("item", "id"), "long": ("item", "id", "description")}[self.kind]


class Filled(NamedTuple):
    """A form with the words of one message."""

    form: Form
    values: Sequence[str]

    @property
    def variables(self) -> str:
        """As a message takes them. Twilio has refused values with an apostrophe, so it is written by its number."""
        written = json.dumps({str(number): value for number, value in enumerate(self.values, 1)})
        return written.replace("'", "\\u0027")


def filled(message: Outgoing) -> Filled | None:
    """The message with buttons or a list; None where it goes as a text with numbers. No choice is ever cut."""
    if not message.place:
        return None
    text, ways = parted(Reply(message.text, ("",) * message.choices, more=True))
    keys = [press(key, message.place) for key, _ in ways]
    words = [_plain(words) for _, words in ways]
    alike = len(set(words)) < len(words)
    if len(ways) <= MOST_BUTTONS and _fit(words, TITLE) and not alike:
        return _whole("reply", _lines(text), [*zip(words, keys, strict=True)])
    opens = _plain(message.choose)
    if len(ways) > MOST_ITEMS or not _fit([opens], OPENS):
        return None
    lines = _lines(message.text)  # with the numbers: a list is not seen before it is opened
    if _fit(words, ITEM) and not alike:
        return _whole("list", lines, [*zip(words, keys, strict=True)], opens)
    if _fit(words, DESCRIPTION):
        numbers = [f"{key}." for key, _ in ways]
        return _whole("long", lines, [*zip(numbers, keys, words, strict=True)], opens)
    return None


def _whole(kind: Kind, lines: Sequence[str], choices: Sequence[Sequence[str]], *opens: str) -> Filled | None:
    """None where anything is missing or too long."""
    values = [*lines, *opens, *(value for choice in choices for value in choice)]
    if not (lines and choices) or _size("\n".join(lines)) > BODY or len(values) > MOST_VALUES:
        return None
    if not _fit(values, VALUE) or any(map(BRACES.search, values)):
        return None
    return Filled(Form(kind, len(lines), len(choices)), values)


def _lines(text: str) -> list[str]:
    """The lines that have letters: a variable may hold no line break and may not be empty."""
    return [line for line in map(_plain, text.split("\n")) if line]


def _plain(line: str) -> str:
    """On one line, without tabs and rows of blanks."""
    return BLANKS.sub(lambda found: found[0] if found[0] in (" ", "\u00a0") else " ", line).strip()


def _fit(words: Sequence[str], most: int) -> bool:
    return all(0 < _size(each) <= most for each in words)


def _size(text: str) -> int:
    """Letters as the strictest counts them: in UTF-16."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
