"""`ngazi dial`: a phone and a chat in the terminal. It speaks to a running server over HTTP, as a provider would, and
as the page of the web chat does."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from typing import Any
from urllib.parse import urlencode

import click

from dialogs.gsm import measure, segments
from gateway.line import Line, NoLine, ask, find_line
from gateway.line_chat import Chat
from gateway.numbers import normalise

HELP = """\
1, 2, ...     answer as on a phone; an empty line is Send with an empty box
/hang         hang up
/dial [CODE]  dial again, this code or the one of the service
/sms TEXT     send an SMS to the service
/chat TEXT    write in a chat, as on the page /chat; with --chat every line outside a call does
/look         show what stands in the chat
/inbox        show the SMS that have come
/quit         leave (Ctrl+D does it too)"""


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
        answer = ask(f"{self.line.url}/simulator/inbox?{urlencode({'phone': self.number})}")
        messages: list[dict[str, Any]] = json.loads(answer)["messages"]
        return messages[::-1]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--url", default="http://127.0.0.1:8000", show_default=True, help="Where the server runs.")
@click.option("--phone", default="", metavar="+255...", help="The number that calls.")
@click.option("--code", default="", metavar="*384*77#", help="What is dialled, if not the code of the service.")
@click.option("--chat", "chats", is_flag=True, help="Write in a chat, in whole sentences; /dial calls all the same.")
def dial(url: str, phone: str, code: str, chats: bool) -> None:
    """Play a phone or a chat in the terminal against a running server.

    Reads answers from the keyboard or from a pipe. What it writes is a rehearsal: begun with a new number and
    saved in tests/rehearsals, it runs as a test, where no free text in it needs an assistant.
    """
    line = find_line(url.rstrip("/"))
    number = normalise(phone) if phone else line.numbers[0]
    if number is None:
        raise click.BadParameter("Write it with the country code, for example +255621234567.", param_hint="--phone")
    caller, chat = Phone(line, number), Chat(line.url)
    patient = sys.stdin.isatty()
    _note(f"{line.url}, /help lists the commands")
    click.echo(f"phone {number}")
    for typed in chain(["/look" if chats else f"/dial {code}"], _lines(patient)):
        if typed in ("/quit", "/exit"):
            break
        if caller.session and not patient and not typed.startswith("/"):
            click.echo(f"< {typed}".rstrip())  # a keyboard has shown it already
        try:
            _obey(caller, chat, typed if caller.session or not chats or typed.startswith("/") else f"/chat {typed}")
            _tell_news(caller)
        except NoLine as error:
            if not patient:
                raise
            _note(error.message)


def extension(code: str, dialled: str) -> str | None:
    """What was dialled behind the code: "" for the bare code, "3*1" for *384*77*3*1#, None for another."""
    stem, wanted = code.removesuffix("#"), dialled.removesuffix("#")
    if wanted == stem:
        return ""
    return wanted.removeprefix(stem + "*") if wanted.startswith(stem + "*") else None


def _obey(phone: Phone, chat: Chat, typed: str) -> None:
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
    elif word == "/chat":
        click.echo(f"chats {rest}".rstrip())
        click.echo(_written(chat.say(rest)))
    elif word == "/look":
        _note(chat.look())
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
