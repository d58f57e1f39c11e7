from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dialogs.check.catalogue import BASE
from dialogs.content import Content
from dialogs.preview import SMS, View, Wish, preview, spoken_languages
from dialogs.screen import Room
from dialogs.written import Written, read_files, read_folder
from gateway.cli import main
from gateway.path_price import priced, unknown, whole_path

ROOT = Path(__file__).resolve().parent.parent
LONG = "Is there a safe way down into the pit and up again for all who work there, and are the ladders looked at? "
TOP = "title: Quiz\nsource: own\nthen: /menu\nsteps:\n"
PO = 'msgid ""\nmsgstr ""\n"Language: {code}\\n"\n"X-Name: {name}\\n"\n{head}\n'
ENTRY = '\n{flag}msgctxt "{id}"\nmsgid "{source}"\nmsgstr "{text}"\n'


def written(steps: str, **locale: str) -> Written:
    files = {**BASE, "content/dialogs/quiz.yaml": TOP + steps}
    files |= {f"content/locale/{code}.po": po for code, po in locale.items()}
    return read_files({name: text.encode() for name, text in files.items()})


def views(found: Written, language: str = "en", wish: Wish | None = None, step: str = "") -> list[View]:
    speech = next(each for each in spoken_languages(found) if each.language.code == language)
    return preview(found, found.dialogs["quiz"], speech, wish or Wish(), step)


def po(code: str, name: str, *entries: tuple[str, str, str], head: str = "", flag: str = "") -> str:
    body = "".join(ENTRY.format(flag=flag, id=id, source=source, text=text) for id, source, text in entries)
    return PO.format(code=code, name=name, head=head) + body


def test_every_kind_of_step_is_shown_with_what_is_said_to_its_answers():
    found = written(
        "  hi:\n    say:\n      - One.\n      - Two.\n"
        "  rule:\n    check: A rule?\n    none: None here\n    advice: Make one.\n    reply:\n      yes: Good.\n"
        "  shy:\n    check: Free?\n    keep: no\n    advice: Talk about it.\n"
        "  pick:\n    only if: rule is not none\n    ask: Which?\n    choices:\n      a: Ants\n      b: Bees\n"
        "  when:\n    ask: Which day?\n    save: day\n    as: date\n"
        "  result:\n    score:\n      60%: You have {points} of {max}.\n      0%: Begin on {day}.\n"
        "  next:\n    advice: 'Next:'\n"
    )
    shown = {(view.step, view.what): view for view in views(found)}
    assert list(shown) == [
        ("hi", "say"),
        ("rule", "check"),
        ("rule", "reply after Yes"),
        ("rule", "advice after No, Not sure"),
        ("shy", "check"),
        ("shy", "advice after No, Not sure"),
        ("pick", "ask"),
        ("when", "ask"),
        ("result", "result from 60%"),
        ("result", "result from 0%"),
        ("next", "advice"),
    ]
    assert [screen.text for screen in shown["hi", "say"].screens] == [
        "One.\n1. Next\n0. Back",
        "Two.\n1. Next\n0. Back",
    ]
    assert shown["rule", "check"].screens[0].text == "A rule?\n1. Yes\n2. No\n3. Not sure\n4. None here\n0. Back"
    assert shown["pick", "ask"].only_if == ("rule is not none",)
    assert shown["result", "result from 60%"].screens[0].text.startswith("You have 6 of 10.")
    assert shown["result", "result from 0%"].screens[0].text.startswith("Begin on 25 Mar 2027.")
    assert shown["next", "advice"].screens[0].text.startswith("Next:\nMake one.")
    assert not any(view.over or view.borrowed or view.lost for view in shown.values())


def test_by_sms_everything_is_one_message_and_a_private_question_is_only_said():
    steps = "  hi:\n    say:\n      - One.\n      - Two.\n  shy:\n    check: Free?\n    keep: no\n    advice: Talk.\n"
    hi, shy = views(written(steps), wish=Wish(SMS))
    assert [screen.text for screen in hi.screens] == ["One.\nTwo.\n1. Next\n0. Back"]
    assert hi.screens[0].limit == 0
    assert shy.screens[0].text.startswith("Talk.")


def test_what_does_not_fit_is_told_with_the_letters_that_are_too_many():
    [check, _] = views(written(f"  one:\n    check: {LONG * 2}\n    advice: Look.\n"))
    whole = len(f"CON {(LONG * 2).strip()}\n1. Yes\n2. No\n3. Not sure\n0. Back")
    assert check.over == whole - 160
    assert (
        views(written(f"  one:\n    check: {LONG * 2}\n    advice: Look.\n"), wish=Wish(Room(septets=400)))[0].over == 0
    )
    [page] = views(written(f"  one:\n    say: {LONG * 3}\n"))
    assert (len(page.screens), page.over) == (3, 0)


def test_the_widest_values_are_measured_beside_the_plain_ones():
    found = written("  when:\n    ask: Which?\n    save: thing\n  say:\n    say: It is {thing}.\n")
    view = views(found)[-1]
    assert view.screens[0].text.startswith("It is Xxxxxx.")
    assert view.widest[0].length == view.screens[0].length + 14


def test_what_another_language_lends_and_what_is_fuzzy_is_marked():
    asked = ("quiz:one.say.1", "Good day.", "Siku njema.")
    fuzzy = po("sw", "Kiswahili", asked, flag="#, fuzzy\n")
    lender = po("fr", "Francais", ("quiz:one.say.1", "Good day.", "Bonjour."))
    steps = "  one:\n    say: Good day.\n"
    [view] = views(written(steps, sw=fuzzy), "sw")
    assert (view.borrowed, view.unfinished) == (("English",), True)
    [view] = views(written(steps, sw=fuzzy), "sw", Wish(unfinished=True))
    assert view.screens[0].text.startswith("Siku njema.")
    assert (view.borrowed, view.unfinished) == ((), True)
    through = po("sw", "Kiswahili", head='"X-Fallback: fr\\n"\n')
    [view] = views(written(steps, sw=through, fr=lender), "sw")
    assert view.borrowed == ("Francais",)


def test_letters_that_make_it_dear_and_letters_that_are_lost_are_named():
    steps = "  one:\n    say: Good day.\n"
    any_letters = po("am", "Amharic", ("quiz:one.say.1", "Good day.", "ሰላም"), head='"X-Letters: any\\n"\n')
    [view] = views(written(steps, am=any_letters), "am")
    assert (view.screens[0].gsm7, view.screens[0].limit, view.screens[0].odd) == (False, 70, ("ላ", "ም", "ሰ"))
    [view] = views(written(steps, am=any_letters.replace("X-Letters: any", "X-Letters: gsm7")), "am")
    assert view.lost == ("ላ", "ም", "ሰ")
    assert view.screens[0].text.startswith("???")


def test_a_name_that_nothing_has_is_marked():
    [view, other] = views(written("  one:\n    say: Ask {seller} about {points}.\n  two:\n    say: Two.\n"))
    assert view.unknown == ("seller",)
    assert other.unknown == ()


def test_a_broken_dialog_and_an_unknown_head_do_no_harm():
    for steps in (
        "  one:\n    from: nowhere/at_all\n",
        "  one:\n    sing: La\n",
        "  one:\n",
        "",
        "  one:\n    score:\n",
    ):
        found = written(steps)
        for speech in spoken_languages(found):
            for wish in (Wish(), Wish(SMS), Wish(Room(septets=40, units=17), "TZ", True)):
                preview(found, found.dialogs["quiz"], speech, wish)


def test_every_dialog_of_this_project_can_be_seen():
    found = read_folder(ROOT / "content")
    for speech in spoken_languages(found):
        for dialog in found.dialogs.values():
            seen = preview(found, dialog, speech, Wish(country="TZ"))
            assert {view.step for view in seen} == {step.id for step in dialog.steps if step.texts or step.bands}
            assert all(view.screens and view.widest for view in seen)


def run(*words: str, **environ: str) -> Result:
    return CliRunner().invoke(main, ["content", "--content", str(ROOT / "content"), *words], env=environ)


def test_the_command_draws_boxes_and_names_what_there_is():
    shown = run("preview", "starter", "--step", "role", "--language", "en")
    assert shown.exit_code == 0
    lines = shown.output.splitlines()
    assert lines[2] == "role: ask"
    assert {len(line) for line in lines if line.startswith(("  |", "  +"))} == {30}
    assert "of 160 septets" in shown.output
    rows = json.loads(run("preview", "starter", "--language", "sw", "--json").stdout)
    assert rows[0]["step"] == "welcome"
    one = run("preview", "starter", "sw", "--step", "role")
    assert one.output == run("preview", "starter", "--language", "sw", "--step", "role").output
    assert run("preview", "starter", "sw", "fr", "--step", "role").output.count("===") == 4
    assert "There is no language sv. " in run("preview", "starter", "sv").output
    assert "There is no dialog nothing. There are: " in run("preview", "nothing").output
    assert "There is no step nothing in starter." in run("preview", "starter", "--step", "nothing").output
    assert "There is no language xx." in run("preview", "starter", "--language", "xx").output


# --- what a path costs ---


@pytest.fixture(scope="module")
def content() -> Content:
    found, _ = Content.load(ROOT / "content", drafts=True)
    assert found is not None
    return found


def test_a_path_is_counted_in_sms_and_priced_only_when_a_price_is_given(content: Content):
    path = ["mercury", "reminders/audit"]
    rows = {row.language: row for row in priced(content, path, ["en", "fr"], Decimal("0.02"))}
    english = rows["en"]
    assert english.parts["audit"] == len(content.series["audit"].moments)
    assert english.segments == sum(english.parts.values())
    assert english.price == Decimal("0.02") * english.segments
    assert rows["fr"].of_main == rows["fr"].segments / english.segments
    assert {row.price for row in priced(content, path, ["en"], None)} == {None}


def test_the_whole_path_is_made_of_what_there_is(content: Content):
    path = whole_path(content)
    assert "mercury" in path
    assert "starter" in path
    assert path[-1] == "reminders/audit"
    assert unknown(content, path) == []
    assert unknown(content, ["mercury", "nothing"]) == ["nothing"]
    for row in priced(content, path, list(content.languages), None):
        assert min(row.parts.values()) > 0
        assert row.messages < 1000


def test_the_command_invents_no_price():
    without = run("price", "--path", "mercury", NGAZI_CHANNELS="")
    assert "No price is known" in without.output
    given = run("price", "--path", "mercury", "--segment-price", "0.5", "--currency", "kes", NGAZI_CHANNELS="")
    assert " KES" in given.output
    assert "No price is known" not in given.output
    channel = run("price", "--path", "mercury", "--json", NGAZI_CHANNELS="at=simulator://?price=0.8KES")
    assert json.loads(channel.stdout)["currency"] == "KES"
    assert "has no price" in run("price", "--channel", "at", NGAZI_CHANNELS="at=simulator://").output
    plain = run("price", "sw", "en", "--path", "mercury", NGAZI_CHANNELS="")
    both = run("price", "--language", "sw", "--language", "en", "--path", "mercury", NGAZI_CHANNELS="")
    assert plain.exit_code == 0
    assert plain.output == both.output
    assert "There is no nothing." in run("price", "--path", "nothing").output
