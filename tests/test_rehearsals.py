"""Every rehearsal is played on the real application, which forgets all but its database between two steps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import insert

from dialogs import rehearse
from dialogs.content import Keeper
from dialogs.tables import Group
from tests.phones import Site

FOLDER = Path(__file__).parent / "rehearsals"
REHEARSALS = sorted(FOLDER.glob("*.txt"))


@pytest.mark.parametrize("path", REHEARSALS, ids=[path.stem for path in REHEARSALS])
def test_the_rehearsal_is_played_as_it_is_written(
    path: Path, new_site: Callable[..., Site], keeper: Keeper, request: pytest.FixtureRequest
):
    transcript = path.read_text(encoding="utf-8")
    site = new_site(keeper)
    with site.database() as db:
        db.execute(insert(Group).values(code="UMOJA-7", name="Umoja"))
    phone = site.phone("+255700000001", fresh=True)
    differences, shown = rehearse.play(rehearse.read(transcript), phone)
    if request.config.getoption("--update"):
        path.write_text(rehearse.rewritten(transcript, shown), encoding="utf-8")
        return
    assert not differences, f"{path.name}\n" + "\n".join(map(str, differences))


def test_every_dialog_is_rehearsed(keeper: Keeper):
    played = "\n".join(path.read_text(encoding="utf-8") for path in REHEARSALS)
    for dialog in keeper.content.dialogs.values():
        if not any(step.origin for other in keeper.content.dialogs.values() for step in other.steps
                   if step.origin and step.origin[0] == dialog.id):  # fmt: skip
            first = next(step for step in dialog.steps if step.texts)
            assert first.texts[0].source.partition("{")[0][:30] in played, f"no rehearsal plays the dialog {dialog.id}"


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
