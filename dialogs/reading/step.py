"""One step of a dialog: from its lines to a Step, with all that can be wrong in it."""

from __future__ import annotations

import re
from dataclasses import replace
from types import MappingProxyType
from typing import cast

from dialogs.reading import grammar
from dialogs.reading.choices import StepLines, bands_of, choices_of, listed_in_ask, listed_in_check
from dialogs.reading.claims import claim_of, schemes_of
from dialogs.reading.plain_yaml import Items, Pair, Pairs, Plain
from dialogs.reading.values import (
    Finds,
    block,
    conditions,
    known_keys,
    name,
    name_in,
    number,
    places,
    text,
    texts,
    wrong_type,
)
from dialogs.script import NO_CLAIM, Band, Choice, Claim, Condition, Head, Keep, Kind, Step, Text

NO_TEXT = Text("", "")
BY_CHOICE = ("points", "advice", "reply", "done")  # keys of an ask that name its choices
ORIGIN = re.compile(r"([a-z][a-z0-9_]*)/([a-z][a-z0-9_]*)")


def belongs_in_a_step(pair: Pair) -> bool:
    """True for a line such as `go:` that stands among the names of steps."""
    under = pair.value.pairs if isinstance(pair.value, Pairs) else ()
    return pair.key.text in grammar.STEP and not any(line.key.text in grammar.HEADS for line in under)


def read_step(dialog: str, pair: Pair, finds: Finds, over: Claim = NO_CLAIM) -> Step:
    """The step under this name; after a problem as much of it as can be made out. `over`: what its dialog rests on."""
    name(pair.key, finds, grammar.RESERVED_STEPS)
    under = block(pair.value, pair.key.text, "say: …", finds)
    bare = Step(pair.key.text, "say", "page", pair.key.at)
    if not isinstance(pair.value, Pairs):
        return bare
    if pair.value.flawed:
        finds = Finds()  # that is told already; what else is wrong comes from it
    lines = StepLines(dialog, pair.key, known_keys(under, grammar.STEP, finds), finds)
    lines.note = text(lines.given["note"].value, "note", finds) if "note" in lines.given else ""
    at = places(Pair(replace(line.key, text=key), line.value) for key, line in lines.given.items())
    if "go.otherwise" in at:
        at = MappingProxyType({**at, "go": at["go.otherwise"]})
    head = _head(lines)
    step = replace(bare, note=lines.note, only_if=_only_if(lines), places=at)
    if head == "from":
        return _taken(lines, step)
    return _resting(lines, _complete(lines, replace(step, head=cast(Head, head))), over)


def _complete(lines: StepLines, step: Step) -> Step:
    """The step with its texts, answers and ways."""
    kind = _kind(lines, step.head)
    keep = cast(Keep, lines.one_of("keep", ("yes", "counts", "no")) or "yes")
    if keep != "yes":
        _refuse_unkept(lines, keep)
    listed: dict[str, Choice] = {}
    bands: tuple[Band, ...] = ()
    if kind == "choice":
        listed = listed_in_check(lines) if step.head == "check" else listed_in_ask(lines)
    elif step.head == "score" and "score" in lines.given:
        bands = bands_of(lines)
    ids = tuple(listed) or tuple(f"{band.percent}%" for band in bands)
    ways = lines.ways(ids, "choice" if kind == "choice" else "percentage" if step.head == "score" else "")
    return replace(
        step,
        kind=kind,
        texts=_texts(lines, step.head),
        choices=choices_of(lines, keep, ways, listed) if kind == "choice" else (),
        bands=tuple(replace(band, go=ways.get(f"{band.percent}%", "")) for band in bands),
        go=ways.get(grammar.OTHERWISE, ""),
        save=_save(lines),
        several=_several(lines, kind),
        keep=keep,
        proof=lines.text("proof"),
        level=lines.one_of("level", grammar.LEVELS),
        sms=lines.one_of("sms", ("yes", "no")) == "yes",
        of=_of(lines, step.head),
        limit=_most(lines),
    )


def _resting(lines: StepLines, step: Step, over: Claim) -> Step:
    """The step with what its texts rest on, and what it prepares for."""
    value = lines.value("prepares for")
    schemes, at = schemes_of(value, lines.finds) if value is not None else ((), {})
    claim = claim_of(lines.given, lines.finds, over)
    return replace(step, claim=claim, schemes=schemes, places=MappingProxyType({**step.places, **at}))


def _head(lines: StepLines) -> str:
    """Which of say, ask, check, score, advice or from it is; the likeliest one after a problem."""
    heads = [key for key in lines.given if key in grammar.HEADS]
    if "ask" in heads or "check" in heads:
        heads = [key for key in heads if key != "advice"]  # there it is what a choice advises
    if not heads:
        mend = f"Add one of: {', '.join(grammar.HEADS)}."
        lines.finds.add(lines.key, "what-step", "This step says nothing and asks nothing.", mend)
        return "ask" if {"choices", "as", "save"} & lines.given.keys() else "say"
    if len(heads) > 1:
        what = f'This step has "{heads[0]}" and "{heads[1]}"; only one of them can stand in a step.'
        mend = "Make two steps of it: is the line with the name of the second one missing?"
        lines.finds.add(lines.given[heads[1]].key, "what-step", what, mend)
        lines.finds = Finds()  # two steps ran into one; what else is wrong comes from that
        for other in heads[1:]:
            del lines.given[other]
        return heads[0]
    _refuse_foreign(lines, heads[0])
    return heads[0]


def _refuse_foreign(lines: StepLines, head: str) -> None:
    """Take out the keys that belong to other heads."""
    for key in tuple(lines.given):
        if key == head or key in grammar.EVERY_STEP or head in grammar.OF_HEAD.get(key, ()):
            continue
        if key in grammar.SAID_STEP and head != "from":
            continue
        mend = grammar.belongs(key)
        if head == "from":
            mend = 'The other step says the rest; only "only if", "note" and "go" can stand here.'
        pair = lines.given.pop(key)
        lines.finds.add(pair.key, "unknown-key", f'"{key}" cannot stand in a step with "{head}".', mend)


def _kind(lines: StepLines, head: Head) -> Kind:
    """How it is answered; takes out the keys that this leaves without a meaning."""
    if head != "ask":
        return "choice" if head == "check" else "page"
    choices = lines.value("choices")
    if choices is None:
        return _written(lines)
    _refuse(lines, ("as",), "needs an answer that is typed in, not choices", 'Delete "as", or "choices".')
    if not isinstance(choices, Plain) or choices.text != "languages":
        return "choice"
    _refuse_by_choice(lines)
    return "languages"


def _written(lines: StepLines) -> Kind:
    """A question whose answer is typed in, or one that cannot be answered."""
    if "save" not in lines.given and "ask" in lines.given:
        if "as" in lines.given:
            place, what = "as", "The answer to this question goes nowhere."
            mend = 'Add "save" and a name for it.'
        else:
            place, what = "ask", "This question has no answers."
            mend = 'Add "choices"; or "save" and "as", if the answer is typed in.'
            for key in BY_CHOICE:
                lines.given.pop(key, None)
        lines.finds.add(lines.given[place].key, "no-answer", what, mend)
    _refuse_by_choice(lines)
    return cast(Kind, lines.one_of("as", grammar.WRITTEN) or "text")


def _refuse_by_choice(lines: StepLines) -> None:
    _refuse(lines, BY_CHOICE, "needs choices that are listed here", "List the choices one by one.")


def _refuse(lines: StepLines, keys: tuple[str, ...], why: str, mend: str) -> None:
    for key in keys:
        if (pair := lines.given.pop(key, None)) is not None:
            lines.finds.add(pair.key, "unknown-key", f'"{key}" {why}.', mend)


def _refuse_unkept(lines: StepLines, keep: Keep) -> None:
    """An answer that is not kept leaves no trace: no field, no points, no way of its own."""
    for key in ("save", "points", "done"):
        if (pair := lines.given.pop(key, None)) is not None:
            what = f'"{key}" would keep what "keep: {keep}" promises not to keep.'
            lines.finds.add(pair.key, "unkept", what, f'Delete "{key}", or "keep".')
    go = lines.value("go")
    ways = [line.value for line in go.pairs] if isinstance(go, Pairs) else [go]
    for way in ways:
        if isinstance(way, Plain) and way.text not in ("", "forget"):
            what = f'With "keep: {keep}" the answer may not choose the way, since the way would tell it.'
            mend = 'Delete this line, or "keep"; only "forget" can stand here.'
            lines.finds.add(way, "kept-go", what, mend)


def _taken(lines: StepLines, step: Step) -> Step:
    """A step of another dialog: `content.link()` puts the question in."""
    value = lines.given["from"].value
    match = ORIGIN.fullmatch(value.text) if isinstance(value, Plain) else None
    if match is None:
        wrong_type(value, "from", "a dialog and a step", 'Write it like "from: safety/rule18".', lines.finds)
    go = lines.value("go")
    ids = tuple(line.key.text for line in go.pairs) if isinstance(go, Pairs) else ()
    ways = lines.ways(ids, "choice")
    origin = (match[1], match[2]) if match else None
    # Which choices there are is known only after linking: until then these carry the way, and no text.
    choices = tuple(Choice(id, NO_TEXT, go=way) for id, way in ways.items() if id != grammar.OTHERWISE)
    return replace(step, go=ways.get(grammar.OTHERWISE, ""), choices=choices, origin=origin)


def _texts(lines: StepLines, head: Head) -> tuple[Text, ...]:
    value = lines.value(head)
    if value is None or head == "score":
        return ()
    if head != "say":
        return (lines.made(head, value),) if text(value, head, lines.finds) else ()
    if isinstance(value, Items) and not value.items:
        wrong_type(value, "say", "a text, or a list of texts", "Write a text.", lines.finds)
    return tuple(lines.made(f"say.{n}", page) for n, page in enumerate(texts(value, "say", lines.finds), 1))


def _of(lines: StepLines, head: Head) -> tuple[str, ...]:
    """The parts that a step reads out, in order. Whether there are such is for the check to say."""
    value = lines.value("of")
    if value is None:
        if head == "progress" and "progress" in lines.given:
            mend = 'Add "of" and below it the dialogs, one on each line: "- safety".'
            lines.finds.add(lines.given["progress"].key, "missing-key", 'This step needs a line "of".', mend)
        return ()
    if isinstance(value, Plain):
        wrong_type(value, "of", "a list", 'Write each on a line of its own: "- safety".', lines.finds)
        return ()
    named: dict[str, None] = {}
    for one in texts(value, "of", lines.finds):
        name(one, lines.finds)
        if one.text in named:
            lines.finds.add(one, "twice", f'"{one.text}" stands here twice.', "Delete one of the two.")
        named[one.text] = None
    return tuple(named)


def _most(lines: StepLines) -> int:
    value = lines.value("most")
    if value is None:
        return 0
    found = number(value, "most", lines.finds)
    if found == 0:
        wrong_type(value, "most", "a number from 1 on", 'Write it like "most: 3".', lines.finds)
    return found or 0


def _only_if(lines: StepLines) -> tuple[Condition, ...]:
    value = lines.value("only if")
    return () if value is None else conditions(value, lines.finds)


def _several(lines: StepLines, kind: Kind) -> bool:
    if kind != "date":
        _refuse(lines, ("several",), "needs a date that is typed in", 'Add "as: date", or delete "several".')
    return lines.one_of("several", ("yes", "no")) == "yes"


def _save(lines: StepLines) -> str:
    value = lines.value("save")
    return "" if value is None else name_in(value, "save", lines.finds, grammar.RESERVED_FIELDS)
