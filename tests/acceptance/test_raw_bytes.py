"""After every dialog was played: no phone number, no unkept answer in the bytes of the database and the logs."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, NullPool, create_engine, insert, text

from dialogs.content import Content
from dialogs.script import Step
from dialogs.tables import Group
from tests.acceptance.look import look, look_for_one
from tests.acceptance.rows import rows_of, seal, shown_to
from tests.acceptance.server import Phone, Screen, Server
from tests.acceptance.whole import DIALOGS, go_to, part_of, whole_content, words_for
from tests.databases import PostgresServer

# By country, since some questions are asked in some countries only. The last digit is the phone's own.
STEMS = {"TZ": "+25571938465", "CD": "+24381938465", "NG": "+234803193846"}
KEYS = {"TZ": "123", "CD": "12", "NG": "12"}  # what each phone of a country answers to every question that is not kept
TYPED, WRITTEN = "asali tamu wangari", "habari za mlimani kiboko"  # on USSD where a date is asked, and by SMS
GROUP = "UMOJA-7"
LOOKED_UP_IN = ("questions", "words")  # these lead back to their own lists, until the call ends
BARREN, LONGEST = 2, 120  # rounds that showed nothing new; screens of a round
# Who they say that they are, and the dialogs whose private questions are for such people only.
PEOPLE = {
    ("Lead or keep records", "Gold"): ("chemicals", "permit", "freedom"),
    ("Lead or keep records", "Cobalt or copper"): ("books", "women", "children", "nature", "safety"),
}
pytestmark = pytest.mark.slow


class Family:
    """Phones of one country that do everything alike, but for the answers that must not be kept."""

    def __init__(self, server: Server, engine: Engine, content: Content, country: str) -> None:
        self.engine, self.content, self.country = engine, content, country
        self.phones = [Phone(server, f"{STEMS[country]}{n}") for n in range(len(KEYS[country]))]
        self.taken: Counter[tuple[str, str, str]] = Counter()  # (dialog, step, choice)
        self.seen: set[tuple[str, str]] = set()
        self.unkept = self.compared = self.callbacks = 0
        self.screens: list[Screen] = []
        self.shown: dict[str, Any] = {}
        self.pool = ThreadPoolExecutor(len(self.phones))

    def each(self, act: Callable[[Phone, int], Screen]) -> None:
        """Every phone does it at the same time."""
        self.callbacks += len(self.phones)
        self.screens = list(self.pool.map(act, self.phones, range(len(self.phones))))
        self.shown = shown_to(self.engine, self.phones[0].number)
        self.seen.add(self.place)

    def compare(self) -> None:
        """All of them have the same rows."""
        self.compared += 1
        first, *others = (rows_of(self.engine, phone.number) for phone in self.phones)
        for other in others:
            for table, rows in other.items():
                assert rows == first[table], f"{table} tells phones apart that differ in unkept answers only"

    def press(self, key: str) -> Screen:
        self.each(lambda phone, n: phone.type(key))
        alike = {re.sub(r"\d{6}", "a code made by chance", screen.text) for screen in self.screens}
        assert len(alike) == 1, "phones that did the same see different screens"
        return self.screens[0]

    def play(self, dialog: str) -> None:
        """Go through a dialog again and again, until there is no answer left that was not given."""
        barren = 0
        while barren < BARREN:
            before = len(self.taken), len(self.seen)
            self.each(lambda phone, n: phone.dial())
            if self.shown.get("step") == "resume":
                self.press("3")
            go_to(dialog, self.screens[0], self.press)
            for _ in range(LONGEST):
                if self.shown.get("dialog") != dialog or not self.screens[0].more:
                    break
                self.answer()
            else:
                assert dialog in LOOKED_UP_IN, f"no end of {dialog}"
            barren += (len(self.taken), len(self.seen)) == before
        self.compare()

    def be(self, *answers: str) -> None:
        """Say by "Correct my answers" what one does, and what comes from the site."""
        for what, said in zip(("What I do", "What comes from my site"), answers, strict=True):
            self.each(lambda phone, n: phone.dial())
            if self.shown.get("step") == "resume":
                self.press("3")
            go_to("data", self.screens[0], self.press)
            for words in ("Correct my answers", what, said):
                self.press(self.screens[0].key_of(words))

    def answer(self) -> None:
        """Something sensible for the screen that is shown."""
        step = self.content.dialogs[str(self.shown["dialog"])].step(str(self.shown["step"]))
        choices: list[str] = self.shown.get("choices") or []
        if self.shown.get("page") == -1 and step is not None:
            self.compare()  # what each phone was told stands nowhere
            first = not self.taken[*self.place, "back"]
            self.taken[*self.place, "back"] += 1
            self.press("0" if first else "1")  # once the private question is asked again, and answered otherwise
        elif step is not None and step.save == "group":
            self.press(GROUP)
        elif step is not None and step.kind == "date":
            for typed in (TYPED, "25/03/2027"):
                self.press(typed)
        elif step is not None and choices and step.keep != "yes" and not step.erases:
            self.answer_privately()
        elif step is not None and choices:
            self.press(self.newest(step, choices))
        else:
            self.press("1")

    @property
    def place(self) -> tuple[str, str]:
        return str(self.shown.get("dialog")), str(self.shown.get("step"))

    def newest(self, step: Step, choices: Sequence[str]) -> str:
        """The key of the choice that was taken least; none that erases the person."""
        safe = [id for id in choices if (choice := step.choice(id)) is None or choice.go != "forget"]
        taken = min(reversed(safe), key=lambda id: self.taken[*self.place, id])  # the last first: most go on less far
        self.taken[*self.place, taken] += 1
        return str(list(choices).index(taken) + 1)

    def answer_privately(self) -> None:
        again = self.taken[*self.place, "private"]
        self.taken[*self.place, "private"] += 1
        keys = KEYS[self.country][again % 2 :] + KEYS[self.country][: again % 2]
        self.each(lambda phone, n: phone.type(keys[n]))
        self.compare()
        self.unkept += 1

    def write(self, *words: str) -> None:
        """The same SMS from every phone."""
        for said in words:
            for phone in self.phones:
                assert phone.text(said) == 200
        self.compare()


@pytest.fixture
def played(
    own_database: str, new_server: Callable[..., Server], tmp_path: Path
) -> Iterator[tuple[Server, Engine, list[Family], Content]]:
    """A server on which families have played every dialog, by USSD and by SMS."""
    whole = whole_content(tmp_path)
    content, problems = Content.load(whole)
    assert content is not None, problems
    server = new_server(own_database, NGAZI_CONTENT=str(whole))
    server.start()
    engine = create_engine(server.database_url)
    countries = ["TZ"] if own_database else list(STEMS)  # the bytes of PostgreSQL: one country of three is enough
    with engine.begin() as db:
        db.execute(insert(Group).values(code=GROUP, name="Umoja"))
    families = [Family(server, engine, content, country) for country in countries]
    try:
        with ThreadPoolExecutor(len(families)) as pool:
            list(pool.map(play_everything, families))
        yield server, engine, families, content
    finally:
        engine.dispose()


def play_everything(family: Family) -> None:
    """Every dialog by USSD; some, and the words for the service, by SMS."""
    dialogs = DIALOGS
    first = "dates"  # it asks less of those who have been to "My data"
    family.each(lambda phone, n: phone.dial())
    for key in ("1", "1", "1"):
        family.press(key)
    for dialog in (first, *(each for each in dialogs if each != first)):
        family.play(dialog)
    for answers, topics in PEOPLE.items():
        family.be(*answers)
        for dialog in topics:
            for place in [place for place in family.taken if place[0] == dialog]:
                del family.taken[place]
            family.play(dialog)
    for dialog in ("freedom", "children", "permit"):
        family.write("MENU", words_for(part_of(dialog)), words_for(dialog), "1", WRITTEN, "1")
    family.write("HELP", WRITTEN)
    for dialog in ("messages", "dates", "join"):  # who said STOP is told other things there
        family.write("STOP", WRITTEN)
        family.taken.clear()
        family.play(dialog)
    family.write("START", WRITTEN)
    family.pool.shutdown()


def test_nothing_tells_a_number_or_an_unkept_answer(
    played: tuple[Server, Engine, list[Family], Content], request: pytest.FixtureRequest
) -> None:
    server, engine, families, content = played
    unkept = [(id, step) for id, dialog in content.dialogs.items() for step in dialog.steps if step.keep != "yes"]
    places = {(id, step.id) for id, dialog in content.dialogs.items() for step in dialog.steps}
    seen = set().union(*(family.seen for family in families))
    if len(families) == len(STEMS):
        private = {(id, step.id) for id, step in unkept if not foreign(step, content)}
        assert private - seen == set(), "private questions that nobody was asked"
        assert len(places - seen) < len(places) / 4, (
            "rehearsals play the others: answers, countries, dates that are rare"
        )
    assert {dialog for dialog, _ in seen} == set(content.dialogs)
    for family in families:
        family.compare()
    assert not {(step.id,) for _, step in unkept} & set(look(server.database_url, "SELECT step FROM answer"))

    if engine.dialect.name == "postgresql":
        folder = request.getfixturevalue("own_postgres")._folder
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
            db.execute(text("CHECKPOINT"))  # what is still in memory only goes to the files
    else:
        folder = server.folder
    numbers = [phone.number for family in families for phone in family.phones]
    wanted = dict(forms(numbers))
    steps = "|".join(step.id for _, step in unkept)
    choices = "|".join({choice.id for _, step in unkept for choice in step.choices})
    given = re.compile(rf'\["({steps})","({choices})"'.encode())
    known = seal.key("tel", numbers[0]).encode()  # what must be there: else these are not the bytes
    size, there = 0, False
    for place in {folder, server.folder}:
        for file in sorted(place.rglob("*")):
            if not file.is_file() or "content" in file.parts or "pginstall" in file.parts:
                continue
            raw = file.read_bytes()
            size, there = size + len(raw), there or known in raw
            found = {name for name, form in wanted.items() if form in raw}
            thin = raw.replace(b"\0", b"")  # UTF-16 without its zeros reads as ASCII
            found |= {name for name, form in wanted.items() if name.endswith("plain") and form in thin}
            assert not found, (file.name, found)
            assert not given.search(raw), (file.name, "an unkept answer in a run")
            assert not re.search(rb"(?:(?<!\d)\d\*){3}", raw), (file.name, "what was typed in a call")
    assert there
    callbacks, unkept_ones, compared = (
        sum(n) for n in zip(*((each.callbacks, each.unkept, each.compared) for each in families), strict=True)
    )
    print(
        f"{len(numbers)} phones, {callbacks} callbacks, {unkept_ones} rounds of unkept answers, rows compared "
        f"{compared} times, {size / 1e6:.0f} MB looked through for {len(wanted)} forms"
    )


def foreign(step: Step, content: Content) -> bool:
    """True for what is asked in other countries only."""
    for country in STEMS:
        known = {name: "yes" if country in listed else "no" for name, listed in content.common.switches.items()}
        known["country"] = country
        if all(each.holds(known) for each in step.only_if if each.name in known):
            return False
    return True


def forms(numbers: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """What a number or a typed text would look like, by name."""
    for stem in STEMS.values():
        digits = stem[4:].encode()  # without the country, as it stands in every way of writing it
        yield f"{stem} plain", digits
        yield f"{stem} in hex", digits.hex().encode()
        for shift in range(3):
            yield f"{stem} in base64, {shift}", base64.b64encode(b"x" * shift + stem[1:].encode())[4:12]
    for number in numbers:
        for size, order in ((8, "little"), (8, "big"), (6, "big")):
            yield f"{number} as {size} bytes, {order}", int(number[1:]).to_bytes(size, order)  # type: ignore[arg-type]
    for number in numbers[:1]:
        for said in (number, number[1:], "0" + number[4:], f"tel:{number}"):
            for name in ("md5", "sha1", "sha256"):  # without a key every number is tried in an hour
                digest = hashlib.new(name, said.encode()).digest()
                yield f"{name} of {said}", digest[:12]
                yield f"{name} of {said} in hex", digest.hex()[:24].encode()
                yield f"{name} of {said} in base64", base64.b64encode(digest)[:16]
                yield f"{name} of {said} for addresses", base64.urlsafe_b64encode(digest)[:16]
    for said in (TYPED, WRITTEN):
        for word in said.split():
            if len(word) > 5:
                yield f"{word} plain", word.encode()
                yield f"{word} in hex", word.encode().hex().encode()
                yield f"{word} in base64", base64.b64encode(word.encode())[:8]


def test_a_counted_answer_grows_the_total_once_even_after_back(
    own_database: str, new_server: Callable[..., Server], tmp_path: Path
) -> None:
    server = new_server(own_database, NGAZI_CONTENT=str(whole_content(tmp_path)))
    server.start()
    phone = Phone(server, f"{STEMS['TZ']}0")
    screen = phone.join()
    question = go_to("children", screen, phone.type).text.split("\n")[0]
    assert "dangerous work" in question
    phone.type("2")
    assert phone.type("0").text.startswith(question)
    phone.type("1")
    assert not phone.type("1").text.startswith(question)
    tallies = look(server.database_url, "SELECT dialog, step, choice, group_id, n FROM tally")
    assert tallies == [("children", "chi1", "no", 0, 1)]
    answers = look_for_one(server.database_url, "SELECT answers FROM run WHERE dialog = 'children'")
    assert json.loads(str(answers)) == [["chi1", "counted"], ["chi1", "seen"]]


def test_after_a_stop_the_sealed_number_is_gone(
    own_database: str, new_server: Callable[..., Server], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    server = new_server(own_database, NGAZI_CONTENT=str(whole_content(tmp_path)))
    server.start()
    phone = Phone(server, f"{STEMS['TZ']}1")
    screen = phone.join()
    assert look(server.database_url, "SELECT sealed FROM address") == [(None,)]  # nobody has asked for messages yet
    go_to("dates", screen, phone.type)
    for key in ("1", "25/03/2027", "1", "1"):
        phone.type(key)
    [(contact_id, sealed, key_id)] = look(server.database_url, "SELECT contact_id, sealed, key_id FROM address")
    assert seal.open(sealed, "tel", str(contact_id), key_id) == phone.number
    assert sealed in raw_bytes(server, request)

    assert phone.text("STOP") == 200
    assert look(server.database_url, "SELECT sealed, key_id FROM address") == [(None, None)]
    [(stopped_at,)] = look(server.database_url, "SELECT stopped_at FROM contact")
    assert stopped_at is not None
    # The one reply carries a sealed number of its own, to nobody's name, until it is sent.
    [(to_sealed,)] = look(server.database_url, "SELECT to_sealed FROM message WHERE direction = 'out'")
    assert sealed != to_sealed
    server.stop()
    # The log of changes holds old pages until it is written over; the tables themselves must not.
    if own_database:
        with create_engine(own_database, poolclass=NullPool, isolation_level="AUTOCOMMIT").connect() as db:
            db.execute(text("VACUUM FULL address"))
            db.execute(text("CHECKPOINT"))
    assert sealed not in raw_bytes(server, request)


def raw_bytes(server: Server, request: pytest.FixtureRequest) -> bytes:
    """What the files of the database hold; of PostgreSQL without its log of changes."""
    if server.database_url.startswith("sqlite"):
        return b"".join(file.read_bytes() for file in sorted((server.folder / "data").glob("ngazi.db*")))
    postgres: PostgresServer = request.getfixturevalue("own_postgres")
    with create_engine(server.database_url, poolclass=NullPool, isolation_level="AUTOCOMMIT").connect() as db:
        db.execute(text("CHECKPOINT"))
    return b"".join(
        file.read_bytes() for file in sorted((postgres._folder / "pgdata" / "base").rglob("*")) if file.is_file()
    )
