"""Twilio: SMS and WhatsApp. Every call is signed; the signature covers the address as it stands at Twilio.

docs: "Webhooks security", "Messaging webhooks", "Outbound message status in status callbacks".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import parse_qs, urlsplit

from starlette.responses import Response
from starlette.types import Scope
from twilio.request_validator import (
    HMAC_SHA1,
    HMAC_SHA256,
    SIGNATURE_HEADER,
    SIGNATURE_SETTINGS_HEADER,
    RequestValidator,
    get_signature_algorithm,
)

from dialogs.inbound import Inbound, Reply
from gateway.channels import Channel, SettingsError
from gateway.forms import Form, is_form
from gateway.numbers import normalise
from gateway.providers import (
    Carriage,
    DeliveryReport,
    News,
    Outcome,
    Outgoing,
    Remedy,
    Status,
    Unreadable,
    brief,
    clean,
    token,
)
from gateway.sending.twilio import CARRIAGE, REMEDY, Sender

STATUS: Mapping[str, Status] = {
    "accepted": "sending",
    "scheduled": "sending",
    "queued": "sending",
    "sending": "sending",
    "sent": "sent",
    "delivered": "delivered",
    "partially_delivered": "delivered",
    "read": "delivered",
    "undelivered": "failed",
    "failed": "failed",
    "canceled": "failed",
}
SIGNATURE = SIGNATURE_HEADER.lower().encode()
SIGNATURE_SETTINGS = SIGNATURE_SETTINGS_HEADER.lower().encode()
LONGEST_PLAIN = 60  # letters; shorter texts are never taken for base64
PRESSED = ("OptOutType", "ButtonPayload", "ListId", "ButtonText", "ListTitle")  # before what stands in Body
MESSAGE_IDS = ("MessageSid", "SmsSid", "SmsMessageSid")


class Twilio:
    """One channel at Twilio."""

    callbacks = frozenset(("sms", "delivery"))
    methods = frozenset(("POST", "GET"))
    json = paths = False
    carriage: Carriage = CARRIAGE

    def __init__(self, channel: Channel, public_url: str) -> None:
        self._name = channel.name
        self._country = channel.country
        self._bases = _with_and_without_port(public_url)
        shared = channel.options.get("shared_key") or channel.key
        self._signers = {HMAC_SHA1: RequestValidator(channel.key), HMAC_SHA256: RequestValidator(shared)}
        self._sender = Sender(channel, public_url)
        self._readers: Mapping[str, Callable[[Form], Sequence[News]]] = {
            "sms": self._sms,
            "delivery": self._delivery,
        }

    def send(self, messages: Sequence[Outgoing]) -> list[Outcome]:
        return self._sender.send(messages)

    def trusts(self, scope: Scope, body: bytes, form: Form) -> bool:
        headers = dict(scope["headers"])
        given = headers.get(SIGNATURE)
        algorithm = get_signature_algorithm(headers.get(SIGNATURE_SETTINGS, b"").decode("latin-1")).upper()
        signer = self._signers.get(algorithm)
        if given is None or signer is None:
            return False
        query = scope["query_string"].decode("latin-1")
        fields: Form | None = None
        if scope["method"] == "POST":
            if is_form(headers.get(b"content-type", b"")):
                fields = form
            elif not _hash_fits(query, body):  # what is no form is covered by its hash in the signed address
                return False
        # The raw path: decoded, `/a%20b` would no longer be what was signed.
        rest = scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
        return any(
            hmac.compare_digest(signer.compute_signature(base + rest, fields, algorithm).encode(), given)
            for base in self._bases
        )

    def read(self, callback: str, form: Form) -> Sequence[News]:
        return self._readers[callback](form)

    def write(self, reply: Reply | None, inbound: Inbound | None) -> Response:
        """That we have it. Replies go through the outbox: a plain text here would be sent as an SMS."""
        return Response("<Response/>", media_type="text/xml")

    def _sms(self, form: Form) -> Sequence[News]:
        sender = form.get("From", "")
        if not sender.strip():
            raise Unreadable("From is missing")
        scheme, colon, rest = sender.rpartition(":")
        number = normalise(rest, self._country)
        if number is None or scheme not in (
            "",
            "whatsapp",
        ):  # a short code, a name, another of Twilio's channels
            return ()
        said, id = _said(form), token(form, *MESSAGE_IDS)
        return (Inbound(self._name, "sms", scheme + colon + number, said, "", id, media=_is_media(form)),)

    def _delivery(self, form: Form) -> Sequence[News]:
        word = clean(form.get("MessageStatus") or form.get("SmsStatus", ""))[:40]
        code = clean(form.get("ErrorCode", ""))[:40]
        status = STATUS.get(word.lower(), "unknown")
        remedy: Remedy = REMEDY.get(code, "") if status == "failed" else ""
        raw = brief(form, *MESSAGE_IDS, "MessageStatus", "SmsStatus", "ErrorCode", "RawDlrDoneDate", "EventType")
        return (DeliveryReport(self._name, token(form, *MESSAGE_IDS), status, word, code, remedy, raw=raw),)


def connect(channel: Channel, public_url: str) -> Twilio:
    if not public_url:
        raise SettingsError("NGAZI_PUBLIC_URL is missing: Twilio signs the address that it calls.")
    if not channel.user or not channel.key:
        raise SettingsError(f"NGAZI_CHANNELS: channel {channel.name} needs twilio://<account sid>:<auth token>@")
    return Twilio(channel, public_url)


def _said(form: Form) -> str:
    """What the person said: the word that Twilio took for an opt-out, what was pressed or chosen, or the text."""
    pressed = next((form[name] for name in PRESSED if form.get(name)), "")
    return clean(pressed or _unwrap(form.get("Body", "")))


def _is_media(form: Form) -> bool:
    """Whether a photo, a voice note, a sticker or a contact (all of them media) came along, or a place on the map."""
    return form.get("NumMedia", "").strip("0 ") != "" or "Latitude" in form


def _unwrap(body: str) -> str:
    """Joined SMS sometimes arrive in base64, as an MMS would."""
    if len(body) <= LONGEST_PLAIN:
        return body
    try:
        text = base64.b64decode(body, validate=True).decode()
    except (binascii.Error, ValueError):
        return body
    return text if all(letter.isprintable() or letter in "\r\n\t" for letter in text) else body


def _hash_fits(query: str, body: bytes) -> bool:
    claimed = parse_qs(query).get("bodySHA256", [""])[0]
    return hmac.compare_digest(hashlib.sha256(body).hexdigest().encode(), claimed.lower().encode())


def _with_and_without_port(url: str) -> tuple[str, ...]:
    """Twilio signs the address now with the default port and now without it."""
    parts = urlsplit(url)
    bare = re.sub(r":\d+$", "", parts.netloc)  # an IPv6 host ends in a bracket
    default = ":443" if parts.scheme == "https" else ":80"
    places = [parts.netloc, bare]
    if parts.netloc == bare:
        places.append(bare + default)
    return tuple(dict.fromkeys(f"{parts.scheme}://{place}{parts.path.rstrip('/')}" for place in places))
