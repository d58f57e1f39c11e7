"""The yardsticks of sending: the same rows and calls with nothing around them."""

from __future__ import annotations

import base64
import http.client
import json
import threading
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import urlencode

from sqlalchemy import Engine, text

from gateway.desk import utcnow
from tests.bench.calls import Wrong
from tests.bench.senders import ACCOUNT, TEXTS

LOT = 500
COLUMNS = (
    "channel, contact_id, broadcast_id, dedupe, direction, kind, priority, status, error, due_at, created_at, "
    "expires_at, language, segments, cost, attempts, revision"
)
ROWS = (
    f"INSERT INTO {{into}} ({COLUMNS}) SELECT 'bare', id, :broadcast, 'bare:' || id, 'out', 'broadcast', 9, 'queued', "
    "'', {time}, {time}, {time}, '', 0, '', 0, '' FROM contact WHERE id > :after AND id <= :up_to"
)
CLAIM = (
    "UPDATE message SET status = 'sending', attempts = attempts + 1, lease_until = :lease, sent_at = :now "
    "WHERE id IN (SELECT id FROM message WHERE status = 'queued' AND channel = :channel AND priority = 9 "
    "AND due_at <= :now ORDER BY due_at LIMIT :most {lock}) RETURNING id, contact_id, dedupe"
)
SETTLE = (
    "UPDATE message SET status = 'sent', provider_id = 'bare-' || id, done_at = :now, lease_until = NULL "
    "WHERE id IN (SELECT {each})"
)
EACH = {
    "sqlite": "value FROM json_each(:ids)",
    "postgresql": "CAST(value AS bigint) FROM jsonb_array_elements_text(CAST(:ids AS jsonb))",
}


def make_plain(engine: Engine) -> None:
    """A table with the same columns, and nothing else."""
    with engine.begin() as db:
        db.execute(text(f"CREATE TABLE plain AS SELECT {COLUMNS} FROM message WHERE 1 = 0"))


def insert(engine: Engine, into: str, broadcast: int, after: int, up_to: int) -> tuple[int, float]:
    """One row for each of these contacts in one INSERT ... SELECT; gives how many, and in how many seconds."""
    now = utcnow()
    time_of = ":now" if engine.dialect.name == "sqlite" else "CAST(:now AS timestamp)"
    values = {"broadcast": broadcast, "after": after, "up_to": up_to, "now": _time(engine, now)}
    begun = time.perf_counter()
    with engine.begin() as db:
        count = db.execute(text(ROWS.format(into=into, time=time_of)), values).rowcount
    return count, time.perf_counter() - begun


def claim_and_settle(engine: Engine, channel: str, lots: int) -> float:
    """Rows a second of: take 500, and in the next transaction write that they went."""
    sqlite = engine.dialect.name == "sqlite"
    claim = text(CLAIM.format(lock="" if sqlite else "FOR UPDATE SKIP LOCKED"))
    settle = text(SETTLE.format(each=EACH[engine.dialect.name]))
    ids: list[int] = []
    count, begun = 0, time.perf_counter()
    for last in [*[False] * lots, True]:
        now = utcnow()
        values = {"now": _time(engine, now), "lease": _time(engine, now + timedelta(seconds=30))}
        with engine.begin() as db:
            if ids:
                db.execute(settle, {"now": values["now"], "ids": json.dumps(ids)})
            ids = [] if last else [row[0] for row in db.execute(claim, {**values, "channel": channel, "most": LOT})]
        count += len(ids)
    if count != lots * LOT:
        raise Wrong(f"the bare queue ran dry: {count} of {lots * LOT} rows")
    return count / (time.perf_counter() - begun)


def _time(engine: Engine, at: datetime) -> object:
    return at.isoformat(" ", "microseconds") if engine.dialect.name == "sqlite" else at


def call(kind: str, port: int, threads: int, seconds: float) -> float:
    """Messages a second that a fake takes from a plain client, so many calls at once on lines that stay open."""
    path, headers, body, each = _call(kind)
    until = time.perf_counter() + seconds
    counts = [0] * threads

    def hand_over(place: int) -> None:
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        while time.perf_counter() < until:
            line.request("POST", path, body, dict(headers))
            answer = line.getresponse()
            answer.read()
            if answer.status != 201:
                return
            counts[place] += each
        line.close()

    begun = time.perf_counter()
    running = [threading.Thread(target=hand_over, args=(place,)) for place in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    if not all(counts):
        raise Wrong(f"the fake {kind} did not take the plain client's messages")
    return sum(counts) / (time.perf_counter() - begun)


def _call(kind: str) -> tuple[str, Mapping[str, str], bytes, int]:
    form = {"content-type": "application/x-www-form-urlencoded"}
    if kind == "africastalking":
        to = ",".join(f"+2541{place:08d}" for place in range(100))
        fields = {"username": "me", "to": to, "message": TEXTS["en"], "bulkSMSMode": 1}
        return "/version1/messaging", form | {"apikey": "key"}, urlencode(fields).encode(), 100
    who = base64.b64encode(f"{ACCOUNT}:key".encode()).decode()
    fields = {"To": "+254100000001", "From": "+15005550006", "Body": TEXTS["en"]}
    path = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    return path, form | {"authorization": f"Basic {who}"}, urlencode(fields).encode(), 1
