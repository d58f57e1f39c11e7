"""One call over the network: it ends in time whatever the server does, and it knows whether anything was written.

Connections are kept and shared by all threads. Nothing is tried twice, no redirect is followed.
"""

from __future__ import annotations

import functools
import ipaddress
import logging
import re
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPResponse
from io import BufferedReader, RawIOBase
from socket import socket
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import certifi
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from gateway.channels import SettingsError

CONNECT, READ = 3.05, 9.05  # seconds, as in the SDK of Africa's Talking; the whole call ends with `until` besides
IDLE = 4.0  # seconds; a server may be closing what was idle for longer, and then nobody can tell what it has read
KEPT = 64  # connections to one server
LONGEST_ANSWER = 262_144  # bytes; 100 recipients at Africa's Talking are about 14,000
LONGEST_WAIT = 86_400.0  # seconds
USUAL = {"User-Agent": "ngazi", "Accept": "application/json"}  # headers of a call that names no others

# It logs addresses: each call's at DEBUG, and as a warning that of a call whose answer has a strange header. The query
# of a GET holds number, text and password, and what the text is no mask can know.
logging.getLogger("urllib3").setLevel(logging.ERROR)


class NoAnswer(Exception):
    """No whole answer came. If nothing was `written`, the server cannot have done anything."""

    def __init__(self, written: bool) -> None:
        super().__init__("no whole answer came")
        self.written = written


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said. `wait`: after how many seconds it wants to be asked again; 0 if it does not say."""

    status: int
    text: str = field(repr=False)
    wait: float = 0.0

    @property
    def fine(self) -> bool:
        return 200 <= self.status < 300

    @property
    def worded(self) -> bool:
        """Whether words stand in it that are no page: pages come from a server in front of the provider."""
        return bool(self.text.strip()) and not self.text.lstrip().startswith("<")


class Post:
    """Calls one server. A proxy of the environment is used, but never for this machine's own addresses."""

    def __init__(self, url: str) -> None:
        """Raises SettingsError for an address, or a proxy, that is none."""
        try:
            parts = urlsplit(url)
            if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
                raise ValueError
        except ValueError:  # of a port that is no number, or of half a bracket
            raise SettingsError("NGAZI_CHANNELS: base is an address such as https://api.example.org.") from None
        kept: dict[str, Any] = {"maxsize": KEPT, "block": False}
        if parts.scheme == "https":
            kept["ssl_context"] = _trust()
        proxy = _proxy(parts.scheme, parts.hostname)
        try:
            self._manager = urllib3.ProxyManager(proxy, **kept) if proxy else urllib3.PoolManager(**kept)
        except (HTTPError, ValueError):
            raise SettingsError("HTTPS_PROXY is no address of an HTTP proxy.") from None
        self._manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def send(
        self, url: str, body: bytes | None, headers: Mapping[str, str], until: float, method: str = "POST"
    ) -> Answer:
        """The answer, whatever its status. `until`: of time.monotonic(). Raises NoAnswer.

        Of headers whose names differ only in capitals the last counts.
        """
        given = urllib3.HTTPHeaderDict(USUAL)
        for name, value in headers.items():
            given[name] = value
        _call.until, _call.written = until, False
        try:
            timeout = urllib3.Timeout(connect=min(CONNECT, _call.left()), read=READ)
            response = self._manager.urlopen(
                method,
                url,
                body=body,
                headers=given,
                timeout=timeout,
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
            try:
                said = response.read(LONGEST_ANSWER + 1)
                if len(said) > LONGEST_ANSWER:
                    raise HTTPException("too long an answer")
            except BaseException:
                response.close()  # what is left of the answer must not be taken for the next one
                raise
            response.release_conn()
        except (HTTPError, HTTPException, OSError, ValueError):
            raise NoAnswer(_call.written) from None  # some of these name the address, with its query
        return Answer(response.status, said.decode("utf-8", "replace"), _wait(response.headers.get("Retry-After", "")))


class _Call(threading.local):
    """The call that this thread makes: until when it may last, and whether a part of it was written."""

    until = 0.0
    written = False

    def left(self) -> float:
        """Seconds that the next step may take. Raises TimeoutError if there are none."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


_call = _Call()


class _Reader(RawIOBase):
    """What comes in from a socket: each part has READ seconds, and all together have until the end of the call."""

    def __init__(self, sock: socket) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, room: Any, /) -> int | None:
        self._sock.settimeout(min(READ, _call.left()))
        return self._raw.readinto(room)

    def close(self) -> None:
        self._raw.close()
        super().close()

    def makefile(self, mode: str) -> BufferedReader:
        """As of a socket."""
        return BufferedReader(self)


class _Response(HTTPResponse):
    def __init__(self, sock: socket, *arguments: Any, **more: Any) -> None:
        # A server that sends a letter now and then never lets a socket's own timeout pass.
        super().__init__(_Reader(sock), *arguments, **more)  # type: ignore[arg-type]  # it wants makefile() only


class _Connection(HTTPConnection):
    response_class = _Response
    _connecting = False
    _used = 0.0

    @property
    def is_connected(self) -> bool:
        return super().is_connected and time.monotonic() - self._used < IDLE

    def connect(self) -> None:
        self._connecting = True  # what is said to a proxy meanwhile is not yet our message
        try:
            super().connect()
        finally:
            self._connecting = False

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        self.sock.settimeout(_call.left())  # after a slow connect nothing is written any more
        if not self._connecting:
            _call.written = True
        super().send(data)
        self._used = time.monotonic()


class _SecureConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


@functools.cache
def _trust() -> ssl.SSLContext:
    """The authorities of this machine (SSL_CERT_FILE adds others), and those that come along with Python's clients."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def _proxy(scheme: str, host: str) -> str:
    """The proxy that the environment names for this host; "" for none."""
    if _here(host) or proxy_bypass(host):
        return ""
    named = getproxies()
    proxy = named.get(scheme) or named.get("all") or ""
    return proxy if "://" in proxy or not proxy else f"http://{proxy}"


def _here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _wait(written: str) -> float:
    """Retry-After is a number of seconds, or a date."""
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]+)?", written.strip(), re.ASCII):
        return min(LONGEST_WAIT, float(written))
    try:
        date = parsedate_to_datetime(written)
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return min(LONGEST_WAIT, max(0.0, (date - datetime.now(UTC)).total_seconds()))
