"""The ways to reach phones: `NGAZI_CHANNELS`, one URL each."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import unquote, urlsplit

from dialogs.screen import Room
from gateway import providers

OPTIONS: Mapping[str, str] = {
    "secret": "The unguessable part of the callbacks' address. Two at once while it is changed: `new,old`.",
    "code": "The USSD code that people dial, `#` written as `%23`.",
    "from": "What SMS are sent from: a number, a short code or a name.",
    "country": "Two letters (`KE`): whose national numbers (07...) are understood.",
    "max_septets": "Letters that a USSD screen holds, `CON ` counted within: 160; some telcos 182.",
    "max_units": "Letters that a USSD screen holds in scripts outside GSM-7: 70.",
    "strip": "On a shared code: how many first inputs belong to the code and are dropped: 0.",
    "price": "What one SMS segment costs: `0.8KES`.",
    "rate": "Messages a second that may be sent: `20`, or `0.02` for one in 50 seconds.",
    "base": "Where messages are sent instead of the provider's own address: `http://127.0.0.1:9001`, for trying out.",
    "format": "Generic: a ready company (`hubtel`, `arkesel`, `nalo`, `infobip`), or the path of a file of yours.",
    "signing_key": "Android: the key that signs what the phone posts.",
    "shared_key": "Twilio: the SharedKey that signs callbacks, if it is not the auth token.",
    "template": "Twilio: the approved WhatsApp template (`HX...`) that carries a text in its `{{1}}` after 24 hours.",
    "buttons": "Twilio: `off` sends the choices in WhatsApp as numbered lines only, without buttons and lists: `on`.",
}


class SettingsError(Exception):
    """A setting is missing or wrong; the text is one sentence that names it and holds no secret."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One configured way to reach phones: `<name>=<provider>://<user>:<key>@<host>?<options>`.

    `room` is what one USSD screen holds; `strip` how many first inputs are dropped: both from the options.
    """

    name: str
    provider: str
    user: str = ""
    key: str = field(default="", repr=False)
    host: str = ""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    options: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    room: Room = field(init=False, repr=False)
    strip: int = field(init=False, repr=False)
    rate: float = field(init=False, repr=False)  # messages a second; 0: as the provider's Carriage says

    def __post_init__(self) -> None:
        septets = self._number("max_septets", 160, 40, 182)
        units = self._number("max_units", 70, 20, 91)
        object.__setattr__(self, "room", Room(septets=septets, units=units))
        object.__setattr__(self, "strip", self._number("strip", 0, 0, 9))
        object.__setattr__(self, "rate", self._rate())

    @property
    def code(self) -> str:
        """The USSD code that people dial."""
        return self.options.get("code", "")

    @property
    def country(self) -> str:
        """Whose national numbers are understood; "" for nobody's."""
        return self.options.get("country", "").upper()

    @property
    def price(self) -> str:
        """Of one SMS segment, with its currency: 0.8KES."""
        return self.options.get("price", "")

    @property
    def base(self) -> str:
        """Where to send instead of the provider's own address; "" for there."""
        return self.options.get("base", "").rstrip("/")

    @property
    def sender(self) -> str:
        """What SMS are sent from; "" for what the provider chooses."""
        return self.options.get("from", "")

    def with_secrets(self, *secrets: str) -> Channel:
        return Channel(self.name, self.provider, self.user, self.key, self.host, secrets, self.options)

    def _rate(self) -> float:
        written = self.options.get("rate", "0")
        if not re.fullmatch(r"[0-9]{1,5}(\.[0-9]{1,4})?", written):
            mend = "is a number of messages a second, such as 20 or 0.02"
            raise SettingsError(f"NGAZI_CHANNELS: rate of channel {self.name} {mend}.")
        return float(written)

    def _number(self, option: str, default: int, least: int, most: int) -> int:
        written = self.options.get(option, str(default))
        if not written.isdecimal() or not least <= int(written) <= most:
            raise SettingsError(f"NGAZI_CHANNELS: {option} of channel {self.name} is a number from {least} to {most}.")
        return int(written)


def read_channels(written: str) -> Mapping[str, Channel]:
    """The channels by name. Raises ValueError; its text follows the name of the setting and shows no key."""
    channels: dict[str, Channel] = {}
    for part in written.split():
        channel = _read_channel(part)
        if channel.name in channels:
            raise ValueError(f"names the channel {channel.name} twice")
        channels[channel.name] = channel
    if len({channel.provider == "simulator" for channel in channels.values()}) > 1:
        raise ValueError("has a simulator next to a real channel; a simulator can play any phone number")
    return MappingProxyType(channels)


def _read_channel(part: str) -> Channel:
    name, _, url = part.partition("=")
    if "://" not in url or not re.fullmatch(r"[a-z][a-z0-9_-]{0,29}", name):
        raise ValueError("is made of name=provider://...; a name has small letters and digits")
    try:
        parts = urlsplit(url)
        user, key, host = unquote(parts.username or ""), unquote(parts.password or ""), parts.hostname or ""
    except ValueError:
        raise ValueError(f"has an address that cannot be read in channel {name}") from None
    if "#" in url:
        raise ValueError(f"has a # in channel {name}; write it as %23")
    if parts.scheme not in providers.names():
        raise ValueError(f"has no known provider in channel {name}; there are {', '.join(providers.names())}")
    options = _read_options(name, parts.query)
    found = _read_secrets(name, options.pop("secret", ""))
    return Channel(name, parts.scheme, user, key, host, found, MappingProxyType(options))


def _read_options(name: str, query: str) -> dict[str, str]:
    """The options by name. A plus is a plus here: phone numbers begin with one."""
    options: dict[str, str] = {}
    for each in filter(None, query.split("&")):
        option, _, value = each.partition("=")
        if option not in OPTIONS:
            near = difflib.get_close_matches(option, OPTIONS, 1)
            mend = f"perhaps {near[0]} was meant" if near else f"there are {', '.join(OPTIONS)}"
            raise ValueError(f"has an option that is not known in channel {name}; {mend}")
        options[option] = unquote(value)
    if not re.fullmatch(r"([A-Za-z]{2})?", options.get("country", "")):
        raise ValueError(f"needs two letters for the country of channel {name}, such as KE")
    return options


def _read_secrets(name: str, written: str) -> tuple[str, ...]:
    found = tuple(filter(None, written.split(",")))
    if not all(re.fullmatch(r"[A-Za-z0-9._~-]+", each) for each in found):
        raise ValueError(f"may have only letters, digits and - . _ ~ in the secret of channel {name}")
    return found
