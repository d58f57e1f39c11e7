"""The events of a YAML text: read by libyaml where that is sure to give what ruamel gives, else by ruamel.

libyaml is ten times as fast. ruamel is what counts: it reads YAML 1.2, and its errors become words for editors. So it
reads whatever libyaml takes for an error, and all that the two take differently; `tests/test_yaml_events.py` compares.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml import events as ruamel

from dialogs.reading.yaml_page import UNSENDABLE

# Each library has classes of its own, alike in all that is read from them: `value`, `anchor`, `tag`, `style` (without
# quotes None or ""), `flow_style`, `start_mark` and `end_mark` with `line`, `column` and `index`.
DOCUMENT = (ruamel.DocumentStartEvent, yaml.DocumentStartEvent)
ALIAS = (ruamel.AliasEvent, yaml.AliasEvent)
TEXT = (ruamel.ScalarEvent, yaml.ScalarEvent)
START = (ruamel.SequenceStartEvent, ruamel.MappingStartEvent, yaml.SequenceStartEvent, yaml.MappingStartEvent)
END_OF_KEYS = (ruamel.MappingEndEvent, yaml.MappingEndEvent)
END = (*END_OF_KEYS, ruamel.SequenceEndEvent, yaml.SequenceEndEvent)

# Rare in content, and not for libyaml.
ODD = re.compile(
    r"^(?:---|\.\.\.|%)"  # documents and directives: where a second begins, reading ends before what is wrong in it
    r"|^[ -]*\?"  # a key behind a question mark
    r"|[ \t]$|\t"  # blanks that count or do not
    r"|[|>][-+]?[0-9#]",  # a given indentation; a remark without a blank before it, which 1.2 does not allow
    re.M,
)


def events(text: str) -> Iterator[Any]:
    """The events of a text as ruamel gives them; raises what ruamel raises."""
    return iter(by_libyaml(text) or by_ruamel(text))


def by_ruamel(text: str) -> Iterator[Any]:
    """The events one by one: what stands before an error is given before it is raised."""
    return iter(YAML(typ="safe", pure=True).parse(text))


def by_libyaml(text: str) -> list[Any] | None:
    """The same events, many times faster; None if it takes ruamel to be sure."""
    if not yaml.__with_libyaml__ or not text.endswith("\n") or UNSENDABLE.search(text) or ODD.search(text):
        return None
    try:
        found = list(yaml.parse(text, Loader=yaml.CSafeLoader))
    except yaml.YAMLError:
        return None
    for event, following in pairwise(found):
        if isinstance(event, yaml.NodeEvent):
            if event.anchor or getattr(event, "tag", None) or getattr(event, "flow_style", False):
                return None  # "&", "*", "!", "{" and "[": the rules of 1.1 and 1.2 differ
            start = event.start_mark.index
            if start == event.end_mark.index and isinstance(event, yaml.ScalarEvent) and text[start - 1] == ":":
                # A key without a value: libyaml puts its place behind the colon, ruamel where the next line begins.
                event.start_mark = event.end_mark = following.start_mark
        elif isinstance(event, yaml.DocumentStartEvent) and isinstance(following, yaml.ScalarEvent):
            return None  # a text alone: below "|", 1.2 lets it begin at the margin
    return found
