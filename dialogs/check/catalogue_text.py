"""The catalogue of problems: texts on a phone."""

from __future__ import annotations

from collections.abc import Mapping

from dialogs.check.catalogue_entry import Entry, only, steps

TEXT: Mapping[str, Entry] = {
    "placeholder": Entry(
        "A name in braces stands for nothing.",
        "Texts can name facts of common.yaml, saved answers, and in results {points}, {max}, {percent} and {title};"
        " a say can tell what is {kept} of a person. A reminder can name facts, its date and saved answers;"
        " the text for the officer of a group only {group}, the date and facts, since it must not tell who was meant.",
        steps("""
            hint:
              say: Your audit is on {audit_day}.
            """),
        steps("""
            hint:
              say: Your audit is on {audit_date}.
            """),
    ),
    "too-long": Entry(
        "A text does not fit a screen.",
        "A phone shows 160 letters. A check, and a question with up to three choices, stand on one screen together with"
        " their keys; each number and name is counted at its longest. A page of a say is cut into screens by itself. A"
        " reminder that others may see is one SMS; one for a phone that is private is two at most.",
        steps("""
            records:
              check: "Does the group write down each and every single sale in a book that is kept in a dry
                and safe place, with the date, the weight, the price and the name of the buyer?"
              advice: Start a sales book today.
            """),
        steps("""
            records:
              check: Does the group write down each sale, with date, weight, price and buyer?
              advice: Start a sales book today.
            """),
    ),
    "letters": Entry(
        "Simple phones cannot show a letter.",
        "A phone call menu has only the letters of the GSM alphabet: plain letters, some accents, no other scripts. In"
        " an SMS one such letter makes it hold 70 letters in place of 160, so it costs more. A language says in"
        " X-Replace how it writes its own letters in plain ones.",
        steps("""
            hint:
              say: Shimo ni refu → simama.
            """),
        steps("""
            hint:
              say: Shimo ni refu, simama.
            """),
    ),
    "invisible": Entry(
        "A text holds a sign that nobody sees, or a curly one.",
        "They come from word processors, look like a space or a plain quote mark, and can double the price of an SMS.",
        steps("""
            hint:
              say: Keep the group\u2019s paper dry.
            """),
        steps("""
            hint:
              say: Keep the group's paper dry.
            """),
    ),
    "open-word": Entry(
        "A careful reminder holds a word that gives away what it is about.",
        "Others may see the phone, and the officer of a group may not be alone. The words of each language are listed"
        " under discreet in common.yaml and translated in its PO file.",
        only(
            "reminders/audit.yaml",
            """
            title: Audit reminders
            count from: audit_date
            send:
              7 days before: 7 days to the audit. Put your papers in one folder.
            """,
        ),
        only(
            "reminders/audit.yaml",
            """
            title: Audit reminders
            count from: audit_date
            send:
              7 days before:
                say: 7 days to {audit_date}. Put your papers in one folder.
                open: 7 days to the audit. Put your papers in one folder.
            """,
        ),
    ),
    "digit-in-text": Entry(
        "A text names a key.",
        "Keys are counted out by the program, for each screen anew. A number in the text would be wrong as soon as"
        " a choice is added or moved.",
        steps("""
            more:
              ask: Press 1 to go on.
              choices:
                on: Go on
                again: Once more
            """),
        steps("""
            more:
              ask: What do you want?
              choices:
                on: Go on
                again: Once more
            """),
    ),
}
