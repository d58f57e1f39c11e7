"""Reminders: which date needs which message next, written as rows of the outbox.

A date (`due`) knows when it is to be looked at next. Then the messages of the next hour are written, and it learns when
to be looked at again. Everything may be done twice: a message has one dedupe key by series, moment, person and date.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from dialogs.script import Series
from dialogs.showing import House
from gateway import reminders_rows, reminders_series, reminders_tasks
from gateway.calendar import HORIZON, Place, Timed, before_next, between, concerning, next_look
from gateway.channels import Channel
from gateway.queueing import routes
from gateway.reminders_people import Dated
from gateway.reminders_rows import Pair, Rules

SLICE = 500  # people in one transaction
# A group is looked at first where a day begins first, so that whoever joins it from anywhere is counted in.
EARLIEST = Place("", "Pacific/Kiritimati")


def plan(db: Connection, now: datetime, house: House, channels: Mapping[str, Channel]) -> int:
    """Write one slice of the reminders that are due soon; gives how many dates were looked at, 0: none is left."""
    if looked := reminders_series.follow(db, now, house):
        return looked
    tasks = reminders_tasks.take(db, now, SLICE, house.content.revision)
    if not tasks:
        return 0
    pairs = {task.due.id: [Pair(task.due, id) for id in task.contact_ids] for task in tasks}
    rules = Rules.of(db, house, [pair for each in pairs.values() for pair in each], now)
    planning, route = _Planning(rules), routes(channels)
    rows: list[dict[str, Any]] = []
    asked: list[tuple[Pair, Series]] = []
    for task in tasks:
        mine = planning.series(task.due.name)
        for pair in pairs[task.due.id]:
            person = rules.persons.get(pair.contact_id)
            if person is None:
                continue
            for timed in planning.now(task.due, person.place):
                if not rules.against(pair, timed):
                    rows.append(rules.row(pair, timed, route(person.country)))
            task.look_again(planning.next(task.due, person.place))
            asked += [(pair, series) for series in mine if series.silent is not None]
        if task.due.group_id is not None:
            for each in mine if task.due.done_at is None else ():
                task.look_again(before_next(each, task.due.on, house.content.hours, EARLIEST, now))
    silent = reminders_rows.silent_ones(db, rules, asked)
    reminders_rows.write(db, [*rows, *reminders_rows.to_officers(db, rules, silent, route)])
    reminders_tasks.settle(db, tasks)
    return len(tasks)


@dataclass(slots=True)
class _Planning:
    """What the calendar says, worked out once for all who are in one place."""

    rules: Rules
    _series: dict[str, list[Series]] = field(default_factory=dict)
    _now: dict[tuple[int, Place], list[Timed]] = field(default_factory=dict)
    _next: dict[tuple[int, Place], datetime | None] = field(default_factory=dict)

    def series(self, name: str) -> list[Series]:
        if name not in self._series:
            self._series[name] = concerning(self.rules.house.content.series.values(), name)
        return self._series[name]

    def now(self, due: Dated, place: Place) -> list[Timed]:
        """What is to be written: from when the date was to be looked at, or was set, until an hour from now."""
        key = (due.id, place)
        if key not in self._now:
            now, hours = self.rules.now, self.rules.house.content.hours
            since = max(due.next_at or now, due.set_at or datetime.min)  # noqa: DTZ901
            self._now[key] = [
                timed
                for each in self.series(due.name)
                for timed in between(each, due.on, hours, place, since, now + HORIZON)
            ]
        return self._now[key]

    def next(self, due: Dated, place: Place) -> datetime | None:
        """When it is to be looked at again for people there."""
        key = (due.id, place)
        if due.done_at is not None:
            return None
        if key not in self._next:
            hours = self.rules.house.content.hours
            self._next[key] = next_look(self.series(due.name), due.on, hours, place, self.rules.now)
        return self._next[key]
