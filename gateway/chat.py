"""The web chat: the page at `/chat`, which a partner may put into a page of theirs, and what that page asks.

It works without cookies: the server makes an id, the browser keeps it and brings it with each message. An id holds a
mark of ours, so that made-up ones are refused by every process. Answers go back at once and are never queued.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import Connection, select
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from dialogs.inbound import Inbound, Reply, parted
from dialogs.locale import fill
from dialogs.tables import Address, Contact
from gateway.channels import SettingsError
from gateway.desk import Busy
from gateway.forms import NoObject, TooManyFields, read_json
from gateway.guests import Guest, Guests, Pace, caller_of, is_ours, new_id
from gateway.page_policy import only_ours

if TYPE_CHECKING:
    from gateway.app import House

FOLDER = Path(__file__).with_name("chat")
FILES = {
    "chat.css": "text/css",
    "chat.js": "text/javascript",
    "keep.js": "text/javascript",
    "server.js": "text/javascript",
    "ladder.svg": "image/svg+xml",
}
ALWAYS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
WORDS = (
    *("chat_title", "chat_about", "chat_start", "chat_remember", "chat_remember_why", "chat_talk", "chat_you"),
    *("chat_us", "chat_write", "chat_send", "chat_wait", "chat_failed", "chat_again", "chat_fast", "chat_long"),
    *("chat_script", "menu"),
)
CHANNEL = "chat"
LARGEST = 8 * 1024  # bytes of a body
LONGEST = 2_000  # letters of a message
NUMBER = re.compile(r"0|[1-9][0-9]{0,8}")


class Where(NamedTuple):
    """Whose chat it is: the language chosen, and what holds of the contact; not there before the first message."""

    language: str = ""
    there: bool = False
    stopped: bool = False


def routes(house: House) -> list[Route]:
    """The page and its questions. Raises SettingsError where the content has no words for them."""
    known = house.keeper.content.common.texts
    if missing := [key for key in WORDS if key not in known]:
        raise SettingsError(f"NGAZI_CHAT: content/common.yaml lacks texts of the chat page: {', '.join(missing)}.")
    chat = Chat(house)
    return [
        Route("/chat", chat.page),
        Route("/chat/new", chat.new, methods=["POST"], max_body_size=LARGEST),
        Route("/chat/say", chat.say, methods=["POST"], max_body_size=LARGEST),
        Route("/chat/words", chat.words),
        Route("/chat/{name}", chat.file),
    ]


class Chat:
    """The endpoints of the page."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._guests = Guests()
        # A phone company puts thousands of people behind one address.
        self._new_pace = Pace(at_once=60, seconds=2)
        self._address_pace = Pace(at_once=300, seconds=0.2)
        self._guest_pace = Pace(at_once=30, seconds=1)

    # --- the page ---

    async def page(self, request: Request) -> Response:
        """The page itself, in the language of `?lang=`, else of the browser."""
        language = self._language(request)
        said = self._words(language)
        written = (FOLDER / "chat.html").read_text("utf-8").replace("{{language}}", html.escape(language))
        for key, text in said.items():
            written = written.replace(f"{{{{{key}}}}}", html.escape(text))
        policy = only_ours(self._house.settings.chat_origins)
        headers = {"Content-Security-Policy": policy, "Cache-Control": "no-cache", "Vary": "Accept-Language"}
        return HTMLResponse(written, headers=headers | ALWAYS)

    async def file(self, request: Request) -> Response:
        """What the page is made of."""
        name = request.path_params["name"]
        if name not in FILES:
            raise HTTPException(404)
        return FileResponse(FOLDER / name, headers={"Cache-Control": "no-cache"} | ALWAYS, media_type=FILES[name])

    async def words(self, request: Request) -> Response:
        """What the page reads, in the language of `?lang=`."""
        language = self._language(request)
        return _json({"language": language, "words": self._words(language)})

    def _words(self, language: str) -> dict[str, str]:
        return {key: self._text(key, language) for key in WORDS}

    def _text(self, key: str, language: str) -> str:
        """A common text as chats say it."""
        house = self._house.now()
        if key not in house.content.common.texts:
            return ""  # an edit took it away
        return fill(house.content.text(f"common:{key}", language, chat=True), house.outside(""))

    def _language(self, request: Request) -> str:
        house = self._house.now()
        offered = [each.code for each in house.content.offered(house.drafts)]
        asked = request.query_params.get("lang", "")
        return choose_language([asked] if asked in offered else accepted(request), offered)

    # --- the conversation ---

    async def new(self, request: Request) -> Response:
        """An id for somebody new. Nothing is stored before the first message."""
        begun = perf_counter()
        try:
            await _json_body(request)
            self._hold_up(self._new_pace, caller_of(request.scope))
        except HTTPException as refusal:
            self._counted("new", str(refusal.status_code), begun)
            raise
        self._counted("new", "answered", begun)
        return _json({"id": new_id(self._house.seal)})

    async def say(self, request: Request) -> Response:
        """What one message brings. The same message again brings the same and stores nothing."""
        begun, outcome = perf_counter(), "answered"
        try:
            return await self._say(request)
        except HTTPException as refusal:
            outcome = str(refusal.status_code)
            raise
        finally:
            self._counted("say", outcome, begun)

    async def _say(self, request: Request) -> Response:
        self._hold_up(self._address_pace, caller_of(request.scope))
        if not _is_json(request):  # a picture, a voice note
            text = self._text("text_only", self._language(request))
            return _json({"text": text, "choices": [], "more": True}, 415)
        form = await _json_body(request)
        id, text, number = form.get("id", ""), form.get("text", "").replace("\0", ""), form.get("number", "")
        if "text" not in form or not NUMBER.fullmatch(number):
            raise HTTPException(400, "id, text and number are expected")
        if not is_ours(self._house.seal, id):
            raise HTTPException(403, "This id is none of ours")
        if len(text) > LONGEST:
            raise HTTPException(413, "Too long")
        guest = self._guests.meet(id, monotonic())
        kind = "file" if form.get("kind", "text") not in ("text", "look") else "text"
        async with guest.lock:
            try:
                return _json(await self._answer(guest, id, text, int(number), kind))
            except Busy:
                raise HTTPException(503, "Come again", {"Retry-After": "2"}) from None

    async def _answer(self, guest: Guest, id: str, text: str, number: int, kind: str) -> Mapping[str, object]:
        """The answer for the page; `again` where another window was quicker, and this is what stands there now.

        Number 0 only looks.
        """
        if 0 < number <= guest.number:
            known = guest.repeated(number, kind + text)
            return known or await self._now(id, guest.number) | {"again": True}
        self._hold_up(self._guest_pace, id)
        if number == 0:
            return await self._now(id, guest.number)
        message = self._house.seal.key("chat message", f"{id}:{number}")  # tells nothing of the id
        said, media = (text, False) if kind == "text" else ("", True)
        heard = Inbound(CHANNEL, "bot", f"chat:{id}", said, "", message, media=media)
        (inbound,) = await self._house.understood([heard])
        assert isinstance(inbound, Inbound)
        reply = await self._house.desk.take(inbound)
        where = await self._where(id)
        if not reply.text and not where.stopped:  # it was answered before this process remembers
            return await self._now(id, number) | {"again": True}
        answer = self._told(reply, where) | {"number": number}
        guest.keep(number, kind + text, answer, monotonic())
        return answer

    async def _now(self, id: str, number: int) -> dict[str, object]:
        """What stands there now; asking for it changes nothing."""
        reply = await self._house.desk.take(Inbound(CHANNEL, "bot", f"chat:{id}", "", "", ""))
        return self._told(reply, await self._where(id)) | {"number": number}

    async def _where(self, id: str) -> Where:
        key = self._house.seal.key("chat", id)
        return await self._house.desk.run(lambda db: find(db, key))

    def _told(self, reply: Reply, where: Where) -> dict[str, object]:
        text, choices = parted(reply)
        spoken = self._house.now().language(where.language).code
        if not reply.text:
            text = self._text("stopped", spoken)
        if not reply.more and where.there:  # nothing was asked; this is how to go on all the same
            word = self._word("start" if where.stopped else "menu")
            choices = [(word, word if where.stopped else self._text("menu", spoken))]
        return {
            "text": text,
            "choices": [{"key": key, "text": words} for key, words in choices],
            "more": reply.more,
            "language": spoken if where.language else "",
        }

    def _word(self, meaning: str) -> str:
        """A word for the service as everybody may send it."""
        words = self._house.now().content.common.words[meaning].source.split()
        return words[0]

    def _hold_up(self, pace: Pace, key: str) -> None:
        if wait := pace.wait(key, monotonic()):
            raise HTTPException(429, "Too many", {"Retry-After": str(int(wait) + 1)})

    def _counted(self, kind: str, outcome: str, begun: float) -> None:
        self._house.metrics.called(CHANNEL, kind, outcome, f"/chat/{kind}", perf_counter() - begun)


def find(db: Connection, key: str) -> Where:
    """What is known of the contact whose chat has this key."""
    row = db.execute(
        select(Contact.language, Contact.stopped_at)
        .join(Address, Address.contact_id == Contact.id)
        .where(Address.kind == "chat", Address.key == key)
    ).first()
    return Where() if row is None else Where(row.language, True, row.stopped_at is not None)


def accepted(request: Request) -> list[str]:
    """The languages that the browser asks for, the dearest first."""
    wanted = []
    for part in request.headers.get("accept-language", "")[:200].split(","):
        code, _, rest = part.strip().partition(";")
        weight = re.fullmatch(r"\s*q=([01](?:\.[0-9]{0,3})?)\s*", rest)
        wanted.append((-float(weight[1]) if weight else -1.0, code.strip().lower()))
    return [code for weight, code in sorted(wanted, key=lambda each: each[0]) if weight < 0]


def choose_language(wanted: Sequence[str], offered: Sequence[str]) -> str:
    """The first of the wanted languages that is offered, also without its region; else the source language."""
    for code in wanted:
        for each in (code, code.partition("-")[0]):
            if each in offered:
                return each
    return offered[0]


def _is_json(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"


async def _json_body(request: Request) -> Mapping[str, str]:
    """The fields. Only JSON: a page elsewhere cannot send it without asking us first (CORS)."""
    if not _is_json(request):
        raise HTTPException(415, "application/json is expected")
    try:
        return read_json(await request.body())
    except ClientDisconnect:
        raise HTTPException(400, "Gone") from None
    except (NoObject, TooManyFields):
        raise HTTPException(400, "A JSON object is expected") from None


def _json(content: Mapping[str, object], status: int = 200) -> Response:
    return JSONResponse(content, status, {"Cache-Control": "no-store"} | ALWAYS)
