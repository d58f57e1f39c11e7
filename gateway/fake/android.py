"""A fake Android phone as a gateway, in the way of SMS Gateway for Android (capcom6): sending, signed webhooks.

docs: "API", "Webhooks" at docs.sms-gate.app. Addresses of both modes: of the phone itself and of the server.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dialogs.gsm import segment_count
from gateway.fake.basic import credentials
from gateway.fake.courier import STRANGE_WORD, Journey, Post, Step
from gateway.fake.plan import Plan
from gateway.fake.stage import Call, Fake, Refused, Taken, as_json

NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
KEPT = 10_000  # messages that are remembered, so that none is taken twice
DEVICE, WEBHOOK = "fakephone0000000000001", "fakewebhook00000000001"
BAD_NUMBER, HANGS, BROKEN = "03", "99", "50"
NOT_DELIVERED, NOT_SENT = "04", "08"
REASON = "RESULT_ERROR_GENERIC_FAILURE"
SENT, DELIVERED, FAILED = "sms:sent", "sms:delivered", "sms:failed"
TIMES: Mapping[str, str] = {SENT: "sentAt", DELIVERED: "deliveredAt", FAILED: "failedAt"}
PATHS = ("/message", "/messages", "/3rdparty/v1/message", "/3rdparty/v1/messages")


class Android(Fake):
    """POST /messages on the phone itself, /3rdparty/v1/messages on the server; any user and password."""

    title = "Android phone"

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._kept: OrderedDict[str, tuple[str, ...]] = OrderedDict()

    def routes(self) -> list[Route]:
        sending = [Route(path, self.sends, methods=["POST"]) for path in PATHS]
        return [*sending, *(Route(path + "/{id}", self._one, methods=["GET"]) for path in PATHS)]

    def read(self, request: Request, body: bytes) -> Call:
        if not all(credentials(request)):
            raise Refused(_trouble("Unauthorized", 401))
        try:
            given = json.loads(body)
            text = given["textMessage"]["text"] if given.get("textMessage") else given["message"]
            numbers, id, report = given["phoneNumbers"], given.get("id"), given.get("withDeliveryReport")
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Refused(_trouble("failed to parse request: textMessage and phoneNumbers are needed")) from None
        if not isinstance(text, str) or not text or not isinstance(numbers, list) or not numbers:
            raise Refused(_trouble("validation failed: text and phoneNumbers must not be empty"))
        for row, number in enumerate(numbers, 1):
            if not NUMBER.fullmatch(str(number)) or self.ending(str(number)) == BAD_NUMBER:
                raise Refused(_trouble(f"failed to enqueue message: invalid phone number in row {row}"))
        if id and id in self._kept and self.plan.same_id == "conflict":
            raise Refused(_trouble("message with the same ID already exists", 409))
        return Call(numbers, text, "", {"id": str(id or ""), "report": "" if report is False else "yes"})

    def take(self, call: Call) -> Taken:
        given, report = call.about["id"], call.about["report"]
        id = given or self.message_id()
        answer = as_json(_state(id, call.to, "Pending"), 202)
        if given in self._kept:  # the second time: the first answer, and nothing is sent
            return Taken(as_json(_state(id, self._kept[given], "Pending"), 202))
        endings = {self.ending(number) for number in call.to}
        if BROKEN in endings:
            return Taken(self.broken())
        self._kept[id] = tuple(call.to)
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        journeys = []
        if self.plan.reports:
            parts = segment_count(call.text) if report else 0
            journeys = [Journey(id, to, self._words(to, parts), self.plan.reports) for to in call.to]
        return Taken(answer, [(to, id) for to in call.to], journeys, HANGS in endings)

    def _words(self, number: str, parts: int) -> tuple[str, ...]:
        """The events of a message: `delivered` comes once for each part."""
        ending = self.ending(number)
        if ending == NOT_SENT:
            return (FAILED,)
        return (SENT,) if ending == NOT_DELIVERED else (SENT, *(DELIVERED,) * parts)

    def too_many(self, wait: int) -> Response:
        return as_json({"message": "Too Many Requests"}, 429, retry_after=str(wait))

    def broken(self) -> Response:
        return _trouble("failed to handle request", 500)

    def report(self, journey: Journey, step: Step) -> Post:
        word = "sms:" + STRANGE_WORD.lower() if step.word == STRANGE_WORD else step.word
        payload: dict[str, object] = {"messageId": step.id, "phoneNumber": journey.to, "simNumber": 1}
        payload[TIMES.get(word, "at")] = _here()
        if word == SENT:
            payload["partsCount"] = journey.words.count(DELIVERED) or 1
        elif word == FAILED:
            payload["reason"] = REASON
        # The same event, told twice, has the same id.
        event = hashlib.md5(f"{step.id} {journey.to} {step.event}".encode(), usedforsecurity=False).hexdigest()
        return self._signed(journey.url, word, event[:21], payload)

    def said(self, url: str, words: dict[str, str]) -> tuple[str, Post]:
        id = words.get("id") or self.new_id()
        same = hashlib.md5(words["text"].encode(), usedforsecurity=False).hexdigest()[:8]
        payload: dict[str, object] = {
            "messageId": same,  # of the text alone: two people who say the same have the same
            "message": words["text"],
            "sender": words["from"],
            "recipient": words.get("to"),
            "phoneNumber": words["from"],  # its older name
            "simNumber": 1,
            "receivedAt": words.get("date") or _here(),
        }
        return id, self._signed(url, "sms:received", id, payload)

    def _signed(self, url: str, event: str, id: str, payload: dict[str, object]) -> Post:
        told = {"deviceId": DEVICE, "event": event, "id": id, "payload": payload, "webhookId": WEBHOOK}
        body, now = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode(), str(int(time.time()))
        signature = hmac.new(self.plan.key.encode(), body + now.encode(), hashlib.sha256).hexdigest()
        return Post(url, body, (("X-Timestamp", now), ("X-Signature", signature)), "application/json")

    async def _one(self, request: Request) -> Response:
        if not all(credentials(request)):
            return _trouble("Unauthorized", 401)
        id = request.path_params["id"]
        if id not in self._kept:
            return _trouble("message not found", 404)
        last = {NOT_SENT: "Failed", NOT_DELIVERED: "Sent"}.get(self.ending(self._kept[id][0]), "Delivered")
        return as_json(_state(id, self._kept[id], last))


def _trouble(message: str, status: int = 400) -> Response:
    return as_json({"message": message}, status)


def _state(id: str, numbers: Iterable[str], state: str) -> dict[str, object]:
    """A message as the API shows it."""
    recipients = [{"phoneNumber": number, "state": state} for number in numbers]
    known = {"isHashed": False, "isEncrypted": False, "recipients": recipients, "states": {}}
    return {"id": id, "deviceId": DEVICE, "state": state, **known}


def _here() -> str:
    """Now, in the phone's own zone, as it writes it."""
    return datetime.now().astimezone().isoformat(timespec="milliseconds")
