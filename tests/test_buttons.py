"""Buttons and lists on WhatsApp: what they send, what a text becomes, and the forms of messages at Twilio."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogs.content import Keeper
from dialogs.freetext import is_free
from dialogs.inbound import Reply, parted, press, pressed
from dialogs.place import place_of
from dialogs.showing import Shown as OnPhone
from gateway import providers, sending
from gateway.channels import Channel, SettingsError
from gateway.fake.contents import Contents as FakeContents
from gateway.providers import Outcome, Outgoing, connect
from gateway.sending import contents
from gateway.sending.buttons import BODY, Filled, Form, filled
from tests.loopback import Call, Server
from tests.whatsapp import ACCOUNT, ONE, PUBLIC, SENDER, TOKEN, Stage, stage

__all__ = ["stage"]

PLACE = "k3f7abcd"
YES_NO = "Are you 18 or over?\n1. Yes\n2. No\n0. Back"
TEXT = st.text(st.characters(codec="utf-8"), max_size=60)
LETTERS = st.characters(categories=("L", "N", "P", "Zs"))
WORDS = st.one_of([st.text(LETTERS, min_size=1, max_size=most) for most in (6, 20, 80, 300)])


def asked(text: str, choices: int, place: str = PLACE, choose: str = "Choose", to: str = ONE) -> Outgoing:
    return Outgoing(7, to, text, choices=choices, place=place, choose=choose)


def numbered(body: str, *words: str) -> str:
    return "\n".join([body, *(f"{number}. {each}" for number, each in enumerate(words, 1))])


# --- what a button sends ---


@given(st.integers(0, 99), st.builds(OnPhone, st.text(), st.integers(), st.text(), choices=st.lists(st.text())))
def test_what_a_button_sends_is_read_again(key: int, shown: OnPhone) -> None:
    place = place_of(shown, shown.run)
    sent = press(str(key), place)
    assert pressed(sent) == pressed(f" {sent}\n") == (str(key), place)
    assert len(sent) <= 200
    assert set(sent) <= set("0123456789@abcdefghijklmnopqrstuvwxyz")


@given(st.one_of(TEXT, st.from_regex(r"[0-9]{1,3}@[a-zA-Z0-9]{0,9}", fullmatch=True)))
def test_what_people_write_is_hardly_ever_a_button(text: str) -> None:
    found = pressed(text)
    assert found is None or press(*found) == text.strip()


def test_a_button_without_a_place_sends_its_key() -> None:
    assert press("2", "") == "2"
    assert pressed("2") is None


@given(st.builds(OnPhone, st.sampled_from("ab"), st.integers(0, 1), st.sampled_from("xy"), choices=st.just(["yes"])))
def test_a_place_is_the_same_only_for_the_same_question_of_the_same_run(shown: OnPhone) -> None:
    same = OnPhone(**{name: getattr(shown, name) for name in OnPhone.__slots__} | {"lead": "common:sorry", "tries": 2})
    assert place_of(same, shown.run) == place_of(shown, shown.run)
    for other in ({"dialog": "z"}, {"step": "z"}, {"page": 3}, {"choices": ["no"]}, {"say": "resume"}, {"typed": True}):
        changed = OnPhone(**{name: getattr(shown, name) for name in OnPhone.__slots__} | other)
        assert place_of(changed, shown.run) != place_of(shown, shown.run)
    assert place_of(shown, shown.run + 1) != place_of(shown, shown.run)


def test_a_button_is_no_free_text(keeper: Keeper) -> None:
    assert not is_free(keeper.content, f"2@{PLACE}")
    assert is_free(keeper.content, f"two@{PLACE}")


# --- what a message becomes ---


def kind(message: Outgoing) -> str:
    found = filled(message)
    return "plain" if found is None else found.form.name


@pytest.mark.parametrize(
    ("text", "choices", "name"),
    [
        (YES_NO, 2, "ngazi_reply_1_3"),
        ("Read this.\nAnd this.\n1. Next", 0, "ngazi_reply_2_1"),
        ("Write a date.\n0. Back", 0, "ngazi_reply_1_1"),
        ("One.\n\n \nTwo.\n1. Yes", 1, "ngazi_reply_2_1"),
        (numbered("Which?", "a", "b", "c") + "\n0. Back", 3, "ngazi_list_5_4"),
        (numbered("Which?", *"abcdefgh"), 8, "ngazi_list_9_8"),
        (numbered("Which?", "x" * 21, "b"), 2, "ngazi_list_3_2"),
        (numbered("Which?", "x" * 25, "b"), 2, "ngazi_long_3_2"),
        (numbered("Which?", "x" * 72, "b"), 2, "ngazi_long_3_2"),
        (numbered("Which?", "same", "same"), 2, "ngazi_long_3_2"),
        (numbered("Which?", "x" * 73, "b"), 2, "plain"),
        (numbered("Which?", *"abcdefghijk"), 11, "plain"),
        (numbered("x" * 256, "a"), 1, "plain"),
        (numbered("\n".join(["x" * 200] * 6), "a"), 1, "plain"),
        (numbered("Say {{1}}", "a"), 1, "plain"),
        ("1. Yes\n2. No", 2, "plain"),
        ("Write a date.", 0, "plain"),
    ],
)
def test_few_short_choices_are_buttons_more_are_a_list_and_the_rest_keeps_its_numbers(
    text: str, choices: int, name: str
) -> None:
    assert kind(asked(text, choices)) == name


def test_without_a_place_or_a_word_for_the_list_it_stays_text() -> None:
    eight = numbered("Which?", *"abcdefgh")
    assert filled(asked(YES_NO, 2, place="")) is None
    assert filled(asked(eight, 8, choose="")) is None
    assert filled(asked(eight, 8, choose="x" * 21)) is None


def test_the_word_on_the_button_of_a_list_is_short_in_every_language(keeper: Keeper) -> None:
    for code in keeper.content.languages:
        assert 0 < len(keeper.content.text("common:choose", code, chat=True)) <= 20, code


def squeezed(text: str) -> str:
    """The letters alone."""
    return "".join(text.split())


def seen(words: Filled) -> tuple[Any, str]:
    """What a phone shows of it, with Twilio's limits checked, and what is stored at Twilio for it."""
    twilio = FakeContents()
    made = twilio.make(ACCOUNT, "HX" + "0" * 32, json.dumps(words.form.content()).encode())
    return twilio.fill(made["sid"], words.variables), json.dumps(made)


@given(st.lists(WORDS, max_size=12), st.lists(WORDS, max_size=12), st.booleans(), TEXT)
def test_any_reply_keeps_twilios_limits_and_all_its_words(
    lines: list[str], choices: list[str], back: bool, choose: str
) -> None:
    text = "\n".join([*lines, *(f"{key}. {each}" for key, each in enumerate(choices, 1))] + ["0. Back"] * back)
    message = asked(text, len(choices), choose=choose)
    words = filled(message)
    if words is None:
        return
    shown, stored = seen(words)
    ways = parted(Reply(text, tuple(choices), True))[1]
    assert [way.id for way in shown.ways] == [press(key, PLACE) for key, _ in ways]
    assert [squeezed(way.below or way.title) for way in shown.ways] == [squeezed(each) for _, each in ways]
    told = parted(Reply(text, tuple(choices), True))[0] if words.form.kind == "reply" else text
    assert squeezed(shown.body) == squeezed(told)
    assert len(shown.body) <= BODY
    for value in json.loads(words.variables).values():
        assert value.strip()
        assert len(value) <= 255
        assert not set(value) & set("\n\r\t\v\f\x1c\x85\u2028")
    assert all(line not in stored for line in lines if len(line) > 30)  # nothing that people read is stored there


def test_an_apostrophe_is_written_by_its_number() -> None:
    words = filled(asked("C'est l'heure ?\n1. Oui", 1))
    assert words is not None
    assert "'" not in words.variables
    assert json.loads(words.variables)["1"] == "C'est l'heure ?"


# --- the forms at Twilio ---


def send(sender: Any, *messages: Outgoing) -> list[str]:
    return [outcome.status for message in messages for outcome in sender.send([message])]


EIGHT = numbered("Which?", *"abcdefgh")


def test_a_form_is_made_once_and_found_again_by_the_next_process(stage: Stage) -> None:
    sender = stage.sender()
    assert send(sender, *[asked(YES_NO, 2)] * 3, asked(EIGHT, 8)) == ["sent"] * 4
    assert send(stage.sender(), asked(YES_NO, 2), asked(EIGHT, 8)) == ["sent"] * 2
    assert stage.names == ["ngazi_reply_1_3", "ngazi_list_9_8"]
    assert stage.lines()[0] == "Are you 18 or over?\n[Yes]\n[No]\n[Back]"
    assert stage.lines()[-1] == EIGHT + "\n" + "\n".join(f"[{each}]" for each in "abcdefgh")
    assert [way.id for way in stage.fake.contents.on_phones[ONE][0].ways] == [f"{key}@{PLACE}" for key in (1, 2, 0)]
    assert stage.fake.contents.on_phones[ONE][-1].button == "Choose"


def test_a_form_is_found_behind_many_of_the_operators_own(stage: Stage) -> None:
    assert send(stage.sender(), asked(YES_NO, 2)) == ["sent"]
    for number in range(120):
        body = dict(Form("reply", 1, 1).content()) | {"friendly_name": f"welcome_{number}"}
        stage.fake.contents.make(ACCOUNT, f"HX{number:032x}", json.dumps(body).encode())
    assert send(stage.sender(), asked(YES_NO, 2)) == ["sent"]
    assert stage.names.count("ngazi_reply_1_3") == 1


def test_two_processes_send_everything_once_and_a_third_makes_nothing(stage: Stage) -> None:
    senders = [stage.sender(), stage.sender()]
    numbers = [f"whatsapp:+2547000001{number:02}" for number in range(10, 28)]
    with ThreadPoolExecutor(6) as threads:
        work = [threads.submit(senders[at % 2].send, [asked(YES_NO, 2, to=to)]) for at, to in enumerate(numbers)]
    assert {job.result()[0].status for job in work} == {"sent"}
    assert all(stage.lines(to) == ["Are you 18 or over?\n[Yes]\n[No]\n[Back]"] for to in numbers)
    made = len(stage.names)
    assert made in (1, 2)
    send(stage.sender(), asked(YES_NO, 2))
    assert len(stage.names) == made


def test_off_means_numbers_and_another_word_is_an_error(stage: Stage) -> None:
    assert send(stage.sender(buttons="off"), asked(YES_NO, 2)) == ["sent"]
    assert (stage.lines(), stage.names) == ([YES_NO], [])
    with pytest.raises(SettingsError, match="buttons of channel wa is on or off"):
        stage.sender(buttons="no")


def test_a_template_and_an_sms_have_no_buttons(stage: Stage) -> None:
    late = Outgoing(7, ONE, YES_NO, template=True, choices=2, place=PLACE, choose="Choose")
    assert send(stage.sender(template="HX9"), late) == ["sent"]
    by_sms = Outgoing(7, "+254700000011", YES_NO, choices=2, place=PLACE, choose="Choose")
    assert send(stage.sender(**{"from": "+15005550006"}), by_sms) == ["sent"]
    assert stage.lines("+254700000011") == [YES_NO]
    assert stage.names == []


def test_a_form_that_somebody_deleted_costs_nobody_a_message(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    sender = stage.sender()
    send(sender, asked(YES_NO, 2))
    (sid,) = stage.fake.contents.kept
    stage.fake.contents.drop(sid)
    assert send(sender, asked(YES_NO, 2)) == ["sent"]
    assert stage.lines()[1:] == [YES_NO]
    assert "21655" in caplog.text


class Api:
    """Twilio as a test wants it: `contents` answers what is asked about contents, messages are taken."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.contents: Callable[[Any, Call], None] = self.no_list
        self.message: Callable[[Any, Call], None] = self.taken
        server.act = self.act

    def act(self, handler: Any, call: Call) -> None:
        (self.contents if call.path.startswith("/v1/") else self.message)(handler, call)

    def say(self, handler: Any, status: int, body: object) -> None:
        written = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(written)))
        handler.end_headers()
        handler.wfile.write(written)

    def no_list(self, handler: Any, call: Call) -> None:
        self.say(handler, 200, {"contents": [], "meta": {}} if handler.command == "GET" else {"sid": "HX" + "a" * 32})

    def taken(self, handler: Any, call: Call) -> None:
        self.say(handler, 201, {"sid": "SM" + "0" * 32, "status": "queued"})

    def sent(self) -> list[str]:
        """How the messages went."""
        forms = [call.form for call in self.server.calls if call.path.startswith("/2010")]
        return ["rich" if "ContentSid" in form else form["Body"] for form in forms]

    def asked(self) -> int:
        """How often contents were asked for."""
        return sum(call.path.startswith("/v1/") for call in self.server.calls)


@pytest.fixture
def api() -> Iterator[Api]:
    with Server() as server:
        yield Api(server)


def sender_of(api: Api) -> Any:
    return connect(Channel("wa", "twilio", ACCOUNT, TOKEN, "", (), {"base": api.server.base, "from": SENDER}), PUBLIC)


def down(api: Api) -> None:
    api.contents = lambda handler, call: api.say(handler, 503, {"code": 20503})


def forbidden(api: Api) -> None:
    api.contents = lambda handler, call: api.say(handler, 401, {"code": 20003})


def nonsense(api: Api) -> None:
    api.contents = lambda handler, call: api.say(handler, 200, "<html>Welcome to the hotel</html>")


def strange_list(api: Api) -> None:
    api.contents = lambda handler, call: api.say(handler, 200, {"contents": {"a": 1}})


def endless(api: Api) -> None:
    following = {"contents": [], "meta": {"next_page_url": "https://elsewhere.example/v1/Content?Page=1"}}
    api.contents = lambda handler, call: api.say(handler, 200, following)


def strange_id(api: Api) -> None:
    def act(handler: Any, call: Call) -> None:
        api.say(handler, 200, {"contents": [], "meta": {}} if handler.command == "GET" else {"sid": "../Messages"})

    api.contents = act


def slow(api: Api) -> None:
    def act(handler: Any, call: Call) -> None:
        api.server.over.wait(5)

    api.contents = act


def breaks_off(api: Api) -> None:
    def act(handler: Any, call: Call) -> None:
        handler.close_connection = True
        handler.connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{")

    api.contents = act


TROUBLES = (down, forbidden, nonsense, strange_list, endless, strange_id, slow, breaks_off)


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda each: each.__name__)
def test_whatever_contents_do_the_message_goes_once_and_then_they_rest(
    trouble: Callable[[Api], None], api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(providers, "CALL_LASTS", 2.0)
    trouble(api)
    sender = sender_of(api)
    begun = time.monotonic()
    assert send(sender, asked(YES_NO, 2)) == ["sent"]
    assert time.monotonic() - begun < 1.5
    before = api.asked()
    assert send(sender, asked(YES_NO, 2), asked(EIGHT, 8)) == ["sent"] * 2
    assert api.sent() == [YES_NO, YES_NO, EIGHT]
    assert api.asked() == before
    assert caplog.text.count("numbers in place of new buttons") == 1
    assert ONE not in caplog.text
    assert "18" not in caplog.text


def test_after_a_rest_it_is_tried_again(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "REST", 0.05)
    down(api)
    sender = sender_of(api)
    send(sender, asked(YES_NO, 2))
    time.sleep(0.06)
    api.contents = api.no_list
    send(sender, asked(YES_NO, 2))
    assert api.sent() == [YES_NO, "rich"]


def test_a_long_list_is_read_on_with_the_next_message(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(providers, "CALL_LASTS", 2.0)

    def act(handler: Any, call: Call) -> None:
        time.sleep(0.15)
        page = int(call.path.rpartition("Page=")[2]) if "&Page=" in call.path else 0
        last = {"friendly_name": "ngazi_reply_1_3", "sid": "HX" + "b" * 32}
        more = {"meta": {"next_page_url": f"{api.server.base}/v1/Content?PageSize=50&Page={page + 1}"}}
        api.say(handler, 200, {"contents": []} | more if page < 4 else {"contents": [last], "meta": {}})

    api.contents = act
    sender = sender_of(api)
    send(sender, *[asked(YES_NO, 2)] * 4)
    assert api.sent()[0] == YES_NO
    assert api.sent()[-1] == "rich"
    assert not any(call.body for call in api.server.calls if call.path.startswith("/v1/"))  # nothing was made


@pytest.mark.parametrize(
    ("code", "status", "went"),
    [
        (21656, 400, ["rich", YES_NO]),
        (21658, 400, ["rich", YES_NO]),
        (21655, 400, ["rich", YES_NO]),
        (20404, 404, ["rich", YES_NO]),
        (29999, 400, ["rich", YES_NO]),  # nobody knows what it is about: without buttons it may go
        (21610, 400, ["rich"]),
        (21211, 400, ["rich"]),
        (63016, 400, ["rich"]),
        (20003, 401, ["rich"]),
        (20429, 429, ["rich"]),
        (20500, 500, ["rich"]),
    ],
)
def test_what_twilio_refuses_for_its_buttons_goes_without_and_nothing_else_goes_twice(
    code: int, status: int, went: list[str], api: Api
) -> None:
    def act(handler: Any, call: Call) -> None:
        if "ContentSid" in call.form:
            api.say(handler, status, {"code": code, "message": "no", "status": status})
        else:
            api.taken(handler, call)

    api.message = act
    (outcome,) = sender_of(api).send([asked(YES_NO, 2)])
    assert api.sent() == went
    assert (outcome.status == "sent") == (len(went) == 2)


def test_a_message_with_buttons_that_gets_no_answer_is_unknown_and_is_not_sent_again(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(providers, "CALL_LASTS", 0.6)

    def act(handler: Any, call: Call) -> None:
        api.server.over.wait(5)

    api.message = act
    assert sender_of(api).send([asked(YES_NO, 2)]) == [Outcome(7, "unknown", reason=sending.UNANSWERED)]
    assert api.sent() == ["rich"]
