"""Values to show texts with: a plain example for every placeholder."""

from __future__ import annotations

from collections.abc import Mapping

from dialogs.check.conditions import savers
from dialogs.check.speech import Speech
from dialogs.script import LINK_CODE, Dialog, Step
from dialogs.written import Written

TYPED = {"number": "12", "phone": "+255700000001", "date": "25 {month} 2027"}
SOMETHING = "Xxxxxx"


def examples(
    written: Written, dialog: Dialog, speech: Speech, country: str = "", percent: int = 0
) -> Mapping[str, str]:
    """By placeholder something plain to show; a fact that is not known there stays in its braces."""
    months = speech.wording.get("common:months", "").split()
    month = months[2] if len(months) == 12 else "Mar"
    found = {
        "points": str(round(percent / 10)),
        "max": "10",
        "percent": str(percent),
        "title": speech.wording.get(dialog.title.id, ""),
        "language": speech.language.name,
        "country": country,
        "group": SOMETHING,
        LINK_CODE: "123456",
        "kept": speech.wording.get("common:kept_number", ""),
    }
    for name, steps in savers(written).items():
        found.setdefault(name, _answer(steps[0][1], month))
    for name, fact in written.common.facts.items():
        anywhere = "" if isinstance(fact, str) or country else next(filter(None, fact.values()), "")
        found[name] = written.common.fact(name, country) or anywhere or f"{{{name}}}"
    return found


def _answer(step: Step, month: str) -> str:
    if step.kind == "choice" and step.choices:
        return step.choices[0].id
    return TYPED.get(step.kind, SOMETHING).replace("{month}", month)
