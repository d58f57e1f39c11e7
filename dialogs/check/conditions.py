"""Checks of `only if`: each name must be known by then, and each value one that it can have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from dialogs.check.paths import Place, inside, reached
from dialogs.problem import Problem
from dialogs.reading.values import did_you_mean, nearest
from dialogs.script import (
    CHANNEL_KINDS,
    END_LINKS,
    GROUP,
    KNOWN_FIELDS,
    LEAVE_GROUPS,
    LINK_CODE,
    LINKED,
    SWITCHES,
    Condition,
    Dialog,
    Step,
)
from dialogs.written import Written

Savers = Mapping[str, list[tuple[Dialog, Step]]]
UNANSWERED = "Nothing gives it an answer: delete this condition, or give that question its choices."
# Saved, but not as fields.
NO_FIELDS = ("language", "consent", "private_phone", "stopped", GROUP, LEAVE_GROUPS, LINK_CODE, END_LINKS)
OF_A_PERSON = ("language", "country", "reminders", "news", *SWITCHES)  # what a series can always ask for


def linked(step: Step) -> bool:
    """False for a step whose `from` leads nowhere: all that is missing there comes from that."""
    return step.origin is None or bool(step.texts or step.bands)


def steps_of(written: Written) -> Iterator[tuple[Dialog, Step]]:
    """Every step of every dialog."""
    for dialog in written.dialogs.values():
        for step in dialog.steps:
            yield dialog, step


def savers(written: Written) -> dict[str, list[tuple[Dialog, Step]]]:
    """By field the steps that save it."""
    found: dict[str, list[tuple[Dialog, Step]]] = {}
    for dialog, step in steps_of(written):
        if step.save:
            found.setdefault(step.save, []).append((dialog, step))
    return found


def in_chats_only(step: Step) -> bool:
    """True for a step that is for chats alone, where nothing is too long."""
    return any(
        condition.name == "channel_kind" and condition.values == ("bot",) and not condition.negated
        for condition in step.only_if
    )


def check_conditions(written: Written) -> Iterator[Problem]:
    """Every problem of this kind."""
    saved = savers(written)
    graph = {place: onward for dialog in written.dialogs.values() for place, onward in inside(dialog).items()}
    for dialog, step in steps_of(written):
        for condition in step.only_if:
            yield from _condition(written, graph, saved, dialog, step, condition)
    for series in written.series.values():
        for condition in series.conditions:
            yield from _of_a_person(written, saved, condition)


def answered(saved: Savers) -> set[str]:
    """The fields that hold a plain answer: no date, no phone number, nothing with a place of its own in the store."""
    kinds = {name: {step.kind for _, step in steps} for name, steps in saved.items() if name not in NO_FIELDS}
    return {name for name, found in kinds.items() if not found & {"date", "phone"}}


def _of_a_person(written: Written, saved: Savers, condition: Condition) -> Iterator[Problem]:
    """Of a series: it is judged outside of any dialog, when a reminder is about to go."""
    name, by = condition.name, saved.get(condition.name, [])
    known = {*answered(saved), *written.common.facts, *OF_A_PERSON}
    if name in known:
        yield from _answers(condition, _values(written, name, None, by))
    elif not written.may_hold(name):
        text = f'No question saves anything as "{name}".'
        if name in saved or name in KNOWN_FIELDS:
            text = f'A series cannot ask for "{name}": only answers, the language, the country, switches and facts.'
        near = "" if name in saved or name in KNOWN_FIELDS else nearest(name, known)
        mend = f'Did you mean "{near}"?' if near else 'Write a name that stands after "save" in a dialog.'
        yield Problem(condition.at, "only-if", text, mend, width=len(name))


def _condition(
    written: Written,
    graph: Mapping[Place, list[Place]],
    saved: Mapping[str, list[tuple[Dialog, Step]]],
    dialog: Dialog,
    step: Step,
    condition: Condition,
) -> Iterator[Problem]:
    name, at, width = condition.name, condition.at, len(condition.name)
    own, by, given = dialog.step(name), saved.get(name, []), {*KNOWN_FIELDS, *written.common.facts}
    if own is None and not by and name not in given:
        if not written.may_hold(name):
            mend = _which(name, [*dialog.index, *saved, *sorted(given)])
            yield Problem(at, "only-if", f'Nothing is known by the name "{name}".', mend, width=width)
    elif own is not None and own.keep != "yes" and not by and name not in given:
        text = f'"{name}" is a private question (keep: {own.keep}): its answer cannot choose what comes next.'
        yield Problem(at, "kept-go", text, 'Delete this condition, or "keep" there.', width=width)
    elif name not in given and not _is_marked(dialog, name) and _only_later(graph, dialog, step, own, by):
        text = f'"{name}" is asked only later, so nothing is known of it here.'
        yield Problem(at, "only-if", text, "Move this step behind that question.", width=width)
    else:
        yield from _answers(condition, _values(written, name, own, by))


def _answers(condition: Condition, allowed: list[str] | None) -> Iterator[Problem]:
    name, at, width = condition.name, condition.at, len(condition.name)
    for value in condition.values:
        if allowed is not None and value not in allowed:
            text, mend = f'"{name}" is never "{value}".', did_you_mean(value, allowed) or UNANSWERED
            yield Problem(at, "only-if", text, mend, width=width)
        elif name == "country" and not re.fullmatch(r"[A-Z]{2}", value):
            mend = f'Write the two capital letters of the country: "country is {value[:2].upper()}".'
            yield Problem(at, "only-if", f'"{value}" is no country.', mend, width=width)


def _which(name: str, known: Iterable[str]) -> str:
    if near := nearest(name, known):
        return f'Did you mean "{near}"?'
    return "Write the name of a step before this one in this dialog, or of a field that a step saves."


def _is_marked(dialog: Dialog, name: str) -> bool:
    """True for a date that this dialog marks as done: it was saved in an earlier call."""
    return any(choice.done == name for step in dialog.steps for choice in step.choices)


def _only_later(
    graph: Mapping[Place, list[Place]],
    dialog: Dialog,
    step: Step,
    own: Step | None,
    saved: list[tuple[Dialog, Step]],
) -> bool:
    """True if nothing that could give this name can be answered before the step."""
    if any(other.id != dialog.id or saver.id == step.id for other, saver in saved):
        return False
    here = (dialog.id, step.id)
    sources = {saver.id for _, saver in saved} | ({own.id} if own is not None else set())
    return not any(here in reached(graph, graph[dialog.id, source]) for source in sources if source != step.id)


def _values(written: Written, name: str, own: Step | None, saved: list[tuple[Dialog, Step]]) -> list[str] | None:
    """What a name can hold; None where that is open."""
    if name in (*SWITCHES, "reachable", LINKED):
        return ["yes", "no"]
    if name == "channel_kind":
        return [*CHANNEL_KINDS]
    sources = [step for _, step in saved] + ([own] if own is not None else [])
    if name in ("consent", "private_phone", "reminders", "news", "stopped") and not sources:
        return ["yes", "no"]
    if name == "language":
        return [written.common.language, *written.languages]
    if not sources or any(step.kind != "choice" or not linked(step) for step in sources):
        return None
    return list(dict.fromkeys(choice.id for step in sources for choice in step.choices))
