from __future__ import annotations

import base64
import hashlib
import hmac
import io
import logging
from collections.abc import Callable, Iterator
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, urlencode

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from dialogs.inbound import Inbound, Reply
from gateway import logs, providers
from gateway.app import create_app
from gateway.desk import Busy
from gateway.forms import read_form
from gateway.inbound import LARGEST
from gateway.providers import DeliveryReport
from gateway.settings import Settings
from tests.phones import Site

KEY = "a secret key of the tests, long enough"
SECRET = "open-the-door-please"
USSD = f"/in/ke/{SECRET}/ussd"
NUMBER = "+254712345001"
DIAL = {
    "sessionId": "ATUid_00000000000000000000000000000001",
    "serviceCode": "*384*77#",
    "phoneNumber": NUMBER,
    "networkCode": "63902",
    "text": "",
}
TEXT = {"id": "1", "from": NUMBER, "to": "21512", "text": "1", "date": "2026-11-22 06:04:45"}
SORRY, BUSY = "Samahani", "Jaribu tena"


class FakeDesk:
    """Answers every inbound with `reply`, or raises `trouble`; remembers what it was asked."""

    def __init__(self) -> None:
        self.heard: list[Inbound] = []
        self.works: list[Callable[..., object]] = []
        self.reports: list[DeliveryReport] = []
        self.reply = Reply("Uchimbaji\n1. Ndiyo", ("Ndiyo",), more=True)
        self.trouble: Exception | None = None
        self.well = True
        self.on_list: Callable[[int], None] = lambda size: None

    async def take(self, inbound: Inbound) -> Reply:
        self.heard.append(inbound)
        if self.trouble:
            raise self.trouble
        return self.reply

    async def run(self, work: Callable[..., object]) -> object:
        self.works.append(work)
        if self.trouble:
            raise self.trouble
        return None

    async def note(self, report: DeliveryReport) -> bool:
        self.reports.append(report)
        if self.trouble:
            raise self.trouble
        return True

    def busy(self) -> Reply:
        return Reply(BUSY)

    def sorry(self, inbound: Inbound) -> Reply:
        return Reply(SORRY)

    def clock(self) -> datetime:
        return datetime(2026, 11, 22)  # noqa: DTZ001  UTC without a zone, as the tables keep it

    def state(self) -> object:
        return SimpleNamespace(waiting=3, oldest=0.5, alive=True, database_ok=self.well)

    def start(self) -> None: ...
    def stop(self) -> None: ...


class Gateway:
    """The real application with a desk that only answers."""

    def __init__(self, folder: Any, channels: str = "") -> None:
        self.desk = FakeDesk()
        environ = {
            "NGAZI_DATA": str(folder),
            "NGAZI_SECRET_KEY": KEY,
            "NGAZI_PUBLIC_URL": "https://gw.example.org",
            "NGAZI_CHANNELS": channels
            or f"ke=africastalking://user:key@?code=*384*77%23&country=KE&secret={SECRET},the-older-of-the-two"
            f" mg=twilio://AC1:12345@?secret={SECRET}",
        }
        content = SimpleNamespace(revision="0123456789ab")
        keeper = SimpleNamespace(content=content, problems=[1, 2], refresh=lambda: [1, 2])
        self.app = create_app(Settings.read(environ), desk=self.desk, keeper=keeper)
        self.client = TestClient(self.app)

    def post(self, path: str = USSD, form: Any = None, **more: Any) -> Any:
        return self.client.post(path, data=DIAL if form is None else form, **more)

    def post_bytes(self, body: bytes, path: str = USSD, **headers: str) -> Any:
        headers = {"content-type": "application/x-www-form-urlencoded"} | headers
        return self.client.post(path, content=body, headers=headers)


@pytest.fixture
def gateway(tmp_path) -> Iterator[Gateway]:
    gateway = Gateway(tmp_path)
    with gateway.client:
        yield gateway


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What is logged, as the program logs it."""
    stream = io.StringIO()
    way_out = logging.StreamHandler(stream)
    way_out.addFilter(logs.Masking())
    way_out.setFormatter(logs.JsonLines())
    logging.getLogger().addHandler(way_out)
    yield stream
    logging.getLogger().removeHandler(way_out)


# --- a call gets a screen ---


def test_a_dial_gets_a_screen(gateway):
    response = gateway.post()
    assert response.status_code == 200
    assert response.content == b"CON Uchimbaji\n1. Ndiyo"
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert gateway.desk.heard == [
        Inbound("ke", "ussd", NUMBER, "", DIAL["sessionId"], "", whole=True),
    ]


def test_the_last_screen_of_a_call_says_so(gateway):
    gateway.desk.reply = Reply("Kwaheri")
    assert gateway.post().content == b"END Kwaheri"


@pytest.mark.parametrize(
    "odd",
    [
        {"text": "1*2*" + "x" * 9000},
        {"text": "\0"},
        {"text": "٣*🙂*Ɓ"},
        {"networkCode": ""},
        {"networkCode": "no such network"},
        {"serviceCode": ""},
        {"newField": "x" * 500, "hops": "1"},
        {"phoneNumber": " 254712345001"},
        {"phoneNumber": "254712345001"},
        {"phoneNumber": "0712345001"},
    ],
)
def test_what_a_provider_may_send_gets_a_screen(gateway, odd):
    response = gateway.post(form=DIAL | odd)
    assert (response.status_code, response.content[:4]) == (200, b"CON ")
    assert gateway.desk.heard[0].address == NUMBER


def test_fields_that_may_be_missing_are_not_missed(gateway):
    assert gateway.post(form={"sessionId": "s", "phoneNumber": NUMBER}).status_code == 200


def test_a_plus_that_was_not_escaped_is_still_a_plus(gateway):
    gateway.post_bytes(f"sessionId=s&phoneNumber={NUMBER}&text=".encode())
    assert gateway.desk.heard[0].address == NUMBER


@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-www-form-urlencoded",
        "application/x-www-form-urlencoded; charset=UTF-8",
        "Application/X-WWW-Form-Urlencoded ;charset=utf-8",
    ],
)
def test_a_form_is_a_form_however_its_type_is_written(gateway, content_type):
    body = urlencode(DIAL).encode()
    assert gateway.post_bytes(body, **{"content-type": content_type}).status_code == 200


@pytest.mark.parametrize(
    ("sent", "read"), [(b"%C3%A9t%C3%A9", "été"), (b"%E9t%E9", "été"), (b"\xe9t\xe9", "été"), (b"%81", "\x81")]
)
def test_letters_that_are_not_utf8_are_read_as_the_telco_meant_them(gateway, sent, read):
    gateway.post_bytes(b"sessionId=s&phoneNumber=%2B254712345001&text=" + sent)
    assert gateway.desk.heard[0].text == read


@pytest.mark.parametrize("body", [b"%", b"%zz=%g1&&&=&=x&a", b"&" * 100, b"a;b=c"])
def test_an_odd_form_is_read_as_far_as_it_goes(gateway, body):
    assert gateway.post_bytes(body + b"&sessionId=s&phoneNumber=%2B254712345001").status_code == 200


def test_a_slash_too_many_at_the_end_does_not_matter(gateway):
    assert gateway.post(USSD + "/").status_code == 200


def test_both_secrets_open_while_one_is_being_changed(gateway):
    assert gateway.post("/in/ke/the-older-of-the-two/ussd").status_code == 200


def test_an_error_of_ours_gets_the_sorry_screen_and_a_log_without_number_and_text(gateway, log):
    gateway.desk.trouble = ValueError(f"no answer for {NUMBER}, who said 'Ajali'")
    response = gateway.post(form=DIAL | {"text": "Ajali"})
    assert (response.status_code, response.text) == (200, f"END {SORRY}")
    assert "ValueError" in log.getvalue()
    assert not any(word in log.getvalue() for word in ("Ajali", "712345001", SECRET))


def test_a_screen_is_never_empty(gateway):
    gateway.desk.reply = Reply("")
    assert gateway.post().text == f"END {SORRY}"


# --- what no provider sends ---


@pytest.mark.parametrize(
    "path",
    [
        "/in/ke/wrong/ussd",
        f"/in/ug/{SECRET}/ussd",
        "/in/ke/%00/ussd",
        "/in/ke/%ff%fe/nothing",
        f"/in/ke/{SECRET}x/ussd",
        f"/in/ke/{SECRET.upper()}/ussd",
        f"/in/unknown/{SECRET}/nothing",
    ],
)
def test_without_the_secret_nothing_is_told(gateway, path):
    for response in (gateway.post(path), gateway.post_bytes(b"x" * 99_999, path), gateway.post(path, form={})):
        assert (response.status_code, response.text) == (403, "Forbidden")
    assert gateway.desk.heard == []


def test_an_unknown_callback_is_told_to_those_who_know_the_secret(gateway):
    assert gateway.post(f"/in/ke/{SECRET}/fax").status_code == 404
    assert gateway.post(f"/in/mg/{SECRET}/ussd").status_code == 404


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
@pytest.mark.parametrize("path", [USSD, "/in/ke/wrong/ussd", "/in/ug/wrong/ussd"])
def test_a_wrong_method_is_told_alike_with_and_without_the_secret(gateway, method, path):
    response = gateway.client.request(method, path)
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
    assert len(response.content) < 50


@pytest.mark.parametrize(
    "missing", [{"phoneNumber": ""}, {"sessionId": ""}, {"phoneNumber": "0712MINERS"}, {"phoneNumber": "1" * 300}]
)
def test_a_call_of_nobody_is_refused(gateway, missing):
    response = gateway.post(form=DIAL | missing)
    assert response.status_code == 400
    assert "1111" not in response.text
    assert gateway.desk.heard == []


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data; boundary=x", "text/plain", ""])
def test_what_is_no_form_is_refused(gateway, content_type):
    assert gateway.post_bytes(b"{}", **{"content-type": content_type}).status_code == 415


def test_a_form_with_a_thousand_fields_is_refused(gateway):
    form = urlencode(DIAL).encode()
    assert gateway.post_bytes(form + b"&" * 990).status_code == 200
    assert gateway.post_bytes(form + b"&" * 1000).status_code == 400


def test_a_body_that_says_it_is_too_large_is_not_read(gateway):
    response = gateway.post_bytes(b"x" * (LARGEST + 1))
    assert response.status_code == 413
    assert response.headers["connection"] == "close"
    assert gateway.post_bytes(b"", **{"content-length": "9" * 5000}).status_code == 413


def call(gateway: Gateway, messages: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], int]:
    """One callback in pieces: what was answered, and how many pieces were read."""
    answered: list[dict[str, Any]] = []
    left = list(messages)

    async def receive() -> dict[str, Any]:
        return left.pop(0)

    async def send(message: Any) -> None:
        answered.append(dict(message))

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": USSD,
        "raw_path": USSD.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"content-type", b"application/x-www-form-urlencoded")],
    }
    anyio.run(gateway.app, scope, receive, send)
    return answered, len(messages) - len(left)


def piece(body: bytes, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def test_a_body_is_read_no_further_than_it_may_be_long(gateway):
    answered, read = call(gateway, [piece(b"x" * 10_000)] * 50)
    assert answered[0]["status"] == 413
    assert read == 2


def test_a_body_that_comes_in_pieces_is_put_together(gateway):
    body = urlencode(DIAL).encode()
    answered, _ = call(gateway, [piece(body[:7]), piece(b""), piece(body[7:]), piece(b"", False)])
    assert answered[0]["status"] == 200


def test_a_caller_who_hangs_up_while_sending_gets_no_answer(gateway):
    answered, _ = call(gateway, [piece(b"sess"), {"type": "http.disconnect"}])
    assert answered == []
    assert gateway.desk.heard == []


# --- SMS, reports, opt-outs: stored before they are acknowledged ---


def test_an_sms_is_handed_to_the_desk_and_acknowledged_with_nothing(gateway):
    response = gateway.post(f"/in/ke/{SECRET}/sms", TEXT)
    assert (response.status_code, response.content) == (200, b"")
    assert gateway.desk.heard == [Inbound("ke", "sms", NUMBER, "1", "", "1")]


@pytest.mark.parametrize("trouble", [Busy(), RuntimeError("no room")])
def test_an_sms_that_could_not_be_stored_must_come_again(gateway, log, trouble):
    gateway.desk.trouble = trouble
    assert gateway.post(f"/in/ke/{SECRET}/sms", TEXT).status_code == 503
    assert "sms" in log.getvalue()


def test_an_sms_of_a_telco_itself_is_acknowledged_and_goes_no_further(gateway):
    assert gateway.post(f"/in/ke/{SECRET}/sms", TEXT | {"from": "Safaricom"}).status_code == 200
    assert gateway.desk.heard == []


def test_an_sms_without_a_sender_is_refused(gateway):
    assert gateway.post(f"/in/ke/{SECRET}/sms", TEXT | {"from": ""}).status_code == 400


NOTES = {
    "delivery": {"id": "ATXid_1", "status": "Success", "phoneNumber": NUMBER},
    "optout": {"phoneNumber": NUMBER, "senderId": "NGAZI"},
    "ussd-end": {"sessionId": "s", "status": "Incomplete", "phoneNumber": NUMBER, "input": "1*2"},
}


@pytest.mark.parametrize("callback", NOTES)
def test_a_note_is_stored_and_acknowledged(gateway, callback):
    response = gateway.post(f"/in/ke/{SECRET}/{callback}", NOTES[callback])
    assert (response.status_code, response.content) == (200, b"")
    assert len(gateway.desk.works) + len(gateway.desk.reports) == 1


@pytest.mark.parametrize(("callback", "status"), [("delivery", 503), ("optout", 503), ("ussd-end", 200)])
def test_a_note_that_could_not_be_stored_must_come_again_if_it_would_be_missed(gateway, callback, status):
    gateway.desk.trouble = Busy()
    assert gateway.post(f"/in/ke/{SECRET}/{callback}", NOTES[callback]).status_code == status


def test_an_unknown_state_of_a_message_is_taken_as_it_comes(gateway):
    form = NOTES["delivery"] | {"status": "Teleported", "failureReason": "none"}
    assert gateway.post(f"/in/ke/{SECRET}/delivery", form).status_code == 200
    assert [(report.status, report.word) for report in gateway.desk.reports] == [("unknown", "Teleported")]


def sign(url: str, form: dict[str, str]) -> dict[str, str]:
    text = url + "".join(name + value for name, value in sorted(form.items()))
    return {"x-twilio-signature": base64.b64encode(hmac.digest(b"12345", text.encode(), hashlib.sha1)).decode()}


MG = f"/in/mg/{SECRET}/sms"
WHATSAPP = {"MessageSid": "SM1", "From": "whatsapp:" + NUMBER, "Body": "", "To": "whatsapp:+15005550006"}


def test_a_signed_message_of_twilio_is_taken_and_answered_with_empty_twiml(gateway):
    headers = sign("https://gw.example.org" + MG, WHATSAPP)
    response = gateway.post(MG, WHATSAPP, headers=headers)
    assert (response.status_code, response.content) == (200, b"<Response/>")
    assert gateway.desk.heard == [Inbound("mg", "sms", "whatsapp:" + NUMBER, "", "", "SM1")]


def test_a_message_of_twilio_may_come_by_get(gateway):
    path = f"{MG}?{urlencode(WHATSAPP)}"
    headers = sign("https://gw.example.org" + path, {})
    assert gateway.client.get(path, headers=headers).status_code == 200
    assert gateway.client.get(path).status_code == 403
    assert gateway.client.get(f"/in/mg/wrong/sms?{urlencode(WHATSAPP)}").status_code == 405


@pytest.mark.parametrize("headers", [{}, {"x-twilio-signature": ""}, {"x-twilio-signature": "ü".encode()}])
def test_an_unsigned_message_is_forbidden_even_with_the_secret(gateway, headers):
    assert gateway.post(MG, WHATSAPP, headers=headers).status_code == 403
    assert gateway.client.post(MG, json={"a": 1}, headers=headers).status_code == 403
    assert gateway.client.post(MG, content=b"", headers=headers).status_code == 403


def test_what_twilio_signed_but_is_no_form_is_refused(gateway):
    body = b'{"a":1}'
    query = f"bodySHA256={hashlib.sha256(body).hexdigest()}"
    headers = sign(f"https://gw.example.org{MG}?{query}", {}) | {"content-type": "application/json"}
    assert gateway.client.post(f"{MG}?{query}", content=body, headers=headers).status_code == 415


# --- the other pages ---


def test_health_tells_how_the_gateway_is(gateway):
    response = gateway.client.get("/health")
    assert response.status_code == 200
    assert response.json() == {
        "database": "ok",
        "content": {"revision": "0123456789ab", "problems": 2},
        "desk": {"waiting": 3, "oldest": 0.5},
    }


def test_health_is_503_while_the_database_is_away(gateway):
    gateway.desk.well = False
    response = gateway.client.get("/health")
    assert (response.status_code, response.json()["database"]) == (503, "away")


def test_metrics_count_callbacks_without_numbers_and_secrets(gateway):
    gateway.post()
    gateway.post(form={"text": "1"})
    gateway.post("/in/ke/wrong/ussd")
    gateway.post("/in/somewhere/wrong/ussd")
    gateway.post(f"/in/ke/{SECRET}/nothing-we-know")
    gateway.desk.on_list(2)
    page = gateway.client.get("/metrics").text
    assert 'ngazi_callbacks_total{channel="ke",kind="ussd",outcome="answered"} 1.0' in page
    assert 'ngazi_callbacks_total{channel="ke",kind="ussd",outcome="400"} 1.0' in page
    assert 'ngazi_callbacks_total{channel="unknown",kind="unknown",outcome="403"} 2.0' in page
    assert 'ngazi_callbacks_total{channel="ke",kind="unknown",outcome="404"} 1.0' in page
    assert 'route="/in/{channel}/{secret}/{callback:path}"' in page
    assert "ngazi_desk_waiting 3.0" in page
    assert 'ngazi_desk_list_bucket{le="2.0"} 1.0' in page
    assert not any(word in page for word in (SECRET, "712345001", "somewhere", "nothing-we-know"))


def test_the_front_page_says_what_this_is(gateway):
    assert gateway.client.get("/").text.count("\n") == 1


def test_no_phone_is_sent_elsewhere(gateway):
    assert gateway.post("/health/", follow_redirects=False).status_code == 404


# --- whatever is sent ---

GIVEN = [NUMBER, "", "1", "*", "1*2*3", "+", "\0", "999999999999", "Incomplete", "SM1"]
ODD = st.text(max_size=40) | st.sampled_from(GIVEN)
NAMES = """
    sessionId serviceCode phoneNumber networkCode text id from to date status
    failureReason senderId input MessageSid From Body MessageStatus ErrorCode OptOutType ButtonPayload other
"""
FIELDS = st.sampled_from(NAMES.split())
FORMS = st.lists(st.tuples(FIELDS, ODD), max_size=12).map(lambda pairs: urlencode(pairs).encode())
BODIES = FORMS | st.binary(max_size=200) | FORMS.map(lambda form: form.replace(b"%", b"%%"))
KINDS = ["ussd", "ussd-end", "sms", "delivery", "optout"]


@settings(max_examples=600, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    channel=st.sampled_from(["ke", "mg", "ug"]),
    callback=st.sampled_from([*KINDS, "fax", ""]),
    body=BODIES,
    more=ODD,
)
def test_no_callback_whatever_is_in_it_is_answered_with_5xx(gateway, channel, callback, body, more):
    path = f"/in/{channel}/{SECRET}/{callback}"
    if channel == "mg" and callback:  # signed, so that it is read
        text = f"https://gw.example.org{path}" + "".join(a + b for a, b in sorted(set(read_form(body).pairs)))
        signature = base64.b64encode(hmac.digest(b"12345", text.encode(), hashlib.sha1)).decode()
    else:
        signature = quote(more)
    assert gateway.post_bytes(body, path, **{"x-twilio-signature": signature}).status_code < 500
    call = gateway.post_bytes(body + b"&" + urlencode(DIAL | {"text": more}).encode())
    assert (call.status_code, call.content[:4]) == (200, b"CON ")


@pytest.fixture(scope="module")
def whole(tmp_path_factory, empty_sqlite, keeper) -> Iterator[Site]:
    """The gateway as it is, with its desk, a database and the project's content."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "ngazi.db").write_bytes(empty_sqlite.read_bytes())
    site = Site(f"sqlite:///{folder}/ngazi.db", folder, keeper)
    yield site
    site.stop()


def test_every_provider_can_be_connected_here(gateway):
    assert set(gateway.app.state.house.providers) == {"ke", "mg"}
    assert "simulator" in providers.names()


@settings(max_examples=300)
@given(callback=st.sampled_from(KINDS), body=BODIES, text=ODD, number=st.integers(0, 20), session=st.integers(0, 9))
def test_the_whole_gateway_answers_anything_and_logs_no_number_and_no_text(
    whole, callback, body, text, number, session
):
    stream = io.StringIO()
    way_out = logging.StreamHandler(stream)
    way_out.addFilter(logs.Masking())
    logging.getLogger().addHandler(way_out)
    try:
        form = {"content-type": "application/x-www-form-urlencoded"}
        assert whole.client.post(f"/in/ke/{SECRET}/{callback}", content=body, headers=form).status_code < 500
        phone = f"+2547123450{number:02}"
        call = whole.post(USSD, DIAL | {"phoneNumber": phone, "sessionId": f"s{session}", "text": text})
        assert call.status_code == 200
        assert call.text[:4] in ("CON ", "END ")
        assert len(call.text) > 4
        sms = whole.post(f"/in/ke/{SECRET}/sms", TEXT | {"from": phone, "text": text, "id": f"{session}"})
        assert sms.status_code == 200
    finally:
        logging.getLogger().removeHandler(way_out)
    assert phone not in stream.getvalue()
    assert "Traceback" not in stream.getvalue()
    assert len(text) < 4 or text not in stream.getvalue()
