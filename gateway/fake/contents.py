"""The contents of a fake Twilio: messages with buttons or a list, made once, filled with each message's variables.

docs: "Content API resources", "twilio/quick-reply", "twilio/list-picker", "Using variables with content templates".
"""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

TYPES = ("twilio/quick-reply", "twilio/list-picker")
MOST = {"actions": 3, "items": 10}  # without approval
LONGEST = {"body": 1024, "title": 20, "id": 200, "button": 20, "item": 24, "description": 72}
VALUE, MOST_VALUES, MOST_PAGE = 255, 100, 1000
FORBIDDEN = re.compile(r"[\n\r\t]| {5,}")
VARIABLE = re.compile(r"\{\{([A-Za-z0-9_]{1,16})\}\}")
PRESSES = 64  # of one number that can still be pressed
NUMBERS = 4096


class Wrong(Exception):
    """What was sent is no content, or does not fit into one; `code` is Twilio's."""

    def __init__(self, code: int) -> None:
        super().__init__(str(code))
        self.code = code


class Way(NamedTuple):
    """A button, or an item of a list with the words below it."""

    title: str
    id: str
    below: str = ""

    @property
    def words(self) -> str:
        return f"{self.title} {self.below}".strip()


@dataclass(frozen=True, slots=True)
class Shown:
    """A message as a phone shows it; `button` opens its list."""

    body: str
    button: str = ""
    ways: tuple[Way, ...] = ()

    @property
    def text(self) -> str:
        """For the log: the body, and the words of each way in brackets."""
        return "\n".join([self.body, *(f"[{way.words}]" for way in self.ways)])


@dataclass(slots=True)
class Contents:
    """What was made since the start, and what each number was shown."""

    kept: OrderedDict[str, dict[str, Any]] = field(default_factory=OrderedDict)
    gone: set[str] = field(default_factory=set)
    on_phones: OrderedDict[str, list[Shown]] = field(default_factory=OrderedDict)

    def make(self, account: str, sid: str, body: bytes) -> dict[str, Any]:
        """The content as the API shows it. Raises Wrong."""
        try:
            asked = json.loads(body)
            ((type, said),) = asked["types"].items()
        except (ValueError, TypeError, LookupError, AttributeError):
            raise Wrong(20001) from None
        ways = said.get("actions", said.get("items")) if isinstance(said, dict) else None
        if type not in TYPES or not isinstance(ways, list) or not ways:
            raise Wrong(20001)
        _measure(said, ways, 20001)
        made = {
            "sid": sid,
            "account_sid": account,
            "friendly_name": asked.get("friendly_name"),
            "language": asked.get("language"),
            "variables": asked.get("variables") or {},
            "types": asked["types"],
        }
        self.kept[sid] = made
        return made

    def page(self, account: str, path: str, size: int, page: int) -> dict[str, Any]:
        """A page of what this account has, the newest first."""
        size = max(1, min(size, MOST_PAGE))
        own = [each for each in reversed(self.kept.values()) if each["account_sid"] == account]
        more = len(own) > (page + 1) * size
        following = f"{path}?PageSize={size}&Page={page + 1}&PageToken=PT{page + 1}" if more else None
        meta = {"page": page, "page_size": size, "key": "contents", "url": path, "next_page_url": following}
        return {"contents": own[page * size : (page + 1) * size], "meta": meta}

    def drop(self, sid: str) -> bool:
        """Delete one; False where there is none."""
        self.gone.add(sid)
        return self.kept.pop(sid, None) is not None

    def fill(self, sid: str, variables: str) -> Shown:
        """The message. One that was not made here is taken for an approved template. Raises Wrong."""
        values = _read(variables)
        if sid in self.gone:
            raise Wrong(21655)
        content = self.kept.get(sid)
        if content is None:
            return Shown(" ".join(values.values()))
        values = {**content["variables"], **values}
        ((_, said),) = content["types"].items()
        put = _put(said, values)
        ways = put.get("actions", put.get("items"))
        _measure(put, ways, 21658)
        named = (Way(each.get("title") or each["item"], each["id"], each.get("description", "")) for each in ways)
        return Shown(put["body"], put.get("button", ""), tuple(named))

    def show(self, number: str, shown: Shown) -> None:
        """It stands on this phone."""
        there = self.on_phones.setdefault(number, [])
        there.append(shown)
        del there[:-PRESSES]
        self.on_phones.move_to_end(number)
        if len(self.on_phones) > NUMBERS:
            self.on_phones.popitem(last=False)

    def press(self, number: str, words: str) -> dict[str, str] | None:
        """What a phone sends when the newest button with these words is pressed; None where it shows none."""
        for shown in reversed(self.on_phones.get(number, [])):
            for way in shown.ways:
                if way.words == words:
                    return pressed(way.title, way.id, bool(shown.button))
        return None


def pressed(words: str, id: str, listed: bool) -> dict[str, str]:
    """The fields of a press, beside those of every message."""
    if listed:
        return {"Body": words, "ListTitle": words, "ListId": id, "MessageType": "interactive"}
    return {"Body": words, "ButtonText": words, "ButtonPayload": id, "MessageType": "button"}


def _read(variables: str) -> Mapping[str, str]:
    """Raises Wrong."""
    try:
        values = json.loads(variables or "{}")
    except ValueError:
        raise Wrong(21656) from None
    if not isinstance(values, dict) or len(values) > MOST_VALUES:
        raise Wrong(21656)
    for value in values.values():
        if not isinstance(value, str) or not value.strip() or FORBIDDEN.search(value):
            raise Wrong(21656)
        if len(value) > VALUE:
            raise Wrong(21656)
    return values


def _put(said: Any, values: Mapping[str, str]) -> Any:
    """The same with its variables replaced."""
    if isinstance(said, str):
        return VARIABLE.sub(lambda found: values.get(found[1], ""), said)
    if isinstance(said, list):
        return [_put(each, values) for each in said]
    return {name: _put(each, values) for name, each in said.items()}


def _measure(said: Mapping[str, Any], ways: list[Any], code: int) -> None:
    """Raises Wrong where something is missing or too long."""
    kind = "actions" if "actions" in said else "items"
    parts = [said, *ways]
    if not all(isinstance(each, dict) for each in parts) or len(ways) > MOST[kind]:
        raise Wrong(code)
    wanted = ("title", "id") if kind == "actions" else ("item", "id")
    if not said.get("body") or (kind == "items" and not said.get("button")):
        raise Wrong(code)
    if not all(way.get(name) for way in ways for name in wanted):
        raise Wrong(code)
    for part in parts:
        for name, longest in LONGEST.items():
            if not isinstance(part.get(name, ""), str) or len(part.get(name, "")) > longest:
                raise Wrong(code)
