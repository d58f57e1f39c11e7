"""Who a broadcast is for: what an NGO worker says about people, read, kept as JSON, and asked of the database.

Only people who agreed to the service are ever meant. All that is said must hold at once; of several values of one
thing any will do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, Literal, get_args

from sqlalchemy import ColumnElement, Connection, Select, and_, or_, select
from sqlalchemy.sql.expression import CTE

from dialogs.content import Content
from dialogs.reading.values import did_you_mean
from dialogs.tables import Contact, Due, Field, Group, Member, Run
from gateway.people.groups import tree_of

Progress = Literal["done", "open", "none"]
_NONE: Mapping[str, Any] = MappingProxyType({})
_DAY = re.compile(r"today(?:([+-])(\d{1,4}))?")


class BroadcastError(ValueError):
    """What was asked of a broadcast cannot be done; the text is one sentence, with what to do."""


@dataclass(frozen=True, slots=True)
class Audience:
    """Who is meant. Groups include the groups below them. `due` holds a window by date: `2027-01-01..2027-03-31`,
    where `today` and `today+30` count from the day on which sending begins, and either end may be left open."""

    groups: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _NONE)
    progress: Mapping[str, Progress] = field(default_factory=lambda: _NONE)
    due: Mapping[str, str] = field(default_factory=lambda: _NONE)
    countries: tuple[str, ...] = ()
    everyone: bool = False

    def to_json(self) -> dict[str, Any]:
        """As it stands in `broadcast.audience`."""
        return {
            "groups": list(self.groups),
            "languages": list(self.languages),
            "fields": {name: list(values) for name, values in self.fields.items()},
            "progress": dict(self.progress),
            "due": dict(self.due),
            "countries": list(self.countries),
            "everyone": self.everyone,
        }

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Audience:
        """What was stored. A field may have one value in place of a list."""
        fields = stored.get("fields", {}).items()
        return cls(
            tuple(stored.get("groups", ())),
            tuple(stored.get("languages", ())),
            {name: (values,) if isinstance(values, str) else tuple(values) for name, values in fields},
            dict(stored.get("progress", {})),
            dict(stored.get("due", {})),
            tuple(stored.get("countries", ())),
            bool(stored.get("everyone", False)),
        )


def read_audience(
    content: Content,
    *,
    groups: Iterable[str] = (),
    languages: Iterable[str] = (),
    fields: Iterable[str] = (),
    progress: Iterable[str] = (),
    due: Iterable[str] = (),
    countries: Iterable[str] = (),
    everyone: bool = False,
) -> Audience:
    """The audience that was said in words such as `mineral=gold`, `readiness=done`, `audit_date=today..today+30`.

    Raises BroadcastError for what is not in the content. Groups and fields: see `check`.
    """
    found = Audience(
        tuple(dict.fromkeys(groups)),
        tuple(dict.fromkeys(each for code in languages for each in _language(content, code))),
        _gathered(fields, "--field", "mineral=gold"),
        {name: _progress(content, name, state) for name, state in _pairs(progress, "--progress", "readiness=done")},
        {name: _window(said) for name, said in _pairs(due, "--due", "audit_date=2027-01-01..2027-03-31")},
        tuple(dict.fromkeys(_country(each) for each in countries)),
        everyone,
    )
    if found.everyone and found.groups:
        raise BroadcastError("Say --group or --everyone, not both.")
    if not found.everyone and not found.groups:
        raise BroadcastError("Say who is meant: --group CODE, or --everyone for all who agreed.")
    return found


def check(db: Connection, audience: Audience) -> None:
    """Raises BroadcastError for a group, a saved answer or a date that nobody has."""
    known = set(db.execute(select(Group.code)).scalars()) if audience.groups else set()
    for code in audience.groups:
        _known(f'There is no group "{code}".', code, known, "Make it first: ngazi groups --help")
    for name in audience.fields:
        if db.execute(select(Field.name).where(Field.name == name).limit(1)).first() is None:
            saved = set(db.execute(select(Field.name).distinct()).scalars())
            _known(f'Nobody has a saved answer "{name}".', name, saved, "")
    for name in audience.due:
        if db.execute(select(Due.id).where(Due.name == name).limit(1)).first() is None:
            _known(f'Nobody has a date "{name}".', name, set(db.execute(select(Due.name).distinct()).scalars()), "")


def contacts(audience: Audience, today: date) -> Select[int]:
    """The ids of the contacts that are meant, on either kind of database; in no order."""
    return select(Contact.id).where(*meant(audience, today))


def meant(
    audience: Audience, today: date, after: int | None = None, up_to: int | None = None
) -> list[ColumnElement[bool]]:
    """The conditions on `contact` for being meant; between two ids, so that no slice of work looks at everybody."""
    wanted: list[ColumnElement[bool]] = [Contact.consent_at.is_not(None)]
    window = [] if after is None else [Contact.id > after]
    window += [] if up_to is None else [Contact.id <= up_to]
    if audience.groups:
        inside = select(Member.contact_id).where(Member.group_id.in_(select(below(audience.groups).c.id)))
        # Said here too: then a slice reads its own part of the index only, not all members.
        inside = inside.where(*([] if after is None else [Member.contact_id > after]))
        inside = inside.where(*([] if up_to is None else [Member.contact_id <= up_to]))
        wanted.append(Contact.id.in_(inside))
    if audience.languages:
        wanted.append(Contact.language.in_(audience.languages))
    if audience.countries:
        wanted.append(Contact.country.in_(audience.countries))
    for name, values in audience.fields.items():
        saved = select(Field.contact_id).where(Field.contact_id == Contact.id, Field.name == name)
        wanted.append(saved.where(Field.value.in_(values)).correlate(Contact).exists())
    for dialog, state in audience.progress.items():
        wanted.append(_stands(dialog, state))
    for name, said in audience.due.items():
        wanted.append(_due(name, *bounds(said, today)))
    return window + wanted


def below(codes: Sequence[str]) -> CTE:
    """The ids of these groups and of all groups below them."""
    return tree_of(select(Group.id).where(Group.code.in_(codes)), "below")


def _stands(dialog: str, state: Progress) -> ColumnElement[bool]:
    runs = select(Run.id).where(Run.contact_id == Contact.id, Run.dialog == dialog).correlate(Contact)
    if state == "none":
        return ~runs.exists()
    return runs.where(Run.finished_at.is_not(None) if state == "done" else Run.finished_at.is_(None)).exists()


def _due(name: str, first: date | None, last: date | None) -> ColumnElement[bool]:
    """A date of the person's own, or of a group that they are in or that stands above it; not one that is done."""
    asked = [Due.name == name, Due.done_at.is_(None)]
    asked += [] if first is None else [Due.on >= first]
    asked += [] if last is None else [Due.on <= last]
    own = select(Due.id).where(Due.contact_id == Contact.id, *asked).correlate(Contact).exists()
    under = tree_of(select(Due.group_id.label("id")).where(Due.group_id.is_not(None), *asked), f"due_{name}")
    member = select(Member.group_id).where(
        and_(Member.contact_id == Contact.id, Member.group_id.in_(select(under.c.id)))
    )
    return or_(own, member.correlate(Contact).exists())


def bounds(said: str, today: date) -> tuple[date | None, date | None]:
    """The first and the last day of a window such as `2027-01-01..` or `today..today+30`; None: no such end.

    Raises BroadcastError.
    """
    first, dots, last = said.replace(" ", "").partition("..")
    found = _day(first, today, said), _day(last if dots else first, today, said)
    if found == (None, None) or (found[0] and found[1] and found[0] > found[1]):
        raise BroadcastError(f'"{said}" is no span of days: write 2027-01-01..2027-03-31.')
    return found


def _day(written: str, today: date, said: str) -> date | None:
    if not written:
        return None
    try:
        if relative := _DAY.fullmatch(written):
            days = int(relative[2] or 0)
            return today + timedelta(days=-days if relative[1] == "-" else days)
        return date.fromisoformat(written)
    except ValueError:
        raise BroadcastError(f'"{said}" is no span of days: write 2027-01-01..2027-03-31.') from None


def _window(said: str) -> str:
    bounds(said, date(2027, 1, 1))
    return said.replace(" ", "")


def _language(content: Content, code: str) -> tuple[str, ...]:
    """Who never chose a language reads the source language."""
    language(content, code)
    return (code, "") if code == content.common.language else (code,)


def language(content: Content, code: str) -> str:
    """The code, if the content knows it. Raises BroadcastError with the nearest."""
    if code not in content.languages:
        raise BroadcastError(f'There is no language "{code}". {did_you_mean(code, content.languages)}')
    return code


def dialog(content: Content, id: str) -> str:
    """The dialog, if the content knows it. Raises BroadcastError with the nearest."""
    if id not in content.dialogs:
        raise BroadcastError(f'There is no dialog "{id}". {did_you_mean(id, content.dialogs)}')
    return id


def _progress(content: Content, name: str, state: str) -> Progress:
    dialog(content, name)
    for known in get_args(Progress):
        if state == known:
            found: Progress = known
            return found
    raise BroadcastError(f"--progress {name}= is done, open or none.")


def _country(written: str) -> str:
    if not re.fullmatch(r"[A-Za-z]{2}", written):
        raise BroadcastError(f'"{written}" is no country: write two letters, such as TZ.')
    return written.upper()


def _gathered(said: Iterable[str], option: str, example: str) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, value in _pairs(said, option, example):
        found[name] = (*found.get(name, ()), value)
    return found


def _pairs(said: Iterable[str], option: str, example: str) -> list[tuple[str, str]]:
    pairs = []
    for each in said:
        name, equals, value = each.partition("=")
        if not (name.strip() and equals and value.strip()):
            raise BroadcastError(f'{option} cannot be "{each}": write {example}.')
        pairs.append((name.strip(), value.strip()))
    return pairs


def _known(what: str, word: str, known: Iterable[str], otherwise: str) -> None:
    names = {name.casefold(): name for name in known}
    if word not in names.values():
        near = get_close_matches(word.casefold(), sorted(names), 1, 0.6)
        listed = f"There are: {', '.join(sorted(names.values())[:10])}." if 0 < len(names) <= 10 else otherwise
        raise BroadcastError(f'{what} {f"""Did you mean "{names[near[0]]}"?""" if near else listed}'.strip())
