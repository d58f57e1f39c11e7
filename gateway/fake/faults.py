"""What goes wrong at a fake provider, and when: every so many calls, or by chance."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from random import Random
from typing import Literal

from gateway.fake.plan import Plan

Verdict = Literal["fine", "error", "hang-before", "hang-after"]


class Faults:
    """The verdicts over the calls, one after the other. `now` gives seconds that only go forward."""

    def __init__(self, plan: Plan, chance: Random, now: Callable[[], float]) -> None:
        self._plan, self._chance, self._now = plan, chance, now
        self._calls = 0
        self._tokens, self._filled = max(plan.limit, 1.0), now()

    def next(self) -> Verdict:
        """What becomes of the next call."""
        self._calls += 1
        plan = self._plan
        if self._strikes(plan.fail_every, plan.error_rate):
            return "error"
        if self._strikes(plan.hang_every, plan.hang_rate):
            return "hang-before" if plan.hang == "before" else "hang-after"
        return "fine"

    def wait(self, messages: int) -> int:
        """How many seconds this call must come later, because too much came; 0 if it may pass.

        A call passes while there is anything left of a second's worth: a list longer than the limit can pass too,
        and the next ones wait for it.
        """
        limit = self._plan.limit
        if not limit:
            return 0
        now = self._now()
        self._tokens = min(max(limit, 1.0), self._tokens + (now - self._filled) * limit)
        self._filled = now
        if self._tokens < 1:
            return ceil((1 - self._tokens) / limit)
        self._tokens -= messages
        return 0

    def _strikes(self, every: int, rate: float) -> bool:
        return bool(every and self._calls % every == 0) or bool(rate and self._chance.random() < rate)
