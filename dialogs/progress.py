"""What an answer changes: the run, the fields, the tallies, and the same question in other dialogs."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from dialogs import dates, engine, store
from dialogs.engine import COUNTED, GIVEN, SEEN, Entry
from dialogs.script import END_LINKS, GROUP, LEAVE_GROUPS, LINK_CODE, LINKED, MESSAGES, Dialog, Step
from dialogs.showing import House
from dialogs.store import Person, RunState, Said

if TYPE_CHECKING:
    from dialogs.turn import Turn


def fields_of(house: House, person: Person) -> dict[str, str]:
    """All that is known of a person by name, with the facts and switches of the country."""
    known = dict(house.outside(person.country))
    known |= person.fields
    known |= {name: on for name, on in person.dues.items() if name in house.dates()}
    if person.groups:
        known[GROUP] = ", ".join(person.groups)
    known["stopped"] = "yes" if person.stopped else "no"
    known["language"] = person.language
    known["country"] = person.country
    known["consent"] = "yes" if person.consent else ""
    if person.private_phone is not None:
        known["private_phone"] = "yes" if person.private_phone else "no"
    return known


def begin(turn: Turn, dialog: Dialog) -> RunState:
    """A new run; the first time it has the answers that shared questions got elsewhere."""
    person, now = turn.person, turn.now
    lowest = min((run.id for run in person.runs.values()), default=0)
    closed = min((run.id for run in person.closed_runs), default=0)
    run = RunState(dialog.id, [], now, now, id=min(lowest, closed, 0) - 1, changed=True)
    if dialog.resume != "never":  # what is no progress asks each time
        run.answers = prefilled(turn, dialog)
    person.runs[dialog.id] = run
    return run


def empty(turn: Turn, run: RunState) -> None:
    """Start this run again from its first question."""
    run.answers = [entry for entry in run.answers if entry[1] == COUNTED]
    run.before = {}
    run.started_at = run.updated_at = turn.now
    run.changed = True


def prefilled(turn: Turn, dialog: Dialog) -> list[Entry]:
    """Answers to questions of this dialog that were given in another, if younger than that one's `forget after`.

    Who has finished this dialog before is asked afresh: starting again is for seeing what has changed.
    """
    related = {
        place: [other for other in places if other[0] != dialog.id]
        for step in dialog.steps
        for place, places in [(step.id, same_question(turn, dialog, step))]
    }
    names = sorted({other for places in related.values() for other, _ in places})
    if not names:
        return []
    past = store.past_runs(turn.db, turn.person.id)
    if dialog.id in past:
        return []
    sources: dict[str, list[Entry]] = {}
    for name in names:
        oldest = turn.now - timedelta(days=turn.content.dialogs[name].forget_after)
        run = turn.person.runs.get(name)
        if run is not None and run.updated_at >= oldest:
            sources[name] = run.answers
        elif name in past and past[name][1] >= oldest:
            sources[name] = past[name][0]
    entries: list[Entry] = []
    for step_id, places in related.items():
        for name, other in places:
            moved = turn.content.dialogs[name].moved
            found = [value for step, value in sources.get(name, ()) if moved.get(step, step) == other]
            given = [value for value in found if value != COUNTED]
            if given:  # the newest counts, and a mark of counting goes along
                entries += [(step_id, COUNTED)] if COUNTED in found else []
                entries.append((step_id, given[-1]))
                break
    return entries


def fill_gaps(turn: Turn) -> None:
    """Answers that are there now to questions which other dialogs ask too go into their open runs, where they lack."""
    for run in turn.person.runs.values():
        dialog = turn.content.dialogs.get(run.dialog)
        if dialog is not None and dialog.resume != "never":
            grown = engine.filled(dialog.moved, run.answers, prefilled(turn, dialog))
            if len(grown) > len(run.answers):
                run.answers, run.changed = grown, True


def same_question(turn: Turn, dialog: Dialog, step: Step) -> list[tuple[str, str]]:
    """Every (dialog, step) that asks what this step asks, itself too; none for a question asked once only."""
    origin = step.origin or (dialog.id, step.id)
    taken = turn.content.shared.get(origin)
    return [origin, *taken] if taken else []


def enter(turn: Turn, dialog: Dialog, run: RunState, step: Step, value: str) -> None:
    """Write an answer into the run, and all that follows from it."""
    person = turn.person
    kept, before = GIVEN if step.kind == "phone" else value, run.answers
    choice = step.choice(value)
    asked = turn.walk(dialog, run).known.get(choice.done, "") if choice is not None and choice.done else ""
    if step.keep == "counts" and value != SEEN and not engine.counted(dialog, run.answers, step):
        person.counts.append((*(step.origin or (dialog.id, step.id)), value))
    if step.keep == "counts" and value == SEEN:  # only said, on a channel where it is not asked
        run.answers = [*run.answers, (step.id, SEEN)]
    else:
        run.answers = engine.answer(dialog, run.answers, step, kept)
    run.changed, run.updated_at = True, turn.now
    if step.asks and step.keep == "yes":
        if dialog.trace and (dialog.resume != "never" or step.save):  # where a menu led to is nobody's progress
            run.fresh.append((step.id, GIVEN if step.save == GROUP else kept))
        if step.save:
            save(turn, run, step, value)
        if choice is not None and choice.done:
            mark_done(turn, run, choice.done, asked)
    turn.answered(dialog, run, step, before, SEEN if step.keep != "yes" else kept)
    for name, other in same_question(turn, dialog, step):
        there = person.runs.get(name)
        if there is not None and there is not run and name != dialog.id:
            share(turn.content.dialogs[name], there, other, run.answers, step)


def share(dialog: Dialog, there: RunState, step_id: str, answers: list[Entry], step: Step) -> None:
    """Enter the newest answer to a shared question in another dialog's open run; a mark of counting goes in once."""
    if (step.id, COUNTED) in answers and (step_id, COUNTED) not in there.answers:
        there.answers = [*there.answers, (step_id, COUNTED)]
    value = next(value for id, value in reversed(answers) if id == step.id and value != COUNTED)
    there.answers = engine.shared_into(dialog, there.answers, step_id, value)
    there.changed = True


def save(turn: Turn, run: RunState, step: Step, value: str) -> None:
    """Keep an answer on the contact. Some names have a meaning for the house."""
    person, name = turn.person, step.save
    note(turn, step, value)
    run.before = {name: turn.fields().get(name, "")} | run.before
    person.saves += 1
    if name == "language":
        person.language = value
        person.changed.add("language")
    elif name == "consent":
        person.consent = value == "yes"
        person.changed.add("consent")
    elif name == "private_phone":
        person.private_phone = value == "yes"
        person.changed.add("private_phone")
    elif step.kind == "date":
        if step.several:
            dates.add(person.dates, name, value, turn.today)
        else:
            dates.move(person.dates, name, value)
        store.show_nearest(person, name, turn.today)
    elif name == GROUP:  # `answering.join` found it
        person.groups = [value, *(each for each in person.groups or () if each != value)]
    elif name == LEAVE_GROUPS:
        if value == "yes":
            run.before = {GROUP: turn.fields().get(GROUP, "")} | run.before
            person.groups, person.leaves = [], True
            person.joins.clear()
    elif name == END_LINKS:
        if value == "yes":
            run.before = {LINKED: turn.fields().get(LINKED, "")} | run.before
            turn.end_links()
    elif name != LINK_CODE:  # `answering.link` used it
        if step.kind == "phone":
            sealed = turn.house.seal.seal(value, "field", str(person.id))
            value = f"sealed:{turn.house.seal.key_id}:{sealed.hex()}"
        person.fields[name] = value
        person.changed.add(f"field:{name}")
    if name in MESSAGES:
        ask_for_messages(turn, value == "yes")
        if name == "reminders" and value == "yes":
            look_again(turn)


def note(turn: Turn, step: Step, value: str) -> None:
    """What a person agrees to or takes back goes into the ledger with the words of the question, said again or not."""
    name = step.save
    if value in ("yes", "no") and (name in ("consent", *MESSAGES) or name.endswith("_reminders")):
        wording = turn.scene(None).text(step.texts[0].id) if step.texts else ""
        turn.person.ledger.append(Said(name, value == "yes", turn.inbound.kind, wording))


def ask_for_messages(turn: Turn, wanted: bool) -> None:
    """The number is sealed from when messages of any kind are asked for, and no longer. Asking ends a STOP."""
    person = turn.person
    if not wanted:
        if not wants_messages(person):
            person.seal, person.unseal = "", True
        return
    keep_number(turn)
    if person.stopped:
        person.stopped = False
        person.changed.add("stopped")


def keep_number(turn: Turn) -> None:
    """Seal the number that is heard, to send messages to; of a web chat there is none."""
    turn.person.unseal = False
    turn.person.seal = turn.inbound.address if store.has_number(turn.inbound.address) else ""


def keep_number_at_last(turn: Turn) -> None:
    """Who asked for messages in a chat is sent them from when their phone is heard."""
    person = turn.person
    if person.stopped or person.sealed or person.seal or not (person.consent and wants_messages(person)):
        return
    if store.has_number(turn.inbound.address) and not store.keeps_number(turn.db, person.id):
        keep_number(turn)


def wants_messages(person: Person) -> bool:
    """True for who said yes to reminders or to news."""
    return any(person.fields.get(name) == "yes" for name in MESSAGES)


def look_again(turn: Turn) -> None:
    """From now on reminders count: every open date is looked at."""
    for each in turn.person.dates:
        each.changed = True


def mark_done(turn: Turn, run: RunState, name: str, on: str) -> None:
    """The date of this name that was asked about is done. In this run it stays known as it was."""
    person = turn.person
    run.before = {name: turn.fields().get(name, "")} | run.before
    dates.finish(person.dates, name, on, turn.today)
    store.show_nearest(person, name, turn.today)
    person.saves += 1
