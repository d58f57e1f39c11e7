"""Stories: who says what, and what the answer must hold. Read from the files in `bot/assistant/tests/stories/`.

    title: From the chat to the phone
    languages: [en, sw]
    words:
      ready: {en: I want to know if I'm ready, sw: Nataka kujua kama niko tayari}
    lines:
      - chat says: ready            # a name under `words`, in the language that is played
        by: rasa                    # who understood it: rasa or words
        asks: starter/welcome       # the answer ends with this question or page
        within: 2                   # seconds
      - phone picks: starter/role.worker
        asks: starter/mineral
      - rasa is: killed

`asks` and `tells` (which may stand anywhere in the answer) name a step of the content, dialog/step, or a text of
`content/common.yaml`, common:resume. `speaks: en` where the answer is in another language than the one that is played.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from bot.server import ASSISTANT
from dialogs.content import Content
from dialogs.script import Dialog, Step

FOLDER = ASSISTANT / "tests" / "stories"
VERBS = {
    "chat": ("says", "picks", "says at once", "writes", "looks"),
    "phone": ("dials", "picks", "types", "hangs"),
    "rest": ("says", "picks"),
    "socket": ("says", "picks"),
    "rasa": ("is",),
}
RASA = ("killed", "started")
EXPECTED = ("asks", "tells", "speaks", "by", "within")
CODE = "the code"  # what a phone that links a chat shows


class Unclear(ValueError):
    """A story that cannot be played; says where and why."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that somebody does, and what must come of it.

    `speaks` is "" for the language that is played; `within` so many seconds, 0 for any time.
    """

    who: str
    verb: str
    what: tuple[str, ...] = ()
    asks: str = ""
    tells: str = ""
    speaks: str = ""
    by: str = ""
    within: float = 0.0

    def __str__(self) -> str:
        return f"{self.who} {self.verb}: {', '.join(self.what)}"


@dataclass(frozen=True, slots=True)
class Story:
    """What is played in each of its languages."""

    name: str
    title: str
    languages: tuple[str, ...]
    words: Mapping[str, Mapping[str, str]]  # name -> language -> sentence
    lines: tuple[Line, ...]


def stories_in(folder: Path = FOLDER) -> list[Story]:
    """The stories of a folder, by their names. Raises Unclear."""
    return [read_story(path.stem, path.read_text("utf-8")) for path in sorted(folder.glob("*.yml"))]


def read_story(name: str, written: str) -> Story:
    """One story. Raises Unclear."""
    given = YAML(typ="safe").load(written)
    if not isinstance(given, dict) or not {"title", "languages", "words", "lines"} <= given.keys():
        raise Unclear(f"{name}: title, languages, words and lines are needed")
    languages = tuple(str(each) for each in given["languages"])
    words = {str(key): {str(code): str(text) for code, text in said.items()} for key, said in given["words"].items()}
    for key, said in words.items():
        if missing := [code for code in languages if not said.get(code)]:
            raise Unclear(f"{name}: words, {key}: nothing in {', '.join(missing)}")
    lines = tuple(_line(f"{name}, line {number}", each, words) for number, each in enumerate(given["lines"], 1))
    return Story(name, str(given["title"]), languages, words, lines)


def _line(where: str, given: Mapping[str, Any], words: Mapping[str, Any]) -> Line:
    acts = [key for key in given if key not in EXPECTED]
    if len(acts) != 1:
        raise Unclear(f"{where}: write one thing that somebody does, such as “chat says: hello”")
    who, _, verb = acts[0].partition(" ")
    if verb not in VERBS.get(who, ()):
        known = ", ".join(f"“{one} {each}”" for one, verbs in VERBS.items() for each in verbs)
        raise Unclear(f"{where}: “{acts[0]}” is none of: {known}")
    value = given[acts[0]]
    what = tuple(map(str, value)) if isinstance(value, Sequence) and not isinstance(value, str) else (str(value or ""),)
    if verb in ("says", "says at once") and (strange := [each for each in what if each not in words]):
        raise Unclear(f"{where}: {', '.join(strange)} is not under words")
    if who == "rasa" and what[0] not in RASA:
        raise Unclear(f"{where}: rasa is killed or started")
    told = {key: str(given.get(key, "")) for key in ("asks", "tells", "speaks", "by")}
    if told["by"] not in ("", "rasa", "words"):
        raise Unclear(f"{where}: by: rasa or words")
    return Line(who, verb, what if what != ("",) else (), **told, within=float(given.get("within", 0)))


def step_at(content: Content, place: str) -> tuple[Dialog, Step]:
    """The step of `dialog/step`. Raises Unclear."""
    name, _, id = place.partition("/")
    dialog = content.dialogs.get(name)
    step = dialog.step(id) if dialog else None
    if dialog is None or step is None:
        raise Unclear(f"{place} is no step of the content")
    return dialog, step


def text_ids(content: Content, place: str) -> list[str]:
    """The ids of what is said or asked at a place, a step or a text of common.yaml. Raises Unclear."""
    if place.startswith("common:"):
        if place.removeprefix("common:") not in content.common.texts:
            raise Unclear(f"{place} is no text of the content")
        return [place]
    ids = [text.id for text in step_at(content, place)[1].texts]
    if not ids:
        raise Unclear(f"{place} says nothing")
    return ids


def choice_id(content: Content, place: str) -> str:
    """The id of the words of a choice, `dialog/step.choice` or a text of common.yaml. Raises Unclear."""
    if place.startswith("common:"):
        return text_ids(content, place)[0]
    at, _, id = place.rpartition(".")
    choice = step_at(content, at)[1].choice(id)
    if choice is None:
        raise Unclear(f"{place} is no choice of the content")
    return choice.text.id
