"""The words of one message: in which language it is said, and its placeholders filled, ready to be sent."""

from __future__ import annotations

from collections.abc import Mapping

from dialogs.content import Content
from dialogs.gsm import septets, wire
from dialogs.locale import Language, fallbacks, fill, placeholders


class Missing(Exception):
    """A placeholder of this text has no value for this person: nothing can be sent. `name` is the placeholder's."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{{{name}}} has no value for this person.")
        self.name = name


def spoken(texts: Mapping[str, str], content: Content, language: str) -> tuple[str, str]:
    """The language and the text that somebody of this language gets, out of texts by language.

    Their own, else along their language's fallbacks, else the source language, else the first. `texts` is not empty.
    """
    for code in (language, *fallbacks(language, content.languages, content.common.language)):
        if code in texts:
            return code, texts[code]
    return next(iter(texts.items()))


def facts(content: Content, country: str) -> dict[str, str]:
    """The facts that are known in this country, by name."""
    found = {name: content.common.fact(name, country) for name in content.common.facts}
    return {name: value for name, value in found.items() if value}


def filled(content: Content, language: str, text: str, values: Mapping[str, str]) -> str:
    """The text with its placeholders filled, in letters that can be sent. Raises Missing: a gap is never sent.

    A value never makes a text dearer: where the text itself is GSM-7, the whole is. A text that was written with other
    letters keeps them, as whoever approved it saw its price.
    """
    for name in sorted(placeholders(text)):
        if not values.get(name):
            raise Missing(name)
    said, spoken_in = fill(text, values), speaker(content, language)
    if septets(fill(text, {})) is None:
        return said
    return wire(said, spoken_in.replace, spoken_in.letters == "any")


def speaker(content: Content, language: str) -> Language:
    """The language of this code, else the source language."""
    return content.languages.get(language) or content.languages[content.common.language]
