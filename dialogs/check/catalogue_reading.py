"""The catalogue of problems: reading a file."""

from __future__ import annotations

from collections.abc import Mapping

from dialogs.check.catalogue_entry import Entry, only, quiz, steps

READING: Mapping[str, Entry] = {
    "yaml": Entry(
        "A line cannot be read.",
        "The files are YAML: a key, a colon, a space, then the text. A colon inside a text, a quote mark that is not"
        " closed or a tab breaks that. Put the whole text in quotes.",
        steps("""
            hint:
              say: Note: keep the paper dry.
            """),
        steps("""
            hint:
              say: "Note: keep the paper dry."
            """),
    ),
    "brackets": Entry(
        "A value begins with a bracket or a brace.",
        "{ and [ have a meaning of their own at the beginning of a value. A text that begins with a placeholder"
        " stands in quotes; a list is written one item a line.",
        steps("""
            hint:
              say: [One, Two]
            """),
        steps("""
            hint:
              say:
                - One
                - Two
            """),
    ),
    "twice": Entry(
        "A name stands twice in one place.",
        "Only one of the two could be meant, and nobody can know which. The message names the other line.",
        steps("""
            hint:
              say: Keep the paper dry.
            hint:
              say: Keep the paper safe.
            """),
        steps("""
            hint:
              say: Keep the paper dry.
            hint_safe:
              say: Keep the paper safe.
            """),
    ),
    "unknown-key": Entry(
        "A key does not exist, or not in this place.",
        "A slip in a key would be left out without a word. The message tells the nearest key, or where it belongs.",
        steps("""
            records:
              check: Does the group write down each sale?
              advise: Start a sales book today.
            """),
        steps("""
            records:
              check: Does the group write down each sale?
              advice: Start a sales book today.
            """),
    ),
    "missing-key": Entry(
        "Something that must be there is missing.",
        "A dialog needs a title and steps, a reminder series needs what it counts from and what it sends, and"
        " common.yaml needs the texts and words that the program itself uses.",
        quiz("""
            then: /menu
            steps:
              hint:
                say: Keep the paper dry.
            """),
        quiz("""
            title: Papers
            then: /menu
            steps:
              hint:
                say: Keep the paper dry.
            """),
    ),
    "wrong-type": Entry(
        "Something else belongs here.",
        "Each key wants its own kind of value: a text, a list, a number, one of a few words. The message tells which.",
        steps("""
            records:
              check: Does the group write down each sale?
              advice: Start a sales book today.
              points: two
            """),
        steps("""
            records:
              check: Does the group write down each sale?
              advice: Start a sales book today.
              points: 2
            """),
    ),
    "bad-id": Entry(
        "A name is not made of small letters, digits and _.",
        "Names of dialogs, steps and choices are never shown to anyone. They begin with a small letter a to z and"
        " have at most 30 signs.",
        steps("""
            Sales-Book:
              say: Start a sales book today.
            """),
        steps("""
            sales_book:
              say: Start a sales book today.
            """),
    ),
    "what-step": Entry(
        "A step is not exactly one of say, ask, check, score, advice or from.",
        "Each step does one thing. Two things are two steps.",
        steps("""
            records:
              say: Sales first.
              check: Does the group write down each sale?
              advice: Start a sales book today.
            """),
        steps("""
            sales:
              say: Sales first.
            records:
              check: Does the group write down each sale?
              advice: Start a sales book today.
            """),
    ),
    "no-answer": Entry(
        "A question has no answers.",
        "An ask needs choices; or save, if the answer is typed in.",
        steps("""
            who:
              ask: What do you do?
            """),
        steps("""
            who:
              ask: What do you do?
              choices:
                leader: Lead
                worker: Work
            """),
    ),
    "unknown-choice": Entry(
        "Points, advice, a reply or a way is given for a choice that the question does not have.",
        "It would never be used. The message tells the nearest choice.",
        steps("""
            who:
              ask: Who decides if a site passes?
              choices:
                leader: Your own leader
                outside: An outside checker
              points:
                outsider: 1
            """),
        steps("""
            who:
              ask: Who decides if a site passes?
              choices:
                leader: Your own leader
                outside: An outside checker
              points:
                outside: 1
            """),
    ),
    "no-advice": Entry(
        "A check has no advice.",
        "Whoever answers No or Not sure gets the advice: that is what a check is for.",
        steps("""
            records:
              check: Does the group write down each sale?
            """),
        steps("""
            records:
              check: Does the group write down each sale?
              advice: Start a sales book today.
            """),
    ),
    "score-gap": Entry(
        "A score leaves somebody without a result.",
        "The percentages fall from line to line and end in 0%, so that everyone gets one of the texts.",
        steps("""
            records:
              check: Does the group write down each sale?
              advice: Start a sales book today.
            result:
              score:
                80%: Much is in place.
                40%: You have a good start.
            """),
        steps("""
            records:
              check: Does the group write down each sale?
              advice: Start a sales book today.
            result:
              score:
                80%: Much is in place.
                40%: You have a good start.
                0%: Take one step at a time.
            """),
    ),
    "no-common": Entry(
        "The file common.yaml is missing.",
        "It holds what all dialogs share: the language of the files, the words that people send, the texts of keys.",
        {},
        {},
        file="content/common.yaml",
        gone=("content/common.yaml",),
    ),
    "unknown-file": Entry(
        "A file is not read.",
        "Dialogs and reminders end in .yaml, languages in .po, and each lies in its folder. Another ending is easily"
        " a slip, and then a whole dialog is missing.",
        only(
            "reminders/permit.yml",
            """
            title: Permit reminders
            every: 2 weeks
            send:
              on the day: Is your permit still valid? Look at its last day.
            """,
        ),
        only(
            "reminders/permit.yaml",
            """
            title: Permit reminders
            every: 2 weeks
            send:
              on the day: Is your permit still valid? Look at its last day.
            """,
        ),
    ),
}
