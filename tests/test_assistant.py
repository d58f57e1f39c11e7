"""The assistant's files: examples and held-out sentences of four languages, and an answer for each intent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from bot.measure import held_out
from bot.server import LANGUAGES
from dialogs.content import Keeper
from dialogs.locale import fold_word

ASSISTANT = Path(__file__).resolve().parent.parent / "bot" / "assistant"
LEAST, LEAST_HELD_OUT = 15, 10
OUT = "out_of_scope"


def examples(language: str) -> list[tuple[str, str]]:
    """(intent, sentence) of the training data."""
    loaded = YAML(typ="safe").load((ASSISTANT / "data" / f"nlu_{language}.yml").read_text("utf-8"))
    return [
        (block["intent"], line.removeprefix("- "))
        for block in loaded["nlu"]
        for line in block["examples"].strip().split("\n")
    ]


def fours(sentence: str) -> Iterator[tuple[str, ...]]:
    """Every four words in a row, folded."""
    said = words(sentence)
    yield from zip(said, said[1:], said[2:], said[3:], strict=False)


def words(sentence: str) -> list[str]:
    """The words of a sentence, folded."""
    return [fold_word(word) for word in re.findall(r"[^\W_]+", sentence)]


def intents() -> set[str]:
    return set(YAML(typ="safe").load((ASSISTANT / "domain.yml").read_text("utf-8"))["intents"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_intent_has_examples_and_held_out_sentences_enough(language: str):
    given, held = examples(language), list(held_out(language))
    assert {intent for intent, _ in given} == {intent for intent, _ in held} == intents()
    for intent in intents():
        assert sum(each == intent for each, _ in given) >= LEAST, intent
        assert sum(each == intent for each, _ in held) >= LEAST_HELD_OUT, intent
    assert len(intents()) - 1 >= 25


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("sentences", ["test", "tuning"])
def test_no_example_shares_four_words_in_a_row_with_a_sentence_that_measures(language: str, sentences: str):
    held = {four for _, sentence in held_out(language, sentences) for four in fours(sentence)}
    assert held
    assert [sentence for _, sentence in examples(language) if held & set(fours(sentence))] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_example_is_a_sentence_that_measures(language: str):
    held = {" ".join(words(text)) for of in ("test", "tuning") for _, text in held_out(language, of)}
    assert [sentence for _, sentence in examples(language) if " ".join(words(sentence)) in held - {""}] == []


def test_every_intent_is_answered_by_the_content_and_by_a_rule(keeper: Keeper):
    answered = keeper.content.answers.intents
    assert [intent for intent in sorted(intents()) if intent != OUT and intent not in answered] == []
    rules = YAML(typ="safe").load((ASSISTANT / "data" / "rules.yml").read_text("utf-8"))["rules"]
    assert {step["intent"] for rule in rules for step in rule["steps"] if "intent" in step} == intents() | {
        "nlu_fallback"
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_alone_give_few_wrong_answers_to_the_held_out_sentences(language: str, keeper: Keeper):
    from dialogs import freetext

    told = [(intent, freetext.by_words(keeper.content, sentence)) for intent, sentence in held_out(language)]
    outside = [answer for intent, answer in told if intent == OUT]
    assert sum(answer is not None for answer in outside) <= len(outside) // 10


def test_nobody_in_danger_is_seen_in_many_ordinary_sentences(keeper: Keeper):
    from dialogs import freetext

    said = [sentence for language in LANGUAGES for _, sentence in held_out(language)]
    alarms = [sentence for sentence in said if freetext.danger_in(keeper.content, sentence)]
    assert len(alarms) <= len(said) // 100, alarms
