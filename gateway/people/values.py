"""One written value as what it means: a phone number, a language, a group, a date, a saved field.

Every reader gives the value as it is kept, or raises `Bad` with cause and mend. No sentence holds a phone number.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cache
from zoneinfo import available_timezones

import phonenumbers
from openpyxl.utils.datetime import from_excel

from dialogs.content import Content
from dialogs.script import SWITCHES
from dialogs.typed import LONGEST_TEXT, read_number
from dialogs.typed import read_date as read_written_date
from gateway import numbers
from gateway.people.synonyms import LANGUAGES, YES_NO, squash

Value = str | int | float | bool | date | datetime | time | None
"""What a cell can hold."""

FIELD = re.compile(r"[a-z][a-z0-9_]{0,29}")
GROUP = re.compile(r"[A-Z0-9][A-Z0-9-]{1,19}")
YES_OR_NO = ("reminders", "news", "private_phone")
LOST = re.compile(r"[+']?\d+(?:[.,]\d+)?[eE]\+?\d+")
LOST_ZEROS = 6  # a number that was rounded to 2.54712E+11 and written out again ends so
SURE_WITHOUT_PLUS = 11  # digits: a shorter number without a plus may be of any country
FIRST_SERIAL, LAST_SERIAL = 36_526, 73_050  # 2000-01-01 to 2099-12-31 as spreadsheets count days


class Bad(Exception):
    """A value that cannot be taken: why, and what to do."""

    def __init__(self, cause: str, mend: str) -> None:
        super().__init__(f"{cause} {mend}")
        self.cause, self.mend = cause, mend


@dataclass(frozen=True, slots=True)
class Rules:
    """What the content allows in a sheet."""

    languages: Mapping[str, str]  # as squashed -> code
    dates: frozenset[str]  # names of dates that reminders count from
    several: frozenset[str]  # those of which a person may have several
    choices: Mapping[str, Mapping[str, str]]  # field -> what may be written, squashed -> id of the choice
    ids: Mapping[str, tuple[str, ...]]  # field -> ids of its choices
    whole: frozenset[str]  # fields that hold a number
    locked: frozenset[str]  # fields that hold somebody's phone number
    known: frozenset[str]  # every field that a dialog saves


def rules_of(content: Content) -> Rules:
    """The rules that this content makes."""
    languages: dict[str, str] = {}
    for code, language in content.languages.items():
        for written in (code, language.name, *(name for name, of in LANGUAGES.items() if of == code.split("_")[0])):
            languages.setdefault(squash(written), code)
    kinds: dict[str, set[str]] = {}
    several: set[str] = set()
    choices: dict[str, dict[str, str]] = {}
    ids: dict[str, dict[str, None]] = {}
    for dialog in content.dialogs.values():
        for step in dialog.steps:
            if not step.save:
                continue
            kinds.setdefault(step.save, set()).add(step.kind)
            if step.several:
                several.add(step.save)
            for choice in step.choices:
                ids.setdefault(step.save, {})[choice.id] = None
                for each in (choice.id, *(content.text(choice.text.id, code) for code in content.languages)):
                    choices.setdefault(step.save, {}).setdefault(squash(each), choice.id)
    counted = {series.count_from for series in content.series.values() if series.count_from}
    again = {series.id for series in content.series.values() if series.every}
    only = {name: kind for name, found in kinds.items() if len(found) == 1 for kind in found}
    return Rules(
        languages,
        frozenset(name for name, found in kinds.items() if "date" in found) | counted | again,
        frozenset(several),
        {name: choices[name] for name, kind in only.items() if kind == "choice"},
        {name: tuple(ids[name]) for name, kind in only.items() if kind == "choice"},
        frozenset(name for name, kind in only.items() if kind == "number"),
        frozenset(name for name, found in kinds.items() if "phone" in found),
        frozenset(kinds),
    )


def plain(value: Value) -> str:
    """A value as text: whole numbers without `.0`, dates as 2027-03-25, blanks at the ends cut off."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    return (value if isinstance(value, str) else str(value)).strip(" \t\r\n\v\f\u00a0\u200b\ufeff")


def shown(value: str) -> str:
    """A value for an error message; one that may be a phone number is not repeated."""
    if sum(letter.isdigit() for letter in value) >= 6:
        return "this"
    return f'"{value[:40]}…"' if len(value) > 40 else f'"{value}"'


def read_phone(value: Value, country: str) -> str:
    """The number as E.164. `country` is whose national numbers are understood, "" for nobody's."""
    if isinstance(value, bool | date | time):
        raise Bad("This cell holds a date, not a phone number.", "Set the column to text and write the number again.")
    if isinstance(value, float) and not value.is_integer():
        raise Bad("This is no phone number.", "Write the number with its country code, such as +255…")
    written = plain(value)
    written = re.sub(r"^['’`]", "", written)
    written = re.sub(r"^(?:whatsapp|tel)\s*:\s*", "", written, flags=re.IGNORECASE)
    if not written:
        raise Bad("The phone number is missing.", "Write it, or take the row out.")
    if LOST.fullmatch(written.replace(" ", "")):
        raise Bad("Digits are lost: the spreadsheet shortened the number.", "Set the column to text and write it anew.")
    if re.search(r"[^\W\d_]", written):
        raise Bad("There are letters in the phone number.", "Write digits only, one number to a cell.")
    written = re.sub(r"(?<=\d)[.,]0$", "", written)
    digits = re.sub(r"\D", "", written)
    bare = not written.startswith("+") and not digits.startswith("0")
    if bare and digits.endswith("0" * LOST_ZEROS):
        raise Bad("The number ends in zeros: the spreadsheet has rounded it.", "Look it up and write it as text.")
    number = numbers.normalise(written, country)
    if number is None:
        if not country and not written.startswith("+") and len(digits) >= numbers.SHORTEST_NATIONAL:
            raise Bad("The country of this phone number is not known.", "Write it with + or give --country.")
        mend = "Look for a missing or a doubled digit" + (f"; numbers of {country} are understood." if country else ".")
        raise Bad("This is no possible phone number.", mend)
    if not numbers.country_of(number):
        raise Bad("No country has phone numbers that begin so.", "Write it with + and the right country code.")
    if bare and not (country and digits == number[1 + len(_code(country)) :]) and not _surely_whole(digits, country):
        raise Bad("The country of this phone number is not known.", "Write it with + or give --country.")
    return number


@cache
def _code(country: str) -> str:
    """The digits that numbers of a country begin with."""
    return str(phonenumbers.country_code_for_region(country))


def _surely_whole(digits: str, country: str) -> bool:
    """True for digits without a plus that begin with a country code beyond doubt."""
    if country and digits.startswith(_code(country)):
        return True
    return len(digits) >= SURE_WITHOUT_PLUS and is_usual("+" + digits)


def is_usual(number: str) -> bool:
    """True if libphonenumber knows this kind of number. New prefixes reach it late, so it is a hint and no more."""
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return False


def read_country(value: Value) -> str:
    """Two letters of a country that has phone numbers."""
    code = plain(value).upper()
    if code not in phonenumbers.SUPPORTED_REGIONS:
        raise Bad(f"{shown(plain(value))} is no country of two letters.", "Write it as KE or TZ.")
    return code


def read_language(value: Value, rules: Rules) -> str:
    """The code of a language of the content, out of a code or a name."""
    written = plain(value)
    found = rules.languages.get(squash(written)) or rules.languages.get(squash(re.split(r"[-_(]", written)[0]))
    if found is None:
        near = difflib.get_close_matches(squash(written), rules.languages, 1, 0.7)
        there = ", ".join(sorted(set(rules.languages.values())))
        mend = f"Did you mean {rules.languages[near[0]]}? There are {there}." if near else f"There are {there}."
        raise Bad(f"The content does not speak {shown(written)}.", mend)
    return found


def read_group(value: Value) -> str:
    """The code of a group, in capitals."""
    written = plain(value)
    code = written.upper()
    if not GROUP.fullmatch(code):
        raise Bad(f"{shown(written)} is no code of a group.", "Use 2 to 20 letters a-z, digits and dashes.")
    return code


def read_yes_no(value: Value) -> str:
    """`yes` or `no`."""
    written = plain(value)
    found = YES_NO.get(squash(written))
    if found is None:
        raise Bad(f"{shown(written)} is neither yes nor no.", "Write yes or no.")
    return found


def read_timezone(value: Value) -> str:
    """A time zone by its name, such as Africa/Dar_es_Salaam."""
    written = plain(value).replace(" ", "_")
    if written not in _zones():
        near = difflib.get_close_matches(written, _zones(), 1)
        mend = f"Did you mean {near[0]}?" if near else "Write it as Africa/Dar_es_Salaam."
        raise Bad(f"There is no time zone {shown(written)}.", mend)
    return written


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def read_date(value: Value, epoch: datetime | None = None) -> date:
    """A date of this century: 2027-03-25, 25/03/2027, or the number of days that a spreadsheet keeps."""
    if isinstance(value, datetime):
        return _this_century(value.date())
    if isinstance(value, date):
        return _this_century(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and FIRST_SERIAL <= value < LAST_SERIAL + 1:
        counted = from_excel(int(value), epoch) if epoch is not None else from_excel(int(value))
        if isinstance(counted, datetime):
            return _this_century(counted.date())
    written = plain(value)
    if found := re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T]00:00(?::00)?)?", written):
        try:
            return _this_century(date(int(found[1]), int(found[2]), int(found[3])))
        except ValueError:
            pass
    elif iso := read_written_date(written):
        return date.fromisoformat(iso)
    raise Bad(f"{shown(written)} is no date.", "Write it as 2027-03-25, or as day/month/year: 25/03/2027.")


def read_date_name(name: str, rules: Rules) -> str:
    """The name of a date that the content knows."""
    if name not in rules.dates:
        raise Bad(f"The content knows no date {shown(name)}.", f"There are: {', '.join(sorted(rules.dates))}.")
    return name


def _this_century(day: date) -> date:
    if not 2000 <= day.year < 2100:
        raise Bad(f"The year {day.year} cannot be right.", "Write the date as 2027-03-25.")
    return day


def read_field(name: str, value: Value, rules: Rules) -> str:
    """A saved field as it is kept; one that a dialog asks for must hold what the dialog would save."""
    written = plain(value)
    if name in SWITCHES:
        raise Bad(f"{name} comes from the country; it cannot be set.", "Take the column out.")
    if name in rules.locked:
        raise Bad(f"{name} holds a phone number of somebody; it cannot be set from here.", "Take the column out.")
    if name in YES_OR_NO or (name.endswith("_reminders") and name not in rules.choices):
        return read_yes_no(value)
    if name in rules.choices:
        found = rules.choices[name].get(squash(written))
        if found is None:
            there = ", ".join(rules.ids[name])
            near = difflib.get_close_matches(squash(written), rules.choices[name], 1, 0.7)
            mend = f"Did you mean {rules.choices[name][near[0]]}? " if near else ""
            raise Bad(f"{shown(written)} is no answer of {name}.", f"{mend}There are {there}.")
        return found
    if name in rules.whole:
        number = read_number(written)
        if number is None:
            raise Bad(f"{shown(written)} is no whole number.", "Write digits only.")
        return number
    if len(written) > LONGEST_TEXT:
        raise Bad(f"This text has {len(written)} letters; {LONGEST_TEXT} are kept.", "Shorten it.")
    return written.replace("\x00", "")
