"""The project's content with another menu, from which every dialog can be reached, and with facts for every text."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from tests.acceptance.server import ROOT

HELPLINE = "116"
HELPED = "TZ"  # the country that has it


def whole_content(folder: Path) -> Path:
    """A copy of `content/` whose menu leads to every dialog."""
    made = Path(shutil.copytree(ROOT / "content", folder / "content"))
    dialogs = [file.stem for file in sorted((made / "dialogs").glob("*.yaml")) if file.stem != "menu"]
    choices = "".join(f"      {dialog}: {words_for(dialog)}\n" for dialog in dialogs)
    goes = "".join(f"      {dialog}: /{dialog}\n" for dialog in dialogs)
    (made / "dialogs" / "menu.yaml").write_text(
        f"title: Everything\nresume: never\nsteps:\n  home:\n    ask: Where to?\n    choices:\n{choices}    go:\n{goes}"
    )
    common = made / "common.yaml"
    written, count = re.subn(r"(?m)^  operator:", "  operator: A test", common.read_text(), count=1)
    written, more = re.subn(rf"(?m)^    {HELPED}:", f'    {HELPED}: "{HELPLINE}"', written, count=1)
    assert count == more == 1
    common.write_text(written)
    return made


def words_for(dialog: str) -> str:
    """The choice in that menu that leads to a dialog."""
    return f"Go to {dialog.replace('_', ' ')}"
