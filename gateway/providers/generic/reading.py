"""A company's file to a Layout. What is wrong in it is told with the file, the key and what is expected there."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import get_args

from gateway.channels import SettingsError
from gateway.providers import Carriage, Ending, Remedy, Status
from gateway.providers.generic.filling import names
from gateway.providers.generic.layout import Body, Calls, Layout, Messages, Reports, Result, Sending
from gateway.providers.generic.table import Table

READY = Path(__file__).parent
LARGEST = 64 * 1024  # bytes
METHODS = ("POST", "GET", "PUT")
REPLY_NAMES = ("text", "more")
CREDENTIALS = ("host", "user", "key", "from")
SEND_NAMES = (*CREDENTIALS, "to", "to_plain", "all", "all_plain", "text", "reference", "callback", "lasts")


def ready() -> tuple[str, ...]:
    """The companies whose files come with the program."""
    return tuple(sorted(file.stem for file in READY.glob("*.toml")))


def read_layout(written: str) -> Layout:
    """The layout of a ready company, or in a file of the operator's own. Raises SettingsError."""
    file = READY / f"{written}.toml" if written in ready() else Path(written)
    if file.suffix != ".toml":
        near = difflib.get_close_matches(written, ready(), 1)
        mend = (
            f"perhaps {near[0]} was meant" if near else f"there are {', '.join(ready())}, or the path of a .toml file"
        )
        raise SettingsError(f"NGAZI_CHANNELS: the format {written or 'of a generic channel'} is not known; {mend}.")
    try:
        with file.open("rb") as opened:
            source = opened.read(LARGEST)
        content = tomllib.loads(source.decode("utf-8"))
    except OSError as error:
        raise SettingsError(f"NGAZI_CHANNELS: the format {file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{file}: it is not written in UTF-8.") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError(f"{file}: {error}.") from None
    return _layout(Table(str(file), "", content))


def _layout(top: Table) -> Layout:
    top.text("about")
    methods = top.get("methods") or ["POST"]
    if not isinstance(methods, list) or not set(map(str, methods)) <= set(METHODS):
        raise top.wrong("methods", f"is a list of {', '.join(METHODS)}")
    answer = _body(top.table("answer"), (), False) if top.has("answer") else Body("text/plain")
    top.get("answer")
    layout = Layout(
        frozenset(methods),
        answer,
        _calls(top.table("ussd")) if top.has("ussd") else None,
        _messages(top.table("sms")) if top.has("sms") else None,
        _reports(top.table("delivery")) if top.has("delivery") else None,
        _sending(top.table("send")) if top.has("send") else None,
    )
    top.get("ussd"), top.get("sms"), top.get("delivery"), top.get("send")
    top.done()
    if not (layout.ussd or layout.sms or layout.delivery or layout.send):
        raise top.wrong("", "has none of the tables ussd, sms, delivery and send")
    return layout


def _calls(table: Table) -> Calls:
    reply = table.table("reply")
    more, last = reply.get("more"), reply.get("last")
    for key, value in (("more", more), ("last", last)):
        if not isinstance(value, str | bool | int):
            raise reply.wrong(key, "is missing: what stands for {more} is expected, a text, a number, true or false")
    at_end = reply.tree("json_at_end", REPLY_NAMES, True) or {}
    if not isinstance(at_end, dict):
        raise reply.wrong("json_at_end", "is a table: [ussd.reply.json_at_end]")
    body = _body(reply, REPLY_NAMES, True)
    used = [
        *names(body.text),
        *names(dict(body.json or {})),
        *names(at_end),
        *(n for each in body.headers.values() for n in names(each)),
    ]
    if "text" not in used:
        raise reply.wrong("text" if body.json is None else "json", "has no {text}: the screen is expected in it")
    calls = Calls(
        session=table.fields("session", needed=True),
        number=table.fields("number", needed=True),
        text=table.fields("text", needed=True),
        turn=table.fields("turn"),
        kind=table.fields("kind"),
        new=table.values("new"),
        ended=table.meanings("ended", get_args(Ending)),
        ignore=table.values("ignore"),
        whole=table.word("typed", ("latest", "whole"), "latest") == "whole",
        dialled=table.word("first", ("typed", "code"), "typed") == "code",
        reply=body,
        more=more,
        last=last,
        at_end=at_end,
        echo=tuple(sorted({name.removeprefix("in.") for name in used if name.startswith("in.")})),
    )
    if (calls.new or calls.ended or calls.ignore) and not calls.kind:
        raise table.wrong("kind", "is missing: the field whose values new, ended and ignore tell apart is expected")
    table.done()
    return calls


def _body(table: Table, allowed: Iterable[str], echo: bool) -> Body:
    text, tree = table.filled("text", allowed, echo), table.tree("json", allowed, echo)
    if table.has("text") == table.has("json"):
        raise table.wrong("text", "or json is expected, one of the two")
    type = table.text("type", "text/plain" if tree is None else "application/json")
    if tree is not None and not isinstance(tree, dict):
        raise table.wrong("json", "is a table of the fields of a JSON object")
    body = Body(type, text, tree, table.headers("headers", allowed))
    table.done()
    return body


def _messages(table: Table) -> Messages:
    messages = Messages(
        list=table.text("list"),
        id=table.fields("id"),
        number=table.fields("number", needed=True),
        text=table.fields("text", needed=True),
        time=table.fields("time"),
    )
    table.done()
    return messages


def _reports(table: Table) -> Reports:
    reports = Reports(
        list=table.text("list"),
        id=table.fields("id", needed=True),
        status=table.fields("status", needed=True),
        reason=table.fields("reason"),
        cost=table.fields("cost"),
        words=table.meanings("words", get_args(Status)),
        remedies=table.meanings("remedies", tuple(filter(None, get_args(Remedy)))),
    )
    table.done()
    return reports


def _sending(table: Table) -> Sending:
    url = table.filled("url", CREDENTIALS)
    if not re.match(r"https?://[^/\s]+", url):
        raise table.wrong("url", "is missing: an address that begins with https:// is expected")
    bodies = [each for each in ("json", "form", "query") if table.has(each)]
    if len(bodies) != 1:
        raise table.wrong("json", "or form or query is expected, one of the three")
    tree = table.tree(bodies[0], SEND_NAMES)
    if not isinstance(tree, dict):
        raise table.wrong(bodies[0], f"is a table: [send.{bodies[0]}]")
    used = set(names(tree))
    if "text" not in used or not used & {"to", "to_plain", "all", "all_plain"}:
        raise table.wrong(bodies[0], "has no {text}, or none of {to}, {to_plain}, {all} and {all_plain}")
    most = int(table.number("most", 1, 1, 1000))
    reply = table.table("reply")
    result = _result(reply)
    if most > 1 and not (used & {"all", "all_plain"} and result.list and result.number):
        raise table.wrong("most", "above 1 needs {all} or {all_plain}, and in reply the keys list and number")
    carriage = Carriage(
        most=most,
        alike=most > 1,
        calls=int(table.number("calls", 4, 1, 50)),
        rate=float(table.number("rate", 5, 0.001, 1000)),
        longest=int(table.number("longest", 1600, 70, 10_000)),
    )
    method = table.word("method", METHODS, "GET" if bodies[0] == "query" else "POST")
    headers = table.headers("headers", (*CREDENTIALS, "basic", "reference"))
    table.done()
    return Sending(method, url, headers, bodies[0], tree, carriage, result)


def _result(table: Table) -> Result:
    result = Result(
        list=table.text("list"),
        number=table.fields("number"),
        id=table.fields("id"),
        status=table.fields("status"),
        ok=table.values("ok"),
        reason=table.fields("reason"),
        cost=table.fields("cost"),
        split=table.text("split"),
        remedies=table.meanings("remedies", tuple(filter(None, get_args(Remedy)))),
    )
    if bool(result.ok) != bool(result.status):
        raise table.wrong("ok", "and status are expected together: the field, and what it says of a message taken")
    table.done()
    return result
