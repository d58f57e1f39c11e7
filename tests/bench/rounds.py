"""What is wished for, the process that plays the phones, and what the rounds with one server brought."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any

from tests.bench.calls import Wrong
from tests.bench.servers import ROOT, Server

SQLITE, POSTGRES, TWO = "Ngazi on SQLite", "Ngazi on PostgreSQL", "Ngazi on PostgreSQL, two processes"
ONE_SQLITE, ONE_POSTGRES = "SQLite, one transaction per callback", "PostgreSQL, one transaction per callback"
BARE, CANNED = "bare Starlette form endpoint", "the generator itself, against a canned answer"


@dataclass(frozen=True, slots=True)
class Wishes:
    """How long and how much."""

    rounds: int
    seconds: float
    numbers: int
    lines: int
    sizes: tuple[int, ...]
    people: int
    only: tuple[str, ...] = ()

    def wanted(self, name: str) -> bool:
        """True if nobody asked for others only."""
        return not self.only or any(each.lower() in name.lower() for each in self.only)


@dataclass(slots=True)
class Seen:
    """What the rounds of one server brought."""

    server: Server
    runs: list[dict[str, Any]] = field(default_factory=list)
    half: list[dict[str, Any]] = field(default_factory=list)
    asked: int = 0
    cpu: list[float] = field(default_factory=list)
    lists: list[float] = field(default_factory=list)

    def median(self, name: str, *, half: bool = False) -> float:
        """The median of the rounds at full rate, or at half of it."""
        return statistics.median(float(run[name]) for run in (self.half if half else self.runs))

    @property
    def busy(self) -> int:
        """How many busy screens were shown."""
        return sum(run["busy"] for run in (*self.runs, *self.half))


class Generator:
    """The process that plays the phones."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.bench.load"]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def tell(self, **order: Any) -> dict[str, Any]:
        """Give an order, wait for what came of it. Raises Wrong."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps(order), file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        if not line:
            raise Wrong("The generator ended.")
        answer: dict[str, Any] = json.loads(line)
        if answer.get("wrong"):
            raise Wrong(f"{order['crowd']}: {answer['wrong']}")
        return answer

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(20)
