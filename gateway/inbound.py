"""The endpoints that providers call: `/in/{channel}/{secret}/{callback}`.

What a provider sends is always answered 200, a USSD callback with a screen even when something of ours failed. What
no provider sends is refused with 4xx and tells nothing. 503 has one meaning: an SMS, an opt-out or a delivery report
could not be stored, since the database is away, and must come again; 200 would lose it.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

from sqlalchemy import Connection
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from dialogs import store
from dialogs.inbound import Inbound
from gateway import outbox
from gateway.desk import Busy
from gateway.forms import Form, NoObject, TooManyFields, is_form, read_form, read_json
from gateway.in_order import InOrder
from gateway.providers import DeliveryReport, Ended, News, OptOut, Provider, Unreadable

if TYPE_CHECKING:
    from gateway.app import House

log = logging.getLogger("ngazi.inbound")

PATH = "/in/{channel}/{secret}/{callback:path}"  # a path: a slash too many at the end does not matter
LARGEST = 16 * 1024  # bytes; the longest that a provider sends has about 4,000
LARGEST_JSON = 256 * 1024  # from those who speak JSON: a hundred delivery reports come at once
KEPT_OR_REFUSED = frozenset(("sms", "optout", "delivery"))  # not acknowledged unless they are stored
NOBODY = (b"\0",)  # what a secret for an unknown channel is compared with, to take as long


class Refusal(Exception):
    """No provider sends this; `status` and a few words go back."""

    def __init__(self, status: int, text: str, **headers: str) -> None:
        super().__init__(text)
        self.status, self.text, self.headers = status, text, headers

    def answer(self) -> Response:
        return PlainTextResponse(self.text, self.status, self.headers)


class Gone(Exception):
    """The caller hung up before the whole body was there."""


@dataclass(frozen=True, slots=True)
class Door:
    """One channel, as the endpoints see it."""

    name: str
    provider: Provider
    secrets: tuple[bytes, ...]


class Callbacks:
    """An ASGI application for `PATH`; plain, since every phone waits for it."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._lines = InOrder()
        self._doors = {
            name: Door(name, house.providers[name], tuple(each.encode() for each in channel.secrets))
            for name, channel in house.settings.channels.items()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = perf_counter()
        name, callback = "unknown", "unknown"
        try:
            door = self._open(scope)
            name = door.name
            callback = _callback(scope, door)
            form = await _read(scope, receive, door)
            response, outcome = await self._answer(door, callback, form)
        except Refusal as refusal:
            response, outcome = refusal.answer(), str(refusal.status)
        except Gone:
            return
        await response(scope, receive, send)
        self._house.metrics.called(name, callback, outcome, PATH, perf_counter() - begun)

    def _open(self, scope: Scope) -> Door:
        """The door that the secret opens, compared in constant time with each that is valid now."""
        method, params = scope["method"], scope["path_params"]
        door = self._doors.get(params["channel"])
        given = params["secret"].encode("utf-8", "surrogatepass")
        right = False
        for secret in door.secrets if door else NOBODY:
            right |= hmac.compare_digest(given, secret)
        right = right and door is not None
        # A wrong method tells nothing about the secret.
        if method != "POST" and not (right and door and method in door.provider.methods):
            raise Refusal(405, "Method not allowed", allow="POST")
        if not right or door is None:
            raise Refusal(403, "Forbidden")
        return door

    async def _answer(self, door: Door, callback: str, form: Form) -> tuple[Response, str]:
        """The response, and what came of it for the metrics."""
        try:
            if callback == "ussd":
                return await self._screen(door, form)
            return await self._take_note(door, callback, form)
        except Unreadable as unreadable:
            raise Refusal(400, str(unreadable)) from None

    async def _screen(self, door: Door, form: Form) -> tuple[Response, str]:
        """A screen, whatever happens: on any other answer the phone shows an error of the network."""
        inbound = Inbound(door.name, "ussd", "", "", "", "")
        outcome = "answered"
        try:
            told = door.provider.read("ussd", form)
            said = [news for news in told if isinstance(news, Inbound)]
            if not said:  # some tell here too that a call is over
                return await self._take_note(door, "ussd", form)
            inbound = said[-1]
            reply = await self._house.desk.take(inbound)
        except Unreadable:
            raise
        except Exception:
            log.exception("a call could not be answered")
            reply, outcome = self._house.desk.sorry(inbound), "failed"
        if not reply.text:  # an empty screen would end the call with an error
            reply = self._house.desk.sorry(inbound)
        return door.provider.write(reply, inbound), outcome

    async def _take_note(self, door: Door, callback: str, form: Form) -> tuple[Response, str]:
        """Store what the provider says, then acknowledge it."""
        outcome = "ignored"
        try:
            told = door.provider.read(callback, form)
            said = [news.address for news in told if isinstance(news, Inbound) and news.kind != "ussd"]
            with self._lines.place(said) as place:
                told = await self._house.understood(told)
                await place.turn()
                for news in told:
                    await self._store(news)
                    outcome = "stored"
        except Unreadable:
            raise
        except Exception as error:
            if isinstance(error, Busy):
                log.warning("a callback comes too early: %s", callback)
            else:
                log.exception("a callback could not be stored: %s", callback)
            if callback in KEPT_OR_REFUSED:
                raise Refusal(503, "Come again") from None
            outcome = "failed"
        return door.provider.write(None, None), outcome

    async def _store(self, news: News) -> None:
        """Raises if it is not stored for sure. The reply to an SMS is queued with it, not put into the response."""
        if isinstance(news, Inbound):
            await self._house.desk.take(news)
            self._house.wake()  # its reply waits
        elif isinstance(news, DeliveryReport):
            await self._house.desk.note(news)
        else:
            await self._house.desk.run(self._note(news))

    def _note(self, news: OptOut | Ended) -> Callable[[Connection], object]:
        house, now = self._house, self._house.desk.clock()
        match news:
            case OptOut():
                return lambda db: outbox.opt_out(db, house.seal, news.address, now)
            case Ended():
                return lambda db: store.end_session(db, news.channel, news.session, now)


def _callback(scope: Scope, door: Door) -> str:
    callback: str = scope["path_params"]["callback"]
    if callback not in door.provider.callbacks:
        callback = callback.partition("/")[0] if door.provider.paths else callback.rstrip("/")
        if callback not in door.provider.callbacks:
            raise Refusal(404, "Not found")
    return callback


async def _read(scope: Scope, receive: Receive, door: Door) -> Form:
    """The fields, if the provider sent them."""
    content_type, length = b"", b""
    for name, value in scope["headers"]:
        if name == b"content-type":
            content_type = value
        elif name == b"content-length":
            length = value
    posted = scope["method"] != "GET"
    if posted:
        body = await _read_body(receive, length, LARGEST_JSON if door.provider.json else LARGEST)
    else:
        body = scope["query_string"]
    # By its first letter: some send JSON under the name of a form, or of plain text. No form begins with a brace.
    json = posted and door.provider.json and body.lstrip()[:1] == b"{"
    readable = json or not posted or is_form(content_type)
    try:
        form = read_json(body) if json else read_form(body) if readable else Form([])
    except TooManyFields:
        raise Refusal(400, "Too many fields") from None
    except NoObject as wrong:
        raise Refusal(400, str(wrong)) from None
    if not door.provider.trusts(scope, body, form):
        raise Refusal(403, "Forbidden")
    if not readable:
        expected = "application/json" if door.provider.json else "application/x-www-form-urlencoded"
        raise Refusal(415, f"{expected} is expected")
    if door.provider.paths:
        _, *rest = scope["path_params"]["callback"].split("/")
        return Form([*form.pairs, *((f"path.{n}", part) for n, part in enumerate(rest))])
    return form


async def _read_body(receive: Receive, length: bytes, largest: int) -> bytes:
    """The body, read no further than it may be long."""
    if len(length) > 9 or (length and int(length) > largest):
        raise Refusal(413, "Too large", connection="close")
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > largest:
            raise Refusal(413, "Too large", connection="close")
    return body
