"""Phone numbers at rest: a keyed hash to find one, sealed bytes to send to one.

Two keys come from `NGAZI_SECRET_KEY` by HKDF-SHA256 (RFC 5869). The finding key is for life: with another one
nobody would be found again. The sealing key may be followed by a newer one; `key_id` names the one a row was made with.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE = 12  # bytes; a fresh random one for every sealing (NIST SP 800-38D, 8.2.2)
SHORTEST = 32  # letters of a secret


class WrongKey(Exception):
    """These bytes were sealed with another key, for another person, or have been changed."""


def _derive(secret: str, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=b"ngazi", info=purpose).derive(secret.encode())


class Seal:
    """Finds and seals addresses. `newer` is a second secret used for sealing only, from now on."""

    def __init__(self, secret: str, newer: str = "", nonce: Callable[[int], bytes] = os.urandom) -> None:
        for each in (secret, newer or secret):
            if len(each) < SHORTEST:
                raise ValueError(f"The secret key is too short: {len(each)} letters, at least {SHORTEST} needed.")
        self._find = _derive(secret, b"find")
        self._nonce = nonce
        self._sealing: dict[str, AESGCM] = {}
        for each in (secret, newer):
            if each:
                key = _derive(each, b"seal")
                self.key_id = hashlib.sha256(b"id" + key).hexdigest()[:8]
                self._sealing[self.key_id] = AESGCM(key)

    def key(self, kind: str, value: str) -> str:
        """What an address is found by: HMAC-SHA256 in base64url, 43 letters. The same for ever."""
        digest = hmac.digest(self._find, f"{kind}:{value}".encode(), "sha256")
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def seal(self, value: str, kind: str, owner: str) -> bytes:
        """The address as bytes that only this key opens, and only for this kind and owner."""
        nonce = self._nonce(NONCE)
        return nonce + self._sealing[self.key_id].encrypt(nonce, value.encode(), f"{kind}:{owner}".encode())

    def open(self, sealed: bytes, kind: str, owner: str, key_id: str) -> str:
        """The address again. Raises WrongKey."""
        try:
            aead = self._sealing[key_id]
            plain = aead.decrypt(sealed[:NONCE], sealed[NONCE:], f"{kind}:{owner}".encode())
        except (KeyError, InvalidTag, ValueError) as error:
            raise WrongKey from error
        return plain.decode()

    @property
    def check(self) -> str:
        """A value that tells this finding key from another, and tells nothing else."""
        return hmac.digest(self._find, b"check", "sha256").hex()[:32]
