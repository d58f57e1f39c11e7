"""Rehearsals: a call written down as screens and answers, which editors can read, and how to play one.

    # A worker at a tin site
    phone +255700000001
    dials *384*77#
    > Choose your language
    > 1. English
    < 1
    > ...
    hangs up
    waits 3 days
    texts MENU
    > ...
    chats 1
    > ...

`>` is a line of the screen, `<` what is typed; `(ends)` after a screen says that nothing more can be typed.
`phone` names who goes on; several phones may take turns. `chats` writes in a chat of their own.
A line that begins with `#` is a note.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

SAYING = {"phone": "use", "dials": "dial", "texts": "text", "chats": "chat"}
UNITS = {"minute": 60, "minutes": 60, "hour": 3600, "hours": 3600, "day": 86400, "days": 86400}
ENDS = "(ends)"
NOTHING = "(nothing)"


@dataclass(frozen=True, slots=True)
class Screen:
    """What a phone shows: the text, and whether something may be typed."""

    text: str
    more: bool


class Phone(Protocol):
    """A phone to rehearse on: over the callback route in tests, in the process for an editor."""

    def use(self, number: str) -> None:
        """Go on with this phone number."""

    def dial(self, code: str) -> Screen:
        """A new call."""

    def type(self, text: str) -> Screen:
        """An answer in the call."""

    def again(self) -> Screen:
        """The provider repeats its last callback."""

    def hang_up(self) -> None:
        """The call is over."""

    def text(self, text: str) -> Screen:
        """An SMS to the service, and the SMS that comes back; empty where none does."""

    def chat(self, text: str) -> Screen:
        """A message in this person's chat, and what comes back."""

    def wait(self, seconds: int) -> None:
        """Time passes."""


@dataclass(frozen=True, slots=True)
class Act:
    """One line of a transcript that does something; `expects` are the lines of the screen written after it."""

    line: int
    verb: str
    what: str
    expects: tuple[str, ...] = ()


class Unclear(ValueError):
    """A line of the transcript that cannot be played; says which and why."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A screen that came out otherwise than written."""

    line: int
    act: str
    expected: tuple[str, ...]
    shown: tuple[str, ...]

    def __str__(self) -> str:
        wanted = "\n".join(f"  > {line}" for line in self.expected)
        got = "\n".join(f"  > {line}" for line in self.shown)
        return f"line {self.line}, after “{self.act}”, expected\n{wanted}\nbut the phone shows\n{got}"


def read(transcript: str) -> list[Act]:
    """The acts of a transcript. Raises Unclear."""
    acts: list[Act] = []
    expects: list[str] = []

    def close() -> None:
        if expects and acts:
            last = acts[-1]
            acts[-1] = Act(last.line, last.verb, last.what, tuple(expects))
        expects.clear()

    for number, raw in enumerate(transcript.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith(">") or line in (ENDS, NOTHING):
            if not acts:
                raise Unclear(f"line {number}: a screen before anybody dialled")
            expects.append(line if line in (ENDS, NOTHING) else line[1:].removeprefix(" "))
            continue
        close()
        acts.append(_act(number, line))
    close()
    return acts


def _act(number: int, line: str) -> Act:
    if line.startswith("<"):
        return Act(number, "type", line[1:].strip())
    verb, _, what = line.partition(" ")
    if line == "hangs up":
        return Act(number, "hang up", "")
    if line == "again":
        return Act(number, "again", "")
    if verb == "waits":
        count, _, unit = what.partition(" ")
        if not count.isdigit() or unit not in UNITS:
            raise Unclear(f"line {number}: write “waits 3 days”, “waits 10 minutes” or “waits 2 hours”")
        return Act(number, "wait", str(int(count) * UNITS[unit]))
    if verb in SAYING:
        return Act(number, SAYING[verb], what.strip())
    raise Unclear(
        f"line {number}: “{line}” is none of: phone +…, dials …, < …, > …, texts …, chats …, hangs up, again, waits …, "
        "# …"
    )


def lines_of(screen: Screen) -> tuple[str, ...]:
    """A screen as a transcript writes it."""
    if not screen.text:
        return (NOTHING,)
    lines = tuple(line.rstrip() for line in screen.text.split("\n"))
    return lines if screen.more else (*lines, ENDS)


def play(acts: Sequence[Act], phone: Phone) -> tuple[list[Difference], dict[int, tuple[str, ...]]]:
    """Play the acts. Gives the screens that differ, and every screen by the line of the act it followed."""
    differences: list[Difference] = []
    shown: dict[int, tuple[str, ...]] = {}
    for act in acts:
        screen = _do(act, phone)
        if screen is None:
            continue
        shown[act.line] = lines_of(screen)
        if shown[act.line] != act.expects:
            said = f"{act.verb} {act.what}".strip()
            differences.append(Difference(act.line, said, act.expects, shown[act.line]))
    return differences, shown


def _do(act: Act, phone: Phone) -> Screen | None:
    match act.verb:
        case "use":
            phone.use(act.what)
        case "hang up":
            phone.hang_up()
        case "wait":
            phone.wait(int(act.what))
        case "dial":
            return phone.dial(act.what)
        case "text":
            return phone.text(act.what)
        case "chat":
            return phone.chat(act.what)
        case "again":
            return phone.again()
        case _:
            return phone.type(act.what)
    return None


def rewritten(transcript: str, shown: dict[int, tuple[str, ...]]) -> str:
    """The transcript with the screens that came out; notes, acts and empty lines stay where they are."""
    written: list[str] = []
    for number, raw in enumerate(transcript.splitlines(), 1):
        line = raw.strip()
        if line.startswith(">") or line in (ENDS, NOTHING):
            continue
        written.append(raw)
        written += [each if each in (ENDS, NOTHING) else f"> {each}".rstrip() for each in shown.get(number, ())]
    return "\n".join(written) + "\n"
