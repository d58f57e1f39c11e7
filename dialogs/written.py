"""What a content folder says, clean or not: every file read, shared questions filled in, nothing judged yet."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from unicodedata import normalize

from dialogs.answers import NO_ANSWERS, Answers
from dialogs.claims import ALWAYS, Scheme, Source
from dialogs.glossary import Term
from dialogs.gsm import fold, wire
from dialogs.hours import CAREFUL, Hours
from dialogs.links import link, skipping
from dialogs.locale import Language, fallbacks, read_language
from dialogs.problem import At, Problem
from dialogs.reading import (
    read_answers,
    read_common,
    read_dialog,
    read_glossary,
    read_hours,
    read_schemes,
    read_series,
    read_sources,
)
from dialogs.script import Common, Dialog, Series, Text

COMMON = "common.yaml"
HOURS = "hours.yaml"
SOURCES, SCHEMES = "sources.yaml", "schemes.yaml"  # what texts rest on, and what they prepare for
GLOSSARY = "glossary.yaml"  # for translators
ANSWERS = "answers.yaml"  # what free text is answered with
AT_THE_TOP = (COMMON, HOURS, SOURCES, SCHEMES, GLOSSARY, ANSWERS)
FOLDERS: Mapping[str, str] = MappingProxyType({"dialogs": ".yaml", "reminders": ".yaml", "locale": ".po"})
MOST_BYTES = 2_000_000  # of one file: reading YAML takes a second for some 300 000
BESIDE_THE_OTHERS = "Put its files beside the others, outside of it."
Stamps = dict[str, tuple[int, int, int]]
BESIDE = (".md", ".pot", ".mo", "~")  # files that may lie there and are not read


@dataclass(frozen=True, slots=True)
class Written:
    """All that stands in a content folder. `files` holds the text of each file by its name, to quote from.

    `languages` are those of the PO files; one for the source language only lends its headers.
    """

    dialogs: Mapping[str, Dialog]
    series: Mapping[str, Series]
    common: Common
    languages: Mapping[str, Language]
    files: Mapping[str, str]
    problems: tuple[Problem, ...]
    revision: str
    root: str = "content"
    hours: Hours = CAREFUL
    sources: Mapping[str, Source] = field(default_factory=lambda: ALWAYS)
    schemes: Mapping[str, Scheme] = field(default_factory=dict)
    glossary: tuple[Term, ...] = ()
    answers: Answers = NO_ANSWERS

    @property
    def main(self) -> Language:
        """The source language."""
        code = self.common.language
        known = self.languages.get(code) or Language(code, code, file=f"{self.root}/{COMMON}")
        return replace(known, status="source", entries=MappingProxyType({}), fallback="")

    @property
    def flawed(self) -> set[str]:
        """What stands before the colon in the ids of files that have an error: parts of them may be lost."""
        found = set()
        aside = self._aside(HOURS, SOURCES, SCHEMES)
        for problem in self.problems:
            path = PurePosixPath(problem.at.file)
            if problem.level == "error" and path.suffix == ".yaml" and problem.at.file not in aside:
                kinds = {"dialogs": path.stem, "reminders": f"reminder/{path.stem}"}
                found.add(kinds.get(path.parent.name, "common"))
        return found

    def may_hold(self, name: str) -> bool:
        """True if a file that has an error seems to hold this step, field or fact, so that it is not missed."""
        flawed = {problem.at.file for problem in self.problems if problem.level == "error"}
        flawed -= self._aside(HOURS, SOURCES)
        pattern = re.compile(rf"(?:^\s*|save\W+){re.escape(name)}\b", re.MULTILINE)
        texts = [self.files.get(file, "") for file in flawed if not file.endswith(".po")]
        return any(pattern.search(text) or not text.strip("\0 \n") for text in texts)

    def _aside(self, *names: str) -> set[str]:
        """Files in which no text of a dialog can be lost."""
        return {f"{self.root}/{name}" for name in names}

    def translations(self) -> list[Language]:
        """The languages that are translated into, by code; not those whose file could not be read."""
        known = sorted(self.languages.items())
        return [language for code, language in known if code != self.common.language and not language.broken]

    def texts(self) -> dict[str, Text]:
        """Every text that is translated, by id: common, welcome, menu, the other dialogs, reminders."""
        return {text.id: text for text in self._texts()}

    def _texts(self) -> Iterator[Text]:
        yield from self.common.texts.values()
        yield from self.common.words.values()
        if self.common.discreet is not None:
            yield self.common.discreet
        first = ("hello", "menu")
        for id in sorted(self.dialogs, key=lambda id: (first.index(id) if id in first else len(first), id)):
            dialog = self.dialogs[id]
            yield dialog.title
            for step in dialog.steps:
                yield from step.texts_of()
        for _, series in sorted(self.series.items()):
            yield from series.texts_of()

    def lenders(self, language: Language) -> dict[str, str]:
        """By id of text the language that says it in place of this one; nothing for what it says itself."""
        if language.status == "source":
            return {}
        chain = fallbacks(language.code, self.languages, self.common.language)
        found = {}
        for id, text in self.texts().items():
            entry = language.entries.get(id)
            if entry is None or not entry.says(text.source):
                others = ((code, self.languages[code].entries.get(id)) for code in chain[1:-1])
                found[id] = next((code for code, other in others if other and other.says(text.source)), chain[-1])
        return found

    def wording(self, language: Language, *, full: bool = False) -> dict[str, str]:
        """Every text as this language says it, in letters that its phones show, or with `full` in all its own, as chats
        show them; placeholders are not filled."""
        chain = fallbacks(language.code, self.languages, self.common.language)
        speakers = [self.languages[code] for code in chain[:-1]]
        said, main, any_letters = {}, self.main.replace, language.letters == "any"
        for id, text in self.texts().items():
            own, letters = text.source, main
            for speaker in speakers:
                entry = speaker.entries.get(id)
                if entry is not None and entry.says(text.source):
                    own, letters = entry.text, speaker.replace
                    break
            said[id] = normalize("NFC", own) if full else wire(fold(own, letters), language.replace, any_letters)
        return said


def read_folder(folder: Path) -> Written:
    """Everything in a content folder. Never raises: what cannot be opened is a problem."""
    root = shown(folder)
    files: dict[str, bytes] = {f"{root}/{name}": b"" for name in _strangers(folder)}
    unread: dict[str, str] = {}
    for path in content_files(folder):
        name = f"{root}/{path.relative_to(folder).as_posix()}"
        files[name], why = _opened(path)
        if why:
            unread[name] = f"This file cannot be opened: {why}."
    for name in FOLDERS:
        if why := _closed(folder / name):
            unread[f"{root}/{name}"] = f"This folder cannot be opened: {why}."
    written, mend = read_files(files, root), "Look at its rights, or put it there again."
    problems = [Problem(At(name), "yaml", what, mend) for name, what in unread.items()]
    problems += [_of_a_folder(folder, root, each) for each in written.problems if each.at.file not in unread]
    return replace(written, problems=tuple(problems))


def _of_a_folder(folder: Path, root: str, problem: Problem) -> Problem:
    """A file that is not read, told in other words where it is a folder."""
    if problem.slug != "unknown-file" or not (folder / problem.at.file.removeprefix(f"{root}/")).is_dir():
        return problem
    return replace(problem, text="This is a folder, and what lies in it is not read.", mend=BESIDE_THE_OTHERS)


def _opened(path: Path) -> tuple[bytes, str]:
    """What stands in a file, or nothing and why not."""
    try:
        if not path.is_file() and path.exists():  # who reads a pipe waits for ever
            return b"", "it is a folder, and no file" if path.is_dir() else "it is no file"
        if (size := path.stat().st_size) > MOST_BYTES:
            return b"", f"it has {size // 1_000_000} MB, and {MOST_BYTES // 1_000_000} are the most"
        return path.read_bytes(), ""
    except OSError as error:
        return b"", error.strerror or "it is no file"


def _closed(folder: Path) -> str:
    """Why a folder cannot be looked into; "" where it can, or where there is none."""
    try:
        with os.scandir(folder):
            return ""
    except FileNotFoundError:
        return "it leads nowhere" if folder.is_symlink() else ""
    except OSError as error:
        return error.strerror or "it is no folder"


def shown(folder: Path) -> str:
    """A folder as an editor knows it: from where they stand if it is below, else in full."""
    whole = folder.absolute()
    here = Path.cwd()
    return (whole.relative_to(here) if whole.is_relative_to(here) and whole != here else whole).as_posix()


def content_files(folder: Path) -> list[Path]:
    """The files that are read, in order."""
    found = [folder / name for name in AT_THE_TOP if os.path.lexists(folder / name)]
    for name, ending in FOLDERS.items():
        found += [path for path in (folder / name).glob(f"*{ending}") if not path.name.startswith(".")]
    return sorted(found)


def file_stamps(folder: Path) -> Stamps:
    """By the name of each file that is read: its time of change, size and inode. Another stamp: it was changed."""
    found: Stamps = {}
    for path in content_files(folder):
        try:
            stat = path.stat()
        except OSError:
            continue  # gone since it was listed
        found[str(path)] = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
    return found


def _strangers(folder: Path) -> list[str]:
    """Files that look like content and are not read."""
    found = [path for path in folder.glob("*.y*ml") if path.name not in AT_THE_TOP]
    for name, ending in FOLDERS.items():
        found += [path for path in (folder / name).glob("*") if path.suffix != ending]
    return sorted(path.relative_to(folder).as_posix() for path in found if _looks_like_content(path.name))


def _looks_like_content(name: str) -> bool:
    return not name.startswith(".") and not name.endswith(BESIDE)


def read_files(files: Mapping[str, bytes], root: str = "content") -> Written:
    """The same for files that are at hand, by names such as `content/dialogs/audit.yaml`."""
    problems: list[Problem] = []
    dialogs: dict[str, Dialog] = {}
    series: dict[str, Series] = {}
    languages: dict[str, Language] = {}
    common = Common(at=At(f"{root}/{COMMON}"))
    hours = CAREFUL
    listed: Mapping[str, Source] = ALWAYS
    schemes: Mapping[str, Scheme] = {}
    glossary: tuple[Term, ...] = ()
    answers = NO_ANSWERS
    texts: dict[str, str] = {}
    digest = hashlib.sha256()
    for name in sorted(files, key=lambda name: PurePosixPath(name).parts[-2:]):
        path, raw = PurePosixPath(name), files[name]
        kind = path.name if name in [f"{root}/{each}" for each in AT_THE_TOP] else path.parent.name
        if kind not in AT_THE_TOP and FOLDERS.get(kind) != path.suffix:
            ending = FOLDERS.get(kind, "")
            mend = f"Files in this folder end in {ending}: rename or move it." if ending else "Move it to dialogs."
            problems.append(Problem(At(name), "unknown-file", "This file is not read.", mend, "warning"))
            continue
        digest.update(f"{'/'.join(path.parts[-2:])}\0{len(raw)}\0".encode("utf-8", "surrogateescape") + raw)
        source = texts[name] = raw.decode("utf-8", "surrogateescape")
        found: list[Problem] = []
        if kind == COMMON:
            common, found = read_common(name, source)
        elif kind == HOURS:
            hours, found = read_hours(name, source)
        elif kind == SOURCES:
            listed, found = read_sources(name, source)
        elif kind == SCHEMES:
            schemes, found = read_schemes(name, source)
        elif kind == GLOSSARY:
            glossary, found = read_glossary(name, source)
        elif kind == ANSWERS:
            answers, found = read_answers(name, source)
        elif kind == "dialogs":
            dialogs[path.stem], found = read_dialog(name, source)
        elif kind == "reminders":
            series[path.stem], found = read_series(name, source)
        else:
            languages[path.stem], found = _language(name, raw, source)
        problems += found
    if f"{root}/{COMMON}" not in files:
        mend = "Put it back, or look whether this is the content folder."
        problems.append(Problem(common.at, "no-common", "The file common.yaml is missing.", mend))
    unread = {PurePosixPath(problem.at.file).stem for problem in problems if problem.level == "error"}
    linked, found = link(dialogs, unread)
    linked = {id: skipping(dialog, common) for id, dialog in linked.items()}
    revision = digest.hexdigest()[:12]
    every = (*problems, *found)
    return Written(
        linked, series, common, languages, texts, every, revision, root, hours, listed, schemes, glossary, answers
    )


def _language(name: str, raw: bytes, source: str) -> tuple[Language, list[Problem]]:
    try:
        raw.decode("utf-8")
        if b"\0" in raw:
            raise UnicodeDecodeError("utf-8", raw, raw.index(b"\0"), len(raw), "a zero: UTF-16 without its mark")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        mend = "Open it with its old encoding and save it as UTF-8."
        code = PurePosixPath(name).stem
        problem = Problem(At(name, line), "po-broken", "This file is not in UTF-8.", mend)
        return Language(code, code, file=name, broken=True), [problem]
    return read_language(name, source)
