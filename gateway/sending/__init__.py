"""Handing texts over to providers: what they said, and what it means for a message, in the words people read.

The reasons stand in `message.error`: short plain words without a number or a text.
"""

from __future__ import annotations

from dataclasses import replace

from gateway.providers import Outcome
from gateway.sending.post import Answer, NoAnswer

UNREACHED = "the provider could not be reached"
UNANSWERED = "the provider did not answer; nobody can tell whether it went"
UNREADABLE = "the provider's answer could not be read; nobody can tell whether it went"
NO_KEY = "the provider does not accept our account or its key"
NO_MONEY = "our account with the provider has no money left"
NO_ACCOUNT = "the provider lets our account send nothing for now"
WRONG_ADDRESS = "the provider's address is wrong or has moved"
TOO_FAST = "the provider wants us to send more slowly"
FAULT = "the provider has a fault at the moment"
BUSY = "the provider or the network is too busy"
WRONG_CALL = "the provider does not understand our call"
TOO_LONG = "the text is too long for one message"
EMPTY = "the text is empty"
REFUSED = "the provider did not take it"

_SLOWER = frozenset((408, 425, 429))  # the call was not read, came too soon, or too many came
_MOVED = frozenset((301, 307, 308, 404, 405, 407))  # a proxy that wants a password, too


def unsent(error: NoAnswer) -> Outcome:
    """What no answer means: before anything was written again, afterwards unknown. Its `id` is 0."""
    return Outcome(0, "unknown", reason=UNANSWERED) if error.written else Outcome(0, "again", reason=UNREACHED)


def judge(answer: Answer, told: bool) -> Outcome:
    """What an answer other than 2xx means by its status alone, for the whole call; its `id` is 0.

    `told`: the provider itself speaks in it, and not a server in front of it.
    """
    status, wait = answer.status, answer.wait
    if status in (401, 403):
        return Outcome(0, "again", word=str(status), reason=NO_KEY, remedy="pause")
    if status == 402:
        return Outcome(0, "again", word=str(status), reason=NO_MONEY, remedy="pause")
    if status in _MOVED:
        return Outcome(0, "again", word=str(status), reason=WRONG_ADDRESS, remedy="pause")
    if status in _SLOWER:
        return Outcome(0, "again", word=str(status), reason=TOO_FAST, wait=wait)
    if 400 <= status < 500:  # it would refuse every other message in the same way: a person has to look first
        return Outcome(0, "refused", word=str(status), reason=WRONG_CALL, remedy="halt")
    if status in (500, 503) and told:
        return Outcome(0, "again", word=str(status), reason=FAULT, wait=wait)
    # A 502 or 504 comes from a server in between: the provider may well have had the call. A 302 says nothing.
    return Outcome(0, "unknown", word=str(status), reason=UNREADABLE)


def judge_one(answer: Answer) -> Outcome:
    """As `judge`, for a call with one message only: what the provider itself refuses is about this message alone."""
    outcome = judge(answer, answer.worded)
    if answer.worded and outcome.remedy == "halt":
        return replace(outcome, reason=REFUSED, remedy="")
    return outcome
