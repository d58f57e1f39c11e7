"""Maps of the dialogs in Mermaid, which many viewers of Markdown show as drawings. Any text is safe in them.

Mermaid has traps: `end` as a name, letters that begin something else (`"`, `#`, `;`, brackets), and it reads labels as
Markdown, so that "1. Yes" is drawn as "Unsupported markdown: list". So names get a letter in front, labels stand in
quotes, and every sign in them that could mean something is written as a number (its docs: flowcharts, entity codes).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from dialogs.check.paths import ENDS, Way, leads, ways
from dialogs.script import Condition, Dialog, Step

LONGEST, LONGEST_WAY = 48, 28  # letters of a label, and of one on an arrow
ENDINGS: Mapping[str, str] = {"end": 'e_end(("The call ends"))', "forget": 'e_forget(("All is deleted"))'}
_SIGN = re.compile(r"""["#<>&`*_~\[\]{}|$%^=+@\\/:;]""")
_LIST = re.compile(r"^(\d+)([.)])|^([-.])")


def draw(dialogs: Mapping[str, Dialog], only: str = "") -> str:
    """A map of all dialogs and how they lead to one another, or of the steps of one dialog."""
    lines = _steps(dialogs, dialogs[only]) if only else _dialogs(dialogs)
    return "\n".join(["flowchart TD", *(f"    {line}" for line in lines)]) + "\n"


def _dialogs(dialogs: Mapping[str, Dialog]) -> Iterator[str]:
    for id, dialog in dialogs.items():
        yield f"d_{id}[{label(dialog.title.source or id)}]"
    drawn: dict[tuple[str, str], None] = {}
    for dialog in dialogs.values():
        for step in dialog.steps:
            for way in ways(step):
                place = leads(dialogs, dialog, step, way)
                if place is not None and place[0] != dialog.id:
                    drawn[dialog.id, place[0] or place[1]] = None
    for here, there in drawn:
        yield f"d_{here} --> {ENDINGS.get(there, f'd_{there}')}"


def _steps(dialogs: Mapping[str, Dialog], dialog: Dialog) -> Iterator[str]:
    for step in dialog.steps:
        said = step.texts[0].source if step.texts else ""
        words = label(said or f"{step.id} - {step.head}")
        yield f"s_{step.id}{{{{{words}}}}}" if step.asks else f"s_{step.id}[{words}]"
    for step in dialog.steps:
        shown: dict[str, list[str]] = {}
        skipped: list[str] = []
        for way in ways(step):
            there = _there(dialogs, dialog, step, way)
            if there and way.skipped:
                skipped.append(there)
            elif there:
                shown.setdefault(there, []).append(_answer(step, way.choice))
        for there, answers in shown.items():
            words = ", ".join(answer for answer in answers if answer) if len(shown) > 1 else ""
            yield f"s_{step.id} -->{f'|{label(words, LONGEST)}|' if words else ''} {there}"
        for there in skipped:
            yield f"s_{step.id} -.->|{label(_unless(step.only_if))}| {there}"


def _there(dialogs: Mapping[str, Dialog], dialog: Dialog, step: Step, way: Way) -> str:
    """The box that a way leads to; another dialog is a box with its title."""
    place = leads(dialogs, dialog, step, way)
    if place is None:
        return ""
    if place[0] == dialog.id:
        return f"s_{place[1]}"
    if place[1] in ENDS and not place[0]:
        return ENDINGS[place[1]]
    return f"d_{place[0]}([{label(dialogs[place[0]].title.source or place[0])}])"


def _answer(step: Step, id: str) -> str:
    """The words of a choice, as far as they are its own; Yes and No are known by their names."""
    choice = step.choice(id)
    return _short(choice.text.source, LONGEST_WAY) if choice is not None and choice.text.source else id


def _unless(conditions: tuple[Condition, ...]) -> str:
    said = []
    for condition in conditions:
        values = " or ".join(condition.values) or "known"
        said.append(f"{condition.name} is {'not ' if condition.negated else ''}{values}")
    return f"skipped unless {' and '.join(said)}"


def label(text: str, longest: int = LONGEST) -> str:
    """A text in quotes, as Mermaid takes it; never empty, one line, shortened."""
    short = _short(text, longest) or "?"
    written = _SIGN.sub(lambda found: _number(found[0]), short)
    written = _LIST.sub(lambda found: (found[1] or "") + _number(found[2] or found[3]), written)
    return f'"{written}"'


def _short(text: str, longest: int) -> str:
    plain = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return plain if len(plain) <= longest else plain[: longest - 3].rstrip() + "..."


def _number(sign: str) -> str:
    return f"#{ord(sign)};"
