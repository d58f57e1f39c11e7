"""The forms that providers post: read fast, with every field kept, whatever letters they are written in."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

FORM_TYPE = b"application/x-www-form-urlencoded"
MOST_FIELDS = 1000


class TooManyFields(ValueError):
    """More fields than a provider sends."""


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


def _unescape(part: bytes) -> bytes:
    return unquote_to_bytes(part) if b"%" in part else part


def is_form(content_type: bytes) -> bool:
    """Whether a Content-Type header names an urlencoded form, with or without a charset."""
    return content_type == FORM_TYPE or content_type.split(b";", 1)[0].strip().lower() == FORM_TYPE
