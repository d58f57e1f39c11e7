"""A process that queues broadcasts as `ngazi broadcast send` does, told by lines of JSON, answering with one each.

Its settings come from the environment, as a command's do.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import update
from sqlalchemy.exc import OperationalError

from gateway import broadcasts
from gateway.audience import Audience
from gateway.bill import make_bill
from gateway.cli_broadcast import reading
from gateway.command import Opened, opened
from gateway.draft import Draft
from gateway.queueing import Sending
from gateway.tables import Broadcast
from tests.bench.calls import Wrong
from tests.bench.senders import REASON, TEXTS
from tests.bench.servers import ROOT


class Queuer:
    """The process, seen from the bench; `tell` an order, or `begin` one and `hear` later what came of it."""

    def __init__(self, env: Mapping[str, str]) -> None:
        command = [sys.executable, "-m", "tests.bench.queuer"]
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=dict(env), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Queuer:
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def begin(self, **order: Any) -> None:
        """Give an order."""
        assert self.process.stdin
        print(json.dumps(order), file=self.process.stdin, flush=True)

    def hear(self) -> dict[str, Any]:
        """What came of it. Raises Wrong."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise Wrong("The process that queues broadcasts ended.")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def tell(self, **order: Any) -> dict[str, Any]:
        """Both."""
        self.begin(**order)
        return self.hear()


# --- the process itself ---


def new(it: Opened, sending: Sending, country: str, channel: str) -> dict[str, Any]:
    """A broadcast with its bill, begun: nothing is queued yet."""
    draft = Draft("The bench's news", TEXTS, Audience(countries=(country,), everyone=True), channel=channel)
    id = it.transact(lambda db: broadcasts.new(db, draft, "bench", it.clock()))
    begun = time.perf_counter()
    with reading(it) as db:
        make_bill(db, broadcasts.load(db, id), it.clock(), sending)
    billed = time.perf_counter() - begun
    it.transact(lambda db: broadcasts.send(db, id, "bench", it.clock(), sending, any_hour=REASON, again=True))
    whole, peak = time.perf_counter() - begun, memory("VmHWM")
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts anew from here
    return {"id": id, "bill": billed, "bill_peak": peak, "begun": whole - billed, "memory": memory("VmRSS")}


def queue(it: Opened, sending: Sending, id: int, rows: int, until: float) -> dict[str, Any]:
    """Slice by slice, until so many rows are there, all are, or the time is over."""
    count, longest, begun = 0, 0.0, time.perf_counter()
    done = 1
    while done and count < rows and time.perf_counter() < until:
        at = time.perf_counter()
        done = it.transact(lambda db: broadcasts.queue_slice(db, id, it.clock(), sending))
        longest = max(longest, time.perf_counter() - at)
        count += done
    seconds = time.perf_counter() - begun
    return {"rows": count, "seconds": seconds, "longest": longest, "memory": memory("VmRSS"), "peak": memory("VmHWM")}


def queue_for(it: Opened, sending: Sending, country: str, channel: str, seconds: float) -> dict[str, Any]:
    """One broadcast after another for so long; the last one is given up, so that nobody carries it on.

    `locked` counts how often a command would have ended, as SQLite let nobody in.
    """
    begun, rows, longest, locked = time.perf_counter(), 0, 0.0, 0
    until, id = begun + seconds, 0
    while time.perf_counter() < until:
        try:
            id = new(it, sending, country, channel)["id"]
            found = queue(it, sending, id, sys.maxsize, until)
            rows, longest = rows + found["rows"], max(longest, found["longest"])
        except OperationalError:
            locked += 1
    whole = time.perf_counter() - begun
    over = {"status": "cancelled", "done_at": it.clock()}
    while True:
        try:
            it.transact(lambda db: db.execute(update(Broadcast).where(Broadcast.id == id).values(over)))
            return {"rows": rows, "seconds": whole, "longest": longest, "locked": locked}
        except OperationalError:
            locked += 1


def memory(name: str) -> int:
    """VmRSS or VmHWM of this process, in bytes."""
    return int(re.findall(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())[0]) * 1024


def main() -> None:
    """Read orders, carry them out, tell what came of them."""
    with opened() as it:
        sending = Sending(it.settings.channels, it.content, slice=it.slice)
        for line in sys.stdin:
            order = json.loads(line)
            if order["do"] == "new":
                answer = new(it, sending, order["country"], order["channel"])
            elif order["do"] == "queue":
                answer = queue(it, sending, order["id"], order["rows"], float("inf"))
            else:
                answer = queue_for(it, sending, order["country"], order["channel"], order["seconds"])
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
