"""The GSM 7-bit alphabet: what a text takes on the air, folding a text into it; and typed text made plain."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from types import MappingProxyType
from unicodedata import digit, normalize

Letters = Mapping[str, str]
"""What a language puts for letters outside GSM-7 (`X-Replace`): `{"ç": "c"}`. Capitals follow along."""

# 3GPP TS 23.038, 6.2.1 and 6.2.1.1. ESC (0x1B) is left out: it announces the second table and is no letter.
BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = "\f^{}\\[~]|€"
"""Letters of the second table: each takes two septets."""

UNKNOWN = "?"
"""Stands where a letter cannot be sent."""

LONGEST = 2_000
"""Letters of a typed text that are read; the rest is cut off."""

_EXTENDED = frozenset(EXTENSION)
_NOT_BASIC = re.compile(f"[^{re.escape(BASIC)}]")
_OUTSIDE = re.compile(f"[^{re.escape(BASIC + EXTENSION)}]")
_NO_LETTERS: Letters = MappingProxyType({})


def septets(text: str) -> int | None:
    """The length in GSM-7, where the second table counts double; None if one letter is outside GSM-7."""
    odd = _NOT_BASIC.findall(text)
    if not odd:
        return len(text)
    return len(text) + len(odd) if _EXTENDED.issuperset(odd) else None


def measure(text: str) -> tuple[int, bool]:
    """(septets, True) where all of it is GSM-7, else (UTF-16 units, False): one odd letter changes it all."""
    length = septets(text)
    if length is not None:
        return length, True
    return len(text.encode("utf-16-le", "surrogatepass")) // 2, False


@dataclass(frozen=True, slots=True)
class Segments:
    """The SMS that a text is sent as: `units` are septets or UTF-16 units, `parts` joined are the text."""

    count: int
    gsm7: bool
    units: int
    parts: tuple[str, ...]


def segments(text: str) -> Segments:
    """Cut as phones and providers cut: 160 letters or 153 a part, outside GSM-7 70 or 67. "" is one SMS."""
    units, gsm7 = measure(text)
    single, part = (160, 153) if gsm7 else (70, 67)
    if units <= single:
        return Segments(1, gsm7, units, (text,))
    parts, start, room = [], 0, part
    for at, letter in enumerate(text):
        # Neither ESC and its letter nor a surrogate pair may stand in two parts (TS 23.038, 6.2.1.1).
        width = 2 if (letter in _EXTENDED if gsm7 else letter > "\uffff") else 1
        if width > room:
            parts.append(text[start:at])
            start, room = at, part
        room -= width
    return Segments(len(parts) + 1, gsm7, units, (*parts, text[start:]))


def segment_count(text: str) -> int:
    """How many SMS the text is paid as."""
    return segments(text).count


# Letters that only look different. A no-break space turns the SMS into UCS-2 and doubles its price.
_INVISIBLE = (
    "\u00ad\u034f\u061c\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2061\u2062\u2063\u2064"
    "\u2066\u2067\u2068\u2069\u206a\u206b\u206c\u206d\u206e\u206f\ufe0e\ufe0f\ufeff"
)
_CONTROLS = "".join(map(chr, chain(range(0x20), range(0x7F, 0xA0))))
_ALIKE = {
    "": _INVISIBLE + "".join(control for control in _CONTROLS if control not in "\t\n\v\f\r\x85"),
    "'": "‘’‚‛′‹›ʹʻʼ`´",
    '"': "“”„‟″«»",
    "-": "‐\u2011‒–—―−•",
    " ": "\t\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000",
    "\n": "\v\x85\u2028\u2029",
    "...": "…",
    # Greek capitals that look Latin and are not in GSM-7, beside those that are.
    **dict(zip("ABEZHIKMNOPTYX", "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", strict=True)),
}
_TYPOGRAPHY = {ord(letter): plain for plain, letters in _ALIKE.items() for letter in letters}
_MARKS = re.compile(f"(?<=[{re.escape(BASIC)}])[\u0300-\u036f]+")


def fold(text: str, replace: Letters = _NO_LETTERS) -> str:
    """The text in GSM-7, as far as that goes; composed (NFC).

    A letter of GSM-7 stays as it is. For others: typography, then the letters of the language, last the bare
    letter under an accent. What still is outside stays, and makes the whole text UCS-2.
    """
    if septets(text) is not None:
        return text
    return _fold(text, tuple(replace.items()))


def wire(text: str, replace: Letters, any_letters: bool) -> str:
    """The text folded for sending. Unless any letters may go, `UNKNOWN` stands for what is outside GSM-7."""
    if septets(text) is not None:
        return text
    folded = fold(text, replace)
    return folded if any_letters else _OUTSIDE.sub(UNKNOWN, folded)


@lru_cache(maxsize=8192)
def _fold(text: str, letters: tuple[tuple[str, str], ...]) -> str:
    text = normalize("NFC", text).translate(_TYPOGRAPHY)
    if septets(text) is None:
        for old, new in _rewritings(letters):
            text = text.replace(old, new)
        text = _MARKS.sub("", _OUTSIDE.sub(_bare, text))
    return text


@lru_cache(maxsize=256)
def _rewritings(letters: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """The letters of a language and their capitals, longest first, without those that are in GSM-7."""
    small = {normalize("NFC", old): new for old, new in letters}
    both = {old.upper(): new.title() for old, new in small.items()} | small
    outside = [(old, new) for old, new in both.items() if septets(old) is None]
    return tuple(sorted(outside, key=lambda pair: -len(pair[0])))


def _bare(found: re.Match[str]) -> str:
    """The letter without its accents if that is GSM-7, else the letter: Cyrillic or Amharic has no bare form.

    Only single letters outside GSM-7 come here. The whole text decomposed would make `ano` of `año`.
    """
    letter = found[0]
    bare = normalize("NFD", letter)[0]
    # Not for signs: "not equal" is an equals sign with a stroke.
    return bare if letter.isalpha() and bare in BASIC else letter


_KEYCAP = "\u20e3"  # The frame around a digit, which a chat sends behind it.
_SURROGATES = range(0xD800, 0xE000)  # Alone they cannot be stored as UTF-8.
_UNTYPED = dict.fromkeys(chain(map(ord, _ALIKE[""] + _KEYCAP), _SURROGATES))


def clean(text: str) -> str:
    """What a phone typed, made plain: one line, ASCII digits, single spaces, no trailing `.` or `#`."""
    text = text[:LONGEST]
    if text.isascii() and text.isalnum():
        return text
    text = normalize("NFKC", text.translate(_UNTYPED))
    if not text.isascii():
        text = "".join(letter if letter.isascii() else str(digit(letter, letter)) for letter in text)
    return " ".join(text.split())[:LONGEST].rstrip(" .#")
