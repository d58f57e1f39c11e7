"""The spreadsheet way for translators: texts as rows, and rows back into a PO file. No file is opened here.

Each row is locked in two ways: to the source text that it shows, and to the translation that it was exported with. So
what was written for an older text, or over somebody else's work, is found and never put in place.
"""

from __future__ import annotations

from dialogs.spreadsheet.rows import Only, Row, Sheet, sheet_of
from dialogs.spreadsheet.taking import Left, Odd, Taken, Told, take, told
from dialogs.spreadsheet.trying import Outcome, try_on

__all__ = ["Left", "Odd", "Only", "Outcome", "Row", "Sheet", "Taken", "Told", "sheet_of", "take", "told", "try_on"]
