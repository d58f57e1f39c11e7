from __future__ import annotations

import hashlib
import hmac
import json
import socket
from collections.abc import Callable
from time import sleep
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogs.inbound import Inbound, Reply
from gateway import providers, sending
from gateway.channels import Channel, SettingsError
from gateway.desk import utcnow
from gateway.forms import Form, read_json
from gateway.providers import Outcome, Outgoing, Unreadable, android, connect
from tests.phones import Site
from tests.test_generic import Company, company

__all__ = ["company"]  # a fixture

KEY = "k3y"
NUMBER = "+254712345001"
SECRET = "open-the-door-please"
RECEIVED: dict[str, Any] = {
    "deviceId": "ffffffffceb0b1db0000018e937c815b",
    "event": "sms:received",
    "id": "Ey6ECgOkVVFjz3CL48B8C",
    "webhookId": "LreFUt-Z3sSq0JufY9uWB",
    "payload": {
        "messageId": "abc123",
        "message": "AJALI shimo 3",
        "sender": NUMBER,
        "recipient": None,
        "simNumber": None,
        "receivedAt": "2026-11-22T09:04:45.000+03:00",
    },
}


def event(name: str, **payload: Any) -> dict[str, Any]:
    return RECEIVED | {"event": name, "payload": {"messageId": "r-5", "phoneNumber": NUMBER} | payload}


def phone(**options: str) -> Any:
    wanted = {"signing_key": KEY, "country": "KE"} | options
    return connect(Channel("shaft", "android", "user", "password", "", (SECRET,), wanted))


def read(fields: dict[str, Any], callback: str = "sms") -> Any:
    return phone().read(callback, read_json(json.dumps(fields).encode()))


def sign(body: bytes, timestamp: str, key: str = KEY) -> dict[str, str]:
    """As the app's documentation says, written anew."""
    made = hmac.new(key.encode(), body + timestamp.encode(), hashlib.sha256)
    return {"X-Signature": made.hexdigest(), "X-Timestamp": timestamp}


def trusts(body: bytes, **headers: str) -> bool:
    scope = {"headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]}
    return bool(phone().trusts(scope, body, Form([])))


# --- what the phone signs ---

BODY = b'{"event":"sms:received","id":"E1"}'
SIGNATURE = "b8a4add5a1a27152f52851ae5908acc4eefcc0532a93efb27f2c603e26742314"


def test_what_the_phone_signed_is_trusted_however_old_it_is():
    assert trusts(BODY, x_signature=SIGNATURE, x_timestamp="1760000000")
    assert trusts(BODY, x_signature=SIGNATURE.upper(), x_timestamp="1760000000")


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (BODY, {}),
        (BODY, {"x_signature": SIGNATURE}),
        (BODY, {"x_timestamp": "1760000000"}),
        (BODY, {"x_signature": "", "x_timestamp": "1760000000"}),
        (BODY, {"x_signature": "ü", "x_timestamp": "1760000000"}),
        (BODY, {"x_signature": SIGNATURE, "x_timestamp": "1760000001"}),
        (BODY, {"x_signature": SIGNATURE[:-1], "x_timestamp": "1760000000"}),
        (BODY + b" ", {"x_signature": SIGNATURE, "x_timestamp": "1760000000"}),
        (BODY, {"x_signature": sign(BODY, "1", "another")["X-Signature"], "x_timestamp": "1"}),
        (b"", {"x_signature": "", "x_timestamp": ""}),
    ],
)
def test_anything_else_is_not_trusted(body, headers):
    assert not trusts(body, **headers)


@given(st.binary(max_size=40), st.binary(max_size=70), st.binary(max_size=20))
def test_trust_is_a_no_for_any_call_that_is_not_signed(body, signature, timestamp):
    headers = [(b"x-signature", signature), (b"x-timestamp", timestamp)]
    assert phone().trusts({"headers": headers}, body, Form([])) is False


# --- what the phone tells ---


def test_an_sms_is_known_by_the_id_of_its_event_and_not_of_its_text():
    assert read(RECEIVED) == (Inbound("shaft", "sms", NUMBER, "AJALI shimo 3", "", "Ey6ECgOkVVFjz3CL48B8C"),)


@pytest.mark.parametrize("callback", ["sms", "delivery"])
def test_either_address_takes_every_event(callback):
    assert len(read(RECEIVED, callback)) == len(read(event("sms:sent"), callback)) == 1


@pytest.mark.parametrize("written", ["0712345001", "254712345001", "0712 345 001"])
def test_a_national_number_is_understood(written):
    (inbound,) = read(RECEIVED | {"payload": {"sender": written, "message": "1"}})
    assert inbound.address == NUMBER


def test_an_older_app_names_the_sender_otherwise():
    (inbound,) = read(RECEIVED | {"payload": {"phoneNumber": NUMBER, "message": "1"}})
    assert inbound.address == NUMBER


@pytest.mark.parametrize("sender", ["MPESA", "Safaricom", "21512"])
def test_a_message_from_a_name_is_nobody_to_answer(sender):
    assert read(RECEIVED | {"payload": {"sender": sender, "message": "1"}}) == ()


@pytest.mark.parametrize(
    ("name", "payload", "status", "reason"),
    [
        ("sms:sent", {"sentAt": "2026-11-22"}, "sent", ""),
        ("sms:delivered", {"deliveredAt": "2026-11-22"}, "delivered", ""),
        ("sms:failed", {"reason": "RESULT_ERROR_NO_SERVICE"}, "failed", "RESULT_ERROR_NO_SERVICE"),
        ("sms:failed", {"reason": f"no way to {NUMBER}"}, "failed", "no way to +2547••••001"),
        ("sms:cancelled", {}, "failed", ""),
    ],
)
def test_what_became_of_a_message_is_told_by_the_id_that_we_gave(name, payload, status, reason):
    (report,) = read(event(name, **payload), "delivery")
    assert (report.provider_id, report.status, report.word, report.reason) == ("r-5", status, name, reason)
    assert "712345001" not in str(report)


@pytest.mark.parametrize("name", ["system:ping", "app:started", "sms:data-received", "mms:received", "sms:new"])
def test_other_events_are_no_news(name):
    assert read(event(name)) == ()


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, "event is missing"),
        ({"event": "sms:received", "payload": {"sender": NUMBER}}, "id is missing"),
        ({"event": "sms:received", "id": "1"}, "payload.sender is missing"),
        ({"event": "sms:sent"}, "payload.messageId is missing"),
    ],
)
def test_what_no_phone_sends_is_unreadable(fields, told):
    with pytest.raises(Unreadable, match=told):
        read(fields)


def test_that_we_have_it_is_told_with_nothing():
    sms = Inbound("shaft", "sms", NUMBER, "hello", "", "1")
    for response in (phone().write(None, None), phone().write(Reply("hello"), sms)):
        assert (response.status_code, response.body) == (200, b"")


# --- sending ---

MESSAGE = Outgoing(5, NUMBER, "Habari ☺", reference="r-5", lasts=3600)


def send(company: Company, message: Outgoing = MESSAGE, path: str = "/messages") -> Outcome:
    outcomes: list[Outcome] = phone(base=company.base + path).send([message])
    (outcome,) = outcomes
    return outcome


def test_a_phone_gets_a_message_under_our_id(company):
    company.answers(202, {"id": "r-5", "state": "Pending"})
    assert send(company) == Outcome(5, "sent", "r-5")
    (heard,) = company.heard
    assert (heard.method, heard.path) == ("POST", "/messages")
    assert heard.headers["Authorization"] == "Basic dXNlcjpwYXNzd29yZA=="
    assert json.loads(heard.body) == {
        "id": "r-5",
        "textMessage": {"text": "Habari ☺"},
        "phoneNumbers": [NUMBER],
        "withDeliveryReport": True,
        "ttl": 3600,
    }


@pytest.mark.parametrize(("path", "called"), [("", "/3rdparty/v1/messages"), ("/api/messages", "/api/messages")])
def test_a_base_with_a_path_is_called_as_it_stands(company, path, called):
    send(company.answers(202), path=path)
    assert company.heard[0].path == called


def test_a_message_without_a_reference_gets_its_id_from_the_phone(company):
    company.answers(202, {"id": "zXDYfTmTVf3iMd16zzdBj"})
    assert send(company, Outgoing(6, NUMBER, "x")) == Outcome(6, "sent", "zXDYfTmTVf3iMd16zzdBj")
    assert set(json.loads(company.heard[0].body)) == {"textMessage", "phoneNumbers", "withDeliveryReport"}


def test_a_long_reference_becomes_an_id_that_is_always_the_same(company):
    company.answers(202)
    long = Outgoing(5, NUMBER, "x", reference="broadcast:17:" + "4" * 40)
    given = send(company, long).provider_id
    assert given == send(company, long).provider_id
    assert len(given) == 32
    assert json.loads(company.heard[0].body)["id"] == given


@pytest.mark.parametrize(
    ("status", "body", "fate", "remedy", "reason"),
    [
        (401, "", "again", "pause", sending.NO_KEY),
        (404, "", "again", "pause", sending.WRONG_ADDRESS),
        (429, "", "again", "", sending.TOO_FAST),
        (500, {"message": "no SIM"}, "again", "", sending.FAULT),
        (500, "", "again", "", sending.FAULT),
        (502, "<html>", "again", "", sending.FAULT),
        (302, "", "again", "", sending.FAULT),
        (400, {"message": "the number is none"}, "refused", "", sending.REFUSED),
        (400, "<html>", "refused", "halt", sending.WRONG_CALL),
    ],
)
def test_what_a_status_means_for_a_message(company, status, body, fate, remedy, reason):
    outcome = send(company.answers(status, body))
    assert outcome == Outcome(5, fate, word=str(status), reason=reason, remedy=remedy)


def test_a_phone_that_is_busy_says_how_long(company):
    assert send(company.answers(429, **{"Retry-After": "7"})).wait == 7


@pytest.mark.parametrize(("status", "body"), [(502, "<html>"), (504, ""), (500, ""), (302, "")])
def test_without_our_id_a_server_in_between_leaves_it_unknown(company, status, body):
    outcome = send(company.answers(status, body), Outgoing(6, NUMBER, "x"))
    assert outcome == Outcome(6, "unknown", word=str(status), reason=sending.UNREADABLE)


def test_a_message_that_is_there_already_was_sent(company):
    assert send(company.answers(409)) == Outcome(5, "sent", "r-5", word="409")
    assert send(company.answers(409), Outgoing(6, NUMBER, "x")).status == "refused"


def test_a_call_without_an_answer_may_be_made_again_since_the_phone_knows_our_id(company):
    company.hang_up = True
    assert send(company) == Outcome(5, "again", reason=android.UNANSWERED)
    assert send(company, Outgoing(6, NUMBER, "x")) == Outcome(6, "unknown", reason=sending.UNANSWERED)


def test_a_phone_that_is_silent_too_long_may_be_called_again(company, monkeypatch):
    monkeypatch.setattr(providers, "CALL_LASTS", 0.2)
    company.wait = True
    assert send(company) == Outcome(5, "again", reason=android.UNANSWERED)
    assert len(company.heard) == 1


def test_a_broken_letter_does_not_hold_a_text_up(company):
    assert send(company.answers(202), Outgoing(6, NUMBER, "broken \ud83d letter")).status == "sent"
    assert json.loads(company.heard[0].body)["textMessage"]["text"] == "broken ? letter"


@pytest.mark.parametrize("body", [{}, "", "[]", {"id": "x" * 129}, {"id": "a\nb"}])
def test_an_id_that_is_none_is_not_kept(company, body):
    assert send(company.answers(202, body), Outgoing(6, NUMBER, "x")) == Outcome(6, "sent")


def test_a_phone_that_is_away_is_called_again():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{closed.getsockname()[1]}/messages"
        assert phone(base=base).send([MESSAGE]) == [Outcome(5, "again", reason=sending.UNREACHED)]


def test_a_phone_sends_sms_only_and_not_many(company):
    assert send(company, Outgoing(6, f"whatsapp:{NUMBER}", "x")).status == "refused"
    assert company.heard == []
    carriage = phone().carriage
    assert (carriage.most, carriage.calls, round(carriage.rate * 1800)) == (1, 2, 30)


@pytest.mark.parametrize(
    ("channel", "told"),
    [
        (Channel("p", "android", "u", "k"), "needs signing_key="),
        (Channel("p", "android", "", "", options={"signing_key": "k"}), "needs android://<user>:<password>@"),
        (
            Channel("p", "android", "u", "k", "phone-host", options={"signing_key": "k"}),
            "names a host; write base=http://phone-host:8080/messages instead",
        ),
        (
            Channel("p", "android", "u", "k", options={"signing_key": "k", "base": "phone:8080"}),
            "has a base that is no address such as http://192",
        ),
    ],
)
def test_what_is_missing_in_a_channel_is_told(channel, told):
    with pytest.raises(SettingsError, match=r"^NGAZI_CHANNELS: channel p ") as raised:
        connect(channel)
    assert told in str(raised.value)


# --- through the whole gateway ---


def open_site(new_site: Any, keeper: Any, company: Company, **environ: str) -> Site:
    base = f"{company.base}/messages"
    channels = f"shaft=android://user:password@?signing_key={KEY}&country=KE&secret={SECRET}&base={base}"
    made: Site = new_site(keeper, NGAZI_CHANNELS=channels, **environ)
    return made


def post(site: Site, fields: dict[str, Any], path: str = "sms", **headers: str) -> int:
    body = json.dumps(fields).encode()
    signed = {"content-type": "application/json"} | sign(body, "1760000000") | headers
    response = site.client.post(f"/in/shaft/{SECRET}/{path}", content=body, headers=signed)  # type: ignore[union-attr]
    return int(response.status_code)


def rows(site: Site, wanted: str) -> list[tuple[Any, ...]]:
    with site.database() as db:
        return [tuple(row) for row in db.exec_driver_sql(wanted)]


def until(done: Callable[[], bool]) -> None:
    """Wait a little for what another thread does."""
    for _ in range(500):
        if done():
            return
        sleep(0.01)
    raise AssertionError("it never came")


def test_an_sms_to_the_phone_gets_one_reply_through_the_phone_which_is_reported(new_site, keeper, company):
    company.answers(202, {"state": "Pending"})
    site = open_site(new_site, keeper, company, NGAZI_SENDING="here")
    site.clock.now = utcnow()  # the worker goes by the clock on the wall
    for _ in range(2):  # the phone brings it again if it missed our answer
        assert post(site, RECEIVED) == 200
    until(lambda: rows(site, "select status from message where direction = 'out'") == [("sent",)])
    (heard,) = company.heard
    reply = json.loads(heard.body)
    assert reply["phoneNumbers"] == [NUMBER]
    assert "1. English" in reply["textMessage"]["text"]
    for name in ("sms:delivered", "sms:sent", "sms:delivered"):  # one for each part, and in any order
        assert post(site, event(name, messageId=reply["id"]), "delivery") == 200
    assert rows(site, "select status from message where direction = 'out'") == [("delivered",)]


def test_what_the_phone_did_not_sign_is_forbidden(new_site, keeper, company):
    site = open_site(new_site, keeper, company)
    assert post(site, RECEIVED, **{"X-Timestamp": "1760000001"}) == 403
    assert post(site, RECEIVED, **{"X-Signature": ""}) == 403
    assert site.post(f"/in/shaft/{SECRET}/sms", {"event": "sms:received"}).status_code == 403
    assert rows(site, "select count(*) from message") == [(0,)]
    assert post(site, event("system:ping")) == 200
    assert post(site, {"event": "sms:received"}) == 400
