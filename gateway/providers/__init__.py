"""Companies that carry our texts. A file in this folder is one, and its name the scheme of a channel's URL.

Each file has `connect(channel, public_url) -> Provider`. Nothing else in the gateway knows a provider's name.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, Protocol

from starlette.responses import Response
from starlette.types import Scope

from dialogs.inbound import Inbound, Reply
from gateway.forms import Form

if TYPE_CHECKING:
    from gateway.channels import Channel

Callback = Literal["ussd", "ussd-end", "sms", "delivery", "optout"]
"""What a provider calls us about: the last part of the callback's address."""
Status = Literal["sending", "sent", "delivered", "failed", "unknown"]
Remedy = Literal["", "later", "bad", "stopped", "halt", "pause"]
Ending = Literal["done", "left", "failed"]
Fate = Literal["sent", "delivered", "failed", "refused", "again", "unknown"]
CALL_LASTS = 15.0  # seconds that one call to a provider may take, connecting and all; leases are longer
LONGEST_TOKEN = 128  # letters of a provider's id of a session or a message; they send about 40


class Unreadable(ValueError):
    """What came is not what this provider sends; the text says what is wrong, without numbers or texts."""


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What became of a message. Reports come twice, late and in any order: states only move forward.

    `status` unknown means a word that we do not know: it is stored and moves nothing. `word` and `reason` are
    the provider's own. `remedy` says what to do: try again `later`, the number is `bad`, the person has
    `stopped`, `halt` the broadcast, `pause` the channel.
    """

    channel: str
    provider_id: str
    status: Status
    word: str
    reason: str = ""
    remedy: Remedy = ""
    cost: str = ""
    raw: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))  # without numbers and texts


@dataclass(frozen=True, slots=True)
class OptOut:
    """A person told the provider to stop our messages; `sender` is the name they were stopped for."""

    channel: str
    address: str
    sender: str = ""


@dataclass(frozen=True, slots=True)
class Ended:
    """A USSD session is over: `done` (we ended it), `left` (hung up, too slow, out of reach) or `failed`."""

    channel: str
    session: str
    how: Ending
    reason: str = ""
    cost: str = ""


News = Inbound | DeliveryReport | OptOut | Ended


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to be handed over now. `id` is ours, of the message row; `to` is +E.164, or whatsapp:+E.164.

    `reference` is the same for the same message for ever, where a provider can use it against a second copy.
    `lasts` is how many seconds the text stays useful. `template`: WhatsApp's 24 hours are over. `place` is "" where the
    text can have no buttons; else its last lines are `choices` choices and the keys 9 and 0 (`dialogs.inbound.parted`),
    and `choose` is the word on a button that opens a list of them.
    """

    id: int
    to: str = field(repr=False)
    text: str = field(repr=False)
    reference: str = ""
    lasts: int = 0
    template: bool = False
    choices: int = 0
    place: str = ""
    choose: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the provider said of one message.

    `status`: sent (taken, not yet delivered) or delivered; failed or refused: it did not go and never will; again: it
    surely did not go and may be tried later, after `wait` seconds where the provider named them; unknown: it may have
    gone, and nobody can tell. `word`, `reason`, `remedy` as in DeliveryReport.
    """

    id: int
    status: Fate
    provider_id: str = ""
    word: str = ""
    reason: str = ""
    remedy: Remedy = ""
    cost: str = ""
    wait: float = 0.0


@dataclass(frozen=True, slots=True)
class Carriage:
    """How a provider takes messages: at most `most` in one call, all with one text if `alike`; `calls` at once;
    `rate` messages a second where the channel's own `rate` does not say. `longest`: letters of one text."""

    most: int = 1
    alike: bool = False
    calls: int = 4
    rate: float = 10.0
    longest: int = 1600


class Provider(Protocol):
    """One company that carries our texts, for one channel. Only `send` may wait for anything."""

    @property
    def carriage(self) -> Carriage:
        """How it takes messages."""

    def send(self, messages: Sequence[Outgoing]) -> list[Outcome]:
        """Hand these over in one call, and say what became of each. Blocks for at most CALL_LASTS seconds; called from
        several threads at once. Never raises for what the provider or the network does: that is an Outcome."""

    @property
    def callbacks(self) -> frozenset[str]:
        """What it may call us about."""

    @property
    def methods(self) -> frozenset[str]:
        """How it calls us: POST, perhaps GET."""

    @property
    def json(self) -> bool:
        """Whether it may send JSON as well as forms: `read` gets it laid flat, by dotted names."""

    @property
    def paths(self) -> bool:
        """Whether its addresses may go on after the callback's name: `ussd/session/7/start` has the fields `path.0`
        (session), `path.1` (7) and `path.2` (start)."""

    def trusts(self, scope: Scope, body: bytes, form: Form) -> bool:
        """Whether this call is really the provider's, beyond the secret in the address. Never raises."""

    def read(self, callback: str, form: Form) -> Sequence[News]:
        """What it says; empty if it is nothing for us. Raises Unreadable."""

    def write(self, reply: Reply | None, inbound: Inbound | None) -> Response:
        """The answer it expects: the screen for a USSD inbound, else that we have what it said."""


def names() -> tuple[str, ...]:
    """The providers there are, by the names of their files."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def connect(channel: Channel, public_url: str = "") -> Provider:
    """The provider that carries this channel. Raises SettingsError, KeyError for an unknown name."""
    if channel.provider not in names():
        raise KeyError(channel.provider)
    provider: Provider = import_module(f"{__name__}.{channel.provider}").connect(channel, public_url)
    return provider


def rates(channels: Mapping[str, Channel], public_url: str = "") -> dict[str, float]:
    """Messages a second that each channel may send. Raises SettingsError."""
    return {name: channel.rate or connect(channel, public_url).carriage.rate for name, channel in channels.items()}


def token(form: Form, *fields: str) -> str:
    """The first of these fields that holds an id. Raises Unreadable if there is none, or a senseless one."""
    found = next((form[name] for name in fields if form.get(name)), "")
    if not found:
        raise Unreadable(f"{fields[0]} is missing")
    if len(found) > LONGEST_TOKEN or not found.isprintable():
        raise Unreadable(f"{fields[0]} is no id")
    return found


def clean(text: str) -> str:
    """The text without NUL, which PostgreSQL cannot keep."""
    return text.replace("\0", "") if "\0" in text else text


def brief(form: Form, *fields: str) -> Mapping[str, str]:
    """These fields of a form, cut short, to be kept with a delivery report."""
    return MappingProxyType({name: clean(form[name])[:LONGEST_TOKEN] for name in fields if name in form})
