"""The commands `ngazi fake ...`: fake providers on this machine, to try sending without an account."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])
AGE = click.FloatRange(0, 3600)
RATE = click.FloatRange(0, 1)
EVERY = click.IntRange(0)

COMMON: tuple[Callable[[Any], Any], ...] = (
    click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port on 127.0.0.1; 0 finds a free one."),
    click.option(
        "--log", type=click.Path(path_type=Path, dir_okay=False), help="File: a JSON line for each accepted message."
    ),
    click.option("--plain", is_flag=True, help="Numbers have no meaning: every message is accepted and delivered."),
    click.option("--delay", type=AGE, default=0.0, help="Seconds until a call is answered."),
    click.option("--fail-every", type=EVERY, default=0, help="Every so many calls: 500, nothing accepted."),
    click.option("--error-rate", type=RATE, default=0.0, help="The same for this part of the calls: 0.05."),
    click.option("--hang-every", type=EVERY, default=0, help="Every so many calls: no answer."),
    click.option("--hang-rate", type=RATE, default=0.0, help="The same for this part of the calls: 0.05."),
    click.option(
        "--hang",
        type=click.Choice(["after", "before"]),
        default="after",
        show_default=True,
        help="Calls that hang do so after they were accepted and logged, or before.",
    ),
    click.option("--limit", type=click.FloatRange(0), default=0.0, help="More messages a second than this: 429."),
    click.option("--reports", default="", metavar="URL", help="Where delivery reports go."),
    click.option(
        "--report-style",
        "style",
        type=click.Choice(["ordered", "reversed", "twice", "unknown", "early", "late"]),
        default="ordered",
        show_default=True,
        help="How they come; unknown: with a strange word and a strange id; early: before the answer; "
        "late: all at once.",
    ),
    click.option("--report-after", type=AGE, default=None, help="Seconds until they come: 0.1, for late 5."),
    click.option(
        "--inbound", default="", metavar="URL", help="Where SMS go that are told to /_say; else by --reports."
    ),
    click.option("--seed", type=int, help="Chance takes the same course each time."),
)


def common(command: F) -> F:
    """The options that all fakes have."""
    for option in reversed(COMMON):
        command = option(command)
    return command


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def fake() -> None:
    """Fake providers on this machine, to try sending without an account.

    They answer on 127.0.0.1 only, call this machine only, and send nothing to anybody. SIGTERM or Ctrl+C ends them.
    """


@fake.command()
@common
@click.option("--charset", is_flag=True, help="Answer with application/json; charset=utf-8.")
@click.option("--shuffle", is_flag=True, help="Results of a list come in another order.")
def africastalking(**options: Any) -> None:
    """Answer as Africa's Talking.

    \b
    The last two digits of a number say what becomes of it:
      02 102 Queued                 06 406 UserInBlacklist
      03 403 InvalidPhoneNumber     07 407 CouldNotRoute
      05 405 InsufficientBalance    09 409 DoNotDisturbRejection
      04 accepted, then AbsentSubscriber
      08 accepted, then Failed, DeliveryFailure
      99 accepted, and the call gets no answer
      all others: 101 Success, then delivered
    The sender INVALID: InvalidSenderId for the whole call.
    """
    from gateway.fake.africastalking import AfricasTalking

    _run(AfricasTalking, options)


@fake.command()
@common
@click.option("--token", default="", help="Auth token that signs an SMS told to /_say before anything was sent.")
def twilio(**options: Any) -> None:
    """Answer as Twilio.

    \b
    The last two digits of a number say what becomes of it:
      03 21211 invalid number       07 21606 the sender is not valid
      05 20003 account (401)        29 20429 too many (429), the first time
      06 21610 unsubscribed         50 20500 error of the server (500)
      04 accepted, then undelivered, 30003
      08 accepted, then undelivered, 30008
      99 accepted, and the call gets no answer
      all others: queued, sent, delivered
    Twilio's magic numbers (+15005550001 and so on) mean what they mean there.
    """
    from gateway.fake.twilio import Twilio

    _run(Twilio, options)


@fake.command()
@common
@click.option("--key", default="fake", show_default=True, help="Signs the webhooks.")
@click.option(
    "--same-id",
    type=click.Choice(["conflict", "answer"]),
    default="conflict",
    show_default=True,
    help="A message with an id that came before: 409, or the first answer once more. Neither sends it twice.",
)
def android(**options: Any) -> None:
    """Answer as an Android phone with SMS Gateway (capcom6).

    \b
    The last two digits of a number say what becomes of it:
      03 400 invalid number
      50 500 error
      04 sent, never delivered
      08 accepted, then sms:failed
      99 accepted, and the call gets no answer
      all others: sms:sent, then sms:delivered once for each part
    """
    from gateway.fake.android import Android

    _run(Android, options)


def _run(kind: Callable[[Any], Any], options: dict[str, Any]) -> None:
    """Serve until a signal, then say how much there was. Raises ClickException with what to mend."""
    from gateway.fake import serving
    from gateway.fake.plan import NotThisMachine, Plan

    port = options.pop("port")
    try:
        fake = kind(Plan(**options))
    except NotThisMachine as error:
        raise click.ClickException(f"--reports and --inbound: {error}") from None
    except OSError as error:
        raise click.ClickException(f"--log: the file cannot be written: {_cause(error)}.") from None
    try:
        place = serving.listen(port)
    except OSError as error:
        raise click.ClickException(f"--port: cannot listen on port {port}: {_cause(error)}.") from None
    with place:
        serving.run(fake, place, click.echo)
    counts = {name: n for name, n in asdict(fake.diary.counts).items() if n}
    click.echo(", ".join(f"{name.replace('_', ' ')} {n:,}" for name, n in counts.items()) or "Nobody called.")


def _cause(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
