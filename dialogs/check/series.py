"""Checks of reminder series: what they count from, names they may say, how many SMS they take, words that give away."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from dialogs.check.conditions import answered, savers
from dialogs.check.speech import Speech
from dialogs.check.text import named_at
from dialogs.gsm import measure, segment_count
from dialogs.links import gaps
from dialogs.locale import fold_word, placeholders
from dialogs.problem import At, Problem
from dialogs.reading.values import did_you_mean
from dialogs.script import GROUP, Series, Text
from dialogs.written import Written

ONE_SMS, TWO_SMS = 160, 306


def check_series(written: Written, speeches: Sequence[Speech]) -> Iterator[Problem]:
    """Every problem of this kind, in every language."""
    yield from _count_from(written)
    yield from _names(written)
    for speech in speeches:
        yield from _lengths(speech)
        yield from _open_words(speech)


# --- the date ---


def _count_from(written: Written) -> Iterator[Problem]:
    saved = savers(written)
    dates = [name for name, steps in saved.items() if any(step.kind == "date" for _, step in steps)]
    for series in written.series.values():
        name = series.count_from
        if not name or name in dates or written.may_hold(name):
            continue
        at = _line_with(written, series.at.file, "count from", name)
        text = f'No question saves a date as "{name}".'
        if name in saved:
            text = f'"{name}" is saved, but not as a date.'
        mend = 'Write "as: date" there.' if name in saved else did_you_mean(name, dates)
        yield Problem(at, "count-from", text, mend or 'Make a question with "as: date" first.', width=len(name))


def _line_with(written: Written, file: str, key: str, value: str) -> At:
    for number, line in enumerate(written.files.get(file, "").splitlines(), 1):
        if line.startswith(key) and value in line:
            return At(file, number, line.index(value, len(key)) + 1)
    return At(file)


# --- names in braces ---


def _names(written: Written) -> Iterator[Problem]:
    """What a reminder says must be known of everybody who gets it, and the officer learns nothing of a person."""
    facts, saved = written.common.facts, savers(written)
    for series in written.series.values():
        counted = [series.count_from] if series.count_from else []
        for text in series.texts_of():
            officer = series.silent is not None and text is series.silent.officer
            known = dict.fromkeys([*counted, *facts, *([GROUP] if officer else sorted(answered(saved)))])
            for name in sorted(placeholders(text.source)):
                at, width = named_at(text, name), len(name) + 2
                if officer and name in saved and name not in known:
                    what = f"{{{name}}} would tell the officer something about a person."
                    mend = f"Leave it out. Here can stand: {', '.join(f'{{{each}}}' for each in known)}."
                    yield Problem(at, "placeholder", what, mend, width=width)
                elif name not in known and not written.may_hold(name):
                    what, mend = f"Nothing has the name {{{name}}} here.", did_you_mean(name, known)
                    yield Problem(at, "placeholder", what, mend or "Leave it out.", width=width)
                elif name not in counted and _may_be_empty(written, series, name, officer):
                    what = f"{{{name}}} is not known for everybody, and without it this reminder cannot go out."
                    mend = "Leave it out." if officer else f'Leave it out, or add "only if: {name} is known".'
                    yield Problem(at, "placeholder", what, mend, "warning", width)


def _may_be_empty(written: Written, series: Series, name: str, officer: bool) -> bool:
    if name in written.common.facts:
        if name not in gaps(written.common):
            return False
    elif officer:
        return False  # the group: it has a name
    return officer or not any(each.name == name and not each.negated for each in series.conditions)


# --- what it costs ---


def _lengths(speech: Speech) -> Iterator[Problem]:
    """Careful texts take one SMS: whoever writes one never pays twice, and no phone cuts it in two."""
    for series in speech.written.series.values():
        careful = series.careful()
        for text in series.texts_of():
            if text is series.title or not speech.own(text.id):
                continue
            said = speech.say(text.id)
            count, (length, gsm7) = segment_count(said), measure(said)
            if text in careful and count > 1:
                what = f"This reminder takes {count} SMS{speech.inside}: it costs {count} times as much."
                mend = f"Shorten it by {length - (ONE_SMS if gsm7 else 70)}."
                yield speech.problem("too-long", [text.id], what, mend)
            elif count > 2:
                what = f"This reminder takes {count} SMS{speech.inside}; 2 are the most."
                mend = f"Shorten it by {length - (TWO_SMS if gsm7 else 134)}."
                yield speech.problem("too-long", [text.id], what, mend, "warning")


# --- words that give away ---

_WORD = re.compile(r"[^\W_]+")


def _open_words(speech: Speech) -> Iterator[Problem]:
    """Words of the list `discreet` of this language, in texts that others may read."""
    listed = speech.written.common.discreet
    if listed is None or not speech.own(listed.id):
        return
    given_away = {fold_word(word) for word in _written(speech, listed).split()} - {""}
    for series in speech.written.series.values():
        for text in series.careful():
            if speech.own(text.id):
                yield from _given_away(speech, text, given_away)


def _given_away(speech: Speech, text: Text, words: Iterable[str]) -> Iterator[Problem]:
    said = re.sub(r"\{[^{}]*\}", lambda found: " " * len(found[0]), _written(speech, text))
    for found in _WORD.finditer(said):
        if fold_word(found[0]) in words:
            what = f'Others may read this{speech.inside}, and "{found[0]}" tells what it is about.'
            mend = "Say it in careful words, such as: your date, a task, papers."
            yield Problem(speech.within(text.id, found.start()), "open-word", what, mend, "warning", len(found[0]))


def _written(speech: Speech, text: Text) -> str:
    """The text as it stands in the file of this language."""
    return text.source if speech.main else speech.language.entries[text.id].text
