"""What one claim decides, row by row, before it writes anything: which calls go out with what, and what stays.

A lane is a channel as the worker drives it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from dialogs.gsm import segment_count
from dialogs.statements import when
from gateway import waiting
from gateway.channels import Channel
from gateway.may_go import Verdict
from gateway.providers import CALL_LASTS, Carriage, Outgoing
from gateway.waiting import Row

LEASE = timedelta(seconds=2 * CALL_LASTS)


@dataclass(frozen=True, slots=True)
class Lane:
    """One channel as the worker drives it."""

    channel: Channel
    carriage: Carriage

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.channel.rate or self.carriage.rate

    @property
    def reaches(self) -> str:
        """The kind of address that it sends to."""
        return waiting.address_of(self.channel.sender)


@dataclass(slots=True)
class Claimed:
    """What to hand over, call by call; `wait` is how many seconds until it is worth asking again."""

    calls: list[list[Outgoing]] = field(default_factory=list)
    lease_until: datetime | None = None
    looked_at: int = 0
    wait: float = 0.0
    paused: bool = False
    throttled: bool = False  # the bucket let less through than the calls could carry

    @property
    def ids(self) -> list[int]:
        """Of all messages in the calls."""
        return [message.id for call in self.calls for message in call]


@dataclass(slots=True)
class Batch:
    """What one claim decides, row by row, before it writes anything."""

    lane: Lane
    free: int
    now: datetime
    revision: str
    calls: list[list[Outgoing]] = field(default_factory=list)
    by_text: dict[tuple[str, bool], list[Outgoing]] = field(default_factory=dict)
    going: list[dict[str, Any]] = field(default_factory=list)
    staying: list[dict[str, Any]] = field(default_factory=list)

    def add(
        self,
        row: Row,
        to: str,
        text: str,
        language: str,
        address_id: int | None,
        template: bool = False,
        choose: str = "",
    ) -> bool:
        """Take it along, if a call has room for it. `choose`: as of Outgoing."""
        key = (text, template) if self.lane.carriage.alike else ("", False)
        call = self.by_text.get(key)
        if call is None or len(call) >= self.lane.carriage.most:
            if len(self.calls) >= self.free:
                return False
            call = self.by_text[key] = []
            self.calls.append(call)
        lasts = int((row.expires_at - self.now).total_seconds()) if row.expires_at else 0
        asked = row.about or {} if row.kind == "reply" else {}
        choices, place = int(asked.get("choices", 0)), str(asked.get("place", ""))
        call.append(Outgoing(row.id, to, text, f"ngazi-{row.id}", max(0, lasts), template, choices, place, choose))
        self.going.append(
            {"id": row.id, "address_id": address_id, "text": text, "language": language,
             "segments": segment_count(text)}
        )  # fmt: skip
        return True

    def leave(self, row: Row, found: Verdict) -> None:
        """It does not go now, or never."""
        done = when(self.now) if found.status != "queued" else None
        self.staying.append(
            {"id": row.id, "status": found.status, "error": found.reason[:200],
             "due_at": when(found.due_at or row.due_at), "done_at": done}
        )  # fmt: skip

    def refuse(self, row: Row, reason: str) -> None:
        """It never goes."""
        self.leave(row, Verdict("refused", reason))
