"""The record of who did what with the people in the store."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert

from gateway.tables import Event


def record(db: Connection, who: str, what: str, about: Mapping[str, Any], now: datetime) -> None:
    """Write down who did what. `about` never holds a phone number."""
    db.execute(insert(Event).values(who=who[:200], what=what, about=dict(about), at=now))
