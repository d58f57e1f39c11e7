"""The top of every content file: its id, its keys, its title."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from dialogs.problem import At, Problem
from dialogs.reading.plain_yaml import Node, Pair, Pairs, Plain, grow
from dialogs.reading.values import Finds, name, need, text
from dialogs.script import Text


def id_of(file: str, finds: Finds, reserved: tuple[str, ...] = ()) -> str:
    """The file name without its ending."""
    id = PurePosixPath(file.replace("\\", "/")).stem
    own = Finds()
    name(Plain(id, At(file)), own, reserved)
    for problem in own.problems:
        mend = problem.mend.replace("Take another name", "Give the file another name")
        finds.problems.append(Problem(problem.at, problem.slug, f"The file name: {problem.text}", mend))
    return id


def top_of(file: str, source: str | bytes, what: str, finds: Finds) -> Pairs | None:
    """The keys at the top of a file, or None where nothing can be read."""
    root, problems = grow(file, source)
    finds.problems.extend(problems)
    if isinstance(root, Pairs):
        return root
    here: Node = Plain("", At(file)) if root is None else root
    mend = "Write a key, a colon and a space before each text."
    if root is None and not any(problem.level == "error" for problem in problems):
        finds.add(here, "missing-key", f"{what} is made of lines with keys, and this file is empty.", mend)
    elif root is not None and not root.flawed and not problems:
        finds.add(here, "wrong-type", f"{what} is made of lines with keys, and here are none.", mend)
    return None


def title_of(given: Mapping[str, Pair], top: Pairs | None, bare: Text, what: str, finds: Finds) -> Text:
    """The title of a file; as it is without one, if none can be read."""
    node = need(given, "title", top, what, finds) if top else None
    return bare if node is None or not text(node, "title", finds) else text_as(bare.id, node)


def text_as(id: str, node: Node, note: str = "") -> Text:
    """The text of a node under an id; empty where no text stands."""
    return Text(id, node.text if isinstance(node, Plain) else "", node.at, note)
