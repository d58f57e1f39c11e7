"""`ngazi content check --watch`: checks again whenever a file of the folder changes, and tells what became better."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from dialogs.check import report
from dialogs.problem import Problem, errors
from dialogs.written import Stamps, Written, file_stamps

EVERY = 0.3  # seconds between two looks
SUMS = ("missing", "stale", "unsigned")  # one problem for many texts, whose number changes
LINES = ("meaning",)  # the lines where a word stands are named
_OF_A_DIALOG = re.compile(r"texts? of (\S+) ")


def watch(
    folder: Path,
    check: Callable[[], tuple[Written, list[Problem]]],
    say: Callable[[str], None],
    every: float = EVERY,
) -> None:
    """Check, and again after each change, until it is interrupted. A file that is half written or gone is a problem
    of the list like any other, and mended when it is whole."""
    before: list[Problem] | None = None
    seen: Stamps | None = None
    try:
        while True:
            now = _settled(folder, every)
            if now != seen:
                seen = now
                written, problems = check()
                said = "\n".join(told(before, problems, written, datetime.now().astimezone()))
                say(f"{said}\n")
                before = problems
            time.sleep(every)
    except KeyboardInterrupt:
        say("\nNo longer watching.\n")


def told(before: Sequence[Problem] | None, now: Sequence[Problem], written: Written, at: datetime) -> Iterator[str]:
    """Under the time the whole list; after a change only what is new, and how many problems there are by then."""
    yield f"--- {at:%H:%M:%S} ---"
    if before is None:
        yield report.as_text(now, written.files).rstrip("\n")
        yield "Watching the folder; Ctrl+C ends it."
        return
    old, new = Counter(map(_same, before)), Counter(map(_same, now))
    mended, added = (old - new).total(), new - old
    for problem in now:
        if added[_same(problem)] > 0:
            added[_same(problem)] -= 1
            yield report.told(problem, written.files)
    number = (new - old).total()
    if number:
        yield f"{number} problems are new." if number > 1 else "One problem is new."
    if mended:
        yield f"{mended} problems are mended." if mended > 1 else "One problem is mended."
    if not mended and not number:
        yield "The same problems as before." if now else "Still nothing to mend."
    if now:
        yield report.counted(now)
    if errors(list(before)) and not errors(list(now)):
        yield "No error is left: this content can be put in force."


def _same(problem: Problem) -> tuple[str, str, str, str]:
    """What makes a problem the same one after lines above it have moved, or after the texts that it sums up changed."""
    text = problem.text
    if problem.slug in SUMS:
        dialog = _OF_A_DIALOG.search(text)
        text = dialog[1] if dialog else ""
    elif problem.slug in LINES:
        text = text.partition(" It stands in ")[0]
    return problem.at.file, problem.level, problem.slug, text


def _settled(folder: Path, every: float) -> Stamps:
    """The folder as it stands when nothing in it has moved for a moment: who saves many files, or a large one, is not
    told of the half of it. After a second it is taken as it is."""
    stamps = _look(folder)
    for _ in range(max(1, int(1 / every))):
        time.sleep(every / 3)
        again = _look(folder)
        if again == stamps:
            break
        stamps = again
    return stamps


def _look(folder: Path) -> Stamps:
    try:
        return file_stamps(folder)
    except OSError:  # the folder is gone while it was listed
        return {}
