"""Which step can follow which, over all dialogs: for the checks, and for the map of `drawing.py`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from dialogs.problem import At
from dialogs.script import Dialog, Step

Place = tuple[str, str]  # (dialog, step); ("", "end") and ("", "forget") are the ways out
ENDS = ("end", "forget")


@dataclass(frozen=True, slots=True)
class Way:
    """One way on from a step: `target` as it is written, "" where it is not; `choice` is the answer that takes it."""

    target: str
    at: At
    choice: str = ""
    skipped: bool = False  # the step was not shown at all


def ways(step: Step) -> Iterator[Way]:
    """Every way on from a step, the way of a skipped one too."""
    answers = [(choice.id, choice.go) for choice in step.choices]
    answers += [(f"{band.percent}%", band.go) for band in step.bands]
    for id, go in answers or [("", "")]:
        own = step.places.get(f"go.{id}", step.at) if go else step.places.get("go", step.at)
        yield Way(go or step.go, own, id)
    if step.only_if:
        yield Way("", step.at, skipped=True)


def leads(dialogs: Mapping[str, Dialog], dialog: Dialog, step: Step, way: Way) -> Place | None:
    """Where a way leads; None where there is no such place."""
    if way.target in dialog.index:
        return dialog.id, way.target
    if way.target:
        return _outside(dialogs, way.target)
    follows = dialog.index[step.id] + 1
    return (dialog.id, dialog.steps[follows].id) if follows < len(dialog.steps) else _outside(dialogs, dialog.then)


def _outside(dialogs: Mapping[str, Dialog], target: str) -> Place | None:
    if target in ENDS:
        return "", target
    other = dialogs.get(target.removeprefix("/")) if target.startswith("/") else None
    return (other.id, other.steps[0].id) if other is not None and other.steps else None


def follow(dialogs: Mapping[str, Dialog]) -> dict[Place, list[Place]]:
    """From every step the steps that can follow it; the ways out are left away."""
    return {
        (dialog.id, step.id): [
            place for way in ways(step) if (place := leads(dialogs, dialog, step, way)) is not None and place[0]
        ]
        for dialog in dialogs.values()
        for step in dialog.steps
    }


def inside(dialog: Dialog) -> dict[Place, list[Place]]:
    """The same within one run of one dialog: a way out of it, even back into it, begins another run."""
    graph: dict[Place, list[Place]] = {}
    for number, step in enumerate(dialog.steps):
        onward = {way.target for way in ways(step) if way.target in dialog.index}
        if any(not way.target for way in ways(step)):
            onward |= {after.id for after in dialog.steps[number + 1 : number + 2]}
        graph[dialog.id, step.id] = [(dialog.id, id) for id in sorted(onward)]
    return graph


def reached(graph: Mapping[Place, Iterable[Place]], starts: Iterable[Place]) -> set[Place]:
    """Every place that can be come to from these, and these."""
    found: set[Place] = set()
    waiting = [place for place in starts if place in graph]
    while waiting:
        place = waiting.pop()
        if place not in found:
            found.add(place)
            waiting += graph.get(place, ())
    return found


def rings(graph: Mapping[Place, Iterable[Place]]) -> list[list[Place]]:
    """Groups of places that lead round to one another, each group in the order of the graph."""
    order = {place: number for number, place in enumerate(graph)}
    found: list[list[Place]] = []
    seen: set[Place] = set()
    for place in graph:
        if place in seen:
            continue
        onward = reached(graph, graph[place])
        if place not in onward:
            continue
        ring = {other for other in onward if place in reached(graph, graph[other])}
        seen |= ring
        found.append(sorted(ring, key=order.__getitem__))
    return found
