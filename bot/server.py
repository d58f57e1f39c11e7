"""Rasa as a program of its own: where it lies, how it is started, killed and asked.

It needs Python 3.8 to 3.10 and cannot share our environment, so it is spoken to over HTTP only.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parent.parent
ASSISTANT = ROOT / "bot" / "assistant"
HOME = ROOT / ".rasa"
MODEL = HOME / "models" / "ngazi.tar.gz"
LANGUAGES = ("en", "sw", "fr", "es")
QUIET = {"RASA_TELEMETRY_ENABLED": "false", "SQLALCHEMY_SILENCE_UBER_WARNING": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
QUIET["PYTHONPATH"] = str(ASSISTANT)  # where Rasa finds classifier.py
PATIENCE = 120.0  # seconds until it answers
NOWHERE = "http://127.0.0.1:9/rasa/webhook"  # for a server of which no action is wanted

direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # no proxy reaches our own machine


class Rasa:
    """A server with the trained model on this machine, not started yet. `actions`: the gateway's route."""

    def __init__(self, token: str, actions: str = NOWHERE, port: int = 0, log: str = "test.log") -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._token, self._actions, self._log = token, actions, HOME / "log" / log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it. `wait` until it can be asked."""
        program, command, environ = server(self.port, self._token, self._actions)
        self._log.parent.mkdir(exist_ok=True)
        with self._log.open("ab") as log:
            log.truncate(0)
            self._process = subprocess.Popen(command, executable=program, env=environ, stdout=log, stderr=log, cwd=HOME)

    def wait(self) -> None:
        """Until it has loaded the model. Raises ClickException where it does not."""
        assert self._process is not None
        until = time.monotonic() + PATIENCE
        while self._process.poll() is None and time.monotonic() < until:
            try:
                with direct.open(f"{self.url}/status?token={self._token}", timeout=5) as answer:
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.3)
        raise click.ClickException(f"Rasa did not start; see {self._log.relative_to(ROOT)}")

    def version(self) -> str:
        """Of the running one. Raises URLError, ValueError."""
        with direct.open(f"{self.url}/version", timeout=5) as answer:
            return str(json.load(answer)["version"])

    def kill(self) -> None:
        """End it as a crash does, without a word."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """Stop it, gently first."""
        if self._process is not None:
            stop(self._process)
            self._process = None


@contextmanager
def running(token: str) -> Iterator[str]:
    """A server with the trained model, until the end of the block; gives its address."""
    rasa = Rasa(token)
    try:
        rasa.start()
        rasa.wait()
        yield rasa.url
    finally:
        rasa.stop()


def stop(process: subprocess.Popen[bytes]) -> None:
    """Stop a process, gently first."""
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def server(port: int, token: str, actions: str) -> tuple[str, list[str], dict[str, str]]:
    """Program, command and environment of a server."""
    credentials = ASSISTANT / "credentials.yml"
    if not credentials.exists():
        credentials = ASSISTANT / "credentials.example.yml"
    words = ["run", "--enable-api", "-i", "127.0.0.1", "-p", str(port), "-m", str(MODEL), "--auth-token", token]
    words += ["--endpoints", str(ASSISTANT / "endpoints.yml"), "--credentials", str(credentials)]
    command = rasa_command(*words)
    return command[0], command, os.environ | QUIET | {"NGAZI_RASA_TOKEN": token, "NGAZI_RASA_ACTIONS": actions}


def rasa_command(*words: str) -> list[str]:
    """A command of Rasa's, in its environment."""
    return [str(HOME / "bin" / "python"), "-m", "rasa", *words]


def free_port() -> int:
    """A port of the loopback address that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def post(url: str, body: object, patience: float = 10.0) -> object:
    """What a server of this machine answers to this JSON. Raises URLError, TimeoutError, ValueError."""
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    with direct.open(request, timeout=patience) as answer:
        return json.load(answer)
