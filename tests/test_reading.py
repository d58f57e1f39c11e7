"""Reading content files: what an editor writes becomes a dialog, and what is wrong is told with its place."""

from __future__ import annotations

from textwrap import dedent, indent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogs.problem import At, Problem
from dialogs.reading import read_common, read_dialog, read_series
from dialogs.script import Condition, Dialog, Step

COMMON = """\
# words every dialog uses
language: en                      # the language these files are written in
facts:
  code: "*384*77#"
  helpline:                       # differs by country
    TZ: ""                        # only a checked number goes here
texts:
  yes: Yes
  no: No
  unsure: Not sure
  next: Next
  back: Back
  menu: Menu
  sorry: Please reply with one of the numbers.
  resume: You stopped in "{title}". Go on?
  resume_on: Go on
  resume_over: Start again
  goodbye: Thank you. Dial {code} any time.
  months: Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec
"""
MENU = """\
title: Main menu
resume: never
steps:
  home:
    ask: Fair mining. Choose a number
    choices:
      learn: What is certification?
      ready: Am I ready for an audit?
      date: My audit date
      language: Change language
    go:
      learn: /certification
      ready: /readiness
      date: /audit
      language: /hello
"""
HELLO = """\
title: Welcome
resume: never
then: /menu
steps:
  language:
    ask: Choose your language
    choices: languages            # every live language, each in its own name
    save: language
  adult:
    only if: consent is not yes
    ask: Are you 18 or over? You can stop at any time with STOP.
    choices:
      yes: Yes
      no: No
    keep: no
    reply:
      no: This line is for adults. You can learn about safe places and school. Dial {code}.
    go:
      no: forget                  # nothing about a child is kept
  consent:
    only if: consent is not yes
    ask: We keep your number, locked, and some answers. Your phone company sees that you use this line. Agree?
    choices:
      yes: Yes
      no: No
    save: consent
    go:
      no: forget
"""
CERTIFICATION = """\
title: What is certification?
about: Five-minute lesson. Keep sentences under 12 words.
then: /menu
steps:
  what:
    say:
      - Certification is a check by outsiders. They see if a site follows agreed rules.
      - The rules are about law, safety, children, clean water, fair pay and records.
  who:
    ask: Who decides if a site passes?
    choices:
      leader: Your own leader
      outside: An outside checker
    points:
      outside: 1
    reply:
      leader: Not so. The checker is from outside, so that others can trust the result.
      outside: Right. So others can trust the result.
  end_note:
    say: 'Next: see how ready your site is.'
    go: /readiness
"""
READINESS = """\
title: Am I ready for an audit?
about: |
  Practice, not an audit. A true Yes is always the good answer.
  Ask for a rule, a paper or a habit, never for a confession.
resume: ask
forget after: 60 days
then: /menu
moved:
  permit: licence                 # old answers follow
steps:
  welcome:
    say: This is practice, not an audit. Stop any time and go on later.
  role:
    ask: Who are you?
    choices:
      leader: Leader or record keeper
      worker: Miner or worker
    save: role
    go:
      worker: mineral             # workers skip the paper questions
  licence:
    check: Does your group have a mining permit for this site?
    keep: no                      # gives its advice at once; only "seen" is stored
    advice: Ask the mines office which permit fits small miners. Groups often pay less.
    note: The artisanal permit, not a company lease.
  members:
    check: Do you have a list of all members and workers with their ages?
    points: 2
    advice: Start a list today, with name, age and job. Lock it away. Update it each month.
    proof: Member list with a date
  mineral:
    ask: What do you mine?
    choices:
      gold: Gold
      tin: Tin (cassiterite)
      other: Something else
    save: mineral
  mercury:
    only if: mineral is gold
    check: Do you work without mercury, or with a retort?
    points: 2
    advice: Ask your group to get a retort. Never burn mercury at home.
  tags:
    only if: mineral is tin
    check: Is every bag tagged and written in the log book?
    advice: Ask the mines officer for tags. Write date, weight and pit for each bag.
  rule18:
    check: Does your group have a written rule that under 18s stay out of the pit?
    points: 2
    advice: Agree on the rule in a meeting, write it down and read it out at the pit.
  result:
    score:
      80%: Ready. You can ask for an audit date.
      40%: Working on it. See your next steps.
      0%: Start here. See your first steps.
    go:
      80%: /audit
      otherwise: next_steps
  next_steps:
    advice: 'Next steps:'         # then each collected advice, one per screen
    go: end
"""
AUDIT = """\
title: My audit date
resume: never
then: /menu
steps:
  date:
    ask: When is your audit? Write day/month/year, for example 25/03/2027.
    as: date
    save: audit_date
  done:
    say: Thank you. We will remind you before {audit_date}.
"""
SERIES = """\
title: Audit reminders
count from: audit_date
at: 16:30
send:
  30 days before:
    say: 30 days to {audit_date}. Dial {code} to see what is still open.
    open: 30 days left. Mend the must-haves first - records, pit safety, mercury.
  7 days before: 7 days to {audit_date}. Put your papers in one folder. Dial {code}.
  1 day before: Tomorrow is the day. Folder ready? Good luck.
  2 days after: Did you get a new date? Dial {code} to save it.
"""
DIALOGS = {
    "menu": MENU,
    "hello": HELLO,
    "certification": CERTIFICATION,
    "readiness": READINESS,
    "audit": AUDIT,
}


def dialog_of(source: str, id: str = "quiz") -> tuple[Dialog, list[Problem]]:
    return read_dialog(f"content/dialogs/{id}.yaml", dedent(source))


def clean(source: str, id: str = "quiz") -> Dialog:
    dialog, problems = dialog_of(source, id)
    assert problems == []
    return dialog


def told(problems: list[Problem]) -> list[str]:
    """`line:column slug` of each."""
    return [f"{problem.at.line}:{problem.at.column} {problem.slug}" for problem in problems]


def step_file(lines: str) -> str:
    """A dialog whose step `one` has these lines, from line 4 on, four letters in."""
    return "title: Quiz\nsteps:\n  one:\n" + indent(dedent(lines), "    ") + "  two:\n    say: Well done.\n"


def step_of(lines: str) -> Step:
    return clean(step_file(lines)).steps[0]


def problems_of(lines: str) -> list[Problem]:
    return read_dialog("content/dialogs/quiz.yaml", step_file(lines))[1]


def only(problems: list[Problem]) -> Problem:
    assert len(problems) == 1, told(problems)
    return problems[0]


def at(line: int, column: int) -> At:
    return At("content/dialogs/quiz.yaml", line, column)


# The examples of the design


@pytest.mark.parametrize("id", DIALOGS)
def test_an_example_reads_clean(id):
    dialog = clean(DIALOGS[id], id)
    assert dialog.id == id
    assert not dialog.broken
    assert [dialog.step(step.id) for step in dialog.steps] == list(dialog.steps)


def test_a_quiz_reads_whole():
    quiz = clean(READINESS, "readiness")
    assert (quiz.title.id, quiz.title.source) == ("readiness:title", "Am I ready for an audit?")
    assert (quiz.resume, quiz.forget_after, quiz.then, quiz.moved) == ("ask", 60, "/menu", {"permit": "licence"})
    assert quiz.about.startswith("Practice, not an audit.")
    assert quiz.about.endswith("never for a confession.")
    assert quiz.trace
    assert quiz.places["then"] == At("content/dialogs/readiness.yaml", 7, 7)
    assert quiz.places["moved.permit"] == At("content/dialogs/readiness.yaml", 9, 11)


def test_a_check_has_yes_no_and_not_sure_from_the_common_texts():
    members = clean(READINESS, "readiness").step("members")
    assert members is not None
    assert [choice.id for choice in members.choices] == ["yes", "no", "unsure"]
    assert [choice.text.id for choice in members.choices] == ["common:yes", "common:no", "common:unsure"]
    assert [choice.points for choice in members.choices] == [2, 0, 0]
    yes, no, unsure = members.choices
    assert yes.advice is None
    assert no.advice is unsure.advice
    assert no.advice is not None
    assert no.advice.id == "readiness:members.advice"
    assert members.proof is not None
    assert members.proof.id == "readiness:members.proof"
    assert [text.id for text in members.texts_of()] == [
        "readiness:members.check",
        "readiness:members.advice",
        "readiness:members.proof",
    ]


def test_what_is_not_kept_leaves_the_score():
    licence = clean(READINESS, "readiness").step("licence")
    assert licence is not None
    assert licence.keep == "no"
    assert licence.most == 0
    assert not any(choice.scored or choice.points for choice in licence.choices)
    assert licence.texts[0].note == "The artisanal permit, not a company lease."


def test_a_score_has_falling_bands_with_their_ways():
    result = clean(READINESS, "readiness").step("result")
    assert result is not None
    assert [(band.percent, band.text.id, band.go) for band in result.bands] == [
        (80, "readiness:result.score.80%", "/audit"),
        (40, "readiness:result.score.40%", ""),
        (0, "readiness:result.score.0%", ""),
    ]
    assert result.go == "next_steps"
    assert result.places["go.80%"] == At("content/dialogs/readiness.yaml", 57, 12)
    assert result.places["go"] == At("content/dialogs/readiness.yaml", 58, 18)


def test_an_ask_knows_points_replies_and_ways_of_its_choices():
    who = clean(CERTIFICATION, "certification").step("who")
    assert who is not None
    assert [(choice.id, choice.points) for choice in who.choices] == [("leader", 0), ("outside", 1)]
    assert who.choices[1].reply is not None
    assert who.choices[1].reply.id == "certification:who.reply.outside"
    assert who.choices[0].text.id == "certification:who.choices.leader"
    role = clean(READINESS, "readiness").step("role")
    assert role is not None
    assert [choice.go for choice in role.choices] == ["", "mineral"]
    assert (role.go, role.save) == ("", "role")
    assert role.places["go.worker"] == At("content/dialogs/readiness.yaml", 20, 15)


def test_pages_questions_languages_and_typed_answers_are_told_apart():
    kinds = {step.id: step.kind for id in DIALOGS for step in clean(DIALOGS[id], id).steps}
    assert (kinds["what"], kinds["result"], kinds["next_steps"]) == ("page", "page", "page")
    assert (kinds["language"], kinds["consent"], kinds["members"], kinds["date"]) == (
        "languages",
        "choice",
        "choice",
        "date",
    )
    what = clean(CERTIFICATION, "certification").step("what")
    assert what is not None
    assert [text.id for text in what.texts] == ["certification:what.say.1", "certification:what.say.2"]


def test_an_answer_that_forgets_is_allowed_where_nothing_is_kept():
    adult = clean(HELLO, "hello").step("adult")
    assert adult is not None
    assert adult.erases
    assert adult.only_if == (Condition("consent", ("yes",), negated=True, at=adult.only_if[0].at),)


def test_the_common_texts_read_clean():
    common, problems = read_common("content/common.yaml", COMMON)
    assert problems == []
    assert common.fact("code", "KE") == "*384*77#"
    assert common.fact("helpline", "TZ") == ""
    assert common.texts["unsure"].id == "common:unsure"
    assert common.texts["resume"].source == 'You stopped in "{title}". Go on?'
    assert common.texts["yes"].at == At("content/common.yaml", 8, 8)


def test_a_series_reads_clean():
    series, problems = read_series("content/reminders/audit.yaml", SERIES)
    assert problems == []
    assert (series.id, series.count_from, series.every, series.time) == ("audit", "audit_date", None, "16:30")
    assert [moment.days for moment in series.moments] == [-30, -7, -1, 2]
    first = series.moments[0]
    assert first.say.id == "reminder/audit:30 days before"
    assert first.open is not None
    assert first.open.id == "reminder/audit:30 days before.open"
    assert series.title.id == "reminder/audit:title"


# The messages of the design


def test_a_colon_in_a_text_is_shown_with_the_way_to_mend_it():
    source = dedent("""\
        title: My audit date
        resume: never
        then: /menu
        steps:
          date:
            ask: When is your audit?
            as: date
            save: audit_date
          done:
            say: Note: we will remind you before {audit_date}.
        """)
    dialog, problems = read_dialog("content/dialogs/audit.yaml", source)
    problem = only(problems)
    assert str(problem) == (
        "content/dialogs/audit.yaml:10:14: error: Cannot read this line: the text holds a colon. [yaml]"
    )
    assert problem.mend == 'Put the whole text in quotes: "Note: we will …"'
    assert problem.width == 1
    assert dialog.steps[1].texts[0].source == "Note: we will remind you before {audit_date}."
    assert dialog.steps[1].texts[0].at == At("content/dialogs/audit.yaml", 10, 10)


def test_a_target_knows_its_place_for_the_checker():
    source = READINESS.replace("worker: mineral", "worker: minerl")
    role = clean(source, "readiness").step("role")
    assert role is not None
    assert role.places["go.worker"] == At("content/dialogs/readiness.yaml", 20, 15)


def test_a_file_that_cannot_be_read_still_counts_as_known():
    dialog, problems = dialog_of("title: Quiz\nsteps:\n  one:\n    - say: x\n   two:\n", "quiz")
    assert dialog.broken
    assert dialog.id == "quiz"
    assert told(problems) == ["5:4 yaml"]


# Every scalar is text


@pytest.mark.parametrize("written", ["no", "12:30", "0777", "null", "~", "1e3", "2027-03-25", "on"])
def test_every_scalar_is_text(written):
    assert step_of(f"say: {written}\n").texts[0].source == written


@pytest.mark.parametrize(
    ("written", "text", "column", "width"),
    [
        ("say: Hello there", "Hello there", 10, 11),
        ("say: Hello there   # a remark", "Hello there", 10, 11),
        ("say: 'It''s \"so\"'", 'It\'s "so"', 11, 10),
        ('say: "a: b"', "a: b", 11, 4),
        ("say:   Hello\n  and more", "Hello and more", 12, 5),
    ],
)
def test_a_text_is_placed_at_its_first_letter(written, text, column, width):
    found = step_of(written + "\n").texts[0]
    assert (found.source, found.at) == (text, at(4, column))
    problem = only(problems_of("check: Ok?\nadvice: x\nlevel: " + written.removeprefix("say: ") + "\n"))
    assert (problem.slug, problem.width) == ("wrong-type", width)


def test_a_block_of_text_keeps_its_lines():
    text = step_of("say: |\n  First line.\n\n  Third line.\n").texts[0]
    assert (text.source, text.at) == ("First line.\n\nThird line.", at(5, 7))


def test_windows_line_ends_and_a_byte_order_mark_do_no_harm():
    raw = b"\xef\xbb\xbf" + READINESS.replace("\n", "\r\n").encode()
    dialog, problems = read_dialog("content/dialogs/readiness.yaml", raw)
    assert problems == []
    assert dialog == clean(READINESS, "readiness")


# What cannot be read


@pytest.mark.parametrize(
    ("lines", "place", "cause", "mend"),
    [
        ("say: Note: so", "4:14", "the text holds a colon", 'in quotes: "Note: so"'),
        ("say:\n  - Note: so", "5:13", "the text holds a colon", 'in quotes: "Note: so"'),
        ("say: Hello\ngo:two", "5:7", "no space follows the colon", '"go: two"'),
        ("say Hello\ngo: two", "4:5", 'the colon after "say" is missing', '"say: Hello"'),
        ("go: two\nsay Hello", "5:5", 'the colon after "say" is missing', '"say: Hello"'),
        ("say: Hello\n  go: two", "5:7", "too far to the right", "column 5"),
        ("  say: Hello\ngo: two", "5:5", "indented", "column"),
        ("say: Hello\n\tgo: two", "5:5", "a tab", "spaces"),
        ('say: "Hello\ngo: two', "4:10", "quote is not closed", 'Put " at the end'),
        ("say: 'don't go'", "4:14", "the quote ends here", '"don\'t go"'),
        ('say: "Yes" is good', "4:14", "the quote ends here", "'\"Yes\" is good'"),
        ('say: "a \\q"', "4:13", "a backslash", "single quotes"),
        ("say: *384*77# is free", "4:10", "cannot begin with *", '"*384*77# is free"'),
        ("say: &now it is", "4:10", "cannot begin with &", '"&now it is"'),
        ("say: & so", "4:10", "cannot begin with &", '"& so"'),
        ("say: !Stop it", "4:10", "cannot begin with !", '"!Stop it"'),
        ("say: %points", "4:10", "cannot begin with %", '"%points"'),
        ("say: @home", "4:10", "cannot begin with @", '"@home"'),
        ("say: > more", "4:10", "cannot begin with >", '"> more"'),
        ("say: - more", "4:10", "cannot begin with -", '"- more"'),
        ("say: Hello\n---", "5:5", "it has no key and colon", "begin further right"),
        ("say:\n  - a\n  go: two", "6:7", "keys and dashes", "dash"),
        ("say: a\u2028b", "4:11", "an unseen sign (U+2028)", "type the words"),
        ("say: a\x07b", "4:11", "an unseen sign (U+0007)", "type the words"),
        ("say: a\udce9b", "4:11", "not in UTF-8", "Save it again"),
        ("say: go\ufffdb", "4:12", "not in UTF-8", "Save it again"),
        ('say: "a\\0b"', "4:11", "cannot be sent (U+0000)", "the letter itself"),
        ("say: #5 is free", "4:10", "after the # is left out", "in quotes"),
        (": Hello\nsay: Hello", "4:5", "A key must be a plain word", "a key and a colon"),
    ],
)
def test_the_cause_is_told_in_plain_words(lines, place, cause, mend):
    problem = only(problems_of(lines + "\n"))
    assert told([problem]) == [f"{place} yaml"]
    assert cause in problem.text
    assert mend in problem.mend


def test_a_text_that_is_cut_by_a_hash_is_a_warning():
    problem = only(problems_of("say: Ask for form #5\n"))
    assert (problem.level, told([problem])) == ("warning", ["4:23 yaml"])


def test_the_letters_outside_utf_8_are_found_in_bytes():
    _, problems = read_dialog("content/dialogs/quiz.yaml", b"title: Caf\xe9\nsteps:\n  one:\n    say: Ol\xe9\n")
    assert told(problems) == ["1:11 yaml", "4:12 yaml"]


@pytest.mark.parametrize(
    ("lines", "place", "mend"),
    [
        ("say: {points} of {max}", "4:10", 'in quotes: "{points} of {max}"'),
        ("say: {points}", "4:10", 'in quotes: "{points}"'),
        ("say: [0] menu", "4:10", 'in quotes: "[0] menu"'),
        ("say: [a, b]", "4:10", "a line of its own"),
        ("ask: Ok?\nchoices: {yes: Yes, no: [No]}", "5:14", "a line of its own"),
        ("say: {points\ngo: two", "4:10", 'in quotes: "{points"'),
    ],
)
def test_brackets_are_told_once(lines, place, mend):
    problem = only(problems_of(lines + "\n"))
    assert told([problem]) == [f"{place} brackets"]
    assert mend in problem.mend


def test_what_stands_in_brackets_is_understood_all_the_same():
    dialog, _ = dialog_of(step_file("ask: Ok?\nchoices: {yes: Yes, no: No}\ngo: {no: end}\n"))
    assert [(choice.id, choice.go) for choice in dialog.steps[0].choices] == [("yes", ""), ("no", "end")]


def test_an_anchor_and_its_alias_are_refused_and_nothing_is_followed():
    problems = problems_of("ask: Ok?\nchoices: &them\n  yes: *them\n  no: No\n")
    assert told(problems) == ["5:14 yaml", "6:12 yaml"]


def test_a_second_document_is_refused():
    _, problems = dialog_of("title: Quiz\nsteps:\n  one:\n    say: Hello\n---\ntitle: More\n")
    assert told(problems) == ["5:1 yaml"]


def test_a_key_that_stands_twice_names_the_other_line():
    problem = only(problems_of("say: Hello\ngo: two\nsay: Again\n"))
    assert told([problem]) == ["6:5 twice"]
    assert "line 4" in problem.text
    assert problem.width == len("say")


def test_two_steps_that_ran_into_one_are_one_problem():
    problem = only(problems_of("ask: A?\nsave: a\nnote: x\nask: B?\nsave: b\nnote: y\n"))
    assert problem.slug == "twice"
    assert "name of a step" in problem.mend


@pytest.mark.parametrize("source", ["", "\n\n", "# nothing yet\n", "---\n"])
def test_an_empty_file_is_a_problem(source):
    dialog, problems = dialog_of(source)
    assert only(problems).slug in ("missing-key", "wrong-type")
    assert dialog.broken


@pytest.mark.parametrize("source", ["Hello\n", "- say: a\n- say: b\n"])
def test_a_file_without_keys_is_a_problem(source):
    dialog, problems = dialog_of(source)
    assert told(problems) == ["1:1 wrong-type"] or told(problems) == ["1:3 wrong-type"]
    assert dialog.broken


def test_all_problems_come_in_one_run():
    source = dedent("""\
        titel: Quiz
        steps:
          one:
            say: Note: hello
            go:two
          two:
            ask: 'Who's there?'
            choices:
              a: {points}
              b: B
            points:
              c: 1
          Three:
            check: Ok?
        """)
    _, problems = dialog_of(source)
    assert told(problems) == [
        "1:1 unknown-key",
        "4:14 yaml",
        "5:7 yaml",
        "7:14 yaml",
        "9:10 brackets",
        "12:7 unknown-choice",
        "13:3 bad-id",
        "14:5 no-advice",
    ]


def test_one_line_that_stands_wrongly_does_not_make_ten_problems():
    for line in range(11, 60):
        lines = READINESS.splitlines()
        lines[line] = "         " + lines[line].strip()
        _, problems = dialog_of("\n".join(lines))
        assert len(problems) <= 4, (lines[line], told(problems))


# Keys


def test_an_unknown_key_names_the_nearest_and_is_read_as_it():
    dialog, problems = dialog_of("titel: Quiz\nsteps:\n  one:\n    say: Hello\n    onlyif: role is leader\n")
    assert told(problems) == ["1:1 unknown-key", "5:5 unknown-key"]
    assert problems[0].mend == 'Did you mean "title"?'
    assert problems[1].mend == 'Did you mean "only if"?'
    assert problems[0].width == len("titel")
    assert dialog.title.source == "Quiz"
    assert dialog.steps[0].only_if[0].name == "role"


@pytest.mark.parametrize(
    ("lines", "place", "mend"),
    [
        ("say: Hello\nproof: A list", "5:5", '"check"'),
        ("say: Hello\nsave: name", "5:5", '"ask" or "check"'),
        ("ask: Ok?\nsave: a\nproof: A list", "6:5", '"check"'),
        ("ask: Ok?\nsave: a\nsms: yes", "6:5", '"advice"'),
        ("check: Ok?\nadvice: Do.\nchoices:\n  yes: Yes", "6:5", '"ask"'),
        ("say: Hello\ntitle: Hello", "5:5", "at the top of a dialog"),
        ("say: Hello\ncount from: a", "5:5", "at the top of a reminder series"),
        ("say: Hello\nfacts: a", "5:5", "in common.yaml"),
        ("from: other/one\nsave: name", "5:5", '"only if", "note" and "go"'),
        ("ask: Ok?\nsave: a\npoints:\n  yes: 1", "6:5", "choices one by one"),
        ("ask: Ok?\nchoices: languages\nreply:\n  en: Hi", "6:5", "choices one by one"),
        ("ask: Ok?\nchoices:\n  yes: Yes\nas: date", "7:5", 'Delete "as"'),
        ("ask: Ok?\nsave: a\nseveral: yes", "6:5", 'Add "as: date"'),
        ("ask: Ok?\nchoices:\n  yes: Yes\nseveral: yes", "7:5", 'Add "as: date"'),
        ("ask: Ok?\nas: date\nsave: a\ndone:\n  yes: a", "7:5", "choices one by one"),
        ("check: Ok?\nadvice: Do.\ndone:\n  yes: a", "6:5", '"ask"'),
    ],
)
def test_a_key_that_does_not_belong_here_is_told_where_it_belongs(lines, place, mend):
    problem = only(problems_of(lines + "\n"))
    assert told([problem]) == [f"{place} unknown-key"]
    assert mend in problem.mend


def test_a_key_of_a_step_at_the_top_is_told_where_it_belongs():
    _, problems = dialog_of("title: Quiz\ngo: end\nsteps:\n  one:\n    say: Hello\n")
    assert only(problems).mend == '"go" belongs in a step.'


def test_a_dialog_needs_a_title_and_steps():
    dialog, problems = dialog_of("about: Nothing here\n")
    assert told(problems) == ["1:1 missing-key", "1:1 missing-key"]
    assert dialog.broken
    _, problems = dialog_of("title: Quiz\nsteps:\n")
    assert told(problems) == ["2:1 wrong-type"]


@pytest.mark.parametrize(
    ("top", "place"),
    [
        ("title:", "1:1"),
        ("title: Quiz\nresume: sometimes", "2:9"),
        ("title: Quiz\nforget after: 60", "2:15"),
        ("title: Quiz\nforget after: 0 days", "2:15"),
        ("title: Quiz\nthen:\n  - menu", "3:3"),
        ("title: Quiz\ntrace: maybe", "2:8"),
        ("title: Quiz\nmoved: permit", "2:8"),
        ("title:\n  - a\n  - b", "2:3"),
    ],
)
def test_a_value_of_the_wrong_type_at_the_top_is_told(top, place):
    _, problems = dialog_of(top + "\nsteps:\n  one:\n    say: Hello\n")
    assert told(problems) == [f"{place} wrong-type"]


@pytest.mark.parametrize(
    ("lines", "place"),
    [
        ("say:", "4:5"),
        ("say:\n  one: Hello", "5:7"),
        ("say:\n  - a: {}\n    b: x\n  - c", "5:9"),
        ("ask: Ok?\nsave: a\nas: colour", "6:9"),
        ("ask: Ok?\nchoices: yes no", "5:14"),
        ("ask: Ok?\nchoices:\n  - Yes\n  - No", "6:7"),
        ("ask: Ok?\nchoices:\n  yes: Yes\nadvice: Do.", "7:13"),
        ("ask: Ok?\nchoices:\n  yes: Yes\npoints:\n  yes: many", "8:12"),
        ("check: Ok?\nadvice: Do.\npoints:\n  yes: 2", "7:7"),
        ("check: Ok?\nadvice: Do.\npoints: 1000", "6:13"),
        ("check: Ok?\nadvice: Do.\nkeep: maybe", "6:11"),
        ("check: Ok?\nadvice: Do.\nlevel: soon", "6:12"),
        ("check: Ok?\nadvice:\n  no: Do.", "6:7"),
        ("say: Hello\ngo:\n  yes: two", "6:7"),
        ("from: one", "4:11"),
        ("advice: Next\nsms: please", "5:10"),
        ("score: 80%", "4:12"),
    ],
)
def test_a_value_of_the_wrong_type_in_a_step_is_told(lines, place):
    assert f"{place} wrong-type" in told(problems_of(lines + "\n"))


def test_a_step_without_lines_is_told():
    _, problems = dialog_of("title: Quiz\nsteps:\n  one: Hello\n  two:\n  three:\n    say: Hi\n")
    assert told(problems) == ["3:8 wrong-type", "4:3 wrong-type"]


def test_the_lines_of_a_step_that_stand_too_far_left_are_one_problem():
    dialog, problems = dialog_of("title: Quiz\nsteps:\n  one:\n    ask: Ok?\n  choices:\n    yes: Yes\n  go: end\n")
    assert told(problems) == ["4:5 no-answer", "5:3 what-step"]
    assert list(dialog.index) == ["one"]


# Names


@pytest.mark.parametrize("id", ["Licence", "2nd", "a-b", "a b", "x" * 31, "é", "end", "forget", "resume"])
def test_a_bad_name_of_a_step_is_told_and_known_all_the_same(id):
    dialog, problems = dialog_of(f"title: Quiz\nsteps:\n  {id}:\n    say: Hello\n")
    assert told(problems) == ["3:3 bad-id"]
    assert dialog.step(id) is not None


@pytest.mark.parametrize("id", ["Audit", "my audit", "common", "reminder", "2nd"])
def test_a_bad_name_of_a_file_is_told(id):
    dialog, problems = dialog_of("title: Quiz\nsteps:\n  one:\n    say: Hello\n", id)
    assert told(problems) == ["1:1 bad-id"]
    assert dialog.id == id


@pytest.mark.parametrize(
    ("lines", "place"),
    [
        ("ask: Ok?\nchoices:\n  Yes: Yes", "6:7"),
        ("ask: Ok?\nchoices:\n  otherwise: Yes", "6:7"),
        ("ask: Ok?\nsave: My name", "5:11"),
        ("ask: Ok?\nsave: points", "5:11"),
        ("ask: Ok?\nsave: kept", "5:11"),
        ("ask: Ok?\nsave: stopped", "5:11"),
        ("ask: Ok?\nchoices:\n  yes: Yes\ndone:\n  yes: My date", "8:12"),
        ("say: Hello\ngo: the menu", "5:9"),
        ("say: Hello\ngo: /Menu", "5:9"),
    ],
)
def test_a_bad_name_inside_a_step_is_told(lines, place):
    assert told(problems_of(lines + "\n")) == [f"{place} bad-id"]


def test_a_bad_name_is_shown_as_it_could_be():
    _, problems = dialog_of("title: Quiz\nsteps:\n  Step 2-B:\n    say: Hello\n")
    assert 'For example "step_2_b".' in only(problems).mend


# Steps


@pytest.mark.parametrize(
    ("lines", "place"),
    [
        ("note: nothing", "3:3"),
        ("say: Hello\nask: Ok?\nsave: a", "5:5"),
        ("check: Ok?\nadvice: Do.\nscore:\n  0%: x", "6:5"),
        ("say: Hello\nadvice: Next", "5:5"),
        ("from: a/b\nsay: Hello", "5:5"),
    ],
)
def test_a_step_has_exactly_one_head(lines, place):
    assert told(problems_of(lines + "\n")) == [f"{place} what-step"]


@pytest.mark.parametrize(
    ("lines", "place"),
    [
        ("ask: Ok?", "4:5"),
        ("ask: Ok?\npoints:\n  yes: 1", "4:5"),
        ("ask: Ok?\nas: date", "5:5"),
        ("ask: Ok?\nchoices:", "5:5"),
    ],
)
def test_a_question_needs_answers(lines, place):
    slug = "wrong-type" if lines.endswith("choices:") else "no-answer"
    assert told(problems_of(lines + "\n")) == [f"{place} {slug}"]


def test_an_answer_that_is_saved_is_typed_as_text_by_default():
    assert step_of("ask: Your name?\nsave: name\n").kind == "text"
    assert step_of("ask: How many?\nas: number\nsave: members\n").kind == "number"


@pytest.mark.parametrize(
    ("lines", "place", "mend"),
    [
        ("points:\n  gould: 1", "9:7", 'Did you mean "gold"?'),
        ("advice:\n  tinn: Do.", "9:7", 'Did you mean "tin"?'),
        ("reply:\n  silver: So.", "9:7", "There are: gold, tin."),
        ("done:\n  god: a_date", "9:7", 'Did you mean "gold"?'),
        ("go:\n  god: two\n  otherwise: end", "9:7", 'Did you mean "gold"?'),
    ],
)
def test_a_choice_that_does_not_exist_is_told(lines, place, mend):
    problem = only(problems_of("ask: What?\nchoices:\n  gold: Gold\n  tin: Tin\n" + lines + "\n"))
    assert told([problem]) == [f"{place} unknown-choice"]
    assert problem.mend == mend


def test_a_check_knows_its_own_choices():
    problem = only(problems_of("check: Ok?\nadvice: Do.\nreply:\n  maybe: Well.\n"))
    assert (problem.slug, problem.mend) == ("unknown-choice", "There are: yes, no, unsure.")
    step = step_of("check: Ok?\nadvice: Do.\nnone: None here\nreply:\n  none: Well.\ngo:\n  none: two\n")
    fourth = step.choices[3]
    assert (fourth.id, fourth.text.id, fourth.scored, fourth.go) == ("none", "quiz:one.none", False, "two")


def test_a_check_without_advice_is_told():
    problem = only(problems_of("check: Ok?\npoints: 2\n"))
    assert told([problem]) == ["4:5 no-advice"]


@pytest.mark.parametrize(
    ("bands", "place"),
    [
        (["80%: a", "40%: b"], "6:7"),
        (["40%: a", "80%: b", "0%: c"], "6:7"),
        (["80: a", "0%: b"], "5:7"),
        (["120%: a", "0%: b"], "5:7"),
        (["good: a", "0%: b"], "5:7"),
        (["0%: a", "0 %: b"], "6:7"),
    ],
)
def test_a_score_falls_to_zero(bands, place):
    lines = "score:\n" + "".join(f"  {band}\n" for band in bands)
    assert told(problems_of(lines))[0] == f"{place} score-gap"


def test_a_way_for_a_percentage_that_is_not_there_is_told():
    problem = only(problems_of("score:\n  80%: a\n  0%: b\ngo:\n  70%: two\n"))
    assert told([problem]) == ["8:7 unknown-choice"]


@pytest.mark.parametrize("keep", ["no", "counts"])
def test_an_answer_that_is_not_kept_is_used_for_nothing(keep):
    lines = f"check: Ok?\nadvice: Do.\nkeep: {keep}\nsave: ok\npoints: 2\ngo:\n  no: two\n  unsure: forget\n"
    problems = problems_of(lines)
    assert told(problems) == ["7:5 unkept", "8:5 unkept", "10:11 kept-go"]
    dialog, _ = dialog_of(step_file(lines))
    assert not dialog.steps[0].save
    assert dialog.steps[0].most == 0
    assert told(problems_of(f"check: Ok?\nadvice: Do.\nkeep: {keep}\ngo: two\n")) == ["7:9 kept-go"]
    assert step_of(f"check: Ok?\nadvice: Do.\nkeep: {keep}\ngo:\n  no: forget\n").erases


def test_a_step_from_another_dialog_keeps_its_own_conditions_note_and_ways():
    step = step_of("from: safety/rule18\nonly if: role is leader\nnote: Short.\ngo: two\n")
    assert (step.origin, step.go, step.note, step.only_if[0].name) == (("safety", "rule18"), "two", "Short.", "role")
    assert step.texts_of() == ()
    assert step.places["from"] == at(4, 11)
    by_choice = step_of("from: safety/rule18\ngo:\n  no: two\n  otherwise: end\n")
    assert [(choice.id, choice.go) for choice in by_choice.choices] == [("no", "two")]
    assert by_choice.go == "end"


def test_an_advice_step_may_offer_an_sms():
    step = step_of("advice: 'Next steps:'\nsms: yes\n")
    assert step.sms
    assert step.texts[0].id == "quiz:one.advice"
    assert not step_of("advice: 'Next steps:'\n").sms


def test_a_date_may_be_one_of_several_and_an_answer_may_mark_one_as_done():
    assert step_of("ask: When?\nas: date\nsave: task_due\nseveral: yes\n").several
    assert not step_of("ask: When?\nas: date\nsave: task_due\n").several
    step = step_of("ask: Done?\nchoices:\n  yes: Yes\n  no: No\ndone:\n  yes: task_due\n")
    assert [choice.done for choice in step.choices] == ["task_due", ""]
    unkept = "ask: Done?\nchoices:\n  yes: Yes\n  no: No\nkeep: no\ndone:\n  yes: task_due\n"
    assert told(problems_of(unkept)) == ["9:5 unkept"]


def test_a_level_is_one_of_three():
    assert step_of("check: Ok?\nadvice: Do.\nlevel: year 1\n").level == "year 1"


def test_a_dialog_may_leave_no_trace():
    assert not clean("title: Quiz\ntrace: no\nsteps:\n  one:\n    say: Hello\n").trace


# Conditions


@pytest.mark.parametrize(
    ("written", "name", "values", "negated"),
    [
        ("mineral is gold", "mineral", ("gold",), False),
        ("mineral is not gold", "mineral", ("gold",), True),
        ("mineral is gold or tin or other", "mineral", ("gold", "tin", "other"), False),
        ("country is KE or TZ", "country", ("KE", "TZ"), False),
        ("audit_date is known", "audit_date", (), False),
        ("audit_date is not known", "audit_date", (), True),
    ],
)
def test_a_condition_is_understood(written, name, values, negated):
    (condition,) = step_of(f"only if: {written}\nsay: Hello\n").only_if
    assert condition == Condition(name, values, negated, at(4, 14))


def test_several_conditions_stand_in_a_list():
    step = step_of("only if:\n  - mineral is gold\n  - mercury_ban is not yes\nsay: Hello\n")
    assert [(condition.name, condition.at) for condition in step.only_if] == [
        ("mineral", at(5, 9)),
        ("mercury_ban", at(6, 9)),
    ]


@pytest.mark.parametrize(
    ("written", "mend"),
    [
        ("two = yes", 'with words: "two is yes"'),
        ("two == yes, no", 'with words: "two is yes or no"'),
        ("two != yes", 'with words: "two is not yes"'),
        ("two isn't yes", 'with words: "two is not yes"'),
        ("two > 3 = no", 'with words: "mineral is gold"'),
        ("two is yes and role is leader", 'with a dash: "- two is yes"'),
        ("two=yes & role = leader", 'with a dash: "- two is yes"'),
        ("two is gold, tin", 'Write "or" between the choices: "two is gold or tin"'),
        ("mineral", "Write it like"),
        ("mineral is", "Write it like"),
        ("mineral is not", "Write it like"),
        ("mineral is known or gold", "Write it like"),
        ("Mineral is gold", "Write it like"),
        ("mineral is gold or", "Write it like"),
    ],
)
def test_a_condition_that_cannot_be_understood_is_told(written, mend):
    problem = only(problems_of(f"only if: {written}\nsay: Hello\n"))
    assert told([problem]) == ["4:14 only-if"]
    assert mend in problem.mend
    assert problem.width == len(written)


# Common texts


def common_of(source: str) -> list[str]:
    return told(read_common("content/common.yaml", dedent(source))[1])


def test_words_switches_and_notes_are_read():
    source = dedent("""\
        switches:
          conflict_zone: CD SS
          mercury_ban:
            - KE
            - TZ
          evictions:
        words:
          stop: STOP QUIT
          no: No N
        texts:
          next: Next
        notes:
          next: The key that turns the page.
          words.stop: Words that people send, with spaces between.
        """)
    common, problems = read_common("content/common.yaml", source)
    assert problems == []
    assert common.switches == {"conflict_zone": ("CD", "SS"), "mercury_ban": ("KE", "TZ"), "evictions": ()}
    assert (common.words["stop"].id, common.words["stop"].source) == ("common:words.stop", "STOP QUIT")
    assert common.words["stop"].note.startswith("Words that")
    assert common.texts["next"].note == "The key that turns the page."
    assert list(common.texts) == ["next"]
    assert common.language == "en"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("texts:\n  next: Next\nfact:\n  code: x\n", ["3:1 unknown-key"]),
        ("language: English\ntexts:\n  next: Next\n", ["1:11 wrong-type"]),
        ("language: en\n", ["1:1 missing-key"]),
        ("texts:\n  Next page: Next\n", ["2:3 bad-id"]),
        ("texts:\n  next:\n", ["2:3 wrong-type"]),
        ("texts:\n  next: Next\nfacts:\n  max: 5\n", ["4:3 bad-id"]),
        ("texts:\n  next: Next\nfacts:\n  code:\n    Kenya: x\n", ["5:5 bad-id"]),
        ("texts:\n  next: Next\nfacts:\n  code:\n    - x\n", ["5:5 wrong-type"]),
        ("texts:\n  next: Next\nswitches:\n  conflict: CD\n", ["4:3 unknown-key"]),
        ("texts:\n  next: Next\nswitches:\n  evictions: Congo\n", ["4:14 wrong-type"]),
        ("texts:\n  next: Next\nwords:\n  halt: STOP\n", ["4:3 unknown-key"]),
        ("texts:\n  next: Next\nnotes:\n  nxt: x\n", ["4:3 unknown-key"]),
    ],
)
def test_what_is_wrong_in_the_common_texts_is_told(source, found):
    assert common_of(source) == found


def test_a_fact_may_have_one_value_for_all_other_countries():
    source = "texts:\n  next: Next\nfacts:\n  line:\n    KE: '116'\n    otherwise: '112'\n"
    common, problems = read_common("content/common.yaml", source)
    assert problems == []
    assert (common.fact("line", "KE"), common.fact("line", "UG")) == ("116", "112")
    assert common.places["facts.line.KE"] == At("content/common.yaml", 5, 10)


# Series


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("title: A\ncount from: d\nsend:\n  3 weeks ago: x\n", ["4:3 wrong-type"]),
        ("title: A\ncount from: d\nsend:\n  0 days before: x\n", ["4:3 wrong-type"]),
        ("title: A\ncount from: d\nsend:\n  1 day before:\n    open: x\n", ["4:3 missing-key"]),
        ("title: A\ncount from: d\nsend:\n  1 day before:\n    say: x\n    opn: y\n", ["6:5 unknown-key"]),
        ("title: A\ncount from: d\nsend:\n  7 days before: x\n  1 week before: y\n", ["5:3 twice"]),
        ("title: A\nsend:\n  on the day: x\n", ["1:1 missing-key"]),
        ("title: A\ncount from: d\nevery: 2 weeks\nsend:\n  on the day: x\n", ["3:1 unknown-key"]),
        ("title: A\nevery: 2 days\nsend:\n  on the day: x\n", ["2:8 wrong-type"]),
        ("title: A\ncount from: d\nat: 25:00\nsend:\n  on the day: x\n", ["3:5 wrong-type"]),
        ("title: A\ncount from: My date\nsend:\n  on the day: x\n", ["2:13 bad-id"]),
        ("title: A\ncount from: d\n", ["1:1 missing-key"]),
    ],
)
def test_what_is_wrong_in_a_series_is_told(source, found):
    assert told(read_series("content/reminders/audit.yaml", source)[1]) == found


def test_a_series_may_come_again_and_again():
    source = "title: A\nevery: 3 months\nsend:\n  on the day: Hello.\n"
    series, problems = read_series("content/reminders/news.yaml", source)
    assert problems == []
    assert (series.every, series.count_from) == ((3, "months"), "")
    assert [moment.days for moment in series.moments] == [0]


# Whatever stands in a file


def read_all(source: str | bytes) -> None:
    """All three ways to read; nothing raises, and every problem has a place in the file."""
    text = source.decode("utf-8", "surrogateescape") if isinstance(source, bytes) else source
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for read in (read_dialog, read_common, read_series):
        _, problems = read("content/dialogs/quiz.yaml", source)
        for problem in problems:
            assert 1 <= problem.at.line <= len(lines)
            assert problem.at.column >= 1
            assert problem.width >= 1
            assert problem.text
            assert problem.mend


SIGNS = [*"'\":\n\t{}[]|>%@\\,~é", ": ", "\n  ", "- ", " #", "? "]
MARKS = ["&a ", "*a", "!t ", '"\\U0001"', '"\\ud800"', "---\n", "...\n", "%YAML 9\n"]
UNSEEN = ["\u2028", "\x00", "\ud800", "\ufeff", "\r"]
KEYS = ["keep: no\n", "from: a/b\n", "otherwise: ", "80%: ", "say:", "choices:\n", "<<: "]
PIECES = st.sampled_from([*SIGNS, *MARKS, *UNSEEN, *KEYS])


@given(
    source=st.sampled_from([*DIALOGS.values(), COMMON, SERIES]),
    edits=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 20), PIECES), max_size=6),
)
def test_no_edit_of_a_file_makes_reading_raise(source, edits):
    for place, cut, piece in edits:
        start = int(place * len(source))
        source = source[:start] + piece + source[start + cut :]
    read_all(source)


@given(st.text())
def test_no_text_makes_reading_raise(source):
    read_all(source)


@given(st.lists(PIECES, max_size=12).map("".join))
def test_no_heap_of_signs_makes_reading_raise(source):
    read_all(source)


@given(st.binary())
def test_no_bytes_make_reading_raise(source):
    read_all(source)


def test_a_tower_of_brackets_does_no_harm():
    assert told(dialog_of("title: Quiz\nsteps: " + "[" * 100_000)[1]) == ["2:1 brackets"]
    read_all("a: [\n" * 10_000)
    read_all("a: " + "{a: " * 10_000)
    read_all("- " * 5000)
    read_all("a: &a [*a, *a]\n" * 50)
