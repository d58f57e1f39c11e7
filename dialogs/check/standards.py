"""docs/standards.md: which question prepares for which part of which scheme, and how sure that is."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dialogs.check.facts import facts, resting_on
from dialogs.claims import Scheme, split
from dialogs.script import Claim, Dialog, Step
from dialogs.written import Written

HEAD = """\
# What each question prepares for

This page is written by `make docs` from the keys `prepares for` and `source` in `content/dialogs`, and from
`content/schemes.yaml` and `content/sources.yaml`.

A letter says how sure it is: **a** it is stated in the source, **b** likely, **c** a guess. A question prepares:
whoever answers all of them with Yes has practised, and has passed nothing. Nobody from a scheme has looked at this
table, unless it says so below."""


def page(written: Written) -> str:
    """docs/standards.md, whole: questions by topic, the schemes, the sources."""
    lines = [HEAD]
    asked = [(dialog, _checks(dialog)) for dialog in written.dialogs.values()]
    for dialog, checks in asked:
        if any(step.schemes for step in checks):
            lines += ["", f"## {_cell(dialog.title.source)}", "", *_topic(written, dialog, checks)]
    bare = [f"`{dialog.id}/{step.id}`" for dialog, checks in asked for step in checks if not step.schemes]
    if bare:
        lines += ["", "## Questions for no scheme", "", f"These prepare for none of the schemes: {', '.join(bare)}."]
    lines += ["", "## The schemes", "", *_schemes(written)]
    lines += ["", "## The sources", "", *_sources(written)]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)) + "\n"


def _checks(dialog: Dialog) -> list[Step]:
    """The questions that are written here, not taken from another dialog."""
    return [step for step in dialog.steps if step.head == "check" and step.origin is None]


# --- one topic ---


def _topic(written: Written, dialog: Dialog, checks: list[Step]) -> Iterator[str]:
    named = {split(scheme)[0] for step in checks for scheme, _ in step.schemes}
    columns = [id for id in written.schemes if id in named]
    yield f"`content/dialogs/{dialog.id}.yaml`"
    yield ""
    yield _row("Question", *(_cell(written.schemes[id].name) for id in columns))
    yield _row(*["---"] * (len(columns) + 1))
    for step in checks:
        question = " ".join(text.source for text in step.texts)
        yield _row(f"{_cell(question)} (`{step.id}`)", *(_prepares(step, id) for id in columns))


def _prepares(step: Step, scheme: str) -> str:
    """Part and letter, for each part of this scheme."""
    found = [(split(named)[1], letter) for named, letter in step.schemes if split(named)[0] == scheme]
    return ", ".join(f"{_cell(part)} **{letter}**" if part else f"**{letter}**" for part, letter in found)


# --- the lists ---


def _schemes(written: Written) -> Iterator[str]:
    if not written.schemes:
        yield "None is listed yet."
    for scheme in written.schemes.values():
        yield from (f"### {_cell(scheme.name)}", "", _about(scheme), "")
        yield from (f"- {_cell(part)}: {_cell(about)}" for part, about in scheme.parts.items())
        yield ""


def _about(scheme: Scheme) -> str:
    about = f"{_cell(scheme.about).rstrip('.')}. " if scheme.about else ""
    return f"{about}Rests on: {_rests(scheme.claim)}. {_checked(scheme.claim)}"


def _rests(claim: Claim) -> str:
    return ", ".join(f"`{id}` **{letter}**" for id, letter in claim.source) or "no source"


def _checked(claim: Claim) -> str:
    if not (claim.checked_by and claim.checked_on):
        return "Nobody has checked it."
    until = f", good until {claim.expires_on}" if claim.expires_on else ""
    return f"Checked by {_cell(claim.checked_by)} on {claim.checked_on}{until}."


def _sources(written: Written) -> Iterator[str]:
    said = list(facts(written))
    yield _row("Name", "What", "Where", "Kind", "Texts that rest on it")
    yield _row(*["---"] * 5)
    for source in written.sources.values():
        number = len(resting_on(said, source.id))
        yield _row(f"`{source.id}`", _cell(source.what), _cell(source.where), source.kind, str(number))


def _row(*cells: str) -> str:
    return f"|{'|'.join(f' {cell} ' if cell else ' ' for cell in cells)}|"


def _cell(text: str) -> str:
    """A text as plain words of a table: nothing in it is markup."""
    return re.sub(r"([\\|*_`<\[\]])", r"\\\1", " ".join(text.split()))
