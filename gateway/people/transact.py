"""Work in one short transaction after the other, as `gateway.command.Opened` gives it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from sqlalchemy import Connection

T = TypeVar("T")


class Transact(Protocol):
    """Runs some work in one transaction, and gives what it gives."""

    def __call__(self, work: Callable[[Connection], T]) -> T: ...
