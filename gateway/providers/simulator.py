"""A simulated phone: speaks as Africa's Talking does, needs no account and costs nothing.

It can play any phone number, so it never stands next to a real channel (`settings.py` refuses).
"""

from __future__ import annotations

from gateway.channels import Channel
from gateway.providers.africastalking import AfricasTalking


class Simulator(AfricasTalking):
    """One channel whose phones are simulated."""


def connect(channel: Channel, public_url: str) -> Simulator:
    return Simulator(channel)
