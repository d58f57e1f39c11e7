"""The bot's actions with the real SDK, by requests recorded from Rasa 3.6.21: at the gateway's route, and alone.

The recordings in tests/rasa were taken by a proxy between Rasa and an action server, of a bot with one action; the
action's name, the conversation's id, the text and the intent are put in here.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request as Call
from uuid import uuid4

import pytest
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from bot.actions import ACTIONS, NO_ID, ActionServer, buttons, heard_in, is_opaque
from bot.alone import Alone, opened
from dialogs.content import Keeper
from dialogs.database import open_engine
from dialogs.freetext import THRESHOLD
from dialogs.inbound import Inbound, Reply
from dialogs.seal import Seal
from dialogs.tables import Answer, Contact, Run
from gateway.rasa_route import LARGEST, PATH, AtDesk, Webhook
from tests.conftest import ROOT
from tests.phones import SECRET_KEY, Site
from tests.running import DIRECT

RECORDED = Path(__file__).parent / "rasa"
TOKEN = "a-token-that-nobody-guesses"
ANSWERS = """\
source: own
answers:
  want_ready:
    go: /ready
    en: group quite ready
  want_progress:
    go: /progress
    en: progress so far
  want_next_steps:
    go: /next_steps
    en: steps still open
  want_dates:
    go: /dates
    en: audit next month
  change_language:
    go: /hello
    en: other tongue
  want_person:
    go: /who_helps
    en: human being
  rule_for_children:
    go: /children
    en: rule about children
danger:
  violence:
    go: help/violence_private
    en: he beats me
"""


def recorded(name: str) -> Any:
    return json.loads((RECORDED / f"{name}.json").read_text("utf-8"))


def request(sender: object, text: object, action: str = "action_talk", intent: str = "", sure: float = 0.97) -> Any:
    """What Rasa sends for a text of this sender, as it was recorded."""
    call = recorded("request_slash" if isinstance(text, str) and text.startswith("/") else "request")
    call["next_action"], call["sender_id"], call["tracker"]["sender_id"] = action, sender, sender
    message = call["tracker"]["latest_message"]
    message["text"], message["intent"] = text, {"name": intent or "nlu_fallback", "confidence": sure}
    return call


class Chat:
    """A person in a chat that Rasa serves."""

    def __init__(self, site: Site, sender: str = "") -> None:
        self.site, self.sender = site, sender or uuid4().hex
        self.buttons: dict[str, str] = {}

    def say(self, text: object, action: str = "action_talk", intent: str = "", sure: float = 0.97) -> str:
        """The text that comes back, "" for none; its buttons are put in `buttons`, words before payloads."""
        response = post(self.site, request(self.sender, text, action, intent, sure))
        assert response.status_code == 200, response.text
        said = response.json()
        assert said["events"] == []
        assert len(said["responses"]) <= 1
        if not said["responses"]:
            return ""
        assert said["responses"][0].keys() == recorded("answer")["responses"][0].keys()
        self.buttons = {each["title"]: each["payload"] for each in said["responses"][0]["buttons"]}
        return str(said["responses"][0]["text"])

    def press(self, label: str) -> str:
        """What comes after this button."""
        return self.say(self.buttons[label])

    def keys(self) -> list[str]:
        """What the buttons are the keys of."""
        return [payload.partition("@")[0] for payload in self.buttons.values()]

    def join(self, first: str = "hello", intent: str = "") -> str:
        """Say something, choose English, be of age, agree: what comes then."""
        self.say(first, intent=intent)
        self.press("English")
        self.press("Yes")
        return self.press("Yes")


def post(site: Site, call: object, token: str = TOKEN, **more: Any) -> Any:
    assert site.client is not None
    query = {"token": token} if token else {}
    return site.client.post(PATH, params=query, content=call if isinstance(call, bytes) else json.dumps(call), **more)


@pytest.fixture(scope="module")
def answering(tmp_path_factory: pytest.TempPathFactory) -> Keeper:
    """The project's content, with answers that these tests know."""
    folder = tmp_path_factory.mktemp("content") / "content"
    shutil.copytree(ROOT / "content", folder)
    (folder / "answers.yaml").write_text(ANSWERS, "utf-8")
    return Keeper(folder, drafts=True)


@pytest.fixture
def site(new_site: Callable[..., Site], answering: Keeper) -> Site:
    """A gateway that serves the actions."""
    return new_site(answering, NGAZI_RASA_TOKEN=TOKEN)


@pytest.fixture
def chat(site: Site) -> Chat:
    return Chat(site)


def home(site: Site) -> str:
    return str(site.house.keeper.content.text("menu:home.ask", "en"))


# --- the conversation ---


def test_a_newcomer_is_welcomed_asked_and_led_to_the_menu_by_buttons(chat, site):
    assert chat.join() == chat.say("menu")
    assert home(site) in chat.say("menu")
    assert chat.keys() == [str(number) for number in range(1, 15)]
    assert "Ready" not in chat.buttons
    assert chat.buttons["Am I ready?"].startswith("1@")


def test_buttons_and_words_answer_the_same_question(chat):
    chat.join()
    by_button = chat.press("Am I ready?")
    assert list(chat.buttons) == ["First twelve questions", "All topics", "My next steps", "My progress", "Back"]
    assert chat.keys() == ["1", "2", "3", "4", "0"]
    chat.say("menu")
    assert chat.say("am i ready?") == by_button
    assert chat.press("Back") == chat.say("menu")


def test_an_old_button_shows_the_open_question_and_answers_nothing(chat, site):
    chat.join()
    old = chat.buttons["My dates"]
    asked = chat.press("Am I ready?")
    for action, sure in (("action_talk", 0.3), ("action_open_ready", 0.99), ("action_stop", 0.99)):
        assert chat.say(old, action, "want_dates", sure) == asked
    assert chat.say(f"/{old}") == asked
    with site.database() as db:
        assert db.execute(select(Contact.stopped_at)).scalar() is None


def test_a_button_answers_its_question_whatever_rasa_makes_of_it(chat, site):
    chat.join()
    asked = chat.say("1")
    chat.say("menu")
    for action in ("action_stop", "action_hand_over", "action_open_ready"):
        assert chat.say(chat.buttons["Am I ready?"], action, "want_person") == asked
        chat.say("menu")


def test_a_photo_or_a_voice_note_gets_a_kind_word_and_the_open_question(chat, site):
    chat.join()
    asked = chat.press("Am I ready?")
    only = site.house.keeper.content.text("common:text_only", "en")
    for text in (None, "", "  "):
        for action in ("action_talk", "action_stop", "action_open_ready"):
            assert chat.say(text, action, "want_person") == f"{only}\n{asked}"
    assert chat.say("77").endswith(asked)
    assert only not in chat.say("77")


def test_what_rasa_understood_opens_the_dialog_if_it_is_sure(chat):
    chat.join()
    asked = chat.press("Am I ready?")
    chat.say("menu")
    assert chat.say("I want to know if I'm ready", intent="want_ready", sure=THRESHOLD + 0.01) == asked
    chat.say("menu")
    assert chat.say("I want to know if I'm ready", intent="want_ready", sure=THRESHOLD - 0.01) != asked
    assert chat.say("I want to know if I'm ready", intent="no_intent_of_ours", sure=1.0) != asked


def test_a_newcomer_who_wants_the_quiz_gets_it_after_the_welcome(chat):
    asked = chat.join("I want to know if I'm ready", "want_ready")
    assert asked.startswith("Am I ready? Choose a part.")


def test_each_part_of_the_service_has_an_action(chat, site):
    chat.join()
    for action, said in (
        ("action_open_ready", "Am I ready? Choose a part."),
        ("action_show_progress", "This is practice, not an audit."),
        ("action_next_steps", "Nothing is answered here yet."),
        ("action_set_date", "Your dates. Choose one."),
        ("action_change_language", "Choose your language"),
        ("action_hand_over", "Ask every helper"),
    ):
        assert said in chat.say("whatever it was", action)
        chat.say("menu")
        assert said in chat.say("/an_intent_of_rasas_own_button", action)
        assert home(site) in chat.say("menu")


def test_stop_holds_until_start(chat, site):
    chat.join()
    stopped = site.house.keeper.content.text("common:stopped", "en", chat=True).partition("{")[0]
    assert chat.say("please let me be", "action_stop").startswith(stopped)
    assert chat.say("hello") == ""
    assert chat.say("are you there", "action_open_ready") == ""
    with site.database() as db:
        assert db.execute(select(Contact.stopped_at)).scalar() is not None
    assert home(site) in chat.say("I am back", "action_start")
    with site.database() as db:
        assert db.execute(select(Contact.stopped_at)).scalar() is None


def test_an_action_that_rasa_chose_for_a_number_or_a_photo_does_nothing_but_answer(chat, site):
    chat.join()
    asked = chat.say("1")
    for action in ("action_stop", "action_hand_over", "action_open_ready"):
        assert home(site) in chat.say("menu", action)
        assert chat.say("1", action) == asked
        for text in ("", "77", "yes", "\U0001f600"):
            assert chat.say(text, action).endswith(asked)
        assert chat.say("quite another thing", action, sure=0.59).endswith(asked)
    with site.database() as db:
        assert db.execute(select(Contact.stopped_at)).scalar() is None


def test_danger_comes_before_whatever_rasa_wants_to_do(chat, site):
    help = "You need not tell us what happened."
    chat.join()
    for action in ("action_talk", "action_stop", "action_open_ready"):
        assert help in chat.say("please stop him, he beats me", action, "want_ready")
    with site.database() as db:
        assert db.execute(select(Contact.stopped_at)).scalar() is None


def test_questions_that_are_not_kept_are_said_and_not_asked(chat, site):
    chat.join()
    said = chat.say("is there a rule", intent="rule_for_children")
    assert said.startswith(
        "Agree on it in a meeting."
    )  # the advice on the first question, whose answer would stay here
    assert chat.keys() == ["1", "0"]
    assert "?" not in said
    chat.press("Next")
    with site.database() as db:
        answers = db.execute(select(Run.answers).where(Run.dialog == "children")).scalar_one()
        assert json.loads(answers) == [["chi1", "seen"]]
        assert set(db.execute(select(Answer.step)).scalars()) == {"language", "consent_chat"}


def test_rasa_restarted_in_mid_conversation_changes_nothing(chat, site):
    chat.join()
    chat.press("Am I ready?")
    asked = chat.press("First twelve questions")
    call = request(chat.sender, "hm?")
    call["tracker"] |= {"events": [], "slots": {}, "latest_action_name": None}
    again = post(site, call).json()["responses"][0]
    assert again["text"].endswith(asked)
    site.restart()
    assert chat.say("hm?").endswith(asked)


def test_two_chats_share_nothing(site):
    one, other = Chat(site), Chat(site)
    one.join()
    assert "language" in other.say("menu")


def test_two_messages_of_one_person_at_once_are_taken_one_after_the_other(chat, site):
    chat.join()
    chat.say("menu")
    calls = [request(chat.sender, "1") for _ in range(6)]
    with ThreadPoolExecutor(6) as threads:
        replies = list(threads.map(lambda call: post(site, call), calls))
    assert [reply.status_code for reply in replies] == [200] * 6
    with site.database() as db:
        assert db.execute(select(Contact.id)).all() == [(1,)]
        assert len(db.execute(select(Run.id).where(Run.dialog == "menu")).all()) == 1


# --- what people send ---


TEXTS = (
    "", "   ", "/", " // ", "\U0001f600", "❤️\U0001f1f9\U0001f1ff", "مرحبا، هل أنا جاهز؟", "\x00", "\ud83d",
    "a\x00b\ud83d", "word " * 4000, "x" * 20_000, "9" * 5000, "\n" * 500, "{code} {kept}", "<script>",
    None, 7, ["a"], {"text": "a"},
)  # fmt: skip


def test_any_text_gets_the_open_question_again_and_changes_nothing(chat):
    chat.join()
    asked = chat.say("menu")
    for text in TEXTS:
        assert chat.say(text).endswith(asked)


def test_a_slash_names_no_intent(chat):
    chat.join()
    asked = chat.say("menu")
    for text in ("/want_ready", "  /want_ready", "//want_ready{}", "/ want_ready", "/\n/want_ready"):
        assert chat.say(text, intent="want_ready", sure=1.0).endswith(asked)


def test_a_slash_before_a_number_or_a_choice_does_not_matter(chat):
    chat.join()
    asked = chat.say("1")
    for text in ("/1", " / am i ready?"):
        chat.say("menu")
        assert chat.say(text) == asked


def test_numbers_and_hearts_have_no_meaning_however_sure_rasa_is(chat):
    chat.join()
    asked = chat.say("menu")
    for text in ("77", "\U0001f600", ""):
        assert chat.say(text, intent="want_ready", sure=1.0).endswith(asked)


@pytest.mark.parametrize("confidence", [None, "1", float("nan"), [], True, -1])
def test_a_confidence_that_is_none_is_none(answering, confidence):
    message = {"text": "something quite free", "intent": {"name": "want_ready", "confidence": confidence}}
    assert heard_in(message, answering.content, 0.6).meaning == ("want_ready" if confidence is True else "")


# --- who it is ---


TELLING = (
    "default", "", "s-1", None, 7, ["a"], "+254700000001", "254700000001", "whatsapp:+254700000001", "0712 345 678",
    "user-254700000001", "call-0712-345-678-x", "1111111111111111", "aaaaaaaaaaaaaaaa", "a" * 65,
    "12345678-1234-1234-1234-123456789012", "maria@example.org-and-more", "../../../../etc/passwd",
    "٣" * 8 + "abcdefgh",
)  # fmt: skip


def test_a_conversation_without_an_id_that_tells_nothing_is_refused(site, caplog):
    for sender in TELLING:
        response = post(site, request(sender, "my secret words"))
        assert (response.status_code, response.json()) == (400, {"error": NO_ID, "action_name": "action_talk"}), sender
    assert "secret" not in caplog.text
    with site.database() as db:
        assert db.execute(select(Contact.id)).all() == []


def test_a_missing_id_is_refused_too(site):
    call = request("x", "hello")
    del call["tracker"]["sender_id"]
    assert post(site, call).status_code == 400


def test_random_ids_are_taken():
    kinds = (lambda: uuid4().hex, lambda: str(uuid4()), lambda: secrets.token_urlsafe(16))
    assert sum(not is_opaque(make()) for make in kinds for _ in range(500)) <= 1


# --- the route ---


def test_without_a_token_there_is_no_route(new_site, answering):
    assert post(new_site(answering), request(uuid4().hex, "hello")).status_code == 404


def test_without_the_sdk_the_gateway_serves_all_but_the_route(new_site, answering, monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "bot.actions", None)
    site = new_site(answering, NGAZI_RASA_TOKEN=TOKEN)
    assert post(site, request(uuid4().hex, "hello")).status_code == 404
    assert "Rasa's SDK is not installed" in caplog.text
    assert site.client.get("/health").status_code == 200


def test_a_wrong_token_is_refused_before_anything_is_read(site):
    for token in ("", "wrong", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "é\x00", "٣"):
        response = post(site, b"{nonsense", token)
        assert (response.status_code, response.json()) == (401, {"error": "The token is missing or wrong."})


def test_only_post_is_answered(site):
    assert site.client.get(PATH, params={"token": TOKEN}).status_code == 405


def test_an_unknown_action_is_refused_as_the_sdk_does_but_not_said_back(site):
    response = post(site, request(uuid4().hex, "hello", "action_nope"))
    assert response.status_code == recorded("errors")["unknown_action"]["status"]
    assert "nope" not in response.text


def test_a_request_without_a_domain_is_answered_as_the_sdk_does(site):
    told = recorded("errors")["no_domain"]
    call = request(uuid4().hex, "hello")
    del call["domain"]
    for more in ({}, {"domain_digest": "abc"}):
        response = post(site, call | more)
        assert (response.status_code, response.json()) == (
            told["status"],
            told["response"] | {"action_name": "action_talk"},
        )


def test_a_request_without_an_action_is_answered_with_nothing(site):
    told = recorded("errors")["no_next_action"]
    call = request(uuid4().hex, "hello")
    del call["next_action"]
    response = post(site, call)
    assert (response.status_code, response.json()) == (told["status"], told["response"])


NONSENSE = (
    b"", b"null", b"{oops", b"[]", b"7", b'"text"', b"\xff\xfe\x00", b"[" * 100_000, b"9" * 5000, b"NaN",
    b'{"next_action": 7}', b'{"next_action": ["a"]}', b'{"next_action": "action_talk"}',
    b'{"next_action": "action_talk", "tracker": 7}', b'{"next_action": "action_talk", "tracker": {}, "domain": 7}',
)  # fmt: skip


def test_what_rasa_does_not_send_is_a_bad_request(site):
    for body in NONSENSE:
        response = post(site, body)
        assert response.status_code == 400, body
        assert response.json()["error"]


def test_a_deflated_request_is_read(site):
    body = zlib.compress(json.dumps(request(uuid4().hex, "hello")).encode())
    response = post(site, body, headers={"content-encoding": "deflate"})
    assert response.status_code == 200
    assert "language" in response.json()["responses"][0]["text"]


def test_bombs_and_bodies_that_are_too_large_are_refused(site):
    for body, encoding, status in (
        (zlib.compress(b" " * (LARGEST + 1)), "deflate", 413),
        (zlib.compress(b" " * 200_000_000), "deflate", 413),  # 200 kB that would be 200 MB
        (zlib.compress(b"{}" * 1000)[:-7], "deflate", 400),
        (b"no deflate", "deflate", 400),
        (b"", "deflate", 400),
        (b" " * (LARGEST + 1), "identity", 413),
        (b"{}", "gzip", 415),
        (b"{}", "deflate, deflate", 415),
    ):
        assert post(site, body, headers={"content-encoding": encoding}).status_code == status


def test_a_large_body_without_a_length_is_refused_too(site):
    def parts() -> Iterator[bytes]:
        for _ in range(LARGEST // 10_000 + 2):
            yield b" " * 10_000

    assert site.client.post(PATH, params={"token": TOKEN}, content=parts()).status_code == 413


def test_a_long_conversation_is_still_taken(site):
    call = request(uuid4().hex, "hello")
    call["tracker"]["events"] *= 300
    assert len(json.dumps(call)) > 500_000
    assert post(site, call).status_code == 200


def test_in_a_crowd_the_busy_screen_is_said(chat, site):
    site.house.desk.most_waiting = 0
    assert chat.say("hello") == site.house.desk.busy().text


def test_an_action_that_fails_tells_nothing_of_what_was_said(answering, caplog):
    class Broken:
        content, threshold = answering.content, 0.6

        async def take(self, inbound: Inbound) -> Reply:
            raise RuntimeError(f"it failed over {inbound.text} of {inbound.address}")

    metrics: list[tuple[Any, ...]] = []
    house: Any = SimpleNamespace(
        settings=SimpleNamespace(rasa_token=TOKEN), metrics=SimpleNamespace(called=lambda *said: metrics.append(said))
    )
    webhook = Webhook(house, ActionServer(Broken()))
    sender = uuid4().hex
    with TestClient(Starlette(routes=[Route(PATH, webhook.answer, methods=["POST"])])) as client:
        response = client.post(PATH, params={"token": TOKEN}, json=request(sender, "my secret words"))
    assert (response.status_code, response.json()) == (500, {"error": "The action failed."})
    assert "an action failed: RuntimeError" in caplog.text
    assert "secret" not in caplog.text
    assert sender not in caplog.text
    assert metrics[0][:4] == ("rasa", "action", "500", PATH)


def test_what_is_said_is_in_no_log(chat, site, caplog):
    chat.join()
    chat.say("a very private sentence", intent="want_ready")
    assert "private" not in caplog.text
    assert chat.sender not in caplog.text
    assert AtDesk(site.house).threshold == THRESHOLD


# --- buttons ---


@pytest.mark.parametrize(
    ("text", "choices", "payloads"),
    [
        ("Ready?\n1. Yes\n2. No\n0. Back", ("yes", "no"), {"Yes": "1", "No": "2", "Back": "0"}),
        ("Read this.\n1. Next", (), {"Next": "1"}),
        ("1. Do this\n2. Do that\n1. Next\n0. Back", (), {"Next": "1", "Back": "0"}),
        ("Write a date.\n0. Back", (), {"Back": "0"}),
        ("Write a date.", (), {}),
        ("Ready?\n1. Yes. Sure. 2. times", ("yes",), {"Yes. Sure. 2. times": "1"}),
        ("Cut", ("yes", "no"), {}),
        ("1. Yes", ("yes", "no"), {}),
        ("Nine\n" + "\n".join(f"{n}. c{n}" for n in range(1, 10)), ("x",) * 9, {f"c{n}": str(n) for n in range(1, 10)}),
    ],
)
def test_buttons_are_the_keys_below_the_text(text, choices, payloads):
    assert {each["title"]: each["payload"] for each in buttons(Reply(text, choices, True))} == payloads


def test_a_last_screen_has_no_buttons():
    assert buttons(Reply("Bye.\n1. Next")) == []


def test_every_action_has_its_own_name():
    assert len({action.name(None) for action in ACTIONS}) == len(ACTIONS) == 9  # type: ignore[arg-type]


# --- beside the gateway ---


def started(environ: dict[str, str], port: int, folder: Path) -> subprocess.Popen[str]:
    """`python -m rasa_sdk --actions bot` with these settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NGAZI_", "SANIC_"))}
    return subprocess.Popen(
        [sys.executable, "-m", "rasa_sdk", "--actions", "bot", "--port", str(port)],
        cwd=folder, env=kept | {"NGAZI_CONTENT": str(ROOT / "content")} | environ, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


@contextmanager
def serving(environ: dict[str, str], folder: Path) -> Iterator[Callable[[object], tuple[int, Any]]]:
    """A way to post to an action server of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def post(call: object) -> tuple[int, Any]:
        data = json.dumps(call).encode()
        try:
            with DIRECT.open(
                Call(f"http://127.0.0.1:{port}/webhook", data, {"Content-Type": "application/json"}), timeout=30
            ) as response:
                return response.status, json.load(response)
        except HTTPError as error:
            with error:
                return error.code, json.load(error)

    process = started(environ, port, folder)
    try:
        until = time.monotonic() + 60
        while True:
            try:
                DIRECT.open(f"http://127.0.0.1:{port}/health", timeout=5).close()
                break
            except (URLError, OSError):
                assert process.poll() is None, process.communicate()[0]
                assert time.monotonic() < until
                time.sleep(0.1)
        yield post
    finally:
        process.terminate()
        said, _ = process.communicate(timeout=30)
        print(said)


def ended(environ: dict[str, str], folder: Path) -> tuple[int, str]:
    """Exit status and last line of a server that does not start."""
    process = started(environ, 0, folder)
    said, _ = process.communicate(timeout=60)
    return process.returncode, said.strip().splitlines()[-1]


@pytest.mark.parametrize("url", ["", "sqlite:///ngazi.db"])
def test_alone_on_sqlite_it_says_that_it_needs_postgresql_and_ends(tmp_path, url):
    status, said = ended({"NGAZI_DATABASE_URL": url, "NGAZI_SECRET_KEY": SECRET_KEY}, tmp_path)
    assert status == 1
    assert said.startswith("Actions beside the gateway need PostgreSQL: set NGAZI_DATABASE_URL")
    assert "/rasa/webhook" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.postgres
def test_alone_it_shares_contacts_and_places_with_the_gateway(postgres, empty_postgres, tmp_path, keeper):
    url = postgres.fresh_database(template=empty_postgres)
    site = Site(url, tmp_path, keeper, NGAZI_RASA_TOKEN=TOKEN)
    environ = {"NGAZI_DATABASE_URL": url, "NGAZI_SECRET_KEY": SECRET_KEY, "NGAZI_DRAFTS": "show"}
    try:
        chat = Chat(site)
        chat.join()
        asked = chat.press("Am I ready?")
        with serving(environ, tmp_path) as alone:
            status, said = alone(request(chat.sender, "hm hm hm"))
            assert status == 200
            assert said["responses"][0]["text"].endswith(asked)
            assert alone(request("default", "my secret words")) == (
                400,
                {"error": NO_ID, "action_name": "action_talk"},
            )
            with ThreadPoolExecutor(6) as threads:
                calls = [request(chat.sender, "menu") for _ in range(12)]
                assert {status for status, _ in threads.map(alone, calls)} == {200}
            status, said = alone(request(chat.sender, "leave me alone", "action_stop"))
            assert status == 200
        assert chat.say("hello") == ""
    finally:
        site.stop()


def test_alone_without_its_database_it_says_the_busy_screen(answering):
    door = Alone(open_engine("postgresql://a:b@127.0.0.1:1/none"), answering, Seal(SECRET_KEY), 0.6)
    busy = answering.content.text("common:busy", "en").partition("{")[0]
    said = asyncio.run(door.take(Inbound("rasa", "bot", f"chat:{uuid4().hex}", "hello", "", "")))
    assert said.text.startswith(busy)


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("NGAZI_SECRET_KEY", "another key than the database has, long", "NGAZI_SECRET_KEY is not the one"),
        ("NGAZI_SECRET_KEY", "short", "NGAZI_SECRET_KEY must have at least 32 letters"),
        ("NGAZI_RASA_THRESHOLD", "much", "NGAZI_RASA_THRESHOLD must be a number"),
        ("NGAZI_DATABASE_URL", "postgresql://a:b@127.0.0.1:1/none", "NGAZI_DATABASE_URL: the database cannot be used"),
        ("NGAZI_DATABASE_URL", "postgresql://a:b@127.0.0.1:x/none", "NGAZI_DATABASE_URL must look like"),
    ],
)
def test_alone_it_names_the_setting_that_is_wrong(postgres, empty_postgres, tmp_path, name, value, told):
    url = postgres.fresh_database("alone", template=empty_postgres)
    right = {"NGAZI_DATABASE_URL": url, "NGAZI_SECRET_KEY": SECRET_KEY, "NGAZI_DATA": str(tmp_path)}
    opened(right | {"NGAZI_CONTENT": str(ROOT / "content")}).engine.dispose()
    with pytest.raises(SystemExit, match=told):
        opened(right | {"NGAZI_CONTENT": str(ROOT / "content"), name: value})
