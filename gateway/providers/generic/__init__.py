"""Any company whose requests and replies can be described in a file: `generic://user:key@host?format=hubtel`.

The files of some companies lie beside this module; an operator writes his own after `docs/add-a-provider.md`.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from starlette.responses import Response
from starlette.types import Scope

from dialogs.inbound import Inbound, Reply
from gateway.channels import Channel, SettingsError
from gateway.forms import Form
from gateway.logs import mask
from gateway.numbers import normalise
from gateway.providers import (
    LONGEST_TOKEN,
    Carriage,
    DeliveryReport,
    Ended,
    News,
    Outcome,
    Outgoing,
    Remedy,
    Unreadable,
    brief,
    clean,
    token,
)
from gateway.providers.generic.filling import Tree, fill, fill_text
from gateway.providers.generic.layout import Body, Calls, Layout, Messages
from gateway.providers.generic.picking import first, items
from gateway.providers.generic.reading import read_layout
from gateway.providers.generic.sending import Sender
from gateway.providers.generic.table import plain


class Generic:
    """One channel at a company that a layout describes."""

    json = True  # what begins with a brace is read as JSON

    def __init__(self, channel: Channel, layout: Layout, public_url: str) -> None:
        self._name, self._country = channel.name, channel.country
        self._strip, self._code = channel.strip, channel.code.strip("#").lstrip("*")
        self._hashing = (channel.key or "".join(channel.secrets)).encode()
        self._layout = layout
        self._sender = Sender(channel, layout.send, public_url)
        self._readers: dict[str, Callable[[Form], Sequence[News]]] = {}
        if layout.ussd is not None:
            self._calls = layout.ussd
            self._readers["ussd"] = self._ussd
        if layout.sms is not None:
            self._messages = layout.sms
            self._readers["sms"] = self._sms
        if layout.delivery is not None:
            self._reports = layout.delivery
            self._readers["delivery"] = self._delivery
        self.callbacks = frozenset(self._readers)
        self.methods = layout.methods
        self.paths: bool = any(name.startswith("path.") for name in _named(layout))

    @property
    def carriage(self) -> Carriage:
        return self._sender.carriage

    def send(self, messages: Sequence[Outgoing]) -> list[Outcome]:
        return self._sender.send(messages)

    def trusts(self, scope: Scope, body: bytes, form: Form) -> bool:
        """Always: the secret in the address is the lock."""
        return True

    def read(self, callback: str, form: Form) -> Sequence[News]:
        return self._readers[callback](form)

    def write(self, reply: Reply | None, inbound: Inbound | None) -> Response:
        if reply is None or inbound is None or inbound.kind != "ussd" or self._layout.ussd is None:
            return _response(self._layout.answer, {})
        values: dict[str, Tree] = {f"in.{name}": value for name, value in inbound.echo.items()}
        calls = self._layout.ussd
        values |= {"text": reply.text, "more": calls.more if reply.more else calls.last}
        body = calls.reply
        if body.json is not None and not reply.more and calls.at_end:
            body = replace(body, json={**body.json, **calls.at_end})
        return _response(body, values)

    def _ussd(self, form: Form) -> Sequence[News]:
        calls = self._calls
        kind = plain(first(form, calls.kind))
        if calls.ignore and kind in calls.ignore:
            return ()
        session = token(form, *calls.session)
        if kind in calls.ended:
            return (Ended(self._name, session, calls.ended[kind]),)
        number = normalise(first(form, calls.number), self._country)
        if number is None:
            raise Unreadable(f"{calls.number[0]} is missing, or is no phone number")
        text = self._typed(calls, kind, clean(first(form, calls.text)))
        echo = {name: form.get(name, "") for name in calls.echo}
        turn = clean(first(form, calls.turn))[:LONGEST_TOKEN]
        return (Inbound(self._name, "ussd", number, text, session, "", calls.whole, turn, echo),)

    def _typed(self, calls: Calls, kind: str, text: str) -> str:
        """What the person typed: without the code that was dialled, and without what belongs to a shared code."""
        looks_dialled = text.startswith("*") and text.endswith("#")
        begins = calls.whole or (kind in calls.new if calls.new else calls.dialled and looks_dialled)
        if not begins:
            return text
        if calls.dialled:
            text = self._beyond_code(text)
        return "*".join(text.split("*")[self._strip :]) if self._strip else text

    def _beyond_code(self, text: str) -> str:
        """Of `*713*77*3*1#` the `3*1`, if *713*77# is the channel's code. Of another code nothing."""
        dialled = text.strip().removesuffix("#").lstrip("*")
        return dialled[len(self._code) + 1 :] if self._code and dialled.startswith(f"{self._code}*") else ""

    def _sms(self, form: Form) -> Sequence[News]:
        return _all_readable(self._message, self._each(form, self._messages.list))

    def _each(self, form: Form, place: str) -> Iterator[Form]:
        """The items of a list in a call; the call itself if there is no list."""
        return items(form, place) if place else iter((form,))

    def _message(self, form: Form) -> Inbound | None:
        shape = self._messages
        sender = first(form, shape.number)
        if not sender.strip():
            raise Unreadable(f"{shape.number[0]} is missing")
        address = normalise(sender, self._country)
        if address is None:  # a telco's own message: from a name or a short code, nobody to answer
            return None
        text = clean(first(form, shape.text))
        return Inbound(self._name, "sms", address, text, "", self._sms_id(form, shape, address, text))

    def _sms_id(self, form: Form, shape: Messages, address: str, text: str) -> str:
        """Its id; else a keyed hash of what it is, since a company may send it again."""
        given = first(form, shape.id)
        if given and len(given) <= LONGEST_TOKEN and given.isprintable():
            return given
        time = first(form, shape.time)
        if not given and not time:  # nothing tells a repeat from the same answer given again
            return f"none:{secrets.token_hex(16)}"
        whole = "\0".join((given, time, address, text))
        return "hash:" + hmac.digest(self._hashing, whole.encode(), hashlib.sha256).hex()[:32]

    def _delivery(self, form: Form) -> Sequence[News]:
        return _all_readable(self._report, self._each(form, self._reports.list))

    def _report(self, form: Form) -> DeliveryReport:
        shape = self._reports
        word = mask(clean(first(form, shape.status)).strip()[:LONGEST_TOKEN])
        reason = mask(clean(first(form, shape.reason)).strip()[:LONGEST_TOKEN])
        status = shape.words.get(plain(word), "unknown")
        remedy: Remedy = ""
        if status == "failed":
            remedy = shape.remedies.get(plain(reason)) or shape.remedies.get(plain(word), "")
        raw = brief(form, *shape.id, *shape.status)
        cost = clean(first(form, shape.cost))[:LONGEST_TOKEN]
        return DeliveryReport(self._name, token(form, *shape.id), status, word, reason, remedy, cost, raw)


def connect(channel: Channel, public_url: str) -> Generic:
    layout = read_layout(channel.options.get("format", ""))
    if layout.ussd and layout.ussd.whole and layout.ussd.dialled and not channel.code:
        raise SettingsError(f"NGAZI_CHANNELS: channel {channel.name} needs code=, which each of its texts begins with.")
    return Generic(channel, layout, public_url)


def _all_readable(read: Callable[[Form], News | None], each: Iterator[Form]) -> Sequence[News]:
    """What the items say. One that cannot be read does not take the others with it; only all of them do."""
    found: list[News | None] = []
    wrong: Unreadable | None = None
    for item in each:
        try:
            found.append(read(item))
        except Unreadable as error:
            wrong = error
    if wrong is not None and not found:
        raise wrong
    return tuple(news for news in found if news is not None)


def _named(layout: Layout) -> Iterator[str]:
    """The fields that a layout reads from what comes in."""
    calls, sms, reports = layout.ussd, layout.sms, layout.delivery
    if calls is not None:
        yield from (*calls.session, *calls.number, *calls.text, *calls.turn, *calls.kind, *calls.echo)
    if sms is not None:
        yield from (*sms.id, *sms.number, *sms.text, *sms.time)
    if reports is not None:
        yield from (*reports.id, *reports.status, *reports.reason, *reports.cost)


def _response(body: Body, values: Mapping[str, Tree]) -> Response:
    if body.json is None:
        content = fill_text(body.text, values)
    else:
        content = json.dumps(fill(dict(body.json), values), ensure_ascii=False)
    headers = {name: fill_text(value, values) for name, value in body.headers.items()}
    return Response(content, media_type=body.type, headers=headers)
