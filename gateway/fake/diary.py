"""What a fake provider accepted: a log file with one JSON line for each message, and counts."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path


@dataclass(slots=True)
class Counts:
    """Since the start. `refused` are messages, the others calls or reports."""

    calls: int = 0
    accepted: int = 0
    refused: int = 0
    unauthorised: int = 0
    errors: int = 0
    limited: int = 0
    hung: int = 0
    reports: int = 0
    reports_refused: int = 0  # the gateway did not answer 2xx, or not at all
    reports_lost: int = 0  # given up, or too many were waiting
    said: int = 0


@dataclass(slots=True)
class Diary:
    """The log file, each call written at once as a whole. Nothing is kept in memory but the counts."""

    path: Path | None = None
    counts: Counts = field(default_factory=Counts)
    _file: int = -1

    def __post_init__(self) -> None:
        """Raises OSError if the file cannot be written."""
        if self.path is not None:
            self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def accepted(self, text: str, sender: str, messages: Iterable[tuple[str, str]]) -> None:
        """These messages (number, id) were accepted, all with this text."""
        rest = f'"text":{json.dumps(text, ensure_ascii=False)},"from":{json.dumps(sender, ensure_ascii=False)}'
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        lines = [f'{{"to":{json.dumps(to)},"id":{json.dumps(id)},{rest},"at":"{now}"}}\n' for to, id in messages]
        self.counts.accepted += len(lines)
        if lines and self._file >= 0:
            os.write(self._file, "".join(lines).encode("utf-8", "replace"))

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
