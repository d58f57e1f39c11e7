from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli import main
from tests.big_content import TONGUES, write

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 30.0  # seconds; the machine may be busy
QUIZ = "title: Quiz\nsource: own\nthen: /menu\nsteps:\n  one:\n    say: Good to see you.\n"


class Watcher:
    """`ngazi content check --watch` as a process of its own, and what it has said so far."""

    def __init__(self, folder: Path, log: Path) -> None:
        self.log, self.read = log, 0
        command = [sys.executable, "-c", "from gateway.cli import main; main()"]
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [*command, "content", "--content", str(folder), "check", "--watch"],
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
                env={**os.environ, "PYTHONUNBUFFERED": "1", "NGAZI_DRAFTS": ""},
                start_new_session=True,
            )

    def says(self, words: str) -> str:
        """What is said from now on, up to these words."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            told = self.log.read_text("utf-8")
            if (at := told.find(words, self.read)) >= 0:
                found, self.read = told[self.read : at + len(words)], at + len(words)
                return found
            assert self.process.poll() is None, told
            time.sleep(0.05)
        raise AssertionError(f"{words!r} was not said:\n{self.log.read_text('utf-8')[self.read :]}")

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "content", tongues=TONGUES[:1], dialogs=5, screens=20)
    (tmp_path / "content/dialogs/quiz.yaml").write_text(QUIZ, "utf-8")
    return tmp_path / "content"


@pytest.fixture
def watcher(folder: Path, tmp_path: Path) -> Iterator[Watcher]:
    started = Watcher(folder, tmp_path / "said.txt")
    yield started
    if started.process.poll() is None:
        started.process.kill()
        started.process.wait()


@pytest.mark.slow
def test_a_watched_folder_is_checked_after_each_change_until_ctrl_c(folder: Path, watcher: Watcher):
    quiz = folder / "dialogs/quiz.yaml"
    watcher.says("Ctrl+C ends it.")

    quiz.write_text(QUIZ + "    go: tow\n  two:\n    say: Two {nothing}.\n", "utf-8")
    said = watcher.says("problems are new.")
    assert "---" in said
    assert 'There is no step "tow" in this dialog. [unknown-step]' in said
    assert "Nothing has the name {nothing}. [placeholder]" in said

    quiz.write_text(QUIZ + "\n    # a remark\n    go: two\n  two:\n    say: Two.\n", "utf-8")
    said = watcher.says("No error is left")
    assert "problems are mended." in said
    assert "unknown-step" not in said

    quiz.write_text(QUIZ[:37], "utf-8")  # half written
    watcher.says("new.")
    quiz.unlink()  # as an editor does before it puts the new file there
    watcher.says("mended.")
    quiz.write_text(QUIZ, "utf-8")
    watcher.says("new.")
    quiz.write_bytes(b"\xff\xfe\x00")
    watcher.says("new.")
    quiz.write_text(QUIZ, "utf-8")
    watcher.says("mended.")

    shutil.rmtree(folder / "dialogs")
    watcher.says("new.")

    assert watcher.stop() == 0
    assert watcher.says("No longer watching.")
    assert "Traceback" not in watcher.log.read_text("utf-8")


def test_lines_that_moved_are_no_new_problems(folder: Path):
    from datetime import UTC, datetime

    from dialogs.check import check_content
    from dialogs.written import read_folder
    from gateway.watching import told

    quiz, now = folder / "dialogs/quiz.yaml", datetime(2026, 11, 23, 14, 3, 22, tzinfo=UTC)
    quiz.write_text(QUIZ + "    go: tow\n", "utf-8")
    before = check_content(read_folder(folder))
    quiz.write_text("# moved\n" + QUIZ + "    go: tow\n", "utf-8")
    written = read_folder(folder)
    lines = list(told(before, check_content(written), written, now))
    assert lines[0] == "--- 14:03:22 ---"
    assert lines[1] == "The same problems as before."
    assert lines[2].startswith("1 error and ")
    assert len(lines) == 3


def test_after_a_change_only_what_is_new_is_shown_and_a_sum_that_changed_is_not_new(folder: Path):
    from datetime import UTC, datetime

    from dialogs.check import check_content
    from dialogs.written import read_folder
    from gateway.watching import told

    quiz, now = folder / "dialogs/quiz.yaml", datetime(2026, 11, 23, 14, 3, 22, tzinfo=UTC)
    before = check_content(read_folder(folder))
    sums = [problem.text for problem in before if problem.slug == "missing"]
    quiz.write_text(QUIZ + "    go: tow\n  two:\n    say: Two.\n  three:\n    say: Three.\n", "utf-8")
    written = read_folder(folder)
    after = check_content(written)
    assert sums != [problem.text for problem in after if problem.slug == "missing"], "more is not translated"
    said = "\n".join(told(before, after, written, now))
    assert said.count(" = ") == said.count("]\n")
    assert 'There is no step "tow" in this dialog. [unknown-step]' in said
    assert "= Did you mean" in said
    assert "not translated" not in said
    assert "[missing]" not in said
    back = check_content(read_folder(folder))
    assert "The same problems as before." in "\n".join(told(after, back, written, now))


def test_watching_is_for_people():
    result = CliRunner().invoke(main, ["content", "check", "--watch", "--json"])
    assert result.exit_code == 2
    assert "--watch is for people" in result.output
