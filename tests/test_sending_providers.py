from __future__ import annotations

import base64
import json
import logging
import socket
import ssl
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway import providers, reasons, sending
from gateway.channels import Channel, SettingsError
from gateway.providers import Outcome, Outgoing, connect
from gateway.sending import africastalking, post, twilio
from tests.loopback import Call, Server

PUBLIC = "https://gw.example.org/ngazi/"
ONE, TWO, THREE = "+12025550123", "+12025550124", "+12025550125"
TEXT = "Mkutano kesho saa 4 asubuhi ☺"
SID = "SM00000000000000000000000000000001"


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    with Server() as started:
        yield started


@pytest.fixture
def server(running: Server) -> Server:
    running.begin()
    return running


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> float:
    """Calls that last a third of a second."""
    monkeypatch.setattr(providers, "CALL_LASTS", 0.3)
    return 0.3


def channel(provider: str, base: str, **options: str) -> Channel:
    return Channel("ch", provider, "AC1", "key-of-ch", "", ("path-secret", "old"), {"base": base, **options})


def at(server: Server, *numbers: str, text: str = TEXT, **options: str) -> list[Outcome]:
    messages = [Outgoing(each + 1, number, text) for each, number in enumerate(numbers)]
    return connect(channel("africastalking", server.base, **options), PUBLIC).send(messages)


def tw(server: Server, to: str = ONE, text: str = TEXT, lasts: int = 0, late: bool = False, **options: str) -> Outcome:
    message = Outgoing(7, to, text, lasts=lasts, template=late)
    options = {"from": "+15005550006"} | options
    (outcome,) = connect(channel("twilio", server.base, **options), PUBLIC).send([message])
    return outcome


def recipient(number: str, code: object = 101, status: str = "Success", **more: object) -> dict[str, object]:
    return {
        "statusCode": code,
        "number": number,
        "status": status,
        "cost": "KES 0.8000",
        "messageId": f"ATXid_{number[-2:]}",
        **more,
    }


def told(*recipients: dict[str, object], message: str = "Sent to 1/1 Total Cost: KES 0.8000") -> dict[str, object]:
    return {"SMSMessageData": {"Message": message, "Recipients": list(recipients)}}


def stati(outcomes: Sequence[Outcome]) -> list[str]:
    return [outcome.status for outcome in outcomes]


# --- what holds for both ---

BOTH: dict[str, Callable[[Server], Outcome]] = {"africastalking": lambda s: at(s, ONE)[0], "twilio": tw}
both = pytest.mark.parametrize("send", BOTH.values(), ids=BOTH)
HEADERS = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n"


@both
def test_a_server_that_hangs_leaves_it_unknown_and_the_call_ends_in_time(send, server, short):
    server.raw(then_close=False)
    begun = time.monotonic()
    outcome = send(server)
    assert (outcome.status, outcome.reason) == ("unknown", sending.UNANSWERED)
    assert short * 0.8 < time.monotonic() - begun < short + 0.5


@both
@pytest.mark.parametrize("before", [b"", b"HTTP/1.1 201 Created\r\nX-Long: ", HEADERS], ids=["line", "header", "body"])
def test_a_server_that_sends_a_letter_now_and_then_does_not_hold_the_call(send, before, server, short):
    server.raw(before, *[b"1"] * 1000, every=0.02)
    begun = time.monotonic()
    assert send(server).status == "unknown"
    assert time.monotonic() - begun < short + 0.5


@both
def test_a_server_that_reads_and_closes_leaves_it_unknown(send, server):
    server.raw()
    assert send(server).status == "unknown"
    assert len(server.calls) == 1  # and it was not tried again


@both
@pytest.mark.parametrize("said", [HEADERS + b'{"sid": "SM1"', b"HTTP/1.1 201 Created\r\n\r\n{", b"garbage\r\n\r\n"])
def test_an_answer_that_breaks_off_or_is_none_leaves_it_unknown(send, said, server):
    server.raw(said)
    assert send(server).status == "unknown"


@both
def test_an_endless_answer_is_not_read_to_its_end(send, server, short):
    server.raw(HEADERS.replace(b"4000", b"99999999999"), *[b" " * 65536] * 50)
    assert send(server).status == "unknown"


@both
@pytest.mark.parametrize(
    "body",
    ["<html>Welcome to the hotel</html>", "", "null", "[]", "7", '"x"', "[" * 100_000, '{"SMSMessageData": []}'],
)
def test_a_success_that_cannot_be_read_leaves_it_unknown(send, body, server):
    server.answer(200, body)
    outcome = send(server)
    assert (outcome.status, outcome.reason) == ("unknown", sending.UNREADABLE)


@both
def test_a_server_that_is_not_there_has_done_nothing(send, server):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        server.base = f"http://127.0.0.1:{closed.getsockname()[1]}"
        outcome = send(server)
    assert (outcome.status, outcome.reason, outcome.remedy) == ("again", sending.UNREACHED, "")


@both
@pytest.mark.parametrize("base", ["http://nobody.invalid", "https://127.0.0.1:{port}"], ids=["name", "tls"])
def test_a_name_that_is_not_known_and_a_server_without_its_key_have_done_nothing(send, base, server):
    server.base = base.format(port=server.base.rpartition(":")[2])
    assert send(server).status == "again"
    assert server.calls == []


@both
@pytest.mark.parametrize("slow", [0.0, 0.35])
def test_when_looking_up_the_name_took_all_the_time_nothing_is_written(send, slow, server, short, monkeypatch):
    look_up = socket.getaddrinfo

    def slowly(*arguments: Any, **more: Any) -> Any:
        time.sleep(slow)
        return look_up(*arguments, **more)

    monkeypatch.setattr(socket, "getaddrinfo", slowly)
    server.answer(401, "no")
    outcome = send(server)
    assert (outcome.status, outcome.remedy, len(server.calls)) == (("again", "", 0) if slow else ("again", "pause", 1))


@both
@pytest.mark.parametrize(
    ("status", "fate", "remedy"),
    [
        (301, "again", "pause"),
        (302, "unknown", ""),
        (400, "refused", "halt"),
        (401, "again", "pause"),
        (402, "again", "pause"),
        (403, "again", "pause"),
        (404, "again", "pause"),
        (405, "again", "pause"),
        (407, "again", "pause"),
        (408, "again", ""),
        (413, "refused", "halt"),
        (425, "again", ""),
        (429, "again", ""),
        (500, "unknown", ""),
        (502, "unknown", ""),
        (503, "unknown", ""),
        (504, "unknown", ""),
        (599, "unknown", ""),
    ],
)
def test_what_a_page_of_a_server_in_between_means(send, status, fate, remedy, server):
    server.answer(status, "<html>a page</html>", "text/html", Location=f"{server.base}/elsewhere")
    outcome = send(server)
    assert (outcome.status, outcome.remedy) == (fate, remedy)
    assert outcome.word == str(status)
    assert len(server.calls) == 1  # a redirect is not followed


NAIVE = "Wed, 21 Oct 2015 07:28:00 -0000"


@both
@pytest.mark.parametrize(
    ("written", "least", "most"),
    [
        ("", 0, 0),
        ("17", 17, 17),
        ("1.5", 1.5, 1.5),
        ("-5", 0, 0),
        ("soon", 0, 0),
        ("nan", 0, 0),
        ("٣", 0, 0),
        ("9" * 9, 86_400, 86_400),
        ("9" * 400, 0, 0),
        ("in two minutes", 60, 120),
        (NAIVE, 0, 0),
        ("Wed, 99 Oct 2015 07:28:00 GMT", 0, 0),
    ],
)
def test_a_provider_that_wants_it_slower_is_asked_again_when_it_says(send, written, least, most, server):
    if written == "in two minutes":
        written = format_datetime(datetime.now(UTC) + timedelta(seconds=120), usegmt=True)
    value = written.encode().decode("latin-1")
    server.answer(429, {"code": 20429, "message": "Too many"}, Retry_After=value)
    outcome = send(server)
    assert (outcome.status, outcome.reason) == ("again", sending.TOO_FAST)
    assert least <= outcome.wait <= most


@both
@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_proxy_does_not_catch_what_is_for_this_machine(send, name, server, monkeypatch):
    monkeypatch.setenv(name, "http://127.0.0.1:1")
    server.answer(401, "no")
    assert send(server).remedy == "pause"
    assert len(server.calls) == 1


def test_a_proxy_carries_what_is_for_others_and_its_own_refusal_has_sent_nothing(server, monkeypatch):
    proxy = server.base  # it answers CONNECT with 403
    monkeypatch.setenv("HTTPS_PROXY", proxy.removeprefix("http://"))
    server.base = "https://api.example.org"
    assert tw(server).status == "again"
    assert server.calls == []
    monkeypatch.setenv("HTTP_PROXY", proxy)
    server.base = "http://api.example.org"
    server.answer(201, {"sid": SID, "status": "queued"})
    assert tw(server).status == "sent"
    assert server.calls[0].path.startswith("http://api.example.org/2010-04-01/")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for api.example.org and this machine, signed by itself, and its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "api.example.org")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("api.example.org"), x509.IPAddress(IPv4Address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    written = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = tmp_path_factory.mktemp("tls") / "certificate.pem"
    file.write_bytes(written + made.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.fixture
def secure(certificate: Path) -> Iterator[Server]:
    """A server that speaks TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with Server(context) as running:
        yield running


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The operator's own authority: the certificate itself."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    post._trust.cache_clear()
    yield
    post._trust.cache_clear()


@both
def test_a_server_whose_certificate_is_trusted_gets_it_over_tls(send, secure, trusted):
    secure.answer(401, "no")
    assert send(secure).remedy == "pause"
    assert len(secure.calls) == 1


@both
def test_a_server_whose_certificate_is_not_trusted_gets_nothing(send, secure):
    assert send(secure).status == "again"
    assert secure.calls == []


@both
def test_a_tls_server_that_hangs_or_closes_leaves_it_unknown(send, secure, trusted, short):
    secure.raw(b"HTTP/1.1 201 Created\r\nX-Long: ", *[b"1"] * 1000, every=0.02)
    begun = time.monotonic()
    assert send(secure).status == "unknown"
    assert time.monotonic() - begun < short + 0.5
    secure.raw()
    assert send(secure).status == "unknown"


@both
def test_a_proxy_leads_to_a_tls_server_and_cannot_read_along(send, server, secure, trusted, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", server.base)
    server.onward = ("127.0.0.1", int(secure.base.rpartition(":")[2]))
    secure.base = "https://api.example.org"
    secure.answer(401, "no")
    assert send(secure).remedy == "pause"
    assert (server.connects, server.calls) == (["api.example.org:443"], [])
    assert len(secure.calls) == 1
    secure.raw()
    assert send(secure).status == "unknown"


@pytest.mark.parametrize("name", BOTH)
def test_an_address_that_is_none_is_found_at_the_start(name, monkeypatch):
    for base in ("api.example.org", "ftp://api.example.org", "http://", "http://[::1", "http://x:y"):
        with pytest.raises(SettingsError, match="base is an address"):
            connect(channel(name, base), PUBLIC)
    monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:1")
    with pytest.raises(SettingsError, match="no address of an HTTP proxy"):
        connect(channel(name, "https://api.example.org"), PUBLIC)


@both
def test_no_number_no_text_and_no_key_is_logged_or_shown(send, server, caplog):
    caplog.set_level(logging.DEBUG)
    for status, body in (
        (201, told(recipient(ONE))),
        (201, {"sid": SID, "status": "queued", "to": ONE, "body": TEXT}),
        (400, {"code": 21211, "message": f"The 'To' number {ONE} is not a valid phone number."}),
        (400, f"{ONE} is not allowed to receive {TEXT}"),
        (500, f"{ONE}: {TEXT}"),
        (201, {"SMSMessageData": {"Message": f"{ONE} {TEXT}", "Recipients": []}}),
        (201, told(recipient(ONE, 999, f"{ONE} is new", cost=f"{ONE}"))),
    ):
        server.answer(status, body)
        outcome = send(server)
        assert "12025550123" not in repr(outcome)
        assert len(outcome.reason) <= 200
    for secret in ("12025550123", "Mkutano", "key-of-ch", base64.b64encode(b"AC1:key-of-ch").decode()):
        assert secret not in caplog.text
        assert secret not in repr(Outgoing(1, ONE, TEXT))


@both
def test_a_connection_is_used_again_while_it_is_fresh(send, server, monkeypatch):
    name = "twilio" if send is tw else "africastalking"
    provider = connect(channel(name, server.base), PUBLIC)
    server.answer(401, "no")
    for _ in range(3):
        provider.send([Outgoing(1, ONE, TEXT)])
    assert len({call.port for call in server.calls}) == 1
    monkeypatch.setattr(post, "IDLE", 0.0)
    provider.send([Outgoing(1, ONE, TEXT)])
    assert len({call.port for call in server.calls}) == 2


@both
def test_a_connection_that_the_server_closed_meanwhile_does_no_harm(send, server):
    name = "twilio" if send is tw else "africastalking"
    provider = connect(channel(name, server.base), PUBLIC)
    said = b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n"  # it does not say that it will close
    server.raw(said)
    for _ in range(3):
        (outcome,) = provider.send([Outgoing(1, ONE, TEXT)])
        assert outcome.remedy == "pause"
        time.sleep(0.05)


def test_many_threads_send_at_once_and_each_gets_its_own_answer(server):
    def act(handler: BaseHTTPRequestHandler, call: Call) -> None:
        status = 400 if call.form["To"].endswith("1") else 201
        server_answer = {"code": 21610} if status == 400 else {"sid": f"SM{call.form['Body']}", "status": "queued"}
        written = json.dumps(server_answer).encode()
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(written)))
        handler.end_headers()
        handler.wfile.write(written)

    server.act = act
    provider = connect(channel("twilio", server.base), PUBLIC)

    def send(number: int) -> Outcome:
        (outcome,) = provider.send([Outgoing(number, f"+120255501{number:02}", str(number))])
        return outcome

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # threads come between one another as often as can be
    try:
        with ThreadPoolExecutor(16) as threads:
            outcomes = list(threads.map(send, range(100)))
    finally:
        sys.setswitchinterval(before)
    for number, outcome in enumerate(outcomes):
        assert outcome.id == number
        if number % 10 == 1:
            assert (outcome.status, outcome.remedy) == ("refused", "stopped")
        else:
            assert (outcome.status, outcome.provider_id) == ("sent", f"SM{number}")


# --- Africa's Talking ---


def test_one_text_goes_to_many_numbers_in_one_call(server):
    server.answer(201, told(recipient(ONE), recipient(TWO, 100), recipient(THREE, 102)))
    outcomes = at(server, ONE, TWO, THREE, **{"from": "NGAZI"})
    assert outcomes == [
        Outcome(1, "sent", "ATXid_23", "Success", cost="KES 0.8000"),
        Outcome(2, "sent", "ATXid_24", "Success", cost="KES 0.8000"),
        Outcome(3, "sent", "ATXid_25", "Success", cost="KES 0.8000"),
    ]
    (call,) = server.calls
    assert call.path == "/version1/messaging"
    assert call.form == {
        "username": "AC1",
        "to": f"{ONE},{TWO},{THREE}",
        "message": TEXT,
        "bulkSMSMode": "1",
        "from": "NGAZI",
    }
    assert call.headers["apiKey"] == "key-of-ch"
    assert call.headers["Accept"] == "application/json"
    assert call.headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_without_a_sender_the_provider_chooses_one(server):
    server.answer(201, told(recipient(ONE)))
    at(server, ONE)
    assert "from" not in server.calls[0].form


@pytest.mark.parametrize("user", ["sandbox", "ngazi"])
def test_the_user_sandbox_sends_to_the_sandbox(user):
    sender = africastalking.Sender(Channel("ch", "africastalking", user, "key"))
    host = "https://api.sandbox.africastalking.com" if user == "sandbox" else "https://api.africastalking.com"
    assert sender._service._make_url("/messaging") == f"{host}/version1/messaging"


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "text/plain", "text/html"])
def test_an_answer_is_read_whatever_it_calls_itself(kind, server):
    server.answer(201, told(recipient(ONE)), kind)
    assert stati(at(server, ONE)) == ["sent"]


def test_results_are_matched_by_number_and_what_is_left_out_is_unknown(server):
    server.answer(201, told(recipient(THREE, 406, "UserInBlacklist"), recipient("+999"), recipient(ONE)))
    outcomes = at(server, ONE, TWO, THREE)
    assert [(each.id, each.status) for each in outcomes] == [(1, "sent"), (2, "unknown"), (3, "refused")]
    assert outcomes[1].reason == africastalking.UNNAMED


def test_a_number_is_known_however_the_provider_writes_it(server):
    server.answer(201, told(recipient("12025550123"), recipient("+1 202 555 0124")))
    assert stati(at(server, ONE, TWO)) == ["sent", "sent"]


def test_a_number_that_stands_twice_gets_its_results_in_order(server):
    server.answer(201, told(recipient(ONE, messageId="a"), recipient(TWO), recipient(ONE, messageId="b")))
    assert [each.provider_id for each in at(server, ONE, TWO, ONE)] == ["a", "ATXid_24", "b"]
    server.answer(201, told(recipient(ONE)))
    assert stati(at(server, ONE, ONE)) == ["sent", "unknown"]


@pytest.mark.parametrize(
    "bad", ["", "0712345001", "+", "+12", "+12025550123\n", "+12025550123,+12025550124", "+1٢3456789"]
)
def test_one_bad_number_does_not_hold_the_others_up(bad, server):
    server.answer(201, told(recipient(ONE)))
    outcomes = at(server, bad, ONE)
    assert outcomes[0] == Outcome(1, "refused", reason=reasons.BAD_NUMBER, remedy="bad")
    assert outcomes[1].status == "sent"
    assert server.calls[0].form["to"] == ONE


def test_with_nobody_to_send_to_nothing_is_sent(server):
    assert at(server) == []
    assert stati(at(server, "12", "x")) == ["refused", "refused"]
    assert server.calls == []


@pytest.mark.parametrize(("text", "reason"), [("", sending.EMPTY), ("x" * 1601, sending.TOO_LONG)])
@pytest.mark.parametrize("name", BOTH)
def test_a_text_that_cannot_go_is_refused_before_it_is_sent(name, text, reason, server):
    (outcome,) = connect(channel(name, server.base), PUBLIC).send([Outgoing(1, ONE, text)])
    assert outcome == Outcome(1, "refused", reason=reason)
    assert server.calls == []


@pytest.mark.parametrize("name", BOTH)
def test_a_text_of_full_length_and_with_a_broken_letter_goes(name, server):
    server.answer(401, "")
    for text in ("x" * 1600, "broken \ud83d letter"):
        (outcome,) = connect(channel(name, server.base), PUBLIC).send([Outgoing(1, ONE, text)])
        assert outcome.remedy == "pause"
    assert server.calls[1].form.get("message", server.calls[1].form.get("Body")) == "broken ? letter"


def test_a_text_never_goes_to_somebody_it_is_not_for(server):
    server.answer(201, told(recipient(ONE)))
    messages = [Outgoing(1, ONE, "for one"), Outgoing(2, TWO, "for two")]
    outcomes = connect(channel("africastalking", server.base)).send(messages)
    assert stati(outcomes) == ["sent", "again"]
    assert server.calls[0].form["to"] == ONE


def test_a_whatsapp_address_is_not_for_africas_talking(server):
    assert at(server, f"whatsapp:{ONE}") == [Outcome(1, "refused", reason=africastalking.NO_WHATSAPP)]
    assert server.calls == []


CODES = [
    (100, "sent", "", 0),
    (101, "sent", "", 0),
    (102, "sent", "", 0),
    (401, "refused", "halt", 0),
    (402, "refused", "halt", 0),
    (403, "refused", "bad", 0),
    (404, "refused", "bad", 0),
    (405, "again", "pause", 0),
    (406, "refused", "stopped", 0),
    (407, "refused", "", 0),
    (409, "again", "later", 3600),
    (500, "again", "", 0),
    (501, "again", "", 0),
    (502, "refused", "", 0),
    (777, "unknown", "", 0),
    ("", "unknown", "", 0),
]


@pytest.mark.parametrize(("code", "fate", "remedy", "wait"), CODES)
@pytest.mark.parametrize("written", [int, str])
def test_each_status_code_has_its_meaning(code, fate, remedy, wait, written, server):
    code = written(code) if code else code
    server.answer(201, told(recipient(ONE, code, "SomeWord", messageId="None", cost="0")))
    (outcome,) = at(server, ONE)
    assert (outcome.status, outcome.remedy, outcome.wait) == (fate, remedy, wait)
    assert (outcome.word, outcome.provider_id) == ("SomeWord", "")
    assert bool(outcome.reason) is (fate != "sent")


@pytest.mark.parametrize(
    ("word", "fate"),
    [("Success", "sent"), ("UserInBlacklist", "refused"), ("InsufficientBalance", "again"), ("New", "unknown")],
)
def test_without_a_status_code_the_word_counts(word, fate, server):
    server.answer(201, told({"number": ONE, "status": word}))
    assert stati(at(server, ONE)) == [fate]


@pytest.mark.parametrize("given", ["None", None, "", "x" * 129, "a\nb", 7])
def test_an_id_that_is_none_is_not_kept(given, server):
    server.answer(201, told(recipient(ONE, messageId=given)))
    (outcome,) = at(server, ONE)
    assert (outcome.status, outcome.provider_id) == ("sent", "7" if given == 7 else "")


def test_entries_that_are_none_do_no_harm(server):
    server.answer(201, {"SMSMessageData": {"Recipients": [None, 7, "x", [], {}, recipient(ONE)]}})
    assert stati(at(server, ONE, TWO)) == ["sent", "unknown"]


@pytest.mark.parametrize(
    ("said", "fate", "remedy"),
    [
        ("InvalidSenderId", "refused", "halt"),
        ("Invalid Sender Id", "refused", "halt"),
        ("InsufficientBalance", "again", "pause"),
        ("RiskHold", "refused", "halt"),
        ("DoNotDisturbRejection", "again", "later"),
        ("UserInBlacklist", "again", ""),  # of one of the two
        ("Sent to 0/2 Total Cost: 0", "unknown", ""),
        ("", "unknown", ""),
    ],
)
@pytest.mark.parametrize("recipients", [[], None])
def test_an_empty_list_has_its_reason_in_the_message(said, fate, remedy, recipients, server):
    server.answer(201, {"SMSMessageData": {"Message": said, "Recipients": recipients}})
    assert [(each.status, each.remedy) for each in at(server, ONE, TWO)] == [(fate, remedy)] * 2


def test_an_empty_list_for_one_number_is_about_that_number(server):
    server.answer(201, told(message="UserInBlacklist"))
    assert [(each.status, each.remedy) for each in at(server, ONE)] == [("refused", "stopped")]


@pytest.mark.parametrize(
    ("status", "body", "fate", "remedy", "wait"),
    [
        (401, "The supplied authentication is invalid", "again", "pause", 0),
        (403, "Forbidden", "again", "pause", 0),
        (409, "DoNotDisturbRejection", "again", "later", 3600),
        (409, "", "again", "later", 3600),
        (400, "InvalidSenderId", "refused", "halt", 0),
        (400, "Request is missing required form field 'to'", "refused", "halt", 0),
        (402, "InsufficientBalance", "again", "pause", 0),
        (500, "InternalServerError", "again", "", 0),
        (500, "InvalidSenderId", "again", "", 0),
        (503, "Service Unavailable", "again", "", 0),
        (502, "RejectedByGateway", "unknown", "", 0),
        (500, "", "unknown", "", 0),
        (502, "Bad Gateway", "unknown", "", 0),
        (504, "Gateway Timeout", "unknown", "", 0),
    ],
)
def test_an_error_is_about_the_whole_call(status, body, fate, remedy, wait, server):
    server.answer(status, body, "text/plain")
    for outcome in at(server, ONE, TWO):
        assert (outcome.status, outcome.remedy, outcome.wait) == (fate, remedy, wait)
        assert outcome.reason


def test_a_key_that_no_header_can_hold_is_found_at_the_start():
    for key in ("a\nb", "schlüssel"):
        with pytest.raises(SettingsError, match="letters that no key has"):
            connect(Channel("ch", "africastalking", "user", key))


# --- Twilio ---


def test_a_message_goes_with_all_its_fields(server):
    server.answer(201, {"sid": SID, "status": "queued", "price": None, "error_code": None, "num_segments": "1"})
    assert tw(server, lasts=3600) == Outcome(7, "sent", SID, "queued")
    (call,) = server.calls
    assert call.path == "/2010-04-01/Accounts/AC1/Messages.json"
    assert call.form == {
        "To": ONE,
        "From": "+15005550006",
        "Body": TEXT,
        "StatusCallback": "https://gw.example.org/ngazi/in/ch/path-secret/delivery",
        "ValidityPeriod": "3600",
    }
    assert call.headers["Authorization"] == "Basic " + base64.b64encode(b"AC1:key-of-ch").decode()


def test_the_environment_of_the_sdk_sends_nothing_elsewhere(server, monkeypatch):
    for name in ("TWILIO_EDGE", "TWILIO_REGION", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"):
        monkeypatch.setenv(name, "dublin")
    server.answer(201, {"sid": SID, "status": "queued"})
    assert tw(server).status == "sent"


@pytest.mark.parametrize(("lasts", "written"), [(-5, None), (0, None), (1, "1"), (36_000, "36000"), (99_999, "36000")])
def test_how_long_a_text_is_useful_is_told_within_twilios_bounds(lasts, written, server):
    tw(server, lasts=lasts)
    assert server.calls[0].form.get("ValidityPeriod") == written


@pytest.mark.parametrize(
    ("sender", "to", "fields"),
    [
        ("MG123", ONE, {"MessagingServiceSid": "MG123", "To": ONE}),
        ("NGAZI", ONE, {"From": "NGAZI", "To": ONE}),
        ("whatsapp:+15005550006", ONE, {"From": "whatsapp:+15005550006", "To": f"whatsapp:{ONE}"}),
        ("whatsapp:+15005550006", f"whatsapp:{ONE}", {"From": "whatsapp:+15005550006", "To": f"whatsapp:{ONE}"}),
        ("+15005550006", f"whatsapp:{ONE}", {"From": "whatsapp:+15005550006", "To": f"whatsapp:{ONE}"}),
        ("MG123", f"whatsapp:{ONE}", {"MessagingServiceSid": "MG123", "To": f"whatsapp:{ONE}"}),
        ("", ONE, {"To": ONE}),
    ],
)
def test_sender_and_receiver_are_of_one_kind(sender, to, fields, server):
    tw(server, to=to, **{"from": sender})
    form = server.calls[0].form
    assert {name: form[name] for name in ("From", "To", "MessagingServiceSid") if name in form} == fields


def test_after_24_hours_a_whatsapp_text_goes_in_the_template(server):
    server.answer(201, {"sid": SID, "status": "accepted"})
    outcome = tw(server, f"whatsapp:{ONE}", "Kesho:\n\tsaa 4     asubuhi", late=True, template="HX9")
    assert outcome.status == "sent"
    form = server.calls[0].form
    assert form["ContentSid"] == "HX9"
    assert json.loads(form["ContentVariables"]) == {"1": "Kesho: saa 4 asubuhi"}
    assert "Body" not in form


def test_after_24_hours_a_whatsapp_text_without_a_template_is_refused(server):
    assert tw(server, f"whatsapp:{ONE}", late=True) == Outcome(7, "refused", reason=twilio.NO_TEMPLATE)
    assert server.calls == []
    tw(server, ONE, late=True)  # an SMS has no such hours
    assert server.calls[0].form["Body"] == TEXT


def test_without_a_secret_no_reports_are_asked_for(server):
    plain = Channel("ch", "twilio", "AC1", "key", options={"base": server.base})
    connect(plain, PUBLIC).send([Outgoing(1, ONE, TEXT)])
    assert "StatusCallback" not in server.calls[0].form


BY_REMEDY = {
    "stopped": "refused",
    "bad": "refused",
    "later": "again",
    "halt": "refused",
    "pause": "again",
}


@pytest.mark.parametrize("code", sorted(twilio.REMEDY))
@pytest.mark.parametrize("written", [int, str])
def test_each_error_code_has_its_remedy(code, written, server):
    body = {"code": written(code), "message": f"about {ONE}", "more_info": "https://", "status": 400}
    server.answer(400, body)
    outcome = tw(server)
    remedy = twilio.REMEDY[code]
    assert (outcome.status, outcome.remedy, outcome.word) == (BY_REMEDY[remedy], remedy, code)
    assert outcome.reason


@pytest.mark.parametrize(
    ("code", "reason"),
    [(63016, twilio.DAY_OVER), (63015, twilio.NOT_JOINED), (21617, sending.TOO_LONG), (29999, sending.REFUSED)],
)
def test_other_codes_refuse_this_one_message(code, reason, server):
    server.answer(400, {"code": code, "message": "no", "status": 400})
    assert tw(server) == Outcome(7, "refused", word=str(code), reason=reason)


@pytest.mark.parametrize(
    ("status", "body", "fate", "remedy", "word"),
    [
        (401, {"code": 20003, "message": "Authenticate"}, "again", "pause", "20003"),
        (404, {"code": 20404, "message": "not found"}, "again", "pause", "20404"),
        (403, {"code": 29998, "message": "no"}, "again", "pause", "29998"),
        (403, {"code": 21610, "message": "no"}, "refused", "stopped", "21610"),
        (400, {"message": "no code"}, "refused", "halt", "400"),
        (400, {"code": ONE}, "refused", "halt", "400"),
        (400, [], "refused", "halt", "400"),
        (
            400,
            {"type": "https://e", "title": "t", "status": 400, "code": 21211, "detail": ONE},
            "refused",
            "bad",
            "21211",
        ),
        (500, {"code": 20500, "message": "fault"}, "again", "", "20500"),
        (503, {"code": 20503, "message": "fault"}, "again", "", "20503"),
        (500, {"code": 21610, "message": "fault"}, "again", "", "21610"),
        (500, "fault", "unknown", "", "500"),
        (502, {"code": 20502}, "unknown", "", "20502"),
        (504, {"code": 20504}, "unknown", "", "20504"),
    ],
)
def test_what_an_error_of_twilio_means(status, body, fate, remedy, word, server):
    server.answer(status, body)
    outcome = tw(server)
    assert (outcome.status, outcome.remedy, outcome.word) == (fate, remedy, word)
    assert outcome.reason


@pytest.mark.parametrize("body", [{}, {"sid": None}, {"sid": ""}, {"sid": "S M"}, {"sid": ["x"]}, {"sid": "S" * 129}])
def test_a_message_that_was_made_without_an_id_is_unknown(body, server):
    server.answer(201, body)
    assert tw(server).status == "unknown"


@pytest.mark.parametrize("date", ["x", 7, "Thu, 99 Jul 2026 99:00:00 +0000"])
def test_a_date_that_cannot_be_read_leaves_no_exception(date, server):
    server.answer(201, {"sid": SID, "status": "queued", "date_created": date})
    assert tw(server).status in ("sent", "unknown")


@pytest.mark.parametrize(
    ("status", "code", "fate", "remedy"),
    [
        ("queued", None, "sent", ""),
        ("accepted", None, "sent", ""),
        ("delivered", None, "delivered", ""),
        ("failed", 30007, "refused", "halt"),
        ("undelivered", 21610, "refused", "stopped"),
        ("failed", None, "refused", ""),
        (None, None, "sent", ""),
    ],
)
def test_a_message_may_have_failed_when_it_was_made(status, code, fate, remedy, server):
    server.answer(201, {"sid": SID, "status": status, "error_code": code})
    outcome = tw(server)
    assert (outcome.status, outcome.remedy, outcome.provider_id, outcome.cost) == (fate, remedy, SID, "")


def test_several_messages_go_one_after_the_other_within_one_call(server, short):
    server.raw(then_close=False)
    provider = connect(channel("twilio", server.base), PUBLIC)
    begun = time.monotonic()
    outcomes = provider.send([Outgoing(1, ONE, TEXT), Outgoing(2, TWO, TEXT)])
    assert stati(outcomes) == ["unknown", "again"]
    assert time.monotonic() - begun < short + 0.5


# --- the simulator ---


def test_a_simulated_phone_has_it_at_once():
    provider = connect(Channel("sim", "simulator"))
    first, second = provider.send([Outgoing(1, ONE, TEXT), Outgoing(2, TWO, TEXT)])
    (again,) = provider.send([Outgoing(1, ONE, TEXT)])
    assert [first.status, second.status, first.id, second.id] == ["delivered", "delivered", 1, 2]
    assert len({first.provider_id, second.provider_id, again.provider_id}) == 3
    assert first.provider_id.startswith("sim-1-")
