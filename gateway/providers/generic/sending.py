"""Handing messages to a company, as its layout says, and understanding what it answers."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import quote, urlencode, urlsplit

from gateway import providers
from gateway.channels import Channel, SettingsError
from gateway.forms import NoObject, TooManyFields, read_json
from gateway.logs import mask
from gateway.providers import LONGEST_TOKEN, Carriage, Outcome, Outgoing, Remedy, clean
from gateway.providers.generic.filling import Tree, fill, fill_text, names, without_blanks, word
from gateway.providers.generic.layout import Fields, Sending
from gateway.providers.generic.picking import first, items
from gateway.providers.generic.table import plain
from gateway.reasons import BAD_NUMBER, STOPPED
from gateway.sending import BUSY, NO_ACCOUNT, REFUSED, UNREADABLE, judge, judge_one, unsent
from gateway.sending.post import Answer, NoAnswer, Post

AGAIN = ("later", "pause")  # what these remedies are for did not go, and may go another time
MEANT: Mapping[Remedy, str] = {  # reasons where the company gives only a number, or none
    "later": BUSY,
    "bad": BAD_NUMBER,
    "stopped": STOPPED,
    "halt": REFUSED,
    "pause": NO_ACCOUNT,
    "": REFUSED,
}
UNNAMED = "the provider said nothing of this number; nobody can tell whether it went"


class Sender:
    """Sends for one channel; without a layout of sending it refuses all."""

    def __init__(self, channel: Channel, sending: Sending | None, public_url: str) -> None:
        self._sending = sending
        self.carriage = sending.carriage if sending else Carriage()
        if sending is None:
            return
        callback = f"{public_url}/in/{channel.name}/{channel.secrets[0]}/delivery"
        self._values: dict[str, Tree] = {
            "host": channel.host,
            "user": channel.user,
            "key": channel.key,
            "from": channel.sender,
            "basic": "Basic " + base64.b64encode(f"{channel.user}:{channel.key}".encode()).decode(),
            "callback": callback if public_url and channel.secrets else "",
        }
        self._url = _address(channel, sending, self._values)
        self._missing = _missing(sending, self._values, channel)
        self._post = None if self._missing else Post(self._url)
        for name, value in sending.headers.items():
            if not fill_text(value, self._values).isascii():
                raise SettingsError(f"NGAZI_CHANNELS: channel {channel.name} has letters other than ASCII in {name}.")

    def send(self, messages: Sequence[Outgoing]) -> list[Outcome]:
        """As Provider.send."""
        if self._sending is None:
            return [Outcome(each.id, "refused", reason="this channel cannot send", remedy="halt") for each in messages]
        if self._post is None:
            reason = f"the channel has no {self._missing}"
            return [Outcome(each.id, "again", reason=reason, remedy="pause") for each in messages]
        strange = [Outcome(m.id, "refused", reason="only SMS go here") for m in messages if not m.to.startswith("+")]
        known = [each for each in messages if each.to.startswith("+")]
        return strange + (self._hand_over(self._post, self._sending, known) if known else [])

    def _hand_over(self, post: Post, sending: Sending, messages: Sequence[Outgoing]) -> list[Outcome]:
        until = time.monotonic() + providers.CALL_LASTS
        url, headers, body = self._request(sending, messages)
        try:
            answer = post.send(url, body, headers, until, sending.method)
        except NoAnswer as error:
            return [replace(unsent(error), id=each.id) for each in messages]
        fields, alone = _fields(sending, answer), len(messages) == 1
        return [_outcome(sending, answer, fields, each, alone) for each in messages]

    def _request(self, sending: Sending, messages: Sequence[Outgoing]) -> tuple[str, Mapping[str, str], bytes | None]:
        """Address, headers and body."""
        first = messages[0]
        values = self._values | {
            "to": first.to,
            "to_plain": first.to[1:],
            "all": [each.to for each in messages],
            "all_plain": [each.to[1:] for each in messages],
            "text": first.text,
            "reference": first.reference,
            "lasts": first.lasts or "",
        }
        type = "application/json" if sending.body == "json" else "application/x-www-form-urlencoded"
        headers = {} if sending.body == "query" else {"Content-Type": type}
        headers |= {name: fill_text(value, values) for name, value in sending.headers.items()}
        tree = without_blanks(fill(sending.tree, values))
        if sending.body == "json":
            return self._url, headers, json.dumps(tree, ensure_ascii=False).encode(errors="replace")
        pairs = [(name, word(value)) for name, value in tree.items()] if isinstance(tree, dict) else []
        written = urlencode(pairs, errors="replace")
        if sending.body == "query":
            return f"{self._url}{'&' if '?' in self._url else '?'}{written}", headers, None
        return self._url, headers, written.encode()


def _address(channel: Channel, sending: Sending, values: Mapping[str, Tree]) -> str:
    """The address to call; the channel's `base` stands for all before the path."""
    quoted: dict[str, Tree] = {
        name: quote(word(value), safe="" if name != "host" else ":") for name, value in values.items()
    }
    url = fill_text(sending.url, quoted)
    if not channel.base:
        return url
    try:
        whole = urlsplit(channel.base)
        if whole.scheme not in ("http", "https") or not whole.hostname or whole.port == 0:
            raise ValueError
    except ValueError:
        mend = "is an address such as https://api.example.org"
        raise SettingsError(f"NGAZI_CHANNELS: base of channel {channel.name} {mend}.") from None
    return channel.base + re.sub(r"^https?://[^/]*", "", url)


def _missing(sending: Sending, values: Mapping[str, Tree], channel: Channel) -> str:
    """What the layout needs and the channel does not have; "" for nothing."""
    used = set(names(sending.tree)) | {name for value in sending.headers.values() for name in names(value)}
    used |= set(names(sending.url)) - ({"host"} if channel.base else set())
    if "basic" in used:
        used |= {"user", "key"}
    return next((name for name in ("host", "user", "key") if name in used and not values[name]), "")


def _fields(sending: Sending, answer: Answer) -> Mapping[str, str]:
    """The fields of the answer; none if it is not written as the layout says."""
    try:
        fields = read_json(answer.text.encode())
    except (NoObject, TooManyFields):
        fields = None
    if fields or not sending.result.split:
        return fields or {}
    return {str(place): part.strip() for place, part in enumerate(answer.text.split(sending.result.split))}


def _outcome(sending: Sending, answer: Answer, whole: Mapping[str, str], message: Outgoing, alone: bool) -> Outcome:
    """What the answer, with these fields as a whole, says of one message."""
    result = sending.result
    fields = _about(sending, answer, whole, message, alone)
    if fields is None:
        return Outcome(message.id, "unknown", reason=UNNAMED)
    said, reason = _word(fields, result.status), _word(fields, result.reason)
    remedy: Remedy = result.remedies.get(plain(reason)) or result.remedies.get(plain(said), "")
    outcome = Outcome(message.id, "refused", "", said, reason, remedy, _word(fields, result.cost), answer.wait)
    if answer.fine and (not result.status or plain(said) in result.ok):
        return replace(outcome, status="sent", provider_id=_id(fields, result.id), remedy="")
    if answer.fine and not said:  # it may have been taken: the company answers otherwise than it used to
        return replace(outcome, status="unknown", reason=reason or UNREADABLE, remedy="")
    if remedy or answer.fine:
        return replace(outcome, status="again" if remedy in AGAIN else "refused", reason=reason or MEANT[remedy])
    meant = judge_one(answer) if alone else judge(answer, answer.worded)
    return replace(meant, id=message.id, word=said or meant.word, reason=reason or meant.reason, cost=outcome.cost)


def _about(
    sending: Sending, answer: Answer, fields: Mapping[str, str], message: Outgoing, alone: bool
) -> Mapping[str, str] | None:
    """The fields that tell of this message: its own in the list, before those for all. None if it is not in the list
    of many: it was perhaps taken, and the words for all say nothing of it."""
    result, fields = sending.result, dict(fields)
    if not result.list:
        return fields
    several = list(items(fields, result.list))
    number = re.sub(r"\D", "", message.to)
    for item in several:
        if result.number and re.sub(r"\D", "", first(item, result.number)) == number:
            return fields | item
    if alone:
        return fields | (several[0] if several else {})
    return None if answer.fine else fields


def _word(fields: Mapping[str, str], wanted: Fields) -> str:
    """A word of theirs to keep: short, and without numbers of phones."""
    return mask(clean(first(fields, wanted)).strip()[:LONGEST_TOKEN])


def _id(fields: Mapping[str, str], wanted: Fields) -> str:
    found = first(fields, wanted).strip()
    return found if len(found) <= LONGEST_TOKEN and found.isprintable() else ""
