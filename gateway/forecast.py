"""When the first and the last message of a broadcast will go, at the pace of the channels."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

STEP = timedelta(minutes=15)  # how finely nights are told from days
STEPS = 500  # in how many steps at most a long broadcast is followed


@dataclass(frozen=True, slots=True)
class Load:
    """So many messages that one channel may send from `due_at` on; `next_allowed`: when one may go after a moment."""

    channel: str
    due_at: datetime
    people: int
    next_allowed: Callable[[datetime], datetime]


@dataclass(frozen=True, slots=True)
class Forecast:
    """`last_at` is None while not all can go before the end; `too_late` counts those."""

    first_at: datetime | None
    last_at: datetime | None
    too_late: int


def forecast(loads: Sequence[Load], rate: Callable[[str], float], ends: datetime | None) -> Forecast:
    """When all of these have gone, if each channel sends at its rate whenever it may, one country after the other."""
    busy_until: dict[str, datetime] = {}
    last, too_late = None, 0
    for load in sorted(loads, key=lambda load: load.due_at):
        start = max(load.due_at, busy_until.get(load.channel, load.due_at))
        end, left = _followed(load, start, rate(load.channel), ends)
        busy_until[load.channel] = end
        too_late += left
        last = end if last is None else max(last, end)
    first = min((load.due_at for load in loads), default=None)
    late = ends is not None and first is not None and first >= ends
    return Forecast(None if late else first, None if too_late else last, too_late)


def _followed(load: Load, at: datetime, pace: float, ends: datetime | None) -> tuple[datetime, int]:
    """When the last of these goes, and how many are left at the end."""
    needed = load.people / pace  # seconds of sending
    step = max(STEP, timedelta(seconds=needed / STEPS))
    while needed > 0:
        at = load.next_allowed(at)
        if ends is not None and at >= ends:
            break
        room = step if ends is None else min(step, ends - at)
        seconds = min(room.total_seconds(), needed)
        needed -= seconds
        at += timedelta(seconds=seconds)
    return at, math.ceil(needed * pace - 1e-6)
