"""All problems of the content: reading, structure, texts, translations; and what an edit would do to people in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dialogs.check.answers import check_answers
from dialogs.check.claims import check_claims
from dialogs.check.report import in_order
from dialogs.check.series import check_series
from dialogs.check.speech import speeches
from dialogs.check.structure import check_structure
from dialogs.check.text import check_text
from dialogs.check.translation import check_translation
from dialogs.problem import At, Problem
from dialogs.reading.values import nearest
from dialogs.screen import Room
from dialogs.script import Dialog
from dialogs.written import Written

Standing = Mapping[tuple[str, ...], int]
"""How many people stand at (dialog, step), or gave (dialog, step, choice) in a run that is still open."""


def check_content(
    written: Written,
    *,
    drafts: bool = False,
    room: Room | None = None,
    standing: Standing | None = None,
    today: str = "",
) -> list[Problem]:
    """Every problem, in the order of the files. Never raises.

    `drafts`: draft languages are shown too. `room`: the smallest screen in use. `standing`: who is in the middle.
    `today` (2026-11-23): what the days of claims are compared with; without it none is out of date.
    """
    spoken = speeches(written, drafts)
    found = [
        *written.problems,
        *check_structure(written),
        *check_series(written, spoken),
        *check_text(written, spoken, room or Room()),
        *check_translation(written, spoken),
        *check_answers(written),
        *check_claims(written, today),
        *check_change(written.dialogs, standing or {}, written.root),
    ]
    return in_order(found)


def check_change(dialogs: Mapping[str, Dialog], standing: Standing, root: str = "content") -> Iterator[Problem]:
    """Steps and choices that are gone, and that people stand at or have chosen."""
    for place, people in sorted(standing.items()):
        dialog, step = dialogs.get(place[0]), place[1] if len(place) > 1 else ""
        if people < 1 or not step or (dialog is not None and dialog.broken):
            continue
        who = f"{people} people" if people > 1 else "One person"
        if dialog is None:
            text = f"{who} stood at {step} in the dialog {place[0]}, which is gone. They will get the menu."
            mend = "If the file was renamed, tell it to whoever runs the gateway."
            yield Problem(At(f"{root}/dialogs/{place[0]}.yaml"), "step-gone", text, mend, "warning")
            continue
        now = dialog.step(dialog.moved.get(step, step))
        if now is None:
            text = f'{who} stand at the step "{step}", which is gone.'.replace("One person stand", "One person stands")
            near = nearest(step, dialog.index) or "new_name"
            mend = f'If it was renamed, add it under "moved": {step}: {near}. If not, they go on with what follows.'
            yield Problem(dialog.places.get("moved", dialog.title.at), "step-gone", text, mend, "warning")
        elif len(place) > 2 and now.kind == "choice" and now.choices and now.choice(place[2]) is None:
            text = f'{who} chose "{place[2]}" here, which is gone. They will be asked again.'
            mend = "Put it back, if only its text was to change."
            yield Problem(now.at, "choice-gone", text, mend, "warning", len(now.id))
