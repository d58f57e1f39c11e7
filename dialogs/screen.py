"""Lays out what a step says on the screens of a phone: pages, numbered choices, 9 for more, 0 for back."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from unicodedata import category, combining

from dialogs.gsm import measure

MOST_CHOICES = 8
"""Choices on one page, since 9 and 0 are taken."""


@dataclass(frozen=True, slots=True)
class Room:
    """What one screen of a channel holds; the prefix ("CON ") counts within.

    Without pages (SMS, chat) everything stands in one message, whatever its length.
    """

    septets: int = 160
    units: int = 70
    prefix: int = 4
    pages: bool = True


@dataclass(frozen=True, slots=True)
class Keys:
    """The words beside the keys 1 (on pages without choices), 9 and 0, in one language."""

    next: str
    more: str
    back: str


@dataclass(frozen=True, slots=True)
class Page:
    """One screen as it goes to the phone, without the provider's prefix, and what its keys mean."""

    text: str
    choices: tuple[int, ...] = ()  # in key order: key "1" is choices[0]
    more: bool = False  # 9 turns to the next page
    next: bool = False  # 1 goes on: to the next page, or past the last one
    ends: bool = False  # nothing more may be typed


def fits(text: str, room: Room) -> bool:
    """Whether the screen shows all of it: GSM-7 is measured in septets, other text in UTF-16 units."""
    length, gsm7 = measure(text)
    return length + room.prefix <= (room.septets if gsm7 else room.units)


def lay_out(
    lead: str,
    parts: tuple[str, ...],
    choices: tuple[str, ...],
    room: Room,
    keys: Keys,
    *,
    back: bool,
    ends: bool,
    typed: bool,
) -> tuple[Page, ...]:
    """The pages of one step, at least one. The lead shares the screen if everything fits on one.

    `back` shows 0 on the first page too; later pages always show it. `ends`: the last page takes no key,
    unless something is asked. `typed`: the last page asks for something to be typed. Only a choice (or keys)
    too long for a screen of its own makes a page that does not fit.
    """
    return _lay_out(lead, parts, choices, room, keys, back, ends, typed)


@lru_cache(maxsize=4096)
def _lay_out(
    lead: str,
    parts: tuple[str, ...],
    choices: tuple[str, ...],
    room: Room,
    keys: Keys,
    back: bool,
    ends: bool,
    typed: bool,
) -> tuple[Page, ...]:
    texts = [text for text in map(str.strip, (lead, *parts)) if text]
    asks = typed or bool(choices)
    sheet = _Sheet(choices, room, keys, back, ends and not asks, typed)
    parts_shown = len(texts) - bool(lead.strip())
    if not room.pages or (parts_shown <= 1 and len(choices) <= MOST_CHOICES):
        page = sheet.closing("\n".join(texts), range(len(choices)), later=False)
        if not room.pages or fits(page.text, room):
            return (page,)
    return _pages(texts, sheet)


@dataclass(frozen=True, slots=True)
class _Sheet:
    """What every page of one lay-out is written from."""

    choices: tuple[str, ...]
    room: Room
    keys: Keys
    back: bool
    ends: bool
    typed: bool

    def leading_on(self, text: str, later: bool) -> Page:
        """A page that 1 turns over. `later`: it is not the first, so 0 turns back."""
        return Page("\n".join([*_shown(text), *self._keys(later, goes_on=True)]), next=True)

    def closing(self, text: str, shown: Sequence[int], later: bool) -> Page:
        """The last page of the text, with these of the choices; 9 if there are more of them."""
        if self.ends:
            return Page(text, ends=True)
        more = bool(shown) and shown[-1] + 1 < len(self.choices)
        goes_on = not self.choices and not self.typed
        numbered = [f"{key}. {self.choices[index]}" for key, index in enumerate(shown, 1)]
        lines = [*_shown(text), *numbered, *self._keys(later, goes_on, more)]
        return Page("\n".join(lines), tuple(shown), more, goes_on)

    def _keys(self, later: bool, goes_on: bool, more: bool = False) -> list[str]:
        lines = [f"1. {self.keys.next}"] if goes_on else []
        if more:
            lines.append(f"9. {self.keys.more}")
        if self.back or later:
            lines.append(f"0. {self.keys.back}")
        return lines


def _shown(text: str) -> list[str]:
    return [text] if text else []


def _pages(texts: Sequence[str], sheet: _Sheet) -> tuple[Page, ...]:
    """Each text from a new page on; the last one shares its last page with choices, as many as fit."""
    *before, text = texts or [""]
    pages: list[Page] = []
    for whole in before:
        rest = whole
        while rest:
            piece, rest = _cut(rest, sheet, bool(pages))
            pages.append(sheet.leading_on(piece, bool(pages)))
    while (page := _closing(text, 0, sheet, bool(pages))) is None:
        piece, text = _cut(text, sheet, bool(pages), last=True)
        pages.append(sheet.leading_on(piece, bool(pages)))
    pages.append(page)
    while page.more and (following := _closing("", page.choices[-1] + 1, sheet, True)):
        page = following
        pages.append(page)
    return tuple(pages)


def _closing(text: str, first: int, sheet: _Sheet, later: bool) -> Page | None:
    """The text with as many choices as fit, from the first given on; None if the text must be cut before."""
    last = min(len(sheet.choices), first + MOST_CHOICES)
    for end in range(last, first, -1):
        page = sheet.closing(text, range(first, end), later)
        if fits(page.text, sheet.room):
            return page
    page = sheet.closing(text, range(first, min(last, first + 1)), later)
    return page if not text or fits(page.text, sheet.room) else None


def _cut(text: str, sheet: _Sheet, later: bool, last: bool = False) -> tuple[str, str]:
    """The beginning of the text for a page that leads on, and what is left for the next."""
    room, below = sheet.room, "\n" + sheet.leading_on("", later).text
    longest = min(len(text), max(room.septets, room.units))
    reach = bisect_left(range(1, longest + 1), True, key=lambda n: not fits(text[:n] + below, room))
    if reach < len(text):
        at = _sentence_end(text, reach) or _word_end(text, reach) or _letter_end(text, reach)
        return text[:at].rstrip(), text[at:].lstrip()
    # All of it fits here, but leaves no room for a choice: rather its last sentence goes with the choices.
    at = _sentence_end(text, reach - 1) if last else 0
    if at and _closing(text[at:].lstrip(), 0, sheet, later=True):
        return text[:at].rstrip(), text[at:].lstrip()
    return text, ""


# Some full stops need no space behind them: Arabic, Urdu, Hindi, Amharic, Burmese, Khmer.
_SENTENCE = re.compile(r"""[.!?…]["')\]»’”]*(?=\s)|[\u061f\u06d4\u0964\u1362\u104b\u17d4]+|(?=\n)""")


def _sentence_end(text: str, reach: int) -> int:
    """The last place where a sentence ends and a quarter of the page is filled; 0 if there is none."""
    ends = (found.end() for found in _SENTENCE.finditer(text, 0, reach + 1))
    return max((end for end in ends if reach // 4 <= end <= reach), default=0)


def _word_end(text: str, reach: int) -> int:
    """The last place up to the reach where a word ends; 0 if there is none."""
    return next((at for at in range(reach, 0, -1) if text[at].isspace()), 0)


def _letter_end(text: str, reach: int) -> int:
    """The last place up to the reach that parts no letter from its marks; 1 at least."""
    for at in range(reach, 0, -1):
        stacked = combining(text[at - 1]) == 9  # A virama: the next letter is written under this one.
        if not stacked and category(text[at])[0] != "M":
            return at
    return max(reach, 1)
