"""Checks of answers.yaml: each answer opens a dialog or reads out a page that is there."""

from __future__ import annotations

from collections.abc import Iterator

from dialogs.answers import Answer
from dialogs.problem import Problem
from dialogs.reading.values import did_you_mean
from dialogs.written import Written


def check_answers(written: Written) -> Iterator[Problem]:
    """Every problem of this kind."""
    for answer in (*written.answers.intents.values(), *written.answers.dangers.values()):
        yield from _target(written, answer)


def _target(written: Written, answer: Answer) -> Iterator[Problem]:
    width = len(answer.id)
    for name, at in answer.steps or ((answer.opens, ""),):
        dialog = written.dialogs.get(name)
        if dialog is None:
            mend = did_you_mean(name, written.dialogs)
            yield Problem(answer.at, "unknown-dialog", f'There is no dialog "{name}".', mend, width=width)
            continue
        if not at or written.may_hold(at):
            continue
        step = dialog.step(at)
        if step is None:
            text, mend = f'There is no step "{at}" in {name}.', did_you_mean(at, dialog.index)
            yield Problem(answer.at, "unknown-step", text, mend, width=width)
        elif step.head != "say":
            text = f'"{name}/{at}" asks something, and an answer can only read pages out.'
            mend = f'Name a step with "say", or open the dialog: "/{name}".'
            yield Problem(answer.at, "no-page", text, mend, width=width)
