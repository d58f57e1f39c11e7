"""A chat in the terminal: a visitor of the web chat of a running server, with no browser."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from gateway.line import NoLine, ask


@dataclass(slots=True)
class Chat:
    """One visitor. Nothing is asked of the server before the first message."""

    url: str
    id: str = ""
    number: int = 0  # of the last message

    def say(self, text: str) -> str:
        """What one message brings, its choices numbered below it. Raises NoLine; then the message may be sent again."""
        told = self._send(text, self.number + 1)
        self.number += 1
        return told

    def look(self) -> str:
        """What stands there now. Raises NoLine."""
        return self._send("", 0)

    def _send(self, text: str, number: int) -> str:
        if not self.id:
            self.id = str(self._post("new", {})["id"])
        told = self._post("say", {"id": self.id, "text": text, "number": number})
        # A button of a page sends more than its number, so that an old one answers nothing; or a word, such as START.
        below = [(each["key"].partition("@")[0], each["text"]) for each in told["choices"]]
        return "\n".join((told["text"], *(f"{key}. {words}" for key, words in below if key.isdigit())))

    def _post(self, what: str, body: dict[str, object]) -> Any:
        answer = ask(f"{self.url}/chat/{what}", json.dumps(body).encode(), "application/json")
        try:
            return json.loads(answer)
        except ValueError as error:
            raise NoLine("The server answered, but not as a chat.") from error
