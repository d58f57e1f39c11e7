"""`/rasa/webhook?token=…`: the address where Rasa has its custom actions run, through the desk like everything else.

The actions are the bot's, and loaded by name, so that a gateway without a bot needs nothing of Rasa. Statuses are those
of Rasa's own action server, but nothing is said back of what was sent, and nothing of it is logged.
"""

from __future__ import annotations

import hmac
import importlib
import json
import logging
import traceback
import zlib
from time import perf_counter
from typing import TYPE_CHECKING, Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dialogs.content import Content
from dialogs.inbound import Inbound, Reply
from gateway.desk import Busy

if TYPE_CHECKING:
    from gateway.app import House

log = logging.getLogger("ngazi.rasa")

PATH = "/rasa/webhook"
LARGEST = 2_000_000  # bytes, inflated; a request holds all that was said since the conversation began
INVALID = "Invalid body request"


class Refusal(Exception):
    """Rasa sends nothing like this."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


class AtDesk:
    """The bot's door: the gateway's desk."""

    def __init__(self, house: House) -> None:
        self._house = house

    @property
    def content(self) -> Content:
        """The content in force."""
        return self._house.keeper.content

    @property
    def threshold(self) -> float:
        """How sure Rasa has to be of an intent."""
        return self._house.settings.rasa_threshold

    async def take(self, inbound: Inbound) -> Reply:
        """The reply; the busy screen in a crowd, or while the database is away."""
        try:
            return await self._house.desk.take(inbound)
        except Busy:
            return self._house.desk.busy()


def routes(house: House) -> list[Route]:
    """The route; none without a token, or without Rasa's SDK."""
    if not house.settings.rasa_token:
        return []
    try:
        actions = importlib.import_module("bot.actions")
    except ImportError:
        log.warning("%s is not served: Rasa's SDK is not installed (requirements-bot.txt)", PATH)
        return []
    return [Route(PATH, Webhook(house, actions.ActionServer(AtDesk(house))).answer, methods=["POST"])]


class Webhook:
    """The endpoint. `server` is a `bot.actions.ActionServer`."""

    def __init__(self, house: House, server: Any) -> None:
        self._house, self._server = house, server
        self._token = house.settings.rasa_token.encode()

    async def answer(self, request: Request) -> Response:
        """What Rasa expects, whatever came."""
        begun = perf_counter()
        try:
            self._let_in(request)
            status, body = await self._server.answer(await read(request))
        except Refusal as refusal:
            status, body = refusal.status, {"error": refusal.text}
        except ClientDisconnect:
            status, body = 400, {"error": INVALID}  # nobody is there to read it
        except Exception as error:  # Rasa's own server would send it back, with all that was said
            log.error(
                "an action failed: %s\n%s", type(error).__name__, "".join(traceback.format_tb(error.__traceback__))
            )
            status, body = 500, {"error": "The action failed."}
        self._house.metrics.called("rasa", "action", str(status), PATH, perf_counter() - begun)
        headers = {"connection": "close"} if status == 413 else None
        return JSONResponse(body, status, headers)

    def _let_in(self, request: Request) -> None:
        given = request.query_params.get("token", "").encode("utf-8", "surrogatepass")
        if not hmac.compare_digest(given, self._token):
            raise Refusal(401, "The token is missing or wrong.")


async def read(request: Request) -> object:
    """What the body says in JSON. Raises Refusal."""
    length, packed = request.headers.get("content-length", ""), request.headers.get("content-encoding", "identity")
    if length and not (length.isdecimal() and len(length) < 9 and int(length) <= LARGEST):
        raise Refusal(413, "Too large")
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST:
            raise Refusal(413, "Too large")
    if packed not in ("identity", "deflate"):
        raise Refusal(415, "deflate is understood, no other encoding")
    try:
        return json.loads(inflate(bytes(body)) if packed == "deflate" else bytes(body))
    except (ValueError, RecursionError, zlib.error):
        raise Refusal(400, INVALID) from None


def inflate(body: bytes) -> bytes:
    """The body that was packed, as far as it may be long. Raises Refusal, zlib.error."""
    unpacking = zlib.decompressobj()
    whole = unpacking.decompress(body, LARGEST + 1)
    if len(whole) > LARGEST:
        raise Refusal(413, "Too large")
    if not unpacking.eof:
        raise zlib.error
    return whole
