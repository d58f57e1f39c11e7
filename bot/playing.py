"""Plays a story against the real programs, and holds what comes back against what the story says."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor

from bot.speaking import Answer, Chat, Phone, Rest, Socket, Speaker
from bot.stage import Stage
from bot.story import CODE, Line, Story, choice_id, text_ids
from bot.transcript import SIX_DIGITS, Said, pattern, plain
from dialogs.content import Content
from dialogs.locale import fold_word

APART = 0.05  # seconds between two messages at once
PAGES = 9  # that a phone turns to find a choice
BELOW = re.compile(r"(?:\n\d+\. .+)+\s*$")  # the choices below a text


class Failed(Exception):
    """What came was not what the story says."""


class Playing:
    """One story in one language."""

    def __init__(self, story: Story, language: str, content: Content, stage: Stage) -> None:
        self.said: list[Said] = []
        self._story, self._language, self._content, self._stage = story, language, content, stage
        self._phone = Phone(stage.url, number=stage.new_number())
        self._chat = Chat(stage.url)
        self._speakers: dict[str, Speaker] = {
            "phone": self._phone, "chat": self._chat, "rest": Rest(stage.rasa.url), "socket": Socket(stage.rasa.url),
        }  # fmt: skip
        self._last: dict[str, Answer] = {}

    def play(self) -> None:
        """Line by line. Raises Failed, and what a speaker raises."""
        for number, line in enumerate(self._story.lines, 1):
            before, begun = self._stage.understood() if line.by else 0, time.monotonic()
            self._do(line)
            took = time.monotonic() - begun
            try:
                self._check(line, took)
                if line.by and (self._stage.understood() > before) != (line.by == "rasa"):
                    raise Failed(f"it was not understood by {line.by}")
            except Failed as failure:
                raise Failed(f"line {number}, {line}: {failure}") from None

    # --- what is done ---

    def _do(self, line: Line) -> None:
        if line.who == "rasa":
            self._stage.rasa.kill()
            if line.what == ("started",):
                self._stage.rasa.start()
                self._stage.rasa.wait()
            self.said.append(Said("rasa", "is", line.what[0]))
        elif line.verb == "says at once":
            self._at_once(line)
        elif line.verb == "dials":
            self._keep("phone", "dials", self._phone.code, self._phone.dial())
        elif line.verb == "hangs":
            self._phone.hang_up()
            self.said.append(Said("phone", "hangs up", ""))
        elif line.verb == "looks":
            self._keep("chat", "looks", "", self._chat.look())
        elif line.verb == "picks":
            self._pick(line.who, line.what[0])
        else:
            self._say(line.who, self._text(line))

    def _text(self, line: Line) -> str:
        if line.verb == "says":
            return self._story.words[line.what[0]][self._language]
        if line.what == (CODE,):
            found = SIX_DIGITS.search(self._last["phone"].text)
            if not found:
                raise Failed("the phone shows no code")
            return found[0]
        return line.what[0]

    def _say(self, who: str, text: str) -> Answer:
        return self._keep(who, "says", text, self._speakers[who].say(text))

    def _at_once(self, line: Line) -> None:
        texts = [self._story.words[name][self._language] for name in line.what]
        with ThreadPoolExecutor(len(texts)) as pool:
            answers = []
            for text in texts:
                answers.append(pool.submit(self._speakers[line.who].say, text))
                time.sleep(APART)
        for text, answer in zip(texts, answers, strict=True):
            self._keep(line.who, "says", text, answer.result())

    def _pick(self, who: str, place: str) -> None:
        """Press the key of a choice, turning the pages of a phone where it needs to."""
        own = self._story.words.get(place, {}).get(self._language)
        words = own or self._content.text(choice_id(self._content, place), self._language, chat=who != "phone")
        for _ in range(PAGES):
            keys = {fold_word(text): key for key, text in self._last[who].choices}
            if key := keys.get(fold_word(words)):
                self._say(who, key)
                return
            if who != "phone" or "9" not in dict(self._last[who].choices):
                break
            self._say(who, "9")
        raise Failed(f"there is no choice “{words}”")

    def _keep(self, who: str, verb: str, text: str, answer: Answer) -> Answer:
        self.said.append(Said(who, verb, text, answer))
        self._last[who] = answer
        return answer

    # --- what must come of it ---

    def _check(self, line: Line, took: float) -> None:
        if line.asks or line.tells:
            body = plain(BELOW.sub("", self._last[line.who].text))
            language = line.speaks or self._language
            asked, told = (self._patterns(place, line.who, language) for place in (line.asks, line.tells))
            if asked and not any(re.search(f"{each}$", body) for each in asked):
                raise Failed(f"it does not ask {line.asks}")
            if told and not re.search(told[0], body):
                raise Failed(f"it does not tell {line.tells}")
        if line.within and took > line.within:
            raise Failed(f"it took {took:.1f} s")

    def _patterns(self, place: str, who: str, language: str) -> list[str]:
        ids = text_ids(self._content, place) if place else []
        return [pattern(self._content.text(id, language, chat=who != "phone")) for id in ids]
