"""How a broadcast looks in a terminal and in JSON: its bill, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import click
from rich.console import Console, Group
from rich.markup import escape
from rich.table import Table
from sqlalchemy import Row

from gateway.bill import Bill, Speech
from gateway.broadcasts import Totals


def write(value: Any) -> None:
    """JSON on stdout."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def as_json(row: Row[Any], bill: Bill | None = None, totals: Totals | None = None) -> dict[str, Any]:
    """A broadcast for a program. `recipients` of a draft are those of its bill."""
    found: dict[str, Any] = {
        "id": row.id,
        "name": row.name,
        "status": row.status,
        "dialog": row.dialog,
        "audience": row.audience,
        "text": row.text,
        "created_by": row.created_by,
        "approved_by": row.approved_by,
        "sent_by": row.sent_by,
        "any_hour": row.any_hour,
        "reason": row.reason,
    }
    for name in ("created_at", "approved_at", "starts_at", "begun_at", "expires_at", "done_at"):
        at = getattr(row, name)
        found[name] = at.isoformat() if at else None
    if totals is not None:
        found["recipients"] = bill.recipients if bill is not None else totals.recipients
        found["totals"] = totals.states
        found["reasons"] = [{"state": state, "reason": reason, "n": n} for state, reason, n in totals.reasons]
        found["languages"] = totals.languages
        found["segments"] = totals.segments
        found["costs"] = {currency: str(amount) for currency, amount in totals.costs.items()}
    if bill is not None:
        found["bill"] = bill.to_json()
    return found


def bill_page(row: Row[Any], bill: Bill) -> None:
    """The bill on stdout."""
    out = Console(highlight=False, soft_wrap=True)
    out.print(f"[bold]Broadcast {row.id}: {escape(row.name)}[/bold]")
    out.print(f"{bill.goes_to:,} of {bill.recipients:,} people get it.")
    for reason, n in bill.left_out.items():
        out.print(f"  {n:>9,} left out: {reason}")
    for each in bill.borrowed:
        out.print(f"  {each.people:>9,} read {escape(each.name)}: they get the text in {escape(each.gets_name)}")
    for speech in bill.speeches:
        out.print()
        _speech(out, row.id, speech)
    out.print(f"\n[bold]At most {_money(bill.costs)}[/bold]" if bill.costs else "\nNo price is known.")
    if bill.first_at is not None:
        last = f", the last about {_moment(bill.last_at)}" if bill.last_at else ""
        out.print(f"If it begins now, the first goes {_moment(bill.first_at)}{last}.")
    for remark in bill.remarks:
        out.print(f"Note: {escape(remark)}")


def _speech(out: Console, id: int, speech: Speech) -> None:
    sms = f"{speech.segments} SMS" + ("" if speech.gsm7 else " of 70 letters")
    price = f", {_money(speech.costs)}" if speech.costs else ""
    out.print(f"[bold]{escape(speech.name)}[/bold]: {speech.people:,} people, {sms} each{price}")
    for line in speech.sample.splitlines():
        out.print(f"  | {escape(line)}")
    if speech.odd:
        letters = " ".join(f'"{escape(letter)}"' for letter in speech.odd)
        out.print(f"  {letters} makes it an SMS of 70 letters instead of 160.")
    if speech.cheaper is not None:
        cost = f", {_money(speech.cheaper.costs)}" if speech.cheaper.costs else ""
        better = "Cheaper" if speech.cheaper.segments < speech.segments else "In plain letters"
        out.print(f"  {better}, {speech.cheaper.segments} SMS each{cost}: {escape(speech.cheaper.text)}")
        out.print(f"  To take it: ngazi broadcast plain {id}")


def totals_page(row: Row[Any], totals: Totals) -> Group:
    """What became of a broadcast so far."""
    states = Table(box=None, show_header=False, pad_edge=False)
    for state, n in totals.states.items():
        if n:
            states.add_row(state, f"{n:,}", _reasons(state, totals))
    share = f", {100 * totals.settled // totals.recipients} % done" if totals.recipients else ""
    head = f"[bold]Broadcast {row.id}: {escape(row.name)}[/bold]\n{row.status}: {totals.recipients:,} people{share}"
    if row.reason:
        head += f"\nReason: {escape(row.reason)}"
    tail = [f"{n:,} in {language}" for language, n in totals.languages.items()]
    tail += [f"{totals.segments:,} SMS"] if totals.segments else []
    tail += [f"cost {_money(totals.costs)}"] if totals.costs else []
    return Group(head, states, ", ".join(tail))


def _reasons(state: str, totals: Totals) -> str:
    return "; ".join(f"{n:,} {escape(reason)}" for each, reason, n in totals.reasons if each == state)


def list_table(rows: Sequence[Row[Any]]) -> Table:
    """Broadcasts, one a line."""
    table = Table("ID", "Name", "Status", "Made", "Begun", box=None)
    for row in rows:
        begun = _moment(row.begun_at) if row.begun_at else ""
        table.add_row(str(row.id), escape(row.name), row.status, _moment(row.created_at), begun)
    return table


def _money(costs: Mapping[str, Decimal]) -> str:
    return " + ".join(f"{amount:,.2f} {currency}" for currency, amount in costs.items())


def _moment(at: datetime) -> str:
    return f"{at.day} {at:%b %Y %H:%M} UTC"
