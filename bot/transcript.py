"""The page of the docs on which the played stories stand, word by word, as a rehearsal is written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import takewhile

from bot.speaking import Answer
from dialogs.content import Content

SIX_DIGITS = re.compile(r"\b\d{6}\b")
PLACEHOLDER = re.compile(r"\\\{\w+\\\}")  # in what re.escape gives
TELLING = 8  # letters beside placeholders by which a text is known
NUMBERED = re.compile(r"\d+\. ")
STORY = "chat-to-phone"
HEADINGS = {
    "en": "English, whole",
    "sw": "Kiswahili, the opening",
    "fr": "French, the opening",
    "es": "Spanish, the opening",
}
SIGNS = {
    ("phone", "says"): "<",
    ("phone", "dials"): "dials",
    ("phone", "hangs up"): "hangs up",
    ("chat", "says"): "chats",
    ("chat", "looks"): "looks",
}
HEAD = """\
# A conversation

Somebody writes in the web chat that they want to know if they are ready, answers in words, asks something in between,
links the chat to a phone, and goes on there by USSD at the same question. All four were played whole; here the
English one stands whole, the others until the phone takes over.

`chats` is a message in the web chat or the number of a button there, `looks` a look at what stands in it, `dials` a
call, `<` a key pressed in it, and `>` what came back. The code, made by chance, is masked.

Played on {day} with Ngazi {version} and Rasa {rasa}, and written by

```sh
{command}
```

The stories stand in `bot/assistant/tests/stories/`, and `make bot-test` plays them all. [The assistant](assistant.md)
tells more.
"""
COMMAND = ".venv/bin/python -m bot.rasa stories --write docs/conversation.md"


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that was done, and what came back; None for what has no answer."""

    who: str
    verb: str
    text: str
    answer: Answer | None = None


def page(played: Mapping[tuple[str, str], Sequence[Said]], day: date, version: str, rasa: str) -> str:
    """The page: the English conversation whole, the others until the phone takes over. Raises KeyError where one was
    not played."""
    written_parts = [HEAD.format(day=day.isoformat(), version=version, rasa=rasa, command=COMMAND)]
    for language, heading in HEADINGS.items():
        said = played[STORY, language]
        shown = said if language == "en" else list(takewhile(lambda each: each.who != "phone", said))
        written_parts.append(f"## {heading}\n\n```text\n{written(shown)}\n```\n")
    return "\n".join(written_parts)


def written(said: Sequence[Said]) -> str:
    """A conversation as rehearsals are written, without what chance made."""
    lines: list[str] = []
    for each in said:
        sign = SIGNS.get((each.who, each.verb), f"{each.who} {each.verb}".removesuffix(" says"))
        lines.append(f"{sign} {each.text.partition('@')[0]}".rstrip())
        if each.answer is not None:
            lines += [f"> {line}".rstrip() for line in each.answer.shown().split("\n")]
    return SIX_DIGITS.sub("••••••", "\n".join(lines))


def strange_lines(written_page: str, content: Content) -> Iterator[str]:
    """The lines on a page that Ngazi does not say in any language, as the content stands."""
    known = said_by(content)
    texts = [text for text in known if "{" in text and len(re.sub(r"\{\w+\}", "", text)) >= TELLING]
    filled = re.compile("|".join(map(pattern, texts)))
    for line in written_page.splitlines():
        if line.startswith("> "):
            said = line[2:]
            if not {said, NUMBERED.sub("", said, count=1)} & known and not filled.fullmatch(said):
                yield line


def said_by(content: Content) -> set[str]:
    """Each line that the content has, in every language, by phone and in chats."""
    wordings: list[Mapping[str, str]] = [*content.wordings.values(), *content.full.values()]
    lines = {line.strip() for said in wordings for text in said.values() for line in text.split("\n")}
    return lines | {name for each in content.languages.values() for name in (each.name, each.full_name)}


def pattern(text: str) -> str:
    """What finds this text, whatever its placeholders were filled with."""
    return PLACEHOLDER.sub(".+", re.escape(plain(text)))


def plain(text: str) -> str:
    """With one blank for any white space."""
    return " ".join(text.split())
