"""An Android phone as the gateway: the app SMS Gateway (capcom6), for places that no company reaches.

docs.sms-gate.app: "Webhooks", "API". The phone signs what it posts; all its events come to one address. A phone sends
few messages: Android itself holds back an app that sends more than some 30 in half an hour.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from starlette.responses import Response
from starlette.types import Scope

from dialogs.inbound import Inbound, Reply
from gateway import providers
from gateway.channels import Channel, SettingsError
from gateway.forms import Form, NoObject, TooManyFields, read_json
from gateway.logs import mask
from gateway.numbers import normalise
from gateway.providers import (
    LONGEST_TOKEN,
    Carriage,
    DeliveryReport,
    News,
    Outcome,
    Outgoing,
    Status,
    Unreadable,
    brief,
    clean,
    token,
)
from gateway.sending import FAULT, judge_one, unsent
from gateway.sending.post import Answer, NoAnswer, Post

CLOUD = "https://api.sms-gate.app"
PATH = "/3rdparty/v1/messages"
SIGNATURE, TIMESTAMP = b"x-signature", b"x-timestamp"
UNANSWERED = "the phone did not answer"
LONGEST_ID = 36  # letters of an id that we may give a message: as long as a UUID
STATUS: Mapping[str, Status] = {
    "sms:sent": "sent",
    "sms:delivered": "delivered",  # once for each part of a long text; the first counts
    "sms:failed": "failed",
    "sms:cancelled": "failed",
}


class Android:
    """One phone."""

    callbacks = frozenset(("sms", "delivery"))  # either takes every event: the phone needs to know one address only
    methods = frozenset(("POST",))
    json, paths = True, False
    carriage = Carriage(most=1, calls=2, rate=1 / 60, longest=1600)

    def __init__(self, channel: Channel, url: str, signing_key: str) -> None:
        self._name, self._country = channel.name, channel.country
        self._url, self._signing_key = url, signing_key.encode()
        basic = base64.b64encode(f"{channel.user}:{channel.key}".encode()).decode()
        self._headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/json"}
        self._post = Post(url)

    def trusts(self, scope: Scope, body: bytes, form: Form) -> bool:
        """Whether the phone signed this body with its timestamp.

        A timestamp may be of any age: a phone without a network brings its events for two days, and whether it signs
        them anew is not known. An SMS counts once by its id, and a report only moves a message forward, so a call that
        somebody recorded and repeats does nothing.
        """
        headers = dict(scope["headers"])
        given, timestamp = headers.get(SIGNATURE, b""), headers.get(TIMESTAMP)
        if timestamp is None:
            return False
        right = hmac.new(self._signing_key, body + timestamp, hashlib.sha256).hexdigest()
        return hmac.compare_digest(right.encode(), given.lower())

    def read(self, callback: str, form: Form) -> Sequence[News]:
        event = form.get("event", "")
        if not event:
            raise Unreadable("event is missing")
        if event == "sms:received":
            return self._sms(form)
        return self._report(form, STATUS[event]) if event in STATUS else ()

    def write(self, reply: Reply | None, inbound: Inbound | None) -> Response:
        """That we have it; replies go through the outbox."""
        return Response()

    def send(self, messages: Sequence[Outgoing]) -> list[Outcome]:
        return [self._send(each) for each in messages]

    def _sms(self, form: Form) -> Sequence[News]:
        # `messageId` is made of the text: "1" twice would count once. The event's own id is what is never repeated.
        id = token(form, "id")
        sender = form.get("payload.sender") or form.get("payload.phoneNumber", "")  # older versions
        if not sender.strip():
            raise Unreadable("payload.sender is missing")
        address = normalise(sender, self._country)
        if address is None:  # an operator's advertisement, mobile money: nobody to answer
            return ()
        return (Inbound(self._name, "sms", address, clean(form.get("payload.message", "")), "", id),)

    def _report(self, form: Form, status: Status) -> Sequence[News]:
        reason = mask(clean(form.get("payload.reason", "")).strip()[:LONGEST_TOKEN])
        id = token(form, "payload.messageId")
        word = form["event"]
        raw = brief(form, "event", "payload.messageId")
        return (DeliveryReport(self._name, id, status, word, reason, raw=raw),)

    def _send(self, message: Outgoing) -> Outcome:
        if not message.to.startswith("+"):
            return Outcome(message.id, "refused", reason="only SMS go here")
        until = time.monotonic() + providers.CALL_LASTS
        given = _id(message.reference)
        body = {
            "id": given,
            "textMessage": {"text": message.text},
            "phoneNumbers": [message.to],
            "withDeliveryReport": True,
            "ttl": message.lasts,
        }
        written = json.dumps({name: value for name, value in body.items() if value}, ensure_ascii=False)
        try:
            answer = self._post.send(self._url, written.encode(errors="replace"), self._headers, until)
        except NoAnswer as error:
            outcome, doubt = unsent(error), UNANSWERED
        else:
            outcome, doubt = _outcome(given, answer), FAULT
        if outcome.status == "unknown" and given:  # with our id the phone takes a message once, however often it comes
            outcome = replace(outcome, status="again", reason=doubt)
        return replace(outcome, id=message.id)


def connect(channel: Channel, public_url: str) -> Android:
    where = f"NGAZI_CHANNELS: channel {channel.name}"
    signing_key = channel.options.get("signing_key", "")
    if not signing_key:
        raise SettingsError(f"{where} needs signing_key=, the key with which the phone signs what it posts.")
    if not channel.user or not channel.key:
        raise SettingsError(f"{where} needs android://<user>:<password>@, as the app shows them.")
    if channel.host and not channel.base:
        raise SettingsError(f"{where} names a host; write base=http://{channel.host}:8080/messages instead.")
    return Android(channel, _address(channel.base or CLOUD, where), signing_key)


def _address(base: str, where: str) -> str:
    """Where messages go: `base` as it is if it has a path (the phone itself: `http://192.168.1.7:8080/messages`)."""
    try:
        parts = urlsplit(base)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError
    except ValueError:
        raise SettingsError(
            f"{where} has a base that is no address such as http://192.168.1.7:8080/messages."
        ) from None
    return base if parts.path else base + PATH


def _id(reference: str) -> str:
    """The id that we give a message: its reference, or something as lasting where that is too long."""
    return reference if len(reference) <= LONGEST_ID else hashlib.sha256(reference.encode()).hexdigest()[:32]


def _outcome(given: str, answer: Answer) -> Outcome:
    """What the answer means by itself; its `id` is 0."""
    if answer.fine:
        return Outcome(0, "sent", given or _id_in(answer))
    if answer.status == 409 and given:  # it has a message of this id: ours, from a call whose answer we missed
        return Outcome(0, "sent", given, word="409")
    return judge_one(answer)


def _id_in(answer: Answer) -> str:
    try:
        found = read_json(answer.text.encode()).get("id", "")
    except (NoObject, TooManyFields):
        return ""
    return found if len(found) <= LONGEST_TOKEN and found.isprintable() else ""
