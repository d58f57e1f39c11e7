"""Where a person stands in a dialog. Pure: answers in, standing out.

Progress is the answers; everything else is computed from them. No version of the content is pinned,
so an edit reaches everybody at their next screen, and nobody is ever carried to a step by a number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dialogs.script import Band, Choice, Dialog, Step

Entry = tuple[str, str]  # (step, choice); for typed answers the choice is what was typed
Answers = Sequence[Entry]

SEEN = "seen"  # a page was read, or an unkept question was answered
COUNTED = "counted"  # a mark, never an answer: this run has grown the tally of that step already
GIVEN = "given"  # stands for a typed phone number, which is kept sealed elsewhere
END, FORGET = "end", "forget"
FORMS = {"date": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"), "number": re.compile(r"[0-9]+"), "phone": re.compile(GIVEN)}


@dataclass(slots=True)
class Standing:
    """Where the answers lead: the step to show now, or, with `step` None, what follows the dialog in `target`.

    `used` are the places in the answers that were used up, in the order of use.
    `known` are the fields as they are known here: those from outside and those that this walk saved.
    """

    step: Step | None
    target: str
    used: list[int] = field(default_factory=list)
    known: dict[str, str] = field(default_factory=dict)
    taken: dict[str, tuple[Step, Choice]] = field(default_factory=dict)

    @property
    def points(self) -> int:
        """Points of the answers that count."""
        return sum(choice.points for _, choice in self.taken.values() if choice.scored)

    @property
    def most(self) -> int:
        """The best that these same questions could have given; skipped and unkept ones are not in it."""
        return sum(step.most for step, choice in self.taken.values() if choice.scored)

    @property
    def percent(self) -> int:
        """0 to 100, rounded down; 0 where nothing was kept."""
        most = self.most
        return self.points * 100 // most if most else 0

    @property
    def advice(self) -> list[tuple[Step, Choice]]:
        """The answers whose advice is read out, in the order of asking."""
        return [(step, choice) for step, choice in self.taken.values() if choice.advice is not None]


def walk(dialog: Dialog, answers: Answers, known: Mapping[str, str] | None = None) -> Standing:
    """Follow the answers from the first step; stop at the first step without one.

    At each step the earliest entry for it that was not used yet is used up. Entries of removed steps or choices
    are ignored. Every turn of the loop uses an entry or moves forward, so it ends.
    """
    waiting: dict[str, list[int]] = {}
    moved = dialog.moved
    for place in range(len(answers) - 1, -1, -1):  # backwards, so that pop() gives the earliest
        step_id, choice_id = answers[place]
        if choice_id != COUNTED:
            waiting.setdefault(moved.get(step_id, step_id), []).append(place)
    here = Standing(None, dialog.then, [], dict(known or {}))
    steps, index, last = dialog.steps, dialog.index, len(dialog.steps)
    at = 0
    while at < last:
        step = steps[at]
        if step.only_if and not all(condition.holds(here.known) for condition in step.only_if):
            at += 1
            continue
        entry = _use(step, waiting.get(step.id), answers, here)
        if entry is None:
            here.step = step
            return here
        target = _pass(step, entry, here)
        if not target:
            at += 1
        elif target in index:
            at = index[target]
        else:
            here.target = target
            return here
    return here


def walk_on(dialog: Dialog, standing: Standing, value: str) -> Standing:
    """Where an answer to the step that stands leads: the same as walking anew, if no other entry waits to be used.

    `standing` stays as it was.
    """
    step = standing.step
    assert step is not None
    here = Standing(None, dialog.then, [], dict(standing.known), dict(standing.taken))
    target, at = _pass(step, value, here), dialog.index[step.id] + 1
    if target and target not in dialog.index:
        here.target = target
        return here
    steps = dialog.steps
    at = dialog.index[target] if target else at
    while at < len(steps) and not all(condition.holds(here.known) for condition in steps[at].only_if):
        at += 1
    here.step = steps[at] if at < len(steps) else None
    return here


def _use(step: Step, places: list[int] | None, answers: Answers, here: Standing) -> str | None:
    """The answer that is used up for this step, or None where there is none that still means something."""
    while places:
        place = places.pop()
        value = answers[place][1]
        if fits(step, value):
            here.used.append(place)
            return value
    return None


def fits(step: Step, value: str) -> bool:
    """True if the value can be an answer to this step as it is written now."""
    if step.kind == "page" or step.keep != "yes":
        return value == SEEN
    if value == SEEN:
        return False
    if step.kind == "choice":
        return step.choice(value) is not None
    form = FORMS.get(step.kind)  # what was typed when another kind of answer was asked for is none
    return form is None or form.fullmatch(value) is not None


def _pass(step: Step, value: str, here: Standing) -> str:
    """Take note of an answer in passing; gives the target, or "" for the next step."""
    if step.head == "score":
        band = band_of(step, here.percent)
        return (band.go if band else "") or step.go
    if step.kind == "page" or step.keep != "yes":
        return step.go
    here.known[step.id] = value
    if step.save:
        here.known[step.save] = value
    choice = step.choice(value)
    if choice is None:
        return step.go
    if choice.scored or choice.advice is not None:
        here.taken.pop(step.id, None)  # asked again: the newest answer counts, at its newest place
        here.taken[step.id] = (step, choice)
    else:
        here.taken.pop(step.id, None)
    return choice.go or step.go


def band_of(step: Step, percent: int) -> Band | None:
    """The result for a percentage: the first of the falling bands that it reaches."""
    for band in step.bands:
        if percent >= band.percent:
            return band
    return None


def outside(fields: Mapping[str, str], before: Mapping[str, str]) -> dict[str, str]:
    """The fields as they were before this run saved any: `before` has the old value of each one that it saved.

    So a step is judged by what was known when it was asked, though it saves the field that its `only if` reads.
    """
    known = {**fields, **before}
    for name, value in before.items():
        if not value:
            del known[name]
    return known


def answer(dialog: Dialog, answers: Answers, step: Step, value: str) -> list[Entry]:
    """The answers with one more. Unkept questions leave only `seen`; `counts` leaves its mark once."""
    grown = list(answers)
    if step.kind == "page" or step.keep == "no":
        grown.append((step.id, SEEN))
    elif step.keep == "counts":
        if not counted(dialog, answers, step):
            grown.append((step.id, COUNTED))
        grown.append((step.id, SEEN))
    else:
        grown.append((step.id, value))
    return grown


def counted(dialog: Dialog, answers: Answers, step: Step) -> bool:
    """True if this run has grown the tally of this step already."""
    return any(value == COUNTED and dialog.moved.get(step_id, step_id) == step.id for step_id, value in answers)


def back(answers: Answers, standing: Standing) -> list[Entry] | None:
    """The answers without the one that the walk used last; None at the first question."""
    if not standing.used:
        return None
    place = standing.used[-1]
    return [entry for at, entry in enumerate(answers) if at != place]


def shared_into(dialog: Dialog, answers: Answers, step_id: str, value: str) -> list[Entry]:
    """The answers of this dialog with one that was given elsewhere: in place of the one that counts now, else last."""
    grown = list(answers)
    for at in range(len(grown) - 1, -1, -1):
        old_step, old_value = grown[at]
        if dialog.moved.get(old_step, old_step) == step_id and old_value != COUNTED:
            grown[at] = (step_id, value)
            return grown
    return [*grown, (step_id, value)]


def filled(moved: Mapping[str, str], answers: Answers, others: Answers) -> list[Entry]:
    """The answers with those of another run for the steps that they lack; a mark of counting goes in once."""
    marks = {moved.get(step, step) for step, value in answers if value == COUNTED}
    given = {moved.get(step, step) for step, value in answers if value != COUNTED}
    more = [
        (step, value) for step, value in others if moved.get(step, step) not in (marks if value == COUNTED else given)
    ]
    return [*answers, *more]


def leads_to_end(dialog: Dialog, answers: Answers, standing: Standing, known: Mapping[str, str]) -> bool:
    """True if nothing follows once the step that stands here, a page, has been read."""
    step = standing.step
    if step is None or step.asks:
        return False
    after = walk(dialog, [*answers, (step.id, SEEN)], known)
    return after.step is None and after.target == END


def may_end(dialog: Dialog) -> bool:
    """True if any way out of this dialog is `end`."""
    if dialog.then == END:
        return True
    return any(
        END in (step.go, *(choice.go for choice in step.choices), *(band.go for band in step.bands))
        for step in dialog.steps
    )
