"""The catalogue of problems: translations. The examples are parts of a PO file that is complete otherwise."""

from __future__ import annotations

from collections.abc import Mapping

from dialogs.check.catalogue_entry import Entry, french, swahili

_GOOD = """
    msgctxt "menu:home.ask"
    msgid "Choose a number"
    msgstr "Chagua namba"
"""
_RESUME = """
    msgctxt "common:resume"
    msgid "You stopped in \\"{title}\\". Go on?"
    msgstr "Uliishia kwenye \\"{title}\\". Uendelee?"
"""
_QUIZ = """
    msgctxt "menu:home.choices.quiz"
    msgid "Am I ready?"
    msgstr "Je, niko tayari?"
"""

TRANSLATION: Mapping[str, Entry] = {
    "po-broken": Entry(
        "A PO file cannot be read.",
        'Mostly a quote mark is missing at the end of a line, or there is one inside a text: there it is written \\".',
        swahili("""
            msgctxt "menu:home.ask"
            msgid "Choose a number"
            msgstr "Chagua namba
            """),
        swahili(_GOOD),
    ),
    "po-header": Entry(
        "The header of a PO file is not right.",
        "It holds the own name of the language (X-Name), whether it is shown to people (X-Status: draft or live), where"
        " missing texts are taken from (X-Fallback), and how its letters are written in plain ones (X-Replace).",
        swahili(_GOOD, '"X-Status: ready\\n"\n'),
        swahili(_GOOD, '"X-Status: live\\n"\n'),
    ),
    "missing": Entry(
        "Texts are not translated yet.",
        "People read them in the language that this one falls back to. In a live language the menu, the welcome and the"
        " common texts must be complete.",
        swahili("""
            msgctxt "menu:home.ask"
            msgid "Choose a number"
            msgstr ""
            """),
        swahili(_GOOD),
    ),
    "stale": Entry(
        "The source text has changed since it was translated.",
        "The old translation is not used until somebody has looked at it. In the file it is marked fuzzy, as PO editors"
        " call it, with the old source text beside it; whoever has mended the translation takes the mark away.",
        swahili("""
            #, fuzzy
            #| msgid "Choose one"
            msgctxt "menu:home.ask"
            msgid "Choose a number"
            msgstr "Chagua moja"
            """),
        swahili(_GOOD),
    ),
    "placeholders-differ": Entry(
        "A name in braces was lost or translated.",
        "Names in braces are put in by the program, so they stay exactly as they are.",
        swahili("""
            msgctxt "common:resume"
            msgid "You stopped in \\"{title}\\". Go on?"
            msgstr "Uliishia kwenye \\"{jina}\\". Uendelee?"
            """),
        swahili(_RESUME),
    ),
    "length-odd": Entry(
        "A translation is far longer or shorter than its source.",
        "Often it belongs to another text.",
        swahili("""
            msgctxt "common:sorry"
            msgid "Please reply with one of the numbers."
            msgstr "Namba"
            """),
        swahili("""
            msgctxt "common:sorry"
            msgid "Please reply with one of the numbers."
            msgstr "Tafadhali jibu kwa namba moja."
            """),
    ),
    "same-as-source": Entry(
        "A translation reads the same as its source.",
        "Mostly the source was copied and then left. Names and single words are not looked at.",
        swahili("""
            msgctxt "menu:home.ask"
            msgid "Choose a number"
            msgstr "Choose a number"
            """),
        swahili(_GOOD),
    ),
    "orphan": Entry(
        "A translation belongs to no text.",
        "The text was removed, or the id has a slip. ngazi content update puts such translations aside, where they are"
        " found again if the text comes back.",
        swahili(f"""{_GOOD}
    msgctxt "menu:house.ask"
    msgid "Choose a number"
    msgstr "Chagua namba"
        """),
        swahili(_GOOD),
    ),
    "two-choices-same": Entry(
        "Two choices of one question read alike.",
        "Nobody could tell them apart, and an SMS with these words could mean either.",
        swahili(f"""{_QUIZ}
    msgctxt "menu:home.choices.date"
    msgid "My audit date"
    msgstr "Je, niko tayari"
        """),
        swahili(f"""{_QUIZ}
    msgctxt "menu:home.choices.date"
    msgid "My audit date"
    msgstr "Tarehe ya ukaguzi"
        """),
    ),
    "word-twice": Entry(
        "One word means two things.",
        "Words such as STOP are understood from everyone in every language, so each has one meaning over all of them.",
        swahili("""
            msgctxt "common:words.menu"
            msgid "MENU"
            msgstr "HELP"
            """),
        swahili("""
            msgctxt "common:words.menu"
            msgid "MENU"
            msgstr "MENYU"
            """),
    ),
    "word-taken": Entry(
        "A choice reads like a word for stop, start, help or menu.",
        "By SMS people may write a choice out. This one would stop their messages, or lead elsewhere.",
        swahili("""
            msgctxt "menu:home.choices.quiz"
            msgid "Am I ready?"
            msgstr "Start"
            """),
        swahili(_QUIZ),
    ),
    "unsigned": Entry(
        "A language is live, and two people have not signed for every text.",
        "What a phone reads out can send somebody down a pit. So each translation that is used needs the signatures of"
        " two people who speak the language; ngazi content review writes them. A signature holds for the two texts as"
        " they were read: once either changes, it is void. In the other examples here signatures are left out.",
        swahili("""
            # reviewed_by: Amina
            # reviewed_on: 2026-12-01
            # reviewed_as: ed4e115a
            msgctxt "menu:home.ask"
            msgid "Choose a number"
            msgstr "Chagua namba"
            """),
        swahili("""
            # reviewed_by: Amina; Juma
            # reviewed_on: 2026-12-01; 2026-12-03
            # reviewed_as: ed4e115a; ed4e115a
            msgctxt "menu:home.ask"
            msgid "Choose a number"
            msgstr "Chagua namba"
            """),
        signed=False,
    ),
    "meaning": Entry(
        "A word becomes another word on a phone.",
        "Letters that simple phones cannot show go out without their accents. Mostly that only looks plain, but some"
        " words are then others: here the one for sure becomes the one for on. Each such word is told once.",
        french("""
            msgctxt "menu:home.choices.quiz"
            msgid "Am I ready?"
            msgstr "Est-ce un travail sûr ?"
            """),
        french("""
            msgctxt "menu:home.choices.quiz"
            msgid "Am I ready?"
            msgstr "Un travail sans danger ?"
            """),
    ),
}
