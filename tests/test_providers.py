from __future__ import annotations

import base64
import contextlib
import dataclasses
import hashlib
import hmac
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialogs.inbound import Inbound, Reply
from gateway import providers
from gateway.channels import Channel, SettingsError
from gateway.forms import Form, read_form
from gateway.providers import DeliveryReport, Ended, News, OptOut, Outgoing, Provider, Unreadable, connect
from gateway.providers.twilio import Twilio
from tests.loopback import Server

PUBLIC = "https://gw.example.org"
SESSION = "ATUid_00000000000000000000000000000001"
NUMBER = "+12025550123"
# What a provider really sends, one form for each callback; a new provider adds its own.
SAMPLES: dict[str, dict[str, dict[str, str]]] = {
    "africastalking": {
        "ussd": {
            "sessionId": SESSION,
            "serviceCode": "*384*1234#",
            "phoneNumber": NUMBER,
            "networkCode": "99999",
            "text": "1*2",
        },
        "ussd-end": {
            "date": "2026-11-22 06:04:45",
            "sessionId": SESSION,
            "serviceCode": "*384*1234#",
            "networkCode": "63902",
            "phoneNumber": NUMBER,
            "status": "Incomplete",
            "cost": "KES 0.10",
            "durationInMillis": "12034",
            "hopsCount": "3",
            "input": "1*2",
            "lastAppResponse": "CON Mine safety",
        },
        "sms": {
            "linkId": "L0001",
            "text": "AJALI shimo 3",
            "to": "21512",
            "id": "9f3c0000-0000-4000-8000-000000000001",
            "date": "2026-11-22 06:04:45",
            "from": NUMBER,
            "networkCode": "99999",
            "cost": "KES 0.00",
        },
        "delivery": {
            "id": "ATXid_0001",
            "status": "Success",
            "phoneNumber": NUMBER,
            "networkCode": "63902",
            "retryCount": "0",
        },
        "optout": {"senderId": "NGAZI", "phoneNumber": NUMBER},
    },
    "twilio": {
        "sms": {
            "MessageSid": "SM00000000000000000000000000000001",
            "AccountSid": "AC00000000000000000000000000000000",
            "From": NUMBER,
            "To": "+15005550006",
            "Body": "Ajali shimoni ☺",
            "NumMedia": "0",
            "NumSegments": "1",
        },
        "delivery": {
            "MessageSid": "SM00000000000000000000000000000002",
            "MessageStatus": "delivered",
            "To": NUMBER,
            "From": "+15005550006",
            "ApiVersion": "2010-04-01",
        },
    },
}
SAMPLES["simulator"] = SAMPLES["africastalking"]
SAMPLES["generic"] = {
    "ussd": {
        "SessionId": SESSION,
        "Mobile": NUMBER.lstrip("+"),
        "Message": "*713#",
        "Sequence": "1",
        "Type": "Initiation",
    }
}
SAMPLES["android"] = {
    "sms": {
        "event": "sms:received",
        "id": "Ey6ECgOkVVFjz3CL48B8C",
        "payload.sender": NUMBER,
        "payload.message": "AJALI shimo 3",
    },
    "delivery": {"event": "sms:delivered", "id": "Ey6ECgOkVVFjz3CL48B8D", "payload.messageId": "7"},
}
# What the channel of a provider cannot be without.
OPTIONS: dict[str, dict[str, str]] = {
    "generic": {"format": "hubtel", "code": "*713#"},
    "android": {"signing_key": "signing-key-of-ch"},
}
SIGNING = frozenset(("twilio", "android"))
SILENT = frozenset(("simulator",))  # these send without a network
EVERY_CALLBACK = [(name, callback) for name, forms in sorted(SAMPLES.items()) for callback in forms]


def channel(provider: str, key: str = "12345", country: str = "", **options: str) -> Channel:
    options = {"country": country, **OPTIONS.get(provider, {}), **options}
    return Channel("ch", provider, "user", key, "", ("path-secret-of-ch",), options)


def form(fields: dict[str, str]) -> Form:
    return read_form(urlencode(fields).encode())


def read_one(provider: str, callback: str, fields: dict[str, str], **options: str) -> Any:
    (news,) = connect(channel(provider, **options), PUBLIC).read(callback, form(fields))
    return news


# --- what holds for every provider ---


def test_every_file_in_the_folder_is_a_provider_and_has_samples_here():
    assert set(providers.names()) == set(SAMPLES)


def test_an_unknown_provider_is_an_error():
    with pytest.raises(KeyError):
        connect(channel("nobody"))


@pytest.mark.parametrize("name", providers.names())
def test_a_provider_says_what_it_calls_about_and_how(name):
    provider = connect(channel(name), PUBLIC)
    assert provider.callbacks == set(SAMPLES[name])
    assert "POST" in provider.methods
    assert provider.json is (name in ("android", "generic"))
    assert provider.paths is False  # of those of generic only infobip's file names parts of an address


@pytest.mark.parametrize(("name", "callback"), EVERY_CALLBACK)
def test_what_a_provider_sends_is_read(name, callback):
    news = read_one(name, callback, SAMPLES[name][callback])
    expected: dict[str, type[Any]] = {
        "ussd": Inbound,
        "sms": Inbound,
        "ussd-end": Ended,
        "delivery": DeliveryReport,
        "optout": OptOut,
    }
    assert isinstance(news, expected[callback])
    assert news.channel == "ch"
    if isinstance(news, Inbound):
        assert news.kind == callback
        assert news.address == NUMBER


@pytest.mark.parametrize(("name", "callback"), EVERY_CALLBACK)
def test_fields_that_come_without_notice_do_not_matter(name, callback):
    sample = SAMPLES[name][callback]
    more = sample | {"newField": "x", "Hops": "٣", "": "nameless"}
    assert read_one(name, callback, more) == read_one(name, callback, sample)


@pytest.mark.parametrize(("name", "callback"), EVERY_CALLBACK)
def test_an_empty_form_is_unreadable(name, callback):
    with pytest.raises(Unreadable):
        connect(channel(name), PUBLIC).read(callback, Form([]))


@pytest.mark.parametrize(("name", "callback"), EVERY_CALLBACK)
@given(data=st.data())
def test_a_form_with_anything_in_its_fields_is_news_or_unreadable_and_has_nothing_a_database_refuses(
    name, callback, data
):
    sample = SAMPLES[name][callback]
    value = st.text(max_size=200) | st.sampled_from(sorted(sample.values()))
    fields = data.draw(st.dictionaries(st.sampled_from([*sample, "id", "extra"]), value))
    found: Sequence[News] = ()
    with contextlib.suppress(Unreadable):
        found = connect(channel(name), PUBLIC).read(callback, form(sample | fields))
    for news in found:
        assert "\0" not in "".join(map(str, (getattr(news, field.name) for field in dataclasses.fields(news))))


@pytest.mark.parametrize("name", providers.names())
@given(
    headers=st.lists(
        st.tuples(
            st.sampled_from([b"x-twilio-signature", b"x-twilio-webhooks-signature-settings", b"content-type", b"x"]),
            st.binary(max_size=60) | st.sampled_from([b"algorithm=HMAC_SHA256", b"algorithm=MD5"]),
        ),
        max_size=4,
    ),
    body=st.binary(max_size=60),
    query=st.binary(max_size=40),
    method=st.sampled_from(["GET", "POST"]),
)
def test_trust_is_a_yes_or_a_no_for_any_call(name, headers, body, query, method):
    scope = {"method": method, "raw_path": b"/in/ch/s/sms", "query_string": query, "headers": headers}
    trusted = connect(channel(name), PUBLIC).trusts(scope, body, read_form(body))
    assert trusted is (name not in SIGNING)


@pytest.mark.parametrize("name", providers.names())
def test_that_we_have_it_is_told_with_200_and_nothing_that_would_reach_the_person(name):
    provider = connect(channel(name), PUBLIC)
    sms = Inbound("ch", "sms", NUMBER, "hello", "", "1")
    for response in (provider.write(None, None), provider.write(Reply("hello"), sms)):
        assert response.status_code == 200
        assert response.body in (b"", b"<Response/>")


# --- sending, for every provider ---

BEYOND = [name for name in providers.names() if name not in SILENT]
TEXT = "Mkutano kesho saa 4 asubuhi"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


def batch(name: str, base: str = "") -> tuple[Provider, list[Outgoing]]:
    """A provider, and as many messages as it takes at once, three at most; their ids say nothing of their order."""
    provider = connect(channel(name, **({"base": base, "from": "NGAZI"} if base else {})), PUBLIC)
    many = min(3, provider.carriage.most)
    return provider, [Outgoing(30 - each, f"+1202555012{each}", TEXT, lasts=3600) for each in range(many)]


def closed_port() -> str:
    with socket.socket() as once:
        once.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{once.getsockname()[1]}"


@pytest.mark.parametrize("name", providers.names())
def test_a_provider_says_how_it_takes_messages(name):
    carriage = connect(channel(name), PUBLIC).carriage
    assert 1 <= carriage.most <= 1000
    assert 1 <= carriage.calls <= 64
    assert 0 < carriage.rate <= 1000
    assert 160 <= carriage.longest <= 1600


@pytest.mark.parametrize("name", providers.names())
def test_of_no_messages_nothing_became(name):
    provider, _ = batch(name, closed_port())
    assert provider.send([]) == []


@pytest.mark.parametrize("name", providers.names())
def test_each_message_has_its_outcome(name):
    provider, messages = batch(name, closed_port())
    outcomes = provider.send(messages)
    assert sorted(each.id for each in outcomes) == sorted(each.id for each in messages)


@pytest.mark.parametrize("name", BEYOND)
def test_where_nobody_listens_everything_can_go_again(name):
    provider, messages = batch(name, closed_port())
    assert {(each.status, bool(each.reason)) for each in provider.send(messages)} == {("again", True)}


@pytest.mark.parametrize("name", BEYOND)
def test_a_server_that_hangs_is_left_in_time_and_nobody_can_tell(name, server, monkeypatch):
    provider, messages = batch(name, server.base)
    for module in list(sys.modules.values()):  # the patience of whatever it sends with, shortened
        if module.__name__.startswith(("gateway.providers", "gateway.sending")):
            for patience in {"CONNECT", "READ", "CALL_LASTS"} & set(vars(module)):
                monkeypatch.setattr(module, patience, 0.3)
    server.raw(then_close=False)
    begun = time.monotonic()
    assert {each.status for each in provider.send(messages)} == {"unknown"}
    assert 0.2 < time.monotonic() - begun < 2


@pytest.mark.parametrize("name", BEYOND)
def test_a_server_that_reads_and_closes_has_perhaps_sent_it(name, server):
    provider, messages = batch(name, server.base)
    server.begin()
    server.raw()
    assert {each.status for each in provider.send(messages)} == {"unknown"}
    assert len(server.calls) == 1  # and the same is not sent twice


@pytest.mark.parametrize("name", BEYOND)
@given(
    status=st.integers(200, 599),
    body=st.binary(max_size=80) | st.sampled_from([b"{}", b"[]", b"null", NUMBER.encode(), b'{"code": 7, "sid": 7}']),
    wait=st.sampled_from(["", "7", "-1", "soon", "1e9", "99999999999"]),
)
@settings(max_examples=40)
def test_whatever_a_server_says_is_an_outcome_without_a_number_in_it(name, status, body, wait, server):
    provider, messages = batch(name, server.base)
    server.answer(status, body, Retry_After=wait)
    outcomes = provider.send(messages)
    assert sorted(each.id for each in outcomes) == sorted(each.id for each in messages)
    for each in outcomes:
        assert "2025550" not in repr(each)
        assert len(each.reason) <= 200
        assert 0 <= each.wait <= 86_400
        assert each.status != "delivered"


# --- Africa's Talking ---


@pytest.mark.parametrize(("more", "start"), [(True, b"CON "), (False, b"END ")])
def test_a_screen_begins_at_byte_0_with_its_word(more, start):
    call = Inbound("ch", "ussd", NUMBER, "", SESSION, "")
    response = connect(channel("africastalking")).write(Reply("Uchimbaji\n1. Ndiyo", (), more), call)
    assert response.body == start + b"Uchimbaji\n1. Ndiyo"
    assert response.headers["content-type"] == "text/plain; charset=utf-8"


def test_a_call_carries_everything_typed_so_far():
    assert read_one("africastalking", "ussd", SAMPLES["africastalking"]["ussd"]) == Inbound(
        "ch", "ussd", NUMBER, "1*2", SESSION, "", whole=True
    )


@pytest.mark.parametrize("written", [" 12025550123", "12025550123", "+1 202 555 0123", "0012025550123"])
def test_a_caller_is_known_however_the_number_is_written(written):
    sample = SAMPLES["africastalking"]["ussd"] | {"phoneNumber": written}
    assert read_one("africastalking", "ussd", sample, country="TZ").address == NUMBER


@pytest.mark.parametrize(
    ("strip", "text", "left"),
    [("1", "3", ""), ("1", "3*1", "1"), ("2", "3*1*2*", "2*"), ("1", "", ""), ("0", "3", "3")],
)
def test_inputs_that_belong_to_a_shared_code_are_dropped(strip, text, left):
    sample = SAMPLES["africastalking"]["ussd"] | {"text": text}
    assert read_one("africastalking", "ussd", sample, strip=strip).text == left


@pytest.mark.parametrize("text", ["", "1*", "1*a*b", "*", "**", "1*0*0*00*98", "x" * 9000])
def test_any_text_is_taken_as_it_is(text):
    sample = SAMPLES["africastalking"]["ussd"] | {"text": text}
    assert read_one("africastalking", "ussd", sample).text == text


def test_a_call_without_text_and_all_that_may_be_missing_is_a_dial():
    sample = {"sessionId": SESSION, "phoneNumber": NUMBER}
    assert read_one("africastalking", "ussd", sample).text == ""


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("phoneNumber", "", "phoneNumber is missing, or is no phone number"),
        ("phoneNumber", "21512", "phoneNumber is missing, or is no phone number"),
        ("phoneNumber", "7" * 300, "phoneNumber is missing, or is no phone number"),
        ("sessionId", "", "sessionId is missing"),
        ("sessionId", "x" * 129, "sessionId is no id"),
        ("sessionId", "a\0b", "sessionId is no id"),
    ],
)
def test_what_no_provider_sends_is_unreadable(field, value, told):
    with pytest.raises(Unreadable, match=told):
        read_one("africastalking", "ussd", SAMPLES["africastalking"]["ussd"] | {field: value})


def test_an_sms_is_told_from_others_by_its_id():
    assert read_one("africastalking", "sms", SAMPLES["africastalking"]["sms"]) == Inbound(
        "ch", "sms", NUMBER, "AJALI shimo 3", "", "9f3c0000-0000-4000-8000-000000000001"
    )


def test_an_sms_without_an_id_is_known_again_when_it_is_repeated():
    sample = {key: value for key, value in SAMPLES["africastalking"]["sms"].items() if key != "id"}
    first = read_one("africastalking", "sms", sample).provider_id
    assert first == read_one("africastalking", "sms", sample).provider_id
    others = [sample | {"text": "1"}, sample | {"date": "2026-11-22 06:04:46"}, sample | {"from": "+12025550124"}]
    for other in others:
        assert read_one("africastalking", "sms", other).provider_id != first
    assert read_one("africastalking", "sms", sample, key="another").provider_id != first


def test_an_sms_without_id_and_date_is_never_taken_for_a_repeat():
    sample = {"from": NUMBER, "text": "1"}
    ids = {read_one("africastalking", "sms", sample).provider_id for _ in range(5)}
    assert len(ids) == 5


def test_a_senseless_id_is_replaced_by_one_that_can_be_kept():
    found = read_one("africastalking", "sms", SAMPLES["africastalking"]["sms"] | {"id": "x" * 5000}).provider_id
    assert found.startswith("hash:")
    assert len(found) < 50


@pytest.mark.parametrize("sender", ["21512", "Safaricom", "AFRICASTKNG"])
def test_an_sms_of_a_telco_itself_is_no_news(sender):
    sample = SAMPLES["africastalking"]["sms"] | {"from": sender}
    assert connect(channel("africastalking")).read("sms", form(sample)) == ()


@pytest.mark.parametrize(
    ("word", "reason", "status", "remedy"),
    [
        ("Sent", "", "sent", ""),
        ("Submitted", "", "sent", ""),
        ("Buffered", "", "sent", ""),
        ("Success", "", "delivered", ""),
        ("success", "", "delivered", ""),
        ("Rejected", "UserInBlackList", "failed", "stopped"),
        ("Failed", "UserDoesNotExist", "failed", "bad"),
        ("Failed", "UserIsInactive", "failed", "bad"),
        ("Failed", "NotNetworkSubcriber", "failed", "bad"),
        ("Failed", "NotNetworkSubscriber", "failed", "bad"),
        ("Failed", "DoNotDisturbRejection", "failed", "later"),
        ("Failed", "SomethingNew", "failed", ""),
        ("AbsentSubscriber", "", "failed", "later"),
        ("Expired", "", "failed", ""),
        ("Teleported", "", "unknown", ""),
        ("", "", "unknown", ""),
    ],
)
def test_what_became_of_a_message_is_understood(word, reason, status, remedy):
    sample = SAMPLES["africastalking"]["delivery"] | {"status": word, "failureReason": reason}
    report = read_one("africastalking", "delivery", sample)
    assert (report.provider_id, report.status, report.remedy) == ("ATXid_0001", status, remedy)
    assert (report.word, report.reason) == (word, reason)


def test_what_is_kept_of_a_report_holds_no_number():
    report = read_one("africastalking", "delivery", SAMPLES["africastalking"]["delivery"])
    assert "2025550123" not in str(report)
    assert report.raw["status"] == "Success"


@pytest.mark.parametrize(
    ("word", "how"), [("Success", "done"), ("Incomplete", "left"), ("Failed", "failed"), ("New", "failed")]
)
def test_how_a_call_ended_is_understood_and_what_was_said_in_it_is_not_kept(word, how):
    ended = read_one("africastalking", "ussd-end", SAMPLES["africastalking"]["ussd-end"] | {"status": word})
    assert ended == Ended("ch", SESSION, how, "", "KES 0.10")


def test_an_opt_out_names_whom_it_is_for():
    assert read_one("africastalking", "optout", SAMPLES["africastalking"]["optout"]) == OptOut("ch", NUMBER, "NGAZI")


# --- Twilio ---

URL = "https://gw.example.org/twilio/sms/in"
SIGNED = {
    "MessageSid": "SM00000000000000000000000000000001",
    "AccountSid": "AC00000000000000000000000000000000",
    "From": NUMBER,
    "To": "+15005550006",
    "Body": "",
    "NumMedia": "0",
    "NumSegments": "1",
}
AJALI = SIGNED | {"Body": "Ajali shimoni ☺"}
SHA256 = "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"


def trusts(
    fields: dict[str, str] | list[tuple[str, str]] | bytes,
    signature: str | None,
    *,
    path: str = "/twilio/sms/in",
    query: str = "",
    public: str = PUBLIC,
    settings: str = "",
    content_type: str = "application/x-www-form-urlencoded",
    method: str = "POST",
    **options: str,
) -> bool:
    body = fields if isinstance(fields, bytes) else urlencode(fields).encode()
    headers = [(b"content-type", content_type.encode()), (b"host", b"internal:8000")]
    if signature is not None:
        headers.append((b"x-twilio-signature", signature.encode()))
    if settings:
        headers.append((b"x-twilio-webhooks-signature-settings", settings.encode()))
    scope = {"method": method, "raw_path": path.encode(), "query_string": query.encode(), "headers": headers}
    return connect(channel("twilio", **options), public).trusts(scope, body, read_form(body))


def sign(url: str, fields: list[tuple[str, str]] | None = None, key: str = "12345") -> str:
    """As Twilio's documentation says, written anew."""
    text = url + "".join(name + value for name, value in sorted(set(fields or [])))
    return base64.b64encode(hmac.digest(key.encode(), text.encode(), hashlib.sha1)).decode()


@pytest.mark.parametrize(
    ("fields", "signature", "settings"),
    [
        (SIGNED, "HWELGSf1OFzZcF+jG5RdHUfXAyM=", ""),
        (SIGNED, "8+IynBJXiPCGrC2OnZsfFNkhRDUoxHN71KIak1DkyDs=", SHA256),
        (AJALI, "dXxZTXiz3a7oYW6MlyY/HDf5Dd4=", ""),
        (AJALI, "TNUQoszYpcAz2vrmrhKo6wLG4JE=", ""),  # signed with :443 in the address
    ],
)
def test_a_signed_call_is_trusted(fields, signature, settings):
    assert trusts(fields, signature, settings=settings)


def test_a_public_address_with_a_port_is_trusted_with_and_without_it():
    assert trusts(AJALI, "TNUQoszYpcAz2vrmrhKo6wLG4JE=", public="https://gw.example.org:443")
    assert trusts(AJALI, "dXxZTXiz3a7oYW6MlyY/HDf5Dd4=", public="https://gw.example.org:443")


def test_a_public_address_may_be_an_ipv6_one_or_lie_in_a_folder():
    for public in ("https://[2001:db8::1]", "https://[2001:db8::1]:8443", "https://example.org/ngazi"):
        signature = sign(f"{public}/twilio/sms/in", list(SIGNED.items()))
        assert trusts(SIGNED, signature, public=public)


@pytest.mark.parametrize(
    ("fields", "signature", "settings"),
    [
        (SIGNED, None, ""),
        (SIGNED, "", ""),
        (SIGNED, "short", ""),
        (SIGNED, "ünïcode", ""),
        (AJALI, "HWELGSf1OFzZcF+jG5RdHUfXAyM=", ""),
        (SIGNED, "HWELGSf1OFzZcF+jG5RdHUfXAyM=", SHA256),
        (SIGNED, "8+IynBJXiPCGrC2OnZsfFNkhRDUoxHN71KIak1DkyDs=", ""),
        (SIGNED, "HWELGSf1OFzZcF+jG5RdHUfXAyM=", "key=x,algorithm=HMAC_MD5"),
        ({**SIGNED, "Extra": ""}, "HWELGSf1OFzZcF+jG5RdHUfXAyM=", ""),
    ],
)
def test_any_other_call_is_not_trusted(fields, signature, settings):
    assert not trusts(fields, signature, settings=settings)


def test_a_shared_key_signs_where_it_is_named_and_the_token_elsewhere():
    signature = "8+IynBJXiPCGrC2OnZsfFNkhRDUoxHN71KIak1DkyDs="
    assert trusts(SIGNED, signature, settings=SHA256, key="token", shared_key="12345")
    assert not trusts(SIGNED, signature, settings=SHA256, shared_key="another")
    assert trusts(SIGNED, "HWELGSf1OFzZcF+jG5RdHUfXAyM=", shared_key="another")


def test_a_field_that_comes_twice_is_signed_as_often_as_it_differs():
    twice = [("a", "2"), ("a", "1"), ("a", "2"), ("b", "")]
    assert trusts(twice, sign(URL, twice))
    assert not trusts(twice[1:], sign(URL, [("b", ""), ("a", "1")]))


def test_the_address_is_signed_as_it_was_sent_and_not_decoded():
    path, query = "/in/mg/a%20b%2Fc/sms", "x=%20+&y="
    signature = sign(f"{PUBLIC}{path}?{query}", list(SIGNED.items()))
    assert trusts(SIGNED, signature, path=path, query=query)
    assert not trusts(SIGNED, signature, path="/in/mg/a b/c/sms", query=query)


def test_a_call_by_get_is_signed_with_its_query():
    query = urlencode(SIGNED)
    assert trusts(query.encode(), sign(f"{URL}?{query}"), query=query, method="GET")


def test_what_is_no_form_is_trusted_by_the_hash_of_its_body_in_the_signed_address():
    body, path = b'{"a":1}', "/sms"
    query = "bodySHA256=015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"
    signature, public = "xAe4ZAWSW0YAiT5JVP3fcE+3O0Q=", "https://example.org"
    json = {"path": path, "public": public, "content_type": "application/json"}
    assert trusts(body, signature, query=query, **json)
    assert not trusts(b'{"a":2}', signature, query=query, **json)
    assert not trusts(body, sign("https://example.org/sms"), **json)
    assert not trusts(body, None, query=query, **json)


def test_twilio_needs_to_know_its_public_address_and_its_token():
    with pytest.raises(SettingsError, match=r"^NGAZI_PUBLIC_URL is missing"):
        connect(channel("twilio"))
    with pytest.raises(SettingsError, match=r"^NGAZI_CHANNELS: channel ch needs twilio"):
        connect(channel("twilio", key=""), PUBLIC)


def test_a_message_keeps_its_text_as_it_is():
    sample = SAMPLES["twilio"]["sms"] | {"Body": " 1 \n"}
    assert read_one("twilio", "sms", sample) == Inbound(
        "ch", "sms", NUMBER, " 1 \n", "", "SM00000000000000000000000000000001"
    )


def test_a_whatsapp_address_stays_one():
    sample = SAMPLES["twilio"]["sms"] | {"From": "whatsapp:" + NUMBER, "WaId": "12025550123", "ProfileName": "A"}
    assert read_one("twilio", "sms", sample).address == "whatsapp:" + NUMBER


@pytest.mark.parametrize("sender", ["21512", "TWILIO", "whatsapp:CC.abcdef", "messenger:12025550123", "rcs:agent"])
def test_a_sender_without_a_number_is_no_news(sender):
    sample = SAMPLES["twilio"]["sms"] | {"From": sender}
    assert connect(channel("twilio"), PUBLIC).read("sms", form(sample)) == ()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"ButtonPayload": "2", "ButtonText": "Yes", "Body": "Yes"}, "2"),
        ({"ButtonText": "Yes", "Body": ""}, "Yes"),
        ({"ListId": "2@k3f7abcd", "ListTitle": "2.", "Body": "2.", "MessageType": "interactive"}, "2@k3f7abcd"),
        ({"ListTitle": "All topics", "Body": ""}, "All topics"),
        ({"OptOutType": "STOP", "Body": "arret"}, "STOP"),
        ({"OptOutType": "HELP", "Body": "Aide"}, "HELP"),
        ({"Body": "", "NumMedia": "1", "MediaUrl0": "https://api.example.org/1"}, ""),
    ],
)
def test_a_button_an_opt_out_or_a_picture_is_said_as_text(fields, said):
    assert read_one("twilio", "sms", SAMPLES["twilio"]["sms"] | fields).text == said


@pytest.mark.parametrize(
    ("fields", "media"),
    [
        ({}, False),
        ({"NumMedia": "0"}, False),
        ({"NumMedia": ""}, False),
        ({"NumMedia": "1"}, True),
        ({"NumMedia": "10"}, True),
        ({"Latitude": "-1.28", "Longitude": "36.81", "Body": ""}, True),
        ({"Latitude": "0", "Longitude": "0", "Body": "", "NumMedia": "0"}, True),
    ],
)
def test_a_photo_a_voice_note_or_a_place_is_known(fields, media):
    assert read_one("twilio", "sms", SAMPLES["twilio"]["sms"] | fields).media is media


def test_a_long_text_that_came_in_base64_is_read():
    text = "Ajali shimoni, watu watatu wamekwama.\nTunaomba msaada haraka sana ☺"
    wrapped = base64.b64encode(text.encode()).decode()
    assert read_one("twilio", "sms", SAMPLES["twilio"]["sms"] | {"Body": wrapped}).text == text


@pytest.mark.parametrize("body", ["dGVzdA==", "A" * 64, "ajali " * 20, base64.b64encode(b"\0\1\2" * 30).decode()])
def test_what_only_looks_like_base64_stays(body):
    assert read_one("twilio", "sms", SAMPLES["twilio"]["sms"] | {"Body": body}).text == body


@pytest.mark.parametrize(
    ("word", "code", "status", "remedy"),
    [
        ("accepted", "", "sending", ""),
        ("queued", "", "sending", ""),
        ("sent", "", "sent", ""),
        ("delivered", "", "delivered", ""),
        ("read", "", "delivered", ""),
        ("undelivered", "30003", "failed", "later"),
        ("undelivered", "30005", "failed", "bad"),
        ("failed", "21610", "failed", "stopped"),
        ("failed", "30007", "failed", "halt"),
        ("failed", "30002", "failed", "pause"),
        ("failed", "99999", "failed", ""),
        ("canceled", "", "failed", ""),
        ("beamed", "", "unknown", ""),
    ],
)
def test_what_became_of_a_message_at_twilio_is_understood(word, code, status, remedy):
    sample = SAMPLES["twilio"]["delivery"] | {"MessageStatus": word, "ErrorCode": code}
    report = read_one("twilio", "delivery", sample)
    assert (report.status, report.remedy, report.reason) == (status, remedy, code)


def test_twilio_is_answered_with_empty_twiml():
    response = Twilio(channel("twilio"), PUBLIC).write(None, None)
    assert response.body == b"<Response/>"
    assert response.headers["content-type"].startswith("text/xml")
