"""Commands of the gateway as processes of their own: to be killed, asked to end, or waited for; and fake providers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

from tests.acceptance.village import Broken

NGAZI = str(Path(sys.executable).with_name("ngazi"))
PATIENCE = 60.0  # seconds without any progress
# Twilio is told where to report to, and there is nobody.
LATE = ("--report-after", "3600")
DIRECT = build_opener(ProxyHandler({}))


def await_true(true: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Until it is true. Raises Broken."""
    until = time.monotonic() + seconds
    while not true():
        if time.monotonic() > until:
            raise Broken(what)
        time.sleep(0.02)


class Process:
    """One `ngazi` command with a folder; what it says stands in a file."""

    def __init__(self, folder: Path, name: str, *words: str, environ: dict[str, str] | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._said, self._words, self._folder = folder / f"{name}.log", words, folder
        kept = {key: value for key, value in os.environ.items() if not key.startswith("NGAZI_")}
        self._environ = kept | (environ or {})
        self._process: subprocess.Popen[bytes] | None = None
        self.began = 0.0

    @property
    def log(self) -> str:
        """All that it has said."""
        return self._said.read_text(errors="replace") if self._said.exists() else ""

    @property
    def ended(self) -> bool:
        """True if it has ended by itself."""
        return self._process is not None and self._process.poll() is not None

    def start(self) -> None:
        """Begin; comes back at once."""
        with self._said.open("ab") as log:
            self._process = subprocess.Popen(
                [NGAZI, *self._words], cwd=self._folder, env=self._environ, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log,
            )  # fmt: skip
        self.began = time.monotonic()

    def kill(self) -> None:
        """End it as a power cut does. Harmless when it has ended."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def end(self, seconds: float = PATIENCE) -> int:
        """Ask it to end; its exit code. Raises subprocess.TimeoutExpired."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(seconds)

    def wait(self, seconds: float) -> int:
        """Until it ends by itself; its exit code. Raises subprocess.TimeoutExpired."""
        assert self._process is not None
        return self._process.wait(seconds)

    @property
    def report(self) -> Any:
        """The JSON that it printed at its end."""
        return json.loads(self.log.strip().splitlines()[-1])


class Fake(Process):
    """A fake provider; `options` as on the command line. Numbers have no meaning."""

    def __init__(self, folder: Path, provider: str, *options: str) -> None:
        self._received, self._read, self._lines = folder / "received.jsonl", 0, 0
        options = (*(LATE if provider == "twilio" and "--report-after" not in options else ()), *options)
        super().__init__(folder, "fake", "fake", provider, "--plain", "--log", str(self._received), *options)
        self.url = ""

    def start(self) -> None:
        """Until it listens."""
        super().start()
        await_true(lambda: " on http://" in self.log, "the fake provider did not start")
        self.url = self.log.rsplit(" on ", 1)[1].split()[0]

    @property
    def taken(self) -> list[dict[str, str]]:
        """Each message that it accepted: to, id, at and so on."""
        return [json.loads(line) for line in self._received.read_text().splitlines()]

    @property
    def received(self) -> list[str]:
        """Whom it accepted messages to, each as often as it did."""
        return [each["to"] for each in self.taken]

    @property
    def count(self) -> int:
        """How many it has accepted."""
        with self._received.open("rb") as file:
            file.seek(self._read)
            part = file.read()
        self._read += len(part)
        self._lines += part.count(b"\n")
        return self._lines

    @property
    def counts(self) -> dict[str, int]:
        """Its own counts, without those that are 0."""
        with DIRECT.open(f"{self.url}/_counts", timeout=PATIENCE) as answer:
            return {name: count for name, count in json.load(answer).items() if count}
