"""Checks of what texts rest on: each names its source, each source and scheme exists, each check has its day."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dialogs.check.conditions import steps_of
from dialogs.claims import ALWAYS, Scheme, split
from dialogs.gsm import septets
from dialogs.problem import At, Problem
from dialogs.reading.values import did_you_mean, nearest
from dialogs.script import Claim, Step
from dialogs.written import SCHEMES, SOURCES, Written

NAME_IT = (
    'Add "source:" and below it a source of sources.yaml with a letter, like "memory: c"; or "source: own", if it'
    " states nothing about the world"
)


def check_claims(written: Written, today: str = "") -> Iterator[Problem]:
    """Every problem of this kind. `today` (2026-11-23) is what days are compared with; without it they are not."""
    flawed = {problem.at.file for problem in written.problems if problem.level == "error"}
    for claim in _claims(written):
        yield from _unknown_sources(written, claim)
        yield from _days(claim, today)
        if not flawed & {at.file for at in claim.places.values()}:  # else a day may be lost
            yield from _half_checked(claim)
    if f"{written.root}/{SOURCES}" in written.files:
        yield from _no_source(written)
    unknown = [problem for _, step in steps_of(written) for problem in _unknown_schemes(written, step)]
    yield from unknown if written.schemes else unknown[:1]  # without a list all have one cause
    yield from _names(written)
    if not written.flawed and not _broken(written, SCHEMES):
        yield from _never_used(written)


def states(step: Step) -> bool:
    """True if something is said here that may be so or not; a plain question or menu states nothing."""
    if step.origin is not None:
        return False  # that stands where the step is written
    said = any(text is not None for choice in step.choices for text in (choice.advice, choice.reply))
    return said or step.head in ("say", "check")


def _claims(written: Written) -> Iterator[Claim]:
    """Every claim, and those of dialogs again under their steps: what is found twice is told once."""
    for dialog in written.dialogs.values():
        yield dialog.claim
    yield from (step.claim for _, step in steps_of(written) if step.origin is None)
    yield from (series.claim for series in written.series.values())
    yield from (scheme.claim for scheme in written.schemes.values())
    yield written.answers.claim


def _broken(written: Written, name: str) -> bool:
    """True if this file at the top of the folder has an error: lines of it may be lost."""
    file = f"{written.root}/{name}"
    return any(problem.level == "error" and problem.at.file == file for problem in written.problems)


def _lost(written: Written, name: str, word: str) -> bool:
    """True if this file has an error and seems to hold this word at the beginning of a line."""
    text = written.files.get(f"{written.root}/{name}", "")
    return _broken(written, name) and re.search(rf"^\s*{re.escape(word)}\s*:", text, re.MULTILINE) is not None


# --- sources ---


def _no_source(written: Written) -> Iterator[Problem]:
    """Asked for where there is a list of sources: a first small content, and an example, need none."""
    for dialog, step in steps_of(written):
        if states(step) and not step.claim.source and dialog.id not in written.flawed:
            text = f'The step "{step.id}" says something, and nobody can see what it rests on.'
            mend = f"{NAME_IT}. At the top of the dialog it counts for all its steps."
            yield Problem(step.at, "no-source", text, mend, width=len(step.id))
    for series in written.series.values():
        if not series.claim.source and f"reminder/{series.id}" not in written.flawed:
            text = "These reminders say something, and nobody can see what it rests on."
            yield Problem(series.title.at, "no-source", text, f"{NAME_IT}.", width=len(series.title.source))
    for scheme in written.schemes.values():
        if not scheme.claim.source and not _broken(written, SCHEMES):
            text = f'What is written about "{scheme.id}" names no source.'
            yield Problem(scheme.at, "no-source", text, f"{NAME_IT}.", width=len(scheme.id))
    answers = written.answers
    if answers.at.line and answers.at.file in written.files and not answers.claim.source:
        yield Problem(
            answers.at, "no-source", "Nobody can see what the answers and words of this file rest on.", f"{NAME_IT}."
        )


def _unknown_sources(written: Written, claim: Claim) -> Iterator[Problem]:
    for id, _ in claim.source:
        if id in written.sources or _lost(written, SOURCES, id):
            continue
        near = nearest(id, written.sources)
        mend = f'Did you mean "{near}"?' if near else f"Add it to {SOURCES}, or write one of: {', '.join(ALWAYS)}."
        text = f'There is no source "{id}" in {SOURCES}.'
        yield Problem(_at(claim, f"source.{id}"), "unknown-source", text, mend, width=len(id))


def _at(claim: Claim, key: str) -> At:
    return claim.places.get(key, claim.places.get(key.partition(".")[0], At("")))


# --- days ---


def _days(claim: Claim, today: str) -> Iterator[Problem]:
    on, until = claim.checked_on, claim.expires_on
    if on and until and until < on:
        text = f"To look again by {until} is before the day of the check, {on}."
        mend = "Write a later day here, or mend the day of the check."
        yield Problem(_at(claim, "expires_on"), "bad-day", text, mend, width=len("expires_on"))
    elif until and today and until < today:
        text = f"This was to be looked at again by {until}, and nobody has."
        mend = "See whether it is still so. Then write who looked, on what day, and until when that is good."
        yield Problem(_at(claim, "expires_on"), "out-of-date", text, mend, "warning", len("expires_on"))
    if on and today and on > today:
        text = f"The day of the check, {on}, is still to come."
        place = _at(claim, "checked_on")
        yield Problem(place, "bad-day", text, "Write the day on which somebody looked.", "warning", len("checked_on"))


def _half_checked(claim: Claim) -> Iterator[Problem]:
    if bool(claim.checked_by) != bool(claim.checked_on):
        given, missing = ("checked_on", "checked_by") if claim.checked_on else ("checked_by", "checked_on")
        text = (
            "Somebody has checked this, and the day is missing." if claim.checked_by else "Nobody stands by this day."
        )
        mend = f'Add "{missing}", or leave "{given}" empty until somebody has looked.'
        yield Problem(_at(claim, given), "half-checked", text, mend, "warning", len(given))


# --- schemes ---


def _unknown_schemes(written: Written, step: Step) -> Iterator[Problem]:
    for named, _ in step.schemes if step.origin is None else ():
        id, part = split(named)
        scheme = written.schemes.get(id)
        if (scheme is not None and scheme.knows(part)) or _lost(written, SCHEMES, part or id):
            continue
        at = step.places.get(f"prepares for.{named}", step.at)
        if scheme is None:
            text, mend = f'There is no scheme "{id}" in {SCHEMES}.', did_you_mean(id, written.schemes)
            mend = mend or "Write it there first: its name, what it is, its parts, and the source."
        else:
            text = f'The scheme "{id}" has no part "{part}".'
            mend = _mend_part(scheme, part)
        yield Problem(at, "unknown-scheme", text, mend, width=len(named))


def _mend_part(scheme: Scheme, part: str) -> str:
    if near := nearest(part, scheme.parts):
        return f'Did you mean "{scheme.id}/{near}"?'
    if not scheme.parts:
        return f'It has no parts: write "{scheme.id}", or add the part to {SCHEMES} if somebody has seen it there.'
    return f"Its parts are: {', '.join(scheme.parts)}."


def _names(written: Written) -> Iterator[Problem]:
    """The name of a scheme stands on every phone, in every language; its id stands beside those of dialogs."""
    for scheme in written.schemes.values():
        if scheme.id in written.dialogs:
            text = f'"{scheme.id}" is the name of a dialog too, so "of" could mean either.'
            yield Problem(scheme.at, "bad-id", text, "Give the scheme another name.", width=len(scheme.id))
        if septets(scheme.name) is None:
            text = f'Phones cannot show every letter of "{scheme.name}".'
            yield Problem(scheme.at, "letters", text, "Write the name in plain letters.", width=len(scheme.id))


# --- what nothing names ---


def _never_used(written: Written) -> Iterator[Problem]:
    named = {id for claim in _claims(written) for id, _ in claim.source}
    for source in written.sources.values():
        if source.id not in named and source.id not in ALWAYS:
            text, mend = f'Nothing rests on the source "{source.id}".', "Delete it, or name it where it is used."
            yield Problem(source.at, "never-used", text, mend, "warning", len(source.id))
    prepared = {split(scheme)[0] for _, step in steps_of(written) for scheme, _ in step.schemes}
    prepared |= {id for _, step in steps_of(written) for id in step.of}
    for scheme in written.schemes.values():
        if scheme.id not in prepared:
            text = f'No question prepares for "{scheme.id}".'
            mend = 'Name it under "prepares for" in the questions that do, or delete it.'
            yield Problem(scheme.at, "never-used", text, mend, "warning", len(scheme.id))
