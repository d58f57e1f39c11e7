"""Rasa's custom actions: what was said last goes through the one door into the dialogs, and what comes back is said.

Rasa keeps no place and no answer. A person goes on where the database says they stand, whatever Rasa remembers.
Served by the gateway (`gateway/rasa_route.py`), or beside it: `python -m rasa_sdk --actions bot`.
"""

from __future__ import annotations

import inspect
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from rasa_sdk import Action
from rasa_sdk.executor import ActionExecutor
from rasa_sdk.interfaces import ActionExecutionRejection, ActionMissingDomainException

from bot.alone import alone
from dialogs.content import Content
from dialogs.freetext import danger_in, is_free, is_meaning
from dialogs.gsm import LONGEST
from dialogs.inbound import Inbound, Reply, parted, press
from dialogs.store import CHAT

CHANNEL = "rasa"
SLASHES = re.compile(r"[\s/]+")
ID = re.compile(r"[A-Za-z0-9_-]{16,64}")
UUID = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)
LIKE_A_NUMBER = re.compile(r"\d(?:[-_]?\d){7}")  # eight digits; a random id has that many in a row once in 100,000
FEWEST_LETTERS = 6  # different ones
NO_ID = "The conversation needs an id that tells nothing: 16 to 64 random letters, no phone number."
INVALID = "Invalid body request"
MISSING = 449  # Rasa's SDK answers so when it was sent no domain


class Door(Protocol):
    """The way into the dialogs: the gateway's desk, or a transaction of our own."""

    @property
    def content(self) -> Content:
        """The content in force."""

    @property
    def threshold(self) -> float:
        """How sure Rasa has to be of an intent."""

    async def take(self, inbound: Inbound) -> Reply:
        """The reply; the busy screen where there is none."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a person said last, and the intent that it has, one of answers.yaml; "" where Rasa is not sure.

    `sure`: Rasa is, and may be: it reads like no choice, number or word for the service. Of those, and of a photo,
    which has no text, Rasa is as sure as of a sentence. `media`: such a photo, or a voice note.
    """

    text: str
    meaning: str = ""
    sure: bool = False
    media: bool = False


class Act(Action, ABC):  # type: ignore[misc]  # the SDK carries no types
    """One action. Without a door (that is how Rasa's own server makes it) it opens one of its own."""

    def __init__(self, door: Door | None = None) -> None:
        self.door: Door = alone() if door is None else door

    @abstractmethod
    def name(self) -> str:
        """What Rasa calls it."""

    @abstractmethod
    def words(self, heard: Heard) -> Heard:
        """What goes through the door."""

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        """Say what the dialogs say. Raises ActionExecutionRejection for a conversation without a proper id."""
        if not is_opaque(tracker.sender_id):
            raise ActionExecutionRejection(self.name(), NO_ID)
        message = tracker.latest_message if isinstance(tracker.latest_message, dict) else {}
        said = self.words(heard_in(message, self.door.content, self.door.threshold))
        reply = await self.door.take(
            Inbound(
                CHANNEL,
                "bot",
                f"{CHAT}{tracker.sender_id}",
                said.text,
                session="",
                provider_id="",  # Rasa asks once, and several actions may follow from one message
                meaning=said.meaning,
                media=said.media,
            )
        )
        if reply.text:
            dispatcher.utter_message(text=reply.text, buttons=buttons(reply))
        return []


class Opening(Act):
    """An action that opens a part of the service by its intent. Danger, and an answer to what was asked, come first."""

    intent: str

    def words(self, heard: Heard) -> Heard:
        return Heard(heard.text, self.intent) if heard.sure else heard


class Ordering(Act):
    """An action that says a word for the service, unless the person is in danger: then help comes first."""

    word: str

    def words(self, heard: Heard) -> Heard:
        content = self.door.content
        if not heard.sure or danger_in(content, heard.text):
            return heard
        return Heard(next((word for word, meaning in content.words.items() if meaning == self.word), heard.text))


class ActionTalk(Act):
    """What was said goes on as it is."""

    def name(self) -> str:
        return "action_talk"

    def words(self, heard: Heard) -> Heard:
        return heard


class ActionOpenReady(Opening):
    """The quiz."""

    intent = "want_ready"

    def name(self) -> str:
        return "action_open_ready"


class ActionShowProgress(Opening):
    """How far this person is."""

    intent = "want_progress"

    def name(self) -> str:
        return "action_show_progress"


class ActionNextSteps(Opening):
    """What is open, the most urgent first."""

    intent = "want_next_steps"

    def name(self) -> str:
        return "action_next_steps"


class ActionSetDate(Opening):
    """The dates of this person."""

    intent = "want_dates"

    def name(self) -> str:
        return "action_set_date"


class ActionChangeLanguage(Opening):
    """The list of languages."""

    intent = "change_language"

    def name(self) -> str:
        return "action_change_language"


class ActionHandOver(Opening):
    """Who can help: people, not this program."""

    intent = "want_person"

    def name(self) -> str:
        return "action_hand_over"


class ActionStop(Ordering):
    """STOP, which holds on every channel."""

    word = "stop"

    def name(self) -> str:
        return "action_stop"


class ActionStart(Ordering):
    """START: back after a STOP, or on where the person stands."""

    word = "start"

    def name(self) -> str:
        return "action_start"


ACTIONS: tuple[type[Act], ...] = (
    ActionTalk,
    ActionOpenReady,
    ActionShowProgress,
    ActionNextSteps,
    ActionSetDate,
    ActionChangeLanguage,
    ActionHandOver,
    ActionStop,
    ActionStart,
)


class ActionServer:
    """Answers Rasa's requests as Rasa's own action server does, but tells nothing of what was sent."""

    def __init__(self, door: Door) -> None:
        self._executor = ActionExecutor()
        for action in ACTIONS:
            assert not inspect.isabstract(action)
            self._executor.register_action(action(door))

    async def answer(self, call: object) -> tuple[int, object]:
        """Status and body for a request as Rasa wrote it. Raises what an action raises."""
        if not isinstance(call, dict):
            return 400, {"error": INVALID}
        name = call.get("next_action")
        if not name:
            return 200, None
        if not isinstance(name, str):
            return 400, {"error": INVALID}
        if name not in self._executor.actions:
            return 404, {"error": "No registered action found with this name."}
        told = {"action_name": name}  # Rasa looks for it beside the error
        tracker = call.get("tracker")
        if not isinstance(tracker, dict) or not isinstance(call.get("domain") or {}, dict):
            return 400, {"error": INVALID} | told
        if "sender_id" not in tracker:
            return 400, {"error": NO_ID} | told
        try:
            result = await self._executor.run(call)
        except ActionMissingDomainException as error:
            return MISSING, {"error": error.message} | told
        except ActionExecutionRejection as error:
            return 400, {"error": error.message} | told
        return 200, result.model_dump() if result else None


def is_opaque(sender: object) -> bool:
    """Whether this names a conversation and nobody: no phone number, and not what everybody without an id shares."""
    if not isinstance(sender, str) or not ID.fullmatch(sender) or len(set(sender)) < FEWEST_LETTERS:
        return False
    if UUID.fullmatch(sender):
        return not sender.replace("-", "").isdigit()
    return not LIKE_A_NUMBER.search(sender)


def heard_in(message: Mapping[str, Any], content: Content, threshold: float) -> Heard:
    """What the message says, without the slash by which Rasa takes a text for the name of an intent."""
    given = message.get("text")
    text = given if isinstance(given, str) else ""
    if not text.strip():
        return Heard("", media=True)
    blanks = SLASHES.match(text)
    said = text[blanks.end() if blanks else 0 :][:LONGEST]
    intent = message.get("intent")
    if not isinstance(intent, dict) or not is_free(content, said):
        return Heard(said)
    name, confidence = intent.get("name"), intent.get("confidence")
    if not isinstance(confidence, int | float) or not confidence >= threshold:
        return Heard(said)
    known = isinstance(name, str) and is_meaning(content, name)
    named = "/" in blanks[0] if blanks else False  # nobody understood it: it was written so
    return Heard(said, str(name) if known and not named else "", sure=True)


def buttons(reply: Reply) -> list[dict[str, str]]:
    """A button for each key below the text: its words, and what it sends, which counts only while the question is open.
    The text keeps its numbers, for those who see no buttons."""
    return [{"title": words, "payload": press(key, reply.place)} for key, words in parted(reply)[1]]
