from __future__ import annotations

import base64
import hashlib
import hmac
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import httpx2
import pytest
import requests
from africastalking.SMS import SMSService
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from twilio.rest.content.v1.content import ContentList

from gateway.cli_fake import fake as fake_command
from gateway.fake.africastalking import AfricasTalking
from gateway.fake.android import Android
from gateway.fake.courier import Journey, course
from gateway.fake.plan import STYLES, NotThisMachine, Plan, on_this_machine
from gateway.fake.serving import in_thread
from gateway.fake.stage import Fake
from gateway.fake.twilio import Twilio

ACCOUNT, TOKEN = "AC" + "1" * 32, "12345"
SENDER = "+15005550006"
PATIENCE = 10.0
MESSAGES = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"


class Heard(NamedTuple):
    """One call that came to the gateway's place."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


class Ear(ThreadingHTTPServer):
    """Stands where the gateway would, and remembers what it is told. `answers` are the next statuses, then 200."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Listener)
        self.heard: list[Heard] = []
        self.answers: list[int] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}/in/ke/secret/delivery"

    def wait_for(self, count: int) -> list[Heard]:
        """What was told, as soon as it is so much."""
        until = time.monotonic() + PATIENCE
        while len(self.heard) < count and time.monotonic() < until:
            time.sleep(0.01)
        assert len(self.heard) >= count, f"only {len(self.heard)} calls came"
        return self.heard[:]


class Listener(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        ear = self.server
        assert isinstance(ear, Ear)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        ear.heard.append(Heard(self.path, {k.lower(): v for k, v in self.headers.items()}, body, time.monotonic()))
        self.send_response(ear.answers.pop(0) if ear.answers else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def ear() -> Iterator[Ear]:
    with Ear() as ear:
        thread = threading.Thread(target=ear.serve_forever, args=(0.02,))
        thread.start()
        yield ear
        ear.shutdown()
        thread.join()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "sent.jsonl"


def logged(log: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in log.read_text("utf-8").splitlines()]


@contextmanager
def caller(fake: Fake, **headers: str) -> Iterator[httpx2.Client]:
    """The fake runs, and this speaks to it."""
    with (
        in_thread(fake) as url,
        httpx2.Client(base_url=url, headers={"apiKey": "key", **headers}, trust_env=False, timeout=PATIENCE) as client,
    ):
        yield client


def at_sdk(url: str) -> SMSService:
    """Their SDK, speaking to the fake."""
    service = SMSService("user", "key")
    service._baseUrl = service._contentUrl = f"{url}/version1"
    return service


def at_form(*numbers: str, text: str = "Hello", sender: str = "") -> dict[str, str]:
    return {"username": "user", "to": ",".join(numbers), "message": text, **({"from": sender} if sender else {})}


def results(answer: httpx2.Response) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = answer.json()["SMSMessageData"]["Recipients"]
    return found


def at_send(client: httpx2.Client, *numbers: str, **more: str) -> httpx2.Response:
    return client.post("/version1/messaging", data=at_form(*numbers, **more))


# --- Africa's Talking ---


def test_their_sdk_sends_through_the_fake_and_every_accepted_message_is_one_line_of_the_log(log: Path) -> None:
    with in_thread(AfricasTalking(Plan(log=log))) as url:
        answer = at_sdk(url).send('Ajali ☺ "3"\n', ["+12025550111", "+12025550106", "+12025550102"], "NGAZI")
    data = answer["SMSMessageData"]
    assert data["Message"] == "Sent to 2/3 Total Cost: KES 1.6000"
    first, second, third = data["Recipients"]
    assert first == {
        "statusCode": 101,
        "number": "+12025550111",
        "status": "Success",
        "cost": "KES 0.8000",
        "messageId": first["messageId"],
    }
    assert second == {
        "statusCode": 406,
        "number": "+12025550106",
        "status": "UserInBlacklist",
        "cost": "0",
        "messageId": "None",
    }
    assert [(line["to"], line["text"], line["id"]) for line in logged(log)] == [
        (each["number"], 'Ajali ☺ "3"\n', each["messageId"]) for each in (first, third)
    ]
    assert first["messageId"].startswith("ATXid_")
    assert first["messageId"] != third["messageId"]


@pytest.mark.parametrize(
    ("ending", "code", "status", "accepted"),
    [
        ("01", 101, "Success", True),
        ("02", 102, "Queued", True),
        ("03", 403, "InvalidPhoneNumber", False),
        ("04", 101, "Success", True),
        ("05", 405, "InsufficientBalance", False),
        ("06", 406, "UserInBlacklist", False),
        ("07", 407, "CouldNotRoute", False),
        ("08", 101, "Success", True),
        ("09", 409, "DoNotDisturbRejection", False),
        ("42", 101, "Success", True),
    ],
)
def test_the_last_digits_say_what_becomes_of_a_number(
    ending: str, code: int, status: str, accepted: bool, log: Path
) -> None:
    number = f"+2547000000{ending}"
    with caller(AfricasTalking(Plan(log=log))) as client:
        answer = at_send(client, number)
    assert answer.status_code == 201
    assert answer.headers["content-type"] == "application/json"
    (result,) = results(answer)
    assert (result["statusCode"], result["status"], result["number"]) == (code, status, number)
    assert (result["messageId"] == "None") is not accepted
    assert len(logged(log)) == accepted


def test_with_plain_the_digits_mean_nothing(log: Path) -> None:
    numbers = [f"+2547000000{ending}" for ending in ("03", "05", "06", "99")]
    with caller(AfricasTalking(Plan(log=log, plain=True))) as client:
        assert {each["statusCode"] for each in results(at_send(client, *numbers))} == {101}
    assert [line["to"] for line in logged(log)] == numbers


def test_with_a_charset_their_sdk_gives_a_text(log: Path) -> None:
    with in_thread(AfricasTalking(Plan(charset=True))) as url:
        answer = at_sdk(url).send("Hello", ["+12025550111"])
    assert isinstance(answer, str)
    assert json.loads(answer)["SMSMessageData"]["Recipients"][0]["statusCode"] == 101


def test_without_a_key_nothing_is_taken(log: Path) -> None:
    with caller(AfricasTalking(Plan(log=log)), apiKey="") as client:
        answer = at_send(client, "+12025550111")
        assert client.get("/version1/user").status_code == 401
        assert client.get("/_counts").json()["unauthorised"] == 1
    assert (answer.status_code, answer.text) == (401, "The supplied authentication is invalid")
    assert answer.headers["content-type"].startswith("text/plain")
    assert logged(log) == []


def test_a_senseless_sender_is_refused_with_an_empty_list(log: Path) -> None:
    with caller(AfricasTalking(Plan(log=log))) as client:
        answer = at_send(client, "+12025550111", sender="INVALID")
    assert answer.json() == {"SMSMessageData": {"Message": "InvalidSenderId", "Recipients": []}}
    assert logged(log) == []


@pytest.mark.parametrize("missing", ["username", "to", "message"])
def test_a_form_with_a_field_missing_is_a_400(missing: str) -> None:
    form = {name: value for name, value in at_form("+12025550111").items() if name != missing}
    with caller(AfricasTalking(Plan())) as client:
        answer = client.post("/version1/messaging", data=form)
    assert (answer.status_code, answer.text) == (400, f"Request is missing required form field '{missing}'")


def test_the_bulk_address_takes_json(log: Path) -> None:
    asked = {"username": "user", "message": "Hello", "senderId": "NGAZI", "phoneNumbers": ["+12025550111"]}
    with caller(AfricasTalking(Plan(log=log))) as client:
        assert results(client.post("/version1/messaging/bulk", json=asked))[0]["statusCode"] == 101
        assert client.post("/version1/messaging/bulk", content=b"[").status_code == 400
    assert [(line["to"], line["from"]) for line in logged(log)] == [("+12025550111", "NGAZI")]


def test_results_can_come_in_another_order_and_the_same_one_with_the_same_seed() -> None:
    numbers = [f"+2547000000{n}" for n in range(10, 60)]
    orders = []
    for _ in range(2):
        with caller(AfricasTalking(Plan(shuffle=True, seed=7))) as client:
            orders.append([each["number"] for each in results(at_send(client, *numbers))])
    assert sorted(orders[0]) == numbers
    assert orders[0] != numbers
    assert orders[0] == orders[1]


def test_a_long_text_costs_each_of_its_parts() -> None:
    with caller(AfricasTalking(Plan())) as client:
        (result,) = results(at_send(client, "+12025550111", text="a" * 307))
    assert result["cost"] == "KES 2.4000"


def test_the_balance_is_told() -> None:
    with caller(AfricasTalking(Plan())) as client:
        assert client.get("/version1/user?username=user").json() == {"UserData": {"balance": "KES 1785.50"}}


# --- what goes wrong ---


def test_a_list_with_a_99_hangs_alone_and_has_been_logged(log: Path) -> None:
    with in_thread(AfricasTalking(Plan(log=log))) as url:
        with pytest.raises(requests.ReadTimeout):
            at_sdk(url).send("Hello", ["+12025550111", "+12025550199"], timeout=(3, 0.3))
        assert [line["to"] for line in logged(log)] == ["+12025550111", "+12025550199"]
        assert at_sdk(url).send("Hello", ["+12025550112"])["SMSMessageData"]["Recipients"][0]["statusCode"] == 101
    assert len(logged(log)) == 3


@pytest.mark.parametrize(("hang", "lines"), [("before", 1), ("after", 2)])
def test_every_second_call_hangs_before_or_after_it_was_accepted(hang: Any, lines: int, log: Path) -> None:
    with caller(AfricasTalking(Plan(log=log, hang_every=2, hang=hang))) as client:
        assert at_send(client, "+12025550111").status_code == 201
        with pytest.raises(httpx2.ReadTimeout):
            client.post("/version1/messaging", data=at_form("+12025550112"), timeout=0.3)
        assert client.get("/_counts").json()["hung"] == 1
    assert len(logged(log)) == lines


def test_every_third_call_fails_and_accepts_nothing(log: Path) -> None:
    with caller(AfricasTalking(Plan(log=log, fail_every=3))) as client:
        answers = [at_send(client, f"+120255501{n}") for n in range(11, 17)]
    assert [answer.status_code for answer in answers] == [201, 201, 500, 201, 201, 500]
    assert answers[2].text
    assert len(logged(log)) == 4


def test_chance_fails_as_often_as_asked_and_alike_with_the_same_seed() -> None:
    runs = []
    for _ in range(2):
        with caller(AfricasTalking(Plan(error_rate=0.5, seed=3))) as client:
            runs.append([at_send(client, "+12025550111").status_code for _ in range(40)])
    assert runs[0] == runs[1]
    assert 8 < runs[0].count(500) < 32


def test_above_the_limit_is_429_until_the_time_that_is_named(log: Path) -> None:
    with caller(AfricasTalking(Plan(log=log, limit=2))) as client:
        statuses = [at_send(client, "+12025550111").status_code for _ in range(3)]
        late = at_send(client, "+12025550112")
        time.sleep(int(late.headers["retry-after"]))
        again = at_send(client, "+12025550112")
    assert statuses == [201, 201, 429]
    assert (late.status_code, late.headers["retry-after"], again.status_code) == (429, "1", 201)
    assert len(logged(log)) == 3


def test_a_list_longer_than_the_limit_passes_and_the_next_one_waits_for_it() -> None:
    with caller(AfricasTalking(Plan(limit=10))) as client:
        assert at_send(client, *(f"+1202555{n}" for n in range(1000, 1030))).status_code == 201
        assert at_send(client, "+12025550111").headers["retry-after"] == "3"


def test_the_answer_takes_the_time_that_was_asked_for_and_calls_wait_side_by_side() -> None:
    with caller(AfricasTalking(Plan(delay=0.3))) as client:
        begun = time.monotonic()
        threads = [threading.Thread(target=at_send, args=(client, "+12025550111")) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert 0.3 <= time.monotonic() - begun < 1.2


# --- reports ---


def test_reports_say_what_became_of_each_message(ear: Ear) -> None:
    with caller(AfricasTalking(Plan(reports=ear.url))) as client:
        sent = results(at_send(client, "+254700000011", "+254700000008", "+254700000004", "+254700000006"))
        heard = ear.wait_for(6)
    told: dict[str, list[dict[str, str]]] = {
        number: [] for number in ("+254700000011", "+254700000008", "+254700000004")
    }
    for each in heard:
        assert (each.path, each.headers["content-type"]) == (
            "/in/ke/secret/delivery",
            "application/x-www-form-urlencoded",
        )
        told[each.form["phoneNumber"]].append(each.form)
    ids = {each["number"]: each["messageId"] for each in sent}
    known = {"id": ids["+254700000008"], "phoneNumber": "+254700000008", "networkCode": "99999", "retryCount": "0"}
    assert told["+254700000008"] == [
        known | {"status": "Sent"},
        known | {"status": "Failed", "failureReason": "DeliveryFailure"},
    ]
    assert [form["status"] for form in told["+254700000011"]] == ["Sent", "Success"]
    assert [form["status"] for form in told["+254700000004"]] == ["Sent", "AbsentSubscriber"]
    assert {form["id"] for form in told["+254700000011"]} == {ids["+254700000011"]}


@pytest.mark.parametrize(
    ("style", "words"),
    [
        ("ordered", ["Sent", "Success"]),
        ("reversed", ["Success", "Sent"]),
        ("twice", ["Sent", "Sent", "Success", "Success"]),
        ("unknown", ["Sent", "Teleported", "Success", "Success"]),
        ("early", ["Sent", "Success"]),
        ("late", ["Sent", "Success"]),
    ],
)
def test_reports_come_in_the_style_that_was_asked_for(style: Any, words: list[str], ear: Ear) -> None:
    with caller(AfricasTalking(Plan(reports=ear.url, style=style, report_after=0.05))) as client:
        (sent,) = results(at_send(client, "+254700000011"))
        if style == "early":
            assert len(ear.heard) == 2  # before the answer
        heard = ear.wait_for(len(words))
    assert [each.form["status"] for each in heard] == words
    strangers = [each for each in heard if each.form["id"] != sent["messageId"]]
    assert len(strangers) == (style == "unknown")


def test_late_reports_come_all_at_once(ear: Ear) -> None:
    with caller(AfricasTalking(Plan(reports=ear.url, style="late", report_after=0.6))) as client:
        begun = time.monotonic()
        for n in range(11, 14):
            at_send(client, f"+2547000000{n}")
            time.sleep(0.1)
        assert ear.heard == []
        heard = ear.wait_for(6)
    assert min(each.at for each in heard) - begun >= 0.6
    assert max(each.at for each in heard) - min(each.at for each in heard) < 0.4


def test_a_report_that_the_gateway_cannot_store_is_brought_again_and_the_order_stays(ear: Ear) -> None:
    ear.answers += [503]
    with caller(AfricasTalking(Plan(reports=ear.url))) as client:
        at_send(client, "+254700000011")
        heard = ear.wait_for(3)
    assert [each.form["status"] for each in heard] == ["Sent", "Sent", "Success"]


def test_a_message_whose_call_hung_is_reported_on_all_the_same(ear: Ear) -> None:
    with caller(AfricasTalking(Plan(reports=ear.url))) as client:
        with pytest.raises(httpx2.ReadTimeout):
            client.post("/version1/messaging", data=at_form("+254700000099"), timeout=0.3)
        assert ear.wait_for(2)[1].form["status"] == "Success"


@given(style=st.sampled_from(STYLES), words=st.lists(st.sampled_from("abc"), min_size=1, max_size=5))
def test_no_style_loses_a_report(style: Any, words: list[str]) -> None:
    steps = course(Journey("id", "+1", tuple(words), ""), style, "stranger")
    assert {(step.event, step.word) for step in steps if step.id == "id"} >= set(enumerate(words))


# --- SMS that come in ---


def test_somebody_says_something_to_the_gateway(ear: Ear) -> None:
    with caller(AfricasTalking(Plan(reports=ear.url))) as client:
        answer = client.post("/_say", json={"from": "+254700000001", "text": "MENU & more", "id": "one"})
        assert client.post("/_say", json={"text": "MENU"}).status_code == 400
    assert answer.json() == {"id": "one", "status": 200}
    (heard,) = ear.heard
    assert heard.path == "/in/ke/secret/sms"
    assert set(heard.form) == {"date", "from", "id", "linkId", "text", "to", "cost", "networkCode"}
    assert (heard.form["from"], heard.form["text"], heard.form["id"]) == ("+254700000001", "MENU & more", "one")


def test_without_a_listener_nobody_can_say_anything() -> None:
    with caller(AfricasTalking(Plan())) as client:
        assert client.post("/_say", json={"from": "+254700000001", "text": "MENU"}).status_code == 409


# --- Twilio ---


def twilio_sdk(url: str) -> Client:
    client = Client(ACCOUNT, TOKEN, http_client=TwilioHttpClient(timeout=PATIENCE, pool_connections=False))
    client.api.base_url = url
    return client


BASIC = {"Authorization": "Basic " + base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()}


def test_twilios_sdk_sends_through_the_fake(log: Path) -> None:
    with in_thread(Twilio(Plan(log=log))) as url:
        message = twilio_sdk(url).messages.create(to="+12025550111", from_=SENDER, body="Hello")
    assert message.sid is not None
    assert (len(message.sid), message.sid[:2]) == (34, "SM")
    assert (message.status, message.error_code, message.account_sid) == ("queued", None, ACCOUNT)
    assert (message.to, message.from_, message.body, message.direction) == (
        "+12025550111",
        SENDER,
        "Hello",
        "outbound-api",
    )
    assert [(line["to"], line["text"], line["id"]) for line in logged(log)] == [("+12025550111", "Hello", message.sid)]


def test_with_a_service_the_parts_are_not_known_yet() -> None:
    with caller(Twilio(Plan()), **BASIC) as client:
        answer = client.post(MESSAGES, data={"To": "+12025550111", "MessagingServiceSid": "MG1", "Body": "Hello"})
    assert answer.status_code == 201
    assert (answer.json()["status"], answer.json()["num_segments"], answer.json()["from"]) == ("accepted", "0", None)


@pytest.mark.parametrize(
    ("to", "sender", "status", "code"),
    [
        ("+12025550106", SENDER, 400, 21610),
        ("whatsapp:+12025550106", "whatsapp:" + SENDER, 400, 21610),
        ("+12025550103", SENDER, 400, 21211),
        ("+12025550107", SENDER, 400, 21606),
        ("+12025550105", SENDER, 401, 20003),
        ("+12025550150", SENDER, 500, 20500),
        ("07", SENDER, 400, 21211),
        ("+15005550001", SENDER, 400, 21211),
        ("+15005550004", SENDER, 400, 21610),
        ("+15005550009", SENDER, 400, 21614),
        ("+12025550111", "+15005550007", 400, 21606),
    ],
)
def test_twilios_errors_come_by_number(to: str, sender: str, status: int, code: int, log: Path) -> None:
    with in_thread(Twilio(Plan(log=log))) as url, pytest.raises(TwilioRestException) as caught:
        twilio_sdk(url).messages.create(to=to, from_=sender, body="Hello")
    assert (caught.value.status, caught.value.code) == (status, code)
    assert logged(log) == []


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"From": SENDER, "Body": "x"}, 21604),
        ({"To": "+12025550111", "Body": "x"}, 21603),
        ({"To": "+12025550111", "From": SENDER}, 21602),
        ({"To": "+12025550111", "From": SENDER, "Body": "x" * 1601}, 21617),
        ({"To": "+12025550111", "From": SENDER, "Body": "x", "StatusCallback": "https://example.org/x"}, 21609),
    ],
)
def test_a_request_that_is_not_whole_gets_its_code(form: dict[str, str], code: int) -> None:
    with caller(Twilio(Plan()), **BASIC) as client:
        answer = client.post(MESSAGES, data=form)
    assert answer.status_code == 400
    assert answer.json()["code"] == code
    assert set(answer.json()) == {"code", "message", "more_info", "status"}


@pytest.mark.parametrize("given", ["", "Basic x", "Basic " + base64.b64encode(b"AC2:token").decode()])
def test_twilio_wants_the_account_and_its_token(given: str, log: Path) -> None:
    with caller(Twilio(Plan(log=log)), Authorization=given) as client:
        answer = client.post(MESSAGES, data={"To": "+12025550111", "From": SENDER, "Body": "x"})
    assert (answer.status_code, answer.json()["code"]) == (401, 20003)
    assert logged(log) == []


def test_a_29_is_too_many_once_and_then_accepted(log: Path) -> None:
    form = {"To": "+12025550129", "From": SENDER, "Body": "x"}
    with caller(Twilio(Plan(log=log)), **BASIC) as client:
        first, second = client.post(MESSAGES, data=form), client.post(MESSAGES, data=form)
    assert (first.status_code, first.json()["code"], first.headers["retry-after"]) == (429, 20429, "1")
    assert second.status_code == 201
    assert len(logged(log)) == 1


def test_a_99_hangs_at_twilio_and_has_been_logged(log: Path) -> None:
    with caller(Twilio(Plan(log=log)), **BASIC) as client, pytest.raises(httpx2.ReadTimeout):
        client.post(MESSAGES, data={"To": "+12025550199", "From": SENDER, "Body": "x"}, timeout=0.3)
    assert [line["to"] for line in logged(log)] == ["+12025550199"]


@pytest.mark.parametrize(
    ("to", "last", "code"),
    [("+12025550111", "delivered", None), ("+12025550104", "undelivered", "30003")],
)
def test_status_callbacks_are_signed_for_the_address_that_was_given(
    to: str, last: str, code: str | None, ear: Ear
) -> None:
    callback = ear.url + "?m=17"
    with in_thread(Twilio(Plan())) as url:
        message = twilio_sdk(url).messages.create(to=to, from_=SENDER, body="x", status_callback=callback)
        heard = ear.wait_for(3)
    assert [each.form["MessageStatus"] for each in heard] == ["queued", "sent", last]
    assert heard[-1].form.get("ErrorCode") == code
    for each in heard:
        assert each.path == "/in/ke/secret/delivery?m=17"
        assert RequestValidator(TOKEN).validate(callback, each.form, each.headers["x-twilio-signature"])
        assert not RequestValidator("another").validate(callback, each.form, each.headers["x-twilio-signature"])
        expected = {"MessageSid": message.sid, "From": SENDER, "To": to, "AccountSid": ACCOUNT}
        assert each.form.items() >= {**expected, "ApiVersion": "2010-04-01"}.items()
        assert each.form["SmsStatus"] == each.form["MessageStatus"]


def test_status_callbacks_go_to_reports_if_the_message_names_no_address(ear: Ear) -> None:
    with in_thread(Twilio(Plan(reports=ear.url, style="reversed"))) as url:
        twilio_sdk(url).messages.create(to="+12025550111", from_=SENDER, body="x")
        heard = ear.wait_for(3)
    assert [each.form["MessageStatus"] for each in heard] == ["delivered", "sent", "queued"]
    assert RequestValidator(TOKEN).validate(ear.url, heard[0].form, heard[0].headers["x-twilio-signature"])


def test_a_callback_can_come_before_the_answer(ear: Ear) -> None:
    with in_thread(Twilio(Plan(reports=ear.url, style="early"))) as url:
        message = twilio_sdk(url).messages.create(to="+12025550111", from_=SENDER, body="x")
        assert [each.form["MessageSid"] for each in ear.heard] == [message.sid] * 3


def test_the_messages_of_a_number_can_be_listed(log: Path) -> None:
    with in_thread(Twilio(Plan())) as url:
        client = twilio_sdk(url)
        sids = [client.messages.create(to=to, from_=SENDER, body="x").sid for to in ("+12025550111", "+12025550112")]
        assert [each.sid for each in client.messages.list(to="+12025550112")] == sids[1:]
        assert [each.sid for each in client.messages.list()] == sids[::-1]
        assert client.messages(sids[0]).fetch().to == "+12025550111"
        with pytest.raises(TwilioRestException) as caught:
            client.messages("SM" + "0" * 32).fetch()
    assert caught.value.code == 20404


def test_an_sms_that_comes_in_by_twilio_is_signed(ear: Ear) -> None:
    with caller(Twilio(Plan(inbound=ear.url, token=TOKEN))) as client:
        client.post("/_say", json={"from": "+12025550123", "text": "Ajali ☺"})
    (heard,) = ear.heard
    assert RequestValidator(TOKEN).validate(ear.url, heard.form, heard.headers["x-twilio-signature"])
    assert heard.form["Body"] == "Ajali ☺"
    assert heard.form["SmsStatus"] == "received"


def test_without_a_token_twilio_cannot_sign_what_comes_in(ear: Ear) -> None:
    with caller(Twilio(Plan(inbound=ear.url))) as client:
        assert client.post("/_say", json={"from": "+12025550123", "text": "MENU"}).status_code == 409
    assert ear.heard == []


def reply_form(**more: Any) -> dict[str, Any]:
    said = {"body": "{{1}}", "actions": [{"type": "QUICK_REPLY", "title": "{{2}}", "id": "{{3}}"}]} | more
    return {"friendly_name": "ours", "language": "en", "types": {"twilio/quick-reply": said}}


def list_form(count: int = 1, **more: Any) -> dict[str, Any]:
    items = [{"item": "{{3}}", "id": f"id-{number}", "description": "below"} for number in range(count)]
    said = {"body": "{{1}}", "button": "{{2}}", "items": items} | more
    return {"friendly_name": "ours", "language": "en", "types": {"twilio/list-picker": said}}


def whatsapp_message(sid: str, *values: str, **more: str) -> dict[str, str]:
    variables = json.dumps({str(number): value for number, value in enumerate(values, 1)})
    form = {"To": "whatsapp:+12025550111", "From": "whatsapp:" + SENDER, "ContentSid": sid}
    return form | {"ContentVariables": variables} | more


def test_twilios_sdk_makes_contents_and_lists_them_page_by_page() -> None:
    with in_thread(Twilio(Plan())) as url:
        client = twilio_sdk(url)
        client.content.base_url = url
        wanted = ContentList.ContentCreateRequest({"friendly_name": "x", "language": "en", "types": {}})
        made = []
        for number in range(5):
            given = reply_form() | {"friendly_name": f"form_{number}"}
            answer = httpx2.post(f"{url}/v1/Content", json=given, headers=BASIC, trust_env=False)
            made.append(answer.json()["sid"])
        assert all(len(sid) == 34 and sid.startswith("HX") for sid in made)
        assert [each.sid for each in client.content.v1.contents.list(page_size=2)] == made[::-1]
        assert client.content.v1.contents(made[0]).delete()
        assert len(client.content.v1.contents.list()) == 4
        with pytest.raises(TwilioRestException) as caught:
            client.content.v1.contents.create(wanted)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"types": {"twilio/text": {"body": "x"}}},
        reply_form(body=""),
        reply_form(body="x" * 1025),
        reply_form(actions=[]),
        reply_form(actions=[{"title": "x" * 21, "id": "1"}]),
        reply_form(actions=[{"title": "x", "id": "1" * 201}]),
        reply_form(actions=[{"title": "x"}]),
        reply_form(actions=[{"title": "x", "id": "1"}] * 4),
        list_form(0),
        list_form(11),
        list_form(button=""),
        list_form(button="x" * 21),
        list_form(items=[{"item": "x" * 25, "id": "1"}]),
        list_form(items=[{"item": "x", "id": "1", "description": "x" * 73}]),
        list_form(items=["x"]),
    ],
)
def test_what_is_no_form_that_whatsapp_shows_is_refused(given: dict[str, Any]) -> None:
    with caller(Twilio(Plan()), **BASIC) as client:
        assert client.post("/v1/Content", json=given).status_code == 400
        assert client.get("/v1/Content").json()["contents"] == []


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ('{"1": "Hello", "2": "Yes", "3": "1"}', None),
        ("no JSON", 21656),
        ("[]", 21656),
        ('{"1": 7, "2": "Yes", "3": "1"}', 21656),
        ('{"1": "", "2": "Yes", "3": "1"}', 21656),
        ('{"1": "two\\nlines", "2": "Yes", "3": "1"}', 21656),
        ('{"1": "a\\tb", "2": "Yes", "3": "1"}', 21656),
        ('{"1": "a     b", "2": "Yes", "3": "1"}', 21656),
        (json.dumps({"1": "x" * 256, "2": "Yes", "3": "1"}), 21656),
        (json.dumps({str(number): "x" for number in range(101)}), 21656),
        (json.dumps({"1": "x", "2": "x" * 21, "3": "1"}), 21658),
    ],
)
def test_variables_that_twilio_refuses_are_refused(variables: str, code: int | None) -> None:
    with caller(Twilio(Plan()), **BASIC) as client:
        sid = client.post("/v1/Content", json=reply_form()).json()["sid"]
        answer = client.post(MESSAGES, data=whatsapp_message(sid) | {"ContentVariables": variables})
    assert answer.json().get("code") == code
    assert answer.status_code == (400 if code else 201)


def test_a_form_that_was_deleted_is_refused_and_a_template_is_not_known_here(log: Path) -> None:
    with caller(Twilio(Plan(log=log)), **BASIC) as client:
        sid = client.post("/v1/Content", json=reply_form()).json()["sid"]
        assert client.delete(f"/v1/Content/{sid}").status_code == 204
        assert client.delete(f"/v1/Content/{sid}").status_code == 404
        assert client.post(MESSAGES, data=whatsapp_message(sid, "a", "b", "c")).json()["code"] == 21655
        assert client.post(MESSAGES, data=whatsapp_message("HX9", "An approved text")).status_code == 201
    assert [line["text"] for line in logged(log)] == ["An approved text"]


def test_contents_belong_to_an_account() -> None:
    with caller(Twilio(Plan())) as client:
        assert client.get("/v1/Content").status_code == 401
        assert client.post("/v1/Content", json=reply_form()).status_code == 401
        assert client.post("/v1/Content", json=reply_form(), headers=BASIC).status_code == 201
        other = {"Authorization": "Basic " + base64.b64encode(b"AC2:token").decode()}
        assert client.get("/v1/Content", headers=other).json()["contents"] == []


def test_a_press_brings_what_the_button_or_the_item_says(ear: Ear) -> None:
    person = "whatsapp:+12025550111"
    with caller(Twilio(Plan(inbound=ear.url)), **BASIC) as client:
        buttons = client.post("/v1/Content", json=reply_form()).json()["sid"]
        items = client.post("/v1/Content", json=list_form()).json()["sid"]
        client.post(MESSAGES, data=whatsapp_message(buttons, "Ready?", "Yes", "1@k3f7abcd"))
        client.post(MESSAGES, data=whatsapp_message(items, "Which?", "Choose", "2."))
        for words in ("Yes", "2. below"):
            assert client.post("/_say", json={"from": person, "press": words}).status_code == 200
        assert client.post("/_say", json={"from": person, "press": "No"}).status_code == 409
        client.post("/_say", json={"from": person, "press": "Old", "payload": "7"})
        client.post("/_say", json={"from": person, "media": "1"})
        client.post("/_say", json={"from": person, "place": "-1.28,36.81"})
    yes, item, old, photo, place = (each.form for each in ear.heard)
    assert (yes["ButtonPayload"], yes["ButtonText"], yes["Body"], yes["MessageType"]) == (
        "1@k3f7abcd", "Yes", "Yes", "button",
    )  # fmt: skip
    assert (item["ListId"], item["ListTitle"], item["Body"]) == ("id-0", "2.", "2.")
    assert old["ButtonPayload"] == "7"
    assert (photo["NumMedia"], photo["Body"]) == ("1", "")
    assert (place["Latitude"], place["Longitude"]) == ("-1.28", "36.81")
    for each in ear.heard:
        assert RequestValidator(TOKEN).validate(ear.url, each.form, each.headers["x-twilio-signature"])


# --- Android ---

USER = {"Authorization": "Basic " + base64.b64encode(b"sms:password").decode()}


def phone_message(*numbers: str, **more: Any) -> dict[str, Any]:
    return {"textMessage": {"text": "Hello"}, "phoneNumbers": numbers, **more}


@pytest.mark.parametrize("path", ["/messages", "/message", "/3rdparty/v1/messages"])
def test_a_phone_takes_a_message_and_keeps_its_id(path: str, log: Path) -> None:
    with caller(Android(Plan(log=log)), **USER) as client:
        answer = client.post(path, json=phone_message("+254700000011", id="ours-1"))
        assert client.get(f"{path}/ours-1").json()["state"] == "Delivered"
        assert client.get(f"{path}/other").status_code == 404
    assert answer.status_code == 202
    told = answer.json()
    assert (told["id"], told["state"]) == ("ours-1", "Pending")
    assert told["recipients"] == [{"phoneNumber": "+254700000011", "state": "Pending"}]
    assert [(line["to"], line["text"], line["id"]) for line in logged(log)] == [("+254700000011", "Hello", "ours-1")]


def test_a_phone_takes_the_older_form_too_and_makes_an_id(log: Path) -> None:
    with caller(Android(Plan(log=log)), **USER) as client:
        answer = client.post("/message", json={"message": "Hello", "phoneNumbers": ["+254700000011"]})
    assert answer.json()["id"] == logged(log)[0]["id"] != ""


@pytest.mark.parametrize(("same_id", "status"), [("conflict", 409), ("answer", 202)])
def test_the_same_id_is_never_sent_twice(same_id: Any, status: int, log: Path) -> None:
    with caller(Android(Plan(log=log, same_id=same_id)), **USER) as client:
        first = client.post("/messages", json=phone_message("+254700000011", id="ours-1"))
        again = client.post("/messages", json=phone_message("+254700000011", id="ours-1"))
    assert (first.status_code, again.status_code) == (202, status)
    assert (again.json() == first.json()) is (same_id == "answer")
    assert len(logged(log)) == 1


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (phone_message("+254700000003"), 400),
        (phone_message("0700000011"), 400),
        (phone_message(), 400),
        ({"phoneNumbers": ["+254700000011"]}, 400),
        ([], 400),
        (phone_message("+254700000050"), 500),
    ],
)
def test_a_phone_refuses_what_it_cannot_send(asked: Any, status: int, log: Path) -> None:
    with caller(Android(Plan(log=log)), **USER) as client:
        answer = client.post("/messages", json=asked)
    assert answer.status_code == status
    assert answer.json()["message"]
    assert logged(log) == []


def test_a_phone_wants_user_and_password() -> None:
    with caller(Android(Plan())) as client:
        assert client.post("/messages", json=phone_message("+254700000011")).status_code == 401


def genuine(heard: Heard, key: str) -> bool:
    signed = heard.body + heard.headers["x-timestamp"].encode()
    return hmac.compare_digest(hmac.new(key.encode(), signed, hashlib.sha256).hexdigest(), heard.headers["x-signature"])


def test_a_phone_tells_of_each_delivered_part_and_signs_it(ear: Ear) -> None:
    asked = {"id": "ours-1", "textMessage": {"text": "a" * 200}, "phoneNumbers": ["+254700000011"]}
    with caller(Android(Plan(reports=ear.url, key="k3y")), **USER) as client:
        client.post("/messages", json=asked)
        heard = ear.wait_for(3)
    told = [json.loads(each.body) for each in heard]
    assert [each["event"] for each in told] == ["sms:sent", "sms:delivered", "sms:delivered"]
    assert told[0]["payload"]["partsCount"] == 2
    assert {each["payload"]["messageId"] for each in told} == {"ours-1"}
    assert {each["payload"]["phoneNumber"] for each in told} == {"+254700000011"}
    assert len({each["id"] for each in told}) == 3
    assert all(set(each) == {"deviceId", "event", "id", "payload", "webhookId"} for each in told)
    assert all(genuine(each, "k3y") and not genuine(each, "other") for each in heard)
    assert all(abs(int(each.headers["x-timestamp"]) - time.time()) < 60 for each in heard)
    assert {each.headers["content-type"] for each in heard} == {"application/json"}


@pytest.mark.parametrize(
    ("number", "more", "events"),
    [
        ("+254700000008", {}, ["sms:failed"]),
        ("+254700000004", {}, ["sms:sent"]),
        ("+254700000011", {"withDeliveryReport": False}, ["sms:sent"]),
    ],
)
def test_a_phone_does_not_always_deliver(number: str, more: dict[str, Any], events: list[str], ear: Ear) -> None:
    with caller(Android(Plan(reports=ear.url)), **USER) as client:
        client.post("/messages", json=phone_message(number, **more))
        ear.wait_for(len(events))
        time.sleep(0.1)
    assert [json.loads(each.body)["event"] for each in ear.heard] == events


def test_an_event_that_comes_twice_has_the_same_id_twice(ear: Ear) -> None:
    with caller(Android(Plan(reports=ear.url, style="twice")), **USER) as client:
        client.post("/messages", json=phone_message("+254700000011"))
        ids = [json.loads(each.body)["id"] for each in ear.wait_for(4)]
    assert (ids[0], ids[2]) == (ids[1], ids[3])
    assert ids[0] != ids[2]


def test_a_phone_hears_somebody(ear: Ear) -> None:
    with caller(Android(Plan(reports=ear.url, key="k3y")), **USER) as client:
        client.post("/_say", json={"from": "6505551212", "text": "MENU"})
        client.post("/_say", json={"from": "6505551213", "text": "MENU"})
    first, second = (json.loads(each.body) for each in ear.heard)
    assert {each.path for each in ear.heard} == {"/in/ke/secret/sms"}
    assert all(genuine(each, "k3y") for each in ear.heard)
    assert (first["event"], first["payload"]["sender"], first["payload"]["message"]) == (
        "sms:received",
        "6505551212",
        "MENU",
    )
    assert first["payload"]["messageId"] == second["payload"]["messageId"]  # of the text alone
    assert first["id"] != second["id"]


# --- only this machine; the command ---


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:8000/in", True),
        ("http://localhost/in", True),
        ("http://[::1]:8000/in", True),
        ("http://example.org/in", False),
        ("https://127.0.0.1/in", False),
        ("http://127.0.0.1.example.org/", False),
        ("http://127.0.0.1@example.org/", False),
        ("http://0.0.0.0:8000/", False),
        ("http://127.0.0.1:99999/", False),
        ("file:///etc/passwd", False),
        ("nonsense", False),
    ],
)
def test_only_addresses_on_this_machine_are_called(url: str, here: bool) -> None:
    assert on_this_machine(url) is here
    if not here:
        with pytest.raises(NotThisMachine):
            Plan(reports=url)


@pytest.mark.parametrize("option", ["--reports", "--inbound"])
@pytest.mark.parametrize("provider", ["africastalking", "twilio", "android"])
def test_the_command_refuses_to_report_elsewhere(provider: str, option: str) -> None:
    result = CliRunner().invoke(fake_command, [provider, option, "http://gateway.example.org/in"])
    assert result.exit_code == 1
    assert "calls only this machine" in result.output


def test_the_command_says_why_it_cannot_start(tmp_path: Path) -> None:
    result = CliRunner().invoke(fake_command, ["twilio", "--log", str(tmp_path / "no" / "file")])
    assert result.exit_code == 1
    assert result.output == "Error: --log: the file cannot be written: No such file or directory.\n"
    with in_thread(Twilio(Plan())) as url:
        result = CliRunner().invoke(fake_command, ["twilio", "--port", url.rpartition(":")[2]])
    assert "--port: cannot listen on port" in result.output


@pytest.mark.parametrize("provider", ["africastalking", "twilio", "android"])
def test_the_help_says_what_the_digits_mean(provider: str) -> None:
    result = CliRunner().invoke(fake_command, [provider, "--help"])
    assert result.exit_code == 0
    assert "  99 accepted, and the call gets no answer\n" in result.output


@contextmanager
def process(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command as a process of its own, and its address from its first line."""
    program = "from gateway.cli_fake import fake; fake()"
    command = [sys.executable, "-c", program, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as started:
        try:
            assert started.stdout is not None
            first = started.stdout.readline()
            assert first.startswith("Fake Africa's Talking on http://127.0.0.1:"), first
            yield started, first.split()[-1]
        finally:
            if started.poll() is None:
                started.kill()


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_the_process_ends_at_once_while_a_call_hangs_and_the_log_has_it(stop: signal.Signals, log: Path) -> None:
    log.write_text('{"to":"+1","text":"before","id":"0"}\n')
    with process("africastalking", "--port", "0", "--log", str(log), "--delay", "60") as (started, url):
        ends: list[object] = []

        def call() -> None:
            try:
                ends.append(
                    requests.post(f"{url}/version1/messaging", at_form("+12025550199"), headers={"apiKey": "k"})
                )
            except requests.RequestException as error:
                ends.append(error)

        calling = threading.Thread(target=call)
        calling.start()
        until = time.monotonic() + PATIENCE
        while len(logged(log)) < 2 and time.monotonic() < until:
            time.sleep(0.02)
        assert [line["to"] for line in logged(log)] == ["+1", "+12025550199"]
        begun = time.monotonic()
        started.send_signal(stop)
        out, err = started.communicate(timeout=PATIENCE)
        assert time.monotonic() - begun < 3
        calling.join()
    assert (started.returncode, err) == (0, "")
    assert out == "calls 1, accepted 1, hung 1\n"
    assert len(ends) == 1
