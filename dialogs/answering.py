"""What was typed, taken as an answer to the screen that the phone shows; and the words that any phone may send."""

from __future__ import annotations

from dialogs import course, dates, engine, linking, progress, understood
from dialogs.belongings import find_group
from dialogs.gsm import clean, fold
from dialogs.inbound import Reply
from dialogs.locale import fold_word
from dialogs.script import GROUP, LINK_CODE, Choice, Dialog, Step
from dialogs.showing import (
    ASIDE,
    READERS,
    RESUME,
    RESUME_CHOICES,
    Shown,
    asides,
    is_typed,
    open_points,
    said_only,
    step_parts,
)
from dialogs.store import RunState, Said
from dialogs.turn import Turn

SORRY = {"date": "bad_date", "number": "bad_number", "phone": "bad_phone", "text": "bad_text"}
KEYS = frozenset("12345678")
FOR_THE_HOUSE = ("stop", "help", "menu", "start")
MOST_TRIES = 3  # codes of groups that are none, then the menu


def answer(turn: Turn, typed: str) -> Reply:
    """Take in what was typed on the screen that the phone shows."""
    shown, text = turn.shown, clean(typed)
    if turn.inbound.kind == "ussd" and not text.isdigit():
        word = turn.content.words.get(fold_word(text), "")
        if word in FOR_THE_HOUSE:
            return obey(turn, word)
    word_key = key_of(turn, text)
    if shown.say or shown.step == RESUME:
        if not shown.choices:  # what is read out first took a page of its own
            shown.page += word_key == "1"
            return course.show(turn)
        return answer_said(turn, text) if shown.say else answer_resume(turn, text)
    place = turn.stands()
    if place is None:
        return course.moved_on(turn)
    dialog, run, standing, step = place
    if shown.page == ASIDE:
        return answer_aside(turn, word_key, dialog, run, step)
    if shown.keep and shown.keep != step.keep:
        return course.moved_on(turn)  # an edit took back what this screen promised: not to keep the answer
    if shown.typed != is_typed(step, turn.inbound):
        return course.moved_on(turn)  # an edit made a choice of what was to be written, or the other way round
    if shown.choices and not shown.typed and step.kind == "choice" and text in KEYS:
        return choose(turn, text, dialog, run, step, tuple(choice.id for choice in step.choices))
    pages, ids = turn.pages_of(dialog, standing, step)
    page = pages[min(shown.page, len(pages) - 1)]
    if not text:
        return course.again(turn)
    if page.next or word_key != "1":
        text = word_key
    if text == "0" and not (shown.typed and step.kind == "number"):
        return course.back(turn, dialog, run, standing)
    if text == "9" and page.more and page.choices:
        shown.page += 1
        return course.show(turn)
    if text == "1" and page.next and not shown.choices:
        if shown.page + 1 < len(pages):
            shown.page += 1
            return course.show(turn)
        if not step.asks or said_only(step, turn.inbound):
            return read_to_end(turn, dialog, run, step)
    return choose(turn, text, dialog, run, step, ids)


def choose(turn: Turn, text: str, dialog: Dialog, run: RunState, step: Step, ids: tuple[str, ...]) -> Reply:
    """A choice by its key (or, but on USSD, by its words), or something typed."""
    shown = turn.shown
    if shown.typed and step.kind in READERS:
        value = READERS[step.kind](text)
        if value is None:
            return understood.freely(turn) or course.sorry(turn, SORRY[step.kind])
        if step.several and not dates.has_room(turn.person.dates, step.save, turn.today):
            return course.sorry(turn, "too_many_dates")
        if step.save == LINK_CODE:
            return link(turn, dialog, run, step, value)
        return join(turn, dialog, run, step, value) if step.save == GROUP else accept(turn, dialog, run, step, value)
    picked = ""
    if text.isdigit() and len(text) < 4 and 0 < int(text) <= len(shown.choices):
        picked = shown.choices[int(text) - 1]
    elif turn.inbound.kind != "ussd":
        picked = by_words(turn, text, step, ids)
    if picked and picked not in ids:
        return course.moved_on(turn)  # an edit took this choice away while the screen was out
    if not picked or picked not in shown.choices:
        return understood.or_sorry(turn)
    return accept(turn, dialog, run, step, picked)


def key_of(turn: Turn, text: str) -> str:
    """The key whose word was written out: Next, More or Back, in the person's language or the source language; else
    the text as it is. By USSD, and where something is to be written, words are no keys.
    """
    if turn.inbound.kind == "ussd" or turn.shown.typed:
        return text
    folded = fold_word(text)
    for code in (turn.person.language, turn.content.common.language):
        keys = turn.house.keys(turn.house.language(code).code)
        for key, word in (("1", keys.next), ("9", keys.more), ("0", keys.back)):
            if folded and fold_word(word) == folded:
                return key
    return text


def join(turn: Turn, dialog: Dialog, run: RunState, step: Step, code: str) -> Reply:
    """Into the group with this code. After some codes that are none the menu: whoever guesses has to dial on."""
    found = find_group(turn.db, code)
    if found is None:
        turn.shown.tries += 1
        if turn.shown.tries >= MOST_TRIES:
            return course.enter(turn, course.MENU, "common:bad_group")
        return course.sorry(turn, "bad_group")
    id, name = found
    turn.person.joins.append(id)
    return accept(turn, dialog, run, step, name)


def link(turn: Turn, dialog: Dialog, run: RunState, step: Step, code: str) -> Reply:
    """This chat and the phone that showed the code are one person's from here on. Guessing ends in the menu."""
    digits = linking.digits_of(code)
    if not digits:
        return understood.freely(turn) or course.sorry(turn, "bad_link")
    answers, chat = run.answers, turn.person.id
    try:
        with turn.db.begin_nested():  # all of it or nothing: a failure harms neither of the two
            phone = linking.use_code(turn.db, turn.house.seal, turn.inbound.address, digits, turn.now)
            if phone is not None and phone != chat:
                turn.link(phone)
    except linking.TooMany:
        return course.enter(turn, course.MENU, "common:link_later")
    if phone is None:
        return course.sorry(turn, "bad_link")
    if phone != chat:
        if not turn.person.consent:
            return course.start(turn)
        dialog, run = course.run_of(turn, dialog.id)
        run.answers = answers
    return accept(turn, dialog, run, step, engine.GIVEN)


def by_words(turn: Turn, text: str, step: Step, ids: tuple[str, ...]) -> str:
    """The choice that reads so, in the person's language; yes and no in any."""
    folded, scene = fold_word(text), turn.scene(None).of(step)
    for id in ids:
        if choice := step.choice(id):
            said = scene.text(choice.text.id)
            names = (said, fold(said, scene.language.replace))  # as it is written, and as on simple phones
        else:
            names = (turn.content.languages[id].name, turn.content.languages[id].called(chat=True))
        if folded in map(fold_word, names):
            return id
    word = turn.content.words.get(folded, "")
    return word if word in ("yes", "no") and word in ids else ""


def accept(turn: Turn, dialog: Dialog, run: RunState, step: Step, value: str) -> Reply:
    """An answer that counts: take note, and go on to what follows."""
    choice = step.choice(value)
    if choice is not None and choice.go == engine.FORGET:
        return forget(turn, choice)
    progress.enter(turn, dialog, run, step, value)
    if asides(step):
        said = (choice.advice or choice.reply) if choice else None
        return course.aside(turn, dialog, run, step, said.id if said else "common:private_done")
    reply = choice.reply.id if choice and choice.reply and step.keep == "yes" else ""
    return course.go_on(turn, dialog, run, reply)


def forget(turn: Turn, choice: Choice) -> Reply:
    """Say the reply and erase this person."""
    turn.person.forget = True
    turn.calls.pop((turn.session.channel, turn.session.key), None)
    text = turn.scene(None).text(choice.reply.id) if choice.reply else turn.scene(None).common("goodbye")
    return Reply(text)


def answer_aside(turn: Turn, text: str, dialog: Dialog, run: RunState, step: Step) -> Reply:
    """1 goes on, 0 asks the unkept question again."""
    if text == "1":
        return course.go_on(turn, dialog, run)
    if text == "0":
        standing = turn.walk(dialog, run)
        last = run.answers[standing.used[-1]] if standing.used else ("", "")
        asked_last = dialog.moved.get(last[0], last[0]) == step.id  # else another call went on meanwhile
        return course.back(turn, dialog, run, standing) if asked_last else course.moved_on(turn)
    return course.again(turn) if not text else course.aside(turn, dialog, run, step, lead="common:sorry")


def answer_resume(turn: Turn, text: str) -> Reply:
    """Go on, start again, or the menu."""
    picked = dict(zip("123", RESUME_CHOICES, strict=True)).get(text, "")
    if not picked:
        scene = turn.scene(None)
        words = {fold_word(scene.common(key)): id for id, key in RESUME_CHOICES.items()}
        picked = words.get(fold_word(text), "")
    run = turn.person.runs.get(turn.shown.dialog)
    if run is None or run.id != turn.shown.run:
        return course.start(turn)
    if picked == "menu":
        return course.enter(turn, course.MENU)
    if picked == "over":
        progress.empty(turn, run)
        return course.enter(turn, run.dialog)
    if picked:
        return course.enter(turn, run.dialog)
    return understood.or_sorry(turn)


def answer_said(turn: Turn, text: str) -> Reply:
    """The offer to send the list by SMS, and the question whether the number may be kept for it."""
    shown, dialog = turn.shown, turn.content.dialogs.get(turn.shown.dialog)
    run = turn.person.runs.get(shown.dialog)
    if dialog is None or run is None or run.id != shown.run or not text:
        return course.again(turn)
    if text not in ("1", "2"):
        return understood.or_sorry(turn)
    standing = turn.walk(dialog, run)
    step = standing.step
    if step is None or step.id != shown.step:
        return course.moved_on(turn)
    if text == "1" and shown.say == "sms_offer" and not turn.person.sealed:
        turn.put(Shown(dialog.id, run.id, step.id, say="sms_keep", choices=["yes", "no"]))
        return course.show(turn)
    if text == "1":
        turn.person.seal = "" if turn.person.sealed else turn.inbound.address
        parts, *_ = step_parts(turn.scene(standing).of(step), step, standing)
        turn.person.lists.append(
            ("\n".join(parts), f"list:{turn.session.channel}:{turn.session.key}:{turn.session.consumed}")
        )
        return read_to_end(turn, dialog, run, step, "common:sms_sent", offered=True)
    return read_to_end(turn, dialog, run, step, offered=True)


def read_to_end(turn: Turn, dialog: Dialog, run: RunState, step: Step, lead: str = "", offered: bool = False) -> Reply:
    """A page was read; an advice list may be offered as one SMS first."""
    if step.sms and not offered and turn.inbound.kind == "ussd" and not turn.person.stopped:
        standing = turn.walk(dialog, run)
        if open_points(turn.scene(standing), step, standing)[0]:
            turn.put(Shown(dialog.id, run.id, step.id, say="sms_offer", choices=["yes", "no"]))
            return course.show(turn)
    progress.enter(turn, dialog, run, step, engine.SEEN)
    return course.go_on(turn, dialog, run, lead)


def obey(turn: Turn, word: str) -> Reply:
    """STOP, HELP, MENU and START, in any language of the content."""
    person = turn.person
    if word == "stop":
        again, person.stopped, person.unseal = person.stopped, True, True
        person.seal = ""
        person.changed.add("stopped")
        if turn.inbound.kind == "ussd":
            reply = turn.close("stopped_ussd")
        else:
            turn.shown = Shown()
            turn.put(turn.shown)
            reply = Reply("" if again else turn.scene(None).common("stopped"))
        person.ledger.append(Said("all", False, turn.inbound.kind, reply.text))
        return reply
    if word == "help":
        if person.stopped or not turn.shown.dialog:
            return Reply(turn.scene(None).common("help"))
        turn.shown.lead = "common:help"
        return course.show(turn)
    lead = ""
    if word == "start" and person.stopped:
        person.stopped, lead = False, "common:back_again"
        person.changed.add("stopped")
        person.ledger.append(Said("all", True, turn.inbound.kind, turn.scene(None).text(lead)))
        if progress.wants_messages(person):
            progress.keep_number(turn)
        if person.fields.get("reminders") == "yes":
            progress.look_again(turn)
    if word == "menu":
        return course.enter(turn, course.MENU)
    reply = course.start(turn)
    if lead:
        turn.shown.lead = lead
        reply = course.show(turn)
    return reply
