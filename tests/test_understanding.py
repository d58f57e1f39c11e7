from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import anyio
import pytest
from starlette.testclient import TestClient

from dialogs.answers import Answer, Answers
from dialogs.content import Content, Keeper
from dialogs.freetext import THRESHOLD as THRESHOLD_BY_DEFAULT
from dialogs.inbound import Inbound
from gateway.app import create_app
from gateway.channels import SettingsError
from gateway.desk import Busy
from gateway.providers import Ended
from gateway.settings import Settings
from gateway.understanding import AT_ONCE, FAILURES, LASTS, LONGEST, PAUSE, QUEUED, Understanding, wording
from tests.loopback import Call, Server
from tests.test_inbound import DIAL, KEY, SECRET, TEXT, FakeDesk

pytestmark = pytest.mark.anyio

ASKED = "can I sell gold without a licence?"
TOKEN = "a token & more"
THRESHOLD = 0.6
HEADERS = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    with Server() as started:
        started._server.socket.listen(100)  # as many may wait to be let in as at Rasa's own server; else 5
        yield started


@pytest.fixture
def rasa(running: Server) -> Server:
    """A server that understands everything."""
    running.begin()
    running.answer(200, parsed("sell_no_permit", 0.93))
    return running


@pytest.fixture(scope="session")
def content(keeper: Keeper) -> Content:
    """The project's own, with answers for the intents of these tests."""
    names = ("sell_no_permit", "want_ready", "nlu_fallback", "out_of_scope")
    intents = {each: Answer(each, steps=(("questions", each),)) for each in names}
    beaten = Answer("child_danger", steps=(("help", "child_danger"),), phrases=(("child", "beaten"),))
    dangers = {"child_danger": beaten}
    return replace(keeper.content, answers=Answers(intents, dangers))


class Rig:
    """An Understanding with a clock that tests move, and what it counted."""

    def __init__(self, url: str, content: Content, token: str = "") -> None:
        self.now = 1000.0
        self.counted: list[str] = []
        self.asks = Understanding(
            url, token, THRESHOLD, lambda: content, count=self.counted.append, clock=lambda: self.now
        )

    async def meaning(self, text: str = ASKED) -> str:
        return await self.asks.meaning(text)

    async def many(self, texts: int) -> list[float]:
        """Ask this many at the same time: how long each waited."""

        async def one() -> float:
            begun = time.monotonic()
            await self.meaning()
            return time.monotonic() - begun

        lasted: list[float] = []

        async def note() -> None:
            lasted.append(await one())

        async with anyio.create_task_group() as tasks:
            for _ in range(texts):
                tasks.start_soon(note)
        return lasted


@pytest.fixture
def rig(rasa: Server, content: Content) -> Rig:
    return Rig(rasa.base, content)


def parsed(intent: object, confidence: object, text: str = ASKED) -> dict[str, object]:
    """What Rasa 3.6.21 answers."""
    found = {"name": intent, "confidence": confidence}
    return {"text": text, "intent": found, "entities": [], "text_tokens": [[0, 3]], "intent_ranking": [found]}


def sms(text: str, kind: Any = "sms", meaning: str = "") -> Inbound:
    return Inbound("ke", kind, "+254712345001", text, "", "1", meaning=meaning)


def asked(server: Server) -> list[str]:
    return [json.loads(call.body)["text"] for call in server.calls]


# --- what Rasa says ---


async def test_a_text_gets_the_intent_that_rasa_is_sure_of(rig: Rig, rasa: Server):
    assert await rig.meaning() == "sell_no_permit"
    (call,) = rasa.calls
    assert (call.path, call.headers["Content-Type"]) == ("/model/parse", "application/json")
    assert json.loads(call.body) == {"text": ASKED}  # no number, no channel, no id
    assert rig.counted == ["understood"]


async def test_the_token_goes_along_as_rasa_wants_it(rasa: Server, content: Content):
    assert await Rig(rasa.base, content, TOKEN).meaning() == "sell_no_permit"
    assert rasa.calls[0].path == "/model/parse?token=a+token+%26+more"


async def test_rasa_may_live_below_a_path(rasa: Server, content: Content):
    assert await Rig(f"{rasa.base}/bots/one", content).meaning() == "sell_no_permit"
    assert rasa.calls[0].path == "/bots/one/model/parse"


@pytest.mark.parametrize("confidence", [THRESHOLD, 0.61, 1, 1.0, 1.0000000000000002])
async def test_at_the_threshold_and_above_it_is_sure(confidence, rig: Rig, rasa: Server):
    rasa.answer(200, parsed("want_ready", confidence))
    assert await rig.meaning() == "want_ready"


@pytest.mark.parametrize(
    ("intent", "confidence"),
    [
        ("want_ready", 0.599),
        ("want_ready", 0),
        ("nlu_fallback", 0.7),  # with the threshold of Rasa's own pipeline as confidence
        ("out_of_scope", 0.99),
        ("greet", 1.0),  # nothing of ours answers it
        ("", 1.0),
        (None, 0.0),  # a model that has learnt nothing
    ],
)
async def test_what_is_unsure_or_unknown_means_nothing_and_is_no_failure(intent, confidence, rig: Rig, rasa: Server):
    rasa.answer(200, parsed(intent, confidence))
    for _ in range(FAILURES + 1):
        assert await rig.meaning() == ""
    assert rig.counted == ["unsure"] * (FAILURES + 1)
    assert len(rasa.calls) == FAILURES + 1


NONSENSE: dict[str, object] = {
    "a list": [],
    "null": "null",
    "a number": "7",
    "a word": '"want_ready"',
    "no intent": {"text": ASKED},
    "an intent that is a word": {"intent": "want_ready"},
    "a list of intents": {"intent": [{"name": "want_ready", "confidence": 1.0}]},
    "a name that is none": parsed(["want_ready"], 1.0),
    "no confidence": {"intent": {"name": "want_ready"}},
    "NaN": '{"intent": {"name": "want_ready", "confidence": NaN}}',
    "Infinity": '{"intent": {"name": "want_ready", "confidence": Infinity}}',
    "a confidence in words": parsed("want_ready", "0.99"),
    "a confidence of true": parsed("want_ready", True),
    "a confidence in percent": parsed("want_ready", 97),
    "a confidence below nothing": parsed("want_ready", -1),
    "an enormous confidence": f'{{"intent": {{"name": "want_ready", "confidence": {"9" * 400}}}}}',
    "too long a number": f'{{"intent": {{"name": "want_ready", "confidence": {"9" * 5000}}}}}',
    "HTML": "<html>Welcome to the hotel</html>",
    "nothing": "",
    "half": '{"intent": {"name": "want_r',
    "very deep": "[" * 100_000,
    "no letters": b"\xff\xfe\x00",
}


@pytest.mark.parametrize("said", NONSENSE.values(), ids=NONSENSE)
async def test_nonsense_means_nothing_and_is_a_failure(said, rig: Rig, rasa: Server):
    rasa.answer(200, said)
    assert await rig.meaning() == ""
    assert rig.counted == ["failed"]


@pytest.mark.parametrize("status", [201, 204, 400, 401, 403, 404, 409, 429, 500, 502, 503])
async def test_any_other_status_means_nothing_whatever_stands_below_it(status, rig: Rig, rasa: Server):
    rasa.answer(status, parsed("want_ready", 1.0) if status != 204 else b"")
    assert await rig.meaning() == ""
    assert rig.counted == ["failed"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_never_followed(status, rig: Rig, rasa: Server):
    rasa.answer(status, parsed("want_ready", 1.0), Location=f"{rasa.base}/elsewhere")
    assert await rig.meaning() == ""
    assert [call.path for call in rasa.calls] == ["/model/parse"]


async def test_half_an_answer_means_nothing(rig: Rig, rasa: Server):
    rasa.raw(HEADERS + b'{"intent": {"name": "want_ready", "confidence": 1.0')
    assert await rig.meaning() == ""
    assert rig.counted == ["failed"]


async def test_a_huge_answer_is_cut_off(rig: Rig, rasa: Server):
    sent: list[int] = []

    def act(handler: BaseHTTPRequestHandler, call: Call) -> None:
        handler.close_connection = True
        handler.connection.sendall(HEADERS.replace(b"4000", b"999999999"))
        try:
            while len(sent) < 4000:
                handler.connection.sendall(b" " * 65536)
                sent.append(65536)
        except OSError:
            rasa.over.set()

    rasa.act = act
    begun = time.monotonic()
    assert await rig.meaning() == ""
    assert time.monotonic() - begun < 1
    assert rasa.over.wait(5)
    assert sum(sent) < 50_000_000  # what lies in the buffers between the two


async def test_a_right_answer_that_is_too_long_means_nothing(rig: Rig, rasa: Server):
    rasa.answer(200, parsed("want_ready", 1.0) | {"more": "x" * 300_000}, Connection="close")
    assert await rig.meaning() == ""


# --- Rasa is slow, away, or comes back ---


async def test_who_asks_a_rasa_that_takes_half_a_minute_goes_on_after_two_seconds(rig: Rig, rasa: Server):
    rasa.act = lambda handler, call: (rasa.over.wait(30), None)[1]
    begun = time.monotonic()
    assert await rig.meaning() == ""
    assert LASTS - 0.1 < time.monotonic() - begun < 2.5


async def test_a_letter_now_and_then_does_not_hold_anybody(rig: Rig, rasa: Server):
    rasa.raw(HEADERS, *[b" "] * 1000, every=0.05)
    begun = time.monotonic()
    assert await rig.meaning() == ""
    assert time.monotonic() - begun < 2.5


async def test_a_rasa_that_is_not_there_is_no_wait(content: Content):
    with Server() as gone:
        rig = Rig(gone.base, content)
    begun = time.monotonic()
    assert await rig.meaning() == ""
    assert time.monotonic() - begun < 0.5
    assert rig.counted == ["failed"]


async def test_a_rasa_that_is_started_anew_in_mid_conversation_is_found_again(rasa: Server, content: Content):
    class Old(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = json.dumps(parsed("want_ready", 0.9)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            # It ends here, without a word that this connection is over.
            self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:
            pass

    def start(port: int) -> Callable[[], None]:
        server = ThreadingHTTPServer(("127.0.0.1", port), Old)
        place.append(server.server_port)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()

        def stop() -> None:
            server.shutdown()
            thread.join()
            server.server_close()

        return stop

    place: list[int] = []
    stop = start(0)
    try:
        rig = Rig(f"http://127.0.0.1:{place[0]}", content)
        assert await rig.meaning() == "want_ready"
    finally:
        stop()
    assert await rig.meaning() == ""
    stop = start(place[0])
    try:
        assert [await rig.meaning() for _ in range(3)] == ["want_ready"] * 3
    finally:
        stop()
    assert rig.counted == ["understood", "failed", *["understood"] * 3]


async def test_after_three_failures_it_is_left_alone_for_half_a_minute_and_then_tried_once(rig: Rig, rasa: Server):
    rasa.answer(500, "")
    for _ in range(10):
        assert await rig.meaning() == ""
    assert len(rasa.calls) == FAILURES == 3
    assert rig.counted == ["failed"] * 3 + ["spared"] * 7
    rig.now += PAUSE - 0.1
    await rig.meaning()
    assert len(rasa.calls) == 3
    rig.now += 0.2
    await rig.meaning()
    await rig.meaning()
    assert len(rasa.calls) == 4  # one trial, which failed, and another pause
    rig.now += PAUSE
    rasa.answer(200, parsed("want_ready", 0.9))
    assert [await rig.meaning() for _ in range(5)] == ["want_ready"] * 5
    rasa.answer(500, "")
    for _ in range(5):
        await rig.meaning()
    assert len(rasa.calls) == 4 + 5 + 3  # and it has three new failures free


async def test_failures_with_a_success_between_them_are_not_in_a_row(rig: Rig, rasa: Server):
    for _ in range(4):
        rasa.answer(500, "")
        await rig.meaning()
        await rig.meaning()
        rasa.answer(200, parsed("want_ready", 0.9))
        assert await rig.meaning() == "want_ready"


async def test_while_one_tries_it_nobody_else_waits(rig: Rig, rasa: Server):
    rasa.answer(500, "")
    for _ in range(FAILURES):
        await rig.meaning()
    rig.now += PAUSE
    rasa.raw(then_close=False)
    lasted = sorted(await rig.many(50))
    assert len(rasa.calls) == FAILURES + 1
    assert lasted[-2] < 0.5
    assert LASTS - 0.1 < lasted[-1] < 2.5


async def test_a_trial_that_nobody_waited_for_leaves_room_for_another(rig: Rig, rasa: Server):
    rasa.answer(500, "")
    for _ in range(FAILURES):
        await rig.meaning()
    rig.now += PAUSE
    rasa.raw(then_close=False)
    with anyio.move_on_after(0.2):
        await rig.meaning()
    rasa.answer(200, parsed("want_ready", 0.9))
    assert await rig.meaning() == "want_ready"


async def test_of_many_at_once_only_a_few_wait_for_a_slow_rasa(rig: Rig, rasa: Server):
    rasa.raw(then_close=False)
    begun = time.monotonic()
    lasted = sorted(await rig.many(200))
    assert time.monotonic() - begun < 2.5
    assert len(rasa.calls) == AT_ONCE
    assert lasted[200 - AT_ONCE - 1] < QUEUED + 0.5
    assert sorted(rig.counted) == ["failed"] * AT_ONCE + ["spared"] * (200 - AT_ONCE)


async def test_a_crowd_is_understood_by_a_rasa_that_is_well(rig: Rig):
    await rig.many(100)
    assert rig.counted == ["understood"] * 100


# --- what it is asked ---


@pytest.mark.parametrize("before", ["/", " /", "\n\t/", "//", " / / ", "\u00a0/", "\u200b/", "\x00/"])
async def test_a_slash_before_the_text_is_taken_away(before, rig: Rig, rasa: Server):
    await rig.meaning(f"{before}want_ready")
    assert asked(rasa) == ["want_ready"]


async def test_a_slash_within_the_text_stays(rig: Rig, rasa: Server):
    await rig.meaning("gold/silver or 50/50?")
    assert asked(rasa) == ["gold/silver or 50/50?"]


async def test_a_text_of_20000_letters_is_cut_to_300(rig: Rig, rasa: Server):
    await rig.meaning("  /" + "gold " * 4000)
    (text,) = asked(rasa)
    assert text == ("gold " * 60).rstrip()
    assert LONGEST - 1 <= len(text) <= LONGEST


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "\n",
        "/",
        " / ",
        "7",
        "2026 11 23",
        "12.5",
        "***",
        "?",
        "😀",
        "👍🏽 👨‍👩‍👧 🇰🇪",
        "❤️",
        "\x00",
        "\ud800",
        "👍" * 20_000,
    ],
)
async def test_what_has_no_letters_is_never_asked(text, rig: Rig, rasa: Server):
    assert await rig.meaning(text) == ""
    assert await rig.asks.read([sms(text)]) == [sms(text)]
    assert (rasa.calls, rig.counted) == ([], [])


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("naweza kuuza\ndhahabu?\x00", "naweza kuuza dhahabu?"),
        ("gold 😀 price", "gold 😀 price"),
        ("هل أنا جاهز", "هل أنا جاهز"),
        ("a\ud800b", "a b"),
        ("é" * 400, "é" * 300),
    ],
)
async def test_any_letters_arrive_in_one_line(text, line, rig: Rig, rasa: Server):
    await rig.meaning(text)
    assert asked(rasa) == [line] == [wording(text)]


async def test_a_list_is_asked_about_at_the_same_time_and_keeps_its_order(rig: Rig, rasa: Server):
    def act(handler: BaseHTTPRequestHandler, call: Call) -> None:
        rasa.over.wait(0.4)
        text = json.loads(call.body)["text"]
        body = json.dumps(parsed("want_ready" if "ready" in text else "sell_no_permit", 0.9, text)).encode()
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    rasa.act = act
    ended = Ended("ke", "s", "left")
    told = [sms(f"am I ready {n}?" if n % 2 else f"may I sell {n}?") for n in range(12)]
    begun = time.monotonic()
    found = await rig.asks.read([*told, ended])
    assert time.monotonic() - begun < 1.5
    assert found == [
        *(replace(x, meaning="want_ready" if "ready" in x.text else "sell_no_permit") for x in told),
        ended,
    ]


async def test_chat_is_asked_about_and_ussd_never(rig: Rig, rasa: Server):
    (chat, call) = await rig.asks.read([sms(ASKED, "bot"), sms(ASKED, "ussd")])
    assert (chat.meaning, call.meaning) == ("sell_no_permit", "")
    assert len(rasa.calls) == 1


@pytest.mark.parametrize("text", ["STOP", "menu", "Yes", " english "])
async def test_a_word_for_the_service_and_a_choice_are_never_asked(text, rig: Rig, rasa: Server):
    assert await rig.asks.read([sms(text)]) == [sms(text)]
    assert rasa.calls == []


async def test_who_is_in_danger_does_not_wait_for_rasa(rig: Rig, rasa: Server):
    (found,) = await rig.asks.read([sms("A child beaten at the pit, what can I do?")])
    assert (found.meaning, rasa.calls) == ("", [])


async def test_what_rasa_itself_found_is_not_asked_again(rig: Rig, rasa: Server):
    told = sms(ASKED, "bot", meaning="want_ready")
    assert await rig.asks.read([told]) == [told]
    assert rasa.calls == []


async def test_without_answers_in_the_content_nothing_is_asked(rasa: Server, content: Content):
    rig = Rig(rasa.base, replace(content, answers=Answers()))
    assert await rig.asks.read([sms(ASKED)]) == [sms(ASKED)]
    assert rasa.calls == []


# --- what is told ---


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "does not take NGAZI_RASA_TOKEN"), (409, "has loaded no model"), (500, "status 500"), (200, "be read")],
)
async def test_the_log_says_once_what_ails_it_and_once_that_it_is_over(status, words, rasa, content, caplog):
    caplog.set_level(logging.DEBUG)
    rig = Rig(rasa.base, content, TOKEN)
    rasa.answer(status, [ASKED])
    for _ in range(8):
        await rig.meaning()
    rig.now += PAUSE
    await rig.meaning()
    rig.now += PAUSE
    rasa.answer(200, parsed("want_ready", 0.9))
    await rig.meaning()
    first, last = (each.getMessage() for each in caplog.records if each.name.startswith("ngazi"))
    assert words in first
    assert last == "Rasa answers again"


async def test_neither_texts_nor_the_token_stand_in_the_logs(rasa, content, caplog):
    caplog.set_level(logging.DEBUG)
    rig = Rig(rasa.base, content, "hush-token")
    for act in (
        lambda: rasa.answer(200, parsed("sell_no_permit", 0.9)),
        lambda: rasa.answer(500, ASKED),
        lambda: rasa.answer(200, f"<html>{ASKED}"),
        lambda: rasa.answer(302, "", Location=f"{rasa.base}/{ASKED}"),
        lambda: rasa.raw(HEADERS + ASKED.encode()),
        lambda: rasa.raw(f"HTTP/1.1 200 OK\r\n{ASKED}\r\n\r\n{ASKED}".encode()),
    ):
        act()
        await rig.meaning()
        rig.now += PAUSE
    told = "".join(each.getMessage() + str(each.exc_text) for each in caplog.records)
    assert "gold" not in told
    assert "hush" not in told
    assert "hush" not in repr(rig.asks)


# --- within the gateway ---


class Gateway:
    """The real application beside a Rasa, with a desk that only answers."""

    def __init__(self, folder: Any, content: Content, **environ: str) -> None:
        self.desk = FakeDesk()
        channels = f"ke=africastalking://user:key@?code=*384*77%23&country=KE&secret={SECRET}"
        environ = {"NGAZI_DATA": str(folder), "NGAZI_SECRET_KEY": KEY, "NGAZI_CHANNELS": channels} | environ
        keeper: Any = SimpleNamespace(content=content, problems=[], refresh=list)
        self.client = TestClient(create_app(Settings.read(environ), desk=self.desk, keeper=keeper))

    def text(self, text: str = ASKED, **fields: str) -> None:
        answer = self.client.post(f"/in/ke/{SECRET}/sms", data={**TEXT, "text": text, **fields})
        assert answer.status_code == 200

    def dial(self, text: str) -> None:
        assert self.client.post(f"/in/ke/{SECRET}/ussd", data={**DIAL, "text": text}).text.startswith("CON ")

    @property
    def meanings(self) -> list[tuple[str, str]]:
        return [(each.kind, each.meaning) for each in self.desk.heard]


@pytest.fixture
def gateway(tmp_path, rasa: Server, content: Content) -> Iterator[Gateway]:
    gateway = Gateway(tmp_path, content, NGAZI_RASA_URL=f"{rasa.base}/", NGAZI_RASA_THRESHOLD="0.9")
    with gateway.client:
        yield gateway


def test_the_desk_gets_an_sms_with_its_meaning_and_a_call_without(gateway: Gateway, rasa: Server):
    gateway.text()
    gateway.dial(ASKED)
    gateway.text("1")
    rasa.answer(200, parsed("want_ready", 0.89))
    gateway.text()
    assert gateway.meanings == [("sms", "sell_no_permit"), ("ussd", ""), ("sms", ""), ("sms", "")]
    assert len(rasa.calls) == 2


def test_what_came_of_texts_is_counted(gateway: Gateway, rasa: Server):
    gateway.text()
    rasa.answer(200, parsed("want_ready", 0.1))
    gateway.text()
    rasa.answer(500, "")
    for _ in range(4):
        gateway.text()
    page = gateway.client.get("/metrics").text
    for outcome, times in {"understood": 1, "unsure": 1, "failed": 3, "spared": 1}.items():
        assert f'ngazi_free_texts_total{{outcome="{outcome}"}} {times}.0' in page


def test_an_sms_is_taken_in_and_calls_go_on_while_rasa_hangs(gateway: Gateway, rasa: Server):
    rasa.raw(then_close=False)
    with ThreadPoolExecutor(1) as other:
        begun = time.monotonic()
        text = other.submit(gateway.text)
        while not rasa.calls:
            time.sleep(0.01)
        for _ in range(5):
            gateway.dial(ASKED)
        assert time.monotonic() - begun < 1
        text.result()
        assert time.monotonic() - begun < 2.5
    assert gateway.meanings == [("ussd", "")] * 5 + [("sms", "")]


def test_messages_of_one_person_stay_in_order_and_hold_up_nobody_else(gateway: Gateway, rasa: Server):
    rasa.raw(then_close=False)
    with ThreadPoolExecutor(3) as others:
        first = others.submit(gateway.text, id="first")
        while not rasa.calls:
            time.sleep(0.01)
        second = others.submit(gateway.text, "1", id="second")
        time.sleep(0.2)
        gateway.text("2", **{"from": "+254711000099"}, id="of another person")
        assert [each.text for each in gateway.desk.heard] == ["2"]
        first.result()
        second.result()
    assert [each.text for each in gateway.desk.heard] == ["2", ASKED, "1"]


def test_a_message_that_could_not_be_taken_in_lets_the_next_one_pass(gateway: Gateway):
    gateway.desk.trouble = Busy()
    assert gateway.client.post(f"/in/ke/{SECRET}/sms", data=TEXT).status_code == 503
    gateway.desk.trouble = None
    gateway.text("1")
    assert len(gateway.desk.heard) == 2


def test_without_its_address_there_is_no_rasa(tmp_path, rasa: Server, content: Content):
    gateway = Gateway(tmp_path, content)
    with gateway.client:
        gateway.text()
    assert gateway.meanings == [("sms", "")]
    assert rasa.calls == []


# --- settings ---


def read(folder: Any, **environ: str) -> Settings:
    return Settings.read({"NGAZI_DATA": str(folder), "NGAZI_SECRET_KEY": KEY, **environ})


def test_rasa_is_off_until_its_address_is_set(tmp_path):
    settings = read(tmp_path)
    assert (settings.rasa_url, settings.rasa_threshold) == ("", THRESHOLD_BY_DEFAULT)


@pytest.mark.parametrize(
    "url",
    [
        *("127.0.0.1:5005", "rasa", "ftp://rasa", "http://", "http://[x", "http://rasa:x", "http://rasa:0"),
        *("http://rasa:99999", "http://u:hush@rasa", "http://rasa?token=hush", "http://rasa/#x", "http://ra sa"),
    ],
)
def test_an_address_that_is_none_is_told_in_one_sentence(url, tmp_path):
    with pytest.raises(SettingsError, match=r"^NGAZI_RASA_URL must look like http://127\.0\.0\.1:5005") as caught:
        read(tmp_path, NGAZI_RASA_URL=url)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("share", ["1.1", "-0.1", "70%", "70", "nan", "inf", "0,7", "high", "1e-1", "٠.٧"])
def test_a_threshold_is_a_number_from_0_to_1(share, tmp_path):
    with pytest.raises(SettingsError, match=r"^NGAZI_RASA_THRESHOLD must be a number from 0 to 1"):
        read(tmp_path, NGAZI_RASA_THRESHOLD=share)


@pytest.mark.parametrize(("written", "share"), [("0.75", 0.75), (".5", 0.5), ("1", 1.0), ("0", 0.0), ("1.00", 1.0)])
def test_a_threshold_may_be_written_as_people_do(written, share, tmp_path):
    assert read(tmp_path, NGAZI_RASA_THRESHOLD=written).rasa_threshold == share


@pytest.mark.parametrize("url", ["http://10.0.0.7:5005", "http://rasa:5005", "http://rasa.example.org"])
def test_texts_that_would_travel_in_the_open_are_noticed_at_the_start(url, tmp_path):
    (notice,) = read(tmp_path, NGAZI_RASA_URL=url).notices
    assert notice.startswith("NGAZI_RASA_URL: texts of people go to another machine")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:5005", "http://[::1]:5005", "http://localhost:5005/", "https://rasa.example.org"]
)
def test_this_machine_and_https_are_fine(url, tmp_path):
    settings = read(tmp_path, NGAZI_RASA_URL=url)
    assert (settings.notices, settings.rasa_url) == ((), url.rstrip("/"))
