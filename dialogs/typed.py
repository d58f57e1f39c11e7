"""What a person wrote, read as a choice, a number, a date or a phone number."""

from __future__ import annotations

import re
from datetime import date

DATE = re.compile(r"(\d{1,2})[\s/.\-]+(\d{1,2})[\s/.\-]+(\d{4}|\d{2})")
DIGITS_ONLY_DATE = re.compile(r"(\d{2})(\d{2})(\d{4})")
NUMBER = re.compile(r"\d{1,12}")
PHONE = re.compile(r"\+?[\d\s().\-]{7,24}")
LONGEST_TEXT = 200  # letters of a typed answer that are kept


def read_date(text: str) -> str | None:
    """Day, month, year -> `2027-03-25`; None where it is no date of this century."""
    found = DATE.fullmatch(text.strip()) or DIGITS_ONLY_DATE.fullmatch(text.strip())
    if found is None:
        return None
    day, month, year = (int(part) for part in found.groups())
    year = year + 2000 if len(found[3]) == 2 else year
    try:
        return date(year, month, day).isoformat() if 2000 <= year < 2100 else None
    except ValueError:
        return None


def read_number(text: str) -> str | None:
    """A whole number without leading zeros, up to twelve digits; None otherwise. O and l are taken as 0 and 1."""
    digits = text.strip().translate(str.maketrans("OoIl", "0011")).replace(" ", "").replace(",", "")
    return str(int(digits)) if NUMBER.fullmatch(digits) else None


def read_phone(text: str) -> str | None:
    """The digits of a phone number with their plus, 7 to 15 of them; None otherwise."""
    text = text.strip()
    if not PHONE.fullmatch(text):
        return None
    digits = "".join(letter for letter in text if letter.isdigit())
    return ("+" if text.startswith("+") else "") + digits if 7 <= len(digits) <= 15 else None


def read_text(text: str) -> str | None:
    """What was written, shortened to what is kept; None where nothing was."""
    return text.strip()[:LONGEST_TEXT] or None
