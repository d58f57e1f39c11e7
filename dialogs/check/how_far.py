"""How far each language is: texts that are done, old or missing, and how many of them are signed by whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dialogs.check.signed import signed_by
from dialogs.check.translation import Tally, dialog_of, tallies
from dialogs.locale import Language
from dialogs.reviews import NEEDED, same_person
from dialogs.written import Written


@dataclass(frozen=True, slots=True)
class Part:
    """Texts of one dialog, or of all, in one language. `twice` and `once` are signed by two people and by one."""

    done: int = 0
    stale: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    twice: int = 0
    once: int = 0

    @property
    def texts(self) -> int:
        """All of them."""
        return self.done + len(self.stale) + len(self.missing)

    @property
    def percent(self) -> int:
        """How much is done; 100 only if nothing is left."""
        return 100 * self.done // self.texts if self.texts else 100


@dataclass(frozen=True, slots=True)
class HowFar:
    """One language: by dialog and over all, and who has signed how many texts, those with the most first."""

    language: Language
    dialogs: Mapping[str, Part]
    reviewers: Mapping[str, int]

    @property
    def all(self) -> Part:
        """Over all dialogs."""
        return _sum(self.dialogs.values())

    def needed(self) -> list[str]:
        """What is still to do before the language is complete and may be live, in words; nothing if it may."""
        found, whole = [], self.all
        unsigned = whole.done - whole.twice - whole.once
        for number, one, many in (
            (len(whole.missing), "1 text is not translated", "{} texts are not translated"),
            (len(whole.stale), "1 translation is old", "{} translations are old"),
            (unsigned, "1 text needs two signatures", "{} texts need two signatures"),
            (whole.once, "1 text needs a second signature", "{} texts need a second signature"),
        ):
            if number:
                found.append(one if number == 1 else many.format(number))
        return found


def how_far(written: Written, language: Language) -> HowFar:
    """How far a language is."""
    signed = signed_by(written, language)
    by_dialog: dict[str, list[Sequence[str]]] = {}
    for id, names in signed.items():
        by_dialog.setdefault(dialog_of(id), []).append(names)
    dialogs = {dialog: _part(tally, by_dialog.get(dialog, ())) for dialog, tally in tallies(written, language).items()}
    return HowFar(language, dialogs, _reviewers(signed.values()))


def _part(tally: Tally, signed: Iterable[Sequence[str]]) -> Part:
    count = [len(names) for names in signed]
    twice = sum(number >= NEEDED for number in count)
    once = sum(0 < number < NEEDED for number in count)
    return Part(tally.done, tuple(tally.stale), tuple(tally.missing), twice, once)


def _reviewers(signed: Iterable[Sequence[str]]) -> Mapping[str, int]:
    """Each person once, as they wrote their name first."""
    names: dict[str, str] = {}
    count: dict[str, int] = {}
    for some in signed:
        for name in some:
            shown = names.setdefault(same_person(name), name)
            count[shown] = count.get(shown, 0) + 1
    return {name: count[name] for name in sorted(count, key=lambda name: (-count[name], name))}


def _sum(parts: Iterable[Part]) -> Part:
    some = list(parts)
    return Part(
        sum(part.done for part in some),
        tuple(id for part in some for id in part.stale),
        tuple(id for part in some for id in part.missing),
        sum(part.twice for part in some),
        sum(part.once for part in some),
    )
