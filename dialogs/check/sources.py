"""The texts as translators get them: each with what it is for, how long it may be, and which names stay as they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dialogs.check.conditions import in_chats_only
from dialogs.check.series import ONE_SMS, TWO_SMS
from dialogs.check.speech import Speech, speeches
from dialogs.check.text import FEW, LABELS, MOST_LETTERS, for_chats
from dialogs.check.translation import dialog_of
from dialogs.gsm import measure
from dialogs.locale import placeholders
from dialogs.pofile import Source
from dialogs.screen import Room, lay_out
from dialogs.script import Step, Text
from dialogs.written import COMMON, Written

KEYS = ("next", "back", "more", "menu")
SHORT = 12


@dataclass(frozen=True, slots=True)
class Limit:
    """What a text is, and the letters it may have; 0 = it is cut into screens by itself."""

    kind: str
    letters: int = 0


def sources(written: Written) -> list[Source]:
    """Every text in the order of the PO files. Files are named from the content folder up, wherever it lies."""
    limits = dict(_limits(written))
    return [_source(text, limits.get(id, Limit(""))) for id, text in written.texts().items()]


def _source(text: Text, limit: Limit) -> Source:
    lines = [text.note] if text.note else []
    said = f"{limit.kind}: at most {limit.letters} letters." if limit.letters else f"{limit.kind}."
    if limit.kind:
        lines.append(said)
    if names := sorted(placeholders(text.source)):
        lines.append(f"Not translated: {' '.join(f'{{{name}}}' for name in names)}")
    return Source(text.id, text.source, _file(text.id), "\n".join(lines), limit.letters)


def _file(id: str) -> str:
    dialog = dialog_of(id)
    if dialog == "common":
        return f"content/{COMMON}"
    if dialog.startswith("reminder/"):
        return f"content/reminders/{dialog.removeprefix('reminder/')}.yaml"
    return f"content/dialogs/{dialog}.yaml"


def _limits(written: Written) -> Iterator[tuple[str, Limit]]:
    main, room = speeches(written, drafts=False)[0], Room()
    for key, text in written.common.texts.items():
        if key == "months":
            yield text.id, Limit("Twelve short months, with spaces between them")
        elif key in KEYS:
            yield text.id, Limit("A word beside a key, on nearly every screen", SHORT)
        elif key in LABELS:
            yield text.id, Limit("A choice", MOST_LETTERS)
        elif for_chats(written.common.texts, key):
            yield text.id, Limit("Said in chats")
        else:
            yield text.id, Limit("One screen", room.septets - room.prefix)
    for text in written.common.words.values():
        yield text.id, Limit("Words that people send to say this, with spaces between them")
    if written.common.discreet is not None:
        yield written.common.discreet.id, Limit("Words that careful messages do without, with spaces between them")
    for dialog in written.dialogs.values():
        yield dialog.title.id, Limit("Title, as in a menu", MOST_LETTERS)
        for step in dialog.steps:
            yield from _limits_of(main, step, room)
    for series in written.series.values():
        yield series.title.id, Limit("Title of reminders, for the office")
        for moment in series.moments:
            yield moment.say.id, Limit("SMS that others may see", ONE_SMS)
            if moment.open is not None:
                yield moment.open.id, Limit("SMS to a phone that is private", TWO_SMS)
        if series.silent is not None:
            yield series.silent.officer.id, Limit("SMS to the officer of a group, that others may see", ONE_SMS)


def _limits_of(main: Speech, step: Step, room: Room) -> Iterator[tuple[str, Limit]]:
    if step.origin is not None:
        return
    long = in_chats_only(step)  # so it may be
    for choice in step.choices:
        yield choice.text.id, Limit("A choice", MOST_LETTERS)
        for text, kind in ((choice.advice, "Advice"), (choice.reply, "What is said to this answer")):
            if text is not None:
                short = step.keep != "yes" or choice.go in ("end", "forget")
                yield text.id, Limit(kind, _left(main, room, ()) if short and not long else 0)
    for text in step.texts:
        if not step.asks:
            yield text.id, Limit("Page" if step.head == "say" else "Heading")
            continue
        choices = tuple(main.say(choice.text.id) for choice in step.choices)
        few = len(choices) <= FEW and step.kind != "languages"
        yield text.id, Limit("Question", _left(main, room, choices, typed=not choices) if few and not long else 0)
    for band in step.bands:
        yield band.text.id, Limit("Result")
    if step.proof is not None:
        yield step.proof.id, Limit("The paper or sight that shows it")


def _left(main: Speech, room: Room, choices: tuple[str, ...], typed: bool = False) -> int:
    """What a screen leaves for the text above these choices and the keys, in steps of five."""
    whole = Room(prefix=room.prefix, pages=False)
    below = lay_out("", (), choices, whole, main.keys(), back=True, ends=False, typed=typed)[0]
    return (room.septets - room.prefix - measure(below.text)[0] - 1) // 5 * 5
