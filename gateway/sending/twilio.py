"""Sending through Twilio: SMS and WhatsApp, one message in a call of its SDK.

With choices a message goes to WhatsApp in a form with buttons, where that fits and Twilio has one.
docs: "Messages resource", "Error and warning dictionary", "Content variables".
"""

from __future__ import annotations

import base64
import json
import logging
import re
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from twilio.base.exceptions import TwilioException
from twilio.http import HttpClient
from twilio.http.response import Response
from twilio.rest import Client

from gateway import providers, sending
from gateway.channels import Channel, SettingsError
from gateway.providers import LONGEST_TOKEN, Carriage, Outcome, Outgoing, Remedy
from gateway.reasons import BAD_NUMBER, STOPPED
from gateway.sending.buttons import filled
from gateway.sending.contents import SERVER, Contents
from gateway.sending.post import Answer, NoAnswer, Post

CARRIAGE = Carriage(most=1, alike=False, calls=32, rate=10.0)
LONGEST_VALIDITY = 36_000  # seconds
WHATSAPP = "whatsapp:"
SHARE = 0.2  # of the time of a call: for the form of its buttons
NOT_ALLOWED = "the provider does not allow our sender, country or text; the error's number says which"
DAY_OVER = "the person last wrote more than 24 hours ago; WhatsApp then takes only an approved template"
NO_TEMPLATE = "the person last wrote more than 24 hours ago, and the channel names no WhatsApp template"
NOT_JOINED = "the person has not joined the provider's WhatsApp sandbox"
_CODES: Mapping[Remedy, str] = {
    "stopped": "21610",
    "bad": "21211 21614 21612 30004 30005 30006 63003 63013 63024 63032 63033",
    "later": "21611 30001 30003 30008 30017 30022 63018",
    "halt": "21212 21408 21603 21606 21609 21655 21656 21659 21660 21703 30007 30018 30024 30032 63007 63027 63028",
    "pause": "20003 20005 30002 30010 30023 63038",
}
REMEDY: Mapping[str, Remedy] = {code: remedy for remedy, codes in _CODES.items() for code in codes.split()}
MEANINGS: Mapping[Remedy, Outcome] = {
    "stopped": Outcome(0, "refused", reason=STOPPED, remedy="stopped"),
    "bad": Outcome(0, "refused", reason=BAD_NUMBER, remedy="bad"),
    "later": Outcome(0, "again", reason=sending.BUSY, remedy="later"),
    "halt": Outcome(0, "refused", reason=NOT_ALLOWED, remedy="halt"),
    "pause": Outcome(0, "again", reason=sending.NO_ACCOUNT, remedy="pause"),
    "": Outcome(0, "refused", reason=sending.REFUSED),
}
OF_VALUES = frozenset(("21656", "21658"))  # the form itself is well
OF_CONTENT = OF_VALUES | {"20404", "21602", "21619", "21654", "21655", "21657", "35127"}
REASONS: Mapping[str, str] = {
    "20003": sending.NO_KEY,
    "21617": sending.TOO_LONG,
    "63015": NOT_JOINED,
    "63016": DAY_OVER,
}


class _Http(HttpClient):  # type: ignore[misc]  # it carries no types
    """What the SDK sends with: its own client ends at no time, logs whom it writes to, and loses Retry-After."""

    def __init__(self, url: str) -> None:
        super().__init__(logging.getLogger(__name__), is_async=False)  # nothing is ever logged there
        self._post = Post(url)
        self._call = threading.local()

    def begin(self, until: float) -> None:
        """A call of this thread, until this moment of time.monotonic()."""
        self._call.until, self._call.answer = until, None

    @property
    def answer(self) -> Answer | None:
        """What came to this thread's last call."""
        answer: Answer | None = self._call.answer
        return answer

    def request(
        self,
        method: str,
        uri: str,
        params: object = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] = ("", ""),
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        """Raises NoAnswer."""
        body = urlencode(data or {}, doseq=True, errors="replace").encode()
        basic = base64.b64encode(":".join(auth).encode()).decode()
        answer = self._post.send(uri, body, {**(headers or {}), "Authorization": f"Basic {basic}"}, self._call.until)
        self._call.answer = answer
        return Response(answer.status, answer.text)


class Sender:
    """Hands the messages of one channel over. Usable by several threads at once."""

    def __init__(self, channel: Channel, public_url: str) -> None:
        """Raises SettingsError."""
        self._from = channel.sender
        self._template = channel.options.get("template", "")
        self._report = ""
        if channel.secrets:
            self._report = f"{public_url.rstrip('/')}/in/{channel.name}/{channel.secrets[0]}/delivery"
        self._http = _Http(channel.base or "https://api.twilio.com")
        # Its own variables would send elsewhere (TWILIO_EDGE), and an empty mapping would stand for all of them.
        client = Client(channel.user, channel.key, http_client=self._http, environment={"TWILIO_EDGE": ""})
        if channel.base:
            client.api.base_url = channel.base
        self._messages = client.messages
        wanted = channel.options.get("buttons", "on")
        if wanted not in ("on", "off"):
            raise SettingsError(f"NGAZI_CHANNELS: buttons of channel {channel.name} is on or off.")
        self._contents = Contents(channel.base or SERVER, channel.user, channel.key) if wanted == "on" else None

    def send(self, messages: Sequence[Outgoing]) -> list[Outcome]:
        """As Provider.send."""
        until = time.monotonic() + providers.CALL_LASTS
        return [replace(self._send(message, until), id=message.id) for message in messages]

    def _send(self, message: Outgoing, until: float) -> Outcome:
        if not message.text:
            return Outcome(0, "refused", reason=sending.EMPTY)
        if len(message.text) > CARRIAGE.longest:
            return Outcome(0, "refused", reason=sending.TOO_LONG)
        fields = self._addressed(message)
        if self._report:
            fields["status_callback"] = self._report
        if message.lasts > 0:
            fields["validity_period"] = min(message.lasts, LONGEST_VALIDITY)
        if not fields["to"].startswith(WHATSAPP):
            return self._create(fields | {"body": message.text}, until)
        if not message.template:
            buttons = self._with_buttons(message, fields, until)
            return buttons or self._create(fields | {"body": message.text}, until)
        if not self._template:
            return Outcome(0, "refused", reason=NO_TEMPLATE)
        # A variable may hold no line break, no tab, and no more than four blanks in a row.
        variables = json.dumps({"1": " ".join(message.text.split())})
        return self._create(fields | {"content_sid": self._template, "content_variables": variables}, until)

    def _with_buttons(self, message: Outgoing, fields: Mapping[str, Any], until: float) -> Outcome | None:
        """What came of the message with buttons; None if it has none, or did not go since Twilio refused them."""
        words = filled(message) if self._contents is not None else None
        if self._contents is None or words is None:
            return None
        sid = self._contents.sid(words.form, min(until, time.monotonic() + SHARE * providers.CALL_LASTS))
        if not sid:
            return None
        outcome = self._create({**fields, "content_sid": sid, "content_variables": words.variables}, until)
        if not _blames_content(outcome):
            return outcome
        if outcome.word not in OF_VALUES:
            self._contents.forget(words.form, outcome.word)
        return None

    def _addressed(self, message: Outgoing) -> dict[str, Any]:
        """From whom to whom: both are WhatsApp's, or none is."""
        to, sender = message.to, self._from
        if sender.startswith(WHATSAPP) and not to.startswith(WHATSAPP):
            to = WHATSAPP + to
        elif to.startswith(WHATSAPP) and sender.startswith("+"):
            sender = WHATSAPP + sender
        fields: dict[str, Any] = {"to": to}
        if sender:
            fields["messaging_service_sid" if sender.startswith("MG") else "from_"] = sender
        return fields

    def _create(self, fields: Mapping[str, Any], until: float) -> Outcome:
        self._http.begin(until)
        try:
            made = self._messages.create(**fields)
        except NoAnswer as error:
            return sending.unsent(error)
        except (TwilioException, ValueError, TypeError, LookupError, AttributeError, RecursionError):
            if self._http.answer is None:  # it is our own fault, and nothing went
                raise
            made = None
        answer = self._http.answer
        assert answer is not None
        return _made(made) if 200 <= answer.status < 300 else _refusal(answer)


def _made(made: Any) -> Outcome:
    """What was made of it: mostly "queued", but it may have failed already. A price comes later, if at all."""
    sid, word, code = (str(getattr(made, name, None) or "") for name in ("sid", "status", "error_code"))
    if not re.fullmatch(rf"[A-Za-z0-9]{{1,{LONGEST_TOKEN}}}", sid, re.ASCII):
        return Outcome(0, "unknown", reason=sending.UNREADABLE)
    if word in ("failed", "undelivered", "canceled"):
        return replace(_coded(code), provider_id=sid)
    word = word if re.fullmatch(r"[a-z_]{1,40}", word) else ""
    return Outcome(0, "delivered" if word in ("delivered", "read") else "sent", sid, word)


def _blames_content(outcome: Outcome) -> bool:
    """Whether it was refused for its form or its variables, or for a reason that we do not know."""
    unknown = outcome.status == "refused" and outcome.reason == sending.REFUSED
    return not outcome.provider_id and (outcome.word in OF_CONTENT or unknown)


def _refusal(answer: Answer) -> Outcome:
    """What an error means: by Twilio's own code, else by the status."""
    try:
        given = json.loads(answer.text).get("code")
    except (ValueError, AttributeError, RecursionError):
        given = None
    code = str(given) if re.fullmatch(r"[1-9][0-9]{4}", str(given), re.ASCII) else ""
    if code == "20429" or answer.status == 429:
        return Outcome(0, "again", word=code or "429", reason=sending.TOO_FAST, wait=answer.wait)
    if answer.status < 500 and (code in REMEDY or code in REASONS or (code and answer.status == 400)):
        return replace(_coded(code), wait=answer.wait)
    return replace(sending.judge(answer, bool(code)), word=code or str(answer.status))


def _coded(code: str) -> Outcome:
    """What one of Twilio's codes means. One that we do not know refuses this one message."""
    meaning = replace(MEANINGS[REMEDY.get(code, "")], word=code)
    return replace(meaning, reason=REASONS.get(code, meaning.reason))
