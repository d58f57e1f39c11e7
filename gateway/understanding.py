"""What free text means: an intent that Rasa is sure of, or "" where Rasa is unsure, slow, away or talks nonsense.

Rasa is asked before the desk's transaction, so that no caller waits for it but the one whose text it is, and that one
two seconds at most. It gets the text alone: no number, no name of a channel. No text is ever logged.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from time import monotonic
from typing import Literal, TypeVar
from urllib.parse import urlencode

import anyio
import anyio.to_thread

from dialogs.content import Content
from dialogs.freetext import danger_in, is_free, is_meaning
from dialogs.inbound import Inbound
from gateway.sending.post import Answer, NoAnswer, Post

log = logging.getLogger("ngazi.understanding")
N = TypeVar("N")
Outcome = Literal["understood", "unsure", "failed", "spared"]
"""What came of a text: an intent; none, or none that is sure; no answer that is one; or Rasa was not asked, because it
failed a moment ago or has too much to do."""

LASTS = 2.0  # seconds, for one text and all that belongs to it
LONGEST = 300  # letters; a text of 2 MB keeps Rasa 3.6 busy for 43 seconds
LOOKED_AT = 4 * LONGEST  # letters in which those are looked for
AT_ONCE = 16  # calls to Rasa
QUEUED = 1.0  # seconds that a text waits for its turn; Rasa 3.6 takes 4 ms for one, so that 200 have theirs
FAILURES, PAUSE = 3, 30.0  # in a row; seconds
WHY = {401: "does not take NGAZI_RASA_TOKEN", 404: "is not at NGAZI_RASA_URL", 409: "has loaded no model"}


class Breaker:
    """Lets every call through, until FAILURES in a row failed; then, after each PAUSE, one on trial."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures, self._again = 0, 0.0
        self._trial: object = None

    @property
    def resting(self) -> bool:
        """Whether a call would not be let through now."""
        return self._failures >= FAILURES and (self._trial is not None or self._clock() < self._again)

    def begin(self) -> object | None:
        """A ticket for one call, to be given back to `end`; None if it is not let through."""
        if self.resting:
            return None
        ticket = object()
        if self._failures >= FAILURES:
            self._trial = ticket
        return ticket

    def end(self, ticket: object, well: bool | None) -> None:
        """How the call went; None: nobody waited for its end."""
        if self._trial is ticket:
            self._trial = None
        if well:
            self._failures = 0
        elif well is not None:
            self._failures += 1
            self._again = self._clock() + PAUSE

    @property
    def failures(self) -> int:
        """How many calls failed in a row."""
        return self._failures


class Understanding:
    """Asks Rasa at this address. `count` is told what came of each text that it might have been asked about."""

    def __init__(
        self,
        url: str,
        token: str,
        threshold: float,
        content_now: Callable[[], Content],
        *,
        count: Callable[[Outcome], None] = lambda outcome: None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """Raises SettingsError for an address, or a proxy of the environment, that is none."""
        self._post = Post(url)
        self._address = f"{url}/model/parse" + (f"?{urlencode({'token': token})}" if token else "")
        self._threshold, self._content_now, self._count = threshold, content_now, count
        self._breaker = Breaker(clock)
        self._turns = anyio.Semaphore(AT_ONCE)
        self._threads = anyio.CapacityLimiter(AT_ONCE)  # not those that the rest of the gateway shares

    async def read(self, told: Sequence[N]) -> list[N]:
        """The same in the same order, each free text with its meaning. Rasa is asked about all at the same time."""
        return list(await asyncio.gather(*map(self._with_meaning, told)))

    async def meaning(self, text: str) -> str:
        """The intent of answers.yaml that Rasa is sure of, else "". Takes LASTS at most, whatever Rasa does."""
        asked = wording(text)
        if not asked:
            return ""
        intent, outcome = await self._ask(asked, monotonic() + LASTS)
        self._count(outcome)
        return intent

    async def _with_meaning(self, news: N) -> N:
        if not isinstance(news, Inbound) or not self._is_asked(news):
            return news
        meaning = await self.meaning(news.text)
        return replace(news, meaning=meaning) if meaning else news

    def _is_asked(self, inbound: Inbound) -> bool:
        content = self._content_now()
        if inbound.kind == "ussd" or inbound.meaning or not content.answers.intents:
            return False
        # Who is in danger is answered at once, whatever else the text may mean.
        return is_free(content, inbound.text) and danger_in(content, inbound.text) is None

    async def _ask(self, asked: str, until: float) -> tuple[str, Outcome]:
        if self._breaker.resting or not await self._has_turn():
            return "", "spared"
        try:
            ticket = self._breaker.begin()
            return await self._call(ticket, asked, until) if ticket else ("", "spared")
        finally:
            self._turns.release()

    async def _has_turn(self) -> bool:
        """A crowd does not wait for a Rasa that is slow: only those whose turn has come do."""
        with anyio.move_on_after(QUEUED):
            await self._turns.acquire()
            return True
        return False

    async def _call(self, ticket: object, asked: str, until: float) -> tuple[str, Outcome]:
        answer, well = None, None
        try:
            with anyio.move_on_after(until - monotonic()):  # a name server may take longer than the call itself
                answer = await anyio.to_thread.run_sync(
                    self._send, asked, until, abandon_on_cancel=True, limiter=self._threads
                )
            found = read_answer(answer)
            well = found is not None
        finally:
            before = self._breaker.failures
            self._breaker.end(ticket, well)
        self._tell(before, answer)
        if found is None:
            return "", "failed"
        intent, confidence = found
        sure = is_meaning(self._content_now(), intent) and confidence >= self._threshold
        return (intent, "understood") if sure else ("", "unsure")

    def _send(self, asked: str, until: float) -> Answer | None:
        """Called in a thread."""
        body = json.dumps({"text": asked}).encode()
        try:
            return self._post.send(self._address, body, {"Content-Type": "application/json"}, until)
        except NoAnswer:
            return None

    def _tell(self, before: int, answer: Answer | None) -> None:
        """Once when it begins to fail, and once when it is over."""
        now = self._breaker.failures
        if before < FAILURES <= now:
            log.warning(
                "Rasa %s: free text is answered by words alone, and Rasa is tried every %d s", why(answer), PAUSE
            )
        elif before >= FAILURES > now:
            log.warning("Rasa answers again")


def wording(text: str) -> str:
    """What Rasa is asked: one line of LONGEST letters at most, "" where nothing is to be asked.

    Rasa takes a text that begins with a slash for the name of an intent, and is then sure of it.
    """
    head = "".join(each if each.isprintable() else " " for each in text.lstrip()[:LOOKED_AT])
    asked = " ".join(head.lstrip(" /").split())[:LONGEST].rstrip()
    return asked if any(map(str.isalpha, asked)) else ""  # it is as sure of "7" and of a heart as of a sentence


def read_answer(answer: Answer | None) -> tuple[str, float] | None:
    """Intent and confidence, ("", 0.0) where Rasa found none; None if this is no answer of Rasa's."""
    if answer is None or answer.status != 200:
        return None
    try:
        said = json.loads(answer.text)
    except (ValueError, RecursionError):
        return None
    intent = said.get("intent") if isinstance(said, dict) else None
    if not isinstance(intent, dict):
        return None
    name, confidence = intent.get("name"), intent.get("confidence")
    if name is None:  # as a model says that has learnt nothing
        return "", 0.0
    if not isinstance(name, str) or isinstance(confidence, bool) or not isinstance(confidence, int | float):
        return None
    return (name, float(confidence)) if 0 <= confidence <= 1.001 else None  # what rounding makes; not NaN


def why(answer: Answer | None) -> str:
    """Why this is no answer, for the log."""
    if answer is None:
        return "does not answer in time, or not at all"
    if answer.status == 200:
        return "says what cannot be read"
    return WHY.get(answer.status, f"answers with status {answer.status}")
