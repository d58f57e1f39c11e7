"""What all fake providers do alike with a call: look at it, let it fail as planned, take it, log it, report on it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict
from random import Random
from secrets import token_hex
from time import monotonic
from typing import Any, ClassVar, NamedTuple

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from gateway.fake.courier import Courier, Journey, Post, Step
from gateway.fake.diary import Diary
from gateway.fake.faults import Faults
from gateway.fake.plan import Plan

HANGS = 60.0  # seconds without an answer; callers give up long before


class Call(NamedTuple):
    """What a call asks for: one text to several numbers."""

    to: Sequence[str]
    text: str
    sender: str
    about: dict[str, str] = {}  # noqa: RUF012  never written to: what else the provider needs for its answer


class Taken(NamedTuple):
    """The answer to a call, and what was accepted of it. `hangs`: the answer is never given."""

    answer: Response
    accepted: Sequence[tuple[str, str]] = ()  # number, id
    journeys: Sequence[Journey] = ()
    hangs: bool = False


class Refused(Exception):
    """The call is not taken; `answer` says why."""

    def __init__(self, answer: Response) -> None:
        self.answer = answer


class Fake(ABC):
    """One fake provider, an ASGI application. Bound to the event loop in which its first call comes."""

    title: ClassVar[str]
    prefix: ClassVar[str] = ""  # how the ids of its messages begin
    again: ClassVar[Sequence[float]] = (1, 2, 4, 8, 16)  # seconds before each further try of a report
    stubborn: ClassVar[bool] = True

    def __init__(self, plan: Plan) -> None:
        """Raises OSError if the log cannot be written."""
        self.plan = plan
        self.diary = Diary(plan.log)
        self.chance = Random(plan.seed)
        self.faults = Faults(plan, self.chance, monotonic)
        self._run, self._last = token_hex(8), 0  # ids never come again, whatever the seed
        self._courier: Courier | None = None
        say, counts = Route("/_say", self._say, methods=["POST"]), Route("/_counts", self._counts)
        self._app = Starlette(routes=[*self.routes(), say, counts])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except asyncio.CancelledError:  # the fake is stopped while somebody waits for an answer
            with contextlib.suppress(OSError, RuntimeError):
                await PlainTextResponse("Stopped", 503)(scope, receive, send)

    @abstractmethod
    def routes(self) -> list[Route]:
        """The provider's own addresses."""

    @abstractmethod
    def read(self, request: Request, body: bytes) -> Call:
        """What the call asks for. Raises Refused."""

    @abstractmethod
    def take(self, call: Call) -> Taken:
        """Accept or refuse each message."""

    @abstractmethod
    def too_many(self, wait: int) -> Response:
        """The answer 429."""

    @abstractmethod
    def broken(self) -> Response:
        """The answer 500."""

    @abstractmethod
    def report(self, journey: Journey, step: Step) -> Post:
        """One report about a message."""

    @abstractmethod
    def said(self, url: str, words: dict[str, str]) -> tuple[str, Post]:
        """A message that comes in: its id and how it is brought. Raises Refused."""

    @property
    def courier(self) -> Courier:
        if self._courier is None:
            plan, counts = self.plan, self.diary.counts
            write, after = self.report, plan.first_report
            self._courier = Courier(write, counts, plan.style, after, self.message_id, self.again, self.stubborn)
        return self._courier

    def new_id(self) -> str:
        """32 hexadecimal digits, never the same again."""
        self._last += 1
        return f"{self._run}{self._last:016x}"

    def message_id(self) -> str:
        """The id of a message that is accepted."""
        return self.prefix + self.new_id()

    def ending(self, number: str) -> str:
        """The last two digits of a number, which mean something; "" if they should not."""
        return "" if self.plan.plain else number[-2:]

    async def sends(self, request: Request) -> Response:
        """The endpoint for sending."""
        counts, plan = self.diary.counts, self.plan
        counts.calls += 1
        body = await request.body()
        try:
            call = self.read(request, body)
        except Refused as refused:
            counts.unauthorised += refused.answer.status_code == 401
            return refused.answer
        if wait := self.faults.wait(len(call.to)):
            counts.limited += 1
            return self.too_many(wait)
        verdict = self.faults.next()
        if verdict == "error":
            counts.errors += 1
            await asyncio.sleep(plan.delay)
            return self.broken()
        if verdict == "hang-before":
            return await self._hang(request)
        taken = self.take(call)
        self.diary.accepted(call.text, call.sender, taken.accepted)
        counts.refused += len(call.to) - len(taken.accepted)
        if plan.style == "early":
            await self.courier.at_once(taken.journeys)
        elif taken.journeys:
            self.courier.later(taken.journeys, plan.delay)
        if taken.hangs or verdict == "hang-after":
            return await self._hang(request)
        if plan.delay:
            await asyncio.sleep(plan.delay)
        return taken.answer

    def stop(self) -> None:
        """Let go of what it holds."""
        if self._courier is not None:
            self._courier.stop()
        self.diary.close()

    async def _hang(self, request: Request) -> Response:
        """No answer, until the caller gives up."""
        self.diary.counts.hung += 1
        with contextlib.suppress(TimeoutError, ClientDisconnect):
            async with asyncio.timeout(HANGS):
                while (await request.receive())["type"] != "http.disconnect":
                    pass
        return Response(status_code=504)

    async def _say(self, request: Request) -> Response:
        """Somebody sends an SMS: {"from", "text", perhaps "to" and "id"}. The answer is what the gateway said.

        In WhatsApp by Twilio "press" with its words presses a button; "media" and "place" are a photo and a place.
        """
        try:
            given = json.loads(await request.body())
            words = {str(name): str(value) for name, value in given.items() if value is not None}
        except (ValueError, AttributeError):
            words = {}
        if not words.get("from") or not words.keys() & {"text", "press", "media", "place"}:
            return PlainTextResponse('Say {"from": "+12025550123", "text": "MENU"}\n', 400)
        if not self.plan.sms_url:
            return PlainTextResponse("Nobody listens: start the fake with --inbound or --reports\n", 409)
        words.setdefault("text", words.get("press", ""))
        try:
            id, post = self.said(self.plan.sms_url, words)
        except Refused as refused:
            return refused.answer
        self.diary.counts.said += 1
        status = await self.courier.post(post)
        return JSONResponse({"id": id, "status": status}, 200 if status else 502)

    async def _counts(self, request: Request) -> Response:
        return JSONResponse(asdict(self.diary.counts))


def as_json(value: Any, status: int = 200, media_type: str = "application/json", **headers: str) -> Response:
    """JSON as providers write it: compact, all letters as they are. The media type stands as given."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Response(body, status, {"content-type": media_type, **named})
