"""The user and password of a call, by HTTP Basic authentication (RFC 7617)."""

from __future__ import annotations

import base64
import binascii

from starlette.requests import Request


def credentials(request: Request) -> tuple[str, str]:
    """User and password; twice "" if they are missing or cannot be read."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    try:
        user, _, password = base64.b64decode(given, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return "", ""
    return (user, password) if scheme.lower() == "basic" else ("", "")
