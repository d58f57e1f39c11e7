"""A broadcast as somebody wants it: its texts read and checked before anything is kept."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from dialogs.content import Content
from dialogs.gsm import fold, segment_count
from dialogs.locale import fill, placeholders
from dialogs.reading.values import did_you_mean
from dialogs.tables import Field
from gateway.audience import Audience, BroadcastError, language
from gateway.bill import examples
from gateway.wording import speaker

MOST_SEGMENTS = 6  # SMS of one text: longer ones are dear, and arrive in pieces or not at all
INVITE = "common:invite"
STEERING = ("news", "reminders", "private_phone")  # saved answers that are nobody's to read
_BRACES = re.compile(r"\{[^{}]*\}")
_CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Draft:
    """A broadcast before it is kept. `texts` by language; `starts_at` is the beginning of a day, in each zone."""

    name: str
    texts: Mapping[str, str]
    audience: Audience
    dialog: str = ""
    channel: str = ""
    starts_at: datetime | None = None
    expires_at: datetime | None = None


def read_texts(content: Content, said: Iterable[str], known: Iterable[str], dialog: str = "") -> dict[str, str]:
    """The texts by language, of `sw=Habari`; with a dialog, each ends with how to open it. Raises BroadcastError.

    `known`: the names that a placeholder may have. Without any text a dialog invites in every language offered.
    """
    texts: dict[str, str] = {}
    for each in said:
        code, equals, text = each.partition("=")
        if not equals:
            raise BroadcastError(f'Write the language before the text: --text "{content.common.language}={each}".')
        if language(content, code := code.strip()) in texts:
            raise BroadcastError(f"There are two texts in {code}.")
        texts[code] = _CONTROLS.sub(" ", unicodedata.normalize("NFC", text.replace("\r\n", "\n"))).strip()
    if dialog:
        texts = _inviting(content, texts, dialog)
    if not texts:
        raise BroadcastError(f'Say what it says: --text "{content.common.language}=…".')
    names = sorted(known)
    for code, text in texts.items():
        check_text(content, code, text, names)
    return texts


def check_text(content: Content, code: str, text: str, known: Iterable[str]) -> None:
    """Raises BroadcastError for a text that cannot be sent."""
    if not text:
        raise BroadcastError(f"The text in {code} is empty.")
    if found := re.search(r"[{}]", _BRACES.sub("", text)):
        raise BroadcastError(f"In the text in {code} a {found[0]} stands alone: a placeholder looks like {{code}}.")
    for name in sorted(placeholders(text)):
        if name not in known:
            raise BroadcastError(f"Nothing has the name {{{name}}}. {did_you_mean(name, known)}".strip())
    count = segment_count(fill(text, examples(content, text)))
    if count > MOST_SEGMENTS:
        raise BroadcastError(f"The text in {code} takes {count} SMS; at most {MOST_SEGMENTS} are sent. Shorten it.")


def nameable(db: Connection, content: Content) -> set[str]:
    """What a placeholder may be: facts, and saved answers but for dates and numbers of others."""
    steps = [step for dialog in content.dialogs.values() for step in dialog.steps if step.save]
    saved = {step.save for step in steps if step.kind not in ("date", "phone", "languages")}
    held = set(db.execute(select(Field.name).distinct()).scalars())
    facts = {
        name for name, fact in content.common.facts.items() if fact and (isinstance(fact, str) or any(fact.values()))
    }
    return (facts | saved | held) - set(STEERING)


def cheaper(content: Content, texts: Mapping[str, str]) -> dict[str, str]:
    """The texts in letters of GSM-7, as far as that goes."""
    return {code: fold(text, speaker(content, code).replace) for code, text in texts.items()}


def _inviting(content: Content, texts: Mapping[str, str], dialog: str) -> dict[str, str]:
    found = {}
    for code in texts or [each.code for each in content.offered()]:
        try:
            invite = content.text(INVITE, code)
        except KeyError:
            mend = "say how to open the dialog in --text, with {code}"
            if not texts or any("{code}" not in text for text in texts.values()):
                raise BroadcastError(f"The content has no text invite (common.yaml): {mend}.") from None
            invite = ""
        invite = invite.replace("{title}", content.text(content.dialogs[dialog].title.id, code))
        own = texts.get(code, "")
        found[code] = own if "{code}" in own else f"{own} {invite}".strip()
    return found
