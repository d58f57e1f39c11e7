"""What texts rest on: the sources that content/sources.yaml lists, and the standards of content/schemes.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from dialogs.problem import At
from dialogs.script import NO_CLAIM, NOWHERE, Claim

SourceKind = Literal["document", "press", "law", "memory", "general", "own"]
KINDS: tuple[SourceKind, ...] = ("document", "press", "law", "memory", "general", "own")


@dataclass(frozen=True, slots=True)
class Source:
    """One thing that texts rest on: who, what, when; and the address or number by which it is found."""

    id: str
    what: str
    where: str = ""
    kind: SourceKind = "document"
    at: At = NOWHERE


@dataclass(frozen=True, slots=True)
class Scheme:
    """A standard that questions prepare for. `name` is what phones show, `parts` are those that may be named."""

    id: str
    name: str
    about: str = ""
    parts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    claim: Claim = NO_CLAIM
    at: At = NOWHERE

    def knows(self, part: str) -> bool:
        """True for a part that it has, and for "", the scheme as a whole."""
        return not part or part in self.parts


OWN = "own"  # our own words about this service, our own proposal: claims nothing about the world
# Known in every content, so that an editor can always say where a text comes from. sources.yaml may say it better.
ALWAYS: Mapping[str, Source] = MappingProxyType(
    {
        "memory": Source("memory", "From the memory of the team; nobody looked it up", kind="memory"),
        "general": Source("general", "General knowledge of the trade; there is no document", kind="general"),
        OWN: Source(OWN, "Our own words about this service, or our own proposal", kind="own"),
    }
)
WEAK = ("memory", "general", OWN)  # kinds of sources that nobody else can look up


def split(named: str) -> tuple[str, str]:
    """Scheme and part of what stands under `prepares for`: "craft/module 2", or "craft" with the part ""."""
    scheme, _, part = named.partition("/")
    return scheme, part
