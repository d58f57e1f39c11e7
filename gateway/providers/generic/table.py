"""One table of a company's file, read key by key: what is wrong is told with the file, the key and what is expected."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from gateway.channels import SettingsError
from gateway.providers.generic.filling import Tree, names, sound
from gateway.providers.generic.layout import Fields

T = TypeVar("T", bound=str)


class Table:
    """One table of the file. What is read from it is checked; `done` tells of keys that nobody read."""

    def __init__(self, file: str, path: str, content: Mapping[str, Any]) -> None:
        self._file, self._path, self._content = file, path, content
        self._known: set[str] = set()

    def wrong(self, key: str, expected: str) -> SettingsError:
        return SettingsError(f"{self._file}: {self._path}{key} {expected}.")

    def get(self, key: str) -> Any:
        self._known.add(key)
        return self._content.get(key)

    def text(self, key: str, default: str | None = "") -> str:
        """A text; without a default it must be there."""
        found = self.get(key)
        if found is None and default is not None:
            return default
        if not isinstance(found, str) or (default is None and not found):
            raise self.wrong(key, f"is {'missing' if found is None else 'wrong'}: a text is expected")
        return found

    def word(self, key: str, allowed: Iterable[str], default: str) -> str:
        found = self.text(key, default)
        if found not in allowed:
            raise self.wrong(key, f"is one of {', '.join(allowed)}")
        return found

    def fields(self, key: str, needed: bool = False) -> Fields:
        """The name of a field, or several of which the first that holds something counts."""
        found = self.get(key)
        if found is None and not needed:
            return ()
        several = [found] if isinstance(found, str) else found
        if not isinstance(several, list) or not several or not all(isinstance(each, str) and each for each in several):
            expected = "the name of a field, or a list of names, is expected"
            raise self.wrong(key, f"is {'missing' if found is None else 'wrong'}: {expected}")
        return tuple(several)

    def values(self, key: str) -> frozenset[str]:
        """Words that a field may hold; true, false and numbers are written as such or as texts."""
        found = self.get(key)
        several = [] if found is None else found if isinstance(found, list) else [found]
        if not all(isinstance(each, str | int) for each in several):
            raise self.wrong(key, "is a word, or a list of words")
        return frozenset(plain(each) for each in several)

    def meanings(self, key: str, allowed: tuple[T, ...]) -> Mapping[str, T]:
        """A table from the company's words to ours."""
        found = self.get(key)
        if found is None:
            return MappingProxyType({})
        if not isinstance(found, dict):
            raise self.wrong(key, f"is a table from the company's words to {', '.join(allowed)}")
        for word, meaning in found.items():
            if meaning not in allowed:
                raise self.wrong(f"{key}.{word}", f"is one of {', '.join(allowed)}")
        return MappingProxyType({plain(word): meaning for word, meaning in found.items()})

    def number(self, key: str, default: float, least: float, most: float) -> float:
        found = self.get(key)
        found = default if found is None else found
        if isinstance(found, bool) or not isinstance(found, int | float) or not least <= found <= most:
            raise self.wrong(key, f"is a number from {least:g} to {most:g}")
        return found

    def tree(self, key: str, allowed: Iterable[str], echo: bool = False) -> Tree | None:
        """Values with {names} in them, of those that are allowed; with `echo` those of fields that came in, too."""
        found: Tree | None = self.get(key)
        if found is not None and not sound(found):
            raise self.wrong(key, "has a date or an endless number in it: write it as a text")
        for name in names(found) if found is not None else ():
            if name not in allowed and not (echo and name.startswith("in.")):
                known = ", ".join(f"{{{each}}}" for each in allowed) or "no names"
                mend = f"{known}{' and {in.<field>}' if echo else ''}"
                raise self.wrong(key, f"has {{{name}}}, but may have {mend}")
        return found

    def filled(self, key: str, allowed: Iterable[str], echo: bool = False) -> str:
        """A text with {names} in it."""
        found = self.tree(key, allowed, echo)
        if found is not None and not isinstance(found, str):
            raise self.wrong(key, "is a text")
        return found or ""

    def headers(self, key: str, allowed: Iterable[str]) -> Mapping[str, str]:
        table = self.table(key)
        found = {name: table.filled(name, allowed) for name in self._content.get(key, {})}
        for name, value in found.items():
            if not re.fullmatch(r"[A-Za-z0-9-]+", name) or not (value.isascii() and value.isprintable()):
                raise table.wrong(
                    name, "is a header: letters, digits and - in its name, one line of ASCII in its value"
                )
        return MappingProxyType(found)

    def table(self, key: str) -> Table:
        """A table in this one; an empty one if it is not there."""
        found = self.get(key)
        if found is not None and not isinstance(found, dict):
            raise self.wrong(key, f"is a table: [{self._path}{key}]")
        return Table(self._file, f"{self._path}{key}.", found or {})

    def has(self, key: str) -> bool:
        return key in self._content

    def done(self) -> None:
        for key in self._content:
            if key not in self._known:
                near = difflib.get_close_matches(key, self._known, 1)
                raise self.wrong(key, f"is not known; {f'perhaps {near[0]} was meant' if near else self._there_are()}")

    def _there_are(self) -> str:
        return f"there are {', '.join(sorted(self._known))}"


def plain(word: object) -> str:
    """A word as it is compared: without blanks around it, in small letters."""
    return str(word).strip().casefold()
