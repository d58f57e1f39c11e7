"""The practice phone: the page at `/` that plays a miner's phone, and what that page asks the server.

Only there while the simulator is the only channel, since it tells the secret of the callbacks and anybody's
messages. The calls themselves go to the callback routes, as a provider's would.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import phonenumbers
from sqlalchemy import Connection, select
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from dialogs.gsm import measure, segment_count
from dialogs.screen import Room
from dialogs.seal import Seal, WrongKey
from dialogs.tables import Address, Contact, Session
from gateway.desk import Busy
from gateway.numbers import normalise
from gateway.page_policy import only_ours
from gateway.providers.simulator import Simulator
from gateway.tables import REPLY_OWNER, Message

if TYPE_CHECKING:
    from gateway.app import House
    from gateway.channels import Channel

T = TypeVar("T")

FOLDER = Path(__file__).with_name("simulator")
FILES = {
    "phone.css": "text/css",
    "phone.js": "text/javascript",
    "beside.js": "text/javascript",
    "call.js": "text/javascript",
    "inbox.js": "text/javascript",
    "keys.js": "text/javascript",
    "people.js": "text/javascript",
    "server.js": "text/javascript",
    "ladder.svg": "image/svg+xml",
    "handset.svg": "image/svg+xml",
}

REGIONS = ("TZ", "KE", "UG", "RW", "CD", "GH", "BF", "ML", "SL", "LR", "ZM", "ZW", "MZ", "MG")
RESERVED = "001"  # UN M49 "World": the numbers kept free for fiction, +1 202 555 0100 to 0199
NUMBERS = 30  # to choose from, in each country
NEWEST = 50  # messages in the inbox
NO_NUMBER: dict[str, object] = {"error": "This can be no phone number. Write it with its country code: +255621234567."}


def routes(house: House) -> list[Route]:
    """The page and its questions; none at all where a real provider is connected."""
    if not house.settings.simulated:
        return []
    page = PhonePage(house, next(iter(house.settings.channels.values())))
    return [
        Route("/", page.page),
        Route("/simulator/channel", page.line),
        Route("/simulator/state", page.state),
        Route("/simulator/inbox", page.inbox),
        Route("/simulator/{name}", page.file),
    ]


class PhonePage:
    """The endpoints of the page, for one simulated channel."""

    def __init__(self, house: House, channel: Channel) -> None:
        self._house, self._channel = house, channel

    async def page(self, request: Request) -> Response:
        """The page itself."""
        headers = {"Content-Security-Policy": only_ours(), "Cache-Control": "no-cache"}
        return FileResponse(FOLDER / "phone.html", headers=headers, media_type="text/html")

    async def file(self, request: Request) -> Response:
        """What the page is made of."""
        name = request.path_params["name"]
        if name not in FILES:
            raise HTTPException(404)
        return FileResponse(FOLDER / name, headers={"Cache-Control": "no-cache"}, media_type=FILES[name])

    async def line(self, request: Request) -> Response:
        """How to call: the callback's secret, the code, the room on a screen, and numbers to call from."""
        channel = self._channel
        countries = [{"code": code, "numbers": numbers(code)} for code in (*REGIONS, RESERVED)]
        return _json(
            {
                "name": channel.name,
                "secret": channel.secrets[0],
                "code": channel.code,
                "limit": channel.room.septets,
                "units": channel.room.units,
                "countries": countries,
            }
        )

    async def state(self, request: Request) -> Response:
        """The language and the place of a phone, and how much of its screen the given answer takes."""
        phone = normalise(request.query_params.get("phone", ""))
        if phone is None:
            return _json(NO_NUMBER, 400)
        key = self._house.seal.key("tel", phone)
        place = await self._look(lambda db: find_place(db, key))
        found = self._house.keeper.content.languages.get(place.language)
        language = found and {"code": found.code, "name": found.name, "status": found.status}
        room = room_left(request.query_params.get("answer", ""), self._channel.room)
        return _json({"phone": phone, "language": language} | _shown(place) | room)

    async def inbox(self, request: Request) -> Response:
        """The SMS that were written for a phone."""
        phone = normalise(request.query_params.get("phone", ""))
        if phone is None:
            return _json(NO_NUMBER, 400)
        found = await self._look(lambda db: find_messages(db, self._house.seal, phone))
        return _json({"messages": [*self._forgotten(phone, {each["id"] for each in found}), *found]})

    def _forgotten(self, phone: str, known: set[object]) -> list[dict[str, object]]:
        """What this phone got lately and the database tells of no more, such as the last words to who left."""
        carrier = self._house.providers[self._channel.name]
        assert isinstance(carrier, Simulator)
        now = f"{self._house.desk.clock():%Y-%m-%dT%H:%M:%SZ}"
        return [
            {"id": each.id, "text": each.text, "segments": segment_count(each.text), "when": now, "status": "delivered"}
            for each in carrier.arrived
            if each.to == phone and each.id not in known
        ]

    async def _look(self, work: Callable[[Connection], T]) -> T:
        try:
            return await self._house.desk.run(work)
        except Busy:
            raise HTTPException(503, "Busy") from None


@lru_cache
def numbers(region: str) -> tuple[str, ...]:
    """Mobile numbers of a country in E.164, to play with: libphonenumber's example and those next to it."""
    if region == RESERVED:
        return tuple(f"+120255501{last:02}" for last in range(NUMBERS))
    kind = phonenumbers.PhoneNumberType.MOBILE
    example = phonenumbers.example_number_for_type(region, kind)
    if example is None:
        return ()
    first = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    near = (f"{first[:-2]}{(int(first[-2:]) + step) % 100:02}" for step in range(NUMBERS))
    return tuple(number for number in near if phonenumbers.is_possible_number(phonenumbers.parse(number)))


class Place(NamedTuple):
    """Where a phone stands: the language chosen, and what its last session showed (JSON)."""

    language: str = ""
    shown: str | None = None


def find_place(db: Connection, key: str) -> Place:
    """Where the phone with this address key stands; nothing where it never called."""
    statement = (
        select(Contact.language, Session.shown)
        .join(Address, Address.contact_id == Contact.id)
        .outerjoin(Session, Session.contact_id == Contact.id)
        .where(Address.kind == "tel", Address.key == key)
        .order_by(Session.started_at.desc(), Session.id.desc())
        .limit(1)
    )
    row = db.execute(statement).first()
    return Place() if row is None else Place(*row)


def find_messages(db: Connection, seal: Seal, phone: str) -> list[dict[str, object]]:
    """The SMS written for this phone, newest first; also a last reply to somebody who has been forgotten since."""
    owned = select(Address.id).where(Address.kind == "tel", Address.key == seal.key("tel", phone)).scalar_subquery()
    ownerless = Message.address_id.is_(None) & Message.to_sealed.is_not(None)
    statement = (
        select(
            Message.id,
            Message.text,
            Message.segments,
            Message.sent_at,
            Message.created_at,
            Message.status,
            Message.address_id,
            Message.to_sealed,
            Message.to_key_id,
        )
        .where(Message.direction == "out", Message.text.is_not(None), (Message.address_id == owned) | ownerless)
        .order_by(Message.id.desc())
        .limit(NEWEST)
    )
    return [
        {
            "id": row.id,
            "text": row.text,
            "segments": row.segments,
            "when": f"{row.sent_at or row.created_at:%Y-%m-%dT%H:%M:%SZ}",
            "status": row.status,
        }
        for row in db.execute(statement)
        if row.address_id is not None or _sealed_for(phone, seal, row.to_sealed, row.to_key_id)
    ]


def _sealed_for(phone: str, seal: Seal, sealed: bytes, key_id: str) -> bool:
    try:
        return seal.open(sealed, "tel", REPLY_OWNER, key_id) == phone
    except WrongKey:
        return False


def room_left(answer: str, room: Room) -> dict[str, object]:
    """How much of a screen an answer takes, its CON or END counted; without one, the limit alone."""
    if not answer:
        return {"used": None, "limit": room.septets, "gsm7": None}
    used, gsm7 = measure(answer)
    return {"used": used, "limit": room.septets if gsm7 else room.units, "gsm7": gsm7}


def _shown(place: Place) -> dict[str, object]:
    shown = json.loads(place.shown or "{}")
    page = max(0, shown.get("page", 0)) + 1  # below 0 stands what is said after an unkept answer
    return {"dialog": shown.get("dialog"), "step": shown.get("step"), "page": page}


def _json(value: dict[str, object], status: int = 200) -> JSONResponse:
    return JSONResponse(value, status, headers={"Cache-Control": "no-store"})
