"""What a phone said (Inbound) and what it gets back (Reply), whatever the provider calls it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

Kind = Literal["ussd", "sms", "bot"]
NOTHING: Mapping[str, str] = MappingProxyType({})
CHOICE = re.compile(r"([0-9]+)\. (.+)")
PRESS = re.compile(r"([0-9]{1,2})@([a-z2-7]{8})")


@dataclass(frozen=True, slots=True)
class Inbound:
    """What a phone said.

    `address` is E.164 with a plus, or `whatsapp:+...`, or `chat:<random id>`.
    `text` is what was typed now; with `whole` it is everything typed so far in the session, joined by `*`
    (Africa's Talking). `session` is the provider's, "" for SMS. `turn` is the provider's number of this turn.
    `echo` holds fields that the provider wants back with the answer. `meaning` is what an assistant made of the text,
    an intent of `answers.yaml`, if it is sure enough; "" otherwise, and by USSD always. `media`: a photo, a voice note,
    a place on the map or the like came; what was written below it is the text.
    """

    channel: str
    kind: Kind
    address: str
    text: str
    session: str
    provider_id: str
    whole: bool = False
    turn: str = ""
    echo: Mapping[str, str] = field(default_factory=lambda: NOTHING, compare=False, repr=False)
    meaning: str = ""
    media: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """A screen for the phone: `text` holds everything shown, `choices` the words of the choices on it.

    `more` says that the person may answer (CON, not END). An empty `text` means that nothing is sent. `fleeting`: it
    belongs to a dialog that leaves no trace, so nothing is to be left of a message with it once that has gone. `place`
    is the mark of what stands on the screen, for the buttons of a chat (see `press`); "" by USSD and on a last screen.
    """

    text: str
    choices: tuple[str, ...] = ()
    more: bool = False
    fleeting: bool = False
    place: str = ""


def press(key: str, place: str) -> str:
    """What a button sends: its key, and the place that it belongs to; where there is none, the key alone."""
    return f"{key}@{place}" if place else key


def pressed(text: str) -> tuple[str, str] | None:
    """The key and the place of a button that was pressed; None for what somebody wrote."""
    found = PRESS.fullmatch(text.strip())
    return (found[1], found[2]) if found else None


def parted(reply: Reply) -> tuple[str, list[tuple[str, str]]]:
    """The text of a reply without its last lines that are choices, and these: key and words of each, in order.

    Choices that are not all there are text.
    """
    if not reply.more:
        return reply.text, []
    lines, ways = reply.text.split("\n"), []
    count = len(reply.choices) or 1  # a page without choices goes on with 1
    for key in ("0",) if count == 9 else ("0", "9"):  # of nine choices 9 is the last one
        found = CHOICE.fullmatch(lines[-1]) if lines else None
        if found and found[1] == key:
            ways.append((key, found[2]))
            lines.pop()
    keys = [(found[1], found[2]) for line in lines[-count:] if (found := CHOICE.fullmatch(line))]
    if [key for key, _ in keys] != [str(number) for number in range(1, count + 1)]:
        return "\n".join(lines), ways[::-1]
    return "\n".join(lines[:-count]), keys + ways[::-1]
