"""Checks of how dialogs hang together: what must be there, targets, rings, what nobody reaches or uses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dialogs.check.conditions import check_conditions, linked, savers, steps_of
from dialogs.check.paths import ENDS, Place, Way, follow, leads, reached, rings, ways
from dialogs.locale import placeholders
from dialogs.problem import At, Problem
from dialogs.reading.values import did_you_mean
from dialogs.script import END_LINKS, GROUP, KNOWN_FIELDS, LEAVE_GROUPS, LINK_CODE, Dialog
from dialogs.written import Written

MOST_CHOICES = 24  # by SMS they stand in one message, numbered through
HELLO, MENU = "hello", "menu"
# What the program itself says or asks for (dialogs/showing.py, dialogs/answering.py, dialogs/talk.py).
NEEDED_TEXTS = (
    *("yes", "no", "unsure", "next", "back", "more", "menu", "months"),
    *("sorry", "bad_date", "bad_number", "bad_phone", "bad_text", "resume", "resume_on", "resume_over", "goodbye"),
    *("busy", "sorry_error", "not_yours", "result_seen", "private_done", "no_steps", "sms_offer", "sms_keep"),
    *("sms_sent", "stopped", "stopped_ussd", "back_again", "help", "text_only"),
)
NEEDED_FOR_GROUPS = ("bad_group",)
NEEDED_FOR_LINKS = ("bad_link", "link_later")
NEEDED_FOR_SEVERAL = ("too_many_dates",)
NEEDED_FOR_KEPT = ("kept_language", "kept_answers", "kept_group", "kept_stopped")
NEEDED_FOR_PROGRESS = ("state_none", "state_start", "state_working", "state_ready", "state_done", "state_seen")
NEEDED_FOR_LEVELS = {"must": "level_must", "year 1": "level_year1", "year 3": "level_year3"}
NEEDED_WORDS = ("stop", "start", "help", "menu")


def check_structure(written: Written) -> Iterator[Problem]:
    """Every problem of this kind."""
    lost = list(_targets(written))
    yield from _needed(written)
    yield from lost
    yield from _endless(written)
    yield from check_conditions(written)
    yield from _too_many(written)
    yield from _groups(written)
    yield from _done(written)
    yield from _of(written)
    if not written.flawed and not lost:
        yield from _never_reached(written)
    if not written.flawed:
        yield from _never_used(written)
    yield from _dead_ends(written)


# --- what must be there ---


def _needed(written: Written) -> Iterator[Problem]:
    for id, slug, text in (
        (HELLO, "no-hello", "A new phone number starts in the dialog hello, and there is none."),
        (MENU, "no-menu", "Everything starts from the dialog menu, and there is none."),
    ):
        if id not in written.dialogs:
            yield Problem(At(f"{written.root}/dialogs/{id}.yaml"), slug, text, f"Make the file dialogs/{id}.yaml.")
    common = written.common
    if not common.texts or not written.files.get(common.at.file):
        return
    for name, known, needed in (("texts", common.texts, _texts_needed(written)), ("words", common.words, NEEDED_WORDS)):
        at = common.places.get(name, common.at)
        for key in needed:
            if key not in known:
                text = f'The program needs "{key}" under "{name}", and it is not there.'
                yield Problem(at, "missing-key", text, f'Add a line "{key}: …" under "{name}".')


def _texts_needed(written: Written) -> Iterator[str]:
    """What the program says in any content, and what it says only where a question or a text calls for it."""
    yield from NEEDED_TEXTS
    steps = [step for _, step in steps_of(written)]
    if any(step.save == GROUP for step in steps):
        yield from NEEDED_FOR_GROUPS
    if any(step.save == LINK_CODE for step in steps):
        yield from NEEDED_FOR_LINKS
    if any(step.several for step in steps):
        yield from NEEDED_FOR_SEVERAL
    if any("{kept}" in text.source for text in written.texts().values()):
        yield from NEEDED_FOR_KEPT
    if any(step.head == "progress" for step in steps):
        yield from NEEDED_FOR_PROGRESS
    if any(step.head == "papers" for step in steps):
        yield "no_papers"
    if any(step.head == "advice" and step.of for step in steps):
        yield "no_answers"
    if any(step.head == "advice" for step in steps):
        levels = {step.level for step in steps}
        yield from (key for level, key in NEEDED_FOR_LEVELS.items() if level in levels)


# --- where ways lead ---


def _targets(written: Written) -> Iterator[Problem]:
    for dialog in written.dialogs.values():
        if dialog.then:
            yield from _target(written, dialog, Way(dialog.then, dialog.places.get("then", dialog.at)), then=True)
        for step in dialog.steps:
            seen: set[At] = set()
            for way in ways(step):
                if way.target and way.at not in seen:
                    seen.add(way.at)
                    yield from _target(written, dialog, way)
        for old, new in dialog.moved.items():
            if old in dialog.index:
                at, text = dialog.steps[dialog.index[old]].at, f'"{old}" is a step and stands under "moved" too.'
                mend = f'Give this step another name: the answers that "{old}" had belong to "{new}" now.'
                yield Problem(at, "twice", text, mend, width=len(old))
            if new not in dialog.index and not written.may_hold(new):
                at, mend = dialog.places.get(f"moved.{old}", dialog.at), did_you_mean(new, dialog.index)
                yield Problem(at, "unknown-step", f'There is no step "{new}" in this dialog.', mend, width=len(new))


def _target(written: Written, dialog: Dialog, way: Way, then: bool = False) -> Iterator[Problem]:
    target, width = way.target, len(way.target)
    if target in ENDS or (target in dialog.index and not then) or written.may_hold(target):
        return
    if target.startswith("/"):
        if target[1:] not in written.dialogs:
            mend = did_you_mean(target[1:], written.dialogs)
            yield Problem(way.at, "unknown-dialog", f'There is no dialog "{target[1:]}".', mend, width=width)
        return
    if target in written.dialogs:
        slug = "unknown-dialog" if then else "unknown-step"
        text = f'"{target}" is a dialog, and a dialog has a / before it here.'
        yield Problem(way.at, slug, text, f'Write "/{target}".', width=width)
    elif then:
        names = [f"/{id}" for id in written.dialogs]
        text = f'"then" leads to another dialog, or to end; "{target}" is neither.'
        yield Problem(way.at, "unknown-dialog", text, did_you_mean(f"/{target}", names), width=width)
    else:
        text, mend = f'There is no step "{target}" in this dialog.', did_you_mean(target, dialog.index)
        yield Problem(way.at, "unknown-step", text, mend, width=width)


def _endless(written: Written) -> Iterator[Problem]:
    """A ring without a question: whoever is in it can only read on."""
    asking = {(dialog.id, step.id) for dialog, step in steps_of(written) if step.asks or not linked(step)}
    graph = follow(written.dialogs)
    pages = {place: [to for to in onward if to not in asking] for place, onward in graph.items() if place not in asking}
    for ring in rings(pages):
        at = min((at for place in ring for at in _entries(written, place, set(ring))), default=None)
        first = written.dialogs[ring[0][0]]
        many = len({dialog for dialog, _ in ring}) > 1
        names = ", ".join(f"{dialog}/{step}" if many else step for dialog, step in ring[:6])
        text = f"These steps lead round to one another, and none of them asks anything: {names}."
        yield Problem(at or first.at, "endless", text, "Let one of them go on to a question, to a menu or to end.")


def _entries(written: Written, place: Place, ring: set[Place]) -> Iterator[At]:
    dialog = written.dialogs[place[0]]
    step = dialog.steps[dialog.index[place[1]]]
    for way in ways(step):
        if way.target and leads(written.dialogs, dialog, step, way) in ring:
            yield way.at


# --- what is too much, and what is for nothing ---


def _too_many(written: Written) -> Iterator[Problem]:
    offered = [language for language in written.translations() if language.status == "live"]
    for _dialog, step in steps_of(written):
        if step.origin is None and len(step.choices) > MOST_CHOICES:
            at = step.choices[MOST_CHOICES].at
            text = f"This question has {len(step.choices)} choices; an SMS can number {MOST_CHOICES}."
            mend = "Ask in two steps: first a group, then the one in it."
            yield Problem(at, "too-many", text, mend, width=len(step.choices[MOST_CHOICES].id))
        elif step.kind == "languages" and step.origin is None and len(offered) + 1 > MOST_CHOICES:
            text = f"{len(offered) + 1} languages are live; an SMS can number {MOST_CHOICES}."
            at = step.places.get("choices", step.at)
            yield Problem(at, "too-many", text, "Leave those live that people here speak.", width=len("languages"))


def _groups(written: Written) -> Iterator[Problem]:
    """A group is joined by a code that is typed, and left by a yes; so are links between a phone and its chats."""
    for _, step in steps_of(written):
        if step.origin is not None:
            continue
        at = step.places.get("save", step.at)
        if step.save == GROUP and step.kind != "text":
            text = '"save: group" makes a member of who types the code of a group; here nothing is typed.'
            yield Problem(at, "group-code", text, 'Write "as: text" in place of the choices.', width=len(GROUP))
        elif step.save == LINK_CODE and step.kind != "text":
            text = '"save: link_code" links a chat to the phone whose code is typed; here nothing is typed.'
            yield Problem(at, "group-code", text, 'Write "as: text" in place of the choices.', width=len(LINK_CODE))
        elif step.save in (LEAVE_GROUPS, END_LINKS) and step.choice("yes") is None:
            what = "memberships" if step.save == LEAVE_GROUPS else "links"
            text = f'"save: {step.save}" ends {what} at the answer "yes", and there is none here.'
            yield Problem(at, "group-code", text, 'Name one of the choices "yes".', width=len(step.save))


def _done(written: Written) -> Iterator[Problem]:
    """An answer can mark only a date that is saved somewhere."""
    saved = savers(written)
    dates = [name for name, steps in saved.items() if any(step.kind == "date" for _, step in steps)]
    for _, step in steps_of(written):
        for choice in step.choices if step.origin is None else ():
            name = choice.done
            if not name or name in dates or written.may_hold(name):
                continue
            at = step.places.get(f"done.{choice.id}", step.at)
            text = f'No question saves a date as "{name}", so there is none to mark as done.'
            mend = did_you_mean(name, dates) or 'Make a question with "as: date" first.'
            yield Problem(at, "no-date", text, mend, width=len(name))


def _of(written: Written) -> Iterator[Problem]:
    """The parts that a step reads out must exist; only progress can tell of a scheme."""
    for _, step in steps_of(written):
        for number, id in enumerate(step.of, 1) if step.origin is None else ():
            known = [*written.dialogs, *(written.schemes if step.head == "progress" else ())]
            if id in known or written.may_hold(id):
                continue
            at = step.places.get(f"of.{number}", step.places.get("of", step.at))
            text, mend = f'There is no dialog "{id}".', did_you_mean(id, known)
            if step.head == "progress":
                text = f'There is no dialog and no scheme "{id}".'
            elif id in written.schemes:
                mend = "That is a scheme, and only a step with progress can tell of one."
            yield Problem(at, "unknown-dialog", text, mend, width=len(id))


def _never_reached(written: Written) -> Iterator[Problem]:
    dialogs = written.dialogs
    if HELLO not in dialogs or MENU not in dialogs:
        return
    graph = follow(dialogs)
    entered = reached(graph, [(id, dialogs[id].steps[0].id) for id in (HELLO, MENU)])
    shown = {dialog for dialog, _ in entered}
    lent = {step.origin[0] for dialog in dialogs.values() for step in dialog.steps if step.origin}
    for dialog in dialogs.values():
        if dialog.id not in shown:
            if dialog.id in lent:
                continue  # it keeps questions that other dialogs ask
            text = f"Nothing leads to this dialog: {dialog.title.source}."
            mend = f'Add it to a menu: a choice, and under "go" a line that ends in /{dialog.id}.'
            yield Problem(dialog.title.at, "never-reached", text, mend, "warning", len(dialog.title.source))
            entered |= reached(graph, [(dialog.id, dialog.steps[0].id)])
        for step in dialog.steps:
            if (dialog.id, step.id) not in entered:
                text = f'Nothing leads to the step "{step.id}".'
                mend = "Let another step go to it, or delete it."
                yield Problem(step.at, "never-reached", text, mend, "warning", len(step.id))


def _never_used(written: Written) -> Iterator[Problem]:
    used = {name for text in written.texts().values() for name in placeholders(text.source)}
    used |= {condition.name for _, step in steps_of(written) for condition in step.only_if}
    for series in written.series.values():
        used |= {series.count_from or series.id, *(condition.name for condition in series.conditions)}
    for name, steps in savers(written).items():
        first = steps[0][1]
        if name not in (*used, *KNOWN_FIELDS, LEAVE_GROUPS, LINK_CODE, END_LINKS) and first.origin is None:
            text = f'"{name}" is saved, and nothing in the content uses it.'
            mend = 'Fine if broadcasts choose people by it. If not, delete "save": keep only what is needed.'
            yield Problem(first.places.get("save", first.at), "never-used", text, mend, "warning", len(name))
    for name in written.common.facts:
        if name not in used:
            at = _fact_at(written, name)
            yield Problem(at, "never-used", f'No text uses the fact "{name}".', "Delete it.", "warning", len(name))


def _fact_at(written: Written, name: str) -> At:
    places = written.common.places
    at = places.get(f"facts.{name}", places.get("facts", written.common.at))
    lines = written.files.get(at.file, "").splitlines()
    for number in range(min(at.line, len(lines)), 0, -1):
        if found := re.match(rf"\s+({re.escape(name)})\s*:", lines[number - 1]):
            return At(at.file, number, found.start(1) + 1)
    return at


def _dead_ends(written: Written) -> Iterator[Problem]:
    """A question whose answer ends the call with nothing of its own said."""
    for dialog, step in steps_of(written):
        if not step.asks or not linked(step) or step.keep != "yes" or dialog.id in written.flawed:
            continue
        said = {choice.id for choice in step.choices if choice.reply is not None}
        for way in ways(step):
            if way.choice in said or way.skipped or leads(written.dialogs, dialog, step, way) != ("", "end"):
                continue
            text = "After this answer the call ends, and nothing was said to it."
            if way.choice:
                text = f'After the answer "{way.choice}" the call ends, and nothing was said to it.'
            mend = "Add a reply, or a last step that says something."
            yield Problem(way.at, "dead-end", text, mend, "warning", max(len(way.target), 1))
            break
