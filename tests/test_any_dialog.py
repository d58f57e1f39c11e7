"""Any dialog, any keys, any edits in between: against a model that does the same in the plainest way.

Every text of these dialogs is its own id, so that a screen tells which step and which choices it shows.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from dialogs import store, talk
from dialogs.content import Content
from dialogs.database import open_engine
from dialogs.inbound import Inbound, Reply
from dialogs.locale import Language
from dialogs.screen import Room
from dialogs.script import Choice, Common, Condition, Dialog, Step, Text
from dialogs.seal import Seal
from dialogs.showing import House
from dialogs.tables import Answer, Contact, Run
from tests.phones import START, Clock

SEAL = Seal("x" * 40)
COMMON = [
    *("yes", "no", "unsure", "next", "back", "more", "menu", "sorry", "resume", "resume_on", "resume_over"),
    *("goodbye", "busy", "sorry_error", "not_yours", "bad_number", "private_done", "no_steps", "result_seen"),
    *("stopped_ussd", "months"),
]
PHONES = itertools.count(1)
NAMES = "abcdefgh"


def step(id: str, dialog: str, head: str, choices: tuple[str, ...] = (), **more: object) -> Step:
    """A step whose texts are their own ids; `go` maps choices to targets."""
    go = more.pop("go", {})
    assert isinstance(go, dict)
    made = tuple(Choice(c, Text(f"{dialog}:{id}.{c}", f"{dialog}:{id}.{c}"), go=go.get(c, "")) for c in choices)
    text = Text(f"{dialog}:{id}", f"{dialog}:{id}")
    return Step(id, head, "choice" if choices else "page", texts=(text,), choices=made, **more)  # type: ignore[arg-type]


def dialog(id: str, steps: list[Step], **more: object) -> Dialog:
    """A dialog of these steps."""
    index = {each.id: place for place, each in enumerate(steps)}
    return Dialog(id, Text(f"{id}:title", id), tuple(steps), index=index, **more)  # type: ignore[arg-type]


def content(dialogs: list[Dialog]) -> Content:
    """A content of these dialogs, a menu that leads to each, and a welcome that nobody sees."""
    ids = tuple(each.id for each in dialogs)
    menu = dialog("menu", [step("home", "menu", "ask", ids, go={id: f"/{id}" for id in ids})], resume="never")
    hello = dialog("hello", [step("hi", "hello", "say")], resume="never", then="/menu")
    every = {each.id: each for each in (*dialogs, menu, hello)}
    words = {f"common:{key}": f"common:{key}" for key in COMMON}
    words["common:months"] = " ".join("abcdefghijkl")
    for each in every.values():
        words[each.title.id] = each.title.source
        for one in each.steps:
            words |= {text.id: text.source for text in one.texts}
            words |= {choice.text.id: choice.text.source for choice in one.choices}
    english = Language("en", "English", "source")
    return Content(every, {}, Common(), {"en": english}, "0" * 12, {}, {}, {"en": words})


def random_dialog(rng: random.Random, id: str, others: list[str]) -> Dialog:
    """Rings, hubs, conditions on own fields and hand-overs."""
    count = rng.randint(1, 5)
    names = rng.sample(NAMES, count)
    steps = []
    for place, name in enumerate(names):
        targets = ["", "", *names, *(f"/{other}" for other in others), "end"]
        conditions: tuple[Condition, ...] = ()
        if place and rng.random() < 0.4:
            field = rng.choice([*names[:place], "colour"])
            conditions = (Condition(field, (rng.choice(["x", "y"]),), rng.random() < 0.5),)
        if rng.random() < 0.3:
            steps.append(step(name, id, "say", only_if=conditions))
            continue
        choices = ("x", "y", "z")[: rng.randint(2, 3)]
        go = {choice: rng.choice(targets) for choice in choices if rng.random() < 0.5}
        save = "colour" if rng.random() < 0.3 else ""
        keep = rng.choice(["yes", "yes", "yes", "no"]) if not save and not go else "yes"
        steps.append(step(name, id, "ask", choices, go=go, only_if=conditions, save=save, keep=keep))
    return dialog(id, steps, then=rng.choice(["/menu", "end"]), resume=rng.choice(["ask", "ask", "always", "never"]))


def edited(rng: random.Random, old: Dialog) -> Dialog:
    """The dialog after an edit: a question inserted, removed, moved, or its choices turned round."""
    steps = list(old.steps)
    how = rng.randrange(4)
    free = [name for name in NAMES if name not in old.index]
    if how == 0 and free:
        steps.insert(rng.randint(0, len(steps)), step(rng.choice(free), old.id, "ask", ("x", "y")))
    elif how == 1 and len(steps) > 1:
        gone = steps.pop(rng.randrange(len(steps)))
        steps = [
            dataclasses.replace(
                one, choices=tuple(dataclasses.replace(c, go="" if c.go == gone.id else c.go) for c in one.choices)
            )
            for one in steps
        ]
    elif how == 2:
        rng.shuffle(steps)
    else:
        steps = [dataclasses.replace(one, choices=tuple(reversed(one.choices))) for one in steps]
    return dialog(old.id, steps, then=old.then, resume=old.resume)


def plain_walk(played: Dialog, entries: list[list[str]], fields: dict[str, str]) -> tuple[str, str]:
    """The model of `engine.walk`: the step that stands, or "" and the target."""
    left, known, at = [list(entry) for entry in entries], dict(fields), 0
    while at < len(played.steps):
        one = played.steps[at]
        if any((known.get(c.name, "") in c.values) == c.negated for c in one.only_if):
            at += 1
            continue
        valid = {"seen"} if one.head == "say" or one.keep != "yes" else {choice.id for choice in one.choices}
        entry = next((entry for entry in left if entry[0] == one.id and entry[1] in valid), None)
        if entry is None:
            return one.id, ""
        left.remove(entry)
        go = ""
        if entry[1] != "seen":
            known[one.id] = entry[1]
            if one.save:
                known[one.save] = entry[1]
            go = next(choice.go for choice in one.choices if choice.id == entry[1])
        if not go:
            at += 1
        elif go in played.index:
            at = played.index[go]
        else:
            return "", go
    return "", played.then


class Player:
    """One contact with two phones' worth of sessions, on a real database."""

    def __init__(self, engine: Engine, dialogs: list[Dialog]) -> None:
        self.engine, self.clock = engine, Clock()
        self.number = f"+2547{next(PHONES):08}"
        self.sessions: dict[str, tuple[str, str, Reply]] = {}
        self.calls = 0
        self.ever_kept: set[str] = set()
        self.play(dialogs)
        with engine.begin() as db:
            person = store.meet(db, [self.inbound("ke", "s", "")], SEAL, START, lambda _: "KE")[self.number]
            db.execute(Contact.__table__.update().where(Contact.id == person.id).values(consent_at=START))  # type: ignore[attr-defined]
            self.id = person.id

    def play(self, dialogs: list[Dialog]) -> None:
        """From now on these dialogs are in force."""
        self.dialogs = {each.id: each for each in dialogs}
        self.house = House(content(dialogs), SEAL, lambda _: Room(), lambda _: "KE")

    def inbound(self, channel: str, session: str, text: str) -> Inbound:
        return Inbound(channel, "ussd", self.number, text, session, "", True)

    def send(self, channel: str, key: str | None) -> Reply:
        """Dial (None), or a key in the call of that channel."""
        if key is None:
            self.calls += 1
            session, typed = f"{self.number}-{self.calls}", ""
        else:
            session, typed, _ = self.sessions[channel]
            typed = f"{typed}*{key}" if typed else key
        with self.engine.begin() as db:
            inbound = self.inbound(channel, session, typed)
            people = store.meet(db, [inbound], SEAL, self.clock(), lambda _: "KE")
            (reply,) = talk.reply(db, [inbound], people, self.house, self.clock())
        self.sessions[channel] = (session, typed, reply)
        return reply

    def again(self, channel: str) -> Reply:
        """The provider repeats itself."""
        session, typed, _ = self.sessions[channel]
        with self.engine.begin() as db:
            inbound = self.inbound(channel, session, typed)
            people = store.meet(db, [inbound], SEAL, self.clock(), lambda _: "KE")
            (reply,) = talk.reply(db, [inbound], people, self.house, self.clock())
        return reply

    def stored(self) -> tuple[list[tuple[int, str, str]], list[tuple[str, list[list[str]]]]]:
        """The answers of the reports, and the entries of every run."""
        with self.engine.begin() as db:
            runs = db.execute(select(Run.dialog, Run.answers).where(Run.contact_id == self.id)).all()
            kept = db.execute(
                select(Answer.id, Answer.step, Answer.choice)
                .join(Run)
                .where(Run.contact_id == self.id)
                .order_by(Answer.id)
            ).all()
        return [(id, step, choice) for id, step, choice in kept], [
            (dialog, json.loads(answers)) for dialog, answers in runs
        ]


def on_screen(reply: Reply) -> tuple[str, dict[str, str]]:
    """The dialog:step that a screen shows, and what its keys mean."""
    shown, keys = "", {}
    for line in reply.text.split("\n"):
        key, dot, words = line.partition(". ")
        if dot and key.isdigit():
            keys[key] = words
        elif ":" in line and not line.startswith("common:"):
            shown = line
    return shown, keys


@pytest.fixture(scope="module")
def engine(empty_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """One store for all examples; each has a phone of its own."""
    path = tmp_path_factory.mktemp("any") / "any.db"
    path.write_bytes(empty_sqlite.read_bytes())
    return open_engine(f"sqlite:///{path}")


@settings(max_examples=60)
@given(st.integers(min_value=0, max_value=2**32))
def test_no_answer_is_ever_stored_under_a_step_that_was_not_on_that_phones_screen(engine: Engine, seed: int):
    rng = random.Random(seed)
    names = ["one", "two", "three"][: rng.randint(1, 3)]
    dialogs = [random_dialog(rng, name, [other for other in names if other != name]) for name in names]
    player = Player(engine, dialogs)
    for _ in range(25):
        channel = rng.choice(["ke", "tz"])
        if rng.random() < 0.15:
            place = rng.randrange(len(dialogs))
            dialogs[place] = edited(rng, dialogs[place])
            player.play(dialogs)
        if channel not in player.sessions or rng.random() < 0.15 or not player.sessions[channel][2].more:
            player.send(channel, None)
            continue
        before, _ = player.stored()
        screen = player.sessions[channel][2]
        shown, keys = on_screen(screen)
        key = rng.choice(["1", "1", "2", "3", "0", "9", "7", "", "x", "12"])
        reply = player.send(channel, key)
        assert len(reply.text) + 4 <= 160
        after, runs = player.stored()
        new = after[len(before) :]
        assert len(new) <= 1
        for _, step_id, choice in new:
            # What is new was on that screen, under that key.
            assert shown.endswith(f":{step_id}")
            assert keys[key] == f"{shown}.{choice}"
        unkept = {one.id for each in dialogs for one in each.steps if one.keep == "no"}
        kept = {one.id for each in dialogs for one in each.steps if one.keep == "yes"} | player.ever_kept
        player.ever_kept = kept
        assert not any(entry[0] in unkept - kept and entry[1] != "seen" for _, entries in runs for entry in entries)
        stands_as_the_model_says(player, reply)
        assert player.again(channel) == reply
        assert player.stored() == (after, runs)


def stands_as_the_model_says(player: Player, reply: Reply) -> None:
    """The step on the screen is where the plain model says that this run stands."""
    shown, _ = on_screen(reply)
    if not shown or not reply.more:
        return
    name, _, step_id = shown.partition(":")
    if name not in player.dialogs:
        return
    with player.engine.begin() as db:
        answers, before = db.execute(
            select(Run.answers, Run.before).where(
                Run.contact_id == player.id, Run.dialog == name, Run.finished_at.is_(None)
            )
        ).one()
        fields = store.meet(db, [player.inbound("ke", "look", "")], SEAL, START, lambda _: "KE")[player.number].fields
    entries = json.loads(answers)
    fields = {name: value for name, value in (fields | json.loads(before)).items() if value}
    assert plain_walk(player.dialogs[name], entries, fields) == (step_id, "")
