"""Checks of translations against the source: what is missing or old, what differs, what reads alike."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from dialogs.check.conditions import linked, steps_of
from dialogs.check.meaning import check_meaning
from dialogs.check.signed import check_signed
from dialogs.check.speech import Speech
from dialogs.check.text import LISTS, stray_braces
from dialogs.locale import Language, fallbacks, fold_word, placeholders
from dialogs.pofile import Entry
from dialogs.problem import At, Level, Problem
from dialogs.reading.values import did_you_mean
from dialogs.script import Text
from dialogs.written import Written

FIRST = ("menu", "hello", "common")  # without these nobody finds a way
WORDS = "common:words."
CARRIERS = ("stop", "end", "cancel", "quit")  # Twilio and others end all messages at these, in any language
SLACK = 10  # letters by which short texts may differ in length
ODD = 3  # times as long, or as short, as the source text
DENSE = 8  # times as short, in a script that says a syllable with one letter

State = Literal["done", "stale", "missing"]


def check_translation(written: Written, speeches: Sequence[Speech]) -> Iterator[Problem]:
    """Every problem of this kind, in every language."""
    yield from _source_name(written)
    for speech in speeches:
        if not speech.main:
            yield from _headers(written, speech.language)
            yield from _progress(speech)
            yield from _entries(speech)
            yield from _orphans(written, speech)
        yield from _alike(speech)
    yield from _words(written, speeches)
    yield from check_signed(written)
    yield from check_meaning(speeches)


# --- how far it is ---


@dataclass(slots=True)
class Tally:
    """How many texts of one dialog are done in one language, and the ids of those that are not."""

    done: int = 0
    stale: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def dialog_of(id: str) -> str:
    """The dialog that a text belongs to; "common", or "reminder/<series>"."""
    return id.partition(":")[0]


def state(entry: Entry | None, text: Text) -> State:
    """How far the translation of one text is."""
    if entry is None or not entry.text:
        return "missing"
    return "done" if entry.says(text.source) else "stale"


def tallies(written: Written, language: Language) -> dict[str, Tally]:
    """By dialog how far a language is."""
    found: dict[str, Tally] = {}
    for id, text in written.texts().items():
        tally = found.setdefault(dialog_of(id), Tally())
        match state(language.entries.get(id), text):
            case "done":
                tally.done += 1
            case "stale":
                tally.stale.append(id)
            case "missing":
                tally.missing.append(id)
    return found


def _progress(speech: Speech) -> Iterator[Problem]:
    unread = speech.written.flawed  # half a text reads as another one
    found = {id: tally for id, tally in tallies(speech.written, speech.language).items() if id not in unread}
    for slug, left in (
        ("missing", {dialog: tally.missing for dialog, tally in found.items() if tally.missing}),
        ("stale", {dialog: tally.stale for dialog, tally in found.items() if tally.stale}),
    ):
        if speech.language.status == "live":
            for dialog, ids in left.items():
                yield _left_in_live(speech, slug, dialog, ids)
        elif left:
            yield _left_in_draft(speech, slug, left)


_LEFT = {
    "missing": ("is not translated yet", "are not translated yet"),
    "stale": (
        "is old: its source text has changed since, so it is not used",
        "are old: their source texts have changed since, so they are not used",
    ),
}


def _left_in_live(speech: Speech, slug: str, dialog: str, ids: list[str]) -> Problem:
    one, many = _LEFT[slug]
    said = f"{len(ids)} texts of {dialog} {many}" if len(ids) > 1 else f"one text of {dialog} {one}"
    mend = f"{_how(speech, slug, ids)} {speech.source_of(ids[0])}"
    level: Level = "error" if dialog in FIRST else "warning"
    return Problem(_at(speech, ids), slug, f"In {speech.language.name} {said}.", mend, level)


def _left_in_draft(speech: Speech, slug: str, left: dict[str, list[str]]) -> Problem:
    ids = [id for some in left.values() for id in some]
    one, many = _LEFT[slug]
    said = f"{len(ids)} texts {many}" if len(ids) > 1 else f"one text {one}"
    where = ", ".join(f"{dialog} {len(some)}" for dialog, some in list(left.items())[:8])
    more = ", and more" if len(left) > 8 else ""
    text = f"In {speech.language.name} {said}: {where}{more}."
    return Problem(_at(speech, ids), slug, text, _how(speech, slug, ids), "warning")


def _how(speech: Speech, slug: str, ids: list[str]) -> str:
    """What to do about texts that are not done."""
    entries = [speech.language.entries.get(id) for id in ids]
    old = any(entry is None or entry.source != speech.texts[id].source for id, entry in zip(ids, entries, strict=True))
    first = f'Run "ngazi content update {speech.language.code}" first. ' if old else ""
    if slug == "missing":
        return f"{first}Translate what is empty."
    return f"{first}Mend the old translation where it needs it, and take its mark away."


def _at(speech: Speech, ids: list[str]) -> At:
    entry = next((entry for id in ids if (entry := speech.language.entries.get(id)) is not None), None)
    return entry.at if entry is not None else At(speech.language.file)


# --- single texts ---


def _entries(speech: Speech) -> Iterator[Problem]:
    for id, text in speech.texts.items():
        entry = speech.language.entries.get(id)
        if entry is None or not entry.text:
            continue
        yield from stray_braces(entry.text, entry.at)
        if not entry.says(text.source):
            continue
        yield from _other_placeholders(speech, entry, text)
        if id.startswith(LISTS) or id == "common:months":
            continue
        yield from _odd_length(speech, entry, text)
        if entry.text == text.source and len(re.findall(r"[^\W\d_]{2,}", re.sub(r"\{[^{}]*\}", "", text.source))) > 1:
            what = f"This reads the same as in {speech.written.main.name}: is it translated?"
            mend = "If it should read so, leave it."
            yield Problem(entry.at, "same-as-source", what, mend, "warning", len(entry.text))


def _other_placeholders(speech: Speech, entry: Entry, text: Text) -> Iterator[Problem]:
    wanted, found = placeholders(text.source), placeholders(entry.text)
    lost, new = sorted(wanted - found), sorted(found - wanted)
    if not lost and not new:
        return
    parts = [f"{{{name}}} is missing" for name in lost] + [f"{{{name}}} is not in the source text" for name in new]
    mend = "Names in braces are never translated."
    if len(lost) == len(new) == 1:
        mend += f" Write {{{lost[0]}}} in place of {{{new[0]}}}."
    at = speech.within(text.id, max(entry.text.find("{" + new[0]), 0) if new else 0)
    what = f"{', and '.join(parts)}."
    width = len(new[0]) + 2 if new else 1
    yield Problem(at, "placeholders-differ", what, f"{mend} {speech.source_of(text.id)}", width=width)


def _odd_length(speech: Speech, entry: Entry, text: Text) -> Iterator[Problem]:
    said, source = len(entry.text), len(text.source)
    shortest = DENSE if speech.language.letters == "any" else ODD
    if abs(said - source) <= SLACK or (source <= shortest * said and said <= ODD * source):
        return
    word = "longer" if said > source else "shorter"
    what = f"This is much {word} than the source text: {said} letters, and {source} there."
    mend = f"Look whether it is the right text. {speech.source_of(text.id)}"
    yield Problem(entry.at, "length-odd", what, mend, "warning", said)


def _orphans(written: Written, speech: Speech) -> Iterator[Problem]:
    if not written.common.texts:
        return  # common.yaml could not be read
    known, lost = (
        {dialog_of(id) for id in speech.texts},
        [
            (id, entry)
            for id, entry in speech.language.entries.items()
            if id not in speech.texts and dialog_of(id) not in written.flawed
        ],
    )
    aside = f'"ngazi content update {speech.language.code}" puts it aside.'
    gone: dict[str, list[Entry]] = {}
    for id, entry in lost:
        if ":" in id and dialog_of(id) not in known:
            gone.setdefault(dialog_of(id), []).append(entry)
            continue
        what = f'No text has the id "{id}".' if id else "This entry has no msgctxt, so it belongs to no text."
        mend = did_you_mean(id, [other for other in speech.texts if dialog_of(other) == dialog_of(id)])
        yield Problem(entry.at, "orphan", what, mend if mend.startswith("Did") else aside, "warning")
    for dialog, entries in gone.items():
        what = f"There is no {dialog}, and {len(entries)} translations belong to it."
        yield Problem(entries[0].at, "orphan", what, aside.replace("it aside", "them aside"), "warning")


def _source_name(written: Written) -> Iterator[Problem]:
    code, common = written.common.language, written.common
    if code not in written.languages and common.texts:
        text = f'The language of these files has no name yet: people choose from a list, and there it is "{code}".'
        mend = f'Make the file locale/{code}.po with a header, and in it a line such as "X-Name: English\\n".'
        yield Problem(common.places.get("language", common.at), "po-header", text, mend, "warning", len(code))


def _headers(written: Written, language: Language) -> Iterator[Problem]:
    if not language.fallback:
        return
    at, known = language.place("X-Fallback"), written.languages
    if language.fallback not in known and language.fallback != written.common.language:
        text = f'There is no language "{language.fallback}".'
        mend = did_you_mean(language.fallback, [*known, written.common.language])
        yield Problem(at, "po-header", text, mend, width=len("X-Fallback"))
    elif _rings(language, written):
        chain = " - ".join([*fallbacks(language.code, known, written.common.language)[:-1], language.code])
        mend = f"Let one of them fall back to {written.common.language}."
        yield Problem(at, "po-header", f"The fallbacks go round in a ring: {chain}.", mend, width=len("X-Fallback"))


def _rings(language: Language, written: Written) -> bool:
    chain = fallbacks(language.code, written.languages, written.common.language)
    last = written.languages[chain[-2]]
    return last.fallback == language.code


# --- what reads alike ---


def _alike(speech: Speech) -> Iterator[Problem]:
    for _, step in steps_of(speech.written):
        if step.origin is not None or not linked(step):
            continue
        first: dict[str, str] = {}
        for choice in step.choices:
            id = choice.text.id
            said = speech.wording.get(id, "")
            other = first.setdefault(fold_word(said) or said, id) if said else id
            if other == id or not (speech.own(id) or speech.own(other)):
                continue
            shown = id if speech.own(id) else other
            text = f'Two choices of one question read "{said}"{speech.inside}.'
            mend = "Give them different words."
            if not speech.main:
                mend += f" {speech.source_of(other)} and {speech.source_of(id).partition(': ')[2]}"
            yield Problem(speech.place([shown]), "two-choices-same", text, mend, width=len(said))


def _words(written: Written, speeches: Sequence[Speech]) -> Iterator[Problem]:
    """Words that people send: one meaning each over all languages, and no choice reads like one."""
    taken: dict[str, tuple[str, str]] = {}  # folded word -> its meaning, the name of its language
    for speech in speeches:
        for meaning, text in written.common.words.items():
            entry = speech.language.entries.get(text.id)
            said, at = (text.source, text.at) if speech.main else (entry.text, entry.at) if entry else ("", text.at)
            for word in said.split():
                folded, place = fold_word(word), At(at.file, at.line, at.column + max(said.find(word), 0))
                if not folded:
                    continue
                other, name = taken.setdefault(folded, (meaning, speech.language.name))
                if other != meaning:
                    text_ = f'"{word}" means "{meaning}" here, and "{other}" in {name}.'
                    mend = "Everyone's words are understood from everyone: take another word here."
                    yield Problem(place, "word-twice", text_, mend, width=len(word))
    stops = dict.fromkeys(CARRIERS, ("stop", "phone companies"))
    stops |= {word: found for word, found in taken.items() if found[0] in ("stop", "start", "help", "menu")}
    for speech in speeches:
        yield from _taken(speech, stops)


def _taken(speech: Speech, stops: dict[str, tuple[str, str]]) -> Iterator[Problem]:
    done: set[str] = set()
    for _, step in steps_of(speech.written):
        for choice in step.choices:
            id, said = choice.text.id, speech.wording.get(choice.text.id, "")
            if id in done or not speech.own(id) or fold_word(said) not in stops:
                continue
            done.add(id)
            meaning, name = stops[fold_word(said)]
            text = f'By SMS the choice "{said}" would be taken as the word for {meaning} ({name}).'
            mend = "Say it in other words." if speech.main else f"Say it in other words. {speech.source_of(id)}"
            yield Problem(speech.place([id]), "word-taken", text, mend, width=len(said))
