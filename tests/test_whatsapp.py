"""People in WhatsApp, who press buttons, send photos and write, before the real application and a fake Twilio."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import func, select

from dialogs.check.catalogue import BASE
from dialogs.content import Keeper
from dialogs.inbound import Inbound, Reply, press, pressed
from dialogs.tables import Answer, Contact
from gateway.dispatch import through_engine
from gateway.tables import Message
from gateway.work import Worker
from tests.phones import Site
from tests.whatsapp import ACCOUNT, ONE, PUBLIC, SENDER, TOKEN, Person, Stage, open_site, stage

__all__ = ["stage"]
PLACE = "k3f7abcd"
AGREE = """\
title: Welcome
resume: never
then: /menu
steps:
  language:
    ask: Choose your language
    choices: languages
    save: language
  consent:
    ask: Agree?
    choices:
      yes: Yes
      no: No
    save: consent
    go:
      no: forget
"""
COUNTED = """\
title: Some questions
then: /menu
steps:
  role:
    ask: What do you do?
    choices:
      leader: Lead
      worker: Work
    save: role
  people:
    ask: How many people?
    as: number
    save: people
  thanks:
    say: Thank you.
"""


@pytest.fixture
def person(new_site: Callable[..., Site], keeper: Keeper, stage: Stage) -> Iterator[Person]:
    with open_site(new_site, keeper, stage) as site:
        yield Person(site, stage)


def test_somebody_goes_from_hello_into_the_quiz_by_pressing_alone(person: Person) -> None:
    languages = person.say("hello")
    assert "[English]" in languages
    assert "1. English" in languages  # a list is hidden behind its button, so its numbers stay
    adult = person.press("English")
    assert adult.endswith("[Yes]\n[No]\n[Back]")
    assert "1. Yes" not in adult
    consent = person.press("Yes")
    assert consent.endswith("[Yes]\n[No]\n[Back]")
    assert person.press("Back") == adult
    assert person.press("Yes") == consent
    menu = person.press("Yes")
    assert "[" not in menu  # too many for a list
    ready = person.say("1")
    assert "[First twelve questions]" in ready
    assert person.press("First twelve questions") != ready
    assert len(set(person.stage.names)) == len(person.stage.names)
    assert person.count(Message.direction == "out", Message.status != "sent") == 0


def test_digits_and_words_answer_as_before(person: Person) -> None:
    person.say("hello")
    person.say("1")
    person.say("yes")
    assert "1. " in person.say("Yes")
    by_digit = person.say("1")
    person.say("menu")
    assert person.say("Am I ready?") == by_digit


def test_an_old_button_shows_the_open_question_and_stores_nothing(person: Person) -> None:
    person.say("hello")
    person.press("English")
    old = person.id_of("No")  # to the question about the age: it would erase the person
    consent = person.press("Yes")
    before, answers = person.answers(), person.count(of=Answer)
    assert person.send(press="No", payload=old) == consent
    assert (person.answers(), person.count(of=Answer)) == (before, answers)
    assert person.count(Contact.consent_at.is_not(None), of=Contact) == 0
    person.press("Yes")
    assert person.count(Contact.consent_at.is_not(None), of=Contact) == 1


def test_an_old_item_of_a_list_shows_the_open_question(person: Person) -> None:
    person.say("hello")
    old = person.id_of("English")
    adult = person.press("English")
    assert person.send(press="English", payload=old, list="1") == adult


def test_a_button_pressed_after_a_day_answers_if_its_question_is_still_open(person: Person) -> None:
    person.join()
    person.say("1")
    first = person.press("First twelve questions")
    key = person.stage.fake.contents.on_phones[person.number][-1].ways[0]
    person.site.clock.wait(hours=25)
    assert person.press(key.words) != first
    person.site.clock.wait(hours=25)
    later = person.send(press=key.title, payload=key.id)  # that question was answered yesterday
    assert later == person.stage.lines(person.number)[-2]


def test_back_below_a_question_for_a_number_is_no_number(new_site: Callable[..., Site], tmp_path: Path) -> None:
    for name, text in BASE.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    menu = tmp_path / "content/dialogs/menu.yaml"
    written = menu.read_text("utf-8").replace("choices:\n", "choices:\n      asked: Some questions\n")
    menu.write_text(written.replace("go:\n", "go:\n      asked: /asked\n"), "utf-8")
    (tmp_path / "content/dialogs/asked.yaml").write_text(COUNTED, "utf-8")
    (tmp_path / "content/dialogs/hello.yaml").write_text(AGREE, "utf-8")
    site, said = new_site(Keeper(tmp_path / "content", drafts=True)), count()

    def say(text: str) -> Reply:
        return site.take(Inbound("ke", "sms", ONE, text, "", f"{ONE}-{next(said)}"))

    for text in ("hello", "1", "1", "Some questions"):
        say(text)
    asked = say("1")
    assert asked.text == "How many people?\n0. Back"
    assert say(press("0", asked.place)).text.startswith("What do you do?")
    say("1")
    assert "How many people" not in say("0").text  # written, it is a number


def test_a_press_when_nothing_is_open_begins_anew(person: Person) -> None:
    assert "English" in person.send(press="Yes", payload=f"1@{PLACE}")


def test_a_press_after_stop_says_nothing_and_keeps_the_stop(person: Person) -> None:
    person.join()
    person.say("1")
    old = person.id_of("First twelve questions")
    person.say("STOP")
    assert person.send(press="First twelve questions", payload=old) == ""
    assert person.count(Contact.stopped_at.is_not(None), of=Contact) == 1


def test_a_button_of_the_operators_own_template_is_text(person: Person) -> None:
    person.join()
    assert person.send(press="To the menu", payload="menu") == person.say("menu")


@pytest.mark.parametrize("sent", [{"media": "1"}, {"media": "10"}, {"place": "-1.28,36.81"}], ids=str)
def test_a_photo_or_a_place_gets_a_kind_word_and_the_open_question(sent: dict[str, str], person: Person) -> None:
    only = person.site.house.keeper.content.text("common:text_only", "en", chat=True)
    languages = person.send(**sent)
    assert languages.startswith(f"{only}\n")
    assert "[English]" in languages
    person.press("English")
    person.press("Yes")
    person.press("Yes")
    ready = person.say("1")
    before = person.answers()
    assert person.send(**sent) == f"{only}\n{ready}"
    assert person.send(text="") == ready  # the kind word is said once
    assert person.answers() == before


def test_what_is_written_below_a_photo_counts(person: Person) -> None:
    person.join()
    by_digit = person.say("1")
    person.say("menu")
    assert person.send(text="1", media="1") == by_digit


def test_nothing_of_the_buttons_stays_with_a_message_that_has_gone(person: Person) -> None:
    person.join()
    with person.site.database() as db:
        assert set(db.execute(select(Message.about)).scalars()) == {None}
        assert db.execute(select(func.count()).where(Message.about.is_not(None))).scalar_one() == 0


def test_what_waits_keeps_what_its_buttons_need(new_site: Callable[..., Site], keeper: Keeper, stage: Stage) -> None:
    channel = f"wa=twilio://{ACCOUNT}:{TOKEN}@?base={stage.base}&from={SENDER}&secret=secret"
    site = new_site(keeper, NGAZI_CHANNELS=channel, NGAZI_PUBLIC_URL=PUBLIC)
    _, post = stage.fake.said(f"{PUBLIC}/in/wa/secret/sms", {"from": ONE, "text": "hello"})
    assert site.client is not None
    headers = {"content-type": post.content_type} | dict(post.headers)
    site.client.post("/in/wa/secret/sms", content=post.body, headers=headers)
    with site.database() as db:
        (about,) = db.execute(select(Message.about).where(Message.direction == "out")).scalars()
    assert about.keys() == {"choices", "place"}
    assert pressed(press("1", about["place"])) is not None


def test_two_workers_send_each_reply_once_with_its_buttons(
    new_site: Callable[..., Site], keeper: Keeper, stage: Stage
) -> None:
    with open_site(new_site, keeper, stage) as site:
        house = site.house
        sender = {"wa": stage.sender()}
        other = Worker(sender, house.settings.channels, house.now, through_engine(house.engine), site.clock)
        other.start()
        try:
            people = [Person(site, stage, f"whatsapp:+2547000002{number}") for number in range(10, 22)]
            for person in people:
                person.say("hello")
        finally:
            other.stop(10)
    for person in people:
        (line,) = stage.lines(person.number)
        assert "[English]" in line
