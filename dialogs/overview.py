"""A person's answers over several dialogs: what is open, how far each part is. Pure; only kept answers are in it.

One question may stand in several dialogs (`from`): it is one question here, and its newest answer counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal

from dialogs.engine import COUNTED, Answers, band_of
from dialogs.script import Choice, Dialog, Step

State = Literal["none", "start", "working", "ready", "seen"]
Question = tuple[str, str]  # (dialog, step) where it is written out
LEVELS = ("must", "year 1", "year 3")


@dataclass(frozen=True, slots=True)
class Went:
    """One run of a person: the open one of a dialog, or the last that was finished."""

    dialog: str
    answers: Answers
    finished: bool
    updated_at: datetime


@dataclass(frozen=True)
class Overview:
    """`known` are the fields of the person with the facts and switches of the country, as `only if` reads them."""

    dialogs: Mapping[str, Dialog]
    known: Mapping[str, str]
    went: Sequence[Went]

    @cached_property
    def _given(self) -> dict[Question, str]:
        """The newest kept answer to each question."""
        found: dict[Question, str] = {}
        for run in sorted(self.went, key=lambda run: run.updated_at):
            dialog = self.dialogs.get(run.dialog)
            for step_id, value in run.answers if dialog else ():
                assert dialog is not None
                step = dialog.step(dialog.moved.get(step_id, step_id))
                if step is not None and step.keep == "yes" and value != COUNTED and step.choice(value) is not None:
                    found[_question(dialog, step)] = value
        return found

    def asked(self, dialog: Dialog) -> Iterator[Step]:
        """The checks of a dialog that are asked of this person: whose `only if` holds by what is known now."""
        return (step for step in self._shown(dialog) if step.head == "check")

    def _shown(self, dialog: Dialog) -> Iterator[Step]:
        own = {step.id: value for step in dialog.steps if (value := self._given.get(_question(dialog, step)))}
        known = {**own, **self.known}
        return (step for step in dialog.steps if all(condition.holds(known) for condition in step.only_if))

    def answer(self, dialog: Dialog, step: Step) -> Choice | None:
        """The newest kept answer to this question, wherever it was asked."""
        value = self._given.get(_question(dialog, step))
        return step.choice(value) if value else None

    def open_points(self, ids: Iterable[str]) -> tuple[list[tuple[Step, Choice]], bool]:
        """The answers whose advice is still to be followed, the most urgent first; and if anything was answered."""
        found, any_answer, seen = [], False, set()
        for dialog in self._named(ids):
            for step in self.asked(dialog):
                choice = self.answer(dialog, step)
                if choice is None or _question(dialog, step) in seen:
                    continue
                seen.add(_question(dialog, step))
                any_answer = True
                if choice.advice is not None:
                    found.append((step, choice))
        return by_urgency(found), any_answer

    def state(self, dialog: Dialog) -> State:
        """How far this person is in a dialog, by its own result where it has one and was gone through."""
        runs = [run for run in self.went if run.dialog == dialog.id]
        kept = [step for step in self.asked(dialog) if step.keep == "yes"]
        choices = [self.answer(dialog, step) for step in kept]
        given = [(step, choice) for step, choice in zip(kept, choices, strict=True) if choice is not None]
        if not given and not any(run.finished or run.answers for run in runs):
            return "none"
        through = any(run.finished for run in runs)
        if not through and (len(given) < len(kept) or not kept or _private(self, dialog)):
            return "working"
        most = sum(step.most for step, choice in given if choice.scored)
        score = next((step for step in self._shown(dialog) if step.head == "score"), None)
        if not most or score is None:
            return "seen"
        band = band_of(score, sum(choice.points for _, choice in given if choice.scored) * 100 // most)
        if band is score.bands[0]:
            return "ready"
        return "start" if band is score.bands[-1] else "working"

    def state_for(self, scheme: str) -> State:
        """How far this person is towards a scheme, by the kept questions that prepare for it: ready = all are Yes."""
        given, left = [], 0
        for dialog in self.dialogs.values():
            for step in self.asked(dialog):
                if step.origin is None and step.keep == "yes" and _prepares(step, scheme):
                    choice = self.answer(dialog, step)
                    if choice is None:
                        left += 1
                    elif choice.scored:
                        given.append((step, choice))
        if not given:
            return "none"
        if not left and all(choice.points == step.most for step, choice in given):
            return "ready"
        return "working" if any(choice.points for _, choice in given) else "start"

    def papers(self, ids: Iterable[str]) -> list[str]:
        """The ids of the texts that name the papers to show, of all checks that are asked of this person."""
        steps = (step for dialog in self._named(ids) for step in self.asked(dialog))
        return list(dict.fromkeys(step.proof.id for step in steps if step.proof is not None))

    def _named(self, ids: Iterable[str]) -> Iterator[Dialog]:
        for id in ids:
            if id in self.dialogs:
                yield self.dialogs[id]


def _question(dialog: Dialog, step: Step) -> Question:
    return step.origin or (dialog.id, step.id)


def _private(overview: Overview, dialog: Dialog) -> bool:
    """True if a dialog has questions whose answers are not kept: only going through it tells that it was done."""
    return any(step.keep != "yes" for step in overview.asked(dialog))


def _prepares(step: Step, scheme: str) -> bool:
    return any(named.partition("/")[0] == scheme for named, _ in step.schemes)


def by_urgency(points: Iterable[tuple[Step, Choice]]) -> list[tuple[Step, Choice]]:
    """By level, must before year 1 before year 3 before none; in the order of asking within one level."""
    return sorted(points, key=lambda point: LEVELS.index(point[0].level) if point[0].level in LEVELS else len(LEVELS))
