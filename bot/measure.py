"""How well the trained model knows the held-out sentences: over HTTP as the gateway asks, and by `rasa test nlu`."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click

from bot.server import ASSISTANT, HOME, LANGUAGES, MODEL, QUIET, ROOT, post, rasa_command, running
from dialogs.answers import Answer
from dialogs.content import Content, Keeper, find_folder
from dialogs.freetext import THRESHOLD, by_words

THRESHOLDS = (0.55, 0.6, 0.65, 0.7, 0.75, 0.8)
NO_INTENT = ("out_of_scope", "nlu_fallback")
RESULTS = HOME / "results"
REPORT = "intent_report.json"
EACH = ("intent_errors.json", "intent_successes.json")  # each sentence, with what was meant and found

Row = tuple[str, str, str, float]  # sentence, intent meant, intent found, confidence


class Results(NamedTuple):
    """What `rasa test nlu` found.

    `accuracy`: the share of right intents, out of scope among them; `fallback`: the share of questions in which it is
    not sure enough of any; `mixed`: (meant, taken for) and how often.
    """

    accuracy: float
    fallback: float
    mixed: Counter[tuple[str, str]]


@click.command()
@click.option("--threshold", default=THRESHOLD, show_default=True, help="How sure it must be: NGAZI_RASA_THRESHOLD.")
@click.option("--confusions", default=8, show_default=True, help="So many of the most frequent mix-ups.")
@click.option("--tuning", is_flag=True, help="Only what each threshold would bring, on the sentences for tuning.")
def test(threshold: float, confusions: int, tuning: bool) -> None:
    """Measure the trained model on the held-out sentences: as the gateway asks it, then by Rasa's own test."""
    token = secrets.token_hex(16)
    content = Keeper(find_folder({})).content
    click.echo("Over HTTP, as the gateway asks:")
    with running(token) as url:
        for language in LANGUAGES:
            sentences = held_out(language, "tuning" if tuning else "test")
            rows = [(text, intent, *parsed(url, token, text)) for intent, text in sentences]
            for each in THRESHOLDS if tuning else (threshold,):
                click.echo(_report(language, rows, each))
                click.echo(_served(content, rows, each))
            if not tuning:
                _list(Counter((row[1], row[2]) for row in rows if row[1] != row[2]), confusions)
    if tuning:
        return
    click.echo("By `rasa test nlu`, out of scope counted in:")
    for language in LANGUAGES:
        folder = RESULTS / language
        rasa_test(language, folder)
        found = read_results(folder, threshold)
        click.echo(f"{language}: intent accuracy {found.accuracy:.3f}; at {threshold}: fallback {found.fallback:.3f}")
        _list(found.mixed, confusions)
        click.echo(f"    the whole report: {folder.relative_to(ROOT)}/{REPORT}")


def held_out(language: str, of: str = "test") -> Iterator[tuple[str, str]]:
    """(intent, sentence) of the `test` set of a language, or of that by which the assistant was tuned (`tuning`)."""
    intent = ""
    for line in held_out_file(language, of).read_text("utf-8").splitlines():
        if line.startswith("- intent: "):
            intent = line.removeprefix("- intent: ").strip()
        elif line.startswith("    - "):
            yield intent, line.removeprefix("    - ")


def held_out_file(language: str, of: str = "test") -> Path:
    """The file of such a set."""
    return ASSISTANT / "tests" / f"{of}_{language}.yml"


def parsed(url: str, token: str, text: str) -> tuple[str, float]:
    """The likeliest intent and how sure Rasa is of it."""
    found: Any = post(f"{url}/model/parse?token={token}", {"text": text})
    ranking = [each for each in found["intent_ranking"] if each["name"] != "nlu_fallback"]
    best = max(ranking, key=lambda each: float(each["confidence"]))
    return str(best["name"]), float(best["confidence"])


def _report(language: str, rows: Sequence[Row], threshold: float) -> str:
    inside = [row for row in rows if row[1] not in NO_INTENT]
    outside = [row for row in rows if row[1] in NO_INTENT]
    right = sum(row[1] == row[2] for row in inside)
    sure = [row for row in inside if row[3] >= threshold and row[2] not in NO_INTENT]
    false = [row for row in outside if row[3] >= threshold and row[2] not in NO_INTENT]
    held = sum(row[1] == row[2] for row in sure) / max(len(sure), 1)
    return (
        f"{language}: {len(inside)} questions, intent accuracy {right / len(inside):.3f}; at {threshold}: answered "
        f"{len(sure) / len(inside):.3f}, of these right {held:.3f}, fallback {1 - len(sure) / len(inside):.3f}; "
        f"{len(outside)} out of scope, false answers {len(false) / len(outside):.3f}"
    )


def _served(content: Content, rows: Sequence[Row], threshold: float) -> str:
    """What people get: where Rasa is not sure, the words of the content decide."""
    told = []
    for text, meant, found, sure in rows:
        known = found if sure >= threshold and found not in NO_INTENT else ""
        answer = content.answers.intents.get(known) or by_words(content, text)
        wanted = content.answers.intents.get(meant)
        told.append((wanted is not None, answer is not None, _alike(answer, wanted)))
    inside, outside = [each for each in told if each[0]], [each for each in told if not each[0]]
    return (
        f"    with the words of the content: right answers {sum(right for *_, right in inside) / len(inside):.3f}, "
        f"false answers {sum(answered for _, answered, _ in outside) / len(outside):.3f}"
    )


def _alike(answer: Answer | None, wanted: Answer | None) -> bool:
    """Whether the one says what the other does: some words are finer than Rasa's intents."""
    if answer is None or wanted is None:
        return False
    return answer.opens == wanted.opens if answer.opens else not set(answer.steps).isdisjoint(wanted.steps)


def _list(mixed: Counter[tuple[str, str]], most: int) -> None:
    for (meant, found), count in mixed.most_common(most):
        click.echo(f"    {count} x {meant} taken for {found}")


def rasa_test(language: str, folder: Path) -> None:
    """Have Rasa write its own reports on the test set of a language into this folder. Raises ClickException."""
    report = folder / REPORT
    for name in (REPORT, *EACH):
        (folder / name).unlink(missing_ok=True)
    words = ("--nlu", str(held_out_file(language)), "--domain", str(ASSISTANT / "domain.yml"), "--model", str(MODEL))
    command = rasa_command("test", "nlu", *words, "--out", str(folder), "--successes", "--no-plot")
    done = subprocess.run(command, cwd=HOME, env=os.environ | QUIET, capture_output=True, text=True, check=False)
    if done.returncode or not report.exists():
        raise click.ClickException(f"rasa test nlu failed.\n{done.stdout[-1500:]}{done.stderr[-1500:]}")


def read_results(folder: Path, threshold: float) -> Results:
    """What stands in the files that `rasa test nlu` wrote. Its report names three confusions of an intent only."""
    told: list[dict[str, Any]] = []
    for name in EACH:
        file = folder / name  # not written where there is nothing to say
        told += json.loads(file.read_text("utf-8")) if file.exists() else []
    pairs = [(each["intent"], each["intent_prediction"]["name"]) for each in told]
    asked = [each["intent_prediction"] for each in told if each["intent"] not in NO_INTENT]
    unsure = [each for each in asked if each["confidence"] < threshold or each["name"] in NO_INTENT]
    mixed = Counter((meant, taken) for meant, taken in pairs if meant != taken)
    accuracy = sum(meant == taken for meant, taken in pairs) / len(pairs)
    return Results(accuracy, len(unsure) / len(asked), mixed)
