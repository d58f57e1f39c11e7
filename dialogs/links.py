"""What ties dialogs together: a question taken `from` another dialog, and steps that a gap in the facts skips."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import replace

from dialogs.locale import placeholders
from dialogs.problem import Problem
from dialogs.reading.values import did_you_mean
from dialogs.script import Choice, Common, Condition, Dialog, Step


def link(dialogs: Mapping[str, Dialog], unread: Container[str] = ()) -> tuple[dict[str, Dialog], list[Problem]]:
    """Put the question into every step that is taken `from` another one; what is not there is a problem.

    `unread` are dialogs with an error, where a step that is not there may only be lost.
    `origin` then names the step that is written out, so two that are taken from one another's copy are one question.
    """
    problems: list[Problem] = []
    linked = {}
    for id, dialog in dialogs.items():
        steps = tuple(_linked(step, dialogs, unread, problems) for step in dialog.steps)
        linked[id] = replace(dialog, steps=steps)
    return linked, problems


def _linked(step: Step, dialogs: Mapping[str, Dialog], unread: Container[str], problems: list[Problem]) -> Step:
    if step.origin is None:
        return step
    at, seen, origin = step.places.get("from", step.at), {step.origin}, step.origin
    while True:
        dialog = dialogs.get(origin[0])
        there = dialog.step(origin[1]) if dialog else None
        if there is None or there.origin is None:
            break
        origin = there.origin
        if origin in seen:
            text = "This step is taken from a step that is taken from this one."
            problems.append(Problem(at, "endless", text, "Write the question out in one of the two.", width=4))
            return step
        seen.add(origin)
    width = len("/".join(step.origin))
    if dialog is None:
        text, mend = f'There is no dialog "{origin[0]}".', did_you_mean(origin[0], dialogs)
        problems.append(Problem(at, "unknown-dialog", text, mend, width=width))
    elif there is None and not dialog.broken and origin[0] not in unread:
        text, mend = f'There is no step "{origin[1]}" in the dialog {origin[0]}.', did_you_mean(origin[1], dialog.index)
        problems.append(Problem(at, "unknown-step", text, mend, width=width))
    if there is None:
        return step
    own = {choice.id: choice for choice in step.choices}
    known = [*(choice.id for choice in there.choices), *(f"{band.percent}%" for band in there.bands)]
    for id in sorted(own.keys() - set(known)):
        where, text = step.places.get(f"go.{id}", step.at), f'The question taken from here has no choice "{id}".'
        problems.append(Problem(where, "unknown-choice", text, did_you_mean(id, known)))
    return replace(
        there,
        id=step.id,
        at=step.at,
        only_if=step.only_if,
        choices=tuple(replace(choice, go=_way(own, choice.id)) for choice in there.choices),
        bands=tuple(replace(band, go=_way(own, f"{band.percent}%")) for band in there.bands),
        go=step.go,
        note=step.note,
        origin=origin,
        places=step.places,
    )


def _way(own: Mapping[str, Choice], id: str) -> str:
    """Where a choice leads from here, which is not where it leads in the dialog that wrote it."""
    return own[id].go if id in own else ""


# --- facts that are not known everywhere ---


def gaps(common: Common) -> set[str]:
    """The facts that may be empty for somebody: those that differ by country, and empty ones."""
    return {name for name, value in common.facts.items() if not isinstance(value, str) or not value}


def skipping(dialog: Dialog, common: Common) -> Dialog:
    """The dialog with each step that says a fact skipped where that fact is not known: as if `only if` said so."""
    empty = gaps(common)
    return replace(dialog, steps=tuple(_skipped_without(step, empty) for step in dialog.steps)) if empty else dialog


def _skipped_without(step: Step, empty: set[str]) -> Step:
    shown = (*step.texts, *(choice.text for choice in step.choices))
    needed = {name: text.at for text in shown for name in sorted(placeholders(text.source) & empty)}
    asked = {condition.name for condition in step.only_if if not condition.values and not condition.negated}
    found = tuple(Condition(name, (), False, at) for name, at in needed.items() if name not in asked)
    return replace(step, only_if=(*step.only_if, *found)) if found else step
