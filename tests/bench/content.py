"""The content table: how long it takes to check and to load content of the size that the project is built for."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from dialogs.content import Content
from dialogs.passed import Passed
from dialogs.written import read_folder
from tests import big_content
from tests.bench.house import Bench
from tests.bench.page import Table, milliseconds

LOAD, CHECK = 1.0, 5.0  # seconds


def content(bench: Bench) -> None:
    """60 dialogs, 500 screens, 25 languages: checked by a process of its own, loaded in this one."""
    folder = bench.folder / "big_content"
    big_content.write(folder)
    passed = Passed(bench.folder / "checked.json")
    Content.load(folder, passed=passed)
    rounds = max(bench.wishes.rounds, 3)
    checked = timed(lambda: check(folder), rounds)
    loaded = timed(lambda: Content.load(folder, passed=passed), rounds)
    table = Table("Content of 500 screens in 25 languages", ("", "seconds"))
    table.rows += [
        ("check, the whole command", f"{checked:.2f}"),
        ("load what passed the check before", f"{loaded:.2f}"),
        ("load and check", f"{timed(lambda: Content.load(folder), rounds):.2f}"),
        ("of it reading the files", f"{timed(lambda: read_folder(folder), rounds):.2f}"),
    ]
    table.notes.append(f"Medians of {rounds} times. Load of the machine: {os.getloadavg()[0]:.1f}.")
    bench.tables.append(table)
    bench.say(table.plain())
    bench.goal(f"content is checked in under {CHECK:g} s", milliseconds(checked), checked < CHECK)
    bench.goal(f"content is loaded in under {LOAD:g} s", milliseconds(loaded), loaded < LOAD)


def timed(work: Callable[[], object], rounds: int) -> float:
    """Seconds, in the middle of so many times."""
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return median(times)


def check(folder: Path) -> None:
    """`ngazi content check` from its start to its end."""
    command = [sys.executable, "-c", "from gateway.cli import main; main()", "content", "--content", str(folder)]
    subprocess.run([*command, "check"], check=True, capture_output=True)
