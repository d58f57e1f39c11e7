"""What the project stands on: versions, locks, licences, the wheel, and a PostgreSQL server to test with."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import psycopg
import pytest

from tests.databases import PostgresServer, postgres_server

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
PINS = re.compile(r"^(?P<name>[a-z0-9-]+)==(?P<version>\S+)(?: ; (?P<marker>.+?))? \\$", re.M)


def plain(name: str) -> str:
    """`ruamel.yaml>=0.19` and `ruamel-yaml` are one package."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=;~! ]", name)[0]).lower()


def pins(file: str) -> dict[str, str]:
    return {pin["name"]: pin["version"] for pin in PINS.finditer((ROOT / file).read_text("utf-8"))}


def test_the_version_stands_in_one_place() -> None:
    assert version("ngazi") == PROJECT["version"]
    changelog = ROOT / "CHANGELOG.md"
    if changelog.exists():
        released = re.findall(r"^## \[?(\d+\.\d+\.\d+)", changelog.read_text("utf-8"), re.M)
        assert released[:1] in ([], [PROJECT["version"]])


def test_every_dependency_is_locked() -> None:
    runtime, bot, everything = pins("requirements.txt"), pins("requirements-bot.txt"), pins("requirements-dev.txt")
    assert {plain(name) for name in PROJECT["dependencies"]} <= runtime.keys()
    assert {plain(name) for name in PROJECT["optional-dependencies"]["dev"]} <= everything.keys()
    assert {plain(name) for name in PROJECT["optional-dependencies"]["bot"]} <= bot.keys()
    assert runtime.items() <= bot.items() <= everything.items()


def test_what_is_installed_is_what_is_locked() -> None:
    for name, locked in pins("requirements.txt").items():
        if name not in {"colorama", "tzdata"}:  # on Windows only
            assert version(name) == locked, name


def test_every_locked_package_has_a_hash() -> None:
    for file in ("requirements.txt", "requirements-bot.txt", "requirements-dev.txt"):
        packages = (ROOT / file).read_text("utf-8").split("\n\n")[0]
        for block in re.split(r"\n(?=[a-z0-9])", packages):
            assert "--hash=sha256:" in block, block.splitlines()[0]


def test_every_dependency_says_what_it_is_for() -> None:
    wanted = set(PROJECT["dependencies"]).union(*PROJECT["optional-dependencies"].values())
    explained = {
        line["name"]: line["why"]
        for line in re.finditer(
            r'^ +"(?P<name>[^"]+)", +# (?P<why>\S.{5,})$', (ROOT / "pyproject.toml").read_text("utf-8"), re.M
        )
    }
    assert wanted - explained.keys() == set()


def test_no_file_names_a_registry_or_a_place_on_somebodys_machine() -> None:
    hosts = ("pypi" + ".org", "python" + "hosted", "npm" + "js.", "deb.debian" + ".org")
    places = re.compile(r"(?<![\w.~:/-])/(?:work|root|home/\w+|Users/\w+)/")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    for name in filter(None, listed.stdout.decode().split("\0")):
        path = ROOT / name
        if path.suffix in {".png", ".xlsx", ".ico", ".woff2"} or not path.is_file():
            continue
        text = path.read_text("utf-8")
        assert not [host for host in hosts if host in text], name
        assert not places.search(text), name


def test_code_and_texts_have_their_licences() -> None:
    assert "Apache License" in (ROOT / "LICENSE").read_text("utf-8")
    assert "creativecommons.org/licenses/by/4.0/" in (ROOT / "content" / "LICENSE").read_text("utf-8")


def test_the_wheel_carries_the_content_and_no_tests(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {"gateway/__init__.py", "dialogs/__init__.py", "bot/__init__.py", "content/LICENSE"} <= set(names)
    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == {"gateway", "dialogs", "bot", "content"}
    assert not [name for name in names if name.startswith("content/") and name.endswith(".py")]


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


def ask(url: str, question: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(question).fetchone()
        return row and row[0]


def test_a_real_postgresql_answers(server: PostgresServer) -> None:
    assert int(str(ask(server.url, "SHOW server_version_num"))) >= 160_000
    assert ask(server.url, "SHOW synchronous_commit") == "on"
    assert ask(server.url, "SHOW fsync") == "on"
    assert ask(server.url, "SHOW listen_addresses") == "127.0.0.1"


@pytest.mark.parametrize("immediate", [False, True], ids=["in order", "like a crash"])
def test_it_restarts_with_its_rows_at_the_same_address(server: PostgresServer, immediate: bool) -> None:
    url = server.fresh_database("lasting")
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE step (id int)")
        connection.execute("INSERT INTO step VALUES (7)")
    server.stop(immediate=immediate)
    assert not server.running
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)
    server.start()
    assert ask(url, "SELECT id FROM step") == 7


def test_a_fresh_database_is_a_copy_of_its_template(server: PostgresServer) -> None:
    template = server.fresh_database("template_one")
    with psycopg.connect(template) as connection:
        connection.execute("CREATE TABLE step AS SELECT 3 AS id")
    first, second = server.fresh_database(template="template_one"), server.fresh_database()
    assert first != second
    assert ask(first, "SELECT id FROM step") == 3
    assert ask(second, "SELECT to_regclass('step')") is None


def test_a_fresh_database_replaces_one_that_somebody_still_uses(server: PostgresServer) -> None:
    with psycopg.connect(server.fresh_database("again")) as connection:
        connection.execute("CREATE TABLE step (id int)")
        connection.commit()
        assert ask(server.fresh_database("again"), "SELECT to_regclass('step')") is None


def test_the_server_ends_with_its_program_even_when_that_is_killed() -> None:
    program = (
        "import sys, time; from tests.databases import PostgresServer\n"
        "print(PostgresServer().url, flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        url = started.stdout.readline().strip()
        assert ask(url, "SELECT 1") == 1
        os.kill(started.pid, signal.SIGKILL)
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return
        time.sleep(0.1)
    pytest.fail("The server is still there.")
