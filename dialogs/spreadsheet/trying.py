"""In, with the checks of the content run on what would come out: what breaks a text is found before it is written."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dialogs.check import check_content
from dialogs.check.signed import signed_by
from dialogs.check.sources import sources
from dialogs.check.text import MOST_LETTERS
from dialogs.locale import Language
from dialogs.pofile import Source, read_po, update
from dialogs.problem import At, Problem
from dialogs.reviews import NEEDED
from dialogs.spreadsheet.moved import MOST, moved
from dialogs.spreadsheet.rows import lock_of
from dialogs.spreadsheet.taking import Taken, Told, take
from dialogs.written import Written, read_files

COUNTING = ("missing", "stale", "unsigned")  # their texts count, so that one text less reads as another problem
ROUNDS = 8  # each leaves out the rows that the last one found; more than two are seldom needed
Key = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a sheet. With `stopped` nothing may be written: each line says why, by row where it is one's fault.

    `looks` are warnings about rows that were written, `why` the reason for the whole of `stopped`.
    """

    taken: Taken
    stopped: tuple[str, ...] = ()
    why: str = "the checks find errors"
    slipped: bool = False  # cells of the sheet have moved
    looks: tuple[tuple[Told, str], ...] = ()


@dataclass(frozen=True, slots=True)
class _Found:
    """The problems of a content, each with the id of the translation that it is in, or ""."""

    problems: tuple[tuple[Key, str, Problem], ...]
    unsigned: Mapping[str, Problem]  # by id, in a language that is live

    def new(self, before: _Found) -> list[tuple[str, Problem]]:
        """Those that were not there before."""
        known = {key for key, _, _ in before.problems}
        found = [(id, problem) for key, id, problem in self.problems if key not in known]
        return found + [(id, problem) for id, problem in self.unsigned.items() if id not in before.unsigned]


def try_on(written: Written, code: str, po: str, rows: Sequence[Told], on: str, reviewer: str = "") -> Outcome:
    """These rows in the PO file of a language, as far as they break nothing. `po` is the file as it is, or a new one.

    In a language that is live one error stops all of it; in a draft the rows with errors are left out. Where cells
    have slipped nothing at all is taken.
    """
    if len(away := moved(rows)) >= MOST:
        slipped = tuple(f"{_place(row)}: {away[row.number]}" for row in rows if row.number in away)
        why = f"cells seem to have slipped: {len(away)} translations stand in rows of other texts"
        return Outcome(Taken(), slipped, why, slipped=True)
    texts = sources(written)
    base = update(po, texts)
    before = _found(written, code, base)
    long = _too_long(texts, rows)
    without = {number: why for number, (far, why) in long.items() if far}
    if without and _live(po):
        return Outcome(Taken(), tuple(f"{_place(row)}: {without[row.number]}" for row in rows if row.number in without))
    for _ in range(ROUNDS):
        taken = take(base, texts, rows, on, reviewer, without, away)
        after = _found(written, code, taken.po).new(before)
        wrong = [(id, problem) for id, problem in after if problem.level == "error"]
        mine = {row.id: row for row in (*taken.written, *taken.confirmed)}
        if not wrong:
            found = [(id, problem) for id, problem in after if id in mine]
            told = {id for id, problem in found if problem.slug == "too-long"}
            looks = [(mine[id], _said(problem)) for id, problem in found]
            looks += [(row, long[row.number][1]) for row in taken.written if row.number in long and row.id not in told]
            return Outcome(taken, looks=tuple(looks))
        if _live(po) or not any(id in mine for id, _ in wrong):
            return Outcome(taken, tuple(_stop(mine.get(id), problem) for id, problem in wrong))
        for id, problem in wrong:
            if id in mine:
                without.setdefault(mine[id].number, _said(problem))
    return Outcome(taken, tuple(_stop(mine.get(id), problem) for id, problem in wrong))


def _too_long(texts: Sequence[Source], rows: Sequence[Told]) -> dict[int, tuple[bool, str]]:
    """By number the rows whose title, choice or word beside a key is over its limit: whether far over it, and the words
    for it. The limits of longer texts are for their screens, which the checks measure.
    """
    known = {text.id: text for text in texts}
    found = {}
    for row in rows:
        text = known.get(row.id)
        if (
            text is None
            or not 0 < text.limit <= MOST_LETTERS
            or not row.changed
            or lock_of(row.id, text.text) != row.lock
        ):
            continue
        letters, limit = len(row.text.strip()), max(text.limit, len(text.text))
        if letters > limit:
            why = f"This takes {letters} letters; {limit} are the most. Shorten it by {letters - limit}. [too-long]"
            found[row.number] = (3 * letters > 4 * limit, why)
    return found


def _place(row: Told) -> str:
    return f"Row {row.number}, {row.where}"


def _live(po: str) -> bool:
    read, _ = read_po("", po)
    return read is not None and read.headers.get("X-Status", "").strip() == "live"


def _said(problem: Problem) -> str:
    return f"{problem.text} {problem.mend} [{problem.slug}]".replace("  ", " ")


def _stop(row: Told | None, problem: Problem) -> str:
    place = _place(row) if row is not None else str(problem.at)
    return f"{place}: {_said(problem)}"


def _found(written: Written, code: str, po: str) -> _Found:
    """Every problem of the content with this PO file in it."""
    file = f"{written.root}/locale/{code}.po"
    files = {name: text.encode("utf-8", "surrogateescape") for name, text in written.files.items()}
    tried = read_files(files | {file: po.encode("utf-8", "surrogateescape")}, written.root)
    read, _ = read_po(file, po)
    entries = [(entry.at.line, entry.id) for entry in read.entries] if read else []
    problems = [each for each in check_content(tried, drafts=True) if each.slug not in COUNTING]
    keyed = tuple(_keyed(problem, _id(problem.at, file, entries)) for problem in problems)
    return _Found(keyed, _unsigned(tried, tried.languages[code]))


def _unsigned(tried: Written, language: Language) -> Mapping[str, Problem]:
    if language.status != "live":
        return {}
    what = f"{language.name} is live, and this text would not be signed by {NEEDED} people."
    mend = 'Let two speakers read it and write their names under "Reviewed by", with ; between them.'
    lacking = [id for id, names in signed_by(tried, language).items() if len(names) < NEEDED]
    return {id: Problem(language.entries[id].at, "unsigned", what, mend) for id in lacking}


def _keyed(problem: Problem, id: str) -> tuple[Key, str, Problem]:
    """By its text where lines may move: the same problem before and after is no new one."""
    place = id or (problem.at.file if problem.at.file.endswith(".po") else str(problem.at))
    return (place, problem.slug, problem.text, problem.level), id, problem


def _id(at: At, file: str, entries: Sequence[tuple[int, str]]) -> str:
    """The text whose translation begins at this place or last before it."""
    if at.file != file or not entries:
        return ""
    before = bisect_right(entries, at.line, key=lambda entry: entry[0])
    return entries[before - 1][1] if before else ""
