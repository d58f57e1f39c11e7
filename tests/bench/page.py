"""Tables for the terminal and for a markdown page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Table:
    """A table; the first column is words, the others are numbers."""

    title: str
    head: Sequence[str]
    rows: list[tuple[str, ...]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def plain(self) -> str:
        """Aligned, for the terminal."""
        widths = [max(len(row[place]) for row in (self.head, *self.rows)) for place in range(len(self.head))]
        lines = [self.title, ""]
        for row in (self.head, ["-" * width for width in widths], *self.rows):
            words, *numbers = (
                cell.rjust(width) if place else cell.ljust(width)
                for place, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            lines.append("  ".join([words, *numbers]).rstrip())
        return "\n".join([*lines, "", *self.notes]) + "\n"

    def markdown(self) -> str:
        """The same for a page."""
        lines = [f"## {self.title}", "", _row(self.head), "|---|" + "---:|" * (len(self.head) - 1)]
        lines += [_row(row) for row in self.rows]
        return "\n".join([*lines, "", *(f"{note}\n" for note in self.notes)])


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


@dataclass(frozen=True, slots=True)
class Target:
    """Something to reach, and what was measured."""

    words: str
    measured: str
    reached: bool

    def __str__(self) -> str:
        return f"{'Reached' if self.reached else '**Not reached**'}: {self.words}. Measured: {self.measured}."


def number(value: float) -> str:
    """1234567.8 as 1,234,568; small numbers with two places."""
    return f"{value:,.0f}" if abs(value) >= 10 else f"{value:.2f}"


def milliseconds(value: float) -> str:
    return f"{value * 1000:.1f} ms"


def megabytes(value: float) -> str:
    return f"{value / 1e6:.0f} MB"
