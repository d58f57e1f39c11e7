"""Letters by language: what is proposed for those that simple phones cannot show, and words that then read as others.

The table is `letters.toml` beside this file.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType

TABLE = Path(__file__).with_name("letters.toml")


@dataclass(frozen=True, slots=True)
class Advice:
    """What is known of the letters of one language. `words`: a word, and the one that it then reads like."""

    replace: str = ""
    letters: str = "gsm7"
    risk: str = ""
    words: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def headers(self) -> dict[str, str]:
        """The headers of a PO file to begin with; only those that differ from what goes without saying."""
        said = {"X-Letters": "" if self.letters == "gsm7" else self.letters, "X-Replace": self.replace}
        return {name: value for name, value in said.items() if value}


def advice_for(language: str) -> Advice:
    """What is known for a code such as `fr` or `pt_BR`; an empty advice for a language that is not in the table."""
    return _table().get(language.replace("-", "_").partition("_")[0], Advice())


@cache
def _table() -> Mapping[str, Advice]:
    found = {}
    for code, row in tomllib.loads(TABLE.read_text(encoding="utf-8")).items():
        words = MappingProxyType(dict(row.get("words", ())))
        found[code] = Advice(row.get("replace", ""), row.get("letters", "gsm7"), row.get("risk", ""), words)
    return MappingProxyType(found)
