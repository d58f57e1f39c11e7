from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogs.check import check_change, check_content
from dialogs.check.catalogue import BASE, CATALOGUE, PARTS, example, page
from dialogs.check.report import as_github, as_json, as_text, told
from dialogs.check.structure import (
    NEEDED_FOR_GROUPS,
    NEEDED_FOR_KEPT,
    NEEDED_FOR_LINKS,
    NEEDED_FOR_SEVERAL,
    NEEDED_TEXTS,
)
from dialogs.problem import At, Problem, errors
from dialogs.screen import Room
from dialogs.written import Written, read_files

ROOT = Path(__file__).parent.parent


def content(**changes: str) -> Written:
    """The base with other files: `quiz="..."` is that dialog, `sw="..."` that language, `common="..."` common.yaml."""
    files = dict(BASE)
    for name, text in changes.items():
        if name == "common":
            files["content/common.yaml"] = text
        elif text.startswith("msgid"):
            files[f"content/locale/{name}.po"] = text
        elif "send:" in text:
            files[f"content/reminders/{name}.yaml"] = text
        else:
            files[f"content/dialogs/{name}.yaml"] = text
    return read_files({name: text.encode() for name, text in files.items()})


def steps(text: str) -> str:
    """A quiz with these steps."""
    return f"title: Am I ready?\nthen: /menu\nsteps:\n{text}"


def found(written: Written) -> list[tuple[str, str]]:
    """Level and slug of every problem."""
    return [(problem.level, problem.slug) for problem in check_content(written)]


def po(*entries: tuple[str, str, str], head: str = '"X-Status: live\\n"\n') -> str:
    lines = ['msgid ""', 'msgstr ""', '"X-Name: Kiswahili\\n"', head]
    for id, source, text in entries:
        lines.append(f'msgctxt "{id}"\nmsgid "{source}"\nmsgstr "{text}"\n')
    return "\n".join(lines)


# --- the catalogue ---


def test_the_base_of_the_examples_is_clean():
    assert check_content(content()) == []


@pytest.mark.parametrize("slug", CATALOGUE)
def test_a_wrong_example_has_its_problem_and_no_other(slug: str):
    entry = CATALOGUE[slug]
    shown = example(entry, entry.wrong)
    assert {problem.slug for problem in shown.problems} == {slug}, as_text(shown.problems, shown.files)
    assert {problem.at.file for problem in shown.problems} == {entry.place}


@pytest.mark.parametrize("slug", CATALOGUE)
def test_a_right_example_is_clean(slug: str):
    entry = CATALOGUE[slug]
    assert entry.right or entry.gone
    if entry.right:
        shown = example(entry, entry.right)
        assert shown.problems == [], as_text(shown.problems, shown.files)


def test_the_page_of_problems_is_the_one_that_the_catalogue_makes():
    assert (ROOT / "docs/problems.md").read_text(encoding="utf-8") == page()


def slugs_in_the_code() -> set[str]:
    """The second argument of every `Problem(...)` and `finds.add(...)`, the first of every `....problem(...)`."""
    found = set()
    for path in (ROOT / "dialogs").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            place = {"Problem": 1, "add": 1, "_note": 2, "problem": 0}.get(name)
            if place is not None and len(node.args) > place:
                value = node.args[place]
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    found.add(value.value)
    return found


def test_every_slug_in_the_code_is_in_the_catalogue():
    assert slugs_in_the_code() - set(CATALOGUE) == set()
    assert len(CATALOGUE) == sum(len(entries) for _, entries in PARTS)


# --- structure ---


def test_a_target_that_is_a_dialog_needs_its_slash():
    [problem] = check_content(content(quiz=steps("  one:\n    say: One.\n    go: menu\n")))
    assert problem.slug == "unknown-step"
    assert problem.mend == 'Write "/menu".'
    assert problem.at == At("content/dialogs/quiz.yaml", 6, 9)


def test_a_question_breaks_a_ring_and_pages_over_two_dialogs_make_one():
    asking = steps("  one:\n    say: One.\n  two:\n    ask: Two?\n    choices:\n      a: A\n      b: B\n    go: one\n")
    assert found(content(quiz=asking)) == []
    ring = content(
        quiz="title: Quiz\nthen: /other\nsteps:\n  one:\n    say: One.\n",
        other="title: Other\nthen: /quiz\nsteps:\n  one:\n    say: One.\n",
    )
    [problem] = check_content(ring)
    assert problem.slug == "endless"
    assert "other/one, quiz/one" in problem.text


def test_a_dialog_that_cannot_be_read_counts_as_known():
    problems = check_content(content(quiz="title: [\n"))
    assert {problem.at.file for problem in problems} == {"content/dialogs/quiz.yaml"}
    assert "unknown-dialog" not in {problem.slug for problem in problems}


def test_the_check_asks_for_the_common_texts_that_the_program_says():
    said: set[str] = set()
    for path in [*(ROOT / "dialogs").glob("*.py"), *(ROOT / "gateway").glob("*.py")]:
        if not path.name.startswith(("check_", "catalogue", "sources", "speech")):
            calls = r'(?:common\(|"common:|close\(|closing\(|closing\(house, |say=")"?([a-z_]+)"'
            said |= set(re.findall(calls, path.read_text(encoding="utf-8")))
    # "invite" is said by broadcasts, which tell for themselves if it is not there; "kept_number" by kept.py, if it is
    needed = {*NEEDED_TEXTS, *NEEDED_FOR_GROUPS, *NEEDED_FOR_LINKS, *NEEDED_FOR_SEVERAL, "no_papers", "no_answers"}
    assert said - {"words", "f", "invite", "kept_number"} <= needed


@pytest.mark.parametrize(
    ("question", "missing"),
    [
        ("    ask: Which code?\n    save: group\n", ["bad_group"]),
        ("    ask: Which code?\n    save: link_code\n", ["bad_link", "link_later"]),
        ("    ask: When?\n    as: date\n    save: audit_date\n    several: yes\n", ["too_many_dates"]),
        ("    say: We keep {kept}\n", ["kept_language", "kept_answers", "kept_group", "kept_stopped"]),
        ("    say: Hello.\n", []),
    ],
)
def test_some_common_texts_are_asked_for_only_where_they_are_said(question: str, missing: list[str]):
    common = BASE["content/common.yaml"].replace("  bad_group", "  other")
    problems = check_content(content(common=common, quiz=steps(f"  one:\n{question}")))
    assert [problem.slug for problem in problems] == ["missing-key"] * len(missing)
    assert [problem.text.split('"')[1] for problem in problems] == sorted(missing)


def test_a_code_for_a_chat_is_typed_and_shown_and_what_the_machine_knows_has_its_values():
    common = BASE["content/common.yaml"].replace("texts:\n", "texts:\n  bad_link: No\n  link_later: Later\n")
    chosen = "  one:\n    ask: Which?\n    choices:\n      a: Apple\n      b: Bread\n    save: link_code\n"
    assert found(content(common=common, quiz=steps(chosen))) == [("error", "group-code")]
    typed = (
        "  code:\n    only if: channel_kind is not bot\n    say: Your code is {link_code}.\n"
        "  write:\n    ask: Which code?\n    save: link_code\n"
    )
    assert found(content(common=common, quiz=steps(typed))) == []
    wrong = typed.replace("is not bot", "is whatsapp")
    assert found(content(common=common, quiz=steps(wrong))) == [("error", "only-if")]
    for name in ("channel_kind", "linked"):
        saved = f"  one:\n    ask: Which?\n    save: {name}\n"
        assert [level for level, _ in found(content(common=common, quiz=steps(saved)))] == ["error"]
    linked = "  one:\n    only if: linked is %s\n    say: A chat is linked.\n"
    assert found(content(common=common, quiz=steps(linked % "yes"))) == []
    assert found(content(common=common, quiz=steps(linked % "maybe"))) == [("error", "only-if")]


def test_what_is_kept_can_be_said_only_on_pages():
    kept = "".join(f"  {key}: Kept\n" for key in NEEDED_FOR_KEPT)
    common = BASE["content/common.yaml"].replace("texts:\n", f"texts:\n{kept}")
    ask = "  one:\n    ask: "
    choices = "\n    choices:\n      a: Apple\n      b: Bread\n    reply:\n      a: "
    page = steps("  one:\n    say: We keep {kept}\n")
    assert found(content(common=common, quiz=page)) == []
    for quiz in (f"{ask}Now {{kept}}{choices}Good.\n", f"{ask}Which?{choices}Now {{kept}}\n"):
        assert found(content(common=common, quiz=steps(quiz))) == [("error", "placeholder")]


def test_a_date_that_a_dialog_marks_as_done_may_be_known_from_an_earlier_call():
    ask = "    ask: Done?\n    choices:\n      a: Yes\n      b: Not yet\n"
    save = "  later:\n    ask: When?\n    as: date\n    save: task_due\n"
    here = f"  here:\n    only if: task_due is known\n{ask}"
    assert found(content(quiz=steps(f"{here}{save}"))) == [("error", "only-if")]
    assert found(content(quiz=steps(f"{here}    done:\n      a: task_due\n{save}"))) == []


@pytest.mark.parametrize("save", ["leave_groups", "end_links"])
def test_leaving_groups_and_ending_links_need_a_yes(save: str):
    ask = f"  one:\n    ask: Leave {{group}}?\n    choices:\n      %s: Leave\n      no: Stay\n    save: {save}\n"
    assert found(content(quiz=steps(ask % "yes"))) == []
    assert found(content(quiz=steps(ask % "leave"))) == [("error", "group-code")]


def test_one_slip_makes_one_error_and_not_ten():
    audit = BASE["content/dialogs/audit.yaml"].replace("    ask: When", "    ask: Note: When")
    menu = BASE["content/dialogs/menu.yaml"].replace("home:", "home")
    live = po(("menu:home.ask", "Choose a number", "Chagua"), head='"X-Status: draft\\n"\n')
    for changes in ({"audit": audit}, {"menu": menu}, {"audit": audit.replace("save:", "save")}):
        problems = errors(check_content(content(sw=live, **changes)))
        assert {problem.slug for problem in problems} == {"yaml"}


@pytest.mark.parametrize(
    ("condition", "right"),
    [
        ("country is KE", True),
        ("country is Kenya", False),
        ("mercury_ban is yes", True),
        ("mercury_ban is maybe", False),
        ("consent is not yes", True),
        ("language is en", True),
        ("language is xx", False),
        ("before is a or b", True),
        ("before is c", False),
        ("later is a", False),
        ("here is a", False),
        ("nobody is known", False),
        ("audit_date is known", True),
        ("own is not a", True),
    ],
)
def test_a_condition_names_what_is_known_when_it_is_asked(condition: str, right: bool):
    ask = "    ask: Which?\n    choices:\n      a: Apple\n      b: Bread\n"
    quiz = f"  before:\n{ask}  here:\n    only if: {condition}\n{ask}    save: own\n  later:\n{ask}"
    slugs = {slug for _, slug in found(content(quiz=steps(quiz)))} - {"never-used"}
    assert slugs == (set() if right else {"only-if"})


def test_a_step_further_down_may_be_known_when_a_way_leads_back():
    ask = "    ask: Which?\n    choices:\n      a: Apple\n      b: Bread\n"
    quiz = f"  first:\n{ask}  again:\n    only if: last is b\n    say: Again.\n  last:\n{ask}    go:\n      b: again\n"
    assert found(content(quiz=steps(quiz))) == []


def test_a_question_taken_from_elsewhere_keeps_its_own_way_and_its_choices_are_checked():
    taken = "  mine:\n    from: quiz/records\n    go:\n      yes: end\n      maybe: end\n"
    written = content(other=steps(taken), menu=BASE["content/dialogs/menu.yaml"].replace("/audit", "/other"))
    problems = check_content(written)
    assert ("unknown-choice", 'The question taken from here has no choice "maybe".') in [
        (problem.slug, problem.text) for problem in problems
    ]
    step = written.dialogs["other"].steps[0]
    assert [choice.go for choice in step.choices] == ["end", "", ""]
    assert step.origin == ("quiz", "records")


def test_a_step_that_says_a_fact_is_skipped_where_the_fact_is_not_known():
    common = BASE["content/common.yaml"] + "facts:\n  helpline:\n    KE: 1195\n    TZ:\n"
    written = content(common=common, quiz=steps("  one:\n    say: Call {helpline}.\n  two:\n    say: Take care.\n"))
    assert check_content(written) == []
    step = written.dialogs["quiz"].steps[0]
    assert [(condition.name, condition.values) for condition in step.only_if] == [("helpline", ())]
    gap = content(common=common, quiz=steps("  one:\n    check: Safe?\n    advice: Call {helpline}.\n"))
    assert found(gap) == [("warning", "placeholder")]


# --- texts ---

LONG = "Is there a safe way down into the pit and up again for all who work there, and are the ladders looked at?"


def test_a_screen_is_measured_with_its_keys_and_its_widest_values():
    check = "  one:\n    check: '{}'\n    advice: Look.\n"
    keys = len("CON \n1. Yes\n2. No\n3. Not sure\n0. Back")
    fitting = "x" * (160 - keys)
    assert found(content(quiz=steps(check.format(fitting)))) == []
    [problem] = check_content(content(quiz=steps(check.format(fitting + "x"))))
    assert problem.text == "This screen takes 161 letters; a phone shows 160."
    assert problem.mend == "Shorten the question or a choice by 1."
    dated = "x" * (160 - keys - len("28 Mar 2027")) + "{audit_date}"
    assert found(content(quiz=steps(check.format(dated)))) == []
    assert found(content(quiz=steps(check.format("x" + dated)))) == [("error", "too-long")]


def test_many_choices_may_run_over_to_more_screens():
    choices = "".join(f"      c{n}: A choice of some length {n}\n" for n in "abcdefghij")
    assert found(content(quiz=steps(f"  one:\n    ask: Which?\n    choices:\n{choices}"))) == []
    [problem] = check_content(content(quiz=steps(f"  one:\n    ask: {LONG} {LONG}\n    choices:\n{choices}")))
    assert problem.text == "This question with its choices takes 4 SMS; 3 is the most."
    fewer = "".join(f"      c{n}: A choice {n}\n" for n in "abcdefghij")
    assert found(content(quiz=steps(f"  one:\n    ask: {LONG}\n    choices:\n{fewer}"))) == []


def test_one_choice_that_fills_a_screen_is_an_error():
    choices = "".join(f"      c{n}: Choice {n}\n" for n in "abcd") + f"      long: {'very ' * 32}long\n"
    problems = check_content(content(quiz=steps(f"  one:\n    ask: Which?\n    choices:\n{choices}")))
    assert [(problem.level, problem.slug) for problem in problems] == [("error", "too-long"), ("warning", "too-long")]
    assert problems[0].text.startswith("This choice with its keys takes")
    assert problems[0].at.line == 11


def test_the_last_words_of_a_call_must_fit_one_screen():
    ask = "  one:\n    ask: Sure?\n    choices:\n      yes: Yes\n      no: No\n    reply:\n"
    ask += f"      yes: {'Thank you. ' * 15}\n      no: No.\n    go:\n      yes: forget\n"
    [problem] = check_content(content(quiz=steps(ask)))
    assert problem.slug == "too-long"
    assert problem.text.startswith("This is the last screen of a call.")


def test_what_is_said_to_a_private_answer_must_fit_one_screen():
    check = f"  one:\n    check: Free?\n    keep: no\n    advice: {'Take care. ' * 15}\n"
    [problem] = check_content(content(quiz=steps(check)))
    assert (problem.slug, problem.level) == ("unkept", "error")


def test_a_smaller_screen_of_a_channel_counts():
    check = f"  one:\n    check: {LONG}\n    advice: Look.\n"
    assert found(content(quiz=steps(check))) == []
    problems = check_content(content(quiz=steps(check)), room=Room(septets=120))
    assert [problem.slug for problem in problems if problem.at.file.endswith("quiz.yaml")] == ["too-long"]


def swahili(question: str, head: str) -> str:
    return po(("quiz:records.check", "Does the group write down each sale?", question), head=head)


@pytest.mark.parametrize(
    ("head", "drafts", "level"),
    [
        ('"X-Status: live\\n"\n', False, "error"),
        ('"X-Status: draft\\n"\n', False, "warning"),
        ('"X-Status: draft\\n"\n', True, "error"),
        ('"X-Status: live\\n"\n"X-Letters: any\\n"\n', False, "warning"),
    ],
)
def test_what_people_see_must_fit_and_a_draft_only_warns(head: str, drafts: bool, level: str):
    problems = check_content(content(sw=swahili("Je, " + "mauzo " * 25 + "?", head)), drafts=drafts)
    [problem] = [problem for problem in problems if problem.slug == "too-long"]
    assert problem.level == level
    assert problem.at.file == "content/locale/sw.po"
    assert "in Kiswahili" in problem.text
    assert "English: " in problem.mend


def test_letters_that_the_language_replaces_are_no_problem():
    letter, long = "ƙ", "Ana rubuta ƙasa?"
    plain = content(sw=swahili(long, '"X-Status: live\\n"\n'))
    assert ("error", "letters") in found(plain)
    replaced = content(sw=swahili(long, f'"X-Status: live\\n"\n"X-Replace: {letter}=\'k\\n"\n'))
    assert "letters" not in {slug for _, slug in found(replaced)}


def test_accents_that_fall_away_are_told_once():
    two = po(
        ("quiz:records.check", "Does the group write down each sale?", "Às vendas são escritas?"),
        ("quiz:records.advice", "Start a sales book today.", "Comece um livro já, não amanhã."),
    )
    [problem] = [problem for problem in check_content(content(pt=two)) if problem.slug == "letters"]
    assert problem.level == "warning"
    assert "á=a ã=a" in problem.mend


# --- translations ---


def test_a_live_language_must_have_the_menu_and_a_draft_only_warns():
    live = [problem for problem in check_content(content(sw=po())) if problem.slug == "missing"]
    assert {problem.level for problem in live if " menu " in problem.text} == {"error"}
    assert {problem.level for problem in live if " quiz " in problem.text} == {"warning"}
    draft = check_content(content(sw=po(head='"X-Status: draft\\n"\n')), drafts=True)
    assert [(problem.level, problem.slug) for problem in draft] == [("warning", "missing")]


def test_a_name_that_nothing_has_is_told_with_the_nearest_ones_and_the_facts_only():
    common = BASE["content/common.yaml"] + 'facts:\n  code: "*384*77#"\n  operator: Us\n'
    written = content(common=common, quiz=steps("  one:\n    say: Ask {seller} or {cod}.\n"))
    mends = {problem.text: problem.mend for problem in check_content(written) if problem.slug == "placeholder"}
    assert mends["Nothing has the name {cod}."] == 'Did you mean "code"?'
    nearest, facts = mends["Nothing has the name {seller}."].split(". Facts: ")
    assert nearest.startswith("Nearest: ")
    assert nearest.count(", ") == 2
    assert facts == "code, operator."


def test_a_translation_of_an_older_text_is_stale_even_without_its_mark():
    written = content(sw=po(("menu:home.ask", "Choose one", "Chagua moja")))
    [problem] = [problem for problem in check_content(written) if problem.slug == "stale"]
    assert problem.level == "error"
    assert 'Run "ngazi content update sw" first.' in problem.mend
    assert written.wording(written.languages["sw"])["menu:home.ask"] == "Choose a number"


def test_a_choice_may_not_read_like_the_word_of_another_language():
    written = content(
        quiz=steps("  one:\n    ask: Which?\n    choices:\n      a: Acha\n      b: Bread\n"),
        sw=po(("common:words.stop", "STOP", "ACHA")),
    )
    [problem] = [problem for problem in check_content(written) if problem.slug == "word-taken"]
    assert problem.at == At("content/dialogs/quiz.yaml", 7, 10)
    assert "(Kiswahili)" in problem.text


def test_a_choice_may_not_read_like_a_word_at_which_phone_companies_end_all_messages():
    written = content(quiz=steps("  one:\n    ask: Which?\n    choices:\n      a: Go on\n      b: Quit\n"))
    assert found(written) == [("error", "word-taken")]


def test_fallbacks_that_go_round_are_told_and_harm_nothing():
    ring = '"X-Status: draft\\n"\n"X-Fallback: {}\\n"\n'
    written = content(sw=po(head=ring.format("fr")), fr=po(head=ring.format("sw")), rn=po(head=ring.format("xx")))
    headers = [problem for problem in check_content(written) if problem.slug == "po-header"]
    assert [problem.at.file.rsplit("/")[-1] for problem in headers] == ["fr.po", "rn.po", "sw.po"]
    assert "sw - fr - sw" in headers[2].text


# --- change ---


def test_what_is_gone_is_told_with_the_number_of_people():
    written = content()
    standing = {
        ("quiz", "records"): 3,
        ("quiz", "permit"): 37,
        ("quiz", "records", "maybe"): 1,
        ("quiz", "records", "yes"): 9,
        ("old", "one"): 2,
        ("quiz", "gone_too"): 0,
    }
    problems = list(check_change(written.dialogs, standing))
    assert [(problem.slug, problem.level) for problem in problems] == [
        ("step-gone", "warning"),
        ("step-gone", "warning"),
        ("choice-gone", "warning"),
    ]
    assert problems[1].text.startswith('37 people stand at the step "permit"')
    assert problems[2].text.startswith('One person chose "maybe"')


# --- the report ---


def test_a_problem_is_told_with_its_line_and_its_place_marked():
    written = content(quiz=steps("  one:\n    say: One.\n    go: tow\n  two:\n    say: Two.\n"))
    problems = [problem for problem in check_content(written) if problem.slug == "unknown-step"]
    assert as_text(problems, written.files) == (
        'content/dialogs/quiz.yaml:6:9: error: There is no step "tow" in this dialog. [unknown-step]\n'
        "   6 |     go: tow\n"
        "     |         ^^^\n"
        '     = Did you mean "two"?\n'
        "1 error. With an error the content that is in use stays in use."
        " The words in brackets are explained in docs/problems.md.\n"
    )
    assert json.loads(as_json(problems))[0]["slug"] == "unknown-step"
    assert as_github(problems) == (
        "::error file=content/dialogs/quiz.yaml,line=6,col=9,endColumn=12,title=unknown-step"
        '::There is no step "tow" in this dialog.%0ADid you mean "two"?\n'
    )
    assert as_text([], {}) == "Nothing to mend.\n"


@given(st.text(), st.integers(-3, 300), st.integers(-3, 300), st.integers(-3, 300))
def test_any_place_in_any_file_can_be_quoted(source: str, line: int, column: int, width: int):
    problem = Problem(At("a", line, column), "yaml", "Odd.", "Mend.", "error", width)
    assert told(problem, {"a": source}).startswith(f"a:{line}:{column}: error: Odd. [yaml]\n")


def broken_in_any_way() -> st.SearchStrategy[dict[str, bytes]]:
    """The base with some of its letters cut out, doubled or replaced."""

    @st.composite
    def files(draw: st.DrawFn) -> dict[str, bytes]:
        found = {name: text.encode() for name, text in BASE.items()}
        found["content/locale/sw.po"] = po(("menu:home.ask", "Choose a number", "Chagua")).encode()
        for _ in range(draw(st.integers(1, 4))):
            name = draw(st.sampled_from(sorted(found)))
            raw = found[name]
            start = draw(st.integers(0, len(raw)))
            end = draw(st.integers(start, min(len(raw), start + 30)))
            put = draw(
                st.sampled_from([b"", b" ", b"\n", b'"', b": ", b"{", b"\xff", b"\t", b"- ", raw[start:end] * 2])
            )
            found[name] = raw[:start] + put + raw[end:]
        return found

    return files()


@given(broken_in_any_way())
def test_no_content_makes_the_check_fail(files: dict[str, bytes]):
    problems = check_content(read_files(files))
    assert as_text(problems, read_files(files).files)
    assert all(problem.at.file and problem.text and problem.slug in CATALOGUE for problem in problems)


def test_the_content_of_this_project_has_no_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT)
    files = {f"content/{path.relative_to('content')}": path.read_bytes() for path in Path("content").rglob("*.*")}
    written = read_files({name: raw for name, raw in files.items() if name.endswith((".yaml", ".po"))})
    for drafts in (False, True):
        problems = errors(check_content(written, drafts=drafts))
        assert problems == [], as_text(problems, written.files)
