"""Who is in the web chat: their ids, how much they say, and the last answer that each got.

All but the ids is in the memory of one process.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import re
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

from starlette.types import Scope

from dialogs.seal import Seal

MOST = 10_000  # guests, and addresses, that are remembered
ANSWER_LASTS = 300.0  # seconds: a browser that got no answer asks again much sooner
RANDOM, MARK = 12, 4  # bytes of an id; together 22 letters
ID = re.compile(r"[A-Za-z0-9_-]{22}")
IPV6_HOUSEHOLD = 64  # bits; the rest is the caller's own to choose
_SECRET = secrets.token_bytes(16)


class Pace:
    """So many at once, then one every so many seconds; for each key on its own."""

    def __init__(self, at_once: int, seconds: float, most: int = MOST) -> None:
        self.at_once, self.seconds, self.most = at_once, seconds, most
        self._kept: OrderedDict[str, tuple[float, float]] = OrderedDict()  # what is left, and when it was so

    def wait(self, key: str, now: float) -> float:
        """0 if this one may pass now; else the seconds until one may."""
        left, at = self._kept.pop(key, (float(self.at_once), now))
        left = min(float(self.at_once), left + (now - at) / self.seconds)
        passes = left >= 1
        self._kept[key] = (left - 1 if passes else left, now)
        while len(self._kept) > self.most:
            self._kept.popitem(last=False)
        return 0.0 if passes else (1 - left) * self.seconds


@dataclass(slots=True)
class Guest:
    """One chat. `lock`: one message after the other, in the order they came."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    number: int = 0  # of the newest message that was answered
    said: bytes = b""  # a mark of that message, by which a repeat is known from another message of its number
    answer: Mapping[str, object] | None = None
    at: float = 0.0

    def keep(self, number: int, text: str, answer: Mapping[str, object], now: float) -> None:
        """This is what the guest got for that message."""
        self.number, self.said, self.answer, self.at = number, mark(text), answer, now

    def repeated(self, number: int, text: str) -> Mapping[str, object] | None:
        """The answer, if this is the newest message once more."""
        return self.answer if number == self.number and mark(text) == self.said else None


class Guests:
    """The chats that were heard lately."""

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self._kept: OrderedDict[str, Guest] = OrderedDict()

    def meet(self, id: str, now: float) -> Guest:
        """This guest; answers that were not asked for again are forgotten meanwhile."""
        guest = self._kept.setdefault(id, Guest())
        guest.at = now
        self._kept.move_to_end(id)
        while (oldest := next(iter(self._kept.items())))[0] != id:
            if oldest[1].lock.locked() or (len(self._kept) <= self.most and now - oldest[1].at < ANSWER_LASTS):
                break
            del self._kept[oldest[0]]
        return guest


def mark(text: str) -> bytes:
    """What tells one text from another and gives none of them away; only in this process."""
    return hashlib.blake2b(text.encode(), key=_SECRET, digest_size=16).digest()


def new_id(seal: Seal) -> str:
    """22 letters that nobody guesses: 96 random bits, and 32 by which we know it again."""
    random = secrets.token_bytes(RANDOM)
    return base64.urlsafe_b64encode(random + _mark(seal, random)).rstrip(b"=").decode()


def is_ours(seal: Seal, id: str) -> bool:
    """True for an id that `new_id` made with this key, written as it was."""
    if not ID.fullmatch(id):
        return False
    try:
        whole = base64.urlsafe_b64decode(f"{id}==")
    except binascii.Error:
        return False
    same = base64.urlsafe_b64encode(whole).rstrip(b"=").decode() == id
    return same and secrets.compare_digest(whole[RANDOM:], _mark(seal, whole[:RANDOM]))


def _mark(seal: Seal, random: bytes) -> bytes:
    return base64.urlsafe_b64decode(seal.key("chat id", random.hex()) + "=")[:MARK]


def caller_of(scope: Scope) -> str:
    """The address that a request comes from, of IPv6 the household's.

    Behind a proxy of ours all come from the proxy, which adds the caller to X-Forwarded-For: the last entry counts.
    From anywhere else that header is whatever the caller likes, so it is not read.
    """
    peer = scope["client"][0] if scope.get("client") else ""
    try:
        near = ip_address(peer)
        if near.is_loopback or near.is_private:
            given = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
            if given:
                near = ip_address(given[-1].decode("latin-1").rpartition(",")[2].strip())
    except ValueError:
        return peer
    if near.version == 6 and near.ipv4_mapped is None:
        return str(ip_network((near, IPV6_HOUSEHOLD), strict=False))
    return str(near)
