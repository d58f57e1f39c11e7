"""Whether a message of a broadcast or a reminder may go now, later or never: asked again just before it goes.

Pure: what is known of the person comes in as `Facts`, what comes out is a verdict with its reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from dialogs.hours import Hours, zone
from gateway import reasons

DAY = (time(8), time(19))  # when a reminder may come on any day of the week
MID_DIALOG = timedelta(minutes=15)  # when to look again after a call, or a quiz that was going on by message


@dataclass(frozen=True, slots=True)
class Facts:
    """What a verdict needs. `told_at`: when the last broadcast or reminder was handed over. `reminder_today`: one of
    this person is still to come today. `date_holds`: the date that a reminder was written for is still the one.
    """

    kind: str  # broadcast or reminder
    due_at: datetime
    expires_at: datetime | None = None
    stopped: bool = False
    wants: bool = True  # the field that agrees to this kind of message is yes
    series_off: bool = False
    reachable: bool = True
    bad: bool = False
    country: str = ""
    timezone: str = ""
    told_at: datetime | None = None
    reminder_today: bool = False
    mid_dialog: bool = False
    date_holds: bool = True
    called_off: str = ""  # why its broadcast is not going
    any_hour: bool = False
    window_over: bool = False  # WhatsApp's 24 hours, and no template


@dataclass(frozen=True, slots=True)
class Verdict:
    """`status` "" = may go; queued = not before `due_at`; refused or expired = never. `reason` in plain words."""

    status: str = ""
    reason: str = ""
    due_at: datetime | None = None


GO = Verdict()


def verdict(facts: Facts, now: datetime, hours: Hours) -> Verdict:
    """The verdict on one message. What may never go comes first, so that nothing is put off in vain."""
    if refused := _never(facts):
        return Verdict("refused", refused)
    if facts.expires_at is not None and now >= facts.expires_at:
        return Verdict("expired", reasons.TOO_LATE)
    reason, at = _not_now(facts, now, hours)
    if not reason:
        return GO
    if not facts.any_hour:
        at = hours.next_allowed(facts.country, facts.timezone, at)
    if facts.expires_at is not None and at >= facts.expires_at:
        return Verdict("expired", f"{reasons.NO_TIME_LEFT}: {reason}")
    return Verdict("queued", f"{reasons.WAITS}: {reason}", at)


def _never(facts: Facts) -> str:
    checks: Mapping[str, bool] = {
        facts.called_off: bool(facts.called_off),
        reasons.STOPPED: facts.stopped,
        reasons.NO_NEWS if facts.kind == "broadcast" else reasons.NO_REMINDERS: not facts.wants,
        reasons.SERIES_OFF: facts.series_off,
        reasons.DATE_MOVED: not facts.date_holds,
        reasons.NO_NUMBER: not facts.reachable,
        reasons.BAD_NUMBER: facts.bad,
        reasons.WINDOW_OVER: facts.window_over,
    }
    return next((reason for reason, holds in checks.items() if holds), "")


def _awake(facts: Facts, now: datetime, hours: Hours) -> datetime | None:
    """Now, if it is day where the person is. A reminder was asked for, for this very day: a rest day does not count."""
    zones = [zone(name) or UTC for name in hours.zones(facts.country, facts.timezone)]
    clocks = [now.replace(tzinfo=UTC).astimezone(each).time() for each in zones]
    return now if all(DAY[0] <= clock < DAY[1] for clock in clocks) else None


def _not_now(facts: Facts, now: datetime, hours: Hours) -> tuple[str, datetime]:
    """Why it may not go now, and the moment to look again; ("", now) if it may."""
    if facts.mid_dialog:
        return reasons.MID_DIALOG, now + MID_DIALOG
    if facts.any_hour:  # an emergency: neither the hour nor the message of today holds it back
        return "", now
    allowed = _awake(facts, now, hours) if facts.kind == "reminder" else None
    allowed = allowed or hours.next_allowed(facts.country, facts.timezone, now)
    if allowed > now:
        return reasons.QUIET_HOURS, allowed
    today = hours.local_day(facts.country, facts.timezone, now)
    tomorrow = hours.at_local(facts.country, facts.timezone, today + timedelta(days=1), "00:00")
    if facts.told_at is not None and hours.local_day(facts.country, facts.timezone, facts.told_at) >= today:
        return reasons.ONE_A_DAY, tomorrow
    if facts.reminder_today:
        return reasons.REMINDER_TODAY, tomorrow
    return "", now
