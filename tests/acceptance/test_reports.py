"""Delivery reports in every order, twice, too early and of strangers: a message goes forward and never back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select, update

from dialogs.database import open_engine
from gateway import settling
from gateway.providers import DeliveryReport, Fate, Outcome, Status
from gateway.settling import RANK
from gateway.tables import FINAL, Message, Report
from tests.acceptance.processes import Fake, await_true
from tests.acceptance.sending import channel
from tests.acceptance.server import SECRET, Server
from tests.acceptance.village import Village
from tests.town import MONDAY, Town

PEOPLE = 25
STYLES = {"ke": ("africastalking", "reversed"), "k2": ("africastalking", "twice"), "k3": ("africastalking", "early"),
          "k4": ("twilio", "unknown"), "k5": ("twilio", "reversed")}  # fmt: skip
LEASE = MONDAY + timedelta(seconds=30)
REPORTS: list[Status] = ["sending", "sent", "delivered", "failed", "unknown"]
FATES: list[Fate] = ["sent", "delivered", "failed", "refused", "again", "unknown"]


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


class Letter:
    """One message that is in a provider's hands, with an id that it has or will have."""

    def __init__(self, town: Town) -> None:
        self.engine = town.engine
        town.reply("+254712345000", "Good.", status="sending", lease_until=LEASE, attempts=1)
        with self.engine.begin() as db:
            self.id: int = db.execute(select(func.max(Message.id))).scalar_one()
        self.provider_id = f"at-{self.id}"

    @property
    def status(self) -> str:
        with self.engine.begin() as db:
            return db.execute(select(Message.status).where(Message.id == self.id)).scalar_one()

    def outcome(self, fate: Fate) -> None:
        """What the provider said to the call."""
        known = fate in ("sent", "delivered")
        with self.engine.begin() as db:
            said = Outcome(self.id, fate, self.provider_id if known else "")
            settling.outcomes(db, "ke", [said], MONDAY, {self.id: LEASE})

    def report(self, status: Status, stranger: bool = False) -> None:
        """What it reports later, or earlier; perhaps about a message that nobody sent."""
        provider_id = "nobody's" if stranger else self.provider_id
        with self.engine.begin() as db:
            settling.reports(db, [DeliveryReport("ke", provider_id, status, status)], MONDAY)

    def late(self) -> None:
        """The chores find what came too early, and what nobody will tell of any more."""
        with self.engine.begin() as db:
            settling.late_matches(db, MONDAY)
            settling.leases(db, LEASE + timedelta(seconds=1))


def tries(engine: Engine) -> int:
    """How many examples each kind of database gets."""
    return 80 if engine.dialect.name == "sqlite" else 25


def test_whatever_order_reports_come_in_the_end_is_the_same(engine: Engine) -> None:
    town = Town(engine)

    @settings(max_examples=tries(engine))
    @given(st.lists(st.tuples(st.sampled_from(REPORTS), st.booleans()), max_size=6), st.integers(0, 6), st.booleans())
    def check(reports: list[tuple[Status, bool]], taken_at: int, twice: bool) -> None:
        letter = Letter(town)
        for turn in range(7):
            if turn == min(taken_at, len(reports)):  # what the call itself brought is written now
                letter.outcome("sent")
                if twice:
                    letter.outcome("sent")
            if turn < len(reports):
                letter.report(*reports[turn])
        letter.late()
        said = {status for status, stranger in reports if not stranger}
        assert letter.status == ("delivered" if "delivered" in said else "failed" if "failed" in said else "sent")

    check()


def test_a_message_never_goes_back(engine: Engine) -> None:
    town = Town(engine)
    step = st.one_of(
        st.tuples(st.just("outcome"), st.sampled_from(FATES)),
        st.tuples(st.just("report"), st.sampled_from(REPORTS)),
        st.tuples(st.just("late"), st.just("")),
    )

    @settings(max_examples=tries(engine))
    @given(st.lists(step, min_size=1, max_size=8))
    def check(steps: list[tuple[str, str]]) -> None:
        letter, before = Letter(town), "sending"
        for what, word in steps:
            getattr(letter, what)(*[word] if word else [])
            now = letter.status
            if before == "sending":
                assert now in (*FINAL, "sending", "queued")
            elif before == "queued":  # it surely did not go: only a claim takes it further, or a report
                assert now == "queued" or (what == "report" and now in FINAL)
            else:
                assert now in FINAL
                assert RANK[now] >= RANK[before]
            before = now

    check()


def test_a_report_about_nobody_is_kept_and_changes_nothing(engine: Engine) -> None:
    letter = Letter(Town(engine))
    letter.outcome("sent")
    letter.report("failed", stranger=True)
    letter.late()
    assert letter.status == "sent"
    with engine.begin() as db:
        kept = db.execute(select(Report.provider_id, Report.message_id)).one()
    assert kept == ("nobody's", None)


def test_what_a_dead_worker_had_handed_over_is_delivered_when_the_report_says_so(engine: Engine) -> None:
    letter = Letter(Town(engine))
    letter.late()
    assert letter.status == "unknown"
    with engine.begin() as db:  # the id was written, and the worker ended before it heard of that
        db.execute(update(Message).values(provider_id=letter.provider_id))
    letter.report("sent")
    assert letter.status == "unknown"
    letter.report("delivered")
    assert letter.status == "delivered"


@pytest.mark.slow
def test_reports_of_every_style_end_as_delivered_and_nothing_goes_back(
    tmp_path: Path, new_server: Callable[..., Server]
) -> None:
    with ExitStack() as stack:
        village = stack.enter_context(closing(Village(f"sqlite:///{tmp_path / 'ngazi.db'}", PEOPLE)))
        server = new_server(village.url, NGAZI_SENDING="here")
        written, fakes = [], []
        for name, (provider, style) in STYLES.items():
            reports = f"http://127.0.0.1:{server.port}/in/{name}/{SECRET}/delivery"
            fake = Fake(
                tmp_path / name, provider, "--reports", reports, "--report-style", style, "--report-after", "0.2"
            )
            fake.start()
            stack.callback(fake.kill)
            fakes.append(fake)
            written.append(channel(provider, fake.url, 50).replace("ke=", f"{name}=", 1))
            if name != "ke":
                village.queue(f"News on {name}.", channel=name)
        server.set(NGAZI_CHANNELS=" ".join(written), NGAZI_PUBLIC_URL=f"http://127.0.0.1:{server.port}")
        server.start()
        ranks = watch(village, PEOPLE * len(STYLES))
        assert set(ranks.values()) == {RANK["delivered"]}
        await_true(lambda: sum(fake.counts.get("reports", 0) for fake in fakes) >= 8 * PEOPLE, "too few reports")
        assert sum(fake.counts.get("reports_refused", 0) for fake in fakes) == 0
        for fake in fakes:
            assert sorted(fake.received) == sorted(village.numbers.values())
        assert "trace" not in server.log


def watch(village: Village, count: int) -> dict[int, int]:
    """Look until all are delivered; the ranks that the messages have at the end."""
    ranks: dict[int, int] = {}
    until = time.monotonic() + 30
    while time.monotonic() < until and (len(ranks) < count or min(ranks.values()) < RANK["delivered"]):
        for id, status in village.look(select(Message.id, Message.status).where(Message.direction == "out")):
            if status in ("queued", "sending") and ranks.get(id, 0) < RANK["sent"]:
                ranks[id] = RANK[status]
            assert RANK[status] >= ranks.get(id, 0), f"it went back to {status}"
            ranks[id] = RANK[status]
        time.sleep(0.02)
    return ranks
