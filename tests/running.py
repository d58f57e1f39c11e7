"""The real gateway as a process of its own, on a free port of the loopback address, with a folder of its own.

with running_gateway(tmp_path) as gateway:
    DIRECT.open(gateway.url)
    gateway.stop()          # as when somebody presses Ctrl+C
    gateway.start()         # same port, same folder
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, build_opener

DIRECT = build_opener(ProxyHandler({}))  # a proxy of the environment cannot reach our own machine
PATIENCE = 30.0  # seconds that a start may take on a busy machine


class RunningGateway:
    """One `ngazi serve`."""

    def __init__(self, folder: Path, **settings: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("NGAZI_")}
        self._environ = kept | {"NGAZI_DATA": str(folder / "data"), "NGAZI_DRAFTS": "show"} | settings
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """What it has said so far."""
        return (self._folder / "gateway.log").read_text(errors="replace")

    def start(self) -> None:
        """Start it and wait until it answers. Raises RuntimeError with its log."""
        command = [str(Path(sys.executable).with_name("ngazi")), "serve"]
        command += ["--host", "127.0.0.1", "--port", str(self.port)]
        with (self._folder / "gateway.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=self._folder, env=self._environ, stdout=log, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                with DIRECT.open(f"{self.url}/health", timeout=5):
                    return
            except HTTPError as error:  # not ready yet
                error.close()
            except (URLError, OSError):  # not there yet
                pass
            time.sleep(0.1)
        self.stop()
        raise RuntimeError(f"ngazi serve did not start:\n{self.log}")

    def stop(self) -> None:
        """Stop it, gently first."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


@contextmanager
def running_gateway(folder: Path, **settings: str) -> Iterator[RunningGateway]:
    """A gateway that runs for the length of the block; `settings` are further environment variables."""
    gateway = RunningGateway(folder, **settings)
    gateway.start()
    try:
        yield gateway
    finally:
        gateway.stop()
