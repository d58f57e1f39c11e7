"""The content in force: dialogs, reminder series and languages that passed every check; and how it is renewed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from types import MappingProxyType

from dialogs.answers import NO_ANSWERS, Answers
from dialogs.check import check_content
from dialogs.claims import ALWAYS, Scheme, Source
from dialogs.gsm import fold
from dialogs.hours import CAREFUL, Hours
from dialogs.links import link
from dialogs.locale import Language, fold_word
from dialogs.passed import Passed
from dialogs.problem import Problem, errors
from dialogs.screen import Room
from dialogs.script import FOR_CHATS, Common, Dialog, Series
from dialogs.written import Written, file_stamps, read_folder

__all__ = ["BrokenContent", "Content", "Keeper", "find_folder", "link"]

BUNDLED = Path(__file__).resolve().parent.parent / "content"


def find_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """The content folder: `NGAZI_CONTENT`, else `./content`, else the one that came with the program."""
    if setting := environ.get("NGAZI_CONTENT", ""):
        return Path(setting)
    return Path("content") if Path("content").is_dir() else BUNDLED


@dataclass(frozen=True, slots=True)
class Content:
    """Everything that is said, in every language. Made by `load` only, so it holds no error."""

    dialogs: Mapping[str, Dialog]
    series: Mapping[str, Series]
    common: Common
    languages: Mapping[str, Language]  # with the source language
    revision: str  # 12 hex digits: with them the exact words can be found in git
    words: Mapping[str, str]  # folded word -> meaning, of all languages
    shared: Mapping[tuple[str, str], tuple[tuple[str, str], ...]]  # where a question is written -> who takes it
    wordings: Mapping[str, Mapping[str, str]] = field(repr=False)  # language -> id of text -> text
    answers: Answers = NO_ANSWERS  # what free text is answered with
    labels: frozenset[str] = field(
        default=frozenset(), repr=False
    )  # how choices and keys read, folded, in any language
    lenders: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)  # language -> id -> who says it
    hours: Hours = field(default=CAREFUL, repr=False)  # when people may be written to
    sources: Mapping[str, Source] = field(default_factory=lambda: ALWAYS, repr=False)  # what texts rest on
    schemes: Mapping[str, Scheme] = field(default_factory=dict, repr=False)  # what questions prepare for
    full: Mapping[str, Mapping[str, str]] = field(
        default_factory=dict, repr=False
    )  # `wordings` with all letters of their languages, for chats

    def text(self, id: str, language: str, *, chat: bool = False) -> str:
        """A text as this language says it, else its fallbacks, ready to be sent but for its placeholders.

        In a chat it has all letters of its language, and a common text may have a wording for chats: `goodbye_chat`
        stands in for `goodbye`. Raises KeyError for an unknown id; a language that is gone speaks the source language.
        """
        wordings = (self.full or self.wordings) if chat else self.wordings
        said = wordings.get(language)
        said = wordings[self.common.language] if said is None else said
        if chat and id.startswith("common:"):
            return said.get(f"{id}{FOR_CHATS}") or said[id]
        return said[id]

    def offered(self, drafts: bool = False) -> tuple[Language, ...]:
        """The languages that people may choose: the source language, then the others by name."""
        wanted = ("live", "draft") if drafts else ("live",)
        others = [language for language in self.languages.values() if language.status in wanted]
        others.sort(key=lambda language: (language.name.casefold(), language.code))
        return (self.languages[self.common.language], *others)

    @classmethod
    def load(
        cls, folder: Path, *, drafts: bool = False, room: Room | None = None, passed: Passed | None = None
    ) -> tuple[Content | None, list[Problem]]:
        """The content of a folder, or None if it has an error; and all problems. Never raises.

        `drafts`: draft languages are shown too, so their screens must fit. `room`: the smallest screen in use.
        `passed`: what was checked before is not checked again, and gives the same problems.
        """
        written, room = read_folder(folder), room or Room()
        known = passed.problems(written, drafts, room) if passed else None
        problems = check_content(written, drafts=drafts, room=room) if known is None else known
        if passed and known is None:
            passed.remember(written, drafts, room, problems)
        return (None if errors(problems) else make(written)), problems


def make(written: Written) -> Content:
    """The content out of what is written. Only for what was checked."""
    spoken = [_plain_name(language) for language in (written.main, *written.translations())]
    languages = {language.code: language for language in spoken}
    wordings = {code: written.wording(each) for code, each in languages.items()}
    return Content(
        MappingProxyType(dict(written.dialogs)),
        MappingProxyType(dict(written.series)),
        written.common,
        MappingProxyType(languages),
        written.revision,
        MappingProxyType(_words(written)),
        MappingProxyType(_shared(written.dialogs)),
        MappingProxyType({code: MappingProxyType(said) for code, said in wordings.items()}),
        written.answers,
        _labels(written, languages, wordings),
        MappingProxyType({code: MappingProxyType(written.lenders(each)) for code, each in languages.items()}),
        written.hours,
        written.sources,
        written.schemes,
        MappingProxyType(
            {code: MappingProxyType(written.wording(each, full=True)) for code, each in languages.items()}
        ),
    )


def _plain_name(language: Language) -> Language:
    """With its name in letters that every phone shows: it stands in a list that everyone sees."""
    return replace(language, name=fold(language.name, language.replace), full_name=language.full_name or language.name)


def _words(written: Written) -> dict[str, str]:
    found: dict[str, str] = {}
    for meaning, text in written.common.words.items():
        own = (language.entries.get(text.id) for language in written.translations())
        for said in (text.source, *(entry.text for entry in own if entry is not None)):
            for word in said.split():
                if folded := fold_word(word):
                    found.setdefault(folded, meaning)
    return found


def _labels(
    written: Written, languages: Mapping[str, Language], wordings: Mapping[str, Mapping[str, str]]
) -> frozenset[str]:
    ids = [f"common:{key}" for key in ("next", "more", "back", "resume_on", "resume_over", "menu")]
    ids += [choice.text.id for dialog in written.dialogs.values() for step in dialog.steps for choice in step.choices]
    said = {fold_word(words[id]) for words in wordings.values() for id in dict.fromkeys(ids) if id in words}
    names = [each.called(chat=chat) for each in languages.values() for chat in (False, True)]
    return frozenset(said | {fold_word(name) for name in names})


def _shared(dialogs: Mapping[str, Dialog]) -> dict[tuple[str, str], tuple[tuple[str, str], ...]]:
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for id, dialog in sorted(dialogs.items()):
        for step in dialog.steps:
            if step.origin is not None:
                found.setdefault(step.origin, []).append((id, step.id))
    return {origin: tuple(places) for origin, places in found.items()}


class BrokenContent(Exception):
    """The content has errors, and there is none in force yet. `problems` tells them."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(self.__doc__)
        self.problems = problems


class Keeper:
    """Holds the content in force. A broken edit changes nothing: the old content stays."""

    def __init__(
        self, folder: Path, *, drafts: bool = False, room: Room | None = None, passed: Passed | None = None
    ) -> None:
        """Raises BrokenContent if the folder has errors: there is nothing older to go on with. Keywords: as `load`."""
        self.folder, self.drafts, self.room, self.passed = folder, drafts, room, passed
        self._lock = Lock()
        self._seen = file_stamps(self.folder)
        content, self.problems = Content.load(folder, drafts=drafts, room=room, passed=passed)
        if content is None:
            raise BrokenContent(self.problems)
        self.content = content

    def refresh(self) -> list[Problem]:
        """Read the folder again if a file in it has changed; put it in force if it has no error. Gives the problems
        of what stands there now. Cheap when nothing changed; safe from several threads."""
        with self._lock:
            seen = file_stamps(self.folder)
            if seen != self._seen:
                self._seen = seen  # as it was before reading: what changes meanwhile is seen the next time
                content, self.problems = Content.load(
                    self.folder, drafts=self.drafts, room=self.room, passed=self.passed
                )
                if content is not None and content.revision != self.content.revision:
                    self.content = content
            return self.problems
