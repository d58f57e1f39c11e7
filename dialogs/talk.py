"""The one door into the dialogs: what phones said, in; what they get back, out.

`reply` is handed a list and a transaction that somebody else opened. It reads nothing but what `store.meet` loaded
(and, when a run begins, the finished runs of that person), lets each caller take a turn, and writes back once.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from dialogs import answering, course, progress, saving, understood
from dialogs.gsm import clean
from dialogs.inbound import Inbound, Reply, pressed
from dialogs.locale import fill, fold_word
from dialogs.place import place_of
from dialogs.showing import House, Shown
from dialogs.store import Person, RunState, SessionState, channel_kind, session_key
from dialogs.turn import Calls, Turn

log = logging.getLogger("ngazi.talk")


class Spoiled(Exception):
    """One turn of this list failed: the list is to be taken one by one, so that the failure harms one only."""


def reply(
    db: Connection, inbounds: Sequence[Inbound], people: Mapping[str, Person], house: House, now: datetime
) -> list[Reply]:
    """One reply for each inbound, in their order; all that follows from them is written.

    A failure in the engine or the content harms only its own caller, who gets the sorry screen and whose state
    stays as it was. Raises Spoiled when there are others in the list.
    """
    calls: Calls = {key: call for person in people.values() for key, call in person.sessions.items()}
    replies: list[Reply] = []
    stands: list[tuple[Shown, RunState | None]] = []
    for inbound in inbounds:
        person = people[inbound.address]
        if person.forget:
            raise Spoiled  # somebody new, from here on
        try:
            turn = Turn(house, db, now, inbound, person, calls)
            turn.alone = len(inbounds) == 1
            replies.append(take(turn))
            stands.append((turn.shown, turn.person.runs.get(turn.shown.dialog)))
        except SQLAlchemyError:
            raise  # the desk knows whether it goes well the second time
        except Exception as error:  # the others must go on; the frames tell no text
            if len(inbounds) > 1:
                raise Spoiled from None
            frames = "".join(traceback.format_tb(error.__traceback__))
            log.error("a turn failed: %s\n%s", type(error).__name__, frames)
            return [sorry(house, inbound, person)]
    saving.save(db, people.values(), house.seal, now, house.content.revision)
    return [placed(inbound, said, *there) for inbound, said, there in zip(inbounds, replies, stands, strict=True)]


def placed(inbound: Inbound, reply: Reply, shown: Shown, run: RunState | None) -> Reply:
    """The reply with the mark of its place, for buttons; made last, since a new run gets its id when it is written."""
    if inbound.kind == "ussd" or not reply.more:
        return reply
    return replace(reply, place=place_of(shown, run.id if run is not None else shown.run))


def sorry(house: House, inbound: Inbound, person: Person | None = None) -> Reply:
    """The last screen when something of ours failed; nothing was taken in, and the place is kept."""
    return closing(house, "sorry_error", person, chat=channel_kind(inbound) == "bot")


def busy(house: House) -> Reply:
    """The screen for a crowd or a database that is away. Always the last one of a call."""
    return closing(house, "busy")


def closing(house: House, key: str, person: Person | None = None, *, chat: bool = False) -> Reply:
    """A common text that ends a call, in the person's language where it is known."""
    language = house.language(person.language if person else "")
    said = house.content.text(f"common:{key}", language.code, chat=chat)
    return Reply(fill(said, house.outside(person.country if person else "")))


def take(turn: Turn) -> Reply:
    """The reply to this inbound."""
    progress.keep_number_at_last(turn)
    place = (turn.inbound.channel, session_key(turn.inbound, turn.person.id))
    known = turn.calls.get(place)
    if known is not None and known.contact_id != turn.person.id:
        return turn.closing("not_yours")  # a session belongs to the number that began it
    if turn.inbound.kind != "ussd":
        return take_message(turn, place, known)
    if known is None:
        return begin(turn, place)
    turn.session, turn.shown = known, Shown.of(known.shown)
    typed = typed_now(turn)
    return course.again(turn) if typed is None or known.ended else answering.answer(turn, typed)


def typed_now(turn: Turn) -> str | None:
    """What was typed since the last screen; None for a repeat, or for what does not go on from there."""
    text, consumed = turn.inbound.text, turn.session.consumed
    if not turn.inbound.whole:
        number = turn_of(turn.inbound)
        if number and number <= consumed:
            return None  # the provider brings the same turn again
        turn.session.consumed, turn.session.changed = number or consumed + 1, True
        return text
    if len(text) <= consumed:
        return None
    if consumed == 0 and not text.startswith("*"):
        rest = text
    elif text[consumed] == "*":
        rest = text[consumed + 1 :]
    else:
        return None
    turn.session.consumed, turn.session.changed = len(text), True
    return rest


def turn_of(inbound: Inbound) -> int:
    """The provider's number of this turn, where it counts them (Hubtel's Sequence); 0 where it does not."""
    return int(inbound.turn) if inbound.turn.isascii() and inbound.turn.isdigit() and len(inbound.turn) < 9 else 0


def begin(turn: Turn, place: tuple[str, str]) -> Reply:
    """The first screen of a call: where the person stopped, or the menu, or the welcome."""
    open_call(turn, place)
    turn.first = True
    text = turn.inbound.text
    turn.session.consumed = len(text) if turn.inbound.whole else turn_of(turn.inbound)
    if text and turn.person.consent:
        fed = feed(turn, text.split("*"))
        if fed is not None:
            return fed
    return course.start(turn)


def open_call(turn: Turn, place: tuple[str, str]) -> None:
    """A new session of this person; what earlier calls were not to leave behind goes."""
    turn.session = SessionState(*place, turn.person.id, changed=True)
    turn.calls[place] = turn.person.sessions[place] = turn.session
    for run in list(turn.person.runs.values()):
        dialog = turn.content.dialogs.get(run.dialog)
        if dialog is not None and not dialog.trace:
            course.drop(turn, run)


def feed(turn: Turn, segments: list[str]) -> Reply | None:
    """Segments dialled at once, through questions that store nothing; what is beyond them is dropped."""
    reply = course.enter(turn, course.MENU)
    fed = False
    for segment in segments:
        dialog = turn.content.dialogs.get(turn.shown.dialog)
        step = dialog.step(turn.shown.step) if dialog else None
        if dialog is None or step is None or dialog.resume != "never" or step.keep != "yes":
            break
        if step.save or any(choice.done for choice in step.choices):
            break
        typed = clean(segment)
        if not (typed.isdigit() and 0 < int(typed) <= len(turn.shown.choices)) or turn.session.ended:
            break
        reply = answering.answer(turn, typed)
        fed = True
    return reply if fed else None


def take_message(turn: Turn, place: tuple[str, str], known: SessionState | None) -> Reply:
    """An SMS or a chat message: words for the service first, then an answer to what was said last."""
    text, button = turn.inbound.text, pressed(turn.inbound.text)
    word = turn.content.words.get(fold_word(clean(text)), "")
    if known is None or known.shown is None:
        open_call(turn, place)
        turn.first = True
    else:
        turn.session, turn.shown = known, Shown.of(known.shown)
        turn.session.ended, turn.wanted = False, turn.shown.wanted
    if button is None and (help := understood.at_once(turn)) is not None:
        return help
    if turn.person.stopped and word not in ("start", "help", "stop"):
        return Reply("")  # STOP holds until the person asks to come back
    if word in answering.FOR_THE_HOUSE:
        return answering.obey(turn, word)
    if turn.inbound.media and not text.strip():
        return text_only(turn)
    if not turn.shown.dialog or turn.shown.ends:
        return understood.freely(turn) or course.start(turn)
    return answering.answer(turn, text) if button is None else press_of(turn, *button)


def press_of(turn: Turn, key: str, place: str) -> Reply:
    """A button is its key where what it belongs to still stands there; an old one answers nothing that is open now."""
    if place != place_of(turn.shown, turn.shown.run):
        return course.again(turn)
    stands = turn.stands()
    if key == "0" and turn.shown.typed and stands is not None:  # written, it might be the number that was asked for
        dialog, run, standing, _ = stands
        return course.back(turn, dialog, run, standing)
    return answering.answer(turn, key)


def text_only(turn: Turn) -> Reply:
    """A kind word for a photo or a voice note, before the open question; where none is open, before the menu."""
    if not turn.shown.dialog or turn.shown.ends:
        course.start(turn)
    turn.shown.lead = "common:text_only"
    reply = course.show(turn)
    turn.shown.lead = ""  # once is enough
    turn.put(turn.shown)
    return reply
