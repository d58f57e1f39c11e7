from __future__ import annotations

import json
import logging
import re
import socket
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from dialogs.inbound import Inbound, Reply
from gateway import providers, sending
from gateway.app import create_app
from gateway.channels import Channel, SettingsError, read_channels
from gateway.forms import MOST_JSON_FIELDS, Form, NoObject, TooManyFields, read_form, read_json
from gateway.inbound import LARGEST, LARGEST_JSON
from gateway.providers import Ended, Outcome, Outgoing, Unreadable, connect
from gateway.providers.generic import reading
from gateway.providers.generic.filling import fill, names, without_blanks
from gateway.providers.generic.reading import read_layout, ready
from gateway.providers.generic.sending import UNNAMED
from gateway.reasons import BAD_NUMBER
from gateway.settings import Settings
from tests.loopback import Server
from tests.phones import Site

NUMBER, PLAIN = "+12025550123", "12025550123"
SECRET = "open-the-door-please"
PUBLIC = "https://gw.example.org"
CODE = "*713*77#"

HUBTEL = {
    "SessionId": "3c796dac28174f739de4262d08409c51",
    "ServiceCode": "713",
    "Type": "Initiation",
    "Message": CODE,
    "Operator": "vodafone",
    "Platform": "USSD",
    "Mobile": PLAIN,
    "ClientState": None,
    "Sequence": 1,
}
ARKESEL = {
    "sessionID": "2005506191900168",
    "userID": "USSD_DOCUMENTATION",
    "newSession": True,
    "msisdn": PLAIN,
    "userData": CODE,
    "network": "AIRTELTIGO",
}
NALO = {
    "USERID": "NALOTest",
    "MSISDN": PLAIN,
    "USERDATA": CODE,
    "MSGTYPE": True,
    "NETWORK": "MTN",
    "SESSIONID": "16602750001",
}
OLTRANZ = {
    "sessionId": "99",
    "serviceCode": CODE,
    "phoneNumber": PLAIN,
    "text": CODE,
    "transactionId": "7",
    "requestTime": "2026-11-22 06:04:45",
    "newRequest": "1",
    "response": "",
    "action": "",
}
INFOBIP_USSD = {"msisdn": PLAIN, "text": CODE, "shortCode": "77", "imsi": "0", "language": "en", "ussdGwId": "1"}
INFOBIP_SMS = {
    "results": [
        {
            "messageId": "817790313235066447",
            "from": PLAIN,
            "to": "21512",
            "text": "AJALI shimo 3",
            "cleanText": "shimo 3",
            "keyword": "AJALI",
            "receivedAt": "2026-11-22T06:04:45.000+0000",
            "smsCount": 1,
            "price": {"pricePerMessage": 0.01, "currency": "EUR"},
        },
        {"messageId": "817790313235066448", "from": "Safaricom", "to": "21512", "text": "Bonus!"},
        {"messageId": "817790313235066449", "from": "447700900123", "to": "21512", "text": "1"},
    ],
    "messageCount": 3,
    "pendingMessageCount": 0,
}
INFOBIP_REPORTS = {
    "results": [
        {
            "messageId": "m1",
            "to": PLAIN,
            "status": {"groupId": 3, "groupName": "DELIVERED", "name": "DELIVERED_TO_HANDSET"},
            "error": {"name": "NO_ERROR"},
        },
        {
            "messageId": "m2",
            "to": PLAIN,
            "status": {"groupId": 2, "groupName": "UNDELIVERABLE", "name": "UNDELIVERABLE_REJECTED_OPERATOR"},
            "error": {"name": "EC_UNKNOWN_SUBSCRIBER"},
        },
        {"messageId": "m3", "status": {"groupName": "TELEPORTED"}},
    ]
}
CONEND = {
    "sessionId": "ATUid_00000000000000000000000000000001",
    "serviceCode": "*384*1234#",
    "phoneNumber": NUMBER,
    "networkCode": "99999",
    "text": "1*2",
}


def channel(format: str, country: str = "", host: str = "", **options: str) -> Channel:
    wanted = {"format": format, "code": CODE, "from": "NGAZI", "country": country} | options
    return Channel("gh", "generic", "user", "key", host, (SECRET,), wanted)


def provider(format: str, **options: str) -> Any:
    return connect(channel(format, **options), PUBLIC)


def posted(fields: Mapping[str, Any], **path: str) -> Form:
    """The fields of a JSON body, with those of the address."""
    form = read_json(json.dumps(fields).encode())
    return Form([*form.pairs, *((f"path.{n[1:]}", value) for n, value in path.items())])


def hear(format: str, fields: Mapping[str, Any], **options: str) -> Any:
    (news,) = provider(format, **options).read("ussd", posted(fields))
    return news


def screen(format: str, fields: Mapping[str, Any], reply: Reply, **path: str) -> Any:
    """What goes back for this call."""
    spoken = provider(format)
    (inbound,) = spoken.read("ussd", posted(fields, **path))
    return spoken.write(reply, inbound)


# --- JSON as fields ---


def test_json_is_laid_flat_with_numbers_as_they_are_written():
    body = b'{"a":{"b":[{"c":1.10},{"c":true}]},"n":null,"big":12345678901234567890,"":"x","s":"\\ud83d\\ude42"}'
    assert dict(read_json(body)) == {
        "a.b.0.c": "1.10",
        "a.b.1.c": "true",
        "big": "12345678901234567890",
        "": "x",
        "s": "🙂",
    }


@pytest.mark.parametrize("body", [b"", b"[]", b"1", b'"x"', b"null", b"{", b"{'a':1}", b"[" * 100_000, b"\xff\xfe"])
def test_what_is_no_json_object_is_told(body):
    with pytest.raises(NoObject):
        read_json(body)


def test_an_object_that_lies_too_deep_or_has_too_long_names_or_too_many_fields_is_refused():
    assert read_json(b'{"a":' * 8 + b"1" + b"}" * 8) == {".".join("a" * 8): "1"}
    with pytest.raises(NoObject, match="too deep"):
        read_json(b'{"a":' * 9 + b"1" + b"}" * 9)
    with pytest.raises(NoObject):
        read_json(b'{"a":' * 60_000 + b"1" + b"}" * 60_000)
    with pytest.raises(NoObject, match="too long"):
        read_json(json.dumps({"a" * 201: 1}).encode())
    with pytest.raises(TooManyFields):
        read_json(json.dumps({"a": [1] * (MOST_JSON_FIELDS + 1)}).encode())


def test_half_a_letter_in_json_is_replaced_and_old_letters_are_read():
    assert read_json(b'{"a":"\\ud83d"}')["a"] == "?"
    assert read_json(b'{"a":"\xe9t\xe9"}')["a"] == "été"
    assert read_json(b'\xef\xbb\xbf{"a":"b"}')["a"] == "b"


LETTERS = st.characters(exclude_categories=())  # halves of letters too
LEAVES = st.text(LETTERS, max_size=9) | st.integers() | st.booleans() | st.none()


@given(st.dictionaries(st.text(LETTERS, max_size=5), st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3))))
def test_any_object_is_fields_that_can_be_kept_or_is_refused(whole):
    try:
        form = read_json(json.dumps(whole).encode())
    except NoObject:
        return
    for name, value in form.pairs:
        assert f"{name}={value}".encode()


# --- what holds for every ready company ---

FIRST: dict[str, Mapping[str, Any]] = {
    "hubtel": HUBTEL,
    "arkesel": ARKESEL,
    "nalo": NALO,
    "infobip": INFOBIP_USSD,
    "conend_latest": OLTRANZ,
    "conend": CONEND | {"text": ""},
}
NEXT: dict[str, Mapping[str, Any]] = {
    "hubtel": HUBTEL | {"Type": "Response", "Message": "2", "Sequence": 2},
    "arkesel": ARKESEL | {"newSession": False, "userData": "2"},
    "nalo": NALO | {"MSGTYPE": False, "USERDATA": "2"},
    "infobip": INFOBIP_USSD | {"text": "2"},
    "conend_latest": OLTRANZ | {"newRequest": "0", "text": "2"},
    "conend": CONEND | {"text": "2"},
}


def form_of(format: str, fields: Mapping[str, Any], event: str) -> Form:
    return posted(fields, p0="session", p1="i7", p2=event) if format == "infobip" else posted(fields)


def test_every_ready_company_is_tried_here():
    assert set(ready()) == set(FIRST) == set(NEXT)


@pytest.mark.parametrize("format", ready())
def test_a_dial_is_a_call_without_anything_typed_and_the_next_has_what_was_typed(format):
    (dialled,) = provider(format).read("ussd", form_of(format, FIRST[format], "start"))
    (typed,) = provider(format).read("ussd", form_of(format, NEXT[format], "response"))
    assert (dialled.kind, dialled.address, dialled.text) == ("ussd", NUMBER, "")
    assert (typed.address, typed.text, typed.session) == (NUMBER, "2", dialled.session)
    assert typed.whole is (format == "conend")


@pytest.mark.parametrize("format", ready())
def test_what_was_dialled_beyond_the_code_is_typed_at_once(format):
    field = {"hubtel": "Message", "arkesel": "userData", "nalo": "USERDATA"}.get(format, "text")
    deep = {**FIRST[format], field: "3*1" if format == "conend" else "*713*77*3*1#"}
    (dialled,) = provider(format).read("ussd", form_of(format, deep, "start"))
    assert dialled.text == "3*1"
    (stripped,) = provider(format, strip="1").read("ussd", form_of(format, deep, "start"))
    assert stripped.text == "1"
    if format != "conend":
        (another,) = provider(format, code="*713*7#").read("ussd", form_of(format, deep, "start"))
        assert another.text == ""


@pytest.mark.parametrize("format", ready())
def test_a_call_of_nobody_or_without_a_session_is_unreadable(format):
    with pytest.raises(Unreadable):
        provider(format).read("ussd", Form([]))
    for name, value in FIRST[format].items():
        if value in (PLAIN, NUMBER):
            with pytest.raises(Unreadable, match=f"^{name} is missing, or is no phone number$"):
                provider(format).read("ussd", form_of(format, {**FIRST[format], name: "MINERS"}, "start"))


@pytest.mark.parametrize("format", ready())
def test_a_sorry_screen_can_be_written_when_nothing_could_be_read(format):
    response = provider(format).write(Reply("Samahani"), Inbound("gh", "ussd", "", "", "", ""))
    assert response.status_code == 200
    assert b"Samahani" in response.body
    assert b"{" not in response.body.replace(b"{", b"", 1)


@pytest.mark.parametrize("format", ready())
def test_that_we_have_it_is_told_with_nothing(format):
    response = provider(format).write(None, None)
    assert (response.status_code, response.body) == (200, b"")


@pytest.mark.parametrize("format", ready())
@given(data=st.data())
def test_anything_in_the_fields_is_news_or_unreadable(format, data):
    sample = FIRST[format]
    fields = data.draw(st.dictionaries(st.sampled_from([*sample, "x"]), st.text(max_size=50) | LEAVES))
    try:
        found = provider(format).read("ussd", form_of(format, {**sample, **fields}, "start"))
    except Unreadable:
        return
    for news in found:
        assert "\0" not in f"{news.session}{getattr(news, 'text', '')}{getattr(news, 'turn', '')}"
        if isinstance(news, Inbound):
            assert provider(format).write(Reply("x", (), True), news).status_code == 200


# --- each company's own words ---


def test_hubtel_gets_its_session_back_and_the_word_for_what_comes_next():
    response = screen("hubtel", HUBTEL, Reply('Uchimbaji "salama"\n1. Ndiyo', (), more=True))
    assert response.headers["content-type"] == "application/json"
    assert json.loads(response.body) == {
        "SessionId": HUBTEL["SessionId"],
        "Type": "Response",
        "Message": 'Uchimbaji "salama"\n1. Ndiyo',
        "Label": "Ngazi",
        "ClientState": "",
        "DataType": "input",
        "FieldType": "text",
    }
    last = json.loads(screen("hubtel", HUBTEL, Reply("Kwaheri")).body)
    assert (last["Type"], last["DataType"], last["Message"]) == ("Release", "display", "Kwaheri")


def test_hubtel_numbers_its_turns():
    assert [hear("hubtel", each["hubtel"]).turn for each in (FIRST, NEXT)] == ["1", "2"]


@pytest.mark.parametrize("word", ["Release", "Timeout", "timeout "])
def test_hubtel_tells_where_its_calls_come_that_one_is_over(word):
    assert hear("hubtel", HUBTEL | {"Type": word}) == Ended("gh", str(HUBTEL["SessionId"]), "left")


def test_arkesel_gets_its_fields_back_and_a_true_or_a_false():
    for more in (True, False):
        assert json.loads(screen("arkesel", ARKESEL, Reply("Hello", (), more)).body) == {
            "sessionID": "2005506191900168",
            "userID": "USSD_DOCUMENTATION",
            "msisdn": PLAIN,
            "message": "Hello",
            "continueSession": more,
        }


def test_nalo_gets_true_to_go_on_where_its_own_true_meant_a_new_call():
    for more in (True, False):
        assert json.loads(screen("nalo", NALO, Reply("Hello", (), more)).body) == {
            "USERID": "NALOTest",
            "MSISDN": PLAIN,
            "MSG": "Hello",
            "MSGTYPE": more,
        }


def test_infobip_puts_the_session_into_the_address():
    dialled = form_of("infobip", INFOBIP_USSD, "start")
    (inbound,) = provider("infobip").read("ussd", dialled)
    assert inbound.session == "i7"
    response = provider("infobip").write(Reply("Hello", (), True), inbound)
    assert json.loads(response.body) == {
        "ussdMenu": "Hello",
        "shouldClose": False,
        "responseExitCode": 200,
        "responseMessage": "",
    }
    over = form_of("infobip", {"exitCode": 200, "reason": ""}, "end")
    assert provider("infobip").read("ussd", over) == (Ended("gh", "i7", "left"),)
    assert provider("infobip").read("ussd", form_of("infobip", {}, "status")) == ()


def test_family_a_gets_a_word_at_byte_0():
    response = screen("conend", CONEND, Reply("Hello", (), True))
    assert response.body == b"CON Hello"
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert screen("conend", CONEND, Reply("Bye")).body == b"END Bye"
    assert hear("conend", CONEND).text == "1*2"


def test_oltranz_gets_its_object_back():
    answer = json.loads(screen("conend_latest", OLTRANZ, Reply("Hello", (), True)).body)
    same = ("sessionId", "serviceCode", "phoneNumber", "transactionId", "requestTime", "newRequest")
    assert {name: answer[name] for name in same} == {name: OLTRANZ[name] for name in same}
    assert (answer["response"], answer["action"]) == ("Hello", "CON")


def test_a_national_number_is_understood_in_the_country_of_the_channel():
    assert hear("arkesel", ARKESEL | {"msisdn": "0241234567"}, country="GH").address == "+233241234567"


def test_infobip_brings_several_messages_and_one_from_a_name_is_nobody_to_answer():
    assert provider("infobip").read("sms", posted(INFOBIP_SMS)) == (
        Inbound("gh", "sms", NUMBER, "AJALI shimo 3", "", "817790313235066447"),
        Inbound("gh", "sms", "+447700900123", "1", "", "817790313235066449"),
    )


def test_one_message_that_cannot_be_read_does_not_take_the_others_with_it():
    several = {"results": [{"messageId": "1", "text": "?"}, {"messageId": "2", "from": PLAIN, "text": "1"}]}
    assert [each.provider_id for each in provider("infobip").read("sms", posted(several))] == ["2"]
    with pytest.raises(Unreadable, match="from is missing"):
        provider("infobip").read("sms", posted({"results": several["results"][:1]}))
    assert provider("infobip").read("sms", posted({"results": []})) == ()


def test_infobip_reports_several_messages_and_an_unknown_word_moves_nothing():
    delivered, failed, strange = provider("infobip").read("delivery", posted(INFOBIP_REPORTS))
    assert (delivered.provider_id, delivered.status, delivered.word) == ("m1", "delivered", "DELIVERED")
    assert (failed.status, failed.reason, failed.remedy) == ("failed", "EC_UNKNOWN_SUBSCRIBER", "bad")
    assert (strange.status, strange.word, strange.remedy) == ("unknown", "TELEPORTED", "")
    assert PLAIN not in f"{delivered}{failed}{strange}"


@pytest.mark.parametrize(("word", "status"), [("DELIVERED", "delivered"), ("failed", "failed"), ("New", "unknown")])
def test_arkesel_reports_by_get(word, status):
    form = read_form(urlencode({"sms_id": "9b752841-7ee7", "status": word}).encode())
    (report,) = provider("arkesel").read("delivery", form)
    assert (report.provider_id, report.status) == ("9b752841-7ee7", status)


# --- a file of the operator's own ---

OWN = """
about = "A company next door"
methods = ["GET"]

[answer]
text = "ACK/Jasmin"

[ussd]
session = "SessionID"
number = ["MSISDN", "msisdn"]
text = "input"
first = "code"
typed = "whole"

[ussd.reply]
more = "FC"
last = "FB"
text = "{text}"
headers = { Freeflow = "{more}", charge = "N" }

[sms]
number = "from"
text = "content"
time = "at"

[send]
url = "http://127.0.0.1:1/send?dlr=yes"

[send.query]
username = "{user}"
password = "{key}"
to = "{to}"
from = "{from}"
content = "{text}"
dlr-url = "{callback}"
"""


@pytest.fixture
def own(tmp_path: Path) -> Any:
    """Writes a file of one's own, changed; gives its path."""

    def write(old: str = "", new: str = "", source: str = OWN) -> str:
        assert old in source
        file = tmp_path / "next_door.toml"
        file.write_text(source.replace(old, new, 1) if old else source)
        return str(file)

    return write


def test_a_file_of_ones_own_says_how_a_company_calls_and_what_it_gets(own):
    mine = provider(own())
    assert (mine.methods, mine.callbacks) == (frozenset(["GET"]), frozenset(["ussd", "sms"]))
    form = read_form(urlencode({"SessionID": "1", "msisdn": PLAIN, "input": "713*77*1*2"}).encode())
    (inbound,) = mine.read("ussd", form)
    assert (inbound.text, inbound.whole, inbound.address) == ("1*2", True, NUMBER)
    response = mine.write(Reply("Hello"), inbound)
    assert (response.body, response.headers["freeflow"], response.headers["charge"]) == (b"Hello", "FB", "N")
    assert mine.write(None, None).body == b"ACK/Jasmin"


def test_a_message_without_an_id_is_known_again_by_what_it_is(own):
    def read(**fields: str) -> str:
        sample = {"from": NUMBER, "content": "1", "at": "2026-11-22 06:04:45"} | fields
        (news,) = provider(own()).read("sms", Form(list(sample.items())))
        return str(news.provider_id)

    assert read() == read()
    assert len({read(), read(content="2"), read(at="2026-11-22 06:04:46"), read(at=""), read(at="")}) == 5


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            'session = "SessionID"\n',
            "",
            "ussd.session is missing: the name of a field, or a list of names, is expected.",
        ),
        ('session = "SessionID"', "session = 7", "ussd.session is wrong: the name of a field"),
        ('number = "from"', "number = []", "sms.number is wrong"),
        ('text = "content"', 'txt = "content"', "sms.text is missing"),
        ('time = "at"', 'tiem = "at"', "sms.tiem is not known; perhaps time was meant."),
        ('time = "at"', 'zzz = "at"', "sms.zzz is not known; there are id, list, number, text, time."),
        ("[sms]", "[smss]", "smss is not known; perhaps sms was meant."),
        ('typed = "whole"', 'typed = "all"', "ussd.typed is one of latest, whole."),
        ('typed = "whole"', "typed = true", "ussd.typed is wrong: a text is expected."),
        ('more = "FC"\n', "", "ussd.reply.more is missing"),
        ('text = "{text}"', 'text = "hello"', "ussd.reply.text has no {text}: the screen is expected in it."),
        (
            'text = "{text}"',
            'text = "{txt}"',
            "ussd.reply.text has {txt}, but may have {text}, {more} and {in.<field>}.",
        ),
        ('text = "{text}"', 'text = "{text}"\njson = {}', "ussd.reply.text or json is expected, one of the two."),
        ('text = "{text}"', "", "ussd.reply.text or json is expected, one of the two."),
        ('charge = "N"', '"a b" = "N"', "ussd.reply.headers.a b is a header"),
        ('charge = "N"', 'charge = "ü"', "ussd.reply.headers.charge is a header"),
        ('first = "code"', 'first = "code"\nnew = "1"', "ussd.kind is missing"),
        (
            'first = "code"',
            'first = "code"\nkind = "k"\nended = { a = "gone" }',
            "ussd.ended.a is one of done, left, failed.",
        ),
        ('first = "code"', 'first = "code"\nkind = "k"\nended = "x"', "ussd.ended is a table"),
        ('first = "code"', 'first = "code"\nkind = "k"\nnew = [1.5]', "ussd.new is a word, or a list of words."),
        ('methods = ["GET"]', 'methods = ["HEAD"]', "methods is a list of POST, GET, PUT."),
        ('methods = ["GET"]', 'methods = "GET"', "methods is a list of POST, GET, PUT."),
        ('text = "ACK/Jasmin"', 'text = "{text}"', "answer.text has {text}, but may have no names."),
        ("[answer]", "[answer", "next_door.toml: Expected"),
        ('url = "http://127.0.0.1:1/send?dlr=yes"', 'url = "ftp://x"', "send.url is missing: an address"),
        ('url = "http://127.0.0.1:1/send?dlr=yes"', 'url = "http://x/{to}"', "send.url has {to}, but may have {host}"),
        ("[send.query]", "[send.bodies]", "send.json or form or query is expected, one of the three."),
        ('content = "{text}"', "", "send.query has no {text}, or none of {to}"),
        ('content = "{text}"', 'content = "{text}"\nat = 2026-11-22', "send.query has a date or an endless number"),
        ("[send.query]", "most = 9\n[send.query]", "send.most above 1 needs {all} or {all_plain}"),
        ("[send.query]", "rate = 0\n[send.query]", "send.rate is a number from 0.001 to 1000."),
        ("[send.query]", "calls = true\n[send.query]", "send.calls is a number from 1 to 50."),
        ("[send.query]", 'method = "SEND"\n[send.query]', "send.method is one of POST, GET, PUT."),
        ("[send.query]", 'reply = { ok = "0" }\n[send.query]', "send.reply.ok and status are expected together"),
        (
            "[send.query]",
            'reply = { remedies = { a = "" } }\n[send.query]',
            "send.reply.remedies.a is one of later, bad",
        ),
        ("[send.query]", "reply = 1\n[send.query]", "send.reply is a table: [send.reply]."),
    ],
)
def test_what_is_wrong_in_a_file_is_told_with_the_file_the_key_and_what_is_expected(own, old, new, told):
    file = own(old, new)
    with pytest.raises(SettingsError) as raised:
        provider(file)
    assert str(raised.value).startswith(f"{file}: ")
    assert told in str(raised.value)


def test_a_file_must_be_there_and_say_something(own, tmp_path):
    with pytest.raises(SettingsError, match="has none of the tables ussd, sms, delivery and send"):
        provider(own(source='about = "x"'))
    with pytest.raises(SettingsError, match=r"^NGAZI_CHANNELS: the format .*gone\.toml cannot be read: No such file"):
        provider(str(tmp_path / "gone.toml"))
    (tmp_path / "latin.toml").write_bytes(b'about = "\xe9"')
    with pytest.raises(SettingsError, match="not written in UTF-8"):
        provider(str(tmp_path / "latin.toml"))
    with pytest.raises(SettingsError, match="the format hubtle is not known; perhaps hubtel was meant"):
        provider("hubtle")
    with pytest.raises(SettingsError, match="the format of a generic channel is not known; there are arkesel, conend"):
        provider("")


def test_texts_that_all_begin_with_the_code_need_to_know_it(own):
    with pytest.raises(SettingsError, match=r"^NGAZI_CHANNELS: channel gh needs code="):
        provider(own(), code="")


def test_the_ready_files_are_packed_with_the_program():
    folder = Path(read_layout.__code__.co_filename).parent
    assert {each.stem for each in folder.glob("*.toml")} == set(ready())
    only = (folder.parents[2] / "pyproject.toml").read_text()
    assert 'only-include = ["gateway"' in only


# --- templates ---


def test_a_name_alone_becomes_its_value_and_among_letters_its_word():
    values: dict[str, Any] = {"more": True, "text": "{more}", "all": ["1", "2"]}
    assert fill({"a": "{more}", "b": ["x{more}", "{text}", 7], "c": "{all}", "d": "{gone}"}, values) == {
        "a": True,
        "b": ["xtrue", "{more}", 7],
        "c": ["1", "2"],
        "d": "",
    }
    assert list(names({"a": "{x}-{in.y}", "b": [{"c": "{z}"}], "d": 1})) == ["x", "in.y", "z"]


def test_what_is_blank_is_left_out_with_what_it_leaves_empty():
    assert without_blanks({"a": "", "b": {"c": {"d": ""}}, "e": [{"f": ""}, 0], "g": False}) == {"e": [0], "g": False}


# --- sending ---


class Company:
    """A company's server on this machine: keeps what it is sent and answers what it is told to."""

    def __init__(self) -> None:
        self.heard: list[SimpleNamespace] = []
        self.status, self.body, self.headers = 200, "", dict[str, str]()
        self.silent = threading.Event()
        self.hang_up = self.wait = False
        company = self

        class Desk(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                company.heard.append(
                    SimpleNamespace(method=self.command, path=self.path, body=body, headers=dict(self.headers))
                )
                if company.wait:
                    company.silent.wait(10)
                if company.hang_up or company.wait:
                    self.close_connection = True
                    return
                answer = company.body.encode()
                self.send_response(company.status)
                for name, value in ({"Content-Length": str(len(answer))} | company.headers).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_PUT = do_POST

            def log_message(self, *args: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Desk)
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def answers(self, status: int, body: Any = "", **headers: str) -> Company:
        self.status, self.headers = status, headers
        self.body = body if isinstance(body, str) else json.dumps(body)
        return self

    def stop(self) -> None:
        self.silent.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def company() -> Iterator[Company]:
    company = Company()
    yield company
    company.stop()


MESSAGE = Outgoing(5, "+233241234567", "Ajali ☺ & {key}", reference="r-5", lasts=3600)
OTHER = Outgoing(6, "+233201234567", "Ajali ☺ & {key}", reference="r-6")


def send(company: Company, format: str, *messages: Outgoing, **options: str) -> list[Outcome]:
    return list(provider(format, base=company.base, **options).send(messages or (MESSAGE,)))


def test_hubtel_is_sent_a_message_with_user_and_key_and_gives_its_id(company):
    company.answers(201, {"status": 0, "messageId": "8d6f", "rate": 0.03, "statusDescription": "request submitted"})
    assert send(company, "hubtel") == [
        Outcome(5, "sent", "8d6f", "0", "request submitted", "", "0.03"),
    ]
    (heard,) = company.heard
    assert (heard.method, heard.path) == ("POST", "/v1/messages/send")
    assert heard.headers["Authorization"] == "Basic dXNlcjprZXk="
    assert heard.headers["Content-Type"] == "application/json"
    assert json.loads(heard.body) == {
        "From": "NGAZI",
        "To": "233241234567",
        "Content": "Ajali ☺ & {key}",
        "ClientReference": "r-5",
    }


def test_arkesel_takes_many_numbers_with_one_text_and_names_each_in_its_answer(company):
    listed = [{"recipient": "233201234567", "id": "b"}, {"recipient": "233241234567", "id": "a"}]
    company.answers(200, {"status": "success", "data": listed})
    assert provider("arkesel").carriage.alike
    assert [(each.id, each.status, each.provider_id) for each in send(company, "arkesel", MESSAGE, OTHER)] == [
        (5, "sent", "a"),
        (6, "sent", "b"),
    ]
    (heard,) = company.heard
    assert heard.headers["api-key"] == "key"
    assert json.loads(heard.body) == {
        "sender": "NGAZI",
        "message": "Ajali ☺ & {key}",
        "recipients": ["233241234567", "233201234567"],
        "callback_url": f"{PUBLIC}/in/gh/{SECRET}/delivery",
    }


def test_one_who_is_missing_in_the_answer_may_have_been_taken(company):
    company.answers(200, {"status": "success", "data": [{"recipient": "233201234567", "id": "b"}]})
    missing, taken = send(company, "arkesel", MESSAGE, OTHER)
    assert (missing, taken.status) == (Outcome(5, "unknown", reason=UNNAMED), "sent")


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, "1701|233241234567|api.77", Outcome(5, "sent", "api.77", "1701")),
        (200, {"status": "1701", "job_id": "api.1", "msisdn": "233241234567"}, Outcome(5, "sent", "api.1", "1701")),
        (200, "1707|Sender", Outcome(5, "refused", "", "1707", sending.REFUSED, "halt")),
        (200, "1706", Outcome(5, "refused", "", "1706", BAD_NUMBER, "bad")),
        (200, "1025", Outcome(5, "again", "", "1025", sending.NO_ACCOUNT, "pause")),
        (412, {"code": 1713, "message": "Invalid key"}, Outcome(5, "again", "", "1713", "Invalid key", "pause")),
        (200, "1799", Outcome(5, "refused", "", "1799", sending.REFUSED)),
        (200, "", Outcome(5, "unknown", reason=sending.UNREADABLE)),
    ],
)
def test_nalo_answers_with_a_number_in_a_line_or_in_json(company, status, body, expected):
    assert send(company.answers(status, body), "nalo") == [expected]
    assert json.loads(company.heard[0].body) == {
        "key": "key",
        "msisdn": "233241234567",
        "message": "Ajali ☺ & {key}",
        "sender_id": "NGAZI",
    }


def test_infobip_is_told_our_number_of_the_message_and_where_to_report(company):
    status = {"groupId": 1, "groupName": "PENDING", "name": "PENDING_ACCEPTED"}
    company.answers(200, {"bulkId": "x", "messages": [{"messageId": "r-5", "status": status, "destination": "1"}]})
    assert send(company, "infobip") == [Outcome(5, "sent", "r-5", "PENDING", "PENDING_ACCEPTED")]
    (heard,) = company.heard
    assert (heard.path, heard.headers["Authorization"]) == ("/sms/3/messages", "App key")
    assert json.loads(heard.body) == {
        "messages": [
            {
                "sender": "NGAZI",
                "destinations": [{"to": "233241234567", "messageId": "r-5"}],
                "content": {"text": "Ajali ☺ & {key}"},
                "webhooks": {"delivery": {"url": f"{PUBLIC}/in/gh/{SECRET}/delivery"}},
            }
        ]
    }


def test_without_a_public_address_no_report_is_asked_for_and_without_a_sender_none_is_named(company):
    company.answers(200, {"messages": [{"messageId": "r-5", "status": {"groupName": "PENDING"}}]})
    connect(channel("infobip", base=company.base, **{"from": ""}), "").send([MESSAGE])
    (message,) = json.loads(company.heard[0].body)["messages"]
    assert set(message) == {"destinations", "content"}


@pytest.mark.parametrize(
    ("name", "remedy", "status"),
    [
        ("REJECTED_NOT_ENOUGH_CREDITS", "pause", "again"),
        ("REJECTED_DESTINATION", "bad", "refused"),
        ("NEW", "", "refused"),
    ],
)
def test_infobip_takes_a_call_and_rejects_the_message_in_it(company, name, remedy, status):
    company.answers(200, {"messages": [{"messageId": "r-5", "status": {"groupName": "REJECTED", "name": name}}]})
    (outcome,) = send(company, "infobip")
    assert (outcome.status, outcome.remedy, outcome.word, outcome.reason) == (status, remedy, "REJECTED", name)


def test_a_query_and_a_form_are_written_as_such(company, own):
    company.answers(200, "Success")
    assert [each.status for each in send(company, own())] == ["sent"]
    path, query = company.heard[0].path.split("?")
    assert (path, company.heard[0].method) == ("/send", "GET")
    assert dict(parse_qsl(query)) == {
        "dlr": "yes",
        "username": "user",
        "password": "key",
        "to": "+233241234567",
        "from": "NGAZI",
        "content": "Ajali ☺ & {key}",
        "dlr-url": f"{PUBLIC}/in/gh/{SECRET}/delivery",
    }
    send(company, own("[send.query]", "[send.form]"))
    heard = company.heard[1]
    assert (heard.method, heard.path) == ("POST", "/send?dlr=yes")
    assert heard.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert parse_qs(heard.body.decode())["content"] == ["Ajali ☺ & {key}"]


@pytest.mark.parametrize(
    ("status", "headers", "fate", "reason", "remedy", "wait"),
    [
        (401, {}, "again", sending.NO_KEY, "pause", 0),
        (402, {}, "again", sending.NO_MONEY, "pause", 0),
        (403, {}, "again", sending.NO_KEY, "pause", 0),
        (404, {}, "again", sending.WRONG_ADDRESS, "pause", 0),
        (308, {"Location": "https://example.org"}, "again", sending.WRONG_ADDRESS, "pause", 0),
        (302, {"Location": "https://example.org"}, "unknown", sending.UNREADABLE, "", 0),
        (429, {"Retry-After": "30"}, "again", sending.TOO_FAST, "", 30),
        (429, {"Retry-After": "99999999"}, "again", sending.TOO_FAST, "", 86_400),
        (429, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, "again", sending.TOO_FAST, "", 0),
        (500, {}, "unknown", sending.UNREADABLE, "", 0),
        (503, {"Retry-After": "5"}, "unknown", sending.UNREADABLE, "", 0),
        (502, {}, "unknown", sending.UNREADABLE, "", 0),
        (504, {}, "unknown", sending.UNREADABLE, "", 0),
        (400, {}, "refused", sending.WRONG_CALL, "halt", 0),
    ],
)
def test_what_a_page_means_for_a_message_by_its_status(company, status, headers, fate, reason, remedy, wait):
    (outcome,) = send(company.answers(status, "<html>", **headers), "hubtel")
    assert outcome == Outcome(5, fate, word=str(status), reason=reason, remedy=remedy, wait=wait)
    assert len(company.heard) == 1


SAID = {"status": 9, "statusDescription": "why"}


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (500, SAID, Outcome(5, "again", "", "9", "why", wait=5)),
        (503, "Maintenance", Outcome(5, "again", "", "503", sending.FAULT, wait=5)),
        (502, SAID, Outcome(5, "unknown", "", "9", "why")),
        (400, SAID, Outcome(5, "refused", "", "9", "why")),
        (400, "Bad number", Outcome(5, "refused", "", "400", sending.REFUSED)),
        (401, SAID, Outcome(5, "again", "", "9", "why", "pause")),
    ],
)
def test_what_the_company_itself_says_with_an_error_is_about_this_message(company, status, body, expected):
    assert send(company.answers(status, body, **{"Retry-After": "5"}), "hubtel") == [expected]


def test_a_refused_call_of_many_is_looked_at_by_a_person(company):
    company.answers(422, {"message": "a number in it is none"})
    outcomes = send(company, "arkesel", MESSAGE, OTHER)
    assert [(each.id, each.status, each.remedy) for each in outcomes] == [
        (5, "refused", "halt"),
        (6, "refused", "halt"),
    ]
    assert send(company, "arkesel")[0].remedy == ""


def test_a_call_that_never_arrived_may_be_made_again():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{closed.getsockname()[1]}"
        assert provider("hubtel", base=base).send([MESSAGE]) == [Outcome(5, "again", reason=sending.UNREACHED)]


def test_a_call_that_got_no_answer_may_have_been_taken(company):
    company.hang_up = True
    assert send(company, "hubtel") == [Outcome(5, "unknown", reason=sending.UNANSWERED)]
    assert len(company.heard) == 1


def test_a_company_that_is_silent_too_long_may_have_taken_it(company, monkeypatch):
    monkeypatch.setattr(providers, "CALL_LASTS", 0.2)
    company.wait = True
    assert send(company, "hubtel") == [Outcome(5, "unknown", reason=sending.UNANSWERED)]
    assert len(company.heard) == 1


def test_an_answer_that_is_far_too_long_leaves_it_unknown(company):
    company.answers(200, {"status": 0, "messageId": "8d6f", "x": "y" * 300_000})
    assert send(company, "hubtel") == [Outcome(5, "unknown", reason=sending.UNANSWERED)]


def test_a_message_is_put_where_the_file_says_so(company, own):
    assert send(company.answers(200), own("[send.query]", 'method = "PUT"\n[send.form]'))[0].status == "sent"
    assert (company.heard[0].method, company.heard[0].path) == ("PUT", "/send?dlr=yes")


def test_a_header_of_the_file_stands_instead_of_ours_however_it_is_written(company, own):
    headers = '[send.headers]\ncontent-type = "text/x-form"\naccept = "text/x"\n[send.form]'
    send(company.answers(200), own("[send.query]", headers))
    heard = {name.lower(): value for name, value in company.heard[0].headers.items()}
    assert len(heard) == len(company.heard[0].headers)
    assert (heard["content-type"], heard["accept"], heard["user-agent"]) == ("text/x-form", "text/x", "ngazi")


def test_a_broken_letter_does_not_hold_a_text_up(company, own):
    broken = Outgoing(5, "+233241234567", "broken \ud83d letter")
    company.answers(201, {"status": 0, "messageId": "1"})
    assert send(company, "hubtel", broken)[0].status == "sent"
    assert send(company, own(), broken)[0].status == "sent"
    assert send(company, own("[send.query]", "[send.form]"), broken)[0].status == "sent"
    assert json.loads(company.heard[0].body)["Content"] == "broken ? letter"
    assert "broken+%3F+letter" in company.heard[1].path
    assert b"broken+%3F+letter" in company.heard[2].body


def test_a_company_that_sends_a_letter_now_and_then_does_not_hold_the_call(monkeypatch):
    monkeypatch.setattr(providers, "CALL_LASTS", 0.3)
    with Server() as server:
        server.raw(b"HTTP/1.1 201 Created\r\nX-Long: ", *[b"1"] * 1000, every=0.02)
        begun = monotonic()
        assert provider("hubtel", base=server.base).send([MESSAGE])[0].status == "unknown"
        assert monotonic() - begun < 0.8


def test_a_proxy_does_not_catch_what_is_for_this_machine(company, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert send(company.answers(401), "hubtel")[0].remedy == "pause"
    assert len(company.heard) == 1


STRANGE = "ok\r\nno header at all\r\nX-More: 1"


@pytest.mark.parametrize("headers", [{}, {"X-Strange": STRANGE}], ids=["usual", "strange"])
def test_the_query_of_a_call_is_never_logged(company, own, caplog, headers):
    caplog.set_level(logging.DEBUG)
    company.answers(200, "Success", **headers)
    assert [each.status for each in send(company, own())] == ["sent"]
    assert "Ajali" in company.heard[0].path
    company.hang_up = True
    assert [each.status for each in send(company, own())] == ["unknown"]
    for secret in ("Ajali", "233241234567", "password", "/send"):
        assert secret not in caplog.text


def test_a_number_in_an_answer_is_not_kept(company):
    company.answers(200, {"status": 7, "statusDescription": "233241234567 is barred"})
    (outcome,) = send(company, "hubtel")
    assert outcome.reason == "2332••••567 is barred"


def test_a_channel_without_a_key_waits_for_one_and_one_that_cannot_send_says_so(own):
    channel = Channel("gh", "generic", "", "", "", (SECRET,), {"format": "hubtel"})
    assert connect(channel).send([MESSAGE]) == [Outcome(5, "again", reason="the channel has no user", remedy="pause")]
    assert provider("infobip").send([MESSAGE])[0].reason == "the channel has no host"
    assert provider("conend").send([MESSAGE]) == [
        Outcome(5, "refused", reason="this channel cannot send", remedy="halt")
    ]


def test_only_sms_go_to_a_company(company):
    (outcome,) = send(company, "hubtel", Outgoing(7, "whatsapp:+12025550123", "x"))
    assert (outcome.status, company.heard) == ("refused", [])


@pytest.mark.parametrize("base", ["nowhere", "http://", "ftp://x", "http://[::1", "http://x:y"])
def test_a_base_that_is_no_address_is_told_at_the_start(base):
    with pytest.raises(SettingsError, match=r"^NGAZI_CHANNELS: base of channel gh is an address such as"):
        provider("hubtel", base=base)


def test_infobip_is_reached_at_the_host_of_the_account():
    sender = connect(channel("infobip", host="xyz.api.infobip.com"), PUBLIC)._sender  # type: ignore[attr-defined]
    assert urlsplit(sender._url).hostname == "xyz.api.infobip.com"


# --- through the whole gateway ---

GHANA = f"gh=generic://user:key@?format=hubtel&code={CODE.replace('#', '%23')}&secret={SECRET}"


def hubtel_says(site: Site, **fields: Any) -> Any:
    response = site.client.post(f"/in/gh/{SECRET}/ussd", json=HUBTEL | fields)  # type: ignore[union-attr]
    assert response.status_code == 200, response.text
    return response


def test_a_call_at_hubtel_goes_from_the_dial_to_its_end(new_site, keeper):
    site = new_site(keeper, NGAZI_CHANNELS=GHANA)
    first = hubtel_says(site).json()
    assert (first["Type"], first["SessionId"]) == ("Response", HUBTEL["SessionId"])
    assert "1. English" in first["Message"]
    adult = hubtel_says(site, Type="Response", Message="1", Sequence=2).json()
    assert "18" in adult["Message"]
    agree = hubtel_says(site, Type="Response", Message="1", Sequence=3).json()
    menu = hubtel_says(site, Type="Response", Message="1", Sequence=4).json()
    assert len({each["Message"] for each in (first, adult, agree, menu)}) == 4
    assert hubtel_says(site, Type="Response", Message="1", Sequence=4).json() == menu  # it came twice
    over = hubtel_says(site, Type="Release", Message="", Sequence=5)
    assert over.content == b""
    with site.database() as db:
        (ended,) = db.exec_driver_sql("select ended_at from session").scalars()
    assert ended is not None
    again = hubtel_says(site, SessionId="another", Sequence=1).json()
    assert again["Message"] != first["Message"]


def test_a_call_through_infobip_has_its_session_in_the_address(new_site, keeper, company):
    channels = f"ib=generic://:key@xyz.api.infobip.com?format=infobip&secret={SECRET}&base={company.base}"
    site = new_site(keeper, NGAZI_CHANNELS=channels)
    path = f"/in/ib/{SECRET}/ussd/session/77"
    assert "1. English" in site.client.post(f"{path}/start", json=INFOBIP_USSD).json()["ussdMenu"]
    assert "18" in site.client.post(f"{path}/response", json=INFOBIP_USSD | {"text": "1"}).json()["ussdMenu"]
    assert site.client.post(f"{path}/end", json={"exitCode": 200}).content == b""
    assert site.client.post(f"/in/ib/{SECRET}/fax/session/77/start", json=INFOBIP_USSD).status_code == 404
    for _ in range(2):  # a batch that comes twice counts once
        assert site.client.post(f"/in/ib/{SECRET}/sms", json=INFOBIP_SMS).status_code == 200
    with site.database() as db:
        counts = db.exec_driver_sql("select direction, count(*) from message group by direction order by 1")
        assert [tuple(each) for each in counts] == [("in", 2), ("out", 2)]


@pytest.fixture
def door(tmp_path) -> Iterator[TestClient]:
    """The gateway with a channel that speaks JSON and one that does not."""
    channels = f"{GHANA} ke=africastalking://user:key@?secret={SECRET}"
    environ = {"NGAZI_DATA": str(tmp_path), "NGAZI_SECRET_KEY": "a secret key of the tests, long enough"}

    async def take(inbound: Inbound) -> Reply:
        return Reply(f"{inbound.text}|", (), True)

    desk: Any = SimpleNamespace(take=take, start=lambda: None, stop=lambda: None, sorry=lambda inbound: Reply("Sorry"))
    desk.state = lambda: SimpleNamespace(waiting=0, oldest=0.0, alive=True, database_ok=True)
    keeper: Any = SimpleNamespace(content=SimpleNamespace(revision="0"), problems=[], refresh=list)
    app = create_app(Settings.read(environ | {"NGAZI_CHANNELS": channels}), desk=desk, keeper=keeper)
    with TestClient(app) as client:
        yield client


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/x-www-form-urlencoded", ""])
def test_json_is_read_under_whatever_name_it_comes(door, content_type):
    body = b"\r\n " + json.dumps(HUBTEL).encode()
    answer = door.post(f"/in/gh/{SECRET}/ussd", content=body, headers={"content-type": content_type})
    assert (answer.status_code, answer.json()["Message"]) == (200, "|")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[]", 415),
        (b"", 415),
        (b"<xml/>", 415),
        (b"{", 400),
        (b"{]", 400),
        (b"{}", 400),
        (b'{"a":' * 50, 400),
        (b'{"a":' * 9 + b"1" + b"}" * 9, 400),
        (json.dumps({"a": [1] * (MOST_JSON_FIELDS + 1)}).encode(), 400),
        (b"{" + b" " * LARGEST_JSON, 413),
        (json.dumps(HUBTEL | {"x": "y" * LARGEST}).encode(), 200),
    ],
)
def test_what_is_no_json_object_of_a_provider_is_refused(door, body, status):
    answer = door.post(f"/in/gh/{SECRET}/ussd", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == status


def test_json_is_not_read_from_a_company_that_sends_forms(door):
    assert door.post(f"/in/ke/{SECRET}/ussd", json={"a": 1}).status_code == 415
    assert door.post(f"/in/ke/{SECRET}/ussd", content=b"{" + b"x" * LARGEST).status_code == 413
    assert door.post(f"/in/gh/{SECRET}/ussd", data=HUBTEL | {"ClientState": ""}).status_code == 200


# --- the page about it ---

PAGE = Path(__file__).parents[1] / "docs" / "add-a-provider.md"


def test_the_example_of_the_page_is_a_company_with_everything(tmp_path):
    (example,) = re.findall(r"^```toml\n(.*?)^```$", PAGE.read_text(), re.M | re.S)
    (tmp_path / "next-door.toml").write_text(example)
    next_door = provider(str(tmp_path / "next-door.toml"))
    assert next_door.callbacks == {"ussd", "sms", "delivery"}
    assert next_door.carriage.most == 50
    dialled = {"session": {"id": "7"}, "phone": NUMBER, "input": "*713*77*1#", "type": "begin", "step": 1}
    (inbound,) = next_door.read("ussd", posted(dialled))
    assert (inbound.text, inbound.turn) == ("1", "1")
    answer = json.loads(next_door.write(Reply("Bye"), inbound).body)
    assert answer == {"session": "7", "action": "bye", "text": "Bye", "input": False}
    assert json.loads(next_door.write(None, None).body) == {"ok": True}


def test_the_page_explains_every_key_every_name_and_every_ready_company():
    page = re.sub(r"^```.*?^```$", "", PAGE.read_text(), flags=re.M | re.S)
    source = Path(reading.__file__).read_text()
    keys = set(re.findall(r"(?:table|top|reply)\.(?!wrong)\w+\(\"(\w+)\"", source))
    assert {"session", "json_at_end", "most", "split", "about"} <= keys
    tables = {"ussd", "sms", "delivery", "send", "answer"}
    assert [key for key in keys - tables - {"reply"} if f"`{key}`" not in page] == []
    assert [table for table in tables if f"`[{table}]`" not in page] == []
    assert [name for name in (*reading.SEND_NAMES, *reading.REPLY_NAMES, "basic") if f"`{{{name}}}`" not in page] == []
    assert [name for name in ready() if f"| `{name}` |" not in page] == []


def test_the_channels_of_the_page_can_be_opened():
    lines = re.findall(r"^NGAZI_CHANNELS='(.*)'$", PAGE.read_text(), re.M)
    assert len(lines) == 2
    for line in lines:
        for each in read_channels(line).values():
            assert connect(each, PUBLIC).callbacks
