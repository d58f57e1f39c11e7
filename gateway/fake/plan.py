"""How a fake provider behaves: what somebody asked for when it was started."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import urlsplit

Style = Literal["ordered", "reversed", "twice", "unknown", "early", "late"]
STYLES: tuple[Style, ...] = get_args(Style)
HERE = frozenset(("127.0.0.1", "localhost", "::1"))
SOON = 0.1  # seconds from the answer to the first report
BURST = 5.0  # seconds that `late` collects reports


class NotThisMachine(ValueError):
    """A fake provider calls only this machine: http://127.0.0.1, http://localhost or http://[::1]."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


@dataclass(frozen=True, slots=True)
class Plan:
    """What one fake does. Times are seconds, rates go from 0 to 1, `every` 0 means never, `limit` is messages/s.

    Raises NotThisMachine for an address that is not on this machine.
    """

    log: Path | None = None
    delay: float = 0.0
    fail_every: int = 0
    error_rate: float = 0.0
    hang_every: int = 0
    hang_rate: float = 0.0
    hang: Literal["before", "after"] = "after"  # it was accepted, or not
    limit: float = 0.0
    plain: bool = False  # numbers have no meaning
    reports: str = ""
    inbound: str = ""
    style: Style = "ordered"
    report_after: float | None = None
    seed: int | None = None
    charset: bool = False  # Africa's Talking: "application/json; charset=utf-8"
    shuffle: bool = False  # Africa's Talking: results in another order
    token: str = ""  # Twilio: signs before the first message told the token
    key: str = "fake"  # Android: signs the webhooks
    same_id: Literal["conflict", "answer"] = "conflict"  # Android

    def __post_init__(self) -> None:
        for url in filter(None, (self.reports, self.inbound)):
            if not on_this_machine(url):
                raise NotThisMachine

    @property
    def first_report(self) -> float:
        """Seconds from the answer to the first report; for `late`, how long reports are collected."""
        if self.report_after is not None:
            return self.report_after
        return BURST if self.style == "late" else SOON

    @property
    def sms_url(self) -> str:
        """Where a message that somebody says is brought; "" for nowhere."""
        if self.inbound or not self.reports:
            return self.inbound
        place, slash, last = self.reports.partition("?")[0].rpartition("/")
        return f"{place}{slash}sms" if last == "delivery" else ""


def on_this_machine(url: str) -> bool:
    """Whether this address is plain HTTP on the loopback address."""
    try:
        parts = urlsplit(url)
        return parts.scheme == "http" and parts.hostname in HERE and not parts.username and parts.port != 0
    except ValueError:
        return False
