"""Phone numbers: any way of writing one to E.164, and the country of a number."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import phonenumbers

LONGEST = 40  # letters, blanks counted; E.164 itself has at most 15 digits
SHORTEST_NATIONAL = 7  # digits; short codes (21512) are no phone numbers
SHORTEST_WITH_00 = 11  # digits; below, the zeros may belong to the number
MOST_DIGITS = 15

_E164 = re.compile(r"\+[1-9][0-9]{7,14}")
_WRITTEN = re.compile(r"\s*\+?[0-9 \t().\-/]+\s*")


def normalise(written: str, country: str = "") -> str | None:
    """The number as E.164 with a plus, or None if it can be none.

    `country` (two letters) says whose national numbers are understood. What is possible is accepted: new
    prefixes reach `is_valid_number` late. Only libphonenumber strips a zero: in Burkina Faso and the Ivory
    Coast it belongs to the number.
    """
    if len(written) > LONGEST:
        return None
    if _plainly_possible(written):
        return written
    plain = written if written.isascii() else _plain(written)
    # Letters would be read as keys (0712MINERS), `tel:` and `;ext=5` would be dropped silently.
    if not _WRITTEN.fullmatch(plain):
        return None
    digits = re.sub(r"\D", "", plain)
    for candidate in _candidates(plain, digits, country):
        number = _possible(candidate, country)
        if number is not None:
            return number
    return None


def _plainly_possible(written: str) -> bool:
    """True for what providers send nearly always: E.164 of a length that its country has, with no prefix in it."""
    if _E164.fullmatch(written):
        for end in (4, 3, 2):
            lengths = _lengths(written[1:end])
            if lengths is not None:
                return written[end] != "0" and len(written) - end in lengths
    return False


@lru_cache(maxsize=1_000)
def _lengths(code: str) -> frozenset[int] | None:
    """How long national numbers of a country code are; None if there is no such code, nothing where it is tricky."""
    region = phonenumbers.region_code_for_country_code(int(code))
    if region in ("ZZ", "001"):
        return None
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region, None)
    if metadata is None or metadata.general_desc is None or metadata.national_prefix_for_parsing not in (None, "0"):
        return frozenset()
    return frozenset(metadata.general_desc.possible_length)


def country_of(address: str) -> str:
    """The country of an E.164 number or a WhatsApp address, two letters; "" if there is none."""
    try:
        number = phonenumbers.parse(address.removeprefix("whatsapp:"))
    except phonenumbers.NumberParseException:
        return ""
    # Where countries share a code, the one of a number not given out yet is unknown; the main one serves.
    region = phonenumbers.region_code_for_number(number) or phonenumbers.region_code_for_country_code(
        number.country_code or 0
    )
    return region if len(region) == 2 and region.isalpha() and region != "ZZ" else ""


def _plain(written: str) -> str:
    """Digits of any script and full-width signs to ASCII; marks that nobody sees fall away."""
    return "".join(
        str(unicodedata.decimal(letter)) if letter.isdecimal() else letter
        for letter in unicodedata.normalize("NFKC", written)
        if unicodedata.category(letter) != "Cf"
    )


def _candidates(plain: str, digits: str, country: str) -> list[str]:
    """The ways to read it, the likeliest first."""
    if plain.lstrip().startswith("+"):
        return ["+" + digits]
    found = []
    # A plus that was not escaped arrives as a blank.
    if plain.startswith(" ") and not digits.startswith("0"):
        found.append("+" + digits)
    # Exit codes differ (Kenya 000, Tanzania 00[056]), so libphonenumber does not know 00 everywhere.
    if digits.startswith("00") and len(digits) >= SHORTEST_WITH_00:
        found.append("+" + digits.lstrip("0"))
    if country and len(digits) >= SHORTEST_NATIONAL:
        found.append(digits)
    if not digits.startswith("0") and len(digits) >= SHORTEST_NATIONAL + 3:
        found.append("+" + digits)
    return found


def _possible(candidate: str, country: str) -> str | None:
    try:
        number = phonenumbers.parse(candidate, country or None)
    except phonenumbers.NumberParseException:
        return None
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return written if len(written) <= MOST_DIGITS + 1 else None
