from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from sqlalchemy import Text, cast, func, select
from starlette.requests import Request

from dialogs.inbound import Reply, parted
from dialogs.seal import Seal
from dialogs.tables import Address, Answer, Contact, Session
from gateway import guests
from gateway.channels import SettingsError
from gateway.chat import LARGEST, LONGEST, accepted, choose_language
from gateway.guests import Guests, Pace, caller_of, is_ours, new_id
from gateway.settings import Settings
from gateway.tables import Message
from tests.phones import SECRET_KEY, Site

SEAL = Seal(SECRET_KEY)
RTL = "أريد أن أعرف هل أنا جاهز"


class Browser:
    """A visitor's page: it keeps an id and numbers its messages."""

    def __init__(self, site: Site, id: str = "") -> None:
        self.site, self.number = site, 0
        self.id = id or self.post("/chat/new", {}).json()["id"]

    def post(self, path: str, body: object, **more: Any) -> Any:
        """One request."""
        assert self.site.client is not None
        return self.site.client.post(path, json=body, **more)

    def send(self, text: str, number: int, **more: str) -> Any:
        """One message under a number of the test's choice; the whole response."""
        return self.post("/chat/say", {"id": self.id, "text": text, "number": number} | more)

    def say(self, text: str, **more: str) -> dict[str, Any]:
        """The next message; its answer."""
        self.number += 1
        response = self.send(text, self.number, **more)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        assert answer["number"] == self.number
        return answer

    def look(self) -> dict[str, Any]:
        """What stands there now."""
        answer: dict[str, Any] = self.send("", 0).json()
        return answer

    def pick(self, words: str, answer: dict[str, Any]) -> dict[str, Any]:
        """Press the button that reads so."""
        (key,) = [each["key"] for each in answer["choices"] if each["text"] == words]
        return self.say(key)

    def join(self, language: str = "English") -> dict[str, Any]:
        """In, and to the menu."""
        self.pick(language, self.say("hello"))
        self.say("1")
        return self.say("1")


@pytest.fixture
def chat(new_site: Callable[..., Site], keeper: Any) -> Site:
    return new_site(keeper, NGAZI_CHAT="on")


@pytest.fixture
def visitor(chat: Site) -> Browser:
    return Browser(chat)


def rows(site: Site, table: Any) -> int:
    with site.database() as db:
        return db.execute(select(func.count()).select_from(table)).scalar_one()


# --- the conversation ---


def test_a_newcomer_is_welcomed_and_chooses_by_buttons_with_words_and_numbers(visitor: Browser) -> None:
    first = visitor.look()
    assert first["text"] == "Choose your language"
    assert first["choices"][0] == {"key": "1", "text": "English"}
    assert {"Kiswahili", "Español"} & {each["text"] for each in first["choices"]}
    menu = visitor.join()
    assert menu["text"] == "Safe and fair work. Choose a number."
    assert [each["key"] for each in menu["choices"][:3]] == ["1", "2", "3"]
    assert len(menu["choices"]) > 9
    assert menu["more"] is True


def test_words_serve_as_well_as_numbers(visitor: Browser) -> None:
    menu = visitor.join()
    assert visitor.say("short lessons")["text"] == visitor.pick("Short lessons", visitor.say("MENU"))["text"]
    assert visitor.say("menu")["text"] == menu["text"]


def test_a_page_of_text_goes_on_and_back_by_buttons(visitor: Browser) -> None:
    visitor.join()
    lesson = visitor.pick("Hard words", visitor.say("MENU"))
    assert lesson["choices"]
    page = visitor.say("1")
    assert page["choices"][-1] == {"key": "0", "text": "Back"}


def test_the_answers_speak_the_language_that_was_chosen(visitor: Browser) -> None:
    assert visitor.look()["language"] == ""
    assert visitor.join("Kiswahili")["language"] == "sw"
    assert visitor.say("help")["language"] == "sw"


@pytest.mark.parametrize("topic", ["Children", "Free and safe"])
def test_unkept_questions_are_said_and_not_asked(visitor: Browser, keeper: Any, topic: str) -> None:
    visitor.pick("Am I ready?", visitor.join())
    visitor.pick("All topics", visitor.look())
    visitor.say("1")  # the role
    answer = visitor.pick(topic, visitor.say("1"))  # the mineral
    said = set()
    for _ in range(12):
        with visitor.site.database() as db:
            shown = json.loads(str(db.execute(select(cast(Session.shown, Text))).scalar_one()))
        dialog = keeper.content.dialogs[shown["dialog"]]
        step = dialog.step(shown["step"])
        if step.asks and step.keep != "yes":
            said.add(step.id)
            assert {each["key"] for each in answer["choices"]} <= {"1", "0"}
            assert {each["text"] for each in answer["choices"]} <= {"Next", "Back"}
        answer = visitor.say("1")
    assert said
    with visitor.site.database() as db:
        assert db.execute(select(func.count()).select_from(Answer).where(Answer.step.in_(said))).scalar_one() == 0


def test_a_place_in_the_quiz_is_kept_from_one_process_to_the_next(visitor: Browser) -> None:
    visitor.join()
    visitor.pick("Am I ready?", visitor.say("MENU"))
    place = visitor.say("1")
    visitor.site.restart()
    there = visitor.look()
    assert (there["text"], there["choices"]) == (place["text"], place["choices"])


def test_stop_holds_until_start_and_help_is_always_given(visitor: Browser) -> None:
    visitor.join()
    stopped = visitor.say("STOP")
    assert "START" in stopped["text"]
    assert stopped["choices"] == [{"key": "START", "text": "START"}]
    assert visitor.say("hello")["text"] == stopped["text"]
    assert visitor.look()["text"] == stopped["text"]
    assert "MENU" in visitor.say("HELP")["text"]
    assert visitor.say("START")["choices"][0]["key"] == "1"


def test_who_is_forgotten_leaves_nothing_and_may_come_again(visitor: Browser) -> None:
    visitor.pick("English", visitor.say("hello"))
    child = visitor.say("2")
    assert "adults" in child["text"]
    assert child["choices"] == []
    assert rows(visitor.site, Contact) == rows(visitor.site, Address) == rows(visitor.site, Session) == 0
    assert visitor.say("hello")["text"] == "Choose your language"


def test_danger_is_answered_with_help_at_once_and_the_question_stays(visitor: Browser) -> None:
    menu = visitor.join()
    told = visitor.say("he beats me")
    assert told["text"] != menu["text"]
    assert told["text"].endswith(menu["text"])
    assert told["choices"] == menu["choices"]
    visitor.say("STOP")
    assert visitor.say("he beats me")["text"] != visitor.look()["text"]


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("English", "I want to know if am I ready"),
        ("Kiswahili", "nataka kujua kama niko tayari"),
        ("Français", "Je veux savoir si je suis prêt: suis-je prêt?"),
        ("Español", "quiero saber si estoy listo"),
    ],
)
def test_a_newcomer_who_asks_to_be_tested_gets_there_after_the_welcome(
    visitor: Browser, keeper: Any, language: str, words: str
) -> None:
    visitor.pick(language, visitor.say(words))
    visitor.say("1")
    here = visitor.say("1")
    assert here["text"].startswith(keeper.content.text("starter:welcome.say.1", here["language"])[:20])


# --- the same message twice, and two at once ---


def test_a_repeated_message_gets_the_same_answer_and_counts_once(visitor: Browser) -> None:
    visitor.join()
    visitor.say("1")
    first = visitor.send("1", visitor.number + 1).json()
    before = rows(visitor.site, Answer), rows(visitor.site, Message)
    assert visitor.send("1", visitor.number + 1).json() == first
    assert (rows(visitor.site, Answer), rows(visitor.site, Message)) == before


def test_a_repeat_of_the_last_words_gets_them_again(visitor: Browser) -> None:
    visitor.join()
    stopped = visitor.say("STOP")
    assert visitor.send("STOP", visitor.number).json() == stopped


def test_a_repeat_after_a_restart_stores_nothing_and_shows_what_stands_there(visitor: Browser) -> None:
    visitor.join()
    visitor.say("1")
    first = visitor.say("1")
    before = rows(visitor.site, Answer), rows(visitor.site, Message)
    visitor.site.restart()
    again = visitor.send("1", visitor.number).json()
    assert (again["text"], again["choices"], again["again"]) == (first["text"], first["choices"], True)
    assert (rows(visitor.site, Answer), rows(visitor.site, Message)) == before


def test_another_message_under_a_used_number_is_not_taken_for_an_answer(visitor: Browser) -> None:
    visitor.join()
    shown = visitor.say("1")
    late = visitor.send("2", visitor.number).json()
    assert late["again"] is True
    assert (late["text"], late["number"]) == (shown["text"], visitor.number)
    earlier = visitor.send("2", 1).json()
    assert (earlier["text"], earlier["number"]) == (shown["text"], visitor.number)


def test_looking_changes_nothing(visitor: Browser) -> None:
    visitor.join()
    place = visitor.say("1")
    before = rows(visitor.site, Message)
    assert [visitor.look()["text"] for _ in range(3)] == [place["text"]] * 3
    assert rows(visitor.site, Message) == before


def test_messages_at_once_keep_their_order(chat: Site) -> None:
    visitor = Browser(chat)
    visitor.join()
    texts = ["1", "0", "2", "0", "MENU", "2"]
    one_by_one = Browser(chat)
    one_by_one.join()
    expected = [one_by_one.say(text)["text"] for text in texts]

    async def all_of_them() -> list[Any]:
        assert chat.client is not None
        carrier = httpx2.ASGITransport(app=chat.client.app)
        async with httpx2.AsyncClient(transport=carrier, base_url="http://here") as client:
            bodies = [
                {"id": visitor.id, "text": text, "number": number}
                for number, text in enumerate(texts, visitor.number + 1)
            ]
            return await asyncio.gather(*(client.post("/chat/say", json=body) for body in bodies))

    assert chat.client is not None
    assert chat.client.portal is not None
    assert [each.json()["text"] for each in chat.client.portal.call(all_of_them)] == expected


# --- what people send ---


@pytest.mark.parametrize("text", ["", " ", "🙂🙂", RTL, "\u0000\u202e", "a" * LONGEST, "\\ud83d"])
def test_anything_typed_gets_an_answer(visitor: Browser, text: str) -> None:
    visitor.join()
    answer = visitor.say(text)
    assert answer["text"]
    assert answer["choices"]


@pytest.mark.parametrize(
    "raw", [b'{"id": "%s", "number": 9, "text": "\\ud83d"}', b'{"id": "%s", "number": "9", "text": "\xe9t\xe9"}']
)
def test_broken_letters_do_no_harm(visitor: Browser, raw: bytes) -> None:
    assert visitor.site.client is not None
    body = raw % visitor.id.encode()
    response = visitor.site.client.post("/chat/say", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 200


def test_a_picture_or_a_voice_note_gets_a_kind_word_and_the_open_question(visitor: Browser, keeper: Any) -> None:
    visitor.join()
    asked = visitor.say("1")
    answer = visitor.say("[photo.jpg]", kind="voice")
    assert answer["text"] == f"{keeper.content.text('common:text_only', 'en')}\n{asked['text']}"
    assert answer["choices"] == asked["choices"]


def test_another_kind_of_body_gets_the_kind_word(visitor: Browser, keeper: Any) -> None:
    client = visitor.site.client
    assert client is not None
    for sent in ({"content": b"\xff\xd8", "headers": {"Content-Type": "image/jpeg"}}, {"files": {"voice": b"RIFF"}}):
        response = client.post("/chat/say", **sent)
        assert response.status_code == 415
        assert response.json()["text"] == keeper.content.text("common:text_only", "en")


def test_what_is_too_long_is_refused(visitor: Browser) -> None:
    assert visitor.send("a" * (LONGEST + 1), 1).status_code == 413
    assert visitor.send("a" * 20_000, 1).status_code == 413
    assert visitor.send("a", 1, more="b" * LARGEST).status_code == 413
    assert rows(visitor.site, Contact) == 0


@pytest.mark.parametrize(
    "body",
    [{}, [], "1", {"text": "1", "number": 1}, {"id": "ID", "number": 1}, {"id": "ID", "text": "1"}]
    + [{"id": "ID", "text": "1", "number": number} for number in (-1, 1.5, "x", "²", 10**9, None, [1])]
    + [{"id": "ID", "text": {"a": "1"}, "number": 1}],
)
def test_what_no_page_sends_is_refused(visitor: Browser, body: Any) -> None:
    if isinstance(body, dict) and body.get("id"):
        body = body | {"id": visitor.id}
    assert visitor.post("/chat/say", body).status_code in (400, 403)
    assert rows(visitor.site, Contact) == 0


# --- ids ---


def test_ids_have_22_letters_are_never_twice_the_same_and_are_known_again() -> None:
    ids = {new_id(SEAL) for _ in range(500)}
    assert len(ids) == 500
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{22}", id) and is_ours(SEAL, id) for id in ids)
    assert not any(is_ours(Seal("another key of the tests, long enough"), id) for id in ids)


def test_made_up_ids_are_refused(visitor: Browser) -> None:
    good = visitor.id
    made_up = [
        "",
        "x",
        "A" * 22,
        good[:-1],
        good + "A",
        good + "\n",
        "é" * 22,
        ("B" if good[0] == "A" else "A") + good[1:],
    ]
    for id in made_up:
        assert not is_ours(SEAL, id)
        assert Browser(visitor.site, id or "-").send("1", 1).status_code == 403
    last = chr(ord(good[-1]) + 1)  # the same bytes written otherwise
    assert not is_ours(SEAL, good[:-1] + last)
    assert rows(visitor.site, Contact) == 0


def test_an_id_alone_stores_nothing(chat: Site) -> None:
    assert Browser(chat).id != Browser(chat).id
    assert rows(chat, Contact) == rows(chat, Address) == 0


def test_neither_ids_nor_texts_are_logged_or_counted_by_name(
    visitor: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    visitor.join()
    visitor.say("a most private question")
    visitor.send("x" * 3000, 99)
    told = "".join(record.getMessage() for record in caplog.records if record.name.startswith("ngazi"))
    assert visitor.site.client is not None
    told += visitor.site.client.get("/metrics").text
    assert visitor.id not in told
    assert "private question" not in told
    assert 'ngazi_callbacks_total{channel="chat",kind="say",outcome="answered"}' in told
    assert 'outcome="413"' in told


def test_the_database_holds_no_id_and_no_text_of_a_chat(visitor: Browser) -> None:
    visitor.join()
    visitor.say("a most private question")
    with visitor.site.database() as db:
        found = db.execute(select(Message.provider_id, Message.text, Message.direction)).all()
        assert db.execute(select(Address.sealed)).scalars().all() == [None]
    assert {(row.text, row.direction) for row in found} == {(None, "in")}
    assert not any(visitor.id in row.provider_id for row in found)


# --- how much ---


def test_a_guest_who_writes_too_fast_waits_a_little(visitor: Browser) -> None:
    answers = [visitor.send("x", number) for number in range(1, 61)]
    late = [each for each in answers if each.status_code == 429]
    assert 10 < len(late) <= 30
    assert 0 < int(late[0].headers["Retry-After"]) < 5


def test_an_address_gets_only_so_many_ids(chat: Site) -> None:
    assert chat.client is not None
    codes = [chat.client.post("/chat/new", json={}).status_code for _ in range(90)]
    assert codes[:50] == [200] * 50
    assert codes[-1] == 429


def test_a_pace_lets_some_through_at_once_and_then_one_by_one() -> None:
    pace = Pace(at_once=2, seconds=10)
    assert [pace.wait("a", 0.0), pace.wait("a", 0.0)] == [0, 0]
    assert pace.wait("a", 4.0) == pytest.approx(6.0)
    assert pace.wait("b", 4.0) == 0
    assert pace.wait("a", 10.0) == 0
    assert pace.wait("a", 10.0) > 0


def test_what_is_remembered_of_guests_has_an_end() -> None:
    pace, known = Pace(1, 10, most=3), Guests(most=3)
    for number in range(9):
        pace.wait(str(number), 0.0)
        known.meet(str(number), 0.0).keep(1, "x", {}, 0.0)
    assert len(pace._kept) == len(known._kept) == 3
    known.meet("8", guests.ANSWER_LASTS * 2)
    assert list(known._kept) == ["8"]


@pytest.mark.parametrize(
    ("peer", "forwarded", "caller"),
    [
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "198.51.100.9, 41.90.1.2", "41.90.1.2"),
        ("10.0.0.7", "41.90.1.2", "41.90.1.2"),
        ("41.90.1.2", "1.1.1.1", "41.90.1.2"),  # nobody's proxy: it may say what it likes
        ("127.0.0.1", "unknown", "127.0.0.1"),
        ("::1", "2c0f:fe38:1:2:3:4:5:6", "2c0f:fe38:1:2::/64"),
        ("testclient", "", "testclient"),
    ],
)
def test_the_caller_is_told_from_our_own_proxy(peer: str, forwarded: str, caller: str) -> None:
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    assert caller_of({"type": "http", "client": (peer, 1), "headers": headers}) == caller


def test_a_desk_that_is_busy_asks_the_page_to_come_again(visitor: Browser) -> None:
    visitor.join()
    visitor.site.house.desk.most_waiting = 0
    assert visitor.send("1", 50).status_code == 503
    visitor.site.house.desk.most_waiting = 100
    assert visitor.send("1", 50).status_code == 200


# --- the page ---


def test_the_page_and_its_files_come_from_here_alone(chat: Site) -> None:
    assert chat.client is not None
    page = chat.client.get("/chat")
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert policy.endswith("frame-ancestors 'none'")
    assert "unsafe" not in policy
    assert "{{" not in page.text
    assert "set-cookie" not in page.headers
    for file in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        assert chat.client.get(f"/{file}").status_code == 200
    assert not re.search(r"https?://", re.sub(r"<!.*?>", "", page.text))


def test_the_page_reads_in_the_language_of_the_browser_or_of_the_address(chat: Site, keeper: Any) -> None:
    assert chat.client is not None
    french = {"Accept-Language": "xx, fr-CD;q=0.9, en;q=0.8"}
    said = keeper.content.text("common:chat_send", "fr")
    assert f">{said}</button>" in chat.client.get("/chat", headers=french).text
    assert '<html lang="sw">' in chat.client.get("/chat?lang=sw", headers=french).text
    assert '<html lang="fr">' in chat.client.get('/chat?lang="><b>', headers=french).text
    assert chat.client.get("/chat/words?lang=sw").json()["words"]["chat_send"] == "Tuma"
    words = chat.client.get("/chat/words?lang=fr").json()["words"]
    assert words["chat_title"] == "Travail sûr et juste"  # without its accent it is no safe work


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("", ""),
        ("sw", "sw"),
        ("fr;q=0.2, sw;q=0.8", "sw"),
        ("fr;q=0, sw;q=0.1", "sw"),
        ("*, ;;q=x", ""),
        ("q" * 9999, ""),
    ],
)
def test_the_languages_of_a_browser_are_read_in_its_order(header: str, wanted: str) -> None:
    request = Request({"type": "http", "headers": [(b"accept-language", header.encode())]})
    assert choose_language(accepted(request), ["en", "fr", "sw"]) == (wanted or "en")


def test_files_beside_the_page_are_not_served(chat: Site) -> None:
    assert chat.client is not None
    for name in ("chat.html", "..%2fchat.py", "chat.py", "nothing.js"):
        assert chat.client.get(f"/chat/{name}").status_code == 404


def test_there_is_no_chat_unless_it_is_wanted(site: Site) -> None:
    assert site.client is not None
    assert site.client.get("/chat").status_code == 404
    assert site.client.post("/chat/new", json={}).status_code == 404
    assert site.client.post("/chat/say", json={}).status_code == 404


def test_only_the_sites_that_were_named_may_embed_it(new_site: Callable[..., Site], keeper: Any) -> None:
    site = new_site(keeper, NGAZI_CHAT="on", NGAZI_CHAT_ORIGINS="https://ngo.example/ https://*.Partner.example:8443")
    assert site.client is not None
    policy = site.client.get("/chat").headers["Content-Security-Policy"]
    assert policy.endswith("frame-ancestors 'self' https://ngo.example https://*.partner.example:8443")


@pytest.mark.parametrize(
    "written", ["*", "ngo.example", "https://a;script-src *", "https://a/path", "'none'", "https://"]
)
def test_a_site_that_is_none_is_told_at_the_start(tmp_path: Any, written: str) -> None:
    with pytest.raises(SettingsError, match="NGAZI_CHAT_ORIGINS must be addresses of sites"):
        Settings.read({"NGAZI_DATA": str(tmp_path), "NGAZI_CHAT_ORIGINS": written})


def test_another_page_cannot_speak_for_a_visitor(visitor: Browser) -> None:
    """JSON from elsewhere needs leave (CORS), which nobody gets; and a form is no JSON."""
    client = visitor.site.client
    assert client is not None
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    leave = client.options("/chat/say", headers=asked)
    assert leave.status_code == 405
    assert "access-control-allow-origin" not in leave.headers
    form = json.dumps({"id": visitor.id, "text": "1", "number": 1})
    assert client.post("/chat/say", content=form, headers={"Content-Type": "text/plain"}).status_code == 415
    assert client.post("/chat/new", content=b"", headers={"Content-Type": "text/plain"}).status_code == 415


# --- parts ---


def test_the_last_lines_of_a_reply_are_its_choices() -> None:
    reply = Reply("Read this:\n1. one\nNow?\n1. Yes\n2. No\n0. Back", ("yes", "no"), more=True)
    assert parted(reply) == ("Read this:\n1. one\nNow?", [("1", "Yes"), ("2", "No"), ("0", "Back")])
    assert parted(Reply("A page\n1. Next\n0. Back", more=True)) == ("A page", [("1", "Next"), ("0", "Back")])
    assert parted(Reply("Write it.\n0. Back", more=True)) == ("Write it.", [("0", "Back")])
    assert parted(Reply("Thank you.\n1. no choice")) == ("Thank you.\n1. no choice", [])
    assert parted(Reply("", more=True)) == ("", [])
    many = "\n".join(f"{n}. c{n}" for n in range(1, 15))
    assert parted(Reply(f"Menu\n{many}", ("x",) * 14, more=True))[1] == [(str(n), f"c{n}") for n in range(1, 15)]
