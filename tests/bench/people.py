"""Fills a database with people who may be sent to: a crowd by SQL whose numbers nobody opens, or some by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

from dialogs.seal import Seal
from tests.bench.fill import Store

LANGUAGES = ("en", "sw", "fr")  # in turns
WANTS = ("news", "reminders")  # all of them say yes
SINCE = "2026-01-05 06:00:00.000000"
SEALED = 12 + len("+254100000000") + 16  # bytes: nonce, number, tag

NUMBERED = "WITH RECURSIVE seq(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM seq WHERE n < {size}) "
TURNS = "CASE n % 3 " + " ".join(f"WHEN {turn} THEN '{code}'" for turn, code in enumerate(LANGUAGES)) + " END"
HASHES = {
    "sqlite": "substr(hex(randomblob(22)), 1, 43)",
    "postgresql": "substr(md5('{country}' || n) || md5(n || '{country}'), 1, 43)",
}
NOISE = {
    "sqlite": f"randomblob({SEALED})",
    "postgresql": f"decode(substr(md5('a' || n) || md5('b' || n) || md5('c' || n), 1, {2 * SEALED}), 'hex')",
}
CONTACT = ("id", "language", "country", "consent_at", "timezone", "created_at", "seen_at")
ADDRESS = ("contact_id", "kind", "key", "sealed", "key_id", "heard_at", "refused_by")
FIELD = ("contact_id", "name", "value")


def crowd(url: str, size: int, country: str) -> None:
    """So many people more, with numbers of the right length that no key opens: for queueing, which opens none."""
    kind = "postgresql" if url.startswith("postgresql") else "sqlite"
    with closing(Store(url)) as store:
        first = store.highest("contact")
        store.begin()
        numbered, key = NUMBERED.format(size=size), HASHES[kind].format(country=country)
        contacts = f"{first} + n, {TURNS}, '{country}', '{SINCE}', '', '{SINCE}', '{SINCE}'"
        if kind == "postgresql":
            contacts = contacts.replace(f"'{SINCE}'", f"timestamp '{SINCE}'")
        addresses = f"{first} + n, 'tel', {key}, {NOISE[kind]}, 'bench', '{SINCE}', ''"
        if kind == "postgresql":
            addresses = addresses.replace(f"'{SINCE}'", f"timestamp '{SINCE}'")
        _insert(store, numbered, "contact", CONTACT, contacts)
        _insert(store, numbered, "address", ADDRESS, addresses)
        for name in WANTS:
            _insert(store, numbered, "field", FIELD, f"{first} + n, '{name}', 'yes'")
        store.finish()


def _insert(store: Store, numbered: str, table: str, columns: Sequence[str], values: str) -> None:
    store.db.execute(f"INSERT INTO {table} ({', '.join(columns)}) {numbered} SELECT {values} FROM seq")


def reachable(url: str, seal: Seal, size: int, country: str) -> None:
    """So many people more, each with a number of its own that the gateway's key opens."""
    with closing(Store(url)) as store:
        first = store.highest("contact") + 1
        ids = range(first, first + size)
        store.begin()
        store.add("contact", CONTACT, ((id, LANGUAGES[id % 3], country, SINCE, "", SINCE, SINCE) for id in ids))
        store.add("address", ADDRESS, _addresses(seal, ids))
        store.add("field", FIELD, ((id, name, "yes") for id in ids for name in WANTS))
        store.finish()


def _addresses(seal: Seal, ids: range) -> Iterator[Sequence[Any]]:
    for id in ids:
        number = f"+2541{id:08d}"  # those who call have 07...
        yield id, "tel", seal.key("tel", number), seal.seal(number, "tel", str(id)), seal.key_id, SINCE, ""
