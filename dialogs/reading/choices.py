"""The lines of one step by key, and the choices and bands they make."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from dialogs.reading import grammar
from dialogs.reading.plain_yaml import Node, Pair, Pairs, Plain
from dialogs.reading.values import (
    Finds,
    block,
    did_you_mean,
    name,
    name_in,
    nearest,
    number,
    one_of,
    target,
    text,
    wrong_type,
)
from dialogs.script import Band, Choice, Keep, Text


@dataclass(slots=True)
class StepLines:
    """The lines of one step by key, as far as they belong there."""

    dialog: str
    key: Plain
    given: dict[str, Pair]
    finds: Finds
    note: str = ""

    def value(self, key: str) -> Node | None:
        """What stands under a key, or None."""
        return self.given[key].value if key in self.given else None

    def made(self, key: str, node: Node) -> Text:
        """The text under its id; empty where no text stands."""
        source = node.text if isinstance(node, Plain) else ""
        return Text(f"{self.dialog}:{self.key.text}.{key}", source, node.at, self.note)

    def text(self, key: str) -> Text | None:
        """The text of a key, or None."""
        value = self.value(key)
        return self.made(key, value) if value is not None and text(value, key, self.finds) else None

    def one_of(self, key: str, allowed: tuple[str, ...]) -> str:
        """The word of a key, or ""."""
        value = self.value(key)
        return "" if value is None else one_of(value, key, allowed, self.finds)

    def by(self, key: str, ids: tuple[str, ...], what: str = "choice") -> dict[str, Node]:
        """The lines of a key by choice; a choice that does not exist is read as the nearest."""
        value = self.value(key)
        if value is None:
            return {}
        found: dict[str, Node] = {}
        lines = block(value, key, f"{ids[0] if ids else what}: …", self.finds)
        if not ids:
            return {}
        exact = {line.key.text for line in lines}
        for line in lines:
            id = line.key.text
            if id not in ids and not line.key.flawed:
                said = f'There is no {what} "{id}" in this step.'
                self.finds.add(line.key, "unknown-choice", said, did_you_mean(id, ids))
                id = nearest(id, set(ids) - exact)
            if id in ids:
                found.setdefault(id, line.value)
        return found

    def texts_by(self, key: str, ids: tuple[str, ...]) -> dict[str, Text]:
        """The texts of a key by choice."""
        lines = self.by(key, ids).items()
        return {id: self.made(f"{key}.{id}", node) for id, node in lines if text(node, id, self.finds)}

    def ways(self, ids: tuple[str, ...], what: str) -> dict[str, str]:
        """Where to go on by choice or band; a lone target stands under "otherwise", as for all not named."""
        value = self.value("go")
        if value is None:
            return {}
        if isinstance(value, Plain) or not what:
            return {grammar.OTHERWISE: target(value, "go", self.finds)}
        lines = self.by("go", (*ids, grammar.OTHERWISE) if ids else (), what)
        return {id: target(node, id, self.finds) for id, node in lines.items()}


def choices_of(
    lines: StepLines, keep: Keep, ways: Mapping[str, str], listed: Mapping[str, Choice]
) -> tuple[Choice, ...]:
    """The listed choices with their points, advice, reply and way; nothing scored that is not kept."""
    ids = tuple(listed)
    reply = lines.texts_by("reply", ids)
    if "check" in lines.given:
        points, advice = _points_of_check(lines), _advice_of_check(lines)
    else:
        points = {id: number(node, id, lines.finds) or 0 for id, node in lines.by("points", ids).items()}
        advice = lines.texts_by("advice", ids)
    done = {id: name_in(node, id, lines.finds, grammar.RESERVED_FIELDS) for id, node in lines.by("done", ids).items()}
    kept = keep == "yes"
    return tuple(
        Choice(
            id=id,
            text=choice.text,
            points=points.get(id, 0) if kept else 0,
            advice=advice.get(id),
            reply=reply.get(id),
            go=ways.get(id, ""),
            scored=choice.scored and kept,
            done=done.get(id, ""),
            at=choice.at,
        )
        for id, choice in listed.items()
    )


def _points_of_check(lines: StepLines) -> dict[str, int]:
    value = lines.value("points")
    given = 1 if value is None else number(value, "points", lines.finds)
    return {"yes": 1 if given is None else given}


def _advice_of_check(lines: StepLines) -> dict[str, Text]:
    if "advice" not in lines.given:
        mend = 'Add "advice": what to do when the answer is No or Not sure.'
        lines.finds.add(lines.given["check"].key, "no-advice", "This check has no advice.", mend)
    said = lines.text("advice")
    return {"no": said, "unsure": said} if said else {}


def listed_in_check(lines: StepLines) -> dict[str, Choice]:
    """Yes, No and Not sure from common.yaml, and the fourth choice, which leaves the score."""
    at = lines.given["check"].value.at
    listed = {id: Choice(id, Text(f"common:{id}", "", at), at=at) for id in grammar.CHECK_CHOICES}
    if (none := lines.text("none")) is not None:
        listed["none"] = Choice("none", none, scored=False, at=none.at)
    return listed


def listed_in_ask(lines: StepLines) -> dict[str, Choice]:
    """The choices as they are written; bare."""
    listed: dict[str, Choice] = {}
    value = lines.given["choices"].value
    if isinstance(value, Plain):
        mend = 'Write one line for each, "gold: Gold", or the word "languages".'
        wrong_type(value, "choices", "lines of its own", mend, lines.finds)
        return {}
    for line in block(value, "choices", "gold: Gold", lines.finds):
        id = name(line.key, lines.finds, (grammar.OTHERWISE,))
        text(line.value, id, lines.finds)
        listed[id] = Choice(id, lines.made(f"choices.{id}", line.value), at=line.key.at)
    if isinstance(value, Pairs) and not value.pairs and not value.flawed:
        lines.finds.add(value, "no-answer", "This question has no answers.", 'List them under "choices".')
    return listed


def bands_of(lines: StepLines) -> tuple[Band, ...]:
    """The results of a score, from the highest percentage down to 0; without ways."""
    bands: list[Band] = []
    written = block(lines.given["score"].value, "score", "0%: …", lines.finds)
    for line in written:
        key = line.key
        match = re.fullmatch(r"(\d{1,3}) ?%?", key.text)
        percent = int(match[1]) if match else 101
        if percent > 100 or not key.text.endswith("%"):
            mend = f'Write "{percent if percent <= 100 else 80}%": a number from 0 to 100 with a %.'
            lines.finds.add(key, "score-gap", f'"{key.text}" is not a percentage.', mend)
        elif bands and percent >= bands[-1].percent:
            what = f"{percent}% stands under {bands[-1].percent}%, so it is never reached."
            lines.finds.add(key, "score-gap", what, "Begin with the highest percentage and go down to 0%.")
        if percent <= 100:
            text(line.value, key.text, lines.finds)
            bands.append(Band(percent, lines.made(f"score.{percent}%", line.value)))
    if written and not any(band.percent == 0 for band in bands):
        lowest = min((band.percent for band in bands), default=100)
        what = f"Who gets less than {lowest}% hears no result."
        lines.finds.add(written[-1].key, "score-gap", what, 'Add a last line "0%: …".')
    return tuple(bands)
