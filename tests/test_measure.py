"""What is made of the reports of `rasa test nlu`, which needs Rasa, and of the held-out sentences."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.measure import EACH, held_out, held_out_file, read_results
from bot.server import LANGUAGES


def test_the_results_of_rasa_give_accuracy_fallback_and_confusions(tmp_path: Path) -> None:
    rows = [
        ("permit", "no_permit_yet", 0.9), ("permit", "no_permit_yet", 0.3), ("permit", "out_of_scope", 0.8),
        ("out_of_scope", "permit", 0.7), ("permit", "permit", 0.9), ("premium", "premium", 0.5),
        ("out_of_scope", "out_of_scope", 0.2), ("premium", "premium", 0.6),
    ]  # fmt: skip
    for name, wanted in zip(EACH, (False, True), strict=True):
        told = [
            {"intent": meant, "intent_prediction": {"name": taken, "confidence": sure}}
            for meant, taken, sure in rows
            if (meant == taken) is wanted
        ]
        (tmp_path / name).write_text(json.dumps(told))
    found = read_results(tmp_path, 0.6)
    assert found.accuracy == 0.5
    assert found.fallback == 0.5  # 3 of the 6 that are questions: two unsure, one taken for none
    assert found.mixed.most_common(1) == [(("permit", "no_permit_yet"), 2)]


def test_where_nothing_went_wrong_there_is_no_file_of_errors(tmp_path: Path) -> None:
    told = [{"intent": "permit", "intent_prediction": {"name": "permit", "confidence": 0.9}}]
    (tmp_path / EACH[1]).write_text(json.dumps(told))
    assert read_results(tmp_path, 0.6) == (1.0, 0.0, {})


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_held_out_sentence_is_read(language: str) -> None:
    written = held_out_file(language).read_text("utf-8")
    assert len(list(held_out(language))) == written.count("\n    - ") > 500
