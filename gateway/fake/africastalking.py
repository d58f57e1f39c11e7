"""A fake Africa's Talking: sending, results by number, delivery reports, incoming SMS.

docs: "Send bulk SMS", "Delivery reports", "Incoming messages" at developers.africastalking.com.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from dialogs.gsm import segment_count
from gateway.fake.courier import Journey, Post, Step
from gateway.fake.stage import Call, Fake, Refused, Taken, as_json
from gateway.forms import is_form, read_form

NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
# What the last two digits of a number mean. All others, and 01, are 101 "Success".
ENDINGS: Mapping[str, tuple[int, str]] = {
    "02": (102, "Queued"),
    "03": (403, "InvalidPhoneNumber"),
    "05": (405, "InsufficientBalance"),
    "06": (406, "UserInBlacklist"),
    "07": (407, "CouldNotRoute"),
    "09": (409, "DoNotDisturbRejection"),
}
BAD_NUMBER = 403, "InvalidPhoneNumber"
BAD_SENDER = "INVALID"  # as `from`: the whole call is refused
HANGS = "99"
# How the reports on a number go that is not simply delivered: with its reason.
REPORTS: Mapping[str, tuple[str, ...]] = {"04": ("Sent", "AbsentSubscriber"), "08": ("Sent", "Failed")}
DELIVERED = ("Sent", "Success")
REASON = "DeliveryFailure"
SMS_COSTS = 0.8  # shillings a part
NETWORK = "99999"  # the network of their sandbox


class AfricasTalking(Fake):
    """POST /version1/messaging with a form, /version1/messaging/bulk with JSON."""

    title = "Africa's Talking"
    prefix = "ATXid_"

    def routes(self) -> list[Route]:
        return [
            Route("/version1/messaging", self.sends, methods=["POST"]),
            Route("/version1/messaging/bulk", self.sends, methods=["POST"]),
            Route("/version1/messaging", self._inbox, methods=["GET"]),
            Route("/version1/user", self._user),
        ]

    def read(self, request: Request, body: bytes) -> Call:
        if refusal := _no_key(request):
            raise Refused(refusal)
        fields = _bulk(body) if request.url.path.endswith("/bulk") else _form(request, body)
        for name in ("username", "to", "message"):
            if not fields.get(name):
                raise Refused(PlainTextResponse(f"Request is missing required form field '{name}'", 400))
        to = [number.strip() for number in fields["to"].split(",")]
        return Call(to, fields["message"], fields.get("from") or "AFRICASTKNG")

    def take(self, call: Call) -> Taken:
        if call.sender == BAD_SENDER:
            return Taken(self._answer("InvalidSenderId", []))
        cost = SMS_COSTS * segment_count(call.text)
        price, reports = f"KES {cost:.4f}", self.plan.reports
        results: list[dict[str, object]] = []
        accepted, journeys, hangs = [], [], False
        for number in call.to:
            ending = self.ending(number)
            code, status = ENDINGS.get(ending, (101, "Success")) if NUMBER.fullmatch(number) else BAD_NUMBER
            id, paid = "None", "0"
            if code < 400:
                id, paid = self.message_id(), price
                hangs |= ending == HANGS
                accepted.append((number, id))
                if reports:
                    journeys.append(Journey(id, number, REPORTS.get(ending, DELIVERED), reports))
            results.append({"statusCode": code, "number": number, "status": status, "cost": paid, "messageId": id})
        if self.plan.shuffle:
            self.chance.shuffle(results)
        told = f"Sent to {len(accepted)}/{len(results)} Total Cost: KES {cost * len(accepted):.4f}"
        return Taken(self._answer(told, results), accepted, journeys, hangs)

    def _answer(self, told: str, results: list[dict[str, object]]) -> Response:
        # Their SDK for Python gives a dict only if the type is exactly "application/json", else the text.
        media_type = "application/json; charset=utf-8" if self.plan.charset else "application/json"
        return as_json({"SMSMessageData": {"Message": told, "Recipients": results}}, 201, media_type)

    def too_many(self, wait: int) -> Response:
        return PlainTextResponse("Too Many Requests", 429, {"retry-after": str(wait)})

    def broken(self) -> Response:
        return PlainTextResponse("There was an internal server error.", 500)

    def report(self, journey: Journey, step: Step) -> Post:
        fields = {"id": step.id, "status": step.word, "phoneNumber": journey.to, "networkCode": NETWORK}
        if step.word == "Failed":
            fields["failureReason"] = REASON
        return Post(journey.url, urlencode(fields | {"retryCount": "0"}).encode())

    def said(self, url: str, words: dict[str, str]) -> tuple[str, Post]:
        id = words.get("id") or self.new_id()
        fields = {
            "date": words.get("date") or datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S"),
            "from": words["from"],
            "id": id,
            "linkId": self.new_id(),
            "text": words["text"],
            "to": words.get("to", "21512"),
            "cost": "KES 0.00",
            "networkCode": NETWORK,
        }
        return id, Post(url, urlencode(fields).encode())

    async def _inbox(self, request: Request) -> Response:
        return _no_key(request) or as_json({"SMSMessageData": {"Messages": []}})

    async def _user(self, request: Request) -> Response:
        return _no_key(request) or as_json({"UserData": {"balance": "KES 1785.50"}})


def _no_key(request: Request) -> Response | None:
    """The refusal of a call without a key; any key is good."""
    if request.headers.get("apikey"):
        return None
    return PlainTextResponse("The supplied authentication is invalid", 401)


def _form(request: Request, body: bytes) -> Mapping[str, str]:
    if not is_form(request.headers.get("content-type", "").encode("latin-1")):
        raise Refused(PlainTextResponse("The request's Content-Type is not supported", 415))
    return read_form(body)


def _bulk(body: bytes) -> Mapping[str, str]:
    """The JSON of the bulk address, under the names of the form."""
    try:
        given = json.loads(body)
        to, sender = ",".join(given.get("phoneNumbers") or ()), str(given.get("senderId", ""))
        return {"username": given.get("username", ""), "to": to, "message": given.get("message", ""), "from": sender}
    except (ValueError, AttributeError, TypeError):
        raise Refused(PlainTextResponse("The request content was malformed", 400)) from None
