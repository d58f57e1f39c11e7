"""Sending through Africa's Talking: one text to up to 100 numbers in one call of its SDK.

Its documentation: "Sending bulk SMS", "SMS status codes".
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from africastalking.SMS import SMSService

from gateway import providers, sending
from gateway.channels import Channel, SettingsError
from gateway.providers import LONGEST_TOKEN, Carriage, Outcome, Outgoing
from gateway.reasons import BAD_NUMBER, STOPPED
from gateway.sending.post import Answer, NoAnswer, Post

# How many numbers one call may hold is published nowhere. A hundred keep small what a lost answer leaves unknown.
CARRIAGE = Carriage(most=100, alike=True, calls=6, rate=100.0)
BY_DAY = 3600.0  # seconds; the hours of promotional texts in Nigeria are 08:00 to 20:00
RISK = "the provider holds our messages back as a risk"
SENDER = "the provider does not know our sender name"
NO_ROUTE = "no network carries our messages to this number"
HOURS = "the network takes such messages only by day"
NONE_TAKEN = "the provider took none of the messages of this call"
UNNAMED = "the provider said nothing of this number; nobody can tell whether it went"
NO_WHATSAPP = "this channel carries no WhatsApp"
NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")  # no comma, no line break: the numbers of a call stand in one line


# By status code; 100, 101 and 102 are all "we have it".
MEANINGS: Mapping[int, Outcome] = {
    100: Outcome(0, "sent"),
    101: Outcome(0, "sent"),
    102: Outcome(0, "sent"),
    401: Outcome(0, "refused", reason=RISK, remedy="halt"),
    402: Outcome(0, "refused", reason=SENDER, remedy="halt"),
    403: Outcome(0, "refused", reason=BAD_NUMBER, remedy="bad"),
    404: Outcome(0, "refused", reason=BAD_NUMBER, remedy="bad"),
    405: Outcome(0, "again", reason=sending.NO_MONEY, remedy="pause"),
    406: Outcome(0, "refused", reason=STOPPED, remedy="stopped"),
    407: Outcome(0, "refused", reason=NO_ROUTE),
    409: Outcome(0, "again", reason=HOURS, remedy="later", wait=BY_DAY),
    500: Outcome(0, "again", reason=sending.FAULT),
    501: Outcome(0, "again", reason=sending.FAULT),
    502: Outcome(0, "refused", reason=sending.REFUSED),
}
OF_ONE_NUMBER = frozenset((403, 404, 406, 407))
WORDS: Mapping[str, int] = {
    "RiskHold": 401,
    "InvalidSenderId": 402,
    "InvalidPhoneNumber": 403,
    "UnsupportedNumberType": 404,
    "InsufficientBalance": 405,
    "UserInBlacklist": 406,
    "CouldNotRoute": 407,
    "DoNotDisturbRejection": 409,
    "InternalServerError": 500,
    "GatewayError": 501,
    "RejectedByGateway": 502,
}


class _Service(SMSService):  # type: ignore[misc]  # it carries no types
    """The SDK's SMS service with our POST beneath: its own loses the status, and has no end in time.

    Its `_make_url` is where an address can be changed; there is no option for it.
    """

    def __init__(self, user: str, key: str, base: str) -> None:
        super().__init__(user, key)
        if base:
            self._baseUrl = self._contentUrl = f"{base}/version1"
        self._post = Post(self._baseUrl)
        self._call = threading.local()

    def hand_over(self, text: str, numbers: list[str], sender: str, until: float) -> Answer:
        """Raises NoAnswer."""
        self._call.until = until
        answer: Answer = self.send(text, numbers, sender or None)
        return answer

    def _make_request(self, url: str, method: str, headers: Mapping[str, str], data: Any, *_: Any, **__: Any) -> Answer:
        body = urlencode(data, errors="replace").encode()
        form = {**headers, "Content-Type": "application/x-www-form-urlencoded"}
        return self._post.send(url, body, form, self._call.until)


class Sender:
    """Hands the messages of one channel over. Usable by several threads at once."""

    def __init__(self, channel: Channel) -> None:
        """Raises SettingsError."""
        if not (channel.key.isascii() and channel.key.isprintable()):
            raise SettingsError(f"NGAZI_CHANNELS: the key of channel {channel.name} has letters that no key has.")
        self._from = channel.sender
        self._service = _Service(channel.user, channel.key, channel.base)

    def send(self, messages: Sequence[Outgoing]) -> list[Outcome]:
        """As Provider.send."""
        until = time.monotonic() + providers.CALL_LASTS
        outcomes: dict[int, Outcome] = {}
        good: list[Outgoing] = []
        for message in messages:  # one bad number would make the SDK refuse all of them
            fault = _fault(message)
            if fault is not None:
                outcomes[message.id] = fault
            elif good and message.text != good[0].text:
                outcomes[message.id] = Outcome(message.id, "again")  # never a text to somebody it is not for
            else:
                good.append(message)
        if good:
            outcomes.update((outcome.id, outcome) for outcome in self._hand_over(good, until))
        return [outcomes[message.id] for message in messages]

    def _hand_over(self, messages: Sequence[Outgoing], until: float) -> list[Outcome]:
        try:
            answer = self._service.hand_over(messages[0].text, [each.to for each in messages], self._from, until)
        except NoAnswer as error:
            return _all(messages, sending.unsent(error))
        if not 200 <= answer.status < 300:
            return _all(messages, _whole(answer, len(messages)))
        try:
            data = json.loads(answer.text)["SMSMessageData"]
            found, said = data.get("Recipients") or [], str(data.get("Message", ""))
            recipients = [each for each in found if isinstance(each, dict)]
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
            return _all(messages, Outcome(0, "unknown", reason=sending.UNREADABLE))
        if not recipients:
            nothing = Outcome(0, "unknown", reason=sending.UNREADABLE)
            return _all(messages, _worded(said, len(messages)) or nothing)
        return _matched(messages, recipients)


def _fault(message: Outgoing) -> Outcome | None:
    """Why a message cannot be handed over at all."""
    if message.to.startswith("whatsapp:"):
        return Outcome(message.id, "refused", reason=NO_WHATSAPP)
    if not NUMBER.fullmatch(message.to):
        return Outcome(message.id, "refused", reason=BAD_NUMBER, remedy="bad")
    if not message.text:
        return Outcome(message.id, "refused", reason=sending.EMPTY)
    if len(message.text) > CARRIAGE.longest:
        return Outcome(message.id, "refused", reason=sending.TOO_LONG)
    return None


def _all(messages: Sequence[Outgoing], outcome: Outcome) -> list[Outcome]:
    return [replace(outcome, id=message.id) for message in messages]


def _whole(answer: Answer, many: int) -> Outcome:
    """What an answer other than 2xx means; it is one sentence of text, now and then with a status word."""
    if answer.status == 409:  # at night, for every number of a promotional sender
        return replace(MEANINGS[409], word="409")
    told = bool(answer.text.strip()) and not answer.text.lstrip().startswith("<")
    worded = _worded(answer.text, many) if told and answer.status < 500 else None
    return worded or sending.judge(answer, told)


def _worded(said: str, many: int) -> Outcome | None:
    """What a sentence about the whole call means; None if no status word is in it."""
    letters = re.sub(r"[^a-z]", "", said[:1000].lower())
    word = next((word for word in WORDS if word.lower() in letters), None)
    if word is None:
        return None
    if many > 1 and WORDS[word] in OF_ONE_NUMBER:  # it does not say whose
        return Outcome(0, "again", word=word, reason=NONE_TAKEN)
    return replace(MEANINGS[WORDS[word]], word=word)


def _matched(messages: Sequence[Outgoing], recipients: Sequence[Mapping[str, Any]]) -> list[Outcome]:
    """Each message with what was said of its number: the list may have another order, and holes."""
    said: defaultdict[str, deque[Mapping[str, Any]]] = defaultdict(deque)
    for each in recipients:
        said[_digits(each.get("number"))].append(each)
    missing = Outcome(0, "unknown", reason=UNNAMED)
    outcomes = []
    for message in messages:
        mine = said[_digits(message.to)]
        outcomes.append(replace(_one(mine.popleft()) if mine else missing, id=message.id))
    return outcomes


def _one(recipient: Mapping[str, Any]) -> Outcome:
    """What was said of one number. "Success" means that it was taken, not that it came."""
    word, code, cost = (str(recipient.get(name) or "") for name in ("status", "statusCode", "cost"))
    word = word if re.fullmatch(r"[A-Za-z ]{1,40}", word) else ""
    if re.fullmatch(r"[0-9]{3}", code, re.ASCII):
        meaning = MEANINGS.get(int(code))
    else:
        meaning = MEANINGS[101] if word == "Success" else MEANINGS.get(WORDS.get(word, 0))
    if meaning is None:
        return Outcome(0, "unknown", word=word or code[:3], reason=sending.UNREADABLE)
    given = str(recipient.get("messageId") or "")
    known = given != "None" and len(given) <= LONGEST_TOKEN and given.isprintable()  # "None" is what it writes
    cost = cost if re.fullmatch(r"[A-Z]{0,3} ?[0-9.]{1,20}", cost, re.ASCII) else ""
    return replace(meaning, provider_id=given if known else "", word=word or code, cost=cost)


def _digits(number: object) -> str:
    return re.sub(r"[^0-9]", "", str(number))
