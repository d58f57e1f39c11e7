from __future__ import annotations

import io
import json
import logging
import sys
import threading
import warnings

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from gateway import logs


@pytest.fixture
def written():
    """What goes into the logs."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level, threading.excepthook)
    stream = io.StringIO()
    logs.set_up(stream=stream)
    yield stream
    root.handlers[:], threading.excepthook = before[0], before[2]
    root.setLevel(before[1])
    logging.captureWarnings(False)


@pytest.mark.parametrize(
    ("said", "masked"),
    [
        ("+254712345001", "+2547••••001"),
        ("from +254 712 345 001 to", "from +2547••••001 to"),
        ("254712345001", "2547••••001"),
        ("0712345001", "071••••001"),
        ("0712 345 001", "071••••001"),
        ("(0712) 345-001", "071••••001"),
        ("712 345 001", "71••••001"),
        ("phoneNumber=%2B254712345001&text=", "phoneNumber=%2B2547••••001&text="),
        ("whatsapp:+254712345001", "whatsapp:+2547••••001"),
        ("٠٧١٢٣٤٥٠٠١", "٠٧١••••٠٠١"),
        ("+22670123456", "+2267••••456"),
        ("12345678", "1••••678"),
    ],
)
def test_a_phone_number_is_masked_however_it_is_written(said, masked):
    assert logs.mask(said) == masked


@pytest.mark.parametrize(
    "said", ["2026-11-22 06:04:45", "2026-11-22T06:04:45.123Z", "127.0.0.1:54321", "took 1234567 ms", "*384*77#"]
)
def test_what_is_no_number_stays(said):
    assert logs.mask(said) == said


def test_a_record_is_one_line_of_json_with_what_was_given_beside_it(written):
    logging.getLogger("ngazi.x").info("one\ntwo", extra={"channel": "ke", "whom": "+254712345001"})
    line = json.loads(written.getvalue())
    assert line["message"] == "one\ntwo"
    assert line["channel"] == "ke"
    assert line["whom"] == "+2547••••001"
    assert (line["level"], line["logger"]) == ("info", "ngazi.x")
    assert written.getvalue().count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [("called by %s", "+254712345001"), ("called by %d", 254712345001), ("called by %r", b"%2B254712345001")],
)
def test_arguments_are_masked(written, arguments):
    logging.getLogger("ngazi.x").warning(*arguments)
    assert "••••001" in written.getvalue()
    assert "2345" not in written.getvalue()


def test_arguments_that_do_not_fit_are_not_printed_as_they_are(written, capsys):
    logging.getLogger("ngazi.x").warning("called by %d", "+254712345001")
    assert "2345" not in written.getvalue() + "".join(capsys.readouterr())


def test_an_exception_tells_where_and_what_kind_but_no_number_and_no_text(written):
    try:
        try:
            int("ng'ombe shimoni 3")
        except ValueError:
            raise KeyError("+254712345001 said Ajali") from None
    except KeyError:
        logging.getLogger("ngazi.x").exception("it failed for +254712345001")
    line = json.loads(written.getvalue())
    assert "KeyError" in line["trace"]
    assert "test_logs.py:" in line["trace"]
    assert not any(word in written.getvalue() for word in ("Ajali", "shimoni", "2345"))


def test_what_led_to_an_exception_is_told_as_carefully(written):
    try:
        try:
            int("ng'ombe shimoni")
        except ValueError as error:
            raise RuntimeError("no answer") from error
    except RuntimeError:
        logging.getLogger("ngazi.x").exception("failed")
    trace = json.loads(written.getvalue())["trace"]
    assert "ValueError: invalid literal for int() with base 10: …" in trace
    assert "RuntimeError: no answer" in trace
    assert "shimoni" not in trace


def test_an_exception_of_the_database_tells_no_parameters(written):
    with create_engine("sqlite://").connect() as db:
        try:
            db.execute(text("INSERT INTO nowhere VALUES (:said)"), {"said": "Ajali shimo 3"})
        except SQLAlchemyError:
            logging.getLogger("ngazi.x").exception("failed")
    assert "no such table: nowhere" in written.getvalue()
    assert "Ajali" not in written.getvalue()


def test_a_row_that_postgresql_shows_is_not_told():
    said = (
        "null value in column violates\nDETAIL:  Failing row contains (1, Ajali\nshimo, null).\n\n"
        "[SQL: INSERT INTO message]\n(Background on this error at: https://sqlalche.me/e/21/gkpj)"
    )
    hushed = logs.hush(RuntimeError(said))
    assert "shimo" not in hushed
    assert "INSERT INTO message" in hushed


def test_other_peoples_loggers_and_warnings_go_the_same_way(written):
    logging.getLogger("uvicorn.error").error("Exception for +254712345001")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(False)
        logs.set_up(stream=written)  # again, since pytest catches warnings in its own way
        warnings.warn("+254712345001 is old", stacklevel=1)
    assert written.getvalue().count("••••001") >= 2
    assert "2345" not in written.getvalue()


def test_a_thread_that_dies_is_logged_and_masked(written, capsys):
    def work() -> None:
        raise ValueError("+254712345001")

    thread = threading.Thread(target=work, name="desk")
    thread.start()
    thread.join()
    line = json.loads(written.getvalue())
    assert line["message"] == "thread desk died"
    assert "2345" not in written.getvalue() + capsys.readouterr().err


def test_logs_go_to_stderr_unless_told_otherwise(written):
    logs.set_up()
    assert logging.getLogger().handlers[0].stream is sys.stderr  # type: ignore[attr-defined]
