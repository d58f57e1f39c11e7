"""Templates in a company's file: text, or a tree of values, with {names} to be filled in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import TypeAlias

Tree: TypeAlias = str | bool | int | float | list["Tree"] | dict[str, "Tree"]

NAME = re.compile(r"\{([A-Za-z_][\w.-]*)\}")


def names(tree: Tree) -> Iterator[str]:
    """The names in it, as often as they stand there."""
    match tree:
        case str():
            yield from NAME.findall(tree)
        case list():
            for each in tree:
                yield from names(each)
        case dict():
            for each in tree.values():
                yield from names(each)


def sound(tree: object) -> bool:
    """Whether it can be written as JSON; TOML knows dates and endless numbers too."""
    match tree:
        case list():
            return all(map(sound, tree))
        case dict():
            return all(map(sound, tree.values()))
    return isinstance(tree, str | int) or (isinstance(tree, float) and isfinite(tree))


def fill(tree: Tree, values: Mapping[str, Tree]) -> Tree:
    """The tree with its names filled in. A text that is one name becomes its value as it is: `"{more}"` may be true."""
    match tree:
        case str():
            whole = NAME.fullmatch(tree)
            return values.get(whole[1], "") if whole else fill_text(tree, values)
        case list():
            return [fill(each, values) for each in tree]
        case dict():
            return {name: fill(each, values) for name, each in tree.items()}
    return tree


def fill_text(text: str, values: Mapping[str, Tree]) -> str:
    """The text with its names filled in."""
    return NAME.sub(lambda found: word(values.get(found[1], "")), text)


def word(value: Tree) -> str:
    """A value as it stands in a form: true and false small, a list with commas."""
    if isinstance(value, list):
        return ",".join(map(word, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def without_blanks(tree: Tree) -> Tree:
    """The tree without names whose value is blank, and without what thereby becomes empty."""
    if isinstance(tree, list):
        return [each for each in map(without_blanks, tree) if each not in ("", {}, [])]
    if isinstance(tree, dict):
        left = {name: without_blanks(each) for name, each in tree.items()}
        return {name: each for name, each in left.items() if each not in ("", {}, [])}
    return tree
