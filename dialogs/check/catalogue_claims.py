"""The catalogue of problems: what texts rest on, and what questions prepare for."""

from __future__ import annotations

from collections.abc import Mapping

from dialogs.check.catalogue_entry import Entry, only, steps

_LISTED = only(
    "sources.yaml",
    """
    gibb_2014:
      what: Gibb and O'Leary, mercury and health in small-scale gold mining, 2014
      where: PMC4080518
      kind: document
    """,
)
_SCHEMES = only(
    "schemes.yaml",
    """
    craft:
      name: CRAFT
      about: A code for small-scale mines
      parts:
        module 1: management system
        module 2: legitimacy
      source: own
    """,
)


def _smoke(*claim: str) -> dict[str, str]:
    """A step that says something, with these lines below it."""
    said = ("smoke:", "  say: Mercury smoke makes you ill.", *(f"  {line}" for line in claim))
    return steps("\n".join(said))


def _rule18(named: str) -> dict[str, str]:
    asked = steps(f"""
        rule18:
          check: Do under 18s stay out of the pit?
          advice: Agree on the rule in a meeting.
          prepares for:
            {named}: b
          source: own
        """)
    return {**asked, **_SCHEMES}


CLAIMS: Mapping[str, Entry] = {
    "no-source": Entry(
        "A text says something, and nobody can see what it rests on.",
        "What miners are told about law, health and standards must be so, and must be looked up again when it changes."
        " Every step that says something (`say`, `check`, a reply, an advice) and every series of reminders names its"
        " source, or its dialog does for all its steps. `source: own` is for our own words about this service. This is"
        " asked for as soon as the content has a file `sources.yaml`; a first small content does without. In"
        " `hours.yaml` every country needs `source` and `checked_on` always; where you found no rule, say so:"
        ' "none found; careful default".',
        {**_smoke("note: About mercury"), **only("sources.yaml", "memory:\n  what: From our memory\n  kind: memory\n")},
        {
            **_smoke("note: About mercury", "source:", "  memory: c"),
            **only("sources.yaml", "memory:\n  what: From our memory\n  kind: memory\n"),
        },
    ),
    "no-page": Entry(
        "An answer to free text leads to a question.",
        "What people write in their own words is answered by reading pages out, and then the open question comes again."
        " So an answer of `answers.yaml` names a step with `say`, or a whole dialog to open.",
        only("answers.yaml", "source: own\nanswers:\n  sales:\n    go: quiz/records\n    en: sales book\n"),
        only("answers.yaml", "source: own\nanswers:\n  sales:\n    go: /quiz\n    en: sales book\n"),
    ),
    "unknown-source": Entry(
        "A source is named that is not in the list.",
        "`sources.yaml` says of each source who wrote what and when, and where it is found, so that somebody else can"
        " look it up. Three need not stand there: `memory` (nobody looked it up), `general` (knowledge of the trade)"
        " and `own` (our own words).",
        {**_smoke("source:", "  general: b", "  gib_2041: a")},
        {**_smoke("source:", "  general: b", "  gibb_2014: a"), **_LISTED},
    ),
    "wrong-confidence": Entry(
        "It is not said how sure it is.",
        "Behind each source, and behind each scheme under `prepares for`, stands one letter: a = it is stated there,"
        " b = likely, c = a guess.",
        _smoke("source:", "  general: likely"),
        _smoke("source:", "  general: b"),
    ),
    "bad-day": Entry(
        "A day is no day of the calendar, or in the wrong order.",
        "`checked_on` is the day on which somebody looked, `expires_on` a later one by which to look again. Both are"
        " written as year-month-day.",
        _smoke("source: own", "checked_by: Amina", "checked_on: 31/02/2026"),
        _smoke("source: own", "checked_by: Amina", "checked_on: 2026-02-28"),
    ),
    "out-of-date": Entry(
        "The day by which to look again has passed.",
        "Laws, prices and standards change. The text is still said; see whether it is still so, then write who looked,"
        " when, and until when that is good.",
        _smoke("source: own", "checked_by: Amina", "checked_on: 2026-11-23", "expires_on: 2027-11-23"),
        _smoke("source: own", "checked_by: Amina", "checked_on: 2027-11-20", "expires_on: 2028-11-20"),
        today="2027-11-24",
    ),
    "half-checked": Entry(
        "Who checked it is given without the day, or the day without who.",
        "Both together say that a person stands by it. Leave both empty until somebody has looked; never invent a"
        " name.",
        _smoke("source: own", "checked_by: Amina"),
        _smoke("source: own", "checked_by: Amina", "checked_on: 2026-11-23"),
    ),
    "unknown-scheme": Entry(
        "A question prepares for a scheme, or a part of one, that is not in the list.",
        "`schemes.yaml` lists the standards, and those of their parts that somebody has seen. Others are not named: a"
        " number that nobody verified looks like knowledge.",
        _rule18("craft/module 7"),
        _rule18("craft/module 2"),
    ),
}
