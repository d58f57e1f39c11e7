"""Countries and their time zones, as the tables of the IANA time zone database say (package tzdata)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType


@cache
def countries() -> Mapping[str, str]:
    """The English name of every country by its two letters (ISO 3166)."""
    return MappingProxyType({row[0]: row[1] for row in _rows("iso3166.tab")})


@cache
def zones_of_countries() -> Mapping[str, tuple[str, ...]]:
    """The IANA names of the zones of every country that has some."""
    found: dict[str, tuple[str, ...]] = {}
    for row in _rows("zone.tab"):
        found[row[0]] = (*found.get(row[0], ()), row[2])
    return MappingProxyType(found)


def _rows(table: str) -> Iterator[list[str]]:
    lines = files("tzdata").joinpath("zoneinfo", table).read_text("utf-8").splitlines()
    return (line.split("\t") for line in lines if line and not line.startswith("#"))
