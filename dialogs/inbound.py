"""What a phone said (Inbound) and what it gets back (Reply), whatever the provider calls it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

Kind = Literal["ussd", "sms", "bot"]
NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Inbound:
    """What a phone said.

    `address` is E.164 with a plus, or `whatsapp:+...`, or `chat:<random id>`.
    `text` is what was typed now; with `whole` it is everything typed so far in the session, joined by `*`
    (Africa's Talking). `session` is the provider's, "" for SMS. `turn` is the provider's number of this turn.
    `echo` holds fields that the provider wants back with the answer. `meaning` is what an assistant made of the text,
    an intent of `answers.yaml`, if it is sure enough; "" otherwise, and by USSD always.
    """

    channel: str
    kind: Kind
    address: str
    text: str
    session: str
    provider_id: str
    whole: bool = False
    turn: str = ""
    echo: Mapping[str, str] = field(default_factory=lambda: NOTHING, compare=False, repr=False)
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """A screen for the phone: `text` holds everything shown, `choices` the words of the choices on it.

    `more` says that the person may answer (CON, not END). An empty `text` means that nothing is sent. `fleeting`: it
    belongs to a dialog that leaves no trace, so nothing is to be left of a message with it once that has gone.
    """

    text: str
    choices: tuple[str, ...] = ()
    more: bool = False
    fleeting: bool = False
