"""Whether a reminder is written for somebody, and its row: one set of rules for planning and for looking ahead."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from dialogs.script import Series
from dialogs.showing import House
from dialogs.statements import table
from gateway import reasons
from gateway import reminders_people as known
from gateway.calendar import Timed, at_place, concerning, points
from gateway.reminders_people import Dated, Person
from gateway.tables import REMINDERS, Message

# Reasons for which there is no message at all; they stand in no row, `ngazi messages --why` says them.
GROUP_COUNTS = "a date of the person's group counts instead"
SENT_BEFORE = "it was sent already, shortly before the date was corrected"
UNANSWERED = "the last two were not answered; they go on when the person is heard again"

QUIET_AFTER = 2  # of a series that comes again and again: so many without an answer, and no more
OFFICER = "officer"  # the moment of what an officer gets
A_DAY_TO_ANSWER = timedelta(days=1)
LONG_PAST = timedelta(days=14)  # a silence so old is nobody's news any more
OFFICERS_TIME = timedelta(days=3)  # how long the officer's message may wait, at least


class Pair(NamedTuple):
    """A date and a person whom it concerns."""

    due: Dated
    contact_id: int


@dataclass(slots=True)
class Rules:
    """What is known of the people behind some pairs, and what follows from it."""

    house: House
    now: datetime
    persons: dict[int, Person] = field(default_factory=dict)
    counts: dict[tuple[int, str], int] = field(default_factory=dict)
    sent_before: set[tuple[int, int, str, str]] = field(default_factory=set)
    unanswered: set[tuple[int, str]] = field(default_factory=set)

    @classmethod
    def of(cls, db: Connection, house: House, pairs: Sequence[Pair], now: datetime, *, whole: bool = False) -> Rules:
        """Look everything up. `whole`: with all fields of the people, so that texts can be made."""
        names = {pair.due.name for pair in pairs}
        series = [each for name in names for each in concerning(house.content.series.values(), name)]
        ids = {pair.contact_id for pair in pairs}
        persons = known.people(db, ids, None if whole else known.condition_names(series))
        rules = cls(house, now, persons)
        again = [each for each in series if each.every]
        if again:
            named = {each.id for each in again}
            concerned = {pair.contact_id for pair in pairs if pair.due.name in named}
            rules.counts = known.counting([*known.of_groups(db, concerned, named), *known.own(db, concerned, named)])
            for each in again:
                for id, sent in known.latest(db, each, concerned, QUIET_AFTER).items():
                    if len(sent) == QUIET_AFTER and id in persons and persons[id].silent_since(sent[-1]):
                        rules.unanswered.add((id, each.id))
        rules.sent_before = known.handed_before(db, [(pair.contact_id, pair.due) for pair in pairs])
        return rules

    def against(self, pair: Pair, timed: Timed) -> str:
        """Why no row is written; "" if one is."""
        series, person = timed.point.series, self.persons.get(pair.contact_id)
        if person is None:
            return reasons.NO_NUMBER
        if reason := person.against(series, self.house):
            return reason
        if series.every:
            if self.counts.get((pair.contact_id, pair.due.name), pair.due.id) != pair.due.id:
                return GROUP_COUNTS
            return UNANSWERED if (pair.contact_id, series.id) in self.unanswered else ""
        done = (pair.contact_id, pair.due.id, series.id, timed.point.moment.name)
        return SENT_BEFORE if done in self.sent_before else ""

    def row(self, pair: Pair, timed: Timed, channel: str) -> dict[str, Any]:
        """The message; one whose day is over is there to be accounted for."""
        point, person = timed.point, self.persons[pair.contact_id]
        about = {"series": point.series.id, "moment": point.moment.name, **_dates(pair.due, point.on.isoformat())}
        late = timed.ends <= self.now
        status, error = ("expired", reasons.TOO_LATE) if late else ("queued", "")
        row = self._row(person, point.key(person.id), about, timed.due_at, timed.ends, channel, status)
        return row if not late else {**row, "error": error}

    def officers_row(
        self, officer: Person, group: str, due: Dated, series: Series, channel: str
    ) -> dict[str, Any] | None:
        """What the officer of a group gets; None if there is no hour for it in time. No name and no number."""
        if series.silent is None:
            return None
        hours, on = self.house.content.hours, due.on.isoformat()
        at = hours.next_allowed(*officer.place, self.now)
        if at - self.now > LONG_PAST:
            return None
        ends = max(hours.end_of_day(*officer.place, due.on), at + OFFICERS_TIME)
        about = {"series": series.id, "moment": OFFICER, "text": series.silent.officer.id, **_dates(due, on),
                 "values": {"group": group}}  # fmt: skip
        return self._row(officer, f"{series.id}:{OFFICER}:{officer.id}:{due.id}:{on}", about, at, ends, channel)

    def _row(
        self, person: Person, key: str, about: dict[str, Any], due_at: datetime, ends: datetime, channel: str,
        status: str = "queued",
    ) -> dict[str, Any]:  # fmt: skip
        error = ""
        if not channel and status == "queued":
            status, error = "refused", reasons.NO_CHANNEL
        return {
            "channel": channel, "dedupe": key, "contact_id": person.id, "direction": "out", "kind": "reminder",
            "about": about, "status": status, "error": error, "due_at": due_at, "expires_at": ends,
            "priority": REMINDERS, "created_at": self.now, "done_at": None if status == "queued" else self.now,
            "revision": self.house.content.revision, "language": "", "segments": 0, "cost": "", "attempts": 0,
        }  # fmt: skip


def _dates(due: Dated, on: str) -> dict[str, Any]:
    return {"due": due.id, "on": on, "due_on": due.on.isoformat()}


def silent_ones(db: Connection, rules: Rules, pairs: Iterable[tuple[Pair, Series]]) -> list[tuple[Pair, Series]]:
    """Those of these pairs from whom nothing was heard since the first of the last reminders of this date, as many as
    the series says."""
    asked: list[tuple[Pair, Series, list[str]]] = []
    hours = rules.house.content.hours
    for pair, series in pairs:
        person = rules.persons.get(pair.contact_id)
        if person is None or series.silent is None or series.every or person.against(series, rules.house):
            continue
        past = [
            point.key(person.id)
            for point in points(series, pair.due.on, (rules.now - 999 * A_DAY_TO_ANSWER).date())
            if at_place(point, hours, person.place).at <= rules.now
        ]
        if len(past) >= series.silent.after:
            asked.append((pair, series, past))
    sent = known.handed(db, {key for _, _, keys in asked for key in keys})
    found = []
    for pair, series, keys in asked:
        times = sorted(sent[key] for key in keys if key in sent)
        after = series.silent.after if series.silent else 0
        if len(times) < after or not A_DAY_TO_ANSWER <= rules.now - times[-1] <= LONG_PAST:
            continue
        if rules.persons[pair.contact_id].silent_since(times[-after]):
            found.append((pair, series))
    return found


def to_officers(
    db: Connection, rules: Rules, silent: Sequence[tuple[Pair, Series]], route: Callable[[str], str]
) -> list[dict[str, Any]]:
    """A message to each officer of the groups of those who are silent, one for each date."""
    by_contact = known.officers(db, {pair.contact_id for pair, _ in silent})
    ids = {id for found in by_contact.values() for id, _ in found}
    persons = known.people(db, ids, known.condition_names([series for _, series in silent]))
    rows: dict[str, dict[str, Any]] = {}
    for pair, series in silent:
        for id, group in by_contact.get(pair.contact_id, []):
            officer = persons.get(id)
            if officer is None or id == pair.contact_id or officer.against(series, rules.house):
                continue
            row = rules.officers_row(officer, group, pair.due, series, route(officer.country))
            if row is not None:
                rows.setdefault(row["dedupe"], row)
    return list(rows.values())


def write(db: Connection, rows: Collection[dict[str, Any]]) -> None:
    """Write messages; those that are there already stay as they are."""
    if rows:
        insert: Any = sqlite.insert if db.dialect.name == "sqlite" else postgresql.insert
        made = insert(table(Message)).on_conflict_do_nothing(index_elements=["dedupe"])
        db.execute(made, sorted(rows, key=lambda row: str(row["dedupe"])))
