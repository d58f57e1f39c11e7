"""Sending with real processes: workers that are killed, and a fake provider that writes down what it got.

python -m tests.acceptance.sending --people 20000 --kills 50 --workers 2 --database postgresql --provider twilio
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from gateway.providers import Carriage
from gateway.sending import africastalking, twilio
from tests.acceptance.processes import PATIENCE, Fake, Process
from tests.acceptance.server import ROOT, SECRET, SECRET_KEY
from tests.acceptance.village import Broken, Village
from tests.databases import PostgresServer, postgres_server

STARTS = 1.2  # seconds that a worker needs to begin
CHANNELS = {
    "africastalking": "ke=africastalking://me:key@?country=KE",
    "twilio": "ke=twilio://AC00000000000000000000000000000001:token@?from=%2B15005550006",
}
CARRIAGES: dict[str, Carriage] = {"africastalking": africastalking.CARRIAGE, "twilio": twilio.CARRIAGE}


def channel(provider: str, base: str, rate: float) -> str:
    """The channel `ke` of this provider, for NGAZI_CHANNELS."""
    return f"{CHANNELS[provider]}&secret={SECRET}&base={base}&rate={rate:g}"


def settings(folder: Path, database_url: str, channels: str, public_url: str = "http://127.0.0.1:9") -> dict[str, str]:
    """What every process of the gateway is told."""
    return {
        "NGAZI_DATA": str(folder / "data"),
        "NGAZI_DATABASE_URL": database_url,
        "NGAZI_SECRET_KEY": SECRET_KEY,
        "NGAZI_CHANNELS": channels,
        "NGAZI_CONTENT": str(ROOT / "content"),
        "NGAZI_PUBLIC_URL": public_url,
    }


@dataclass(slots=True)
class Account:
    """What a scenario came to. `lost`: at each kill, how many messages nobody can tell of because of it."""

    name: str
    people: int
    kills: int = 0
    lost: list[int] = field(default_factory=list)
    restarts: int = 0
    began: float = field(default_factory=time.monotonic)
    seconds: float = 0.0
    found: Counter[str] = field(default_factory=Counter)
    calls: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        told = ", ".join(f"{count:,} {what}" for what, count in sorted(self.found.items()))
        calls = ", ".join(f"{name} {count:,}" for name, count in self.calls.items())
        restarts = f", {self.restarts} restarts of the database" if self.restarts else ""
        return (
            f"{self.name}: {self.people:,} people, {self.kills} kills{restarts}, {self.seconds:.0f} s\n"
            f"  messages: {told}\n"
            f"  unknown by a kill: {sum(self.lost)}; {sum(map(bool, self.lost))} kills met calls under way, the worst "
            f"{max(self.lost, default=0)} messages\n"
            f"  the provider: {calls}"
        )


class Scene:
    """A village, a fake provider, and workers that carry messages from one to the other."""

    def __init__(
        self, folder: Path, village: Village, provider: str, fake: Fake, rate: float, workers: int = 1
    ) -> None:
        """The workers are `ngazi work`; with `workers` 0 one `ngazi serve`, which sends too."""
        self.folder, self.village, self.fake = folder, village, fake
        self.carriage = CARRIAGES[provider]
        self.environ = settings(folder, village.url, channel(provider, fake.url, rate))
        self.under_way: list[set[int]] = []
        self._made: list[Process] = []
        self.workers = [self.process(f"worker{n + 1}", "work") for n in range(workers)]
        self.workers = self.workers or [self.process("serve", "serve", "--host", "127.0.0.1", "--port", "0")]

    def process(self, name: str, *words: str) -> Process:
        """A command of the gateway, not started; it is killed at the end."""
        self._made.append(Process(self.folder, name, *words, environ=self.environ))
        return self._made[-1]

    def kill_workers(
        self, account: Account, kills: int, random: Random, meanwhile: Callable[[int], None] = lambda turn: None
    ) -> None:
        """Kill one after the other while it sends, and start it again; ends early when all is handed over."""
        for worker in self.workers:
            worker.start()
        for turn in range(kills):
            victim, before = self.workers[turn % len(self.workers)], self.fake.count
            aim = before + (account.people - before) / (kills - turn + 1) * random.uniform(0.2, 1.2)
            self._await_count(victim, aim)
            time.sleep(random.uniform(0, 0.2))
            if not self.village.waits:
                return
            victim.kill()
            self.under_way.append(self.village.ids("sending"))
            account.kills += 1
            victim.start()
            meanwhile(turn)

    def _await_count(self, victim: Process, aim: float) -> None:
        """Until the provider has so many and this worker has had the time to begin, or all is handed over."""
        seen, until = -1, time.monotonic() + PATIENCE
        starts = STARTS if len(self.workers) > 1 else 0.0  # alone it is who sends
        while self.fake.count < aim or time.monotonic() - victim.began < starts:
            if self.fake.count != seen:
                seen, until = self.fake.count, time.monotonic() + PATIENCE
                if not self.village.waits:
                    return
            for worker in self.workers:
                if worker.ended and "Error: The database cannot be used" in worker.log:
                    worker.start()  # as systemd does: the database was away when it began
            if time.monotonic() > until:
                raise Broken(f"nothing is sent any more; {dict(self.village.states)}\n{victim.log[-2000:]}")
            time.sleep(0.01)

    def finish(self, account: Account, seconds: float = 600.0, at_once: bool = False) -> None:
        """End the workers, send the rest, and account for everybody. `at_once`: without waiting for leases."""
        self.end()
        if at_once:
            self.village.end_leases()
        last = self.process("last", "work", "--until-empty", "--json")
        last.start()
        if last.wait(seconds):
            raise Broken(last.log[-2000:])
        self.settle(account)

    def end(self) -> None:
        """Ask the workers to end, and wait for them."""
        for worker in self.workers:
            code, away = worker.end(), "The database cannot be used" in worker.log
            if code not in (0, -signal.SIGTERM) and not away:  # it had only just been started
                raise Broken(f"a worker ended with {code}\n{worker.log[-2000:]}")

    def settle(self, account: Account) -> None:
        """Account for everybody. Raises Broken."""
        account.calls = self.fake.counts
        account.found = self.village.check(self.fake.received)
        account.seconds = time.monotonic() - account.began
        dead, most = self.village.of_dead_workers, self.carriage.most * self.carriage.calls
        for each in self.under_way:
            account.lost.append(len(each & dead))
            dead -= each
        if dead:
            raise Broken(f"{len(dead)} messages are unknown that were not under way at any kill")
        others = len(self.workers) - 1  # at each kill the calls of the others are seen too; some die a little later
        for kills in range(1, len(account.lost) + 1):
            if sum(account.lost[:kills]) > most * (kills + others):
                raise Broken(
                    f"{kills} kills left {account.lost[:kills]} messages unknown; {most} are under way at most"
                )
        for process in self._made:
            if '"trace"' in process.log or "Traceback" in process.log:
                raise Broken(process.log[-3000:])

    def close(self) -> None:
        """Kill what still runs."""
        for each in self._made:
            each.kill()


def run(options: argparse.Namespace, folder: Path, postgres: PostgresServer | None) -> Account:
    """One broadcast with kills; the account. Raises Broken."""
    url = postgres.fresh_database() if postgres else f"sqlite:///{folder / 'ngazi.db'}"
    provider, random = options.provider, Random(options.seed)
    name = (
        f"{provider}, {options.database}, {options.workers or 'ngazi serve'} at work {' '.join(options.fake)}".strip()
    )
    rate = options.rate or 0.75 * options.people / max(1, options.kills) / max(1, options.workers)
    with ExitStack() as stack:
        village = stack.enter_context(closing(Village(url, options.people)))
        fake = Fake(folder, provider, "--delay", "0.1", *options.fake)
        fake.start()
        stack.callback(fake.kill)
        scene = stack.enter_context(closing(Scene(folder, village, provider, fake, rate, options.workers)))
        account = Account(name, options.people)

        def meanwhile(turn: int) -> None:
            if postgres and options.restarts and turn % max(1, options.kills // options.restarts) == 0:
                postgres.stop(immediate=turn % 2 == 0)
                time.sleep(random.uniform(0, 2))
                postgres.start()
                account.restarts += 1

        scene.kill_workers(account, options.kills, random, meanwhile)
        scene.finish(account)
    return account


def main() -> None:
    """Run what the command line says; the exit code is 1 if anything is not as it must be."""
    words = argparse.ArgumentParser(prog="python -m tests.acceptance.sending", description=__doc__)
    words.add_argument("--people", type=int, default=20_000)
    words.add_argument("--kills", type=int, default=50)
    words.add_argument("--workers", type=int, default=1, help="0: ngazi serve sends")
    words.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    words.add_argument("--provider", choices=list(CHANNELS), default="africastalking")
    words.add_argument("--restarts", type=int, default=0, help="of PostgreSQL, while the workers are killed")
    words.add_argument("--rate", type=float, default=0.0, help="messages a second; else so that all kills find work")
    words.add_argument("--fake", nargs=argparse.REMAINDER, default=[], help="options of the fake provider; the last")
    words.add_argument("--seed", type=int, default=1)
    options = words.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        postgres = stack.enter_context(postgres_server()) if options.database == "postgresql" else None
        try:
            account = run(options, folder, postgres)
        except Broken as error:
            sys.exit(f"BROKEN: {error}")
    print(account)
    if account.kills < options.kills:
        sys.exit(f"Only {account.kills} kills: all was handed over before. Give a smaller --rate.")


if __name__ == "__main__":
    main()
