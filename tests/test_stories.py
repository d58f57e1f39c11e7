"""The assistant's stories: that they can be played, on a real gateway too, and that the page in the docs is still true.

A stand-in answers for Rasa; `make bot-test` plays them with the real one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from bot.playing import Failed, Playing
from bot.server import LANGUAGES, free_port
from bot.speaking import Answer
from bot.stage import Stage
from bot.stories import play_all
from bot.story import RASA, Story, Unclear, choice_id, read_story, stories_in, text_ids
from bot.transcript import Said, page, said_by, strange_lines, written
from dialogs.content import Keeper
from dialogs.locale import fold_word
from tests.loopback import Call, Server
from tests.test_assistant import examples

PAGE = Path(__file__).resolve().parent.parent / "docs" / "conversation.md"
STORIES = {story.name: story for story in stories_in()}
MEANT = {"ready": "want_ready", "sell": "sell_no_permit"}  # the sentences that Rasa is asked about
STORY = """
title: A visitor
languages: [en]
words:
  hello: {en: hello}
  language: {en: English}
  sell: {en: can I sell gold without a licence?}
lines:
"""


class StandIn:
    """What Rasa says to the sentences of the stories, until it is killed."""

    def __init__(self, server: Server) -> None:
        self.url, self._server = server.base, server
        said = [
            (key, text) for story in STORIES.values() for key, each in story.words.items() for text in each.values()
        ]
        self._intents = {text: MEANT[key] for key, text in said if key in MEANT}

    def start(self) -> None:
        def act(handler: BaseHTTPRequestHandler, call: Call) -> None:
            intent = self._intents.get(json.loads(call.body)["text"], "nlu_fallback")
            self._server.answer(200, {"intent": {"name": intent, "confidence": 0.99}})
            answer, self._server.act = self._server.act, act
            answer(handler, call)

        self._server.act = act

    def wait(self) -> None:
        pass

    def kill(self) -> None:
        self._server.answer(500, {})


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Server() as server:
        stage = Stage(tmp_path_factory.mktemp("stage"), free_port(), "token-of-the-stories", StandIn(server))
        try:
            stage.start()
            yield stage
        finally:
            stage.stop()


def story_of(*lines: str) -> Story:
    return read_story("one", STORY + "\n".join(lines))


# --- as they are written ---


def test_the_stories_name_places_of_the_content(keeper: Keeper) -> None:
    for story in STORIES.values():
        for line in story.lines:
            for place in filter(None, (line.asks, line.tells)):
                assert text_ids(keeper.content, place)
            if line.verb == "picks" and line.what[0] not in story.words:
                assert choice_id(keeper.content, line.what[0])
            assert line.who != "rasa" or line.what[0] in RASA


def test_newcomers_are_played_in_every_language_of_the_assistant() -> None:
    assert STORIES["chat-to-phone"].languages == STORIES["rasas-channels"].languages == LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_wish_to_know_if_one_is_ready_stands_in_no_training_file_as_it_is_said(language: str) -> None:
    known = {fold_word(sentence) for _, sentence in examples(language)}
    asked = {story.words["ready"][language] for story in STORIES.values() if language in story.languages}
    assert {sentence for sentence in asked if fold_word(sentence) in known} == set()


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("- chat shouts: hello", "“chat shouts” is none of: “chat says”"),
        ("- chat says: bye", "one, line 1: bye is not under words"),
        ("- asks: menu/home", "write one thing that somebody does"),
        ("- rasa is: tired", "rasa is killed or started"),
        ("- chat says: hello\n  by: magic", "by: rasa or words"),
    ],
)
def test_an_unclear_line_is_told(lines: str, told: str) -> None:
    with pytest.raises(Unclear, match=re.escape(told)):
        story_of(lines)


def test_a_sentence_that_lacks_a_language_is_told() -> None:
    with pytest.raises(Unclear, match="words, hello: nothing in sw"):
        read_story("one", STORY.replace("[en]", "[en, sw]") + "- chat says: hello")
    with pytest.raises(Unclear, match="title, languages, words and lines"):
        read_story("one", "title: A visitor")


def test_a_place_that_is_none_is_told(keeper: Keeper) -> None:
    for place in ("menu/nowhere", "nowhere/home", "common:nothing", "starter/result"):
        with pytest.raises(Unclear, match=place):
            text_ids(keeper.content, place)
    with pytest.raises(Unclear, match="no choice"):
        choice_id(keeper.content, "starter/role.king")


# --- played ---


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_newcomer_comes_from_words_in_the_chat_to_the_same_question_on_the_phone(
    language: str, stage: Stage, keeper: Keeper
) -> None:
    playing = Playing(STORIES["chat-to-phone"], language, keeper.content, stage)
    playing.play()
    assert {each.who for each in playing.said} == {"chat", "phone"}


def test_words_answer_while_rasa_is_away(stage: Stage, keeper: Keeper) -> None:
    story = story_of(
        *("- chat says: hello", "- chat picks: language", "- chat picks: hello/adult.yes"),
        *("- chat picks: hello/consent_chat.yes", "  asks: menu/home", "- rasa is: killed"),
        *("- chat says: sell", "  by: words", "  within: 5", "  tells: questions/sell_no_permit", "  asks: menu/home"),
        *("- rasa is: started", "- chat says: sell", "  by: rasa", "- chat says at once: [sell, hello]"),
    )
    (played,) = play_all([story], keeper.content, stage)
    assert (played.failure, played.language) == ("", "en")
    assert [each.text for each in played.said if each.who == "rasa"] == ["killed", "started"]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["- chat says: hello", "  asks: menu/home"], "line 1, chat says: hello: it does not ask menu/home"),
        (["- chat says: hello", "  tells: menu/home"], "it does not tell menu/home"),
        (["- chat says: hello", "  by: rasa"], "it was not understood by rasa"),
        (["- chat says: hello", "  within: 0.000001"], "it took 0."),
        (["- phone dials:", "- phone picks: menu/home.data"], "there is no choice “My data”"),
        (["- phone dials:", "- chat writes: the code"], "the phone shows no code"),
    ],
)
def test_a_story_that_goes_otherwise_is_told_with_its_line(
    lines: list[str], told: str, stage: Stage, keeper: Keeper
) -> None:
    with pytest.raises(Failed, match=re.escape(told)):
        Playing(story_of(*lines), "en", keeper.content, stage).play()


# --- the page ---


def test_every_line_of_the_page_is_still_said_by_the_content(keeper: Keeper) -> None:
    assert list(strange_lines(PAGE.read_text("utf-8"), keeper.content)) == []


def test_a_line_that_nobody_says_is_found(keeper: Keeper) -> None:
    told = "> Choose your language\n> 7. Kiswahili\n> Your code: ••••••\n> Buy our gold\nchats Buy our gold\n"
    assert list(strange_lines(told, keeper.content)) == ["> Buy our gold"]
    assert "Choose your language" in said_by(keeper.content)


def test_the_page_holds_english_whole_the_others_until_the_phone_and_nothing_made_by_chance() -> None:
    from datetime import date

    said = [
        Said("chat", "says", "hello", Answer("Choose", (("1@abcdefgh", "English"), ("2@abcdefgh", "Kiswahili")))),
        Said("phone", "dials", "*384*77#", Answer("Your code: 123456\n1. Next", (("1", "Next"),))),
        Said("phone", "hangs up", ""),
        Said("chat", "says", "123456", Answer("Done.")),
    ]
    told = page({("chat-to-phone", language): said for language in LANGUAGES}, date(2026, 11, 23), "1.0", "3.6.21")
    assert "2026-11-23 with Ngazi 1.0 and Rasa 3.6.21" in told
    assert told.count("chats hello\n> Choose\n> 1. English\n> 2. Kiswahili") == 4
    assert told.count("dials *384*77#\n> Your code: ••••••\n> 1. Next\nhangs up\nchats ••••••\n> Done.") == 1
    assert "123456" not in told
    assert written([Said("rasa", "is", "killed"), Said("chat", "says", "1@abcdefgh")]) == "rasa is killed\nchats 1"
