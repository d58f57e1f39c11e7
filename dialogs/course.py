"""How a person goes through dialogs: into one, on to what follows, a screen back, and what the phone shows then."""

from __future__ import annotations

from datetime import timedelta

from dialogs import dates, engine, progress, store
from dialogs.engine import END, Standing
from dialogs.inbound import Reply
from dialogs.script import Dialog, Step
from dialogs.showing import ASIDE, RESUME, RESUME_CHOICES, Shown, is_typed, step_parts, title_of
from dialogs.store import RunState
from dialogs.turn import Turn

HELLO, MENU = "hello", "menu"
LAST_PAGE = 99  # more than a step has; `show` takes the last one there is
MOST_HANDOVERS = 8  # for one input, then the menu


def start(turn: Turn) -> Reply:
    """Where somebody who just dialled goes."""
    if not turn.person.consent:
        return enter(turn, HELLO)
    run = half_done(turn)
    if run is None:
        return enter(turn, MENU)
    if turn.content.dialogs[run.dialog].resume == "always":
        return enter(turn, run.dialog)
    turn.shown = Shown(run.dialog, run.id, RESUME, first=turn.first)
    return show(turn)


def half_done(turn: Turn) -> RunState | None:
    """The run to go on with: open, begun, not too old, of a dialog that may be resumed; the newest."""
    found = []
    for run in turn.person.runs.values():
        dialog = turn.content.dialogs.get(run.dialog)
        if dialog is None or dialog.resume == "never" or too_old(turn, run, dialog):
            continue
        standing = turn.walk(dialog, run)
        if standing.used and standing.step is not None:
            found.append(run)
    return max(found, key=lambda run: (run.updated_at, len(run.answers), run.dialog), default=None)


def enter(turn: Turn, dialog_id: str, lead: str = "") -> Reply:
    """Go into a dialog at the place where this person stands in it."""
    return go_on(turn, *run_of(turn, dialog_id), lead)


def run_of(turn: Turn, dialog_id: str) -> tuple[Dialog, RunState]:
    """The open run of a dialog, or a new one. Without consent there is only the welcome."""
    if not turn.person.consent or dialog_id not in turn.content.dialogs:
        dialog_id = HELLO if not turn.person.consent else MENU
    dialog = turn.content.dialogs[dialog_id]
    run = turn.person.runs.get(dialog_id)
    if run is None:
        return dialog, progress.begin(turn, dialog)
    if dialog.resume == "never" or too_old(turn, run, dialog):
        progress.empty(turn, run)
    return dialog, run


def too_old(turn: Turn, run: RunState, dialog: Dialog) -> bool:
    """True if this half-done run is past its `forget after`."""
    return run.updated_at < turn.now - timedelta(days=dialog.forget_after)


def go_on(turn: Turn, dialog: Dialog, run: RunState, lead: str = "") -> Reply:
    """What follows in this dialog, or in the ones that it hands over to."""
    for _ in range(MOST_HANDOVERS):
        standing = turn.walk(dialog, run)
        if standing.step is not None:
            turn.put(Shown(dialog.id, run.id, standing.step.id, lead=lead, first=turn.first))
            return show(turn)
        finish(turn, dialog, run, standing)
        if not standing.target.startswith("/"):
            return turn.close("goodbye", lead)
        dialog, run = run_of(turn, _wanted(turn, standing.target[1:]))
    if dialog.id != MENU:
        dialog, run = run_of(turn, MENU)
    standing = turn.walk(dialog, run)
    if standing.step is None:
        return turn.close("goodbye", lead)
    turn.put(Shown(dialog.id, run.id, standing.step.id, lead=lead, first=turn.first))
    return show(turn)


def _wanted(turn: Turn, target: str) -> str:
    """The menu gives way, once, to what somebody asked for before they had agreed."""
    if target != MENU or not turn.wanted or not turn.person.consent:
        return target
    wanted, turn.wanted = turn.wanted, ""
    return wanted


def finish(turn: Turn, dialog: Dialog, run: RunState, standing: Standing) -> None:
    """Close a run. One of `resume: never` is emptied and stays open: it is no progress."""
    run.points, run.most, run.changed = standing.points, standing.most, True
    if not dialog.trace:
        drop(turn, run)
    elif dialog.resume == "never":
        progress.empty(turn, run)
    else:
        run.finished_at = run.updated_at = turn.now
        turn.person.closed_runs.append(turn.person.runs.pop(dialog.id))


def drop(turn: Turn, run: RunState) -> None:
    """A run that leaves no trace."""
    turn.person.runs.pop(run.dialog, None)
    if run.id > 0:
        turn.person.dropped_runs.append(run.id)


def back(turn: Turn, dialog: Dialog, run: RunState, standing: Standing) -> Reply:
    """The screen before: a page back, an answer back, or out of the dialog by its `then`."""
    shown = turn.shown
    if shown.page > 0:
        shown.page -= 1
        return show(turn)
    if shown.first:
        return again(turn)
    fewer = engine.back(run.answers, standing)
    if fewer is None:
        return enter(turn, dialog.then[1:]) if dialog.then.startswith("/") else again(turn)
    taken, value = run.answers[standing.used[-1]]
    step = dialog.step(dialog.moved.get(taken, taken))
    if step is not None and step.several:  # another day instead, not one more
        dates.take_back(turn.person.dates, step.save, value)
        store.show_nearest(turn.person, step.save, turn.today)
        turn.person.saves += 1
    run.answers, run.changed, run.updated_at = fewer, True, turn.now
    before = turn.walk(dialog, run).step
    if before is None or before.kind != "page":
        return go_on(turn, dialog, run)
    turn.put(Shown(dialog.id, run.id, before.id, LAST_PAGE))
    return show(turn)


def sorry(turn: Turn, key: str) -> Reply:
    """What was expected, and the same screen."""
    turn.shown.lead, turn.shown.page = f"common:{key}", 0
    return show(turn)


def moved_on(turn: Turn) -> Reply:
    """The run does not stand at what the phone showed: nothing is stored, the new screen is shown."""
    dialog_id = turn.shown.dialog
    return enter(turn, dialog_id) if dialog_id in turn.person.runs else start(turn)


def again(turn: Turn) -> Reply:
    """The same screen once more, from `shown`; no side effect."""
    if turn.shown.say and turn.shown.ends:
        return turn.closing(turn.shown.say, turn.shown.lead)
    return show(turn)


def show(turn: Turn) -> Reply:
    """The screen for `shown`; a dialog that ends with it is closed."""
    shown = turn.shown
    if shown.ends and shown.dialog:
        return show_last(turn)
    if shown.say:
        return show_question(turn, shown.say, ("yes", "no"), ("yes", "no"))
    if shown.step == RESUME:
        run = turn.person.runs.get(shown.dialog)
        if run is None or run.id != shown.run or shown.dialog not in turn.content.dialogs:
            return start(turn)
        title = title_of(turn.scene(None), turn.content.dialogs[shown.dialog])
        return show_question(turn, "resume", tuple(RESUME_CHOICES), tuple(RESUME_CHOICES.values()), title=title)
    place = turn.stands()
    if place is None:
        return moved_on(turn)
    dialog, run, standing, step = place
    if shown.page == ASIDE:
        return aside(turn, dialog, run, step, lead=shown.lead)
    pages, ids = turn.pages_of(dialog, standing, step)
    shown.page = min(shown.page, len(pages) - 1)
    page = pages[shown.page]
    shown.choices = [ids[place] for place in page.choices]
    shown.typed = is_typed(step, turn.inbound)
    shown.keep = "" if step.keep == "yes" or not step.asks else step.keep
    if page.ends:
        shown.ends = True
        run.answers, run.changed = engine.answer(dialog, run.answers, step, engine.SEEN), True
        finish(turn, dialog, run, turn.walk(dialog, run))
        turn.session.ended = True
    turn.put(shown)
    return turn.reply(page)


def show_last(turn: Turn) -> Reply:
    """A last screen again: its run is closed by now, so its answers are read, without the mark of the last page."""
    shown = turn.shown
    dialog = turn.content.dialogs.get(shown.dialog)
    step = dialog.step(shown.step) if dialog else None
    if dialog is None or step is None or step.kind != "page":
        return turn.closing("goodbye")
    answers, before = store.closed_run(turn.db, turn.person.id, shown.run)
    if answers and answers[-1] == (step.id, engine.SEEN):
        answers.pop()
    turn.look_up(dialog)
    known = engine.outside(turn.fields(), before)
    standing = engine.walk(dialog, answers, known)
    if standing.step is not step:
        standing = Standing(step, END)
    scene = turn.scene(standing).of(step)
    parts, *_ = step_parts(scene, step, standing)
    pages = scene.pages(turn.lead(), parts, (), back=True, ends=True, typed=False)
    return turn.reply(pages[min(shown.page, len(pages) - 1)])


def show_question(turn: Turn, key: str, ids: tuple[str, ...], words: tuple[str, ...], **values: str) -> Reply:
    """A question of the house itself, from the common texts."""
    scene = turn.scene(None)
    texts = tuple(scene.common(word) for word in words)
    pages = scene.pages(turn.lead(), (scene.common(key, **values),), texts, back=False, ends=False, typed=False)
    turn.shown.page = min(turn.shown.page, len(pages) - 1)
    page = pages[turn.shown.page]
    turn.shown.choices = [ids[place] for place in page.choices]
    turn.put(turn.shown)
    return turn.reply(page)


def aside(
    turn: Turn, dialog: Dialog, run: RunState, step: Step, said: str = "common:private_done", lead: str = ""
) -> Reply:
    """The page after an unkept answer. What is remembered of it is the same whatever the answer was."""
    turn.put(Shown(dialog.id, run.id, step.id, ASIDE, lead=lead))
    scene = turn.scene(None)
    return turn.reply(scene.pages(turn.lead(), (scene.text(said),), (), back=True, ends=False, typed=False)[0])
