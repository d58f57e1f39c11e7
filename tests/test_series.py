"""Reminder series: every key of the grammar, what the check finds, and the seventeen reminders of our content."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from dialogs.check import check_content
from dialogs.check.catalogue import BASE
from dialogs.check.series import ONE_SMS, TWO_SMS
from dialogs.check.sources import sources
from dialogs.check.speech import Speech, speeches
from dialogs.content import Content
from dialogs.gsm import measure, segment_count
from dialogs.locale import fold_word, placeholders
from dialogs.problem import At, Problem, errors
from dialogs.reading import read_common, read_series
from dialogs.script import Condition, Moment, Series, Silence, Text
from dialogs.written import Written, read_files, read_folder

ROOT = Path(__file__).parent.parent
FILE = "content/reminders/audit.yaml"
FULL = """\
title: Before the day
note: day = of a visit.
count from: audit_date
at: 08:05
only if:
  - audit_reminders is not no
  - role is leader or worker
send:
  2 weeks before: 14 days to {audit_date}.
  on the day:
    at: 18:00
    say: How did today go?
    open: How did the audit go?
silent:
  after: 2
  officer: "{group}: please look at {audit_date}."
"""
ASKED = """\
title: Questions
then: /menu
steps:
  role:
    ask: What do you do?
    choices:
      leader: Lead
      worker: Work
    save: role
  wanted:
    ask: Reminders of the audit?
    choices:
      yes: Yes
      no: No
    save: audit_reminders
  people:
    ask: How many people?
    as: number
    save: people
  end_of_it:
    ask: When does it end?
    as: date
    save: own_end
"""


def series(text: str) -> tuple[Series, list[Problem]]:
    return read_series(FILE, text)


def places(problems: list[Problem]) -> list[str]:
    return [f"{problem.at.line}:{problem.at.column} {problem.slug}" for problem in problems]


def content(reminders: str, common: str = "", **files: str) -> Written:
    """The base of the catalogue with some more questions, this series in place of its own, and more PO files."""
    menu = BASE["content/dialogs/menu.yaml"].replace("choices:\n", "choices:\n      asked: Questions\n")
    whole = {
        **BASE,
        "content/common.yaml": BASE["content/common.yaml"] + common,
        "content/dialogs/menu.yaml": menu.replace("go:\n", "go:\n      asked: /asked\n"),
        "content/dialogs/asked.yaml": ASKED,
        FILE: reminders,
        **{f"content/locale/{code}.po": text for code, text in files.items()},
    }
    return read_files({name: text.encode() for name, text in whole.items()})


def found(written: Written, unused: bool = False) -> list[Problem]:
    """What the check finds; that a field is not used is no matter here."""
    return [problem for problem in check_content(written) if unused or problem.slug not in ("never-used", "missing")]


def counting(lines: str, head: str = "") -> str:
    """A series from the audit date with these lines under `send`."""
    return f"title: Before the day\n{head}count from: audit_date\nsend:\n{lines}"


# --- reading ---


def test_every_key_of_a_series_is_read_with_its_type_and_its_place() -> None:
    read, problems = series(FULL)
    assert problems == []
    note = "day = of a visit."
    assert read == Series(
        id="audit",
        title=Text("reminder/audit:title", "Before the day", At(FILE, 1, 8)),
        moments=(
            Moment(
                "2 weeks before",
                -14,
                Text("reminder/audit:2 weeks before", "14 days to {audit_date}.", At(FILE, 9, 19), note),
                None,
                At(FILE, 9, 3),
            ),
            Moment(
                "on the day",
                0,
                Text("reminder/audit:on the day", "How did today go?", At(FILE, 12, 10), note),
                Text("reminder/audit:on the day.open", "How did the audit go?", At(FILE, 13, 11), note),
                At(FILE, 10, 3),
                "18:00",
            ),
        ),
        at=At(FILE),
        count_from="audit_date",
        time="08:05",
        conditions=(
            Condition("audit_reminders", ("no",), True, At(FILE, 6, 5)),
            Condition("role", ("leader", "worker"), False, At(FILE, 7, 5)),
        ),
        silent=Silence(
            2,
            Text("reminder/audit:officer", "{group}: please look at {audit_date}.", At(FILE, 16, 13), note),
            At(FILE, 14, 1),
        ),
    )


def test_what_is_left_out_has_its_usual_value() -> None:
    read, problems = series(counting("  on the day: Hello.\n"))
    assert problems == []
    assert (read.time, read.moments[0].time, read.conditions, read.silent) == ("16:30", "", (), None)


def test_a_series_again_and_again_has_one_condition_and_one_moment() -> None:
    text = "title: A\nevery: 1 month\nonly if: role is leader\nsend:\n  on the day:\n    at: 17:00\n    say: Hello.\n"
    read, problems = series(text)
    assert problems == []
    assert (read.every, read.count_from, len(read.conditions)) == ((1, "months"), "", 1)
    assert [(moment.days, moment.time) for moment in read.moments] == [(0, "17:00")]


SEND = "send:\n  7 days before: A.\n  on the day: B.\n"
DATED = f"title: A\ncount from: d\n{SEND}"


@pytest.mark.parametrize(
    ("wrong", "told", "words"),
    [
        ("title: A\ncount from: d\nsend:\n  on the day:\n    at: 6pm\n    say: A.\n", "5:9 wrong-type", "6pm"),
        (
            "title: A\ncount from: d\nonly if: role = leader\nsend:\n  on the day: A.\n",
            "3:10 only-if",
            "Write it with words",
        ),
        ("title: A\nevery: 2 weeks\nsend:\n  on the day: A.\n  1 day after: B.\n", "5:3 wrong-type", "the only line"),
        (f"{DATED}silent:\n  after: 0\n  officer: Look.\n", "7:10 wrong-type", "1 to 9"),
        (f"{DATED}silent:\n  after: two\n  officer: Look.\n", "7:10 wrong-type", "in a digit"),
        (f"{DATED}silent:\n  after: 3\n  officer: Look.\n", "7:10 wrong-type", "Write 2 or less"),
        (f"{DATED}silent:\n  after: 2\n", "6:1 missing-key", "officer"),
        (f"{DATED}silent:\n  officer: Look.\n", "6:1 missing-key", "after"),
        (f"{DATED}silent:\n  after: 2\n  officer:\n", "8:3 wrong-type", "a text"),
        (f"{DATED}silent: 2\n", "6:9 wrong-type", "lines of its own"),
        (f"{DATED}silent:\n  after: 2\n  oficer: Look.\n", "8:3 unknown-key", '"officer"'),
        (
            "title: A\nevery: 2 weeks\nsend:\n  on the day: A.\nsilent:\n  after: 1\n  officer: Look.\n",
            "5:1 unknown-key",
            'beside "every"',
        ),
    ],
)
def test_a_slip_in_a_series_is_told_once_with_its_place_and_its_cure(wrong: str, told: str, words: str) -> None:
    problems = series(wrong)[1]
    assert places(problems) == [told]
    assert words in problems[0].text + problems[0].mend


@pytest.mark.parametrize(
    "right",
    [
        "title: A\ncount from: d\nsend:\n  on the day:\n    at: 18:00\n    say: A.\n",
        f"title: A\nonly if: role is leader\ncount from: d\n{SEND}",
        "title: A\nevery: 2 weeks\nsend:\n  on the day: A.\n",
        f"{DATED}silent:\n  after: 2\n  officer: Look.\n",
    ],
)
def test_the_same_lines_put_right_have_no_problem(right: str) -> None:
    assert series(right)[1] == []


def test_a_moment_that_cannot_be_counted_to_is_left_out_of_the_series() -> None:
    read, _ = series("title: A\nevery: 2 weeks\nsend:\n  1 day after: B.\n")
    assert (read.moments, read.broken) == ((), True)


def test_a_key_of_a_series_in_a_dialog_is_told_where_it_belongs() -> None:
    from dialogs.reading import read_dialog

    [problem] = read_dialog("content/dialogs/a.yaml", "title: A\nsilent: x\nsteps:\n  a:\n    say: A.\n")[1]
    assert (problem.slug, problem.mend) == ("unknown-key", '"silent" belongs at the top of a reminder series.')


def test_the_words_that_give_away_are_a_list_in_the_common_file_and_no_text_of_a_screen() -> None:
    common, problems = read_common("content/common.yaml", "texts:\n  next: Next\ndiscreet: mine gold\n")
    assert problems == []
    assert common.discreet == Text("common:discreet", "mine gold", At("content/common.yaml", 3, 11))
    assert list(common.texts) == ["next"]
    problems = read_common("content/common.yaml", "texts:\n  discreet: Hello\n")[1]
    assert places(problems) == ["2:3 bad-id"]


# --- only if ---


@pytest.mark.parametrize(
    ("condition", "right"),
    [
        ("audit_reminders is not no", True),
        ("audit_reminders is not never", False),
        ("audit_reminder is not no", False),
        ("role is leader", True),
        ("role is boss", False),
        ("people is not known", True),
        ("language is en", True),
        ("reminders is yes", True),
        ("code is known", True),
        ("own_end is known", False),  # a date is no answer
        ("consent is yes", False),
        ("group is known", False),
        ("country is KE or TZ", True),
        ("country is Kenya", False),
        ("mercury_ban is yes", True),
        ("mercury_ban is maybe", False),
        ("wanted is yes", False),  # a step, and no dialog is going on
        ("nobody is known", False),
    ],
)
def test_a_series_can_ask_only_for_what_is_kept_about_a_person(condition: str, right: bool) -> None:
    written = content(counting("  on the day: Hello.\n", f"only if: {condition}\n"), "facts:\n  code: 123\n")
    problems = found(written)
    assert [(problem.slug, problem.level) for problem in problems] == ([] if right else [("only-if", "error")])
    assert all((problem.at, problem.width) == (At(FILE, 2, 10), len(condition.split()[0])) for problem in problems)


def test_a_slip_in_a_condition_gets_the_nearest_field() -> None:
    [problem] = found(content(counting("  on the day: Hello.\n", "only if: rolle is leader\n")))
    assert problem.mend == 'Did you mean "role"?'


def test_a_field_that_only_a_series_asks_for_is_used() -> None:
    plain = {problem.at.line for problem in found(content(counting("  on the day: Hello.\n")), unused=True)}
    head = "only if:\n  - role is leader\n  - audit_reminders is not no\n"
    asked = {problem.at.line for problem in found(content(counting("  on the day: Hello.\n", head)), unused=True)}
    assert plain - asked == {9, 15}


def test_a_date_with_the_name_of_a_series_that_comes_again_is_used() -> None:
    again = "title: A\nevery: 3 months\nsend:\n  on the day: Hello.\n"
    named = ASKED.replace("own_end", "checks")
    files = {
        **BASE,
        "content/dialogs/quiz.yaml": named,
        "content/reminders/audit.yaml": counting("  on the day: Hello.\n"),
    }
    before = [problem.text for problem in check_content(read_files({n: t.encode() for n, t in files.items()}))]
    files["content/reminders/checks.yaml"] = again
    after = [problem.text for problem in check_content(read_files({n: t.encode() for n, t in files.items()}))]
    assert [text for text in before if text not in after] == ['"checks" is saved, and nothing in the content uses it.']


# --- names in braces ---

FACTS = "facts:\n  code: 123\n  helpline:\n    KE: 1195\n    TZ:\n"


@pytest.mark.parametrize(
    ("text", "head", "level"),
    [
        ("{audit_date}. Dial {code}.", "", ""),
        ("{audit_day}.", "", "error"),
        ("{group}.", "", "error"),
        ("{points} points.", "", "error"),
        ("{title}.", "", "error"),
        ("{country}.", "", "error"),
        ("{own_end}.", "", "error"),
        ("People: {people}.", "", "warning"),
        ("People: {people}.", "only if: people is known\n", ""),
        ("People: {people}.", "only if: people is not known\n", "warning"),
        ("Call {helpline}.", "", "warning"),
        ("Call {helpline}.", "only if: helpline is known\n", ""),
    ],
)
def test_a_reminder_names_only_what_is_surely_known(text: str, head: str, level: str) -> None:
    problems = found(content(counting(f"  on the day: '{text}'\n", head), FACTS))
    assert [(problem.level, problem.slug) for problem in problems] == ([(level, "placeholder")] if level else [])


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("{group}: look at {audit_date}. Dial {code}.", ""),
        ("{group}: {people} people.", "error"),
        ("{role} of {group}.", "error"),
        ("{group}: {audit_reminders}.", "error"),
        ("{group}: {name}.", "error"),
        ("{group}: {own_end}.", "error"),
        ("{group}: call {helpline}.", "warning"),
    ],
)
def test_the_officer_learns_the_group_and_the_date_and_nothing_of_a_person(text: str, level: str) -> None:
    lines = f"  on the day: Hello.\nsilent:\n  after: 1\n  officer: '{text}'\n"
    problems = found(content(counting(lines), FACTS))
    assert [(problem.level, problem.slug) for problem in problems] == ([(level, "placeholder")] if level else [])


def test_what_would_tell_of_a_person_says_what_can_stand_there() -> None:
    lines = "  on the day: Hello.\nsilent:\n  after: 1\n  officer: 'See {role}.'\n"
    [problem] = found(content(counting(lines)))
    assert problem.text == "{role} would tell the officer something about a person."
    assert problem.mend == "Leave it out. Here can stand: {audit_date}, {group}."
    assert problem.at.line == 7


# --- length ---

DATE = len("28 Mar 2027")


def swahili(id: str, source: str, text: str, status: str = "live") -> str:
    head = f'msgid ""\nmsgstr ""\n"X-Name: Kiswahili\\n"\n"X-Status: {status}\\n"\n'
    return f'{head}\nmsgctxt "{id}"\nmsgid "{source}"\nmsgstr "{text}"\n'


@pytest.mark.parametrize(
    ("lines", "room"),
    [
        ("  on the day: '{audit_date}%'\n", ONE_SMS - DATE),
        ("  on the day:\n    say: '{audit_date}%'\n", ONE_SMS - DATE),
        (
            "  on the day: Hello.\nsilent:\n  after: 1\n  officer: '{group}: {audit_date}%'\n",
            ONE_SMS - DATE - 30 - len(": "),
        ),
    ],
)
def test_a_text_that_others_may_see_is_one_sms_with_its_date_at_the_longest(lines: str, room: int) -> None:
    assert found(content(counting(lines.replace("%", "x" * room)))) == []
    [problem] = found(content(counting(lines.replace("%", "x" * (room + 7)))))
    assert (problem.slug, problem.level) == ("too-long", "error")
    assert (problem.text, problem.mend) == (
        "This reminder takes 2 SMS: it costs 2 times as much.",
        "Shorten it by 7.",
    )


def test_open_words_may_take_two_sms_and_with_more_there_is_a_warning() -> None:
    lines = "  on the day:\n    say: Hello.\n    open: '{audit_date}%'\n"
    assert found(content(counting(lines.replace("%", "x" * (TWO_SMS - DATE))))) == []
    [problem] = found(content(counting(lines.replace("%", "x" * (TWO_SMS - DATE + 1)))))
    assert (problem.slug, problem.level, problem.mend) == ("too-long", "warning", "Shorten it by 1.")


@pytest.mark.parametrize(("status", "level"), [("live", "error"), ("draft", "warning")])
def test_a_translation_that_is_too_long_is_an_error_only_where_people_get_it(status: str, level: str) -> None:
    po = swahili("reminder/audit:on the day", "Hello.", "Habari " * 24, status)
    problems = found(content(counting("  on the day: Hello.\n"), sw=po))
    lengths = [problem for problem in problems if problem.slug == "too-long"]
    assert [(problem.level, problem.at.file) for problem in lengths] == [(level, "content/locale/sw.po")]
    assert 'English: "Hello."' in lengths[0].mend


def test_a_translator_is_told_how_long_each_text_may_be_and_what_it_means() -> None:
    told = {source.id: source for source in sources(content(FULL))}
    limits = {id: source.limit for id, source in told.items() if id.startswith("reminder/")}
    assert limits == {
        "reminder/audit:title": 0,
        "reminder/audit:2 weeks before": ONE_SMS,
        "reminder/audit:on the day": ONE_SMS,
        "reminder/audit:on the day.open": TWO_SMS,
        "reminder/audit:officer": ONE_SMS,
    }
    assert told["reminder/audit:officer"].note.startswith("day = of a visit.\nSMS to the officer of a group")


# --- words that give away ---


@pytest.mark.parametrize(
    ("lines", "line"),
    [
        ("  on the day: Look at the GOLD.\n", 4),
        ("  on the day: 'The audit: tomorrow.'\n", 4),
        ("  on the day: Hello.\nsilent:\n  after: 1\n  officer: Gold, please.\n", 7),
        ("  on the day: Golden days.\n", 0),
        ("  on the day: '{audit_date}.'\n", 0),
        ("  on the day:\n    say: Hello.\n    open: The audit is near.\n", 0),
    ],
)
def test_a_careful_text_with_a_listed_word_is_a_warning(lines: str, line: int) -> None:
    problems = found(content(counting(lines)))
    assert [(each.slug, each.level, each.at.line) for each in problems] == [("open-word", "warning", line)][
        : bool(line)
    ]


def test_each_language_has_its_own_list_and_a_word_of_another_is_none() -> None:
    lines = counting("  on the day: Hello there.\n")
    said = "Habari za dhahabu, audit na Dhahabu"
    entry = swahili("reminder/audit:on the day", "Hello there.", said)
    listed = entry + '\nmsgctxt "common:discreet"\nmsgid "gold audit"\nmsgstr "dhahabu"\n'
    for po, words in ((entry, []), (listed, ["dhahabu", "Dhahabu"])):
        problems = [problem for problem in found(content(lines, sw=po)) if problem.slug == "open-word"]
        assert [re.findall('"(.+)"', problem.text)[0] for problem in problems] == words
    assert [problem.at.column for problem in problems] == [9 + said.index(word) for word in words]


# --- the reminders of this project ---

DAYS = {
    "audit": [-90, -60, -30, -14, -7, -1, 0, 2],
    "findings": [-14, -3, 1],
    "permit": [-90, -30, -7],
    "own_check": [0],
    "books": [0],
    "meeting": [0],
}
GIVE_AWAY = {
    "en": "mine mining miner gold audit permit mercury pit buyer cooperative",
    "sw": "mgodi migodi mchimbaji dhahabu madini ukaguzi mkaguzi kibali leseni zebaki shimo mashimo mnunuzi ushirika",
    "fr": "mine mines mineur or audit auditeur permis mercure puits acheteur cooperative",
    "es": "mina minas minero oro auditoria auditor permiso mercurio pozo comprador cooperativa",
    "pt": "mina minas mineiro ouro auditoria auditor licenca mercurio poco comprador cooperativa",
    "rw": "ikirombe zahabu ubugenzuzi uruhushya merikire umuguzi koperative",
    "ha": "zinariya lasisi mercury rami",
    "am": "ማዕድን ወርቅ ሜርኩሪ ጉድጓድ ኦዲት ፈቃድ ገዢ",
}
COMPLETE = ("en", "es", "fr", "pt", "sw")


@pytest.fixture(scope="module")
def ours() -> Written:
    return read_folder(ROOT / "content")


def spoken(written: Written) -> Iterator[tuple[Speech, Series]]:
    for speech in speeches(written, drafts=True):
        for each in written.series.values():
            yield speech, each


def test_the_seventeen_reminders_are_there_each_on_its_day(ours: Written) -> None:
    assert {id: [moment.days for moment in each.moments] for id, each in ours.series.items()} == DAYS
    moments = [moment for each in ours.series.values() for moment in each.moments]
    assert len(moments) == 17
    assert [moment.name for moment in moments if moment.open is None or not moment.say.source] == []
    assert {id: each.count_from or each.every for id, each in ours.series.items()} == {
        "audit": "audit_date",
        "findings": "finding_due",
        "permit": "permit_end",
        "own_check": (3, "months"),
        "books": (1, "months"),
        "meeting": (12, "months"),
    }
    evening = {(id, moment.name): moment.time for id, each in ours.series.items() for moment in each.moments}
    assert {place: time for place, time in evening.items() if time} == {("audit", "on the day"): "18:00"}


def test_each_series_can_be_left_out_by_itself_and_some_are_for_leaders(ours: Written) -> None:
    for id, each in ours.series.items():
        switch = {"audit": "audit", "permit": "permit", "findings": "finding"}.get(id, "group")
        wanted = [(f"{switch}_reminders", ("no",), True)]
        if switch == "group":
            wanted.append(("role", ("leader",), False))
        assert [(one.name, one.values, one.negated) for one in each.conditions] == wanted
        assert (each.silent.after if each.silent else None) == (2 if id in ("audit", "findings") else None)


def test_each_careful_text_is_one_sms_in_each_language_and_open_words_are_two_at_most(ours: Written) -> None:
    for speech, each in spoken(ours):
        whole = speech.language.code in COMPLETE
        for text in each.careful():
            assert speech.own(text.id) or not whole, f"{text.id} is not said in {speech.language.name}"
            if not speech.own(text.id):
                continue
            assert measure(speech.say(text.id))[1], f"{text.id} leaves the plain letters in {speech.language.name}"
            assert segment_count(speech.say(text.id)) == 1, f"{text.id} in {speech.language.name}"
        for moment in each.moments:
            assert moment.open is not None
            assert speech.own(moment.open.id) or not whole
            assert not speech.own(moment.open.id) or segment_count(speech.say(moment.open.id)) <= 2


def test_no_careful_text_has_a_word_that_gives_away_in_any_language(ours: Written) -> None:
    for speech, each in spoken(ours):
        words = {fold_word(word) for word in GIVE_AWAY[speech.language.code].split()}
        for text in filter(lambda text: speech.own(text.id), each.careful()):
            said = re.sub(r"\{\w+\}", "", speech.wording[text.id])
            assert {fold_word(word) for word in re.findall(r"[^\W_]+", said)} & words == set(), text.id


def test_the_lists_of_the_content_hold_those_words_in_each_language(ours: Written) -> None:
    listed = ours.common.discreet
    assert listed is not None
    for speech in speeches(ours, drafts=True):
        assert speech.own(listed.id)
        known = {fold_word(word) for word in speech.wording[listed.id].split()}
        assert {fold_word(word) for word in GIVE_AWAY[speech.language.code].split()} - known == set()


def test_what_the_officer_gets_names_the_group_and_the_date_alone(ours: Written) -> None:
    for each in ours.series.values():
        if each.silent is not None:
            assert placeholders(each.silent.officer.source) == {"group", each.count_from}


def test_the_series_are_in_force_with_their_texts_in_each_language() -> None:
    held, problems = Content.load(ROOT / "content", drafts=True)
    assert [str(problem) for problem in errors(problems)] == []
    assert held is not None
    assert held.text("reminder/audit:officer", "sw") != held.text("reminder/audit:officer", "en")
    assert json.dumps([problem.slug for problem in problems if problem.at.file.startswith("content/reminders")]) == "[]"
