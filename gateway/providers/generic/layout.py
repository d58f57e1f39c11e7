"""How one company writes what it sends, and what it wants to get: made from a file by `reading.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.providers import Carriage, Ending, Remedy, Status
from gateway.providers.generic.filling import Tree

Fields = tuple[str, ...]  # names of fields, of which the first that holds something counts; none: it does not exist


@dataclass(frozen=True, slots=True)
class Body:
    """A body to write: `text` or a tree for JSON, its type, and headers beside it."""

    type: str
    text: str = ""
    json: Mapping[str, Tree] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Calls:
    """USSD. `kind` is the field that tells a new call and one that is over; words are small, without blanks around.

    `whole`: the text holds everything typed so far. `dialled`: it begins with the code that was dialled. `echo`: the
    fields that the reply gives back. `more` and `last` stand where the reply has {more}; `at_end` is what is different
    in the JSON of a last screen.
    """

    session: Fields
    number: Fields
    text: Fields
    turn: Fields
    kind: Fields
    new: frozenset[str]
    ended: Mapping[str, Ending]
    ignore: frozenset[str]
    whole: bool
    dialled: bool
    reply: Body
    more: Tree
    last: Tree
    at_end: Mapping[str, Tree]
    echo: Fields


@dataclass(frozen=True, slots=True)
class Messages:
    """SMS that come in; `list` is where several lie in one call, "" if they come one by one."""

    list: str
    id: Fields
    number: Fields
    text: Fields
    time: Fields


@dataclass(frozen=True, slots=True)
class Reports:
    """Delivery reports; words as in Calls."""

    list: str
    id: Fields
    status: Fields
    reason: Fields
    cost: Fields
    words: Mapping[str, Status]
    remedies: Mapping[str, Remedy]


@dataclass(frozen=True, slots=True)
class Result:
    """What the company answers to a message that was handed over. Without `status` every 2xx means taken."""

    list: str
    number: Fields
    id: Fields
    status: Fields
    ok: frozenset[str]
    reason: Fields
    cost: Fields
    split: str
    remedies: Mapping[str, Remedy]


@dataclass(frozen=True, slots=True)
class Sending:
    """How a message is handed over; `body` is json, form or query: how `tree` is written."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: str
    tree: Tree
    carriage: Carriage
    result: Result


@dataclass(frozen=True, slots=True)
class Layout:
    """One company. What it does not do is None."""

    methods: frozenset[str]
    answer: Body
    ussd: Calls | None = None
    sms: Messages | None = None
    delivery: Reports | None = None
    send: Sending | None = None
