"""One entry of the catalogue of problems, and how its examples are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from textwrap import dedent


@dataclass(frozen=True, slots=True)
class Entry:
    """One kind of problem. `wrong` and `right` map files to their texts, laid over the base of the catalogue.

    `file` is where the problem is found; `gone` names files of the base that the wrong example does without;
    `standing` says who is in the middle of a dialog; `today` is the day of the check.
    `signed`: translations count as signed by two people, though the examples do not show it.
    """

    title: str
    why: str
    wrong: Mapping[str, str]
    right: Mapping[str, str]
    file: str = ""
    gone: tuple[str, ...] = ()
    standing: Mapping[tuple[str, ...], int] = field(default_factory=dict)
    today: str = ""
    signed: bool = True

    @property
    def place(self) -> str:
        """The file in which the problem is found."""
        return self.file or next(iter(self.wrong))


def quiz(text: str, also: Mapping[str, str] | None = None) -> dict[str, str]:
    """An example that is one dialog."""
    return {"content/dialogs/quiz.yaml": dedent(text).lstrip("\n"), **(also or {})}


def steps(text: str) -> dict[str, str]:
    """An example that is a few steps of a dialog, which ends in the menu."""
    inside = "".join(f"  {line}\n" if line else "\n" for line in dedent(text).strip("\n").split("\n"))
    return {"content/dialogs/quiz.yaml": f"title: Am I ready?\nthen: /menu\nsteps:\n{inside}"}


def swahili(text: str, header: str = "") -> dict[str, str]:
    """An example that is a part of a PO file."""
    head = 'msgid ""\nmsgstr ""\n"Language: sw\\n"\n"X-Name: Kiswahili\\n"\n' + (header or '"X-Status: live\\n"\n')
    return {"content/locale/sw.po": f"{head}\n{dedent(text).strip(chr(10))}\n"}


def french(text: str) -> dict[str, str]:
    """The same for a language that has letters which phones do not show."""
    head = 'msgid ""\nmsgstr ""\n"Language: fr\\n"\n"X-Name: Francais\\n"\n"X-Replace: ç=c ê=e û=u\\n"\n'
    return {"content/locale/fr.po": f"{head}\n{dedent(text).strip(chr(10))}\n"}


def only(file: str, text: str) -> dict[str, str]:
    """An example that is one file."""
    return {f"content/{file}": dedent(text).lstrip("\n")}
