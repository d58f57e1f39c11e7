"""Checks of texts as phones show them: what fits a screen, which letters travel, what a reader would stumble over."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Iterator, Sequence
from dataclasses import replace

from dialogs.check.conditions import in_chats_only, linked, steps_of
from dialogs.check.names import known_names, which_name
from dialogs.check.speech import Speech
from dialogs.gsm import fold, measure, segment_count, septets
from dialogs.links import gaps
from dialogs.locale import placeholders
from dialogs.problem import At, Problem
from dialogs.screen import Page, Room, fits, lay_out
from dialogs.script import FOR_CHATS, Step, Text
from dialogs.written import Written

LISTS = ("common:words.", "common:discreet")  # texts that nobody reads on a phone
MOST_LETTERS = 30  # of one choice
MOST_SEGMENTS = 3  # of a question with its choices by SMS
FEW = 3  # choices up to which a question must stand on one screen
LABELS = ("yes", "no", "unsure", "next", "back", "more", "menu", "resume_on", "resume_over", "months")
QUESTIONS = {"resume": ("resume_on", "resume_over", "menu"), "sms_offer": ("yes", "no"), "sms_keep": ("yes", "no")}


def check_text(written: Written, speeches: Sequence[Speech], room: Room) -> Iterator[Problem]:
    """Every problem of this kind, in every language."""
    yield from _placeholders(written)
    for speech in speeches:
        yield from _fitting(speech, room)
        yield from _letters(speech)
        for id, text in said(speech):
            yield from _reading(speech, id, text)


def said(speech: Speech) -> Iterator[tuple[str, str]]:
    """Id and text of all that stands in this language's own file, lists of words left out."""
    for id, text in speech.texts.items():
        entry = speech.language.entries.get(id)
        if id.startswith(LISTS):
            continue
        if speech.main:
            yield id, text.source
        elif entry is not None and entry.text:
            yield id, entry.text


# --- placeholders ---


def _placeholders(written: Written) -> Iterator[Problem]:
    known, facts = known_names(written), written.common.facts
    may_lack = _never_skipped(written)
    pages = {text.id for _, step in steps_of(written) if step.head == "say" for text in step.texts}
    for id, text in written.texts().items():
        yield from stray_braces(text.source, text.at)
        if id.startswith("reminder/"):
            continue  # there other names can stand: see series.py
        for name in sorted(placeholders(text.source)):
            at = named_at(text, name)
            if name not in known and not written.may_hold(name):
                what, mend = f"Nothing has the name {{{name}}}.", which_name(name, known, facts)
                yield Problem(at, "placeholder", what, mend, width=len(name) + 2)
            elif name == "kept" and id not in pages:
                what = "The list of what is kept is long and needs pages of its own."
                yield Problem(at, "placeholder", what, 'Say {kept} in a step with "say".', width=len(name) + 2)
            elif name in gaps(written.common) and id in may_lack:
                what = f"{{{name}}} is not known in every country, and would leave a gap here."
                mend = "Say it in a step of its own: a step that says an unknown fact is skipped."
                yield Problem(at, "placeholder", what, mend, "warning", len(name) + 2)


def named_at(text: Text, name: str) -> At:
    """Where a placeholder stands, if it does so in the first line of its text."""
    return replace(text.at, column=text.at.column + max(text.source.split("\n", 1)[0].find("{" + name), 0))


def _never_skipped(written: Written) -> set[str]:
    """The texts of steps that are not skipped for lack of a fact that they name."""
    found: set[str] = set()
    for _, step in steps_of(written):
        asked = (*step.texts, *(choice.text for choice in step.choices))
        found |= {text.id for text in step.texts_of()} - {text.id for text in asked}
    return found | {text.id for text in written.common.texts.values()}


def stray_braces(text: str, at: At) -> Iterator[Problem]:
    """A brace that opens or closes nothing."""
    rest = re.sub(r"\{[^{}]*\}", lambda found: " " * len(found[0]), text)
    if found := re.search(r"[{}]", rest):
        column = at.column + (found.start() if "\n" not in rest[: found.start()] else 0)
        mend = "A placeholder stands in two of them: {code}."
        yield Problem(replace(at, column=column), "placeholder", f"This {found[0]} stands alone.", mend)


# --- what fits ---


def _fitting(speech: Speech, room: Room) -> Iterator[Problem]:
    for _, step in steps_of(speech.written):
        if step.origin is not None or not step.texts or not linked(step) or in_chats_only(step):
            continue
        if step.asks:
            yield from _question(speech, step, room)
            yield from _by_sms(speech, step)
            yield from _choice_lines(speech, step)
        yield from _said_at_once(speech, step, room)
    yield from _common(speech, room)


def _question(speech: Speech, step: Step, room: Room) -> Iterator[Problem]:
    ids = [step.texts[0].id, *(choice.text.id for choice in step.choices)]
    choices = _choices(speech, step)
    if not (speech.own(ids[0]) or step.kind == "languages") or not all(choices):
        return
    few = len(choices) <= FEW and step.kind != "languages"
    yield from _screens(speech, ids, tuple(choices), room, few)


def _choices(speech: Speech, step: Step) -> list[str]:
    if step.kind != "languages":
        return [speech.say(choice.text.id) for choice in step.choices]
    languages = [speech.written.main, *speech.written.translations()]
    return [fold(language.name, language.replace) for language in languages]


def _screens(speech: Speech, ids: list[str], choices: tuple[str, ...], room: Room, few: bool) -> Iterator[Problem]:
    """One screen for a question with few choices; for others at least one choice with its keys."""
    typed = not choices
    parts, keys = (speech.say(ids[0]),), speech.keys()
    pages = lay_out("", parts, choices, room, keys, back=True, ends=False, typed=typed)
    overfull = next((page for page in pages if page.choices and not fits(page.text, room)), None)
    if few and (len(pages) > 1 or overfull or not fits(pages[0].text, room)):
        whole = replace(room, pages=False)
        screen = lay_out("", parts, choices, whole, keys, back=True, ends=False, typed=typed)[0]
        mend = "Shorten the question or a choice by {over}." if choices else "Shorten the question by {over}."
        problem = _too_long(speech, ids, screen, room, "This screen", mend)
        yield replace(problem, level="error") if overfull else problem
    elif overfull:
        id = ids[overfull.choices[0] + 1] if len(ids) > 1 else ids[0]
        problem = _too_long(speech, [id, *ids], overfull, room, "This choice with its keys", "Shorten it by {over}.")
        yield replace(problem, level="error")


def _too_long(speech: Speech, ids: list[str], page: Page, room: Room, what: str, mend: str) -> Problem:
    length, gsm7 = measure(page.text)
    length, limit = length + room.prefix, room.septets if gsm7 else room.units
    letters = "" if gsm7 or speech.language.letters == "any" else _why_short(page.text)
    text = f"{what} takes {length} letters{speech.inside}; a phone shows {limit}{letters}."
    return speech.problem("too-long", ids, text, mend.format(over=length - limit))


def _why_short(text: str) -> str:
    odd = sorted({letter for letter in text if septets(letter) is None})
    return f" with {' '.join(odd[:5])} in it" if odd else ""


def _by_sms(speech: Speech, step: Step) -> Iterator[Problem]:
    """By SMS question and choices are one message."""
    ids = [step.texts[0].id, *(choice.text.id for choice in step.choices)]
    choices = tuple(_choices(speech, step))
    asked = step.keep == "yes" or step.erases  # by SMS another private question is only said
    if not choices or not asked or not (speech.own(ids[0]) or step.kind == "languages"):
        return
    whole, keys = Room(prefix=0, pages=False), speech.keys()
    page = lay_out("", (speech.say(ids[0]),), choices, whole, keys, back=True, ends=False, typed=False)[0]
    if (count := segment_count(page.text)) > MOST_SEGMENTS:
        text = f"This question with its choices takes {count} SMS{speech.inside}; {MOST_SEGMENTS} is the most."
        yield speech.problem("too-long", ids, text, "Shorten the choices, or ask in two steps.")


def _choice_lines(speech: Speech, step: Step) -> Iterator[Problem]:
    for choice in step.choices:
        id = choice.text.id
        length = measure(speech.say(id))[0]
        if speech.own(id) and not id.startswith("common:") and length > MOST_LETTERS:
            text = f"This choice takes {length} letters{speech.inside}; {MOST_LETTERS} read well on a small phone."
            yield speech.problem("too-long", [id], text, f"Shorten it by {length - MOST_LETTERS}.", "warning")


def _said_at_once(speech: Speech, step: Step, room: Room) -> Iterator[Problem]:
    """What must fit one screen: words after a private answer, and the last words of a call."""
    done: set[str] = set()
    for choice in step.choices:
        last = choice.go in ("end", "forget")
        for text in (choice.advice, choice.reply):
            if text is None or text.id in done or not speech.own(text.id):
                continue
            if last and text is choice.reply:
                done.add(text.id)
                yield from _closing(speech, text, room)
            elif step.keep != "yes" and not last:
                done.add(text.id)
                yield from _aside(speech, text, room)


def _aside(speech: Speech, text: Text, room: Room) -> Iterator[Problem]:
    whole, words = replace(room, pages=False), (speech.say(text.id),)
    screen = lay_out("", words, (), whole, speech.keys(), back=True, ends=False, typed=False)[0]
    if not fits(screen.text, room):
        problem = _too_long(speech, [text.id], screen, room, "After a private answer this", "Shorten it by {over}.")
        yield replace(problem, slug="unkept")


def _closing(speech: Speech, text: Text, room: Room) -> Iterator[Problem]:
    page = Page(speech.say(text.id), ends=True)
    if not fits(page.text, room):
        yield _too_long(speech, [text.id], page, room, "This is the last screen of a call. It", "Shorten it by {over}.")


def for_chats(texts: Container[str], key: str) -> bool:
    """True for the key of a common text that is said in chats alone, in place of another."""
    return key.endswith(FOR_CHATS) and key.removesuffix(FOR_CHATS) in texts


def _common(speech: Speech, room: Room) -> Iterator[Problem]:
    known = speech.written.common.texts
    for key, text in known.items():
        if for_chats(known, key):
            continue  # there nothing is too long
        if key in QUESTIONS:
            ids = [text.id, *(f"common:{word}" for word in QUESTIONS[key])]
            choices = tuple(speech.say(id) for id in ids[1:])
            if all(choices) and any(map(speech.own, ids)):
                yield from _screens(speech, ids, choices, room, few=True)
        elif key not in LABELS and speech.own(text.id):
            yield from _aside(speech, text, room) if key == "private_done" else _closing(speech, text, room)


# --- letters ---


def _letters(speech: Speech) -> Iterator[Problem]:
    language = speech.language
    if language.letters == "any":
        text = f"In {language.name} any letter may go out: then a screen holds 70, not 160, and an SMS costs double."
        mend = "If it can be written in plain letters too, say so: X-Letters: gsm7, and X-Replace."
        yield Problem(language.place("X-Letters"), "letters", text, mend, "warning", len("X-Letters"))
    else:
        yield from _name(speech)
    bare: dict[str, None] = {}
    covered = {letter for old in language.replace for letter in (old, old.upper())}
    for id, source in said(speech):
        folded = fold(source, language.replace)
        odd = sorted({letter for letter in folded if septets(letter) is None}) if septets(folded) is None else []
        if odd and language.letters == "gsm7":
            yield _odd_letters(speech, id, source, folded, odd)
        composed = unicodedata.normalize("NFC", source)
        if septets(composed) is not None:
            continue
        outside = {letter for letter in composed if letter.isalpha()} - covered
        bare |= dict.fromkeys(letter for letter in outside if septets(letter) is None and septets(fold(letter)))
    if bare and language.letters == "gsm7":
        small = sorted(letter for letter in bare if letter == letter.lower() or letter.lower() not in bare)[:12]
        pairs = " ".join(f"{letter}={fold(letter)}" for letter in small)
        text = f"These letters lose their accents on simple phones{speech.inside}: {' '.join(small)}."
        mend = f"Look whether words stay clear. To settle it, write X-Replace: {pairs}"
        yield Problem(language.place("X-Replace"), "letters", text, mend, "warning")


def _name(speech: Speech) -> Iterator[Problem]:
    language = speech.language
    if septets(fold(language.name, language.replace)) is None:
        text = f'The name "{language.name}" cannot be shown on simple phones, and it stands in the list of languages.'
        yield Problem(language.place("X-Name"), "letters", text, "Write it in plain letters.", speech.level, 6)


def _odd_letters(speech: Speech, id: str, source: str, folded: str, odd: list[str]) -> Problem:
    letters = " ".join(odd[:8])
    at = speech.within(id, max(min(source.find(letter) for letter in odd), 0))
    mend = "Write it in plain letters."
    if not speech.main:
        mend += f" Or say in the header how to write them: X-Replace: {odd[0]}=..."
    if id.startswith("reminder/"):
        count = segment_count(folded)
        many = f"{count} SMS" if count > 1 else "an SMS of at most 70 letters"
        text = f"With {letters} in it this takes {many}{speech.inside}; in plain letters one SMS holds 160."
        return Problem(at, "letters", text, mend, "warning")
    return Problem(at, "letters", f"Simple phones cannot show {letters}.", mend, speech.level)


# --- reading it ---

_BRACKETS = re.compile(r"[\[(]\s*\d\s*[\])]")
_NUMBERED = re.compile(r"(?:^|\n)\s*\d\s*[.):=-]\s")
_PRESS = re.compile(r"\b(?:press|reply|dial|type|send|choose|enter|key)\s+(?:with\s+)?\d\b", re.IGNORECASE)
_UNSEEN = re.compile("[\u00a0\u00ad\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\t]")
_CURLY = re.compile("[\u2018\u2019\u201c\u201d\u2013\u2014\u2026]")


def _reading(speech: Speech, id: str, text: str) -> Iterator[Problem]:
    found = _BRACKETS.search(text) or _NUMBERED.search(text) or _PRESS.search(text)
    if found:
        what = f'This text names a key: "{found[0].strip()}". Keys are counted out by the program and may change.'
        at = speech.within(id, found.start())
        yield Problem(at, "digit-in-text", what, "Leave the number out.", "warning", len(found[0]))
    if found := _UNSEEN.search(text):
        name = unicodedata.name(found[0], "TAB").lower()
        what = f"There is a sign here that nobody sees ({name}). It can double the price of an SMS."
        mend = "Delete it, and type a plain space if there should be one."
        yield Problem(speech.within(id, found.start()), "invisible", what, mend, "warning")
    elif speech.main and (found := _CURLY.search(text)):
        what = f"{found[0]} is no plain sign; phones get {fold(found[0])} in its place."
        at = speech.within(id, found.start())
        yield Problem(at, "invisible", what, f"Type {fold(found[0])} yourself.", "warning")
