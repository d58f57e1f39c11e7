"""Cells that slipped: the translation of one text in the row of another, which would be read out in a wrong place."""

from __future__ import annotations

from collections.abc import Sequence

from dialogs.spreadsheet.rows import mark_of
from dialogs.spreadsheet.taking import Told

FAR = 15  # rows; what equals a translation further away is more likely a chance
SHORTEST = 4  # letters; Yes and No may well be the same in many rows
MOST = 3  # so many, and the whole sheet is not to be trusted


def moved(rows: Sequence[Told]) -> dict[int, str]:
    """By number the rows that hold what another row near them was exported with, each with the reason."""
    exported: dict[str, list[Told]] = {}
    for row in rows:
        if row.id:
            exported.setdefault(row.before, []).append(row)
    found = {}
    for row in rows:
        if not row.changed or row.odd or len(row.text.strip()) < SHORTEST:
            continue
        near = [
            other
            for mark in {mark_of(row.text): None, mark_of(row.text.strip()): None}
            for other in exported.get(mark, ())
            if other.id != row.id and other.source != row.source and abs(other.number - row.number) <= FAR
        ]
        if near:
            other = min(near, key=lambda other: abs(other.number - row.number))
            found[row.number] = f"moved? This is the translation of row {other.number}, {other.where}."
    return found
