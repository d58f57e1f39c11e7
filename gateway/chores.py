"""What is done beside sending: leases that ran out, reports that came early, broadcasts and reminders to be queued."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from gateway.desk import Busy

log = logging.getLogger("ngazi.chores")

BREATH = 0.05  # seconds between two slices: phones come first
LOOK = 0.25  # seconds between two looks whether a chore is due


@dataclass(slots=True)
class Chore:
    """One thing to do every so many seconds, a slice in each transaction; `slice` gives how much it did."""

    name: str
    seconds: float
    slice: Callable[[Connection], int]
    next: float = 0.0
    done: int = 0


class Chores:
    """Does all chores in a thread of its own. One that fails is tried again at its next turn; the others go on."""

    def __init__(
        self,
        transact: Callable[[Callable[[Connection], Any]], Any],
        chores: Sequence[Chore],
        before: Callable[[], object] | None = None,
    ) -> None:
        """`before` is called before each round that has something to do."""
        self.transact, self.chores, self.before = transact, chores, before
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="chores", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, patience: float) -> None:
        """End after the slice at hand."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(patience)

    def _run(self) -> None:
        while not self._stopping.wait(LOOK):
            self.round()

    def round(self, at_once: bool = False) -> int:
        """Do what is due, or everything; gives how much was done."""
        due = [chore for chore in self.chores if at_once or monotonic() >= chore.next]
        if due and self.before is not None:
            self.before()
        whole = 0
        for chore in due:
            whole += self._do(chore)
            chore.next = monotonic() + chore.seconds
        return whole

    def finish(self) -> None:
        """Once more everything, after the thread has ended."""
        self._stopping.clear()
        self.round(at_once=True)

    def _do(self, chore: Chore) -> int:
        whole = 0
        try:
            while not self._stopping.is_set():
                done: int = self.transact(chore.slice)
                whole += done
                chore.done += done
                if not done:
                    return whole
                self._stopping.wait(BREATH)
        except (SQLAlchemyError, Busy) as error:
            log.warning("%s is put off: %s", chore.name, type(error).__name__)
        except Exception:
            log.exception("%s failed", chore.name)
        return whole
