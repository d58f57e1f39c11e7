"""What a browser may load for our own pages, and who may show them within theirs (Content-Security-Policy)."""

from __future__ import annotations

from collections.abc import Sequence

ONLY_OURS = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
ONLY_OURS += "base-uri 'none'; form-action 'none'; frame-ancestors "


def only_ours(origins: Sequence[str] = ()) -> str:
    """The policy of a page that loads only what we serve. The sites at these origins may frame it, else none."""
    return ONLY_OURS + (" ".join(("'self'", *origins)) if origins else "'none'")
