"""What free text brings: help at once where somebody is in danger, else an answer, and then the open question again.

By SMS and in chat only: a USSD call has a key for everything, and waits for nobody.
"""

from __future__ import annotations

from dialogs import course, freetext
from dialogs.answers import Answer
from dialogs.gsm import clean
from dialogs.inbound import Reply
from dialogs.locale import fold_word
from dialogs.turn import Turn

MOST_STEPS = 8  # that one answer may go over


def at_once(turn: Turn) -> Reply | None:
    """The help text, if the message tells of danger: before any choice, word or assistant. Else None."""
    found = freetext.danger_in(turn.content, turn.inbound.text)
    return None if found is None else say(turn, found)


def freely(turn: Turn) -> Reply | None:
    """An answer to free text, by what the assistant understood, else by its words; None where nothing fits."""
    if turn.inbound.kind == "ussd":
        return None
    known = turn.content.answers.intents.get(turn.inbound.meaning)
    answer = known or freetext.by_words(turn.content, turn.inbound.text)
    return None if answer is None else say(turn, answer)


def or_sorry(turn: Turn) -> Reply:
    """An answer to what was written in place of a choice, else what was expected; then the open question."""
    return freely(turn) or course.sorry(turn, _sorry(turn))


def _sorry(turn: Turn) -> str:
    """Words that are no choice anywhere are told that we did not understand; digits and USSD, to reply by number."""
    text, content = clean(turn.inbound.text), turn.content
    known = text.isdigit() or fold_word(text) in content.labels
    return "sorry" if known or turn.inbound.kind == "ussd" or "unknown" not in content.common.texts else "unknown"


def say(turn: Turn, answer: Answer) -> Reply:
    """Open the dialog, or read the pages out and show the open question again. What was asked is not remembered."""
    if answer.opens:
        if turn.person.consent:
            return course.enter(turn, answer.opens)
        turn.wanted = answer.opens  # once the welcome is over
    begun = bool(turn.shown.dialog) and not turn.shown.ends
    reply = course.show(turn) if begun else course.start(turn)
    if answer.opens:
        return reply
    ids = [id for dialog, step in answer.steps for id in pages(turn, dialog, step)]
    last_of_each = [id for place, id in enumerate(ids) if id not in ids[place + 1 :]]  # how to leave comes at the end
    turn.shown.lead, turn.shown.page = " ".join(last_of_each), 0
    reply = course.show(turn)
    turn.shown.lead = ""
    turn.put(turn.shown)
    return reply


def pages(turn: Turn, dialog_id: str, step_id: str) -> list[str]:
    """The ids of the texts that are read out: from the step on, as far as pages follow one another."""
    dialog, known = turn.content.dialogs[dialog_id], turn.fields()
    found: list[str] = []
    at = dialog.index[step_id]
    for _ in range(MOST_STEPS):
        if at >= len(dialog.steps):
            break
        step = dialog.steps[at]
        if not all(condition.holds(known) for condition in step.only_if):
            at += 1
            continue
        if step.head != "say":
            break
        found += [text.id for text in step.texts]
        if step.go and step.go not in dialog.index:
            break
        at = dialog.index[step.go] if step.go else at + 1
    return found
