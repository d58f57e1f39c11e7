"""Reviews: who has read a translation and signed for it, kept as translator comments of its entry in the PO file.

    # reviewed_by: Amina; Juma
    # reviewed_on: 2026-12-01; 2026-12-03
    # reviewed_as: 5f2a91c0; 5f2a91c0

The three lines go in step. The last holds the mark of what was signed: once either text changes, it fits no more.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

WIDTH = 76  # letters of a comment in a PO file of 78: polib wraps longer ones, as if the rest were another comment
NEEDED = 2  # people who must have signed a text before the language is live


@dataclass(frozen=True, slots=True)
class Review:
    """One signature: a name, a date as it was written (2026-12-01), and whether it is for the texts as they are now."""

    by: str
    on: str
    valid: bool


def mark_of(msgid: str, msgstr: str) -> str:
    """What a signature holds of the two texts that it is for: 8 hex digits."""
    return hashlib.sha256(f"{msgid}\0{msgstr}".encode("utf-8", "surrogateescape")).hexdigest()[:8]


def reviews_of(tcomment: str, msgid: str, msgstr: str) -> tuple[Review, ...]:
    """The signatures in the comment of an entry, in order, each person once. Never raises."""
    said, mark = _split(tcomment)[1], mark_of(msgid, msgstr)
    found: dict[str, Review] = {}
    for at, by in enumerate(said["by"]):
        on, as_ = (values[at] if at < len(values) else "" for values in (said["on"], said["as"]))
        review = Review(by, on, bool(msgstr) and as_.casefold() == mark)
        # Signed twice by hand, once for an older text: the one that holds counts.
        if (who := same_person(by)) and not (who in found and found[who].valid):
            found[who] = review
    return tuple(found.values())


def sign(tcomment: str, msgid: str, msgstr: str, by: str, on: str) -> str:
    """The comment with the signature of this person, renewed if they had signed; without those that do not hold.

    Raises ValueError if the name has no letter, or if there is no translation to sign.
    """
    if not (who := same_person(by)):
        raise ValueError("a signature needs a name")
    if not msgstr:
        raise ValueError("a signature needs a translation")
    new = Review(" ".join(_SEPARATOR.sub(" ", by).split()), on, True)
    signed = {same_person(review.by): review for review in reviews_of(tcomment, msgid, msgstr) if review.valid}
    signed[who] = new
    return _joined(_split(tcomment)[0], [*signed.values()], mark_of(msgid, msgstr))


def without_void(tcomment: str, msgid: str, msgstr: str) -> str:
    """The comment without the signatures that do not hold any more; as it was if all of them do."""
    found = reviews_of(tcomment, msgid, msgstr)
    if all(review.valid for review in found):
        return tcomment
    valid = [review for review in found if review.valid]
    return _joined(_split(tcomment)[0], valid, mark_of(msgid, msgstr))


def without_any(tcomment: str) -> str:
    """The comment without any signature: for a translation that is used in another place too."""
    rest, said = _split(tcomment)
    return "\n".join(rest) if any(said.values()) else tcomment


def same_person(name: str) -> str:
    """A name as it is compared: "amina  HASSAN" and "Amina Hassan" are one person. "" if it has no letter."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return "".join(letter for letter in plain if unicodedata.category(letter)[0] in "LMN")


def signers(reviews: Iterable[Review]) -> tuple[str, ...]:
    """The names of those whose signature holds."""
    return tuple(review.by for review in reviews if review.valid)


# --- the comment ---

_FIELD = re.compile(r"\s*reviewed[_-](by|on|as)\s*[:=]\s*(.*)", re.IGNORECASE)
_SEPARATOR = re.compile(r"[;,\r\n]")
_MORE = re.compile(
    r"[\s;,]*(?:[0-9a-f]{8}|\d{4}-\d{1,2}-\d{1,2})(?:[\s;,]+(?:[0-9a-f]{8}|\d{4}-\d{1,2}-\d{1,2}))*[\s;,]*$"
)


def _split(tcomment: str) -> tuple[list[str], Mapping[str, Sequence[str]]]:
    """The other lines of a comment, and by field the values in order. A field may be wrapped, or stand there twice."""
    rest: list[str] = []
    said: dict[str, list[str]] = {"by": [], "on": [], "as": []}
    open_, text, last = "", "", ""  # the field that the next line may go on with, what it holds, its last line

    def close() -> None:
        if open_:
            said[open_] += _values(text)

    for line in tcomment.split("\n"):
        if found := _FIELD.match(line):
            close()
            open_, text, last = found[1].lower(), found[2], line
        elif open_ and _goes_on(open_, last, line):
            text, last = f"{text} {line}", line
        else:
            close()
            open_ = ""
            rest.append(line)
    close()
    return (rest if any(rest) else []), said


def _goes_on(field: str, before: str, line: str) -> bool:
    """True if a line is the rest of a field that was too long for one line."""
    if not line.strip():
        return False
    if before.rstrip().endswith((";", ",")) or line.lstrip().startswith((";", ",")):
        return True
    if field != "by":
        return bool(_MORE.match(line))
    return len(before) + 1 + len(line.split()[0]) > WIDTH  # only then a tool breaks it


def _values(text: str) -> list[str]:
    separator = ";" if ";" in text else ","
    values = [" ".join(_SEPARATOR.sub(" ", value).split()) for value in text.split(separator)]
    while values and not values[-1]:
        values.pop()
    return values


def _joined(rest: Sequence[str], reviews: Sequence[Review], mark: str) -> str:
    lines = list(rest)
    if reviews:
        lines += _field("by", [review.by for review in reviews])
        lines += _field("on", [review.on for review in reviews])
        lines += _field("as", [mark for _ in reviews])
    return "\n".join(lines)


def _field(name: str, values: Sequence[str]) -> list[str]:
    """The lines of one field, broken behind a semicolon: so a rest is known as one."""
    lines = [f"reviewed_{name}:"]
    for at, value in enumerate(values):
        piece = value + (";" if at + 1 < len(values) else "")
        if at and len(lines[-1]) + 1 + len(piece) > WIDTH:
            lines.append(piece)
        else:
            lines[-1] += f" {piece}"
    return lines
