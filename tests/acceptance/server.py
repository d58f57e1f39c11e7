"""A real `ngazi serve` as a process of its own, and phones that call it over HTTP as Africa's Talking would.

server = Server(folder, database_url)
server.start()
phone = Phone(server, "+255719384650")
phone.dial()             # the first screen
server.kill()            # as a power cut does
server.start()           # same port, same folder
"""

from __future__ import annotations

import os
import random
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlencode

from tests.databases import PORTS

ROOT = Path(__file__).resolve().parent.parent.parent
SECRET_KEY = "a secret key of the acceptance tests"
SECRET = "acceptance-door"
CODE = "*384*77#"
CHANNEL = f"sim=simulator://@?code=*384*77%23&secret={SECRET}"
PATIENCE = 30.0  # seconds that a start may take on a busy machine


class NoAnswer(Exception):
    """The server was not there, or went away before it answered: nobody knows whether the callback counted."""


class Server:
    """One `ngazi serve` on a port that stays the same, with a folder that stays the same."""

    def __init__(self, folder: Path, database_url: str = "", **settings: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.port = folder, _free_port()
        self.database_url = database_url or f"sqlite:///{folder / 'data' / 'ngazi.db'}"
        self._process: subprocess.Popen[bytes] | None = None
        self._lines: list[HTTPConnection] = []
        kept = {name: value for name, value in os.environ.items() if not name.startswith("NGAZI_")}
        self._environ = kept | {
            "NGAZI_DATA": str(folder / "data"),
            "NGAZI_DATABASE_URL": self.database_url,
            "NGAZI_SECRET_KEY": SECRET_KEY,
            "NGAZI_CHANNELS": CHANNEL,
            "NGAZI_SENDING": "elsewhere",  # nothing leaves this machine, unless a test has a fake provider
            "NGAZI_CONTENT": str(ROOT / "content"),
            "NGAZI_HOST": "127.0.0.1",
            "NGAZI_PORT": str(self.port),
        }
        self._environ |= settings

    def set(self, **settings: str) -> None:
        """Further settings, from its next start on."""
        self._environ |= settings

    @property
    def log(self) -> str:
        """All that its processes have said so far."""
        return (self.folder / "gateway.log").read_text(errors="replace")

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def launch(self) -> None:
        """Begin to start it, and come back at once."""
        assert not self.running
        command = [str(Path(sys.executable).with_name("ngazi")), "serve"]
        with (self.folder / "gateway.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=self.folder, env=self._environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def await_answer(self) -> None:
        """Wait until it answers phones. Raises RuntimeError with its log."""
        until = time.monotonic() + PATIENCE
        while self.running and time.monotonic() < until:
            try:
                if self.ask("GET", "/health")[0] == 200:
                    return
            except NoAnswer:
                time.sleep(0.01)
        self.kill()
        raise RuntimeError(f"ngazi serve did not start:\n{self.log}")

    def start(self) -> None:
        self.launch()
        self.await_answer()

    def kill(self) -> None:
        """End it without a word to it, as a power cut or the system's out-of-memory killer does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """End it as an operator does."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(PATIENCE)
            finally:
                self.kill()

    def close(self) -> None:
        """Kill it, and hang up all that were connected to it."""
        self.kill()
        for line in self._lines:
            line.close()

    def connect(self) -> HTTPConnection:
        """A connection to it; `close` ends it at the latest."""
        self._lines.append(HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE))
        return self._lines[-1]

    def ask(self, method: str, path: str, form: Mapping[str, str] | None = None) -> tuple[int, str]:
        """Status and body of one request on a connection of its own. Raises NoAnswer."""
        line = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            return request(line, method, path, form)
        finally:
            line.close()


def request(line: HTTPConnection, method: str, path: str, form: Mapping[str, str] | None) -> tuple[int, str]:
    """Status and body. Raises NoAnswer; the connection is closed then."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"} if form is not None else {}
    try:
        line.request(method, path, urlencode(form) if form is not None else None, headers)
        response = line.getresponse()
        answer = response.status, response.read().decode()
    except (HTTPException, OSError) as error:
        line.close()
        raise NoAnswer from error
    return answer


@dataclass(frozen=True, slots=True)
class Screen:
    """What the phone shows; `more`: something may be typed."""

    text: str
    more: bool

    def key_of(self, words: str) -> str:
        """The key of the choice that reads so; "" if it is not on this screen."""
        for line in self.text.split("\n"):
            key, dot, said = line.partition(". ")
            if dot and key.isdigit() and said == words:
                return key
        return ""

    @property
    def keys(self) -> list[str]:
        """The keys of the choices on this screen, without more (9) and back (0)."""
        found = [line.partition(". ")[0] for line in self.text.split("\n") if ". " in line]
        return [key for key in found if len(key) == 1 and key in "12345678"]


class Phone:
    """A phone behind Africa's Talking: a callback holds everything typed so far in the call."""

    def __init__(self, server: Server, number: str) -> None:
        self.number, self.session, self.typed = number, "", ""
        self._line = server.connect()

    def connect_to(self, server: Server) -> None:
        """Its next callbacks go to this process."""
        self._line.close()
        self._line = server.connect()

    def dial(self) -> Screen:
        """The first screen of a new call. Raises NoAnswer."""
        self.session, self.typed = f"ATUid_{secrets.token_hex(16)}", ""
        return self.send()

    def type(self, text: str) -> Screen:
        """The screen after this answer. Raises NoAnswer."""
        self.typed = f"{self.typed}*{text}" if self.typed else text
        return self.send()

    def send(self) -> Screen:
        """The callback as it stands; also once more. Raises NoAnswer; what is no screen fails the test."""
        form = {
            "sessionId": self.session,
            "serviceCode": CODE,
            "phoneNumber": self.number,
            "networkCode": "99999",
            "text": self.typed,
        }
        status, body = request(self._line, "POST", f"/in/sim/{SECRET}/ussd", form)
        assert status == 200, (status, body)
        assert body[:4] in ("CON ", "END "), body
        assert body[4:].strip(), "an empty screen"
        return Screen(body[4:], body.startswith("CON "))

    def text(self, words: str, id: str = "") -> int:
        """Send an SMS to the service; the status of the answer. Raises NoAnswer."""
        form = {
            "id": id or secrets.token_hex(16),
            "from": self.number,
            "to": "21512",
            "text": words,
            "date": "2026-11-22 06:04:45",
        }
        return self.tell("sms", form)

    def tell(self, callback: str, form: Mapping[str, str]) -> int:
        """Another callback of the provider; the status of the answer. Raises NoAnswer."""
        return request(self._line, "POST", f"/in/sim/{SECRET}/{callback}", form)[0]

    def join(self) -> Screen:
        """Call for the first time: English, of age, agreed. The menu."""
        self.dial()
        for key in ("1", "1", "1"):
            screen = self.type(key)
        return screen


def _free_port() -> int:
    """Outside those given to outgoing connections: while the server is down, a caller must not meet itself."""
    for port in random.sample(PORTS, 100):
        with socket.socket() as attempt:
            try:
                attempt.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("No free port was found.")
