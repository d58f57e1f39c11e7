"""The keys of content files: which there are, and where each belongs (docs: write a dialog)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

CLAIM = ("source", "checked_by", "checked_on", "expires_on")  # what a text rests on, and who has looked at it
DIALOG = ("title", "about", "resume", "forget after", "then", "moved", "trace", *CLAIM, "steps")
COMMON = ("language", "facts", "switches", "words", "texts", "discreet", "notes")
SERIES = ("title", "count from", "every", "at", "only if", "send", "silent", "note", *CLAIM)
MOMENT = ("say", "open", "at")
SILENT = ("after", "officer")
HEADS = ("say", "ask", "check", "score", "advice", "papers", "progress", "from")
EVERY_STEP = ("only if", "note", "go")
SAID_STEP = CLAIM  # in every step but one that is taken `from` another
OF_HEAD: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "choices": ("ask",),
        "as": ("ask",),
        "save": ("ask", "check"),
        "points": ("ask", "check"),
        "advice": ("ask", "check"),
        "reply": ("ask", "check"),
        "keep": ("ask", "check"),
        "none": ("check",),
        "proof": ("check",),
        "level": ("check",),
        "sms": ("advice",),
        "of": ("advice", "papers", "progress"),
        "most": ("advice",),
        "prepares for": ("check",),
        "several": ("ask",),
        "done": ("ask",),
    }
)
STEP = tuple(dict.fromkeys((*HEADS, *EVERY_STEP, *SAID_STEP, *OF_HEAD)))
EVERY_KEY = tuple(dict.fromkeys((*DIALOG, *STEP, *COMMON, *SERIES, *MOMENT, *SILENT)))

MEANINGS = ("stop", "start", "help", "menu", "yes", "no")  # of the words that people send
LEVELS = ("must", "year 1", "year 3")
WRITTEN = ("text", "number", "date", "phone")  # `as`: what is typed in where there are no choices
CHECK_CHOICES = ("yes", "no", "unsure")
OTHERWISE = "otherwise"
RESERVED_STEPS = ("end", "forget", "resume")  # targets of `go`, and the place between two calls
# Placeholders and names with a meaning of their own: nothing is saved under them.
RESERVED_FIELDS = ("points", "max", "percent", "title", "kept", "stopped", "channel_kind", "reachable", "linked")


def belongs(key: str) -> str:
    """Where a key belongs that is not allowed where it was found; "" for a key that exists nowhere."""
    places = []
    if key in OF_HEAD:
        places.append("in a step with " + " or ".join(f'"{head}"' for head in OF_HEAD[key]))
    elif key in HEADS or key in EVERY_STEP or key in SAID_STEP:
        places.append("in a step")
    if key in DIALOG:
        places.append("at the top of a dialog")
    if key in SERIES and key not in DIALOG:
        places.append("at the top of a reminder series")
    if key in COMMON:
        places.append("in common.yaml")
    return f'"{key}" belongs {" or ".join(places)}.' if places else ""
