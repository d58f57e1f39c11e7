"""What providers post, as fields: forms, read fast with every field kept, and JSON, laid flat.

Whatever letters they are written in.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

FORM_TYPE = b"application/x-www-form-urlencoded"
MOST_FIELDS = 1000
MOST_JSON_FIELDS = 10_000  # a hundred delivery reports come at once, with some thirty fields each
DEEPEST = 8  # objects and lists within one another
LONGEST_NAME = 200  # letters of a name with all that it lies in


class TooManyFields(ValueError):
    """More fields than a provider sends."""


class NoObject(ValueError):
    """Not a JSON object, or one that lies deeper than a provider's."""


class Form(dict[str, str]):
    """The fields by name, the last of each; `getlist` gives all. Blank fields are kept."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        super().__init__(pairs)
        self.pairs = pairs

    def getlist(self, name: str) -> list[str]:
        """All values of a field, in the order they came (the name is the one that Twilio's SDK asks for)."""
        return [value for key, value in self.pairs if key == name]


def read_form(body: bytes) -> Form:
    """The fields of an urlencoded body. Raises TooManyFields; anything else can be read somehow.

    What is not UTF-8 is read as Windows-1252, as some telcos send it, and last as Latin-1.
    """
    if body.count(b"&") >= MOST_FIELDS:
        raise TooManyFields
    if b"+" in body:
        body = body.replace(b"+", b" ")
    pairs = []
    for field in body.split(b"&"):
        if field:
            name, _, value = field.partition(b"=")
            pairs.append((_unescape(name), _unescape(value)))
    for encoding in ("utf-8", "cp1252"):
        try:
            return Form([(name.decode(encoding), value.decode(encoding)) for name, value in pairs])
        except UnicodeDecodeError:
            continue
    return Form([(name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs])


def read_json(body: bytes) -> Form:
    """The values of a JSON object by their dotted names: `payload.message`, `results.0.messageId`.

    Numbers stay as they are written, true and false are words, null is left out. Raises NoObject, TooManyFields.
    """
    try:
        whole = json.loads(_decode(body), parse_int=str, parse_float=str, parse_constant=str)
        if isinstance(whole, dict):
            return Form(list(_flatten(whole)))
    except (ValueError, RecursionError) as error:
        if isinstance(error, NoObject | TooManyFields):
            raise
    raise NoObject("a JSON object is expected")


def _flatten(whole: dict[str, object]) -> Iterator[tuple[str, str]]:
    """In their order, without a call within a call."""
    places: list[Iterator[tuple[str, object]]] = [iter(whole.items())]
    names, count = [""], 0
    while places:
        for key, value in places[-1]:
            name = f"{names[-1]}{key}"
            if len(name) > LONGEST_NAME:
                raise NoObject("a name in it is too long")
            if isinstance(value, dict | list):
                if len(places) == DEEPEST:
                    raise NoObject("it lies too deep")
                inner = value.items() if isinstance(value, dict) else ((str(n), each) for n, each in enumerate(value))
                places.append(iter(inner))
                names.append(f"{name}.")
                break
            count += 1
            if count > MOST_JSON_FIELDS:
                raise TooManyFields
            if value is not None:
                yield _whole_letters(name), _whole_letters(_word(value))
        else:
            places.pop()
            names.pop()


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _whole_letters(text: str) -> str:
    r"""The text without halves of letters (`\ud83d` alone), which no database keeps."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text


def _decode(body: bytes) -> str:
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    return body.decode("latin-1")


def _unescape(part: bytes) -> bytes:
    return unquote_to_bytes(part) if b"%" in part else part


def is_form(content_type: bytes) -> bool:
    """Whether a Content-Type header names an urlencoded form, with or without a charset."""
    return content_type == FORM_TYPE or content_type.split(b";", 1)[0].strip().lower() == FORM_TYPE
