"""The command `ngazi messages`: why a person got a message, or did not."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click
from sqlalchemy import Connection

from gateway import why
from gateway.cli_contacts import COUNTRY, ID, JSON, one
from gateway.cli_reminders import playing
from gateway.command import Opened, opened
from gateway.people.telling import as_json, refusals
from gateway.reminders_ahead import Ahead
from gateway.why import Outgoing

SHOWN = 20


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--why", "number", metavar="NUMBER", help="The person, by number.")
@ID
@click.option("--broadcast", "broadcast_id", type=int, metavar="ID", help="Only this broadcast.")
@click.option("--limit", default=SHOWN, type=click.IntRange(1, 1000), show_default=True, help="How many messages.")
@click.option("--text", "texts", is_flag=True, help="Show the texts too.")
@COUNTRY
@JSON
def messages(
    number: str | None, id_: int | None, broadcast_id: int | None, limit: int, texts: bool, country: str, json_: bool
) -> None:
    """Show the messages to one person and what became of them, and what speaks against messages now.

    Texts older than NGAZI_SWEEP_DAYS are gone. Times are UTC.
    """
    with opened() as house, refusals():
        try:
            found = house.transact(
                lambda db: _found(house, db, one(house, db, number, id_, country)[0], broadcast_id, limit, texts)
            )
        except LookupError as error:
            raise click.ClickException(f"There is no broadcast {error}. All broadcasts: ngazi broadcast list") from None
    if json_:
        as_json(found)
        return
    for line in _lines(found, texts):
        click.echo(line)


def _found(house: Opened, db: Connection, id: int, broadcast_id: int | None, limit: int, texts: bool) -> dict[str, Any]:
    now, play = house.clock(), playing(house)
    sent = why.outgoing(db, house.content, id, limit, broadcast_id)
    found: dict[str, Any] = {"contact": id, "messages": [_as_json(each, texts) for each in sent]}
    if broadcast_id is not None and not sent:
        found["broadcast"] = why.of_broadcast(db, id, broadcast_id, now)
    if broadcast_id is None:
        found["not_written"] = [_missing(each) for each in why.not_written(db, play, id, now)[:limit]]
    found["against_now"] = why.against(db, play, id, now)
    found["ledger"] = [
        {"what": each.what, "yes": each.yes, "how": each.how, "at": _utc(each.at)} for each in why.ledger(db, id)
    ]
    return found


def _as_json(each: Outgoing, texts: bool) -> dict[str, Any]:
    found = {
        "id": each.id, "kind": each.kind, "what": each.what, "status": each.status, "state": each.state,
        "reason": each.reason, "attempts": each.attempts, "channel": each.channel, "language": each.language,
        "created_at": _utc(each.created_at), "due_at": _utc(each.due_at), "sent_at": _utc(each.sent_at),
        "delivered_at": _utc(each.delivered_at), "provider_said": each.said, "provider_said_at": _utc(each.said_at),
    }  # fmt: skip
    return {**found, "text": each.text} if texts else found


def _missing(each: Ahead) -> dict[str, Any]:
    return {"at": _utc(each.at), "series": each.series, "moment": each.moment, "on": each.on.isoformat(),
            "reason": each.reason}  # fmt: skip


def _utc(at: datetime | None) -> str | None:
    return None if at is None else f"{at.isoformat(' ', 'minutes')} UTC"


def _lines(found: dict[str, Any], texts: bool) -> list[str]:
    lines = [f"Contact {found['contact']}", ""]
    if "broadcast" in found:
        lines += [found["broadcast"], ""]
    elif not found["messages"]:
        lines += ["No message was written for this person.", ""]
    for each in found["messages"]:
        lines += [f"{each['created_at']}  {each['what']}", *_details(each, texts), ""]
    if found.get("not_written"):
        lines.append("Reminders of the last weeks without a message:")
        for each in found["not_written"]:
            lines.append(f"  {each['at']}  {each['series']}, {each['moment']}, date {each['on']}: {each['reason']}")
        lines.append("")
    lines.append(
        "What speaks against messages now:" if found["against_now"] else "Nothing speaks against messages now."
    )
    lines += [f"  {each}" for each in found["against_now"]]
    if found["ledger"]:
        lines += ["", "Agreed to, and taken back:"]
        lines += [
            f"  {each['at']}  {each['what']}: {'yes' if each['yes'] else 'no'}, by {each['how']}"
            for each in found["ledger"]
        ]
    return lines


def _details(each: dict[str, Any], texts: bool) -> list[str]:
    reason = f": {each['reason']}" if each["reason"] else ""
    lines = [f"  {each['state']}{reason}"]
    if each["status"] == "queued":
        lines.append(f"  not before {each['due_at']}")
    if each["sent_at"]:
        times = f", try {each['attempts']}" if each["attempts"] > 1 else ""
        lines.append(f"  handed over {each['sent_at']} to {each['channel']}{times}")
    if each["delivered_at"]:
        lines.append(f"  arrived {each['delivered_at']}")
    if each["provider_said"]:
        lines.append(f"  the phone company: {each['provider_said']} ({each['provider_said_at']})")
    if texts:
        lines.append(f"  text: {each['text'] if each['text'] else 'not made yet, or gone already'}")
    return lines
