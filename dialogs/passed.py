"""Remembers content that passed the check, so that a program that starts again need not check the same files again.

A small file in the data folder. What it says holds for exactly these files, this program and these screens; anything
else, a broken or missing file too, means: check. Content with an error is never remembered.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from importlib.metadata import version
from pathlib import Path

from dialogs.problem import At, Problem, errors
from dialogs.screen import Room
from dialogs.written import Written

CHECKED = "checked.json"  # its name in the data folder
MOST = 4  # kinds of check remembered: the gateway's with its screens, that of the commands
READERS = ("polib", "pyyaml", "ruamel.yaml", "phonenumberslite", "tzdata")  # what the check rests on, beside our own


class Passed:
    """The file of what passed. Nothing here raises: without the file everything is checked."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def problems(self, written: Written, drafts: bool, room: Room) -> list[Problem] | None:
        """The warnings that the check of exactly this found; None if it must be checked."""
        try:
            return [_problem(row) for row in self._read()[_key(written, drafts, room)]]
        except (KeyError, TypeError, ValueError):
            return None

    def remember(self, written: Written, drafts: bool, room: Room, problems: Sequence[Problem]) -> None:
        """Note what the check found, unless one of it is an error."""
        if errors(list(problems)):
            return
        key = _key(written, drafts, room)
        known = [(other, rows) for other, rows in self._read().items() if other != key][1 - MOST :]
        text = json.dumps(dict([*known, (key, [asdict(problem) for problem in problems])]))
        beside = self.file.with_suffix(".new~")
        try:
            beside.write_text(text, "utf-8")
            beside.replace(self.file)
        except (OSError, ValueError):  # it may not be written, or a file's name holds a broken letter
            return

    def _read(self) -> dict[str, list[dict[str, object]]]:
        try:
            found = json.loads(self.file.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


def _problem(row: dict[str, object]) -> Problem:
    problem = Problem(**{**row, "at": At(**row["at"])})  # type: ignore[arg-type]
    if problem.level != "warning":
        raise ValueError(problem.level)
    return problem


def _key(written: Written, drafts: bool, room: Room) -> str:
    """All that the result of the check depends on. `revision` stands for the files that are read."""
    parts = (_program(), written.revision, written.root, drafts, room, written.problems)
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogateescape")).hexdigest()


@cache
def _program() -> str:
    """The dialogs as they are programmed: another version may find more."""
    digest = hashlib.sha256(repr((sys.version, [version(name) for name in READERS])).encode())
    for path in sorted(Path(__file__).parent.rglob("*")):
        if path.suffix in (".py", ".toml"):
            digest.update(path.read_bytes())
    return digest.hexdigest()
