"""The project's content with another menu, from which every dialog can be reached, and with facts for every text."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.acceptance.server import ROOT, Screen

HELPLINE = "116"
DIALOGS = [file.stem for file in sorted((ROOT / "content" / "dialogs").glob("*.yaml")) if file.stem != "menu"]
IN_A_PART = 12
HELPED = "TZ"  # the country that has it


def whole_content(folder: Path) -> Path:
    """A copy of `content/` whose menu leads to every dialog, over lists of some of them."""
    made = Path(shutil.copytree(ROOT / "content", folder / "content"))
    by_part: dict[str, list[str]] = {}
    for dialog in DIALOGS:
        by_part.setdefault(part_of(dialog), []).append(dialog)
    for part, dialogs in by_part.items():
        _write_menu(made, part, {dialog: words_for(dialog) for dialog in dialogs})
    _write_menu(made, "menu", {part: words_for(part) for part in by_part})
    common = made / "common.yaml"
    written, count = re.subn(r"(?m)^  operator:", "  operator: A test", common.read_text(), count=1)
    written, more = re.subn(rf"(?m)^    {HELPED}:", f'    {HELPED}: "{HELPLINE}"', written, count=1)
    assert count == more == 1
    common.write_text(written)
    return made


def _write_menu(made: Path, id: str, choices: dict[str, str]) -> None:
    """A dialog that only leads to others."""
    listed = "".join(f"      {dialog}: {words}\n" for dialog, words in choices.items())
    goes = "".join(f"      {dialog}: /{dialog}\n" for dialog in choices)
    top = "title: Everything\nresume: never\n" + ("" if id == "menu" else "then: /menu\n")
    ask = f"steps:\n  home:\n    ask: Where to?\n    choices:\n{listed}    go:\n{goes}"
    (made / "dialogs" / f"{id}.yaml").write_text(top + ask)


def part_of(dialog: str) -> str:
    """The dialog of that content whose list has this one: a list takes no more than 24."""
    return f"part_{DIALOGS.index(dialog) // IN_A_PART + 1}"


def go_to(dialog: str, screen: Screen, press: Callable[[str], Screen]) -> Screen:
    """From the menu to a dialog; its first screen."""
    for words in (words_for(part_of(dialog)), words_for(dialog)):
        while not (key := screen.key_of(words)):
            screen = press("9")
        screen = press(key)
    return screen


def words_for(dialog: str) -> str:
    """The choice in a menu that leads to a dialog."""
    return f"Go to {dialog.replace('_', ' ')}"
