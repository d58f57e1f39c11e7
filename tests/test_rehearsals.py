"""Every rehearsal is played on the real application; on SQLite it forgets all but its database between two steps."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import insert

from dialogs import rehearse
from dialogs.content import Keeper
from dialogs.tables import Group
from tests.phones import Site

FOLDER = Path(__file__).parent / "rehearsals"
STORIES = sorted(FOLDER.glob("*.txt"))
BY_LANGUAGE = sorted(FOLDER.glob("*/*.txt"))  # one for each dialog in each complete language
COMPLETE = ("en", "es", "fr", "pt", "sw")


@pytest.mark.parametrize("path", STORIES, ids=[path.stem for path in STORIES])
def test_the_rehearsal_is_played_as_it_is_written(
    path: Path, new_site: Callable[..., Site], keeper: Keeper, request: pytest.FixtureRequest
):
    site = new_site(keeper, chance=bytes)
    fresh = site.environ["NGAZI_DATABASE_URL"].startswith("sqlite")  # a process that forgets takes its time
    play(path, site, fresh=fresh, update=request.config.getoption("--update"))


@pytest.mark.parametrize("path", BY_LANGUAGE, ids=[f"{path.parent.name}-{path.stem}" for path in BY_LANGUAGE])
def test_the_dialog_is_played_in_this_language_as_it_is_written(
    path: Path, empty_sqlite: Path, tmp_path: Path, keeper: Keeper, request: pytest.FixtureRequest
):
    shutil.copy(empty_sqlite, tmp_path / "ngazi.db")
    site = Site(f"sqlite:///{tmp_path / 'ngazi.db'}", tmp_path, keeper, chance=bytes)  # codes are always the same
    try:
        play(path, site, fresh=False, update=request.config.getoption("--update"))
    finally:
        site.stop()


def play(path: Path, site: Site, *, fresh: bool, update: bool) -> None:
    """Play a transcript; with `update` write the screens down that came out."""
    transcript = path.read_text(encoding="utf-8")
    with site.database() as db:
        db.execute(insert(Group).values(code="UMOJA-7", name="Umoja"))
    differences, shown = rehearse.play(rehearse.read(transcript), site.phone("+255700000001", fresh=fresh))
    if update:
        path.write_text(rehearse.rewritten(transcript, shown), encoding="utf-8")
        return
    assert not differences, f"{path.name}\n" + "\n".join(map(str, differences))


def test_every_dialog_is_rehearsed_in_every_complete_language(keeper: Keeper):
    written = {(path.parent.name, path.stem) for path in BY_LANGUAGE}
    assert {(code, dialog) for code in COMPLETE for dialog in keeper.content.dialogs} <= written
    for code, dialog in sorted(written):
        first = next(step for step in keeper.content.dialogs[dialog].steps if step.texts)
        said = keeper.content.text(first.texts[0].id, code).partition("{")[0][:30]
        text = " ".join((FOLDER / code / f"{dialog}.txt").read_text(encoding="utf-8").replace("\n> ", " ").split())
        assert dialog in PASSED_OVER or " ".join(said.split()) in text, f"{code}: {dialog} is not played"


# Their first step is for other countries, other people or a date that is not there yet.
PASSED_OVER = (
    *("chemicals", "children", "freedom", "topics", "join", "progress", "dates", "ready", "hello", "messages"),
)


def test_an_unclear_line_says_what_may_be_written():
    with pytest.raises(rehearse.Unclear, match=r"line 2: “dails \*384#” is none of: phone"):
        rehearse.read("phone +255700000001\ndails *384#\n")
    with pytest.raises(rehearse.Unclear, match="waits 3 days"):
        rehearse.read("waits three days")


def test_a_rehearsal_is_rewritten_where_the_screens_differ():
    class Parrot:
        """Says what it hears."""

        def dial(self, code: str) -> rehearse.Screen:
            return rehearse.Screen(f"dialled {code}", True)

        def type(self, text: str) -> rehearse.Screen:
            return rehearse.Screen(f"typed {text}\nand done", False)

    transcript = "# a note\ndials *1#\n> something else\n\n< 5\n"
    differences, shown = rehearse.play(rehearse.read(transcript), Parrot())  # type: ignore[arg-type]
    assert len(differences) == 2
    assert "after “dial *1#”, expected" in str(differences[0])
    new = rehearse.rewritten(transcript, shown)
    assert new == "# a note\ndials *1#\n> dialled *1#\n\n< 5\n> typed 5\n> and done\n(ends)\n"
    assert rehearse.play(rehearse.read(new), Parrot())[0] == []  # type: ignore[arg-type]
