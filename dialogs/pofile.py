"""PO files, the form in which translators get the texts: read with the place of each text, brought up to date, written.

polib reads and writes the format; what it lets pass in silence (a quote mark that is not closed) is found here.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import polib

from dialogs.plain_po import PlainEntry, read_plain
from dialogs.problem import At, Problem
from dialogs.reviews import Review, reviews_of, without_any, without_void

NOWHERE = At("")
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})
WIDTH = 78  # Weblate's `po_line_wrap` is set to the same


@dataclass(frozen=True, slots=True)
class Entry:
    """The translation of one text. `source` is the text that it was made from; `at` is where the translation stands."""

    id: str
    source: str
    text: str
    fuzzy: bool = False
    previous: str = ""
    at: At = NOWHERE
    reviews: tuple[Review, ...] = ()

    def says(self, source: str) -> bool:
        """True if this is a finished translation of exactly this text."""
        return bool(self.text) and not self.fuzzy and self.source == source


@dataclass(frozen=True, slots=True)
class Po:
    """A PO file as read: its headers and where they stand, its entries in order, without the retired ones."""

    headers: Mapping[str, str]
    entries: tuple[Entry, ...]
    places: Mapping[str, At]


class _Lines(str):
    """A text that only a line feed cuts into lines. `str.splitlines` cuts at U+2028 and others too, inside texts."""

    __slots__ = ()

    def splitlines(self, keepends: bool = False) -> list[str]:
        return [*self.split("\n")]


def plain(source: str) -> str:
    """The text with line feeds at the ends of its lines, and at its end, and no byte order mark."""
    return source.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").rstrip("\n") + "\n"


def parse(source: str) -> polib.POFile:
    """The file in polib's own form. Raises OSError where polib cannot read it."""
    # polib takes a text for a path if a file of that name exists; none ends with a line feed.
    return polib.pofile(_Lines(plain(source)), wrapwidth=WIDTH)


# --- reading ---

_MARK = re.compile(r"#~\|\s*|#~\s*|#\|\s*|")
_LINE = re.compile(r'(?:(msgctxt|msgid_plural|msgid|msgstr(?:\[\d\])?)\s*)?"(?:[^"\\]|\\.)*"$')
_OPEN = re.compile(r'(?:(?:msgctxt|msgid_plural|msgid|msgstr(?:\[\d\])?)\s*)?"(?:[^"\\]|\\.)*\\?$')
_ERROR_LINE = re.compile(r"\(line (\d+)\)")
_HEADER = re.compile(r'(?:msgstr\s*)?"([A-Za-z][A-Za-z-]*):')


def read_po(file: str, source: str) -> tuple[Po | None, list[Problem]]:
    """The file, or None and what keeps it from being read. Never raises."""
    found = read_plain(plain(source))
    if found is None:
        return read_any(file, source)
    headers = {name: str(value) for name, value in parse(found.head).metadata.items()}
    entries = tuple(_entry(entry, At(file, entry.line, entry.column)) for entry in found.entries)
    return Po(MappingProxyType(headers), entries, _header_places(file, found.head.split("\n"))), []


def read_any(file: str, source: str) -> tuple[Po | None, list[Problem]]:
    """The same for a file of whatever form: slower."""
    lines = plain(source).split("\n")
    problems = [problem for at, line in enumerate(lines, 1) if (problem := _broken(file, at, line))]
    if problems:
        return None, problems
    try:
        parsed = parse(source)
    except OSError as error:
        found = _ERROR_LINE.search(str(error))
        at = At(file, int(found[1]) if found else 1)
        return None, [Problem(at, "po-broken", "Cannot read this line: it does not belong here.", _ORDER)]
    if not _nothing_lost(parsed, lines):
        return None, [Problem(At(file), "po-broken", "A text was lost in reading this file.", _ORDER)]
    places = [at for at, line in enumerate(lines, 1) if _MARK.sub("", line.strip(), 1).startswith("msgstr")]
    entries = []
    for entry in parsed:
        if entry.obsolete:
            continue
        line = _first_from(places, entry.linenum or 0)
        if entry.msgid_plural:
            problems.append(Problem(At(file, line), "po-broken", "Texts here have no plural forms.", _PLURAL))
        entries.append(_entry(entry, _text_at(file, lines, line)))
    headers = {name: str(value) for name, value in parsed.metadata.items()}
    return Po(MappingProxyType(headers), tuple(entries), _header_places(file, lines)), problems


_ORDER = "Each text needs its lines in this order: msgctxt, msgid, msgstr. Compare with a neighbour."
_PLURAL = 'Keep one msgid and one msgstr; a number stands alone in a text, as in "To mend: 3".'


def _entry(entry: polib.POEntry | PlainEntry, at: At) -> Entry:
    signed = reviews_of(entry.tcomment, entry.msgid, entry.msgstr) if entry.tcomment else ()
    return Entry(entry.msgctxt or "", entry.msgid, entry.msgstr, entry.fuzzy, entry.previous_msgid or "", at, signed)


def _broken(file: str, number: int, line: str) -> Problem | None:
    """What is wrong with one line taken by itself."""
    text = line.strip()
    if not text or (text[0] == "#" and text[:2] not in ("#~", "#|")):
        return None
    text = _MARK.sub("", text, 1)
    if not text or _LINE.match(text):
        return None
    start = len(line) - len(line.lstrip()) + 1
    if _OPEN.match(text):
        at = At(file, number, line.find('"') + 1)
        return Problem(at, "po-broken", "The quote mark at the end of this line is missing.", 'End the line with ".')
    if text.startswith(("msg", '"')) and text.count('"') > 1:
        at = At(file, number, max(line.find('"') + 1, start))
        return Problem(at, "po-broken", "There is a quote mark inside this text.", 'Write it as \\" there.')
    mend = "If it belongs to the text above, put it in quotes; if not, delete it."
    return Problem(At(file, number, start), "po-broken", "Cannot read this line.", mend)


def _nothing_lost(parsed: polib.POFile, lines: Sequence[str]) -> bool:
    """As many entries as `msgid` lines; the header is one that polib keeps apart."""
    said = sum(_MARK.sub("", line.strip(), 1).startswith(("msgid ", 'msgid"')) for line in lines)
    previous = sum(line.strip().startswith(("#|", "#~|")) and " msgid " in line for line in lines)
    return said - previous in (len(parsed), len(parsed) + 1)


def _first_from(places: Sequence[int], line: int) -> int:
    at = bisect_left(places, line)
    return places[at] if at < len(places) else max(line, 1)


def _text_at(file: str, lines: Sequence[str], line: int) -> At:
    """The first letter of a translation, which begins on the next line where it has several."""
    if line < len(lines) and lines[line - 1].strip() == 'msgstr ""' and lines[line].startswith('"'):
        return At(file, line + 1, 2)
    return At(file, line, 9)


def _header_places(file: str, lines: Sequence[str]) -> Mapping[str, At]:
    places: dict[str, At] = {}
    for number, line in enumerate(lines, 1):
        if found := _HEADER.match(line):
            places.setdefault(found[1], At(file, number, found.start(1) + 1))
        elif line.startswith("msgctxt"):
            break
    return MappingProxyType(places)


# --- bringing up to date ---


@dataclass(frozen=True, slots=True)
class Source:
    """One text as a translator gets it: `note` tells what it is for and how long it may be."""

    id: str
    text: str
    file: str
    note: str = ""
    limit: int = 0  # letters; 0 = none

    @property
    def dialog(self) -> str:
        """What stands before the colon of the id."""
        return self.id.partition(":")[0]


def template(sources: Iterable[Source]) -> str:
    """`source.pot`: every text, none translated."""
    file = polib.POFile(wrapwidth=WIDTH)
    file.header = "All texts that are translated, written by: ngazi content update"
    file.metadata = {"Language": "", **_FORMAT}
    file.extend(_blank(source) for source in sources)
    return str(file)


def new_po(language: str, name: str, headers: Mapping[str, str] = _NO_HEADERS) -> str:
    """An empty PO file for a language: a draft. `headers`: more of them."""
    file = polib.POFile(wrapwidth=WIDTH)
    file.metadata = {"Language": language, **_FORMAT, **headers, "X-Name": name, "X-Status": "draft"}
    return str(file)


_FORMAT = {"MIME-Version": "1.0", "Content-Type": "text/plain; charset=UTF-8", "Content-Transfer-Encoding": "8bit"}


def update(po: str, sources: Sequence[Source]) -> str:
    """The PO file brought up to the sources as they are now. Twice gives the same bytes. Raises OSError as `parse`.

    Same id and same text keep the translation; then the same text elsewhere lends its own, from the same dialog
    first; then the same id with another text is kept as fuzzy, with the old text beside it; what is left retires.
    Signatures stay where both texts stay, and go along only when a text moves within its dialog.
    """
    file = parse(po)
    merged = _Merge(list(file), sources)
    file[:] = [*(merged.entry(source) for source in sources), *merged.retired()]
    return str(file)


def signatures(po: str) -> int:
    """How many signatures stand in a PO file, valid or not. Raises OSError as `parse`."""
    return sum(len(reviews_of(entry.tcomment, entry.msgid, entry.msgstr)) for entry in parse(po))


class _Merge:
    """The old entries of one PO file on their way to the new ones."""

    def __init__(self, old: list[polib.POEntry], sources: Sequence[Source]) -> None:
        self.old = sorted(old, key=lambda entry: bool(entry.obsolete))  # those in use first
        self.exact: dict[tuple[str, str], polib.POEntry] = {}
        self.by_id: dict[str, polib.POEntry] = {}
        self.by_text: dict[str, list[polib.POEntry]] = {}
        for entry in self.old:
            self.exact.setdefault((entry.msgctxt or "", entry.msgid), entry)
            if not entry.obsolete:
                self.by_id.setdefault(entry.msgctxt or "", entry)
            if entry.msgstr:
                self.by_text.setdefault(entry.msgid, []).append(entry)
        self.wanted = {(source.id, source.text) for source in sources}
        self.said = {(source.dialog, source.text) for source in sources}
        self.taken: set[int] = set()

    def entry(self, source: Source) -> polib.POEntry:
        """The new entry for this text."""
        new, same = _blank(source), self.exact.get((source.id, source.text))
        old = same if same is not None and (same.msgstr or same.tcomment) else self._lent(source)
        if old is not None:
            self._take(new, old)
            new.flags, new.previous_msgid = list(old.flags), old.previous_msgid
        elif (old := self.by_id.get(source.id)) and (source.dialog, old.msgid) not in self.said:
            self._take(new, old)
            new.previous_msgid = (old.previous_msgid or old.msgid) if old.fuzzy else old.msgid
            new.flags = [flag for flag in old.flags if flag != "fuzzy"]
            if new.msgstr and new.previous_msgid != source.text:
                new.flags.insert(0, "fuzzy")
        if not new.fuzzy:
            new.previous_msgid = None
        return new

    def _lent(self, source: Source) -> polib.POEntry | None:
        """The entry with the same text elsewhere: from the same dialog first; a fuzzy one only if it moves here."""
        entries = self.by_text.get(source.text, [])
        done = [entry for entry in entries if not entry.fuzzy]
        near = [entry for entry in done if _dialog(entry) == source.dialog]
        moved = [
            entry
            for entry in entries
            if _dialog(entry) == source.dialog and (entry.msgctxt or "", entry.msgid) not in self.wanted
        ]
        return next(iter([*near, *moved, *done]), None)

    def _take(self, new: polib.POEntry, old: polib.POEntry) -> None:
        goes = (old.msgctxt or "", old.msgid) not in self.wanted
        moves = goes and id(old) not in self.taken and _dialog(old) == _dialog(new)
        signed = moves or old.msgctxt == new.msgctxt  # whoever signed had read it in its place
        new.msgstr = old.msgstr
        new.tcomment = without_void(old.tcomment, new.msgid, new.msgstr) if signed else without_any(old.tcomment)
        if goes:
            self.taken.add(id(old))

    def retired(self) -> list[polib.POEntry]:
        """The translations that no text asks for any more: kept, in case the text comes back."""
        left: dict[tuple[str, str], polib.POEntry] = {}
        for entry in self.old:
            key = (entry.msgctxt or "", entry.msgid)
            if entry.msgstr and key not in self.wanted and id(entry) not in self.taken:
                entry.obsolete, entry.previous_msgid = True, None
                left.setdefault(key, entry)
        return list(left.values())


def _dialog(entry: polib.POEntry) -> str:
    return (entry.msgctxt or "").partition(":")[0]


def _blank(source: Source) -> polib.POEntry:
    note = "\n".join(line.strip() for line in source.note.split("\n") if line.strip())
    return polib.POEntry(msgctxt=source.id, msgid=source.text, comment=note, occurrences=[(source.file, "")])
