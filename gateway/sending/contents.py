"""The forms of messages with buttons, as Twilio keeps them ("contents"): found by name, else made, then remembered.

docs: "Content API resources". Not by its SDK, which names every other kind of content with a null. Making a form sends
nothing; whoever cannot have one in a moment sends the text alone.
"""

from __future__ import annotations

import base64
import json
import logging
import re
import threading
from collections.abc import Callable
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from gateway.sending.buttons import Form
from gateway.sending.post import NoAnswer, Post

log = logging.getLogger("ngazi.contents")

SERVER = "https://content.twilio.com"
PATH = "/v1/Content"
FIRST = f"{PATH}?PageSize=50"  # 50 with many buttons are about as much as is read of an answer
MOST_PAGES = 200
OURS = "ngazi_"
SID = re.compile(r"HX[0-9a-fA-F]{32}")
REST = 300.0  # seconds without a try after one that failed


class _Fault(Exception):
    """Twilio gave no form; the text says why."""


class Contents:
    """The forms of one account. Usable by several threads at once."""

    def __init__(self, base: str, user: str, key: str, clock: Callable[[], float] = monotonic) -> None:
        """Raises SettingsError for an address that is none."""
        self._base, self._post, self._clock = base, Post(base), clock
        basic = base64.b64encode(f"{user}:{key}".encode()).decode()
        self._headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/json"}
        self._lock = threading.Lock()
        self._sids: dict[str, str] = {}
        self._rests_until: float | None = None
        self._next, self._pages = FIRST, 0  # where reading the list goes on

    def sid(self, form: Form, until: float) -> str:
        """The id of this form; "" where there is none now. Takes no longer than `until`, of time.monotonic()."""
        known = self._sids.get(form.name)
        if known or self._rests():
            return known or ""
        if not self._lock.acquire(timeout=max(0.0, until - monotonic())):
            return ""  # somebody is asking; this message goes without
        try:
            known = self._sids.get(form.name)
            return known or ("" if self._rests() else self._find(form, until))
        except _Fault as fault:
            self._next, self._pages = FIRST, 0
            self._rest(str(fault))
            return ""
        finally:
            self._lock.release()

    def forget(self, form: Form, why: str) -> None:
        """Twilio does not take this form: look for it, or make it, after a rest."""
        self._sids.pop(form.name, None)
        self._rest(f"refuses one of them ({why})")

    def _rests(self) -> bool:
        return self._rests_until is not None and self._clock() < self._rests_until

    def _rest(self, why: str) -> None:
        self._rests_until = self._clock() + REST
        log.warning("Twilio %s: WhatsApp goes with numbers in place of new buttons for %d s", why, REST)

    def _find(self, form: Form, until: float) -> str:
        """Raises _Fault."""
        if not self._read_list(until):
            return ""
        if form.name not in self._sids:
            made = self._call("POST", PATH, json.dumps(form.content()).encode(), until)
            sid = made.get("sid")
            if not isinstance(sid, str) or not SID.fullmatch(sid):
                raise _Fault("answers what cannot be read")
            self._sids[form.name] = sid
        return self._sids[form.name]

    def _read_list(self, until: float) -> bool:
        """Read the names of all contents; False if there was no time for all of them, and the next one goes on there.

        Raises _Fault.
        """
        for at in range(MOST_PAGES):
            try:
                page = self._call("GET", self._next, None, until)
            except _Fault:
                if at and monotonic() >= until:
                    return False
                raise
            self._pages += 1
            for each in _listed(page):
                name, sid = each.get("friendly_name"), each.get("sid")
                if isinstance(name, str) and name.startswith(OURS) and isinstance(sid, str) and SID.fullmatch(sid):
                    self._sids.setdefault(name, sid)
            self._next = _next(page)
            if not self._next:
                self._next, self._pages = FIRST, 0
                return True
            if self._pages >= MOST_PAGES:
                break
        raise _Fault("has a list of contents without an end")

    def _call(self, method: str, path: str, body: bytes | None, until: float) -> dict[str, Any]:
        """Raises _Fault."""
        try:
            answer = self._post.send(self._base + path, body, self._headers, until, method)
        except NoAnswer:
            raise _Fault("gives no answer about contents in time") from None
        if not answer.fine:
            raise _Fault(f"answers a question about contents with status {answer.status}")
        try:
            said = json.loads(answer.text)
        except (ValueError, RecursionError):
            said = None
        if not isinstance(said, dict):
            raise _Fault("answers what cannot be read")
        return said


def _listed(page: dict[str, Any]) -> list[dict[str, Any]]:
    """The contents on a page. Raises _Fault."""
    found = page.get("contents")
    if not isinstance(found, list):
        raise _Fault("answers what cannot be read")
    return [each for each in found if isinstance(each, dict)]


def _next(page: dict[str, Any]) -> str:
    """The path of the page that follows, on whatever server it is said to be; "" after the last."""
    meta = page.get("meta")
    named = meta.get("next_page_url") if isinstance(meta, dict) else None
    if not isinstance(named, str) or not named:
        return ""
    try:
        parts = urlsplit(named)
    except ValueError:
        raise _Fault("answers what cannot be read") from None
    return f"{parts.path}?{parts.query}" if parts.path == PATH else ""
