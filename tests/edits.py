"""A content that tests edit while people are in it: plain values, written out as YAML files.

Every question is known by a number that its text says, `Question 12?`, whatever name its step has by now; every choice
says its own id. So a screen tells what was asked, and the test knows what the key meant.
"""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, field
from pathlib import Path

from dialogs.check.catalogue import BASE

KINDS = ("ask", "check", "say", "number", "text", "date", "counts", "secret")
WORDS = ("red", "blue", "green", "white")
HEAD = 'msgid ""\nmsgstr ""\n"X-Name: Kiswahili\\n"\n"X-Status: live\\n"\n'


@dataclass
class Asked:
    """One step. `number` is the question it asks, for ever."""

    name: str
    number: int
    kind: str = "ask"
    choices: tuple[str, ...] = ("red", "blue")
    points: int = 0
    only_if: str = ""
    taken: str = ""  # "one/q3": from another dialog

    def lines(self) -> list[str]:
        """The step as it stands in the file."""
        said = [f"  {self.name}:"]
        if self.only_if:
            said.append(f"    only if: {self.only_if}")
        if self.taken:
            return [*said, f"    from: {self.taken}"]
        if self.kind == "say":
            return [*said, f"    say: Question {self.number} is a page."]
        if self.kind in ("number", "text", "date"):
            return [
                *said,
                f"    ask: Question {self.number}?",
                f"    as: {self.kind}",
                f"    save: field_{self.number}",
            ]
        if self.kind == "check":
            return [*said, f"    check: Question {self.number}?", "    advice: Do it.", f"    points: {self.points}"]
        if self.kind in ("counts", "secret"):
            keep = "no" if self.kind == "secret" else "counts"
            return [*said, f"    check: Question {self.number}?", "    advice: Do it.", f"    keep: {keep}"]
        said += [f"    ask: Question {self.number}?", "    choices:"]
        return said + [f"      {choice}: Is {choice}" for choice in self.choices]


@dataclass
class Talk:
    """One dialog."""

    name: str
    steps: list[Asked]
    moved: dict[str, str] = field(default_factory=dict)
    resume: str = "ask"
    result: bool = True

    def text(self) -> str:
        """The file."""
        said = [f"title: Dialog {self.name}", "source: own", f"resume: {self.resume}", "then: /menu"]
        if self.moved:
            said += ["moved:", *(f"  {old}: {new}" for old, new in self.moved.items())]
        said.append("steps:")
        for step in self.steps:
            said += step.lines()
        said += ["  result:", "    score:", '      0%: "Points {points} of {max}."']
        return "\n".join([*said, "  list:", '    advice: "Open:"', ""])

    def step(self, number: int) -> Asked | None:
        """The step that asks this question now."""
        return next((step for step in self.steps if step.number == number and not step.taken), None)


class Book:
    """All dialogs, the numbers given so far, and the edits that an editor makes."""

    def __init__(self, rng: random.Random, folder: Path) -> None:
        self.rng, self.folder, self.numbers, self.times = rng, folder, 0, 0
        self.points = [1 << place for place in range(9)]
        self.talks: dict[str, Talk] = {}
        self.swahili = True
        for name in ("one", "two", "three"):
            self.talks[name] = Talk(name, [self.new() for _ in range(rng.randint(3, 5))])
        self.talks["three"].resume = rng.choice(["always", "never", "ask"])
        self.link()

    def new(self) -> Asked:
        """A question that was never there."""
        self.numbers += 1
        kind = self.rng.choice(KINDS)
        if kind == "check" and not self.points:
            kind = "ask"
        points = self.points.pop() if kind == "check" else 0
        return Asked(f"q{self.numbers}", self.numbers, kind, tuple(self.rng.sample(WORDS, 3)), points)

    def link(self, talk: Talk | None = None) -> None:
        """A question of another dialog, taken once more."""
        here, there = self.rng.sample(sorted(self.talks), 2)
        found = [step for step in self.talks[there].steps if not step.taken]
        if found:
            step = self.rng.choice(found)
            self.numbers += 1
            place = self.rng.randint(0, len(self.talks[here].steps))
            self.talks[here].steps.insert(
                place, Asked(f"q{self.numbers}", step.number, step.kind, taken=f"{there}/{step.name}")
            )

    def edit(self) -> str:
        """One edit; gives its name."""
        talk = self.talks[self.rng.choice(sorted(self.talks))]
        how = self.rng.choice([*self.EDITS])
        getattr(self, how)(talk)
        self.mend()
        return how

    EDITS = (
        "insert", "insert", "remove", "remove", "rename", "rename", "reorder", "choices", "kind", "condition", "score",
        "link", "unlink", "vanish", "language", "resume",
    )  # fmt: skip

    def insert(self, talk: Talk) -> None:
        talk.steps.insert(self.rng.randint(0, len(talk.steps)), self.new())

    def remove(self, talk: Talk) -> None:
        if len(talk.steps) > 1:
            talk.steps.pop(self.rng.randrange(len(talk.steps)))

    def rename(self, talk: Talk) -> None:
        """With its line under `moved`."""
        step = self.rng.choice(talk.steps)
        old, step.name = step.name, f"{step.name.split('_')[0]}_{self.times}"
        talk.moved = {was: step.name if now == old else now for was, now in talk.moved.items()} | {old: step.name}
        for other in self.talks.values():
            for each in other.steps:
                if each.taken == f"{talk.name}/{old}":
                    each.taken = f"{talk.name}/{step.name}"

    def reorder(self, talk: Talk) -> None:
        self.rng.shuffle(talk.steps)

    def choices(self, talk: Talk) -> None:
        for step in talk.steps:
            if step.kind == "ask" and not step.taken:
                step.choices = tuple(self.rng.sample(WORDS, self.rng.randint(2, 4)))

    def kind(self, talk: Talk) -> None:
        step = self.rng.choice(talk.steps)
        if not step.taken:
            step.kind, step.points = self.rng.choice([kind for kind in KINDS if kind != "check"]), 0

    def condition(self, talk: Talk) -> None:
        step = self.rng.choice(talk.steps)
        step.only_if = self.rng.choice(["", "country is KE", "country is not KE", "language is en"])

    def score(self, talk: Talk) -> None:
        for step in talk.steps:
            if step.kind == "check" and not step.taken:
                step.points = self.points.pop() if self.points else step.points

    def unlink(self, talk: Talk) -> None:
        """The question is written out under a name of its own: it is another one now."""
        for place, step in enumerate(talk.steps):
            if step.taken:
                talk.steps[place] = self.new()

    def vanish(self, talk: Talk) -> None:
        """A dialog is gone, or the ones that were gone come back."""
        if len(self.talks) == 3:
            del self.talks[talk.name]
        for name in ("one", "two", "three"):
            if name not in self.talks and len(self.talks) < 2:
                self.talks[name] = Talk(name, [self.new() for _ in range(3)])

    def language(self, talk: Talk) -> None:
        self.swahili = not self.swahili

    def resume(self, talk: Talk) -> None:
        talk.resume = self.rng.choice(["ask", "always", "never"])

    def mend(self) -> None:
        """What an editor is told by the check: a question that is taken must be there; renamed names must lead on."""
        if len(self.talks) < 3 and self.rng.random() < 0.3:
            for name in ("one", "two", "three"):
                self.talks.setdefault(name, Talk(name, [self.new() for _ in range(3)]))
        written = {f"{talk.name}/{step.name}" for talk in self.talks.values() for step in talk.steps if not step.taken}
        for talk in self.talks.values():
            talk.steps = [step for step in talk.steps if not step.taken or step.taken in written] or [self.new()]
            names = {step.name for step in talk.steps}
            talk.moved = {old: new for old, new in talk.moved.items() if new in names and old not in names}

    def write(self) -> None:
        """All files, as they are now."""
        self.times += 1
        files = dict(BASE)
        del (
            files["content/dialogs/quiz.yaml"],
            files["content/dialogs/audit.yaml"],
            files["content/reminders/audit.yaml"],
        )
        names = sorted(self.talks)
        menu = ["title: Main menu", "steps:", "  home:", "    ask: Choose a number", "    choices:"]
        menu += [f"      {name}: Dialog {name}" for name in (*names, "language")]
        menu += ["    go:", *(f"      {name}: /{name}" for name in names), "      language: /hello", ""]
        files["content/dialogs/menu.yaml"] = "\n".join(menu).replace("steps:", "resume: never\nsteps:", 1)
        files["content/dialogs/hello.yaml"] = files["content/dialogs/hello.yaml"].replace(
            "then:", "resume: never\nthen:"
        )
        files |= {f"content/dialogs/{name}.yaml": talk.text() for name, talk in self.talks.items()}
        if self.swahili:
            files["content/locale/sw.po"] = HEAD.replace("live", "draft") + self.translations()
        for path in [*self.folder.rglob("*.yaml"), *self.folder.rglob("*.po")]:
            if f"content/{path.relative_to(self.folder).as_posix()}" not in files:
                path.unlink()
        for name, text in files.items():
            path = self.folder.parent / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            os.utime(path, ns=(self.times, self.times))

    def translations(self) -> str:
        """Every question in another language."""
        said = []
        for talk in self.talks.values():
            for step in talk.steps:
                if not step.taken and step.kind != "say":
                    key = "check" if step.kind in ("check", "counts", "secret") else "ask"
                    id, number = f"{talk.name}:{step.name}.{key}", step.number
                    said.append(f'\nmsgctxt "{id}"\nmsgid "Question {number}?"\nmsgstr "Swali {number}?"\n')
        return "".join(said)
