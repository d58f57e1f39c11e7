from __future__ import annotations

import socket
import urllib.request
from importlib.metadata import version
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import create_engine, inspect

from gateway.cli import ELSEWHERE, main
from gateway.serving import greeting
from gateway.settings import Settings
from gateway.settings_page import describe
from tests.running import RunningGateway


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs a command with these settings, in a data folder of its own."""
    monkeypatch.chdir(tmp_path)

    def command(*words: str, **environ: str) -> Result:
        return CliRunner().invoke(main, words, env={"NGAZI_DATA": str(tmp_path), **environ})

    return command


def test_every_command_is_listed_and_says_what_it_does(run):
    listed = run("--help").output
    for name in ("serve", "migrate", "settings", *ELSEWHERE):
        assert f"\n  {name} " in listed
        assert run(name, "--help").exit_code == 0


def test_the_version_is_that_of_the_package(run):
    assert version("ngazi") in run("--version").output


def test_the_settings_are_shown_as_in_the_docs(run):
    assert run("settings").output == describe()


def test_the_tables_are_made_and_made_no_second_time(run, tmp_path):
    for _ in range(2):
        result = run("migrate")
        assert (result.exit_code, "The database is up to date." in result.output) == (0, True)
    engine = create_engine(f"sqlite:///{tmp_path}/ngazi.db")
    assert "contact" in inspect(engine).get_table_names()
    engine.dispose()


@pytest.mark.parametrize("command", ["serve", "migrate"])
def test_a_wrong_setting_ends_with_one_sentence(run, command):
    result = run(command, NGAZI_PORT="eighty")
    assert result.exit_code == 1
    assert result.output == "Error: NGAZI_PORT must be a number from 0 to 65535.\n"


def test_a_port_that_is_taken_is_told(run):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = run("serve", "--port", port)
    assert result.exit_code == 1
    assert f"Error: NGAZI_PORT: cannot listen on 127.0.0.1 port {port}: Address already in use." in result.output


def test_broken_content_does_not_start_and_tells_where_to_mend_it(run, tmp_path):
    folder = tmp_path / "content" / "dialogs"
    folder.mkdir(parents=True)
    (folder / "menu.yaml").write_text("title: [")
    result = run("serve", "--port", "0")
    assert result.exit_code == 1
    assert "menu.yaml:1" in result.output
    assert "ngazi content check" in result.output


@pytest.mark.parametrize(
    ("host", "shown"), [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::1", "[::1]"), ("::", "[::1]")]
)
def test_the_greeting_has_an_address_to_open(tmp_path, host, shown):
    try:
        place = socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with place:
        line, port = greeting(Settings.read({"NGAZI_DATA": str(tmp_path)}), place), place.getsockname()[1]
    assert f" http://{shown}:{port}/ " in line
    assert "\n" not in line


@pytest.mark.slow
def test_serve_greets_answers_and_stops_when_it_is_told(tmp_path: Path):
    gateway = RunningGateway(tmp_path)
    gateway.start()
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"{gateway.url}/health") as response:
        assert response.status == 200
        assert "server" not in response.headers
    gateway.stop()
    assert f"{gateway.url}/" in gateway.log
    assert "Traceback" not in gateway.log
