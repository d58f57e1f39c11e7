"""Africa's Talking: USSD and SMS in Africa. It signs nothing, so the secret in the address is the lock.

Its documentation: "Handle sessions", "Incoming messages", "Delivery reports", "Bulk SMS opt out".
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping, Sequence

from starlette.responses import PlainTextResponse, Response
from starlette.types import Scope

from dialogs.inbound import Inbound, Reply
from gateway.channels import Channel
from gateway.forms import Form
from gateway.numbers import normalise
from gateway.providers import (
    LONGEST_TOKEN,
    Carriage,
    DeliveryReport,
    Ended,
    Ending,
    News,
    OptOut,
    Outcome,
    Outgoing,
    Remedy,
    Status,
    Unreadable,
    brief,
    clean,
    token,
)
from gateway.sending.africastalking import CARRIAGE, Sender

STATUS: Mapping[str, Status] = {
    "sent": "sent",
    "submitted": "sent",
    "buffered": "sent",
    "success": "delivered",
    "rejected": "failed",
    "failed": "failed",
    "absentsubscriber": "failed",
    "expired": "failed",  # a telco's firewall held it back; not our own expiry
}
REMEDY: Mapping[str, Remedy] = {
    "absentsubscriber": "later",
    "donotdisturbrejection": "later",
    "userinblacklist": "stopped",
    "userdoesnotexist": "bad",
    "userisinactive": "bad",
    "notnetworksubcriber": "bad",  # sic
    "notnetworksubscriber": "bad",
}
ENDINGS: Mapping[str, Ending] = {"success": "done", "incomplete": "left"}


class AfricasTalking:
    """One channel at Africa's Talking."""

    callbacks = frozenset(("ussd", "ussd-end", "sms", "delivery", "optout"))
    methods = frozenset(("POST",))
    json = paths = False
    carriage: Carriage = CARRIAGE

    def __init__(self, channel: Channel) -> None:
        self._name = channel.name
        self._country = channel.country
        self._strip = channel.strip
        self._sender = Sender(channel)
        self._hashing = (channel.key or "".join(channel.secrets)).encode()
        self._readers: Mapping[str, Callable[[Form], Sequence[News]]] = {
            "ussd": self._ussd,
            "ussd-end": self._ussd_end,
            "sms": self._sms,
            "delivery": self._delivery,
            "optout": self._optout,
        }

    def send(self, messages: Sequence[Outgoing]) -> list[Outcome]:
        return self._sender.send(messages)

    def trusts(self, scope: Scope, body: bytes, form: Form) -> bool:
        """Always: there is no signature to check."""
        return True

    def read(self, callback: str, form: Form) -> Sequence[News]:
        return self._readers[callback](form)

    def write(self, reply: Reply | None, inbound: Inbound | None) -> Response:
        if reply is None or inbound is None or inbound.kind != "ussd":
            return PlainTextResponse("")
        # The word must stand at byte 0, with one blank: else Africa's Talking ends the session.
        return PlainTextResponse(f"{'CON' if reply.more else 'END'} {reply.text}")

    def _ussd(self, form: Form) -> Sequence[News]:
        text = clean(form.get("text", ""))
        if self._strip:
            text = "*".join(text.split("*")[self._strip :])
        session = token(form, "sessionId")
        return (Inbound(self._name, "ussd", self._number(form, "phoneNumber"), text, session, "", whole=True),)

    def _ussd_end(self, form: Form) -> Sequence[News]:
        how = ENDINGS.get(form.get("status", "").strip().lower(), "failed")
        reason = clean(form.get("errorMessage", ""))[:LONGEST_TOKEN]
        cost = clean(form.get("cost", ""))[:LONGEST_TOKEN]
        return (Ended(self._name, token(form, "sessionId"), how, reason, cost),)

    def _sms(self, form: Form) -> Sequence[News]:
        sender = form.get("from", "")
        if not sender.strip():
            raise Unreadable("from is missing")
        address = normalise(sender, self._country)
        if address is None:  # a telco's own message: from a name or a short code, nobody to answer
            return ()
        text = clean(form.get("text", ""))
        return (Inbound(self._name, "sms", address, text, "", self._sms_id(form, address, text)),)

    def _sms_id(self, form: Form, address: str, text: str) -> str:
        """Its id; else a keyed hash of what it is, since it comes every minute until it was acknowledged."""
        given = form.get("id", "")
        if given and len(given) <= LONGEST_TOKEN and given.isprintable():
            return given
        date = form.get("date", "")
        if not given and not date:  # nothing tells a repeat from the same answer given again
            return f"none:{secrets.token_hex(16)}"
        whole = "\0".join((given, date, address, text))
        return "hash:" + hmac.digest(self._hashing, whole.encode(), hashlib.sha256).hex()[:32]

    def _delivery(self, form: Form) -> Sequence[News]:
        word = clean(form.get("status", "")).strip()[:LONGEST_TOKEN]
        reason = clean(form.get("failureReason", "")).strip()[:LONGEST_TOKEN]
        status = STATUS.get(word.lower(), "unknown")
        remedy: Remedy = ""
        if status == "failed":
            remedy = REMEDY.get(reason.lower()) or REMEDY.get(word.lower(), "")
        raw = brief(form, "id", "status", "failureReason", "networkCode", "retryCount")
        return (DeliveryReport(self._name, token(form, "id"), status, word, reason, remedy, raw=raw),)

    def _optout(self, form: Form) -> Sequence[News]:
        sender = clean(form.get("senderId", ""))[:LONGEST_TOKEN]
        return (OptOut(self._name, self._number(form, "phoneNumber"), sender),)

    def _number(self, form: Form, name: str) -> str:
        number = normalise(form.get(name, ""), self._country)
        if number is None:
            raise Unreadable(f"{name} is missing, or is no phone number")
        return number


def connect(channel: Channel, public_url: str) -> AfricasTalking:
    return AfricasTalking(channel)
