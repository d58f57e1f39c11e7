"""What sends and what is sent to: fake providers and workers as processes of their own, broadcasts that wait."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from sqlalchemy import Engine, func, select

from dialogs.content import Content
from dialogs.database import open_engine
from gateway import broadcasts, queueing
from gateway.audience import Audience
from gateway.channels import read_channels
from gateway.desk import utcnow
from gateway.draft import Draft
from gateway.tables import Message
from tests.bench.servers import SECRET, Server, await_answer, environment, free_port, get

DELAY = 0.05  # seconds until a fake provider answers
FASTEST = 99_999  # messages a second: the channel's rate is not what holds anybody up
TEXTS = {
    "en": "Fair mining: the buying centre pays by the new price list from Monday. Ask for your receipt.",
    "sw": "Uchimbaji wa haki: kituo cha ununuzi kinalipa kwa orodha mpya ya bei kuanzia Jumatatu. Omba risiti.",
    "fr": "Mines justes: le centre d'achat paie selon la nouvelle liste de prix des lundi. Demandez votre recu.",
}
REASON = "the bench"
ACCOUNT = "AC00000000000000000000000000000001"


def fake(kind: str, folder: Path, delay: float = DELAY) -> Server:
    """`ngazi fake`, as somebody starts it who tries sending."""
    server = Server(f"fake {kind}", "", [free_port()])
    command = [_ngazi(), "fake", kind, "--port", str(server.ports[0]), "--plain", "--delay", str(delay)]
    command += ["--report-after", "3600"]  # seconds: a message names where its reports go, and here none shall come
    with (folder / f"fake-{kind}.log").open("wb") as log:
        server.processes.append(subprocess.Popen(command, cwd=folder, stdout=log, stderr=log))
    await_answer(server, 0, "/_counts")
    return server


def accepted(provider: Server) -> int:
    """How many messages a fake has taken so far."""
    return counts(provider)["accepted"]


def counts(provider: Server) -> dict[str, int]:
    """What a fake counts: accepted (messages), calls, and so on."""
    found: dict[str, int] = json.loads(get(provider.ports[0], "/_counts"))
    return found


def channel(name: str, kind: str, provider: Server | None, rate: float = FASTEST) -> str:
    """The channel that sends to this fake, as NGAZI_CHANNELS has it; without one, to where nobody listens."""
    base = f"http://127.0.0.1:{provider.ports[0] if provider else 9}"
    who, sender = ("me:key", "") if kind == "africastalking" else (f"{ACCOUNT}:key", "&from=+15005550006")
    return f"{name}={kind}://{who}@?base={base}&rate={rate:g}&secret={SECRET}{sender}"


def worker(name: str, folder: Path, url: str, channels: str, count: int = 1) -> Server:
    """`ngazi work`, so many processes on one database; they have no port."""
    server = Server(name, "")
    env = environment(folder, url, 0, {"NGAZI_CHANNELS": channels})
    for place in range(count):
        with (folder / f"work-{place}.log").open("ab") as log:
            started = subprocess.Popen([_ngazi(), "work"], cwd=folder, env=env, stdout=log, stderr=log)
        server.processes.append(started)
    return server


def _ngazi() -> str:
    return str(Path(sys.executable).with_name("ngazi"))


# --- what waits ---


def queue_broadcast(engine: Engine, content: Content, channels: str, name: str, country: str) -> int:
    """A broadcast in three languages to all people of a country through this channel; gives its number."""
    sending = queueing.Sending(read_channels(channels), content)
    draft = Draft("The bench's news", TEXTS, Audience(countries=(country,), everyone=True), channel=name)
    with engine.begin() as db:
        id = broadcasts.new(db, draft, "bench", utcnow())
        broadcasts.send(db, id, "bench", utcnow(), sending, any_hour=REASON, again=True)
    done = 1
    while done:
        with engine.begin() as db:
            done = broadcasts.queue_slice(db, id, utcnow(), sending)
    return id


def wait_for(url: str, content: Content, channels: str, name: str, country: str, rows: int) -> None:
    """See that at least so many messages wait on a channel: one broadcast more, until it is so."""
    engine = open_engine(url, plain=True)
    while counted(engine, name, ["queued"]) < rows:
        queue_broadcast(engine, content, channels, name, country)
    engine.dispose()


def counted(engine: Engine, name: str, statuses: Sequence[str]) -> int:
    """How many messages of a channel are in one of these states."""
    mine = select(func.count()).where(Message.channel == name, Message.status.in_(statuses))
    with closing(engine.connect()) as db:
        return db.execute(mine).scalar() or 0
