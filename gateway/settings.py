"""What an operator sets, in environment variables: one entry in `Settings` each.

`docs/settings.md` is made from them by `settings_page.py`.
"""

from __future__ import annotations

import difflib
import hashlib
import hmac
import ipaddress
import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, get_type_hints
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from dialogs.content import find_folder
from dialogs.freetext import THRESHOLD
from dialogs.seal import SHORTEST
from gateway.channels import Channel as Channel
from gateway.channels import SettingsError as SettingsError
from gateway.channels import read_channels

SIMULATED = "sim=simulator://@?code=*384*77%23"
ORIGIN = re.compile(r"https?://(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?/?", re.IGNORECASE | re.ASCII)
SAFE_SECRET = 16  # letters that the secret in a callback's address should have at least


def _number(least: int, most: int) -> Callable[[str], int]:
    def read(written: str) -> int:
        if not written.isdecimal() or not least <= int(written) <= most:
            raise ValueError(f"must be a number from {least} to {most}")
        return int(written)

    return read


def _folder(written: str) -> Path:
    return Path(written).absolute()


def _drafts(written: str) -> bool:
    if written.lower() not in ("show", "hide"):
        raise ValueError("must be show or hide")
    return written.lower() == "show"


def _sends(written: str) -> bool:
    if written.lower() not in ("here", "elsewhere"):
        raise ValueError("must be here or elsewhere")
    return written.lower() == "here"


def _database_url(written: str) -> str:
    url = re.sub(r"^postgres://", "postgresql://", written)
    try:
        backend = make_url(url).get_backend_name() if url else "sqlite"
    except ArgumentError:
        backend = ""
    if backend not in ("sqlite", "postgresql"):
        raise ValueError("must begin with sqlite:/// or postgresql://")
    return url


def _public_url(written: str) -> str:
    try:
        parts = urlsplit(written)
        whole = parts.scheme in ("http", "https") and parts.hostname and not parts.query and not parts.fragment
    except ValueError:
        whole = False
    if written and not whole:
        raise ValueError("must look like https://ngazi.example.org")
    return written.rstrip("/")


def _rasa_url(written: str) -> str:
    try:
        parts = urlsplit(written)
        whole = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        whole = False
    if written and (not whole or re.search(r"[\s?#@]", written)):
        raise ValueError("must look like http://127.0.0.1:5005, without a password or a token")
    return written.rstrip("/")


def _token(written: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._~-]*", written):  # it is part of addresses, here and in Rasa's settings
        raise ValueError("may have only letters, digits and . _ ~ -")
    return written


def _share(written: str) -> float:
    if not re.fullmatch(r"0?\.[0-9]+|[01]|1\.0+", written, re.ASCII):
        raise ValueError("must be a number from 0 to 1, such as 0.7")
    return float(written)


def _on(written: str) -> bool:
    if written.lower() not in ("on", "off"):
        raise ValueError("must be on or off")
    return written.lower() == "on"


def _origins(written: str) -> tuple[str, ...]:
    """They end up in a header, so that nothing else may stand in them."""
    for each in written.split():
        if not ORIGIN.fullmatch(each):
            raise ValueError(f"must be addresses of sites, such as https://www.example.org, not {each}")
    return tuple(each.rstrip("/").lower() for each in written.split())


def _content(written: str) -> Path:
    folder = find_folder({"NGAZI_CONTENT": written})
    if not folder.is_dir():
        raise ValueError("names a folder that is not there")
    return folder.absolute()


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
            _folder,
            "Folder for what the gateway makes itself: the SQLite file, the secret key.",
            default="./data",
        ),
    ]
    database_url: Annotated[
        str,
        Setting(
            "NGAZI_DATABASE_URL",
            _database_url,
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
            _public_url,
            "How providers and people reach this gateway: `https://ngazi.example.org`. Needed for Twilio.",
        ),
    ]
    content: Annotated[
        Path,
        Setting(
            "NGAZI_CONTENT",
            _content,
            "Folder of the dialogs and translations.",
            without="`./content`, else what came with the program",
        ),
    ]
    drafts: Annotated[
        bool,
        Setting(
            "NGAZI_DRAFTS",
            _drafts,
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
    port: Annotated[int, Setting("NGAZI_PORT", _number(0, 65535), "Port to listen on.", default="8000")]
    desk_list: Annotated[
        int,
        Setting(
            "NGAZI_DESK_LIST",
            _number(1, 1000),
            "How many callbacks share one transaction at most; 1 is for measuring what sharing is worth.",
            default="128",
        ),
    ]
    sends: Annotated[
        bool,
        Setting(
            "NGAZI_SENDING",
            _sends,
            "`here`: the gateway also sends what waits. `elsewhere`: only `ngazi work` does.",
            default="here",
        ),
    ]
    sweep_days: Annotated[
        int,
        Setting(
            "NGAZI_SWEEP_DAYS",
            _number(1, 3650),
            "Days after which texts of messages and shown screens are dropped; counts remain.",
            default="90",
        ),
    ]
    approve_above: Annotated[
        int,
        Setting(
            "NGAZI_APPROVE_ABOVE",
            _number(0, 100_000_000),
            "A broadcast to more people than this needs a second person's approval.",
            default="0",
            without="`0`: one person is enough",
        ),
    ]
    chat: Annotated[
        bool,
        Setting("NGAZI_CHAT", _on, "`on`: people can chat on a page of the gateway, at `/chat`.", default="off"),
    ]
    chat_origins: Annotated[
        tuple[str, ...],
        Setting(
            "NGAZI_CHAT_ORIGINS",
            _origins,
            "The sites that may show the chat within their pages, with blanks between them: "
            "`https://www.example.org https://*.example.com`.",
            without="the chat is a page of its own only",
        ),
    ]
    rasa_url: Annotated[
        str,
        Setting(
            "NGAZI_RASA_URL",
            _rasa_url,
            "Where Rasa tells what free text means: `http://127.0.0.1:5005`. It gets texts of people: `https://` for "
            "another machine.",
            without="free text is answered by the words in it",
        ),
    ]
    rasa_token: Annotated[
        str,
        Setting(
            "NGAZI_RASA_TOKEN",
            _token,
            "A word that only Rasa and the gateway know: Rasa's `--auth-token`, and the `token` of its "
            "`action_endpoint`, which is the gateway's `/rasa/webhook`.",
            without="Rasa is asked without one, and `/rasa/webhook` is not there",
        ),
    ] = field(repr=False)
    rasa_threshold: Annotated[
        float,
        Setting(
            "NGAZI_RASA_THRESHOLD",
            _share,
            "How sure Rasa has to be of a meaning, from 0 to 1; below it, it counts as not understood.",
            default=str(THRESHOLD),
        ),
    ]
    notices: tuple[str, ...] = ()
    """What the operator should be told at the start."""

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Settings:
        """The settings in force. Raises SettingsError. Makes the data folder, and the key of a simulator."""
        values: dict[str, Any] = {}
        for field_name, setting in declared().items():
            try:
                written = environ.get(setting.name, "").strip() or setting.default
                values[field_name] = setting.read(written)
            except ValueError as error:
                raise SettingsError(f"{setting.name} {error}.") from None
        notices = _strangers(environ)
        data: Path = values["data"]
        _make_folder(data)
        values["database_url"] = values["database_url"] or f"sqlite:///{data}/ngazi.db"
        values["secret_key"] = _secret_key(values["secret_key"], data, _simulated(values["channels"]), notices)
        values["channels"] = _with_secrets(values["channels"], values["secret_key"], notices)
        notices += _overheard(values["rasa_url"])
        if 0 < len(values["rasa_token"]) < SAFE_SECRET:
            notices.append("NGAZI_RASA_TOKEN is short enough to be guessed.")
        return cls(**values, notices=tuple(notices))

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
