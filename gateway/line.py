"""The line to a running server: its practice phone, asked over HTTP. For the terminal."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

import click

FOR_PEOPLE = {
    413: "This is too long for one message.",
    429: "Too many messages at once. Wait a moment, then write it again.",
    503: "The server is busy. Write it again in a moment.",
}
PATIENCE = 10  # seconds: Africa's Talking ends a call whose screen comes later

_direct = build_opener(ProxyHandler({}))  # a proxy of the environment cannot reach our own machine


class NoLine(click.ClickException):
    """The server gave nothing that a phone can show; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Line:
    """The simulator channel of a running server."""

    url: str
    name: str
    secret: str
    code: str
    limit: int
    units: int
    numbers: tuple[str, ...]

    def post(self, kind: str, form: Mapping[str, str]) -> str:
        """What the callback route answers. Raises NoLine."""
        return ask(f"{self.url}/in/{self.name}/{self.secret}/{kind}", urlencode(form).encode())


def find_line(url: str) -> Line:
    """The simulator of the server at this address. Raises NoLine."""
    try:
        found = json.loads(ask(f"{url}/simulator/channel"))
        numbers = tuple(number for country in found["countries"] for number in country["numbers"])
        return Line(url, found["name"], found["secret"], found["code"], found["limit"], found["units"], numbers)
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise NoLine(f"What answers at {url} is not Ngazi.") from error


def ask(url: str, body: bytes | None = None, kind: str = "application/x-www-form-urlencoded") -> str:
    """What a server answers; with a body it is a POST. Raises NoLine."""
    try:
        with _direct.open(Request(url, body, {"Content-Type": kind}), timeout=PATIENCE) as response:
            return str(response.read().decode(errors="replace"))
    except HTTPError as error:
        error.close()
        raise NoLine(_refusal(url, error.code)) from error
    except TimeoutError as error:
        raise NoLine(f"No answer within {PATIENCE} seconds. A real network ends the call here.") from error
    except ValueError as error:
        raise click.BadParameter(f"{url} is no address of a server.", param_hint="--url") from error
    except (URLError, HTTPException, OSError) as error:
        root = re.sub(r"^(\w+://[^/]+).*", r"\1", url)
        raise NoLine(f"No server answers at {root}. Start one with: ngazi serve") from error


def _refusal(url: str, status: int) -> str:
    if status == 404 and url.endswith("/simulator/channel"):
        return "This server has no practice phone: it is connected to a real provider, or it is not Ngazi."
    if status == 404 and "/chat/" in url:
        return "This server has no web chat. Start it with NGAZI_CHAT=on."
    if status in (403, 404):
        return f"The server refuses this phone ({status}). If it was started anew, start ngazi dial anew."
    if status in FOR_PEOPLE:
        return FOR_PEOPLE[status]
    return f"The server reports an error ({status}). What went wrong stands in its log."
