"""Logs: one JSON object a line, in which no phone number and no text of a person can be read."""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
from datetime import UTC, datetime
from typing import TextIO

NUMBERS = re.compile(
    r"\+ ?\d(?:[ ().-]{0,2}\d){6,}"  # +254 712 345 001
    r"|\d{8,}"  # 254712345001, and in a form %2B254712345001
    r"|(?<![\d:.-])(?!\d{4}-\d\d-\d\d)\(?\d{2,4}\)?(?:[ -]\d{2,4}){2,4}(?![\d:])"  # 0712 345 001, no dates
)
SHOWN_FIRST, HIDDEN, SHOWN_LAST = 4, 4, 3  # digits; of a short number fewer are shown at its beginning
# What Python, SQLAlchemy and PostgreSQL put into the text of an exception and may have come from a person.
VALUES = re.compile(
    r"""(?P<quote>['"]).*?(?<!\\)(?P=quote)"""
    r"|(?<=\[parameters: ).*?(?=\]\n\(Background|\Z)"
    r"|(?<=DETAIL:  ).*?(?=\n\[SQL|\n\(Background|\Z)",
    re.DOTALL,
)
_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message", "taskName"}


def mask(text: str) -> str:
    """The text with phone numbers as +2547••••001."""
    return NUMBERS.sub(_mask_one, text)


def _mask_one(found: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", found[0])
    first = max(0, min(SHOWN_FIRST, len(digits) - HIDDEN - SHOWN_LAST))
    plus = "+" if found[0].startswith("+") else ""
    return f"{plus}{digits[:first]}••••{digits[-SHOWN_LAST:]}"


def hush(error: BaseException | None) -> str:
    """What an exception says, without the values in it: its quoted parts, parameters and rows."""
    return mask(VALUES.sub("…", str(error))) if error is not None else ""


def trace(error: BaseException | None) -> str:
    """The traceback of an exception and of what led to it, each hushed."""
    if error is None:
        return ""
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    frames = "".join(_frames(error))
    return (f"{trace(before)}\n" if before else "") + f"{frames}{type(error).__name__}: {hush(error)}"


def _frames(error: BaseException) -> list[str]:
    """Files, lines and functions; the lines themselves stand in the source."""
    found, step = [], error.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        found.append(f"{code.co_filename}:{step.tb_lineno} {code.co_qualname}\n")
        step = step.tb_next
    return found


class Masking(logging.Filter):
    """Masks a record, whoever wrote it: message, arguments, exception and stack."""

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            message = record.getMessage()
        except (TypeError, ValueError, KeyError):  # arguments that do not fit: logging would print them as they are
            message = str(record.msg)
        record.msg, record.args = mask(message), None
        if record.exc_info:
            record.exc_text = trace(record.exc_info[1])
        record.exc_info = None
        record.stack_info = mask(record.stack_info) if record.stack_info else None
        return True


class JsonLines(logging.Formatter):
    """One record as one line of JSON; what was given as `extra` stands beside the message."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        for name, value in vars(record).items():
            if name not in _USUAL:
                line[name] = value if isinstance(value, bool | float) else mask(str(value))
        if record.exc_text:
            line["trace"] = record.exc_text
        return json.dumps(line, ensure_ascii=False)


def set_up(level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send all logs of this program, warnings and dying threads too, through the mask to the stream (stderr)."""
    way_out = logging.StreamHandler(stream or sys.stderr)
    way_out.addFilter(Masking())
    way_out.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[way_out], force=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells at every start that there is nothing to do
    logging.captureWarnings(True)
    threading.excepthook = _log_dying_thread


def _log_dying_thread(death: threading.ExceptHookArgs) -> None:
    name = death.thread.name if death.thread else "?"
    logging.getLogger("ngazi").critical("thread %s died", name, exc_info=death.exc_value)
