"""How the values of settings are read: one function each, which raises ValueError with what is wrong in a few words."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from dialogs.content import find_folder

ORIGIN = re.compile(r"https?://(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?/?", re.IGNORECASE | re.ASCII)


def number(least: int, most: int) -> Callable[[str], int]:
    """A reader of whole numbers from the one to the other."""

    def read(written: str) -> int:
        if not written.isdecimal() or not least <= int(written) <= most:
            raise ValueError(f"must be a number from {least} to {most}")
        return int(written)

    return read


def folder(written: str) -> Path:
    """A folder, which need not be there."""
    return Path(written).absolute()


def drafts(written: str) -> bool:
    """Whether drafts are shown."""
    if written.lower() not in ("show", "hide"):
        raise ValueError("must be show or hide")
    return written.lower() == "show"


def sends(written: str) -> bool:
    """Whether this process sends."""
    if written.lower() not in ("here", "elsewhere"):
        raise ValueError("must be here or elsewhere")
    return written.lower() == "here"


def database_url(written: str) -> str:
    """The address of a database that we can use; "" stays."""
    url = re.sub(r"^postgres://", "postgresql://", written)
    try:
        backend = make_url(url).get_backend_name() if url else "sqlite"
    except ArgumentError:
        backend = ""
    if backend not in ("sqlite", "postgresql"):
        raise ValueError("must begin with sqlite:/// or postgresql://")
    return url


def public_url(written: str) -> str:
    """An address without a query, and without a slash at its end; "" stays."""
    try:
        parts = urlsplit(written)
        whole = parts.scheme in ("http", "https") and parts.hostname and not parts.query and not parts.fragment
    except ValueError:
        whole = False
    if written and not whole:
        raise ValueError("must look like https://ngazi.example.org")
    return written.rstrip("/")


def rasa_url(written: str) -> str:
    """The same, without a password or a token in it."""
    try:
        parts = urlsplit(written)
        whole = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        whole = False
    if written and (not whole or re.search(r"[\s?#@]", written)):
        raise ValueError("must look like http://127.0.0.1:5005, without a password or a token")
    return written.rstrip("/")


def token(written: str) -> str:
    """A word that may stand in addresses."""
    if not re.fullmatch(r"[A-Za-z0-9._~-]*", written):  # it is part of addresses, here and in Rasa's settings
        raise ValueError("may have only letters, digits and . _ ~ -")
    return written


def share(written: str) -> float:
    """A number from 0 to 1."""
    if not re.fullmatch(r"0?\.[0-9]+|[01]|1\.0+", written, re.ASCII):
        raise ValueError("must be a number from 0 to 1, such as 0.7")
    return float(written)


def on(written: str) -> bool:
    """Whether it is on."""
    if written.lower() not in ("on", "off"):
        raise ValueError("must be on or off")
    return written.lower() == "on"


def origins(written: str) -> tuple[str, ...]:
    """They end up in a header, so that nothing else may stand in them."""
    for each in written.split():
        if not ORIGIN.fullmatch(each):
            raise ValueError(f"must be addresses of sites, such as https://www.example.org, not {each}")
    return tuple(each.rstrip("/").lower() for each in written.split())


def content(written: str) -> Path:
    """The folder of the content."""
    folder = find_folder({"NGAZI_CONTENT": written})
    if not folder.is_dir():
        raise ValueError("names a folder that is not there")
    return folder.absolute()
