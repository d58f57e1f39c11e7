"""A village: contacts who want news, and broadcasts that are queued for all of them, written straight into the tables.

At the end everybody is accounted for: one message each, in one final state that agrees with what the provider got.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from sqlalchemy import Executable, NullPool, create_engine, insert, select
from sqlalchemy.exc import OperationalError

from dialogs.database import migrate, open_engine
from dialogs.seal import Seal
from dialogs.tables import Address, Contact, Field
from gateway import reasons, settling
from gateway.desk import utcnow
from gateway.tables import BULK, Broadcast, Message
from tests.acceptance.server import SECRET_KEY

SLICE = 5_000  # rows in one statement
AWAY = 30.0  # seconds that a database may be away while somebody looks into it
HANDED_OVER = ("sent", "delivered")
Rows = tuple[Any, list[dict[str, Any]]]


class Broken(AssertionError):
    """Something that must always hold does not."""


class Village:
    """`people` contacts of Kenya, and one broadcast for them. `at_once`: at any hour of the day, as in an emergency."""

    def __init__(self, database_url: str, people: int, *, at_once: bool = True) -> None:
        self.url, self.now, self.seal = database_url, utcnow(), Seal(SECRET_KEY)
        self.numbers = {id: f"+254710{id:06d}" for id in range(1, people + 1)}
        self._plain = create_engine(database_url, poolclass=NullPool)  # reads without a lock
        self._engine = open_engine(database_url)
        migrate(self._engine)
        self._write(self._people())
        self.broadcasts: list[int] = []
        self.queue(at_once=at_once)

    def queue(self, text: str = "Training on Saturday.", *, at_once: bool = True, channel: str = "ke") -> None:
        """One broadcast for everybody."""
        values = {"name": text, "text": {"en": text}, "audience": {}, "any_hour": "a test" if at_once else ""}
        with self._engine.begin() as db:
            made = insert(Broadcast).values(status="sending", created_at=self.now, begun_at=self.now, **values)
            id = db.execute(made.returning(Broadcast.id)).scalar_one()
        row = {
            "channel": channel, "direction": "out", "kind": "broadcast", "status": "queued", "priority": BULK,
            "due_at": self.now, "expires_at": self.now + timedelta(days=3), "created_at": self.now, "broadcast_id": id,
        }  # fmt: skip
        self._write([(Message, [{**row, "contact_id": n, "dedupe": f"broadcast:{id}:{n}"} for n in self.numbers])])
        self.broadcasts.append(id)

    def _people(self) -> list[Rows]:
        now, seal, numbers = self.now - timedelta(days=1), self.seal, self.numbers.items()
        person = {"language": "en", "country": "KE", "timezone": "", "consent_at": now, "created_at": now}
        place = {"kind": "tel", "key_id": seal.key_id, "heard_at": now, "refused_by": ""}
        found = [
            {"contact_id": id, "key": seal.key("tel", number), "sealed": seal.seal(number, "tel", str(id))}
            for id, number in numbers
        ]
        return [
            (Contact, [{**person, "seen_at": now} for _ in numbers]),  # the ids of an empty table begin at 1
            (Address, [place | each for each in found]),
            (Field, [{"contact_id": id, "name": "news", "value": "yes"} for id, _ in numbers]),
        ]

    def _write(self, many: list[Rows]) -> None:
        for table, rows in many:
            for first in range(0, len(rows), SLICE):
                with self._engine.begin() as db:
                    db.execute(insert(table.__table__), rows[first : first + SLICE])

    def look(self, statement: Executable) -> list[Any]:
        """The rows of a statement, as they are committed now; waits for a database that is away."""
        until = time.monotonic() + AWAY
        while True:
            try:
                with self._plain.connect() as db:
                    return list(db.execute(statement))
            except OperationalError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)

    def ids(self, status: str) -> set[int]:
        """The messages in this state."""
        return {row.id for row in self.look(select(Message.id).where(Message.status == status))}

    @property
    def waits(self) -> bool:
        """True while there is a message that was not handed over."""
        queued = select(Message.id).where(Message.status == "queued", Message.channel == "ke", Message.priority == BULK)
        return bool(self.look(queued.limit(1)))

    @property
    def states(self) -> Counter[str]:
        """How many of the messages are in which state."""
        return Counter(row.status for row in self.look(select(Message.status).where(Message.direction == "out")))

    @property
    def of_dead_workers(self) -> set[int]:
        """Messages that a worker had handed over, perhaps, when it ended."""
        wanted = select(Message.id).where(Message.status == "unknown", Message.error == reasons.WORKER_ENDED)
        return {row.id for row in self.look(wanted)}

    def end_leases(self) -> int:
        """What otherwise happens half a minute after a worker died; gives how many messages became unknown."""
        self._engine.dispose()  # the database may have been restarted
        with self._engine.begin() as db:
            return settling.leases(db, utcnow() + timedelta(hours=1))

    def check(self, received: Iterable[str]) -> Counter[str]:
        """How many messages ended how. Raises Broken."""
        times, found = Counter(received), Counter[str]()
        wrong = [f"{number} got it {n} times" for number, n in times.items() if n > 1]
        rows = self.look(
            select(Message.contact_id, Message.status, Message.provider_id).where(Message.kind == "broadcast")
        )
        if sorted(row.contact_id for row in rows) != sorted(self.numbers):
            wrong.append("not everybody has one message")
        for id, status, provider_id in rows:
            got = times.pop(self.numbers[id], 0)
            found[f"{status}, received" if got and status not in HANDED_OVER else status] += 1
            fits = got == 1 and bool(provider_id) if status in HANDED_OVER else not got or status == "unknown"
            if not fits or status in ("queued", "sending"):
                wrong.append(f"the message of contact {id} is {status}, and the provider got {got}")
        wrong += [f"{number} is nobody's" for number in times]
        if wrong:
            raise Broken("\n".join([f"{len(wrong)} times wrong, {dict(found)}:", *wrong[:20]]))
        return found

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()
