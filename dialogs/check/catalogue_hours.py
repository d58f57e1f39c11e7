"""The catalogue of problems: the hours in which people are written to."""

from __future__ import annotations

from collections.abc import Mapping

from dialogs.check.catalogue_entry import Entry, only

HOURS: Mapping[str, Entry] = {
    "bad-hours": Entry(
        "The hours of a day cannot be read.",
        "A day has one time from which and one until which messages may go, or none. The end is later than the"
        " beginning; midnight at the end of the day is 24:00.",
        only("hours.yaml", """
            KE:
              zones: Africa/Nairobi
              weekdays: 19:00-08:00
              source: none found; careful default
              checked_on: 2026-11-22
            """),
        only("hours.yaml", """
            KE:
              zones: Africa/Nairobi
              weekdays: 08:00-19:00
              source: none found; careful default
              checked_on: 2026-11-22
            """),
    ),
    "no-hours": Entry(
        "Nobody in a country could ever be written to.",
        "Every day says none, or the hours of several zones never meet: who has no zone of their own is written to only"
        " while it is allowed in all zones of the country. Their messages would wait until they are too old.",
        only("hours.yaml", """
            KE:
              zones: Africa/Nairobi
              weekdays: none
              saturday: none
              sunday: none
              source: none found; careful default
              checked_on: 2026-11-22
            """),
        only("hours.yaml", """
            KE:
              zones: Africa/Nairobi
              weekdays: none
              saturday: 08:00-12:00
              sunday: none
              source: none found; careful default
              checked_on: 2026-11-22
            """),
    ),
    "unknown-country": Entry(
        "A country does not exist.",
        'Countries are known by two capital letters, such as KE; "otherwise" stands for all that are not listed. The'
        " hours under any other name would never be used.",
        only("hours.yaml", """
            Kenya:
              zones: Africa/Nairobi
              source: none found; careful default
              checked_on: 2026-11-22
            """),
        only("hours.yaml", """
            KE:
              zones: Africa/Nairobi
              source: none found; careful default
              checked_on: 2026-11-22
            """),
    ),
    "unknown-zone": Entry(
        "A time zone does not exist.",
        "Time zones have the names of the IANA database: a continent, a slash, a city. Without one nobody knows when it"
        " is night for a person.",
        only("hours.yaml", """
            KE:
              zones: Africa/Nairoby
              source: none found; careful default
              checked_on: 2026-11-22
            """),
        only("hours.yaml", """
            KE:
              zones: Africa/Nairobi
              source: none found; careful default
              checked_on: 2026-11-22
            """),
    ),
    "other-zone": Entry(
        "A time zone belongs to another country.",
        "It was perhaps copied with the lines of a neighbour. With the time of another country, messages may come at"
        " night.",
        only("hours.yaml", """
            PE:
              zones: America/Bogota
              source: none found; careful default
              checked_on: 2026-11-22
            """),
        only("hours.yaml", """
            PE:
              zones: America/Lima
              source: none found; careful default
              checked_on: 2026-11-22
            """),
    ),
}  # fmt: skip
