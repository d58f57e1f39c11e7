"""The catalogue of problems: how dialogs hang together."""

from __future__ import annotations

from collections.abc import Mapping

from dialogs.check.catalogue_entry import Entry, only, quiz, steps

_VILLAGES = "title: Where are you?\nthen: /menu\nsteps:\n  place:\n    ask: Where?\n    choices:\n"
_MANY = "".join(f"      village_{letter}: Village {letter.upper()}\n" for letter in "abcdefghijklmnopqrstuvwxy")
_FEWER = "".join(f"      village_{letter}: Village {letter.upper()}\n" for letter in "abcdefgh")
_ASKED = """
    who:
      ask: What do you do?
      choices:
        leader: Lead
        worker: Work
"""
_PRIVATE = """
    permit:
      check: Is there a permit for the place where you work?
      keep: no
      advice: Ask the mines office which permit fits.
"""

STRUCTURE: Mapping[str, Entry] = {
    "no-hello": Entry(
        "There is no dialog hello.",
        "A new phone number starts there: language, age, consent.",
        {},
        {},
        file="content/dialogs/hello.yaml",
        gone=("content/dialogs/hello.yaml",),
    ),
    "no-menu": Entry(
        "There is no dialog menu.",
        "Everyone who dials again starts there, and the word MENU leads there.",
        quiz(
            """
            title: Am I ready?
            steps:
              hint:
                say: Keep the paper dry.
            """,
            {
                "content/dialogs/hello.yaml": "title: Welcome\nthen: /quiz\nsteps:\n  hint:\n    say: Welcome.\n",
                "content/dialogs/audit.yaml": (
                    "title: Audit\nsteps:\n  date:\n    ask: When?\n    as: date\n    save: audit_date\n"
                    "  done:\n    say: Saved.\n"
                ),
            },
        ),
        {},
        file="content/dialogs/menu.yaml",
        gone=("content/dialogs/menu.yaml",),
    ),
    "group-code": Entry(
        "A group is joined or left by an answer that cannot do it.",
        'With "save: group" the code of a group is typed. With "save: leave_groups" the answer "yes" leaves all.'
        ' With "save: link_code" the code that a phone showed is typed in a chat.'
        ' With "save: end_links" the answer "yes" ends all links.',
        steps("""
            code:
              ask: Which group?
              choices:
                north: The north
                south: The south
              save: group
            done:
              say: You are in {group} now.
            """),
        steps("""
            code:
              ask: What is the code of your group?
              save: group
            done:
              say: You are in {group} now.
            """),
    ),
    "no-date": Entry(
        "An answer marks a date as done that nobody saves.",
        'What stands under "done" is the name under which a question with "as: date" saves its answers.',
        steps("""
            over:
              ask: Is it over?
              choices:
                yes: Yes
                later: Not yet
              done:
                yes: audit_day
            """),
        steps("""
            over:
              ask: Is it over?
              choices:
                yes: Yes
                later: Not yet
              done:
                yes: audit_date
            """),
    ),
    "unknown-step": Entry(
        "A way leads to a step that does not exist.",
        "The message tells the nearest step of this dialog. A dialog as a target has a / before it: /menu.",
        steps("""
            records:
              check: Does the group write down each sale?
              advice: Start a sales book today.
              go:
                yes: resultt
            hint:
              say: A sales book is a good start.
            result:
              say: Well done.
            """),
        steps("""
            records:
              check: Does the group write down each sale?
              advice: Start a sales book today.
              go:
                yes: result
            hint:
              say: A sales book is a good start.
            result:
              say: Well done.
            """),
    ),
    "unknown-dialog": Entry(
        "A way leads to a dialog that does not exist.",
        "The name of a dialog is the name of its file without .yaml.",
        quiz("""
            title: Am I ready?
            then: /menue
            steps:
              hint:
                say: Keep the paper dry.
            """),
        quiz("""
            title: Am I ready?
            then: /menu
            steps:
              hint:
                say: Keep the paper dry.
            """),
    ),
    "endless": Entry(
        "Steps lead round in a ring without a question.",
        "Whoever comes into it could only read on and on.",
        steps("""
            first:
              say: Keep the paper dry.
            second:
              say: Keep the paper safe.
              go: first
            """),
        steps("""
            first:
              say: Keep the paper dry.
            second:
              say: Keep the paper safe.
              go: /menu
            """),
    ),
    "only-if": Entry(
        "A condition can never be decided, or never holds.",
        "It names something that nobody asks or saves, an answer that the question does not have, or a question that"
        " comes only later. A reminder series knows only saved answers, the language, the country, switches and facts.",
        steps("""
            mineral:
              ask: What comes from your site?
              choices:
                gold: Gold
                tin: Tin
            retort:
              only if: mineral is golden
              say: A retort catches mercury.
            """),
        steps("""
            mineral:
              ask: What comes from your site?
              choices:
                gold: Gold
                tin: Tin
            retort:
              only if: mineral is gold
              say: A retort catches mercury.
            """),
    ),
    "kept-go": Entry(
        "The answer to a private question would steer the way.",
        "With keep: no or keep: counts the answer is not kept with the person. The way they take would tell it all the"
        " same. Only forget can stand there, since it erases everything.",
        steps(f"""{_PRIVATE}
    help:
      only if: permit is no
      say: A cooperative can ask for you.
        """),
        steps(f"""{_PRIVATE}
    help:
      say: A cooperative can ask for you.
        """),
    ),
    "unkept": Entry(
        "A private question promises one thing and does another.",
        "With keep: no or keep: counts there are no points and nothing is saved. What is said to the answer fits one"
        " screen, so that no second key is needed that could be told from another.",
        steps(f"""{_PRIVATE}
      points: 2
        """),
        steps(_PRIVATE),
    ),
    "too-many": Entry(
        "A question has more than 24 choices.",
        "By SMS all choices stand in one message and are numbered through.",
        {"content/dialogs/quiz.yaml": _VILLAGES + _MANY},
        {"content/dialogs/quiz.yaml": _VILLAGES + _FEWER},
    ),
    "count-from": Entry(
        "A reminder series counts from a date that no question saves.",
        "Nobody would ever get these reminders. The name is the one after save, in a question with as: date.",
        only(
            "reminders/audit.yaml",
            """
            title: Audit reminders
            count from: audit_day
            send:
              7 days before: Put your papers in one folder.
            """,
        ),
        only(
            "reminders/audit.yaml",
            """
            title: Audit reminders
            count from: audit_date
            send:
              7 days before: Put your papers in one folder.
            """,
        ),
    ),
    "never-reached": Entry(
        "Nothing leads to a dialog or a step.",
        "It is there, and nobody can come to it. A dialog needs a line in a menu; a step needs a way, or the step"
        " before it must not lead elsewhere.",
        steps("""
            hint:
              say: Keep the paper dry.
              go: end
            more:
              say: Keep the paper safe.
            """),
        steps("""
            hint:
              say: Keep the paper dry.
            more:
              say: Keep the paper safe.
              go: end
            """),
    ),
    "never-used": Entry(
        "Something is saved, or a fact is given, and nothing uses it.",
        "What is not needed is not kept about a person. Where broadcasts choose people by a saved answer it is fine.",
        steps(f"""{_ASKED}
      save: role
        """),
        steps(_ASKED),
    ),
    "dead-end": Entry(
        "After an answer the call ends, and nothing was said to it.",
        "The person does not learn whether the answer came through. Add a reply, or a last step.",
        steps("""
            again:
              ask: Is there a sales book?
              choices:
                yes: Yes
                no: No
              reply:
                no: Start one today.
              go: end
            """),
        steps("""
            again:
              ask: Is there a sales book?
              choices:
                yes: Yes
                no: No
              reply:
                yes: Well done.
                no: Start one today.
              go: end
            """),
    ),
    "step-gone": Entry(
        "A step is gone at which people stand.",
        "They go on with what follows. If the step only has a new name, moved carries their answers over.",
        steps("""
            licence:
              check: Is there a permit for the place where you work?
              advice: Ask the mines office which permit fits.
            """),
        quiz("""
            title: Am I ready?
            then: /menu
            moved:
              permit: licence
            steps:
              licence:
                check: Is there a permit for the place where you work?
                advice: Ask the mines office which permit fits.
            """),
        standing={("quiz", "permit"): 37},
    ),
    "choice-gone": Entry(
        "A choice is gone that people have taken.",
        "They are asked again. To change only the words of a choice, leave the name before the colon as it is.",
        steps("""
            mineral:
              ask: What comes from your site?
              choices:
                yellow: Gold
                tin: Tin
            """),
        steps("""
            mineral:
              ask: What comes from your site?
              choices:
                gold: Gold
                tin: Tin
            """),
        standing={("quiz", "mineral", "gold"): 12},
    ),
}
