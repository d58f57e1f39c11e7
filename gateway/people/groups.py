"""Groups: a tree of cooperatives, sites, associations, and who belongs to them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import CTE, Connection, Select, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from dialogs.tables import Contact, Due, Group, Member

OFFICER = "officer"
FEW = 5  # a smaller count is shown as "<5"


class GroupError(Exception):
    """What was asked cannot be done with this group; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Branch:
    """A group in the tree. `people` are those in it and below it, each once; `depth` is 0 at the top."""

    id: int
    code: str
    name: str
    parent: str
    depth: int
    people: int
    officers: int

    @property
    def counted(self) -> str:
        return few(self.people)


def few(count: int) -> str:
    """A count of people as it may be shown."""
    return str(count) if count >= FEW else f"<{FEW}"


def below(db: Connection, ids: Collection[int]) -> set[int]:
    """These groups with all groups below them."""
    if not ids:
        return set()
    tree = tree_of(select(Group.id).where(Group.id.in_(sorted(ids))), "tree")
    return set(db.execute(select(tree.c.id)).scalars())


def tree_of(first: Select[Any], name: str) -> CTE:
    """The ids that `first` picks as `id`, with those of all groups below them, as a table of this name."""
    top = first.cte(name, recursive=True)
    # UNION, not UNION ALL: it ends even if somebody tied a ring.
    return top.union(select(Group.id).join(top, Group.parent_id == top.c.id))


def find(db: Connection, code: str) -> int:
    """The id of a group by its code, in any case. Raises GroupError."""
    found = db.execute(select(Group.id).where(Group.code == code.strip().upper())).scalar()
    if found is None:
        raise GroupError(f"There is no group {code.strip().upper()}. All groups: ngazi groups list")
    return found


def ensure(db: Connection, codes: Iterable[str]) -> dict[str, int]:
    """The ids of these groups by code; those that are not there are made, with their code as name."""
    wanted = sorted(set(codes))
    known = known_codes(db, wanted)
    missing = [code for code in wanted if code not in known]
    if missing:
        into: Any = sqlite.insert if db.dialect.name == "sqlite" else postgresql.insert
        made = into(Group.__table__).on_conflict_do_nothing(index_elements=["code"])
        db.execute(made, [{"code": code, "name": code} for code in missing])
        known |= known_codes(db, missing)
    return known


def known_codes(db: Connection, codes: Collection[str]) -> dict[str, int]:
    """The ids of those of these groups that are there, by code."""
    found: dict[str, int] = {}
    listed = sorted(codes)
    for start in range(0, len(listed), 500):
        rows = db.execute(select(Group.code, Group.id).where(Group.code.in_(listed[start : start + 500])))
        found |= {row.code: row.id for row in rows}
    return found


def add(db: Connection, code: str, name: str, parent: str = "") -> int:
    """Make a group; gives its id. Raises GroupError."""
    over = find(db, parent) if parent else None
    # On the phone a code is found without its dashes.
    alike = select(Group.code).where(func.replace(Group.code, "-", "") == code.replace("-", ""))
    if there := db.execute(alike.limit(1)).scalar():
        raise GroupError(f"There is a group {there} already. To give it another name: ngazi groups rename {there} NAME")
    made = insert(Group).values(code=code, name=_name(name), parent_id=over).returning(Group.id)
    return db.execute(made).scalar_one()


def rename(db: Connection, code: str, name: str) -> None:
    """Give a group another name; its code stays. Raises GroupError."""
    db.execute(update(Group).where(Group.id == find(db, code)).values(name=_name(name)))


def _name(name: str) -> str:
    name = " ".join(name.split())
    if not 0 < len(name) <= 200:
        raise GroupError("The name of a group has 1 to 200 letters.")
    return name


def move(db: Connection, code: str, under: str = "") -> None:
    """Put a group with all that is below it under another one, or at the top. Raises GroupError."""
    # All rows are locked, so that two moves at once cannot tie a ring together.
    db.execute(select(Group.id).order_by(Group.id).with_for_update()).all()
    id = find(db, code)
    over = find(db, under) if under else None
    if over is not None and over in below(db, [id]):
        raise GroupError(f"{under.strip().upper()} is {code.strip().upper()} or stands below it: that would be a ring.")
    db.execute(update(Group).where(Group.id == id).values(parent_id=over))


def remove(db: Connection, code: str) -> None:
    """Take away a group that nobody belongs to and that nothing hangs on. Raises GroupError."""
    id = find(db, code)
    db.execute(select(Group.id).where(Group.id == id).with_for_update()).all()
    for what, held in (
        ("people", select(Member.contact_id).where(Member.group_id == id)),
        ("groups below it", select(Group.id).where(Group.parent_id == id)),
        ("dates", select(Due.id).where(Due.group_id == id, Due.done_at.is_(None))),
    ):
        if db.execute(held.limit(1)).first() is not None:
            raise GroupError(f"{code.strip().upper()} still has {what}. Only an empty group can be removed.")
    db.execute(delete(Due).where(Due.group_id == id))
    db.execute(delete(Group).where(Group.id == id))


def tree(db: Connection) -> list[Branch]:
    """All groups, each followed by those below it, by code."""
    rows = db.execute(select(Group.id, Group.code, Group.name, Group.parent_id).order_by(Group.code)).all()
    codes = {row.id: row.code for row in rows}
    children: dict[int | None, list[Any]] = {}
    for row in rows:
        children.setdefault(row.parent_id, []).append(row)
    named = select(Member.group_id, func.count()).where(Member.role == OFFICER).group_by(Member.group_id)
    officers = {row[0]: row[1] for row in db.execute(named)}
    counts = _counts(db, rows)
    found: list[Branch] = []
    open_ = [(row, 0) for row in reversed(children.get(None, []))]
    while open_:
        row, depth = open_.pop()
        parent = codes.get(row.parent_id, "")
        found.append(Branch(row.id, row.code, row.name, parent, depth, counts.get(row.id, 0), officers.get(row.id, 0)))
        open_ += [(child, depth + 1) for child in reversed(children.get(row.id, []))]
    return found


def _counts(db: Connection, rows: Iterable[Any]) -> dict[int, int]:
    """How many people are in each group and below it, each counted once."""
    top = select(Group.id.label("top"), Group.id.label("id")).cte("tree", recursive=True)
    under = top.union(select(top.c.top, Group.id).join(top, Group.parent_id == top.c.id))
    counted = (
        select(under.c.top, func.count(func.distinct(Member.contact_id)))
        .join(Member, Member.group_id == under.c.id)
        .group_by(under.c.top)
    )
    return {row[0]: row[1] for row in db.execute(counted)}


def members(db: Connection, code: str, *, with_below: bool = False) -> Iterator[tuple[int, str]]:
    """The contacts of a group by number, with their role. Raises GroupError."""
    id = find(db, code)
    ids = below(db, [id]) if with_below else {id}
    role = func.max(Member.role)
    found = select(Member.contact_id, role).where(Member.group_id.in_(ids)).group_by(Member.contact_id)
    for row in db.execute(found.order_by(Member.contact_id)):
        yield row[0], row[1]


def set_officer(db: Connection, code: str, contact_id: int, *, officer: bool = True) -> None:
    """Make a contact an officer of a group (and a member), or a plain member again. Raises GroupError."""
    id = find(db, code)
    known = db.execute(select(Contact.stopped_at).where(Contact.id == contact_id).with_for_update()).first()
    if known is None:
        raise GroupError(f"There is no contact {contact_id}.")
    if officer and known.stopped_at is not None:
        raise GroupError(f"Contact {contact_id} said STOP: no message reaches this person.")
    role = OFFICER if officer else ""
    here = (Member.group_id == id) & (Member.contact_id == contact_id)
    if not db.execute(update(Member).where(here).values(role=role)).rowcount:
        if not officer:
            raise GroupError(f"Contact {contact_id} is not in this group.")
        db.execute(insert(Member).values(group_id=id, contact_id=contact_id, role=role))


def join(db: Connection, code: str, contact_id: int) -> None:
    """Make a contact a member; one who is stays as they are. Raises GroupError."""
    row = {"group_id": find(db, code), "contact_id": contact_id, "role": ""}
    into: Any = sqlite.insert if db.dialect.name == "sqlite" else postgresql.insert
    db.execute(into(Member.__table__).on_conflict_do_nothing(index_elements=["group_id", "contact_id"]), [row])


def leave(db: Connection, code: str, contact_id: int) -> None:
    """Take a contact out of a group. Raises GroupError."""
    here = (Member.group_id == find(db, code)) & (Member.contact_id == contact_id)
    if not db.execute(delete(Member).where(here)).rowcount:
        raise GroupError(f"Contact {contact_id} is not in this group.")
