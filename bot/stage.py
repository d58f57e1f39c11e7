"""Where stories are played: a gateway process with a folder of its own and Rasa beside it, on this machine only."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Protocol
from urllib.error import URLError

from bot.server import direct, stop

PATIENCE = 60.0  # seconds until the gateway answers
COUNTED = re.compile(r'^ngazi_free_texts_total\{outcome="understood"\} ([0-9.]+)$', re.M)


class NotUp(Exception):
    """The gateway did not start; the text is the end of its log."""


class Assistant(Protocol):
    """Rasa, or what stands in for it."""

    url: str

    def start(self) -> None:
        """Begin."""

    def wait(self) -> None:
        """Until it can be asked."""

    def kill(self) -> None:
        """End without a word."""


class Stage:
    """One gateway and one assistant, for all stories of a run."""

    def __init__(self, folder: Path, port: int, token: str, rasa: Assistant) -> None:
        self.url, self.rasa = f"http://127.0.0.1:{port}", rasa
        self._folder, self._numbers = folder, 0
        kept = {name: value for name, value in os.environ.items() if not name.startswith("NGAZI_")}
        self._environ = kept | {
            "NGAZI_DATA": str(folder / "data"), "NGAZI_HOST": "127.0.0.1", "NGAZI_PORT": str(port),
            "NGAZI_CHAT": "on", "NGAZI_DRAFTS": "show", "NGAZI_RASA_URL": rasa.url, "NGAZI_RASA_TOKEN": token,
        }  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start both and wait until they can be asked. Raises NotUp, ClickException."""
        self.rasa.start()
        command = [str(Path(sys.executable).with_name("ngazi")), "serve"]
        log = self._folder / "gateway.log"
        with log.open("ab") as told:
            self._process = subprocess.Popen(command, env=self._environ, stdout=told, stderr=told)
        until = time.monotonic() + PATIENCE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                raise NotUp(log.read_text(errors="replace")[-3000:])
            time.sleep(0.2)
        self.rasa.wait()

    def stop(self) -> None:
        """Stop both."""
        if self._process is not None:
            stop(self._process)
        self.rasa.kill()

    def understood(self) -> int:
        """How many texts of the gateway Rasa has understood."""
        with direct.open(f"{self.url}/metrics", timeout=5) as answer:
            found = COUNTED.search(answer.read().decode())
        return int(float(found[1])) if found else 0

    def new_number(self) -> str:
        """A number of a phone that nobody had."""
        self._numbers += 1
        return f"+2556212347{self._numbers:02}"

    def _answers(self) -> bool:
        try:
            with direct.open(f"{self.url}/health", timeout=5):
                return True
        except (URLError, OSError):
            return False
