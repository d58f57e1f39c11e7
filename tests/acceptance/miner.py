"""A person who goes through the starter questions, and keeps a list of what must be remembered of it."""

from __future__ import annotations

import json
from random import Random

from dialogs.content import Content
from dialogs.engine import COUNTED, SEEN
from dialogs.script import Step
from dialogs.seal import Seal
from tests.acceptance.look import look, look_for_one
from tests.acceptance.server import SECRET_KEY, NoAnswer, Phone, Screen, Server

DIALOG = "starter"
MENU, RESUME = "the menu", "the question whether to go on"
seal = Seal(SECRET_KEY)


class Miner:
    """Answers at random. After a call was cut it dials again, and sees that it stands where it must.

    `kept` are the answers that are kept, as (step, choice), in the order of giving: those that were acknowledged,
    and of the callbacks that nobody answered those after which the next call went on behind the question.
    """

    def __init__(self, server: Server, number: str, content: Content, seed: int) -> None:
        self.phone, self.content, self.random = Phone(server, number), content, Random(seed)
        self.dialog = content.dialogs[DIALOG]
        self.screen: Screen | None = None
        self.place = MENU  # what the phone showed last: the id of a step, or MENU; "" for a page of advice
        self.doubt: str | None = None  # what was typed when the server went away
        self.kept: list[tuple[str, str]] = []
        self.lost = self.found = 0  # callbacks without an answer that had not counted, and that had

    def step(self) -> None:
        """One callback: dial, or type something sensible. Raises NoAnswer."""
        if self.screen is None:
            self.dial_again()
            return
        place, key = self.place, self.key()
        try:
            screen = self.phone.type(key)
        except NoAnswer:
            self.screen, self.doubt = None, key
            raise
        self.note(place, key)
        self.show(screen)

    def cut(self) -> None:
        """The call is gone, while no callback was on its way."""
        self.screen = None

    def key(self) -> str:
        """What is typed on this screen."""
        assert self.screen is not None
        if self.place == MENU:
            return self.screen.key_of(self.content.text("menu:home.choices.ready", "en")) or "1"
        step = self.dialog.step(self.place)
        return self.random.choice(self.screen.keys) if step is not None and step.asks else "1"

    def note(self, place: str, key: str) -> None:
        """An answer has counted."""
        step = self.dialog.step(place)
        if step is not None and step.asks and step.keep == "yes":
            self.kept.append((place, step.choices[int(key) - 1].id))

    def show(self, screen: Screen) -> None:
        assert screen.more, screen.text
        self.screen, self.place = screen, self.place_of(screen)

    def dial_again(self) -> None:
        """Call, go on, and see that it is the same place again, or the one behind an answer that had counted."""
        screen = self.phone.dial()
        if self.place_of(screen) == RESUME:
            screen = self.phone.type("1")
        self.find_place(screen)

    def find_place(self, screen: Screen) -> None:
        """See that this screen, the first of a new call, is where this person must stand."""
        before, doubt, self.doubt = self.place, self.doubt, None
        now = self.place_of(screen)
        moved = self.order(now) != self.order(before)
        if before == "":  # a page of advice: behind an unkept question, or in the list at the end
            assert now not in ("", "role", "mineral"), screen.text
        elif doubt is None:
            assert not moved or (before, now) == ("welcome", MENU), (before, now)  # nothing was read yet
        elif moved:
            expected = self.order(now) > self.order(before) or (before, now) == ("welcome", MENU) or before == "steps"
            assert expected, (before, now)
            self.note(before, doubt)
        if doubt is not None:
            self.found, self.lost = self.found + moved, self.lost + (not moved)
        self.show(screen)

    def order(self, place: str) -> int:
        """How far into the dialog a place is."""
        return self.dialog.index.get(place, -1)

    def place_of(self, screen: Screen) -> str:
        """The step that this screen shows; "" for advice that is read out."""
        shown = screen.text
        if shown.startswith(self.content.text("menu:home.ask", "en")):
            return MENU
        if shown.startswith(self.content.text("common:resume", "en").partition("{")[0]):
            return RESUME
        for step in self.dialog.steps:
            if step.id not in ("saf3_banned", "lic1_evictions") and self.shows(step, shown):
                return step.id
        return ""

    def shows(self, step: Step, shown: str) -> bool:
        texts = [*step.texts, *(band.text for band in step.bands)]
        return any(self.content.text(each.id, "en") in shown for each in texts)


class Memory:
    """What the database remembers of a miner."""

    def __init__(self, database_url: str, miner: Miner) -> None:
        of = "FROM run JOIN address ON address.contact_id = run.contact_id"
        only = "WHERE address.key = :key AND run.dialog = :dialog"
        answers = f"SELECT step, choice {of} JOIN answer ON answer.run_id = run.id {only} ORDER BY answer.id"
        runs = f"SELECT answers, finished_at {of} {only} ORDER BY run.id"
        key = seal.key("tel", miner.phone.number)
        self.answers = look(database_url, answers, key=key, dialog=DIALOG)
        found = look(database_url, runs, key=key, dialog=DIALOG)
        self.runs = [[(step, choice) for step, choice in json.loads(entries)] for entries, _ in found]
        self.open = sum(finished_at is None for _, finished_at in found)

    def check(self, miner: Miner) -> None:
        """Every answer that counted is there once, in its order, in the runs and for the reports."""
        in_runs = [entry for run in self.runs for entry in run if entry[1] not in (SEEN, COUNTED)]
        assert self.answers == miner.kept
        assert in_runs == miner.kept
        assert self.open <= 1
        for run in self.runs:
            assert len(set(run)) == len(run), "an entry stands twice in a run"

    @property
    def counted(self) -> int:
        """How many answers this person's runs gave to the tallies."""
        return sum(choice == COUNTED for run in self.runs for _, choice in run)


def tallied(database_url: str) -> int:
    """All answers in the tallies."""
    return int(look_for_one(database_url, "SELECT coalesce(sum(n), 0) FROM tally WHERE group_id = 0"))
