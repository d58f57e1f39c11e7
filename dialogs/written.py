"""What a content folder says, clean or not: every file read, shared questions filled in, nothing judged yet."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from dialogs.gsm import fold, wire
from dialogs.hours import CAREFUL, Hours
from dialogs.locale import Language, fallbacks, placeholders, read_language
from dialogs.problem import At, Problem
from dialogs.reading import read_common, read_dialog, read_hours, read_series
from dialogs.reading.values import did_you_mean
from dialogs.script import Choice, Common, Condition, Dialog, Series, Step, Text

COMMON = "common.yaml"
HOURS = "hours.yaml"
FOLDERS: Mapping[str, str] = MappingProxyType({"dialogs": ".yaml", "reminders": ".yaml", "locale": ".po"})
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
        for problem in self.problems:
            path = PurePosixPath(problem.at.file)
            if problem.level == "error" and path.suffix == ".yaml" and problem.at.file != f"{self.root}/{HOURS}":
                kinds = {"dialogs": path.stem, "reminders": f"reminder/{path.stem}"}
                found.add(kinds.get(path.parent.name, "common"))
        return found

    def may_hold(self, name: str) -> bool:
        """True if a file that has an error seems to hold this step, field or fact, so that it is not missed."""
        flawed = {problem.at.file for problem in self.problems if problem.level == "error"} - {f"{self.root}/{HOURS}"}
        pattern = re.compile(rf"(?:^\s*|save\W+){re.escape(name)}\b", re.MULTILINE)
        return any(pattern.search(self.files.get(file, "")) for file in flawed)

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

    def wording(self, language: Language) -> dict[str, str]:
        """Every text as this language says it, in letters that its phones show; placeholders are not filled."""
        chain = fallbacks(language.code, self.languages, self.common.language)
        speakers = [self.languages[code] for code in chain[:-1]]
        said = {}
        for id, text in self.texts().items():
            own, letters = text.source, self.main.replace
            for speaker in speakers:
                entry = speaker.entries.get(id)
                if entry is not None and entry.says(text.source):
                    own, letters = entry.text, speaker.replace
                    break
            said[id] = wire(fold(own, letters), language.replace, language.letters == "any")
        return said


def read_folder(folder: Path) -> Written:
    """Everything in a content folder. Never raises: what cannot be opened is a problem."""
    root = shown(folder)
    files: dict[str, bytes] = {f"{root}/{name}": b"" for name in _strangers(folder)}
    problems: list[Problem] = []
    for path in content_files(folder):
        name = f"{root}/{path.relative_to(folder).as_posix()}"
        try:
            files[name] = path.read_bytes()
        except OSError as error:
            why = f"This file cannot be opened: {error.strerror or 'it is no file'}."
            problems.append(Problem(At(name), "yaml", why, "Look at its rights, or put it there again."))
            files[name] = b""
    written = read_files(files, root)
    return replace(written, problems=(*problems, *written.problems))


def shown(folder: Path) -> str:
    """A folder as an editor knows it: from where they stand if it is below, else in full."""
    whole = folder.absolute()
    here = Path.cwd()
    return (whole.relative_to(here) if whole.is_relative_to(here) and whole != here else whole).as_posix()


def content_files(folder: Path) -> list[Path]:
    """The files that are read, in order."""
    found = [folder / name for name in (COMMON, HOURS) if (folder / name).is_file()]
    for name, ending in FOLDERS.items():
        found += [path for path in (folder / name).glob(f"*{ending}") if not path.name.startswith(".")]
    return sorted(found)


def _strangers(folder: Path) -> list[str]:
    """Files that look like content and are not read."""
    found = [path for path in folder.glob("*.y*ml") if path.name not in (COMMON, HOURS)]
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
    texts: dict[str, str] = {}
    digest = hashlib.sha256()
    for name in sorted(files, key=lambda name: PurePosixPath(name).parts[-2:]):
        path, raw = PurePosixPath(name), files[name]
        kind = path.name if name in (f"{root}/{COMMON}", f"{root}/{HOURS}") else path.parent.name
        if kind not in (COMMON, HOURS) and FOLDERS.get(kind) != path.suffix:
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
    linked = {id: _skipping(dialog, common) for id, dialog in linked.items()}
    revision = digest.hexdigest()[:12]
    return Written(linked, series, common, languages, texts, (*problems, *found), revision, root, hours)


def _language(name: str, raw: bytes, source: str) -> tuple[Language, list[Problem]]:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        mend = "Open it with its old encoding and save it as UTF-8."
        code = PurePosixPath(name).stem
        problem = Problem(At(name, line), "po-broken", "This file is not in UTF-8.", mend)
        return Language(code, code, file=name, broken=True), [problem]
    return read_language(name, source)


# --- questions shared by dialogs ---


def link(dialogs: Mapping[str, Dialog], unread: Container[str] = ()) -> tuple[dict[str, Dialog], list[Problem]]:
    """Put the question into every step that is taken `from` another one; what is not there is a problem.

    `unread` are dialogs with an error, where a step that is not there may only be lost.
    `origin` then names the step that is written out, so two that are taken from one another's copy are one question.
    """
    problems: list[Problem] = []
    linked = {}
    for id, dialog in dialogs.items():
        steps = tuple(_linked(step, dialogs, unread, problems) for step in dialog.steps)
        linked[id] = replace(dialog, steps=steps)
    return linked, problems


def _linked(step: Step, dialogs: Mapping[str, Dialog], unread: Container[str], problems: list[Problem]) -> Step:
    if step.origin is None:
        return step
    at, seen, origin = step.places.get("from", step.at), {step.origin}, step.origin
    while True:
        dialog = dialogs.get(origin[0])
        there = dialog.step(origin[1]) if dialog else None
        if there is None or there.origin is None:
            break
        origin = there.origin
        if origin in seen:
            text = "This step is taken from a step that is taken from this one."
            problems.append(Problem(at, "endless", text, "Write the question out in one of the two.", width=4))
            return step
        seen.add(origin)
    width = len("/".join(step.origin))
    if dialog is None:
        text, mend = f'There is no dialog "{origin[0]}".', did_you_mean(origin[0], dialogs)
        problems.append(Problem(at, "unknown-dialog", text, mend, width=width))
    elif there is None and not dialog.broken and origin[0] not in unread:
        text, mend = f'There is no step "{origin[1]}" in the dialog {origin[0]}.', did_you_mean(origin[1], dialog.index)
        problems.append(Problem(at, "unknown-step", text, mend, width=width))
    if there is None:
        return step
    own = {choice.id: choice for choice in step.choices}
    known = [*(choice.id for choice in there.choices), *(f"{band.percent}%" for band in there.bands)]
    for id in sorted(own.keys() - set(known)):
        where, text = step.places.get(f"go.{id}", step.at), f'The question taken from here has no choice "{id}".'
        problems.append(Problem(where, "unknown-choice", text, did_you_mean(id, known)))
    return replace(
        there,
        id=step.id,
        at=step.at,
        only_if=step.only_if,
        choices=tuple(replace(choice, go=_way(own, choice.id)) for choice in there.choices),
        bands=tuple(replace(band, go=_way(own, f"{band.percent}%")) for band in there.bands),
        go=step.go,
        note=step.note,
        origin=origin,
        places=step.places,
    )


def _way(own: Mapping[str, Choice], id: str) -> str:
    """Where a choice leads from here, which is not where it leads in the dialog that wrote it."""
    return own[id].go if id in own else ""


# --- facts that are not known everywhere ---


def gaps(common: Common) -> set[str]:
    """The facts that may be empty for somebody: those that differ by country, and empty ones."""
    return {name for name, value in common.facts.items() if not isinstance(value, str) or not value}


def _skipping(dialog: Dialog, common: Common) -> Dialog:
    """The dialog with each step that says a fact skipped where that fact is not known: as if `only if` said so."""
    empty = gaps(common)
    return replace(dialog, steps=tuple(_skipped_without(step, empty) for step in dialog.steps)) if empty else dialog


def _skipped_without(step: Step, empty: set[str]) -> Step:
    shown = (*step.texts, *(choice.text for choice in step.choices))
    needed = {name: text.at for text in shown for name in sorted(placeholders(text.source) & empty)}
    asked = {condition.name for condition in step.only_if if not condition.values and not condition.negated}
    found = tuple(Condition(name, (), False, at) for name, at in needed.items() if name not in asked)
    return replace(step, only_if=(*step.only_if, *found)) if found else step
