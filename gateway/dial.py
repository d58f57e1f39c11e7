"""`ngazi dial`: a phone in the terminal. It speaks to a running server over HTTP, as a provider would."""

from __future__ import annotations

import json
import re
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPException
from itertools import chain
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, build_opener

import click

from dialogs.gsm import measure, segments
from gateway.numbers import normalise

PATIENCE = 10  # seconds: Africa's Talking ends a call whose screen comes later
HELP = """\
1, 2, ...     answer as on a phone; an empty line is Send with an empty box
/hang         hang up
/dial [CODE]  dial again, this code or the one of the service
/sms TEXT     send an SMS to the service
/inbox        show the SMS that have come
/quit         leave (Ctrl+D does it too)"""

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
        return _ask(f"{self.url}/in/{self.name}/{self.secret}/{kind}", urlencode(form).encode())


@dataclass(slots=True)
class Phone:
    """One phone: its number, and the call it is in."""

    line: Line
    number: str
    session: str = ""  # "" while no call is open
    typed: str = ""  # everything typed in this call, joined by *, as the network sends it
    seen: set[int] = field(default_factory=set)  # messages known already

    def dial(self, code: str) -> str:
        """The first screen. Raises NoLine."""
        typed = extension(self.line.code, code)
        if typed is None:
            raise NoLine(f"This server answers {self.line.code}, not {code}.")
        self.session, self.typed = f"ATUid_{secrets.token_hex(16)}", typed
        return self._screen()

    def answer(self, text: str) -> str:
        """The screen after this answer. Raises NoLine."""
        self.typed = f"{self.typed}*{text}" if self.typed else text
        return self._screen()

    def _screen(self) -> str:
        form = {"sessionId": self.session, "serviceCode": self.line.code, "phoneNumber": self.number}
        try:
            screen = self.line.post("ussd", form | {"networkCode": "99999", "text": self.typed})
            if not screen.startswith(("CON ", "END ")):
                raise NoLine("The server answered, but not with a screen (CON or END).")
        except NoLine:
            self.session = ""
            raise
        if screen.startswith("END"):
            self.session = ""
        return screen

    def send(self, text: str) -> list[dict[str, Any]]:
        """Send an SMS to the service; gives the SMS that came back. Raises NoLine."""
        self.news()
        date = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}"
        form = {"id": secrets.token_hex(16), "from": self.number, "to": self.line.code, "text": text}
        self.line.post("sms", form | {"date": date})
        return self.news()

    def news(self) -> list[dict[str, Any]]:
        """The SMS that have come since this was asked last. Raises NoLine."""
        fresh = [message for message in self.inbox() if message["id"] not in self.seen]
        self.seen.update(message["id"] for message in fresh)
        return fresh

    def inbox(self) -> list[dict[str, Any]]:
        """The SMS that have come, oldest first. Raises NoLine."""
        answer = _ask(f"{self.line.url}/simulator/inbox?{urlencode({'phone': self.number})}")
        messages: list[dict[str, Any]] = json.loads(answer)["messages"]
        return messages[::-1]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--url", default="http://127.0.0.1:8000", show_default=True, help="Where the server runs.")
@click.option("--phone", default="", metavar="+255...", help="The number that calls.")
@click.option("--code", default="", metavar="*384*77#", help="What is dialled, if not the code of the service.")
def dial(url: str, phone: str, code: str) -> None:
    """Play a phone in the terminal against a running server.

    Reads answers from the keyboard or from a pipe. What it writes is a rehearsal: begun with a new number and
    saved in tests/rehearsals, it runs as a test.
    """
    line = find_line(url.rstrip("/"))
    number = normalise(phone) if phone else line.numbers[0]
    if number is None:
        raise click.BadParameter("Write it with the country code, for example +255621234567.", param_hint="--phone")
    caller = Phone(line, number)
    patient = sys.stdin.isatty()
    _note(f"{line.url}, /help lists the commands")
    click.echo(f"phone {number}")
    for typed in chain(["/dial " + code], _lines(patient)):
        if typed in ("/quit", "/exit"):
            break
        if caller.session and not patient and not typed.startswith("/"):
            click.echo(f"< {typed}".rstrip())  # a keyboard has shown it already
        try:
            _obey(caller, typed)
            _tell_news(caller)
        except NoLine as error:
            if not patient:
                raise
            _note(error.message)


def find_line(url: str) -> Line:
    """The simulator of the server at this address. Raises NoLine."""
    try:
        found = json.loads(_ask(f"{url}/simulator/channel"))
        numbers = tuple(number for country in found["countries"] for number in country["numbers"])
        return Line(url, found["name"], found["secret"], found["code"], found["limit"], found["units"], numbers)
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise NoLine(f"What answers at {url} is not Ngazi.") from error


def extension(code: str, dialled: str) -> str | None:
    """What was dialled behind the code: "" for the bare code, "3*1" for *384*77*3*1#, None for another."""
    stem, wanted = code.removesuffix("#"), dialled.removesuffix("#")
    if wanted == stem:
        return ""
    return wanted.removeprefix(stem + "*") if wanted.startswith(stem + "*") else None


def _obey(phone: Phone, typed: str) -> None:
    word, _, rest = typed.partition(" ")
    rest = rest.strip()
    if word == "/dial":
        code = rest or phone.line.code
        click.echo(f"dials {code}")
        _show(phone, phone.dial(code))
    elif word == "/hang":
        click.echo("hangs up" if phone.session else "# No call is open.")
        phone.session = ""
    elif word == "/sms" and rest:
        click.echo(f"texts {rest}")
        came = phone.send(rest)
        click.echo(_written("\n---\n".join(message["text"] for message in came)) if came else "(nothing)")
        _note(f"{segments(rest).count} SMS there, {sum(message['segments'] for message in came)} back")
    elif word == "/inbox":
        _show_inbox(phone)
    elif word.startswith("/"):
        _note(HELP)
    elif phone.session:
        _show(phone, phone.answer(typed))
    else:
        _note("No call is open. /dial dials again, /help lists the commands.")


def _show(phone: Phone, screen: str) -> None:
    click.echo(_written(screen[4:]))
    if not phone.session:
        click.echo("(ends)")
    used, gsm7 = measure(screen)
    limit, unit = (phone.line.limit, "septets") if gsm7 else (phone.line.units, "letters (outside GSM-7)")
    over = ": too long for a phone" if used > limit else ""
    again = "" if phone.session else "; /dial dials again"
    _note(f"{used} of {limit} {unit}{over}{again}")


def _show_inbox(phone: Phone) -> None:
    messages = phone.inbox()
    for message in messages:
        phone.seen.add(message["id"])
        when = datetime.fromisoformat(message["when"]).astimezone()
        _note(f"{when:%d.%m. %H:%M} ({message['segments']} SMS, {message['status']})\n{message['text']}")
    if not messages:
        _note("No SMS has come.")


def _tell_news(phone: Phone) -> None:
    if fresh := len(phone.news()):
        _note(f"{fresh} new SMS: /inbox shows {'it' if fresh == 1 else 'them'}.")


def _written(text: str) -> str:
    """A screen or an SMS as a rehearsal writes it."""
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


def _note(text: str) -> None:
    """What is not part of the call: a note in a rehearsal."""
    click.echo("\n".join(f"# {line}".rstrip() for line in text.split("\n")))


def _lines(patient: bool) -> Iterator[str]:
    """What is typed, line by line."""
    if patient:
        with suppress(ImportError):  # not on Windows
            import readline  # noqa: F401  input() then edits the line and knows the earlier ones
    try:
        while True:
            line = input("< ") if patient else sys.stdin.readline()
            if not patient and not line:
                return
            yield line.strip()
    except (EOFError, KeyboardInterrupt):
        click.echo()


def _ask(url: str, body: bytes | None = None) -> str:
    try:
        with _direct.open(url, body, timeout=PATIENCE) as response:
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
    if status in (403, 404):
        return f"The server refuses this phone ({status}). If it was started anew, start ngazi dial anew."
    return f"The server reports an error ({status}). What went wrong stands in its log."
