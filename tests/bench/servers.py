"""Starts what is measured, each as a process of its own, and reads what the system knows about it."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0  # seconds for a start
SECRET = "bench-secret-of-callbacks"
KEY = "bench-key-that-locks-nothing-but-benches"
CHANNEL = "ke"
CALLBACK = f"/in/{CHANNEL}/{SECRET}/ussd"
TICKS = os.sysconf("SC_CLK_TCK")


class NotStarted(Exception):
    """A server did not start."""


@dataclass(slots=True)
class Server:
    """One or more processes that answer the same callers."""

    name: str
    path: str
    ports: list[int] = field(default_factory=list)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def memory(self) -> int:
        """Peak resident memory of the largest process, in bytes."""
        return max(
            int(re.findall(r"VmHWM:\s+(\d+) kB", self._proc(each, "status"))[0]) * 1024 for each in self.processes
        )

    def cpu(self) -> float:
        """Seconds of processor time that its processes have used."""
        return (
            sum(sum(map(int, self._proc(each, "stat").rsplit(")", 1)[1].split()[11:13])) for each in self.processes)
            / TICKS
        )

    def metric(self, name: str) -> float:
        """The sum of a metric over its labels and processes."""
        found = [line for port in self.ports for line in get(port, "/metrics").splitlines() if line.startswith(name)]
        return sum(float(line.rsplit(" ", 1)[1]) for line in found if line[len(name)] in " {")

    def stop(self) -> None:
        """Ask the processes to end, and wait."""
        for each in self.processes:
            each.send_signal(signal.SIGTERM)
        for each in self.processes:
            try:
                each.wait(20)
            except subprocess.TimeoutExpired:
                each.kill()
                each.wait()

    @staticmethod
    def _proc(of: subprocess.Popen[bytes], file: str) -> str:
        return Path(f"/proc/{of.pid}/{file}").read_text()


def get(port: int, path: str) -> str:
    """A page as text."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with contextlib.closing(line):
        line.request("GET", path)
        return line.getresponse().read().decode()


def free_port() -> int:
    with contextlib.closing(socket.socket()) as attempt:
        attempt.bind(("127.0.0.1", 0))
        port: int = attempt.getsockname()[1]
        return port


def yardstick(name: str, *how: str) -> Server:
    """The bare endpoint, or the canned answer."""
    server = Server(name, "/ussd", [free_port()])
    command = [sys.executable, "-m", "tests.bench.bare", str(server.ports[0]), *how]
    server.processes.append(subprocess.Popen(command, cwd=ROOT))
    await_answer(server, 0, "/ussd")
    return server


def ngazi(name: str, folder: Path, url: str, count: int = 1, **settings: str) -> Server:
    """`ngazi serve`, as an operator starts it; `count` processes on one database."""
    server = Server(name, CALLBACK)
    for place in range(count):
        server.ports.append(free_port())
        with (folder / f"{re.sub(r'[^a-z0-9]+', '-', name.lower())}-{place}.log").open("wb") as log:
            server.processes.append(
                subprocess.Popen(
                    [str(Path(sys.executable).with_name("ngazi")), "serve"],
                    cwd=folder,
                    env=environment(folder, url, server.ports[place], settings),
                    stdout=log,
                    stderr=log,
                )
            )
        await_answer(server, place, "/health")
    return server


def environment(folder: Path, url: str, port: int, settings: Mapping[str, str]) -> dict[str, str]:
    """What an operator would set."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("NGAZI_")}
    return own | {
        "NGAZI_DATA": str(folder),
        "NGAZI_DATABASE_URL": url,
        "NGAZI_CHANNELS": f"{CHANNEL}=africastalking://user:key@?code=*384*77%23&country=KE&secret={SECRET}&base=http://127.0.0.1:9",
        "NGAZI_SECRET_KEY": KEY,
        "NGAZI_CONTENT": str(ROOT / "content"),
        "NGAZI_PORT": str(port),
        "NGAZI_PUBLIC_URL": "http://127.0.0.1:9",  # where nobody listens
        **settings,
    }


def await_answer(server: Server, place: int, path: str) -> None:
    """Until it answers at its own port. Raises NotStarted, and then all of it is stopped."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and server.processes[place].poll() is None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            get(server.ports[place], path)
            return
        time.sleep(0.05)
    server.stop()
    raise NotStarted(f"{server.name} did not start.")


@contextlib.contextmanager
def stopping(*servers: Server) -> Iterator[list[Server]]:
    """These, and those that are added to the list, are stopped at the end, whatever happened."""
    running = list(servers)
    try:
        yield running
    finally:
        for server in running:
            server.stop()
