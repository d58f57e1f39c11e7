from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine

from dialogs import store
from dialogs.database import open_engine
from gateway import logs
from gateway.cli import main
from gateway.fake.africastalking import AfricasTalking
from gateway.fake.plan import Plan
from gateway.fake.serving import in_thread
from tests.town import SEAL, Town

Run = Callable[..., Result]


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_engine(database_url)
    with engine.begin() as db:
        store.check_key(db, SEAL, datetime(2026, 11, 23))  # noqa: DTZ001
    yield engine
    engine.dispose()


@pytest.fixture
def town(engine: Engine) -> Town:
    return Town(engine, datetime.now(UTC).replace(tzinfo=None, microsecond=0))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "accepted.jsonl"


@pytest.fixture
def run(database_url: str, tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """`ngazi ...` with a fake Africa's Talking behind the channel ke."""
    with in_thread(AfricasTalking(Plan(log=log))) as url:
        monkeypatch.setattr(logs, "set_up", lambda: None)  # it would stay so for the tests that follow
        monkeypatch.setenv("NGAZI_DATABASE_URL", database_url)
        monkeypatch.setenv("NGAZI_DATA", str(tmp_path))
        monkeypatch.setenv("NGAZI_SECRET_KEY", "a secret key of the tests, long enough")
        channel = f"ke=africastalking://me:key@?base={url}&rate=500&country=KE&secret=open-the-door-please"
        monkeypatch.setenv("NGAZI_CHANNELS", channel)

        def run(*words: str) -> Result:
            return CliRunner().invoke(main, list(words))

        yield run


def accepted(log: Path) -> list[str]:
    return [json.loads(line)["to"] for line in log.read_text().splitlines()] if log.exists() else []


def test_work_until_empty_sends_what_may_go_and_tells_what_waits(town: Town, run: Run, log: Path):
    town.broadcast([town.person(f"+2547123456{n:02}") for n in range(10, 15)], any_hour="a test")
    town.reply("+254712345620", "Good.", due_at=town.now + timedelta(days=1), expires_at=town.now + timedelta(days=2))
    result = run("work", "--until-empty")
    assert result.exit_code == 0, result.output
    assert "Handed over: 5 sent." in result.output
    assert "1 messages wait; the next may go at" in result.output
    assert sorted(accepted(log)) == [f"+2547123456{n}" for n in range(10, 15)]
    assert town.states() == {"sent": 5, "queued": 1}


def test_work_tells_in_json_too(town: Town, run: Run):
    town.broadcast([town.person("+254712345610")], any_hour="a test")
    told = json.loads(run("work", "--until-empty", "--json").stdout)
    assert told == {"handed_over": {"sent": 1}, "waiting": 0, "next_at": None, "paused": []}


def test_a_paused_channel_waits_for_a_person_and_work_says_so(town: Town, run: Run, log: Path):
    town.broadcast([town.person("+254712345610")], any_hour="a test")
    assert "paused" in run("channels", "pause", "ke", "--reason", "holiday").output
    result = run("work", "--until-empty")
    assert "1 messages wait." in result.output
    assert "Channel ke is paused" in result.output
    (told,) = json.loads(run("channels", "list", "--json").stdout)
    assert (told["channel"], told["state"], told["reason"], told["rate"]) == ("ke", "paused", "holiday", 500.0)
    run("channels", "resume", "ke")
    run("work", "--until-empty")
    assert accepted(log) == ["+254712345610"]


def test_a_draining_channel_sends_replies_only(town: Town, run: Run, log: Path):
    town.broadcast([town.person("+254712345610")], any_hour="a test")
    town.reply("+254712345611", "Good.")
    run("channels", "drain", "ke")
    worker = run("work", "--until-empty", "--for", "3")
    assert worker.exit_code == 0
    assert accepted(log) == ["+254712345611"]
    assert "draining" in run("channels", "list").output


def test_an_empty_account_pauses_the_channel_and_its_messages_wait(town: Town, run: Run):
    town.broadcast([town.person("+254712345605")], any_hour="a test")
    run("work", "--until-empty")
    (told,) = json.loads(run("channels", "list", "--json").stdout)
    assert told["state"] == "paused"
    assert "money" in told["reason"]
    assert town.states() == {"queued": 1}


@pytest.mark.parametrize("words", [("channels", "pause", "kee"), ("work", "--channel", "kee", "--until-empty")])
def test_a_channel_that_is_not_there_is_told_in_one_sentence(engine: Engine, run: Run, words: tuple[str, ...]):
    result = run(*words)
    assert result.exit_code != 0
    assert "There is no channel kee; there are ke." in result.output
