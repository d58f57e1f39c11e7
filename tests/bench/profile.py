"""Where a server spends its time: py-spy looks at it while it is called, and its stacks are summed up by function."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.bench.calls import Wrong
from tests.bench.house import LEAD, Bench
from tests.bench.page import Table, number
from tests.bench.rounds import POSTGRES, SQLITE, Seen
from tests.bench.servers import ROOT, ngazi, stopping

RATE = 250  # looks a second
TOP = 45


def watch(pid: int, seconds: float, file: Path) -> subprocess.Popen[bytes]:
    """Begin to look; the stacks are in the file when it ends."""
    command = [str(Path(sys.executable).with_name("py-spy")), "record", "--pid", str(pid), "--duration"]
    command += [
        str(round(seconds)),
        "--rate",
        str(RATE),
        "--format",
        "raw",
        "--threads",
        "--gil",
        "--output",
        str(file),
    ]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def summed(name: str, file: Path) -> list[Table]:
    """The functions that cost most: by themselves, and with all that they call."""
    own: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    threads: Counter[str] = Counter()
    total = 0
    for line in file.read_text().splitlines():
        stack, _, count = line.rpartition(" ")
        thread, *frames = [_short(frame) for frame in stack.split(";")]
        looks = int(count)
        total += looks
        threads[re.sub(r"^thread \S+: |\(.*", "", thread).strip()] += looks
        if frames:
            own[frames[-1]] += looks
            for frame in set(frames):
                whole[frame] += looks
    shares = ", ".join(f"{thread or 'main'} {count / total:.0%}" for thread, count in threads.most_common(4))
    tables = []
    for title, counts in (("by itself", own), ("with all that it calls", whole)):
        rows: list[tuple[str, ...]] = [(frame, f"{count / total:.1%}") for frame, count in counts.most_common(TOP)]
        tables.append(Table(f"{name}: processor time of each function {title}", ("function", "share"), rows, [shares]))
    return tables


def show(bench: Bench) -> None:
    """What costs, on each database."""
    for kind, name in (("sqlite", SQLITE), ("postgresql", POSTGRES)):
        if not bench.wishes.wanted(name):
            continue
        seen = Seen(ngazi(name, bench.folder, bench.filled(kind, bench.wishes.numbers)))
        with stopping(seen.server):
            bench.gather(seen.server, bench.wishes.numbers, bench.wishes.numbers)
            bench.call(seen, LEAD)
            file = bench.folder / f"{kind}.stacks"
            looking = watch(seen.server.processes[0].pid, bench.wishes.seconds, file)
            run = bench.call(seen, bench.wishes.seconds + 2)
            _, words = looking.communicate()
            if looking.returncode:
                raise Wrong(f"py-spy: {words.decode().strip()}")
        bench.say(f"{name}: {number(run['rate'])} requests/s while it was looked at\n")
        for table in summed(name, file):
            bench.say(table.plain())


def _short(frame: str) -> str:
    """`_load (/long/path/dialogs/store.py:161)` as `dialogs/store.py _load`."""
    found = re.fullmatch(r"(.+) \((.+?)(?::\d+)?\)", frame)
    if not found:
        return frame
    place = found[2].replace(str(ROOT) + os.sep, "")
    return f"{'/'.join(place.split(os.sep)[-3:])} {found[1]}"
