"""What texts rest on: read, checked, listed for those who look again, and drawn as the map of standards."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from dialogs.check import check_content
from dialogs.check.catalogue import BASE
from dialogs.check.facts import facts, preparing_for, resting_on, summed
from dialogs.check.standards import page
from dialogs.claims import ALWAYS
from dialogs.content import BUNDLED, Keeper, make
from dialogs.problem import At, Problem
from dialogs.reading import read_dialog, read_schemes, read_series, read_sources
from dialogs.reading.grammar import CLAIM
from dialogs.script import NO_CLAIM, Claim
from dialogs.written import Written, read_files
from gateway.cli_content import content as command
from gateway.cli_facts import first_words

SOURCES = """\
gibb_2014:
  what: Gibb and O'Leary, mercury and health, 2014
  where: PMC4080518
  kind: document
radio:
  what: A talk on the radio, 2026
  where:
  kind: press
"""
SCHEMES = """\
craft:
  name: CRAFT
  about: A code for small mines
  parts:
    module 1: management system
    module 2: legitimacy
  source:
    radio: c
"""
QUIZ = """\
title: Am I ready?
then: /menu
source:
  gibb_2014: a
checked_by: Amina
checked_on: 2026-11-23
expires_on: 2027-11-23
steps:
  smoke:
    say: Mercury smoke makes you ill.
  metal:
    say: Hands take it in.
    source:
      memory: c
      radio: b
    checked_by:
    checked_on:
  rule18:
    check: Do under 18s stay out of the pit?
    advice: Agree on the rule in a meeting.
    source: own
    prepares for:
      craft/module 2: b
      craft: a
  list:
    advice: "Your next steps:"
"""


def written(sources: str = SOURCES, schemes: str = SCHEMES, **dialogs: str) -> Written:
    """The small content of the catalogue with these lists and dialogs; "" leaves a list out."""
    files = dict(BASE)
    files |= {f"content/{name}.yaml": text for name, text in (("sources", sources), ("schemes", schemes)) if text}
    files |= {f"content/dialogs/{name}.yaml": text for name, text in {"quiz": QUIZ, **dialogs}.items()}
    return read_files({name: text.encode() for name, text in files.items()})


def claim(text: str) -> tuple[Claim, list[Problem]]:
    """The claim of a dialog with these lines at its top."""
    dialog, problems = read_dialog("content/dialogs/quiz.yaml", f"title: T\nsteps:\n  one:\n    say: One.\n{text}")
    return dialog.claim, problems


def slugs(written: Written, today: str = "") -> list[str]:
    return [problem.slug for problem in check_content(written, today=today)]


# --- reading ---


def test_a_claim_is_read_with_its_sources_in_their_order():
    found, problems = claim("source:\n  radio: c\n  gibb_2014: a\nchecked_by: Amina\nchecked_on: 2026-11-23\n")
    assert problems == []
    assert found == Claim((("radio", "c"), ("gibb_2014", "a")), "Amina", "2026-11-23", "")
    assert found.places["source.gibb_2014"] == At("content/dialogs/quiz.yaml", 7, 3)


def test_our_own_words_are_said_to_be_so_in_one_word():
    assert claim("source: own\n") == (Claim((("own", "a"),)), [])


def test_without_keys_there_is_no_claim():
    assert claim("") == (NO_CLAIM, [])


def test_a_step_takes_key_by_key_from_its_dialog_and_an_empty_key_says_none():
    steps = written().dialogs["quiz"].index
    by_name = {id: written().dialogs["quiz"].steps[place].claim for id, place in steps.items()}
    assert by_name["smoke"] == Claim((("gibb_2014", "a"),), "Amina", "2026-11-23", "2027-11-23")
    assert by_name["metal"] == Claim((("memory", "c"), ("radio", "b")), "", "", "2027-11-23")
    assert by_name["rule18"] == Claim((("own", "a"),), "Amina", "2026-11-23", "2027-11-23")


def test_a_step_that_is_taken_from_another_dialog_takes_its_claim_and_schemes_along():
    other = "title: Other\nthen: /menu\nsource:\n  radio: a\nsteps:\n  same:\n    from: quiz/rule18\n"
    step = written(other=other).dialogs["other"].steps[0]
    assert step.claim.source == (("own", "a"),)
    assert step.claim.checked_by == "Amina"
    assert step.schemes == (("craft/module 2", "b"), ("craft", "a"))


def test_a_claim_cannot_stand_in_a_step_that_is_taken_from_another():
    other = "title: Other\nsteps:\n  same:\n    from: quiz/rule18\n    source: own\n"
    [problem] = read_dialog("content/dialogs/other.yaml", other)[1]
    assert (problem.slug, problem.at.line) == ("unknown-key", 5)


def test_a_series_has_a_claim_too():
    text = "title: T\ncount from: audit_date\nsend:\n  on the day: Today.\nsource:\n  general: b\n"
    series, problems = read_series("content/reminders/audit.yaml", text)
    assert (series.claim.source, problems) == ((("general", "b"),), [])


def test_only_a_check_prepares_for_a_scheme():
    text = "title: T\nsteps:\n  one:\n    say: One.\n    prepares for:\n      craft: a\n"
    [problem] = read_dialog("content/dialogs/quiz.yaml", text)[1]
    assert problem.slug == "unknown-key"
    assert problem.mend == '"prepares for" belongs in a step with "check".'


@pytest.mark.parametrize(
    ("text", "slug", "says"),
    [
        ("source: gibb_2014\n", "wrong-type", "a name and how sure it is"),
        ("source:\n", "wrong-type", "on"),
        ("source:\n  - radio\n", "wrong-type", "on"),
        ("source:\n  radio: d\n", "wrong-confidence", "Write a, b or c"),
        ("source:\n  radio: A\n", "wrong-confidence", "a = it stands there"),
        ("source:\n  radio:\n", "wrong-confidence", "Write a, b or c"),
        ("source:\n  radio:\n    deep: a\n", "wrong-confidence", "Write a, b or c"),
        ("source: own\nchecked_on: 23/11/2026\n", "bad-day", "2027-11-23"),
        ("source: own\nexpires_on: 2026-02-30\n", "bad-day", "2027-11-23"),
        ("source: own\nexpires_on:\n  - 2026-02-28\n", "bad-day", "2027-11-23"),
        ("source: own\nchecked_by:\n  - Amina\n", "wrong-type", "checked_by"),
        ("sorce: own\n", "unknown-key", '"source"'),
    ],
)
def test_a_slip_in_a_claim_is_one_problem_with_its_mend(text: str, slug: str, says: str):
    [problem] = claim(text)[1]
    assert problem.slug == slug
    assert says in problem.mend
    assert problem.at.line >= 5


def test_three_sources_are_known_always_and_the_list_may_say_them_better():
    found, problems = read_sources("content/sources.yaml", "memory:\n  what: From our own heads\n  kind: memory\n")
    assert problems == []
    assert list(found) == list(ALWAYS) == ["memory", "general", "own"]
    assert found["memory"].what == "From our own heads"
    assert found["own"] == ALWAYS["own"]


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("", "missing-key"),
        ("- a list\n", "wrong-type"),
        ("Radio Kenya:\n  what: A talk\n  kind: press\n", "bad-id"),
        ("radio:\n  kind: press\n", "missing-key"),
        ("radio:\n  what: A talk\n", "missing-key"),
        ("radio:\n  what: A talk\n  kind: gossip\n", "wrong-type"),
        ("radio: A talk\n", "wrong-type"),
        ("own:\n  what: Ours\n  kind: press\n", "wrong-type"),
        ("radio:\n  what: A talk\n  kind: press\n  year: 2026\n", "unknown-key"),
    ],
)
def test_a_slip_in_the_list_of_sources_is_one_problem(text: str, slug: str):
    assert [problem.slug for problem in read_sources("content/sources.yaml", text)[1]] == [slug]


def test_a_scheme_is_read_with_its_parts_and_what_it_rests_on():
    found, problems = read_schemes("content/schemes.yaml", SCHEMES)
    craft = found["craft"]
    assert problems == []
    assert (craft.name, craft.about) == ("CRAFT", "A code for small mines")
    assert craft.parts == {"module 1": "management system", "module 2": "legitimacy"}
    assert craft.claim.source == (("radio", "c"),)
    assert craft.knows("")
    assert not craft.knows("module 3")


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("craft:\n  about: A code\n", "missing-key"),
        ("craft: CRAFT\n", "wrong-type"),
        ("craft:\n  name: CRAFT\n  parts:\n    a/b: both\n", "bad-id"),
        ("craft:\n  name: CRAFT\n  parts: module 1\n", "wrong-type"),
        ("craft:\n  name: CRAFT\n  clause: 5\n", "unknown-key"),
        ("craft:\n  name: CRAFT\n  source:\n    radio: maybe\n", "wrong-confidence"),
    ],
)
def test_a_slip_in_the_list_of_schemes_is_one_problem(text: str, slug: str):
    assert [problem.slug for problem in read_schemes("content/schemes.yaml", text)[1]] == [slug]


LINES = st.lists(
    st.sampled_from(
        (
            *(f"{key}:" for key in CLAIM),
            *(
                "source: own",
                "checked_on: 2026-13-01",
                "prepares for:",
                "  craft/module 2: b",
                "  gibb_2014: a",
                "  - a",
            ),
            *("craft:", "  name: C", "  parts:", "    a/b: c", "  kind: law", "  what: W", "? ["),
        )
    )
)


@given(st.one_of(st.text(), st.binary(), LINES.map("\n".join)))
def test_no_text_makes_the_readers_stumble(text: str | bytes):
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    source = raw.decode("utf-8", "surrogateescape")
    assert set(read_sources("content/sources.yaml", source)[0]) >= set(ALWAYS)
    read_schemes("content/schemes.yaml", source)
    deep = "".join(f"    {line}\n" for line in source.splitlines())
    read_dialog(
        "content/dialogs/quiz.yaml", f"{source}\ntitle: T\nsteps:\n  one:\n    check: One?\n    advice: A\n{deep}"
    )
    read_series("content/reminders/audit.yaml", source)
    found = read_files({"content/sources.yaml": raw, "content/schemes.yaml": raw, "content/dialogs/quiz.yaml": raw})
    check_content(found, today="2026-11-23")
    list(facts(found))


# --- checking ---


def test_a_content_with_its_lists_is_clean():
    assert check_content(written(), today="2026-11-23") == []


def test_without_a_list_of_sources_no_source_is_asked_for():
    bare = QUIZ.replace("source:\n  gibb_2014: a\n", "").replace("      radio: b\n", "")
    assert slugs(written(sources="", schemes=SCHEMES.replace("\n    radio: c", " own"), quiz=bare)) == []


@pytest.mark.parametrize(
    ("step", "asked"),
    [
        ("say: One.", True),
        ("check: One?\n    advice: Do it.", True),
        ("ask: One?\n    choices:\n      a: A\n      b: B", False),
        ("ask: One?\n    choices:\n      a: A\n      b: B\n    reply:\n      a: So it is.", True),
        ("ask: One?\n    choices:\n      a: A\n      b: B\n    advice:\n      a: Do it.", True),
        ("ask: One?\n    choices: languages\n    save: language", False),
        ("from: quiz/smoke", False),
        ("from: quiz/rule18", False),
        ("advice: 'Your steps:'", False),
    ],
)
def test_what_says_something_needs_a_source_and_what_only_asks_does_not(step: str, asked: bool):
    menu = BASE["content/dialogs/menu.yaml"].replace("quiz: /quiz", "quiz: /other")
    other = f"title: Other\nthen: /quiz\nsteps:\n  one:\n    {step}\n"
    problems = [problem for problem in check_content(written(other=other, menu=menu)) if problem.slug == "no-source"]
    assert [problem.at for problem in problems] == ([At("content/dialogs/other.yaml", 4, 3)] if asked else [])
    assert all("source: own" in problem.mend and problem.level == "error" for problem in problems)


def test_an_empty_source_of_a_series_and_of_a_scheme_is_missed_too():
    files = {name: text.replace("source: own\n", "") for name, text in BASE.items() if "reminders" in name}
    files |= {name: text for name, text in BASE.items() if name not in files}
    files |= {"content/sources.yaml": SOURCES, "content/schemes.yaml": "craft:\n  name: CRAFT\n"}
    files["content/dialogs/quiz.yaml"] = QUIZ.replace("craft/module 2: b", "craft: b").replace("      craft: a\n", "")
    found = check_content(read_files({name: text.encode() for name, text in files.items()}))
    assert [(problem.slug, problem.at.file) for problem in found] == [
        ("no-source", "content/reminders/audit.yaml"),
        ("no-source", "content/schemes.yaml"),
    ]


def test_an_unknown_source_is_told_once_however_many_steps_take_it():
    wrong = QUIZ.replace("source:\n  gibb_2014: a", "source:\n  gib_2014: a\n  gibb_2014: a")
    [problem] = check_content(written(quiz=wrong))
    assert (problem.slug, problem.at.line, problem.mend) == ("unknown-source", 4, 'Did you mean "gibb_2014"?')


def test_a_part_that_a_scheme_does_not_have_is_an_error_with_the_nearest():
    [problem] = check_content(written(quiz=QUIZ.replace("craft/module 2", "craft/modul 2")))
    assert (problem.slug, problem.mend) == ("unknown-scheme", 'Did you mean "craft/module 2"?')
    [problem] = check_content(written(quiz=QUIZ.replace("craft: a", "crafd: a")))
    assert (problem.slug, problem.mend) == ("unknown-scheme", 'Did you mean "craft"?')


def test_without_a_list_of_schemes_that_is_told_once():
    assert slugs(written(schemes="")) == ["unknown-scheme"]


def test_a_list_that_cannot_be_read_makes_no_false_errors():
    assert set(slugs(written(sources=SOURCES + "radio: [\n"))) == {"yaml"}
    assert set(slugs(written(schemes=SCHEMES.replace("name: CRAFT", "name: [CRAFT")))) == {"brackets"}


def test_a_file_with_an_error_is_not_asked_for_sources():
    assert slugs(written(quiz=QUIZ.replace("gibb_2014: a", "gibb_2014: sure"))) == ["wrong-confidence"]


def test_a_text_is_out_of_date_from_the_day_after():
    assert slugs(written(), today="2027-11-23") == []
    found = check_content(written(), today="2027-11-24")
    assert [(problem.slug, problem.level, problem.at.line) for problem in found] == [("out-of-date", "warning", 7)]
    assert slugs(written()) == [], "without a day nothing is judged"


def test_to_look_again_before_the_check_is_an_error_and_a_check_to_come_a_warning():
    early = QUIZ.replace("expires_on: 2027-11-23", "expires_on: 2026-11-22")
    assert [(problem.slug, problem.level) for problem in check_content(written(quiz=early))] == [("bad-day", "error")]
    [problem] = check_content(written(), today="2026-11-22")
    assert (problem.slug, problem.level, problem.at.line) == ("bad-day", "warning", 6)


@pytest.mark.parametrize("gone", ["checked_by: Amina\n", "checked_on: 2026-11-23\n"])
def test_half_a_check_is_a_warning(gone: str):
    [problem] = check_content(written(quiz=QUIZ.replace(gone, "", 1)))
    assert (problem.slug, problem.level) == ("half-checked", "warning")
    assert gone.split(":")[0] in problem.mend


def test_a_source_or_scheme_that_nothing_names_is_a_warning():
    more = written(
        sources=SOURCES + "old_law:\n  what: The old law\n  kind: law\n",
        schemes=SCHEMES + "itsci:\n  name: ITSCI\n  source: own\n",
    )
    found = [problem for problem in check_content(more) if problem.slug == "never-used"]
    assert [problem.level for problem in found] == ["warning", "warning"]
    assert [problem.at.file for problem in found] == ["content/schemes.yaml", "content/sources.yaml"]


def test_the_name_of_a_scheme_must_fit_every_phone():
    [problem] = check_content(written(schemes=SCHEMES.replace("name: CRAFT", "name: CRAFTẹ")))
    assert (problem.slug, problem.level) == ("letters", "error")


def test_a_scheme_cannot_have_the_name_of_a_dialog():
    both = written(schemes=SCHEMES.replace("craft:", "quiz:"), quiz=QUIZ.replace("craft", "quiz"))
    assert [(problem.slug, problem.at.file) for problem in check_content(both)] == [("bad-id", "content/schemes.yaml")]


# --- the content in force ---


def test_the_content_in_force_holds_both_lists_and_another_list_is_another_revision():
    first, second = written(), written(sources=SOURCES.replace("2026", "2027"))
    assert first.revision != second.revision
    assert make(first).schemes["craft"].name == "CRAFT"
    assert make(first).sources["radio"].kind == "press"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A content folder with both lists."""
    for name, text in written().files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "content"


def test_an_edit_of_a_list_is_seen(folder: Path):
    keeper = Keeper(folder)
    before = keeper.content
    list_of_schemes = folder / "schemes.yaml"
    list_of_schemes.write_text(SCHEMES.replace("name: CRAFT", "name: CRAFT Code"), encoding="utf-8")
    os.utime(list_of_schemes, ns=(1, 1))
    assert keeper.refresh() == []
    assert keeper.content is not before
    assert keeper.content.schemes["craft"].name == "CRAFT Code"


# --- facts ---


def ask(folder: Path, *words: str) -> Result:
    result = CliRunner().invoke(command, ["--content", str(folder), "facts", *words])
    assert result.exit_code == 0, result.output
    return result


def test_facts_lists_what_nobody_checked_and_leaves_out_the_rest(folder: Path):
    shown = ask(folder, "--today", "2026-11-24").stdout
    assert "metal" in shown
    assert "memory:c" in shown
    assert "nobody" in shown
    assert "smoke" not in shown
    assert "rule18" not in shown
    told = "3 claims: 1 checked, 2 unchecked, 0 out of date; 1 rest on memory or a guess only."
    assert told in " ".join(shown.split())
    assert max(len(line) for line in shown.splitlines()) <= 100


def test_facts_lists_everything_on_demand_and_what_is_out_of_date(folder: Path):
    shown = ask(folder, "--all", "--today", "2028-01-01").stdout
    for word in ("smoke", "metal", "rule18", "audit", "craft", "own:a", "passed", "2 out of date"):
        assert word in shown, word


def test_facts_finds_what_rests_on_a_source(folder: Path):
    shown = ask(folder, "--source", "radio").stdout
    assert "A talk on the radio" in shown
    assert "metal" in shown
    assert "craft" in shown
    assert "smoke" not in shown


def test_facts_finds_the_questions_that_prepare_for_a_scheme(folder: Path):
    shown = ask(folder, "--scheme", "craft").stdout
    assert shown.index("The scheme as a whole") < shown.index("module 2: legitimacy")
    assert shown.count("quiz/rule18") == 2
    assert "1 question prepares for it, 2 times in all; 1 of them stated in a source (a)." in shown
    assert ask(folder, "--scheme", "craft/module 1").stdout.count("quiz/rule18") == 0


def test_facts_as_json_can_be_counted(folder: Path):
    whole = json.loads(ask(folder, "--all", "--json", "--today", "2026-11-24").stdout)
    by_name = {row["name"]: row for row in whole["facts"]}
    assert whole["today"] == "2026-11-24"
    assert whole["sum"]["claims"] == 3
    assert by_name["rule18"]["prepares for"] == {"craft/module 2": "b", "craft": "a"}
    assert by_name["rule18"]["state"] == "own words"
    assert by_name["smoke"]["state"] == "checked"
    assert (by_name["metal"]["state"], by_name["metal"]["source"]) == ("unchecked", {"memory": "c", "radio": "b"})


@pytest.mark.parametrize(("option", "near"), [("--scheme=crafd", '"craft"'), ("--source=gib_2014", '"gibb_2014"')])
def test_facts_refuses_a_name_that_is_not_in_the_list(folder: Path, option: str, near: str):
    result = CliRunner().invoke(command, ["--content", str(folder), "facts", option])
    assert result.exit_code == 1
    assert near in result.output


def test_facts_can_be_asked_for_one_dialog(folder: Path):
    shown = ask(folder, "quiz").stdout
    assert "metal" in shown
    assert "Schemes" not in shown
    assert "schemes" in CliRunner().invoke(command, ["--content", str(folder), "facts", "scheme"]).output


def test_facts_looks_for_one_thing_at_a_time(folder: Path):
    result = CliRunner().invoke(command, ["--content", str(folder), "facts", "--scheme=craft", "--source=radio"])
    assert (result.exit_code, "not both" in result.output) == (2, True)


def test_facts_says_when_a_part_of_the_content_cannot_be_read(folder: Path):
    (folder / "dialogs" / "quiz.yaml").write_text("title: [\n", encoding="utf-8")
    assert "ngazi content check" in ask(folder).stderr


def test_the_check_of_the_command_line_knows_the_day(folder: Path):
    quiz = folder / "dialogs" / "quiz.yaml"
    quiz.write_text(QUIZ.replace("2027-11-23", "2020-11-23").replace("2026-11-23", "2019-11-23"), encoding="utf-8")
    result = CliRunner().invoke(command, ["--content", str(folder), "check"])
    assert "[out-of-date]" in result.output


def test_a_fact_by_country_that_is_empty_is_shown_as_none():
    common = BASE["content/common.yaml"].replace("words:", 'facts:\n  helpline:\n    KE: "116"\n    TZ:\nwords:', 1)
    found = read_files({"content/common.yaml": common.encode()})
    [fact] = [fact for fact in facts(found) if fact.part == "common.yaml"]
    assert (fact.name, fact.text) == ("helpline", "KE 116, TZ none")


def test_what_rests_on_memory_among_other_sources_is_not_weak():
    weak = {fact.name: fact.weak(written().sources) for fact in facts(written())}
    assert not weak["metal"]
    assert not weak["rule18"], "our own words claim nothing"
    assert weak["craft"]


def test_first_words_are_cut_between_words():
    assert first_words("One two three four", 14) == "One two..."
    assert first_words("One two\nthree", 14) == "One two three"


# --- the project's own content, and the map ---


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project's content."""
    return Path(shutil.copytree(BUNDLED, tmp_path_factory.mktemp("ours") / "content"))


def test_the_whole_content_of_the_project_can_be_listed(ours: Path):
    whole = json.loads(ask(ours, "--all", "--json").stdout)
    states = {row["state"] for row in whole["facts"]}
    assert states <= {"checked", "unchecked", "out of date", "own words", "given"}
    assert whole["sum"]["no_source"] == 0
    assert max(len(line) for line in ask(ours).stdout.splitlines()) <= 100


def test_a_text_of_the_project_that_loses_its_source_is_an_error(ours: Path, tmp_path: Path):
    copy = Path(shutil.copytree(ours, tmp_path / "content"))
    (copy / "dialogs" / "extra.yaml").write_text("title: Extra\nthen: /menu\nsteps:\n  one:\n    say: So.\n", "utf-8")
    result = CliRunner().invoke(command, ["--content", str(copy), "check"])
    assert result.exit_code == 1
    assert "extra.yaml:4:3: error" in result.output
    assert "[no-source]" in result.output


def test_the_map_shows_each_question_with_its_part_and_letter():
    shown = page(written())
    assert "| Question | CRAFT |" in shown
    assert "| Do under 18s stay out of the pit? (`rule18`) | module 2 **b**, **a** |" in shown
    assert "- module 1: management system" in shown
    assert "| `gibb_2014` | Gibb and O'Leary, mercury and health, 2014 | PMC4080518 | document | 1 |" in shown


def test_the_map_leaves_a_cell_empty_and_names_questions_for_no_scheme():
    other = QUIZ.replace("    prepares for:\n      craft/module 2: b\n      craft: a\n", "")
    shown = page(written(other=other))
    assert "These prepare for none of the schemes: `other/rule18`." in shown
    assert "\n\n\n" not in shown


def test_nothing_in_a_text_becomes_markup_of_the_map():
    shown = page(written(quiz=QUIZ.replace("Do under 18s stay", "Do | under_18s * [stay](x)")))
    assert "Do \\| under\\_18s \\* \\[stay\\](x)" in shown


def test_a_question_for_a_part_is_found_by_scheme_and_by_part():
    said = list(facts(written()))
    assert [(part, letter) for part, letter, _ in preparing_for(said, "craft")] == [("module 2", "b"), ("", "a")]
    assert [letter for _, letter, _ in preparing_for(said, "craft", "module 2")] == ["b"]
    assert [fact.name for fact in resting_on(said, "gibb_2014")] == ["smoke"]
    assert summed(said, written().sources, "2026-11-24").own_words == 3
