"""What a dialog is made of: Dialog, Step, Choice, Condition, Text; and a reminder series, and the common texts.

Plain values, made by `reading` from YAML, walked by `engine.py`. Everything knows the place it came from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from dialogs.problem import At

Head = Literal["say", "ask", "check", "score", "advice", "papers", "progress"]
Confidence = Literal["a", "b", "c"]
Kind = Literal["page", "choice", "languages", "text", "number", "date", "phone"]
Keep = Literal["yes", "counts", "no"]
Resume = Literal["ask", "always", "never"]

RESERVED_DIALOGS = ("common", "reminder")  # their names begin ids of texts that are no dialog's
SWITCHES = ("conflict_zone", "mercury_ban", "evictions")
# Fields with a meaning for the machine: `store.py` keeps these elsewhere than in the table `field`.
CHANNEL_KINDS = ("ussd", "sms", "bot")  # what `channel_kind` can be; WhatsApp is a chat, so it is "bot"
KNOWN_FIELDS = (
    *("language", "consent", "country", "private_phone", "reminders", "news", "stopped", "group", "channel_kind"),
    *("reachable", "linked", *SWITCHES),
)
FOR_CHATS = "_chat"  # ends the key of a common text that is said in place of another in chats
MESSAGES = ("reminders", "news")  # yes to one of them: the number may be kept, sealed, to send to
GROUP, LEAVE_GROUPS = "group", "leave_groups"  # fields that make and end memberships; never kept as fields
LINK_CODE = "link_code"  # the code that makes a chat and a phone one person's; never kept as a field
LINKED, END_LINKS = "linked", "end_links"  # whether a phone and a chat are one person's, and what ends that
NOWHERE: At = At("", 1, 1)


@dataclass(frozen=True, slots=True)
class Text:
    """One text in the source language, under the id that its translations carry."""

    id: str
    source: str
    at: At = NOWHERE
    note: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a text that states something rests on: sources with a confidence each, and who has looked at it.

    Confidence: a = stated in the source, b = likely, c = a guess. Days are ISO; "" = nobody, never.
    """

    source: tuple[tuple[str, Confidence], ...] = ()  # ids of sources.yaml; empty: none is named
    checked_by: str = ""
    checked_on: str = ""
    expires_on: str = ""
    places: Mapping[str, At] = field(default_factory=lambda: MappingProxyType({}), compare=False, repr=False)


NO_CLAIM = Claim()


@dataclass(frozen=True, slots=True)
class Condition:
    """`<name> is [not] <a> [or <b>]`, or with no values `<name> is [not] known`."""

    name: str
    values: tuple[str, ...]
    negated: bool
    at: At = NOWHERE

    def holds(self, known: Mapping[str, str]) -> bool:
        """True if it holds for these values by name; what is not known is no value at all."""
        value = known.get(self.name, "")
        return (value in self.values if self.values else value != "") is not self.negated


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer a person may pick; its key is its place on the page."""

    id: str
    text: Text
    points: int = 0
    advice: Text | None = None
    reply: Text | None = None
    go: str = ""  # "" = as the step says
    scored: bool = True  # False: leaves score and list, as a skipped step does
    done: str = ""  # the saved date whose nearest open day this answer marks as done
    at: At = NOWHERE


@dataclass(frozen=True, slots=True)
class Band:
    """From this percentage on, `text` is the result."""

    percent: int
    text: Text
    go: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing said or asked."""

    id: str
    head: Head
    kind: Kind
    at: At = NOWHERE
    texts: tuple[Text, ...] = ()  # pages of a say, the question, the heading of an advice list
    choices: tuple[Choice, ...] = ()
    bands: tuple[Band, ...] = ()
    only_if: tuple[Condition, ...] = ()
    go: str = ""  # "" = the next step
    save: str = ""
    several: bool = False  # each date that is typed is one more, none moves
    keep: Keep = "yes"
    proof: Text | None = None
    level: str = ""
    sms: bool = False
    of: tuple[str, ...] = ()  # the dialogs (for progress also schemes) that it reads out; () = this dialog
    limit: int = 0  # at most so many open points; 0 = all
    claim: Claim = NO_CLAIM  # what it rests on, with what its dialog says filled in
    schemes: tuple[tuple[str, Confidence], ...] = ()  # "craft/module 2": what it prepares for
    note: str = ""
    origin: tuple[str, str] | None = None  # (dialog, step) that this one was taken from
    places: Mapping[str, At] = field(default_factory=lambda: MappingProxyType({}), compare=False)

    @property
    def most(self) -> int:
        """The points of the best choice."""
        return max((choice.points for choice in self.choices if choice.scored), default=0)

    def choice(self, id: str) -> Choice | None:
        """The choice with this id, or None."""
        for choice in self.choices:
            if choice.id == id:
                return choice
        return None

    @property
    def asks(self) -> bool:
        """True if a person must pick or write something."""
        return self.kind != "page"

    @property
    def erases(self) -> bool:
        """True if an answer erases its own trail, so that it may be asked on every channel."""
        return any(choice.go == "forget" for choice in self.choices)

    def texts_of(self) -> tuple[Text, ...]:
        """Every text of this step that a translator sees; none for a step taken `from` another."""
        if self.origin is not None:
            return ()
        found = list(self.texts)
        for choice in self.choices:
            found += [text for text in (choice.text, choice.advice, choice.reply) if text is not None]
        found += [band.text for band in self.bands]
        if self.proof is not None:
            found.append(self.proof)
        return tuple({text.id: text for text in found if not text.id.startswith("common:")}.values())


@dataclass(frozen=True, slots=True)
class Dialog:
    """One YAML file: the steps in order, and what happens at its edges."""

    id: str
    title: Text
    steps: tuple[Step, ...]
    at: At = NOWHERE
    resume: Resume = "ask"
    forget_after: int = 30  # days
    then: str = "end"
    moved: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    trace: bool = True  # False: nothing of a run outlives the session
    about: str = ""
    claim: Claim = NO_CLAIM
    index: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    broken: bool = False  # the file could not be read; it counts as known all the same
    places: Mapping[str, At] = field(default_factory=lambda: MappingProxyType({}), compare=False)

    def step(self, id: str) -> Step | None:
        """The step with this id, or None."""
        place = self.index.get(id)
        return None if place is None else self.steps[place]


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of a series: so many days from the date counted from (before is negative)."""

    name: str
    days: int
    say: Text
    open: Text | None = None
    at: At = NOWHERE
    time: str = ""  # its own time of day; "" = that of the series


@dataclass(frozen=True, slots=True)
class Silence:
    """What the officer of the group gets when nothing was heard after so many reminders of one date."""

    after: int
    officer: Text
    at: At = NOWHERE


@dataclass(frozen=True, slots=True)
class Series:
    """One reminder series. It goes to whom all its conditions hold for."""

    id: str
    title: Text
    moments: tuple[Moment, ...]
    at: At = NOWHERE
    count_from: str = ""
    every: tuple[int, str] | None = None  # (3, "weeks"); then its only moment is on the day
    time: str = "16:30"
    broken: bool = False
    conditions: tuple[Condition, ...] = ()  # `only if`, judged by the fields of the person
    silent: Silence | None = None
    claim: Claim = NO_CLAIM

    def careful(self) -> tuple[Text, ...]:
        """The texts that may be read by others than the one they are for."""
        found = [moment.say for moment in self.moments]
        return tuple(found if self.silent is None else [*found, self.silent.officer])

    def texts_of(self) -> tuple[Text, ...]:
        """Every text that a translator sees."""
        found = [self.title]
        for moment in self.moments:
            found += [moment.say] if moment.open is None else [moment.say, moment.open]
        return tuple(found if self.silent is None else [*found, self.silent.officer])


@dataclass(frozen=True, slots=True)
class Common:
    """`common.yaml`: the source language, facts, switches, the words people send, the common texts."""

    language: str = "en"
    facts: Mapping[str, str | Mapping[str, str]] = field(default_factory=dict)
    switches: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    words: Mapping[str, Text] = field(default_factory=dict)
    texts: Mapping[str, Text] = field(default_factory=dict)
    discreet: Text | None = None  # words that careful texts do without, with blanks between them
    at: At = NOWHERE
    places: Mapping[str, At] = field(default_factory=dict)

    def fact(self, name: str, country: str) -> str:
        """The fact for a country of two letters, or for all; "" where there is none."""
        value = self.facts.get(name, "")
        return value if isinstance(value, str) else value.get(country, value.get("otherwise", ""))
