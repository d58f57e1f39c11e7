"""A fake Twilio: sending, errors by number, signed status callbacks, signed incoming messages and presses, the lists of
messages and of contents.

docs: "Messages resource", "Outbound message status in status callbacks", "Test credentials" (the magic numbers).
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from twilio.request_validator import SIGNATURE_HEADER, RequestValidator

from dialogs.gsm import segment_count
from gateway.fake import contents
from gateway.fake.basic import credentials
from gateway.fake.courier import Journey, Post, Step
from gateway.fake.plan import Plan, on_this_machine
from gateway.fake.stage import Call, Fake, Refused, Taken, as_json
from gateway.forms import read_form

NUMBER = re.compile(r"(?:whatsapp:)?\+[1-9][0-9]{6,14}")
LONGEST = 1600  # letters
KEPT = 4096  # messages and numbers that are remembered
ERRORS: Mapping[int, tuple[int, str]] = {
    20001: (400, "Invalid parameter"),
    20003: (401, "Authenticate"),
    20404: (404, "The requested resource was not found"),
    20429: (429, "Too Many Requests"),
    20500: (500, "An internal server error has occurred"),
    21211: (400, "Invalid 'To' Phone Number"),
    21212: (400, "Invalid From Number (caller ID)"),
    21408: (400, "Permission to send an SMS has not been enabled for the region indicated by the 'To' number"),
    21602: (400, "Message body is required."),
    21603: (400, "A 'From' phone number is required."),
    21604: (400, "A 'To' phone number is required."),
    21606: (400, "The 'From' phone number provided is not a valid, SMS-capable phone number for your account"),
    21609: (400, "The 'StatusCallback' URL is not on this machine; this fake Twilio calls nobody else"),
    21610: (400, "Attempt to send to unsubscribed recipient"),
    21611: (400, "This 'From' number has exceeded the maximum number of queued messages"),
    21612: (400, "The 'To' phone number is not currently reachable using the 'From' phone number"),
    21614: (400, "'To' number is not a valid mobile number"),
    21655: (400, "The ContentSid is Invalid"),
    21656: (400, "The ContentVariables Parameter is invalid"),
    21658: (400, "Parameter exceeded character limit"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit"),
}
# What the last two digits of a number mean: the whole call is refused.
ENDINGS: Mapping[str, int] = {"03": 21211, "05": 20003, "06": 21610, "07": 21606, "50": 20500}
BUSY_ONCE, HANGS = "29", "99"
# How the reports on a number go that is not simply delivered: with the code of the error.
REPORTS: Mapping[str, int] = {"04": 30003, "08": 30008}
MAGIC_TO: Mapping[str, int] = {
    "+15005550001": 21211,
    "+15005550002": 21612,
    "+15005550003": 21408,
    "+15005550004": 21610,
    "+15005550009": 21614,
}
MAGIC_FROM: Mapping[str, int] = {"+15005550001": 21212, "+15005550007": 21606, "+15005550008": 21611}
NOBODY = "AC" + "0" * 32


class Twilio(Fake):
    """/2010-04-01/Accounts/{account}/Messages.json and /v1/Content, for any account and token."""

    title = "Twilio"
    prefix = "SM"
    again = (1,)  # Twilio tries once more, and only if there was no connection
    stubborn = False

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._kept: OrderedDict[str, dict[str, object]] = OrderedDict()
        self._busy: OrderedDict[str, None] = OrderedDict()
        self._account, self._token = NOBODY, plan.token
        self.contents = contents.Contents()

    def routes(self) -> list[Route]:
        messages = "/2010-04-01/Accounts/{account}/Messages"
        return [
            Route(messages + ".json", self.sends, methods=["POST"]),
            Route(messages + ".json", self._list, methods=["GET"]),
            Route(messages + "/{sid}.json", self._one, methods=["GET"]),
            Route("/v1/Content", self._make, methods=["POST"]),
            Route("/v1/Content", self._contents, methods=["GET"]),
            Route("/v1/Content/{sid}", self._drop, methods=["DELETE"]),
        ]

    def read(self, request: Request, body: bytes) -> Call:
        account, token = _who(request)
        fields = read_form(body)
        to, text, callback = fields.get("To", ""), fields.get("Body", ""), fields.get("StatusCallback", "")
        sender, service = fields.get("From", ""), fields.get("MessagingServiceSid", "")
        if not to:
            raise Refused(error(21604))
        if not sender and not service:
            raise Refused(error(21603))
        if not (text or fields.get("ContentSid") or fields.get("MediaUrl")):
            raise Refused(error(21602))
        if len(text) > LONGEST:
            raise Refused(error(21617))
        if callback and not on_this_machine(callback):
            raise Refused(error(21609))
        if account.startswith("AC"):  # the password of an API key (SK...) signs nothing
            self._account, self._token = account, token
        content = fields.get("ContentSid", "")
        if content:
            text = self._filled(content, fields.get("ContentVariables", "")).text
        about = {"account": account, "token": token, "service": service, "url": callback or self.plan.reports}
        about |= {"content": content, "variables": fields.get("ContentVariables", "")}
        return Call([to], text, sender, about)

    def take(self, call: Call) -> Taken:
        to, about = call.to[0], call.about
        ending = self.ending(to)
        if code := self._refusal(to, call.sender, ending):
            return Taken(self.too_many(1) if code == 20429 else error(code))
        sid = self.message_id()
        message = _message(sid, call)
        self._kept[sid] = message
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        if about["content"]:
            self.contents.show(to, self._filled(about["content"], about["variables"]))
        journeys = []
        if about["url"]:
            words = ("queued", "sent", "undelivered" if ending in REPORTS else "delivered")
            names = call.sender, about["account"], about["token"], about["service"]
            journeys.append(Journey(sid, to, words, about["url"], *names))
        return Taken(as_json(message, 201), [(to, sid)], journeys, ending == HANGS)

    def _refusal(self, to: str, sender: str, ending: str) -> int:
        """The code why this is not taken; 0 if it is."""
        if not NUMBER.fullmatch(to):
            return 21211
        if self.plan.plain:
            return 0
        code = MAGIC_TO.get(to) or MAGIC_FROM.get(sender) or ENDINGS.get(ending)
        if code or ending != BUSY_ONCE or to in self._busy:
            return code or 0
        self._busy[to] = None
        if len(self._busy) > KEPT:
            self._busy.popitem(last=False)
        return 20429

    def too_many(self, wait: int) -> Response:
        return error(20429, retry_after=str(wait))

    def broken(self) -> Response:
        return error(20500)

    def report(self, journey: Journey, step: Step) -> Post:
        fields = {
            "MessageSid": step.id,
            "MessageStatus": step.word,
            "SmsSid": step.id,
            "SmsStatus": step.word,
            "From": journey.sender,
            "To": journey.to,
            "AccountSid": journey.account,
            "ApiVersion": "2010-04-01",
        }
        if journey.service:
            fields["MessagingServiceSid"] = journey.service
        if step.word == "undelivered":
            fields["ErrorCode"] = str(REPORTS.get(self.ending(journey.to), 30008))
        return _signed(journey.url, fields, journey.token)

    def said(self, url: str, words: dict[str, str]) -> tuple[str, Post]:
        if not self._token:
            told = "This call would be signed with the auth token: send something first, or start with --token\n"
            raise Refused(Response(told, 409, media_type="text/plain"))
        sid = words.get("id") or self.message_id()
        fields = {
            "ToCountry": "US",
            "MessageSid": sid,
            "SmsSid": sid,
            "SmsMessageSid": sid,
            "AccountSid": self._account,
            "From": words["from"],
            "To": words.get("to", "+15005550006"),
            "Body": words["text"],
            "NumMedia": words.get("media", "0"),
            "NumSegments": str(segment_count(words["text"])),
            "SmsStatus": "received",
            "FromCity": "",
            "ApiVersion": "2010-04-01",
        }
        if "place" in words:
            fields["Latitude"], _, fields["Longitude"] = words["place"].partition(",")
        fields |= self._pressed(words)
        # A repeat of a webhook carries the token of the first one.
        return sid, _signed(url, fields, self._token, ("I-Twilio-Idempotency-Token", sid[2:]))

    def _pressed(self, words: dict[str, str]) -> dict[str, str]:
        """What a press brings: of the newest button with these words, or with this payload. Raises Refused."""
        if "payload" in words:
            return contents.pressed(words.get("press", ""), words["payload"], "list" in words)
        if "press" not in words:
            return {}
        found = self.contents.press(words["from"], words["press"])
        if found is None:
            raise Refused(Response("This number was sent no such button\n", 409, media_type="text/plain"))
        return found

    def _filled(self, sid: str, variables: str) -> contents.Shown:
        """Raises Refused."""
        try:
            return self.contents.fill(sid, variables)
        except contents.Wrong as wrong:
            raise Refused(error(wrong.code)) from None

    async def _make(self, request: Request) -> Response:
        try:
            account = _key_of(request)
            return as_json(self.contents.make(account, "HX" + self.new_id(), await request.body()), 201)
        except Refused as refused:
            return refused.answer
        except contents.Wrong as wrong:
            return error(wrong.code)

    async def _contents(self, request: Request) -> Response:
        try:
            account = _key_of(request)
        except Refused as refused:
            return refused.answer
        asked = {name: int(each) for name, each in request.query_params.items() if each.isdecimal() and len(each) < 6}
        place = str(request.url.replace(query=""))
        return as_json(self.contents.page(account, place, asked.get("PageSize", 50), asked.get("Page", 0)))

    async def _drop(self, request: Request) -> Response:
        try:
            _key_of(request)
        except Refused as refused:
            return refused.answer
        return Response(status_code=204) if self.contents.drop(request.path_params["sid"]) else error(20404)

    async def _list(self, request: Request) -> Response:
        try:
            account, _ = _who(request)
        except Refused as refused:
            return refused.answer
        asked = request.query_params
        wanted = {name.lower(): asked[name] for name in ("To", "From") if asked.get(name)}
        size = min(int(asked["PageSize"]), 1000) if asked.get("PageSize", "").isdecimal() else 50
        found = [
            message
            for message in reversed(self._kept.values())
            if message["account_sid"] == account and all(message[name] == value for name, value in wanted.items())
        ][:size]
        place = request.url.path
        last = max(len(found) - 1, 0)
        page = {"page": 0, "page_size": size, "start": 0, "end": last, "uri": place, "first_page_uri": place}
        return as_json({"messages": found, **page, "next_page_uri": None, "previous_page_uri": None})

    async def _one(self, request: Request) -> Response:
        try:
            _who(request)
        except Refused as refused:
            return refused.answer
        message = self._kept.get(request.path_params["sid"])
        return error(20404) if message is None else as_json(message)


def _who(request: Request) -> tuple[str, str]:
    """The account of the address and the token. Raises Refused."""
    user, password = credentials(request)
    account: str = request.path_params["account"]
    if not password or (user != account and not user.startswith("SK")):
        raise Refused(error(20003))
    return account, password


def _key_of(request: Request) -> str:
    """The account of a call whose address names none. Raises Refused."""
    user, password = credentials(request)
    if not user or not password:
        raise Refused(error(20003))
    return user


def error(code: int, **headers: str) -> Response:
    """The JSON that says what is wrong."""
    status, message = ERRORS[code]
    more = f"https://www.twilio.com/docs/errors/{code}"
    return as_json({"code": code, "message": message, "more_info": more, "status": status}, status, **headers)


def _signed(url: str, fields: dict[str, str], token: str, *headers: tuple[str, str]) -> Post:
    """The call with the signature over the address and all fields. The fragment is not sent."""
    url = url.partition("#")[0]
    signature = RequestValidator(token).compute_signature(url, fields)
    return Post(url, urlencode(fields).encode(), (*headers, (SIGNATURE_HEADER, signature)))


def _message(sid: str, call: Call) -> dict[str, object]:
    """The message as the API shows it."""
    now = format_datetime(datetime.now(UTC))
    account, service = call.about["account"], call.about["service"]
    uri = f"/2010-04-01/Accounts/{account}/Messages/{sid}"
    return {
        "account_sid": account,
        "api_version": "2010-04-01",
        "body": call.text,
        "date_created": now,
        "date_sent": None,
        "date_updated": now,
        "direction": "outbound-api",
        "error_code": None,
        "error_message": None,
        "from": call.sender or None,
        "messaging_service_sid": service or None,
        "num_media": "0",
        # With a service nobody knows the sender yet, and so not the parts.
        "num_segments": str(segment_count(call.text)) if call.sender else "0",
        "price": None,
        "price_unit": "USD",
        "sid": sid,
        "status": "queued" if call.sender else "accepted",
        "subresource_uris": {"media": uri + "/Media.json"},
        "tags": None,
        "to": call.to[0],
        "uri": uri + ".json",
    }
