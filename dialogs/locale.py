"""Languages: what a PO file says about its language, where a text falls back to, placeholders, words sent by people."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Literal, cast

from dialogs.gsm import septets
from dialogs.pofile import Entry, plain, read_po
from dialogs.problem import At, Problem

Status = Literal["draft", "live", "source"]
Letters = Literal["gsm7", "any"]
NONE: Mapping[str, str] = MappingProxyType({})
_NOWHERE: Mapping[str, At] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Language:
    """One language: the headers of its PO file, and its entries by id."""

    code: str
    name: str
    status: Status = "draft"
    letters: Letters = "gsm7"
    replace: Mapping[str, str] = field(default_factory=lambda: NONE)
    fallback: str = ""  # "" = the source language
    entries: Mapping[str, Entry] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    file: str = ""
    broken: bool = False  # the file could not be read; the language counts as known all the same
    places: Mapping[str, At] = field(default_factory=lambda: _NOWHERE, repr=False, compare=False)
    full_name: str = ""  # with all its letters, where `name` does without

    def called(self, *, chat: bool) -> str:
        """Its own name as chats or phones show it."""
        return (self.full_name or self.name) if chat else self.name

    def place(self, header: str) -> At:
        """Where a header stands, else the beginning of the file."""
        return self.places.get(header, At(self.file))


_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")  # "don't" is one
_CODE = re.compile(r"[a-z]{2,3}(?:[_-][A-Za-z0-9]{2,8})*")


def read_language(file: str, source: str) -> tuple[Language, list[Problem]]:
    """The language that a PO file makes, and what is wrong with it. The code is the name of the file. Never raises."""
    code = PurePosixPath(file).stem
    problems: list[Problem] = []
    if not _CODE.fullmatch(code):
        problems.append(Problem(At(file), "bad-id", f'"{code}" is no code of a language.', _CODES))
    po, found = read_po(file, source)
    problems += found or _slips(file, source)
    if po is None:
        return Language(code, code, file=file, broken=True), problems
    head = _Headers(file, po.headers, po.places)
    language = Language(
        code,
        head.text("X-Name") or code,
        cast(Status, head.one_of("X-Status", "draft", "live")),
        cast(Letters, head.one_of("X-Letters", "gsm7", "any")),
        head.pairs("X-Replace"),
        head.text("X-Fallback"),
        _by_id(po.entries, problems),
        file,
        places=po.places,
        full_name=head.text("X-Full-Name"),
    )
    if not head.text("X-Name"):
        head.wrong("X-Name", "The own name of this language is missing.", 'Add a line "X-Name: Kiswahili\\n".')
    charset = head.text("Content-Type").lower().partition("charset=")[2]
    if charset not in ("", "utf-8", "utf8", "charset"):
        mend = 'Write "Content-Type: text/plain; charset=UTF-8\\n", else Poedit shows other letters.'
        head.wrong("Content-Type", f'This file is in UTF-8, but says that it is in "{charset}".', mend)
    if (said := head.text("Language")) and said.replace("-", "_") != code.replace("-", "_"):
        mend = "Rename the file, or mend the line."
        head.wrong("Language", f'This file is named {code}.po, but says that its language is "{said}".', mend)
    return language, problems + head.problems


_HEADERS = re.compile(r'(?:msgstr\s*)?"([A-Za-z][A-Za-z-]*):')
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffd-\uffff]")
_ESCAPE = re.compile(r"\\(.)")


def _slips(file: str, source: str) -> list[Problem]:
    """What the format lets pass, and nobody can have meant: a header twice, a backslash that means nothing."""
    found: list[Problem] = []
    headers: dict[str, int] | None = {}
    for number, line in enumerate(plain(source).split("\n"), 1):
        if line.startswith("#"):
            continue
        if unseen := _UNSEEN.search(line):
            text = f"An unseen sign (U+{ord(unseen[0]):04X}) stands here."
            mend = "Delete it and type the words around it again."
            found.append(Problem(At(file, number, unseen.start() + 1), "po-broken", text, mend))
        if line.startswith("msgctxt"):
            headers = None
        if headers is not None and (header := _HEADERS.match(line)):
            first = headers.setdefault(header[1], number)
            if first != number:
                text = f'"{header[1]}" stands here twice; the first is in line {first}.'
                at = At(file, number, header.start(1) + 1)
                found.append(Problem(at, "twice", text, "Keep one of the two.", width=len(header[1])))
        for escape in _ESCAPE.finditer(line):
            if escape[1] not in 'nrt"\\':
                text = "This backslash means nothing, and phones would show it."
                mend = 'Delete it. Only \\n, \\" and \\\\ mean something.'
                found.append(Problem(At(file, number, escape.start() + 1), "po-broken", text, mend, width=2))
    return found


_CODES = "Name the file with the short code of the language: sw.po, pt_BR.po."


def _by_id(entries: tuple[Entry, ...], problems: list[Problem]) -> Mapping[str, Entry]:
    known: dict[str, Entry] = {}
    for entry in entries:
        if (first := known.setdefault(entry.id, entry)) is not entry:
            text = f'"{entry.id}" is translated here and in line {first.at.line}.'
            problems.append(Problem(entry.at, "twice", text, "Keep one of the two."))
    return MappingProxyType(known)


class _Headers:
    """Reads the headers of a PO file and gathers what is wrong with them."""

    def __init__(self, file: str, headers: Mapping[str, str], places: Mapping[str, At]) -> None:
        self.file, self.headers, self.places = file, headers, places
        self.problems: list[Problem] = []

    def text(self, name: str) -> str:
        return " ".join(self.headers.get(name, "").split())

    def wrong(self, name: str, text: str, mend: str) -> None:
        at = self.places.get(name, At(self.file))
        self.problems.append(Problem(at, "po-header", text, mend, width=len(name) if name in self.places else 1))

    def one_of(self, name: str, first: str, second: str) -> str:
        """One of two values; the first if there is none."""
        value = self.text(name) or first
        if value in (first, second):
            return value
        self.wrong(name, f'"{name}" cannot be "{value}".', f"Write {first} or {second}.")
        return first

    def pairs(self, name: str) -> Mapping[str, str]:
        """Pairs such as `ç=c ê=e`."""
        pairs: dict[str, str] = {}
        for pair in self.text(name).split():
            old, equals, new = pair.partition("=")
            if not (old and equals):
                self.wrong(name, f'"{name}" holds "{pair}".', "Write pairs with spaces between them: ç=c œ=oe.")
            elif septets(new) is None:
                self.wrong(name, f'"{name}" puts "{new}" for "{old}", which simple phones cannot show either.', _PLAIN)
            else:
                pairs[unicodedata.normalize("NFC", old)] = new
        return MappingProxyType(pairs)


_PLAIN = "Put plain letters there, a to z."


def fallbacks(code: str, languages: Mapping[str, Language], main: str) -> tuple[str, ...]:
    """The languages in which a text is looked for, in order: this one, its fallback and so on, the source at the end.

    An unknown language or a ring ends the chain early; the source language always closes it.
    """
    chain: list[str] = []
    while code in languages and code not in chain and code != main:
        chain.append(code)
        code = languages[code].fallback
    return (*chain, main)


# --- placeholders ---

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def placeholders(text: str) -> set[str]:
    """The names in braces."""
    return set(_PLACEHOLDER.findall(text))


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with its placeholders filled, once: a value is never looked into. What has no value stays out."""
    if "{" not in text:
        return text
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], ""), text)


# --- words that people send ---

# Letters that are no accented forms of others, as people write them on phones without those letters.
_PLAIN_LETTERS = str.maketrans(
    {
        **{"ɓ": "b", "ɗ": "d", "ɖ": "d", "đ": "d", "ð": "d", "ɛ": "e", "ə": "e", "ƒ": "f", "ɣ": "g"},
        **{"ı": "i", "ɩ": "i", "ƙ": "k", "ł": "l", "ŋ": "ng", "ɲ": "ny", "ɔ": "o", "ø": "o", "ʋ": "v"},
        **{"ƴ": "y", "ʒ": "z", "æ": "ae", "œ": "oe", "þ": "th"},
    }
)


def fold_words(text: str) -> list[str]:
    """The words of a text, each folded."""
    return [word for word in map(fold_word, _WORD.findall(text)) if word]


def fold_word(text: str) -> str:
    """A message as one compares it with a word or a choice: small letters, no accents, no punctuation."""
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    text = unicodedata.normalize("NFKD", text.translate(_PLAIN_LETTERS).casefold())
    letters = []
    for letter in text:
        kind = unicodedata.category(letter)
        if kind == "Nd":
            letters.append(str(unicodedata.digit(letter)))
        elif kind[0] in "LN" or (kind[0] == "M" and not _accent(letter)):
            letters.append(letter)  # vowel signs of Burmese, Hindi ... are letters, not accents
        elif kind[0] == "Z" or letter.isspace():
            letters.append(" ")
    return unicodedata.normalize("NFC", " ".join("".join(letters).split()))


def _accent(letter: str) -> bool:
    return "\u0300" <= letter <= "\u036f" or "\u1ab0" <= letter <= "\u1aff" or "\u1dc0" <= letter <= "\u1dff"
