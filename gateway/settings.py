"""What an operator sets, in environment variables: one entry in `Settings` each.

`docs/settings.md` is made from them by `settings_page.py`.
"""

from __future__ import annotations

import difflib
import hashlib
import hmac
import ipaddress
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, get_type_hints
from urllib.parse import urlsplit

from dialogs.freetext import THRESHOLD
from dialogs.seal import SHORTEST
from gateway import setting_values as values
from gateway.channels import Channel as Channel
from gateway.channels import SettingsError as SettingsError
from gateway.channels import read_channels

SIMULATED = "sim=simulator://@?code=*384*77%23"
SAFE_SECRET = 16  # letters that the secret in a callback's address should have at least


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its variable, what reads it (raises ValueError), its line in the docs, its default.

    `without` tells in the docs what happens without it, where that is more than a default.
    """

    name: str
    read: Callable[[str], object]
    doc: str
    default: str = ""
    without: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything an operator may set. Made by `Settings.read`."""

    data: Annotated[
        Path,
        Setting(
            "NGAZI_DATA",
            values.folder,
            "Folder for what the gateway makes itself: the SQLite file, the secret key.",
            default="./data",
        ),
    ]
    database_url: Annotated[
        str,
        Setting(
            "NGAZI_DATABASE_URL",
            values.database_url,
            "The database: `sqlite:////var/lib/ngazi/ngazi.db`, or `postgresql://user:password@host/name` "
            "for several processes.",
            without="a SQLite file in `NGAZI_DATA`",
        ),
    ] = field(repr=False)
    channels: Annotated[
        Mapping[str, Channel],
        Setting(
            "NGAZI_CHANNELS",
            read_channels,
            "The ways to reach phones, with blanks between them; see below.",
            default=SIMULATED,
            without="a simulated phone",
        ),
    ]
    secret_key: Annotated[
        str,
        Setting(
            "NGAZI_SECRET_KEY",
            str,
            f"Locks phone numbers: at least {SHORTEST} letters, for life, kept apart from the backups.",
            without="with a simulated phone made once, in `secret.key` in `NGAZI_DATA`; else needed",
        ),
    ] = field(repr=False)
    public_url: Annotated[
        str,
        Setting(
            "NGAZI_PUBLIC_URL",
            values.public_url,
            "How providers and people reach this gateway: `https://ngazi.example.org`. Needed for Twilio.",
        ),
    ]
    content: Annotated[
        Path,
        Setting(
            "NGAZI_CONTENT",
            values.content,
            "Folder of the dialogs and translations.",
            without="`./content`, else what came with the program",
        ),
    ]
    drafts: Annotated[
        bool,
        Setting(
            "NGAZI_DRAFTS",
            values.drafts,
            "`show` offers languages whose translation is a draft too, `hide` does not.",
            default="hide",
        ),
    ]
    host: Annotated[
        str,
        Setting(
            "NGAZI_HOST",
            str,
            "Address to listen on; `0.0.0.0` is all of them. A proxy with TLS stands in front.",
            default="127.0.0.1",
        ),
    ]
    port: Annotated[int, Setting("NGAZI_PORT", values.number(0, 65535), "Port to listen on.", default="8000")]
    desk_list: Annotated[
        int,
        Setting(
            "NGAZI_DESK_LIST",
            values.number(1, 1000),
            "How many callbacks share one transaction at most; 1 is for measuring what sharing is worth.",
            default="128",
        ),
    ]
    sends: Annotated[
        bool,
        Setting(
            "NGAZI_SENDING",
            values.sends,
            "`here`: the gateway also sends what waits. `elsewhere`: only `ngazi work` does.",
            default="here",
        ),
    ]
    sweep_days: Annotated[
        int,
        Setting(
            "NGAZI_SWEEP_DAYS",
            values.number(1, 3650),
            "Days after which texts of messages and shown screens are dropped; counts remain.",
            default="90",
        ),
    ]
    approve_above: Annotated[
        int,
        Setting(
            "NGAZI_APPROVE_ABOVE",
            values.number(0, 100_000_000),
            "A broadcast to more people than this needs a second person's approval.",
            default="0",
            without="`0`: one person is enough",
        ),
    ]
    chat: Annotated[
        bool,
        Setting("NGAZI_CHAT", values.on, "`on`: people can chat on a page of the gateway, at `/chat`.", default="off"),
    ]
    chat_origins: Annotated[
        tuple[str, ...],
        Setting(
            "NGAZI_CHAT_ORIGINS",
            values.origins,
            "The sites that may show the chat within their pages, with blanks between them: "
            "`https://www.example.org https://*.example.com`.",
            without="the chat is a page of its own only",
        ),
    ]
    rasa_url: Annotated[
        str,
        Setting(
            "NGAZI_RASA_URL",
            values.rasa_url,
            "Where Rasa tells what free text means: `http://127.0.0.1:5005`. It gets texts of people: `https://` for "
            "another machine.",
            without="free text is answered by the words in it",
        ),
    ]
    rasa_token: Annotated[
        str,
        Setting(
            "NGAZI_RASA_TOKEN",
            values.token,
            "A word that only Rasa and the gateway know: Rasa's `--auth-token`, and the `token` of its "
            "`action_endpoint`, which is the gateway's `/rasa/webhook`.",
            without="Rasa is asked without one, and `/rasa/webhook` is not there",
        ),
    ] = field(repr=False)
    rasa_threshold: Annotated[
        float,
        Setting(
            "NGAZI_RASA_THRESHOLD",
            values.share,
            "How sure Rasa has to be of a meaning, from 0 to 1; below it, it counts as not understood.",
            default=str(THRESHOLD),
        ),
    ]
    notices: tuple[str, ...] = ()
    """What the operator should be told at the start."""

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Settings:
        """The settings in force. Raises SettingsError. Makes the data folder, and the key of a simulator."""
        found: dict[str, Any] = {}
        for field_name, setting in declared().items():
            try:
                written = environ.get(setting.name, "").strip() or setting.default
                found[field_name] = setting.read(written)
            except ValueError as error:
                raise SettingsError(f"{setting.name} {error}.") from None
        notices = _strangers(environ)
        data: Path = found["data"]
        _make_folder(data)
        found["database_url"] = found["database_url"] or f"sqlite:///{data}/ngazi.db"
        found["secret_key"] = _secret_key(found["secret_key"], data, _simulated(found["channels"]), notices)
        found["channels"] = _with_secrets(found["channels"], found["secret_key"], notices)
        notices += _overheard(found["rasa_url"])
        if 0 < len(found["rasa_token"]) < SAFE_SECRET:
            notices.append("NGAZI_RASA_TOKEN is short enough to be guessed.")
        return cls(**found, notices=tuple(notices))

    @property
    def simulated(self) -> bool:
        """Whether the phones are simulated (then all of them are)."""
        return _simulated(self.channels)


@cache
def declared() -> Mapping[str, Setting]:
    """The settings by the names of their fields."""
    hints = get_type_hints(Settings, include_extras=True)
    return {name: hint.__metadata__[0] for name, hint in hints.items() if hasattr(hint, "__metadata__")}


def _simulated(channels: Mapping[str, Channel]) -> bool:
    return any(channel.provider == "simulator" for channel in channels.values())


def _strangers(environ: Mapping[str, str]) -> list[str]:
    """A word on each variable that looks like a setting and is none: most often a slip of the pen."""
    known = [setting.name for setting in declared().values()]
    told = []
    for name in sorted(environ):
        if name.startswith("NGAZI_") and name not in known:
            near = difflib.get_close_matches(name, known, 1)
            told.append(f"{name} is no setting." + (f" Did you mean {near[0]}?" if near else ""))
    return told


def _overheard(rasa_url: str) -> list[str]:
    """A word on an address at which texts of people can be read on their way."""
    parts = urlsplit(rasa_url)
    host = parts.hostname or "localhost"
    try:
        here = ipaddress.ip_address(host).is_loopback
    except ValueError:
        here = host == "localhost" or host.endswith(".localhost")
    if here or parts.scheme == "https":
        return []
    return ["NGAZI_RASA_URL: texts of people go to another machine, and anybody on the way can read them. Use https."]


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"NGAZI_DATA: the folder {folder} cannot be made: {error.strerror}.") from None


def _secret_key(given: str, data: Path, simulated: bool, notices: list[str]) -> str:
    """The key that was set, else that in the data folder, else, for a simulated gateway, a new one there."""
    file = data / "secret.key"
    try:
        if not given and not file.exists() and simulated:
            with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as new:
                new.write(secrets.token_urlsafe(SHORTEST) + "\n")
            notices.append(f"Made a secret key in {file}. Keep a copy of it, apart from the backups.")
        key = given or (file.read_text().strip() if file.exists() else "")
    except OSError as error:
        raise SettingsError(f"NGAZI_SECRET_KEY: {file} cannot be used: {error.strerror}.") from None
    if not key:
        raise SettingsError(f"NGAZI_SECRET_KEY is missing: at least {SHORTEST} letters, to lock phone numbers.")
    if len(key) < SHORTEST:
        raise SettingsError(f"NGAZI_SECRET_KEY is too short: {len(key)} letters, at least {SHORTEST} are needed.")
    return key


def _with_secrets(channels: Mapping[str, Channel], key: str, notices: list[str]) -> Mapping[str, Channel]:
    """Every channel with a secret: a simulated one gets it from the secret key, so it stays the same."""
    whole = {}
    for name, channel in channels.items():
        if not channel.secrets and channel.provider != "simulator":
            raise SettingsError(f"NGAZI_CHANNELS: channel {name} needs secret=, a part of its address nobody guesses.")
        made = hmac.digest(key.encode(), f"callbacks of {name}".encode(), hashlib.sha256).hex()[:24]
        whole[name] = channel if channel.secrets else channel.with_secrets(made)
        if min(map(len, whole[name].secrets)) < SAFE_SECRET:
            notices.append(f"NGAZI_CHANNELS: the secret of channel {name} is short enough to be guessed.")
    return MappingProxyType(whole)
