from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from gateway.app import create_app
from gateway.channels import SettingsError
from gateway.settings import Settings

ROOT = Path(__file__).resolve().parent.parent


def test_a_simulated_gateway_has_a_phone_on_its_front_page_and_answers_it(tmp_path, keeper):
    settings = Settings.read({"NGAZI_DATA": str(tmp_path)})
    channel = settings.channels["sim"]
    with TestClient(create_app(settings, keeper=keeper)) as client:
        assert client.get("/").headers["content-type"].startswith("text/html")
        form = {"sessionId": "s", "phoneNumber": "+12025550123"}
        assert client.post(f"/in/sim/{channel.secrets[0]}/ussd", data=form).text.startswith("CON ")
        health = client.get("/health").json()
    assert health["database"] == "ok"
    assert health["content"]["revision"] == keeper.content.revision


def test_a_wrong_secret_key_does_not_start(tmp_path, keeper):
    environ = {"NGAZI_DATA": str(tmp_path)}
    for key, starts in (("a" * 32, True), ("a" * 32, True), ("b" * 32, False)):
        house = create_app(Settings.read(environ | {"NGAZI_SECRET_KEY": key}), keeper=keeper).state.house
        if starts:
            house.prepare()
            house.leave()
        else:
            with pytest.raises(SettingsError, match=r"^NGAZI_SECRET_KEY is not the one"):
                house.prepare()
        house.engine.dispose()


@pytest.mark.parametrize(
    "url", ["sqlite:////nowhere/at/all/ngazi.db", "postgresql://ngazi:hush@127.0.0.1:1/ngazi?connect_timeout=1"]
)
def test_a_database_that_cannot_be_reached_is_told_in_one_sentence(tmp_path, keeper, url):
    settings = Settings.read({"NGAZI_DATA": str(tmp_path), "NGAZI_DATABASE_URL": url})
    with pytest.raises(SettingsError) as caught:
        create_app(settings, keeper=keeper).state.house.prepare()
    assert str(caught.value).startswith("NGAZI_DATABASE_URL: the database cannot be used: ")
    assert "hush" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_an_edit_of_the_content_is_in_force_within_seconds(tmp_path):
    folder = tmp_path / "content"
    shutil.copytree(ROOT / "content", folder)
    settings = Settings.read({"NGAZI_DATA": str(tmp_path / "data"), "NGAZI_CONTENT": str(folder)})
    with TestClient(create_app(settings)) as client:
        before = client.get("/health").json()["content"]["revision"]
        with (folder / "common.yaml").open("a") as file:
            file.write("\n# an edit\n")
        deadline = time.monotonic() + 10
        while client.get("/health").json()["content"]["revision"] == before:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_a_second_process_on_one_sqlite_file_is_told_to_take_postgresql(tmp_path: Path):
    environ = {"NGAZI_DATA": str(tmp_path), "NGAZI_SECRET_KEY": "x" * 40, "NGAZI_CONTENT": "content"}
    first, second = (create_app(Settings.read(environ)).state.house for _ in range(2))
    first.prepare()
    with pytest.raises(SettingsError, match="Another process serves this SQLite file"):
        second.prepare()
    first.leave()
    second.prepare()
    second.leave()
