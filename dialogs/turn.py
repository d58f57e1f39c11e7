"""One caller's turn: what a phone said, who it is, what stands on the phone, and the texts to show it with.

The state that `talk.py`, `answering.py` and `course.py` work on; all in memory, `store.save` writes it.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from dialogs import engine, kept, linking, progress, store
from dialogs.belongings import groups_of
from dialogs.content import Content
from dialogs.engine import COUNTED, Answers, Entry, Standing
from dialogs.inbound import Inbound, Reply
from dialogs.overview import Overview, Went
from dialogs.screen import Page
from dialogs.script import END_LINKS, LEAVE_GROUPS, LINKED, MESSAGES, Dialog, Step
from dialogs.showing import ASIDE, House, Scene, Shown, step_parts
from dialogs.store import Person, RunState, SessionState

Calls = dict[tuple[str, str], SessionState]


class NotAlone(Exception):
    """This turn makes two people one, or one several, so it is taken in a list of its own."""


class Turn:
    """One inbound of one person in one session."""

    def __init__(
        self, house: House, db: Connection, now: datetime, inbound: Inbound, person: Person, calls: Calls
    ) -> None:
        self.house, self.db, self.now, self.inbound, self.person, self.calls = house, db, now, inbound, person, calls
        self.content: Content = house.content
        self.session = SessionState(inbound.channel, "", person.id)
        self.shown = Shown()
        self.today = now.date().isoformat()  # UTC
        self.first = False
        self.alone = True  # in its list; else others of the list may be the same person
        self.wanted = ""  # the dialog that somebody asked for before the welcome was over
        self._walked: dict[str, tuple[list[Entry], int, Standing]] = {}
        self._fields: tuple[int, dict[str, str]] | None = None
        self._phone: bool | None = None  # of somebody in a chat: a phone that messages may go to; None: not looked up
        self._linked: bool | None = None  # None: not looked up

    def stands(self) -> tuple[Dialog, RunState, Standing, Step] | None:
        """The dialog, run and step of what is shown, if the run still stands there; else None."""
        shown = self.shown
        dialog, run = self.content.dialogs.get(shown.dialog), self.person.runs.get(shown.dialog)
        if dialog is None or run is None or run.id != shown.run:
            return None
        standing = self.walk(dialog, run)
        if shown.page == ASIDE:
            step = dialog.step(shown.step)
            return (dialog, run, standing, step) if step else None
        if standing.step is None or standing.step.id != shown.step:
            return None
        return dialog, run, standing, standing.step

    def pages_of(self, dialog: Dialog, standing: Standing, step: Step) -> tuple[tuple[Page, ...], tuple[str, ...]]:
        """The pages of a step, and the ids of all its choices."""
        scene = self.scene(standing).of(step)
        parts, ids, texts, typed = step_parts(scene, step, standing)
        run = self.person.runs[dialog.id]
        ends = self.house.may_end(dialog) and engine.leads_to_end(dialog, run.answers, standing, self.known(run))
        back = (
            not self.shown.first
            and bool(standing.used or dialog.then.startswith("/"))
            and not self.held_at_welcome(standing)
        )
        return scene.pages(self.lead(), parts, texts, back=back, ends=ends, typed=typed), ids

    def held_at_welcome(self, standing: Standing) -> bool:
        """True at the first question for somebody who has not agreed yet: there is nothing to go back to."""
        return not standing.used and not self.person.consent

    def lead(self) -> str:
        """What is read out first."""
        if not self.shown.lead:
            return ""
        try:
            return "\n".join(self.scene(None).text(id) for id in self.shown.lead.split())
        except KeyError:
            return ""  # an edit took the text away

    def close(self, key: str, lead: str = "") -> Reply:
        """End the call with a common text, or with the reply alone where there is one."""
        self.put(Shown(say=key, lead=lead, ends=True))
        self.session.ended = True
        return self.closing(key, lead)

    def closing(self, key: str, lead: str = "") -> Reply:
        """The words of `close`."""
        return Reply(self.scene(None).text(lead) if lead else self.scene(None).common(key))

    def reply(self, page: Page) -> Reply:
        """A page as it goes out."""
        return Reply(page.text, tuple(self.shown.choices), not page.ends, self._fleeting())

    def _fleeting(self) -> bool:
        """True if the dialog that is shown, or the one whose words are read out first, leaves no trace."""
        names = (self.shown.dialog, self.shown.lead.partition(":")[0])
        return any((dialog := self.content.dialogs.get(name)) is not None and not dialog.trace for name in names)

    def put(self, shown: Shown) -> None:
        """Remember what the phone shows now."""
        shown.wanted = self.wanted
        self.shown, stored = shown, shown.to_json()
        if stored != self.session.shown or not self.session.written:
            self.session.shown, self.session.changed = stored, True

    def walk(self, dialog: Dialog, run: RunState) -> Standing:
        """Where the run stands; walked once for the same answers and fields. Do not change what it gives."""
        self.look_up(dialog)
        last = self._walked.get(run.dialog)
        if last is None or last[0] is not run.answers or last[1] != self.person.saves:
            standing = engine.walk(dialog, run.answers, self.known(run))
            last = self._walked[run.dialog] = (run.answers, self.person.saves, standing)
        return last[2]

    def answered(self, dialog: Dialog, run: RunState, step: Step, before: Answers, value: str) -> None:
        """The run got this answer to the step it stood at: walk on from there, not from the first step again."""
        last = self._walked.get(run.dialog)
        if last is None or last[0] is not before or step.save in (*MESSAGES, LEAVE_GROUPS, END_LINKS):
            return  # these change more than the field that they save
        standing, entries = last[2], run.answers
        kept = sum(1 for _, given in entries if given != COUNTED)
        if standing.step is step and len(standing.used) + 1 == kept:  # no other entry waits
            ahead = engine.walk_on(dialog, standing, value)
            ahead.used = [*standing.used, len(entries) - 1]
            self._walked[run.dialog] = (entries, self.person.saves, ahead)

    def look_up(self, dialog: Dialog) -> None:
        """Look up, once, the person's groups and links, if this dialog speaks of them."""
        if self.person.groups is None and self.house.names_groups(dialog):
            self.groups()
        if self._linked is None and self.house.asks_for_links(dialog):
            self._fields = None
            self._linked = self.linked

    def groups(self) -> list[str]:
        """The names of the person's groups, newest first; looked up when they are first asked for."""
        if self.person.groups is None:
            self.person.groups = groups_of(self.db, self.person.id)
            self._fields = None
        return self.person.groups

    def known(self, run: RunState) -> dict[str, str]:
        """The fields as they were before this run saved any."""
        return engine.outside(self.fields(), run.before) if run.before else self.fields()

    def fields(self) -> dict[str, str]:
        """All that is known of the person by name, and the kind of channel. Do not change it."""
        if self._fields is None or self._fields[0] != self.person.saves:
            known = progress.fields_of(self.house, self.person)
            known["channel_kind"] = store.channel_kind(self.inbound)
            known["reachable"] = "yes" if self.reachable else "no"
            if self._linked is not None:
                known[LINKED] = "yes" if self._linked else "no"
            self._fields = (self.person.saves, known)
        return self._fields[1]

    @property
    def reachable(self) -> bool:
        """True if a message could go to this person: to the number that is heard, or, for a chat that has none, to a
        phone linked to it whose owner has asked for messages."""
        if store.has_number(self.inbound.address):
            return True
        if self._phone is None:
            self._phone = store.keeps_number(self.db, self.person.id)
        return self._phone and not self.person.unseal

    @property
    def linked(self) -> bool:
        """True if a phone and a chat are this person's, unless this turn has ended that."""
        return linking.is_linked(self.db, self.person.id) if self._linked is None else self._linked

    def scene(self, standing: Standing | None) -> Scene:
        """What texts are filled with."""
        person = self.person
        language = self.house.language(person.language)
        known = standing.known if standing else {}
        return Scene(self.house, self.inbound, language, self.fields(), known, self.kept, self.overview, self.link_code)

    def overview(self) -> Overview:
        """The person's answers over all dialogs, those of finished runs too."""
        person = self.person
        by_dialog = {run.dialog: run for run in person.closed_runs}
        went = [Went(name, run.answers, False, run.updated_at) for name, run in person.runs.items()]
        went += [Went(name, run.answers, True, run.updated_at) for name, run in by_dialog.items()]
        past = store.past_runs(self.db, person.id).items()
        went += [Went(name, answers, True, at) for name, (answers, at) in past if name not in by_dialog]
        return Overview(self.content.dialogs, self.fields(), went)

    def link_code(self) -> str:
        """The code that links a chat to this person: made for this screen, and the same when it is shown again."""
        if not self.shown.nonce:
            self.shown.nonce = linking.new_code(self.db, self.house.seal, self.person.id, self.now, self.house.chance)
        return linking.code_of(self.house.seal, self.person.id, self.shown.nonce)

    def link(self, phone: int) -> None:
        """From now on this chat is the person of that phone. Nothing of this turn may have been kept before."""
        if not self.alone:
            raise NotAlone
        person, house = self.person, self.house
        linking.link(self.db, house.seal, self.content.dialogs, phone, person, self.now)
        self.calls.pop((self.session.channel, self.session.key), None)
        now = store.meet(self.db, [self.inbound], house.seal, self.now, house.country_of)[self.inbound.address]
        for name in Person.__slots__:  # whoever holds this person holds the new one
            setattr(person, name, getattr(now, name))
        place = (self.inbound.channel, store.session_key(self.inbound, person.id))
        self.session = person.sessions.get(place) or SessionState(*place, person.id)
        self.session.ended, self.session.changed = False, True
        self.calls[place] = person.sessions[place] = self.session
        self._walked, self._fields, self._phone, self._linked = {}, None, None, None
        progress.fill_gaps(self)

    def end_links(self) -> None:
        """The chats of this person are other people's from now on. Another caller of the list may be one of them."""
        if not self.alone:
            raise NotAlone
        self.person.unlinks, self._linked = True, False

    def kept(self, scene: Scene) -> str:
        """What is kept about the person, in their language."""
        self.groups()
        own = store.has_number(self.inbound.address)
        number = bool(self.person.sealed or self.person.seal) if own else self.reachable
        return kept.told(scene, self.person, number=number, linked=self.linked)
