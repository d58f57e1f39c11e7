"""A simulated phone: speaks as Africa's Talking does, needs no account and costs nothing.

It can play any phone number, so it never stands next to a real channel (`settings.py` refuses).
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Sequence

from gateway.channels import Channel
from gateway.providers import Carriage, Outcome, Outgoing
from gateway.providers.africastalking import AfricasTalking

KEPT = 200  # messages that stay in memory: what a phone got last, though its person was forgotten since


class Simulator(AfricasTalking):
    """One channel whose phones are simulated."""

    carriage = Carriage(most=100, alike=False, calls=4, rate=1000.0)

    def __init__(self, channel: Channel) -> None:
        super().__init__(channel)
        self.arrived: deque[Outgoing] = deque(maxlen=KEPT)

    def send(self, messages: Sequence[Outgoing]) -> list[Outcome]:
        """They are there at once: a simulated phone reads what it got from the database."""
        self.arrived.extend(messages)
        return [
            Outcome(message.id, "delivered", f"sim-{message.id}-{secrets.token_hex(8)}", "delivered")
            for message in messages
        ]


def connect(channel: Channel, public_url: str) -> Simulator:
    return Simulator(channel)
