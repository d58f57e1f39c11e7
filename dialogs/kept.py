"""What is kept about a person, in their own words and language: what `{kept}` says. Computed when it is shown."""

from __future__ import annotations

from collections.abc import Iterator

from dialogs.script import Step
from dialogs.showing import Scene
from dialogs.store import Person

PLAIN = ("yes", "no", "unsure")  # answers that mean nothing without their question


def told(scene: Scene, person: Person, *, number: bool, linked: bool = False) -> str:
    """One line for each thing: language, dates, answers as their choices read, groups, messages.

    The words before each come from the common texts `kept_<name>`; an answer without one stands among the others,
    with its question where it says nothing alone. What no question of the content saves is not told. `number`: it is
    kept to write to; `linked`: a chat and a phone are this one person's.
    """
    lines = [_line(scene, "language", scene.language.called(chat=scene.chat))]
    if number:
        lines.append(_label(scene, "number"))
    if linked:
        lines.append(_label(scene, "chat"))
    lines += _dates(scene, person)
    lines += _answers(scene, person)
    if person.groups:
        lines.append(_line(scene, "group", ", ".join(person.groups)))
    if person.stopped:
        lines.append(_label(scene, "stopped"))
    return "\n".join(line for line in lines if line)


def _dates(scene: Scene, person: Person) -> Iterator[str]:
    by_name: dict[str, list[str]] = {name: [] for name in sorted(scene.house.dates())}
    for each in person.dates:
        if each.name in by_name and not (each.done or each.gone):
            by_name[each.name].append(each.on)
    for name, days in by_name.items():
        if days:
            yield _line(scene, name, ", ".join(scene.date(day) for day in sorted(days)))


def _answers(scene: Scene, person: Person) -> Iterator[str]:
    fields = dict(person.fields)
    if person.private_phone is not None:
        fields["private_phone"] = "yes" if person.private_phone else "no"
    others: list[str] = []
    savers = _savers(scene)
    for name in sorted(savers, key=_kinds_behind_reminders):
        steps = savers[name]
        said = _said(scene, steps, fields[name]) if name in fields else ""
        if said and _label(scene, name):
            yield _line(scene, name, said)
        elif said:
            plain = said in {scene.common(key) for key in PLAIN}
            others.append(f"{scene.text(steps[0].texts[0].id)} {said}" if plain and steps[0].texts else said)
    if others:
        yield _line(scene, "answers", "; ".join(others))


def _savers(scene: Scene) -> dict[str, list[Step]]:
    found: dict[str, list[Step]] = {}
    for dialog in scene.content.dialogs.values():
        for step in dialog.steps:
            if step.save:
                found.setdefault(step.save, []).append(step)
    return found


def _kinds_behind_reminders(name: str) -> int:
    """Sorts the kinds of reminders, which only mean something where there are any, behind the word on all of them."""
    return 1 if name == "reminders" else 2 if name.endswith("_reminders") else 0


def _said(scene: Scene, steps: list[Step], value: str) -> str:
    """A saved value as its choice reads; of a phone number only the question, since the number is sealed."""
    for step in steps:
        if (choice := step.choice(value)) is not None:
            return scene.text(choice.text.id)
        if step.kind in ("text", "number"):
            return value
        if step.kind == "phone" and step.texts:
            return scene.text(step.texts[0].id)
    return ""


def _line(scene: Scene, name: str, value: str) -> str:
    return f"{_label(scene, name)} {value}".strip()


def _label(scene: Scene, name: str) -> str:
    try:
        return scene.common(f"kept_{name}")
    except KeyError:
        return ""
